/* Do maps depend on what they should? The bundled model and injured phantoms (synthetic images).
 *
 * Cascade (Adebayo et al. 2018): weights are drawn anew from the top of the network downwards; a
 * map that stays the same shows the image, not the network. Rotation: an image turned by 15 degrees
 * has its map turned by 15 degrees. Occlusion is left out: 81 passes a map are minutes here, and
 * its windows do not turn with the image; docs/explanation.md has its figures. */
#include "mix_internal.h"
#include "model/model_internal.h"
#include "nn_explain.h"
#include "phantom/phantom.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIDE     288 /* of the bundled model's input: asked below */
#define AREA     (SIDE * SIDE)
#define DRAWN    320
#define NEAR     0.6 /* of the image's height, from above; the pivot is at its lower edge */
#define SEARCHED 120 /* phantoms, for those that the model answers rightly, upright and turned */
#define IMAGES   2
#define METHODS  3   /* gradient, SmoothGrad, Grad-CAM */
#define TURNED   4   /* and occlusion */
#define LEAST    0.3 /* correlation; docs/explanation.md has what was seen */
#define MEAN     0.6 /* over the images */
#define ANGLE    (15 * 3.14159265358979323846 / 180)

static const char *const stages[][5] = {
    {"loss3", "inception_5b", "inception_5a", "inception_4e"},
    {"inception_4d", "inception_4c", "inception_4b", "inception_4a"},
    {"inception_3b", "inception_3a"},
    {"conv2", "conv1"},
};
#define STAGES (int)(sizeof stages / sizeof stages[0])

/* The bundled model, and the same with weights that can be drawn anew. */
struct setting {
    struct nn_model *model, drawn;
    struct nn_values *values;
    struct nn_pool *pool;
    struct nn_judge *judge;
};

static struct setting setting;

static void judge(const float *plane, struct nn_judgement *judgement)
{
    struct nn_error err = {0};
    assert_int_equal(nn_judge_plane(setting.judge, plane, DRAWN, DRAWN, judgement, &err), NN_OK);
}

static void rotate(const float *from, int side, double angle, bool repeat, float *to);

/* The first injured phantoms that the model answers rightly, upright and turned. */
static struct {
    float plane[DRAWN * DRAWN];
    enum nn_phantom_class class_;
} image[IMAGES];

static void draw_images(void)
{
    static float turned[DRAWN * DRAWN];
    const struct nn_phantom_settings settings = {
        .seed = 2028, .rows = DRAWN, .cols = DRAWN, .prevalence = {0.5, 0.5, 0}};
    int found = 0;

    for (uint64_t i = 0; i < SEARCHED && found < IMAGES; i++) {
        struct nn_phantom_truth truth;
        struct nn_judgement judgement;
        struct nn_plane drawn;
        struct nn_error err = {0};
        float *plane = image[found].plane;

        nn_phantom_truth(&settings, (UINT64_C(1) << 41) + i, &truth);
        if (truth.subtlety > 0.2 || truth.box[3] > DRAWN * NEAR)
            continue; /* what is near the pivot of the turn hardly moves */
        assert_int_equal(
            nn_phantom_draw(&settings, (UINT64_C(1) << 41) + i, &drawn, NULL, NULL, &err), NN_OK);
        memcpy(plane, drawn.pixels, sizeof *plane * DRAWN * DRAWN);
        nn_plane_finish(&drawn);
        image[found].class_ = truth.class_;
        rotate(plane, DRAWN, ANGLE, true, turned);
        judge(turned, &judgement);
        if (judgement.top != (int)truth.class_)
            continue;
        judge(plane, &judgement);
        if (judgement.top == (int)truth.class_)
            found++;
    }
    if (found < IMAGES)
        fail_msg("fewer than %d of %d phantoms are answered rightly, upright and turned", IMAGES,
                 SEARCHED);
}

static void explain(int method, int class_, float *map)
{
    struct nn_error err = {0};
    const struct nn_explain how = {.method = (enum nn_explain_method)method, .samples = 5};
    if (nn_judge_explain(setting.judge, &how, class_, map, &err) != NN_OK)
        fail_msg("%s", err.text);
}

/* Pearson's, where both are numbers. 0 when a map is flat. */
static double correlation(const float *a, const float *b)
{
    double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int i = 0; i < AREA; i++) {
        double p = (double)a[i], q = (double)b[i];
        if (isnan(p) || isnan(q))
            continue;
        n++;
        sa += p;
        sb += q;
        saa += p * p;
        sbb += q * q;
        sab += p * q;
    }
    double va = saa / n - sa / n * (sa / n), vb = sbb / n - sb / n * (sb / n);
    return va > 0 && vb > 0 ? (sab / n - sa / n * (sb / n)) / sqrt(va * vb) : 0;
}

/* About the middle of the lower edge, so that the spine moves as a whole (a spot in the middle of
 * the image would look the same after a turn about itself). What comes from outside is the edge
 * repeated, or NaN. */
