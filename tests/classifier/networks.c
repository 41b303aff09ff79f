#include "networks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define MAX_NAMES 128

void fill(float *to, size_t count, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        to[i] = (float)(state >> 40) * 0x1p-23f - 1.0f;
    }
}

struct nn_graph *finished(struct nn_graph *graph)
{
    struct nn_error err = {0};
    if (nn_graph_finish(graph, &err) != NN_OK)
        fail_msg("%s", err.text);
    return graph;
}

size_t elements_of(const struct nn_graph *graph, int layer)
{
    struct nn_shape s = nn_graph_shape(graph, layer);
    return (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

struct nn_values *draw_values(const struct nn_graph *graph, uint64_t seed)
{
    const char *names[MAX_NAMES + 1] = {NULL};
    struct nn_error err = {0};
    struct nn_values *values;

    assert_in_range(nn_graph_count(graph), 1, MAX_NAMES);
    for (int i = 0; i < nn_graph_count(graph); i++)
        names[i] = nn_graph_name(graph, i);
    assert_int_equal(nn_values_create(graph, NULL, true, names, seed, &values, &err), NN_OK);
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, i);
        float *at = nn_values_at(values, i);
        if (parameter->dims == 1)
            fill(at, parameter->elements, seed + (uint64_t)i);
        for (size_t k = 0; parameter->not_negative && k < parameter->elements; k++)
            at[k] = 1.25f + at[k];
    }
    return values;
}

enum nn_status create_run(const struct nn_graph *graph, struct nn_values *values, int batch,
                          enum nn_run_mode mode, struct nn_pool *pool, struct nn_run **run)
{
    struct nn_error err = {0};
    return mode == NN_RUN_TRAIN
               ? nn_run_create_training(graph, values, batch, NULL, pool, run, &err)
               : nn_run_create(graph, values, batch, mode, pool, run, &err);
}

static int conv(struct nn_graph *graph, const char *name, int from, int out, int kernel, int stride,
                int groups)
{
    return nn_graph_conv2d(graph, name, from,
                           (struct nn_conv2d){.out_channels = out,
                                              .kernel_h = kernel,
                                              .kernel_w = kernel,
                                              .stride_h = stride,
                                              .stride_w = stride,
                                              .pad_h = kernel / 2,
                                              .pad_w = kernel / 2,
                                              .groups = groups,
                                              .relu = true});
}

static struct nn_pool2d square(int kernel, int stride, int pad)
{
    return (struct nn_pool2d){.kernel_h = kernel,
                              .kernel_w = kernel,
                              .stride_h = stride,
                              .stride_w = stride,
                              .pad_h = pad,
                              .pad_w = pad,
                              .ceil_mode = true};
}

int add_inception(struct nn_graph *graph, const char *prefix, int from)
{
    char name[64];
#define NAME(suffix) (snprintf(name, sizeof name, "%s/%s", prefix, suffix), name)
    int branch[4];
    branch[0] = conv(graph, NAME("1x1"), from, 5, 1, 1, 1);
    branch[1] = conv(graph, NAME("3x3_reduce"), from, 4, 1, 1, 1);
    branch[1] = conv(graph, NAME("3x3"), branch[1], 6, 3, 1, 1);
    branch[2] = conv(graph, NAME("5x5_reduce"), from, 3, 1, 1, 1);
    branch[2] = conv(graph, NAME("5x5"), branch[2], 4, 5, 1, 1);
    branch[3] = nn_graph_max_pool(graph, NAME("pool"), from, square(3, 1, 1));
    branch[3] = conv(graph, NAME("pool_proj"), branch[3], 3, 1, 1, 1);
    return nn_graph_concat(graph, NAME("output"), branch, 4);
#undef NAME
}

struct nn_graph *small_network(void)
{
    struct nn_graph *g = nn_graph_create();
    int x = nn_graph_input(g, "data", (struct nn_shape){3, 21, 19});
    x = conv(g, "conv1", x, 8, 7, 2, 1);
    x = nn_graph_max_pool(g, "pool1", x, square(3, 2, 0));
    x = nn_graph_lrn(g, "norm1", x,
                     (struct nn_lrn){.size = 5, .alpha = 0.5f, .beta = 0.75f, .k = 1.0f});
    x = conv(g, "conv2", x, 10, 3, 1, 2);
    x = add_inception(g, "a", x);
    x = add_inception(g, "b", x);
    x = nn_graph_global_avg_pool(g, "pool2", x);
    x = nn_graph_dropout(g, "drop", x, 0.4f);
    x = nn_graph_linear(g, "classifier", x, 4, false);
    nn_graph_softmax(g, "prob", x);
    return finished(g);
}

