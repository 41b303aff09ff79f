#include "echo_desk.h"

#include "clock.h"
#include "confine.h"
#include "log.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define MOST_MS  90000 /* a peer's own time-outs are shorter as a rule */
#define STALE_MS 30000 /* who asked is gone: it would be news of nobody's question */

/* Who is meant; one of the pointers where it is known. */
struct whom {
    const struct conf_destination *destination;
    const struct conf_announcement *announcement;
    const struct conf_peer *worklist;
};

static bool find(const struct conf *conf, enum contact_kind kind, const char *name,
                 struct whom *whom)
{
    *whom = (struct whom){0};
    for (size_t i = 0; kind == CONTACT_DESTINATION && i < conf->destination_count; i++)
        if (strcmp(conf->destinations[i].peer->name, name) == 0)
            whom->destination = &conf->destinations[i];
    for (size_t i = 0; kind == CONTACT_ANNOUNCEMENT && i < conf->announcement_count; i++)
        if (strcmp(conf->announcements[i].name, name) == 0)
            whom->announcement = &conf->announcements[i];
    if (kind == CONTACT_WORKLIST && conf->order_query.peer != NULL &&
        strcmp(conf->order_query.peer->name, name) == 0)
        whom->worklist = conf->order_query.peer;
    return whom->destination != NULL || whom->announcement != NULL || whom->worklist != NULL;
}

bool echo_desk_knows(const struct conf *conf, const char *subject)
{
    struct whom whom;
    for (int kind = 0; kind < CONTACT_KINDS; kind++) {
        const char *name = contact_name_of((enum contact_kind)kind, subject);
        if (name != NULL)
            return find(conf, (enum contact_kind)kind, name, &whom);
    }
    return false;
}

void echo_desk_init(struct echo_desk *desk, enum contact_kind kind)
{
    *desk = (struct echo_desk){.kind = kind, .child = {.fd = -1}};
}

static void try_it(const struct conf *conf, const struct whom *whom, int fd, pid_t parent)
{
    static const int mine = 3; /* behind the standard three: all else is the role's */
    struct echo echo;
    node_child("cervigated-eco", parent);
    if (dup2(fd, mine) != mine || close_range((unsigned)mine + 1, UINT_MAX, 0) != 0)
        _exit(EX_OSERR);
    log_begin("echo", conf);
    if (!confine(whom->destination != NULL    ? CONFINE_SENDER
                 : whom->announcement != NULL ? CONFINE_CRIER
                                              : CONFINE_INQUIRER,
                 conf, whom->destination))
        _exit(EX_OSERR);
    if (whom->announcement != NULL)
        echo_announcement(conf, whom->announcement, &echo);
    else
        echo_peer(conf, whom->destination != NULL ? whom->destination->peer : whom->worklist,
                  &echo);
    _exit(send(mine, &echo, sizeof echo, MSG_NOSIGNAL) == (ssize_t)sizeof echo ? 0 : EX_OSERR);
}

static void answer(struct echo_desk *desk, const struct node *node, struct store **store,
                   const struct echo *echo, const char *else_)
{
    char words[STORE_ECHO_MAX];
    bool good = echo != NULL && echo->end == ECHO_ANSWERED;
    if (echo != NULL)
        echo_words(echo, words, sizeof words);
    else
        (void)snprintf(words, sizeof words, "not tried: %s", else_);
    log_event(good ? LOG_AT_INFO : LOG_AT_WARN, "echo", "subject=%s who=%s answer=%s",
              log_quote(desk->request.subject), log_quote(desk->request.who), log_quote(words));
    if (!role_open_store(node->conf, store) ||
        store_answer_echo(*store, &desk->request, desk->kind, words, good, clock_utc_ms()) !=
            STORE_OK)
        log_event(LOG_AT_WARN, "echo-unanswered", "subject=%s",
                  log_quote(desk->request.subject)); /* and is asked anew until it is stale */
}

static void begin(struct echo_desk *desk, const struct node *node, struct store **store)
{
    int fd;
    struct whom whom;
    pid_t parent = getpid();
    if (!role_open_store(node->conf, store) ||
        store_next_echo(*store, desk->kind, &desk->request) != STORE_OK)
        return;
    const char *name = contact_name_of(desk->kind, desk->request.subject);
    if (clock_utc_ms() - desk->request.asked_ms > STALE_MS) {
        answer(desk, node, store, NULL, "it was asked too long ago; ask again");
    } else if (!find(node->conf, desk->kind, name, &whom)) {
        answer(desk, node, store, NULL, "the configuration does not name it any more");
    } else {
        pid_t pid = role_fork(&desk->child, store, &fd);
        if (pid == 0)
            try_it(node->conf, &whom, fd, parent);
        if (pid < 0)
            answer(desk, node, store, NULL, "no process can be made");
        desk->until = clock_monotonic_ms() + MOST_MS;
    }
}

void echo_desk_turn(struct echo_desk *desk, const struct node *node, struct store **store)
{
    struct echo echo;
    if (desk->child.fd < 0) {
        begin(desk, node, store);
        return;
    }
    ssize_t n = recv(desk->child.fd, &echo, sizeof echo, MSG_DONTWAIT);
    bool late = clock_monotonic_ms() >= desk->until;
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && !late)
        return;
    bool whole = n == (ssize_t)sizeof echo && (unsigned)echo.end <= ECHO_UNDONE &&
                 (unsigned)echo.layer <= ECHO_HTTP && memchr(echo.why, '\0', sizeof echo.why) &&
                 memchr(echo.session, '\0', sizeof echo.session);
    role_end_child(&desk->child);
    answer(desk, node, store, whole ? &echo : NULL,
           late ? "it took too long" : "the process that tried it ended");
}

void echo_desk_end(struct echo_desk *desk)
{
    if (desk->child.fd >= 0)
        role_end_child(&desk->child);
}
