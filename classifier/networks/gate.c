/* The input gate's network: what kind of picture is this? GoogLeNet's first three inception blocks,
 * means over the four quarters of their map (where things lie tells a view), the kinds. */
#include "networks_internal.h"

#define BLOCKS 3

struct nn_graph *nn_gate(int classes, int side, struct nn_error *err)
{
    struct nn_graph *g = nn_network_begin("gate", side, err);
    if (g == NULL)
        return NULL;

    int x = nn_googlenet_blocks(g, NN_NETWORK_INPUT, BLOCKS);
    struct nn_shape map = nn_graph_shape(g, x);
    int tall = map.h / 2, wide = map.w / 2;
    x = nn_graph_avg_pool(
        g, "gate/quarters", x,
        (struct nn_pool2d){.kernel_h = tall, .kernel_w = wide, .stride_h = tall, .stride_w = wide});
    x = nn_graph_dropout(g, "gate/drop", x, 0.4f);
    x = nn_graph_linear(g, "gate/classifier", x, classes, false);
    nn_graph_softmax(g, "prob", x);

    return nn_network_end(g, err);
}
