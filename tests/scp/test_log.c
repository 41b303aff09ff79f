/* The log: one line an event whatever the values hold, levels, quoting. */
#include "log.h"
#include "log_fields.h"
#include "log_messages.h"
#include "log_recent.h"
#include "scp_fixture.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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
    char stream[48];
    struct stat info;
    assert_int_equal(fstat(STDERR_FILENO, &info), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)info.st_dev,
             (unsigned long long)info.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init("role", LOG_AT_DEBUG, true);
    log_event(LOG_AT_ERROR, "bad", "x=%s", "1\n2");
}

static void journal_prefix_and_one_line(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "1:2", 1); /* it is another's */
    log_init("role", LOG_AT_DEBUG, true);
    capture(say_levels);
    assert_non_null(strstr(text, " info role["));
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

/* ---- as <log> says ---- */

static struct conf conf_of(enum conf_log_format format, const char *trace, uint32_t rate)
{
    return (struct conf){.log_level = LOG_AT_INFO,
                         .log_format = format,
                         .log_trace = trace,
                         .log_rate = rate,
                         .spool = "/nowhere"};
}

static void say_a_pair(void)
{
    log_event(LOG_AT_WARN, "association-ended", "association=%s calling=%s stored=%u ms=007 n=-3",
              "1f", log_quote("A \"B\" \\"), 7u);
}

static void lines_of_json(void **state)
{
    (void)state;
    struct conf conf = conf_of(CONF_LOG_JSON, NULL, 0);
    log_begin("assoc", &conf);
    capture(say_a_pair);
    assert_int_equal(strncmp(text, "{\"time\":\"", 9), 0);
    assert_non_null(strstr(text, "\"level\":\"warn\",\"role\":\"assoc\",\"pid\":"));
    assert_non_null(strstr(text, "\"message\":\"association-ended\",\"area\":\"receive\","
                                 "\"association\":\"1f\",\"calling\":\"A \\\"B\\\" \\\\\","
                                 "\"stored\":7,\"ms\":\"007\",\"n\":-3}\n"));
}

#define X(area, name) 1 +
enum { AREAS = LOG_AREA_MAP(X) 0 };
#undef X

/* One of each area, in their order. */
static const char *const of_each[AREAS] = {
    "confine-failed",   "accept-failed", "alarm",        "accession-corrected",
    "commitment-asked", "announced",     "hearer-ended", "accounts-unreadable",
    "audit-broken",     "commit-failed", "dcmtk"};

static void say_of_each_area(void)
{
    for (unsigned i = 0; i < AREAS; i++)
        log_event(LOG_AT_DEBUG, of_each[i], "a=%u", i);
}

static void a_trace_is_of_its_areas(void **state)
{
    char traced[64];
    (void)state;
    for (unsigned i = 0; i < AREAS; i++) {
        assert_non_null(log_message_of(of_each[i]));
        assert_int_equal(log_message_of(of_each[i])->area, i);
        snprintf(traced, sizeof traced, "%s  %s", log_area_name(i), log_area_name((i + 3) % AREAS));
        struct conf conf = conf_of(CONF_LOG_TEXT, traced, 0);
        log_begin("role", &conf);
        capture(say_of_each_area);
        for (unsigned other = 0; other < AREAS; other++) {
            snprintf(traced, sizeof traced, "] %s a=%u\n", of_each[other], other);
            assert_int_equal(strstr(text, traced) != NULL, other == i || other == (i + 3) % AREAS);
        }
    }
    assert_int_equal(log_areas("deliver  store"), 1u << LOG_DELIVER | 1u << LOG_STORE);
    assert_int_equal(log_areas("deliverer stor"), 0);
}

static void complain(void)
{
    for (int i = 0; i < 10; i++)
        log_event(LOG_AT_WARN, "instance-refused", "n=%d", i);
    for (int i = 0; i < 10; i++)
        log_event(LOG_AT_INFO, "instance-stored", "n=%d", i);
    log_event(LOG_AT_WARN, "spool-full", "n=1");
}

