/* Log lines: one write(2) a line, so that processes never mix within one. */
#include "log.h"

#include "clock.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define QUOTE_BUFFERS  8
#define QUOTE_MOST     200

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_prefixes[] = {"<7>", "<6>", "<4>", "<3>"}; /* sd-daemon(3) */

static char role_name[16] = "cervigate";
static int least_level = LOG_AT_INFO;
static bool patient_data_allowed;
static bool under_journal;

void log_init(const char *role, int level, bool patient_data)
{
    (void)snprintf(role_name, sizeof role_name, "%s", role);
    least_level = level;
    patient_data_allowed = patient_data;
    under_journal = getenv("JOURNAL_STREAM") != NULL;
}

bool log_patient_data(void)
{
    return patient_data_allowed;
}

static void write_line(const char *line, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = write(STDERR_FILENO, line + done, length - done);
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if ((int)level < least_level)
        return;

    char line[LINE_MAX_BYTES];
    char when[25];
    clock_iso(clock_utc_ms(), when);
    int head = under_journal ? snprintf(line, sizeof line, "%s%s[%d] %s ", level_prefixes[level],
                                        role_name, (int)getpid(), event)
                             : snprintf(line, sizeof line, "%s %s %s[%d] %s ", when,
                                        level_names[level], role_name, (int)getpid(), event);
    size_t used = head > 0 && (size_t)head < sizeof line - 2 ? (size_t)head : 0;

    va_list args;
    va_start(args, format);
    int body = vsnprintf(line + used, sizeof line - used - 1, format, args);
    va_end(args);
    if (body > 0)
        used += (size_t)body < sizeof line - used - 1 ? (size_t)body : sizeof line - used - 2;

    for (size_t i = 0; i < used; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' '; /* a line is a line, whatever the values hold */
    line[used++] = '\n';
    write_line(line, used);
}

const char *log_quote(const char *text)
{
    static char buffers[QUOTE_BUFFERS][QUOTE_MOST * 4 + 8];
    static unsigned next;
    char *out = buffers[next++ % QUOTE_BUFFERS];
    const size_t room = sizeof buffers[0];

    size_t used = 0;
    out[used++] = '"';
    for (size_t i = 0; text != NULL && text[i] != '\0' && i < QUOTE_MOST; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            out[used++] = '\\';
            out[used++] = (char)c;
        } else if (c < ' ' || c >= 0x7f) {
            used += (size_t)snprintf(out + used, room - used, "\\x%02x", c);
        } else {
            out[used++] = (char)c;
        }
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}
