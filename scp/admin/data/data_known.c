#include "data_known.h"
#include "csv_table.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct data_known {
    struct data_known_row *row; /* in the file's order */
    struct data_known_row **by_base, **by_digest;
    size_t count, room, digests;
};

enum { FILE_, CLASS, PATIENT, PART, SHA256, BEFORE, COLUMNS };

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int by_base(const void *a, const void *b)
{
    const struct data_known_row *const *x = a, *const *y = b;

    return strcmp(base_of((*x)->file), base_of((*y)->file));
}

static int by_digest(const void *a, const void *b)
{
    const struct data_known_row *const *x = a, *const *y = b;

    return strcmp((*x)->sha256, (*y)->sha256);
}

static bool part_of(const char *text, enum data_part *part)
{
    for (int p = 0; p < DATA_PARTS; p++) {
        if (strcmp(text, nn_part_name((enum nn_part)p)) == 0) {
            *part = (enum data_part)p;
            return true;
        }
    }
    return false;
}

static enum nn_status add(struct data_known *known, const struct csv_table *table,
                          const int column[COLUMNS], struct nn_error *err)
{
    const char *text = csv_table_cell(table, column[PART]);
    enum data_part part, before;

    if (!part_of(text, &part))
        return nn_fail(err, NN_BAD_DATA,
                       "%s:%ld: part \"%.40s\"; training, validation or test is expected",
                       table->csv.name, table->csv.line, text);
    if (known->count == known->room) {
        size_t room = known->room ? 2 * known->room : 256;
        struct data_known_row *more = reallocarray(known->row, room, sizeof *more);
        if (!more)
            return nn_fail(err, NN_NO_MEMORY, "%s: no memory", table->csv.name);
        known->row = more;
        known->room = room;
    }
    bool earlier =
        part_of(csv_table_cell(table, column[BEFORE]), &before) && before == DATA_TRAINING;
    struct data_known_row *to = &known->row[known->count++];
    *to = (struct data_known_row){.file = strdup(csv_table_cell(table, column[FILE_])),
                                  .class_ = strdup(csv_table_cell(table, column[CLASS])),
                                  .patient = strdup(csv_table_cell(table, column[PATIENT])),
                                  .sha256 = strdup(csv_table_cell(table, column[SHA256])),
                                  .part = part,
                                  .trained = earlier || part == DATA_TRAINING};
    return to->file && to->class_ && to->patient && to->sha256
               ? NN_OK
               : nn_fail(err, NN_NO_MEMORY, "%s: no memory", table->csv.name);
}

static enum nn_status read_rows(struct data_known *known, const char *path, struct nn_error *err)
{
    static const char *const names[COLUMNS] = {"file", "class",  "patient",
                                               "part", "sha256", "before"};
    struct csv_table table = {0};
    int column[COLUMNS];
    bool more = true;
    enum nn_status status = csv_table_open(&table, path, err);

    for (int i = 0; status == NN_OK && i < COLUMNS; i++) {
        column[i] = csv_table_column(&table, names[i]);
        if (column[i] < 0 && i != PATIENT && i < SHA256)
            status = nn_fail(err, NN_BAD_DATA, "%s:1: the column %s is expected", path, names[i]);
    }
    while (status == NN_OK && (status = csv_next(&table.csv, &more, err)) == NN_OK && more)
        status = add(known, &table, column, err);
    csv_table_close(&table);
    return status;
}

static enum nn_status sort(struct data_known *known, struct nn_error *err)
{
    size_t room = known->count ? known->count : 1;

    free(known->by_base);
    free(known->by_digest);
    known->digests = 0;
    known->by_base = calloc(room, sizeof(struct data_known_row *));
    known->by_digest = calloc(room, sizeof(struct data_known_row *));
    if (!known->by_base || !known->by_digest)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu files", known->count);
    for (size_t i = 0; i < known->count; i++) {
        known->by_base[i] = &known->row[i];
        if (known->row[i].sha256[0] != '\0')
            known->by_digest[known->digests++] = &known->row[i];
    }
    qsort(known->by_base, known->count, sizeof(struct data_known_row *), by_base);
    qsort(known->by_digest, known->digests, sizeof(struct data_known_row *), by_digest);
    return NN_OK;
}

