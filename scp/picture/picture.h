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
#include "nn_run.h"
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
/* Who draws letters: "FreeType 2.12.1". */
void picture_letters(const struct picture_face *face, char *text, size_t size);

/* One model's scores. */
struct picture_opinion {
    const struct nn_model_info *model;
    const float *score; /* (classes) */
};

/* The map is drawn on an absolute scale: 1 is what the model's card calls strong
 * (nn_model_info.saliency_scale), so a weak map looks weak. Nothing is drawn below this. */
#define PICTURE_THRESHOLD 0.3f
/* What picture_region is asked for: half of what is strong. */
#define PICTURE_REGION 0.5f

struct picture_input {
    const float *plane; /* (rows, cols) in [0,1], 0 black */
    int rows, cols;
    /* (side, side), at least 0: nn_judge_saliency_absolute of opinion[0]. NULL: no map, as for no
     * finding: the source alone stands beside the scores. */
    const float *map;
    int side;          /* of the map */
    enum nn_fit fit;   /* how the plane became (side, side) */
    struct nn_box box; /* nn_judgement's: the part of the plane that the map shows; zeros: all */
    bool relative;     /* the model has no scale: the map is of its own maximum, and says so */
    int explained;     /* the class of opinion[0] that the map explains */
    struct picture_opinion opinion[2];
    int opinions;         /* 1 or 2 */
    const float *region;  /* outline drawn on the overlay: column, row pairs of the plane */
    size_t region_points; /* 0: none */
    const char *sentence; /* the outcome, without the RESEARCH line; UTF-8 */
    bool found;           /* it is a finding (or undetermined): drawn as such */
    const char *warning;  /* the RESEARCH line, or NULL */
    /* One word, faint, over the lower part of each image: who cuts the image out has it, too. NULL:
     * none, as in all that is sent. */
    const char *watermark;
    /* The source's Patient Orientation (0020,0020), two values: drawn as letters at the edges. NULL
     * or "": none. Markers in the pixels stay as they are. */
    const char *orientation;
    uint32_t matrix; /* longest side of one half */
    /* Phrases by id ("picture.original"), UTF-8; NULL function or answer: English. */
    const char *(*phrase)(const void *, const char *id);
    const void *phrases;
    struct nn_pool *pool; /* draws in bands of rows; NULL: the caller's thread. The same pixels. */
};

struct picture {
    uint32_t rows, cols;
    uint8_t *rgb; /* rows * cols * 3, malloc; picture_finish */
};
PICTURE_MUST_USE enum picture_status
picture_draw(struct picture_face *face, const struct picture_input *input, struct picture *picture);
void picture_finish(struct picture *picture);

/* The outline of the most salient region: the connected part of the map at or above `threshold`
 * that holds the most of it, as a closed polygon of at most `room` points in the plane's pixels
 * (the centre of the top left pixel is 0.5, 0.5), the last the first, inside the plane. 0: there is
 * none. */
size_t picture_region(const float *map, int side, enum nn_fit fit, struct nn_box box, int rows,
                      int cols, float threshold, float *points, size_t room);

/* The class whose saliency is worth a look: the finding class with the highest score if it reaches
 * its operating point, else the class with the highest score. */
int picture_explained(const struct nn_model_info *model, const float *score);

/* Where the two images are in a picture of such a source: pixels of the canvas, which is width by
 * height. What a picture of another setting is has another size. */
struct picture_halves {
    int width, height;
    int left, right, top; /* of the source and of the overlay */
    int cols, rows;       /* of each */
};
bool picture_halves(int rows, int cols, uint32_t matrix, const int *classes, int models,
                    struct picture_halves *halves);

#endif
