/* csv.h: comma-separated values as RFC 4180 has them, row by row.
 *
 * Cells may be quoted, and hold commas, line ends and doubled quotes then; lines end with LF, CRLF
 * or CR; a UTF-8 byte order mark and empty lines are passed over. Refused with file:line and
 * column: a quote that is not closed or stands within a cell, text after a closing quote, a row of
 * another number of cells than the first, a byte 0 (UTF-16 among others), a first line with
 * semicolons or tabs for commas. One thread a reader. */
#ifndef CSV_H
#define CSV_H

#include "nn_status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CSV_MAX_COLUMNS 256
#define CSV_MAX_FILE    (256u << 20) /* bytes */

struct csv {
    const char *name;            /* of the file in messages; the caller's */
    char *cell[CSV_MAX_COLUMNS]; /* of the row read last; valid until csv_close */
    int cells;
    long line;   /* on which that row begins, from 1 */
    char *bytes; /* private from here */
    size_t size, at;
    long next_line;
    int expected;
};

/* csv_close may be called whatever these return. */
NN_MUST_USE enum nn_status csv_open(struct csv *csv, const char *path, struct nn_error *err);
/* bytes: size + 1 of them, malloc'd; taken over. */
NN_MUST_USE enum nn_status csv_open_memory(struct csv *csv, const char *name, char *bytes,
                                           size_t size, struct nn_error *err);
void csv_close(struct csv *csv);

/* The next row; *more false at the end. The first row is the header; NN_BAD_DATA as above. */
NN_MUST_USE enum nn_status csv_next(struct csv *csv, bool *more, struct nn_error *err);

/* Writes a cell as it can be read back: quoted where it has to be. */
void csv_write(FILE *file, const char *text);

#endif
