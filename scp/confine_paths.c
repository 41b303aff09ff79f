/* Landlock: files, TCP ports and the reach of signals. A rule is about the folder that has a name
 * now, wherever it is moved, so rules are made for folders that stay; spool folders that are links
 * to another disk have rules of their own. Before version 2 no file could be moved from one folder
 * to another, which is how the spool works: such a kernel counts as one without. */
#include "confine.h"
#include "confine_row.h"
#include "host.h"
#include "node.h"
#include "worklist/webhook.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Later than the headers of Debian 12. */
#define FS_TRUNCATE    (UINT64_C(1) << 14) /* 3 */
#define FS_IOCTL_DEV   (UINT64_C(1) << 15) /* 5 */
#define NET_BIND       UINT64_C(1)         /* 4 */
#define NET_CONNECT    UINT64_C(2)
#define SCOPE_ABSTRACT UINT64_C(1) /* 6 */
#define SCOPE_SIGNAL   UINT64_C(2)
#define RULE_PORT      2
#define VERSION_LEAST  2

#define FS_OF_FILES                                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     FS_TRUNCATE | FS_IOCTL_DEV)
#define FS_ALL ((UINT64_C(1) << 14) - 1)

#define PORT_DNS   53
#define LINK_DEPTH 2 /* folders below a model's: its gate */

struct ruleset {
    uint64_t files, ports, scopes;
};
struct port_rule {
    uint64_t access, port;
};

int confine_landlock(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    const char *most = getenv("CERVIGATE_LANDLOCK_MOST");
    if (most != NULL && strtol(most, NULL, 10) < version)
        version = strtol(most, NULL, 10);
    return version >= VERSION_LEAST ? (int)version : 0;
}

static uint64_t rights_of(unsigned access, int version)
{
    uint64_t rights = 0;
    if (access & CAN_READ)
        rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    if (access & CAN_WRITE)
        rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                  (version >= 3 ? FS_TRUNCATE : 0);
    if (access & CAN_NAME)
        rights |=
            LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REFER;
    if (access & CAN_ADD) /* READ_DIR: to sync the folder */
        rights |=
            LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_READ_DIR;
    if (access & CAN_TREE)
        rights |= LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR;
    return rights;
}

/* What is not there needs no rule. */
static bool add_path(int ruleset, const char *path, uint64_t rights)
{
    struct stat at;
    int fd = path[0] != '\0' ? open(path, O_PATH | O_CLOEXEC) : -1;
    if (fd < 0)
        return path[0] == '\0' || errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    bool known = fstat(fd, &at) == 0;
    if (known && !S_ISDIR(at.st_mode))
        rights &= FS_OF_FILES;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    bool added =
        known && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    (void)close(fd);
    return added;
}

/* A folder, and what links in it and in its folders lead to: a rule belongs to the file itself. */
static bool add_links(int ruleset, const char *folder, uint64_t rights, int depth)
{
    bool good = true;
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    while (good && directory != NULL && (entry = readdir(directory)) != NULL) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || length < 0 || (size_t)length >= sizeof path)
            continue;
        struct stat at;
        if (fstatat(dirfd(directory), entry->d_name, &at, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISLNK(at.st_mode) && stat(path, &at) == 0) /* what leads nowhere needs no rule */
            good = add_path(ruleset, path, rights);
        else if (S_ISDIR(at.st_mode) && depth > 0)
            good = add_links(ruleset, path, rights, depth - 1);
    }
    if (directory != NULL)
        (void)closedir(directory);
    return good;
}

static bool add_folder(int ruleset, const char *folder, uint64_t rights)
{
    return add_path(ruleset, folder, rights) && add_links(ruleset, folder, rights, LINK_DEPTH);
}

static bool add_list(int ruleset, const char *const *path, uint64_t rights)
{
    for (; *path != NULL; path++)
        if (!add_path(ruleset, *path, rights))
            return false;
    return true;
}

static bool add_spool(int ruleset, const struct conf *conf, uint64_t rights)
{
    static const char *const parts[] = {"incoming",   "objects", "results",
                                        "quarantine", "run",     "audit"};
    char path[PATH_MAX];
    bool good = add_path(ruleset, conf->spool, rights);
    for (size_t i = 0; good && i < sizeof parts / sizeof *parts; i++) {
        node_path(conf, path, sizeof path, "%s", parts[i]);
        good = add_path(ruleset, path, rights);
    }
    return good;
}

static bool add_part(int ruleset, const struct conf *conf, const char *part, uint64_t rights)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "%s", part);
    return add_path(ruleset, path, rights);
}

/* Whom a role calls. */
struct scope {
    const struct conf *conf;
    const struct conf_destination *to; /* this destination alone, or NULL: */
    bool news, asks; /* the receivers of news, the peer of <orderQuery>, else all destinations */
};