static void rotate(const float *from, int side, double angle, bool repeat, float *to)
{
    double c = cos(angle), s = sin(angle), px = (side - 1) / 2.0, py = side - 1;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double u = c * (x - px) + s * (y - py) + px, v = -s * (x - px) + c * (y - py) + py;
            bool inside = u >= 0 && v >= 0 && u <= side - 1 && v <= side - 1;
            u = fmin(fmax(u, 0), side - 1.001);
            v = fmin(fmax(v, 0), side - 1.001);
            const float *at = from + (int)v * side + (int)u;
            double right = u - (int)u, down = v - (int)v;
            double value = ((double)at[0] * (1 - right) + (double)at[1] * right) * (1 - down) +
                           ((double)at[side] * (1 - right) + (double)at[side + 1] * right) * down;
            to[y * side + x] = inside || repeat ? (float)value : NAN;
        }
}

static void a_rotated_image_has_a_rotated_map(void **state)
{
    static float turned[DRAWN * DRAWN];
    static float map[TURNED][AREA], other[AREA], back[AREA];
    struct nn_judgement judgement;
    double sum[TURNED] = {0};

    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        const float *plane = image[i].plane;
        const enum nn_phantom_class class_ = image[i].class_;

        judge(plane, &judgement);
        for (int m = 0; m < TURNED; m++)
            explain(m, (int)class_, map[m]);
        rotate(plane, DRAWN, ANGLE, true, turned);
        judge(turned, &judgement);
        assert_int_equal(judgement.top, class_); /* else the two maps are of different answers */
        for (int m = 0; m < TURNED; m++) {
            explain(m, (int)class_, other);
            rotate(other, SIDE, -ANGLE, false, back);
            double r = correlation(map[m], back);
            double still = correlation(map[m], other);
            print_message("rotated, image %d, %s: %.3f (not turned back: %.3f)\n", i,
                          nn_explain_name((enum nn_explain_method)m), r, still);
            assert_true(r > LEAST);
            assert_true(r > still + 0.15);
            sum[m] += r;
        }
    }
    for (int m = 0; m < TURNED; m++)
        assert_true(sum[m] > MEAN * IMAGES);
}

static float normal(uint64_t *stream)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(nn_mix_next(stream) >> 40) * 0x1p-24;
    return (float)sum;
}

/* Weights of the stage's layers: normal, with the deviation that they had; biases: zero. */
static void randomise(int stage, uint64_t *stream)
{
    const struct nn_graph *graph = setting.model->graph;
    for (int p = 0; p < nn_graph_parameter_count(graph); p++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, p);
        float *values = nn_values_at(setting.values, p);
        bool named = false;
        for (int i = 0; i < 5 && stages[stage][i] != NULL; i++)
            named =
                named || strncmp(parameter->name, stages[stage][i], strlen(stages[stage][i])) == 0;
        double squares = 0;
        for (size_t k = 0; k < parameter->elements; k++)
            squares += (double)values[k] * (double)values[k];
        float deviation = (float)sqrt(squares / (double)parameter->elements);
        for (size_t k = 0; named && k < parameter->elements; k++)
            values[k] = parameter->dims == 1 ? 0 : deviation * normal(stream);
    }
}

static void restore(void)
{
    for (int p = 0; p < nn_graph_parameter_count(setting.model->graph); p++)
        memcpy(nn_values_at(setting.values, p), nn_values_peek(setting.model->values, p),
               nn_graph_parameter(setting.model->graph, p)->elements * sizeof(float));
}

static void random_weights_have_other_maps(void **state)
{
    static float map[METHODS][AREA], other[AREA];
    double mean[METHODS][8] = {{0}};
    struct nn_judgement judgement;

    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        uint64_t stream = 100 + (uint64_t)i;
        const float *plane = image[i].plane;
        const enum nn_phantom_class class_ = image[i].class_;

        judge(plane, &judgement);
        for (int m = 0; m < METHODS; m++)
            explain(m, (int)class_, map[m]);
        for (int s = 0; s < STAGES; s++) {
            randomise(s, &stream);
            judge(plane, &judgement);
            for (int m = 0; m < METHODS; m++) {
                explain(m, (int)class_, other);
                mean[m][s] += correlation(map[m], other) / IMAGES;
            }
        }
        restore();
    }
    for (int m = 0; m < METHODS; m++) {
        print_message("weights drawn down to 4e, 4a, 3a, conv1, %s: %.3f %.3f %.3f %.3f\n",
                      nn_explain_name((enum nn_explain_method)m), mean[m][0], mean[m][1],
                      mean[m][2], mean[m][3]);
        assert_true(mean[m][1] < 0.8);
        assert_true(mean[m][STAGES - 1] < 0.5);
    }
}

static int open_model(void **state)
{
    struct nn_error err = {0};
    struct setting *s = &setting;

    (void)state;
    if (nn_model_open(CERVIGATE_SOURCE_DIR "/models/cervigate-phantom", &s->model, &err) != NN_OK ||
        nn_values_create(s->model->graph, s->model->weights, true, NULL, 0, &s->values, &err) !=
            NN_OK)
        return -1;
    if (nn_model_info(s->model)->preprocess.side != SIDE)
        return -1;
    s->drawn = *s->model;
    s->drawn.values = s->values;
    s->pool = nn_pool_create(2);
    if (nn_judge_create(&s->drawn, s->pool, &s->judge, &err) != NN_OK)
        return -1;
    draw_images();
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    nn_judge_destroy(setting.judge);
    nn_values_destroy(setting.values);
    nn_pool_destroy(setting.pool);
    nn_model_close(setting.model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rotated_image_has_a_rotated_map),
        cmocka_unit_test(random_weights_have_other_maps),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
