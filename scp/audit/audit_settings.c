/* What is in force, as lines "NAME=VALUE": each setting of the effective configuration, each
 * model's digest, operating points and what its gate asks for. audit/settings keeps what was told
 * last; what differs is the event, so that a change made while the node did not run is told, too.
 */
#include "audit.h"

#include "log.h"
#include "nn_model.h"
#include "node.h"
#include "spool.h"
#include <fcntl.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHANGES   30 /* told one by one */
#define MOST      (1 << 20)
#define TEXT_MOST 256

/* ---- now ---- */

/* A value is one line, whatever it holds. */
static void put_value(FILE *out, const char *value)
{
    for (; *value != '\0'; value++)
        (void)fputc((unsigned char)*value < ' ' ? ' ' : *value, out);
    (void)fputc('\n', out);
}

/* "peer[pacs]" where the element has a name of its own, else "limits" or, counted, "match[2]". */
static void put_element(FILE *out, const xmlNode *node, int index)
{
    static const char *const names[] = {"name", "peer", "folder", "aeTitle"};
    (void)fprintf(out, "%s", (const char *)node->name);
    bool alone = strcmp((const char *)node->name, "node") == 0;
    for (size_t i = 0; !alone && i < sizeof names / sizeof *names; i++) {
        xmlChar *name = xmlGetNoNsProp(node, BAD_CAST names[i]);
        if (name != NULL)
            (void)fprintf(out, "[%.64s]", (const char *)name);
        xmlFree(name);
        if (xmlHasProp(node, BAD_CAST names[i]) != NULL)
            return;
    }
    if (index > 0)
        (void)fprintf(out, "[%d]", index);
}

static void put_attributes(FILE *out, const xmlNode *parent, int parent_index, const xmlNode *node,
                           int index)
{
    for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
        xmlChar *value = xmlGetNoNsProp(node, a->name);
        if (strcmp((const char *)parent->name, "rule") == 0) {
            put_element(out, parent, parent_index);
            (void)fputc(' ', out);
        }
        put_element(out, node, index);
        (void)fprintf(out, " %s=", (const char *)a->name);
        put_value(out, value != NULL ? (const char *)value : "");
        xmlFree(value);
    }
}

/* Elements of three levels: node, peers/peer, rules/rule/match. */
static void put_settings(FILE *out, const xmlNode *root)
{
    for (const xmlNode *one = root->children; one != NULL; one = one->next) {
        int second = 0;
        put_attributes(out, root, 0, one, 0);
        for (const xmlNode *two = one->children; two != NULL; two = two->next) {
            int third = 0;
            second += two->type == XML_ELEMENT_NODE;
            put_attributes(out, one, 0, two, second);
            for (const xmlNode *three = two->children; three != NULL; three = three->next) {
                third += three->type == XML_ELEMENT_NODE;
                put_attributes(out, two, second, three, third);
            }
        }
    }
}

