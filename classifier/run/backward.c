/* Backward: one task pulls one block of d(loss)/d(one activation), or adds to one block of a
 * weight's gradient. */
#include "execute_internal.h"
#include <string.h>

#define MASKED 4 /* times CACHED_FLOATS: what of a gradient is made before it is masked */

/* Where a task works: one sample, channels c0..c1 of it, which are floats i0..i1; of each channel
 * rows r0..r1, all of them but where a convolution alone passes its gradient back. */
struct place {
    int sample, c0, c1, r0, r1;
    size_t i0, i1;
    bool add; /* to what is there; else the first share is stored */
};

/* Adds d(concat) to the gradient of one part, as often as the concat holds it. */
static void join_share(const struct nn_run *run, int id, int part, int sample, size_t i0, size_t i1)
{
    const struct nn_layer *layer = &run->layers[id];
    const float *from = gradient(run, id, sample);
    for (int i = 0; i < layer->from_count; i++) {
        if (layer->from[i] == part)
            nn_add(from + i0, gradient(run, part, sample) + i0, i1 - i0);
        from += nn_shape_elements(run->layers[layer->from[i]].shape);
    }
}

/* One factor's share: the gradient times the other factor. */
static void mul_share(const struct nn_run *run, int mul, int id, struct place at)
{
    const struct nn_layer *layer = &run->layers[mul];
    const float *a = activation(run, layer->from[0], at.sample);
    const float *b = activation(run, layer->from[1], at.sample);
    const float *dy = gradient(run, mul, at.sample);
    float *dx = gradient(run, id, at.sample);
    bool per_channel = is_per_channel(run, mul);

    if (layer->from[0] == id)
        nn_multiply_backward(layer->shape, dy, b, per_channel, dx, at.c0, at.c1);
    if (layer->from[1] == id && per_channel)
        nn_multiply_backward_channel(layer->shape, dy, a, dx, at.c0, at.c1);
    else if (layer->from[1] == id)
        nn_multiply_backward(layer->shape, dy, a, false, dx, at.c0, at.c1);
}

/* Whether the one layer that passes back to this one masks the gradient, too. */
static bool masks(const struct nn_run *run, int id)
{
    const struct nn_node *node = &run->nodes[id];
    return run->layers[id].relu && node->consumer_count == 1 &&
           run->layers[node->consumers[0]].op == NN_OP_LRN && run->nodes[node->consumers[0]].active;
}

/* Adds what a layer that shapes its input passes back to channels c0..c1. */
static void add_window_share(const struct nn_run *run, int consumer, int id, struct place at,
                             float *scratch)
{
    const struct nn_layer *layer = &run->layers[consumer];
    const struct nn_node *node = &run->nodes[consumer];
    struct nn_shape in = run->layers[id].shape, out = layer->shape;
    const float *x = activation(run, id, at.sample), *y = activation(run, consumer, at.sample);
    const float *dy = gradient(run, consumer, at.sample);
    float *dx = gradient(run, id, at.sample);
    int c0 = at.c0, c1 = at.c1;

    switch (layer->op) {
    case NN_OP_CONV2D:
        nn_conv2d_backward_input(&layer->conv, in, out, dy, node->weight, node->packed[1], dx,
                                 (struct nn_tile){at.r0, at.r1, c0, c1}, at.add, scratch);
        break;
    case NN_OP_MAX_POOL:
        nn_max_pool_backward(&layer->pool, in, out, x, y, dy, dx, at.add, c0, c1, scratch);
        break;
    case NN_OP_AVG_POOL:
        nn_avg_pool_backward(&layer->pool, in, out, dy, dx, c0, c1);
        break;
    case NN_OP_LRN:
        nn_lrn_backward(&layer->lrn, in, x, dy, dx, at.add, masks(run, id), c0, c1, scratch);
        break;
    case NN_OP_BATCH_NORM:
        nn_batch_norm_backward(out, x, dy, node->weight, norm_mean(run, consumer),
                               norm_variance(run, consumer), layer->norm.epsilon, node->sum_dy,
                               node->sum_dy_xhat, run->batch, dx, c0, c1);
        break;
    case NN_OP_MUL:
        mul_share(run, consumer, id, at);
        break;
    case NN_OP_PAD:
        nn_pad_backward(in, out, layer->pad.top, layer->pad.left, dy, dx, c0, c1);
        break;
    default:
        break;
    }
}

