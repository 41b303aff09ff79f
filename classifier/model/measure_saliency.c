/* measure_saliency.c: how strong a model's saliency usually is where it finds something, and the
 * place in model.xml where that stands. */
#include "model_internal.h"
#include "nn_train.h"

#include <libxml/parser.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The finding that is drawn: the highest of those that reach their points; -1: none. */
static int finding_of(const struct nn_model_info *points, const float *score)
{
    int found = -1;
    for (int c = 0; c < points->classes; c++) {
        if (points->class_[c].finding && (double)score[c] >= points->class_[c].operating_point &&
            (found < 0 || score[c] > score[found]))
            found = c;
    }
    return found;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* One image; *used is raised when it is a finding whose saliency is not nothing. */
static enum nn_status measure_one(struct nn_judge *judge, const struct nn_model_info *points,
                                  const struct nn_source *source, size_t index, float *map,
                                  double *raw, size_t *used, struct nn_error *err)
{
    struct nn_plane plane = {0};
    struct nn_judgement judgement;
    enum nn_status status = source->load(source->context, index, 0, &plane, err);

    if (status == NN_OK)
        status = nn_judge_plane(judge, plane.pixels, plane.rows, plane.cols, &judgement, err);
    int class_ = status == NN_OK ? finding_of(points, judgement.score) : -1;
    if (class_ >= 0)
        status = nn_judge_saliency_absolute(judge, class_, map, &raw[*used], err);
    if (status == NN_OK && class_ >= 0 && raw[*used] > 0)
        (*used)++;
    nn_plane_finish(&plane);
    return status;
}

enum nn_status nn_measure_saliency_scale(const struct nn_model *model,
                                         const struct nn_model_info *points,
                                         const struct nn_source *source, struct nn_pool *pool,
                                         double *scale, size_t *images, struct nn_error *err)
{
    size_t side = (size_t)model->info.preprocess.side, used = 0;
    double raw[NN_SALIENCY_IMAGES];
    float *map = malloc(side * side * sizeof *map);
    struct nn_judge *judge = NULL;
    enum nn_status status = map ? nn_judge_create(model, pool, &judge, err)
                                : nn_fail(err, NN_NO_MEMORY, "saliency: no memory");

    *scale = 0;
    for (size_t i = 0; status == NN_OK && i < source->count && used < NN_SALIENCY_IMAGES; i++)
        status = measure_one(judge, points, source, i, map, raw, &used, err);
    if (status == NN_OK)
        *scale = median(raw, used);
    if (images)
        *images = used;
    nn_judge_destroy(judge);
    free(map);
    return status;
}

/* ---- model.xml ---- */

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
