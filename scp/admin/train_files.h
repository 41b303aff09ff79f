/* train_files.h: labelled image files as samples of the trainer: a folder with one folder a class
 * ("c-spine_fracture" or "fracture"), or a CSV with the columns file, class and, if known, patient
 * (the manifest of `cervigate phantom` is one). */
#ifndef ADMIN_TRAIN_FILES_H
#define ADMIN_TRAIN_FILES_H

#include "nn_train.h"

struct train_files;

/* Each file belongs to training (70 %), validation (15 %) or test (15 %) by a hash of its patient,
 * or of its name: the same file always to the same part, all images of a patient to one part, on
 * every machine. Images are read when they are needed. */
NN_MUST_USE enum nn_status train_files_open(const char *data, struct train_files **files,
                                            struct nn_error *err);
void train_files_close(struct train_files *files); /* NULL is allowed */

enum train_part { TRAIN_PART_TRAINING, TRAIN_PART_VALIDATION, TRAIN_PART_TEST };
/* Lives as long as `files`. */
struct nn_source train_files_source(struct train_files *files, enum train_part part);

#endif
