/* The same graph with another number of classes. */
#include "every_op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void another_number_of_classes(void **state)
{
    struct nn_graph *graph = every_op(3);
    struct nn_error err = {0};

    (void)state;
    assert_string_equal(nn_graph_head(graph), "scores");
    for (int classes = 2; classes <= 5; classes++) {
        struct nn_graph *other = nn_graph_refit(graph, classes, &err);
        if (other == NULL)
            fail_msg("%s", err.text);
        int last = nn_graph_count(other) - 1;
        assert_int_equal(last, nn_graph_count(graph) - 1);
        assert_int_equal(nn_graph_shape(other, last).c, classes);
        for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
            const struct nn_parameter *a = nn_graph_parameter(graph, i);
            const struct nn_parameter *b = nn_graph_parameter(other, i);
            assert_string_equal(a->name, b->name);
            bool head = strncmp(a->name, "scores.", 7) == 0;
            assert_int_equal(a->elements == b->elements, !head || classes == 3);
        }
        nn_graph_destroy(other);
    }
    nn_graph_destroy(graph);
}

/* SqueezeNet's kind of head: a convolution to the classes, averaged, flattened. */
static void a_convolution_may_be_the_head(void **state)
{
    struct nn_graph *g = nn_graph_create(), *other;
    struct nn_error err = {0};
    int x = nn_graph_input(g, "data", (struct nn_shape){3, 8, 8});

    (void)state;
    x = nn_graph_conv2d(g, "classes", x,
                        (struct nn_conv2d){.out_channels = 1000,
                                           .kernel_h = 1,
                                           .kernel_w = 1,
                                           .stride_h = 1,
                                           .stride_w = 1,
                                           .groups = 1});
    x = nn_graph_global_avg_pool(g, "mean", x);
    x = nn_graph_reshape(g, "flat", x, (struct nn_shape){1000, 1, 1});
    nn_graph_softmax(g, "prob", x);
    finished(g);
    assert_string_equal(nn_graph_head(g), "classes");
    other = nn_graph_refit(g, 3, &err);
    assert_non_null(other);
    assert_int_equal(nn_graph_shape(other, nn_graph_find(other, "flat")).c, 3);
    nn_graph_destroy(other);
    nn_graph_destroy(g);
}

static void a_graph_without_a_head_is_refused(void **state)
{
    struct nn_graph *g = nn_graph_create();
    struct nn_error err = {0};
    int x = nn_graph_input(g, "data", (struct nn_shape){3, 1, 1});

    (void)state;
    x = nn_graph_batch_norm(g, "bn", x, (struct nn_batch_norm){1e-5f, 0.1f});
    nn_graph_softmax(g, "prob", x);
    finished(g);
    assert_null(nn_graph_head(g));
    assert_null(nn_graph_refit(g, 2, &err));
    assert_int_equal(err.status, NN_UNSUPPORTED);
    assert_non_null(strstr(err.text, "layer prob"));
    struct nn_graph *same = nn_graph_refit(g, 3, &err);
    assert_non_null(same);
    nn_graph_destroy(same);
    nn_graph_destroy(g);
}

static void an_auxiliary_head_is_refused(void **state)
{
    struct nn_error err = {0};
    struct nn_graph *graph = nn_googlenet_auxiliary(3, 96, &err);

    (void)state;
    assert_non_null(graph);
    assert_null(nn_graph_refit(graph, 3, &err));
    assert_int_equal(err.status, NN_UNSUPPORTED);
    assert_non_null(strstr(err.text, "layer loss1/classifier"));
    nn_graph_destroy(graph);
}

/* The named networks' head is the last of their heads. */
static void named_networks_refit(void **state)
{
    struct nn_error err = {0};
    struct nn_graph *graph = nn_googlenet(1000, 64, &err), *other;

    (void)state;
    assert_non_null(graph);
    assert_string_equal(nn_graph_head(graph), "loss3/classifier");
    other = nn_graph_refit(graph, 4, &err);
    assert_non_null(other);
    assert_int_equal(nn_graph_shape(other, nn_graph_find(other, "prob")).c, 4);
    nn_graph_destroy(other);
    assert_null(nn_graph_refit(graph, 0, &err));
    nn_graph_destroy(graph);
}

static void fresh_layers_start_alike(void **state)
{
    struct nn_error err = {0};
    struct nn_graph *graph = nn_alexnet(1000, 227, &err), *other;

    (void)state;
    assert_non_null(graph);
    other = nn_graph_refit(graph, 3, &err);
    assert_non_null(other);
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *a = nn_graph_parameter(graph, i);
        const struct nn_parameter *b = nn_graph_parameter(other, i);
        assert_memory_equal(&a->deviation, &b->deviation, sizeof a->deviation);
        assert_memory_equal(&a->initial, &b->initial, sizeof a->initial);
    }
    nn_graph_destroy(other);
    nn_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_number_of_classes),
        cmocka_unit_test(a_convolution_may_be_the_head),
        cmocka_unit_test(a_graph_without_a_head_is_refused),
        cmocka_unit_test(an_auxiliary_head_is_refused),
        cmocka_unit_test(named_networks_refit),
        cmocka_unit_test(fresh_layers_start_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
