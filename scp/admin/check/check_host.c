#include "check_host.h"

#include "clock.h"
#include "node.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* There while cervigate.socket has the node's DICOM port; when it gets it at the next start. */
#define ACTIVE_SOCKET  "/run/systemd/units/invocation:cervigate.socket"
#define ENABLED_SOCKET "/etc/systemd/system/sockets.target.wants/cervigate.socket"
#define BOOTED         "/run/systemd/system"                           /* by systemd */
#define FREE_FOR_ALL   "/proc/sys/net/ipv4/ip_unprivileged_port_start" /* from this port on */
#define TAKEN          "a program of %s listens on it; expected a port that is free"
#define FORBIDDEN                                                                                  \
    "%s may not listen on it: ports below %u (net.ipv4.ip_unprivileged_port_start) are for "       \
    "CAP_NET_BIND_SERVICE; expected "
#define CLOCK_SLACK_MS (60 * INT64_C(1000)) /* file systems of other machines have clocks, too */

/* ---- ports ---- */

struct door {
    const char *element, *key; /* of run/node */
    bool wanted;
    const char *address;
    uint16_t port;
    int line;
};

/* NULL: it is none. */
static struct addrinfo *resolve(const char *address, uint16_t port)
{
    char service[8];
    struct addrinfo *list = NULL;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    (void)snprintf(service, sizeof service, "%u", port);
    return getaddrinfo(address, service, &hints, &list) == 0 ? list : NULL;
}

/* 0, or an errno. */
static int try_port(const char *address, uint16_t port)
{
    struct addrinfo *list = resolve(address, port);
    int on = 1, wrong = 0;
    if (list == NULL)
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

static struct in6_addr map(uint32_t ipv4) /* in the network's order */
{
    struct in6_addr mapped = {.s6_addr = {[10] = 0xFF, [11] = 0xFF}};
    memcpy(&mapped.s6_addr[12], &ipv4, sizeof ipv4);
    return mapped;
}

/* As the tables have it: words of this machine's order. */
static bool read_address(const char *hex, struct in6_addr *address)
{
    uint32_t word[4];
    int count = sscanf(hex, "%8x%8x%8x%8x", &word[0], &word[1], &word[2], &word[3]);
    if (count == 1)
        *address = map(word[0]);
    else if (count == 4)
        memcpy(address, word, sizeof *address);
    return count == 1 || count == 4;
}

/* "::" hears IPv4, too, unless its program asked for IPv6 alone, which is not seen from outside. */
static bool is_in_the_way(const struct in6_addr *a, const struct in6_addr *b)
{
    const struct in6_addr any = map(INADDR_ANY);
    return memcmp(a, b, sizeof *a) == 0 || IN6_IS_ADDR_UNSPECIFIED(a) ||
           IN6_IS_ADDR_UNSPECIFIED(b) ||
           (IN6_IS_ADDR_V4MAPPED(a) && IN6_IS_ADDR_V4MAPPED(b) &&
            (memcmp(a, &any, sizeof any) == 0 || memcmp(b, &any, sizeof any) == 0));
}

/* The user who listens on the port, of the kernel's table; -1: nobody is seen. */
static long find_listener(const char *table, const struct in6_addr *address, uint16_t port)
{
    char line[512], hex[40];
    unsigned at, state, uid;
    struct in6_addr other;
    long found = -1;
    FILE *file = fopen(table, "re");
    while (file != NULL && found < 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, " %*u: %39[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %u", hex, &at, &state,
                   &uid) == 4 &&
            at == port && state == TCP_LISTEN && read_address(hex, &other) &&
            is_in_the_way(&other, address))
            found = (long)uid;
    if (file != NULL)
        (void)fclose(file);
    return found;
}

static long find_user(const struct door *door)
{
    struct addrinfo *list = resolve(door->address, door->port);
    struct in6_addr address;
    if (list == NULL)
        return -1;
    if (list->ai_family == AF_INET6)
        address = ((const struct sockaddr_in6 *)(const void *)list->ai_addr)->sin6_addr;
    else
        address = map(((const struct sockaddr_in *)(const void *)list->ai_addr)->sin_addr.s_addr);
    freeaddrinfo(list);
    long uid = find_listener("/proc/self/net/tcp", &address, door->port);
    return uid >= 0 ? uid : find_listener("/proc/self/net/tcp6", &address, door->port);
}

