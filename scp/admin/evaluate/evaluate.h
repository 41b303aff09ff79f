/* evaluate.h: between the files of `cervigate evaluate` (docs/evaluate.md).
 *
 *   options -> data and its parts -> protocol -> images judged -> figures -> text, JSON, page
 *
 * The statistics are classifier/nn_measures.h's; here they are only asked for and shown. */
#ifndef EVALUATE_H
#define EVALUATE_H

#include "data.h"
#include "nn_explain.h"
#include "nn_measures.h"
#include "predict.h"
#include <jansson.h>
#include <limits.h>
#include <stdio.h>

#define EVALUATE_ERROR_MAX 512

/* ---- evaluate_options.c ---- */

enum evaluate_part { EVALUATE_TEST, EVALUATE_VALIDATION, EVALUATE_ALL };

struct evaluate_options {
    const char *model, *data, *protocol, *readers, *report, *against, *scores, *provenance;
    bool plan, json, help, lock;
    bool as_is; /* points and temperature are the model's: nothing is chosen */
    enum evaluate_part part;
    int threads, maps, draws;
    uint64_t seed;
    double daily;                    /* studies a day */
    double sensitivity, specificity; /* lower limits to be shown; NaN: none */
    double expected_sensitivity, expected_specificity, power, level; /* --plan */
    bool seed_given, draws_given;
    char command[1024]; /* as it was given, for the record */
};
/* 0, or EX_USAGE with the sentence on standard error. */
int evaluate_options_parse(int argc, char **argv, struct evaluate_options *o);
extern const char evaluate_usage[];

/* ---- evaluate_plan.c ---- */
int evaluate_plan(const struct evaluate_options *o);

/* ---- evaluate_parts.c: who is test, who is validation ---- */

enum evaluate_division { EVALUATE_UNDIVIDED, EVALUATE_SPLIT_CSV, EVALUATE_COLUMN };

struct evaluate_parts {
    enum evaluate_division division;
    size_t *test, *validation; /* items of the data set */
    size_t tests, validations;
    size_t training_files;    /* of the part that is judged, training has seen */
    size_t training_patients; /* and so many others are of its patients, or near-duplicates */
    size_t by_name;           /* images that split.csv knows by name, not by their bytes */
    bool shared_known;        /* the model's division was there to be asked */
    char test_digest[65];     /* SHA-256 over names, labels and patients of the test part */
};
NN_MUST_USE enum nn_status evaluate_parts_find(const char *model_dir, struct data_set *set,
                                               enum evaluate_part part,
                                               struct evaluate_parts *parts, struct nn_error *err);
/* The same question about another model: how many of the judged images it was trained on, how many
 * others are of their patients or near-duplicates. *known_at_all false: its folder does not tell.
 */
NN_MUST_USE enum nn_status evaluate_parts_seen(const char *model_dir, const struct data_set *set,
                                               const struct evaluate_parts *parts,
                                               bool *known_at_all, size_t *files, size_t *others,
                                               struct nn_error *err);
void evaluate_parts_finish(struct evaluate_parts *parts);

/* ---- evaluate_judge.c: images to scores ---- */

struct evaluate_image {
    const struct data_item *item;
    bool judged;
    char reason[32], detail[128];                       /* when it is not */
    float score[NN_MAX_CLASSES], rival[NN_MAX_CLASSES]; /* of --model, of --against */
    int top, rival_top, rows, cols;
    bool called; /* some finding reaches its point; false when not judged */
};
struct evaluate_images {
    size_t count;
    struct evaluate_image *image;
};
/* `rival` may be NULL. Tells progress on standard error. 0, or an exit status with a sentence. */
int evaluate_judge(struct predictor *predictor, struct nn_judge *rival, const struct data_set *set,
                   const size_t *index, size_t count, const char *what,
                   struct evaluate_images *images, char *error, size_t error_size);
void evaluate_images_finish(struct evaluate_images *images);
/* Sets `called` by the points. */
void evaluate_call(struct evaluate_images *images, const struct nn_model_info *model,
                   const double *point);

