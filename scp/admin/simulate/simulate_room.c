#include "nn_measures.h"
#include "phantom_dice.h"
#include "simulate.h"
#include "worklist/priority.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS   3600000
#define DAY_MS    (24 * INT64_C(3600000))
#define SPREAD    0.5 /* of lognormal reading times: standard deviation over mean */
#define OPERATING 0.5

/* Arrivals by the hour, the busiest is 1: few at night, most from morning to evening. */
static const double day_curve[24] = {0.24, 0.18, 0.14, 0.12, 0.12, 0.14, 0.24, 0.47,
                                     0.82, 0.94, 1.00, 1.00, 0.94, 0.94, 0.94, 0.92,
                                     0.88, 0.82, 0.76, 0.71, 0.65, 0.53, 0.41, 0.29};

static double normal(struct phantom_dice *dice)
{
    double radius = sqrt(-2 * log(1 - phantom_dice_uniform(dice)));
    return radius * cos(2 * acos(-1.0) * phantom_dice_uniform(dice));
}

static double share_of_hour(const struct simulate_options *o, int64_t ms)
{
    return o->flat ? 1 : day_curve[ms / HOUR_MS % 24];
}

static struct simulate_study study_at(const struct simulate_options *o, int64_t ms, uint64_t index)
{
    struct phantom_dice dice = phantom_dice((uint64_t)o->seed, index, PHANTOM_DICE_STUDY);
    double necks = (double)o->necks / (double)(o->necks + o->others);
    struct simulate_study study = {.arrived_ms = ms};
    study.neck = phantom_dice_uniform(&dice) < necks;
    study.stat = phantom_dice_uniform(&dice) < o->stat;
    study.injury = phantom_dice_uniform(&dice);
    study.noise = normal(&dice);
    return study;
}

/* Poisson at the busiest hour's rate, thinned to each hour's. */
static size_t arrive(const struct simulate_options *o, struct simulate_study *studies, size_t most)
{
    struct phantom_dice dice = phantom_dice((uint64_t)o->seed, 0, PHANTOM_DICE_CLOCK);
    double sum = 0, at = 0, end = (double)(DAY_MS * (o->days + SIMULATE_WARM_DAYS));
    size_t count = 0;
    for (int hour = 0; hour < 24; hour++)
        sum += share_of_hour(o, (int64_t)hour * HOUR_MS);
    double gap = HOUR_MS * sum / (double)(o->necks + o->others);
    for (;;) {
        at -= gap * log(1 - phantom_dice_uniform(&dice));
        if (at >= end || count == most)
            return count;
        if (phantom_dice_uniform(&dice) < share_of_hour(o, (int64_t)at)) {
            studies[count] = study_at(o, (int64_t)at, count);
            count++;
        }
    }
}

static double reading(const struct simulate_options *o, uint64_t index)
{
    struct phantom_dice dice = phantom_dice((uint64_t)o->seed, index, PHANTOM_DICE_PAUSE);
    double mean = o->reading_minutes * 60000, width = sqrt(log(1 + SPREAD * SPREAD));
    if (o->service == SIMULATE_EXPONENTIAL)
        return -mean * log(1 - phantom_dice_uniform(&dice));
    return o->service == SIMULATE_FIXED ? mean
                                        : mean * exp(width * normal(&dice) - width * width / 2);
}

bool simulate_room_init(struct simulate_room *room, const struct simulate_options *o)
{
    double expected = (double)(o->necks + o->others) * (double)(o->days + SIMULATE_WARM_DAYS);
    size_t most = (size_t)(expected + 10 * sqrt(expected) + 100);
    *room = (struct simulate_room){.options = o,
                                   .studies = calloc(most, sizeof *room->studies),
                                   .reading_ms = calloc(most, sizeof *room->reading_ms)};
    if (!room->studies || !room->reading_ms) {
        simulate_room_finish(room);
        return false;
    }
    room->count = arrive(o, room->studies, most);
    for (size_t i = 0; i < room->count; i++)
        room->reading_ms[i] = reading(o, i);
    while (room->first < room->count &&
           room->studies[room->first].arrived_ms < SIMULATE_WARM_DAYS * DAY_MS)
        room->first++;
    return true;
}

void simulate_room_finish(struct simulate_room *room)
{
    free(room->studies);
    free(room->reading_ms);
    *room = (struct simulate_room){0};
}

bool simulate_injured(const struct simulate_run *run, const struct simulate_study *study)
{
    return study->neck && study->injury < run->prevalence;
}

static double quantile(double share)
{
    return share <= 0 ? -INFINITY : share >= 1 ? INFINITY : nn_normal_quantile(share);
}

struct simulate_run simulate_run(const struct simulate_options *o,
                                 enum simulate_discipline discipline, double prevalence,
                                 double sensitivity, double trust)
{
    return (struct simulate_run){.discipline = discipline,
                                 .prevalence = prevalence,
                                 .sensitivity = sensitivity,
                                 .trust = trust,
                                 .injured_mean = quantile(sensitivity),
                                 .uninjured_mean = -quantile(o->specificity)};
}

bool simulate_flagged(const struct simulate_run *run, const struct simulate_study *study,
                      double *score)
{
    if (!study->neck || run->discipline != SIMULATE_TRIAGE)
        return false;
    double above =
        study->noise + (simulate_injured(run, study) ? run->injured_mean : run->uninjured_mean);
    if (score)
        *score = 1 / (1 + exp(-above));
    return above >= 0;
}

