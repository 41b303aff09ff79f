/* The spool: nothing is overwritten, nothing half-written has a name, refused bytes are bounded. */
#include "scp_fixture.h"
#include "spool.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DIGEST "ab00000000000000000000000000000000000000000000000000000000000001"

static size_t count_in(const struct fixture *f, const char *name)
{
    char path[PATH_MAX];
    size_t count = 0;
    node_path(&f->conf, path, sizeof path, "%s", name);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void read_back(const struct fixture *f, const char *name, char text[64])
{
    char path[PATH_MAX];
    node_path(&f->conf, path, sizeof path, "%s", name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, 63);
    assert_true(n >= 0);
    text[n] = '\0';
    close(fd);
}

static int begin_object(const struct fixture *f, char path[PATH_MAX], const char *bytes)
{
    int fd = spool_create_incoming(&f->conf, path, PATH_MAX);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), (int)strlen(bytes));
    return fd;
}

static void directories_are_private(void **state)
{
    const struct fixture *f = *state;
    static const char *const names[] = {"incoming", "objects/00", "objects/ff",
                                        "results",  "quarantine", "run"};
    char path[PATH_MAX], bad[PATH_MAX];
    struct stat at;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        node_path(&f->conf, path, sizeof path, "%s", names[i]);
        assert_int_equal(stat(path, &at), 0);
        assert_int_equal(at.st_mode & 07777, 0700);
    }
    assert_int_equal(spool_prepare(&f->conf, bad, sizeof bad), 0); /* again: nothing to do */
}

static void a_file_in_the_way_is_named(void **state)
{
    const struct fixture *f = *state;
    char path[PATH_MAX], bad[PATH_MAX] = "";
    node_path(&f->conf, path, sizeof path, "results");
    assert_int_equal(rmdir(path), 0);
    fixture_write(path, "x");
    assert_int_equal(spool_prepare(&f->conf, bad, sizeof bad), -ENOTDIR);
    assert_string_equal(bad, path);
}

static void an_object_is_kept_once(void **state)
{
    const struct fixture *f = *state;
    bool is_there;
    char from[PATH_MAX], name[256], text[64];
    int fd = begin_object(f, from, "first");
    assert_int_equal(spool_keep_object(&f->conf, fd, from, DIGEST, name, sizeof name, &is_there),
                     0);
    close(fd);
    assert_false(is_there);
    assert_string_equal(name, "objects/ab/" DIGEST ".dcm");

    fd = begin_object(f, from, "second");
    assert_int_equal(spool_keep_object(&f->conf, fd, from, DIGEST, name, sizeof name, &is_there),
                     0);
    close(fd);
    assert_true(is_there);
    read_back(f, name, text);
    assert_string_equal(text, "first");
    assert_int_equal(count_in(f, "incoming"), 1);
}

static void only_digests_are_names(void **state)
{
    const struct fixture *f = *state;
    static const char *const bad[] = {"", "../../../../etc/passwd", DIGEST "0",
                                      "AB00000000000000000000000000000000000000000000000000000000"
                                      "000001"};
    bool is_there;
    char from[PATH_MAX], name[256];
    int fd = begin_object(f, from, "x");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(
            spool_keep_object(&f->conf, fd, from, bad[i], name, sizeof name, &is_there), -EINVAL);
    assert_false(spool_object_name(DIGEST, name, 20));
    close(fd);
}

static void a_lost_directory_is_an_error(void **state)
{
    const struct fixture *f = *state;
    bool is_there;
    char from[PATH_MAX], path[PATH_MAX], name[256];
    node_path(&f->conf, path, sizeof path, "objects/ab");
    assert_int_equal(rmdir(path), 0);
    int fd = begin_object(f, from, "x");
    assert_int_equal(spool_keep_object(&f->conf, fd, from, DIGEST, name, sizeof name, &is_there),
                     -ENOENT);
    assert_int_equal(spool_keep_object(&f->conf, -1, from, DIGEST, name, sizeof name, &is_there),
                     -EBADF);
    close(fd);
    assert_int_equal(count_in(f, "incoming"), 1);
}

