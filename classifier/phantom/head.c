/* head.c: the head's measures and its vault; base.c, face.c, jaw.c and teeth.c draw the rest.
 *
 * Tables are millimetres for a skull of mean size: maximum length 185, breadth 140, basion-bregma
 * 132, nasion-basion 100, foramen magnum 36 x 30, N-ANS 52, N-Me 115 (Howells, Cranial Variation in
 * Man, 1973); angles at sella 130 and of the mandibular plane to Frankfurt's 25 degrees
 * (Broadbent's Bolton standards, 1975). Vault 6-8 mm thick with tables of 1.3-1.8 mm (Lynnerup,
 * Forensic Sci Int 2001;117:45). */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

void nn_phantom_head(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct phantom_anatomy *anatomy, struct phantom_head *head)
{
    const bool other = settings->configuration != 0;
    struct phantom_rng *rng = &head->rng;
    double scale, open, yaw;
    struct vec3 hinge;
    struct pose there, turn;

    *rng = nn_phantom_rng(settings->seed, index, PHANTOM_SKULL);
    head->skull = anatomy->skull;
    head->density = nn_phantom_clamp(0.55 + 0.45 * anatomy->density, 0.5, 1.3);
    head->configuration = settings->configuration;
    /* heads vary less than bodies; a child's is large already */
    scale = anatomy->child ? 0.5 + 0.5 * anatomy->scale : 0.4 + 0.6 * anatomy->scale;
    head->size.x = scale * nn_phantom_normal(rng, other ? 1.03 : 1, other ? 0.05 : 0.03);
    head->size.y = scale * nn_phantom_normal(rng, other ? 0.97 : 1, other ? 0.05 : 0.035);
    head->size.z = scale * nn_phantom_normal(rng, other ? 1.04 : 1, other ? 0.05 : 0.035);
    open = nn_phantom_chance(rng, 0.75) ? nn_phantom_uniform(rng, 0, 0.03)
                                        : nn_phantom_uniform(rng, 0.03, other ? 0.22 : 0.12);
    if (settings->subject == NN_PHANTOM_ODONTOID)
        open = nn_phantom_uniform(rng, 0.4, 0.6);
    yaw = nn_phantom_normal(rng, 0, 0.012);
    hinge = nn_phantom_head_vec(head, 8, -18, 0);
    there = nn_pose_of(nn_phantom_vec(0, 0, 0), open, yaw, nn_phantom_normal(rng, 0, 0.01));
    turn = there;
    turn.at = nn_vec3_sub(hinge, nn_pose_apply(&there, hinge));
    head->jaw = nn_pose_join(&head->skull, &turn);
}

struct vec3 nn_phantom_head_vec(const struct phantom_head *head, double x, double y, double z)
{
    return (struct vec3){head->size.x * x, head->size.y * y, head->size.z * z};
}

struct phantom_ring nn_phantom_head_ring(const struct phantom_head *head, const double ab[4],
                                         double z, double wide)
{
    return (struct phantom_ring){.a = nn_phantom_head_vec(head, ab[0], ab[1], z),
                                 .b = nn_phantom_head_vec(head, ab[2], ab[3], z),
                                 .side = nn_phantom_head_vec(head, 0, 0, wide)};
}

void nn_phantom_head_plate(struct phantom_scene *scene, const struct phantom_head *head,
                           const struct phantom_plate *plate, double mu)
{
    struct phantom_ring ring[6];

    for (int i = 0; i < plate->count; i++) {
        const double *to = plate->line[i + 1 < plate->count ? i + 1 : i];
        const double *from = plate->line[i > 0 ? i - 1 : 0], *at = plate->line[i];
        struct vec3 way = nn_phantom_unit(nn_phantom_vec(from[1] - to[1], to[0] - from[0], 0));
        bool end = i == 0 || i == plate->count - 1;
        double middle = 0.5 * (plate->low + plate->high);
        double half = (plate->high - plate->low) * (end ? 0.28 : 0.5);

        ring[i] = (struct phantom_ring){
            .a = nn_phantom_head_vec(head, at[0], at[1], middle - half),
            .b = nn_phantom_head_vec(head, at[0], at[1], middle + half),
            .side = nn_vec3_scale(way, (end ? 0.25 : 0.5) * plate->thick * head->size.x),
            .bend = nn_phantom_head_vec(head, plate->bend[0], plate->bend[1], 0),
            .square = 0.15};
    }
    nn_phantom_loft(scene, &head->skull, ring, plate->count, 3, 12, mu);
}

#define VAULT_RINGS   12
#define VAULT_BETWEEN 3
#define VAULT_AROUND  40

/* The outer table's front and back in the sagittal plane, half width, and the vault's thickness
 * there as a share. */
