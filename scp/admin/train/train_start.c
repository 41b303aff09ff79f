/* train_start.c: --network and --init become a graph, preprocessing, weights and their description.
 */
#include "train_start.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

static int fail(const struct nn_error *err)
{
    fprintf(stderr, "cervigate train: %s\n", err->text);
    return err->status == NN_MISSING || err->status == NN_IO ? EX_NOINPUT
           : err->status == NN_NO_MEMORY                     ? EX_SOFTWARE
                                                             : EX_DATAERR;
}

/* A model folder: its graph and preprocessing; its weights unless others are given. */
static int take_model(struct train_start *start, const struct train_options *o, int classes)
{
    struct nn_error err = {0};
    struct nn_model *model = NULL;
    int status = EX_OK;

    if (nn_model_open(o->network, &model, &err) != NN_OK)
        return fail(&err);
    const struct nn_model_info *info = nn_model_info(model);
    snprintf(start->network, sizeof start->network, "%s", info->network);
    start->preprocess = info->preprocess;
    snprintf(start->words, sizeof start->words, "model %.60s %.30s", info->name, info->version);
    if (strcmp(info->network, NN_OWN_GRAPH) == 0) {
        start->graph = nn_graph_refit(nn_model_graph(model), classes, &err);
        if (start->graph)
            start->heads[0] = nn_graph_head(start->graph);
        else
            status = fail(&err);
    }
    nn_model_close(model);
    snprintf(start->init_path, sizeof start->init_path, "%s/weights.safetensors", o->network);
    return status;
}

static void lay_over(struct nn_preprocess *p, const struct train_options *o)
{
    if (o->fit_given)
        p->fit = o->fit;
    if (o->normalise_given)
        p->normalise = o->normalise;
    if (o->denoise_given)
        p->denoise = (float)o->denoise;
    if (o->region_given)
        p->region = o->region;
    if (o->side_given)
        p->side = (int)o->side;
}

/* The weights say themselves what they are. */
static int describe(struct train_start *start, bool model)
{
    struct nn_error err = {0};
    size_t used = model ? strlen(start->words) : 0;

    for (size_t i = 0; i < start->init_count; i++) {
        struct nn_weights *weights = NULL;
        if (nn_weights_open(start->init[i], &weights, &err) != NN_OK)
            return fail(&err);
        const char *what = nn_weights_metadata(weights, "network");
        if (!model && used < sizeof start->words)
            used +=
                (size_t)snprintf(start->words + used, sizeof start->words - used, "%s%.140s",
                                 i > 0 ? " + " : "", what ? what : "weights without a description");
        nn_weights_close(weights);
    }
    if (start->init_count == 0)
        snprintf(start->words, sizeof start->words, "random numbers (from scratch)");
    return EX_OK;
}

/* Said beside the figures: the papers' AlexNet had its ImageNet head, ours cannot. */
static void tell_afresh(struct train_start *start, bool model)
{
    if (model || start->init_count == 0)
        return;
    if (strcmp(start->network, "alexnet") == 0)
        snprintf(start->layers_afresh, sizeof start->layers_afresh,
                 "AlexNet's fully connected layers (fc6, fc7, fc8): their ImageNet weights are not "
                 "to be had, all three were learned afresh");
    if (strcmp(start->network, "stacked") == 0)
        snprintf(start->layers_afresh, sizeof start->layers_afresh,
                 "both fully connected layers; AlexNet's part is its convolutions, since its fully "
                 "connected layers' ImageNet weights are not to be had");
}

int train_start_open(struct train_start *start, const struct train_options *o, int classes)
{
    const struct nn_network *network = nn_network_find(o->network);
    struct stat st;
    bool model = !network && stat(o->network, &st) == 0 && S_ISDIR(st.st_mode);
    int status;

    *start = (struct train_start){0};
    if (network) {
        snprintf(start->network, sizeof start->network, "%s", network->name);
        start->preprocess = network->input;
    } else if (model) {
        if ((status = take_model(start, o, classes)) != EX_OK)
            return status;
    } else {
        fprintf(stderr,
                "cervigate train: --network %s: googlenet, googlenet-peak, alexnet, stacked or a "
                "model folder is expected\n",
                o->network);
        return EX_USAGE;
    }
    lay_over(&start->preprocess, o);
    for (size_t i = 0; i < o->init_count; i++)
        start->init[start->init_count++] = o->init[i];
    bool own = model && o->init_count == 0 && !o->scratch; /* the folder's weights */
    if (own)
        start->init[start->init_count++] = start->init_path;
    if (start->init_count == 0 && !o->scratch) {
        fputs("cervigate train: --init is missing (--init none: from scratch)\n", stderr);
        return EX_USAGE;
    }
    tell_afresh(start, own);
    return describe(start, own);
}

void train_start_finish(struct train_start *start)
{
    nn_graph_destroy(start->graph);
    start->graph = NULL;
}