/* The indices below are of what calls_of counts: destinations, announcements, or the one peer. */
static size_t calls_of(const struct scope *scope)
{
    if (scope->news)
        return scope->conf->announcement_count;
    if (scope->asks)
        return scope->conf->order_query.peer != NULL ? 1 : 0;
    return scope->to != NULL ? 1 : scope->conf->destination_count;
}

/* Not of news. */
static const struct conf_peer *peer_at(const struct scope *scope, size_t i)
{
    if (scope->asks)
        return scope->conf->order_query.peer;
    return scope->to != NULL ? scope->to->peer : scope->conf->destinations[i].peer;
}

/* Host and port of one call. */
static void call_at(const struct scope *scope, size_t i, char host[256], uint16_t *port)
{
    const struct conf_announcement *news = scope->news ? &scope->conf->announcements[i] : NULL;
    if (news != NULL && news->way == CONF_WEBHOOK) {
        webhook_address(news->url, host, port);
        return;
    }
    const struct conf_peer *peer = news == NULL            ? peer_at(scope, i)
                                   : news->way == CONF_UPS ? news->peer
                                                           : NULL;
    (void)snprintf(host, 256, "%s", peer != NULL ? peer->host : news->host);
    *port = peer != NULL ? peer->port : news->port;
}

static bool needs_names(const struct scope *scope)
{
    bool needs = false;
    for (size_t i = 0; i < calls_of(scope); i++) {
        char host[256];
        uint16_t port;
        call_at(scope, i, host, &port);
        needs = needs || !host_is_number(host);
    }
    return needs;
}

/* The folders of a file, and of the one that it links to: a renewal puts new files there. */
static bool add_folders_of(int ruleset, const char *path, uint64_t rights)
{
    char folder[PATH_MAX], real[PATH_MAX];
    if (path == NULL)
        return true;
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    if (!add_path(ruleset, folder[0] != '\0' ? folder : "/", rights))
        return false;
    if (realpath(path, real) == NULL)
        return true;
    *strrchr(real, '/') = '\0';
    return add_path(ruleset, real[0] != '\0' ? real : "/", rights);
}

static bool add_keys(int ruleset, const struct conf *conf, uint64_t rights)
{
    return add_folders_of(ruleset, conf->tls.certificate, rights) &&
           add_folders_of(ruleset, conf->tls.key, rights) &&
           add_folders_of(ruleset, conf->tls.authorities, rights) &&
           add_folders_of(ruleset, conf->tls.revoked, rights);
}

/* The system's certificates are trusted where no file is named; a UPS peer is called with the
 * files of <tls>, and its password or token. */
static bool add_news(int ruleset, const struct conf *conf, uint64_t rights)
{
    bool good = conf->announcement_count == 0 || add_path(ruleset, "/etc/ssl/certs", rights);
    for (size_t i = 0; good && i < conf->announcement_count; i++) {
        const struct conf_announcement *to = &conf->announcements[i];
        good = add_folders_of(ruleset, to->secret, rights) &&
               add_folders_of(ruleset, to->authorities, rights) &&
               add_folders_of(ruleset, to->certificate, rights) &&
               add_folders_of(ruleset, to->key, rights) &&
               (to->way != CONF_UPS || ((!to->peer->tls || add_keys(ruleset, conf, rights)) &&
                                        add_folders_of(ruleset, to->peer->password, rights) &&
                                        add_folders_of(ruleset, to->peer->token, rights)));
    }
    return good;
}

/* The files of <tls>, and those of password or token. */
static bool add_keys_out(int ruleset, const struct scope *scope, uint64_t rights)
{
    bool good = true;
    for (size_t i = 0; good && i < calls_of(scope); i++) {
        const struct conf_peer *peer = peer_at(scope, i);
        good = (!peer->tls || add_keys(ruleset, scope->conf, rights)) &&
               add_folders_of(ruleset, peer->password, rights) &&
               add_folders_of(ruleset, peer->token, rights);
    }
    return good;
}

