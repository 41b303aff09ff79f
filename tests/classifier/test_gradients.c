/* Each op, alone in a graph: forward against the naive twin, gradients against central differences
 * of the twin (in double). Then whole networks the same way. */
#include "check_gradients.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void conv2d(void **state)
{
    (void)state;
    const struct nn_conv2d cases[] = {
        {4, 1, 1, 1, 1, 0, 0, 1, false, false},  {4, 3, 3, 1, 1, 1, 1, 1, true, false},
        {6, 3, 3, 1, 1, 0, 0, 1, false, false},  {5, 5, 3, 2, 1, 2, 0, 1, true, false},
        {6, 7, 7, 2, 2, 3, 3, 1, true, false},   {6, 3, 3, 1, 1, 1, 1, 3, true, false},
        {4, 5, 5, 3, 2, 4, 2, 2, false, false},  {6, 1, 1, 1, 1, 0, 0, 2, true, false},
        {40, 1, 1, 2, 2, 0, 0, 1, false, false}, {70, 3, 3, 1, 1, 2, 2, 2, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_graph *graph = with_input(6, 9, 8);
        nn_graph_conv2d(graph, "conv", 0, cases[i]);
        check_graph(graph);
    }
}

/* Large enough that tiles, channel blocks and tap blocks are cut. */
static void conv2d_in_blocks(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(12, 50, 41);
    int x =
        nn_graph_conv2d(graph, "a", 0, (struct nn_conv2d){72, 3, 3, 1, 1, 1, 1, 2, true, false});
    nn_graph_conv2d(graph, "b", x, (struct nn_conv2d){66, 5, 5, 5, 5, 1, 1, 3, false, false});
    struct check c;
    check_init(&c, finished(graph));
    struct nn_error err = {0};
    struct nn_run *run;
    assert_int_equal(nn_run_create(graph, c.values, CHECK_BATCH, NN_RUN_INFER, NULL, &run, &err),
                     NN_OK);
    assert_int_equal(nn_run_keep_all(run, &err), NN_OK);
    assert_int_equal(nn_run_forward(run, c.input, CHECK_BATCH, NULL, &err), NN_OK);
    check_forward(&c, run);
    nn_run_destroy(run);
    check_finish(&c);
    nn_graph_destroy(graph);
}

static void relu(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(3, 4, 5);
    nn_graph_relu(graph, "relu", 0);
    check_graph(graph);
}

static void pools(void **state)
{
    (void)state;
    const struct nn_pool2d cases[] = {
        {3, 3, 2, 2, 0, 0, true, false},  {3, 3, 1, 1, 1, 1, true, false},
        {2, 2, 2, 2, 0, 0, false, false}, {3, 2, 2, 3, 1, 1, true, false},
        {3, 3, 2, 2, 1, 1, false, false}, {2, 2, 3, 3, 1, 1, true, false},
        {7, 8, 1, 1, 0, 0, false, false}, {4, 4, 3, 3, 2, 2, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_graph *graph = with_input(5, 8, 9);
        nn_graph_max_pool(graph, "max", 0, cases[i]);
        check_graph(graph);
        graph = with_input(5, 8, 9);
        nn_graph_avg_pool(graph, "avg", 0, cases[i]);
        check_graph(graph);
    }
    struct nn_graph *graph = with_input(20, 7, 6);
    nn_graph_global_avg_pool(graph, "global", 0);
    check_graph(graph);
    graph = with_input(2, 3, 150);
    nn_graph_max_pool(graph, "wide", 0, (struct nn_pool2d){1, 70, 1, 3, 0, 8, true, false});
    check_graph(graph);
}

static void lrn(void **state)
{
    (void)state;
    const struct nn_lrn cases[] = {{5, 1.5f, 0.75f, 1.0f},
                                   {3, 0.7f, 0.5f, 2.0f},
                                   {1, 1.0f, 0.75f, 1.0f},
                                   {9, 2.0f, 1.25f, 0.5f}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_graph *graph = with_input(21, 17, 16);
        nn_graph_lrn(graph, "norm", 0, cases[i]);
        check_graph(graph);
        graph = with_input(2, 2, 2);
        nn_graph_lrn(graph, "norm", 0, cases[i]);
        check_graph(graph);
    }
}

static void concat(void **state)
{
    (void)state;
    /* a part that is used elsewhere too, a part twice, the input, and a concat in a concat */
    struct nn_graph *graph = with_input(3, 5, 4);
    const struct nn_conv2d same = {4, 3, 3, 1, 1, 1, 1, 1, true, false};
    int a = nn_graph_conv2d(graph, "a", 0, same);
    int b = nn_graph_conv2d(graph, "b", a, same);
    int inner = nn_graph_concat(graph, "inner", (int[]){a, b}, 2);
    int d = nn_graph_conv2d(graph, "d", inner, same);
    int outer = nn_graph_concat(graph, "outer", (int[]){d, inner, 0, a, d}, 5);
    nn_graph_conv2d(graph, "e", outer, same);
    check_graph(graph);
}

static void linear(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(3, 5, 7);
    int x = nn_graph_linear(graph, "fc1", 0, 37, true);
    nn_graph_linear(graph, "fc2", x, 5, false);
    check_graph(graph);
}

static void dropout(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(3, 6, 5);
    int x = nn_graph_linear(graph, "fc", 0, 50, false);
    nn_graph_dropout(graph, "drop", x, 0.4f);
    check_graph(graph);
}

static void softmax(void **state)
{
    (void)state;
    struct nn_graph *graph = with_input(4, 3, 3);
    int x = nn_graph_linear(graph, "fc", 0, 5, false);
    nn_graph_softmax(graph, "prob", x);
    check_graph(graph);
}

static void whole_network(void **state)
{
    (void)state;
    check_graph(small_network());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv2d),  cmocka_unit_test(conv2d_in_blocks),
        cmocka_unit_test(relu),    cmocka_unit_test(pools),
        cmocka_unit_test(lrn),     cmocka_unit_test(concat),
        cmocka_unit_test(linear),  cmocka_unit_test(dropout),
        cmocka_unit_test(softmax), cmocka_unit_test(whole_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
