/* rows.h: the rows of the Standard's templates that a report of ours may use. */
#ifndef SRT_ROWS_H
#define SRT_ROWS_H

#include "dx_result.h"
#include <stdbool.h>

enum srt_need {
    SRT_U,  /* user option */
    SRT_M,  /* mandatory */
    SRT_MC, /* one of the MC rows below the same parent must be there */
};

/* One row below one parent: a row that several templates include stands here once for each. A
 * row's place in the table is its place in the order below its parent. */
struct srt_row {
    const char *row;    /* "TID 1501 row 3b" */
    const char *parent; /* of the same form; NULL: the root */
    enum dx_sr_relation relation;
    enum dx_sr_value type;
    const char *value, *scheme; /* concept name; value NULL: any; "": none */
    const char *fixed;          /* the code value that a CODE must have, or NULL */
    enum srt_need need;
    /* The row is of a template that the parent's may leave out: mandatory beside others of it. */
    bool is_included;
    bool is_many;            /* VM 1-n */
    const char *template_id; /* CONTAINER: its Template Identifier, or NULL */
};
extern const struct srt_row srt_rows[];
extern const unsigned srt_row_count;

#endif
