/* Quiet time: from the last instance or the start, on the monotonic clock. */
#include "quiet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define START 50000
#define UTC   1700000000000

static void test_from_the_last_instance(void **state)
{
    (void)state;
    struct quiet *quiet = quiet_create(START, 10);
    quiet_begin(quiet);
    assert_int_equal(quiet_left(quiet, "1.2", UTC, START + 20000, UTC + 3000), 7000);
    assert_int_equal(quiet_left(quiet, "1.2", UTC, START + 26999, UTC + 9999), 1);
    assert_int_equal(quiet_left(quiet, "1.2", UTC, START + 27000, UTC + 10000), 0);
    assert_int_equal(quiet_left(quiet, "1.2", UTC + 9500, START + 27000, UTC + 10000), 9500);
    quiet_end(quiet);
    quiet_destroy(quiet);
}

static void test_a_restart_counts_from_the_restart(void **state)
{
    (void)state;
    struct quiet *quiet = quiet_create(START, 10);
    assert_int_equal(quiet_left(quiet, "1.2", UTC, START + 1000, UTC + 3600000), 9000);
    quiet_destroy(quiet);
}

static void test_the_wall_clock_may_jump(void **state)
{
    (void)state;
    struct quiet *quiet = quiet_create(START, 10);
    assert_int_equal(quiet_left(quiet, "1.2", UTC, START + 60000, UTC + 1000), 9000);
    assert_int_equal(quiet_left(quiet, "1.2", UTC, START + 61000, UTC + 7200000), 8000);
    assert_int_equal(quiet_left(quiet, "1.2", UTC, START + 62000, UTC - 7200000), 7000);
    assert_int_equal(quiet_left(quiet, "3.4", UTC, START + 62000, UTC - 7200000), 10000);
    quiet_destroy(quiet);
}

static void test_what_is_not_named_is_forgotten(void **state)
{
    (void)state;
    char name[16];
    struct quiet *quiet = quiet_create(START, 10);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "1.%d", i);
        assert_int_equal(quiet_left(quiet, name, UTC, START + 60000, UTC), 10000);
    }
    quiet_begin(quiet);
    assert_int_equal(quiet_left(quiet, "1.50", UTC, START + 65000, UTC + 5000), 5000);
    quiet_end(quiet);
    assert_int_equal(quiet_left(quiet, "1.51", UTC, START + 65000, UTC), 10000);
    assert_int_equal(quiet_left(quiet, "1.50", UTC, START + 66000, UTC + 6000), 4000);
    quiet_destroy(quiet);
    quiet_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_the_last_instance),
        cmocka_unit_test(test_a_restart_counts_from_the_restart),
        cmocka_unit_test(test_the_wall_clock_may_jump),
        cmocka_unit_test(test_what_is_not_named_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
