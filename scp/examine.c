/* One object, from file to judgement:
 *
 *   parse (child) --dies--> again, at last NOT_PROCESSED or IGNORED [give_up]
 *     |
 *   ours? ------------> OWN
 *   rule? none -------> IGNORED
 *   gate? no ---------> NOT_PROCESSED with its reason (the header's)
 *   decode (child) ---> NOT_PROCESSED undecodable
 *   identity? --------> SAME, or NOT_PROCESSED conflict      [examine_identity.c]
 *   gate? no ---------> NOT_PROCESSED with its reason (the pixels')
 *   judge, explain, draw, write the picture ---> JUDGED
 *
 * The network runs outside the child, on numbers only. */
#include "examine.h"
#include "clock.h"
#include "examine_identity.h"
#include "gate.h"
#include "log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIDE_LEAST 32 /* pixels; a vertebra would be smaller than three */

struct exam {
    struct examiner *by;
    const struct instance *instance;
    struct examination *out;
    struct judgement *judgement;
    struct zygote_object object;
    struct dx_attrs *attrs; /* of the object, or what receive knows of it */
    struct dx_grey grey;
    float *plane;
};

void examination_finish(struct examination *examination)
{
    free(examination->attrs);
    examination->attrs = NULL;
}

static enum examine_end not_processed(struct exam *e, enum srt_reason reason, const char *detail)
{
    e->judgement->state = INSTANCE_NOT_PROCESSED;
    e->judgement->reason = reason;
    snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", detail);
    return EXAMINE_DONE;
}

static enum examine_end later(struct exam *e, const char *what)
{
    snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", what);
    return EXAMINE_LATER;
}

/* ---- the child ---- */

/* What the network process learnt of the object by scanning it: enough for rules by modality and
 * SOP class, and to say which study the answer belongs to. */
static struct dx_attrs *attrs_of_scan(const struct exam *e)
{
    const struct instance *instance = e->instance;
    const struct dx_scan *scan = &e->object.scan;
    struct dx_attrs *attrs = dx_attrs_create();
    if (!attrs)
        return NULL;
    if (dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0016), "UI", instance->sop_class) != DX_OK ||
        dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0018), "UI", instance->sop_instance) != DX_OK ||
        dx_attrs_set_text(attrs, DX_TAG(0x0020, 0x000d), "UI", instance->study) != DX_OK ||
        dx_attrs_set_text(attrs, DX_TAG(0x0020, 0x000e), "UI", instance->series) != DX_OK ||
        dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0060), "CS", scan->modality) != DX_OK ||
        dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", scan->patient_id) != DX_OK) {
        dx_attrs_destroy(attrs);
        return NULL;
    }
    return attrs;
}

/* Whether a rule wants it analyzed; else the judgement is complete. */
static bool is_selected(struct exam *e)
{
    const struct conf_rule *rule = rules_select(e->by->rules, e->attrs);
    if (rule)
        snprintf(e->judgement->rule, sizeof e->judgement->rule, "%s", rule->name);
    if (!rule || rule->action != CONF_ANALYZE) {
        e->judgement->state = INSTANCE_IGNORED;
        if (!e->judgement->detail[0])
            snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s",
                     rule ? "the rule does not analyze" : "no rule selects it");
        return false;
    }
    return true;
}

/* The object cannot be parsed. Whether it would have been selected is judged by what is known. */
static enum examine_end give_up(struct exam *e, enum srt_reason reason)
{
    char why[256];
    snprintf(why, sizeof why, "%s", e->object.text);
    if (!e->attrs)
        e->attrs = attrs_of_scan(e);
    if (!e->attrs)
        return later(e, "out of memory");
    snprintf(e->judgement->detail, sizeof e->judgement->detail, "%s", why);
    if (!e->judgement->rule[0] && !is_selected(e))
        return EXAMINE_DONE;
    return not_processed(e, reason, why);
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
        reason = e->object.refusal == DX_LIMIT       ? SRT_TOO_LARGE
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
        return later(e, store_error(e->by->store));
    *ours = *ours || rules_own(e->by->node->conf, e->attrs);
    return EXAMINE_DONE;
}

static enum srt_reason pass_gate(struct exam *e)
{
    const struct zygote_object *object = &e->object;
    struct gate_image image = {.has_pixels = object->scan.has_pixel_data,
                               .frames = object->has_image ? object->image.frames : 1,
                               .age_needed = !e->by->node->conf->judge_unknown_age};
    return gate_check(nn_model_info(e->by->model), e->attrs, &image, e->judgement->detail);
}

