/* devices.c: what is not the patient: side markers (L, R, also mirrored), a head rest's edge, a
 * necklace. */
#include "phantom_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* A glyph's strokes in a box of 1 x 1, v down; a stroke ends at x < 0. */
struct glyph {
    int count;
    struct vec points[16];
};
static const struct vec END = {-1, -1};
static const struct glyph LETTERS[] = {
    {4, {{0.1, 0}, {0.1, 1}, {0.7, 1}, {-1, -1}}},
    {13,
     {{0.1, 1},
      {0.1, 0},
      {0.45, 0},
      {0.68, 0.1},
      {0.7, 0.27},
      {0.62, 0.45},
      {0.45, 0.5},
      {0.1, 0.5},
      {-1, -1},
      {0.42, 0.5},
      {0.75, 1},
      {-1, -1},
      {-1, -1}}},
};
static const struct glyph WORD[] = {
    {5, {{0.3, 0}, {0.3, 1}, {-1, -1}, {-1, -1}, {-1, -1}}},
    {10,
     {{0.15, 0.42},
      {0.45, 0.36},
      {0.6, 0.5},
      {0.6, 1},
      {-1, -1},
      {0.6, 0.65},
      {0.25, 0.68},
      {0.15, 0.85},
      {0.3, 1},
      {0.6, 0.92}}},
    {7, {{0.35, 0.1}, {0.35, 0.9}, {0.5, 1}, {-1, -1}, {0.1, 0.38}, {0.6, 0.38}, {-1, -1}}},
};

/* `corner` and size in pixels; the canvas's view is undone so that letters stand upright. */
static void draw_glyph(struct phantom_canvas *canvas, const struct glyph *glyph, struct vec corner,
                       double size, bool mirrored, const struct phantom_ink *ink)
{
    static const struct phantom_frame HERE = {{0, 0}, 0};
    struct phantom_view view = canvas->view;
    double mm = view.mm_per_pixel;
    struct vec stroke[16];
    int n = 0;

    canvas->view = (struct phantom_view){.mm_per_pixel = mm};
    for (int i = 0; i <= glyph->count; i++) {
        struct vec p = i < glyph->count ? glyph->points[i] : END;

        if (p.x < 0) {
            if (n > 1)
                nn_phantom_tube(canvas, HERE, stroke, n, 1, fmax(0.09 * size * mm, 0.4 * mm), ink,
                                NULL);
            n = 0;
            continue;
        }
        stroke[n].x = (corner.x + (mirrored ? -p.x : p.x) * size * 0.8) * mm;
        stroke[n++].y = (corner.y + p.y * size) * mm;
    }
    canvas->view = view;
}

/* Is the field wider to the right of the column than to its left? */
static bool roomier_right(const struct phantom_canvas *canvas, const struct phantom_anatomy *a)
{
    const struct phantom_level *c7 = &a->level[7];
    double tip = -c7->depth / 2 - c7->canal - c7->spinous;
    double front = nn_phantom_project(&canvas->view, c7->frame.at).x;
    double back =
        nn_phantom_project(&canvas->view, nn_phantom_place(c7->rear, tip, c7->spinous_drop)).x;

    return canvas->cols - fmax(front, back) > fmin(front, back);
}

/* Along a side of the field, mostly the one that leaves the uninjured column free. */
static void place_marker(struct phantom_canvas *canvas, const struct phantom_anatomy *uninjured,
                         struct phantom_rng *rng)
{
    double mm = canvas->view.mm_per_pixel, size = nn_phantom_uniform(rng, 7, 13) / mm;
    bool right = nn_phantom_chance(rng, 0.5), mirrored = nn_phantom_chance(rng, 0.25);
    bool word = nn_phantom_chance(rng, 0.6), upper = nn_phantom_chance(rng, 0.15);
    double side = nn_phantom_uniform(rng, 0.06, 0.16), down = nn_phantom_uniform(rng, 0.3, 0.92);
    struct phantom_ink lead = {
        .fill = nn_phantom_uniform(rng, 0.6, 1), .base = 1, .bulge = 1, .soft = 0.3};
    struct vec corner = {canvas->cols * side, canvas->rows * (upper ? 0.08 : down)};

    if (nn_phantom_chance(rng, 0.12))
        return;
    if (nn_phantom_chance(rng, 0.08) != roomier_right(canvas, uninjured))
        corner.x = canvas->cols - corner.x;
    draw_glyph(canvas, &LETTERS[right], corner, size, mirrored, &lead);
    if (!word)
        return;
    corner.y += 1.35 * size;
    for (int i = 0; i < COUNT(WORD); i++) {
        struct vec at = {corner.x + (mirrored ? -1 : 1) * (i - 1) * 0.42 * size, corner.y};

        draw_glyph(canvas, &WORD[i], at, 0.5 * size, mirrored, &lead);
    }
}

static void draw_rest(struct phantom_canvas *canvas, const struct phantom_anatomy *a,
                      struct phantom_rng *rng)
{
    static const struct phantom_frame PATIENT = {{0, 0}, 0};
    double s = a->scale, x = a->level[4].frame.at.x - nn_phantom_uniform(rng, 75, 120) * s;
    double y = a->level[4].frame.at.y, lean = nn_phantom_normal(rng, 0, 8) * s;
    const struct vec edge[] = {{x + lean, y - 200 * s}, {x - lean, y + 200 * s}};
    struct phantom_ink sheet = {
        .fill = nn_phantom_uniform(rng, 0.15, 0.7), .base = 1, .bulge = 1, .soft = 0.5};

    nn_phantom_tube(canvas, PATIENT, edge, COUNT(edge), 1, nn_phantom_uniform(rng, 0.4, 1.5) * s,
                    &sheet, NULL);
}

static void draw_necklace(struct phantom_canvas *canvas, const struct phantom_anatomy *a,
                          struct phantom_rng *rng)
{
    static const struct phantom_frame PATIENT = {{0, 0}, 0};
    double s = a->scale, sag = nn_phantom_uniform(rng, 8, 26) * s;
    struct vec c7 = a->level[7].frame.at;
    const struct vec chain[] = {{c7.x - 75 * s, c7.y - 12 * s},
                                {c7.x - 30 * s, c7.y + 0.5 * sag},
                                {c7.x + 20 * s, c7.y + sag},
                                {c7.x + 62 * s, c7.y + 1.9 * sag}};
    struct phantom_ink metal = {.fill = nn_phantom_uniform(rng, 0.8, 2),
                                .base = 1,
                                .bulge = 1,
                                .soft = 0.3,
                                .grain = 0.3,
                                .grain_mm = 1};

    nn_phantom_tube(canvas, PATIENT, chain, COUNT(chain), 8, 0.6 * s, &metal, NULL);
}

void nn_phantom_draw_devices(struct phantom_canvas *canvas, const struct phantom_anatomy *uninjured,
                             struct phantom_rng devices)
{
    if (nn_phantom_chance(&devices, 0.15))
        draw_rest(canvas, uninjured, &devices);
    if (nn_phantom_chance(&devices, 0.04))
        draw_necklace(canvas, uninjured, &devices);
}

void nn_phantom_draw_marker(struct phantom_canvas *canvas, const struct phantom_anatomy *uninjured,
                            struct phantom_rng rng)
{
    size_t pixels = (size_t)canvas->rows * (size_t)canvas->cols;

    place_marker(canvas, uninjured, &rng);
    for (size_t i = 0; i < pixels; i++)
        canvas->plane[i] = canvas->plane[i] < 1 ? canvas->plane[i] : 1;
}
