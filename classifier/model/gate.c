/* gate.c: the model beside a model, which says what kind of picture a plane is. */
#include "model_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int class_of(const struct nn_model_info *info, const char *name)
{
    for (int i = 0; i < info->classes; i++)
        if (strcmp(info->class_[i].name, name) == 0)
            return i;
    return -1;
}

static enum nn_status path_of(char path[PATH_MAX], const char *dir, const char *name,
                              struct nn_error *err)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", dir, name);

    if (length < 0 || length >= PATH_MAX)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
    return NN_OK;
}

enum nn_status nn_model_open_gate(struct nn_model *model, const char *dir, struct nn_error *err)
{
    const struct nn_model_info *info = &model->info;
    char path[PATH_MAX];
    enum nn_status status = path_of(path, dir, "gate", err);

    if (status != NN_OK || (status = nn_model_open(path, &model->gate, err)) != NN_OK)
        return status;
    const struct nn_model_info *gate = &model->gate->info;
    if (strcmp(gate->digest, info->gate_digest) != 0)
        return nn_fail(err, NN_BAD_DATA,
                       "%s: the gate's digest is %.12s..., model.xml expects %.12s...: another "
                       "gate, attach it anew (cervigate import gate)",
                       path, gate->digest, info->gate_digest);
    if (class_of(gate, info->gate_accept) < 0)
        return nn_fail(err, NN_BAD_DATA, "%s: the gate has no class %s, which model.xml accepts",
                       path, info->gate_accept);
    if (model->gate->gate)
        return nn_fail(err, NN_BAD_DATA, "%s: a gate must not have a gate", path);
    return NN_OK;
}

enum nn_status nn_judge_gate(struct nn_judge *judge, const float *plane, int rows, int cols,
                             struct nn_verdict *verdict, struct nn_error *err)
{
    const struct nn_model_info *info = &judge->model->info;
    struct nn_judgement kinds;
    char part[sizeof info->gate_accept + sizeof NN_GATE_SHORT];

    *verdict = (struct nn_verdict){.accepted = true, .kind = "", .score = 1};
    if (!judge->gate)
        return NN_OK;
    enum nn_status status = nn_judge_plane(judge->gate, plane, rows, cols, &kinds, err);
    if (status != NN_OK)
        return status;
    const struct nn_model_info *gate = &judge->gate->model->info;
    snprintf(part, sizeof part, "%s" NN_GATE_SHORT, info->gate_accept);
    int partly = class_of(gate, part);
    verdict->score = kinds.score[class_of(gate, info->gate_accept)];
    if (partly >= 0)
        verdict->score += kinds.score[partly];
    verdict->kind = gate->class_[kinds.top].name;
    verdict->accepted = (double)verdict->score >= info->gate_least;
    return NN_OK;
}

static bool same_folder(const char *a, const char *b)
{
    struct stat first, second;

    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static enum nn_status copy_file(const char *from_dir, const char *to_dir, const char *name,
                                struct nn_error *err)
{
    char from[PATH_MAX], to[PATH_MAX], bytes[65536];
    FILE *in = NULL, *out = NULL;
    enum nn_status status = path_of(from, from_dir, name, err);
    size_t count;

    if (status != NN_OK || (status = path_of(to, to_dir, name, err)) != NN_OK)
        return status;
    if ((in = fopen(from, "rbe")) == NULL)
        return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%s: %s", from, strerror(errno));
    if ((out = fopen(to, "wbe")) == NULL) {
        status = nn_fail(err, NN_IO, "%s: %s", to, strerror(errno));
        fclose(in);
        return status;
    }
    while ((count = fread(bytes, 1, sizeof bytes, in)) > 0)
        if (fwrite(bytes, 1, count, out) != count)
            break;
    if (ferror(in) || ferror(out))
        status = nn_fail(err, NN_IO, "%s: cannot be copied to %s", from, to);
    fclose(in);
    if (fclose(out) != 0 && status == NN_OK)
        status = nn_fail(err, NN_IO, "%s: %s", to, strerror(errno));
    return status;
}

/* What must be so before anything is written. */
static enum nn_status check_gate(const struct nn_model *gate, const char *path, const char *accept,
                                 double least, struct nn_error *err)
{
    if (class_of(&gate->info, accept) < 0)
        return nn_fail(err, NN_INVALID, "%s: has no class %s", path, accept);
    if (!(least >= 0 && least <= 1))
        return nn_fail(err, NN_INVALID, "%s: a least score of %g is not in 0..1", path, least);
    if (gate->gate)
        return nn_fail(err, NN_INVALID, "%s: a gate must not have a gate", path);
    return NN_OK;
}

enum nn_status nn_model_attach_gate(const char *dir, const char *gate_dir, const char *accept,
                                    double least, struct nn_error *err)
{
    struct nn_model *model = NULL, *gate = NULL;
    struct nn_model_info *info = malloc(sizeof *info);
    char to[PATH_MAX];
    enum nn_status status = info ? nn_model_open_alone(dir, &model, err)
                                 : nn_fail(err, NN_NO_MEMORY, "%s: no memory", dir);

    if (status != NN_OK || (status = nn_model_open(gate_dir, &gate, err)) != NN_OK ||
        (status = check_gate(gate, gate_dir, accept, least, err)) != NN_OK ||
        (status = path_of(to, dir, "gate", err)) != NN_OK)
        goto out;
    if (mkdir(to, 0777) != 0 && errno != EEXIST) {
        status = nn_fail(err, NN_IO, "%s: %s", to, strerror(errno));
        goto out;
    }
    if (!same_folder(gate_dir, to) &&
        ((status = copy_file(gate_dir, to, "weights.safetensors", err)) != NN_OK ||
         (status = copy_file(gate_dir, to, "model.xml", err)) != NN_OK))
        goto out;
    *info = model->info;
    info->validated = false;
    snprintf(info->gate_digest, sizeof info->gate_digest, "%s", gate->info.digest);
    snprintf(info->gate_accept, sizeof info->gate_accept, "%s", accept);
    info->gate_least = least;
    status = nn_model_write(dir, info,
                            strcmp(info->network, NN_OWN_GRAPH) == 0 ? model->graph : NULL, err);
out:
    nn_model_close(gate);
    nn_model_close(model);
    free(info);
    return status;
}
