/* An injury's measures as they are drawn: the injured vertebra alone, in nearly parallel rays along
 * its own axes, beside itself without the measure. */
#include "phantom/phantom.h"
#include "phantom/phantom_parts.h"
#include "phantom/spine.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIDE  600
#define PITCH 0.2  /* mm */
#define BONE  0.02 /* of attenuation: seen */
#define EACH  6    /* injuries of a kind */

enum look { LATERAL, FROM_ABOVE };

/* One vertebra's attenuation; right is the front, down is caudal (from above: the left). */
struct view {
    float *plane;
};

static struct view drawn(const struct phantom_anatomy *anatomy, const struct phantom_injury *injury,
                         enum look look)
{
    static const int AXES[2][3] = {{0, 1, 2}, {0, 2, 1}};
    const struct pose *of = &anatomy->level[injury->level].body;
    struct phantom_scene scene = {.cell = 0.6, .failed = &(bool){false}};
    struct nn_camera *camera = &scene.camera;
    struct view view = {calloc((size_t)3 * SIDE * SIDE, sizeof(float))};
    struct pose turn = {.at = {0, 0, 0}};

    assert_non_null(view.plane);
    scene.attenuation = view.plane;
    scene.sponge = view.plane + SIDE * SIDE;
    scene.soft = view.plane + 2 * SIDE * SIDE;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            turn.turn[i][j] = (look == FROM_ABOVE && i == 2 ? -1 : 1) * of->turn[j][AXES[look][i]];
    turn.at = nn_vec3_scale(nn_pose_apply(&turn, of->at), -1);
    *camera = (struct nn_camera){.pose = turn,
                                 .distance = 1e5,
                                 .pitch = PITCH,
                                 .middle_x = 0.7 * SIDE,
                                 .middle_y = 0.5 * SIDE,
                                 .rows = SIDE,
                                 .cols = SIDE};
    nn_phantom_draw_spine(&scene, anatomy, injury, injury->level, injury->level);
    assert_false(*scene.failed);
    return view;
}

static bool bone(const struct view *view, double x, double y)
{
    int col = (int)(x / PITCH + 0.7 * SIDE), row = (int)(y / PITCH + 0.5 * SIDE);

    return col >= 0 && col < SIDE && row >= 0 && row < SIDE && view->plane[row * SIDE + col] > BONE;
}

/* The furthest bone (mm) from (x, y) on, by steps of half a pixel along (dx, dy), up to `far`. */
static double edge(const struct view *view, double x, double y, double dx, double dy, double far)
{
    double last = -1;

    for (double t = 0; t < far; t += PITCH / 2)
        if (bone(view, x + t * dx, y + t * dy))
            last = t;
    assert_true(last >= 0);
    return last;
}

/* From bone along (dx, dy): where the first bone ends. */
static double solid(const struct view *view, double x, double y, double dx, double dy)
{
    double t = 0;

    while (bone(view, x + t * dx, y + t * dy))
        t += PITCH / 2;
    return t;
}

static void bare(struct phantom_anatomy *anatomy)
{
    for (int i = 1; i <= PHANTOM_LAST; i++) {
        struct phantom_level *level = &anatomy->level[i];

        level->spur_upper = level->spur_lower = level->rear_spur = 0;
        level->fused = level->ossicle = false;
    }
}

/* The furthest edge of bone among lines from (x, y), (x, y + 0.4) ... `height` mm down. */
static double furthest(const struct view *view, double x, double y, double height, double dx,
                       double far)
{
    double most = -1;

    for (double down = 0; down < height; down += 0.4)
        if (bone(view, x, y + down))
            most = fmax(most, edge(view, x, y + down, dx, 0, far));
    assert_true(most >= 0);
    return most;
}

static void check_height(const struct phantom_anatomy *a, const struct phantom_injury *injury)
{
    const struct phantom_level *level = &a->level[injury->level];
    struct phantom_injury whole = *injury, low = *injury;
    double x = 0.4 * level->depth, lost, from, wedge, behind;
    struct view hurt, sound;

    whole.height_loss = whole.gap = low.gap = 0;
    hurt = drawn(a, &low, LATERAL);
    sound = drawn(a, &whole, LATERAL);
    from = 0.3 * level->height; /* in the body's lower half, which stays */
    lost = edge(&sound, x, from, 0, -1, 20) - edge(&hurt, x, from, 0, -1, 20);
    wedge = injury->height_loss / 100 * level->height;
    behind = injury->kind == PHANTOM_BURST ? 0.5 * wedge : 0; /* the rear wall's share */
    if (fabs(lost - (behind + 0.9 * (wedge - behind))) > 0.5)
        fail_msg("kind %d: %.2f mm lost of %.2f", injury->kind, lost, wedge);
    free(hurt.plane);
    free(sound.plane);
}

/* The gap of a burst body: from above it is longer, and its rear wall stands in the canal. */
static void check_burst(const struct phantom_anatomy *a, const struct phantom_injury *injury)
{
    struct phantom_injury whole = *injury;
    struct view hurt, sound;
    double rear;

    whole.gap = 0;
    hurt = drawn(a, injury, FROM_ABOVE);
    sound = drawn(a, &whole, FROM_ABOVE);
    double front = edge(&hurt, 0, 0, 1, 0, 25) - edge(&sound, 0, 0, 1, 0, 25);
    double half = a->level[injury->level].depth / 4;
    rear = solid(&hurt, -half, 0, -1, 0) - solid(&sound, -half, 0, -1, 0);
    if (fabs(front + rear - injury->gap) > 0.2 * injury->gap + 0.3)
        fail_msg("burst: %.2f in front and %.2f behind of %.2f mm", front, rear, injury->gap);
    free(hurt.plane);
    free(sound.plane);
}

