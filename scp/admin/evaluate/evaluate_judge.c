/* evaluate_judge.c: every image of a part through the node's own path (predict.h). */
#include "clock.h"
#include "evaluate.h"
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

void evaluate_progress_begin(struct evaluate_progress *progress, const char *what)
{
    *progress = (struct evaluate_progress){
        .what = what, .begin_ms = clock_monotonic_ms(), .terminal = isatty(STDERR_FILENO) == 1};
    progress->told_ms = progress->begin_ms;
}

void evaluate_progress_show(struct evaluate_progress *progress, size_t done, size_t count)
{
    int64_t now = clock_monotonic_ms(), every = progress->terminal ? 100 : 10000;
    bool last = done == count;
    if (count == 0 || (!last && now - progress->told_ms < every))
        return;
    progress->told_ms = now;
    double rate = (double)done * 1000 / (double)(now - progress->begin_ms + 1);
    long eta = rate > 0 ? (long)((double)(count - done) / rate) : 0;
    int filled = (int)(20 * done / count);
    if (progress->terminal)
        fprintf(stderr, "\r\033[K[%.*s%.*s] %s %zu/%zu %.1f/s ETA %ld:%02ld:%02ld%s", filled,
                "####################", 20 - filled, "                    ", progress->what, done,
                count, rate, eta / 3600, eta / 60 % 60, eta % 60, last ? "\n" : "");
    else
        fprintf(stderr, "%s: %zu of %zu images, %.1f/s, ETA %ld:%02ld:%02ld\n", progress->what,
                done, count, rate, eta / 3600, eta / 60 % 60, eta % 60);
}

static int judge_one(struct predictor *predictor, struct nn_judge *rival,
                     struct evaluate_image *image, char *error, size_t error_size)
{
    struct prediction p;
    struct nn_judgement other = {0};
    struct nn_error err = {0};
    int status = predict_file(predictor, image->item->path, &p, error, error_size);
    if (status == EX_NOINPUT) /* a file that is not there is an image without an answer */
        status = 0;
    if (status == 0 && p.judged && rival &&
        nn_judge_plane(rival, p.plane.pixels, p.plane.rows, p.plane.cols, &other, &err) != NN_OK) {
        snprintf(error, error_size, "%s: second model: %s", image->item->path, err.text);
        status = EX_DATAERR;
    }
    if (status == 0) {
        image->judged = p.judged;
        image->top = p.scores.top;
        image->rival_top = other.top;
        image->rows = p.plane.rows;
        image->cols = p.plane.cols;
        memcpy(image->score, p.scores.score, sizeof image->score);
        memcpy(image->rival, other.score, sizeof image->rival);
        snprintf(image->reason, sizeof image->reason, "%.31s", p.judged ? "" : p.reason);
        snprintf(image->detail, sizeof image->detail, "%.127s", p.judged ? "" : p.detail);
    }
    nn_plane_finish(&p.plane);
    return status;
}

int evaluate_judge(struct predictor *predictor, struct nn_judge *rival, const struct data_set *set,
                   const size_t *index, size_t count, const char *what,
                   struct evaluate_images *images, char *error, size_t error_size)
{
    struct evaluate_progress progress;
    int status = 0;
    *images = (struct evaluate_images){0};
    images->image = calloc(count ? count : 1, sizeof *images->image);
    if (!images->image) {
        snprintf(error, error_size, "no memory for %zu images", count);
        return EX_OSERR;
    }
    images->count = count;
    evaluate_progress_begin(&progress, what);
    for (size_t i = 0; status == 0 && i < count; i++) {
        images->image[i].item = &set->items[index[i]];
        status = judge_one(predictor, rival, &images->image[i], error, error_size);
        evaluate_progress_show(&progress, i + 1, count);
    }
    return status;
}

void evaluate_images_finish(struct evaluate_images *images)
{
    free(images->image);
    *images = (struct evaluate_images){0};
}

void evaluate_call(struct evaluate_images *images, const struct nn_model_info *model,
                   const double *point)
{
    for (size_t i = 0; i < images->count; i++) {
        struct evaluate_image *image = &images->image[i];
        image->called = false;
        for (int c = 0; image->judged && c < model->classes; c++)
            if (model->class_[c].finding && (double)image->score[c] >= point[c])
                image->called = true;
    }
}
