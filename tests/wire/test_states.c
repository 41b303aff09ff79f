/* PS3.8 table 9-10 as an acceptor shows it to its peer: every PDU type, a type that there is none
 * of, and the connection's end, in every state that a peer can bring the node into.
 *
 *   Sta2   connected, no request yet       AE-6 or AA-1, AA-2
 *   Sta3   request sent, answer not awaited  (the PDU follows at once)
 *   Sta6   open; also within a command and within a dataset
 *   Sta13  after the node's A-ASSOCIATE-RJ, A-RELEASE-RP or A-ABORT: only the end is left
 *
 * States 4, 5, 7 and 9 to 12 are a requestor's, or of one who asks for release: the node's SCP does
 * neither; test_wire_scu.c has the requestor. State 1 is no connection, state 8 lasts no time. */
#include "net_server.h"
#include "peer.h"

#include "dx_init.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define CLASS    "1.2.840.10008.5.1.4.1.1.7"
#define EXPLICIT "1.2.840.10008.1.2.1"
#define SECONDS  3.0

enum state { STA2, STA3, STA6, COMMAND, DATASET, REJECTED, RELEASED, ABORTED, STATES };
enum event {
    RQ,
    AC,
    RJ,
    DATA,
    RELEASE_RQ,
    RELEASE_RP,
    ABORT,
    UNKNOWN,
    UNKNOWN_0,
    ODD,
    END,
    EVENTS
};

static const char *const state_names[STATES] = {"Sta2",
                                                "Sta3",
                                                "Sta6",
                                                "Sta6, command",
                                                "Sta6, dataset",
                                                "Sta13, rejected",
                                                "Sta13, released",
                                                "Sta13, aborted"};
static const char *const event_names[EVENTS] = {
    "A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "A-ASSOCIATE-RJ",   "P-DATA",
    "A-RELEASE-RQ",   "A-RELEASE-RP",   "A-ABORT",          "type 08H",
    "type 00H",       "a long RELEASE", "connection closed"};

/* What the peer sees: 'a' A-ABORT by the provider (source 2), 'u' by the user (source 0: AA-1, and
 * our own when a message is not one); 'A' A-ASSOCIATE-AC; 'r' A-RELEASE-RP; 'w' nothing, more is
 * waited for; 'c' the end without a PDU.
 *
 * Two cells are not the table's, on purpose: a PDU of an unknown type before an association is
 * answered by the provider, which can say why (the table's AA-1 is by the user, without a reason);
 * what comes after our own A-ABORT or rejection is not answered again (AA-7), since we have closed.
 */
static const char expected[STATES][EVENTS + 1] = {
    [STA2] = "Auuuuucaaac",     [STA3] = "aaawracaaac",    [STA6] = "aaawracaaac",
    [COMMAND] = "aaawracaaac",  [DATASET] = "aaauracaaac", [REJECTED] = "ccccccccccc",
    [RELEASED] = "ccccccccccc", [ABORTED] = "ccccccccccc",
};

static struct net_server server;

static int start(void **state)
{
    struct dx_scp_params params;
    struct dx_error err;
    (void)state;
    const char *port = getenv("CERVIGATE_STATES_PORT"); /* a node's, in place of our own server */
    if (port != NULL) {
        server.port = (uint16_t)strtoul(port, NULL, 10);
        return 0;
    }
    dx_scp_params_default(&params);
    const char *slow = getenv("CERVIGATE_SLOW"); /* the peer waits so many times longer, too */
    int seconds = 30 * (slow != NULL ? atoi(slow) : 1);
    params.acse_seconds = params.dimse_seconds = params.pdu_seconds = seconds;
    if (dx_init(NULL, NULL, &err) != DX_OK)
        return -1;
    return net_server_start(&server, &params, 0);
}

static int stop(void **state)
{
    (void)state;
    if (server.pid > 0)
        net_server_stop(&server);
    return 0;
}

