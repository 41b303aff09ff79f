/* Each op, alone in a graph: forward against the naive twin, gradients against central differences
 * of the twin (in double). Then whole networks the same way. */
#include "networks.h"
#include "ref_ops.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BATCH   3
#define STEP    1e-5
#define SAMPLED 60 /* places of a tensor that are checked, evenly spread */

struct check {
    const struct nn_graph *graph;
    struct nn_values *values;
    struct ref_net *net;
    int output;
    size_t in_size, out_size;
    float *input, *direction; /* (BATCH, ...); the loss is direction . output */
    double *input64;
};

static void check_init(struct check *c, const struct nn_graph *graph)
{
    c->graph = graph;
    c->output = nn_graph_count(graph) - 1;
    c->in_size = elements_of(graph, 0);
    c->out_size = elements_of(graph, c->output);
    c->values = draw_values(graph, 7);
    c->net = ref_create(graph, c->values);
    c->input = calloc(BATCH * c->in_size, sizeof(float));
    c->input64 = calloc(BATCH * c->in_size, sizeof(double));
    c->direction = calloc(BATCH * c->out_size, sizeof(float));
    assert_true(c->input != NULL && c->input64 != NULL && c->direction != NULL);
    fill(c->input, BATCH * c->in_size, 11);
    fill(c->direction, BATCH * c->out_size, 13);
    for (size_t i = 0; i < BATCH * c->in_size; i++)
        c->input64[i] = (double)c->input[i];
}

static void check_finish(struct check *c)
{
    ref_destroy(c->net);
    nn_values_destroy(c->values);
    free(c->input);
    free(c->input64);
    free(c->direction);
}

static double loss(struct check *c)
{
    double sum = 0;
    for (int s = 0; s < BATCH; s++) {
        const double *y = ref_forward(c->net, c->input64 + (size_t)s * c->in_size, s);
        for (size_t i = 0; i < c->out_size; i++)
            sum += (double)c->direction[(size_t)s * c->out_size + i] * y[i];
    }
    return sum;
}

static double slope(struct check *c, double *at)
{
    double kept = *at;
    *at = kept + STEP;
    double up = loss(c);
    *at = kept - STEP;
    double down = loss(c);
    *at = kept;
    return (up - down) / (2 * STEP);
}

static void compare_gradient(struct check *c, const char *what, double *at, const float *got,
                             size_t count)
{
    double scale = 1e-3;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs((double)got[i]));
    size_t stride = count / SAMPLED + 1;
    for (size_t i = 0; i < count; i += stride) {
        double want = slope(c, &at[i]);
        if (!(fabs(want - (double)got[i]) <= 1e-4 * scale))
            fail_msg("%s[%zu]: gradient %g, differences say %g", what, i, (double)got[i], want);
    }
}

static void compare_forward(struct check *c, struct nn_run *run)
{
    for (int s = 0; s < BATCH; s++) {
        ref_forward(c->net, c->input64 + (size_t)s * c->in_size, s);
        for (int id = 0; id < nn_graph_count(c->graph); id++) {
            size_t count = elements_of(c->graph, id);
            const float *got = nn_run_peek(run, id);
            assert_non_null(got);
            for (size_t i = 0; i < count; i++) {
                double want = c->net->activation[id][i];
                double have = (double)got[(size_t)s * count + i];
                if (!(fabs(want - have) <= 1e-5 * fmax(1, fabs(want))))
                    fail_msg("%s[%zu]: %g, the twin says %g", nn_graph_name(c->graph, id), i, have,
                             want);
            }
        }
    }
}

/* keep_all separates what otherwise shares memory: both ways must agree with the twin. */
static void check_mode(struct check *c, enum nn_run_mode mode, bool keep_all)
{
    struct nn_error err = {0};
    struct nn_run *run;
    assert_int_equal(create_run(c->graph, c->values, BATCH, mode, NULL, &run), NN_OK);
    if (keep_all)
        assert_int_equal(nn_run_keep_all(run, &err), NN_OK);
    c->net->training = mode == NN_RUN_TRAIN;
    assert_int_equal(nn_run_forward(run, c->input, BATCH, NULL, &err), NN_OK);
    if (keep_all)
        compare_forward(c, run);
    assert_int_equal(nn_run_backward(run, c->output, c->direction, &err), NN_OK);
    if (mode == NN_RUN_EXPLAIN)
        compare_gradient(c, "input", c->input64, nn_run_input_gradient(run), BATCH * c->in_size);
    for (int p = 0; mode == NN_RUN_TRAIN && p < nn_graph_parameter_count(c->graph); p++) {
        const struct nn_parameter *parameter = nn_graph_parameter(c->graph, p);
        compare_gradient(c, parameter->name, c->net->parameter[p],
                         nn_run_parameter_gradient(run, p), parameter->elements);
    }
    nn_run_destroy(run);
}

