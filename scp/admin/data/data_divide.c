/* data_divide.c: fingerprints, groups and parts of a set, and what is written of them. */
#include "csv.h"
#include "data.h"
#include "data_known.h"
#include "dx_uid.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Working arrays, an element an item. */
struct work {
    struct nn_divide_item *items;
    struct nn_divide_pair *pairs;
    struct nn_fingerprint **prints;
    size_t *group;
    enum nn_part *part;
};

static void work_finish(struct work *work, size_t count)
{
    for (size_t i = 0; work->prints && i < count; i++)
        nn_fingerprint_destroy(work->prints[i]);
    free(work->prints);
    free(work->items);
    free(work->pairs);
    free(work->group);
    free(work->part);
}

static enum nn_status work_init(struct work *work, const struct data_set *set, struct nn_error *err)
{
    *work = (struct work){.items = calloc(set->count, sizeof *work->items),
                          .prints = calloc(set->count, sizeof(struct nn_fingerprint *)),
                          .group = calloc(set->count, sizeof *work->group),
                          .part = calloc(set->count, sizeof *work->part)};
    if (!work->items || !work->prints || !work->group || !work->part)
        return nn_fail(err, NN_NO_MEMORY, "no memory to divide %zu images", set->count);
    for (size_t i = 0; i < set->count; i++) {
        const struct data_item *item = &set->items[i];
        work->items[i] = (struct nn_divide_item){item->label, item->patient, item->name};
        work->part[i] = (enum nn_part)item->part;
    }
    return NN_OK;
}

/* Every file once: its digest, and with find_duplicates its fingerprint. */
static enum nn_status read_files(struct data_set *set, bool prints, struct work *work,
                                 void (*report)(void *, size_t, size_t), void *context,
                                 struct nn_error *err)
{
    struct dx_sha256 *sha = dx_sha256_create();
    enum nn_status status = NN_OK;

    if (!sha)
        return nn_fail(err, NN_NO_MEMORY, "no memory for a digest");
    for (size_t i = 0; i < set->count && status == NN_OK; i++) {
        struct data_item *item = &set->items[i];
        struct dx_error dx = {0};
        if (dx_digest_file(item->path, 0, item->digest, &dx) != DX_OK) {
            status = nn_fail(err, NN_IO, "%.120s: %.120s", item->path, dx.text);
            break;
        }
        dx_sha256_add_text(sha, item->name);
        dx_sha256_add_text(sha, set->class_name[item->label]);
        dx_sha256_add_text(sha, item->digest);
        struct nn_plane plane = {0};
        if (prints && (status = data_read(set, i, &plane, err)) == NN_OK)
            status = nn_fingerprint_create(&plane, &work->prints[i], err);
        nn_plane_finish(&plane);
        if (report)
            report(context, i + 1, set->count);
    }
    if (status == NN_OK)
        dx_sha256_take(sha, set->digest);
    else
        dx_sha256_destroy(sha);
    return status;
}

static enum nn_status find_copies(struct data_set *set, struct work *work,
                                  void (*report)(void *, size_t, size_t), void *context,
                                  struct nn_error *err)
{
    enum nn_status status = nn_fingerprint_pairs((const struct nn_fingerprint *const *)work->prints,
                                                 set->count, NN_FINGERPRINT_ALIKE, &set->copies,
                                                 &set->duplicate_pairs, report, context, err);

    if (status != NN_OK || set->duplicate_pairs == 0)
        return status;
    work->pairs = calloc(set->duplicate_pairs, sizeof *work->pairs);
    if (!work->pairs)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu duplicates", set->duplicate_pairs);
    for (size_t i = 0; i < set->duplicate_pairs; i++)
        work->pairs[i] = (struct nn_divide_pair){set->copies[i].a, set->copies[i].b};
    return NN_OK;
}

/* A given division may leave parts empty; those that hold something must hold every class. */
static enum nn_status check_given(const struct data_set *set, struct nn_error *err)
{
    size_t has[DATA_PARTS][NN_MAX_CLASSES] = {{0}}, all[DATA_PARTS] = {0};

    for (size_t i = 0; i < set->count; i++) {
        has[set->items[i].part][set->items[i].label]++;
        all[set->items[i].part]++;
    }
    for (int p = 0; p < DATA_PARTS; p++) {
        for (int c = 0; c < set->classes && all[p] > 0; c++) {
            if (has[p][c] == 0)
                return nn_fail(err, NN_BAD_DATA,
                               "%.100s: the given %s part has no image of class %.40s: change the "
                               "column part, or divide by --split grouped",
                               set->words, nn_part_name((enum nn_part)p), set->class_name[c]);
        }
    }
    return NN_OK;
}

