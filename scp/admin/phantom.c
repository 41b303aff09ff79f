/* phantom.c: `cervigate phantom` (cli.md): a folder of synthetic lateral radiographs.
 *
 * OUT/c-spine_CLASS/phantom_SEED_INDEX.ENDING and OUT/manifest.csv, which says what was drawn.
 * A format is one row of `formats`. */
#include "phantom/phantom.h"
#include "admin.h"
#include "clock.h"
#include "phantom_dicom.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct options {
    const char *out;
    long count, seed, size;
    double prevalence[3];
    long parts[3]; /* as asked for, when whole: they are exact numbers when they sum to count */
    const struct format *format;
    bool twins, help;
};

/* Writes one drawn phantom to path; false with a sentence in err. */
struct format {
    const char *name, *ending;
    bool (*write)(const char *path, const struct nn_plane *plane,
                  const struct nn_phantom_truth *truth, struct nn_error *err);
};

static bool write_png(const char *path, const struct nn_plane *plane,
                      const struct nn_phantom_truth *truth, struct nn_error *err)
{
    size_t count = (size_t)plane->rows * (size_t)plane->cols;
    uint8_t *pixels = malloc(count);

    (void)truth;
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

static const struct format formats[] = {{"png", "png", write_png},
                                        {"dicom", "dcm", phantom_dicom_write}};

static const char usage_text[] =
    "usage: cervigate phantom --out DIR --count N --seed S\n"
    "\n"
    "Draws synthetic lateral cervical radiographs, one folder a class, and manifest.csv.\n"
    "\n"
    "  --out DIR           created when it does not exist\n"
    "  --count N           how many\n"
    "  --seed S            the same seed draws the same phantoms (1)\n"
    "  --format F          png, or dicom: DX images of synthetic patients (png)\n"
    "  --prevalence D,F,N  parts of dislocation, fracture and normal (1,1,1); chances, or exact\n"
    "                      numbers when they sum to --count (530,772,707 of 2009)\n"
    "  --size PX           rows and columns (704)\n"
    "  --twins             beside every injured phantom the same patient uninjured\n";

static bool whole(const char *name, const char *text, long low, long high, long *to)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
        fprintf(stderr, "cervigate phantom: --%s %s: a number from %ld to %ld is expected\n", name,
                text, low, high);
        return false;
    }
    *to = value;
    return true;
}

static bool take_prevalence(const char *text, double to[3], long parts[3])
{
    const char *at = text;
    double sum = 0;

    for (int i = 0; i < 3; i++) {
        char *end;
        to[i] = strtod(at, &end);
        bool separated = *end == (i < 2 ? ',' : '\0');
        if (end == at || !separated || !(to[i] >= 0 && to[i] <= 1e6)) {
            fprintf(stderr, "cervigate phantom: --prevalence %s: D,F,N is expected\n", text);
            return false;
        }
        sum += to[i];
        parts[i] = to[i] >= (double)(long)to[i] && to[i] <= (double)(long)to[i] ? (long)to[i] : -1;
        at = end + 1;
    }
    if (!(sum > 0)) {
        fprintf(stderr, "cervigate phantom: --prevalence %s: all parts are 0\n", text);
        return false;
    }
    for (int i = 0; i < 3; i++)
        to[i] /= sum;
    return true;
}

static bool take_format(const char *text, const struct format **to)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, text) == 0) {
            *to = &formats[i];
            return true;
        }
    }
    fprintf(stderr, "cervigate phantom: --format %s: not a format that this build writes\n", text);
    return false;
}

static bool take_option(struct options *o, int option)
{
    switch (option) {
    case 'o':
        o->out = optarg;
        return true;
    case 'n':
        return whole("count", optarg, 1, 100000000, &o->count);
    case 's':
        return whole("seed", optarg, 0, LONG_MAX, &o->seed);
    case 'z':
        return whole("size", optarg, 64, 4096, &o->size);
    case 'p':
        return take_prevalence(optarg, o->prevalence, o->parts);
    case 'f':
        return take_format(optarg, &o->format);
    case 't':
        o->twins = true;
        return true;
    case 'h':
        o->help = true;
        return true;
    default:
        return false;
    }
}

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option long_options[] = {{"out", required_argument, NULL, 'o'},
                                                 {"count", required_argument, NULL, 'n'},
                                                 {"seed", required_argument, NULL, 's'},
                                                 {"size", required_argument, NULL, 'z'},
                                                 {"prevalence", required_argument, NULL, 'p'},
                                                 {"format", required_argument, NULL, 'f'},
                                                 {"twins", no_argument, NULL, 't'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;

    *o = (struct options){
        .seed = 1, .size = 704, .format = &formats[0], .prevalence = {1.0 / 3, 1.0 / 3, 1.0 / 3}};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (!take_option(o, option))
            return false;
    }
    if (o->help)
        return true;
    if (optind < argc || !o->out || o->count == 0) {
        fprintf(stderr, "cervigate phantom: %s\n",
                optind < argc ? "an argument too many" : "--out and --count are needed");
        return false;
    }
    return strlen(o->out) < PATH_MAX - 128;
}

