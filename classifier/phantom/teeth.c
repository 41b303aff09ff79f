/* teeth.c: teeth with roots and enamel, and what dentists put there.
 *
 * Sizes of permanent teeth (mesiodistal and buccolingual crown, crown's and root's length, mm):
 * Ash & Nelson, Wheeler's Dental Anatomy, 8th ed. 2003, rounded. Teeth missing by age, fillings and
 * crowns: as frequent as in surveys of adults in industrial countries (NHANES 2011-2016, rounded).
 */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define DENTINE  0.0640 /* 1/mm at 60 keV, 2.1 g/cm3 */
#define AMALGAM  1.8000 /* Ag-Hg-Sn, 10 g/cm3, what little of it beam hardening leaves */

static const double UPPER[8][4] = {{8.5, 7, 10.5, 13}, {6.5, 6, 9, 13},   {7.5, 8, 10, 17},
                                   {7, 9, 8.5, 14},    {7, 9, 8.5, 14},   {10, 11, 7.5, 12.5},
                                   {9.5, 11, 7, 11.5}, {8.5, 10, 6.5, 11}};
static const double LOWER[8][4] = {{5, 6, 9, 12.5},   {5.5, 6.5, 9.5, 14}, {7, 7.5, 11, 16},
                                   {7, 7.5, 8.5, 14}, {7, 8, 8, 14.5},     {11, 10.5, 7.5, 14},
                                   {10.5, 10, 7, 13}, {10, 9.5, 7, 11}};
/* x, z of the crowns' middle line. */
static const double UPPER_ARCH[][2] = {{94, 0},  {93, 7},    {88.5, 14.5}, {80, 21},
                                       {70, 25}, {60, 27.5}, {50, 29.5},   {40, 31}};
static const double LOWER_ARCH[][2] = {{91, 0},    {90, 6},  {85.5, 13.5}, {77, 19.5},
                                       {67, 23.5}, {57, 27}, {46, 30},     {34, 33}};

static void sample_tooth(struct phantom_rng *rng, const struct phantom_dental *dental, int number,
                         int age, double care, enum phantom_tooth_state *state)
{
    int place = number % 16 < 8 ? 7 - number % 16 : number % 16 - 8;
    bool bare = number < 16 ? dental->upper_bare : dental->lower_bare;
    double lost = 0.01 + 0.25 * nn_phantom_clamp((age - 30) / 60.0, 0, 1) * (place > 3 ? 1.4 : 0.7);
    double chance = nn_phantom_uniform(rng, 0, 1), drill = nn_phantom_uniform(rng, 0, 1);

    if (place == 7)
        lost = age < 18 ? 1 : 0.55 + 0.3 * lost;
    *state = PHANTOM_TOOTH_SOUND;
    if (bare || chance < lost)
        *state = PHANTOM_TOOTH_NONE;
    else if (dental->fillings && place > 2 && drill < care)
        *state = PHANTOM_TOOTH_FILLED;
    else if (dental->crowns && drill < 1.25 * care)
        *state = PHANTOM_TOOTH_CROWN;
    else if (dental->crowns && drill < 1.4 * care)
        *state = PHANTOM_TOOTH_ROOT_FILLED;
}

void nn_phantom_dental(const struct nn_phantom_settings *settings, uint64_t index, int age,
                       bool child, struct phantom_dental *dental)
{
    const bool other = settings->configuration != 0;
    /* a stream of its own: other devices must not depend on how many teeth there are */
    struct phantom_rng rng =
        nn_phantom_rng(settings->seed ^ UINT64_C(0x746f6f7468), index, PHANTOM_DEVICES);
    double old = nn_phantom_clamp((age - 55) / 40.0, 0, 1), care = 0;

    *dental = (struct phantom_dental){0};
    dental->upper_bare = nn_phantom_chance(&rng, 0.4 * old);
    dental->lower_bare = nn_phantom_chance(&rng, dental->upper_bare ? 0.6 : 0.05 * old);
    dental->fillings = !child && nn_phantom_chance(&rng, other ? 0.6 : 0.45);
    dental->crowns = !child && nn_phantom_chance(&rng, other ? 0.35 : 0.2);
    dental->bridge = !child && age > 30 && nn_phantom_chance(&rng, other ? 0.12 : 0.07);
    dental->implant = !child && age > 30 && nn_phantom_chance(&rng, other ? 0.08 : 0.05);
    care = nn_phantom_uniform(&rng, 0.08, 0.5);
    for (int i = 0; i < PHANTOM_TEETH; i++)
        sample_tooth(&rng, dental, i, age, care, &dental->tooth[i]);
    if (dental->bridge) {
        int first = (int)nn_phantom_uniform(&rng, 0, 4);
        int at = (first % 2 ? 16 : 0) + (first / 2 ? 2 : 10);

        for (int k = 0; k < 4; k++)
            dental->tooth[at + k] = k == 0 || k == 3 ? PHANTOM_TOOTH_CROWN : PHANTOM_TOOTH_PONTIC;
    }
    if (dental->implant) {
        int at = (int)nn_phantom_uniform(&rng, 0, 32);

        dental->tooth[at] = PHANTOM_TOOTH_IMPLANT;
    }
}

