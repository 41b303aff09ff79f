#include "replay.h"

#include "build_id.h"
#include "nn_kernel_set.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

const char *replay_end_name(enum replay_end end)
{
    static const char *const names[] = {"equal",         "different",     "input-changed",
                                        "input-removed", "model-changed", "failed"};
    return names[end];
}

/* ---- models ---- */

/* "avx2, OpenBLAS ...": scores depend on the first part alone, OpenBLAS computes training. */
static void own_part(const char *kernels, char *name, size_t size)
{
    (void)snprintf(name, size, "%.*s", (int)strcspn(kernels, ","), kernels);
}

static int open_model(struct replayer *r, int m)
{
    struct nn_error err = {0};
    if (nn_model_open(r->conf->models[m], &r->model[m], &err) != NN_OK ||
        nn_judge_create(r->model[m], r->pool, &r->judge[m], &err) != NN_OK) {
        fprintf(stderr, "cervigate replay: model %s: %s\n", r->conf->models[m], err.text);
        return EX_CONFIG;
    }
    return 0;
}

int replayer_open(struct replayer *r, const struct conf *conf, const char *kernels)
{
    char error[256] = "";
    *r = (struct replayer){.conf = conf};
    own_part(kernels, r->wanted, sizeof r->wanted);
    if (r->wanted[0] && setenv("CERVIGATE_KERNELS", r->wanted, 1) != 0)
        return EX_SOFTWARE;
    int status = image_reader_open(&r->reader, error, sizeof error);
    if (status != 0) {
        fprintf(stderr, "cervigate replay: %s\n", error);
        return EX_SOFTWARE;
    }
    object_limits_of(&conf->limits, &r->reader.limits);
    r->forced = r->wanted[0] && strcmp(nn_kernel_name(), r->wanted) == 0;
    r->pool = nn_pool_create(conf->threads > 0 ? conf->threads : 1);
    if (!r->pool)
        return EX_SOFTWARE;
    for (int m = 0; status == 0 && m < (int)conf->model_count; m++) {
        r->models = m + 1;
        status = open_model(r, m);
    }
    return status;
}

void replayer_close(struct replayer *r)
{
    for (int m = 0; m < r->models; m++)
        nn_judge_destroy(r->judge[m]);
    nn_pool_destroy(r->pool);
    for (int m = 0; m < r->models; m++)
        nn_model_close(r->model[m]);
    image_reader_close(&r->reader);
}

static int find_model(const struct replayer *r, const char *digest)
{
    for (int m = 0; m < r->models; m++)
        if (strcmp(nn_model_info(r->model[m])->digest, digest) == 0)
            return m;
    return -1;
}

/* ---- the image ---- */

static void say(struct replay *replay, enum replay_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct replay *replay, enum replay_end end, const char *format, ...)
{
    va_list args;
    replay->end = end;
    va_start(args, format);
    (void)vsnprintf(replay->detail, sizeof replay->detail, format, args);
    va_end(args);
}

static bool same_pixels(const struct dx_grey *grey, const char *digest)
{
    char now[DX_DIGEST_MAX];
    return dx_sha256_pixels(grey->rows, grey->cols, grey->pixels, now) && strcmp(now, digest) == 0;
}

static bool decode(struct replayer *r, const struct replay_image *image, int fd,
                   struct dx_grey *grey, struct replay *replay)
{
    struct zygote_object object;
    enum zygote_end end = zygote_open(r->reader.zygote, fd, &r->reader.limits, NULL, &object);
    bool good = false;
    if (end == ZYGOTE_OK && strcmp(object.scan.digest, image->instance.digest) != 0) {
        say(replay, REPLAY_INPUT_CHANGED, "the stored file is not the one that was received");
    } else if (end != ZYGOTE_OK || (end = zygote_decode(&object, 0, grey)) != ZYGOTE_OK) {
        say(replay, end == ZYGOTE_REFUSED ? REPLAY_INPUT_CHANGED : REPLAY_FAILED,
            "it cannot be decoded now: %.200s", object.text);
    } else if (!same_pixels(grey, image->judgement.pixel_digest)) {
        say(replay, REPLAY_INPUT_CHANGED, "it decodes to other pixels than it did");
    } else {
        good = true;
    }
    zygote_close(&object);
    return good;
}