static bool digest_pixels(struct exam *e)
{
    uint32_t size[2] = {e->grey.rows, e->grey.cols};
    struct dx_sha256 *sha = dx_sha256_create();
    if (!sha)
        return false;
    dx_sha256_add(sha, size, sizeof size);
    dx_sha256_add(sha, e->grey.pixels,
                  (size_t)e->grey.rows * e->grey.cols * sizeof *e->grey.pixels);
    dx_sha256_take(sha, e->judgement->pixel_digest);
    return true;
}

static bool make_plane(struct exam *e)
{
    size_t count = (size_t)e->grey.rows * e->grey.cols;
    e->plane = malloc(count * sizeof *e->plane);
    for (size_t i = 0; e->plane && i < count; i++)
        e->plane[i] = (float)e->grey.pixels[i] / 65535.0f;
    return e->plane != NULL;
}

static enum examine_end draw(struct exam *e, const struct nn_judgement *scores, int explained)
{
    struct examiner *by = e->by;
    char sentence[512], error[256];
    struct srt_image image;
    struct srt_result result;
    struct picture picture;
    report_image(&image, e->instance, e->judgement, e->attrs);
    report_result(&by->report, &image, 1, &result);
    report_sentence(by->report.template_, &result, sentence, sizeof sentence);
    e->out->outcome = result.outcome;

    const struct picture_input input = {
        .plane = e->plane,
        .rows = (int)e->grey.rows,
        .cols = (int)e->grey.cols,
        .map = by->map,
        .box = scores->box,
        .explained = explained,
        .side = nn_model_info(by->model)->preprocess.side,
        .fit = nn_model_info(by->model)->preprocess.fit,
        .opinion = {{nn_model_info(by->model), scores->score}},
        .opinions = 1,
        .found = result.outcome == SRT_FINDING,
        .sentence = sentence,
        .warning = srt_is_synthetic(&result) ? srt_research_line : NULL,
        .matrix = by->node->conf->picture_matrix,
    };
    enum picture_status status = picture_draw(by->face, &input, &picture);
    if (status != PICTURE_OK)
        return later(e, picture_status_text(status));

    int64_t *ids = NULL;
    size_t before = 0;
    enum examine_end end = EXAMINE_DONE;
    if (store_study_instances(by->store, e->instance->study, &ids, &before) != STORE_OK)
        end = later(e, store_error(by->store));
    else if (!report_picture(&by->report, e->instance, e->attrs, &picture, e->grey.was_lossy != 0,
                             (int)before + 1, e->judgement, error, sizeof error))
        end = later(e, error);
    free(ids);
    picture_finish(&picture);
    if (end == EXAMINE_DONE)
        crash_point("analyze-after-picture");
    return end;
}

/* Do the pixels show what the model is meant for? */
static enum nn_status look(struct exam *e, enum srt_reason *reason, struct nn_error *err)
{
    struct nn_verdict verdict;
    enum nn_status status =
        nn_judge_gate(e->by->judge, e->plane, (int)e->grey.rows, (int)e->grey.cols, &verdict, err);
    if (status == NN_OK)
        *reason = gate_look(nn_model_info(e->by->model), e->attrs, &verdict, e->judgement->detail);
    return status;
}

static enum examine_end judge(struct exam *e)
{
    struct nn_error err;
    struct nn_judgement scores;
    const struct nn_model_info *model = nn_model_info(e->by->model);
    enum srt_reason reason = SRT_REASON_NONE;
    int64_t begin = clock_monotonic_ms();
    if (!make_plane(e))
        return later(e, "out of memory");
    enum nn_status status = look(e, &reason, &err);
    if (status == NN_OK && reason != SRT_REASON_NONE) {
        e->judgement->state = INSTANCE_NOT_PROCESSED;
        e->judgement->reason = reason;
        return EXAMINE_DONE;
    }
    if (status == NN_OK)
        status = nn_judge_plane(e->by->judge, e->plane, (int)e->grey.rows, (int)e->grey.cols,
                                &scores, &err);
    int explained = status == NN_OK ? picture_explained(model, scores.score) : 0;
    if (status == NN_OK)
        status = nn_judge_saliency(e->by->judge, explained, e->by->map, &err);
    e->out->judge_ms = clock_monotonic_ms() - begin;
    if (status == NN_NO_MEMORY)
        return later(e, err.text);
    if (status != NN_OK)
        return not_processed(e, SRT_SOFTWARE_FAILURE, err.text);