static enum nn_status divide(struct data_set *set, const struct data_division *division,
                             struct work *work, struct nn_error *err)
{
    const char *names[NN_MAX_CLASSES];
    struct nn_divide_rule rule = {.classes = set->classes,
                                  .class_name = names,
                                  .folds = division->folds > 1 ? division->folds : 0,
                                  .fold = division->fold,
                                  .seed = division->seed};

    if (division->split == DATA_SPLIT_GIVEN)
        return check_given(set, err);
    for (int c = 0; c < set->classes; c++)
        names[c] = set->class_name[c];
    for (int p = 0; p < DATA_PARTS; p++)
        rule.fraction[p] = division->fraction[p];
    return nn_divide(work->items, set->count,
                     division->split == DATA_SPLIT_RANDOM ? NULL : work->group, &rule, work->part,
                     err);
}

enum nn_status data_divide(struct data_set *set, const struct data_division *division,
                           void (*report)(void *, size_t, size_t), void *context,
                           struct nn_error *err)
{
    struct work work;
    enum nn_status status;

    if (division->split == DATA_SPLIT_GIVEN && set->split != DATA_SPLIT_GIVEN)
        return nn_fail(err, NN_INVALID, "%s: no column part gives a division", set->words);
    free(set->copies);
    set->copies = NULL;
    set->duplicate_pairs = set->leaking_pairs = 0;
    if ((status = work_init(&work, set, err)) != NN_OK ||
        (status = read_files(set, division->find_duplicates, &work, report, context, err)) != NN_OK)
        goto out;
    if (division->find_duplicates &&
        (status = find_copies(set, &work, report, context, err)) != NN_OK)
        goto out;
    status = nn_divide_group(work.items, set->count, work.pairs, set->duplicate_pairs, work.group,
                             &set->groups, err);
    if (status != NN_OK || (status = divide(set, division, &work, err)) != NN_OK)
        goto out;
    status =
        nn_divide_leaks(work.group, work.part, set->count, set->groups, &set->leaking_pairs, err);
    for (size_t i = 0; i < set->count; i++) {
        set->items[i].group = work.group[i];
        set->items[i].part = (enum data_part)work.part[i];
    }
out:
    work_finish(&work, set->count);
    return status;
}

/* Of an earlier training: no group here, and never a test image. */
static void write_absent(void *context, const struct data_known_row *row)
{
    const char *const training = nn_part_name(NN_PART_TRAINING);
    FILE *file = context;

    csv_write(file, row->file);
    fputc(',', file);
    csv_write(file, row->class_);
    fputc(',', file);
    csv_write(file, row->patient);
    fprintf(file, ",,%s,", training);
    csv_write(file, row->sha256);
    fprintf(file, ",%s\n", training);
}

static void write_rows(const struct data_set *set, FILE *file)
{
    fputs("file,class,patient,group,part,sha256,before\n", file);
    for (size_t i = 0; i < set->count; i++) {
        const struct data_item *item = &set->items[i];
        csv_write(file, item->name);
        fprintf(file, ",%s,", set->class_name[item->label]);
        csv_write(file, item->patient);
        fprintf(file, ",%zu,%s,%s,%s\n", item->group, nn_part_name((enum nn_part)item->part),
                item->digest, item->trained_before ? nn_part_name(NN_PART_TRAINING) : "");
    }
    if (set->known)
        data_known_each_absent(set->known, write_absent, file);
}

static void write_copies(const struct data_set *set, FILE *file)
{
    fputs("file_a,file_b,similarity,transform,patient_a,patient_b,class_a,class_b\n", file);
    for (size_t i = 0; i < set->duplicate_pairs; i++) {
        const struct nn_copy *copy = &set->copies[i];
        const struct data_item *a = &set->items[copy->a], *b = &set->items[copy->b];
        csv_write(file, a->name);
        fputc(',', file);
        csv_write(file, b->name);
        fprintf(file, ",%.3f,%s%s,", copy->score, nn_symmetry_name(copy->symmetry),
                copy->inverted ? " inverted" : "");
        csv_write(file, a->patient);
        fputc(',', file);
        csv_write(file, b->patient);
        fprintf(file, ",%s,%s\n", set->class_name[a->label], set->class_name[b->label]);
    }
}

static enum nn_status write_csv(const struct data_set *set, const char *dir, const char *name,
                                void (*write)(const struct data_set *, FILE *),
                                struct nn_error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return nn_fail(err, NN_INVALID, "%.160s...: path too long", path);
    FILE *file = fopen(path, "we");
    if (!file)
        return nn_fail(err, NN_IO, "%.160s: %s", path, strerror(errno));
    write(set, file);
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed)
        return nn_fail(err, NN_IO, "%.160s: %s", path, strerror(errno));
    return NN_OK;
}

enum nn_status data_write_split(const struct data_set *set, const char *dir, struct nn_error *err)
{
    enum nn_status status = write_csv(set, dir, "split.csv", write_rows, err);

    return status == NN_OK ? write_csv(set, dir, "duplicates.csv", write_copies, err) : status;
}
