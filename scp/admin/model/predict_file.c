#include "clock.h"
#include "predict.h"
#include "report.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PREDICT_MATRIX        1536
#define PREDICT_SIDE_LEAST    32
#define PREDICT_REGION_POINTS 64

int predictor_open(struct predictor *predictor, const char *model, int threads, char *error,
                   size_t error_size)
{
    struct nn_error err = {0};
    memset(predictor, 0, sizeof *predictor);
    int status = image_reader_open(&predictor->reader, error, error_size);
    if (status != 0)
        return status;
    if (nn_model_open(model, &predictor->model, &err) != NN_OK) {
        snprintf(error, error_size, "model %s: %s", model, err.text);
        return err.status == NN_MISSING || err.status == NN_IO ? EX_NOINPUT : EX_DATAERR;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int side = nn_model_info(predictor->model)->preprocess.side;
    predictor->pool = nn_pool_create(threads > 0 ? threads : processors > 0 ? (int)processors : 1);
    predictor->map = malloc((size_t)side * (size_t)side * sizeof *predictor->map);
    if (!predictor->pool || !predictor->map ||
        nn_judge_create(predictor->model, predictor->pool, &predictor->judge, &err) != NN_OK) {
        snprintf(error, error_size, "network: %s", err.text[0] ? err.text : "out of memory");
        return EX_OSERR;
    }
    return 0;
}

void predictor_close(struct predictor *predictor)
{
    nn_judge_destroy(predictor->judge);
    nn_pool_destroy(predictor->pool);
    nn_model_close(predictor->model);
    free(predictor->map);
    image_reader_close(&predictor->reader);
    memset(predictor, 0, sizeof *predictor);
}

static void not_judged(struct prediction *p, const char *reason, const char *detail)
{
    p->judged = false;
    p->reason = reason;
    snprintf(p->detail, sizeof p->detail, "%s", detail);
}

static int decode(struct predictor *predictor, struct zygote_object *object, enum zygote_end opened,
                  struct prediction *p, char *error, size_t error_size)
{
    struct dx_grey grey = {0};
    enum zygote_end end = opened;
    enum srt_reason reason = SRT_REASON_NONE;
    if (end == ZYGOTE_OK) {
        struct gate_image image = {.has_pixels = object->scan.has_pixel_data,
                                   .frames = object->has_image ? object->image.frames : 1};
        reason = gate_check(nn_model_info(predictor->model), object->attrs, &image, p->detail);
    }
    if (end == ZYGOTE_OK && reason == SRT_REASON_NONE)
        end = zygote_decode(object, 0, &grey);
    if (end == ZYGOTE_BROKEN) {
        snprintf(error, error_size, "%s", object->text);
        return EX_OSERR;
    }
    if (reason != SRT_REASON_NONE) {
        p->reason = srt_reason_name(reason);
        return 0;
    }
    if (end != ZYGOTE_OK) {
        not_judged(p,
                   srt_reason_name(end == ZYGOTE_DIED                ? SRT_SOFTWARE_FAILURE
                                   : object->refusal == DX_LIMIT     ? SRT_TOO_LARGE
                                   : object->refusal == DX_NO_PIXELS ? SRT_NO_PIXEL_DATA
                                                                     : SRT_UNDECODABLE),
                   object->text);
        return 0;
    }
    p->judged = image_plane_of(&grey, &p->plane);
    dx_grey_finish(&grey);
    if (!p->judged)
        snprintf(error, error_size, "out of memory");
    return p->judged ? 0 : EX_OSERR;
}

/* *attrs becomes the caller's. */
static int read_dicom(struct predictor *predictor, int fd, struct prediction *p,
                      struct dx_attrs **attrs, char *error, size_t error_size)
{
    struct zygote_object object;
    enum zygote_end opened =
        zygote_open(predictor->reader.zygote, fd, &predictor->reader.limits, NULL, &object);
    int status = decode(predictor, &object, opened, p, error, error_size);
    *attrs = object.attrs;
    object.attrs = NULL;
    zygote_close(&object);
    return status;
}

/* As in the node (examine.c). attrs NULL: a picture file, whose header tells nothing. */
static void refuse_by_pixels(struct predictor *predictor, const struct dx_attrs *attrs,
                             struct prediction *p)
{
    struct nn_error err = {0};
    struct nn_verdict verdict;
    struct dx_attrs *none = attrs ? NULL : dx_attrs_create();
    if (!attrs && !none) {
        not_judged(p, srt_reason_name(SRT_SOFTWARE_FAILURE), "out of memory");
    } else if (nn_judge_gate(predictor->judge, p->plane.pixels, p->plane.rows, p->plane.cols,
                             &verdict, &err) != NN_OK) {
        not_judged(p, srt_reason_name(SRT_SOFTWARE_FAILURE), err.text);
    } else {
        char detail[GATE_DETAIL_MAX];
        enum srt_reason reason =
            gate_look(nn_model_info(predictor->model), attrs ? attrs : none, &verdict, detail);
        if (reason != SRT_REASON_NONE)
            not_judged(p, srt_reason_name(reason), detail);
    }
    dx_attrs_destroy(none);
}

/* As in the node (examine.c): the network gives any plane a score, even one that shows nothing. */
static void refuse_without_content(struct prediction *p)
{
    const struct nn_plane *plane = &p->plane;
    size_t count = (size_t)plane->rows * (size_t)plane->cols, same = 1;
    char detail[64];
    if (plane->rows < PREDICT_SIDE_LEAST || plane->cols < PREDICT_SIDE_LEAST) {
        snprintf(detail, sizeof detail, "%d x %d pixels", plane->rows, plane->cols);
        not_judged(p, srt_reason_name(SRT_NO_CONTENT), detail);
        return;
    }
    while (same < count && memcmp(plane->pixels + same, plane->pixels, sizeof *plane->pixels) == 0)
        same++;
    if (same == count)
        not_judged(p, srt_reason_name(SRT_NO_CONTENT), "every pixel is shown with the same grey");
}

int predict_file(struct predictor *predictor, const char *path, struct prediction *p, char *error,
                 size_t error_size)
{
    struct nn_error err = {0};
    int status = 0;
    memset(p, 0, sizeof *p);
    p->reason = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        not_judged(p, "unreadable", strerror(errno));
        return EX_NOINPUT;
    }
    struct dx_attrs *attrs = NULL;
    int64_t begin = clock_monotonic_ms();
    if (!image_file_is_picture(fd))
        status = read_dicom(predictor, fd, p, &attrs, error, error_size);
    else if (nn_image_read(path, &p->plane, &err) == NN_OK)
        p->judged = true;
    else
        not_judged(p, srt_reason_name(SRT_UNDECODABLE), err.text);
    close(fd);

    if (status == 0 && p->judged)
        refuse_without_content(p);
    if (status == 0 && p->judged)
        refuse_by_pixels(predictor, attrs, p);
    if (status == 0 && p->judged &&
        nn_judge_plane(predictor->judge, p->plane.pixels, p->plane.rows, p->plane.cols, &p->scores,
                       &err) != NN_OK)
        not_judged(p, srt_reason_name(SRT_SOFTWARE_FAILURE), err.text);
    p->milliseconds = clock_monotonic_ms() - begin;
    const char *orientation = attrs ? dx_attrs_text(attrs, DX_TAG(0x0020, 0x0020)) : NULL;
    snprintf(p->orientation, sizeof p->orientation, "%s", orientation ? orientation : "");
    dx_attrs_destroy(attrs);
    if (status != 0 || !p->judged)
        nn_plane_finish(&p->plane);
    return status;
}

