/* axis.c: C2: body, dens, lateral masses, partes interarticulares, laminae and spinous process;
 * dens fractures I to III (Anderson and D'Alonzo, J Bone Joint Surg 56-A (1974) 1663), the
 * hangman's fracture and the extension teardrop. Sizes: Doherty and Heggeness, Spine 20 (1995)
 * 2577 (dens 16 mm tall, 10 to 11 mm across, leaning back). */
#include "spine.h"
#include <math.h>

static void begin(struct nn_solid *solid, const struct phantom_level *level, double scale)
{
    double rear = -level->depth / 2 - level->canal;

    nn_solid_init(solid,
                  (struct vec3){rear - level->spinous - 2, -level->height / 2 - 17.5 * scale,
                                -level->pillar - 12 * scale},
                  (struct vec3){level->depth / 2 + 3 * scale,
                                level->height / 2 + level->spinous_drop + 6 * scale,
                                level->pillar + 12 * scale});
}

static void add_dens(struct nn_solid *solid, const struct phantom_level *level, double scale)
{
    double base = -level->height / 2;
    struct nn_part *part;

    part = nn_phantom_rod(solid, (struct vec3){0.6 * scale, base + 4 * scale, 0},
                          (struct vec3){-0.2 * scale, base - 5.5 * scale, 0}, 5.4 * scale,
                          4.7 * scale);
    part->blend = 2;
    part = nn_phantom_rod(solid, (struct vec3){-0.2 * scale, base - 6 * scale, 0},
                          (struct vec3){-1.6 * scale, base - 12.2 * scale, 0}, 5.2 * scale,
                          3.9 * scale);
    part->blend = 1;
}

/* Body, dens, upper facets. */
static void add_front(struct nn_solid *solid, const struct phantom_anatomy *anatomy)
{
    const struct phantom_level *level = &anatomy->level[2];
    double scale = anatomy->scale, half = level->depth / 2, tall = level->height / 2;
    struct nn_part *part;

    part = nn_solid_add(solid, NN_PART_DRUM, (struct vec3){0, 0.5 * scale, 0});
    part->size = (struct vec3){half, tall - 0.5 * scale, level->width / 2};
    part->round = 1.3 * scale;
    part->waist = 0.16;
    part->hollow = 0.8 * scale;
    part->wedge = 0.16; /* the front slopes up to the dens */
    part = nn_phantom_rod(solid, (struct vec3){half - 1.8, tall - 0.6, -0.25 * level->width},
                          (struct vec3){half - 1.8, tall - 0.6, 0.25 * level->width}, 1.9 * scale,
                          1.9 * scale); /* the lip below */
    part->blend = 2;
    add_dens(solid, level, scale);
    part =
        nn_solid_add(solid, NN_PART_BOX,
                     (struct vec3){-0.6 * scale, -tall + 2.6 * scale, level->pillar - 1.5 * scale});
    part->pose = nn_pose_of(part->pose.at, -0.1, 0, 0.42);
    part->size = (struct vec3){7.4 * scale, 3.4 * scale, 7.4 * scale};
    part->round = 2.4 * scale;
    part->mirrored = true;
    part->blend = 1.5;
    if (level->fused) {
        part = nn_solid_add(solid, NN_PART_DRUM, (struct vec3){0, tall + level->disc / 2, 0});
        part->size = (struct vec3){0.43 * level->depth, level->disc / 2 + 0.4, 0.4 * level->width};
        part->round = 0.5;
        part->blend = 1;
    }
}

/* Partes, lower facets, laminae, spinous and transverse processes. */
static void add_back(struct nn_solid *solid, const struct phantom_anatomy *anatomy,
                     const struct spine_pillar *pillar)
{
    const struct phantom_level *level = &anatomy->level[2];
    double scale = anatomy->scale, tall = level->height / 2;
    double x = nn_phantom_pillar_x(level, scale);
    struct nn_part *part;

    part = nn_phantom_pillar(solid, pillar, x, level->pillar);
    part->mirrored = true;
    part = nn_phantom_rod(solid, (struct vec3){-1 * scale, -0.35 * tall, level->pillar - 3 * scale},
                          (struct vec3){x, 0.25 * tall, level->pillar - 0.5 * scale}, 4.6 * scale,
                          4.4 * scale);
    part->mirrored = true;
    part->blend = 2;
    part = nn_phantom_rod(solid, (struct vec3){-4 * scale, 0.2 * tall, level->pillar + scale},
                          (struct vec3){-7 * scale, 0.55 * tall, level->pillar + 8.5 * scale},
                          2.6 * scale, 2.2 * scale);
    part->mirrored = true;
    part->blend = 1;
    nn_phantom_lamina(solid, level, scale);
    nn_phantom_spinous(solid, level, scale, !anatomy->child);
}

static void show(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                 const struct nn_solid *solid, const struct pose *pose)
{
    nn_scene_bone(scene, solid, pose, anatomy->level[2].cortex, anatomy->density);
}

/* Type I through the tip, II through the base, III through the body under the upper facets' front.
 * Children's synchondrosis runs as II does, but lower and even. */
