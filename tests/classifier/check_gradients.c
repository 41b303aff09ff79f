#include "check_gradients.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define STEP    1e-5
#define SAMPLED 60 /* places of a tensor that are checked, evenly spread */

void check_init(struct check *c, const struct nn_graph *graph)
{
    *c = (struct check){.graph = graph};
    c->output = nn_graph_count(graph) - 1;
    c->in_size = elements_of(graph, 0);
    c->out_size = elements_of(graph, c->output);
    c->values = draw_values(graph, 7);
    c->net = ref_create(graph, c->values);
    c->input = calloc(CHECK_BATCH * c->in_size, sizeof(float));
    c->input64 = calloc(CHECK_BATCH * c->in_size, sizeof(double));
    c->direction = calloc(CHECK_BATCH * c->out_size, sizeof(float));
    assert_true(c->input != NULL && c->input64 != NULL && c->direction != NULL);
    fill(c->input, CHECK_BATCH * c->in_size, 11);
    fill(c->direction, CHECK_BATCH * c->out_size, 13);
    for (size_t i = 0; i < CHECK_BATCH * c->in_size; i++)
        c->input64[i] = (double)c->input[i];
}

void check_finish(struct check *c)
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
    const double *y = ref_forward_batch(c->net, c->input64, CHECK_BATCH);
    for (size_t i = 0; i < CHECK_BATCH * c->out_size; i++)
        sum += (double)c->direction[i] * y[i];
    return sum;
}

double check_slope(struct check *c, double (*loss_of)(struct check *c), double *at)
{
    double kept = *at;
    *at = kept + STEP;
    double up = loss_of(c);
    *at = kept - STEP;
    double down = loss_of(c);
    *at = kept;
    return (up - down) / (2 * STEP);
}

static double largest(const float *numbers, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)numbers[i]));
    return most;
}

void check_gradient(struct check *c, const char *what, double *at, const float *got, size_t count)
{
    double scale = fmax(1e-3, fmax(c->least_scale, largest(got, count)));
    size_t stride = count / SAMPLED + 1;
    for (size_t i = 0; i < count; i += stride) {
        double want = check_slope(c, loss, &at[i]);
        if (!(fabs(want - (double)got[i]) <= 1e-4 * scale))
            fail_msg("%s[%zu]: gradient %g, differences say %g", what, i, (double)got[i], want);
    }
}

void check_forward(struct check *c, struct nn_run *run)
{
    ref_forward_batch(c->net, c->input64, CHECK_BATCH);
    for (int id = 0; id < nn_graph_count(c->graph); id++) {
        size_t count = CHECK_BATCH * elements_of(c->graph, id);
        const float *got = nn_run_peek(run, id);
        bool hidden = c->graph->auxiliary_count > 0 && !c->net->training;
        if (got == NULL && !hidden)
            fail_msg("%s: nothing to see", nn_graph_name(c->graph, id));
        for (size_t i = 0; got != NULL && i < count; i++) {
            double want = c->net->activation[id][i], have = (double)got[i];
            if (!(fabs(want - have) <= 1e-5 * fmax(1, fabs(want))))
                fail_msg("%s[%zu]: %g, the twin says %g", nn_graph_name(c->graph, id), i, have,
                         want);
        }
    }
    assert_non_null(nn_run_peek(run, c->output));
}

/* keep_all separates what otherwise shares memory: both ways must agree with the twin. */
static void check_mode(struct check *c, enum nn_run_mode mode, bool keep_all)
{
    struct nn_error err = {0};
    struct nn_run *run;
    assert_int_equal(create_run(c->graph, c->values, CHECK_BATCH, mode, NULL, &run), NN_OK);
    if (keep_all)
        assert_int_equal(nn_run_keep_all(run, &err), NN_OK);
    c->net->training = mode == NN_RUN_TRAIN;
    assert_int_equal(nn_run_forward(run, c->input, CHECK_BATCH, NULL, &err), NN_OK);
    if (keep_all)
        check_forward(c, run);
    assert_int_equal(nn_run_backward(run, c->output, c->direction, &err), NN_OK);
    if (mode == NN_RUN_EXPLAIN)
        check_gradient(c, "input", c->input64, nn_run_input_gradient(run),
                       CHECK_BATCH * c->in_size);
    for (int p = 0; mode == NN_RUN_TRAIN && p < nn_graph_parameter_count(c->graph); p++)
        if (!nn_graph_parameter(c->graph, p)->statistic)
            c->least_scale =
                fmax(c->least_scale, 0.02 * largest(nn_run_parameter_gradient(run, p),
                                                    nn_graph_parameter(c->graph, p)->elements));
    for (int p = 0; mode == NN_RUN_TRAIN && p < nn_graph_parameter_count(c->graph); p++) {
        const struct nn_parameter *parameter = nn_graph_parameter(c->graph, p);
        if (parameter->statistic) {
            assert_null(nn_run_parameter_gradient(run, p));
            continue;
        }
        check_gradient(c, parameter->name, c->net->parameter[p], nn_run_parameter_gradient(run, p),
                       parameter->elements);
    }
    nn_run_destroy(run);
}

/* Takes the graph. */
void check_graph(struct nn_graph *graph)
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

struct nn_graph *with_input(int c, int h, int w)
{
    struct nn_graph *graph = nn_graph_create();
    assert_int_equal(nn_graph_input(graph, "data", (struct nn_shape){c, h, w}), 0);
    return graph;
}
