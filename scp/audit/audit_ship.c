/* The audit role.
 *
 *   idle --a record waits--> open --sent--> unconfirmed --quiet, or many--> [confirm] --> idle
 *     ^                       |                 |                               |
 *     `----- back-off <-------+-----------------+----- no answer, broken -------'
 *              from behind the cursor again
 *
 * A collector that never confirms (it takes everything and leaves the connection open) is believed
 * its kernel's word after BELIEVE times, and that is said: else it would get the same for ever. */
#include "audit_ship.h"

#include "audit_link.h"
#include "audit_reader.h"
#include "audit_syslog.h"
#include "clock.h"
#include "confine.h"
#include "log.h"
#include "node.h"
#include "spool.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS     250
#define QUIET_MS    1500 /* without a record: confirm what was sent */
#define OPEN_MS     30000
#define UNCONFIRMED 500 /* records */
#define BELIEVE     3
#define PAUSE_LEAST 1000
#define PAUSE_MOST  60000
#define PER_LOOK    ((unsigned)(AUDIT_RATE * LOOK_MS / 1000))

struct ship {
    const struct conf *conf;
    struct audit_link *link;
    struct audit_reader *reader;
    struct audit_head cursor;   /* confirmed */
    struct audit_head sent;     /* written to the connection */
    int64_t opened_ms, sent_ms; /* monotonic */
    int64_t retry_ms, pause_ms;
    int unconfirmed; /* times in a row */
    int unread;      /* errno of a read that failed; 0: none */
    bool troubled;
    char frame[AUDIT_FRAME_MOST];
};

/* ---- what others see ---- */

static void trouble_path(const struct conf *conf, char *path, size_t size)
{
    node_path(conf, path, size, "audit/sent/trouble");
}

static void tell_trouble(struct ship *s, const char *what)
{
    char path[PATH_MAX], when[25], text[256];
    log_event(LOG_AT_WARN, "audit-unsent", "host=%s sent=%llu retry_ms=%lld reason=%s",
              s->conf->audit.host, (unsigned long long)s->cursor.seq, (long long)s->pause_ms,
              log_quote(what));
    if (s->troubled)
        return;
    clock_iso(clock_utc_ms(), when);
    (void)snprintf(text, sizeof text, "%s %.150s\n", when, what);
    trouble_path(s->conf, path, sizeof path);
    s->troubled = spool_write_whole(path, text) == 0;
}

static void tell_well(struct ship *s)
{
    char path[PATH_MAX];
    s->pause_ms = 0;
    if (!s->troubled)
        return;
    trouble_path(s->conf, path, sizeof path);
    (void)unlink(path);
    s->troubled = false;
    log_event(LOG_AT_INFO, "audit-sent-again", "host=%s sent=%llu", s->conf->audit.host,
              (unsigned long long)s->cursor.seq);
}

bool audit_ship_waiting(const struct conf *conf, struct audit_waiting *w)
{
    char path[PATH_MAX];
    struct audit_head head = {.seq = 0}, cursor = {.seq = 0};
    struct audit_record record;
    struct tm time = {.tm_year = 0};
    *w = (struct audit_waiting){.last = 0};
    (void)audit_log_head(conf, &head);
    bool has = audit_log_read_mark(conf, "sent/cursor", &cursor);
    w->last = head.seq;
    w->sent = has ? cursor.seq : 0;
    trouble_path(conf, path, sizeof path);
    FILE *file = fopen(path, "re");
    if (file != NULL && fgets(w->trouble, sizeof w->trouble, file) != NULL)
        w->trouble[strcspn(w->trouble, "\n")] = '\0';
    if (file != NULL)
        (void)fclose(file);
    if (w->last <= w->sent)
        return true;
    struct audit_reader *reader = audit_reader_open(conf, has ? &cursor : NULL);
    bool good = reader != NULL && audit_reader_next(reader, &record) == AUDIT_READ_RECORD &&
                strptime(record.time, "%Y-%m-%dT%H:%M:%S", &time) != NULL;
    audit_reader_close(reader);
    if (good)
        w->since_ms = (int64_t)timegm(&time) * 1000;
    return good;
}

/* ---- the position ---- */

/* Reads on from behind the cursor; from the oldest record where that is not known any more. */
static bool rewind_to_cursor(struct ship *s)
{
    audit_reader_close(s->reader);
    s->reader = audit_reader_open(s->conf, s->cursor.seq != 0 ? &s->cursor : NULL);
    if (s->reader == NULL && errno == ENOENT)
        s->reader = audit_reader_open(s->conf, NULL);
    s->sent = s->cursor;
    return s->reader != NULL;
}

static void lose(struct ship *s, const char *what)
{
    audit_link_close(s->link);
    s->pause_ms = s->pause_ms == 0 ? PAUSE_LEAST : s->pause_ms * 2;
    s->pause_ms = s->pause_ms > PAUSE_MOST ? PAUSE_MOST : s->pause_ms;
    s->retry_ms = clock_monotonic_ms() + s->pause_ms;
    tell_trouble(s, what);
    (void)rewind_to_cursor(s);
}

static void keep_cursor(struct ship *s)
{
    crash_point("audit-confirmed");
    int failed = audit_log_write_mark(s->conf, "sent/cursor", &s->sent);
    if (failed != 0) /* sent again after the next start */
        log_event(LOG_AT_ERROR, "audit-cursor", "error=%s", log_quote(strerror(-failed)));
    s->cursor = s->sent;
}

