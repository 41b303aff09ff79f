/* audit_fixture.h: a spool's audit log, told and read and changed as a test wants it. */
#ifndef AUDIT_FIXTURE_H
#define AUDIT_FIXTURE_H

#include "audit.h"
#include "audit_reader.h"
#include "node.h"
#include "scp_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static struct fixture *fixture;
static const struct conf *conf;

static int setup(void **state)
{
    int failed = fixture_setup(state);
    fixture = *state;
    conf = &fixture->conf;
    return failed;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

static inline bool tell(const char *who)
{
    const struct audit_participant one = {.user = who};
    const struct audit_event event = {
        .id = AUDIT_SECURITY_ALERT, .action = 'E', .participants = &one, .participant_count = 1};
    return audit_tell(conf, &event, 1);
}

static inline void path_of(const char *name, char path[PATH_MAX])
{
    node_path(conf, path, PATH_MAX, "audit/%s", name);
}

static inline char *slurp(const char *name, size_t *size)
{
    char path[PATH_MAX];
    struct stat at;
    path_of(name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &at), 0);
    char *bytes = malloc((size_t)at.st_size + 1);
    assert_int_equal(read(fd, bytes, (size_t)at.st_size), at.st_size);
    bytes[at.st_size] = '\0';
    close(fd);
    *size = (size_t)at.st_size;
    return bytes;
}

static inline void spill(const char *name, const char *bytes, size_t size)
{
    char path[PATH_MAX];
    path_of(name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static inline struct audit_verdict verdict(void)
{
    struct audit_verdict v;
    assert_true(audit_verify(conf, NULL, &v));
    return v;
}

static inline void is_whole(uint64_t records)
{
    struct audit_verdict v = verdict();
    if (v.faults > 0)
        print_error("%s\n", v.fault[0].text);
    assert_int_equal(v.faults, 0);
    assert_int_equal(v.records, records);
    assert_int_equal(v.last, records);
}

#define FIRST "000000000000000001.log"

#endif
