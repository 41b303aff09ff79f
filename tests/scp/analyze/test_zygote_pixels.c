/* What a child leaves in the memory file is its owner's alone: the next child finds nothing. */
#include "zygote_pixels.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE ((uint64_t)48 << 20) /* more than is kept */

static uint64_t resident(int fd)
{
    struct stat at;
    assert_int_equal(fstat(fd, &at), 0);
    return (uint64_t)at.st_blocks * 512;
}

/* A child writes `count` bytes from `at`. */
static void leave(int fd, size_t at, size_t count)
{
    uint8_t *bytes = malloc(count);
    assert_non_null(bytes);
    memset(bytes, 7, count);
    assert_int_equal(pwrite(fd, bytes, count, (off_t)at), (ssize_t)count);
    free(bytes);
}

static void holds_nothing(int fd)
{
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, SIZE, 0), (ssize_t)SIZE);
    for (size_t i = 0; i < SIZE; i++)
        if (bytes[i] != 0)
            fail_msg("byte %zu is left", i);
    free(bytes);
}

/* What was taken is cleared and its pages stay; what was written beside goes. */
static void cleared(size_t taken, size_t also_at, uint64_t stays)
{
    struct zygote_pixels pixels = {.fd = -1};
    int fd = zygote_pixels_lend(&pixels, SIZE);
    assert_true(fd >= 0);
    if (taken > 0) {
        leave(fd, 0, taken);
        uint8_t *got = zygote_pixels_take(&pixels, taken);
        assert_non_null(got);
        assert_int_equal(got[0], 7);
        assert_int_equal(got[taken - 1], 7);
        free(got);
    }
    leave(fd, also_at, 5000);
    zygote_pixels_wipe(&pixels);
    assert_int_equal(resident(fd), stays);
    assert_int_equal(zygote_pixels_lend(&pixels, SIZE), fd);
    holds_nothing(fd);
    zygote_pixels_close(&pixels);
}

static void test_nothing_is_left(void **state)
{
    (void)state;
    cleared(10 << 20, 20 << 20, 10 << 20);
    cleared((1 << 20) + 17, 2 << 20, (1 << 20) + 4096);
    cleared(0, 0, 0);          /* nothing was asked for */
    cleared(40 << 20, 0, 0);   /* more than is kept */
    cleared(SIZE, 1 << 20, 0); /* all */
}

static void test_it_is_seen_where_it_lies(void **state)
{
    (void)state;
    struct zygote_pixels pixels = {.fd = -1};
    for (int i = 0; i < 2; i++) {
        int fd = zygote_pixels_lend(&pixels, SIZE);
        leave(fd, 0, 6 << 20);
        const uint8_t *seen = zygote_pixels_see(&pixels, 6 << 20);
        assert_non_null(seen);
        assert_int_equal(seen[0], 7);
        assert_int_equal(seen[(6 << 20) - 1], 7);
        zygote_pixels_wipe(&pixels);
        assert_int_equal(seen[0], 0);
        assert_int_equal(resident(fd), 6 << 20);
        holds_nothing(fd);
        assert_null(zygote_pixels_see(&pixels, ZYGOTE_PIXELS_KEPT + 1));
    }
    (void)zygote_pixels_lend(&pixels, 4096); /* a file that ends before what is mapped */
    leave(pixels.fd, 0, 4096);
    assert_non_null(zygote_pixels_see(&pixels, 4096));
    assert_null(zygote_pixels_see(&pixels, 4097));
    zygote_pixels_close(&pixels);
}

/* Who forgets to wipe, lends nothing of the one before either. */
static void test_lending_wipes(void **state)
{
    (void)state;
    struct zygote_pixels pixels = {.fd = -1};
    int fd = zygote_pixels_lend(&pixels, SIZE);
    leave(fd, 3 << 20, 9000);
    fd = zygote_pixels_lend(&pixels, SIZE);
    holds_nothing(fd);
    zygote_pixels_close(&pixels);
    assert_int_equal(pixels.fd, -1);
}

static void test_rest_gives_pages_back(void **state)
{
    (void)state;
    struct zygote_pixels pixels = {.fd = -1};
    zygote_pixels_rest(&pixels);
    int fd = zygote_pixels_lend(&pixels, SIZE);
    leave(fd, 0, 4 << 20);
    free(zygote_pixels_take(&pixels, 4 << 20));
    zygote_pixels_wipe(&pixels);
    assert_int_equal(resident(fd), 4 << 20);
    zygote_pixels_rest(&pixels);
    assert_int_equal(resident(fd), 0);
    zygote_pixels_close(&pixels);
}

static void test_a_child_cannot_change_its_size(void **state)
{
    (void)state;
    struct zygote_pixels pixels = {.fd = -1};
    int fd = zygote_pixels_lend(&pixels, SIZE);
    assert_int_equal(ftruncate(fd, 4096), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, (off_t)SIZE + 4096), -1);
    assert_int_equal(errno, EPERM);
    struct stat at;
    fd = zygote_pixels_lend(&pixels, 4096); /* another ceiling: another file */
    assert_int_equal(fstat(fd, &at), 0);
    assert_int_equal(at.st_size, 4096);
    zygote_pixels_close(&pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_it_is_seen_where_it_lies),
        cmocka_unit_test(test_lending_wipes),
        cmocka_unit_test(test_rest_gives_pages_back),
        cmocka_unit_test(test_a_child_cannot_change_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
