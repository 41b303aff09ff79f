/* Holds a template's shapes against the rows of the Standard, list by list. A list is what stands
 * below one row, or inside one <repeat> there.
 *
 *   each row    is known below its parent; has its value type, relationship, concept name and
 *               template identifier; comes after the rows that the Standard puts before it; is not
 *               repeated when its multiplicity is 1
 *   mandatory   is in its parent's list, without `when`, `optional` or `each`; a row of an included
 *               template wherever another row of that template is
 *   conditional one of a parent's MC rows is there without a condition */
#include "rows.h"
#include "srt_private.h"
#include <string.h>

static const struct srt_row *find_row(const char *row, const char *parent)
{
    for (unsigned i = 0; i < srt_row_count; i++)
        if (strcmp(srt_rows[i].row, row) == 0 &&
            (parent ? srt_rows[i].parent && strcmp(srt_rows[i].parent, parent) == 0
                    : !srt_rows[i].parent))
            return &srt_rows[i];
    return NULL;
}

static bool is_known(const char *row)
{
    for (unsigned i = 0; i < srt_row_count; i++)
        if (strcmp(srt_rows[i].row, row) == 0)
            return true;
    return false;
}

static bool has_condition(const struct srt_shape *shape)
{
    return shape->optional || (shape->when && shape->when[strspn(shape->when, " ")]);
}

/* An image has at most one first finding, so its rows are not repeated, but may be missing. */
static bool is_repeated(const struct srt_shape *shape)
{
    return shape->each != SRT_ONCE && shape->each != SRT_EACH_FIRST_FINDING;
}

/* Whether every code that the pattern can name is the one that the row wants. */
static bool all_are(const struct srt_template *template_, const char *pattern, const char *value,
                    const char *scheme)
{
    size_t fixed = strcspn(pattern, "{");
    bool whole = pattern[fixed] == '\0', found = false;

    for (size_t i = 0; i < template_->code_count; i++) {
        const struct srt_named_code *code = &template_->codes[i];
        if (whole ? strcmp(code->id, pattern) != 0 : strncmp(code->id, pattern, fixed) != 0)
            continue;
        found = true;
        if (strcmp(code->code.value, value) != 0 ||
            (scheme && strcmp(code->code.scheme, scheme) != 0))
            return false;
    }
    return found;
}

static void check_concept(struct srt_reading *reading, const struct srt_shape *shape,
                          const struct srt_row *row)
{
    if (row->value && row->value[0] == '\0' && shape->name)
        srt_reading_fail(reading, shape->line, "%s has no concept name", row->row);
    else if (row->value && row->value[0] && !shape->name)
        srt_reading_fail(reading, shape->line, "%s has no name; its concept name is (%s,%s)",
                         row->row, row->value, row->scheme);
    else if (row->value && row->value[0] &&
             !all_are(reading->template_, shape->name, row->value, row->scheme))
        srt_reading_fail(reading, shape->line, "%s is named \"%.32s\"; its concept name is (%s,%s)",
                         row->row, shape->name, row->value, row->scheme);
    else if (row->fixed && !all_are(reading->template_, shape->value, row->fixed, NULL))
        srt_reading_fail(reading, shape->line, "%s has the value \"%.32s\"; it must be %s",
                         row->row, shape->value, row->fixed);
}

static void check_row(struct srt_reading *reading, const struct srt_shape *shape,
                      const struct srt_row *row)
{
    if (shape->type != row->type)
        srt_reading_fail(reading, shape->line, "%s is a %s; its value type is %s", row->row,
                         srt_type_names[shape->type], srt_type_names[row->type]);
    if (shape->relation != row->relation)
        srt_reading_fail(reading, shape->line, "%s has the relation %s; it must be %s", row->row,
                         srt_relation_names[shape->relation], srt_relation_names[row->relation]);
    check_concept(reading, shape, row);
    if (row->template_id ? !shape->template_id || strcmp(shape->template_id, row->template_id) != 0
                         : shape->template_id != NULL)
        srt_reading_fail(reading, shape->line, "%s has template \"%.16s\"; it must be \"%s\"",
                         row->row, shape->template_id ? shape->template_id : "",
                         row->template_id ? row->template_id : "");
    if (!row->is_many && is_repeated(shape))
        srt_reading_fail(reading, shape->line, "%s is there once; it cannot be repeated", row->row);
}

/* Whether the two can never both be there: one wants a value that the other wants not. */
static bool exclude_each_other(const struct srt_shape *a, const struct srt_shape *b)
{
    for (const char *word = a->when ? a->when : ""; *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        bool is_not = *word == '!';
        for (const char *other = b->when ? b->when : ""; *other; other += strspn(other, " ")) {
            size_t reach = strcspn(other, " ");
            bool other_not = *other == '!';
            if (is_not != other_not && length - is_not == reach - other_not &&
                memcmp(word + is_not, other + other_not, length - is_not) == 0)
                return true;
            other += reach;
        }
        word += length;
    }
    return false;
}

static void check_once(struct srt_reading *reading, const struct srt_shape *shape,
                       const struct srt_row *row)
{
    for (const struct srt_shape *other = shape->next; other && !row->is_many; other = other->next)
        if (other->row && strcmp(other->row, shape->row) == 0 && !exclude_each_other(shape, other))
            srt_reading_fail(reading, other->line, "%s is there twice (line %d)", row->row,
                             shape->line);
}

