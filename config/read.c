/* The document, already weeded and complained about, becomes struct conf. Nothing here complains: a
 * value that the schema refused keeps its default, so that check.c can look at all the rest. */
#include "conf_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINES_KEPT 15

struct string {
    struct string *next;
    char text[];
};

/* One piece holds everything but the strings; struct conf comes first, and conf_destroy gets
 * the box back from it. */
struct box {
    struct conf conf;
    struct string *strings;
    struct conf_room *room;
    bool no_memory;
    struct conf_peer peers[CONF_MAX_PEERS];
    struct conf_ae aes[CONF_MAX_AES];
    struct conf_caller callers[CONF_MAX_CALLERS];
    int lines[LINES_KEPT];
    struct conf_destination destinations[CONF_MAX_PEERS];
    const char *destination_peer[CONF_MAX_PEERS];
    struct conf_announcement announcements[CONF_MAX_ANNOUNCEMENTS];
    const char *announcement_peer[CONF_MAX_ANNOUNCEMENTS];
    struct conf_rule rules[CONF_MAX_RULES];
};

static const char *keep(struct box *box, const char *text)
{
    size_t size = strlen(text) + 1;
    struct string *string = conf_room_take(box->room, sizeof *string + size);

    if (!string) {
        box->no_memory = true;
        return "";
    }
    memcpy(string->text, text, size);
    string->next = box->strings;
    box->strings = string;
    return string->text;
}

/* An attribute's text, or the fallback when it is absent. */
static const char *text_of(struct box *box, const xmlNode *element, const char *attribute,
                           const char *fallback)
{
    xmlChar *value =
        element ? xmlGetNoNsProp((xmlNode *)element, (const xmlChar *)attribute) : NULL;
    const char *text = value ? keep(box, (const char *)value) : fallback;

    xmlFree(value);
    return text;
}

static uint64_t number_of(struct box *box, const xmlNode *element, const char *attribute,
                          uint64_t most, uint64_t fallback)
{
    uint64_t number = fallback;

    if (!conf_value_number(text_of(box, element, attribute, ""), most, &number))
        return fallback;
    return number;
}

static const xmlNode *child_of(const xmlNode *parent, const char *name)
{
    for (const xmlNode *child = parent ? parent->children : NULL; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && strcmp((const char *)child->name, name) == 0)
            return child;
    return NULL;
}

static const xmlNode *next_of(const xmlNode *node)
{
    for (node = node->next; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE)
            return node;
    return NULL;
}

static void read_option(struct box *box, void *of, const struct option *option,
                        const xmlNode *element)
{
    const char *fallback = option->fallback;

    if (!fallback && option->type != OPTION_NULLABLE)
        fallback = "";
    if (!conf_value_set(of, option, text_of(box, element, option->attribute, fallback)))
        (void)conf_value_set(of, option, fallback);
}

static void read_options(struct box *box, const xmlNode *root)
{
    for (size_t i = 0; i < conf_option_count; i++)
        read_option(box, &box->conf, &conf_options[i], child_of(root, conf_options[i].element));
}

/* <models>, or <node model>; check.c tells when both or none are there. */
static void read_models(struct box *box, const xmlNode *root)
{
    struct conf *conf = &box->conf;
    const xmlNode *node = child_of(child_of(root, "models"), "model");

    for (; node && conf->model_count < CONF_MAX_MODELS; node = next_of(node)) {
        conf->model_line[conf->model_count] = conf_line_of(node);
        conf->model_name[conf->model_count] = text_of(box, node, "name", NULL);
        conf->models[conf->model_count++] = text_of(box, node, "folder", "");
    }
    if (conf->model_count == 0) {
        conf->model_line[0] = conf->node_line;
        conf->models[conf->model_count++] = conf->model ? conf->model : "";
    }
    conf->model = conf->models[0];
}

/* Host, port and TLS of an address are where a call to it goes, as of any other peer. */
static void read_web(struct box *box, const xmlNode *node, struct conf_peer *peer)
{
    const char *url = text_of(box, node, "url", NULL);
    char text[CONF_URL_MAX];

    if (!url || !conf_is_url(url))
        return;
    size_t length = strlen(url);
    (void)snprintf(text, sizeof text, "%.*s", (int)(url[length - 1] == '/' ? length - 1 : length),
                   url);
    peer->url = keep(box, text);
    peer->tls = strncmp(url, "https", 5) == 0;
    peer->user = text_of(box, node, "user", NULL);
    peer->password = text_of(box, node, "passwordFile", NULL);
    peer->token = text_of(box, node, "tokenFile", NULL);

    const char *host = strstr(url, "//") + 2, *end = host + strcspn(host, ":/");
    if (host[0] == '[') {
        host++;
        end = host + strcspn(host, "]");
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)(end - host), host);
    peer->host = keep(box, text);
    end += *end == ']';
    uint64_t port = peer->tls ? 443 : 80;
    (void)snprintf(text, sizeof text, "%.*s", *end == ':' ? (int)strcspn(end + 1, "/") : 0,
                   *end == ':' ? end + 1 : "");
    if (text[0] != '\0' && !conf_value_number(text, UINT16_MAX, &port))
        port = 0;
    peer->port = (uint16_t)port;
}

