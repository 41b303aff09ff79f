/* view.c: how the patient stands to tube and detector, of every subject that has a spine.
 *
 * A beam is three axes: across and down the detector, and from the detector to the tube. They start
 * from the projection's textbook position and are turned by what goes wrong in practice; then the
 * field is chosen round the uninjured anatomy as it falls on the detector, whatever the class.
 *
 * Distances: focus to detector 1500-1800 mm for a lateral, 1000-1200 mm for an AP; the patient's
 * mid-plane lies a shoulder's half width from the detector (Whitley et al., Clark's Positioning in
 * Radiography, 13th ed., 2015, cervical spine). */
#include "phantom_parts.h"
#include <math.h>

/* Axes of the detector in the patient's axes; z runs to the tube. */
struct beam {
    struct vec3 x, y, z;
    struct vec3 target; /* the central ray's point */
    double distance;    /* focus to detector, mm */
    double object;      /* target to detector, mm */
    double spot_x, spot_y;
    bool mirrored;
};

/* On the detector, mm from where camera (0, 0) lies. */
struct extent {
    double low_x, high_x, low_y, high_y;
};

/* Which part of the patient fills how much of the field. */
struct field {
    int first, last;                /* levels that must be in it */
    double least, most;             /* share of the image's height (or width) that they take */
    double above_least, above_most; /* share of the rest that lies above them */
    double margin;                  /* mm free to the sides */
};

static void turn(struct vec3 *a, struct vec3 *b, double angle)
{
    struct vec3 p = *a, q = *b;
    double c = cos(angle), s = sin(angle);

    *a = nn_vec3_add(nn_vec3_scale(p, c), nn_vec3_scale(q, s));
    *b = nn_vec3_sub(nn_vec3_scale(q, c), nn_vec3_scale(p, s));
}

/* Bounded bell. */
static double bell(struct phantom_rng *rng, double deviation, double most)
{
    return nn_phantom_clamp(nn_phantom_normal(rng, 0, deviation), -most, most);
}

static void aim(const struct beam *beam, struct nn_camera *camera)
{
    const struct vec3 *axis[3] = {&beam->x, &beam->y, &beam->z};

    for (int i = 0; i < 3; i++) {
        camera->pose.turn[i][0] = axis[i]->x;
        camera->pose.turn[i][1] = axis[i]->y;
        camera->pose.turn[i][2] = axis[i]->z;
    }
    camera->pose.at =
        (struct vec3){-nn_vec3_dot(beam->x, beam->target), -nn_vec3_dot(beam->y, beam->target),
                      beam->object - nn_vec3_dot(beam->z, beam->target)};
    camera->spot_x = beam->spot_x;
    camera->spot_y = beam->spot_y;
    camera->distance = beam->distance;
    camera->mirrored = beam->mirrored;
}

static void include(struct extent *extent, const struct nn_camera *camera, struct vec3 patient)
{
    struct vec3 p = nn_pose_apply(&camera->pose, patient);
    double by = camera->distance / (camera->distance - p.z);
    double x = camera->spot_x + (p.x - camera->spot_x) * by;
    double y = camera->spot_y + (p.y - camera->spot_y) * by;

    extent->low_x = fmin(extent->low_x, x);
    extent->high_x = fmax(extent->high_x, x);
    extent->low_y = fmin(extent->low_y, y);
    extent->high_y = fmax(extent->high_y, y);
}

static void include_level(struct extent *extent, const struct nn_camera *camera,
                          const struct phantom_level *level, double scale)
{
    double front = level->depth / 2 + 2, half = level->height / 2;
    double tip = -level->depth / 2 - level->canal - fmin(level->spinous, 24 * scale);

    for (int side = -1; side <= 1; side += 2) {
        double z = side * level->width / 2;

        include(extent, camera, nn_pose_apply(&level->body, (struct vec3){front, -half, z}));
        include(extent, camera, nn_pose_apply(&level->body, (struct vec3){front, half, z}));
        include(extent, camera, nn_pose_apply(&level->body, (struct vec3){-front, -half, z}));
        include(extent, camera, nn_pose_apply(&level->body, (struct vec3){-front, half, z}));
    }
    include(extent, camera,
            nn_pose_apply(&level->rear, (struct vec3){tip, level->spinous_drop, 0}));
}

