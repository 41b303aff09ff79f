/* Convolutions of random shapes, against the naive twin, in memory that ends (or
 * begins) at a page nobody may touch: whole vectors must stay inside what a task owns. Inputs are
 * read-only, scratch is as large as asked for and full of NaN, and what belongs to other tasks must
 * not change. */
#include "guarded.h"
#include "kernels/kernels.h"
#include "networks.h"
#include "ops/ops.h"
#include "ops/winograd.h"
#include "ref_ops.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED  UINT64_C(20250611)
#define CONVS 360
#define LIMIT 1500000.0 /* multiply-adds of a convolution: the twin is slow */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int parts(int count, int most)
{
    return (count + most - 1) / most;
}

/* ---- convolutions ---- */

struct bench {
    int number;
    struct nn_conv2d conv;
    struct nn_shape in, out;
    size_t in_count, out_count, weights;
    const float *x, *w, *b, *dy, *packed[2];
    double *y64, *dx64;
};

static bool derive(struct bench *t)
{
    const struct nn_conv2d *c = &t->conv;
    int h = t->in.h + 2 * c->pad_h - c->kernel_h, w = t->in.w + 2 * c->pad_w - c->kernel_w;
    if (h < 0 || w < 0)
        return false;
    t->out = (struct nn_shape){c->out_channels, h / c->stride_h + 1, w / c->stride_w + 1};
    t->in_count = nn_shape_elements(t->in);
    t->out_count = nn_shape_elements(t->out);
    t->weights = (size_t)(c->out_channels * (t->in.c / c->groups) * c->kernel_h * c->kernel_w);
    return (double)t->weights * t->out.h * t->out.w <= LIMIT;
}

static struct bench drawn_conv(int number)
{
    struct bench t = {.number = number};
    do {
        struct nn_conv2d *c = &t.conv;
        int kind = number % 4; /* 0, 1: Winograd's; 2: any; 3: 1x1, mostly at stride 1 */
        int side = kind < 2 ? between(1, 2) * 2 + 1 : kind == 2 ? 0 : 1;
        int groups = between(0, 2) > 0 ? 1 : between(2, 4), low = kind < 2 ? 16 : 1;
        *c = (struct nn_conv2d){.relu = between(0, 1), .groups = groups, .stride_h = 1};
        c->stride_w = 1;
        c->kernel_h = side > 0 ? side : between(1, 7);
        c->kernel_w = side > 0 ? side : between(1, 7);
        if (kind == 2 || (kind == 3 && between(0, 3) == 0)) {
            c->stride_h = between(1, 3);
            c->stride_w = between(1, 3);
        }
        c->pad_h = between(0, c->kernel_h - 1);
        c->pad_w = between(0, c->kernel_w - 1);
        t.in.c = groups * between(low, 70 / groups);
        c->out_channels = groups * between(low, 70 / groups);
        if (kind == 2 && between(0, 1) == 0) { /* an image's: by phases, mostly */
            c->groups = 1;
            t.in.c = between(1, 7);
            c->out_channels = between(16, 70);
        } else if (kind == 2 && between(0, 2) == 0)
            c->groups = t.in.c, c->out_channels = t.in.c * between(1, 2);
        t.in.h = between(1, 40);
        t.in.w = between(1, 40);
    } while (!derive(&t));
    return t;
}

static const float *packed_of(const struct bench *t, bool backward)
{
    int count;
    size_t size = nn_conv2d_packed(&t->conv, t->in, t->out, backward, &count);
    if (size == 0)
        return NULL;
    float *to = guarded(size);
    poison(to, size);
    for (int i = count - 1; i >= 0; i--)
        nn_conv2d_pack(&t->conv, t->in, t->out, backward, t->w, i, to);
    return sealed(to);
}

