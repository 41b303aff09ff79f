#include "phantom_files.h"
#include "clock.h"
#include "phantom_dicom.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define WINDOW     512  /* phantoms that may be drawn before the slowest is written down */
#define LINE_BYTES 2048 /* of the manifest: two lines with --twins */

struct work {
    const struct phantom_options *options;
    FILE *manifest;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    long next, written;  /* numbers: to be drawn; up to here the manifest is written */
    long drawn[3];       /* of each class, when the numbers are exact */
    char *line[WINDOW];  /* of phantom i at i % WINDOW, when it is drawn */
    struct nn_error err; /* the first failure: everybody stops */
    bool terminal;
    int64_t begin_ms;
};

static const char header[] =
    "file,class,patient,age,sex,level,lesion,variant,translation_mm,angulation_deg,"
    "height_loss_percent,gap_mm,contrast_to_noise,subtlety,x0,y0,x1,y1,subject,configuration,"
    "mm_per_pixel,facing,flexion_deg,turn_deg,c2_x,c2_y,c7_x,c7_y,mask,c7_t1\n";

/* [0, 1] as eight bits. */
static bool write_png(const char *path, const struct nn_plane *plane, struct nn_error *err)
{
    size_t count = (size_t)plane->rows * (size_t)plane->cols;
    uint8_t *pixels = malloc(count);

    if (!pixels) {
        (void)nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        float value = plane->pixels[i] < 0 ? 0 : plane->pixels[i] > 1 ? 1 : plane->pixels[i];
        pixels[i] = (uint8_t)(value * 255.0f + 0.5f);
    }
    enum nn_status status = nn_image_write_png(path, pixels, plane->rows, plane->cols, 1, err);
    free(pixels);
    return status == NN_OK;
}

static bool make_folder(const char *path, struct nn_error *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    (void)nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
    return false;
}

/* Where a phantom's files lie; `file` and `mask` point behind OUT/. */
struct place {
    char folder[PATH_MAX], path[PATH_MAX], mask_path[PATH_MAX];
    const char *file, *mask;
};

static void find_place(const struct phantom_options *o, const struct nn_phantom_truth *t,
                       uint64_t index, bool twin, struct place *place)
{
    bool lateral = t->subject == NN_PHANTOM_LATERAL;
    int start = (int)strlen(o->out) + 1;

    snprintf(place->folder, sizeof place->folder, "%.*s/%s%s", start, o->out,
             lateral ? "c-spine_" : "",
             lateral ? nn_phantom_class_name(t->class_) : nn_phantom_subject_name(t->subject));
    int length = (int)strlen(place->folder);
    snprintf(place->path, sizeof place->path, "%.*s/phantom_%ld_%llu%s.%s", length, place->folder,
             o->seed, (unsigned long long)index, twin ? "_twin" : "",
             o->format == PHANTOM_DICOM ? "dcm" : "png");
    snprintf(place->mask_path, sizeof place->mask_path, "%.*s/masks/phantom_%ld_%llu_mask.png",
             start, o->out, o->seed, (unsigned long long)index);
    place->file = place->path + start;
    place->mask = o->masks && t->class_ != NN_PHANTOM_NORMAL ? place->mask_path + start : "";
}

static int describe(char *line, size_t size, const struct place *place, int configuration,
                    const struct nn_phantom_truth *t)
{
    char level[8] = "", subtlety[16] = "";

    if (t->class_ != NN_PHANTOM_NORMAL) {
        snprintf(level, sizeof level, "C%d", t->level);
        snprintf(subtlety, sizeof subtlety, "%.4f", t->subtlety);
    }
    return snprintf(
        line, size,
        "%s,%s,%llu,%d,%c,%s,%s,%s,%.2f,%.2f,%.2f,%.2f,%.3f,%s,%.1f,%.1f,%.1f,%.1f,%s,%d,"
        "%.4f,%s,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%s,%s\n",
        place->file, nn_phantom_class_name(t->class_), (unsigned long long)t->patient, t->age,
        t->sex, level, t->lesion, t->variant, t->translation_mm, t->angulation_deg,
        t->height_loss_percent, t->gap_mm, t->contrast_to_noise, subtlety, t->box[0], t->box[1],
        t->box[2], t->box[3], nn_phantom_subject_name(t->subject), configuration, t->mm_per_pixel,
        t->mm_per_pixel == 0 ? ""
        : t->facing_left     ? "left"
                             : "right",
        t->flexion_deg, t->turn_deg, t->c2[0], t->c2[1], t->c7[0], t->c7[1], place->mask,
        t->subject != NN_PHANTOM_LATERAL && t->subject != NN_PHANTOM_LATERAL_SHORT ? ""
        : t->c7_t1                                                                 ? "yes"
                                                                                   : "no");
}