static struct extent extent_of(const struct nn_camera *camera, const struct phantom_anatomy *a,
                               int first, int last)
{
    struct extent extent = {INFINITY, -INFINITY, INFINITY, -INFINITY};

    for (int i = first; i <= last; i++)
        include_level(&extent, camera, &a->level[i], a->scale);
    return extent;
}

/* Row, in mm on the detector, of a point `up` body heights above the middle of a level. */
static double row_of(const struct nn_camera *camera, const struct phantom_anatomy *a, int level,
                     double up)
{
    struct extent at = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    struct vec3 p = {0, -up * a->level[level].height, 0};

    include(&at, camera, nn_pose_apply(&a->level[level].body, p));
    return at.low_y;
}

/* Pitch and the columns; the extent lies anywhere in the width. */
static void fit_width(struct nn_camera *camera, const struct extent *extent, double pitch,
                      double margin, struct phantom_rng *rng)
{
    double width = extent->high_x - extent->low_x + 2 * margin, slack;

    camera->pitch = fmax(pitch, width / camera->cols);
    slack = camera->cols * camera->pitch - width;
    slack *= nn_phantom_uniform(rng, 0.2, 0.8);
    camera->middle_x = (slack + margin - extent->low_x) / camera->pitch;
}

static void fit(struct nn_camera *camera, const struct extent *extent, const struct field *field,
                struct phantom_rng *rng)
{
    double height = extent->high_y - extent->low_y;
    double share = nn_phantom_uniform(rng, field->least, field->most), slack;

    fit_width(camera, extent, height / (share * camera->rows), field->margin, rng);
    slack = camera->rows * camera->pitch - height;
    slack *= nn_phantom_uniform(rng, field->above_least, field->above_most);
    camera->middle_y = (slack - extent->low_y) / camera->pitch;
}

/* The beam of a lateral: facing either way, the tube on either side. */
static struct beam lateral_beam(const struct phantom_anatomy *a, bool other,
                                struct phantom_rng *rng)
{
    bool left = nn_phantom_chance(rng, 0.5), cross_table = nn_phantom_chance(rng, 0.35);
    double side = left ? 1 : -1, loose = other ? 1.4 : cross_table ? 1.2 : 1;
    struct beam beam = {.x = {side, 0, 0}, .y = {0, 1, 0}, .z = {0, 0, side}};

    beam.mirrored = nn_phantom_chance(rng, 0.5);
    turn(&beam.z, &beam.x, PHANTOM_DEGREE * bell(rng, 2.4 * loose, 6));
    turn(&beam.z, &beam.y, PHANTOM_DEGREE * bell(rng, 2.0 * loose, 6));
    turn(&beam.x, &beam.y, PHANTOM_DEGREE * bell(rng, 4.5 * loose, 12));
    beam.target = a->level[4].body.at;
    beam.target.x += bell(rng, 14, 35);
    beam.target.y += bell(rng, 16, 40);
    if (other)
        beam.distance = nn_phantom_uniform(rng, 1100, 1450);
    else
        beam.distance = nn_phantom_uniform(rng, 1500, 1800);
    beam.object = nn_phantom_uniform(rng, other ? 160 : 200, other ? 260 : 350);
    beam.spot_x = bell(rng, 10, 25);
    beam.spot_y = bell(rng, 12, 30);
    return beam;
}

/* C1..C7 in the field; some of all images end amid C5, C6 or C7, and T1 is not in them, whatever
 * the class; `brief`: all. The scale is that of the whole neck. */
static void view_lateral(const struct phantom_anatomy *a, bool other, bool brief,
                         struct nn_camera *camera, struct phantom_rng *rng)
{
    static const struct field FIELD[2] = {{1, 7, 0.55, 0.95, 0.35, 0.85, 6},
                                          {1, 7, 0.5, 0.9, 0.2, 0.9, 4}};
    struct beam beam = lateral_beam(a, other, rng);
    bool cut = nn_phantom_chance(rng, 0.08);
    double edge = nn_phantom_uniform(rng, -0.3, 0.3);
    int last = 5 + (int)nn_phantom_uniform(rng, 0, 3);
    struct extent extent;

    aim(&beam, camera);
    extent = extent_of(camera, a, 1, 7);
    fit(camera, &extent, &FIELD[other], rng);
    if (cut || brief)
        camera->middle_y = camera->rows - row_of(camera, a, last, edge) / camera->pitch;
}

