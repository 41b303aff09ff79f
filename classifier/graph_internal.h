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
    NN_OP_SOFTMAX
};

struct nn_layer {
    char *name;
    enum nn_op op;
    struct nn_shape shape;
    int *from; /* producers, from_count of them */
    int from_count;
    bool relu;        /* conv2d, linear: fused; relu: true */
    int weight, bias; /* parameter numbers, or -1 */
    union {
        struct nn_conv2d conv;
        struct nn_pool2d pool;
        struct nn_lrn lrn;
        float rate;
    };
};

struct nn_graph {
    struct nn_layer *layers;
    int count, capacity;
    struct nn_parameter *parameters;
    int parameter_count, parameter_capacity;
    bool finished;
    struct nn_error error; /* the first one */
};

const struct nn_layer *nn_graph_layer(const struct nn_graph *graph, int id);
size_t nn_shape_elements(struct nn_shape shape);

#endif
