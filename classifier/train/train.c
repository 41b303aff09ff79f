/* train.c: the training loop (by default the papers' protocol: docs/training.md).
 *
 * One step: a batch from the loader (one ahead) -> nn_run_train_step -> nn_optimiser_step ->
 * average, if there is one. The rate
 * falls every rate_drop_epochs; heads learn head_rate_factor times faster. After each epoch:
 * validation, a line of history, the best epoch's values, a checkpoint, early stop. All randomness
 * is a function of (seed, epoch, step, index), so values, the optimiser's state and struct
 * nn_position are the whole training. */
#include "file_internal.h"
#include "train_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double seconds_since(const struct timespec *began)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + 1e-9 * (double)(now.tv_nsec - began->tv_nsec);
}

static void count_correct(struct nn_trainer *t, const int *labels, int size)
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
static enum nn_status prefetch(struct nn_trainer *t, struct nn_error *err)
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

/* Takes the values after step `number` (from 0) into their mean. */
static void average(struct nn_trainer *t, uint64_t number)
{
    double share = fmax(1 - t->s->average, 9 / ((double)number + 11));

    for (int i = 0; t->average && i < nn_graph_parameter_count(t->graph); i++) {
        const float *value = nn_values_peek(t->values, i);
        float *mean = nn_values_at(t->average, i);
        for (size_t k = 0; k < nn_graph_parameter(t->graph, i)->elements; k++)
            mean[k] += (float)share * (value[k] - mean[k]);
    }
}

static enum nn_status one_step(struct nn_trainer *t, struct nn_error *err)
{
    uint64_t number = (uint64_t)t->at.epoch * t->loader.steps + t->at.step;
    double loss = 0, began = seconds_since(&t->began);
    struct nn_error own = {0};
    int slot;
    enum nn_status status;

    if ((status = nn_loader_wait(&t->loader, &slot, err)) != NN_OK ||
        (status = prefetch(t, err)) != NN_OK)
        return status;
    int size = t->loader.size[slot];
    nn_run_zero_gradients(t->run);
    nn_run_set_places(t->run, t->loader.places[slot]);
    status = nn_run_train_step(t->run, t->loader.input[slot], t->loader.labels[slot], size,
                               t->s->seed, number, t->class_weight, t->s->label_smoothing, &loss,
                               t->probabilities, &own);
    if (status == NN_OK)
        status = nn_optimiser_step(t->optimiser, t->gradients, t->values,
                                   nn_train_rate(t->s, t->at.epoch), t->factors, &own);
    if (status != NN_OK)
        return nn_fail(err, status, "epoch %d, step %zu: %.200s", t->at.epoch + 1, t->at.step + 1,
                       own.text);
    average(t, number);
    count_correct(t, t->loader.labels[slot], size);
    t->at.loss_sum += loss * size;
    t->at.step++;
    t->steps_done++;
    t->images_done += (uint64_t)size;
    t->training_seconds += seconds_since(&t->began) - began;
    return NN_OK;
}

static enum nn_status validate(struct nn_trainer *t, struct nn_error *err)
{
    uint64_t confusion[NN_MAX_CLASSES * NN_MAX_CLASSES], right = 0;
    size_t count = t->validation->count;
    int classes = t->s->classes;
    float *scores = calloc(count, (size_t)classes * sizeof *scores);
    int *truth = calloc(count, sizeof *truth);
    double brier, began = seconds_since(&t->began);
    struct nn_error own = {0};
    enum nn_status status;

    if (!scores || !truth)
        status = nn_fail(&own, NN_NO_MEMORY, "no memory");
    else
        status = nn_measure_scores(t->graph, nn_trainer_result(t), &t->s->preprocess, classes,
                                   t->validation, t->pool, scores, truth, &own);
    if (status == NN_OK)
        status = nn_likelihood(scores, truth, count, classes, &t->validation_loss, &brier, &own);
    if (status == NN_OK)
        status = nn_confusion_count(scores, truth, count, classes, confusion, &own);
    free(scores);
    free(truth);
    if (status != NN_OK)
        return nn_fail(err, status, "validation: %.220s", own.text);
    for (int c = 0; c < classes; c++)
        right += confusion[c * classes + c];
    t->validation_accuracy = (double)right / (double)count;
    t->validation_seconds += seconds_since(&t->began) - began;
    t->epochs_done++;
    return NN_OK;
}

