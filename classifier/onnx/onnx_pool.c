/* onnx_pool.c: MaxPool, AveragePool, means over an image, and Pad. */
#include "graph/graph_internal.h"
#include "onnx_internal.h"
#include <float.h>
#include <math.h>

int nn_onnx_axis(int64_t axis, int rank)
{
    if (axis < 0)
        axis += rank;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}

static int64_t windows(int64_t size, int64_t kernel, int64_t stride, int64_t begin, int64_t end)
{
    return (size + begin + end - kernel) / stride + 1;
}

/* More padding at the end than at the beginning is, where the windows are as many, rounding up
 * instead: the last window hangs over. Both ways nothing outside the image is seen. */
static bool hangs_over(const struct onnx_window *w, struct nn_shape in)
{
    const int64_t size[2] = {in.h, in.w};

    for (int i = 0; i < 2; i++) {
        int64_t begin = w->pad[i], end = w->pad[i + 2], k = w->kernel[i], s = w->stride[i];
        int64_t span = size[i] + 2 * begin - k;
        if (begin >= k || span < 0)
            return false;
        int64_t up = (span + s - 1) / s + 1;
        if ((up - 1) * s >= size[i] + begin)
            up--;
        if (size[i] + begin + end < k || up != windows(size[i], k, s, begin, end))
            return false;
    }
    return true;
}

static enum nn_status pool(struct onnx_import *in, struct onnx_node *node, bool max)
{
    struct onnx_value *x;
    struct onnx_window w;
    char name[128];
    int from;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status == NN_OK && x->rank != 4)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED, "only pools over images are supported");
    if (status == NN_OK && nn_onnx_int(node, "storage_order", 0) != 0)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED, "storage_order is not supported");
    if (status == NN_OK)
        status = nn_onnx_window(in, node, x->shape, NULL, &w);
    if (status == NN_OK && w.kernel[0] == 0)
        status = nn_onnx_refuse(in, node, NN_BAD_DATA, "kernel_shape is missing");
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, x, &from);
    if (status != NN_OK)
        return status;

    bool padding_counts = !max && nn_onnx_int(node, "count_include_pad", 0) != 0;
    bool ceil_mode = nn_onnx_int(node, "ceil_mode", 0) != 0;
    bool even = w.pad[0] == w.pad[2] && w.pad[1] == w.pad[3] && w.pad[0] < w.kernel[0] &&
                w.pad[1] < w.kernel[1];
    if (!even && !padding_counts && !ceil_mode && hangs_over(&w, x->shape)) {
        ceil_mode = true;
    } else if (!even && !max && !padding_counts) {
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "the attribute pads of unlike sides is not supported here");
    } else if (!even) { /* the least number never wins against an image's */
        status = nn_onnx_padded(in, node, from, w.pad, max ? -FLT_MAX : 0, &from);
        if (status != NN_OK)
            return status;
        w.pad[0] = w.pad[1] = 0;
    }
    struct nn_pool2d p = {.kernel_h = (int)w.kernel[0],
                          .kernel_w = (int)w.kernel[1],
                          .stride_h = (int)w.stride[0],
                          .stride_w = (int)w.stride[1],
                          .pad_h = (int)w.pad[0],
                          .pad_w = (int)w.pad[1],
                          .ceil_mode = ceil_mode,
                          .count_padding = padding_counts};
    nn_onnx_name(in, node, -1, name);
    int id = max ? nn_graph_max_pool(in->out->graph, name, from, p)
                 : nn_graph_avg_pool(in->out->graph, name, from, p);
    return nn_onnx_made(in, node, id, 4);
}

enum nn_status nn_onnx_max_pool(struct onnx_import *in, struct onnx_node *node)
{
    return pool(in, node, true);
}

enum nn_status nn_onnx_average_pool(struct onnx_import *in, struct onnx_node *node)
{
    return pool(in, node, false);
}

