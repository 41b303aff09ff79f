/* train.c: `cervigate train` (cli.md): fine-tunes a network and writes a model folder. */
#include "admin.h"
#include "nn_phantom_source.h"
#include "train_model.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct options {
    const char *data, *network, *init, *out;
    long epochs, batch, images, size, seed, threads, validation, test, rate_drop_epochs;
    double rate, momentum, rate_drop, decay, clip, head;
    bool resume, help;
    char name[64];         /* the model's: the last part of --out */
    char network_name[64]; /* when --network is a model folder: its network */
    char init_path[PATH_MAX];
};

static const char usage_text[] =
    "usage: cervigate train --data phantom --network NAME or MODEL_DIR --init FILE --out DIR\n"
    "\n"
    "Fine-tunes a network and writes a model folder (weights.safetensors, model.xml, card.md,\n"
    "history.csv). Checkpoints are kept under ${XDG_CACHE_HOME:-~/.cache}/cervigate/NAME, NAME\n"
    "being the last part of DIR; Ctrl-C saves one.\n"
    "\n"
    "  --data phantom      synthetic radiographs, fresh ones in every epoch\n"
    "  --network NAME      googlenet, or a model folder to go on from\n"
    "  --init FILE         safetensors to start from (a model folder brings its own)\n"
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
    {"resume", no_argument, NULL, OPT_RESUME},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0}};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

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

static bool take_option(struct options *o, int option)
{
    switch (option) {
    case OPT_DATA:
        o->data = optarg;
        return true;
    case OPT_NETWORK:
        o->network = optarg;
        return true;
    case OPT_INIT:
        o->init = optarg;
        return true;
    case OPT_OUT:
        o->out = optarg;
        return true;
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

static bool take_number(struct options *o, int option)
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

static bool parse(int argc, char **argv, struct options *o)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int option;

    *o = (struct options){.epochs = 30,
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
    if (strcmp(o->data, "phantom") != 0) {
        fprintf(stderr, "cervigate train: --data %s: phantom is expected\n", o->data);
        return false;
    }
    return true;
}

/* --network MODEL_DIR: its network, its weights as the start. */
static int take_model_dir(struct options *o)
{
    struct nn_error err = {0};
    struct nn_model *model = NULL;
    struct stat st;

    if (stat(o->network, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (nn_model_open(o->network, &model, &err) != NN_OK) {
            fprintf(stderr, "cervigate train: %s\n", err.text);
            return EX_DATAERR;
        }
        snprintf(o->network_name, sizeof o->network_name, "%s", nn_model_info(model)->network);
        nn_model_close(model);
        snprintf(o->init_path, sizeof o->init_path, "%s/weights.safetensors", o->network);
        o->init = o->init ? o->init : o->init_path;
        o->network = o->network_name;
    }
    if (!o->init) {
        missing("init");
        return EX_USAGE;
    }
    return EX_OK;
}

static bool make_directory(const char *path)
{
    char part[PATH_MAX];
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof part)
        return false;
    memcpy(part, path, length + 1);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(part, 0777) == 0 || errno == EEXIST;
}

static bool checkpoint_directory(const struct options *o, char path[PATH_MAX])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;

    if (cache && cache[0] == '/')
        length = snprintf(path, PATH_MAX, "%s/cervigate/%s", cache, o->name);
    else
        length = snprintf(path, PATH_MAX, "%s/.cache/cervigate/%s", home ? home : "/tmp", o->name);
    return length > 0 && length < PATH_MAX && make_directory(path);
}

/* The name in model.xml, of characters that its schema takes. */
static void take_name(struct options *o)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", o->out);
    snprintf(o->name, sizeof o->name, "%.60s", basename(copy));
    for (char *at = o->name; *at; at++) {
        bool fine = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                    (*at >= '0' && *at <= '9') || (at > o->name && strchr("._+-", *at));
        if (!fine)
            *at = at > o->name ? '-' : 'm';
    }
}

/* One line that is redrawn on a terminal; a line every 20 steps elsewhere. */
static bool report(void *context, const struct nn_train_progress *p)
{
    bool terminal = *(const bool *)context;
    long eta = (long)p->eta_seconds;

    if (p->epoch_done) {
        fprintf(stderr,
                "%sepoch %d/%d  loss %.4f  accuracy %.4f  validation loss %.4f accuracy "
                "%.4f  rate %g\n",
                terminal ? "\r\033[K" : "", p->epoch, p->epochs, p->loss, p->accuracy,
                p->validation_loss, p->validation_accuracy, p->rate);
    } else if (terminal) {
        int filled = p->steps > 0 ? (int)(20 * p->step / p->steps) : 0;
        fprintf(stderr,
                "\r\033[Kepoch %d/%d [%.*s%.*s] loss %.4f accuracy %.3f rate %g %.1f "
                "images/s ETA %ld:%02ld:%02ld",
                p->epoch, p->epochs, filled, "####################", 20 - filled,
                "                    ", p->loss, p->accuracy, p->rate, p->images_per_second,
                eta / 3600, eta / 60 % 60, eta % 60);
    } else if (p->step % 20 == 0 || p->step == p->steps) {
        fprintf(stderr,
                "epoch %d/%d step %ld/%ld loss %.4f accuracy %.4f rate %g %.1f images/s "
                "ETA %ld:%02ld:%02ld\n",
                p->epoch, p->epochs, p->step, p->steps, p->loss, p->accuracy, p->rate,
                p->images_per_second, eta / 3600, eta / 60 % 60, eta % 60);
    }
    return !interrupted;
}

