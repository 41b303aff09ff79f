/* anatomy.c: sizes of C1..T1 and the curve they stand on.
 *
 * Sizes: Panjabi et al., "Cervical human vertebrae: quantitative three-dimensional anatomy of the
 * middle and lower regions", Spine 16 (1991) 861 (end-plate depth, body height, canal depth,
 * spinous process), rounded, as proportions of a patient's size. Lordosis C2-C7: Gore et al., Spine
 * 11 (1986) 521: about 20 degrees with a wide spread, also straight and kyphotic. Prevertebral
 * tissue: at most some 7 mm at C2-C4 and 22 mm at C6-C7 in adults. Atlanto-dental interval: under 3
 * mm. */
#include "phantom_parts.h"
#include <math.h>

#define DEGREE 0.017453292519943295

struct sizes {
    double depth, height, disc, canal, spinous, spinous_height, drop, prevertebral;
};

static const struct sizes SIZES[PHANTOM_T1 + 1] = {
    {0, 0, 0, 0, 0, 0, 0, 0},
    {12.0, 10.0, 0.0, 20.0, 12.0, 7.0, 1.0, 5.0},    /* C1: anterior arch to dens */
    {15.6, 13.5, 4.6, 18.5, 17.0, 11.0, 5.0, 4.5},   /* C2 without dens */
    {15.4, 12.0, 4.8, 16.5, 12.0, 7.0, 6.0, 5.0},    /* C3 */
    {15.6, 11.8, 5.0, 16.2, 12.5, 7.0, 6.5, 6.5},    /* C4 */
    {16.2, 11.6, 5.1, 16.2, 14.0, 7.2, 7.0, 11.0},   /* C5 */
    {17.0, 11.7, 5.2, 16.4, 20.0, 7.5, 8.5, 14.0},   /* C6 */
    {17.4, 13.0, 5.0, 15.8, 28.0, 9.0, 11.0, 14.5},  /* C7 */
    {17.8, 14.5, 5.0, 16.0, 31.0, 10.0, 17.0, 14.0}, /* T1 */
};

struct vec nn_phantom_place(struct phantom_frame frame, double u, double v)
{
    double c = cos(frame.angle), s = sin(frame.angle);

    return (struct vec){frame.at.x + c * u - s * v, frame.at.y + s * u + c * v};
}

static void sample_patient(struct phantom_rng *rng, struct phantom_anatomy *anatomy)
{
    double size, magnification = nn_phantom_uniform(rng, 1.08, 1.22);

    anatomy->age = (int)nn_phantom_clamp(nn_phantom_normal(rng, 50, 19), 18, 92);
    anatomy->sex = nn_phantom_chance(rng, 0.5) ? 'M' : 'F';
    size = nn_phantom_normal(rng, anatomy->sex == 'M' ? 1.06 : 0.96, 0.045);
    anatomy->scale = size * magnification;
    anatomy->degeneration =
        nn_phantom_clamp((anatomy->age - 35) / 50.0, 0, 1) * nn_phantom_uniform(rng, 0.1, 1.0);
    anatomy->density = nn_phantom_uniform(rng, 0.75, 1.3) * (1 - 0.25 * anatomy->degeneration);
    anatomy->cortex = nn_phantom_uniform(rng, 0.5, 1.15);
    anatomy->grain = nn_phantom_uniform(rng, 0.05, 0.14);
    anatomy->interval = anatomy->scale * nn_phantom_uniform(rng, 0.8, 1.9);
}

static void sample_level(struct phantom_rng *rng, struct phantom_anatomy *anatomy, int index,
                         double paired)
{
    struct phantom_level *level = &anatomy->level[index];
    const struct sizes *size = &SIZES[index];
    double scale = anatomy->scale, worn = anatomy->degeneration * nn_phantom_uniform(rng, 0, 1);

    if (index < 4 || index > 7)
        worn *= 0.4;
    level->depth = scale * size->depth * nn_phantom_normal(rng, 1, 0.03);
    level->height = scale * size->height * nn_phantom_normal(rng, 1, 0.03);
    level->disc = scale * size->disc * nn_phantom_normal(rng, 1, 0.06) * (1 - 0.6 * worn);
    level->canal = scale * size->canal * nn_phantom_normal(rng, 1, 0.05);
    level->spinous = scale * size->spinous * nn_phantom_normal(rng, 1, 0.12);
    level->spinous_height = scale * size->spinous_height * nn_phantom_normal(rng, 1, 0.08);
    level->spinous_drop = scale * size->drop * nn_phantom_normal(rng, 1, 0.2);
    level->spur_upper = scale * 4.0 * worn * nn_phantom_uniform(rng, 0, 1);
    level->spur_lower = scale * 4.5 * worn * nn_phantom_uniform(rng, 0, 1);
    level->taper = nn_phantom_clamp(nn_phantom_normal(rng, 0.02, 0.025), -0.03, 0.08);
    level->ossicle = nn_phantom_chance(rng, 0.25 * worn);
    level->paired = paired + nn_phantom_normal(rng, 0, 0.3);
    level->prevertebral = scale * size->prevertebral * nn_phantom_normal(rng, 1, 0.12);
}

