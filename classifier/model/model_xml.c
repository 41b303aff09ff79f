/* model_xml.c: model.xml to struct nn_model_info. The schema (model.xsd, built in) refuses unknown
 * elements, missing attributes and bad numbers; what it cannot say is checked here. Both name the
 * line. */
#include "graph_xml.h"
#include "model_internal.h"
#include "xml_reader.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <libxml/xmlschemastypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void init_libxml(void)
{
    xmlInitParser();
    xmlSchemaInitTypes(); /* not thread-safe by itself */
}

static void strip_newline(char *text)
{
    text[strcspn(text, "\n")] = '\0';
}

/* libxml2 calls this for every violation; the first is the one reported. */
static void on_violation(void *context, xmlErrorPtr error)
{
    struct nn_reader *r = context;
    char text[160];

    if (r->status != NN_OK)
        return;
    snprintf(text, sizeof text, "%s", error->message ? error->message : "does not fit the schema");
    strip_newline(text);
    r->status = nn_fail(r->err, NN_BAD_DATA, "%s:%d: %s", r->name, error->line, text);
}

static enum nn_status validate(struct nn_reader *r, xmlDocPtr doc)
{
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewMemParserCtxt(nn_model_xsd, (int)nn_model_xsd_size);
    xmlSchemaPtr schema = parser ? xmlSchemaParse(parser) : NULL;
    xmlSchemaValidCtxtPtr valid = schema ? xmlSchemaNewValidCtxt(schema) : NULL;

    if (!valid) {
        r->status = nn_fail(r->err, NN_NO_MEMORY, "%s: no memory for the schema", r->name);
    } else {
        xmlSchemaSetValidStructuredErrors(valid, on_violation, r);
        int result = xmlSchemaValidateDoc(valid, doc);
        if (result != 0 && r->status == NN_OK)
            r->status = nn_fail(r->err, NN_BAD_DATA, "%s: does not fit model.xsd", r->name);
    }
    xmlSchemaFreeValidCtxt(valid);
    xmlSchemaFree(schema);
    xmlSchemaFreeParserCtxt(parser);
    return r->status;
}

/* One number for the three channels, or three. */
static enum nn_status parse_scale(struct nn_reader *r, const xmlNode *node, float scale[3])
{
    char buffer[512];
    double value[3];
    int count = 0;

    if (nn_xml_text(r, node, "scale", buffer, sizeof buffer) != NN_OK)
        return r->status;
    for (char *rest = buffer, *word; (word = strtok_r(rest, " \t\r\n", &rest)) != NULL;)
        count++;
    if (count != 1 && count != 3)
        return nn_xml_refuse(r, node, "scale has two numbers, one or three are expected");
    if (nn_xml_numbers(r, node, "scale", value, count) != NN_OK)
        return r->status;
    for (int c = 0; c < 3; c++)
        scale[c] = (float)value[count == 3 ? c : 0];
    return NN_OK;
}

static enum nn_status parse_input(struct nn_reader *r, const xmlNode *node, struct nn_preprocess *p)
{
    double side, denoise = 0, mean[3];

    if (nn_xml_numbers(r, node, "side", &side, 1) != NN_OK ||
        parse_scale(r, node, p->scale) != NN_OK ||
        nn_xml_numbers(r, node, "mean", mean, 3) != NN_OK ||
        (nn_xml_has(node, "denoise") && nn_xml_numbers(r, node, "denoise", &denoise, 1) != NN_OK))
        return r->status;
    p->side = (int)side;
    p->denoise = (float)denoise;
    p->fit = nn_xml_equals(node, "fit", "pad") ? NN_FIT_PAD : NN_FIT_STRETCH;
    p->normalise = nn_xml_equals(node, "normalise", "percentile") ? NN_NORMALISE_PERCENTILE
                                                                  : NN_NORMALISE_NONE;
    p->region = nn_xml_equals(node, "region", "spine") ? NN_REGION_SPINE : NN_REGION_WHOLE;
    for (int c = 0; c < 3; c++) {
        p->mean[c] = (float)mean[c];
        if (fabs(mean[c]) > 1e6)
            return nn_xml_refuse(r, node, "mean is beyond 1e6");
        if (!(p->scale[c] > 0))
            return nn_xml_refuse(r, node, "scale is zero as a float");
    }
    return NN_OK;
}

static enum nn_status parse_calibration(struct nn_reader *r, const xmlNode *node,
                                        struct nn_model_info *info)
{
    bool scaled = nn_xml_equals(node, "method", "temperature");

