/* The files of <tls>: opened, judged, told. */
#include "keys.h"

#include "clock.h"
#include "log.h"
#include "node.h"
#include "secret_file.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

const char *keys_attribute(enum dx_tls_file file)
{
    static const char *const names[DX_TLS_FILES] = {"certificate", "key", "authorities", "revoked"};
    return names[file];
}

static const char *path_of(const struct conf *conf, int file)
{
    const char *const paths[DX_TLS_FILES] = {conf->tls.certificate, conf->tls.key,
                                             conf->tls.authorities, conf->tls.revoked};
    return paths[file];
}

static bool complain(const struct conf *conf, int file, struct keys_wrong *wrong, const char *text)
{
    wrong->attribute = keys_attribute((enum dx_tls_file)file);
    (void)snprintf(wrong->text, sizeof wrong->text, "<tls %s=\"%.200s\">: %s", wrong->attribute,
                   path_of(conf, file), text);
    return false;
}

/* ---- opening ---- */

static const char *forbidden(int file, int fd, const struct stat *at, char text[128])
{
    unsigned mode = at->st_mode & 07777u;
    if (!S_ISREG(at->st_mode))
        return "is no file; expected a PEM file";
    if (file == DX_TLS_KEY)
        return secret_is_private(fd, text) ? NULL : text;
    if ((mode & 002u) == 0)
        return NULL;
    (void)snprintf(text, 128, "its mode is %04o: everyone may write it; expected 0644", mode);
    return text;
}

static bool open_one(const struct conf *conf, int file, int *fd, struct keys_wrong *wrong)
{
    struct stat at;
    char text[128];
    *fd = open(path_of(conf, file), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, &at) != 0) {
        (void)snprintf(text, sizeof text, "cannot be read: %s; expected a PEM file",
                       strerror(errno));
        return complain(conf, file, wrong, text);
    }
    const char *why = forbidden(file, *fd, &at, text);
    return why == NULL || complain(conf, file, wrong, why);
}

