/* The technologist's letters on laterals, read back from the plane: L and R, each on either side's
 * laterals, so that half of them are wrong, and some mirrored. A letter alone is told by its shape:
 * an L has no hole and fills its box's foot and one of its sides; an R has a hole and its bowl on
 * top. */
#include "phantom/phantom_parts.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 400, COLS = 360, PIXELS = ROWS * COLS, IMAGES = 1200 };
#define GROUND 0.25f
#define INK    0.6f

struct box {
    int left, right, top, bottom, pixels;
};

static int stack[PIXELS];

/* The connected part (eight neighbours) of pixels that are ink, or are not, from `start` on; marks
 * it seen. */
static struct box flood(const float *plane, bool *seen, int start, bool ink)
{
    struct box box = {COLS, -1, ROWS, -1, 0};
    int depth = 0;

    stack[depth++] = start;
    seen[start] = true;
    while (depth > 0) {
        int p = stack[--depth], row = p / COLS, col = p % COLS;

        box.pixels++;
        box.left = col < box.left ? col : box.left;
        box.right = col > box.right ? col : box.right;
        box.top = row < box.top ? row : box.top;
        box.bottom = row > box.bottom ? row : box.bottom;
        for (int k = 0; k < 9; k++) {
            int r = row + k / 3 - 1, c = col + k % 3 - 1, q = r * COLS + c;

            /* what is not ink joins at its sides only, or it would leak between two strokes */
            if (r < 0 || c < 0 || r >= ROWS || c >= COLS || (!ink && k % 2 == 0) || seen[q] ||
                (plane[q] > INK) != ink)
                continue;
            seen[q] = true;
            stack[depth++] = q;
        }
    }
    return box;
}

/* Share of ink along a box's outermost two rows or columns. */
static double filled(const float *plane, int left, int right, int top, int bottom)
{
    int ink = 0;

    for (int r = top; r <= bottom; r++)
        for (int c = left; c <= right; c++)
            ink += plane[r * COLS + c] > INK;
    return (double)ink / ((right - left + 1) * (bottom - top + 1));
}

enum letter { NEITHER, L, L_MIRRORED, R, R_MIRRORED };

static enum letter letter_in(const float *plane, bool *seen, const struct box *box)
{
    int wide = box->right - box->left + 1, tall = box->bottom - box->top + 1, holes = 0, third;
    double left, right, foot, head;

    if (tall < 16 || wide < tall / 3 || wide > tall || tall > ROWS / 6)
        return NEITHER;
    third = tall / 3;
    for (int r = box->top; r <= box->bottom; r++)
        for (int c = box->left; c <= box->right; c++)
            if (!seen[r * COLS + c] && plane[r * COLS + c] <= INK)
                holes += flood(plane, seen, r * COLS + c, false).pixels > 4;
    left = filled(plane, box->left, box->left + wide / 4, box->top, box->bottom);
    right = filled(plane, box->right - wide / 4, box->right, box->top, box->bottom);
    foot = filled(plane, box->left, box->right, box->bottom - tall / 8, box->bottom);
    head = filled(plane, box->left, box->right, box->top, box->top + third);
    if (holes == 0 && foot > 0.5 && head < 0.4 && fmax(left, right) > 1.8 * fmin(left, right))
        return left > right ? L : L_MIRRORED;
    if (holes == 1 && head > 0.4 && fmax(left, right) > 1.2 * fmin(left, right))
        return left > right ? R : R_MIRRORED;
    return NEITHER;
}

/* The largest part of ink, when it is the only large one: a letter without words. */
static enum letter read_letter(const float *plane)
{
    static bool seen[PIXELS];
    struct box best = {0};
    int large = 0;

    memset(seen, 0, sizeof seen);
    for (int p = 0; p < PIXELS; p++)
        if (plane[p] > INK && !seen[p]) {
            struct box box = flood(plane, seen, p, true);

            large += box.bottom - box.top >= 8;
            best = box.pixels > best.pixels ? box : best;
        }
    if (large != 1)
        return NEITHER;
    memset(seen, 0, sizeof seen);
    for (int p = 0; p < PIXELS; p += PIXELS - 1) /* the ground: from two of its corners */
        if (plane[p] <= INK && !seen[p])
            flood(plane, seen, p, false);
    return letter_in(plane, seen, &best);
}

static void letters_are_right_wrong_and_mirrored(void **state)
{
    static float plane[PIXELS];
    int count[R_MIRRORED + 1][2] = {{0}};

    (void)state;
    for (uint64_t i = 0; i < IMAGES; i++) {
        struct nn_phantom_settings settings = {
            .seed = 5, .rows = ROWS, .cols = COLS, .prevalence = {0, 0, 1}};
        struct nn_phantom_truth truth;
        struct phantom_anatomy anatomy;
        struct nn_camera camera;

        nn_phantom_anatomy(&settings, i, &anatomy);
        nn_phantom_view(&settings, i, &anatomy, &camera);
        nn_phantom_truth(&settings, i, &truth);
        for (int p = 0; p < PIXELS; p++)
            plane[p] = GROUND;
        nn_phantom_mark(&settings, i, &camera, plane);
        count[read_letter(plane)][truth.facing_left]++;
    }
    for (int letter = L; letter <= R_MIRRORED; letter++)
        print_message("%s%s: %d on laterals facing right, %d facing left\n",
                      letter <= L_MIRRORED ? "L" : "R",
                      letter == L_MIRRORED || letter == R_MIRRORED ? ", mirrored" : "",
                      count[letter][0], count[letter][1]);
    for (int facing = 0; facing < 2; facing++) {
        int plain = count[L][facing] + count[R][facing];
        int turned = count[L_MIRRORED][facing] + count[R_MIRRORED][facing];

        assert_true(count[L][facing] > 10 && count[R][facing] > 10);
        assert_true(count[L_MIRRORED][facing] > 2 && count[R_MIRRORED][facing] > 2);
        /* a quarter */
        assert_true(turned > 0.12 * (plain + turned) && turned < 0.4 * (plain + turned));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(letters_are_right_wrong_and_mirrored)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
