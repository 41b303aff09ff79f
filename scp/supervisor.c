/* The supervisor: forks the roles that the configuration wants and keeps them alive.
 *
 *   start -> [start_node] -> running -> SIGTERM -> draining (at most DRAIN_MS) -> exit 0
 *                              |  ^
 *                       SIGHUP v  | [advance_reload]: one role after the other
 *                           reloading
 *
 * A role that dies is started again after a pause that doubles from 0.1 s to 5 s and is forgotten
 * after ten good seconds. On reload receive overlaps: the new process takes the
 * listening socket while the old one lets its associations end by themselves, so none is refused or
 * cut off; while LEAVING_MOST of them still have some, the next one waits for an end. Analyze,
 * deliver and console must never run twice, so the old one ends first: the console's connections
 * wait at the socket, and its sessions stay in memory that both have (console/session.h). No
 * handlers: signals are blocked and waited for. */
#include "supervisor.h"

#include "audit.h"
#include "clock.h"
#include "confine.h"
#include "console/session.h"
#include "keys_shown.h"
#include "listen.h"
#include "log.h"
#include "log_recent.h"
#include "reload.h"
#include "reloaded.h"
#include "spool.h"
#include "start.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define ROLES       9
#define PAUSE_LEAST 100
#define PAUSE_MOST  5000
#define GOOD_MS     10000
#define DRAIN_MS    20000
#define IDLE_MS     5000
/* Each has its committer and at most the limits' associations; what limits time ends them all. */
#define LEAVING_MOST 16

struct role {
    const char *name, *title;
    int (*run)(const struct node *node);
    bool overlaps;
    pid_t pid;                    /* 0: none */
    pid_t leaving[LEAVING_MOST];  /* 0: none; they end when what they serve has ended */
    int64_t started_at, start_at; /* monotonic */
    int64_t kill_at;              /* 0: not asked to stop */
    int pause;
    unsigned died;     /* how often by itself */
    bool renew;        /* by a reload */
    bool told_crowded; /* that it waits for one of `leaving` */
};

struct supervisor {
    struct node node;
    const char *config_path;
    struct role role[ROLES];
    int64_t stop_by; /* 0: running */
    uint64_t watchdog_ms;
    unsigned restarts;
    int landlock;    /* version in use; 0: none */
    pid_t committer; /* receive's child; receive tells by a queued signal */
    struct keys_watch keys;
    struct keys_shown_watch shown;
};

static bool wants(const struct supervisor *s, const struct role *role)
{
    const struct conf *conf = s->node.conf;
    bool console = s->node.console_fd >= 0;
    bool visited = conf->web.accounts != NULL || conf->web.user_header != NULL;
    return role->run == announce_run  ? conf->announcement_count > 0
           : role->run == audit_run   ? conf->audit.host != NULL
           : role->run == orders_run  ? s->node.orders_fd >= 0
           : role->run == inquire_run ? conf->order_query.peer != NULL
           : role->run == trial_run   ? console && visited && conf->web.tries > 0
                                      : role->run != console_run || console;
}

/* "receive_pid=N\n" of each role; "receive_since=UTC\nreceive_died=N\n" of each that runs. */
static void add_roles(const struct supervisor *s, char *text, size_t size)
{
    int64_t now = clock_monotonic_ms(), utc = clock_utc_ms();
    for (int i = 0; i < ROLES; i++) {
        const struct role *role = &s->role[i];
        size_t used = strlen(text);
        used += (size_t)snprintf(text + used, size - used, "%s_pid=%d\n", role->name, role->pid);
        if (wants(s, role))
            (void)snprintf(text + used, size - used, "%s_since=%lld\n%s_died=%u\n", role->name,
                           (long long)(role->pid > 0 ? utc - (now - role->started_at) : 0),
                           role->name, role->died);
    }
}

static void write_run_file(const struct supervisor *s, bool running)
{
    char path[PATH_MAX], text[1536];
    node_path(s->node.conf, path, sizeof path, "run/node");
    (void)snprintf(text, sizeof text,
                   "pid=%d\ndicom_port=%u\ntls_port=%u\nconsole_port=%u\norders_port=%u\n"
                   "committer_pid=%d\ninstance_id=%s\nlandlock=%d\n",
                   running ? (int)getpid() : 0, listen_port(s->node.listen_fd),
                   listen_port(s->node.tls_fd), listen_port(s->node.console_fd),
                   listen_port(s->node.orders_fd), (int)(s->role[0].pid != 0 ? s->committer : 0),
                   s->node.instance_id, s->landlock);
    add_roles(s, text, sizeof text);
    int failed = spool_write_whole(path, text);
    if (failed != 0)
        log_event(LOG_AT_WARN, "run-file-failed", "path=%s error=%s", log_quote(path),
                  log_quote(strerror(-failed)));
}

