/* The training step: its loss and gradients against the naive twin's, heads, label smoothing,
 * frozen layers, running statistics, refusals. */
#include "check_gradients.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLASSES 4

static const int labels[CHECK_BATCH] = {2, 0, 3};
static const float uneven[CLASSES] = {1.0f, 0.5f, 2.0f, 0.25f};

/* What the loss of the moment is taken with. */
static struct {
    const float *weights;
    double smoothing;
    const uint8_t *places;
} target;

static double head_loss(const struct check *c, int softmax)
{
    double sum = 0;
    for (int s = 0; s < CHECK_BATCH; s++)
        for (int k = 0; k < CLASSES; k++) {
            double p = c->net->activation[softmax][s * CLASSES + k];
            double wanted = k == labels[s] ? 1 - target.smoothing : 0;
            double weight = target.weights == NULL ? 1 : (double)target.weights[labels[s]];
            sum -= weight * (wanted + target.smoothing / CLASSES) * log(p);
        }
    return sum / CHECK_BATCH;
}

/* The mean over a sample's classes of the mean over a class's places. */
static double places_loss(const struct check *c, int scores)
{
    struct nn_shape shape = nn_graph_shape(c->graph, scores);
    int count = shape.h * shape.w;
    double sum = 0;
    for (int s = 0; target.places != NULL && s < CHECK_BATCH; s++) {
        const double *logit = c->net->activation[scores] + s * CLASSES * count;
        const uint8_t *places = target.places + s * count;
        double of[CLASSES] = {0};
        int found[CLASSES] = {0}, present = 0;
        for (int i = 0; i < count; i++) {
            double whole = 0;
            for (int k = 0; k < CLASSES; k++)
                whole += exp(logit[k * count + i]);
            if (places[i] >= CLASSES)
                continue;
            of[places[i]] += log(whole) - logit[places[i] * count + i];
            present += found[places[i]]++ == 0;
        }
        for (int k = 0; k < CLASSES; k++)
            sum += found[k] > 0 ? of[k] / found[k] / present : 0;
    }
    return sum / CHECK_BATCH;
}

static double training_loss(struct check *c)
{
    ref_forward_batch(c->net, c->input64, CHECK_BATCH);
    double sum = head_loss(c, c->output);
    for (int i = 0; i < c->graph->auxiliary_count; i++) {
        const struct nn_auxiliary *head = &c->graph->auxiliaries[i];
        sum += (double)head->weight *
               (head->softmax < 0 ? places_loss(c, head->scores) : head_loss(c, head->softmax));
    }
    return sum;
}

static enum nn_status one_step(struct check *c, struct nn_run *run, double *loss, float *p)
{
    struct nn_error err = {0};
    nn_run_set_places(run, target.places);
    return nn_run_train_step(run, c->input, labels, CHECK_BATCH, 5, 9, target.weights,
                             target.smoothing, loss, p, &err);
}

static struct nn_run *training_run(struct check *c, const bool *frozen)
{
    struct nn_error err = {0};
    struct nn_run *run;
    c->net->training = true;
    c->net->frozen = frozen;
    c->net->seed = 5;
    c->net->step = 9;
    assert_int_equal(
        nn_run_create_training(c->graph, c->values, CHECK_BATCH, frozen, NULL, &run, &err), NN_OK);
    return run;
}

/* Loss and every gradient; the twin keeps the values that the run began with. */
static void check_step(struct check *c, const bool *frozen)
{
    double got, want = 0;
    float probabilities[CHECK_BATCH * CLASSES];
    struct nn_run *run = training_run(c, frozen);
    assert_int_equal(one_step(c, run, &got, probabilities), NN_OK);
    want = training_loss(c);
    assert_true(fabs(got - want) < 1e-5);
    for (int i = 0; i < CHECK_BATCH * CLASSES; i++)
        assert_true(fabs((double)probabilities[i] - c->net->activation[c->output][i]) < 1e-5);

    for (int p = 0; p < nn_graph_parameter_count(c->graph); p++) {
        const struct nn_parameter *parameter = nn_graph_parameter(c->graph, p);
        const float *gradient = nn_run_parameter_gradient(run, p);
        bool learned = !parameter->statistic && (frozen == NULL || !frozen[parameter->layer]);
        assert_int_equal(gradient != NULL, learned);
        size_t count = parameter->elements;
        for (size_t i = 0; learned && i < count; i += count / 20 + 1) {
            double slope = check_slope(c, training_loss, &c->net->parameter[p][i]);
            if (!(fabs(slope - (double)gradient[i]) < 2e-5 * fmax(1, fabs(slope))))
                fail_msg("%s[%zu]: %g, differences say %g", parameter->name, i, (double)gradient[i],
                         slope);
        }
    }
    nn_run_destroy(run);
}

