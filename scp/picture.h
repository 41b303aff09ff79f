/* picture.h: the Secondary Capture's pixels: the untouched image beside its saliency overlay, the
 * class scores as bars, the model's name, the outcome, and what may not be forgotten.
 *
 * Drawn at the source's own matrix: larger ones are area-averaged down to `matrix`, tiny ones are
 * repeated whole-numbered times. Letters are set at a size that follows the canvas, so they are
 * crisp wherever the picture is looked at. No patient data enters. A function of its arguments
 * alone; thread-safe with a face each. */
#ifndef PICTURE_H
#define PICTURE_H

#include "nn_model.h"
#include <stdint.h>

#define PICTURE_STATUS_MAP(X)                                                                      \
    X(PICTURE_OK, "ok")                                                                            \
    X(PICTURE_INVALID, "invalid argument")                                                         \
    X(PICTURE_NO_MEMORY, "out of memory")                                                          \
    X(PICTURE_FONT, "font missing or unreadable")
enum picture_status {
#define X(code, text) code,
    PICTURE_STATUS_MAP(X)
#undef X
};
#define PICTURE_MUST_USE __attribute__((warn_unused_result))
const char *picture_status_text(enum picture_status status);

struct picture_face; /* an opened font; one thread at a time */
/* path NULL: the font of the build (CMake: CERVIGATE_FONT). */
PICTURE_MUST_USE enum picture_status picture_face_open(const char *path,
                                                       struct picture_face **face);
void picture_face_close(struct picture_face *face);
const char *picture_font_path(void); /* the font of the build */

struct picture_input {
    const float *plane; /* (rows, cols) in [0,1], 0 black */
    int rows, cols;
    const float *map;  /* (side, side) in [0,1]: nn_judge_saliency */
    struct nn_box box; /* nn_judgement's: the part of the plane that the map shows; zeros: all */
    int explained;     /* the class that the map explains */
    const struct nn_model_info *model;
    const float *score;   /* (classes) */
    const char *sentence; /* the outcome, without the RESEARCH line */
    const char *warning;  /* the RESEARCH line, or NULL */
    uint32_t matrix;      /* longest side of one half */
};

struct picture {
    uint32_t rows, cols;
    uint8_t *rgb; /* rows * cols * 3, malloc; picture_finish */
};
PICTURE_MUST_USE enum picture_status
picture_draw(struct picture_face *face, const struct picture_input *input, struct picture *picture);
void picture_finish(struct picture *picture);

/* The class whose saliency is worth a look: the finding class with the highest score if it reaches
 * its operating point, else the class with the highest score. */
int picture_explained(const struct nn_model_info *model, const float *score);

#endif
