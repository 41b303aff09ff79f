/* What a schema cannot know. Values that the schema has already refused are passed over. */
#include "conf_private.h"
#include <arpa/inet.h>
#include <string.h>

/* The element called `name` that stands on this place in its list. */
const xmlNode *conf_find(const struct reading *reading, const char *name, size_t index)
{
    const xmlNode *node = (const xmlNode *)reading->doc;

    for (node = conf_next_element(node); node; node = conf_next_element(node))
        if (strcmp((const char *)node->name, name) == 0 && index-- == 0)
            return node;
    return NULL;
}

int conf_line_at(const struct reading *reading, const char *element, size_t index,
                 const char *attribute)
{
    const xmlNode *node = conf_find(reading, element, index);

    return node ? conf_line_of_attribute(node, attribute) : 0;
}

/* PS3.5 6.2: AE is the default repertoire without backslash and controls; blanks at its ends do not
 * count, and only blanks are no title. */
void conf_check_ae_title(struct reading *reading, const char *element, size_t index,
                         const char *title)
{
    size_t length = strlen(title);
    const char *wrong = NULL;

    if (length == 0 || length > 16)
        return;
    if (title[strspn(title, " ")] == '\0')
        wrong = "with more than blanks in it";
    else if (title[0] == ' ' || title[length - 1] == ' ')
        wrong = "without blanks at its ends";
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)title[i];
        if (byte < 0x20 || byte > 0x7E || byte == '\\')
            wrong = "of ASCII letters, digits and marks without backslash";
    }
    if (wrong)
        conf_complain(reading, conf_line_at(reading, element, index, "aeTitle"), false,
                      "<%s aeTitle=\"%s\">: expected an AE title %s", element,
                      conf_show(title).text, wrong);
}

static void check_address(struct reading *reading, const char *element, const char *address)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    if (address[0] == '\0' || address[strspn(address, "0123456789abcdefABCDEF.:")])
        return;
    if (inet_pton(AF_INET, address, bytes) != 1 && inet_pton(AF_INET6, address, bytes) != 1)
        conf_complain(
            reading, conf_line_at(reading, element, 0, "address"), false,
            "<%s address=\"%s\">: expected a numeric IPv4 or IPv6 address, as 0.0.0.0 or ::",
            element, conf_show(address).text);
}

void conf_check_path(struct reading *reading, const char *element, size_t index,
                     const char *attribute, const char *path)
{
    if (path && path[0] != '\0' && path[0] != '/')
        conf_complain(reading, conf_line_at(reading, element, index, attribute), false,
                      "<%s %s=\"%s\">: expected an absolute path, beginning with \"/\"%s", element,
                      attribute, conf_show_value(attribute, path).text,
                      conf_is_secret_file(attribute) ? ", of the file that holds it" : "");
}

/* Whether two paths are the same word for word, slashes that mean nothing left out. */
static bool same_path(const char *a, const char *b)
{
    for (; *a || *b; a++, b++) {
        while (a[0] == '/' && (a[1] == '/' || a[1] == '\0'))
            a++;
        while (b[0] == '/' && (b[1] == '/' || b[1] == '\0'))
            b++;
        if (*a != *b)
            return false;
        if (*a == '\0')
            return true;
    }
    return true;
}

static void check_models(struct reading *reading, const struct conf *conf)
{
    const xmlNode *models = conf_find(reading, "models", 0), *node = conf_find(reading, "node", 0);
    xmlChar *named = node ? xmlGetNoNsProp(node, (const xmlChar *)"model") : NULL;

    if (node && !named && !models && !conf_may_be_elsewhere(reading))
        conf_complain(reading, conf_line_of(node), false,
                      "<node> has no model, and there is no <models>; expected one of them");
    if (named && models)
        conf_complain(
            reading, conf_line_of(models), false,
            "found <models> beside <node model> (on %s); expected one of them",
            conf_where(reading, conf_line_of(models), conf_line_of_attribute(node, "model")).text);
    if (named)
        conf_check_path(reading, "node", 0, "model", (const char *)named);
    for (size_t i = 0; conf_find(reading, "model", i) && i < conf->model_count; i++)
        conf_check_path(reading, "model", i, "folder", conf->models[i]);
    if (conf->model_count == 2 && conf->models[0][0] && same_path(conf->models[0], conf->models[1]))
        conf_complain(
            reading, conf_line_at(reading, "model", 1, "folder"), false,
            "<model folder=\"%s\">: the first model has this folder (on %s); "
            "expected another one",
            conf_show(conf->models[1]).text,
            conf_where(reading, conf_line_at(reading, "model", 1, "folder"), conf->model_line[0])
                .text);
    xmlFree(named);
}