/* Ends above or amid C4, or begins under it. */
static void view_cropped(const struct phantom_anatomy *a, bool other, struct nn_camera *camera,
                         struct phantom_rng *rng)
{
    struct beam beam = lateral_beam(a, other, rng);
    bool above = nn_phantom_chance(rng, 0.5);
    double share = nn_phantom_uniform(rng, 0.45, 0.95), rows = camera->rows, up, edge;
    struct extent extent, whole;

    aim(&beam, camera);
    whole = extent_of(camera, a, 1, 7);
    extent = above ? extent_of(camera, a, 1, 3) : extent_of(camera, a, 5, 9);
    fit_width(camera, &extent, (whole.high_y - whole.low_y) / (share * rows), 4, rng);
    up = nn_phantom_uniform(rng, above ? 0 : -0.9, above ? 1.3 : 0);
    edge = row_of(camera, a, 4, up) / camera->pitch;
    camera->middle_y = above ? rows - edge : -edge;
}

static struct beam frontal_beam(struct phantom_rng *rng, double caudal, double spread)
{
    /* The tube before the patient, whose left is on the picture's right. */
    struct beam beam = {.x = {0, 0, -1}, .y = {0, 1, 0}, .z = {1, 0, 0}};
    bool behind = nn_phantom_chance(rng, 0.12);

    if (behind) {
        beam.x.z = 1;
        beam.z.x = -1;
    }
    beam.mirrored = nn_phantom_chance(rng, 0.9) != behind;
    turn(&beam.z, &beam.x, PHANTOM_DEGREE * bell(rng, spread, 8));
    turn(&beam.z, &beam.y, PHANTOM_DEGREE * caudal);
    turn(&beam.x, &beam.y, PHANTOM_DEGREE * bell(rng, 3, 9));
    beam.distance = nn_phantom_uniform(rng, 1000, 1250);
    beam.object = nn_phantom_uniform(rng, 80, 180);
    beam.spot_x = bell(rng, 8, 20);
    beam.spot_y = bell(rng, 10, 25);
    return beam;
}

static void view_frontal(const struct phantom_anatomy *a, bool open_mouth, struct nn_camera *camera,
                         struct phantom_rng *rng)
{
    static const struct field AP = {3, 9, 0.42, 0.92, 0.2, 0.8, 25};
    static const struct field ODONTOID = {1, 2, 0.3, 0.6, 0.35, 0.7, 12};
    const struct field *field = open_mouth ? &ODONTOID : &AP;
    double angle = nn_phantom_uniform(rng, 15, 20);
    struct beam beam;
    struct extent extent;

    angle *= nn_phantom_chance(rng, 0.92) ? 1 : -1;
    if (open_mouth)
        angle = bell(rng, 4, 9);
    else if (nn_phantom_chance(rng, 0.12))
        angle = bell(rng, 4, 9);
    beam = frontal_beam(rng, angle, 2.5);
    beam.target = a->level[open_mouth ? 2 : 5].body.at;
    beam.target.y += bell(rng, 8, 20);
    aim(&beam, camera);
    extent = extent_of(camera, a, field->first, field->last);
    fit(camera, &extent, field, rng);
}

static void view_oblique(const struct phantom_anatomy *a, bool other, struct nn_camera *camera,
                         struct phantom_rng *rng)
{
    static const struct field FIELD = {1, 7, 0.45, 0.9, 0.3, 0.8, 14};
    double most = nn_phantom_chance(rng, 0.5) ? 1 : -1;
    double angle = nn_phantom_uniform(rng, 45, 55) * most;
    double caudal = nn_phantom_uniform(rng, -5, 20);
    struct beam beam = frontal_beam(rng, caudal, 0.5);
    struct extent extent;

