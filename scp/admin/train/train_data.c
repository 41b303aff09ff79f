/* train_data.c: --data, --split, --folds and --duplicates become three sources of samples. */
#include "train_data.h"
#include "data_known.h"
#include "phantom/phantom.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct nn_source phantoms(struct train_data *data, const struct train_options *o,
                                 enum nn_phantom_part part, long count)
{
    data->phantoms[part] =
        (struct nn_phantom_source){.settings = {.seed = (uint64_t)o->seed,
                                                .rows = (int)o->size,
                                                .cols = (int)o->size,
                                                .prevalence = {1.0 / 3, 1.0 / 3, 1.0 / 3}},
                                   .part = part,
                                   .count = (uint64_t)count};
    return nn_phantom_source(&data->phantoms[part]);
}

static void open_phantoms(struct train_data *data, const struct train_options *o)
{
    data->training = phantoms(data, o, NN_PHANTOM_TRAINING, o->images + o->images % 2);
    data->validation = phantoms(data, o, NN_PHANTOM_VALIDATION, o->validation);
    data->test = phantoms(data, o, NN_PHANTOM_TEST, o->test);
    data->classes = 3;
    for (int c = 0; c < 3; c++)
        snprintf(data->class_name[c], sizeof data->class_name[c], "%s",
                 nn_phantom_class_name((enum nn_phantom_class)c));
    snprintf(data->words, sizeof data->words, "cervigate phantom, seed %ld, %ld px", o->seed,
             o->size);
    snprintf(data->digest, sizeof data->digest, "phantom-%ld-%ld", o->seed, o->size);
}

/* The class named by --none, or NN_INVALID with the names that are there. */
static enum nn_status find_none(struct train_data *data, const char *none, struct nn_error *err)
{
    char names[160] = "";
    size_t used = 0;

    for (data->none = 0; data->none < data->classes; data->none++) {
        if (strcmp(data->class_name[data->none], none) == 0)
            return NN_OK;
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, " %s",
                                     data->class_name[data->none]);
    }
    return nn_fail(err, NN_INVALID,
                   "--none %.60s: no class is called so; there are:%s: --none NAME says which of "
                   "them is no finding",
                   none, names);
}

enum nn_status train_data_open(struct train_data *data, const struct train_options *o,
                               struct nn_error *err)
{
    enum nn_status status = NN_OK;

    *data = (struct train_data){0};
    if (strcmp(o->data, "phantom") == 0) {
        open_phantoms(data, o);
    } else if ((status = data_open(o->data, &data->set, err)) == NN_OK) {
        data->classes = data->set->classes;
        memcpy(data->class_name, data->set->class_name, sizeof data->class_name);
    }
    if (status == NN_OK)
        status = find_none(data, o->none, err);
    if (status == NN_OK && o->class_weighting == NN_CLASSES_GIVEN &&
        o->class_weights != data->classes)
        status = nn_fail(err, NN_INVALID, "--class-weights: %d numbers for %d classes",
                         o->class_weights, data->classes);
    return status;
}

/* Reading and comparing thousands of files takes its time. */
static void report(void *context, size_t done, size_t count)
{
    bool terminal = *(const bool *)context;

    if (terminal)
        fprintf(stderr, "\r\033[Kimages read or compared: %zu of %zu%s", done, count,
                done == count ? "\r\033[K" : "");
    else if (done == count)
        fprintf(stderr, "images read or compared: %zu of %zu\n", done, count);
}

static void warn(const struct data_set *set, enum data_split split)
{
    if (set->duplicate_pairs > 0)
        fprintf(stderr, "cervigate train: %zu pairs of near-duplicates were found\n",
                set->duplicate_pairs);
    size_t contradictions = 0;
    for (size_t i = 0; i < set->duplicate_pairs; i++) {
        const struct data_item *a = &set->items[set->copies[i].a],
                               *b = &set->items[set->copies[i].b];
        contradictions += a->label != b->label;
    }
    if (contradictions > 0)
        fprintf(
            stderr,
            "cervigate train: warning: %zu of these pairs bear two different classes: one label "
            "may be wrong; duplicates.csv names them\n",
            contradictions);
    if (split == DATA_SPLIT_RANDOM || set->leaking_pairs > 0)
        fprintf(stderr,
                "cervigate train: warning: the division is %s: %zu pairs of images of one patient "
                "or near-duplicates lie on two sides of it. What is measured will be too good; the "
                "model is marked.\n",
                split == DATA_SPLIT_RANDOM ? "random" : "given", set->leaking_pairs);
}

static void close_views(struct train_data *data)
{
    for (int part = 0; part < DATA_PARTS; part++)
        data_view_finish(&data->views[part]);
}

enum nn_status train_data_divide(struct train_data *data, const struct train_options *o, int fold,
                                 struct nn_error *err)
{
    static const char *const names[] = {"grouped", "random", "given"};
    struct data_set *set = data->set;
    bool terminal = isatty(STDERR_FILENO) == 1;

    if (!set)
        return NN_OK;
    close_views(data);
    struct data_division division = {.split = o->split,
                                     .folds = (int)o->folds,
                                     .fold = fold,
                                     .seed = (uint64_t)o->seed,
                                     .find_duplicates = !o->keep_copies};
    if (!o->split_given && o->folds == 0 && set->split == DATA_SPLIT_GIVEN)
        division.split = DATA_SPLIT_GIVEN;
    memcpy(division.fraction, o->fraction, sizeof division.fraction);
    enum nn_status status = data_divide(set, &division, report, &terminal, err);
    for (int part = 0; status == NN_OK && part < DATA_PARTS; part++)
        status = data_view_init(&data->views[part], set, (enum data_part)part, err);
    if (status != NN_OK)
        return status;
    data->training = data_source(&data->views[DATA_TRAINING]);
    data->validation = data_source(&data->views[DATA_VALIDATION]);
    data->test = data_source(&data->views[DATA_TEST]);
    snprintf(data->words, sizeof data->words, "%s", set->words);
    snprintf(data->split, sizeof data->split, "%s", names[division.split]);
    snprintf(data->digest, sizeof data->digest, "%.64s-%s-%g-%g-%d/%d-%d", set->digest, data->split,
             division.fraction[0], division.fraction[1], fold, division.folds, o->keep_copies);
    warn(set, division.split);
    return NN_OK;
}

enum nn_status train_data_ask_start(struct train_data *data, const char *const *init, size_t count,
                                    struct nn_error *err)
{
    enum nn_status status = NN_OK;
    char folder[PATH_MAX];

    if (!data->set)
        return NN_OK;
    data_known_close(data->set->known);
    data->set->known = NULL;
    for (size_t i = 0; i < count && status == NN_OK; i++) {
        const char *slash = strrchr(init[i], '/');
        int length = slash ? (int)(slash - init[i]) : 0;
        if (snprintf(folder, sizeof folder, "%.*s%s", length, init[i], slash ? "/" : ".") >=
            (int)sizeof folder)
            return nn_fail(err, NN_INVALID, "%.60s...: path too long", init[i]);
        status = data_known_open(folder, &data->set->known, err);
    }
    data->trained_before = data->set->known ? data_known_meet(data->set->known, data->set) : 0;
    if (data->trained_before > 0)
        fprintf(
            stderr,
            "cervigate train: warning: %zu images of the validation and test parts were trained "
            "on by what this training starts from (other data or another --seed there). What is "
            "measured will be too good; the model is marked.\n",
            data->trained_before);
    return status;
}

void train_data_close(struct train_data *data)
{
    close_views(data);
    data_close(data->set);
    data->set = NULL;
}
