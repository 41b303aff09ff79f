#include "csv_table.h"
#include <string.h>

enum nn_status csv_table_open(struct csv_table *table, const char *path, struct nn_error *err)
{
    bool more = false;
    table->columns = 0;
    enum nn_status status = csv_open(&table->csv, path, err);
    if (status == NN_OK)
        status = csv_next(&table->csv, &more, err);
    if (status == NN_OK && !more)
        status = nn_fail(err, NN_BAD_DATA, "%s: empty; a header line is expected", path);
    if (status != NN_OK)
        return status;
    table->columns = table->csv.cells;
    memcpy(table->name, table->csv.cell, (size_t)table->columns * sizeof *table->name);
    return NN_OK;
}

void csv_table_close(struct csv_table *table)
{
    csv_close(&table->csv);
    table->columns = 0;
}

int csv_table_column(const struct csv_table *table, const char *name)
{
    for (int i = 0; i < table->columns; i++)
        if (strcmp(table->name[i], name) == 0)
            return i;
    return -1;
}

const char *csv_table_cell(const struct csv_table *table, int column)
{
    return column < 0 || column >= table->csv.cells ? "" : table->csv.cell[column];
}
