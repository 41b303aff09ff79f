#include "graph/graph_internal.h"
#include "networks.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct nn_conv2d plain = {4, 3, 3, 1, 1, 1, 1, 1, true, false};

/* A graph with an input of 6 x 8 x 8 and one more layer. */
static struct nn_graph *start(void)
{
    struct nn_graph *graph = nn_graph_create();
    assert_int_equal(nn_graph_input(graph, "data", (struct nn_shape){6, 8, 8}), 0);
    assert_int_equal(nn_graph_relu(graph, "first", 0), 1);
    return graph;
}

/* The graph must refuse with this status and name the layer; consumes it. */
static void refused(struct nn_graph *graph, int id, enum nn_status status, const char *name)
{
    struct nn_error err = {0};
    assert_int_equal(id, -1);
    assert_int_equal(nn_graph_relu(graph, "later", 0), -1);
    assert_int_equal(nn_graph_finish(graph, &err), status);
    assert_int_equal(err.status, status);
    if (strstr(err.text, name) == NULL)
        fail_msg("\"%s\" does not name %s", err.text, name);
    nn_graph_destroy(graph);
}

static void bad_convolutions(void **state)
{
    (void)state;
    const struct nn_conv2d cases[] = {
        {4, 0, 3, 1, 1, 0, 0, 1, true, false}, {4, 3, 3, 0, 1, 1, 1, 1, true, false},
        {4, 3, 3, 1, 1, 3, 1, 1, true, false}, {4, 3, 3, 1, 1, -1, 1, 1, true, false},
        {4, 9, 3, 1, 1, 0, 1, 1, true, false}, {4, 3, 3, 1, 1, 1, 1, 4, true, false},
        {5, 3, 3, 1, 1, 1, 1, 2, true, false}, {0, 3, 3, 1, 1, 1, 1, 1, true, false},
        {4, 3, 3, 1, 1, 1, 1, 0, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_graph *graph = start();
        refused(graph, nn_graph_conv2d(graph, "wrong", 0, cases[i]), NN_SHAPE, "wrong");
    }
    struct nn_graph *graph = start();
    struct nn_conv2d wide = plain;
    wide.out_channels = 70000;
    refused(graph, nn_graph_conv2d(graph, "wrong", 0, wide), NN_SHAPE, "wrong");
}

static void bad_producers_and_names(void **state)
{
    (void)state;
    char long_name[200];
    memset(long_name, 'x', sizeof long_name);
    long_name[199] = '\0';

    struct nn_graph *graph = start();
    refused(graph, nn_graph_conv2d(graph, "orphan", 2, plain), NN_INVALID, "orphan");
    graph = start();
    refused(graph, nn_graph_relu(graph, "orphan", -1), NN_INVALID, "orphan");
    graph = start();
    refused(graph, nn_graph_relu(graph, "first", 0), NN_INVALID, "first");
    graph = start();
    refused(graph, nn_graph_relu(graph, "", 0), NN_INVALID, "empty");
    graph = start();
    refused(graph, nn_graph_relu(graph, NULL, 0), NN_INVALID, "?");
    graph = start();
    refused(graph, nn_graph_relu(graph, long_name, 0), NN_INVALID, "xxx");
    graph = start();
    refused(graph, nn_graph_input(graph, "second", (struct nn_shape){1, 1, 1}), NN_INVALID,
            "second");
}

static void bad_others(void **state)
{
    (void)state;
    struct nn_graph *graph = start();
    const struct nn_pool2d overhang = {3, 3, 2, 2, 3, 0, true, false};
    refused(graph, nn_graph_max_pool(graph, "pool", 0, overhang), NN_SHAPE, "pool");
    graph = start();
    const struct nn_pool2d large = {9, 3, 2, 2, 0, 0, true, false};
    refused(graph, nn_graph_avg_pool(graph, "pool", 0, large), NN_SHAPE, "pool");
    graph = start();
    const struct nn_lrn even = {4, 1, 0.75f, 1};
    refused(graph, nn_graph_lrn(graph, "norm", 0, even), NN_INVALID, "norm");
    graph = start();
    const struct nn_lrn zero = {5, 1, 0.75f, 0}, nan = {5, NAN, 0.75f, 1};
    refused(graph, nn_graph_lrn(graph, "norm", 0, zero), NN_INVALID, "norm");
    graph = start();
    refused(graph, nn_graph_lrn(graph, "norm", 0, nan), NN_INVALID, "norm");
    graph = start();
    refused(graph, nn_graph_dropout(graph, "drop", 0, 1.0f), NN_INVALID, "drop");
    graph = start();
    refused(graph, nn_graph_dropout(graph, "drop", 0, NAN), NN_INVALID, "drop");
    graph = start();
    refused(graph, nn_graph_softmax(graph, "prob", 0), NN_SHAPE, "prob");
    graph = start();
    refused(graph, nn_graph_linear(graph, "fc", 0, 0, false), NN_SHAPE, "fc");
    graph = start();
    refused(graph, nn_graph_concat(graph, "cat", NULL, 0), NN_INVALID, "cat");
    graph = start();
    int pooled = nn_graph_global_avg_pool(graph, "pool", 0);
    refused(graph, nn_graph_concat(graph, "cat", (int[]){0, pooled}, 2), NN_SHAPE, "cat");
}

static void bad_norms_and_clips(void **state)
{
    (void)state;
    const struct nn_batch_norm norms[] = {{0, 0.1f},        {-1, 0.1f},     {NAN, 0.1f},
                                          {INFINITY, 0.1f}, {1e-5f, -0.1f}, {1e-5f, 1.1f},
                                          {1e-5f, NAN}};
    for (size_t i = 0; i < sizeof norms / sizeof norms[0]; i++) {
        struct nn_graph *graph = start();
        refused(graph, nn_graph_batch_norm(graph, "bn", 0, norms[i]), NN_INVALID, "bn");
    }
    const float bounds[][2] = {{1, 1}, {2, 1}, {NAN, 1}, {0, NAN}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct nn_graph *graph = start();
        refused(graph, nn_graph_clip(graph, "clip", 0, bounds[i][0], bounds[i][1]), NN_INVALID,
                "clip");
    }
    struct nn_graph *graph = start();
    refused(graph, nn_graph_batch_norm(graph, "bn", 5, (struct nn_batch_norm){1e-5f, 0.1f}),
            NN_INVALID, "bn");
    graph = start();
    refused(graph, nn_graph_clip(graph, "clip", 5, 0, 1), NN_INVALID, "clip");
    graph = start();
    refused(graph, nn_graph_sigmoid(graph, "sigmoid", 5), NN_INVALID, "sigmoid");
    graph = start();
    refused(graph, nn_graph_silu(graph, "silu", -1), NN_INVALID, "silu");
}

static void bad_sums_and_products(void **state)
{
    (void)state;
    struct nn_graph *graph = start();
    refused(graph, nn_graph_add(graph, "sum", (int[]){0}, 0, false), NN_INVALID, "sum");
    graph = start();
    refused(graph, nn_graph_add(graph, "sum", NULL, 1, false), NN_INVALID, "sum");
    graph = start();
    refused(graph, nn_graph_add(graph, "sum", (int[]){0, 7}, 2, false), NN_INVALID, "sum");
    graph = start();
    int pooled = nn_graph_global_avg_pool(graph, "pool", 0);
    refused(graph, nn_graph_add(graph, "sum", (int[]){0, pooled}, 2, false), NN_SHAPE, "sum");
    graph = start();
    pooled = nn_graph_global_avg_pool(graph, "pool", 0);
    refused(graph, nn_graph_mul(graph, "product", pooled, 0), NN_SHAPE, "product");
    graph = start();
    int fc = nn_graph_linear(graph, "fc", 0, 5, false);
    refused(graph, nn_graph_mul(graph, "product", 0, fc), NN_SHAPE, "product");
    graph = start();
    refused(graph, nn_graph_mul(graph, "product", 0, 3), NN_INVALID, "product");
    assert_int_equal(nn_graph_add(NULL, "sum", (int[]){0}, 1, false), -1);
}

static void bad_pads_and_shapes(void **state)
{
    (void)state;
    const struct nn_pad pads[] = {{-1, 0, 0, 0, 0}, {0, 0, 0, 70000, 0}, {60000, 0, 60000, 0, 0}};
    for (size_t i = 0; i < sizeof pads / sizeof pads[0]; i++) {
        struct nn_graph *graph = start();
        refused(graph, nn_graph_pad(graph, "pad", 0, pads[i]), NN_SHAPE, "pad");
    }
    struct nn_graph *graph = start();
    refused(graph, nn_graph_pad(graph, "pad", 0, (struct nn_pad){1, 1, 1, 1, INFINITY}), NN_INVALID,
            "pad");
    graph = start();
    refused(graph, nn_graph_pad(graph, "pad", 9, (struct nn_pad){0}), NN_INVALID, "pad");
    const struct nn_shape shapes[] = {{6, 8, 7},
                                      {0, 8, 8},
                                      {-6, -8, 8},
                                      {384, 1, 2},
                                      {1 << 30, 1 << 30, 1},
                                      {1 << 28, 1 << 28, 1 << 28}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        graph = start();
        refused(graph, nn_graph_reshape(graph, "shape", 0, shapes[i]), NN_SHAPE, "shape");
    }
    graph = start();
    refused(graph, nn_graph_reshape(graph, "shape", 9, shapes[0]), NN_INVALID, "shape");
}

/* data, first, two heads of (classes): "a", then "b", which is the output. */
static struct nn_graph *two_heads(int classes_a, int classes_b, int *a)
{
    struct nn_graph *graph = start();
    *a = nn_graph_softmax(graph, "a", nn_graph_linear(graph, "fc_a", 1, classes_a, false));
    nn_graph_softmax(graph, "b", nn_graph_linear(graph, "fc_b", 1, classes_b, false));
    return graph;
}

/* What only the finish can see. */
static void finish_refuses(struct nn_graph *graph, enum nn_status status, const char *name)
{
    struct nn_error err = {0};
    assert_int_equal(nn_graph_finish(graph, &err), status);
    assert_non_null(strstr(err.text, name));
    nn_graph_destroy(graph);
}

static void bad_starts(void **state)
{
    (void)state;
    const float deviations[] = {0, -1, NAN, INFINITY}, biases[] = {NAN, INFINITY};
    int a;
    for (size_t i = 0; i < sizeof deviations / sizeof deviations[0]; i++) {
        struct nn_graph *graph = two_heads(3, 3, &a);
        refused(graph, nn_graph_initial(graph, 1, deviations[i], 0), NN_INVALID, "first");
    }
    for (size_t i = 0; i < sizeof biases / sizeof biases[0]; i++) {
        struct nn_graph *graph = two_heads(3, 3, &a);
        refused(graph, nn_graph_initial(graph, 1, 1, biases[i]), NN_INVALID, "first");
    }
    struct nn_graph *graph = two_heads(3, 3, &a);
    refused(graph, nn_graph_initial(graph, a, 0.01f, 0), NN_INVALID, "a");
    graph = two_heads(3, 3, &a);
    refused(graph, nn_graph_initial(graph, 50, 0.01f, 0), NN_INVALID, "initial");
}

static void bad_auxiliaries(void **state)
{
    (void)state;
    const float weights[] = {0, -1, NAN, INFINITY};
    int a;
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        struct nn_graph *graph = two_heads(3, 3, &a);
        refused(graph, nn_graph_auxiliary(graph, a, weights[i]), NN_INVALID, "a");
    }
    struct nn_graph *graph = two_heads(3, 3, &a);
    refused(graph, nn_graph_auxiliary(graph, 1, 0.3f), NN_INVALID, "first");
    graph = two_heads(3, 3, &a);
    refused(graph, nn_graph_auxiliary(graph, 50, 0.3f), NN_INVALID, "auxiliary");
    graph = two_heads(3, 3, &a);
    assert_int_equal(nn_graph_auxiliary(graph, a, 0.3f), a);
    refused(graph, nn_graph_auxiliary(graph, a, 0.3f), NN_INVALID, "a");

    graph = two_heads(3, 3, &a);
    assert_int_equal(nn_graph_auxiliary(graph, nn_graph_find(graph, "b"), 0.3f), 5);
    finish_refuses(graph, NN_INVALID, "b");
    graph = two_heads(3, 4, &a);
    nn_graph_auxiliary(graph, a, 0.3f);
    finish_refuses(graph, NN_SHAPE, "a");
    graph = two_heads(3, 3, &a);
    nn_graph_auxiliary(graph, a, 0.3f);
    nn_graph_relu(graph, "last", 1);
    finish_refuses(graph, NN_SHAPE, "a");
    graph = two_heads(3, 3, &a);
    nn_graph_auxiliary(graph, nn_graph_softmax(graph, "c", a - 1), 0.3f);
    nn_graph_auxiliary(graph, a, 0.3f);
    nn_graph_softmax(graph, "d", nn_graph_linear(graph, "fc_d", 1, 3, false));
    finish_refuses(graph, NN_INVALID, "same scores");
    graph = two_heads(3, 3, &a);
    nn_graph_auxiliary(graph, nn_graph_find(graph, "b"), 0.3f);
    nn_graph_softmax(graph, "c", nn_graph_find(graph, "fc_b"));
    finish_refuses(graph, NN_INVALID, "b");

    graph = start();
    for (int i = 0; i < NN_MAX_AUXILIARIES; i++) {
        char name[2][16];
        snprintf(name[0], sizeof name[0], "fc%d", i);
        snprintf(name[1], sizeof name[1], "prob%d", i);
        int fc = nn_graph_linear(graph, name[0], 1, 3, false);
        assert_true(nn_graph_auxiliary(graph, nn_graph_softmax(graph, name[1], fc), 0.1f) > 0);
    }
    int more = nn_graph_softmax(graph, "more", nn_graph_linear(graph, "fc", 1, 3, false));
    refused(graph, nn_graph_auxiliary(graph, more, 0.1f), NN_LIMIT, "more");
    graph = finished(two_heads(3, 3, &a));
    assert_int_equal(nn_graph_auxiliary(graph, a, 0.3f), -1);
    nn_graph_destroy(graph);
    assert_int_equal(nn_graph_auxiliary(NULL, 0, 0.3f), -1);
}

