#include "echo.h"

#include "call.h"
#include "clock.h"
#include "connection.h"
#include "dx_mwl.h"
#include "proposed.h"
#include "stow_http.h"
#include "worklist/webhook.h"
#include <stdio.h>
#include <string.h>

#define IMPLICIT   "1.2.840.10008.1.2"
#define REFUSAL_MS 300

static const struct {
    const char *name, *advice;
} layers[] = {
    [ECHO_NO_LAYER] = {"", ""},
    [ECHO_NETWORK] = {"network (name or TCP)",
                      "Is it running, are host and port those of the configuration, and does a "
                      "firewall let this machine through?"},
    [ECHO_TLS] = {"TLS", "Look at the certificates: <tls> here and what it trusts there; its "
                         "certificate must bear its host's name."},
    [ECHO_ASSOCIATION] = {"association (ACSE)",
                          "It is there and does not let this node in: enter this node's AE title "
                          "and address there, and compare its own AE title."},
    [ECHO_DIMSE] = {"verification (DIMSE)",
                    "It lets this node in and does not answer C-ECHO: ask who runs it."},
    [ECHO_HTTP] = {"HTTP",
                   "It is there and answers otherwise: look at the address (url), and at user "
                   "or token."},
};

const char *echo_layer_name(enum echo_layer layer)
{
    return layers[layer].name;
}

static void take_error(struct echo *echo, enum dx_status status, bool associated,
                       const struct dx_error *err)
{
    bool refused = status == DX_REFUSED || status == DX_NO_CONTEXT;
    echo->end = status == DX_OK ? ECHO_ANSWERED : refused ? ECHO_REFUSED : ECHO_UNREACHED;
    echo->layer = status == DX_OK                          ? ECHO_NO_LAYER
                  : status == DX_UNREACHABLE               ? ECHO_NETWORK
                  : status == DX_TLS || status == DX_MIXUP ? ECHO_TLS
                  : !associated                            ? ECHO_ASSOCIATION
                                                           : ECHO_DIMSE;
    if (status != DX_OK)
        (void)snprintf(echo->why, sizeof echo->why, "%s", err->text);
}

static void echo_dimse(const struct conf *conf, const struct conf_peer *peer, struct echo *echo)
{
    struct dx_error err = {0};
    struct dx_scu *scu = NULL;
    struct dx_scu_params params;
    bool is_asked = conf->order_query.peer == peer;
    call_params(conf, peer, &params);
    enum dx_status status =
        call_open(conf, peer, &params, &proposed_orders, is_asked ? 1 : 0, &scu, &err);
    bool associated = status == DX_OK;
    if (associated) {
        (void)snprintf(echo->session, sizeof echo->session, "%s", dx_scu_session(scu));
        if (is_asked)
            echo->worklist =
                dx_scu_accepts(scu, DX_MODALITY_WORKLIST, IMPLICIT) ? ECHO_TAKEN : ECHO_NOT_TAKEN;
        status = dx_scu_echo(scu, &err);
    }
    dx_scu_close(scu);
    take_error(echo, status, associated, &err);
}

/* A workflow manager (UPS-RS), and no archive. */
static bool is_manager(const struct conf *conf, const struct conf_peer *peer)
{
    bool is = false;
    for (size_t i = 0; i < conf->announcement_count; i++)
        is = is || conf->announcements[i].peer == peer;
    for (size_t i = 0; i < conf->destination_count; i++)
        is = is && conf->destinations[i].peer != peer;
    return is;
}

/* REFUSED: it answered, and not with what was asked for. */
static void take_reply(struct echo *echo, const char *service, const struct stow_reply *reply)
{
    static const enum echo_layer of[] = {
        [STOW_NETWORK] = ECHO_NETWORK, [STOW_TLS] = ECHO_TLS, [STOW_HTTP] = ECHO_HTTP};
    bool good = reply->end == STOW_ANSWERED && reply->status >= 200 && reply->status <= 299;
    echo->http_status = reply->status;
    echo->end = good ? ECHO_ANSWERED : reply->end == STOW_ANSWERED ? ECHO_REFUSED : ECHO_UNREACHED;
    echo->layer = good ? ECHO_NO_LAYER : reply->end == STOW_AWAY ? of[reply->layer] : ECHO_HTTP;
    if (reply->end == STOW_ANSWERED && !good)
        (void)snprintf(echo->why, sizeof echo->why, "%s: HTTP status %ld", service, reply->status);
    else if (!good)
        (void)snprintf(echo->why, sizeof echo->why, "%s", reply->text);
}

