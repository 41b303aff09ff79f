/* lesion.c: fractures and dislocations: which, how severe, what they move.
 *
 * Levels: Goldberg et al., Ann Emerg Med 38 (2001) 17 (818 patients of NEXUS: of fractures of
 * bodies C5 15 %, C6 20 %, C7 19 %, C2 24 %; of dislocations C5-C6 25 %, C6-C7 24 %, C4-C5 17 %);
 * C7 slips on T1 seldom: Amin et al., J Spinal Disord Tech 18 (2005) 499.
 * Dens: Anderson and D'Alonzo, J Bone Joint Surg 56-A (1974) 1663 (II most, I rare). Slips of
 * facet dislocations, half the body's depth or more on both sides and about a quarter on one:
 * Beatson, J Bone Joint Surg 45-B (1963) 21. Instability from 3.5 mm or 11 degrees: White and
 * Panjabi. Hangman's: Effendi et al., J Bone Joint Surg 63-B (1981) 319. Atlas: Spence et al.,
 * J Bone Joint Surg 52-A (1970) 543. Occiput: Traynelis et al., J Neurosurg 65 (1986) 863 (forward,
 * upward, backward); Harris et al., AJR 162 (1994) 887 (basion to dens over 12 mm). Kinds are
 * sampled more evenly than they occur, so that the rare ones are learned too. */
#include "spine.h"
#include <math.h>

double nn_phantom_subtlety(double translation_mm, double angulation_deg, double height_loss_percent,
                           double gap_mm, double contrast_to_noise)
{
    double r = fmax(fmax(translation_mm / 3.5, angulation_deg / 11.0),
                    fmax(height_loss_percent / 25.0, gap_mm / 2.0));

    return nn_phantom_clamp(1 - 0.4 * r * fmin(1, contrast_to_noise / NN_PHANTOM_SHOWN), 0, 1);
}

const char *nn_phantom_kind_name(enum phantom_kind kind)
{
    static const char *const NAMES[] = {"",
                                        "wedge",
                                        "burst",
                                        "flexion teardrop",
                                        "extension teardrop",
                                        "spinous",
                                        "dens I",
                                        "dens II",
                                        "dens III",
                                        "hangman",
                                        "Jefferson",
                                        "facet",
                                        "bilateral facet",
                                        "unilateral facet",
                                        "perched facet",
                                        "atlanto-axial",
                                        "atlanto-occipital"};

    return (unsigned)kind < PHANTOM_KINDS ? NAMES[kind] : "unknown";
}

/* A severity r (subtlety = 1 - 0.4 r where the picture shows it): obvious, moderate (to 0.6), and a
 * tail to 0.9. */
static double severity(struct phantom_rng *rng)
{
    static const double WEIGHTS[] = {0.50, 0.36, 0.14};

    switch (nn_phantom_pick(rng, WEIGHTS, 3)) {
    case 0:
        return nn_phantom_uniform(rng, 1.75, 2.7);
    case 1:
        return nn_phantom_uniform(rng, 1.0, 1.75);
    default:
        return nn_phantom_uniform(rng, 0.25, 1.0);
    }
}

static void sample_axis(struct phantom_rng *rng, double r, struct phantom_injury *injury)
{
    bool forward = nn_phantom_chance(rng, 0.6), stays = nn_phantom_chance(rng, 0.3);
    double share = nn_phantom_uniform(rng, 0.3, 0.9);

    injury->level = 2;
    if (injury->kind == PHANTOM_DENS_1) {
        injury->gap = 2 * r;
    } else if (injury->kind == PHANTOM_DENS_2 && !stays) {
        r = fmin(r, 2.3);
        injury->translation = (forward ? 3.5 : -3.5) * r;
        injury->angulation = (forward ? 9 : -9) * r * share;
        injury->gap = 0.6 * fmin(r, 1.5);
    } else if (injury->kind != PHANTOM_HANGMAN) {
        r = fmin(r, 1.8);
        injury->gap = 2 * r;
        injury->translation = (forward ? 2.2 : -2.2) * r * share;
        injury->angulation = (forward ? 7 : -7) * r * share;
    } else {
        injury->gap = 2 * r;
        injury->translation = 2 * r * share;
        injury->angulation = (forward ? 6 : -4) * r * share;
    }
}