/* The same of the other layers, for floats i0..i1. */
static void add_element_share(const struct nn_run *run, int consumer, int id, struct place at)
{
    const struct nn_layer *layer = &run->layers[consumer];
    const float *x = activation(run, id, at.sample), *y = activation(run, consumer, at.sample);
    const float *dy = gradient(run, consumer, at.sample);
    float *dx = gradient(run, id, at.sample);
    size_t i0 = at.i0, i1 = at.i1, count = i1 - i0;

    switch (layer->op) {
    case NN_OP_RELU: /* its gradient is masked already */
        nn_add(dy + i0, dx + i0, count);
        break;
    case NN_OP_SIGMOID:
        nn_sigmoid_backward(y + i0, dy + i0, dx + i0, count);
        break;
    case NN_OP_SILU:
        nn_silu_backward(x + i0, dy + i0, dx + i0, count);
        break;
    case NN_OP_CLIP:
        nn_clip_backward(layer->clip.low, layer->clip.high, x + i0, dy + i0, dx + i0, count);
        break;
    case NN_OP_DROPOUT:
        if (run->mode == NN_RUN_TRAIN)
            nn_dropout_backward(layer->rate, dropout_key(run, consumer, at.sample), dy, dx, i0, i1);
        else
            nn_add(dy + i0, dx + i0, count);
        break;
    case NN_OP_ADD: /* masked already */
        for (int i = 0; i < layer->from_count; i++)
            if (layer->from[i] == id)
                nn_add(dy + i0, dx + i0, count);
        break;
    case NN_OP_CONCAT:
    case NN_OP_RESHAPE:
        join_share(run, consumer, id, at.sample, i0, i1);
        break;
    case NN_OP_SOFTMAX:
        nn_softmax_backward(layer->shape.c, y, dy, dx, (int)i0, (int)i1);
        break;
    default:
        break;
    }
}

/* Floats i0..i1 of samples s0..s1 of a fully connected layer's input; each gets its outputs' shares
 * in order. */
static void add_linear_share(const struct nn_run *run, int consumer, int id, int s0, int s1,
                             struct place at)
{
    int in = (int)nn_shape_elements(run->layers[id].shape), out = run->layers[consumer].shape.c;
    int rows = rows_in_cache(at.i1 - at.i0);
    const float *w = run->nodes[consumer].weight;
    for (int o = 0; o < out; o += rows)
        for (int sample = s0; sample < s1; sample++)
            nn_linear_backward_input(in, least(rows, out - o), gradient(run, consumer, sample) + o,
                                     w + (size_t)o * (size_t)in, gradient(run, id, sample),
                                     (int)at.i0, (int)at.i1);
}

/* What a gradient starts as, `count` floats at `offset`: its seed or zero, unless it lies in a
 * concat in place: then its share is there already. */
static void start_gradient(const struct nn_run *run, int id, int sample, size_t offset,
                           size_t count)
{
    const struct nn_node *node = &run->nodes[id];
    size_t elements = nn_shape_elements(run->layers[id].shape);
    bool filled = node->parent >= 0 && run->nodes[node->parent].active;
    float *to = gradient(run, id, sample) + offset;
    const float *seed = node->seed == NULL ? NULL : node->seed + (size_t)sample * elements + offset;

    if (!filled && seed == NULL)
        memset(to, 0, count * sizeof *to);
    else if (!filled)
        memcpy(to, seed, count * sizeof *to);
    else if (seed != NULL)
        nn_add(seed, to, count);
}

