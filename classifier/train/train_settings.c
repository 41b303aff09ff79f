/* train_settings.c: what a training is told: refused where it cannot be meant, written down where
 * it decides the bits. */
#include "model/graph_xml.h"
#include "train_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BATCH 1024

static bool within(double value, double low, double high)
{
    return value >= low && value <= high; /* false for NaN */
}

static enum nn_status check_augmentation(const struct nn_augmentation *a, struct nn_error *err)
{
    const struct {
        const char *name;
        double value, high;
    } ranges[] = {{"rotation", a->rotation, 45},
                  {"shift", a->shift, 0.5},
                  {"flip", a->flip, 1},
                  {"crop", a->crop, 0.5},
                  {"blur", a->blur, 1},
                  {"gamma", a->gamma, 2},
                  {"contrast", a->contrast, 0.95},
                  {"brightness", a->brightness, 1},
                  {"noise", a->noise, 1}};

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (!within(ranges[i].value, 0, ranges[i].high))
            return nn_fail(err, NN_INVALID, "augmentation: %s %g (0 to %g)", ranges[i].name,
                           ranges[i].value, ranges[i].high);
    }
    bool scale = a->scale_low == 0 && a->scale_high == 0;
    bool aspect = a->aspect_low == 0 && a->aspect_high == 0;
    if (!scale && !(within(a->scale_low, 0.25, 1) && within(a->scale_high, 1, 4)))
        return nn_fail(err, NN_INVALID, "augmentation: scale %g to %g (0.25 to 1, 1 to 4)",
                       a->scale_low, a->scale_high);
    if (!aspect && !(within(a->aspect_low, 0.25, 1) && within(a->aspect_high, 1, 4)))
        return nn_fail(err, NN_INVALID, "augmentation: aspect %g to %g (0.25 to 1, 1 to 4)",
                       a->aspect_low, a->aspect_high);
    return NN_OK;
}

static enum nn_status check_loss(const struct nn_train_settings *s, struct nn_error *err)
{
    if (!(s->label_smoothing >= 0 && s->label_smoothing < 1))
        return nn_fail(err, NN_INVALID, "label smoothing %g (0 to below 1)", s->label_smoothing);
    if (s->set_dropout && !(s->dropout >= 0 && s->dropout < 1))
        return nn_fail(err, NN_INVALID, "dropout %g (0 to below 1)", s->dropout);
    if (!(s->places >= 0 && s->places <= 100))
        return nn_fail(err, NN_INVALID, "places %g (0 to 100)", s->places);
    for (int c = 0; s->class_weighting == NN_CLASSES_GIVEN && c < s->classes; c++) {
        if (!within((double)s->class_weight[c], 1e-6, 1e6))
            return nn_fail(err, NN_INVALID, "class %d: its weight is %g (above 0)", c,
                           (double)s->class_weight[c]);
    }
    return NN_OK;
}

/* A place is a part of the image as its source gave it. */
static enum nn_status check_places(const struct nn_train_settings *s,
                                   const struct nn_source *training, struct nn_error *err)
{
    const struct nn_augmentation *a = &s->augmentation;
    const double moves[] = {a->rotation, a->scale_low, a->aspect_low, a->shift, a->flip, a->crop};

    if (s->places == 0)
        return NN_OK;
    if (!training->places)
        return nn_fail(err, NN_INVALID, "these images have no places: phantoms do");
    if (s->auxiliary)
        return nn_fail(err, NN_INVALID, "places or auxiliary heads, not both");
    if (s->preprocess.region != NN_REGION_WHOLE)
        return nn_fail(err, NN_INVALID, "places need the whole image, not a region");
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (moves[i] != 0)
            return nn_fail(err, NN_INVALID, "places do not go with an augmentation that moves");
    return NN_OK;
}

enum nn_status nn_train_check(const struct nn_train_settings *s, const struct nn_source *training,
                              const struct nn_source *validation, struct nn_error *err)
{
    enum nn_status status;

    if (s->classes < 2 || s->classes > NN_MAX_CLASSES)
        return nn_fail(err, NN_INVALID, "%d classes, 2 to %d are expected", s->classes,
                       NN_MAX_CLASSES);
    if (s->epochs < 1 || s->batch < 1 || s->batch > MAX_BATCH || s->threads < 1)
        return nn_fail(err, NN_INVALID, "epochs %d, batch %d (at most %d), threads %d: each from 1",
                       s->epochs, s->batch, MAX_BATCH, s->threads);
    if (!within(s->rate, 1e-12, 1e6) || !within(s->rate_drop, 1e-12, 1e6) ||
        s->rate_drop_epochs < 0 || !within(s->head_rate_factor, 1e-12, 1e6))
        return nn_fail(err, NN_INVALID, "rate %g, lowered by %g every %d epochs, head factor %g",
                       s->rate, s->rate_drop, s->rate_drop_epochs, s->head_rate_factor);
    if (s->average != 0 && !(s->average >= 0.5 && s->average < 1))
        return nn_fail(err, NN_INVALID, "average %g (0, or 0.5 to below 1)", s->average);
    if (s->patience < 0 || s->checkpoint_steps < 0 || s->checkpoint_seconds < 0)
        return nn_fail(err, NN_INVALID, "patience %d, checkpoints every %d steps and %ld seconds",
                       s->patience, s->checkpoint_steps, s->checkpoint_seconds);
    if (training->count == 0 || validation->count == 0)
        return nn_fail(err, NN_INVALID, "%zu training and %zu validation images", training->count,
                       validation->count);
    if ((status = check_loss(s, err)) != NN_OK ||
        (status = check_places(s, training, err)) != NN_OK)
        return status;
    return check_augmentation(&s->augmentation, err);
}

