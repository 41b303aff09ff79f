#include "conf_private.h"
#include <inttypes.h>
#include <string.h>

static void put(FILE *out, const char *text)
{
    fwrite(text, 1, strlen(text), out);
}

/* A text as an attribute's value; white space as references, or it becomes blanks.
 */
static void put_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '&')
            put(out, "&amp;");
        else if (byte == '<')
            put(out, "&lt;");
        else if (byte == '>')
            put(out, "&gt;");
        else if (byte == '"')
            put(out, "&quot;");
        else if (byte < 0x20)
            fprintf(out, "&#%u;", (unsigned)byte);
        else
            fwrite(text, 1, 1, out);
    }
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    put_text(out, value);
    put(out, "\"");
}

static void put_outputs(FILE *out, unsigned outputs)
{
    const char *between = "";

    put(out, " outputs=\"");
    for (unsigned i = 0; conf_output_names[i]; i++)
        if (outputs & 1u << i) {
            fprintf(out, "%s%s", between, conf_output_names[i]);
            between = " ";
        }
    put(out, "\"");
}

static void put_option(FILE *out, const void *of, const struct option *option)
{
    static const char *const flags[] = {"false", "true"};
    const char *field = (const char *)of + option->offset;
    const char *const *names = option->names ? option->names : flags;
    uint64_t number = 0;
    char text[24];

    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_NULLABLE: {
        const char *value;
        memcpy(&value, field, sizeof value);
        if (value)
            put_attribute(out, option->attribute, value);
        return;
    }
    case OPTION_BOOL:
        put_attribute(out, option->attribute, names[*(const bool *)field]);
        return;
    case OPTION_CHOICE:
        put_attribute(out, option->attribute, names[*(const unsigned *)field]);
        return;
    case OPTION_OUTPUTS:
        put_outputs(out, *(const unsigned *)field);
        return;
    case OPTION_MODE:
        put_attribute(out, option->attribute, conf_mode_name(*(const enum conf_mode *)field));
        return;
    case OPTION_LEVEL:
        put_attribute(out, option->attribute, conf_level_name(*(const int *)field));
        return;
    case OPTION_INT:
        number = (uint64_t) * (const int *)field;
        break;
    case OPTION_U16:
        number = *(const uint16_t *)field;
        break;
    case OPTION_U32:
        number = *(const uint32_t *)field;
        break;
    case OPTION_U64:
        number = *(const uint64_t *)field;
        break;
    }
    snprintf(text, sizeof text, "%" PRIu64, number);
    put_attribute(out, option->attribute, text);
}

/* One model without a name stands in <node>. */
static bool is_in_node(const struct conf *conf)
{
    return conf->model_count == 1 && !conf->model_name[0];
}

static void put_options(FILE *out, const struct conf *conf)
{
    for (size_t i = 0; i < conf_option_count; i++) {
        const char *element = conf_options[i].element;
        if (i == 0 || strcmp(element, conf_options[i - 1].element) != 0)
            fprintf(out, "  <%s", element);
        if (is_in_node(conf) || conf_options[i].offset != offsetof(struct conf, model))
            put_option(out, conf, &conf_options[i]);
        if (i + 1 == conf_option_count || strcmp(element, conf_options[i + 1].element) != 0)
            put(out, "/>\n");
    }
}

static void put_models(FILE *out, const struct conf *conf)
{
    if (is_in_node(conf))
        return;
    put(out, "  <models>\n");
    for (size_t i = 0; i < conf->model_count; i++) {
        put(out, "    <model");
        put_attribute(out, "folder", conf->models[i]);
        if (conf->model_name[i])
            put_attribute(out, "name", conf->model_name[i]);
        put(out, "/>\n");
    }
    put(out, "  </models>\n");
}

/* The files' names, never what is in them. */
static void put_web(FILE *out, const struct conf_peer *peer)
{
    put_attribute(out, "url", peer->url);
    if (peer->user)
        put_attribute(out, "user", peer->user);
    if (peer->password)
        put_attribute(out, "passwordFile", peer->password);
    if (peer->token)
        put_attribute(out, "tokenFile", peer->token);
    put(out, "/>\n");
}

