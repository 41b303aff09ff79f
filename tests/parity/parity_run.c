/* parity_run: one network through the library, every number of it into a file for the comparison.
 *
 *   parity_run NETWORK SIDE WEIGHTS INPUT OUT EXPORT [SGD-RATE ADAM-RATE [TOLD-STEPS [STEPS]]]
 *
 * NETWORK: googlenet, googlenet-peak, alexnet, stacked, or an ONNX file (WEIGHTS is then "-").
 * INPUT holds "input" (N, 3, SIDE, SIDE), "labels" (N) and "classes" (1). OUT gets bare float32
 * numbers, OUT.index a line a tensor: its name and dimensions, in the order of the numbers.
 * Without rates there is "output" only (inference as the node runs it); else also
 *   forward/LAYER           inference, nothing folded ("fused/LAYER": ReLU is part of the layer)
 *   input_gradient          of the label's score, summed over samples
 *   gradient/PARAMETER      of the first training step
 *   loss/sgd, loss/adam     of STEPS (10, which is most) each
 *   statistic/PARAMETER     after SGD's
 *   side/OPTIMISER/STEP/KIND/LAYER
 *                           activations of the first TOLD-STEPS (1) training steps which say what
 *                           side a kink took: KIND is relu, or pool for other input of a max pool.
 * Dropout is off: its masks are ours alone. EXPORT: the graph as ONNX; "-": none. */
#include "graph/graph_internal.h"
#include "nn_onnx.h"
#include "nn_optimiser.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MOST 10

struct job {
    struct nn_onnx *onnx;
    struct nn_graph *own; /* of a network by name */
    const struct nn_graph *graph;
    struct nn_weights *weights, *input;
    struct nn_values *values;
    struct nn_pool *pool;
    const float *x;
    int labels[64], batch, classes;
    FILE *out, *index;
    int told_steps, steps;
};

static struct nn_error err;

static void check(enum nn_status status)
{
    if (status == NN_OK)
        return;
    fprintf(stderr, "parity_run: %s\n", err.text);
    exit(1);
}

static void *need(void *pointer)
{
    if (pointer == NULL) {
        fputs("parity_run: no memory\n", stderr);
        exit(1);
    }
    return pointer;
}

static void keep(struct job *job, const char *kind, const char *name, const float *data, int dims,
                 const int64_t *dim)
{
    size_t elements = 1;

    fprintf(job->index, "%s%s%s", kind, name[0] != '\0' ? "/" : "", name);
    for (int i = 0; i < dims; i++) {
        fprintf(job->index, " %lld", (long long)dim[i]);
        elements *= (size_t)dim[i];
    }
    fputc('\n', job->index);
    if (fwrite(data, sizeof *data, elements, job->out) != elements) {
        fputs("parity_run: the output cannot be written\n", stderr);
        exit(1);
    }
}

static void keep_activation(struct job *job, const char *kind, const struct nn_run *run, int layer)
{
    const struct nn_layer *l = nn_graph_layer(job->graph, layer);
    int64_t dim[4] = {job->batch, l->shape.c, l->shape.h, l->shape.w};
    const float *y = nn_run_peek(run, layer);

    if (y != NULL)
        keep(job, kind, l->name, y, 4, dim);
}

static void keep_parameter(struct job *job, const char *kind, int parameter, const float *data)
{
    const struct nn_parameter *p = nn_graph_parameter(job->graph, parameter);
    int64_t dim[4];
    for (int i = 0; i < p->dims; i++)
        dim[i] = p->dim[i];
    keep(job, kind, p->name, data, p->dims, dim);
}

