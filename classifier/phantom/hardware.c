/* hardware.c: what surgeons leave in and around a neck, for the gate. Sizes as such implants are
 * sold: plates 2-3 mm thick and 14-18 mm wide, screws of 3.5-4 mm, rods of 3.2-3.5 mm (titanium);
 * halo ring and bars of carbon fibre, aluminium or titanium with steel or titanium pins. */
#include "spine.h"
#include <math.h>

#define METAL (PHANTOM_TITANIUM - PHANTOM_SOFT)

struct surgery {
    struct phantom_scene *scene;
    const struct phantom_anatomy *a;
    struct phantom_rng rng;
    double s; /* scale */
    int first, last;
    char *variant; /* NN_PHANTOM_VARIANT bytes */
};

static void say(struct surgery *surgery, const char *what)
{
    nn_phantom_add_word(surgery->variant, what);
}

static struct vec3 on(const struct surgery *surgery, int level, bool rear, double x, double y,
                      double z)
{
    const struct phantom_level *at = &surgery->a->level[level];

    return nn_pose_apply(rear ? &at->rear : &at->body, (struct vec3){x, y, z});
}

/* A thread on a core, a head: from the head to the tip. */
static void draw_screw(struct surgery *surgery, struct vec3 head, struct vec3 tip, double radius)
{
    enum { TURNS = 14, POINTS = 2 * TURNS + 3 };
    struct vec3 point[POINTS], way = nn_vec3_sub(tip, head);
    double r[POINTS], length = nn_vec3_length(way);

    point[0] = nn_vec3_sub(head, nn_vec3_scale(way, 1.2 / length));
    r[0] = 1.5 * radius;
    point[1] = nn_vec3_add(head, nn_vec3_scale(way, 0.8 / length));
    r[1] = 1.4 * radius;
    for (int i = 2; i < POINTS; i++) {
        double t = 0.06 + 0.94 * (i - 2) / (POINTS - 3);

        point[i] = nn_vec3_add(head, nn_vec3_scale(way, t));
        r[i] = radius * (i % 2 == 0 ? 0.68 : 1) * (t > 0.9 ? 0.8 : 1);
    }
    nn_scene_tube(surgery->scene, point, r, POINTS, METAL);
}

/* A bent slab of half width z along the points, flat to the front. */
static void draw_strip(struct surgery *surgery, const struct vec3 *point, int count, double thick,
                       double wide)
{
    struct vec3 ring[16 * 8];

    for (int i = 0; i < count; i++) {
        struct vec3 along = nn_vec3_sub(point[i + 1 < count ? i + 1 : i], point[i > 0 ? i - 1 : 0]);
        struct vec3 left = {0, 0, 1}, ahead = nn_vec3_cross(along, left);
        double narrow = i == 0 || i == count - 1 ? 0.75 : i % 2 == 0 ? 1 : 0.86;

        ahead = nn_vec3_scale(ahead, 1 / nn_vec3_length(ahead));
        for (int k = 0; k < 8; k++) {
            double angle = 6.283185307179586 * (k + 0.5) / 8;
            double u = copysign(pow(fabs(cos(angle)), 0.5), cos(angle)) * thick / 2;
            double v = copysign(pow(fabs(sin(angle)), 0.5), sin(angle)) * wide * narrow;

            ring[i * 8 + k] =
                nn_vec3_add(point[i], nn_vec3_add(nn_vec3_scale(ahead, u), nn_vec3_scale(left, v)));
        }
    }
    nn_scene_loft(surgery->scene, ring, count, 8, METAL, false);
}

/* On the front of the bodies, two screws a level; fusion's bone or a spacer between. */
static void draw_plate(struct surgery *surgery)
{
    double s = surgery->s, thick = nn_phantom_uniform(&surgery->rng, 1.9, 2.8);
    double wide = nn_phantom_uniform(&surgery->rng, 6.5, 8.5) * s;
    double angle = nn_phantom_uniform(&surgery->rng, -0.05, 0.2), reach;
    double share = nn_phantom_uniform(&surgery->rng, 0.65, 0.95);
    struct vec3 point[2 * PHANTOM_LAST];
    int count = 0;

    for (int i = surgery->first; i <= surgery->last; i++) {
        const struct phantom_level *level = &surgery->a->level[i];
        double x = level->depth / 2 + thick / 2 + 0.8, half = level->height / 2;
        double up = i == surgery->first ? -0.3 * half : -0.8 * half;
        double down = i == surgery->last ? 0.3 * half : 0.8 * half;

        point[count++] = on(surgery, i, false, x, up, 0);
        point[count++] = on(surgery, i, false, x, down, 0);
        reach = share * level->depth;
        for (int side = -1; side <= 1; side += 2) {
            double lean = i == surgery->first ? -angle : i == surgery->last ? angle : 0;
            double y = lean * reach, z = side * 0.55 * wide;

            draw_screw(surgery, on(surgery, i, false, x + 0.5, 0.5 * (up + down), z),
                       on(surgery, i, false, x - reach, 0.5 * (up + down) + y, 0.75 * z), 2.0);
        }
    }
    draw_strip(surgery, point, count, thick, wide);
    say(surgery, "plate");
}

