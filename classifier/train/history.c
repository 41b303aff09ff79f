/* history.c: history.csv, rewritten whole by rename, so that a reader never sees half a line. */
#include "train_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum nn_status nn_history_write(const struct nn_trainer *t, struct nn_error *err)
{
    const char *path = t->out->history_csv;
    char temporary[PATH_MAX];

    if (!path)
        return NN_OK;
    int length = snprintf(temporary, sizeof temporary, "%s.partial", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", path);
    FILE *file = fopen(temporary, "we");
    if (!file)
        return nn_fail(err, NN_IO, "%s: %s", temporary, strerror(errno));
    fprintf(file,
            "epoch,rate,train_loss,train_accuracy,validation_loss,validation_accuracy,"
            "seconds\n%s",
            t->at.history ? t->at.history : "");
    bool failed = fflush(file) != 0 || fsync(fileno(file)) != 0;
    failed = fclose(file) != 0 || failed;
    if (failed || rename(temporary, path) != 0) {
        int cause = errno;
        unlink(temporary);
        return nn_fail(err, NN_IO, "%s: %s", path, strerror(cause));
    }
    return NN_OK;
}

enum nn_status nn_history_add(struct nn_trainer *t, struct nn_error *err)
{
    char *longer = NULL;
    double seen = t->at.seen > 0 ? (double)t->at.seen : 1;
    int length = asprintf(
        &longer, "%s%d,%g,%.6f,%.6f,%.6f,%.6f,%.1f\n", t->at.history ? t->at.history : "",
        t->at.epoch + 1, nn_train_rate(t->s, t->at.epoch), t->at.loss_sum / seen,
        (double)t->at.correct / seen, t->validation_loss, t->validation_accuracy, t->at.seconds);

    if (length < 0)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the history");
    free(t->at.history);
    t->at.history = longer;
    return nn_history_write(t, err);
}
