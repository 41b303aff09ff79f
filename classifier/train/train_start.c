/* train_start.c: from settings to a training that can take its first step: graph, values, what is
 * frozen, the run, the optimiser, the loader. */
#include "graph/graph_internal.h"
#include "nn_network.h"
#include "train_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* init, or the union of inits. */
static enum nn_status open_init(struct nn_trainer *t, struct nn_error *err)
{
    struct nn_weights *parts[NN_WEIGHTS_MAX_PARTS] = {NULL};
    enum nn_status status;
    size_t count = 1;

    if (!t->s->init)
        return NN_OK;
    status = nn_weights_open(t->s->init, &parts[0], err);
    for (size_t i = 0; status == NN_OK && i < t->s->more_init_count; i++, count++)
        status =
            count >= NN_WEIGHTS_MAX_PARTS
                ? nn_fail(err, NN_INVALID, "more than %d initial weights", NN_WEIGHTS_MAX_PARTS)
                : nn_weights_open(t->s->more_init[i], &parts[count], err);
    if (status == NN_OK)
        status = nn_weights_join(parts, count, &t->init, err);
    for (size_t i = 0; status != NN_OK && i < NN_WEIGHTS_MAX_PARTS; i++)
        nn_weights_close(parts[i]);
    return status;
}

static struct nn_graph *build(const struct nn_train_settings *s, const struct nn_network *network,
                              struct nn_error *err)
{
    int side = s->preprocess.side;

    if (s->places > 0)
        return network->build_places(s->classes, side, (float)s->places, err);
    return (s->auxiliary ? network->build_auxiliary : network->build)(s->classes, side, err);
}

static enum nn_status open_graph(struct nn_trainer *t, struct nn_error *err)
{
    const struct nn_network *network;

    t->graph = t->s->graph;
    t->heads = t->s->heads;
    if (!t->graph) {
        if (!(network = nn_network_find(t->s->network)))
            return nn_fail(err, NN_UNSUPPORTED, "network \"%s\" is not known", t->s->network);
        if (t->s->auxiliary && !network->build_auxiliary)
            return nn_fail(err, NN_UNSUPPORTED, "network %s has no auxiliary heads", t->s->network);
        if (t->s->places > 0 && !network->build_places)
            return nn_fail(err, NN_UNSUPPORTED, "network %s has no scores at places",
                           t->s->network);
        t->graph = build(t->s, network, err);
        t->heads = network->heads;
    }
    if (!t->graph)
        return err && err->status != NN_OK ? err->status : NN_NO_MEMORY;
    struct nn_shape input = nn_graph_shape(t->graph, 0);
    struct nn_shape output = nn_graph_shape(t->graph, nn_graph_count(t->graph) - 1);
    if (input.c != 3 || input.h != t->s->preprocess.side || input.w != input.h)
        return nn_fail(
            err, NN_SHAPE, "network %s reads %d x %d x %d, the images become 3 x %d x %d",
            t->s->network, input.c, input.h, input.w, t->s->preprocess.side, t->s->preprocess.side);
    if (output.c != t->s->classes)
        return nn_fail(err, NN_SHAPE, "network %s has %d outputs for %d classes", t->s->network,
                       output.c, t->s->classes);
    for (int i = 0; t->s->set_dropout && i < t->graph->count; i++) {
        if (t->graph->layers[i].op == NN_OP_DROPOUT)
            t->graph->layers[i].rate = (float)t->s->dropout;
    }
    return NN_OK;
}

/* From scratch every layer is new; otherwise the heads that do not fit. */
static enum nn_status open_values(struct nn_trainer *t, struct nn_error *err)
{
    size_t layers = (size_t)nn_graph_count(t->graph);
    const char **fresh = calloc(layers + NN_MAX_HEADS + 1, sizeof *fresh);
    enum nn_status status;

