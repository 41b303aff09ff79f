/* Each request for memory fails in turn: while an event is told to the audit log, and while the log
 * is read, nothing of it is taken for damaged or torn, what was told is there, and nothing else;
 * JSON is all of it or none. */
#include "audit_fixture.h"
#include "denied_memory.h"
#include "json_time.h"

#define BEFORE 3
#define MOST   5000 /* requests */

static void deny(long request)
{
    denied = request;
    taken = 0;
}

/* Whether the request came. */
static bool was_denied(void)
{
    bool was = denied >= 0 && taken > denied;
    denied = -1;
    return was;
}

/* Records of the log, and how many of them hold the text. */
static size_t count(const char *text, uint64_t *records)
{
    struct audit_reader *reader = audit_reader_open(conf, NULL);
    struct audit_record r;
    enum audit_read got;
    size_t found = 0;
    *records = 0;
    while ((got = audit_reader_next(reader, &r)) == AUDIT_READ_RECORD) {
        ++*records;
        found += memmem(r.message, r.message_bytes, text, strlen(text)) != NULL;
    }
    assert_int_equal(got, AUDIT_READ_END);
    audit_reader_close(reader);
    return found;
}

static void an_event_is_told_or_not(void **state)
{
    uint64_t records;
    size_t told = BEFORE;
    long n = 0;
    char text[200];
    (void)state;
    for (int i = 0; i < BEFORE; i++)
        assert_true(tell("somebody"));
    for (bool was = true; was; n++) {
        assert_true(n < MOST);
        deny(n);
        bool good = tell("somebody");
        was = was_denied();
        told += good;
        assert_false(audit_log_broken(conf, text, sizeof text));
        assert_int_equal(count("\"somebody\"", &records), told);
        is_whole(records);
    }
    assert_int_equal(count("AUDIT-TORN", &records), 0);
    print_message("%ld requests, %zu told\n", n - 1, told - BEFORE);
    assert_true(n > 5);
}

/* What cannot be told of a record for want of memory ends the reading; it is no other record's. */
static void a_record_is_read_or_not(void **state)
{
    struct audit_record r;
    (void)state;
    for (int i = 0; i < BEFORE; i++)
        assert_true(tell("somebody"));
    long n = 0;
    for (bool was = true; was; n++) {
        uint64_t records = 0;
        enum audit_read got = AUDIT_READ_FAILED;
        assert_true(n < MOST);
        deny(n);
        struct audit_reader *reader = audit_reader_open(conf, NULL);
        while (reader != NULL && (got = audit_reader_next(reader, &r)) == AUDIT_READ_RECORD)
            records++;
        was = was_denied();
        audit_reader_close(reader);
        assert_true(got == AUDIT_READ_FAILED || got == AUDIT_READ_END);
        assert_true(was || records == BEFORE);
    }
    assert_true(n > 5);
}

/* Names long enough that a buffer that grows would have to grow for one. */
static void json_is_whole_or_none(void **state)
{
    char name[100];
    json_t *json = json_object();
    long n = 0;
    (void)state;
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof name, "a name of %040d letters", i);
        assert_int_equal(json_object_set_new(json, name, json_integer(i)), 0);
    }
    char *whole = json_text(json, JSON_COMPACT);
    assert_non_null(whole);
    for (bool was = true; was; n++) {
        assert_true(n < MOST);
        deny(n);
        char *text = json_text(json, JSON_COMPACT);
        was = was_denied();
        if (text != NULL)
            assert_string_equal(text, whole);
        assert_true(was || text != NULL);
        free(text);
    }
    assert_true(n > 1);
    free(whole);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(an_event_is_told_or_not), TEST(a_record_is_read_or_not),
                                       TEST(json_is_whole_or_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
