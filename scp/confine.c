/* The table of roles, and the mechanisms that need no list. */
#include "confine.h"

#include "confine_row.h"
#include "log.h"
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GIB (UINT64_C(1) << 30)

/* Analyze and trial are not in a house of their own: their zygotes, which are older than their
 * confinement, and object children must be killed when they are late; whom else they may signal is
 * the filter's affair.
 *
 * A parent's row holds what its children need: receive's that of association and committer,
 * deliver's that of its senders, announce's that of its criers, inquire's that of its inquirer, the
 * supervisor's everything but new programs. */
static const struct confine_row rows[CONFINE_ROLES] = {
    [CONFINE_SUPERVISOR] = {.name = "supervisor",
                            .may = MAY_OPEN | MAY_FORK | MAY_THREAD | MAY_SIGNAL | MAY_HOLD |
                                   MAY_CONNECT | MAY_LISTEN | MAY_ACCEPT | MAY_CODE,
                            .own_house = true,
                            .path = {{AT_ROOT, CAN_READ},
                                     {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME | CAN_TREE}},
                            .files = 4096,
                            .keeps_ports = true},
    [CONFINE_RECEIVE] = {.name = "receive",
                         .may = MAY_OPEN | MAY_FORK | MAY_SIGNAL | MAY_ACCEPT,
                         .path = {{AT_SYSTEM, CAN_READ},
                                  {AT_KEYS_IN, CAN_READ},
                                  {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME}},
                         .memory = 2 * GIB},
    [CONFINE_ASSOCIATION] = {.name = "association",
                             .may = MAY_OPEN,
                             .listed = true,
                             .own_house = true,
                             .path = {{AT_SYSTEM, CAN_READ},
                                      {AT_INCOMING, CAN_READ | CAN_WRITE | CAN_NAME},
                                      {AT_OBJECTS, CAN_ADD},
                                      {AT_QUARANTINE, CAN_WRITE | CAN_NAME}},
                             .files = 64,
                             .memory = GIB,
                             .cpu_of_association = true},
    [CONFINE_REFUSER] = {.name = "refuser",
                         .listed = true,
                         .own_house = true,
                         .files = 16,
                         .memory = GIB,
                         .cpu_seconds = 10},
    [CONFINE_COMMITTER] = {.name = "committer",
                           .may = MAY_OPEN,
                           .own_house = true,
                           .path = {{AT_SYSTEM, CAN_READ},
                                    {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME}}},
    [CONFINE_ANALYZE] = {.name = "analyze",
                         .may = MAY_OPEN | MAY_THREAD | MAY_HOLD,
                         .path = {{AT_SYSTEM, CAN_READ},
                                  {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME | CAN_TREE},
                                  {AT_MODELS, CAN_READ},
                                  {AT_TEMPLATES, CAN_READ}},
                         .files = 256},
    [CONFINE_ZYGOTE] = {.name = "zygote",
                        .may = MAY_FORK | MAY_SIGNAL,
                        .listed = true,
                        .own_house = true,
                        .files = 64},
    [CONFINE_DELIVER] = {.name = "deliver",
                         .may = MAY_OPEN | MAY_FORK | MAY_SIGNAL | MAY_CONNECT | MAY_CODE,
                         .own_house = true,
                         .path = {{AT_SYSTEM, CAN_READ},
                                  {AT_NAMES, CAN_READ},
                                  {AT_KEYS_OUT, CAN_READ},
                                  {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME}},
                         .memory = 8 * GIB},
    [CONFINE_SENDER] = {.name = "sender",
                        .may = MAY_OPEN | MAY_CONNECT | MAY_CODE,
                        .listed = true,
                        .own_house = true,
                        .path = {{AT_SYSTEM, CAN_READ},
                                 {AT_NAMES, CAN_READ},
                                 {AT_KEYS_OUT, CAN_READ},
                                 {AT_SPOOL, CAN_READ},
                                 {AT_RUN, CAN_READ | CAN_WRITE | CAN_NAME}},
                        .files = 64,
                        .memory = 8 * GIB},
    [CONFINE_ANNOUNCE] = {.name = "announce",
                          .may = MAY_OPEN | MAY_FORK | MAY_SIGNAL | MAY_CONNECT | MAY_CODE,
                          .news = true,
                          .own_house = true,
                          .path = {{AT_SYSTEM, CAN_READ},
                                   {AT_NAMES, CAN_READ},
                                   {AT_NEWS, CAN_READ},
                                   {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME}},
                          .memory = 8 * GIB},
    [CONFINE_CRIER] = {.name = "crier",
                       .may = MAY_OPEN | MAY_CONNECT | MAY_CODE,
                       .listed = true,
                       .news = true,
                       .own_house = true,
                       .path = {{AT_SYSTEM, CAN_READ},
                                {AT_NAMES, CAN_READ},
                                {AT_NEWS, CAN_READ},
                                {AT_SPOOL, CAN_READ}},
                       .files = 64,
                       .memory = GIB},
    [CONFINE_ORDERS] = {.name = "orders",
                        .may = MAY_OPEN | MAY_FORK | MAY_SIGNAL | MAY_ACCEPT,
                        .own_house = true,
                        .path = {{AT_SYSTEM, CAN_READ},
                                 {AT_KEYS_ORDERS, CAN_READ},
                                 {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME}},
                        .memory = 2 * GIB},
    [CONFINE_HEARER] = {.name = "hearer",
                        .listed = true,
                        .own_house = true,
                        .files = 16,
                        .memory = GIB,
                        .cpu_seconds = 3600},
    [CONFINE_INQUIRE] = {.name = "inquire",
                         .may = MAY_OPEN | MAY_FORK | MAY_SIGNAL | MAY_CONNECT | MAY_CODE,
                         .asks = true,
                         .own_house = true,
                         .path = {{AT_SYSTEM, CAN_READ},
                                  {AT_NAMES, CAN_READ},
                                  {AT_KEYS_OUT, CAN_READ},
                                  {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME}},
                         .memory = 8 * GIB},
    [CONFINE_INQUIRER] = {.name = "inquirer",
                          .may = MAY_OPEN | MAY_CONNECT | MAY_CODE,
                          .listed = true,
                          .asks = true,
                          .own_house = true,
                          .path = {{AT_SYSTEM, CAN_READ},
                                   {AT_NAMES, CAN_READ},
                                   {AT_KEYS_OUT, CAN_READ}},
                          .files = 64,
                          .memory = GIB},
    [CONFINE_CONSOLE] = {.name = "console",
                         .may = MAY_OPEN | MAY_ACCEPT,
                         .own_house = true,
                         .path = {{AT_SYSTEM, CAN_READ},
                                  {AT_ACCOUNTS, CAN_READ},
                                  {AT_SPOOL, CAN_READ | CAN_WRITE | CAN_NAME}},
                         .files = 256, /* most <console connections>, and some */
                         .memory = 2 * GIB},
    [CONFINE_AUDIT] = {.name = "audit",
                       .may = MAY_OPEN | MAY_CONNECT | MAY_CODE,
                       .listed = true,
                       .own_house = true,
                       .path = {{AT_SYSTEM, CAN_READ},
                                {AT_NAMES, CAN_READ},
                                {AT_AUDIT, CAN_READ},
                                {AT_AUDIT_SENT, CAN_READ | CAN_WRITE | CAN_NAME}},
                       .files = 64,
                       .memory = GIB},
    [CONFINE_TRIAL] = {.name = "trial",
                       .may = MAY_OPEN | MAY_THREAD | MAY_HOLD,
                       .path = {{AT_SYSTEM, CAN_READ},
                                {AT_MODELS, CAN_READ},
                                {AT_TEMPLATES, CAN_READ}},
                       .files = 64,
                       .memory = 8 * GIB},
    [CONFINE_ADMIN] = {.name = "admin",
                       .may = MAY_OPEN | MAY_FORK | MAY_THREAD | MAY_SIGNAL | MAY_HOLD | MAY_CODE,
                       .own_house = true,
                       .any_path = true},
    [CONFINE_ADMIN_PEER] = {.name = "admin-peer",
                            .may = MAY_OPEN | MAY_FORK | MAY_THREAD | MAY_SIGNAL | MAY_HOLD |
                                   MAY_CONNECT | MAY_LISTEN | MAY_ACCEPT | MAY_CODE,
                            .own_house = true,
                            .any_path = true},
};

