/* A rejection note: what we told and takes back, as a Key Object Selection that its receivers know
 * how to obey (IHE IOCM). One destination, one study, one patient, one reason. */
#include "report_class.h"
#include "report_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MOST 1024 /* results in one note */

/* By its code of CID 7010: "113001". NULL: no such code. */
static const char *title_of(const char *code)
{
    static const struct {
        const char *code, *meaning;
    } titles[] = {
        {"113001", "Rejected for Quality Reasons"},
        {"113037", "Rejected for Patient Safety Reasons"},
        {"113038", "Incorrect Modality Worklist Entry"},
        {"113039", "Data Retention Policy Expired"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (strcmp(code, titles[i].code) == 0)
            return titles[i].meaning;
    return NULL;
}

struct noting {
    const struct report *report;
    struct store *store;
    const char *destination;
    struct result *list;
    size_t count;
    struct dx_reference *references;
    struct dx_attrs *attrs;
    struct report_source source;
    char *error;
    size_t error_size;
};

static bool fail(struct noting *n, const char *why)
{
    snprintf(n->error, n->error_size, "rejection note: %s", why);
    return false;
}

/* Patient and study as they stand in what is taken back. */
static bool find_source(struct noting *n)
{
    uint8_t *bytes = NULL;
    size_t count = 0;
    struct dx_error err = {0};
    if (store_result_attrs(n->store, n->list[0].id, &bytes, &count) != STORE_OK)
        return fail(n, store_error(n->store));
    if (count == 0) {
        free(bytes);
        return fail(n, "the result's patient is not journalled");
    }
    enum dx_status status = dx_attrs_unpack(bytes, count, &n->attrs, &err);
    free(bytes);
    if (status != DX_OK)
        return fail(n, err.text);
    return report_source(n->attrs, &n->source, n->error, n->error_size);
}

static bool identify(const struct noting *n, char uid[DX_UID_MAX], char series[DX_UID_MAX])
{
    const char **fields = calloc(n->count + 4, sizeof *fields);
    size_t count = 0;
    if (!fields)
        return false;
    fields[count++] = "rejection";
    fields[count++] = n->report->device_uid;
    fields[count++] = n->destination;
    fields[count++] = n->list[0].why;
    for (size_t i = 0; i < n->count; i++)
        fields[count++] = n->list[i].uid;
    bool done =
        report_hashed_uid(fields, count, uid) &&
        report_series_uid(n->report, RESULT_REJECTION, n->list[0].study, n->source.attrs, series);
    free(fields);
    return done;
}

static bool write_note(struct noting *n, struct result *note)
{
    struct report_heading heading;
    struct report_paths paths;
    struct dx_result_header header = {0};
    struct dx_error err = {0};
    char uid[DX_UID_MAX], series[DX_UID_MAX];
    const char *code = n->list[0].why;
    const char *meaning = title_of(code);
    if (!meaning)
        return fail(n, "no such reason");
    if (!identify(n, uid, series))
        return fail(n, "out of memory");
    const struct dx_code title = {code, "DCM", meaning};
    *note = (struct result){.kind = RESULT_REJECTION,
                            .outcome = n->list[0].outcome,
                            .created_ms = n->list[n->count - 1].created_ms,
                            .only = n->destination};
    report_header(n->report, &heading, note->created_ms, REPORT_SERIES_REJECTION, "rejection note",
                  &header);
    header.source = n->source.attrs;
    header.sop_instance = uid;
    header.series = series;
    header.instance_number = 1;
    header.references = n->references;
    header.reference_count = n->count;
    report_paths(n->report->conf, uid, &paths);
    const struct report_written file = {
        .header = &header,
        .sop_class = report_class_uid(RESULT_REJECTION, false),
        .calibrated = true,
        .status = dx_rejection_write(&header, &title, "Results of cervigate that are taken back",
                                     paths.aside, &err),
        .why = &err};
    snprintf(note->study, sizeof note->study, "%s", n->list[0].study);
    memcpy(note->patient, n->list[0].patient, sizeof note->patient);
    return report_enter(n->report, &file, note, n->error, n->error_size);
}

static bool make(struct noting *n, char uid[DX_UID_MAX])
{
    struct result note;
    if (store_to_reject(n->store, n->destination, n->list, NOTE_MOST, &n->count) != STORE_OK)
        return fail(n, store_error(n->store));
    if (n->count == 0)
        return true;
    n->references = calloc(n->count, sizeof *n->references);
    if (!n->references)
        return fail(n, "out of memory");
    for (size_t i = 0; i < n->count; i++) {
        struct dx_reference *to = &n->references[i];
        memcpy(to->sop_class, n->list[i].sop_class, sizeof to->sop_class);
        memcpy(to->sop_instance, n->list[i].uid, sizeof to->sop_instance);
        memcpy(to->series, n->list[i].series, sizeof to->series);
    }
    if (!find_source(n) || !write_note(n, &note))
        return false;
    crash_point("reject-after-file");
    if (store_add_rejection(n->store, &note, n->list, n->count) != STORE_OK)
        return fail(n, store_error(n->store));
    crash_point("reject-after-commit");
    snprintf(uid, DX_UID_MAX, "%s", note.uid);
    return true;
}

enum report_end report_reject(const struct report *report, struct store *store,
                              const char *destination, size_t *count, char uid[DX_UID_MAX],
                              char *error, size_t error_size)
{
    struct noting n = {.report = report,
                       .store = store,
                       .destination = destination,
                       .list = calloc(NOTE_MOST, sizeof *n.list),
                       .error = error,
                       .error_size = error_size};
    bool done = n.list ? make(&n, uid) : fail(&n, "out of memory");
    *count = n.count;
    dx_attrs_destroy(n.attrs);
    report_source_finish(&n.source);
    free(n.references);
    free(n.list);
    return done ? REPORT_DONE : REPORT_LATER;
}
