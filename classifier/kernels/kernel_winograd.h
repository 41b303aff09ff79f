/* kernel_winograd.h: a kernel set's transforms of Winograd's convolution (included by
 * kernel_body.h). They hold one channel a lane: no shuffles but where planes become lanes. */

#define NEAR 0.70710678f /* the points: 0, +-NEAR, +-FAR, infinity; their squares are 1/2 and 2 */
#define FAR  1.41421356f

/* B^T */
INLINE void to_points(const vec d[NN_POINTS], const int points, vec t[NN_POINTS])
{
    if (points == 4) {
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[3] - d[1];
        return;
    }
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
INLINE void from_points(const vec p[NN_POINTS], const int points, int m, vec y[NN_MAX_OUTPUT])
{
    if (points == 4) {
        y[0] = p[0] + (p[1] + p[2]);
        y[1] = (p[1] - p[2]) + p[3];
        return;
    }
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
INLINE void weights_to_points(const vec *w, int points, int r, int step, vec t[NN_POINTS])
{
    if (points == 4) {
        vec half = 0.5f * (w[0] + w[2 * step]), rest = 0.5f * w[step];
        t[0] = w[0];
        t[1] = half + rest;
        t[2] = half - rest;
        t[3] = w[2 * step];
        return;
    }
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

/* A: what from_points makes of a gradient; m values to points. */
INLINE void gradient_to_points(const vec y[NN_POINTS], const int points, int m, vec p[NN_POINTS])
{
    p[0] = y[0];
    p[points - 1] = y[m - 1];
    if (points == 4) {
        p[1] = y[0] + y[1];
        p[2] = y[0] - y[1];
        return;
    }
    vec even = y[0], odd = NEAR * y[1], even2 = y[0], odd2 = FAR * y[1];
    if (m == 4) {
        even += 0.5f * y[2];
        odd += (0.5f * NEAR) * y[3];
        even2 += 2.0f * y[2];
        odd2 += (2.0f * FAR) * y[3];
    }
    p[1] = even + odd;
    p[2] = even - odd;
    p[3] = even2 + odd2;
    p[4] = even2 - odd2;
}

/* G^T: the taps' share of what the points hold. */
INLINE void points_to_taps(const vec p[NN_POINTS], const int points, int r, vec w[5])
{
    if (points == 4) {
        vec half = 0.5f * (p[1] + p[2]);
        w[0] = p[0] + half;
        w[1] = 0.5f * (p[1] - p[2]);
        w[2] = half + p[3];
        return;
    }
    const float near = -2.0f / 3, far = 1.0f / 6;
    vec even = near * (p[1] + p[2]), odd = (near * NEAR) * (p[1] - p[2]);
    vec even2 = far * (p[3] + p[4]), odd2 = (far * FAR) * (p[3] - p[4]);
    w[0] = p[0] + even + even2;
    w[1] = odd + odd2;
    w[2] = 0.5f * even + 2.0f * even2;
    if (r > 3)
        w[3] = 0.5f * odd + 2.0f * odd2;
    if (r > 4)
        w[4] = 0.25f * even + 4.0f * even2;
    w[r - 1] += p[5];
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
    int points = weights->points, r = weights->r, taps = r * r;
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
        weights_to_points(w + i, points, r, r, down[i]);
    for (int j = 0; j < points; j++) {
        vec row[5];
        for (int i = 0; i < r; i++)
            row[i] = down[i][j];
        weights_to_points(row, points, r, 1, t);
        for (int i = 0; i < points; i++)
            store(weights->u + (size_t)(j * points + i) * weights->plane, t[i]);
    }
}

static void winograd_taps(const struct nn_winograd_taps *taps)
{
    int points = taps->points, r = taps->r;
    vec down[5][NN_POINTS], p[NN_POINTS], w[5];
    float aside[25][LANES];

    for (int i = 0; i < points; i++) {
        for (int j = 0; j < points; j++)
            p[j] = load(taps->sum + (size_t)(j * points + i) * taps->plane);
        points_to_taps(p, points, r, w);
        for (int j = 0; j < r; j++)
            down[j][i] = w[j];
    }
    for (int j = 0; j < r; j++) {
        points_to_taps(down[j], points, r, w);
        for (int i = 0; i < r; i++)
            store(aside[j * r + i], w[i]);
    }
    for (int c = 0; c < taps->channels; c++)
        for (int t = 0; t < r * r; t++)
            taps->dw[c * r * r + t] += aside[t][c];
}

/* Planes become lanes: stripe (rows, width, LANES), zeros outside of the plane. */
static void gather(const struct nn_winograd_row *row, const float *x, int rows, int width)
{
    int lo = row->x < 0 ? -row->x : 0, hi = row->cols - row->x < width ? row->cols - row->x : width;
    ptrdiff_t plane = (ptrdiff_t)row->rows * row->cols;

    memset(row->stripe, 0, sizeof *row->stripe * (size_t)(rows * LANES * width));
    for (int j = 0; j < rows; j++) {
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

INLINE void cells_to_points(const vec d[NN_POINTS], const int points, const int cells,
                            vec t[NN_POINTS])
{
    if (cells == points)
        to_points(d, points, t);
    else
        gradient_to_points(d, points, cells, t);
}

/* Tiles of `cells` x `cells`, m apart: the input's overlap, a gradient's do not. Down each column
 * once, in place: neighbouring tiles share columns. */
INLINE void tiles_of(const struct nn_winograd_row *row, const float *x, float *v, const int points,
                     const int cells)
{
    int width = row->tiles * row->m + cells - row->m;
    vec d[NN_POINTS], t[NN_POINTS];

    gather(row, x, cells, width);
    for (int i = 0; i < width; i++) {
        float *at = row->stripe + (ptrdiff_t)i * LANES;
#pragma GCC unroll 6
        for (int j = 0; j < cells; j++)
            d[j] = load(at + (ptrdiff_t)j * width * LANES);
        cells_to_points(d, points, cells, t);
#pragma GCC unroll 6
        for (int j = 0; j < points; j++)
            store(at + (ptrdiff_t)j * width * LANES, t[j]);
    }
    for (int tile = 0; tile < row->tiles; tile++) {
        float *to = v + (size_t)tile * row->pitch;
        for (int j = 0; j < points; j++, to += points * (ptrdiff_t)row->plane) {
            const float *from = row->stripe + ((ptrdiff_t)j * width + tile * row->m) * LANES;
#pragma GCC unroll 6
            for (int i = 0; i < cells; i++)
                d[i] = load(from + (ptrdiff_t)i * LANES);
            cells_to_points(d, points, cells, t);
#pragma GCC unroll 6
            for (int i = 0; i < points; i++)
                store(to + (size_t)i * row->plane, t[i]);
        }
    }
}

static void winograd_input(const struct nn_winograd_row *row, const float *x, float *v)
{
    if (row->points == 4)
        tiles_of(row, x, v, 4, 4);
    else
        tiles_of(row, x, v, 6, 6);
}

static void winograd_gradient(const struct nn_winograd_row *row, const float *dy, float *v)
{
    if (row->points == 4)
        tiles_of(row, dy, v, 4, 2);
    else if (row->m == 2)
        tiles_of(row, dy, v, 6, 2);
    else
        tiles_of(row, dy, v, 6, 4);
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

INLINE void outputs_of(const struct nn_winograd_row *row, const float *products, const int points,
                       const int m)
{
    vec bias = {0};
    for (int c = 0; row->bias != NULL && c < row->channels; c++)
        bias[c] = row->bias[c];

    for (int tile = 0; tile < row->tiles; tile++) {
        const float *from = products + (size_t)tile * row->pitch;
        vec down[NN_MAX_OUTPUT][NN_POINTS], p[NN_POINTS], y[NN_MAX_OUTPUT];
        for (int i = 0; i < points; i++) {
#pragma GCC unroll 6
            for (int j = 0; j < points; j++)
                p[j] = load(from + (size_t)(j * points + i) * row->plane);
            from_points(p, points, m, y);
#pragma GCC unroll 4
            for (int j = 0; j < m; j++)
                down[j][i] = y[j];
        }
        for (int j = 0; j < m; j++) {
            float *to = row->stripe + ((ptrdiff_t)j * row->tiles + tile) * m * LANES;
            from_points(down[j], points, m, y);
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
    if (row->points == 4)
        outputs_of(row, products, 4, 2);
    else if (row->m == 2)
        outputs_of(row, products, 6, 2);
    else if (row->m == 3)
        outputs_of(row, products, 6, 3);
    else
        outputs_of(row, products, 6, 4);
    scatter(row, y);
}
