/* What a result says of the objects that it is about. */
#include "result.hh"

#include <cstring>

enum dx_status dx_check_references(const struct dx_result_header *header, struct dx_error *err)
{
    for (size_t i = 0; i < header->reference_count; i++) {
        const struct dx_reference *reference = &header->references[i];
        if (!dx_uid_is_valid(reference->sop_class) || !dx_uid_is_usable(reference->sop_instance) ||
            !dx_uid_is_usable(reference->series))
            return dx_fail(err, DX_INVALID, "result: reference %zu without UIDs", i + 1);
    }
    return DX_OK;
}

void dx_put_reference(ResultWriter &writer, const DcmTagKey &sequence,
                      const struct dx_reference &reference)
{
    writer.enter(sequence);
    writer.text(DCM_ReferencedSOPClassUID, reference.sop_class);
    writer.text(DCM_ReferencedSOPInstanceUID, reference.sop_instance);
    writer.leave();
}

void dx_put_series(ResultWriter &writer, const struct dx_result_header *header,
                   const DcmTagKey &instances)
{
    for (size_t i = 0; i < header->reference_count; i++) {
        const char *series = header->references[i].series;
        bool is_first = true;
        for (size_t j = 0; j < i && is_first; j++)
            is_first = strcmp(header->references[j].series, series) != 0;
        if (!is_first)
            continue;
        writer.enter(DCM_ReferencedSeriesSequence);
        writer.text(DCM_SeriesInstanceUID, series);
        for (size_t j = i; j < header->reference_count; j++)
            if (strcmp(header->references[j].series, series) == 0)
                dx_put_reference(writer, instances, header->references[j]);
        writer.leave();
    }
}

/* PS3.3 C.17.2.1. */
void dx_put_evidence(ResultWriter &writer, const struct dx_result_header *header)
{
    if (header->reference_count == 0)
        return;
    writer.enter(DCM_CurrentRequestedProcedureEvidenceSequence);
    writer.text(DCM_StudyInstanceUID, dx_attrs_text(header->source, DX_TAG(0x0020, 0x000d)));
    dx_put_series(writer, header, DCM_ReferencedSOPSequence);
    writer.leave();
}

void dx_put_source(ResultWriter &writer, const struct dx_reference &reference)
{
    static const struct dx_code purpose = {"121322", "DCM",
                                           "Source image for image processing operation"};
    writer.enter(DCM_SourceImageSequence);
    writer.text(DCM_ReferencedSOPClassUID, reference.sop_class);
    writer.text(DCM_ReferencedSOPInstanceUID, reference.sop_instance);
    writer.code(DCM_PurposeOfReferenceCodeSequence, purpose);
    writer.leave();
}
