/* The object child: good objects come through exactly; whatever a hostile one makes it do, it dies
 * alone, what was learnt before is kept, and the next object is served. */
#include "clock.h"
#include "dx_init.h"
#include "dx_result.h"
#include "zygote.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINED 0 /* no seccomp, no RLIMIT_AS */
#else
#define CONFINED 1
#endif

enum { ROWS = 48, COLS = 64 };
static char path[] = "/tmp/scp-object-XXXXXX";
static struct object_limits limits = {
    .dx = {.nesting = 64,
           .elements = 100000,
           .dataset_bytes = 1u << 20,
           .inflated_bytes = 1u << 20,
           .frame_pixels = ROWS * COLS,
           .frame_bytes = 1u << 20,
           .frames = 10},
    .memory_bytes = 1ull << 30,
    .cpu_seconds = 1,
    .wall_seconds = 2,
};

static uint16_t level(int i)
{
    return (uint16_t)((i * 37 % 4096) << 4);
}

static int write_image(void **state)
{
    (void)state;
    static uint16_t pixels[ROWS * COLS];
    struct dx_error err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (int i = 0; i < ROWS * COLS; i++)
        pixels[i] = level(i);
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", "ID-7"), DX_OK);
    const struct dx_synthetic image = {.attrs = attrs,
                                       .sop_instance = "1.2.3.1",
                                       .series = "1.2.3.2",
                                       .study = "1.2.3.3",
                                       .rows = ROWS,
                                       .cols = COLS,
                                       .pixels = pixels,
                                       .mm_per_pixel = 0.2};
    assert_int_equal(dx_synthetic_write(&image, path, &err), DX_OK);
    dx_attrs_destroy(attrs);
    return 0;
}

static int remove_image(void **state)
{
    (void)state;
    return unlink(path);
}

/* A zygote whose children misbehave as `fault` says. */
static struct zygote *start(const char *fault)
{
    if (fault)
        setenv("CERVIGATE_OBJECT_FAULT", fault, 1);
    else
        unsetenv("CERVIGATE_OBJECT_FAULT");
    struct zygote *zygote = zygote_start();
    assert_non_null(zygote);
    unsetenv("CERVIGATE_OBJECT_FAULT");
    return zygote;
}

static enum zygote_end open_file(struct zygote *zygote, const char *file,
                                 struct zygote_object *object)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    enum zygote_end end = zygote_open(zygote, fd, &limits, NULL, object);
    close(fd);
    return end;
}

static void comes_through(struct zygote *zygote)
{
    struct zygote_object object;
    struct dx_grey grey;
    assert_int_equal(open_file(zygote, path, &object), ZYGOTE_OK);
    assert_true(object.scanned);
    assert_string_equal(object.scan.study, "1.2.3.3");
    assert_string_equal(dx_attrs_text(object.attrs, DX_TAG(0x0010, 0x0020)), "ID-7");
    assert_true(object.has_image);
    assert_int_equal(object.image.rows, ROWS);
    assert_int_equal(zygote_decode(&object, 0, &grey), ZYGOTE_OK);
    assert_int_equal(grey.rows, ROWS);
    assert_int_equal(grey.cols, COLS);
    for (int i = 0; i < ROWS * COLS; i++)
        assert_true(abs((int)grey.pixels[i] - (int)level(i)) <= 16);
    assert_in_range(object.peak_kib, 1024, 256 << 10);
    dx_grey_finish(&grey);
    zygote_close(&object);
}

static void test_a_good_object_comes_through(void **state)
{
    (void)state;
    struct zygote *zygote = start(NULL);
    for (int i = 0; i < 3; i++)
        comes_through(zygote);
    limits.ahead = true; /* the same, decoded before it was asked for */
    for (int i = 0; i < 3; i++)
        comes_through(zygote);
    limits.ahead = false;
    zygote_stop(zygote);
}

/* The digest is of the dataset, wherever it begins: behind a meta group that tells its length,
 * behind one that does not, or at once; on one thread or two. */
