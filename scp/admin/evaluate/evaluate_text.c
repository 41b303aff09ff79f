/* evaluate_text.c: the figures as plain tables, the answer first; and the scores as CSV. */
#include "csv.h"
#include "evaluate.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* "92.3 % (87.1 to 95.8)", "not defined", "92.3 %". */
static const char *percent(const struct nn_figure *f, char *text, size_t size)
{
    if (!f->defined)
        snprintf(text, size, "not defined");
    else if (f->interval.kind > NN_INTERVAL_DEGENERATE)
        snprintf(text, size, "%.1f %% (%.1f to %.1f)", 100 * f->value, 100 * f->interval.low,
                 100 * f->interval.high);
    else
        snprintf(text, size, "%.1f %%", 100 * f->value);
    return text;
}

static const char *plain(const struct nn_figure *f, int digits, char *text, size_t size)
{
    if (!f->defined)
        snprintf(text, size, "not defined");
    else if (f->interval.kind > NN_INTERVAL_DEGENERATE)
        snprintf(text, size, "%.*f (%.*f to %.*f)", digits, f->value, digits, f->interval.low,
                 digits, f->interval.high);
    else
        snprintf(text, size, "%.*f", digits, f->value);
    return text;
}

static void row(FILE *out, const char *name, const struct nn_figure *processed,
                const struct nn_figure *eligible)
{
    char a[64], b[64], counts[48];
    snprintf(counts, sizeof counts, "%llu/%llu", (unsigned long long)processed->hits,
             (unsigned long long)processed->of);
    fprintf(out, "  %-14s %-24s %-12s %s\n", name, percent(processed, a, sizeof a), counts,
            eligible ? percent(eligible, b, sizeof b) : "");
}

static void primary(const struct evaluation *e, FILE *out)
{
    const struct nn_binary_figures *p = &e->figures.study, *all = &e->figures.study_eligible;
    char auc[64];
    fprintf(out, "ANY INJURY PER STUDY: %llu studies processed, %llu injured\n",
            (unsigned long long)p->count, (unsigned long long)p->positives);
    fprintf(out, "  %-14s %-24s %-12s %s\n", "", "among processed", "", "among all eligible");
    row(out, "sensitivity", &p->sensitivity, &all->sensitivity);
    row(out, "specificity", &p->specificity, &all->specificity);
    row(out, "accuracy", &p->accuracy, &all->accuracy);
    row(out, "precision", &p->precision, &all->precision);
    fprintf(out, "  %-14s %s\n", "AUC", plain(&p->auc, 3, auc, sizeof auc));
    if (isfinite(e->choice.sensitivity))
        fprintf(out, "  sensitivity above %.1f %%: %s\n", 100 * e->choice.sensitivity,
                e->figures.sensitivity_met ? "SHOWN" : "NOT SHOWN");
    if (isfinite(e->choice.specificity))
        fprintf(out, "  specificity above %.1f %%: %s\n", 100 * e->choice.specificity,
                e->figures.specificity_met ? "SHOWN" : "NOT SHOWN");
    fprintf(out, "  refused: %zu images, %zu studies without a whole answer\n", e->figures.refused,
            e->figures.studies_refused);
    for (size_t i = 0; i < e->figures.reasons; i++)
        fprintf(out, "    %-20s %llu images, %llu of them injured\n", e->figures.reason[i].reason,
                (unsigned long long)e->figures.reason[i].images,
                (unsigned long long)e->figures.reason[i].injured);
}