/* A tooth stands on its axes: across the jaw (out), along it (on), towards the root (down). */
struct tooth {
    struct vec3 crown, out, on, down; /* crown: middle of the biting edge */
    const double *size;
    int place; /* 0 the middle incisor .. 7 the wisdom tooth */
};

/* A section `depth` mm from the biting edge, `shift` along the jaw. */
static struct phantom_ring section(const struct tooth *tooth, double depth, double shift,
                                   double along, double across)
{
    struct vec3 at = nn_vec3_add(tooth->crown, nn_vec3_scale(tooth->down, depth));
    struct vec3 half = nn_vec3_scale(tooth->on, 0.5 * along);

    at = nn_vec3_add(at, nn_vec3_scale(tooth->on, shift));
    return (struct phantom_ring){.a = nn_vec3_sub(at, half),
                                 .b = nn_vec3_add(at, half),
                                 .side = nn_vec3_scale(tooth->out, 0.5 * across),
                                 .square = 0.15};
}

static void draw_root(struct phantom_scene *scene, const struct pose *pose,
                      const struct tooth *tooth, double mu, double thin)
{
    const double *z = tooth->size;
    int roots = tooth->place > 4 ? 2 : 1;

    for (int k = 0; k < roots; k++) {
        double on = roots == 2 ? (k == 0 ? -0.24 : 0.24) * z[0] : 0;
        double wide = (roots == 2 ? 0.46 : 0.78) * z[0] * thin, deep = 0.85 * z[1] * thin;
        struct phantom_ring ring[4] = {
            section(tooth, z[2], on, wide, deep),
            section(tooth, z[2] + 0.4 * z[3], 1.15 * on, 0.8 * wide, 0.8 * deep),
            section(tooth, z[2] + 0.8 * z[3], 1.2 * on, 0.5 * wide, 0.5 * deep),
            section(tooth, z[2] + z[3], 1.1 * on, 0.15 * wide, 0.15 * deep)};

        nn_phantom_loft(scene, pose, ring, 4, 1, 8, mu);
    }
}

/* The crown, `less` mm inside its surface. */
static void draw_crown(struct phantom_scene *scene, const struct pose *pose,
                       const struct tooth *tooth, double mu, double less)
{
    const double *z = tooth->size;
    double edge = tooth->place < 2 ? 0.25 : tooth->place == 2 ? 0.4 : 0.75;
    double along = z[0] - 2 * less, across = z[1] - 2 * less;
    struct phantom_ring ring[4] = {
        section(tooth, 1.3 * less, 0, 0.82 * along, edge * across),
        section(tooth, 0.15 * z[2] + less, 0, along, 0.5 * (1 + edge) * across),
        section(tooth, 0.6 * z[2], 0, 0.96 * along, across),
        section(tooth, z[2], 0, 0.78 * z[0], 0.85 * z[1])};

    nn_phantom_loft(scene, pose, ring, 4, 1, 10, mu);
}

static void draw_screw(struct phantom_scene *scene, const struct pose *pose,
                       const struct tooth *tooth)
{
    struct phantom_ring ring[10];

    for (int i = 0; i < 10; i++) {
        double wide = i == 9 ? 2 : i % 2 ? 3.4 : 4.1;

        ring[i] = section(tooth, tooth->size[2] - 1 + 1.3 * i, 0, wide, wide);
        ring[i].square = 0;
    }
    nn_phantom_loft(scene, pose, ring, 10, 1, 10, PHANTOM_TITANIUM - PHANTOM_SPONGE);
}

static void draw_filling(struct phantom_scene *scene, const struct pose *pose,
                         const struct tooth *tooth, struct phantom_rng *rng)
{
    double along = tooth->size[0] * nn_phantom_uniform(rng, 0.3, 0.75);
    double across = tooth->size[1] * nn_phantom_uniform(rng, 0.25, 0.5);
    double deep = nn_phantom_uniform(rng, 1.6, 3.4), on = nn_phantom_normal(rng, 0, 0.8);
    double metal = nn_phantom_chance(rng, 0.6) ? AMALGAM : nn_phantom_uniform(rng, 0.1, 0.3);
    struct phantom_ring ring[3] = {section(tooth, 0.2, on, along, across),
                                   section(tooth, 0.7 * deep, on, 0.9 * along, across),
                                   section(tooth, deep, on, 0.6 * along, 0.6 * across)};

    nn_phantom_loft(scene, pose, ring, 3, 1, 8, metal - DENTINE);
}

static void draw_tooth(struct phantom_scene *scene, const struct pose *pose,
                       const struct tooth *tooth, enum phantom_tooth_state state,
                       struct phantom_rng *rng)
{
    bool metal = nn_phantom_chance(rng, 0.5); /* else ceramic */

