/* The networks of an examiner. */
#include "examine.h"
#include "log.h"
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static int open_model(struct examiner *x, int m, int *side)
{
    struct nn_error err;
    const char *folder = x->node->conf->models[m];
    if (nn_model_open(folder, &x->model[m], &err) != NN_OK) {
        log_event(LOG_AT_ERROR, "model-refused", "model=%s error=%s", log_quote(folder),
                  log_quote(err.text));
        return EX_CONFIG;
    }
    const struct nn_model_info *info = nn_model_info(x->model[m]);
    if (nn_judge_create(x->model[m], x->pool, &x->judge[m], &err) != NN_OK) {
        log_event(LOG_AT_ERROR, "network-failed", "model=%s error=%s", log_quote(folder),
                  log_quote(err.text));
        return EX_OSERR;
    }
    x->models = m + 1;
    if (info->preprocess.side > *side)
        *side = info->preprocess.side;
    log_event(LOG_AT_INFO, "model", "name=%s version=%s digest=%.16s", log_quote(info->name),
              info->version, info->digest);
    return 0;
}

int examiner_open_network(struct examiner *x)
{
    const struct conf *conf = x->node->conf;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int threads = conf->threads > 0 ? conf->threads : processors > 0 ? (int)processors : 1;
    int side = 0, status = 0;
    x->models = 0;
    x->pool = nn_pool_create(threads);
    for (int m = 0; m < (int)conf->model_count && x->pool && status == 0; m++)
        status = open_model(x, m, &side);
    if (status != 0)
        return status;
    x->map = malloc((size_t)side * (size_t)side * sizeof *x->map);
    if (!x->pool || !x->map) {
        log_event(LOG_AT_ERROR, "network-failed", "threads=%d error=%s", threads,
                  log_quote("out of memory"));
        return EX_OSERR;
    }
    log_event(LOG_AT_INFO, "network", "models=%d threads=%d", x->models, threads);
    return 0;
}

void examiner_close_network(struct examiner *x)
{
    for (int m = 0; m < SRT_MAX_MODELS; m++)
        nn_judge_destroy(x->judge[m]);
    nn_pool_destroy(x->pool);
    for (int m = 0; m < SRT_MAX_MODELS; m++) {
        nn_model_close(x->model[m]);
        x->model[m] = NULL;
        x->judge[m] = NULL;
    }
    free(x->map);
    x->map = NULL;
    x->pool = NULL;
    x->models = 0;
}
