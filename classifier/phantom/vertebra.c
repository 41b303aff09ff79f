/* vertebra.c: C3..C7 and below as solids, and what fractures make of them. */
#include "spine.h"
#include <math.h>

/* What drawing one vertebra needs. */
struct work {
    struct phantom_scene *scene;
    const struct phantom_anatomy *anatomy;
    const struct phantom_level *level;
    const struct phantom_injury *injury; /* NULL: not here */
    int index;
    struct spine_pillar pillar;
    struct spine_ring ring;
};

static bool has(const struct work *work, enum phantom_kind kind)
{
    return work->injury != NULL && work->injury->kind == kind;
}

static void begin(const struct work *work, struct nn_solid *solid)
{
    const struct phantom_level *level = work->level;
    double scale = work->anatomy->scale, rear = -level->depth / 2 - level->canal;
    double low = level->height / 2 + 0.75 * level->spinous_drop + 0.6 * level->spinous_height;
    double out = level->pillar + (work->index >= PHANTOM_T1 ? 19 : 6.5) * scale;
    double spur = 1.5 * nn_most(level->spur_upper, level->spur_lower);

    low = nn_most(nn_most(low, level->facet_lower + 5), level->height / 2 + level->disc + 3);
    nn_solid_init(solid,
                  (struct vec3){rear - level->spinous - 2,
                                nn_least(level->facet_upper - 5, -level->height / 2 - 3.5 * scale),
                                -out},
                  (struct vec3){level->depth / 2 + 2.5 * scale + spur, low, out});
}

/* A lip of bone along the front or rear edge of an end-plate. */
static void add_spur(const struct work *work, struct nn_solid *solid, double size, double x,
                     double y)
{
    double radius = 0.8 + 0.22 * size, half = 0.28 * work->level->width;
    struct nn_part *part;

    if (size < 0.5)
        return;
    part = nn_phantom_rod(solid, (struct vec3){x, y, -half}, (struct vec3){x, y, half}, radius,
                          radius);
    part->blend = 1.2 + 0.5 * size;
}

static void add_fusion(const struct work *work, struct nn_solid *solid)
{
    const struct phantom_level *level = work->level;
    double bottom = level->height / 2 + level->disc / 2;
    struct nn_part *part;

    if (level->fused) {
        part = nn_solid_add(solid, NN_PART_DRUM, (struct vec3){0, bottom, 0});
        part->size = (struct vec3){0.43 * level->depth, level->disc / 2 + 0.4, 0.42 * level->width};
        part->round = 0.5;
        part->blend = 1;
    }
    if (work->anatomy->ankylosed) { /* syndesmophytes bridge the disc in front */
        part = nn_phantom_plate(
            solid, (struct vec3){level->depth / 2 + 0.4, level->height / 2 - 2.5, 0},
            (struct vec3){level->depth / 2 + 0.4, bottom + level->disc / 2 + 2.5, 0},
            (struct vec3){0, 0, 1}, 0.36 * level->width, 1.3);
        part->blend = 1.2;
    }
}

/* Body with lips and uncinate processes. */
static void add_body(const struct work *work, struct nn_solid *solid)
{
    const struct phantom_level *level = work->level;
    double scale = work->anatomy->scale, half = level->depth / 2, tall = level->height / 2;
    double lost = 0, behind = 0;
    struct nn_part *part;

    if (has(work, PHANTOM_WEDGE) || has(work, PHANTOM_BURST))
        lost = work->injury->height_loss / 100 * level->height;
    if (has(work, PHANTOM_BURST))
        behind = 0.5 * lost;
    part = nn_solid_add(solid, NN_PART_DRUM, (struct vec3){0, behind / 2, 0});
    part->size = (struct vec3){half, tall - behind / 2, level->width / 2};
    part->round = 1.1 * scale;
    part->waist = work->anatomy->ankylosed ? 0.02 : work->anatomy->child ? 0.05 : 0.10;
    part->hollow = 0.8 * scale;
    part->wedge = (level->taper * level->height + lost - behind) / (level->height - behind);
    if (lost > 0) { /* the front wall buckles */
        part = nn_phantom_rod(
            solid, (struct vec3){half - 0.4, -tall + lost + 2.2 * scale, -0.25 * level->width},
            (struct vec3){half - 0.4, -tall + lost + 2.2 * scale, 0.25 * level->width},
            0.8 + 0.05 * lost, 0.8 + 0.05 * lost);
        part->blend = 1.0;
    }
    add_spur(work, solid, level->spur_upper, half + 0.55 * level->spur_upper - 0.9,
             -tall + 1.2 + lost + level->taper * level->height);
    add_spur(work, solid, level->spur_lower, half + 0.55 * level->spur_lower - 0.9, tall - 0.9);
    add_spur(work, solid, level->rear_spur, -half - 0.5 * level->rear_spur + 0.7, tall - 0.9);
    if (level->ossicle) {
        part = nn_solid_add(solid, NN_PART_ELLIPSOID,
                            (struct vec3){half + 1.2 * scale, tall + level->disc / 2, 0});
        part->size = (struct vec3){1.1 * scale, 1.7 * scale, 3.0 * scale};
    }
    if (work->index < PHANTOM_T1 && !work->anatomy->child) {
        part = nn_solid_add(solid, NN_PART_ELLIPSOID,
                            (struct vec3){-0.16 * level->depth, -tall + 0.4 + behind,
                                          level->width / 2 - 1.8 * scale});
        part->size = (struct vec3){0.33 * level->depth, 2.6 * scale, 1.7 * scale};
        part->mirrored = true;
        part->blend = 1.0;
    }
    add_fusion(work, solid);
}

