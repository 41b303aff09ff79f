/* Max pools of random shapes, as test_kernels.c tests convolutions: against a naive twin, in memory
 * that ends (or begins) at a page nobody may touch; what belongs to other tasks must not change. */
#include "guarded.h"
#include "kernels/kernels.h"
#include "ops/ops.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED  UINT64_C(20250611)
#define POOLS 700

static int least(int a, int b)
{
    return a < b ? a : b;
}

struct pool_case {
    struct nn_pool2d pool;
    struct nn_shape in, out;
    const float *x, *dy, *base;
    float *y, *dx; /* wanted */
};

/* Few values, so that many are equal; in some cases those that are no numbers as well. */
static float *steps(size_t count, int special)
{
    const float odd[] = {NAN, INFINITY, -INFINITY, -INFINITY, -0.0f};
    float *to = guarded(count);
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)between(-3, 3);
        if (special > 0 && between(0, special) == 0)
            to[i] = odd[between(0, 4)];
    }
    return to;
}

/* Largest cell of the window (NaN: one of those), and the first that equals it, or none. */
static float largest(const struct pool_case *t, const float *plane, int r, int q, ptrdiff_t *first)
{
    const struct nn_pool2d *p = &t->pool;
    float best = -INFINITY;
    for (int again = 0; again < 2; again++)
        for (int k = 0; k < p->kernel_h * p->kernel_w; k++) {
            int h = r * p->stride_h - p->pad_h + k / p->kernel_w;
            int w = q * p->stride_w - p->pad_w + k % p->kernel_w;
            ptrdiff_t at = (ptrdiff_t)h * t->in.w + w;
            if (h < 0 || w < 0 || h >= t->in.h || w >= t->in.w)
                continue;
            if (again == 0 && (plane[at] > best || isnan(plane[at])))
                best = isnan(best) ? best : plane[at];
            if (again == 1 && plane[at] == best && *first < 0)
                *first = at;
        }
    return best;
}

static void want_pool(struct pool_case *t)
{
    size_t in = (size_t)t->in.h * (size_t)t->in.w, i = 0;
    t->y = guarded(nn_shape_elements(t->out));
    t->dx = guarded(nn_shape_elements(t->in));
    memcpy(t->dx, t->base, sizeof *t->dx * nn_shape_elements(t->in));
    for (int c = 0; c < t->out.c; c++)
        for (int r = 0; r < t->out.h; r++)
            for (int q = 0; q < t->out.w; q++, i++) {
                ptrdiff_t first = -1;
                t->y[i] = largest(t, t->x + (size_t)c * in, r, q, &first);
                if (first >= 0)
                    t->dx[(size_t)c * in + (size_t)first] += t->dy[i];
            }
    sealed(t->y);
}