static int convolution(struct nn_graph *graph, const char *name, int classes, bool relu)
{
    return nn_graph_conv2d(graph, name, 1,
                           (struct nn_conv2d){.out_channels = classes,
                                              .kernel_h = 1,
                                              .kernel_w = 1,
                                              .stride_h = 1,
                                              .stride_w = 1,
                                              .groups = 1,
                                              .relu = relu});
}

static void bad_places(void **state)
{
    int a;
    (void)state;
    struct nn_graph *graph = two_heads(3, 3, &a);
    refused(graph, nn_graph_places(graph, a, 1), NN_INVALID, "a");
    graph = two_heads(3, 3, &a);
    refused(graph, nn_graph_places(graph, convolution(graph, "p", 3, true), 1), NN_INVALID, "p");
    graph = two_heads(3, 3, &a);
    refused(graph, nn_graph_places(graph, convolution(graph, "p", 3, false), 0), NN_INVALID, "p");
    graph = two_heads(3, 3, &a);
    int p = convolution(graph, "p", NN_PLACES_MAX_CLASSES + 1, false);
    refused(graph, nn_graph_places(graph, p, 1), NN_LIMIT, "p");
    graph = two_heads(3, 3, &a);
    p = convolution(graph, "p", 3, false);
    assert_int_equal(nn_graph_places(graph, p, 1), p);
    refused(graph, nn_graph_places(graph, p, 1), NN_INVALID, "p");
    graph = two_heads(3, 3, &a);
    nn_graph_places(graph, convolution(graph, "p", 4, false), 1);
    nn_graph_softmax(graph, "end", nn_graph_linear(graph, "fc_end", 1, 3, false));
    finish_refuses(graph, NN_SHAPE, "p");
}