static void classes(const struct evaluation *e, FILE *out)
{
    const struct nn_case_figures *f = &e->figures.cases;
    char a[64], b[64], c[64], d[64];
    fprintf(out, "\nCLASSES: %llu images, the answer is the highest score; %s right\n",
            (unsigned long long)f->count, percent(&f->right, a, sizeof a));
    fprintf(out, "  %-14s %-22s %-22s %-22s %-10s %-8s %s\n", "", "sensitivity", "specificity",
            "precision", "accuracy", "F1", "AUC");
    for (int i = 0; i <= f->classes; i++) {
        const struct nn_class_figures *k = &f->class_[i < f->classes ? i : 0];
        bool mean = i == f->classes;
        struct nn_figure accuracy = mean ? f->macro.accuracy : k->accuracy;
        struct nn_figure f1 = mean ? f->macro.f1 : k->f1;
        accuracy.interval.kind = f1.interval.kind = NN_INTERVAL_NONE;
        fprintf(out, "  %-14.14s %-22s %-22s %-22s", mean ? "mean" : e->model->class_[i].name,
                percent(mean ? &f->macro.sensitivity : &k->sensitivity, a, sizeof a),
                percent(mean ? &f->macro.specificity : &k->specificity, b, sizeof b),
                percent(mean ? &f->macro.precision : &k->precision, c, sizeof c));
        fprintf(out, " %-10s", percent(&accuracy, d, sizeof d));
        fprintf(out, " %-8s", plain(&f1, 3, a, sizeof a));
        fprintf(out, " %s\n", plain(mean ? &f->macro.auc : &k->auc, 3, b, sizeof b));
    }
    fputs("\n  truth \\ answer", out);
    for (int i = 0; i < f->classes; i++)
        fprintf(out, " %12.12s", e->model->class_[i].name);
    for (int t = 0; t < f->classes; t++) {
        fprintf(out, "\n  %-14.14s", e->model->class_[t].name);
        for (int i = 0; i < f->classes; i++)
            fprintf(out, " %12llu", (unsigned long long)f->confusion[t * f->classes + i]);
    }
    fputc('\n', out);
}

static void everyday(const struct evaluation *e, FILE *out)
{
    fprintf(out, "\nEVERY DAY, at %g studies a day\n  %-10s %-24s %-24s %-22s %-20s %s\n",
            e->options.daily, "prevalence", "right when it alerts", "right when silent",
            "alerts a day", "false per true", "missed a day");
    for (int i = 0; i < EVALUATE_PREVALENCES; i++) {
        const struct nn_everyday *d = &e->figures.everyday[i];
        char a[64], b[64], c[64], f[64], m[64];
        fprintf(out, "  %4.1f %%     %-24s %-24s %-22s %-20s %s\n", 100 * d->prevalence,
                percent(&d->positive_value, a, sizeof a), percent(&d->negative_value, b, sizeof b),
                plain(&d->alerts_a_day, 2, c, sizeof c), plain(&d->false_per_true, 1, f, sizeof f),
                plain(&d->missed_a_day, 3, m, sizeof m));
    }
}

static void subgroups(const struct evaluation *e, FILE *out)
{
    for (int key = 0; key < EVALUATE_KEYS; key++) {
        const struct evaluate_group *g = &e->figures.group[key];
        if (g->rows == 0)
            continue;
        fprintf(out, "\nBY %s (any injury per %s)\n", g->name, g->studies ? "study" : "image");
        for (size_t i = 0; i < g->rows; i++) {
            const struct nn_subgroup *s = &g->row[i];
            char a[64], b[64];
            fprintf(out, "  %-20.20s n %-5llu ", s->key[0] ? s->key : "unknown",
                    (unsigned long long)s->figures.count);
            if (s->insufficient)
                fprintf(out, "insufficient (under %d)\n", NN_SUFFICIENT);
            else
                fprintf(out, "sensitivity %-22s specificity %s\n",
                        percent(&s->figures.sensitivity, a, sizeof a),
                        percent(&s->figures.specificity, b, sizeof b));
        }
    }
}

static void pair(FILE *out, const char *name, const struct nn_mcnemar *m)
{
    char a[64], b[64];
    if (m->rate_a.defined)
        fprintf(out, "    %-12s model %-22s other %-22s only one right: %llu, %llu  p %.4f%s\n",
                name, percent(&m->rate_a, a, sizeof a), percent(&m->rate_b, b, sizeof b),
                (unsigned long long)m->only_a, (unsigned long long)m->only_b, m->p,
                m->exact ? " (exact)" : "");
}

static void comparisons(const struct evaluation *e, FILE *out)
{
    const struct evaluate_rival *r = &e->figures.rival;
    for (size_t i = 0; i < e->figures.readers; i++) {
        const struct evaluate_reader *reader = &e->figures.reader[i];
        fprintf(out, "\nREADER %s: %zu cases (McNemar)\n", reader->name, reader->cases);
        pair(out, "accuracy", &reader->comparison.accuracy);
        pair(out, "sensitivity", &reader->comparison.sensitivity);
        pair(out, "specificity", &reader->comparison.specificity);
    }
    if (!r->defined)
        return;
    fprintf(out, "\nAGAINST MODEL %s %s, digest %.12s\n", r->name, r->version, r->digest);
    pair(out, "sensitivity", &r->study_sensitivity);
    pair(out, "specificity", &r->study_specificity);
    pair(out, "classes", &r->images.comparison.accuracy);
    if (r->delong_defined) {
        char a[64], b[64], d[64];
        fprintf(out, "    AUC          model %s, other %s, difference %s (DeLong p %.4f)\n",
                plain(&r->delong.auc_a, 3, a, sizeof a), plain(&r->delong.auc_b, 3, b, sizeof b),
                plain(&r->delong.difference, 3, d, sizeof d),
                r->delong.p_defined ? r->delong.p : 1.0);
    }
}