static void incoming_of_the_dead_goes(void **state)
{
    const struct fixture *f = *state;
    char path[PATH_MAX];
    size_t removed = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(spool_create_incoming(&f->conf, path, sizeof path) >= 0 ? 0 : 1);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(begin_object(f, path, "ours"));

    assert_int_equal(count_in(f, "incoming"), 2);
    assert_int_equal(spool_forget_dead(&f->conf), 0);
    assert_int_equal(count_in(f, "incoming"), 1);
    assert_int_equal(spool_empty_incoming(&f->conf, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(count_in(f, "incoming"), 0);
}

/* What is written by a process that lives, and what people put there, stays. */
static void temporary_names_of_the_dead_go(void **state)
{
    const struct fixture *f = *state;
    static const char *const kept[] = {"mode", "notes.12-0123", "send-notes.dcm", "run/send-%d.dcm",
                                       "run/node.%d-0123456789abcdef"};
    static const char *const gone[] = {"run/node.%d-0123456789abcdef", "run/send-%d.dcm",
                                       "audit/sent/cursor.%d-0123456789abcdef", "mode.restoring"};
    char name[64], path[PATH_MAX];
    size_t removed = 0;
    int status = 0;
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    assert_int_equal(waitpid(dead, &status, 0), dead);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        snprintf(name, sizeof name, kept[i], (int)getpid());
        node_path(&f->conf, path, sizeof path, "%s", name);
        fixture_write(path, "x");
    }
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        snprintf(name, sizeof name, gone[i], (int)dead);
        node_path(&f->conf, path, sizeof path, "%s", name);
        fixture_write(path, "x");
    }
    assert_int_equal(spool_sweep_temporaries(&f->conf, &removed), 0);
    assert_int_equal(removed, sizeof gone / sizeof *gone);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        snprintf(name, sizeof name, kept[i], (int)getpid());
        node_path(&f->conf, path, sizeof path, "%s", name);
        assert_int_equal(access(path, F_OK), 0);
    }
}

static void quarantine_tells_why(void **state)
{
    const struct fixture *f = *state;
    char from[PATH_MAX], name[64], file[80], text[64];
    const char *limit = NULL;
    int fd = begin_object(f, from, "bad bytes");
    assert_int_equal(
        spool_quarantine(&f->conf, fd, from, "reason: bad\n", name, sizeof name, &limit), 0);
    assert_null(limit);
    close(fd);
    snprintf(file, sizeof file, "quarantine/%s.txt", name);
    read_back(f, file, text);
    assert_string_equal(text, "reason: bad\n");
    snprintf(file, sizeof file, "quarantine/%s.dcm", name);
    read_back(f, file, text);
    assert_string_equal(text, "bad bytes");
    assert_int_equal(count_in(f, "incoming"), 0);
}

/* Killed before the reason has its name: the bytes are not in quarantine either. */
static void quarantine_is_never_without_why(void **state)
{
    const struct fixture *f = *state;
    char from[PATH_MAX], name[64];
    const char *limit = NULL;
    int status = 0;
    int fd = begin_object(f, from, "bad bytes");
    pid_t pid = fork();
    if (pid == 0) {
        setenv("CERVIGATE_CRASH", "whole-written", 1);
        _exit(spool_quarantine(&f->conf, fd, from, "reason: bad\n", name, sizeof name, &limit) ==
              0);
    }
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(count_in(f, "incoming"), 1);
}

/* Refused, and not kept; which setting says so. */
static const char *not_kept(const struct fixture *f, const char *bytes)
{
    char from[PATH_MAX], name[64];
    const char *limit = NULL;
    int fd = begin_object(f, from, bytes);
    assert_int_equal(spool_quarantine(&f->conf, fd, from, "why", name, sizeof name, &limit),
                     -ENOSPC);
    close(fd);
    assert_int_equal(count_in(f, "incoming"), 0);
    return limit;
}

static void quarantine_is_bounded(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX];
    f->conf.limits.quarantine_objects = 3;
    for (int i = 0; i < 3; i++) {
        node_path(&f->conf, path, sizeof path, "quarantine/%d.dcm", i);
        fixture_write(path, "");
    }
    assert_string_equal(not_kept(f, "x"), "quarantineObjects");
    assert_int_equal(count_in(f, "quarantine"), 3);
}

