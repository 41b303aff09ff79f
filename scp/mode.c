/* The mode in force, and who may change it. */
#include "node.h"

#include "nn_model.h"
#include "spool.h"
#include "srt.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool node_mode_read(const struct conf *conf, enum conf_mode *mode)
{
    char path[PATH_MAX], text[32];
    *mode = CONF_SHADOW;
    node_path(conf, path, sizeof path, "mode");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT)
            return false;
        *mode = conf->mode;
        return true;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    int error = errno;
    (void)close(fd);
    errno = error;
    if (n < 0)
        return false;

    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (!conf_mode_parse(text, mode))
        *mode = CONF_SHADOW;
    return true;
}

enum conf_mode node_mode(const struct conf *conf)
{
    enum conf_mode mode;
    return node_mode_read(conf, &mode) ? mode : CONF_SHADOW;
}

/* A finding without a code would be found and never reported. */
static bool model_reportable(const struct nn_model_info *info, const struct srt_template *template_,
                             char *error, size_t error_size)
{
    for (int i = 0; i < info->classes; i++)
        if (info->class_[i].finding && !srt_template_codes(template_, info->class_[i].name)) {
            (void)snprintf(error, error_size,
                           "model %s: its class \"%s\" is a finding that the report has no code "
                           "for (sr_templates/cspine.xml: finding-...): the node cannot use it",
                           info->name, info->class_[i].name);
            return false;
        }
    return true;
}

static bool model_clinical(const struct nn_model_info *info, char *error, size_t error_size)
{
    if (info->provenance == NN_SYNTHETIC)
        (void)snprintf(
            error, error_size,
            "mode clinical: the model %s was trained on synthetic images; expected one that "
            "this site has validated (docs/train-your-own.md), or another mode",
            info->name);
    else if (!info->validated)
        (void)snprintf(error, error_size,
                       "mode clinical: the model %s has no <validation> bound to its digests",
                       info->name);
    else
        return true;
    return false;
}

bool mode_model_allowed(const struct conf *conf, size_t model, enum conf_mode mode,
                        const struct srt_template *template_, char *error, size_t error_size)
{
    struct nn_model *opened = NULL;
    struct nn_error err = {.status = NN_OK};
    if (nn_model_open(conf->models[model], &opened, &err) != NN_OK) {
        (void)snprintf(error, error_size, "model %s: %s", conf->models[model], err.text);
        return false;
    }

    const struct nn_model_info *info = nn_model_info(opened);
    bool allowed = !template_ || model_reportable(info, template_, error, error_size);
    if (allowed && mode == CONF_CLINICAL)
        allowed = model_clinical(info, error, error_size);
    nn_model_close(opened);
    return allowed;
}

bool mode_allowed(const struct conf *conf, enum conf_mode mode, char *error, size_t error_size)
{
    struct srt_template *template_ = NULL;
    struct srt_error err = {.status = SRT_OK};
    bool allowed = conf->model_count > 0;
    if (srt_template_open(conf->templates, conf->language, &template_, &err) != SRT_OK) {
        (void)snprintf(error, error_size, "report template: %s", err.text);
        return false;
    }
    if (!allowed)
        (void)snprintf(error, error_size, "there is no model");
    for (size_t i = 0; allowed && i < conf->model_count; i++)
        allowed = mode_model_allowed(conf, i, mode, template_, error, error_size);
    srt_template_close(template_);
    return allowed;
}

bool mode_set(const struct conf *conf, enum conf_mode mode, char *error, size_t error_size)
{
    /* Whatever is wrong with a model, shadow must always be reachable. */
    if (mode == CONF_CLINICAL && !mode_allowed(conf, mode, error, error_size))
        return false;

    char path[PATH_MAX], text[32];
    node_path(conf, path, sizeof path, "mode");
    (void)snprintf(text, sizeof text, "%s\n", conf_mode_name(mode));
    int failed = spool_write_whole(path, text);
    if (failed != 0)
        (void)snprintf(error, error_size, "%s: %s", path, strerror(-failed));
    return failed == 0;
}
