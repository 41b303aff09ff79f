/* evaluate_svg.c: the page's plots. Coordinates are pixels of a view box; colours and letters are
 * the page's (evaluate_page.c), so that a plot follows light, dark and paper. */
#include "evaluate_page.h"
#include <math.h>

#define COLOURS 8

struct frame {
    double left, top, width, height;
    double most; /* of y */
};

static const char *const dashes[] = {"none", "9 4", "2 3", "10 3 2 3"};

static void begin(struct page *page, const char *kind, double width, double height,
                  const char *title, const char *description)
{
    int id = ++page->plots;
    fputs("<svg xmlns=\"http://www.w3.org/2000/svg\"", page->out);
    if (page->is_picture)
        fprintf(page->out, " x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"", page->x, page->y, width,
                height);
    fprintf(page->out,
            " class=\"%s\" viewBox=\"0 0 %g %g\" "
            "role=\"img\" aria-labelledby=\"t%d d%d\"><title id=\"t%d\">",
            kind, width, height, id, id, id);
    page_text(page, title);
    fprintf(page->out, "</title><desc id=\"d%d\">", id);
    if (page->mark[0]) {
        page_text(page, page->mark);
        fputs(". ", page->out);
    }
    page_text(page, description);
    fputs("</desc>\n", page->out);
}

static void text(struct page *page, double x, double y, const char *anchor, const char *kind,
                 const char *words)
{
    fprintf(page->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", kind, x, y,
            anchor);
    page_text(page, words);
    fputs("</text>\n", page->out);
}

static void line(struct page *page, const char *kind, double x0, double y0, double x1, double y1)
{
    fprintf(page->out, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", kind, x0, y0, x1, y1);
}

/* Grid at fifths, numbers, names. */
static void axes(struct page *page, const struct frame *f, const char *x_name, const char *y_name)
{
    for (int i = 0; i <= 5; i++) {
        char number[16];
        double x = f->left + f->width * i / 5, y = f->top + f->height - f->height * i / 5;
        snprintf(number, sizeof number, "%.1f", i / 5.0);
        line(page, "grid", f->left, y, f->left + f->width, y);
        line(page, "grid", x, f->top, x, f->top + f->height);
        text(page, x, f->top + f->height + 16, "middle", "", number);
        if (f->most > 1)
            snprintf(number, sizeof number, "%g", f->most * i / 5);
        text(page, f->left - 7, y + 4, "end", "", number);
    }
    line(page, "axis", f->left, f->top + f->height, f->left + f->width, f->top + f->height);
    line(page, "axis", f->left, f->top, f->left, f->top + f->height);
    text(page, f->left + f->width / 2, f->top + f->height + 34, "middle", "ink", x_name);
    fprintf(page->out,
            "<text class=\"ink\" text-anchor=\"middle\" transform=\"translate(12 %.1f) "
            "rotate(-90)\">",
            f->top + f->height / 2);
    page_text(page, y_name);
    fputs("</text>\n", page->out);
}

static double x_of(const struct frame *f, double value)
{
    return f->left + f->width * fmin(fmax(value, 0), 1);
}

static double y_of(const struct frame *f, double value)
{
    return f->top + f->height - f->height * fmin(fmax(value / f->most, 0), 1);
}

/* Points on a straight horizontal or vertical run add nothing. */
static bool needed(const struct plot_curve *c, size_t i)
{
    if (i == 0 || i + 1 == c->count)
        return true;
    bool level = fabs(c->y[i - 1] - c->y[i]) < 1e-9 && fabs(c->y[i + 1] - c->y[i]) < 1e-9;
    bool upright = fabs(c->x[i - 1] - c->x[i]) < 1e-9 && fabs(c->x[i + 1] - c->x[i]) < 1e-9;
    return !level && !upright;
}

/* Of the n-th curve. */
static const char *colour(const struct page *page, size_t n, char text[PAGE_COLOUR_MAX])
{
    char name[8];
    snprintf(name, sizeof name, "s%zu", n % COLOURS);
    return page_colour(page, name, text);
}

static void curve(struct page *page, const struct frame *f, const struct plot_curve *c, size_t n)
{
    char stroke[PAGE_COLOUR_MAX], ground[PAGE_COLOUR_MAX];
    fprintf(page->out,
            "<path fill=\"none\" style=\"stroke:%s\" stroke-width=\"2\" "
            "stroke-linejoin=\"round\" stroke-dasharray=\"%s\" d=\"",
            colour(page, n, stroke), dashes[n % (sizeof dashes / sizeof *dashes)]);
    bool begun = false;
    for (size_t i = 0; i < c->count; i++) {
        if (!isfinite(c->x[i]) || !isfinite(c->y[i]) || !needed(c, i))
            continue;
        fprintf(page->out, "%c%.1f %.1f", begun ? 'L' : 'M', x_of(f, c->x[i]), y_of(f, c->y[i]));
        begun = true;
    }
    fputs("\"/>\n", page->out);
    if (c->marked)
        fprintf(page->out,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" stroke-width=\"2\" "
                "style=\"stroke:%s;fill:%s\"/>\n",
                x_of(f, c->mark_x), y_of(f, c->mark_y), stroke,
                page_colour(page, "ground", ground));
}

static void legend(struct page *page, const struct frame *f, const struct plot_curve *curves,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char stroke[PAGE_COLOUR_MAX];
        double y = f->top + f->height + 58 + 20 * (double)i;
        fprintf(page->out,
                "<path fill=\"none\" style=\"stroke:%s\" stroke-width=\"2\" "
                "stroke-dasharray=\"%s\" d=\"M%.1f %.1fh34\"/>\n",
                colour(page, i, stroke), dashes[i % (sizeof dashes / sizeof *dashes)], f->left,
                y - 4);
        text(page, f->left + 44, y, "start", "ink", curves[i].name);
    }
}

