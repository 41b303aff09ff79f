/* devices.c: everyday things on and around a patient: jewellery, clips, glasses, leads, boards. In
 * every class alike: they follow the uninjured patient and a stream that knows no class. Dental
 * metal is planned and drawn in teeth.c, since it moves with the head; it is named here. */
#include "devices.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define TURN     6.283185307179586

static void name(struct phantom_worn *worn, const char *what)
{
    nn_phantom_add_word(worn->variant, what);
}

/* A loop around the neck, lower in front, lying on the skin. */
static void draw_necklace(struct phantom_scene *scene, struct phantom_worn *worn)
{
    const struct phantom_skin *skin = &worn->skin;
    struct phantom_rng *rng = &worn->rng;
    double low = nn_phantom_uniform(rng, 1.6, 4), high = nn_phantom_uniform(rng, 0.4, 1.8);
    bool pearls = nn_phantom_chance(rng, 0.25), pendant = nn_phantom_chance(rng, 0.4);
    double r = pearls ? nn_phantom_uniform(rng, 2, 4) : nn_phantom_uniform(rng, 0.35, 1);
    double mu = pearls ? 0.07 : nn_phantom_chance(rng, 0.6) ? PHANTOM_STEEL : 1.8;
    struct pose none = nn_pose_none();
    struct vec3 point[49];
    double radius[49];

    for (int i = 0; i <= 48; i++) {
        double angle = TURN * i / 48, front = 0.5 + 0.5 * cos(angle);
        double at = skin->neck + high + (low - high) * front * front;

        point[i] = nn_phantom_skin_point(skin, at, angle, r + 0.3);
        radius[i] = r * (pearls ? 1 : i % 2 ? 1 : 0.7); /* links */
        if (pearls && i < 48)
            nn_phantom_ball(scene, &none, point[i], nn_phantom_vec(r, r, r), mu);
        if (pendant && i == 0)
            nn_phantom_ball(scene, &none, nn_vec3_add(point[0], nn_phantom_vec(0.5, 9, 0)),
                            nn_phantom_vec(1.2, 8, 5), 0.8 * PHANTOM_STEEL);
    }
    if (!pearls)
        nn_scene_tube(scene, point, radius, 49, mu);
    name(worn, "necklace");
}

static void draw_earrings(struct phantom_scene *scene, struct phantom_worn *worn)
{
    struct phantom_rng *rng = &worn->rng;
    double hoop = nn_phantom_chance(rng, 0.5) ? nn_phantom_uniform(rng, 5, 18) : 0;
    double thick = nn_phantom_uniform(rng, 0.6, 1.4), stud = nn_phantom_uniform(rng, 1.5, 3.5);
    int only = nn_phantom_chance(rng, 0.1) ? 1 : 0; /* one ear only */

    for (int side = -1 + 2 * only; side <= 1; side += 2) {
        struct vec3 lobe = nn_phantom_head_vec(&worn->head, -8, 2, 80 * side);
        struct vec3 point[17];
        double radius[17];

        lobe = nn_pose_apply(&worn->head.skull, lobe);
        if (hoop == 0) {
            struct pose none = nn_pose_none();

            nn_phantom_ball(scene, &none, lobe, nn_phantom_vec(stud, stud, 1.5), PHANTOM_STEEL);
            continue;
        }
        for (int i = 0; i < 17; i++) {
            double angle = TURN * i / 16, x = hoop * sin(angle), y = hoop * (1 - cos(angle));

            point[i] = nn_vec3_add(lobe, nn_phantom_vec(0.9 * x, y, 0.4 * x * side));
            radius[i] = thick;
        }
        nn_scene_tube(scene, point, radius, 17, PHANTOM_STEEL);
    }
    name(worn, "earrings");
}

static void draw_clip(struct phantom_scene *scene, struct phantom_worn *worn)
{
    struct phantom_rng *rng = &worn->rng;
    int clips = 1 + (int)nn_phantom_uniform(rng, 0, 3);
    bool tie = nn_phantom_chance(rng, 0.3);

    for (int i = 0; i < clips; i++) {
        double at = nn_phantom_uniform(rng, 2.5, 7), angle = nn_phantom_uniform(rng, 2, 4.3);
        double way = nn_phantom_uniform(rng, 0, TURN), gap = nn_phantom_uniform(rng, 1, 3);
        double length = nn_phantom_uniform(rng, 22, 55);
        struct vec3 root = nn_phantom_skin_point(&worn->skin, at, tie ? 3.14 : angle, 2);
        const double radius[4] = {0.5, 0.5, 0.5, 0.5};
        struct vec3 point[4];

        for (int k = 0; k < 4; k++) { /* a bent wire */
            double along = k == 0 || k == 3 ? -length / 2 : length / 2, off = k < 2 ? 0 : gap;

            point[k] = nn_vec3_add(root, nn_phantom_vec(along * cos(way) - off * sin(way),
                                                        along * sin(way) + off * cos(way), 0));
        }
        nn_scene_tube(scene, point, radius, 4, 1.2 * PHANTOM_STEEL);
    }
    name(worn, "hair clip");
}

