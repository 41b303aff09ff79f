/* train_words.h: options of `cervigate train` whose value is a word or a list. Each takes its text,
 * or says what is expected on standard error. */
#ifndef ADMIN_TRAIN_WORDS_H
#define ADMIN_TRAIN_WORDS_H

#include "train_options.h"

/* "cervigate train: --NAME TEXT: EXPECTED"; returns false. */
bool train_wrong(const char *name, const char *text, const char *expected);

bool train_take_optimiser(struct train_options *options, const char *text);
bool train_take_class_weights(struct train_options *options, const char *text);
bool train_take_keep(struct train_options *options, const char *text);
bool train_take_augment(struct train_options *options, const char *text);
bool train_take_fit(struct train_options *options, const char *text);
bool train_take_normalise(struct train_options *options, const char *text);
bool train_take_region(struct train_options *options, const char *text);
bool train_take_split(struct train_options *options, const char *text);
bool train_take_duplicates(struct train_options *options, const char *text);
bool train_take_provenance(struct train_options *options, const char *text);

#endif
