/* anatomy.c: sizes of C1..T9, and the curve they stand on; millimetres.
 *
 * Sizes, rounded, as proportions of a patient's size: Panjabi et al., Spine 16 (1991) 861 (C2-C7:
 * end-plates, height, canal, pedicles, spinous process as canal plus what lies behind it) and 888
 * (T1-T12); Francis, Am J Phys Anthropol 13 (1955) 589 (heights, sexes); Doherty and Heggeness,
 * Spine 19 (1994) 2497 and 20 (1995) 2577 (atlas, axis); facets' slopes: Panjabi et al., Spine 18
 * (1993) 1298. Lordosis C2-C7: Gore et al., Spine 11 (1986) 521 (about 20 degrees, widely spread,
 * also straight and kyphotic). T1's slope: Lee et al., J Spinal Disord Tech 25 (2012) E41. Ranges
 * of flexion and extension: White and Panjabi, Clinical biomechanics of the spine (1990).
 * Prevertebral tissue: Penning, AJR 136 (1981) 553. Atlanto-dental interval: Hinck and Hopkins,
 * AJR 84 (1960) 945 (adults under 3 mm, children to 5). Basion and dens: Harris et al., AJR 162
 * (1994) 881. Pseudosubluxation: Cattell and Filtzer, J Bone Joint Surg 47-A (1965) 1295. Block
 * vertebrae: Brown et al., J Clin Neurosci 11 (2004) 1 (under 1 %, C2-C3 most). */
#include "spine.h"
#include <math.h>

struct sizes {
    double depth, height, width, disc, canal, spinous, spinous_height, drop, pillar, prevertebral;
    double slope; /* of the facets to the level below, degrees */
};

static const struct sizes SIZES[PHANTOM_LAST + 1] = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {11.0, 10.5, 40.0, 0.0, 19.5, 6.0, 8.0, 0.5, 17.5, 5.5, 20},     /* C1: depth is the dens's */
    {15.6, 19.0, 17.5, 4.8, 18.5, 16.5, 11.5, 5.0, 17.0, 4.5, 44},   /* C2 without the dens */
    {15.4, 12.2, 17.2, 5.2, 16.2, 13.5, 7.4, 6.5, 18.5, 4.8, 44},    /* C3 */
    {15.6, 12.0, 17.4, 5.4, 16.4, 14.0, 7.4, 6.5, 18.8, 6.5, 45},    /* C4 */
    {16.4, 11.9, 18.6, 5.5, 16.4, 16.0, 7.6, 7.5, 19.2, 10.5, 47},   /* C5 */
    {17.2, 12.0, 20.5, 5.6, 16.4, 21.0, 8.0, 9.0, 19.8, 13.5, 50},   /* C6 */
    {17.4, 13.4, 22.6, 5.2, 15.6, 29.0, 9.2, 11.5, 19.8, 14.0, 55},  /* C7 */
    {17.8, 15.0, 24.5, 4.6, 15.8, 33.0, 10.0, 17.0, 18.5, 14.0, 62}, /* T1 */
    {19.0, 16.2, 24.8, 4.4, 15.8, 34.0, 10.0, 22.0, 17.0, 14.0, 68},
    {21.5, 16.6, 25.0, 4.2, 15.8, 35.0, 10.0, 25.0, 15.5, 14.0, 72},
    {22.8, 17.0, 25.2, 4.2, 15.8, 36.0, 10.0, 28.0, 14.8, 14.0, 72},
    {24.0, 17.4, 25.8, 4.3, 15.8, 37.0, 10.0, 32.0, 14.2, 14.0, 72},
    {25.5, 18.2, 26.8, 4.6, 15.8, 38.0, 10.0, 34.0, 14.0, 14.0, 72},
    {27.0, 19.0, 28.2, 4.8, 15.8, 38.0, 10.0, 35.0, 14.0, 14.0, 72},
    {28.0, 19.4, 29.6, 5.0, 15.8, 38.0, 10.0, 34.0, 14.0, 14.0, 72},
    {29.2, 20.0, 30.6, 5.2, 15.8, 38.0, 10.0, 32.0, 14.0, 14.0, 72}, /* T9 */
};

