/* evaluate_parts.c: which images are the test part, which the validation part.
 *
 *   column `part` of the CSV     -> as it says
 *   MODEL/split.csv              -> as it says for the files that it names; others are test
 *   neither                      -> all are test
 *
 * A file is the one that split.csv names when one of the two paths ends in the other at a slash and
 * the class is the same. */
#include "dx_uid.h"
#include "evaluate.h"
#include "evaluate_table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct known {
    char *file, *patient;
    int label;
    enum data_part part;
};

struct division {
    struct known *row;
    size_t count, room;
};

static void division_finish(struct division *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->row[i].file);
        free(d->row[i].patient);
    }
    free(d->row);
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int by_base(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return strcmp(base_of(x->file), base_of(y->file));
}

static bool ends_in(const char *path, const char *end)
{
    size_t all = strlen(path), part = strlen(end);
    return part <= all && strcmp(path + all - part, end) == 0 &&
           (part == all || path[all - part - 1] == '/');
}

static int label_of(const struct data_set *set, const char *name)
{
    for (int c = 0; c < set->classes; c++)
        if (strcmp(set->class_name[c], name) == 0)
            return c;
    return -1;
}

static enum nn_status add(struct division *d, const struct evaluate_table *table,
                          const struct data_set *set, const int column[4], struct nn_error *err)
{
    static const char *const names[DATA_PARTS] = {"training", "validation", "test"};
    const char *part = evaluate_table_cell(table, column[3]);
    int number = 0;
    while (number < DATA_PARTS && strcmp(part, names[number]) != 0)
        number++;
    if (number == DATA_PARTS)
        return nn_fail(err, NN_BAD_DATA,
                       "%s:%ld: part \"%.40s\"; training, validation or test is expected",
                       table->csv.name, table->csv.line, part);
    if (d->count == d->room) {
        size_t room = d->room ? 2 * d->room : 256;
        struct known *more = reallocarray(d->row, room, sizeof *more);
        if (!more)
            return nn_fail(err, NN_NO_MEMORY, "%s: no memory", table->csv.name);
        d->row = more;
        d->room = room;
    }
    struct known *to = &d->row[d->count];
    *to = (struct known){.file = strdup(evaluate_table_cell(table, column[0])),
                         .patient = strdup(evaluate_table_cell(table, column[2])),
                         .label = label_of(set, evaluate_table_cell(table, column[1])),
                         .part = (enum data_part)number};
    d->count++;
    return to->file && to->patient ? NN_OK
                                   : nn_fail(err, NN_NO_MEMORY, "%s: no memory", table->csv.name);
}

/* No split.csv: *there is false. */
static enum nn_status division_read(const char *model_dir, const struct data_set *set,
                                    struct division *d, bool *there, struct nn_error *err)
{
    static const char *const names[4] = {"file", "class", "patient", "part"};
    char path[PATH_MAX];
    struct evaluate_table table = {0};
    int column[4];
    bool more = true;
    *there = false;
    if (snprintf(path, sizeof path, "%s/split.csv", model_dir) >= (int)sizeof path)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", model_dir);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return NN_OK;
    *there = true;
    enum nn_status status = evaluate_table_open(&table, path, err);
    for (int i = 0; status == NN_OK && i < 4; i++) {
        column[i] = evaluate_table_column(&table, names[i]);
        if (column[i] < 0 && i != 2)
            status = nn_fail(err, NN_BAD_DATA, "%s:1: the column %s is expected", path, names[i]);
    }
    while (status == NN_OK && (status = csv_next(&table.csv, &more, err)) == NN_OK && more)
        status = add(d, &table, set, column, err);
    evaluate_table_close(&table);
    if (status == NN_OK && d->count > 1)
        qsort(d->row, d->count, sizeof *d->row, by_base);
    return status;
}

