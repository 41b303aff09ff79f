/* export.c: `cervigate export onnx`: a model folder as an ONNX file. */
#include "admin.h"
#include "nn_model.h"
#include "nn_onnx.h"
#include "onnx_words.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: cervigate export onnx --model DIR FILE\n"
    "\n"
    "Writes the network of a model folder as ONNX (opset 13, batch open): input (N, 3, side, "
    "side),\n"
    "output (N, classes): scores that sum to 1, at the model's temperature. How an image becomes "
    "the\n"
    "input stands in the file's metadata, under keys that begin with cervigate. and that\n"
    "`cervigate import onnx` reads.\n";

struct text {
    const char *key;
    char value[1200];
};

static void three(char *to, size_t size, const float x[3])
{
    snprintf(to, size, "%.9g,%.9g,%.9g", (double)x[0], (double)x[1], (double)x[2]);
}

/* What a reader needs beside the network; the number of entries. */
static size_t describe(const struct nn_model_info *info, struct text text[16])
{
    const struct nn_preprocess *p = &info->preprocess;
    char classes[1200] = "", none[64] = "";
    size_t used = 0, n = 0;

    for (int i = 0; i < info->classes; i++) {
        used += (size_t)snprintf(classes + used, sizeof classes - used, "%s%s", i > 0 ? "," : "",
                                 info->class_[i].name);
        if (!info->class_[i].finding)
            snprintf(none, sizeof none, "%s", info->class_[i].name);
    }
#define ENTRY(name, ...)                                                                           \
    (text[n].key = (name), snprintf(text[n].value, sizeof text[n].value, __VA_ARGS__), n++)
    ENTRY(ONNX_KEY_MODEL, "%s %s", info->name, info->version);
    ENTRY(ONNX_KEY_DIGEST, "%s", info->digest);
    ENTRY(ONNX_KEY_CLASSES, "%s", classes);
    ENTRY(ONNX_KEY_NONE, "%s", none);
    ENTRY(ONNX_KEY_FIT, "%s", p->fit == NN_FIT_PAD ? "pad" : "stretch");
    ENTRY(ONNX_KEY_NORMALISE, "%s",
          p->normalise == NN_NORMALISE_PERCENTILE ? "percentile" : "none");
    ENTRY(ONNX_KEY_REGION, "%s", p->region == NN_REGION_SPINE ? "spine" : "whole");
    ENTRY(ONNX_KEY_DENOISE, "%.9g", (double)p->denoise);
    ENTRY(ONNX_KEY_PROVENANCE, "%s", info->provenance == NN_CLINICAL ? "clinical" : "synthetic");
    text[n].key = ONNX_KEY_SCALE;
    three(text[n].value, sizeof text[n].value, p->scale);
    n++;
    text[n].key = ONNX_KEY_MEAN;
    three(text[n].value, sizeof text[n].value, p->mean);
    return n + 1;
#undef ENTRY
}

static int run(const char *dir, const char *file)
{
    struct nn_error err = {0};
    struct nn_model *model = NULL;
    static struct text text[16];
    struct nn_metadata metadata[16];

    if (nn_model_open(dir, &model, &err) != NN_OK) {
        fprintf(stderr, "cervigate export: %s\n", err.text);
        return err.status == NN_MISSING ? EX_NOINPUT : EX_DATAERR;
    }
    const struct nn_model_info *info = nn_model_info(model);
    size_t count = describe(info, text);
    for (size_t i = 0; i < count; i++)
        metadata[i] = (struct nn_metadata){text[i].key, text[i].value};
    enum nn_status status =
        nn_onnx_write(file, nn_model_graph(model), nn_model_values(model),
                      info->temperature > 0 ? info->temperature : 1, metadata, count, &err);
    nn_model_close(model);
    if (status != NN_OK) {
        fprintf(stderr, "cervigate export: %s\n", err.text);
        return status == NN_IO ? EX_CANTCREAT : status == NN_UNSUPPORTED ? EX_DATAERR : EX_SOFTWARE;
    }
    printf("%s\n", file);
    return EX_OK;
}

int admin_export(int argc, char **argv)
{
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *model = NULL;
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EX_OK;
        }
        if (option != 'm') {
            fputs(usage, stderr);
            return EX_USAGE;
        }
        model = optarg;
    }
    if (argc - optind != 2 || strcmp(argv[optind], "onnx") != 0 || model == NULL) {
        fputs("cervigate export: \"onnx\", --model DIR and one FILE are expected\n", stderr);
        fputs(usage, stderr);
        return EX_USAGE;
    }
    return run(model, argv[optind + 1]);
}
