/* The stacked network of paper B (docs/training.md): the features of GoogLeNet and of
 * AlexNet side by side, dropout, two fully connected layers of 1024 and 512, the classes. */
#include "networks_internal.h"

struct nn_graph *nn_stacked(int classes, int side, struct nn_error *err)
{
    struct nn_graph *g = nn_network_begin("stacked", side, err);
    int part[2];
    if (g == NULL)
        return NULL;

    part[0] = nn_googlenet_features(g, NN_NETWORK_INPUT); /* 1024 */
    part[1] = nn_alexnet_features(g, NN_NETWORK_INPUT);   /* 256 x 6 x 6 = 9216 at 227 */
    struct nn_shape maps = nn_graph_shape(g, part[1]);
    part[1] =
        nn_graph_reshape(g, "flatten", part[1], (struct nn_shape){maps.c * maps.h * maps.w, 1, 1});
    int x = nn_graph_concat(g, "features", part, 2);
    x = nn_graph_dropout(g, "stacked/drop", x, 0.5f);
    x = nn_alexnet_hidden(g, "stacked/fc1", x, 1024);
    x = nn_alexnet_hidden(g, "stacked/fc2", x, 512);
    x = nn_alexnet_scores(g, "stacked/classifier", x, classes);
    nn_graph_softmax(g, "prob", x);

    return nn_network_end(g, err);
}