/* Texts count; what fits exactly is kept, and a byte more is not. */
static void quarantine_is_bounded_by_bytes(void **state)
{
    struct fixture *f = *state;
    char from[PATH_MAX], name[64], path[PATH_MAX];
    const char *limit = NULL;
    struct spool_quarantine_use use;
    node_path(&f->conf, path, sizeof path, "quarantine/0.txt.0123"); /* a death left it */
    fixture_write(path, "12345");
    f->conf.limits.quarantine_bytes = 5 + 9 + 3;
    assert_string_equal(not_kept(f, "bad bytes+"), "quarantineBytes");
    int fd = begin_object(f, from, "bad bytes");
    assert_int_equal(spool_quarantine(&f->conf, fd, from, "why", name, sizeof name, &limit), 0);
    close(fd);
    assert_int_equal(spool_quarantine_use(&f->conf, &use), 0);
    assert_true(use.objects == 1 && use.bytes == 17);
    assert_string_equal(not_kept(f, ""), "quarantineBytes");
    f->conf.limits.quarantine_bytes = 0;
    assert_string_equal(not_kept(f, "x"), "quarantineBytes");
    assert_int_equal(count_in(f, "quarantine"), 3);
}

static void no_quarantine_without_space(void **state)
{
    struct fixture *f = *state;
    f->conf.limits.spool_reserve_bytes = UINT64_MAX;
    assert_string_equal(not_kept(f, "x"), "spoolReserve");
    assert_int_equal(count_in(f, "quarantine"), 0);
}

static void whole_files_replace(void **state)
{
    const struct fixture *f = *state;
    char path[PATH_MAX], text[64];
    node_path(&f->conf, path, sizeof path, "run/node");
    assert_int_equal(spool_write_whole(path, "one\n"), 0);
    assert_int_equal(spool_write_whole(path, "two\n"), 0);
    read_back(f, "run/node", text);
    assert_string_equal(text, "two\n");
    assert_int_equal(count_in(f, "run"), 1);
    node_path(&f->conf, path, sizeof path, "missing/node");
    assert_int_equal(spool_write_whole(path, "x"), -ENOENT);
}

#define NODE_USER 65534

static uid_t owner_of(const char *path)
{
    struct stat at;
    assert_int_equal(lstat(path, &at), 0);
    return at.st_uid;
}

/* What root makes is the node's; what the node's user only points to is not. */
static void links_lead_nowhere(void **state)
{
    const struct fixture *f = *state;
    char path[PATH_MAX], folder[PATH_MAX], roots[PATH_MAX];
    node_path(&f->conf, folder, sizeof folder, "run");
    node_path(&f->conf, path, sizeof path, "run/lock");
    node_path(&f->conf, roots, sizeof roots, "roots");
    fixture_write(roots, "");
    bool is_root = geteuid() == 0;
    uid_t own = geteuid();
    if (is_root)
        assert_int_equal(chown(folder, NODE_USER, NODE_USER), 0);
    int fd = spool_lock(&f->conf);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(owner_of(path), is_root ? NODE_USER : own);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(roots, path), 0);
    assert_int_equal(spool_lock(&f->conf), -ELOOP);
    assert_int_equal(owner_of(roots), own);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(roots, path), 0);
    fd = spool_lock(&f->conf);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(owner_of(roots), own);
}

static void paths_that_do_not_fit_are_empty(void **state)
{
    const struct fixture *f = *state;
    char small[8], one[PATH_MAX];
    node_path(&f->conf, small, sizeof small, "run/%s", "lock");
    assert_string_equal(small, "");
    node_path(&f->conf, one, strlen(f->spool) + 4, "%s", "long");
    assert_string_equal(one, "");
    assert_true(spool_free_bytes(&f->conf) > 0);
}

static void a_node_keeps_its_id(void **state)
{
    const struct fixture *f = *state;
    char first[SPOOL_NODE_ID_MAX], again[SPOOL_NODE_ID_MAX], path[PATH_MAX];
    assert_int_equal(spool_node_id(&f->conf, first), 0);
    assert_int_equal(strlen(first), SPOOL_NODE_ID_MAX - 1);
    assert_int_equal(spool_node_id(&f->conf, again), 0);
    assert_string_equal(first, again);
    node_path(&f->conf, path, sizeof path, "node-id");
    assert_int_equal(spool_write_whole(path, "not an id"), 0);
    assert_int_equal(spool_node_id(&f->conf, again), -EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(directories_are_private),
        T(a_file_in_the_way_is_named),
        T(an_object_is_kept_once),
        T(only_digests_are_names),
        T(a_lost_directory_is_an_error),
        T(incoming_of_the_dead_goes),
        T(temporary_names_of_the_dead_go),
        T(quarantine_tells_why),
        T(quarantine_is_never_without_why),
        T(quarantine_is_bounded),
        T(quarantine_is_bounded_by_bytes),
        T(no_quarantine_without_space),
        T(whole_files_replace),
        T(links_lead_nowhere),
        T(paths_that_do_not_fit_are_empty),
        T(a_node_keeps_its_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
