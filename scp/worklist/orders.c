/* orders: what the site says of its orders goes into the job store, and only then is it
 * acknowledged.
 *
 *   accept [take_caller] -> hearer -> record [take_record] -> store -> answer
 *
 * This process owns the store handle. A hearer has at most one record with it; what comes is
 * checked as what a stranger sends, since it may be one who took the hearer over: it can lie about
 * orders, which its caller can, too. */
#include "orders.h"

#include "clock.h"
#include "confine.h"
#include "hl7_charset.h"
#include "host.h"
#include "keys.h"
#include "log.h"
#include "role.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define LOOK_MS     1000
#define PAUSE_MS    200 /* after a failure of accept */
#define DRAIN_MS    5000
#define PATIENCE_MS 5000 /* for the store: callers wait meanwhile */
#define HERE        "127.0.0.0/8 ::1"

struct orders {
    const struct node *node;
    const struct conf_orders *conf;
    struct store *store;
    struct role_child *hearer;
    struct pollfd *poll; /* the door, then one a hearer */
    size_t hearers;      /* places */
    int64_t accept_at, told_at;
    unsigned untold;
    struct keys_kept keys; /* of <tls>: copies, of which this process knows descriptors only */
    struct orders_heard heard;
};

/* ---- the store ---- */

static bool open_store(struct orders *o)
{
    if (!role_open_store(o->node->conf, &o->store))
        return false;
    store_patience(o->store, PATIENCE_MS);
    return true;
}

static void say(struct orders_answer *answer, enum hl7_code code, const char *why)
{
    answer->code = code;
    (void)snprintf(answer->why, sizeof answer->why, "%s", why);
}

static void store_trouble(struct orders *o)
{
    log_event(LOG_AT_ERROR, "store-failed", "error=%s", log_quote(store_error(o->store)));
    role_close_store(&o->store);
}

static void enter_patients(struct orders *o, struct orders_answer *answer)
{
    struct site_told told;
    const char *issuer = o->conf->issuer != NULL ? o->conf->issuer : "";
    enum store_status status = store_site_patients(o->store, o->heard.message, o->heard.patient,
                                                   o->heard.count, issuer, clock_utc_ms(), &told);
    if (status == STORE_NONE) {
        say(answer, HL7_ERROR, "a patient without an ID of the prior one's assigning authority");
        return;
    }
    if (status != STORE_OK) {
        store_trouble(o);
        return;
    }
    crash_point("orders-entered");
    say(answer, HL7_ACCEPT, "");
    if (told.kept > 0)
        node_wake(o->node->wake_analyze);
    log_event(LOG_AT_INFO, "patients-entered", "patients=%u known=%zu unknown=%zu older=%zu",
              o->heard.count, told.kept, told.unknown, told.older);
}

static void enter_orders(struct orders *o, struct orders_answer *answer)
{
    size_t studies = 0, missing = 0;
    enum store_status status =
        store_site_orders(o->store, o->heard.message, o->heard.order, o->heard.count,
                          clock_utc_ms(), &studies, &missing);
    if (status == STORE_NONE) {
        say(answer, HL7_ERROR, "an order without accession or study, its number is not known");
        return;
    }
    if (status != STORE_OK) {
        store_trouble(o);
        return;
    }
    crash_point("orders-entered");
    say(answer, HL7_ACCEPT, "");
    if (studies > 0)
        node_wake(o->node->wake_analyze);
    log_event(LOG_AT_INFO, "orders-entered", "orders=%u studies=%zu", o->heard.count, studies);
}

static void enter(struct orders *o, struct orders_answer *answer)
{
    say(answer, HL7_ERROR, "the job store cannot be written now");
    if (!open_store(o))
        return;
    crash_point("orders-taken");
    if (o->heard.is_of_patients)
        enter_patients(o, answer);
    else
        enter_orders(o, answer);
}

/* ---- records ---- */

