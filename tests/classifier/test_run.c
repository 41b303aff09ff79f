/* The executor: same bits for any number of threads and any batch; refusals; what may be peeked. */
#include "networks.h"
#include "nn_kernel_set.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BATCH 10

/* Everything a run gives, for one number of threads and one split of the samples into batches. */
struct bits {
    int samples;
    float *output, *input_gradient, *parameter_gradient;
    size_t outputs, inputs, parameters;
    double loss;
};

static void *checked(void *memory)
{
    assert_non_null(memory);
    return memory;
}

static void explain(const struct nn_graph *graph, const struct nn_values *values,
                    struct nn_pool *pool, const float *input, int batch, struct bits *bits)
{
    struct nn_error err = {0};
    struct nn_run *run;
    int last = nn_graph_count(graph) - 1;
    size_t in = bits->inputs / (size_t)bits->samples, out = bits->outputs / (size_t)bits->samples;
    float *direction = checked(calloc(bits->outputs, sizeof(float)));
    fill(direction, bits->outputs, 3);

    assert_int_equal(nn_run_create(graph, values, batch, NN_RUN_EXPLAIN, pool, &run, &err), NN_OK);
    for (int first = 0; first < bits->samples; first += batch) {
        int size = bits->samples - first < batch ? bits->samples - first : batch;
        size_t at = (size_t)first;
        assert_int_equal(nn_run_forward(run, input + at * in, size, bits->output + at * out, &err),
                         NN_OK);
        assert_int_equal(nn_run_backward(run, last, direction + at * out, &err), NN_OK);
        memcpy(bits->input_gradient + at * in, nn_run_input_gradient(run),
               (size_t)size * in * sizeof(float));
    }
    nn_run_destroy(run);
    free(direction);
}

/* Two steps; the statistics that they move are part of the result, and put back. */
static void train(const struct nn_graph *graph, struct nn_values *values, struct nn_pool *pool,
                  const float *input, struct bits *bits)
{
    const int labels[BATCH] = {1, 0, 2, 2, 1, 0, 0, 1, 2, 1};
    struct nn_error err = {0};
    struct nn_run *run;
    size_t bytes = bits->parameters * sizeof(float);
    float *kept = checked(malloc(bytes)), *at = kept, *to = bits->parameter_gradient;
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        size_t count = nn_graph_parameter(graph, i)->elements;
        memcpy(at, nn_values_peek(values, i), count * sizeof(float));
        at += count;
    }
    assert_int_equal(nn_run_create_training(graph, values, bits->samples, NULL, pool, &run, &err),
                     NN_OK);
    for (uint64_t step = 0; step < 2; step++)
        assert_int_equal(nn_run_train_step(run, input, labels, bits->samples, 1, step, NULL, 0.1,
                                           &bits->loss, NULL, &err),
                         NN_OK);
    at = kept;
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, i);
        size_t count = parameter->elements;
        memcpy(to,
               parameter->statistic ? nn_values_peek(values, i) : nn_run_parameter_gradient(run, i),
               count * sizeof(float));
        memcpy(nn_values_at(values, i), at, count * sizeof(float));
        to += count;
        at += count;
    }
    free(kept);
    nn_run_destroy(run);
}

static struct bits compute(const struct nn_graph *graph, struct nn_values *values,
                           const float *input, int samples, int threads, int batch)
{
    size_t count = (size_t)samples;
    struct bits bits = {.samples = samples,
                        .inputs = count * elements_of(graph, 0),
                        .outputs = count * elements_of(graph, nn_graph_count(graph) - 1)};
    for (int i = 0; i < nn_graph_parameter_count(graph); i++)
        bits.parameters += nn_graph_parameter(graph, i)->elements;
    bits.output = checked(calloc(bits.outputs, sizeof(float)));
    bits.input_gradient = checked(calloc(bits.inputs, sizeof(float)));
    bits.parameter_gradient = checked(calloc(bits.parameters, sizeof(float)));
    struct nn_pool *pool = checked(nn_pool_create(threads));
    assert_int_equal(nn_pool_threads(pool), threads);
    explain(graph, values, pool, input, batch, &bits);
    train(graph, values, pool, input, &bits);
    nn_pool_destroy(pool);
    return bits;
}

