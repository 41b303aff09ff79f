/* Any bytes as a CSV: refused with a line, or rows that, written and read again, are the same. */
#include "csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_copy(struct csv *csv, const void *bytes, size_t size, bool *fine)
{
    struct nn_error err = {0};
    char *copy = malloc(size + 1);

    if (!copy)
        abort();
    if (size)
        memcpy(copy, bytes, size);
    *fine = csv_open_memory(csv, "fuzz", copy, size, &err) == NN_OK;
    if (!*fine && strncmp(err.text, "fuzz:", 5) != 0)
        abort();
}

static bool next(struct csv *csv, bool *more)
{
    struct nn_error err = {0};
    enum nn_status status = csv_next(csv, more, &err);

    if (status != NN_OK && (*more || strncmp(err.text, "fuzz:", 5) != 0))
        abort();
    return status == NN_OK;
}

/* An empty row of one cell would be an empty line. */
static void write_row(FILE *file, const struct csv *csv)
{
    for (int i = 0; i < csv->cells; i++) {
        if (i > 0)
            fputc(',', file);
        if (csv->cells == 1 && csv->cell[0][0] == '\0')
            fputs("\"\"", file);
        else
            csv_write(file, csv->cell[i]);
    }
    fputs("\r\n", file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv first, second;
    char *text = NULL;
    size_t length = 0;
    bool fine, more = true, again = true;
    FILE *file = open_memstream(&text, &length);

    if (!file)
        abort();
    fputs("\xef\xbb\xbf", file); /* a second mark would be text */
    open_copy(&first, data, size, &fine);
    while (fine && (fine = next(&first, &more)) && more)
        write_row(file, &first);
    fclose(file);
    csv_close(&first);
    if (fine) {
        open_copy(&first, data, size, &fine);
        open_copy(&second, text, length, &fine);
        do {
            if (!next(&first, &more) || !next(&second, &again) || more != again)
                abort();
            for (int i = 0; more && i < first.cells; i++) {
                if (first.cells != second.cells || strcmp(first.cell[i], second.cell[i]) != 0)
                    abort();
            }
        } while (more);
        csv_close(&first);
        csv_close(&second);
    }
    free(text);
    return 0;
}
