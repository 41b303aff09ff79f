/* marker.c: what is written on the displayed plane: lead letters (right or wrong, mirrored,
 * turned), burned-in text, a ruler, a digital shutter. Nothing here knows the class or the
 * subject's truth: "ap" stands on laterals too, as it does in practice. Never over C1..C7 (of the
 * uninjured anatomy, with 12 mm to spare). */
#include "glyphs.h"
#include "phantom_parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a)      ((int)(sizeof(a) / sizeof((a)[0])))
#define MOST_LINES    4
#define MOST_LETTERS  12
#define MOST_SPOTS    40 /* 5 a level, and those of a block that stands already */
#define MOST_SEGMENTS 512
#define TRIES         10

struct spot {
    double x, y;
};
/* Where nothing may be written: discs of one radius, pixels. */
struct keep_out {
    struct spot at[MOST_SPOTS];
    int count;
    double radius;
};
struct segment {
    float ax, ay, bx, by;
};
struct block {
    char line[MOST_LINES][MOST_LETTERS + 1];
    double size[MOST_LINES]; /* a capital's height, pixels */
    int lines;
    double stroke; /* half width, share of the height */
    double value, opacity;
    double blur; /* pixels */
    double turn; /* radians */
    double slant;
    bool mirrored, plate, ring; /* plate: on black; ring: round the first line */
    double x, y;                /* middle, pixels */
    double width, height;       /* pixels, before the turn */
};
struct sheet {
    float *plane;
    int rows, cols;
};

static void find_keep_out(const struct nn_phantom_settings *settings, uint64_t index,
                          const struct nn_camera *camera, struct keep_out *keep)
{
    struct phantom_anatomy a;

    keep->count = 0;
    keep->radius = 0;
    if (settings->subject >= NN_PHANTOM_CHEST)
        return;
    nn_phantom_anatomy(settings, index, &a);
    keep->radius = 19 * a.scale / camera->pitch;
    for (int i = 1; i <= 7; i++) {
        const struct phantom_level *level = &a.level[i];
        double tip = -level->depth / 2 - level->canal - level->spinous;
        const struct vec3 at[5] = {{level->depth / 2, 0, 0},
                                   {0, 0, level->width / 2},
                                   {0, 0, -level->width / 2},
                                   {tip / 2, level->spinous_drop / 2, 0},
                                   {tip, level->spinous_drop, 0}};

        for (int k = 0; k < 5; k++) {
            struct spot *spot = &keep->at[keep->count++];

            nn_camera_project(camera, nn_pose_apply(&level->body, at[k]), &spot->x, &spot->y, NULL);
        }
    }
}

static bool is_free(const struct keep_out *keep, double x, double y)
{
    for (int i = 0; i < keep->count; i++)
        if (hypot(keep->at[i].x - x, keep->at[i].y - y) < keep->radius)
            return false;
    return true;
}

/* A line's strokes; x and y in capitals' heights from the line's upper left corner. */
static int segments_of(const char *text, struct segment *segment, int room)
{
    double x = 0;
    int count = 0;

    for (; *text != '\0'; text++, x += 0.92) {
        const char *glyph = nn_phantom_glyph(*text);

        for (; *glyph != '\0'; glyph += 2) {
            float px = (float)(x + (glyph[0] - '0') / 6.0), py = (float)((glyph[1] - '0') / 6.0);

            if (glyph[2] == ' ' || glyph[2] == '\0') {
                glyph += glyph[2] == ' ';
                continue;
            }
            if (count < room)
                segment[count++] = (struct segment){px, py, (float)(x + (glyph[2] - '0') / 6.0),
                                                    (float)((glyph[3] - '0') / 6.0)};
        }
    }
    return count;
}

static double line_width(const char *text)
{
    return 0.92 * (double)strlen(text) - 0.25;
}

static double distance_to(const struct segment *s, double x, double y)
{
    double dx = s->bx - s->ax, dy = s->by - s->ay, length = dx * dx + dy * dy;
    double t = length > 0 ? ((x - s->ax) * dx + (y - s->ay) * dy) / length : 0;

    t = nn_phantom_clamp(t, 0, 1);
    return hypot(x - s->ax - t * dx, y - s->ay - t * dy);
}

static void measure(struct block *block)
{
    block->width = block->height = 0;
    for (int i = 0; i < block->lines; i++) {
        block->width = fmax(block->width, line_width(block->line[i]) * block->size[i]);
        block->height += (i + 1 < block->lines ? 1.5 : 1) * block->size[i];
    }
    if (block->ring) {
        block->width = fmax(block->width, 2 * block->size[0]);
        block->height += block->size[0];
    }
}

