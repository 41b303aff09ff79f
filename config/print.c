#include "conf_private.h"
#include <inttypes.h>
#include <string.h>

/* A text as an attribute's value; white space as references, or a parser would make blanks of it.
 */
static void put_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '&')
            fputs("&amp;", out);
        else if (byte == '<')
            fputs("&lt;", out);
        else if (byte == '>')
            fputs("&gt;", out);
        else if (byte == '"')
            fputs("&quot;", out);
        else if (byte < 0x20)
            fprintf(out, "&#%u;", (unsigned)byte);
        else
            putc(byte, out);
    }
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    put_text(out, value);
    putc('"', out);
}

static void put_option(FILE *out, const struct conf *conf, const struct option *option)
{
    const char *field = (const char *)conf + option->offset;
    uint64_t number = 0;
    char text[24];

    switch (option->type) {
    case OPTION_TEXT: {
        const char *value;
        memcpy(&value, field, sizeof value);
        put_attribute(out, option->attribute, value);
        return;
    }
    case OPTION_BOOL:
        put_attribute(out, option->attribute, *(const bool *)field ? "true" : "false");
        return;
    case OPTION_MODE:
        put_attribute(out, option->attribute, conf_mode_name(*(const enum conf_mode *)field));
        return;
    case OPTION_LEVEL:
        put_attribute(out, option->attribute, level_name(*(const int *)field));
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

static void put_options(FILE *out, const struct conf *conf)
{
    for (size_t i = 0; i < conf_option_count; i++) {
        const char *element = conf_options[i].element;
        if (i == 0 || strcmp(element, conf_options[i - 1].element) != 0)
            fprintf(out, "  <%s", element);
        put_option(out, conf, &conf_options[i]);
        if (i + 1 == conf_option_count || strcmp(element, conf_options[i + 1].element) != 0)
            fputs("/>\n", out);
    }
}

static void put_peers(FILE *out, const struct conf *conf)
{
    fputs("  <peers>\n", out);
    for (size_t i = 0; i < conf->peer_count; i++) {
        const struct conf_peer *peer = &conf->peers[i];
        fputs("    <peer", out);
        put_attribute(out, "name", peer->name);
        put_attribute(out, "aeTitle", peer->ae_title);
        put_attribute(out, "host", peer->host);
        fprintf(out, " port=\"%u\"/>\n", (unsigned)peer->port);
    }
    fputs("  </peers>\n  <destinations>\n", out);
    for (size_t i = 0; i < conf->destination_count; i++) {
        const struct conf_destination *destination = &conf->destinations[i];
        fputs("    <destination", out);
        put_attribute(out, "peer", destination->peer->name);
        fprintf(out, " outputs=\"%s\" demo=\"%s\" retryFirst=\"%d\" retryMost=\"%d\"/>\n",
                destination->sr && destination->sc ? "SR SC"
                : destination->sr                  ? "SR"
                                                   : "SC",
                destination->demo ? "true" : "false", destination->retry_first_seconds,
                destination->retry_most_seconds);
    }
    fputs("  </destinations>\n", out);
}

static void put_rules(FILE *out, const struct conf *conf)
{
    static const char *const actions[] = {
        [CONF_ANALYZE] = "analyze", [CONF_STORE_ONLY] = "store", [CONF_IGNORE] = "ignore"};

    fputs("  <rules>\n", out);
    for (size_t i = 0; i < conf->rule_count; i++) {
        const struct conf_rule *rule = &conf->rules[i];
        fputs("    <rule", out);
        put_attribute(out, "name", rule->name);
        put_attribute(out, "action", actions[rule->action]);
        fputs(rule->matches ? ">\n" : "/>\n", out);
        for (size_t j = 0; j < rule->matches; j++) {
            const struct conf_match *match = &rule->match[j];
            fputs("      <match", out);
            put_attribute(out, "attribute", match->keyword);
            if (match->values)
                put_attribute(out, "values", match->values);
            if (match->pattern)
                put_attribute(out, "pattern", match->pattern);
            fputs("/>\n", out);
        }
        if (rule->matches)
            fputs("    </rule>\n", out);
    }
    fputs("  </rules>\n", out);
}

void conf_print(const struct conf *conf, FILE *out)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<cervigate xmlns=\"" CONF_NAMESPACE "\">\n",
          out);
    put_options(out, conf);
    put_peers(out, conf);
    put_rules(out, conf);
    fputs("</cervigate>\n", out);
}