static void name_user(long uid, char *name, size_t size)
{
    const struct passwd *user = uid >= 0 ? getpwuid((uid_t)uid) : NULL;
    (void)snprintf(name, size, "%.40s", user != NULL ? user->pw_name : "another user");
}

static bool is_there(const char *path)
{
    struct stat at;
    return lstat(path, &at) == 0;
}

static unsigned first_free_for_all(void)
{
    unsigned first = IPPORT_RESERVED;
    FILE *file = fopen(FREE_FOR_ALL, "re");
    if (file == NULL || fscanf(file, "%u", &first) != 1)
        first = IPPORT_RESERVED;
    if (file != NULL)
        (void)fclose(file);
    return first;
}

static void __attribute__((format(printf, 4, 5)))
tell(const struct conf *conf, const struct door *door, bool warning, const char *format, ...)
{
    va_list arguments;
    (void)fprintf(stderr, "%s:%d: %s<%s port=\"%u\">: ", conf_file_of(conf, door->line),
                  conf_line_in_file(door->line), warning ? "warning: " : "", door->element,
                  door->port);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
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

static bool is_dicom(const struct door *door)
{
    return strcmp(door->key, "dicom_port") == 0;
}

/* This user may not listen on it. What the node may, its unit or who starts it can still decide: a
 * warning then. */
static int check_privileged(const struct conf *conf, const struct door *door)
{
    char user[48];
    long uid = find_user(door);
    name_user(uid >= 0 ? uid : (long)geteuid(), user, sizeof user);
    bool may_be_systemd = uid == 0 && !is_dicom(door) && is_there(BOOTED);
    if (uid >= 0 && !may_be_systemd) {
        tell(conf, door, false, TAKEN, user);
        return 1;
    }
    if (uid >= 0)
        tell(conf, door, true,
             "a program of %s listens on it; expected systemd, with FileDescriptorName=%s, or a "
             "port that is free",
             user, door->element);
    else if (!is_dicom(door))
        tell(conf, door, true,
             FORBIDDEN "a socket unit with FileDescriptorName=%s, or a higher port", user,
             first_free_for_all(), door->element);
    else if (!is_there(ENABLED_SOCKET))
        tell(conf, door, true,
             FORBIDDEN "systemd to open it (systemctl enable --now cervigate.socket), or a higher "
                       "port",
             user, first_free_for_all());
    return 0;
}

static int check_door(const struct conf *conf, const struct door *door)
{
    char user[48];
    int wrong = door->wanted && door->port != 0 ? try_port(door->address, door->port) : 0;
    bool activated =
        is_dicom(door) && (wrong == EADDRINUSE || wrong == EACCES) && is_there(ACTIVE_SOCKET);
    if (wrong == 0 || activated || is_nodes_own(conf, door))
        return 0;
    if (wrong == EACCES)
        return check_privileged(conf, door);
    if (wrong == EADDRINUSE) {
        name_user(find_user(door), user, sizeof user);
        tell(conf, door, false, TAKEN, user);
    } else {
        tell(conf, door, false, "cannot listen on %s: %s; expected an address of this machine",
             door->address, strerror(wrong));
    }
    return 1;
}

int check_ports(const struct conf *conf)
{
    const struct door doors[] = {{"node", "dicom_port", !conf->tls.only, conf->bind_address,
                                  conf->port, conf_attribute_line(conf, "node", "port")},
                                 {"tls", "tls_port", conf->tls.listen, conf->bind_address,
                                  conf->tls.port, conf_attribute_line(conf, "tls", "port")},
                                 {"console", "console_port", conf->console, conf->console_address,
                                  conf->console_port, conf_attribute_line(conf, "console", "port")},
                                 {"orders", "orders_port", conf->orders.listen,
                                  conf->orders.address, conf->orders.port,
                                  conf_attribute_line(conf, "orders", "port")}};
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
