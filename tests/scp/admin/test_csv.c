/* The CSV reader: what RFC 4180 allows, what spreadsheets do, and every refusal with its place. */
#include "csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void open_text(struct csv *csv, const char *text, size_t size)
{
    struct nn_error err;
    char *bytes = malloc(size + 1);

    assert_non_null(bytes);
    memcpy(bytes, text, size);
    if (csv_open_memory(csv, "t.csv", bytes, size, &err) != NN_OK)
        fail_msg("%s", err.text);
}

/* rows: cells that end with '|', lines that end with '/'. */
static void reads_as(const char *text, const char *rows)
{
    struct csv csv;
    struct nn_error err;
    char found[256] = "";
    bool more;

    open_text(&csv, text, strlen(text));
    while (csv_next(&csv, &more, &err) == NN_OK && more) {
        for (int i = 0; i < csv.cells; i++)
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s|", csv.cell[i]);
        snprintf(found + strlen(found), sizeof found - strlen(found), "/");
    }
    assert_false(more);
    assert_string_equal(found, rows);
    csv_close(&csv);
}

static void rows_and_cells(void **state)
{
    (void)state;
    reads_as("", "");
    reads_as("a", "a|/");
    reads_as("a,b\n1,2\n", "a|b|/1|2|/");
    reads_as("a,b\r\n1,2", "a|b|/1|2|/");
    reads_as("a,b\r1,2\r", "a|b|/1|2|/");
    reads_as("a,b\n\n\r\n1,2\n\n", "a|b|/1|2|/");
    reads_as("\xef\xbb\xbf"
             "a,b\n,\n",
             "a|b|/||/");
    reads_as("a,b\n1,", "a|b|/1||/");
    reads_as(" a ,b\n", " a |b|/");
}

static void quoted_cells(void **state)
{
    (void)state;
    reads_as("\"a\",\"b\"\n", "a|b|/");
    reads_as("\"a,b\",\"\"\n", "a,b||/");
    reads_as("\"say \"\"so\"\"\",\"\"\"\"", "say \"so\"|\"|/");
    reads_as("\"two\nlines\",\"x\r\ny\"\r\n1,2", "two\nlines|x\r\ny|/1|2|/");
    reads_as("\"\"\n\"b\"", "|/b|/");
}

/* Lines are those of the file, whatever was quoted before. */
static void lines_are_counted(void **state)
{
    static const char text[] = "a,b\r\n\r\n\"1\n\n\",2\r\n3,4\n";
    const long expected[3] = {1, 3, 6};
    struct csv csv;
    struct nn_error err;
    bool more;

    (void)state;
    open_text(&csv, text, sizeof text - 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(csv_next(&csv, &more, &err), NN_OK);
        assert_int_equal(csv.line, expected[i]);
    }
    csv_close(&csv);
}

static void refused(const char *text, const char *words)
{
    struct csv csv;
    struct nn_error err = {0};
    bool more = true;
    enum nn_status status = NN_OK;

    open_text(&csv, text, strlen(text));
    while (status == NN_OK && more)
        status = csv_next(&csv, &more, &err);
    assert_int_not_equal(status, NN_OK);
    assert_false(more);
    if (strncmp(err.text, words, strlen(words)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.text, words);
    csv_close(&csv);
}

static void every_refusal_has_its_place(void **state)
{
    char wide[2 * CSV_MAX_COLUMNS + 2];

    (void)state;
    refused("a,b\n1,\"2\n3", "t.csv:2: column 2: a quote is opened and never closed");
    refused("a,b\n1,2\"\n", "t.csv:2: column 2: a quote within a cell");
    refused("a,b\n\"1\"x,2\n", "t.csv:2: column 1: text after a closing quote");
    refused("a,b\n1\n", "t.csv:2: 1 columns; 2 are expected");
    refused("a,b\n1,2,3\n", "t.csv:2: 3 columns; 2 are expected");
    refused("a;b\n1;2\n", "t.csv:1: columns separated by semicolons");
    refused("a\tb\n", "t.csv:1: columns separated by tabs");
    memset(wide, ',', sizeof wide);
    wide[sizeof wide - 1] = '\0';
    refused(wide, "t.csv:1: more than 256 columns");
}

static void what_is_no_text_is_refused(void **state)
{
    struct csv csv;
    struct nn_error err;
    char *wide = malloc(16);

    (void)state;
    assert_non_null(wide);
    memcpy(wide,
           "a,b\n\xff\xfe"
           "a\0,\0b\0",
           12);
    assert_int_equal(csv_open_memory(&csv, "t.csv", wide, 12, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "t.csv:2: a byte 0"));
    csv_close(&csv);
    assert_int_equal(csv_open(&csv, "/nonexistent.csv", &err), NN_MISSING);
    csv_close(&csv);
    assert_int_equal(csv_open(&csv, "/tmp", &err), NN_BAD_DATA);
    csv_close(&csv);
}

/* What is written reads back as it was. */
static void written_cells_come_back(void **state)
{
    static const char *const cells[] = {"plain", "a,b", "say \"so\"", "two\nlines", ""};
    char path[] = "/tmp/nn-csv-XXXXXX";
    struct csv csv;
    struct nn_error err;
    bool more;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 5; i++) {
        csv_write(file, cells[i]);
        fputs(i < 4 ? "," : "\n", file);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(csv_open(&csv, path, &err), NN_OK);
    assert_int_equal(csv_next(&csv, &more, &err), NN_OK);
    assert_int_equal(csv.cells, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(csv.cell[i], cells[i]);
    csv_close(&csv);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_cells),
        cmocka_unit_test(quoted_cells),
        cmocka_unit_test(lines_are_counted),
        cmocka_unit_test(every_refusal_has_its_place),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(written_cells_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
