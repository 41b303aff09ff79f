/* The files of <tls> that are kept: what is told of them, and how often. */
#include "clock.h"
#include "keys.h"
#include "log.h"
#include "scp_fixture.h"
#include "secret_file.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct watched {
    struct conf *conf;
    char authorities[128], path[128];
    int log, before;
    struct keys_kept kept;
};

static int lines(const struct watched *w)
{
    char text[8192];
    int count = 0;
    ssize_t n = pread(w->log, text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    for (const char *at = text; (at = strstr(at, "tls-files-bad file=\"/")) != NULL; at++)
        count++;
    return count;
}

/* A turn with no descriptor left but the one that opens the file: it cannot be copied. */
static void turn(struct watched *w)
{
    struct rlimit most, few;
    int next = dup(STDERR_FILENO);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &most), 0);
    few = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = most.rlim_max};
    assert_int_equal(dup2(w->log, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    bool judged = keys_kept_turn(w->conf, &w->kept);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &most), 0);
    assert_int_equal(dup2(w->before, STDERR_FILENO), STDERR_FILENO);
    assert_true(judged);
    assert_false(w->kept.good);
}

/* A configuration with a file of authorities, which is none. */
static void watch(const struct fixture *f, struct watched *w)
{
    struct conf_complaints complaints;
    char text[512];
    *w = (struct watched){.log = -1, .before = -1};
    snprintf(w->authorities, sizeof w->authorities, "%s/ca", f->folder);
    snprintf(w->path, sizeof w->path, "%s/c.xml", f->folder);
    snprintf(text, sizeof text,
             "<cervigate xmlns=\"urn:cervigate:config:1\"><node aeTitle=\"C\" spool=\"/s\" "
             "model=\"/m\"/><tls authorities=\"%s\"/>"
             "<rules><rule name=\"r\" action=\"analyze\"/></rules></cervigate>",
             w->authorities);
    fixture_write(w->path, text);
    assert_int_equal(conf_load(w->path, &w->conf, &complaints), CONF_OK);
    conf_complaints_finish(&complaints);
    fixture_write(w->authorities, "one");
    keys_kept_init(&w->kept);
}

/* Asked for again and again, it is said once; of other files, once more. */
static void what_is_wrong_is_said_once(void **state)
{
    const struct fixture *f = *state;
    struct watched w;
    watch(f, &w);
    w.before = dup(STDERR_FILENO);
    snprintf(w.path, sizeof w.path, "%s/log", f->folder);
    w.log = open(w.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    turn(&w);
    assert_int_equal(lines(&w), 1);
    for (int i = 0; i < 3; i++) {
        assert_true(w.kept.again_ms > 0); /* the node's own trouble passes */
        w.kept.again_ms = 1;
        turn(&w);
    }
    assert_int_equal(lines(&w), 1);
    fixture_write(w.authorities, "another");
    turn(&w);
    assert_int_equal(lines(&w), 2);
    close(w.log);
    close(w.before);
    conf_destroy(w.conf);
}

static bool asleep;

static void sleep_in_child(void)
{
    while (asleep)
        pause();
}

/* The one that judges hangs, as with a disk that does not answer: the one that listens goes on. */
static void who_judges_holds_up_nobody(void **state)
{
    struct watched w;
    watch(*state, &w);
    assert_int_equal(pthread_atfork(NULL, NULL, sleep_in_child), 0);
    asleep = true;
    int64_t begin = clock_monotonic_ms();
    for (int i = 0; i < 3; i++)
        assert_false(keys_kept_turn(w.conf, &w.kept));
    assert_in_range(clock_monotonic_ms() - begin, 0, KEYS_JUDGE_MS / 2);
    pid_t pid = w.kept.judge.pid;
    w.kept.judge.until_ms = 1; /* its time is over */
    assert_true(keys_kept_turn(w.conf, &w.kept));
    assert_false(w.kept.good);
    assert_non_null(strstr(w.kept.told, "could not be looked at"));
    assert_true(kill(pid, 0) != 0 && errno == ESRCH);

    asleep = false; /* it is asked again, and says what is wrong */
    w.kept.again_ms = 1;
    assert_false(keys_kept_turn(w.conf, &w.kept));
    w.kept.judge.until_ms += 60 * KEYS_JUDGE_MS; /* a slow machine, or valgrind */
    assert_true(keys_judge_is_done(&w.kept.judge, true));
    assert_true(keys_kept_turn(w.conf, &w.kept));
    assert_non_null(strstr(w.kept.told, "authorities"));
    conf_destroy(w.conf);
}

/* A listener reaps whatever child has ended: the number may be another's then. */
static void who_was_reaped_is_not_killed(void **state)
{
    struct watched w;
    watch(*state, &w);
    asleep = false;
    assert_false(keys_kept_turn(w.conf, &w.kept));
    pid_t pid = w.kept.judge.pid;
    assert_int_equal(waitpid(-1, NULL, 0), pid);
    assert_false(keys_kept_reaped(&w.kept, pid + 1));
    assert_true(keys_kept_reaped(&w.kept, pid));
    assert_int_equal(w.kept.judge.pid, 0);
    assert_true(keys_kept_turn(w.conf, &w.kept));
    assert_non_null(strstr(w.kept.told, "authorities"));
    conf_destroy(w.conf);
}

/* A key's and a password's file are under the same conditions. */
static void who_may_read_a_key(void **state)
{
    static const struct {
        mode_t mode;
        bool good;
    } cases[] = {{0600, true}, {0400, true}, {0640, false}, {0604, false}, {0602, false}};
    const struct fixture *f = *state;
    struct conf conf = f->conf;
    char path[128];
    snprintf(path, sizeof path, "%s/key", f->folder);
    fixture_write(path, "key");
    conf.tls = (struct conf_tls){.key = path};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dx_tls_files files;
        struct keys_wrong wrong;
        char secret[SECRET_MAX], why[256] = "";
        assert_int_equal(chmod(path, cases[i].mode), 0);
        assert_int_equal(keys_open(&conf, &files, &wrong), cases[i].good);
        keys_close(&files);
        assert_int_equal(secret_read(path, secret, why), cases[i].good);
        if (!cases[i].good) {
            assert_non_null(strstr(wrong.text, "others may read or write it"));
            assert_non_null(strstr(why, "others may read or write it"));
        }
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(what_is_wrong_is_said_once), T(who_judges_holds_up_nobody),
                                       T(who_was_reaped_is_not_killed), T(who_may_read_a_key)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