/* ---- the room in time ---- */

struct waiting {
    struct priority_place place;
    struct priority answer; /* of the node, from answered_ms on */
    int64_t answered_ms;
    bool neck, flagged;
};

struct shift {
    const struct simulate_room *room;
    const struct simulate_run *run;
    struct priority_policy policy;
    struct waiting *waiting; /* by arrival */
    size_t count;
    int64_t busy_until[SIMULATE_READERS];
    int busy;
    size_t arrived, begun;
};

static void admit(struct shift *shift, size_t index)
{
    const struct simulate_study *study = &shift->room->studies[index];
    bool high = study->neck && shift->room->options->necks_high;
    struct priority_case known = {.order = study->stat ? ORDER_STAT
                                           : high      ? ORDER_HIGH
                                                       : ORDER_ROUTINE,
                                  .operating_point = OPERATING,
                                  .agreed = true};
    struct waiting *one = &shift->waiting[shift->count++];
    *one = (struct waiting){
        .place = {.order = known.order, .arrived_ms = study->arrived_ms, .number = (int64_t)index},
        .answered_ms = INT64_MAX,
        .neck = study->neck};
    priority_of(&known, &one->place.priority);
    if (!study->neck || shift->run->discipline != SIMULATE_TRIAGE)
        return;
    one->flagged = simulate_flagged(shift->run, study, &known.score);
    known.answered = true;
    known.outcome = one->flagged ? SRT_FINDING : SRT_NO_FINDING;
    priority_of(&known, &one->answer);
    one->answered_ms = study->arrived_ms + (int64_t)(shift->room->options->answer_seconds * 1000);
}

static bool goes_first(const struct shift *shift, const struct waiting *a, const struct waiting *b)
{
    if (shift->run->discipline == SIMULATE_TRIAGE)
        return priority_compare(&shift->policy, &a->place, &b->place) < 0;
    if ((a->place.order == ORDER_STAT) != (b->place.order == ORDER_STAT))
        return a->place.order == ORDER_STAT;
    if (shift->run->discipline == SIMULATE_NECKS && a->neck != b->neck)
        return a->neck;
    return a->place.number < b->place.number;
}

static size_t choose(struct shift *shift, int64_t now)
{
    size_t best = 0;
    for (size_t i = 0; i < shift->count; i++) {
        struct waiting *one = &shift->waiting[i];
        if (one->answered_ms <= now) {
            one->place.priority = one->answer;
            one->answered_ms = INT64_MAX;
        }
        if (i > 0 && goes_first(shift, one, &shift->waiting[best]))
            best = i;
    }
    return best;
}

static void pass(struct priority_place *place, int64_t now)
{
    if (place->passed_ms == 0)
        place->passed_ms = now;
}

static void begin(struct shift *shift, int64_t now, int64_t *start_ms)
{
    shift->policy.now_ms = now;
    size_t best = choose(shift, now);
    const struct waiting *one = &shift->waiting[best];
    double takes = shift->room->reading_ms[shift->begun++];
    for (size_t i = 0; i < best; i++)
        if (one->place.order != ORDER_STAT || shift->waiting[i].place.order == ORDER_STAT)
            pass(&shift->waiting[i].place, now);
    if (one->neck && !one->flagged)
        takes *= 1 - shift->run->trust;
    start_ms[one->place.number] = now;
    shift->busy_until[shift->busy++] = now + (int64_t)llround(takes);
    shift->count--;
    memmove(&shift->waiting[best], &shift->waiting[best + 1],
            (shift->count - best) * sizeof *shift->waiting);
}

/* The next arrival, end of a reading, or, while somebody waits, hour at which readers may come. */
static int64_t next_event(const struct shift *shift, int64_t now)
{
    int64_t next = INT64_MAX;
    if (shift->arrived < shift->room->count)
        next = shift->room->studies[shift->arrived].arrived_ms;
    for (int r = 0; r < shift->busy; r++)
        next = shift->busy_until[r] < next ? shift->busy_until[r] : next;
    int64_t hour = (now / HOUR_MS + 1) * HOUR_MS;
    return shift->count > 0 && hour < next ? hour : next;
}

bool simulate_read(const struct simulate_room *room, const struct simulate_run *run,
                   int64_t *start_ms)
{
    struct shift shift = {.room = room,
                          .run = run,
                          .policy = {(int)(room->options->ageing_minutes * 60),
                                     (int)(room->options->delay_minutes * 60), 0},
                          .waiting = calloc(room->count + 1, sizeof *shift.waiting)};
    if (!shift.waiting)
        return false;
    for (int64_t now = 0; shift.begun < room->count; now = next_event(&shift, now)) {
        while (shift.arrived < room->count && room->studies[shift.arrived].arrived_ms <= now)
            admit(&shift, shift.arrived++);
        for (int r = 0; r < shift.busy;)
            if (shift.busy_until[r] <= now)
                shift.busy_until[r] = shift.busy_until[--shift.busy];
            else
                r++;
        while (shift.count > 0 && shift.busy < room->options->readers[now / HOUR_MS % 24])
            begin(&shift, now, start_ms);
    }
    free(shift.waiting);
    return true;
}
