/* networks_internal.h: the parts that one network lends to another. */
#ifndef NN_NETWORKS_INTERNAL_H
#define NN_NETWORKS_INTERNAL_H

#include "nn_graph.h"

/* A graph with its input, "data", 3 x side x side; NULL and err without memory. */
#define NN_NETWORK_INPUT 0
struct nn_graph *nn_network_begin(const char *name, int side, struct nn_error *err);
/* The finished graph; NULL and err when it has an error, and then it is destroyed. */
struct nn_graph *nn_network_end(struct nn_graph *graph, struct nn_error *err);

/* From the input's id to the features' id: GoogLeNet up to "pool5/7x7_s1" (1024), AlexNet up to
 * "pool5" (256 x 6 x 6 for a side of 227). */
int nn_googlenet_features(struct nn_graph *graph, int input);
/* GoogLeNet's first `count` inception blocks: 3 end at "inception_4a/output" (512 x 14 x 14). */
int nn_googlenet_blocks(struct nn_graph *graph, int input, size_t count);
int nn_alexnet_features(struct nn_graph *graph, int input);
/* Fully connected layers that start as AlexNet's: hidden ones with ReLU, and the scores. */
int nn_alexnet_hidden(struct nn_graph *graph, const char *name, int from, int features);
int nn_alexnet_scores(struct nn_graph *graph, const char *name, int from, int classes);

#endif
