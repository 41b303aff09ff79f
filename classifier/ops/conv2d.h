/* conv2d.h: what both directions of a convolution (conv2d.c, conv2d_backward.c) share. */
#ifndef NN_OPS_CONV2D_H
#define NN_OPS_CONV2D_H

#include "ops.h"
#include "whole.h"

/* What one group looks like. */
struct group {
    int channels, outputs, taps; /* in, out, channels * kh * kw */
};

static inline struct group group_of(const struct nn_conv2d *conv, int in_channels)
{
    int channels = in_channels / conv->groups;
    return (struct group){channels, conv->out_channels / conv->groups,
                          channels * conv->kernel_h * conv->kernel_w};
}

static inline bool is_pointwise(const struct nn_conv2d *conv)
{
    return conv->kernel_h == 1 && conv->kernel_w == 1 && conv->stride_h == 1 &&
           conv->stride_w == 1 && conv->pad_h == 0 && conv->pad_w == 0;
}

#endif