static void blend(const struct sheet *sheet, int row, int col, double value, double share)
{
    float *pixel = &sheet->plane[(size_t)row * (size_t)sheet->cols + (size_t)col];

    *pixel += (float)(nn_phantom_clamp(share, 0, 1) * (value - *pixel));
}

/* Coverage of a pixel by the block's lines; (u, v) from the block's upper middle, pixels. */
static double coverage(const struct block *block, const struct segment *segment,
                       const int first[MOST_LINES + 1], double u, double v)
{
    double down = block->ring ? 0.5 * block->size[0] : 0, nearest = 1e9;

    for (int i = 0; i < block->lines; i++) {
        double size = block->size[i], x = u / size + line_width(block->line[i]) / 2;
        double y = (v - down) / size, here = 1e9;

        x += block->slant * (y - 0.5);
        if (y > -1 && y < 2)
            for (int k = first[i]; k < first[i + 1]; k++)
                here = fmin(here, distance_to(&segment[k], x, y));
        if (block->ring && i == 0)
            here = fmin(here, fabs(hypot(u / size, y - 0.5) - 0.9));
        nearest = fmin(nearest, (here - block->stroke) * size);
        down += 1.5 * size;
    }
    return nn_phantom_clamp(0.5 - nearest / block->blur, 0, 1);
}

static void draw_block(const struct sheet *sheet, const struct block *block)
{
    struct segment segment[MOST_SEGMENTS];
    int first[MOST_LINES + 1] = {0};
    double half = hypot(block->width, block->height) / 2 + 0.7 * block->size[0];
    double c = cos(block->turn), s = sin(block->turn), edge = 0.25 * block->size[0];
    int top = (int)fmax(0, block->y - half), left = (int)fmax(0, block->x - half);

    for (int i = 0; i < block->lines; i++)
        first[i + 1] =
            first[i] + segments_of(block->line[i], segment + first[i], MOST_SEGMENTS - first[i]);
    for (int row = top; row < sheet->rows && row < block->y + half; row++)
        for (int col = left; col < sheet->cols && col < block->x + half; col++) {
            double dx = col + 0.5 - block->x, dy = row + 0.5 - block->y;
            double u = c * dx + s * dy, v = c * dy - s * dx;

            if (fabs(u) > block->width / 2 + edge || fabs(v) > block->height / 2 + 2 * edge)
                continue;
            if (block->plate)
                blend(sheet, row, col, 0, 1);
            u = block->mirrored ? -u : u;
            blend(sheet, row, col, block->value,
                  block->opacity * coverage(block, segment, first, u, v + block->height / 2));
        }
}

/* Is the whole block in the field, and off the column? */
static bool fits(const struct sheet *sheet, const struct keep_out *keep, const struct block *block)
{
    double c = cos(block->turn), s = sin(block->turn);

    for (int i = 0; i <= 6; i++)
        for (int k = 0; k <= 6; k++) {
            double u = (i / 6.0 - 0.5) * block->width, v = (k / 6.0 - 0.5) * block->height;
            double x = block->x + c * u - s * v, y = block->y + s * u + c * v;

            if (x < 1 || y < 1 || x > sheet->cols - 1 || y > sheet->rows - 1 ||
                !is_free(keep, x, y))
                return false;
        }
    return true;
}

/* Somewhere at the field's sides, mostly; smaller at each failure. Always the same draws. */
static bool place(const struct sheet *sheet, const struct keep_out *keep, struct block *block,
                  double deep, struct phantom_rng *rng)
{
    bool placed = false;

    for (int i = 0; i < TRIES; i++) {
        double in = nn_phantom_uniform(rng, 0.02, deep),
               along = nn_phantom_uniform(rng, 0.02, 0.98);
        double x, y;
        int side = (int)(nn_phantom_bits(rng) % 6); /* left and right twice as often */

        if (placed)
            continue;
        measure(block);
        x = block->width / 2 + 2 + in * sheet->cols;
        y = block->height / 2 + 2 + along * (sheet->rows - block->height - 4);
        if (side >= 4) {
            x = block->width / 2 + 2 + along * (sheet->cols - block->width - 4);
            y = block->height / 2 + 2 + in * sheet->rows;
        }
        block->x = side % 2 == 0 ? x : sheet->cols - x;
        block->y = side == 5 ? sheet->rows - y : y;
        placed = fits(sheet, keep, block);
        for (int k = 0; k < block->lines && !placed; k++)
            block->size[k] *= 0.93;
    }
    return placed;
}

