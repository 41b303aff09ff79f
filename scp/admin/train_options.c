/* train_options.c: the command line of `cervigate train`. */
#include "train_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char train_usage[] =
    "usage: cervigate train --data DIR or CSV or phantom --network NAME or MODEL_DIR --init FILE\n"
    "                       --out DIR\n"
    "\n"
    "Fine-tunes a network and writes a model folder (weights.safetensors, model.xml, card.md,\n"
    "history.csv). Checkpoints are kept under ${XDG_CACHE_HOME:-~/.cache}/cervigate/NAME, NAME\n"
    "being the last part of DIR; Ctrl-C saves one.\n"
    "\n"
    "  --data phantom      synthetic radiographs, fresh ones in every epoch\n"
    "  --data DIR          PNG and JPEG files in one folder a class: c-spine_dislocation, ...\n"
    "  --data CSV          with the columns file, class and, if known, patient\n"
    "  --provenance KIND   synthetic, or clinical for images of patients (synthetic)\n"
    "  --network NAME      googlenet, alexnet, stacked, or a model folder to go on from\n"
    "  --init FILE         safetensors to start from (a model folder brings its own); may be "
    "repeated:\n"
    "                      the first that has a tensor counts\n"
    "  --out DIR           the model folder\n"
    "  --epochs N          30\n"
    "  --batch N           10\n"
    "  --rate R            0.001, lowered every --rate-drop-epochs N (4) by --rate-drop F (0.5)\n"
    "  --momentum M        0.95\n"
    "  --decay D           0.0002, of weights\n"
    "  --clip C            the longest gradient; 0: any (10)\n"
    "  --head F            the new layer learns this much faster (10)\n"
    "  --images N          images an epoch (2000)\n"
    "  --validation N      validation images (300)\n"
    "  --test N            test images (600)\n"
    "  --size PX           rows and columns of a phantom (256)\n"
    "  --seed S            1\n"
    "  --threads N         the number of processors\n"
    "  --resume            goes on from the checkpoint\n";

enum {
    OPT_DATA = 256,
    OPT_NETWORK,
    OPT_INIT,
    OPT_OUT,
    OPT_EPOCHS,
    OPT_BATCH,
    OPT_RATE,
    OPT_RATE_DROP,
    OPT_RATE_DROP_EPOCHS,
    OPT_MOMENTUM,
    OPT_DECAY,
    OPT_CLIP,
    OPT_HEAD,
    OPT_IMAGES,
    OPT_VALIDATION,
    OPT_TEST,
    OPT_SIZE,
    OPT_SEED,
    OPT_THREADS,
    OPT_PROVENANCE,
    OPT_RESUME,
    OPT_HELP
};

static const struct option long_options[] = {
    {"data", required_argument, NULL, OPT_DATA},
    {"network", required_argument, NULL, OPT_NETWORK},
    {"init", required_argument, NULL, OPT_INIT},
    {"out", required_argument, NULL, OPT_OUT},
    {"epochs", required_argument, NULL, OPT_EPOCHS},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"rate", required_argument, NULL, OPT_RATE},
    {"rate-drop", required_argument, NULL, OPT_RATE_DROP},
    {"rate-drop-epochs", required_argument, NULL, OPT_RATE_DROP_EPOCHS},
    {"momentum", required_argument, NULL, OPT_MOMENTUM},
    {"decay", required_argument, NULL, OPT_DECAY},
    {"clip", required_argument, NULL, OPT_CLIP},
    {"head", required_argument, NULL, OPT_HEAD},
    {"images", required_argument, NULL, OPT_IMAGES},
    {"validation", required_argument, NULL, OPT_VALIDATION},
    {"test", required_argument, NULL, OPT_TEST},
    {"size", required_argument, NULL, OPT_SIZE},
    {"seed", required_argument, NULL, OPT_SEED},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"provenance", required_argument, NULL, OPT_PROVENANCE},
    {"resume", no_argument, NULL, OPT_RESUME},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0}};

static bool whole(const char *name, const char *text, long low, long high, long *to)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
        fprintf(stderr, "cervigate train: --%s %s: a number from %ld to %ld is expected\n", name,
                text, low, high);
        return false;
    }
    *to = value;
    return true;
}

