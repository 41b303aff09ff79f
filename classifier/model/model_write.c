/* model_write.c: struct nn_model_info to model.xml, in the shape model.xsd expects. */
#include "file_internal.h"
#include "graph_xml.h"
#include "model_internal.h"

#include <libxml/xmlwriter.h>
#include <stdlib.h>
#include <string.h>

static int start(xmlTextWriterPtr w, const char *name)
{
    return xmlTextWriterStartElement(w, (const xmlChar *)name);
}

static int attribute(xmlTextWriterPtr w, const char *name, const char *value)
{
    return xmlTextWriterWriteAttribute(w, (const xmlChar *)name, (const xmlChar *)value);
}

/* 17 digits bring the same double back. */
static int number(xmlTextWriterPtr w, const char *name, double value)
{
    return xmlTextWriterWriteFormatAttribute(w, (const xmlChar *)name, "%.17g", value);
}

static int write_classes(xmlTextWriterPtr w, const struct nn_model_info *info)
{
    int sum = start(w, "classes");

    for (int i = 0; i < info->classes; i++) {
        const struct nn_class *class_ = &info->class_[i];
        sum |= start(w, "class");
        sum |= number(w, "number", i);
        sum |= attribute(w, "name", class_->name);
        sum |= attribute(w, "finding", class_->finding ? "true" : "false");
        if (class_->finding)
            sum |= number(w, "operating-point", class_->operating_point);
        sum |= xmlTextWriterEndElement(w);
    }
    return sum | xmlTextWriterEndElement(w);
}

static int write_measures(xmlTextWriterPtr w, const struct nn_model_info *info)
{
    const struct nn_measures *m = &info->measures;
    int sum = start(w, "measures") | attribute(w, "data", m->data);

    for (int truth = 0; truth < info->classes; truth++) {
        char answers[NN_MAX_CLASSES * 24] = "";
        size_t used = 0;
        for (int i = 0; i < info->classes; i++)
            used += (size_t)snprintf(answers + used, sizeof answers - used, i ? " %ld" : "%ld",
                                     m->confusion[truth * info->classes + i]);
        sum |= start(w, "confusion") | attribute(w, "truth", info->class_[truth].name);
        sum |= attribute(w, "answers", answers) | xmlTextWriterEndElement(w);
    }
    for (int i = 0; i < info->classes; i++) {
        if (!info->class_[i].finding)
            continue;
        sum |= start(w, "finding") | attribute(w, "class", info->class_[i].name);
        sum |= number(w, "sensitivity", m->finding[i].sensitivity);
        sum |= number(w, "specificity", m->finding[i].specificity);
        sum |= number(w, "auc", m->finding[i].auc) | xmlTextWriterEndElement(w);
    }
    return sum | xmlTextWriterEndElement(w);
}

/* 9 digits bring the same float back. */
static int three(xmlTextWriterPtr w, const char *name, const float value[3])
{
    return xmlTextWriterWriteFormatAttribute(w, (const xmlChar *)name, "%.9g %.9g %.9g",
                                             (double)value[0], (double)value[1], (double)value[2]);
}

bool nn_scale_is_one(const struct nn_preprocess *p)
{
    return memcmp(&p->scale[0], &p->scale[1], sizeof(float)) == 0 &&
           memcmp(&p->scale[0], &p->scale[2], sizeof(float)) == 0;
}

static int write_input(xmlTextWriterPtr w, const struct nn_model_info *info)
{
    const struct nn_preprocess *p = &info->preprocess;
    int sum = start(w, "scope") | attribute(w, "modalities", info->modalities);

    sum |= attribute(w, "body-parts", info->body_parts) | attribute(w, "views", info->views);
    sum |= number(w, "minimum-age", info->minimum_age) | xmlTextWriterEndElement(w);
    if (info->series_positive > 0) {
        sum |= start(w, "series") | number(w, "positive", info->series_positive);
        sum |= number(w, "minimum", info->series_minimum) | xmlTextWriterEndElement(w);
    }
    sum |= start(w, "input") | number(w, "side", p->side);
    sum |= attribute(w, "fit", p->fit == NN_FIT_PAD ? "pad" : "stretch");
    if (nn_scale_is_one(p))
        sum |= number(w, "scale", (double)p->scale[0]);
    else
        sum |= three(w, "scale", p->scale);
    sum |= three(w, "mean", p->mean);
    if (p->normalise == NN_NORMALISE_PERCENTILE)
        sum |= attribute(w, "normalise", "percentile");
    if (!(p->denoise >= 0 && p->denoise <= 0))
        sum |= number(w, "denoise", (double)p->denoise);
    if (p->region == NN_REGION_SPINE)
        sum |= attribute(w, "region", "spine");
    return sum | xmlTextWriterEndElement(w);
}

/* Calibration, provenance, how the data were divided. */
static int write_origin(xmlTextWriterPtr w, const struct nn_model_info *info)
{
    bool calibrated = info->temperature < 1 || info->temperature > 1;
    int sum = start(w, "calibration");

    sum |= attribute(w, "method", calibrated ? "temperature" : "none");
    if (calibrated)
        sum |= number(w, "temperature", info->temperature);
    sum |= xmlTextWriterEndElement(w) | start(w, "provenance");
    sum |= attribute(w, "kind", info->provenance == NN_CLINICAL ? "clinical" : "synthetic");
    sum |= xmlTextWriterWriteString(w, (const xmlChar *)info->provenance_text);
    sum |= xmlTextWriterEndElement(w);
    if (info->split[0] == '\0')
        return sum;
    sum |= start(w, "training") | attribute(w, "split", info->split);
    sum |= number(w, "leaking-pairs", (double)info->leaking_pairs);
    return sum | xmlTextWriterEndElement(w);
}