static const struct known *find(const struct division *d, const struct data_item *item)
{
    const struct known key = {.file = item->path};
    const struct known *hit =
        d->count ? bsearch(&key, d->row, d->count, sizeof *d->row, by_base) : NULL;
    if (!hit)
        return NULL;
    while (hit > d->row && by_base(hit - 1, &key) == 0)
        hit--;
    for (; hit < d->row + d->count && by_base(hit, &key) == 0; hit++)
        if (hit->label == item->label &&
            (ends_in(item->path, hit->file) || ends_in(hit->file, item->name)))
            return hit;
    return NULL;
}

static bool patient_trained(const struct division *d, const char *patient)
{
    for (size_t i = 0; patient[0] && i < d->count; i++)
        if (d->row[i].part == DATA_TRAINING && strcmp(d->row[i].patient, patient) == 0)
            return true;
    return false;
}

static enum nn_status collect(const struct data_set *set, enum evaluate_part part,
                              const struct division *d, struct evaluate_parts *parts,
                              struct nn_error *err)
{
    parts->test = calloc(set->count + 1, sizeof *parts->test);
    parts->validation = calloc(set->count + 1, sizeof *parts->validation);
    if (!parts->test || !parts->validation)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu images", set->count);
    for (size_t i = 0; i < set->count; i++) {
        const struct data_item *item = &set->items[i];
        bool validation = item->part == DATA_VALIDATION;
        bool judged = part == EVALUATE_ALL ||
                      item->part == (part == EVALUATE_VALIDATION ? DATA_VALIDATION : DATA_TEST);
        if (part == EVALUATE_TEST && validation)
            parts->validation[parts->validations++] = i;
        if (!judged)
            continue;
        parts->test[parts->tests++] = i;
        const struct known *seen = find(d, item);
        if (seen && seen->part == DATA_TRAINING)
            parts->training_files++;
        else if (patient_trained(d, item->patient))
            parts->training_patients++;
    }
    return NN_OK;
}

static void digest_test(const struct data_set *set, struct evaluate_parts *parts)
{
    struct dx_sha256 *sha = dx_sha256_create();
    dx_sha256_add_text(sha, set->digest);
    for (size_t i = 0; i < parts->tests; i++) {
        const struct data_item *item = &set->items[parts->test[i]];
        uint64_t number = parts->test[i];
        dx_sha256_add(sha, &number, sizeof number);
        dx_sha256_add_text(sha, set->class_name[item->label]);
        dx_sha256_add_text(sha, item->patient);
        dx_sha256_add_text(sha, item->study);
    }
    dx_sha256_take(sha, parts->test_digest);
}

enum nn_status evaluate_parts_find(const char *model_dir, struct data_set *set,
                                   enum evaluate_part part, struct evaluate_parts *parts,
                                   struct nn_error *err)
{
    struct division division = {0};
    *parts = (struct evaluate_parts){0};
    enum nn_status status = division_read(model_dir, set, &division, &parts->shared_known, err);
    bool given = set->split == DATA_SPLIT_GIVEN;
    size_t found = 0;
    for (size_t i = 0; status == NN_OK && !given && i < set->count; i++) {
        const struct known *known = find(&division, &set->items[i]);
        set->items[i].part = known ? known->part : DATA_TEST;
        found += known != NULL;
    }
    parts->division = given ? EVALUATE_COLUMN : found > 0 ? EVALUATE_SPLIT_CSV : EVALUATE_UNDIVIDED;
    if (status == NN_OK)
        status = collect(set, part, &division, parts, err);
    if (status == NN_OK && parts->tests == 0)
        status =
            nn_fail(err, NN_BAD_DATA, "%s: no image in the part that is to be judged", set->words);
    if (status == NN_OK)
        digest_test(set, parts);
    division_finish(&division);
    if (status != NN_OK)
        evaluate_parts_finish(parts);
    return status;
}

void evaluate_parts_finish(struct evaluate_parts *parts)
{
    free(parts->test);
    free(parts->validation);
    parts->test = parts->validation = NULL;
}
