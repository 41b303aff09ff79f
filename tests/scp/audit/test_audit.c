/* The audit log: the chain, what a crash leaves, several writers, what cannot be written, what was
 * changed by others. */
#include "audit_fixture.h"

#include "audit_reader.h"
#include "clock.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Whether a record's message holds the text. */
static bool says(uint64_t seq, const char *text)
{
    struct audit_reader *reader = audit_reader_open(conf, NULL);
    struct audit_record r;
    enum audit_read got;
    bool found = false;
    while ((got = audit_reader_next(reader, &r)) < AUDIT_READ_CUT)
        if (got == AUDIT_READ_RECORD && r.seq == seq)
            found = memmem(r.message, r.message_bytes, text, strlen(text)) != NULL;
    audit_reader_close(reader);
    return found;
}

static void records_are_chained(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(tell("a"));
    is_whole(5);
    struct audit_record r;
    size_t size;
    char *bytes = slurp(FIRST, &size), line[AUDIT_RECORD_MOST], hash[65];
    memcpy(hash, audit_record_none, sizeof hash);
    for (size_t at = 0; at < size; at += r.bytes) {
        assert_int_equal(audit_record_parse(bytes + at, size - at, &r), AUDIT_PARSE_OK);
        assert_string_equal(r.prev, hash);
        memcpy(hash, r.hash, sizeof hash);
        assert_true(audit_record_write(&r, line, sizeof line));
        assert_memory_equal(line, bytes + at, r.bytes);
        assert_int_equal(audit_record_parse(bytes + at, r.bytes - 1, &r), AUDIT_PARSE_CUT);
        r.bytes++;
    }
    free(bytes);
}

static void one_altered_byte_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(tell("a"));
    size_t size;
    char *bytes = slurp(FIRST, &size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 1;
        spill(FIRST, bytes, size);
        struct audit_verdict v = verdict();
        if (v.faults == 0)
            fail_msg("byte %zu of %zu", i, size);
        bytes[i] ^= 1;
    }
    spill(FIRST, bytes, size);
    is_whole(3);
    free(bytes);
}

/* Lines of the file, by their numbers. */
static void rearrange(const char *bytes, const int *order, size_t count)
{
    const char *line[8], *at = bytes;
    char *out = calloc(1, strlen(bytes) + 1);
    for (int i = 0; i < 8 && *at; i++) {
        line[i] = at;
        at = strchr(at, '\n') + 1;
    }
    for (size_t i = 0; i < count; i++)
        strncat(out, line[order[i]], strcspn(line[order[i]], "\n") + 1);
    spill(FIRST, out, strlen(out));
    free(out);
}

static void what_was_removed_or_moved_is_found(void **state)
{
    static const struct {
        int order[5];
        size_t count;
        const char *text;
    } cases[] = {{{0, 1, 3, 4}, 4, "records 3 to 3 are missing"},
                 {{0, 2, 1, 3, 4}, 5, "records 2 to 2 are missing"},
                 {{1, 2, 3, 4}, 4, "the first record is 2; expected 1"},
                 {{0, 1, 2, 3}, 4, "the end is missing: record 4 is the last, audit/head knows 5"},
                 {{0, 1, 2, 3, 3}, 5, "record 4 follows 4"}};
    size_t size;
    struct audit_head old = {.seq = 0};
    struct audit_verdict v;
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(tell("a"));
    char *bytes = slurp(FIRST, &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rearrange(bytes, cases[i].order, cases[i].count);
        v = verdict();
        assert_true(v.faults > 0);
        assert_string_equal(v.fault[0].text, cases[i].text);
    }
    spill(FIRST, bytes, size);
    free(bytes);

    /* Written anew from the beginning, heads and all: only who knows an old head can tell. */
    assert_true(audit_log_head(conf, &old));
    char path[PATH_MAX];
    path_of(FIRST, path);
    assert_int_equal(unlink(path), 0);
    path_of("head", path);
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 6; i++)
        assert_true(tell("b"));
    assert_int_equal(verdict().faults, 0);
    assert_true(audit_verify(conf, &old, &v));
    assert_int_equal(v.faults, 1);
    assert_string_equal(v.fault[0].text, "record 5 is not the one that the caller knows");
}

/* A write that was cut off at any byte, with the head of before: healed, told, and nothing else. */
static void a_torn_end_is_healed(void **state)
{
    size_t before, after, head_size;
    (void)state;
    assert_true(tell("a"));
    free(slurp(FIRST, &before));
    char *head = slurp("head", &head_size);
    assert_true(tell("b"));
    char *bytes = slurp(FIRST, &after);
    for (size_t size = before; size <= after; size += size + 1 < after && size > before ? 7 : 1) {
        bool whole = size == after, torn = size > before && !whole;
        spill(FIRST, bytes, size);
        spill("head", head, head_size);
        assert_int_equal(verdict().cut, torn);
        assert_true(tell("c"));
        is_whole(torn || whole ? 3 : 2);
        assert_int_equal(says(2, "AUDIT-TORN"), torn);
    }
    free(head);
    free(bytes);
}

