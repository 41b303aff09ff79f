/* evaluate_arrays.c: judged images as the arrays that nn_measures.h takes. */
#include "evaluate.h"
#include <stdlib.h>
#include <string.h>

struct named {
    char *name;
    size_t at;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Equal names get the number of the first image that has it. */
static void number_names(struct named *names, size_t count, uint32_t *number)
{
    if (count > 1)
        qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0, first = 0; i < count; i++) {
        if (strcmp(names[i].name, names[first].name) != 0)
            first = i;
        number[names[i].at] = (uint32_t)names[first].at;
    }
}

/* A study is its patient's, one without a name is the patient's only one; who has no patient
 * either is alone. */
static char *study_name(const struct data_item *item)
{
    char *name = NULL;
    const char *whose = item->patient[0] || item->study[0] ? "" : item->path;
    if (asprintf(&name, "%s\x1f%s\x1f%s", item->patient, item->study, whose) < 0)
        return NULL;
    return name;
}

static uint32_t root_of(const uint32_t *parent, uint32_t at)
{
    while (parent[at] != at)
        at = parent[at];
    return at;
}

/* Images of one group, and of one study (of a patient who is not named), are one patient's. */
static enum nn_status number_patients(const struct evaluate_images *images, const uint32_t *study,
                                      uint32_t *patient, struct nn_error *err)
{
    size_t most = 0;
    for (size_t i = 0; i < images->count; i++) {
        most = images->image[i].item->group > most ? images->image[i].item->group : most;
        patient[i] = (uint32_t)i;
    }
    uint32_t *first = calloc(most + 1, sizeof *first); /* image of each group, and 1 */
    if (!first)
        return nn_fail(err, NN_NO_MEMORY, "no memory for patients");
    for (size_t i = 0; i < images->count; i++) {
        uint32_t *of = &first[images->image[i].item->group];
        uint32_t with[2] = {study[i], *of ? *of - 1 : (uint32_t)i};
        *of = *of ? *of : (uint32_t)i + 1;
        for (int k = 0; k < 2; k++) {
            uint32_t a = root_of(patient, (uint32_t)i), b = root_of(patient, with[k]);
            patient[a > b ? a : b] = a > b ? b : a;
        }
    }
    for (size_t i = 0; i < images->count; i++) /* roots come first: one step is enough */
        patient[i] = patient[patient[i]];
    free(first);
    return NN_OK;
}

enum nn_status evaluate_numbers(const struct evaluate_images *images, uint32_t *patient,
                                uint32_t *study, struct nn_error *err)
{
    size_t count = images->count;
    struct named *names = calloc(count ? count : 1, sizeof *names);
    enum nn_status status = names ? NN_OK : nn_fail(err, NN_NO_MEMORY, "no memory for studies");
    for (size_t i = 0; status == NN_OK && i < count; i++) {
        const struct data_item *item = images->image[i].item;
        names[i] = (struct named){study_name(item), i};
        if (!names[i].name)
            status = nn_fail(err, NN_NO_MEMORY, "no memory for studies");
    }
    if (status == NN_OK)
        number_names(names, count, study);
    if (status == NN_OK)
        status = number_patients(images, study, patient, err);
    for (size_t i = 0; names && i < count; i++)
        free(names[i].name);
    free(names);
    return status;
}

static void fill(const struct evaluate_images *images, const struct nn_model_info *model,
                 const uint32_t *patient, const uint32_t *study, struct evaluate_arrays *to)
{
    size_t classes = (size_t)model->classes;
    for (size_t i = 0; i < images->count; i++) {
        const struct evaluate_image *image = &images->image[i];
        if (!image->judged)
            continue;
        size_t at = to->processed++;
        memcpy(to->scores + at * classes, image->score, classes * sizeof *to->scores);
        memcpy(to->rivals + at * classes, image->rival, classes * sizeof *to->rivals);
        to->truth[at] = image->item->label;
        to->patient[at] = patient[i];
        to->study[at] = study[i];
        to->image[at] = i;
    }
}

enum nn_status evaluate_arrays_make(const struct evaluate_images *images,
                                    const struct nn_model_info *model,
                                    struct evaluate_arrays *arrays, struct nn_error *err)
{
    size_t count = images->count, room = count ? count : 1, classes = (size_t)model->classes;
    *arrays = (struct evaluate_arrays){.count = count};
    uint32_t *patient = calloc(room, sizeof *patient), *study = calloc(room, sizeof *study);
    arrays->scores = calloc(room, classes * sizeof *arrays->scores);
    arrays->rivals = calloc(room, classes * sizeof *arrays->rivals);
    arrays->truth = calloc(room, sizeof *arrays->truth);
    arrays->patient = calloc(room, sizeof *arrays->patient);
    arrays->study = calloc(room, sizeof *arrays->study);
    arrays->image = calloc(room, sizeof *arrays->image);
    enum nn_status status;
    if (!patient || !study || !arrays->scores || !arrays->rivals || !arrays->truth ||
        !arrays->patient || !arrays->study || !arrays->image)
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu images", count);
    else
        status = evaluate_numbers(images, patient, study, err);
    for (int c = 0; c < model->classes; c++)
        arrays->finding[c] = model->class_[c].finding;
    if (status == NN_OK)
        fill(images, model, patient, study, arrays);
    free(patient);
    free(study);
    if (status != NN_OK)
        evaluate_arrays_finish(arrays);
    return status;
}

void evaluate_arrays_finish(struct evaluate_arrays *arrays)
{
    free(arrays->scores);
    free(arrays->rivals);
    free(arrays->truth);
    free(arrays->patient);
    free(arrays->study);
    free(arrays->image);
    *arrays = (struct evaluate_arrays){0};
}
