/* graph_internal.h: what the executor sees of a graph. */
#ifndef NN_GRAPH_INTERNAL_H
#define NN_GRAPH_INTERNAL_H

#include "nn_graph.h"

#define NN_MAX_LAYERS   4096
#define NN_MAX_NAME     120       /* bytes of a layer's name */
#define NN_MAX_SIDE     65536     /* any one dimension of a shape or kernel */
#define NN_MAX_ELEMENTS (1 << 28) /* of one sample's activation or one parameter */

enum nn_op {
    NN_OP_INPUT,
    NN_OP_CONV2D,
    NN_OP_RELU,
    NN_OP_MAX_POOL,
    NN_OP_AVG_POOL,
    NN_OP_LRN,
    NN_OP_CONCAT,
    NN_OP_LINEAR,
    NN_OP_DROPOUT,
    NN_OP_SOFTMAX,
    NN_OP_BATCH_NORM,
    NN_OP_ADD,
    NN_OP_MUL,
    NN_OP_SIGMOID,
    NN_OP_SILU,
    NN_OP_CLIP,
    NN_OP_PAD,
    NN_OP_RESHAPE
};

struct nn_clip {
    float low, high;
};

struct nn_layer {
    char *name;
    enum nn_op op;
    struct nn_shape shape;
    int *from; /* producers, from_count of them */
    int from_count;
    bool relu;                     /* conv2d, linear, add: fused; relu: true */
    bool serves;                   /* the output depends on it; set by finish */
    int weight, bias;              /* parameter numbers, or -1 */
    int running_mean, running_var; /* batch norm's, or -1 */
    union {
        struct nn_conv2d conv;
        struct nn_pool2d pool;
        struct nn_lrn lrn;
        struct nn_batch_norm norm;
        struct nn_clip clip;
        struct nn_pad pad;
        float rate;
    };
};

#define NN_MAX_AUXILIARIES 8

struct nn_auxiliary {
    int softmax; /* -1: scores at each place, without a softmax layer of their own */
    int scores;  /* the layer of the logits */
    float weight;
};

struct nn_graph {
    struct nn_layer *layers;
    int count, capacity;
    struct nn_parameter *parameters;
    int parameter_count, parameter_capacity;
    struct nn_auxiliary auxiliaries[NN_MAX_AUXILIARIES];
    int auxiliary_count;
    bool finished;
    struct nn_error error; /* the first one */
};

const struct nn_layer *nn_graph_layer(const struct nn_graph *graph, int id);
size_t nn_shape_elements(struct nn_shape shape);

/* For the builders (graph_layers.c). The first error sticks; later ones are its consequences.
 * Always -1. */
int nn_graph_refuse(struct nn_graph *graph, enum nn_status status, const char *name,
                    const char *why);
/* The shape of a producer; false (and an error) when there is none. */
bool nn_graph_producer(struct nn_graph *graph, const char *name, int from, struct nn_shape *shape);
/* Appends a layer whose shape is known, with copies of name and from; its id, or -1. */
int nn_graph_append(struct nn_graph *graph, const char *name, const int *from, int from_count,
                    struct nn_layer layer);
/* Adds a parameter named after its layer; its number, or -1. form: dims, dim, statistic,
 * not_negative, initial. */
int nn_graph_add_parameter(struct nn_graph *graph, int layer, const char *suffix,
                           struct nn_parameter form);

/* A layer as `like` says (op, parameters; shape of an input, linear or reshape), of other
 * producers. Its id, or -1. */
int nn_graph_add_like(struct nn_graph *graph, const char *name, const int *from, int from_count,
                      const struct nn_layer *like);

#endif
