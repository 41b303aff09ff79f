/* evaluate_protocol.c: the decisions, written down and sealed before the test part is opened.
 *
 * The file is lines "key = value" and ends with "sha256 = " over every byte before that line. The
 * seal shows a change that nobody owned up to only if the hash is kept elsewhere too (printed,
 * signed, mailed): it is in the report's head for that. Unknown, missing and doubled keys are
 * refused. Numbers are written so that they come back to the last bit. */
#include "build_id.h"
#include "clock.h"
#include "evaluate.h"
#include "evaluate_protocol_text.h"
#include "nn_kernel_set.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static void add(struct evaluate_protocol *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct evaluate_protocol *p, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(p->text);
    va_start(arguments, format);
    vsnprintf(p->text + used, sizeof p->text - used, format, arguments);
    va_end(arguments);
}

/* ---- writing ---- */

/* In as few digits as come back to the same number. */
static void add_number(struct evaluate_protocol *p, const char *key, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.15g", value);
    double back = strtod(text, NULL);
    if (back < value || back > value)
        snprintf(text, sizeof text, "%.17g", value);
    add(p, "%s = %s\n", key, text);
}

/* Data are named by what they are; a line break in a folder's name must not make a line here. */
static void add_words(struct evaluate_protocol *p, const char *key, const char *words)
{
    size_t start = strlen(p->text);
    add(p, "%s = %s", key, words);
    for (char *at = p->text + start; *at; at++)
        if ((unsigned char)*at < 0x20)
            *at = '?';
    add(p, "\n");
}

static void compose(struct evaluation *e, struct evaluate_protocol *p)
{
    static const char *const divisions[] = {"none: all images are the test part",
                                            "split.csv of the model", "column part of the data"};
    const struct evaluate_choice *c = &e->choice;
    size_t openings;
    char first[25];
    evaluate_openings_count(e->model->digest, e->parts.test_digest, NULL, &openings, first);
    p->text[0] = '\0';
    add(p, "format = cervigate-protocol-1\nwritten = %s\nbuild = %s\n", e->written, e->build);
    add_words(p, "model", e->model->name);
    add(p, "model-version = %s\nmodel-digest = %s\nweights-digest = %s\n", e->model->version,
        e->model->digest, e->model->weights_digest);
    add_words(p, "data", e->set->words);
    add(p, "data-digest = %s\ntest-digest = %s\ntest-images = %zu\nvalidation-images = %zu\n",
        e->set->digest, e->parts.test_digest, e->parts.tests, e->validation.count);
    add(p, "division = %s\nendpoint = any injury per study\n", divisions[e->parts.division]);
    for (int i = 0; i < e->model->classes; i++) {
        char key[80];
        snprintf(key, sizeof key, "point.%s", e->model->class_[i].name);
        if (e->model->class_[i].finding)
            add_number(p, key, c->point[i]);
    }
    add(p, "points-from = %s\n",
        c->points_chosen ? "validation part: the smallest score, not below 0.2, at which 95 % of "
                           "the uninjured stay silent"
                         : "model.xml");
    add_number(p, "temperature", c->temperature);
    add(p, "explanation = %s\n", c->method[0] ? c->method : "none");
    add_number(p, "hypothesis.sensitivity", c->sensitivity);
    add_number(p, "hypothesis.specificity", c->specificity);
    add(p, "hypothesis.rule = the lower limit of the two-sided interval is above it\n");
    add_number(p, "interval.level", c->bootstrap.level);
    add(p, "interval.draws = %d\ninterval.seed = %llu\n", c->bootstrap.draws,
        (unsigned long long)c->bootstrap.seed);
    add(p, "openings-before = %zu\ntrainer-measured = %s\n", openings,
        p->trainer_measured ? "yes" : "no");
    protocol_seal(p->text, strlen(p->text), p->digest);
    add(p, "%s%s\n", protocol_seal_key, p->digest);
}

