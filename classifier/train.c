/* train.c: stochastic gradient descent with momentum over all layers (papers.md, Training).
 *
 *   v <- momentum * v - rate * factor * (gradient + decay * w);  w <- w + v
 *
 * The rate falls every rate_drop_epochs; the replaced head learns head_rate_factor times faster.
 * One step: a batch from the loader (one ahead) -> nn_run_train_step -> update. The state between
 * two steps is values, momentum and struct nn_position; all randomness is a function of (seed,
 * epoch, step, index), so the checkpoint of those three is the whole training. */
#include "train_internal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct trainer {
    const struct nn_train_settings *s;
    const struct nn_source *training, *validation;
    const struct nn_network *network;
    struct nn_weights *init;
    struct nn_graph *graph;
    struct nn_values *values;
    struct nn_pool *pool;
    struct nn_run *run;
    struct nn_loader loader;
    float **momentum; /* one array a parameter */
    float *probabilities;
    struct nn_position at;
    char fingerprint[512];
    const char *history_csv;
    bool (*report)(void *context, const struct nn_train_progress *);
    void *report_context;
    struct timespec began; /* of this process's training */
    uint64_t done;         /* steps of this process */
    double epoch_began, validation_loss, validation_accuracy;
};

static double seconds_since(const struct timespec *began)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + 1e-9 * (double)(now.tv_nsec - began->tv_nsec);
}

static double rate_of(const struct nn_train_settings *s, int epoch)
{
    int drops = s->rate_drop_epochs > 0 ? epoch / s->rate_drop_epochs : 0;
    return s->rate * pow(s->rate_drop, drops);
}

static enum nn_status check(const struct nn_train_settings *s, struct nn_error *err)
{
    if (s->classes < 2 || s->classes > NN_MAX_CLASSES)
        return nn_fail(err, NN_INVALID, "%d classes, 2 to %d are expected", s->classes,
                       NN_MAX_CLASSES);
    if (s->epochs < 1 || s->batch < 1 || s->batch > 1024 || s->threads < 1)
        return nn_fail(err, NN_INVALID, "epochs %d, batch %d, threads %d", s->epochs, s->batch,
                       s->threads);
    if (!(s->rate > 0) || !(s->momentum >= 0 && s->momentum < 1) || !(s->rate_drop > 0) ||
        !(s->weight_decay >= 0) || !(s->head_rate_factor > 0) || !(s->clip_norm >= 0))
        return nn_fail(err, NN_INVALID,
                       "rate %g, momentum %g, drop %g, decay %g, head "
                       "factor %g, clip %g",
                       s->rate, s->momentum, s->rate_drop, s->weight_decay, s->head_rate_factor,
                       s->clip_norm);
    return NN_OK;
}

/* What has to be the same for a checkpoint to be this training's. */
static void take_fingerprint(struct trainer *t)
{
    const struct nn_train_settings *s = t->s;

    snprintf(t->fingerprint, sizeof t->fingerprint,
             "%s classes=%d side=%d fit=%d init=%.16s samples=%zu batch=%d rate=%g momentum=%g "
             "drop=%g/%d decay=%g clip=%g head=%g seed=%llu augment=%d",
             s->network, s->classes, s->preprocess.side, s->preprocess.fit,
             nn_weights_digest(t->init), t->training->count, s->batch, s->rate, s->momentum,
             s->rate_drop, s->rate_drop_epochs, s->weight_decay, s->clip_norm, s->head_rate_factor,
             (unsigned long long)s->seed, s->augment);
}

static enum nn_status open_values(struct trainer *t, struct nn_error *err)
{
    const char *fresh[NN_MAX_HEADS + 1];
    int count = nn_graph_parameter_count(t->graph);

    nn_network_fresh(t->graph, t->network->heads, t->init, fresh);
    enum nn_status status =
        nn_values_create(t->graph, t->init, true, fresh, t->s->seed, &t->values, err);
    if (status != NN_OK)
        return status;
    t->momentum = calloc((size_t)count, sizeof *t->momentum);
    for (int i = 0; t->momentum && i < count; i++) {
        size_t elements = nn_graph_parameter(t->graph, i)->elements;
        t->momentum[i] = calloc(elements, sizeof **t->momentum);
        if (!t->momentum[i])
            return nn_fail(err, NN_NO_MEMORY, "no memory for momentum");
    }
    t->probabilities = calloc((size_t)t->s->batch * (size_t)t->s->classes, sizeof(float));
    if (!t->momentum || !t->probabilities)
        return nn_fail(err, NN_NO_MEMORY, "no memory for momentum");
    return NN_OK;
}