/* Never none of them: a result has images, models and, in an opinion, classes. */
static bool is_always(enum srt_each each)
{
    return each == SRT_ONCE || each == SRT_EACH_IMAGE || each == SRT_EACH_MODEL ||
           each == SRT_EACH_CLASS;
}

/* One of the two is always there: `x` and `!x`. */
static bool complete_each_other(const struct srt_shape *a, const struct srt_shape *b)
{
    return a->when && b->when && !strchr(a->when, ' ') && !strchr(b->when, ' ') &&
           exclude_each_other(a, b);
}

/* The row is in the list whatever the result is. */
static bool is_certain(const struct srt_shape *list, const char *row)
{
    for (; list; list = list->next) {
        if (!list->row || strcmp(list->row, row) != 0 || list->optional || !is_always(list->each))
            continue;
        if (!has_condition(list))
            return true;
        for (const struct srt_shape *other = list->next; other; other = other->next)
            if (other->row && strcmp(other->row, row) == 0 && !other->optional &&
                is_always(other->each) && complete_each_other(list, other))
                return true;
    }
    return false;
}

static bool same_template(const char *row, const char *other)
{
    size_t length = strcspn(row + 4, " ") + 4; /* "TID 1501" */

    return strncmp(row, other, length) == 0 && other[length] == ' ';
}

/* Whether `narrow` holds only where `wide` does: it has every word of it. */
static bool implies(const struct srt_shape *narrow, const struct srt_shape *wide)
{
    for (const char *word = wide->when ? wide->when : ""; *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        bool found = length == 0;
        for (const char *other = narrow->when ? narrow->when : ""; *other && !found;) {
            size_t reach = strcspn(other, " ");
            found = reach == length && memcmp(word, other, length) == 0;
            other += reach;
            other += strspn(other, " ");
        }
        if (!found)
            return false;
        word += length;
    }
    return true;
}

static bool stands_by(const struct srt_shape *list, const char *row, const struct srt_shape *beside)
{
    for (; list; list = list->next)
        if (list->row && strcmp(list->row, row) == 0 && !list->optional && is_always(list->each) &&
            implies(beside, list))
            return true;
    return false;
}

/* Another row of the same template beside which this one may be missing. */
static const struct srt_shape *find_alone(const struct srt_shape *list, const char *row)
{
    for (const struct srt_shape *other = list; other; other = other->next)
        if (other->row && same_template(other->row, row) && strcmp(other->row, row) != 0 &&
            !stands_by(list, row, other))
            return other;
    return NULL;
}

/* `in` is the row whose list it is; is_repeat: of a <repeat> below it. */
static void check_mandatory(struct srt_reading *reading, const struct srt_shape *in,
                            const struct srt_shape *list, bool is_repeat)
{
    const struct srt_row *choice = NULL;
    bool has_choice = false;

    for (unsigned i = 0; i < srt_row_count; i++) {
        const struct srt_row *row = &srt_rows[i];
        if (!row->parent || strcmp(row->parent, in->row) != 0)
            continue;
        const struct srt_shape *alone = row->is_included ? find_alone(list, row->row) : NULL;
        bool is_missing =
            row->is_included ? alone != NULL : !is_repeat && !is_certain(list, row->row);
        if (row->need == SRT_M && is_missing)
            srt_reading_fail(reading, alone ? alone->line : in->line,
                             "%s is mandatory below %s: it is missing or conditional", row->row,
                             in->row);
        if (row->need == SRT_MC && !is_repeat) {
            choice = choice ? choice : row;
            has_choice |= is_certain(list, row->row);
        }
    }
    if (choice && !has_choice)
        srt_reading_fail(reading, in->line, "%s: %s or an alternative must be there always",
                         in->row, choice->row);
}

static void check_list(struct srt_reading *reading, const struct srt_shape *in,
                       const struct srt_shape *list, const struct srt_row **last, bool is_repeat);

static void check_shape(struct srt_reading *reading, const struct srt_shape *in,
                        const struct srt_shape *shape, const struct srt_row **last)
{
    const struct srt_row *row = find_row(shape->row, in ? in->row : NULL);
    const struct srt_row *below = NULL;

    if (!row) {
        srt_reading_fail(reading, shape->line,
                         is_known(shape->row) ? "%s cannot stand below %s" : "there is no %s",
                         shape->row, in ? in->row : "nothing: it is no root");
        return;
    }
    check_row(reading, shape, row);
    check_once(reading, shape, row);
    if (*last && row < *last)
        srt_reading_fail(reading, shape->line, "%s comes after %s; the order is wrong", row->row,
                         (*last)->row);
    *last = row;
    check_list(reading, shape, shape->child, &below, false);
}

/* Depth is the template's: at most libxml2's 256 levels. */
static void check_list(struct srt_reading *reading, const struct srt_shape *in,
                       const struct srt_shape *list, const struct srt_row **last, bool is_repeat)
{
    for (const struct srt_shape *shape = list; shape && reading->status == SRT_OK;
         shape = shape->next)
        if (shape->is_repeat)
            check_list(reading, in, shape->child, last, true);
        else
            check_shape(reading, in, shape, last);
    if (in && reading->status == SRT_OK)
        check_mandatory(reading, in, list, is_repeat);
}

void srt_check_rows(struct srt_reading *reading, const struct srt_shape *root)
{
    const struct srt_row *last = NULL;

    if (has_condition(root) || root->each != SRT_ONCE)
        srt_reading_fail(reading, root->line, "%s is mandatory: it cannot be conditional",
                         root->row);
    check_list(reading, NULL, root, &last, false);
}
