/* kernel_body.h: one kernel set. The file that includes it says LANES, ROWS, SET and NAME.
 *
 * A product's block is ROWS x NN_VECTORS vectors: ROWS * 3 sums in registers, each step of k three
 * loads of b and ROWS numbers of a, so that the loads stay behind the multiplications. */
#include "kernels.h"
#include <string.h>
#if LANES > 4
#include <immintrin.h>
#endif

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int mask __attribute__((vector_size(4 * LANES)));
typedef float vec_anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#define LINE 16 /* floats in a cache line */

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *from)
{
    return *(const vec_anywhere *)from;
}

INLINE void store(float *to, vec v)
{
    *(vec_anywhere *)to = v;
}

/* The first n, 0 < n <= LANES; the others are zero, and are not touched. */
INLINE vec load_some(const float *from, int n)
{
#if LANES == 16
    return (vec)_mm512_maskz_loadu_ps((__mmask16)(0xffffu >> (LANES - n)), from);
#else
    vec v = {0};
    if (n == LANES)
        return load(from);
    memcpy(&v, from, sizeof *from * (size_t)n);
    return v;
#endif
}

INLINE void store_some(float *to, vec v, int n)
{
#if LANES == 16
    _mm512_mask_storeu_ps(to, (__mmask16)(0xffffu >> (LANES - n)), (__m512)v);
#else
    if (n == LANES)
        store(to, v);
    else
        memcpy(to, &v, sizeof *to * (size_t)n);
#endif
}

/* Of two vectors: every second number, from the first or the second; the first or last halves, in
 * turn. */
#if LANES == 16
#define ODDS(a, b)                                                                                 \
    __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define EVENS(a, b)                                                                                \
    __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define FIRST_HALVES(a, b)                                                                         \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define LAST_HALVES(a, b)                                                                          \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define ODDS(a, b)         __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define EVENS(a, b)        __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define FIRST_HALVES(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define LAST_HALVES(a, b)  __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define ODDS(a, b)         __builtin_shufflevector(a, b, 1, 3, 5, 7)
#define EVENS(a, b)        __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define FIRST_HALVES(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define LAST_HALVES(a, b)  __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

INLINE vec all(float f)
{
    return f - (vec){0};
}

/* A yes or no a lane, and what is done where it is yes. */
#if LANES == 16
typedef __mmask16 flags;

INLINE flags equal(vec a, vec b)
{
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ);
}

INLINE vec choose(flags where, vec a, vec b)
{
    return (vec)_mm512_mask_blend_ps(where, (__m512)b, (__m512)a);
}

INLINE vec add_where(flags where, vec sum, vec a)
{
    return (vec)_mm512_mask_add_ps((__m512)sum, where, (__m512)sum, (__m512)a);
}
#else
typedef mask flags;

INLINE flags equal(vec a, vec b)
{
    return (flags)(a == b);
}

INLINE vec choose(flags where, vec a, vec b)
{
    return (vec)(((mask)a & where) | ((mask)b & ~where));
}

INLINE vec add_where(flags where, vec sum, vec a)
{
    return sum + (vec)((mask)a & where);
}
#endif

/* The larger one; b where one of the two is NaN. */
INLINE vec larger_number(vec a, vec b)
{
#if LANES == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif LANES == 8
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return choose((flags)(a > b), a, b);
#endif
}

/* !(v <= 0) lets NaN through. */
INLINE vec above_zero(vec v)
{
    return (vec)((mask)v & ~(mask)(v <= 0.0f));
}

INLINE void finish(const struct nn_product *p, int rows, int vectors, vec sum[ROWS][NN_VECTORS],
                   float *c, int row0)
{
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        float bias = p->last && p->bias != NULL ? p->bias[row0 + r] : 0.0f;
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) {
            vec y = sum[r][v];
            if (p->last) {
                y += all(bias);
                y = p->relu ? above_zero(y) : y;
            }
            store(c + r * p->c_row + v * LANES, y);
        }
    }
}

