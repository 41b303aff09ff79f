/* evaluate_html_head.c: the answer, and what it would mean at a site. */
#include "evaluate_html.h"
#include "srt.h"
#include <math.h>
#include <string.h>

static void tile(struct page *page, const char *name, const struct nn_figure *f, bool percent,
                 const char *counts)
{
    page_raw(page, "<div class=\"tile\"><span class=\"name\">");
    page_text(page, name);
    page_raw(page, "</span><b>");
    if (!f->defined)
        page_raw(page, "\xe2\x80\x93");
    else if (percent)
        page_say(page, "%.1f %%", 100 * f->value);
    else
        page_say(page, "%.3f", f->value);
    page_raw(page, "</b>");
    bool known = f->defined && f->interval.kind > NN_INTERVAL_DEGENERATE;
    plot_range(page, f->defined ? f->value : NAN, known ? f->interval.low : NAN,
               known ? f->interval.high : NAN);
    page_raw(page, "<span>");
    if (known && percent)
        page_say(page, "%.1f to %.1f %%. ", 100 * f->interval.low, 100 * f->interval.high);
    else if (known)
        page_say(page, "%.3f to %.3f. ", f->interval.low, f->interval.high);
    page_say(page, "%s", counts);
    page_raw(page, "</span></div>\n");
}

static void protocol_line(struct page *page, const struct evaluation *e)
{
    const struct evaluate_protocol *p = &e->protocol;
    if (!p->present) {
        page_paragraph(page, "quiet",
                       "Exploratory: no protocol was locked before the test part was opened.");
        return;
    }
    page_raw(page, "<p class=\"quiet\">");
    page_say(page, "Protocol locked %s, ", p->written);
    page_raw(page,
             p->openings_before ? "<b class=\"bad\">after</b>" : "<b class=\"good\">before</b>");
    page_raw(page, " the test part was opened. SHA-256 <code>");
    page_text(page, p->digest);
    page_raw(page, "</code></p>\n");
}

static void limit_line(struct page *page, const char *what, double limit, bool met)
{
    if (!isfinite(limit))
        return;
    page_raw(page, met ? "<p class=\"lead\"><span class=\"good\">\xe2\x9c\x93 Shown:</span> "
                       : "<p class=\"lead\"><span class=\"bad\">\xe2\x9c\x97 Not shown:</span> ");
    page_say(page,
             "%s above %.1f %% (lower limits of the interval by patient and of the exact one).",
             what, 100 * limit);
    page_raw(page, "</p>\n");
}

static void tiles(struct page *page, const struct evaluation *e)
{
    const struct nn_binary_figures *s = &e->figures.study;
    char found[80], silent[80], refused[96];
    snprintf(found, sizeof found, "%llu of %llu injured found",
             (unsigned long long)s->sensitivity.hits, (unsigned long long)s->sensitivity.of);
    snprintf(silent, sizeof silent, "%llu of %llu uninjured silent",
             (unsigned long long)s->specificity.hits, (unsigned long long)s->specificity.of);
    snprintf(refused, sizeof refused, "%zu of %zu images; counted as wrong among all eligible",
             e->figures.refused, e->test.count);
    struct nn_figure part = nn_figure_rate(e->figures.refused, e->test.count);
    page_raw(page, "<div class=\"tiles\">\n");
    tile(page, "Sensitivity", &s->sensitivity, true, found);
    tile(page, "Specificity", &s->specificity, true, silent);
    tile(page, "Area under the ROC curve", &s->auc, false, "Any injury, per study.");
    tile(page, "Refused", &part, true, refused);
    page_raw(page, "</div>\n");
}

static void links(struct page *page)
{
    page_raw(page, "<nav aria-label=\"Sections\"><a href=\"#primary\">Endpoint</a> "
                   "<a href=\"#everyday\">Every day</a> <a href=\"#classes\">Classes</a> "
                   "<a href=\"#curves\">Curves</a> <a href=\"#mistakes\">Mistakes</a> "
                   "<a href=\"#maps\">Maps</a> <a href=\"#subgroups\">Subgroups</a> "
                   "<a href=\"#refused\">Refused</a> <a href=\"#calibration\">Calibration</a> "
                   "<a href=\"#protocol\">Protocol</a> <a href=\"#methods\">Methods</a></nav>\n");
}

