/* evaluate_parts.c: which images are the test part, which the validation part.
 *
 *   column `part` of the CSV     -> as it says
 *   MODEL/split.csv              -> as it says for the files that it knows; others are test
 *   neither                      -> all are test */
#include "data_known.h"
#include "dx_uid.h"
#include "evaluate.h"
#include <stdlib.h>
#include <string.h>

/* Groups of a patient or of near-duplicates that training has seen. */
static enum nn_status find_trained(const struct data_set *set, const struct data_known *known,
                                   bool **trained, struct nn_error *err)
{
    *trained = calloc(set->groups + 1, sizeof **trained);
    if (!*trained)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu groups", set->groups);
    for (size_t i = 0; i < set->count; i++) {
        const struct data_item *item = &set->items[i];
        const struct data_known_row *row =
            data_known_find(known, item, set->class_name[item->label]);
        if ((row && row->trained) || data_known_trained_patient(known, item->patient))
            (*trained)[item->group] = true;
    }
    return NN_OK;
}

static enum nn_status collect(const struct data_set *set, enum evaluate_part part,
                              struct evaluate_parts *parts, struct nn_error *err)
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
        if (judged)
            parts->test[parts->tests++] = i;
    }
    return NN_OK;
}

/* How many of the judged images training has seen, and how many others are of its groups. */
static enum nn_status count_seen(const struct data_set *set, const struct data_known *known,
                                 const struct evaluate_parts *parts, size_t *files, size_t *others,
                                 struct nn_error *err)
{
    bool *trained = NULL;
    enum nn_status status = find_trained(set, known, &trained, err);
    if (status != NN_OK)
        return status;
    *files = *others = 0;
    for (size_t i = 0; i < parts->tests; i++) {
        const struct data_item *item = &set->items[parts->test[i]];
        const struct data_known_row *seen =
            data_known_find(known, item, set->class_name[item->label]);
        if (seen && seen->trained)
            (*files)++;
        else if (trained[item->group])
            (*others)++;
    }
    free(trained);
    return NN_OK;
}

enum nn_status evaluate_parts_seen(const char *model_dir, const struct data_set *set,
                                   const struct evaluate_parts *parts, bool *known_at_all,
                                   size_t *files, size_t *others, struct nn_error *err)
{
    struct data_known *known = NULL;
    enum nn_status status = data_known_open(model_dir, &known, err);
    *known_at_all = known != NULL;
    if (status == NN_OK)
        status = count_seen(set, known, parts, files, others, err);
    data_known_close(known);
    return status;
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
    struct data_known *known = NULL;
    *parts = (struct evaluate_parts){0};
    enum nn_status status = data_known_open(model_dir, &known, err);
    parts->shared_known = known != NULL;
    bool given = set->split == DATA_SPLIT_GIVEN;
    size_t found = 0;
    for (size_t i = 0; status == NN_OK && !given && i < set->count; i++) {
        struct data_item *item = &set->items[i];
        const struct data_known_row *row =
            data_known_find(known, item, set->class_name[item->label]);
        item->part = row ? row->part : DATA_TEST;
        found += row != NULL;
        parts->by_name += row && row->sha256[0] && strcmp(row->sha256, item->digest) != 0;
    }
    parts->division = given ? EVALUATE_COLUMN : found > 0 ? EVALUATE_SPLIT_CSV : EVALUATE_UNDIVIDED;
    if (status == NN_OK)
        status = collect(set, part, parts, err);
    if (status == NN_OK)
        status =
            count_seen(set, known, parts, &parts->training_files, &parts->training_patients, err);
    if (status == NN_OK && parts->tests == 0)
        status =
            nn_fail(err, NN_BAD_DATA, "%s: no image in the part that is to be judged", set->words);
    if (status == NN_OK)
        digest_test(set, parts);
    data_known_close(known);
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
