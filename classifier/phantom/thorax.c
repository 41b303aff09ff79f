/* thorax.c: ribs, sternum, lungs round heart and mediastinum, a raised arm.
 *
 * Shapes are rough: half widths and depths of the rib rings follow the general proportions of an
 * adult's thorax (widest at the 8th rib, ring planes falling forwards by 35 mm at the first to some
 * 120 mm at the 8th; cf. Gray's Anatomy, 41st ed., 2016, ch. 53), for looks, not for measurement.
 * Lungs: a quarter of soft tissue's density (ICRU 44: 0.26). */
#include "phantom_parts.h"
#include <math.h>

#define RIBS   12
#define ALONG  18 /* points of a rib */
#define RINGS  22 /* of a lung */
#define DOME   6  /* of them under the base */
#define AROUND 26
#define LUNG   (0.26 * PHANTOM_SOFT)

struct rib {
    double width, depth; /* half axes of its ring, mm */
    double fall;         /* from its back to its front */
    double end;          /* angle at which its bone ends, degrees from the back */
};
static const struct rib RIB[RIBS] = {
    {56, 42, 36, 148},   {84, 58, 58, 150},   {104, 70, 74, 150},  {117, 79, 88, 150},
    {126, 86, 98, 150},  {132, 92, 106, 149}, {136, 96, 112, 145}, {138, 98, 118, 136},
    {136, 98, 120, 126}, {130, 95, 116, 110}, {120, 86, 98, 84},   {104, 72, 66, 52},
};

struct thorax {
    struct vec3 spine[RIBS]; /* middles of T1..T12 */
    double s;                /* scale */
    double wide, deep;       /* of this patient, about 1 */
    double steep;            /* of the ribs' fall, about 1 */
    double breath;           /* of the diaphragm: mm lower (inspired) */
    double heart;            /* size, about 1 */
    double bone;             /* rib's attenuation over soft tissue */
};

static void sample(const struct nn_phantom_settings *settings, uint64_t index,
                   const struct phantom_anatomy *a, struct thorax *t)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_THORAX);
    bool other = settings->configuration == 1;
    int known = PHANTOM_LAST - PHANTOM_T1 + 1;

    for (int i = 0; i < RIBS; i++) {
        if (i < known) {
            t->spine[i] = a->level[PHANTOM_T1 + i].body.at;
        } else { /* straight on from the last two */
            t->spine[i] = nn_vec3_sub(nn_vec3_scale(t->spine[i - 1], 2), t->spine[i - 2]);
            t->spine[i].x += 1.5 * a->scale;
        }
    }
    t->s = a->scale;
    t->wide = nn_phantom_clamp(nn_phantom_normal(&rng, other ? 1.08 : 1, 0.06), 0.8, 1.3);
    t->deep = nn_phantom_clamp(nn_phantom_normal(&rng, other ? 0.9 : 0.96, 0.05), 0.8, 1.08);
    t->steep = nn_phantom_clamp(nn_phantom_normal(&rng, 1, 0.12), 0.7, 1.3);
    t->breath = nn_phantom_normal(&rng, 0, 12) * t->s;
    t->heart = nn_phantom_clamp(nn_phantom_normal(&rng, 1, 0.14), 0.7, 1.5);
    t->bone = (PHANTOM_CORTEX - PHANTOM_SOFT) * (0.5 + 0.5 * a->density);
}

/* On the ring of rib i, phi from the back; side -1 right, 1 left. */
static struct vec3 on_ring(const struct thorax *t, int i, double phi, int side)
{
    double depth = 0.92 * RIB[i].depth * t->deep * t->s, width = RIB[i].width * t->wide * t->s;
    double back = t->spine[i].x - 33 * t->s, fall = RIB[i].fall * t->steep * t->s;

    return (struct vec3){back + depth * (1 - cos(phi)),
                         t->spine[i].y - 4 * t->s + fall * (1 - cos(phi)) / 2,
                         side * width * sin(phi)};
}

