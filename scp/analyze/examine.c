/* One object, from file to judgement:
 *
 *   parse (child) --dies--> again, at last NOT_PROCESSED or IGNORED [give_up]
 *     |
 *   ours? ------------> OWN
 *   rejection note? --> REJECTION: what it names is withdrawn
 *   another's report? -> its study has been read, if the report says so
 *   rule? none -------> IGNORED
 *   gate? no ---------> NOT_PROCESSED with its reason (the header's)
 *   decode (child) ---> NOT_PROCESSED undecodable
 *   identity? --------> SAME, or NOT_PROCESSED conflict      [examine_identity.c]
 *   unfit? -----------> NOT_PROCESSED software failure; what corrects an answer waits
 *   gate? no ---------> NOT_PROCESSED with its reason (the pixels')
 *   judge, explain, draw, write the picture ---> JUDGED      [examine_judge.c]
 *
 * The network runs outside the child, on numbers only. */
#include "clock.h"
#include "examine_exam.h"
#include "examine_identity.h"
#include "log.h"
#include "reconcile.h"
#include "seen.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIDE_LEAST 32 /* pixels; a vertebra would be smaller than three */

void examination_finish(struct examination *examination)
{
    free(examination->attrs);
    examination->attrs = NULL;
}

enum examine_end exam_not_processed(struct exam *e, enum srt_reason reason, const char *detail)
{
    e->judgement->state = INSTANCE_NOT_PROCESSED;
    e->judgement->reason = reason;
    snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", detail);
    return EXAMINE_DONE;
}

enum examine_end exam_later(struct exam *e, const char *what)
{
    snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", what);
    return EXAMINE_LATER;
}

/* The self-test failed: whatever was found out of the image is not to be trusted. An answer that is
 * there already must not be replaced by none. */
static enum examine_end exam_unfit(struct exam *e)
{
    if (e->instance->rival)
        return exam_later(e, e->by->unfit);
    e->judgement->pixel_digest[0] = '\0';
    return exam_not_processed(e, SRT_SOFTWARE_FAILURE, e->by->unfit);
}

/* ---- the child ---- */

/* Whether a rule wants it analyzed; else the judgement is complete. */
static bool is_selected(struct exam *e)
{
    struct rules_object object;
    rules_object_init(&object, e->attrs, e->instance->calling, e->instance->called);
    const struct conf_rule *rule = e->rule = rules_select(e->by->rules, &object);
    rules_object_finish(&object);
    if (rule) {
        snprintf(e->judgement->rule, sizeof e->judgement->rule, "%s", rule->name);
        e->judgement->destinations = rule->destinations;
        e->judgement->announcements = rule->announcements;
        e->judgement->outputs = rule->outputs;
        e->judgement->muted = rule->never_raises;
    }
    bool is_no_image = rules_is_no_image(e->instance->sop_class);
    if (!rule || rule->action != CONF_ANALYZE || is_no_image) {
        e->judgement->state = INSTANCE_IGNORED;
        if (!e->judgement->detail[0])
            snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s",
                     !rule         ? "no rule selects it"
                     : is_no_image ? "it is no image"
                                   : "the rule does not analyze");
        return false;
    }
    return true;
}

/* False: the store cannot be asked, or the attributes do not fit. */
static bool is_reconciled(struct exam *e)
{
    return reconcile_image(e->by->node->conf, e->by->store, e->instance->study, e->attrs) ==
           STORE_OK;
}

/* The object cannot be parsed. Whether it would have been selected is judged by what is known. */
static enum examine_end give_up(struct exam *e, enum srt_reason reason)
{
    char why[256];
    snprintf(why, sizeof why, "%s", e->object.text);
    if (!e->attrs)
        e->attrs = seen_attrs(e->instance, &e->object.scan);
    if (!e->attrs)
        return exam_later(e, "out of memory");
    snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", why);
    if (!e->judgement->rule[0] && !is_selected(e))
        return EXAMINE_DONE;
    if (!is_reconciled(e))
        return exam_later(e, "what the site says of its patient cannot be read");
    if (e->by->unfit[0])
        return exam_unfit(e);
    return exam_not_processed(e, reason, why);
}

