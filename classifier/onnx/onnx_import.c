/* onnx_import.c: the reader's course: messages, table of values, node by node, softmax. */
#include "graph/graph_internal.h"
#include "onnx_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* An attribute that is not listed changes a meaning that we do not know. */
static const struct {
    const char *op;
    nn_onnx_convert *convert;
    const char *attributes;
} operators[] = {
    {"Conv", nn_onnx_conv, " auto_pad dilations group kernel_shape pads strides "},
    {"BatchNormalization", nn_onnx_batch_norm,
     " epsilon momentum spatial training_mode consumed_inputs is_test "},
    {"Relu", nn_onnx_relu, " consumed_inputs "},
    {"Clip", nn_onnx_clip, " min max consumed_inputs "},
    {"Sigmoid", nn_onnx_sigmoid, " consumed_inputs "},
    {"Mul", nn_onnx_mul, ""},
    {"Add", nn_onnx_add, ""},
    {"Sub", nn_onnx_sub, ""},
    {"Div", nn_onnx_div, ""},
    {"MaxPool", nn_onnx_max_pool,
     " auto_pad ceil_mode dilations kernel_shape pads storage_order strides "},
    {"AveragePool", nn_onnx_average_pool,
     " auto_pad ceil_mode count_include_pad kernel_shape pads strides "},
    {"GlobalAveragePool", nn_onnx_global_pool, ""},
    {"ReduceMean", nn_onnx_reduce_mean, " axes keepdims "},
    {"LRN", nn_onnx_lrn, " alpha beta bias size "},
    {"Concat", nn_onnx_concat, " axis "},
    {"Gemm", nn_onnx_gemm, " alpha beta transA transB "},
    {"MatMul", nn_onnx_matmul, ""},
    {"Flatten", nn_onnx_flatten, " axis "},
    {"Reshape", nn_onnx_reshape, " allowzero "},
    {"Squeeze", nn_onnx_squeeze, " axes "},
    {"Unsqueeze", nn_onnx_unsqueeze, " axes "},
    {"Shape", nn_onnx_shape, " start end "},
    {"Gather", nn_onnx_gather, " axis "},
    {"Cast", nn_onnx_cast, " to "},
    {"Dropout", nn_onnx_dropout, " ratio seed is_test "},
    {"Softmax", nn_onnx_softmax, " axis "},
    {"Constant", nn_onnx_constant_node, " value value_float value_int value_ints "},
    {"Identity", nn_onnx_identity, ""},
    {"Pad", nn_onnx_pad, " mode pads value "},
};

static enum nn_status convert(struct onnx_import *in, struct onnx_node *node)
{
    const NnOnnx__Node *proto = node->proto;
    const char *op = proto->op_type != NULL ? proto->op_type : "";
    size_t which = 0, count = sizeof operators / sizeof operators[0];
    char spaced[64];

    if (proto->n_output == 0 || proto->output[0][0] == '\0')
        return nn_onnx_refuse(in, node, NN_BAD_DATA, "it has no output");
    bool foreign =
        proto->domain != NULL && proto->domain[0] != '\0' && strcmp(proto->domain, "ai.onnx") != 0;
    while (which < count && strcmp(operators[which].op, op) != 0)
        which++;
    if (foreign || which == count)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "the operator is not supported");
    for (size_t i = 0; i < proto->n_attribute; i++) {
        const char *name = proto->attribute[i]->name != NULL ? proto->attribute[i]->name : "";
        snprintf(spaced, sizeof spaced, " %.60s ", name);
        if (strstr(operators[which].attributes, spaced) == NULL)
            return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "the attribute %.40s is not supported",
                                  name);
    }
    return operators[which].convert(in, node);
}

static enum nn_status take_opset(struct onnx_import *in)
{
    for (size_t i = 0; i < in->model->n_opset_import; i++) {
        const NnOnnx__OperatorSet *set = in->model->opset_import[i];
        if (set->domain == NULL || set->domain[0] == '\0' || strcmp(set->domain, "ai.onnx") == 0)
            in->opset = set->version;
    }
    if (in->opset < 7 || in->opset > 17)
        return nn_fail(in->err, NN_UNSUPPORTED, "%s: opset %lld; 7 to 17 are supported", in->file,
                       (long long)in->opset);
    return NN_OK;
}

static enum nn_status bad_input(struct onnx_import *in, const char *name, const char *what)
{
    return nn_fail(in->err, NN_UNSUPPORTED, "%s: the input \"%.80s\" %s", in->file, name, what);
}

/* (N, C, H, W); N may be open, H and W are then given by the caller. */
static enum nn_status take_input(struct onnx_import *in, const NnOnnx__ValueInfo *info,
                                 struct onnx_value *value)
{
    const NnOnnx__Type__OfTensor *type = info->type != NULL ? info->type->tensor_type : NULL;
    int64_t dim[4] = {0};
    char name[128] = "";

