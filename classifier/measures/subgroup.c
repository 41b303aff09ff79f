/* subgroup.c: the same figures for each value of a key (age band, sex, station, view ...). */
#include "measures_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct keyed {
    const char *key;
    uint32_t index;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Samples that were processed, by key. */
static size_t sort_keys(const struct nn_binary *binary, const char *const *keys,
                        struct keyed *sorted)
{
    size_t kept = 0;

    for (size_t i = 0; i < binary->count; i++) {
        if (!binary->refused || !binary->refused[i])
            sorted[kept++] = (struct keyed){keys[i] ? keys[i] : "", (uint32_t)i};
    }
    qsort(sorted, kept, sizeof *sorted, by_key);
    return kept;
}

static enum nn_status measure_row(const struct nn_binary *binary, const char *key,
                                  const uint32_t *index, size_t count,
                                  const struct nn_bootstrap *settings, struct nn_subgroup *row,
                                  struct nn_error *err)
{
    struct nn_binary_part part;
    enum nn_status status = nn_binary_take(binary, index, count, &part, err);

    if (status != NN_OK)
        return status;
    snprintf(row->key, sizeof row->key, "%s", key);
    status = nn_binary_measure_strata(&part.view, NULL, settings, &row->figures, err);
    nn_binary_part_finish(&part);
    row->insufficient = count < NN_SUFFICIENT;
    if (row->insufficient)
        row->figures = (struct nn_binary_figures){.count = row->figures.count,
                                                  .positives = row->figures.positives,
                                                  .tally = row->figures.tally};
    return status;
}

static enum nn_status measure_rows(const struct nn_binary *binary, const struct keyed *sorted,
                                   size_t kept, uint32_t *index,
                                   const struct nn_bootstrap *settings, struct nn_subgroup *rows,
                                   struct nn_error *err)
{
    enum nn_status status = NN_OK;
    size_t start = 0, row = 0;

    for (size_t k = 0; k < kept; k++)
        index[k] = sorted[k].index;
    while (status == NN_OK && start < kept) {
        size_t end = start + 1;
        while (end < kept && strcmp(sorted[end].key, sorted[start].key) == 0)
            end++;
        status = measure_row(binary, sorted[start].key, index + start, end - start, settings,
                             &rows[row++], err);
        start = end;
    }
    return status;
}

enum nn_status nn_subgroups_measure(const struct nn_binary *binary, const char *const *keys,
                                    const struct nn_bootstrap *settings, struct nn_subgroup **rows,
                                    size_t *row_count, struct nn_error *err)
{
    size_t room = binary->count ? binary->count : 1, kept, groups = 0;
    struct keyed *sorted = NULL;
    uint32_t *index = NULL;
    enum nn_status status;

    *rows = NULL;
    *row_count = 0;
    if ((status = nn_measures_count(binary->count, err)) != NN_OK)
        return status;
    sorted = calloc(room, sizeof *sorted);
    index = calloc(room, sizeof *index);
    if (!sorted || !index) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", binary->count);
        goto out;
    }
    kept = sort_keys(binary, keys, sorted);
    for (size_t k = 0; k < kept; k++)
        groups += k == 0 || strcmp(sorted[k].key, sorted[k - 1].key) != 0;
    if (groups > NN_GROUPS_MAX) {
        status = nn_fail(err, NN_LIMIT, "%zu subgroups, at most %d", groups, NN_GROUPS_MAX);
        goto out;
    }
    *rows = calloc(groups ? groups : 1, sizeof **rows);
    if (!*rows) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu subgroups", groups);
        goto out;
    }
    *row_count = groups;
    status = measure_rows(binary, sorted, kept, index, settings, *rows, err);
    if (status != NN_OK) {
        free(*rows);
        *rows = NULL;
        *row_count = 0;
    }
out:
    free(sorted);
    free(index);
    return status;
}