static void put_peers(FILE *out, const struct conf *conf)
{
    put(out, "  <peers>\n");
    for (size_t i = 0; i < conf->peer_count; i++) {
        const struct conf_peer *peer = &conf->peers[i];
        put(out, "    <peer");
        put_attribute(out, "name", peer->name);
        if (peer->url) {
            put_web(out, peer);
            continue;
        }
        put_attribute(out, "aeTitle", peer->ae_title);
        put_attribute(out, "host", peer->host);
        fprintf(out, " port=\"%u\" tls=\"%s\"", (unsigned)peer->port, peer->tls ? "true" : "false");
        if (peer->tls_name)
            put_attribute(out, "tlsName", peer->tls_name);
        put(out, "/>\n");
    }
    put(out, "  </peers>\n  <destinations>\n");
    for (size_t i = 0; i < conf->destination_count; i++) {
        const struct conf_destination *destination = &conf->destinations[i];
        put(out, "    <destination");
        put_attribute(out, "peer", destination->peer->name);
        for (size_t j = 0; j < conf_destination_option_count; j++)
            put_option(out, destination, &conf_destination_options[j]);
        put(out, "/>\n");
    }
    put(out, "  </destinations>\n");
}

void conf_show_address(const char *url, char text[CONF_SHOWN_ADDRESS])
{
    const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url;
    size_t length = strcspn(host, "/?#");
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *at = host + length; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    if (strlen(host + length) <= 1)
        snprintf(text, CONF_SHOWN_ADDRESS, "%s", url);
    else
        snprintf(text, CONF_SHOWN_ADDRESS, "%.*s/ (not shown: %08" PRIx32 ")",
                 (int)(host + length - url < 300 ? host + length - url : 300), url, hash);
}

static void put_announcement(FILE *out, const struct conf_announcement *announcement,
                             const char *element, bool shown)
{
    for (size_t i = 0; i < conf_announcement_option_count; i++) {
        const struct option *option = &conf_announcement_options[i];
        char text[CONF_SHOWN_ADDRESS];
        if (strcmp(option->element, element) != 0)
            continue;
        if (shown && option->offset == offsetof(struct conf_announcement, url)) {
            conf_show_address(announcement->url, text);
            put_attribute(out, option->attribute, text);
        } else {
            put_option(out, announcement, option);
        }
    }
}

static void put_announcements(FILE *out, const struct conf *conf, bool shown)
{
    put(out, "  <announcements>\n");
    for (size_t i = 0; i < conf->announcement_count; i++) {
        const struct conf_announcement *announcement = &conf->announcements[i];
        const char *element = conf_way_name(announcement->way);
        fprintf(out, "    <%s", element);
        if (announcement->peer)
            put_attribute(out, "peer", announcement->peer->name);
        put_announcement(out, announcement, element, shown);
        if (announcement->way == CONF_HL7) {
            put(out, ">\n      <profile");
            put_announcement(out, announcement, "profile", shown);
            put(out, "/>\n    </hl7>\n");
        } else {
            put(out, "/>\n");
        }
    }
    put(out, "  </announcements>\n");
}

/* An empty list is nobody's: none is written for everyone. */
static void put_callers(FILE *out, const struct conf *conf)
{
    if (conf->caller_count == 0)
        return;
    put(out, "  <callers>\n");
    for (size_t i = 0; i < conf->caller_count; i++) {
        const struct conf_caller *caller = &conf->callers[i];
        put(out, "    <caller");
        if (caller->ae_title)
            put_attribute(out, "aeTitle", caller->ae_title);
        if (caller->addresses)
            put_attribute(out, "addresses", caller->addresses);
        put_attribute(out, "tls", caller->tls ? "true" : "false");
        if (caller->certificate)
            put_attribute(out, "certificate", caller->certificate);
        put(out, "/>\n");
    }
    put(out, "  </callers>\n");
}

