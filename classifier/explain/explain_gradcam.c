/* explain_gradcam.c: Grad-CAM (Selvaraju et al. 2017, section 3): alpha_k, the mean over positions
 * of d(class score)/d(channel k of a layer), weighs that channel's activation; what is below zero
 * speaks for other classes and is cut. A layer with a fused ReLU gives the gradient of what enters
 * the ReLU: where the activation is zero, so is it. */
#include "explain_internal.h"
#include "graph/graph_internal.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_EXTENT   4 /* coarser maps tell no vertebra from its neighbour */
#define LAST_INCEPTION "inception_5b/output"

/* Marks the layers that `layer` is made from. */
static void mark(const struct nn_graph *graph, int layer, bool *leads)
{
    leads[layer] = true;
    for (int i = layer; i > 0; i--)
        for (int j = 0; leads[i] && j < graph->layers[i].from_count; j++)
            leads[graph->layers[i].from[j]] = true;
}

static bool is_large(const struct nn_layer *layer)
{
    return layer->shape.h >= LEAST_EXTENT && layer->shape.w >= LEAST_EXTENT;
}

/* Layers that only hand on what an earlier one found. */
static bool hands_on(enum nn_op op)
{
    return op == NN_OP_INPUT || op == NN_OP_MAX_POOL || op == NN_OP_AVG_POOL || op == NN_OP_LRN ||
           op == NN_OP_DROPOUT || op == NN_OP_PAD || op == NN_OP_RESHAPE;
}

static int default_layer(const struct nn_graph *graph, const bool *leads)
{
    int last = nn_graph_find(graph, LAST_INCEPTION);
    if (last > 0 && leads[last] && is_large(&graph->layers[last]))
        return last;
    for (last = graph->count - 1; last > 0; last--)
        if (leads[last] && is_large(&graph->layers[last]) && !hands_on(graph->layers[last].op))
            return last;
    return -1;
}

static enum nn_status choose(const struct nn_model *model, const char *name, int *layer,
                             struct nn_error *err)
{
    const struct nn_graph *graph = model->graph;
    bool *leads = calloc((size_t)graph->count, sizeof *leads);
    enum nn_status status = NN_OK;

    if (!leads)
        return nn_fail(err, NN_NO_MEMORY, "Grad-CAM: no memory");
    mark(graph, model->head, leads);
    *layer = name ? nn_graph_find(graph, name) : default_layer(graph, leads);
    if (*layer < 0)
        status =
            nn_fail(err, NN_INVALID, "Grad-CAM: %s %s", name ? "no layer is called" : "no layer",
                    name ? name : "has an extent of 4 x 4");
    else if (*layer == 0 || *layer == model->head || !leads[*layer])
        status = nn_fail(err, NN_INVALID, "Grad-CAM: layer %s does not lead to the scores", name);
    else if (graph->layers[*layer].shape.h * graph->layers[*layer].shape.w == 1)
        status = nn_fail(err, NN_INVALID, "Grad-CAM: layer %s has no extent", name);
    free(leads);
    return status;
}

static void weigh(struct nn_shape shape, const float *activation, const float *gradient, float *cam)
{
    size_t area = (size_t)shape.h * (size_t)shape.w;

    for (size_t i = 0; i < area; i++)
        cam[i] = 0;
    for (int c = 0; c < shape.c; c++, activation += area, gradient += area) {
        double sum = 0;
        for (size_t i = 0; i < area; i++)
            sum += (double)gradient[i];
        float alpha = (float)(sum / (double)area);
        for (size_t i = 0; i < area; i++)
            cam[i] += alpha * activation[i];
    }
    for (size_t i = 0; i < area; i++)
        cam[i] = cam[i] < 0 ? 0 : cam[i];
}

/* Where the centre of pixel `at` of `side` lies among `cells` centres: the cell before it, and how
 * far towards the next. */
static int cell_before(int at, int side, int cells, float *part)
{
    float place = ((float)at + 0.5f) * (float)cells / (float)side - 0.5f;
    place = place < 0 ? 0 : place > (float)(cells - 1) ? (float)(cells - 1) : place;
    int cell = (int)place < cells - 1 ? (int)place : cells - 1;
    *part = place - (float)cell;
    return cell;
}

static void enlarge(const float *cam, int h, int w, int side, float *to)
{
    for (int y = 0; y < side; y++) {
        float down, right;
        int r = cell_before(y, side, h, &down), r1 = r + 1 < h ? r + 1 : r;
        for (int x = 0; x < side; x++) {
            int q = cell_before(x, side, w, &right), q1 = q + 1 < w ? q + 1 : q;
            float upper = cam[r * w + q] * (1 - right) + cam[r * w + q1] * right;
            float lower = cam[r1 * w + q] * (1 - right) + cam[r1 * w + q1] * right;
            to[(size_t)y * (size_t)side + (size_t)x] = upper * (1 - down) + lower * down;
        }
    }
}

/* A run of its own, which holds the layer's gradient: the judge's run keeps what it has. */
static enum nn_status run_at(const struct nn_judge *judge, int layer, const float *seed,
                             struct nn_run **run, struct nn_error *err)
{
    const struct nn_model *model = judge->model;
    enum nn_status status =
        nn_run_create(model->graph, model->values, 1, NN_RUN_EXPLAIN, judge->pool, run, err);
    if (status == NN_OK)
        status = nn_run_keep_gradient(*run, layer, err);
    if (status == NN_OK)
        status = nn_run_forward(*run, judge->input, 1, NULL, err);
    if (status == NN_OK)
        status = nn_run_backward(*run, model->head, seed, err);
    if (status == NN_OK && (!nn_run_peek(*run, layer) || !nn_run_kept_gradient(*run)))
        status = nn_fail(err, NN_INVALID, "Grad-CAM: layer %s is computed together with the next",
                         nn_graph_name(model->graph, layer));
    return status;
}

enum nn_status nn_explain_gradcam(struct nn_judge *judge, const char *layer, const float *seed,
                                  float *map, struct nn_error *err)
{
    const struct nn_model *model = judge->model;
    int id = -1, side = model->info.preprocess.side;
    struct nn_run *run = NULL;
    enum nn_status status = choose(model, layer, &id, err);
    if (status != NN_OK)
        return status;

    struct nn_shape shape = nn_graph_shape(model->graph, id);
    float *cam = malloc((size_t)shape.h * (size_t)shape.w * sizeof *cam);
    float *raw = malloc((size_t)side * (size_t)side * sizeof *raw);
    status = cam && raw ? run_at(judge, id, seed, &run, err)
                        : nn_fail(err, NN_NO_MEMORY, "Grad-CAM: no memory");
    if (status == NN_OK) {
        weigh(shape, nn_run_peek(run, id), nn_run_kept_gradient(run), cam);
        enlarge(cam, shape.h, shape.w, side, raw);
        status = nn_saliency_map(raw, 1, side, map, err);
    }
    nn_run_destroy(run);
    free(cam);
    free(raw);
    return status;
}
