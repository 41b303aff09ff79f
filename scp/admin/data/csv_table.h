/* csv_table.h: a CSV whose first row names its columns (csv.h). One thread. */
#ifndef CSV_TABLE_H
#define CSV_TABLE_H

#include "csv.h"

struct csv_table {
    struct csv csv;
    char *name[CSV_MAX_COLUMNS]; /* valid until csv_table_close */
    int columns;
};
/* csv_table_close whatever this returns. An empty file is NN_BAD_DATA. */
NN_MUST_USE enum nn_status csv_table_open(struct csv_table *table, const char *path,
                                          struct nn_error *err);
void csv_table_close(struct csv_table *table);
/* -1: there is none. */
int csv_table_column(const struct csv_table *table, const char *name);
/* Of the row read last (csv_next); "" for column -1. */
const char *csv_table_cell(const struct csv_table *table, int column);

#endif
