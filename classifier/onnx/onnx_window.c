/* onnx_window.c: kernels, strides and pads as ONNX gives them (Operators.md, Conv and pools). */
#include "graph/graph_internal.h"
#include "onnx_internal.h"
#include <stdio.h>

static enum nn_status take_pair(struct onnx_import *in, const struct onnx_node *node,
                                const char *name, int64_t least, int64_t pair[2])
{
    bool fits;

    nn_onnx_ints(node, name, 2, pair, &fits);
    if (!fits)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "%s: two numbers are expected", name);
    for (int i = 0; i < 2; i++)
        if (pair[i] < least || pair[i] > NN_MAX_SIDE)
            return nn_onnx_refuse(in, node, NN_BAD_DATA, "%s of %lld", name, (long long)pair[i]);
    return NN_OK;
}

/* SAME: as many windows as ceil(size / stride); the odd cell goes to the end (UPPER) or the
 * beginning (LOWER). */
static enum nn_status take_pads(struct onnx_import *in, const struct onnx_node *node,
                                struct nn_shape shape, struct onnx_window *w)
{
    bool lower = nn_onnx_string_is(node, "auto_pad", "SAME_LOWER"), fits;
    const int64_t size[2] = {shape.h, shape.w};

    for (int i = 0; i < 4; i++)
        w->pad[i] = 0;
    if (lower || nn_onnx_string_is(node, "auto_pad", "SAME_UPPER")) {
        for (int i = 0; i < 2; i++) {
            int64_t windows = (size[i] + w->stride[i] - 1) / w->stride[i];
            int64_t all = (windows - 1) * w->stride[i] + w->kernel[i] - size[i];
            all = all > 0 ? all : 0;
            w->pad[i] = lower ? (all + 1) / 2 : all / 2;
            w->pad[i + 2] = all - w->pad[i];
        }
        return NN_OK;
    }
    if (nn_onnx_string_is(node, "auto_pad", "VALID"))
        return NN_OK;
    if (nn_onnx_attribute(node, "auto_pad") && !nn_onnx_string_is(node, "auto_pad", "NOTSET"))
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "the attribute auto_pad has an unknown value");
    nn_onnx_ints(node, "pads", 4, w->pad, &fits);
    if (!fits)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "pads: four numbers are expected");
    for (int i = 0; i < 4; i++)
        if (w->pad[i] < 0 || w->pad[i] > NN_MAX_SIDE)
            return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "pads of %lld", (long long)w->pad[i]);
    return NN_OK;
}

enum nn_status nn_onnx_window(struct onnx_import *in, const struct onnx_node *node,
                              struct nn_shape shape, const int64_t *kernel,
                              struct onnx_window *window)
{
    int64_t dilation[2] = {1, 1};

    *window = (struct onnx_window){.stride = {1, 1}};
    if (kernel != NULL) {
        window->kernel[0] = kernel[0];
        window->kernel[1] = kernel[1];
    }
    enum nn_status status = take_pair(in, node, "kernel_shape", 1, window->kernel);
    if (status == NN_OK && kernel != NULL &&
        (window->kernel[0] != kernel[0] || window->kernel[1] != kernel[1]))
        status = nn_onnx_refuse(in, node, NN_SHAPE, "kernel_shape is not that of its weights");
    if (status == NN_OK)
        status = take_pair(in, node, "strides", 1, window->stride);
    if (status == NN_OK)
        status = take_pair(in, node, "dilations", 1, dilation);
    if (status == NN_OK && (dilation[0] != 1 || dilation[1] != 1))
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                                "the attribute dilations of other than 1 is not supported");
    return status == NN_OK ? take_pads(in, node, shape, window) : status;
}

enum nn_status nn_onnx_padded(struct onnx_import *in, const struct onnx_node *node, int from,
                              const int64_t pad[4], float value, int *layer)
{
    char base[128], name[160];

    nn_onnx_name(in, node, -1, base);
    snprintf(name, sizeof name, "%.100s+pad", base);
    *layer = nn_graph_pad(in->out->graph, name, from,
                          (struct nn_pad){.top = (int)pad[0],
                                          .left = (int)pad[1],
                                          .bottom = (int)pad[2],
                                          .right = (int)pad[3],
                                          .value = value});
    if (*layer < 0)
        return nn_onnx_refuse(in, node, in->out->graph->error.status, "%s",
                              in->out->graph->error.text);
    return NN_OK;
}
