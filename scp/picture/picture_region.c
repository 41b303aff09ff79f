/* picture_region.c: the outline of the most salient region.
 *
 * The cells of the map at or above the threshold that touch by a side form regions; the one whose
 * sum is the largest is walked around along the edges between its cells and others. Each edge gives
 * one point, on the line from its inner to its outer cell where the map, taken as linear between
 * them, crosses the threshold: the same line at which the overlay's colour begins. These points,
 * joined in order, are marching squares with diagonal neighbours apart: they never cross
 * themselves. What the room cannot hold is simplified after Douglas and Peucker, a little more at a
 * time. */
#include "picture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 0.15 /* pixels of the map: what simplifying may always take */

struct point {
    double x, y; /* of the map: the middle of the first cell is 0.5, 0.5 */
};

struct field {
    const float *map;
    int side;
    float threshold;
    int left, top, right, bottom; /* the cells that show the plane; padding lies outside */
    int *region;                  /* (side, side): 0 below the threshold, else a number */
};

static size_t at(const struct field *f, int x, int y)
{
    return (size_t)y * (size_t)f->side + (size_t)x;
}

static bool is_in(const struct field *f, int x, int y, int region)
{
    return x >= 0 && y >= 0 && x < f->side && y < f->side && f->region[at(f, x, y)] == region;
}

/* ---- the region ---- */

/* Numbers the region around (x, y); its sum. stack: as many places as the map has cells. */
static double grow(struct field *f, int x, int y, int number, int *stack)
{
    size_t depth = 0;
    double sum = 0;
    f->region[at(f, x, y)] = number;
    stack[depth++] = (int)at(f, x, y);
    while (depth > 0) {
        int cell = stack[--depth], cx = cell % f->side, cy = cell / f->side;
        const int next[4][2] = {{cx, cy - 1}, {cx + 1, cy}, {cx, cy + 1}, {cx - 1, cy}};
        sum += (double)f->map[cell];
        for (int i = 0; i < 4; i++) {
            if (!is_in(f, next[i][0], next[i][1], -1))
                continue;
            f->region[at(f, next[i][0], next[i][1])] = number;
            stack[depth++] = (int)at(f, next[i][0], next[i][1]);
        }
    }
    return sum;
}

/* The number of the region with the largest sum, the first of equal ones, and its first cell; 0:
 * there is none. */
static int largest(struct field *f, int *stack, int *first_x, int *first_y)
{
    int best = 0, number = 0;
    double most = 0;
    for (int y = 0; y < f->side; y++)
        for (int x = 0; x < f->side; x++) {
            bool shown = x >= f->left && x < f->right && y >= f->top && y < f->bottom;
            f->region[at(f, x, y)] = shown && f->map[at(f, x, y)] >= f->threshold ? -1 : 0;
        }
    for (int y = f->top; y < f->bottom; y++)
        for (int x = f->left; x < f->right; x++) {
            if (f->region[at(f, x, y)] != -1)
                continue;
            double sum = grow(f, x, y, ++number, stack);
            if (best != 0 && !(sum > most))
                continue;
            most = sum;
            best = number;
            *first_x = x;
            *first_y = y;
        }
    return best;
}

/* ---- its outline ---- */

/* Where the threshold is crossed from the inner cell towards the outer one. */
static struct point crossing(const struct field *f, int x, int y, int out_x, int out_y)
{
    double t = 0.5;
    if (out_x >= f->left && out_y >= f->top && out_x < f->right && out_y < f->bottom) {
        double in = (double)f->map[at(f, x, y)], out = (double)f->map[at(f, out_x, out_y)];
        t = in > out ? (in - (double)f->threshold) / (in - out) : 0.5;
    }
    return (struct point){x + 0.5 + t * (out_x - x), y + 0.5 + t * (out_y - y)};
}

/* Walks around the region clockwise, its cells on the right hand, from above its first cell. An
 * edge is a cell and a direction in which the cell lacks a neighbour: 0 up, 1 right, 2 down, 3
 * left. Returns how many points there are; `points` NULL counts. */
static size_t walk(const struct field *f, int region, int first_x, int first_y,
                   struct point *points)
{
    static const int step[4][2] = {{0, -1}, {1, 0}, {0, 1}, {-1, 0}};
    int x = first_x, y = first_y, out = 0;
    size_t count = 0;
    do {
        if (points)
            points[count] = crossing(f, x, y, x + step[out][0], y + step[out][1]);
        count++;
        const int *ahead = step[(out + 1) % 4], *side = step[out];
        if (!is_in(f, x + ahead[0], y + ahead[1], region)) {
            out = (out + 1) % 4; /* around the cell's own corner */
        } else if (!is_in(f, x + ahead[0] + side[0], y + ahead[1] + side[1], region)) {
            x += ahead[0]; /* straight on */
            y += ahead[1];
        } else { /* into the notch */
            x += ahead[0] + side[0];
            y += ahead[1] + side[1];
            out = (out + 3) % 4;
        }
    } while (x != first_x || y != first_y || out != 0);
    return count;
}

/* ---- fewer points ---- */

