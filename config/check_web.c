/* What a schema cannot know of peers with DICOMweb: which attributes go together, and what such a
 * destination cannot do. */
#include "conf_private.h"
#include <string.h>

static bool has(const struct reading *reading, size_t i, const char *attribute)
{
    const xmlNode *node = conf_find(reading, "peer", i);

    return node && xmlHasProp((xmlNode *)node, (const xmlChar *)attribute);
}

/* DICOM needs all of its address, DICOMweb nothing of it. */
static void check_kind(struct reading *reading, size_t i)
{
    static const char *const dicom[] = {"aeTitle", "host", "port", "tls", "tlsName"};
    static const char *const web[] = {"user", "passwordFile", "tokenFile"};
    bool is_web = has(reading, i, "url");

    for (size_t j = 0; j < sizeof dicom / sizeof *dicom; j++)
        if (is_web && has(reading, i, dicom[j]))
            conf_complain(
                reading, conf_line_at(reading, "peer", i, dicom[j]), false,
                "<peer %s> beside url: an archive with DICOMweb has none; expected one of "
                "them",
                dicom[j]);
        else if (!is_web && j < 3 && !has(reading, i, dicom[j]))
            conf_complain(reading, conf_line_at(reading, "peer", i, ""), false,
                          "<peer> has no %s; expected aeTitle, host and port, or url", dicom[j]);
    for (size_t j = 0; !is_web && j < sizeof web / sizeof *web; j++)
        if (has(reading, i, web[j]))
            conf_complain(reading, conf_line_at(reading, "peer", i, web[j]), false,
                          "<peer %s> of a peer without url; expected url, too", web[j]);
}

static void check_secret(struct reading *reading, const struct conf_peer *peer, size_t i)
{
    conf_check_path(reading, "peer", i, "passwordFile", peer->password);
    conf_check_path(reading, "peer", i, "tokenFile", peer->token);
    if (!peer->user != !peer->password)
        conf_complain(reading,
                      conf_line_at(reading, "peer", i, peer->user ? "user" : "passwordFile"), false,
                      "<peer> has a %s without a %s; expected both or neither",
                      peer->user ? "user" : "passwordFile", peer->user ? "passwordFile" : "user");
    if (peer->token && peer->user)
        conf_complain(reading, conf_line_at(reading, "peer", i, "tokenFile"), false,
                      "<peer> has a user and a tokenFile; expected one of them");
    if ((peer->token || peer->user) && !peer->tls && !conf_is_this_machine(peer->host))
        conf_complain(
            reading, conf_line_at(reading, "peer", i, "url"), false,
            "<peer url=\"%s\">: a password or token would go to %s in the clear; expected "
            "https, or a host on this machine",
            conf_show(peer->url).text, conf_show(peer->host).text);
}

static void check_destinations(struct reading *reading, const struct conf *conf)
{
    for (size_t i = 0; i < conf->destination_count; i++) {
        const struct conf_destination *destination = &conf->destinations[i];
        if (destination->peer && destination->peer->url && destination->commitment)
            conf_complain(reading, conf_line_at(reading, "destination", i, "commitment"), false,
                          "<destination commitment=\"true\">: peer \"%s\" is reached by DICOMweb, "
                          "which has no Storage Commitment; expected \"false\"",
                          conf_show(destination->peer->name).text);
    }
}

void conf_check_web(struct reading *reading, const struct conf *conf)
{
    for (size_t i = 0; i < conf->peer_count; i++) {
        const struct conf_peer *peer = &conf->peers[i];
        check_kind(reading, i);
        if (!peer->url)
            continue;
        if (peer->port == 0)
            conf_complain(reading, conf_line_at(reading, "peer", i, "url"), false,
                          "<peer url=\"%s\">: expected a port from 1 to 65535",
                          conf_show(peer->url).text);
        check_secret(reading, peer, i);
    }
    check_destinations(reading, conf);
}
