/* render.c: adds shapes to a plane of attenuation.
 *
 * A shape is an outline or a tube; a pixel's signed distance d to its edge (positive inside) sets
 * the path through it. Distances are exact within `reach` of the edge and saturate beyond, so that
 * an edge touches only the pixels near it; wide shapes with far-reaching profiles are measured on a
 * grid of every STEP pixels and interpolated, which a distance (1-Lipschitz) forgives. */
#include "phantom_parts.h"
#include <math.h>
#include <stdlib.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3") /* the loops below are written to be vectorised */
#endif

#define MOST_POINTS 160
#define STEP        4

struct outline {
    float x[MOST_POINTS + 1], y[MOST_POINTS + 1];
    int count; /* edges; point [count] closes or ends it */
    bool closed;
    float radius; /* of a tube, mm */
};

/* One row of squared distances (mm^2) and signs at x = first + i * step. */
struct row {
    float *distance, *sign;
    int count;
    double first, step, y;
};

static void measure_edge(const struct row *row, float ax, float ay, float bx, float by, float reach)
{
    float low = fminf(ax, bx) - reach, high = fmaxf(ax, bx) + reach, y = (float)row->y;
    float dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
    float inverse = length > 1e-12f ? 1 / length : 0, py = y - ay;
    float first = (float)row->first, step = (float)row->step;
    float *distance = row->distance;
    int from, to;

    if (y < fminf(ay, by) - reach || y > fmaxf(ay, by) + reach)
        return;
    from = (int)fmaxf(0, (low - first) / step);
    to = (int)fminf((float)row->count - 1, (high - first) / step + 1);
    for (int i = from; i <= to; i++) {
        float px = first + step * (float)i - ax;
        float t = (px * dx + py * dy) * inverse, ex, ey, d;

        t = t < 0 ? 0 : t;
        t = t > 1 ? 1 : t;
        ex = px - t * dx;
        ey = py - t * dy;
        d = ex * ex + ey * ey;
        distance[i] = d < distance[i] ? d : distance[i];
    }
}

static void flip_left_of(const struct row *row, float crossing)
{
    double last = (crossing - row->first) / row->step;
    int to = last < 0 ? 0 : (int)fmin(row->count, ceil(last));

    for (int i = 0; i < to; i++)
        row->sign[i] = -row->sign[i];
}

/* Signed distance of a row into row->distance, saturated at reach. */
static void measure_row(const struct outline *shape, const struct row *row, float reach)
{
    for (int i = 0; i < row->count; i++) {
        row->distance[i] = reach * reach;
        row->sign[i] = -1;
    }
    for (int e = 0; e < shape->count; e++) {
        float ax = shape->x[e], ay = shape->y[e], bx = shape->x[e + 1], by = shape->y[e + 1];
        float y = (float)row->y;

        measure_edge(row, ax, ay, bx, by, reach);
        if (shape->closed && (ay > y) != (by > y))
            flip_left_of(row, ax + (y - ay) * (bx - ax) / (by - ay));
    }
    for (int i = 0; i < row->count; i++) {
        float d = sqrtf(row->distance[i]);

        row->distance[i] = shape->closed ? d * row->sign[i] : shape->radius - d;
    }
}

float nn_phantom_grain(const float *tile, double x, double y)
{
    double fx = floor(x), fy = floor(y);
    unsigned x0 = (unsigned)((long)fx & (PHANTOM_TILE - 1)), x1 = (x0 + 1) & (PHANTOM_TILE - 1);
    unsigned y0 = (unsigned)((long)fy & (PHANTOM_TILE - 1)), y1 = (y0 + 1) & (PHANTOM_TILE - 1);
    float a = (float)(x - fx), b = (float)(y - fy);
    const float *upper = tile + y0 * PHANTOM_TILE, *lower = tile + y1 * PHANTOM_TILE;

    return (1 - b) * (upper[x0] + a * (upper[x1] - upper[x0])) +
           b * (lower[x0] + a * (lower[x1] - lower[x0]));
}

/* Everything of a shape that its pixels need, in detector millimetres. */
struct job {
    struct phantom_ink ink;
    float soft, bulge, rim, rim_width;
    bool cut;
    float cut_x, cut_y, normal_x, normal_y, uneven, phase;
};