/* Takes the graph. */
static void check_graph(struct nn_graph *graph)
{
    struct check c;
    check_init(&c, finished(graph));
    check_mode(&c, NN_RUN_EXPLAIN, true);
    check_mode(&c, NN_RUN_EXPLAIN, false);
    check_mode(&c, NN_RUN_TRAIN, true);
    check_mode(&c, NN_RUN_TRAIN, false);
    check_finish(&c);
    nn_graph_destroy(graph);
}

static struct nn_graph *with_input(int c, int h, int w)
{
    struct nn_graph *graph = nn_graph_create();
    assert_int_equal(nn_graph_input(graph, "data", (struct nn_shape){c, h, w}), 0);
    return graph;
}

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
    assert_int_equal(nn_run_create(graph, c.values, BATCH, NN_RUN_INFER, NULL, &run, &err), NN_OK);
    assert_int_equal(nn_run_keep_all(run, &err), NN_OK);
    assert_int_equal(nn_run_forward(run, c.input, BATCH, NULL, &err), NN_OK);
    compare_forward(&c, run);
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

/* The training step's own loss: weighted cross-entropy, mean over the batch. */
static double training_loss(struct check *c, const int *labels, const float *weights)
{
    double sum = 0;
    for (int s = 0; s < BATCH; s++) {
        const double *p = ref_forward(c->net, c->input64 + (size_t)s * c->in_size, s);
        sum -= (weights == NULL ? 1.0 : (double)weights[labels[s]]) * log(p[labels[s]]);
    }
    return sum / BATCH;
}

static void check_step(struct check *c, const float *weights)
{
    const int labels[BATCH] = {2, 0, 3};
    struct nn_error err = {0};
    struct nn_run *run;
    double got;
    float probabilities[BATCH * 4];

    assert_int_equal(nn_run_create_training(c->graph, c->values, BATCH, NULL, NULL, &run, &err),
                     NN_OK);
    c->net->training = true;
    c->net->seed = 5;
    c->net->step = 9;
    assert_int_equal(nn_run_train_step(run, c->input, labels, BATCH, 5, 9, weights, 0, &got,
                                       probabilities, &err),
                     NN_OK);
    assert_true(fabs(got - training_loss(c, labels, weights)) < 1e-5);
    for (int p = 0; p < nn_graph_parameter_count(c->graph); p++) {
        const float *gradient = nn_run_parameter_gradient(run, p);
        size_t count = nn_graph_parameter(c->graph, p)->elements;
        for (size_t i = 0; i < count; i += count / 20 + 1) {
            double kept = c->net->parameter[p][i];
            c->net->parameter[p][i] = kept + STEP;
            double up = training_loss(c, labels, weights);
            c->net->parameter[p][i] = kept - STEP;
            double want = (up - training_loss(c, labels, weights)) / (2 * STEP);
            c->net->parameter[p][i] = kept;
            assert_true(fabs(want - (double)gradient[i]) < 1e-5);
        }
    }
    nn_run_destroy(run);
}

static void training_step(void **state)
{
    (void)state;
    const float weights[4] = {1.0f, 0.5f, 2.0f, 0.25f};
    struct nn_graph *graph = small_network();
    struct check c;
    check_init(&c, graph);
    check_step(&c, NULL);
    check_step(&c, weights);
    check_finish(&c);
    nn_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv2d),        cmocka_unit_test(conv2d_in_blocks),
        cmocka_unit_test(relu),          cmocka_unit_test(pools),
        cmocka_unit_test(lrn),           cmocka_unit_test(concat),
        cmocka_unit_test(linear),        cmocka_unit_test(dropout),
        cmocka_unit_test(softmax),       cmocka_unit_test(whole_network),
        cmocka_unit_test(training_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