/* The seconds of this epoch, up to date, then the whole state. */
static enum nn_status save(struct nn_trainer *t, struct nn_error *err)
{
    double now = seconds_since(&t->began);

    t->at.seconds += now - t->epoch_began;
    t->epoch_began = now;
    clock_gettime(CLOCK_MONOTONIC, &t->saved);
    return nn_checkpoint_write(t, err);
}

/* What is left, by the speed of this process: a step's and a validation's mean. */
static double seconds_left(const struct nn_trainer *t)
{
    uint64_t all = (uint64_t)t->s->epochs * t->loader.steps;
    uint64_t past = (uint64_t)t->at.epoch * t->loader.steps + t->at.step;
    double step = t->steps_done ? t->training_seconds / (double)t->steps_done : 0;
    double epoch = t->epochs_done ? t->validation_seconds / (double)t->epochs_done : 0;

    return step * (double)(all - past) + epoch * (double)(t->s->epochs - t->at.epoch);
}

static bool tell(struct nn_trainer *t, bool epoch_done)
{
    double seen = t->at.seen > 0 ? (double)t->at.seen : 1;
    struct nn_train_progress p = {
        .epoch = t->at.epoch + 1,
        .epochs = t->s->epochs,
        .step = (long)t->at.step,
        .steps = (long)t->loader.steps,
        .loss = t->at.loss_sum / seen,
        .accuracy = (double)t->at.correct / seen,
        .rate = nn_train_rate(t->s, t->at.epoch),
        .images_per_second =
            t->training_seconds > 0 ? (double)t->images_done / t->training_seconds : 0,
        .eta_seconds = seconds_left(t),
        .epoch_done = epoch_done,
        .validation_loss = t->validation_loss,
        .validation_accuracy = t->validation_accuracy};

    return !t->out->report || t->out->report(t->out->report_context, &p);
}

static void keep_best(struct nn_trainer *t)
{
    if (t->at.best_epoch > 0 && !(t->validation_loss < t->at.best_loss))
        return;
    t->at.best_epoch = t->at.epoch + 1;
    t->at.best_loss = t->validation_loss;
    for (int i = 0; t->best && i < nn_graph_parameter_count(t->graph); i++)
        memcpy(t->best[i], nn_values_peek(nn_trainer_result(t), i),
               nn_graph_parameter(t->graph, i)->elements * sizeof **t->best);
}

static enum nn_status finish_epoch(struct nn_trainer *t, bool *go_on, struct nn_error *err)
{
    enum nn_status status = validate(t, err);

    if (status != NN_OK)
        return status;
    double now = seconds_since(&t->began);
    t->at.seconds += now - t->epoch_began;
    t->epoch_began = now;
    if ((status = nn_history_add(t, err)) != NN_OK)
        return status;
    keep_best(t);
    *go_on = tell(t, true) && *go_on;
    t->at = (struct nn_position){.epoch = t->at.epoch + 1,
                                 .best_epoch = t->at.best_epoch,
                                 .best_loss = t->at.best_loss,
                                 .history = t->at.history};
    return save(t, err);
}

static bool finished(const struct nn_trainer *t)
{
    bool early =
        t->s->patience > 0 && t->at.step == 0 && t->at.epoch - t->at.best_epoch >= t->s->patience;

    return t->at.epoch >= t->s->epochs || early;
}

static bool checkpoint_due(const struct nn_trainer *t)
{
    const struct nn_train_settings *s = t->s;
    bool steps = s->checkpoint_steps > 0 && t->at.step % (size_t)s->checkpoint_steps == 0;
    bool time =
        s->checkpoint_seconds > 0 && seconds_since(&t->saved) >= (double)s->checkpoint_seconds;

    return steps || time;
}

