/* checkpoint.c: a training's whole state as one safetensors file: "value/NAME" of every parameter,
 * the optimiser's arrays ("momentum/NAME"; "adam_m/NAME", "adam_s/NAME"), "average/NAME" where
 * there is a mean, "best/NAME" where the best epoch is kept, and the position as metadata. Doubles
 * are written as %a: the same bits come back. nn_weights_write commits by rename, so a checkpoint
 * is the old one or the new one. */
#include "file_internal.h"
#include "train_internal.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE  192
#define MAX_KINDS  5
#define LINE_BREAK ';' /* in metadata, of the history's lines */

static enum nn_status path_of(const char *dir, char path[PATH_MAX], struct nn_error *err)
{
    int length = snprintf(path, PATH_MAX, "%s/checkpoint.safetensors", dir);

    if (length < 0 || length >= PATH_MAX)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
    return NN_OK;
}

static void exchange(char *text, char from, char to)
{
    for (; *text; text++) {
        if (*text == from)
            *text = to;
    }
}

void nn_checkpoint_sweep(const char *dir)
{
    char path[PATH_MAX];

    if (path_of(dir, path, NULL) == NN_OK)
        nn_file_sweep(path);
}

/* The arrays of one parameter: its kinds' names and data; returns how many. */
static int arrays_of(const struct nn_trainer *t, int parameter, const char *kind[MAX_KINDS],
                     float *data[MAX_KINDS])
{
    int count = 0;

    kind[count] = "value";
    data[count++] = nn_values_at(t->values, parameter);
    for (int slot = 0; slot < nn_optimiser_slots(t->optimiser); slot++) {
        float *array = nn_optimiser_slot(t->optimiser, slot, parameter);
        if (!array)
            continue;
        kind[count] = nn_optimiser_slot_name(t->optimiser, slot);
        data[count++] = array;
    }
    if (t->average) {
        kind[count] = "average";
        data[count++] = nn_values_at(t->average, parameter);
    }
    if (t->best && t->at.best_epoch > 0) {
        kind[count] = "best";
        data[count++] = t->best[parameter];
    }
    return count;
}

static void describe(struct nn_tensor *tensor, const struct nn_parameter *parameter, char *name,
                     const char *kind, const float *data)
{
    snprintf(name, NAME_SIZE, "%s/%s", kind, parameter->name);
    *tensor = (struct nn_tensor){.name = name,
                                 .stored = NN_F32,
                                 .dims = parameter->dims,
                                 .elements = parameter->elements,
                                 .data = data};
    for (int d = 0; d < parameter->dims; d++)
        tensor->dim[d] = parameter->dim[d];
}

static enum nn_status write_tensors(const char *path, const struct nn_trainer *t,
                                    const char *history, const struct nn_tensor *tensors,
                                    size_t count, struct nn_error *err)
{
    const struct nn_position *at = &t->at;
    char epoch[16], step[32], loss[64], correct[32], seen[32], seconds[64];
    char best_epoch[16], best_loss[64], updates[32];

    snprintf(epoch, sizeof epoch, "%d", at->epoch);
    snprintf(step, sizeof step, "%zu", at->step);
    snprintf(loss, sizeof loss, "%a", at->loss_sum);
    snprintf(correct, sizeof correct, "%ld", at->correct);
    snprintf(seen, sizeof seen, "%ld", at->seen);
    snprintf(seconds, sizeof seconds, "%a", at->seconds);
    snprintf(best_epoch, sizeof best_epoch, "%d", at->best_epoch);
    snprintf(best_loss, sizeof best_loss, "%a", at->best_loss);
    snprintf(updates, sizeof updates, "%llu", (unsigned long long)nn_optimiser_steps(t->optimiser));
    const struct nn_metadata metadata[] = {{"best_epoch", best_epoch},
                                           {"best_loss", best_loss},
                                           {"correct", correct},
                                           {"epoch", epoch},
                                           {"history", history},
                                           {"loss_sum", loss},
                                           {"seconds", seconds},
                                           {"seen", seen},
                                           {"settings", t->settings_text},
                                           {"step", step},
                                           {"updates", updates}};
    return nn_weights_write(path, tensors, count, metadata, sizeof metadata / sizeof *metadata,
                            NN_F32, err);
}

enum nn_status nn_checkpoint_write(const struct nn_trainer *t, struct nn_error *err)
{
    size_t parameters = (size_t)nn_graph_parameter_count(t->graph), count = 0;
    struct nn_tensor *tensors = calloc(MAX_KINDS * parameters, sizeof *tensors);
    char(*names)[NAME_SIZE] = calloc(MAX_KINDS * parameters, sizeof *names);
    char *history = strdup(t->at.history ? t->at.history : "");
    char path[PATH_MAX];
    enum nn_status status;