/* New, whole and on the disk, or not there at all: link() fails where a name is taken. */
static int write_new(const char *path, const char *text, char *error, size_t error_size)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.partial.%ld", path, (long)getpid());
    int fd = length > 0 && length < (int)sizeof temporary
                 ? open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)
                 : -1;
    if (fd < 0) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        return EX_CANTCREAT;
    }
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
    written = close(fd) == 0 && written;
    if (!written || link(temporary, path) != 0) {
        snprintf(error, error_size, "%s: %s%s", path, strerror(errno),
                 errno == EEXIST ? "; a protocol is never overwritten" : "");
        unlink(temporary);
        return EX_CANTCREAT;
    }
    unlink(temporary);
    return 0;
}

int evaluate_protocol_lock(struct evaluation *e, char *error, size_t error_size)
{
    struct evaluate_protocol *p = &e->protocol;
    snprintf(p->path, sizeof p->path, "%s", e->options.protocol);
    p->trainer_measured = e->model->measured && e->parts.division == EVALUATE_SPLIT_CSV;
    compose(e, p);
    if (strlen(p->text) + 1 >= sizeof p->text) {
        snprintf(error, error_size, "%s: more than a protocol can hold", p->path);
        return EX_SOFTWARE;
    }
    int status = write_new(p->path, p->text, error, error_size);
    p->present = p->written_now = status == 0;
    return status;
}

/* ---- reading ---- */

static int read_text(struct evaluate_protocol *p, char *error, size_t error_size)
{
    FILE *file = fopen(p->path, "re");
    if (!file) {
        snprintf(error, error_size, "%s: %s%s", p->path, strerror(errno),
                 errno == ENOENT ? " (--lock writes it)" : "");
        return EX_NOINPUT;
    }
    size_t size = fread(p->text, 1, sizeof p->text - 1, file);
    bool all = feof(file) && !ferror(file);
    fclose(file);
    p->text[size] = '\0';
    if (all && strlen(p->text) == size)
        return 0;
    snprintf(error, error_size, "%s: not a protocol of this program", p->path);
    return EX_DATAERR;
}

static int check_seal(struct evaluate_protocol *p, char *error, size_t error_size)
{
    char sealed[65];
    switch (protocol_seal_check(p->text, p->digest, sealed)) {
    case PROTOCOL_SEALED:
        return 0;
    case PROTOCOL_UNSEALED:
        snprintf(
            error, error_size,
            "%s: not a protocol of this program, or cut: the last line is \"sha256 = \" and 64 "
            "digits",
            p->path);
        return EX_DATAERR;
    default:
        snprintf(error, error_size,
                 "%s: the text was changed after it was locked: SHA-256 is %.16s..., sealed was "
                 "%.16s...",
                 p->path, p->digest, sealed);
        return EX_DATAERR;
    }
}

static int wrong(const struct evaluate_protocol *p, const char *key, char *error, size_t error_size)
{
    snprintf(error, error_size, "%s: \"%s\" is missing, there twice, or not a value of its kind",
             p->path, key);
    return EX_DATAERR;
}

static int take_points(struct evaluation *e, char *error, size_t error_size)
{
    struct evaluate_choice *c = &e->choice;
    char key[80], value[256];
    for (int i = 0; i < e->model->classes; i++) {
        snprintf(key, sizeof key, "point.%s", e->model->class_[i].name);
        if (e->model->class_[i].finding &&
            !protocol_number(e->protocol.text, key, 0, 1, &c->point[i]))
            return wrong(&e->protocol, key, error, error_size);
    }
    if (!protocol_value(e->protocol.text, "points-from", value, sizeof value))
        return wrong(&e->protocol, "points-from", error, error_size);
    c->points_chosen = strncmp(value, "validation", 10) == 0;
    return 0;
}