/* init, or the union of inits. */
static enum nn_status open_init(struct trainer *t, struct nn_error *err)
{
    struct nn_weights *parts[NN_WEIGHTS_MAX_PARTS] = {NULL};
    enum nn_status status = nn_weights_open(t->s->init, &parts[0], err);
    size_t count = 1;

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

static enum nn_status open_trainer(struct trainer *t, struct nn_error *err)
{
    enum nn_status status = check(t->s, err);

    if (status != NN_OK)
        return status;
    if (!(t->network = nn_network_find(t->s->network)))
        return nn_fail(err, NN_UNSUPPORTED, "network \"%s\" is not known", t->s->network);
    if ((status = open_init(t, err)) != NN_OK)
        return status;
    t->graph = t->network->build(t->s->classes, t->s->preprocess.side, err);
    if (!t->graph)
        return err && err->status != NN_OK ? err->status : NN_NO_MEMORY;
    if ((status = open_values(t, err)) != NN_OK)
        return status;
    if (!(t->pool = nn_pool_create(t->s->threads)))
        return nn_fail(err, NN_NO_MEMORY, "no memory for %d threads", t->s->threads);
    status = nn_run_create_training(t->graph, t->values, t->s->batch, NULL, t->pool, &t->run, err);
    if (status != NN_OK)
        return status;
    status = nn_loader_init(&t->loader, t->training, &t->s->preprocess, t->s->batch, err);
    t->loader.seed = t->s->seed;
    t->loader.shuffle = true;
    t->loader.augment = t->s->augment;
    take_fingerprint(t);
    return status;
}

static void close_trainer(struct trainer *t)
{
    nn_loader_finish(&t->loader);
    nn_run_destroy(t->run);
    nn_pool_destroy(t->pool);
    for (int i = 0; t->momentum && i < nn_graph_parameter_count(t->graph); i++)
        free(t->momentum[i]);
    free(t->momentum);
    free(t->probabilities);
    free(t->at.history);
    nn_values_destroy(t->values);
    nn_graph_destroy(t->graph);
    nn_weights_close(t->init);
}

/* How much every gradient is shortened so that the longest step is bounded. */
static double clip_factor(const struct trainer *t)
{
    double sum = 0;

    if (t->s->clip_norm <= 0)
        return 1;
    for (int i = 0; i < nn_graph_parameter_count(t->graph); i++) {
        const float *gradient = nn_run_parameter_gradient(t->run, i);
        size_t elements = nn_graph_parameter(t->graph, i)->elements;
        float lane[8] = {0}; /* a fixed order of summation that vectorises */
        double part = 0;
        for (size_t k = 0; k + 8 <= elements; k += 8) {
            for (size_t j = 0; j < 8; j++)
                lane[j] += gradient[k + j] * gradient[k + j];
        }
        for (size_t k = elements & ~(size_t)7; k < elements; k++)
            part += (double)(gradient[k] * gradient[k]);
        for (int j = 0; j < 8; j++)
            part += (double)lane[j];
        sum += part;
    }
    double norm = sqrt(sum);
    return norm > t->s->clip_norm ? t->s->clip_norm / norm : 1;
}

static bool is_head(const struct trainer *t, int layer)
{
    for (const char *const *head = t->network->heads; *head; head++) {
        if (nn_graph_find(t->graph, *head) == layer)
            return true;
    }
    return false;
}

static void update(struct trainer *t)
{
    float clip = (float)clip_factor(t), momentum = (float)t->s->momentum;

    for (int i = 0; i < nn_graph_parameter_count(t->graph); i++) {
        const struct nn_parameter *p = nn_graph_parameter(t->graph, i);
        double factor = is_head(t, p->layer) ? t->s->head_rate_factor : 1;
        float rate = (float)(rate_of(t->s, t->at.epoch) * factor);
        float decay = p->dims > 1 ? (float)t->s->weight_decay : 0;
        const float *restrict gradient = nn_run_parameter_gradient(t->run, i);
        float *restrict w = nn_values_at(t->values, i), *restrict v = t->momentum[i];
        for (size_t k = 0; k < p->elements; k++) {
            v[k] = momentum * v[k] - rate * (clip * gradient[k] + decay * w[k]);
            w[k] += v[k];
        }
    }
}

static void count_correct(struct trainer *t, const int *labels, int size)
{
    for (int i = 0; i < size; i++) {
        const float *p = t->probabilities + (size_t)i * (size_t)t->s->classes;
        int top = 0;
        for (int c = 1; c < t->s->classes; c++) {
            if (p[c] > p[top])
                top = c;
        }
        t->at.correct += top == labels[i];
    }
    t->at.seen += size;
}

/* Starts the batch after (epoch, step), if there is one. */
static enum nn_status prefetch(struct trainer *t, struct nn_error *err)
{
    int epoch = t->at.epoch;
    size_t step = t->at.step + 1;

