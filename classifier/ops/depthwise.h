/* depthwise.h: convolution whose groups are single input channels; conv2d.c hands over to it. The
 * arguments are those of nn_conv2d_*. No scratch. */
#ifndef NN_OPS_DEPTHWISE_H
#define NN_OPS_DEPTHWISE_H

#include "ops.h"

/* One channel in one group is an ordinary convolution. */
static inline bool nn_is_depthwise(const struct nn_conv2d *conv, int in_channels)
{
    return conv->groups > 1 && conv->groups == in_channels;
}

void nn_depthwise_forward(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                          const float *x, const float *w, const float *b, float *y,
                          struct nn_tile tile);
void nn_depthwise_backward_input(const struct nn_conv2d *conv, struct nn_shape in,
                                 struct nn_shape out, const float *dy, const float *w, float *dx,
                                 int c0, int c1);
void nn_depthwise_backward_weight(const struct nn_conv2d *conv, struct nn_shape in,
                                  struct nn_shape out, const float *x, const float *dy, float *dw,
                                  int k0, int k1);

#endif