static void open_network(struct job *job, const char *name, int side, const char *weights,
                         const char *scratch)
{
    char path[4096];

    if (strcmp(name, "googlenet") == 0)
        job->own = nn_googlenet(job->classes, side, &err);
    else if (strcmp(name, "googlenet-peak") == 0)
        job->own = nn_googlenet_peak(job->classes, side, &err);
    else if (strcmp(name, "alexnet") == 0)
        job->own = nn_alexnet(job->classes, side, &err);
    else if (strcmp(name, "stacked") == 0)
        job->own = nn_stacked(job->classes, side, &err);
    else
        check(nn_onnx_open(name, &(struct nn_onnx_options){.side = side}, &job->onnx, &err));
    if (job->onnx != NULL) {
        size_t count;
        const struct nn_tensor *tensors = nn_onnx_tensors(job->onnx, &count);
        snprintf(path, sizeof path, "%s.imported", scratch);
        check(nn_weights_write(path, tensors, count, NULL, 0, NN_F32, &err));
        weights = path;
    }
    job->graph = job->onnx != NULL ? nn_onnx_graph(job->onnx) : need(job->own);
    for (int i = 0; i < nn_graph_count(job->graph); i++) {
        struct nn_layer *layer = (struct nn_layer *)(uintptr_t)nn_graph_layer(job->graph, i);
        if (layer->op == NN_OP_DROPOUT)
            layer->rate = 0;
    }
    check(nn_weights_open(weights, &job->weights, &err));
    if (job->onnx != NULL)
        remove(weights);
}

static void open_input(struct job *job, const char *path)
{
    check(nn_weights_open(path, &job->input, &err));
    const struct nn_tensor *x = nn_weights_find(job->input, "input");
    const struct nn_tensor *labels = nn_weights_find(job->input, "labels");
    const struct nn_tensor *classes = nn_weights_find(job->input, "classes");
    if (x == NULL || labels == NULL || classes == NULL || labels->elements > 64) {
        fputs("parity_run: the input lacks a tensor\n", stderr);
        exit(1);
    }
    job->x = x->data;
    job->batch = (int)x->dim[0];
    job->classes = (int)classes->data[0];
    for (int i = 0; i < job->batch; i++)
        job->labels[i] = (int)labels->data[i];
}

static void fresh_values(struct job *job)
{
    nn_values_destroy(job->values);
    check(nn_values_create(job->graph, job->weights, true, NULL, 0, &job->values, &err));
}

static void infer(struct job *job)
{
    int64_t dim[2] = {job->batch, job->classes};
    struct nn_run *run;
    float *output = need(calloc((size_t)(job->batch * job->classes), sizeof *output));

    if ((int)nn_shape_elements(nn_graph_shape(job->graph, nn_graph_count(job->graph) - 1)) !=
        job->classes) {
        fputs("parity_run: another number of classes\n", stderr);
        exit(1);
    }
    check(nn_run_create(job->graph, job->values, job->batch, NN_RUN_INFER, job->pool, &run, &err));
    check(nn_run_forward(run, job->x, job->batch, output, &err));
    keep(job, "output", "", output, 2, dim);
    nn_run_destroy(run);
    free(output);
}

static void explain(struct job *job)
{
    int scores = nn_graph_scores(job->graph);
    struct nn_run *run;
    float *gradient = need(calloc((size_t)(job->batch * job->classes), sizeof *gradient));

    check(
        nn_run_create(job->graph, job->values, job->batch, NN_RUN_EXPLAIN, job->pool, &run, &err));
    check(nn_run_keep_all(run, &err));
    check(nn_run_forward(run, job->x, job->batch, NULL, &err));
    for (int i = 0; i < nn_graph_count(job->graph); i++) {
        const struct nn_layer *layer = nn_graph_layer(job->graph, i);
        if (layer->op != NN_OP_INPUT)
            keep_activation(job, layer->relu && layer->op != NN_OP_RELU ? "fused" : "forward", run,
                            i);
    }
    for (int i = 0; i < job->batch; i++)
        gradient[i * job->classes + job->labels[i]] = 1;
    check(nn_run_backward(run, scores, gradient, &err));
    const struct nn_tensor *x = nn_weights_find(job->input, "input");
    keep(job, "input_gradient", "", nn_run_input_gradient(run), 4, x->dim);
    nn_run_destroy(run);
    free(gradient);
}

static void keep_sides(struct job *job, const struct nn_run *run, const char *optimiser, int step)
{
    for (int i = 0; i < nn_graph_count(job->graph); i++) {
        bool pooled = false;
        char kind[64];
        for (int j = 0; j < nn_graph_count(job->graph); j++) {
            const struct nn_layer *reader = nn_graph_layer(job->graph, j);
            pooled = pooled || (reader->op == NN_OP_MAX_POOL && reader->from[0] == i);
        }
        bool relu = nn_graph_layer(job->graph, i)->relu;
        snprintf(kind, sizeof kind, "side/%s/%d/%s", optimiser, step, relu ? "relu" : "pool");
        if (relu || pooled)
            keep_activation(job, kind, run, i);
    }
}

