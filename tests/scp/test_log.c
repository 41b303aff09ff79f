/* The log: one line an event whatever the values hold, levels, quoting. */
#include "log.h"
#include "scp_fixture.h"
#include <fcntl.h>

static char text[8192];

/* Runs `speak` with standard error in a file and reads it back. */
static void capture(void (*speak)(void))
{
    char path[] = "/tmp/cervigate-log-XXXXXX";
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved >= 0);
    dup2(fd, STDERR_FILENO);
    speak();
    dup2(saved, STDERR_FILENO);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    close(saved);
    close(fd);
    unlink(path);
}

static void say_levels(void)
{
    log_event(LOG_AT_DEBUG, "small", "a=1");
    log_event(LOG_AT_INFO, "event-name", "key=%d value=%s", 7, log_quote("a \"b\"\n\x1b[31m\xc3"));
}

static void levels_and_quotes(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    log_init("role", LOG_AT_INFO, false);
    capture(say_levels);
    assert_null(strstr(text, "small"));
    assert_non_null(strstr(text, " info role["));
    assert_non_null(strstr(text, "] event-name key=7 value=\"a \\\"b\\\"\\x0a\\x1b[31m\\xc3\"\n"));
    assert_false(log_patient_data());
}

static void say_for_the_journal(void)
{
    log_event(LOG_AT_ERROR, "bad", "x=%s", "1\n2");
}

static void journal_prefix_and_one_line(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_init("role", LOG_AT_DEBUG, true);
    capture(say_for_the_journal);
    assert_int_equal(strncmp(text, "<3>role[", 8), 0);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_true(log_patient_data());
    unsetenv("JOURNAL_STREAM");
}

static void say_much(void)
{
    static char much[6000];
    memset(much, 'm', sizeof much - 1);
    log_event(LOG_AT_ERROR, "much", "%s", much);
    log_event(LOG_AT_ERROR, "quoted", "%s", log_quote(much));
    log_event(LOG_AT_ERROR, "nothing", "%s", log_quote(NULL));
}

static void long_lines_end(void **state)
{
    (void)state;
    log_init("role", LOG_AT_DEBUG, false);
    capture(say_much);
    const char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_true(end - text < 2048);
    const char *quoted = strstr(text, "quoted \"");
    assert_non_null(quoted);
    assert_int_equal(strspn(quoted + 8, "m"), 200);
    assert_non_null(strstr(text, "nothing \"\"\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_and_quotes),
        cmocka_unit_test(journal_prefix_and_one_line),
        cmocka_unit_test(long_lines_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
