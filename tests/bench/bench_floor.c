/* What OpenBLAS alone needs: a network's convolutions as bare sgemm calls (no columns, pools, LRN),
 * batch 1, on OPENBLAS_NUM_THREADS threads. bench_floor NETWORK; the protocol is bench_network's.
 */
#include "bench.h"
#include "graph/graph_internal.h"
#include "nn_network.h"
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

static float *numbers(size_t count)
{
    float *to = malloc(count * sizeof *to);
    for (size_t i = 0; to != NULL && i < count; i++)
        to[i] = (float)(i % 7);
    return to;
}

/* The products of all convolutions, a group each, in order. */
static double once(const struct nn_graph *graph, float **a, float **b, float *c)
{
    double start = bench_now();
    for (int i = 0; i < graph->count; i++) {
        const struct nn_layer *layer = &graph->layers[i];
        if (layer->op != NN_OP_CONV2D)
            continue;
        int groups = layer->conv.groups, m = layer->shape.c / groups;
        int n = layer->shape.h * layer->shape.w;
        int k = graph->layers[layer->from[0]].shape.c / groups * layer->conv.kernel_h *
                layer->conv.kernel_w;
        for (int g = 0; g < groups; g++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a[i], k, b[i], n, 0,
                        c, n);
    }
    return bench_now() - start;
}

int main(int argc, char **argv)
{
    struct nn_error err = {0};
    char line[32];
    const struct nn_network *network = argc == 2 ? nn_network_find(argv[1]) : NULL;
    struct nn_graph *graph = network == NULL ? NULL : network->build(3, network->input.side, &err);
    if (graph == NULL) {
        fprintf(stderr, "usage: bench_floor NETWORK\n");
        return 64;
    }
    float **a = calloc((size_t)graph->count, sizeof *a),
          **b = calloc((size_t)graph->count, sizeof *b);
    size_t most = 0;
    for (int i = 0; a != NULL && b != NULL && i < graph->count; i++) {
        const struct nn_layer *layer = &graph->layers[i];
        if (layer->op != NN_OP_CONV2D)
            continue;
        size_t area = (size_t)layer->shape.h * (size_t)layer->shape.w;
        size_t taps = (size_t)graph->layers[layer->from[0]].shape.c * (size_t)layer->conv.kernel_h *
                      (size_t)layer->conv.kernel_w;
        a[i] = numbers((size_t)layer->shape.c * taps);
        b[i] = numbers(area * taps);
        most = area * (size_t)layer->shape.c > most ? area * (size_t)layer->shape.c : most;
    }
    float *c = numbers(most);
    if (a == NULL || b == NULL || c == NULL)
        return 70;
    printf("ready %s %s\n", openblas_get_config(), openblas_get_corename());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        for (long i = strtol(line, NULL, 10); i > 0; i--)
            printf("%.4f%c", once(graph, a, b, c), i > 1 ? ' ' : '\n');
        fflush(stdout);
    }
    return 0;
}
