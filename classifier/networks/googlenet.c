/* GoogLeNet: Szegedy et al., "Going deeper with convolutions", CVPR 2015, table 1. Names are those
 * of Caffe's BVLC model. The two auxiliary heads serve training from scratch alone, and the scores
 * at places training on images of which it is known where the injury is; googlenet-peak answers by
 * the highest of these, not by the mean of all. */
#include "networks_internal.h"
#include <stdio.h>

struct inception {
    const char *name;
    int n1x1, n3x3_reduce, n3x3, n5x5_reduce, n5x5, pool_proj;
    bool pool_after; /* max pool 3x3/2 follows */
};

static const struct inception blocks[] = {
    /*            1x1  3x3r  3x3  5x5r 5x5  pool */
    {"inception_3a", 64, 96, 128, 16, 32, 32, false},
    {"inception_3b", 128, 128, 192, 32, 96, 64, true},
    {"inception_4a", 192, 96, 208, 16, 48, 64, false},
    {"inception_4b", 160, 112, 224, 24, 64, 64, false},
    {"inception_4c", 128, 128, 256, 24, 64, 64, false},
    {"inception_4d", 112, 144, 288, 32, 64, 64, false},
    {"inception_4e", 256, 160, 320, 32, 128, 128, true},
    {"inception_5a", 256, 160, 320, 32, 128, 128, false},
    {"inception_5b", 384, 192, 384, 48, 128, 128, false},
};

static const struct nn_lrn lrn = {.size = 5, .alpha = 1e-4f, .beta = 0.75f, .k = 1.0f};

static int conv(struct nn_graph *graph, const char *name, int from, int out, int kernel, int stride)
{
    return nn_graph_conv2d(graph, name, from,
                           (struct nn_conv2d){.out_channels = out,
                                              .kernel_h = kernel,
                                              .kernel_w = kernel,
                                              .stride_h = stride,
                                              .stride_w = stride,
                                              .pad_h = kernel / 2,
                                              .pad_w = kernel / 2,
                                              .groups = 1,
                                              .relu = true});
}

static int max_pool(struct nn_graph *graph, const char *name, int from, int stride, int pad)
{
    return nn_graph_max_pool(graph, name, from,
                             (struct nn_pool2d){.kernel_h = 3,
                                                .kernel_w = 3,
                                                .stride_h = stride,
                                                .stride_w = stride,
                                                .pad_h = pad,
                                                .pad_w = pad,
                                                .ceil_mode = true});
}

static int inception(struct nn_graph *graph, const struct inception *b, int from)
{
    char name[64];
#define NAME(suffix) (snprintf(name, sizeof name, "%s/%s", b->name, suffix), name)
    int branch[4], reduced;

    branch[0] = conv(graph, NAME("1x1"), from, b->n1x1, 1, 1);
    reduced = conv(graph, NAME("3x3_reduce"), from, b->n3x3_reduce, 1, 1);
    branch[1] = conv(graph, NAME("3x3"), reduced, b->n3x3, 3, 1);
    reduced = conv(graph, NAME("5x5_reduce"), from, b->n5x5_reduce, 1, 1);
    branch[2] = conv(graph, NAME("5x5"), reduced, b->n5x5, 5, 1);
    reduced = max_pool(graph, NAME("pool"), from, 1, 1);
    branch[3] = conv(graph, NAME("pool_proj"), reduced, b->pool_proj, 1, 1);
    return nn_graph_concat(graph, NAME("output"), branch, 4);
#undef NAME
}

int nn_googlenet_blocks(struct nn_graph *g, int x, size_t count)
{
    x = conv(g, "conv1/7x7_s2", x, 64, 7, 2);
    x = max_pool(g, "pool1/3x3_s2", x, 2, 0);
    x = nn_graph_lrn(g, "pool1/norm1", x, lrn);
    x = conv(g, "conv2/3x3_reduce", x, 64, 1, 1);
    x = conv(g, "conv2/3x3", x, 192, 3, 1);
    x = nn_graph_lrn(g, "conv2/norm2", x, lrn);
    x = max_pool(g, "pool2/3x3_s2", x, 2, 0);
    for (size_t i = 0; i < count; i++) {
        x = inception(g, &blocks[i], x);
        if (blocks[i].pool_after)
            x = max_pool(g, i == 1 ? "pool3/3x3_s2" : "pool4/3x3_s2", x, 2, 0);
    }
    return x;
}

