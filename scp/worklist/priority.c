/* priority.c: the policy.
 *
 *   What the node knows             rank told    place in the list    band        reason
 *   ------------------------------  -----------  -------------------  ----------  -------------
 *   read by a radiologist           the order's  leaves it (last)     routine     read
 *   no answer yet                   the order's  its own              not judged  waiting
 *   not processed                   the order's  its own              not judged  not-processed
 *   the models disagree             the order's  its own              not judged  undetermined
 *   no suspicion, not all judged    the order's  its own              not judged  incomplete
 *   finding                         HIGH         before all but STAT  raised      finding
 *   finding, order STAT             HIGH         first of the STAT    raised      finding
 *   finding, known of this patient  the order's  its own              routine     known
 *   finding, post-operative order   the order's  its own              routine     postoperative
 *   no finding                      the order's  its own              routine     no-finding
 *
 * The order's rank: STAT and HIGH are HIGH; ROUTINE, and no order known, are MEDIUM, for LOW would
 * tell a list whose own items are MEDIUM that this one may wait; LOW is LOW.
 *
 * Raise only: no row gives less than the order. Not judged stands exactly where the order puts it,
 * among the routine ones and not behind them: the band is shown and does not sort. It holds all of
 * which nobody may think "the node has looked, and saw nothing": of an undetermined one a model saw
 * something, of an incomplete one the part that breaks most often was not seen.
 *
 * The list's order is that of the rungs; within a rung the earlier image is first, then the lower
 * number:
 *
 *     1  STAT, aged                  4  aged                   7  ROUTINE, or no order known
 *     2  STAT with a finding         5  with a finding         8  LOW
 *     3  STAT                        6  HIGH                   9  read
 *
 * except that findings (2, 5) stand by strength first: those on which all models agree, then by
 * how far the score is above its operating point. Only another STAT comes before a STAT.
 *
 * Aged is what has waited for policy.ageing_seconds, whatever it is, a finding included. At a given
 * now a rung is a number that a study has by itself, so the order is lexicographic: total, and
 * transitive. The bound: a study that is not STAT, waiting since t, is passed by later ones that
 * are not STAT only until t + ageing; from then on only those go before it that came before it, and
 * STAT. With one reader, it begins at most ageing and one reading later than first come, first
 * served would let it, however many findings come; the same holds among STAT, which wait for
 * nobody else. What STAT costs the others is the hospital's will, not ours, and is not bounded
 * here. The price: where everybody waits longer than ageing, all are aged, and the list is first
 * come, first served. docs/priority.md has figures. */
#include "priority.h"
#include <math.h>
#include <string.h>
#include <strings.h>

enum rung {
    RUNG_STAT_AGED,
    RUNG_STAT_RAISED,
    RUNG_STAT,
    RUNG_AGED,
    RUNG_RAISED,
    RUNG_HIGH,
    RUNG_ROUTINE,
    RUNG_LOW,
    RUNG_READ
};

const char *priority_rank_name(enum priority_rank rank)
{
    static const char *const names[] = {"LOW", "MEDIUM", "HIGH"};
    return names[rank];
}

const char *priority_order_name(enum priority_order order)
{
    static const char *const names[] = {"UNKNOWN", "LOW", "ROUTINE", "HIGH", "STAT"};
    return names[order];
}

const char *priority_reason_code(enum priority_reason reason)
{
    static const char *const codes[] = {
#define X(value, code, text) [value] = (code),
        PRIORITY_REASON_MAP(X)
#undef X
    };
    return codes[reason];
}

const char *priority_reason_text(enum priority_reason reason)
{
    static const char *const texts[] = {
#define X(value, code, text) [value] = (text),
        PRIORITY_REASON_MAP(X)
#undef X
    };
    return texts[reason];
}

/* Before an operation, or while the referrer waits at the telephone, a report is wanted soon.
 * Timing critical (T, TS10, TM30 ...) and as needed say when to examine, not how soon to read. */
static const struct {
    const char *word;
    enum priority_order order;
} words[] = {
    {"STAT", ORDER_STAT},   {"S", ORDER_STAT},          {"HIGH", ORDER_HIGH},
    {"A", ORDER_HIGH},      {"ASAP", ORDER_HIGH},       {"P", ORDER_HIGH},
    {"PREOP", ORDER_HIGH},  {"C", ORDER_HIGH},          {"CALLBACK", ORDER_HIGH},
    {"R", ORDER_ROUTINE},   {"ROUTINE", ORDER_ROUTINE}, {"MEDIUM", ORDER_ROUTINE},
    {"PRN", ORDER_ROUTINE}, {"T", ORDER_ROUTINE},       {"LOW", ORDER_LOW},
};
static const char *const timed[] = {"TS", "TM", "TH", "TD", "TW", "TL"};

