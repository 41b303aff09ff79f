/* The audit log's small files, the list of its large ones, and what goes with time. */
#include "audit_log.h"
#include "audit_reader.h"

#include "clock.h"
#include "node.h"
#include "spool.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SLOT      256 /* bytes of audit/head; a sector holds both */
#define SUM       16
#define COUNT_MS  100
#define MISSED_IS 64 /* bytes of audit/missed */

void audit_log_path(const struct conf *conf, uint64_t file, char *path, size_t size)
{
    node_path(conf, path, size, "audit/%018" PRIu64 ".log", file);
}

/* ---- marks ---- */

static bool sum_of(const char *text, size_t length, char sum[DX_DIGEST_MAX])
{
    struct dx_sha256 *sha = dx_sha256_create();
    if (sha == NULL)
        return false;
    dx_sha256_add(sha, text, length);
    dx_sha256_take(sha, sum);
    return true;
}

static bool print_mark(const struct audit_head *mark, char *text, size_t size)
{
    char sum[DX_DIGEST_MAX];
    int length = snprintf(text, size, "%" PRIu64 " %s %" PRIu64 " %" PRIu64 " ", mark->seq,
                          mark->hash, mark->file, mark->end);
    if (length < 0 || (size_t)length >= size || !sum_of(text, (size_t)length, sum))
        return false;
    int more = snprintf(text + length, size - (size_t)length, "%.*s\n", SUM, sum);
    return more == SUM + 1;
}

/* "SEQ HASH FILE END SUM\n"; what follows does not matter. */
static bool parse_mark(const char *text, struct audit_head *mark)
{
    char again[SLOT];
    *mark = (struct audit_head){.seq = 0};
    if (sscanf(text, "%19" SCNu64 " %64[0-9a-f] %19" SCNu64 " %19" SCNu64, &mark->seq, mark->hash,
               &mark->file, &mark->end) != 4 ||
        strlen(mark->hash) != DX_DIGEST_MAX - 1 || !print_mark(mark, again, sizeof again))
        return false;
    return strncmp(text, again, strlen(again)) == 0;
}

static ssize_t read_file(const struct conf *conf, const char *name, char *text, size_t size)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "audit/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got;
}

bool audit_log_head(const struct conf *conf, struct audit_head *head)
{
    char text[2 * SLOT + 1];
    struct audit_head other;
    ssize_t got = read_file(conf, "head", text, sizeof text);
    bool first = got > 0 && parse_mark(text, head);
    bool second = got > SLOT && parse_mark(text + SLOT, &other);
    if (second && (!first || other.seq > head->seq))
        *head = other;
    return first || second;
}

/* In place, in the slot of its number: there is room for it even when the disk is full. */
int audit_log_note_head(const struct conf *conf, const struct audit_head *head, bool durably)
{
    char path[PATH_MAX], text[SLOT];
    memset(text, ' ', sizeof text);
    if (!print_mark(head, text, sizeof text))
        return -ENOMEM;
    text[strlen(text)] = ' ';
    text[SLOT - 1] = '\n';
    node_path(conf, path, sizeof path, "audit/head");
    int fd = spool_open(path, O_WRONLY);
    if (fd < 0)
        return -errno;
    bool written = pwrite(fd, text, SLOT, (off_t)(head->seq % 2 * SLOT)) == SLOT;
    written = written && (!durably || fdatasync(fd) == 0);
    int failed = written ? 0 : -errno;
    (void)close(fd);
    return failed;
}

bool audit_log_read_mark(const struct conf *conf, const char *name, struct audit_head *mark)
{
    char text[SLOT];
    return read_file(conf, name, text, sizeof text) > 0 && parse_mark(text, mark);
}

int audit_log_write_mark(const struct conf *conf, const char *name, const struct audit_head *mark)
{
    char path[PATH_MAX], text[SLOT];
    if (!print_mark(mark, text, sizeof text))
        return -ENOMEM;
    node_path(conf, path, sizeof path, "audit/%s", name);
    return spool_write_whole(path, text);
}

bool audit_log_broken(const struct conf *conf, char *text, size_t size)
{
    if (read_file(conf, "broken", text, size) <= 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return true;
}

/* ---- what could not be written ---- */

uint64_t audit_log_missing(const struct conf *conf, char since[25])
{
    char text[MISSED_IS], when[25] = "";
    uint64_t count = 0;
    if (since != NULL)
        since[0] = '\0';
    if (read_file(conf, "missed", text, sizeof text) <= 0 ||
        sscanf(text, "%19" SCNu64 " %24s", &count, when) < 1)
        return 0;
    if (since != NULL)
        (void)snprintf(since, 25, "%s", when);
    return count;
}

/* In place, like the head. */
static bool write_missed(int fd, uint64_t count, const char *since)
{
    char text[MISSED_IS];
    memset(text, ' ', sizeof text);
    int length = snprintf(text, sizeof text, "%" PRIu64 " %s", count, since);
    text[length] = ' ';
    text[MISSED_IS - 1] = '\n';
    return pwrite(fd, text, sizeof text, 0) == (ssize_t)sizeof text;
}

static int open_missed(const struct conf *conf)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "audit/missed");
    int fd = spool_open(path, O_RDWR);
    int64_t until = clock_monotonic_ms() + COUNT_MS;
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_monotonic_ms() > until) {
            (void)close(fd);
            return -1;
        }
        (void)usleep(1000);
    }
    return fd;
}

