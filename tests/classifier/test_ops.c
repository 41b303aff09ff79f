/* Each layer's mathematics directly, at odd shapes and in blocks: forward against the naive twin,
 * backward against central differences of it. Convolutions have test_conv2d.c. */
#include "networks.h"
#include "ops/exp.h"
#include "ops/ops.h"
#include "ref_ops.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 4096
#define STEP 1e-5

static void close_to(const char *what, const float *got, const double *want, size_t count,
                     double tolerance)
{
    double scale = 1e-3;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs(want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance * scale))
            fail_msg("%s[%zu] is %g, the twin says %g", what, i, (double)got[i], want[i]);
}

static void widen(const float *from, double *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (double)from[i];
}

static void set(float *to, float value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = value;
}

/* ---- exp, sigmoid, SiLU, clip ---- */

static double ulp_of(double value)
{
    int exponent;
    frexp(fabs(value), &exponent);
    return ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
}

/* Every 61st float between the ends where exp leaves the range of float. */
static void exp_is_within_2_ulp(void **state)
{
    (void)state;
    double worst = 0;
    for (uint32_t sign = 0; sign < 2; sign++)
        for (uint32_t bits = 0; bits < 0x43000000u; bits += 61) {
            float x = nn_float_of(bits | sign << 31);
            double want = exp((double)x);
            if (want > (double)FLT_MAX)
                break;
            worst = fmax(worst, fabs((double)nn_exp(x) - want) / ulp_of(want));
        }
    if (!(worst < 2))
        fail_msg("exp is %g ulp away", worst);
    assert_float_equal(nn_exp(0), 1, 0);
    assert_float_equal(nn_exp(-INFINITY), 0, 0);
    assert_true(isinf(nn_exp(INFINITY)) && isinf(nn_exp(88.8f)));
    assert_true(isnan(nn_exp(NAN)) && isnan(nn_exp(-NAN)));
}

static void sigmoid_over_the_whole_range(void **state)
{
    (void)state;
    static float x[MANY], y[MANY];
    for (int i = 0; i < MANY; i++)
        x[i] = (float)(i - MANY / 2) / 16.0f; /* -128 .. 128 */
    nn_sigmoid_forward(x, y, MANY);
    for (int i = 0; i < MANY; i++) {
        double want = ref_sigmoid((double)x[i]);
        assert_true(fabs((double)y[i] - want) < 4 * ulp_of(want));
    }
    nn_silu_forward(x, y, MANY);
    for (int i = 0; i < MANY; i++) {
        double want = ref_silu((double)x[i]);
        assert_true(fabs((double)y[i] - want) < 5 * ulp_of(want) + fabs((double)x[i]) * 0x1p-147);
    }
}

/* The vector code that a CPU chooses and this file's scalar code have the same bits. */
static void vectors_leave_no_trace(void **state)
{
    (void)state;
    static float x[MANY], y[MANY], again[MANY];
    fill(x, MANY, 3);
    for (int i = 0; i < MANY; i++)
        x[i] *= 100.0f;
    nn_sigmoid_forward(x, y, MANY);
    for (int i = 0; i < MANY; i++) {
        float e = nn_exp(-fabsf(x[i]));
        float want = (x[i] > 0 ? 1.0f : e) / (1.0f + e);
        assert_memory_equal(&y[i], &want, sizeof want);
    }
    for (size_t at = 0, part = 1; at < MANY; at += part, part = part % 37 + 1)
        nn_sigmoid_forward(x + at, again + at, part < MANY - at ? part : MANY - at);
    assert_memory_equal(y, again, sizeof y);
}

typedef void (*backward_of)(const float *x, const float *y, const float *dy, float *dx, size_t n);

static double clipped(double x)
{
    return ref_clip(-0.25, 0.5, x);
}

static void sigmoid_backward(const float *x, const float *y, const float *dy, float *dx, size_t n)
{
    (void)x;
    nn_sigmoid_backward(y, dy, dx, n);
}

static void silu_backward(const float *x, const float *y, const float *dy, float *dx, size_t n)
{
    (void)y;
    nn_silu_backward(x, dy, dx, n);
}

static void clip_backward(const float *x, const float *y, const float *dy, float *dx, size_t n)
{
    (void)y;
    nn_clip_backward(-0.25f, 0.5f, x, dy, dx, n);
}

