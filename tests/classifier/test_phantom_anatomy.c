/* The phantom's spine: sizes and curves in published ranges; injuries' measures as the poses have
 * them; what an injury leaves alone. */
#include "phantom/phantom.h"
#include "phantom/phantom_parts.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATIENTS 1500

static struct nn_phantom_settings settings_of(int configuration)
{
    return (struct nn_phantom_settings){.seed = 5,
                                        .rows = 64,
                                        .cols = 64,
                                        .prevalence = {0.4, 0.4, 0.2},
                                        .configuration = configuration};
}

static double flexion(const struct pose *pose)
{
    return atan2(pose->turn[1][0], pose->turn[0][0]) / PHANTOM_DEGREE;
}

/* The upper vertebra's lower end-plate's middle, as the lower vertebra sees it. */
static struct vec3 foot(const struct phantom_anatomy *anatomy, int level)
{
    const struct phantom_level *upper = &anatomy->level[level];
    struct vec3 at = nn_pose_apply(&upper->body, (struct vec3){0, upper->height / 2, 0});

    return nn_pose_back(&anatomy->level[level + 1].body, at);
}

static void adults_are_in_published_ranges(void **state)
{
    (void)state;
    for (int configuration = 0; configuration < 2; configuration++) {
        struct nn_phantom_settings settings = settings_of(configuration);
        double lordosis = 0, square = 0;

        for (uint64_t i = 0; i < PATIENTS; i++) {
            struct phantom_anatomy a;
            double bend;

            nn_phantom_anatomy(&settings, i, &a);
            assert_true(a.age >= 18 && a.age <= 92 && !a.child);
            assert_true(a.interval > 0.5 && a.interval < 3.0);
            bend = flexion(&a.level[7].body) - flexion(&a.level[2].body);
            assert_true(bend > -45 && bend < 65);
            lordosis += bend / PATIENTS;
            square += bend * bend / PATIENTS;
            for (int k = 2; k < 7; k++) {
                struct vec3 p = foot(&a, k);

                assert_true(fabs(p.x) < 3.0); /* listhesis, and the disc's lean */
                assert_true(a.level[k].cortex > 0.25 && a.level[k].cortex < 1.3);
                assert_true(a.level[k].depth > 11 && a.level[k].depth < 23);
                assert_true(a.level[k].facet_lower > a.level[k].facet_upper + 5);
            }
        }
        assert_true(lordosis > 3 && lordosis < 24);
        assert_true(sqrt(square - lordosis * lordosis) > 8);
    }
}

static void facets_are_parallel_and_a_little_apart(void **state)
{
    struct nn_phantom_settings settings = settings_of(0);

    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        struct phantom_anatomy a;

        nn_phantom_anatomy(&settings, i, &a);
        for (int k = 3; k < 7; k++) {
            const struct phantom_level *up = &a.level[k], *down = &a.level[k + 1];
            struct vec3 p = {-up->depth / 2 - 4.3 * a.scale, up->facet_lower, 0}, q;
            double x = -down->depth / 2 - 4.3 * a.scale, apart;

            if (up->fused)
                continue;
            q = nn_pose_back(&down->body, nn_pose_apply(&up->body, p));
            apart = -sin(down->slope_upper) * (q.x - x) -
                    cos(down->slope_upper) * (q.y - down->facet_upper);
            assert_true(apart > 0.5 && apart < 2.8);
        }
    }
}

/* How far level k stands forward on the one below; its disc rises between the two end-plates. */
static double slip_of(const struct phantom_anatomy *a, int k)
{
    const struct pose *upper = &a->level[k].body, *lower = &a->level[k + 1].body;
    struct vec3 at = nn_pose_back(lower, upper->at);
    struct vec3 up = nn_pose_back(lower, nn_pose_apply(upper, (struct vec3){0, -1, 0}));
    struct vec3 rise = nn_vec3_add(nn_vec3_sub(up, at), (struct vec3){0, -1, 0});

    return foot(a, k).x - a->level[k].disc * rise.x / nn_vec3_length(rise);
}

static bool told(const char *variant, const char *word)
{
    return strstr(variant, word) != NULL;
}

