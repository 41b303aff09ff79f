/* train.c: `cervigate train`: trains a network and writes a model folder, or k of them. */
#include "admin.h"
#include "train_folds.h"
#include "train_model.h"

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

#define CHECKPOINT_SECONDS 600

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static bool make_directory(const char *path)
{
    char part[PATH_MAX];
    size_t length = strlen(path);

    errno = length == 0 ? ENOENT : ENAMETOOLONG;
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
    struct stat st;
    if (mkdir(part, 0777) == 0)
        return true;
    if (errno != EEXIST || stat(part, &st) != 0)
        return false;
    errno = ENOTDIR;
    return S_ISDIR(st.st_mode);
}

static bool checkpoint_directory(const char *name, char path[PATH_MAX])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;

    if (cache && cache[0] == '/')
        length = snprintf(path, PATH_MAX, "%s/cervigate/%s", cache, name);
    else
        length = snprintf(path, PATH_MAX, "%s/.cache/cervigate/%s", home ? home : "/tmp", name);
    return length > 0 && length < PATH_MAX && make_directory(path);
}

/* The name in model.xml, of characters that its schema takes: the folder's, and the fold. */
static void take_name(const char *out, int fold, char name[64])
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", out);
    if (fold > 0)
        snprintf(name, 64, "%.45s-fold%d", basename(copy), fold);
    else
        snprintf(name, 64, "%.60s", basename(copy));
    for (char *at = name; *at; at++) {
        bool fine = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                    (*at >= '0' && *at <= '9') || (at > name && strchr("._+-", *at));
        if (!fine)
            *at = at > name ? '-' : 'm';
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
        return EX_USAGE;
    case NN_BAD_DATA:
    case NN_UNSUPPORTED:
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

static struct nn_optimiser_settings optimiser_of(const struct train_options *o)
{
    return (struct nn_optimiser_settings){.kind = o->optimiser,
                                          .momentum = o->momentum,
                                          .beta1 = 0.9,
                                          .beta2 = 0.999,
                                          .epsilon = 1e-8,
                                          .weight_decay = o->decay,
                                          .clip_norm = o->clip};
}

static struct nn_train_settings settings_of(const struct train_options *o,
                                            const struct train_start *start,
                                            const struct train_data *data, const char *checkpoints)
{
    struct nn_train_settings s = {.network = start->network,
                                  .graph = start->graph,
                                  .heads = start->graph ? start->heads : NULL,
                                  .auxiliary = o->auxiliary,
                                  .places = o->places,
                                  .classes = data->classes,
                                  .preprocess = start->preprocess,
                                  .init = start->init_count > 0 ? start->init[0] : NULL,
                                  .more_init = start->init + 1,
                                  .more_init_count =
                                      start->init_count > 1 ? start->init_count - 1 : 0,
                                  .data = data->digest,
                                  .checkpoint_dir = checkpoints,
                                  .epochs = (int)o->epochs,
                                  .batch = (int)o->batch,
                                  .optimiser = optimiser_of(o),
                                  .rate = o->rate,
                                  .rate_drop_epochs = (int)o->rate_drop_epochs,
                                  .rate_drop = o->rate_drop,
                                  .head_rate_factor = o->head,
                                  .freeze = o->freeze,
                                  .set_dropout = o->dropout_given,
                                  .dropout = o->dropout,
                                  .class_weighting = o->class_weighting,
                                  .label_smoothing = o->smoothing,
                                  .average = o->average,
                                  .patience = (int)o->patience,
                                  .keep = o->keep,
                                  .seed = (uint64_t)o->seed,
                                  .threads = (int)o->threads,
                                  .augmentation = o->augmentation,
                                  .checkpoint_seconds = CHECKPOINT_SECONDS,
                                  .resume = o->resume};

    memcpy(s.class_weight, o->class_weight, sizeof s.class_weight);
    return s;
}

/* One model folder, from data that is divided. fold from 1; 0: no folds. */
static enum nn_status train_one(const struct train_options *o, const struct train_start *start,
                                struct train_data *data, int fold, const char *out,
                                struct nn_model_info *info, struct nn_error *err)
{
    char weights[PATH_MAX], history[PATH_MAX], checkpoints[PATH_MAX], name[64];
    bool terminal = isatty(STDERR_FILENO) == 1;
    enum nn_status status;

    take_name(o->out, fold, name);
    if ((status = train_data_ask_start(data, start->init, start->init_count, err)) != NN_OK)
        return status;
    if (!make_directory(out) || !checkpoint_directory(name, checkpoints))
        return nn_fail(err, NN_IO, "cannot create %.120s or its checkpoint directory: %s", out,
                       strerror(errno));
    snprintf(weights, sizeof weights, "%.4000s/weights.safetensors", out);
    snprintf(history, sizeof history, "%.4000s/history.csv", out);
    struct nn_train_settings settings = settings_of(o, start, data, checkpoints);
    struct nn_train_output output = {.weights = weights,
                                     .store = NN_F16,
                                     .history_csv = history,
                                     .report = report,
                                     .report_context = &terminal};
    status = nn_train(&settings, &data->training, &data->validation, &output, err);
    /* Only now: the division that stands beside a model must be the one that it was trained by. */
    if (status == NN_OK && data->set)
        status = data_write_split(data->set, out, err);
    if (status != NN_OK)
        return status;
    const struct train_outcome outcome = {.out = out,
                                          .name = name,
                                          .options = o,
                                          .start = start,
                                          .data = data,
                                          .settings = &settings,
                                          .output = &output,
                                          .fold = fold};
    status = train_model_write(&outcome, info, err);
    if (status == NN_OK)
        printf("%s %s\n", out, info->digest);
    return status;
}

static enum nn_status train_folds(const struct train_options *o, const struct train_start *start,
                                  struct train_data *data, struct nn_model_info *info,
                                  struct nn_error *err)
{
    struct train_folds *folds = calloc(1, sizeof *folds);
    int first = o->fold > 0 ? (int)o->fold : 1, last = o->fold > 0 ? (int)o->fold : (int)o->folds;
    enum nn_status status = NN_OK;
    char out[PATH_MAX];

    if (!folds)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %ld folds", o->folds);
    for (int fold = first; status == NN_OK && fold <= last; fold++) {
        snprintf(out, sizeof out, "%.4000s/fold%d", o->out, fold);
        fprintf(stderr, "fold %d of %ld\n", fold, o->folds);
        status = train_data_divide(data, o, fold - 1, err);
        if (status == NN_OK)
            status = train_one(o, start, data, fold, out, info, err);
        const size_t images[DATA_PARTS] = {data->training.count, data->validation.count,
                                           data->test.count};
        if (status == NN_OK)
            train_folds_add(folds, fold, images, info);
    }
    if (status == NN_OK && o->fold == 0)
        status = train_folds_write(folds, o->out, err);
    free(folds);
    return status;
}

static int fail(enum nn_status status, const struct nn_error *err)
{
    if (status != NN_OK)
        fprintf(stderr, "%scervigate train: %s\n", isatty(STDERR_FILENO) == 1 ? "\n" : "",
                err->text);
    return exit_status(status);
}

static int run(const struct train_options *o, struct train_data *data, struct train_start *start)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct nn_error err = {0};
    struct nn_model_info *info = calloc(1, sizeof *info);
    enum nn_status status;
    int answer;

    if (!info)
        return EX_SOFTWARE;
    if ((status = train_data_open(data, o, &err)) != NN_OK) {
        answer = fail(status, &err);
        goto out;
    }
    if ((answer = train_start_open(start, o, data->classes)) != EX_OK)
        goto out;
    if (o->folds == 0 && (status = train_data_divide(data, o, 0, &err)) != NN_OK) {
        answer = fail(status, &err);
        goto out;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    status = o->folds > 0 ? train_folds(o, start, data, info, &err)
                          : train_one(o, start, data, 0, o->out, info, &err);
    answer = fail(status, &err);
out:
    free(info);
    return answer;
}

static bool has_checkpoint(const struct train_options *o, int fold)
{
    char folder[PATH_MAX], path[PATH_MAX], name[64];

    take_name(o->out, fold, name);
    if (!checkpoint_directory(name, folder))
        return false;
    int length = snprintf(path, sizeof path, "%s/checkpoint.safetensors", folder);
    return length > 0 && length < (int)sizeof path && access(path, F_OK) == 0;
}

/* A model that a site has is never written over by a second training: not its weights, and not the
 * division that `evaluate` trusts. */
static bool holds_model(const struct train_options *o)
{
    long first = o->folds == 0 ? 0 : o->fold > 0 ? o->fold : 1;
    long last = o->folds == 0 ? 0 : o->fold > 0 ? o->fold : o->folds;
    char path[PATH_MAX];

    for (long fold = first; fold <= last; fold++) {
        int length = fold == 0 ? snprintf(path, sizeof path, "%s/model.xml", o->out)
                               : snprintf(path, sizeof path, "%s/fold%ld/model.xml", o->out, fold);
        if (length < 0 || length >= (int)sizeof path || access(path, F_OK) != 0 ||
            (o->resume && has_checkpoint(o, (int)fold)))
            continue;
        fprintf(stderr,
                "cervigate train: %s is there: --out must not hold a model yet; name another "
                "folder%s\n",
                path,
                o->resume ? ": the training that made it has no checkpoint to go on from"
                          : " (--resume goes on with the training that made it)");
        return true;
    }
    return false;
}

int admin_train(int argc, char **argv)
{
    struct train_options o;
    struct train_data data = {0};
    struct train_start start = {0};
    char checkpoints[PATH_MAX], name[64];

    if (!train_options_parse(argc, argv, &o)) {
        fputs("`cervigate train --help` tells the usage\n", stderr);
        return EX_USAGE;
    }
    if (o.help) {
        fputs(train_usage, stdout);
        return EX_OK;
    }
    take_name(o.out, 0, name);
    if (strlen(o.out) > PATH_MAX - 128 || !make_directory(o.out) ||
        !checkpoint_directory(name, checkpoints)) {
        fprintf(stderr, "cervigate train: cannot create %s or its checkpoint directory: %s\n",
                o.out, strerror(errno));
        return EX_CANTCREAT;
    }
    if (holds_model(&o))
        return EX_CANTCREAT;
    int status = run(&o, &data, &start);
    train_start_finish(&start);
    train_data_close(&data);
    return status;
}
