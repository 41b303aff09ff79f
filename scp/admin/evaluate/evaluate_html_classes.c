/* evaluate_html_classes.c: the papers' measures per class and averaged; curves;
 * calibration. */
#include "evaluate_html.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void class_rows(struct page *page, const struct evaluation *e)
{
    const struct nn_case_figures *f = &e->figures.cases;
    for (int c = 0; c < f->classes; c++) {
        const struct nn_class_figures *k = &f->class_[c];
        page_row(page, "%s", e->model->class_[c].name);
        html_share(page, &k->accuracy);
        html_share(page, &k->sensitivity);
        html_share(page, &k->specificity);
        html_share(page, &k->precision);
        html_number(page, &k->f1, 3);
        html_number(page, &k->auc, 3);
        html_number(page, &k->average_precision, 3);
        page_row_end(page);
    }
    page_row(page, "mean of the classes");
    html_share(page, &f->macro.accuracy);
    html_share(page, &f->macro.sensitivity);
    html_share(page, &f->macro.specificity);
    html_share(page, &f->macro.precision);
    html_number(page, &f->macro.f1, 3);
    html_number(page, &f->macro.auc, 3);
    html_number(page, &f->macro.average_precision, 3);
    page_row_end(page);
    page_row(page, "all answers together");
    html_share(page, &f->micro.accuracy);
    html_share(page, &f->right);
    html_share(page, &f->micro.specificity);
    html_share(page, &f->right);
    html_number(page, &f->right, 3);
    page_cell(page, "\xe2\x80\x93");
    page_cell(page, "\xe2\x80\x93");
    page_row_end(page);
}

static void point_table(struct page *page, const struct evaluation *e)
{
    static const char *const columns[] = {"finding", "operating point", "sensitivity",
                                          "specificity", "precision"};
    char caption[200];
    snprintf(caption, sizeof caption,
             "Findings at their operating points, against all other images. "
             "Points from: %s.",
             e->choice.points_chosen ? "the validation part" : "the model");
    page_table(page, caption, columns, sizeof columns / sizeof *columns);
    for (int c = 0; c < e->model->classes; c++) {
        const struct nn_class_figures *k = &e->figures.cases.class_[c];
        if (!e->model->class_[c].finding)
            continue;
        page_row(page, "%s", e->model->class_[c].name);
        page_cell(page, "%.4f", e->choice.point[c]);
        html_rate(page, &k->point_sensitivity);
        html_rate(page, &k->point_specificity);
        html_rate(page, &k->point_precision);
        page_row_end(page);
    }
    page_table_end(page);
}

static void confusion(struct page *page, const struct evaluation *e)
{
    const struct nn_case_figures *f = &e->figures.cases;
    page_raw(page, "<div class=\"wide\"><table class=\"matrix\">\n<caption>");
    page_caption(page, "Confusion matrix: rows are the truth, columns the class with the highest "
                       "score; the shade is the share of the row.");
    page_raw(page, "</caption>\n<thead><tr><th scope=\"col\">truth \\ answer</th>");
    for (int c = 0; c < f->classes; c++) {
        page_raw(page, "<th scope=\"col\">");
        page_text(page, e->model->class_[c].name);
        page_raw(page, "</th>");
    }
    page_raw(page, "</tr></thead>\n<tbody>\n");
    for (int t = 0; t < f->classes; t++) {
        const uint64_t *row = f->confusion + t * f->classes;
        uint64_t all = 0;
        for (int c = 0; c < f->classes; c++)
            all += row[c];
        page_row(page, "%s", e->model->class_[t].name);
        for (int c = 0; c < f->classes; c++) {
            double share = all > 0 ? (double)row[c] / (double)all : 0;
            fprintf(page->out, "<td style=\"background:rgba(%s,%.2f)\">%llu</td>",
                    t == c ? "0,114,178" : "213,94,0", 0.55 * share, (unsigned long long)row[c]);
        }
        page_row_end(page);
    }
    page_table_end(page);
}

void html_classes(struct page *page, const struct evaluation *e)
{
    static const char *const columns[] = {
        "",          "accuracy", "sensitivity", "specificity",
        "precision", "F1",       "AUC",         "average precision"};
    char caption[200];
    page_section(page, "classes", "The classes, per image");
    snprintf(caption, sizeof caption,
             "%llu images; the answer is the class with the highest score; each class against the "
             "rest.",
             (unsigned long long)e->figures.cases.count);
    page_table(page, caption, columns, sizeof columns / sizeof *columns);
    class_rows(page, e);
    page_table_end(page);
    confusion(page, e);
    point_table(page, e);
    page_section_end(page);
}

/* ---- ROC and precision-recall ---- */

struct drawn {
    double *x, *y;
};

static bool to_curve(const struct nn_curve *from, bool roc, struct plot_curve *to,
                     struct drawn *owned)
{
    owned->x = calloc(from->count + 1, sizeof *owned->x);
    owned->y = calloc(from->count + 1, sizeof *owned->y);
    if (!owned->x || !owned->y)
        return false;
    size_t count = 0;
    for (size_t i = roc ? 0 : 1; i < from->count; i++) {
        const struct nn_curve_point *p = &from->points[i];
        double recall = from->positives ? (double)p->tp / (double)from->positives : NAN;
        owned->x[count] =
            roc ? (from->negatives ? (double)p->fp / (double)from->negatives : NAN) : recall;
        owned->y[count++] = roc ? recall : (double)p->tp / (double)(p->tp + p->fp);
    }
    to->x = owned->x;
    to->y = owned->y;
    to->count = count;
    return true;
}