static bool make_folders(const struct options *o)
{
    char path[PATH_MAX];

    if (mkdir(o->out, 0777) != 0 && errno != EEXIST)
        return false;
    for (int c = 0; c < 3; c++) {
        snprintf(path, sizeof path, "%s/c-spine_%s", o->out,
                 nn_phantom_class_name((enum nn_phantom_class)c));
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

/* One phantom, or its uninjured twin, and its line of the manifest. */
static bool draw_one(const struct options *o, const struct nn_phantom_settings *settings,
                     uint64_t index, bool twin, FILE *manifest, struct nn_error *err)
{
    struct nn_plane plane = {0};
    struct nn_phantom_truth t;
    char path[PATH_MAX];

    enum nn_status status = twin ? nn_phantom_draw_twin(settings, index, &plane, &t, err)
                                 : nn_phantom_draw(settings, index, &plane, &t, err);
    if (status != NN_OK)
        return false;
    const char *class_ = nn_phantom_class_name(t.class_);
    int start = snprintf(path, sizeof path, "%s/", o->out);
    snprintf(path + start, sizeof path - (size_t)start, "c-spine_%s/phantom_%ld_%06llu%s.%s",
             class_, o->seed, (unsigned long long)index, twin ? "_twin" : "", o->format->ending);
    bool done = o->format->write(path, &plane, &t, err);
    if (done)
        fprintf(manifest, "%s,%s,%llu,%d,%c,%d,%s,%.2f,%.2f,%.2f,%.2f,%.4f,%.1f,%.1f,%.1f,%.1f\n",
                path + start, class_, (unsigned long long)t.patient, t.age, t.sex, t.level,
                t.lesion, t.translation_mm, t.angulation_deg, t.height_loss_percent, t.gap_mm,
                t.subtlety, t.box[0], t.box[1], t.box[2], t.box[3]);
    nn_plane_finish(&plane);
    return done;
}

/* One line that is redrawn on a terminal; a line every 500 phantoms elsewhere. */
static void show_progress(bool terminal, long done, long count, int64_t begin_ms)
{
    double seconds = (double)(clock_monotonic_ms() - begin_ms + 1) / 1000;
    double rate = (double)done / seconds;
    long eta = (long)((double)(count - done) / rate);
    int filled = (int)(20 * done / count);

    if (terminal)
        fprintf(stderr, "\r\033[K[%.*s%.*s] %ld/%ld phantoms %.1f/s ETA %ld:%02ld:%02ld%s", filled,
                "####################", 20 - filled, "                    ", done, count, rate,
                eta / 3600, eta / 60 % 60, eta % 60, done == count ? "\n" : "");
    else if (done % 500 == 0 || done == count)
        fprintf(stderr, "%ld of %ld phantoms, %.1f/s, ETA %ld:%02ld:%02ld\n", done, count, rate,
                eta / 3600, eta / 60 % 60, eta % 60);
}

/* With exact numbers: the class of phantom i is the one that is furthest behind its share. */
static void take_class(const struct options *o, long i, long drawn[3], double prevalence[3])
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

static int draw_all(const struct options *o, FILE *manifest)
{
    long drawn[3] = {0};
    struct nn_phantom_settings settings = {
        .seed = (uint64_t)o->seed, .rows = (int)o->size, .cols = (int)o->size};
    bool terminal = isatty(STDERR_FILENO) == 1;
    int64_t begin = clock_monotonic_ms();
    struct nn_error err = {0};

    memcpy(settings.prevalence, o->prevalence, sizeof settings.prevalence);
    fputs("file,class,patient,age,sex,level,lesion,translation_mm,angulation_deg,"
          "height_loss_percent,gap_mm,subtlety,x0,y0,x1,y1\n",
          manifest);
    for (long i = 0; i < o->count; i++) {
        struct nn_phantom_truth truth;
        take_class(o, i, drawn, settings.prevalence);
        nn_phantom_truth(&settings, (uint64_t)i, &truth);
        bool twin = o->twins && truth.class_ != NN_PHANTOM_NORMAL;
        if (!draw_one(o, &settings, (uint64_t)i, false, manifest, &err) ||
            (twin && !draw_one(o, &settings, (uint64_t)i, true, manifest, &err))) {
            fprintf(stderr, "cervigate phantom: %s\n", err.text);
            return err.status == NN_IO ? EX_IOERR : EX_SOFTWARE;
        }
        show_progress(terminal, i + 1, o->count, begin);
    }
    return EX_OK;
}

int admin_phantom(int argc, char **argv)
{
    struct options o;
    char path[PATH_MAX];

    if (!parse(argc, argv, &o)) {
        fputs(usage_text, stderr);
        return EX_USAGE;
    }
    if (o.help) {
        fputs(usage_text, stdout);
        return EX_OK;
    }
    if (!make_folders(&o)) {
        fprintf(stderr, "cervigate phantom: cannot create folders in %s: %s\n", o.out,
                strerror(errno));
        return EX_CANTCREAT;
    }
    snprintf(path, sizeof path, "%s/manifest.csv", o.out);
    FILE *manifest = fopen(path, "we");
    if (!manifest) {
        fprintf(stderr, "cervigate phantom: %s: %s\n", path, strerror(errno));
        return EX_CANTCREAT;
    }
    int status = draw_all(&o, manifest);
    if (fclose(manifest) != 0 && status == EX_OK) {
        fprintf(stderr, "cervigate phantom: %s: %s\n", path, strerror(errno));
        status = EX_IOERR;
    }
    return status;
}