    if (type == NULL || type->shape == NULL || type->shape->n_dim != 4)
        return bad_input(in, info->name, "has no shape of four axes (N, C, H, W)");
    if (type->has_elem_type && type->elem_type != 1)
        return bad_input(in, info->name, "is not of float numbers");
    for (int i = 0; i < 4; i++) {
        const NnOnnx__Shape__Dimension *d = type->shape->dim[i];
        dim[i] = d->has_dim_value && d->dim_value > 0 ? d->dim_value : 0;
    }
    for (int i = 2; i < 4; i++)
        dim[i] = dim[i] > 0 ? dim[i] : in->options->side;
    if (dim[1] == 0 || dim[2] == 0 || dim[3] == 0)
        return bad_input(in, info->name,
                         "leaves its channels or sides open: its side must be given (--side)");
    if (dim[1] > NN_MAX_SIDE || dim[2] > NN_MAX_SIDE || dim[3] > NN_MAX_SIDE)
        return bad_input(in, info->name, "is too large");
    in->batch = dim[0];
    for (size_t i = 0; i < sizeof name - 28 && info->name[i] != '\0'; i++) {
        char c = info->name[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("._/:+-", c) != NULL;
        name[i] = good ? c : '_';
    }
    struct nn_shape shape = {(int)dim[1], (int)dim[2], (int)dim[3]};
    value->kind = ONNX_ACTIVATION;
    value->layer = nn_graph_input(in->out->graph, name, shape);
    value->rank = 4;
    value->shape = shape;
    if (value->layer < 0)
        return nn_fail(in->err, in->out->graph->error.status, "%s: %s", in->file,
                       in->out->graph->error.text);
    return NN_OK;
}

static enum nn_status take_inputs(struct onnx_import *in)
{
    const NnOnnx__Graph *g = in->model->graph;
    bool found = false;

    for (size_t i = 0; i < g->n_input; i++) {
        struct onnx_value *value = g->input[i]->name ? nn_onnx_find(in, g->input[i]->name) : NULL;
        if (value == NULL || value->kind != ONNX_UNKNOWN || value->uses == 0)
            continue;
        if (found)
            return bad_input(in, value->name, "is a second one; one is supported");
        enum nn_status status = take_input(in, g->input[i], value);
        if (status != NN_OK)
            return status;
        found = true;
    }
    return found ? NN_OK : nn_fail(in->err, NN_BAD_DATA, "%s: no input is used", in->file);
}

/* From the output back to the layer that makes the classes' scores. */
static enum nn_status find_head(struct onnx_import *in, const char *output)
{
    static const char *const through[] = {
        "Softmax",           "Flatten", "Reshape",     "Identity",   "Dropout", "Squeeze",
        "GlobalAveragePool", "Relu",    "AveragePool", "ReduceMean", "Add"};
    const struct onnx_value *value = nn_onnx_find(in, output);

    in->head = -1;
    if (in->options->fresh_classes <= 0)
        return NN_OK;
    while (value != NULL && value->maker >= 0) {
        const struct onnx_node *node = &in->nodes[value->maker];
        const char *op = node->proto->op_type != NULL ? node->proto->op_type : "";
        bool pass = false;
        if (strcmp(op, "Gemm") == 0 || strcmp(op, "MatMul") == 0 || strcmp(op, "Conv") == 0) {
            in->head = value->maker;
            return NN_OK;
        }
        for (size_t i = 0; i < sizeof through / sizeof through[0]; i++)
            pass = pass || strcmp(op, through[i]) == 0;
        if (!pass)
            break;
        size_t other = strcmp(op, "Add") == 0 && nn_onnx_is_constant(in, node, 0) ? 1 : 0;
        value = nn_onnx_has_input(node, other) ? nn_onnx_find(in, node->proto->input[other]) : NULL;
    }
    return nn_fail(in->err, NN_UNSUPPORTED,
                   "%s: its last layer is no Gemm, MatMul or Conv that could be made anew",
                   in->file);
}

static enum nn_status finish(struct onnx_import *in, const char *output)
{
    struct nn_graph *graph = in->out->graph;
    struct onnx_value *value = nn_onnx_find(in, output);
    struct nn_error why = {0};
    const char *name = nn_graph_find(graph, "prob") < 0 ? "prob" : "cervigate/prob";