/* The model's answer in one sentence; whether it is a finding. */
static bool sentence_of(const struct nn_model_info *model, const struct prediction *p, char *text,
                        size_t size)
{
    struct srt_image image = {.outcome = SRT_NO_FINDING};
    image.opinion[0].classes = (size_t)model->classes;
    for (int i = 0; i < model->classes; i++) {
        struct srt_class *class_ = &image.opinion[0].class_[i];
        *class_ = (struct srt_class){.name = model->class_[i].name,
                                     .finding = model->class_[i].finding,
                                     .score = (double)p->scores.score[i],
                                     .operating_point = model->class_[i].operating_point};
        if (class_->finding && class_->score >= class_->operating_point)
            image.outcome = SRT_FINDING;
    }
    const struct srt_result result = {.outcome = image.outcome,
                                      .images = &image,
                                      .image_count = 1,
                                      .models = {{.synthetic = model->provenance == NN_SYNTHETIC}},
                                      .model_count = 1};
    struct srt_template *template_ = NULL;
    text[0] = '\0';
    if (srt_template_open(NULL, "en", &template_, NULL) == SRT_OK)
        report_sentence(template_, &result, text, size);
    srt_template_close(template_);
    return image.outcome == SRT_FINDING;
}

/* The map on the model's scale; a method that has none, and a model without, on the map's own. */
static enum nn_status explain(struct predictor *predictor, const struct nn_explain *how,
                              struct picture_input *input, struct nn_error *err)
{
    bool gradient = how->method == NN_EXPLAIN_GRADIENT;
    enum nn_status status =
        gradient ? nn_judge_saliency_absolute(predictor->judge, input->explained, predictor->map,
                                              NULL, err)
                 : nn_judge_explain(predictor->judge, how, input->explained, predictor->map, err);
    input->relative = !gradient || !(nn_model_info(predictor->model)->saliency_scale > 0);
    input->map = predictor->map;
    return status;
}

