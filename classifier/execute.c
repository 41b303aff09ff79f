/* One task of one job: finds the sample and block, and calls the layer's mathematics. */
#include "ops/ops.h"
#include "run_internal.h"
#include <string.h>

int nn_job_tasks(const struct nn_run *run, const struct nn_job *job)
{
    const struct nn_node *node = &run->nodes[job->layer];
    switch (job->kind) {
    case NN_JOB_FORWARD:
        return node->tiles * node->blocks * run->batch;
    case NN_JOB_GRADIENT:
        return node->active ? node->gradient_blocks * run->batch : 0;
    case NN_JOB_WEIGHT:
        return node->active ? node->weight_blocks : 0;
    }
    return 0;
}

static float *activation(const struct nn_run *run, int id, int sample)
{
    return run->nodes[id].activation + (size_t)sample * run->nodes[id].stride;
}

static float *gradient(const struct nn_run *run, int id, int sample)
{
    return run->nodes[id].gradient + (size_t)sample * run->nodes[id].stride;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static uint64_t dropout_key(const struct nn_run *run, int id, int sample)
{
    return nn_dropout_key(run->seed, run->step, (uint64_t)id, (uint64_t)sample);
}

/* The parts that do not lie in place. */
static void concat_forward(const struct nn_run *run, int id, int sample)
{
    const struct nn_layer *layer = &run->graph->layers[id];
    float *to = activation(run, id, sample);
    for (int i = 0; i < layer->from_count; i++) {
        int from = layer->from[i];
        size_t elements = nn_shape_elements(run->graph->layers[from].shape);
        if (run->nodes[from].parent != id)
            memcpy(to, activation(run, from, sample), elements * sizeof *to);
        to += elements;
    }
}

static void forward(const struct nn_run *run, int id, int task, float *scratch)
{
    const struct nn_layer *layer = &run->graph->layers[id];
    const struct nn_node *node = &run->nodes[id];
    int per_sample = node->tiles * node->blocks, sample = task / per_sample;
    int tile = task % per_sample / node->blocks, block = task % node->blocks;
    int c0 = block * node->channels_per_block;
    int c1 = least(c0 + node->channels_per_block, layer->shape.c);
    struct nn_tile range = {tile * node->rows_per_tile,
                            least((tile + 1) * node->rows_per_tile, layer->shape.h), c0, c1};
    struct nn_shape in = run->graph->layers[layer->from[0]].shape, out = layer->shape;
    const float *x = activation(run, layer->from[0], sample);
    const float *w = nn_values_peek(run->values, layer->weight);
    const float *b = nn_values_peek(run->values, layer->bias);
    float *y = activation(run, id, sample);
    size_t area = (size_t)out.h * (size_t)out.w, i0 = (size_t)c0 * area, i1 = (size_t)c1 * area;

    switch (layer->op) {
    case NN_OP_INPUT:
        break;
    case NN_OP_CONV2D:
        nn_conv2d_forward(&layer->conv, in, out, x, w, b, y, range, scratch);
        break;
    case NN_OP_RELU:
        nn_relu_forward(x + i0, y + i0, i1 - i0);
        break;
    case NN_OP_MAX_POOL:
        nn_max_pool_forward(&layer->pool, in, out, x, y, c0, c1);
        break;
    case NN_OP_AVG_POOL:
        nn_avg_pool_forward(&layer->pool, in, out, x, y, c0, c1);
        break;
    case NN_OP_LRN:
        nn_lrn_forward(&layer->lrn, out, x, y, c0, c1);
        break;
    case NN_OP_CONCAT:
        concat_forward(run, id, sample);
        break;
    case NN_OP_LINEAR:
        nn_linear_forward((int)nn_shape_elements(in), x, w, b, y, c0, c1, layer->relu);
        break;
    case NN_OP_DROPOUT:
        if (run->mode == NN_RUN_TRAIN)
            nn_dropout_forward(layer->rate, dropout_key(run, id, sample), x, y, i0, i1);
        else
            memcpy(y + i0, x + i0, (i1 - i0) * sizeof *y);
        break;
    case NN_OP_SOFTMAX:
        nn_softmax_forward(out.c, x, y);
        break;
    default:
        break;
    }
}

/* Adds d(concat) to the gradient of one part, as often as the concat holds it. */
static void concat_share(const struct nn_run *run, int id, int part, int sample, size_t i0,
                         size_t i1)
{
    const struct nn_layer *layer = &run->graph->layers[id];
    const float *from = gradient(run, id, sample);
    for (int i = 0; i < layer->from_count; i++) {
        if (layer->from[i] == part)
            nn_add(from + i0, gradient(run, part, sample) + i0, i1 - i0);
        from += nn_shape_elements(run->graph->layers[layer->from[i]].shape);
    }
}

/* Adds what `consumer` passes back to channels c0..c1 of d(loss)/d(activation of id). */
static void add_share(const struct nn_run *run, int consumer, int id, int sample, int c0, int c1,
                      float *scratch)
{
    const struct nn_layer *layer = &run->graph->layers[consumer];
    struct nn_shape in = run->graph->layers[id].shape, out = layer->shape;
    const float *x = activation(run, id, sample), *y = activation(run, consumer, sample);
    const float *dy = gradient(run, consumer, sample);
    const float *w = nn_values_peek(run->values, layer->weight);
    float *dx = gradient(run, id, sample);
    size_t area = (size_t)in.h * (size_t)in.w, i0 = (size_t)c0 * area, i1 = (size_t)c1 * area;

    switch (layer->op) {
    case NN_OP_INPUT:
        break;
    case NN_OP_CONV2D:
        nn_conv2d_backward_input(&layer->conv, in, out, dy, w, dx, c0, c1, scratch);
        break;
    case NN_OP_RELU: /* its gradient is masked already */
        nn_add(dy + i0, dx + i0, i1 - i0);
        break;
    case NN_OP_MAX_POOL:
        nn_max_pool_backward(&layer->pool, in, out, x, y, dy, dx, c0, c1, scratch);
        break;
    case NN_OP_AVG_POOL:
        nn_avg_pool_backward(&layer->pool, in, out, dy, dx, c0, c1);
        break;
    case NN_OP_LRN:
        nn_lrn_backward(&layer->lrn, in, x, dy, dx, c0, c1, scratch);
        break;
    case NN_OP_CONCAT:
        concat_share(run, consumer, id, sample, i0, i1);
        break;
    case NN_OP_LINEAR:
        nn_linear_backward_input((int)nn_shape_elements(in), out.c, dy, w, dx, (int)i0, (int)i1);
        break;
    case NN_OP_DROPOUT:
        if (run->mode == NN_RUN_TRAIN)
            nn_dropout_backward(layer->rate, dropout_key(run, consumer, sample), dy, dx, i0, i1);
        else
            nn_add(dy + i0, dx + i0, i1 - i0);
        break;
    case NN_OP_SOFTMAX:
        nn_softmax_backward(out.c, y, dy, dx, (int)i0, (int)i1);
        break;
    default:
        break;
    }
}

/* Some channels of d(loss)/d(activation), before the layer's fused ReLU when it has one. */
static void pull_gradient(const struct nn_run *run, int id, int task, float *scratch)
{
    const struct nn_layer *layer = &run->graph->layers[id];
    const struct nn_node *node = &run->nodes[id];
    int sample = task / node->gradient_blocks;
    int c0 = task % node->gradient_blocks * node->gradient_channels;
    int c1 = least(c0 + node->gradient_channels, layer->shape.c);
    size_t area = (size_t)layer->shape.h * (size_t)layer->shape.w;
    size_t i0 = (size_t)c0 * area, count = (size_t)(c1 - c0) * area;
    float *to = gradient(run, id, sample) + i0;
    /* in place in a concat: its gradient is there already */
    bool filled = node->parent >= 0 && run->nodes[node->parent].active;

    if (id == run->start)
        memcpy(to, run->start_gradient + (size_t)sample * nn_shape_elements(layer->shape) + i0,
               count * sizeof *to);
    else if (!filled)
        memset(to, 0, count * sizeof *to);
    for (int i = 0; i < node->consumer_count; i++)
        if (run->nodes[node->consumers[i]].active && node->consumers[i] != node->parent)
            add_share(run, node->consumers[i], id, sample, c0, c1, scratch);
    if (layer->relu)
        nn_relu_mask(activation(run, id, sample) + i0, to, count);
}

/* Some rows of d(loss)/d(weight), over the batch in sample order; the first task adds the bias. */
static void add_weight_gradient(struct nn_run *run, int id, int task, float *scratch)
{
    const struct nn_layer *layer = &run->graph->layers[id];
    const struct nn_node *node = &run->nodes[id];
    struct nn_shape in = run->graph->layers[layer->from[0]].shape;
    float *dw = run->parameter_gradient[layer->weight];
    float *db = run->parameter_gradient[layer->bias];
    int rows = layer->op == NN_OP_LINEAR ? layer->shape.c
                                         : in.c * layer->conv.kernel_h * layer->conv.kernel_w;
    int k0 = task * node->weight_rows, k1 = least(k0 + node->weight_rows, rows);

    for (int sample = 0; sample < run->batch; sample++) {
        const float *x = activation(run, layer->from[0], sample);
        const float *dy = gradient(run, id, sample);
        if (layer->op == NN_OP_LINEAR)
            nn_linear_backward_weight((int)nn_shape_elements(in), x, dy, dw, k0, k1);
        else
            nn_conv2d_backward_weight(&layer->conv, in, layer->shape, x, dy, dw, k0, k1, scratch);
        if (task == 0)
            nn_conv2d_backward_bias(layer->shape, dy, db);
    }
}

void nn_job_run(struct nn_run *run, const struct nn_job *job, int task, float *scratch)
{
    switch (job->kind) {
    case NN_JOB_FORWARD:
        forward(run, job->layer, task, scratch);
        break;
    case NN_JOB_GRADIENT:
        pull_gradient(run, job->layer, task, scratch);
        break;
    case NN_JOB_WEIGHT:
        add_weight_gradient(run, job->layer, task, scratch);
        break;
    }
}