/* Shapes, parameters and what they start from. */
static void new_layers_are_described(void **state)
{
    (void)state;
    struct nn_graph *graph = start();
    int x = nn_graph_batch_norm(graph, "bn", 0, (struct nn_batch_norm){1e-5f, 0.1f});
    x = nn_graph_pad(graph, "pad", x, (struct nn_pad){1, 2, 3, 4, 0});
    nn_graph_reshape(graph, "flat", x, (struct nn_shape){6 * 12 * 14, 1, 1});
    finished(graph);
    assert_int_equal(nn_graph_shape(graph, x).h, 12);
    assert_int_equal(nn_graph_shape(graph, x).w, 14);
    assert_int_equal(nn_graph_scores(graph), nn_graph_count(graph) - 1);
    const char *const names[] = {"bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"};
    const float initial[] = {1, 0, 0, 1};
    assert_int_equal(nn_graph_parameter_count(graph), 4);
    for (int i = 0; i < 4; i++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, i);
        assert_string_equal(parameter->name, names[i]);
        assert_int_equal(parameter->elements, 6);
        assert_int_equal(parameter->statistic, i >= 2);
        assert_int_equal(parameter->not_negative, i == 3);
        assert_true(fabsf(parameter->initial - initial[i]) < 1e-9f);
    }
    nn_graph_destroy(graph);
    int a;
    graph = finished(two_heads(3, 3, &a));
    assert_int_equal(nn_graph_scores(graph), nn_graph_find(graph, "fc_b"));
    nn_graph_destroy(graph);
}

