#include "check_host.h"

#include "clock.h"
#include "node.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* There while cervigate.socket has the node's DICOM port. */
#define ACTIVE_SOCKET  "/run/systemd/units/invocation:cervigate.socket"
#define CLOCK_SLACK_MS (60 * INT64_C(1000)) /* file systems of other machines have clocks, too */

/* ---- ports ---- */

struct door {
    const char *element, *key; /* of run/node */
    bool wanted;
    const char *address;
    uint16_t port;
    int line;
};

/* 0, or an errno. */
static int try_port(const char *address, uint16_t port)
{
    char service[8];
    struct addrinfo *list = NULL;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    int on = 1, wrong = 0;
    (void)snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &list) != 0 || list == NULL)
        return EADDRNOTAVAIL;
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, list->ai_addr, list->ai_addrlen) != 0)
        wrong = errno;
    if (fd >= 0)
        (void)close(fd);
    freeaddrinfo(list);
    return wrong;
}

/* The user who listens on the port, of /proc/net/tcp or tcp6; -1: nobody is seen. */
static long find_user(const char *table, uint16_t port)
{
    char line[512];
    unsigned at, state, uid;
    long found = -1;
    FILE *file = fopen(table, "re");
    while (file != NULL && found < 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %u", &at, &state,
                   &uid) == 3 &&
            at == port && state == TCP_LISTEN)
            found = (long)uid;
    if (file != NULL)
        (void)fclose(file);
    return found;
}

static void name_user(uint16_t port, char *name, size_t size)
{
    long uid = find_user("/proc/net/tcp", port);
    if (uid < 0)
        uid = find_user("/proc/net/tcp6", port);
    const struct passwd *user = uid >= 0 ? getpwuid((uid_t)uid) : NULL;
    (void)snprintf(name, size, "%.40s", user != NULL ? user->pw_name : "another user");
}

/* The node that runs on this spool, if any, has it. */
static bool is_nodes_own(const struct conf *conf, const struct door *door)
{
    char path[PATH_MAX], line[128];
    long pid = 0, port = -1;
    size_t length = strlen(door->key);
    node_path(conf, path, sizeof path, "run/node");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == EACCES;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "pid=", 4) == 0)
            pid = strtol(line + 4, NULL, 10);
        if (strncmp(line, door->key, length) == 0 && line[length] == '=')
            port = strtol(line + length + 1, NULL, 10);
    }
    (void)fclose(file);
    return pid > 0 && port == door->port && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static int check_door(const struct conf *conf, const struct door *door)
{
    char user[48];
    struct stat active;
    int wrong = door->wanted && door->port != 0 ? try_port(door->address, door->port) : 0;
    bool activated = wrong == EADDRINUSE && strcmp(door->key, "dicom_port") == 0 &&
                     lstat(ACTIVE_SOCKET, &active) == 0;
    if (wrong == 0 || wrong == EACCES || activated || is_nodes_own(conf, door))
        return 0;
    (void)fprintf(stderr, "%s:%d: <%s port=\"%u\">: ", conf_file_of(conf, door->line),
                  conf_line_in_file(door->line), door->element, door->port);
    if (wrong == EADDRINUSE) {
        name_user(door->port, user, sizeof user);
        (void)fprintf(stderr, "a program of %s listens on it; expected a port that is free\n",
                      user);
    } else {
        (void)fprintf(stderr, "cannot listen on %s: %s; expected an address of this machine\n",
                      door->address, strerror(wrong));
    }
    return 1;
}

int check_ports(const struct conf *conf)
{
    const struct door doors[] = {
        {"node", "dicom_port", !conf->tls.only, conf->bind_address, conf->port, conf->node_line},
        {"tls", "tls_port", conf->tls.listen, conf->bind_address, conf->tls.port,
         conf_tls_line(conf, "")},
        {"console", "console_port", conf->console, conf->console_address, conf->console_port,
         conf->console_line},
        {"orders", "orders_port", conf->orders.listen, conf->orders.address, conf->orders.port,
         conf->orders_line}};
    int errors = 0;
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
        errors += check_door(conf, &doors[i]);
    return errors;
}

/* ---- clock ---- */

/* Tells when the file was changed after now. */
static int compare(const struct conf *conf, const char *path, const char *what)
{
    struct stat about;
    char now[25], then[25];
    if (stat(path, &about) != 0)
        return 0;
    int64_t changed_ms = (int64_t)about.st_mtim.tv_sec * 1000, now_ms = clock_utc_ms();
    if (changed_ms <= now_ms + CLOCK_SLACK_MS)
        return 0;
    clock_iso(now_ms, now);
    clock_iso(changed_ms, then);
    (void)fprintf(stderr,
                  "%s: the clock says %s, but %s was written %s; expected the right time: reports "
                  "and the audit log bear it\n",
                  conf->path, now, what, then);
    return 1;
}

/* As process lists have it; "" when it is gone. */
static void name_process(const char *pid, char *name, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(name, (int)size, file) == NULL)
        name[0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    if (file != NULL)
        (void)fclose(file);
}

static bool is_clock_kept(void)
{
    static const char *const services[] = {"systemd-timesyn", /* as the kernel cuts it */
                                           "chronyd",         "ntpd", "ntpsec",
                                           "openntpd",        "ptp4l"};
    /* Who does not see the first process does not see others' either (ProtectProc=). */
    DIR *list = access("/proc/1/comm", R_OK) == 0 ? opendir("/proc") : NULL;
    struct dirent *entry;
    bool found = list == NULL;
    char name[32];
    while (list != NULL && !found && (entry = readdir(list)) != NULL) {
        if (entry->d_name[strspn(entry->d_name, "0123456789")] != '\0')
            continue;
        name_process(entry->d_name, name, sizeof name);
        for (size_t i = 0; i < sizeof services / sizeof *services; i++)
            found |= strcmp(name, services[i]) == 0;
    }
    if (list != NULL)
        (void)closedir(list);
    return found;
}

int check_clock(const struct conf *conf)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "jobs.sqlite");
    if (compare(conf, "/proc/self/exe", "this program") != 0 ||
        compare(conf, path, "the job store") != 0)
        return 1;
    if (!is_clock_kept())
        (void)fprintf(stderr,
                      "%s: note: no time service is seen here (systemd-timesyncd, chronyd, ntpd): "
                      "reports and the audit log bear the clock's time\n",
                      conf->path);
    return 0;
}