static bool limit(__rlimit_resource_t resource, uint64_t most)
{
    struct rlimit value;
    if (getrlimit(resource, &value) != 0)
        return false;
    if (most > value.rlim_max)
        most = value.rlim_max;
    value.rlim_cur = value.rlim_max = most;
    return setrlimit(resource, &value) == 0;
}

/* SIGXCPU first, by which whoever looks knows which limit it was; SIGKILL a second later. */
static bool limit_cpu(uint64_t seconds)
{
    const struct rlimit value = {.rlim_cur = seconds, .rlim_max = seconds + 1};
    return setrlimit(RLIMIT_CPU, &value) == 0;
}

static bool confine_limits(const struct confine_row *row, const struct conf *conf)
{
    uint64_t cpu = row->cpu_of_association && conf != NULL
                       ? (uint64_t)conf->limits.association_cpu_seconds
                       : row->cpu_seconds;
    return limit(RLIMIT_CORE, 0) && (row->files == 0 || limit(RLIMIT_NOFILE, row->files)) &&
           (cpu == 0 || limit_cpu(cpu)) &&
           (row->memory == 0 || SANITIZED || limit(RLIMIT_AS, row->memory));
}

/* A process of root keeps its files' ownership and nothing else of root. */
static bool drop_capabilities(bool keep_ports)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[2];
    if (syscall(SYS_capget, &header, set) != 0)
        return false;
    uint32_t kept = keep_ports ? set[0].permitted & (1u << CAP_NET_BIND_SERVICE) : 0;
    memset(set, 0, sizeof set);
    set[0].permitted = set[0].effective = kept;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* Linux 4.3 */
    return syscall(SYS_capset, &header, set) == 0;
}