    info->temperature = 1;
    if (scaled != nn_xml_has(node, "temperature"))
        return nn_xml_refuse(r, node,
                             scaled ? "method temperature needs a temperature"
                                    : "method none has no temperature");
    return scaled ? nn_xml_numbers(r, node, "temperature", &info->temperature, 1) : NN_OK;
}

static enum nn_status parse_training(struct nn_reader *r, const xmlNode *node,
                                     struct nn_model_info *info)
{
    double pairs = 0;

    if (nn_xml_text(r, node, "split", info->split, sizeof info->split) != NN_OK ||
        (nn_xml_has(node, "leaking-pairs") &&
         nn_xml_numbers(r, node, "leaking-pairs", &pairs, 1) != NN_OK))
        return r->status;
    info->leaking_pairs = (long)pairs;
    return NN_OK;
}

static enum nn_status parse_gate(struct nn_reader *r, const xmlNode *node,
                                 struct nn_model_info *info)
{
    if (nn_xml_text(r, node, "accept", info->gate_accept, sizeof info->gate_accept) != NN_OK ||
        nn_xml_numbers(r, node, "least", &info->gate_least, 1) != NN_OK)
        return r->status;
    return nn_xml_text(r, node, "digest", info->gate_digest, sizeof info->gate_digest);
}

static enum nn_status parse_saliency(struct nn_reader *r, const xmlNode *node,
                                     struct nn_model_info *info)
{
    if (nn_xml_numbers(r, node, "scale", &info->saliency_scale, 1) != NN_OK)
        return r->status;
    if (!((float)info->saliency_scale > 0))
        return nn_xml_refuse(r, node, "scale is zero as a float");
    return NN_OK;
}

static enum nn_status parse_class(struct nn_reader *r, const xmlNode *node,
                                  struct nn_model_info *info)
{
    double number;
    char finding[8];

    if (nn_xml_numbers(r, node, "number", &number, 1) != NN_OK ||
        nn_xml_text(r, node, "finding", finding, sizeof finding) != NN_OK)
        return r->status;
    if (number < 0 || number >= NN_MAX_CLASSES)
        return nn_xml_refuse(r, node, "class number out of range");
    struct nn_class *class_ = &info->class_[(int)number];
    class_->finding = strcmp(finding, "true") == 0 || strcmp(finding, "1") == 0;
    bool has_point = nn_xml_has(node, "operating-point");
    if (class_->finding != has_point)
        return nn_xml_refuse(r, node,
                             class_->finding ? "a finding needs an operating-point"
                                             : "a class that is no finding has no operating-point");
    if (has_point &&
        nn_xml_numbers(r, node, "operating-point", &class_->operating_point, 1) != NN_OK)
        return r->status;
    info->classes++;
    return nn_xml_text(r, node, "name", class_->name, sizeof class_->name);
}

static enum nn_status parse_classes(struct nn_reader *r, const xmlNode *node,
                                    struct nn_model_info *info)
{
    int findings = 0;

    for (const xmlNode *at = nn_xml_child(node, "class"); at; at = nn_xml_next(at)) {
        if (parse_class(r, at, info) != NN_OK)
            return r->status;
    }
    for (int i = 0; i < info->classes; i++) {
        if (info->class_[i].name[0] == '\0')
            return nn_xml_refuse(r, node, "class numbers must run from 0 without a gap");
        findings += info->class_[i].finding;
    }
    if (findings == 0 || findings != info->classes - 1)
        return nn_xml_refuse(r, node, "exactly one class must be no finding");
    return NN_OK;
}

static int class_by_name(const struct nn_model_info *info, const char *name)
{
    for (int i = 0; i < info->classes; i++) {
        if (strcmp(info->class_[i].name, name) == 0)
            return i;
    }
    return -1;
}

static enum nn_status parse_measured_finding(struct nn_reader *r, const xmlNode *node,
                                             struct nn_model_info *info)
{
    char name[64];

    if (nn_xml_text(r, node, "class", name, sizeof name) != NN_OK)
        return r->status;
    int c = class_by_name(info, name);
    if (c < 0 || !info->class_[c].finding)
        return nn_xml_refuse(r, node, "class is not a finding of <classes>");
    if (nn_xml_numbers(r, node, "sensitivity", &info->measures.finding[c].sensitivity, 1) !=
            NN_OK ||
        nn_xml_numbers(r, node, "specificity", &info->measures.finding[c].specificity, 1) != NN_OK)
        return r->status;
    return nn_xml_numbers(r, node, "auc", &info->measures.finding[c].auc, 1);
}

static enum nn_status parse_measures(struct nn_reader *r, const xmlNode *node,
                                     struct nn_model_info *info)
{
    char name[64];
    double row[NN_MAX_CLASSES];
    bool seen[NN_MAX_CLASSES] = {false};
    int rows = 0;