/* Stands level `index` on the one below it. */
static void stack(struct phantom_anatomy *anatomy, int index, double angle, double slip)
{
    const struct phantom_level *below = &anatomy->level[index + 1];
    struct phantom_level *level = &anatomy->level[index];
    struct phantom_frame disc = {nn_phantom_place(below->frame, 0, -below->height / 2),
                                 (angle + below->frame.angle) / 2};
    struct phantom_frame body = {nn_phantom_place(disc, slip, -level->disc), angle};

    body.at = nn_phantom_place(body, 0, -level->height / 2);
    level->frame = body;
    anatomy->pitch[index] = hypot(body.at.x - below->frame.at.x, body.at.y - below->frame.at.y);
}

static void sample_head(struct phantom_rng *rng, struct phantom_anatomy *anatomy)
{
    const struct phantom_level *axis = &anatomy->level[2];
    struct phantom_level *atlas = &anatomy->level[1];
    double scale = anatomy->scale;

    atlas->frame.at = nn_phantom_place(axis->frame, -0.5 * scale, -17.5 * scale);
    atlas->frame.angle =
        axis->frame.angle + DEGREE * nn_phantom_clamp(nn_phantom_normal(rng, -2, 7), -16, 12);
    anatomy->pitch[1] = 17.5 * scale;
    anatomy->skull.at = nn_phantom_place(axis->frame, 1.5 * scale, -33.0 * scale);
    anatomy->skull.angle =
        0.5 * axis->frame.angle + DEGREE * nn_phantom_clamp(nn_phantom_normal(rng, 2, 7), -12, 18);
    anatomy->dens = axis->frame;
}

void nn_phantom_anatomy(uint64_t seed, uint64_t index, struct phantom_anatomy *anatomy)
{
    struct phantom_rng patient = nn_phantom_rng(seed, index, PHANTOM_PATIENT);
    struct phantom_rng spine = nn_phantom_rng(seed, index, PHANTOM_SPINE);
    double lordosis = nn_phantom_clamp(nn_phantom_normal(&spine, 15, 12), -12, 40);
    double slope = 8 + 0.55 * lordosis + nn_phantom_normal(&spine, 0, 4);
    double paired = nn_phantom_normal(&spine, 0, 1.6), twist = nn_phantom_normal(&spine, 0, 0.3);

    *anatomy = (struct phantom_anatomy){0};
    sample_patient(&patient, anatomy);
    for (int i = PHANTOM_T1; i >= 1; i--)
        sample_level(&spine, anatomy, i, paired + twist * (i - 4));
    anatomy->skew = nn_phantom_normal(&spine, 0, 0.5);
    anatomy->level[PHANTOM_T1].frame.angle = DEGREE * (slope + nn_phantom_normal(&spine, 5, 2));
    for (int i = 7; i >= 2; i--) {
        double jitter = i > 2 && i < 7 ? nn_phantom_normal(&spine, 0, 1.0) : 0;
        double listhesis = nn_phantom_normal(&spine, 0, 0.25 + 0.25 * anatomy->degeneration);

        stack(anatomy, i, DEGREE * (slope - lordosis * (7 - i) / 5.0 + jitter), listhesis);
    }
    anatomy->pitch[PHANTOM_T1] = anatomy->pitch[7] * 1.1;
    struct phantom_rng head = nn_phantom_rng(seed, index, PHANTOM_HEAD);
    sample_head(&head, anatomy);
    for (int i = 1; i <= PHANTOM_T1; i++)
        anatomy->level[i].rear = anatomy->level[i].frame;
}