int add_conv_norm(struct nn_graph *graph, const char *name, int from, int out, int kernel,
                  int stride, int groups)
{
    char norm[64];
    snprintf(norm, sizeof norm, "%s/bn", name);
    from = nn_graph_conv2d(graph, name, from,
                           (struct nn_conv2d){.out_channels = out,
                                              .kernel_h = kernel,
                                              .kernel_w = kernel,
                                              .stride_h = stride,
                                              .stride_w = stride,
                                              .pad_h = kernel / 2,
                                              .pad_w = kernel / 2,
                                              .groups = groups,
                                              .no_bias = true});
    return nn_graph_batch_norm(graph, norm, from, (struct nn_batch_norm){1e-3f, 0.1f});
}

/* One factor a channel, of the channels' means. */
static int squeeze_excite(struct nn_graph *g, int from)
{
    int x = nn_graph_global_avg_pool(g, "se/pool", from);
    x = nn_graph_silu(g, "se/silu", conv(g, "se/reduce", x, 3, 1, 1, 1));
    x = nn_graph_sigmoid(g, "se/sigmoid", conv(g, "se/expand", x, 8, 1, 1, 1));
    return nn_graph_mul(g, "se/scale", from, x);
}

static int scores_at(struct nn_graph *graph, const char *name, int from)
{
    return nn_graph_conv2d(graph, name, from,
                           (struct nn_conv2d){.out_channels = 4,
                                              .kernel_h = 1,
                                              .kernel_w = 1,
                                              .stride_h = 1,
                                              .stride_w = 1,
                                              .groups = 1});
}

struct nn_graph *peak_network(void)
{
    struct nn_graph *g = nn_graph_create();
    int x = nn_graph_input(g, "data", (struct nn_shape){3, 12, 10});
    x = nn_graph_relu(g, "a/relu", conv(g, "a", x, 8, 3, 2, 1));
    x = scores_at(g, "places/classifier", x);
    nn_graph_places(g, x, 0.7f);
    struct nn_shape map = nn_graph_shape(g, x);
    struct nn_pool2d whole = {.kernel_h = map.h, .kernel_w = map.w, .stride_h = 1, .stride_w = 1};
    nn_graph_softmax(g, "prob", nn_graph_max_pool(g, "places/peak", x, whole));
    return finished(g);
}

struct nn_graph *modern_network(void)
{
    struct nn_graph *g = nn_graph_create();
    int x = nn_graph_input(g, "data", (struct nn_shape){3, 13, 11});
    x = nn_graph_pad(g, "pad", x, (struct nn_pad){0, 1, 2, 0, 0.25f});
    x = nn_graph_relu(g, "stem/relu", add_conv_norm(g, "stem", x, 8, 3, 2, 1));
    int block = nn_graph_relu(g, "a/relu", add_conv_norm(g, "a", x, 8, 3, 1, 1));
    block = add_conv_norm(g, "b", block, 8, 3, 1, 2);
    x = nn_graph_add(g, "b/add", (int[]){block, x}, 2, true);
    int head = nn_graph_global_avg_pool(g, "aux/pool", x);
    head = nn_graph_softmax(g, "aux/prob", nn_graph_linear(g, "aux/fc", head, 4, false));
    nn_graph_auxiliary(g, head, 0.3f);
    nn_graph_places(g, scores_at(g, "places", x), 0.7f);
    block = nn_graph_silu(g, "c/silu", add_conv_norm(g, "c", x, 8, 3, 1, 8));
    block = add_conv_norm(g, "d", squeeze_excite(g, block), 8, 1, 1, 1);
    x = nn_graph_add(g, "d/add", (int[]){x, block}, 2, false);
    x = nn_graph_clip(g, "clip", x, -1.5f, 2.0f);
    struct nn_pool2d mean = square(3, 2, 1);
    mean.count_padding = true;
    x = nn_graph_avg_pool(g, "pool", x, mean);
    struct nn_shape shape = {8 * 5 * 4, 1, 1};
    x = nn_graph_dropout(g, "drop", nn_graph_reshape(g, "flatten", x, shape), 0.2f);
    nn_graph_softmax(g, "prob", nn_graph_linear(g, "fc", x, 4, false));
    return finished(g);
}