static void take_record(struct orders *o, struct role_child *hearer)
{
    struct orders_answer answer = {.why = ""};
    ssize_t n = recv(hearer->fd, &o->heard, sizeof o->heard, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool good = n > 0 && orders_is_record(&o->heard, (size_t)n);
    if (n > 0 && !good)
        log_event(LOG_AT_ERROR, "hearer-ended", "process=%d reason=nonsense", (int)hearer->pid);
    if (good)
        enter(o, &answer);
    if (!good || send(hearer->fd, &answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT) !=
                     (ssize_t)sizeof answer)
        role_end_child(hearer);
}

/* ---- callers ---- */

/* The key is in the memory of the hearer from here until its handshake is over. */
static void open_tls(struct orders *o, struct caller *caller)
{
    struct dx_error err = {.status = DX_OK};
    if (o->conf->tls && keys_kept_open(o->node->conf, &o->keys, &caller->tls, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "tls-unavailable", "reason=%s", log_quote(err.text));
        _exit(EX_CONFIG);
    }
    keys_kept_close(&o->keys);
}

static void run_hearer(struct orders *o, int caller_fd, int fd, pid_t parent)
{
    struct caller caller = {.fd = caller_fd};
    node_child("cervigated-hea", parent);
    (void)close(o->node->orders_fd);
    for (size_t i = 0; i < o->hearers; i++)
        if (o->hearer[i].fd >= 0)
            (void)close(o->hearer[i].fd);
    log_begin("hearer", o->node->conf);
    open_tls(o, &caller);
    if (!confine(CONFINE_HEARER, NULL, NULL))
        _exit(EX_OSERR);
    _exit(orders_hear(o->conf, &caller, fd));
}

static bool start_hearer(struct orders *o, struct role_child *hearer, int caller)
{
    int fd;
    pid_t parent = getpid();
    pid_t pid = role_fork(hearer, &o->store, &fd);
    if (pid == 0)
        run_hearer(o, caller, fd, parent);
    return pid > 0;
}

/* One line a second, however many come. */
static void tell_refused(struct orders *o, const char *address, const char *why)
{
    int64_t now = clock_monotonic_ms();
    o->untold++;
    if (o->told_at != 0 && now - o->told_at < 1000)
        return;
    log_event(LOG_AT_WARN, "orders-caller-refused", "address=%s reason=%s count=%u", address,
              log_quote(why), o->untold);
    o->told_at = now;
    o->untold = 0;
}

static const char *admit(struct orders *o, const char *address, int caller)
{
    int on = 1;
    if (!conf_address_is_in(address, o->conf->from != NULL ? o->conf->from : HERE))
        return "<orders from> does not have this address";
    if (o->conf->tls && !o->keys.good)
        return "the files of <tls> cannot be used";
    for (size_t i = 0; i < o->hearers; i++)
        if (o->hearer[i].fd < 0) {
            (void)setsockopt(caller, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
            return start_hearer(o, &o->hearer[i], caller) ? NULL : "no process";
        }
    return "<orders connections> are in use";
}

static void take_caller(struct orders *o)
{
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof from;
    char address[64];
    int caller = accept4(o->node->orders_fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
    if (caller < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            log_event(LOG_AT_ERROR, "accept-failed", "error=%s", log_quote(strerror(errno)));
            o->accept_at = clock_monotonic_ms() + PAUSE_MS;
        }
        return;
    }
    host_of((const struct sockaddr *)&from, address);
    const char *why = admit(o, address, caller);
    if (why != NULL)
        tell_refused(o, address, why);
    else
        log_event(LOG_AT_INFO, "orders-caller", "address=%s", address);
    (void)close(caller);
}

/* ---- the role ---- */

/* False: the files of <tls> are being judged, and callers wait with the kernel. */
static bool may_take_callers(struct orders *o)
{
    if (!o->conf->tls)
        return true;
    role_close_store(&o->store); /* they are judged in a child */
    return keys_kept_turn(o->node->conf, &o->keys);
}

static void turn(struct orders *o, bool accepting)
{
    bool pausing = clock_monotonic_ms() < o->accept_at, judging = o->keys.judge.fd >= 0;
    int door = judging ? o->keys.judge.fd : o->node->orders_fd;
    o->poll[0] = (struct pollfd){.fd = accepting && !pausing ? door : -1, .events = POLLIN};
    for (size_t i = 0; i < o->hearers; i++)
        o->poll[i + 1] = (struct pollfd){.fd = o->hearer[i].fd, .events = POLLIN};
    int ready = poll(o->poll, o->hearers + 1, pausing ? PAUSE_MS : LOOK_MS);
    if (judging)
        (void)may_take_callers(o);
    if (ready <= 0)
        return;
    for (size_t i = 0; i < o->hearers; i++)
        if (o->hearer[i].fd >= 0 && o->poll[i + 1].revents != 0)
            take_record(o, &o->hearer[i]);
    if (o->poll[0].revents != 0 && !judging && may_take_callers(o))
        take_caller(o);
}

static bool any_hearer(const struct orders *o)
{
    for (size_t i = 0; i < o->hearers; i++)
        if (o->hearer[i].fd >= 0)
            return true;
    return false;
}

/* Who is in the middle of a message may end it. */
static void drain(struct orders *o)
{
    int64_t until = clock_monotonic_ms() + DRAIN_MS;
    for (size_t i = 0; i < o->hearers; i++)
        if (o->hearer[i].fd >= 0)
            (void)kill(o->hearer[i].pid, SIGTERM);
    while (any_hearer(o) && clock_monotonic_ms() < until)
        turn(o, false);
}

int orders_run(const struct node *node)
{
    static struct orders o;
    char digest[DX_DIGEST_MAX];
    o = (struct orders){.node = node,
                        .conf = &node->conf->orders,
                        .hearers = (size_t)node->conf->orders.connections};
    dx_sha256_take(dx_sha256_create(), digest); /* OpenSSL reads its files while it may */
    hl7_charset_preload();
    if (!confine(CONFINE_ORDERS, node->conf, NULL) || !confine_prepare(CONFINE_HEARER))
        return EX_OSERR;
    int status = 1;
    keys_kept_init(&o.keys);
    if (o.conf->tls)
        (void)keys_kept_turn(node->conf, &o.keys);
    o.hearer = calloc(o.hearers, sizeof *o.hearer);
    o.poll = calloc(o.hearers + 1, sizeof *o.poll);
    if (o.hearer == NULL || o.poll == NULL)
        goto out;
    for (size_t i = 0; i < o.hearers; i++)
        o.hearer[i].fd = -1;
    while (!node_stopping)
        turn(&o, true);
    drain(&o);
    status = 0;
out:
    role_close_store(&o.store);
    free(o.hearer);
    free(o.poll);
    return status;
}