static void confirm(struct ship *s)
{
    enum audit_confirm answer = audit_link_confirm(s->link);
    s->unconfirmed = answer == AUDIT_UNCONFIRMED ? s->unconfirmed + 1 : 0;
    if (answer == AUDIT_UNCONFIRMED && s->unconfirmed >= BELIEVE) {
        if (s->unconfirmed == BELIEVE)
            log_event(
                LOG_AT_WARN, "audit-unconfirmed",
                "host=%s reason=\"it never confirms the end of a connection: records count as "
                "sent when its kernel has them\"",
                s->conf->audit.host);
        answer = AUDIT_CONFIRMED;
    }
    if (answer != AUDIT_CONFIRMED) {
        lose(s, answer == AUDIT_LOST ? "the connection broke before it was confirmed"
                                     : "no confirmation");
        return;
    }
    keep_cursor(s);
    tell_well(s);
}

/* ---- sending ---- */

/* The next record up to the head; false: none. */
static bool next_record(struct ship *s, uint64_t last, struct audit_record *record)
{
    while (s->sent.seq < last) {
        switch (audit_reader_next(s->reader, record)) {
        case AUDIT_READ_RECORD:
            return true;
        case AUDIT_READ_ALTERED:
        case AUDIT_READ_WRONG: /* not what was told: not passed on as if it were */
            log_event(LOG_AT_ERROR, "audit-broken", "file=%llu offset=%llu look=%s",
                      (unsigned long long)audit_reader_file(s->reader),
                      (unsigned long long)audit_reader_begin(s->reader),
                      log_quote("cervigate audit verify"));
            break;
        case AUDIT_READ_FAILED:
            s->unread = errno;
            return false;
        case AUDIT_READ_CUT:
        case AUDIT_READ_END:
            return false;
        }
    }
    return false;
}

/* At most PER_LOOK records; false: the connection is lost. */
static bool send_some(struct ship *s, uint64_t last)
{
    char error[256] = "";
    struct audit_record record;
    unsigned count = 0;
    while (count < PER_LOOK && next_record(s, last, &record)) {
        size_t bytes =
            audit_syslog_frame(s->conf->audit.facility, &record, s->frame, sizeof s->frame);
        if (bytes > 0 && !audit_link_send(s->link, s->frame, bytes, error, sizeof error)) {
            lose(s, error);
            return false;
        }
        s->sent.seq = record.seq;
        memcpy(s->sent.hash, record.hash, sizeof s->sent.hash);
        s->sent.file = audit_reader_file(s->reader);
        s->sent.end = audit_reader_end(s->reader);
        s->sent_ms = clock_monotonic_ms();
        count++;
        crash_point("audit-sent");
    }
    if (s->unread != 0) { /* from the cursor again */
        lose(s, strerror(s->unread));
        s->unread = 0;
        return false;
    }
    return true;
}

static bool ensure_open(struct ship *s, int64_t now)
{
    char error[256] = "";
    if (audit_link_is_open(s->link))
        return true;
    if (now < s->retry_ms)
        return false;
    if (!audit_link_open(s->link, error, sizeof error)) {
        lose(s, error);
        return false;
    }
    s->opened_ms = clock_monotonic_ms();
    return true;
}

static void turn(struct ship *s)
{
    int64_t now = clock_monotonic_ms();
    struct audit_head head = {.seq = 0};
    bool has_head = audit_log_head(s->conf, &head), unconfirmed = s->sent.seq > s->cursor.seq;
    if (audit_link_is_open(s->link) && audit_link_has_ended(s->link)) {
        if (unconfirmed)
            lose(s, "the collector closed the connection");
        audit_link_close(s->link);
        return;
    }
    if (has_head && head.seq > s->sent.seq && (s->reader != NULL || rewind_to_cursor(s)) &&
        ensure_open(s, now)) {
        if (!send_some(s, head.seq))
            return;
        now = clock_monotonic_ms();
    }
    unconfirmed = s->sent.seq > s->cursor.seq;
    if (unconfirmed && (now - s->sent_ms >= QUIET_MS || now - s->opened_ms >= OPEN_MS ||
                        s->sent.seq - s->cursor.seq >= UNCONFIRMED))
        confirm(s);
}

static void live(struct ship *s)
{
    while (!node_stopping) {
        turn(s);
        struct pollfd wait = {.fd = audit_link_fd(s->link), .events = POLLIN};
        if (!node_stopping)
            (void)poll(&wait, 1, LOOK_MS);
    }
    if (audit_link_is_open(s->link) && s->sent.seq > s->cursor.seq)
        confirm(s);
}

int audit_run(const struct node *node)
{
    char error[256] = "", path[PATH_MAX];
    struct ship *s = calloc(1, sizeof *s);
    const struct conf_peer collector = {.host = node->conf->audit.host,
                                        .port = node->conf->audit.port};
    const struct conf_destination to = {.peer = &collector};
    int status = EX_CONFIG;
    if (s == NULL)
        return EX_OSERR;
    s->conf = node->conf;
    s->link = audit_link_create(node->conf, error, sizeof error);
    if (s->link == NULL) {
        log_event(LOG_AT_ERROR, "audit-collector", "error=%s", log_quote(error));
        goto out;
    }
    status = EX_OSERR;
    if (!confine(CONFINE_AUDIT, node->conf, &to))
        goto out;
    trouble_path(s->conf, path, sizeof path);
    s->troubled = access(path, F_OK) == 0;
    if (!audit_log_read_mark(s->conf, "sent/cursor", &s->cursor))
        s->cursor = (struct audit_head){.seq = 0};
    s->sent = s->cursor;
    live(s);
    status = 0;
out:
    audit_reader_close(s->reader);
    audit_link_destroy(s->link);
    free(s);
    return status;
}