void plot_curves(struct page *page, const char *title, const char *description, const char *x_name,
                 const char *y_name, const struct plot_curve *curves, size_t count,
                 enum plot_guide guide)
{
    const struct frame f = {52, 10, 340, 340, 1};
    begin(page, "plot", PLOT_WIDTH, PLOT_HEIGHT(count), title, description);
    axes(page, &f, x_name, y_name);
    if (guide == PLOT_DIAGONAL)
        line(page, "guide", f.left, f.top + f.height, f.left + f.width, f.top);
    for (size_t i = 0; i < count; i++)
        curve(page, &f, &curves[i], i);
    legend(page, &f, curves, count);
    fputs("</svg>\n", page->out);
}

void plot_amounts(struct page *page, const char *title, const char *description, const char *x_name,
                  const char *y_name, double most, const struct plot_curve *curves, size_t count)
{
    const struct frame f = {52, 10, 340, 340, most};
    begin(page, "plot", PLOT_WIDTH, PLOT_HEIGHT(count), title, description);
    axes(page, &f, x_name, y_name);
    for (size_t i = 0; i < count; i++)
        curve(page, &f, &curves[i], i);
    legend(page, &f, curves, count);
    fputs("</svg>\n", page->out);
}

void plot_reliability(struct page *page, const char *title, const char *description,
                      const struct plot_bin *bins, size_t count)
{
    const struct frame f = {52, 10, 340, 340, 1};
    double base = f.top + f.height + 96, tall = 44;
    size_t most = 1;
    begin(page, "plot", 410, base + 22, title, description);
    axes(page, &f, "score", "share that was true");
    line(page, "guide", f.left, f.top + f.height, f.left + f.width, f.top);
    for (size_t i = 0; i < count; i++)
        most = bins[i].count > most ? bins[i].count : most;
    for (size_t i = 0; i < count; i++) {
        const struct plot_bin *b = &bins[i];
        double part = tall * (double)b->count / (double)most;
        fprintf(page->out,
                "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                f.left + f.width * (double)i / (double)count + 1, base - part,
                f.width / (double)count - 2, part);
        if (b->count == 0)
            continue;
        double x = x_of(&f, b->score);
        fprintf(page->out,
                "<path style=\"stroke:var(--s0)\" stroke-width=\"1.5\" d=\"M%.1f %.1fV%.1f\"/>"
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" style=\"fill:var(--s0)\"/>\n",
                x, y_of(&f, b->low), y_of(&f, b->high), x, y_of(&f, b->frequency));
    }
    line(page, "axis", f.left, base, f.left + f.width, base);
    text(page, f.left + f.width / 2, base + 16, "middle", "", "answers in each tenth of the score");
    fputs("</svg>\n", page->out);
}

void plot_range(struct page *page, double value, double low, double high)
{
    const struct frame f = {4, 0, 112, 14, 1};
    fprintf(page->out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"line\" viewBox=\"0 0 120 14\" "
            "aria-hidden=\"true\"><path class=\"track\" d=\"M4 7H116M4 3V11M116 3V11\"/>");
    if (isfinite(value) && isfinite(low) && isfinite(high))
        fprintf(page->out,
                "<path style=\"stroke:var(--s0)\" stroke-width=\"2.5\" d=\"M%.1f 7H%.1f\"/>"
                "<circle cx=\"%.1f\" cy=\"7\" r=\"4\" style=\"fill:var(--s0)\"/>",
                x_of(&f, low), x_of(&f, high), x_of(&f, value));
    fputs("</svg>", page->out);
}
