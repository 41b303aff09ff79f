/* pictures.c: displayed planes that no X-ray tube made: photographs, blank and noise. Diverse
 * rather than faithful: a gate is tuned on them. */
#include "others.h"
#include <math.h>

#define PI 3.14159265358979323846

struct canvas {
    int rows, cols;
    float *plane;
};

static void put(const struct canvas *canvas, int row, int col, double value, double share)
{
    float *pixel = &canvas->plane[(size_t)row * (size_t)canvas->cols + (size_t)col];

    *pixel += (float)(nn_phantom_clamp(share, 0, 1) * (value - *pixel));
}

/* A lattice value in -1..1 from two integers and a key; no state. */
static double lattice(uint64_t key, int x, int y)
{
    struct phantom_rng rng = {key ^ ((uint64_t)(unsigned)x << 32) ^ (uint64_t)(unsigned)y};

    return nn_phantom_uniform(&rng, -1, 1);
}

static double smooth(double t)
{
    return t * t * (3 - 2 * t);
}

/* One octave along a row: the lattice is read once a cell. */
static void add_octave(const struct canvas *canvas, uint64_t key, double size, double by)
{
    for (int row = 0; row < canvas->rows; row++) {
        double v = row / size, fv;
        int y = (int)v, last = -1;
        double a = 0, b = 0, c = 0, d = 0;
        float *line = canvas->plane + (size_t)row * (size_t)canvas->cols;

        fv = smooth(v - y);
        for (int col = 0; col < canvas->cols; col++) {
            double u = col / size, fu;
            int x = (int)u;

            if (x != last) {
                a = lattice(key, x, y);
                b = lattice(key, x + 1, y);
                c = lattice(key, x, y + 1);
                d = lattice(key, x + 1, y + 1);
                last = x;
            }
            fu = smooth(u - x);
            line[col] += (float)(by * ((a + fu * (b - a)) * (1 - fv) + (c + fu * (d - c)) * fv));
        }
    }
}

void nn_phantom_clouds(int rows, int cols, double size, double fall, double by,
                       struct phantom_rng *rng, float *plane)
{
    struct canvas canvas = {rows, cols, plane};

    for (; size >= 1; size /= 2, by *= fall) {
        uint64_t key = nn_phantom_bits(rng);

        add_octave(&canvas, key, size, by);
    }
}

static void clear(const struct canvas *canvas, double value)
{
    for (size_t i = 0; i < (size_t)canvas->rows * (size_t)canvas->cols; i++)
        canvas->plane[i] = (float)value;
}

static void clip(const struct canvas *canvas)
{
    for (size_t i = 0; i < (size_t)canvas->rows * (size_t)canvas->cols; i++)
        canvas->plane[i] = (float)nn_phantom_clamp(canvas->plane[i], 0, 1);
}

static void add_ramp(const struct canvas *canvas, double across, double down)
{
    for (int row = 0; row < canvas->rows; row++)
        for (int col = 0; col < canvas->cols; col++)
            canvas->plane[(size_t)row * (size_t)canvas->cols + (size_t)col] +=
                (float)(across * (col / (double)canvas->cols - 0.5) +
                        down * (row / (double)canvas->rows - 0.5));
}

/* A shaded ellipse (power 2) or box-like thing (power up to 8), with a light from the upper left.
 */