/* Takes the graph. */
static void check_losses(struct nn_graph *graph)
{
    const struct {
        const float *weights;
        double smoothing;
    } cases[] = {{NULL, 0}, {uneven, 0}, {NULL, 0.1}, {uneven, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct check c;
        check_init(&c, graph);
        target.weights = cases[i].weights;
        target.smoothing = cases[i].smoothing;
        check_step(&c, NULL);
        check_finish(&c);
    }
    target.weights = NULL;
    target.smoothing = 0;
    nn_graph_destroy(graph);
}

static void losses(void **state)
{
    (void)state;
    check_losses(small_network());
}

/* The auxiliary head's loss is part of it. */
static void losses_of_several_heads(void **state)
{
    (void)state;
    check_losses(modern_network());
}

/* One sample with places of two classes, one of one class, one of none; some are not asked. Takes
 * the graph, whose scores at places are `layer`. */
static void check_places(struct nn_graph *graph, const char *layer)
{
    uint8_t places[CHECK_BATCH * 64];
    struct nn_shape shape = nn_graph_shape(graph, nn_graph_find(graph, layer));
    int count = shape.h * shape.w;
    assert_true(count >= 16 && count <= 64);
    for (int i = 0; i < count; i++) {
        places[i] = i % 7 == 0 ? 1 : i % 5 == 0 ? 255 : 3;
        places[count + i] = 2;
        places[2 * count + i] = CLASSES;
    }
    target.places = places;
    check_losses(graph);
    target.places = NULL;
}

static void losses_at_places(void **state)
{
    (void)state;
    check_places(modern_network(), "places");
}

/* The scores at places are the answer's, too: what comes back from both adds up. */
static void losses_at_places_that_answer(void **state)
{
    (void)state;
    check_places(peak_network(), "places/classifier");
    check_losses(peak_network());
}

/* A run is told of places of one size (nn_run_set_places). */
static void places_are_of_one_layer(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_conv2d at = {.out_channels = CLASSES, .kernel_h = 1, .kernel_w = 1, .groups = 1};
    at.stride_h = at.stride_w = 1;
    struct nn_graph *graph = with_input(3, 4, 4);
    int first = nn_graph_conv2d(graph, "first", 0, at);
    at.stride_h = at.stride_w = 2;
    int second = nn_graph_conv2d(graph, "second", 0, at);
    assert_int_equal(nn_graph_places(graph, first, 1), first);
    assert_int_equal(nn_graph_places(graph, second, 1), -1);
    assert_int_equal(nn_graph_finish(graph, &err), NN_INVALID);
    assert_non_null(strstr(err.text, "second: scores at places already"));
    nn_graph_destroy(graph);
}

static bool *frozen_until(const struct nn_graph *graph, const char *name)
{
    bool *frozen = calloc((size_t)nn_graph_count(graph), sizeof *frozen);
    assert_non_null(frozen);
    for (int i = 0; i < nn_graph_find(graph, name); i++)
        frozen[i] = true;
    return frozen;
}

/* What learns gets the same bits; what does not, nothing; and no more is held than is read. */
static void frozen_layers_change_no_others(void **state)
{
    (void)state;
    struct nn_graph *graph = small_network();
    struct check c;
    check_init(&c, graph);
    bool *frozen = frozen_until(graph, "b/1x1");
    frozen[nn_graph_find(graph, "b/3x3")] = true; /* and one that gradients pass through */
    double loss, frozen_loss;
    struct nn_run *all = training_run(&c, NULL), *some = training_run(&c, frozen);
    assert_int_equal(one_step(&c, all, &loss, NULL), NN_OK);
    assert_int_equal(one_step(&c, some, &frozen_loss, NULL), NN_OK);
    assert_memory_equal(&loss, &frozen_loss, sizeof loss);
    int learned = 0;
    for (int p = 0; p < nn_graph_parameter_count(graph); p++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, p);
        const float *gradient = nn_run_parameter_gradient(some, p);
        assert_int_equal(gradient == NULL, frozen[parameter->layer]);
        if (gradient != NULL)
            assert_memory_equal(gradient, nn_run_parameter_gradient(all, p),
                                parameter->elements * sizeof(float));
        learned += gradient != NULL;
    }
    assert_int_equal(learned, 2 * (5 + 1));
    assert_non_null(nn_run_peek(all, nn_graph_find(graph, "conv1")));
    assert_null(nn_run_peek(some, nn_graph_find(graph, "conv1")));
    assert_non_null(nn_run_peek(some, nn_graph_find(graph, "a/output"))); /* b's weights read it */
    nn_run_destroy(all);
    nn_run_destroy(some);
    free(frozen);
    check_finish(&c);
    nn_graph_destroy(graph);
}