static void test_the_dataset_is_digested(void **state)
{
    (void)state;
    uint8_t head[144], *bytes = malloc(1 << 20);
    char expected[DX_DIGEST_MAX], other[64] = "/tmp/cervigate-object-XXXXXX";
    struct dx_error err;
    struct zygote *zygote = start(NULL);
    struct nn_pool *pool = nn_pool_create(2);
    int from = open(path, O_RDONLY | O_CLOEXEC), to = mkstemp(other);
    ssize_t count = pread(from, bytes, 1 << 20, 0);
    assert_true(count > 144 && count < 1 << 20);
    memcpy(head, bytes, sizeof head);
    uint64_t offset = 144 + ((uint64_t)head[140] | (uint64_t)head[141] << 8);
    assert_int_equal(dx_digest_file(path, offset, expected, &err), DX_OK);
    for (int form = 0; form < 3; form++) {
        assert_int_equal(ftruncate(to, 0), 0);
        assert_int_equal(lseek(to, 0, SEEK_SET), 0);
        if (form < 2) /* 1: without (0002,0000) */
            assert_int_equal(write(to, bytes, form == 0 ? 144 : 132), form == 0 ? 144 : 132);
        const uint8_t *rest = bytes + (form < 2 ? 144 : offset);
        assert_int_equal(write(to, rest, (size_t)(bytes + count - rest)), bytes + count - rest);
        for (int threads = 0; threads < 2; threads++) {
            struct zygote_object object;
            assert_int_equal(zygote_open(zygote, to, &limits, threads ? pool : NULL, &object),
                             ZYGOTE_OK);
            assert_string_equal(object.scan.digest, expected);
            zygote_close(&object);
        }
    }
    nn_pool_destroy(pool);
    zygote_stop(zygote);
    close(from);
    close(to);
    unlink(other);
    free(bytes);
}

static void test_an_object_may_be_left_undecoded(void **state)
{
    (void)state;
    struct zygote_object object;
    struct zygote *zygote = start(NULL);
    assert_int_equal(open_file(zygote, path, &object), ZYGOTE_OK);
    zygote_close(&object);
    comes_through(zygote);
    zygote_stop(zygote);
}

static void test_a_missing_frame_is_refused(void **state)
{
    (void)state;
    struct zygote_object object;
    struct dx_grey grey;
    struct zygote *zygote = start(NULL);
    assert_int_equal(open_file(zygote, path, &object), ZYGOTE_OK);
    assert_int_equal(zygote_decode(&object, 7, &grey), ZYGOTE_REFUSED);
    assert_true(object.text[0] != 0);
    zygote_close(&object);
    comes_through(zygote);
    zygote_stop(zygote);
}

static void test_what_is_no_dicom_is_refused(void **state)
{
    (void)state;
    struct zygote_object object;
    struct zygote *zygote = start(NULL);
    assert_int_equal(open_file(zygote, "/proc/self/exe", &object), ZYGOTE_REFUSED);
    assert_int_not_equal(object.refusal, DX_OK);
    assert_true(object.text[0] != 0);
    zygote_close(&object);
    comes_through(zygote);
    zygote_stop(zygote);
}

/* Dies before parsing: what the pre-scanner learnt is known. */
static void dies_parsing(const char *fault, const char *words)
{
    struct zygote_object object;
    struct zygote *zygote = start(fault);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_file(zygote, path, &object), ZYGOTE_DIED);
        if (!strstr(object.text, words))
            fail_msg("%s: \"%s\" lacks \"%s\"", fault, object.text, words);
        assert_true(object.scanned);
        assert_null(object.attrs);
        zygote_close(&object);
    }
    zygote_stop(zygote);
}

static void test_a_system_call_that_is_forbidden_kills(void **state)
{
    (void)state;
    if (!CONFINED)
        skip();
    dies_parsing("open", "forbidden system call");
    dies_parsing("fork", "forbidden system call");
}

static void test_memory_is_limited(void **state)
{
    (void)state;
    if (!CONFINED)
        skip();
    struct object_limits usual = limits;
    limits.cpu_seconds = limits.wall_seconds =
        60; /* some machines take a second for a gigabyte's pages */
    dies_parsing("memory", "memory");
    limits = usual;
}

static void test_a_crash_is_survived(void **state)
{
    (void)state;
    dies_parsing("crash", "signal 6");
}