static void add_shape(const struct canvas *canvas, struct phantom_rng *rng, double largest)
{
    double side = fmin(canvas->rows, canvas->cols), value = nn_phantom_uniform(rng, 0, 1);
    double x = nn_phantom_uniform(rng, -0.1, 1.1) * canvas->cols;
    double y = nn_phantom_uniform(rng, -0.1, 1.1) * canvas->rows;
    double a = nn_phantom_uniform(rng, 0.03, largest) * side;
    double b = a * nn_phantom_uniform(rng, 0.3, 1), turn = nn_phantom_uniform(rng, 0, PI);
    double power = nn_phantom_chance(rng, 0.5) ? 2 : nn_phantom_uniform(rng, 3, 8);
    double shade = nn_phantom_uniform(rng, 0, 0.35), stripes = nn_phantom_uniform(rng, 0.1, 0.8);
    bool striped = nn_phantom_chance(rng, 0.2);
    double c = cos(turn), s = sin(turn), reach = 1.5 * a;

    for (int row = (int)fmax(0, y - reach); row < canvas->rows && row < y + reach; row++)
        for (int col = (int)fmax(0, x - reach); col < canvas->cols && col < x + reach; col++) {
            double dx = col + 0.5 - x, dy = row + 0.5 - y;
            double u = (c * dx + s * dy) / a, v = (c * dy - s * dx) / b;
            double r = pow(pow(fabs(u), power) + pow(fabs(v), power), 1 / power);
            double light = value - shade * (dx + dy) / (1.4 * a);

            if (striped && sin(stripes * (dx + 0.4 * dy)) > 0)
                light = 1 - light;
            put(canvas, row, col, light, (1 - r) * b);
        }
}

/* Ridges before a sky, the nearer the darker. */
static void draw_landscape(const struct canvas *canvas, struct phantom_rng *rng)
{
    double sky = nn_phantom_uniform(rng, 0.5, 0.95), ground = nn_phantom_uniform(rng, 0.05, 0.5);
    int ridges = 2 + (int)(nn_phantom_bits(rng) % 4);

    clear(canvas, sky);
    add_ramp(canvas, 0, nn_phantom_uniform(rng, -0.3, 0.3));
    nn_phantom_clouds(canvas->rows, canvas->cols, canvas->cols / 2.0, 0.55, 0.12, rng,
                      canvas->plane);
    for (int i = 0; i < ridges; i++) {
        double base = canvas->rows * (0.35 + 0.6 * (i + 0.5) / ridges);
        double high = canvas->rows * nn_phantom_uniform(rng, 0.03, 0.2);
        double value = sky + (ground - sky) * (i + 1.0) / ridges;
        uint64_t key = nn_phantom_bits(rng);

        for (int col = 0; col < canvas->cols; col++) {
            double line = base, size = canvas->cols / 3.0, tall = high;

            for (int k = 0; k < 6; k++, size /= 2, tall *= 0.5) {
                double u = col / size, f = smooth(u - floor(u));
                double p = lattice(key, (int)u, k), q = lattice(key, (int)u + 1, k);

                line += tall * (p + f * (q - p));
            }
            for (int row = (int)fmax(0, line); row < canvas->rows; row++)
                put(canvas, row, col, value, row + 1 - line);
        }
    }
    nn_phantom_clouds(canvas->rows, canvas->cols, 16, 0.8, nn_phantom_uniform(rng, 0.03, 0.12), rng,
                      canvas->plane);
}

/* Things on a ground, or one large one: still lives, faces' worth of ovals. */
static void draw_things(const struct canvas *canvas, struct phantom_rng *rng)
{
    int count = 1 + (int)(nn_phantom_bits(rng) % 30);
    double down = nn_phantom_uniform(rng, -0.5, 0.5), texture = nn_phantom_uniform(rng, 0, 0.08);

    clear(canvas, nn_phantom_uniform(rng, 0.1, 0.9));
    add_ramp(canvas, nn_phantom_uniform(rng, -0.4, 0.4), down);
    for (int i = 0; i < count; i++)
        add_shape(canvas, rng, i == 0 ? 0.6 : 0.3);
    nn_phantom_clouds(canvas->rows, canvas->cols, canvas->cols / 3.0, 0.7, texture, rng,
                      canvas->plane);
}

