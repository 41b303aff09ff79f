#include "conf_private.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *conf_status_text(enum conf_status status)
{
    switch (status) {
#define X(code, text)                                                                              \
    case code:                                                                                     \
        return text;
        CONF_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

void conf_complain(struct reading *reading, int line, bool warning, const char *format, ...)
{
    struct conf_complaints *complaints = reading->complaints;
    struct conf_complaint *list;

    if (complaints->count > CONF_MOST_COMPLAINTS || reading->no_memory)
        return;
    list = realloc(complaints->list, (complaints->count + 1) * sizeof *list);
    if (!list) {
        reading->no_memory = true;
        return;
    }
    complaints->list = list;
    struct conf_complaint *complaint = &list[complaints->count];
    complaint->file = NULL;
    complaint->line = line | (int)((unsigned)reading->file << CONF_LINE_BITS);
    complaint->warning = warning;
    if (complaints->count == CONF_MOST_COMPLAINTS) {
        complaint->warning = false;
        snprintf(complaint->text, sizeof complaint->text, "more errors than are listed here");
    } else {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(complaint->text, sizeof complaint->text, format, arguments);
        va_end(arguments);
    }
    complaints->count++;
}

bool conf_may_be_elsewhere(struct reading *reading)
{
    reading->is_missed |= reading->unread != 0;
    return reading->unread != 0;
}

/* Insertion keeps the order of finding within a line; lists are short. */
void conf_complaints_sort(struct conf_complaints *complaints)
{
    for (size_t i = 1; i < complaints->count; i++) {
        struct conf_complaint moved = complaints->list[i];
        size_t j = i;
        for (; j > 0 && complaints->list[j - 1].line > moved.line; j--)
            complaints->list[j] = complaints->list[j - 1];
        complaints->list[j] = moved;
    }
}

bool conf_complaints_refuse(const struct conf_complaints *complaints)
{
    for (size_t i = 0; i < complaints->count; i++)
        if (!complaints->list[i].warning)
            return true;
    return false;
}

struct where conf_where(const struct reading *reading, int from, int line)
{
    struct where where;
    int file = line >> CONF_LINE_BITS | reading->file;
    const char *path = reading->complaints->files[file];
    const char *name = path && strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

    if (file == (from >> CONF_LINE_BITS | reading->file))
        snprintf(where.text, sizeof where.text, "line %d", conf_line_in_file(line));
    else
        snprintf(where.text, sizeof where.text, "line %d of %s", conf_line_in_file(line),
                 conf_show(name ? name : "?").text);
    return where;
}

void conf_complaints_finish(struct conf_complaints *complaints)
{
    for (size_t i = 0; i <= CONF_MAX_FILES; i++)
        free(complaints->files[i]);
    free(complaints->list);
    *complaints = (struct conf_complaints){0};
}

struct shown conf_show(const char *value)
{
    struct shown shown;
    size_t length = strnlen(value, 61);
    bool cut = length > 60;

    if (cut) /* never inside a UTF-8 sequence */
        for (length = 57; length > 0 && ((unsigned char)value[length] & 0xC0u) == 0x80u;)
            length--;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];
        shown.text[i] = byte < 0x20 || byte == 0x7F ? '?' : value[i];
    }
    memcpy(shown.text + length, cut ? "..." : "", cut ? 4 : 1);
    return shown;
}

bool conf_is_secret_file(const char *attribute)
{
    static const char *const names[] = {"key", "passwordFile", "secret", "tokenFile"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(attribute, names[i]) == 0)
            return true;
    return false;
}

struct shown conf_show_value(const char *attribute, const char *value)
{
    bool may_hide = conf_is_secret_file(attribute)
                        ? value[0] != '/'
                        : strcmp(attribute, "url") == 0 && strpbrk(value, "@?") != NULL;
    return may_hide ? (struct shown){"..."} : conf_show(value);
}
