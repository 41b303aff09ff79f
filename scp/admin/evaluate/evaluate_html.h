/* evaluate_html.h: between the files that write the page: its sections, in reading order. */
#ifndef EVALUATE_HTML_H
#define EVALUATE_HTML_H

#include "evaluate.h"
#include "evaluate_page.h"

/* <td> with the value, its counts and its interval; percent, or a plain number. */
void html_rate(struct page *page, const struct nn_figure *figure);
/* Without counts: averages, and where a matrix has them. */
void html_share(struct page *page, const struct nn_figure *figure);
void html_number(struct page *page, const struct nn_figure *figure, int digits);

/* ---- evaluate_html_head.c ---- */
void html_answer(struct page *page, const struct evaluation *e);
void html_primary(struct page *page, const struct evaluation *e);
void html_everyday(struct page *page, const struct evaluation *e);
void html_refused(struct page *page, const struct evaluation *e);

/* ---- evaluate_html_classes.c ---- */
void html_classes(struct page *page, const struct evaluation *e);
void html_curves(struct page *page, const struct evaluation *e);
void html_calibration(struct page *page, const struct evaluation *e);

/* ---- evaluate_html_more.c ---- */
void html_subgroups(struct page *page, const struct evaluation *e);
void html_readers(struct page *page, const struct evaluation *e);
void html_rival(struct page *page, const struct evaluation *e);
void html_explanation(struct page *page, const struct evaluation *e);
void html_protocol(struct page *page, const struct evaluation *e);
void html_papers(struct page *page);
void html_methods(struct page *page, const struct evaluation *e);

/* ---- evaluate_mistakes.c ---- */
NN_MUST_USE enum nn_status html_mistakes(struct page *page, struct evaluation *e,
                                         struct nn_error *err);

#endif
