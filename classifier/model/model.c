/* model.c: a model folder becomes graph + weights + info. */
#include "graph_xml.h"
#include "model_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum nn_status nn_model_sha256(const void *bytes, size_t size, char hex[65], struct nn_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;

    if (EVP_Digest(bytes, size, digest, &length, EVP_sha256(), NULL) != 1 || length != 32)
        return nn_fail(err, NN_NO_MEMORY, "SHA-256 failed");
    for (size_t i = 0; i < length; i++) {
        static const char digits[] = "0123456789abcdef";
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = '\0';
    return NN_OK;
}

enum nn_status nn_model_check_graph(const struct nn_model_info *info, const struct nn_graph *graph,
                                    struct nn_error *err)
{
    struct nn_shape in = nn_graph_shape(graph, 0);
    struct nn_shape out = nn_graph_shape(graph, nn_graph_count(graph) - 1);
    int side = info->preprocess.side;

    if (in.c != 3 || in.h != side || in.w != side)
        return nn_fail(err, NN_SHAPE, "layer %s: an input of 3 x %d x %d is expected",
                       nn_graph_name(graph, 0), side, side);
    if (out.c != info->classes || out.h != 1 || out.w != 1)
        return nn_fail(err, NN_SHAPE, "layer %s: %d classes are expected",
                       nn_graph_name(graph, nn_graph_count(graph) - 1), info->classes);
    return NN_OK;
}

/* The named network, or a copy of `own`, whose digest info gets. */
static enum nn_status take_graph(struct nn_model *m, const struct nn_graph *own,
                                 struct nn_error *err)
{
    const struct nn_network *network = nn_network_find(m->info.network);
    struct nn_error why = {0};
    enum nn_status status;

    if (!own && !network)
        return nn_fail(err, NN_UNSUPPORTED, "model %s: network \"%s\" is not known", m->info.name,
                       m->info.network);
    if (own && strcmp(m->info.network, NN_OWN_GRAPH) != 0)
        return nn_fail(err, NN_INVALID, "model %s: network \"%s\" with a graph of its own",
                       m->info.name, m->info.network);
    m->graph = own ? nn_graph_refit(own, m->info.classes, &why)
                   : network->build(m->info.classes, m->info.preprocess.side, &why);
    if (!m->graph)
        return nn_fail(err, why.status != NN_OK ? why.status : NN_NO_MEMORY, "%s", why.text);
    m->head = nn_graph_scores(m->graph);
    if (!own)
        return NN_OK;
    if ((status = nn_model_check_graph(&m->info, own, err)) != NN_OK)
        return status;
    return nn_graph_digest(own, m->info.graph_digest, err);
}

/* What is wrong with weights of another digest, as far as it can be told: a tensor that is missing,
 * of another shape or not finite; else that nothing but the digest shows it. */
static enum nn_status explain_digest(const struct nn_model *m, const char *path,
                                     struct nn_error *err)
{
    static const char *const nothing_fresh[] = {NULL};
    struct nn_error why = {0};
    struct nn_values *values = NULL;
    const char *digest = nn_weights_digest(m->weights), *expected = m->info.weights_digest;

    if (nn_values_create(m->graph, m->weights, false, nothing_fresh, 0, &values, &why) == NN_OK)
        snprintf(why.text, sizeof why.text, "%s",
                 "every tensor is there and finite: another model's weights, or a damaged file");
    nn_values_destroy(values);
    return nn_fail(err, NN_BAD_DATA, "%s: SHA-256 is %.12s..., model.xml expects %.12s...; %.120s",
                   path, digest, expected, why.text);
}

static enum nn_status take_weights(struct nn_model *m, const char *path, struct nn_error *err)
{
    static const char *const nothing_fresh[] = {NULL};
    enum nn_status status = nn_weights_open(path, &m->weights, err);

