/* The audit log over time: what retention does with damage, how far the noted head may lag. */
#include "audit_fixture.h"

#include "clock.h"

/* Files that are damaged, at their first record or later, go with time like the others. */
static void damage_does_not_stop_retention(void **state)
{
    struct conf small = *conf;
    const struct conf *plain = conf;
    uint64_t last;
    size_t removed, size;
    (void)state;
    small.audit.file_bytes = 1; /* a file a record */
    conf = &small;
    for (int i = 0; i < 7; i++)
        assert_true(tell("a"));
    for (int i = 2; i <= 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "%018d.log", i);
        char *bytes = slurp(name, &size);
        bytes[i == 4 ? size - 3 : size / 2] ^= 1;
        spill(name, bytes, size);
        free(bytes);
    }
    assert_true(verdict().faults > 0);
    assert_int_equal(audit_log_expire(conf, clock_utc_ms() + 1000, &removed, &last), 0);
    assert_int_equal(removed, 6);
    assert_int_equal(last, 6);
    struct audit_verdict v = verdict();
    assert_int_equal(v.faults, 0);
    assert_int_equal(v.first, 7);
    conf = plain;
}

/* A power cut leaves a head of long ago: as far as it may lag, that is no damage. */
static void a_head_that_lags_is_read_on_from(void **state)
{
    static char text[AUDIT_MESSAGE_MOST - 200];
    size_t size;
    uint64_t records = 1;
    (void)state;
    memset(text, 'x', sizeof text - 1);
    assert_true(tell("a"));
    char *head = slurp("head", &size);
    for (; records < 40; records++)
        assert_true(tell(text));
    spill("head", head, size);
    free(head);
    assert_true(tell("b"));
    is_whole(records + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(damage_does_not_stop_retention),
        TEST(a_head_that_lags_is_read_on_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