static void check_node(struct reading *reading, const struct conf *conf)
{
    conf_check_ae_title(reading, "node", 0, conf->ae_title);
    check_address(reading, "node", conf->bind_address);
    check_address(reading, "console", conf->console_address);
    conf_check_path(reading, "node", 0, "spool", conf->spool);
    conf_check_path(reading, "report", 0, "templates", conf->templates);
    if (conf->limits.associations_per_peer > conf->limits.associations)
        conf_complain(reading, conf_line_at(reading, "limits", 0, "associationsPerPeer"), true,
                      "associationsPerPeer is %d, but associations allows only %d all together",
                      conf->limits.associations_per_peer, conf->limits.associations);
    if (conf->console && conf->port != 0 && conf->port == conf->console_port)
        conf_complain(reading, conf_line_at(reading, "node", 0, "port"), false,
                      "<node port=\"%u\">: the console has the same port; expected another",
                      (unsigned)conf->port);
}

static void check_peers(struct reading *reading, const struct conf *conf)
{
    for (size_t i = 0; i < conf->peer_count; i++) {
        const struct conf_peer *peer = &conf->peers[i];
        conf_check_ae_title(reading, "peer", i, peer->ae_title);
        for (size_t j = 0; j < i && peer->name[0]; j++)
            if (strcmp(peer->name, conf->peers[j].name) == 0) {
                conf_complain(reading, conf_line_at(reading, "peer", i, "name"), false,
                              "found a second peer named \"%s\" (the first is on %s); expected "
                              "another name",
                              conf_show(peer->name).text,
                              conf_where(reading, conf_line_at(reading, "peer", i, "name"),
                                         conf->peers[j].line)
                                  .text);
                break;
            }
        for (size_t j = 0; j < i && peer->ae_title[0]; j++)
            if (strcmp(peer->ae_title, conf->peers[j].ae_title) == 0) {
                conf_complain(reading, conf_line_at(reading, "peer", i, "aeTitle"), false,
                              "found a second peer with the AE title \"%s\" (the first is on %s); "
                              "expected another AE title",
                              conf_show(peer->ae_title).text,
                              conf_where(reading, conf_line_at(reading, "peer", i, "aeTitle"),
                                         conf->peers[j].line)
                                  .text);
                break;
            }
    }
}

static void check_destination_peer(struct reading *reading, const struct conf *conf, size_t i)
{
    const char *name = conf_read_destination_peer(conf, i), *names[CONF_MAX_PEERS];
    int line = conf_line_at(reading, "destination", i, "peer");

    for (size_t j = 0; j < conf->peer_count; j++)
        names[j] = conf->peers[j].name;
    if (name[0] && !conf->destinations[i].peer && !conf_may_be_elsewhere(reading))
        conf_complain(reading, line, false,
                      "<destination peer=\"%s\">: no such peer%s; expected the name of a <peer>",
                      conf_show(name).text, conf_hint(name, names, conf->peer_count).text);
    for (size_t j = 0; j < i; j++)
        if (conf->destinations[i].peer &&
            conf->destinations[i].peer == conf->destinations[j].peer) {
            conf_complain(reading, line, false,
                          "peer \"%s\" is a destination twice (first on %s); expected once",
                          conf_show(name).text,
                          conf_where(reading, line, conf->destinations[j].line).text);
            break;
        }
}

static size_t count_word(const char *text, const char *word)
{
    size_t count = 0;

    for (text += strspn(text, CONF_BLANKS); *text; text += strspn(text, CONF_BLANKS)) {
        size_t length = strcspn(text, CONF_BLANKS);
        count += length == strlen(word) && strncmp(text, word, length) == 0;
        text += length;
    }
    return count;
}

/* The schema lets a list hold an item twice. */
static void check_outputs(struct reading *reading, size_t i)
{
    static const char *const names[] = {"SR", "SC", "GSPS", "PMAP"};
    const xmlNode *node = conf_find(reading, "destination", i);
    xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)"outputs") : NULL;

    for (size_t j = 0; value && j < sizeof names / sizeof *names; j++)
        if (count_word((const char *)value, names[j]) > 1)
            conf_complain(reading, conf_line_of_attribute(node, "outputs"), false,
                          "<destination outputs=\"%s\">: found %s twice; expected it once",
                          conf_show((const char *)value).text, names[j]);
    xmlFree(value);
}

static void check_audience(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_destination *destination = &conf->destinations[i];

    if (destination->audience == CONF_EVERYONE && !destination->hold_until_reported)
        conf_complain(reading, conf_line_at(reading, "destination", i, "audience"), true,
                      "audience is everyone: results in the main archive are seen by every "
                      "web viewer's user, before any radiologist; consider hold=\"reported\" or a "
                      "destination of the radiologists' own");
}

