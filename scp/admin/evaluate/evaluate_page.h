/* evaluate_page.h: the pieces that the evaluation's page is put together from: escaped text,
 * tables, plots as inline SVG. The page is well-formed XML as well as HTML, needs no script and
 * nothing from elsewhere.
 *
 * Every word that comes from a file (paths, CSV cells, class names) goes through page_text or a
 * function that says "escaped": markup in it is shown, never interpreted. Not thread-safe. */
#ifndef EVALUATE_PAGE_H
#define EVALUATE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct page {
    FILE *out;
    const char *mark; /* every caption begins with it ("Synthetic images"); "": none */
    int plots;        /* drawn so far: their ids */
    double x, y;      /* of a picture: where the next plot is placed */
    bool is_picture;
};

/* Escaped: markup, and bytes that are no UTF-8 or no character of XML (U+FFFD instead). */
void page_text(struct page *page, const char *text);
/* Formatted, then escaped; cut at 2000 bytes. */
void page_say(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Markup as it stands. */
void page_raw(struct page *page, const char *markup);

/* A section with its heading (escaped); the anchor is an identifier of the program's own. */
void page_section(struct page *page, const char *anchor, const char *heading);
void page_section_end(struct page *page);
/* <p class="KIND">, formatted and escaped. */
void page_paragraph(struct page *page, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The mark and the words (escaped), within a <caption> or <figcaption>. */
void page_caption(struct page *page, const char *caption);

/* A table: caption and columns are escaped, the first column holds the rows' names. */
void page_table(struct page *page, const char *caption, const char *const *columns, size_t count);
void page_table_end(struct page *page);
/* A row begins with its name; cells are formatted and escaped. */
void page_row(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_cell(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_row_end(struct page *page);

void page_head(struct page *page, const char *title);
void page_foot(struct page *page);

/* Instead of a page: one SVG file by itself, with plots beside each other and lines of text (kind:
 * heading, ink or ""). Set page->x, page->y before each plot. It is light, and its colours are
 * plain: programs other than browsers know no var(). */
void page_picture(struct page *page, double width, double height, const char *title);
void page_picture_text(struct page *page, double x, double y, const char *kind, const char *words);
void page_picture_end(struct page *page);
/* "var(--s0)", in a picture "#0072b2"; name: as in the page's style. */
#define PAGE_COLOUR_MAX 20
const char *page_colour(const struct page *page, const char *name, char text[PAGE_COLOUR_MAX]);

/* ---- evaluate_svg.c ---- */

struct plot_curve {
    const char *name; /* escaped */
    const double *x, *y;
    size_t count;
    bool marked; /* a ring at (mark_x, mark_y): the operating point */
    double mark_x, mark_y;
};
enum plot_guide { PLOT_PLAIN, PLOT_DIAGONAL };
/* Curves in the unit square with a legend; title and description are for those who hear the page.
 */
void plot_curves(struct page *page, const char *title, const char *description, const char *x_name,
                 const char *y_name, const struct plot_curve *curves, size_t count,
                 enum plot_guide guide);

/* The same where y goes from 0 to most. */
void plot_amounts(struct page *page, const char *title, const char *description, const char *x_name,
                  const char *y_name, double most, const struct plot_curve *curves, size_t count);
#define PLOT_WIDTH         410.0
#define PLOT_HEIGHT(count) (408.0 + 20.0 * (double)(count)) /* of plot_curves, plot_amounts */

struct plot_bin {
    double score, frequency; /* means in the bin */
    double low, high;        /* interval of the frequency */
    size_t count;
};
/* Reliability: what the score says against what was true, the bins' sizes beneath. */
void plot_reliability(struct page *page, const char *title, const char *description,
                      const struct plot_bin *bins, size_t count);

/* A point and its interval on an axis from 0 to 1, in a line of text. */
void plot_range(struct page *page, double value, double low, double high);

#endif
