/* atlas.c: the ring of C1, origin on the dens's axis. Sizes: Doherty and Heggeness, Spine 19 (1994)
 * 2497; Francis, Am J Phys Anthropol 13 (1955) 589. Jefferson's fracture as a lateral shows it: a
 * gap in the posterior arch (and lateral masses apart, an interval somewhat wide). */
#include "spine.h"
#include <math.h>

#define PI 3.141592653589793

static void begin(struct nn_solid *solid, const struct phantom_anatomy *anatomy)
{
    const struct phantom_level *level = &anatomy->level[1];
    double scale = anatomy->scale, rear = -level->depth / 2 - level->canal;

    nn_solid_init(
        solid, (struct vec3){rear - level->spinous - 2 * scale, -8 * scale, -41 * scale},
        (struct vec3){level->depth / 2 + anatomy->interval + 8.5 * scale, 9.5 * scale, 42 * scale});
}

/* `spread`: mm by which each lateral mass has gone outwards. */
static void add_front(struct nn_solid *solid, const struct phantom_anatomy *anatomy, double spread)
{
    const struct phantom_level *level = &anatomy->level[1];
    double scale = anatomy->scale, inner = level->depth / 2 + anatomy->interval;
    double thick = 3.1 * scale, z = level->pillar + spread;
    struct nn_part *part;

    part = nn_solid_add(solid, NN_PART_ARC, (struct vec3){inner + thick - 10 * scale, 0, 0});
    part->ra = 10 * scale;
    part->rb = z;
    part->size = (struct vec3){thick * 0.86, level->height / 2 * 0.92, 1};
    part->a = (struct vec3){-1.15, 1.15, 0};
    part =
        nn_solid_add(solid, NN_PART_ELLIPSOID, (struct vec3){inner + thick + 0.6 * scale, 0.4, 0});
    part->size = (struct vec3){thick, level->height / 2 * 0.85, 5.0 * scale}; /* tubercle */
    part->blend = 1.5;
    part = nn_solid_add(solid, NN_PART_BOX, (struct vec3){-0.8 * scale, 0.6 * scale, z + scale});
    part->pose = nn_pose_of(part->pose.at, 0.12, 0.5, 0.12);
    part->size = (struct vec3){7.6 * scale, 6.4 * scale, 6.0 * scale};
    part->round = 4.6 * scale;
    part->mirrored = true;
    part->blend = 2;
    part = nn_phantom_rod(solid, (struct vec3){-1 * scale, 0.5 * scale, z + 5 * scale},
                          (struct vec3){-6 * scale, 2.6 * scale, z + 17 * scale}, 3.8 * scale,
                          2.4 * scale);
    part->mirrored = true;
    part->blend = 2;
}

/* Centre and radii so that the arch's inside lies on the spinolaminar line. */
static void add_back(struct nn_solid *solid, const struct phantom_anatomy *anatomy, double spread)
{
    const struct phantom_level *level = &anatomy->level[1];
    double scale = anatomy->scale, rear = -level->depth / 2 - level->canal;
    double thick = 0.38 * level->spinous, x = -5 * scale;
    struct nn_part *part;

    part = nn_solid_add(solid, NN_PART_ARC, (struct vec3){x, 0.8 * scale, 0});
    part->pose = nn_pose_of(part->pose.at, -0.06, 0, 0);
    part->ra = x - rear + thick;
    part->rb = level->pillar + spread;
    part->size = (struct vec3){thick, level->spinous_height * 0.42, 1};
    part->a = (struct vec3){0.52 * PI, 1.48 * PI, 0};
    part = nn_solid_add(solid, NN_PART_ELLIPSOID,
                        (struct vec3){rear - 1.5 * thick, level->spinous_drop + 1.6 * scale, 0});
    part->size = (struct vec3){1.25 * thick, level->spinous_height * 0.5, 4.6 * scale};
    part->blend = 1.5;
}

static void draw_jefferson(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                           const struct phantom_injury *injury)
{
    const struct phantom_level *level = &anatomy->level[1];
    double spread = 0.5 * injury->gap, scale = anatomy->scale;
    struct vec3 at = {-(10.5 + 4 * injury->size) * scale, 0, 0};
    struct vec3 front = {1, 0.3 + 2 * injury->tilt, 0.3 * injury->tilt};
    struct pose moved = nn_phantom_about(at, -0.02 * injury->gap, 0,
                                         (struct vec3){-injury->gap, 0.12 * injury->gap, 0});
    struct pose pose = nn_pose_join(&level->body, &moved);
    struct nn_solid solid;

    begin(&solid, anatomy);
    add_front(&solid, anatomy, spread);
    add_back(&solid, anatomy, spread);
    nn_phantom_break(&solid, NN_PART_CUT, at, front, injury);
    nn_scene_bone(scene, &solid, &level->body, level->cortex, anatomy->density);
    begin(&solid, anatomy);
    add_back(&solid, anatomy, spread);
    nn_phantom_break(&solid, NN_PART_KEEP, at, front, injury);
    nn_scene_bone(scene, &solid, &pose, level->cortex, anatomy->density);
}

void nn_phantom_draw_atlas(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                           const struct phantom_injury *injury)
{
    struct nn_solid solid;

    if (injury->kind == PHANTOM_JEFFERSON) {
        draw_jefferson(scene, anatomy, injury);
        return;
    }
    begin(&solid, anatomy);
    add_front(&solid, anatomy, 0);
    add_back(&solid, anatomy, 0);
    nn_scene_bone(scene, &solid, &anatomy->level[1].body, anatomy->level[1].cortex,
                  anatomy->density);
}
