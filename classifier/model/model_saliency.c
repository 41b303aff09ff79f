/* model_saliency.c: writes a model's saliency scale into its model.xml, and nothing else. */
#include "model_internal.h"

#include <libxml/parser.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static xmlNodePtr child_of(xmlNodePtr parent, const char *name)
{
    for (xmlNodePtr at = xmlFirstElementChild(parent); at; at = xmlNextElementSibling(at))
        if (xmlStrEqual(at->name, (const xmlChar *)name))
            return at;
    return NULL;
}

/* The element goes before what follows it in the schema, on a line of its own. */
static bool put_scale(xmlDocPtr doc, double scale)
{
    static const char *const later[] = {"input-gate", "graph", "weights"};
    char text[32];
    xmlNodePtr root = xmlDocGetRootElement(doc), node = child_of(root, "saliency"), before = NULL;

    snprintf(text, sizeof text, "%.17g", scale);
    if (!node) {
        for (size_t i = 0; !before && i < sizeof later / sizeof later[0]; i++)
            before = child_of(root, later[i]);
        xmlNodePtr made = xmlNewDocNode(doc, NULL, (const xmlChar *)"saliency", NULL);
        node = made && before ? xmlAddPrevSibling(before, made) : NULL;
        if (!node)
            xmlFreeNode(made);
        if (!node || !xmlAddPrevSibling(before, xmlNewDocText(doc, (const xmlChar *)"\n ")))
            return false;
    }
    return xmlSetProp(node, (const xmlChar *)"scale", (const xmlChar *)text) != NULL;
}

static enum nn_status write_scaled(const char *dir, const char *path, const char *bytes,
                                   size_t size, double scale, struct nn_error *err)
{
    enum nn_status status;
    struct nn_model_info *again = malloc(sizeof *again);
    xmlChar *text = NULL;
    int length = 0;
    xmlDocPtr doc = xmlReadMemory(bytes, (int)size, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

    if (!again || !doc || !put_scale(doc, scale)) {
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        goto out;
    }
    xmlDocDumpMemoryEnc(doc, &text, &length, "UTF-8");
    if (!text) {
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        goto out;
    }
    status = nn_model_info_parse(path, (const char *)text, (size_t)length, again, err);
    if (status == NN_OK)
        status = nn_model_commit(dir, (const char *)text, (size_t)length, err);
out:
    xmlFree(text);
    xmlFreeDoc(doc);
    free(again);
    return status;
}

enum nn_status nn_model_set_saliency_scale(const char *dir, double scale, struct nn_error *err)
{
    char path[PATH_MAX], *bytes = NULL;
    size_t size = 0;
    struct nn_model_info *info = NULL;
    int length = snprintf(path, sizeof path, "%s/model.xml", dir);
    enum nn_status status;

    if (length < 0 || (size_t)length >= sizeof path)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
    if (!((float)scale > 0 && scale <= 1e30))
        return nn_fail(err, NN_INVALID, "a saliency scale of %g (above 0, at most 1e30)", scale);
    if ((status = nn_model_read_xml(path, &bytes, &size, err)) != NN_OK)
        goto out;
    if (!(info = malloc(sizeof *info))) {
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        goto out;
    }
    /* as strictly as it is opened, before anything is changed */
    if ((status = nn_model_info_parse(path, bytes, size, info, err)) == NN_OK)
        status = write_scaled(dir, path, bytes, size, scale, err);
out:
    free(info);
    free(bytes);
    return status;
}
