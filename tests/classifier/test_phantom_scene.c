/* What the phantom's scene holds, part by part, in nearly parallel rays: each bone and organ of the
 * neck lies where anatomy has it, and attenuates as it should. */
#include "phantom/head_parts.h"
#include "phantom/phantom_parts.h"
#include "phantom/spine.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIDE = 360, PATIENTS = 12, LEVELS = PHANTOM_T1 };

/* The middle of the image is the middle of C4, or the vertebra's that is seen from above. */
struct view {
    struct phantom_scene scene;
    double pitch;
    bool failed;
};

static struct view *view_of(const struct pose *pose, double pitch)
{
    struct view *view = calloc(1, sizeof *view);
    size_t pixels = (size_t)SIDE * SIDE;
    float *plane = calloc(3 * pixels, sizeof *plane);

    assert_true(view != NULL && plane != NULL);
    view->pitch = pitch;
    view->scene = (struct phantom_scene){.attenuation = plane,
                                         .sponge = plane + pixels,
                                         .soft = plane + 2 * pixels,
                                         .cell = 1.0,
                                         .failed = &view->failed,
                                         .camera = {.pose = *pose,
                                                    .distance = 1e5,
                                                    .pitch = pitch,
                                                    .middle_x = SIDE / 2,
                                                    .middle_y = SIDE / 2,
                                                    .rows = SIDE,
                                                    .cols = SIDE}};
    return view;
}

/* Right is the patient's front, down is caudal. */
static struct view *side_view(const struct phantom_anatomy *a, double pitch)
{
    struct pose pose = nn_pose_none();

    pose.at = nn_vec3_scale(a->level[4].body.at, -1);
    return view_of(&pose, pitch);
}

static struct view *from_the_side(const struct phantom_anatomy *a)
{
    return side_view(a, 1.0);
}

/* A vertebra along its own y: right is its front, down its left. */
static struct view *from_above(const struct phantom_anatomy *a, int level)
{
    static const int AXES[3] = {0, 2, 1};
    const struct pose *of = &a->level[level].body;
    struct pose pose = nn_pose_none();

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            pose.turn[i][j] = (i == 2 ? -1 : 1) * of->turn[j][AXES[i]];
    pose.at = nn_vec3_scale(nn_pose_apply(&pose, of->at), -1);
    return view_of(&pose, 0.4);
}

static void finish(struct view *view)
{
    free(view->scene.attenuation);
    free(view);
}

static double at(const struct view *view, const float *plane, double x, double y)
{
    int col = (int)floor(x / view->pitch + SIDE / 2), row = (int)floor(y / view->pitch + SIDE / 2);

    assert_true(col >= 0 && row >= 0 && col < SIDE && row < SIDE);
    return plane[row * SIDE + col];
}

/* Of a point of the patient, seen from the side. */
static double side_at(const struct view *view, struct vec3 p)
{
    const struct vec3 *off = &view->scene.camera.pose.at;

    return at(view, view->scene.attenuation, p.x + off->x, p.y + off->y);
}

/* What more (sign 1) or less (-1) than nothing was drawn, in the patient's axes. */
struct mass {
    double x, y, most;
    double front, back, top, bottom; /* where it is over a fifth of its most */
};

static struct mass mass_of(const struct view *view, int sign)
{
    struct mass m = {.front = -1e9, .back = 1e9, .top = 1e9, .bottom = -1e9};
    const float *plane = view->scene.attenuation;
    double sum = 0;

    for (int i = 0; i < SIDE * SIDE; i++)
        m.most = fmax(m.most, (double)sign * plane[i]);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double v = fmax((double)sign * plane[i], 0);
        double x = i % SIDE + 0.5 - SIDE / 2 - view->scene.camera.pose.at.x;
        double y = i / SIDE + 0.5 - SIDE / 2 - view->scene.camera.pose.at.y;

