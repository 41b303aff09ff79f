/* The layers of ResNet and EfficientNet inside graphs: forward against the naive twin, gradients
 * against its central differences, with every way that layers can be wired. */
#include "check_gradients.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct nn_conv2d same = {4, 3, 3, 1, 1, 1, 1, 1, false, true};

static void no_bias(void **state)
{
    (void)state;
    const struct nn_conv2d cases[] = {{4, 3, 3, 1, 1, 1, 1, 1, true, true},
                                      {6, 1, 1, 1, 1, 0, 0, 2, false, true},
                                      {6, 3, 2, 2, 1, 1, 0, 6, true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_graph *graph = with_input(6, 9, 8);
        nn_graph_conv2d(graph, "conv", 0, cases[i]);
        assert_int_equal(nn_graph_parameter_count(graph), 1);
        check_graph(graph);
    }
}

static void depthwise(void **state)
{
    (void)state;
    const struct nn_conv2d cases[] = {{20, 3, 3, 1, 1, 1, 1, 20, true, false},
                                      {20, 5, 5, 2, 2, 2, 2, 20, false, true},
                                      {40, 3, 3, 1, 1, 0, 0, 20, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_graph *graph = with_input(20, 9, 8);
        nn_graph_conv2d(graph, "conv", 0, cases[i]);
        check_graph(graph);
    }
    /* large enough for its channels to be cut */
    struct nn_graph *graph = with_input(70, 90, 80);
    nn_graph_conv2d(graph, "conv", 0, (struct nn_conv2d){70, 3, 3, 2, 2, 1, 1, 70, false, true});
    nn_graph_global_avg_pool(graph, "pool", 1);
    check_graph(graph);
}

static void counted_padding(void **state)
{
    (void)state;
    const struct nn_pool2d cases[] = {{3, 3, 2, 2, 1, 1, false, true},
                                      {3, 2, 2, 3, 1, 1, true, true},
                                      {4, 4, 3, 3, 2, 2, true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_graph *graph = with_input(3, 8, 9);
        nn_graph_avg_pool(graph, "mean", 0, cases[i]);
        check_graph(graph);
    }
}

/* First, last, twice in a row (the sums of one wait for the other's), on a vector, beside another
 * consumer, and on a part of a concat that lies in place. */
static void batch_norm(void **state)
{
    (void)state;
    const struct nn_batch_norm norm = {1e-3f, 0.1f};
    struct nn_graph *graph = with_input(21, 4, 5);
    nn_graph_batch_norm(graph, "bn", 0, norm);
    check_graph(graph);

    graph = with_input(3, 4, 5);
    int x = nn_graph_conv2d(graph, "conv", 0, same);
    x = nn_graph_silu(graph, "silu", nn_graph_batch_norm(graph, "bn1", x, norm));
    x = nn_graph_batch_norm(graph, "bn2", x, norm);
    nn_graph_linear(graph, "fc", x, 3, false);
    check_graph(graph);

    graph = with_input(3, 4, 5);
    x = nn_graph_silu(graph, "silu", nn_graph_linear(graph, "fc", 0, 6, false));
    nn_graph_batch_norm(graph, "bn", x, norm);
    check_graph(graph);

    graph = with_input(3, 4, 5);
    int a = nn_graph_conv2d(graph, "a", 0, same), b = nn_graph_batch_norm(graph, "b", a, norm);
    int c = nn_graph_conv2d(graph, "c", a, same);
    x = nn_graph_concat(graph, "cat", (int[]){b, c, a}, 3);
    x = nn_graph_batch_norm(graph, "d", x, norm);
    nn_graph_conv2d(graph, "e", x, same);
    check_graph(graph);

    graph = with_input(6, 5, 6); /* folds, with a bias and groups */
    x = nn_graph_conv2d(graph, "conv", 0, (struct nn_conv2d){4, 3, 3, 2, 1, 1, 1, 2, false, false});
    nn_graph_relu(graph, "relu", nn_graph_batch_norm(graph, "bn", x, norm));
    check_graph(graph);

    graph = with_input(6, 5, 6); /* does not: the convolution has its own ReLU */
    x = nn_graph_conv2d(graph, "conv", 0, (struct nn_conv2d){4, 3, 3, 2, 1, 1, 1, 2, true, false});
    nn_graph_batch_norm(graph, "bn", x, norm);
    check_graph(graph);
}

static void add(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(4, 5, 6);
    int a = nn_graph_conv2d(graph, "a", 0, same), b = nn_graph_conv2d(graph, "b", a, same);
    int sum = nn_graph_add(graph, "sum", (int[]){a, b, 0, a}, 4, true);
    int cat = nn_graph_concat(graph, "cat", (int[]){sum, a}, 2);
    nn_graph_conv2d(graph, "c", cat, same);
    check_graph(graph);

    graph = with_input(4, 5, 6);
    nn_graph_add(graph, "one", (int[]){0}, 1, false);
    check_graph(graph);
}

static void mul(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(4, 5, 6);
    int a = nn_graph_conv2d(graph, "a", 0, same);
    int b = nn_graph_sigmoid(graph, "b", nn_graph_conv2d(graph, "conv", 0, same));
    int c = nn_graph_mul(graph, "full", a, b);
    int d = nn_graph_mul(graph, "square", c, c);
    int e = nn_graph_global_avg_pool(graph, "pool", d);
    int f = nn_graph_mul(graph, "by_channel", a, e);
    nn_graph_conv2d(graph, "last", f, same);
    check_graph(graph);

    graph = with_input(7, 1, 1);
    a = nn_graph_linear(graph, "a", 0, 5, false);
    b = nn_graph_linear(graph, "b", 0, 5, false);
    nn_graph_mul(graph, "vectors", a, b);
    check_graph(graph);
}

static void elements(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(5, 6, 7);
    nn_graph_sigmoid(graph, "sigmoid", 0);
    check_graph(graph);
    graph = with_input(5, 6, 7);
    nn_graph_silu(graph, "silu", 0);
    check_graph(graph);
    graph = with_input(5, 6, 7);
    int x = nn_graph_clip(graph, "clip", 0, -0.3f, 0.4f);
    nn_graph_clip(graph, "open", x, -INFINITY, 0.2f);
    check_graph(graph);
}

static void pad_and_reshape(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(5, 6, 7);
    nn_graph_pad(graph, "pad", 0, (struct nn_pad){1, 0, 2, 3, -0.5f});
    check_graph(graph);

    graph = with_input(4, 5, 6); /* of the input; in place; of a part that lies in a concat */
    int a = nn_graph_reshape(graph, "turned", 0, (struct nn_shape){4, 6, 5});
    a = nn_graph_conv2d(graph, "a", a, (struct nn_conv2d){4, 3, 3, 1, 1, 1, 1, 1, true, false});
    int b = nn_graph_reshape(graph, "back", a, (struct nn_shape){4, 5, 6});
    int c = nn_graph_concat(graph, "cat", (int[]){a, a}, 2);
    int d = nn_graph_conv2d(graph, "b", b, same);
    int e = nn_graph_concat(graph, "parts", (int[]){d, b}, 2);
    int f = nn_graph_reshape(graph, "flat", d, (struct nn_shape){120, 1, 1});
    int g = nn_graph_linear(graph, "g", f, 6, false), h = nn_graph_linear(graph, "h", e, 6, false);
    int i = nn_graph_linear(graph, "i", c, 6, false);
    nn_graph_add(graph, "sum", (int[]){g, h, i}, 3, false);
    check_graph(graph);
}

/* Large enough that weights are cut into blocks and cached in turns. */
static void wide_linear(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(600, 3, 3);
    int x = nn_graph_linear(graph, "fc1", 0, 300, true);
    int y = nn_graph_linear(graph, "fc2", x, 40, false);
    int z = nn_graph_linear(graph, "fc3", x, 40, false);
    nn_graph_add(graph, "sum", (int[]){y, z}, 2, false);
    struct check c;
    check_init(&c, finished(graph));
    struct nn_error err = {0};
    struct nn_run *run;
    c.net->training = true;
    assert_int_equal(nn_run_create_training(graph, c.values, CHECK_BATCH, NULL, NULL, &run, &err),
                     NN_OK);
    assert_int_equal(nn_run_forward(run, c.input, CHECK_BATCH, NULL, &err), NN_OK);
    assert_int_equal(nn_run_backward(run, c.output, c.direction, &err), NN_OK);
    for (int p = 0; p < nn_graph_parameter_count(graph); p += 3)
        check_gradient(&c, "wide", c.net->parameter[p], nn_run_parameter_gradient(run, p),
                       nn_graph_parameter(graph, p)->elements);
    nn_run_destroy(run);
    check_finish(&c);
    nn_graph_destroy(graph);
}

static void whole_network(void **state)
{
    (void)state;
    check_graph(modern_network());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bias),
        cmocka_unit_test(depthwise),
        cmocka_unit_test(counted_padding),
        cmocka_unit_test(batch_norm),
        cmocka_unit_test(add),
        cmocka_unit_test(mul),
        cmocka_unit_test(elements),
        cmocka_unit_test(pad_and_reshape),
        cmocka_unit_test(wide_linear),
        cmocka_unit_test(whole_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
