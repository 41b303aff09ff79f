/* data_csv.c: rows of a CSV become items; every cell that is wrong is named by line and column. */
#include "csv.h"
#include "data_list.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum column {
    FILE_,
    CLASS,
    PATIENT,
    STUDY,
    STATION,
    AGE,
    SEX,
    VIEW,
    LEVEL,
    TYPE,
    LESION,
    X0,
    Y0,
    X1,
    Y1,
    PART,
    COLUMNS
};
static const char *const column_names[COLUMNS] = {
    "file",  "class", "patient", "study", "station", "age", "sex", "view",
    "level", "type",  "lesion",  "x0",    "y0",      "x1",  "y1",  "part"};
#define MAX_AGE 120

/* One reading: where each known column stands, or -1. */
struct reading {
    struct data_list *into;
    struct csv csv;
    int at[COLUMNS];
};

static char *trimmed(char *cell)
{
    cell += strspn(cell, " \t");
    size_t length = strlen(cell);
    while (length > 0 && (cell[length - 1] == ' ' || cell[length - 1] == '\t'))
        length--;
    cell[length] = '\0';
    return cell;
}

/* The cell of a known column, "" where there is no such column. */
static char *cell(struct reading *r, enum column column)
{
    static char none[1] = "";

    return r->at[column] < 0 ? none : trimmed(r->csv.cell[r->at[column]]);
}

static enum nn_status bad(struct reading *r, enum column column, const char *expected,
                          struct nn_error *err)
{
    return nn_fail(err, NN_BAD_DATA, "%.100s:%ld: %s \"%.40s\": %s", r->csv.name, r->csv.line,
                   column_names[column], cell(r, column), expected);
}

static enum nn_status read_header(struct reading *r, struct nn_error *err)
{
    struct csv *csv = &r->csv;

    for (int k = 0; k < COLUMNS; k++)
        r->at[k] = -1;
    for (int i = 0; i < csv->cells; i++) {
        for (int k = 0; k < COLUMNS; k++) {
            if (strcasecmp(trimmed(csv->cell[i]), column_names[k]) != 0)
                continue;
            if (r->at[k] >= 0)
                return nn_fail(err, NN_BAD_DATA, "%.100s:%ld: two columns are named %s (%d and %d)",
                               csv->name, csv->line, column_names[k], r->at[k] + 1, i + 1);
            r->at[k] = i;
        }
    }
    for (int k = FILE_; k <= CLASS; k++) {
        if (r->at[k] < 0)
            return nn_fail(err, NN_BAD_DATA,
                           "%.100s:%ld: no column %s: the first line names the columns, file and "
                           "class among them",
                           csv->name, csv->line, column_names[k]);
    }
    int boxes = (r->at[X0] >= 0) + (r->at[Y0] >= 0) + (r->at[X1] >= 0) + (r->at[Y1] >= 0);
    if (boxes != 0 && boxes != 4)
        return nn_fail(err, NN_BAD_DATA, "%.100s:%ld: a box has four columns: x0, y0, x1, y1",
                       csv->name, csv->line);
    return NN_OK;
}