static void make(struct bench *t)
{
    t->x = sealed(drawn(t->in_count));
    t->w = sealed(drawn(t->weights));
    t->b = between(0, 1) ? sealed(drawn((size_t)t->out.c)) : NULL;
    t->dy = sealed(drawn(t->out_count));
    for (int backward = 0; backward < 2; backward++)
        t->packed[backward] = packed_of(t, backward);

    double *x = doubles(t->x, t->in_count), *w = doubles(t->w, t->weights);
    double *dy = doubles(t->dy, t->out_count), *dw = doubles(NULL, t->weights);
    double *b = t->b == NULL ? NULL : doubles(t->b, (size_t)t->out.c);
    t->y64 = doubles(NULL, t->out_count);
    t->dx64 = doubles(NULL, t->in_count);
    ref_conv2d(&t->conv, t->in, t->out, x, w, b, t->y64);
    ref_conv2d_backward(&t->conv, t->in, t->out, x, w, dy, t->dx64, dw);
    free(x);
    free(w);
    free(b);
    free(dy);
    free(dw);
}

static void wrong(const struct bench *t, const char *what, size_t i, double got, double want)
{
    const struct nn_conv2d *c = &t->conv;
    fail_msg("%s: case %d, (%d, %d, %d) -> (%d, %d, %d), kernel %dx%d, strides %d, %d, pads %d, "
             "%d, groups %d, %s: [%zu] is %.9g, wanted %.9g",
             nn_kernels()->name, t->number, t->in.c, t->in.h, t->in.w, t->out.c, t->out.h, t->out.w,
             c->kernel_h, c->kernel_w, c->stride_h, c->stride_w, c->pad_h, c->pad_w, c->groups,
             what, i, got, want);
}

/* A sum of so many products of numbers in [-1, 1). */
static double tolerance(const struct bench *t, int products, const double *want, size_t count)
{
    double scale = sqrt(products) / 3;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs(want[i]));
    return scale * (t->packed[0] != NULL || t->packed[1] != NULL ? 4e-6 : 2e-6);
}

/* Rows row0..row1 of channels c0..c1 are base + want; all others still have base's bits. */
static void check_tile(const struct bench *t, const char *what, struct nn_shape shape,
                       struct nn_tile tile, const float *got, const float *base, const double *want,
                       double near)
{
    size_t i = 0;
    for (int c = 0; c < shape.c; c++)
        for (int h = 0; h < shape.h; h++) {
            bool inside =
                c >= tile.channel0 && c < tile.channel1 && h >= tile.row0 && h < tile.row1;
            size_t end = i + (size_t)shape.w;
            if (!inside && memcmp(got + i, base + i, sizeof *got * (size_t)shape.w) == 0)
                i = end;
            for (; i < end; i++) {
                double sum = want[i] + (isnan(base[i]) ? 0 : (double)base[i]);
                if (!inside)
                    wrong(t, "not of the task", i, (double)got[i], (double)base[i]);
                if (!(fabs((double)got[i] - sum) <= near))
                    wrong(t, what, i, (double)got[i], sum);
            }
        }
}

static void check_forward(const struct bench *t, int rows, int channels)
{
    size_t size = nn_conv2d_forward_scratch(&t->conv, t->in, t->out, rows);
    float *y = guarded(t->out_count), *base = guarded(t->out_count), *scratch = scratch_of(size);
    int taps = t->in.c / t->conv.groups * t->conv.kernel_h * t->conv.kernel_w;
    double near = tolerance(t, taps, t->y64, t->out_count);
    poison(base, t->out_count);
    for (int r = 0; r < t->out.h; r += rows)
        for (int c = 0; c < t->out.c; c += channels) {
            struct nn_tile tile = {r, least(r + rows, t->out.h), c, least(c + channels, t->out.c)};
            poison(y, t->out_count);
            poison(scratch, size);
            nn_conv2d_forward(&t->conv, t->in, t->out, t->x, t->w, t->packed[0], t->b, y, tile,
                              scratch);
            check_tile(t, "forward", t->out, tile, y, base, t->y64, near);
        }
}