/* What the lower neck's fractures measure. */
static void sample_body(struct phantom_rng *rng, double r, const struct phantom_level *level,
                        struct phantom_injury *injury)
{
    double share = nn_phantom_uniform(rng, 0.5, 1.0), steep;

    switch (injury->kind) {
    case PHANTOM_WEDGE:
    case PHANTOM_BURST:
        injury->height_loss = fmin(25 * r, injury->kind == PHANTOM_WEDGE ? 50 : 42);
        steep = atan(injury->height_loss / 100 * level->height / level->depth) / PHANTOM_DEGREE;
        injury->angulation = (injury->kind == PHANTOM_WEDGE ? 0.85 : 0.4) * steep;
        if (injury->kind == PHANTOM_BURST)
            injury->gap = fmin(1.6 * r * share, 3.5);
        break;
    case PHANTOM_FLEXION_TEARDROP:
        injury->gap = 2 * fmin(r, 2.0);
        injury->translation = -1.6 * r * share; /* the body slips back */
        injury->angulation = 6 * r * share;
        break;
    case PHANTOM_EXTENSION_TEARDROP:
        injury->gap = 2 * fmin(r, 1.7);
        injury->angulation = -3 * r * share;
        break;
    case PHANTOM_FACET:
        injury->gap = 2 * r;
        injury->translation = 0.8 * r * share;
        break;
    case PHANTOM_JEFFERSON:
        injury->gap = 2 * r;
        injury->translation = 1.2 * r * share; /* the interval widens */
        break;
    default: /* spinous */
        injury->gap = 2 * r;
        break;
    }
}

static void sample_fracture(struct phantom_rng *rng, const struct phantom_anatomy *anatomy,
                            struct phantom_injury *injury)
{
    static const double KINDS[] = {0.19, 0.13, 0.10, 0.07, 0.10, 0.02,
                                   0.12, 0.07, 0.10, 0.05, 0.05};
    static const double LEVELS[] = {0.06, 0.11, 0.23, 0.31, 0.29};    /* C3..C7 */
    static const double SPINOUS[] = {0.05, 0.12, 0.25, 0.58};         /* C4..C7 */
    static const double EXTENSION[] = {0.62, 0.18, 0.05, 0.07, 0.08}; /* C2..C6 */
    double r = severity(rng);

    injury->kind = (enum phantom_kind)(PHANTOM_WEDGE + nn_phantom_pick(rng, KINDS, 11));
    injury->level = 3 + nn_phantom_pick(rng, LEVELS, 5);
    if (injury->kind == PHANTOM_SPINOUS)
        injury->level = 4 + nn_phantom_pick(rng, SPINOUS, 4);
    if (injury->kind == PHANTOM_EXTENSION_TEARDROP)
        injury->level = 2 + nn_phantom_pick(rng, EXTENSION, 5);
    if (injury->kind == PHANTOM_JEFFERSON)
        injury->level = 1;
    if (injury->kind >= PHANTOM_DENS_1 && injury->kind <= PHANTOM_HANGMAN)
        sample_axis(rng, r, injury);
    else
        sample_body(rng, r, &anatomy->level[injury->level], injury);
}

/* Of the atlas on the axis: the interval becomes 5 to 12 mm, seldom less. Of the occiput: forward,
 * upward or backward. */
static void sample_high(struct phantom_rng *rng, const struct phantom_anatomy *anatomy,
                        struct phantom_injury *injury)
{
    static const double WAYS[] = {0.45, 0.40, 0.15};
    bool subtle = nn_phantom_chance(rng, 0.15);
    double wide = subtle ? nn_phantom_uniform(rng, 4, 5.5) : nn_phantom_uniform(rng, 5.5, 12);
    double far = subtle ? nn_phantom_uniform(rng, 2, 5) : nn_phantom_uniform(rng, 5, 12);
    double bend = nn_phantom_uniform(rng, -2, 7);

