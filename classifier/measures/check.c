/* check.c: what every statistic refuses, and how samples are grouped. */
#include "measures_internal.h"

#include <math.h>
#include <stdlib.h>

enum nn_status nn_measures_count(size_t count, struct nn_error *err)
{
    if (count > NN_MEASURES_MAX)
        return nn_fail(err, NN_LIMIT, "%zu samples, at most %d", count, NN_MEASURES_MAX);
    return NN_OK;
}

enum nn_status nn_measures_finite(const double *values, size_t count, struct nn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return nn_fail(err, NN_BAD_DATA, "sample %zu: the score is no number", i);
    }
    return NN_OK;
}

enum nn_status nn_measures_scores(const float *scores, const int *truth, size_t count, int classes,
                                  struct nn_error *err)
{
    enum nn_status status = nn_measures_count(count, err);

    if (status != NN_OK)
        return status;
    if (classes < 2 || classes > NN_MAX_CLASSES)
        return nn_fail(err, NN_INVALID, "%d classes, 2 to %d", classes, NN_MAX_CLASSES);
    for (size_t i = 0; i < count; i++) {
        if (truth && (truth[i] < 0 || truth[i] >= classes))
            return nn_fail(err, NN_BAD_DATA, "sample %zu: class %d of %d", i, truth[i], classes);
        for (int c = 0; c < classes; c++) {
            if (!isfinite(scores[i * (size_t)classes + (size_t)c]))
                return nn_fail(err, NN_BAD_DATA, "sample %zu: the score of class %d is no number",
                               i, c);
        }
    }
    return NN_OK;
}

int nn_measures_top(const float *scores, int classes)
{
    int top = 0;

    for (int c = 1; c < classes; c++) {
        if (scores[c] > scores[top])
            top = c;
    }
    return top;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void nn_measures_sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, rising);
}

struct numbered {
    uint32_t key, index;
};

static int by_key(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

enum nn_status nn_groups_number(const uint32_t *key, size_t count, uint32_t *group, size_t *groups,
                                struct nn_error *err)
{
    struct numbered *sorted = NULL;

    *groups = 0;
    if (key) {
        sorted = calloc(count ? count : 1, sizeof *sorted);
        if (!sorted)
            return nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!key)
            group[i] = (uint32_t)i;
        else
            sorted[i] = (struct numbered){key[i], (uint32_t)i};
    }
    if (!key) {
        *groups = count;
        return NN_OK;
    }
    qsort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 0; i < count; i++) {
        *groups += i == 0 || sorted[i].key != sorted[i - 1].key;
        group[sorted[i].index] = (uint32_t)(*groups - 1);
    }
    free(sorted);
    return NN_OK;
}
