/* phantom_parts.h: what the phantom's files share; private to classifier/phantom and its tests.
 *
 * Design. index -> independent random streams, one a purpose [random.c]; anatomy stream -> a chain
 * of vertebral poses in millimetres [anatomy.c]; lesion stream -> an injury that moves every pose
 * above it [lesion.c]; both -> solids [vertebra.c, axis.c, atlas.c, head.c, neck.c, ...] -> closed
 * meshes [mesh.c] -> chords along diverging rays, added as attenuation [project.c]; the plane ->
 * texture, exposure, scatter, noise, display [detector.c]. No stream but LESION and CLASS knows the
 * class, so every nuisance has the same distribution in each class, and a twin without the injury
 * differs by the injury only.
 *
 * Patient axes (solid.h): x anterior, y caudal, z left, millimetres. Positive flexion turns the
 * anterior side down. */
#ifndef NN_PHANTOM_PARTS_H
#define NN_PHANTOM_PARTS_H

#include "phantom.h"
#include "solid.h"
#include <stddef.h>

#define PHANTOM_DEGREE 0.017453292519943295
#define PHANTOM_T1     8  /* levels are 1..7 = C1..C7, 8.. = T1.. */
#define PHANTOM_LAST   16 /* T9 */

/* Linear attenuation coefficients, 1/mm, at one effective energy of 60 keV (NIST XCOM with the
 * densities of ICRU 44, rounded). */
#define PHANTOM_SOFT     0.0205 /* water: muscle and blood have some 5 % more, fat less */
#define PHANTOM_FAT      0.0187
#define PHANTOM_CORTEX   0.0605
#define PHANTOM_SPONGE   0.0330 /* trabecular bone with its marrow */
#define PHANTOM_ENAMEL   0.1000
#define PHANTOM_TITANIUM 0.3400
#define PHANTOM_STEEL    0.9000
#define PHANTOM_PLASTIC  0.0190

enum phantom_purpose {
    PHANTOM_CLASS = 1,
    PHANTOM_PATIENT,
    PHANTOM_SPINE,
    PHANTOM_HEAD,
    PHANTOM_SKULL,
    PHANTOM_SOFT_TISSUE,
    PHANTOM_VIEW,
    PHANTOM_DETECTOR,
    PHANTOM_MARKER,
    PHANTOM_LESION,
    PHANTOM_TEXTURE,
    PHANTOM_GRAIN, /* quantum noise */
    PHANTOM_DEVICES,
    PHANTOM_THORAX,
    PHANTOM_OTHER
};

/* random.c: a counter-based stream (splitmix64). */
struct phantom_rng {
    uint64_t state;
};
struct phantom_rng nn_phantom_rng(uint64_t seed, uint64_t index, enum phantom_purpose purpose);
uint64_t nn_phantom_bits(struct phantom_rng *rng);
double nn_phantom_uniform(struct phantom_rng *rng, double low, double high);
double nn_phantom_normal(struct phantom_rng *rng, double mean, double deviation); /* +-3 s.d. */
bool nn_phantom_chance(struct phantom_rng *rng, double probability);
double nn_phantom_clamp(double value, double low, double high);

/* anatomy.c. Sizes are the patient's own, not magnified (the camera magnifies). */
struct phantom_level {
    struct pose body; /* body's centre (C1: the ring's centre at the dens's axis); y along height */
    struct pose rear; /* posterior elements, same origin; differs from body in a hangman's only */
    double depth, height, width; /* of the body */
    double disc;                 /* height of the disc below */
    double canal;                /* from the posterior wall to the spinolaminar line */
    double spinous, spinous_height, spinous_drop; /* length behind that line, thickness, fall */
    double pillar;                   /* half distance between the articular pillars' middles */
    double facet_upper, facet_lower; /* y of the pillars' upper and lower facets at their middle */
    double slope_upper, slope_lower; /* of the facets, down and back, radians */
    double spur_upper, spur_lower;   /* anterior osteophytes, mm */
    double rear_spur;                /* posterior osteophytes, mm */
    double taper;                    /* share of its height that the front lacks; no injury */
    double cortex;                   /* mm */
    bool ossicle;                    /* a calcified fleck in front of the disc below */
    bool fused;                      /* congenitally with the one below (block vertebra) */
    bool listhesis;                  /* a degenerative slip on the one below, under 2 mm */
    double prevertebral;             /* soft tissue between body and airway */
};
struct phantom_anatomy {
    struct phantom_level level[PHANTOM_LAST + 1]; /* [0] unused */
    struct pose skull;                            /* origin at the basion, x towards the nasion's
                                                   * side along Frankfurt's plane, y down */
    struct pose dens;                             /* C2's upper part; apart in a dens fracture */
    double scale;                                 /* patient's size: 1 for a mean adult */
    double interval;                              /* atlanto-dental, mm */
    double degeneration;                          /* 0..1 */
    double density;                               /* of bone, 1 normal, 0.6 osteoporotic */
    double grain;                                 /* of trabecular texture, about 1 */
    double neck_width, fat;                       /* soft tissue: 1 mean; share of fat 0..1 */
    int age;
    char sex;
    bool child, ankylosed, laminectomy;      /* material for the gate only */
    int laminectomy_first, laminectomy_last; /* levels */
};
enum phantom_hardware {
    PHANTOM_PLATE,
    PHANTOM_CAGE,
    PHANTOM_HALO,
    PHANTOM_LAMINECTOMY,
    PHANTOM_ANKYLOSED
};
/* Which of these phantom `index` of subject HARDWARE has: each as often. */
enum phantom_hardware nn_phantom_hardware(const struct nn_phantom_settings *settings,
                                          uint64_t index);
