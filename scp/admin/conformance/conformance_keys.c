/* What is in the identifiers and lists that we send: read back out of what is written. */
#include "conformance.h"
#include "dx_mwl.h"
#include "dx_services.h"
#include "dx_ups.h"
#include "worklist/ups_item.h"

#define SAMPLE "1.2.3" /* a value of every key that there may be */

struct telling {
    FILE *out;
    unsigned depth;
};

static bool tell(void *context, enum dx_mark mark, uint32_t tag, const uint8_t *value,
                 size_t length)
{
    struct telling *t = context;
    char name[65];
    (void)value;
    if (mark == DX_MARK_SEQUENCE_END)
        t->depth--;
    if (mark != DX_MARK_ELEMENT && mark != DX_MARK_SEQUENCE)
        return true;
    dx_tag_name(tag, name);
    fprintf(t->out, "| %.*s%s%s | (%04X,%04X) | %s |\n", (int)t->depth, ">>>>>>>>",
            t->depth > 0 ? " " : "", name, tag >> 16, tag & 0xffffu,
            mark == DX_MARK_SEQUENCE ? "sequence"
            : length > 0             ? "with a value"
                                     : "empty");
    if (mark == DX_MARK_SEQUENCE)
        t->depth++;
    return true;
}

static void put(const char *what, struct dx_writing *written, FILE *out)
{
    static const uint32_t sequences[] = {0};
    struct telling t = {.out = out};
    struct dx_error err;
    fprintf(out, "**%s**\n\n| attribute | tag | |\n|---|---|---|\n", what);
    if (written->failed ||
        dx_dataset_walk(written->bytes, written->count, sequences, tell, &t, &err) != DX_OK)
        fputs("| cannot be told: out of memory | | |\n", out);
    dx_writing_finish(written);
}

void conformance_keys_of_orders(const struct statement *s, FILE *out)
{
    struct dx_writing written = {.count = 0};
    const struct dx_mwl_query orders = {.accession = SAMPLE, .patient_id = SAMPLE, .study = SAMPLE};
    (void)s;
    dx_mwl_write_query(&orders, &written);
    put("Modality Worklist, C-FIND: those with a value are matched, where the study has one",
        &written, out);
}

void conformance_keys_of_steps(const struct statement *s, FILE *out)
{
    struct dx_writing written = {.count = 0};
    (void)s;
    dx_ups_write_query(DX_UPS_BY_ACCESSION, SAMPLE, SAMPLE, &written);
    put("UPS, C-FIND by accession (else by the Study Instance UID of a request, or of an input)",
        &written, out);

    const struct dx_ups_new item = {.priority = DX_UPS_HIGH,
                                    .label = SAMPLE,
                                    .worklist_label = SAMPLE,
                                    .comments = SAMPLE,
                                    .start = SAMPLE,
                                    .workitem = ups_reading,
                                    .study = SAMPLE,
                                    .patient_name = SAMPLE,
                                    .patient_id = SAMPLE,
                                    .issuer = SAMPLE,
                                    .birth_date = SAMPLE,
                                    .sex = SAMPLE,
                                    .accession = SAMPLE,
                                    .issuer_of_accession = SAMPLE,
                                    .placer_order = SAMPLE,
                                    .filler_order = SAMPLE,
                                    .procedure_id = SAMPLE,
                                    .procedure_description = SAMPLE};
    written = (struct dx_writing){.count = 0};
    dx_ups_write_new(&item, &written);
    fputc('\n', out);
    put("UPS, N-CREATE, where everything is known", &written, out);
}