static bool number(const char *text, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

/* Years, also with a fraction or as DICOM writes them (057Y). */
static enum nn_status take_age(struct reading *r, struct data_item *item, struct nn_error *err)
{
    char *text = cell(r, AGE);
    size_t length = strlen(text);
    double age;

    if (length == 0)
        return NN_OK;
    if (length == 4 && text[3] == 'Y')
        text[3] = '\0';
    if (!number(text, &age) || age < 0 || age > MAX_AGE)
        return bad(r, AGE, "years from 0 to 120 are expected, or nothing", err);
    item->age = (int)age;
    return NN_OK;
}

static enum nn_status take_sex(struct reading *r, struct data_item *item, struct nn_error *err)
{
    static const char *const words[][2] = {
        {"M", "male"}, {"F", "female"}, {"O", "other"}, {"", ""}};
    static char letters[4][2] = {"M", "F", "O", ""};
    const char *text = cell(r, SEX);

    for (int i = 0; i < 4; i++) {
        if (strcasecmp(text, words[i][0]) == 0 || strcasecmp(text, words[i][1]) == 0) {
            item->sex = letters[i];
            return NN_OK;
        }
    }
    return bad(r, SEX, "M, F, O or nothing is expected", err);
}

static enum nn_status take_part(struct reading *r, struct data_item *item, struct nn_error *err)
{
    const char *text = cell(r, PART);

    if (r->at[PART] < 0)
        return NN_OK;
    for (int p = 0; p < DATA_PARTS; p++) {
        if (strcasecmp(text, nn_part_name((enum nn_part)p)) == 0) {
            item->part = (enum data_part)p;
            return NN_OK;
        }
    }
    return bad(r, PART, "training, validation or test is expected in every line", err);
}

/* Empty, or all zero as the phantoms' manifest has it: no box. */
static enum nn_status take_box(struct reading *r, struct data_item *item, struct nn_error *err)
{
    int empty = 0, zero = 0;

    for (int k = 0; k < 4; k++) {
        const char *text = cell(r, (enum column)(X0 + k));
        if (text[0] == '\0') {
            empty++;
            continue;
        }
        if (!number(text, &item->box[k]))
            return bad(r, (enum column)(X0 + k), "pixels are expected", err);
        if (item->box[k] < 0)
            return bad(r, (enum column)(X0 + k), "the box lies outside the image", err);
        zero += !(item->box[k] > 0);
    }
    if (empty == 4 || zero == 4)
        return NN_OK;
    if (empty > 0)
        return nn_fail(err, NN_BAD_DATA, "%.100s:%ld: a box with %d of 4 numbers", r->csv.name,
                       r->csv.line, 4 - empty);
    if (!(item->box[2] > item->box[0]))
        return bad(r, X1, "the box is inverted: x1 is expected above x0", err);
    if (!(item->box[3] > item->box[1]))
        return bad(r, Y1, "the box is inverted: y1 is expected above y0", err);
    item->boxed = true;
    return NN_OK;
}

static enum nn_status take_file(struct reading *r, struct data_item *item, char path[PATH_MAX],
                                struct nn_error *err)
{
    const char *file = r->csv.cell[r->at[FILE_]], *slash = strrchr(r->csv.name, '/');
    int folder = file[0] == '/' || !slash ? 0 : (int)(slash - r->csv.name) + 1;
    struct stat st;

    if (file[0] == '\0')
        return bad(r, FILE_, "the path of an image is expected", err);
    if (snprintf(path, PATH_MAX, "%.*s%s", folder, r->csv.name, file) >= PATH_MAX)
        return bad(r, FILE_, "path too long", err);
    if (stat(path, &st) != 0)
        return nn_fail(err, errno == ENOENT || errno == ENOTDIR ? NN_MISSING : NN_IO,
                       "%.80s:%ld: %.120s: %s", r->csv.name, r->csv.line, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return nn_fail(err, NN_BAD_DATA, "%.80s:%ld: %.120s: not a file", r->csv.name, r->csv.line,
                       path);
    item->path = path;
    item->name = path + folder;
    return NN_OK;
}

static enum nn_status take_row(struct reading *r, struct nn_error *err)
{
    char path[PATH_MAX];
    struct data_item item = {.age = -1, .line = r->csv.line};
    enum nn_status status;

    if ((status = take_file(r, &item, path, err)) != NN_OK ||
        (status = take_age(r, &item, err)) != NN_OK ||
        (status = take_sex(r, &item, err)) != NN_OK ||
        (status = take_part(r, &item, err)) != NN_OK || (status = take_box(r, &item, err)) != NN_OK)
        return status;
    item.patient = cell(r, PATIENT);
    item.study = cell(r, STUDY);
    item.station = cell(r, STATION);
    item.view = cell(r, VIEW);
    item.level = cell(r, LEVEL);
    item.type = cell(r, r->at[TYPE] >= 0 ? TYPE : LESION);
    return data_list_add(r->into, &item, cell(r, CLASS), err);
}

struct place {
    char *path;
    long line;
};

static int by_path(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* By the files that are meant, not by how they are written. */
static enum nn_status check_listed_once(const struct data_set *set, const char *csv,
                                        struct nn_error *err)
{
    struct place *places = calloc(set->count ? set->count : 1, sizeof *places);
    enum nn_status status = NN_OK;

    if (!places)
        return nn_fail(err, NN_NO_MEMORY, "%s: no memory", csv);
    for (size_t i = 0; i < set->count; i++) {
        places[i] = (struct place){realpath(set->items[i].path, NULL), set->items[i].line};
        if (!places[i].path) {
            status = nn_fail(err, NN_IO, "%.120s: %s", set->items[i].path, strerror(errno));
            goto out;
        }
    }
    qsort(places, set->count, sizeof *places, by_path);
    for (size_t i = 1; i < set->count && status == NN_OK; i++) {
        if (strcmp(places[i - 1].path, places[i].path) == 0)
            status = nn_fail(err, NN_BAD_DATA, "%.80s:%ld: %.100s is in line %ld already", csv,
                             places[i].line, places[i].path, places[i - 1].line);
    }
out:
    for (size_t i = 0; i < set->count; i++)
        free(places[i].path);
    free(places);
    return status;
}

enum nn_status data_list_csv(struct data_list *into, struct nn_error *err)
{
    struct reading *r = calloc(1, sizeof *r);
    bool more = false;

    if (!r)
        return nn_fail(err, NN_NO_MEMORY, "%s: no memory", into->data);
    r->into = into;
    enum nn_status status = csv_open(&r->csv, into->data, err);
    if (status == NN_OK)
        status = csv_next(&r->csv, &more, err);
    if (status == NN_OK && !more)
        status = nn_fail(err, NN_BAD_DATA,
                         "%.120s: empty: a first line that names the columns is "
                         "expected",
                         into->data);
    if (status == NN_OK)
        status = read_header(r, err);
    while (status == NN_OK && (status = csv_next(&r->csv, &more, err)) == NN_OK && more)
        status = take_row(r, err);
    if (status == NN_OK) {
        into->set->split = r->at[PART] >= 0 ? DATA_SPLIT_GIVEN : DATA_SPLIT_GROUPED;
        status = check_listed_once(into->set, into->data, err);
    }
    csv_close(&r->csv);
    free(r);
    return status;
}