/* What is written already is not written over. */
static void keep_block(struct keep_out *keep, const struct block *block)
{
    double c = cos(block->turn), s = sin(block->turn);

    keep->radius = fmax(keep->radius, 0.45 * block->size[0]);
    for (int i = -1; i <= 1; i++) {
        double u = 0.5 * i * block->width, v = 0.5 * i * block->height;

        if (block->height > block->width)
            u = 0;
        else
            v = 0;
        keep->at[keep->count++] = (struct spot){block->x + c * u - s * v, block->y + s * u + c * v};
    }
}

static void add_line(struct block *block, const char *text, double size)
{
    snprintf(block->line[block->lines], sizeof block->line[0], "%.*s", MOST_LETTERS, text);
    block->size[block->lines++] = fmax(size, 5);
}

static void initials(struct phantom_rng *rng, char text[4])
{
    int letters = nn_phantom_chance(rng, 0.6) ? 2 : 3;

    for (int i = 0; i < 3; i++) {
        uint64_t letter = nn_phantom_bits(rng) % 26;

        text[i] = i < letters ? (char)('A' + letter) : '\0';
    }
    text[3] = '\0';
}

/* The technologist's marker. */
static void draw_lead(const struct sheet *sheet, struct keep_out *keep, double pitch, bool other,
                      struct phantom_rng *rng)
{
    static const char *const WORDS[] = {"lat", "lat", "LAT", "ap", "x-table", "X-TABLE", "erect"};
    struct block block = {.opacity = nn_phantom_uniform(rng, 0.85, 1)};
    double size = nn_phantom_uniform(rng, 6, 15) / pitch;
    bool right = nn_phantom_chance(rng, 0.5), word = nn_phantom_chance(rng, 0.55);
    bool signed_ = nn_phantom_chance(rng, 0.2), on_side = nn_phantom_chance(rng, 0.1);
    uint64_t which = nn_phantom_bits(rng) % COUNT(WORDS);
    char name[4];

    initials(rng, name);
    size = nn_phantom_clamp(size, 7, 0.11 * sheet->rows);
    add_line(&block, right ? "R" : "L", size);
    if (word)
        add_line(&block, WORDS[which], size * nn_phantom_uniform(rng, 0.4, 0.62));
    if (signed_)
        add_line(&block, name, size * nn_phantom_uniform(rng, 0.4, 0.6));
    block.ring = nn_phantom_chance(rng, 0.1) && block.lines == 1;
    block.mirrored = nn_phantom_chance(rng, 0.25);
    block.stroke = nn_phantom_uniform(rng, 0.06, other ? 0.16 : 0.12);
    block.slant = nn_phantom_chance(rng, 0.15) ? 0.2 : 0;
    block.value = nn_phantom_uniform(rng, 0.82, 1);
    block.blur = fmax(1, nn_phantom_uniform(rng, 0.2, 0.9) / pitch);
    block.turn = nn_phantom_normal(rng, 0, 5) * PHANTOM_DEGREE;
    if (on_side)
        block.turn += (right ? 90 : -90) * PHANTOM_DEGREE;
    if (!place(sheet, keep, &block, 0.22, rng))
        return;
    draw_block(sheet, &block);
    keep_block(keep, &block);
}

/* Lines of the console: times, numbers, views; no names. */
static void draw_text(const struct sheet *sheet, const struct keep_out *keep, bool other,
                      struct phantom_rng *rng)
{
    static const char *const WORDS[] = {"C-SPINE", "PORT", "TRAUMA", "SUPINE", "STANDING",
                                        "KV",      "LAT",  "AP",     "GRID",   "EI"};
    double size = sheet->rows * nn_phantom_uniform(rng, 0.018, other ? 0.05 : 0.036);
    struct block block = {.opacity = 1, .blur = 1};
    int lines = 1 + (int)(nn_phantom_bits(rng) % 3);

    for (int i = 0; i < lines; i++) {
        uint64_t kind = nn_phantom_bits(rng) % 3, number = nn_phantom_bits(rng);
        uint64_t hour = number % 24, minute = number / 24 % 60;
        const char *word = WORDS[number % COUNT(WORDS)];
        char text[32];

        if (kind == 0)
            snprintf(text, sizeof text, "%s", word);
        else if (kind == 1)
            snprintf(text, sizeof text, "%02d:%02d", (int)hour, (int)minute);
        else
            snprintf(text, sizeof text, "%s %d", word, (int)(number / 1440 % 900));
        text[MOST_LETTERS] = '\0';
        add_line(&block, text, size);
    }
    block.stroke = nn_phantom_uniform(rng, 0.05, 0.09);
    block.value = nn_phantom_chance(rng, 0.9) ? 1 : 0;
    block.plate = nn_phantom_chance(rng, 0.25) && block.value > 0;
    if (place(sheet, keep, &block, 0.06, rng))
        draw_block(sheet, &block);
}