static void mask_gradient(const struct nn_run *run, int id, int sample, size_t offset, size_t count)
{
    if (run->layers[id].relu && !masks(run, id))
        nn_relu_mask(activation(run, id, sample) + offset, gradient(run, id, sample) + offset,
                     count);
}

/* What lies together of a place: all channels' floats, or some rows of each channel. */
static void each_run(const struct nn_run *run, int id, struct place at,
                     void (*act)(const struct nn_run *run, int id, int sample, size_t offset,
                                 size_t count))
{
    struct nn_shape shape = run->layers[id].shape;
    if (at.r1 - at.r0 == shape.h) {
        act(run, id, at.sample, at.i0, at.i1 - at.i0);
        return;
    }
    for (int c = at.c0; c < at.c1; c++)
        act(run, id, at.sample, ((size_t)c * (size_t)shape.h + (size_t)at.r0) * (size_t)shape.w,
            (size_t)(at.r1 - at.r0) * (size_t)shape.w);
}

/* The parts of a concat that floats i0..i1 of it are. (A concat has no rows of its own.) */
static void mask_parts(const struct nn_run *run, int id, struct place at)
{
    const struct nn_layer *join = &run->layers[id];
    size_t begin = 0;
    for (int i = 0; nn_is_join(join) && i < join->from_count; i++) {
        int part = join->from[i];
        size_t end = begin + nn_shape_elements(run->layers[part].shape);
        size_t first = at.i0 > begin ? at.i0 : begin, last = at.i1 < end ? at.i1 : end;
        if (run->nodes[part].parent == id && nn_masked_by_parent(run, part) && first < last)
            mask_gradient(run, part, at.sample, first - begin, last - first);
        begin = end;
    }
}

/* Whether the first share need not find zeros: it comes from a layer that can store. */
static bool stores_first(const struct nn_run *run, int id)
{
    const struct nn_node *node = &run->nodes[id];
    bool filled = node->parent >= 0 && run->nodes[node->parent].active;

    if (filled || node->seed != NULL)
        return false;
    for (int i = 0; i < node->consumer_count; i++) {
        enum nn_op op = run->layers[node->consumers[i]].op;
        if (run->nodes[node->consumers[i]].active && node->consumers[i] != node->parent)
            return op == NN_OP_CONV2D || op == NN_OP_MAX_POOL || op == NN_OP_LRN;
    }
    return false;
}

/* A place in samples s0..s1 of d(loss)/d(activation), before the layer's fused ReLU when it has
 * one. */
static void pull_samples(const struct nn_run *run, int id, int s0, int s1, struct place at,
                         float *scratch)
{
    const struct nn_node *node = &run->nodes[id];

    at.add = !stores_first(run, id);
    for (at.sample = s0; at.add && at.sample < s1; at.sample++)
        each_run(run, id, at, start_gradient);
    for (int i = 0; i < node->consumer_count; i++) {
        int consumer = node->consumers[i];
        enum nn_op op = run->layers[consumer].op;
        if (!run->nodes[consumer].active || consumer == node->parent)
            continue;
        if (op == NN_OP_LINEAR) {
            add_linear_share(run, consumer, id, s0, s1, at);
            continue;
        }
        for (at.sample = s0; at.sample < s1; at.sample++) {
            if (has_windows(op))
                add_window_share(run, consumer, id, at, scratch);
            else
                add_element_share(run, consumer, id, at);
        }
        at.add = true;
    }
    for (at.sample = s0; at.sample < s1; at.sample++) {
        each_run(run, id, at, mask_gradient);
        mask_parts(run, id, at);
    }
}

