/* graph_refit.c: a graph built again, layer by layer, by the public builders: with another number
 * of classes, or as a copy. */
#include "graph_internal.h"

int nn_graph_add_like(struct nn_graph *g, const char *name, const int *from, int from_count,
                      const struct nn_layer *like)
{
    int x = from_count > 0 ? from[0] : -1;

    switch (like->op) {
    case NN_OP_INPUT:
        return nn_graph_input(g, name, like->shape);
    case NN_OP_CONV2D:
        return nn_graph_conv2d(g, name, x, like->conv);
    case NN_OP_RELU:
        return nn_graph_relu(g, name, x);
    case NN_OP_MAX_POOL:
        return nn_graph_max_pool(g, name, x, like->pool);
    case NN_OP_AVG_POOL:
        return nn_graph_avg_pool(g, name, x, like->pool);
    case NN_OP_LRN:
        return nn_graph_lrn(g, name, x, like->lrn);
    case NN_OP_CONCAT:
        return nn_graph_concat(g, name, from, from_count);
    case NN_OP_LINEAR:
        return nn_graph_linear(g, name, x, like->shape.c, like->relu);
    case NN_OP_DROPOUT:
        return nn_graph_dropout(g, name, x, like->rate);
    case NN_OP_SOFTMAX:
        return nn_graph_softmax(g, name, x);
    case NN_OP_BATCH_NORM:
        return nn_graph_batch_norm(g, name, x, like->norm);
    case NN_OP_ADD:
        return nn_graph_add(g, name, from, from_count, like->relu);
    case NN_OP_MUL:
        return nn_graph_mul(g, name, x, from_count > 1 ? from[1] : -1);
    case NN_OP_SIGMOID:
        return nn_graph_sigmoid(g, name, x);
    case NN_OP_SILU:
        return nn_graph_silu(g, name, x);
    case NN_OP_CLIP:
        return nn_graph_clip(g, name, x, like->clip.low, like->clip.high);
    case NN_OP_PAD:
        return nn_graph_pad(g, name, x, like->pad);
    case NN_OP_RESHAPE:
        return nn_graph_reshape(g, name, x, like->shape);
    }
    return -1;
}

/* The last layer before the scores that has weights, every layer between passing on what it gets.
 */
static int head_of(const struct nn_graph *graph)
{
    int id = nn_graph_scores(graph);

    while (id > 0 && graph->layers[id].weight < 0 && graph->layers[id].from_count == 1)
        id = graph->layers[id].from[0];
    enum nn_op op = graph->layers[id].op;
    return op == NN_OP_LINEAR || op == NN_OP_CONV2D ? id : -1;
}

const char *nn_graph_head(const struct nn_graph *graph)
{
    return nn_graph_name(graph, head_of(graph));
}

/* The layer as it shall be: the head with other outputs, what only reshapes its outputs likewise.
 */
static struct nn_layer refitted(const struct nn_graph *graph, int id, int head, int classes)
{
    struct nn_layer layer = graph->layers[id];
    int had = graph->layers[head].shape.c;

    if (id == head && layer.op == NN_OP_CONV2D)
        layer.conv.out_channels = classes;
    if (id == head && layer.op == NN_OP_LINEAR)
        layer.shape.c = classes;
    if (id > head && layer.op == NN_OP_RESHAPE && layer.shape.c == had)
        layer.shape.c = classes;
    return layer;
}

struct nn_graph *nn_graph_refit(const struct nn_graph *graph, int classes, struct nn_error *err)
{
    int head = head_of(graph), last = graph->count - 1;
    bool same = graph->layers[last].shape.c == classes;

    if (!graph->finished || graph->layers[last].op != NN_OP_SOFTMAX || (head < 0 && !same)) {
        nn_fail(err, NN_UNSUPPORTED,
                "layer %s: a softmax after a fully connected layer or convolution is expected",
                graph->layers[last].name);
        return NULL;
    }
    if (graph->auxiliary_count > 0) {
        nn_fail(err, NN_UNSUPPORTED, "layer %s: an auxiliary head cannot be refitted",
                graph->layers[graph->auxiliaries[0].scores].name);
        return NULL;
    }
    struct nn_graph *made = nn_graph_create();
    for (int i = 0; made != NULL && i < graph->count; i++) {
        struct nn_layer layer = same ? graph->layers[i] : refitted(graph, i, head, classes);
        int id = nn_graph_add_like(made, layer.name, layer.from, layer.from_count, &layer);
        if (id >= 0 && layer.weight >= 0 && graph->parameters[layer.weight].deviation > 0)
            nn_graph_initial(made, id, graph->parameters[layer.weight].deviation,
                             layer.bias >= 0 ? graph->parameters[layer.bias].initial : 0);
    }
    if (nn_graph_finish(made, err) != NN_OK) {
        nn_graph_destroy(made);
        return NULL;
    }
    return made;
}