        sum += v;
        m.x += v * x;
        m.y += v * y;
        if (v < 0.2 * m.most)
            continue;
        m.front = fmax(m.front, x);
        m.back = fmin(m.back, x);
        m.top = fmin(m.top, y);
        m.bottom = fmax(m.bottom, y);
    }
    assert_false(view->failed);
    assert_true(sum > 0);
    m.x /= sum;
    m.y /= sum;
    return m;
}

static struct nn_phantom_settings settings_of(uint64_t index)
{
    return (struct nn_phantom_settings){.seed = 31,
                                        .rows = 64,
                                        .cols = 64,
                                        .prevalence = {0, 0, 1},
                                        .configuration = (int)(index % 2)};
}

static struct vec3 front_of(const struct phantom_anatomy *a, int level, double down)
{
    const struct phantom_level *l = &a->level[level];

    return nn_pose_apply(&l->body, (struct vec3){l->depth / 2, down, 0});
}

/* C3 to T1 from above: body, spinous process, pillars, transverse processes, and a canal between
 * them; sponge in the body's middle, none where cortex alone is. */
static void check_vertebra(const struct phantom_anatomy *a, int level)
{
    const struct phantom_level *l = &a->level[level];
    struct view *view = from_above(a, level);
    const float *bone = view->scene.attenuation, *sponge = view->scene.sponge;
    double s = a->scale, rear = -l->depth / 2 - l->canal, body;

    nn_phantom_draw_spine(&view->scene, a, NULL, level, level);
    assert_false(view->failed);
    body = at(view, bone, 0, 0);
    assert_true(body > 0.05 && at(view, sponge, 0, 0) > 0.1);
    /* cortex above and below, sponge between: less than all cortex, more than all sponge */
    assert_true(body < l->height * (PHANTOM_CORTEX - PHANTOM_SOFT));
    assert_true(body > 0.7 * l->height * (PHANTOM_SPONGE - PHANTOM_SOFT) * a->density);
    assert_true(at(view, bone, rear - 0.75 * l->spinous, 0) > 0.03);
    assert_true(fabs(at(view, bone, -l->depth / 2 - l->canal / 2, 0)) < 1e-6); /* canal */
    for (int side = -1; side <= 1; side += 2) {
        double x = nn_phantom_pillar_x(l, s), out = l->width / 2 + 3.2 * s + 4.1 * s;

        assert_true(at(view, bone, x, side * l->pillar) > 0.05);
        if (level >= PHANTOM_T1) {
            assert_true(at(view, bone, x - 6 * s, side * (l->pillar + 10 * s)) > 0.03);
            continue;
        }
        assert_true(at(view, bone, -0.5 * l->depth + 4.2 * s, side * out) > 0.02);
        assert_true(fabs(at(view, bone, -0.5 * l->depth + 4.2 * s, side * (out - 4.1 * s))) < 0.02);
        /* lamina: half way from the pillar to the spinous process */
        assert_true(at(view, bone, (x + rear) / 2, side * l->pillar / 2) > 0.02);
        /* pedicle: from the body to the pillar */
        assert_true(at(view, bone, -l->depth / 2 - 0.5 * s, side * 0.42 * l->width) > 0.03);
    }
    finish(view);
}

/* A ring with arches in front and behind round a hole; the dens stands in it, behind the front
 * arch. */
