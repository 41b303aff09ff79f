/* kernel_body.h: one kernel set. The file that includes it says LANES, ROWS, SET and NAME.
 *
 * A product's block is ROWS x NN_VECTORS vectors: ROWS * 3 sums in registers, each step of k three
 * loads of b and ROWS numbers of a, so that the loads stay behind the multiplications.
 *
 * Winograd's transforms hold one channel a lane: no shuffles but where planes become lanes. */
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

#define NEAR 0.70710678f /* the points: 0, +-NEAR, +-FAR, infinity; their squares are 1/2 and 2 */
#define FAR  1.41421356f

/* B^T */
INLINE void to_points(const vec d[NN_POINTS], vec t[NN_POINTS])
{
    vec even = d[4] - 2.0f * d[2], odd = NEAR * (d[3] - 2.0f * d[1]);
    vec even2 = d[4] - 0.5f * d[2], odd2 = FAR * (d[3] - 0.5f * d[1]);
    t[0] = d[0] - 2.5f * d[2] + d[4];
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = even2 + odd2;
    t[4] = even2 - odd2;
    t[5] = d[1] - 2.5f * d[3] + d[5];
}

/* A^T, of which (3, 4) has the first two rows and (2, 5) the first, and a last that takes infinity.
 */
INLINE void from_points(const vec p[NN_POINTS], int m, vec y[NN_MAX_OUTPUT])
{
    vec even = p[1] + p[2], odd = NEAR * (p[1] - p[2]);
    vec even2 = p[3] + p[4], odd2 = FAR * (p[3] - p[4]);
    y[0] = p[0] + even + even2;
    if (m == 2) {
        y[1] = odd + odd2 + p[5];
        return;
    }
    y[1] = odd + odd2;
    y[2] = 0.5f * even + 2.0f * even2;
    if (m == 3) {
        y[2] += p[5];
        return;
    }
    y[3] = 0.5f * odd + 2.0f * odd2 + p[5];
}

/* G: the taps' polynomial at each point, over the product of the distances to the others. */
INLINE void weights_to_points(const vec *w, int r, int step, vec t[NN_POINTS])
{
    const float near = -2.0f / 3, far = 1.0f / 6;
    vec even = w[0] + 0.5f * w[2 * step], odd = w[step];
    vec even2 = w[0] + 2.0f * w[2 * step], odd2 = w[step];
    if (r > 3) {
        odd += 0.5f * w[3 * step];
        odd2 += 2.0f * w[3 * step];
    }
    if (r > 4) {
        even += 0.25f * w[4 * step];
        even2 += 4.0f * w[4 * step];
    }
    odd *= NEAR;
    odd2 *= FAR;
    t[0] = w[0];
    t[1] = near * (even + odd);
    t[2] = near * (even - odd);
    t[3] = far * (even2 + odd2);
    t[4] = far * (even2 - odd2);
    t[5] = w[(r - 1) * step];
}

