/* model.c: a model folder becomes graph + weights + info. */
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

enum nn_status nn_model_assemble(const struct nn_model_info *info, const char *weights_path,
                                 struct nn_model **model, struct nn_error *err)
{
    static const char *const nothing_fresh[] = {NULL};
    const struct nn_network *network = nn_network_find(info->network);
    enum nn_status status;

    *model = NULL;
    if (!network)
        return nn_fail(err, NN_UNSUPPORTED, "model %s: network \"%s\" is not known", info->name,
                       info->network);
    struct nn_model *m = calloc(1, sizeof *m);
    if (!m)
        return nn_fail(err, NN_NO_MEMORY, "model %s: no memory", info->name);
    m->info = *info;
    if (!(info->temperature < 0) && !(info->temperature > 0))
        m->info.temperature = 1;
    if ((status = nn_weights_open(weights_path, &m->weights, err)) != NN_OK)
        goto out;
    const char *digest = nn_weights_digest(m->weights);
    if (info->weights_digest[0] != '\0' && strcmp(digest, info->weights_digest) != 0) {
        status = nn_fail(err, NN_BAD_DATA, "%s: SHA-256 is %.12s..., model.xml expects %.12s...",
                         weights_path, digest, info->weights_digest);
        goto out;
    }
    snprintf(m->info.weights_digest, sizeof m->info.weights_digest, "%s", digest);
    if ((status = nn_model_digest(&m->info, err)) != NN_OK)
        goto out;
    m->graph = network->build(info->classes, info->preprocess.side, err);
    if (!m->graph) {
        status = err && err->status != NN_OK ? err->status : NN_NO_MEMORY;
        goto out;
    }
    m->head = nn_graph_find(m->graph, nn_network_score(network));
    status = nn_values_create(m->graph, m->weights, false, nothing_fresh, 0, &m->values, err);
out:
    if (status != NN_OK)
        nn_model_close(m);
    else
        *model = m;
    return status;
}

/* The whole of a small file; *text is malloc'ed and terminated. */
static enum nn_status read_xml(const char *path, char **text, size_t *size, struct nn_error *err)
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

enum nn_status nn_model_open(const char *dir, struct nn_model **model, struct nn_error *err)
{
    char path[PATH_MAX];
    char *xml = NULL;
    size_t size = 0;
    struct nn_model_info *info = NULL;
    enum nn_status status;

    *model = NULL;
    int length = snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    if (length < 0 || (size_t)length >= sizeof path)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
    snprintf(path, sizeof path, "%s/model.xml", dir);
    if ((status = read_xml(path, &xml, &size, err)) != NN_OK)
        goto out;
    info = calloc(1, sizeof *info);
    if (!info) {
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        goto out;
    }
    if ((status = nn_model_info_parse(path, xml, size, info, err)) != NN_OK)
        goto out;
    snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    status = nn_model_assemble(info, path, model, err);
out:
    free(info);
    free(xml);
    return status;
}

void nn_model_close(struct nn_model *model)
{
    if (!model)
        return;
    nn_values_destroy(model->values);
    nn_graph_destroy(model->graph);
    nn_weights_close(model->weights);
    free(model);
}

const struct nn_model_info *nn_model_info(const struct nn_model *model)
{
    return &model->info;
}