double nn_train_rate(const struct nn_train_settings *settings, int epoch)
{
    int drops = settings->rate_drop_epochs > 0 ? epoch / settings->rate_drop_epochs : 0;

    return settings->rate * pow(settings->rate_drop, drops);
}

static void print_optimiser(FILE *to, const struct nn_train_settings *s)
{
    const struct nn_optimiser_settings *o = &s->optimiser;

    fprintf(to, " optimiser=%s", nn_optimiser_kind_name(o->kind));
    if (o->kind == NN_ADAM)
        fprintf(to, " beta1=%g beta2=%g epsilon=%g", o->beta1, o->beta2, o->epsilon);
    else
        fprintf(to, " momentum=%g", o->momentum);
    fprintf(to, " decay=%g clip=%g rate=%g drop=%g/%d head=%g", o->weight_decay, o->clip_norm,
            s->rate, s->rate_drop, s->rate_drop_epochs, s->head_rate_factor);
}

static void print_augmentation(FILE *to, const struct nn_augmentation *a)
{
    fprintf(to,
            " rotation=%g scale=%g..%g aspect=%g..%g shift=%g flip=%g crop=%g blur=%g gamma=%g "
            "contrast=%g brightness=%g noise=%g",
            a->rotation, a->scale_low, a->scale_high, a->aspect_low, a->aspect_high, a->shift,
            a->flip, a->crop, a->blur, a->gamma, a->contrast, a->brightness, a->noise);
}

char *nn_train_settings_print(const struct nn_trainer *t)
{
    const struct nn_train_settings *s = t->s;
    const struct nn_preprocess *p = &s->preprocess;
    char *text = NULL, graph[65] = "";
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    if (!to)
        return NULL;
    fprintf(to,
            "network=%s classes=%d side=%d fit=%d normalise=%d denoise=%g region=%d init=%.16s "
            "data=%s samples=%zu validation=%zu batch=%d seed=%llu freeze=%s",
            s->network, s->classes, p->side, (int)p->fit, (int)p->normalise, (double)p->denoise,
            (int)p->region, t->init ? nn_weights_digest(t->init) : "none", s->data ? s->data : "-",
            t->training->count, t->validation->count, s->batch, (unsigned long long)s->seed,
            s->freeze ? s->freeze : "none");
    for (int c = 0; c < 3; c++)
        fprintf(to, " channel%d=%g-%g", c, (double)p->scale[c], (double)p->mean[c]);
    print_optimiser(to, s);
    if (s->auxiliary)
        fprintf(to, " auxiliary=1");
    if (s->places > 0)
        fprintf(to, " places=%g", s->places);
    if (s->average > 0)
        fprintf(to, " average=%g", s->average);
    if (s->set_dropout)
        fprintf(to, " dropout=%g", s->dropout);
    for (int c = 0; t->class_weight && c < s->classes; c++)
        fprintf(to, " class-weight%d=%g", c, (double)t->class_weight[c]);
    fprintf(to, " smoothing=%g keep=%s patience=%d", s->label_smoothing,
            s->keep == NN_KEEP_BEST ? "best" : "last", s->patience);
    print_augmentation(to, &s->augmentation);
    /* a network without a name of its own: other layers may have parameters of the same sizes */
    bool failed = s->graph && nn_graph_digest(s->graph, graph, NULL) != NN_OK;
    if (s->graph)
        fprintf(to, " graph=%.16s", graph);
    if (fclose(to) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* The value of `name` in a settings' text: its start and length; NULL: not told. */
static const char *value_of(const char *text, const char *name, size_t length, size_t *size)
{
    for (const char *at = text; *at; at += strcspn(at, " "), at += *at == ' ') {
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            *size = strcspn(at + length + 1, " ");
            return at + length + 1;
        }
    }
    return NULL;
}

static bool differ(const char *from, const char *other, bool here, char *words, size_t size)
{
    for (const char *at = from; *at; at += strcspn(at, " "), at += *at == ' ') {
        size_t length = strcspn(at, "= "), one = 0, two = 0;
        const char *value = value_of(from, at, length, &one);
        const char *second = value_of(other, at, length, &two);
        if (value && second && one == two && memcmp(value, second, one) == 0)
            continue;
        if (!value || !second) {
            snprintf(words, size, "%.*s is not told %s", (int)length, at, here ? "there" : "here");
            return true;
        }
        snprintf(words, size, "%.*s is %.*s %s, %.*s %s", (int)length, at,
                 (int)(two < 40 ? two : 40), second, here ? "there" : "here",
                 (int)(one < 40 ? one : 40), value, here ? "here" : "there");
        return true;
    }
    return false;
}

void nn_train_difference(const char *there, const char *here, char *words, size_t size)
{
    if (!differ(here, there, true, words, size) && !differ(there, here, false, words, size))
        snprintf(words, size, "in their order");
}
