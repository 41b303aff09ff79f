/* import_saliency.c: `cervigate import saliency-scale`: a model that was imported, or trained
 * before this was measured, learns how strong its saliency is where it finds something. */
#include "import_saliency.h"
#include "evaluate.h"
#include "option.h"
#include "train_data.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate import saliency-scale --data phantom|DIR|CSV --out DIR [...]\n"
    "\n"
    "Measures how strong the saliency of the model in DIR is where it finds something (the median\n"
    "over at most 64 validation images), and writes it into DIR/model.xml: the pictures' absolute\n"
    "scale. A training has done so already. The model's digest and a <validation> stay.\n"
    "\n"
    "  --data DATA      phantoms, or images as for cervigate train; of those the validation part\n"
    "                   (column part, or DIR/split.csv), or all where there is no division\n"
    "  --out DIR        the model folder\n"
    "  --seed S         of the phantoms (1)\n"
    "  --size PX        their sides (320)\n"
    "  --validation N   how many of them (300)\n"
    "  --threads N      of the network (all processors)\n";

struct scale_options {
    const char *data, *out;
    long seed, size, validation, threads;
    bool help;
};

static bool whole(const char *name, long low, long high, long *to)
{
    return option_whole("import saliency-scale", name, optarg, low, high, to);
}

static bool parse(int argc, char **argv, struct scale_options *o)
{
    static const struct option long_options[] = {
        {"data", required_argument, NULL, 'd'},    {"out", required_argument, NULL, 'o'},
        {"seed", required_argument, NULL, 's'},    {"size", required_argument, NULL, 'z'},
        {"threads", required_argument, NULL, 't'}, {"validation", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int option;
    *o = (struct scale_options){.seed = 1, .size = 320, .validation = 300};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        bool fine = option != '?';
        if (option == 'd')
            o->data = optarg;
        else if (option == 'o')
            o->out = optarg;
        else if (option == 's')
            fine = whole("seed", 0, 0x7fffffff, &o->seed);
        else if (option == 'z')
            fine = whole("size", 64, 4096, &o->size);
        else if (option == 't')
            fine = whole("threads", 1, 1024, &o->threads);
        else if (option == 'v')
            fine = whole("validation", 1, 1000000, &o->validation);
        else if (option == 'h')
            o->help = true;
        if (!fine)
            return false;
    }
    if (o->help || (optind == argc && o->data && o->out))
        return true;
    fputs("cervigate import saliency-scale: --data and --out are expected\n", stderr);
    return false;
}

/* What is measured on: phantoms, or the items of a set by `view`. */
struct scale_data {
    struct nn_phantom_source phantoms;
    struct data_set *set;
    struct data_view view;
    struct nn_source source;
};

static void close_data(struct scale_data *data)
{
    data_view_finish(&data->view);
    data_close(data->set);
}

/* The validation part, by what the data or the model's folder say of it. */
static enum nn_status choose(struct scale_data *data, const char *model, struct nn_error *err)
{
    struct evaluate_parts parts;
    struct data_division division = {
        .split = data->set->split == DATA_SPLIT_GIVEN ? DATA_SPLIT_GIVEN : DATA_SPLIT_GROUPED,
        .fraction = {0, 0, 1}};
    enum nn_status status = data_divide(data->set, &division, NULL, NULL, err);
    if (status == NN_OK)
        status = evaluate_parts_find(model, data->set, EVALUATE_ALL, &parts, err);
    if (status != NN_OK)
        return status;
    if (parts.division == EVALUATE_UNDIVIDED)
        for (size_t i = 0; i < data->set->count; i++)
            data->set->items[i].part = DATA_VALIDATION;
    evaluate_parts_finish(&parts);
    return data_view_init(&data->view, data->set, DATA_VALIDATION, err);
}

/* Before any thread: see data_open. */
static enum nn_status open_data(struct scale_data *data, const struct scale_options *o,
                                struct nn_error *err)
{
    if (strcmp(o->data, "phantom") == 0) {
        data->phantoms =
            (struct nn_phantom_source){.settings = {.seed = (uint64_t)o->seed,
                                                    .rows = (int)o->size,
                                                    .cols = (int)o->size,
                                                    .prevalence = {1.0 / 3, 1.0 / 3, 1.0 / 3}},
                                       .part = NN_PHANTOM_VALIDATION,
                                       .count = (uint64_t)o->validation};
        data->source = nn_phantom_source(&data->phantoms);
        return NN_OK;
    }
    enum nn_status status = data_open(o->data, &data->set, err);
    if (status == NN_OK)
        status = choose(data, o->out, err);
    if (status == NN_OK)
        data->source = data_source(&data->view);
    return status;
}

static enum nn_status measure(const struct scale_options *o, const struct nn_source *source,
                              double *scale, size_t *images, struct nn_error *err)
{
    struct nn_model *model = NULL;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct nn_pool *pool = NULL;
    enum nn_status status = nn_model_open(o->out, &model, err);
    if (status != NN_OK)
        return status;
    pool = nn_pool_create(o->threads > 0 ? (int)o->threads : processors > 0 ? (int)processors : 1);
    status = NN_NO_MEMORY;
    if (pool)
        status = nn_measure_saliency_scale(model, nn_model_info(model), source, pool, scale, images,
                                           err);
    else
        snprintf(err->text, sizeof err->text, "no memory for threads");
    nn_pool_destroy(pool);
    nn_model_close(model);
    return status;
}

static int exit_status(enum nn_status status)
{
    return status == NN_MISSING     ? EX_NOINPUT
           : status == NN_IO        ? EX_IOERR
           : status == NN_NO_MEMORY ? EX_SOFTWARE
                                    : EX_DATAERR;
}

int import_saliency(int argc, char **argv)
{
    struct scale_options o;
    struct scale_data data = {.set = NULL};
    struct nn_error err = {0};
    double scale = 0;
    size_t images = 0;
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (o.help) {
        fputs(usage, stdout);
        return EX_OK;
    }
    enum nn_status status = open_data(&data, &o, &err);
    if (status == NN_OK)
        status = measure(&o, &data.source, &scale, &images, &err);
    close_data(&data);
    if (status == NN_OK && images == 0) {
        fprintf(stderr, "cervigate import saliency-scale: %s finds nothing in %s\n", o.out, o.data);
        return EX_DATAERR;
    }
    if (status == NN_OK)
        status = nn_model_set_saliency_scale(o.out, scale, &err);
    if (status != NN_OK) {
        fprintf(stderr, "cervigate import saliency-scale: %s\n", err.text);
        return exit_status(status);
    }
    printf("%s saliency scale %.6g (%zu images)\n", o.out, scale, images);
    return EX_OK;
}