static void variants_tell_the_spine(void **state)
{
    int listhesis = 0, narrow = 0, spurs = 0, porous = 0, blocks = 0;

    (void)state;
    for (uint64_t i = 0; i < 2 * PATIENTS; i++) {
        struct nn_phantom_settings settings = settings_of(i % 2);
        char variant[NN_PHANTOM_VARIANT] = "", block[32] = "block C";
        double least = 99, tallest = 0, spur = 0, slip = 0;
        struct phantom_anatomy a;

        nn_phantom_anatomy(&settings, i, &a);
        nn_phantom_tell_wear(&a, variant);
        for (int k = 2; k < 8; k++) {
            const struct phantom_level *level = &a.level[k];
            struct vec3 lower = {slip_of(&a, k), -a.level[k + 1].height / 2, 0};
            /* T1 hangs under C7, the others stand */
            double disc = k == 7 ? level->disc : nn_vec3_length(nn_vec3_sub(foot(&a, k), lower));

            spur = fmax(spur, fmax(level->spur_upper, fmax(level->spur_lower, level->rear_spur)));
            slip = fmax(slip, k < 7 ? fabs(slip_of(&a, k)) : 0);
            least = level->fused ? least : fmin(least, disc);
            tallest = level->fused ? tallest : fmax(tallest, disc);
            if (level->fused)
                snprintf(block, sizeof block, "block C%d/%d", k, k + 1);
        }
        assert_int_equal(told(variant, block), block[7] != 0);
        assert_int_equal(told(variant, "osteophytes"), spur > 2);
        assert_int_equal(told(variant, "osteopenia"), a.density < 0.75);
        assert_true(!told(variant, "listhesis") || (slip > 0.79 && slip < 1.91 && a.age > 32));
        if (fabs(least / tallest - 0.6) > 1e-6)
            assert_int_equal(told(variant, "narrow disc"), least < 0.6 * tallest);
        blocks += told(variant, "block C");
        spurs += told(variant, "osteophytes");
        porous += told(variant, "osteopenia");
        narrow += told(variant, "narrow disc");
        listhesis += told(variant, "listhesis");
    }
    print_message("of %d: blocks %d, osteophytes %d, osteopenia %d, narrow disc %d, listhesis %d\n",
                  2 * PATIENTS, blocks, spurs, porous, narrow, listhesis);
    assert_true(blocks > 20 && spurs > 100 && porous > 100 && narrow > 100 && listhesis > 100);
}

/* Every word at once fits. */
static void no_word_is_left_out(void **state)
{
    static const char *const WORDS[] = {
        "block C2/3",      "osteophytes", "narrow disc", "osteopenia", "listhesis", "collar",
        "tracheal tube",   "pillow",      "necklace",    "earrings",   "hair clip", "glasses",
        "leads",           "snaps",       "implant",     "bridge",     "crowns",    "fillings",
        "disc prosthesis", "laminectomy", "rods",        "staples"};
    char variant[NN_PHANTOM_VARIANT] = "";
    size_t length = 0;

    (void)state;
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        nn_phantom_add_word(variant, WORDS[i]);
        length += strlen(WORDS[i]) + (i > 0 ? 2 : 0);
        assert_int_equal(strlen(variant), length);
    }
    for (int i = 0; i < 30; i++) /* more than that: cut, never beyond */
        nn_phantom_add_word(variant, "laminectomy");
    assert_int_equal(strlen(variant), NN_PHANTOM_VARIANT - 1);
}

/* Tells whether the injury is of a joint between `level` and the one below, moved as one. */
static bool is_slip(const struct phantom_injury *injury)
{
    return injury->kind == PHANTOM_BILATERAL || injury->kind == PHANTOM_UNILATERAL ||
           injury->kind == PHANTOM_PERCHED || injury->kind == PHANTOM_FLEXION_TEARDROP ||
           injury->kind == PHANTOM_EXTENSION_TEARDROP || injury->kind == PHANTOM_FACET;
}

/* What the injury moved, at `p` of the axis, as the axis lay. */
static struct vec3 parted(const struct phantom_anatomy *before, const struct pose *pose,
                          struct vec3 p)
{
    return nn_vec3_sub(nn_pose_back(&before->level[2].body, nn_pose_apply(pose, p)), p);
}

