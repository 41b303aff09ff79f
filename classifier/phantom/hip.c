/* hip.c: the pelvis from before, or one hip. Patient axes, origin between the femoral heads. Rough
 * places for looks: heads 180 mm apart, 48 mm wide, neck at 127 degrees to the shaft. */
#include "others.h"
#include <math.h>

static struct vec3 at(double s, double x, double y, double z)
{
    return (struct vec3){x * s, y * s, z * s};
}

static void begin(struct nn_solid *solid, double s, struct vec3 low, struct vec3 high)
{
    nn_solid_init(solid, nn_vec3_scale(low, s), nn_vec3_scale(high, s));
}

static void draw_femur(struct phantom_scene *scene, double s, double density, int side,
                       double rotation)
{
    struct pose pose = nn_pose_of(at(s, 0, 0, side * 90.0), 0, side * rotation, 0);
    double z = side;
    struct nn_solid solid;

    begin(&solid, s, (struct vec3){-40, -30, -80}, (struct vec3){45, 330, 80});
    nn_phantom_round_cone(&solid, at(s, 0, 50, z * 46), at(s, 4, 320, z * 18), 17 * s, 15 * s, 0);
    nn_phantom_round_cone(&solid, at(s, 0, 0, 0), at(s, 0, 33, z * 44), 17 * s, 19 * s, 14 * s);
    nn_phantom_oval(&solid, at(s, 0, 0, 0), at(s, 24, 24, 24), 4 * s);
    nn_phantom_oval(&solid, at(s, -8, 18, z * 54), at(s, 16, 24, 14), 8 * s);
    nn_phantom_oval(&solid, at(s, -14, 66, z * 30), at(s, 10, 14, 10), 8 * s);
    nn_scene_bone(scene, &solid, &pose, 3.6 * s, density);
}

/* Wing, roof, rami of one side; the hole is what they leave. */
static void draw_hip_bone(struct phantom_scene *scene, double s, double density, int side)
{
    struct pose none = nn_pose_none();
    double z = side;
    struct nn_solid solid;
    struct nn_part *wing;

    begin(&solid, s, (struct vec3){-90, -170, side > 0 ? -5 : -170},
          (struct vec3){70, 85, side > 0 ? 170 : 5});
    wing = nn_phantom_oval(&solid, at(s, -14, -92, z * 96), at(s, 80, 72, 6), 0);
    wing->pose = nn_pose_of(wing->pose.at, 0.3, z * 0.9, z * -0.45);
    nn_phantom_round_cone(&solid, at(s, -55, -120, z * 62), at(s, -30, -40, z * 72), 13 * s, 16 * s,
                          12 * s);
    nn_phantom_round_cone(&solid, at(s, 22, -110, z * 128), at(s, 8, -30, z * 100), 8 * s, 14 * s,
                          12 * s);
    nn_phantom_oval(&solid, at(s, -2, -10, z * 80), at(s, 36, 40, 28), 12 * s);
    nn_phantom_round_cone(&solid, at(s, 8, 8, z * 66), at(s, 34, 30, z * 10), 10 * s, 9 * s,
                          10 * s);
    nn_phantom_round_cone(&solid, at(s, -12, 20, z * 70), at(s, -20, 68, z * 54), 16 * s, 15 * s,
                          8 * s);
    nn_phantom_round_cone(&solid, at(s, -18, 70, z * 50), at(s, 24, 46, z * 11), 9 * s, 8 * s,
                          6 * s);
    nn_phantom_round_cone(&solid, at(s, 32, 28, z * 9), at(s, 28, 48, z * 9), 8 * s, 8 * s, 5 * s);
    nn_phantom_oval(&solid, at(s, 0, 0, z * 92), at(s, 27.5, 27.5, 27.5), 2)->how = NN_PART_CUT;
    nn_scene_bone(scene, &solid, &none, 1.6 * s, density);
}

static void draw_middle(struct phantom_scene *scene, double s, double density)
{
    struct pose none = nn_pose_none();
    struct nn_solid solid;
    struct nn_part *part;

    begin(&solid, s, (struct vec3){-110, -150, -75}, (struct vec3){20, 60, 75});
    part = nn_phantom_round_cone(&solid, at(s, -48, -98, 0), at(s, -84, 2, 0), 50 * s, 17 * s, 0);
    part->size = (struct vec3){0.42, 1, 1};
    nn_phantom_round_cone(&solid, at(s, -84, 4, 0), at(s, -66, 38, 0), 10 * s, 5 * s, 6 * s);
    for (int i = 0; i < 4; i++) {
        double y = -88 + 24 * i, half = 21 - 2.5 * i;

        part = nn_phantom_oval(&solid, at(s, -52 - 9.5 * i, y, half), at(s, 30, 5, 4.5), 3 * s);
        part->mirrored = true;
        part->how = NN_PART_CUT;
    }
    nn_scene_bone(scene, &solid, &none, 1.2 * s, density);
    for (int i = 0; i < 2; i++) {
        double y = -140 - 38 * i;

        begin(&solid, s, (struct vec3){-80, y - 35, -60}, (struct vec3){30, y + 35, 60});
        part = nn_solid_add(&solid, NN_PART_DRUM, at(s, -26 + 4 * i, y, 0));
        part->size = at(s, 17, 14, 25);
        part->waist = 0.12;
        part->hollow = s;
        part->round = 3 * s;
        part = nn_phantom_round_cone(&solid, at(s, -44, y, 16), at(s, -52, y - 2, 46), 6 * s, 3 * s,
                                     4);
        part->mirrored = true;
        nn_phantom_round_cone(&solid, at(s, -52, y + 4, 0), at(s, -76, y + 12, 0), 7 * s, 6 * s, 5);
        nn_scene_bone(scene, &solid, &none, s, density);
    }
}