static int take_values(struct evaluation *e, char *error, size_t error_size)
{
    struct evaluate_protocol *p = &e->protocol;
    struct evaluate_choice *c = &e->choice;
    double draws = 0, seed = 0, before = 0;
    const struct {
        const char *key;
        double low, high, *to;
    } numbers[] = {{"temperature", NN_TEMPERATURE_LOW, NN_TEMPERATURE_HIGH, &c->temperature},
                   {"hypothesis.sensitivity", 0, 1, &c->sensitivity},
                   {"hypothesis.specificity", 0, 1, &c->specificity},
                   {"interval.level", 0.5, 0.9999, &c->bootstrap.level},
                   {"interval.draws", 0, NN_DRAWS_MAX, &draws},
                   {"interval.seed", 0, 9e15, &seed},
                   {"openings-before", 0, 1e9, &before}};
    char value[64];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!protocol_number(p->text, numbers[i].key, numbers[i].low, numbers[i].high,
                             numbers[i].to))
            return wrong(p, numbers[i].key, error, error_size);
    c->bootstrap.draws = (int)draws;
    c->bootstrap.seed = (uint64_t)seed;
    p->openings_before = (size_t)before;
    if (!protocol_value(p->text, "written", p->written, sizeof p->written))
        return wrong(p, "written", error, error_size);
    if (!protocol_value(p->text, "explanation", c->method, sizeof c->method))
        return wrong(p, "explanation", error, error_size);
    if (!protocol_value(p->text, "trainer-measured", value, sizeof value))
        return wrong(p, "trainer-measured", error, error_size);
    p->trainer_measured = strcmp(value, "yes") == 0;
    return take_points(e, error, error_size);
}

/* What the run brings must be what was locked. */
static int compare(struct evaluation *e, char *error, size_t error_size)
{
    const struct {
        const char *key, *is, *what;
    } bound[] = {{"format", "cervigate-protocol-1", "format"},
                 {"model-digest", e->model->digest, "model"},
                 {"weights-digest", e->model->weights_digest, "model's weights"},
                 {"data-digest", e->set->digest, "data"},
                 {"test-digest", e->parts.test_digest, "test part"}};
    char value[128];
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
        if (!protocol_value(e->protocol.text, bound[i].key, value, sizeof value))
            return wrong(&e->protocol, bound[i].key, error, error_size);
        if (strcmp(value, bound[i].is) != 0) {
            snprintf(error, error_size,
                     "%s: the %s is not the one that was locked: %s is %.24s, "
                     "locked is %.24s",
                     e->protocol.path, bound[i].what, bound[i].key, bound[i].is, value);
            return EX_DATAERR;
        }
    }
    if (protocol_value(e->protocol.text, "build", value, sizeof value) &&
        strcmp(value, e->build) != 0)
        evaluate_note(
            e, "The protocol was locked by another build (%.60s); last digits may differ.", value);
    return 0;
}

static int compare_options(const struct evaluation *e, char *error, size_t error_size)
{
    const struct evaluate_options *o = &e->options;
    const struct evaluate_choice *c = &e->choice;
    const char *which = NULL;
    if (isfinite(o->sensitivity) && fabs(o->sensitivity - c->sensitivity) > 0)
        which = "--sensitivity";
    else if (isfinite(o->specificity) && fabs(o->specificity - c->specificity) > 0)
        which = "--specificity";
    else if (o->seed_given && o->seed != c->bootstrap.seed)
        which = "--seed";
    else if (o->draws_given && o->draws != c->bootstrap.draws)
        which = "--draws";
    if (!which)
        return 0;
    snprintf(error, error_size, "%s: %s says otherwise than what was locked", e->protocol.path,
             which);
    return EX_DATAERR;
}

int evaluate_protocol_take(struct evaluation *e, char *error, size_t error_size)
{
    struct evaluate_protocol *p = &e->protocol;
    snprintf(p->path, sizeof p->path, "%s", e->options.protocol);
    int status = read_text(p, error, error_size);
    if (status == 0)
        status = check_seal(p, error, error_size);
    if (status == 0)
        status = compare(e, error, error_size);
    if (status == 0)
        status = take_values(e, error, error_size);
    if (status == 0)
        status = compare_options(e, error, error_size);
    if (status == 0 && strcmp(e->choice.method, "none") == 0)
        e->choice.method[0] = '\0';
    p->present = status == 0;
    return status;
}
