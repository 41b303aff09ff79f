#include "graph_internal.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nn_graph *nn_graph_create(void)
{
    return calloc(1, sizeof(struct nn_graph));
}

void nn_graph_destroy(struct nn_graph *graph)
{
    if (graph == NULL)
        return;

    for (int i = 0; i < graph->count; i++) {
        free(graph->layers[i].name);
        free(graph->layers[i].from);
    }
    for (int i = 0; i < graph->parameter_count; i++)
        free((char *)(uintptr_t)graph->parameters[i].name);
    free(graph->layers);
    free(graph->parameters);
    free(graph);
}

size_t nn_shape_elements(struct nn_shape shape)
{
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static bool shape_fits(struct nn_shape shape)
{
    if (shape.c < 1 || shape.h < 1 || shape.w < 1 || shape.c > NN_MAX_SIDE ||
        shape.h > NN_MAX_SIDE || shape.w > NN_MAX_SIDE)
        return false;
    return nn_shape_elements(shape) <= NN_MAX_ELEMENTS;
}

int nn_graph_refuse(struct nn_graph *graph, enum nn_status status, const char *name,
                    const char *why)
{
    if (graph != NULL && graph->error.status == NN_OK)
        nn_fail(&graph->error, status, "layer %.*s: %s", NN_MAX_NAME, name == NULL ? "?" : name,
                why);
    return -1;
}

static bool grow(void **array, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    int wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *grown = realloc(*array, (size_t)wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

static bool name_is_good(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, NN_MAX_NAME + 1);
    return length >= 1 && length <= NN_MAX_NAME;
}

int nn_graph_append(struct nn_graph *graph, const char *name, const int *from, int from_count,
                    struct nn_layer layer)
{
    if (graph == NULL || graph->error.status != NN_OK)
        return -1;
    if (graph->finished)
        return nn_graph_refuse(graph, NN_INVALID, name, "the graph is finished");
    if (!name_is_good(name))
        return nn_graph_refuse(graph, NN_INVALID, name, "the name is empty or too long");
    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->layers[i].name, name) == 0)
            return nn_graph_refuse(graph, NN_INVALID, name, "the name is taken");
    if (graph->count >= NN_MAX_LAYERS)
        return nn_graph_refuse(graph, NN_LIMIT, name, "too many layers");
    if (!shape_fits(layer.shape))
        return nn_graph_refuse(graph, NN_SHAPE, name, "the output's shape is empty or too large");

    layer.name = strdup(name);
    layer.from = malloc(sizeof(int) * (size_t)(from_count > 0 ? from_count : 1));
    layer.from_count = from_count;
    layer.weight = layer.bias = layer.running_mean = layer.running_var = -1;
    if (layer.name == NULL || layer.from == NULL ||
        !grow((void **)&graph->layers, graph->count, &graph->capacity, sizeof layer)) {
        free(layer.name);
        free(layer.from);
        return nn_graph_refuse(graph, NN_NO_MEMORY, name, "out of memory");
    }
    for (int i = 0; i < from_count; i++)
        layer.from[i] = from[i];
    graph->layers[graph->count] = layer;
    return graph->count++;
}

bool nn_graph_producer(struct nn_graph *graph, const char *name, int from, struct nn_shape *shape)
{
    if (graph == NULL || graph->error.status != NN_OK)
        return false;
    if (from < 0 || from >= graph->count) {
        nn_graph_refuse(graph, NN_INVALID, name, "its producer does not exist");
        return false;
    }
    *shape = graph->layers[from].shape;
    return true;
}