static void test_processor_time_is_limited(void **state)
{
    (void)state;
    int wall_seconds = limits.wall_seconds;
    limits.wall_seconds = 60; /* a busy machine gives the child its second of processor late */
    dies_parsing("spin", "time");
    limits.wall_seconds = wall_seconds;
}

static void test_wall_time_is_limited(void **state)
{
    (void)state;
    dies_parsing("sleep", "too long");
}

static void dies_decoding(const char *fault, bool ahead)
{
    struct zygote_object object;
    struct dx_grey grey;
    struct zygote *zygote = start(fault);
    limits.ahead = ahead;
    assert_int_equal(open_file(zygote, path, &object), ZYGOTE_OK);
    limits.ahead = false;
    assert_int_equal(zygote_decode(&object, 0, &grey), ZYGOTE_DIED);
    assert_null(grey.pixels);
    assert_string_equal(dx_attrs_text(object.attrs, DX_TAG(0x0010, 0x0020)), "ID-7");
    zygote_close(&object);
    zygote_stop(zygote);
}

static void test_death_while_decoding_leaves_the_attributes(void **state)
{
    (void)state;
    dies_decoding("crash:decode", false);
    dies_decoding("crash:decode", true);
    dies_decoding("crash:ahead", true);
}

/* Nobody asks for what was decoded ahead: no more than another end of the conversation. */
static void test_what_was_decoded_ahead_may_be_left(void **state)
{
    (void)state;
    struct zygote_object object;
    struct zygote *zygote = start(NULL);
    for (int i = 0; i < 3; i++) {
        limits.ahead = true;
        assert_int_equal(open_file(zygote, path, &object), ZYGOTE_OK);
        limits.ahead = false;
        zygote_close(&object);
        comes_through(zygote);
    }
    zygote_stop(zygote);

    zygote = start("spin:ahead"); /* at its frame still: nobody waits for it */
    struct object_limits usual = limits;
    int64_t begin = clock_monotonic_ms();
    limits.cpu_seconds = limits.wall_seconds = 60;
    limits.ahead = true;
    assert_int_equal(open_file(zygote, path, &object), ZYGOTE_OK);
    zygote_close(&object);
    assert_true(clock_monotonic_ms() - begin < 30000);
    limits = usual;
    zygote_stop(zygote);
}

static void test_a_frame_above_the_ceiling_is_refused(void **state)
{
    (void)state;
    struct zygote_object object;
    struct dx_grey grey = {0};
    struct object_limits small = limits;
    small.dx.frame_pixels = ROWS * COLS - 1;
    struct zygote *zygote = start(NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (int ahead = 0; ahead < 2; ahead++) {
        small.ahead = ahead == 1;
        enum zygote_end end = zygote_open(zygote, fd, &small, NULL, &object);
        if (end == ZYGOTE_OK)
            end = zygote_decode(&object, 0, &grey);
        assert_int_equal(end, ZYGOTE_REFUSED);
        assert_int_equal(object.refusal, DX_LIMIT);
        zygote_close(&object);
    }
    close(fd);
    zygote_stop(zygote);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_object_comes_through),
        cmocka_unit_test(test_the_dataset_is_digested),
        cmocka_unit_test(test_an_object_may_be_left_undecoded),
        cmocka_unit_test(test_a_missing_frame_is_refused),
        cmocka_unit_test(test_what_is_no_dicom_is_refused),
        cmocka_unit_test(test_a_system_call_that_is_forbidden_kills),
        cmocka_unit_test(test_memory_is_limited),
        cmocka_unit_test(test_a_crash_is_survived),
        cmocka_unit_test(test_processor_time_is_limited),
        cmocka_unit_test(test_wall_time_is_limited),
        cmocka_unit_test(test_death_while_decoding_leaves_the_attributes),
        cmocka_unit_test(test_what_was_decoded_ahead_may_be_left),
        cmocka_unit_test(test_a_frame_above_the_ceiling_is_refused),
    };
    struct dx_error err;
    signal(SIGPIPE, SIG_IGN);
    if (dx_init(NULL, NULL, &err) != DX_OK)
        return 1;
    return cmocka_run_group_tests(tests, write_image, remove_image);
}