static void limits(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_graph *graph = nn_graph_create();
    assert_int_equal(nn_graph_input(graph, "data", (struct nn_shape){65536, 65536, 1}), -1);
    assert_int_equal(nn_graph_finish(graph, &err), NN_SHAPE);
    nn_graph_destroy(graph);

    graph = nn_graph_create();
    assert_int_equal(nn_graph_input(graph, "data", (struct nn_shape){65536, 64, 64}), 0);
    assert_int_equal(nn_graph_linear(graph, "fc", 0, 2, false), -1);
    assert_int_equal(nn_graph_finish(graph, &err), NN_LIMIT);
    assert_non_null(strstr(err.text, "fc"));
    nn_graph_destroy(graph);

    graph = nn_graph_create();
    assert_int_equal(nn_graph_finish(graph, &err), NN_INVALID);
    nn_graph_destroy(graph);
    nn_graph_destroy(NULL);
    assert_int_equal(nn_graph_finish(NULL, &err), NN_INVALID);
    assert_int_equal(nn_graph_relu(NULL, "x", 0), -1);
}

static void sealed_after_finish(void **state)
{
    (void)state;
    struct nn_graph *graph = finished(start());
    assert_int_equal(nn_graph_relu(graph, "late", 0), -1);
    assert_int_equal(nn_graph_count(graph), 2);
    assert_null(nn_graph_name(graph, 2));
    assert_null(nn_graph_name(graph, -1));
    assert_int_equal(nn_graph_shape(graph, 9).c, 0);
    assert_int_equal(nn_graph_find(graph, "nobody"), -1);
    assert_null(nn_graph_parameter(graph, 0));
    nn_graph_destroy(graph);
}