static void put_model(FILE *out, const char *folder)
{
    char path[PATH_MAX], *xml = malloc(NN_MODEL_XML_MAX);
    struct nn_model_info info;
    struct nn_error err = {.status = NN_OK};
    (void)snprintf(path, sizeof path, "%s/model.xml", folder);
    FILE *file = xml != NULL ? fopen(path, "re") : NULL;
    size_t size = file != NULL ? fread(xml, 1, NN_MODEL_XML_MAX, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    if (size > 0 && nn_model_info_parse(path, xml, size, &info, &err) == NN_OK) {
        (void)fprintf(out, "model %s digest=%s\n", folder, info.digest);
        for (int i = 0; i < info.classes; i++)
            if (info.class_[i].finding)
                (void)fprintf(out, "model %s operating point of %s=%.17g\n", folder,
                              info.class_[i].name, info.class_[i].operating_point);
        if (info.gate_digest[0] != '\0')
            (void)fprintf(out, "model %s gate's least score of %s=%.17g\n", folder,
                          info.gate_accept, info.gate_least);
    }
    free(xml);
}

/* malloc, or NULL. */
static char *now(const struct conf *conf)
{
    char *printed = NULL, *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    if (out == NULL)
        return NULL;
    conf_print_shown(conf, out);
    bool good = fclose(out) == 0;
    xmlDoc *doc = good ? xmlReadMemory(printed, (int)size, NULL, NULL, XML_PARSE_NONET) : NULL;
    free(printed);
    out = doc != NULL ? open_memstream(&text, &size) : NULL;
    if (out != NULL) {
        put_settings(out, xmlDocGetRootElement(doc));
        for (size_t i = 0; i < conf->model_count; i++)
            put_model(out, conf->models[i]);
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    xmlFreeDoc(doc);
    return text;
}

/* ---- before ---- */

/* malloc; NULL: nothing was told yet, or it cannot be read. */
static char *before(const struct conf *conf)
{
    char path[PATH_MAX];
    struct stat at;
    node_path(conf, path, sizeof path, "audit/settings");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    if (fstat(fd, &at) == 0 && at.st_size < MOST)
        text = calloc(1, (size_t)at.st_size + 1);
    if (text != NULL && read(fd, text, (size_t)at.st_size) != at.st_size) {
        free(text);
        text = NULL;
    }
    (void)close(fd);
    return text;
}

/* ---- the difference ---- */

struct change {
    char name[TEXT_MOST], value[2 * TEXT_MOST];
};
struct changes {
    struct change list[CHANGES];
    size_t count; /* more than are listed */
};

/* The value of the line that has this name; NULL: there is none. */
static const char *find(const char *text, const char *name, size_t length)
{
    for (; text != NULL && *text != '\0'; text = strchr(text, '\n'), text += text != NULL)
        if (strncmp(text, name, length) == 0 && text[length] == '=')
            return text + length + 1;
    return NULL;
}

static void add(struct changes *changes, const char *name, size_t length, const char *old,
                const char *new_)
{
    if (changes->count++ >= CHANGES)
        return;
    struct change *c = &changes->list[changes->count - 1];
    (void)snprintf(c->name, sizeof c->name, "%.*s", (int)length, name);
    (void)snprintf(c->value, sizeof c->value, "old %.*s, new %.*s",
                   old != NULL ? (int)strcspn(old, "\n") : 4, old != NULL ? old : "none",
                   new_ != NULL ? (int)strcspn(new_, "\n") : 4, new_ != NULL ? new_ : "none");
}

/* Lines of one text that the other has not, or has with another value. */
static void compare(struct changes *changes, const char *text, const char *other, bool text_is_old)
{
    for (; text != NULL && *text != '\0'; text = strchr(text, '\n'), text += text != NULL) {
        size_t length = strcspn(text, "=\n"), bytes;
        if (text[length] != '=')
            continue;
        const char *value = text + length + 1, *there = find(other, text, length);
        bytes = strcspn(value, "\n");
        if (text_is_old && there == NULL)
            add(changes, text, length, value, NULL);
        if (!text_is_old &&
            (there == NULL || strcspn(there, "\n") != bytes || strncmp(there, value, bytes) != 0))
            add(changes, text, length, there, value);
    }
}

static bool tell(const struct conf *conf, const char *who, const struct changes *changes,
                 const char *why)
{
    char number[24];
    struct audit_detail details[CHANGES + 1];
    size_t listed = changes->count < CHANGES ? changes->count : CHANGES, count = 0;
    for (; count < listed; count++)
        details[count] =
            (struct audit_detail){changes->list[count].name, changes->list[count].value};
    (void)snprintf(number, sizeof number, "%zu", changes->count - listed);
    if (listed < changes->count)
        details[count++] = (struct audit_detail){"more changes", number};
    const struct audit_participant both[] = {{.user = who, .requestor = true},
                                             {.user = "cervigate", .ae_title = conf->ae_title}};
    const struct audit_object file = {.kind = AUDIT_SETTING,
                                      .id = conf->path,
                                      .name = "configuration",
                                      .details = details,
                                      .detail_count = count};
    const struct audit_event event = {.id = AUDIT_SECURITY_ALERT,
                                      .type = &audit_software_configuration,
                                      .action = 'E',
                                      .why = why,
                                      .participants = both,
                                      .participant_count = 2,
                                      .objects = &file,
                                      .object_count = 1};
    return audit_tell(conf, &event, 1);
}

/* The audit log tells as many; reload tells how many there are. */
static void log_changes(const struct changes *changes)
{
    for (size_t i = 0; i < changes->count && i < CHANGES; i++) {
        const struct change *c = &changes->list[i];
        log_event(LOG_AT_INFO, "setting-changed", "name=%s change=%s", log_quote(c->name),
                  log_quote(c->value));
    }
}

size_t audit_configuration(const struct conf *conf, const char *who)
{
    static struct changes changes;
    char path[PATH_MAX], *is = now(conf), *was = before(conf);
    changes.count = 0;
    if (is == NULL) {
        free(was);
        return 0;
    }
    if (was != NULL) {
        compare(&changes, is, was, false);
        compare(&changes, was, is, true);
    }
    log_changes(&changes);
    bool told = was == NULL || changes.count > 0
                    ? tell(conf, who, &changes, was == NULL ? "first start on this spool" : NULL)
                    : false;
    if (told) { /* else it is told the next time */
        node_path(conf, path, sizeof path, "audit/settings");
        int failed = spool_write_whole(path, is);
        (void)failed; /* then it is told twice */
    }
    free(is);
    free(was);
    return changes.count;
}
