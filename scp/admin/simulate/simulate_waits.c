#include "simulate.h"
#include <math.h>
#include <stdlib.h>

const char *simulate_discipline_name(enum simulate_discipline discipline)
{
    static const char *const names[] = {"first come", "every neck first", "triage"};
    return names[discipline];
}

static bool in_group(const struct simulate_run *run, const struct simulate_study *study,
                     enum simulate_group group)
{
    bool injured = simulate_injured(run, study);
    bool flagged = simulate_flagged(run, study, NULL);
    switch (group) {
    case SIMULATE_INJURED:
        return injured;
    case SIMULATE_FOUND:
        return injured && flagged;
    case SIMULATE_MISSED:
        return injured && !flagged && run->discipline == SIMULATE_TRIAGE;
    case SIMULATE_ALARMS:
        return study->neck && !injured && flagged;
    case SIMULATE_NEGATIVE:
        return study->neck && !injured && !flagged;
    case SIMULATE_OTHERS:
        return !study->neck;
    case SIMULATE_ALL:
    case SIMULATE_GROUPS:
        break;
    }
    return true;
}

/* The smallest wait that at least this share does not exceed. Moves the waits: Hoare's selection,
 * for sorting them all would take half of the program's time. */
static double quantile(double *waits, size_t count, double share)
{
    size_t rank = (size_t)fmax(ceil(share * (double)count), 1) - 1;
    size_t low = 0, high = count - 1;
    while (low < high) {
        double middle = waits[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;; i++, j--) {
            while (waits[i] < middle)
                i++;
            while (waits[j] > middle)
                j--;
            if (i >= j)
                break;
            double other = waits[i];
            waits[i] = waits[j];
            waits[j] = other;
        }
        if (rank <= j)
            high = j;
        else
            low = j + 1;
    }
    return waits[rank];
}

static struct simulate_wait summarise(double *waits, size_t count)
{
    struct simulate_wait wait = {count, NAN, NAN, NAN, NAN};
    if (count == 0)
        return wait;
    wait.mean = wait.longest = 0;
    for (size_t i = 0; i < count; i++) {
        wait.mean += waits[i] / (double)count;
        wait.longest = fmax(wait.longest, waits[i]);
    }
    wait.median = quantile(waits, count, 0.5);
    wait.ninetieth = quantile(waits, count, 0.9);
    return wait;
}

/* Assumed: who trusts the network by T finds T less of what it missed, and of what it found
 * misses T less. */
static double reader_misses(const struct simulate_options *o, const struct simulate_run *run,
                            const struct simulate_wait *waits)
{
    double found = o->reader_sensitivity;
    double injured = (double)waits[SIMULATE_INJURED].count;
    double flagged = (double)waits[SIMULATE_FOUND].count;
    if (run->discipline != SIMULATE_TRIAGE)
        return 1000 * (1 - found);
    double missed = flagged * (1 - found) * (1 - run->trust) +
                    (injured - flagged) * (1 - found * (1 - run->trust));
    return injured > 0 ? 1000 * missed / injured : NAN;
}

bool simulate_measure(const struct simulate_room *room, const struct simulate_run *run,
                      const int64_t *start_ms, const int64_t *fcfs_ms,
                      struct simulate_result *result)
{
    double *waits = calloc(room->count + 1, sizeof *waits);
    if (!waits)
        return false;
    *result = (struct simulate_result){.run = *run};
    for (int group = 0; group < SIMULATE_GROUPS; group++) {
        size_t count = 0;
        for (size_t i = room->first; i < room->count; i++)
            if (in_group(run, &room->studies[i], (enum simulate_group)group))
                waits[count++] = (double)(start_ms[i] - room->studies[i].arrived_ms) / 60000;
        result->waits[group] = summarise(waits, count);
    }
    for (size_t i = room->first; i < room->count; i++)
        result->latest = fmax(result->latest, (double)(start_ms[i] - fcfs_ms[i]) / 60000);
    result->reader_misses = reader_misses(room->options, run, result->waits);
    free(waits);
    return true;
}
