/* train_options.c: the command line of `cervigate train`: one table, a few words that need more. */
#include "train_options.h"

#include "option.h"
#include "train_words.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { TEXT, PATH, WHOLE, REAL, FLAG, WORDS };

struct row {
    const char *name;
    enum kind kind;
    size_t at; /* in struct train_options */
    double low, high;
    size_t given; /* of a bool that tells that it was; 0: none */
    bool (*words)(struct train_options *options, const char *text);
    bool quiet; /* changes no bit: not part of the command that is written down */
};

#define AT(member) offsetof(struct train_options, member)

static bool take_init(struct train_options *o, const char *text)
{
    if (strcmp(text, "none") == 0) {
        o->scratch = true;
        return true;
    }
    if (o->init_count == NN_WEIGHTS_MAX_PARTS)
        return train_wrong("init", text, "at most 16 files are expected");
    o->init[o->init_count++] = text;
    return true;
}

static const struct row rows[] = {
    {"data", PATH, AT(data), 0, 0, 0, NULL, false},
    {"network", PATH, AT(network), 0, 0, 0, NULL, false},
    {"init", WORDS, 0, 0, 0, 0, take_init, false},
    {"out", PATH, AT(out), 0, 0, 0, NULL, false},
    {"epochs", WHOLE, AT(epochs), 1, 10000, 0, NULL, false},
    {"batch", WHOLE, AT(batch), 1, 1024, 0, NULL, false},
    {"rate", REAL, AT(rate), 1e-9, 10, 0, NULL, false},
    {"rate-drop", REAL, AT(rate_drop), 1e-3, 1, 0, NULL, false},
    {"rate-drop-epochs", WHOLE, AT(rate_drop_epochs), 0, 10000, 0, NULL, false},
    {"optimiser", WORDS, 0, 0, 0, 0, train_take_optimiser, false},
    {"momentum", REAL, AT(momentum), 0, 0.9999, 0, NULL, false},
    {"decay", REAL, AT(decay), 0, 1, 0, NULL, false},
    {"clip", REAL, AT(clip), 0, 1e9, 0, NULL, false},
    {"head", REAL, AT(head), 1e-3, 1e3, 0, NULL, false},
    {"freeze", TEXT, AT(freeze), 0, 0, 0, NULL, false},
    {"dropout", REAL, AT(dropout), 0, 0.95, AT(dropout_given), NULL, false},
    {"class-weights", WORDS, 0, 0, 0, 0, train_take_class_weights, false},
    {"label-smoothing", REAL, AT(smoothing), 0, 0.9, 0, NULL, false},
    {"average", REAL, AT(average), 0.5, 0.99999, 0, NULL, false},
    {"patience", WHOLE, AT(patience), 0, 10000, 0, NULL, false},
    {"keep", WORDS, 0, 0, 0, AT(keep_given), train_take_keep, false},
    {"augment", WORDS, 0, 0, 0, 0, train_take_augment, false},
    {"auxiliary", FLAG, AT(auxiliary), 0, 0, 0, NULL, false},
    {"places", REAL, AT(places), 0, 100, 0, NULL, false},
    {"fit", WORDS, 0, 0, 0, AT(fit_given), train_take_fit, false},
    {"normalise", WORDS, 0, 0, 0, AT(normalise_given), train_take_normalise, false},
    {"denoise", REAL, AT(denoise), 0, 16, AT(denoise_given), NULL, false},
    {"region", WORDS, 0, 0, 0, AT(region_given), train_take_region, false},
    {"side", WHOLE, AT(side), 32, 1024, AT(side_given), NULL, false},
    {"split", WORDS, 0, 0, 0, 0, train_take_split, false},
    {"folds", WHOLE, AT(folds), 3, TRAIN_MAX_FOLDS, 0, NULL, false},
    {"fold", WHOLE, AT(fold), 1, TRAIN_MAX_FOLDS, 0, NULL, false},
    {"duplicates", WORDS, 0, 0, 0, 0, train_take_duplicates, false},
    {"none", TEXT, AT(none), 0, 0, 0, NULL, false},
    {"images", WHOLE, AT(images), 1, 100000000, 0, NULL, false},
    {"validation", WHOLE, AT(validation), 3, 1000000, 0, NULL, false},
    {"test", WHOLE, AT(test), 3, 1000000, 0, NULL, false},
    {"size", WHOLE, AT(size), 64, 4096, 0, NULL, false},
    {"seed", WHOLE, AT(seed), 0, 9e15, 0, NULL, false},
    {"threads", WHOLE, AT(threads), 1, 1024, 0, NULL, true},
    {"provenance", WORDS, 0, 0, 0, 0, train_take_provenance, false},
    {"resume", FLAG, AT(resume), 0, 0, 0, NULL, true},
    {"help", FLAG, AT(help), 0, 0, 0, NULL, true},
};
#define ROWS (sizeof rows / sizeof *rows)