static void check_high(const struct phantom_injury *injury, const struct phantom_anatomy *before,
                       const struct phantom_anatomy *after)
{
    const struct phantom_level *axis = &before->level[2];
    double base = -axis->height / 2, scale = before->scale;
    struct vec3 tip = {0, base - 12 * scale, 0}, body = {0, base, 0}, foot_ = {0, -base, 0}, moved;
    struct vec3 basion = {-4 * scale, 7 * scale, 0};

    switch (injury->kind) {
    case PHANTOM_DENS_1: /* the tip alone */
        moved = parted(before, &after->dens, tip);
        assert_true(fabs(nn_vec3_length(moved) - injury->gap) < 0.02 * injury->gap);
        assert_memory_equal(&before->level[1].body, &after->level[1].body, sizeof(struct pose));
        break;
    case PHANTOM_DENS_3:
        body.y += 5 * scale; /* fall through */
    case PHANTOM_DENS_2:
        moved = parted(before, &after->dens, body);
        assert_true(fabs(moved.x - injury->translation) < 1e-6);
        assert_true(fabs(moved.y + injury->gap) < 1e-6);
        break;
    case PHANTOM_HANGMAN: /* the body from the arch; as C3 lies, a little turned */
        moved = nn_vec3_sub(foot(after, 2), foot(before, 2));
        assert_true(fabs(moved.x - injury->translation) < 1e-6);
        moved = nn_vec3_sub(parted(before, &after->level[2].body, foot_),
                            parted(before, &after->level[2].rear, foot_));
        assert_true(fabs(moved.x - injury->gap) < 0.06 * injury->gap + 0.05);
        break;
    case PHANTOM_ATLANTOAXIAL: /* the interval is the atlas's own: so much wider */
        moved = nn_vec3_sub(nn_pose_back(&axis->body, after->level[1].body.at),
                            nn_pose_back(&axis->body, before->level[1].body.at));
        assert_true(fabs(moved.x - injury->translation) < 1e-6);
        break;
    case PHANTOM_ATLANTOOCCIPITAL:
        moved = nn_vec3_sub(
            nn_pose_back(&before->level[1].body, nn_pose_apply(&after->skull, basion)),
            nn_pose_back(&before->level[1].body, nn_pose_apply(&before->skull, basion)));
        assert_true(fabs(moved.x - injury->translation) < 1e-6);
        assert_true(fabs(moved.y + injury->gap) < 1e-6);
        break;
    case PHANTOM_JEFFERSON:
        assert_true(fabs(after->interval - before->interval - injury->translation) < 1e-9);
        break;
    default:
        break;
    }
}

/* What is drawn in the vertebra, test_phantom_injuries.c looks at. */
static void check_low(const struct phantom_injury *injury, const struct phantom_anatomy *before,
                      const struct phantom_anatomy *after)
{
    int k = injury->level;
    bool sinks = injury->kind == PHANTOM_WEDGE || injury->kind == PHANTOM_BURST;
    int top = sinks ? k - 1 : k;
    double bent = flexion(&after->level[top].body) - flexion(&before->level[top].body);

    if (is_slip(injury)) {
        struct vec3 moved = nn_vec3_sub(foot(after, k), foot(before, k));

        assert_true(fabs(moved.x - injury->translation) < 1e-6);
        assert_true(fabs(moved.y + injury->lift) < 1e-6);
    }
    if (is_slip(injury) || sinks) /* turned, it is seen askew */
        assert_true(fabs(bent - injury->angulation) < (injury->rotation != 0 ? 3 : 1));
}

static void measures_are_those_of_the_poses(void **state)
{
    struct nn_phantom_settings settings = settings_of(0);
    int seen[PHANTOM_KINDS] = {0};

    (void)state;
    for (uint64_t i = 0; i < 3 * PATIENTS; i++) {
        enum nn_phantom_class class_ = i % 2 ? NN_PHANTOM_FRACTURE : NN_PHANTOM_DISLOCATION;
        struct phantom_anatomy before, after;
        struct phantom_injury injury;

        nn_phantom_anatomy(&settings, i, &before);
        nn_phantom_injury(&settings, i, class_, &before, &injury);
        after = before;
        nn_phantom_injure(&injury, &after);
        seen[injury.kind]++;
        check_high(&injury, &before, &after);
        check_low(&injury, &before, &after);
    }
    for (int k = PHANTOM_NONE + 1; k < PHANTOM_KINDS; k++)
        assert_true(seen[k] >= 20);
}

