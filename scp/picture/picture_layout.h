/* picture_layout.h: where everything in a picture is, and who draws it; between picture.c,
 * picture_layout.c, picture_image.c and picture_panel.c.
 *
 * From top to bottom, lengths in ems of the letters:
 *
 *   RESEARCH line                                       NOT FOR DIAGNOSIS
 *   | the outcome in one sentence, large
 *   Original                     Saliency overlay, score of: fracture  0.3 [scale] 1
 *                H                            H
 *     +----------------------+     +----------------------+
 *   P |  the source          | A P |  the same, coloured  | A
 *     +----------------------+     +----------------------+
 *                F                            F
 *   model                        Model score              operating point
 *   what the overlay means       fracture  =====|===  0.931         0.500
 *
 * Two models: a block of scores under each half, and what the overlay means at the foot. Without a
 * map the scores take the right half, large. The size follows from rows, columns, matrix and the
 * models' number and classes alone: what the texts say, and whether there is a map, changes
 * nothing, so that the frames of a series are of one size. */
#ifndef PICTURE_LAYOUT_H
#define PICTURE_LAYOUT_H

#include "picture_canvas.h"

struct layout {
    int em, margin, gap;
    int width, height;  /* of the canvas */
    int column;         /* width of a half */
    int draw_w, draw_h; /* of the image in it */
    /* tops of the rows; the foot is of two models only */
    int warning, sentence, caption, image, block, foot;
    int left, right;             /* left ends of the columns */
    int left_image, right_image; /* and of the images */
    int block_height, bottom;    /* bottom: where the last text ends */
};

/* ---- picture_layout.c ---- */
/* PICTURE_INVALID: a size beyond what is drawn. */
PICTURE_MUST_USE enum picture_status layout_plan(const struct picture_input *input,
                                                 struct layout *layout);
/* Tenths of an em. */
int layout_em(const struct layout *layout, int tenths);

/* ---- picture_words.c: a phrase by id, or its English ---- */
const char *picture_say(const struct picture_input *input, const char *id);
/* A class in words; the one that is no finding is never called normal to a reader. */
const char *picture_class(const struct picture_input *input, const struct nn_class *class_);

/* ---- picture_image.c ---- */
/* The source, and with a map the overlay, its outline, letters at the edges; the panel beside it,
 * on another thread. */
PICTURE_MUST_USE enum picture_status image_draw(struct picture_face *face, struct canvas *canvas,
                                                const struct layout *layout,
                                                const struct picture_input *input);

/* ---- picture_panel.c ---- */
extern const struct colour panel_ground, panel_outline;
void panel_draw(struct picture_face *face, struct canvas *canvas, const struct layout *layout,
                const struct picture_input *input);

#endif
