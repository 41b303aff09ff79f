/* Lossless compression of our own pictures, by DCMTK's encoders: RLE, and JPEG-LS on the stored
 * samples themselves ("raw"), so that the pixel module stays as it is. */
#include "result.hh"

#include "dcmtk/dcmjpls/djrparam.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace
{

struct target {
    const char *uid;
    E_TransferSyntax syntax;
};

const target targets[] = {{DX_SYNTAX_EXPLICIT, EXS_LittleEndianExplicit},
                          {DX_SYNTAX_RLE, EXS_RLELossless},
                          {DX_SYNTAX_JPEG_LS, EXS_JPEGLSLossless}};

enum dx_status compress(const char *from, const char *transfer_syntax, const char *path,
                        struct dx_error *err)
{
    const target *wanted = nullptr;
    for (const target &known : targets)
        if (transfer_syntax != nullptr && strcmp(known.uid, transfer_syntax) == 0)
            wanted = &known;
    if (wanted == nullptr || from == nullptr || path == nullptr || strcmp(from, path) == 0)
        return dx_fail(err, DX_INVALID, "compression: no file, or not a transfer syntax of ours");

    if (access(from, F_OK) != 0)
        return dx_fail(err, errno == ENOENT ? DX_MISSING : DX_IO, "%s: %s", from, strerror(errno));
    DcmFileFormat file;
    OFCondition result = file.loadFile(from);
    if (result.bad())
        return dx_fail_condition(err, DX_IO, from, result);
    DcmDataset *dataset = file.getDataset();
    if (!dataset->tagExists(DCM_PixelData))
        return dx_fail(err, DX_NO_PIXELS, "%s: no Pixel Data", from);
    const DJLSRepresentationParameter lossless(0, OFTrue);
    bool is_jpeg_ls = wanted->syntax == EXS_JPEGLSLossless;
    result = dataset->chooseRepresentation(wanted->syntax, is_jpeg_ls ? &lossless : nullptr);
    if (result.good() && !dataset->canWriteXfer(wanted->syntax))
        result = EC_CannotChangeRepresentation;
    if (result.bad())
        return dx_fail_condition(err, DX_UNSUPPORTED, from, result);
    return dx_save_file(file, wanted->syntax, path, nullptr, err);
}

} /* namespace */

enum dx_status dx_result_compress(const char *from, const char *transfer_syntax, const char *path,
                                  struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status { return compress(from, transfer_syntax, path, err); });
}
