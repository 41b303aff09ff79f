/* lesion.c: fractures and dislocations: their measures, what they move, where they lie.
 *
 * Ranges: bilateral facet dislocation slips by about half the body's depth, unilateral by about a
 * quarter (Beatson, J Bone Joint Surg 45-B (1963) 21); instability from 3.5 mm or 11 degrees (White
 * and Panjabi); levels weighted as they occur in adults (C5-C6 and C6-C7 most). */
#include "phantom_parts.h"
#include <math.h>

#define DEGREE 0.017453292519943295

double nn_phantom_subtlety(double translation_mm, double angulation_deg, double height_loss_percent,
                           double gap_mm)
{
    double r = fmax(fmax(translation_mm / 3.5, angulation_deg / 11.0),
                    fmax(height_loss_percent / 25.0, gap_mm / 2.0));

    return nn_phantom_clamp(1 - 0.4 * r, 0, 1);
}

const char *nn_phantom_kind_name(enum phantom_kind kind)
{
    static const char *const NAMES[] = {"",
                                        "wedge",
                                        "burst",
                                        "teardrop",
                                        "spinous",
                                        "dens",
                                        "hangman",
                                        "bilateral facet",
                                        "unilateral facet",
                                        "perched facet",
                                        "atlanto-axial"};

    return NAMES[kind];
}

static int pick(struct phantom_rng *rng, const double *weights, int count)
{
    double at = nn_phantom_uniform(rng, 0, 1);
    int i = 0;

    while (i < count - 1 && at >= weights[i])
        at -= weights[i++];
    return i;
}

/* A severity r (subtlety = 1 - 0.4 r): mostly obvious to moderate, a tail down to 0.5. */
static double severity(struct phantom_rng *rng)
{
    static const double WEIGHTS[] = {0.55, 0.33, 0.12};

    switch (pick(rng, WEIGHTS, 3)) {
    case 0:
        return nn_phantom_uniform(rng, 1.75, 2.6);
    case 1:
        return nn_phantom_uniform(rng, 1.0, 1.75);
    default:
        return nn_phantom_uniform(rng, 0.5, 1.0);
    }
}

static void sample_fracture(struct phantom_rng *rng, const struct phantom_anatomy *anatomy,
                            struct phantom_injury *injury)
{
    static const double KINDS[] = {0.24, 0.18, 0.16, 0.14, 0.16, 0.12};
    static const double LEVELS[] = {0.10, 0.17, 0.28, 0.27, 0.18}; /* C3..C7 */
    double r = severity(rng), depth, height;

    injury->kind = (enum phantom_kind)(PHANTOM_WEDGE + pick(rng, KINDS, 6));
    injury->level = 3 + pick(rng, LEVELS, 5);
    if (injury->kind == PHANTOM_SPINOUS)
        injury->level = nn_phantom_chance(rng, 0.6) ? 7 : nn_phantom_chance(rng, 0.7) ? 6 : 5;
    if (injury->kind == PHANTOM_DENS || injury->kind == PHANTOM_HANGMAN)
        injury->level = 2;
    depth = anatomy->level[injury->level].depth;
    height = anatomy->level[injury->level].height;
    switch (injury->kind) {
    case PHANTOM_WEDGE:
        injury->height_loss = 25 * r;
        injury->angulation = 0.9 * atan(injury->height_loss / 100 * height / depth) / DEGREE;
        break;
    case PHANTOM_BURST:
        injury->height_loss = 25 * r;
        injury->angulation = 0.3 * atan(injury->height_loss / 100 * height / depth) / DEGREE;
        injury->gap = 0.6 * r;
        break;
    case PHANTOM_TEARDROP:
        injury->gap = 2 * r;
        injury->translation = -0.9 * r; /* the body slips back */
        injury->angulation = 4 * r;
        break;
    case PHANTOM_SPINOUS:
        injury->gap = 2 * r;
        break;
    case PHANTOM_DENS:
        injury->gap = 1.0 * r;
        injury->translation = (nn_phantom_chance(rng, 0.6) ? 3.5 : -3.5) * r;
        injury->angulation = (injury->translation > 0 ? 8 : -8) * r;
        break;
    default:
        injury->gap = 2 * r;
        injury->translation = 1.6 * r;
        injury->angulation = 5 * r;
        break;
    }
}

static void sample_dislocation(struct phantom_rng *rng, const struct phantom_anatomy *anatomy,
                               struct phantom_injury *injury)
{
    static const double KINDS[] = {0.40, 0.26, 0.20, 0.14};
    static const double LEVELS[] = {0.12, 0.22, 0.34, 0.32}; /* C3..C6 on the one below */
    double depth;

