/* train_model.c: the last part of `cervigate train`: a folder of weights becomes a model.
 *
 * Operating points are chosen for sensitivity on validation images: the smallest score at which
 * SPECIFICITY of the normal images stay silent. The measures come from test images, which neither
 * training nor the choice of operating points has seen. */
#include "train_model.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPECIFICITY  0.95
#define LOWEST_POINT 0.2 /* below it a score says nothing among three classes */
#define NORMAL       2

static const char *kind_of(const struct nn_model_info *info)
{
    return info->provenance == NN_CLINICAL ? "clinical" : "synthetic";
}

static void describe(const struct train_outcome *o, struct nn_model_info *info)
{
    static const char *const names[3] = {"dislocation", "fracture", "normal"};

    *info = (struct nn_model_info){.classes = 3,
                                   .preprocess = o->settings->preprocess,
                                   .provenance = o->provenance,
                                   .minimum_age = 16};
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
             "%s images (%.60s), started from %.100s. Made by: %.300s", kind_of(info), o->data,
             o->start, o->command);
    for (int i = 0; i < 3; i++) {
        snprintf(info->class_[i].name, sizeof info->class_[i].name, "%s", names[i]);
        info->class_[i].finding = i != NORMAL;
        info->class_[i].operating_point = i != NORMAL ? 0.5 : 0;
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
    float *scores = NULL;
    int *truth = NULL;
    enum nn_status status = score(model, o->validation, pool, &scores, &truth, err);

    for (int c = 0; status == NN_OK && c < info->classes; c++) {
        if (info->class_[c].finding)
            info->class_[c].operating_point =
                nn_operating_point(scores, truth, o->validation->count, info->classes, c, NORMAL,
                                   SPECIFICITY, LOWEST_POINT);
    }
    free(scores);
    free(truth);
    return status;
}

static enum nn_status measure_test(const struct train_outcome *o, const struct nn_model *model,
                                   struct nn_pool *pool, struct nn_model_info *info,
                                   struct nn_error *err)
{
    float *scores = NULL;
    int *truth = NULL;
    enum nn_status status = score(model, o->test, pool, &scores, &truth, err);

    if (status == NN_OK)
        status = nn_measures_fill(info, scores, truth, o->test->count, err);
    snprintf(info->measures.data, sizeof info->measures.data,
             "%zu %s images (%s) that neither training nor the choice of operating points has seen",
             o->test->count, kind_of(info), o->data);
    free(scores);
    free(truth);
    return status;
}

static void print_confusion(FILE *file, const struct nn_model_info *info)
{
    const long *confusion = info->measures.confusion;

    fputs("\n| truth \\ answer (highest score) |", file);
    for (int i = 0; i < info->classes; i++)
        fprintf(file, " %s |", info->class_[i].name);
    fputs("\n|---|", file);
    for (int i = 0; i < info->classes; i++)
        fputs("---|", file);
    for (int t = 0; t < info->classes; t++) {
        fprintf(file, "\n| %s |", info->class_[t].name);
        for (int i = 0; i < info->classes; i++)
            fprintf(file, " %ld |", confusion[t * info->classes + i]);
    }
    fputs("\n\n| finding | operating point | sensitivity | specificity | AUC |\n"
          "|---|---|---|---|---|\n",
          file);
    for (int i = 0; i < info->classes; i++) {
        if (info->class_[i].finding)
            fprintf(file, "| %s | %.4f | %.4f | %.4f | %.4f |\n", info->class_[i].name,
                    info->class_[i].operating_point, info->measures.finding[i].sensitivity,
                    info->measures.finding[i].specificity, info->measures.finding[i].auc);
    }
}

static void print_card(FILE *file, const struct train_outcome *o, const struct nn_model_info *info)
{
    fprintf(file, "# Model card: %s %s\n\n", info->name, info->version);
    fputs("| sensitivity in injured patients: NOT MEASURED (n = 0) | |\n|---|---|\n", file);
    fprintf(file, "| network | %s, %d classes, input %d x %d |\n", info->network, info->classes,
            info->preprocess.side, info->preprocess.side);
    fprintf(file, "| start | %s |\n| images | %s: %s |\n| made by | `%s` |\n", o->start,
            kind_of(info), o->data, o->command);
    fprintf(file, "| for | modalities %s, body part %s, view %s, age %d and above |\n",
            info->modalities, info->body_parts, info->views, info->minimum_age);
    fprintf(file,
            "| calibration | none: outputs are model scores, not probabilities |\n"
            "| validation | none |\n| weights | SHA-256 %s |\n| model digest | %s |\n",
            info->weights_digest, info->digest);
    fprintf(file, "\n%s\n\nMeasured on %s. %s\n", info->intended_use, info->measures.data,
            info->provenance == NN_SYNTHETIC ? "These figures describe drawings, not patients."
                                             : "These figures hold for that source of images.");
    print_confusion(file, info);
    if (info->provenance == NN_SYNTHETIC)
        fputs(
            "\nLimits: one generator drew all images; the share of injuries is far above everyday "
            "practice; injuries that the generator does not draw were never seen.\n",
            file);
}

static enum nn_status write_card(const struct train_outcome *o, const struct nn_model_info *info,
                                 struct nn_error *err)
{
    char path[PATH_MAX], temporary[PATH_MAX];

    int length = snprintf(temporary, sizeof temporary, "%s/card.md.partial", o->out);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", o->out);
    snprintf(path, sizeof path, "%s/card.md", o->out);
    FILE *file = fopen(temporary, "we");
    if (!file)
        return nn_fail(err, NN_IO, "%s: %s", temporary, strerror(errno));
    print_card(file, o, info);
    bool failed = ferror(file) || fflush(file) != 0 || fsync(fileno(file)) != 0;
    failed = fclose(file) != 0 || failed;
    if (failed || rename(temporary, path) != 0)
        return nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
    return NN_OK;
}

enum nn_status train_model_write(const struct train_outcome *outcome, struct nn_model_info *info,
                                 struct nn_error *err)
{
    char weights[PATH_MAX];
    struct nn_model *model = NULL;
    struct nn_pool *pool = NULL;
    enum nn_status status;

    int length = snprintf(weights, sizeof weights, "%s/weights.safetensors", outcome->out);
    if (length < 0 || (size_t)length >= sizeof weights)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", outcome->out);
    describe(outcome, info);
    if ((status = nn_model_assemble(info, weights, &model, err)) != NN_OK)
        return status;
    snprintf(info->weights_digest, sizeof info->weights_digest, "%s",
             nn_model_info(model)->weights_digest);
    pool = nn_pool_create(outcome->settings->threads);
    if (!pool) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %d threads", outcome->settings->threads);
        goto out;
    }
    if ((status = choose_points(outcome, model, pool, info, err)) != NN_OK ||
        (status = measure_test(outcome, model, pool, info, err)) != NN_OK ||
        (status = nn_model_write(outcome->out, info, err)) != NN_OK)
        goto out;
    status = write_card(outcome, info, err);
out:
    nn_pool_destroy(pool);
    nn_model_close(model);
    return status;
}
