/* Any bytes as a solid and a camera, or as settings. A solid of any parts in any poses becomes
 * closed meshes within its box, whose chords are finite and no longer than the box; settings are
 * refused with words or their truth is in bounds. Laterals are not drawn: too slow for this. */
#include "../classifier/closed_mesh.h"
#include "phantom/phantom_parts.h"

#include <limits.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIDE = 24, PARTS = 8 };

struct bytes {
    const uint8_t *at, *end;
};

static int byte(struct bytes *bytes)
{
    return bytes->at < bytes->end ? *bytes->at++ : 0;
}

static double between(struct bytes *bytes, double low, double high)
{
    return low + (high - low) * byte(bytes) / 255;
}

static struct vec3 point(struct bytes *bytes, double low, double high)
{
    struct vec3 p;

    p.x = between(bytes, low, high);
    p.y = between(bytes, low, high);
    p.z = between(bytes, low, high);
    return p;
}

static struct pose pose(struct bytes *bytes, struct vec3 at)
{
    double flexion = between(bytes, -3.2, 3.2), rotation = between(bytes, -3.2, 3.2);

    return nn_pose_of(at, flexion, rotation, between(bytes, -3.2, 3.2));
}

static void read_part(struct bytes *bytes, struct nn_solid *solid)
{
    int kind = byte(bytes), flags = byte(bytes);
    struct nn_part *part =
        nn_solid_add(solid, (enum nn_part_shape)(kind % NN_PART_CUSTOM), point(bytes, -25, 25));

    part->how = (enum nn_part_how)(flags % 3);
    part->mirrored = flags & 64;
    part->pose = pose(bytes, part->pose.at);
    part->size = point(bytes, 0.05, 22);
    part->a = point(bytes, -12, 12);
    part->b = point(bytes, -12, 12);
    part->ra = between(bytes, 0.05, 20);
    part->rb = between(bytes, 0.05, 20);
    part->round = between(bytes, 0, 8);
    part->waist = between(bytes, 0, 0.6);
    part->hollow = between(bytes, 0, 3);
    part->wedge = between(bytes, -0.8, 0.8);
    part->blend = flags & 128 ? between(bytes, 0, 6) : 0;
}

/* `tall`: the box's longest way through. */
static void check_mesh(const struct nn_solid *solid, const struct nn_mesh *mesh,
                       const struct nn_camera *camera, const struct pose *pose, double tall)
{
    static float plane[SIDE * SIDE];

    if (!mesh_is_closed(mesh, INT_MAX))
        abort();
    for (size_t i = 0; i < mesh->vertices; i++)
        if (!(mesh->x[i] >= solid->low.x - 1e-3 && mesh->y[i] >= solid->low.y - 1e-3 &&
              mesh->z[i] >= solid->low.z - 1e-3 && isfinite(mesh->x[i]) && isfinite(mesh->y[i]) &&
              isfinite(mesh->z[i])))
            abort();
    memset(plane, 0, sizeof plane);
    if (nn_camera_add(camera, mesh, pose, 1, plane, NULL) != NN_OK)
        abort();
    for (int i = 0; i < SIDE * SIDE; i++)
        if (!(plane[i] > -tall && plane[i] < 1.2 * tall)) /* folds subtract; NaN fails too */
            abort();
}

static void try_solid(struct bytes *bytes)
{
    static struct nn_solid solid;
    struct nn_camera camera = {.pose = nn_pose_none(), .rows = SIDE, .cols = SIDE};
    struct nn_mesh outer, inner;
    struct vec3 low = point(bytes, -30, 0), high = point(bytes, 0, 30);
    struct pose at = pose(bytes, point(bytes, -40, 40));
    double cell = between(bytes, 1.2, 6), depth = between(bytes, 0, 4), tall;

    at.at.z += 100;
    camera.mirrored = byte(bytes) & 1;
    camera.spot_x = between(bytes, -60, 60);
    camera.spot_y = between(bytes, -60, 60);
    camera.distance = between(bytes, 300, 1800);
    camera.pitch = between(bytes, 0.3, 12);
    camera.middle_x = between(bytes, -4, 28);
    camera.middle_y = between(bytes, -4, 28);
    nn_solid_init(&solid, low, high);
    for (int i = 0; i < PARTS && bytes->at < bytes->end; i++)
        read_part(bytes, &solid);
    if (nn_solid_shell(&solid, cell, depth, &outer, &inner, NULL) != NN_OK)
        abort();
    tall = nn_vec3_length(nn_vec3_sub(high, low)) + 6 * cell;
    check_mesh(&solid, &outer, &camera, &at, tall);
    check_mesh(&solid, &inner, &camera, &at, tall);
    nn_mesh_finish(&outer);
    nn_mesh_finish(&inner);
}

static void check_truth(const struct nn_phantom_settings *settings, uint64_t index)
{
    struct nn_phantom_truth t;

    nn_phantom_truth(settings, index, &t);
    if (!(t.subtlety >= 0 && t.subtlety <= 1 && t.translation_mm >= 0 && t.gap_mm >= 0) ||
        !(t.box[0] >= 0 && t.box[1] >= 0 && t.box[2] <= settings->cols &&
          t.box[3] <= settings->rows && t.box[0] <= t.box[2] && t.box[1] <= t.box[3]) ||
        !(isfinite(t.mm_per_pixel) && isfinite(t.flexion_deg) && isfinite(t.turn_deg)))
        abort();
    if (t.class_ == NN_PHANTOM_NORMAL && (t.level != -1 || t.box[2] != 0 || t.lesion[0] != '\0'))
        abort();
}

static void try_settings(struct bytes *bytes)
{
    struct {
        int32_t rows, cols, subject, configuration;
        double prevalence[3];
        uint64_t seed, index;
    } raw = {0};
    struct nn_phantom_settings settings;
    struct nn_error err = {0};
    struct nn_plane plane, mask;
    size_t given = (size_t)(bytes->end - bytes->at);

    memcpy(&raw, bytes->at, given < sizeof raw ? given : sizeof raw);
    settings = (struct nn_phantom_settings){.seed = raw.seed,
                                            .rows = raw.rows,
                                            .cols = raw.cols,
                                            .subject = (enum nn_phantom_subject)raw.subject,
                                            .configuration = raw.configuration};
    memcpy(settings.prevalence, raw.prevalence, sizeof raw.prevalence);
    if (raw.rows >= 16 && raw.cols >= 16 && (int64_t)raw.rows * raw.cols <= NN_IMAGE_MAX_PIXELS &&
        raw.subject >= 0 && raw.subject < NN_PHANTOM_SUBJECTS && raw.configuration / 2 == 0) {
        double dislocated = (double)(raw.seed % 101) / 100;

        if (!(raw.prevalence[0] == 0)) { /* or it would be guessed too rarely */
            settings.prevalence[0] = dislocated;
            settings.prevalence[1] = 1 - dislocated;
            settings.prevalence[2] = 0;
        }
        settings.configuration = raw.configuration & 1;
        check_truth(&settings, raw.index);
        return;
    }
    if (nn_phantom_draw(&settings, raw.index, &plane, &mask, NULL, &err) == NN_OK ||
        err.text[0] == '\0' || plane.pixels != NULL || mask.pixels != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, data + size};

    if (byte(&bytes) & 1)
        try_settings(&bytes);
    else
        try_solid(&bytes);
    return 0;
}