/* Backward adds to what is there, whatever the blocks. */
static void check_slope(const char *what, double (*twin)(double), backward_of backward, float scale)
{
    static float x[MANY], y[MANY], dy[MANY], dx[2][MANY];
    static double want[MANY];
    fill(x, MANY, 5);
    fill(dy, MANY, 6);
    for (int i = 0; i < MANY; i++) {
        double v = (double)(x[i] *= scale);
        y[i] = (float)twin(v);
        want[i] = 1 + (double)dy[i] * (twin(v + STEP) - twin(v - STEP)) / (2 * STEP);
        dx[0][i] = dx[1][i] = 1;
    }
    backward(x, y, dy, dx[0], MANY);
    close_to(what, dx[0], want, MANY, 1e-6);
    for (size_t at = 0, part = 1; at < MANY; at += part, part = part % 41 + 1) {
        size_t n = part < MANY - at ? part : MANY - at;
        backward(x + at, y + at, dy + at, dx[1] + at, n);
    }
    assert_memory_equal(dx[0], dx[1], sizeof dx[0]);
}

static void slopes(void **state)
{
    (void)state;
    check_slope("sigmoid", ref_sigmoid, sigmoid_backward, 8);
    check_slope("silu", ref_silu, silu_backward, 8);
    check_slope("clip", clipped, clip_backward, 1);
}

static void clip_and_its_edges(void **state)
{
    (void)state;
    const float x[] = {-2, -0.25f, 0, 0.5f, 3, NAN, INFINITY, -INFINITY};
    const float want[] = {-0.25f, -0.25f, 0, 0.5f, 0.5f, NAN, 0.5f, -0.25f};
    const float slope[] = {0, 0, 1, 0, 0, 0, 0, 0};
    const float one[] = {1, 1, 1, 1, 1, 1, 1, 1};
    float y[8], dx[8] = {0};
    nn_clip_forward(-0.25f, 0.5f, x, y, 8);
    nn_clip_backward(-0.25f, 0.5f, x, one, dx, 8);
    for (int i = 0; i < 8; i++) {
        assert_true(y[i] == want[i] || (isnan(y[i]) && isnan(want[i])));
        assert_float_equal(dx[i], slope[i], 0);
    }
}

/* ---- multiply ---- */

static void multiply(void **state)
{
    (void)state;
    const struct nn_shape shapes[] = {{7, 5, 9}, {3, 1, 1}, {33, 7, 7}, {5, 1, 40}};
    static float a[MANY], b[MANY], dy[MANY], y[MANY], da[MANY], db[MANY], again[MANY];
    static double a64[MANY], b64[MANY], want[MANY], want_b[MANY];
    fill(a, MANY, 1);
    fill(b, MANY, 2);
    fill(dy, MANY, 3);
    widen(a, a64, MANY);
    widen(b, b64, MANY);
    for (size_t k = 0; k < 2 * sizeof shapes / sizeof shapes[0]; k++) {
        struct nn_shape shape = shapes[k / 2];
        bool per_channel = k % 2;
        size_t count = nn_shape_elements(shape), area = count / (size_t)shape.c;
        nn_multiply_forward(shape, a, b, per_channel, y, 0, 2);
        nn_multiply_forward(shape, a, b, per_channel, y, 2, shape.c);
        ref_multiply(shape, a64, b64, per_channel, want);
        close_to("product", y, want, count, 1e-7);
        set(da, 1, MANY);
        set(db, 1, MANY);
        set(again, 1, MANY);
        nn_multiply_backward(shape, dy, b, per_channel, da, 0, 1);
        nn_multiply_backward(shape, dy, b, per_channel, da, 1, shape.c);
        for (size_t i = 0; i < count; i++)
            want[i] = 1 + (double)dy[i] * b64[per_channel ? i / area : i];
        close_to("first factor", da, want, count, 1e-6);
        for (size_t i = 0; i < count; i++)
            want_b[i] = 1;
        for (size_t i = 0; i < count; i++)
            want_b[per_channel ? i / area : i] += (double)dy[i] * a64[i];
        if (per_channel)
            nn_multiply_backward_channel(shape, dy, a, db, 0, shape.c);
        else
            nn_multiply_backward(shape, dy, a, false, db, 0, shape.c);
        close_to("second factor", db, want_b, per_channel ? (size_t)shape.c : count, 1e-6);
        for (int c = 0; per_channel && c < shape.c; c++)
            nn_multiply_backward_channel(shape, dy, a, again, c, c + 1);
        if (per_channel)
            assert_memory_equal(again, db, (size_t)shape.c * sizeof(float));
    }
}