static void draw_flesh(struct phantom_scene *scene, double s, double fat, double apart)
{
    struct pose none = nn_pose_none();
    double cell = scene->cell;
    struct nn_solid solid;
    struct nn_part *part;

    begin(&solid, s, (struct vec3){-190, -360, -300}, (struct vec3){190, 380, 300});
    nn_phantom_oval(&solid, at(s, -8, -90, 0), at(s * fat, 108, 300, 178), 0);
    part = nn_phantom_round_cone(&solid, at(s, -5, 40, 108), at(s, 0, 400, 92 + apart),
                                 86 * s * fat, 66 * s * fat, 40 * s);
    part->mirrored = true;
    scene->cell = 8;
    nn_scene_fill(scene, &solid, &none, PHANTOM_SOFT, 0);
    scene->cell = cell;
}

static void draw_gas(struct phantom_scene *scene, double s, struct phantom_rng *rng)
{
    struct pose none = nn_pose_none();
    int bubbles = 3 + (int)(nn_phantom_bits(rng) % 9);

    for (int i = 0; i < bubbles; i++) {
        double x = nn_phantom_uniform(rng, -10, 50), y = nn_phantom_uniform(rng, -200, 0);
        double z = nn_phantom_normal(rng, 0, 55), a = nn_phantom_uniform(rng, 6, 22);
        double b = nn_phantom_uniform(rng, 5, 16), c = nn_phantom_uniform(rng, 7, 30);
        struct vec3 middle = at(s, x, y, z), radii = at(s, a, b, c);
        struct nn_solid solid;

        nn_solid_init(&solid, nn_vec3_sub(middle, nn_vec3_scale(radii, 1.4)),
                      nn_vec3_add(middle, nn_vec3_scale(radii, 1.4)));
        nn_phantom_oval(&solid, middle, radii, 0);
        nn_scene_fill(scene, &solid, &none, -PHANTOM_SOFT, 0);
    }
}

/* A stem and a head of metal in the left hip. */
static void draw_prosthesis(struct phantom_scene *scene, double s)
{
    struct pose none = nn_pose_none();
    struct nn_solid solid;

    begin(&solid, s, (struct vec3){-40, -45, 50}, (struct vec3){40, 200, 165});
    nn_phantom_oval(&solid, at(s, 0, 0, 90), at(s, 18, 18, 18), 0);
    nn_phantom_round_cone(&solid, at(s, 0, 2, 92), at(s, 0, 38, 130), 7 * s, 10 * s, 2);
    nn_phantom_round_cone(&solid, at(s, 0, 38, 130), at(s, 2, 185, 122), 11 * s, 5 * s, 4);
    nn_scene_fill(scene, &solid, &none, PHANTOM_TITANIUM, PHANTOM_SOFT);
}

void nn_phantom_draw_hip(struct phantom_scene *scene, bool other, struct phantom_rng *rng)
{
    double s = nn_phantom_clamp(nn_phantom_normal(rng, 1, 0.06), 0.85, 1.15);
    double density = nn_phantom_uniform(rng, 0.55, 1.1), fat = nn_phantom_uniform(rng, 0.95, 1.3);
    double rotation = nn_phantom_uniform(rng, -0.3, 0.3), apart = nn_phantom_uniform(rng, 0, 60);
    double turn = PHANTOM_DEGREE * nn_phantom_normal(rng, 0, 3);
    double distance = nn_phantom_uniform(rng, other ? 900 : 1050, other ? 1100 : 1200);
    bool single = nn_phantom_chance(rng, 0.4), metal = nn_phantom_chance(rng, 0.15);
    double height = single ? nn_phantom_uniform(rng, 170, 290) : nn_phantom_uniform(rng, 330, 420);
    double down = nn_phantom_uniform(rng, -15, 30), across = nn_phantom_normal(rng, 0, 12);
    struct vec3 target = at(s, 0, single ? 20 + down : -50 + down, (single ? 105 : 0) + across);

    scene->camera.mirrored = nn_phantom_chance(rng, 0.5);
    nn_phantom_face(&scene->camera, target, (struct vec3){0, 0, -1}, (struct vec3){0, 1, 0}, turn,
                    distance, 130, height * s);
    scene->cell = 3;
    for (int side = -1; side <= 1; side += 2) {
        draw_femur(scene, s, density, side, rotation);
        draw_hip_bone(scene, s, density, side);
    }
    draw_middle(scene, s, density);
    draw_gas(scene, s, rng);
    if (metal)
        draw_prosthesis(scene, s);
    draw_flesh(scene, s, fat, apart);
}
