/* import.c: `cervigate import onnx`: an ONNX file becomes a model folder. */
#include "admin.h"
#include "import_gate.h"
#include "import_saliency.h"
#include "nn_model.h"
#include "nn_onnx.h"
#include "onnx_words.h"
#include "option.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate import gate GATE_DIR --out DIR   (--help there)\n"
    "       cervigate import saliency-scale --data DATA --out DIR   (--help there)\n"
    "usage: cervigate import onnx FILE --out DIR (--input NAME or --scale A,B,C --mean A,B,C) "
    "[...]\n"
    "\n"
    "Reads an ONNX file (opset 7 to 17, float32 weights inside) and writes a model folder. A "
    "network\n"
    "that ends in logits gets a softmax. An operator that is not supported is named with its "
    "node.\n"
    "\n"
    "  --out DIR          the model folder, which must not hold a model yet\n"
    "  --input NAME       how a plane of 0 to 1 becomes the network's input, three channels "
    "alike:\n"
    "                     imagenet-torch (torchvision), imagenet-caffe (0 to 255 less BGR means) "
    "or\n"
    "                     unit (0 to 1). A file of `cervigate export onnx` brings its own.\n"
    "  --scale A,B,C      instead: plane * scale - mean, channel by channel\n"
    "  --mean A,B,C\n"
    "  --fit KIND         stretch (default), or pad to a square\n"
    "  --side N           rows and columns of the input, where the file leaves them open\n"
    "  --classes A,B,...  names in the order of the outputs (class0, class1, ...); at most 16\n"
    "  --none NAME        the class that is no finding (the last one)\n"
    "  --fresh-head       the last layer is replaced by a new one for --classes, with random "
    "weights:\n"
    "                     the start of a training, not a model (an ImageNet network's 1000 "
    "outputs)\n"
    "  --seed S           of the fresh head's weights (1)\n"
    "  --provenance KIND  synthetic (default) or clinical: of the images it was trained on\n"
    "  --name NAME        the model's name (the last part of DIR)\n";

struct import_options {
    const char *file, *out, *input, *scale, *mean, *fit, *classes, *none, *provenance, *name;
    long side, seed;
    bool fresh_head;
};

enum { OUT = 256, INPUT, SCALE, MEAN, FIT, SIDE, CLASSES, NONE, FRESH, SEED, PROVENANCE, NAME };

static int misused(const char *what)
{
    fprintf(stderr, "cervigate import: %s\n%s", what, usage);
    return EX_USAGE;
}

static bool take(struct import_options *o, int option)
{
    static const char *const fits[] = {"stretch", "pad", NULL};
    static const char *const provenances[] = {"synthetic", "clinical", NULL};
    int chosen;

    switch (option) {
    case OUT:
        o->out = optarg;
        return true;
    case INPUT:
        o->input = optarg;
        return true;
    case SCALE:
        o->scale = optarg;
        return true;
    case MEAN:
        o->mean = optarg;
        return true;
    case FIT:
        o->fit = optarg;
        return option_word("import", "fit", optarg, fits, &chosen);
    case SIDE:
        return option_whole("import", "side", optarg, 1, 4096, &o->side);
    case CLASSES:
        o->classes = optarg;
        return true;
    case NONE:
        o->none = optarg;
        return true;
    case FRESH:
        o->fresh_head = true;
        return true;
    case SEED:
        return option_whole("import", "seed", optarg, 0, LONG_MAX, &o->seed);
    case PROVENANCE:
        o->provenance = optarg;
        return option_word("import", "provenance", optarg, provenances, &chosen);
    case NAME:
        o->name = optarg;
        return true;
    default:
        return false;
    }
}

/* EX_OK: go on; -1: help was printed. */
static int parse(int argc, char **argv, struct import_options *o)
{
    static const struct option options[] = {{"out", required_argument, NULL, OUT},
                                            {"input", required_argument, NULL, INPUT},
                                            {"scale", required_argument, NULL, SCALE},
                                            {"mean", required_argument, NULL, MEAN},
                                            {"fit", required_argument, NULL, FIT},
                                            {"side", required_argument, NULL, SIDE},
                                            {"classes", required_argument, NULL, CLASSES},
                                            {"none", required_argument, NULL, NONE},
                                            {"fresh-head", no_argument, NULL, FRESH},
                                            {"seed", required_argument, NULL, SEED},
                                            {"name", required_argument, NULL, NAME},
                                            {"help", no_argument, NULL, 'h'},
                                            {"provenance", required_argument, NULL, PROVENANCE},
                                            {NULL, 0, NULL, 0}};
    int option;

    *o = (struct import_options){.seed = 1};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return -1;
        }
        if (option == '?' || !take(o, option))
            return misused("an option is not known, or its value is not one of those expected");
    }
    if (argc - optind != 2 || strcmp(argv[optind], "onnx") != 0 || o->out == NULL)
        return misused("\"onnx\", one FILE and --out DIR are expected");
    o->file = argv[optind + 1];
    if (o->fresh_head && o->classes == NULL)
        return misused("--fresh-head needs --classes");
    if ((o->scale == NULL) != (o->mean == NULL) || (o->input != NULL && o->scale != NULL))
        return misused("--scale and --mean go together, without --input");
    return EX_OK;
}