/* Floor, walls and frames: straight edges and windows. */
static void draw_room(const struct canvas *canvas, struct phantom_rng *rng)
{
    int frames = 3 + (int)(nn_phantom_bits(rng) % 14);
    double horizon = canvas->rows * nn_phantom_uniform(rng, 0.45, 0.8);
    double floor_ = nn_phantom_uniform(rng, 0.1, 0.6), tile = nn_phantom_uniform(rng, 8, 40);

    clear(canvas, nn_phantom_uniform(rng, 0.4, 0.9));
    add_ramp(canvas, nn_phantom_uniform(rng, -0.3, 0.3), 0.1);
    for (int row = (int)horizon; row < canvas->rows; row++)
        for (int col = 0; col < canvas->cols; col++) {
            double z = canvas->rows / (row - horizon + 4), x = (col - canvas->cols / 2.0) * z;
            int odd = ((int)floor(x / (tile * 4)) + (int)floor(z * tile / 8)) & 1;

            put(canvas, row, col, floor_ + 0.15 * odd, 1);
        }
    for (int i = 0; i < frames; i++) {
        double x = nn_phantom_uniform(rng, 0, 1) * canvas->cols;
        double y = nn_phantom_uniform(rng, 0, 0.8) * canvas->rows;
        double w = nn_phantom_uniform(rng, 0.04, 0.3) * canvas->cols;
        double h = nn_phantom_uniform(rng, 0.05, 0.5) * canvas->rows;
        double value = nn_phantom_uniform(rng, 0, 1), frame = nn_phantom_uniform(rng, 0, 1);

        for (int row = (int)y; row < canvas->rows && row < y + h; row++)
            for (int col = (int)x; col < canvas->cols && col < x + w; col++) {
                double rim = fmin(fmin(row - y, y + h - row), fmin(col - x, x + w - col));

                put(canvas, row, col, rim < 0.04 * w + 1 ? frame : value, 1);
            }
    }
    nn_phantom_clouds(canvas->rows, canvas->cols, canvas->cols / 2.0, 0.6, 0.06, rng,
                      canvas->plane);
}

/* A page: lines of words as dark dashes, perhaps a picture among them. */
static void draw_page(const struct canvas *canvas, struct phantom_rng *rng)
{
    double step = canvas->rows * nn_phantom_uniform(rng, 0.02, 0.05), ink = 0.1;
    double left = canvas->cols * nn_phantom_uniform(rng, 0.04, 0.15);
    bool inverted = nn_phantom_chance(rng, 0.25), box = nn_phantom_chance(rng, 0.4);

    clear(canvas, nn_phantom_uniform(rng, 0.8, 1));
    for (double y = 1.5 * step; y < canvas->rows - 2 * step; y += step) {
        double x = left, right = canvas->cols - left;

        if (nn_phantom_chance(rng, 0.12))
            continue;
        if (nn_phantom_chance(rng, 0.15))
            right *= nn_phantom_uniform(rng, 0.3, 0.9);
        while (x < right) {
            double letter = 0.32 * step;
            int letters = 2 + (int)(nn_phantom_bits(rng) % 8);

            for (int k = 0; k < letters && x < right; k++, x += letter) {
                double tall = nn_phantom_uniform(rng, 0.3, 0.6) * step;
                double wide = nn_phantom_uniform(rng, 0.3, 0.85) * letter;

                for (int row = (int)(y - tall); row < y; row++)
                    for (int col = (int)x; col < x + wide && col < canvas->cols; col++)
                        if (row >= 0)
                            put(canvas, row, col, ink, 0.8);
            }
            x += 0.4 * step;
        }
    }
    if (box)
        add_shape(canvas, rng, 0.35);
    for (size_t i = 0; i < (size_t)canvas->rows * (size_t)canvas->cols && inverted; i++)
        canvas->plane[i] = 1 - canvas->plane[i];
}