static void give_up(bool needed, int *fd)
{
    if (!needed && *fd >= 0)
        (void)close(*fd);
    if (!needed)
        *fd = -1;
}

static void run_role(const struct supervisor *s, const struct role *role, pid_t parent)
{
    struct node node = s->node;
    node_child(role->title, parent);
    log_begin(role->name, node.conf);
    give_up(role->run == receive_run, &node.listen_fd);
    give_up(role->run == receive_run, &node.tls_fd);
    give_up(role->run == console_run, &node.console_fd);
    give_up(role->run == console_run, &node.asks_console);
    give_up(role->run == analyze_run, &node.asks_analyze);
    give_up(role->run == orders_run, &node.orders_fd);
    if (role->run != console_run) {
        session_table_destroy(node.sessions);
        node.sessions = NULL;
    }
    give_up(role->run == console_run, &node.trials_console);
    give_up(role->run == trial_run, &node.trials_trial);
    exit(role->run(&node));
}

static void start_role(struct supervisor *s, struct role *role)
{
    pid_t parent = getpid();
    int64_t now = clock_monotonic_ms();
    pid_t pid = fork();
    if (pid == 0)
        run_role(s, role, parent);
    if (pid < 0) {
        log_event(LOG_AT_ERROR, "role-fork-failed", "name=%s error=%s", role->name,
                  log_quote(strerror(errno)));
        role->start_at = now + PAUSE_MOST;
        return;
    }
    crash_point("start-role");
    role->pid = pid;
    role->started_at = now;
    role->kill_at = 0;
    role->renew = false;
    log_event(LOG_AT_INFO, "role-started", "name=%s process=%d", role->name, (int)pid);
}

static void role_died(struct supervisor *s, struct role *role, int status)
{
    int64_t now = clock_monotonic_ms();
    bool asked = role->kill_at != 0;
    role->pid = 0;
    role->kill_at = 0;
    if (now - role->started_at > GOOD_MS)
        role->pause = 0;
    role->start_at = now + (asked ? 0 : role->pause);
    log_event(asked ? LOG_AT_INFO : LOG_AT_ERROR, asked ? "role-ended" : "role-died",
              "name=%s exit=%d signal=%d wait=%d", role->name,
              WIFEXITED(status) ? WEXITSTATUS(status) : -1,
              WIFSIGNALED(status) ? WTERMSIG(status) : 0, asked ? 0 : role->pause);
    if (asked)
        return;
    if (role->run == console_run) /* it may have been writing */
        session_table_clear(s->node.sessions);
    s->restarts++;
    role->died++;
    role->pause = role->pause == 0               ? PAUSE_LEAST
                  : role->pause * 2 < PAUSE_MOST ? role->pause * 2
                                                 : PAUSE_MOST;
}

/* The place of this one among those that leave; 0: a free one. NULL: there is none. */
static pid_t *find_leaving(struct role *role, pid_t pid)
{
    for (int i = 0; i < LEAVING_MOST; i++)
        if (role->leaving[i] == pid)
            return &role->leaving[i];
    return NULL;
}

static bool forget_leaving(struct role *role, pid_t pid)
{
    pid_t *place = find_leaving(role, pid);
    if (place != NULL)
        *place = 0;
    return place != NULL;
}

static void signal_leaving(const struct role *role, int signal)
{
    for (int i = 0; i < LEAVING_MOST; i++)
        if (role->leaving[i] > 0)
            (void)kill(role->leaving[i], signal);
}

static bool reap(struct supervisor *s)
{
    bool changed = false;
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < ROLES; i++) {
            struct role *role = &s->role[i];
            if (role->pid == pid) {
                role_died(s, role, status);
                changed = true;
            } else if (forget_leaving(role, pid)) {
                log_event(LOG_AT_INFO, "role-left", "name=%s process=%d", role->name, (int)pid);
            }
        }
    return changed;
}

static void ask_to_stop(struct role *role, int64_t now)
{
    role->kill_at = now + DRAIN_MS;
    if (role->pid > 0)
        (void)kill(role->pid, SIGTERM);
}