/* What differs between the configurations. */
struct ranges {
    double age, age_spread, male, female, size_spread, depth, height, lordosis, lordosis_spread;
    double worn, cortex_low, cortex_high, dense_low, dense_high, fused;
    double spinous, pillar, slope; /* slope: degrees more */
};
static const struct ranges RANGES[2] = {
    {50, 19, 1.05, 0.95, 0.045, 1.0, 1.0, 17, 12, 1.0, 0.48, 0.88, 0.72, 1.18, 0.012, 1.0, 1.0, 0},
    {60, 15, 1.00, 0.90, 0.060, 1.07, 0.96, 9, 14, 1.4, 0.55, 0.95, 0.60, 1.00, 0.024, 0.86, 1.08,
     6},
};

/* How the neck stands, before it is built; degrees, absolute, by level ([0] the skull). */
struct posture {
    double flexion[PHANTOM_LAST + 1], rotation[PHANTOM_LAST + 1], tilt[PHANTOM_LAST + 1];
    double bent; /* flexion of C2 beyond neutral: a flexion view's, or an extension view's (< 0) */
};

enum phantom_hardware nn_phantom_hardware(const struct nn_phantom_settings *settings,
                                          uint64_t index)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_OTHER);

    return (enum phantom_hardware)(nn_phantom_bits(&rng) % 5);
}

static const struct ranges *ranges_of(const struct nn_phantom_settings *settings)
{
    return &RANGES[settings->configuration == 1 ? 1 : 0];
}

/* 1 up to 9 years of age, less in the growth spurt, 0 in adults. */
static double childlike(const struct phantom_anatomy *anatomy)
{
    return anatomy->child ? nn_phantom_clamp((16 - anatomy->age) / 7.0, 0, 1) : 0;
}

static void sample_patient(struct phantom_rng *rng, const struct nn_phantom_settings *settings,
                           struct phantom_anatomy *anatomy)
{
    const struct ranges *ranges = ranges_of(settings);
    double mean, worn, small, young = nn_phantom_uniform(rng, 2, 15.9);

    anatomy->child = settings->subject == NN_PHANTOM_CHILD;
    anatomy->age =
        (int)nn_phantom_clamp(nn_phantom_normal(rng, ranges->age, ranges->age_spread), 18, 92);
    anatomy->sex = nn_phantom_chance(rng, 0.5) ? 'M' : 'F';
    mean = anatomy->sex == 'M' ? ranges->male : ranges->female;
    anatomy->scale = nn_phantom_normal(rng, mean, ranges->size_spread);
    worn = nn_phantom_uniform(rng, 0.1, 1.0);
    if (anatomy->child) {
        anatomy->age = (int)young;
        anatomy->scale *= fmin(0.52 + 0.032 * young, 1);
    }
    anatomy->degeneration = nn_phantom_clamp(
        nn_phantom_clamp((anatomy->age - 32) / 48.0, 0, 1) * worn * ranges->worn, 0, 1);
    anatomy->density = nn_phantom_uniform(rng, ranges->dense_low, ranges->dense_high) *
                       (1 - 0.25 * nn_phantom_clamp((anatomy->age - 50) / 40.0, 0, 1));
    anatomy->density = nn_phantom_clamp(anatomy->density, 0.5, 1.2);
    anatomy->grain = nn_phantom_uniform(rng, 0.4, 1.8);
    anatomy->interval = anatomy->scale * nn_phantom_uniform(rng, 0.8, 2.2);
    small = childlike(anatomy);
    anatomy->interval +=
        small * (3.0 + (anatomy->interval / anatomy->scale - 0.8) * 1.4 - anatomy->interval);
    anatomy->neck_width =
        nn_phantom_normal(rng, anatomy->sex == 'M' ? 1.05 : 0.94, 0.08) * (1 - 0.2 * small);
    anatomy->fat = nn_phantom_uniform(rng, 0, 1);
}

static void sample_wear(struct phantom_rng *rng, const struct phantom_anatomy *anatomy, int index,
                        struct phantom_level *level)
{
    double scale = anatomy->scale, worn = anatomy->degeneration * nn_phantom_uniform(rng, 0, 1.15);