    injury->kind = (enum phantom_kind)(PHANTOM_BILATERAL + pick(rng, KINDS, 4));
    injury->level = 3 + pick(rng, LEVELS, 4);
    depth = anatomy->level[injury->level].depth;
    switch (injury->kind) {
    case PHANTOM_BILATERAL:
        injury->translation = depth * nn_phantom_uniform(rng, 0.38, 0.60);
        injury->angulation = nn_phantom_uniform(rng, 5, 17);
        injury->lift = nn_phantom_uniform(rng, 0, 2.5);
        break;
    case PHANTOM_UNILATERAL:
        injury->translation = depth * nn_phantom_uniform(rng, 0.14, 0.32);
        injury->angulation = nn_phantom_uniform(rng, 2, 9);
        injury->lift = nn_phantom_uniform(rng, 0, 1);
        break;
    case PHANTOM_PERCHED:
        injury->translation = depth * nn_phantom_uniform(rng, 0.12, 0.28);
        injury->angulation = nn_phantom_uniform(rng, 11, 22);
        injury->lift = nn_phantom_uniform(rng, 0, 1.5);
        break;
    default:
        injury->level = 1;
        injury->translation = 3.5 * severity(rng);
        injury->angulation = nn_phantom_uniform(rng, 0, 5);
        break;
    }
}

void nn_phantom_injury(uint64_t seed, uint64_t index, enum nn_phantom_class class_,
                       const struct phantom_anatomy *anatomy, struct phantom_injury *injury)
{
    struct phantom_rng rng = nn_phantom_rng(seed, index, PHANTOM_LESION);
    double r;

    *injury = (struct phantom_injury){0};
    if (class_ == NN_PHANTOM_NORMAL)
        return;
    if (class_ == NN_PHANTOM_FRACTURE)
        sample_fracture(&rng, anatomy, injury);
    else
        sample_dislocation(&rng, anatomy, injury);
    r = (1 - nn_phantom_subtlety(fabs(injury->translation), fabs(injury->angulation),
                                 injury->height_loss, injury->gap)) /
        0.4;
    injury->swelling = injury->kind == PHANTOM_SPINOUS ? 0 : r * nn_phantom_uniform(&rng, 0.4, 3.2);
    injury->phase = nn_phantom_uniform(&rng, 0, 6.28);
    injury->tilt = nn_phantom_normal(&rng, 0, 0.15);
    injury->size = nn_phantom_uniform(&rng, 0, 1);
}

static void swing(struct phantom_frame *frame, struct vec pivot, double angle, struct vec shift)
{
    double c = cos(angle), s = sin(angle);
    double x = frame->at.x - pivot.x, y = frame->at.y - pivot.y;

    frame->at = (struct vec){pivot.x + c * x - s * y + shift.x, pivot.y + s * x + c * y + shift.y};
    frame->angle += angle;
}

/* Moves levels up to `top`, the dens's upper part and the skull. */
static void swing_above(struct phantom_anatomy *anatomy, int top, struct vec pivot, double angle,
                        struct vec shift)
{
    for (int i = 1; i <= top; i++) {
        swing(&anatomy->level[i].frame, pivot, angle, shift);
        swing(&anatomy->level[i].rear, pivot, angle, shift);
    }
    swing(&anatomy->skull, pivot, angle, shift);
    if (top >= 2)
        swing(&anatomy->dens, pivot, angle, shift);
}

/* The joints above an injury take most of its angle back, as a patient does who looks ahead: the
 * head's pose must not tell what the injured level should. */
static void compensate(struct phantom_anatomy *anatomy, int top, double angle)
{
    static const struct vec STILL = {0, 0};
    double share = -0.85 * angle / top;

    for (int i = top - 1; i >= 1; i--) {
        const struct phantom_level *below = &anatomy->level[i + 1];

        swing_above(anatomy, i, nn_phantom_place(below->frame, 0, -below->height / 2), share,
                    STILL);
    }
    swing(&anatomy->skull, anatomy->level[1].frame.at, share, STILL);
}

static void dislocate(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    struct phantom_frame below = anatomy->level[injury->level + 1].frame;
    const struct phantom_level *lower = &anatomy->level[injury->level + 1];
    struct vec pivot = nn_phantom_place(below, lower->depth * 0.2, -lower->height / 2);
    struct vec to = nn_phantom_place(below, injury->translation, -injury->lift);
    struct vec shift = {to.x - below.at.x, to.y - below.at.y};

    if (injury->kind == PHANTOM_ATLANTOAXIAL)
        pivot = anatomy->level[1].frame.at;
    swing_above(anatomy, injury->level, pivot, injury->angulation * DEGREE, shift);
    if (injury->kind == PHANTOM_UNILATERAL)
        for (int i = 2; i <= injury->level; i++)
            anatomy->level[i].paired +=
                (anatomy->level[i].paired < 0 ? -1 : 1) * (2.5 + 0.4 * injury->translation);
}

static void collapse(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    const struct phantom_level *level = &anatomy->level[injury->level];
    double loss = injury->height_loss / 100 * level->height;
    double back = injury->kind == PHANTOM_BURST ? 0.6 * loss : 0.1 * loss;
    struct vec pivot = nn_phantom_place(level->frame, -level->depth / 2, -level->height / 2);
    struct vec to = nn_phantom_place(level->frame, -level->depth / 2, back - level->height / 2);
    struct vec shift = {to.x - pivot.x, to.y - pivot.y};

    swing_above(anatomy, injury->level - 1, pivot, injury->angulation * DEGREE, shift);
}

