/* The pauses between two tries at a peer: growth, bounds, jitter. */
#include "scp_fixture.h"

#include "role.h"
#include <limits.h>

#define DRAWS 1000

static void it_doubles_up_to_the_most(void **state)
{
    (void)state;
    assert_int_equal(role_back_off(1, 300, 0), 1000);
    for (unsigned i = 1; i <= 8; i++)
        assert_int_equal(role_back_off(1, 300, i), 2 * role_back_off(1, 300, i - 1));
    assert_int_equal(role_back_off(1, 300, 9), 300000); /* not 512 s */
    assert_int_equal(role_back_off(1, 300, UINT_MAX), 300000);
    assert_int_equal(role_back_off(86400, 86400, UINT_MAX), 86400000);
    assert_int_equal(role_back_off(5, 5, 0), 5000);
}

/* A thousand draws of a pause of five minutes: within a fifth of it, to both sides of it, and
 * hardly two the same. */
static void jitter_spreads_by_a_fifth(void **state)
{
    int64_t lowest = INT64_MAX, highest = 0, last = 0;
    int same = 0;
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        int64_t ms = role_jitter(300000);
        same += ms == last;
        last = ms;
        lowest = ms < lowest ? ms : lowest;
        highest = ms > highest ? ms : highest;
    }
    assert_in_range(lowest, 240000, 245000);
    assert_in_range(highest, 355000, 360000);
    assert_true(same < 5);
    assert_int_equal(role_jitter(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_up_to_the_most),
        cmocka_unit_test(jitter_spreads_by_a_fifth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
