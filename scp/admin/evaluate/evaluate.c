/* evaluate.c: `cervigate evaluate` (docs/evaluate.md): what a model can do, measured on
 * images that it has not seen. The order is the promise: nothing is decided after the test part is
 * opened. */
#include "evaluate.h"
#include "admin.h"
#include "build_id.h"
#include "clock.h"
#include "command.h"
#include "nn_kernel_set.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int exit_status(enum nn_status status)
{
    switch (status) {
    case NN_OK:
        return 0;
    case NN_MISSING:
        return EX_NOINPUT;
    case NN_IO:
        return EX_IOERR;
    case NN_NO_MEMORY:
        return EX_OSERR;
    default:
        return EX_DATAERR;
    }
}

static int fail(enum nn_status status, const struct nn_error *err, char *error, size_t size)
{
    snprintf(error, size, "%s", err->text);
    return exit_status(status);
}

/* What would be missing after the work had better be missing before it. */
static int check_paths(const struct evaluate_options *o, char *error, size_t size)
{
    struct stat st;
    if (o->readers && access(o->readers, R_OK) != 0) {
        snprintf(error, size, "%s: %s", o->readers, strerror(errno));
        return EX_NOINPUT;
    }
    if (o->report && mkdir(o->report, 0777) != 0 &&
        (errno != EEXIST || stat(o->report, &st) != 0 || !S_ISDIR(st.st_mode))) {
        snprintf(error, size, "%s: %s", o->report, strerror(errno));
        return EX_CANTCREAT;
    }
    return 0;
}

static int open_rival(struct evaluation *e, char *error, size_t size)
{
    struct nn_error err = {0};
    if (!e->options.against)
        return 0;
    enum nn_status status = nn_model_open(e->options.against, &e->rival_model, &err);
    if (status == NN_OK)
        status = nn_judge_create(e->rival_model, e->predictor.pool, &e->rival_judge, &err);
    if (status != NN_OK) {
        snprintf(error, size, "--against %s: %s", e->options.against, err.text);
        return status == NN_IO ? EX_NOINPUT : exit_status(status);
    }
    e->rival = nn_model_info(e->rival_model);
    bool same = e->rival->classes == e->model->classes;
    for (int c = 0; same && c < e->model->classes; c++)
        same = strcmp(e->rival->class_[c].name, e->model->class_[c].name) == 0 &&
               e->rival->class_[c].finding == e->model->class_[c].finding;
    if (same)
        return 0;
    snprintf(error, size, "--against %s: its classes are not those of %s", e->options.against,
             e->options.model);
    return EX_DATAERR;
}

/* From here on the data speak the model's classes: its numbers, in its order. */
static int take_classes(struct evaluation *e, char *error, size_t size)
{
    const struct nn_model_info *model = e->model;
    struct data_set *set = e->set;
    int number[NN_MAX_CLASSES];
    for (int c = 0; c < set->classes; c++) {
        number[c] = -1;
        for (int m = 0; m < model->classes; m++)
            if (strcmp(set->class_name[c], model->class_[m].name) == 0)
                number[c] = m;
        if (number[c] < 0) {
            snprintf(error, size, "%s: class \"%.63s\" is none of model %s's", e->options.data,
                     set->class_name[c], model->name);
            return EX_DATAERR;
        }
    }
    for (size_t i = 0; i < set->count; i++)
        set->items[i].label = number[set->items[i].label];
    for (int m = 0; m < model->classes; m++)
        memcpy(set->class_name[m], model->class_[m].name, sizeof set->class_name[m]);
    set->classes = model->classes;
    e->none = 0;
    while (e->none < model->classes - 1 && model->class_[e->none].finding)
        e->none++;
    return 0;
}

/* data_divide tells of files, then of images that have been compared. */
struct reading {
    struct evaluate_progress progress;
    size_t done;
};

static void show_reading(void *context, size_t done, size_t count)
{
    struct reading *reading = context;
    if (done < reading->done)
        evaluate_progress_begin(&reading->progress, "near-duplicates");
    reading->done = done;
    evaluate_progress_show(&reading->progress, done, count);
}

