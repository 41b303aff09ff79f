/* Each model that takes the image judges it; what they say is explained and drawn.
 *
 *   header's gate --no--> barred                   [exam_pass_gate]
 *   pixels' gate ---no--> barred
 *   scores -------------> an opinion
 *
 * No opinion: not processed, for the first model's reason. The map explains the first model that
 * finds something; there is no map where none does. */
#include "clock.h"
#include "examine_exam.h"
#include "gate.h"
#include "log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the models said. */
struct verdicts {
    struct nn_judgement scores[SRT_MAX_MODELS];
    bool judged[SRT_MAX_MODELS];
    int explained;                         /* model that the map explains */
    bool with_map;                         /* by->map holds it, on the scale of the picture */
    bool relative;                         /* the scale is the map's own */
    float region[2 * STORE_REGION_POINTS]; /* in the plane's pixels */
    size_t region_points;
};

/* The rule, or the AE title that was called, may leave the image to one model. */
static bool may_judge(const struct exam *e, int m)
{
    unsigned models = rules_models(e->by->node->conf, e->rule, e->instance->called);
    return models == 0 || (models & 1u << m) != 0;
}

enum srt_reason exam_pass_gate(struct exam *e)
{
    const struct zygote_object *object = &e->object;
    const struct gate_image image = {.has_pixels = object->scan.has_pixel_data,
                                     .frames = object->has_image ? object->image.frames : 1,
                                     .age_needed = !e->by->node->conf->judge_unknown_age,
                                     .body_part_by_pixels = e->rule->body_part_by_pixels};
    enum srt_reason why = SRT_REASON_NONE;
    char *told = e->judgement->detail;
    bool open = false;
    for (int m = 0; m < e->by->models; m++) {
        char detail[GATE_DETAIL_MAX];
        if (!may_judge(e, m))
            continue;
        e->barred[m] = gate_check(nn_model_info(e->by->model[m]), e->attrs, &image, detail);
        open |= e->barred[m] == SRT_REASON_NONE;
        /* Of two refusals the one that is not about the modality says more. */
        if (e->barred[m] != SRT_REASON_NONE &&
            (why == SRT_REASON_NONE || why == SRT_WRONG_MODALITY)) {
            why = e->barred[m];
            snprintf(told, sizeof e->judgement->detail, "%s", detail);
        }
    }
    if (!open)
        return why;
    told[0] = '\0';
    return SRT_REASON_NONE;
}

/* Do the pixels show what the model is meant for? */
static enum nn_status look(struct exam *e, int m, struct nn_error *err)
{
    struct nn_verdict verdict;
    struct judgement *j = e->judgement;
    char detail[GATE_DETAIL_MAX];
    const struct nn_model *model = e->by->model[m];
    enum nn_status status = nn_judge_gate(e->by->judge[m], e->plane, (int)e->grey.rows,
                                          (int)e->grey.cols, &verdict, err);
    if (status != NN_OK)
        return status;
    e->barred[m] = gate_look(nn_model_info(model), e->attrs, &verdict, detail);
    if (e->barred[m] == SRT_REASON_NONE && j->coverage == SRT_COVERAGE_UNKNOWN)
        j->coverage = gate_coverage(model, &verdict);
    if (!j->detail[0])
        snprintf(j->detail, sizeof j->detail, "%s", detail);
    if (e->barred[m] != SRT_REASON_NONE && j->reason == SRT_REASON_NONE)
        j->reason = e->barred[m];
    return NN_OK;
}

static enum nn_status look_and_judge(struct exam *e, int m, struct nn_judgement *scores,
                                     struct nn_error *err)
{
    enum nn_status status = look(e, m, err);
    if (status != NN_OK || e->barred[m] != SRT_REASON_NONE)
        return status;
    return nn_judge_plane(e->by->judge[m], e->plane, (int)e->grey.rows, (int)e->grey.cols, scores,
                          err);
}

static enum nn_status score(struct exam *e, int m, struct verdicts *v, struct nn_error *err)
{
    const struct nn_model_info *model = nn_model_info(e->by->model[m]);
    struct opinion *opinion = &e->judgement->opinion[m];
    nn_judge_levels(e->by->judge[m], &e->levels);
    enum nn_status status = look_and_judge(e, m, &v->scores[m], err);
    nn_judge_levels(e->by->judge[m], NULL);
    if (status != NN_OK || e->barred[m] != SRT_REASON_NONE)
        return status;
    v->judged[m] = true;
    opinion->classes = model->classes;
    for (int i = 0; i < model->classes; i++)
        opinion->score[i] = (double)v->scores[m].score[i];
    snprintf(opinion->model_digest, sizeof opinion->model_digest, "%s", model->digest);
    return NN_OK;
}

static bool finds(const struct nn_model_info *model, const struct nn_judgement *scores)
{
    int class_ = picture_explained(model, scores->score);
    return model->class_[class_].finding &&
           (double)scores->score[class_] >= model->class_[class_].operating_point;
}