static float cut_cover(const struct job *job, float x, float y, float cover)
{
    float across = (x - job->cut_x) * job->normal_x + (y - job->cut_y) * job->normal_y;
    float along = (y - job->cut_y) * job->normal_x - (x - job->cut_x) * job->normal_y;

    across += job->uneven * (sinf(1.1f * along + job->phase) + 0.6f * sinf(2.7f * along));
    across = across / job->soft + 0.5f;
    return cover * (across < 0 ? 0 : across > 1 ? 1 : across);
}

static void paint_row(const struct phantom_canvas *canvas, const struct job *job,
                      const float *distance, int row, int from, int to)
{
    float *out = canvas->plane + (size_t)row * (size_t)canvas->cols;
    double mm = canvas->view.mm_per_pixel;
    float fill = (float)job->ink.fill, base = (float)job->ink.base, y = (float)((row + 0.5) * mm);

    for (int i = from; i < to; i++) {
        float d = distance[i - from], cover = d / job->soft + 0.5f, x, q, body;

        if (cover <= 0)
            continue;
        cover = cover > 1 ? 1 : cover * cover * (3 - 2 * cover);
        if (job->cut)
            cover = cut_cover(job, (float)((i + 0.5) * mm), y, cover);
        x = d / job->bulge;
        x = x < 0 ? 0 : x > 1 ? 1 : x;
        body = job->ink.ramp ? x * x * (3 - 2 * x) : sqrtf(x * (2 - x));
        body = fill * (base + (1 - base) * body);
        if (job->ink.grain > 0)
            body *= 1 + (float)job->ink.grain * nn_phantom_grain(canvas->tile,
                                                                 (i + 0.5) * mm / job->ink.grain_mm,
                                                                 y / job->ink.grain_mm);
        q = 1 - (d < 0 ? 0 : d) / job->rim_width;
        q = q < 0 ? 0 : q;
        out[i] += cover * (body + job->rim * q * q);
    }
}

/* Pixel box of a shape with its soft edge. False: off the plane. */
static bool pixel_box(const struct phantom_canvas *canvas, const struct outline *shape, float soft,
                      int box[4])
{
    double mm = canvas->view.mm_per_pixel, pad = soft + (shape->closed ? 0 : shape->radius) + mm;
    /* floats: GCC 12 for arm64 breaks off when it vectorises minima of numbers that it widens */
    float low_x = 1e9f, high_x = -1e9f, low_y = 1e9f, high_y = -1e9f;

    for (int i = 0; i <= shape->count; i++) {
        low_x = fminf(low_x, shape->x[i]);
        high_x = fmaxf(high_x, shape->x[i]);
        low_y = fminf(low_y, shape->y[i]);
        high_y = fmaxf(high_y, shape->y[i]);
    }
    box[0] = (int)nn_phantom_clamp((low_x - pad) / mm, 0, canvas->cols);
    box[1] = (int)nn_phantom_clamp((low_y - pad) / mm, 0, canvas->rows);
    box[2] = (int)nn_phantom_clamp((high_x + pad) / mm + 1, 0, canvas->cols);
    box[3] = (int)nn_phantom_clamp((high_y + pad) / mm + 1, 0, canvas->rows);
    return box[0] < box[2] && box[1] < box[3];
}

static void paint_fine(const struct phantom_canvas *canvas, const struct outline *shape,
                       const struct job *job, const int box[4], float reach)
{
    double mm = canvas->view.mm_per_pixel;
    struct row row = {canvas->scratch,
                      canvas->scratch + canvas->cols,
                      box[2] - box[0],
                      (box[0] + 0.5) * mm,
                      mm,
                      0};

    for (int r = box[1]; r < box[3]; r++) {
        row.y = (r + 0.5) * mm;
        measure_row(shape, &row, reach);
        paint_row(canvas, job, row.distance, r, box[0], box[2]);
    }
}