/* Steps of k. Weights come from memory once a pass, in runs too short for the processor's own
 * prefetching: `ahead`, a panel, is fetched meanwhile, a row a step. */
INLINE void steps_of(const struct nn_product *p, const int rows, const int vectors, int steps,
                     const float *a, const float *b, const float *ahead, vec sum[ROWS][NN_VECTORS])
{
    for (int i = 0; i < steps; i++, a += p->a_step, b += p->width) {
        vec column[NN_VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) {
            column[v] = load(b + v * LANES);
            if (ahead != NULL)
                __builtin_prefetch(ahead + (ptrdiff_t)i * p->width + v * LANES, 0, 2);
        }
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            vec factor = all(a[r * p->a_row]);
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                sum[r][v] += factor * column[v];
        }
    }
}

INLINE void block(const struct nn_product *p, const int rows, const int vectors, int row0)
{
    const float *a = p->a + row0 / ROWS * p->a_block + row0 % ROWS * p->a_row;
    const float *b = p->b, *next = a + p->a_block;
    float *c = p->c + row0 * p->c_row;
    vec sum[ROWS][NN_VECTORS];

#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            sum[r][v] = p->add ? load(c + r * p->c_row + v * LANES) : (vec){0};
    if (row0 == 0 && p->ahead != NULL) {
        steps_of(p, rows, vectors, p->k, a, b, p->ahead, sum);
    } else {
        for (int i = 0; i < p->k; i += LINE, a += LINE * p->a_step, b += LINE * p->width) {
            for (int r = 0; r < rows && p->a_step == 1; r++) /* what the next block reads */
                __builtin_prefetch(next + r * p->a_row + i, 0, 2);
            steps_of(p, rows, vectors, p->k - i < LINE ? p->k - i : LINE, a, b, NULL, sum);
        }
    }
    finish(p, rows, vectors, sum, c, row0);
}

INLINE void rows_of(const struct nn_product *p, const int vectors, int rows)
{
    int row = 0;
    for (; row + ROWS <= rows; row += ROWS)
        block(p, ROWS, vectors, row);
    if (ROWS > 4 && rows - row >= 4) {
        block(p, 4, vectors, row);
        row += 4;
    }
    if (rows - row >= 2) {
        block(p, 2, vectors, row);
        row += 2;
    }
    if (rows > row)
        block(p, 1, vectors, row);
}

static void whole(const struct nn_product *p, int rows, int vectors)
{
    if (vectors == 3)
        rows_of(p, 3, rows);
    else if (vectors == 2)
        rows_of(p, 2, rows);
    else
        rows_of(p, 1, rows);
}

/* A last vector that reaches past the matrix is made aside. */
static void product(const struct nn_product *p, int rows, int cols)
{
    int vectors = (cols + LANES - 1) / LANES;
    if (cols == vectors * LANES) {
        whole(p, rows, vectors);
        return;
    }
    for (int row = 0; row < rows; row += ROWS) {
        float aside[ROWS * NN_VECTORS * LANES];
        int count = rows - row < ROWS ? rows - row : ROWS;
        struct nn_product part = *p;
        part.a += row / ROWS * p->a_block;
        part.c = aside;
        part.c_row = NN_VECTORS * LANES;
        part.bias = p->bias == NULL ? NULL : p->bias + row;
        for (int r = 0; p->add && r < count; r++)
            memcpy(aside + r * part.c_row, p->c + (row + r) * p->c_row,
                   sizeof *aside * (size_t)cols);
        whole(&part, count, vectors);
        for (int r = 0; r < count; r++)
            memcpy(p->c + (row + r) * p->c_row, aside + r * part.c_row,
                   sizeof *aside * (size_t)cols);
    }
}

#include "kernel_pool.h"
#include "kernel_pool_flat.h"
#include "kernel_pool_gradient.h"
#include "kernel_winograd.h"

const struct nn_kernels SET = {NAME,
                               LANES,
                               ROWS,
                               product,
                               winograd_input,
                               winograd_gradient,
                               winograd_weights,
                               winograd_taps,
                               winograd_output,
                               max_pool,
                               max_pool_backward};