    if (!fresh)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the parameters");
    if (t->init) {
        static const char *const none[] = {NULL};
        int count = nn_network_fresh(t->graph, t->heads ? t->heads : none, t->init, fresh);
        for (size_t i = 0; i < layers; i++) {
            if (!nn_graph_serves_output(t->graph, (int)i))
                fresh[count++] = nn_graph_name(t->graph, (int)i);
        }
    } else {
        for (size_t i = 0; i < layers; i++)
            fresh[i] = nn_graph_name(t->graph, (int)i);
    }
    status = nn_values_create(t->graph, t->init, true, fresh, t->s->seed, &t->values, err);
    if (status == NN_OK && t->s->average > 0)
        status = nn_values_create(t->graph, t->init, true, fresh, t->s->seed, &t->average, err);
    free(fresh);
    return status;
}

static enum nn_status take_class_weights(struct nn_trainer *t, struct nn_error *err)
{
    const struct nn_train_settings *s = t->s;
    size_t samples[NN_MAX_CLASSES] = {0};

    for (size_t i = 0; i < t->training->count; i++) {
        int label = t->training->label(t->training->context, i, 0);
        if (label < 0 || label >= s->classes)
            return nn_fail(err, NN_BAD_DATA, "sample %zu is of class %d (0 to %d)", i, label,
                           s->classes - 1);
        samples[label]++;
    }
    if (s->class_weighting == NN_CLASSES_ALIKE)
        return NN_OK;
    t->class_weight = calloc(NN_MAX_CLASSES, sizeof *t->class_weight);
    if (!t->class_weight)
        return nn_fail(err, NN_NO_MEMORY, "no memory for class weights");
    for (int c = 0; c < s->classes; c++) {
        if (s->class_weighting == NN_CLASSES_GIVEN) {
            t->class_weight[c] = s->class_weight[c];
        } else if (samples[c] == 0) {
            return nn_fail(err, NN_BAD_DATA, "class %d has no training image to balance", c);
        } else {
            t->class_weight[c] =
                (float)((double)t->training->count / ((double)s->classes * (double)samples[c]));
        }
    }
    return NN_OK;
}

/* The optimiser, and what it is told of each parameter. */
static enum nn_status open_optimiser(struct nn_trainer *t, struct nn_error *err)
{
    size_t count = (size_t)nn_graph_parameter_count(t->graph);
    bool *frozen = calloc(count + 1, sizeof *frozen);
    enum nn_status status;

    t->gradients = calloc(count + 1, sizeof *t->gradients);
    t->factors = calloc(count + 1, sizeof *t->factors);
    if (!frozen || !t->gradients || !t->factors) {
        free(frozen);
        return nn_fail(err, NN_NO_MEMORY, "no memory for the optimiser");
    }
    for (size_t i = 0; i < count; i++) {
        const struct nn_parameter *p = nn_graph_parameter(t->graph, (int)i);
        t->gradients[i] = nn_run_parameter_gradient(t->run, (int)i);
        frozen[i] = t->gradients[i] == NULL;
        t->factors[i] =
            t->init && nn_is_head(t->graph, t->heads, p->layer) ? t->s->head_rate_factor : 1;
    }
    status = nn_optimiser_create(t->graph, &t->s->optimiser, frozen, t->pool, &t->optimiser, err);
    free(frozen);
    return status;
}

/* An epoch's last batch is its smallest: refused now rather than after an epoch. */
static enum nn_status check_last_batch(const struct nn_trainer *t, struct nn_error *err)
{
    int last = (int)(t->training->count % (size_t)t->s->batch);
    return nn_run_check_batch(t->run, last > 0 ? last : t->s->batch, err);
}

static enum nn_status open_best(struct nn_trainer *t, struct nn_error *err)
{
    size_t count = (size_t)nn_graph_parameter_count(t->graph);

    if (t->s->keep != NN_KEEP_BEST)
        return NN_OK;
    t->best = calloc(count + 1, sizeof *t->best);
    for (size_t i = 0; t->best && i < count; i++) {
        t->best[i] = calloc(nn_graph_parameter(t->graph, (int)i)->elements, sizeof **t->best);
        if (!t->best[i])
            return nn_fail(err, NN_NO_MEMORY, "no memory for the best epoch's values");
    }
    return t->best ? NN_OK : nn_fail(err, NN_NO_MEMORY, "no memory for the best epoch's values");
}