static void check_atlas_and_axis(const struct phantom_anatomy *a)
{
    const struct phantom_level *c1 = &a->level[1], *c2 = &a->level[2];
    struct view *ring = from_above(a, 1), *axis = from_the_side(a);
    const float *bone = ring->scene.attenuation;
    double rear = -c1->depth / 2 - c1->canal, front = c1->depth / 2 + a->interval;
    struct mass m;

    nn_phantom_draw_spine(&ring->scene, a, NULL, 1, 1);
    assert_false(ring->failed);
    assert_true(fabs(at(ring, bone, 0, 0)) < 1e-6); /* the dens's place */
    assert_true(fabs(at(ring, bone, rear / 2, 0)) < 1e-6);
    assert_true(at(ring, bone, front + 2.5 * a->scale, 0) > 0.05);
    assert_true(at(ring, bone, rear - 0.35 * c1->spinous, 0) > 0.02);
    for (int side = -1; side <= 1; side += 2)
        assert_true(at(ring, bone, -0.8 * a->scale, side * (c1->pillar + a->scale)) > 0.1);
    finish(ring);
    nn_phantom_draw_spine(&axis->scene, a, NULL, 2, 2);
    m = mass_of(axis, 1);
    assert_true(m.bottom > c2->body.at.y && side_at(axis, c2->body.at) > 0.1);
    assert_true(side_at(axis, c1->body.at) > 0.05); /* the dens */
    finish(axis);
}

static void vertebrae_have_all_their_parts(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < PATIENTS; i++) {
        struct nn_phantom_settings settings = settings_of(i);
        struct phantom_anatomy a;

        nn_phantom_anatomy(&settings, i, &a);
        check_atlas_and_axis(&a);
        for (int level = 3; level <= LEVELS; level++)
            check_vertebra(&a, level);
    }
}

/* Base, jaws, teeth: each alone. */
static void check_head(const struct nn_phantom_settings *settings, uint64_t index,
                       const struct phantom_anatomy *a)
{
    struct vec3 occiput = nn_pose_apply(&a->skull, (struct vec3){-60, -30, 0});
    struct vec3 nape = nn_pose_apply(&a->skull, (struct vec3){-60, 15, 0}), centre;
    struct view *base = from_the_side(a), *jaws = from_the_side(a), *teeth = from_the_side(a);
    struct phantom_dental dental;
    struct phantom_head head;
    struct mass m, jaw;

    nn_phantom_head(settings, index, a, &head);
    nn_phantom_dental(settings, index, 30, false, &dental);
    nn_phantom_draw_base(&base->scene, &head);
    m = mass_of(base, 1);
    centre = nn_pose_back(&a->skull, (struct vec3){m.x, m.y, 0});
    assert_true(fabs(centre.x) < 40 && centre.y < 0 && m.most > 0.5); /* petrous: dense */
    nn_phantom_draw_jaws(&jaws->scene, &head, &dental);
    jaw = mass_of(jaws, 1);
    centre = nn_pose_back(&a->skull, (struct vec3){jaw.x, jaw.y, 0});
    assert_true(centre.x > 25 && centre.x < 80 && centre.y > 0 && centre.y < 70);
    assert_true(jaw.bottom > a->level[1].body.at.y);
    nn_phantom_draw_teeth(&teeth->scene, &head, &dental);
    m = mass_of(teeth, 1);
    centre = nn_pose_back(&a->skull, (struct vec3){m.x, m.y, 0});
    assert_true(m.most > 0.4 && centre.x > 40 && centre.x < 100);
    assert_true(m.y < jaw.bottom && m.x > jaw.x);
    finish(base);
    finish(jaws);
    finish(teeth);
    base = from_the_side(a);
    nn_phantom_draw_head(&base->scene, settings, index, a);
    assert_true(side_at(base, occiput) > 0.2 && side_at(base, nape) == 0);
    finish(base);
}

/* Soft tissue: the airway in front of the prevertebral tissue, as thick as the patient has it;
 * shoulders over C7/T1; hyoid and larynx in front of the airway. */