static int draw_picture(const struct picture_input *input, const char *out, char *error,
                        size_t error_size)
{
    struct nn_error err = {0};
    struct picture_face *face = NULL;
    struct picture picture = {0};
    int status = 0;
    enum picture_status drawn = picture_face_open(NULL, &face);
    if (drawn == PICTURE_OK)
        drawn = picture_draw(face, input, &picture);
    if (drawn != PICTURE_OK) {
        snprintf(error, error_size, "picture: %s", picture_status_text(drawn));
        status = EX_SOFTWARE;
    } else if (nn_image_write_png(out, picture.rgb, (int)picture.rows, (int)picture.cols, 3,
                                  &err) != NN_OK) {
        snprintf(error, error_size, "%s", err.text);
        status = EX_CANTCREAT;
    }
    picture_finish(&picture);
    picture_face_close(face);
    return status;
}

int predict_picture(struct predictor *predictor, const struct prediction *p,
                    const struct nn_explain *how, const char *out, char *error, size_t error_size)
{
    struct nn_error err = {0};
    char sentence[512];
    float region[2 * PREDICT_REGION_POINTS];
    const struct nn_model_info *model = nn_model_info(predictor->model);
    struct picture_input input = {
        .plane = p->plane.pixels,
        .rows = p->plane.rows,
        .cols = p->plane.cols,
        .box = p->scores.box,
        .explained = picture_explained(model, p->scores.score),
        .side = model->preprocess.side,
        .fit = model->preprocess.fit,
        .opinion = {{model, p->scores.score}},
        .opinions = 1,
        .found = sentence_of(model, p, sentence, sizeof sentence),
        .sentence = sentence,
        .warning = model->provenance == NN_SYNTHETIC ? srt_research_line : NULL,
        .orientation = p->orientation,
        .matrix = PREDICT_MATRIX,
    };
    if (input.found && explain(predictor, how, &input, &err) != NN_OK) {
        snprintf(error, error_size, "saliency: %s", err.text);
        return EX_SOFTWARE;
    }
    if (input.found) {
        input.region = region;
        input.region_points =
            picture_region(input.map, input.side, input.fit, input.box, input.rows, input.cols,
                           PICTURE_REGION, region, PREDICT_REGION_POINTS);
    }
    return draw_picture(&input, out, error, error_size);
}
