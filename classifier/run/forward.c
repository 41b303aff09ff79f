/* Forward: one task computes one block of one layer, of one sample or of the batch. */
#include "execute_internal.h"
#include <string.h>

/* The parts that do not lie in place. */
static void join_forward(const struct nn_run *run, int id, int sample)
{
    const struct nn_layer *layer = &run->layers[id];
    float *to = activation(run, id, sample);
    for (int i = 0; i < layer->from_count; i++) {
        int from = layer->from[i];
        size_t elements = nn_shape_elements(run->layers[from].shape);
        if (run->nodes[from].parent != id)
            memcpy(to, activation(run, from, sample), elements * sizeof *to);
        to += elements;
    }
}

/* Outputs c0..c1 of all samples: the weights come from memory once. */
static void linear_forward(const struct nn_run *run, int id, int c0, int c1)
{
    const struct nn_layer *layer = &run->layers[id];
    const struct nn_node *node = &run->nodes[id];
    size_t in = nn_shape_elements(run->layers[layer->from[0]].shape);
    int rows = rows_in_cache(in);
    for (int o = c0; o < c1; o += rows)
        for (int sample = 0; sample < run->batch; sample++)
            nn_linear_forward((int)in, activation(run, layer->from[0], sample), node->weight,
                              node->bias, activation(run, id, sample), o, least(o + rows, c1),
                              layer->relu);
}

static void add_forward(const struct nn_run *run, int id, int sample, size_t i0, size_t count)
{
    const struct nn_layer *layer = &run->layers[id];
    float *y = activation(run, id, sample) + i0;
    memcpy(y, activation(run, layer->from[0], sample) + i0, count * sizeof *y);
    for (int i = 1; i < layer->from_count; i++)
        nn_add(activation(run, layer->from[i], sample) + i0, y, count);
    if (layer->relu)
        nn_relu_forward(y, y, count);
}

/* Layers that shape their input. */
static void forward_window(const struct nn_run *run, int id, struct nn_tile tile, int sample,
                           float *scratch)
{
    const struct nn_layer *layer = &run->layers[id];
    const struct nn_node *node = &run->nodes[id];
    struct nn_shape in = run->layers[layer->from[0]].shape, out = layer->shape;
    const float *x = activation(run, layer->from[0], sample);
    float *y = activation(run, id, sample);
    int c0 = tile.channel0, c1 = tile.channel1;

    switch (layer->op) {
    case NN_OP_CONV2D:
        nn_conv2d_forward(&layer->conv, in, out, x, node->weight, node->packed[0], node->bias, y,
                          tile, scratch);
        break;
    case NN_OP_MAX_POOL:
        nn_max_pool_forward(&layer->pool, in, out, x, y, c0, c1, scratch);
        break;
    case NN_OP_AVG_POOL:
        nn_avg_pool_forward(&layer->pool, in, out, x, y, c0, c1);
        break;
    case NN_OP_LRN:
        nn_lrn_forward(&layer->lrn, out, x, y, c0, c1);
        break;
    case NN_OP_BATCH_NORM:
        nn_batch_norm_forward(out, x, node->weight, node->bias, norm_mean(run, id),
                              norm_variance(run, id), layer->norm.epsilon, y, c0, c1);
        break;
    case NN_OP_MUL:
        nn_multiply_forward(out, x, activation(run, layer->from[1], sample),
                            is_per_channel(run, id), y, c0, c1);
        break;
    case NN_OP_PAD:
        nn_pad_forward(in, out, layer->pad.top, layer->pad.left, layer->pad.value, x, y, c0, c1);
        break;
    default:
        break;
    }
}

/* Layers that look at an element at a time, or at all of them. */
static void forward_elements(const struct nn_run *run, int id, int sample, size_t i0, size_t i1)
{
    const struct nn_layer *layer = &run->layers[id];
    const float *x = activation(run, layer->from[0], sample);
    float *y = activation(run, id, sample);
    size_t count = i1 - i0;

    switch (layer->op) {
    case NN_OP_RELU:
        nn_relu_forward(x + i0, y + i0, count);
        break;
    case NN_OP_SIGMOID:
        nn_sigmoid_forward(x + i0, y + i0, count);
        break;
    case NN_OP_SILU:
        nn_silu_forward(x + i0, y + i0, count);
        break;
    case NN_OP_CLIP:
        nn_clip_forward(layer->clip.low, layer->clip.high, x + i0, y + i0, count);
        break;
    case NN_OP_DROPOUT:
        if (run->mode == NN_RUN_TRAIN)
            nn_dropout_forward(layer->rate, dropout_key(run, id, sample), x, y, i0, i1);
        else
            memcpy(y + i0, x + i0, count * sizeof *y);
        break;
    case NN_OP_ADD:
        add_forward(run, id, sample, i0, count);
        break;
    case NN_OP_CONCAT:
    case NN_OP_RESHAPE:
        join_forward(run, id, sample);
        break;
    case NN_OP_SOFTMAX:
        nn_softmax_forward(layer->shape.c, x, y);
        break;
    default:
        break;
    }
}

void nn_forward_task(const struct nn_run *run, int id, int task, float *scratch)
{
    const struct nn_layer *layer = &run->layers[id];
    const struct nn_node *node = &run->nodes[id];
    int per_sample = node->tiles * node->blocks, sample = task / per_sample;
    int tile = task % per_sample / node->blocks, block = task % node->blocks;
    int c0 = block * node->channels_per_block;
    int c1 = least(c0 + node->channels_per_block, layer->shape.c);
    struct nn_tile range = {tile * node->rows_per_tile,
                            least((tile + 1) * node->rows_per_tile, layer->shape.h), c0, c1};
    size_t area = (size_t)layer->shape.h * (size_t)layer->shape.w;

    if (layer->op == NN_OP_LINEAR)
        linear_forward(run, id, c0, c1);
    else if (has_windows(layer->op))
        forward_window(run, id, range, sample, scratch);
    else
        forward_elements(run, id, sample, (size_t)c0 * area, (size_t)c1 * area);
}

/* One block of channels of a batch norm, over the batch. */
void nn_statistics_task(const struct nn_run *run, int id, int task)
{
    const struct nn_node *node = &run->nodes[id];
    int from = run->layers[id].from[0], c0 = task * node->norm_channels;
    nn_batch_norm_statistics(run->layers[id].shape, activation(run, from, 0),
                             run->nodes[from].stride, run->batch, node->mean, node->variance, c0,
                             least(c0 + node->norm_channels, run->layers[id].shape.c));
}
