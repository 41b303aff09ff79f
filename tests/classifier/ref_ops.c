#include "ref_ops.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t at(struct nn_shape shape, int c, int h, int w)
{
    return ((size_t)c * (size_t)shape.h + (size_t)h) * (size_t)shape.w + (size_t)w;
}

static bool inside(struct nn_shape shape, int h, int w)
{
    return h >= 0 && w >= 0 && h < shape.h && w < shape.w;
}

void ref_conv2d(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                const double *x, const double *w, const double *b, double *y)
{
    int ins = in.c / conv->groups, outs = out.c / conv->groups;
    for (int o = 0; o < out.c; o++)
        for (int r = 0; r < out.h; r++)
            for (int q = 0; q < out.w; q++) {
                double sum = b == NULL ? 0 : b[o];
                for (int i = 0; i < ins; i++)
                    for (int kh = 0; kh < conv->kernel_h; kh++)
                        for (int kw = 0; kw < conv->kernel_w; kw++) {
                            int h = r * conv->stride_h - conv->pad_h + kh;
                            int v = q * conv->stride_w - conv->pad_w + kw;
                            int k = ((o * ins + i) * conv->kernel_h + kh) * conv->kernel_w + kw;
                            if (inside(in, h, v))
                                sum += w[k] * x[at(in, o / outs * ins + i, h, v)];
                        }
                y[at(out, o, r, q)] = conv->relu && sum < 0 ? 0 : sum;
            }
}

void ref_conv2d_backward(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                         const double *x, const double *w, const double *dy, double *dx, double *dw)
{
    int ins = in.c / conv->groups, outs = out.c / conv->groups;
    memset(dx, 0, nn_shape_elements(in) * sizeof *dx);
    memset(dw, 0, (size_t)(out.c * ins * conv->kernel_h * conv->kernel_w) * sizeof *dw);
    for (int o = 0; o < out.c; o++)
        for (int r = 0; r < out.h; r++)
            for (int q = 0; q < out.w; q++)
                for (int i = 0; i < ins; i++)
                    for (int kh = 0; kh < conv->kernel_h; kh++)
                        for (int kw = 0; kw < conv->kernel_w; kw++) {
                            int h = r * conv->stride_h - conv->pad_h + kh;
                            int v = q * conv->stride_w - conv->pad_w + kw;
                            int k = ((o * ins + i) * conv->kernel_h + kh) * conv->kernel_w + kw;
                            if (!inside(in, h, v))
                                continue;
                            size_t from = at(in, o / outs * ins + i, h, v);
                            dx[from] += w[k] * dy[at(out, o, r, q)];
                            dw[k] += x[from] * dy[at(out, o, r, q)];
                        }
}

void ref_pool(const struct nn_pool2d *pool, bool max, struct nn_shape in, struct nn_shape out,
              const double *x, double *y)
{
    for (int c = 0; c < out.c; c++)
        for (int r = 0; r < out.h; r++)
            for (int q = 0; q < out.w; q++) {
                double best = -INFINITY, sum = 0;
                int cells = 0;
                for (int kh = 0; kh < pool->kernel_h; kh++)
                    for (int kw = 0; kw < pool->kernel_w; kw++) {
                        int h = r * pool->stride_h - pool->pad_h + kh;
                        int w = q * pool->stride_w - pool->pad_w + kw;
                        cells += pool->count_padding && h < in.h + pool->pad_h &&
                                 w < in.w + pool->pad_w && !inside(in, h, w);
                        if (!inside(in, h, w))
                            continue;
                        best = fmax(best, x[at(in, c, h, w)]);
                        sum += x[at(in, c, h, w)];
                        cells++;
                    }
                y[at(out, c, r, q)] = max ? best : sum / cells;
            }
}

void ref_lrn(const struct nn_lrn *lrn, struct nn_shape shape, const double *x, double *y)
{
    for (int c = 0; c < shape.c; c++)
        for (int h = 0; h < shape.h; h++)
            for (int w = 0; w < shape.w; w++) {
                double sum = 0;
                for (int j = c - lrn->size / 2; j <= c + lrn->size / 2; j++)
                    if (j >= 0 && j < shape.c)
                        sum += x[at(shape, j, h, w)] * x[at(shape, j, h, w)];
                double scale = (double)lrn->k + (double)lrn->alpha / lrn->size * sum;
                y[at(shape, c, h, w)] = x[at(shape, c, h, w)] * pow(scale, -(double)lrn->beta);
            }
}

void ref_linear(size_t in, size_t out, const double *x, const double *w, const double *b, double *y)
{
    for (size_t o = 0; o < out; o++) {
        y[o] = b == NULL ? 0 : b[o];
        for (size_t i = 0; i < in; i++)
            y[o] += w[o * in + i] * x[i];
    }
}