/* configuration: nn_phantom_settings'. subject: CHILD and HARDWARE change the sampling. */
void nn_phantom_anatomy(const struct nn_phantom_settings *settings, uint64_t index,
                        struct phantom_anatomy *anatomy);

/* lesion.c */
enum phantom_kind {
    PHANTOM_NONE,
    PHANTOM_WEDGE,
    PHANTOM_BURST,
    PHANTOM_FLEXION_TEARDROP,
    PHANTOM_EXTENSION_TEARDROP,
    PHANTOM_SPINOUS,
    PHANTOM_DENS_1,
    PHANTOM_DENS_2,
    PHANTOM_DENS_3,
    PHANTOM_HANGMAN,
    PHANTOM_JEFFERSON,
    PHANTOM_FACET,
    PHANTOM_BILATERAL, /* dislocations from here */
    PHANTOM_UNILATERAL,
    PHANTOM_PERCHED,
    PHANTOM_ATLANTOAXIAL,
    PHANTOM_ATLANTOOCCIPITAL,
    PHANTOM_KINDS
};
struct phantom_injury {
    enum phantom_kind kind;
    int level; /* 0 C0 .. 7 */
    double translation, angulation /* degrees */, height_loss /* per cent */, gap;
    double lift;     /* of the upper vertebra, mm */
    double rotation; /* of the upper vertebra, degrees (unilateral) */
    double swelling; /* prevertebral, mm at the level */
    double phase;    /* of the fracture line's unevenness, radians */
    double tilt;     /* of the fracture line, radians */
    double size;     /* of a fragment, 0..1 */
};
void nn_phantom_injury(const struct nn_phantom_settings *settings, uint64_t index,
                       enum nn_phantom_class class_, const struct phantom_anatomy *anatomy,
                       struct phantom_injury *injury);
/* Moves poses and adds swelling; solids are injured by vertebra.c, axis.c, atlas.c. */
void nn_phantom_injure(const struct phantom_injury *injury, struct phantom_anatomy *anatomy);
double nn_phantom_subtlety(double translation_mm, double angulation_deg, double height_loss_percent,
                           double gap_mm,
                           double contrast_to_noise); /* phantom.h tells the function */
const char *nn_phantom_kind_name(enum phantom_kind kind);
/* Corners of what the injury changes, in the patient's axes. Returns how many it wrote (<= 64). */
int nn_phantom_region(const struct phantom_injury *injury, const struct phantom_anatomy *anatomy,
                      struct vec3 *points);

/* scene.c: where meshes become attenuation. */
struct phantom_scene {
    struct nn_camera camera;
    float *attenuation; /* (rows, cols): the integral of mu along the ray, dimensionless */
    float *sponge;      /* (rows, cols): trabecular bone's part of it: its texture */
    float *soft;        /* (rows, cols): mm of soft tissue: its texture */
    double cell;        /* mm: the meshes' cubes */
    bool *failed;       /* set by any of these when memory is out; nothing more is drawn then */
};
/* Bone: outer surface at PHANTOM_CORTEX, from `cortex` mm inwards PHANTOM_SPONGE times density,
 * both less what the bone displaces (PHANTOM_SOFT). */
void nn_scene_bone(struct phantom_scene *scene, const struct nn_solid *solid,
                   const struct pose *pose, double cortex, double density);
