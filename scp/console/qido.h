/* qido.h: what a search by DICOMweb asks for (PS3.18 10.6), read out of its query string. Pure. */
#ifndef QIDO_H
#define QIDO_H

#include "store_search.h"

#define QIDO_RESULTS_MOST 200 /* in one answer, whatever limit says; without one as many */
#define QIDO_INCLUDE_MOST 32
#define QIDO_WHY          160

struct qido {
    struct store_search search; /* level and study are the path's */
    size_t limit;
    bool fuzzy; /* was asked for; only literal matching is done */
    bool include_all;
    uint32_t include[QIDO_INCLUDE_MOST]; /* tags that are wanted, too */
    size_t include_count;
    unsigned seen; /* keys that were there */
    char why[QIDO_WHY];
};
void qido_init(struct qido *qido, enum store_level level, const char *study);
/* One parameter, decoded; value NULL: it had none. False: why says what is wrong, in ASCII. What
 * cannot be matched is refused: to ignore it would answer with other patients' studies. */
bool qido_take(struct qido *qido, const char *name, const char *value);

#endif