/* A square of numbers on its side: each round interleaves the halves. */
INLINE void transpose(vec v[LANES])
{
#pragma GCC unroll 4
    for (int round = 1; round < LANES; round *= 2) {
        vec t[LANES];
#pragma GCC unroll 8
        for (int i = 0; i < LANES / 2; i++) {
            t[2 * i] = FIRST_HALVES(v[i], v[i + LANES / 2]);
            t[2 * i + 1] = LAST_HALVES(v[i], v[i + LANES / 2]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            v[i] = t[i];
    }
}

static void winograd_weights(const struct nn_winograd_weights *weights)
{
    int r = weights->r, taps = r * r;
    vec w[25] = {{0}}, down[5][NN_POINTS], t[NN_POINTS];

    for (int first = 0; first < taps; first += LANES) {
        int count = taps - first < LANES ? taps - first : LANES;
        vec v[LANES];
#pragma GCC unroll 16
        for (int o = 0; o < LANES; o++)
            v[o] = o < weights->outputs ? load_some(weights->w + o * weights->output + first, count)
                                        : (vec){0};
        transpose(v);
        for (int i = 0; i < count; i++)
            w[weights->mirrored ? taps - 1 - first - i : first + i] = v[i];
    }
    for (int i = 0; i < r; i++)
        weights_to_points(w + i, r, r, down[i]);
    for (int j = 0; j < NN_POINTS; j++) {
        vec row[5];
        for (int i = 0; i < r; i++)
            row[i] = down[i][j];
        weights_to_points(row, r, 1, t);
        for (int i = 0; i < NN_POINTS; i++)
            store(weights->u + (size_t)(j * NN_POINTS + i) * weights->plane, t[i]);
    }
}

/* Planes become lanes: stripe (NN_POINTS, width, LANES), zeros outside of the plane. */
static void gather(const struct nn_winograd_row *row, const float *x, int width)
{
    int lo = row->x < 0 ? -row->x : 0, hi = row->cols - row->x < width ? row->cols - row->x : width;
    ptrdiff_t plane = (ptrdiff_t)row->rows * row->cols;

    memset(row->stripe, 0, sizeof *row->stripe * NN_POINTS * LANES * (size_t)width);
    for (int j = 0; j < NN_POINTS; j++) {
        float *stripe = row->stripe + (ptrdiff_t)j * width * LANES;
        if (row->y + j < 0 || row->y + j >= row->rows)
            continue;
        const float *from = x + ((ptrdiff_t)row->y + j) * row->cols + (lo + row->x);
        for (int i = lo; i < hi; i += LANES) {
            int count = hi - i < LANES ? hi - i : LANES;
            vec v[LANES];
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++)
                v[c] = c < row->channels ? load_some(from + c * plane + (i - lo), count) : (vec){0};
            transpose(v);
#pragma GCC unroll 16
            for (int k = 0; k < LANES; k++)
                if (k < count)
                    store(stripe + (ptrdiff_t)(i + k) * LANES, v[k]);
        }
    }
}

/* Down each column once, in place: neighbouring tiles share columns. */
static void winograd_input(const struct nn_winograd_row *row, const float *x, float *v)
{
    int width = row->tiles * row->m + NN_POINTS - row->m;
    vec d[NN_POINTS], t[NN_POINTS];

    gather(row, x, width);
    for (int i = 0; i < width; i++) {
        float *at = row->stripe + (ptrdiff_t)i * LANES;
#pragma GCC unroll 6
        for (int j = 0; j < NN_POINTS; j++)
            d[j] = load(at + (ptrdiff_t)j * width * LANES);
        to_points(d, t);
#pragma GCC unroll 6
        for (int j = 0; j < NN_POINTS; j++)
            store(at + (ptrdiff_t)j * width * LANES, t[j]);
    }
    for (int tile = 0; tile < row->tiles; tile++) {
        float *to = v + (size_t)tile * row->pitch;
        for (int j = 0; j < NN_POINTS; j++, to += NN_POINTS * row->plane) {
            const float *from = row->stripe + ((ptrdiff_t)j * width + tile * row->m) * LANES;
#pragma GCC unroll 6
            for (int i = 0; i < NN_POINTS; i++)
                d[i] = load(from + (ptrdiff_t)i * LANES);
            to_points(d, t);
#pragma GCC unroll 6
            for (int i = 0; i < NN_POINTS; i++)
                store(to + (size_t)i * row->plane, t[i]);
        }
    }
}

/* Lanes become planes. stripe: (m, tiles * m, LANES). */
static void scatter(const struct nn_winograd_row *row, float *y)
{
    int width = row->tiles * row->m, cols = row->cols - row->x < width ? row->cols - row->x : width;
    ptrdiff_t plane = (ptrdiff_t)row->rows * row->cols;

    for (int j = 0; j < row->m && row->y + j < row->rows; j++) {
        const float *stripe = row->stripe + (ptrdiff_t)j * width * LANES;
        float *to = y + ((ptrdiff_t)row->y + j) * row->cols + row->x;
        for (int i = 0; i < cols; i += LANES) {
            int count = cols - i < LANES ? cols - i : LANES;
            vec v[LANES];
#pragma GCC unroll 16
            for (int k = 0; k < LANES; k++)
                v[k] = k < count ? load(stripe + (ptrdiff_t)(i + k) * LANES) : (vec){0};
            transpose(v);
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++)
                if (c < row->channels) {
                    float *at = to + c * plane + i;
                    store_some(at, row->add ? v[c] + load_some(at, count) : v[c], count);
                }
        }
    }
}

INLINE void outputs_of(const struct nn_winograd_row *row, const float *products, const int m)
{
    vec bias = {0};
    for (int c = 0; row->bias != NULL && c < row->channels; c++)
        bias[c] = row->bias[c];

    for (int tile = 0; tile < row->tiles; tile++) {
        const float *from = products + (size_t)tile * row->pitch;
        vec down[NN_MAX_OUTPUT][NN_POINTS], p[NN_POINTS], y[NN_MAX_OUTPUT];
        for (int i = 0; i < NN_POINTS; i++) {
#pragma GCC unroll 6
            for (int j = 0; j < NN_POINTS; j++)
                p[j] = load(from + (size_t)(j * NN_POINTS + i) * row->plane);
            from_points(p, m, y);
#pragma GCC unroll 4
            for (int j = 0; j < m; j++)
                down[j][i] = y[j];
        }
        for (int j = 0; j < m; j++) {
            float *to = row->stripe + ((ptrdiff_t)j * row->tiles + tile) * m * LANES;
            from_points(down[j], m, y);
#pragma GCC unroll 4
            for (int i = 0; i < m; i++) {
                vec v = y[i] + bias;
                store(to + i * LANES, row->relu ? above_zero(v) : v);
            }
        }
    }
}

static void winograd_output(const struct nn_winograd_row *row, const float *products, float *y)
{
    if (row->m == 2)
        outputs_of(row, products, 2);
    else if (row->m == 3)
        outputs_of(row, products, 3);
    else
        outputs_of(row, products, 4);
    scatter(row, y);
}

#include "kernel_pool.h"
#include "kernel_pool_flat.h"
#include "kernel_pool_gradient.h"

const struct nn_kernels SET = {NAME,
                               LANES,
                               ROWS,
                               product,
                               winograd_input,
                               winograd_weights,
                               winograd_output,
                               max_pool,
                               max_pool_backward};