/* 3x3/2 over 7 cells gives 3 in both modes; over 8 cells 4 by ceil, 3 by floor. A last window that
 * would start in the padding is dropped: 2/2 pad 1 over 3 cells ceils to 3, but starts at 3. */
static void pooled_sizes(void **state)
{
    (void)state;
    const struct {
        int size, kernel, stride, pad;
        bool ceil_mode;
        int want;
    } cases[] = {{7, 3, 2, 0, true, 3},    {7, 3, 2, 0, false, 3}, {8, 3, 2, 0, true, 4},
                 {8, 3, 2, 0, false, 3},   {3, 2, 2, 1, true, 2},  {4, 2, 2, 1, true, 3},
                 {114, 3, 2, 0, true, 57}, {28, 3, 1, 1, true, 28}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_graph *graph = nn_graph_create();
        nn_graph_input(graph, "data", (struct nn_shape){1, cases[i].size, cases[i].size});
        struct nn_pool2d pool = {
            cases[i].kernel, cases[i].kernel, cases[i].stride,    cases[i].stride,
            cases[i].pad,    cases[i].pad,    cases[i].ceil_mode, false};
        nn_graph_max_pool(graph, "pool", 0, pool);
        assert_int_equal(nn_graph_shape(finished(graph), 1).h, cases[i].want);
        nn_graph_destroy(graph);
    }
}

