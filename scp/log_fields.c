#include "log_fields.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- taking apart ---- */

static bool is_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static void add(struct log_field *field, size_t *used, char c)
{
    if (*used < sizeof field->value - 1)
        field->value[(*used)++] = c;
    field->value[*used] = '\0';
}

/* Behind the value. */
static const char *take_value(const char *at, struct log_field *field)
{
    size_t used = 0;
    field->value[0] = '\0';
    field->is_quoted = *at == '"';
    if (!field->is_quoted) {
        for (; *at != '\0' && *at != ' '; at++)
            add(field, &used, *at);
        return at;
    }
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        add(field, &used, *at);
    }
    return *at == '"' ? at + 1 : at;
}

const char *log_field_next(const char *at, struct log_field *field)
{
    const char *first = at;
    for (;;) {
        at += strspn(at, " ");
        if (*at == '\0')
            return NULL;
        size_t length = 0;
        while (is_key(at[length]))
            length++;
        if (length == 0 || at[length] != '=') {
            at += strcspn(at, " ");
            continue;
        }
        size_t kept = length < LOG_KEY_MAX - 1 ? length : LOG_KEY_MAX - 1;
        memcpy(field->key, at, kept);
        field->key[kept] = '\0';
        field->begin = (size_t)(at - first);
        at = take_value(at + length + 1, field);
        field->end = (size_t)(at - first);
        return at;
    }
}

/* ---- writing ---- */

struct writing {
    char *to;
    size_t used, size; /* size: without what must still stand behind */
    bool failed;
};

static void put(struct writing *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct writing *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->to + w->used, w->size - w->used, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= w->size - w->used)
        w->failed = true;
    else
        w->used += (size_t)n;
}

static void put_json_text(struct writing *w, const char *text)
{
    put(w, "\"");
    for (; *text != '\0' && !w->failed; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            put(w, "\\%c", c);
        else if (c < ' ' || c >= 0x7f)
            put(w, "\\u%04x", c);
        else
            put(w, "%c", c);
    }
    put(w, "\"");
}

/* A whole number that every reader takes as it is; 007 is none. */
static bool is_number(const struct log_field *field)
{
    const char *digits = field->value + (field->value[0] == '-');
    size_t length = strlen(digits);
    return !field->is_quoted && length > 0 && length <= 15 &&
           strspn(digits, "0123456789") == length && (digits[0] != '0' || length == 1);
}

size_t log_as_json(const struct log_line *line, char *to, size_t size)
{
    if (size < 2)
        return 0;
    struct writing w = {.to = to, .size = size - 1};
    struct log_field field;
    put(&w,
        "{\"time\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",\"pid\":%d,\"message\":\"%s\",\"area\":"
        "\"%s\"",
        line->when, line->level, line->role, line->pid, line->id, line->area);
    if (w.failed)
        return 0;
    for (const char *at = line->body; (at = log_field_next(at, &field)) != NULL;) {
        size_t before = w.used;
        put(&w, ",\"%s\":", field.key);
        if (is_number(&field))
            put(&w, "%s", field.value);
        else
            put_json_text(&w, field.value);
        if (w.failed)
            w.used = before;
        w.failed = false;
    }
    to[w.used++] = '}';
    to[w.used] = '\0';
    return w.used;
}

/* The names that DICOM administrators look for; all others under our own prefix, so that no key can
 * be one of journald's. */
static void put_journal_key(struct writing *w, const char *key)
{
    static const char *const known[][2] = {
        {"association", "ASSOC_ID"}, {"calling", "CALLING_AE"},   {"called", "CALLED_AE"},
        {"study", "STUDY_UID"},      {"address", "PEER_ADDRESS"}, {"destination", "DESTINATION"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], key) == 0) {
            put(w, "%s=", known[i][1]);
            return;
        }
    put(w, "CERVIGATE_");
    for (; *key != '\0'; key++)
        put(w, "%c", toupper((unsigned char)*key));
    put(w, "=");
}

size_t log_as_journal(const struct log_line *line, char *to, size_t size)
{
    struct writing w = {.to = to, .size = size};
    struct log_field field;
    put(&w,
        "MESSAGE=%s %s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=cervigated\nSYSLOG_PID=%d\n"
        "CERVIGATE_MESSAGE=%s\nCERVIGATE_AREA=%s\nCERVIGATE_ROLE=%s\n",
        line->id, line->body, line->priority, line->pid, line->id, line->area, line->role);
    if (w.failed)
        return 0;
    for (const char *at = line->body; (at = log_field_next(at, &field)) != NULL;) {
        size_t before = w.used;
        put_journal_key(&w, field.key);
        put(&w, "%s\n", field.value);
        if (w.failed)
            w.used = before;
        w.failed = false;
    }
    return w.used;
}
