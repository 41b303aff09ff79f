/* network.c: the registry of networks, how each begins and ends, and which of their layers start
 * afresh. */
#include "networks_internal.h"
#include "nn_network.h"

#include <string.h>

/* Caffe's models: BGR, 0..255, minus ImageNet's mean. */
#define CAFFE_INPUT(pixels)                                                                        \
    {                                                                                              \
        .side = (pixels), .fit = NN_FIT_STRETCH, .scale = {255, 255, 255}, .mean = {               \
            104,                                                                                   \
            117,                                                                                   \
            123                                                                                    \
        }                                                                                          \
    }

static const char *const googlenet_heads[] = {"loss3/classifier", NULL};
static const char *const peak_heads[] = {"places/classifier", NULL};
static const char *const alexnet_heads[] = {"fc6", "fc7", "fc8", NULL};
static const char *const gate_heads[] = {"gate/classifier", NULL};
static const char *const stacked_heads[] = {"stacked/fc1", "stacked/fc2", "stacked/classifier",
                                            NULL};

static const struct nn_network networks[] = {
    {"googlenet", googlenet_heads, CAFFE_INPUT(224), nn_googlenet, nn_googlenet_auxiliary,
     nn_googlenet_places},
    {"googlenet-peak", peak_heads, CAFFE_INPUT(224), nn_googlenet_peak, NULL,
     nn_googlenet_peak_places},
    {"alexnet", alexnet_heads, CAFFE_INPUT(227), nn_alexnet, NULL, NULL},
    {"stacked", stacked_heads, CAFFE_INPUT(227), nn_stacked, NULL, NULL},
    {"gate", gate_heads, CAFFE_INPUT(224), nn_gate, NULL, NULL},
};

struct nn_graph *nn_network_begin(const char *name, int side, struct nn_error *err)
{
    struct nn_graph *graph = nn_graph_create();

    if (graph == NULL)
        nn_fail(err, NN_NO_MEMORY, "%s: out of memory", name);
    else
        nn_graph_input(graph, "data", (struct nn_shape){3, side, side});
    return graph;
}

struct nn_graph *nn_network_end(struct nn_graph *graph, struct nn_error *err)
{
    if (nn_graph_finish(graph, err) == NN_OK)
        return graph;
    nn_graph_destroy(graph);
    return NULL;
}

const struct nn_network *nn_network_find(const char *name)
{
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        if (strcmp(networks[i].name, name) == 0)
            return &networks[i];
    }
    return NULL;
}

static bool same_shape(const struct nn_parameter *parameter, const struct nn_tensor *tensor)
{
    bool same = tensor != NULL && tensor->dims == parameter->dims;

    for (int i = 0; same && i < parameter->dims; i++)
        same = tensor->dim[i] == parameter->dim[i];
    return same;
}

static bool fits(const struct nn_graph *graph, int layer, const struct nn_weights *weights)
{
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, i);
        if (parameter->layer == layer &&
            (weights == NULL || !same_shape(parameter, nn_weights_find(weights, parameter->name))))
            return false;
    }
    return true;
}

int nn_network_fresh(const struct nn_graph *graph, const char *const *heads,
                     const struct nn_weights *weights, const char *fresh[NN_MAX_HEADS + 1])
{
    int count = 0;

    for (; *heads != NULL && count < NN_MAX_HEADS; heads++) {
        if (count > 0 || !fits(graph, nn_graph_find(graph, *heads), weights))
            fresh[count++] = *heads;
    }
    fresh[count] = NULL;
    return count;
}
