/* neck.c: planes of fat between the muscles, the airway's column, the parts in it.
 *
 * The airway's back wall lies `prevertebral` in front of the injured anatomy's bodies; its front
 * wall is the uninjured patient's and gives way by half. Pharynx 12-20 mm deep and 20-28 wide,
 * trachea 15-20 mm (women 13-17), glottis 18-24 mm deep (Breatnach et al., AJR 1984;142:903; Eckel
 * & Sittel, Am J Otolaryngol 1995;16:89). */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct vec3 wall(const struct phantom_anatomy *a, int level, double down)
{
    const struct phantom_level *l = &a->level[level];

    return nn_pose_apply(&l->body,
                         nn_phantom_vec(l->depth / 2 + l->prevertebral, a->scale * down, 0));
}

struct column {  /* one station of the airway */
    int level;   /* 0: the skull's axes */
    double down; /* mm from the body's middle */
    double off;  /* of the back wall from the prevertebral line */
    double deep, wide;
};
/* Nasopharynx, behind the soft palate, oropharynx, vallecula, laryngeal inlet, vestibule, glottis,
 * below it, trachea. */
static const struct column COLUMN[] = {
    {1, -3, 0.5, 15, 11}, {1, 6, 0, 12, 11},   {2, -8, 0, 10.5, 10}, {2, 3, 0, 11.5, 12},
    {3, -7, 0, 13, 13},   {3, 2, 0, 17, 14},   {4, -7, 0, 20, 14},   {4, 1, 0.5, 20, 12},
    {5, -8, 1.5, 17, 8},  {5, -1, 2, 15, 5.5}, {5, 5, 2, 17, 3},     {6, -4, 1.5, 16, 6},
    {6, 4, 1.5, 15, 7.5}, {7, 0, 1, 15, 8},    {8, 0, 1, 15.5, 8.5}, {9, 0, 0.5, 16, 8.5},
    {10, 0, 0, 16, 8.5},  {11, 0, 0, 16, 9},   {12, 0, 2, 15, 9}};
#define STATIONS COUNT(COLUMN)

static void sample_column(struct phantom_rng *rng, double size, double *deep, double *wide)
{
    double phase = nn_phantom_uniform(rng, 0, 6.28), wide0 = nn_phantom_normal(rng, 1, 0.1);
    double throat = nn_phantom_normal(rng, 1.05, 0.2), windpipe = nn_phantom_normal(rng, 1, 0.12);

    throat = nn_phantom_clamp(throat, 0.6, 1.6);
    for (int i = 0; i < STATIONS; i++) {
        double share = nn_phantom_clamp((i - 7) / 4.0, 0, 1);
        double by = throat + (windpipe - throat) * share;

        deep[i] = size * COLUMN[i].deep * by * (1 + 0.06 * sin(phase + 1.1 * i)) +
                  nn_phantom_normal(rng, 0, 0.5);
        wide[i] = 1.15 * size * COLUMN[i].wide * wide0;
    }
}

static void draw_airway(struct phantom_scene *scene, struct phantom_rng *rng,
                        const struct phantom_anatomy *a, const struct phantom_anatomy *uninjured)
{
    struct phantom_ring ring[STATIONS + 2];
    double deep[STATIONS], wide[STATIONS], s = a->scale;
    struct pose none = nn_pose_none();

    sample_column(rng, s * (a->sex == 'M' ? 1.04 : 0.95), deep, wide);
    for (int i = 0; i < STATIONS; i++) {
        const struct column *c = &COLUMN[i];
        struct vec3 was = wall(uninjured, c->level, c->down), is = wall(a, c->level, c->down);
        struct vec3 off = nn_phantom_vec(s * c->off, 0, 0), front;

        front = nn_vec3_add(nn_phantom_mix(was, is, 0.5), off);
        front.x += deep[i];
        is = nn_vec3_add(is, off);
        if (front.x < is.x + 2.5)
            front.x = is.x + 2.5;
        ring[i + 2] = (struct phantom_ring){
            .a = is, .b = front, .side = {0, 0, wide[i]}, .square = 0.12, .skew = 0.1};
    }
    ring[0] =
        (struct phantom_ring){.a = nn_pose_apply(&a->skull, nn_phantom_vec(21 * s, -17 * s, 0)),
                              .b = nn_pose_apply(&a->skull, nn_phantom_vec(36 * s, -18 * s, 0)),
                              .side = {0, 0, 7 * s}};
    ring[1] =
        (struct phantom_ring){.a = nn_pose_apply(&a->skull, nn_phantom_vec(16 * s, -8 * s, 0)),
                              .b = nn_pose_apply(&a->skull, nn_phantom_vec(42 * s, -8 * s, 0)),
                              .side = {0, 0, 12 * s}};
    ring[1].a.x = fmax(ring[1].a.x, ring[2].a.x - 4);
    nn_phantom_loft(scene, &none, ring, COUNT(ring), 3, 16, -PHANTOM_SOFT);
}

