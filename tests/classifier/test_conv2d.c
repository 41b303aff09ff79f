/* Convolutions directly, all three directions against the naive twin: groups, strides, depthwise,
 * Winograd's, tiles and blocks, no bias. */
#include "kernels/kernels.h"
#include "networks.h"
#include "ops/ops.h"
#include "ops/winograd.h"
#include "ref_ops.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bench {
    struct nn_conv2d conv;
    struct nn_shape in, out;
    size_t in_count, out_count, weights;
    float *x, *w, *b, *dy;
    float *packed[2]; /* forward, backward */
    double *x64, *w64, *b64, *dy64, *y64, *dx64, *dw64;
};

static double *doubles(const float *from, size_t count)
{
    double *to = calloc(count, sizeof *to);
    assert_non_null(to);
    for (size_t i = 0; from != NULL && i < count; i++)
        to[i] = (double)from[i];
    return to;
}

static float *drawn(size_t count, uint64_t seed)
{
    float *to = calloc(count, sizeof *to);
    assert_non_null(to);
    fill(to, count, seed);
    return to;
}

static void pack(struct bench *t)
{
    for (int backward = 0; backward < 2; backward++) {
        int parts;
        size_t size = nn_conv2d_packed(&t->conv, t->in, t->out, backward, &parts);
        assert_true((size > 0) == (parts > 0));
        if (size == 0)
            continue;
        t->packed[backward] = drawn(size, 9);
        for (int i = 0; i < parts; i++)
            nn_conv2d_pack(&t->conv, t->in, t->out, backward, t->w, i, t->packed[backward]);
    }
}

static void setup(struct bench *t, struct nn_conv2d conv, struct nn_shape in)
{
    struct nn_shape out = {conv.out_channels,
                           (in.h + 2 * conv.pad_h - conv.kernel_h) / conv.stride_h + 1,
                           (in.w + 2 * conv.pad_w - conv.kernel_w) / conv.stride_w + 1};
    *t = (struct bench){.conv = conv, .in = in, .out = out};
    t->in_count = nn_shape_elements(in);
    t->out_count = nn_shape_elements(out);
    t->weights = (size_t)(out.c * in.c / conv.groups * conv.kernel_h * conv.kernel_w);
    t->x = drawn(t->in_count, 1);
    t->w = drawn(t->weights, 2);
    t->b = drawn((size_t)out.c, 3);
    t->dy = drawn(t->out_count, 4);
    t->x64 = doubles(t->x, t->in_count);
    t->w64 = doubles(t->w, t->weights);
    t->b64 = doubles(t->b, (size_t)out.c);
    t->dy64 = doubles(t->dy, t->out_count);
    t->y64 = doubles(NULL, t->out_count);
    t->dx64 = doubles(NULL, t->in_count);
    t->dw64 = doubles(NULL, t->weights);
    pack(t);
    ref_conv2d_backward(&t->conv, in, out, t->x64, t->w64, t->dy64, t->dx64, t->dw64);
}