enum nn_status data_known_open(const char *dir, struct data_known **known, struct nn_error *err)
{
    char path[PATH_MAX];

    enum nn_status status;
    struct data_known *made = *known;

    if (snprintf(path, sizeof path, "%s/split.csv", dir) >= (int)sizeof path) {
        status = nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
        goto fail;
    }
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return NN_OK;
    if (!made)
        made = calloc(1, sizeof *made);
    status = made ? read_rows(made, path, err) : nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
    if (status == NN_OK)
        status = sort(made, err);
    if (status != NN_OK)
        goto fail;
    *known = made;
    return NN_OK;
fail:
    data_known_close(made);
    *known = NULL;
    return status;
}

void data_known_close(struct data_known *known)
{
    if (!known)
        return;
    for (size_t i = 0; i < known->count; i++) {
        free(known->row[i].file);
        free(known->row[i].class_);
        free(known->row[i].patient);
        free(known->row[i].sha256);
    }
    free(known->row);
    free(known->by_base);
    free(known->by_digest);
    free(known);
}

static bool ends_in(const char *path, const char *end)
{
    size_t all = strlen(path), part = strlen(end);

    return part <= all && strcmp(path + all - part, end) == 0 &&
           (part == all || path[all - part - 1] == '/');
}

/* The first of `count` sorted rows that equals the key, or `count`. */
static size_t lower(struct data_known_row *const *rows, size_t count,
                    const struct data_known_row *key, int (*order)(const void *, const void *))
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(&rows[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && order(&rows[low], &key) == 0 ? low : count;
}

static struct data_known_row *find(const struct data_known *known, const struct data_item *item,
                                   const char *class_)
{
    const struct data_known_row key = {.file = item->path,
                                       .sha256 = (char *)(uintptr_t)item->digest};

    size_t at = lower(known->by_digest, known->digests, &key, by_digest);
    struct data_known_row *hit = at < known->digests ? known->by_digest[at] : NULL;
    /* Of two files with the same bytes: the one that was trained on. */
    for (; hit && !hit->trained && ++at < known->digests &&
           strcmp(known->by_digest[at]->sha256, item->digest) == 0;)
        hit = known->by_digest[at]->trained ? known->by_digest[at] : hit;
    if (hit)
        return hit;
    for (at = lower(known->by_base, known->count, &key, by_base); at < known->count; at++) {
        struct data_known_row *row = known->by_base[at];
        if (strcmp(base_of(row->file), base_of(item->path)) != 0)
            break;
        if (strcmp(row->class_, class_) == 0 &&
            (ends_in(item->path, row->file) || ends_in(row->file, item->name)))
            return row;
    }
    return NULL;
}

const struct data_known_row *data_known_find(const struct data_known *known,
                                             const struct data_item *item, const char *class_)
{
    return known ? find(known, item, class_) : NULL;
}

bool data_known_trained_patient(const struct data_known *known, const char *patient)
{
    for (size_t i = 0; known && patient[0] && i < known->count; i++) {
        if (known->row[i].trained && strcmp(known->row[i].patient, patient) == 0)
            return true;
    }
    return false;
}

size_t data_known_meet(struct data_known *known, struct data_set *set)
{
    size_t elsewhere = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct data_item *item = &set->items[i];
        struct data_known_row *row = find(known, item, set->class_name[item->label]);
        if (!row)
            continue;
        row->met = true;
        item->trained_before |= row->trained;
        elsewhere += row->trained && item->part != DATA_TRAINING;
    }
    return elsewhere;
}

void data_known_each_absent(const struct data_known *known,
                            void (*take)(void *context, const struct data_known_row *row),
                            void *context)
{
    for (size_t i = 0; i < known->count; i++) {
        if (known->row[i].trained && !known->row[i].met)
            take(context, &known->row[i]);
    }
}