/* A bar on a terminal, lines elsewhere. */
struct evaluate_progress {
    const char *what;
    int64_t begin_ms, told_ms;
    bool terminal;
};
void evaluate_progress_begin(struct evaluate_progress *progress, const char *what);
void evaluate_progress_show(struct evaluate_progress *progress, size_t done, size_t count);

/* ---- evaluate_protocol.c: what was decided before the test part was opened ---- */

struct evaluate_protocol {
    bool present, written_now;
    char path[PATH_MAX], digest[65], written[25], text[8192];
    char first_opening[25]; /* "" none recorded before this run */
    size_t openings_before; /* recorded before it was locked */
    bool trainer_measured;  /* model.xml carries figures of this part */
};

/* Everything that is decided on the validation part, or before it. */
struct evaluate_choice {
    double point[NN_MAX_CLASSES];
    bool points_chosen; /* on the validation part; else the model's own */
    double temperature; /* 1: none */
    bool calibrated;
    struct nn_temperature fit;
    char method[32]; /* of explanation; "" none */
    double sensitivity, specificity;
    struct nn_bootstrap bootstrap;
};

struct evaluation;
/* Writes FILE; an existing one is never overwritten. 0 or exit status. */
int evaluate_protocol_lock(struct evaluation *e, char *error, size_t error_size);
/* Reads FILE and takes its decisions into e->choice; refuses (EX_DATAERR) when text, model, data or
 * an option differ from it. */
int evaluate_protocol_take(struct evaluation *e, char *error, size_t error_size);

/* ---- evaluate_openings.c: the record of test parts that were opened ---- */

/* How often the test part was opened with this model before `before` (NULL: ever), and when first.
 */
void evaluate_openings_count(const char *model_digest, const char *test_digest, const char *before,
                             size_t *count, char first[25]);
/* Notes an opening; false when the record cannot be written. */
bool evaluate_openings_note(const char *model_digest, const char *test_digest,
                            const char *protocol);

/* ---- evaluate_measure.c: figures ---- */

#define EVALUATE_PREVALENCES 3
#define EVALUATE_KEYS        6 /* age band, sex, station, view, level, type */

struct evaluate_group {
    const char *name; /* "age" */
    bool studies;     /* of studies, else of images */
    struct nn_subgroup *row;
    size_t rows;
};

struct evaluate_reason {
    char reason[32];
    uint64_t images, injured;
};

/* A reader's answers, or a second model's, beside the model's. */
struct evaluate_reader {
    char name[64];
    size_t cases, unanswered;
    struct nn_comparison comparison;
};

struct evaluate_calibration {
    bool defined;
    double nll_before, nll_after, brier_before, brier_after; /* on the test part */
    struct nn_reliability before, after;                     /* of the top score being right */
    struct nn_reliability injury_before, injury_after;       /* of 1 - P(no finding) */
};

/* Maps of the true class in injured images whose box is known and small; of the finding with the
 * highest score in uninjured ones. A spot is a connected region of at least half the maximum. */
struct evaluate_explanation {
    bool defined;
    char method[32];
    size_t boxed, too_large, explained; /* images: with a box, of them over 6 %, looked at */
    struct nn_figure hit, energy;       /* pointing game; mean part of the map in the box */
    double expected;                    /* the boxes' mean share: what a flat map would have */
    size_t spots, normals, normals_called, normal_spots;
    struct evaluate_peak { /* of each explained one: the maximum, in pixels of the file's image */
        const char *name;  /* the data set's */
        double at[2];      /* NAN: a black map */
    } * peak;              /* owned */
};

struct evaluate_rival {
    bool defined;
    char name[64], version[32], digest[65];
    struct evaluate_reader images;
    struct nn_mcnemar study_sensitivity, study_specificity;
    struct nn_delong delong;
    bool delong_defined;
    struct nn_auc_pair pair;
    bool pair_defined;
};

