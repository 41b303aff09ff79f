/* skin.c: the patient's outline from the vertex to the lower chest, one loft of oval sections; the
 * fat under it.
 *
 * A section spans from the back of the neck to its front in the sagittal plane, so that sections
 * fan out under the chin. Neck 110-150 mm deep and 105-150 mm wide, shoulders (biacromial, with the
 * deltoids) 380-460 mm, chest 200-250 mm deep (ANSUR II, Gordon et al. 2014, rounded); soft-tissue
 * depths over the face 5-12 mm (Stephan & Simpson, J Forensic Sci 2008;53:1257). */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

struct vec3 nn_phantom_ahead(const struct phantom_anatomy *anatomy, int level, double ahead,
                             double down, double z)
{
    const struct phantom_level *l = &anatomy->level[level];
    double s = anatomy->scale;

    return nn_pose_apply(&l->body, nn_phantom_vec(l->depth / 2 + s * ahead, s * down, s * z));
}

struct build { /* what one patient's rings are made of */
    const struct phantom_anatomy *a;
    struct phantom_head head;
    struct phantom_skin *skin;
    double front, back, wide, fat, drop, tilt, roll, chest;
    bool child;
};

static struct phantom_ring *add(struct build *b, struct vec3 back, struct vec3 front, double wide,
                                double fat)
{
    struct phantom_ring *ring = &b->skin->ring[b->skin->count];

    b->skin->fat[b->skin->count++] = fat;
    *ring = (struct phantom_ring){.a = back, .b = front, .side = {0, 0, wide}, .square = 0.04};
    return ring;
}

static void add_head(struct build *b)
{
    /* back x, y; front x, y; half width */
    static const double HEAD[][5] = {{-14, -139, 20, -139, 14}, {-48, -133, 50, -130, 44},
                                     {-82, -114, 76, -111, 67}, {-101, -90, 91, -90, 76},
                                     {-105, -66, 98, -67, 78},  {-104, -44, 96, -47, 77},
                                     {-99, -24, 99, -24, 78}};

    for (int i = 0; i < COUNT(HEAD); i++) {
        const double *h = HEAD[i];
        struct vec3 back = nn_phantom_head_vec(&b->head, h[0], h[1], 0);
        struct vec3 front = nn_phantom_head_vec(&b->head, h[2], h[3], 0);
        struct phantom_ring *ring =
            add(b, nn_pose_apply(&b->head.skull, back), nn_pose_apply(&b->head.skull, front),
                b->head.size.z * h[4], 3);

        ring->skew = 0.12;
        ring->square = 0.06;
    }
}

/* The nape at a level: behind the body, along the patient's own axes. */
static struct vec3 nape(const struct build *b, int level, double behind, double down)
{
    struct vec3 at = b->a->level[level].body.at;
    double s = b->a->scale;

    return nn_phantom_vec(at.x - s * b->back * behind, at.y + s * down, 0);
}

static struct vec3 throat(const struct build *b, int level, double ahead, double down)
{
    struct vec3 at = b->a->level[level].body.at;
    double s = b->a->scale;

    return nn_phantom_vec(at.x + s * (8 + b->front * ahead), at.y + s * down, 0);
}

static struct vec3 face(const struct build *b, double x, double y) /* moves with the jaw below 20 */
{
    struct vec3 at = nn_phantom_head_vec(&b->head, x, y, 0);
    struct vec3 open = nn_pose_apply(&b->head.jaw, at), shut = nn_pose_apply(&b->head.skull, at);

    return nn_phantom_mix(shut, open, x > 0 ? nn_phantom_clamp((y - 20) / 20, 0, 1) : 0);
}

