/* injure.c: what an injury moves, and where it lies. */
#include "spine.h"
#include <math.h>

/* pose, moved by `by` as seen from `frame`. */
static struct pose moved(const struct pose *pose, const struct pose *frame, const struct pose *by)
{
    struct pose local = {.at = nn_pose_back(frame, pose->at)}, there;

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++)
                local.turn[i][j] += frame->turn[k][i] * pose->turn[k][j];
    there = nn_pose_join(by, &local);
    return nn_pose_join(frame, &there);
}

/* Moves levels up to `top`, the dens and the skull (top 0: the skull only). */
static void move_above(struct phantom_anatomy *anatomy, int top, const struct pose *frame,
                       const struct pose *by)
{
    for (int i = 1; i <= top; i++) {
        anatomy->level[i].body = moved(&anatomy->level[i].body, frame, by);
        anatomy->level[i].rear = moved(&anatomy->level[i].rear, frame, by);
    }
    if (top >= 2)
        anatomy->dens = moved(&anatomy->dens, frame, by);
    anatomy->skull = moved(&anatomy->skull, frame, by);
}

static struct pose framed(const struct pose *turn, struct vec3 at)
{
    struct pose frame = *turn;

    frame.at = at;
    return frame;
}

/* Where `level` turns on what is below it, with the turn of what is below. */
static struct pose joint_under(const struct phantom_anatomy *anatomy, int level)
{
    const struct phantom_level *upper = &anatomy->level[level], *lower = &anatomy->level[level + 1];
    double scale = anatomy->scale;

    if (level == 0)
        return framed(&lower->body,
                      nn_pose_apply(&anatomy->skull, (struct vec3){-4 * scale, 7 * scale, 0}));
    if (level == 1)
        return framed(&lower->body, upper->body.at);
    return framed(&lower->body,
                  nn_pose_apply(&upper->body, (struct vec3){0, upper->height / 2, 0}));
}

/* The joints above an injury take most of its angle back, as a patient's do who looks ahead: the
 * head's pose must not tell what the injured level should. `top`: the highest level that the injury
 * moves as one with its fragment. Turning is taken back by the atlas. */
static void compensate(struct phantom_anatomy *anatomy, int top, double angle, double rotation)
{
    const double kept = 0.3;
    double share;
    struct pose frame, by;

    if (top < 1)
        return;
    share = -(1 - kept) * angle * PHANTOM_DEGREE / top;
    for (int i = top - 1; i >= 0; i--) {
        frame = joint_under(anatomy, i);
        by = nn_phantom_about((struct vec3){0, 0, 0}, share,
                              i == (top > 1 ? 1 : 0) ? -(1 - kept) * rotation * PHANTOM_DEGREE : 0,
                              (struct vec3){0, 0, 0});
        move_above(anatomy, i, &frame, &by);
    }
}

/* The upper vertebra's lower end-plate goes `translation` forward and `lift` up as seen from the
 * lower vertebra. Turning, it turns about the facet that stays. */
static void dislocate(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    struct pose frame = joint_under(anatomy, injury->level);
    double turn = injury->rotation * PHANTOM_DEGREE;
    struct vec3 shift = {injury->translation, -injury->lift, 0};
    struct pose by;

    if (injury->kind == PHANTOM_UNILATERAL) {
        double x = nn_phantom_pillar_x(&anatomy->level[injury->level], anatomy->scale);

        shift.z = -x * sin(turn);
    }
    by = nn_phantom_about((struct vec3){0, 0, 0}, injury->angulation * PHANTOM_DEGREE, turn, shift);
    move_above(anatomy, injury->level, &frame, &by);
    compensate(anatomy, injury->level, injury->angulation, injury->rotation);
}

/* What stands on a collapsed body sinks and leans forward. */
static void collapse(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    const struct phantom_level *level = &anatomy->level[injury->level];
    double loss = injury->height_loss / 100 * level->height;
    double behind = injury->kind == PHANTOM_BURST ? 0.5 * loss : 0;
    struct pose frame = level->body, by;
    int top = injury->level - 1;

    frame.at = nn_pose_apply(&level->body, (struct vec3){-level->depth / 2, -level->height / 2, 0});
    by = nn_phantom_about((struct vec3){0, 0, 0}, injury->angulation * PHANTOM_DEGREE, 0,
                          (struct vec3){0, behind, 0});
    move_above(anatomy, top, &frame, &by);
    compensate(anatomy, top, injury->angulation, 0);
}

