/* What is run of a graph: its layers, less those that nothing reads, with batch norms folded.
 *
 * Outside training a batch norm is y = factor * x + shift, one of each a channel (nn_graph.h).
 * After a convolution x = W * input + b that is again a convolution, of factor * W and factor * b +
 * shift: the batch norm's layer becomes it, and the convolution's own is not computed. */
#include "run_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void mark_live(struct nn_run *run)
{
    for (int i = run->graph->count - 1; i >= 0; i--) {
        struct nn_node *node = &run->nodes[i];
        node->live =
            node->live || run->mode == NN_RUN_TRAIN || i == run->graph->count - 1 || i == 0;
        for (int j = 0; node->live && j < run->layers[i].from_count; j++)
            run->nodes[run->layers[i].from[j]].live = true;
    }
}

static int readers_of(const struct nn_run *run, int id)
{
    int readers = 0;
    for (int i = id + 1; i < run->graph->count; i++)
        for (int j = 0; run->nodes[i].live && j < run->graph->layers[i].from_count; j++)
            readers += run->graph->layers[i].from[j] == id;
    return readers;
}

static bool folds(const struct nn_run *run, int id)
{
    const struct nn_layer *norm = &run->graph->layers[id];
    if (run->mode == NN_RUN_TRAIN || run->keep_all || !run->nodes[id].live ||
        norm->op != NN_OP_BATCH_NORM)
        return false;
    const struct nn_layer *conv = &run->graph->layers[norm->from[0]];
    return conv->op == NN_OP_CONV2D && !conv->relu && norm->from[0] != run->kept_gradient &&
           readers_of(run, norm->from[0]) == 1;
}

static size_t weights_of(const struct nn_run *run, const struct nn_layer *layer)
{
    return nn_graph_parameter(run->graph, layer->weight)->elements;
}

/* Layer `id`, a batch norm, with its convolution; `to` has room for weights and biases. */
static void fold(struct nn_run *run, int id, float *to)
{
    const struct nn_layer *norm = &run->graph->layers[id];
    const struct nn_layer *conv = &run->graph->layers[norm->from[0]];
    const float *w = nn_values_peek(run->values, conv->weight);
    const float *b = nn_values_peek(run->values, conv->bias);
    const float *gamma = nn_values_peek(run->values, norm->weight);
    const float *beta = nn_values_peek(run->values, norm->bias);
    const float *mean = nn_values_peek(run->values, norm->running_mean);
    const float *variance = nn_values_peek(run->values, norm->running_var);
    size_t count = weights_of(run, conv), taps = count / (size_t)conv->shape.c;
    float *bias = to + count;

    for (int o = 0; o < conv->shape.c; o++) {
        double factor = (double)gamma[o] / sqrt((double)variance[o] + (double)norm->norm.epsilon);
        double shift = (b == NULL ? 0 : (double)b[o]) - (double)mean[o];
        size_t at = (size_t)o * taps;
        for (size_t k = 0; k < taps; k++)
            to[at + k] = (float)((double)w[at + k] * factor);
        bias[o] = (float)((double)beta[o] + shift * factor);
    }

    struct nn_layer *layer = &run->layers[id];
    layer->op = NN_OP_CONV2D;
    layer->conv = conv->conv;
    layer->from = conv->from;
    layer->weight = conv->weight;
    run->nodes[id].weight = to;
    run->nodes[id].bias = bias;
}

enum nn_status nn_fold_init(struct nn_run *run, struct nn_error *err)
{
    int count = run->graph->count;
    size_t floats = 0;
    run->layers = malloc((size_t)count * sizeof *run->layers);
    if (run->layers == NULL)
        return nn_fail(err, NN_NO_MEMORY, "network: out of memory");
    memcpy(run->layers, run->graph->layers, (size_t)count * sizeof *run->layers);
    mark_live(run);
    for (int i = 0; i < count; i++) {
        const struct nn_layer *layer = &run->layers[i];
        run->nodes[i].weight = nn_values_peek(run->values, layer->weight);
        run->nodes[i].bias = nn_values_peek(run->values, layer->bias);
        if (folds(run, i))
            floats += weights_of(run, &run->graph->layers[layer->from[0]]) + (size_t)layer->shape.c;
    }
    run->folded = malloc((floats + 1) * sizeof(float));
    if (run->folded == NULL)
        return nn_fail(err, NN_NO_MEMORY, "network: out of memory");

    float *to = run->folded;
    for (int i = 0; i < count; i++)
        if (folds(run, i)) {
            fold(run, i, to);
            to += weights_of(run, &run->layers[i]) + (size_t)run->layers[i].shape.c;
        }
    for (int i = 0; i < count; i++) /* now: folds() asks who is live */
        if (run->layers[i].op != run->graph->layers[i].op)
            run->nodes[run->graph->layers[i].from[0]].live = false;
    return NN_OK;
}