static void bits_finish(struct bits *bits)
{
    free(bits->output);
    free(bits->input_gradient);
    free(bits->parameter_gradient);
}

static void same_bits(const struct nn_graph *graph, int samples)
{
    struct nn_values *values = draw_values(graph, 2);
    const int batches[] = {1, 3, samples};
    size_t inputs = (size_t)samples * elements_of(graph, 0);
    float *input = checked(calloc(inputs, sizeof(float)));
    fill(input, inputs, 4);
    struct bits want = compute(graph, values, input, samples, 1, samples);
    for (int threads = 1; threads <= 3; threads++)
        for (int i = 0; i < (samples > 3 ? 3 : 2); i++) {
            struct bits got = compute(graph, values, input, samples, threads, batches[i]);
            assert_memory_equal(got.output, want.output, want.outputs * sizeof(float));
            assert_memory_equal(got.input_gradient, want.input_gradient,
                                want.inputs * sizeof(float));
            assert_memory_equal(got.parameter_gradient, want.parameter_gradient,
                                want.parameters * sizeof(float));
            assert_memory_equal(&got.loss, &want.loss, sizeof want.loss);
            bits_finish(&got);
        }
    bits_finish(&want);
    free(input);
    nn_values_destroy(values);
}

static void small_network_has_one_result(void **state)
{
    (void)state;
    struct nn_graph *graph = small_network();
    same_bits(graph, 10);
    nn_graph_destroy(graph);
}

static void modern_network_has_one_result(void **state)
{
    (void)state;
    struct nn_graph *graph = modern_network();
    same_bits(graph, 10);
    nn_graph_destroy(graph);
}

/* Weights in blocks that are used for the whole batch. */
static void wide_layers_have_one_result(void **state)
{
    (void)state;
    struct nn_graph *graph = nn_graph_create();
    int x = nn_graph_input(graph, "data", (struct nn_shape){96, 6, 6});
    x = nn_graph_relu(graph, "relu", x);
    x = nn_graph_linear(graph, "fc1", x, 520, true);
    x = nn_graph_linear(graph, "fc2", nn_graph_dropout(graph, "drop", x, 0.5f), 3, false);
    nn_graph_softmax(graph, "prob", x);
    same_bits(finished(graph), 10);
    nn_graph_destroy(graph);
}

static void googlenet_has_one_result(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_graph *graph = nn_googlenet(3, 96, &err);
    assert_non_null(graph);
    same_bits(graph, 10);
    nn_graph_destroy(graph);
}

static void alexnet_has_one_result(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_graph *graph = nn_alexnet(3, 99, &err);
    assert_non_null(graph);
    same_bits(graph, 10);
    nn_graph_destroy(graph);
}

struct fixture {
    struct nn_graph *graph;
    struct nn_values *values;
    struct nn_run *run;
    float *input;
};

static struct fixture make(enum nn_run_mode mode)
{
    struct fixture f = {.graph = small_network()};
    f.values = draw_values(f.graph, 2);
    f.input = checked(calloc(2 * elements_of(f.graph, 0), sizeof(float)));
    fill(f.input, 2 * elements_of(f.graph, 0), 4);
    assert_int_equal(create_run(f.graph, f.values, 2, mode, NULL, &f.run), NN_OK);
    return f;
}

static void unmake(struct fixture *f)
{
    nn_run_destroy(f->run);
    nn_values_destroy(f->values);
    nn_graph_destroy(f->graph);
    free(f->input);
}