static struct sock_fprog prepared[CONFINE_ROLES];

bool confine_prepare(enum confine_role role)
{
    if (prepared[role].len > 0 || confine_compile(&rows[role], &prepared[role]))
        return true;
    log_event(LOG_AT_ERROR, "confine-failed", "name=%s mechanism=%s error=%s", rows[role].name,
              "seccomp", log_quote(strerror(errno)));
    return false;
}

#if SANITIZED
/* LeakSanitizer looks through ptrace and ends a process that it cannot stop: not one that is
 * confined. */
int __lsan_is_turned_off(void);
static bool is_confined;

int __lsan_is_turned_off(void)
{
    return is_confined;
}
#endif

bool confine(enum confine_role role, const struct conf *conf, const struct conf_destination *to)
{
    const struct confine_row *row = &rows[role];
    const char *failed = NULL;
    if (!confine_prepare(role))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        failed = "no-new-privs";
    else if (!row->any_path && !SANITIZED && prctl(PR_SET_DUMPABLE, 0) != 0)
        failed = "dumpable";
    else if (!confine_paths(row, conf, to))
        failed = "landlock";
    else if (!row->any_path && !drop_capabilities(row->keeps_ports))
        failed = "capabilities";
    else if (!confine_limits(row, conf))
        failed = "limits";
    else if (!confine_calls(&prepared[role]))
        failed = "seccomp";
    if (failed != NULL)
        log_event(LOG_AT_ERROR, "confine-failed", "name=%s mechanism=%s error=%s", row->name,
                  failed, log_quote(strerror(errno)));
#if SANITIZED
    is_confined = failed == NULL;
#endif
    return failed == NULL;
}
