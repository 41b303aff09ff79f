/* The last good files of <tls> for those who accept, and what the supervisor tells of them. */
#include "keys.h"

#include "clock.h"
#include "log.h"
#include "node.h"
#include "spool.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define AGAIN_MS 10000

void keys_mark(const char *path, struct keys_mark *mark)
{
    struct stat at;
    if (path == NULL || stat(path, &at) != 0)
        return;
    mark->device = at.st_dev;
    mark->inode = at.st_ino;
    mark->bytes = at.st_size;
    mark->changed = at.st_ctim; /* a change of owner or mode, too */
}

static void look(const struct conf *conf, struct keys_mark mark[DX_TLS_FILES])
{
    const char *const paths[DX_TLS_FILES] = {conf->tls.certificate, conf->tls.key,
                                             conf->tls.authorities, conf->tls.revoked};
    memset(mark, 0, DX_TLS_FILES * sizeof *mark); /* compared as bytes */
    for (int i = 0; i < DX_TLS_FILES; i++)
        keys_mark(paths[i], &mark[i]);
}

/* When a verdict that time or the node itself may mend is asked for again. */
static int64_t again(const struct keys_wrong *wrong)
{
    bool passes = wrong->kind == KEYS_EARLY || wrong->kind == KEYS_UNLOOKED;
    return passes ? clock_monotonic_ms() + AGAIN_MS : 0;
}

/* True when they differ from `mark`, which gets what is there now, or are due again. */
static bool have_changed(const struct conf *conf, struct keys_mark mark[DX_TLS_FILES], bool *looked,
                         int64_t again_ms)
{
    struct keys_mark now[DX_TLS_FILES];
    look(conf, now);
    if (again_ms != 0 && clock_monotonic_ms() >= again_ms)
        *looked = false;
    bool same = *looked && memcmp(now, mark, sizeof now) == 0;
    memcpy(mark, now, sizeof now);
    *looked = true;
    return !same;
}

/* ---- copies ---- */