/* Of a message, not of all: and what is no complaint is as much as there is work. */
static void complaints_have_a_rate(void **state)
{
    (void)state;
    struct conf conf = conf_of(CONF_LOG_TEXT, NULL, 3);
    log_begin("role", &conf);
    capture(complain);
    assert_non_null(strstr(text, "instance-refused n=2"));
    assert_null(strstr(text, "instance-refused n=3"));
    assert_non_null(strstr(text, "log-limited id=instance-refused rate=3\n"));
    assert_non_null(strstr(text, "instance-stored n=9"));
    assert_non_null(strstr(text, "spool-full n=1"));
    conf.log_rate = 0;
    log_begin("role", &conf);
    capture(complain);
    assert_non_null(strstr(text, "instance-refused n=9"));
}

static void fields_of_the_journal(void **state)
{
    (void)state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/cervigate-journal-%d", (int)getpid());
    int journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(journal, (const struct sockaddr *)&name, sizeof name), 0);
    setenv("CERVIGATE_JOURNAL", name.sun_path, 1);
    struct conf conf = conf_of(CONF_LOG_JOURNAL, NULL, 0);
    log_begin("assoc", &conf);
    capture(say_a_pair);
    assert_string_equal(text, "");
    char got[4096] = "";
    assert_true(recv(journal, got, sizeof got - 1, 0) > 0);
    assert_int_equal(strncmp(got, "MESSAGE=association-ended association=1f ", 41), 0);
    assert_non_null(strstr(got, "\nPRIORITY=4\nSYSLOG_IDENTIFIER=cervigated\n"));
    assert_non_null(strstr(got, "\nCERVIGATE_MESSAGE=association-ended\nCERVIGATE_AREA=receive\n"
                                "CERVIGATE_ROLE=assoc\nASSOC_ID=1f\nCALLING_AE=A \"B\" \\\n"
                                "CERVIGATE_STORED=7\n"));

    /* The journal has gone: the line is not lost. */
    close(journal);
    unlink(name.sun_path);
    capture(say_a_pair);
    assert_non_null(strstr(text, "association-ended association=1f"));
    unsetenv("CERVIGATE_JOURNAL");
}

static void pairs_are_taken_apart(void **state)
{
    (void)state;
    struct log_field field;
    const char *at =
        log_field_next("word a=1 =x B=2 long_key_of_more_than_32_characters=v q=\"un", &field);
    assert_string_equal(field.key, "a");
    assert_string_equal(field.value, "1");
    at = log_field_next(at, &field); /* B is no key: keys are lower case */
    assert_int_equal(strlen(field.key), LOG_KEY_MAX - 1);
    assert_string_equal(field.value, "v");
    at = log_field_next(at, &field);
    assert_true(field.is_quoted);
    assert_string_equal(field.value, "un");
    assert_null(log_field_next(at, &field));
}

static void take(void *context, const char *line)
{
    (*(size_t *)context)++;
    snprintf(text, sizeof text, "%s", line);
}

static void recent_lines_outlive_us(void **state)
{
    (void)state;
    char folder[] = "/tmp/cervigate-recent-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    struct conf conf = conf_of(CONF_LOG_TEXT, NULL, 0);
    conf.spool = folder;
    size_t count = 0;
    assert_false(log_recent_read(&conf, take, &count));
    snprintf(path, sizeof path, "%s/run", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    log_recent_open(&conf);
    for (int i = 0; i < LOG_RECENT_LINES + 5; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d", i);
        log_recent_put(line);
    }
    log_recent_leave();
    log_recent_put("nobody keeps this");
    assert_true(log_recent_read(&conf, take, &count));
    assert_int_equal(count, LOG_RECENT_LINES);
    assert_string_equal(text, "line 2051");

    log_recent_open(&conf); /* the next node goes on */
    log_recent_put("after");
    log_recent_leave();
    assert_true(log_recent_read(&conf, take, &count));
    assert_string_equal(text, "after");
    snprintf(path, sizeof path, "%s/run/recent", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/run", folder);
    rmdir(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_and_quotes),       cmocka_unit_test(journal_prefix_and_one_line),
        cmocka_unit_test(long_lines_end),          cmocka_unit_test(lines_of_json),
        cmocka_unit_test(a_trace_is_of_its_areas), cmocka_unit_test(complaints_have_a_rate),
        cmocka_unit_test(fields_of_the_journal),   cmocka_unit_test(pairs_are_taken_apart),
        cmocka_unit_test(recent_lines_outlive_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