static enum nn_status open_loader(struct nn_trainer *t, struct nn_error *err)
{
    enum nn_status status =
        nn_loader_init(&t->loader, t->training, &t->s->preprocess, t->s->batch, err);

    for (int i = 0; status == NN_OK && i < t->graph->auxiliary_count; i++) {
        struct nn_shape shape = nn_graph_shape(t->graph, t->graph->auxiliaries[i].scores);
        if (t->graph->auxiliaries[i].softmax < 0)
            status = nn_loader_places(&t->loader, shape.h, shape.w, err);
    }
    t->loader.seed = t->s->seed;
    t->loader.shuffle = true;
    t->loader.augmentation = t->s->augmentation;
    t->probabilities = calloc((size_t)t->s->batch * (size_t)t->s->classes, sizeof(float));
    t->settings_text = nn_train_settings_print(t);
    if (status == NN_OK && (!t->probabilities || !t->settings_text))
        status = nn_fail(err, NN_NO_MEMORY, "no memory for the training");
    return status;
}

/* Two trainings that write one checkpoint would each go on from the other's. */
static enum nn_status take_lock(struct nn_trainer *t, struct nn_error *err)
{
    const char *dir = t->s->checkpoint_dir;

    t->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->lock < 0)
        return nn_fail(err, NN_IO, "%.150s: %s", dir, strerror(errno));
    if (flock(t->lock, LOCK_EX | LOCK_NB) != 0)
        return nn_fail(err, errno == EWOULDBLOCK ? NN_INVALID : NN_IO,
                       "%.150s: another training keeps its checkpoint here", dir);
    return NN_OK;
}

enum nn_status nn_trainer_open(struct nn_trainer *t, struct nn_error *err)
{
    enum nn_status status = nn_train_check(t->s, t->training, t->validation, err);

    if (status != NN_OK || (status = open_init(t, err)) != NN_OK ||
        (status = take_lock(t, err)) != NN_OK || (status = open_graph(t, err)) != NN_OK ||
        (status = take_class_weights(t, err)) != NN_OK)
        return status;
    t->frozen = calloc((size_t)nn_graph_count(t->graph), sizeof *t->frozen);
    if (!t->frozen)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the training");
    if ((status = nn_freeze(t->graph, t->heads, t->s->freeze, t->frozen, err)) != NN_OK ||
        (status = open_values(t, err)) != NN_OK)
        return status;
    if (!(t->pool = nn_pool_create(t->s->threads)))
        return nn_fail(err, NN_NO_MEMORY, "no memory for %d threads", t->s->threads);
    if ((status = nn_run_create_training(t->graph, t->values, t->s->batch, t->frozen, t->pool,
                                         &t->run, err)) != NN_OK ||
        (status = check_last_batch(t, err)) != NN_OK ||
        (status = open_optimiser(t, err)) != NN_OK || (status = open_best(t, err)) != NN_OK)
        return status;
    return open_loader(t, err);
}

void nn_trainer_close(struct nn_trainer *t)
{
    if (t->lock >= 0)
        close(t->lock);
    nn_loader_finish(&t->loader);
    nn_optimiser_destroy(t->optimiser);
    nn_run_destroy(t->run);
    nn_pool_destroy(t->pool);
    for (int i = 0; t->best && i < nn_graph_parameter_count(t->graph); i++)
        free(t->best[i]);
    free(t->best);
    free(t->gradients);
    free(t->factors);
    free(t->class_weight);
    free(t->probabilities);
    free(t->settings_text);
    free(t->frozen);
    free(t->at.history);
    nn_values_destroy(t->values);
    nn_values_destroy(t->average);
    if (t->graph != t->s->graph)
        nn_graph_destroy(t->graph);
    nn_weights_close(t->init);
}
