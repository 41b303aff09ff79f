/* Start-up checks. */
#include "start.h"

#include "audit_link.h"
#include "clock.h"
#include "console/session.h"
#include "console/tls.h"
#include "keys.h"
#include "listen.h"
#include "log.h"
#include "spool.h"
#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

/* The roles of a node that was killed die with it, a moment later: their lock is waited for. */
#define LOCK_WAIT_MS 3000

static void tell_at(const struct conf *conf, int line, const char *text)
{
    (void)fprintf(stderr, "%s:%d: %s\n", conf_file_of(conf, line), conf_line_in_file(line), text);
}

static void tell_collector(const struct conf *conf, const char *error, FILE *out)
{
    (void)fprintf(out, "%s:%d: <audit>: %s\n", conf_file_of(conf, conf->audit_line),
                  conf_line_in_file(conf->audit_line), error);
}

bool start_collector(const struct conf *conf, FILE *copy)
{
    char error[256] = "";
    struct audit_link *link =
        conf->audit.host != NULL ? audit_link_create(conf, error, sizeof error) : NULL;
    bool good = conf->audit.host == NULL || link != NULL;
    if (!good)
        tell_collector(conf, error, stderr);
    if (!good && copy != NULL)
        tell_collector(conf, error, copy);
    audit_link_destroy(link);
    return good;
}

int start_tell(const char *path, enum conf_status loaded, const struct conf_complaints *complaints,
               FILE *out)
{
    for (size_t i = 0; i < complaints->count; i++) {
        const struct conf_complaint *complaint = &complaints->list[i];
        (void)fprintf(out, "%s:%d: %s%s\n", complaint->file, complaint->line,
                      complaint->warning ? "warning: " : "", complaint->text);
    }
    if (loaded != CONF_OK && complaints->count == 0)
        (void)fprintf(out, "%s: %s\n", path, conf_status_text(loaded));
    return loaded == CONF_OK        ? 0
           : loaded == CONF_MISSING ? EX_NOINPUT
           : loaded == CONF_BAD     ? EX_CONFIG
                                    : EX_SOFTWARE;
}

struct conf *start_conf(const char *path, struct conf_room *room, int *status, FILE *copy)
{
    struct conf *conf = NULL;
    struct conf_complaints complaints;
    enum conf_status loaded = conf_load_in(path, room, &conf, &complaints);
    *status = start_tell(path, loaded, &complaints, stderr);
    if (copy != NULL)
        (void)start_tell(path, loaded, &complaints, copy);
    conf_complaints_finish(&complaints);

    return loaded == CONF_OK ? conf : NULL;
}

/* Who has the lock, as far as is known; 0: nobody said so. */
static long holder(const struct conf *conf)
{
    char path[PATH_MAX], line[64] = "";
    long pid = 0;
    node_path(conf, path, sizeof path, "run/lock");
    FILE *file = fopen(path, "re");
    if (file != NULL && fgets(line, sizeof line, file) != NULL)
        pid = strtol(line, NULL, 10);
    if (file != NULL)
        (void)fclose(file);
    return pid > 0 ? pid : 0;
}

/* The lock is the kernel's and goes with the last process that has it; the number in the file is
 * for people, and may be an old one's. */
static bool sign_lock(int fd)
{
    char line[32];
    int length = snprintf(line, sizeof line, "%d\n", (int)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, line, (size_t)length, 0) == length;
}

static int take_lock(const struct conf *conf, int *lock_fd)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "run/lock");
    int64_t until = clock_monotonic_ms() + LOCK_WAIT_MS;
    int fd;
    while ((fd = spool_lock(conf)) == -EWOULDBLOCK || fd == -EINTR) {
        if (clock_monotonic_ms() > until) {
            (void)fprintf(stderr,
                          "%s: another cervigated (pid %ld) runs on this spool: stop it, or give "
                          "this one a spool of its own\n",
                          path, holder(conf));
            return EX_CANTCREAT;
        }
        (void)usleep(20000);
    }
    if (fd < 0) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(-fd));
        return EX_CANTCREAT;
    }
    if (!sign_lock(fd)) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        (void)close(fd);
        return EX_IOERR;
    }
    *lock_fd = fd;
    return 0;
}

