#include "graph_xml.h"
#include "graph/graph_ops.h"
#include "model_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "layer NAME: what", with file and line. */
static enum nn_status refuse(struct nn_reader *r, const xmlNode *node, const char *layer,
                             const char *what, const char *detail)
{
    char text[320];

    snprintf(text, sizeof text, "layer %.120s: %.120s%.60s", layer, what, detail);
    return nn_xml_refuse(r, node, text);
}

static bool known(const struct nn_op_form *form, const char *key)
{
    if (strcmp(key, "name") == 0 || strcmp(key, "op") == 0 || strcmp(key, "from") == 0)
        return true;
    for (const struct nn_field *field = form->fields; field->key; field++) {
        if (strcmp(field->key, key) == 0)
            return true;
    }
    return false;
}

static enum nn_status read_fields(struct nn_reader *r, const xmlNode *node, const char *name,
                                  const struct nn_op_form *form, struct nn_layer *layer)
{
    char value[NN_FIELD_TEXT];

    for (const xmlAttr *at = node->properties; at; at = at->next) {
        if (!known(form, (const char *)at->name))
            return refuse(r, node, name, "its op has no attribute ", (const char *)at->name);
    }
    for (const struct nn_field *field = form->fields; field->key; field++) {
        if (!nn_xml_has(node, field->key)) {
            if (field->kind == NN_FIELD_BOOL)
                continue;
            return refuse(r, node, name, "its op needs the attribute ", field->key);
        }
        if (nn_xml_text(r, node, field->key, value, sizeof value) != NN_OK)
            return r->status;
        if (!nn_field_scan(field, value, layer))
            return refuse(r, node, name, "a wrong value of ", field->key);
    }
    return NN_OK;
}

/* Names to ids; `from` has room for form->most_from. */
static enum nn_status read_from(struct nn_reader *r, const xmlNode *node, const char *name,
                                const struct nn_op_form *form, const struct nn_graph *graph,
                                int *from, int *count)
{
    xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)"from");
    char *rest = (char *)value, *word;

    *count = 0;
    while (value && r->status == NN_OK && (word = strtok_r(rest, " \t\r\n", &rest)) != NULL) {
        int id = nn_graph_find(graph, word);
        if (id < 0)
            refuse(r, node, name, "no layer above it is called ", word);
        else if (*count >= form->most_from)
            refuse(r, node, name, "it has too many producers", "");
        else
            from[(*count)++] = id;
    }
    xmlFree(value);
    if (r->status == NN_OK && *count < form->least_from)
        refuse(r, node, name, "it has too few producers", "");
    return r->status;
}

static enum nn_status read_layer(struct nn_reader *r, const xmlNode *node, struct nn_graph *graph,
                                 int *from)
{
    char name[NN_MAX_NAME + 1], op_name[32];
    struct nn_layer layer = {0};
    int count;

    if (nn_xml_text(r, node, "name", name, sizeof name) != NN_OK ||
        nn_xml_text(r, node, "op", op_name, sizeof op_name) != NN_OK)
        return r->status;
    if (!nn_op_find(op_name, &layer.op))
        return refuse(r, node, name, "an unknown op ", op_name);
    const struct nn_op_form *form = nn_op_form(layer.op);
    if (layer.op == NN_OP_LINEAR)
        layer.shape = (struct nn_shape){0, 1, 1};
    if (read_fields(r, node, name, form, &layer) != NN_OK ||
        read_from(r, node, name, form, graph, from, &count) != NN_OK)
        return r->status;
    if (nn_graph_add_like(graph, name, from, count, &layer) < 0)
        return nn_xml_refuse(r, node, graph->error.text);
    return NN_OK;
}

static enum nn_status read_layers(struct nn_reader *r, const xmlNode *node, struct nn_graph *graph)
{
    int *from = calloc(NN_MAX_LAYERS, sizeof *from);
    uint64_t cells = 0;

    if (!from)
        return r->status = nn_fail(r->err, NN_NO_MEMORY, "%s: no memory for a graph", r->name);
    for (const xmlNode *at = nn_xml_child(node, "layer"); at && r->status == NN_OK;
         at = nn_xml_next(at)) {
        if (read_layer(r, at, graph, from) != NN_OK)
            break;
        const struct nn_layer *last = &graph->layers[graph->count - 1];
        cells += nn_shape_elements(last->shape);
        if (cells > NN_GRAPH_XML_MAX_CELLS)
            refuse(r, at, last->name, "the layers so far need more memory than is allowed", "");
    }
    free(from);
    return r->status;
}