/* Ticks along a side, a centimetre apart on the detector. */
static void draw_ruler(const struct sheet *sheet, const struct keep_out *keep, double pitch,
                       struct phantom_rng *rng)
{
    bool right = nn_phantom_chance(rng, 0.5), line = nn_phantom_chance(rng, 0.5);
    double value = nn_phantom_uniform(rng, 0.7, 1), step = 10 / pitch;
    double from = nn_phantom_uniform(rng, 0.05, 0.3), to = nn_phantom_uniform(rng, 0.6, 0.95);
    int tick = 0;

    if (step < 3)
        return;
    for (double y = from * sheet->rows; y < to * sheet->rows; y += step, tick++) {
        int length = (int)fmax(3, (tick % 5 == 0 ? 0.035 : 0.018) * sheet->cols), row = (int)y;

        for (int i = 2; i < length && i < sheet->cols; i++) {
            int col = right ? sheet->cols - 1 - i : i;

            if (is_free(keep, col, row))
                blend(sheet, row, col, value, 0.9);
        }
        for (int k = 0; line && k < step && row + k < to * sheet->rows; k++) {
            int col = right ? sheet->cols - 3 : 2;

            if (is_free(keep, col, row + k))
                blend(sheet, row + k, col, value, 0.9);
        }
    }
}

/* Straight edges from the left, right, top and bottom: how far a point lies beyond the nearest. */
struct shutter {
    double edge[4], lean[4], radius;
    bool round_;
};

static double beyond(const struct sheet *sheet, const struct shutter *shutter, double x, double y)
{
    const double *edge = shutter->edge, *lean = shutter->lean;
    double across, down;

    if (shutter->round_)
        return hypot(x - sheet->cols / 2.0, y - sheet->rows / 2.0) - shutter->radius;
    across = fmax(edge[0] + lean[0] * y - x, edge[1] + lean[1] * y - (sheet->cols - x));
    down = fmax(edge[2] + lean[2] * x - y, edge[3] + lean[3] * x - (sheet->rows - y));
    return fmax(across, down);
}

/* Opens it as far as the column needs. */
static void open_shutter(const struct sheet *sheet, const struct keep_out *keep,
                         struct shutter *shutter)
{
    for (int i = 0; i < keep->count; i++) {
        double out = beyond(sheet, shutter, keep->at[i].x, keep->at[i].y) + keep->radius;

        if (out <= 0)
            continue;
        shutter->radius += out;
        for (int k = 0; k < 4; k++)
            shutter->edge[k] -= out;
    }
}

/* Black (seldom white) beyond straight edges, or beyond a circle. */
static void draw_shutter(const struct sheet *sheet, const struct keep_out *keep,
                         struct phantom_rng *rng)
{
    struct shutter shutter = {.round_ = nn_phantom_chance(rng, 0.2)};
    double value = nn_phantom_chance(rng, 0.9) ? 0 : 1;

    shutter.radius = nn_phantom_uniform(rng, 0.53, 0.68) * fmax(sheet->rows, sheet->cols);
    for (int i = 0; i < 4; i++) {
        bool used = nn_phantom_chance(rng, 0.5);
        double in = nn_phantom_uniform(rng, 0.01, 0.09), turn = nn_phantom_normal(rng, 0, 1);

        shutter.edge[i] = used ? in * (i < 2 ? sheet->cols : sheet->rows) : -1e9;
        shutter.lean[i] = tan(PHANTOM_DEGREE * turn);
    }
    open_shutter(sheet, keep, &shutter);
    for (int row = 0; row < sheet->rows; row++)
        for (int col = 0; col < sheet->cols; col++) {
            double out = beyond(sheet, &shutter, col + 0.5, row + 0.5);

            if (out > -0.5)
                blend(sheet, row, col, value, out + 0.5);
        }
}

void nn_phantom_mark(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct nn_camera *camera, float *plane)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_MARKER);
    struct sheet sheet = {plane, settings->rows, settings->cols};
    bool other = settings->configuration == 1;
    bool shutter = nn_phantom_chance(&rng, 0.1), ruler = nn_phantom_chance(&rng, 0.05);
    bool lead = nn_phantom_chance(&rng, 0.8), text = nn_phantom_chance(&rng, other ? 0.4 : 0.25);
    struct keep_out keep;

    find_keep_out(settings, index, camera, &keep);
    if (shutter)
        draw_shutter(&sheet, &keep, &rng);
    if (ruler)
        draw_ruler(&sheet, &keep, camera->pitch, &rng);
    if (lead)
        draw_lead(&sheet, &keep, camera->pitch, other, &rng);
    if (text)
        draw_text(&sheet, &keep, other, &rng);
}