    e->judgement->state = INSTANCE_JUDGED;
    e->judgement->classes = model->classes;
    for (int i = 0; i < model->classes; i++)
        e->judgement->score[i] = (double)scores.score[i];
    snprintf(e->judgement->model_digest, sizeof e->judgement->model_digest, "%s", model->digest);
    if (!report_journal(e->attrs, model))
        return later(e, "out of memory");
    begin = clock_monotonic_ms();
    enum examine_end end = draw(e, &scores, explained);
    e->out->picture_ms = clock_monotonic_ms() - begin;
    return end;
}

/* The network gives any plane a score; one that shows nothing must not become a finding, or none.
 */
static bool shows_something(struct exam *e)
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

static enum examine_end examine_selected(struct exam *e, enum examine_effort effort)
{
    int64_t begin = clock_monotonic_ms();
    enum srt_reason reason = pass_gate(e);
    report_patient_digest(e->attrs, e->judgement->patient_digest);
    if (reason != SRT_REASON_NONE) {
        e->judgement->state = INSTANCE_NOT_PROCESSED;
        e->judgement->reason = reason;
        return EXAMINE_DONE;
    }
    if (effort == EXAMINE_PARSE_ONLY)
        return not_processed(e, SRT_SOFTWARE_FAILURE, "every attempt to judge it was cut off");
    enum zygote_end end = zygote_decode(&e->object, 0, &e->grey);
    e->out->decode_ms = clock_monotonic_ms() - begin;
    if (end != ZYGOTE_OK)
        return child_failed(e, end, effort);
    if (!digest_pixels(e))
        return later(e, "out of memory");
    if (!shows_something(e)) {
        e->judgement->state = INSTANCE_NOT_PROCESSED;
        e->judgement->reason = SRT_NO_CONTENT;
    }
    return EXAMINE_DONE;
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
    if (!is_selected(e))
        return EXAMINE_DONE;
    if (!has_names(e->instance))
        return not_processed(e, SRT_UNDECODABLE, "no usable Study, Series or SOP Instance UID");
    /* Results are filed under the study that the job store knows, without a stray blank. */
    if (dx_attrs_set_text(e->attrs, DX_TAG(0x0020, 0x000d), "UI", e->instance->study) != DX_OK)
        return later(e, "out of memory");

    end = examine_selected(e, effort);
    if (end != EXAMINE_DONE)
        return end;
    if (examine_identity(e->by->store, e->instance, e->judgement, &known) != STORE_OK)
        return later(e, store_error(e->by->store));
    if (known || e->judgement->state == INSTANCE_NOT_PROCESSED)
        return EXAMINE_DONE;
    return judge(e);
}

static enum examine_end pack_attrs(struct exam *e)
{
    size_t count = 0;
    if (!e->attrs)
        return EXAMINE_DONE;
    if (dx_attrs_pack(e->attrs, &e->out->attrs, &count) != DX_OK)
        return later(e, "attributes do not fit");
    e->judgement->attrs = e->out->attrs;
    e->judgement->attrs_bytes = count;
    return EXAMINE_DONE;
}

enum examine_end examine(struct examiner *examiner, const struct instance *instance,
                         enum examine_effort effort, struct examination *examination)
{
    char path[4096];
    memset(examination, 0, sizeof *examination);
    struct exam e = {.by = examiner,
                     .instance = instance,
                     .out = examination,
                     .judgement = &examination->judgement};
    examination->outcome = SRT_NOT_PROCESSED;
    e.judgement->first_computed_ms = clock_utc_ms();
    enum examine_end end;
    node_path(examiner->node->conf, path, sizeof path, "%s", instance->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    e.object.socket = e.object.pixels = e.object.child = -1;
    if (fd < 0 && errno == ENOENT) {
        snprintf(e.object.text, sizeof e.object.text, "the received file is gone");
        end = give_up(&e, SRT_SOFTWARE_FAILURE);
    } else if (fd < 0) {
        end = later(&e, strerror(errno));
    } else {
        enum zygote_end parsed = zygote_open(examiner->zygote, fd, &examiner->limits, &e.object);
        close(fd);
        e.attrs = e.object.attrs;
        e.object.attrs = NULL;
        end = parsed == ZYGOTE_OK ? examine_parsed(&e, effort) : child_failed(&e, parsed, effort);
    }
    e.judgement->nameless = !has_names(instance);
    if (end == EXAMINE_DONE)
        end = pack_attrs(&e);
    zygote_close(&e.object);
    dx_attrs_destroy(e.attrs);
    dx_grey_finish(&e.grey);
    free(e.plane);
    return end;
}