/* A tube of cortex with a spongy middle. */
static void draw_rib(struct phantom_scene *scene, const struct thorax *t, int i, int side)
{
    struct vec3 point[ALONG];
    double radius[ALONG], inside[ALONG], end = RIB[i].end * PHANTOM_DEGREE;

    point[0] = (struct vec3){t->spine[i].x - 7 * t->s, t->spine[i].y - 8 * t->s, side * 15 * t->s};
    for (int k = 1; k < ALONG; k++) {
        double phi = 0.21 + (end - 0.21) * (k - 1) / (ALONG - 2);

        point[k] = on_ring(t, i, phi, side);
    }
    for (int k = 0; k < ALONG; k++) {
        radius[k] = (k < 2 ? 4.2 : k > ALONG - 4 ? 5.6 : 4.9) * t->s * (i == 0 ? 1.12 : 1);
        if (i == RIBS - 1)
            radius[k] *= 0.8;
        inside[k] = radius[k] - 0.9 * t->s;
    }
    nn_scene_tube(scene, point, radius, ALONG, t->bone);
    nn_scene_tube(scene, point, inside, ALONG, -0.85 * t->bone);
}

/* Manubrium and body, along the line before the ribs' front ends. */
static void draw_sternum(struct phantom_scene *scene, const struct thorax *t, double density)
{
    struct vec3 top = on_ring(t, 0, 2.9, 1), low = on_ring(t, 6, 2.75, 1);
    double s = t->s, length, lean;
    struct nn_solid solid;
    struct nn_part *part;
    struct pose pose;

    top.z = low.z = 0;
    length = nn_vec3_length(nn_vec3_sub(low, top));
    lean = -atan2(low.x - top.x, low.y - top.y);
    pose = nn_pose_of(top, lean, 0, 0);
    nn_solid_init(&solid, (struct vec3){-12 * s, -25 * s, -36 * s},
                  (struct vec3){12 * s, length + 12 * s, 36 * s});
    part = nn_solid_add(&solid, NN_PART_BOX, (struct vec3){0, 8 * s, 0});
    part->size = (struct vec3){5 * s, 22 * s, 26 * s};
    part->round = 4 * s;
    part = nn_solid_add(&solid, NN_PART_BOX, (struct vec3){0, (length + 32 * s) / 2, 0});
    part->size = (struct vec3){4.5 * s, (length - 36 * s) / 2, 17 * s};
    part->round = 4 * s;
    nn_scene_bone(scene, &solid, &pose, 0.9 * s, 0.8 * density);
}

/* x of the spine's front at height y. */
static double spine_x(const struct thorax *t, double y)
{
    int i = 0;

    while (i < RIBS - 2 && t->spine[i + 1].y < y)
        i++;
    double share = (y - t->spine[i].y) / (t->spine[i + 1].y - t->spine[i].y);

    share = nn_phantom_clamp(share, -1, 2);
    return t->spine[i].x + share * (t->spine[i + 1].x - t->spine[i].x);
}

/* How far the mediastinum reaches to a side at (x, y): great vessels, arch, hila, heart. */
static double mediastinum(const struct thorax *t, double x, double y, int side)
{
    double s = t->s, ahead = (x - spine_x(t, y)) / s, reach = 17;
    double arch = (y - t->spine[3].y) / (11 * s), hilum = (y - t->spine[5].y) / (16 * s);
    double heart_y = (y - t->spine[8].y) / (58 * s * t->heart);
    double heart_x = (ahead - 55 * t->deep) / (58 * t->heart);
    double heart = 1 - heart_y * heart_y - heart_x * heart_x;

    if (side > 0)
        reach += 17 * exp(-arch * arch - (ahead - 15) * (ahead - 15) / 1600);
    reach += 12 * exp(-hilum * hilum - (ahead - 25) * (ahead - 25) / 400);
    if (heart > 0)
        reach = fmax(reach, (side > 0 ? 82 : 42) * t->heart * sqrt(heart));
    return reach * s;
}

/* x of the sternum's back, and of what lies over it, at height y. */
static double sternum_x(const struct thorax *t, double y)
{
    struct vec3 top = on_ring(t, 0, 2.9, 1), low = on_ring(t, 6, 2.75, 1);
    double share = (y - top.y) / (low.y - top.y);

    return top.x + nn_phantom_clamp(share, -0.35, 1.1) * (low.x - top.x) - 11 * t->s;
}