/* The outermost bone where only the fragment is: of a teardrop the corner below in front, of a
 * facet its tip above, behind the body, else the end of the atlas's arch. */
static double outermost(const struct view *view, const struct phantom_level *level,
                        enum phantom_kind kind)
{
    double rear = -level->depth / 2 - level->canal, most = 0;

    if (kind == PHANTOM_EXTENSION_TEARDROP || kind == PHANTOM_FLEXION_TEARDROP)
        return furthest(view, 0, 0.3 * level->height, 0.3 * level->height, 1, level->depth + 10);
    if (kind == PHANTOM_FACET) {
        double x = -level->depth / 2 - 3, y = (level->facet_upper + level->facet_lower) / 2;

        for (double back = 0; back < 6; back += 0.4)
            most = fmax(most, edge(view, x - back, y, 0, -1, 25));
        return most;
    }
    for (double y = -20; y < 20; y += 0.4)
        for (double t = level->spinous + 20; t > most; t -= PITCH)
            if (bone(view, rear - t, y))
                most = t;
    return most;
}

/* It moves by `least` to `most` of the gap. */
static void check_fragment(const struct phantom_anatomy *a, const struct phantom_injury *injury,
                           double least, double most)
{
    const struct phantom_level *level = &a->level[injury->level];
    struct phantom_injury whole = *injury;
    struct view hurt, sound;
    double moved;

    whole.gap = 0;
    hurt = drawn(a, injury, LATERAL);
    sound = drawn(a, &whole, LATERAL);
    moved = outermost(&hurt, level, injury->kind) - outermost(&sound, level, injury->kind);
    if (moved < least * injury->gap - 0.4 || moved > most * injury->gap + 0.4)
        fail_msg("kind %d, level %d: moved %.2f of %.2f mm", injury->kind, injury->level, moved,
                 injury->gap);
    free(hurt.plane);
    free(sound.plane);
}

/* The process ends where it broke, and begins again: nothing lies over it in a lateral. The break
 * is uneven: the mean of five lines. */
static void check_spinous(const struct phantom_anatomy *a, const struct phantom_injury *injury)
{
    const struct phantom_level *level = &a->level[injury->level];
    struct view hurt = drawn(a, injury, LATERAL);
    struct vec3 at, back;
    double gap = 0;

    nn_phantom_spinous_break(level, injury, &at, &back);
    for (int i = -2; i <= 2; i++) {
        double x = at.x - 2 * back.x + 0.5 * i * back.y, y = at.y - 2 * back.y - 0.5 * i * back.x;
        double ends = solid(&hurt, x, y, back.x, back.y), begins = ends;

        while (begins < 15 && !bone(&hurt, x + begins * back.x, y + begins * back.y))
            begins += PITCH / 2;
        gap += (begins - ends) / 5;
    }
    if (fabs(gap - 0.93 * injury->gap) > 0.15 * injury->gap + 0.6)
        fail_msg("spinous, level %d: %.2f of %.2f mm", injury->level, gap, injury->gap);
    free(hurt.plane);
}

static void check(const struct phantom_anatomy *a, const struct phantom_injury *injury)
{
    switch (injury->kind) {
    case PHANTOM_WEDGE:
        check_height(a, injury);
        break;
    case PHANTOM_BURST:
        check_height(a, injury);
        check_burst(a, injury);
        break;
    case PHANTOM_FLEXION_TEARDROP:
    case PHANTOM_EXTENSION_TEARDROP: /* goes forward and down */
        check_fragment(a, injury, 0.45, 0.95);
        break;
    case PHANTOM_SPINOUS:
        check_spinous(a, injury);
        break;
    case PHANTOM_FACET: /* up and forward, turned about its foot */
        check_fragment(a, injury, 0.8, 1.5);
        break;
    default: /* Jefferson's: back */
        check_fragment(a, injury, 0.85, 1.1);
        break;
    }
}

static void measures_are_drawn(void **state)
{
    static const enum phantom_kind KINDS[] = {
        PHANTOM_WEDGE, PHANTOM_BURST,     PHANTOM_SPINOUS,         PHANTOM_EXTENSION_TEARDROP,
        PHANTOM_FACET, PHANTOM_JEFFERSON, PHANTOM_FLEXION_TEARDROP};
    const struct nn_phantom_settings settings = {.seed = 21, .rows = 64, .cols = 64};
    int seen[PHANTOM_KINDS] = {0};

    (void)state;
    for (uint64_t i = 0; i < 1500; i++) {
        struct phantom_anatomy a;
        struct phantom_injury injury;
        bool wanted = false;

        nn_phantom_anatomy(&settings, i, &a);
        nn_phantom_injury(&settings, i, NN_PHANTOM_FRACTURE, &a, &injury);
        for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++)
            wanted = wanted || (injury.kind == KINDS[k] && seen[injury.kind] < EACH);
        if (!wanted)
            continue;
        seen[injury.kind]++;
        bare(&a);
        check(&a, &injury);
    }
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++)
        assert_int_equal(seen[KINDS[k]], EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(measures_are_drawn)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
