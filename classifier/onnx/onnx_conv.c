/* onnx_conv.c: Conv and BatchNormalization. */
#include "graph/graph_internal.h"
#include "onnx_internal.h"

static bool symmetric(const struct onnx_window *w)
{
    return w->pad[0] == w->pad[2] && w->pad[1] == w->pad[3] && w->pad[0] < w->kernel[0] &&
           w->pad[1] < w->kernel[1];
}

static enum nn_status conv_layer(struct onnx_import *in, struct onnx_node *node,
                                 const struct onnx_constant *weight, struct onnx_window *w,
                                 int channels, int from, int *layer)
{
    const struct onnx_node *last = node;
    char name[128];
    int64_t groups = nn_onnx_int(node, "group", 1);

    if (groups < 1 || groups > NN_MAX_SIDE)
        return nn_onnx_refuse(in, node, NN_BAD_DATA, "group of %lld", (long long)groups);
    if (!symmetric(w)) {
        enum nn_status status = nn_onnx_padded(in, node, from, w->pad, 0, &from);
        if (status != NN_OK)
            return status;
        for (int i = 0; i < 4; i++)
            w->pad[i] = 0;
    }
    if (nn_graph_shape(in->out->graph, from).c != weight->dim[1] * groups)
        return nn_onnx_refuse(
            in, node, NN_SHAPE, "its weights are for %lld channels, its input has %d",
            (long long)(weight->dim[1] * groups), nn_graph_shape(in->out->graph, from).c);
    nn_onnx_name(in, node, 1, name);
    struct nn_conv2d conv = {.out_channels = channels,
                             .kernel_h = (int)w->kernel[0],
                             .kernel_w = (int)w->kernel[1],
                             .stride_h = (int)w->stride[0],
                             .stride_w = (int)w->stride[1],
                             .pad_h = (int)w->pad[0],
                             .pad_w = (int)w->pad[1],
                             .groups = (int)groups,
                             .relu = nn_onnx_absorb_relu(in, &last),
                             .no_bias = !nn_onnx_has_input(node, 2)};
    *layer = nn_graph_conv2d(in->out->graph, name, from, conv);
    return nn_onnx_made(in, last, *layer, 4);
}

static enum nn_status conv_numbers(struct onnx_import *in, struct onnx_node *node,
                                   const struct onnx_constant *weight, int id, bool fresh)
{
    const struct nn_layer *layer = nn_graph_layer(in->out->graph, id);
    const struct onnx_constant *bias;

    enum nn_status status = fresh
                                ? nn_onnx_give_fresh(in, layer->weight)
                                : nn_onnx_give_copy(in, layer->weight, weight->f, weight->elements);
    if (status != NN_OK || layer->bias < 0)
        return status;
    if (fresh)
        return nn_onnx_give_filled(in, layer->bias, 0);
    status = nn_onnx_input_constant(in, node, 2, &bias);
    if (status == NN_OK && bias->f == NULL)
        status = nn_onnx_refuse(in, node, NN_BAD_DATA, "its bias is not of real numbers");
    return status == NN_OK ? nn_onnx_give_copy(in, layer->bias, bias->f, bias->elements) : status;
}

enum nn_status nn_onnx_conv(struct onnx_import *in, struct onnx_node *node)
{
    const struct onnx_constant *weight;
    struct onnx_value *x;
    struct onnx_window window = {0};
    bool fresh = node - in->nodes == in->head;
    int from = -1, id = -1;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status == NN_OK)
        status = nn_onnx_input_constant(in, node, 1, &weight);
    if (status != NN_OK)
        return status;
    if (x->rank != 4 || weight->dims != 4 || weight->f == NULL || weight->elements == 0)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "only convolutions of images (two spatial axes) are supported");
    int channels = fresh ? in->options->fresh_classes : (int)weight->dim[0];
    status = nn_onnx_materialise(in, node, x, &from);
    struct nn_shape seen = x->shape;
    seen.h += (int)(x->pending[0] + x->pending[2]);
    seen.w += (int)(x->pending[1] + x->pending[3]);
    if (status == NN_OK)
        status = nn_onnx_window(in, node, seen, weight->dim + 2, &window);
    for (int i = 0; i < 4; i++)
        window.pad[i] += x->pending[i];
    if (status == NN_OK)
        status = conv_layer(in, node, weight, &window, channels, from, &id);
    return status == NN_OK ? conv_numbers(in, node, weight, id, fresh) : status;
}

enum nn_status nn_onnx_batch_norm(struct onnx_import *in, struct onnx_node *node)
{
    const struct onnx_constant *numbers[4];
    struct onnx_value *x;
    char name[128];
    int from;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    for (size_t i = 0; i < 4 && status == NN_OK; i++) {
        status = nn_onnx_input_constant(in, node, i + 1, &numbers[i]);
        if (status == NN_OK && numbers[i]->f == NULL)
            status = nn_onnx_refuse(in, node, NN_BAD_DATA, "its input %zu is not of real numbers",
                                    i + 1);
    }
    if (status == NN_OK && nn_onnx_int(node, "spatial", 1) != 1)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                                "the attribute spatial of other than 1 is not supported");
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, x, &from);
    if (status != NN_OK)
        return status;

    /* ONNX's momentum is the share of the old value, ours that of the new one. */
    struct nn_batch_norm norm = {.epsilon = nn_onnx_float(node, "epsilon", 1e-5f),
                                 .momentum = 1 - nn_onnx_float(node, "momentum", 0.9f)};
    nn_onnx_name(in, node, 1, name);
    int id = nn_graph_batch_norm(in->out->graph, name, from, norm);
    status = nn_onnx_made(in, node, id, x->rank);
    if (status != NN_OK)
        return status;
    const struct nn_layer *layer = nn_graph_layer(in->out->graph, id);
    const int parameter[4] = {layer->weight, layer->bias, layer->running_mean, layer->running_var};
    for (int i = 0; i < 4 && status == NN_OK; i++)
        status = nn_onnx_give_copy(in, parameter[i], numbers[i]->f, numbers[i]->elements);
    return status;
}