bool audit_log_missed(const struct conf *conf, int64_t utc_ms, uint64_t count)
{
    char since[25];
    int fd = open_missed(conf);
    if (fd < 0)
        return false;
    uint64_t before = audit_log_missing(conf, since);
    if (before == 0)
        clock_iso(utc_ms, since);
    bool written = write_missed(fd, before + count, since) && fdatasync(fd) == 0;
    (void)close(fd);
    return written;
}

/* Those that were missed while the gap was being told stay. */
void audit_log_told(struct audit_log *log)
{
    int fd = open_missed(log->conf);
    if (fd < 0)
        return;
    uint64_t now = audit_log_missing(log->conf, NULL);
    bool written = write_missed(fd, now > log->missed ? now - log->missed : 0, log->since);
    (void)written; /* then it is told twice */
    (void)close(fd);
    log->missed = 0;
}

/* ---- files ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static bool is_file(const char *name, uint64_t *number)
{
    if (strspn(name, "0123456789") != 18 || strcmp(name + 18, ".log") != 0)
        return false;
    *number = strtoull(name, NULL, 10);
    return *number > 0;
}

int audit_log_files(const struct conf *conf, uint64_t **list, size_t *count)
{
    char path[PATH_MAX];
    size_t room = 0;
    int failed = 0;
    *list = NULL;
    *count = 0;
    node_path(conf, path, sizeof path, "audit");
    DIR *directory = opendir(path);
    if (directory == NULL)
        return errno == ENOENT ? 0 : -errno;
    const struct dirent *entry;
    while (failed == 0 && (entry = readdir(directory)) != NULL) {
        uint64_t number;
        if (!is_file(entry->d_name, &number))
            continue;
        if (*count == room) {
            room = room == 0 ? 64 : room * 2;
            uint64_t *more = reallocarray(*list, room, sizeof *more);
            failed = more == NULL ? -ENOMEM : 0;
            *list = more != NULL ? more : *list;
        }
        if (failed == 0)
            (*list)[(*count)++] = number;
    }
    (void)closedir(directory);
    if (*count > 1)
        qsort(*list, *count, sizeof **list, by_number);
    return failed;
}

/* ---- retention ---- */

/* Whether the first record of a file is older: then all those of the files before it are. */
static bool begins_before(const struct conf *conf, uint64_t file, const char *before)
{
    char name[32], head[48];
    (void)snprintf(name, sizeof name, "%018" PRIu64 ".log", file);
    const char *blank = read_file(conf, name, head, sizeof head) > 0 ? strchr(head, ' ') : NULL;
    return blank != NULL && strlen(blank) > 24 && strncmp(blank + 1, before, 24) < 0;
}

/* The last record of the file before `next`; false: it does not end there. */
static bool read_last(const struct conf *conf, uint64_t file, uint64_t next,
                      struct audit_head *last)
{
    const struct audit_head from = {.file = file};
    struct audit_reader *reader = audit_reader_open(conf, &from);
    struct audit_record record;
    enum audit_read got = AUDIT_READ_RECORD;
    *last = (struct audit_head){.seq = 0};
    while (reader != NULL && last->seq + 1 < next && got < AUDIT_READ_WRONG &&
           (got = audit_reader_next(reader, &record)) < AUDIT_READ_WRONG) {
        last->seq = record.seq;
        memcpy(last->hash, record.hash, sizeof last->hash);
    }
    audit_reader_close(reader);
    return last->seq + 1 == next;
}

/* The last record before the file `next`, as its first one tells: a file that was damaged goes with
 * time like any other. */
static bool read_before(const struct conf *conf, uint64_t next, struct audit_head *last)
{
    static char line[AUDIT_RECORD_MOST + 1];
    struct audit_record record;
    char name[32];
    (void)snprintf(name, sizeof name, "%018" PRIu64 ".log", next);
    ssize_t got = read_file(conf, name, line, sizeof line);
    if (got <= 0 || audit_record_parse(line, (size_t)got, &record) != AUDIT_PARSE_OK ||
        record.seq != next)
        return false;
    *last = (struct audit_head){.seq = next - 1};
    memcpy(last->hash, record.prev, sizeof last->hash);
    return true;
}

/* Which file is the next that a base can be told for; count: none. */
static size_t next_base(const struct conf *conf, const uint64_t *files, size_t count, size_t i,
                        const char *before, struct audit_head *last)
{
    size_t next = i + 1;
    if (next < count && begins_before(conf, files[next], before) &&
        read_last(conf, files[i], files[next], last))
        return next;
    while (next < count &&
           !(begins_before(conf, files[next], before) && read_before(conf, files[next], last)))
        next++;
    return next;
}

int audit_log_expire(const struct conf *conf, int64_t before_ms, size_t *removed, uint64_t *gone)
{
    char before[25], path[PATH_MAX];
    uint64_t *files = NULL;
    size_t count = 0;
    struct audit_head last, sent = {.seq = 0};
    bool has_sent = audit_log_read_mark(conf, "sent/cursor", &sent);
    int failed = audit_log_files(conf, &files, &count);
    *removed = 0;
    *gone = 0;
    clock_iso(before_ms, before);
    for (size_t i = 0; failed == 0 && i + 1 < count;) {
        size_t next = next_base(conf, files, count, i, before, &last);
        if (next == count || (conf->audit.host != NULL && (!has_sent || sent.seq < last.seq)))
            break;
        failed = audit_log_write_mark(conf, "base", &last);
        crash_point("audit-based");
        for (; failed == 0 && i < next; i++) {
            audit_log_path(conf, files[i], path, sizeof path);
            failed = unlink(path) == 0 ? 0 : -errno;
            *removed += failed == 0;
        }
        *gone = failed == 0 ? last.seq : *gone;
    }
    free(files);
    return failed;
}
