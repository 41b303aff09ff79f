/* priority_fixture.h: random studies for the tests of priority.c. Seeds are fixed: a failure comes
 * back. */
#ifndef PRIORITY_FIXTURE_H
#define PRIORITY_FIXTURE_H

#include "worklist/priority.h"

#define NOW    INT64_C(1700000000000)
#define MINUTE INT64_C(60000)

static const struct priority_policy two_hours = {.ageing_seconds = 7200,
                                                 .delay_seconds = INT32_MAX};

struct dice {
    uint64_t state;
};

static inline uint64_t bits(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline int below(struct dice *dice, int sides)
{
    return (int)(bits(dice) % (uint64_t)sides);
}

static inline double uniform(struct dice *dice)
{
    return (double)(bits(dice) >> 11) * 0x1p-53;
}

static inline struct priority_case answer(enum srt_outcome outcome)
{
    return (struct priority_case){
        .answered = true, .outcome = outcome, .score = 0.8, .operating_point = 0.6, .agreed = true};
}

static inline struct priority judged(struct priority_case known, enum priority_order order)
{
    struct priority priority;
    known.order = order;
    priority_of(&known, &priority);
    return priority;
}

#endif