/* Air between tongue and palate, in half of all mouths. */
static void draw_mouth(struct phantom_scene *scene, struct phantom_rng *rng,
                       const struct phantom_anatomy *a)
{
    static const double MOUTH[][3] = {/* x, y, half height */
                                      {36, 14, 1},
                                      {44, 12, 2},
                                      {58, 13, 2.4},
                                      {74, 14, 2.4},
                                      {86, 16, 1.5}};
    double open = nn_phantom_uniform(rng, 0, 2) - 1, down = nn_phantom_uniform(rng, 0, 6);
    struct phantom_ring ring[COUNT(MOUTH)];
    double s = a->scale;

    if (open <= 0)
        return;
    for (int i = 0; i < COUNT(MOUTH); i++) {
        const double *m = MOUTH[i];
        double high = s * m[2] * (0.4 + open), y = s * (m[1] + down * (i > 0 && i < 4));

        ring[i] = (struct phantom_ring){
            .a = {s * m[0], y - high, 0}, .b = {s * m[0], y + high, 0}, .side = {0, 0, 15 * s}};
    }
    nn_phantom_loft(scene, &a->skull, ring, COUNT(MOUTH), 3, 12, -PHANTOM_SOFT);
}

/* Sheets of fat between the nape's muscles, the fat in front of the nuchal ligament. */
static void draw_planes(struct phantom_scene *scene, struct phantom_rng *rng,
                        const struct phantom_anatomy *a, double amount)
{
    struct pose none = nn_pose_none();

    for (int i = 0; i < 5; i++) {
        double behind = nn_phantom_uniform(rng, 24, 46), lean = nn_phantom_normal(rng, 0, 6);
        double z = nn_phantom_normal(rng, 0, 22), half = nn_phantom_uniform(rng, 10, 24);
        double thick = nn_phantom_uniform(rng, 0.8, 1.8) + 1.3 * amount,
               bulge = nn_phantom_normal(rng, 0, 9);
        struct phantom_ring ring[5];

        for (int k = 0; k < 5; k++) {
            struct vec3 at = a->level[2 + k + (k == 4)].body.at;
            double x = at.x - a->scale * (8 + behind + lean * (k - 2) * 0.5 + 3 * (k == 4));
            double y = at.y + (k == 0 ? -14 : k == 4 ? 8 : 0), share = k == 0 || k == 4 ? 0.4 : 1;

            ring[k] = (struct phantom_ring){.a = {x, y, z - half},
                                            .b = {x, y, z + half},
                                            .side = {thick * share, 0.3 * thick, 0},
                                            .bend = {bulge, 0, 0}};
        }
        nn_phantom_loft(scene, &none, ring, 5, 3, 12, 0.7 * (PHANTOM_FAT - PHANTOM_SOFT));
    }
}

void nn_phantom_draw_neck(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                          uint64_t index, const struct phantom_anatomy *anatomy,
                          const struct phantom_anatomy *uninjured)
{
    struct phantom_rng rng =
        nn_phantom_rng(settings->seed ^ UINT64_C(0x6e65636b), index, PHANTOM_SOFT_TISSUE);
    struct phantom_skin skin;

    nn_phantom_skin(settings, index, uninjured, &skin);
    nn_phantom_draw_skin(scene, &skin);
    draw_airway(scene, &rng, anatomy, uninjured);
    draw_mouth(scene, &rng, anatomy);
    draw_planes(scene, &rng, uninjured, uninjured->fat);
    nn_phantom_draw_larynx(scene, settings, index, uninjured);
    nn_phantom_draw_shoulders(scene, settings, index, uninjured, &skin);
}