static int write_document(xmlTextWriterPtr w, const struct nn_model_info *info,
                          const struct nn_graph *graph)
{
    int sum = xmlTextWriterSetIndent(w, 1) | xmlTextWriterStartDocument(w, NULL, "UTF-8", NULL);

    sum |= start(w, "model") | attribute(w, "name", info->name);
    sum |= attribute(w, "version", info->version) | attribute(w, "network", info->network);
    sum |= xmlTextWriterWriteElement(w, (const xmlChar *)"intended-use",
                                     (const xmlChar *)info->intended_use);
    sum |= write_input(w, info) | write_classes(w, info);
    sum |= write_origin(w, info);
    if (info->measured)
        sum |= write_measures(w, info);
    if (info->saliency_scale > 0) {
        sum |= start(w, "saliency") | number(w, "scale", info->saliency_scale);
        sum |= xmlTextWriterEndElement(w);
    }
    if (info->gate_digest[0] != '\0') {
        sum |= start(w, "input-gate") | attribute(w, "accept", info->gate_accept);
        sum |= number(w, "least", info->gate_least) | attribute(w, "digest", info->gate_digest);
        sum |= xmlTextWriterEndElement(w);
    }
    if (graph)
        sum |= nn_graph_write_xml(w, graph);
    sum |= start(w, "weights") | attribute(w, "sha256", info->weights_digest);
    sum |= xmlTextWriterEndElement(w) | xmlTextWriterEndElement(w);
    return sum | xmlTextWriterEndDocument(w);
}

static enum nn_status to_text(const struct nn_model_info *info, const struct nn_graph *graph,
                              xmlBufferPtr buffer, struct nn_error *err)
{
    xmlTextWriterPtr writer = xmlNewTextWriterMemory(buffer, 0);

    if (!writer)
        return nn_fail(err, NN_NO_MEMORY, "model %s: no memory for model.xml", info->name);
    int sum =
        write_document(writer, info, graph); /* any failed call is negative: the sign survives | */
    xmlFreeTextWriter(writer);
    if (sum < 0)
        return nn_fail(err, NN_NO_MEMORY, "model %s: cannot compose model.xml", info->name);
    return NN_OK;
}

enum nn_status nn_model_commit(const char *dir, const char *bytes, size_t size,
                               struct nn_error *err)
{
    char path[PATH_MAX];
    struct nn_file file;

    int length = snprintf(path, sizeof path, "%s/model.xml", dir);
    if (length < 0 || (size_t)length >= sizeof path)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
    enum nn_status status = nn_file_begin(&file, path, err);
    if (status == NN_OK)
        status = nn_file_commit(&file, fwrite(bytes, 1, size, file.out) == size, err);
    return status;
}

/* A model.xml that would be refused later is refused now, while its maker is there. */
static enum nn_status accept_own(xmlBufferPtr buffer, struct nn_error *err)
{
    struct nn_model_info *again = malloc(sizeof *again);
    if (!again)
        return nn_fail(err, NN_NO_MEMORY, "model.xml: no memory");
    enum nn_status status =
        nn_model_info_parse("model.xml to be written", (const char *)xmlBufferContent(buffer),
                            (size_t)xmlBufferLength(buffer), again, err);
    free(again);
    return status == NN_BAD_DATA ? NN_INVALID : status;
}

/* Its own graph's digest, or none. */
static enum nn_status take_graph(struct nn_model_info *info, const struct nn_graph *graph,
                                 struct nn_error *err)
{
    enum nn_status status;

    info->graph_digest[0] = '\0';
    if ((graph != NULL) != (strcmp(info->network, NN_OWN_GRAPH) == 0))
        return nn_fail(err, NN_INVALID, "model %s: network \"%s\" %s a graph", info->name,
                       info->network, graph ? "with" : "without");
    if (!graph)
        return NN_OK;
    if ((status = nn_graph_check_plain(graph, err)) != NN_OK ||
        (status = nn_model_check_graph(info, graph, err)) != NN_OK)
        return status;
    return nn_graph_digest(graph, info->graph_digest, err);
}

enum nn_status nn_model_write(const char *dir, struct nn_model_info *info,
                              const struct nn_graph *graph, struct nn_error *err)
{
    enum nn_status status = take_graph(info, graph, err);
    if (!(info->temperature < 0) && !(info->temperature > 0))
        info->temperature = 1;
    if (status != NN_OK || (status = nn_model_digest(info, err)) != NN_OK)
        return status;

    xmlBufferPtr buffer = xmlBufferCreate();
    if (!buffer)
        return nn_fail(err, NN_NO_MEMORY, "model %s: no memory for model.xml", info->name);
    status = to_text(info, graph, buffer, err);
    if (status == NN_OK)
        status = accept_own(buffer, err);
    if (status == NN_OK)
        status = nn_model_commit(dir, (const char *)xmlBufferContent(buffer),
                                 (size_t)xmlBufferLength(buffer), err);
    xmlBufferFree(buffer);
    return status;
}
