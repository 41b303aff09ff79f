/* Start-up checks. */
#include "start.h"

#include "audit_link.h"
#include "clock.h"
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
#include <sysexits.h>
#include <unistd.h>

/* The roles of a node that was killed die with it, a moment later: their lock is waited for. */
#define LOCK_WAIT_MS 3000

/* What the audit role would need; told with the element's line. */
static bool check_collector(const struct conf *conf)
{
    char error[256] = "";
    struct audit_link *link =
        conf->audit.host != NULL ? audit_link_create(conf, error, sizeof error) : NULL;
    bool good = conf->audit.host == NULL || link != NULL;
    if (!good)
        (void)fprintf(stderr, "%s:%d: <audit>: %s\n", conf->path, conf->audit_line, error);
    audit_link_destroy(link);
    return good;
}

struct conf *start_conf(const char *path, int *status)
{
    struct conf *conf = NULL;
    struct conf_complaints complaints;
    enum conf_status loaded = conf_load(path, &conf, &complaints);
    for (size_t i = 0; i < complaints.count; i++) {
        const struct conf_complaint *complaint = &complaints.list[i];
        (void)fprintf(stderr, "%s:%d: %s%s\n", path, complaint->line,
                      complaint->warning ? "warning: " : "", complaint->text);
    }
    if (loaded != CONF_OK && complaints.count == 0)
        (void)fprintf(stderr, "%s: %s\n", path, conf_status_text(loaded));
    conf_complaints_finish(&complaints);

    if (loaded == CONF_OK && check_collector(conf))
        return conf;
    if (loaded == CONF_OK) {
        conf_destroy(conf);
        loaded = CONF_BAD;
    }
    *status = loaded == CONF_MISSING ? EX_NOINPUT : loaded == CONF_BAD ? EX_CONFIG : EX_SOFTWARE;
    return NULL;
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
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return EX_CANTCREAT;
    }

    int64_t until = clock_monotonic_ms() + LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR && clock_monotonic_ms() > until) {
            (void)fprintf(stderr,
                          "%s: another cervigated (pid %ld) runs on this spool: stop it, or give "
                          "this one a spool of its own\n",
                          path, holder(conf));
            (void)close(fd);
            return EX_CANTCREAT;
        }
        (void)usleep(20000);
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

static void replace(int *fd, int by)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = by;
}

bool start_sockets(struct node *node, const struct conf *old)
{
    const struct conf *conf = node->conf;
    bool dicom_same = node->listen_fd >= 0 &&
                      (old == NULL || (old->port == conf->port &&
                                       strcmp(old->bind_address, conf->bind_address) == 0));
    bool console_same = conf->console && node->console_fd >= 0 &&
                        (old == NULL || (old->console_port == conf->console_port &&
                                         strcmp(old->console_address, conf->console_address) == 0));

    int dicom = -1, console = -1;
    if (!dicom_same && (dicom = open_one("dicom", conf->bind_address, conf->port)) < 0)
        return false;
    if (conf->console && !console_same &&
        (console = open_one("console", conf->console_address, conf->console_port)) < 0) {
        if (dicom >= 0)
            (void)close(dicom);
        return false;
    }
    if (!dicom_same)
        replace(&node->listen_fd, dicom);
    if (!console_same)
        replace(&node->console_fd, console);
    return true;
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
                          ? ": run the program that wrote it, or `cervigate restore` the "
                            "backup that was made before the upgrade"
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
    int status = take_lock(conf, lock_fd);
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

    node->listen_fd = node->console_fd = -1;
    listen_activated(&node->listen_fd, &node->console_fd);
    if (!start_sockets(node, NULL))
        return EX_CANTCREAT;
    if ((status = check_store(conf)) != 0)
        return status;
    crash_point("start-stored");
    if (!mode_allowed(conf, node_mode(conf), text, sizeof text)) {
        (void)fprintf(stderr, "%s:%d: %s\n", conf->path, conf->node_line, text);
        return EX_CONFIG;
    }

    node->wake_analyze = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    node->wake_deliver = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (node->wake_analyze < 0 || node->wake_deliver < 0) {
        (void)fprintf(stderr, "eventfd: %s\n", strerror(errno));
        return EX_OSERR;
    }
    return name_instance(node->instance_id);
}