/* Groups of patients and near-duplicates; who is in which part. */
static int divide(struct evaluation *e, char *error, size_t size)
{
    struct nn_error err = {0};
    struct reading reading = {.done = 0};
    struct data_division division = {
        .split = e->set->split == DATA_SPLIT_GIVEN ? DATA_SPLIT_GIVEN : DATA_SPLIT_GROUPED,
        .fraction = {0, 0, 1},
        .find_duplicates = !e->options.lock};
    evaluate_progress_begin(&reading.progress, "data");
    enum nn_status status = data_divide(e->set, &division, show_reading, &reading, &err);
    bool unread = status == NN_BAD_DATA || status == NN_UNSUPPORTED || status == NN_LIMIT;
    if (unread && division.find_duplicates) {
        /* An image that cannot be read is an answer here, no reason to stop. */
        division.find_duplicates = false;
        evaluate_note(e, "Near-duplicates were not looked for: %.180s", err.text);
        status = data_divide(e->set, &division, show_reading, &reading, &err);
    }
    if (status != NN_OK)
        return fail(status, &err, error, size);
    int answer = take_classes(e, error, size);
    if (answer != 0)
        return answer;
    status = evaluate_parts_find(e->options.model, e->set, e->options.part, &e->parts, &err);
    return status == NN_OK ? 0 : fail(status, &err, error, size);
}

static int open_all(struct evaluation *e, char *error, size_t size)
{
    struct nn_error err = {0};
    char build[80];
    int status = check_paths(&e->options, error, size);
    if (status != 0)
        return status;
    enum nn_status opened = data_open(e->options.data, &e->set, &err);
    if (opened != NN_OK)
        return fail(opened, &err, error, size);
    status = predictor_open(&e->predictor, e->options.model, e->options.threads, error, size);
    if (status != 0)
        return status;
    e->model = nn_model_info(e->predictor.model);
    status = open_rival(e, error, size);
    if (status != 0)
        return status;

    bool clinical = e->options.provenance && strcmp(e->options.provenance, "clinical") == 0;
    e->data_kind = clinical ? "clinical" : "synthetic";
    e->synthetic = !clinical || e->model->provenance == NN_SYNTHETIC;
    clock_iso(clock_utc_ms(), e->written);
    build_id(build, sizeof build);
    snprintf(e->build, sizeof e->build, "%s, kernels %s, %.40s", CERVIGATE_VERSION, nn_kernel_set(),
             build);
    e->choice.sensitivity = e->options.sensitivity;
    e->choice.specificity = e->options.specificity;
    e->choice.bootstrap = (struct nn_bootstrap){.draws = e->options.draws,
                                                .seed = e->options.seed,
                                                .level = e->options.level,
                                                .stratify = true};
    return divide(e, error, size);
}

/* The validation part decides, or the protocol has decided. */
static int decide(struct evaluation *e, char *error, size_t size)
{
    struct nn_error err = {0};
    if (e->options.protocol && !e->options.lock)
        return evaluate_protocol_take(e, error, size);
    if (e->parts.validations > 0) {
        int status =
            evaluate_judge(&e->predictor, NULL, e->set, e->parts.validation, e->parts.validations,
                           "validation part", &e->validation, error, size);
        if (status != 0)
            return status;
    }
    enum nn_status status = evaluate_choose(e, &err);
    return status == NN_OK ? 0 : fail(status, &err, error, size);
}

static int lock(struct evaluation *e, char *error, size_t size)
{
    int status = evaluate_protocol_lock(e, error, size);
    if (status == 0)
        printf("%s\n\nLocked in %s. Keep the hash where nobody can change it:\n%s\n",
               e->protocol.text, e->protocol.path, e->protocol.digest);
    return status;
}

static void note_division(struct evaluation *e)
{
    const struct evaluate_parts *p = &e->parts;
    if (p->training_files > 0)
        evaluate_note(e,
                      "%zu of the %zu images that were judged are training images of the model: "
                      "these figures are too good.",
                      p->training_files, p->tests);
    if (p->training_patients > 0)
        evaluate_note(e,
                      "%zu of the images that were judged are of patients, or near-duplicates of "
                      "images, that the model was trained on: these figures are too good.",
                      p->training_patients);
    if (p->by_name > 0)
        evaluate_note(e,
                      "%zu images have the name and class of one in split.csv, but other bytes: "
                      "they were taken for the same image, and what was trained on was left out.",
                      p->by_name);
    if (e->options.part == EVALUATE_VALIDATION)
        evaluate_note(e, "This is the validation part, on which points were chosen: these figures "
                         "are too good.");
    if (strcmp(e->model->split, "random") == 0)
        evaluate_note(e,
                      "The model's images were divided at random (%ld leaking pairs): copies of "
                      "test images may have been trained on.",
                      e->model->leaking_pairs);
    if (e->set->leaking_pairs > 0)
        evaluate_note(e,
                      "%zu pairs of near-duplicates, or of one patient's images, lie on two "
                      "sides of the division: these figures are too good.",
                      e->set->leaking_pairs);
    if (!p->shared_known)
        evaluate_note(e,
                      "The model folder has no split.csv: whether it was trained on these images "
                      "cannot be told.");
}