static void draw_glasses(struct phantom_scene *scene, struct phantom_worn *worn)
{
    double thick = nn_phantom_uniform(&worn->rng, 0.5, 1);
    double mu = nn_phantom_chance(&worn->rng, 0.6) ? PHANTOM_TITANIUM : 2 * PHANTOM_PLASTIC;
    double y = nn_phantom_normal(&worn->rng, -34, 3);

    for (int side = -1; side <= 1; side += 2) {
        static const double TEMPLE[4][3] = {
            {-18, 16, 80}, {-10, 2, 81}, {40, -1, 80}, {108, 0, 66}};
        struct vec3 temple[4], rim[15];
        double radius[15];

        for (int i = 0; i < 15; i++) {
            double angle = TURN * i / 14;
            struct vec3 p = nn_phantom_head_vec(&worn->head, 108 - 2 * cos(angle),
                                                y + 19 * sin(angle), side * (34 + 25 * cos(angle)));

            radius[i] = thick;
            rim[i] = nn_pose_apply(&worn->head.skull, p);
        }
        for (int i = 0; i < 4; i++) {
            struct vec3 p = nn_phantom_head_vec(&worn->head, TEMPLE[i][0], y + TEMPLE[i][1],
                                                side * TEMPLE[i][2]);

            temple[i] = nn_pose_apply(&worn->head.skull, p);
        }
        nn_scene_tube(scene, temple, radius, 4, mu);
        nn_scene_tube(scene, rim, radius, 15, mu);
    }
    name(worn, "glasses");
}

/* Electrodes with a metal snap on chest and shoulders, and the wires from them. */
static void draw_leads(struct phantom_scene *scene, struct phantom_worn *worn)
{
    const struct phantom_skin *skin = &worn->skin;
    struct phantom_rng *rng = &worn->rng;
    int count = 1 + (int)nn_phantom_uniform(rng, 0, 3);
    struct pose none = nn_pose_none();

    for (int i = 0; i < count; i++) {
        double at = skin->shoulder - nn_phantom_uniform(rng, 0, 2.5);
        double angle = nn_phantom_normal(rng, 0, 0.9), bow = nn_phantom_normal(rng, 0, 25);
        double away = nn_phantom_uniform(rng, 30, 120), side = nn_phantom_normal(rng, 0, 40);
        struct vec3 snap = nn_phantom_skin_point(skin, at, angle, 2), point[8];
        const double radius[8] = {0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6};

        nn_phantom_ball(scene, &none, snap, nn_phantom_vec(1.8, 4.5, 4.5), PHANTOM_STEEL);
        for (int k = 0; k < 8; k++) {
            double t = k / 7.0;

            point[k] = nn_vec3_add(snap, nn_phantom_vec(away * t * t + bow * sin(3.14 * t),
                                                        180 * t - 10 * sin(3.14 * t), side * t));
        }
        nn_scene_tube(scene, point, radius, 8, 0.7);
    }
    name(worn, "leads");
}

/* A spine board's or a stretcher's skins behind the back, seen on edge, or a pillow's foam. */
static void draw_rest(struct phantom_scene *scene, struct phantom_worn *worn, bool board)
{
    const struct phantom_skin *skin = &worn->skin;
    struct phantom_rng *rng = &worn->rng;
    double x = fmin(skin->ring[skin->shoulder].a.x, skin->ring[4].a.x);
    double y = skin->ring[skin->neck].a.y;
    double lean = nn_phantom_normal(rng, 0, 0.025), thick = nn_phantom_uniform(rng, 1.2, 3.5);
    double deep = nn_phantom_uniform(rng, 22, 60), half = nn_phantom_uniform(rng, 130, 220);
    double gap = nn_phantom_uniform(rng, -30, 3); /* a mat lies between */
    struct pose none = nn_pose_none();

    for (int i = 0; i < (board ? 2 : 1); i++) {
        double middle = x + gap - deep * i, wide = board ? thick : 14 + 0.4 * deep;
        struct phantom_ring ring[4];

        for (int k = 0; k < 4; k++) {
            double down = -250 + 300.0 * k, at = middle + lean * down;
            double soft = board ? 0 : 6 * sin(1.3 * k + deep);

            ring[k] = (struct phantom_ring){.a = {at + soft, y + down, -half},
                                            .b = {at + soft, y + down, half},
                                            .side = {wide, 0, 0},
                                            .square = 0.7};
        }
        nn_phantom_loft(scene, &none, ring, 4, 1, 12, board ? PHANTOM_PLASTIC : 0.0008);
    }
    name(worn, board ? "board" : "pillow");
}