static void train(struct job *job, enum nn_optimiser_kind kind, double rate)
{
    int count = nn_graph_parameter_count(job->graph);
    const float **gradients = need(calloc((size_t)count, sizeof *gradients));
    float losses[STEPS_MOST];
    int64_t dim[1] = {job->steps};
    struct nn_optimiser_settings settings = {.kind = kind,
                                             .momentum = 0.95,
                                             .beta1 = 0.9,
                                             .beta2 = 0.999,
                                             .epsilon = 1e-8,
                                             .weight_decay = 5e-4};
    struct nn_optimiser *optimiser;
    struct nn_run *run;
    double loss;

    fresh_values(job);
    check(nn_run_create_training(job->graph, job->values, job->batch, NULL, job->pool, &run, &err));
    check(nn_run_keep_all(run, &err));
    check(nn_optimiser_create(job->graph, &settings, NULL, job->pool, &optimiser, &err));
    for (int step = 0; step < job->steps; step++) {
        nn_run_zero_gradients(run);
        check(nn_run_train_step(run, job->x, job->labels, job->batch, 1, (uint64_t)step, NULL, 0,
                                &loss, NULL, &err));
        losses[step] = (float)loss;
        if (step < job->told_steps)
            keep_sides(job, run, nn_optimiser_kind_name(kind), step);
        for (int i = 0; i < count; i++) {
            gradients[i] = nn_run_parameter_gradient(run, i);
            if (step == 0 && kind == NN_SGD && gradients[i] != NULL)
                keep_parameter(job, "gradient", i, gradients[i]);
        }
        check(nn_optimiser_step(optimiser, gradients, job->values, rate, NULL, &err));
    }
    keep(job, "loss", nn_optimiser_kind_name(kind), losses, 1, dim);
    for (int i = 0; i < count && kind == NN_SGD; i++)
        if (nn_graph_parameter(job->graph, i)->statistic)
            keep_parameter(job, "statistic", i, nn_values_peek(job->values, i));
    nn_optimiser_destroy(optimiser);
    nn_run_destroy(run);
    free(gradients);
}

static void open_output(struct job *job, const char *path)
{
    char index[4096];

    snprintf(index, sizeof index, "%s.index", path);
    job->out = fopen(path, "wb");
    job->index = fopen(index, "w");
    if (job->out == NULL || job->index == NULL) {
        fprintf(stderr, "parity_run: %s cannot be written\n", path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct job job = {.told_steps = 1, .steps = STEPS_MOST};

    if (argc == 11)
        job.steps = (int)strtol(argv[10], NULL, 10);
    if (argc < 7 || argc == 8 || argc > 11 || job.steps < 1 || job.steps > STEPS_MOST) {
        fputs("usage: parity_run NETWORK SIDE WEIGHTS INPUT OUT EXPORT "
              "[SGD-RATE ADAM-RATE [TOLD-STEPS [STEPS]]]\n",
              stderr);
        return 64;
    }
    if (argc >= 10)
        job.told_steps = (int)strtol(argv[9], NULL, 10);
    job.pool = need(nn_pool_create(2));
    open_input(&job, argv[4]);
    open_network(&job, argv[1], (int)strtol(argv[2], NULL, 10), argv[3], argv[5]);
    open_output(&job, argv[5]);
    fresh_values(&job);
    infer(&job);
    if (strcmp(argv[6], "-") != 0)
        check(nn_onnx_write(argv[6], job.graph, job.values, 1, NULL, 0, &err));
    if (argc >= 9) {
        explain(&job);
        train(&job, NN_SGD, strtod(argv[7], NULL));
        train(&job, NN_ADAM, strtod(argv[8], NULL));
    }
    bool written = fclose(job.out) == 0;
    written = fclose(job.index) == 0 && written;
    nn_values_destroy(job.values);
    nn_weights_close(job.weights);
    nn_weights_close(job.input);
    nn_onnx_close(job.onnx);
    nn_graph_destroy(job.own);
    nn_pool_destroy(job.pool);
    return written ? 0 : 1;
}
