/* The proof of the network: GoogLeNet on the golden input against an independent implementation. */
#include "nn_run.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WEIGHTS CERVIGATE_SHARED_DIR "/weights/googlenet_imagenet.safetensors"
#define GOLDEN  CERVIGATE_SHARED_DIR "/weights/googlenet_imagenet_golden.safetensors"

static void compare(const struct nn_graph *graph, const struct nn_run *run,
                    const struct nn_tensor *reference)
{
    int layer = nn_graph_find(graph, reference->name);
    assert_true(layer >= 0);
    const float *got = nn_run_peek(run, layer);
    assert_non_null(got);

    double largest = 0, worst = 0;
    for (size_t i = 0; i < reference->elements; i++) {
        largest = fmax(largest, fabs((double)reference->data[i]));
        worst = fmax(worst, fabs((double)got[i] - (double)reference->data[i]));
    }
    printf("%-24s largest %10.4f  worst difference %.3g (%.3g of it)\n", reference->name, largest,
           worst, worst / largest);
    assert_true(worst <= (strcmp(reference->name, "prob") == 0 ? 1e-5 : 1e-3 * largest));
}

static void activations_match(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_weights *weights, *golden;
    struct nn_values *values;
    struct nn_run *run;
    struct nn_graph *graph = nn_googlenet(1000, 227, &err);
    struct nn_pool *pool = nn_pool_create(2);

    assert_non_null(graph);
    assert_non_null(pool);
    assert_int_equal(nn_weights_open(WEIGHTS, &weights, &err), NN_OK);
    assert_int_equal(nn_weights_open(GOLDEN, &golden, &err), NN_OK);
    assert_int_equal(nn_values_create(graph, weights, false, NULL, 0, &values, &err), NN_OK);
    assert_int_equal(nn_run_create(graph, values, 1, NN_RUN_INFER, pool, &run, &err), NN_OK);
    assert_int_equal(nn_run_keep_all(run, &err), NN_OK);

    const struct nn_tensor *input = nn_weights_find(golden, "input");
    float *prob = calloc(1000, sizeof *prob), *shared = calloc(1000, sizeof *shared);
    assert_non_null(input);
    assert_non_null(prob);
    assert_non_null(shared);
    assert_int_equal(nn_run_forward(run, input->data, 1, prob, &err), NN_OK);
    int compared = 0;
    for (size_t i = 0; i < nn_weights_count(golden); i++)
        if (nn_weights_at(golden, i) != input) {
            compare(graph, run, nn_weights_at(golden, i));
            compared++;
        }
    assert_int_equal(compared, 9);
    nn_run_destroy(run);

    /* with buffers reused and concats in place: the same bits */
    assert_int_equal(nn_run_create(graph, values, 1, NN_RUN_INFER, pool, &run, &err), NN_OK);
    assert_int_equal(nn_run_forward(run, input->data, 1, shared, &err), NN_OK);
    assert_memory_equal(prob, shared, 1000 * sizeof *prob);

    free(prob);
    free(shared);
    nn_run_destroy(run);
    nn_values_destroy(values);
    nn_weights_close(golden);
    nn_weights_close(weights);
    nn_graph_destroy(graph);
    nn_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(activations_match)};
    if (access(WEIGHTS, R_OK) != 0 || access(GOLDEN, R_OK) != 0) {
        puts("skipped: no shared data");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