static void break_axis(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    struct phantom_frame axis = anatomy->level[2].frame;
    double lift = injury->kind == PHANTOM_DENS ? injury->gap : 0;
    double scale = anatomy->scale;
    double base = injury->kind == PHANTOM_DENS ? -9 * scale : anatomy->level[2].height / 2;
    struct vec pivot = nn_phantom_place(axis, 0, base);
    struct vec to = nn_phantom_place(axis, injury->translation, base - lift);
    struct vec shift = {to.x - pivot.x, to.y - pivot.y};
    struct phantom_frame stay = anatomy->level[2].rear;

    if (injury->kind == PHANTOM_DENS) {
        swing(&anatomy->dens, pivot, injury->angulation * DEGREE, shift);
        swing_above(anatomy, 1, pivot, injury->angulation * DEGREE, shift);
        return;
    }
    swing_above(anatomy, 2, pivot, injury->angulation * DEGREE, shift);
    anatomy->level[2].rear = stay;
}

void nn_phantom_injure(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    struct vec at, to;

    for (int i = 1; i <= PHANTOM_T1 && injury->kind != PHANTOM_NONE; i++) {
        double far = i - injury->level;

        anatomy->level[i].prevertebral += injury->swelling * exp(-far * far / 2.5);
    }
    switch (injury->kind) {
    case PHANTOM_NONE:
    case PHANTOM_SPINOUS:
        break;
    case PHANTOM_WEDGE:
    case PHANTOM_BURST:
        collapse(injury, anatomy);
        break;
    case PHANTOM_TEARDROP:
        at = anatomy->level[injury->level].frame.at;
        to = nn_phantom_place(anatomy->level[injury->level].frame, injury->translation, 0);
        swing_above(anatomy, injury->level, at, injury->angulation * DEGREE,
                    (struct vec){to.x - at.x, to.y - at.y});
        break;
    case PHANTOM_DENS:
    case PHANTOM_HANGMAN:
        break_axis(injury, anatomy);
        break;
    default:
        dislocate(injury, anatomy);
        break;
    }
    if (injury->level > 2)
        compensate(anatomy, injury->level, injury->angulation * DEGREE);
}

/* A rectangle of one frame: u from front to back, v from top to bottom. */
static int corners(struct phantom_frame frame, double front, double back, double top, double bottom,
                   struct vec *points)
{
    points[0] = nn_phantom_place(frame, front, top);
    points[1] = nn_phantom_place(frame, back, top);
    points[2] = nn_phantom_place(frame, front, bottom);
    points[3] = nn_phantom_place(frame, back, bottom);
    return 4;
}

int nn_phantom_region(const struct phantom_injury *injury, const struct phantom_anatomy *anatomy,
                      struct vec *points)
{
    const struct phantom_level *level = &anatomy->level[injury->level];
    double scale = anatomy->scale, half = level->depth / 2, tall = level->height / 2;
    double back = -half - level->canal;
    int n;

    switch (injury->kind) {
    case PHANTOM_NONE:
        return 0;
    case PHANTOM_WEDGE:
    case PHANTOM_BURST:
        return corners(level->frame, half + 4 * scale, -half - 4 * scale, -tall - 3 * scale,
                       tall + 2 * scale, points);
    case PHANTOM_TEARDROP:
        return corners(level->frame, half + 6 * scale, -half - 4 * scale, -tall - 2 * scale,
                       tall + 7 * scale, points);
    case PHANTOM_SPINOUS:
        return corners(level->rear, back + 4 * scale, back - level->spinous - 3 * scale, -5 * scale,
                       level->spinous_drop + level->spinous_height + 4 * scale, points);
    case PHANTOM_DENS:
        n = corners(level->frame, half + 2 * scale, -half - 2 * scale, -14 * scale, 0, points);
        return n +
               corners(anatomy->dens, half + 2 * scale, -half, -27 * scale, -8 * scale, points + n);
    case PHANTOM_HANGMAN:
        n = corners(level->frame, half + 3 * scale, -half, -8 * scale, tall + 5 * scale, points);
        return n +
               corners(level->rear, -half, -half - 15 * scale, -9 * scale, 12 * scale, points + n);
    case PHANTOM_ATLANTOAXIAL:
        n = corners(level->frame, 16 * scale + anatomy->interval, -10 * scale, -9 * scale,
                    9 * scale, points);
        return n +
               corners(anatomy->dens, 6 * scale, -7 * scale, -26 * scale, -8 * scale, points + n);
    default:
        n = corners(level->frame, half + 3 * scale, back + 4 * scale, -tall, tall + 3 * scale,
                    points);
        level = &anatomy->level[injury->level + 1];
        return n + corners(level->frame, level->depth / 2 + 3 * scale,
                           -level->depth / 2 - level->canal + 4 * scale, -level->height / 2,
                           level->height / 2, points + n);
    }
}