static bool read_plane(struct replayer *r, const struct replay_image *image, struct nn_plane *plane,
                       struct replay *replay)
{
    char path[4096];
    struct dx_grey grey = {0};
    node_path(r->conf, path, sizeof path, "%s", image->instance.path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        say(replay, REPLAY_INPUT_REMOVED,
            "the received object was removed from the spool; its digest was %s",
            image->instance.digest);
        return false;
    }
    if (fd < 0) {
        say(replay, REPLAY_FAILED, "%.200s: %s", path, strerror(errno));
        return false;
    }
    bool done = decode(r, image, fd, &grey, replay);
    close(fd);
    if (done && !image_plane_of(&grey, plane)) {
        say(replay, REPLAY_FAILED, "out of memory");
        done = false;
    }
    dx_grey_finish(&grey);
    return done;
}

/* ---- compared ---- */

static double largest_difference(const struct replay *replay, bool *same_bits)
{
    double largest = 0;
    *same_bits = true;
    for (int i = 0; i < replay->classes; i++) {
        *same_bits &= memcmp(&replay->stored[i], &replay->now[i], sizeof *replay->now) == 0;
        largest = fmax(largest, fabs(replay->stored[i] - replay->now[i]));
    }
    return largest;
}

/* The node's program is another than this one; of one build are those that lie side by side. */
static void tell_build(const struct replay *replay, char *text, size_t size)
{
    char path[4096], build[64];
    static const char name[] = "/cervigated";
    text[0] = '\0';
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof name);
    if (length <= 0 || !replay->was.build[0])
        return;
    path[length] = '\0';
    memcpy(strrchr(path, '/'), name, sizeof name);
    build_id_of(path, build, sizeof build);
    if (strcmp(build, "unknown") != 0 && strcmp(build, replay->was.build) != 0)
        (void)snprintf(text, size, "; this is build %.16s, it was %.16s", build, replay->was.build);
}

static void compare(const struct replayer *r, struct replay *replay)
{
    bool same_bits;
    char than[96];
    double largest = largest_difference(replay, &same_bits);
    tell_build(replay, than, sizeof than);
    if (same_bits)
        say(replay, REPLAY_EQUAL, "equal to the bit on %s%s", nn_kernel_name(), than);
    else if (r->forced)
        say(replay, REPLAY_DIFFERENT, "different by %.3g on %s%s", largest, nn_kernel_name(), than);
    else if (r->wanted[0])
        say(replay, largest <= REPLAY_TOLERANCE ? REPLAY_EQUAL : REPLAY_DIFFERENT,
            "this processor lacks %s; on %s the largest difference is %.3g (1e-4 is allowed)%s",
            r->wanted, nn_kernel_name(), largest, than);
    else
        say(replay, largest <= REPLAY_TOLERANCE ? REPLAY_EQUAL : REPLAY_DIFFERENT,
            "the kernel set was not recorded; on %s the largest difference is %.3g (1e-4 is "
            "allowed)%s",
            nn_kernel_name(), largest, than);
}

void replay_image(struct replayer *r, const struct replay_image *image, int model,
                  struct replay *replay)
{
    struct nn_error err = {0};
    struct nn_plane plane = {0};
    struct nn_judgement scores;
    const struct opinion *opinion = &image->judgement.opinion[model];
    *replay = (struct replay){.model = model, .classes = opinion->classes};
    memcpy(replay->stored, opinion->score, sizeof replay->stored);
    report_recall(image->attrs, model, &replay->was);
    int m = find_model(r, opinion->model_digest);
    if (m < 0 || nn_model_info(r->model[m])->classes != opinion->classes) {
        say(replay, REPLAY_MODEL_CHANGED,
            "model %s %s (digest %.16s) judged it; the configuration has another one now",
            replay->was.name, replay->was.version, opinion->model_digest);
        return;
    }
    if (!read_plane(r, image, &plane, replay))
        return;
    if (nn_judge_plane(r->judge[m], plane.pixels, plane.rows, plane.cols, &scores, &err) == NN_OK) {
        for (int i = 0; i < opinion->classes; i++)
            replay->now[i] = (double)scores.score[i];
        compare(r, replay);
    } else {
        say(replay, err.status == NN_NO_MEMORY ? REPLAY_FAILED : REPLAY_DIFFERENT, "network: %s",
            err.text);
    }
    nn_plane_finish(&plane);
}