void html_answer(struct page *page, const struct evaluation *e)
{
    const struct nn_binary_figures *s = &e->figures.study;
    page_raw(page, "<header>\n");
    page_paragraph(page, "over", "Evaluation of %s %s \xc2\xb7 %s \xc2\xb7 %.10s", e->model->name,
                   e->model->version, e->set->words, e->written);
    page_raw(page, "<h1>");
    page_say(page, "%llu of %llu injured studies found; %llu of %llu uninjured called",
             (unsigned long long)s->sensitivity.hits, (unsigned long long)s->sensitivity.of,
             (unsigned long long)(s->specificity.of - s->specificity.hits),
             (unsigned long long)s->specificity.of);
    page_raw(page, "</h1>\n");
    if (e->synthetic)
        page_paragraph(page, "warn", "%s%s", srt_research_line,
                       strcmp(e->data_kind, "synthetic") == 0
                           ? ". All figures on this page describe drawings, not patients."
                           : ".");
    limit_line(page, "sensitivity", e->choice.sensitivity, e->figures.sensitivity_met);
    limit_line(page, "specificity", e->choice.specificity, e->figures.specificity_met);
    tiles(page, e);
    protocol_line(page, e);
    if (e->note_count > 0) {
        page_raw(page, "<ul class=\"quiet\">\n");
        for (size_t i = 0; i < e->note_count; i++) {
            page_raw(page, "<li>");
            page_text(page, e->notes[i]);
            page_raw(page, "</li>\n");
        }
        page_raw(page, "</ul>\n");
    }
    links(page);
    page_raw(page, "</header>\n");
}

static void binary_row(struct page *page, const char *name, const struct nn_binary_figures *b)
{
    page_row(page, "%s", name);
    page_cell(page, "%llu", (unsigned long long)b->count);
    html_rate(page, &b->sensitivity);
    html_rate(page, &b->specificity);
    html_rate(page, &b->precision);
    html_rate(page, &b->negative_value);
    html_rate(page, &b->accuracy);
    html_number(page, &b->f1, 3);
    page_row_end(page);
}

void html_primary(struct page *page, const struct evaluation *e)
{
    static const char *const columns[] = {"",
                                          "n",
                                          "sensitivity",
                                          "specificity",
                                          "right when it alerts (precision)",
                                          "right when silent",
                                          "accuracy",
                                          "F1"};
    page_section(page, "primary", "Any injury, per study: the primary endpoint");
    page_table(
        page,
        "A study is called when any finding's score in any of its images reaches its operating "
        "point. Among all eligible, a refused injury counts as a miss and a refused uninjured "
        "study as not rightly silent. Two-sided intervals, by patient.",
        columns, sizeof columns / sizeof *columns);
    binary_row(page, "Studies, processed", &e->figures.study);
    binary_row(page, "Studies, all eligible", &e->figures.study_eligible);
    binary_row(page, "Images, processed", &e->figures.image);
    binary_row(page, "Images, all eligible", &e->figures.image_eligible);
    page_table_end(page);
    page_section_end(page);
}

void html_everyday(struct page *page, const struct evaluation *e)
{
    static const char *const columns[] = {
        "prevalence",   "right when it alerts",      "right when silent",
        "alerts a day", "false alarms per true one", "injuries missed a day"};
    char caption[200];
    snprintf(caption, sizeof caption,
             "At %g studies a day, with the sensitivity and specificity above. Intervals take both "
             "limits together (at least 90 %%).",
             e->options.daily);
    page_section(page, "everyday", "What that means every day");
    page_table(page, caption, columns, sizeof columns / sizeof *columns);
    for (int i = 0; i < EVALUATE_PREVALENCES; i++) {
        const struct nn_everyday *d = &e->figures.everyday[i];
        page_row(page, "%g %% injured", 100 * d->prevalence);
        html_rate(page, &d->positive_value);
        html_rate(page, &d->negative_value);
        html_number(page, &d->alerts_a_day, 2);
        html_number(page, &d->false_per_true, 1);
        html_number(page, &d->missed_a_day, 3);
        page_row_end(page);
    }
    page_table_end(page);
    page_section_end(page);
}

void html_refused(struct page *page, const struct evaluation *e)
{
    static const char *const columns[] = {"reason", "images", "of them injured"};
    page_section(page, "refused", "Refused images");
    if (e->figures.reasons == 0) {
        page_paragraph(page, "", "All %zu images were processed.", e->test.count);
        page_section_end(page);
        return;
    }
    page_table(page,
               "Images without an answer. They are in none of the figures but those of all "
               "eligible.",
               columns, 3);
    for (size_t i = 0; i < e->figures.reasons; i++) {
        const struct evaluate_reason *r = &e->figures.reason[i];
        page_row(page, "%s", r->reason);
        page_cell(page, "%llu", (unsigned long long)r->images);
        page_cell(page, "%llu", (unsigned long long)r->injured);
        page_row_end(page);
    }
    page_table_end(page);
    page_section_end(page);
}