    if (step >= t->loader.steps) {
        epoch++;
        step = 0;
    }
    if (epoch >= t->s->epochs)
        return NN_OK;
    return nn_loader_start(&t->loader, (uint64_t)epoch, step, err);
}

static enum nn_status one_step(struct trainer *t, struct nn_error *err)
{
    uint64_t number = (uint64_t)t->at.epoch * t->loader.steps + t->at.step;
    double loss = 0;
    int slot;
    enum nn_status status;

    if ((status = nn_loader_wait(&t->loader, &slot, err)) != NN_OK ||
        (status = prefetch(t, err)) != NN_OK)
        return status;
    nn_run_zero_gradients(t->run);
    status = nn_run_train_step(t->run, t->loader.input[slot], t->loader.labels[slot],
                               t->loader.size[slot], t->s->seed, number, NULL, 0, &loss,
                               t->probabilities, err);
    if (status != NN_OK)
        return status;
    if (!isfinite(loss))
        return nn_fail(err, NN_BAD_DATA,
                       "the loss is not a number in epoch %d, step %zu: lower the rate",
                       t->at.epoch + 1, t->at.step + 1);
    update(t);
    count_correct(t, t->loader.labels[slot], t->loader.size[slot]);
    t->at.loss_sum += loss * t->loader.size[slot];
    t->at.step++;
    t->done++;
    return NN_OK;
}

static enum nn_status validate(struct trainer *t, struct nn_error *err)
{
    size_t count = t->validation->count, classes = (size_t)t->s->classes;
    float *scores = calloc(count, classes * sizeof *scores);
    int *truth = calloc(count, sizeof *truth);
    double loss = 0;
    long correct = 0;
    enum nn_status status;

    if (!scores || !truth)
        status = nn_fail(err, NN_NO_MEMORY, "no memory for validation");
    else
        status = nn_measure_scores(t->graph, t->values, &t->s->preprocess, t->s->classes,
                                   t->validation, t->pool, scores, truth, err);
    for (size_t i = 0; status == NN_OK && i < count; i++) {
        const float *p = scores + i * classes;
        bool highest = true;
        for (size_t c = 0; c < classes; c++)
            highest = highest && (c == (size_t)truth[i] || p[c] < p[truth[i]]);
        correct += highest;
        loss -= log(fmax((double)p[truth[i]], 1e-30));
    }
    t->validation_loss = loss / (double)count;
    t->validation_accuracy = (double)correct / (double)count;
    free(scores);
    free(truth);
    return status;
}

static enum nn_status write_history(const struct trainer *t, struct nn_error *err)
{
    char temporary[PATH_MAX];

    if (!t->history_csv)
        return NN_OK;
    int length = snprintf(temporary, sizeof temporary, "%s.partial", t->history_csv);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", t->history_csv);
    FILE *file = fopen(temporary, "we");
    if (!file)
        return nn_fail(err, NN_IO, "%s: %s", temporary, strerror(errno));
    fprintf(file,
            "epoch,rate,train_loss,train_accuracy,validation_loss,validation_accuracy,"
            "seconds\n%s",
            t->at.history ? t->at.history : "");
    bool failed = fflush(file) != 0 || fsync(fileno(file)) != 0;
    failed = fclose(file) != 0 || failed;
    if (failed || rename(temporary, t->history_csv) != 0) {
        int cause = errno;
        unlink(temporary);
        return nn_fail(err, NN_IO, "%s: %s", t->history_csv, strerror(cause));
    }
    return NN_OK;
}

static enum nn_status add_history(struct trainer *t, struct nn_error *err)
{
    char *longer = NULL;
    double seen = t->at.seen > 0 ? (double)t->at.seen : 1;
    int length = asprintf(
        &longer, "%s%d,%g,%.6f,%.6f,%.6f,%.6f,%.1f\n", t->at.history ? t->at.history : "",
        t->at.epoch + 1, rate_of(t->s, t->at.epoch), t->at.loss_sum / seen,
        (double)t->at.correct / seen, t->validation_loss, t->validation_accuracy, t->at.seconds);

    if (length < 0)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the history");
    free(t->at.history);
    t->at.history = longer;
    return write_history(t, err);
}

static enum nn_status save(struct trainer *t, struct nn_error *err)
{
    return nn_checkpoint_write(t->s->checkpoint_dir, t->fingerprint, t->graph, t->values,
                               t->momentum, &t->at, err);
}

static bool tell(struct trainer *t, bool epoch_done)
{
    double elapsed = seconds_since(&t->began), each = elapsed / (double)(t->done ? t->done : 1);
    uint64_t all = (uint64_t)t->s->epochs * t->loader.steps;
    uint64_t past = (uint64_t)t->at.epoch * t->loader.steps + t->at.step;
    double seen = t->at.seen > 0 ? (double)t->at.seen : 1;
    struct nn_train_progress p = {.epoch = t->at.epoch + 1,
                                  .epochs = t->s->epochs,
                                  .step = (long)t->at.step,
                                  .steps = (long)t->loader.steps,
                                  .loss = t->at.loss_sum / seen,
                                  .accuracy = (double)t->at.correct / seen,
                                  .rate = rate_of(t->s, t->at.epoch),
                                  .images_per_second = each > 0 ? t->s->batch / each : 0,
                                  .eta_seconds = each * (double)(all - past),
                                  .epoch_done = epoch_done,
                                  .validation_loss = t->validation_loss,
                                  .validation_accuracy = t->validation_accuracy};

    return !t->report || t->report(t->report_context, &p);
}

static enum nn_status finish_epoch(struct trainer *t, bool *go_on, struct nn_error *err)
{
    enum nn_status status = validate(t, err);

