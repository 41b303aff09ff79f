/* The phantom's physics by itself: chords of meshed solids along diverging rays against their
 * analytic values, and what a closed mesh promises. */
#include "phantom_fixture.h"

#include "closed_mesh.h"
#include "phantom/phantom_parts.h"

#define ROWS 90
#define COLS 110

static struct nn_camera camera_of(void)
{
    return (struct nn_camera){.pose = nn_pose_none(),
                              .spot_x = 12,
                              .spot_y = -7,
                              .distance = 600,
                              .pitch = 1,
                              .middle_x = 52.3,
                              .middle_y = 41.8,
                              .rows = ROWS,
                              .cols = COLS};
}

struct ray {
    struct vec3 from, way; /* way: unit */
};

/* In patient axes, when the camera's pose is none. */
static struct ray ray_of(const struct nn_camera *camera, int row, int col)
{
    struct vec3 from = {camera->spot_x, camera->spot_y, camera->distance};
    struct vec3 to = {(col + 0.5 - camera->middle_x) * camera->pitch,
                      (row + 0.5 - camera->middle_y) * camera->pitch, 0};
    struct vec3 way = nn_vec3_sub(to, from);

    return (struct ray){from, nn_vec3_scale(way, 1 / nn_vec3_length(way))};
}

static double sphere_chord(struct ray ray, struct vec3 centre, double radius)
{
    struct vec3 to = nn_vec3_sub(centre, ray.from);
    double along = nn_vec3_dot(to, ray.way);
    double off = nn_vec3_dot(to, to) - along * along;

    return off < radius * radius ? 2 * sqrt(radius * radius - off) : 0;
}

/* Of a box in the axes of `pose`. */
static double box_chord(struct ray ray, const struct pose *pose, struct vec3 half)
{
    struct vec3 a = nn_pose_back(pose, ray.from);
    struct vec3 b = nn_vec3_sub(nn_pose_back(pose, nn_vec3_add(ray.from, ray.way)), a);
    const double from[3] = {a.x, a.y, a.z}, way[3] = {b.x, b.y, b.z};
    const double side[3] = {half.x, half.y, half.z};
    double enter = -INFINITY, leave = INFINITY;

    for (int i = 0; i < 3; i++) {
        double s = (-side[i] - from[i]) / way[i], t = (side[i] - from[i]) / way[i];

        enter = fmax(enter, fmin(s, t));
        leave = fmin(leave, fmax(s, t));
    }
    return fmax(leave - enter, 0);
}

static struct nn_solid sphere_of(double radius)
{
    struct nn_solid solid;
    double room = radius + 6;

    nn_solid_init(&solid, (struct vec3){-room, -room, -room}, (struct vec3){room, room, room});
    nn_solid_add(&solid, NN_PART_ELLIPSOID, (struct vec3){0, 0, 0})->size =
        (struct vec3){radius, radius, radius};
    return solid;
}

static struct nn_solid box_of(struct vec3 half)
{
    struct nn_solid solid;
    struct vec3 room = nn_vec3_add(half, (struct vec3){6, 6, 6});

    nn_solid_init(&solid, nn_vec3_scale(room, -1), room);
    nn_solid_add(&solid, NN_PART_BOX, (struct vec3){0, 0, 0})->size = half;
    return solid;
}

static struct nn_mesh meshed(const struct nn_solid *solid, double cell, int most)
{
    struct nn_mesh mesh;
    struct nn_error err;

    assert_int_equal(nn_solid_mesh(solid, cell, 0, &mesh, &err), NN_OK);
    assert_true(mesh.triangles > 0);
    assert_true(mesh_is_closed(&mesh, most));
    return mesh;
}

static void project(const struct nn_camera *camera, const struct nn_mesh *mesh,
                    const struct pose *pose, float *plane)
{
    struct nn_error err;

    memset(plane, 0, sizeof(float) * ROWS * COLS);
    assert_int_equal(nn_camera_add(camera, mesh, pose, 1, plane, &err), NN_OK);
}

/* Mean and greatest deviation from a sphere's chords, where they are over `least` mm. */
static void off_sphere(const float *plane, struct vec3 centre, double radius, double least,
                       double *mean, double *most)
{
    const struct nn_camera camera = camera_of();
    double sum = 0;
    int count = 0;

    *most = 0;
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            double chord = sphere_chord(ray_of(&camera, r, c), centre, radius);
            double off = fabs((double)plane[r * COLS + c] - chord);

            if (chord == 0) /* a net lies inside of its sphere */
                assert_true(off < 1e-3);
            if (chord <= least)
                continue;
            sum += off;
            count++;
            *most = fmax(*most, off);
        }
    assert_true(count > 500);
    *mean = sum / count;
}

