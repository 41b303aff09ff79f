/* The files of <tls> that are kept: what is told of them, and how often. */
#include "keys.h"
#include "log.h"
#include "scp_fixture.h"
#include "secret_file.h"
#include <fcntl.h>
#include <sys/resource.h>

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
    for (const char *at = text; (at = strstr(at, "tls-files-bad")) != NULL; at++)
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
    bool good = keys_kept_turn(w->conf, &w->kept);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &most), 0);
    assert_int_equal(dup2(w->before, STDERR_FILENO), STDERR_FILENO);
    assert_false(good);
}

/* Asked for again and again, it is said once; of other files, once more. */
static void what_is_wrong_is_said_once(void **state)
{
    const struct fixture *f = *state;
    struct watched w = {.before = dup(STDERR_FILENO)};
    struct conf_complaints complaints;
    char text[512];
    snprintf(w.authorities, sizeof w.authorities, "%s/ca", f->folder);
    snprintf(w.path, sizeof w.path, "%s/c.xml", f->folder);
    snprintf(text, sizeof text,
             "<cervigate xmlns=\"urn:cervigate:config:1\"><node aeTitle=\"C\" spool=\"/s\" "
             "model=\"/m\"/><tls authorities=\"%s\"/>"
             "<rules><rule name=\"r\" action=\"analyze\"/></rules></cervigate>",
             w.authorities);
    fixture_write(w.path, text);
    assert_int_equal(conf_load(w.path, &w.conf, &complaints), CONF_OK);
    conf_complaints_finish(&complaints);
    snprintf(w.path, sizeof w.path, "%s/log", f->folder);
    fixture_write(w.authorities, "one");
    w.log = open(w.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    keys_kept_init(&w.kept);
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
    const struct CMUnitTest tests[] = {T(what_is_wrong_is_said_once), T(who_may_read_a_key)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