    if (nn_xml_text(r, node, "data", info->measures.data, sizeof info->measures.data) != NN_OK)
        return r->status;
    for (const xmlNode *at = nn_xml_child(node, "confusion"); at; at = nn_xml_next(at), rows++) {
        if (nn_xml_text(r, at, "truth", name, sizeof name) != NN_OK ||
            nn_xml_numbers(r, at, "answers", row, info->classes) != NN_OK)
            return r->status;
        int truth = class_by_name(info, name);
        if (truth < 0 || seen[truth])
            return nn_xml_refuse(r, at, "truth is not a class of <classes>, or stands twice");
        seen[truth] = true;
        for (int i = 0; i < info->classes; i++)
            info->measures.confusion[truth * info->classes + i] = (long)row[i];
    }
    if (rows != info->classes)
        return nn_xml_refuse(r, node, "a confusion row for every class is expected");
    for (const xmlNode *at = nn_xml_child(node, "finding"); at; at = nn_xml_next(at)) {
        if (parse_measured_finding(r, at, info) != NN_OK)
            return r->status;
    }
    info->measured = true;
    return NN_OK;
}

static enum nn_status parse_scope(struct nn_reader *r, const xmlNode *node,
                                  struct nn_model_info *info)
{
    double age;

    if (nn_xml_numbers(r, node, "minimum-age", &age, 1) != NN_OK ||
        nn_xml_text(r, node, "modalities", info->modalities, sizeof info->modalities) != NN_OK ||
        nn_xml_text(r, node, "body-parts", info->body_parts, sizeof info->body_parts) != NN_OK ||
        nn_xml_text(r, node, "views", info->views, sizeof info->views) != NN_OK)
        return r->status;
    info->minimum_age = (int)age;
    return NN_OK;
}

static enum nn_status parse_series(struct nn_reader *r, const xmlNode *node,
                                   struct nn_model_info *info)
{
    double positive, minimum;

    if (nn_xml_numbers(r, node, "positive", &positive, 1) != NN_OK ||
        nn_xml_numbers(r, node, "minimum", &minimum, 1) != NN_OK)
        return r->status;
    if (positive > minimum)
        return nn_xml_refuse(r, node, "minimum is expected to be positive or more");
    info->series_positive = (int)positive;
    info->series_minimum = (int)minimum;
    return NN_OK;
}

static enum nn_status parse_head(struct nn_reader *r, const xmlNode *root,
                                 struct nn_model_info *info)
{
    if (nn_xml_text(r, root, "name", info->name, sizeof info->name) != NN_OK ||
        nn_xml_text(r, root, "version", info->version, sizeof info->version) != NN_OK ||
        nn_xml_text(r, root, "network", info->network, sizeof info->network) != NN_OK)
        return r->status;
    bool own = strcmp(info->network, NN_OWN_GRAPH) == 0;
    if (!own && !nn_network_find(info->network))
        return nn_xml_refuse(
            r, root,
            "network is not one that this build knows (googlenet, googlenet-peak, alexnet, "
            "stacked, gate, graph)");
    if (own != (nn_xml_child(root, "graph") != NULL))
        return nn_xml_refuse(r, root,
                             own ? "network graph needs a <graph>"
                                 : "a network with a name has no <graph>");
    return nn_xml_text(r, nn_xml_child(root, "intended-use"), NULL, info->intended_use,
                       sizeof info->intended_use);
}

/* The graph must be this model's: its input and its classes. */
static enum nn_status parse_graph(struct nn_reader *r, const xmlNode *node,
                                  struct nn_model_info *info, struct nn_graph **graph)
{
    struct nn_error err = {0};

    if (nn_graph_read_xml(r, node, graph) != NN_OK)
        return r->status;
    if (nn_model_check_graph(info, *graph, &err) != NN_OK)
        return nn_xml_refuse(r, node, err.text);
    return r->status = nn_graph_digest(*graph, info->graph_digest, r->err);
}

/* A validation counts only for exactly the weights, preprocessing and operating points that were
 * validated: its digest must be the model's. A stale one is refused, not overlooked. */
static enum nn_status parse_validation(struct nn_reader *r, const xmlNode *node,
                                       struct nn_model_info *info)
{
    char digest[65], text[120];

    if (nn_xml_text(r, node, "digest", digest, sizeof digest) != NN_OK)
        return r->status;
    if (strcmp(digest, info->digest) != 0) {
        snprintf(text, sizeof text,
                 "validation is of another model (digest differs: %.12s..., this one is %.12s...)",
                 digest, info->digest);
        return nn_xml_refuse(r, node, text);
    }
    info->validated = true;
    return NN_OK;
}