static bool take_number(struct train_options *o, const struct row *row, const char *text)
{
    void *at = (char *)o + row->at;

    if (row->kind == REAL)
        return option_real("train", row->name, text, row->low, row->high, at);
    return option_whole("train", row->name, text, (long)row->low, (long)row->high, at);
}

/* The option as it can be repeated elsewhere: files without their folders. */
static void write_down(struct train_options *o, const struct row *row, const char *text)
{
    size_t used = strlen(o->command);
    const char *slash = NULL;

    if (row->quiet)
        return;
    if (row->kind == PATH || row->words == take_init) {
        size_t length = strlen(text);
        while (length > 1 && text[length - 1] == '/')
            length--;
        for (size_t i = 0; i + 1 < length; i++)
            slash = text[i] == '/' ? text + i : slash;
        text = slash ? slash + 1 : text;
    }
    snprintf(o->command + used, sizeof o->command - used, row->kind == FLAG ? " --%s" : " --%s %s",
             row->name, text);
}

static bool take(struct train_options *o, const struct row *row, const char *text)
{
    bool fine = true;

    switch (row->kind) {
    case TEXT:
    case PATH:
        *(const char **)((char *)o + row->at) = text;
        break;
    case WHOLE:
    case REAL:
        fine = take_number(o, row, text);
        break;
    case FLAG:
        *(bool *)((char *)o + row->at) = true;
        break;
    case WORDS:
        fine = row->words(o, text);
        break;
    }
    if (row->given)
        *(bool *)((char *)o + row->given) = true;
    if (fine)
        write_down(o, row, text ? text : "");
    return fine;
}

static bool complain(const char *what)
{
    fprintf(stderr, "cervigate train: %s\n", what);
    return false;
}

/* What single options cannot know of each other. */
static bool agree(struct train_options *o)
{
    bool phantom = strcmp(o->data, "phantom") == 0;

    if (phantom && o->provenance == NN_CLINICAL)
        return complain("--provenance clinical: phantoms are synthetic");
    if (phantom && (o->split_given || o->folds || o->keep_copies))
        return complain("--split, --folds and --duplicates divide files; phantoms are each their "
                        "own: a file's worth of them is written by `cervigate phantom`");
    if (o->fold && !o->folds)
        return complain("--fold needs --folds");
    if (o->fold > o->folds)
        return complain("--fold: no more than --folds");
    if (o->folds && o->split_given && o->split != DATA_SPLIT_GROUPED)
        return complain("--folds divides by groups: it cannot be --split random or given");
    if (o->scratch && o->init_count > 0)
        return complain("--init none: nothing else can be the start");
    if (!o->keep_given) /* who stops early wants the best */
        o->keep = o->patience > 0 ? NN_KEEP_BEST : NN_KEEP_LAST;
    return true;
}

static bool parse_all(int argc, char **argv, struct train_options *o)
{
    struct option names[ROWS + 1] = {{NULL, 0, NULL, 0}};
    char text[160];
    int option, index = 0;

    for (size_t i = 0; i < ROWS; i++)
        names[i] = (struct option){
            rows[i].name, rows[i].kind == FLAG ? no_argument : required_argument, NULL, 256};
    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", names, &index)) != -1) {
        if (option == 'h') {
            o->help = true;
        } else if (option != 256) {
            snprintf(text, sizeof text, "%.100s: %s", argv[optind - 1],
                     option == ':' ? "a value is missing" : "not an option");
            return complain(text);
        } else if (!take(o, &rows[index], optarg)) {
            return false;
        }
    }
    if (!o->help && optind < argc) {
        snprintf(text, sizeof text, "%.100s: not expected here", argv[optind]);
        return complain(text);
    }
    return true;
}

bool train_options_parse(int argc, char **argv, struct train_options *o)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    *o = (struct train_options){.epochs = 30,
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
                                .head = 10,
                                .augmentation = nn_augmentation_default(),
                                .fraction = {0.70, 0.15, 0.15},
                                .none = "normal",
                                .command = "cervigate train"};
    if (!parse_all(argc, argv, o))
        return false;
    if (o->help)
        return true;
    if (!o->data || !o->network || !o->out) {
        char text[64];
        snprintf(text, sizeof text, "--%s is missing",
                 !o->data      ? "data"
                 : !o->network ? "network"
                               : "out");
        return complain(text);
    }
    return agree(o);
}
