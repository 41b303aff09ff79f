/* train_words.c: words and lists on the command line of `cervigate train`, and its usage. */
#include "train_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char train_usage[] =
    "usage: cervigate train --data DIR or CSV or phantom --network NAME or MODEL_DIR --init FILE\n"
    "                       --out DIR\n"
    "\n"
    "Trains a network and writes a model folder (weights.safetensors, model.xml, card.md,\n"
    "history.csv, split.csv, duplicates.csv). Checkpoints are kept under\n"
    "${XDG_CACHE_HOME:-~/.cache}/cervigate/NAME, NAME being the last part of DIR: every epoch,\n"
    "every ten minutes, and on Ctrl-C. The defaults are the papers' protocol.\n"
    "\n"
    "  --data phantom      synthetic radiographs, fresh ones in every epoch\n"
    "  --data DIR          PNG, JPEG and DICOM files in one folder a class: c-spine_fracture, ...\n"
    "  --data CSV          with the columns file, class and, if known, patient, study, ... part\n"
    "  --none NAME         the class that is no finding (normal)\n"
    "  --split A/B/C       training/validation/test in percent, by groups: patients and\n"
    "                      near-duplicates stay together (70/15/15); random: they do not, and the\n"
    "                      model is marked; given: the CSV's column part (when it is there)\n"
    "  --folds K           K trainings into OUT/fold1.., and their mean; --fold I: that one alone\n"
    "  --duplicates off    near-duplicates are not looked for (on)\n"
    "  --provenance KIND   synthetic, or clinical for images of patients (synthetic)\n"
    "  --network NAME      googlenet, googlenet-peak (its highest place answers, not the mean of\n"
    "                      all), alexnet, stacked, or a model folder to go on from, imported ones\n"
    "                      too, with any number of classes\n"
    "  --init FILE         safetensors to start from (a model folder brings its own); may be\n"
    "                      repeated: the first that has a tensor counts; none: from scratch\n"
    "  --auxiliary         GoogLeNet's two auxiliary heads, from scratch\n"
    "  --places W          GoogLeNet also learns where a phantom's injury is, by a loss of this\n"
    "                      weight; not with what moves the image (0)\n"
    "  --out DIR           the model folder\n"
    "  --epochs N          30\n"
    "  --batch N           10\n"
    "  --rate R            0.001, lowered every --rate-drop-epochs N (4) by --rate-drop F (0.5)\n"
    "  --optimiser KIND    sgd or adam (sgd)\n"
    "  --momentum M        of sgd (0.95)\n"
    "  --decay D           of weights, not of biases (0.0002)\n"
    "  --clip C            the longest gradient; 0: any (10)\n"
    "  --head F            the new layers learn this much faster (10)\n"
    "  --freeze WHAT       none, all (but the new layers), or beginnings of layers' names: A,B "
    "(none)\n"
    "  --dropout P         the network's own\n"
    "  --class-weights W   balanced, or one number a class, by its name: 1,1,0.5\n"
    "  --label-smoothing E 0\n"
    "  --average D         a running mean of the weights is measured and kept, in which a step\n"
    "                      counts 1 - D: 0.5 to 0.99999 (none)\n"
    "  --patience N        stops after N epochs without a lower validation loss; 0: never (0)\n"
    "  --keep WHICH        epoch: last, or best by validation loss (best with --patience)\n"
    "  --augment WHAT      none, default, or ranges, all others none: rotation=10,scale=0.1,\n"
    "                      aspect=0.1,shift=0.04,flip=0.5,crop=0.1,brightness=0.1,contrast=0.2,\n"
    "                      gamma=0.3,blur=1,noise=0.02\n"
    "  --fit HOW           stretch or pad (stretch)\n"
    "  --normalise HOW     none, or percentile: the 1st to 99th become black to white (none)\n"
    "  --denoise S         Gaussian of S pixels of the input (0)\n"
    "  --region WHICH      whole, or spine (whole)\n"
    "  --side N            rows and columns of the input (the network's own)\n"
    "  --images N          phantoms an epoch (2000); --validation N (300), --test N (600)\n"
    "  --size PX           rows and columns of a phantom (256)\n"
    "  --seed S            1\n"
    "  --threads N         the number of processors\n"
    "  --resume            goes on from the checkpoint\n";

bool train_wrong(const char *name, const char *text, const char *expected)
{
    fprintf(stderr, "cervigate train: --%s %s: %s\n", name, text, expected);
    return false;
}

/* Which of two words it is: 0, 1, or -1 with the complaint. */
static int one_of(const char *name, const char *text, const char *first, const char *second)
{
    char expected[80];

    if (strcmp(text, first) == 0)
        return 0;
    if (strcmp(text, second) == 0)
        return 1;
    snprintf(expected, sizeof expected, "%s or %s is expected", first, second);
    (void)train_wrong(name, text, expected);
    return -1;
}

bool train_take_optimiser(struct train_options *o, const char *text)
{
    int which = one_of("optimiser", text, "sgd", "adam");

    o->optimiser = which == 1 ? NN_ADAM : NN_SGD;
    return which >= 0;
}

bool train_take_keep(struct train_options *o, const char *text)
{
    int which = one_of("keep", text, "last", "best");

    o->keep = which == 1 ? NN_KEEP_BEST : NN_KEEP_LAST;
    return which >= 0;
}