struct evaluate_figures {
    struct nn_binary_figures study, study_eligible, image, image_eligible;
    struct nn_curve study_curve, class_curve[NN_MAX_CLASSES];
    struct nn_case_figures cases;
    struct nn_everyday everyday[EVALUATE_PREVALENCES];
    struct evaluate_calibration calibration;
    struct evaluate_group group[EVALUATE_KEYS];
    struct evaluate_reason reason[32];
    size_t reasons, refused, patients, studies_refused;
    struct evaluate_reader *reader;
    size_t readers;
    struct evaluate_rival rival;
    struct evaluate_explanation explanation;
    struct evaluate_method {
        char name[32];
        size_t images, hits;
        double energy; /* mean */
    } method[8];       /* how the methods did on the validation part */
    size_t methods;
    bool sensitivity_met, specificity_met;
};

struct evaluation {
    struct evaluate_options options;
    const struct nn_model_info *model, *rival;
    struct predictor predictor;
    struct nn_model *rival_model;
    struct nn_judge *rival_judge;
    struct data_set *set;
    struct evaluate_parts parts;
    struct evaluate_images validation, test;
    struct evaluate_choice choice;
    struct evaluate_protocol protocol;
    struct evaluate_figures figures;
    int none;       /* the class that is no finding */
    bool synthetic; /* model or data */
    const char *data_kind;
    char written[25], build[128];
    char notes[12][256]; /* what a reader of the figures has to know */
    size_t note_count;
};
void evaluate_note(struct evaluation *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

NN_MUST_USE enum nn_status evaluate_choose(struct evaluation *e, struct nn_error *err);
NN_MUST_USE enum nn_status evaluate_measure(struct evaluation *e, struct nn_error *err);
void evaluate_figures_finish(struct evaluate_figures *figures);

/* The test part as arrays for nn_measures.h; processed images only in `cases`. */
struct evaluate_arrays {
    size_t count, processed;
    float *scores, *rivals; /* (processed, classes) */
    int *truth;
    uint32_t *patient, *study; /* of the processed */
    size_t *image;             /* number of each processed image */
    bool finding[NN_MAX_CLASSES];
};
NN_MUST_USE enum nn_status evaluate_arrays_make(const struct evaluate_images *images,
                                                const struct nn_model_info *model,
                                                struct evaluate_arrays *arrays,
                                                struct nn_error *err);
void evaluate_arrays_finish(struct evaluate_arrays *arrays);
/* One number a patient (a group of near-duplicates and patients, where known), one a study. */
NN_MUST_USE enum nn_status evaluate_numbers(const struct evaluate_images *images, uint32_t *patient,
                                            uint32_t *study, struct nn_error *err);

/* ---- evaluate_calibrate.c ---- */
NN_MUST_USE enum nn_status evaluate_calibrate(struct evaluation *e,
                                              const struct evaluate_arrays *arrays,
                                              struct nn_error *err);

/* ---- evaluate_readers.c, evaluate_rival.c, evaluate_explain.c ---- */
/* The node's answer: the finding with the highest score of those that reach their point, else
 * `none`. */
int evaluate_answer(const struct nn_model_info *model, const float *score, const double *point,
                    int none);
NN_MUST_USE enum nn_status evaluate_readers(struct evaluation *e, struct nn_error *err);
NN_MUST_USE enum nn_status
evaluate_rival(struct evaluation *e, const struct evaluate_arrays *arrays, struct nn_error *err);
NN_MUST_USE enum nn_status evaluate_explain_choose(struct evaluation *e, struct nn_error *err);
NN_MUST_USE enum nn_status evaluate_explain(struct evaluation *e, struct nn_error *err);

/* ---- what is shown ---- */
void evaluate_text(const struct evaluation *e, FILE *out);
json_t *evaluate_json(const struct evaluation *e); /* NULL without memory */
/* 0 or exit status with a sentence. */
int evaluate_page(struct evaluation *e, char *error, size_t error_size);
int evaluate_scores(const struct evaluation *e, char *error, size_t error_size);

#endif
