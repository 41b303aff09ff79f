/* check_gradients.h: a graph held against its naive twin: activations, and gradients against
 * central differences of the twin (in double). */
#ifndef CHECK_GRADIENTS_H
#define CHECK_GRADIENTS_H

#include "networks.h"
#include "ref_ops.h"

#define CHECK_BATCH 3

struct check {
    const struct nn_graph *graph;
    struct nn_values *values;
    struct ref_net *net;
    int output;
    size_t in_size, out_size;
    float *input, *direction; /* (CHECK_BATCH, ...); the loss is direction . output */
    double *input64;
    double least_scale; /* a gradient that is zero by design is a sum of floats that are not */
};

/* The graph must be finished. */
void check_init(struct check *c, const struct nn_graph *graph);
void check_finish(struct check *c);
/* The slope of a loss along one parameter or input. */
double check_slope(struct check *c, double (*loss_of)(struct check *c), double *at);
/* Every activation that the run shows. */
void check_forward(struct check *c, struct nn_run *run);
/* `got` against the slopes of direction . output along `at`. */
void check_gradient(struct check *c, const char *what, double *at, const float *got, size_t count);
/* Finishes, checks and destroys the graph, in EXPLAIN and in TRAIN. */
void check_graph(struct nn_graph *graph);
/* A graph with its input "data". */
struct nn_graph *with_input(int c, int h, int w);

#endif