/* At height y; the base's dome is the same ring shrunk and lifted. */
static void lung_ring(const struct thorax *t, double y, double share, double shrink, double lift,
                      int side, struct vec3 *ring)
{
    double s = t->s, grown = nn_phantom_clamp(share / 0.62, 0.02, 1);
    double round_ = sqrt(1 - (1 - grown) * (1 - grown));
    double wide = 128 * t->wide * s * round_, deep = 88 * t->deep * s * round_;
    double back = spine_x(t, y) - (10 + 17 * round_) * s, inner = 12 * s;
    double middle_x, middle_z = (inner + wide) / 2, half = (wide - inner) / 2;

    deep = fmin(deep, (sternum_x(t, y - lift) - back) / 2);
    middle_x = back + deep;
    for (int k = 0; k < AROUND; k++) {
        double angle = 2 * 3.14159265358979 * k / AROUND * side, c = cos(angle), q = sin(angle);
        double x = middle_x + shrink * deep * copysign(pow(fabs(c), 0.8), c);
        double z = middle_z + shrink * half * copysign(pow(fabs(q), 0.8), q);

        z = fmax(z, fmin(mediastinum(t, x, y - lift, side), wide - 4 * s));
        ring[k] = (struct vec3){x, y - lift, side * z};
    }
}

/* A loft from the apex to the base and back up under the diaphragm's dome. */
static void draw_lung(struct phantom_scene *scene, const struct thorax *t, int side)
{
    struct vec3 point[RINGS * AROUND];
    double apex = t->spine[0].y + 3 * t->s, base = t->spine[10].y + t->breath;
    double dome = (side < 0 ? 62 : 50) * t->s;

    for (int r = 0; r < RINGS; r++) {
        double down = (double)r / (RINGS - DOME - 1),
               share = fmin(1, down * down * 0.4 + down * 0.6);
        double shrink = r < RINGS - DOME ? 1 : 1 - 0.95 * (r - (RINGS - DOME) + 1) / DOME;

        lung_ring(t, apex + share * (base - apex), share, shrink, dome * (1 - shrink * shrink),
                  side, point + r * AROUND);
    }
    nn_scene_loft(scene, point, RINGS, AROUND, LUNG - PHANTOM_SOFT, false);
}

/* One arm up beside the head: what a swimmer's view is named after. */
static void draw_raised_arm(struct phantom_scene *scene, const struct thorax *t, int side)
{
    double s = t->s;
    struct vec3 joint = {t->spine[0].x - 10 * s, t->spine[0].y + 8 * s, side * 150 * s};
    struct vec3 elbow = {joint.x + 60 * s, joint.y - 260 * s, side * 135 * s};
    struct vec3 line[6];
    double flesh[6], bone[6], marrow[6];

    for (int i = 0; i < 6; i++) {
        line[i] = nn_vec3_add(joint, nn_vec3_scale(nn_vec3_sub(elbow, joint), i / 5.0));
        flesh[i] = (46 - 3 * i) * s;
        bone[i] = (i == 0 ? 22 : i == 5 ? 17 : 11.5) * s;
        marrow[i] = bone[i] - (i == 0 || i == 5 ? 1.5 : 4) * s;
    }
    nn_scene_tube(scene, line, flesh, 6, PHANTOM_SOFT);
    nn_scene_tube(scene, line, bone, 6, PHANTOM_CORTEX - PHANTOM_SOFT);
    nn_scene_tube(scene, line, marrow, 6, PHANTOM_SPONGE - PHANTOM_CORTEX);
}

/* How many pairs of ribs can be in the field. */
static int ribs_of(enum nn_phantom_subject subject)
{
    switch (subject) {
    case NN_PHANTOM_THORACIC_LATERAL:
    case NN_PHANTOM_CHEST:
        return RIBS;
    case NN_PHANTOM_SWIMMERS:
        return 6;
    case NN_PHANTOM_AP:
    case NN_PHANTOM_OBLIQUE:
    case NN_PHANTOM_CROPPED:
        return 5;
    case NN_PHANTOM_ODONTOID:
    case NN_PHANTOM_SKULL_LATERAL:
        return 0;
    default:
        return 2;
    }
}

void nn_phantom_draw_thorax(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                            uint64_t index, const struct phantom_anatomy *uninjured)
{
    int ribs = ribs_of(settings->subject);
    struct thorax t;

    if (ribs == 0)
        return;
    sample(settings, index, uninjured, &t);
    for (int i = 0; i < ribs; i++) {
        draw_rib(scene, &t, i, -1);
        draw_rib(scene, &t, i, 1);
    }
    draw_lung(scene, &t, -1);
    draw_lung(scene, &t, 1);
    if (ribs == RIBS)
        draw_sternum(scene, &t, uninjured->density);
    if (settings->subject == NN_PHANTOM_SWIMMERS)
        draw_raised_arm(scene, &t, index % 2 == 0 ? 1 : -1);
}
