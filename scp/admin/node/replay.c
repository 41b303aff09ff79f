/* replay.c: `cervigate replay`: the scores of a result once more, from what was received.
 *
 * A process has one kernel set; images of a report may have been judged on several (an amended
 * report after a move to another machine), so each set gets a process of its own. */
#include "replay.h"

#include "json_time.h"
#include "store_health.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate replay UID [--json] [--config FILE]\n"
    "\n"
    "Recomputes the scores of a result from the received objects that the spool still holds, and\n"
    "compares them with those that were stored: to the bit, on the kernel set that computed them. "
    "A\n"
    "processor that lacks it compares within 1e-4, and says so. UID is a result's SOP Instance "
    "UID\n"
    "(cervigate results list); one line an image and model that judged it. Nothing is changed.\n"
    "\n"
    "  --json         one JSON object a line\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "Exit status: 0 equal, or nothing in it was judged; 1 a difference; 64 usage; 66 there is no\n"
    "such result, an input was removed, or the model is another one now; 70 no answer; 74 the job\n"
    "store cannot be read; 78 bad configuration.\n";

struct images {
    struct replay_image *list;
    size_t count;
};

static void images_finish(struct images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        free(images->list[i].bytes);
        dx_attrs_destroy(images->list[i].attrs);
    }
    free(images->list);
}

/* ---- what was stored ---- */

static bool load_image(struct store *store, int64_t id, struct images *images)
{
    struct dx_error err = {0};
    struct report_recalled was;
    struct replay_image *image = &images->list[images->count];
    if (store_get_instance(store, id, &image->instance) != STORE_OK)
        return false;
    if (image->instance.state != INSTANCE_JUDGED)
        return true;
    images->count++;
    if (store_get_judgement(store, id, &image->judgement, &image->bytes) != STORE_OK ||
        dx_attrs_unpack(image->bytes, image->judgement.attrs_bytes, &image->attrs, &err) != DX_OK)
        return false;
    for (int m = 0; m < SRT_MAX_MODELS; m++)
        if (image->judgement.opinion[m].classes > 0 && !image->kernels[0]) {
            report_recall(image->attrs, m, &was);
            (void)snprintf(image->kernels, sizeof image->kernels, "%s", was.kernels);
        }
    return true;
}

static int load(struct store *store, const char *uid, struct images *images)
{
    struct result result;
    int64_t *ids = NULL;
    size_t count = 0;
    enum store_status found = store_find_result(store, uid, &result);
    if (found == STORE_NONE) {
        fprintf(stderr, "cervigate replay: there is no result %s\n", uid);
        return EX_NOINPUT;
    }
    bool done = found == STORE_OK && store_result_images(store, &result, &ids, &count) == STORE_OK;
    images->list = done ? calloc(count + 1, sizeof *images->list) : NULL;
    done = images->list != NULL;
    for (size_t i = 0; done && i < count; i++)
        done = load_image(store, ids[i], images);
    free(ids);
    if (done)
        return 0;
    fprintf(stderr, "cervigate replay: %s\n", store_error(store));
    return EX_IOERR;
}

/* ---- told ---- */

static json_t *scores_json(const double *scores, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        (void)json_array_append_new(list, json_real(scores[i]));
    return list;
}

static int tell(const struct command *command, const struct replayer *r,
                const struct replay_image *image, const struct replay *replay)
{
    bool computed = replay->end == REPLAY_EQUAL || replay->end == REPLAY_DIFFERENT;
    if (!command->json) {
        printf("%s  image %lld (%s), model %s: %s\n", replay_end_name(replay->end),
               (long long)image->instance.id, image->instance.sop_instance, replay->was.name,
               replay->detail);
        return 0;
    }
    json_t *line =
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:o, s:o}", "image",
                  (json_int_t)image->instance.id, "sop_instance", image->instance.sop_instance,
                  "input", image->instance.digest, "model", replay->was.name, "model_digest",
                  image->judgement.opinion[replay->model].model_digest, "parameters",
                  replay->was.parameters, "kernels", replay->was.kernels, "build",
                  replay->was.build, "forced", r->forced, "result", replay_end_name(replay->end),
                  "detail", replay->detail, "stored", scores_json(replay->stored, replay->classes),
                  "now", computed ? scores_json(replay->now, replay->classes) : json_null());
    char *text = line ? json_text(line, JSON_REAL_PRECISION(17)) : NULL;
    json_decref(line);
    if (text)
        puts(text);
    free(text);
    return text ? 0 : EX_SOFTWARE;
}

/* A difference outweighs what is missing, and that what failed. */
static int worse(int a, int b)
{
    static const int order[] = {1, EX_NOINPUT};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a != 0 ? a : b;
}

static int status_of(enum replay_end end)
{
    static const int statuses[] = {[REPLAY_EQUAL] = 0,
                                   [REPLAY_DIFFERENT] = 1,
                                   [REPLAY_INPUT_CHANGED] = 1,
                                   [REPLAY_INPUT_REMOVED] = EX_NOINPUT,
                                   [REPLAY_MODEL_CHANGED] = EX_NOINPUT,
                                   [REPLAY_FAILED] = EX_SOFTWARE};
    return statuses[end];
}

/* ---- a process a kernel set ---- */

static int replay_all(const struct command *command, const struct conf *conf,
                      const struct images *images, const char *kernels)
{
    struct replayer r;
    int worst = 0, status = replayer_open(&r, conf, kernels);
    for (size_t i = 0; status == 0 && i < images->count; i++) {
        const struct replay_image *image = &images->list[i];
        if (strcmp(image->kernels, kernels) != 0)
            continue;
        for (int m = 0; m < SRT_MAX_MODELS && status == 0; m++) {
            struct replay replay;
            if (image->judgement.opinion[m].classes == 0)
                continue;
            replay_image(&r, image, m, &replay);
            status = tell(command, &r, image, &replay);
            worst = worse(worst, status_of(replay.end));
        }
    }
    replayer_close(&r);
    return status != 0 ? status : worst;
}

static int in_child(const struct command *command, const struct conf *conf,
                    const struct images *images, const char *kernels)
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        status = replay_all(command, conf, images, kernels);
        bool lost = fflush(stdout) != 0;
        _exit(lost ? EX_IOERR : status);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0 && WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "cervigate replay: the process that recomputes %s\n",
            pid > 0 ? "died" : "could not be made");
    return EX_SOFTWARE;
}

static int replay_sets(const struct command *command, const struct conf *conf,
                       const struct images *images)
{
    int worst = 0;
    if (images->count == 0)
        fprintf(stderr, "cervigate replay: no image of it was judged: nothing to recompute\n");
    for (size_t i = 0; i < images->count; i++) {
        size_t first = 0;
        while (strcmp(images->list[first].kernels, images->list[i].kernels) != 0)
            first++;
        if (first == i)
            worst = worse(worst, in_child(command, conf, images, images->list[i].kernels));
    }
    return worst;
}

int admin_replay(int argc, char **argv)
{
    struct command command;
    struct images images = {.count = 0};
    struct conf *conf;
    struct store *store = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    if (command.count != 1 || !dx_uid_is_valid(command.words[0]))
        return command_misused(usage,
                               "the UID of a result is expected: digits and dots, at most 64");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    status = load(store, command.words[0], &images);
    store_close(store); /* never carried across fork */
    if (status == 0)
        status = replay_sets(&command, conf, &images);
    images_finish(&images);
    conf_destroy(conf);
    return status;
}