/* The new one beside the old, which takes nobody new and lets who is there end. False: not now. */
static bool overlap(struct supervisor *s, struct role *role)
{
    pid_t old = role->pid, *place = find_leaving(role, 0);
    if (place == NULL && !role->told_crowded)
        log_event(LOG_AT_WARN, "reload-waits", "name=%s leaving=%d", role->name, LEAVING_MOST);
    role->told_crowded = place == NULL;
    if (place == NULL)
        return false;
    start_role(s, role);
    if (role->pid == old)
        return false;
    crash_point("reload-overlapped");
    *place = old;
    (void)kill(old, SIGUSR1);
    write_run_file(s, true);
    return true;
}

/* Goes one step on with a reload; called until no role waits for it. */
static void advance_reload(struct supervisor *s, int64_t now)
{
    for (int i = 0; i < ROLES; i++) {
        struct role *role = &s->role[i];
        if (!role->renew)
            continue;
        if (role->pid == 0) { /* it starts with the new configuration in any case */
            role->renew = false;
        } else if (!role->overlaps || !wants(s, role)) {
            if (role->kill_at == 0)
                ask_to_stop(role, now);
            return;
        } else if (!overlap(s, role) && !role->told_crowded) {
            return;
        }
    }
}

static void enforce(struct supervisor *s, int64_t now)
{
    bool changed = false;
    for (int i = 0; i < ROLES; i++) {
        struct role *role = &s->role[i];
        if (role->pid > 0 && role->kill_at != 0 && now >= role->kill_at) {
            (void)kill(role->pid, SIGKILL);
            role->kill_at = now + DRAIN_MS;
        }
        if (s->stop_by == 0 && role->pid == 0 && now >= role->start_at && wants(s, role)) {
            start_role(s, role);
            changed = true;
        }
    }
    if (changed)
        write_run_file(s, true);
}

static void reload(struct supervisor *s, const char *who)
{
    if (!reload_configuration(&s->node, s->config_path, who))
        return;
    s->keys.looked = s->shown.looked = false;
    for (int i = 0; i < ROLES; i++)
        s->role[i].renew = true;
}

static void begin_stop(struct supervisor *s, int64_t now)
{
    if (s->stop_by != 0) { /* asked twice: at once */
        s->stop_by = now;
        return;
    }
    (void)sd_notify(0, "STOPPING=1\nSTATUS=ending associations and deliveries");
    log_event(LOG_AT_INFO, "stopping", "within=%d", DRAIN_MS / 1000);
    s->stop_by = now + DRAIN_MS;
    for (int i = 0; i < ROLES; i++) {
        ask_to_stop(&s->role[i], now);
        signal_leaving(&s->role[i], SIGTERM);
    }
    crash_point("stop-asked");
}

static bool any_alive(const struct supervisor *s)
{
    for (int i = 0; i < ROLES; i++) {
        if (s->role[i].pid > 0)
            return true;
        for (int j = 0; j < LEAVING_MOST; j++)
            if (s->role[i].leaving[j] > 0)
                return true;
    }
    return false;
}

static void kill_all(const struct supervisor *s)
{
    for (int i = 0; i < ROLES; i++) {
        if (s->role[i].pid > 0)
            (void)kill(s->role[i].pid, SIGKILL);
        signal_leaving(&s->role[i], SIGKILL);
    }
}

static void tell_status(const struct supervisor *s)
{
    (void)sd_notifyf(0, "WATCHDOG=1\nSTATUS=mode %s, DICOM port %u, %u role restarts",
                     conf_mode_name(node_mode(s->node.conf)), listen_port(s->node.listen_fd),
                     s->restarts);
}

/* Milliseconds until something is due by itself. */
static int64_t until_next(const struct supervisor *s, int64_t now)
{
    int64_t next = now + IDLE_MS;
    if (s->watchdog_ms > 0 && now + (int64_t)s->watchdog_ms / 2 < next)
        next = now + (int64_t)s->watchdog_ms / 2;
    if (s->stop_by != 0 && s->stop_by < next)
        next = s->stop_by;
    for (int i = 0; i < ROLES; i++) {
        const struct role *role = &s->role[i];
        if (s->stop_by == 0 && role->pid == 0 && wants(s, role) && role->start_at < next)
            next = role->start_at;
        if (role->kill_at != 0 && role->kill_at < next)
            next = role->kill_at;
    }
    return next > now ? next - now : 0;
}