/* Prevertebral swelling is the larger the worse the injury is, most at its level, and none of it
 * grows far away; a spinous process or a facet swells a fifth as much. */
static void swelling_grows_with_severity(void **state)
{
    struct nn_phantom_settings settings = settings_of(0);
    double sum[2] = {0}, behind = 0;
    int count[2] = {0}, rear = 0;

    (void)state;
    for (uint64_t i = 0; i < 2 * PATIENTS; i++) {
        enum nn_phantom_class class_ = i % 2 ? NN_PHANTOM_FRACTURE : NN_PHANTOM_DISLOCATION;
        struct phantom_anatomy before, after;
        struct phantom_injury injury;
        double grown, far;
        int at;

        nn_phantom_anatomy(&settings, i, &before);
        nn_phantom_injury(&settings, i, class_, &before, &injury);
        after = before;
        nn_phantom_injure(&injury, &after);
        at = injury.level < 1 ? 1 : injury.level;
        grown = after.level[at].prevertebral - before.level[at].prevertebral;
        assert_true(fabs(grown - injury.swelling) < 1e-9 && grown > 0 && grown < 9);
        for (int k = 1; k <= PHANTOM_LAST; k++) {
            far = after.level[k].prevertebral - before.level[k].prevertebral;
            assert_true(far >= 0 && far <= grown && (abs(k - at) < 5 || far < 0.001));
        }
        if (injury.kind == PHANTOM_SPINOUS || injury.kind == PHANTOM_FACET) {
            behind += grown;
            rear++;
            continue;
        }
        int mild = nn_phantom_subtlety(fabs(injury.translation), fabs(injury.angulation),
                                       injury.height_loss, injury.gap, NN_PHANTOM_SHOWN) > 0.5;
        sum[mild] += grown;
        count[mild]++;
    }
    assert_true(count[0] > 100 && count[1] > 100 && rear > 50);
    assert_true(sum[0] / count[0] > 1.6 * sum[1] / count[1]);
    assert_true(behind / rear < 0.4 * sum[0] / count[0]);
}

static void what_lies_below_stays(void **state)
{
    struct nn_phantom_settings settings = settings_of(0);

    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        enum nn_phantom_class class_ = i % 2 ? NN_PHANTOM_FRACTURE : NN_PHANTOM_DISLOCATION;
        struct phantom_anatomy before, after;
        struct phantom_injury injury;

        nn_phantom_anatomy(&settings, i, &before);
        nn_phantom_injury(&settings, i, class_, &before, &injury);
        after = before;
        nn_phantom_injure(&injury, &after);
        for (int k = injury.level + 1; k <= PHANTOM_LAST; k++) {
            assert_memory_equal(&before.level[k].body, &after.level[k].body, sizeof(struct pose));
            assert_memory_equal(&before.level[k].rear, &after.level[k].rear, sizeof(struct pose));
        }
        nn_phantom_injury(&settings, i, NN_PHANTOM_NORMAL, &before, &injury);
        assert_int_equal(injury.kind, PHANTOM_NONE);
        after = before;
        nn_phantom_injure(&injury, &after);
        assert_memory_equal(&before, &after, sizeof before);
    }
}

static double subtlety_of(const struct phantom_injury *injury)
{
    return nn_phantom_subtlety(fabs(injury->translation), fabs(injury->angulation),
                               injury->height_loss, injury->gap, NN_PHANTOM_SHOWN);
}

