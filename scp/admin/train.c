/* train.c: `cervigate train` (cli.md): fine-tunes a network and writes a model folder. */
#include "admin.h"
#include "nn_phantom_source.h"
#include "train_files.h"
#include "train_model.h"
#include "train_options.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* The weights say themselves what they are; a model folder has a name. */
static int describe_start(struct train_options *o)
{
    struct nn_error err = {0};
    struct nn_weights *weights = NULL;

    if (nn_weights_open(o->init, &weights, &err) != NN_OK) {
        fprintf(stderr, "cervigate train: %s\n", err.text);
        return err.status == NN_MISSING ? EX_NOINPUT : EX_DATAERR;
    }
    const char *what = nn_weights_metadata(weights, "network");
    if (o->start[0] == '\0')
        snprintf(o->start, sizeof o->start, "%.100s",
                 what ? what : "weights without a description");
    nn_weights_close(weights);
    return EX_OK;
}

/* --network MODEL_DIR: its network, preprocessing and weights are the start. */
static int take_start(struct train_options *o)
{
    struct nn_error err = {0};
    struct nn_model *model = NULL;
    struct stat st;

    if (stat(o->network, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (nn_model_open(o->network, &model, &err) != NN_OK) {
            fprintf(stderr, "cervigate train: %s\n", err.text);
            return EX_DATAERR;
        }
        const struct nn_model_info *info = nn_model_info(model);
        snprintf(o->network_name, sizeof o->network_name, "%s", info->network);
        o->preprocess = info->preprocess;
        if (!o->init)
            snprintf(o->start, sizeof o->start, "model %s %s", info->name, info->version);
        nn_model_close(model);
        snprintf(o->init_path, sizeof o->init_path, "%s/weights.safetensors", o->network);
        o->init = o->init ? o->init : o->init_path;
        o->network = o->network_name;
    }
    if (!o->init) {
        fputs("cervigate train: --init is missing\n", stderr);
        return EX_USAGE;
    }
    return describe_start(o);
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

static bool checkpoint_directory(const struct train_options *o, char path[PATH_MAX])
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
static void take_name(struct train_options *o)
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
static void command_of(const struct train_options *o, char *to, size_t size)
{
    char init[PATH_MAX], data[PATH_MAX];

    snprintf(init, sizeof init, "%s", o->init);
    snprintf(data, sizeof data, "%s", o->data);
    snprintf(to, size,
             "cervigate train --data %.40s --network %s --init %.60s --out %s --epochs %ld "
             "--batch %ld --rate %g --rate-drop %g --rate-drop-epochs %ld --momentum %g --decay "
             "%g --clip %g --head %g --images %ld --size %ld --seed %ld",
             basename(data), o->network, basename(init), o->name, o->epochs, o->batch, o->rate,
             o->rate_drop, o->rate_drop_epochs, o->momentum, o->decay, o->clip, o->head, o->images,
             o->size, o->seed);
}

static struct nn_train_settings settings_of(const struct train_options *o, const char *checkpoints)
{
    return (struct nn_train_settings){.network = o->network,
                                      .classes = 3,
                                      .init = o->init,
                                      .more_init = o->more_init,
                                      .more_init_count = o->more_init_count,
                                      .checkpoint_dir = checkpoints,
                                      .preprocess = o->preprocess,
                                      .epochs = (int)o->epochs,
                                      .batch = (int)o->batch,
                                      .optimiser = {.kind = NN_SGD,
                                                    .momentum = o->momentum,
                                                    .weight_decay = o->decay,
                                                    .clip_norm = o->clip},
                                      .rate = o->rate,
                                      .rate_drop_epochs = (int)o->rate_drop_epochs,
                                      .rate_drop = o->rate_drop,
                                      .head_rate_factor = o->head,
                                      .seed = (uint64_t)o->seed,
                                      .threads = (int)o->threads,
                                      .augmentation = nn_augmentation_default(),
                                      .checkpoint_seconds = 600,
                                      .resume = o->resume};
}

/* The three parts of the data, and what they are in words. */
struct data_set {
    struct nn_phantom_source phantoms[3];
    struct train_files *files;
    struct nn_source training, validation, test;
    char words[128];
};

static struct nn_source phantoms(struct data_set *set, const struct train_options *o,
                                 enum nn_phantom_part part, long count)
{
    set->phantoms[part] =
        (struct nn_phantom_source){.settings = {.seed = (uint64_t)o->seed,
                                                .rows = (int)o->size,
                                                .cols = (int)o->size,
                                                .prevalence = {1.0 / 3, 1.0 / 3, 1.0 / 3}},
                                   .part = part,
                                   .count = (uint64_t)count};
    return nn_phantom_source(&set->phantoms[part]);
}

static enum nn_status open_data(struct data_set *set, const struct train_options *o,
                                struct nn_error *err)
{
    char copy[PATH_MAX];

    *set = (struct data_set){0};
    if (strcmp(o->data, "phantom") == 0) {
        set->training = phantoms(set, o, NN_PHANTOM_TRAINING, o->images + o->images % 2);
        set->validation = phantoms(set, o, NN_PHANTOM_VALIDATION, o->validation);
        set->test = phantoms(set, o, NN_PHANTOM_TEST, o->test);
        snprintf(set->words, sizeof set->words, "cervigate phantom, seed %ld, %ld px", o->seed,
                 o->size);
        return NN_OK;
    }
    enum nn_status status = train_files_open(o->data, &set->files, err);
    if (status != NN_OK)
        return status;
    set->training = train_files_source(set->files, TRAIN_PART_TRAINING);
    set->validation = train_files_source(set->files, TRAIN_PART_VALIDATION);
    set->test = train_files_source(set->files, TRAIN_PART_TEST);
    snprintf(copy, sizeof copy, "%s", o->data);
    snprintf(set->words, sizeof set->words, "%.60s: %zu images", basename(copy),
             set->training.count + set->validation.count + set->test.count);
    return NN_OK;
}

static enum nn_status run(const struct train_options *o, const char *checkpoints,
                          struct nn_error *err)
{
    struct nn_train_settings settings = settings_of(o, checkpoints);
    struct data_set set;
    char weights[PATH_MAX], history[PATH_MAX], command[640];
    struct nn_model_info *info = calloc(1, sizeof *info);
    bool terminal = isatty(STDERR_FILENO) == 1;
    struct nn_train_output output = {.weights = weights,
                                     .store = NN_F16,
                                     .history_csv = history,
                                     .report = report,
                                     .report_context = &terminal};
    enum nn_status status = open_data(&set, o, err);

    if (status == NN_OK && !info)
        status = nn_fail(err, NN_NO_MEMORY, "no memory");
    snprintf(weights, sizeof weights, "%s/weights.safetensors", o->out);
    snprintf(history, sizeof history, "%s/history.csv", o->out);
    command_of(o, command, sizeof command);
    if (status == NN_OK)
        status = nn_train(&settings, &set.training, &set.validation, &output, err);
    if (status == NN_OK) {
        struct train_outcome outcome = {.out = o->out,
                                        .name = o->name,
                                        .provenance = o->provenance,
                                        .data = set.words,
                                        .command = command,
                                        .settings = &settings,
                                        .start = o->start,
                                        .validation = &set.validation,
                                        .test = &set.test};
        status = train_model_write(&outcome, info, err);
    }
    if (status == NN_OK)
        printf("%s %s\n", o->out, info->digest);
    train_files_close(set.files);
    free(info);
    return status;
}

int admin_train(int argc, char **argv)
{
    struct train_options o;
    struct nn_error err = {0};
    char checkpoints[PATH_MAX];
    struct sigaction action = {.sa_handler = on_signal};

    if (!train_options_parse(argc, argv, &o)) {
        fputs(train_usage, stderr);
        return EX_USAGE;
    }
    if (o.help) {
        fputs(train_usage, stdout);
        return EX_OK;
    }
    int status = take_start(&o);
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