/* Anything else: adds mu - instead (0 for a thing in air). Pass -PHANTOM_SOFT as mu with instead 0
 * for air inside tissue. Counts as soft tissue when soft. */
void nn_scene_fill(struct phantom_scene *scene, const struct nn_solid *solid,
                   const struct pose *pose, double mu, double instead);
/* A closed loft of rings (solid.h) in the patient's axes: skin, airway, muscles. */
void nn_scene_loft(struct phantom_scene *scene, const struct vec3 *point, int rings, int around,
                   double mu, bool soft);
/* A round tube of radius[i] along point[i] (count >= 2), ends rounded off. */
void nn_scene_tube(struct phantom_scene *scene, const struct vec3 *point, const double *radius,
                   int count, double mu);

/* vertebra.c: C3..C7 and below; axis.c; atlas.c. A bone's solid is in its pose's axes. */
void nn_phantom_draw_spine(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                           const struct phantom_injury *injury, int first, int last);
/* head.c: vault, base, petrous bones, face, mandible, teeth. neck.c: skin, fat, muscles,
 * prevertebral tissue, airway, hyoid, larynx, shoulders with clavicles, scapulae and humeri.
 * thorax.c: ribs, lungs, heart. devices.c: dental metal, necklace, collar, tubes, clips; and the
 * gate's hardware. Everything that injury moves follows `anatomy`; what it does not move (skin,
 * shoulders, everyday devices) follows `uninjured`. */
void nn_phantom_draw_head(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                          uint64_t index, const struct phantom_anatomy *anatomy);
void nn_phantom_draw_neck(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                          uint64_t index, const struct phantom_anatomy *anatomy,
                          const struct phantom_anatomy *uninjured);
void nn_phantom_draw_thorax(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                            uint64_t index, const struct phantom_anatomy *uninjured);
/* variant.c: adds a word, "; " between. */
void nn_phantom_add_word(char variant[NN_PHANTOM_VARIANT], const char *word);
/* Adds what the neck itself has: "block C4/5", "osteophytes" (over 2 mm), "narrow disc" (under 0.6
 * of the tallest), "osteopenia" (density under 0.75), "listhesis" (degenerative). */
void nn_phantom_tell_wear(const struct phantom_anatomy *uninjured,
                          char variant[NN_PHANTOM_VARIANT]);
/* Adds what it drew to variant. */
void nn_phantom_draw_devices(struct phantom_scene *scene,
                             const struct nn_phantom_settings *settings, uint64_t index,
                             const struct phantom_anatomy *uninjured,
                             char variant[NN_PHANTOM_VARIANT]);
/* hardware.c: NN_PHANTOM_HARDWARE's implants; adds to variant. */
void nn_phantom_draw_hardware(struct phantom_scene *scene,
                              const struct nn_phantom_settings *settings, uint64_t index,
                              const struct phantom_anatomy *anatomy,
                              char variant[NN_PHANTOM_VARIANT]);
/* others.c: chest, hand, hip, dental: scenes of their own, with their camera. Photograph, blank,
 * noise and CT slice are written as displayed planes [0, 1] at once: *displayed is set then. */
void nn_phantom_draw_other(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                           uint64_t index, bool *displayed);

/* view.c: how the patient stands to tube and detector. Fitted to the uninjured anatomy. */
void nn_phantom_view(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct phantom_anatomy *uninjured, struct nn_camera *camera);

/* detector.c: attenuation -> displayed grey in [0, 1], in place. */
struct phantom_detector {
    uint64_t seed, index;
    int configuration, rows, cols;
    double mm_per_pixel;
    double grain;               /* of trabecular texture */
    const float *sponge, *soft; /* of the scene; texture */
    const float *steady;        /* attenuation whose scatter, range and exposure this image has: the
                                 * uninjured twin's, so that twins differ where they differ */
    int steady_rows, steady_cols; /* smaller than the image's, the same field */
    bool quiet;                   /* without quantum noise */
};
NN_MUST_USE enum nn_status nn_phantom_expose(const struct phantom_detector *detector, float *plane,
                                             struct nn_error *err);
/* Relative deviation of 1 mm2 at full exposure. */
double nn_phantom_noise(const struct phantom_detector *detector);
/* Pixels around a change of attenuation that it reaches in the image. */
int nn_phantom_reach(const struct phantom_detector *detector);
/* marker.c: letters and text, burned into the displayed plane. */
void nn_phantom_mark(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct nn_camera *camera, float *plane);

#endif