/* How far above its operating point, as a part of what there is above it. */
static double margin(double score, double point)
{
    return point < 1 ? (score - point) / (1 - point) : score - point;
}

static bool is_slice(const struct exam *e, const struct verdicts *v)
{
    return nn_model_info(e->by->model[v->explained])->series_positive > 0;
}

/* What its place in the worklist depends on. */
static void keep_finding(struct exam *e, const struct verdicts *v)
{
    struct judgement *j = e->judgement;
    double best = 0;
    j->agreed = true;
    j->alone = !is_slice(e, v);
    for (int m = 0; m < e->by->models; m++) {
        const struct nn_model_info *model = nn_model_info(e->by->model[m]);
        for (int i = 0; v->judged[m] && i < model->classes; i++) {
            double score = (double)v->scores[m].score[i], point = model->class_[i].operating_point;
            if (model->class_[i].finding && score >= point &&
                (j->finding_score == 0 || margin(score, point) > best)) {
                best = margin(score, point);
                j->finding_score = score;
                j->finding_point = point;
            }
        }
        j->agreed &= !v->judged[m] || finds(model, &v->scores[m]);
    }
}

/* The map and its most salient region, where a model finds something. */
static enum nn_status explain(struct exam *e, struct verdicts *v, struct nn_error *err)
{
    int m = 0, first = -1;
    for (int i = e->by->models - 1; i >= 0; i--)
        if (v->judged[i]) {
            first = i;
            if (finds(nn_model_info(e->by->model[i]), &v->scores[i])) {
                m = i;
                v->with_map = true;
            }
        }
    v->explained = v->with_map ? m : first;
    if (!v->with_map)
        return NN_OK;
    const struct nn_model_info *model = nn_model_info(e->by->model[m]);
    int class_ = picture_explained(model, v->scores[m].score);
    v->relative = !(model->saliency_scale > 0);
    enum nn_status status =
        nn_judge_saliency_absolute(e->by->judge[m], class_, e->by->map, NULL, err);
    if (status == NN_OK)
        v->region_points = picture_region(e->by->map, model->preprocess.side, model->preprocess.fit,
                                          v->scores[m].box, (int)e->grey.rows, (int)e->grey.cols,
                                          PICTURE_REGION, v->region, STORE_REGION_POINTS);
    return status;
}

/* The plane may have been made square; a region is told in the source's own pixels. */
static void keep_region(struct exam *e, const struct verdicts *v)
{
    struct judgement *j = e->judgement;
    bool known = e->object.has_image && e->object.image.rows > 0 && e->object.image.cols > 0;
    float across = known ? (float)e->object.image.cols / (float)e->grey.cols : 1.0f;
    float down = known ? (float)e->object.image.rows / (float)e->grey.rows : 1.0f;
    j->region_points = v->region_points;
    for (size_t i = 0; i < v->region_points; i++) {
        j->region[2 * i] = v->region[2 * i] * across;
        j->region[2 * i + 1] = v->region[2 * i + 1] * down;
    }
}

static const char *phrase_of(const void *template_, const char *id)
{
    return srt_phrase(template_, id);
}

static enum picture_status paint(struct exam *e, const struct verdicts *v, const char *sentence,
                                 const char *warning, const char *watermark,
                                 struct picture *picture)
{
    struct examiner *by = e->by;
    int m = v->explained;
    const struct nn_model_info *model = nn_model_info(by->model[m]);
    struct picture_input input = {
        .plane = e->plane,
        .rows = (int)e->grey.rows,
        .cols = (int)e->grey.cols,
        .map = v->with_map ? by->map : NULL,
        .side = model->preprocess.side,
        .fit = model->preprocess.fit,
        .box = v->scores[m].box,
        .relative = v->relative,
        .explained = picture_explained(model, v->scores[m].score),
        .opinion = {{model, v->scores[m].score}},
        .opinions = 1,
        .region = v->region,
        .region_points = v->region_points,
        .sentence = sentence,
        .found = v->with_map,
        .warning = warning,
        .watermark = watermark,
        .orientation = dx_attrs_text(e->attrs, DX_TAG(0x0020, 0x0020)),
        .matrix = by->node->conf->picture_matrix,
        .phrase = phrase_of,
        .phrases = by->report.template_,
        .pool = by->pool,
    };
    for (int other = 0; other < by->models; other++)
        if (other != m && v->judged[other])
            input.opinion[input.opinions++] =
                (struct picture_opinion){nn_model_info(by->model[other]), v->scores[other].score};
    return picture_draw(by->face, &input, picture);
}

/* What is said of this image; the study's outcome may wait for others. */
static void result_of(struct exam *e, struct srt_image *image, struct srt_result *words)
{
    const struct dx_attrs *attrs = e->attrs;
    report_image(image, e->instance, e->judgement, e->attrs);
    report_result(&e->by->report, image, &attrs, 1, words);
    words->outcome = image->outcome;
    e->judgement->outcome = image->outcome;
}