static void check_backward(const struct bench *t, int channels)
{
    bool none = t->conv.groups > 1 && t->conv.groups == t->in.c;
    size_t size = none ? 0 : nn_conv2d_backward_input_scratch(&t->conv, t->in, t->out, channels);
    bool add = t->number / 4 % 2 == 0;
    float *dx = guarded(t->in_count), *base = drawn(t->in_count), *scratch = scratch_of(size);
    if (!add)
        poison(base, t->in_count);
    int taps = t->out.c / t->conv.groups * t->conv.kernel_h * t->conv.kernel_w;
    double near = tolerance(t, taps, t->dx64, t->in_count);
    int band = nn_conv2d_backward_band(&t->conv, t->in, t->out);
    int rows = band == 0 ? t->in.h : band * between(1, parts(t->in.h, band));
    for (int r = 0; r < t->in.h; r += rows)
        for (int c = 0; c < t->in.c; c += channels) {
            struct nn_tile tile = {r, least(r + rows, t->in.h), c, least(c + channels, t->in.c)};
            memcpy(dx, base, sizeof *dx * t->in_count);
            poison(scratch, size);
            nn_conv2d_backward_input(&t->conv, t->in, t->out, t->dy, t->w, t->packed[1], dx, tile,
                                     add, scratch);
            check_tile(t, "input gradient", t->in, tile, dx, base, t->dx64, near);
        }
}

/* Winograd's blocks: multiples of the unit, or whole groups. */
static int block_of(const struct nn_winograd *plan, int channels)
{
    int unit = plan->groups > 1 ? plan->outputs : plan->unit;
    return unit * between(1, parts(channels, unit));
}

/* Cut as the executor may (run/split.c). Returns how many directions were Winograd's. */
static int check_conv(struct bench *t)
{
    struct nn_winograd plan;
    int winograd = 0, rows = between(parts(t->out.h, 4), t->out.h);
    int channels = between(parts(t->out.c, 4), t->out.c);
    at_front = t->number % 5 == 4;
    make(t);
    if (t->packed[0] != NULL) {
        assert_true(nn_winograd_plan(&t->conv, t->in, t->out, false, &plan));
        rows = nn_winograd_band(&plan);
        rows *= between(1, parts(t->out.h, rows));
        channels = block_of(&plan, t->out.c);
        winograd++;
    }
    check_forward(t, rows, channels);
    channels = between(parts(t->in.c, 4), t->in.c);
    if (t->packed[1] != NULL && nn_winograd_plan(&t->conv, t->in, t->out, true, &plan)) {
        channels = block_of(&plan, t->in.c);
        winograd++;
    }
    check_backward(t, channels);
    free(t->y64);
    free(t->dx64);
    release();
    return winograd;
}

static void convolutions(void **state)
{
    (void)state;
    int winograd = 0;
    for (int i = 0; i < CONVS; i++) {
        state_of_draws = SEED + (uint64_t)i * 1000003;
        struct bench t = drawn_conv(i);
        winograd += check_conv(&t);
    }
    printf("%s: seed %llu, %d convolutions, %d of %d directions by Winograd's way\n",
           nn_kernels()->name, (unsigned long long)SEED, CONVS, winograd, 2 * CONVS);
    assert_in_range(winograd, CONVS / 2, 2 * CONVS);
}

