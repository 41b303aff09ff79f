/* phantom_parts.h: what the phantom's files share; private to classifier/phantom and its tests.
 *
 * Design. index -> independent random streams, one a purpose [random.c]; anatomy stream -> a chain
 * of vertebral frames in millimetres [anatomy.c]; lesion stream -> an injury that moves every frame
 * above it [lesion.c]; both -> shapes [vertebra.c, atlas_axis.c, surroundings.c] that are
 * rasterised at once as added attenuation [render.c]; the plane -> exposure, scatter, noise,
 * display [detector.c]. No stream but LESION and CLASS knows the class, so every nuisance has the
 * same distribution in each class, and a twin without the injury differs by the injury only.
 *
 * Patient axes: x anterior, y caudal, millimetres at the detector (magnified). A positive angle
 * turns the anterior side down: flexion. */
#ifndef NN_PHANTOM_PARTS_H
#define NN_PHANTOM_PARTS_H

#include "phantom.h"
#include <stddef.h>

#define PHANTOM_T1 8 /* levels are 1..7 = C1..C7 and 8 = T1 */

enum phantom_purpose {
    PHANTOM_CLASS = 1,
    PHANTOM_PATIENT,
    PHANTOM_SPINE,
    PHANTOM_HEAD,
    PHANTOM_SKULL,
    PHANTOM_SOFT,
    PHANTOM_VIEW,
    PHANTOM_DETECTOR,
    PHANTOM_MARKER,
    PHANTOM_LESION,
    PHANTOM_TEXTURE,
    PHANTOM_NOISE,
    PHANTOM_DEVICES
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

struct vec {
    double x, y;
};
/* Local (u anterior, v caudal) -> patient: at + R(angle) (u, v). */
struct phantom_frame {
    struct vec at;
    double angle; /* radians */
};
struct vec nn_phantom_place(struct phantom_frame frame, double u, double v);

struct phantom_level {
    struct phantom_frame frame; /* body's centre (C1: the dens's axis at its height) */
    struct phantom_frame rear;  /* posterior elements; differs in a hangman's fracture only */
    double depth, height;       /* of the body */
    double disc;                /* height of the disc below */
    double canal;               /* from the posterior wall to the spinolaminar line */
    double spinous, spinous_height, spinous_drop;
    double spur_upper, spur_lower; /* anterior osteophytes */
    double taper;                  /* share of its height that the front lacks; no injury */
    bool ossicle;                  /* a calcified fleck in front of the disc below */
    double paired;                 /* distance between the two sides' pillars in the projection */
    double prevertebral;           /* soft tissue between body and airway */
};
struct phantom_anatomy {
    struct phantom_level level[PHANTOM_T1 + 1]; /* [0] unused */
    struct phantom_frame skull;                 /* origin at the basion */
    struct phantom_frame dens;                  /* C2's upper part; apart in a dens fracture only */
    double scale;                               /* patient size times magnification */
    double interval;                            /* atlanto-dental */
    double degeneration;                        /* 0..1 */
    double density, cortex, grain;              /* of bone, about 1, 1, 0.1 */
    double skew; /* mm between the two sides' end-plates: the neck's lateral tilt */
    double pitch[PHANTOM_T1 + 1]; /* centre to centre with the level below */
    int age;
    char sex;
};
void nn_phantom_anatomy(uint64_t seed, uint64_t index, struct phantom_anatomy *anatomy);

/* lesion.c */
enum phantom_kind {
    PHANTOM_NONE,
    PHANTOM_WEDGE,
    PHANTOM_BURST,
    PHANTOM_TEARDROP,
    PHANTOM_SPINOUS,
    PHANTOM_DENS,
    PHANTOM_HANGMAN,
    PHANTOM_BILATERAL,
    PHANTOM_UNILATERAL,
    PHANTOM_PERCHED,
    PHANTOM_ATLANTOAXIAL
};
struct phantom_injury {
    enum phantom_kind kind;
    int level;
    double translation, angulation /* degrees */, height_loss /* per cent */, gap;
    double lift;     /* of the upper vertebra, mm */
    double swelling; /* prevertebral, mm at the level */
    double phase;    /* of the fracture line's unevenness, radians */
    double tilt;     /* of the fracture line, radians */
    double size;     /* of a fragment, 0..1 */
};
void nn_phantom_injury(uint64_t seed, uint64_t index, enum nn_phantom_class class_,
                       const struct phantom_anatomy *anatomy, struct phantom_injury *injury);
void nn_phantom_injure(const struct phantom_injury *injury, struct phantom_anatomy *anatomy);
/* 0 obvious .. 1 invisible: max(0, 1 - 0.4 r), r the largest of translation / 3.5 mm,
 * angulation / 11 degrees (both White and Panjabi's limits of stability), height loss / 25 % and
 * gap / 2 mm. Version 1. */
double nn_phantom_subtlety(double translation_mm, double angulation_deg, double height_loss_percent,
                           double gap_mm);
const char *nn_phantom_kind_name(enum phantom_kind kind);
/* The injured region's corners in the patient's frame. Returns how many points it wrote (<= 32). */
int nn_phantom_region(const struct phantom_injury *injury, const struct phantom_anatomy *anatomy,
                      struct vec *points);

/* view.c: patient -> detector. */
struct phantom_view {
    double mm_per_pixel, turn; /* radians */
    struct vec centre;         /* patient's point shown at `middle` */
    struct vec middle;         /* pixels */
    bool facing_left;
};
void nn_phantom_view(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct phantom_anatomy *uninjured, struct phantom_view *view);
struct vec nn_phantom_project(const struct phantom_view *view, struct vec patient); /* to pixels */

/* render.c */
#define PHANTOM_TILE 256
/* How a shape attenuates with the depth d inside its outline (mm):
 * fill * (base + (1 - base) * sqrt(x (2 - x))), x = d / bulge, plus a cortical rim. */
struct phantom_ink {
    double fill, base, bulge, rim, rim_width, soft;
    bool ramp;              /* x^2 (3 - 2 x) in place of the root: no visible edge */
    double grain, grain_mm; /* texture's relative amplitude and cell */
};
/* Keeps the side of a fracture line that its normal points to; the line is uneven. */
struct phantom_cut {
    struct vec at, normal; /* patient */
    double uneven, phase;
};
struct phantom_canvas {
    int rows, cols;
    float *plane;   /* (rows, cols): attenuation, owned */
    float *scratch; /* 2 x cols and the coarse grid, owned */
    float *tile;    /* (PHANTOM_TILE, PHANTOM_TILE): unit-variance band-limited noise, owned */
    struct phantom_view view;
};
NN_MUST_USE enum nn_status nn_phantom_canvas_init(struct phantom_canvas *canvas, int rows, int cols,
                                                  const struct phantom_view *view,
                                                  struct phantom_rng texture, struct nn_error *err);
void nn_phantom_canvas_finish(struct phantom_canvas *canvas);
/* A closed outline through the points (Catmull-Rom, `smooth` pieces an edge, 1 = straight). */
void nn_phantom_outline(struct phantom_canvas *canvas, struct phantom_frame frame,
                        const struct vec *points, int count, int smooth,
                        const struct phantom_ink *ink, const struct phantom_cut *cut);
/* A tube of the given radius along the points. */
void nn_phantom_tube(struct phantom_canvas *canvas, struct phantom_frame frame,
                     const struct vec *points, int count, int smooth, double radius,
                     const struct phantom_ink *ink, const struct phantom_cut *cut);
float nn_phantom_grain(const float *tile, double x, double y);

/* vertebra.c, atlas_axis.c, head.c, neck.c, devices.c: shapes onto the canvas. */
/* vertebra.c: bone's ink. Sizes in mm at a scale of 1; the patient's density and cortex scale the
 * attenuation. */
struct phantom_ink nn_phantom_bone(const struct phantom_anatomy *anatomy, double fill, double base,
                                   double bulge, double rim, double rim_width);
void nn_phantom_draw_vertebra(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                              const struct phantom_injury *injury, int level);
void nn_phantom_draw_rear(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          const struct phantom_injury *injury, int level);
void nn_phantom_draw_axis(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          const struct phantom_injury *injury);
void nn_phantom_draw_atlas(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy);
void nn_phantom_draw_head(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          struct phantom_rng rng);
void nn_phantom_draw_neck(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          const struct phantom_anatomy *uninjured, struct phantom_rng rng);
void nn_phantom_draw_devices(struct phantom_canvas *canvas, const struct phantom_anatomy *uninjured,
                             struct phantom_rng devices);
/* Burned into the displayed plane, after nn_phantom_expose. */
void nn_phantom_draw_marker(struct phantom_canvas *canvas, const struct phantom_anatomy *uninjured,
                            struct phantom_rng rng);

/* detector.c: attenuation -> displayed grey in [0, 1], in place. */
NN_MUST_USE enum nn_status nn_phantom_expose(struct phantom_canvas *canvas, uint64_t seed,
                                             uint64_t index, struct nn_error *err);

#endif
