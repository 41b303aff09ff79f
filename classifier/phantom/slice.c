/* slice.c: an axial CT slice of a head, a neck or a trunk, as a console shows it: a round field of
 * reconstruction, a window, ring-free fine noise. Densities in Hounsfield units (air -1000, fat
 * -100, soft tissue 40, bone 300 to 1200). */
#include "others.h"
#include <math.h>

#define PI 3.14159265358979323846

struct oval {
    double x, y, a, b, turn; /* mm; y down, to the back */
    double value;            /* HU inside: replaces what was there */
    double uneven;           /* of its radius */
    double phase;
};
struct slice {
    struct oval oval[40];
    int count;
};

static struct oval *add(struct slice *slice, double x, double y, double a, double b, double value)
{
    struct oval *oval = &slice->oval[slice->count++];

    *oval = (struct oval){.x = x, .y = y, .a = a, .b = b, .value = value, .uneven = 0.03};
    oval->phase = 1.7 * slice->count + 0.01 * a;
    return oval;
}

static void add_vertebra(struct slice *slice, double y, double s, double bone)
{
    double body = 12 * s;

    add(slice, 0, y + 25 * s, 4.5 * s, 12 * s, bone);
    for (int side = -1; side <= 1; side += 2) {
        add(slice, side * 20 * s, y + 2 * s, 12 * s, 6 * s, bone);
        add(slice, side * 22 * s, y + 1 * s, 4 * s, 3.2 * s, 40);
        add(slice, side * 9 * s, y + 19 * s, 10 * s, 3.4 * s, bone)->turn = side * 0.6;
    }
    add(slice, 0, y, body, 9 * s, bone);
    add(slice, 0, y, body - 1.6 * s, 7.6 * s, 0.35 * bone);
    add(slice, 0, y + 13.5 * s, 9 * s, 5.8 * s, 20);
    add(slice, 0, y + 13.5 * s, 6 * s, 3.8 * s, 45);
}

static void build_neck(struct slice *slice, double s, struct phantom_rng *rng)
{
    double bone = nn_phantom_uniform(rng, 600, 1100), wide = nn_phantom_uniform(rng, 56, 78) * s;
    double deep = nn_phantom_uniform(rng, 54, 70) * s, air = nn_phantom_uniform(rng, 6, 11) * s;

    add(slice, 0, 0, wide, deep, -95)->uneven = 0.04;
    add(slice, 0, 0, wide - 8 * s, deep - 9 * s, 50)->uneven = 0.05;
    for (int side = -1; side <= 1; side += 2) {
        add(slice, side * 22 * s, 38 * s, 17 * s, 9 * s, -80)->turn = side * 0.3;
        add(slice, side * 20 * s, 36 * s, 15 * s, 9 * s, 60)->turn = side * 0.5;
        add(slice, side * 32 * s, -12 * s, 12 * s, 9 * s, -85);
        add(slice, side * 33 * s, -10 * s, 5.5 * s, 5.5 * s, 130);
        add(slice, side * 27 * s, -16 * s, 3.6 * s, 3.6 * s, 120);
        add(slice, side * 42 * s, -4 * s, 8 * s, 14 * s, 62)->turn = side * -0.5;
        add(slice, side * 15 * s, -32 * s, 8 * s, 13 * s, 105)->turn = side * 0.3;
    }
    add(slice, 0, -28 * s, air + 2.5 * s, 1.2 * air + 2.5 * s, 200);
    add(slice, 0, -28 * s, air, 1.2 * air, -1000);
    add_vertebra(slice, 4 * s, s, bone);
}

static void build_head(struct slice *slice, double s, struct phantom_rng *rng)
{
    double skull = nn_phantom_uniform(rng, 900, 1400), wide = 72 * s, deep = 90 * s;
    double thick = nn_phantom_uniform(rng, 5, 9) * s, cell = nn_phantom_uniform(rng, 5, 14) * s;

    add(slice, 0, 0, wide + 7 * s, deep + 7 * s, 20)->uneven = 0.015;
    add(slice, 0, 0, wide, deep, skull)->uneven = 0.015;
    add(slice, 0, 0, wide - thick, deep - thick, 10)->uneven = 0.015;
    add(slice, 0, 0, wide - thick - 3 * s, deep - thick - 3 * s, 38)->uneven = 0.03;
    for (int side = -1; side <= 1; side += 2) {
        add(slice, side * 20 * s, 0, 16 * s, 40 * s, 28)->turn = side * -0.2;
        add(slice, side * cell, -18 * s, 0.5 * cell, 17 * s, 6)->turn = side * -0.25;
        add(slice, side * 1.3 * cell, 28 * s, 0.6 * cell, 16 * s, 6)->turn = side * 0.3;
        add(slice, side * 24 * s, -4 * s, 6 * s, 16 * s, 44)->turn = side * 0.3;
    }
    add(slice, 0, 0, 0.8 * s, 62 * s, 55)->uneven = 0;
    add(slice, 0, 6 * s, 2.2 * s, 12 * s, 6);
}