static enum nn_status all_steps(struct nn_trainer *t, struct nn_error *err)
{
    enum nn_status status = NN_OK;
    bool go_on = true;

    if (!finished(t))
        status = nn_loader_start(&t->loader, (uint64_t)t->at.epoch, t->at.step, err);
    while (status == NN_OK && go_on && !finished(t)) {
        if ((status = one_step(t, err)) != NN_OK)
            break;
        go_on = tell(t, false);
        if (t->at.step == t->loader.steps)
            status = finish_epoch(t, &go_on, err);
        else if (!go_on || checkpoint_due(t))
            status = save(t, err);
    }
    if (status == NN_OK && !finished(t))
        status = nn_fail(err, NN_STOPPED, "stopped in epoch %d of %d; --resume goes on",
                         t->at.epoch + 1, t->s->epochs);
    return status;
}

static enum nn_status write_weights(struct nn_trainer *t, struct nn_error *err)
{
    size_t all = (size_t)nn_graph_parameter_count(t->graph), count = 0;
    struct nn_tensor *tensors = calloc(all, sizeof *tensors);
    enum nn_dtype store = t->out->store;

    if (!tensors)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the weights");
    for (size_t i = 0; i < all; i++) {
        const struct nn_parameter *p = nn_graph_parameter(t->graph, (int)i);
        if (!nn_graph_serves_output(t->graph, p->layer))
            continue;
        tensors[count] = (struct nn_tensor){
            .name = p->name,
            .stored = store,
            .dims = p->dims,
            .elements = p->elements,
            .data = t->best ? t->best[i] : nn_values_peek(nn_trainer_result(t), (int)i)};
        for (int d = 0; d < p->dims; d++)
            tensors[count].dim[d] = p->dim[d];
        count++;
    }
    const struct nn_metadata metadata[] = {{"layout", "OIHW; fully connected (out,in)"},
                                           {"network", t->s->network}};
    enum nn_status status = nn_weights_write(t->out->weights, tensors, count, metadata,
                                             sizeof metadata / sizeof *metadata, store, err);
    free(tensors);
    t->out->epochs = t->at.epoch;
    t->out->kept_epoch = t->best ? t->at.best_epoch : t->at.epoch;
    t->out->best_epoch = t->at.best_epoch;
    t->out->best_loss = t->at.best_loss;
    return status;
}

/* Removes what killed trainings have left half written. */
static void sweep(const struct nn_trainer *t)
{
    nn_checkpoint_sweep(t->s->checkpoint_dir);
    nn_file_sweep(t->out->weights);
    if (t->out->history_csv)
        nn_file_sweep(t->out->history_csv);
}

enum nn_status nn_train(const struct nn_train_settings *settings, const struct nn_source *training,
                        const struct nn_source *validation, struct nn_train_output *output,
                        struct nn_error *err)
{
    struct nn_trainer t = {
        .s = settings, .training = training, .validation = validation, .out = output, .lock = -1};
    struct nn_error own = {0};
    enum nn_status status = nn_trainer_open(&t, err ? err : &own);

    if (status == NN_OK)
        sweep(&t);
    if (status == NN_OK && settings->resume) {
        status = nn_checkpoint_read(&t, err);
        if (status == NN_MISSING)
            status = NN_OK; /* nothing to resume from: a first start */
    }
    if (status == NN_OK && (t.at.step >= t.loader.steps || t.at.epoch > settings->epochs))
        status = nn_fail(err, NN_INVALID, "the checkpoint is beyond these settings");
    clock_gettime(CLOCK_MONOTONIC, &t.began);
    t.saved = t.began;
    if (status == NN_OK)
        status = nn_history_write(&t, err);
    if (status == NN_OK)
        status = all_steps(&t, err);
    if (status == NN_OK)
        status = write_weights(&t, err);
    nn_trainer_close(&t);
    return status;
}