/* An answer of the child that is not the good one. */
static enum examine_end child_failed(struct exam *e, enum zygote_end end,
                                     enum examine_effort effort)
{
    enum srt_reason reason = SRT_UNDECODABLE;
    switch (end) {
    case ZYGOTE_REFUSED:
        if (e->object.refusal == DX_NO_MEMORY && effort == EXAMINE_TRY)
            return EXAMINE_AGAIN;
        if (e->object.refusal == DX_NO_MEMORY)
            snprintf(e->object.text, sizeof e->object.text,
                     "limit objectMemory: not enough for it");
        reason = e->object.refusal == DX_LIMIT || e->object.refusal == DX_NO_MEMORY ? SRT_TOO_LARGE
                 : e->object.refusal == DX_NO_PIXELS ? SRT_NO_PIXEL_DATA
                                                     : SRT_UNDECODABLE;
        return give_up(e, reason);
    case ZYGOTE_DIED:
        if (effort != EXAMINE_TRY)
            return give_up(e, SRT_SOFTWARE_FAILURE);
        snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", e->object.text);
        return EXAMINE_AGAIN;
    default:
        snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", e->object.text);
        return EXAMINE_BROKEN;
    }
}

/* ---- selected ---- */

static enum examine_end is_ours(struct exam *e, bool *ours)
{
    if (store_is_result(e->by->store, e->instance->sop_instance, ours) != STORE_OK)
        return exam_later(e, store_error(e->by->store));
    *ours = *ours || rules_own(e->attrs);
    return EXAMINE_DONE;
}

/* The network gives any plane a score; one that shows nothing must not become a finding, or none.
 */
bool exam_shows_something(struct exam *e)
{
    const struct dx_grey *grey = &e->grey;
    size_t count = (size_t)grey->rows * grey->cols;
    char *detail = e->judgement->detail;
    size_t size = sizeof e->judgement->detail;
    if (grey->rows < SIDE_LEAST || grey->cols < SIDE_LEAST) {
        snprintf(detail, size, "%u x %u pixels", grey->rows, grey->cols);
        return false;
    }
    for (size_t i = 1; i < count; i++)
        if (grey->pixels[i] != grey->pixels[0])
            return true;
    snprintf(detail, size, "every pixel is shown with the same grey");
    return false;
}

/* Two things that read all pixels, at once. */
static void take_part(void *context, int part, int thread)
{
    struct exam *e = context;
    const struct dx_grey *grey = &e->grey;
    struct nn_error err;
    (void)thread;
    if (part == 0)
        e->hashed =
            dx_sha256_pixels(grey->rows, grey->cols, grey->pixels, e->judgement->pixel_digest);
    else
        e->made = nn_plane_of_grey(grey->pixels, (size_t)grey->rows * grey->cols, e->plane,
                                   &e->levels, &err) == NN_OK;
}

/* The decoded image: its digest and its plane. */
bool exam_take_in(struct exam *e)
{
    e->plane = malloc((size_t)e->grey.rows * e->grey.cols * sizeof *e->plane);
    if (!e->plane)
        return false;
    nn_pool_run(e->by->pool, 2, take_part, e);
    return e->hashed && e->made;
}

static enum examine_end examine_selected(struct exam *e, enum examine_effort effort)
{
    int64_t begin = clock_monotonic_ms();
    if (!is_reconciled(e))
        return exam_later(e, "what the site says of its patient cannot be read");
    enum srt_reason reason = exam_pass_gate(e);
    report_patient_digest(e->attrs, e->judgement->patient_digest);
    if (reason != SRT_REASON_NONE) {
        e->judgement->state = INSTANCE_NOT_PROCESSED;
        e->judgement->reason = reason;
        return EXAMINE_DONE;
    }
    if (effort == EXAMINE_PARSE_ONLY)
        return exam_not_processed(e, SRT_SOFTWARE_FAILURE, "every attempt to judge it was cut off");
    enum zygote_end end = zygote_decode_lent(&e->object, 0, &e->grey);
    e->out->decode_ms = clock_monotonic_ms() - begin;
    if (end != ZYGOTE_OK)
        return child_failed(e, end, effort);
    if (!exam_take_in(e))
        return exam_later(e, "out of memory");
    if (!exam_shows_something(e)) {
        e->judgement->state = INSTANCE_NOT_PROCESSED;
        e->judgement->reason = SRT_NO_CONTENT;
    }
    return EXAMINE_DONE;
}

