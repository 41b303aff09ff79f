#include "evaluate_page.h"
#include "simulate.h"
#include "whole_file.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define CURVES 6
#define TOP    64.0

/* One curve: what `read` takes from the runs of one prevalence or one trust, by sensitivity. */
struct drawn {
    double y[SIMULATE_LIST];
};
typedef double taken(const struct simulate_wait *wait);

static double median(const struct simulate_wait *wait)
{
    return wait->median;
}

static double ninetieth(const struct simulate_wait *wait)
{
    return wait->ninetieth;
}

/* The end of an axis of fifths. */
static double ceiling(double value)
{
    static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
    double ten = pow(10, floor(log10(fmax(value, 5))));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i] * ten >= value)
            return steps[i] * ten;
    return 10 * ten;
}

static void draw(struct page *page, const char *title, const char *y_name,
                 const struct simulate_list *x, const char *const *names, const struct drawn *drawn,
                 size_t count)
{
    struct plot_curve curves[SIMULATE_LIST];
    double most = 0;
    for (size_t c = 0; c < count; c++) {
        for (size_t i = 0; i < x->count; i++)
            if (isfinite(drawn[c].y[i]))
                most = fmax(most, drawn[c].y[i]);
        curves[c] = (struct plot_curve){
            .name = names[c], .x = x->value, .y = drawn[c].y, .count = x->count};
    }
    page_picture_text(page, page->x + 52, page->y - 12, "ink", title);
    plot_amounts(page, title, "by the sensitivity of the network", "sensitivity of the network",
                 y_name, ceiling(most), curves, count);
}

/* runs: of one prevalence. */
static void draw_waits(struct page *page, const struct simulate_options *o,
                       const struct simulate_result *runs, taken *take, const char *title)
{
    static const char *const names[CURVES] = {
        "first come, first served: the injured",      "every trauma neck first: the injured",
        "triage: injured, found by the network",      "triage: injured, missed by the network",
        "triage: necks without a finding, uninjured", "triage: the department's other studies"};
    struct drawn drawn[CURVES];
    for (size_t s = 0; s < o->sensitivity.count; s++) {
        const struct simulate_wait *triage = runs[2 + s].waits;
        drawn[0].y[s] = take(&runs[0].waits[SIMULATE_INJURED]);
        drawn[1].y[s] = take(&runs[1].waits[SIMULATE_INJURED]);
        drawn[2].y[s] = take(&triage[SIMULATE_FOUND]);
        drawn[3].y[s] = take(&triage[SIMULATE_MISSED]);
        drawn[4].y[s] = take(&triage[SIMULATE_NEGATIVE]);
        drawn[5].y[s] = take(&triage[SIMULATE_OTHERS]);
    }
    draw(page, title, "minutes", &o->sensitivity, names, drawn, CURVES);
}

static void draw_bias(struct page *page, const struct simulate_results *results)
{
    const struct simulate_options *o = results->options;
    const char *names[SIMULATE_LIST];
    char text[SIMULATE_LIST][40];
    struct drawn drawn[SIMULATE_LIST];
    for (size_t t = 0; t < o->trust.count; t++) {
        snprintf(text[t], sizeof text[t], "trust %g", o->trust.value[t]);
        names[t] = text[t];
        for (size_t s = 0; s < o->sensitivity.count; s++)
            drawn[t].y[s] = results->bias[t * o->sensitivity.count + s].reader_misses;
    }
    draw(page, "ASSUMED reader bias: injuries that the reader misses", "of 1000 injuries",
         &o->sensitivity, names, drawn, o->trust.count);
}

static void draw_all(struct page *page, const struct simulate_results *results)
{
    const struct simulate_options *o = results->options;
    size_t middle = o->prevalence.count / 2;
    const struct simulate_result *runs = &results->runs[middle * (2 + o->sensitivity.count)];
    size_t lines = o->trust.count > CURVES ? o->trust.count : CURVES;
    char note[200];
    snprintf(note, sizeof note,
             "%g %% of %ld trauma necks a day injured, %ld other studies a day; specificity %g%s; "
             "load %.2f; seed %ld, %ld days. Chance, not observation: no reader study was done.",
             runs->run.prevalence * 100, o->necks, o->others, o->specificity,
             o->necks_high ? ", necks ordered HIGH" : "", simulate_load(o), o->seed, o->days);
    page_picture(page, 3 * PLOT_WIDTH, TOP + PLOT_HEIGHT(lines) + 24,
                 "A simulated reading room, with and without triage");
    page_picture_text(page, 52, 26, "heading", "A simulated reading room, with and without triage");
    page->y = TOP;
    draw_waits(page, o, runs, median, "Wait until reading begins, median");
    page->x = PLOT_WIDTH;
    draw_waits(page, o, runs, ninetieth, "Wait until reading begins, 90th percentile");
    page->x = 2 * PLOT_WIDTH;
    draw_bias(page, results);
    page_picture_text(page, 52, TOP + PLOT_HEIGHT(lines) + 8, "", note);
    page_picture_end(page);
}

int simulate_plot(const struct simulate_results *results, const char *path)
{
    struct whole_file file;
    bool open = whole_file_open(&file, NULL, path);
    if (open) {
        struct page page = {.out = file.out, .mark = ""};
        draw_all(&page, results);
    }
    if (open && whole_file_close(&file, true))
        return 0;
    fprintf(stderr, "cervigate simulate: --plot %s: %s\n", path, strerror(errno));
    return EX_CANTCREAT;
}
