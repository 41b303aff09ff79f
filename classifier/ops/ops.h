/* ops.h: the mathematics of each layer, forward and backward, on one sample and one block of it.
 *
 * Pure functions of their arguments: no memory of their own, no threads. Arrays are (C, H, W) of
 * one sample. A block is a range of channels or rows; the caller cuts blocks at boundaries that
 * depend on the layer alone, so every sum has one order. `backward_input` functions add to dx: a
 * tensor with several consumers gets their shares in consumer order. Those that have `add` store
 * the first share when it is false. NaN is carried on, never
 * turned into a number. */
#ifndef NN_OPS_H
#define NN_OPS_H

#include "graph/graph_internal.h"
#include <stdint.h>

#define NN_TASK_FLOATS 2e6 /* scratch of a task: more where a layer's least part needs it */

/* Rows and output channels, half open. */
struct nn_tile {
    int row0, row1, channel0, channel1;
};

/* Convolution. w: (O, C/groups, kh, kw); b: (O), or NULL. A "tap" is one (c, kh, kw) of the input's
 * channels. Scratch sizes are in floats. Depthwise (groups = C) leaves scratch alone.
 *
 * packed: w in the form that one direction reads (winograd.h), whose floats nn_conv2d_packed tells;
 * 0: it has none, and reads w. `parts` of it can be packed one by one. */
size_t nn_conv2d_packed(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                        bool backward, int *parts);
void nn_conv2d_pack(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                    bool backward, const float *w, int part, float *packed);
size_t nn_conv2d_forward_scratch(const struct nn_conv2d *conv, struct nn_shape in,
                                 struct nn_shape out, int rows);
void nn_conv2d_forward(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                       const float *x, const float *w, const float *packed, const float *b,
                       float *y, struct nn_tile tile, float *scratch);
/* A tile of dx += d(loss)/dx; dy is before ReLU (masked). A tile is whole channels, or begins at
 * multiples of nn_conv2d_backward_band's rows (0: whole channels only). */
int nn_conv2d_backward_band(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out);
size_t nn_conv2d_backward_input_scratch(const struct nn_conv2d *conv, struct nn_shape in,
                                        struct nn_shape out, int channels);
void nn_conv2d_backward_input(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                              const float *dy, const float *w, const float *packed, float *dx,
                              struct nn_tile tile, bool add, float *scratch);
/* A batch of a layer's input and of d(loss)/d(its output); strides: floats from sample to sample.
 */
struct nn_samples {
    const float *x, *dy;
    size_t x_stride, dy_stride;
    int count;
};

/* dw taps k0..k1, taps of all groups, += the samples' share; both whole channels where
 * nn_winograd_plan has the convolution. */
size_t nn_conv2d_backward_weight_scratch(const struct nn_conv2d *conv, struct nn_shape in,
                                         struct nn_shape out, int taps);
void nn_conv2d_backward_weight(const struct nn_conv2d *conv, struct nn_shape in,
                               struct nn_shape out, const struct nn_samples *samples, float *dw,
                               int k0, int k1, float *scratch);
/* db[c] += sum of dy over the channel. */
void nn_conv2d_backward_bias(struct nn_shape out, const float *dy, float *db);

void nn_relu_forward(const float *x, float *y, size_t count);
/* In place: dy becomes zero where y is not positive. */
void nn_relu_mask(const float *y, float *dy, size_t count);
/* to += from; to += factor * from; the sum of a * b. */
void nn_add(const float *from, float *to, size_t count);
void nn_add_scaled(float factor, const float *from, float *to, size_t count);
float nn_dot(const float *a, const float *b, size_t count);

size_t nn_max_pool_forward_scratch(const struct nn_pool2d *pool, struct nn_shape in,
                                   struct nn_shape out);
void nn_max_pool_forward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                         const float *x, float *y, int c0, int c1, float *scratch);
/* The gradient goes to the first cell (in row order) that equals the maximum. */
size_t nn_max_pool_backward_scratch(const struct nn_pool2d *pool, struct nn_shape in,
                                    struct nn_shape out);
void nn_max_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                          const float *x, const float *y, const float *dy, float *dx, bool add,
                          int c0, int c1, float *scratch);
void nn_avg_pool_forward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                         const float *x, float *y, int c0, int c1);
void nn_avg_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                          const float *dy, float *dx, int c0, int c1);

void nn_lrn_forward(const struct nn_lrn *lrn, struct nn_shape shape, const float *x, float *y,
                    int c0, int c1);
