/* Where a forward pass goes: each layer's time on one thread, by the executor's own tasks.
 *
 *   bench_layers NETWORK [ROUNDS] [backward]
 *
 * Prints for each layer its median milliseconds of ROUNDS (25) passes, its nominal GFLOP (two a
 * multiply-add of the plain algorithm), GFLOP/s, and the share of the time that the same number of
 * operations takes at the rate of one large product in cache (100 %: as fast; a Winograd
 * convolution may be faster). The last line sums up. */
#include "bench.h"
#include "kernels/kernels.h"
#include "nn_kernel_set.h"
#include "nn_network.h"
#include "run/run_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROUNDS 1000

static double layer_gflop(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->layers[id];
    if (layer->op != NN_OP_CONV2D && layer->op != NN_OP_LINEAR)
        return 0;
    double weights = (double)nn_graph_parameter(run->graph, layer->weight)->elements;
    return 2e-9 * weights * layer->shape.h * layer->shape.w;
}

/* A gradient is made of what its consumers pass back. */
static double gflop(const struct nn_run *run, const struct nn_schedule *schedule, int id)
{
    double sum = 0;
    if (schedule == &run->forward)
        return layer_gflop(run, id);
    for (int i = 0; i < run->nodes[id].consumer_count; i++)
        sum += layer_gflop(run, run->nodes[id].consumers[i]);
    return sum;
}

/* GFLOP/s of a product whose operands lie in the second cache. */
static double peak(void)
{
    const struct nn_kernels *kernels = nn_kernels();
    int width = NN_VECTORS * kernels->lanes, rows = 24 * kernels->rows, depth = 256;
    float *a = calloc((size_t)(rows * depth), sizeof *a);
    float *b = calloc((size_t)(depth * width), sizeof *b);
    float *c = calloc((size_t)(rows * width), sizeof *c);
    struct nn_product product = {.k = depth,
                                 .a = a,
                                 .a_block = kernels->rows * depth,
                                 .a_row = depth,
                                 .a_step = 1,
                                 .b = b,
                                 .width = width,
                                 .c = c,
                                 .c_row = width};
    double best = 1e9;
    for (int i = 0; a != NULL && b != NULL && c != NULL && i < 500; i++) {
        double start = bench_now();
        kernels->product(&product, rows, width);
        double took = bench_now() - start;
        best = took < best ? took : best;
    }
    free(a);
    free(b);
    free(c);
    return 2e-6 * rows * depth * width / best;
}

static void pass(struct nn_run *run, const struct nn_schedule *schedule, double *took, int round)
{
    for (int i = 0; i < schedule->count; i++) {
        const struct nn_job *job = &schedule->jobs[i];
        double start = bench_now();
        for (int task = 0; task < nn_job_tasks(run, job); task++)
            nn_job_run(run, job, task, run->scratch);
        took[i * MOST_ROUNDS + round] = bench_now() - start;
    }
}

static void report(struct nn_run *run, const struct nn_schedule *schedule, double *took, int rounds)
{
    double whole = 0, operations = 0, top = peak();
    printf("%-32s %5s %5s %9s %8s %9s %7s\n", "layer", "stage", "tasks", "ms", "GFLOP", "GFLOP/s",
           "roof");
    for (int i = 0; i < schedule->count; i++) {
        const struct nn_job *job = &schedule->jobs[i];
        qsort(took + i * MOST_ROUNDS, (size_t)rounds, sizeof *took, bench_ascending);
        double ms = took[i * MOST_ROUNDS + rounds / 2], work = gflop(run, schedule, job->layer);
        whole += ms;
        operations += work;
        printf("%-32s %5d %5d %9.4f %8.4f", run->layers[job->layer].name, job->stage,
               nn_job_tasks(run, job), ms, work);
        if (work > 0)
            printf(" %9.1f %6.0f%%", work / ms * 1e3, 1e5 * work / top / ms);
        printf("\n");
    }
    printf("%-32s %5d %5s %9.4f %8.4f %9.1f %6.0f%%\n", "all", schedule->stages, "", whole,
           operations, operations / whole * 1e3, 1e5 * operations / top / whole);
    printf("one product in cache: %.0f GFLOP/s; kernels %s\n", top, nn_kernel_set());
}

int main(int argc, char **argv)
{
    struct nn_error err = {0};
    const struct nn_network *network = argc > 1 ? nn_network_find(argv[1]) : NULL;
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 25, count = 0;
    const char *fresh[256] = {0};
    const float direction[3] = {1, 0, 0};
    struct nn_values *values = NULL;
    struct nn_run *run = NULL;
    if (network == NULL || rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: bench_layers NETWORK [ROUNDS]\n");
        return 64;
    }

    int side = network->input.side;
    struct nn_graph *graph = network->build(3, side, &err);
    for (int i = 0; graph != NULL && i < nn_graph_parameter_count(graph) && count < 255; i++) {
        const char *layer = nn_graph_name(graph, nn_graph_parameter(graph, i)->layer);
        if (count == 0 || strcmp(fresh[count - 1], layer) != 0)
            fresh[count++] = layer;
    }
    float *input = calloc(3 * (size_t)side * (size_t)side, sizeof *input);
    if (graph == NULL || input == NULL ||
        nn_values_create(graph, NULL, false, fresh, 1, &values, &err) != NN_OK ||
        nn_run_create(graph, values, 1, NN_RUN_EXPLAIN, NULL, &run, &err) != NN_OK ||
        nn_run_forward(run, input, 1, NULL, &err) != NN_OK ||
        nn_run_backward(run, nn_graph_scores(graph), direction, &err) != NN_OK) {
        fprintf(stderr, "bench_layers: %s\n", err.text);
        return 70;
    }
    const struct nn_schedule *schedule = argc > 3 ? &run->backward : &run->forward;
    double *took = calloc((size_t)schedule->count * MOST_ROUNDS, sizeof *took);
    run->nodes[nn_graph_scores(graph)].seed = argc > 3 ? direction : NULL;
    for (int i = 0; took != NULL && i < rounds; i++)
        pass(run, schedule, took, i);
    if (took != NULL)
        report(run, schedule, took, rounds);
    free(took);
    free(input);
    nn_run_destroy(run);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
    return 0;
}
