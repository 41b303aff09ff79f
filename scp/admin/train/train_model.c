/* train_model.c: the last part of `cervigate train`: a folder of weights becomes a model.
 *
 * Operating points are chosen on validation images, as sensitive as their specificity allows
 * (nn_operating_point_usual). The measures come from test images, which neither training nor the
 * choice of operating points has seen. The saliency's scale is a display's: measured on validation
 * images, once their operating points are known. */
#include "train_model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_of(const struct nn_model_info *info)
{
    return info->provenance == NN_CLINICAL ? "clinical" : "synthetic";
}

static void describe(const struct train_outcome *o, struct nn_model_info *info)
{
    const struct train_data *data = o->data;
    const char *command = o->options->command;

    *info = (struct nn_model_info){.classes = data->classes,
                                   .preprocess = o->settings->preprocess,
                                   .provenance = o->options->provenance,
                                   .minimum_age = 16,
                                   .temperature = 1};
    snprintf(info->name, sizeof info->name, "%.62s", o->name);
    snprintf(info->version, sizeof info->version, "%s", CERVIGATE_VERSION);
    snprintf(info->network, sizeof info->network, "%.30s", o->settings->network);
    snprintf(info->modalities, sizeof info->modalities, "CR DX");
    snprintf(info->body_parts, sizeof info->body_parts, "CSPINE");
    snprintf(info->views, sizeof info->views, "LL LATERAL");
    snprintf(info->intended_use, sizeof info->intended_use,
             "Research and demonstration only: orders a reading worklist of lateral cervical spine "
             "radiographs. Trained on %s images; its sensitivity in injured patients is not "
             "measured. Never for a decision about a patient.",
             kind_of(info));
    snprintf(info->provenance_text, sizeof info->provenance_text,
             "%s images (%.60s), started from %.100s. Made by: %.285s%s", kind_of(info),
             data->words, o->start->words, command, strlen(command) > 285 ? "... (card.md)" : "");
    snprintf(info->split, sizeof info->split, "%s", data->split);
    info->leaking_pairs = data->set ? (long)data->set->leaking_pairs : 0;
    for (int i = 0; i < info->classes; i++) {
        snprintf(info->class_[i].name, sizeof info->class_[i].name, "%s", data->class_name[i]);
        info->class_[i].finding = i != data->none;
        info->class_[i].operating_point = i != data->none ? 0.5 : 0;
    }
}

/* Scores and truth of all samples; both malloc'ed, the caller's on success. */
static enum nn_status score(const struct nn_model *model, const struct nn_source *source,
                            struct nn_pool *pool, float **scores, int **truth, struct nn_error *err)
{
    long confusion[NN_MAX_CLASSES * NN_MAX_CLASSES];
    size_t classes = (size_t)nn_model_info(model)->classes;
    enum nn_status status;

    *scores = calloc(source->count, classes * sizeof **scores);
    *truth = calloc(source->count, sizeof **truth);
    if (!*scores || !*truth)
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu scores", source->count);
    else
        status = nn_measure(model, source, pool, confusion, *scores, err);
    if (status != NN_OK) {
        free(*scores);
        free(*truth);
        *scores = NULL;
        *truth = NULL;
        return status;
    }
    for (size_t i = 0; i < source->count; i++)
        (*truth)[i] = source->label(source->context, i, 0);
    return NN_OK;
}

static enum nn_status choose_points(const struct train_outcome *o, const struct nn_model *model,
                                    struct nn_pool *pool, struct nn_model_info *info,
                                    struct nn_error *err)
{
    const struct nn_source *source = &o->data->validation;
    float *scores = NULL;
    int *truth = NULL;
    enum nn_status status = score(model, source, pool, &scores, &truth, err);

    for (int c = 0; status == NN_OK && c < info->classes; c++) {
        if (info->class_[c].finding)
            info->class_[c].operating_point = nn_operating_point_usual(
                scores, truth, source->count, info->classes, c, o->data->none);
    }
    free(scores);
    free(truth);
    return status;
}

static enum nn_status measure_test(const struct train_outcome *o, const struct nn_model *model,
                                   struct nn_pool *pool, struct nn_model_info *info,
                                   struct nn_error *err)
{
    const struct nn_source *source = &o->data->test;
    bool before = o->data->trained_before > 0;
    bool leaks = info->leaking_pairs > 0 || strcmp(info->split, "random") == 0;
    float *scores = NULL;
    int *truth = NULL;
    enum nn_status status = score(model, source, pool, &scores, &truth, err);

    if (status == NN_OK)
        status = nn_measures_fill(info, scores, truth, source->count, err);
    if (before)
        snprintf(info->measures.data, sizeof info->measures.data,
                 "%zu %s images (%.80s); %zu of the judged ones were trained on by the model that "
                 "this one started from: too good",
                 source->count, kind_of(info), o->data->words, o->data->trained_before);
    else if (leaks)
        snprintf(info->measures.data, sizeof info->measures.data,
                 "%zu %s images (%.100s) of a %s division with %ld leaking pairs: too good",
                 source->count, kind_of(info), o->data->words, info->split, info->leaking_pairs);
    else
        snprintf(info->measures.data, sizeof info->measures.data,
                 "%zu %s images (%.100s) that neither training nor the choice of operating points "
                 "has seen",
                 source->count, kind_of(info), o->data->words);
    free(scores);
    free(truth);
    return status;
}

enum nn_status train_model_write(const struct train_outcome *outcome, struct nn_model_info *info,
                                 struct nn_error *err)
{
    const struct nn_graph *graph = outcome->settings->graph;
    char weights[PATH_MAX];
    struct nn_model *model = NULL;
    struct nn_pool *pool = NULL;
    enum nn_status status;

    int length = snprintf(weights, sizeof weights, "%s/weights.safetensors", outcome->out);
    if (length < 0 || (size_t)length >= sizeof weights)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", outcome->out);
    describe(outcome, info);
    if ((status = nn_model_assemble(info, graph, weights, &model, err)) != NN_OK)
        return status;
    snprintf(info->weights_digest, sizeof info->weights_digest, "%s",
             nn_model_info(model)->weights_digest);
    pool = nn_pool_create(outcome->settings->threads);
    if (!pool) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %d threads", outcome->settings->threads);
        goto out;
    }
    if ((status = choose_points(outcome, model, pool, info, err)) != NN_OK ||
        (status = nn_measure_saliency_scale(model, info, &outcome->data->validation, pool,
                                            &info->saliency_scale, NULL, err)) != NN_OK ||
        (status = measure_test(outcome, model, pool, info, err)) != NN_OK ||
        (status = nn_model_write(outcome->out, info, graph, err)) != NN_OK)
        goto out;
    status = train_card_write(outcome, info, err);
out:
    nn_pool_destroy(pool);
    nn_model_close(model);
    return status;
}