/* Transverse processes: with a foramen in the neck; stout and behind the pillars in the chest. */
static void add_transverse(const struct work *work, struct nn_solid *solid)
{
    const struct phantom_level *level = work->level;
    double scale = work->anatomy->scale, x = nn_phantom_pillar_x(level, scale);
    struct nn_part *part;
    struct pose pose;

    if (work->index >= PHANTOM_T1) {
        part = nn_phantom_rod(solid, (struct vec3){x, -1 * scale, level->pillar - 2},
                              (struct vec3){x - 8 * scale, -2 * scale, level->pillar + 14 * scale},
                              4.2 * scale, 3.8 * scale);
    } else {
        pose = nn_pose_of((struct vec3){-0.5 * level->depth + 4.2 * scale, -0.8 * scale,
                                        level->width / 2 + 3.2 * scale},
                          0, 0, 0.35);
        part = nn_phantom_ring(solid, &work->ring, &pose);
    }
    part->mirrored = true;
    part->blend = 0.8;
}

/* All behind the body. */
static void add_rear(const struct work *work, struct nn_solid *solid, bool pillars)
{
    const struct phantom_level *level = work->level;
    const struct phantom_anatomy *anatomy = work->anatomy;
    double scale = anatomy->scale, x = nn_phantom_pillar_x(level, scale);
    bool open = anatomy->laminectomy && work->index >= anatomy->laminectomy_first &&
                work->index <= anatomy->laminectomy_last;
    struct nn_part *part;

    if (pillars) {
        part = nn_phantom_pillar(solid, &work->pillar, x, level->pillar);
        part->mirrored = true;
    }
    part = nn_phantom_rod(
        solid,
        (struct vec3){-level->depth / 2 + 2 * scale, -0.1 * level->height, level->width * 0.38},
        (struct vec3){x + 2 * scale, 0, level->pillar - 2.5 * scale}, 3.2 * scale, 3.4 * scale);
    part->size = (struct vec3){1, 1, 0.8};
    part->mirrored = true;
    part->blend = 1.2;
    add_transverse(work, solid);
    if (open)
        return;
    nn_phantom_lamina(solid, level, scale);
    nn_phantom_spinous(solid, level, scale, work->index <= 5 && !anatomy->child);
}

static void show(const struct work *work, const struct nn_solid *solid, const struct pose *pose)
{
    nn_scene_bone(work->scene, solid, pose, work->level->cortex, work->anatomy->density);
}

/* The front of the body goes forward, the rear into the canal, away from what stays. */
static void draw_burst(const struct work *work)
{
    const struct phantom_level *level = work->level;
    double gap = work->injury->gap;
    struct vec3 at = {level->depth * (0.02 + 0.12 * work->injury->size), 0, 0};
    struct vec3 front = {1, 2 * work->injury->tilt, 0.1};
    struct nn_solid solid;
    struct pose moved, pose;

    begin(work, &solid);
    add_rear(work, &solid, true);
    show(work, &solid, &level->rear);
    begin(work, &solid);
    add_body(work, &solid);
    nn_phantom_break(&solid, NN_PART_KEEP, at, front, work->injury);
    moved = nn_phantom_about(at, -0.02 * gap, 0, (struct vec3){-0.65 * gap, 0, 0});
    pose = nn_pose_join(&level->body, &moved);
    show(work, &solid, &pose);
    begin(work, &solid);
    add_body(work, &solid);
    nn_phantom_break(&solid, NN_PART_CUT, at, front, work->injury);
    moved = nn_phantom_about(at, 0.03 * gap, 0, (struct vec3){0.35 * gap, 0.1 * gap, 0});
    pose = nn_pose_join(&level->body, &moved);
    show(work, &solid, &pose);
}