/* A second model that has seen the test images wins by heart. */
static enum nn_status note_rival(struct evaluation *e, struct nn_error *err)
{
    bool known;
    size_t files = 0, others = 0;
    if (!e->options.against)
        return NN_OK;
    enum nn_status status =
        evaluate_parts_seen(e->options.against, e->set, &e->parts, &known, &files, &others, err);
    if (status == NN_OK && !known)
        evaluate_note(e,
                      "The folder of %.60s has no split.csv: whether it was trained on these "
                      "images cannot be told.",
                      e->rival->name);
    if (files + others > 0)
        evaluate_note(
            e,
            "%zu of the %zu images that were judged are training images of %.60s, and %zu "
            "are of their patients or near-duplicates: its side of the comparison is too "
            "good.",
            files, e->parts.tests, e->rival->name, others);
    return status;
}

/* The moment from which on nothing may be decided. */
static void open_test(struct evaluation *e)
{
    const struct evaluate_protocol *p = &e->protocol;
    size_t since;
    char first[25];
    if (e->options.part == EVALUATE_VALIDATION)
        return;
    evaluate_openings_count(e->model->digest, e->parts.test_digest, NULL, &since, first);
    snprintf(e->protocol.first_opening, sizeof e->protocol.first_opening, "%s", first);
    if (!p->present)
        e->protocol.openings_before = since;
    if (!evaluate_openings_note(e->model->digest, e->parts.test_digest,
                                p->present ? p->digest : "none"))
        evaluate_note(e, "This opening of the test part could not be recorded.");
}

static int show(struct evaluation *e, char *error, size_t size)
{
    int status = e->options.scores ? evaluate_scores(e, error, size) : 0;
    if (status == 0 && e->options.report)
        status = evaluate_page(e, error, size);
    if (status != 0)
        return status;
    if (e->options.json)
        return command_print(evaluate_json(e));
    evaluate_text(e, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    snprintf(error, size, "standard output: %s", strerror(errno));
    return EX_IOERR;
}

static int run(struct evaluation *e, char *error, size_t size)
{
    struct nn_error err = {0};
    int status = open_all(e, error, size);
    if (status == 0)
        status = decide(e, error, size);
    if (status != 0)
        return status;
    if (e->options.lock)
        return lock(e, error, size);
    note_division(e);
    enum nn_status noted = note_rival(e, &err);
    if (noted != NN_OK)
        return fail(noted, &err, error, size);
    open_test(e);
    status = evaluate_judge(&e->predictor, e->rival_judge, e->set, e->parts.test, e->parts.tests,
                            e->options.part == EVALUATE_TEST ? "test part" : "images", &e->test,
                            error, size);
    if (status != 0)
        return status;
    evaluate_call(&e->test, e->model, e->choice.point);
    enum nn_status measured = evaluate_measure(e, &err);
    if (measured != NN_OK)
        return fail(measured, &err, error, size);
    status = show(e, error, size);
    if (status != 0)
        return status;
    bool unmet = (isfinite(e->choice.sensitivity) && !e->figures.sensitivity_met) ||
                 (isfinite(e->choice.specificity) && !e->figures.specificity_met);
    return unmet ? 1 : 0;
}

static void finish(struct evaluation *e)
{
    evaluate_figures_finish(&e->figures);
    evaluate_images_finish(&e->validation);
    evaluate_images_finish(&e->test);
    evaluate_parts_finish(&e->parts);
    nn_judge_destroy(e->rival_judge);
    nn_model_close(e->rival_model);
    predictor_close(&e->predictor);
    data_close(e->set);
    free(e);
}

int admin_evaluate(int argc, char **argv)
{
    char error[EVALUATE_ERROR_MAX] = "";
    struct evaluation *e = calloc(1, sizeof *e);
    if (!e) {
        fputs("cervigate evaluate: no memory\n", stderr);
        return EX_OSERR;
    }
    int status = evaluate_options_parse(argc, argv, &e->options);
    if (status == 0 && e->options.help) {
        fputs(evaluate_usage, stdout);
    } else if (status == 0 && e->options.plan) {
        status = evaluate_plan(&e->options);
    } else if (status == 0) {
        status = run(e, error, sizeof error);
        if (error[0] && status != 0)
            fprintf(stderr, "cervigate evaluate: %s\n", error);
        else if (e->model && e->synthetic)
            fprintf(stderr, "%s\n", srt_research_line);
    }
    finish(e);
    return status;
}
