/* ref_ops.h: every layer again, naively and in double: the twin that the network is held against.
 */
#ifndef REF_OPS_H
#define REF_OPS_H

#include "graph_internal.h"
#include "nn_run.h"

/* One sample through a graph. */
struct ref_net {
    const struct nn_graph *graph;
    double **parameter;  /* copies, free to be nudged */
    double **activation; /* of the last ref_forward */
    bool training;       /* dropout active */
    uint64_t seed, step;
};

struct ref_net *ref_create(const struct nn_graph *graph, const struct nn_values *values);
void ref_destroy(struct ref_net *net);
/* `sample`: place in the batch, which the dropout mask depends on. Returns the output. */
const double *ref_forward(struct ref_net *net, const double *input, int sample);

void ref_conv2d(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                const double *x, const double *w, const double *b, double *y);
void ref_pool(const struct nn_pool2d *pool, bool max, struct nn_shape in, struct nn_shape out,
              const double *x, double *y);
void ref_lrn(const struct nn_lrn *lrn, struct nn_shape shape, const double *x, double *y);
void ref_linear(size_t in, size_t out, const double *x, const double *w, const double *b,
                double *y);
void ref_dropout(float rate, uint64_t seed, uint64_t step, uint64_t layer, uint64_t sample,
                 size_t count, const double *x, double *y);
void ref_softmax(int count, const double *x, double *y);

#endif
