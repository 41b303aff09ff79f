/* The clock: records' forms at the calendar's edges, and the offset that tests use. */
#include "clock.h"
#include "scp_fixture.h"

static void expect(int64_t utc_ms, const char *iso, const char *date, const char *time_text)
{
    char text[25], da[9], tm[15], zone[6];
    clock_iso(utc_ms, text);
    clock_dicom(utc_ms, da, tm, zone);
    assert_string_equal(text, iso);
    assert_string_equal(da, date);
    assert_string_equal(tm, time_text);
    assert_string_equal(zone, "+0000");
}

static void forms(void **state)
{
    (void)state;
    expect(0, "1970-01-01T00:00:00.000Z", "19700101", "000000.000");
    expect(1795325400123, "2026-11-22T05:30:00.123Z", "20261122", "053000.123");
    expect(951782399999, "2000-02-28T23:59:59.999Z", "20000228", "235959.999");
    expect(951782400000, "2000-02-29T00:00:00.000Z", "20000229", "000000.000");
    expect(2147483648000, "2038-01-19T03:14:08.000Z", "20380119", "031408.000");
}

static void before_the_epoch_and_beyond_the_calendar(void **state)
{
    (void)state;
    expect(-1, "1969-12-31T23:59:59.999Z", "19691231", "235959.999");
    expect(INT64_MAX, "9999-12-31T23:59:59.999Z", "99991231", "235959.999");
    expect(INT64_MIN, "0001-01-01T00:00:00.000Z", "00010101", "000000.000");
}

static void the_offset_shifts_the_wall_clock_only(void **state)
{
    (void)state;
    int64_t wall = clock_utc_ms(), monotonic = clock_monotonic_ms();
    setenv("CERVIGATE_CLOCK_OFFSET", "-315360000", 1); /* ten years back */
    int64_t shifted = clock_utc_ms() - wall;
    assert_true(shifted >= -315360000000 && shifted < -315360000000 + 5000);
    int64_t passed = clock_monotonic_ms() - monotonic;
    assert_true(passed >= 0 && passed < 5000);
    unsetenv("CERVIGATE_CLOCK_OFFSET");
}

static void an_offset_in_a_file_may_change(void **state)
{
    (void)state;
    char path[] = "/tmp/cervigate-clock-XXXXXX", text[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 32), 0);
    snprintf(text, sizeof text, "@%s", path);
    int64_t wall = clock_utc_ms();
    setenv("CERVIGATE_CLOCK_OFFSET", text, 1);
    static const long long offsets[] = {0, 3600, -315360000, 315360000};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        int length = snprintf(text, sizeof text, "%-31lld", offsets[i]);
        assert_int_equal(pwrite(fd, text, (size_t)length, 0), length);
        int64_t shifted = clock_utc_ms() - wall - offsets[i] * 1000;
        assert_true(shifted >= 0 && shifted < 60000);
    }
    unsetenv("CERVIGATE_CLOCK_OFFSET");
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(before_the_epoch_and_beyond_the_calendar),
        cmocka_unit_test(the_offset_shifts_the_wall_clock_only),
        cmocka_unit_test(an_offset_in_a_file_may_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