static void add_neck(struct build *b)
{
    const double w = b->a->scale * b->wide;
    struct vec3 chin = face(b, 96, 70), under = face(b, 82, 80), angle = throat(b, 4, 52, -4);
    struct vec3 low_occiput = face(b, -92, -8);

    add(b, nn_phantom_mix(low_occiput, nape(b, 1, 80, -4), 0.25), face(b, 103, 2), w * 1.2, 4);
    add(b, nn_phantom_mix(low_occiput, nape(b, 1, 78, 0), 0.7), face(b, 106, 22), w * 1.1,
        1.2 * b->fat);
    add(b, nape(b, 2, 76, -12), face(b, 104, 44), w * 1.02, 1.4 * b->fat);
    b->skin->chin = b->skin->count;
    add(b, nape(b, 2, 74, 0), chin, w, 1.4 * b->fat)->skew = -0.1;
    add(b, nape(b, 2, 74, 10), nn_phantom_mix(chin, under, 0.8), w * 0.98, 1.4 * b->fat);
    add(b, nape(b, 3, 74, -2), nn_phantom_mix(under, angle, 0.35), w * 0.95, 1.4 * b->fat);
    add(b, nape(b, 3, 74, 6), nn_phantom_mix(under, angle, 0.8), w * 0.92, 1.2 * b->fat);
    add(b, nape(b, 4, 74, 0), nn_phantom_mix(angle, throat(b, 5, 47, -2), 0.3), w * 0.92, b->fat);
    b->skin->neck = b->skin->count;
    add(b, nape(b, 5, 75, 0), throat(b, 5, 46, 6), w * 0.93, b->fat);
    add(b, nape(b, 6, 79, -4), throat(b, 6, 47, 8), w * 0.97, b->fat);
}

static void add_trunk(struct build *b)
{
    const double s = b->a->scale, d = b->drop;
    const double flank = b->child ? 0.72 : 1;
    static const double SHARE[][3] = {
        /* half width; fat; share of the shoulders' tilt */
        {68, 1, 0.0},    {90, 1.3, 0.2},  {130, 1.4, 0.6}, {176, 1.4, 1.0}, {207, 1.5, 1.0},
        {206, 1.5, 0.9}, {176, 1.6, 0.4}, {165, 1.7, 0.1}, {162, 1.8, 0},   {160, 1.8, 0}};
    struct vec3 back[COUNT(SHARE)] = {nape(b, 7, 86, -10),          nape(b, 7, 90, 0.3 * d),
                                      nape(b, 8, 92, -8 + 0.7 * d), nape(b, 9, 92, -10 + d),
                                      nape(b, 10, 90, -6 + d),      nape(b, 11, 87, 4 + d),
                                      nape(b, 14, 78, 10),          nape(b, 16, 74, 20),
                                      nape(b, 16, 76, 150),         nape(b, 16, 80, 300)};
    struct vec3 front[COUNT(SHARE)] = {throat(b, 7, 48, 4),           throat(b, 8, 54, 8 + 0.3 * d),
                                       throat(b, 9, 66, 8 + 0.7 * d), throat(b, 10, 84, 8 + d),
                                       throat(b, 11, 104, 10 + d),    throat(b, 12, 124, 22 + d),
                                       throat(b, 15, b->chest, 20),   throat(b, 16, b->chest, 50),
                                       throat(b, 16, b->chest, 170),  throat(b, 16, b->chest, 310)};

    for (int i = 0; i < COUNT(SHARE); i++) {
        double wide = s * flank * SHARE[i][0] * (i == 0 ? b->wide / 62 : 0.6 + 0.4 * b->wide / 62);
        struct phantom_ring *ring;

        if (i == 4)
            b->skin->shoulder = b->skin->count;
        ring = add(b, back[i], front[i], wide, b->fat * SHARE[i][1]);
        ring->side.y = s * b->tilt * SHARE[i][2];
        ring->side.x = s * b->roll * SHARE[i][2];
        ring->square = i < 4 ? 0.06 : i < 6 ? 0.12 : 0.22;
    }
}