size_t nn_lrn_backward_scratch(const struct nn_lrn *lrn, int channels);
/* relu: x comes from a ReLU, which masks dx. */
void nn_lrn_backward(const struct nn_lrn *lrn, struct nn_shape shape, const float *x,
                     const float *dy, float *dx, bool add, bool relu, int c0, int c1,
                     float *scratch);

/* w: (out, in); b: (out), or NULL. Outputs o0..o1; inputs i0..i1. */
void nn_linear_forward(int in, const float *x, const float *w, const float *b, float *y, int o0,
                       int o1, bool relu);
void nn_linear_backward_input(int in, int out, const float *dy, const float *w, float *dx, int i0,
                              int i1);
void nn_linear_backward_weight(int in, const float *x, const float *dy, float *dw, int o0, int o1);

/* Batch normalisation (Ioffe and Szegedy 2015) of channels c0..c1; arrays by channel begin at
 * channel 0. `x` and `dy` are the first sample's; the strides are floats from sample to sample.
 * Statistics and sums are over batch * H * W, in double, samples in order. The variance is biased.
 */
void nn_batch_norm_statistics(struct nn_shape shape, const float *x, size_t x_stride, int batch,
                              float *mean, float *variance, int c0, int c1);
/* One sample: y = gamma * xhat + beta, xhat = (x - mean) / sqrt(variance + epsilon). */
void nn_batch_norm_forward(struct nn_shape shape, const float *x, const float *gamma,
                           const float *beta, const float *mean, const float *variance,
                           float epsilon, float *y, int c0, int c1);
/* sum of dy (d(loss)/d(beta)) and sum of dy * xhat (d(loss)/d(gamma)) over the batch. */
void nn_batch_norm_sums(struct nn_shape shape, const float *x, size_t x_stride, const float *dy,
                        size_t dy_stride, int batch, const float *mean, const float *variance,
                        float epsilon, double *sum_dy, double *sum_dy_xhat, int c0, int c1);
/* One sample: dx += gamma / sqrt(variance + epsilon) * (dy - sum_dy / N - xhat * sum_dy_xhat / N),
 * N = batch * H * W. Both sums NULL: mean and variance are constants (not the batch's), and the
 * last two terms vanish; x may then be NULL. */
void nn_batch_norm_backward(struct nn_shape shape, const float *x, const float *dy,
                            const float *gamma, const float *mean, const float *variance,
                            float epsilon, const double *sum_dy, const double *sum_dy_xhat,
                            int batch, float *dx, int c0, int c1);

/* y = 1 / (1 + exp(-x)); its own exp (sigmoid.c), the same on every machine. */
void nn_sigmoid_forward(const float *x, float *y, size_t count);
void nn_sigmoid_backward(const float *y, const float *dy, float *dx, size_t count);
/* y = x * sigmoid(x) */
void nn_silu_forward(const float *x, float *y, size_t count);
void nn_silu_backward(const float *x, const float *dy, float *dx, size_t count);
/* y = x between low and high. The gradient passes strictly between them (as ReLU's does). */
void nn_clip_forward(float low, float high, const float *x, float *y, size_t count);
void nn_clip_backward(float low, float high, const float *x, const float *dy, float *dx,
                      size_t count);

/* y = a * b, channels c0..c1; b is (C, H, W), or (C, 1, 1) when `per_channel`. */
void nn_multiply_forward(struct nn_shape shape, const float *a, const float *b, bool per_channel,
                         float *y, int c0, int c1);
/* dx += dy * other: the gradient of `a` (other: b), and of a full `b` (other: a, per_channel
 * false). */
void nn_multiply_backward(struct nn_shape shape, const float *dy, const float *other,
                          bool per_channel, float *dx, int c0, int c1);
/* The gradient of a `b` of (C, 1, 1): db[c] += sum of dy * a over the channel. */
void nn_multiply_backward_channel(struct nn_shape shape, const float *dy, const float *a, float *db,
                                  int c0, int c1);

/* Constant padding; `top` and `left` here, bottom and right are what `out` leaves. Negative: cut.
 */
void nn_pad_forward(struct nn_shape in, struct nn_shape out, int top, int left, float value,
                    const float *x, float *y, int c0, int c1);
void nn_pad_backward(struct nn_shape in, struct nn_shape out, int top, int left, const float *dy,
                     float *dx, int c0, int c1);

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
