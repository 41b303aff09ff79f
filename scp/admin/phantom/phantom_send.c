#include "phantom_send.h"
#include "clock.h"
#include "command.h"
#include "dx_init.h"
#include "peer.h"
#include "phantom_modality.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define MOST_MODALITIES 64
#define LATE            2000 /* milliseconds that are worth a word */

struct department {
    const struct phantom_options *options;
    struct phantom_peer peer;
    pid_t modality[MOST_MODALITIES];
    int modalities;
    int signals, outcomes; /* descriptors */
    bool stopping;
    int64_t begin_ms, late; /* late: the most that a study was */
    long studies, stored, refused, lost, broken;
    double megabytes;
};

static int told_wrong(const char *text)
{
    fprintf(stderr,
            "cervigate phantom: --send %s: a configured peer or AE_TITLE@HOST:PORT is expected\n",
            text);
    return EX_USAGE;
}

/* AE_TITLE@HOST:PORT; a host in brackets is taken without them. */
static int parse_address(const char *text, struct phantom_peer *peer)
{
    const char *at = strchr(text, '@'), *colon = strrchr(text, ':');
    char *end;

    if (!colon || colon < at)
        return told_wrong(text);
    const char *host = at + 1, *host_end = colon;
    if (*host == '[' && host_end[-1] == ']') {
        host++;
        host_end--;
    }
    long port = strtol(colon + 1, &end, 10);
    size_t title = (size_t)(at - text), length = host_end > host ? (size_t)(host_end - host) : 0;
    if (title == 0 || title >= sizeof peer->ae_title || length == 0 ||
        length >= sizeof peer->host || end == colon + 1 || *end != '\0' || port < 1 ||
        port > UINT16_MAX)
        return told_wrong(text);
    memcpy(peer->ae_title, text, title);
    memcpy(peer->host, host, length);
    peer->port = (uint16_t)port;
    return EX_OK;
}

static int find_peer(const struct phantom_options *o, struct phantom_peer *peer)
{
    int status = EX_OK;

    *peer = (struct phantom_peer){.port = 0};
    if (strchr(o->send, '@'))
        return parse_address(o->send, peer);
    struct conf *conf = admin_conf(o->config, &status);
    if (!conf)
        return status;
    const struct conf_peer *found = peer_find(conf, o->send);
    if (found && found->url) {
        fprintf(stderr, "cervigate phantom: %s is reached by DICOMweb; a modality sends by DICOM\n",
                found->name);
        found = NULL;
    }
    if (found) {
        peer->configured = found;
        snprintf(peer->ae_title, sizeof peer->ae_title, "%s", found->ae_title);
        snprintf(peer->host, sizeof peer->host, "%s", found->host);
        peer->port = found->port;
    }
    peer->conf = conf;
    return found ? EX_OK : EX_USAGE;
}

/* A peer that is down or does not want us is told before anything is drawn. */
static int try_peer(const struct phantom_peer *peer)
{
    struct dx_scu *scu = NULL;
    struct dx_error err = {0};

    if (dx_init(NULL, NULL, &err) != DX_OK) {
        fprintf(stderr, "cervigate phantom: %s\n", err.text);
        return EX_SOFTWARE;
    }
    enum dx_status status = phantom_modality_open(peer, 0, NULL, 0, &scu, &err);
    if (status == DX_OK)
        status = dx_scu_echo(scu, &err);
    dx_scu_close(scu);
    if (status == DX_OK || status == DX_NO_CONTEXT) /* who stores may know no Verification */
        return EX_OK;
    fprintf(stderr, "cervigate phantom: %s\n", err.text);
    return status == DX_REFUSED ? 1 : EX_UNAVAILABLE;
}

static void stop(struct department *d)
{
    for (int m = 0; m < d->modalities; m++)
        (void)kill(d->modality[m], d->stopping ? SIGKILL : SIGTERM);
    d->stopping = true;
}

/* A process group of its own: a terminal's interrupt is for the department alone. */
static int run_modality(const struct department *d, int modality, pid_t parent, int fd)
{
    (void)setpgid(0, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        return EX_OK;
    return phantom_modality_run(d->options, &d->peer, modality, d->begin_ms, fd);
}

static bool begin(struct department *d)
{
    sigset_t set;
    int ends[2];
    pid_t self = getpid();

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    d->signals = signalfd(-1, &set, SFD_CLOEXEC);
    d->outcomes = ends[0];
    d->begin_ms = clock_monotonic_ms();
    fflush(stdout);
    for (int m = 0; d->signals >= 0 && m < d->options->modalities; m++) {
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            close(d->signals);
            _exit(run_modality(d, m, self, ends[1]));
        }
        if (child < 0)
            break;
        d->modality[d->modalities++] = child;
    }
    close(ends[1]);
    return d->modalities == d->options->modalities;
}

static const char *word_of(enum phantom_end end)
{
    static const char *const words[] = {
        [PHANTOM_SENT] = "sent",       [PHANTOM_REFUSED] = "refused", [PHANTOM_LOST] = "lost",
        [PHANTOM_STOPPED] = "stopped", [PHANTOM_BROKEN] = "broken",
    };

    return words[end];
}