static enum nn_status parse_root(struct nn_reader *r, const xmlNode *root,
                                 struct nn_model_info *info, struct nn_graph **graph)
{
    char kind[16];
    const xmlNode *provenance = nn_xml_child(root, "provenance");
    const xmlNode *measures = nn_xml_child(root, "measures"),
                  *validation = nn_xml_child(root, "validation");
    const xmlNode *training = nn_xml_child(root, "training"), *own = nn_xml_child(root, "graph");
    const xmlNode *gate = nn_xml_child(root, "input-gate"),
                  *saliency = nn_xml_child(root, "saliency"),
                  *series = nn_xml_child(root, "series");

    if (parse_head(r, root, info) != NN_OK ||
        parse_scope(r, nn_xml_child(root, "scope"), info) != NN_OK ||
        parse_input(r, nn_xml_child(root, "input"), &info->preprocess) != NN_OK ||
        parse_classes(r, nn_xml_child(root, "classes"), info) != NN_OK ||
        parse_calibration(r, nn_xml_child(root, "calibration"), info) != NN_OK ||
        (training && parse_training(r, training, info) != NN_OK) ||
        (gate && parse_gate(r, gate, info) != NN_OK) ||
        (saliency && parse_saliency(r, saliency, info) != NN_OK) ||
        (series && parse_series(r, series, info) != NN_OK) ||
        nn_xml_text(r, provenance, "kind", kind, sizeof kind) != NN_OK ||
        nn_xml_text(r, provenance, NULL, info->provenance_text, sizeof info->provenance_text) !=
            NN_OK ||
        nn_xml_text(r, nn_xml_child(root, "weights"), "sha256", info->weights_digest,
                    sizeof info->weights_digest) != NN_OK)
        return r->status;
    if (own && parse_graph(r, own, info, graph) != NN_OK)
        return r->status;
    info->provenance = strcmp(kind, "clinical") == 0 ? NN_CLINICAL : NN_SYNTHETIC;
    if ((r->status = nn_model_digest(info, r->err)) != NN_OK)
        return r->status;
    if (measures && parse_measures(r, measures, info) != NN_OK)
        return r->status;
    if (validation && parse_validation(r, validation, info) != NN_OK)
        return r->status;
    return NN_OK;
}

static enum nn_status report_syntax(struct nn_reader *r, xmlParserCtxtPtr context)
{
    xmlErrorPtr error = xmlCtxtGetLastError(context);

    if (error)
        on_violation(r, error);
    if (r->status == NN_OK)
        r->status = nn_fail(r->err, NN_BAD_DATA, "%s: not well-formed XML", r->name);
    return r->status;
}

enum nn_status nn_model_parse(const char *name, const char *xml, size_t size,
                              struct nn_model_info *info, struct nn_graph **graph,
                              struct nn_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct nn_reader r = {.name = name, .err = err, .status = NN_OK};
    xmlParserCtxtPtr context = NULL;
    xmlDocPtr doc = NULL;

    *info = (struct nn_model_info){0};
    *graph = NULL;
    if (size > NN_MODEL_XML_MAX)
        return nn_fail(err, NN_LIMIT, "%s: larger than %u bytes", name, NN_MODEL_XML_MAX);
    pthread_once(&once, init_libxml);
    if (!(context = xmlNewParserCtxt())) {
        r.status = nn_fail(err, NN_NO_MEMORY, "%s: no memory for the parser", name);
        goto out;
    }
    doc = xmlCtxtReadMemory(context, xml, (int)size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                XML_PARSE_NOCDATA);
    if (!doc || !xmlDocGetRootElement(doc)) {
        report_syntax(&r, context);
        goto out;
    }
    if (doc->intSubset || doc->extSubset) {
        r.status =
            nn_fail(err, NN_BAD_DATA, "%s: a document type declaration is not allowed", name);
        goto out;
    }
    if (validate(&r, doc) == NN_OK)
        parse_root(&r, xmlDocGetRootElement(doc), info, graph);
out:
    xmlFreeDoc(doc);
    xmlFreeParserCtxt(context);
    if (r.status != NN_OK) {
        nn_graph_destroy(*graph);
        *graph = NULL;
    }
    return r.status;
}

enum nn_status nn_model_info_parse(const char *name, const char *xml, size_t size,
                                   struct nn_model_info *info, struct nn_error *err)
{
    struct nn_graph *graph;
    enum nn_status status = nn_model_parse(name, xml, size, info, &graph, err);

    nn_graph_destroy(graph);
    return status;
}
