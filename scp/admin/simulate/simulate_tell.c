#include "command.h"
#include "simulate.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char no_study[] = "chance, not observation: no reader study was done";
static const char assumption[] =
    "ASSUMPTION, not measured: who trusts the network by T finds T less of what it missed, misses "
    "T less of what it found, and takes T less time over necks without a finding";
static const char *const services[] = {"lognormal", "exponential", "fixed"};

/* "0-8:1,8-18:2,18-24:1", as --readers takes it. */
static void write_readers(const int readers[24], char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int from = 0, to; from < 24; from = to) {
        for (to = from; to < 24 && readers[to] == readers[from];)
            to++;
        int more = snprintf(text + used, size - used, "%s%d-%d:%d", from ? "," : "", from, to,
                            readers[from]);
        if (more < 0 || (size_t)more >= size - used)
            return;
        used += (size_t)more;
    }
}

/* ---- tables ---- */

static void tell_settings(const struct simulate_results *results)
{
    const struct simulate_options *o = results->options;
    char readers[24 * 12];
    write_readers(o->readers, readers, sizeof readers);
    printf("A reading room by %s.\n"
           "seed %ld, %ld days (and %d before, not counted), %zu studies\n"
           "readers   %s\n"
           "arrivals  %ld trauma necks and %ld other studies a day, %s; %g %% of all ordered STAT\n"
           "reading   %g min on average, %s; load %.2f\n"
           "network   specificity %g, answers after %g s; ageing %g min, delay %g min%s\n"
           "Waits in minutes, from a study's arrival until its reading begins: median and 90th "
           "percentile.\n",
           no_study, o->seed, o->days, SIMULATE_WARM_DAYS, results->studies, readers, o->necks,
           o->others, o->flat ? "the same in every hour" : "most by day", o->stat * 100,
           o->reading_minutes, services[o->service], simulate_load(o), o->specificity,
           o->answer_seconds, o->ageing_minutes, o->delay_minutes,
           o->necks_high ? ", necks ordered HIGH" : "");
}

static void tell_wait(const struct simulate_wait *wait)
{
    if (wait->count == 0)
        printf(" |      -      -");
    else
        printf(" | %6.1f %6.1f", wait->median, wait->ninetieth);
}

static void tell_row(const struct simulate_result *result)
{
    char name[40];
    bool triage = result->run.discipline == SIMULATE_TRIAGE;
    snprintf(name, sizeof name, triage ? "%s, %g" : "%s",
             simulate_discipline_name(result->run.discipline), result->run.sensitivity);
    printf("%-17s", name);
    for (int group = 0; group < SIMULATE_ALL; group++) {
        const struct simulate_wait *wait = &result->waits[group];
        if (group == SIMULATE_FOUND || group == SIMULATE_MISSED) {
            if (triage)
                printf(" | %5zu", wait->count);
            else
                printf(" |     -");
        }
        tell_wait(wait);
    }
    printf(" | %5.2f | %5.0f\n", result->waits[SIMULATE_ALL].mean, result->latest);
}

static void tell_runs(const struct simulate_results *results)
{
    double last = -1;
    for (size_t i = 0; i < results->run_count; i++) {
        const struct simulate_result *result = &results->runs[i];
        if (i == 0 || result->run.prevalence > last || result->run.prevalence < last)
            printf("\n%g %% of necks injured: %zu\n"
                   "%-17s | %-13s | %-21s | %-21s | %-13s | %-13s | %-13s | mean  | latest\n",
                   result->run.prevalence * 100, result->waits[SIMULATE_INJURED].count,
                   "discipline, sens.", "injured necks", "found by the network",
                   "missed by the network", "false alarms", "no finding", "other studies");
        last = result->run.prevalence;
        tell_row(result);
    }
    puts("mean: of all studies; latest: the longest that one began later than first come, first "
         "served lets it.");
}