/* A hollow block in the disc's space, with markers when of plastic. */
static void draw_cage(struct surgery *surgery, int level, bool plastic)
{
    const struct phantom_level *upper = &surgery->a->level[level];
    double s = surgery->s, tall = fmax(upper->disc, 4.5 * s), depth = 0.36 * upper->depth;
    double cell = surgery->scene->cell;
    struct pose pose = upper->body;
    struct nn_solid solid;
    struct nn_part *part;

    pose.at = on(surgery, level, false, 0.6, upper->height / 2 + upper->disc / 2, 0);
    nn_solid_init(&solid, (struct vec3){-12 * s, -8 * s, -12 * s},
                  (struct vec3){12 * s, 8 * s, 12 * s});
    part = nn_solid_add(&solid, NN_PART_BOX, (struct vec3){0, 0, 0});
    part->size = (struct vec3){depth, tall / 2, 6.8 * s};
    part->round = 1.2;
    part = nn_solid_add(&solid, NN_PART_BOX, (struct vec3){0, 0, 0});
    part->size = (struct vec3){depth - 2.2, tall, 4.4 * s};
    part->round = 1;
    part->how = NN_PART_CUT;
    surgery->scene->cell = 0.8;
    nn_scene_fill(surgery->scene, &solid, &pose, plastic ? 0.024 : PHANTOM_TITANIUM, PHANTOM_SOFT);
    surgery->scene->cell = cell;
    for (int i = 0; i < 3 && plastic; i++) { /* tantalum pins */
        double x = i == 0 ? depth - 1 : 1 - depth, z = (i - 1) * (i == 0 ? 0 : 5) * s;
        struct vec3 line[2] = {nn_pose_apply(&pose, (struct vec3){x, -0.4 * tall, z}),
                               nn_pose_apply(&pose, (struct vec3){x, 0.4 * tall, z})};
        const double radius[2] = {0.5, 0.5};

        nn_scene_tube(surgery->scene, line, radius, 2, 4);
    }
}

/* Two end-plates with keels, a ball between. */
static void draw_disc(struct surgery *surgery, int level)
{
    const struct phantom_level *upper = &surgery->a->level[level];
    double s = surgery->s, tall = fmax(upper->disc, 5 * s), cell = surgery->scene->cell;
    struct pose pose = upper->body;
    struct nn_solid solid;
    struct nn_part *part;

    pose.at = on(surgery, level, false, 0, upper->height / 2 + upper->disc / 2, 0);
    nn_solid_init(&solid, (struct vec3){-12 * s, -9 * s, -12 * s},
                  (struct vec3){12 * s, 9 * s, 12 * s});
    for (int side = -1; side <= 1; side += 2) {
        part = nn_solid_add(&solid, NN_PART_BOX, (struct vec3){0, side * (tall / 2 - 0.4), 0});
        part->size = (struct vec3){0.42 * upper->depth, 0.8, 7.5 * s};
        part->round = 0.6;
        part = nn_solid_add(&solid, NN_PART_BOX, (struct vec3){-0.5, side * (tall / 2 + 1.2), 0});
        part->size = (struct vec3){0.28 * upper->depth, 1.4, 0.9};
        part->round = 0.4;
    }
    part = nn_solid_add(&solid, NN_PART_ELLIPSOID, (struct vec3){-1, tall / 2 - 0.8, 0});
    part->size = (struct vec3){5 * s, 0.55 * tall, 5 * s};
    surgery->scene->cell = 0.8;
    nn_scene_fill(surgery->scene, &solid, &pose, PHANTOM_TITANIUM * 1.4, PHANTOM_SOFT);
    surgery->scene->cell = cell;
}