static int pooled(int size, int kernel, int stride, int pad, bool ceil_mode)
{
    int count = (size + 2 * pad - kernel + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    return ceil_mode && (count - 1) * stride >= size + pad ? count - 1 : count;
}

static bool same(float a, float b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Channels c0..c1 are as wanted; all others still have base's bits. */
static void check_pool(const struct pool_case *t, int number, const char *what,
                       struct nn_shape shape, struct nn_tile tile, const float *got,
                       const float *base, const float *want)
{
    size_t area = (size_t)shape.h * (size_t)shape.w, count = nn_shape_elements(shape);
    const struct nn_pool2d *p = &t->pool;
    for (size_t i = 0; i < count; i++) {
        bool inside = i >= (size_t)tile.channel0 * area && i < (size_t)tile.channel1 * area;
        if (inside ? !same(got[i], want[i]) : memcmp(got + i, base + i, sizeof *got) != 0)
            fail_msg("%s: max pool %d, (%d, %d, %d) -> %dx%d, kernel %dx%d, strides %d, %d, pads "
                     "%d, %d, %s: [%zu] is %g, wanted %g",
                     nn_kernels()->name, number, t->in.c, t->in.h, t->in.w, t->out.h, t->out.w,
                     p->kernel_h, p->kernel_w, p->stride_h, p->stride_w, p->pad_h, p->pad_w,
                     inside ? what : "not of the task", i, (double)got[i],
                     (double)(inside ? want[i] : base[i]));
    }
}

/* What is stored is what is added to zeros. dx: any numbers. */
static void check_pool_stores(const struct pool_case *t, struct nn_tile tile, float *dx,
                              float *scratch)
{
    size_t area = (size_t)t->in.h * (size_t)t->in.w, count = nn_shape_elements(t->in);
    size_t begin = area * (size_t)tile.channel0, end = area * (size_t)tile.channel1;
    float *sum = calloc(count, sizeof *sum);
    assert_non_null(sum);
    nn_max_pool_backward(&t->pool, t->in, t->out, t->x, t->y, t->dy, sum, true, tile.channel0,
                         tile.channel1, scratch);
    nn_max_pool_backward(&t->pool, t->in, t->out, t->x, t->y, t->dy, dx, false, tile.channel0,
                         tile.channel1, scratch);
    for (size_t i = begin; i < end; i++)
        assert_true(dx[i] == sum[i] || (isnan(dx[i]) && isnan(sum[i])));
    free(sum);
}

static void run_pool(const struct pool_case *t, int number, int channels)
{
    size_t ins = nn_shape_elements(t->in), outs = nn_shape_elements(t->out);
    size_t forward = nn_max_pool_forward_scratch(&t->pool, t->in, t->out);
    size_t backward = nn_max_pool_backward_scratch(&t->pool, t->in, t->out);
    float *y = guarded(outs), *none = guarded(outs), *dx = guarded(ins);
    float *scratch[] = {scratch_of(forward), scratch_of(backward)};
    poison(none, outs);
    for (int c = 0; c < t->in.c; c += channels) {
        struct nn_tile tile = {0, 0, c, least(c + channels, t->in.c)};
        poison(y, outs);
        poison(scratch[0], forward);
        nn_max_pool_forward(&t->pool, t->in, t->out, t->x, y, c, tile.channel1, scratch[0]);
        check_pool(t, number, "forward", t->out, tile, y, none, t->y);
        memcpy(dx, t->base, sizeof *dx * ins);
        poison(scratch[1], backward);
        nn_max_pool_backward(&t->pool, t->in, t->out, t->x, t->y, t->dy, dx, true, c, tile.channel1,
                             scratch[1]);
        check_pool(t, number, "gradient", t->in, tile, dx, t->base, t->dx);
        check_pool_stores(t, tile, dx, scratch[1]);
    }
}

static void max_pools(void **state)
{
    (void)state;
    for (int i = 0; i < POOLS; i++) {
        state_of_draws = SEED + (uint64_t)i * 1000033;
        struct pool_case t;
        struct nn_pool2d *p = &t.pool;
        int special = i % 3 == 0 ? between(1, 30) : 0;
        do {
            *p = (struct nn_pool2d){.kernel_h = between(1, 5), .kernel_w = between(1, 5)};
            p->stride_h = between(1, 3);
            p->stride_w = between(1, 3);
            p->pad_h = between(0, p->kernel_h - 1);
            p->pad_w = between(0, p->kernel_w - 1);
            p->ceil_mode = between(0, 1);
            if (i % 4 == 0) /* those with loops of their own */
                p->kernel_w = 3, p->stride_w = p->stride_h = between(1, 2),
                p->pad_w = between(0, 1);
            t.in = (struct nn_shape){between(1, 7), between(1, 40), between(1, i % 7 ? 40 : 130)};
            if (i % 8 == 5) { /* those that see a channel as one row */
                p->kernel_h = p->kernel_w = 3, p->stride_h = p->stride_w = between(1, 2);
                p->pad_h = p->pad_w = p->stride_w == 1, p->ceil_mode = true;
                t.in = (struct nn_shape){between(1, 40), p->stride_w * between(1, 20),
                                         p->stride_w * between(1, i % 7 ? 20 : 65)};
            }
        } while (p->kernel_h > t.in.h + 2 * p->pad_h || p->kernel_w > t.in.w + 2 * p->pad_w);
        t.out = (struct nn_shape){t.in.c,
                                  pooled(t.in.h, p->kernel_h, p->stride_h, p->pad_h, p->ceil_mode),
                                  pooled(t.in.w, p->kernel_w, p->stride_w, p->pad_w, p->ceil_mode)};
        at_front = i % 5 == 4;
        t.x = sealed(steps(nn_shape_elements(t.in), special));
        t.dy = sealed(steps(nn_shape_elements(t.out), i % 9 == 0 ? 20 : 0));
        t.base = sealed(steps(nn_shape_elements(t.in), 0));
        want_pool(&t);
        run_pool(&t, i, between(1, t.in.c));
        release();
    }
    printf("%s: seed %llu, %d max pools\n", nn_kernels()->name, (unsigned long long)SEED, POOLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(max_pools)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
