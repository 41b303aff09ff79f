/* evaluate_html_more.c: subgroups, readers, two models, maps, and where the figures come from. */
#include "evaluate_html.h"
#include <math.h>
#include <string.h>

static void whisker_cell(struct page *page, const struct nn_figure *f)
{
    bool known = f->defined && f->interval.kind > NN_INTERVAL_DEGENERATE;
    page_raw(page, "<td>");
    plot_range(page, f->defined ? f->value : NAN, known ? f->interval.low : NAN,
               known ? f->interval.high : NAN);
    page_raw(page, "</td>");
}

static void group_table(struct page *page, const struct evaluate_group *g, bool injuries_only)
{
    static const char *const columns[] = {"",           "n",           "injured",   "sensitivity",
                                          "0 to 100 %", "specificity", "0 to 100 %"};
    char caption[160];
    snprintf(caption, sizeof caption, "By %s: any injury per %s%s.", g->name,
             g->studies ? "study" : "image", injuries_only ? ", injured images only" : "");
    page_table(page, caption, columns, injuries_only ? 5 : 7);
    for (size_t i = 0; i < g->rows; i++) {
        const struct nn_subgroup *s = &g->row[i];
        page_row(page, "%s", s->key[0] ? s->key : "unknown");
        page_cell(page, "%llu", (unsigned long long)s->figures.count);
        page_cell(page, "%llu", (unsigned long long)s->figures.positives);
        if (s->insufficient) {
            fprintf(page->out, "<td colspan=\"%d\"><small>insufficient (n under %d)</small></td>",
                    injuries_only ? 2 : 4, NN_SUFFICIENT);
        } else {
            html_rate(page, &s->figures.sensitivity);
            whisker_cell(page, &s->figures.sensitivity);
            if (!injuries_only) {
                html_rate(page, &s->figures.specificity);
                whisker_cell(page, &s->figures.specificity);
            }
        }
        page_row_end(page);
    }
    page_table_end(page);
}

void html_subgroups(struct page *page, const struct evaluation *e)
{
    bool any = false;
    page_section(page, "subgroups", "Subgroups");
    for (int key = 0; key < EVALUATE_KEYS; key++) {
        const struct evaluate_group *g = &e->figures.group[key];
        if (g->rows > 0)
            group_table(page, g, key >= 4);
        any = any || g->rows > 0;
    }
    if (!any)
        page_paragraph(page, "", "The data name no age, sex, station, view, level or type.");
    page_section_end(page);
}

/* ---- the model beside others ---- */

static void pair_row(struct page *page, const char *who, const char *what,
                     const struct nn_mcnemar *m)
{
    page_row(page, "%s: %s", who, what);
    html_rate(page, &m->rate_a);
    html_rate(page, &m->rate_b);
    html_share(page, &m->difference);
    page_cell(page, "%llu / %llu", (unsigned long long)m->only_a, (unsigned long long)m->only_b);
    if (m->rate_a.defined)
        page_cell(page, "%.4f%s", m->p, m->exact ? " exact" : "");
    else
        page_cell(page, "\xe2\x80\x93");
    page_row_end(page);
}

static const char *const pair_columns[] = {
    "", "model", "other", "difference", "only one right: model / other", "p (McNemar)"};

void html_readers(struct page *page, const struct evaluation *e)
{
    if (e->figures.readers == 0)
        return;
    page_section(page, "readers", "Beside human readers");
    page_table(page,
               "The same cases, the model at its operating points. Accuracy: the class is right; "
               "sensitivity and specificity: any injury. Cases are taken as independent.",
               pair_columns, 6);
    for (size_t i = 0; i < e->figures.readers; i++) {
        const struct evaluate_reader *r = &e->figures.reader[i];
        pair_row(page, r->name, "accuracy", &r->comparison.accuracy);
        pair_row(page, r->name, "sensitivity", &r->comparison.sensitivity);
        pair_row(page, r->name, "specificity", &r->comparison.specificity);
        if (r->unanswered > 0) {
            page_row(page, "%s: left out", r->name);
            page_raw(page, "<td class=\"words\" colspan=\"5\">");
            page_say(page, "%zu cases that the model could not judge", r->unanswered);
            page_raw(page, "</td>");
            page_row_end(page);
        }
    }
    page_table_end(page);
    page_section_end(page);
}

