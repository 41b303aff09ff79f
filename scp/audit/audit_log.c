/* Appending to the audit log. */
#include "audit_log.h"

#include "clock.h"
#include "node.h"
#include "spool.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS   5
#define TAIL_MOST ((uint64_t)AUDIT_BATCH * AUDIT_RECORD_MOST)
/* The head is noted with every append and synced once in so many bytes: that far it may lag after a
 * power cut. */
#define LAG_MOST   (TAIL_MOST / 2)
#define HOST_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

static bool take_lock(const struct conf *conf, int wait_ms, int *fd)
{
    char path[PATH_MAX];
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    int64_t until = clock_monotonic_ms() + wait_ms;
    node_path(conf, path, sizeof path, "audit/lock");
    *fd = spool_open(path, O_RDWR);
    if (*fd < 0)
        return false;
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR && clock_monotonic_ms() >= until) {
            (void)close(*fd);
            errno = ETIMEDOUT;
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

/* ---- the end ---- */

static int open_file(const struct conf *conf, uint64_t file, int flags)
{
    char path[PATH_MAX];
    audit_log_path(conf, file, path, sizeof path);
    return (flags & O_CREAT) != 0 ? spool_open(path, flags)
                                  : open(path, flags | O_CLOEXEC | O_NOFOLLOW);
}

static void is_broken(struct audit_log *log, const char *what)
{
    if (log->broken[0] == '\0')
        (void)snprintf(log->broken, sizeof log->broken, "behind record %" PRIu64 ": %s",
                       log->head.seq, what);
}

/* What cannot be told for want of memory is neither damage nor a torn write: then the log is not
 * opened. */
static bool parses(struct audit_log *log, const char *bytes, size_t count,
                   struct audit_record *record)
{
    enum audit_parse parsed = audit_record_parse(bytes, count, record);
    log->no_memory |= parsed == AUDIT_PARSE_NO_MEMORY;
    return parsed == AUDIT_PARSE_OK;
}

/* Whether a whole record begins in any line of these bytes but the first. */
static bool has_record(struct audit_log *log, const char *bytes, size_t count)
{
    struct audit_record record;
    const char *line = memchr(bytes, '\n', count);
    for (; line != NULL; line = memchr(line, '\n', count - (size_t)(line - bytes))) {
        line++;
        if (parses(log, line, count - (size_t)(line - bytes), &record))
            return true;
    }
    return false;
}

/* What lies behind the head in its file: records that follow become the head; a piece of one goes.
 * all: however much that is. False with errno. */
static bool follow_file(struct audit_log *log, int fd, uint64_t size, bool all)
{
    struct audit_record record;
    uint64_t left = size - log->head.end;
    bool expected = all || left <= LAG_MOST + TAIL_MOST + AUDIT_RECORD_MOST;
    char *bytes = left > 0 && expected ? malloc(left) : NULL;
    if (left == 0)
        return true;
    if (!expected)
        is_broken(log, "more follows than was ever written at once");
    if (bytes == NULL)
        return !expected;
    ssize_t got = pread(fd, bytes, left, (off_t)log->head.end);
    size_t at = 0, count = got > 0 ? (size_t)got : 0;
    while (at < count && parses(log, bytes + at, count - at, &record) &&
           record.seq == log->head.seq + 1 && strcmp(record.prev, log->head.hash) == 0) {
        log->head.seq = record.seq;
        memcpy(log->head.hash, record.hash, sizeof log->head.hash);
        at += record.bytes;
    }
    log->head.end += at;
    bool good = got >= 0;
    if (at < count && has_record(log, bytes + at, count - at)) {
        is_broken(log, "a record that does not follow");
    } else if (at < count && log->broken[0] == '\0' && !log->no_memory) { /* damage stays */
        log->torn += count - at;
        good = ftruncate(fd, (off_t)log->head.end) == 0 && fdatasync(fd) == 0;
    }
    free(bytes);
    return good;
}

/* The head before a file, as its first record tells; false: it tells nothing. */
static bool begin_at(struct audit_log *log, uint64_t file)
{
    static char line[AUDIT_RECORD_MOST];
    struct audit_record record;
    int fd = open_file(log->conf, file, O_RDONLY);
    ssize_t got = fd >= 0 ? pread(fd, line, sizeof line, 0) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (got <= 0 || !parses(log, line, (size_t)got, &record) || record.seq != file)
        return false;
    log->head = (struct audit_head){.seq = file - 1, .file = file};
    memcpy(log->head.hash, record.prev, sizeof log->head.hash);
    return true;
}

/* Damage before the last file: the log goes on at its end, not in its middle. */
static bool pass_damage(struct audit_log *log)
{
    struct stat at;
    uint64_t *files = NULL;
    size_t i = 0;
    int failed = audit_log_files(log->conf, &files, &i);
    while (failed == 0 && i > 0 && files[i - 1] > log->head.file && !begin_at(log, files[i - 1]))
        i--;
    bool found = failed == 0 && i > 0 && files[i - 1] == log->head.file;
    free(files);
    errno = -failed;
    int fd = found ? open_file(log->conf, log->head.file, O_RDWR) : -1;
    if (fd < 0)
        return failed == 0;
    bool good = fstat(fd, &at) == 0 && ((uint64_t)at.st_size <= log->head.end ||
                                        follow_file(log, fd, (uint64_t)at.st_size, true));
    (void)close(fd);
    return good;
}

/* Whether the head's record still lies where it was noted. */
static bool is_at_head(struct audit_log *log, int fd)
{
    static char line[AUDIT_RECORD_MOST];
    struct audit_record record;
    size_t room = log->head.end < sizeof line ? (size_t)log->head.end : sizeof line;
    ssize_t got = pread(fd, line, room, (off_t)(log->head.end - room));
    if (got != (ssize_t)room || room < 2 || line[room - 1] != '\n')
        return log->head.end == 0;
    const char *before = memrchr(line, '\n', room - 1);
    const char *begin = before != NULL ? before + 1 : line;
    return parses(log, begin, room - (size_t)(begin - line), &record) &&
           record.seq == log->head.seq && strcmp(record.hash, log->head.hash) == 0;
}

static bool follow(struct audit_log *log)
{
    while (log->head.file != 0) {
        struct stat at;
        int fd = open_file(log->conf, log->head.file, O_RDWR);
        if (fd < 0 && errno != ENOENT)
            return false;
        if (fd < 0) {
            is_broken(log, "its file is gone");
            return true;
        }
        bool good = fstat(fd, &at) == 0;
        if (good && (uint64_t)at.st_size < log->head.end)
            is_broken(log, "its file was cut off");
        else if (good && !is_at_head(log, fd))
            is_broken(log, "it is not as it was written");
        else
            good = good && follow_file(log, fd, (uint64_t)at.st_size, log->alone);
        (void)close(fd);
        bool may_go_on = good && log->broken[0] == '\0' && log->head.seq + 1 != log->head.file;
        int next = may_go_on ? open_file(log->conf, log->head.seq + 1, O_RDONLY) : -1;
        if (next < 0)
            return good;
        (void)close(next);
        log->head.file = log->head.seq + 1;
        log->head.end = 0;
    }
    return true;
}

/* Without a head: from the last file that begins with a record. */
static bool begin_at_last_file(struct audit_log *log)
{
    uint64_t *files = NULL;
    size_t count = 0;
    int failed = audit_log_files(log->conf, &files, &count);
    log->head = (struct audit_head){.seq = 0};
    memcpy(log->head.hash, audit_record_none, sizeof log->head.hash);
    log->alone = count > 0;
    size_t i = count;
    while (i > 0 && !begin_at(log, files[i - 1]))
        i--;
    if (i == 0 && count > 0) { /* none does */
        log->head.file = files[count - 1];
        log->head.seq = log->head.file - 1;
    }
    free(files);
    errno = -failed;
    return failed == 0;
}

void audit_log_mark_broken(const struct conf *conf, const char *what)
{
    char path[PATH_MAX], text[256], when[25];
    if (audit_log_broken(conf, text, sizeof text))
        return;
    clock_iso(clock_utc_ms(), when);
    (void)snprintf(text, sizeof text, "%s %.200s\n", when, what);
    node_path(conf, path, sizeof path, "audit/broken");
    int failed = spool_write_whole(path, text);
    (void)failed; /* it will be found again */
}

bool audit_log_open(const struct conf *conf, int wait_ms, struct audit_log *log)
{
    *log = (struct audit_log){.conf = conf, .lock_fd = -1};
    if (!take_lock(conf, wait_ms, &log->lock_fd)) {
        log->lock_fd = -1;
        return false;
    }
    bool good = audit_log_head(conf, &log->head) || begin_at_last_file(log);
    good = good && follow(log) && (log->broken[0] == '\0' || pass_damage(log));
    if (!good || log->no_memory) {
        int why = log->no_memory ? ENOMEM : errno;
        audit_log_close(log);
        errno = why;
        return false;
    }
    if (log->broken[0] != '\0')
        audit_log_mark_broken(conf, log->broken);
    log->missed = audit_log_missing(conf, log->since);
    return true;
}

void audit_log_close(struct audit_log *log)
{
    if (log->lock_fd >= 0)
        (void)close(log->lock_fd);
    log->lock_fd = -1;
}

/* ---- appending ---- */

static void name_host(char host[AUDIT_HOST_MAX])
{
    if (gethostname(host, AUDIT_HOST_MAX) != 0)
        host[0] = '\0';
    host[AUDIT_HOST_MAX - 1] = '\0';
    for (char *c = host; *c != '\0'; c++)
        if (strchr(HOST_BYTES, *c) == NULL)
            *c = '_';
    if (host[0] == '\0')
        (void)snprintf(host, AUDIT_HOST_MAX, "localhost");
}

/* Whether the current file's first record is of another day. */
static bool is_of_another_day(int fd, const char *today)
{
    char head[48] = "";
    ssize_t got = pread(fd, head, sizeof head - 1, 0);
    const char *blank = got > 0 ? strchr(head, ' ') : NULL;
    return blank == NULL || strncmp(blank + 1, today, 10) != 0;
}

/* The file to append to; a new one is the head's file from then on. -1 with errno. */
static int open_current(struct audit_log *log, const char *now)
{
    if (log->head.file != 0 && log->broken[0] == '\0') {
        int fd = open_file(log->conf, log->head.file, O_RDWR | O_APPEND);
        if (fd >= 0 && log->head.end == 0) { /* made by one who died then, perhaps unsynced */
            char made[PATH_MAX];
            audit_log_path(log->conf, log->head.file, made, sizeof made);
            (void)spool_sync_directory_of(made);
            return fd;
        }
        if (fd < 0 || (log->head.end < log->conf->audit.file_bytes && !is_of_another_day(fd, now)))
            return fd;
        (void)close(fd);
    }
    char path[PATH_MAX], aside[PATH_MAX + 16];
    audit_log_path(log->conf, log->head.seq + 1, path, sizeof path);
    (void)snprintf(aside, sizeof aside, "%s.broken", path);
    int fd = open_file(log->conf, log->head.seq + 1, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
    if (fd < 0 && errno == EEXIST && rename(path, aside) == 0) /* kept for who looks into it */
        fd = open_file(log->conf, log->head.seq + 1, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
    int failed = fd >= 0 ? spool_sync_directory_of(path) : 0;
    if (fd < 0)
        return -1;
    if (failed != 0) {
        (void)close(fd);
        (void)unlink(path);
        errno = -failed;
        return -1;
    }
    crash_point("audit-rotated");
    log->head.file = log->head.seq + 1;
    log->head.end = 0;
    return fd;
}

/* All lines, and the head behind them; NULL with errno. */
static char *write_lines(const struct audit_log *log, const char *now, const char *const *messages,
                         size_t count, struct audit_head *head)
{
    struct audit_record record = {.seq = head->seq};
    size_t room = 1, used = 0;
    for (size_t i = 0; i < count; i++)
        room += strlen(messages[i]) + (AUDIT_RECORD_MOST - AUDIT_MESSAGE_MOST);
    int failed = spool_node_id(log->conf, record.node);
    char *lines = failed == 0 ? malloc(room) : NULL;
    if (failed != 0)
        errno = -failed;
    if (lines == NULL)
        return NULL;
    name_host(record.host);
    memcpy(record.time, now, sizeof record.time);
    for (size_t i = 0; i < count; i++) {
        record.seq = head->seq + 1;
        memcpy(record.prev, head->hash, sizeof record.prev);
        record.message = messages[i];
        record.message_bytes = strlen(messages[i]);
        if (!audit_record_write(&record, lines + used, room - used)) {
            free(lines);
            errno = EINVAL;
            return NULL;
        }
        used += record.bytes;
        head->seq = record.seq;
        memcpy(head->hash, record.hash, sizeof head->hash);
    }
    head->end += used;
    return lines;
}

static void note_head(const struct audit_log *log, const struct audit_head *before)
{
    bool durably = log->head.file != before->file || before->end == 0 ||
                   log->head.end / LAG_MOST != before->end / LAG_MOST;
    int failed = audit_log_note_head(log->conf, &log->head, durably);
    (void)failed; /* it lags: the next append reads on from the last that was noted */
}

bool audit_log_append(struct audit_log *log, int64_t utc_ms, const char *const *messages,
                      size_t count)
{
    char now[25];
    struct audit_head before;
    clock_iso(utc_ms, now);
    int fd = open_current(log, now);
    if (fd < 0)
        return false;
    before = log->head;
    struct audit_head after = before;
    char *lines = write_lines(log, now, messages, count, &after);
    size_t bytes = after.end - before.end;
    errno = lines == NULL ? errno : 0;
    ssize_t n = lines != NULL ? write(fd, lines, bytes) : -1;
    crash_point("audit-written");
    bool good = n == (ssize_t)bytes && fdatasync(fd) == 0;
    int why = errno != 0 ? errno : ENOSPC; /* a short write says no more */
    if (!good && ftruncate(fd, (off_t)before.end) == 0 && n != (ssize_t)bytes)
        (void)fdatasync(fd); /* not again where it failed: the next append's syncs the size, too */
    free(lines);
    (void)close(fd);
    crash_point("audit-synced");
    if (good) {
        log->head = after;
        log->broken[0] = '\0'; /* the new file goes on from here */
        note_head(log, &before);
    }
    errno = why;
    return good;
}
