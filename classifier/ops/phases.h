/* phases.h: what a convolution with a stride passes back to an image's few channels. Its cells fall
 * into stride_h * stride_w phases, and within a phase the gradient is a plain convolution of dy at
 * stride 1 with every stride'th tap. Phases and channels are the rows of one matrix product: each
 * of its columns is one cell of the grid that a stride makes of the image, its depth the outputs
 * under one tap. Where a phase has as many taps down as across, it goes by Winograd (winograd.h)
 * instead. Phases with fewer taps have zeros for the rest: what is not finite reaches all
 * phases of the cells that see it. */
#ifndef NN_OPS_PHASES_H
#define NN_OPS_PHASES_H

#include "kernels/kernels.h"
#include "ops.h"
#include "winograd.h"

struct nn_phases {
    const struct nn_conv2d *conv;
    struct nn_shape in, out;
    int rows;             /* of the product: channels * phases */
    int taps_h, taps_w;   /* of a phase */
    int first_h, first_w; /* output of the first tap, from the cell's */
    int grid_h, grid_w;   /* cells */
    bool by_winograd;
    struct nn_winograd winograd; /* then: dy to (rows, grid_h, grid_w) */
};

/* Whether it goes this way. Plain: each tap's weights are one block of `packed`. */
bool nn_phases_plan(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                    struct nn_phases *plan);
size_t nn_phases_packed(const struct nn_phases *plan);
void nn_phases_pack(const struct nn_phases *plan, const float *w, float *packed);
/* Rows of the image that a task had better take: a multiple of the stride. */
int nn_phases_band(const struct nn_phases *plan);
size_t nn_phases_scratch(const struct nn_phases *plan, int rows);
/* Image rows row0 (a multiple of the stride) .. row1, channels c0..c1; dx += or dx =. */
void nn_phases_run(const struct nn_phases *plan, const float *dy, const float *packed, float *dx,
                   struct nn_tile tile, bool add, float *scratch);

#endif