static void spheres_have_their_chords(void **state)
{
    static const struct vec3 CENTRES[] = {{0, 0, 100}, {9, -12, 200}, {-14, 10, 150}};
    struct nn_camera camera = camera_of();
    struct nn_solid solid = sphere_of(20);
    struct nn_mesh coarse = meshed(&solid, 2, 2), fine = meshed(&solid, 1, 2);
    float plane[ROWS * COLS];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct pose pose = nn_pose_of(CENTRES[i], 0.3, -0.2, 0.5);
        double mean[2], most[2];

        project(&camera, &coarse, &pose, plane);
        off_sphere(plane, CENTRES[i], 20, 12, &mean[0], &most[0]);
        project(&camera, &fine, &pose, plane);
        off_sphere(plane, CENTRES[i], 20, 12, &mean[1], &most[1]);
        print_message("sphere: cells 2 mm %.3f (%.3f), 1 mm %.3f (%.3f) mm off\n", mean[0], most[0],
                      mean[1], most[1]);
        assert_true(mean[1] < 0.1 && most[1] < 0.3);
        assert_true(mean[1] < 0.4 * mean[0]); /* second order */
    }
    nn_mesh_finish(&coarse);
    nn_mesh_finish(&fine);
}

/* A box's net is rounded at its edges: rays that meet its faces away from them. */
static void boxes_have_their_chords(void **state)
{
    const struct vec3 half = {18, 12, 15}, less = {15.5, 9.5, 12.5};
    struct nn_camera camera = camera_of();
    struct nn_solid solid = box_of(half);
    struct nn_mesh mesh = meshed(&solid, 1, 2);
    struct pose pose = nn_pose_of((struct vec3){4, 3, 140}, 0.2, 0.05, -0.04);
    float plane[ROWS * COLS];
    int count = 0;

    (void)state;
    project(&camera, &mesh, &pose, plane);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            struct ray ray = ray_of(&camera, r, c);
            double chord = box_chord(ray, &pose, half), got = plane[r * COLS + c];

            if (chord == 0)
                assert_true(fabs(got) < 1e-3);
            if (box_chord(ray, &pose, less) < 2 * less.z)
                continue; /* not from face to face, or near an edge */
            assert_true(fabs(got - chord) < 0.02);
            count++;
        }
    assert_true(count > 300);
    nn_mesh_finish(&mesh);
}

static void shells_have_both_their_surfaces(void **state)
{
    const struct vec3 centre = {2, -5, 170};
    struct nn_camera camera = camera_of();
    struct nn_solid solid = sphere_of(20);
    struct nn_mesh outer, inner;
    struct pose pose = nn_pose_of(centre, 0, 0, 0);
    float outside[ROWS * COLS], inside[ROWS * COLS];
    double mean, most;

    (void)state;
    assert_int_equal(nn_solid_shell(&solid, 1, 3, &outer, &inner, NULL), NN_OK);
    assert_true(mesh_is_closed(&outer, 2) && mesh_is_closed(&inner, 2));
    project(&camera, &outer, &pose, outside);
    project(&camera, &inner, &pose, inside);
    off_sphere(outside, centre, 20, 12, &mean, &most);
    assert_true(mean < 0.1);
    off_sphere(inside, centre, 17, 12, &mean, &most);
    assert_true(mean < 0.1);
    nn_mesh_finish(&outer);
    nn_mesh_finish(&inner);
}

/* Cortex round sponge in soft tissue: attenuation is the sum of chords times coefficients. */
static void bone_attenuates_as_cortex_and_sponge(void **state)
{
    const struct vec3 centre = {2, -5, 170};
    struct nn_solid solid = sphere_of(18);
    struct pose pose = nn_pose_of(centre, 0, 0, 0);
    static float planes[3][ROWS * COLS];
    bool failed = false;
    struct phantom_scene scene = {.camera = camera_of(),
                                  .attenuation = planes[0],
                                  .sponge = planes[1],
                                  .soft = planes[2],
                                  .cell = 0.8,
                                  .failed = &failed};

    (void)state;
    memset(planes, 0, sizeof planes);
    nn_scene_bone(&scene, &solid, &pose, 2, 1);
    assert_false(failed);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            struct ray ray = ray_of(&scene.camera, r, c);
            double outer = sphere_chord(ray, centre, 18), inner = sphere_chord(ray, centre, 16);
            double want =
                (outer - inner) * PHANTOM_CORTEX + inner * PHANTOM_SPONGE - outer * PHANTOM_SOFT;

            if (inner < 12)
                continue;
            assert_true(fabs((double)planes[0][r * COLS + c] - want) < 0.02 * want);
            assert_true(fabs((double)planes[1][r * COLS + c] - inner * PHANTOM_SPONGE) <
                        0.02 * inner * PHANTOM_SPONGE);
        }
}

