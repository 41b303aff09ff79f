/* vertebra.c: C3..T1 as shapes: body, transverse process, articular pillars, lamina, spinous
 * process; and what fractures make of them. Local axes: u anterior, v caudal, origin the body's
 * centre. */
#include "phantom_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

struct phantom_ink nn_phantom_bone(const struct phantom_anatomy *anatomy, double fill, double base,
                                   double bulge, double rim, double rim_width)
{
    return (struct phantom_ink){.fill = fill * anatomy->density,
                                .base = base,
                                .bulge = bulge * anatomy->scale,
                                .rim = rim * anatomy->cortex,
                                .rim_width = rim_width * anatomy->scale,
                                .soft = 0.5,
                                .grain = anatomy->grain,
                                .grain_mm = 0.45};
}

/* Lowers the upper end-plate: `front` and `back` are mm lost at the anterior and posterior wall. */
static void lose_height(struct vec *points, int count, double half, double tall, double front,
                        double back)
{
    for (int i = 0; i < count; i++) {
        double along = nn_phantom_clamp((points[i].x + half) / (2 * half), 0, 1);
        double share = nn_phantom_clamp((tall - points[i].y) / (2 * tall), 0, 1.2);

        points[i].y += share * (back + (front - back) * along);
    }
}

static int body_outline(const struct phantom_level *level, double s, struct vec *points)
{
    double a = level->depth / 2, h = level->height / 2, up = level->spur_upper,
           down = level->spur_lower;
    const struct vec outline[] = {{-a + 1.2 * s, -h - 0.3 * s},
                                  {-a * 0.3, -h + 0.2 * s},
                                  {a * 0.4, -h + 0.3 * s},
                                  {a - 1.2 * s + 0.6 * up, -h + 0.4 * s - 0.3 * up},
                                  {a - 0.3 * s + up, -h + 1.4 * s - 0.2 * up},
                                  {a - 0.7 * s, -h * 0.35},
                                  {a - 0.8 * s, h * 0.3},
                                  {a + 0.1 * s + down, h - 0.9 * s + 0.2 * down},
                                  {a - 0.6 * s + 0.6 * down, h + 0.5 * s + 0.2 * down},
                                  {a * 0.4, h - 0.2 * s},
                                  {-a * 0.3, h - 0.5 * s},
                                  {-a + 1.2 * s, h - 0.1 * s},
                                  {-a + 0.1 * s, h - 1.1 * s},
                                  {-a + 0.8 * s, 0},
                                  {-a + 0.1 * s, -h + 0.9 * s}};

    for (int i = 0; i < COUNT(outline); i++)
        points[i] = outline[i];
    return COUNT(outline);
}

/* A corner torn off the front below, displaced forward, down and turned. */
static void draw_teardrop(struct phantom_canvas *canvas, const struct phantom_level *level,
                          const struct phantom_injury *injury, const struct vec *points, int count,
                          const struct phantom_ink *ink)
{
    double a = level->depth / 2, h = level->height / 2, size = 0.45 + 0.35 * injury->size;
    struct phantom_frame frame = level->frame, piece = level->frame;
    double slope = 0.9 + injury->tilt, c, s;
    struct vec local = {a - size * a, h};
    struct phantom_cut keep = {.uneven = 0.25, .phase = injury->phase}, torn;

    c = cos(frame.angle + slope);
    s = sin(frame.angle + slope);
    keep.at = nn_phantom_place(frame, local.x, local.y);
    keep.normal = (struct vec){-c, -s};
    nn_phantom_outline(canvas, frame, points, count, 2, ink, &keep);
    piece.at =
        nn_phantom_place(frame, 0.85 * injury->gap - injury->translation * 0.6, 0.75 * injury->gap);
    torn = keep;
    torn.normal = (struct vec){c, s};
    torn.at = nn_phantom_place(piece, local.x, local.y);
    nn_phantom_outline(canvas, piece, points, count, 2, ink, &torn);
}

