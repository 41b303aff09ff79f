/* every_op.h: a graph with every operator, 3 x 32 x 32 in, `classes` out. */
#ifndef EVERY_OP_H
#define EVERY_OP_H

#include "networks.h"

#include <math.h>

/* Every attribute at a value that is not its neighbour's. */
static inline struct nn_graph *every_op(int classes)
{
    struct nn_graph *g = nn_graph_create();
    int x = nn_graph_input(g, "data", (struct nn_shape){3, 32, 32}), y, z;

    x = nn_graph_pad(g, "pad:0", x, (struct nn_pad){1, 2, 3, 4, -0.1f});
    x = nn_graph_conv2d(g, "conv/1.a", x,
                        (struct nn_conv2d){.out_channels = 8,
                                           .kernel_h = 3,
                                           .kernel_w = 5,
                                           .stride_h = 2,
                                           .stride_w = 1,
                                           .pad_h = 1,
                                           .pad_w = 2,
                                           .groups = 1,
                                           .no_bias = true});
    x = nn_graph_batch_norm(g, "bn", x, (struct nn_batch_norm){1e-5f, 0.1f});
    y = nn_graph_silu(g, "silu", x);
    z = nn_graph_clip(g, "clip", x, -INFINITY, 6.0f);
    z = nn_graph_relu(g, "relu", z);
    x = nn_graph_add(g, "add", (int[]){y, z, y}, 3, true);
    y = nn_graph_global_avg_pool(g, "squeeze", x);
    y = nn_graph_sigmoid(g, "sigmoid", y);
    x = nn_graph_mul(g, "mul", x, y);
    x = nn_graph_lrn(g, "lrn", x, (struct nn_lrn){5, 1.0f / 3, 0.75f, 2.0f});
    y = nn_graph_max_pool(g, "max", x,
                          (struct nn_pool2d){.kernel_h = 3,
                                             .kernel_w = 2,
                                             .stride_h = 2,
                                             .stride_w = 3,
                                             .pad_h = 1,
                                             .pad_w = 0,
                                             .ceil_mode = true});
    z = nn_graph_avg_pool(g, "mean", x,
                          (struct nn_pool2d){.kernel_h = 3,
                                             .kernel_w = 2,
                                             .stride_h = 2,
                                             .stride_w = 3,
                                             .pad_h = 1,
                                             .ceil_mode = true,
                                             .count_padding = true});
    x = nn_graph_concat(g, "both&<\">", (int[]){y, z}, 2);
    struct nn_shape shape = {16, 10, 13};
    x = nn_graph_reshape(g, "flat", x, (struct nn_shape){shape.c * shape.h * shape.w, 1, 1});
    x = nn_graph_linear(g, "fc", x, 7, true);
    x = nn_graph_dropout(g, "drop", x, 0.3f);
    x = nn_graph_linear(g, "scores", x, classes, false);
    nn_graph_softmax(g, "prob", x);
    return finished(g);
}

#endif
