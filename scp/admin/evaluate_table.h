/* evaluate_table.h: a CSV whose first row names its columns (csv.h). One thread. */
#ifndef EVALUATE_TABLE_H
#define EVALUATE_TABLE_H

#include "csv.h"

struct evaluate_table {
    struct csv csv;
    char *name[CSV_MAX_COLUMNS]; /* valid until evaluate_table_close */
    int columns;
};
/* evaluate_table_close whatever this returns. An empty file is NN_BAD_DATA. */
NN_MUST_USE enum nn_status evaluate_table_open(struct evaluate_table *table, const char *path,
                                               struct nn_error *err);
void evaluate_table_close(struct evaluate_table *table);
/* -1: there is none. */
int evaluate_table_column(const struct evaluate_table *table, const char *name);
/* Of the row read last (csv_next); "" for column -1. */
const char *evaluate_table_cell(const struct evaluate_table *table, int column);

#endif
