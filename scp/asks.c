/* The request socket. */
#include "asks.h"

#include "audit.h"
#include "clock.h"
#include "dx_uid.h"
#include "log.h"
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

/* Believes nothing: texts end, the kind is one that a page may ask for, the UID is one. */
static bool is_ask(const struct ask *ask)
{
    if (memchr(ask->uid, '\0', sizeof ask->uid) == NULL ||
        memchr(ask->who, '\0', sizeof ask->who) == NULL)
        return false;
    for (const char *c = ask->who; *c != '\0'; c++)
        if (*c < 0x21 || *c > 0x7e)
            return false;
    if (ask->kind == ASK_MODE)
        return ask->mode <= CONF_CLINICAL;
    return ask->kind < ASK_KINDS && dx_uid_is_valid(ask->uid);
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
    static const enum request_kind kinds[ASK_KINDS] = {
        [ASK_READ] = REQUEST_READ,         [ASK_UNREAD] = REQUEST_UNREAD,
        [ASK_MODE] = REQUEST_KINDS,        [ASK_AGREE] = REQUEST_AGREE,
        [ASK_DISAGREE] = REQUEST_DISAGREE, [ASK_UNSAY] = REQUEST_UNSAY};
    struct request request = {.kind = kinds[ask->kind], .asked_ms = clock_utc_ms()};
    (void)snprintf(request.uid, sizeof request.uid, "%s", ask->uid);
    (void)snprintf(request.who, sizeof request.who, "%s", ask->who);
    enum store_status status = store_add_request(store, &request);
    taken->request = status == STORE_OK ? request.id : 0;
    return status;
}

enum store_status asks_take(const struct node *node, struct store *store)
{
    struct ask ask;
    ssize_t n;
    enum store_status status = STORE_OK;
    while (status == STORE_OK &&
           (n = recv(node->asks_analyze, &ask, sizeof ask, MSG_DONTWAIT)) >= 0) {
        struct ask_taken taken = {.ticket = n == (ssize_t)sizeof ask ? ask.ticket : 0};
        if (n != (ssize_t)sizeof ask || !is_ask(&ask))
            log_event(LOG_AT_ERROR, "ask-refused", "bytes=%zd error=%s", n,
                      log_quote("the console sent what is no request"));
        else if (ask.kind == ASK_MODE)
            change_mode(node->conf, &ask, &taken);
        else
            status = enter(store, &ask, &taken);
        (void)send(node->asks_analyze, &taken, sizeof taken, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return status;
}
