/* nn_network.h: the networks that have a name: `network` of model.xml and --network of the trainer.
 * A registry of constants; safe from any thread. */
#ifndef NN_NETWORK_H
#define NN_NETWORK_H

#include "nn_model.h"

#define NN_MAX_HEADS 8

struct nn_network {
    const char *name; /* "googlenet", "googlenet-peak", "alexnet", "stacked", "gate" */
    /* The layers that ImageNet's weights do not bring, in graph order, NULL-terminated; the last
     * has one output a class. */
    const char *const *heads;
    struct nn_preprocess input; /* what the ImageNet weights expect */
    struct nn_graph *(*build)(int classes, int side, struct nn_error *err);
    /* The same with auxiliary heads, for training from scratch; NULL: it has none. */
    struct nn_graph *(*build_auxiliary)(int classes, int side, struct nn_error *err);
    /* The same with scores at places (nn_graph_places), for training alone; NULL: it has none. */
    struct nn_graph *(*build_places)(int classes, int side, float weight, struct nn_error *err);
};

const struct nn_network *nn_network_find(const char *name); /* NULL: unknown */

/* The rule of what is learned afresh, in one place: a head that `weights` lacks or has in another
 * shape, and every head after it (its input means something else now). `fresh` is what
 * nn_values_create takes: NULL-terminated, borrowed names. A layer that is no head is never fresh:
 * nn_values_create refuses weights that lack it. weights NULL: every head. Returns their number. */
int nn_network_fresh(const struct nn_graph *graph, const char *const *heads,
                     const struct nn_weights *weights, const char *fresh[NN_MAX_HEADS + 1]);

#endif