    if (index < 4 || index > 7)
        worn *= 0.4;
    level->disc *= 1 - 0.62 * nn_phantom_clamp(worn, 0, 1);
    level->spur_upper = scale * 3.6 * worn * nn_phantom_uniform(rng, 0, 1);
    level->spur_lower = scale * 4.2 * worn * nn_phantom_uniform(rng, 0.1, 1);
    level->rear_spur = scale * 2.2 * worn * nn_phantom_uniform(rng, 0, 1);
    level->ossicle = nn_phantom_chance(rng, 0.25 * worn);
}

static void sample_level(struct phantom_rng *rng, const struct nn_phantom_settings *settings,
                         struct phantom_anatomy *anatomy, int index, double shell)
{
    const struct ranges *ranges = ranges_of(settings);
    const struct sizes *size = &SIZES[index];
    struct phantom_level *level = &anatomy->level[index];
    double scale = anatomy->scale, small = childlike(anatomy);

    level->depth = scale * size->depth * ranges->depth * nn_phantom_normal(rng, 1, 0.03);
    level->height = scale * size->height * ranges->height * nn_phantom_normal(rng, 1, 0.03);
    level->width = scale * size->width * nn_phantom_normal(rng, 1, 0.03);
    level->disc = scale * size->disc * nn_phantom_normal(rng, 1, 0.06);
    level->canal = scale * size->canal * nn_phantom_normal(rng, 1, 0.04);
    level->spinous = scale * size->spinous * ranges->spinous * nn_phantom_normal(rng, 1, 0.12);
    level->spinous_height = scale * size->spinous_height * nn_phantom_normal(rng, 1, 0.08);
    level->spinous_drop = scale * size->drop * nn_phantom_normal(rng, 1, 0.2);
    level->pillar = scale * size->pillar * ranges->pillar * nn_phantom_normal(rng, 1, 0.03);
    level->taper = nn_phantom_clamp(nn_phantom_normal(rng, 0.02, 0.025), -0.03, 0.08);
    level->cortex = shell * nn_phantom_normal(rng, 1, 0.05);
    level->prevertebral = scale * size->prevertebral * nn_phantom_normal(rng, 1, 0.12);
    sample_wear(rng, anatomy, index, level);
    if (small > 0 && index > 2) { /* bodies of children are low, and wedges in front */
        level->height *= 1 - 0.14 * small;
        level->disc *= 1 + 0.15 * small;
        level->taper +=
            small * (0.26 - 0.02 * anatomy->age + 2 * (level->taper - 0.02) - level->taper);
        level->spinous *= 1 - 0.25 * small;
    }
}

static void sample_blocks(struct phantom_rng *rng, const struct nn_phantom_settings *settings,
                          struct phantom_anatomy *anatomy)
{
    static const double WEIGHTS[] = {0.5, 0.1, 0.1, 0.2, 0.1}; /* C2 on C3 .. C6 on C7 */
    bool fused = nn_phantom_chance(rng, ranges_of(settings)->fused);
    int at = 2 + nn_phantom_pick(rng, WEIGHTS, 5);

    if (fused && !anatomy->child)
        anatomy->level[at].fused = true;
    for (int i = 2; i < PHANTOM_LAST; i++) {
        struct phantom_level *level = &anatomy->level[i];

        if (!level->fused)
            continue;
        level->disc *= 0.35;
        level->spur_lower = level->rear_spur = 0;
        anatomy->level[i + 1].spur_upper = 0;
        level->ossicle = false;
    }
}

/* C7 leans forward the more, the more lordotic the neck; what turns C2 from C7 is shared by the
 * five joints, those in the middle most. */
