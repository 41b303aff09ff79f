/* head_parts.h: what the files of the head, the neck and the devices share; private to
 * classifier/phantom. */
#ifndef NN_PHANTOM_HEAD_PARTS_H
#define NN_PHANTOM_HEAD_PARTS_H

#include "shape.h"

/* Head axes are the skull's: origin basion, x anterior in Frankfurt's plane, y caudal, z left. */
struct phantom_head {
    struct pose skull, jaw; /* jaw: turned about the condyles, for points in the skull's axes */
    struct vec3 size;       /* by which the tables' millimetres are multiplied */
    double density;
    int configuration;
    struct phantom_rng rng;
};
/* The same for twins: draws nothing from anatomy but its poses, size, age, sex and density. */
void nn_phantom_head(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct phantom_anatomy *anatomy, struct phantom_head *head);
struct vec3 nn_phantom_head_vec(const struct phantom_head *head, double x, double y, double z);
/* A section at z between two points of the sagittal plane, `wide` to both sides. */
struct phantom_ring nn_phantom_head_ring(const struct phantom_head *head, const double ab[4],
                                         double z, double wide);
/* A curved plate: a line in the sagittal plane {x, y, ...}, from z low to z high, bulging by bend
 * {x, y} in its middle; attenuation mu more than what is there. */
struct phantom_plate {
    double line[6][2];
    int count;
    double low, high, thick, bend[2];
};
void nn_phantom_head_plate(struct phantom_scene *scene, const struct phantom_head *head,
                           const struct phantom_plate *plate, double mu);

void nn_phantom_draw_base(struct phantom_scene *scene, struct phantom_head *head);
void nn_phantom_draw_face(struct phantom_scene *scene, struct phantom_head *head);

/* Teeth, and what dentists did to them. */
#define PHANTOM_TEETH 32 /* upper right..left, lower right..left: 0..15, 16..31 */
enum phantom_tooth_state {
    PHANTOM_TOOTH_NONE,
    PHANTOM_TOOTH_SOUND,
    PHANTOM_TOOTH_FILLED,
    PHANTOM_TOOTH_ROOT_FILLED,
    PHANTOM_TOOTH_CROWN,
    PHANTOM_TOOTH_PONTIC, /* of a bridge: no root */
    PHANTOM_TOOTH_IMPLANT
};
struct phantom_dental {
    enum phantom_tooth_state tooth[PHANTOM_TEETH];
    bool upper_bare, lower_bare; /* toothless jaws */
    bool fillings, crowns, bridge, implant;
};
void nn_phantom_dental(const struct nn_phantom_settings *settings, uint64_t index, int age,
                       bool child, struct phantom_dental *dental);
/* A jaw's arch: x to z of its middle line. */
double nn_phantom_arch(const double (*arch)[2], int count, double x);
void nn_phantom_draw_jaws(struct phantom_scene *scene, struct phantom_head *head,
                          const struct phantom_dental *dental);
void nn_phantom_draw_teeth(struct phantom_scene *scene, struct phantom_head *head,
                           const struct phantom_dental *dental);

/* The skin: sections from the vertex to the lower chest, of the uninjured patient. */
#define PHANTOM_SKIN_RINGS   28
#define PHANTOM_SKIN_AROUND  36
#define PHANTOM_SKIN_BETWEEN 3
struct phantom_skin {
    struct phantom_ring ring[PHANTOM_SKIN_RINGS];
    double fat[PHANTOM_SKIN_RINGS]; /* mm under the skin */
    int count;
    int chin, neck, shoulder; /* rings at the chin, in C5's height and at the acromia */
};
void nn_phantom_skin(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct phantom_anatomy *uninjured, struct phantom_skin *skin);
void nn_phantom_draw_skin(struct phantom_scene *scene, const struct phantom_skin *skin);
void nn_phantom_draw_shoulders(struct phantom_scene *scene,
                               const struct nn_phantom_settings *settings, uint64_t index,
                               const struct phantom_anatomy *uninjured,
                               const struct phantom_skin *skin);
/* A point `ahead` of the front of a body's middle and `down` from it, for a size of 1. */
struct vec3 nn_phantom_ahead(const struct phantom_anatomy *anatomy, int level, double ahead,
                             double down, double z);
void nn_phantom_draw_larynx(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                            uint64_t index, const struct phantom_anatomy *uninjured);

#endif
