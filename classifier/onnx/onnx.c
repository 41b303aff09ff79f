/* onnx.c: what a read network is asked. */
#include "onnx_internal.h"
#include <stdlib.h>
#include <string.h>

void nn_onnx_close(struct nn_onnx *onnx)
{
    if (onnx == NULL)
        return;
    for (size_t i = 0; i < onnx->tensor_count; i++)
        free(onnx->owned[i]);
    for (size_t i = 0; i < onnx->metadata_count; i++) {
        free((char *)(uintptr_t)onnx->metadata[i].key);
        free((char *)(uintptr_t)onnx->metadata[i].value);
    }
    free(onnx->metadata);
    free(onnx->owned);
    free(onnx->tensors);
    nn_graph_destroy(onnx->graph);
    free(onnx);
}

const struct nn_graph *nn_onnx_graph(const struct nn_onnx *onnx)
{
    return onnx->graph;
}

const struct nn_tensor *nn_onnx_tensors(const struct nn_onnx *onnx, size_t *count)
{
    *count = onnx->tensor_count;
    return onnx->tensors;
}

bool nn_onnx_softmax_added(const struct nn_onnx *onnx)
{
    return onnx->softmax_added;
}

const char *nn_onnx_head(const struct nn_onnx *onnx)
{
    return onnx->head;
}

const char *nn_onnx_metadata(const struct nn_onnx *onnx, const char *key)
{
    for (size_t i = 0; i < onnx->metadata_count; i++)
        if (strcmp(onnx->metadata[i].key, key) == 0)
            return onnx->metadata[i].value;
    return NULL;
}

const char *nn_onnx_digest(const struct nn_onnx *onnx)
{
    return onnx->digest;
}