static void draw_photograph(const struct canvas *canvas, struct phantom_rng *rng)
{
    int kind = (int)(nn_phantom_bits(rng) % 9);
    double grain = nn_phantom_uniform(rng, 0, 0.04), vignette = nn_phantom_uniform(rng, 0, 0.4);

    if (kind < 3)
        draw_things(canvas, rng);
    else if (kind < 5)
        draw_landscape(canvas, rng);
    else if (kind < 7)
        draw_room(canvas, rng);
    else if (kind < 8)
        draw_page(canvas, rng);
    else { /* a texture from near: stone, cloth, leaves */
        double coarse = nn_phantom_uniform(rng, 0.03, 0.5) * canvas->cols;
        double ground = nn_phantom_uniform(rng, 0.3, 0.7);
        double depth = nn_phantom_uniform(rng, 0.15, 0.4);
        double fall = nn_phantom_uniform(rng, 0.5, 0.95);

        clear(canvas, ground);
        nn_phantom_clouds(canvas->rows, canvas->cols, coarse, fall, depth, rng, canvas->plane);
    }
    for (int row = 0; row < canvas->rows; row++)
        for (int col = 0; col < canvas->cols; col++) {
            double u = 2.0 * col / canvas->cols - 1, v = 2.0 * row / canvas->rows - 1;

            put(canvas, row, col, 0, vignette * 0.5 * (u * u + v * v));
        }
    nn_phantom_clouds(canvas->rows, canvas->cols, 1, 1, grain, rng, canvas->plane);
}

/* An unexposed or evenly exposed plate, a test pattern's grey, an edge of a cover. */
static void draw_blank(const struct canvas *canvas, struct phantom_rng *rng)
{
    double value = nn_phantom_uniform(rng, 0, 1), slope = nn_phantom_uniform(rng, 0, 0.25);
    double course = nn_phantom_uniform(rng, 0, 2 * PI), grain = nn_phantom_uniform(rng, 0, 0.03);
    int kind = (int)(nn_phantom_bits(rng) % 5);

    if (kind == 0)
        value = nn_phantom_chance(rng, 0.5) ? 0 : 1;
    clear(canvas, value);
    if (kind < 2) {
        if (kind == 1)
            nn_phantom_clouds(canvas->rows, canvas->cols, 1, 1, 0.01, rng, canvas->plane);
        return;
    }
    add_ramp(canvas, slope * cos(course), slope * sin(course));
    if (kind == 3)
        nn_phantom_clouds(canvas->rows, canvas->cols, canvas->cols / 2.0, 0.5, 0.05, rng,
                          canvas->plane);
    if (kind == 4)
        for (int row = 0; row < canvas->rows; row++) {
            double from = canvas->cols * (0.3 + 0.4 * value) + slope * (row - canvas->rows / 2.0);

            for (int col = (int)fmax(0, from); col < canvas->cols; col++)
                put(canvas, row, col, slope * 4, 0.8);
        }
    nn_phantom_clouds(canvas->rows, canvas->cols, 1, 1, grain, rng, canvas->plane);
}

/* White, pink, brown; clipped, in bands; any mean. */
static void draw_noise(const struct canvas *canvas, struct phantom_rng *rng)
{
    int kind = (int)(nn_phantom_bits(rng) % 6);
    double spread = nn_phantom_uniform(rng, 0.08, 0.9);
    double fall = kind < 2 ? 1 : nn_phantom_uniform(rng, 0.5, 1.3);
    double size = kind < 2 ? 1 : nn_phantom_uniform(rng, 4, 0.7 * canvas->cols + 4);

    clear(canvas, nn_phantom_uniform(rng, 0.2, 0.8));
    nn_phantom_clouds(canvas->rows, canvas->cols, size, fall, kind < 2 ? spread : 0.4 * spread, rng,
                      canvas->plane);
    if (kind == 4)
        for (size_t i = 0; i < (size_t)canvas->rows * (size_t)canvas->cols; i++)
            canvas->plane[i] = canvas->plane[i] > 0.5f ? 1 : 0;
    if (kind == 5)
        for (int row = 0; row < canvas->rows; row++) {
            double value = nn_phantom_uniform(rng, 0, 1);

            for (int col = 0; col < canvas->cols; col++)
                put(canvas, row, col, value, 0.6);
        }
}

void nn_phantom_picture(const struct nn_phantom_settings *settings, struct phantom_rng *rng,
                        float *plane)
{
    struct canvas canvas = {settings->rows, settings->cols, plane};

    if (settings->subject == NN_PHANTOM_BLANK)
        draw_blank(&canvas, rng);
    else if (settings->subject == NN_PHANTOM_NOISE)
        draw_noise(&canvas, rng);
    else
        draw_photograph(&canvas, rng);
    clip(&canvas);
}