static bool real(const char *name, const char *text, double low, double high, double *to)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= low && value <= high)) {
        fprintf(stderr, "cervigate train: --%s %s: a number from %g to %g is expected\n", name,
                text, low, high);
        return false;
    }
    *to = value;
    return true;
}

static bool take_option(struct train_options *o, int option)
{
    switch (option) {
    case OPT_DATA:
        o->data = optarg;
        return true;
    case OPT_NETWORK:
        o->network = optarg;
        return true;
    case OPT_INIT:
        if (!o->init)
            o->init = optarg;
        else if (o->more_init_count + 1 < NN_WEIGHTS_MAX_PARTS)
            o->more_init[o->more_init_count++] = optarg;
        else
            return false;
        return true;
    case OPT_OUT:
        o->out = optarg;
        return true;
    case OPT_PROVENANCE:
        o->provenance = strcmp(optarg, "clinical") == 0 ? NN_CLINICAL : NN_SYNTHETIC;
        return o->provenance == NN_CLINICAL || strcmp(optarg, "synthetic") == 0;
    case OPT_RESUME:
        o->resume = true;
        return true;
    case OPT_HELP:
        o->help = true;
        return true;
    default:
        return false;
    }
}

static bool take_number(struct train_options *o, int option)
{
    const struct {
        int option;
        long low, high, *to;
    } wholes[] = {{OPT_EPOCHS, 1, 10000, &o->epochs},
                  {OPT_BATCH, 1, 1024, &o->batch},
                  {OPT_RATE_DROP_EPOCHS, 0, 10000, &o->rate_drop_epochs},
                  {OPT_IMAGES, 1, 100000000, &o->images},
                  {OPT_VALIDATION, 3, 1000000, &o->validation},
                  {OPT_TEST, 3, 1000000, &o->test},
                  {OPT_SIZE, 64, 4096, &o->size},
                  {OPT_SEED, 0, LONG_MAX, &o->seed},
                  {OPT_THREADS, 1, 1024, &o->threads}};
    const struct {
        int option;
        double low, high, *to;
    } reals[] = {{OPT_RATE, 1e-9, 10, &o->rate},
                 {OPT_RATE_DROP, 1e-3, 1, &o->rate_drop},
                 {OPT_MOMENTUM, 0, 0.9999, &o->momentum},
                 {OPT_DECAY, 0, 1, &o->decay},
                 {OPT_CLIP, 0, 1e9, &o->clip},
                 {OPT_HEAD, 1e-3, 1e3, &o->head}};
    const char *name = option >= OPT_DATA ? long_options[option - OPT_DATA].name : "";

    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        if (wholes[i].option == option)
            return whole(name, optarg, wholes[i].low, wholes[i].high, wholes[i].to);
    }
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        if (reals[i].option == option)
            return real(name, optarg, reals[i].low, reals[i].high, reals[i].to);
    }
    return false;
}

static bool missing(const char *name)
{
    fprintf(stderr, "cervigate train: --%s is missing\n", name);
    return false;
}

bool train_options_parse(int argc, char **argv, struct train_options *o)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int option;

    *o = (struct train_options){
        /* the ImageNet weights' input: BGR, 0..255, minus the mean */
        .preprocess = {.side = 224, .scale = {255, 255, 255}, .mean = {104, 117, 123}},
        .epochs = 30,
        .batch = 10,
        .images = 2000,
        .size = 256,
        .seed = 1,
        .threads = processors > 0 ? processors : 1,
        .validation = 300,
        .test = 600,
        .rate_drop_epochs = 4,
        .rate = 0.001,
        .momentum = 0.95,
        .rate_drop = 0.5,
        .decay = 0.0002,
        .clip = 10,
        .head = 10};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (!take_option(o, option == 'h' ? OPT_HELP : option) && !take_number(o, option))
            return false;
    }
    if (o->help)
        return true;
    if (optind < argc) {
        fprintf(stderr, "cervigate train: %s: unexpected\n", argv[optind]);
        return false;
    }
    if (!o->data || !o->network || !o->out)
        return missing(!o->data ? "data" : !o->network ? "network" : "out");
    if (nn_network_find(o->network))
        o->preprocess = nn_network_find(o->network)->input;
    if (strcmp(o->data, "phantom") == 0 && o->provenance == NN_CLINICAL) {
        fputs("cervigate train: phantoms are synthetic\n", stderr);
        return false;
    }
    return true;
}