static void build_trunk(struct slice *slice, double s, struct phantom_rng *rng)
{
    double wide = nn_phantom_uniform(rng, 150, 190) * s,
           deep = nn_phantom_uniform(rng, 95, 130) * s;
    bool chest = nn_phantom_chance(rng, 0.6);

    add(slice, 0, 0, wide, deep, -95)->uneven = 0.03;
    add(slice, 0, 0, wide - 22 * s, deep - 18 * s, 50);
    for (int side = -1; side <= 1; side += 2)
        for (int i = 0; i < 3; i++) {
            double angle = 0.5 + 0.85 * i;

            add(slice, side * (wide - 26 * s) * sin(angle), (deep - 22 * s) * cos(angle), 13 * s,
                4.5 * s, 500)
                ->turn = side * (PI - angle);
        }
    if (chest) {
        for (int side = -1; side <= 1; side += 2)
            add(slice, side * 0.5 * wide, 0, 0.36 * wide, 0.68 * deep, -830)->turn = side * 0.15;
        add(slice, 22 * s, -18 * s, 58 * s, 46 * s, 55)->turn = 0.4;
        add(slice, 18 * s, 42 * s, 12 * s, 12 * s, 150);
    } else {
        add(slice, -60 * s, -8 * s, 78 * s, 62 * s, 95)->uneven = 0.06;
        add(slice, 72 * s, 20 * s, 30 * s, 42 * s, 105);
        add(slice, 40 * s, -34 * s, 42 * s, 26 * s, 20);
        add(slice, 46 * s, -48 * s, 26 * s, 9 * s, -900);
        add(slice, 16 * s, 30 * s, 10 * s, 10 * s, 150);
    }
    add_vertebra(slice, 0.58 * deep, 1.5 * s, 450);
}

/* 1 inside, 0 outside, `edge` mm wide between. */
static double inside(const struct oval *oval, double x, double y, double edge)
{
    double dx = x - oval->x, dy = y - oval->y, c = cos(oval->turn), s = sin(oval->turn);
    double u = (c * dx + s * dy) / oval->a, v = (c * dy - s * dx) / oval->b, r = hypot(u, v);

    if (r > 1.3)
        return 0;
    if (r > 0.5 && oval->uneven > 0) {
        double angle = atan2(v, u);

        r /= 1 +
             oval->uneven * (sin(3 * angle + oval->phase) + 0.6 * sin(5 * angle + 2 * oval->phase));
    }
    return nn_phantom_clamp(0.5 + (1 - r) * fmin(oval->a, oval->b) / edge, 0, 1);
}

void nn_phantom_ct_slice(int rows, int cols, bool other, struct phantom_rng *rng, float *plane)
{
    static const double WINDOW[4][2] = {{40, 400}, {40, 90}, {450, 1800}, {-500, 1500}};
    struct slice slice = {.count = 0};
    int kind = (int)(nn_phantom_bits(rng) % 5), window = (int)(nn_phantom_bits(rng) % 4);
    double s = nn_phantom_normal(rng, 1, 0.06), side = fmin(rows, cols), loose, pitch, field, turn;
    double shift = nn_phantom_normal(rng, 0, 4),
           noise = nn_phantom_uniform(rng, 6, other ? 45 : 28);

    if (kind < 2)
        build_neck(&slice, s, rng);
    else if (kind < 4)
        build_head(&slice, s, rng);
    else
        build_trunk(&slice, s, rng);
    if (window == 1 && kind != 2 && kind != 3)
        window = 0;
    if (window == 3 && kind != 4)
        window = 2;
    loose = nn_phantom_uniform(rng, 1.02, 1.6);
    pitch = 2 * loose * fmax(slice.oval[0].a, slice.oval[0].b) / side;
    field = nn_phantom_chance(rng, 0.7) ? 0.5 * side * pitch : 1e9;
    turn = PHANTOM_DEGREE * nn_phantom_normal(rng, 0, 6);
    for (size_t i = 0; i < (size_t)rows * (size_t)cols; i++)
        plane[i] = 0;
    nn_phantom_clouds(rows, cols, 2, 0.8, noise, rng, plane);
    for (int row = 0; row < rows; row++)
        for (int col = 0; col < cols; col++) {
            double u = (col + 0.5 - cols / 2.0) * pitch, v = (row + 0.5 - rows / 2.0) * pitch;
            double x = cos(turn) * u + sin(turn) * v + shift, y = cos(turn) * v - sin(turn) * u;
            float *pixel = &plane[(size_t)row * (size_t)cols + (size_t)col];
            double value = -1000;

            for (int i = 0; i < slice.count; i++)
                value +=
                    inside(&slice.oval[i], x, y, 1.2 * pitch + 0.6) * (slice.oval[i].value - value);
            value += *pixel;
            value = (value - WINDOW[window][0]) / WINDOW[window][1] + 0.5;
            *pixel = hypot(u, v) < field ? (float)nn_phantom_clamp(value, 0, 1) : 0;
        }
}
