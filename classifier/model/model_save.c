/* model_save.c: tensors and a description become a model folder. */
#include "model_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tensors that the graph names, in its order; the others stay out of the file. */
static enum nn_status write_weights(const char *path, const struct nn_graph *graph,
                                    const struct nn_tensor *tensors, size_t count,
                                    const char *origin, enum nn_dtype store, struct nn_error *err)
{
    int parameters = nn_graph_parameter_count(graph);
    struct nn_tensor *own = calloc((size_t)parameters + 1, sizeof *own);
    enum nn_status status = NN_OK;

    if (!own)
        return nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
    for (int i = 0; status == NN_OK && i < parameters; i++) {
        const char *name = nn_graph_parameter(graph, i)->name;
        size_t at = 0;
        while (at < count && strcmp(tensors[at].name, name) != 0)
            at++;
        if (at < count)
            own[i] = tensors[at];
        else
            status = nn_fail(err, NN_MISSING, "tensor %s: not among those to be written", name);
    }
    const struct nn_metadata metadata[] = {{"layout", "OIHW; fully connected (out,in)"},
                                           {"network", origin}};
    if (status == NN_OK)
        status = nn_weights_write(path, own, (size_t)parameters, metadata,
                                  sizeof metadata / sizeof *metadata, store, err);
    free(own);
    return status;
}

enum nn_status nn_model_save(const char *dir, struct nn_model_info *info,
                             const struct nn_graph *graph, const struct nn_tensor *tensors,
                             size_t count, enum nn_dtype store, struct nn_error *err)
{
    char path[PATH_MAX];
    const struct nn_network *network = nn_network_find(info->network);
    struct nn_graph *named = NULL;
    struct nn_model *model = NULL;
    enum nn_status status;

    int length = snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    if (length < 0 || (size_t)length >= sizeof path)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
    if (!graph && !network)
        return nn_fail(err, NN_UNSUPPORTED, "model %s: network \"%s\" is not known", info->name,
                       info->network);
    if (!graph && !(named = network->build(info->classes, info->preprocess.side, err)))
        return nn_fail(err, NN_INVALID, "model %s: %d classes, side %d", info->name, info->classes,
                       info->preprocess.side);
    info->weights_digest[0] = '\0';
    status = write_weights(path, graph ? graph : named, tensors, count, info->network, store, err);
    if (status == NN_OK)
        status = nn_model_assemble(info, graph, path, &model, err);
    if (status == NN_OK) {
        snprintf(info->weights_digest, sizeof info->weights_digest, "%s",
                 nn_model_info(model)->weights_digest);
        status = nn_model_write(dir, info, graph, err);
    }
    nn_model_close(model);
    nn_graph_destroy(named);
    return status;
}
