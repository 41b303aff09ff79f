/* C-FIND of the Modality Worklist (PS3.4 annex K). Answers are read by our own code, not by
 * dcmdata. */
#include "scu.hh"

#include "dx_mwl.h"

#include <memory>
#include <vector>

namespace
{

struct matching {
    dx_mwl_match match;
    void *context;
};

enum dx_status take_match(const std::vector<uint8_t> &bytes, void *context, bool *goes_on,
                          struct dx_error *err)
{
    const matching *to = static_cast<const matching *>(context);
    std::unique_ptr<struct dx_mwl_item> item(new struct dx_mwl_item);
    enum dx_status status = dx_mwl_read(bytes.data(), bytes.size(), item.get(), err);
    if (status == DX_OK)
        *goes_on = to->match(to->context, item.get());
    return status;
}

} // namespace

enum dx_status dx_scu_mwl_find(struct dx_scu *scu, const struct dx_writing *query, size_t most,
                               dx_mwl_match match, void *context, uint16_t *dimse_status,
                               struct dx_error *err)
{
    matching to = {match, context};
    const struct dx_finding what = {DX_MODALITY_WORKLIST, query, most, take_match, &to};
    return dx_scu_find_bytes(scu, &what, dimse_status, err);
}
