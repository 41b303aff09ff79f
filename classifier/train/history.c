/* history.c: history.csv, rewritten whole, so that a reader never sees half a line. */
#include "file_internal.h"
#include "train_internal.h"

#include <stdlib.h>

enum nn_status nn_history_write(const struct nn_trainer *t, struct nn_error *err)
{
    struct nn_file file;

    if (!t->out->history_csv)
        return NN_OK;
    enum nn_status status = nn_file_begin(&file, t->out->history_csv, err);
    if (status != NN_OK)
        return status;
    int written = fprintf(file.out,
                          "epoch,rate,train_loss,train_accuracy,validation_loss,"
                          "validation_accuracy,seconds\n%s",
                          t->at.history ? t->at.history : "");
    return nn_file_place(&file, written >= 0, err);
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
