/* echo.c: `cervigate echo PEER`: Verification, and at which layer it failed. */
#include "call.h"
#include "clock.h"
#include "command.h"
#include "dx_init.h"
#include "dx_mwl.h"
#include "peer.h"
#include "stow_http.h"
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define IMPLICIT "1.2.840.10008.1.2"

static const char usage[] =
    "usage: cervigate echo [--config FILE] [--json] PEER\n"
    "\n"
    "Sends a C-ECHO to the configured peer of that name, over TLS if it has that; an archive with\n"
    "DICOMweb is asked for one study (QIDO-RS), a workflow manager for one item (UPS-RS); of the "
    "peer\n"
    "of <orderQuery> it says whether it takes Modality Worklist queries. Says at which layer it "
    "failed.\n"
    "Exit status: 0 answered; 1 refused; 69 not reached.\n";

static const char *layer_of(enum dx_status status, bool associated)
{
    if (status == DX_UNREACHABLE)
        return "network (name or TCP)";
    if (status == DX_TLS || status == DX_MIXUP)
        return "TLS";
    if (!associated)
        return "association (ACSE)";
    return "verification (DIMSE)";
}

/* Of the peer that is asked for orders. */
enum worklist { WORKLIST_UNASKED, WORKLIST_TAKEN, WORKLIST_NOT_TAKEN };

/* session: of TLS; "": plain. */
static int tell(const struct command *command, const struct conf_peer *peer, enum dx_status status,
                bool associated, const struct dx_error *err, const char *session,
                enum worklist worklist, int64_t ms)
{
    const char *layer = status == DX_OK ? "" : layer_of(status, associated);
    if (command->json) {
        json_t *answer =
            json_pack("{s:s, s:s, s:s, s:i, s:b, s:s, s:s, s:s, s:I}", "peer", peer->name,
                      "ae_title", peer->ae_title, "host", peer->host, "port", (int)peer->port, "ok",
                      status == DX_OK, "layer", layer, "error", status == DX_OK ? "" : err->text,
                      "tls", session, "milliseconds", (json_int_t)ms);
        if (answer != NULL && worklist != WORKLIST_UNASKED)
            (void)json_object_set_new(answer, "worklist", json_boolean(worklist == WORKLIST_TAKEN));
        int printed = command_print(answer);
        if (printed != 0)
            return printed;
    } else if (status == DX_OK) {
        printf("%s (%s, %s:%u) answered in %lld ms%s%s%s\n", peer->name, peer->ae_title, peer->host,
               peer->port, (long long)ms, session[0] ? " over " : "", session,
               worklist == WORKLIST_TAKEN       ? "; it takes Modality Worklist queries"
               : worklist == WORKLIST_NOT_TAKEN ? "; it takes no Modality Worklist queries from us"
                                                : "");
    } else {
        fprintf(stderr, "%s (%s, %s:%u): failed at the %s: %s\n", peer->name, peer->ae_title,
                peer->host, peer->port, layer, err->text);
    }
    if (status == DX_OK)
        return worklist == WORKLIST_NOT_TAKEN ? 1 : 0;
    return status == DX_REFUSED || status == DX_NO_CONTEXT ? 1 : EX_UNAVAILABLE;
}

static int echo_peer(const struct command *command, const struct conf *conf,
                     const struct conf_peer *peer)
{
    struct dx_error err = {0};
    struct dx_scu *scu = NULL;
    struct dx_scu_params params;
    int64_t begin = clock_monotonic_ms();
    if (dx_init(NULL, NULL, &err) != DX_OK) {
        fprintf(stderr, "cervigate echo: %s\n", err.text);
        return EX_SOFTWARE;
    }
    static const struct dx_scu_context query = {DX_MODALITY_WORKLIST, IMPLICIT};
    bool is_asked = conf->order_query.peer == peer;
    enum worklist worklist = WORKLIST_UNASKED;
    call_params(conf, peer, &params);
    enum dx_status status = call_open(conf, peer, &params, &query, is_asked ? 1 : 0, &scu, &err);
    bool associated = status == DX_OK;
    char session[96] = "";
    if (associated) {
        snprintf(session, sizeof session, "%s", dx_scu_session(scu));
        if (is_asked)
            worklist = dx_scu_accepts(scu, DX_MODALITY_WORKLIST, IMPLICIT) ? WORKLIST_TAKEN
                                                                           : WORKLIST_NOT_TAKEN;
        status = dx_scu_echo(scu, &err);
    }
    dx_scu_close(scu);
    return tell(command, peer, status, associated, &err, session, worklist,
                clock_monotonic_ms() - begin);
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

/* 1: it answered, and not with what was asked for. */
static int tell_web(const struct command *command, const struct conf_peer *peer,
                    const char *service, const struct stow_reply *reply, int64_t ms)
{
    static const char *const layers[] = {"network (name or TCP)", "TLS", "HTTP"};
    bool good = reply->end == STOW_ANSWERED && reply->status >= 200 && reply->status <= 299;
    const char *layer = good                      ? ""
                        : reply->end == STOW_AWAY ? layers[reply->layer]
                                                  : layers[STOW_HTTP];
    char why[sizeof reply->text];
    (void)snprintf(why, sizeof why, "%s", reply->text);
    if (reply->end == STOW_ANSWERED)
        (void)snprintf(why, sizeof why, "%s: HTTP status %ld", service, reply->status);
    if (command->json) {
        int printed = command_print(json_pack("{s:s, s:s, s:b, s:s, s:s, s:i, s:I}", "peer",
                                              peer->name, "url", peer->url, "ok", good, "layer",
                                              layer, "error", good ? "" : why, "http_status",
                                              (int)reply->status, "milliseconds", (json_int_t)ms));
        if (printed != 0)
            return printed;
    } else if (good) {
        printf("%s (%s) answered in %lld ms\n", peer->name, peer->url, (long long)ms);
    } else {
        fprintf(stderr, "%s (%s): failed at the %s: %s\n", peer->name, peer->url, layer, why);
    }
    if (good)
        return 0;
    return reply->end == STOW_ANSWERED ? 1 : EX_UNAVAILABLE;
}

static int echo_web(const struct command *command, const struct conf *conf,
                    const struct conf_peer *peer)
{
    struct stow_reply reply;
    int64_t begin = clock_monotonic_ms();
    struct stow_http *http = stow_http_open(conf, peer);
    if (http == NULL) {
        fputs("cervigate echo: out of memory\n", stderr);
        return EX_SOFTWARE;
    }
    bool manager = is_manager(conf, peer);
    stow_http_get(http, manager ? "/workitems?limit=1" : "/studies?limit=1", &reply);
    int status = tell_web(command, peer, manager ? "UPS-RS" : "QIDO-RS", &reply,
                          clock_monotonic_ms() - begin);
    stow_http_close(http);
    return status;
}

int admin_echo(int argc, char **argv)
{
    struct command command;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    if (command.count != 1)
        return command_misused(usage, "one peer is expected");
    struct conf *conf = admin_conf(command.config, &status);
    if (!conf)
        return status;
    const struct conf_peer *peer = peer_find(conf, command.words[0]);
    if (peer == NULL)
        status = EX_USAGE;
    else if (peer->url != NULL)
        status = echo_web(&command, conf, peer);
    else
        status = echo_peer(&command, conf, peer);
    conf_destroy(conf);
    return status;
}
