/* Log lines: one write(2) a line, so that processes never mix within one. */
#include "log.h"

#include "clock.h"
#include "log_fields.h"
#include "log_messages.h"
#include "log_recent.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define WIDE_MAX_BYTES 8192 /* of JSON and of a datagram */
#define QUOTE_BUFFERS  8
#define QUOTE_MOST     200
#define WINDOW_MS      60000
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const int priorities[] = {7, 6, 4, 3}; /* sd-daemon(3) */

static char role_name[16] = "cervigate";
static int least_level = LOG_AT_INFO;
static bool patient_data_allowed;
static bool under_journal;
static enum conf_log_format format_wanted = CONF_LOG_TEXT;
static unsigned traced; /* of 1u << enum log_area */

/* The journal's socket, connected: it works in processes that may connect nowhere. A descriptor
 * that was closed and given to something else must never be written to. */
static int journal_fd = -1;
static ino_t journal_inode;

/* Lines of one message within a window, of the whole node. */
struct limit {
    int64_t window;
    uint32_t count;
};
static struct limit *limits; /* LOG_MESSAGES_MOST; shared */
static uint32_t rate;

/* Whether standard error is the journal's (systemd.exec(5)), and not a file that it was sent to. */
static bool is_to_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat info;
    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &info) == 0 && info.st_dev == device && info.st_ino == inode;
}

void log_init(const char *role, int level, bool patient_data)
{
    (void)snprintf(role_name, sizeof role_name, "%s", role);
    least_level = level;
    patient_data_allowed = patient_data;
    under_journal = is_to_journal();
    format_wanted = CONF_LOG_TEXT;
    traced = 0;
    rate = 0;
}

static bool is_journal(int fd)
{
    struct stat info;
    return fd >= 0 && fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) &&
           info.st_ino == journal_inode;
}

static void open_journal(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *path = getenv("CERVIGATE_JOURNAL");
    struct stat info;
    if (is_journal(journal_fd))
        return;
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", path ? path : JOURNAL_SOCKET);
    journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (journal_fd < 0)
        return;
    if (connect(journal_fd, (const struct sockaddr *)&name, sizeof name) == 0 &&
        fstat(journal_fd, &info) == 0) {
        journal_inode = info.st_ino;
        return;
    }
    (void)close(journal_fd);
    journal_fd = -1;
}

void log_begin(const char *role, const struct conf *conf)
{
    log_init(role, conf->log_level, conf->log_patient_data);
    format_wanted = conf->log_format;
    if (format_wanted == CONF_LOG_AUTO)
        format_wanted = under_journal ? CONF_LOG_JOURNAL : CONF_LOG_TEXT;
    traced = log_areas(conf->log_trace);
    if (format_wanted == CONF_LOG_JOURNAL)
        open_journal();
    if (limits == NULL) {
        limits = mmap(NULL, LOG_MESSAGES_MOST * sizeof *limits, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (limits == MAP_FAILED)
            limits = NULL;
    }
    rate = limits != NULL ? conf->log_rate : 0;
}

void log_leave(void)
{
    log_recent_leave();
    if (limits != NULL)
        (void)munmap(limits, LOG_MESSAGES_MOST * sizeof *limits);
    limits = NULL;
    rate = 0;
}

bool log_patient_data(void)
{
    return patient_data_allowed;
}

/* ---- a line ---- */

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

static void write_text(const struct log_line *line)
{
    char text[LINE_MAX_BYTES];
    int n = under_journal ? snprintf(text, sizeof text - 1, "<%d>%s[%d] %s %s", line->priority,
                                     line->role, line->pid, line->id, line->body)
                          : snprintf(text, sizeof text - 1, "%s %s %s[%d] %s %s", line->when,
                                     line->level, line->role, line->pid, line->id, line->body);
    if (n < 0)
        return;
    size_t used = (size_t)n < sizeof text - 1 ? (size_t)n : sizeof text - 2;
    text[used++] = '\n';
    write_line(text, used);
}

static void keep(const struct log_line *line)
{
    char text[LINE_MAX_BYTES];
    (void)snprintf(text, sizeof text, "%s %s %s[%d] %s %s", line->when, line->level, line->role,
                   line->pid, line->id, line->body);
    log_recent_put(text);
}

static void write_wide(const struct log_line *line)
{
    char wide[WIDE_MAX_BYTES];
    if (format_wanted == CONF_LOG_JSON) {
        size_t used = log_as_json(line, wide, sizeof wide - 1);
        wide[used++] = '\n';
        write_line(wide, used);
        return;
    }
    size_t used = is_journal(journal_fd) ? log_as_journal(line, wide, sizeof wide) : 0;
    if (used == 0 || send(journal_fd, wide, used, MSG_NOSIGNAL) < 0)
        write_text(line);
}

static void say(enum log_level level, const struct log_message *message, const char *event,
                const char *body)
{
    char when[25];
    clock_iso(clock_utc_ms(), when);
    const struct log_line line = {.when = when,
                                  .level = level_names[level],
                                  .role = role_name,
                                  .id = event,
                                  .area = log_area_name(message ? message->area : LOG_NODE),
                                  .body = body,
                                  .priority = priorities[level],
                                  .pid = (int)getpid()};
    if (level > LOG_AT_DEBUG || !patient_data_allowed)
        keep(&line);
    if (format_wanted == CONF_LOG_TEXT)
        write_text(&line);
    else
        write_wide(&line);
}

/* ---- which ---- */

/* Whether a complaint is within the rate; tells when it no longer is, and afterwards how many
 * there were. Counts of two processes at once may be off by some. */
static bool is_within_rate(enum log_level level, const struct log_message *message)
{
    char body[128];
    if (rate == 0 || level < LOG_AT_WARN || message == NULL)
        return true;
    struct limit *limit = &limits[message - log_messages];
    int64_t window = clock_monotonic_ms() / WINDOW_MS + 1;
    int64_t before = __atomic_exchange_n(&limit->window, window, __ATOMIC_RELAXED);
    if (before != window) {
        uint32_t count = __atomic_exchange_n(&limit->count, 0, __ATOMIC_RELAXED);
        if (count > rate) {
            (void)snprintf(body, sizeof body, "id=%s dropped=%" PRIu32, message->id, count - rate);
            say(LOG_AT_WARN, log_message_of("log-dropped"), "log-dropped", body);
        }
    }
    uint32_t count = __atomic_add_fetch(&limit->count, 1, __ATOMIC_RELAXED);
    if (count == rate + 1) {
        (void)snprintf(body, sizeof body, "id=%s rate=%" PRIu32, message->id, rate);
        say(LOG_AT_WARN, log_message_of("log-limited"), "log-limited", body);
    }
    return count <= rate;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    const struct log_message *message = log_message_of(event);
    enum log_area area = message != NULL ? message->area : LOG_NODE;
    if ((int)level < least_level && (traced & 1u << area) == 0)
        return;
    if (!is_within_rate(level, message))
        return;

    char body[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    if (n < 0)
        return;
    for (char *c = body; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' '; /* a line is a line, whatever the values hold */
    say(level, message, event, body);
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

const char *log_quote_own(const char *reason)
{
    char own[QUOTE_MOST + 1];
    (void)snprintf(own, sizeof own, "%s", reason);
    char *says = strstr(own, LOG_PEER_SAYS);
    if (says != NULL)
        *says = '\0';
    return log_quote(own);
}
