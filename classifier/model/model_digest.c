/* model_digest.c: one number for all that changes a model's answers, or what they may be used for.
 *
 * The text that is hashed only grows by lines that are absent at their default, so that the digest
 * of a model.xml (and a <validation> bound to it) outlives what later versions can say. */
#include "model_internal.h"

#include <stdio.h>
#include <stdlib.h>

static void print_preprocess(FILE *stream, const struct nn_preprocess *p)
{
    fprintf(stream, "input %d %s %a %a %a %a\n", p->side, p->fit == NN_FIT_PAD ? "pad" : "stretch",
            (double)p->scale[0], (double)p->mean[0], (double)p->mean[1], (double)p->mean[2]);
    if (!nn_scale_is_one(p))
        fprintf(stream, "scale %a %a\n", (double)p->scale[1], (double)p->scale[2]);
    if (p->normalise == NN_NORMALISE_PERCENTILE)
        fprintf(stream, "normalise percentile\n");
    if (p->denoise > 0)
        fprintf(stream, "denoise %a\n", (double)p->denoise);
    if (p->region == NN_REGION_SPINE)
        fprintf(stream, "region spine\n");
}

/* %a writes the exact bits, so equal digests mean equal numbers. */
enum nn_status nn_model_digest(struct nn_model_info *info, struct nn_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        return nn_fail(err, NN_NO_MEMORY, "model %s: no memory for its digest", info->name);
    fprintf(stream, "weights %s\nnetwork %s\n", info->weights_digest, info->network);
    if (info->graph_digest[0] != '\0')
        fprintf(stream, "graph %s\n", info->graph_digest);
    print_preprocess(stream, &info->preprocess);
    for (int i = 0; i < info->classes; i++)
        fprintf(stream, "class %d %s %d %a\n", i, info->class_[i].name, info->class_[i].finding,
                info->class_[i].finding ? info->class_[i].operating_point : 0.0);
    if (nn_is_calibrated(info))
        fprintf(stream, "temperature %a\n", info->temperature);
    if (info->provenance == NN_CLINICAL)
        fprintf(stream, "provenance clinical\n");
    if (info->series_positive > 0)
        fprintf(stream, "series %d %d\n", info->series_positive, info->series_minimum);
    if (info->gate_digest[0] != '\0')
        fprintf(stream, "gate %s %s %a\n", info->gate_digest, info->gate_accept, info->gate_least);
    bool failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed) {
        free(text);
        return nn_fail(err, NN_NO_MEMORY, "model %s: no memory for its digest", info->name);
    }
    enum nn_status status = nn_model_sha256(text, size, info->digest, err);
    free(text);
    return status;
}
