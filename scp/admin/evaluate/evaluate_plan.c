/* evaluate_plan.c: `cervigate evaluate --plan`: how many studies a lower limit needs, before
 * anything is collected. */
#include "command.h"
#include "evaluate.h"
#include <math.h>
#include <sysexits.h>

static const double prevalences[] = {0.005, 0.02, 0.05};
enum { PREVALENCES = sizeof prevalences / sizeof *prevalences };

struct plan_row {
    const char *name, *whose;
    double expected, limit;
    bool injured;
    struct nn_plan plan;
    uint64_t mean[PREVALENCES], assured[PREVALENCES];
};

static enum nn_status fill(struct plan_row *row, const struct evaluate_options *o,
                           struct nn_error *err)
{
    enum nn_status status =
        nn_plan_rate(row->expected, row->limit, o->level, o->power, &row->plan, err);
    for (int i = 0; status == NN_OK && i < PREVALENCES; i++)
        status = nn_plan_total(row->plan.always, row->injured ? prevalences[i] : 1 - prevalences[i],
                               0.95, &row->mean[i], &row->assured[i], err);
    return status;
}

static int print_json(const struct plan_row *rows, const struct evaluate_options *o)
{
    json_t *out = json_pack("{s:f, s:f}", "level", o->level, "power", o->power);
    for (int i = 0; out && i < 2; i++) {
        const struct plan_row *r = &rows[i];
        json_t *totals = json_array();
        for (int k = 0; k < PREVALENCES; k++)
            json_array_append_new(totals, json_pack("{s:f, s:I, s:I}", "prevalence", prevalences[k],
                                                    "studies_on_average", (json_int_t)r->mean[k],
                                                    "studies_assured", (json_int_t)r->assured[k]));
        json_object_set_new(out, r->name,
                            json_pack("{s:f, s:f, s:I, s:I, s:I, s:f, s:o}", "expected",
                                      r->expected, "lower_limit", r->limit, "n",
                                      (json_int_t)r->plan.n, "n_always", (json_int_t)r->plan.always,
                                      "most_errors_at_n", (json_int_t)r->plan.most_errors,
                                      "power_at_n", r->plan.power, "consecutive", totals));
    }
    return command_print(out);
}

static void print_text(const struct plan_row *rows, const struct evaluate_options *o)
{
    printf("Sample size for any injury per study: the lower limit of the two-sided exact %g %%\n"
           "interval (Clopper-Pearson) exceeds the limit with a power of %g %%.\n\n",
           100 * o->level, 100 * o->power);
    printf("%-12s %9s %9s %9s %9s %12s\n", "", "true", "limit", "n", "n always", "errors at n");
    for (int i = 0; i < 2; i++)
        printf("%-12s %7.1f %% %7.1f %% %9llu %9llu %12llu   %s\n", rows[i].name,
               100 * rows[i].expected, 100 * rows[i].limit, (unsigned long long)rows[i].plan.n,
               (unsigned long long)rows[i].plan.always,
               (unsigned long long)rows[i].plan.most_errors, rows[i].whose);
    puts(
        "\n\"n always\": from here on the power never falls below again (exact tests have a power\n"
        "that saws up and down). Count patients; further images of a patient add little.\n\n"
        "Consecutive studies that give so many (n always), on average and with a chance of 95 %:");
    printf("%-12s %14s %14s %14s\n", "prevalence", "0.5 %", "2 %", "5 %");
    for (int i = 0; i < 2; i++) {
        printf("%-12s", rows[i].name);
        for (int k = 0; k < PREVALENCES; k++) {
            char cell[48];
            snprintf(cell, sizeof cell, "%llu / %llu", (unsigned long long)rows[i].mean[k],
                     (unsigned long long)rows[i].assured[k]);
            printf(" %14s", cell);
        }
        putchar('\n');
    }
}

int evaluate_plan(const struct evaluate_options *o)
{
    struct nn_error err = {0};
    struct plan_row rows[2] = {
        {.name = "sensitivity",
         .whose = "injured studies",
         .expected = o->expected_sensitivity,
         .limit = isfinite(o->sensitivity) ? o->sensitivity : 0.90,
         .injured = true},
        {.name = "specificity",
         .whose = "uninjured studies",
         .expected = o->expected_specificity,
         .limit = isfinite(o->specificity) ? o->specificity : 0.80},
    };
    for (int i = 0; i < 2; i++) {
        enum nn_status status = fill(&rows[i], o, &err);
        if (status != NN_OK) {
            fprintf(stderr, "cervigate evaluate: --plan: %s %g, expected %g: %s\n", rows[i].name,
                    rows[i].limit, rows[i].expected, err.text);
            return status == NN_INVALID || status == NN_LIMIT ? EX_USAGE : EX_SOFTWARE;
        }
    }
    if (o->json)
        return print_json(rows, o);
    print_text(rows, o);
    return 0;
}
