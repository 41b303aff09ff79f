/* AlexNet: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks",
 * NIPS 2012, section 3. Names, groups and the order convolution, LRN, pool are those of Caffe's
 * BVLC model. */
#include "networks_internal.h"

static const struct nn_lrn lrn = {.size = 5, .alpha = 1e-4f, .beta = 0.75f, .k = 1.0f};
static const struct nn_pool2d pool = {
    .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .ceil_mode = true};

static int conv(struct nn_graph *graph, const char *name, int from, int out, int kernel, int stride,
                int pad, int groups)
{
    return nn_graph_conv2d(graph, name, from,
                           (struct nn_conv2d){.out_channels = out,
                                              .kernel_h = kernel,
                                              .kernel_w = kernel,
                                              .stride_h = stride,
                                              .stride_w = stride,
                                              .pad_h = pad,
                                              .pad_w = pad,
                                              .groups = groups,
                                              .relu = true});
}

int nn_alexnet_features(struct nn_graph *g, int x)
{
    x = conv(g, "conv1", x, 96, 11, 4, 0, 1);
    x = nn_graph_lrn(g, "norm1", x, lrn);
    x = nn_graph_max_pool(g, "pool1", x, pool);
    x = conv(g, "conv2", x, 256, 5, 1, 2, 2);
    x = nn_graph_lrn(g, "norm2", x, lrn);
    x = nn_graph_max_pool(g, "pool2", x, pool);
    x = conv(g, "conv3", x, 384, 3, 1, 1, 1);
    x = conv(g, "conv4", x, 384, 3, 1, 1, 2);
    x = conv(g, "conv5", x, 256, 3, 1, 1, 2);
    return nn_graph_max_pool(g, "pool5", x, pool);
}

/* Caffe's fillers of the three fully connected layers. After Glorot their first outputs on ImageNet
 * features are tens wide, and the first steps at rate 0.001 end in dead ReLUs. */
int nn_alexnet_hidden(struct nn_graph *graph, const char *name, int from, int features)
{
    int x = nn_graph_linear(graph, name, from, features, true);
    return nn_graph_initial(graph, x, 0.005f, 0.1f);
}

int nn_alexnet_scores(struct nn_graph *graph, const char *name, int from, int classes)
{
    int x = nn_graph_linear(graph, name, from, classes, false);
    return nn_graph_initial(graph, x, 0.01f, 0.0f);
}

struct nn_graph *nn_alexnet(int classes, int side, struct nn_error *err)
{
    struct nn_graph *g = nn_network_begin("alexnet", side, err);
    if (g == NULL)
        return NULL;

    int x = nn_alexnet_features(g, NN_NETWORK_INPUT);
    x = nn_alexnet_hidden(g, "fc6", x, 4096);
    x = nn_graph_dropout(g, "drop6", x, 0.5f);
    x = nn_alexnet_hidden(g, "fc7", x, 4096);
    x = nn_graph_dropout(g, "drop7", x, 0.5f);
    x = nn_alexnet_scores(g, "fc8", x, classes);
    nn_graph_softmax(g, "prob", x);

    return nn_network_end(g, err);
}
