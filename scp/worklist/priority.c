/* priority.c: the policy.
 *
 *   What the node knows             rank told    place in the list    band        reason
 *   ------------------------------  -----------  -------------------  ----------  -------------
 *   read by a radiologist           the order's  leaves it (last)     routine     read
 *   no answer yet                   the order's  its own              not judged  waiting
 *   not processed                   the order's  its own              not judged  not-processed
 *   the models disagree             the order's  its own              not judged  undetermined
 *   no suspicion, not all judged    the order's  its own              not judged  incomplete
 *   finding                         HIGH         earlier              raised      finding
 *   finding, order STAT             HIGH         earlier, among STAT  raised      finding
 *   finding, known of this patient  the order's  its own              routine     known
 *   finding, post-operative order   the order's  its own              routine     postoperative
 *   finding, by rule never raised   the order's  its own              routine     rule
 *   no finding                      the order's  its own              routine     no-finding
 *
 * The order's rank: STAT and HIGH are HIGH; ROUTINE, and no order known, are MEDIUM, for LOW would
 * tell a list whose own items are MEDIUM that this one may wait; LOW is LOW.
 *
 * Raise only: no row gives less than the order. Not judged stands exactly where the order puts it,
 * among the routine ones and not behind them: the band is shown and does not sort. It holds all of
 * which nobody may think "the node has looked, and saw nothing": of an undetermined one a model saw
 * something, of an incomplete one the level was not seen where injuries are missed most easily.
 *
 * The list. STAT comes before all others, whatever they are; what was read comes last. Among STAT,
 * and among the others, a study stands where it would stand, first come, first served, had it come
 * earlier than it did, by a share of policy.ageing_seconds:
 *
 *   LOW                             0
 *   ROUTINE, or no order known      1/4
 *   HIGH, and STAT among STAT       1/2
 *   finding                         3/4 and a quarter of its strength
 *
 * Strength: half of it when all models agree, half by how far the score is above its operating
 * point. A tie goes to the lower number.
 *
 * That is one number a study, and the order is total. Ageing is that everybody who waits gets ahead
 * of those who come: nobody, whatever the order, is passed by a study that came more than ageing
 * later, STAT aside. And nobody waits longer than policy.delay_seconds because of others: a study
 * that was passed for the first time so long ago is *spared*, and stands before all but STAT and
 * those that are spared and came earlier. Whoever passes it has passed all that came before it and
 * wait, too: they are spared no later, so what is then read before it came before it. This holds
 * whatever comes, with any number of readers. What STAT costs the others is the hospital's will,
 * not ours, and is not bounded here.
 *
 * The time runs from the first passing, and not from the arrival: after a night without readers
 * nobody has been passed, and a dislocation is read first.
 *
 * The rule that suggests itself, strict precedence until a study has waited for ageing, and then
 * before all that came later, bounds more tightly and fails when it is needed: after a night
 * without readers, or with a long list, all have waited so long, and a dislocation is read first
 * come, first served. docs/priority.md has figures of both. */
#include "priority.h"
#include <math.h>
#include <string.h>
#include <strings.h>

#define PART_BITS   60 /* beyond any time in milliseconds */
#define SPARED_BITS 58 /* and beyond any time, within a part */

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

enum priority_rank priority_rank_of_order(enum priority_order order)
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
        return known->muted           ? REASON_RULE
               : known->postoperative ? REASON_POSTOPERATIVE
               : known->known         ? REASON_KNOWN
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
    case REASON_RULE:
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
    *priority =
        (struct priority){.rank = raised ? PRIORITY_HIGH : priority_rank_of_order(known->order),
                          .band = band,
                          .raised = raised,
                          .strength = raised ? strength_of(known) : 0,
                          .reason = reason};
}

/* By how many milliseconds earlier it stands. A strength that is no number is none. */
static int64_t head_start(const struct priority_policy *policy, const struct priority_place *place)
{
    double ageing_ms = policy->ageing_seconds * 1000.0, strength = place->priority.strength;
    if (place->priority.raised)
        return llround(ageing_ms * (0.75 + 0.25 * fmin(strength > 0 ? strength : 0, 1)));
    switch (place->order) {
    case ORDER_STAT:
    case ORDER_HIGH:
        return llround(ageing_ms * 0.5);
    case ORDER_LOW:
        return 0;
    case ORDER_ROUTINE:
    case ORDER_UNKNOWN:
        break;
    }
    return llround(ageing_ms * 0.25);
}

static int part(const struct priority_place *place)
{
    return place->priority.reason == REASON_READ ? 2 : place->order == ORDER_STAT ? 0 : 1;
}

int64_t priority_stands(const struct priority_policy *policy, const struct priority_place *place)
{
    bool spared = place->passed_ms > 0 &&
                  policy->now_ms - place->passed_ms >= policy->delay_seconds * INT64_C(1000);
    return part(place) * (INT64_C(1) << PART_BITS) + place->arrived_ms -
           (spared ? INT64_C(1) << SPARED_BITS : head_start(policy, place));
}

int priority_compare(const struct priority_policy *policy, const struct priority_place *a,
                     const struct priority_place *b)
{
    int64_t stands = priority_stands(policy, a), other = priority_stands(policy, b);
    if (stands != other)
        return stands < other ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}