static void sample_curve(struct phantom_rng *rng, const struct nn_phantom_settings *settings,
                         const struct phantom_anatomy *anatomy, struct posture *posture)
{
    static const double SHARE[] = {0.15, 0.20, 0.23, 0.23, 0.19}; /* C2-C3 .. C6-C7 */
    const struct ranges *ranges = ranges_of(settings);
    double lordosis = nn_phantom_normal(rng, ranges->lordosis, ranges->lordosis_spread);
    double slope = nn_phantom_normal(rng, 10, 4.5), share[5], sum = 0;
    double view = nn_phantom_uniform(rng, 0, 1), bend = nn_phantom_uniform(rng, 0, 1);

    lordosis = nn_phantom_clamp(lordosis, -15, 42);
    slope += 0.5 * lordosis;
    posture->bent = view < 0.12 ? 12 + 26 * bend : view < 0.24 ? -10 - 18 * bend : 0;
    lordosis = nn_phantom_clamp(lordosis - posture->bent, -38, 58);
    for (int i = 0; i < 5; i++) {
        share[i] = SHARE[i] * nn_phantom_normal(rng, 1, 0.22);
        if (anatomy->level[i + 2].fused)
            share[i] *= 0.1;
        sum += share[i];
    }
    posture->flexion[7] = slope + 0.1 * posture->bent;
    for (int i = 6; i >= 2; i--)
        posture->flexion[i] = posture->flexion[i + 1] - lordosis * share[i - 2] / sum;
    posture->flexion[PHANTOM_T1] = posture->flexion[7] + nn_phantom_normal(rng, 3, 1.5);
    for (int i = PHANTOM_T1 + 1; i <= PHANTOM_LAST; i++)
        posture->flexion[i] = posture->flexion[i - 1] - nn_phantom_normal(rng, 4, 0.7);
}

/* Nobody stands quite straight: joints turn and tilt a little, from T1 up. */
static void sample_turns(struct phantom_rng *rng, struct posture *posture)
{
    double turned = nn_phantom_normal(rng, 0, 0.5), bent = nn_phantom_normal(rng, 0, 0.45);

    for (int i = PHANTOM_LAST; i > PHANTOM_T1; i--)
        posture->rotation[i] = posture->tilt[i] = 0;
    posture->rotation[PHANTOM_T1] = posture->tilt[PHANTOM_T1] = 0;
    for (int i = 7; i >= 0; i--) {
        posture->rotation[i] = posture->rotation[i + 1] + turned + nn_phantom_normal(rng, 0, 0.6);
        posture->tilt[i] = posture->tilt[i + 1] + bent + nn_phantom_normal(rng, 0, 0.5);
    }
    posture->rotation[1] += nn_phantom_normal(rng, 0, 2.0); /* the atlas turns most */
    posture->rotation[0] = posture->rotation[1] + nn_phantom_normal(rng, 0, 0.8);
}

static struct pose pose_at(const struct posture *posture, int index, struct vec3 at)
{
    return nn_pose_of(at, PHANTOM_DEGREE * posture->flexion[index],
                      PHANTOM_DEGREE * posture->rotation[index],
                      PHANTOM_DEGREE * posture->tilt[index]);
}

/* Stands level `index` on the one below it, `slip` mm forward. */
static void stand(struct phantom_anatomy *anatomy, const struct posture *posture, int index,
                  double slip)
{
    const struct phantom_level *below = &anatomy->level[index + 1];
    struct phantom_level *level = &anatomy->level[index];
    struct pose upper = pose_at(posture, index, (struct vec3){0, 0, 0});
    struct vec3 top, rise, turned;

    top = nn_pose_apply(&below->body, (struct vec3){slip, -below->height / 2, 0});
    turned = below->body.at;
    rise = nn_vec3_sub(nn_pose_apply(&below->body, (struct vec3){0, -1, 0}), turned);
    rise = nn_vec3_add(rise, nn_pose_apply(&upper, (struct vec3){0, -1, 0}));
    top = nn_vec3_add(top, nn_vec3_scale(rise, level->disc / nn_vec3_length(rise)));
    level->body = upper;
    level->body.at =
        nn_vec3_add(top, nn_pose_apply(&upper, (struct vec3){0, -level->height / 2, 0}));
}