static struct nn_solid odd_solid(void)
{
    struct nn_solid solid;
    struct nn_part *part;

    nn_solid_init(&solid, (struct vec3){-32, -24, -30}, (struct vec3){32, 24, 30});
    part = nn_solid_add(&solid, NN_PART_DRUM, (struct vec3){4, 0, 0});
    part->size = (struct vec3){9, 8, 11};
    part->waist = 0.15;
    part->hollow = 1;
    part->round = 1.5;
    part->wedge = 0.2;
    part = nn_solid_add(&solid, NN_PART_CONE, (struct vec3){0, 0, 0});
    part->a = (struct vec3){-3, 0, 4};
    part->b = (struct vec3){-20, 5, 14};
    part->ra = 4;
    part->rb = 2.5;
    part->blend = 2;
    part->mirrored = true;
    part = nn_solid_add(&solid, NN_PART_ARC, (struct vec3){-8, 2, 0});
    part->ra = 14;
    part->rb = 12;
    part->a = (struct vec3){2, 4.2, 0};
    part->size = (struct vec3){3, 4, 1};
    part->blend = 1;
    part = nn_solid_add(&solid, NN_PART_BOX, (struct vec3){8, -5, 0});
    part->size = (struct vec3){3, 3, 20};
    part->how = NN_PART_CUT;
    return solid;
}

/* Mean and greatest difference. */
static void apart(const float *a, const float *b, bool turned, double *mean, double *most)
{
    *mean = *most = 0;
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            int other = turned ? COLS - 1 - c : c;
            double off = fabs((double)a[r * COLS + c] - (double)b[r * COLS + other]);

            *mean += off / (ROWS * COLS);
            *most = fmax(*most, off);
        }
}

/* But for pixel centres that an outline passes by 1/256 pixel. */
static void a_mirrored_camera_mirrors_the_image(void **state)
{
    struct nn_camera camera = camera_of();
    struct nn_solid solid = odd_solid();
    struct nn_mesh mesh = meshed(&solid, 1, 4);
    struct pose pose = nn_pose_of((struct vec3){5, 3, 120}, 0.4, 0.3, 0.2);
    float plane[ROWS * COLS], mirrored[ROWS * COLS];
    double mean, most, x, y, depth;

    (void)state;
    project(&camera, &mesh, &pose, plane);
    nn_camera_project(&camera, pose.at, &x, &y, &depth);
    assert_true(fabs(depth - 120) < 1e-9);
    camera.mirrored = true;
    project(&camera, &mesh, &pose, mirrored);
    apart(plane, mirrored, true, &mean, &most);
    assert_true(mean < 0.005 && most < 2);
    apart(plane, mirrored, false, &mean, &most);
    assert_true(mean > 0.1); /* the solid is not its own image */
    nn_camera_project(&camera, pose.at, &mean, &most, NULL);
    assert_true(fabs(mean - (COLS - x)) < 1e-9 && most == y);
    nn_mesh_finish(&mesh);
}

static void shuffle(struct nn_mesh *mesh, struct phantom_rng *rng)
{
    for (size_t t = mesh->triangles; t > 1; t--) {
        size_t other = (size_t)(nn_phantom_bits(rng) % t), turn = nn_phantom_bits(rng) % 3;
        unsigned kept[3], *a = &mesh->corner[3 * (t - 1)], *b = &mesh->corner[3 * other];

        memcpy(kept, a, sizeof kept);
        memmove(a, b, sizeof kept);
        for (size_t i = 0; i < 3; i++)
            b[i] = kept[(i + turn) % 3];
    }
}

