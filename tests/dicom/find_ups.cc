// findscu with UPS as its model: find_ups SOP-CLASS PORT FOLDER KEY...
// DcmFindSCU is what DCMTK's findscu is a command line of; its options have no SOP class but four.
// Each answer becomes FOLDER/rspNNNN.dcm.
#include "dcmtk/config/osconfig.h"

#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmnet/dfindscu.h"
#include "dcmtk/oflog/oflog.h"

#include <cstdio>
#include <cstdlib>

int main(int argc, char **argv)
{
    OFList<OFString> keys;
    DcmFindSCU findscu;

    if (argc < 4) {
        fputs("find_ups SOP-CLASS PORT FOLDER KEY...\n", stderr);
        return 64;
    }
    OFLog::configure(OFLogger::WARN_LOG_LEVEL);
    for (int i = 4; i < argc; i++)
        keys.push_back(argv[i]);
    OFCondition result = findscu.initializeNetwork(30);
    if (result.good())
        result = findscu.performQuery("127.0.0.1", static_cast<unsigned>(atoi(argv[2])), "FINDER",
                                      "CERVIGATE", argv[1], EXS_Unknown, DIMSE_BLOCKING, 0,
                                      ASC_DEFAULTMAXPDU, OFFalse, OFFalse, 1, FEM_dicomFile, -1,
                                      &keys, NULL, NULL, argv[3]);
    if (result.bad())
        fprintf(stderr, "find_ups: %s\n", result.text());
    return result.bad();
}
