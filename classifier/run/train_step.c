/* One step of training: forward, the losses of all heads, backward, and the running statistics. */
#include "ops/ops.h"
#include "run_internal.h"
#include <math.h>
#include <string.h>

/* What a loss is taken against. */
struct target {
    const int *labels;
    const float *class_weights; /* or NULL */
    double smoothing;
};

static enum nn_status check_labels(const struct nn_run *run, const int *labels, int batch,
                                   int classes, struct nn_error *err)
{
    enum nn_status status = nn_run_check_batch(run, batch, err);
    if (status != NN_OK)
        return status;
    for (int i = 0; i < batch; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return nn_fail(err, NN_INVALID, "network: label %d of sample %d (0 to %d)", labels[i],
                           i, classes - 1);
    return NN_OK;
}

static double smoothed_cross_entropy(int classes, const float *logits, int label, double smoothing)
{
    double loss = (1 - smoothing) * nn_cross_entropy(classes, logits, label), even = 0;
    for (int c = 0; smoothing > 0 && c < classes; c++)
        even += nn_cross_entropy(classes, logits, c);
    return loss + smoothing / classes * even;
}

/* The loss of the head that ends in `softmax`, its sum over the batch; d(loss)/d(logits) goes to
 * `to`, (batch, classes). */
static double head_loss(const struct nn_run *run, int softmax, double factor, struct target target,
                        float *to)
{
    int classes = run->layers[softmax].shape.c;
    const struct nn_node *node = &run->nodes[softmax];
    const struct nn_node *from = &run->nodes[run->layers[softmax].from[0]];
    double sum = 0;

    for (int i = 0; i < run->batch; i++) {
        const float *p = node->activation + (size_t)i * node->stride;
        const float *logits = from->activation + (size_t)i * from->stride;
        float *g = to + (size_t)i * (size_t)classes;
        int label = target.labels[i];
        double weight =
            factor * (target.class_weights == NULL ? 1.0 : (double)target.class_weights[label]);
        sum += weight * smoothed_cross_entropy(classes, logits, label, target.smoothing);
        for (int c = 0; c < classes; c++) { /* d(loss)/d(logit) = p - target */
            double wanted = (1 - target.smoothing) * (c == label) + target.smoothing / classes;
            g[c] = (float)(weight * ((double)p[c] - wanted) / run->batch);
        }
    }
    return sum;
}

void nn_run_set_places(struct nn_run *run, const uint8_t *places)
{
    run->places = places;
}

/* How many classes one sample's places have, and how many places each has. */
static int count_places(const uint8_t *places, size_t count, int classes,
                        size_t of[NN_PLACES_MAX_CLASSES])
{
    int present = 0;
    memset(of, 0, NN_PLACES_MAX_CLASSES * sizeof *of);
    for (size_t i = 0; i < count; i++)
        if (places[i] < classes)
            present += of[places[i]]++ == 0;
    return present;
}

/* The loss of scores at places: within a sample each class that is there weighs alike, however
 * large it is. */
static double places_loss(const struct nn_run *run, const struct nn_auxiliary *head, float *to)
{
    struct nn_shape shape = run->layers[head->scores].shape;
    const struct nn_node *node = &run->nodes[head->scores];
    size_t count = (size_t)shape.h * (size_t)shape.w, of[NN_PLACES_MAX_CLASSES];
    double sum = 0;

    memset(to, 0, (size_t)run->batch * nn_shape_elements(shape) * sizeof *to);
    for (int s = 0; run->places != NULL && s < run->batch; s++) {
        const uint8_t *places = run->places + (size_t)s * count;
        const float *scores = node->activation + (size_t)s * node->stride;
        float *g = to + (size_t)s * nn_shape_elements(shape);
        int present = count_places(places, count, shape.c, of);
        for (size_t i = 0; i < count; i++) {
            float logits[NN_PLACES_MAX_CLASSES], p[NN_PLACES_MAX_CLASSES];
            if (places[i] >= shape.c)
                continue;
            for (int c = 0; c < shape.c; c++)
                logits[c] = scores[(size_t)c * count + i];
            nn_softmax_forward(shape.c, logits, p);
            double weight = (double)head->weight / present / (double)of[places[i]];
            sum += weight * nn_cross_entropy(shape.c, logits, places[i]);
            for (int c = 0; c < shape.c; c++)
                g[(size_t)c * count + i] =
                    (float)(weight * ((double)p[c] - (c == places[i])) / run->batch);
        }
    }
    return sum;
}

/* running = (1 - momentum) * running + momentum * batch, the variance unbiased. */
static void move_statistics(struct nn_run *run)
{
    for (int i = 0; i < run->graph->count; i++) {
        const struct nn_layer *layer = &run->layers[i];
        const struct nn_node *node = &run->nodes[i];
        if (node->mean == NULL)
            continue;
        float *mean = nn_values_at(run->trained, layer->running_mean);
        float *variance = nn_values_at(run->trained, layer->running_var);
        double count = (double)layer->shape.h * layer->shape.w * run->batch;
        double share = (double)layer->norm.momentum, unbiased = count / (count - 1);
        for (int c = 0; c < layer->shape.c; c++) {
            mean[c] = (float)((1 - share) * (double)mean[c] + share * (double)node->mean[c]);
            variance[c] = (float)((1 - share) * (double)variance[c] +
                                  share * unbiased * (double)node->variance[c]);
        }
    }
}

enum nn_status nn_run_train_step(struct nn_run *run, const float *input, const int *labels,
                                 int batch, uint64_t seed, uint64_t step,
                                 const float *class_weights, double smoothing, double *loss,
                                 float *probabilities, struct nn_error *err)
{
    const struct nn_graph *graph = run->graph;
    int last = graph->count - 1, heads[1 + NN_MAX_AUXILIARIES], count = 0;
    const float *gradients[1 + NN_MAX_AUXILIARIES];
    if (run->mode != NN_RUN_TRAIN || graph->layers[last].op != NN_OP_SOFTMAX)
        return nn_fail(err, NN_INVALID, "network: training needs mode TRAIN and a softmax output");
    if (!(smoothing >= 0 && smoothing <= 1))
        return nn_fail(err, NN_INVALID, "network: smoothing is within 0 to 1");

    int classes = graph->layers[last].shape.c;
    enum nn_status status = check_labels(run, labels, batch, classes, err);
    if (status != NN_OK)
        return status;
    run->seed = seed;
    run->step = step;
    if ((status = nn_run_forward(run, input, batch, probabilities, err)) != NN_OK)
        return status;

    struct target target = {labels, class_weights, smoothing};
    double sum = 0;
    float *to = run->logits_gradient;
    for (int i = -1; i < graph->auxiliary_count; i++) {
        struct nn_auxiliary head = {last, graph->layers[last].from[0], 1};
        if (i >= 0)
            head = graph->auxiliaries[i];
        sum += head.softmax < 0 ? places_loss(run, &head, to)
                                : head_loss(run, head.softmax, (double)head.weight, target, to);
        heads[count] = head.scores;
        gradients[count++] = to;
        to += (size_t)batch * nn_shape_elements(graph->layers[head.scores].shape);
    }
    *loss = sum / batch;
    if (!isfinite(*loss))
        return nn_fail(err, NN_BAD_DATA, "network: the loss is not finite");

    nn_run_backward_from(run, heads, gradients, count);
    move_statistics(run);
    return NN_OK;
}