void nn_phantom_skin(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct phantom_anatomy *uninjured, struct phantom_skin *skin)
{
    const bool other = settings->configuration != 0, man = uninjured->sex == 'M';
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_SOFT_TISSUE);
    struct build b = {.a = uninjured, .skin = skin, .child = uninjured->child};
    double thick = nn_phantom_clamp(uninjured->neck_width, 0.75, 1.4);
    double fat = nn_phantom_clamp(uninjured->fat, 0, 1);

    *skin = (struct phantom_skin){0};
    nn_phantom_head(settings, index, uninjured, &b.head);
    b.front = (man ? 1.03 : 0.97) * nn_phantom_normal(&rng, 0.94 + 0.12 * fat, 0.06);
    b.back = (0.55 + 0.45 * thick) * nn_phantom_normal(&rng, 0.9 + 0.2 * fat, other ? 0.09 : 0.06);
    b.wide = (man ? 63 : 60) * (0.4 + 0.6 * thick) * nn_phantom_normal(&rng, 1, 0.04);
    b.fat = nn_phantom_uniform(&rng, 1.5, 3);
    b.fat += 9 * fat * nn_phantom_uniform(&rng, 0.5, 1);
    b.drop = nn_phantom_clamp(nn_phantom_normal(&rng, other ? 0 : 5, other ? 17 : 14), -14, 34);
    b.tilt = nn_phantom_normal(&rng, 0, other ? 13 : 9);
    b.roll = nn_phantom_normal(&rng, 0, 12);
    b.chest = (man ? 152 : 142) * nn_phantom_normal(&rng, 0.94 + 0.12 * fat, 0.05);
    add_head(&b);
    add_neck(&b);
    add_trunk(&b);
}

/* The nose: it stands out of the loft of ovals. */
static void draw_tip(struct phantom_scene *scene, const struct phantom_skin *skin)
{
    const struct phantom_ring *brow = &skin->ring[5], *cheek = &skin->ring[6],
                              *lip = &skin->ring[7];
    struct vec3 out = nn_phantom_unit(nn_vec3_sub(cheek->b, cheek->a));
    struct pose none = nn_pose_none();
    struct phantom_ring ring[4];

    for (int i = 0; i < 4; i++) {
        struct vec3 at = i < 2 ? nn_phantom_mix(brow->b, cheek->b, 0.3 + 0.7 * i)
                               : nn_phantom_mix(cheek->b, lip->b, 0.25 + 0.25 * (i - 2));
        static const double TIP[4][2] = {{1, 3}, {8, 8}, {15, 13}, {3, 9}};

        ring[i] = (struct phantom_ring){.a = nn_vec3_sub(at, nn_vec3_scale(out, 2)),
                                        .b = nn_vec3_add(at, nn_vec3_scale(out, TIP[i][0])),
                                        .side = {0, 0, TIP[i][1]},
                                        .skew = 0.6};
    }
    nn_phantom_loft(scene, &none, ring, 4, 3, 14, PHANTOM_SOFT);
}

void nn_phantom_draw_skin(struct phantom_scene *scene, const struct phantom_skin *skin)
{
    struct pose none = nn_pose_none();
    double depth[PHANTOM_SKIN_RINGS * PHANTOM_SKIN_BETWEEN * PHANTOM_SKIN_AROUND];
    struct phantom_grid outer, lean;

    nn_phantom_grid_of(&outer, &none, skin->ring, skin->count, PHANTOM_SKIN_BETWEEN,
                       PHANTOM_SKIN_AROUND);
    nn_phantom_grid_add(scene, &outer, PHANTOM_FAT, true);
    for (int r = 0; r < outer.rings; r++) {
        int i = r / PHANTOM_SKIN_BETWEEN, k = r % PHANTOM_SKIN_BETWEEN;
        double next = i + 1 < skin->count ? skin->fat[i + 1] : skin->fat[i];

        double fat = skin->fat[i] + (next - skin->fat[i]) * k / PHANTOM_SKIN_BETWEEN;

        for (int v = 0; v < PHANTOM_SKIN_AROUND; v++) /* thicker at the nape */
            depth[r * PHANTOM_SKIN_AROUND + v] =
                fat * (1 - 0.45 * cos(6.283185307179586 * v / PHANTOM_SKIN_AROUND));
    }
    nn_phantom_grid_inset(&outer, depth, &lean);
    nn_phantom_grid_add(scene, &lean, PHANTOM_SOFT - PHANTOM_FAT, false);
    draw_tip(scene, skin);
}