static void a_file_that_was_cut_or_taken_is_told(void **state)
{
    size_t size;
    char path[PATH_MAX], text[200];
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_true(tell("a"));
    char *bytes = slurp(FIRST, &size);
    spill(FIRST, bytes, size - 40);
    free(bytes);
    assert_true(tell("b"));
    assert_true(says(5, "AUDIT-BROKEN") && says(6, "\"b\""));
    assert_true(audit_log_broken(conf, text, sizeof text));
    assert_non_null(strstr(text, "behind record 4: its file was cut off"));
    assert_true(verdict().faults > 0);

    path_of("000000000000000005.log", path);
    assert_int_equal(unlink(path), 0);
    assert_true(tell("c"));
    assert_true(says(7, "its file is gone") && says(8, "\"c\""));
    assert_true(tell("d"));
    assert_true(says(9, "\"d\"")); /* once */
}

/* Killed when a new file was made, before anything was in it; and the same without a head. */
static void an_empty_file_is_gone_on_with(void **state)
{
    char path[PATH_MAX];
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(tell("a"));
        assert_true(tell("b"));
        spill(i == 0 ? "000000000000000003.log" : "000000000000000005.log", "", 0);
        path_of("head", path);
        assert_true(i == 0 || unlink(path) == 0);
    }
    assert_true(tell("c"));
    is_whole(6);
    assert_true(says(5, "audit/head was not there") && says(6, "\"c\""));
    uint64_t *files;
    size_t count;
    assert_int_equal(audit_log_files(conf, &files, &count), 0);
    assert_int_equal(count, 3);
    free(files);
}

/* The last record is looked at before another follows it. */
static void a_changed_last_record_is_told(void **state)
{
    size_t size, again;
    (void)state;
    assert_true(tell("a"));
    assert_true(tell("b"));
    char *bytes = slurp(FIRST, &size), *at = memmem(bytes, size, "\"b\"", 3);
    at[1] = 'x';
    spill(FIRST, bytes, size);
    assert_true(tell("c"));
    assert_true(says(3, "behind record 2: it is not as it was written") && says(4, "\"c\""));
    free(bytes);
    free(slurp(FIRST, &again));
    assert_int_equal(again, size); /* nothing is cut away */
}

/* An edit that makes a record longer leaves a piece behind where the head says the end is. */
static void a_record_that_grew_is_no_torn_one(void **state)
{
    size_t size, again;
    (void)state;
    assert_true(tell("a"));
    assert_true(tell("b"));
    char *bytes = slurp(FIRST, &size);
    bytes = realloc(bytes, size + 5);
    char *at = memmem(bytes, size, "\"a\"", 3);
    memmove(at + 6, at + 1, size - (size_t)(at + 1 - bytes));
    spill(FIRST, bytes, size + 5);
    assert_true(tell("c"));
    char *after = slurp(FIRST, &again);
    assert_true(again == size + 5 && memcmp(after, bytes, again) == 0);
    free(after);
    free(bytes);
}

/* Damage in a file that others follow: the log goes on at its end, and nothing is put aside. */
static void damage_in_the_middle_stays_there(void **state)
{
    struct conf small = *conf;
    const struct conf *plain = conf;
    size_t size, head_size, count;
    uint64_t *files;
    (void)state;
    small.audit.file_bytes = 1;
    conf = &small;
    for (int i = 0; i < 3; i++) {
        assert_true(tell("a"));
        if (i == 0)
            free(slurp("head", &head_size));
    }
    char *head = slurp("head", &head_size), *bytes = slurp("000000000000000002.log", &size);
    memset(head + 256, ' ', head_size - 256); /* that of 3; 2 is left */
    spill("head", head, head_size);
    bytes[size / 2] ^= 1;
    spill("000000000000000002.log", bytes, size / 2 + 1);
    free(head);
    free(bytes);
    assert_true(tell("b"));
    assert_int_equal(audit_log_files(conf, &files, &count), 0);
    assert_true(count >= 4 && files[count - 1] == 4);
    free(files);
    assert_true(says(3, "\"a\"") && says(4, "AUDIT-BROKEN"));
    assert_true(tell("c"));
    assert_true(verdict().faults > 0);
    conf = plain;
}

