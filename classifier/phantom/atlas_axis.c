/* atlas_axis.c: C2 with its dens, and the ring of C1. */
#include "phantom_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void scaled(const struct vec *from, int count, double scale, double du, double dv,
                   struct vec *to)
{
    for (int i = 0; i < count; i++)
        to[i] = (struct vec){from[i].x * scale + du, from[i].y * scale + dv};
}

/* Body and dens in one outline; a dens fracture parts it at the dens's base. */
static void draw_axis_body(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                           const struct phantom_injury *injury)
{
    static const struct vec OUTLINE[] = {
        {-6.8, 6.0},   {-7.4, 1.0},  {-7.4, -5.0}, {-6.6, -9.5}, {-5.8, -15.0}, {-4.8, -21.0},
        {-2.4, -25.0}, {0.6, -26.0}, {3.4, -23.8}, {4.8, -19.5}, {4.8, -13.5},  {5.4, -8.5},
        {6.2, -3.0},   {6.8, 3.0},   {8.6, 7.2},   {8.0, 8.6},   {3.0, 7.0},    {-3.0, 6.2}};
    double s = anatomy->scale;
    struct phantom_ink ink = nn_phantom_bone(anatomy, 0.45, 0.65, 4, 0.38, 0.65);
    struct phantom_frame frame = anatomy->level[2].frame;
    struct phantom_cut cut = {.uneven = 0.3, .phase = injury->phase};
    struct vec points[COUNT(OUTLINE)];
    double angle;

    scaled(OUTLINE, COUNT(OUTLINE), s, 0, 0, points);
    if (injury->kind != PHANTOM_DENS) {
        nn_phantom_outline(canvas, frame, points, COUNT(OUTLINE), 2, &ink, NULL);
        return;
    }
    angle = frame.angle + injury->tilt;
    cut.at = nn_phantom_place(frame, 0, -9 * s);
    cut.normal = (struct vec){-sin(angle), cos(angle)};
    nn_phantom_outline(canvas, frame, points, COUNT(OUTLINE), 2, &ink, &cut);
    frame = anatomy->dens;
    angle = frame.angle + injury->tilt;
    cut.at = nn_phantom_place(frame, 0, -9 * s);
    cut.normal = (struct vec){sin(angle), -cos(angle)};
    nn_phantom_outline(canvas, frame, points, COUNT(OUTLINE), 2, &ink, &cut);
}

/* Pars and inferior facets from the body back; parted in a hangman's fracture. */
static void draw_pars(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                      const struct phantom_injury *injury)
{
    static const struct vec OUTLINE[] = {{1.5, -6.5},  {-4.5, -8.0},  {-10.0, -5.5}, {-15.5, -1.5},
                                         {-18.0, 4.0}, {-17.6, 10.6}, {-15.4, 11.2}, {-8.6, 4.6},
                                         {-3.0, 2.8},  {1.0, 0.5}};
    const struct phantom_level *level = &anatomy->level[2];
    double s = anatomy->scale, angle;
    struct phantom_ink ink = nn_phantom_bone(anatomy, 0.21, 0.75, 2.5, 0.19, 0.65);
    struct phantom_cut cut = {.uneven = 0.3, .phase = injury->phase};
    struct vec points[COUNT(OUTLINE)];

    for (int side = -1; side <= 1; side += 2) {
        scaled(OUTLINE, COUNT(OUTLINE), s, side * level->paired / 2, side * level->paired * 0.25,
               points);
        if (injury->kind != PHANTOM_HANGMAN) {
            nn_phantom_outline(canvas, level->rear, points, COUNT(OUTLINE), 2, &ink, NULL);
            continue;
        }
        angle = level->frame.angle - 0.5 + injury->tilt;
        cut.normal = (struct vec){cos(angle), sin(angle)};
        cut.at = nn_phantom_place(level->frame, -8.0 * s + injury->gap * 0.3, -3 * s);
        nn_phantom_outline(canvas, level->frame, points, COUNT(OUTLINE), 2, &ink, &cut);
        cut.normal = (struct vec){-cos(angle), -sin(angle)};
        cut.at = nn_phantom_place(level->rear, -8.0 * s - injury->gap * 0.5, -3 * s);
        nn_phantom_outline(canvas, level->rear, points, COUNT(OUTLINE), 2, &ink, &cut);
    }
}