static void check_destinations(struct reading *reading, const struct conf *conf)
{
    bool used = conf->mode == CONF_SHADOW;

    for (size_t i = 0; i < conf->destination_count; i++) {
        const struct conf_destination *destination = &conf->destinations[i];
        check_destination_peer(reading, conf, i);
        check_outputs(reading, i);
        check_audience(reading, conf, i);
        used |= conf->mode == CONF_CLINICAL || destination->demo;
        if (destination->retry_first_seconds > destination->retry_most_seconds)
            conf_complain(reading, conf_line_at(reading, "destination", i, "retryFirst"), false,
                          "retryFirst is %d seconds; expected at most retryMost, %d seconds",
                          destination->retry_first_seconds, destination->retry_most_seconds);
    }
    if (!used)
        conf_complain(reading, conf_line_at(reading, "node", 0, "mode"), true,
                      "mode is %s, but no <destination> gets results in it",
                      conf_mode_name(conf->mode));
}

/* What of a Series Description is left beside "AI - not for diagnosis, RESEARCH: ". */
#define SHOWN_MOST 30

static void check_shown(struct reading *reading, const struct conf *conf)
{
    int line = conf_line_at(reading, "report", 0, "seriesDescription");
    size_t length = 0;
    bool tells = conf->finding_series != 0 || conf->finding_instances != 0;

    for (const char *at = conf->report_shown; *at; at++, length++) {
        if (*at != '{')
            continue;
        bool is_outcome = strncmp(at, "{outcome}", 9) == 0;
        if (!is_outcome && strncmp(at, "{priority}", 10) != 0) {
            conf_complain(reading, line, false,
                          "<report seriesDescription=\"%s\">: after a \"{\" expected outcome} or "
                          "priority}",
                          conf_show(conf->report_shown).text);
            return;
        }
        tells = true;
        length += is_outcome ? strlen("not-processed") - 1 : strlen("MEDIUM") - 1;
        at += is_outcome ? 8 : 9;
    }
    if (length > SHOWN_MOST)
        conf_complain(
            reading, line, false,
            "<report seriesDescription=\"%s\">: is up to %zu characters; expected at most "
            "%d",
            conf_show(conf->report_shown).text, length, SHOWN_MOST);
    for (size_t i = 0; tells && i < conf->destination_count; i++)
        if (conf->destinations[i].audience == CONF_EVERYONE &&
            !conf->destinations[i].hold_until_reported)
            conf_complain(
                reading, line, false,
                "<report>: its Series Description or numbers tell the outcome, and \"%s\" "
                "shows them to everyone; expected hold=\"reported\" there, or other ones",
                conf_show(conf_read_destination_peer(conf, i)).text);
}

static void check_retention(struct reading *reading, const struct conf *conf)
{
    const struct conf_retention *keep = &conf->retention;

    if (keep->space_bytes > 0 && keep->space_bytes < conf->limits.dataset_bytes)
        conf_complain(reading, conf_line_at(reading, "retention", 0, "space"), true,
                      "space is %llu bytes, less than one object may have (datasetBytes is %llu)",
                      (unsigned long long)keep->space_bytes,
                      (unsigned long long)conf->limits.dataset_bytes);
}

/* What leaves this machine names patients: never in the clear. */
static void check_audit(struct reading *reading, const struct conf *conf)
{
    const struct conf_audit *audit = &conf->audit;

    conf_check_path(reading, "audit", 0, "ca", audit->ca);
    conf_check_path(reading, "audit", 0, "certificate", audit->certificate);
    conf_check_path(reading, "audit", 0, "key", audit->key);
    if (!audit->certificate != !audit->key)
        conf_complain(reading, conf->audit_line, false,
                      "<audit> has a %s without a %s; expected both or neither",
                      audit->key ? "key" : "certificate", audit->key ? "certificate" : "key");
    if (audit->host && audit->transport == CONF_TCP && !conf_is_this_machine(audit->host))
        conf_complain(reading, conf_line_at(reading, "audit", 0, "transport"), false,
                      "<audit transport=\"tcp\">: the messages name patients and would go to %s in "
                      "the clear; expected \"tls\", or a host on this machine",
                      conf_show(audit->host).text);
    if (!audit->host && (audit->ca || audit->certificate || audit->server_name))
        conf_complain(reading, conf->audit_line, true,
                      "<audit> has no host: nothing is sent, what is said of TLS is not used");
}

void conf_check_conf(struct reading *reading, const struct conf *conf)
{
    check_node(reading, conf);
    check_models(reading, conf);
    check_peers(reading, conf);
    conf_check_aes(reading, conf);
    conf_check_web(reading, conf);
    conf_check_console(reading, conf);
    conf_check_doors(reading, conf);
    check_destinations(reading, conf);
    conf_check_announcements(reading, conf);
    conf_check_rules(reading, conf);
    check_shown(reading, conf);
    check_retention(reading, conf);
    check_audit(reading, conf);
}