static void name_curve(const struct evaluation *e, int number, bool roc, char name[96])
{
    const struct nn_curve *c =
        number ? &e->figures.class_curve[number - 1] : &e->figures.study_curve;
    const struct nn_figure *f = roc ? &c->auc : &c->average_precision;
    const char *what = number ? e->model->class_[number - 1].name : "any injury, per study";
    if (f->defined)
        snprintf(name, 96, "%.60s: %.3f", what, f->value);
    else
        snprintf(name, 96, "%.60s: not defined", what);
}

static void draw(struct page *page, const struct evaluation *e, bool roc)
{
    int count = e->model->classes + 1;
    struct plot_curve curves[NN_MAX_CLASSES + 1] = {{0}};
    struct drawn owned[NN_MAX_CLASSES + 1] = {{0}};
    char names[NN_MAX_CLASSES + 1][96];
    const struct nn_binary_figures *s = &e->figures.study;
    bool fine = true;
    for (int i = 0; i < count; i++) {
        const struct nn_curve *c = i ? &e->figures.class_curve[i - 1] : &e->figures.study_curve;
        fine = fine && to_curve(c, roc, &curves[i], &owned[i]);
        name_curve(e, i, roc, names[i]);
        curves[i].name = names[i];
    }
    curves[0].mark_x = roc ? 1 - s->specificity.value : s->sensitivity.value;
    curves[0].mark_y = roc ? s->sensitivity.value : s->precision.value;
    curves[0].marked =
        s->sensitivity.defined && (roc ? s->specificity.defined : s->precision.defined);
    page_raw(page, "<figure>");
    if (fine)
        plot_curves(
            page, roc ? "ROC curves" : "Precision-recall curves",
            roc ? "Sensitivity over the share of uninjured that are called, one curve a "
                  "class and one for any injury per study; areas are in the legend."
                : "Precision over sensitivity, one curve a class and one for any injury per "
                  "study; average precisions are in the legend.",
            roc ? "called among those without" : "sensitivity", roc ? "sensitivity" : "precision",
            curves, (size_t)count, roc ? PLOT_DIAGONAL : PLOT_PLAIN);
    page_raw(page, "<figcaption>");
    page_caption(page,
                 roc ? "ROC, with the area under each curve. The ring is the operating point of "
                       "any injury."
                     : "Precision and recall, with average precision. It depends on the share "
                       "of injuries in these data.");
    page_raw(page, "</figcaption></figure>\n");
    for (int i = 0; i < count; i++) {
        free(owned[i].x);
        free(owned[i].y);
    }
}

void html_curves(struct page *page, const struct evaluation *e)
{
    page_section(page, "curves", "Curves");
    page_raw(page, "<div class=\"plots\">\n");
    draw(page, e, true);
    draw(page, e, false);
    page_raw(page, "</div>\n");
    page_section_end(page);
}

/* ---- calibration ---- */

static void reliability(struct page *page, const struct evaluation *e,
                        const struct nn_reliability *r, const char *title)
{
    struct plot_bin bins[NN_BINS_MAX];
    char caption[160];
    for (int i = 0; i < r->bins; i++) {
        const struct nn_bin *b = &r->bin[i];
        struct nn_interval exact =
            nn_interval_exact(b->events, b->count, e->choice.bootstrap.level);
        bins[i] =
            (struct plot_bin){.score = b->mean,
                              .frequency = b->count ? (double)b->events / (double)b->count : 0,
                              .low = exact.low,
                              .high = exact.high,
                              .count = (size_t)b->count};
    }
    snprintf(caption, sizeof caption, "%s: expected calibration error %.3f, largest gap %.3f.",
             title, r->ece, r->worst);
    page_raw(page, "<figure>");
    plot_reliability(page, title,
                     "How often any injury was true, over the score that said so; the diagonal is "
                     "perfect. Bars beneath: how many answers.",
                     bins, (size_t)r->bins);
    page_raw(page, "<figcaption>");
    page_caption(page, caption);
    page_raw(page, "</figcaption></figure>\n");
}

void html_calibration(struct page *page, const struct evaluation *e)
{
    static const char *const columns[] = {"", "before", "after"};
    const struct evaluate_calibration *c = &e->figures.calibration;
    const struct {
        const char *name;
        double before, after;
    } rows[] = {
        {"expected calibration error, highest score", c->before.ece, c->after.ece},
        {"expected calibration error, any injury", c->injury_before.ece, c->injury_after.ece},
        {"Brier score", c->brier_before, c->brier_after},
        {"negative log-likelihood", c->nll_before, c->nll_after}};
    char caption[200];
    page_section(page, "calibration", "Calibration: is a score a probability?");
    snprintf(caption, sizeof caption, "Before: temperature 1. After: temperature %.3f, %s.",
             e->choice.temperature,
             e->protocol.present    ? "from the protocol"
             : e->choice.calibrated ? "fitted on the validation part"
             : e->model->temperature > 0 && fabs(e->model->temperature - 1) > 0
                 ? "the model's own"
                 : "none was fitted");
    page_table(page, caption, columns, 3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        page_row(page, "%s", rows[i].name);
        page_cell(page, "%.3f", rows[i].before);
        page_cell(page, "%.3f", rows[i].after);
        page_row_end(page);
    }
    page_table_end(page);
    page_raw(page, "<div class=\"plots\">\n");
    reliability(page, e, &c->injury_before, "Any injury, before");
    reliability(page, e, &c->injury_after, "Any injury, after");
    page_raw(page, "</div>\n");
    page_section_end(page);
}