static void tell_bias(const struct simulate_results *results)
{
    const struct simulate_options *o = results->options;
    if (results->bias_count == 0)
        return;
    printf("\nReader bias. %s.\nOf 1000 injured, with %g %% injured, a reader who alone misses "
           "%.0f misses:\n%-18s",
           assumption, results->bias[0].run.prevalence * 100, 1000 * (1 - o->reader_sensitivity),
           "network's sens.");
    for (size_t s = 0; s < o->sensitivity.count; s++)
        printf(" %7g", o->sensitivity.value[s]);
    puts("   mean wait of all, by the same");
    for (size_t t = 0; t < o->trust.count; t++) {
        const struct simulate_result *row = &results->bias[t * o->sensitivity.count];
        printf("trust %-12g", o->trust.value[t]);
        for (size_t s = 0; s < o->sensitivity.count; s++)
            if (isfinite(row[s].reader_misses))
                printf(" %7.0f", row[s].reader_misses);
            else
                printf(" %7s", "-");
        fputs("  ", stdout);
        for (size_t s = 0; s < o->sensitivity.count; s++)
            printf(" %6.2f", row[s].waits[SIMULATE_ALL].mean);
        putchar('\n');
    }
}

void simulate_tell(const struct simulate_results *results)
{
    tell_settings(results);
    tell_runs(results);
    tell_bias(results);
}

/* ---- JSON ---- */

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *list_json(const struct simulate_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_real(list->value[i]));
    return array;
}

static json_t *settings_json(const struct simulate_options *o)
{
    char readers[24 * 12];
    write_readers(o->readers, readers, sizeof readers);
    return json_pack("{s:I,s:I,s:s,s:I,s:I,s:s,s:f,s:s,s:f,s:o,s:o,s:f,s:f,s:f,s:f,s:f,s:o,s:s}",
                     "seed", (json_int_t)o->seed, "days", (json_int_t)o->days, "readers", readers,
                     "necks", (json_int_t)o->necks, "others", (json_int_t)o->others, "arrivals",
                     o->flat ? "flat" : "day", "reading_minutes", o->reading_minutes, "service",
                     services[o->service], "stat", o->stat, "prevalence", list_json(&o->prevalence),
                     "sensitivity", list_json(&o->sensitivity), "specificity", o->specificity,
                     "answer_seconds", o->answer_seconds, "ageing_minutes", o->ageing_minutes,
                     "delay_minutes", o->delay_minutes, "reader_sensitivity", o->reader_sensitivity,
                     "trust", list_json(&o->trust), "neck_order",
                     o->necks_high ? "high" : "routine");
}

static json_t *result_json(const struct simulate_result *result)
{
    static const char *const groups[SIMULATE_GROUPS] = {
        "injured", "found", "missed", "false_alarms", "no_finding", "others", "all"};
    bool triage = result->run.discipline == SIMULATE_TRIAGE;
    json_t *waits = json_object();
    for (int group = 0; group < SIMULATE_GROUPS; group++) {
        const struct simulate_wait *wait = &result->waits[group];
        json_object_set_new(waits, groups[group],
                            json_pack("{s:I,s:o,s:o,s:o,s:o}", "n", (json_int_t)wait->count, "mean",
                                      real(wait->mean), "median", real(wait->median), "ninetieth",
                                      real(wait->ninetieth), "longest", real(wait->longest)));
    }
    return json_pack("{s:s,s:f,s:o,s:f,s:o,s:f,s:o}", "discipline",
                     simulate_discipline_name(result->run.discipline), "prevalence",
                     result->run.prevalence, "sensitivity",
                     triage ? json_real(result->run.sensitivity) : json_null(), "trust",
                     result->run.trust, "minutes", waits, "latest_minutes", result->latest,
                     "reader_misses_per_1000", real(result->reader_misses));
}

static json_t *results_json(const struct simulate_result *results, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, result_json(&results[i]));
    return array;
}

int simulate_tell_json(const struct simulate_results *results)
{
    return command_print(
        json_pack("{s:s,s:o,s:f,s:I,s:o,s:{s:s,s:o}}", "source", no_study, "settings",
                  settings_json(results->options), "load", simulate_load(results->options),
                  "studies", (json_int_t)results->studies, "runs",
                  results_json(results->runs, results->run_count), "reader_bias", "assumption",
                  assumption, "runs", results_json(results->bias, results->bias_count)));
}