static void read_peers(struct box *box, const xmlNode *root)
{
    const xmlNode *node = child_of(child_of(root, "peers"), "peer");

    for (; node && box->conf.peer_count < CONF_MAX_PEERS; node = next_of(node)) {
        struct conf_peer *peer = &box->peers[box->conf.peer_count++];
        peer->name = text_of(box, node, "name", "");
        peer->ae_title = text_of(box, node, "aeTitle", "");
        peer->host = text_of(box, node, "host", "");
        peer->port = (uint16_t)number_of(box, node, "port", UINT16_MAX, 0);
        peer->tls = strcmp(text_of(box, node, "tls", ""), "true") == 0;
        peer->tls_name = text_of(box, node, "tlsName", NULL);
        read_web(box, node, peer);
        peer->line = conf_line_of(node);
    }
    box->conf.peers = box->peers;
}

static unsigned models_named(const struct conf *conf, const char *name)
{
    unsigned models = 0;

    for (size_t i = 0; name && i < conf->model_count; i++)
        if (conf->model_name[i] && strcmp(conf->model_name[i], name) == 0)
            models |= 1u << i;
    return models;
}

static int seconds_of(struct box *box, const xmlNode *node, const char *name, int fallback)
{
    return (int)number_of(box, node, name, INT32_MAX, (uint64_t)fallback);
}

static void read_aes(struct box *box, const xmlNode *root)
{
    const xmlNode *node = child_of(child_of(root, "aes"), "ae");
    struct conf *conf = &box->conf;

    for (; node && conf->ae_count < CONF_MAX_AES; node = next_of(node)) {
        struct conf_ae *ae = &box->aes[conf->ae_count++];
        ae->title = text_of(box, node, "aeTitle", "");
        ae->model = text_of(box, node, "model", NULL);
        ae->models = models_named(conf, ae->model);
        ae->dimse_seconds = seconds_of(box, node, "dimseTimeout", conf->dimse_seconds);
        ae->pdu_seconds = seconds_of(box, node, "pduTimeout", conf->pdu_seconds);
        ae->association_seconds =
            seconds_of(box, node, "associationTime", conf->association_seconds);
        ae->dataset_seconds = seconds_of(box, node, "datasetTime", conf->dataset_seconds);
        ae->minimum_rate =
            (uint32_t)number_of(box, node, "minimumRate", UINT32_MAX, conf->minimum_rate);
        ae->line = conf_line_of(node);
    }
    conf->aes = box->aes;
}

const struct conf_ae *conf_find_ae(const struct conf *conf, const char *title)
{
    for (size_t i = 0; i < conf->ae_count; i++)
        if (strcasecmp(conf->aes[i].title, title) == 0)
            return &conf->aes[i];
    return NULL;
}

static void read_callers(struct box *box, const xmlNode *root)
{
    const xmlNode *node = child_of(child_of(root, "callers"), "caller");

    for (; node && box->conf.caller_count < CONF_MAX_CALLERS; node = next_of(node)) {
        struct conf_caller *caller = &box->callers[box->conf.caller_count++];
        caller->ae_title = text_of(box, node, "aeTitle", NULL);
        caller->addresses = text_of(box, node, "addresses", NULL);
        caller->tls = strcmp(text_of(box, node, "tls", ""), "true") == 0;
        caller->certificate = text_of(box, node, "certificate", NULL);
        caller->line = conf_line_of(node);
    }
    box->conf.callers = box->callers;
}

/* What is wrong with a file or port is found later, where there is no document any more. */
static const struct {
    const char *element, *attribute;
} with_lines[LINES_KEPT] = {
    {"node", "port"},        {"node", "spool"},          {"orders", "port"},
    {"tls", "port"},         {"tls", "certificate"},     {"tls", "key"},
    {"tls", "authorities"},  {"tls", "revoked"},         {"console", "port"},
    {"console", "accounts"}, {"console", "certificate"}, {"console", "key"},
    {"audit", "ca"},         {"audit", "certificate"},   {"audit", "key"}};

static void read_lines(struct box *box, const xmlNode *root)
{
    for (size_t i = 0; i < LINES_KEPT; i++) {
        const xmlNode *node = child_of(root, with_lines[i].element);
        box->lines[i] = node ? conf_line_of_attribute(node, with_lines[i].attribute) : 0;
    }
}