void nn_gradient_task(const struct nn_run *run, int id, int task, float *scratch)
{
    const struct nn_layer *layer = &run->layers[id];
    const struct nn_node *node = &run->nodes[id];
    int tasks = node->gradient_tiles * node->gradient_blocks, sample = task / tasks;
    int r0 = task % tasks / node->gradient_blocks * node->gradient_rows;
    int r1 = least(r0 + node->gradient_rows, layer->shape.h);
    int c0 = task % node->gradient_blocks * node->gradient_channels;
    int c1 = least(c0 + node->gradient_channels, layer->shape.c);
    size_t area = (size_t)layer->shape.h * (size_t)layer->shape.w;
    int step = c1 - c0; /* what a max pool alone passes back is masked while it is in a cache */

    if (node->consumer_count == 1 && run->layers[node->consumers[0]].op == NN_OP_MAX_POOL)
        step = rows_in_cache(area) * MASKED;
    for (int c = c0; c < c1; c += step) {
        int end = least(c + step, c1);
        struct place at = {sample, c, end, r0, r1, (size_t)c * area, (size_t)end * area, true};
        if (node->gradient_of_batch)
            pull_samples(run, id, 0, run->batch, at, scratch);
        else
            pull_samples(run, id, sample, sample + 1, at, scratch);
    }
}

/* Outputs k0..k1 of a fully connected layer; each weight gets its samples in order. */
static void add_linear_weight(const struct nn_run *run, int id, float *dw, int k0, int k1)
{
    int from = run->layers[id].from[0];
    size_t in = nn_shape_elements(run->layers[from].shape);
    int rows = rows_in_cache(in);
    for (int k = k0; k < k1; k += rows)
        for (int sample = 0; sample < run->batch; sample++)
            nn_linear_backward_weight((int)in, activation(run, from, sample),
                                      gradient(run, id, sample), dw, k, least(k + rows, k1));
}

/* Some rows of d(loss)/d(weight), over the batch in sample order; the first task adds the bias. */
void nn_weight_task(struct nn_run *run, int id, int task, float *scratch)
{
    const struct nn_layer *layer = &run->layers[id];
    const struct nn_node *node = &run->nodes[id];
    struct nn_shape in = run->layers[layer->from[0]].shape;
    float *dw = run->parameter_gradient[layer->weight];
    int rows = layer->op == NN_OP_LINEAR ? layer->shape.c
                                         : in.c * layer->conv.kernel_h * layer->conv.kernel_w;
    int k0 = task * node->weight_rows, k1 = least(k0 + node->weight_rows, rows);

    if (layer->op == NN_OP_LINEAR)
        add_linear_weight(run, id, dw, k0, k1);
    if (layer->op == NN_OP_CONV2D) {
        const struct nn_samples samples = {activation(run, layer->from[0], 0), gradient(run, id, 0),
                                           run->nodes[layer->from[0]].stride, node->stride,
                                           run->batch};
        nn_conv2d_backward_weight(&layer->conv, in, layer->shape, &samples, dw, k0, k1, scratch);
    }
    for (int sample = 0; task == 0 && layer->bias >= 0 && sample < run->batch; sample++)
        nn_conv2d_backward_bias(layer->shape, gradient(run, id, sample),
                                run->parameter_gradient[layer->bias]);
}

/* One block of channels of a batch norm: what its weights and its input need, over the batch. */
void nn_sums_task(struct nn_run *run, int id, int task)
{
    const struct nn_layer *layer = &run->layers[id];
    const struct nn_node *node = &run->nodes[id];
    int from = layer->from[0], c0 = task * node->norm_channels;
    int c1 = least(c0 + node->norm_channels, layer->shape.c);
    float *dw = run->parameter_gradient[layer->weight];
    float *db = run->parameter_gradient[layer->bias];

    nn_batch_norm_sums(layer->shape, activation(run, from, 0), run->nodes[from].stride,
                       gradient(run, id, 0), node->stride, run->batch, node->mean, node->variance,
                       layer->norm.epsilon, node->sum_dy, node->sum_dy_xhat, c0, c1);
    for (int c = c0; c < c1; c++) {
        dw[c] += (float)node->sum_dy_xhat[c];
        db[c] += (float)node->sum_dy[c];
    }
}