    if (state == PHANTOM_TOOTH_IMPLANT)
        draw_screw(scene, pose, tooth);
    else if (state != PHANTOM_TOOTH_PONTIC)
        draw_root(scene, pose, tooth, DENTINE - PHANTOM_SPONGE, 1);
    if (state == PHANTOM_TOOTH_SOUND || state == PHANTOM_TOOTH_FILLED ||
        state == PHANTOM_TOOTH_ROOT_FILLED) {
        draw_crown(scene, pose, tooth, PHANTOM_ENAMEL - PHANTOM_SOFT, 0);
        draw_crown(scene, pose, tooth, DENTINE - PHANTOM_ENAMEL, tooth->place > 2 ? 1.8 : 1.2);
    } else {
        draw_crown(scene, pose, tooth, (metal ? PHANTOM_STEEL : 0.16) - PHANTOM_SOFT, 0.1);
        draw_crown(scene, pose, tooth, DENTINE - (metal ? PHANTOM_STEEL : 0.16), 0.9);
    }
    if (state == PHANTOM_TOOTH_FILLED)
        draw_filling(scene, pose, tooth, rng);
    if (state == PHANTOM_TOOTH_ROOT_FILLED)
        draw_root(scene, pose, tooth, 0.3, 0.16);
    else if (state == PHANTOM_TOOTH_SOUND || state == PHANTOM_TOOTH_FILLED)
        draw_root(scene, pose, tooth, PHANTOM_SOFT - DENTINE, 0.16); /* the pulp */
}

/* Turns the tooth's axes: the arch's tangent from the slope at x, roots lean by the tooth. */
static void stand(struct tooth *tooth, const struct phantom_head *head, double x, double side,
                  bool upper, double lean)
{
    const double(*arch)[2] = upper ? UPPER_ARCH : LOWER_ARCH;
    const double top = arch[0][0];
    double z = nn_phantom_arch(arch, 8, x), bite = upper ? 31.5 : 30.5, up = upper ? -1 : 1;
    double behind = nn_phantom_arch(arch, 8, x - 2.5), before = nn_phantom_arch(arch, 8, x + 2.5);
    double y = bite - 0.1 * (top - x) + (upper ? 0 : -0.4);
    double incline = nn_phantom_clamp((x - 60) / 30, 0, 1) * (upper ? -0.36 : -0.2);
    struct vec3 on = {x + 2.5 > top ? -3 : -5, 0, side * (behind - before)};

    if (tooth->place == 0)
        on = nn_phantom_vec(-1, 0, 4 * side);
    tooth->crown = nn_phantom_head_vec(head, x, y, side * z);
    tooth->down =
        nn_phantom_unit(nn_phantom_vec(incline + lean + (upper ? 0 : -0.12 * (1 - (x - 34) / 57)),
                                       up, upper ? 0.05 * side : 0.1 * side));
    on = nn_phantom_unit(on);
    tooth->out = nn_phantom_unit(nn_vec3_cross(on, tooth->down));
    tooth->on = nn_vec3_cross(tooth->down, tooth->out);
}

static void draw_quadrant(struct phantom_scene *scene, struct phantom_head *head,
                          const struct phantom_dental *dental, bool upper, int side)
{
    const double(*arch)[2] = upper ? UPPER_ARCH : LOWER_ARCH;
    const double(*sizes)[4] = upper ? UPPER : LOWER;
    double x = arch[0][0] - 0.2, gone = 0; /* gone: arc length from the middle */

    for (int place = 0; place < 8; place++) {
        int number = (upper ? 0 : 16) + (side < 0 ? 7 - place : 8 + place);
        struct tooth tooth = {.size = sizes[place], .place = place};
        double lean = nn_phantom_normal(&head->rng, 0, 0.05), want = gone + 0.5 * sizes[place][0];
        struct phantom_rng own = {nn_phantom_bits(&head->rng)};
        double length = 0, at = arch[0][0], z = 0;

        while (length < want && at > 30) { /* the arch by steps of half a millimetre of x */
            double next = nn_phantom_arch(arch, 8, at - 0.5);

            length += sqrt(0.25 + (next - z) * (next - z));
            at -= 0.5;
            z = next;
        }
        x = at;
        gone += sizes[place][0];
        stand(&tooth, head, x, side, upper, lean);
        if (dental->tooth[number] != PHANTOM_TOOTH_NONE)
            draw_tooth(scene, upper ? &head->skull : &head->jaw, &tooth, dental->tooth[number],
                       &own);
    }
}

void nn_phantom_draw_teeth(struct phantom_scene *scene, struct phantom_head *head,
                           const struct phantom_dental *dental)
{
    for (int side = -1; side <= 1; side += 2) {
        draw_quadrant(scene, head, dental, true, side);
        draw_quadrant(scene, head, dental, false, side);
    }
}