static void dens_break(const struct phantom_anatomy *anatomy, const struct phantom_injury *injury,
                       struct vec3 *at, struct vec3 *up)
{
    double base = -anatomy->level[2].height / 2, scale = anatomy->scale;
    double y = base + 0.2 * scale + 1.5 * scale * (injury->size - 0.5);

    if (injury->kind == PHANTOM_DENS_1)
        y = base - 11.5 * scale;
    else if (injury->kind == PHANTOM_DENS_3 || injury->kind == PHANTOM_NONE)
        y = base + (4.5 + 2.0 * injury->size) * scale;
    *at = (struct vec3){0, y, 0};
    *up = (struct vec3){sin(2 * injury->tilt), -cos(2 * injury->tilt), 0};
    if (injury->kind == PHANTOM_DENS_1)
        *up = (struct vec3){-0.3 + injury->tilt, -1, 0.45};
}

static void draw_dens(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                      const struct phantom_injury *injury, const struct spine_pillar *pillar)
{
    const struct phantom_level *level = &anatomy->level[2];
    struct vec3 at, up;
    struct nn_solid solid;

    dens_break(anatomy, injury, &at, &up);
    begin(&solid, level, anatomy->scale);
    add_front(&solid, anatomy);
    nn_phantom_break(&solid, NN_PART_KEEP, at, up, injury);
    add_back(&solid, anatomy, pillar);
    show(scene, anatomy, &solid, &level->body);
    begin(&solid, level, anatomy->scale);
    if (injury->kind == PHANTOM_DENS_3)
        add_front(&solid, anatomy);
    else
        add_dens(&solid, level, anatomy->scale);
    nn_phantom_break(&solid, NN_PART_CUT, at, up, injury);
    show(scene, anatomy, &solid, &anatomy->dens);
}

static void draw_hangman(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                         const struct phantom_injury *injury, const struct spine_pillar *pillar)
{
    const struct phantom_level *level = &anatomy->level[2];
    double scale = anatomy->scale;
    struct vec3 at = {-level->depth / 2 - (0.8 + 1.5 * injury->size) * scale, 0, 0};
    struct vec3 front = {1, -0.3 + 2 * injury->tilt, 0.12}; /* behind the upper facets, before the
                                                             * lower ones */
    struct nn_solid solid;

    begin(&solid, level, scale);
    add_back(&solid, anatomy, pillar);
    nn_phantom_break(&solid, NN_PART_CUT, at, front, injury);
    add_front(&solid, anatomy);
    show(scene, anatomy, &solid, &level->body);
    begin(&solid, level, scale);
    add_back(&solid, anatomy, pillar);
    nn_phantom_break(&solid, NN_PART_KEEP, at, front, injury);
    show(scene, anatomy, &solid, &level->rear);
}

static void draw_teardrop(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                          const struct phantom_injury *injury, const struct spine_pillar *pillar)
{
    const struct phantom_level *level = &anatomy->level[2];
    struct pose pose = nn_phantom_teardrop_pose(level, injury);
    struct vec3 at, front;
    struct nn_solid solid;

    nn_phantom_teardrop_break(level, injury, &at, &front);
    begin(&solid, level, anatomy->scale);
    add_front(&solid, anatomy);
    nn_phantom_break(&solid, NN_PART_KEEP, at, front, injury);
    add_back(&solid, anatomy, pillar);
    show(scene, anatomy, &solid, &level->body);
    begin(&solid, level, anatomy->scale);
    add_front(&solid, anatomy);
    nn_phantom_break(&solid, NN_PART_CUT, at, front, injury);
    show(scene, anatomy, &solid, &pose);
}

void nn_phantom_draw_axis(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                          const struct phantom_injury *injury)
{
    const struct phantom_level *level = &anatomy->level[2];
    struct spine_pillar pillar = nn_phantom_pillar_of(level, anatomy->scale);
    struct phantom_anatomy young;
    struct nn_solid solid;

    if (injury->kind == PHANTOM_DENS_1 || injury->kind == PHANTOM_DENS_2 ||
        injury->kind == PHANTOM_DENS_3) {
        draw_dens(scene, anatomy, injury, &pillar);
    } else if (injury->kind == PHANTOM_HANGMAN) {
        draw_hangman(scene, anatomy, injury, &pillar);
    } else if (injury->level == 2 && injury->kind == PHANTOM_EXTENSION_TEARDROP) {
        draw_teardrop(scene, anatomy, injury, &pillar);
    } else if (anatomy->child && anatomy->age < 7 && injury->kind == PHANTOM_NONE) {
        struct pose apart = nn_phantom_about((struct vec3){0, 0, 0}, 0, 0,
                                             (struct vec3){0, -1.2 * anatomy->scale, 0});

        young = *anatomy;
        young.dens = nn_pose_join(&level->body, &apart);
        draw_dens(scene, &young, injury, &pillar);
    } else {
        begin(&solid, level, anatomy->scale);
        add_front(&solid, anatomy);
        add_back(&solid, anatomy, &pillar);
        show(scene, anatomy, &solid, &level->body);
    }
}
