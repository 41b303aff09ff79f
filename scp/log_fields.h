/* log_fields.h: a line's key=value pairs, taken apart again. Pure; any thread. */
#ifndef LOG_FIELDS_H
#define LOG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_KEY_MAX   32
#define LOG_VALUE_MAX 1024
struct log_field {
    char key[LOG_KEY_MAX];
    char value[LOG_VALUE_MAX]; /* without quotes; \xNN stays as it is, so that it is ASCII */
    bool is_quoted;
    size_t begin, end; /* of KEY=VALUE, as offsets from `at` of log_field_next */
};
/* The first pair at or behind `at`; returns where to go on, NULL: there is none. Words that are no
 * pair are passed over. What is longer than a buffer is cut. */
const char *log_field_next(const char *at, struct log_field *field);

/* A line as JSON (one object, no newline), and as journald's native datagram
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL). Fields that do not fit are left out. Returns the length; 0:
 * not even the head fits. */
struct log_line {
    const char *when, *level, *role, *id, *area, *body;
    int priority; /* of syslog */
    int pid;
};
size_t log_as_json(const struct log_line *line, char *to, size_t size);
size_t log_as_journal(const struct log_line *line, char *to, size_t size);

#endif
