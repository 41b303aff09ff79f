/* The document, already weeded and complained about, becomes struct conf. Nothing here complains: a
 * value that the schema refused keeps its default, so that check.c can look at all the rest. */
#include "conf_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct string {
    struct string *next;
    char text[];
};

/* One allocation holds everything but the strings; struct conf comes first, and conf_destroy gets
 * the box back from it. */
struct box {
    struct conf conf;
    struct string *strings;
    bool no_memory;
    struct conf_peer peers[CONF_MAX_PEERS];
    struct conf_destination destinations[CONF_MAX_PEERS];
    const char *destination_peer[CONF_MAX_PEERS];
    struct conf_rule rules[CONF_MAX_RULES];
};

static const char *keep(struct box *box, const char *text)
{
    size_t size = strlen(text) + 1;
    struct string *string = malloc(sizeof *string + size);

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

/* A whole number up to `most`; false leaves *number. */
static bool parse_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || errno || value > most || *end)
        return false;
    *number = value;
    return true;
}

static uint64_t number_of(struct box *box, const xmlNode *element, const char *attribute,
                          uint64_t most, uint64_t fallback)
{
    uint64_t number = fallback;

    if (!parse_number(text_of(box, element, attribute, ""), most, &number))
        return fallback;
    return number;
}

static bool parse_level(const char *text, int *level)
{
    for (int i = 0; i <= 3; i++)
        if (strcmp(text, conf_level_name(i)) == 0) {
            *level = i;
            return true;
        }
    return false;
}

/* Sets an option's field; false when the text is no value for it. */
static bool set_option(struct conf *conf, const struct option *option, const char *text)
{
    static const uint64_t most[] = {[OPTION_INT] = INT32_MAX,
                                    [OPTION_U16] = UINT16_MAX,
                                    [OPTION_U32] = UINT32_MAX,
                                    [OPTION_U64] = UINT64_MAX,
                                    [OPTION_LEVEL] = 0};
    char *field = (char *)conf + option->offset;
    uint64_t number = 0;

    switch (option->type) {
    case OPTION_TEXT:
        memcpy(field, &text, sizeof text);
        return true;
    case OPTION_BOOL:
        *(bool *)field = strcmp(text, "true") == 0;
        return true;
    case OPTION_MODE:
        return conf_mode_parse(text, (enum conf_mode *)field);
    case OPTION_LEVEL:
        return parse_level(text, (int *)field);
    case OPTION_INT:
    case OPTION_U16:
    case OPTION_U32:
    case OPTION_U64:
        break;
    }
    if (!parse_number(text, most[option->type], &number))
        return false;
    if (option->type == OPTION_INT)
        *(int *)field = (int)number;
    else if (option->type == OPTION_U16)
        *(uint16_t *)field = (uint16_t)number;
    else if (option->type == OPTION_U32)
        *(uint32_t *)field = (uint32_t)number;
    else
        *(uint64_t *)field = number;
    return true;
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

static void read_options(struct box *box, const xmlNode *root)
{
    for (size_t i = 0; i < conf_option_count; i++) {
        const struct option *option = &conf_options[i];
        const char *fallback = option->fallback ? option->fallback : "";
        const char *text =
            text_of(box, child_of(root, option->element), option->attribute, fallback);
        if (!set_option(&box->conf, option, text))
            (void)set_option(&box->conf, option, fallback);
    }
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
        peer->line = conf_line_of(node);
    }
    box->conf.peers = box->peers;
}

static const struct conf_peer *find_peer(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->peer_count; i++)
        if (strcmp(conf->peers[i].name, name) == 0)
            return &conf->peers[i];
    return NULL;
}

static void read_destinations(struct box *box, const xmlNode *root)
{
    const xmlNode *node = child_of(child_of(root, "destinations"), "destination");
    struct conf *conf = &box->conf;

    for (; node && conf->destination_count < CONF_MAX_PEERS; node = next_of(node)) {
        struct conf_destination *destination = &box->destinations[conf->destination_count];
        const char *outputs = text_of(box, node, "outputs", "SR SC");
        const char *peer = text_of(box, node, "peer", "");
        destination->peer = find_peer(conf, peer);
        destination->outputs =
            (strstr(outputs, "SR") ? CONF_SR : 0u) | (strstr(outputs, "SC") ? CONF_SC : 0u);
        destination->demo = strcmp(text_of(box, node, "demo", "false"), "true") == 0;
        destination->retry_first_seconds = (int)number_of(box, node, "retryFirst", INT32_MAX, 1);
        destination->retry_most_seconds = (int)number_of(box, node, "retryMost", INT32_MAX, 300);
        destination->line = conf_line_of(node);
        box->destination_peer[conf->destination_count++] = peer;
    }
    conf->destinations = box->destinations;
}

const char *conf_read_destination_peer(const struct conf *conf, size_t destination)
{
    return ((const struct box *)conf)->destination_peer[destination];
}

static void read_matches(struct box *box, const xmlNode *node, struct conf_rule *rule)
{
    for (; node && rule->matches < CONF_MAX_MATCHES; node = next_of(node)) {
        struct conf_match *match = &rule->match[rule->matches++];
        match->keyword = text_of(box, node, "attribute", "");
        match->tag = conf_keyword_tag(match->keyword);
        match->values = text_of(box, node, "values", NULL);
        match->pattern = text_of(box, node, "pattern", NULL);
        match->line = conf_line_of(node);
    }
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
        rule->line = conf_line_of(node);
        read_matches(box, child_of(node, "match"), rule);
    }
    box->conf.rules = box->rules;
}

struct conf *conf_read_conf(struct reading *reading, const char *path)
{
    const xmlNode *root = xmlDocGetRootElement(reading->doc);
    struct box *box = calloc(1, sizeof *box);

    if (!box) {
        reading->no_memory = true;
        return NULL;
    }
    box->conf.path = keep(box, path);
    const xmlNode *node = child_of(root, "node");
    box->conf.node_line = node ? conf_line_of(node) : 0;
    read_options(box, root);
    read_peers(box, root);
    read_destinations(box, root);
    read_rules(box, root);
    reading->no_memory |= box->no_memory;
    return &box->conf;
}

void conf_destroy(struct conf *conf)
{
    struct box *box = (struct box *)conf;

    if (!box)
        return;
    for (struct string *string = box->strings, *next; string; string = next) {
        next = string->next;
        free(string);
    }
    free(box);
}
