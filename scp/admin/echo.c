/* echo.c: `cervigate echo PEER`: Verification, and at which layer it failed. */
#include "call.h"
#include "clock.h"
#include "command.h"
#include "dx_init.h"
#include "peer.h"
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: cervigate echo [--config FILE] [--json] PEER\n"
    "\n"
    "Sends a C-ECHO to the configured peer of that name, over TLS if it has that; says at which\n"
    "layer it failed.\n"
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

/* session: of TLS; "": plain. */
static int tell(const struct command *command, const struct conf_peer *peer, enum dx_status status,
                bool associated, const struct dx_error *err, const char *session, int64_t ms)
{
    const char *layer = status == DX_OK ? "" : layer_of(status, associated);
    if (command->json) {
        int printed = command_print(
            json_pack("{s:s, s:s, s:s, s:i, s:b, s:s, s:s, s:s, s:I}", "peer", peer->name,
                      "ae_title", peer->ae_title, "host", peer->host, "port", (int)peer->port, "ok",
                      status == DX_OK, "layer", layer, "error", status == DX_OK ? "" : err->text,
                      "tls", session, "milliseconds", (json_int_t)ms));
        if (printed != 0)
            return printed;
    } else if (status == DX_OK) {
        printf("%s (%s, %s:%u) answered in %lld ms%s%s\n", peer->name, peer->ae_title, peer->host,
               peer->port, (long long)ms, session[0] ? " over " : "", session);
    } else {
        fprintf(stderr, "%s (%s, %s:%u): failed at the %s: %s\n", peer->name, peer->ae_title,
                peer->host, peer->port, layer, err->text);
    }
    if (status == DX_OK)
        return 0;
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
    call_params(conf, peer, &params);
    enum dx_status status = call_open(conf, peer, &params, NULL, 0, &scu, &err);
    bool associated = status == DX_OK;
    char session[96] = "";
    if (associated) {
        snprintf(session, sizeof session, "%s", dx_scu_session(scu));
        status = dx_scu_echo(scu, &err);
    }
    dx_scu_close(scu);
    return tell(command, peer, status, associated, &err, session, clock_monotonic_ms() - begin);
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
    status = peer ? echo_peer(&command, conf, peer) : EX_USAGE;
    conf_destroy(conf);
    return status;
}