/* A frozen batch norm, below and between layers that learn, uses its running statistics. */
static void frozen_batch_norms(void **state)
{
    (void)state;
    struct nn_graph *graph = modern_network();
    struct check c;
    check_init(&c, graph);
    bool *frozen = frozen_until(graph, "a");
    check_step(&c, frozen);
    check_finish(&c);

    check_init(&c, graph);
    memset(frozen, 0, (size_t)nn_graph_count(graph) * sizeof *frozen);
    frozen[nn_graph_find(graph, "b/bn")] = frozen[nn_graph_find(graph, "c")] = true;
    check_step(&c, frozen);
    check_finish(&c);
    free(frozen);
    nn_graph_destroy(graph);
}

static void nothing_learns(void **state)
{
    (void)state;
    struct nn_graph *graph = modern_network();
    struct check c;
    check_init(&c, graph);
    bool *frozen = frozen_until(graph, "prob");
    check_step(&c, frozen);
    free(frozen);
    check_finish(&c);
    nn_graph_destroy(graph);
}

/* running = 0.9 running + 0.1 batch, the variance with n - 1. */
static void check_statistics(struct check *c, int layer, const double *kept_mean,
                             const double *kept_variance, bool moved)
{
    const struct nn_layer *norm = nn_graph_layer(c->graph, layer);
    struct nn_shape shape = norm->shape;
    double mean[64], variance[64], count = (double)shape.h * shape.w * CHECK_BATCH;
    assert_in_range(shape.c, 1, 64);
    ref_statistics(shape, CHECK_BATCH, c->net->activation[norm->from[0]], mean, variance);
    for (int i = 0; i < shape.c; i++) {
        double m = moved ? 0.9 * kept_mean[i] + 0.1 * mean[i] : kept_mean[i];
        double v = moved ? 0.9 * kept_variance[i] + 0.1 * variance[i] * count / (count - 1)
                         : kept_variance[i];
        double got_m = (double)nn_values_peek(c->values, norm->running_mean)[i];
        double got_v = (double)nn_values_peek(c->values, norm->running_var)[i];
        assert_true(fabs(got_m - m) < (moved ? 1e-5 : 1e-12));
        assert_true(fabs(got_v - v) < (moved ? 1e-5 : 1e-12));
    }
}

static void check_all_statistics(struct check *c, const bool *frozen, bool moved)
{
    ref_forward_batch(c->net, c->input64, CHECK_BATCH);
    for (int i = 0; i < nn_graph_count(c->graph); i++) {
        const struct nn_layer *layer = nn_graph_layer(c->graph, i);
        if (layer->op == NN_OP_BATCH_NORM)
            check_statistics(c, i, c->net->parameter[layer->running_mean],
                             c->net->parameter[layer->running_var], moved && !frozen[i]);
    }
}