static void draw_axis_rear(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy)
{
    const struct phantom_level *level = &anatomy->level[2];
    double s = anatomy->scale, root = -level->depth / 2 - level->canal, far = root - level->spinous;
    double drop = level->spinous_drop, tall = level->spinous_height;
    struct phantom_ink ink = nn_phantom_bone(anatomy, 0.34, 0.6, 3, 0.32, 0.65),
                       line = nn_phantom_bone(anatomy, 0.2, 1, 1, 0, 0.65);
    const struct vec outline[] = {{-15.0 * s, -1.0 * s},
                                  {root + 3 * s, -3.5 * s},
                                  {root - 2 * s, -2.6 * s},
                                  {far + 0.3 * level->spinous, drop - 0.75 * tall},
                                  {far + 0.5 * s, drop - 0.3 * tall},
                                  {far, drop + 0.2 * tall},
                                  {far + 4 * s, drop + 0.5 * tall},
                                  {root - 3 * s, 0.75 * tall},
                                  {root + 4 * s, 10.0 * s},
                                  {-15.0 * s, 8.5 * s}};
    const struct vec edge[] = {{root + 4 * s, -3.6 * s},
                               {root + 1.4 * s, 1 * s},
                               {root + 1.6 * s, 6 * s},
                               {root + 4 * s, 9.6 * s}};

    nn_phantom_outline(canvas, level->rear, outline, COUNT(outline), 3, &ink, NULL);
    nn_phantom_tube(canvas, level->rear, edge, COUNT(edge), 3, 0.6 * s, &line, NULL);
}

void nn_phantom_draw_axis(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          const struct phantom_injury *injury)
{
    /* Harris's ring: the cortex of the superior facets and the dens's base. */
    static const struct vec RING[] = {{-6.5, -4},  {-5, -9.5}, {0, -11.5}, {5.0, -8.5},
                                      {5.4, -3.0}, {1, 1.2},   {-4.5, 1}};
    double s = anatomy->scale;
    struct phantom_ink ring = nn_phantom_bone(anatomy, 0.05, 0.6, 2, 0.26, 0.65);
    struct vec points[COUNT(RING)];

    draw_axis_body(canvas, anatomy, injury);
    draw_pars(canvas, anatomy, injury);
    draw_axis_rear(canvas, anatomy);
    scaled(RING, COUNT(RING), s, 0, 0, points);
    nn_phantom_outline(canvas, anatomy->level[2].frame, points, COUNT(RING), 3, &ring, NULL);
}

void nn_phantom_draw_atlas(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy)
{
    static const struct vec ANTERIOR[] = {{0, -4.6},  {2.6, -4.4}, {4.8, -1.5}, {5.2, 1.2},
                                          {3.2, 4.2}, {0.2, 5.0},  {-0.2, 0}};
    static const struct vec MASS[] = {{-7, -6.5}, {0, -5.5}, {5, -5}, {6, 1},
                                      {3, 6},     {-4, 6.5}, {-9, 3}, {-9, -3}};
    const struct phantom_level *atlas = &anatomy->level[1];
    double s = anatomy->scale, tall = atlas->spinous_height / 2;
    struct phantom_ink arch = nn_phantom_bone(anatomy, 0.42, 0.7, 2, 0.42, 0.65),
                       mass = nn_phantom_bone(anatomy, 0.24, 0.6, 4, 0.14, 0.65);
    struct phantom_ink ring = nn_phantom_bone(anatomy, 0.19, 0.5, 2.2, 0.32, 0.65);
    struct vec points[16];
    double front = 5.2 * s + anatomy->interval, far = -32 * s - 0.4 * atlas->spinous;

    scaled(ANTERIOR, COUNT(ANTERIOR), s, front, 0, points);
    nn_phantom_outline(canvas, atlas->frame, points, COUNT(ANTERIOR), 3, &arch, NULL);
    for (int side = -1; side <= 1; side += 2) {
        double d = side * anatomy->level[2].paired / 2;
        const struct vec posterior[] = {
            {-8 * s, d - 0.5 * tall},  {-16 * s, d - 0.9 * tall}, {far + 6 * s, d - tall},
            {far + s, d - 0.6 * tall}, {far, d + 0.3 * tall},     {far + 3 * s, d + 1.1 * tall},
            {far + 8 * s, d + tall},   {-17 * s, d + 0.5 * tall}, {-8 * s, d + tall}};

        nn_phantom_outline(canvas, atlas->frame, posterior, COUNT(posterior), 3, &ring, NULL);
        scaled(MASS, COUNT(MASS), s, 0.6 * d, 0.4 * d, points);
        nn_phantom_outline(canvas, atlas->frame, points, COUNT(MASS), 3, &mass, NULL);
    }
}