/* ---- pad and mean ---- */

static void pad(void **state)
{
    (void)state;
    const int cases[][4] = {/* top left bottom right */
                            {1, 2, 3, 0},   {0, 0, 0, 0},    {0, 1, 0, 1},
                            {-1, 2, 1, -2}, {-2, -1, 0, -1}, {0, 9, -4, 0}};
    static float x[MANY], y[MANY], dy[MANY], dx[MANY];
    static double x64[MANY], want[MANY], back[MANY];
    struct nn_shape in = {3, 5, 7};
    fill(x, MANY, 1);
    fill(dy, MANY, 2);
    widen(x, x64, MANY);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const int *p = cases[k];
        struct nn_shape out = {3, in.h + p[0] + p[2], in.w + p[1] + p[3]};
        size_t count = nn_shape_elements(out);
        set(y, NAN, MANY);
        nn_pad_forward(in, out, p[0], p[1], -1.5f, x, y, 0, 1);
        nn_pad_forward(in, out, p[0], p[1], -1.5f, x, y, 1, 3);
        ref_pad(in, out, p[0], p[1], -1.5, x64, want);
        close_to("pad", y, want, count, 0);
        for (size_t i = 0; i < nn_shape_elements(in); i++)
            back[i] = dx[i] = 1;
        for (size_t i = 0; i < nn_shape_elements(in); i++) {
            int c = (int)i / 35, h = (int)i / 7 % 5 + p[0], w = (int)i % 7 + p[1];
            if (h >= 0 && h < out.h && w >= 0 && w < out.w)
                back[i] += (double)dy[(c * out.h + h) * out.w + w];
        }
        nn_pad_backward(in, out, p[0], p[1], dy, dx, 0, 2);
        nn_pad_backward(in, out, p[0], p[1], dy, dx, 2, 3);
        close_to("pad backward", dx, back, nn_shape_elements(in), 1e-6);
    }
}

static void mean_counts_padding_when_asked(void **state)
{
    (void)state;
    struct nn_pool2d cases[] = {{3, 3, 2, 2, 1, 1, false, true}, {3, 3, 2, 2, 1, 1, true, true},
                                {2, 5, 1, 3, 1, 4, true, true},  {4, 4, 3, 3, 2, 2, true, true},
                                {2, 5, 1, 3, 1, 4, true, false}, {3, 3, 2, 2, 0, 0, true, true}};
    static float x[MANY], y[MANY], dy[MANY], dx[MANY];
    static double x64[MANY], want[MANY], back[MANY], unit[MANY];
    struct nn_shape in = {3, 8, 10};
    size_t count = nn_shape_elements(in);
    fill(x, MANY, 1);
    fill(dy, MANY, 2);
    widen(x, x64, MANY);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const struct nn_pool2d *p = &cases[k];
        struct nn_graph *graph = nn_graph_create();
        nn_graph_input(graph, "data", in);
        struct nn_shape out = nn_graph_shape(graph, nn_graph_avg_pool(graph, "avg", 0, *p));
        nn_graph_destroy(graph);
        nn_avg_pool_forward(p, in, out, x, y, 0, 2);
        nn_avg_pool_forward(p, in, out, x, y, 2, 3);
        ref_pool(p, false, in, out, x64, want);
        close_to("mean", y, want, nn_shape_elements(out), 1e-6);
        set(dx, 1, count);
        nn_avg_pool_backward(p, in, out, dy, dx, 0, 1);
        nn_avg_pool_backward(p, in, out, dy, dx, 1, 3);
        for (size_t i = 0; i < count; i++) { /* it is linear: the answer to a unit */
            memset(unit, 0, sizeof unit);
            unit[i] = 1;
            ref_pool(p, false, in, out, unit, want);
            back[i] = 1;
            for (size_t j = 0; j < nn_shape_elements(out); j++)
                back[i] += want[j] * (double)dy[j];
        }
        close_to("mean backward", dx, back, count, 1e-6);
    }
}