static bool add_place(int ruleset, enum confine_place place, const struct scope *scope,
                      uint64_t rights)
{
    const struct conf *conf = scope->conf;
    static const char *const system[] = {"/usr",
                                         "/lib",
                                         "/lib64",
                                         "/etc/ld.so.cache",
                                         "/etc/localtime",
                                         "/etc/ssl/openssl.cnf",
                                         "/dev/urandom",
                                         "/proc/cpuinfo",
                                         "/sys/devices/system/cpu",
                                         SANITIZED ? "/proc" : NULL,
                                         NULL};
    /* Folders, since these files are replaced whenever the network changes. */
    static const char *const names[] = {"/etc", "/run/systemd/resolve", "/run/resolvconf",
                                        "/run/NetworkManager", NULL};
    bool good = true;
    switch (place) {
    case AT_NOTHING:
        break;
    case AT_ROOT:
        return add_path(ruleset, "/", rights);
    case AT_SYSTEM:
        return add_list(ruleset, system, rights);
    case AT_NAMES:
        return !needs_names(scope) || add_list(ruleset, names, rights);
    case AT_SPOOL:
        return add_spool(ruleset, conf, rights);
    case AT_INCOMING:
        return add_part(ruleset, conf, "incoming", rights);
    case AT_OBJECTS:
        return add_part(ruleset, conf, "objects", rights);
    case AT_QUARANTINE:
        return add_part(ruleset, conf, "quarantine", rights);
    case AT_AUDIT:
        return add_part(ruleset, conf, "audit", rights);
    case AT_AUDIT_SENT:
        return add_part(ruleset, conf, "audit/sent", rights);
    case AT_RUN:
        return add_part(ruleset, conf, "run", rights);
    case AT_MODELS:
        for (size_t i = 0; good && i < conf->model_count; i++)
            good = add_folder(ruleset, conf->models[i], rights);
        break;
    case AT_NEWS:
        return add_news(ruleset, conf, rights);
    case AT_KEYS_IN:
        return !conf->tls.listen || add_keys(ruleset, conf, rights);
    case AT_KEYS_ORDERS:
        return !conf->orders.tls || add_keys(ruleset, conf, rights);
    case AT_KEYS_OUT:
        return add_keys_out(ruleset, scope, rights);
    case AT_ACCOUNTS:
        return add_folders_of(ruleset, conf->web.accounts, rights);
    case AT_TEMPLATES:
        return conf->templates == NULL || add_folder(ruleset, conf->templates, rights);
    }
    return good;
}

/* A fault test's mark lies where it wants (crash.c). */
static bool add_hook(int ruleset)
{
    char folder[PATH_MAX];
    const char *mark = getenv("CERVIGATE_CRASH_MARK");
    const char *slash = mark != NULL ? strrchr(mark, '/') : NULL;
    if (slash == NULL || slash == mark || (size_t)(slash - mark) >= sizeof folder)
        return true;
    memcpy(folder, mark, (size_t)(slash - mark));
    folder[slash - mark] = '\0';
    return add_path(ruleset, folder, LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE);
}

static bool add_port(int ruleset, uint64_t port)
{
    struct port_rule rule = {.access = NET_CONNECT, .port = port};
    return syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0) == 0;
}

static bool add_ports(int ruleset, const struct scope *scope)
{
    bool good = !needs_names(scope) || add_port(ruleset, PORT_DNS);
    for (size_t i = 0; good && i < calls_of(scope); i++) {
        char host[256];
        uint16_t port;
        call_at(scope, i, host, &port);
        good = add_port(ruleset, port);
    }
    return good;
}

static bool fill(int ruleset, const struct confine_row *row, const struct scope *scope,
                 const struct ruleset *what, int version)
{
    bool good = true;
    for (size_t i = 0; good && i < CONFINE_PLACES && row->path[i].place != AT_NOTHING; i++)
        good =
            add_place(ruleset, row->path[i].place, scope, rights_of(row->path[i].access, version));
    if (good && (row->may & MAY_OPEN) && what->files != 0)
        good = add_path(ruleset, "/dev/null", rights_of(CAN_READ | CAN_WRITE, version)) &&
               add_hook(ruleset);
    if (good && (row->may & MAY_CONNECT) && what->ports != 0)
        good = add_ports(ruleset, scope);
    return good;
}

bool confine_paths(const struct confine_row *row, const struct conf *conf,
                   const struct conf_destination *to)
{
    int version = confine_landlock();
    if (version == 0)
        return true;
    struct ruleset what = {.files = row->any_path ? 0 : FS_ALL};
    if (version >= 3 && what.files != 0)
        what.files |= FS_TRUNCATE;
    if (version >= 5 && what.files != 0)
        what.files |= FS_IOCTL_DEV;
    if (version >= 4 && !(row->may & MAY_LISTEN))
        what.ports = NET_BIND | NET_CONNECT;
    if (version >= 6)
        what.scopes = (row->own_house ? SCOPE_SIGNAL : 0) |
                      (row->may & (MAY_CONNECT | MAY_LISTEN) ? 0 : SCOPE_ABSTRACT);
    if (what.files == 0 && what.ports == 0 && what.scopes == 0)
        return true;

    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &what, sizeof what, 0);
    if (ruleset < 0)
        return false;
    const struct scope scope = {.conf = conf, .to = to, .news = row->news, .asks = row->asks};
    bool good = fill(ruleset, row, &scope, &what, version) &&
                syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    (void)close(ruleset);
    return good;
}
