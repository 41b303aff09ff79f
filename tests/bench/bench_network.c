/* Our side of scripts/bench network: one work, timed when told.
 *
 *   bench_network NETWORK WORK THREADS BATCH
 *
 * NETWORK: googlenet, alexnet. WORK: forward, gradient (forward, and back to the input), train (one
 * step of SGD), pair (two images at once, THREADS threads in all, each image on one), single (the
 * same two images one after the other on one thread). Says "ready KERNELS", then for every line N
 * on standard input runs N times and prints the milliseconds of each on one line. */
#include "bench.h"
#include "kernels/kernels.h"
#include "nn_kernel_set.h"
#include "nn_network.h"
#include "nn_optimiser.h"
#include "nn_run.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES 3

struct bench {
    const char *work;
    struct nn_graph *graph;
    struct nn_values *values;
    struct nn_pool *pool;
    struct nn_run *run, *other; /* other: of the second image */
    struct nn_optimiser *optimiser;
    const float **gradients;
    float *input, seed[CLASSES];
    int batch, *labels;
};

static _Noreturn void die(const struct nn_error *err)
{
    fprintf(stderr, "bench_network: %s\n", err->text);
    exit(70);
}

static void need(bool good, const struct nn_error *err)
{
    if (!good)
        die(err);
}

static void make(struct bench *b, const char *name, int threads)
{
    struct nn_error err = {0};
    const struct nn_network *network = nn_network_find(name);
    const char *fresh[256] = {0};
    int side, count = 0;
    need(network != NULL, &(struct nn_error){.text = "no such network"});
    side = network->input.side;
    need((b->graph = network->build(CLASSES, side, &err)) != NULL, &err);
    for (int i = 0; i < nn_graph_parameter_count(b->graph) && count < 255; i++) {
        const char *layer = nn_graph_name(b->graph, nn_graph_parameter(b->graph, i)->layer);
        if (count == 0 || strcmp(fresh[count - 1], layer) != 0)
            fresh[count++] = layer;
    }
    bool trains = strcmp(b->work, "train") == 0;
    need(nn_values_create(b->graph, NULL, trains, fresh, 1, &b->values, &err) == NN_OK, &err);
    bool alone = strcmp(b->work, "pair") == 0 || strcmp(b->work, "single") == 0;
    need((b->pool = nn_pool_create(alone ? 1 : threads)) != NULL, &err);
    if (trains) {
        struct nn_optimiser_settings settings = {.kind = NN_SGD, .momentum = 0.95};
        need(nn_run_create_training(b->graph, b->values, b->batch, NULL, b->pool, &b->run, &err) ==
                 NN_OK,
             &err);
        need(nn_optimiser_create(b->graph, &settings, NULL, b->pool, &b->optimiser, &err) == NN_OK,
             &err);
        int parameters = nn_graph_parameter_count(b->graph);
        need((b->gradients = calloc((size_t)parameters, sizeof *b->gradients)) != NULL, &err);
        for (int i = 0; i < parameters; i++)
            b->gradients[i] = nn_run_parameter_gradient(b->run, i);
    } else {
        enum nn_run_mode mode = strcmp(b->work, "gradient") == 0 ? NN_RUN_EXPLAIN : NN_RUN_INFER;
        need(nn_run_create(b->graph, b->values, b->batch, mode, b->pool, &b->run, &err) == NN_OK,
             &err);
        need(nn_run_create(b->graph, b->values, 1, NN_RUN_INFER, NULL, &b->other, &err) == NN_OK,
             &err);
    }
    size_t floats = 3 * (size_t)side * (size_t)side * (size_t)b->batch;
    b->input = calloc(floats, sizeof(float));
    b->labels = calloc((size_t)b->batch, sizeof(int));
    for (size_t i = 0; i < floats; i++)
        b->input[i] = (float)((i * 2654435761u) % 1000) / 1000;
    b->seed[0] = 1;
}

static void *second(void *context)
{
    struct bench *b = context;
    struct nn_error err = {0};
    need(nn_run_forward(b->other, b->input, 1, NULL, &err) == NN_OK, &err);
    return NULL;
}

static void once(struct bench *b)
{
    struct nn_error err = {0};
    enum nn_status status;
    double loss;
    pthread_t thread;

    if (strcmp(b->work, "train") == 0) {
        nn_run_zero_gradients(b->run);
        status = nn_run_train_step(b->run, b->input, b->labels, b->batch, 1, 1, NULL, 0, &loss,
                                   NULL, &err);
        need(status == NN_OK, &err);
        need(nn_optimiser_step(b->optimiser, b->gradients, b->values, 1e-3, NULL, &err) == NN_OK,
             &err);
        return;
    }
    if (strcmp(b->work, "pair") == 0)
        pthread_create(&thread, NULL, second, b);
    need(nn_run_forward(b->run, b->input, b->batch, NULL, &err) == NN_OK, &err);
    if (strcmp(b->work, "gradient") == 0)
        need(nn_run_backward(b->run, nn_graph_scores(b->graph), b->seed, &err) == NN_OK, &err);
    if (strcmp(b->work, "pair") == 0)
        pthread_join(thread, NULL);
    if (strcmp(b->work, "single") == 0)
        second(b);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    char line[32];
    if (argc != 5) {
        fprintf(stderr, "usage: bench_network NETWORK WORK THREADS BATCH\n");
        return 64;
    }
    b.work = argv[2];
    b.batch = (int)strtol(argv[4], NULL, 10);
    make(&b, argv[1], (int)strtol(argv[3], NULL, 10));
    printf("ready %s\n", nn_kernel_set());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        for (long i = strtol(line, NULL, 10); i > 0; i--) {
            double start = bench_now();
            once(&b);
            printf("%.4f%c", bench_now() - start, i > 1 ? ' ' : '\n');
        }
        fflush(stdout);
    }
    return 0;
}
