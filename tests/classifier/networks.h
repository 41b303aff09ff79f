/* networks.h: small graphs for the tests, and numbers to put into them. */
#ifndef NETWORKS_H
#define NETWORKS_H

#include "nn_run.h"

/* Fills with numbers in [-1, 1), a function of seed. */
void fill(float *to, size_t count, uint64_t seed);
/* Writable parameters of a finished graph: drawn, biases as well. Ends the test on failure. */
struct nn_values *draw_values(const struct nn_graph *graph, uint64_t seed);
/* Finishes the graph or ends the test with its error. */
struct nn_graph *finished(struct nn_graph *graph);
/* A run of any mode; nothing frozen. */
enum nn_status create_run(const struct nn_graph *graph, struct nn_values *values, int batch,
                          enum nn_run_mode mode, struct nn_pool *pool, struct nn_run **run);
size_t elements_of(const struct nn_graph *graph, int layer);

/* Stride, padding, groups, LRN, an inception block, dropout, a softmax over 4 classes. */
struct nn_graph *small_network(void);
/* ResNet's, EfficientNet's and GoogLeNet's blocks: convolutions without bias and batch norms,
 * residual sums, a depthwise convolution, squeeze-excite, SiLU, clip, padding, flattening, an
 * auxiliary head "aux/prob", a softmax over 4 classes. */
struct nn_graph *modern_network(void);
/* Scores at 6 x 5 places, "places/classifier", the highest of which are the softmax's 4 classes. */
struct nn_graph *peak_network(void);
/* "NAME", a convolution without bias, and "NAME/bn" after it; returns the latter. */
int add_conv_norm(struct nn_graph *graph, const char *name, int from, int out, int kernel,
                  int stride, int groups);
/* An inception block alone on (channels, side, side); returns its concat. */
int add_inception(struct nn_graph *graph, const char *name, int from);

#endif