/* Hangs level `index` under the one above it. */
static void hang(struct phantom_anatomy *anatomy, const struct posture *posture, int index)
{
    const struct phantom_level *above = &anatomy->level[index - 1];
    struct phantom_level *level = &anatomy->level[index];
    struct pose pose = pose_at(posture, index, (struct vec3){0, 0, 0});
    struct vec3 foot;

    foot = nn_pose_apply(&above->body, (struct vec3){0, above->height / 2 + above->disc, 0});
    level->body = pose;
    level->body.at =
        nn_vec3_add(foot, nn_pose_apply(&pose, (struct vec3){0, level->height / 2, 0}));
}

static double sample_slip(struct phantom_rng *rng, struct phantom_anatomy *anatomy, int index,
                          double bent)
{
    struct phantom_level *level = &anatomy->level[index];
    double slip = nn_phantom_normal(rng, 0, 0.25), glide = nn_phantom_uniform(rng, 0.5, 1.2);
    double degenerative = nn_phantom_uniform(rng, 0.8, 1.9);
    double chance = nn_phantom_uniform(rng, 0, 1), young = nn_phantom_uniform(rng, 1.5, 3.2);

    slip += glide * bent / 38;
    if (chance < 0.12 * anatomy->degeneration)
        slip = degenerative;
    else if (chance < 0.22 * anatomy->degeneration)
        slip = -degenerative;
    if (anatomy->child && index == 2)
        return childlike(anatomy) * young;
    if (anatomy->child && index == 3)
        return 0.5 * childlike(anatomy) * young;
    level->listhesis = !level->fused && chance < 0.22 * anatomy->degeneration;
    return level->fused ? 0 : nn_phantom_clamp(slip, -1.9, 1.9);
}

/* The facets of a joint are parallel and `gap` apart in the patient as sampled; each vertebra
 * remembers its own, wherever an injury puts it. */
static void meet_facets(struct phantom_anatomy *anatomy, int index, double gap, double steeper)
{
    struct phantom_level *upper = &anatomy->level[index], *lower = &anatomy->level[index + 1];
    double scale = anatomy->scale, slope = PHANTOM_DEGREE * (SIZES[index].slope + steeper), lean[2];
    struct vec3 at = nn_vec3_add(
        nn_pose_apply(&upper->body, (struct vec3){nn_phantom_pillar_x(upper, scale), 0, 0}),
        nn_pose_apply(&lower->body, (struct vec3){nn_phantom_pillar_x(lower, scale), 0, 0}));
    struct vec3 p;

    at = nn_vec3_scale(at, 0.5);
    at.y += 1.5 * scale;
    if (index == 2)
        at.y += 2.5 * scale; /* the axis's centre is high over its lower facets */
    lean[0] = atan2(upper->body.turn[1][0], upper->body.turn[0][0]);
    lean[1] = atan2(lower->body.turn[1][0], lower->body.turn[0][0]);
    upper->slope_lower = slope + (lean[0] - lean[1]) / 2;
    lower->slope_upper = slope + (lean[1] - lean[0]) / 2;
    p = nn_pose_back(&upper->body, at);
    upper->facet_lower = p.y - gap / 2 / cos(upper->slope_lower) -
                         tan(upper->slope_lower) * (nn_phantom_pillar_x(upper, scale) - p.x);
    p = nn_pose_back(&lower->body, at);
    lower->facet_upper = p.y + gap / 2 / cos(lower->slope_upper) -
                         tan(lower->slope_upper) * (nn_phantom_pillar_x(lower, scale) - p.x);
}

static void sample_joints(struct phantom_rng *rng, const struct ranges *ranges,
                          struct phantom_anatomy *anatomy)
{
    struct phantom_level *last = &anatomy->level[PHANTOM_LAST];
    double steeper = nn_phantom_normal(rng, 0, 3);

    for (int i = 2; i < PHANTOM_LAST; i++) {
        double gap = anatomy->scale * nn_phantom_uniform(rng, 1.0, 1.7);

        gap *= 1 - 0.35 * anatomy->degeneration;
        if (anatomy->ankylosed || anatomy->level[i].fused)
            gap = -0.4;
        meet_facets(anatomy, i, gap, ranges->slope + steeper);
    }
    last->facet_lower = last->facet_upper + last->height + last->disc;
    last->slope_lower = last->slope_upper;
    anatomy->level[2].facet_upper = -3 * anatomy->scale;
    anatomy->level[2].slope_upper = PHANTOM_DEGREE * 40;
}