static bool write_image(const struct phantom_options *o, const struct place *place, uint64_t index,
                        const struct nn_plane *plane, const struct nn_phantom_truth *truth,
                        struct nn_error *err)
{
    if (o->format == PHANTOM_PNG)
        return write_png(place->path, plane, err);
    struct phantom_header dicom = {
        .seed = (uint64_t)o->seed, .index = index, .device = index, .careless = o->careless};
    return phantom_dicom_write(place->path, plane, truth, &dicom, err);
}

/* One phantom, or its uninjured twin; appends its line of the manifest. */
static bool draw_one(const struct phantom_options *o, const struct nn_phantom_settings *settings,
                     uint64_t index, bool twin, char line[LINE_BYTES], struct nn_error *err)
{
    struct nn_plane plane = {0}, mask = {0};
    struct nn_phantom_truth t;
    struct place place;
    size_t length = strlen(line);

    /* Contrast to noise is known with the mask only. */
    enum nn_status status = twin ? nn_phantom_draw_twin(settings, index, &plane, &t, err)
                                 : nn_phantom_draw(settings, index, &plane, &mask, &t, err);
    bool done = status == NN_OK;
    if (done) {
        find_place(o, &t, index, twin, &place);
        done =
            make_folder(place.folder, err) && write_image(o, &place, index, &plane, &t, err) &&
            (place.mask[0] == '\0' || write_png(place.mask_path, &mask, err)) &&
            describe(line + length, LINE_BYTES - length, &place, settings->configuration, &t) > 0;
    }
    nn_plane_finish(&plane);
    nn_plane_finish(&mask);
    return done;
}

/* One line that is redrawn on a terminal; a line every 500 phantoms elsewhere. */
static void show_progress(const struct work *work)
{
    long done = work->written, count = work->options->count;
    double seconds = (double)(clock_monotonic_ms() - work->begin_ms + 1) / 1000;
    double rate = (double)done / seconds;
    long eta = (long)((double)(count - done) / rate);
    int filled = (int)(20 * done / count);

    if (work->terminal)
        fprintf(stderr, "\r\033[K[%.*s%.*s] %ld/%ld phantoms %.1f/s ETA %ld:%02ld:%02ld%s", filled,
                "####################", 20 - filled, "                    ", done, count, rate,
                eta / 3600, eta / 60 % 60, eta % 60, done == count ? "\n" : "");
    else if (done % 500 == 0 || done == count)
        fprintf(stderr, "%ld of %ld phantoms, %.1f/s, ETA %ld:%02ld:%02ld\n", done, count, rate,
                eta / 3600, eta / 60 % 60, eta % 60);
}

/* With exact numbers: the class of phantom i is the one that is furthest behind its share. */
static void take_class(const struct phantom_options *o, long i, long drawn[3], double prevalence[3])
{
    int next = 0;
    double most = -(double)o->count;

    if (o->parts[0] < 0 || o->parts[1] < 0 || o->parts[2] < 0 ||
        o->parts[0] + o->parts[1] + o->parts[2] != o->count)
        return;
    for (int c = 0; c < 3; c++) {
        double behind = o->prevalence[c] * (double)(i + 1) - (double)drawn[c];
        if (drawn[c] < o->parts[c] && behind > most) {
            most = behind;
            next = c;
        }
    }
    drawn[next]++;
    for (int c = 0; c < 3; c++)
        prevalence[c] = c == next;
}

