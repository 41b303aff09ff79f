/* Objects of ours as the DICOM JSON Model: DCMTK's, with addresses for the pixels. */
#include "shim.hh"

#include "dx_json.h"

#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcfilefo.h"
#include "dcmtk/dcmdata/dcjson.h"

#include <cstdio>
#include <cstring>
#include <sstream>

namespace
{

class Format : public DcmJsonFormatCompact
{
  public:
    explicit Format(const char *bulk) : DcmJsonFormatCompact(OFFalse), bulk_(bulk)
    {
    }

    OFBool asBulkDataURI(const DcmTagKey &tag, OFString &uri) override
    {
        char text[10];
        if (tag != DCM_PixelData && tag != DCM_FloatPixelData)
            return OFFalse;
        (void)snprintf(text, sizeof text, "/%04X%04X", tag.getGroup(), tag.getElement());
        uri = bulk_ + text;
        return OFTrue;
    }

  private:
    OFString bulk_;
};

enum dx_status read_json(const char *path, const char *bulk, char **json, struct dx_error *err)
{
    DcmFileFormat file;
    std::ostringstream text;
    Format format(bulk);
    OFCondition condition = file.loadFile(path);
    if (condition.bad())
        return dx_fail_condition(err, DX_MALFORMED, path, condition);
    condition = file.getDataset()->convertToUTF8();
    if (condition.bad())
        return dx_fail_condition(err, DX_UNSUPPORTED, path, condition);
    condition = file.getDataset()->writeJsonExt(text, format, OFTrue, OFFalse);
    if (condition.bad())
        return dx_fail_condition(err, DX_INTERNAL, path, condition);
    *json = strdup(text.str().c_str());
    return *json != nullptr ? DX_OK : dx_fail(err, DX_NO_MEMORY, "out of memory");
}

} // namespace

enum dx_status dx_json_read(const char *path, const char *bulk, char **json, struct dx_error *err)
{
    *json = nullptr;
    return dx_guard(
        err, [&]() -> enum dx_status { return read_json(path, bulk, json, err); });
}