int nn_graph_add_parameter(struct nn_graph *graph, int layer, const char *suffix,
                           struct nn_parameter form)
{
    struct nn_parameter p = form;
    p.layer = layer;
    p.elements = 1;
    for (int i = 0; i < p.dims; i++) {
        p.elements *= (size_t)p.dim[i];
        if (p.elements > NN_MAX_ELEMENTS)
            return nn_graph_refuse(graph, NN_LIMIT, graph->layers[layer].name,
                                   "too many parameters");
    }
    size_t size = strlen(graph->layers[layer].name) + strlen(suffix) + 1;
    char *name = malloc(size);
    if (name == NULL || !grow((void **)&graph->parameters, graph->parameter_count,
                              &graph->parameter_capacity, sizeof p)) {
        free(name);
        return nn_graph_refuse(graph, NN_NO_MEMORY, graph->layers[layer].name, "out of memory");
    }
    snprintf(name, size, "%s%s", graph->layers[layer].name, suffix);
    p.name = name;
    graph->parameters[graph->parameter_count] = p;
    return graph->parameter_count++;
}

/* Its labels are the output's, so its classes are too; each head has scores of its own. */
static void check_auxiliaries(struct nn_graph *graph)
{
    int last = graph->count - 1;
    for (int i = 0; i < graph->auxiliary_count; i++) {
        const struct nn_auxiliary *head = &graph->auxiliaries[i];
        int id = head->softmax < 0 ? head->scores : head->softmax;
        const struct nn_layer *end = &graph->layers[last], *layer = &graph->layers[id];
        if (id == last || (end->op == NN_OP_SOFTMAX && end->from[0] == head->scores))
            nn_graph_refuse(graph, NN_INVALID, layer->name, "the output is no auxiliary head");
        else if (end->op != NN_OP_SOFTMAX || layer->shape.c != end->shape.c)
            nn_graph_refuse(graph, NN_SHAPE, layer->name, "its classes are not the output's");
        for (int j = 0; j < i; j++)
            if (graph->auxiliaries[j].scores == head->scores)
                nn_graph_refuse(graph, NN_INVALID, layer->name, "two heads with the same scores");
    }
}

/* Consumers come after producers: one pass from the output down. */
static void mark_serving(struct nn_graph *graph)
{
    graph->layers[graph->count - 1].serves = true;
    for (int i = graph->count - 1; i > 0; i--)
        for (int j = 0; graph->layers[i].serves && j < graph->layers[i].from_count; j++)
            graph->layers[graph->layers[i].from[j]].serves = true;
}

enum nn_status nn_graph_finish(struct nn_graph *graph, struct nn_error *err)
{
    if (graph == NULL)
        return nn_fail(err, NN_INVALID, "no graph");
    if (graph->error.status == NN_OK && graph->count < 2)
        nn_fail(&graph->error, NN_INVALID, "a graph needs an input and a layer");
    check_auxiliaries(graph);
    if (graph->error.status != NN_OK)
        return nn_fail(err, graph->error.status, "%s", graph->error.text);

    mark_serving(graph);
    graph->finished = true;
    return NN_OK;
}

int nn_graph_count(const struct nn_graph *graph)
{
    return graph->count;
}

const struct nn_layer *nn_graph_layer(const struct nn_graph *graph, int id)
{
    return id >= 0 && id < graph->count ? &graph->layers[id] : NULL;
}

int nn_graph_find(const struct nn_graph *graph, const char *name)
{
    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->layers[i].name, name) == 0)
            return i;
    return -1;
}

const char *nn_graph_name(const struct nn_graph *graph, int id)
{
    const struct nn_layer *layer = nn_graph_layer(graph, id);
    return layer == NULL ? NULL : layer->name;
}

struct nn_shape nn_graph_shape(const struct nn_graph *graph, int id)
{
    const struct nn_layer *layer = nn_graph_layer(graph, id);
    return layer == NULL ? (struct nn_shape){0} : layer->shape;
}

int nn_graph_scores(const struct nn_graph *graph)
{
    int last = graph->count - 1;
    return graph->layers[last].op == NN_OP_SOFTMAX ? graph->layers[last].from[0] : last;
}

int nn_graph_parameter_count(const struct nn_graph *graph)
{
    return graph->parameter_count;
}

const struct nn_parameter *nn_graph_parameter(const struct nn_graph *graph, int index)
{
    return index >= 0 && index < graph->parameter_count ? &graph->parameters[index] : NULL;
}

bool nn_graph_serves_output(const struct nn_graph *graph, int id)
{
    return id >= 0 && id < graph->count && graph->layers[id].serves;
}