static void refuses_to_create(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_run *run;
    struct fixture f = make(NN_RUN_INFER), g = make(NN_RUN_INFER);
    assert_int_equal(nn_run_create(f.graph, f.values, 0, NN_RUN_INFER, NULL, &run, &err),
                     NN_INVALID);
    assert_int_equal(nn_run_create(f.graph, f.values, 5000, NN_RUN_INFER, NULL, &run, &err),
                     NN_INVALID);
    assert_int_equal(nn_run_create(g.graph, f.values, 1, NN_RUN_INFER, NULL, &run, &err),
                     NN_INVALID);
    assert_null(run);
    unmake(&f);
    unmake(&g);
    nn_run_destroy(NULL);
}

static void refuses_bad_calls(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct fixture f = make(NN_RUN_EXPLAIN);
    float gradient[4] = {1, 0, 0, 0};
    assert_int_equal(nn_run_backward(f.run, 2, gradient, &err), NN_INVALID);
    assert_int_equal(nn_run_forward(f.run, f.input, 0, NULL, &err), NN_INVALID);
    assert_int_equal(nn_run_forward(f.run, f.input, 3, NULL, &err), NN_INVALID);
    f.input[7] = NAN;
    assert_int_equal(nn_run_forward(f.run, f.input, 1, NULL, &err), NN_BAD_DATA);
    f.input[7] = INFINITY;
    assert_int_equal(nn_run_forward(f.run, f.input, 1, NULL, &err), NN_BAD_DATA);
    f.input[7] = 0;
    assert_int_equal(nn_run_forward(f.run, f.input, 1, NULL, &err), NN_OK);
    assert_int_equal(nn_run_keep_all(f.run, &err), NN_INVALID);
    assert_int_equal(nn_run_backward(f.run, 0, gradient, &err), NN_INVALID);
    assert_int_equal(nn_run_backward(f.run, 999, gradient, &err), NN_INVALID);
    assert_null(nn_run_parameter_gradient(f.run, 0));
    nn_run_zero_gradients(f.run);
    unmake(&f);

    f = make(NN_RUN_INFER);
    assert_int_equal(nn_run_forward(f.run, f.input, 1, NULL, &err), NN_OK);
    assert_int_equal(nn_run_backward(f.run, 2, gradient, &err), NN_INVALID);
    assert_null(nn_run_input_gradient(f.run));
    unmake(&f);
}

static void refuses_bad_training(void **state)
{
    (void)state;
    struct nn_error err = {0};
    double loss;
    struct fixture f = make(NN_RUN_EXPLAIN);
    assert_int_equal(
        nn_run_train_step(f.run, f.input, (int[]){0}, 1, 0, 0, NULL, 0, &loss, NULL, &err),
        NN_INVALID);
    unmake(&f);

    f = make(NN_RUN_TRAIN);
    assert_int_equal(
        nn_run_train_step(f.run, f.input, (int[]){0, 4}, 2, 0, 0, NULL, 0, &loss, NULL, &err),
        NN_INVALID);
    assert_int_equal(
        nn_run_train_step(f.run, f.input, (int[]){0, -1}, 2, 0, 0, NULL, 0, &loss, NULL, &err),
        NN_INVALID);
    assert_int_equal(
        nn_run_train_step(f.run, f.input, (int[]){0}, 3, 0, 0, NULL, 0, &loss, NULL, &err),
        NN_INVALID);
    assert_null(nn_run_parameter_gradient(f.run, -1));
    assert_null(nn_run_parameter_gradient(f.run, 999));
    assert_null(nn_run_input_gradient(f.run));

    /* parameters that have run away are noticed */
    int weight = nn_graph_parameter_count(f.graph) - 2;
    nn_values_at(f.values, weight)[0] = INFINITY;
    assert_int_equal(
        nn_run_train_step(f.run, f.input, (int[]){0, 1}, 2, 0, 0, NULL, 0, &loss, NULL, &err),
        NN_BAD_DATA);
    unmake(&f);
}