static void files_are_begun_and_end(void **state)
{
    char clock_path[PATH_MAX], hook[PATH_MAX + 1];
    struct conf small = *conf;
    uint64_t *files, last;
    size_t count, removed;
    const struct conf *plain = conf;
    (void)state;
    path_of("clock", clock_path);
    snprintf(hook, sizeof hook, "@%s", clock_path);
    fixture_write(clock_path, "0\n");
    setenv("CERVIGATE_CLOCK_OFFSET", hook, 1);
    small.audit.file_bytes = 2000;
    conf = &small;
    for (int i = 0; i < 20; i++)
        assert_true(tell("a"));
    assert_int_equal(audit_log_files(conf, &files, &count), 0);
    assert_true(count > 3 && files[0] == 1);
    size_t by_size = count;
    free(files);
    is_whole(20);
    small.audit.file_bytes = 1 << 24;
    fixture_write(clock_path, "259200\n"); /* three days */
    assert_true(tell("b"));
    assert_int_equal(audit_log_files(conf, &files, &count), 0);
    assert_int_equal(count, by_size + 1);
    assert_int_equal(files[count - 1], 21);
    free(files);
    is_whole(21);
    fixture_write(clock_path, "518400\n"); /* six */
    assert_true(tell("c"));
    is_whole(22);

    int64_t now = clock_utc_ms();
    assert_int_equal(audit_log_expire(conf, now - 7 * 86400000LL, &removed, &last), 0);
    assert_int_equal(removed, 0);
    small.audit.host = "collector"; /* has none of them */
    assert_int_equal(audit_log_expire(conf, now - 2 * 86400000LL, &removed, &last), 0);
    assert_int_equal(removed, 0);
    small.audit.host = NULL;
    assert_int_equal(audit_log_expire(conf, now - 2 * 86400000LL, &removed, &last), 0);
    assert_int_equal(removed, by_size);
    assert_int_equal(last, 20);
    struct audit_verdict v = verdict();
    assert_int_equal(v.faults, 0);
    assert_int_equal(v.first, 21);
    char path[PATH_MAX];
    path_of("base", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(verdict().faults, 1);
    unsetenv("CERVIGATE_CLOCK_OFFSET");
    conf = plain;
}

/* No room: counted, not lost without a trace, and told when there is room again. */
static void what_cannot_be_written_is_counted(void **state)
{
    struct rlimit old, none;
    char since[25];
    size_t size;
    (void)state;
    assert_true(tell("a"));
    free(slurp(FIRST, &size));
    assert_true(audit_log_missed(conf, 1, 0)); /* its file is there */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    none = (struct rlimit){.rlim_cur = size + 100, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    for (int i = 0; i < 3; i++)
        assert_false(tell("b"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(audit_log_missing(conf, since), 3);
    assert_int_equal(strlen(since), 24);
    is_whole(1);
    assert_true(tell("c"));
    assert_int_equal(audit_log_missing(conf, NULL), 0);
    is_whole(3);
    assert_true(says(2, "110133") && says(2, "type=\"missed\" value=\"Mw==\"")); /* 3 */
    assert_true(says(3, "\"c\""));
}

/* A process that keeps the lock holds nobody up: once for the wait, then not at all. */
static void a_stopped_writer_holds_nobody_up(void **state)
{
    int ready[2];
    char path[PATH_MAX], byte;
    (void)state;
    assert_true(tell("a"));
    path_of("lock", path);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, O_RDWR);
        if (fd >= 0 && flock(fd, LOCK_EX) == 0 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    int64_t begin = clock_monotonic_ms();
    assert_false(tell("b"));
    int64_t first = clock_monotonic_ms() - begin;
    assert_true(first >= AUDIT_WAIT_MS && first < AUDIT_WAIT_MS + 2000);
    begin = clock_monotonic_ms();
    for (int i = 0; i < 10; i++)
        assert_false(tell("b"));
    assert_true(clock_monotonic_ms() - begin < 2000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(audit_log_missing(conf, NULL), 11);
    assert_true(tell("c"));
    is_whole(3);
    close(ready[0]);
    close(ready[1]);
}

static void several_write_at_once(void **state)
{
    enum { WRITERS = 4, EACH = 40 };
    (void)state;
    for (int w = 0; w < WRITERS; w++)
        if (fork() == 0) {
            bool good = true;
            for (int i = 0; i < EACH; i++)
                good = tell("a") && good;
            _exit(good ? 0 : 1);
        }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    is_whole(WRITERS * EACH);
}

static void a_lost_head_is_told(void **state)
{
    char path[PATH_MAX];
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(tell("a"));
    size_t size;
    char *head = slurp("head", &size);
    head[3 % 2 * 256 + 5] ^= 1; /* the slot of 3: that of 2 is used, and read on from */
    spill("head", head, size);
    free(head);
    assert_true(tell("b"));
    is_whole(4);
    path_of("head", path);
    assert_int_equal(unlink(path), 0);
    assert_true(tell("c"));
    is_whole(6);
    assert_true(says(5, "audit/head was not there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_are_chained),
        TEST(one_altered_byte_is_found),
        TEST(what_was_removed_or_moved_is_found),
        TEST(a_torn_end_is_healed),
        TEST(a_file_that_was_cut_or_taken_is_told),
        TEST(an_empty_file_is_gone_on_with),
        TEST(a_changed_last_record_is_told),
        TEST(a_record_that_grew_is_no_torn_one),
        TEST(damage_in_the_middle_stays_there),
        TEST(files_are_begun_and_end),
        TEST(what_cannot_be_written_is_counted),
        TEST(a_stopped_writer_holds_nobody_up),
        TEST(several_write_at_once),
        TEST(a_lost_head_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