static void tell(const struct department *d, const struct phantom_outcome *o)
{
    char name[DX_AE_MAX];

    phantom_modality_name(o->modality, name);
    if (d->options->json) {
        (void)command_print(
            json_pack("{s:I, s:s, s:s, s:I, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:s}", "study",
                      (json_int_t)o->index, "uid", o->uid, "modality", name, "patient",
                      (json_int_t)o->patient, "subjects", o->subjects, "outcome", word_of(o->end),
                      "images", o->views, "stored", o->stored, "refused", o->refused, "bytes",
                      (json_int_t)o->bytes, "milliseconds", (json_int_t)o->milliseconds,
                      "late_milliseconds", (json_int_t)o->late, "error", o->error));
    } else {
        printf("study %" PRIu64 "  %s  PHANTOM-%05" PRIu64
               "  %s: %d of %d stored, %.1f MB, %" PRId64 " ms%s%s\n",
               o->index, name, o->patient, o->subjects, o->stored, o->views, (double)o->bytes / 1e6,
               o->milliseconds, o->end == PHANTOM_SENT ? "" : ", ",
               o->end == PHANTOM_SENT ? "" : word_of(o->end));
    }
    fflush(stdout);
    if (o->error[0] != '\0')
        fprintf(stderr, "cervigate phantom: study %" PRIu64 ", %s: %s\n", o->index, name, o->error);
}

static void count(struct department *d, const struct phantom_outcome *o)
{
    d->studies++;
    d->stored += o->stored;
    d->refused += o->refused;
    d->megabytes += (double)o->bytes / 1e6;
    d->late = o->late > d->late ? o->late : d->late;
    if (o->end == PHANTOM_LOST || o->end == PHANTOM_STOPPED)
        d->lost += o->views - o->stored - o->refused;
    else if (o->end == PHANTOM_BROKEN)
        d->broken++;
}

/* Until all modalities have gone home. */
static void follow(struct department *d)
{
    struct pollfd wait[2] = {{.fd = d->outcomes, .events = POLLIN},
                             {.fd = d->signals, .events = POLLIN}};
    struct phantom_outcome outcome;
    struct signalfd_siginfo info;

    for (;;) {
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            return;
        if (wait[1].revents && read(d->signals, &info, sizeof info) == (ssize_t)sizeof info)
            stop(d);
        if (!wait[0].revents)
            continue;
        if (read(d->outcomes, &outcome, sizeof outcome) != (ssize_t)sizeof outcome)
            return;
        count(d, &outcome);
        tell(d, &outcome);
    }
}

/* False when one did not end by itself. */
static bool end(struct department *d)
{
    bool well = true;

    for (int m = 0; m < d->modalities; m++) {
        int status = 0;
        pid_t ended = waitpid(d->modality[m], &status, 0);
        if (ended == d->modality[m] && WIFEXITED(status) && WEXITSTATUS(status) == EX_OK)
            continue;
        fprintf(stderr, "cervigate phantom: MOD%d ended by itself (status %d)\n", m + 1, status);
        well = false;
    }
    close(d->outcomes);
    close(d->signals);
    return well;
}

static void summarize(const struct department *d)
{
    double seconds = (double)(clock_monotonic_ms() - d->begin_ms + 1) / 1000;

    if (d->options->json)
        (void)command_print(json_pack(
            "{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:b}", "studies", (json_int_t)d->studies,
            "stored", (json_int_t)d->stored, "refused", (json_int_t)d->refused, "lost",
            (json_int_t)d->lost, "megabytes", d->megabytes, "seconds", seconds,
            "studies_per_second", (double)d->studies / seconds, "most_late_milliseconds",
            (json_int_t)d->late, "seed", (json_int_t)d->options->seed, "stopped", d->stopping));
    else
        printf("%ld studies in %.1f s (%.2f/s), seed %ld: %ld images stored (%.1f MB), %ld "
               "refused, %ld not sent\n",
               d->studies, seconds, (double)d->studies / seconds, d->options->seed, d->stored,
               d->megabytes, d->refused, d->lost);
    if (d->late > LATE)
        fprintf(stderr,
                "cervigate phantom: studies began up to %.1f s late: the rate is more than this "
                "machine or the peer can do (--size, --modalities)\n",
                (double)d->late / 1000);
}

static int work(struct department *d)
{
    bool begun = begin(d);

    if (!begun) {
        fprintf(stderr, "cervigate phantom: cannot start the modalities: %s\n", strerror(errno));
        stop(d);
    }
    if (d->modalities > 0)
        follow(d);
    bool well = end(d);
    summarize(d);
    if (!begun || !well || d->broken > 0)
        return EX_SOFTWARE;
    if (d->lost > 0 && !d->stopping)
        return EX_UNAVAILABLE;
    return d->refused > 0 ? 1 : EX_OK;
}

int phantom_send(const struct phantom_options *o)
{
    struct department d = {.options = o};
    int status = find_peer(o, &d.peer);

    if (status == EX_OK)
        status = try_peer(&d.peer);
    if (status == EX_OK)
        status = work(&d);
    conf_destroy(d.peer.conf);
    return status;
}