static bool three(const char *text, float to[3])
{
    for (int i = 0; i < 3; i++) {
        char *end;
        to[i] = strtof(text, &end);
        if (end == text || *end != (i < 2 ? ',' : '\0') || !isfinite(to[i]))
            return false;
        text = end + 1;
    }
    return true;
}

/* torchvision: (x - mean) / deviation of RGB; Caffe: 255 x - mean of BGR. */
static const struct {
    const char *name;
    float scale[3], mean[3];
} inputs[] = {
    {"imagenet-torch",
     {1 / 0.229f, 1 / 0.224f, 1 / 0.225f},
     {0.485f / 0.229f, 0.456f / 0.224f, 0.406f / 0.225f}},
    {"imagenet-caffe", {255, 255, 255}, {103.939f, 116.779f, 123.68f}},
    {"unit", {1, 1, 1}, {0, 0, 0}},
};

static bool is(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

/* What the file says of itself, where the command line says nothing. */
static int take_preprocess(const struct import_options *o, const struct nn_onnx *onnx,
                           struct nn_preprocess *p)
{
    const char *scale = o->scale, *mean = o->mean;
    const char *fit = o->fit ? o->fit : nn_onnx_metadata(onnx, ONNX_KEY_FIT);
    const char *denoise = nn_onnx_metadata(onnx, ONNX_KEY_DENOISE);

    *p = (struct nn_preprocess){.side = nn_graph_shape(nn_onnx_graph(onnx), 0).h};
    p->fit = is(fit, "pad") ? NN_FIT_PAD : NN_FIT_STRETCH;
    if (o->input == NULL && scale == NULL) {
        scale = nn_onnx_metadata(onnx, ONNX_KEY_SCALE);
        mean = nn_onnx_metadata(onnx, ONNX_KEY_MEAN);
        if (is(nn_onnx_metadata(onnx, ONNX_KEY_NORMALISE), "percentile"))
            p->normalise = NN_NORMALISE_PERCENTILE;
        if (is(nn_onnx_metadata(onnx, ONNX_KEY_REGION), "spine"))
            p->region = NN_REGION_SPINE;
        p->denoise = denoise != NULL ? strtof(denoise, NULL) : 0;
    }
    if (scale != NULL && mean != NULL)
        return three(scale, p->scale) && three(mean, p->mean)
                   ? EX_OK
                   : misused("--scale and --mean are three numbers each: A,B,C");
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        if (is(o->input, inputs[i].name)) {
            memcpy(p->scale, inputs[i].scale, sizeof p->scale);
            memcpy(p->mean, inputs[i].mean, sizeof p->mean);
            return EX_OK;
        }
    return misused("what the network's input is must be said: --input imagenet-torch, "
                   "imagenet-caffe or unit, or --scale and --mean");
}

/* Names by comma; their number, or -1: too many, empty or too long. */
static int split(const char *names, struct nn_class class_[NN_MAX_CLASSES])
{
    int count = 0;

    for (;;) {
        size_t length = strcspn(names, ",");
        if (count == NN_MAX_CLASSES || length == 0 || length >= sizeof class_[0].name)
            return -1;
        snprintf(class_[count++].name, sizeof class_[0].name, "%.*s", (int)length, names);
        if (names[length] == '\0')
            return count;
        names += length + 1;
    }
}

static int take_classes(const struct import_options *o, const struct nn_onnx *onnx,
                        struct nn_model_info *info)
{
    const struct nn_graph *graph = nn_onnx_graph(onnx);
    int outputs = nn_graph_shape(graph, nn_graph_count(graph) - 1).c, none = -1;
    const char *names = o->classes ? o->classes : nn_onnx_metadata(onnx, ONNX_KEY_CLASSES);
    const char *no_finding = o->none ? o->none : nn_onnx_metadata(onnx, ONNX_KEY_NONE);

    if (outputs < 2 || outputs > NN_MAX_CLASSES) {
        fprintf(stderr,
                "cervigate import: the network has %d outputs; a model has 2 to %d classes. "
                "--fresh-head --classes A,B,... replaces its last layer, for a training\n",
                outputs, NN_MAX_CLASSES);
        return EX_DATAERR;
    }
    info->classes = outputs;
    for (int i = 0; i < outputs; i++)
        snprintf(info->class_[i].name, sizeof info->class_[i].name, "class%d", i);
    if (names != NULL && split(names, info->class_) != outputs) {
        fprintf(stderr, "cervigate import: --classes: %d names are expected\n", outputs);
        return EX_USAGE;
    }
    for (int i = 0; i < outputs; i++) {
        bool last = no_finding == NULL && i == outputs - 1;
        if (last || is(no_finding, info->class_[i].name))
            none = i;
        info->class_[i].finding = none != i;
        info->class_[i].operating_point = none != i ? 0.5 : 0;
    }
    if (none < 0) {
        fprintf(stderr, "cervigate import: --none %s is none of the classes\n", no_finding);
        return EX_USAGE;
    }
    return EX_OK;
}

static void describe(const struct import_options *o, const struct nn_onnx *onnx,
                     struct nn_model_info *info)
{
    char out[PATH_MAX], file[PATH_MAX];
    const char *kind = o->provenance ? o->provenance : nn_onnx_metadata(onnx, ONNX_KEY_PROVENANCE);

    snprintf(out, sizeof out, "%s", o->out);
    snprintf(file, sizeof file, "%s", o->file);
    snprintf(info->name, sizeof info->name, "%.60s", o->name ? o->name : basename(out));
    snprintf(info->version, sizeof info->version, "%s", CERVIGATE_VERSION);
    snprintf(info->network, sizeof info->network, "%s", NN_OWN_GRAPH);
    info->provenance = is(kind, "clinical") ? NN_CLINICAL : NN_SYNTHETIC;
    info->minimum_age = 16;
    snprintf(info->modalities, sizeof info->modalities, "CR DX");
    snprintf(info->body_parts, sizeof info->body_parts, "CSPINE");
    snprintf(info->views, sizeof info->views, "LL LATERAL");
    snprintf(info->provenance_text, sizeof info->provenance_text,
             "imported from %.100s (SHA-256 %s)%s", basename(file), nn_onnx_digest(onnx),
             o->fresh_head ? "; its last layer is new and untrained" : "");
    snprintf(info->intended_use, sizeof info->intended_use,
             "Research only: an imported network whose sensitivity in injured patients is not "
             "measured here. Never for a decision about a patient.");
}

static int make_folder(const char *dir)
{
    char path[PATH_MAX];

    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "cervigate import: %s: %s\n", dir, strerror(errno));
        return EX_CANTCREAT;
    }
    int length = snprintf(path, sizeof path, "%s/model.xml", dir);
    if (length < 0 || (size_t)length >= sizeof path || access(path, F_OK) == 0) {
        fprintf(stderr, "cervigate import: %s holds a model already\n", dir);
        return EX_CANTCREAT;
    }
    return EX_OK;
}