    if (!tensors || !names || !history) {
        status = nn_fail(err, NN_NO_MEMORY, "checkpoint: no memory");
        goto out;
    }
    if ((status = path_of(t->s->checkpoint_dir, path, err)) != NN_OK)
        goto out;
    exchange(history, '\n', LINE_BREAK);
    for (size_t i = 0; i < parameters; i++) {
        const char *kind[MAX_KINDS];
        float *data[MAX_KINDS];
        int arrays = arrays_of(t, (int)i, kind, data);
        for (int k = 0; k < arrays; k++, count++)
            describe(&tensors[count], nn_graph_parameter(t->graph, (int)i), names[count], kind[k],
                     data[k]);
    }
    status = write_tensors(path, t, history, tensors, count, err);
out:
    free(tensors);
    free(names);
    free(history);
    return status;
}

static enum nn_status copy_tensor(const char *path, const struct nn_weights *weights,
                                  const struct nn_parameter *parameter, const char *kind, float *to,
                                  struct nn_error *err)
{
    char name[NAME_SIZE];

    snprintf(name, sizeof name, "%s/%s", kind, parameter->name);
    const struct nn_tensor *tensor = nn_weights_find(weights, name);
    if (!tensor || tensor->elements != parameter->elements)
        return nn_fail(err, NN_BAD_DATA, "%s: no %s of the right size", path, name);
    memcpy(to, tensor->data, tensor->elements * sizeof *to);
    return NN_OK;
}

static bool read_number(const struct nn_weights *weights, const char *key, double high, double *to)
{
    const char *value = nn_weights_metadata(weights, key);
    char *end = NULL;

    if (value)
        *to = strtod(value, &end);
    return end && end != value && *end == '\0' && *to >= 0 && *to <= high;
}

static enum nn_status read_position(const char *path, const struct nn_weights *weights,
                                    struct nn_trainer *t, struct nn_error *err)
{
    double epoch, step, correct, seen, best_epoch, updates;
    struct nn_position *at = &t->at;
    const char *history = nn_weights_metadata(weights, "history");

    if (!read_number(weights, "epoch", 1e6, &epoch) || !read_number(weights, "step", 1e15, &step) ||
        !read_number(weights, "correct", 1e15, &correct) ||
        !read_number(weights, "seen", 1e15, &seen) ||
        !read_number(weights, "loss_sum", 1e300, &at->loss_sum) ||
        !read_number(weights, "seconds", 1e12, &at->seconds) ||
        !read_number(weights, "best_epoch", epoch, &best_epoch) ||
        !read_number(weights, "best_loss", 1e300, &at->best_loss) ||
        !read_number(weights, "updates", 1e15, &updates) || !history)
        return nn_fail(err, NN_BAD_DATA, "%s: its position is missing or malformed", path);
    at->epoch = (int)epoch;
    at->step = (size_t)step;
    at->correct = (long)correct;
    at->seen = (long)seen;
    at->best_epoch = (int)best_epoch;
    nn_optimiser_set_steps(t->optimiser, (uint64_t)updates);
    at->history = strdup(history);
    if (!at->history)
        return nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
    exchange(at->history, LINE_BREAK, '\n');
    return NN_OK;
}

enum nn_status nn_checkpoint_read(struct nn_trainer *t, struct nn_error *err)
{
    struct nn_weights *weights = NULL;
    char path[PATH_MAX], words[160];
    enum nn_status status;

    if ((status = path_of(t->s->checkpoint_dir, path, err)) != NN_OK ||
        (status = nn_weights_open(path, &weights, err)) != NN_OK)
        return status;
    const char *settings = nn_weights_metadata(weights, "settings");
    if (!settings || strcmp(settings, t->settings_text) != 0) {
        nn_train_difference(settings ? settings : "", t->settings_text, words, sizeof words);
        status = nn_fail(err, NN_INVALID, "checkpoint of other settings: %s (%.100s)", words, path);
        goto out;
    }
    if ((status = read_position(path, weights, t, err)) != NN_OK)
        goto out;
    for (int i = 0; i < nn_graph_parameter_count(t->graph); i++) {
        const char *kind[MAX_KINDS];
        float *data[MAX_KINDS];
        int arrays = arrays_of(t, i, kind, data);
        for (int k = 0; status == NN_OK && k < arrays; k++)
            status =
                copy_tensor(path, weights, nn_graph_parameter(t->graph, i), kind[k], data[k], err);
        if (status != NN_OK)
            goto out;
    }
out:
    nn_weights_close(weights);
    return status;
}
