/* Structured Reports: the SR document modules around a tree of content items (PS3.3 A.35, C.17). */
#include "result.hh"

#include <cmath>
#include <cstring>

namespace
{

const int depth_max = 32; /* content items below each other */

const char *uid_of(enum dx_sr_class sop_class)
{
    switch (sop_class) {
    case DX_COMPREHENSIVE_SR:
        return UID_ComprehensiveSRStorage;
    case DX_ENHANCED_SR:
        return UID_EnhancedSRStorage;
    case DX_COMPREHENSIVE_3D_SR:
        break;
    }
    return UID_Comprehensive3DSRStorage;
}

const char *relation_text(enum dx_sr_relation relation)
{
    switch (relation) {
    case DX_SR_CONTAINS:
        return "CONTAINS";
    case DX_SR_HAS_CONCEPT_MOD:
        return "HAS CONCEPT MOD";
    case DX_SR_HAS_OBS_CONTEXT:
        return "HAS OBS CONTEXT";
    case DX_SR_HAS_ACQ_CONTEXT:
        return "HAS ACQ CONTEXT";
    case DX_SR_HAS_PROPERTIES:
        return "HAS PROPERTIES";
    case DX_SR_INFERRED_FROM:
        return "INFERRED FROM";
    case DX_SR_SELECTED_FROM:
        return "SELECTED FROM";
    case DX_SR_ROOT:
        break;
    }
    return nullptr;
}

void put_container(ResultWriter &writer, const struct dx_sr_item *item)
{
    writer.text(DCM_ValueType, "CONTAINER");
    writer.text(DCM_ContinuityOfContent, "SEPARATE");
    if (item->template_id == nullptr)
        return;
    writer.enter(DCM_ContentTemplateSequence);
    writer.text(DCM_MappingResource, "DCMR");
    writer.text(DCM_MappingResourceUID, "1.2.840.10008.8.1.1");
    writer.text(DCM_TemplateIdentifier, item->template_id);
    writer.leave();
}

void put_value(ResultWriter &writer, const struct dx_sr_item *item)
{
    switch (item->type) {
    case DX_SR_CONTAINER:
        put_container(writer, item);
        break;
    case DX_SR_CODE:
        writer.text(DCM_ValueType, "CODE");
        writer.code(DCM_ConceptCodeSequence, item->code);
        break;
    case DX_SR_TEXT:
        writer.text(DCM_ValueType, "TEXT");
        writer.text(DCM_TextValue, item->text);
        break;
    case DX_SR_UIDREF:
        writer.text(DCM_ValueType, "UIDREF");
        writer.text(DCM_UID, item->text);
        break;
    case DX_SR_NUM:
        writer.text(DCM_ValueType, "NUM");
        writer.enter(DCM_MeasuredValueSequence);
        writer.code(DCM_MeasurementUnitsCodeSequence, item->code);
        writer.text(DCM_NumericValue, item->text);
        writer.leave();
        break;
    case DX_SR_IMAGE:
        writer.text(DCM_ValueType, "IMAGE");
        dx_put_reference(writer, DCM_ReferencedSOPSequence, item->image);
        break;
    case DX_SR_SCOORD:
        writer.text(DCM_ValueType, "SCOORD");
        writer.floats(DCM_GraphicData, item->points, item->point_count * 2);
        writer.text(DCM_GraphicType, "POLYLINE");
        break;
    }
}

bool is_region(const struct dx_sr_item *item)
{
    if (item->points == nullptr || item->point_count < 2)
        return false;
    for (size_t i = 0; i < 2 * item->point_count; i++)
        if (!std::isfinite(item->points[i]) || item->points[i] < 0)
            return false;
    return true;
}

enum dx_status check_item(const struct dx_sr_item *item, int depth, struct dx_error *err)
{
    if (depth > depth_max)
        return dx_fail(err, DX_LIMIT, "report: more than %d levels", depth_max);
    bool needs_text =
        item->type == DX_SR_TEXT || item->type == DX_SR_UIDREF || item->type == DX_SR_NUM;
    if (needs_text && (item->text == nullptr || item->text[0] == '\0'))
        return dx_fail(err, DX_INVALID, "report: item \"%s\" has no value",
                       item->concept.meaning != nullptr ? item->concept.meaning : "");
    if (item->type == DX_SR_UIDREF && !dx_uid_is_valid(item->text))
        return dx_fail(err, DX_INVALID, "report: \"%s\" is no UID", item->text);
    if (item->type == DX_SR_IMAGE &&
        (!dx_uid_is_valid(item->image.sop_class) || !dx_uid_is_usable(item->image.sop_instance)))
        return dx_fail(err, DX_INVALID, "report: image reference without UIDs");
    if (item->type == DX_SR_SCOORD && !is_region(item))
        return dx_fail(err, DX_INVALID, "report: region without points, or with impossible ones");
    if (item->type != DX_SR_IMAGE && item->concept.value == nullptr)
        return dx_fail(err, DX_INVALID, "report: item without a concept name");
    if ((depth == 0) != (item->relation == DX_SR_ROOT))
        return dx_fail(err, DX_INVALID, "report: relationship at the wrong level");
    return DX_OK;
}

enum dx_status put_item(ResultWriter &writer, const struct dx_sr_item *item, int depth,
                        struct dx_error *err)
{
    enum dx_status status = check_item(item, depth, err);
    if (status)
        return status;
    if (relation_text(item->relation) != nullptr)
        writer.text(DCM_RelationshipType, relation_text(item->relation));
    if (item->concept.value != nullptr)
        writer.code(DCM_ConceptNameCodeSequence, item->concept);
    put_value(writer, item);
    for (const struct dx_sr_item *child = item->child; child && !status; child = child->next) {
        writer.enter(DCM_ContentSequence);
        status = put_item(writer, child, depth + 1, err);
        writer.leave();
    }
    return status;
}

void put_predecessor(ResultWriter &writer, const struct dx_sr *sr)
{
    if (sr->predecessor == nullptr)
        return;
    writer.enter(DCM_PredecessorDocumentsSequence);
    writer.text(DCM_StudyInstanceUID, dx_attrs_text(sr->header.source, DX_TAG(0x0020, 0x000d)));
    writer.enter(DCM_ReferencedSeriesSequence);
    writer.text(DCM_SeriesInstanceUID, sr->predecessor_series);
    writer.enter(DCM_ReferencedSOPSequence);
    writer.text(DCM_ReferencedSOPClassUID, uid_of(sr->sop_class));
    writer.text(DCM_ReferencedSOPInstanceUID, sr->predecessor);
    writer.leave();
    writer.leave();
    writer.leave();
}

void put_scheme(ResultWriter &writer, const struct dx_sr *sr)
{
    if (sr->scheme == nullptr)
        return;
    writer.enter(DCM_CodingSchemeIdentificationSequence);
    writer.text(DCM_CodingSchemeDesignator, sr->scheme);
    writer.text(DCM_CodingSchemeName, sr->scheme_name);
    writer.text(DCM_CodingSchemeResponsibleOrganization, sr->scheme_organization);
    writer.leave();
}

enum dx_status check(const struct dx_sr *sr, struct dx_error *err)
{
    if (sr->root == nullptr || sr->root->type != DX_SR_CONTAINER)
        return dx_fail(err, DX_INVALID, "report: the root is no container");
    if (sr->predecessor != nullptr &&
        (sr->predecessor_series == nullptr || !dx_uid_is_valid(sr->predecessor) ||
         !dx_uid_is_valid(sr->predecessor_series)))
        return dx_fail(err, DX_INVALID, "report: predecessor without UIDs");
    return dx_check_references(&sr->header, err);
}

enum dx_status write_sr(const struct dx_sr *sr, const char *path, struct dx_error *err)
{
    enum dx_status status = check(sr, err);
    if (status)
        return status;
    ResultWriter writer;
    status = dx_put_header(writer, &sr->header, uid_of(sr->sop_class), "SR", err);
    if (status)
        return status;
    writer.empty(DCM_ReferencedPerformedProcedureStepSequence);
    writer.empty(DCM_PerformedProcedureCodeSequence);
    /* Complete as far as the node goes, but no person has looked at it. */
    writer.text(DCM_CompletionFlag, "COMPLETE");
    writer.text(DCM_VerificationFlag, "UNVERIFIED");
    writer.text(DCM_PreliminaryFlag, "PRELIMINARY");
    put_scheme(writer, sr);
    dx_put_evidence(writer, &sr->header);
    put_predecessor(writer, sr);
    status = put_item(writer, sr->root, 0, err);
    return status ? status : writer.save(path, err);
}

} /* namespace */

enum dx_status dx_sr_write(const struct dx_sr *sr, const char *path, struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status { return write_sr(sr, path, err); });
}
