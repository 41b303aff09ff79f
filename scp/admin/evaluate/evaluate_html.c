/* evaluate_html.c: --report DIR: DIR/index.html, written beside and renamed when it is whole. */
#include "evaluate_html.h"
#include "whole_file.h"
#include <errno.h>
#include <string.h>
#include <sysexits.h>

static bool has_interval(const struct nn_figure *f)
{
    return f->interval.kind > NN_INTERVAL_DEGENERATE;
}

static void put_rate(struct page *page, const struct nn_figure *f, bool counts)
{
    page_raw(page, "<td>");
    if (!f->defined) {
        page_raw(page, "<small>not defined</small></td>");
        return;
    }
    page_say(page, "%.1f %%", 100 * f->value);
    page_raw(page, "<br/><small>");
    if (has_interval(f))
        page_say(page, f->interval.low < 0 ? "%.1f to %.1f" : "%.1f\xe2\x80\x93%.1f",
                 100 * f->interval.low, 100 * f->interval.high);
    else
        page_raw(page, "no interval");
    if (counts && f->of > 0)
        page_say(page, " \xc2\xb7 %llu/%llu", (unsigned long long)f->hits,
                 (unsigned long long)f->of);
    page_raw(page, "</small></td>");
}

void html_rate(struct page *page, const struct nn_figure *f)
{
    put_rate(page, f, true);
}

void html_share(struct page *page, const struct nn_figure *f)
{
    put_rate(page, f, false);
}

void html_number(struct page *page, const struct nn_figure *f, int digits)
{
    page_raw(page, "<td>");
    if (!f->defined) {
        page_raw(page, "<small>not defined</small></td>");
        return;
    }
    page_say(page, "%.*f", digits, f->value);
    page_raw(page, "<br/><small>");
    if (has_interval(f))
        page_say(page, f->interval.low < 0 ? "%.*f to %.*f" : "%.*f\xe2\x80\x93%.*f", digits,
                 f->interval.low, digits, f->interval.high);
    else
        page_raw(page, "no interval");
    page_raw(page, "</small></td>");
}

static enum nn_status write_page(struct page *page, struct evaluation *e, struct nn_error *err)
{
    char title[200];
    snprintf(title, sizeof title, "Evaluation of %s %s", e->model->name, e->model->version);
    page_head(page, title);
    html_answer(page, e);
    page_raw(page, "<main>\n");
    html_primary(page, e);
    html_everyday(page, e);
    html_classes(page, e);
    html_curves(page, e);
    enum nn_status status = html_mistakes(page, e, err);
    html_explanation(page, e);
    html_subgroups(page, e);
    html_refused(page, e);
    html_calibration(page, e);
    html_readers(page, e);
    html_rival(page, e);
    html_protocol(page, e);
    html_papers(page);
    html_methods(page, e);
    page_raw(page, "</main>\n");
    page_foot(page);
    return status;
}

int evaluate_page(struct evaluation *e, char *error, size_t size)
{
    struct whole_file file;
    struct nn_error err = {0};
    if (!whole_file_open(&file, e->options.report, "index.html")) {
        snprintf(error, size, "%s: %s", file.path, strerror(errno));
        return EX_CANTCREAT;
    }
    struct page page = {.out = file.out,
                        .mark = !e->synthetic ? ""
                                : strcmp(e->data_kind, "synthetic") == 0
                                    ? "Synthetic images"
                                    : "Model trained on synthetic images"};
    enum nn_status status = write_page(&page, e, &err);
    if (whole_file_close(&file, status == NN_OK))
        return 0;
    snprintf(error, size, "%s: %s", file.path, status != NN_OK ? err.text : strerror(errno));
    return status != NN_OK && status != NN_IO ? EX_SOFTWARE : EX_CANTCREAT;
}