static void teardown(struct bench *t)
{
    void *const all[] = {t->x,   t->w,    t->b,    t->dy,   t->x64,       t->w64,      t->b64,
                         t->y64, t->dy64, t->dx64, t->dw64, t->packed[0], t->packed[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

/* Of the largest number. */
static double tolerance(const struct bench *t)
{
    return t->packed[0] != NULL || t->packed[1] != NULL ? 4e-6 : 2e-6;
}

static void agree(const char *what, const struct bench *t, const float *got, const double *want,
                  size_t count)
{
    double scale = 0;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs(want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance(t) * scale))
            fail_msg("%s of %d -> %d, %dx%d, groups %d: [%zu] is %g, the twin says %g", what,
                     t->in.c, t->out.c, t->conv.kernel_h, t->conv.kernel_w, t->conv.groups, i,
                     (double)got[i], want[i]);
}

/* In tiles of `rows` rows and `channels` channels, into memory of NaN. */
static float *forward(const struct bench *t, const float *b, int rows, int channels)
{
    size_t size = nn_conv2d_forward_scratch(&t->conv, t->in, t->out, rows);
    float *y = drawn(t->out_count, 5), *scratch = drawn(size + 1, 6);
    for (size_t i = 0; i < t->out_count; i++)
        y[i] = NAN;
    for (int r = 0; r < t->out.h; r += rows)
        for (int c = 0; c < t->out.c; c += channels) {
            struct nn_tile tile = {r, r + rows < t->out.h ? r + rows : t->out.h, c,
                                   c + channels < t->out.c ? c + channels : t->out.c};
            nn_conv2d_forward(&t->conv, t->in, t->out, t->x, t->w, t->packed[0], b, y, tile,
                              scratch);
        }
    free(scratch);
    return y;
}

/* Begins at 1, since it adds. */
static float *backward_input(const struct bench *t, int channels)
{
    size_t size = nn_conv2d_backward_input_scratch(&t->conv, t->in, t->out, channels);
    float *dx = drawn(t->in_count, 5), *scratch = drawn(size + 1, 6);
    for (size_t i = 0; i < t->in_count; i++)
        dx[i] = 1;
    int band = nn_conv2d_backward_band(&t->conv, t->in, t->out), rows = band > 0 ? band : t->in.h;
    for (int r = 0; r < t->in.h; r += rows)
        for (int c = 0; c < t->in.c; c += channels) {
            struct nn_tile tile = {r, r + rows < t->in.h ? r + rows : t->in.h, c,
                                   c + channels < t->in.c ? c + channels : t->in.c};
            nn_conv2d_backward_input(&t->conv, t->in, t->out, t->dy, t->w, t->packed[1], dx, tile,
                                     true, scratch);
        }
    free(scratch);
    return dx;
}

static float *backward_weight(const struct bench *t, int taps)
{
    size_t size = nn_conv2d_backward_weight_scratch(&t->conv, t->in, t->out, taps);
    const struct nn_samples one = {t->x, t->dy, 0, 0, 1};
    int all = t->in.c * t->conv.kernel_h * t->conv.kernel_w;
    float *dw = drawn(t->weights, 5), *scratch = drawn(size + 1, 6);
    for (size_t i = 0; i < t->weights; i++)
        dw[i] = 1;
    for (int k = 0; k < all; k += taps)
        nn_conv2d_backward_weight(&t->conv, t->in, t->out, &one, dw, k,
                                  k + taps < all ? k + taps : all, scratch);
    free(scratch);
    return dw;
}

static void check_forward(struct bench *t, int rows, int channels)
{
    for (int bias = 0; bias < 2; bias++) {
        ref_conv2d(&t->conv, t->in, t->out, t->x64, t->w64, bias ? t->b64 : NULL, t->y64);
        float *y = forward(t, bias ? t->b : NULL, rows, channels);
        agree(bias ? "forward" : "forward without bias", t, y, t->y64, t->out_count);
        free(y);
    }
}

static void check(struct bench *t, int rows, int channels, int taps)
{
    check_forward(t, rows, channels);
    for (size_t i = 0; i < t->in_count; i++)
        t->dx64[i] += 1;
    for (size_t i = 0; i < t->weights; i++)
        t->dw64[i] += 1;
    float *dx = backward_input(t, channels), *dw = backward_weight(t, taps);
    agree("input gradient", t, dx, t->dx64, t->in_count);
    agree("weight gradient", t, dw, t->dw64, t->weights);
    free(dx);
    free(dw);
    teardown(t);
}

/* The grouped ones of Krizhevsky et al. 2012: conv2, conv4, conv5. */
static void groups_of_alexnet(void **state)
{
    (void)state;
    struct bench t;
    setup(&t, (struct nn_conv2d){256, 5, 5, 1, 1, 2, 2, 2, true, false},
          (struct nn_shape){96, 27, 27});
    check(&t, 6, 256, 325);
    setup(&t, (struct nn_conv2d){384, 3, 3, 1, 1, 1, 1, 2, true, false},
          (struct nn_shape){384, 13, 13});
    check(&t, 8, 384, 576);
    setup(&t, (struct nn_conv2d){256, 3, 3, 1, 1, 1, 1, 2, true, false},
          (struct nn_shape){384, 13, 13});
    check(&t, 13, 384, 999);
}

static void strides_and_padding_agree(void **state)
{
    (void)state;
    const struct nn_conv2d convs[] = {
        {24, 7, 7, 2, 2, 3, 3, 1, true, false},  {10, 11, 11, 4, 4, 0, 0, 1, true, false},
        {20, 3, 3, 2, 2, 1, 1, 2, false, false}, {7, 1, 1, 2, 2, 0, 0, 1, true, false},
        {33, 1, 1, 1, 1, 0, 0, 1, true, false},  {18, 2, 5, 3, 2, 1, 4, 1, false, false},
        {8, 3, 3, 1, 1, 1, 1, 1, false, false},  {6, 4, 6, 1, 5, 3, 5, 1, true, false},
        {50, 5, 5, 1, 1, 0, 0, 1, false, false},
    };
    for (size_t i = 0; i < sizeof convs / sizeof convs[0]; i++) {
        struct bench t;
        setup(&t, convs[i], (struct nn_shape){6, 31, 29});
        check(&t, i % 2 == 0 ? 7 : t.out.h, 5, 13);
    }
}

/* Any shape, in bands and blocks as the executor cuts them. */
static void winograd_agrees(void **state)
{
    (void)state;
    const struct {
        struct nn_conv2d conv;
        struct nn_shape in;
    } cases[] = {
        {{64, 3, 3, 1, 1, 1, 1, 1, true, false}, {32, 28, 28}},
        {{49, 3, 3, 1, 1, 1, 1, 1, true, false}, {17, 13, 10}},
        {{112, 3, 3, 1, 1, 0, 2, 1, false, false}, {24, 21, 9}},
        {{32, 5, 5, 1, 1, 2, 2, 1, true, false}, {16, 28, 28}},
        {{50, 5, 5, 1, 1, 4, 0, 1, true, false}, {19, 7, 12}},
        {{128, 5, 5, 1, 1, 2, 2, 2, true, false}, {96, 27, 27}},
        {{384, 3, 3, 1, 1, 1, 1, 2, true, false}, {96, 13, 13}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench t;
        struct nn_winograd plan;
        setup(&t, cases[i].conv, cases[i].in);
        assert_non_null(t.packed[0]);
        assert_non_null(t.packed[1]);
        assert_true(nn_winograd_plan(&t.conv, t.in, t.out, false, &plan));
        int block = plan.groups > 1 ? plan.outputs : plan.unit;
        check_forward(&t, nn_winograd_band(&plan), block);
        check_forward(&t, t.out.h, t.out.c);
        assert_true(nn_winograd_plan(&t.conv, t.in, t.out, true, &plan));
        for (size_t j = 0; j < t.in_count; j++)
            t.dx64[j] += 1;
        for (int whole = 0; whole < 2; whole++) {
            block = plan.groups > 1 ? plan.outputs : plan.unit;
            float *dx = backward_input(&t, whole ? t.in.c : block);
            agree("input gradient", &t, dx, t.dx64, t.in_count);
            free(dx);
        }
        for (size_t j = 0; j < t.weights; j++)
            t.dw64[j] += 1;
        assert_true(nn_winograd_plan(&t.conv, t.in, t.out, false, &plan));
        for (int whole = 0; whole < 2; whole++) {
            block = whole ? t.in.c : nn_winograd_weight_block(&plan);
            float *dw = backward_weight(&t, block * plan.r * plan.r);
            agree("weight gradient", &t, dw, t.dw64, t.weights);
            free(dw);
        }
        teardown(&t);
    }
}

/* Samples of a batch lie apart, and are taken several at a time with a rest. */
static void weights_learn_from_a_batch(void **state)
{
    (void)state;
    enum { COUNT = 6, APART = 7 };
    const struct nn_conv2d convs[] = {{32, 3, 3, 1, 1, 1, 1, 1, true, false},
                                      {32, 5, 5, 1, 1, 2, 2, 2, true, false},
                                      {32, 1, 1, 1, 1, 0, 0, 1, true, false},
                                      {32, 3, 3, 2, 2, 1, 1, 1, true, false},
                                      {32, 3, 3, 1, 1, 1, 1, 32, true, false}};
    const struct nn_shape sides[] = {{32, 14, 14}, {32, 7, 7}};
    for (size_t i = 0; i < 2 * sizeof convs / sizeof convs[0]; i++) {
        struct bench t;
        setup(&t, convs[i / 2], sides[i % 2]);
        struct nn_samples all = {
            .x_stride = t.in_count + APART, .dy_stride = t.out_count + APART, .count = COUNT};
        float *x = drawn(COUNT * all.x_stride, 7), *dy = drawn(COUNT * all.dy_stride, 8);
        all.x = x;
        all.dy = dy;
        double *dw64 = doubles(NULL, t.weights);
        memset(t.dw64, 0, t.weights * sizeof *t.dw64);
        for (size_t s = 0; s < COUNT; s++) {
            double *x64 = doubles(x + s * all.x_stride, t.in_count);
            double *dy64 = doubles(dy + s * all.dy_stride, t.out_count);
            ref_conv2d_backward(&t.conv, t.in, t.out, x64, t.w64, dy64, t.dx64, dw64);
            for (size_t j = 0; j < t.weights; j++)
                t.dw64[j] += dw64[j];
            free(x64);
            free(dy64);
        }
        int taps = t.in.c * t.conv.kernel_h * t.conv.kernel_w;
        float *dw = calloc(t.weights, sizeof *dw);
        float *scratch =
            drawn(nn_conv2d_backward_weight_scratch(&t.conv, t.in, t.out, taps) + 1, 6);
        nn_conv2d_backward_weight(&t.conv, t.in, t.out, &all, dw, 0, taps, scratch);
        agree("weight gradient of a batch", &t, dw, t.dw64, t.weights);
        free(dw);
        free(dw64);
        free(scratch);
        free(x);
        free(dy);
        teardown(&t);
    }
}

static const struct nn_conv2d depthwise[] = {
    {6, 3, 3, 1, 1, 1, 1, 6, true, false},   {6, 3, 3, 2, 2, 1, 1, 6, false, false},
    {6, 5, 5, 1, 1, 2, 2, 6, false, false},  {12, 5, 5, 2, 2, 2, 2, 6, true, false},
    {18, 7, 7, 3, 2, 3, 3, 6, true, false},  {6, 1, 1, 1, 1, 0, 0, 6, false, false},
    {12, 3, 5, 1, 3, 2, 0, 6, false, false}, {6, 9, 11, 4, 5, 8, 10, 6, true, false},
    {6, 2, 4, 2, 1, 0, 3, 6, false, false},
};

static const struct nn_shape sides[] = {{6, 9, 11}, {6, 40, 37}, {6, 10, 64}};

static void depthwise_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof depthwise / sizeof depthwise[0]; i++)
        for (size_t j = 0; j < sizeof sides / sizeof sides[0]; j++) {
            struct bench t;
            setup(&t, depthwise[i], sides[j]);
            check(&t, 4, 5, 7);
        }
    struct bench t; /* narrower than the kernel's reach */
    setup(&t, (struct nn_conv2d){4, 5, 5, 1, 1, 2, 2, 2, true, false}, (struct nn_shape){2, 2, 1});
    check(&t, 1, 1, 1);
}

static void depthwise_blocks_leave_no_trace(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof depthwise / sizeof depthwise[0]; i++) {
        struct bench t;
        setup(&t, depthwise[i], sides[1]);
        const int cuts[][3] = {{40, 18, 1000}, {1, 1, 1}, {3, 4, 5}};
        float *y[3], *dx[3], *dw[3];
        for (int k = 0; k < 3; k++) {
            y[k] = forward(&t, t.b, cuts[k][0], cuts[k][1]);
            dx[k] = backward_input(&t, cuts[k][1]);
            dw[k] = backward_weight(&t, cuts[k][2]);
            assert_memory_equal(y[k], y[0], t.out_count * sizeof(float));
            assert_memory_equal(dx[k], dx[0], t.in_count * sizeof(float));
            assert_memory_equal(dw[k], dw[0], t.weights * sizeof(float));
        }
        for (int k = 0; k < 3; k++) {
            free(y[k]);
            free(dx[k]);
            free(dw[k]);
        }
        teardown(&t);
    }
}