int conf_attribute_line(const struct conf *conf, const char *element, const char *attribute)
{
    const struct box *box = (const struct box *)conf;

    for (size_t i = 0; i < LINES_KEPT; i++)
        if (strcmp(with_lines[i].element, element) == 0 &&
            strcmp(with_lines[i].attribute, attribute) == 0)
            return box->lines[i];
    return 0;
}

static const struct conf_peer *find_peer(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->peer_count; i++)
        if (strcmp(conf->peers[i].name, name) == 0)
            return &conf->peers[i];
    return NULL;
}

static void read_order_query(struct conf *conf)
{
    const char *name = conf->order_query.peer_name;

    conf->order_query.peer = name ? find_peer(conf, name) : NULL;
}

static void read_destinations(struct box *box, const xmlNode *root)
{
    const xmlNode *node = child_of(child_of(root, "destinations"), "destination");
    struct conf *conf = &box->conf;

    for (; node && conf->destination_count < CONF_MAX_PEERS; node = next_of(node)) {
        struct conf_destination *destination = &box->destinations[conf->destination_count];
        const char *peer = text_of(box, node, "peer", "");
        destination->peer = find_peer(conf, peer);
        for (size_t i = 0; i < conf_destination_option_count; i++)
            read_option(box, destination, &conf_destination_options[i], node);
        destination->line = conf_line_of(node);
        box->destination_peer[conf->destination_count++] = peer;
    }
    conf->destinations = box->destinations;
}

static void read_announcement(struct box *box, const xmlNode *node, enum conf_way way)
{
    size_t at = box->conf.announcement_count++;
    struct conf_announcement *announcement = &box->announcements[at];
    const char *element = conf_way_name(way);

    announcement->way = way;
    announcement->line = conf_line_of(node);
    box->announcement_peer[at] = way == CONF_UPS ? text_of(box, node, "peer", "") : "";
    announcement->peer = find_peer(&box->conf, box->announcement_peer[at]);
    for (size_t i = 0; i < conf_announcement_option_count; i++)
        if (strcmp(conf_announcement_options[i].element, element) == 0)
            read_option(box, announcement, &conf_announcement_options[i], node);
        else if (way == CONF_HL7 && strcmp(conf_announcement_options[i].element, "profile") == 0)
            read_option(box, announcement, &conf_announcement_options[i],
                        child_of(node, "profile"));
}

static void read_announcements(struct box *box, const xmlNode *root)
{
    const xmlNode *list = child_of(root, "announcements");
    const xmlNode *node = list ? xmlFirstElementChild((xmlNode *)list) : NULL;

    for (; node && box->conf.announcement_count < CONF_MAX_ANNOUNCEMENTS;
         node = xmlNextElementSibling((xmlNode *)node))
        for (enum conf_way way = CONF_UPS; way <= CONF_WEBHOOK; way++)
            if (strcmp((const char *)node->name, conf_way_name(way)) == 0)
                read_announcement(box, node, way);
    box->conf.announcements = box->announcements;
}

const char *conf_read_announcement_peer(const struct conf *conf, size_t announcement)
{
    return ((const struct box *)conf)->announcement_peer[announcement];
}

const char *conf_read_destination_peer(const struct conf *conf, size_t destination)
{
    return ((const struct box *)conf)->destination_peer[destination];
}

/* "16", "-0.5"; of an age "18M" too, and "18" is years. */
static void read_bound(const struct conf_match *match, const char *text, struct conf_bound *bound)
{
    static const char units[] = "YMWD";
    const char *end = text;

    bound->number = text ? conf_value_decimal(text, &end) : 0;
    const char *unit = text && *end ? strchr(units, *end) : NULL;
    if (match->tag == conf_keyword_tag("PatientAge"))
        bound->unit = unit ? (enum conf_unit)(CONF_YEARS + (unit - units)) : CONF_YEARS;
}

static void read_matches(struct box *box, const xmlNode *node, struct conf_rule *rule)
{
    size_t most = CONF_MAX_MATCHES + (rule->ae != NULL);

    for (; node && rule->matches < most; node = next_of(node)) {
        struct conf_match *match = &rule->match[rule->matches++];
        match->keyword = text_of(box, node, "attribute", "");
        match->tag = conf_keyword_tag(match->keyword);
        match->values = text_of(box, node, "values", NULL);
        match->pattern = text_of(box, node, "pattern", NULL);
        match->least = text_of(box, node, "least", NULL);
        match->most = text_of(box, node, "most", NULL);
        read_bound(match, match->least, &match->bound[CONF_LEAST]);
        read_bound(match, match->most, &match->bound[CONF_MOST]);
        match->line = conf_line_of(node);
    }
}

