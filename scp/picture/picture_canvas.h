/* picture_canvas.h: what the picture is drawn with: an RGB canvas, letters, the saliency's colours.
 */
#ifndef PICTURE_CANVAS_H
#define PICTURE_CANVAS_H

#include "picture.h"
#include <stdbool.h>

struct colour {
    uint8_t r, g, b;
};

struct canvas {
    int rows, cols;
    uint8_t *rgb;
};

/* Columns x..x+width-1 of rows y..y+height-1. */
struct area {
    int x, y, width, height;
};

/* ---- picture_canvas.c: parts outside the canvas are cut off ---- */
void canvas_fill(struct canvas *canvas, int x, int y, int width, int height, struct colour colour);
void canvas_blend(struct canvas *canvas, int x, int y, struct colour colour, unsigned coverage);
/* A straight line of round ends, smooth edges, `thick` pixels wide; nothing outside of `clip`. */
void canvas_line(struct canvas *canvas, struct area clip, const float from[2], const float to[2],
                 float thick, struct colour colour);

/* ---- picture_text.c: UTF-8; what the font lacks is shown as a question mark ---- */
enum text_align { TEXT_LEFT, TEXT_RIGHT, TEXT_CENTRE };
/* Width in pixels of text set at `size` pixels an em. */
int text_width(struct picture_face *face, int size, const char *text);
/* Draws with the left end at x on the baseline y; returns the width. */
int text_draw(struct picture_face *face, struct canvas *canvas, int x, int y, int size,
              struct colour colour, const char *text);
/* Sets text in lines in `area` at the largest size from `most` down to `least` at which it fits; at
 * `least` what has no room is cut, which an ellipsis tells. Returns the height used. canvas NULL
 * only measures. */
int text_fit(struct picture_face *face, struct canvas *canvas, struct area area, int most,
             int least, enum text_align align, struct colour colour, const char *text);
#define TEXT_PITCH(size) ((size) + (size)*3 / 10) /* from line to line */

/* ---- picture_colour.c ---- */
/* From dark to pale orange in even steps of lightness: for colour-blind readers, too, it is never a
 * grey. Below PICTURE_THRESHOLD: the darkest; above 1: the palest. */
struct colour colour_of_strength(float strength);
/* How much of the colour covers the anatomy at this strength, 0..1; below PICTURE_THRESHOLD 0. */
float colour_cover(float strength);
/* The strength at (x, y) of an image of rows x cols whose columns left..right and rows top..bottom
 * were judged, back through the fit that took that part to the network's input; bilinear; 0 outside
 * of the part. */
struct colour_part {
    float left, top, right, bottom;
};
float colour_map_at(const float *map, int side, enum nn_fit fit, struct colour_part part, float x,
                    float y);
/* The same for whole rows of `width` pixels: what does not change from row to row. */
struct colour_columns {
    const float *map;
    int side, width; /* of the map; of the image */
    enum nn_fit fit;
    struct colour_part part;
    int *first;   /* (width): the map's column left of each pixel; -1: outside of the part */
    float *share; /* (width): how much the next column counts */
};
/* false: no memory. */
bool colour_columns_init(struct colour_columns *columns);
void colour_columns_finish(struct colour_columns *columns);
/* Colours row y of the image, whose RGB pixels begin at `rgb`: what reaches PICTURE_THRESHOLD.
 * line: scratch of `side` floats. */
void colour_row(const struct colour_columns *columns, int y, float *line, uint8_t *rgb);

#endif