/* A NaN born in an early layer reaches the scores: never a silent negative. */
static void nan_reaches_the_output(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct fixture f = make(NN_RUN_INFER);
    float output[4];
    nn_values_at(f.values, 0)[3] = NAN;
    assert_int_equal(nn_run_forward(f.run, f.input, 1, output, &err), NN_OK);
    for (int i = 0; i < 4; i++)
        assert_true(isnan(output[i]));
    unmake(&f);
}

static void gradients_add_up_until_zeroed(void **state)
{
    (void)state;
    struct nn_error err = {0};
    double loss;
    struct fixture f = make(NN_RUN_TRAIN);
    const int labels[2] = {0, 1};
    float *g = nn_run_parameter_gradient(f.run, nn_graph_parameter_count(f.graph) - 1);
    assert_int_equal(nn_run_train_step(f.run, f.input, labels, 2, 0, 0, NULL, 0, &loss, NULL, &err),
                     NN_OK);
    float once = g[0];
    assert_true(fabsf(once) > 0);
    assert_int_equal(nn_run_train_step(f.run, f.input, labels, 2, 0, 0, NULL, 0, &loss, NULL, &err),
                     NN_OK);
    assert_true(fabsf(g[0] - 2 * once) < 1e-6f);
    nn_run_zero_gradients(f.run);
    assert_true(fabsf(g[0]) == 0);
    unmake(&f);
}

/* Masks differ by step, seed and sample; the same three give the same loss. */
static void dropout_follows_its_numbers(void **state)
{
    (void)state;
    struct nn_error err = {0};
    double loss[4];
    struct fixture f = make(NN_RUN_TRAIN);
    const uint64_t numbers[4][2] = {{1, 1}, {1, 1}, {1, 2}, {2, 1}};
    for (int i = 0; i < 4; i++)
        assert_int_equal(nn_run_train_step(f.run, f.input, (int[]){0}, 1, numbers[i][0],
                                           numbers[i][1], NULL, 0, &loss[i], NULL, &err),
                         NN_OK);
    assert_memory_equal(&loss[0], &loss[1], sizeof loss[0]);
    assert_true(fabs(loss[0] - loss[2]) > 0 && fabs(loss[0] - loss[3]) > 0);
    unmake(&f);
}

static void peeks_what_is_held(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct fixture f = make(NN_RUN_EXPLAIN);
    int part = nn_graph_find(f.graph, "a/3x3"), whole = nn_graph_find(f.graph, "a/output");
    assert_null(nn_run_peek(f.run, whole));
    assert_int_equal(nn_run_forward(f.run, f.input, 2, NULL, &err), NN_OK);
    assert_non_null(nn_run_peek(f.run, whole));
    assert_null(nn_run_peek(f.run, part)); /* two samples of it lie apart, inside the concat */
    assert_int_equal(nn_run_forward(f.run, f.input, 1, NULL, &err), NN_OK);
    assert_ptr_equal(nn_run_peek(f.run, part),
                     nn_run_peek(f.run, whole) +
                         elements_of(f.graph, nn_graph_find(f.graph, "a/1x1")));
    assert_null(nn_run_peek(f.run, -1));
    assert_null(nn_run_peek(f.run, 999));
    unmake(&f);

    f = make(NN_RUN_INFER);
    assert_int_equal(nn_run_forward(f.run, f.input, 1, NULL, &err), NN_OK);
    assert_null(nn_run_peek(f.run, nn_graph_find(f.graph, "conv1")));
    assert_non_null(nn_run_peek(f.run, nn_graph_find(f.graph, "prob")));
    unmake(&f);
}