static void every_kind_occurs_where_it_does(void **state)
{
    struct nn_phantom_settings settings = settings_of(0);
    int seen[PHANTOM_KINDS] = {0}, levels[2][8] = {{0}}, plain = 0, subtle = 0;

    (void)state;
    for (uint64_t i = 0; i < 2 * PATIENTS; i++) {
        enum nn_phantom_class class_ = i % 2 ? NN_PHANTOM_FRACTURE : NN_PHANTOM_DISLOCATION;
        struct phantom_anatomy a;
        struct phantom_injury injury;
        struct vec3 points[64];
        int count;

        nn_phantom_anatomy(&settings, i, &a);
        nn_phantom_injury(&settings, i, class_, &a, &injury);
        assert_true((injury.kind >= PHANTOM_BILATERAL) == (class_ == NN_PHANTOM_DISLOCATION));
        seen[injury.kind]++;
        assert_true(injury.level >= 0 && injury.level <= 7);
        levels[class_ == NN_PHANTOM_FRACTURE][injury.level]++;
        assert_true(injury.level > 0 || injury.kind == PHANTOM_ATLANTOOCCIPITAL);
        plain += subtlety_of(&injury) <= 0.6;
        subtle += subtlety_of(&injury) > 0.8;
        assert_true(subtlety_of(&injury) < 0.93);
        if (injury.kind == PHANTOM_BILATERAL) /* half the body or more */
            assert_true(injury.translation >= 0.499 * a.level[injury.level + 1].depth);
        nn_phantom_injure(&injury, &a);
        count = nn_phantom_region(&injury, &a, points);
        assert_true(count >= 8 && count <= 64);
        for (int p = 0; p < count; p++)
            assert_true(isfinite(points[p].x) && isfinite(points[p].y) && isfinite(points[p].z));
    }
    for (int k = PHANTOM_NONE + 1; k < PHANTOM_KINDS; k++) {
        assert_true(seen[k] > 0);
        assert_true(nn_phantom_kind_name((enum phantom_kind)k)[0] != 0);
    }
    assert_int_equal(levels[1][0], 0);
    for (int l = 0; l <= 7; l++)
        assert_true(levels[0][l] > 0 && (l == 0 || levels[1][l] > 0));
    /* 7 % of those between C2 and T1 */
    assert_in_range(levels[0][7], PATIENTS * 3 / 100, PATIENTS * 8 / 100);
    print_message("%d of %d at most 0.6, %d over 0.8\n", plain, 2 * PATIENTS, subtle);
    assert_true(plain > 1.5 * PATIENTS && subtle > 10);
}

static void children_and_hardware_are_their_own(void **state)
{
    struct nn_phantom_settings settings = settings_of(0);
    int kinds[5] = {0}, ages[16] = {0}, slipped = 0, young = 0;
    double wedged = 0;

    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        struct phantom_anatomy a;

        settings.subject = NN_PHANTOM_CHILD;
        nn_phantom_anatomy(&settings, i, &a);
        assert_true(a.child && a.age >= 2 && a.age < 16 && a.scale < 0.7 + 0.05 * a.age);
        if (a.age < 10) { /* pseudosubluxation of C2 on C3, bodies that wedge in front */
            assert_true(a.interval >= 3 && a.interval <= 5.05);
            young++;
            slipped += slip_of(&a, 2) > 1.4;
            wedged += a.level[5].taper;
        }
        ages[a.age]++;
        settings.subject = NN_PHANTOM_HARDWARE;
        nn_phantom_anatomy(&settings, i, &a);
        kinds[nn_phantom_hardware(&settings, i)]++;
        assert_int_equal(a.laminectomy, nn_phantom_hardware(&settings, i) == PHANTOM_LAMINECTOMY);
        assert_int_equal(a.ankylosed, nn_phantom_hardware(&settings, i) == PHANTOM_ANKYLOSED);
    }
    assert_true(young > 200 && slipped > young * 9 / 10 && wedged / young > 0.1);
    for (int k = 0; k < 5; k++)
        assert_true(kinds[k] > 60);
    for (int age = 2; age < 16; age++)
        assert_true(ages[age] > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adults_are_in_published_ranges),
        cmocka_unit_test(facets_are_parallel_and_a_little_apart),
        cmocka_unit_test(variants_tell_the_spine),
        cmocka_unit_test(no_word_is_left_out),
        cmocka_unit_test(measures_are_those_of_the_poses),
        cmocka_unit_test(swelling_grows_with_severity),
        cmocka_unit_test(what_lies_below_stays),
        cmocka_unit_test(every_kind_occurs_where_it_does),
        cmocka_unit_test(children_and_hardware_are_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