static void draw_burst(struct phantom_canvas *canvas, const struct phantom_level *level,
                       const struct phantom_injury *injury, const struct vec *points, int count,
                       const struct phantom_ink *ink)
{
    struct phantom_frame front = level->frame, rear = level->frame;
    double apart = injury->gap, c, s, angle = level->frame.angle + injury->tilt * 2;
    double share = -0.25 + 0.4 * injury->size;
    struct phantom_cut cut = {.uneven = 0.4, .phase = injury->phase};

    c = cos(angle);
    s = sin(angle);
    front.at = nn_phantom_place(level->frame, 0.8 * apart, 0.2 * apart);
    front.angle += 0.03 * apart;
    rear.at = nn_phantom_place(level->frame, -1.1 * apart, 0);
    rear.angle -= 0.03 * apart;
    cut.at = nn_phantom_place(front, share * level->depth / 2, 0);
    cut.normal = (struct vec){c, s};
    nn_phantom_outline(canvas, front, points, count, 2, ink, &cut);
    cut.at = nn_phantom_place(rear, share * level->depth / 2, 0);
    cut.normal = (struct vec){-c, -s};
    nn_phantom_outline(canvas, rear, points, count, 2, ink, &cut);
}

/* Two halves, left and right, a little apart when the neck is turned or tilted. */
static void draw_body(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                      const struct phantom_injury *injury, int index)
{
    const struct phantom_level *level = &anatomy->level[index];
    double s = anatomy->scale, a = level->depth / 2, h = level->height / 2;
    struct phantom_ink ink = nn_phantom_bone(anatomy, 0.25, 0.72, 4, 0.21, 0.6),
                       plate = nn_phantom_bone(anatomy, 0.16, 1, 1, 0, 1);
    bool here = injury->level == index;
    struct vec points[24];
    int count = body_outline(level, s, points);

    lose_height(points, count, a, h, level->taper * level->height, 0);
    if (here && (injury->kind == PHANTOM_WEDGE || injury->kind == PHANTOM_BURST)) {
        double loss = injury->height_loss / 100 * level->height;
        double back = injury->kind == PHANTOM_BURST ? 0.6 * loss : 0.1 * loss;
        struct vec band[3] = {{-a + 3 * s, -h + back + 2.2 * s},
                              {0, -h + (loss + back) / 2 + 2.4 * s},
                              {a - 2 * s, -h + loss + 2.0 * s}};

        lose_height(points, count, a, h, loss, back);
        points[5].x += 0.35 * loss; /* the buckled front wall */
        points[6].x += 0.15 * loss;
        plate.fill = 0.05 + 0.02 * loss;
        nn_phantom_tube(canvas, level->frame, band, 3, 4, (0.9 + 0.15 * loss) * s, &plate, NULL);
    }
    for (int side = -1; side <= 1; side += 2) {
        struct phantom_level half = *level;

        half.frame.at =
            nn_phantom_place(level->frame, side * 0.12 * level->paired, side * anatomy->skew / 2);
        if (here && injury->kind == PHANTOM_BURST)
            draw_burst(canvas, &half, injury, points, count, &ink);
        else if (here && injury->kind == PHANTOM_TEARDROP)
            draw_teardrop(canvas, &half, injury, points, count, &ink);
        else
            nn_phantom_outline(canvas, half.frame, points, count, 2, &ink, NULL);
    }
}

static void draw_ossicle(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                         const struct phantom_level *level)
{
    double s = anatomy->scale, a = level->depth / 2 + level->spur_lower, h = level->height / 2;
    struct phantom_ink ink = nn_phantom_bone(anatomy, 0.25, 0.8, 1, 0.15, 0.6);
    const struct vec fleck[] = {{a + 0.2 * s, h + 1.0 * s},
                                {a + 1.4 * s, h + 1.6 * s},
                                {a + 0.9 * s, h + 3.4 * s},
                                {a - 0.4 * s, h + 2.6 * s}};

    nn_phantom_outline(canvas, level->frame, fleck, COUNT(fleck), 3, &ink, NULL);
}

