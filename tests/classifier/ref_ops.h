/* ref_ops.h: every layer again, naively and in double: the twin that the network is held against.
 */
#ifndef REF_OPS_H
#define REF_OPS_H

#include "graph/graph_internal.h"
#include "nn_run.h"

#define REF_MAX_BATCH 4

/* A batch through a graph. */
struct ref_net {
    const struct nn_graph *graph;
    double **parameter;  /* copies, free to be nudged */
    double **activation; /* of the last ref_forward: samples one behind the other */
    bool training;       /* dropout active, batch norm by the batch's statistics */
    const bool *frozen;  /* of each layer: batch norms that keep to the running ones; or NULL */
    uint64_t seed, step;
};

struct ref_net *ref_create(const struct nn_graph *graph, const struct nn_values *values);
void ref_destroy(struct ref_net *net);
/* `sample`: place in the batch, which the dropout mask depends on. Returns the output. */
const double *ref_forward(struct ref_net *net, const double *input, int sample);
/* Samples 0..batch-1 together, at most REF_MAX_BATCH. */
const double *ref_forward_batch(struct ref_net *net, const double *input, int batch);

/* b: NULL when there is none. */
void ref_conv2d(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                const double *x, const double *w, const double *b, double *y);
/* dx and dw of sum(dy * y), before a fused ReLU. */
void ref_conv2d_backward(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                         const double *x, const double *w, const double *dy, double *dx,
                         double *dw);
void ref_pool(const struct nn_pool2d *pool, bool max, struct nn_shape in, struct nn_shape out,
              const double *x, double *y);
void ref_lrn(const struct nn_lrn *lrn, struct nn_shape shape, const double *x, double *y);
void ref_linear(size_t in, size_t out, const double *x, const double *w, const double *b,
                double *y);
void ref_dropout(float rate, uint64_t seed, uint64_t step, uint64_t layer, uint64_t sample,
                 size_t count, const double *x, double *y);
/* Samples lie one behind the other. */
void ref_statistics(struct nn_shape shape, int batch, const double *x, double *mean,
                    double *variance);
void ref_batch_norm(struct nn_shape shape, int batch, const double *x, const double *gamma,
                    const double *beta, const double *mean, const double *variance, double epsilon,
                    double *y);
double ref_sigmoid(double x);
double ref_silu(double x);
double ref_clip(double low, double high, double x);
void ref_multiply(struct nn_shape shape, const double *a, const double *b, bool per_channel,
                  double *y);
void ref_pad(struct nn_shape in, struct nn_shape out, int top, int left, double value,
             const double *x, double *y);
void ref_softmax(int count, const double *x, double *y);

#endif
