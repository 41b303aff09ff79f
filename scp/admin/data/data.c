/* data.c: a set of labelled images: its items and classes, reading one, a part as a source. */
#include "data.h"
#include "data_known.h"
#include "data_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

_Static_assert((int)DATA_TRAINING == (int)NN_PART_TRAINING &&
                   (int)DATA_VALIDATION == (int)NN_PART_VALIDATION &&
                   (int)DATA_TEST == (int)NN_PART_TEST,
               "the parts are the division's");

struct data_where data_where(const char *data, const struct data_item *item)
{
    struct data_where where = {""};

    if (item->line > 0)
        snprintf(where.text, sizeof where.text, "%.100s:%ld: ", data, item->line);
    return where;
}

static char **field(struct data_item *item, int i)
{
    char **const fields[] = {&item->patient, &item->study, &item->station, &item->sex,
                             &item->view,    &item->level, &item->type};

    return i < (int)(sizeof fields / sizeof *fields) ? fields[i] : NULL;
}

static void item_finish(struct data_item *item)
{
    for (int i = 0; field(item, i); i++)
        free(*field(item, i));
    free(item->path);
}

/* What model.xsd takes for the name of a class. */
static bool is_class_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length >= DATA_CLASS_NAME || !isalnum((unsigned char)name[0]))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-") ==
           length;
}

static enum nn_status make_room(struct data_list *list, struct nn_error *err)
{
    size_t room = list->room ? 2 * list->room : 256;

    if (list->set->count < list->room)
        return NN_OK;
    struct data_item *items = reallocarray(list->set->items, room, sizeof *items);
    if (items)
        list->set->items = items;
    char(*classes)[DATA_CLASS_NAME] = reallocarray(list->class_, room, sizeof *classes);
    if (classes)
        list->class_ = classes;
    if (!items || !classes)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the list of images");
    list->room = room;
    return NN_OK;
}

enum nn_status data_list_add(struct data_list *list, const struct data_item *item,
                             const char *class_, struct nn_error *err)
{
    static const char prefix[] = "c-spine_";
    struct data_set *set = list->set;
    struct data_where where = data_where(list->data, item);

    if (strncmp(class_, prefix, sizeof prefix - 1) == 0)
        class_ += sizeof prefix - 1;
    if (!is_class_name(class_))
        return nn_fail(err, NN_BAD_DATA,
                       "%s%.80s: class \"%.40s\": letters, digits and . _ + - are expected, at "
                       "most 63",
                       where.text, item->line > 0 ? item->name : list->data, class_);
    enum nn_status status = make_room(list, err);
    if (status != NN_OK)
        return status;
    struct data_item *made = &set->items[set->count];
    *made = *item;
    made->path = strdup(item->path);
    bool copied = made->path != NULL;
    for (int i = 0; field(made, i); i++) {
        const char *text = *field(made, i);
        *field(made, i) = strdup(text ? text : "");
        copied = copied && *field(made, i);
    }
    if (!copied) {
        item_finish(made);
        return nn_fail(err, NN_NO_MEMORY, "no memory for the list of images");
    }
    made->name = made->path + (item->name - item->path);
    snprintf(list->class_[set->count++], DATA_CLASS_NAME, "%s", class_);
    return NN_OK;
}

/* Inserts the class in the order of names; one that is there in another spelling is refused. */
static enum nn_status take_class(struct data_list *list, size_t item, struct nn_error *err)
{
    struct data_set *set = list->set;
    const char *name = list->class_[item];
    struct data_where where = data_where(list->data, &set->items[item]);
    int at = 0;

    for (int c = 0; c < set->classes; c++) {
        const char *other = set->class_name[c];
        if (strcmp(name, other) == 0)
            return NN_OK;
        if (strcasecmp(name, other) == 0)
            return nn_fail(err, NN_BAD_DATA,
                           "%s%.80s: class \"%.40s\" is \"%.40s\" elsewhere: one spelling is "
                           "expected",
                           where.text, set->items[item].name, name, other);
        at += strcmp(other, name) < 0;
    }
    if (set->classes == NN_MAX_CLASSES)
        return nn_fail(err, NN_BAD_DATA, "%s%.80s: class \"%.40s\" is one more than %d", where.text,
                       set->items[item].name, name, NN_MAX_CLASSES);
    memmove(set->class_name[at + 1], set->class_name[at],
            (size_t)(set->classes - at) * sizeof *set->class_name);
    snprintf(set->class_name[at], sizeof *set->class_name, "%s", name);
    set->classes++;
    return NN_OK;
}

static enum nn_status number_classes(struct data_list *list, struct nn_error *err)
{
    struct data_set *set = list->set;