enum nn_status nn_graph_read_xml(struct nn_reader *r, const xmlNode *node, struct nn_graph **graph)
{
    struct nn_error err = {0};
    struct nn_graph *made = nn_graph_create();

    *graph = NULL;
    if (!made)
        return r->status = nn_fail(r->err, NN_NO_MEMORY, "%s: no memory for a graph", r->name);
    if (read_layers(r, node, made) == NN_OK &&
        (nn_graph_finish(made, &err) != NN_OK || nn_graph_check_plain(made, &err) != NN_OK))
        nn_xml_refuse(r, node, err.text);
    if (r->status != NN_OK) {
        nn_graph_destroy(made);
        return r->status;
    }
    *graph = made;
    return NN_OK;
}

static bool plain(const char *name)
{
    for (; *name; name++) {
        if (*name <= ' ' || *name > '~')
            return false;
    }
    return true;
}

enum nn_status nn_graph_check_plain(const struct nn_graph *graph, struct nn_error *err)
{
    const struct nn_layer *last = &graph->layers[graph->count - 1];

    for (int i = 0; i < graph->count; i++) {
        if (!plain(graph->layers[i].name))
            return nn_fail(err, NN_INVALID,
                           "layer %d: its name has other characters than printable ASCII", i);
    }
    if (last->op != NN_OP_SOFTMAX)
        return nn_fail(err, NN_INVALID, "layer %s: a graph ends in softmax", last->name);
    if (graph->auxiliary_count > 0)
        return nn_fail(err, NN_INVALID, "layer %s: an auxiliary head is for training only",
                       graph->layers[graph->auxiliaries[0].scores].name);
    return NN_OK;
}

static int attribute(xmlTextWriterPtr w, const char *name, const char *value)
{
    return xmlTextWriterWriteAttribute(w, (const xmlChar *)name, (const xmlChar *)value);
}

int nn_graph_write_xml(xmlTextWriterPtr w, const struct nn_graph *graph)
{
    int sum = xmlTextWriterStartElement(w, (const xmlChar *)"graph");
    char text[NN_FIELD_TEXT];

    for (int i = 0; i < graph->count; i++) {
        const struct nn_layer *layer = &graph->layers[i];
        const struct nn_op_form *form = nn_op_form(layer->op);
        sum |= xmlTextWriterStartElement(w, (const xmlChar *)"layer");
        sum |= attribute(w, "name", layer->name) | attribute(w, "op", form->name);
        if (layer->from_count > 0)
            sum |= xmlTextWriterStartAttribute(w, (const xmlChar *)"from");
        for (int j = 0; j < layer->from_count; j++) {
            if (j > 0)
                sum |= xmlTextWriterWriteString(w, (const xmlChar *)" ");
            const char *name = graph->layers[layer->from[j]].name;
            sum |= xmlTextWriterWriteString(w, (const xmlChar *)name);
        }
        if (layer->from_count > 0)
            sum |= xmlTextWriterEndAttribute(w);
        for (const struct nn_field *field = form->fields; field->key; field++) {
            if (nn_field_print(field, layer, text))
                sum |= attribute(w, field->key, text);
        }
        sum |= xmlTextWriterEndElement(w);
    }
    return sum | xmlTextWriterEndElement(w);
}

static void print_layer(FILE *stream, const struct nn_graph *graph, int id)
{
    const struct nn_layer *layer = &graph->layers[id];
    const struct nn_op_form *form = nn_op_form(layer->op);
    char text[NN_FIELD_TEXT];

    fprintf(stream, "%s %s", layer->name, form->name);
    for (int j = 0; j < layer->from_count; j++)
        fprintf(stream, " from %s", graph->layers[layer->from[j]].name);
    for (const struct nn_field *field = form->fields; field->key; field++) {
        if (nn_field_print(field, layer, text))
            fprintf(stream, " %s %s", field->key, text);
    }
    fputc('\n', stream);
}

enum nn_status nn_graph_digest(const struct nn_graph *graph, char hex[65], struct nn_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        return nn_fail(err, NN_NO_MEMORY, "no memory for a graph's digest");
    for (int i = 0; i < graph->count; i++)
        print_layer(stream, graph, i);
    bool failed = ferror(stream) != 0;
    failed = fclose(stream) != 0 || failed;
    enum nn_status status = failed ? nn_fail(err, NN_NO_MEMORY, "no memory for a graph's digest")
                                   : nn_model_sha256(text, size, hex, err);
    free(text);
    return status;
}