static void explanation(const struct evaluation *e, FILE *out)
{
    const struct evaluate_explanation *x = &e->figures.explanation;
    char a[64], b[64];
    if (!x->defined)
        return;
    fprintf(out, "\nMAPS (%s)\n", x->method);
    if (x->explained > 0)
        fprintf(out,
                "  %zu of %zu boxed injuries (%zu boxes over 6 %% of the image left out):\n"
                "  maximum in the box %s; part of the map in the box %s, a flat map %.1f %%\n",
                x->explained, x->boxed, x->too_large, percent(&x->hit, a, sizeof a),
                percent(&x->energy, b, sizeof b), 100 * x->expected);
    if (x->normals > 0)
        fprintf(out, "  %zu uninjured images: %zu hot spots in all, %zu images called\n",
                x->normals, x->normal_spots, x->normals_called);
}

void evaluate_text(const struct evaluation *e, FILE *out)
{
    const struct evaluate_protocol *p = &e->protocol;
    const struct evaluate_calibration *c = &e->figures.calibration;
    if (e->synthetic)
        fprintf(out, "SYNTHETIC: %s\n",
                strcmp(e->data_kind, "synthetic") == 0
                    ? "these figures describe drawings, not patients"
                    : "the model was trained on synthetic images");
    fprintf(out, "model %s %s, digest %.12s; data %s\n", e->model->name, e->model->version,
            e->model->digest, e->set->words);
    if (p->present)
        fprintf(out, "protocol %s, locked %s, %s\n", p->digest, p->written,
                p->openings_before ? "AFTER the test part had been opened"
                                   : "before the test part was opened");
    else
        fputs("no protocol: exploratory\n", out);
    fputc('\n', out);
    primary(e, out);
    classes(e, out);
    everyday(e, out);
    fprintf(out, "\nCALIBRATION: temperature %.3f; ECE %.3f before, %.3f after; Brier %.3f, %.3f\n",
            e->choice.temperature, c->before.ece, c->after.ece, c->brier_before, c->brier_after);
    subgroups(e, out);
    comparisons(e, out);
    explanation(e, out);
    for (size_t i = 0; i < e->note_count; i++)
        fprintf(out, "%snote: %s\n", i ? "" : "\n", e->notes[i]);
}

/* ---- --scores ---- */

static void put_image(FILE *out, const struct evaluation *e, const struct evaluate_image *image,
                      uint32_t study)
{
    const struct data_item *item = image->item;
    csv_write(out, item->name);
    fprintf(out, ",%s,", e->model->class_[item->label].name);
    csv_write(out, item->patient);
    fprintf(out, ",%u,%zu,", study, item->group);
    csv_write(out, image->reason);
    for (int c = 0; c < e->model->classes; c++) {
        if (image->judged)
            fprintf(out, ",%.9g", (double)image->score[c]);
        else
            fputc(',', out);
    }
    if (image->judged)
        fprintf(out, ",%s,%d\n", e->model->class_[image->top].name, image->called);
    else
        fputs(",,\n", out);
}

int evaluate_scores(const struct evaluation *e, char *error, size_t size)
{
    struct nn_error err = {0};
    size_t count = e->test.count;
    uint32_t *patient = calloc(count + 1, sizeof *patient),
             *study = calloc(count + 1, sizeof *study);
    FILE *out = fopen(e->options.scores, "we");
    bool ready =
        out && patient && study && evaluate_numbers(&e->test, patient, study, &err) == NN_OK;
    if (ready) {
        fputs("file,class,patient,study,group,reason", out);
        for (int c = 0; c < e->model->classes; c++)
            fprintf(out, ",score_%s", e->model->class_[c].name);
        fputs(",answer,called\n", out);
        for (size_t i = 0; i < count; i++)
            put_image(out, e, &e->test.image[i], study[i]);
    }
    bool written = ready && fflush(out) == 0 && !ferror(out);
    if (out && fclose(out) != 0)
        written = false;
    free(patient);
    free(study);
    if (!written)
        snprintf(error, size, "%s: %s", e->options.scores, strerror(errno));
    return written ? 0 : EX_CANTCREAT;
}