    beam.x = (struct vec3){0, 0, -1};
    beam.y = (struct vec3){0, 1, 0};
    beam.z = (struct vec3){1, 0, 0};
    if (nn_phantom_chance(rng, 0.4)) { /* the tube behind */
        beam.x.z = 1;
        beam.z.x = -1;
    }
    turn(&beam.z, &beam.x, PHANTOM_DEGREE * angle);
    turn(&beam.z, &beam.y, PHANTOM_DEGREE * caudal);
    turn(&beam.x, &beam.y, PHANTOM_DEGREE * bell(rng, 4, 12));
    beam.mirrored = nn_phantom_chance(rng, 0.5);
    beam.distance = nn_phantom_uniform(rng, other ? 1100 : 1400, other ? 1400 : 1800);
    beam.object = nn_phantom_uniform(rng, 150, 280);
    beam.target = a->level[4].body.at;
    aim(&beam, camera);
    extent = extent_of(camera, a, FIELD.first, FIELD.last);
    fit(camera, &extent, &FIELD, rng);
}

/* Laterals of another part: swimmer's at C7/T1, thoracic T1..T9. */
static void view_lower(const struct phantom_anatomy *a, bool thoracic, bool other,
                       struct nn_camera *camera, struct phantom_rng *rng)
{
    static const struct field SWIMMERS = {5, 10, 0.4, 0.85, 0.2, 0.6, 14};
    static const struct field THORACIC = {8, 16, 0.7, 0.95, 0.2, 0.8, 10};
    const struct field *field = thoracic ? &THORACIC : &SWIMMERS;
    struct beam beam = lateral_beam(a, other, rng);
    struct extent extent;

    if (!thoracic) /* shoulders apart: the body turned a little, or the tube angled caudally */
        turn(&beam.z, &beam.x, PHANTOM_DEGREE * bell(rng, 4, 9));
    beam.target = a->level[thoracic ? 12 : 7].body.at;
    beam.target.y += bell(rng, 8, 20);
    aim(&beam, camera);
    extent = extent_of(camera, a, field->first, field->last);
    fit(camera, &extent, field, rng);
}

/* The whole vault; the field ends at C1..C3. */
static void view_skull(const struct phantom_anatomy *a, bool other, struct nn_camera *camera,
                       struct phantom_rng *rng)
{
    struct beam beam = lateral_beam(a, other, rng);
    struct extent extent = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    double s = a->scale, face = nn_phantom_uniform(rng, 78, 108), up, edge, above;
    int level;

    beam.target = nn_pose_apply(&a->skull, (struct vec3){10 * s, -40 * s, 0});
    aim(&beam, camera);
    for (int i = 0; i < 12; i++) { /* round the vault and the face */
        double angle = 30 * PHANTOM_DEGREE * i;
        double reach = cos(angle) > 0 ? face : 106;
        struct vec3 rim = {(2 + reach * cos(angle)) * s, (-50 + 92 * sin(angle)) * s, 0};

        include(&extent, camera, nn_pose_apply(&a->skull, rim));
    }
    level = nn_phantom_chance(rng, 0.5) ? 1 : 2;
    up = nn_phantom_uniform(rng, -1, 0.5);
    edge = row_of(camera, a, level, up);
    above = nn_phantom_uniform(rng, 4, 25);
    extent.high_y = edge;
    fit_width(camera, &extent, (edge - extent.low_y + above) / camera->rows, 6, rng);
    camera->middle_y = camera->rows - edge / camera->pitch;
}

void nn_phantom_view(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct phantom_anatomy *uninjured, struct nn_camera *camera)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_VIEW);
    bool other = settings->configuration == 1;

    *camera = (struct nn_camera){.rows = settings->rows, .cols = settings->cols};
    switch (settings->subject) {
    case NN_PHANTOM_AP:
        view_frontal(uninjured, false, camera, &rng);
        break;
    case NN_PHANTOM_ODONTOID:
        view_frontal(uninjured, true, camera, &rng);
        break;
    case NN_PHANTOM_OBLIQUE:
        view_oblique(uninjured, other, camera, &rng);
        break;
    case NN_PHANTOM_SWIMMERS:
        view_lower(uninjured, false, other, camera, &rng);
        break;
    case NN_PHANTOM_THORACIC_LATERAL:
        view_lower(uninjured, true, other, camera, &rng);
        break;
    case NN_PHANTOM_SKULL_LATERAL:
        view_skull(uninjured, other, camera, &rng);
        break;
    case NN_PHANTOM_CROPPED:
        view_cropped(uninjured, other, camera, &rng);
        break;
    default: /* laterals; and the things of others.c, which choose their own camera */
        view_lateral(uninjured, other, settings->subject == NN_PHANTOM_LATERAL_SHORT, camera, &rng);
    }
}
