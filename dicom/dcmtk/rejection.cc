/* Rejection notes: Key Object Selection documents whose title takes objects back (PS3.3 A.35.4,
 * PS3.16 TID 2010; the titles are those of CID 7010 that IHE's Imaging Object Change Management
 * uses). */
#include "object.hh"
#include "result.hh"

#include <cstring>
#include <map>
#include <string>

namespace
{

const int depth_max = 16; /* content items below each other; TID 2010 has one level */

/* TID 2010 row 3: Rejected for Quality Reasons has a reason of CID 7011; the others have none. */
const struct title {
    struct dx_code code;
    bool has_reason;
} titles[] = {
    {{"113001", "DCM", "Rejected for Quality Reasons"}, true},
    {{"113037", "DCM", "Rejected for Patient Safety Reasons"}, false},
    {{"113038", "DCM", "Incorrect Modality Worklist Entry"}, false},
    {{"113039", "DCM", "Data Retention Policy Expired"}, false},
};

const struct title *find_title(const char *value, const char *scheme)
{
    for (const struct title &title : titles)
        if (strcmp(title.code.value, value) == 0 && strcmp(title.code.scheme, scheme) == 0)
            return &title;
    return nullptr;
}

void put_code_item(ResultWriter &writer, const struct dx_code &concept, const struct dx_code &code)
{
    writer.enter(DCM_ContentSequence);
    writer.text(DCM_RelationshipType, "HAS CONCEPT MOD");
    writer.text(DCM_ValueType, "CODE");
    writer.code(DCM_ConceptNameCodeSequence, concept);
    writer.code(DCM_ConceptCodeSequence, code);
    writer.leave();
}

/* Documents and presentation states are composite objects, no images. */
bool is_image(const char *sop_class)
{
    static const char *const others[] = {"1.2.840.10008.5.1.4.1.1.88.",
                                         "1.2.840.10008.5.1.4.1.1.11.",
                                         "1.2.840.10008.5.1.4.1.1.104."};
    for (const char *prefix : others)
        if (strncmp(sop_class, prefix, strlen(prefix)) == 0)
            return false;
    return true;
}

void put_content(ResultWriter &writer, const struct dx_result_header *header,
                 const struct title *title, const char *text)
{
    writer.text(DCM_ValueType, "CONTAINER");
    writer.code(DCM_ConceptNameCodeSequence, title->code);
    writer.text(DCM_ContinuityOfContent, "SEPARATE");
    writer.enter(DCM_ContentTemplateSequence);
    writer.text(DCM_MappingResource, "DCMR");
    writer.text(DCM_MappingResourceUID, "1.2.840.10008.8.1.1");
    writer.text(DCM_TemplateIdentifier, "2010");
    writer.leave();
    if (title->has_reason)
        put_code_item(writer, {"113011", "DCM", "Document Title Modifier"},
                      {"111220", "DCM", "Other failure"});
    if (text != nullptr && text[0] != '\0') {
        writer.enter(DCM_ContentSequence);
        writer.text(DCM_RelationshipType, "CONTAINS");
        writer.text(DCM_ValueType, "TEXT");
        writer.code(DCM_ConceptNameCodeSequence, {"113012", "DCM", "Key Object Description"});
        writer.text(DCM_TextValue, text);
        writer.leave();
    }
    for (size_t i = 0; i < header->reference_count; i++) {
        writer.enter(DCM_ContentSequence);
        writer.text(DCM_RelationshipType, "CONTAINS");
        writer.text(DCM_ValueType,
                    is_image(header->references[i].sop_class) ? "IMAGE" : "COMPOSITE");
        dx_put_reference(writer, DCM_ReferencedSOPSequence, header->references[i]);
        writer.leave();
    }
}

enum dx_status write_rejection(const struct dx_result_header *header, const struct dx_code *code,
                               const char *text, const char *path, struct dx_error *err)
{
    const struct title *title = code != nullptr && code->value != nullptr && code->scheme != nullptr
                                    ? find_title(code->value, code->scheme)
                                    : nullptr;
    if (title == nullptr)
        return dx_fail(err, DX_INVALID, "rejection note: no title of a rejection");
    if (header->reference_count == 0 || header->reference_count > DX_REJECTION_MAX)
        return dx_fail(err, DX_INVALID, "rejection note of %zu objects", header->reference_count);
    enum dx_status status = dx_check_references(header, err);
    if (status)
        return status;
    ResultWriter writer;
    status = dx_put_header(writer, header, UID_KeyObjectSelectionDocumentStorage, "KO", err);
    if (status)
        return status;
    writer.empty(DCM_ReferencedPerformedProcedureStepSequence);
    dx_put_evidence(writer, header);
    put_content(writer, header, title, text);
    return writer.save(path, err);
}

/* What the evidence says of each instance: the first mention counts. */
typedef std::map<std::string, std::string> series_of;

void read_evidence(DcmItem *dataset, const DcmTagKey &name, series_of *series)
{
    DcmSequenceOfItems *studies = nullptr, *list = nullptr, *instances = nullptr;
    if (dataset->findAndGetSequence(name, studies).bad() || studies == nullptr)
        return;
    for (unsigned long i = 0; i < studies->card(); i++) {
        if (studies->getItem(i)->findAndGetSequence(DCM_ReferencedSeriesSequence, list).bad())
            continue;
        for (unsigned long j = 0; j < list->card(); j++) {
            DcmItem *item = list->getItem(j);
            std::string uid = dx_text_of(item, DCM_SeriesInstanceUID).c_str();
            if (item->findAndGetSequence(DCM_ReferencedSOPSequence, instances).bad())
                continue;
            for (unsigned long k = 0; k < instances->card(); k++)
                series->insert(
                    {dx_text_of(instances->getItem(k), DCM_ReferencedSOPInstanceUID).c_str(), uid});
        }
    }
}

struct reading {
    std::vector<dx_reference> found;
    series_of series;
};

enum dx_status read_reference(DcmItem *item, reading *into, struct dx_error *err)
{
    struct dx_reference reference = {};
    OFString sop_class = dx_text_of(item, DCM_ReferencedSOPClassUID);
    OFString instance = dx_text_of(item, DCM_ReferencedSOPInstanceUID);
    if (!dx_uid_is_usable(sop_class.c_str()) || !dx_uid_is_usable(instance.c_str()))
        return dx_fail(err, DX_MALFORMED, "rejection note: a reference without UIDs");
    if (into->found.size() == DX_REJECTION_MAX)
        return dx_fail(err, DX_LIMIT, "rejection note: more than %d references", DX_REJECTION_MAX);
    OFStandard::strlcpy(reference.sop_class, sop_class.c_str(), DX_UID_MAX);
    OFStandard::strlcpy(reference.sop_instance, instance.c_str(), DX_UID_MAX);
    auto series = into->series.find(instance.c_str());
    if (series != into->series.end() && dx_uid_is_usable(series->second.c_str()))
        OFStandard::strlcpy(reference.series, series->second.c_str(), DX_UID_MAX);
    into->found.push_back(reference);
    return DX_OK;
}

enum dx_status read_content(DcmItem *item, int depth, reading *into, struct dx_error *err)
{
    DcmSequenceOfItems *content = nullptr, *references = nullptr;
    if (depth > depth_max)
        return dx_fail(err, DX_LIMIT, "rejection note: more than %d levels", depth_max);
    if (item->findAndGetSequence(DCM_ReferencedSOPSequence, references).good())
        for (unsigned long i = 0; i < references->card(); i++) {
            enum dx_status status = read_reference(references->getItem(i), into, err);
            if (status)
                return status;
        }
    if (item->findAndGetSequence(DCM_ContentSequence, content).bad())
        return DX_OK;
    for (unsigned long i = 0; i < content->card(); i++) {
        enum dx_status status = read_content(content->getItem(i), depth + 1, into, err);
        if (status)
            return status;
    }
    return DX_OK;
}

enum dx_status read_rejection(struct dx_object *object, struct dx_rejection *rejection,
                              struct dx_error *err)
{
    reading into;
    DcmItem *name = nullptr;
    DcmItem *dataset = object->dataset;
    OFString sop_class = dx_text_of(dataset, DCM_SOPClassUID);
    if (sop_class != UID_KeyObjectSelectionDocumentStorage)
        return dx_fail(err, DX_UNSUPPORTED, "rejection note: SOP class %.64s", sop_class.c_str());
    (void)dataset->findAndGetSequenceItem(DCM_ConceptNameCodeSequence, name, 0);
    OFString value = dx_text_of(name, DCM_CodeValue);
    const struct title *title =
        find_title(value.c_str(), dx_text_of(name, DCM_CodingSchemeDesignator).c_str());
    if (title == nullptr)
        return dx_fail(err, DX_UNSUPPORTED, "rejection note: the title \"%.64s\" rejects nothing",
                       value.c_str());
    read_evidence(dataset, DCM_CurrentRequestedProcedureEvidenceSequence, &into.series);
    read_evidence(dataset, DCM_PertinentOtherEvidenceSequence, &into.series);
    enum dx_status status = read_content(dataset, 0, &into, err);
    if (status)
        return status;
    if (into.found.empty())
        return dx_fail(err, DX_MALFORMED, "rejection note: no references");
    size_t bytes = into.found.size() * sizeof into.found[0];
    rejection->references = static_cast<struct dx_reference *>(malloc(bytes));
    if (rejection->references == nullptr)
        return dx_fail(err, DX_NO_MEMORY, "rejection note: out of memory");
    memcpy(rejection->references, into.found.data(), bytes);
    rejection->reference_count = into.found.size();
    rejection->title = title->code;
    return DX_OK;
}

} /* namespace */

enum dx_status dx_rejection_write(const struct dx_result_header *header,
                                  const struct dx_code *title, const char *text, const char *path,
                                  struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status { return write_rejection(header, title, text, path, err); });
}

enum dx_status dx_object_rejection(struct dx_object *object, struct dx_rejection *rejection,
                                   struct dx_error *err)
{
    memset(rejection, 0, sizeof *rejection);
    return dx_guard(
        err, [&]() -> enum dx_status { return read_rejection(object, rejection, err); });
}

void dx_rejection_finish(struct dx_rejection *rejection)
{
    if (rejection == nullptr)
        return;
    free(rejection->references);
    memset(rejection, 0, sizeof *rejection);
}
