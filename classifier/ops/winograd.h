/* winograd.h: convolutions of 3x3 and 5x5 taps at stride 1 by Winograd's minimal algorithm (Lavin
 * and Gray, "Fast algorithms for convolutional neural networks", 2016): 36 products a tile and pair
 * of channels instead of 144 (4x4 outputs, 3x3 taps; 3x3 outputs, 4x4 taps) or 100 (2x2 outputs,
 * 5x5 taps); where 3x3 taps have few tiles, 16 products for 2x2 outputs instead of 36: more in all,
 * but packed weights of 16 numbers, not 36, are read from memory. The same in both directions: what
 * a gradient passes back is a convolution with the taps mirrored.
 *
 * What is not finite reaches every output of the tiles that see it, as NaN: more than a plain sum
 * would tell, never less.
 *
 * packed: the weights at the points, (group, point, panel, channel, width); a panel is the
 * outputs that one product takes. */
#ifndef NN_OPS_WINOGRAD_H
#define NN_OPS_WINOGRAD_H

#include "graph/graph_internal.h"
#include "kernels/kernels.h"
#include "ops.h"

struct nn_winograd {
    int points, m, r;
    int pad_h, pad_w;
    int channels, outputs, groups; /* of a group, in and out of this direction */
    struct nn_shape in, out;       /* of this direction */
    bool backward;
    int unit; /* outputs of a panel: a block of channels is a multiple of it */
};

/* Numbers in whole vectors. */
static inline int nn_whole_vectors(int count)
{
    int lanes = nn_kernels()->lanes;
    return (count + lanes - 1) / lanes * lanes;
}

/* False: this convolution goes another way (in, out: those of the forward direction). */
bool nn_winograd_plan(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                      bool backward, struct nn_winograd *plan);

/* The same of a convolution that is no layer's (phases.h): points, m and unit from the rest; r 3
 * to 5. */
bool nn_winograd_finish(struct nn_winograd *plan);

/* Floats of the packed weights, and the parts that can be packed one by one. */
size_t nn_winograd_packed(const struct nn_winograd *plan);
int nn_winograd_parts(const struct nn_winograd *plan);
/* weight: the layer's, as in ops.h, whatever the direction. */
void nn_winograd_pack(const struct nn_winograd *plan, const float *weight, int part, float *packed);

/* Rows of outputs whose transformed input stays in a core's cache; a multiple of m. */
int nn_winograd_band(const struct nn_winograd *plan);
size_t nn_winograd_scratch(const struct nn_winograd *plan, int rows);
/* Rows row0..row1 (row0 a multiple of m) of outputs o0..o1 (within a group multiples of the unit,
 * but for its end). add: y += (a gradient's share); relu: else. */
struct nn_winograd_task {
    const float *x, *packed, *bias; /* bias: of all outputs, or NULL */
    float *y;
    int row0, row1, o0, o1;
    bool add, relu;
    float *scratch;
};
void nn_winograd_run(const struct nn_winograd *plan, const struct nn_winograd_task *task);

/* dw += the samples' share, of input channels c0..c1 of all groups (winograd_weight.c); plan: of
 * the forward direction. A block: so many channels are a task. */
int nn_winograd_weight_block(const struct nn_winograd *plan);
size_t nn_winograd_weight_scratch(const struct nn_winograd *plan, int channels);
void nn_winograd_weight(const struct nn_winograd *plan, const struct nn_samples *samples, int c0,
                        int c1, float *dw, float *scratch);

#endif