bool train_take_fit(struct train_options *o, const char *text)
{
    int which = one_of("fit", text, "stretch", "pad");

    o->fit = which == 1 ? NN_FIT_PAD : NN_FIT_STRETCH;
    return which >= 0;
}

bool train_take_normalise(struct train_options *o, const char *text)
{
    int which = one_of("normalise", text, "none", "percentile");

    o->normalise = which == 1 ? NN_NORMALISE_PERCENTILE : NN_NORMALISE_NONE;
    return which >= 0;
}

bool train_take_region(struct train_options *o, const char *text)
{
    int which = one_of("region", text, "whole", "spine");

    o->region = which == 1 ? NN_REGION_SPINE : NN_REGION_WHOLE;
    return which >= 0;
}

bool train_take_duplicates(struct train_options *o, const char *text)
{
    int which = one_of("duplicates", text, "on", "off");

    o->keep_copies = which == 1;
    return which >= 0;
}

bool train_take_provenance(struct train_options *o, const char *text)
{
    int which = one_of("provenance", text, "synthetic", "clinical");

    o->provenance = which == 1 ? NN_CLINICAL : NN_SYNTHETIC;
    return which >= 0;
}

bool train_take_class_weights(struct train_options *o, const char *text)
{
    const char *at = text;

    if (strcmp(text, "balanced") == 0) {
        o->class_weighting = NN_CLASSES_BALANCED;
        return true;
    }
    o->class_weighting = NN_CLASSES_GIVEN;
    for (o->class_weights = 0; o->class_weights < NN_MAX_CLASSES; at++) {
        char *end;
        float value = strtof(at, &end);
        if (end == at || !(value >= 1e-6f && value <= 1e6f))
            break;
        o->class_weight[o->class_weights++] = value;
        at = end;
        if (*at == '\0')
            return true;
        if (*at != ',')
            break;
    }
    return train_wrong("class-weights", text,
                       "balanced, or one number above 0 a class (1,1,0.5) is expected");
}

/* "70/15/15", random or given; the two kinds may both be given: --split 70/20/10 --split random. */
bool train_take_split(struct train_options *o, const char *text)
{
    int percent[DATA_PARTS], end = 0;

    if (strcmp(text, "random") == 0 || strcmp(text, "given") == 0 || strcmp(text, "grouped") == 0) {
        o->split = text[1] == 'a'   ? DATA_SPLIT_RANDOM
                   : text[1] == 'i' ? DATA_SPLIT_GIVEN
                                    : DATA_SPLIT_GROUPED;
        o->split_given = true;
        return true;
    }
    if (sscanf(text, "%3d/%3d/%3d%n", &percent[0], &percent[1], &percent[2], &end) != 3 ||
        text[end] != '\0' || percent[0] < 1 || percent[1] < 1 || percent[2] < 1 ||
        percent[0] + percent[1] + percent[2] != 100)
        return train_wrong("split", text,
                           "three whole numbers that make 100 (70/15/15), grouped, random or given "
                           "is expected");
    for (int i = 0; i < DATA_PARTS; i++)
        o->fraction[i] = percent[i] / 100.0;
    return true;
}

/* One "name=value"; false: no such name, or out of its range. */
static bool take_range(struct nn_augmentation *a, const char *name, size_t length, double value)
{
    const struct {
        const char *name;
        double high, *to;
    } ranges[] = {{"rotation", 45, &a->rotation},
                  {"shift", 0.5, &a->shift},
                  {"flip", 1, &a->flip},
                  {"crop", 0.5, &a->crop},
                  {"blur", 1, &a->blur},
                  {"gamma", 2, &a->gamma},
                  {"contrast", 0.95, &a->contrast},
                  {"brightness", 1, &a->brightness},
                  {"noise", 1, &a->noise}};

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (strlen(ranges[i].name) == length && memcmp(ranges[i].name, name, length) == 0) {
            *ranges[i].to = value;
            return value >= 0 && value <= ranges[i].high;
        }
    }
    bool scale = length == 5 && memcmp(name, "scale", 5) == 0;
    bool aspect = length == 6 && memcmp(name, "aspect", 6) == 0;
    if (scale || aspect) {
        *(scale ? &a->scale_low : &a->aspect_low) = 1 - value;
        *(scale ? &a->scale_high : &a->aspect_high) = 1 + value;
    }
    return (scale || aspect) && value >= 0 && value <= 0.5;
}

bool train_take_augment(struct train_options *o, const char *text)
{
    o->augmentation = (struct nn_augmentation){0};
    if (strcmp(text, "none") == 0)
        return true;
    if (strcmp(text, "default") == 0) {
        o->augmentation = nn_augmentation_default();
        return true;
    }
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, "=,");
        char *end = NULL;
        double value = at[length] == '=' ? strtod(at + length + 1, &end) : 0;
        if (!end || end == at + length + 1 || (*end != ',' && *end != '\0') ||
            !take_range(&o->augmentation, at, length, value))
            return train_wrong("augment", text,
                               "none, default or a list like rotation=10,scale=0.1,flip=0.5 is "
                               "expected (rotation to 45 degrees, scale, aspect, shift and crop to "
                               "0.5, gamma to 2, all others to 1)");
        at = end;
        if (*at == '\0')
            return true;
    }
}