static const double VAULT[VAULT_RINGS][6] = {
    {20, -131, -14, -131, 15, 1.0}, {48, -122, -47, -125, 41, 1.0}, {70, -105, -77, -107, 60, 1.0},
    {84, -85, -93, -86, 68, 1.0},   {90, -66, -97, -64, 70, 1.05},  {74, -53, -96, -47, 68, 1.05},
    {46, -46, -92, -32, 66, 1.0},   {27, -38, -84, -19, 62, 0.8},   {14, -24, -72, -9, 55, 0.62},
    {7, -10, -57, -2, 41, 0.5},     {2, 0, -43, 2, 24, 0.42},       {-1, 1.5, -36.5, 2.5, 15, 0.0}};

/* Depth under the outer table with slow waves: the tables are not parallel. The floor of the front
 * fossa and the clivus are thin, the squama of the occiput thick. */
static void depths(struct phantom_rng *rng, double base, double waves, double *depth)
{
    double phase = nn_phantom_uniform(rng, 0, 6.28), pace = nn_phantom_uniform(rng, 0.3, 0.6);
    double turn = nn_phantom_uniform(rng, 0, 6.28);

    for (int r = 0; r <= (VAULT_RINGS - 1) * VAULT_BETWEEN; r++) {
        int i = r / VAULT_BETWEEN, k = r % VAULT_BETWEEN;
        double share = VAULT[i][5], low = nn_phantom_clamp((r - 13) / 4.0, 0, 1);

        if (k > 0)
            share += (VAULT[i + 1][5] - share) * k / VAULT_BETWEEN;
        for (int v = 0; v < VAULT_AROUND; v++) {
            double angle = 6.283185307179586 * v / VAULT_AROUND,
                   front = -cos(angle); /* a ring begins behind */
            double thin = 1 + low * (front > 0 ? -0.94 * front : -0.2 * front);
            double wave = 1 + waves * (sin(phase + pace * r) + 0.7 * sin(turn + 3 * angle));

            depth[r * VAULT_AROUND + v] = base * share * thin * wave;
        }
    }
}

static void draw_vault(struct phantom_scene *scene, struct phantom_head *head, int age)
{
    const bool other = head->configuration != 0;
    struct phantom_ring ring[VAULT_RINGS];
    struct phantom_grid outer, grid;
    struct phantom_rng *rng = &head->rng;
    double depth[((VAULT_RINGS - 1) * VAULT_BETWEEN + 1) * VAULT_AROUND];
    double thick = nn_phantom_normal(rng, other ? 7.8 : 6.6, 0.8) * (age < 18 ? 0.7 : 1);
    double outer_table = nn_phantom_uniform(rng, 1.2, 1.9);
    double inner_table = nn_phantom_uniform(rng, 1.0, 1.5);
    double cortex = PHANTOM_CORTEX * (0.4 + 0.6 * head->density);
    double sponge = PHANTOM_SPONGE * nn_phantom_uniform(rng, 0.95, 1.25);

    for (int i = 0; i < VAULT_RINGS; i++) {
        double shift = nn_phantom_normal(rng, 0, 0.8);

        ring[i] = nn_phantom_head_ring(head, VAULT[i], shift, VAULT[i][4]);
        ring[i].a.x += nn_phantom_normal(rng, 0, 0.5);
        ring[i].b.x += nn_phantom_normal(rng, 0, i < 9 ? 1.2 : 0.5);
        ring[i].skew = -0.12;
        ring[i].square = i > 1 && i < 9 ? 0.08 : 0.02;
    }
    nn_phantom_grid_of(&outer, &head->skull, ring, VAULT_RINGS, VAULT_BETWEEN, VAULT_AROUND);
    nn_phantom_grid_add(scene, &outer, cortex - PHANTOM_SOFT, false);
    depths(rng, outer_table, 0.1, depth);
    nn_phantom_grid_inset(&outer, depth, &grid);
    nn_phantom_grid_add(scene, &grid, sponge - cortex, false);
    depths(rng, thick - inner_table, 0.12, depth);
    nn_phantom_grid_inset(&outer, depth, &grid);
    nn_phantom_grid_add(scene, &grid, cortex - sponge, false);
    depths(rng, thick, 0.14, depth);
    nn_phantom_grid_inset(&outer, depth, &grid);
    nn_phantom_grid_add(scene, &grid, PHANTOM_SOFT - cortex, false);
}

void nn_phantom_draw_head(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                          uint64_t index, const struct phantom_anatomy *anatomy)
{
    struct phantom_dental dental;
    struct phantom_head head;

    nn_phantom_head(settings, index, anatomy, &head);
    nn_phantom_dental(settings, index, anatomy->age, anatomy->child, &dental);
    draw_vault(scene, &head, anatomy->age);
    nn_phantom_draw_base(scene, &head);
    nn_phantom_draw_face(scene, &head);
    nn_phantom_draw_jaws(scene, &head, &dental);
    nn_phantom_draw_teeth(scene, &head, &dental);
}