static void the_order_of_triangles_does_not_matter(void **state)
{
    struct phantom_rng rng = nn_phantom_rng(1, 1, PHANTOM_OTHER);
    struct nn_camera camera = camera_of();
    struct nn_solid solid = odd_solid();
    struct nn_mesh mesh = meshed(&solid, 1, 4);
    struct pose pose = nn_pose_of((struct vec3){5, 3, 120}, 0.4, 0.3, 0.2);
    float plane[ROWS * COLS], again[ROWS * COLS];
    double mean, most;

    (void)state;
    project(&camera, &mesh, &pose, plane);
    for (int i = 0; i < 3; i++) {
        shuffle(&mesh, &rng);
        project(&camera, &mesh, &pose, again);
        apart(plane, again, false, &mean, &most);
        assert_true(most < 1e-4);
    }
    for (size_t t = 0; t < mesh.triangles; t++) { /* inside out: the same body */
        unsigned kept = mesh.corner[3 * t];

        mesh.corner[3 * t] = mesh.corner[3 * t + 1];
        mesh.corner[3 * t + 1] = kept;
    }
    project(&camera, &mesh, &pose, again);
    apart(plane, again, false, &mean, &most);
    assert_true(most < 1e-4);
    nn_mesh_finish(&mesh);
}

static void what_its_box_cuts_is_closed_there(void **state)
{
    struct nn_camera camera = camera_of();
    struct nn_solid solid = sphere_of(20);
    struct nn_mesh mesh;
    struct pose pose = nn_pose_of((struct vec3){0, 0, 100}, 0, 0, 0);
    float plane[ROWS * COLS];
    double col, row;
    float middle;

    (void)state;
    solid.low = (struct vec3){-25, -12, -10};
    solid.high = (struct vec3){12, 25, 14};
    mesh = meshed(&solid, 1, 2);
    for (size_t i = 0; i < mesh.vertices; i++) {
        assert_true(mesh.x[i] <= 12 && mesh.y[i] >= -12);
        assert_true(mesh.z[i] >= -10 && mesh.z[i] <= 14);
    }
    project(&camera, &mesh, &pose, plane);
    nn_camera_project(&camera, pose.at, &col, &row, NULL);
    middle = plane[(int)row * COLS + (int)col];
    assert_true(middle > 22 && middle < 24.1f);
    for (int i = 0; i < ROWS * COLS; i++)
        assert_true(plane[i] > -1e-3f && plane[i] < 24.6f);
    nn_mesh_finish(&mesh);
}

static void nothing_is_an_empty_mesh(void **state)
{
    struct nn_camera camera = camera_of();
    struct nn_solid solid;
    struct nn_mesh outer, inner;
    struct pose none = nn_pose_none();
    float plane[ROWS * COLS] = {0};

    (void)state;
    nn_solid_init(&solid, (struct vec3){-5, -5, -5}, (struct vec3){5, 5, 5});
    assert_int_equal(nn_solid_shell(&solid, 1, 1, &outer, &inner, NULL), NN_OK);
    assert_true(outer.triangles == 0 && inner.triangles == 0);
    assert_int_equal(nn_camera_add(&camera, &outer, &none, 1, plane, NULL), NN_OK);
    solid = sphere_of(2); /* thinner than its shell */
    assert_int_equal(nn_solid_shell(&solid, 0.7, 3, &outer, &inner, NULL), NN_OK);
    assert_true(outer.triangles > 0 && inner.triangles == 0);
    nn_mesh_finish(&outer);
    nn_mesh_finish(&inner);
}

static void lofts_are_closed(void **state)
{
    struct nn_mesh mesh = {0};
    struct vec3 points[5 * 7];

    (void)state;
    for (int r = 0; r < 5; r++)
        for (int i = 0; i < 7; i++)
            points[r * 7 + i] = (struct vec3){10 * cos(0.9 * i), 4.0 * r, 10 * sin(0.9 * i)};
    assert_int_equal(nn_mesh_loft(&mesh, points, 5, 7, NULL), NN_OK);
    assert_true(mesh_is_closed(&mesh, 2));
    assert_int_equal(nn_mesh_loft(&mesh, points, 5, 7, NULL), NN_OK); /* a second in one mesh */
    assert_true(mesh_is_closed(&mesh, 2));
    assert_int_equal(mesh.triangles, 2 * (2 * 4 * 7 + 2 * 7));
    mesh.triangles--;
    assert_false(mesh_is_closed(&mesh, 2));
    nn_mesh_finish(&mesh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spheres_have_their_chords),
        cmocka_unit_test(boxes_have_their_chords),
        cmocka_unit_test(shells_have_both_their_surfaces),
        cmocka_unit_test(bone_attenuates_as_cortex_and_sponge),
        cmocka_unit_test(a_mirrored_camera_mirrors_the_image),
        cmocka_unit_test(the_order_of_triangles_does_not_matter),
        cmocka_unit_test(what_its_box_cuts_is_closed_there),
        cmocka_unit_test(nothing_is_an_empty_mesh),
        cmocka_unit_test(lofts_are_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
