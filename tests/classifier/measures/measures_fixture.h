/* measures_fixture.h: what the tests of the measures share: cmocka, chance with a seed, closeness.
 */
#ifndef MEASURES_FIXTURE_H
#define MEASURES_FIXTURE_H

#include "nn_measures.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_near(a, b, gap)                                                                     \
    do {                                                                                           \
        double a_ = (a), b_ = (b);                                                                 \
        if (!(fabs(a_ - b_) <= (gap)))                                                             \
            fail_msg("%s is %.17g, not %.17g", #a, a_, b_);                                        \
    } while (0)

#define assert_rate(figure, wanted_hits, wanted_of)                                                \
    do {                                                                                           \
        struct nn_figure f_ = (figure);                                                            \
        assert_true(f_.defined);                                                                   \
        assert_int_equal(f_.hits, wanted_hits);                                                    \
        assert_int_equal(f_.of, wanted_of);                                                        \
        assert_near(f_.value, (double)(wanted_hits) / (double)(wanted_of), 0);                     \
    } while (0)

/* Knuth's 64-bit congruence, its high bits: not the library's generator. */
static inline double chance(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 9007199254740992.0;
}

static const struct nn_bootstrap no_intervals = {.level = 0.95};

#endif
