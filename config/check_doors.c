/* What a schema cannot know of the doors: who may call, and TLS on the way in and out. */
#include "conf_private.h"
#include <string.h>

static int tls_line(const struct reading *reading, const char *attribute)
{
    return conf_line_at(reading, "tls", 0, attribute);
}

static bool calls_by_tls(const struct conf *conf)
{
    for (size_t i = 0; i < conf->peer_count; i++)
        if (conf->peers[i].tls)
            return true;
    return false;
}

static void check_tls_files(struct reading *reading, const struct conf *conf)
{
    const struct conf_tls *tls = &conf->tls;

    conf_check_path(reading, "tls", 0, "certificate", tls->certificate);
    conf_check_path(reading, "tls", 0, "key", tls->key);
    conf_check_path(reading, "tls", 0, "authorities", tls->authorities);
    conf_check_path(reading, "tls", 0, "revoked", tls->revoked);
    if (!tls->certificate != !tls->key)
        conf_complain(reading, tls_line(reading, tls->key ? "key" : "certificate"), false,
                      "<tls> has %s; expected both or neither",
                      tls->key ? "a key without a certificate" : "a certificate without its key");
    else if (tls->listen && !tls->certificate)
        conf_complain(reading, tls_line(reading, "listen"), false,
                      "<tls listen=\"true\"> without certificate and key; expected both");
    if (tls->revoked && !tls->authorities)
        conf_complain(reading, tls_line(reading, "revoked"), false,
                      "<tls revoked> without authorities; expected those whose lists they are");
    if (tls->listen && tls->client_certificate != CONF_CLIENT_NONE && !tls->authorities)
        conf_complain(reading, tls_line(reading, "listen"), false,
                      "<tls> asks callers for certificates and has no authorities to judge them "
                      "by; expected authorities, or clientCertificate=\"none\"");
}

static void check_tls_ports(struct reading *reading, const struct conf *conf)
{
    const struct conf_tls *tls = &conf->tls;

    if (tls->only && !tls->listen)
        conf_complain(reading, tls_line(reading, "only"), false,
                      "<tls only=\"true\"> without listen: there would be no port at all; expected "
                      "listen=\"true\", too");
    if (!tls->listen || tls->port == 0)
        return;
    if (tls->port == conf->port && !tls->only)
        conf_complain(reading, tls_line(reading, "port"), false,
                      "<tls port=\"%u\">: the plain port is the same; expected another",
                      (unsigned)tls->port);
    if (conf->console && tls->port == conf->console_port)
        conf_complain(reading, tls_line(reading, "port"), false,
                      "<tls port=\"%u\">: the console has the same port; expected another",
                      (unsigned)tls->port);
}

static void check_peer_tls(struct reading *reading, const struct conf *conf)
{
    for (size_t i = 0; i < conf->peer_count; i++)
        if (conf->peers[i].tls_name && !conf->peers[i].tls && !conf->peers[i].url)
            conf_complain(reading, conf_line_at(reading, "peer", i, "tlsName"), false,
                          "<peer tlsName> of a peer without TLS; expected tls=\"true\", too");
    if (calls_by_tls(conf) && !conf->tls.authorities)
        for (size_t i = 0; i < conf->peer_count; i++)
            if (conf->peers[i].tls)
                conf_complain(reading,
                              conf_line_at(reading, "peer", i, conf->peers[i].url ? "url" : "tls"),
                              false,
                              "<peer %s>, and no authorities to judge its certificate by; expected "
                              "<tls authorities>",
                              conf->peers[i].url ? "url=\"https://...\"" : "tls=\"true\"");
}

static void check_addresses(struct reading *reading, const char *element, size_t i,
                            const char *attribute, const char *list)
{
    int line = conf_line_at(reading, element, i, attribute);

    if (!list[strspn(list, CONF_BLANKS)])
        conf_complain(reading, line, false, "<%s %s> holds only blanks; expected an address",
                      element, attribute);
    for (list += strspn(list, CONF_BLANKS); *list; list += strspn(list, CONF_BLANKS)) {
        size_t length = strcspn(list, CONF_BLANKS);
        char word[64] = "";
        memcpy(word, list, length < sizeof word ? length : sizeof word - 1);
        if (!conf_is_network(list, length))
            conf_complain(reading, line, false,
                          "<%s %s>: found \"%s\"; expected numeric addresses, or "
                          "networks as 10.1.2.0/24",
                          element, attribute, conf_show(word).text);
        list += length;
    }
}

