/* What the node makes: its SOP classes, their attributes, the report's codes and rows. */
#include "conformance.h"
#include "dx_services.h"
#include "report_class.h"
#include <string.h>

void conformance_results(const struct statement *s, FILE *out)
{
    (void)s;
    fputs("| SOP class | SOP class UID | Series Number | made of |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < report_class_count; i++)
        fprintf(out, "| %s | %s | %d | %s |\n", dx_name_of(report_classes[i].uid),
                report_classes[i].uid, report_classes[i].series, report_classes[i].when);
}

void conformance_attributes(const struct statement *s, FILE *out)
{
    struct dx_result_attribute list[DX_RESULT_ATTRIBUTES];
    (void)s;
    for (size_t i = 0; i < report_class_count; i++) {
        if (report_classes[i].kind == RESULT_SR_COMPREHENSIVE ||
            report_classes[i].kind == RESULT_SR_ENHANCED)
            continue; /* as the first kind of report */
        size_t count = dx_result_attributes(report_classes[i].uid, list, DX_RESULT_ATTRIBUTES);
        fprintf(out, "%s**%s**\n\n| attribute | tag | value |\n|---|---|---|\n", i > 0 ? "\n" : "",
                dx_name_of(report_classes[i].uid));
        for (size_t j = 0; j < count; j++)
            fprintf(out, "| %s | (%04X,%04X) | %s |\n", list[j].name, list[j].tag >> 16,
                    list[j].tag & 0xffffu,
                    list[j].type == 1 ? "always" : "always there, may be empty");
    }
}

void conformance_codes(const struct statement *s, FILE *out)
{
    struct dx_code code;
    fputs("| code | scheme | meaning |\n|---|---|---|\n", out);
    for (size_t i = 0; srt_outline_code(s->template_, i, &code); i++)
        fprintf(out, "| %s | %s | %s |\n", code.value, code.scheme, code.meaning);
}

static void put_row(void *context, const struct srt_outline_row *row)
{
    static const char *const types[] = {[DX_SR_CONTAINER] = "CONTAINER", [DX_SR_CODE] = "CODE",
                                        [DX_SR_TEXT] = "TEXT",           [DX_SR_NUM] = "NUM",
                                        [DX_SR_UIDREF] = "UIDREF",       [DX_SR_IMAGE] = "IMAGE",
                                        [DX_SR_SCOORD] = "SCOORD"};
    static const char *const relations[] = {[DX_SR_ROOT] = "",
                                            [DX_SR_CONTAINS] = "CONTAINS",
                                            [DX_SR_HAS_CONCEPT_MOD] = "HAS CONCEPT MOD",
                                            [DX_SR_HAS_OBS_CONTEXT] = "HAS OBS CONTEXT",
                                            [DX_SR_HAS_ACQ_CONTEXT] = "HAS ACQ CONTEXT",
                                            [DX_SR_HAS_PROPERTIES] = "HAS PROPERTIES",
                                            [DX_SR_INFERRED_FROM] = "INFERRED FROM",
                                            [DX_SR_SELECTED_FROM] = "SELECTED FROM"};
    FILE *out = context;
    fprintf(out, "| %.*s | %s | %s | %s | %s |\n", (int)(row->depth < 8 ? row->depth : 8),
            ">>>>>>>>", relations[row->relation], types[row->type],
            row->concept_ ? row->concept_ : "", row->row);
}

void conformance_rows(const struct statement *s, FILE *out)
{
    fputs("| nesting | relationship | value type | concept (id of the template) | row of the "
          "Standard |\n|---|---|---|---|---|\n",
          out);
    srt_outline(s->template_, put_row, out);
}