    if (status != NN_OK)
        return status;
    const char *digest = nn_weights_digest(m->weights);
    if (m->info.weights_digest[0] != '\0' && strcmp(digest, m->info.weights_digest) != 0)
        return explain_digest(m, path, err);
    snprintf(m->info.weights_digest, sizeof m->info.weights_digest, "%s", digest);
    return nn_values_create(m->graph, m->weights, false, nothing_fresh, 0, &m->values, err);
}

enum nn_status nn_model_assemble(const struct nn_model_info *info, const struct nn_graph *graph,
                                 const char *weights_path, struct nn_model **model,
                                 struct nn_error *err)
{
    struct nn_model *m = calloc(1, sizeof *m);
    enum nn_status status;

    *model = NULL;
    if (!m)
        return nn_fail(err, NN_NO_MEMORY, "model %s: no memory", info->name);
    m->info = *info;
    if (!(info->temperature < 0) && !(info->temperature > 0))
        m->info.temperature = 1;
    if ((status = take_graph(m, graph, err)) == NN_OK &&
        (status = take_weights(m, weights_path, err)) == NN_OK)
        status = nn_model_digest(&m->info, err);
    if (status != NN_OK)
        nn_model_close(m);
    else
        *model = m;
    return status;
}

enum nn_status nn_model_read_xml(const char *path, char **text, size_t *size, struct nn_error *err)
{
    enum nn_status status = NN_OK;
    char *bytes = NULL;
    FILE *file = fopen(path, "rbe");

    if (!file)
        return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%s: %s", path, strerror(errno));
    bytes = malloc(NN_MODEL_XML_MAX + 1);
    if (!bytes) {
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        goto out;
    }
    size_t length = fread(bytes, 1, NN_MODEL_XML_MAX + 1, file);
    if (ferror(file))
        status = nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
    else if (length > NN_MODEL_XML_MAX)
        status = nn_fail(err, NN_LIMIT, "%s: larger than %u bytes", path, NN_MODEL_XML_MAX);
    if (status == NN_OK) {
        bytes[length] = '\0';
        *text = bytes;
        *size = length;
        bytes = NULL;
    }
out:
    free(bytes);
    fclose(file);
    return status;
}

enum nn_status nn_model_open_alone(const char *dir, struct nn_model **model, struct nn_error *err)
{
    char path[PATH_MAX];
    char *xml = NULL;
    size_t size = 0;
    struct nn_model_info *info = NULL;
    struct nn_graph *graph = NULL;
    enum nn_status status;

    *model = NULL;
    int length = snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    if (length < 0 || (size_t)length >= sizeof path)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
    snprintf(path, sizeof path, "%s/model.xml", dir);
    if ((status = nn_model_read_xml(path, &xml, &size, err)) != NN_OK)
        goto out;
    info = calloc(1, sizeof *info);
    if (!info) {
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        goto out;
    }
    if ((status = nn_model_parse(path, xml, size, info, &graph, err)) != NN_OK)
        goto out;
    snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    status = nn_model_assemble(info, graph, path, model, err);
out:
    nn_graph_destroy(graph);
    free(info);
    free(xml);
    return status;
}

enum nn_status nn_model_open(const char *dir, struct nn_model **model, struct nn_error *err)
{
    enum nn_status status = nn_model_open_alone(dir, model, err);

    if (status == NN_OK && (*model)->info.gate_digest[0] != '\0' &&
        (status = nn_model_open_gate(*model, dir, err)) != NN_OK) {
        nn_model_close(*model);
        *model = NULL;
    }
    return status;
}

void nn_model_close(struct nn_model *model)
{
    if (!model)
        return;
    nn_model_close(model->gate);
    nn_values_destroy(model->values);
    nn_graph_destroy(model->graph);
    nn_weights_close(model->weights);
    free(model);
}

const struct nn_model_info *nn_model_info(const struct nn_model *model)
{
    return &model->info;
}

const struct nn_graph *nn_model_graph(const struct nn_model *model)
{
    return model->graph;
}

const struct nn_values *nn_model_values(const struct nn_model *model)
{
    return model->values;
}

const struct nn_model *nn_model_gate(const struct nn_model *model)
{
    return model->gate;
}
