/* Digests against FIPS 180-4's vectors, UIDs against PS3.5 9.1 and B.2. */
#include "dx_uid.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void known_digests(void **state)
{
    char digest[DX_DIGEST_MAX];
    (void)state;

    struct dx_sha256 *sha = dx_sha256_create();
    dx_sha256_add(sha, "a", 1);
    dx_sha256_add(sha, "bc", 2);
    dx_sha256_take(sha, digest);
    assert_string_equal(digest, abc);

    sha = dx_sha256_create();
    dx_sha256_take(sha, digest);
    assert_string_equal(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    dx_sha256_destroy(NULL);
    dx_sha256_take(NULL, digest); /* there was no memory */
    assert_string_equal(digest, "");
}

static void neighbouring_texts_do_not_run_together(void **state)
{
    char one[DX_DIGEST_MAX], other[DX_DIGEST_MAX];
    (void)state;

    struct dx_sha256 *sha = dx_sha256_create();
    dx_sha256_add_text(sha, "ab");
    dx_sha256_add_text(sha, "c");
    dx_sha256_take(sha, one);
    sha = dx_sha256_create();
    dx_sha256_add_text(sha, "a");
    dx_sha256_add_text(sha, "bc");
    dx_sha256_take(sha, other);
    assert_string_not_equal(one, other);
}

static void file_digest_from_an_offset(void **state)
{
    char path[] = "/tmp/dx-uid-XXXXXX", digest[DX_DIGEST_MAX];
    struct dx_error err = {0};
    (void)state;

    int fd = mkstemp(path);
    assert_int_equal(write(fd, "xxabc", 5), 5);
    close(fd);
    assert_int_equal(dx_digest_file(path, 2, digest, &err), DX_OK);
    assert_string_equal(digest, abc);
    fd = open(path, O_RDONLY);
    assert_int_equal(lseek(fd, 1, SEEK_SET), 1);
    assert_int_equal(dx_digest_descriptor(fd, "it", 2, digest, &err), DX_OK);
    assert_string_equal(digest, abc);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 1);
    assert_int_equal(dx_digest_descriptor(fd, "it", UINT64_MAX, digest, &err), DX_IO);
    close(fd);
    assert_int_equal(dx_digest_descriptor(fd, "it", 0, digest, &err), DX_IO);
    assert_non_null(strstr(err.text, "it: "));
    unlink(path);
    assert_int_equal(dx_digest_file(path, 0, digest, &err), DX_MISSING);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(dx_digest_file("/tmp", 0, digest, &err), DX_IO);
}

struct growing {
    char path[32];
    bool whole;
};

/* Begins late, grows by pieces with pauses, and ends. */
static void *grow(void *context)
{
    struct growing *g = context;
    (void)usleep(3000);
    int fd = open(g->path, O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 3; i++) {
        if (write(fd, &"abc"[i], 1) != 1)
            abort();
        (void)usleep(3000);
    }
    close(fd);
    __atomic_store_n(&g->whole, true, __ATOMIC_RELEASE);
    return NULL;
}

static void a_file_is_digested_while_it_grows(void **state)
{
    struct growing g = {"/tmp/dx-uid-XXXXXX", false};
    char digest[DX_DIGEST_MAX];
    struct dx_error err = {0};
    pthread_t writer;
    (void)state;

    close(mkstemp(g.path));
    unlink(g.path);
    assert_int_equal(pthread_create(&writer, NULL, grow, &g), 0);
    assert_int_equal(dx_digest_growing(g.path, &g.whole, digest, &err), DX_OK);
    assert_string_equal(digest, abc);
    pthread_join(writer, NULL);
    unlink(g.path);
    assert_int_equal(dx_digest_growing(g.path, &g.whole, digest, &err), DX_MISSING);
    assert_string_equal(digest, "");
}

static void uid_from_digest(void **state)
{
    char uid[DX_UID_MAX], again[DX_UID_MAX];
    (void)state;

    assert_int_equal(dx_uid_from_digest(abc, uid), DX_OK);
    /* ba7816bf8f018fea814140de5dae2223 (version 8, variant 10) in decimal */
    assert_string_equal(uid, "2.25.247859944228867097191300499870369849891");
    assert_true(dx_uid_is_valid(uid));
    assert_int_equal(dx_uid_from_digest(abc, again), DX_OK);
    assert_string_equal(uid, again);

    char zeros[65], ones[65];
    memset(zeros, '0', 64);
    memset(ones, 'f', 64);
    zeros[64] = ones[64] = '\0';
    assert_int_equal(dx_uid_from_digest(zeros, uid), DX_OK);
    assert_true(dx_uid_is_valid(uid));
    assert_int_equal(dx_uid_from_digest(ones, uid), DX_OK);
    assert_true(dx_uid_is_valid(uid) && strlen(uid) <= 64);

    assert_int_equal(dx_uid_from_digest("", uid), DX_INVALID);
    assert_int_equal(dx_uid_from_digest("12", uid), DX_INVALID);
    assert_int_equal(dx_uid_from_digest(NULL, uid), DX_INVALID);
    ones[10] = 'g';
    assert_int_equal(dx_uid_from_digest(ones, uid), DX_INVALID);
    assert_string_equal(uid, "");
}

static void uid_syntax(void **state)
{
    static const char *const good[] = {"1", "0.0", "1.2.840.10008.1.2", "2.25.0"};
    static const char *const bad[] = {"",     ".",     "1.",   ".1",   "1..2", "1.02",
                                      "1 .2", "1.2\n", "1.2a", "-1.2", "00"};
    char longest[66];
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(dx_uid_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(dx_uid_is_valid(bad[i]));
    assert_false(dx_uid_is_valid(NULL));
    memset(longest, '1', 65);
    longest[64] = '\0';
    assert_true(dx_uid_is_valid(longest));
    longest[64] = '1';
    longest[65] = '\0';
    assert_false(dx_uid_is_valid(longest));
    assert_false(dx_uid_is_usable(longest));
    assert_false(dx_uid_is_usable(NULL));
    assert_false(dx_uid_is_usable(""));
    assert_false(dx_uid_is_usable("1.2a"));
    assert_true(dx_uid_is_usable("1.02.3"));
}

static void every_status_has_a_text(void **state)
{
    struct dx_error err = {0};
    (void)state;

    for (int i = DX_OK; i <= DX_INTERNAL; i++)
        assert_string_not_equal(dx_status_text((enum dx_status)i), "unknown status");
    assert_string_equal(dx_status_text((enum dx_status)999), "unknown status");
    assert_int_equal(dx_fail(&err, DX_LIMIT, "%d of %d", 3, 2), DX_LIMIT);
    assert_string_equal(err.text, "3 of 2");
    assert_int_equal(dx_fail(NULL, DX_IO, "no receiver"), DX_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests),
        cmocka_unit_test(neighbouring_texts_do_not_run_together),
        cmocka_unit_test(file_digest_from_an_offset),
        cmocka_unit_test(a_file_is_digested_while_it_grows),
        cmocka_unit_test(uid_from_digest),
        cmocka_unit_test(uid_syntax),
        cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
