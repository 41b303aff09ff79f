/* explain.c: the methods that turn a judge's answer into a map. Each makes a raw plane of weights,
 * and saliency.c makes the map of it. Sums run in the order of samples and windows, so that the
 * bits do not depend on the pool.
 *
 * SmoothGrad's default noise was measured on the bundled model and injured phantoms that it answers
 * rightly (7, 10 samples each): the part of the map's sum inside the injury's box was 0.19 for the
 * gradient alone; 0.21, 0.20 and 0.11 for noise of 0.02, 0.05 and 0.1. */
#include "explain_internal.h"
#include "mix_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES       25 /* more than 50 change little (Smilkov et al. 2017, section 3) */
#define MAX_SAMPLES   1000
#define NOISE         0.02f
#define WINDOW        0.2f
#define COVERED_BATCH 8 /* covered inputs at a time */

static const char *const names[NN_EXPLAIN_METHODS] = {"gradient", "smoothgrad", "gradcam",
                                                      "occlusion"};

const char *nn_explain_name(enum nn_explain_method method)
{
    return (unsigned)method < NN_EXPLAIN_METHODS ? names[method] : "?";
}

bool nn_explain_find(const char *name, enum nn_explain_method *method)
{
    for (int i = 0; i < NN_EXPLAIN_METHODS; i++) {
        if (strcmp(name, names[i]) == 0) {
            *method = (enum nn_explain_method)i;
            return true;
        }
    }
    return false;
}

static enum nn_status no_memory(struct nn_error *err)
{
    return nn_fail(err, NN_NO_MEMORY, "explain: no memory");
}

/* d(class score): one at the class. */
static const float *seed_of(struct nn_judge *judge, int class_)
{
    memset(judge->seed, 0, (size_t)judge->model->info.classes * sizeof *judge->seed);
    judge->seed[class_] = 1.0f;
    return judge->seed;
}

/* Standard normal to within what an image's noise needs: the sum of twelve uniform numbers, less
 * six (variance 1); no libm, the same everywhere. */
static float normal(uint64_t *state)
{
    int64_t sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (int64_t)(nn_mix_next(state) >> 40);
    return (float)(sum - 6 * (INT64_C(1) << 24)) * 0x1p-24f;
}

