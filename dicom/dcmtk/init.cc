/* Preparation of DCMTK: everything that a child of fork should find loaded already. */
#include "charset.h"
#include "shim.hh"

#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcdict.h"
#include "dcmtk/dcmdata/dcrledrg.h"
#include "dcmtk/dcmdata/dcrleerg.h"
#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmjpeg/djdecode.h"
#include "dcmtk/dcmjpls/djdecode.h"
#include "dcmtk/dcmjpls/djencode.h"

#include "logging.hh"

/* Each of the dictionary's files is left out in silence when it cannot be opened, for want of a
 * descriptor or of memory; without the standard's attributes no object can be read or written. */
static bool has_standard_attributes()
{
    const DcmDataDictionary &dictionary = dcmDataDict.rdlock();
    bool has = dictionary.findEntry(DCM_SOPInstanceUID, NULL) != NULL;
    dcmDataDict.rdunlock();
    return has;
}

enum dx_status dx_init(dx_log_fn log, void *context, struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status {
            dx_logging_install(log, context);
            if (!has_standard_attributes())
                return dx_fail(
                    err, DX_MISSING,
                    "DCMTK's data dictionary is not loaded (DCMDICTPATH, dcmtk package)");
            DcmRLEDecoderRegistration::registerCodecs();
            DJDecoderRegistration::registerCodecs();
            DJLSDecoderRegistration::registerCodecs();
            DcmRLEEncoderRegistration::registerCodecs();
            DJLSEncoderRegistration::registerCodecs(0, 0, 0, 0, OFFalse, 0, OFTrue, EJLSUC_never);
            dx_charset_preload();
            return DX_OK;
        });
}

const char *dx_library_version(void)
{
    return "DCMTK " OFFIS_DCMTK_VERSION_STRING;
}