static int exit_status(enum nn_status status)
{
    switch (status) {
    case NN_OK:
        return EX_OK;
    case NN_MISSING:
        return EX_NOINPUT;
    case NN_INVALID:
    case NN_UNSUPPORTED:
        return EX_USAGE;
    case NN_BAD_DATA:
    case NN_SHAPE:
    case NN_LIMIT:
        return EX_DATAERR;
    case NN_IO:
        return EX_IOERR;
    case NN_STOPPED:
        return 1;
    case NN_NO_MEMORY:
        break;
    }
    return EX_SOFTWARE;
}

/* Without paths: it stands in the model, which travels. */
static void command_of(const struct options *o, char *to, size_t size)
{
    char init[PATH_MAX];

    snprintf(init, sizeof init, "%s", o->init);
    snprintf(to, size,
             "cervigate train --data phantom --network %s --init %.60s --out %s --epochs %ld "
             "--batch %ld --rate %g --rate-drop %g --rate-drop-epochs %ld --momentum %g --decay "
             "%g --clip %g --head %g --images %ld --size %ld --seed %ld",
             o->network, basename(init), o->name, o->epochs, o->batch, o->rate, o->rate_drop,
             o->rate_drop_epochs, o->momentum, o->decay, o->clip, o->head, o->images, o->size,
             o->seed);
}

static struct nn_train_settings settings_of(const struct options *o, const char *checkpoints)
{
    return (struct nn_train_settings){
        .network = o->network,
        .classes = 3,
        .init = o->init,
        .checkpoint_dir = checkpoints,
        /* The ImageNet weights' input: BGR, 0..255, minus the mean. */
        .preprocess = {.side = 224, .fit = NN_FIT_STRETCH, .scale = 255, .mean = {104, 117, 123}},
        .epochs = (int)o->epochs,
        .batch = (int)o->batch,
        .rate = o->rate,
        .momentum = o->momentum,
        .rate_drop_epochs = (int)o->rate_drop_epochs,
        .rate_drop = o->rate_drop,
        .weight_decay = o->decay,
        .clip_norm = o->clip,
        .head_rate_factor = o->head,
        .seed = (uint64_t)o->seed,
        .threads = (int)o->threads,
        .augment = true,
        .checkpoint_steps = 100,
        .resume = o->resume};
}

static struct nn_phantom_source phantoms_of(const struct options *o, enum nn_phantom_part part,
                                            long count)
{
    return (struct nn_phantom_source){.settings = {.seed = (uint64_t)o->seed,
                                                   .rows = (int)o->size,
                                                   .cols = (int)o->size,
                                                   .prevalence = {1.0 / 3, 1.0 / 3, 1.0 / 3}},
                                      .part = part,
                                      .count = (uint64_t)count};
}

static enum nn_status run(const struct options *o, const char *checkpoints, struct nn_error *err)
{
    struct nn_train_settings settings = settings_of(o, checkpoints);
    struct nn_phantom_source parts[3] = {phantoms_of(o, NN_PHANTOM_TRAINING, o->images),
                                         phantoms_of(o, NN_PHANTOM_VALIDATION, o->validation),
                                         phantoms_of(o, NN_PHANTOM_TEST, o->test)};
    struct nn_source training = nn_phantom_source(&parts[0]);
    struct nn_source validation = nn_phantom_source(&parts[1]), test = nn_phantom_source(&parts[2]);
    char weights[PATH_MAX], history[PATH_MAX], command[400], data[100];
    struct nn_model_info *info = calloc(1, sizeof *info);
    bool terminal = isatty(STDERR_FILENO) == 1;
    enum nn_status status;

    if (!info)
        return nn_fail(err, NN_NO_MEMORY, "no memory");
    snprintf(weights, sizeof weights, "%s/weights.safetensors", o->out);
    snprintf(history, sizeof history, "%s/history.csv", o->out);
    command_of(o, command, sizeof command);
    snprintf(data, sizeof data, "cervigate phantom, seed %ld, %ld px", o->seed, o->size);
    status = nn_train(&settings, &training, &validation, weights, NN_F16, history, report,
                      &terminal, err);
    if (status == NN_OK) {
        struct train_outcome outcome = {.out = o->out,
                                        .name = o->name,
                                        .data = data,
                                        .command = command,
                                        .settings = &settings,
                                        .start = "GoogLeNet (BVLC, ImageNet 2012)",
                                        .validation = &validation,
                                        .test = &test};
        status = train_model_write(&outcome, info, err);
    }
    if (status == NN_OK)
        printf("%s %s\n", o->out, info->digest);
    free(info);
    return status;
}

int admin_train(int argc, char **argv)
{
    struct options o;
    struct nn_error err = {0};
    char checkpoints[PATH_MAX];
    struct sigaction action = {.sa_handler = on_signal};

    if (!parse(argc, argv, &o)) {
        fputs(usage_text, stderr);
        return EX_USAGE;
    }
    if (o.help) {
        fputs(usage_text, stdout);
        return EX_OK;
    }
    int status = take_model_dir(&o);
    if (status != EX_OK)
        return status;
    take_name(&o);
    if (strlen(o.out) > PATH_MAX - 64 || !make_directory(o.out) ||
        !checkpoint_directory(&o, checkpoints)) {
        fprintf(stderr, "cervigate train: cannot create %s or its checkpoint directory: %s\n",
                o.out, strerror(errno));
        return EX_CANTCREAT;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    status = exit_status(run(&o, checkpoints, &err));
    if (status != EX_OK)
        fprintf(stderr, "%scervigate train: %s\n", isatty(STDERR_FILENO) == 1 ? "\n" : "",
                err.text);
    return status;
}