static int exit_status(enum nn_status status)
{
    switch (status) {
    case NN_MISSING:
        return EX_NOINPUT;
    case NN_IO:
        return EX_IOERR;
    case NN_NO_MEMORY:
        return EX_SOFTWARE;
    default:
        return EX_DATAERR;
    }
}

static int save(const struct import_options *o, const struct nn_onnx *onnx,
                struct nn_model_info *info)
{
    struct nn_error err = {0};
    size_t count;

    int status = take_preprocess(o, onnx, &info->preprocess);
    if (status == EX_OK)
        status = take_classes(o, onnx, info);
    if (status == EX_OK)
        status = make_folder(o->out);
    if (status != EX_OK)
        return status;
    describe(o, onnx, info);
    const struct nn_tensor *tensors = nn_onnx_tensors(onnx, &count);
    if (nn_model_save(o->out, info, nn_onnx_graph(onnx), tensors, count, NN_F32, &err) != NN_OK) {
        fprintf(stderr, "cervigate import: %s\n", err.text);
        return exit_status(err.status);
    }
    if (nn_onnx_softmax_added(onnx))
        fputs("the network ends in logits: a softmax was added\n", stderr);
    if (o->fresh_head)
        fprintf(stderr, "the last layer (%s) is new and untrained: cervigate train --network %s\n",
                nn_onnx_head(onnx), o->out);
    printf("%s %s\n", o->out, info->digest);
    return EX_OK;
}

int admin_import(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "gate") == 0)
        return import_gate(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "saliency-scale") == 0)
        return import_saliency(argc - 1, argv + 1);

    struct import_options o;
    struct nn_error err = {0};
    struct nn_onnx *onnx = NULL;
    struct nn_class class_[NN_MAX_CLASSES];

    int status = parse(argc, argv, &o);
    if (status != EX_OK)
        return status < 0 ? EX_OK : status;
    struct nn_onnx_options options = {.side = (int)o.side, .seed = (uint64_t)o.seed};
    if (o.fresh_head)
        options.fresh_classes = split(o.classes, class_);
    if (options.fresh_classes < 0 || options.fresh_classes == 1)
        return misused("--classes: 2 to 16 names are expected");
    if (nn_onnx_open(o.file, &options, &onnx, &err) != NN_OK) {
        fprintf(stderr, "cervigate import: %s\n", err.text);
        return exit_status(err.status);
    }
    struct nn_model_info *info = calloc(1, sizeof *info);
    if (info == NULL) {
        fputs("cervigate import: no memory\n", stderr);
        status = EX_SOFTWARE;
    } else {
        status = save(&o, onnx, info);
    }
    free(info);
    nn_onnx_close(onnx);
    return status;
}
