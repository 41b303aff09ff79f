/* Sums and intervals. */
#include "tally.h"

#include <math.h>
#include <stdlib.h>

#define MEDIAN_LEAST 6 /* below, no two values hold the median in 95 % of samples */
#define Z            1.959963984540054

static bool add_span(struct spans *spans, int64_t from, int64_t to)
{
    if (from == 0 || to < from)
        return true;
    if (spans->count == spans->room) {
        size_t room = spans->room > 0 ? 2 * spans->room : 256;
        int64_t *more = realloc(spans->ms, room * sizeof *more);
        if (more == NULL)
            return false;
        spans->ms = more;
        spans->room = room;
    }
    spans->ms[spans->count++] = to - from;
    return true;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool spans_median(struct spans *spans, int64_t *median, int64_t *low, int64_t *high)
{
    size_t n = spans->count;
    *median = *low = *high = -1;
    if (n == 0)
        return false;
    qsort(spans->ms, n, sizeof *spans->ms, compare);
    *median = n % 2 == 1 ? spans->ms[n / 2] : (spans->ms[n / 2 - 1] + spans->ms[n / 2]) / 2;
    if (n < MEDIAN_LEAST)
        return true;
    /* The count below the median is binomial(n, 1/2): its normal approximation, outwards. */
    double half = Z * sqrt((double)n) / 2;
    double first = floor((double)n / 2 - half), last = ceil((double)n / 2 + 1 + half);
    *low = spans->ms[first < 1 ? 0 : (size_t)first - 1];
    *high = spans->ms[last > (double)n ? n - 1 : (size_t)last - 1];
    return true;
}

/* What was answered, and whether that was right. */
static bool decide(struct nn_tally *tally, enum srt_outcome answer, bool right)
{
    if (answer == SRT_FINDING)
        *(right ? &tally->tp : &tally->fp) += 1;
    else if (answer == SRT_NO_FINDING || answer == SRT_INCOMPLETE)
        *(right ? &tally->tn : &tally->fn) += 1;
    else
        return false;
    return true;
}

static void add_verdict(struct tally *tally, const struct store_verdict *v)
{
    tally->said++;
    if ((unsigned)v->outcome < TALLY_OUTCOMES) {
        tally->of[v->outcome]++;
        tally->agreed[v->outcome] += v->agrees;
    }
    (void)decide(&tally->answers, v->outcome, v->agrees);
}

static bool is_understood(const struct store_outcome *o)
{
    return o->conclusion == SITE_INJURY || o->conclusion == SITE_NO_INJURY;
}

bool tally_compare(const struct store_outcome *o, bool *agrees)
{
    struct nn_tally none = {0};
    *agrees = (o->outcome == SRT_FINDING) == (o->conclusion == SITE_INJURY);
    return o->answered && is_understood(o) && decide(&none, o->outcome, *agrees);
}

static void add_final(struct tally *tally, const struct store_outcome *o)
{
    bool agrees;
    tally->reported += o->final_ms != 0;
    tally->understood += is_understood(o);
    if (tally_compare(o, &agrees))
        (void)decide(&tally->finals, o->outcome, agrees);
    else
        tally->undecided += is_understood(o);
}

bool tally_add(struct tally *tally, const struct store_outcome *o)
{
    tally->studies++;
    tally->read += o->read_ms != 0;
    if (o->said)
        add_verdict(tally, &o->verdict);
    add_final(tally, o);
    return (o->final_ms == 0 || add_span(&tally->final, o->arrived_ms, o->final_ms)) &&
           (o->reported_ms == 0 || add_span(&tally->answered, o->arrived_ms, o->reported_ms)) &&
           (o->read_ms == 0 || add_span(o->raised ? &tally->read_raised : &tally->read_others,
                                        o->arrived_ms, o->read_ms));
}

void tally_finish(struct tally *tally)
{
    free(tally->answered.ms);
    free(tally->read_raised.ms);
    free(tally->read_others.ms);
    free(tally->final.ms);
}

struct nn_figure tally_rate(uint64_t hits, uint64_t of)
{
    struct nn_figure figure = nn_figure_rate(hits, of);
    if (of > 0)
        figure.interval = nn_interval_exact(hits, of, TALLY_LEVEL);
    return figure;
}

struct nn_figure tally_positive(const struct nn_tally *tally)
{
    return tally_rate(tally->tp, tally->tp + tally->fp);
}

struct nn_figure tally_negative(const struct nn_tally *tally)
{
    return tally_rate(tally->tn, tally->tn + tally->fn);
}