static void echo_web(const struct conf *conf, const struct conf_peer *peer, struct echo *echo)
{
    struct stow_reply reply;
    struct stow_http *http = stow_http_open(conf, peer);
    if (http == NULL) {
        (void)snprintf(echo->why, sizeof echo->why, "out of memory");
        return;
    }
    bool manager = is_manager(conf, peer);
    stow_http_get(http, manager ? "/workitems?limit=1" : "/studies?limit=1", &reply);
    take_reply(echo, manager ? "UPS-RS" : "QIDO-RS", &reply);
    stow_http_close(http);
}

void echo_peer(const struct conf *conf, const struct conf_peer *peer, struct echo *echo)
{
    int64_t begin = clock_monotonic_ms();
    *echo = (struct echo){.end = ECHO_UNDONE};
    if (peer->url != NULL)
        echo_web(conf, peer, echo);
    else
        echo_dimse(conf, peer, echo);
    echo->ms = clock_monotonic_ms() - begin;
}

/* In TLS 1.3 a peer looks at our certificate when the handshake is over for us. */
static void await_refusal(struct connection *connection, struct echo *echo)
{
    char byte;
    if (!connection_wait(connection, clock_monotonic_ms() + REFUSAL_MS) ||
        connection_read(connection, &byte, 1) != CONNECTION_BROKEN || connection_alert() == NULL)
        return;
    echo->end = ECHO_UNREACHED;
    echo->layer = ECHO_TLS;
    (void)snprintf(echo->why, sizeof echo->why, "it refuses: %s", connection_alert());
}

/* Opened and ended: no message, no request. */
static void connect_to(const struct connection_peer *peer, int seconds, struct echo *echo)
{
    int64_t begin = clock_monotonic_ms(), until = begin + seconds * INT64_C(1000);
    struct connection *connection = connection_create(peer, echo->why, sizeof echo->why);
    if (connection == NULL) {
        echo->end = ECHO_UNREACHED;
        echo->layer = ECHO_TLS;
        return;
    }
    bool is_open = connection_open(connection, until, echo->why, sizeof echo->why);
    echo->ms = clock_monotonic_ms() - begin; /* not what is waited for a refusal */
    if (is_open) {
        echo->end = ECHO_ANSWERED;
        echo->why[0] = '\0';
        if (peer->tls)
            await_refusal(connection, echo);
        if (echo->end == ECHO_ANSWERED)
            (void)connection_say_end(connection, until);
    } else {
        echo->end = ECHO_UNREACHED;
        echo->layer = strstr(echo->why, "TLS") != NULL || strstr(echo->why, "certificate") != NULL
                          ? ECHO_TLS
                          : ECHO_NETWORK;
    }
    connection_destroy(connection);
}

void echo_announcement(const struct conf *conf, const struct conf_announcement *to,
                       struct echo *echo)
{
    char host[256];
    struct connection_peer peer = {.who = "receiver", .authorities = to->authorities};
    if (to->way == CONF_UPS) {
        echo_peer(conf, to->peer, echo);
        return;
    }
    *echo = (struct echo){.end = ECHO_UNDONE};
    if (to->way == CONF_HL7) {
        peer.host = to->host;
        peer.port = to->port;
        peer.tls = to->tls;
        peer.name = to->tls_name;
        peer.certificate = to->certificate;
        peer.key = to->key;
    } else {
        webhook_address(to->url, host, &peer.port);
        peer.host = host;
        peer.tls = strncmp(to->url, "https:", 6) == 0;
    }
    connect_to(&peer, to->answer_seconds, echo);
}

void echo_words(const struct echo *echo, char *text, size_t size)
{
    if (echo->end == ECHO_ANSWERED)
        (void)snprintf(text, size, "answered in %lld ms%s%s%s", (long long)echo->ms,
                       echo->session[0] != '\0' ? " over " : "", echo->session,
                       echo->worklist == ECHO_TAKEN ? "; it takes Modality Worklist queries"
                       : echo->worklist == ECHO_NOT_TAKEN
                           ? "; it takes no Modality Worklist queries from us"
                           : "");
    else if (echo->end == ECHO_UNDONE)
        (void)snprintf(text, size, "not tried: %s", echo->why);
    else
        (void)snprintf(text, size, "failed at the %s: %s. %s", layers[echo->layer].name, echo->why,
                       layers[echo->layer].advice);
}