/* ---- documents ---- */

/* An order of its sender, not an image: no rule is asked. It may take back only what is in its own
 * study. */
static enum examine_end obey_rejection(struct exam *e, enum examine_effort effort)
{
    struct zygote_rejection note;
    size_t all = 0, hit = 0;
    enum zygote_end end = zygote_rejection(&e->object, &note);
    e->judgement->state = INSTANCE_IGNORED;
    if (end == ZYGOTE_REFUSED && e->object.refusal != DX_NO_MEMORY) {
        snprintf(e->judgement->detail, sizeof e->judgement->detail, "%.200s", e->object.text);
        return EXAMINE_DONE;
    }
    if (end != ZYGOTE_OK)
        return child_failed(e, end, effort);
    enum store_status status = STORE_OK;
    for (size_t i = 0; i < note.count && status == STORE_OK; i++) {
        status = store_withdraw(e->by->store, note.references[i].sop_instance, e->instance->study,
                                NULL, note.code, &hit);
        all += hit;
    }
    free(note.references);
    if (status != STORE_OK)
        return exam_later(e, store_error(e->by->store));
    e->judgement->state = INSTANCE_REJECTION;
    snprintf(e->judgement->detail, sizeof e->judgement->detail,
             "%s: %zu of %zu objects were here and are withdrawn", note.code, all, note.count);
    return EXAMINE_DONE;
}

/* Key Object Selection. */
static bool is_note(const struct exam *e)
{
    return strcmp(e->instance->sop_class, "1.2.840.10008.5.1.4.1.1.88.59") == 0;
}

/* Whether its study has been read; if not, the detail says why. */
static void take_report(struct exam *e)
{
    const char *why = rules_not_read(e->attrs);
    e->judgement->others_report = why == NULL;
    if (why != NULL)
        snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", why);
}

/* What a report must refer to. An archive would refuse a report without. */
static bool has_names(const struct instance *instance)
{
    return dx_uid_is_usable(instance->study) && dx_uid_is_usable(instance->series) &&
           dx_uid_is_usable(instance->sop_instance);
}

static enum examine_end examine_parsed(struct exam *e, enum examine_effort effort)
{
    bool ours = false, known = false;
    enum examine_end end = is_ours(e, &ours);
    if (end != EXAMINE_DONE)
        return end;
    if (ours) {
        e->judgement->state = INSTANCE_OWN;
        return EXAMINE_DONE;
    }
    if (is_note(e))
        return obey_rejection(e, effort);
    if (rules_report_class(e->instance->sop_class))
        take_report(e);
    if (!is_selected(e))
        return EXAMINE_DONE;
    if (!has_names(e->instance))
        return exam_not_processed(e, SRT_UNDECODABLE,
                                  "no usable Study, Series or SOP Instance UID");
    /* Results are filed under the study that the job store knows, without a stray blank. */
    if (dx_attrs_set_text(e->attrs, DX_TAG(0x0020, 0x000d), "UI", e->instance->study) != DX_OK)
        return exam_later(e, "out of memory");

    end = examine_selected(e, effort);
    if (end != EXAMINE_DONE)
        return end;
    if (examine_identity(e->by->store, e->instance, e->judgement, &known) != STORE_OK)
        return exam_later(e, store_error(e->by->store));
    if (known)
        return EXAMINE_DONE;
    if (e->by->unfit[0])
        return exam_unfit(e);
    if (e->judgement->state == INSTANCE_NOT_PROCESSED)
        return EXAMINE_DONE;
    return exam_judge(e);
}

