/* picture_canvas.h: what picture.c draws with: an RGB canvas, letters, the saliency's colours. */
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

/* Parts outside the canvas are cut off. */
void canvas_fill(struct canvas *canvas, int x, int y, int width, int height, struct colour colour);
void canvas_blend(struct canvas *canvas, int x, int y, struct colour colour, unsigned coverage);

/* ---- picture_text.c ---- */
/* Width in pixels of ASCII text set at `size` pixels an em. */
int text_width(struct picture_face *face, int size, const char *text);
/* Draws with the left end at x on the baseline y; returns the width. */
int text_draw(struct picture_face *face, struct canvas *canvas, int x, int y, int size,
              struct colour colour, const char *text);
/* Sets text in lines no wider than `width`, the first baseline at y + size; returns the height
 * used. canvas NULL only measures. */
int text_wrap(struct picture_face *face, struct canvas *canvas, int x, int y, int width, int size,
              struct colour colour, const char *text);

/* ---- picture_colour.c ---- */
/* Perceptually uniform, dark violet to pale yellow; strength in [0,1]. */
struct colour colour_of_strength(float strength);
/* How much of the colour covers the anatomy at this strength, 0..1. */
float colour_cover(float strength);
/* A display copy of the map: smoothed a little (the gradient of a single image is grainy), scaled
 * so that the strongest is 1; (side, side), malloc, NULL without memory. */
float *colour_smooth_map(const float *map, int side);
/* The strength at (x, y) of an image of rows x cols whose columns left..right and rows top..bottom
 * were judged, back through the fit that took that part to the network's input; bilinear; 0 outside
 * of the part. */
struct colour_part {
    float left, top, right, bottom;
};
float colour_map_at(const float *map, int side, enum nn_fit fit, struct colour_part part, float x,
                    float y);

#endif
