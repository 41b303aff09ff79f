/* node.h: what the roles share after the supervisor forked them, and their entries.
 *
 * cervigated (supervisor.c) opens the sockets and the lock, then forks receive, analyze, deliver
 * and, where the configuration has them, console, audit, announce, orders, inquire and trial; a
 * role that dies is started again after a pause; if the supervisor dies its roles die (PDEATHSIG).
 * Roles share nothing but the spool, the job store, three eventfds that say "look", and the
 * console's socket pairs to analyze (asks.h) and to trial (trial.h).
 *
 * Threads: one of each process runs the node's code; where images are judged and pictures drawn,
 * nn_pool's workers (nn_run.h) run the tasks that it gives them. So what a header of scp/ declares
 * is for that one thread unless it says otherwise; and what a call is given stays the caller's. */
#ifndef NODE_H
#define NODE_H

#include "conf.h"
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct srt_template;
struct session_table;

struct node {
    const struct conf *conf;
    int listen_fd;    /* DICOM, bound and listening; -1 in other roles than receive, or TLS only */
    int tls_fd;       /* DICOM over TLS; -1 when off, and in other roles */
    int console_fd;   /* HTTP; -1 when off */
    int orders_fd;    /* HL7; -1 when off, and in other roles */
    int wake_analyze; /* eventfds, non-blocking */
    int wake_deliver;
    int wake_announce;
    int asks_console; /* the request socket (asks.h): the console's end, and analyze's */
    int asks_analyze;
    int trials_console; /* files that are tried (trial.h): the console's end, and trial's */
    int trials_trial;
    struct session_table *sessions; /* console/session.h: outlives a reload; NULL in other roles */
    char instance_id[37];           /* random UUID of this start, in logs and /healthz */
};

/* Each returns the process's exit status. They are called with no signal blocked, SIGTERM setting
 * node_stopping (without SA_RESTART: blocking calls return EINTR), SIGPIPE, SIGHUP and SIGINT
 * ignored, and SIGKILL for the parent's death. */
int receive_run(const struct node *node);
int analyze_run(const struct node *node);
int deliver_run(const struct node *node);
int console_run(const struct node *node);
int announce_run(const struct node *node); /* where the configuration has announcements */
int orders_run(const struct node *node);   /* where the site's orders are listened to */
int inquire_run(const struct node *node);  /* where a worklist is asked for them */
int trial_run(const struct node *node);    /* where images may be tried on the console */
int audit_run(const struct node *node);    /* where the audit log has a collector */

extern volatile sig_atomic_t node_stopping;
/* SIGUSR1: another one of its role has taken over; it ends with what it still serves. Only receive
 * is asked so. */
extern volatile sig_atomic_t node_leaving;

/* After fork, in the child: dies with its parent (SIGKILL), is named `title` (15 characters) in
 * process lists, handles signals as said above. Exits when the parent is gone already. */
void node_child(const char *title, pid_t parent);

/* Adds one to an eventfd / empties it; never blocks. */
void node_wake(int eventfd);
void node_drain(int eventfd);

/* Names of what lives below conf->spool (created 0700 by supervisor.c):
 *   incoming/            objects being received; emptied at start
 *   objects/ab/DIGEST.dcm  received objects, by SHA-256 of the dataset
 *   results/UID.dcm      our SR and SC
 *   quarantine/          bytes that were refused, with a .txt beside that says why
 *   jobs.sqlite          the job store
 *   selftest/            what is known of each model, by its digest (cervigate selftest --lock)
 *   node-id              this node's name for itself, in the UIDs of its results
 *   audit/               the audit log (audit_log.h); audit/sent/: how far its collector has it
 *   mode                 the mode in force when changed at run time
 *   restoring            while `cervigate restore` replaces all this
 *   run/                 of the running node: lock; recent (log_recent.h); keys (keys.h); node
 * (key=value lines: pid, dicom_port, tls_port, console_port, orders_port, receive_pid,
 *                        committer_pid, analyze_pid, deliver_pid, console_pid, audit_pid,
 *                        announce_pid, orders_pid, inquire_pid, trial_pid, instance_id, landlock;
 *                        replaced whenever one changes; pid 0: not running)
 * path is empty when it does not fit. */
void node_path(const struct conf *conf, char *path, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The mode in force: spool/mode if it was changed by `cervigate mode`, else the configuration's.
 * Anything unreadable is shadow. Cheap: called before every send. */
enum conf_mode node_mode(const struct conf *conf);
/* The same for who decides once and for all: false, with errno and shadow in *mode, when spool/mode
 * cannot be read now (no descriptor, a disk's error) and may be in a moment. */
bool node_mode_read(const struct conf *conf, enum conf_mode *mode);
/* Whether the report's template and each configured model can be opened, the report has a code for
 * each of their findings, and they may be used in `mode`: clinical needs models none of which is of
 * synthetic provenance and each of which has a validation. error gets a sentence when not. */
bool mode_allowed(const struct conf *conf, enum conf_mode mode, char *error, size_t error_size);
/* The same of conf->models[model] alone; template_ NULL: the report's codes are not looked at. */
bool mode_model_allowed(const struct conf *conf, size_t model, enum conf_mode mode,
                        const struct srt_template *template_, char *error, size_t error_size);
/* Changes the mode in force of this spool's node, durably (`cervigate mode`). Refuses clinical when
 * a model does not allow it. */
bool mode_set(const struct conf *conf, enum conf_mode mode, char *error, size_t error_size);

/* Test hook: the environment variable CERVIGATE_CRASH=name[:n] makes the process kill itself
 * (SIGKILL) at the n-th time it passes the named point; CERVIGATE_CRASH_MARK=FILE limits that to
 * once in the node's life; CERVIGATE_CRASH_ARMS=FILE arms points while it runs. Names and the
 * file's form are in crash.c. */
void crash_point(const char *name);

#endif