/* A gown's snaps or buttons. */
static void draw_snaps(struct phantom_scene *scene, struct phantom_worn *worn)
{
    const struct phantom_skin *skin = &worn->skin;
    struct phantom_rng *rng = &worn->rng;
    int count = 1 + (int)nn_phantom_uniform(rng, 0, 3);
    bool metal = nn_phantom_chance(rng, 0.7), behind = nn_phantom_chance(rng, 0.5);
    struct pose none = nn_pose_none();

    for (int i = 0; i < count; i++) {
        double at = skin->shoulder - nn_phantom_uniform(rng, 0, 3.5);
        double angle = (behind ? 3.14 : 0) + nn_phantom_normal(rng, 0, 0.6);
        double r = nn_phantom_uniform(rng, 3, 6);
        struct vec3 p = nn_phantom_skin_point(skin, at, angle, 4);

        nn_phantom_ball(scene, &none, p, nn_phantom_vec(1.2, r, r),
                        metal ? PHANTOM_STEEL : 2 * PHANTOM_PLASTIC);
    }
    name(worn, "snaps");
}

struct vec3 nn_phantom_skin_point(const struct phantom_skin *skin, double at, double angle,
                                  double out)
{
    double last = skin->count - 1.001, s = sin(angle), c = cos(angle);
    int i = (int)nn_phantom_clamp(at, 0, last);
    double t = nn_phantom_clamp(at, 0, last) - i;
    const struct phantom_ring *low = &skin->ring[i], *high = &skin->ring[i + 1];
    struct vec3 a = nn_phantom_mix(low->a, high->a, t), b = nn_phantom_mix(low->b, high->b, t);
    struct vec3 side = nn_phantom_mix(low->side, high->side, t);
    struct vec3 axis = nn_vec3_scale(nn_vec3_sub(b, a), 0.5);
    struct vec3 p = nn_vec3_scale(nn_vec3_add(a, b), 0.5);
    double deep = nn_vec3_length(axis), wide = nn_vec3_length(side);

    p = nn_vec3_add(p, nn_vec3_scale(axis, c * (1 + out / deep)));
    return nn_vec3_add(p, nn_vec3_scale(side, s * (1 + out / wide)));
}

static void draw_worn(struct phantom_scene *scene, struct phantom_worn *worn, bool other)
{
    /* necklace, earrings, clip, glasses, leads, board, pillow, snaps, collar, tubes */
    static const double CHANCE[2][10] = {
        {0.05, 0.06, 0.04, 0.015, 0.05, 0.11, 0.08, 0.04, 0.07, 0.03},
        {0.09, 0.03, 0.07, 0.04, 0.10, 0.06, 0.14, 0.02, 0.12, 0.06}};
    bool has[10];

    for (int i = 0; i < 10; i++)
        has[i] = nn_phantom_chance(&worn->rng, CHANCE[other][i]);
    if (has[8]) {
        nn_phantom_draw_collar(scene, worn);
        name(worn, "collar");
        has[0] = false; /* taken off for it */
    }
    if (has[9])
        name(worn, nn_phantom_draw_tubes(scene, worn));
    if (has[5] || has[6])
        draw_rest(scene, worn, has[5]);
    if (has[0])
        draw_necklace(scene, worn);
    if (has[1])
        draw_earrings(scene, worn);
    if (has[2])
        draw_clip(scene, worn);
    if (has[3])
        draw_glasses(scene, worn);
    if (has[4])
        draw_leads(scene, worn);
    if (has[7])
        draw_snaps(scene, worn);
}

void nn_phantom_draw_devices(struct phantom_scene *scene,
                             const struct nn_phantom_settings *settings, uint64_t index,
                             const struct phantom_anatomy *uninjured,
                             char variant[NN_PHANTOM_VARIANT])
{
    struct phantom_worn worn = {.anatomy = uninjured, .variant = variant};
    struct phantom_dental dental;

    worn.rng = nn_phantom_rng(settings->seed, index, PHANTOM_DEVICES);
    nn_phantom_skin(settings, index, uninjured, &worn.skin);
    nn_phantom_head(settings, index, uninjured, &worn.head);
    nn_phantom_dental(settings, index, uninjured->age, uninjured->child, &dental);
    draw_worn(scene, &worn, settings->configuration != 0);
    if (dental.implant)
        name(&worn, "implant");
    if (dental.bridge)
        name(&worn, "bridge");
    if (dental.crowns)
        name(&worn, "crowns");
    if (dental.fillings)
        name(&worn, "fillings");
}
