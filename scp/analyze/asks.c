/* The request socket. */
#include "asks.h"

#include "audit.h"
#include "clock.h"
#include "dx_uid.h"
#include "echo_desk.h"
#include "log.h"
#include "reloaded.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool asks_send(const struct node *node, const struct ask *ask)
{
    ssize_t sent = send(node->asks_console, ask, sizeof *ask, MSG_DONTWAIT | MSG_NOSIGNAL);
    node_wake(node->wake_analyze);
    return sent == (ssize_t)sizeof *ask;
}

bool asks_receive(const struct node *node, struct ask_taken *taken)
{
    return recv(node->asks_console, taken, sizeof *taken, MSG_DONTWAIT) == (ssize_t)sizeof *taken;
}

static bool is_printable(const char *text, size_t size)
{
    if (memchr(text, '\0', size) == NULL)
        return false;
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

/* "7"; "d7" where `letters` has a d, "q" and 32 hexadecimal digits where it has a q. */
static bool is_job(const char *subject, const char *letters)
{
    bool named = subject[0] != '\0' && strchr(letters, subject[0]) != NULL;
    if (named && subject[0] == 'q')
        return strspn(subject + 1, "0123456789abcdef") == 32 && subject[33] == '\0';
    subject += named;
    size_t digits = strspn(subject, "0123456789");
    return digits > 0 && digits < 19 && subject[digits] == '\0' && subject[0] != '0';
}

static bool is_of_study(enum ask_kind kind)
{
    return kind == ASK_READ || kind == ASK_UNREAD || kind == ASK_AGREE || kind == ASK_DISAGREE ||
           kind == ASK_UNSAY;
}

/* Believes nothing: texts end, the kind is one that a page may ask for, what it is about can be. */
static bool is_ask(const struct conf *conf, const struct ask *ask)
{
    if (memchr(ask->uid, '\0', sizeof ask->uid) == NULL ||
        !is_printable(ask->who, sizeof ask->who) || strchr(ask->who, ' ') != NULL ||
        !is_printable(ask->subject, sizeof ask->subject))
        return false;
    switch ((enum ask_kind)ask->kind) {
    case ASK_READ:
    case ASK_UNREAD:
    case ASK_AGREE:
    case ASK_DISAGREE:
    case ASK_UNSAY:
        return dx_uid_is_valid(ask->uid);
    case ASK_MODE:
        return ask->mode <= CONF_CLINICAL;
    case ASK_RETRY:
        return is_job(ask->subject, "");
    case ASK_RELEASE:
    case ASK_CANCEL:
        return is_job(ask->subject, "d");
    case ASK_DISCARD:
        return is_job(ask->subject, "q");
    case ASK_ECHO:
        return echo_desk_knows(conf, ask->subject);
    case ASK_SELFTEST:
    case ASK_RELOAD:
        return true;
    case ASK_KINDS:
        break;
    }
    return false;
}

static void change_mode(const struct conf *conf, const struct ask *ask, struct ask_taken *taken)
{
    char error[256] = "";
    enum conf_mode was = node_mode(conf), mode = (enum conf_mode)ask->mode;
    bool done = mode_set(conf, mode, error, sizeof error);
    (void)audit_mode(conf, ask->who, was, mode, done ? NULL : error);
    log_event(done ? LOG_AT_WARN : LOG_AT_ERROR, "mode", "from=%s to=%s who=%s error=%s",
              conf_mode_name(was), conf_mode_name(mode), log_quote(ask->who), log_quote(error));
    (void)snprintf(taken->answer, sizeof taken->answer, "%s", done ? ASKS_DONE : error);
}

static enum store_status enter(struct store *store, const struct ask *ask, struct ask_taken *taken)
{
    static const enum request_kind kinds[] = {
        [ASK_READ] = REQUEST_READ,         [ASK_UNREAD] = REQUEST_UNREAD,
        [ASK_RETRY] = REQUEST_RETRY,       [ASK_RELEASE] = REQUEST_RELEASE,
        [ASK_CANCEL] = REQUEST_CANCEL,     [ASK_DISCARD] = REQUEST_DISCARD,
        [ASK_ECHO] = REQUEST_ECHO,         [ASK_AGREE] = REQUEST_AGREE,
        [ASK_DISAGREE] = REQUEST_DISAGREE, [ASK_UNSAY] = REQUEST_UNSAY};
    struct request request = {.kind = kinds[ask->kind], .asked_ms = clock_utc_ms()};
    if (is_of_study((enum ask_kind)ask->kind))
        (void)snprintf(request.uid, sizeof request.uid, "%s", ask->uid);
    else
        (void)snprintf(request.subject, sizeof request.subject, "%s", ask->subject);
    (void)snprintf(request.who, sizeof request.who, "%s", ask->who);
    enum store_status status = store_add_request(store, &request);
    taken->request = status == STORE_OK ? request.id : 0;
    return status;
}

/* Answered by another role: that it was asked for is told here. */
static enum store_status enter_echo(const struct node *node, struct store *store,
                                    const struct ask *ask, struct ask_taken *taken)
{
    enum store_status status = enter(store, ask, taken);
    if (status != STORE_OK)
        return status;
    audit_ordered(node->conf, ask->who, "echo", ask->subject, "asked");
    node_wake(node->wake_deliver);
    node_wake(node->wake_announce);
    return STORE_OK;
}

static void order_selftest(const struct node *node, const struct ask *ask, struct ask_taken *taken,
                           bool *selftest)
{
    *selftest = true;
    node_wake(node->wake_analyze); /* it is tested at the next turn */
    audit_ordered(node->conf, ask->who, "selftest", "selftest", "begins");
    log_event(LOG_AT_INFO, "selftest-ordered", "who=%s", log_quote(ask->who));
    (void)snprintf(taken->answer, sizeof taken->answer, "%s", ASKS_DONE);
}

static void order_reload(const struct node *node, const struct ask *ask, struct ask_taken *taken)
{
    bool ordered = reload_order(node->conf, ask->who);
    audit_ordered(node->conf, ask->who, "reload", node->conf->path,
                  ordered ? "begins" : "could not be written down");
    log_event(ordered ? LOG_AT_INFO : LOG_AT_ERROR, "reload-ordered", "who=%s",
              log_quote(ask->who));
    (void)snprintf(taken->answer, sizeof taken->answer, "%s",
                   ordered ? ASKS_DONE : "the order could not be written below the spool");
}

enum store_status asks_take(const struct node *node, struct store *store, bool *selftest)
{
    struct ask ask;
    ssize_t n;
    enum store_status status = STORE_OK;
    *selftest = false;
    while (status == STORE_OK &&
           (n = recv(node->asks_analyze, &ask, sizeof ask, MSG_DONTWAIT)) >= 0) {
        struct ask_taken taken = {.ticket = n == (ssize_t)sizeof ask ? ask.ticket : 0};
        if (n != (ssize_t)sizeof ask || !is_ask(node->conf, &ask))
            log_event(LOG_AT_ERROR, "ask-refused", "bytes=%zd error=%s", n,
                      log_quote("the console sent what is no request"));
        else if (ask.kind == ASK_MODE)
            change_mode(node->conf, &ask, &taken);
        else if (ask.kind == ASK_SELFTEST)
            order_selftest(node, &ask, &taken, selftest);
        else if (ask.kind == ASK_RELOAD)
            order_reload(node, &ask, &taken);
        else if (ask.kind == ASK_ECHO)
            status = enter_echo(node, store, &ask, &taken);
        else
            status = enter(store, &ask, &taken);
        (void)send(node->asks_analyze, &taken, sizeof taken, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return status;
}