/* One NaN is seen by every output whose window holds it, and by no other. */
static void nan_is_carried_on(void **state)
{
    (void)state;
    for (int groups = 1; groups <= 6; groups += 5) {
        struct bench t;
        setup(&t, (struct nn_conv2d){6, 3, 3, 1, 1, 1, 1, groups, true, false},
              (struct nn_shape){6, 9, 11});
        t.x[(2 * 9 + 4) * 11 + 5] = NAN;
        float *y = forward(&t, t.b, 9, 6);
        for (int c = 0; c < 6; c++)
            for (int h = 0; h < 9; h++)
                for (int w = 0; w < 11; w++) {
                    bool near = abs(h - 4) <= 1 && abs(w - 5) <= 1 && (groups == 1 || c == 2);
                    assert_int_equal(isnan(y[(c * 9 + h) * 11 + w]) != 0, near);
                }
        free(y);
        teardown(&t);
    }
}

/* By Winograd a NaN reaches its whole tile: never fewer outputs than those whose window holds it.
 */
static void nan_is_never_lost_in_a_tile(void **state)
{
    (void)state;
    struct bench t;
    setup(&t, (struct nn_conv2d){32, 3, 3, 1, 1, 1, 1, 1, true, false},
          (struct nn_shape){16, 28, 28});
    assert_non_null(t.packed[0]);
    t.x[(2 * 28 + 11) * 28 + 12] = NAN;
    float *y = forward(&t, t.b, t.out.h, t.out.c);
    for (int c = 0; c < 32; c++)
        for (int h = 10; h <= 12; h++)
            for (int w = 11; w <= 13; w++)
                assert_true(isnan(y[(c * 28 + h) * 28 + w]) != 0);
    for (int c = 0; c < 32; c++)
        for (int w = 0; w < 28; w++) /* three tiles away */
            assert_true(isnan(y[(c * 28 + 27) * 28 + w]) == 0);
    free(y);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_of_alexnet), cmocka_unit_test(strides_and_padding_agree),
        cmocka_unit_test(winograd_agrees),   cmocka_unit_test(weights_learn_from_a_batch),
        cmocka_unit_test(depthwise_agrees),  cmocka_unit_test(depthwise_blocks_leave_no_trace),
        cmocka_unit_test(nan_is_carried_on), cmocka_unit_test(nan_is_never_lost_in_a_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