/* The next number and its settings; -1 when there is nothing more to do. Holds the lock. */
static long take_number(struct work *work, struct nn_phantom_settings *settings)
{
    const struct phantom_options *o = work->options;

    while (work->err.status == NN_OK && work->next < o->count &&
           work->next >= work->written + WINDOW)
        pthread_cond_wait(&work->moved, &work->lock);
    if (work->err.status != NN_OK || work->next == o->count)
        return -1;
    long i = work->next++;
    *settings = phantom_options_settings(o, (uint64_t)i);
    take_class(o, i, work->drawn, settings->prevalence);
    return i;
}

/* Writes down what is complete up to the first gap. Holds the lock. */
static void write_down(struct work *work)
{
    char **line;

    while (work->err.status == NN_OK && *(line = &work->line[work->written % WINDOW])) {
        if (fputs(*line, work->manifest) == EOF)
            (void)nn_fail(&work->err, NN_IO, "manifest.csv: %s", strerror(errno));
        free(*line);
        *line = NULL;
        work->written++;
        show_progress(work);
    }
    pthread_cond_broadcast(&work->moved);
}

static void *draw_some(void *context)
{
    struct work *work = context;
    struct nn_phantom_settings settings;
    long i;

    pthread_mutex_lock(&work->lock);
    while ((i = take_number(work, &settings)) >= 0) {
        pthread_mutex_unlock(&work->lock);
        struct nn_error err = {0};
        struct nn_phantom_truth truth;
        char *line = calloc(1, LINE_BYTES);
        nn_phantom_truth(&settings, (uint64_t)i, &truth);
        bool twin = work->options->twins && truth.class_ != NN_PHANTOM_NORMAL;
        bool done =
            line ? draw_one(work->options, &settings, (uint64_t)i, false, line, &err) &&
                       (!twin || draw_one(work->options, &settings, (uint64_t)i, true, line, &err))
                 : nn_fail(&err, NN_NO_MEMORY, "no memory") == NN_OK;
        pthread_mutex_lock(&work->lock);
        if (done) {
            work->line[i % WINDOW] = line;
        } else {
            free(line);
            if (work->err.status == NN_OK)
                work->err = err;
        }
        write_down(work);
    }
    pthread_cond_broadcast(&work->moved);
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

static int draw_all(struct work *work)
{
    pthread_t thread[256];
    long threads = 0;

    fputs(header, work->manifest);
    while (threads + 1 < work->options->threads && threads < 255 &&
           pthread_create(&thread[threads], NULL, draw_some, work) == 0)
        threads++;
    draw_some(work);
    while (threads > 0)
        pthread_join(thread[--threads], NULL);
    for (int i = 0; i < WINDOW; i++)
        free(work->line[i]);
    if (work->err.status == NN_OK)
        return EX_OK;
    fprintf(stderr, "%scervigate phantom: %s\n", work->terminal && work->written > 0 ? "\n" : "",
            work->err.text);
    return work->err.status == NN_IO ? EX_IOERR : EX_SOFTWARE;
}

int phantom_files(const struct phantom_options *o)
{
    struct work work = {.options = o,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .moved = PTHREAD_COND_INITIALIZER,
                        .terminal = isatty(STDERR_FILENO) == 1,
                        .begin_ms = clock_monotonic_ms()};
    struct nn_error err = {0};
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/masks", o->out);
    if ((o->format == PHANTOM_DICOM && !phantom_dicom_begin(&err)) || !make_folder(o->out, &err) ||
        (o->masks && !make_folder(path, &err))) {
        fprintf(stderr, "cervigate phantom: %s\n", err.text);
        return EX_CANTCREAT;
    }
    snprintf(path, sizeof path, "%s/manifest.csv", o->out);
    work.manifest = fopen(path, "we");
    if (!work.manifest) {
        fprintf(stderr, "cervigate phantom: %s: %s\n", path, strerror(errno));
        return EX_CANTCREAT;
    }
    int status = draw_all(&work);
    if (fclose(work.manifest) != 0 && status == EX_OK) {
        fprintf(stderr, "cervigate phantom: %s: %s\n", path, strerror(errno));
        status = EX_IOERR;
    }
    return status;
}