/* A broken dens goes with the atlas and the skull; of type I only the tip goes. */
static void break_dens(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    const struct phantom_level *axis = &anatomy->level[2];
    double base = -axis->height / 2, bend = injury->angulation * PHANTOM_DEGREE;
    struct pose frame = axis->body, by;

    if (injury->kind == PHANTOM_DENS_1) {
        frame.at = nn_pose_apply(&axis->body, (struct vec3){0, base - 12 * anatomy->scale, 0});
        by = nn_phantom_about((struct vec3){0, 0, 0}, 0.06 * injury->gap, 0,
                              (struct vec3){-0.3 * injury->gap, -0.95 * injury->gap, 0});
        anatomy->dens = moved(&anatomy->dens, &frame, &by);
        return;
    }
    if (injury->kind == PHANTOM_DENS_3)
        base += 5 * anatomy->scale;
    frame.at = nn_pose_apply(&axis->body, (struct vec3){0, base, 0});
    by = nn_phantom_about((struct vec3){0, 0, 0}, bend, 0,
                          (struct vec3){injury->translation, -injury->gap, 0});
    move_above(anatomy, 1, &frame, &by);
    anatomy->dens = moved(&anatomy->dens, &frame, &by);
    compensate(anatomy, 1, injury->angulation, 0);
}

/* The body goes forward, the arch stays, a little behind where it was. */
static void break_pars(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    struct pose frame = joint_under(anatomy, 2), rear = anatomy->level[2].rear, by;
    double back = injury->gap - injury->translation;

    by = nn_phantom_about((struct vec3){0, 0, 0}, injury->angulation * PHANTOM_DEGREE, 0,
                          (struct vec3){injury->translation, 0, 0});
    move_above(anatomy, 2, &frame, &by);
    by = nn_phantom_about((struct vec3){0, 0, 0}, 0, 0, (struct vec3){-back, 0.25 * back, 0});
    anatomy->level[2].rear = nn_pose_join(&rear, &by);
    compensate(anatomy, 2, injury->angulation, 0);
}

static void swell(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    double at = injury->level < 1 ? 1 : injury->level;

    for (int i = 1; i <= PHANTOM_LAST; i++)
        anatomy->level[i].prevertebral += injury->swelling * exp(-(i - at) * (i - at) / 2.5);
}

void nn_phantom_injure(const struct phantom_injury *injury, struct phantom_anatomy *anatomy)
{
    if (injury->kind == PHANTOM_NONE)
        return;
    swell(injury, anatomy);
    switch (injury->kind) {
    case PHANTOM_SPINOUS:
        break;
    case PHANTOM_JEFFERSON:
        anatomy->interval += injury->translation;
        break;
    case PHANTOM_WEDGE:
    case PHANTOM_BURST:
        collapse(injury, anatomy);
        break;
    case PHANTOM_DENS_1:
    case PHANTOM_DENS_2:
    case PHANTOM_DENS_3:
        break_dens(injury, anatomy);
        break;
    case PHANTOM_HANGMAN:
        break_pars(injury, anatomy);
        break;
    default: /* teardrops and facets' fractures shift their level too */
        dislocate(injury, anatomy);
        break;
    }
}

/* A box of one frame's axes. */
struct box {
    double front, back, top, bottom, side;
};
static int corners(const struct pose *pose, struct box box, struct vec3 *points)
{
    for (int i = 0; i < 8; i++)
        points[i] = nn_pose_apply(pose, (struct vec3){i & 1 ? box.front : box.back,
                                                      i & 2 ? box.top : box.bottom,
                                                      i & 4 ? box.side : -box.side});
    return 8;
}

static int body_corners(const struct phantom_anatomy *anatomy, int index, struct vec3 *points)
{
    const struct phantom_level *level = &anatomy->level[index];
    double margin = 2 * anatomy->scale, half = level->depth / 2 + margin;

    return corners(&level->body,
                   (struct box){half, -half, -level->height / 2 - margin,
                                level->height / 2 + margin, 0.3 * level->width},
                   points);
}

static int pillar_corners(const struct phantom_anatomy *anatomy, int index, bool upper, bool lower,
                          struct vec3 *points)
{
    const struct phantom_level *level = &anatomy->level[index];
    double x = nn_phantom_pillar_x(level, anatomy->scale), half = 6.5 * anatomy->scale;
    double middle = (level->facet_upper + level->facet_lower) / 2;