static void check_neck(const struct nn_phantom_settings *settings, uint64_t index,
                       const struct phantom_anatomy *a)
{
    struct view *neck = from_the_side(a), *larynx = from_the_side(a);
    struct vec3 from = front_of(a, 3, 0),
                across = nn_pose_apply(&a->level[3].body, (struct vec3){1, 0, 0});
    double tissue, wall = -1;
    struct mass m;

    nn_phantom_draw_neck(&neck->scene, settings, index, a, a);
    across = nn_vec3_sub(across, a->level[3].body.at);
    tissue = side_at(neck, a->level[3].body.at);
    assert_true(tissue > 60 * PHANTOM_FAT && tissue < 220 * PHANTOM_SOFT);
    for (double t = 0; t < 25 && wall < 0; t += 0.25)
        if (side_at(neck, nn_vec3_add(from, nn_vec3_scale(across, t))) < tissue - 0.15)
            wall = t;
    assert_true(fabs(wall - a->level[3].prevertebral) < 2.5);
    assert_true(side_at(neck, a->level[PHANTOM_T1].body.at) > 1.15 * tissue);
    assert_true(side_at(neck, a->level[PHANTOM_T1 + 1].body.at) > 1.5 * tissue);
    nn_phantom_draw_larynx(&larynx->scene, settings, index, a);
    m = mass_of(larynx, 1);
    assert_true(m.top > front_of(a, 2, 0).y - 12 && m.top < front_of(a, 5, 0).y); /* hyoid */
    assert_true(m.x > front_of(a, 4, 0).x + 5 && m.bottom < a->level[PHANTOM_T1].body.at.y + 15);
    finish(neck);
    finish(larynx);
}

static void head_and_neck_lie_round_the_spine(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < PATIENTS; i++) {
        struct nn_phantom_settings settings = settings_of(i);
        struct phantom_anatomy a;

        nn_phantom_anatomy(&settings, i, &a);
        check_head(&settings, i, &a);
        check_neck(&settings, i, &a);
    }
}

/* T1's ribs at its level, lungs under them. */
static void the_chest_hangs_on_t1(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < PATIENTS; i++) {
        struct nn_phantom_settings settings = settings_of(i);
        struct phantom_anatomy a;
        struct view *view;
        struct mass rib, lung;

        nn_phantom_anatomy(&settings, i, &a);
        view = from_the_side(&a);
        nn_phantom_draw_thorax(&view->scene, &settings, i, &a);
        rib = mass_of(view, 1);
        lung = mass_of(view, -1);
        assert_true(rib.most > 0.1 && lung.most > 0.5);
        assert_true(fabs(rib.top - a.level[PHANTOM_T1].body.at.y) < 30);
        assert_true(rib.front > front_of(&a, PHANTOM_T1, 0).x);
        assert_true(lung.y > a.level[PHANTOM_T1].body.at.y);
        finish(view);
    }
}

enum { STEPS = 48 };

/* Attenuation from C2's middle up into the dens, a quarter of a millimetre a step. */
static void look_up_the_axis(const struct phantom_anatomy *a, double profile[STEPS])
{
    struct view *view = side_view(a, 0.25);

    nn_phantom_draw_spine(&view->scene, a, NULL, 2, 2);
    assert_false(view->failed);
    for (int i = 0; i < STEPS; i++)
        profile[i] =
            side_at(view, nn_pose_apply(&a->level[2].body, (struct vec3){0, -0.25 * i, 0}));
    finish(view);
}

/* Under 7 years the dens is not yet one with the body. */
static void young_children_have_a_synchondrosis(void **state)
{
    int seen = 0;

    (void)state;
    for (uint64_t i = 0; seen < PATIENTS; i++) {
        struct nn_phantom_settings settings = settings_of(i);
        double open[STEPS], closed[STEPS], most = 0;
        struct phantom_anatomy a;

        settings.subject = NN_PHANTOM_CHILD;
        nn_phantom_anatomy(&settings, i, &a);
        if (a.age >= 7)
            continue;
        seen++;
        look_up_the_axis(&a, open);
        a.age = 7; /* the same bones */
        look_up_the_axis(&a, closed);
        for (int k = 0; k < STEPS; k++)
            most = fmax(most, closed[k] - open[k]);
        assert_true(most > 0.08);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vertebrae_have_all_their_parts),
        cmocka_unit_test(head_and_neck_lie_round_the_spine),
        cmocka_unit_test(the_chest_hangs_on_t1),
        cmocka_unit_test(young_children_have_a_synchondrosis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
