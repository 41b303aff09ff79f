/* simulate.c: `cervigate simulate`: the reading room with and without triage. */
#include "simulate.h"
#include "admin.h"
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct work {
    struct simulate_room room;
    int64_t *start_ms, *fcfs_ms, *necks_ms;
    struct simulate_results results;
};

static bool triage(struct work *work, double prevalence, double sensitivity, double trust,
                   struct simulate_result *result)
{
    struct simulate_run run =
        simulate_run(work->room.options, SIMULATE_TRIAGE, prevalence, sensitivity, trust);
    return simulate_read(&work->room, &run, work->start_ms) &&
           simulate_measure(&work->room, &run, work->start_ms, work->fcfs_ms, result);
}

static bool compare_disciplines(struct work *work, double prevalence)
{
    const struct simulate_options *o = work->room.options;
    struct simulate_results *results = &work->results;
    const int64_t *starts[] = {work->fcfs_ms, work->necks_ms};
    for (int d = SIMULATE_FCFS; d < SIMULATE_TRIAGE; d++) {
        struct simulate_run run = simulate_run(o, (enum simulate_discipline)d, prevalence, 0, 0);
        if (!simulate_measure(&work->room, &run, starts[d], work->fcfs_ms,
                              &results->runs[results->run_count++]))
            return false;
    }
    for (size_t s = 0; s < o->sensitivity.count; s++)
        if (!triage(work, prevalence, o->sensitivity.value[s], 0,
                    &results->runs[results->run_count++]))
            return false;
    return true;
}

static bool bias_readers(struct work *work)
{
    const struct simulate_options *o = work->room.options;
    struct simulate_results *results = &work->results;
    double prevalence = o->prevalence.value[o->prevalence.count / 2];
    for (size_t t = 0; t < o->trust.count; t++)
        for (size_t s = 0; s < o->sensitivity.count; s++)
            if (!triage(work, prevalence, o->sensitivity.value[s], o->trust.value[t],
                        &results->bias[results->bias_count++]))
                return false;
    return true;
}

static bool take_memory(struct work *work, const struct simulate_options *o)
{
    if (!simulate_room_init(&work->room, o))
        return false;
    size_t bytes = (work->room.count + 1) * sizeof(int64_t);
    work->start_ms = malloc(bytes);
    work->fcfs_ms = malloc(bytes);
    work->necks_ms = malloc(bytes);
    work->results = (struct simulate_results){
        .options = o,
        .studies = work->room.count - work->room.first,
        .runs =
            calloc(o->prevalence.count * (2 + o->sensitivity.count), sizeof *work->results.runs),
        .bias = calloc(o->trust.count * o->sensitivity.count, sizeof *work->results.bias)};
    return work->start_ms && work->fcfs_ms && work->necks_ms && work->results.runs &&
           work->results.bias;
}

/* Who waits first come, first served, and with every neck first, depends on no network. */
static bool simulate(struct work *work, const struct simulate_options *o)
{
    const struct simulate_run fcfs = {.discipline = SIMULATE_FCFS};
    const struct simulate_run necks = {.discipline = SIMULATE_NECKS};
    if (!take_memory(work, o) || !simulate_read(&work->room, &fcfs, work->fcfs_ms) ||
        !simulate_read(&work->room, &necks, work->necks_ms))
        return false;
    for (size_t p = 0; p < o->prevalence.count; p++)
        if (!compare_disciplines(work, o->prevalence.value[p]))
            return false;
    return bias_readers(work);
}

static int tell(const struct simulate_results *results)
{
    int status = 0;
    if (results->options->json)
        status = simulate_tell_json(results);
    else
        simulate_tell(results);
    if (status == 0 && results->options->plot)
        status = simulate_plot(results, results->options->plot);
    return status;
}

int admin_simulate(int argc, char **argv)
{
    struct simulate_options o;
    struct work work = {0};
    int status = EX_SOFTWARE;
    if (!simulate_options_parse(argc, argv, &o)) {
        fputs(simulate_usage, stderr);
        return EX_USAGE;
    }
    if (o.help) {
        fputs(simulate_usage, stdout);
        return 0;
    }
    if (simulate(&work, &o))
        status = tell(&work.results);
    else
        fputs("cervigate simulate: no memory\n", stderr);
    simulate_room_finish(&work.room);
    free(work.start_ms);
    free(work.fcfs_ms);
    free(work.necks_ms);
    free(work.results.runs);
    free(work.results.bias);
    return status;
}