    return corners(&level->rear,
                   (struct box){x + half, x - half,
                                upper ? level->facet_upper - 0.8 * half : middle,
                                lower ? level->facet_lower + 0.8 * half : middle, level->pillar},
                   points);
}

static int dens_corners(const struct phantom_anatomy *anatomy, double low, struct vec3 *points)
{
    const struct phantom_level *level = &anatomy->level[2];
    double scale = anatomy->scale;

    return corners(
        &anatomy->dens,
        (struct box){7 * scale, -7 * scale, -level->height / 2 - 17 * scale, low, 4 * scale},
        points);
}

static int high_region(const struct phantom_injury *injury, const struct phantom_anatomy *anatomy,
                       struct vec3 *points)
{
    const struct phantom_level *atlas = &anatomy->level[1], *axis = &anatomy->level[2];
    double scale = anatomy->scale, base = -axis->height / 2;
    double front = atlas->depth / 2 + anatomy->interval + 8 * scale;
    double back = -atlas->depth / 2 - atlas->canal - atlas->spinous - 2 * scale;
    int n = 0;

    switch (injury->kind) {
    case PHANTOM_DENS_1:
        return dens_corners(anatomy, base - 9 * scale, points);
    case PHANTOM_DENS_2:
    case PHANTOM_DENS_3:
        n = dens_corners(anatomy, base + 3 * scale, points);
        return n + corners(&axis->body,
                           (struct box){axis->depth / 2 + 2 * scale, -axis->depth / 2 - 2 * scale,
                                        base - 4 * scale, base + 10 * scale, 4 * scale},
                           points + n);
    case PHANTOM_HANGMAN:
        n = body_corners(anatomy, 2, points);
        return n + pillar_corners(anatomy, 2, true, true, points + n);
    case PHANTOM_JEFFERSON:
        return corners(&atlas->body,
                       (struct box){front, back - injury->gap, -8 * scale, 9 * scale, 3 * scale},
                       points);
    case PHANTOM_ATLANTOAXIAL:
        n = corners(&atlas->body, (struct box){front, -9 * scale, -8 * scale, 8 * scale, 3 * scale},
                    points);
        return n + dens_corners(anatomy, base, points + n);
    default: /* atlanto-occipital: basion, condyles, dens's tip, atlas */
        n = corners(&atlas->body,
                    (struct box){front, -14 * scale, -8 * scale, 7 * scale, 3 * scale}, points);
        return n + corners(&anatomy->skull,
                           (struct box){5 * scale, -14 * scale, -3 * scale, 9 * scale, 3 * scale},
                           points + n);
    }
}

int nn_phantom_region(const struct phantom_injury *injury, const struct phantom_anatomy *anatomy,
                      struct vec3 *points)
{
    int index = injury->level, n;
    struct vec3 at, back;

    if (injury->kind == PHANTOM_NONE)
        return 0;
    if (index < 2 || (injury->kind >= PHANTOM_DENS_1 && injury->kind <= PHANTOM_HANGMAN))
        return high_region(injury, anatomy, points);
    if (injury->kind == PHANTOM_SPINOUS) {
        const struct phantom_level *level = &anatomy->level[index];
        double tall = level->spinous_height, rear = -level->depth / 2 - level->canal;

        nn_phantom_spinous_break(level, injury, &at, &back);
        return corners(&level->rear,
                       (struct box){at.x + 6 * anatomy->scale,
                                    rear - level->spinous - injury->gap - 2, at.y - 1.2 * tall,
                                    at.y + 0.7 * level->spinous_drop + tall, 2},
                       points);
    }
    if (injury->kind == PHANTOM_FACET)
        return pillar_corners(anatomy, index, true, true, points);
    n = body_corners(anatomy, index, points);
    if (injury->kind == PHANTOM_EXTENSION_TEARDROP || injury->kind == PHANTOM_WEDGE ||
        injury->kind == PHANTOM_BURST)
        return n;
    if (injury->kind == PHANTOM_FLEXION_TEARDROP)
        return n + corners(&anatomy->level[index].body,
                           (struct box){anatomy->level[index].depth / 2 + injury->gap + 3, 0, 0,
                                        anatomy->level[index].height / 2 + injury->gap + 3, 3},
                           points + n);
    n += pillar_corners(anatomy, index, false, true, points + n);
    n += body_corners(anatomy, index + 1, points + n);
    return n + pillar_corners(anatomy, index + 1, true, false, points + n);
}