static double distance(struct point p, struct point a, struct point b)
{
    double dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
    double t = square > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / square : 0;
    t = fmin(fmax(t, 0), 1);
    return hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/* Marks what is kept of first..last (both kept) within the tolerance. stack: two numbers a point.
 */
static void keep_between(const struct point *points, size_t first, size_t last, double tolerance,
                         bool *keep, size_t *stack)
{
    size_t depth = 0;
    stack[depth++] = first;
    stack[depth++] = last;
    while (depth > 0) {
        size_t end = stack[--depth], begin = stack[--depth], far = begin;
        double most = tolerance;
        for (size_t i = begin + 1; i < end; i++) {
            double away = distance(points[i], points[begin], points[end]);
            if (away > most) {
                most = away;
                far = i;
            }
        }
        if (far == begin)
            continue;
        keep[far] = true;
        stack[depth++] = begin;
        stack[depth++] = far;
        stack[depth++] = far;
        stack[depth++] = end;
    }
}

static size_t farthest_from(const struct point *points, size_t count, size_t far)
{
    size_t best = far;
    double most = 0;
    for (size_t i = 1; i < count; i++) {
        double away = distance(points[i], points[0], points[far]);
        if (away > most) {
            most = away;
            best = i;
        }
    }
    return best;
}

/* points[count] is points[0] again. Leaves at most `most` of them, in place; returns how many. */
static size_t simplify(struct point *points, size_t count, size_t most, bool *keep, size_t *stack)
{
    size_t far = 0, left = count;
    for (size_t i = 1; i < count; i++)
        if (hypot(points[i].x - points[0].x, points[i].y - points[0].y) >
            hypot(points[far].x - points[0].x, points[far].y - points[0].y))
            far = i;
    for (double tolerance = TOLERANCE; far > 0; tolerance *= 1.25) {
        memset(keep, 0, (count + 1) * sizeof *keep);
        keep[0] = keep[far] = true;
        keep_between(points, 0, far, tolerance, keep, stack);
        keep_between(points, far, count, tolerance, keep, stack);
        left = 0;
        for (size_t i = 0; i < count; i++)
            left += keep[i];
        if (left <= most)
            break;
    }
    if (far > 0 && left < 3) /* a line: what lies farthest from it makes it a triangle */
        keep[farthest_from(points, count, far)] = true;
    size_t to = 0;
    for (size_t i = 0; i < count && far > 0; i++)
        if (keep[i])
            points[to++] = points[i];
    return to;
}

/* ---- into the plane ---- */

struct fitting {
    double left, top, width, height; /* of the map, in the plane's pixels */
    struct nn_box box;
};

static struct fitting fitting_of(enum nn_fit fit, struct nn_box box, int rows, int cols)
{
    if (box.x1 <= box.x0 || box.y1 <= box.y0)
        box = (struct nn_box){0, 0, cols, rows};
    struct fitting f = {box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0, box};
    if (fit == NN_FIT_PAD) {
        double square = fmax(f.width, f.height);
        f.left -= (square - f.width) / 2;
        f.top -= (square - f.height) / 2;
        f.width = f.height = square;
    }
    return f;
}

/* The cells whose middles lie in the plane. */
static void find_shown(struct field *f, const struct fitting *fit)
{
    double across = f->side / fit->width, down = f->side / fit->height;
    f->left = (int)ceil((fit->box.x0 - fit->left) * across - 0.5);
    f->right = (int)floor((fit->box.x1 - fit->left) * across + 0.5);
    f->top = (int)ceil((fit->box.y0 - fit->top) * down - 0.5);
    f->bottom = (int)floor((fit->box.y1 - fit->top) * down + 0.5);
    f->left = f->left < 0 ? 0 : f->left;
    f->top = f->top < 0 ? 0 : f->top;
    f->right = f->right > f->side ? f->side : f->right;
    f->bottom = f->bottom > f->side ? f->side : f->bottom;
}

static size_t put(const struct point *from, size_t count, const struct fitting *fit, int side,
                  float *points)
{
    if (count < 3)
        return 0;
    for (size_t i = 0; i <= count; i++) {
        struct point p = from[i % count];
        double x = fit->left + p.x / side * fit->width, y = fit->top + p.y / side * fit->height;
        points[2 * i] = (float)fmin(fmax(x, fit->box.x0), fit->box.x1);
        points[2 * i + 1] = (float)fmin(fmax(y, fit->box.y0), fit->box.y1);
    }
    return count + 1;
}

size_t picture_region(const float *map, int side, enum nn_fit fit, struct nn_box box, int rows,
                      int cols, float threshold, float *points, size_t room)
{
    struct field f = {.map = map, .side = side, .threshold = threshold};
    struct fitting fitting = fitting_of(fit, box, rows, cols);
    size_t cells = (size_t)side * (size_t)side, count = 0;
    int x = 0, y = 0, *stack = NULL;
    struct point *outline = NULL;
    bool *keep = NULL;
    size_t *ends = NULL;

    if (room < 4 || side < 1 || !(threshold > 0))
        return 0;
    find_shown(&f, &fitting);
    f.region = malloc(cells * sizeof *f.region);
    stack = malloc(cells * sizeof *stack);
    int region = f.region && stack ? largest(&f, stack, &x, &y) : 0;
    if (region == 0)
        goto out;
    count = walk(&f, region, x, y, NULL);
    outline = malloc((count + 1) * sizeof *outline);
    keep = malloc((count + 1) * sizeof *keep);
    ends = malloc((4 * count + 8) * sizeof *ends);
    if (outline && keep && ends) {
        walk(&f, region, x, y, outline);
        outline[count] = outline[0];
        count =
            put(outline, simplify(outline, count, room - 1, keep, ends), &fitting, side, points);
    } else {
        count = 0;
    }
out:
    free(f.region);
    free(stack);
    free(outline);
    free(keep);
    free(ends);
    return count;
}