/* <rule ae>: the AE title that was called, whole, as the first match. A title may hold blanks. */
static void read_ae(struct box *box, const xmlNode *node, struct conf_rule *rule)
{
    struct conf_match *match = &rule->match[0];
    char pattern[2 * 64 + 3] = "^";
    size_t used = 1;

    rule->ae = text_of(box, node, "ae", NULL);
    for (const char *at = rule->ae; at && *at && used + 3 < sizeof pattern; at++) {
        if (strchr("\\.[(){}*+?|^$", *at)) /* no other mark: \' and \< are places */
            pattern[used++] = '\\';
        pattern[used++] = *at;
    }
    if (!rule->ae)
        return;
    memcpy(pattern + used, "$", 2);
    match->keyword = "CalledAETitle";
    match->tag = CONF_CALLED_AE_TITLE;
    match->pattern = keep(box, pattern);
    match->line = conf_line_of_attribute(node, "ae");
    rule->matches = 1;
}

static void read_consequences(struct box *box, const xmlNode *node, struct conf_rule *rule)
{
    const char *outputs = text_of(box, node, "outputs", NULL);

    rule->model = text_of(box, node, "model", NULL);
    rule->destinations = text_of(box, node, "destinations", NULL);
    rule->announcements = text_of(box, node, "announcements", NULL);
    rule->body_part_by_pixels = strcmp(text_of(box, node, "bodyPart", ""), "pixels") == 0;
    rule->never_raises = strcmp(text_of(box, node, "priority", ""), "never") == 0;
    rule->models = models_named(&box->conf, rule->model);
    if (outputs && !conf_value_outputs(conf_output_names, outputs, &rule->outputs))
        rule->outputs = 0;
}

static void read_rules(struct box *box, const xmlNode *root)
{
    static const char *const actions[] = {
        [CONF_ANALYZE] = "analyze", [CONF_STORE_ONLY] = "store", [CONF_IGNORE] = "ignore"};
    const xmlNode *node = child_of(child_of(root, "rules"), "rule");

    for (; node && box->conf.rule_count < CONF_MAX_RULES; node = next_of(node)) {
        struct conf_rule *rule = &box->rules[box->conf.rule_count++];
        const char *action = text_of(box, node, "action", "");
        rule->name = text_of(box, node, "name", "");
        rule->action = CONF_IGNORE;
        for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
            if (strcmp(action, actions[i]) == 0)
                rule->action = (enum conf_action)i;
        read_ae(box, node, rule);
        read_consequences(box, node, rule);
        rule->line = conf_line_of(node);
        read_matches(box, child_of(node, "match"), rule);
    }
    box->conf.rules = box->rules;
}

/* 0: it is not there. */
static int line_of(const xmlNode *root, const char *name)
{
    const xmlNode *node = child_of(root, name);

    return node ? conf_line_of(node) : 0;
}

struct conf *conf_read_conf(struct reading *reading, const char *path)
{
    const xmlNode *root = xmlDocGetRootElement(reading->doc);
    struct box *box = conf_room_take(reading->room, sizeof *box);

    if (!box) {
        reading->no_memory = true;
        return NULL;
    }
    box->room = reading->room;
    box->conf.path = keep(box, path);
    for (size_t i = 0; i <= CONF_MAX_FILES && reading->complaints->files[i]; i++)
        box->conf.files[i] = keep(box, reading->complaints->files[i]);
    box->conf.node_line = line_of(root, "node");
    box->conf.report_line = line_of(root, "report");
    box->conf.audit_line = line_of(root, "audit");
    read_options(box, root);
    read_models(box, root);
    read_aes(box, root);
    read_peers(box, root);
    read_order_query(&box->conf);
    read_callers(box, root);
    read_lines(box, root);
    read_destinations(box, root);
    read_announcements(box, root);
    read_rules(box, root);
    reading->no_memory |= box->no_memory;
    return &box->conf;
}

const char *conf_file_of(const struct conf *conf, int line)
{
    const char *file = conf->files[line >> CONF_LINE_BITS];

    return file ? file : conf->path;
}

struct conf_spot conf_spot_of(const struct conf *conf, int line)
{
    struct conf_spot spot;
    int used = snprintf(spot.text, sizeof spot.text, "line %d", conf_line_in_file(line));

    if (line != conf_line_in_file(line)) {
        const char *file = conf_file_of(conf, line), *slash = strrchr(file, '/');
        snprintf(spot.text + used, sizeof spot.text - (size_t)used, " of %.255s",
                 slash ? slash + 1 : file);
    }
    return spot;
}

void conf_destroy(struct conf *conf)
{
    struct box *box = (struct box *)conf;

    if (!box)
        return;
    if (box->room) {
        conf_room_destroy(box->room);
        return;
    }
    for (struct string *string = box->strings, *next; string; string = next) {
        next = string->next;
        free(string);
    }
    free(box);
}