/* Distances at every STEP-th pixel; two such rows and one full row live in scratch. */
static void paint_coarse(const struct phantom_canvas *canvas, const struct outline *shape,
                         const struct job *job, const int box[4], float reach)
{
    double mm = canvas->view.mm_per_pixel;
    int width = box[2] - box[0], count = width / STEP + 2;
    float *full = canvas->scratch + 2 * (size_t)canvas->cols;
    float *upper = full + canvas->cols, *lower = upper + count;
    struct row row = {lower, canvas->scratch, count, (box[0] + 0.5) * mm, STEP * mm, 0};

    for (int r = box[1]; r < box[3]; r++) {
        int phase = (r - box[1]) % STEP;

        if (phase == 0) {
            if (r == box[1]) {
                row.y = (r + 0.5) * mm;
                measure_row(shape, &row, reach);
            }
            for (int i = 0; i < count; i++)
                upper[i] = lower[i];
            row.y = (r + STEP + 0.5) * mm;
            measure_row(shape, &row, reach);
        }
        for (int i = 0; i < width; i++) {
            float a = (float)(i % STEP) / STEP, b = (float)phase / STEP;
            int k = i / STEP;

            full[i] = (1 - b) * (upper[k] + a * (upper[k + 1] - upper[k])) +
                      b * (lower[k] + a * (lower[k + 1] - lower[k]));
        }
        paint_row(canvas, job, full, r, box[0], box[2]);
    }
}

static struct job make_job(const struct phantom_canvas *canvas, const struct phantom_ink *ink,
                           const struct phantom_cut *cut)
{
    double mm = canvas->view.mm_per_pixel, width = fmax(2.2 * ink->rim_width, 1.3 * mm);
    struct job job = {.ink = *ink, .cut = cut != NULL};

    job.soft = (float)fmax(ink->soft, mm);
    job.bulge = (float)fmax(ink->bulge, 1e-3);
    job.rim_width = (float)fmax(width, 1e-3);
    job.rim = (float)(ink->rim * 2.2 * ink->rim_width / fmax(width, 1e-3));
    if (cut != NULL) {
        struct vec at = nn_phantom_project(&canvas->view, cut->at);
        struct vec tip = nn_phantom_project(
            &canvas->view, (struct vec){cut->at.x + cut->normal.x, cut->at.y + cut->normal.y});
        double length = fmax(hypot(tip.x - at.x, tip.y - at.y), 1e-9);

        job.cut_x = (float)(at.x * mm);
        job.cut_y = (float)(at.y * mm);
        job.normal_x = (float)((tip.x - at.x) / length);
        job.normal_y = (float)((tip.y - at.y) / length);
        job.uneven = (float)cut->uneven;
        job.phase = (float)cut->phase;
    }
    return job;
}

static void paint(const struct phantom_canvas *canvas, const struct outline *shape,
                  const struct phantom_ink *ink, const struct phantom_cut *cut)
{
    double mm = canvas->view.mm_per_pixel;
    struct job job = make_job(canvas, ink, cut);
    float reach = fmaxf(fmaxf(job.bulge, job.rim_width), job.soft) + (float)mm;
    int box[4];

    if (!shape->closed)
        reach = shape->radius + job.soft + (float)mm;
    if (!pixel_box(canvas, shape, job.soft, box))
        return;
    if (shape->closed && reach > 8 * STEP * mm && job.soft > 1.5 * mm)
        paint_coarse(canvas, shape, &job, box, reach);
    else
        paint_fine(canvas, shape, &job, box, reach);
}

static double spline(double a, double b, double c, double d, double t)
{
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t +
                  (3 * b - a - 3 * c + d) * t * t * t);
}

