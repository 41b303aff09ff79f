/* Every item of the dataset: its mandatory attributes, its code, its reference, its elements. */
#include "check.hh"

#include <cstdio>
#include <cstring>

namespace
{

const int depth_max = 64; /* the pre-scanner's */

/* Where an item is, and what its ancestors say. */
struct place {
    DcmTagKey sequence; /* DCM_ItemTag: the main dataset */
    std::string path;
    std::string series; /* of the enclosing Referenced Series item, or "" */
    bool is_content, is_evidence;
    int depth;
};

bool is_scheme_known(const dx_result_review *review, const std::string &scheme)
{
    static const char *const list[] = {"DCM",  "SCT",     "UCUM",
                                       "UMLS", "RFC5646", "ISO3166_1" /* TID 1204's country */};
    for (const char *known : list)
        if (scheme == known)
            return true;
    return review->expected->scheme != nullptr && scheme == review->expected->scheme;
}

/* Keywords of the dictionary are the names of PS3.6 without blanks. */
bool is_code_sequence(const DcmTagKey &sequence)
{
    static const char ending[] = "CodeSequence";
    DcmTag tag(sequence);
    size_t length = strlen(tag.getTagName()), wanted = sizeof ending - 1;
    return length >= wanted && strcmp(tag.getTagName() + length - wanted, ending) == 0;
}

/* PS3.3 8: value, scheme and meaning; a Long Code Value beyond 16 characters. */
enum dx_status check_code(dx_result_review *review, DcmItem *item, const place &at)
{
    bool has_short = item->tagExists(DCM_CodeValue), has_long = item->tagExists(DCM_LongCodeValue);
    bool has_meaning = item->tagExists(DCM_CodeMeaning);
    if (!is_code_sequence(at.sequence) && !has_short && !has_long && !has_meaning)
        return DX_OK;
    if (has_short && has_long)
        return review->fail(at.path, DCM_LongCodeValue, "beside a Code Value");
    DcmTagKey value = has_long ? DCM_LongCodeValue : DCM_CodeValue;
    for (const DcmTagKey &tag : {value, DCM_CodingSchemeDesignator, DCM_CodeMeaning})
        if (dx_text_of(item, tag).empty())
            return review->fail(at.path, tag, "missing from a code");
    OFString scheme = dx_text_of(item, DCM_CodingSchemeDesignator);
    if (!is_scheme_known(review, scheme.c_str()))
        return review->fail(at.path, DCM_CodingSchemeDesignator,
                            std::string("unknown scheme \"") + scheme.c_str() + "\"");
    return DX_OK;
}

enum dx_status check_reference(dx_result_review *review, DcmItem *item, place *at)
{
    if (at->sequence == DCM_ItemTag)
        return DX_OK;
    if (item->tagExists(DCM_StudyInstanceUID) &&
        dx_text_of(item, DCM_StudyInstanceUID) != dx_text_of(review->dataset, DCM_StudyInstanceUID))
        return review->fail(at->path, DCM_StudyInstanceUID, "another study");
    if (item->tagExists(DCM_SeriesInstanceUID))
        at->series = dx_text_of(item, DCM_SeriesInstanceUID).c_str();
    if (!item->tagExists(DCM_ReferencedSOPInstanceUID))
        return DX_OK;
    std::string sop_class = dx_text_of(item, DCM_ReferencedSOPClassUID).c_str();
    std::string instance = dx_text_of(item, DCM_ReferencedSOPInstanceUID).c_str();
    if (review->known.count(sop_class + " " + instance) == 0)
        return review->fail(at->path, DCM_ReferencedSOPInstanceUID,
                            instance + " is not among the images of this result");
    if (!at->series.empty() && review->series.count(at->series + " " + instance) == 0)
        return review->fail(at->path, DCM_ReferencedSOPInstanceUID,
                            instance + " is not of series " + at->series);
    if (at->is_content)
        review->mentioned.insert(instance);
    if (at->is_evidence)
        review->evidence.insert(instance);
    return DX_OK;
}

/* What a content item of a value type must have (PS3.3 table C.17-5). */
enum dx_status check_content(dx_result_review *review, DcmItem *item, const place &at)
{
    const struct {
        const char *type;
        DcmTagKey tag;
    } list[] = {{"TEXT", DCM_TextValue},
                {"CODE", DCM_ConceptCodeSequence},
                {"NUM", DCM_MeasuredValueSequence},
                {"UIDREF", DCM_UID},
                {"IMAGE", DCM_ReferencedSOPSequence},
                {"COMPOSITE", DCM_ReferencedSOPSequence},
                {"SCOORD", DCM_GraphicData},
                {"SCOORD", DCM_GraphicType},
                {"CONTAINER", DCM_ContinuityOfContent}};
    OFString type = dx_text_of(item, DCM_ValueType);
    if (type.empty())
        return DX_OK;
    bool is_known = false;
    for (const auto &row : list) {
        if (type != row.type)
            continue;
        is_known = true;
        if (!dx_has_value(item, row.tag))
            return review->fail(at.path, row.tag, "missing");
    }
    if (!is_known)
        return review->fail(at.path, DCM_ValueType, "not one that we write");
    bool is_reference = type == "IMAGE" || type == "COMPOSITE";
    if (!is_reference && !dx_has_value(item, DCM_ConceptNameCodeSequence))
        return review->fail(at.path, DCM_ConceptNameCodeSequence, "missing");
    return DX_OK;
}

enum dx_status check_item(dx_result_review *review, DcmItem *item, place at);

enum dx_status check_sequence(dx_result_review *review, DcmSequenceOfItems *sequence,
                              const place &outer)
{
    DcmTagKey key = sequence->getTag().getXTag();
    for (unsigned long i = 0; i < sequence->card(); i++) {
        char text[40];
        (void)snprintf(text, sizeof text, "(%04x,%04x)[%lu]", key.getGroup(), key.getElement(), i);
        place inner = outer;
        inner.sequence = key;
        inner.path = outer.path.empty() ? text : outer.path + "." + text;
        inner.is_content = outer.is_content || key == DCM_ContentSequence;
        inner.is_evidence =
            outer.is_evidence || key == DCM_CurrentRequestedProcedureEvidenceSequence;
        inner.depth++;
        if (inner.depth > depth_max)
            return review->fail(outer.path, key, "nested too deeply");
        enum dx_status status = check_item(review, sequence->getItem(i), inner);
        if (status)
            return status;
    }
    return DX_OK;
}

enum dx_status check_item(dx_result_review *review, DcmItem *item, place at)
{
    enum dx_status status = dx_check_mandatory(review, item, at.sequence, at.path);
    if (status == DX_OK)
        status = check_code(review, item, at);
    if (status == DX_OK)
        status = check_reference(review, item, &at);
    if (status == DX_OK)
        status = check_content(review, item, at);
    for (unsigned long i = 0; i < item->card() && status == DX_OK; i++) {
        DcmElement *element = item->getElement(i);
        bool is_own = at.depth > 0 || !dx_is_patient_study(element->getTag().getXTag());
        auto *sequence = dynamic_cast<DcmSequenceOfItems *>(element);
        if (sequence != nullptr)
            status = check_sequence(review, sequence, at);
        else
            status = dx_check_value(review, element, is_own, at.path);
    }
    return status;
}

} /* namespace */

enum dx_status dx_check_elements(dx_result_review *review)
{
    place root = {DCM_ItemTag, "", "", false, false, 0};
    return check_item(review, review->dataset, root);
}