static void draw_cages(struct surgery *surgery)
{
    bool disc = nn_phantom_chance(&surgery->rng, 0.4), plastic;

    plastic = nn_phantom_chance(&surgery->rng, 0.5);
    for (int i = surgery->first; i < surgery->last; i++) {
        if (disc)
            draw_disc(surgery, i);
        else
            draw_cage(surgery, i, plastic);
    }
    say(surgery, disc ? "disc prosthesis" : "cage");
}

/* Screws in the articular pillars, rods behind them, both sides. */
static void draw_rods(struct surgery *surgery)
{
    enum { EXTRA = 2 };
    double s = surgery->s, radius = nn_phantom_uniform(&surgery->rng, 1.6, 1.85);

    for (int side = -1; side <= 1; side += 2) {
        struct vec3 rod[PHANTOM_LAST + EXTRA];
        double r[PHANTOM_LAST + EXTRA];
        int count = 0;

        for (int i = surgery->first; i <= surgery->last; i++) {
            const struct phantom_level *level = &surgery->a->level[i];
            double x = nn_phantom_pillar_x(level, s), z = side * (level->pillar - 1);
            double y = (level->facet_upper + level->facet_lower) / 2;
            double long_ = nn_phantom_uniform(&surgery->rng, 12, 16) * s;
            struct vec3 head = on(surgery, i, true, x - 8 * s, y + 1, z);
            struct vec3 tip = on(surgery, i, true, x - 8 * s + long_, y - 4 * s, z + side * 5 * s);
            struct vec3 seat = on(surgery, i, true, x - 11 * s, y + 1, z);
            const struct vec3 tulip[2] = {head, seat};
            const double wide[2] = {3.2, 3.4};

            draw_screw(surgery, head, tip, 1.8);
            nn_scene_tube(surgery->scene, tulip, wide, 2, METAL);
            if (count == 0)
                rod[count++] = on(surgery, i, true, x - 11 * s, y - 7 * s, z);
            rod[count++] = seat;
            if (i == surgery->last)
                rod[count++] = on(surgery, i, true, x - 11 * s, y + 8 * s, z);
        }
        for (int i = 0; i < count; i++)
            r[i] = radius;
        nn_scene_tube(surgery->scene, rod, r, count, METAL);
    }
    say(surgery, "rods");
}

/* Skin staples along the wound, in front of the back of the neck's skin. */
static void draw_staples(struct surgery *surgery)
{
    const double radius[4] = {0.3, 0.3, 0.3, 0.3};
    double back = nn_phantom_uniform(&surgery->rng, 62, 78) * surgery->s;

    for (int i = 2; i <= 7; i++)
        for (int k = 0; k < 2; k++) {
            const struct phantom_level *level = &surgery->a->level[i];
            double y = (k - 0.5) * 0.55 * (level->height + level->disc), x = -back;
            const struct vec3 staple[4] = {
                on(surgery, i, false, x + 3, y, -2.5), on(surgery, i, false, x, y, -3),
                on(surgery, i, false, x, y, 3), on(surgery, i, false, x + 3, y, 2.5)};

            nn_scene_tube(surgery->scene, staple, radius, 4, PHANTOM_STEEL);
        }
    say(surgery, "staples");
}

/* Ring round the head with pins, bars before and behind the neck down to the vest. */
static void draw_halo(struct surgery *surgery)
{
    enum { ROUND = 28 };
    struct phantom_rng *rng = &surgery->rng;
    double s = surgery->s, high = nn_phantom_uniform(rng, 28, 62) * s;
    bool carbon = nn_phantom_chance(rng, 0.4), open = nn_phantom_chance(rng, 0.5);
    double ahead = nn_phantom_uniform(rng, 38, 82) * s, mu = carbon ? 0.034 : 0.3;
    double behind = nn_phantom_uniform(rng, 55, 105) * s,
           out = nn_phantom_uniform(rng, 75, 105) * s;
    struct vec3 ring[ROUND + 1], c7 = surgery->a->level[7].body.at;
    double thick[ROUND + 1], bar[4] = {4.6, 4.6, 4.6, 4.6};

    for (int i = 0; i <= ROUND; i++) {
        double angle = 6.283185307179586 * (open ? 0.08 + 0.84 * i / ROUND : (double)i / ROUND);

        ring[i] = nn_pose_apply(&surgery->a->skull, (struct vec3){(8 - 112 * cos(angle)) * s, -high,
                                                                  96 * s * sin(angle)});
        thick[i] = 4;
    }
    nn_scene_tube(surgery->scene, ring, thick, ROUND + 1, mu);
    for (int i = 0; i < 4; i++) { /* pins; bars */
        double front = i < 2 ? 1 : -1, side = i % 2 == 0 ? 1 : -1;
        double x = front > 0 ? ahead : -behind, drift = nn_phantom_normal(rng, 0, 5) * s;
        const struct vec3 pin[2] = {
            nn_pose_apply(&surgery->a->skull,
                          (struct vec3){(8 + front * 92) * s, -high, side * 62 * s}),
            nn_pose_apply(&surgery->a->skull,
                          (struct vec3){(8 + front * 70) * s, -high, side * 47 * s})};
        const double sharp[2] = {2.8, 1};
        struct vec3 top =
            nn_pose_apply(&surgery->a->skull, (struct vec3){x + 6 * s, -high - 12 * s, side * out});
        struct vec3 low = {c7.x + x + drift, c7.y + 75 * s, side * out};
        const struct vec3 line[4] = {
            top, nn_vec3_add(top, nn_vec3_scale(nn_vec3_sub(low, top), 0.3)),
            nn_vec3_add(top, nn_vec3_scale(nn_vec3_sub(low, top), 0.7)), low};
        const struct vec3 joint[2] = {line[1], nn_vec3_add(line[1], (struct vec3){0, 14 * s, 0})};
        const double block[2] = {8, 8};

        nn_scene_tube(surgery->scene, pin, sharp, 2, PHANTOM_TITANIUM);
        nn_scene_tube(surgery->scene, line, bar, 4, mu);
        nn_scene_tube(surgery->scene, joint, block, 2, 0.08);
    }
    say(surgery, "halo");
}