int nn_googlenet_features(struct nn_graph *g, int x)
{
    x = nn_googlenet_blocks(g, x, sizeof blocks / sizeof blocks[0]);
    return nn_graph_global_avg_pool(g, "pool5/7x7_s1", x);
}

static int scores_at_places(struct nn_graph *g, int features, int classes)
{
    return nn_graph_conv2d(g, "places/classifier", features,
                           (struct nn_conv2d){.out_channels = classes,
                                              .kernel_h = 1,
                                              .kernel_w = 1,
                                              .stride_h = 1,
                                              .stride_w = 1,
                                              .groups = 1});
}

/* Section 5: what is learned early in the network must be good for something already. */
static void auxiliary(struct nn_graph *g, const char *head, const char *from, int classes)
{
    char name[64];
#define NAME(suffix) (snprintf(name, sizeof name, "%s/%s", head, suffix), name)
    int x = nn_graph_find(g, from);

    x = nn_graph_avg_pool(
        g, NAME("ave_pool"), x,
        (struct nn_pool2d){.kernel_h = 5, .kernel_w = 5, .stride_h = 3, .stride_w = 3});
    x = conv(g, NAME("conv"), x, 128, 1, 1);
    x = nn_graph_linear(g, NAME("fc"), x, 1024, true);
    x = nn_graph_dropout(g, NAME("drop_fc"), x, 0.7f);
    x = nn_graph_linear(g, NAME("classifier"), x, classes, false);
    nn_graph_auxiliary(g, nn_graph_softmax(g, NAME("prob"), x), 0.3f);
#undef NAME
}

enum more { NOTHING, AUXILIARIES, PLACES };

static struct nn_graph *build(int classes, int side, enum more more, float weight,
                              struct nn_error *err)
{
    struct nn_graph *g = nn_network_begin("googlenet", side, err);
    if (g == NULL)
        return NULL;

    int x = nn_googlenet_features(g, NN_NETWORK_INPUT);
    if (more == PLACES)
        nn_graph_places(g, scores_at_places(g, nn_graph_find(g, "inception_5b/output"), classes),
                        weight);
    if (more == AUXILIARIES) {
        auxiliary(g, "loss1", "inception_4a/output", classes);
        auxiliary(g, "loss2", "inception_4d/output", classes);
    }
    x = nn_graph_dropout(g, "pool5/drop_7x7_s1", x, 0.4f);
    x = nn_graph_linear(g, "loss3/classifier", x, classes, false);
    nn_graph_softmax(g, "prob", x);

    return nn_network_end(g, err);
}

struct nn_graph *nn_googlenet(int classes, int side, struct nn_error *err)
{
    return build(classes, side, NOTHING, 0, err);
}

struct nn_graph *nn_googlenet_auxiliary(int classes, int side, struct nn_error *err)
{
    return build(classes, side, AUXILIARIES, 0, err);
}

struct nn_graph *nn_googlenet_places(int classes, int side, float weight, struct nn_error *err)
{
    return build(classes, side, PLACES, weight, err);
}

/* `weight` 0: no loss at places. */
static struct nn_graph *build_peak(int classes, int side, float weight, struct nn_error *err)
{
    struct nn_graph *g = nn_network_begin("googlenet-peak", side, err);
    if (g == NULL)
        return NULL;

    int x = nn_googlenet_blocks(g, NN_NETWORK_INPUT, sizeof blocks / sizeof blocks[0]);
    x = scores_at_places(g, x, classes);
    if (weight > 0)
        nn_graph_places(g, x, weight);
    struct nn_shape map = nn_graph_shape(g, x);
    x = nn_graph_max_pool(
        g, "places/peak", x,
        (struct nn_pool2d){.kernel_h = map.h, .kernel_w = map.w, .stride_h = 1, .stride_w = 1});
    nn_graph_softmax(g, "prob", x);

    return nn_network_end(g, err);
}

struct nn_graph *nn_googlenet_peak(int classes, int side, struct nn_error *err)
{
    return build_peak(classes, side, 0, err);
}

struct nn_graph *nn_googlenet_peak_places(int classes, int side, float weight, struct nn_error *err)
{
    return build_peak(classes, side, weight, err);
}