    if (value->kind != ONNX_ACTIVATION)
        return nn_fail(in->err, NN_UNSUPPORTED,
                       "%s: the output \"%.80s\" is not computed from "
                       "the image",
                       in->file, output);
    int last = value->layer;
    if (nn_graph_layer(graph, last)->op != NN_OP_SOFTMAX) {
        struct nn_shape shape = nn_graph_layer(graph, last)->shape;
        if (shape.h != 1 || shape.w != 1)
            last = nn_graph_reshape(graph, "cervigate/flat", last,
                                    (struct nn_shape){(int)nn_shape_elements(shape), 1, 1});
        nn_graph_softmax(graph, name, last);
        in->out->softmax_added = true;
    }
    if (nn_graph_finish(graph, &why) != NN_OK)
        return nn_fail(in->err, why.status, "%s: %.180s", in->file, why.text);
    if (in->out->tensor_count == 0 ||
        in->out->tensor_count != (size_t)nn_graph_parameter_count(graph))
        return nn_fail(in->err, NN_UNSUPPORTED, "%s: a network without weights", in->file);
    const struct nn_parameter *p = nn_graph_parameter(graph, nn_graph_parameter_count(graph) - 1);
    snprintf(in->out->head, sizeof in->out->head, "%s", nn_graph_name(graph, p->layer));
    return NN_OK;
}

static enum nn_status take_metadata(struct onnx_import *in)
{
    const NnOnnx__Model *model = in->model;
    struct nn_onnx *out = in->out;

    out->metadata = calloc(model->n_metadata_props + 1, sizeof *out->metadata);
    for (size_t i = 0; out->metadata != NULL && i < model->n_metadata_props; i++) {
        const NnOnnx__Entry *entry = model->metadata_props[i];
        if (entry->key == NULL || entry->value == NULL)
            continue;
        struct nn_metadata *to = &out->metadata[out->metadata_count++];
        *to = (struct nn_metadata){strdup(entry->key), strdup(entry->value)};
        if (to->key == NULL || to->value == NULL)
            return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    }
    return out->metadata != NULL ? NN_OK : nn_fail(in->err, NN_NO_MEMORY, "no memory");
}

static enum nn_status translate(struct onnx_import *in)
{
    const NnOnnx__Graph *g = in->model->graph;

    if (g->n_output == 0 || g->output[0]->name == NULL)
        return nn_fail(in->err, NN_BAD_DATA, "%s: the graph has no output", in->file);
    const char *output = g->output[0]->name;
    enum nn_status status = take_opset(in);
    if (status == NN_OK)
        status = nn_onnx_table(in, output);
    if (status == NN_OK)
        status = take_inputs(in);
    if (status == NN_OK)
        status = find_head(in, output);
    for (int i = 0; i < in->node_count && status == NN_OK; i++)
        if (in->nodes[i].needed && !in->nodes[i].absorbed)
            status = convert(in, &in->nodes[i]);
    if (status == NN_OK)
        status = finish(in, output);
    return status == NN_OK ? take_metadata(in) : status;
}

enum nn_status nn_onnx_parse(const char *name, const void *bytes, size_t size,
                             const struct nn_onnx_options *options, struct nn_onnx **onnx,
                             struct nn_error *err)
{
    const struct nn_onnx_options none = {0};
    struct onnx_arena arena;
    struct onnx_import in = {.file = name,
                             .options = options != NULL ? options : &none,
                             .allocator = &arena.allocator,
                             .err = err,
                             .head = -1};
    unsigned char hash[SHA256_DIGEST_LENGTH];

    *onnx = NULL;
    nn_onnx_arena_init(&arena, size);
    enum nn_status status = nn_onnx_unpack(name, bytes, size, &arena, &in.model, err);
    in.out = calloc(1, sizeof *in.out);
    if (in.out != NULL)
        in.out->graph = nn_graph_create();
    if (status == NN_OK && (in.out == NULL || in.out->graph == NULL))
        status = nn_fail(err, NN_NO_MEMORY, "no memory");
    if (status == NN_OK)
        status = translate(&in);
    if (status == NN_OK && SHA256(bytes, size, hash) == NULL)
        status = nn_fail(err, NN_NO_MEMORY, "no digest of %s", name);
    for (size_t i = 0; status == NN_OK && i < sizeof hash; i++)
        snprintf(in.out->digest + 2 * i, 3, "%02x", hash[i]);

    for (size_t i = 0; i < in.value_count; i++)
        nn_onnx_constant_finish(&in.values[i].constant);
    free(in.values);
    free(in.nodes);
    if (in.model != NULL)
        nn_onnx__model__free_unpacked(in.model, &arena.allocator);
    if (status != NN_OK) {
        nn_onnx_close(in.out);
        in.out = NULL;
    }
    *onnx = in.out;
    return status;
}

enum nn_status nn_onnx_open(const char *path, const struct nn_onnx_options *options,
                            struct nn_onnx **onnx, struct nn_error *err)
{
    struct stat st;

    *onnx = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%.180s: %s", path,
                       strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
        (uint64_t)st.st_size > NN_ONNX_MAX_FILE) {
        close(fd);
        return nn_fail(err, NN_BAD_DATA, "%.180s: not a file of 1 to %llu bytes", path,
                       (unsigned long long)NN_ONNX_MAX_FILE);
    }
    size_t size = (size_t)st.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return nn_fail(err, NN_IO, "%.180s: %s", path, strerror(errno));
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    enum nn_status status = nn_onnx_parse(name, bytes, size, options, onnx, err);
    munmap(bytes, size);
    return status;
}