static void check_callers(struct reading *reading, const struct conf *conf)
{
    for (size_t i = 0; i < conf->caller_count; i++) {
        const struct conf_caller *caller = &conf->callers[i];
        if (caller->ae_title)
            conf_check_ae_title(reading, "caller", i, caller->ae_title);
        if (caller->addresses)
            check_addresses(reading, "caller", i, "addresses", caller->addresses);
        if (!caller->ae_title && !caller->addresses && !caller->certificate)
            conf_complain(
                reading, caller->line, true,
                "<caller> without aeTitle, addresses and certificate: everyone may call%s",
                caller->tls ? " over TLS" : "");
        if (caller->tls && !conf->tls.listen)
            conf_complain(reading, conf_line_at(reading, "caller", i, "tls"), false,
                          "<caller tls=\"true\"> could never call: expected <tls listen=\"true\">");
        if (caller->certificate &&
            (!conf->tls.listen || conf->tls.client_certificate == CONF_CLIENT_NONE))
            conf_complain(reading, conf_line_at(reading, "caller", i, "certificate"), false,
                          "<caller certificate> could never call: expected <tls listen=\"true\"> "
                          "that asks callers for certificates");
    }
}

static void check_orders_port(struct reading *reading, const struct conf *conf)
{
    const char *other = NULL;

    if (!conf->orders.listen || conf->orders.port == 0)
        return;
    if (conf->orders.port == conf->port && !conf->tls.only)
        other = "DICOM";
    else if (conf->tls.listen && conf->orders.port == conf->tls.port)
        other = "DICOM over TLS";
    else if (conf->console && conf->orders.port == conf->console_port)
        other = "the console";
    if (other)
        conf_complain(reading, conf_line_at(reading, "orders", 0, "port"), false,
                      "<orders port=\"%u\">: %s has the same port; expected another",
                      (unsigned)conf->orders.port, other);
}

static void check_orders_tls(struct reading *reading, const struct conf *conf)
{
    const struct conf_tls *tls = &conf->tls;

    if (!conf->orders.listen || !conf->orders.tls)
        return;
    if (!tls->certificate || !tls->key)
        conf_complain(reading, conf_line_at(reading, "orders", 0, "tls"), false,
                      "<orders tls=\"true\"> and <tls> without certificate and key; expected both");
    if (tls->client_certificate != CONF_CLIENT_NONE && !tls->authorities)
        conf_complain(reading, conf_line_at(reading, "orders", 0, "tls"), false,
                      "<orders tls=\"true\">: <tls> asks callers for certificates and has no "
                      "authorities to judge them by; expected authorities, or "
                      "clientCertificate=\"none\"");
}

static void check_orders(struct reading *reading, const struct conf *conf)
{
    const struct conf_orders *orders = &conf->orders;

    check_orders_port(reading, conf);
    check_orders_tls(reading, conf);
    if (orders->from)
        check_addresses(reading, "orders", 0, "from", orders->from);
    const struct {
        const char *name, *pattern;
    } patterns[] = {{"postoperative", orders->postoperative},
                    {"finding", orders->finding},
                    {"noFinding", orders->no_finding}};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (patterns[i].pattern)
            conf_check_pattern(reading, conf_line_at(reading, "orders", 0, patterns[i].name),
                               patterns[i].pattern);
}

/* A modality's door: the peer is a DICOM one. */
static void check_order_query(struct reading *reading, const struct conf *conf)
{
    const struct conf_order_query *query = &conf->order_query;
    const char *names[CONF_MAX_PEERS];
    int line = conf_line_at(reading, "orderQuery", 0, "peer");

    for (size_t i = 0; i < conf->peer_count; i++)
        names[i] = conf->peers[i].name;
    if (query->peer_name && !query->peer && !conf_may_be_elsewhere(reading))
        conf_complain(reading, line, false,
                      "<orderQuery peer=\"%s\">: no such peer%s; expected the name of a <peer>",
                      conf_show(query->peer_name).text,
                      conf_hint(query->peer_name, names, conf->peer_count).text);
    if (query->peer && query->peer->url)
        conf_complain(
            reading, line, false,
            "<orderQuery peer=\"%s\">: it is an archive of DICOMweb; expected a peer with "
            "an AE title",
            conf_show(query->peer_name).text);
}

/* A worklist has names of patients in it. */
static void check_reading(struct reading *reading, const struct conf *conf)
{
    if (conf->reading.offer != CONF_OFFER_NONE && conf->caller_count == 0)
        conf_complain(reading, conf_line_at(reading, "readingWorklist", 0, "offer"), true,
                      "<readingWorklist> without <callers>: whoever reaches the port can read it%s",
                      conf->reading.offer == CONF_OFFER_PULL ? ", and take studies off it" : "");
}

void conf_check_doors(struct reading *reading, const struct conf *conf)
{
    check_tls_files(reading, conf);
    check_tls_ports(reading, conf);
    check_peer_tls(reading, conf);
    check_callers(reading, conf);
    check_orders(reading, conf);
    check_order_query(reading, conf);
    check_reading(reading, conf);
}