enum priority_order priority_order_parse(const char *word)
{
    word += strspn(word, " ");
    size_t length = strlen(word);
    while (length > 0 && word[length - 1] == ' ')
        length--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == length && strncasecmp(word, words[i].word, length) == 0)
            return words[i].order;
    for (size_t i = 0; i < sizeof timed / sizeof *timed; i++)
        if (length > 2 && strncasecmp(word, timed[i], 2) == 0 &&
            strspn(word + 2, "0123456789") == length - 2)
            return ORDER_ROUTINE;
    return ORDER_UNKNOWN;
}

static enum priority_rank rank_of(enum priority_order order)
{
    switch (order) {
    case ORDER_STAT:
    case ORDER_HIGH:
        return PRIORITY_HIGH;
    case ORDER_LOW:
        return PRIORITY_LOW;
    case ORDER_ROUTINE:
    case ORDER_UNKNOWN:
        break;
    }
    return PRIORITY_MEDIUM;
}

static enum priority_reason reason_of(const struct priority_case *known)
{
    if (known->read)
        return REASON_READ;
    if (!known->answered)
        return REASON_WAITING;
    switch (known->outcome) {
    case SRT_FINDING:
        return known->postoperative ? REASON_POSTOPERATIVE
               : known->known       ? REASON_KNOWN
                                    : REASON_FINDING;
    case SRT_NO_FINDING:
        return REASON_NO_FINDING;
    case SRT_UNDETERMINED:
        return REASON_UNDETERMINED;
    case SRT_INCOMPLETE:
        return REASON_INCOMPLETE;
    case SRT_NOT_PROCESSED:
        break;
    }
    return REASON_NOT_PROCESSED;
}

static enum priority_band band_of(enum priority_reason reason)
{
    switch (reason) {
    case REASON_FINDING:
        return BAND_RAISED;
    case REASON_NO_FINDING:
    case REASON_KNOWN:
    case REASON_POSTOPERATIVE:
    case REASON_READ:
        return BAND_ROUTINE;
    case REASON_UNDETERMINED:
    case REASON_NOT_PROCESSED:
    case REASON_INCOMPLETE:
    case REASON_WAITING:
        break;
    }
    return BAND_NOT_JUDGED;
}

/* A score that is no number has no margin; the finding is raised nevertheless. */
static double strength_of(const struct priority_case *known)
{
    double room = 1 - known->operating_point;
    double margin = room > 0 ? (known->score - known->operating_point) / room
                             : (known->score >= known->operating_point ? 1 : 0);
    if (!(margin > 0))
        margin = 0;
    return fmin(margin, 1) / 2 + (known->agreed ? 0.5 : 0);
}

void priority_of(const struct priority_case *known, struct priority *priority)
{
    enum priority_reason reason = reason_of(known);
    enum priority_band band = band_of(reason);
    bool raised = band == BAND_RAISED;
    *priority = (struct priority){.rank = raised ? PRIORITY_HIGH : rank_of(known->order),
                                  .band = band,
                                  .raised = raised,
                                  .strength = raised ? strength_of(known) : 0,
                                  .reason = reason};
}

static enum rung rung_of(const struct priority_policy *policy, int64_t now_ms,
                         const struct priority_place *place)
{
    bool aged = place->arrived_ms <= now_ms - policy->ageing_seconds * INT64_C(1000);
    if (place->priority.reason == REASON_READ)
        return RUNG_READ;
    if (place->order == ORDER_STAT)
        return aged ? RUNG_STAT_AGED : place->priority.raised ? RUNG_STAT_RAISED : RUNG_STAT;
    if (aged)
        return RUNG_AGED;
    if (place->priority.raised)
        return RUNG_RAISED;
    return place->order == ORDER_HIGH  ? RUNG_HIGH
           : place->order == ORDER_LOW ? RUNG_LOW
                                       : RUNG_ROUTINE;
}

/* What is no number would tie with every number, and ties of that kind are not transitive. */
static double strength_at(const struct priority_place *place)
{
    return place->priority.strength > 0 ? place->priority.strength : 0;
}

int priority_compare(const struct priority_policy *policy, int64_t now_ms,
                     const struct priority_place *a, const struct priority_place *b)
{
    enum rung rung = rung_of(policy, now_ms, a), other = rung_of(policy, now_ms, b);
    if (rung != other)
        return rung < other ? -1 : 1;
    if (rung == RUNG_STAT_RAISED || rung == RUNG_RAISED) {
        double strength = strength_at(a), weaker = strength_at(b);
        if (strength > weaker || strength < weaker)
            return strength > weaker ? -1 : 1;
    }
    if (a->arrived_ms != b->arrived_ms)
        return a->arrived_ms < b->arrived_ms ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}