    for (size_t i = 0; i < set->count; i++) {
        enum nn_status status = take_class(list, i, err);
        if (status != NN_OK)
            return status;
    }
    if (set->count == 0)
        return nn_fail(err, NN_BAD_DATA, "%.160s: no images", list->data);
    if (set->classes < 2)
        return nn_fail(err, NN_BAD_DATA,
                       "%.120s: one class, \"%.40s\": two to %d are expected, a folder each",
                       list->data, set->class_name[0], NN_MAX_CLASSES);
    for (size_t i = 0; i < set->count; i++) {
        while (strcmp(list->class_[i], set->class_name[set->items[i].label]) != 0)
            set->items[i].label++;
    }
    return NN_OK;
}

static int by_class_and_name(const void *a, const void *b)
{
    const struct data_item *x = a, *y = b;

    return x->label != y->label ? x->label - y->label : strcmp(x->name, y->name);
}

static void say_what(struct data_set *set, const char *data)
{
    size_t end = strlen(data), begin;

    while (end > 1 && data[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && data[begin - 1] != '/';)
        begin--;
    int length = end - begin > 100 ? 100 : (int)(end - begin);
    snprintf(set->words, sizeof set->words, "%.*s: %zu images", length, data + begin, set->count);
}

enum nn_status data_open(const char *data, struct data_set **set, struct nn_error *err)
{
    struct stat st;
    enum nn_status status;

    *set = NULL;
    if (stat(data, &st) != 0)
        return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%.160s: %s", data,
                       strerror(errno));
    struct data_list list = {.set = calloc(1, sizeof *list.set), .data = data};
    if (!list.set)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the list of images");
    bool folder = S_ISDIR(st.st_mode);
    status = folder ? data_list_folder(&list, err) : data_list_csv(&list, err);
    if (status == NN_OK)
        status = number_classes(&list, err);
    free(list.class_);
    if (status == NN_OK)
        status = data_look(list.set, data, err);
    if (status != NN_OK) {
        data_close(list.set);
        return status;
    }
    if (folder)
        qsort(list.set->items, list.set->count, sizeof *list.set->items, by_class_and_name);
    for (size_t i = 0; i < list.set->count; i++)
        list.set->items[i].group = i;
    list.set->groups = list.set->count;
    say_what(list.set, data);
    *set = list.set;
    return NN_OK;
}

void data_close(struct data_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        item_finish(&set->items[i]);
    free(set->items);
    free(set->copies);
    data_reader_close(set->reader);
    data_known_close(set->known);
    free(set);
}

enum nn_status data_read(const struct data_set *set, size_t item, struct nn_plane *plane,
                         struct nn_error *err)
{
    const struct data_item *it = &set->items[item];
    enum nn_status status = it->dicom ? data_reader_read(set->reader, it->path, plane, err)
                                      : nn_image_read(it->path, plane, err);

    if (status != NN_OK)
        return status;
    /* A DICOM plane may have been resampled to square pixels: its box is not in its pixels. */
    if (it->boxed && !it->dicom && (it->box[2] > plane->cols || it->box[3] > plane->rows)) {
        status = nn_fail(err, NN_BAD_DATA,
                         "%.120s (line %ld): the box ends at %g, %g, outside the image of %d x %d",
                         it->path, it->line, it->box[2], it->box[3], plane->cols, plane->rows);
        nn_plane_finish(plane);
    }
    return status;
}

enum nn_status data_view_init(struct data_view *view, const struct data_set *set,
                              enum data_part part, struct nn_error *err)
{
    *view = (struct data_view){.set = set};
    for (size_t i = 0; i < set->count; i++)
        view->count += set->items[i].part == part;
    if (view->count == 0)
        return nn_fail(err, NN_BAD_DATA, "%s: the %s part is empty", set->words,
                       nn_part_name((enum nn_part)part));
    view->index = malloc(view->count * sizeof *view->index);
    if (!view->index)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", view->count);
    for (size_t i = 0, n = 0; i < set->count; i++) {
        if (set->items[i].part == part)
            view->index[n++] = i;
    }
    return NN_OK;
}

void data_view_finish(struct data_view *view)
{
    if (!view)
        return;
    free(view->index);
    *view = (struct data_view){0};
}

static int label(void *context, size_t index, uint64_t epoch)
{
    const struct data_view *view = context;

    (void)epoch;
    return view->set->items[view->index[index]].label;
}

static enum nn_status load(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                           struct nn_error *err)
{
    const struct data_view *view = context;

    (void)epoch;
    return data_read(view->set, view->index[index], plane, err);
}

struct nn_source data_source(struct data_view *view)
{
    return (struct nn_source){.context = view, .count = view->count, .label = label, .load = load};
}