static float range_of(const float *values, size_t count)
{
    float low = values[0], high = values[0];
    for (size_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    return high - low;
}

static enum nn_status smoothgrad(struct nn_judge *judge, const struct nn_explain *how, int class_,
                                 float *map, struct nn_error *err)
{
    int side = judge->model->info.preprocess.side, samples = how->samples;
    size_t area = (size_t)side * (size_t)side;
    float *noisy = malloc(3 * area * sizeof *noisy), *sum = calloc(3 * area, sizeof *sum);
    enum nn_status status = noisy && sum ? NN_OK : no_memory(err);
    float scale[3];

    for (size_t c = 0; c < 3; c++)
        scale[c] = how->noise * range_of(judge->input + c * area, area);
    for (int s = 0; status == NN_OK && s < samples; s++) {
        uint64_t state = nn_mix64(nn_mix64(how->seed) ^ (uint64_t)s);
        for (size_t i = 0; i < area; i++) {
            float noise = normal(&state);
            for (size_t c = 0; c < 3; c++)
                noisy[c * area + i] = judge->input[c * area + i] + scale[c] * noise;
        }
        if ((status = nn_run_forward(judge->run, noisy, 1, NULL, err)) != NN_OK ||
            (status = nn_run_backward(judge->run, judge->model->head, seed_of(judge, class_),
                                      err)) != NN_OK)
            break;
        const float *gradient = nn_run_input_gradient(judge->run);
        for (size_t i = 0; i < 3 * area; i++)
            sum[i] += gradient[i];
    }
    if (status == NN_OK) /* the run stands at the judged plane again */
        status = nn_run_forward(judge->run, judge->input, 1, NULL, err);
    if (status == NN_OK)
        status = nn_saliency_map(sum, 3, side, map, err);
    free(noisy);
    free(sum);
    return status;
}

/* Covered inputs: where their windows begin, and how the class fares in them. */
struct cover {
    const float *input;
    float mean[3];
    int side, window, step, positions; /* along one axis */
};

static void cover_init(struct cover *cover, const struct nn_judge *judge,
                       const struct nn_explain *how)
{
    int side = judge->model->info.preprocess.side;
    size_t area = (size_t)side * (size_t)side;
    int window = (int)lroundf(how->window * (float)side);
    int step = (int)lroundf(how->step * (float)side);

    *cover = (struct cover){.input = judge->input, .side = side};
    cover->window = window < 1 ? 1 : window;
    cover->step = step < 1 ? 1 : step;
    cover->positions = (side - cover->window + cover->step - 1) / cover->step + 1;
    for (size_t c = 0; c < 3; c++) {
        double sum = 0;
        for (size_t i = 0; i < area; i++)
            sum += (double)judge->input[c * area + i];
        cover->mean[c] = (float)(sum / (double)area);
    }
}

/* The last window ends at the edge. */
static int begin_of(const struct cover *cover, int position)
{
    int begin = position * cover->step, last = cover->side - cover->window;
    return begin < last ? begin : last;
}

static void draw_covered(const struct cover *cover, int index, float *to)
{
    size_t side = (size_t)cover->side, area = side * side;
    int top = begin_of(cover, index / cover->positions);
    int left = begin_of(cover, index % cover->positions);

    memcpy(to, cover->input, 3 * area * sizeof *to);
    for (size_t c = 0; c < 3; c++)
        for (int y = top; y < top + cover->window; y++)
            for (int x = left; x < left + cover->window; x++)
                to[c * area + (size_t)y * side + (size_t)x] = cover->mean[c];
}

/* Adds a window's fall to its pixels, and counts it there. */
static void add_fall(const struct cover *cover, int index, float fall, float *sum, float *count)
{
    int top = begin_of(cover, index / cover->positions);
    int left = begin_of(cover, index % cover->positions);

    for (int y = top; y < top + cover->window; y++)
        for (int x = left; x < left + cover->window; x++) {
            size_t at = (size_t)y * (size_t)cover->side + (size_t)x;
            sum[at] += fall;
            count[at] += 1;
        }
}

/* output: (COVERED_BATCH, classes); sum and count: (side, side), zero. */
static enum nn_status cover_all(struct nn_judge *judge, const struct cover *cover,
                                struct nn_run *run, int class_, float *inputs, float *output,
                                float *sum, float *count, struct nn_error *err)
{
    int classes = judge->model->info.classes, total = cover->positions * cover->positions;
    size_t size = 3 * (size_t)cover->side * (size_t)cover->side;
    enum nn_status status = nn_run_forward(run, judge->input, 1, output, err);
    float whole = output[class_];

    for (int first = 0; status == NN_OK && first < total; first += COVERED_BATCH) {
        int batch = total - first < COVERED_BATCH ? total - first : COVERED_BATCH;
        for (int i = 0; i < batch; i++)
            draw_covered(cover, first + i, inputs + (size_t)i * size);
        status = nn_run_forward(run, inputs, batch, output, err);
        for (int i = 0; status == NN_OK && i < batch; i++) {
            float fall = whole - output[i * classes + class_]; /* NaN reaches the map's check */
            add_fall(cover, first + i, fall < 0 ? 0 : fall, sum, count);
        }
    }
    return status;
}

static enum nn_status occlusion(struct nn_judge *judge, const struct nn_explain *how, int class_,
                                float *map, struct nn_error *err)
{
    const struct nn_model *model = judge->model;
    size_t area = (size_t)model->info.preprocess.side * (size_t)model->info.preprocess.side;
    struct nn_run *run = NULL;
    struct cover cover;
    float *inputs = malloc(COVERED_BATCH * 3 * area * sizeof *inputs);
    float *output = calloc(COVERED_BATCH * (size_t)model->info.classes, sizeof *output);
    float *sum = calloc(area, sizeof *sum), *count = calloc(area, sizeof *count);
    enum nn_status status = inputs && output && sum && count ? NN_OK : no_memory(err);

    cover_init(&cover, judge, how);
    if (status == NN_OK)
        status = nn_run_create(model->graph, model->values, COVERED_BATCH, NN_RUN_INFER,
                               judge->pool, &run, err);
    if (status == NN_OK)
        status = cover_all(judge, &cover, run, class_, inputs, output, sum, count, err);
    for (size_t i = 0; status == NN_OK && i < area; i++)
        sum[i] /= count[i];
    if (status == NN_OK)
        status = nn_saliency_map(sum, 1, model->info.preprocess.side, map, err);
    nn_run_destroy(run);
    free(inputs);
    free(output);
    free(sum);
    free(count);
    return status;
}

/* Zeros become defaults; what is out of range is refused. */
static enum nn_status complete(const struct nn_explain *from, struct nn_explain *how,
                               struct nn_error *err)
{
    *how = *from;
    how->samples = from->samples == 0 ? SAMPLES : from->samples;
    how->noise = from->noise == 0 ? NOISE : from->noise;
    how->window = from->window == 0 ? WINDOW : from->window;
    how->step = from->step == 0 ? how->window / 2 : from->step;
    if ((unsigned)how->method >= NN_EXPLAIN_METHODS)
        return nn_fail(err, NN_INVALID, "explain: method %d", (int)how->method);
    if (how->samples < 1 || how->samples > MAX_SAMPLES)
        return nn_fail(err, NN_INVALID, "explain: %d samples (1 to %d)", how->samples, MAX_SAMPLES);
    if (!(how->noise > 0 && how->noise <= 1))
        return nn_fail(err, NN_INVALID, "explain: a noise of %g (above 0, at most 1)",
                       (double)how->noise);
    /* a longer step would leave pixels that no window covers */
    if (!(how->window > 0 && how->window <= 1) || !(how->step > 0 && how->step <= how->window))
        return nn_fail(err, NN_INVALID,
                       "explain: a window of %g (above 0, at most 1), a step of %g (above 0, at "
                       "most the window)",
                       (double)how->window, (double)how->step);
    return NN_OK;
}

enum nn_status nn_judge_explain(struct nn_judge *judge, const struct nn_explain *how, int class_,
                                float *map, struct nn_error *err)
{
    struct nn_explain full;
    enum nn_status status;

    if (!judge->judged)
        return nn_fail(err, NN_INVALID, "explain: no plane has been judged");
    if (class_ < 0 || class_ >= judge->model->info.classes)
        return nn_fail(err, NN_INVALID, "explain: class %d of %d", class_,
                       judge->model->info.classes);
    if ((status = complete(how, &full, err)) != NN_OK)
        return status;
    switch (full.method) {
    case NN_EXPLAIN_GRADIENT:
        return nn_judge_saliency(judge, class_, map, err);
    case NN_EXPLAIN_SMOOTHGRAD:
        return smoothgrad(judge, &full, class_, map, err);
    case NN_EXPLAIN_GRADCAM:
        return nn_explain_gradcam(judge, full.layer, seed_of(judge, class_), map, err);
    case NN_EXPLAIN_OCCLUSION:
        return occlusion(judge, &full, class_, map, err);
    }
    return nn_fail(err, NN_INVALID, "explain: method %d", (int)full.method);
}
