/* store_search.h: results of ours for who asks by DICOMweb: those that count, with a file that is
 * here; a report in its first kind alone, and no rejection notes. */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include "store.h"

enum store_level { STORE_BY_STUDY, STORE_BY_SERIES, STORE_BY_INSTANCE };

#define STORE_SEARCH_TEXT 1024

/* What all must match; "" matches everything. Lists are UIDs with a comma before and after each.
 * Patterns are SQLite's GLOB, in UTF-8. */
struct store_search {
    enum store_level level;
    char study[DX_UID_MAX]; /* this one alone: fast */
    char studies[STORE_SEARCH_TEXT], series[STORE_SEARCH_TEXT], instances[STORE_SEARCH_TEXT],
        classes[STORE_SEARCH_TEXT];
    char patient[STORE_SEARCH_TEXT], name[STORE_SEARCH_TEXT], accession[STORE_SEARCH_TEXT],
        modality[STORE_SEARCH_TEXT];
    char first_date[9], last_date[9]; /* Study Date, YYYYMMDD */
    const char *picture_modality;     /* of RESULT_SC */
    int64_t offset;
};

/* The latest of each study, series or instance that matches, newest first, from search->offset on;
 * none is STORE_OK. *more: how many there are behind the last of them. */
STORE_MUST_USE enum store_status store_search(struct store *store,
                                              const struct store_search *search,
                                              struct result *list, size_t room, size_t *count,
                                              int64_t *more);

/* All that counts of a study (series ""), or of one of its series. Zeros: it has nothing. */
struct store_extent {
    int64_t series, instances;
    bool kind[RESULT_KINDS];
};
STORE_MUST_USE enum store_status store_extent(struct store *store, const char *study,
                                              const char *series, struct store_extent *extent);

#endif
