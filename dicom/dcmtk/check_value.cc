/* One element: VR and multiplicity as the dictionary has them, UIDs, numbers, texts. */
#include "check.hh"

#include "charset.h"
#include "words.h"

#include "dcmtk/dcmdata/dcdicent.h"
#include "dcmtk/dcmdata/dcdict.h"

#include <cmath>
#include <cstring>

namespace
{

/* Characters, not bytes (PS3.5 table 6.2-1). PN: of each component group. */
size_t length_max(DcmEVR vr)
{
    switch (vr) {
    case EVR_SH:
        return 16;
    case EVR_LO:
    case EVR_PN:
        return 64;
    case EVR_ST:
        return 1024;
    case EVR_LT:
        return 10240;
    default:
        return SIZE_MAX;
    }
}

bool is_text(DcmEVR vr)
{
    return vr == EVR_SH || vr == EVR_LO || vr == EVR_ST || vr == EVR_LT || vr == EVR_UC ||
           vr == EVR_UT || vr == EVR_PN;
}

/* The dictionary's VRs of more than one kind (ox, xs ...) bind nobody here. */
enum dx_status check_dictionary(dx_result_review *review, DcmElement *element,
                                const std::string &path)
{
    DcmTagKey key = element->getTag().getXTag();
    int least = 0, most = 0;
    DcmEVR wanted = EVR_UNKNOWN;
    const DcmDictEntry *entry = dcmDataDict.rdlock().findEntry(key, nullptr);
    if (entry != nullptr) {
        least = entry->getVMMin();
        most = entry->getVMMax();
        wanted = entry->getEVR();
    }
    dcmDataDict.rdunlock();
    DcmEVR vr = element->getTag().getEVR();
    if (entry == nullptr || vr == EVR_UN || key.isPrivate())
        return review->fail(path, key, "unknown attribute");
    if (DcmVR(wanted).isStandard() && wanted != vr)
        return review->fail(path, key,
                            std::string("VR ") + DcmVR(vr).getVRName() + " instead of " +
                                DcmVR(wanted).getVRName());
    int count = static_cast<int>(element->getVM());
    bool is_bulk = vr == EVR_OB || vr == EVR_OW || vr == EVR_OF || key == DCM_PixelData;
    if (!is_bulk && count > 0 && (count < least || (most != DcmVariableVM && count > most)))
        return review->fail(path, key, std::to_string(count) + " values");
    return DX_OK;
}

enum dx_status check_uids(dx_result_review *review, DcmElement *element, const std::string &path)
{
    OFString uid;
    DcmTagKey key = element->getTag().getXTag();
    if (element->getVM() == 0)
        return review->fail(path, key, "empty UID");
    for (unsigned long i = 0; i < element->getVM(); i++)
        if (element->getOFString(uid, i).bad() || !dx_uid_is_usable(uid.c_str()))
            return review->fail(path, key, std::string("\"") + uid.c_str() + "\" is no UID");
    return DX_OK;
}

enum dx_status check_finite(dx_result_review *review, DcmElement *element, const std::string &path)
{
    DcmTagKey key = element->getTag().getXTag();
    Float32 *singles = nullptr;
    Float64 *doubles = nullptr;
    size_t count = element->getLength();
    if (element->getFloat32Array(singles).good() && singles != nullptr) {
        for (size_t i = 0; i < count / 4; i++)
            if (!std::isfinite(singles[i]))
                return review->fail(path, key, "a number that is not finite");
    } else if (element->getFloat64Array(doubles).good() && doubles != nullptr) {
        for (size_t i = 0; i < count / 8; i++)
            if (!std::isfinite(doubles[i]))
                return review->fail(path, key, "a number that is not finite");
    }
    return DX_OK;
}

bool fits(const std::string &text, DcmEVR vr)
{
    size_t most = length_max(vr), count = 0;
    bool is_list = vr == EVR_SH || vr == EVR_LO || vr == EVR_PN;
    for (unsigned char byte : text) {
        bool ends = (is_list && byte == '\\') || (vr == EVR_PN && byte == '=');
        count = ends ? 0 : count + ((byte & 0xc0) != 0x80 ? 1 : 0);
        if (count > most)
            return false;
    }
    return true;
}

enum dx_status check_text(dx_result_review *review, DcmElement *element, bool is_own,
                          const std::string &path)
{
    DcmTagKey key = element->getTag().getXTag();
    char *bytes = nullptr;
    Uint32 count = 0;
    /* The source's own texts stay as they came, also where they are none of its character set. */
    if (!is_own || element->getString(bytes, count).bad() || bytes == nullptr || count == 0)
        return DX_OK;
    std::string text(bytes, count);
    if (review->is_utf8 && !dx_is_utf8(text.data(), text.size()))
        return review->fail(path, key, "no UTF-8");
    for (unsigned char byte : text)
        if (byte >= 0x80 && !review->is_utf8)
            return review->fail(path, key, "a text of ours that is not ASCII");
    if (!fits(text, element->getTag().getEVR()))
        return review->fail(path, key, "longer than its VR allows");
    const char *const *forbidden = review->expected->forbidden;
    for (size_t i = 0; forbidden != nullptr && forbidden[i] != nullptr; i++)
        if (dx_holds_word(text.c_str(), forbidden[i]))
            return review->fail(path, key,
                                std::string("the word \"") + forbidden[i] + "\" must not be said");
    if (!review->has_required)
        review->has_required = text.find(review->expected->required) != std::string::npos;
    return DX_OK;
}

/* DA, TM, DS, IS, CS and their like by DCMTK's own grammar. */
enum dx_status check_grammar(dx_result_review *review, DcmElement *element, const std::string &path)
{
    OFCondition result = element->checkValue("1-n");
    return result.good() ? DX_OK : review->fail(path, element->getTag().getXTag(), result.text());
}

} /* namespace */

enum dx_status dx_check_value(dx_result_review *review, DcmElement *element, bool is_own,
                              const std::string &path)
{
    DcmEVR vr = element->getTag().getEVR();
    if (is_own) {
        enum dx_status status = check_dictionary(review, element, path);
        if (status)
            return status;
    }
    if (is_text(vr))
        return check_text(review, element, is_own, path);
    if (vr == EVR_UI)
        return check_uids(review, element, path);
    if (vr == EVR_FL || vr == EVR_FD || vr == EVR_OF || vr == EVR_OD)
        return check_finite(review, element, path);
    if (is_own && element->getLength() > 0 && dynamic_cast<DcmByteString *>(element) != nullptr)
        return check_grammar(review, element, path);
    return DX_OK;
}