void html_rival(struct page *page, const struct evaluation *e)
{
    const struct evaluate_rival *r = &e->figures.rival;
    if (!r->defined)
        return;
    page_section(page, "against", "Against another model");
    page_paragraph(page, "", "Other: %s %s, digest %.16s, at its own operating points.", r->name,
                   r->version, r->digest);
    page_table(page, "Two models on the same images; studies: any injury.", pair_columns, 6);
    pair_row(page, "Studies", "sensitivity", &r->study_sensitivity);
    pair_row(page, "Studies", "specificity", &r->study_specificity);
    pair_row(page, "Images", "class right", &r->images.comparison.accuracy);
    if (r->delong_defined) {
        page_row(page, "Studies: AUC");
        html_number(page, &r->delong.auc_a, 3);
        html_number(page, &r->delong.auc_b, 3);
        html_number(page, &r->delong.difference, 3);
        page_cell(page, "\xe2\x80\x93");
        if (r->delong.p_defined)
            page_cell(page, "%.4f DeLong", r->delong.p);
        else
            page_cell(page, "no variance");
        page_row_end(page);
    }
    if (r->pair_defined) {
        page_row(page, "Studies: AUC, by patient");
        html_number(page, &r->pair.auc_a, 3);
        html_number(page, &r->pair.auc_b, 3);
        html_number(page, &r->pair.difference, 3);
        page_cell(page, "\xe2\x80\x93");
        if (r->pair.p_defined)
            page_cell(page, "%.4f bootstrap", r->pair.p);
        else
            page_cell(page, "no variance");
        page_row_end(page);
    }
    page_table_end(page);
    page_section_end(page);
}

/* ---- maps ---- */

static void method_table(struct page *page, const struct evaluation *e)
{
    static const char *const columns[] = {"method", "images", "maximum in the box",
                                          "part of the map in the box"};
    if (e->figures.methods == 0)
        return;
    page_table(page, "Methods on the validation part; the one with the most hits was taken.",
               columns, 4);
    for (size_t i = 0; i < e->figures.methods; i++) {
        const struct evaluate_method *m = &e->figures.method[i];
        page_row(page, "%s%s", m->name, strcmp(m->name, e->choice.method) == 0 ? " (taken)" : "");
        page_cell(page, "%zu", m->images);
        page_cell(page, "%zu", m->hits);
        page_cell(page, "%.1f %%", 100 * m->energy);
        page_row_end(page);
    }
    page_table_end(page);
}

void html_explanation(struct page *page, const struct evaluation *e)
{
    static const char *const columns[] = {"",
                                          "images",
                                          "maximum in the box",
                                          "part of the map in the box",
                                          "part a flat map would have",
                                          "hot spots an image"};
    const struct evaluate_explanation *x = &e->figures.explanation;
    char caption[256];
    if (!x->defined)
        return;
    page_section(page, "maps", "Do the maps point at the injury?");
    snprintf(
        caption, sizeof caption,
        "Method %s. Boxes of at most 6 %% of the image (%zu larger ones left out). A hot spot is "
        "a connected region of at least half the maximum.",
        x->method, x->too_large);
    page_table(page, caption, columns, sizeof columns / sizeof *columns);
    if (x->explained > 0) {
        page_row(page, "injured, with a box");
        page_cell(page, "%zu of %zu", x->explained, x->boxed - x->too_large);
        html_rate(page, &x->hit);
        html_share(page, &x->energy);
        page_cell(page, "%.1f %%", 100 * x->expected);
        page_cell(page, "%.2f", (double)x->spots / (double)x->explained);
        page_row_end(page);
    }
    if (x->normals > 0) {
        page_row(page, "uninjured (%zu of them called)", x->normals_called);
        page_cell(page, "%zu", x->normals);
        for (int i = 0; i < 3; i++)
            page_cell(page, "\xe2\x80\x93");
        page_cell(page, "%.2f", (double)x->normal_spots / (double)x->normals);
        page_row_end(page);
    }
    page_table_end(page);
    method_table(page, e);
    page_section_end(page);
}

/* ---- where the figures come from ---- */