static enum examine_end draw(struct exam *e, const struct verdicts *v)
{
    struct examiner *by = e->by;
    char error[256], sentence[512];
    struct srt_image image;
    struct srt_result words;
    struct picture picture;
    result_of(e, &image, &words);
    report_sentence(by->report.template_, &words, sentence, sizeof sentence);
    enum picture_status status =
        paint(e, v, sentence, srt_is_synthetic(&words) ? srt_research_line : NULL, NULL, &picture);
    if (status != PICTURE_OK)
        return exam_later(e, picture_status_text(status));

    int64_t *ids = NULL;
    size_t before = 0;
    enum examine_end end = EXAMINE_DONE;
    if (is_slice(e, v)) { /* its series gets one picture, of those that show something */
        if (v->with_map &&
            !report_keep_frame(&by->report, e->instance, &picture, error, sizeof error))
            end = exam_later(e, error);
        picture_finish(&picture);
        return end;
    }
    const struct report_drawn drawn = {
        .picture = &picture,
        .map = v->with_map ? by->map : NULL,
        .side = nn_model_info(by->model[v->explained])->preprocess.side,
        .box = v->scores[v->explained].box,
        .rows = e->object.has_image ? e->object.image.rows : e->grey.rows,
        .cols = e->object.has_image ? e->object.image.cols : e->grey.cols,
        .mm_per_pixel = e->grey.mm_per_pixel,
        .was_lossy = e->grey.was_lossy != 0,
        .pool = by->pool,
    };
    struct report_drawn numbered = drawn;
    if (store_study_instances(by->store, e->instance->study, &ids, &before) != STORE_OK)
        end = exam_later(e, store_error(by->store));
    numbered.number = (int)before + 1;
    if (end == EXAMINE_DONE && !report_drawn(&by->report, e->instance, e->attrs, &numbered,
                                             e->judgement, error, sizeof error))
        end = exam_later(e, error);
    free(ids);
    picture_finish(&picture);
    if (end == EXAMINE_DONE)
        crash_point("analyze-after-picture");
    return end;
}

static bool journal(struct exam *e, const struct verdicts *v)
{
    for (int m = 0; m < e->by->models; m++)
        if (v->judged[m] && !report_journal(e->attrs, &e->by->report, m))
            return false;
    return true;
}

/* Scores, map and region. EXAMINE_DONE: JUDGED, or NOT_PROCESSED with its reason. */
static enum examine_end judge_plane(struct exam *e, struct verdicts *v)
{
    struct nn_error err = {0};
    struct judgement *j = e->judgement;
    enum nn_status status = NN_OK;
    bool judged = false;
    int64_t begin = clock_monotonic_ms();
    for (int m = 0; m < e->by->models && status == NN_OK; m++) {
        if (may_judge(e, m) && e->barred[m] == SRT_REASON_NONE)
            status = score(e, m, v, &err);
        judged |= v->judged[m];
    }
    if (status == NN_OK && !judged) {
        j->state = INSTANCE_NOT_PROCESSED;
        return EXAMINE_DONE;
    }
    if (status == NN_OK)
        status = explain(e, v, &err);
    e->out->judge_ms = clock_monotonic_ms() - begin;
    if (status == NN_NO_MEMORY)
        return exam_later(e, err.text);
    if (status != NN_OK) {
        memset(j->opinion, 0, sizeof j->opinion);
        return exam_not_processed(e, SRT_SOFTWARE_FAILURE, err.text);
    }
    j->state = INSTANCE_JUDGED;
    j->reason = SRT_REASON_NONE; /* one model's refusal is none of the image's */
    keep_region(e, v);
    keep_finding(e, v);
    return journal(e, v) ? EXAMINE_DONE : exam_later(e, "out of memory");
}

enum examine_end exam_judge(struct exam *e)
{
    struct verdicts v = {.explained = -1};
    enum examine_end end = judge_plane(e, &v);
    if (end != EXAMINE_DONE || e->judgement->state != INSTANCE_JUDGED)
        return end;
    int64_t begin = clock_monotonic_ms();
    end = draw(e, &v);
    e->out->picture_ms = clock_monotonic_ms() - begin;
    return end;
}

enum examine_end exam_show(struct exam *e, const char *warning, const char *watermark,
                           struct exam_shown *shown)
{
    struct verdicts v = {.explained = -1};
    enum examine_end end = judge_plane(e, &v);
    memset(shown, 0, sizeof *shown);
    if (end != EXAMINE_DONE || e->judgement->state != INSTANCE_JUDGED)
        return end;
    struct srt_image image;
    struct srt_result words;
    result_of(e, &image, &words);
    report_sentence(e->by->report.template_, &words, shown->sentence, sizeof shown->sentence);
    const struct nn_model_info *model = nn_model_info(e->by->model[v.explained]);
    shown->model = v.explained;
    shown->class_ = picture_explained(model, v.scores[v.explained].score);
    enum picture_status status = paint(e, &v, shown->sentence, warning, watermark, &shown->picture);
    return status == PICTURE_OK ? EXAMINE_DONE : exam_later(e, picture_status_text(status));
}