/* Control points -> detector millimetres, subdivided. */
static void trace(const struct phantom_canvas *canvas, struct phantom_frame frame,
                  const struct vec *points, int count, int smooth, struct outline *shape)
{
    int edges = shape->closed ? count : count - 1, last = count - 1;
    double mm = canvas->view.mm_per_pixel;

    shape->count = 0;
    for (int e = 0; e < edges; e++) {
        struct vec a = points[e > 0 ? e - 1 : shape->closed ? last : 0], b = points[e];
        struct vec c = points[(e + 1) % count];
        struct vec d = points[e + 2 <= last ? e + 2 : shape->closed ? (e + 2) % count : last];

        for (int k = 0; k < smooth && shape->count < MOST_POINTS; k++) {
            double t = (double)k / smooth;
            struct vec p = nn_phantom_project(&canvas->view,
                                              nn_phantom_place(frame, spline(a.x, b.x, c.x, d.x, t),
                                                               spline(a.y, b.y, c.y, d.y, t)));

            shape->x[shape->count] = (float)(p.x * mm);
            shape->y[shape->count++] = (float)(p.y * mm);
        }
    }
    shape->x[shape->count] = shape->x[0];
    shape->y[shape->count] = shape->y[0];
    if (!shape->closed) {
        struct vec p = nn_phantom_project(&canvas->view,
                                          nn_phantom_place(frame, points[last].x, points[last].y));

        shape->x[shape->count] = (float)(p.x * mm);
        shape->y[shape->count] = (float)(p.y * mm);
    }
}

void nn_phantom_outline(struct phantom_canvas *canvas, struct phantom_frame frame,
                        const struct vec *points, int count, int smooth,
                        const struct phantom_ink *ink, const struct phantom_cut *cut)
{
    struct outline shape = {.closed = true};

    trace(canvas, frame, points, count, smooth, &shape);
    paint(canvas, &shape, ink, cut);
}

void nn_phantom_tube(struct phantom_canvas *canvas, struct phantom_frame frame,
                     const struct vec *points, int count, int smooth, double radius,
                     const struct phantom_ink *ink, const struct phantom_cut *cut)
{
    struct outline shape = {.closed = false, .radius = (float)radius};

    trace(canvas, frame, points, count, smooth, &shape);
    paint(canvas, &shape, ink, cut);
}

/* White noise, smoothed once with a wrapping 3 x 3 kernel: correlated over a cell or two. */
static void make_tile(float *tile, float *white, struct phantom_rng rng)
{
    const int n = PHANTOM_TILE, mask = PHANTOM_TILE - 1;

    for (int i = 0; i < n * n; i++) {
        uint64_t bits = nn_phantom_bits(&rng);
        int sum = (int)(bits & 0xffff) + (int)(bits >> 16 & 0xffff) + (int)(bits >> 32 & 0xffff) +
                  (int)(bits >> 48);

        white[i] = ((float)sum - 131070.0f) * (1 / 37837.0f);
    }
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            const float *above = white + ((y - 1) & mask) * n, *at = white + y * n;
            const float *under = white + ((y + 1) & mask) * n;
            int l = (x - 1) & mask, r = (x + 1) & mask;

            /* 1 2 1 by 1 2 1: the sum of squares is 36 */
            tile[y * n + x] = (above[l] + above[r] + under[l] + under[r] +
                               2 * (above[x] + under[x] + at[l] + at[r]) + 4 * at[x]) /
                              6;
        }
}

enum nn_status nn_phantom_canvas_init(struct phantom_canvas *canvas, int rows, int cols,
                                      const struct phantom_view *view, struct phantom_rng texture,
                                      struct nn_error *err)
{
    const size_t cells = (size_t)PHANTOM_TILE * PHANTOM_TILE;
    float *white = malloc(cells * sizeof *white);

    *canvas = (struct phantom_canvas){.rows = rows, .cols = cols, .view = *view};
    canvas->plane = calloc((size_t)rows * (size_t)cols, sizeof *canvas->plane);
    canvas->scratch = calloc(4 * (size_t)cols + 64, sizeof *canvas->scratch);
    canvas->tile = malloc(cells * sizeof *canvas->tile);
    if (canvas->plane == NULL || canvas->scratch == NULL || canvas->tile == NULL || white == NULL) {
        free(white);
        nn_phantom_canvas_finish(canvas);
        return nn_fail(err, NN_NO_MEMORY, "phantom of %d x %d: out of memory", rows, cols);
    }
    make_tile(canvas->tile, white, texture);
    free(white);
    return NN_OK;
}

void nn_phantom_canvas_finish(struct phantom_canvas *canvas)
{
    free(canvas->plane);
    free(canvas->scratch);
    free(canvas->tile);
    *canvas = (struct phantom_canvas){0};
}
