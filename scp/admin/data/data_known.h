/* data_known.h: what a model was trained on, as the split.csv of its folder tells (data.h).
 *
 * A file is known by its bytes, whatever it is called now and whatever class it is in; else (it was
 * written anew, or the row has no SHA-256) by its name: when one of the two paths ends in the other
 * at a slash and the class is the same. One thread. */
#ifndef ADMIN_DATA_KNOWN_H
#define ADMIN_DATA_KNOWN_H

#include "data.h"

struct data_known_row {
    char *file, *class_, *patient, *sha256; /* "" where the column is not there */
    enum data_part part;
    bool trained; /* part is training, or the model that it started from was trained on it */
    bool met;     /* data_known_meet has seen its file */
};

struct data_known;

/* Adds DIR's rows to *known, which is made when it is NULL. NN_OK and *known as before: DIR has no
 * split.csv. On failure *known is closed and NULL. */
NN_MUST_USE enum nn_status data_known_open(const char *dir, struct data_known **known,
                                           struct nn_error *err);
void data_known_close(struct data_known *known); /* NULL is allowed */

/* item's digest must be there (data_divide). NULL: not known. */
const struct data_known_row *data_known_find(const struct data_known *known,
                                             const struct data_item *item, const char *class_);
bool data_known_trained_patient(const struct data_known *known, const char *patient);

/* Marks the items that training has seen (data_item.trained_before) and the rows whose files they
 * are; returns how many of those items are not in the training part now. */
size_t data_known_meet(struct data_known *known, struct data_set *set);
/* The rows, in their order, that training has seen and no item is. */
void data_known_each_absent(const struct data_known *known,
                            void (*take)(void *context, const struct data_known_row *row),
                            void *context);

#endif