/* A last block that is narrower takes more rows at a time; so do channels of several groups. */
static void narrow_blocks_fit_the_scratch(void **state)
{
    (void)state;
    const struct {
        struct nn_conv2d conv;
        struct nn_shape in;
        int channels;
    } cases[] = {
        {{1, 3, 3, 2, 2, 1, 1, 1, false, false}, {181, 8, 80}, 91},
        {{1, 2, 2, 1, 1, 0, 0, 1, false, false}, {23, 9, 701}, 12},
        {{2, 3, 3, 2, 2, 1, 1, 2, false, false}, {180, 8, 80}, 91},
        {{2, 4, 4, 3, 1, 1, 1, 2, false, false}, {10, 40, 701}, 10},
        {{2, 3, 3, 1, 1, 1, 1, 1, true, false}, {1, 4, 65536}, 1},
        {{3, 1, 1, 1, 1, 0, 0, 1, true, false}, {2, 65536, 3}, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        state_of_draws = SEED + i;
        struct bench t = {.number = -(int)i, .conv = cases[i].conv, .in = cases[i].in};
        derive(&t);
        at_front = false;
        make(&t);
        check_backward(&t, cases[i].channels);
        free(t.y64);
        free(t.dx64);
        release();
    }
}

/* The gradient that one convolution passes to its input, added to dx. */
static void want_share(const struct bench *t, const float *w, const float *dy, double *dx)
{
    double *x = doubles(NULL, t->in_count), *share = doubles(NULL, t->in_count);
    double *w64 = doubles(w, t->weights), *dw = doubles(NULL, t->weights);
    double *dy64 = doubles(dy, t->out_count);
    ref_conv2d_backward(&t->conv, t->in, t->out, x, w64, dy64, share, dw);
    for (size_t i = 0; i < t->in_count; i++)
        dx[i] += share[i];
    double *const all[] = {x, share, w64, dw, dy64};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

/* One input, convolutions side by side. */
static void check_run(int channels, const struct nn_conv2d *convs, int count)
{
    struct nn_graph *graph = nn_graph_create();
    struct bench t[3];
    struct nn_run *run;
    struct nn_error err;
    int ids[3];
    nn_graph_input(graph, "data", (struct nn_shape){channels, 50, 52});
    for (int i = 0; i < count; i++) {
        char name[] = {(char)('a' + i), 0};
        t[i] = (struct bench){.number = i, .conv = convs[i], .in = {channels, 50, 52}};
        derive(&t[i]);
        ids[i] = nn_graph_conv2d(graph, name, 0, convs[i]);
    }
    int last = nn_graph_concat(graph, "join", ids, count);
    struct nn_values *values = draw_values(finished(graph), 5);
    assert_int_equal(create_run(graph, values, 1, NN_RUN_EXPLAIN, NULL, &run), NN_OK);
    const float *dy = drawn(elements_of(graph, last)), *from = dy;
    double *dx = doubles(NULL, t->in_count);
    for (int i = 0; i < count; from += t[i++].out_count)
        want_share(&t[i], nn_values_peek(values, i), from, dx);
    assert_int_equal(nn_run_forward(run, drawn(t->in_count), 1, NULL, &err), NN_OK);
    assert_int_equal(nn_run_backward(run, last, dy, &err), NN_OK);
    const float *got = nn_run_input_gradient(run);
    for (size_t i = 0; i < t->in_count; i++)
        if (!(fabs((double)got[i] - dx[i]) <= 1e-4)) /* numbers of some 10 */
            wrong(t, "a run's gradient", i, (double)got[i], dx[i]);
    free(dx);
    nn_run_destroy(run);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
    release();
}

/* Channels as run/split.c cuts them: fewer than Winograd's unit too, and for several readers. */
static void a_run_cuts_gradients(void **state)
{
    (void)state;
    const struct nn_conv2d convs[] = {{16, 5, 5, 1, 1, 2, 2, 1, false, true},
                                      {32, 3, 3, 1, 1, 1, 1, 2, false, true},
                                      {5, 3, 5, 1, 1, 1, 2, 1, false, true}};
    state_of_draws = SEED;
    at_front = false;
    for (int channels = 16; channels < 24; channels++)
        check_run(channels, convs, 1);
    for (int channels = 32; channels <= 56; channels += 8)
        check_run(channels, convs, 3);
    check_run(40, convs + 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),
        cmocka_unit_test(narrow_blocks_fit_the_scratch),
        cmocka_unit_test(a_run_cuts_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