static void put_aes(FILE *out, const struct conf *conf)
{
    if (conf->ae_count == 0)
        return;
    put(out, "  <aes>\n");
    for (size_t i = 0; i < conf->ae_count; i++) {
        const struct conf_ae *ae = &conf->aes[i];
        put(out, "    <ae");
        put_attribute(out, "aeTitle", ae->title);
        if (ae->model)
            put_attribute(out, "model", ae->model);
        fprintf(out,
                " dimseTimeout=\"%d\" pduTimeout=\"%d\" minimumRate=\"%" PRIu32
                "\" associationTime=\"%d\" datasetTime=\"%d\"/>\n",
                ae->dimse_seconds, ae->pdu_seconds, ae->minimum_rate, ae->association_seconds,
                ae->dataset_seconds);
    }
    put(out, "  </aes>\n");
}

static void put_match(FILE *out, const struct conf_match *match)
{
    const char *const names[] = {"values", "pattern", "least", "most"};
    const char *const texts[] = {match->values, match->pattern, match->least, match->most};

    put(out, "      <match");
    put_attribute(out, "attribute", match->keyword);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (texts[i])
            put_attribute(out, names[i], texts[i]);
    put(out, "/>\n");
}

static void put_rules(FILE *out, const struct conf *conf)
{
    static const char *const actions[] = {
        [CONF_ANALYZE] = "analyze", [CONF_STORE_ONLY] = "store", [CONF_IGNORE] = "ignore"};

    put(out, "  <rules>\n");
    for (size_t i = 0; i < conf->rule_count; i++) {
        const struct conf_rule *rule = &conf->rules[i];
        put(out, "    <rule");
        put_attribute(out, "name", rule->name);
        put_attribute(out, "action", actions[rule->action]);
        if (rule->ae)
            put_attribute(out, "ae", rule->ae);
        if (rule->model)
            put_attribute(out, "model", rule->model);
        if (rule->destinations)
            put_attribute(out, "destinations", rule->destinations);
        if (rule->announcements)
            put_attribute(out, "announcements", rule->announcements);
        if (rule->outputs)
            put_outputs(out, rule->outputs);
        if (rule->body_part_by_pixels)
            put_attribute(out, "bodyPart", "pixels");
        if (rule->never_raises)
            put_attribute(out, "priority", "never");
        size_t first = rule->ae != NULL; /* the AE's match is the attribute */
        put(out, rule->matches > first ? ">\n" : "/>\n");
        for (size_t j = first; j < rule->matches; j++)
            put_match(out, &rule->match[j]);
        if (rule->matches > first)
            put(out, "    </rule>\n");
    }
    put(out, "  </rules>\n");
}

static void print(const struct conf *conf, FILE *out, bool shown)
{
    put(out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<cervigate xmlns=\"" CONF_NAMESPACE "\">\n");
    put_options(out, conf);
    put_models(out, conf);
    put_aes(out, conf);
    put_callers(out, conf);
    put_peers(out, conf);
    put_announcements(out, conf, shown);
    put_rules(out, conf);
    put(out, "</cervigate>\n");
}

void conf_print(const struct conf *conf, FILE *out)
{
    print(conf, out, false);
}

void conf_print_shown(const struct conf *conf, FILE *out)
{
    print(conf, out, true);
}

bool conf_value(const struct conf *conf, const char *element, const char *attribute, char *value,
                size_t size)
{
    for (size_t i = 0; i < conf_option_count; i++) {
        const struct option *option = &conf_options[i];
        char text[512] = "";
        if (strcmp(option->element, element) != 0 || strcmp(option->attribute, attribute) != 0)
            continue;
        FILE *out = fmemopen(text, sizeof text, "w");
        if (!out)
            return false;
        put_option(out, conf, option);
        fclose(out);
        text[sizeof text - 1] = '\0';
        /*  NAME="VALUE" */
        size_t begin = strlen(attribute) + 3, length = strlen(text);
        length = length > begin ? length - begin - 1 : 0;
        snprintf(value, size, "%.*s", (int)length, length > 0 ? text + begin : "");
        return true;
    }
    return false;
}