static enum nn_status whole_mean(struct onnx_import *in, struct onnx_node *node, int rank)
{
    struct onnx_value *x;
    char name[128];
    int from;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status == NN_OK && x->rank != 4)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED, "only means over images are supported");
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, x, &from);
    if (status != NN_OK)
        return status;
    nn_onnx_name(in, node, -1, name);
    return nn_onnx_made(in, node, nn_graph_global_avg_pool(in->out->graph, name, from), rank);
}

enum nn_status nn_onnx_global_pool(struct onnx_import *in, struct onnx_node *node)
{
    return whole_mean(in, node, 4);
}

enum nn_status nn_onnx_reduce_mean(struct onnx_import *in, struct onnx_node *node)
{
    int64_t axes[2] = {0, 0};
    bool fits, given = nn_onnx_ints(node, "axes", 2, axes, &fits);
    int first = nn_onnx_axis(axes[0], 4), second = nn_onnx_axis(axes[1], 4);

    if (!given || !fits || first + second != 5 || first < 2 || second < 2)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "only the mean over rows and columns is supported (axes)");
    return whole_mean(in, node, nn_onnx_int(node, "keepdims", 1) != 0 ? 4 : 2);
}

/* The eight numbers and the value: attributes before opset 11, inputs since. */
static enum nn_status pad_numbers(struct onnx_import *in, struct onnx_node *node, int64_t pads[8],
                                  float *value)
{
    const struct onnx_constant *constant;
    enum nn_status status = NN_OK;
    bool fits = true;

    *value = nn_onnx_float(node, "value", 0);
    if (in->opset < 11) {
        if (!nn_onnx_ints(node, "pads", 8, pads, &fits))
            fits = false;
    } else {
        status = nn_onnx_input_constant(in, node, 1, &constant);
        fits = status == NN_OK && constant->i != NULL && constant->elements == 8;
        for (int i = 0; i < 8 && fits; i++)
            pads[i] = constant->i[i];
        if (status == NN_OK && fits && nn_onnx_has_input(node, 2)) {
            status = nn_onnx_input_constant(in, node, 2, &constant);
            if (status == NN_OK && (constant->f == NULL || constant->elements != 1))
                status = nn_onnx_refuse(in, node, NN_BAD_DATA, "its value is not one real number");
            if (status == NN_OK)
                *value = constant->f[0];
        }
    }
    if (status == NN_OK && !fits)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED, "pads: eight numbers are expected");
    return status;
}

enum nn_status nn_onnx_pad(struct onnx_import *in, struct onnx_node *node)
{
    struct onnx_value *x;
    int64_t pads[8];
    float value;
    int from;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status == NN_OK && nn_onnx_attribute(node, "mode") &&
        !nn_onnx_string_is(node, "mode", "constant"))
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                                "the attribute mode of other than constant is not supported");
    if (status == NN_OK && x->rank != 4)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED, "only images are padded");
    if (status == NN_OK)
        status = pad_numbers(in, node, pads, &value);
    for (int i = 0; i < 8 && status == NN_OK; i++)
        if (pads[i] < 0 || pads[i] > NN_MAX_SIDE || (i % 4 < 2 && pads[i] != 0))
            status =
                nn_onnx_refuse(in, node, NN_UNSUPPORTED, "pads of %lld at axis %d is not supported",
                               (long long)pads[i], i % 4);
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, x, &from);
    if (status != NN_OK)
        return status;
    const int64_t sides[4] = {pads[2], pads[3], pads[6], pads[7]};
    if (sides[0] == 0 && sides[1] == 0 && sides[2] == 0 && sides[3] == 0)
        return nn_onnx_same(in, node, x, 4, x->shape);
    struct onnx_node *conv = nn_onnx_sole_consumer(in, node, "Conv");
    if (value == 0 && conv != NULL && nn_onnx_output(in, node) == nn_onnx_first(in, conv)) {
        for (int i = 0; i < 4; i++)
            nn_onnx_output(in, node)->pending[i] = sides[i];
        return nn_onnx_same(in, node, x, 4, x->shape);
    }
    status = nn_onnx_padded(in, node, from, sides, value, &from);
    return status == NN_OK ? nn_onnx_made(in, node, from, 4) : status;
}