/* ---- batch norm ---- */

#define BATCH   3
#define EPSILON 1e-3

struct norm {
    struct nn_shape shape;
    size_t sample;           /* elements */
    float x[MANY], dy[MANY]; /* samples one behind the other */
    double x64[MANY], y64[MANY];
    float gamma[64], beta[64], mean[64], variance[64];
    double gamma64[64], beta64[64], mean64[64], variance64[64];
};

static void norm_init(struct norm *n, struct nn_shape shape)
{
    memset(n, 0, sizeof *n);
    n->shape = shape;
    n->sample = nn_shape_elements(shape);
    assert_true(n->sample * BATCH <= MANY && shape.c <= 64);
    fill(n->x, MANY, 1);
    fill(n->dy, MANY, 2);
    fill(n->gamma, 64, 3);
    fill(n->beta, 64, 4);
    for (size_t i = 0; i < n->sample * BATCH; i++) /* far from zero: variance must not cancel */
        n->x[i] = 50.0f + n->x[i] * (float)(i / (n->sample / (size_t)shape.c) % 3 + 1);
    widen(n->x, n->x64, MANY);
    widen(n->gamma, n->gamma64, 64);
    widen(n->beta, n->beta64, 64);
    ref_statistics(shape, BATCH, n->x64, n->mean64, n->variance64);
    nn_batch_norm_statistics(shape, n->x, n->sample, BATCH, n->mean, n->variance, 0, 1);
    nn_batch_norm_statistics(shape, n->x, n->sample, BATCH, n->mean, n->variance, 1, shape.c);
}

/* sum(dy * y); statistics of the batch, or the constants that are in n. */
static double norm_loss(struct norm *n, bool training)
{
    double sum = 0;
    if (training)
        ref_statistics(n->shape, BATCH, n->x64, n->mean64, n->variance64);
    ref_batch_norm(n->shape, BATCH, n->x64, n->gamma64, n->beta64, n->mean64, n->variance64,
                   EPSILON, n->y64);
    for (size_t i = 0; i < n->sample * BATCH; i++)
        sum += (double)n->dy[i] * n->y64[i];
    return sum;
}

static double norm_slope(struct norm *n, bool training, double *at)
{
    double kept = *at;
    *at = kept + STEP;
    double up = norm_loss(n, training);
    *at = kept - STEP;
    double down = norm_loss(n, training);
    *at = kept;
    return (up - down) / (2 * STEP);
}

static void norm_forward(struct norm *n)
{
    static float y[MANY], spread[2 * MANY];
    float mean[64], variance[64];
    close_to("mean", n->mean, n->mean64, (size_t)n->shape.c, 1e-7);
    close_to("variance", n->variance, n->variance64, (size_t)n->shape.c, 1e-6);
    for (size_t s = 0; s < BATCH; s++)
        memcpy(spread + s * (n->sample + 5), n->x + s * n->sample, n->sample * sizeof(float));
    nn_batch_norm_statistics(n->shape, spread, n->sample + 5, BATCH, mean, variance, 0, n->shape.c);
    assert_memory_equal(mean, n->mean, (size_t)n->shape.c * sizeof(float));
    assert_memory_equal(variance, n->variance, (size_t)n->shape.c * sizeof(float));
    for (size_t s = 0; s < BATCH; s++)
        for (int c = 0; c < n->shape.c; c++)
            nn_batch_norm_forward(n->shape, n->x + s * n->sample, n->gamma, n->beta, n->mean,
                                  n->variance, (float)EPSILON, y + s * n->sample, c, c + 1);
    norm_loss(n, true);
    close_to("normalised", y, n->y64, n->sample * BATCH, 2e-5); /* 50 has 4e-6 of rounding */
}