bool keys_open(const struct conf *conf, struct dx_tls_files *files, struct keys_wrong *wrong)
{
    bool good = true;
    *wrong = (struct keys_wrong){.attribute = ""};
    for (int i = 0; i < DX_TLS_FILES; i++)
        files->fd[i] = -1;
    for (int i = 0; good && i < DX_TLS_FILES; i++)
        if (path_of(conf, i) != NULL)
            good = open_one(conf, i, &files->fd[i], wrong);
    if (!good)
        keys_close(files);
    return good;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void keys_close(struct dx_tls_files *files)
{
    for (int i = 0; i < DX_TLS_FILES; i++)
        close_one(&files->fd[i]);
}

/* ---- judging ---- */

/* An authority that has ended is told, but others of the file may still be good. */
static bool judge_term(const struct conf *conf, int file, const struct dx_tls_term *term,
                       int64_t now_ms, struct keys_wrong *wrong)
{
    char at[25], text[256];
    bool ended = term->end_ms != 0 && term->end_ms <= now_ms, begins = term->begin_ms > now_ms;
    if ((file != DX_TLS_CERTIFICATE && file != DX_TLS_REVOKED) || (!ended && !begins))
        return true;
    clock_iso(ended ? term->end_ms : term->begin_ms, at);
    (void)snprintf(text, sizeof text, "%.120s %s %s; expected one that is valid now", term->subject,
                   ended ? "ended" : "begins", at);
    wrong->kind = ended ? KEYS_ENDED : KEYS_EARLY;
    return complain(conf, file, wrong, text);
}

static bool judge_files(const struct conf *conf, const struct dx_tls_files *files, int64_t now_ms,
                        struct dx_tls_facts *facts, struct keys_wrong *wrong)
{
    struct dx_error err = {.status = DX_OK};
    *wrong = (struct keys_wrong){.attribute = ""};
    if (dx_tls_check(files, facts, &err) != DX_OK)
        return complain(conf, (int)facts->wrong, wrong, err.text);
    for (int i = 0; i < DX_TLS_FILES; i++)
        if (!judge_term(conf, i, &facts->term[i], now_ms, wrong))
            return false;
    return true;
}

/* One that is wrong is taken away, so that it hides nothing of the others. */
size_t keys_find_wrong(const struct conf *conf, int64_t now_ms, struct dx_tls_facts *facts,
                       struct keys_wrong wrong[DX_TLS_FILES])
{
    struct dx_tls_files files;
    struct dx_error err = {.status = DX_OK};
    size_t count = 0;
    for (int i = 0; i < DX_TLS_FILES; i++) {
        wrong[i] = (struct keys_wrong){.attribute = keys_attribute((enum dx_tls_file)i)};
        files.fd[i] = -1;
        if (path_of(conf, i) != NULL && !open_one(conf, i, &files.fd[i], &wrong[i]))
            close_one(&files.fd[i]);
    }
    while (dx_tls_check(&files, facts, &err) != DX_OK) {
        int bad = (int)facts->wrong;
        (void)complain(conf, bad, &wrong[bad], err.text);
        if (files.fd[bad] < 0) /* out of memory */
            break;
        close_one(&files.fd[bad]);
    }
    keys_close(&files);
    for (int i = 0; i < DX_TLS_FILES; i++) {
        if (wrong[i].text[0] == '\0')
            (void)judge_term(conf, i, &facts->term[i], now_ms, &wrong[i]);
        count += wrong[i].text[0] != '\0';
    }
    return count;
}

struct verdict {
    bool good;
    struct dx_tls_facts facts;
    enum keys_kind kind;
    int file; /* of wrong.attribute, which is an address */
    char text[512];
};

static void judge_and_tell(const struct conf *conf, const struct dx_tls_files *files,
                           int64_t now_ms, int fd)
{
    const struct rlimit none = {0, 0};
    struct verdict verdict = {.good = false};
    struct keys_wrong wrong;
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    verdict.good = judge_files(conf, files, now_ms, &verdict.facts, &wrong);
    verdict.kind = wrong.kind;
    for (int i = 0; i < DX_TLS_FILES; i++)
        if (strcmp(wrong.attribute, keys_attribute((enum dx_tls_file)i)) == 0)
            verdict.file = i;
    (void)snprintf(verdict.text, sizeof verdict.text, "%s", wrong.text);
    ssize_t n = write(fd, &verdict, sizeof verdict); /* within a pipe's buffer: whole, or never */
    _exit(n == (ssize_t)sizeof verdict ? 0 : 1);
}

/* False: it died, or has not judged in its time. */
static bool read_verdict(int fd, struct verdict *verdict)
{
    struct pollfd told = {.fd = fd, .events = POLLIN};
    return poll(&told, 1, 0) == 1 && read(fd, verdict, sizeof *verdict) == (ssize_t)sizeof *verdict;
}

bool keys_judge_start(const struct conf *conf, const struct dx_tls_files *files, int64_t now_ms,
                      struct keys_judge *judge)
{
    int pair[2];
    *judge = (struct keys_judge){.fd = -1};
    if (pipe2(pair, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        judge_and_tell(conf, files, now_ms, pair[1]);
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return false;
    }
    *judge = (struct keys_judge){pid, pair[0], clock_monotonic_ms() + KEYS_JUDGE_MS};
    return true;
}

bool keys_judge_is_done(const struct keys_judge *judge, bool wait)
{
    struct pollfd told = {.fd = judge->fd, .events = POLLIN};
    int64_t left = judge->until_ms - clock_monotonic_ms();
    return judge->fd < 0 || left <= 0 || poll(&told, 1, wait ? (int)left : 0) != 0;
}

bool keys_judge_end(struct keys_judge *judge, struct dx_tls_facts *facts, struct keys_wrong *wrong)
{
    struct verdict verdict = {.good = false};
    bool told = judge->fd >= 0 && read_verdict(judge->fd, &verdict);
    if (judge->fd >= 0)
        (void)close(judge->fd);
    if (judge->pid > 0) {
        (void)kill(judge->pid, SIGKILL);
        (void)waitpid(judge->pid, NULL, 0);
    }
    *judge = (struct keys_judge){.fd = -1};
    *facts = (struct dx_tls_facts){.wrong = DX_TLS_CERTIFICATE};
    *wrong = (struct keys_wrong){.kind = KEYS_UNLOOKED, .attribute = keys_attribute(DX_TLS_KEY)};
    (void)snprintf(wrong->text, sizeof wrong->text, "<tls>: could not be looked at");
    if (!told)
        return false;

    *facts = verdict.facts;
    wrong->kind = verdict.kind;
    wrong->attribute = keys_attribute((enum dx_tls_file)verdict.file);
    (void)snprintf(wrong->text, sizeof wrong->text, "%s", verdict.text);
    return verdict.good;
}

bool keys_judge_apart(const struct conf *conf, const struct dx_tls_files *files, int64_t now_ms,
                      struct dx_tls_facts *facts, struct keys_wrong *wrong)
{
    struct keys_judge judge;
    if (keys_judge_start(conf, files, now_ms, &judge))
        (void)keys_judge_is_done(&judge, true);
    return keys_judge_end(&judge, facts, wrong);
}