/* Backward from the middle: what lies after that layer takes no part. */
static void starts_in_the_middle(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct fixture f = make(NN_RUN_EXPLAIN);
    int part = nn_graph_find(f.graph, "a/3x3"), conv1 = nn_graph_find(f.graph, "conv1");
    size_t inputs = elements_of(f.graph, 0);
    float *direction = checked(calloc(elements_of(f.graph, conv1), sizeof(float)));
    assert_int_equal(nn_run_forward(f.run, f.input, 1, NULL, &err), NN_OK);
    assert_int_equal(nn_run_backward(f.run, part, direction, &err), NN_OK);
    for (size_t i = 0; i < inputs; i++)
        assert_true(fabsf(nn_run_input_gradient(f.run)[i]) == 0);
    fill(direction, elements_of(f.graph, part), 8);
    assert_int_equal(nn_run_backward(f.run, part, direction, &err), NN_OK);
    float most = 0;
    for (size_t i = 0; i < inputs; i++)
        most = fmaxf(most, fabsf(nn_run_input_gradient(f.run)[i]));
    assert_true(most > 0);
    free(direction);
    unmake(&f);
}

struct tally {
    atomic_int seen[1000];
    atomic_int thread_seen[3];
};

static void count_task(void *context, int i, int thread)
{
    struct tally *tally = context;
    atomic_fetch_add(&tally->seen[i], 1);
    atomic_fetch_add(&tally->thread_seen[thread], 1);
}

static void pool_runs_each_task_once(void **state)
{
    (void)state;
    struct nn_pool *pool = checked(nn_pool_create(3));
    struct tally *tally = checked(calloc(1, sizeof *tally));
    for (int round = 0; round < 500; round++)
        nn_pool_run(pool, 1 + (round * 7) % 1000, count_task, tally);
    int want[1000] = {0};
    for (int round = 0; round < 500; round++)
        for (int i = 0; i < 1 + (round * 7) % 1000; i++)
            want[i]++;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tally->seen[i], want[i]);
    nn_pool_run(pool, 0, count_task, tally);
    nn_pool_run(NULL, 2, count_task, tally);
    assert_int_equal(tally->seen[0], want[0] + 1);
    free(tally);
    nn_pool_destroy(pool);
    nn_pool_destroy(NULL);
    assert_null(nn_pool_create(0));
    assert_null(nn_pool_create(-1));
}

/* It must follow what we and OpenBLAS were told to use; a result's identity holds ours alone. */
static void kernel_set_is_named(void **state)
{
    (void)state;
    const char *wanted = getenv("OPENBLAS_CORETYPE"), *ours = getenv("CERVIGATE_KERNELS");
    size_t first = strcspn(nn_kernel_set(), ",");
    assert_ptr_equal(strstr(nn_kernel_set(), ", OpenBLAS "), nn_kernel_set() + first);
    assert_true(first == strlen(nn_kernel_name()) &&
                memcmp(nn_kernel_set(), nn_kernel_name(), first) == 0);
    if (ours != NULL)
        assert_string_equal(nn_kernel_name(), ours);
    assert_non_null(strrchr(nn_kernel_set(), ' '));
    if (wanted != NULL)
        assert_string_equal(strrchr(nn_kernel_set(), ' ') + 1, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_network_has_one_result),
        cmocka_unit_test(modern_network_has_one_result),
        cmocka_unit_test(wide_layers_have_one_result),
        cmocka_unit_test(googlenet_has_one_result),
        cmocka_unit_test(alexnet_has_one_result),
        cmocka_unit_test(refuses_to_create),
        cmocka_unit_test(refuses_bad_calls),
        cmocka_unit_test(refuses_bad_training),
        cmocka_unit_test(nan_reaches_the_output),
        cmocka_unit_test(gradients_add_up_until_zeroed),
        cmocka_unit_test(dropout_follows_its_numbers),
        cmocka_unit_test(peeks_what_is_held),
        cmocka_unit_test(starts_in_the_middle),
        cmocka_unit_test(pool_runs_each_task_once),
        cmocka_unit_test(kernel_set_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
