/* data.h: labelled images for `train` and `evaluate`: found, checked, divided, handed out.
 *
 * --data DIR has one folder a class of PNG, JPEG or DICOM files ("c-spine_fracture" or "fracture"),
 * in folders of any depth; hidden files and Thumbs.db are passed over, any other file that is no
 * image is refused by name. What DICOM files tell (patient, study, station, age, sex, view) is
 * taken from them.
 * --data FILE.csv has a header line with the columns file and class and, where known, patient,
 * study, station, age, sex, view, level, type (or lesion), x0, y0, x1, y1 (a box in pixels of the
 * file's image; empty or all zero: none) and part (training, validation or test: a division that is
 * given). Files are named relative to the CSV. The manifest of `cervigate phantom` is one. Other
 * columns are passed over. Classes are numbered in the order of their names. docs/data.md.
 *
 * Groups: all images of a patient, and all near-duplicates (nn_fingerprint.h), are one group and
 * fall on one side of every division (nn_divide.h). */
#ifndef ADMIN_DATA_H
#define ADMIN_DATA_H

#include "nn_divide.h"
#include "nn_fingerprint.h"
#include "nn_train.h"

enum data_part { DATA_TRAINING, DATA_VALIDATION, DATA_TEST, DATA_PARTS };

struct data_item {
    char *path;       /* as it is opened */
    const char *name; /* as the data call it: within DIR, or the CSV's cell; points into path */
    int label;
    /* "" where unknown; age -1; sex M, F or O */
    char *patient, *study, *station, *sex, *view, *level, *type;
    int age;
    bool boxed;
    double box[4]; /* x0, y0, x1, y1 in pixels of the file's image */
    bool dicom;
    long line;       /* of the CSV; 0 in a folder */
    size_t group;    /* number of its group */
    char digest[65]; /* SHA-256 of the file's bytes; data_divide fills it */
    enum data_part part;
    bool trained_before; /* the model that a training starts from has seen it (data_known.h) */
};

struct data_known;
enum data_split { DATA_SPLIT_GROUPED, DATA_SPLIT_RANDOM, DATA_SPLIT_GIVEN };

struct data_set {
    struct data_item *items; /* in the order of the CSV, or of class and file name */
    size_t count;
    int classes;
    char class_name[NN_MAX_CLASSES][64];
    size_t groups;
    enum data_split split;  /* GIVEN when the CSV has a column part */
    struct nn_copy *copies; /* near-duplicates that were found, by item */
    size_t duplicate_pairs;
    size_t leaking_pairs; /* pairs of one group on two sides of the division (RANDOM, GIVEN) */
    char words[160];      /* what the data are, without paths: "NAME: N images" */
    char digest[65];      /* SHA-256 over paths within the data, labels and file bytes */
    struct data_reader *reader; /* private: reads DICOM */
    struct data_known *known;   /* what a training starts from was trained on this; NULL: nothing */
};

struct data_division {
    enum data_split split;
    double fraction[DATA_PARTS]; /* 0.70, 0.15, 0.15 */
    int folds, fold;             /* folds > 1: k-fold (3 and more); `fold` is the test part, the
                                    next one (cyclic) the validation part */
    uint64_t seed;
    bool find_duplicates;
};

/* Lists and checks; of an image only its kind is read, and of DICOM the attributes. Every refusal
 * names file or CSV line. Where there are DICOM files it starts a zygote (zygote.h): call it before
 * any thread. Until data_divide every item is a group of its own in the training part, or in the
 * part that the CSV gives. */
NN_MUST_USE enum nn_status data_open(const char *data, struct data_set **set, struct nn_error *err);
void data_close(struct data_set *set); /* NULL is allowed */

/* Fills group and part of every item, digest, copies and pairs. Reads every file; `report` (may be
 * NULL) hears of files, then with find_duplicates of images that have been compared (count starts
 * again). With find_duplicates an image that cannot be read and a box outside its image are refused
 * here, otherwise when they are read.
 *
 * DATA_SPLIT_GIVEN needs a column part, and takes it. Every part must hold every class (of a given
 * division: every part that holds something). */
NN_MUST_USE enum nn_status data_divide(struct data_set *set, const struct data_division *division,
                                       void (*report)(void *context, size_t done, size_t count),
                                       void *context, struct nn_error *err);
/* DIR/split.csv: file, class, patient, group, part, sha256 (of the file),
 * before (training: `known` has seen it), and files of `known` that are not here;
 * DIR/duplicates.csv: file_a, file_b, similarity, transform, then both patients and classes. File
 * names stay relative to the data. */
NN_MUST_USE enum nn_status data_write_split(const struct data_set *set, const char *dir,
                                            struct nn_error *err);

/* One item's image as a plane, whatever the kind of file (DICOM: first frame, as the node reads
 * it). Safe from several threads. */
NN_MUST_USE enum nn_status data_read(const struct data_set *set, size_t item,
                                     struct nn_plane *plane, struct nn_error *err);

/* A part as samples of the trainer; lives as long as its `view`, which lives as long as the set. */
struct data_view {
    const struct data_set *set;
    size_t *index; /* item of each sample */
    size_t count;
};
/* NN_BAD_DATA for a part that is empty. */
NN_MUST_USE enum nn_status data_view_init(struct data_view *view, const struct data_set *set,
                                          enum data_part part, struct nn_error *err);
void data_view_finish(struct data_view *view);
struct nn_source data_source(struct data_view *view);

#endif