/* The disk's fault, or somebody's: no score stands on other bytes than those that were received.
 * Whose bytes they are is believed only where they name the same object. */
static bool is_changed(struct exam *e)
{
    struct dx_scan *scan = &e->object.scan;
    if (!e->object.scanned || strcmp(scan->digest, e->instance->digest) == 0)
        return false;
    snprintf(e->object.text, sizeof e->object.text,
             "the stored file is not what was received: its SHA-256 differs");
    if (strcmp(scan->sop_instance, e->instance->sop_instance) != 0) {
        scan->patient_id[0] = '\0';
        dx_attrs_destroy(e->attrs);
        e->attrs = NULL;
    }
    return true;
}

/* Whether what the receiver saw of it settles that no rule analyzes it: then nobody needs to parse
 * it. What may be a document of ours or of others is always read. */
static bool is_passed_over(struct exam *e)
{
    const struct conf_rule *rule;
    if (rules_own_class(e->instance->sop_class) || rules_report_class(e->instance->sop_class) ||
        is_note(e))
        return false;
    e->attrs = seen_recall(e->instance);
    const struct rules_object object = {
        .attrs = e->attrs, .calling = e->instance->calling, .called = e->instance->called};
    bool settled = e->attrs && rules_settle(e->by->rules, &object, &rule);
    if (settled && !is_selected(e))
        return true;
    e->limits.ahead = e->attrs && rule && rule->action == CONF_ANALYZE;
    dx_attrs_destroy(e->attrs);
    e->attrs = NULL;
    memset(e->judgement->rule, 0, sizeof e->judgement->rule);
    return false;
}

static enum examine_end examine_file(struct exam *e, enum examine_effort effort)
{
    char path[4096];
    node_path(e->by->node->conf, path, sizeof path, "%s", e->instance->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        snprintf(e->object.text, sizeof e->object.text, "the received file is gone");
        return give_up(e, SRT_SOFTWARE_FAILURE);
    }
    if (fd < 0)
        return exam_later(e, strerror(errno));
    e->limits.ahead &= effort != EXAMINE_PARSE_ONLY;
    enum zygote_end parsed = zygote_open(e->by->zygote, fd, &e->limits, e->by->pool, &e->object);
    close(fd);
    e->attrs = e->object.attrs;
    e->object.attrs = NULL;
    if (is_changed(e))
        return give_up(e, SRT_SOFTWARE_FAILURE);
    return parsed == ZYGOTE_OK ? examine_parsed(e, effort) : child_failed(e, parsed, effort);
}

static enum examine_end pack_attrs(struct exam *e)
{
    size_t count = 0;
    if (!e->attrs)
        return EXAMINE_DONE;
    if (dx_attrs_pack(e->attrs, &e->out->attrs, &count) != DX_OK)
        return exam_later(e, "attributes do not fit");
    e->judgement->attrs = e->out->attrs;
    e->judgement->attrs_bytes = count;
    return EXAMINE_DONE;
}

enum examine_end examine(struct examiner *examiner, const struct instance *instance,
                         enum examine_effort effort, struct examination *examination)
{
    memset(examination, 0, sizeof *examination);
    struct exam e = {.by = examiner,
                     .limits = examiner->limits,
                     .instance = instance,
                     .out = examination,
                     .judgement = &examination->judgement};
    examination->judgement.outcome = SRT_NOT_PROCESSED;
    e.judgement->first_computed_ms = clock_utc_ms();
    e.object.socket = e.object.child = -1;
    enum examine_end end = is_passed_over(&e) ? EXAMINE_DONE : examine_file(&e, effort);
    e.judgement->nameless = !has_names(instance);
    if (end == EXAMINE_DONE)
        end = pack_attrs(&e);
    zygote_close(&e.object);
    examination->child_kib = e.object.peak_kib;
    dx_attrs_destroy(e.attrs);
    dx_grey_finish(&e.grey);
    free(e.plane);
    return end;
}