static void is_shape(const struct nn_graph *graph, const char *name, int c, int side)
{
    struct nn_shape shape = nn_graph_shape(graph, nn_graph_find(graph, name));
    if (shape.c != c || shape.h != side || shape.w != side)
        fail_msg("%s is %d x %d x %d", name, shape.c, shape.h, shape.w);
}

/* The "output" and "params" columns of the paper's table 1. */
static void googlenet_is_the_papers(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_graph *graph = nn_googlenet(3, 224, &err);
    assert_non_null(graph);
    is_shape(graph, "data", 3, 224);
    is_shape(graph, "conv1/7x7_s2", 64, 112);
    is_shape(graph, "pool1/3x3_s2", 64, 56);
    is_shape(graph, "conv2/3x3", 192, 56);
    is_shape(graph, "pool2/3x3_s2", 192, 28);
    is_shape(graph, "inception_3a/output", 256, 28);
    is_shape(graph, "inception_3b/output", 480, 28);
    is_shape(graph, "pool3/3x3_s2", 480, 14);
    is_shape(graph, "inception_4a/output", 512, 14);
    is_shape(graph, "inception_4b/output", 512, 14);
    is_shape(graph, "inception_4c/output", 512, 14);
    is_shape(graph, "inception_4d/output", 528, 14);
    is_shape(graph, "inception_4e/output", 832, 14);
    is_shape(graph, "pool4/3x3_s2", 832, 7);
    is_shape(graph, "inception_5a/output", 832, 7);
    is_shape(graph, "inception_5b/output", 1024, 7);
    is_shape(graph, "pool5/7x7_s1", 1024, 1);
    is_shape(graph, "pool5/drop_7x7_s1", 1024, 1);
    is_shape(graph, "loss3/classifier", 3, 1);
    is_shape(graph, "prob", 3, 1);

    size_t total = 0;
    for (int i = 0; i < nn_graph_parameter_count(graph); i++)
        total += nn_graph_parameter(graph, i)->elements;
    assert_int_equal(nn_graph_parameter_count(graph), 2 * 58);
    assert_int_equal(total, 5973552 + 1024 * 3 + 3);
    assert_string_equal(nn_graph_parameter(graph, 0)->name, "conv1/7x7_s2.weight");
    assert_string_equal(nn_graph_parameter(graph, 115)->name, "loss3/classifier.bias");
    nn_graph_destroy(graph);
}

static void googlenet_refuses(void **state)
{
    (void)state;
    struct nn_error err = {0};
    assert_null(nn_googlenet(0, 224, &err));
    assert_int_equal(err.status, NN_SHAPE);
    assert_non_null(strstr(err.text, "loss3/classifier"));
    assert_null(nn_googlenet(3, 0, &err));
    assert_non_null(strstr(err.text, "data"));
    assert_null(nn_googlenet(3, -5, NULL));
}

static void statuses_have_texts(void **state)
{
    (void)state;
    struct nn_error err = {0};
    char long_text[600];
    memset(long_text, 'y', sizeof long_text);
    long_text[599] = '\0';
    for (int i = NN_OK; i <= NN_STOPPED; i++)
        assert_true(strlen(nn_status_text((enum nn_status)i)) > 1);
    assert_string_equal(nn_status_text((enum nn_status)999), "unknown status");
    assert_int_equal(nn_fail(&err, NN_IO, "%s", long_text), NN_IO);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(nn_fail(NULL, NN_LIMIT, "nobody listens"), NN_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_convolutions),
        cmocka_unit_test(bad_producers_and_names),
        cmocka_unit_test(bad_others),
        cmocka_unit_test(bad_norms_and_clips),
        cmocka_unit_test(bad_sums_and_products),
        cmocka_unit_test(bad_pads_and_shapes),
        cmocka_unit_test(bad_starts),
        cmocka_unit_test(bad_auxiliaries),
        cmocka_unit_test(bad_places),
        cmocka_unit_test(new_layers_are_described),
        cmocka_unit_test(limits),
        cmocka_unit_test(sealed_after_finish),
        cmocka_unit_test(pooled_sizes),
        cmocka_unit_test(googlenet_is_the_papers),
        cmocka_unit_test(googlenet_refuses),
        cmocka_unit_test(statuses_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