/* By the kernel alone: the bytes of a key never are this process's. */
static int copy_of(int from)
{
    int fd = memfd_create("cervigate-tls", MFD_CLOEXEC);
    off_t at = 0;
    ssize_t n = 1;
    while (fd >= 0 && n > 0 && at <= (off_t)DX_TLS_FILE_MAX)
        n = sendfile(fd, from, &at, DX_TLS_FILE_MAX);
    if (fd >= 0 && n < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool copy_files(const struct dx_tls_files *from, struct dx_tls_files *to)
{
    bool good = true;
    for (int i = 0; i < DX_TLS_FILES; i++) {
        to->fd[i] = good && from->fd[i] >= 0 ? copy_of(from->fd[i]) : -1;
        good = good && (from->fd[i] < 0 || to->fd[i] >= 0);
    }
    if (!good)
        keys_close(to);
    return good;
}

void keys_kept_init(struct keys_kept *kept)
{
    *kept = (struct keys_kept){.judge = {.fd = -1}};
    for (int i = 0; i < DX_TLS_FILES; i++)
        kept->files.fd[i] = kept->next.fd[i] = -1;
}

void keys_kept_close(struct keys_kept *kept)
{
    keys_close(&kept->files);
    keys_close(&kept->next);
    if (kept->judge.fd >= 0)
        (void)close(kept->judge.fd);
    kept->judge = (struct keys_judge){.fd = -1};
}

bool keys_kept_reaped(struct keys_kept *kept, pid_t pid)
{
    bool ours = pid == kept->judge.pid;
    if (ours)
        kept->judge.pid = 0;
    return ours;
}

/* False: wrong says why they are not being judged. */
static bool have_judged(const struct conf *conf, struct keys_kept *kept, struct keys_wrong *wrong)
{
    struct dx_tls_files files;
    if (!keys_open(conf, &files, wrong))
        return false;
    bool good = copy_files(&files, &kept->next);
    if (!good)
        (void)snprintf(wrong->text, sizeof wrong->text, "<tls>: cannot be copied: %s",
                       strerror(errno));
    keys_close(&files);
    if (good && !keys_judge_start(conf, &kept->next, clock_utc_ms(), &kept->judge)) {
        (void)snprintf(wrong->text, sizeof wrong->text, "<tls>: no process to look at them: %s",
                       strerror(errno));
        keys_close(&kept->next);
        good = false;
    }
    if (!good)
        wrong->kind = KEYS_UNLOOKED;
    return good;
}

static void refuse(const struct conf *conf, struct keys_kept *kept, const struct keys_wrong *wrong)
{
    kept->again_ms = again(wrong);
    int line = conf_attribute_line(conf, "tls", wrong->attribute);
    if (strcmp(kept->told, wrong->text) != 0)
        log_event(LOG_AT_ERROR, "tls-files-bad", "file=%s line=%d in_use=%s reason=%s",
                  log_quote(conf_file_of(conf, line)), conf_line_in_file(line),
                  kept->good ? "the-last-good" : "none", log_quote(wrong->text));
    (void)snprintf(kept->told, sizeof kept->told, "%s", wrong->text);
}

/* One that has ended is better than none. */
static void take_verdict(const struct conf *conf, struct keys_kept *kept)
{
    struct dx_tls_facts facts;
    struct keys_wrong wrong;
    if (keys_judge_end(&kept->judge, &facts, &wrong) ||
        ((wrong.kind == KEYS_ENDED || wrong.kind == KEYS_EARLY) && !kept->good)) {
        keys_close(&kept->files);
        kept->files = kept->next;
        kept->good = true;
        kept->told[0] = '\0';
        for (int i = 0; i < DX_TLS_FILES; i++)
            kept->next.fd[i] = -1;
        log_event(LOG_AT_INFO, "tls-files", "certificate=%s", log_quote(conf->tls.certificate));
    } else {
        keys_close(&kept->next);
        refuse(conf, kept, &wrong);
    }
}

bool keys_kept_turn(const struct conf *conf, struct keys_kept *kept)
{
    struct keys_wrong wrong;
    struct keys_mark before[DX_TLS_FILES];
    if (kept->judge.fd >= 0) {
        if (!keys_judge_is_done(&kept->judge, false))
            return false;
        take_verdict(conf, kept);
    }
    memcpy(before, kept->mark, sizeof before);
    if (!have_changed(conf, kept->mark, &kept->looked, kept->again_ms))
        return true;
    kept->again_ms = 0;
    if (memcmp(before, kept->mark, sizeof before) != 0)
        kept->told[0] = '\0';
    if (have_judged(conf, kept, &wrong))
        return false;
    refuse(conf, kept, &wrong);
    return true;
}

enum dx_status keys_kept_open(const struct conf *conf, const struct keys_kept *kept,
                              struct dx_tls **tls, struct dx_error *err)
{
    static const enum dx_tls_ask asks[] = {[CONF_CLIENT_REQUIRED] = DX_TLS_REQUIRE,
                                           [CONF_CLIENT_OPTIONAL] = DX_TLS_ASK,
                                           [CONF_CLIENT_NONE] = DX_TLS_ASK_NOT};
    const struct dx_tls_params params = {.files = kept->files,
                                         .is_server = true,
                                         .newest = conf->tls.newest,
                                         .ask = asks[conf->tls.client_certificate]};
    return dx_tls_open(&params, tls, err);
}

/* ---- telling ---- */

static void write_told(const struct conf *conf, const struct dx_tls_facts *facts,
                       const struct keys_wrong *wrong)
{
    char path[PATH_MAX], text[2048];
    bool told = wrong->kind == KEYS_ENDED; /* by its term */
    int used = snprintf(text, sizeof text, "wrong=%s\n", told ? "" : wrong->text);
    for (int i = 0; i < DX_TLS_FILES; i++)
        if (used >= 0 && (size_t)used < sizeof text && facts->term[i].end_ms != 0)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s=%" PRId64 " %s\n",
                             keys_attribute((enum dx_tls_file)i), facts->term[i].end_ms,
                             facts->term[i].subject);
    node_path(conf, path, sizeof path, "run/keys");
    int failed = spool_write_whole(path, text);
    if (failed != 0)
        log_event(LOG_AT_WARN, "run-file-failed", "path=%s error=%s", log_quote(path),
                  log_quote(strerror(-failed)));
}

void keys_watch_turn(const struct conf *conf, struct keys_watch *watch)
{
    struct dx_tls_files files;
    struct dx_tls_facts facts = {.wrong = DX_TLS_CERTIFICATE};
    struct keys_wrong wrong;
    if (!have_changed(conf, watch->mark, &watch->looked, watch->again_ms))
        return;
    watch->again_ms = 0;
    if (keys_open(conf, &files, &wrong)) {
        if (!keys_judge_apart(conf, &files, clock_utc_ms(), &facts, &wrong))
            watch->again_ms = again(&wrong);
        keys_close(&files);
    }
    write_told(conf, &facts, &wrong);
}

bool keys_read_told(const struct conf *conf, struct keys_told *told)
{
    char path[PATH_MAX], line[520];
    *told = (struct keys_told){.wrong = ""};
    node_path(conf, path, sizeof path, "run/keys");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "wrong=", 6) == 0)
            (void)snprintf(told->wrong, sizeof told->wrong, "%.511s", line + 6);
        for (int i = 0; i < DX_TLS_FILES; i++) {
            const char *name = keys_attribute((enum dx_tls_file)i);
            size_t length = strlen(name);
            char *end;
            if (strncmp(line, name, length) != 0 || line[length] != '=')
                continue;
            told->term[i].end_ms = strtoll(line + length + 1, &end, 10);
            (void)snprintf(told->term[i].subject, sizeof told->term[i].subject, "%s",
                           *end == ' ' ? end + 1 : "");
        }
    }
    (void)fclose(file);
    return true;
}