/* The transverse processes and pedicles seen end on: a faint ring over the body's back. */
static void draw_pedicles(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          int index)
{
    const struct phantom_level *level = &anatomy->level[index];
    double s = anatomy->scale, a = level->depth / 2, h = level->height / 2;
    struct phantom_ink ring = nn_phantom_bone(anatomy, 0.03, 0.6, 2, 0.16, 0.6),
                       gutter = nn_phantom_bone(anatomy, 0.10, 1, 1, 0, 1);
    const struct vec hump[] = {{-a + 0.4 * s, -h - 0.2 * s},
                               {-a * 0.65, -h - 1.9 * s},
                               {-a * 0.2, -h - 1.0 * s},
                               {a * 0.15, -h + 0.6 * s}};

    gutter.soft = 0.9;
    nn_phantom_tube(canvas, level->frame, hump, COUNT(hump), 3, 0.55 * s, &gutter, NULL);
    for (int side = -1; side <= 1; side += 2) {
        double u = side * level->paired / 2;
        const struct vec oval[] = {{u - a * 0.75, -h * 0.55}, {u - a * 0.25, -h * 0.5},
                                   {u - a * 0.05, -h * 0.05}, {u - a * 0.25, h * 0.35},
                                   {u - a * 0.75, h * 0.3},   {u - a * 0.95, -h * 0.15}};
        const struct vec trough[] = {
            {u - a * 0.9, -h * 0.1}, {u - a * 0.35, h * 0.45}, {u + a * 0.15, h * 0.15}};

        nn_phantom_outline(canvas, level->frame, oval, COUNT(oval), 3, &ring, NULL);
        nn_phantom_tube(canvas, level->frame, trough, COUNT(trough), 3, 0.6 * s, &gutter, NULL);
    }
}

/* Two rhomboids, tiled down the column; the joint between two levels slopes down and back. */
static void draw_pillars(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                         int index)
{
    const struct phantom_level *level = &anatomy->level[index];
    double s = anatomy->scale, a = level->depth / 2, h = level->height / 2;
    double joint = (1.3 + 0.6 * (1 - anatomy->degeneration)) * s;
    double below = (index == PHANTOM_T1 ? anatomy->pitch[7] : anatomy->pitch[index]) - joint;
    struct phantom_ink ink = nn_phantom_bone(anatomy, 0.23, 0.75, 2.5, 0.24, 0.6);

    for (int side = -1; side <= 1; side += 2) {
        double u = side * level->paired / 2 - a, v = side * level->paired * 0.25;
        const struct vec outline[] = {{u + 2.8 * s, v - h - 2.9 * s},
                                      {u + 0.4 * s, v - h - 2.9 * s},
                                      {u - 9.6 * s, v - h + 4.4 * s},
                                      {u - 11.6 * s, v - h + 6.8 * s},
                                      {u - 11.9 * s, v + 3.0 * s},
                                      {u - 12.6 * s, v - h + 6.4 * s + below},
                                      {u - 10.6 * s, v - h + 4.9 * s + below},
                                      {u - 0.4 * s, v - h - 2.2 * s + below},
                                      {u + 1.6 * s, v - h - 3.8 * s + below},
                                      {u + 1.4 * s, v + 0.5 * s}};

        nn_phantom_outline(canvas, level->rear, outline, COUNT(outline), 2, &ink, NULL);
    }
}

