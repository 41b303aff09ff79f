/* data.h: labelled images for `train` and `evaluate`: found, checked, divided, handed out.
 *
 * --data DIR has one folder a class of PNG, JPEG or DICOM files ("c-spine_fracture" or "fracture");
 * --data FILE.csv has a header line with the columns file and class and, where known, patient,
 * study, station, age, sex, view, level, type (or lesion), x0, y0, x1, y1 (a box in pixels of the
 * file's image) and part (training, validation or test: a division that is given). The manifest of
 * `cervigate phantom` is one. Classes are numbered in the order of their names.
 *
 * Groups: all images of a patient, and all near-duplicates (nn_fingerprint.h), are one group and
 * fall on one side of every division. */
#ifndef ADMIN_DATA_H
#define ADMIN_DATA_H

#include "nn_train.h"

enum data_part { DATA_TRAINING, DATA_VALIDATION, DATA_TEST, DATA_PARTS };

struct data_item {
    char *path;
    int label;
    /* "" where unknown; age -1 */
    char *patient, *study, *station, *sex, *view, *level, *type;
    int age;
    bool boxed;
    double box[4]; /* x0, y0, x1, y1 in pixels of the file's image */
    size_t group;  /* number of its group */
    enum data_part part;
};

enum data_split { DATA_SPLIT_GROUPED, DATA_SPLIT_RANDOM, DATA_SPLIT_GIVEN };

struct data_set {
    struct data_item *items; /* in the order of the CSV, or of class and file name */
    size_t count;
    int classes;
    char class_name[NN_MAX_CLASSES][64];
    size_t groups;
    enum data_split split;  /* GIVEN when the CSV has a column part */
    size_t duplicate_pairs; /* near-duplicates that were found */
    size_t leaking_pairs;   /* pairs of one group on two sides of the division (RANDOM, GIVEN) */
    char words[160];        /* what the data are, without paths: "NAME: N images" */
    char digest[65];        /* SHA-256 over paths within the data, labels and file bytes */
};

struct data_division {
    enum data_split split;
    double fraction[DATA_PARTS]; /* 0.70, 0.15, 0.15 */
    int folds, fold;             /* folds > 1: k-fold; fold 0..folds-1 is the test part */
    uint64_t seed;
    bool find_duplicates;
};

/* Lists and checks; opens no image but for its kind. Every refusal names file or CSV line. */
NN_MUST_USE enum nn_status data_open(const char *data, struct data_set **set, struct nn_error *err);
void data_close(struct data_set *set); /* NULL is allowed */

/* Fills group and part of every item. Reports progress through `report` (may be NULL) since
 * fingerprints read every image. */
NN_MUST_USE enum nn_status data_divide(struct data_set *set, const struct data_division *division,
                                       void (*report)(void *context, size_t done, size_t count),
                                       void *context, struct nn_error *err);
/* OUT/split.csv: file, class, patient, group, part; OUT/duplicates.csv: the pairs. */
NN_MUST_USE enum nn_status data_write_split(const struct data_set *set, const char *dir,
                                            struct nn_error *err);

/* One image as a plane, whatever the kind of file (DICOM: first frame, as the node reads it). */
NN_MUST_USE enum nn_status data_read(const char *path, struct nn_plane *plane,
                                     struct nn_error *err);

/* A part as samples of the trainer; lives as long as its `view`, which lives as long as the set. */
struct data_view {
    const struct data_set *set;
    size_t *index; /* item of each sample */
    size_t count;
};
NN_MUST_USE enum nn_status data_view_init(struct data_view *view, const struct data_set *set,
                                          enum data_part part, struct nn_error *err);
void data_view_finish(struct data_view *view);
struct nn_source data_source(struct data_view *view);

#endif