static void norm_backward(struct norm *n, bool training)
{
    static float dx[MANY];
    static double want[MANY];
    double sum[64], sum_xhat[64], slope[64], slope_xhat[64];
    float narrow[64], narrow_xhat[64];
    int channels = n->shape.c;
    norm_loss(n, true);
    nn_batch_norm_sums(n->shape, n->x, n->sample, n->dy, n->sample, BATCH, n->mean, n->variance,
                       (float)EPSILON, sum, sum_xhat, 0, 2);
    nn_batch_norm_sums(n->shape, n->x, n->sample, n->dy, n->sample, BATCH, n->mean, n->variance,
                       (float)EPSILON, sum, sum_xhat, 2, channels);
    for (int c = 0; c < channels; c++) {
        slope[c] = norm_slope(n, training, &n->beta64[c]);
        slope_xhat[c] = norm_slope(n, training, &n->gamma64[c]);
        narrow[c] = (float)sum[c];
        narrow_xhat[c] = (float)sum_xhat[c];
    }
    close_to("d beta", narrow, slope, (size_t)channels, 1e-5);
    close_to("d gamma", narrow_xhat, slope_xhat, (size_t)channels, 1e-5);
    for (size_t i = 0; i < n->sample * BATCH; i++)
        want[i] = 1 + norm_slope(n, training, &n->x64[i]);
    set(dx, 1, MANY);
    for (size_t s = 0; s < BATCH; s++)
        for (int c = 0; c < channels; c++)
            nn_batch_norm_backward(n->shape, training ? n->x + s * n->sample : NULL,
                                   n->dy + s * n->sample, n->gamma, n->mean, n->variance,
                                   (float)EPSILON, training ? sum : NULL,
                                   training ? sum_xhat : NULL, BATCH, dx + s * n->sample, c, c + 1);
    close_to(training ? "dx" : "dx with constants", dx, want, n->sample * BATCH, 2e-5);
}

static void batch_norm(void **state)
{
    (void)state;
    const struct nn_shape shapes[] = {{5, 3, 5}, {3, 1, 1}, {4, 5, 8}};
    static struct norm n;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        norm_init(&n, shapes[i]);
        norm_forward(&n);
        norm_backward(&n, true);
        norm_backward(&n, false);
    }
}

/* ---- NaN, and no bias ---- */

static void nan_is_carried_on(void **state)
{
    (void)state;
    float x[40], y[40], mean[2], variance[2], one[2] = {1, 1};
    struct nn_shape shape = {2, 4, 5};
    set(x, 0.5f, 40);
    x[23] = NAN;
    nn_sigmoid_forward(x, y, 40);
    assert_true(isnan(y[23]) && !isnan(y[22]));
    nn_silu_forward(x, y, 40);
    assert_true(isnan(y[23]) && !isnan(y[22]));
    nn_multiply_forward(shape, x, x, false, y, 0, 2);
    assert_true(isnan(y[23]) && !isnan(y[22]));
    nn_pad_forward(shape, shape, 0, 0, 0, x, y, 0, 2);
    assert_true(isnan(y[23]) && !isnan(y[22]));
    nn_batch_norm_statistics(shape, x, 40, 1, mean, variance, 0, 2);
    assert_true(isnan(mean[1]) && isnan(variance[1]) && !isnan(mean[0]));
    nn_batch_norm_forward(shape, x, one, one, mean, variance, 0.1f, y, 0, 2);
    assert_true(isnan(y[23]) && !isnan(y[3]));
}

static void linear_without_bias(void **state)
{
    (void)state;
    static float x[37], w[5 * 37], b[5], y[5];
    static double x64[37], w64[5 * 37], b64[5], want[5];
    fill(x, 37, 1);
    fill(w, 5 * 37, 2);
    fill(b, 5, 3);
    widen(x, x64, 37);
    widen(w, w64, 5 * 37);
    widen(b, b64, 5);
    for (int bias = 0; bias < 2; bias++) {
        nn_linear_forward(37, x, w, bias ? b : NULL, y, 0, 2, false);
        nn_linear_forward(37, x, w, bias ? b : NULL, y, 2, 5, false);
        ref_linear(37, 5, x64, w64, bias ? b64 : NULL, want);
        close_to("linear", y, want, 5, 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_2_ulp),
        cmocka_unit_test(sigmoid_over_the_whole_range),
        cmocka_unit_test(vectors_leave_no_trace),
        cmocka_unit_test(slopes),
        cmocka_unit_test(clip_and_its_edges),
        cmocka_unit_test(multiply),
        cmocka_unit_test(pad),
        cmocka_unit_test(mean_counts_padding_when_asked),
        cmocka_unit_test(batch_norm),
        cmocka_unit_test(nan_is_carried_on),
        cmocka_unit_test(linear_without_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