static void wait_and_handle(struct supervisor *s, const sigset_t *signals)
{
    int64_t now = clock_monotonic_ms();
    int64_t ms = until_next(s, now);
    struct timespec timeout = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    siginfo_t info;
    int signal = sigtimedwait(signals, &info, &timeout);
    now = clock_monotonic_ms();
    if (signal == SIGRTMIN && info.si_code == SI_QUEUE && info.si_pid == s->role[0].pid) {
        s->committer = info.si_value.sival_int;
        write_run_file(s, true);
    }
    if (signal == SIGTERM || signal == SIGINT)
        begin_stop(s, now);
    char who[64];
    if (signal == SIGHUP && s->stop_by == 0) {
        reload_name_user(&info, who);
        reload(s, who);
    }
    if (s->stop_by == 0 && reload_take_order(s->node.conf, who))
        reload(s, who);
    if (reap(s) && s->stop_by == 0)
        write_run_file(s, true);
    if (s->stop_by == 0)
        advance_reload(s, now);
    enforce(s, now);
    keys_watch_turn(s->node.conf, &s->keys);
    keys_shown_turn(s->node.conf, &s->shown);
    tell_status(s);
}

static int run(struct supervisor *s, int ready_fd)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGRTMIN);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);

    uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) > 0)
        s->watchdog_ms = microseconds / 1000;
    audit_application(s->node.conf, true);
    (void)audit_configuration(s->node.conf, "unknown: changed while the node did not run");
    enforce(s, clock_monotonic_ms());
    keys_watch_turn(s->node.conf, &s->keys);
    keys_shown_turn(s->node.conf, &s->shown);
    (void)sd_notify(0, "READY=1");
    if (ready_fd >= 0) {
        ssize_t n = write(ready_fd, "1", 1);
        (void)n;
        (void)close(ready_fd);
    }

    while (s->stop_by == 0 || any_alive(s)) {
        wait_and_handle(s, &signals);
        if (s->stop_by != 0 && clock_monotonic_ms() >= s->stop_by)
            kill_all(s);
    }
    write_run_file(s, false);
    audit_application(s->node.conf, false);
    log_event(LOG_AT_INFO, "stopped", "restarts=%u", s->restarts);
    return 0;
}

/* SQLite sorts what is large in a file: in the spool, like all that is a patient's. */
static bool keep_sorting_inside(const struct conf *conf)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "run");
    return setenv("SQLITE_TMPDIR", path, 1) == 0;
}

/* Before the first role: what is forbidden here is so for all. */
static bool isolate(struct supervisor *s)
{
    s->landlock = confine_landlock();
    if (s->landlock == 0)
        log_event(
            LOG_AT_WARN, "isolation-partial",
            "missing=landlock reason=\"this kernel has no Landlock that can be used: files and "
            "ports are not restricted by role; seccomp and limits are\"");
    else
        log_event(LOG_AT_INFO, "isolation", "landlock=%d", s->landlock);
    return confine(CONFINE_SUPERVISOR, s->node.conf, NULL);
}

int supervisor_run(const char *config_path, int ready_fd)
{
    int status = 0, lock_fd = -1;
    struct supervisor s = {
        .config_path = config_path,
        .role =
            {{.name = "receive", .title = "cervigated-rcv", .run = receive_run, .overlaps = true},
             {.name = "analyze", .title = "cervigated-ana", .run = analyze_run},
             {.name = "deliver", .title = "cervigated-dlv", .run = deliver_run},
             {.name = "console", .title = "cervigated-con", .run = console_run},
             {.name = "audit", .title = "cervigated-aud", .run = audit_run},
             {.name = "announce", .title = "cervigated-ann", .run = announce_run},
             {.name = "orders", .title = "cervigated-ord", .run = orders_run},
             {.name = "inquire", .title = "cervigated-inq", .run = inquire_run},
             {.name = "trial", .title = "cervigated-try", .run = trial_run}},
    };
    (void)umask(077);
    s.node.conf = start_conf(config_path, NULL, &status, NULL);
    if (s.node.conf == NULL)
        return status;
    log_begin("supervisor", s.node.conf);
    if (!keep_sorting_inside(s.node.conf))
        return EX_OSERR;
    status = start_node(&s.node, &lock_fd);
    if (status == 0) {
        log_recent_open(s.node.conf);
        log_event(LOG_AT_INFO, "start",
                  "version=" CERVIGATE_VERSION " instance=%s mode=%s dicom_port=%u tls_port=%u "
                  "console_port=%u orders_port=%u",
                  s.node.instance_id, conf_mode_name(node_mode(s.node.conf)),
                  listen_port(s.node.listen_fd), listen_port(s.node.tls_fd),
                  listen_port(s.node.console_fd), listen_port(s.node.orders_fd));
        status = isolate(&s) ? run(&s, ready_fd) : EX_OSERR;
    }
    conf_destroy((struct conf *)s.node.conf);
    return status;
}
