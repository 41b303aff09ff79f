/* evaluate_readers.c: --readers: human answers to cases of the test part, beside the model's
 * (A and B: 68 and 80 radiographs read by a radiologist and an orthopaedic surgeon).
 *
 * Columns: file or case, reader, answer. A file is an image; a case is a study, or a patient with
 * one study. Answers are class names. The model's answer is what the node would give: the finding
 * with the highest score of those that reach their point, else no finding. */
#include "csv_table.h"
#include "evaluate.h"
#include <stdlib.h>
#include <string.h>

struct answer {
    char reader[64];
    size_t first; /* image, or first image of the case */
    int given, model, truth;
    bool judged;
    long line;
};

struct answers {
    struct answer *row;
    size_t count, room, unknown;
    bool by_case;
};

static bool is_named(const struct data_item *item, const char *name, bool by_case)
{
    if (by_case)
        return strcmp(item->study, name) == 0 ||
               (item->study[0] == '\0' && strcmp(item->patient, name) == 0);
    if (strcmp(item->name, name) == 0 || strcmp(item->path, name) == 0)
        return true;
    const char *slash = strrchr(item->name, '/');
    return slash && strcmp(slash + 1, name) == 0;
}

/* What the model says to the images that bear the name; false: none does. */
static bool look_up(const struct evaluation *e, const char *name, bool by_case, struct answer *to)
{
    bool found = false;
    float best = -1;
    to->model = to->truth = e->none;
    to->judged = true;
    for (size_t i = 0; i < e->test.count; i++) {
        const struct evaluate_image *image = &e->test.image[i];
        if (!is_named(image->item, name, by_case))
            continue;
        if (!found)
            to->first = i;
        found = true;
        if (e->model->class_[image->item->label].finding)
            to->truth = image->item->label;
        to->judged = to->judged && image->judged;
        int answer = image->judged
                         ? evaluate_answer(e->model, image->score, e->choice.point, e->none)
                         : e->none;
        if (answer != e->none && image->score[answer] > best) {
            best = image->score[answer];
            to->model = answer;
        }
    }
    return found;
}

static int class_named(const struct nn_model_info *model, const char *name)
{
    static const char prefix[] = "c-spine_";
    if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    for (int c = 0; c < model->classes; c++)
        if (strcmp(model->class_[c].name, name) == 0)
            return c;
    return -1;
}

static enum nn_status take(struct evaluation *e, const struct csv_table *table, const int column[3],
                           struct answers *answers, struct nn_error *err)
{
    struct answer row = {.line = table->csv.line};
    const char *reader = csv_table_cell(table, column[1]),
               *given = csv_table_cell(table, column[2]);
    row.given = class_named(e->model, given);
    if (row.given < 0)
        return nn_fail(err, NN_BAD_DATA, "%s:%ld: answer \"%.40s\" is no class of the model",
                       table->csv.name, table->csv.line, given);
    if (reader[0] == '\0' || strlen(reader) >= sizeof row.reader)
        return nn_fail(err, NN_BAD_DATA, "%s:%ld: a reader's name of 1 to %zu bytes is expected",
                       table->csv.name, table->csv.line, sizeof row.reader - 1);
    memcpy(row.reader, reader, strlen(reader) + 1);
    if (!look_up(e, csv_table_cell(table, column[0]), answers->by_case, &row)) {
        answers->unknown++;
        return NN_OK;
    }
    for (size_t i = 0; i < answers->count; i++)
        if (answers->row[i].first == row.first && strcmp(answers->row[i].reader, reader) == 0)
            return nn_fail(err, NN_BAD_DATA,
                           "%s:%ld: reader \"%.40s\" has answered this on line %ld",
                           table->csv.name, table->csv.line, reader, answers->row[i].line);
    if (answers->count == answers->room) {
        size_t room = answers->room ? 2 * answers->room : 128;
        struct answer *more = reallocarray(answers->row, room, sizeof *more);
        if (!more)
            return nn_fail(err, NN_NO_MEMORY, "%s: no memory", table->csv.name);
        answers->row = more;
        answers->room = room;
    }
    answers->row[answers->count++] = row;
    return NN_OK;
}

static enum nn_status read_all(struct evaluation *e, struct answers *answers, struct nn_error *err)
{
    const char *path = e->options.readers;
    struct csv_table table = {0};
    bool more = true;
    enum nn_status status = csv_table_open(&table, path, err);
    if (status == NN_OK) {
        int column[3] = {csv_table_column(&table, "file"), csv_table_column(&table, "reader"),
                         csv_table_column(&table, "answer")};
        answers->by_case = column[0] < 0;
        column[0] = answers->by_case ? csv_table_column(&table, "case") : column[0];
        if (column[0] < 0 || column[1] < 0 || column[2] < 0)
            status =
                nn_fail(err, NN_BAD_DATA,
                        "%s:1: the columns file (or case), reader and answer are expected", path);
        while (status == NN_OK && (status = csv_next(&table.csv, &more, err)) == NN_OK && more)
            status = take(e, &table, column, answers, err);
    }
    csv_table_close(&table);
    if (status == NN_OK && answers->count == 0)
        status = nn_fail(err, NN_BAD_DATA, "%s: no answer is about the part that is judged", path);
    return status;
}

static int by_reader(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;
    int order = strcmp(x->reader, y->reader);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Rows begin..end - 1 are one reader's. */
static enum nn_status compare(const struct evaluation *e, const struct answer *row, size_t count,
                              struct evaluate_reader *to, struct nn_error *err)
{
    int *values = calloc(3 * count, sizeof *values);
    bool finding[NN_MAX_CLASSES];
    if (!values)
        return nn_fail(err, NN_NO_MEMORY, "no memory for readers");
    int *truth = values, *model = values + count, *reader = values + 2 * count;
    for (int c = 0; c < e->model->classes; c++)
        finding[c] = e->model->class_[c].finding;
    memcpy(to->name, row->reader, sizeof to->name);
    for (size_t i = 0; i < count; i++) {
        if (!row[i].judged) {
            to->unanswered++;
            continue;
        }
        truth[to->cases] = row[i].truth;
        model[to->cases] = row[i].model;
        reader[to->cases++] = row[i].given;
    }
    enum nn_status status = NN_OK;
    if (to->cases > 0)
        status = nn_readers_compare(truth, model, reader, to->cases, finding, e->model->classes,
                                    &to->comparison, err);
    free(values);
    return status;
}

enum nn_status evaluate_readers(struct evaluation *e, struct nn_error *err)
{
    struct answers answers = {0};
    struct evaluate_figures *f = &e->figures;
    enum nn_status status = read_all(e, &answers, err);
    if (status == NN_OK) {
        qsort(answers.row, answers.count, sizeof *answers.row, by_reader);
        f->reader = calloc(answers.count, sizeof *f->reader);
        if (!f->reader)
            status = nn_fail(err, NN_NO_MEMORY, "no memory for readers");
    }
    for (size_t i = 0, end; status == NN_OK && i < answers.count; i = end) {
        for (end = i + 1;
             end < answers.count && strcmp(answers.row[end].reader, answers.row[i].reader) == 0;)
            end++;
        status = compare(e, &answers.row[i], end - i, &f->reader[f->readers++], err);
    }
    if (status == NN_OK && answers.unknown > 0)
        evaluate_note(e, "%zu answers of readers are about images outside the part that is judged.",
                      answers.unknown);
    free(answers.row);
    return status;
}
