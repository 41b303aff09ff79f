/* admin/echo.c: `cervigate echo PEER`: does it answer, and at which layer did it fail? */
#include "echo.h"
#include "command.h"
#include "dx_init.h"
#include "peer.h"
#include <stdio.h>
#include <sysexits.h>

static const char usage[] =
    "usage: cervigate echo [--config FILE] [--json] PEER\n"
    "\n"
    "Sends a C-ECHO to the configured peer of that name, over TLS if it has that; an archive with\n"
    "DICOMweb is asked for one study (QIDO-RS), a workflow manager for one item (UPS-RS); of the "
    "peer\n"
    "of <orderQuery> it says whether it takes Modality Worklist queries. Says at which layer it "
    "failed.\n"
    "Exit status: 0 answered; 1 refused; 69 not reached.\n";

static json_t *to_json(const struct conf_peer *peer, const struct echo *echo)
{
    bool good = echo->end == ECHO_ANSWERED;
    const char *layer = echo_layer_name(echo->layer);
    if (peer->url != NULL)
        return json_pack("{s:s, s:s, s:b, s:s, s:s, s:i, s:I}", "peer", peer->name, "url",
                         peer->url, "ok", good, "layer", layer, "error", echo->why, "http_status",
                         (int)echo->http_status, "milliseconds", (json_int_t)echo->ms);
    json_t *answer = json_pack("{s:s, s:s, s:s, s:i, s:b, s:s, s:s, s:s, s:I}", "peer", peer->name,
                               "ae_title", peer->ae_title, "host", peer->host, "port",
                               (int)peer->port, "ok", good, "layer", layer, "error", echo->why,
                               "tls", echo->session, "milliseconds", (json_int_t)echo->ms);
    if (answer != NULL && echo->worklist != ECHO_UNASKED)
        (void)json_object_set_new(answer, "worklist", json_boolean(echo->worklist == ECHO_TAKEN));
    return answer;
}

static void print(const struct conf_peer *peer, const struct echo *echo)
{
    char words[512], where[512];
    if (peer->url != NULL)
        snprintf(where, sizeof where, "%s (%s)", peer->name, peer->url);
    else
        snprintf(where, sizeof where, "%s (%s, %s:%u)", peer->name, peer->ae_title, peer->host,
                 peer->port);
    echo_words(echo, words, sizeof words);
    if (echo->end == ECHO_ANSWERED)
        printf("%s %s\n", where, words);
    else
        fprintf(stderr, "%s: %s\n", where, words);
}

static int echo_and_tell(const struct command *command, const struct conf *conf,
                         const struct conf_peer *peer)
{
    struct echo echo;
    struct dx_error err = {0};
    if (dx_init(NULL, NULL, &err) != DX_OK) {
        fprintf(stderr, "cervigate echo: %s\n", err.text);
        return EX_SOFTWARE;
    }
    echo_peer(conf, peer, &echo);
    if (echo.end == ECHO_UNDONE) {
        fprintf(stderr, "cervigate echo: %s\n", echo.why);
        return EX_SOFTWARE;
    }
    int printed = command->json ? command_print(to_json(peer, &echo)) : 0;
    if (!command->json)
        print(peer, &echo);
    if (printed != 0)
        return printed;
    if (echo.end == ECHO_ANSWERED)
        return echo.worklist == ECHO_NOT_TAKEN ? 1 : 0;
    return echo.end == ECHO_REFUSED ? 1 : EX_UNAVAILABLE;
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
    status = peer == NULL ? EX_USAGE : echo_and_tell(&command, conf, peer);
    conf_destroy(conf);
    return status;
}
