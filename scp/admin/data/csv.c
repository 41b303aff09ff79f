#include "csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum nn_status read_all(FILE *file, const char *path, char **bytes, size_t *size,
                               struct nn_error *err)
{
    struct stat st;

    if (fstat(fileno(file), &st) != 0)
        return nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return nn_fail(err, NN_BAD_DATA, "%s: not a file", path);
    if (st.st_size > (off_t)CSV_MAX_FILE)
        return nn_fail(err, NN_LIMIT, "%s: larger than %u bytes", path, CSV_MAX_FILE);
    *size = (size_t)st.st_size;
    *bytes = malloc(*size + 1);
    if (!*bytes)
        return nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
    *size = fread(*bytes, 1, *size, file);
    if (ferror(file))
        return nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
    return NN_OK;
}

enum nn_status csv_open(struct csv *csv, const char *path, struct nn_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");

    *csv = (struct csv){0};
    if (!file)
        return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%s: %s", path, strerror(errno));
    enum nn_status status = read_all(file, path, &bytes, &size, err);
    fclose(file);
    if (status == NN_OK)
        return csv_open_memory(csv, path, bytes, size, err);
    free(bytes);
    return status;
}

enum nn_status csv_open_memory(struct csv *csv, const char *name, char *bytes, size_t size,
                               struct nn_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";

    *csv = (struct csv){.name = name, .bytes = bytes, .size = size, .next_line = 1};
    bytes[size] = '\0';
    if (size >= 3 && memcmp(bytes, mark, 3) == 0)
        csv->at = 3;
    const char *zero = memchr(bytes, '\0', size);
    if (!zero)
        return NN_OK;
    long line = 1;
    for (const char *at = bytes; at < zero; at++)
        line += *at == '\n';
    return nn_fail(err, NN_BAD_DATA, "%s:%ld: a byte 0: not text; save it as CSV in UTF-8", name,
                   line);
}

void csv_close(struct csv *csv)
{
    free(csv->bytes);
    *csv = (struct csv){0};
}

/* At the end of a line: passes over it. */
static bool take_line_end(struct csv *csv)
{
    char end = csv->bytes[csv->at];

    if (csv->at < csv->size && end != '\r' && end != '\n')
        return false;
    if (csv->at < csv->size) {
        csv->at += end == '\r' && csv->bytes[csv->at + 1] == '\n' ? 2 : 1;
        csv->next_line++;
    }
    return true;
}

/* From after the opening quote to after the closing one; the cell shrinks in place. */
static enum nn_status take_quoted(struct csv *csv, struct nn_error *err)
{
    char *to = csv->bytes + csv->at;
    long opened = csv->next_line;

    csv->cell[csv->cells] = to;
    for (; csv->at < csv->size; csv->at++) {
        char c = csv->bytes[csv->at];
        if (c == '"' && csv->bytes[csv->at + 1] != '"') {
            csv->at++;
            *to = '\0';
            return NN_OK;
        }
        if (c == '"')
            csv->at++;
        if (c == '\n' || (c == '\r' && csv->bytes[csv->at + 1] != '\n'))
            csv->next_line++;
        *to++ = c;
    }
    return nn_fail(err, NN_BAD_DATA, "%s:%ld: column %d: a quote is opened and never closed",
                   csv->name, opened, csv->cells + 1);
}

/* *end: where the terminator of a plain cell goes when its successor has been looked at. */
static enum nn_status take_cell(struct csv *csv, char **end, struct nn_error *err)
{
    *end = NULL;
    if (csv->cells == CSV_MAX_COLUMNS)
        return nn_fail(err, NN_LIMIT, "%s:%ld: more than %d columns", csv->name, csv->line,
                       CSV_MAX_COLUMNS);
    if (csv->bytes[csv->at] == '"') {
        csv->at++;
        enum nn_status status = take_quoted(csv, err);
        if (status != NN_OK)
            return status;
    } else {
        size_t length = strcspn(csv->bytes + csv->at, ",\r\n\"");
        csv->cell[csv->cells] = csv->bytes + csv->at;
        csv->at += length;
        *end = csv->bytes + csv->at;
    }
    char next = csv->bytes[csv->at];
    if (csv->at < csv->size && next != ',' && next != '\r' && next != '\n')
        return nn_fail(err, NN_BAD_DATA,
                       "%s:%ld: column %d: %s; a cell with quotes is written \"so \"\"quoted\"\"\"",
                       csv->name, csv->next_line, csv->cells + 1,
                       *end ? "a quote within a cell" : "text after a closing quote");
    csv->cells++;
    return NN_OK;
}

static enum nn_status check_width(struct csv *csv, struct nn_error *err)
{
    if (csv->expected == 0) {
        const char *only = csv->cell[0];
        csv->expected = csv->cells;
        if (csv->cells == 1 && (strchr(only, ';') || strchr(only, '\t')))
            return nn_fail(err, NN_BAD_DATA, "%s:%ld: columns separated by %s: save it with commas",
                           csv->name, csv->line, strchr(only, ';') ? "semicolons" : "tabs");
    }
    if (csv->cells != csv->expected)
        return nn_fail(err, NN_BAD_DATA,
                       "%s:%ld: %d columns; %d are expected, as in the first line", csv->name,
                       csv->line, csv->cells, csv->expected);
    return NN_OK;
}

enum nn_status csv_next(struct csv *csv, bool *more, struct nn_error *err)
{
    enum nn_status status = NN_OK;
    char *end;

    *more = false;
    while (csv->at < csv->size && take_line_end(csv))
        continue;
    if (csv->at == csv->size)
        return NN_OK;
    csv->line = csv->next_line;
    csv->cells = 0;
    for (bool done = false; !done;) {
        status = take_cell(csv, &end, err);
        if (status != NN_OK)
            return status;
        done = csv->at == csv->size || csv->bytes[csv->at] != ',';
        if (done)
            (void)take_line_end(csv);
        else
            csv->at++;
        if (end)
            *end = '\0';
    }
    status = check_width(csv, err);
    *more = status == NN_OK;
    return status;
}

void csv_write(FILE *file, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}
