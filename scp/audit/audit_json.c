#include "audit_json.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

/* Text that JSON takes; the message was checked for UTF-8 by the parser. */
static json_t *text_of(const xmlNode *node, const char *name)
{
    xmlChar *value = node != NULL ? xmlGetNoNsProp(node, BAD_CAST name) : NULL;
    json_t *text = json_string(value != NULL ? (const char *)value : "");
    xmlFree(value);
    return text != NULL ? text : json_string("");
}

static const xmlNode *child_of(const xmlNode *node, const char *name)
{
    for (const xmlNode *one = node != NULL ? node->children : NULL; one != NULL; one = one->next)
        if (one->type == XML_ELEMENT_NODE && strcmp((const char *)one->name, name) == 0)
            return one;
    return NULL;
}

static json_t *content_of(const xmlNode *node)
{
    xmlChar *value = node != NULL ? xmlNodeGetContent(node) : NULL;
    json_t *text = json_string(value != NULL ? (const char *)value : "");
    xmlFree(value);
    return text != NULL ? text : json_string("");
}

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Base64 back to text; bytes that are no UTF-8 make it "". */
static json_t *decoded(const char *coded)
{
    size_t used = 0, bits = 0;
    uint32_t held = 0;
    char *text = malloc(strlen(coded) + 1);
    if (text == NULL)
        return json_string("");
    for (; *coded != '\0'; coded++) {
        int digit = digit_of(*coded);
        if (digit < 0)
            continue;
        held = held << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            text[used++] = (char)(held >> bits & 0xffu);
        }
    }
    json_t *value = json_stringn(text, used);
    free(text);
    return value != NULL ? value : json_string("");
}

static json_t *participant(const xmlNode *node)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "user", text_of(node, "UserID"), "ae_title",
                     text_of(node, "AlternativeUserID"), "name", text_of(node, "UserName"),
                     "address", text_of(node, "NetworkAccessPointID"), "requestor",
                     text_of(node, "UserIsRequestor"), "role",
                     text_of(child_of(node, "RoleIDCode"), "originalText"));
}

static json_t *kind_of(const xmlNode *code)
{
    static const char *const known[][2] = {{"110180", "study"},
                                           {"2", "patient"},
                                           {"110182", "node"},
                                           {"12", "setting"},
                                           {"JOB", "job"}};
    json_t *kind = text_of(code, "csd-code");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (kind != NULL && strcmp(json_string_value(kind), known[i][0]) == 0) {
            json_decref(kind);
            return json_string(known[i][1]);
        }
    return kind;
}

static void set_from(json_t *into, const xmlNode *node, const char *name, json_t *value)
{
    xmlChar *key = xmlGetNoNsProp(node, BAD_CAST name);
    if (key != NULL)
        (void)json_object_set_new(into, (const char *)key, value);
    else
        json_decref(value);
    xmlFree(key);
}

static json_t *object(const xmlNode *node)
{
    json_t *details = json_object(), *classes = json_object();
    const xmlNode *description = child_of(node, "ParticipantObjectDescription");
    for (const xmlNode *one = node->children; one != NULL; one = one->next) {
        if (one->type != XML_ELEMENT_NODE ||
            strcmp((const char *)one->name, "ParticipantObjectDetail") != 0)
            continue;
        xmlChar *value = xmlGetNoNsProp(one, BAD_CAST "value");
        set_from(details, one, "type", decoded(value != NULL ? (const char *)value : ""));
        xmlFree(value);
    }
    for (const xmlNode *one = description != NULL ? description->children : NULL; one != NULL;
         one = one->next)
        if (one->type == XML_ELEMENT_NODE && strcmp((const char *)one->name, "SOPClass") == 0)
            set_from(classes, one, "UID", text_of(one, "NumberOfInstances"));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
                     kind_of(child_of(node, "ParticipantObjectIDTypeCode")), "id",
                     text_of(node, "ParticipantObjectID"), "name",
                     content_of(child_of(node, "ParticipantObjectName")), "life_cycle",
                     text_of(node, "ParticipantObjectDataLifeCycle"), "details", details,
                     "accession", text_of(child_of(description, "Accession"), "Number"), "classes",
                     classes);
}

/* All children of that name. */
static json_t *list_of(const xmlNode *root, const char *name, json_t *(*of)(const xmlNode *))
{
    json_t *list = json_array();
    for (const xmlNode *one = root->children; one != NULL; one = one->next)
        if (one->type == XML_ELEMENT_NODE && strcmp((const char *)one->name, name) == 0)
            (void)json_array_append_new(list, of(one));
    return list;
}

json_t *audit_json(const struct audit_record *r)
{
    json_t *value = NULL;
    xmlDoc *doc = xmlReadMemory(r->message, (int)r->message_bytes, NULL, NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const xmlNode *root = doc != NULL && doc->intSubset == NULL ? xmlDocGetRootElement(doc) : NULL;
    const xmlNode *event = child_of(root, "EventIdentification");
    if (event != NULL)
        value = json_pack(
            "{s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "seq",
            (json_int_t)r->seq, "time", r->time, "host", r->host, "node", r->node, "hash", r->hash,
            "event", text_of(child_of(event, "EventID"), "originalText"), "code",
            text_of(child_of(event, "EventID"), "csd-code"), "type",
            text_of(child_of(event, "EventTypeCode"), "originalText"), "action",
            text_of(event, "EventActionCode"), "outcome", text_of(event, "EventOutcomeIndicator"),
            "description", content_of(child_of(event, "EventOutcomeDescription")), "participants",
            list_of(root, "ActiveParticipant", participant), "objects",
            list_of(root, "ParticipantObjectIdentification", object));
    xmlFreeDoc(doc);
    return value;
}