static void draw_spinous(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                         const struct phantom_injury *injury, int index)
{
    const struct phantom_level *level = &anatomy->level[index];
    double s = anatomy->scale, a = level->depth / 2, root = -a - level->canal;
    double tip = root - level->spinous, drop = level->spinous_drop, tall = level->spinous_height;
    struct phantom_ink ink = nn_phantom_bone(anatomy, 0.33, 0.5, 2.5, 0.38, 0.6);
    struct phantom_frame frame = level->rear, away = frame;
    const struct vec outline[] = {{root + 4.0 * s, -1.5 * s},
                                  {root - 0.15 * level->spinous, 0.15 * drop - 0.6 * s},
                                  {tip + 0.35 * level->spinous, 0.62 * drop - 0.2 * s},
                                  {tip + 0.08 * level->spinous, drop - 0.24 * tall},
                                  {tip, drop + 0.10 * tall},
                                  {tip + 0.10 * level->spinous, drop + 0.42 * tall},
                                  {tip + 0.40 * level->spinous, 0.62 * drop + 0.66 * tall},
                                  {root - 0.10 * level->spinous, 0.1 * drop + 1.15 * tall},
                                  {root + 3.5 * s, 1.2 * tall + 1.5 * s},
                                  {root + 2.0 * s, 0.3 * tall}};

    if (injury->kind != PHANTOM_SPINOUS || injury->level != index) {
        nn_phantom_outline(canvas, frame, outline, COUNT(outline), 3, &ink, NULL);
        return;
    }
    double angle = frame.angle + 0.35 + 1.5 * injury->tilt, c = cos(angle), d = sin(angle);
    double at = root - level->spinous * (0.25 + 0.3 * injury->size);
    struct phantom_cut cut = {.uneven = 0.25, .phase = injury->phase};

    cut.at = nn_phantom_place(frame, at, 0.4 * (drop + tall) * (root - at) / level->spinous);
    cut.normal = (struct vec){c, d};
    nn_phantom_outline(canvas, frame, outline, COUNT(outline), 3, &ink, &cut);
    away.at = nn_phantom_place(frame, -0.9 * injury->gap, 1.0 * injury->gap);
    cut.at.x += away.at.x - frame.at.x;
    cut.at.y += away.at.y - frame.at.y;
    cut.normal = (struct vec){-c, -d};
    nn_phantom_outline(canvas, away, outline, COUNT(outline), 3, &ink, &cut);
}

/* The lamina between pillar and spinous process, and the dense spinolaminar line. */
static void draw_lamina(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                        int index)
{
    const struct phantom_level *level = &anatomy->level[index];
    double s = anatomy->scale, a = level->depth / 2, root = -a - level->canal;
    struct phantom_ink ink = nn_phantom_bone(anatomy, 0.17, 0.8, 2, 0.12, 0.6),
                       line = nn_phantom_bone(anatomy, 0.28, 1, 1, 0, 1);
    const struct vec plate[] = {{-a - 10.0 * s, -0.5 * s}, {root + 4 * s, -1.8 * s},
                                {root + 1.0 * s, 1.0 * s}, {root + 1.5 * s, 7.5 * s},
                                {root + 4 * s, 8.5 * s},   {-a - 10.5 * s, 10.0 * s}};
    const struct vec edge[] = {{root + 3.6 * s, -2.0 * s},
                               {root + 1.4 * s, 1.5 * s},
                               {root + 1.0 * s, 5.0 * s},
                               {root + 2.2 * s, 8.6 * s}};

    nn_phantom_outline(canvas, level->rear, plate, COUNT(plate), 2, &ink, NULL);
    nn_phantom_tube(canvas, level->rear, edge, COUNT(edge), 3, 0.6 * s, &line, NULL);
}

void nn_phantom_draw_rear(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          const struct phantom_injury *injury, int level)
{
    draw_pillars(canvas, anatomy, level);
    draw_lamina(canvas, anatomy, level);
    draw_spinous(canvas, anatomy, injury, level);
}

void nn_phantom_draw_vertebra(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                              const struct phantom_injury *injury, int level)
{
    draw_body(canvas, anatomy, injury, level);
    if (anatomy->level[level].ossicle)
        draw_ossicle(canvas, anatomy, &anatomy->level[level]);
    draw_pedicles(canvas, anatomy, level);
    nn_phantom_draw_rear(canvas, anatomy, injury, level);
}
