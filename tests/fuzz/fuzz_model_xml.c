/* model.xml bytes to an info and a graph; what is accepted must be in bounds, and a graph built
 * again from itself must be the same graph. */
#include "model/graph_xml.h"
#include "model/model_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_graph(const struct nn_model_info *info, const struct nn_graph *graph)
{
    struct nn_error err;
    char digest[65];
    struct nn_graph *same = nn_graph_refit(graph, info->classes, &err);
    struct nn_graph *other = nn_graph_refit(graph, info->classes + 1, &err);
    struct nn_shape input = nn_graph_shape(graph, 0);

    if (same == NULL || nn_graph_digest(same, digest, &err) != NN_OK ||
        strcmp(digest, info->graph_digest) != 0)
        abort();
    if (input.c != 3 || input.h != info->preprocess.side || input.w != info->preprocess.side)
        abort();
    if (other != NULL && nn_graph_shape(other, nn_graph_count(other) - 1).c != info->classes + 1)
        abort();
    nn_graph_destroy(same);
    nn_graph_destroy(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nn_model_info info;
    struct nn_graph *graph;
    struct nn_error err;

    if (nn_model_parse("input", (const char *)data, size, &info, &graph, &err) != NN_OK)
        return 0;
    if (info.classes < 2 || info.classes > NN_MAX_CLASSES || info.preprocess.side < 32 ||
        info.preprocess.side > 1024 || !(info.temperature >= NN_TEMPERATURE_LOW) ||
        !(info.temperature <= NN_TEMPERATURE_HIGH) || !(info.preprocess.denoise >= 0))
        abort();
    if ((graph != NULL) != (strcmp(info.network, NN_OWN_GRAPH) == 0))
        abort();
    if (graph != NULL)
        check_graph(&info, graph);
    nn_graph_destroy(graph);
    return 0;
}