    injury->angulation = bend;
    if (injury->kind == PHANTOM_ATLANTOAXIAL) {
        injury->level = 1;
        injury->translation = fmax(wide - anatomy->interval, 1.2);
        injury->lift = 0.05 * injury->translation;
        return;
    }
    injury->level = 0;
    switch (nn_phantom_pick(rng, WAYS, 3)) {
    case 0:
        injury->translation = far;
        injury->gap = 0.3 * far;
        break;
    case 1:
        injury->gap = far;
        injury->translation = 0.15 * far;
        break;
    default:
        injury->translation = -0.8 * far;
        injury->gap = 0.3 * far;
        break;
    }
    injury->lift = injury->gap;
}

static void sample_dislocation(struct phantom_rng *rng, const struct phantom_anatomy *anatomy,
                               struct phantom_injury *injury)
{
    static const double KINDS[] = {0.33, 0.25, 0.20, 0.13, 0.09};
    static const double LEVELS[] = {0.07, 0.11, 0.20,
                                    0.29, 0.26, 0.07}; /* C2..C7 on the one below */
    double slip, bend = nn_phantom_uniform(rng, 0, 1), lift = nn_phantom_uniform(rng, 0, 1), depth;
    bool subtle = nn_phantom_chance(rng, 0.2), left = nn_phantom_chance(rng, 0.5);

    injury->kind = (enum phantom_kind)(PHANTOM_BILATERAL + nn_phantom_pick(rng, KINDS, 5));
    injury->level = 2 + nn_phantom_pick(rng, LEVELS, 6);
    if (anatomy->level[injury->level].fused) /* a block does not slip, its neighbour does */
        injury->level += injury->level > 2 ? -1 : 1;
    slip = nn_phantom_uniform(rng, 0, 1);
    depth = anatomy->level[injury->level + 1].depth;
    switch (injury->kind) {
    case PHANTOM_BILATERAL:
        injury->translation = depth * (0.50 + 0.20 * slip);
        injury->angulation = 5 + 13 * bend;
        injury->lift = 1.0 + 3.0 * lift;
        break;
    case PHANTOM_UNILATERAL:
        injury->translation = depth * (0.17 + 0.15 * slip);
        injury->angulation = 2 + 8 * bend;
        injury->lift = 0.5 + 1.5 * lift;
        injury->rotation =
            asin(fmin(injury->translation / anatomy->level[injury->level].pillar, 0.35)) /
            PHANTOM_DEGREE * (left ? 1 : -1);
        break;
    case PHANTOM_PERCHED: /* and subluxed, on the way there */
        injury->translation = subtle ? 2.3 + 1.2 * slip : depth * (0.16 + 0.16 * slip);
        injury->angulation = subtle ? 6 + 4 * bend : 10 + 12 * bend;
        injury->lift = (subtle ? 0.3 : 1.2) + 1.5 * lift;
        break;
    default:
        sample_high(rng, anatomy, injury);
        break;
    }
}

void nn_phantom_injury(const struct nn_phantom_settings *settings, uint64_t index,
                       enum nn_phantom_class class_, const struct phantom_anatomy *anatomy,
                       struct phantom_injury *injury)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_LESION);
    double r, swelling;

    *injury = (struct phantom_injury){.level = -1};
    if (class_ == NN_PHANTOM_NORMAL)
        return;
    if (class_ == NN_PHANTOM_FRACTURE)
        sample_fracture(&rng, anatomy, injury);
    else
        sample_dislocation(&rng, anatomy, injury);
    r = fmax(fmax(fabs(injury->translation) / 3.5, fabs(injury->angulation) / 11.0),
             fmax(injury->height_loss / 25.0, injury->gap / 2.0));
    swelling = nn_phantom_uniform(&rng, 0.4, 3.0);
    injury->swelling = injury->kind == PHANTOM_SPINOUS || injury->kind == PHANTOM_FACET
                           ? 0.2 * r * swelling
                           : fmin(r, 2.8) * swelling;
    injury->phase = nn_phantom_uniform(&rng, 0, 6.28);
    injury->tilt = nn_phantom_normal(&rng, 0, 0.13);
    injury->size = nn_phantom_uniform(&rng, 0, 1);
}
