/* checkpoint.c: a training's whole state as one safetensors file: "value/NAME" and "momentum/NAME"
 * of every parameter, and its position as metadata. Doubles are written as %a: the same bits come
 * back. nn_weights_write commits by rename, so a checkpoint is the old one or the new one. */
#include "train_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE  128
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

static enum nn_status write_tensors(const char *path, const char *fingerprint,
                                    const struct nn_position *position, const char *history,
                                    const struct nn_tensor *tensors, size_t count,
                                    struct nn_error *err)
{
    char epoch[16], step[32], loss[64], correct[32], seen[32], seconds[64];

    snprintf(epoch, sizeof epoch, "%d", position->epoch);
    snprintf(step, sizeof step, "%zu", position->step);
    snprintf(loss, sizeof loss, "%a", position->loss_sum);
    snprintf(correct, sizeof correct, "%ld", position->correct);
    snprintf(seen, sizeof seen, "%ld", position->seen);
    snprintf(seconds, sizeof seconds, "%a", position->seconds);
    const struct nn_metadata metadata[] = {
        {"correct", correct}, {"epoch", epoch}, {"history", history},      {"loss_sum", loss},
        {"seconds", seconds}, {"seen", seen},   {"settings", fingerprint}, {"step", step}};
    return nn_weights_write(path, tensors, count, metadata, sizeof metadata / sizeof *metadata,
                            NN_F32, err);
}

enum nn_status nn_checkpoint_write(const char *dir, const char *fingerprint,
                                   const struct nn_graph *graph, struct nn_values *values,
                                   float *const *momentum, const struct nn_position *position,
                                   struct nn_error *err)
{
    size_t count = (size_t)nn_graph_parameter_count(graph);
    struct nn_tensor *tensors = calloc(2 * count, sizeof *tensors);
    char(*names)[NAME_SIZE] = calloc(2 * count, sizeof *names);
    char *history = strdup(position->history ? position->history : "");
    char path[PATH_MAX];
    enum nn_status status;

    if (!tensors || !names || !history) {
        status = nn_fail(err, NN_NO_MEMORY, "checkpoint: no memory");
        goto out;
    }
    if ((status = path_of(dir, path, err)) != NN_OK)
        goto out;
    exchange(history, '\n', LINE_BREAK);
    for (size_t i = 0; i < count; i++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, (int)i);
        describe(&tensors[i], parameter, names[i], "value", nn_values_peek(values, (int)i));
        describe(&tensors[count + i], parameter, names[count + i], "momentum", momentum[i]);
    }
    status = write_tensors(path, fingerprint, position, history, tensors, 2 * count, err);
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

static bool read_number(const struct nn_weights *weights, const char *key, double *to)
{
    const char *value = nn_weights_metadata(weights, key);
    char *end = NULL;

    if (value)
        *to = strtod(value, &end);
    return end && end != value && *end == '\0';
}

static enum nn_status read_position(const char *path, const struct nn_weights *weights,
                                    struct nn_position *position, struct nn_error *err)
{
    double epoch, step, correct, seen;
    const char *history = nn_weights_metadata(weights, "history");

    if (!read_number(weights, "epoch", &epoch) || !read_number(weights, "step", &step) ||
        !read_number(weights, "correct", &correct) || !read_number(weights, "seen", &seen) ||
        !read_number(weights, "loss_sum", &position->loss_sum) ||
        !read_number(weights, "seconds", &position->seconds) || !history || epoch < 0 ||
        epoch > 1e6 || step < 0 || step > 1e15)
        return nn_fail(err, NN_BAD_DATA, "%s: its position is missing or malformed", path);
    position->epoch = (int)epoch;
    position->step = (size_t)step;
    position->correct = (long)correct;
    position->seen = (long)seen;
    position->history = strdup(history);
    if (!position->history)
        return nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
    exchange(position->history, LINE_BREAK, '\n');
    return NN_OK;
}

enum nn_status nn_checkpoint_read(const char *dir, const char *fingerprint,
                                  const struct nn_graph *graph, struct nn_values *values,
                                  float *const *momentum, struct nn_position *position,
                                  struct nn_error *err)
{
    struct nn_weights *weights = NULL;
    char path[PATH_MAX];
    enum nn_status status;

    if ((status = path_of(dir, path, err)) != NN_OK)
        return status;
    if ((status = nn_weights_open(path, &weights, err)) != NN_OK)
        return status;
    const char *settings = nn_weights_metadata(weights, "settings");
    if (!settings || strcmp(settings, fingerprint) != 0) {
        status = nn_fail(err, NN_INVALID, "%s: made with other settings (%.80s)", path,
                         settings ? settings : "none");
        goto out;
    }
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, i);
        status = copy_tensor(path, weights, parameter, "value", nn_values_at(values, i), err);
        if (status == NN_OK)
            status = copy_tensor(path, weights, parameter, "momentum", momentum[i], err);
        if (status != NN_OK)
            goto out;
    }
    status = read_position(path, weights, position, err);
out:
    nn_weights_close(weights);
    return status;
}