static void draw_teardrop(const struct work *work)
{
    struct vec3 at, front;
    struct nn_solid solid;
    struct pose pose = nn_phantom_teardrop_pose(work->level, work->injury);

    nn_phantom_teardrop_break(work->level, work->injury, &at, &front);
    begin(work, &solid);
    add_body(work, &solid);
    nn_phantom_break(&solid, NN_PART_KEEP, at, front, work->injury);
    add_rear(work, &solid, true);
    show(work, &solid, &work->level->body);
    begin(work, &solid);
    add_body(work, &solid);
    nn_phantom_break(&solid, NN_PART_CUT, at, front, work->injury);
    show(work, &solid, &pose);
}

static void draw_spinous(const struct work *work)
{
    const struct phantom_level *level = work->level;
    double gap = work->injury->gap;
    struct vec3 at, back;
    struct nn_solid solid;
    struct pose moved, pose;

    nn_phantom_spinous_break(level, work->injury, &at, &back);
    begin(work, &solid);
    add_body(work, &solid);
    add_rear(work, &solid, true);
    nn_phantom_break(&solid, NN_PART_KEEP, at, back, work->injury);
    show(work, &solid, &level->body);
    begin(work, &solid);
    nn_phantom_spinous(&solid, level, work->anatomy->scale,
                       work->index <= 5 && !work->anatomy->child);
    nn_phantom_break(&solid, NN_PART_CUT, at, back, work->injury);
    moved = nn_phantom_about(at, -0.05 * gap, 0, (struct vec3){-0.75 * gap, 0.65 * gap, 0});
    pose = nn_pose_join(&level->body, &moved);
    show(work, &solid, &pose);
}

/* One pillar's upper facet breaks off, turned towards the horizontal. */
static void draw_facet(const struct work *work)
{
    const struct phantom_level *level = work->level;
    double x = nn_phantom_pillar_x(level, work->anatomy->scale), gap = work->injury->gap;
    double z = work->injury->tilt < 0 ? -level->pillar : level->pillar;
    double share = 0.35 + 0.2 * work->injury->size;
    struct vec3 at = {x, level->facet_upper * (1 - share) + level->facet_lower * share, z};
    struct vec3 up = {0.15 + work->injury->tilt, -1, 0};
    struct nn_solid solid;
    struct pose moved, pose;

    begin(work, &solid);
    nn_phantom_pillar(&solid, &work->pillar, x, z);
    nn_phantom_break(&solid, NN_PART_KEEP, at, up, work->injury);
    nn_phantom_pillar(&solid, &work->pillar, x, -z);
    add_body(work, &solid);
    add_rear(work, &solid, false);
    show(work, &solid, &level->body);
    begin(work, &solid);
    nn_phantom_pillar(&solid, &work->pillar, x, z);
    nn_phantom_break(&solid, NN_PART_CUT, at, up, work->injury);
    moved = nn_phantom_about(at, -0.09 * gap, 0, (struct vec3){0.55 * gap, -0.84 * gap, 0});
    pose = nn_pose_join(&level->body, &moved);
    show(work, &solid, &pose);
}

static void draw_vertebra(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                          const struct phantom_injury *injury, int index)
{
    struct phantom_scene coarse = *scene; /* the chest's are large, and mostly under shoulders */
    struct work work = {.scene = scene, .anatomy = anatomy, .index = index};
    struct nn_solid solid;

    coarse.cell *= 1.35;
    if (index >= PHANTOM_T1)
        work.scene = &coarse;

    work.level = &anatomy->level[index];
    work.injury = injury->level == index ? injury : NULL;
    work.pillar = nn_phantom_pillar_of(work.level, anatomy->scale);
    work.ring =
        (struct spine_ring){4.1 * anatomy->scale, 1.15 * anatomy->scale, 1.9 * anatomy->scale};
    if (has(&work, PHANTOM_BURST)) {
        draw_burst(&work);
    } else if (has(&work, PHANTOM_FLEXION_TEARDROP) || has(&work, PHANTOM_EXTENSION_TEARDROP)) {
        draw_teardrop(&work);
    } else if (has(&work, PHANTOM_SPINOUS)) {
        draw_spinous(&work);
    } else if (has(&work, PHANTOM_FACET)) {
        draw_facet(&work);
    } else {
        begin(&work, &solid);
        add_body(&work, &solid);
        add_rear(&work, &solid, true);
        show(&work, &solid, &work.level->body);
    }
}

void nn_phantom_draw_spine(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                           const struct phantom_injury *injury, int first, int last)
{
    static const struct phantom_injury NONE = {.kind = PHANTOM_NONE};

    if (injury == NULL)
        injury = &NONE;
    for (int i = first; i <= last; i++) {
        if (i == 1)
            nn_phantom_draw_atlas(scene, anatomy, injury);
        else if (i == 2)
            nn_phantom_draw_axis(scene, anatomy, injury);
        else
            draw_vertebra(scene, anatomy, injury, i);
    }
}