    if (status != NN_OK)
        return status;
    double now = seconds_since(&t->began);
    t->at.seconds += now - t->epoch_began;
    t->epoch_began = now;
    if ((status = add_history(t, err)) != NN_OK)
        return status;
    *go_on = tell(t, true);
    t->at = (struct nn_position){.epoch = t->at.epoch + 1, .history = t->at.history};
    return save(t, err);
}

static enum nn_status all_steps(struct trainer *t, struct nn_error *err)
{
    enum nn_status status = NN_OK;
    bool go_on = true;

    if (t->at.epoch < t->s->epochs)
        status = nn_loader_start(&t->loader, (uint64_t)t->at.epoch, t->at.step, err);
    while (status == NN_OK && go_on && t->at.epoch < t->s->epochs) {
        if ((status = one_step(t, err)) != NN_OK)
            break;
        go_on = tell(t, false);
        bool last = t->at.step == t->loader.steps;
        bool due = t->s->checkpoint_steps > 0 && t->at.step % (size_t)t->s->checkpoint_steps == 0;
        if (last) {
            bool more = true;
            status = finish_epoch(t, &more, err);
            go_on = go_on && more;
        } else if (due || !go_on) {
            double now = seconds_since(&t->began);
            t->at.seconds += now - t->epoch_began;
            t->epoch_began = now;
            status = save(t, err);
        }
    }
    if (status == NN_OK && !go_on && t->at.epoch < t->s->epochs)
        status = nn_fail(err, NN_STOPPED, "stopped in epoch %d of %d; --resume goes on",
                         t->at.epoch + 1, t->s->epochs);
    return status;
}

static enum nn_status write_weights(struct trainer *t, const char *path, enum nn_dtype store,
                                    struct nn_error *err)
{
    size_t count = (size_t)nn_graph_parameter_count(t->graph);
    struct nn_tensor *tensors = calloc(count, sizeof *tensors);

    if (!tensors)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the weights");
    for (size_t i = 0; i < count; i++) {
        const struct nn_parameter *p = nn_graph_parameter(t->graph, (int)i);
        tensors[i] = (struct nn_tensor){.name = p->name,
                                        .stored = store,
                                        .dims = p->dims,
                                        .elements = p->elements,
                                        .data = nn_values_peek(t->values, (int)i)};
        for (int d = 0; d < p->dims; d++)
            tensors[i].dim[d] = p->dim[d];
    }
    const struct nn_metadata metadata[] = {{"layout", "OIHW; fully connected (out,in)"},
                                           {"network", t->s->network}};
    enum nn_status status = nn_weights_write(path, tensors, count, metadata,
                                             sizeof metadata / sizeof *metadata, store, err);
    free(tensors);
    return status;
}

enum nn_status nn_train(const struct nn_train_settings *settings, const struct nn_source *training,
                        const struct nn_source *validation, const char *out_weights,
                        enum nn_dtype store, const char *history_csv,
                        bool (*report)(void *context, const struct nn_train_progress *),
                        void *report_context, struct nn_error *err)
{
    struct trainer t = {.s = settings,
                        .training = training,
                        .validation = validation,
                        .history_csv = history_csv,
                        .report = report,
                        .report_context = report_context};
    struct nn_error own = {0};
    enum nn_status status = open_trainer(&t, err ? err : &own);

    if (status == NN_OK && settings->resume) {
        status = nn_checkpoint_read(settings->checkpoint_dir, t.fingerprint, t.graph, t.values,
                                    t.momentum, &t.at, err);
        if (status == NN_MISSING)
            status = NN_OK; /* nothing to resume from: a first start */
    }
    if (status == NN_OK && (t.at.step >= t.loader.steps || t.at.epoch > settings->epochs))
        status = nn_fail(err, NN_INVALID, "the checkpoint is beyond these settings");
    clock_gettime(CLOCK_MONOTONIC, &t.began);
    if (status == NN_OK)
        status = write_history(&t, err);
    if (status == NN_OK)
        status = all_steps(&t, err);
    if (status == NN_OK)
        status = write_weights(&t, out_weights, store, err);
    close_trainer(&t);
    return status;
}
