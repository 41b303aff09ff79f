/* region.c: the spine's columns, by our own simple method (paper B: an optional segmentation of the
 * spine region).
 *
 * End-plates make the spine the one tall structure with a fine variation along the vertical, from
 * the middle of the image to its lower part. On a copy of at most GRID x GRID cells:
 *   energy = |cell - mean of 5 cells above and below|, capped (teeth, markers and metal count no
 *     more than an end-plate), 0 in air; averaged over a neck's half width;
 *   path = from row TOP to row BOTTOM, one cell sideways a row at most, the one with the greatest
 *     sum of energy (dynamic programming);
 *   region = the path's columns and MARGIN on both sides, at least NN_REGION_LEAST wide.
 * The path must carry RELIEF times the mean energy of its rows, and not next to nothing: otherwise
 * there is no column to follow, and the whole plane is the region. */
#include "region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRID     128
#define SMALLEST 48 /* shorter sides have no end-plates to see */
#define TOP      0.30
#define BOTTOM   0.85
#define MARGIN   0.24  /* of the columns */
#define CAP      0.020 /* of the range of grey values */
#define AIR      0.15
#define RELIEF   1.15
#define FAINTEST 0.1 /* of CAP: the path's mean energy */

struct grid {
    int rows, cols;
    float cell[GRID * GRID], mean[GRID * GRID], energy[GRID * GRID];
    float sum[GRID * GRID];
    signed char from[GRID * GRID]; /* the path's step from the row above */
};

/* Mean of 2 radius + 1 neighbours along rows or columns, the edge repeated. */
static void smooth(const float *from, int rows, int cols, int radius, bool vertical, float *to)
{
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            float sum = 0;
            for (int k = -radius; k <= radius; k++) {
                int yy = vertical ? y + k : y, xx = vertical ? x : x + k;
                yy = yy < 0 ? 0 : yy >= rows ? rows - 1 : yy;
                xx = xx < 0 ? 0 : xx >= cols ? cols - 1 : xx;
                sum += from[yy * cols + xx];
            }
            to[y * cols + x] = sum / (float)(2 * radius + 1);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The 1st percentile as 0, the 99th as 1; false: a flat plane. */
static bool stretch(struct grid *g)
{
    int count = g->rows * g->cols;

    memcpy(g->mean, g->cell, (size_t)count * sizeof *g->mean);
    qsort(g->mean, (size_t)count, sizeof *g->mean, by_value);
    float low = g->mean[count / 100], high = g->mean[count - 1 - count / 100];
    if (!(high - low > 1e-3f))
        return false;
    for (int i = 0; i < count; i++)
        g->cell[i] = (g->cell[i] - low) / (high - low);
    return true;
}

static void find_energy(struct grid *g)
{
    int count = g->rows * g->cols, half = g->cols / 10;

    smooth(g->cell, g->rows, g->cols, 3, true, g->sum);
    smooth(g->sum, g->rows, g->cols, 3, false, g->mean);
    smooth(g->cell, g->rows, g->cols, 2, true, g->sum);
    for (int i = 0; i < count; i++)
        g->sum[i] = g->mean[i] < (float)AIR ? 0 : fminf(fabsf(g->cell[i] - g->sum[i]), (float)CAP);
    smooth(g->sum, g->rows, g->cols, 3, false, g->mean);
    smooth(g->mean, g->rows, g->cols, half, false, g->energy);
}

/* The strongest path's columns; false when it is no stronger than its rows are on average. */
static bool follow(struct grid *g, int *left, int *right)
{
    int first = (int)(TOP * g->rows), last = (int)(BOTTOM * g->rows) - 1, cols = g->cols;
    double all = 0;

    for (int y = first; y <= last; y++) {
        for (int x = 0; x < cols; x++) {
            float best = 0;
            signed char step = 0;
            for (int k = 0; y > first && k < 3; k++) { /* straight on is preferred */
                int s = k == 0 ? 0 : k == 1 ? -1 : 1;
                if (x + s < 0 || x + s >= cols)
                    continue;
                float sum = g->sum[(y - 1) * cols + x + s];
                if (k == 0 || sum > best) {
                    best = sum;
                    step = (signed char)s;
                }
            }
            g->sum[y * cols + x] = best + g->energy[y * cols + x];
            g->from[y * cols + x] = step;
            all += (double)g->energy[y * cols + x];
        }
    }
    int x = 0;
    for (int k = 1; k < cols; k++) {
        if (g->sum[last * cols + k] > g->sum[last * cols + x])
            x = k;
    }
    double carried = (double)g->sum[last * cols + x];
    *left = *right = x;
    for (int y = last; y > first; y--) {
        x += g->from[y * cols + x];
        *left = x < *left ? x : *left;
        *right = x > *right ? x : *right;
    }
    return carried > RELIEF * all / cols && carried > FAINTEST * CAP * (last - first + 1);
}

static void take_columns(const struct grid *g, int left, int right, int cols, struct nn_box *box)
{
    double a = (left + 0.5) / g->cols - MARGIN, b = (right + 0.5) / g->cols + MARGIN;

    if (b - a < NN_REGION_LEAST) {
        double middle = (a + b) / 2;
        a = middle - NN_REGION_LEAST / 2;
        b = middle + NN_REGION_LEAST / 2;
    }
    if (a < 0) {
        b = fmin(fmax(b, NN_REGION_LEAST), 1);
        a = 0;
    }
    if (b > 1) {
        a = fmax(fmin(a, 1 - NN_REGION_LEAST), 0);
        b = 1;
    }
    box->x0 = (int)floor(a * cols);
    box->x1 = (int)ceil(b * cols);
    box->x1 = box->x1 > cols ? cols : box->x1;
}

enum nn_status nn_region_spine(const float *plane, int rows, int cols, struct nn_box *box,
                               struct nn_pool *pool, struct nn_error *err)
{
    int longer = rows > cols ? rows : cols, left, right;
    enum nn_status status;

    *box = (struct nn_box){0, 0, cols, rows};
    if (rows < SMALLEST || cols < SMALLEST)
        return NN_OK;
    struct grid *g = calloc(1, sizeof *g);
    if (!g)
        return nn_fail(err, NN_NO_MEMORY, "region: no memory");
    g->rows = (int)((int64_t)rows * GRID / longer);
    g->cols = (int)((int64_t)cols * GRID / longer);
    if (g->rows < SMALLEST || g->cols < SMALLEST) { /* no radiograph of a neck is so long */
        free(g);
        return NN_OK;
    }
    status = nn_plane_resize(plane, rows, cols, g->cell, g->rows, g->cols, pool, err);
    for (int i = 0; status == NN_OK && i < g->rows * g->cols; i++) {
        if (!isfinite(g->cell[i]))
            status = nn_fail(err, NN_BAD_DATA, "region: the plane holds a value that is no number");
    }
    if (status == NN_OK && stretch(g)) {
        find_energy(g);
        if (follow(g, &left, &right))
            take_columns(g, left, right, cols, box);
    }
    free(g);
    return status;
}