static uint64_t finalise(uint64_t z)
{
    z ^= z >> 30;
    z *= UINT64_C(0xbf58476d1ce4e5b9);
    z ^= z >> 27;
    z *= UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void ref_dropout(float rate, uint64_t seed, uint64_t step, uint64_t layer, uint64_t sample,
                 size_t count, const double *x, double *y)
{
    const uint64_t words[] = {seed, step, layer, sample}, golden = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t key = 0;
    for (int i = 0; i < 4; i++)
        key = finalise(key ^ (words[i] + golden));
    for (size_t i = 0; i < count; i++) {
        double u = ldexp((double)(finalise(key + golden * (i + 1)) >> 40), -24);
        y[i] = u < (double)rate ? 0 : x[i] / (1 - (double)rate);
    }
}

void ref_statistics(struct nn_shape shape, int batch, const double *x, double *mean,
                    double *variance)
{
    size_t area = (size_t)shape.h * (size_t)shape.w, sample = area * (size_t)shape.c;
    double count = (double)area * batch;
    for (int c = 0; c < shape.c; c++) {
        mean[c] = variance[c] = 0;
        for (int s = 0; s < batch; s++)
            for (size_t i = 0; i < area; i++)
                mean[c] += x[(size_t)s * sample + (size_t)c * area + i] / count;
        for (int s = 0; s < batch; s++)
            for (size_t i = 0; i < area; i++)
                variance[c] +=
                    pow(x[(size_t)s * sample + (size_t)c * area + i] - mean[c], 2) / count;
    }
}

void ref_batch_norm(struct nn_shape shape, int batch, const double *x, const double *gamma,
                    const double *beta, const double *mean, const double *variance, double epsilon,
                    double *y)
{
    size_t area = (size_t)shape.h * (size_t)shape.w, count = area * (size_t)shape.c * (size_t)batch;
    for (size_t i = 0; i < count; i++) {
        size_t c = i / area % (size_t)shape.c;
        y[i] = gamma[c] * (x[i] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c];
    }
}

double ref_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

double ref_silu(double x)
{
    return x * ref_sigmoid(x);
}

double ref_clip(double low, double high, double x)
{
    return x < low ? low : x > high ? high : x;
}

void ref_multiply(struct nn_shape shape, const double *a, const double *b, bool per_channel,
                  double *y)
{
    size_t area = (size_t)shape.h * (size_t)shape.w;
    for (size_t i = 0; i < nn_shape_elements(shape); i++)
        y[i] = a[i] * b[per_channel ? i / area : i];
}

void ref_pad(struct nn_shape in, struct nn_shape out, int top, int left, double value,
             const double *x, double *y)
{
    for (int c = 0; c < out.c; c++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                y[at(out, c, h, w)] =
                    inside(in, h - top, w - left) ? x[at(in, c, h - top, w - left)] : value;
}

void ref_softmax(int count, const double *x, double *y)
{
    double top = x[0], sum = 0;
    for (int i = 1; i < count; i++)
        top = fmax(top, x[i]);
    for (int i = 0; i < count; i++)
        sum += exp(x[i] - top);
    for (int i = 0; i < count; i++)
        y[i] = exp(x[i] - top) / sum;
}

static void *checked(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

struct ref_net *ref_create(const struct nn_graph *graph, const struct nn_values *values)
{
    struct ref_net *net = checked(calloc(1, sizeof *net));
    net->graph = graph;
    net->parameter = checked(calloc((size_t)graph->parameter_count + 1, sizeof(double *)));
    net->activation = checked(calloc((size_t)graph->count, sizeof(double *)));
    for (int i = 0; i < graph->parameter_count; i++) {
        size_t count = graph->parameters[i].elements;
        net->parameter[i] = checked(calloc(count, sizeof(double)));
        for (size_t j = 0; j < count; j++)
            net->parameter[i][j] = (double)nn_values_peek(values, i)[j];
    }
    for (int i = 0; i < graph->count; i++)
        net->activation[i] = checked(
            calloc(nn_shape_elements(graph->layers[i].shape) * REF_MAX_BATCH, sizeof(double)));
    return net;
}

void ref_destroy(struct ref_net *net)
{
    for (int i = 0; i < net->graph->parameter_count; i++)
        free(net->parameter[i]);
    for (int i = 0; i < net->graph->count; i++)
        free(net->activation[i]);
    free(net->parameter);
    free(net->activation);
    free(net);
}

static size_t elements(const struct ref_net *net, int id)
{
    return nn_shape_elements(net->graph->layers[id].shape);
}

static const double *input_of(const struct ref_net *net, const struct nn_layer *layer, int i,
                              int slot)
{
    return net->activation[layer->from[i]] + (size_t)slot * elements(net, layer->from[i]);
}

static const double *parameter(const struct ref_net *net, int number)
{
    return number < 0 ? NULL : net->parameter[number];
}

static void concat(const struct ref_net *net, const struct nn_layer *layer, int slot, double *y)
{
    for (int i = 0; i < layer->from_count; i++) {
        size_t count = elements(net, layer->from[i]);
        memcpy(y, input_of(net, layer, i, slot), count * sizeof *y);
        y += count;
    }
}

static void add(const struct ref_net *net, const struct nn_layer *layer, int slot, double *y)
{
    size_t count = nn_shape_elements(layer->shape);
    for (size_t i = 0; i < count; i++) {
        y[i] = 0;
        for (int j = 0; j < layer->from_count; j++)
            y[i] += input_of(net, layer, j, slot)[i];
        y[i] = layer->relu && y[i] < 0 ? 0 : y[i];
    }
}

static void multiply(const struct ref_net *net, const struct nn_layer *layer, int slot, double *y)
{
    struct nn_shape b = net->graph->layers[layer->from[1]].shape, out = layer->shape;
    ref_multiply(out, input_of(net, layer, 0, slot), input_of(net, layer, 1, slot),
                 b.h * b.w == 1 && out.h * out.w != 1, y);
}

static void batch_norm(const struct ref_net *net, int id, int batch)
{
    const struct nn_layer *layer = &net->graph->layers[id];
    size_t channels = (size_t)layer->shape.c;
    const double *x = net->activation[layer->from[0]];
    const double *mean = parameter(net, layer->running_mean);
    const double *variance = parameter(net, layer->running_var);
    double *own = checked(calloc(2 * channels, sizeof *own));
    if (net->training && (net->frozen == NULL || !net->frozen[id])) {
        ref_statistics(layer->shape, batch, x, own, own + channels);
        mean = own;
        variance = own + channels;
    }
    ref_batch_norm(layer->shape, batch, x, parameter(net, layer->weight),
                   parameter(net, layer->bias), mean, variance, (double)layer->norm.epsilon,
                   net->activation[id]);
    free(own);
}

static double elementwise(const struct nn_layer *layer, double x)
{
    switch (layer->op) {
    case NN_OP_RELU:
        return x < 0 ? 0 : x;
    case NN_OP_SIGMOID:
        return ref_sigmoid(x);
    case NN_OP_SILU:
        return ref_silu(x);
    case NN_OP_CLIP:
        return ref_clip((double)layer->clip.low, (double)layer->clip.high, x);
    default: /* reshape */
        return x;
    }
}

static void run_layer(const struct ref_net *net, int id, int slot, int sample)
{
    const struct nn_layer *layer = &net->graph->layers[id];
    struct nn_shape in = net->graph->layers[layer->from[0]].shape, out = layer->shape;
    const double *x = input_of(net, layer, 0, slot);
    const double *w = parameter(net, layer->weight), *b = parameter(net, layer->bias);
    size_t count = nn_shape_elements(out);
    double *y = net->activation[id] + (size_t)slot * count;

    switch (layer->op) {
    case NN_OP_CONV2D:
        ref_conv2d(&layer->conv, in, out, x, w, b, y);
        break;
    case NN_OP_MAX_POOL:
    case NN_OP_AVG_POOL:
        ref_pool(&layer->pool, layer->op == NN_OP_MAX_POOL, in, out, x, y);
        break;
    case NN_OP_LRN:
        ref_lrn(&layer->lrn, out, x, y);
        break;
    case NN_OP_CONCAT:
        concat(net, layer, slot, y);
        break;
    case NN_OP_ADD:
        add(net, layer, slot, y);
        break;
    case NN_OP_MUL:
        multiply(net, layer, slot, y);
        break;
    case NN_OP_LINEAR:
        ref_linear(nn_shape_elements(in), count, x, w, b, y);
        for (size_t i = 0; i < count; i++)
            y[i] = layer->relu && y[i] < 0 ? 0 : y[i];
        break;
    case NN_OP_PAD:
        ref_pad(in, out, layer->pad.top, layer->pad.left, (double)layer->pad.value, x, y);
        break;
    case NN_OP_DROPOUT:
        ref_dropout(net->training ? layer->rate : 0, net->seed, net->step, (uint64_t)id,
                    (uint64_t)sample, count, x, y);
        break;
    case NN_OP_SOFTMAX:
        ref_softmax(out.c, x, y);
        break;
    default:
        for (size_t i = 0; i < count; i++)
            y[i] = elementwise(layer, x[i]);
        break;
    }
}

/* Samples first..first+batch-1 of the masks. */
static const double *run(struct ref_net *net, const double *input, int first, int batch)
{
    if (batch > REF_MAX_BATCH)
        abort();
    memcpy(net->activation[0], input, elements(net, 0) * (size_t)batch * sizeof *input);
    for (int i = 1; i < net->graph->count; i++)
        if (net->graph->layers[i].op == NN_OP_BATCH_NORM)
            batch_norm(net, i, batch);
        else
            for (int s = 0; s < batch; s++)
                run_layer(net, i, s, first + s);
    return net->activation[net->graph->count - 1];
}

const double *ref_forward(struct ref_net *net, const double *input, int sample)
{
    return run(net, input, sample, 1);
}

const double *ref_forward_batch(struct ref_net *net, const double *input, int batch)
{
    return run(net, input, 0, batch);
}