/* Bone along the front of the bodies, as thick as a pencil: flowing, over four levels and more. */
static void draw_flowing_bone(struct surgery *surgery)
{
    struct vec3 point[2 * PHANTOM_LAST];
    double radius[2 * PHANTOM_LAST], thick = nn_phantom_uniform(&surgery->rng, 1.2, 3.4);
    int count = 0;

    for (int i = 3; i <= 8; i++) {
        const struct phantom_level *level = &surgery->a->level[i];
        double half = level->height / 2, bulge = nn_phantom_uniform(&surgery->rng, 0.8, 1.5);

        point[count] = on(surgery, i, false, level->depth / 2 + 0.7 * thick, 0, 0);
        radius[count++] = 0.8 * thick;
        point[count] =
            on(surgery, i, false, level->depth / 2 + 0.9 * thick, half + level->disc / 2, 0);
        radius[count++] = bulge * thick;
    }
    nn_scene_tube(surgery->scene, point, radius, count, PHANTOM_CORTEX - PHANTOM_SOFT);
    for (int i = 0; i < count; i++)
        radius[i] = fmax(0.3, radius[i] - 0.9);
    nn_scene_tube(surgery->scene, point, radius, count, PHANTOM_SPONGE - PHANTOM_CORTEX);
    say(surgery, "ankylosed");
}

void nn_phantom_draw_hardware(struct phantom_scene *scene,
                              const struct nn_phantom_settings *settings, uint64_t index,
                              const struct phantom_anatomy *anatomy,
                              char variant[NN_PHANTOM_VARIANT])
{
    struct surgery surgery = {
        .scene = scene, .a = anatomy, .s = anatomy->scale, .variant = variant};
    int levels;
    bool behind;

    surgery.rng = nn_phantom_rng(settings->seed, index, PHANTOM_OTHER);
    nn_phantom_bits(&surgery.rng); /* nn_phantom_hardware's */
    levels = 1 + (int)(nn_phantom_bits(&surgery.rng) % 3);
    surgery.first = 3 + (int)(nn_phantom_bits(&surgery.rng) % (uint64_t)(5 - levels));
    surgery.last = surgery.first + levels;
    behind = nn_phantom_chance(&surgery.rng, 0.45);
    switch (nn_phantom_hardware(settings, index)) {
    case PHANTOM_PLATE:
        if (behind)
            draw_rods(&surgery);
        else
            draw_plate(&surgery);
        break;
    case PHANTOM_CAGE:
        draw_cages(&surgery);
        break;
    case PHANTOM_HALO:
        draw_halo(&surgery);
        break;
    case PHANTOM_LAMINECTOMY:
        say(&surgery, "laminectomy");
        surgery.first = anatomy->laminectomy_first;
        surgery.last = anatomy->laminectomy_last;
        if (behind)
            draw_rods(&surgery);
        if (nn_phantom_chance(&surgery.rng, 0.3))
            draw_staples(&surgery);
        break;
    case PHANTOM_ANKYLOSED:
        draw_flowing_bone(&surgery);
        break;
    }
}