static void add_event(struct script *script, enum event event)
{
    static const uint8_t reject[] = {3, 0, 0, 0, 0, 4, 0, 1, 1, 1};
    static const uint8_t reply[] = {6, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    static const uint8_t unknown[] = {8, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    static const uint8_t odd[] = {5, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0};

    if (event == RQ)
        script_associate(script, "PEER", "CERVIGATE", CLASS, EXPLICIT);
    else if (event == AC)
        script_accept(script, 1, EXPLICIT);
    else if (event == RJ)
        script_add(script, reject, sizeof reject);
    else if (event == DATA)
        script_pdata(script, 1, "\0\0\0\1\2\0\0\0", 8); /* a command begins */
    else if (event == RELEASE_RQ)
        script_release(script);
    else if (event == RELEASE_RP)
        script_add(script, reply, sizeof reply);
    else if (event == ABORT)
        script_abort(script);
    else if (event == UNKNOWN)
        script_add(script, unknown, sizeof unknown);
    else if (event == UNKNOWN_0)
        script_add(script, "\0\0\0\0\0\4\0\0\0\0", 10);
    else if (event == ODD)
        script_add(script, odd, sizeof odd);
}

static void send_script(int fd, struct script *script)
{
    (void)peer_send(fd, script->bytes, script->count);
    script_finish(script);
}

/* A connection that has brought the node into the state; *tail is sent together with the event. */
static int reach(enum state state, struct script *tail)
{
    struct script script = {0};
    uint8_t body[1024];
    int fd = peer_connect(server.port);
    assert_true(fd >= 0);
    if (state == STA2)
        return fd;
    script_associate(state == STA3 ? tail : &script, "PEER",
                     state == REJECTED ? "NOBODY" : "CERVIGATE", CLASS, EXPLICIT);
    if (state == STA3)
        return fd;
    send_script(fd, &script);
    assert_int_equal(peer_receive(fd, SECONDS, body, sizeof body), state == REJECTED ? 3 : 2);
    if (state == COMMAND)
        script_pdata(&script, 1, "\0\0\0\0\4\0\0\0\0\0\0\0", 12);
    if (state == DATASET) {
        script_store_command(&script, "1.2.34");
        script_pdata(&script, 0, "12345678", 8);
    }
    if (state == RELEASED)
        script_release(&script);
    if (state == ABORTED)
        add_event(&script, AC);
    send_script(fd, &script);
    if (state == RELEASED || state == ABORTED)
        assert_int_equal(peer_receive(fd, SECONDS, body, sizeof body), state == RELEASED ? 6 : 7);
    return fd;
}

/* The answer to the event; '!': another PDU follows an answer that is the last. */
static char hear(int fd, enum state state)
{
    uint8_t body[1024], more[8];
    int type = peer_receive(fd, SECONDS, body, sizeof body);
    if (state == STA3 && type == 2) /* to the request */
        type = peer_receive(fd, SECONDS, body, sizeof body);
    if (type == -1)
        return 'w';
    if (type == 0)
        return 'c';
    if (type == 2)
        return 'A';
    if (type != 6 && type != 7)
        return '?';
    if (peer_receive(fd, 0.02, more, sizeof more) > 0)
        return '!';
    return type == 6 ? 'r' : body[2] == 2 ? 'a' : body[2] == 0 ? 'u' : '?';
}

static void every_event_in_every_state(void **unused)
{
    int fd[STATES][EVENTS];
    unsigned wrong = 0;
    (void)unused;
    for (enum state s = 0; s < STATES; s++)
        for (enum event e = 0; e < EVENTS; e++) {
            struct script script = {0};
            fd[s][e] = reach(s, &script);
            add_event(&script, e);
            send_script(fd[s][e], &script);
            if (e == END)
                (void)shutdown(fd[s][e], SHUT_WR);
        }
    for (enum state s = 0; s < STATES; s++)
        for (enum event e = 0; e < EVENTS; e++) {
            char answer = hear(fd[s][e], s);
            close(fd[s][e]);
            if (answer == expected[s][e])
                continue;
            wrong++;
            print_message("%s, %s: '%c' instead of '%c'\n", state_names[s], event_names[e], answer,
                          expected[s][e]);
        }
    print_message("%d states, %d events\n", STATES, EVENTS);
    assert_int_equal(wrong, 0);
    assert_true(server.pid == 0 || net_server_is_alive(&server));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_event_in_every_state)};
    return cmocka_run_group_tests(tests, start, stop);
}