static int open_one(const char *what, const char *address, uint16_t port)
{
    int fd = listen_open(address, port);
    if (fd < 0) {
        (void)fprintf(stderr, "%s: cannot listen on %s port %u: %s\n", what, address, port,
                      strerror(-fd));
        log_event(LOG_AT_ERROR, "listen-failed", "what=%s address=%s port=%u error=%s", what,
                  address, port, log_quote(strerror(-fd)));
    }
    return fd;
}

/* A socket that there may be. */
struct door {
    const char *what;
    int *fd; /* as it is; -1: none */
    bool wanted;
    const char *address, *old_address; /* old: NULL, there was no configuration */
    uint16_t port, old_port;
    int opened; /* -1: not needed */
};

static bool open_door(struct door *door)
{
    bool same = *door->fd >= 0 &&
                (door->old_address == NULL ||
                 (door->old_port == door->port && strcmp(door->old_address, door->address) == 0));
    door->opened = -1;
    if (!door->wanted || same)
        return true;
    door->opened = open_one(door->what, door->address, door->port);
    return door->opened >= 0;
}

static void take_door(const struct door *door)
{
    if (door->wanted && door->opened < 0)
        return;
    if (*door->fd >= 0)
        (void)close(*door->fd);
    *door->fd = door->opened;
}