/* The atlas lies round the dens, the skull on the atlas. */
static void place_head(struct phantom_rng *rng, struct phantom_anatomy *anatomy,
                       struct posture *posture)
{
    const struct phantom_level *axis = &anatomy->level[2];
    struct phantom_level *atlas = &anatomy->level[1];
    double scale = anatomy->scale, nod = nn_phantom_clamp(nn_phantom_normal(rng, -2, 5), -14, 10);
    double gaze = nn_phantom_normal(rng, -1, 6), dive = nn_phantom_normal(rng, 0, 1.1);
    double apart = nn_phantom_normal(rng, 12.8, 0.8), fore = nn_phantom_normal(rng, 1.0, 1.2);
    double limit;

    posture->flexion[1] = posture->flexion[2] + nod;
    posture->flexion[0] = gaze + 1.1 * posture->bent;
    limit = posture->flexion[1]; /* what the joint allows */
    posture->flexion[0] = nn_phantom_clamp(posture->flexion[0], limit - 22, limit + 14);
    atlas->body = pose_at(
        posture, 1,
        nn_pose_apply(&axis->body,
                      (struct vec3){-0.4 * scale, -axis->height / 2 - (9.0 + dive) * scale, 0}));
    anatomy->skull = pose_at(
        posture, 0, nn_pose_apply(&atlas->body, (struct vec3){fore * scale, -apart * scale, 0}));
    anatomy->dens = axis->body;
}

static void choose_gate(struct phantom_rng *rng, const struct nn_phantom_settings *settings,
                        uint64_t index, struct phantom_anatomy *anatomy)
{
    enum phantom_hardware hardware = nn_phantom_hardware(settings, index);

    anatomy->laminectomy_first = 3 + (int)(nn_phantom_bits(rng) % 2);
    anatomy->laminectomy_last = 5 + (int)(nn_phantom_bits(rng) % 3);
    if (settings->subject != NN_PHANTOM_HARDWARE)
        return;
    anatomy->laminectomy = hardware == PHANTOM_LAMINECTOMY;
    anatomy->ankylosed = hardware == PHANTOM_ANKYLOSED;
}

void nn_phantom_anatomy(const struct nn_phantom_settings *settings, uint64_t index,
                        struct phantom_anatomy *anatomy)
{
    const struct ranges *ranges = ranges_of(settings);
    struct phantom_rng patient = nn_phantom_rng(settings->seed, index, PHANTOM_PATIENT);
    struct phantom_rng spine = nn_phantom_rng(settings->seed, index, PHANTOM_SPINE);
    struct phantom_rng head = nn_phantom_rng(settings->seed, index, PHANTOM_HEAD);
    struct posture posture = {.bent = 0};
    double shell;

    *anatomy = (struct phantom_anatomy){.age = 0};
    sample_patient(&patient, settings, anatomy);
    choose_gate(&patient, settings, index, anatomy);
    shell = nn_phantom_uniform(&spine, ranges->cortex_low, ranges->cortex_high);
    shell *= nn_phantom_clamp(0.4 + 0.6 * anatomy->density, 0.6, 1.05);
    shell *= 1 - 0.25 * childlike(anatomy);
    for (int i = PHANTOM_LAST; i >= 1; i--)
        sample_level(&spine, settings, anatomy, i, shell);
    sample_blocks(&spine, settings, anatomy);
    sample_curve(&spine, settings, anatomy, &posture);
    sample_turns(&spine, &posture);
    anatomy->level[7].body = pose_at(&posture, 7, (struct vec3){0, 0, 0});
    for (int i = PHANTOM_T1; i <= PHANTOM_LAST; i++)
        hang(anatomy, &posture, i);
    for (int i = 6; i >= 2; i--)
        stand(anatomy, &posture, i, sample_slip(&spine, anatomy, i, posture.bent));
    sample_joints(&spine, ranges, anatomy);
    place_head(&head, anatomy, &posture);
    for (int i = 1; i <= PHANTOM_LAST; i++)
        anatomy->level[i].rear = anatomy->level[i].body;
}
