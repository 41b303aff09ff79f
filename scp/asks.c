/* The request socket. */
#include "asks.h"

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
static bool is_ask(struct ask *ask)
{
    if (memchr(ask->uid, '\0', sizeof ask->uid) == NULL ||
        memchr(ask->who, '\0', sizeof ask->who) == NULL)
        return false;
    for (const char *c = ask->who; *c != '\0'; c++)
        if (*c < 0x21 || *c > 0x7e)
            return false;
    return (ask->kind == REQUEST_READ || ask->kind == REQUEST_UNREAD) && dx_uid_is_valid(ask->uid);
}

enum store_status asks_take(const struct node *node, struct store *store)
{
    struct ask ask;
    ssize_t n;
    enum store_status status = STORE_OK;
    while (status == STORE_OK &&
           (n = recv(node->asks_analyze, &ask, sizeof ask, MSG_DONTWAIT)) >= 0) {
        struct ask_taken taken = {.ticket = n == (ssize_t)sizeof ask ? ask.ticket : 0};
        if (n == (ssize_t)sizeof ask && is_ask(&ask)) {
            struct request request = {.kind = (enum request_kind)ask.kind,
                                      .asked_ms = clock_utc_ms()};
            (void)snprintf(request.uid, sizeof request.uid, "%s", ask.uid);
            (void)snprintf(request.who, sizeof request.who, "%s", ask.who);
            status = store_add_request(store, &request);
            taken.request = status == STORE_OK ? request.id : 0;
        } else {
            log_event(LOG_AT_ERROR, "ask-refused", "bytes=%zd error=%s", n,
                      log_quote("the console sent what is no request"));
        }
        (void)send(node->asks_analyze, &taken, sizeof taken, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return status;
}