bool start_sockets(struct node *node, const struct conf *old)
{
    const struct conf *conf = node->conf;
    const char *old_bind = old != NULL ? old->bind_address : NULL;
    struct door doors[] = {{"dicom", &node->listen_fd, !conf->tls.only, conf->bind_address,
                            old_bind, conf->port, old != NULL ? old->port : 0, -1},
                           {"tls", &node->tls_fd, conf->tls.listen, conf->bind_address, old_bind,
                            conf->tls.port, old != NULL ? old->tls.port : 0, -1},
                           {"console", &node->console_fd, conf->console, conf->console_address,
                            old != NULL ? old->console_address : NULL, conf->console_port,
                            old != NULL ? old->console_port : 0, -1},
                           {"orders", &node->orders_fd, conf->orders.listen, conf->orders.address,
                            old != NULL ? old->orders.address : NULL, conf->orders.port,
                            old != NULL ? old->orders.port : 0, -1}};
    const size_t count = sizeof doors / sizeof *doors;
    for (size_t i = 0; i < count; i++) {
        if (open_door(&doors[i]))
            continue;
        while (i-- > 0)
            if (doors[i].opened >= 0)
                (void)close(doors[i].opened);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        take_door(&doors[i]);
    return true;
}

static bool refuse_keys(const struct conf *conf, const char *element,
                        const struct keys_wrong *wrong)
{
    int line = conf_attribute_line(conf, element, wrong->attribute);
    tell_at(conf, line, wrong->text);
    log_event(LOG_AT_ERROR, "tls-files-bad", "file=%s line=%d reason=%s",
              log_quote(conf_file_of(conf, line)), conf_line_in_file(line), log_quote(wrong->text));
    return false;
}

static bool start_dicom_keys(const struct conf *conf)
{
    struct dx_tls_files files;
    struct dx_tls_facts facts;
    struct keys_wrong wrong;
    bool good = keys_open(conf, &files, &wrong);
    if (good) {
        good = keys_judge_apart(conf, &files, clock_utc_ms(), &facts, &wrong);
        keys_close(&files);
    }
    return good || wrong.kind == KEYS_ENDED || wrong.kind == KEYS_EARLY ||
           refuse_keys(conf, "tls", &wrong);
}

static bool start_console_keys(const struct conf *conf)
{
    struct keys_wrong wrong;
    return !conf->console || console_tls_judge(conf, &wrong) ||
           refuse_keys(conf, "console", &wrong);
}

bool start_keys(const struct conf *conf)
{
    return start_dicom_keys(conf) && start_console_keys(conf);
}

static int check_store(const struct conf *conf)
{
    char path[PATH_MAX], error[384];
    struct store *store = NULL;
    node_path(conf, path, sizeof path, "jobs.sqlite");
    enum store_status status = store_open(path, &store, error, sizeof error);
    if (status != STORE_OK) {
        (void)fprintf(stderr, "job store: %s%s\n", error,
                      status == STORE_VERSION
                          ? ": run `cervigate store --downgrade` of the program that wrote "
                            "it, or `cervigate restore` the backup that was made before the "
                            "upgrade"
                          : "");
        return status == STORE_VERSION ? EX_CONFIG : EX_IOERR;
    }
    store_close(store);

    int failed = spool_sync_directory_of(path); /* SQLite syncs the file, not its new name */
    if (failed != 0)
        (void)fprintf(stderr, "%s: %s\n", path, strerror(-failed));
    return failed == 0 ? 0 : EX_IOERR;
}

/* RFC 4122 version 4 */
static int name_instance(char id[37])
{
    char hex[33];
    if (spool_random_name(hex, 16) != 0)
        return EX_OSERR;
    hex[12] = '4';
    hex[16] = "89ab"[(unsigned char)hex[16] & 3u];
    (void)snprintf(id, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return 0;
}

int start_node(struct node *node, int *lock_fd)
{
    char text[512];
    const struct conf *conf = node->conf;
    int failed = spool_prepare(conf, text, sizeof text);
    if (failed != 0) {
        (void)fprintf(stderr, "spool %s: %s\n", text, strerror(-failed));
        return EX_CANTCREAT;
    }
    int status = start_collector(conf, NULL) ? take_lock(conf, lock_fd) : EX_CONFIG;
    if (status != 0)
        return status;

    crash_point("start-locked");
    node_path(conf, text, sizeof text, SPOOL_RESTORING);
    if (access(text, F_OK) == 0) {
        (void)fprintf(stderr, "%s: a restore was cut off: `cervigate restore --force` it again\n",
                      text);
        return EX_CANTCREAT;
    }
    if ((failed = spool_empty_incoming(conf, NULL)) != 0) {
        (void)fprintf(stderr, "spool %s/incoming: %s\n", conf->spool, strerror(-failed));
        return EX_IOERR;
    }

    if (!start_keys(conf))
        return EX_CONFIG;
    node->listen_fd = node->tls_fd = node->console_fd = node->orders_fd = -1;
    listen_activated(&node->listen_fd, &node->tls_fd, &node->console_fd, &node->orders_fd);
    if (!start_sockets(node, NULL))
        return EX_CANTCREAT;
    if ((status = check_store(conf)) != 0)
        return status;
    crash_point("start-stored");
    if (!mode_allowed(conf, node_mode(conf), text, sizeof text)) {
        tell_at(conf, conf->node_line, text);
        return EX_CONFIG;
    }

    node->wake_analyze = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    node->wake_deliver = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    node->wake_announce = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (node->wake_analyze < 0 || node->wake_deliver < 0 || node->wake_announce < 0) {
        (void)fprintf(stderr, "eventfd: %s\n", strerror(errno));
        return EX_OSERR;
    }
    if ((node->sessions = session_table_create()) == NULL) {
        (void)fprintf(stderr, "memory for sessions: %s\n", strerror(errno));
        return EX_OSERR;
    }
    int asks[2], trials[2];
    const int kind = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (socketpair(AF_UNIX, kind, 0, asks) != 0 || socketpair(AF_UNIX, kind, 0, trials) != 0) {
        (void)fprintf(stderr, "socketpair: %s\n", strerror(errno));
        return EX_OSERR;
    }
    node->asks_console = asks[0];
    node->asks_analyze = asks[1];
    node->trials_console = trials[0];
    node->trials_trial = trials[1];
    return name_instance(node->instance_id);
}
