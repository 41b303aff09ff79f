/* The pre-scanner over a file whose digest is known: what it skips it does not read. */
#include "dx_prescan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PIXELS ((off_t)3 << 30)

/* Preamble, meta group, SOP Instance UID, and a hole of 3 GiB, less the `cut`, for the pixels. */
static int large_file(off_t cut)
{
    static const char head[] = "DICM"
                               "\x02\x00\x10\x00UI\x14\x00"
                               "1.2.840.10008.1.2.1\x00"
                               "\x08\x00\x18\x00UI\x06\x00"
                               "1.2.34"
                               "\xe0\x7f\x10\x00OW\x00\x00\x00\x00\x00\xc0";
    int fd = memfd_create("prescan", MFD_CLOEXEC);
    const off_t count = sizeof head - 1;
    assert_int_equal(pwrite(fd, head, sizeof head - 1, 128), count);
    assert_int_equal(ftruncate(fd, 128 + count + PIXELS - cut), 0);
    return fd;
}

static enum dx_status scan(off_t cut, uint64_t limit, struct dx_scan *found)
{
    struct dx_limits limits;
    struct dx_error err = {0};
    char syntax[DX_UID_MAX];
    dx_limits_default(&limits);
    limits.dataset_bytes = limit;
    int fd = large_file(cut);
    enum dx_status status = dx_prescan_digested(fd, "abc", &limits, syntax, found, &err);
    close(fd);
    return status;
}

static void what_is_digested_is_not_read_again(void **state)
{
    struct dx_scan found;
    clock_t begin = clock();
    (void)state;
    assert_int_equal(scan(0, UINT64_C(4) << 30, &found), DX_OK);
    assert_true(clock() - begin < CLOCKS_PER_SEC / 10); /* reading takes seconds */
    assert_string_equal(found.digest, "abc");
    assert_string_equal(found.sop_instance, "1.2.34");
    assert_int_equal(found.dataset_bytes, PIXELS + 26);
    assert_true(found.has_pixel_data);
}

static void its_end_and_size_are_checked(void **state)
{
    struct dx_scan found;
    (void)state;
    assert_int_equal(scan(1, UINT64_C(4) << 30, &found), DX_MALFORMED);
    assert_int_equal(scan(0, (uint64_t)PIXELS, &found), DX_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_digested_is_not_read_again),
        cmocka_unit_test(its_end_and_size_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
