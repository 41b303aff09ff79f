/* ops.h: the mathematics of each layer, forward and backward, on one sample and one block of it.
 *
 * Pure functions of their arguments: no memory of their own, no threads. Arrays are (C, H, W) of
 * one sample. A block is a range of channels or rows; the caller cuts blocks at boundaries that
 * depend on the layer alone, so every sum has one order. `backward_input` functions add to dx: a
 * tensor with several consumers gets their shares in consumer order. NaN is carried on, never
 * turned into a number. */
#ifndef NN_OPS_H
#define NN_OPS_H

#include "../graph_internal.h"
#include <stdint.h>

/* Rows and output channels, half open. */
struct nn_tile {
    int row0, row1, channel0, channel1;
};

/* Convolution. w: (O, C/groups, kh, kw). A "tap" is one (c, kh, kw) of all groups * C/groups * kh *
 * kw. Scratch sizes are in floats. */
size_t nn_conv2d_forward_scratch(const struct nn_conv2d *conv, struct nn_shape in,
                                 struct nn_shape out, int rows);
void nn_conv2d_forward(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                       const float *x, const float *w, const float *b, float *y,
                       struct nn_tile tile, float *scratch);
/* dx channels c0..c1 += d(loss)/dx; dy is before ReLU (masked). */
size_t nn_conv2d_backward_input_scratch(const struct nn_conv2d *conv, struct nn_shape out,
                                        int channels);
void nn_conv2d_backward_input(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                              const float *dy, const float *w, float *dx, int c0, int c1,
                              float *scratch);
/* dw taps k0..k1 += this sample's share. */
size_t nn_conv2d_backward_weight_scratch(const struct nn_conv2d *conv, struct nn_shape out,
                                         int taps);
void nn_conv2d_backward_weight(const struct nn_conv2d *conv, struct nn_shape in,
                               struct nn_shape out, const float *x, const float *dy, float *dw,
                               int k0, int k1, float *scratch);
/* db[c] += sum of dy over the channel. */
void nn_conv2d_backward_bias(struct nn_shape out, const float *dy, float *db);

void nn_relu_forward(const float *x, float *y, size_t count);
/* In place: dy becomes zero where y is not positive. */
void nn_relu_mask(const float *y, float *dy, size_t count);
void nn_add(const float *from, float *to, size_t count);

void nn_max_pool_forward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                         const float *x, float *y, int c0, int c1);
/* The gradient goes to the first cell (in row order) that equals the maximum. left: out.w floats
 * of scratch. */
void nn_max_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                          const float *x, const float *y, const float *dy, float *dx, int c0,
                          int c1, float *left);
void nn_avg_pool_forward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                         const float *x, float *y, int c0, int c1);
void nn_avg_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                          const float *dy, float *dx, int c0, int c1);

void nn_lrn_forward(const struct nn_lrn *lrn, struct nn_shape shape, const float *x, float *y,
                    int c0, int c1);
size_t nn_lrn_backward_scratch(const struct nn_lrn *lrn, int channels);
void nn_lrn_backward(const struct nn_lrn *lrn, struct nn_shape shape, const float *x,
                     const float *dy, float *dx, int c0, int c1, float *scratch);

/* w: (out, in). Outputs o0..o1; inputs i0..i1. */
void nn_linear_forward(int in, const float *x, const float *w, const float *b, float *y, int o0,
                       int o1, bool relu);
void nn_linear_backward_input(int in, int out, const float *dy, const float *w, float *dx, int i0,
                              int i1);
void nn_linear_backward_weight(int in, const float *x, const float *dy, float *dw, int o0, int o1);

/* mask: a function of key and index, the same in both directions. */
uint64_t nn_dropout_key(uint64_t seed, uint64_t step, uint64_t layer, uint64_t sample);
void nn_dropout_forward(float rate, uint64_t key, const float *x, float *y, size_t i0, size_t i1);
void nn_dropout_backward(float rate, uint64_t key, const float *dy, float *dx, size_t i0,
                         size_t i1);

void nn_softmax_forward(int count, const float *x, float *y);
void nn_softmax_backward(int count, const float *y, const float *dy, float *dx, int i0, int i1);
/* -log softmax(x)[label], in double from the logits. */
double nn_cross_entropy(int count, const float *x, int label);

#endif