static void running_statistics_move(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_graph *graph = modern_network();
    struct check c;
    double loss;
    check_init(&c, graph);
    bool *frozen = frozen_until(graph, "data");
    frozen[nn_graph_find(graph, "b/bn")] = true;
    struct nn_run *run = training_run(&c, frozen);
    assert_int_equal(nn_run_forward(run, c.input, CHECK_BATCH, NULL, &err), NN_OK);
    check_all_statistics(&c, frozen, false);

    /* nor does a step whose loss is not finite */
    int weight = nn_graph_layer(graph, nn_graph_find(graph, "fc"))->weight;
    float kept = nn_values_peek(c.values, weight)[0];
    nn_values_at(c.values, weight)[0] = INFINITY;
    assert_int_equal(one_step(&c, run, &loss, NULL), NN_BAD_DATA);
    nn_values_at(c.values, weight)[0] = kept;
    check_all_statistics(&c, frozen, false);

    assert_int_equal(one_step(&c, run, &loss, NULL), NN_OK);
    check_all_statistics(&c, frozen, true);
    nn_run_destroy(run);
    free(frozen);
    check_finish(&c);
    nn_graph_destroy(graph);
}

static void refuses_one_value_a_channel(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_run *run;
    struct nn_graph *graph = with_input(3, 1, 1);
    nn_graph_batch_norm(graph, "lonely", 0, (struct nn_batch_norm){1e-5f, 0.1f});
    struct nn_values *values = draw_values(finished(graph), 1);
    const float input[6] = {1, 2, 3, 4, 5, 6};
    assert_int_equal(nn_run_create_training(graph, values, 2, NULL, NULL, &run, &err), NN_OK);
    assert_int_equal(nn_run_forward(run, input, 1, NULL, &err), NN_INVALID);
    assert_non_null(strstr(err.text, "lonely"));
    assert_int_equal(nn_run_forward(run, input, 2, NULL, &err), NN_OK);
    nn_run_destroy(run);
    const bool frozen[2] = {false, true};
    assert_int_equal(nn_run_create_training(graph, values, 2, frozen, NULL, &run, &err), NN_OK);
    assert_int_equal(nn_run_forward(run, input, 1, NULL, &err), NN_OK);
    nn_run_destroy(run);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
}

static void refuses_bad_runs(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_run *run;
    struct nn_values *values;
    struct nn_graph *graph = with_input(3, 2, 2);
    nn_graph_softmax(graph, "prob", nn_graph_linear(graph, "fc", 0, CLASSES, false));
    const char *const fresh[] = {"fc", NULL};
    finished(graph);
    assert_int_equal(nn_values_create(graph, NULL, false, fresh, 1, &values, &err), NN_OK);
    assert_int_equal(nn_run_create_training(graph, values, 2, NULL, NULL, &run, &err), NN_INVALID);
    assert_null(run);
    nn_values_destroy(values);

    values = draw_values(graph, 1);
    assert_int_equal(nn_run_create(graph, values, 2, NN_RUN_TRAIN, NULL, &run, &err), NN_INVALID);
    assert_null(run);
    assert_int_equal(nn_run_create_training(graph, values, 0, NULL, NULL, &run, &err), NN_INVALID);
    assert_int_equal(nn_run_create_training(graph, values, 1, NULL, NULL, &run, &err), NN_OK);
    const float input[12] = {0};
    const double bad[] = {-0.1, 1.1, NAN};
    double loss;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(
            nn_run_train_step(run, input, labels, 1, 0, 0, NULL, bad[i], &loss, NULL, &err),
            NN_INVALID);
    nn_run_destroy(run);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses),
        cmocka_unit_test(losses_of_several_heads),
        cmocka_unit_test(losses_at_places),
        cmocka_unit_test(losses_at_places_that_answer),
        cmocka_unit_test(places_are_of_one_layer),
        cmocka_unit_test(frozen_layers_change_no_others),
        cmocka_unit_test(frozen_batch_norms),
        cmocka_unit_test(nothing_learns),
        cmocka_unit_test(running_statistics_move),
        cmocka_unit_test(refuses_one_value_a_channel),
        cmocka_unit_test(refuses_bad_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