void html_protocol(struct page *page, const struct evaluation *e)
{
    const struct evaluate_protocol *p = &e->protocol;
    static const char *const divisions[] = {"none: all images are the test part",
                                            "split.csv of the model folder",
                                            "column part of the CSV"};
    page_section(page, "protocol", "Protocol, data and model");
    if (p->present) {
        page_paragraph(page, "", "Locked %s. Openings of the test part recorded before: %zu.%s",
                       p->written, p->openings_before,
                       p->trainer_measured
                           ? " The trainer had measured it when it wrote model.xml; "
                             "nothing was chosen by that."
                           : "");
        page_raw(page, "<pre>");
        page_text(page, p->text);
        page_raw(page, "</pre>\n");
    } else {
        page_paragraph(
            page, "", "No protocol. Openings of this test part recorded before this run: %zu%s%s.",
            p->openings_before, p->first_opening[0] ? ", the first on " : "", p->first_opening);
    }
    page_raw(page, "<pre>");
    page_say(page,
             "model      %s %s (%s), %s\nweights    %s\ndigest     %s\ndata       %s (%s)\n"
             "digest     %s\ndivision   %s\njudged     %zu images of %zu; validation part %zu\n"
             "copies     %zu pairs of near-duplicates\nbuild      %s\nwritten    %s\n",
             e->model->name, e->model->version, e->model->network,
             e->model->provenance == NN_CLINICAL ? "clinical" : "synthetic",
             e->model->weights_digest, e->model->digest, e->set->words, e->data_kind,
             e->set->digest, divisions[e->parts.division], e->parts.tests, e->set->count,
             e->parts.validations, e->set->duplicate_pairs, e->build, e->written);
    page_say(page, "command    %s", e->options.command);
    page_raw(page, "</pre>\n");
    page_section_end(page);
}

/* What the papers claim, each as its document gives it. */
void html_papers(struct page *page)
{
    static const char *const columns[] = {"claimed",     "accuracy",  "sensitivity",
                                          "specificity", "precision", "F1"};
    static const char *const rows[][6] = {
        {"A, GoogLeNet", "99.55 %", "99.33 %", "99.66 %", "99.33 %", "99.67"},
        {"A, AlexNet", "59.2 %", "33.33 %", "66.67 %", "13.0 %", "18.67"},
        {"B, best network", "99.67 %", "1.0000 / 1.0000 / 0.9910", "", "0.9878 / 1.0000 / 1.0000",
         "0.9939 / 1.0000 / 0.9955"},
        {"A, 68 clinical radiographs", "92.16 % (60 right)", "", "", "", ""},
        {"A, the same: radiologist", "97.1 %", "", "", "", ""},
        {"A, the same: orthopaedic surgeon", "98.5 %", "", "", "", ""},
        {"B, 80 clinical radiographs", "78 right", "", "", "", ""},
        {"B, the same: radiologist", "71 right", "", "", "", ""}};
    const char *mark = page->mark;
    page->mark = "Published claims about other images";
    page_section(page, "papers", "What the two source documents claim");
    page_table(
        page,
        "A: Diagnostics 2023, 13(7), 1273. B: B.Tech. report, May 2024; triples are dislocation "
        "/ fracture / normal. Measured on radiographs, not on the images of this report: not "
        "to be compared with the figures above.",
        columns, 6);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        page_row(page, "%s", rows[i][0]);
        for (int c = 1; c < 6; c++)
            page_cell(page, "%s", rows[i][c]);
        page_row_end(page);
    }
    page_table_end(page);
    page_section_end(page);
    page->mark = mark;
}

void html_methods(struct page *page, const struct evaluation *e)
{
    const struct nn_bootstrap *b = &e->choice.bootstrap;
    page_section(page, "methods", "How it was measured");
    if (b->draws > 0)
        page_paragraph(page, "",
                       "Intervals are two-sided, %g %%: bootstrap by patient (%d draws, seed %llu, "
                       "injured and uninjured patients drawn apart; near-duplicates count as one "
                       "patient), percentiles. Where a rate has no error, or no hit, it has no "
                       "bootstrap width: the exact interval (Clopper-Pearson) over patients stands "
                       "there.",
                       100 * b->level, b->draws, (unsigned long long)b->seed);
    else
        page_paragraph(page, "", "No intervals were asked for (--draws 0).");
    page_paragraph(
        page, "",
        "Per class: accuracy (tp+tn)/(tp+fp+fn+tn), sensitivity tp/(tp+fn), specificity "
        "tn/(fp+tn), precision tp/(tp+fp), F1 2tp/(2tp+fp+fn); \xe2\x80\x9cmean\xe2\x80\x9d "
        "is over the classes where a figure is defined. A rate of nothing is not defined, "
        "never zero.");
    page_paragraph(
        page, "",
        "A study without a number of its own is its patient's only one; an image without "
        "either stands alone. The study's score is the highest 1 \xe2\x88\x92 score of %s "
        "of its images.",
        e->model->class_[e->none].name);
    page_paragraph(
        page, "",
        "\xe2\x80\x9cScore\xe2\x80\x9d is the model's output, not a probability of injury. "
        "No finding does not exclude injury. A decision stays with a doctor.");
    page_section_end(page);
}
