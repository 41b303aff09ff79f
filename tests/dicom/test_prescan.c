/* The pre-scanner: what is well-formed passes, what lies or nests is refused in linear time. */
#include "dx_prescan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "dataset_writer.h"

#define IMPLICIT "1.2.840.10008.1.2"
#define EXPLICIT "1.2.840.10008.1.2.1"
#define BIG      "1.2.840.10008.1.2.2"
#define DEFLATED "1.2.840.10008.1.2.1.99"
#define JPEG     "1.2.840.10008.1.2.4.50"

static enum dx_status scan(struct bytes *dataset, const char *syntax, struct dx_scan *found)
{
    struct dx_limits limits;
    struct dx_error err = {0};

    dx_limits_default(&limits);
    /* An exact copy: the sanitizer sees a read past the end. */
    uint8_t *copy = malloc(dataset->count > 0 ? dataset->count : 1);
    if (dataset->count > 0)
        memcpy(copy, dataset->data, dataset->count);
    enum dx_status status = dx_prescan_memory(copy, dataset->count, syntax, &limits, found, &err);
    free(copy);
    return status;
}

static enum dx_status scan_and_free(struct bytes *dataset, const char *syntax)
{
    struct dx_scan found;
    enum dx_status status = scan(dataset, syntax, &found);
    free(dataset->data);
    memset(dataset, 0, sizeof *dataset);
    return status;
}

static void identity(struct bytes *to)
{
    explicit_short(to, 0x0008, 0x0005, "CS", "ISO_IR 100");
    explicit_short(to, 0x0008, 0x0016, "UI", "1.2.840.10008.5.1.4.1.1.7\0");
    explicit_short(to, 0x0008, 0x0018, "UI", "1.2.34");
    explicit_short(to, 0x0008, 0x0060, "CS", "DX");
    explicit_short(to, 0x0010, 0x0020, "LO", "ID 1 ");
    explicit_short(to, 0x0010, 0x0021, "LO", "HERE");
    explicit_short(to, 0x0020, 0x000d, "UI", "1.2.3.4 ");
    explicit_short(to, 0x0028, 0x0008, "IS", "12");
    explicit_short(to, 0x0028, 0x0010, "US", "\x02\x01");
}

static void attributes_are_collected(void **state)
{
    struct bytes d = {0};
    struct dx_scan found;
    (void)state;

    identity(&d);
    explicit_long(&d, 0x7fe0, 0x0010, "OW", 4);
    add32(&d, 0);
    assert_int_equal(scan(&d, EXPLICIT, &found), DX_OK);
    assert_string_equal(found.sop_class, "1.2.840.10008.5.1.4.1.1.7");
    assert_string_equal(found.sop_instance, "1.2.34");
    assert_string_equal(found.study, "1.2.3.4");
    assert_string_equal(found.series, "");
    assert_string_equal(found.modality, "DX");
    assert_string_equal(found.patient_id, "ID 1");
    assert_string_equal(found.issuer, "HERE");
    assert_string_equal(found.character_set, "ISO_IR 100");
    assert_false(found.cut);
    assert_int_equal(found.rows, 0x0102);
    assert_int_equal(found.frames, 12);
    assert_true(found.has_pixel_data);
    assert_int_equal(found.elements, 10);
    assert_int_equal(found.dataset_bytes, d.count);
    assert_int_equal(strlen(found.digest), 64);
    free(d.data);
}

/* What is not known whole is said not to be known. */
static void a_text_that_is_too_long_is_told(void **state)
{
    static const struct {
        uint16_t group, element, length;
        bool cut;
    } cases[] = {{0x0008, 0x0060, 16, false},  {0x0008, 0x0060, 18, true},
                 {0x0010, 0x0020, 256, false}, {0x0010, 0x0020, 258, true},
                 {0x0010, 0x0021, 300, true},  {0x0008, 0x0005, 300, true}};
    char text[301];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes d = {0};
        struct dx_scan found;
        memset(text, 'A', sizeof text);
        text[cases[i].length] = 0;
        explicit_short(&d, cases[i].group, cases[i].element, "LO", text);
        assert_int_equal(scan(&d, EXPLICIT, &found), DX_OK);
        assert_int_equal(found.cut, cases[i].cut);
        free(d.data);
    }
}

/* Attributes inside sequences are another object's; the first of two equal tags counts. */
static void only_the_main_dataset_counts(void **state)
{
    struct bytes d = {0};
    struct dx_scan found;
    (void)state;

    explicit_long(&d, 0x0008, 0x1115, "SQ", ALL);
    implicit(&d, 0xfffe, 0xe000, ALL);
    explicit_short(&d, 0x0008, 0x0018, "UI", "9.9.99");
    implicit(&d, 0xfffe, 0xe00d, 0);
    implicit(&d, 0xfffe, 0xe0dd, 0);
    explicit_short(&d, 0x0008, 0x0018, "UI", "1.2.34");
    explicit_short(&d, 0x0008, 0x0018, "UI", "1.2.35");
    assert_int_equal(scan(&d, EXPLICIT, &found), DX_OK);
    assert_string_equal(found.sop_instance, "1.2.34");
    assert_int_equal(found.nesting, 1);
    free(d.data);
}

static void nest(struct bytes *d, const char *syntax, unsigned depth, bool is_closed)
{
    for (unsigned i = 0; i < depth; i++) {
        if (strcmp(syntax, IMPLICIT) == 0)
            implicit(d, 0x0040, 0xa730, ALL);
        else
            explicit_long(d, 0x0040, 0xa730, "SQ", ALL);
        implicit(d, 0xfffe, 0xe000, ALL);
    }
    for (unsigned i = 0; is_closed && i < depth; i++) {
        implicit(d, 0xfffe, 0xe00d, 0);
        implicit(d, 0xfffe, 0xe0dd, 0);
    }
}

static void nesting_has_a_limit(void **state)
{
    static const char *const syntaxes[] = {IMPLICIT, EXPLICIT};
    struct bytes d = {0};
    (void)state;

    for (int i = 0; i < 2; i++) {
        nest(&d, syntaxes[i], 64, true);
        assert_int_equal(scan_and_free(&d, syntaxes[i]), DX_OK);
        nest(&d, syntaxes[i], 65, true);
        assert_int_equal(scan_and_free(&d, syntaxes[i]), DX_LIMIT);
        nest(&d, syntaxes[i], 64, false);
        assert_int_equal(scan_and_free(&d, syntaxes[i]), DX_MALFORMED);
    }
}

/* Sequences of defined length that only a dictionary would know. */
static void implicit_defined_lengths_nest_too(void **state)
{
    struct bytes d = {0};
    (void)state;

    for (unsigned levels = 64; levels <= 65; levels++) {
        for (unsigned i = 0; i < levels; i++) {
            uint32_t inner = (levels - i - 1) * 16;
            implicit(&d, 0x0040, 0xa730, inner + 8);
            implicit(&d, 0xfffe, 0xe000, inner);
        }
        assert_int_equal(scan_and_free(&d, IMPLICIT), levels == 64 ? DX_OK : DX_LIMIT);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void hostile_bytes_take_linear_time(void **state)
{
    struct bytes d = {0};
    (void)state;

    nest(&d, EXPLICIT, 1000000, false);
    double begin = seconds(), megabytes = (double)d.count / 1e6;
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_LIMIT);
    /* Guesses that fail one after the other: a private value that looks like a sequence. */
    for (int i = 0; i < 300000; i++) {
        implicit(&d, 0x0041, 0x1001, 16);
        implicit(&d, 0xfffe, 0xe000, 8);
        implicit(&d, 0x0008, 0x0005, 12345);
    }
    megabytes += (double)d.count / 1e6;
    assert_int_equal(scan_and_free(&d, IMPLICIT), DX_OK);
    double took = (seconds() - begin) * 1000 / megabytes;
    const char *slow = getenv("CERVIGATE_SLOW"); /* scripts/sanitize: how many times */
    print_message("%.2f ms a megabyte\n", took);
    assert_true(took < 100 * (slow ? atof(slow) : 1));
}

static void lengths_that_lie_are_refused(void **state)
{
    struct bytes d = {0};
    (void)state;

    explicit_long(&d, 0x7fe0, 0x0010, "OW", 0xfffffffeu);
    add32(&d, 0);
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED);
    implicit(&d, 0x0010, 0x0010, 5);
    add32(&d, 0);
    assert_int_equal(scan_and_free(&d, IMPLICIT), DX_MALFORMED);
    /* An element longer than its item, an item longer than its sequence. */
    explicit_long(&d, 0x0008, 0x1115, "SQ", 16);
    implicit(&d, 0xfffe, 0xe000, 8);
    explicit_short(&d, 0x0008, 0x0018, "UI", "1.2.34");
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED);
    explicit_long(&d, 0x0008, 0x1115, "SQ", 8);
    implicit(&d, 0xfffe, 0xe000, 14);
    explicit_short(&d, 0x0008, 0x0018, "UI", "1.2.34");
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED);
    /* A header across the end of its defined container, inside an undefined item. */
    explicit_long(&d, 0x0008, 0x1115, "SQ", 12);
    implicit(&d, 0xfffe, 0xe000, ALL);
    add32(&d, 0x00180008);
    explicit_short(&d, 0x0008, 0x0018, "UI", "1.2.34");
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED);
}

static void structure_is_checked(void **state)
{
    struct bytes d = {0};
    (void)state;

    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED); /* empty */
    implicit(&d, 0xfffe, 0xe00d, 0);                             /* closes nothing */
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED);
    explicit_long(&d, 0x0008, 0x1115, "SQ", ALL); /* no item in a sequence */
    explicit_short(&d, 0x0008, 0x0018, "UI", "1.2.34");
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED);
    explicit_long(&d, 0x0008, 0x1115, "UT", ALL); /* undefined length of a text */
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED);
    explicit_short(&d, 0x0008, 0x0018, "UI",
                   "1.2.3456789012345678901234567890123456789012345678901234567890123");
    add(&d, "1", 1); /* an odd rest */
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_MALFORMED);
    explicit_short(&d, 0x0008, 0x0018, "UI", "1.2.34"); /* zeros after the dataset: padding */
    for (int i = 0; i < 5000; i++)
        add(&d, "\0\0\0", 3);
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_OK);
}

static void fragments(struct bytes *d, uint32_t last_length)
{
    explicit_long(d, 0x7fe0, 0x0010, "OB", ALL);
    implicit(d, 0xfffe, 0xe000, 0);
    implicit(d, 0xfffe, 0xe000, 4);
    add32(d, 0xd9ffd8ffu);
    implicit(d, 0xfffe, 0xe000, last_length);
    add32(d, 0xd9ffd8ffu);
}

static void encapsulated_fragments(void **state)
{
    struct bytes d = {0};
    (void)state;

    fragments(&d, 4);
    implicit(&d, 0xfffe, 0xe0dd, 0);
    assert_int_equal(scan_and_free(&d, JPEG), DX_OK);
    fragments(&d, 400); /* lies */
    assert_int_equal(scan_and_free(&d, JPEG), DX_MALFORMED);
    fragments(&d, 4); /* no delimiter */
    assert_int_equal(scan_and_free(&d, JPEG), DX_MALFORMED);
    fragments(&d, ALL); /* undefined */
    assert_int_equal(scan_and_free(&d, JPEG), DX_MALFORMED);
}

/* UN of undefined length holds implicit items (PS3.5 6.2.2). */
static void unknown_vr_holds_implicit_items(void **state)
{
    struct bytes d = {0};
    (void)state;

    explicit_long(&d, 0x0041, 0x1001, "UN", ALL);
    implicit(&d, 0xfffe, 0xe000, ALL);
    implicit(&d, 0x0041, 0x0010, 4);
    add32(&d, 0);
    implicit(&d, 0xfffe, 0xe00d, 0);
    implicit(&d, 0xfffe, 0xe0dd, 0);
    explicit_short(&d, 0x0041, 0x1002, "LO", "ab");
    assert_int_equal(scan_and_free(&d, EXPLICIT), DX_OK);
}

static void big_endian(void **state)
{
    static const uint8_t d[] = {0x00, 0x08, 0x00, 0x18, 'U',  'I',  0x00, 0x06, '1', '.',
                                '2',  '.',  '3',  '4',  0x00, 0x28, 0x00, 0x10, 'U', 'S',
                                0,    2,    0x01, 0x02, 0x7f, 0xe0, 0x00, 0x10, 'O', 'W',
                                0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xab, 0xcd};
    struct dx_limits limits;
    struct dx_scan found;
    struct dx_error err;
    (void)state;

    dx_limits_default(&limits);
    assert_int_equal(dx_prescan_memory(d, sizeof d, BIG, &limits, &found, &err), DX_OK);
    assert_int_equal(found.rows, 0x0102);
    assert_string_equal(found.sop_instance, "1.2.34");
}

static void deflate_bytes(const struct bytes *from, struct bytes *to)
{
    z_stream z = {0};
    to->room = from->count / 2 + 4096;
    to->data = malloc(to->room);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = from->data;
    z.avail_in = (uInt)from->count;
    z.next_out = to->data;
    z.avail_out = (uInt)to->room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    to->count = to->room - z.avail_out;
    (void)deflateEnd(&z);
}

static void deflated_datasets(void **state)
{
    struct bytes d = {0}, z = {0};
    struct dx_limits limits;
    struct dx_scan found;
    struct dx_error err;
    (void)state;

    identity(&d);
    explicit_long(&d, 0x7fe0, 0x0010, "OW", 8000000);
    for (int i = 0; i < 1000000; i++)
        add(&d, "\0\0\0\0\0\0\0", 8);
    deflate_bytes(&d, &z);
    add(&z, "\0", 1); /* padded to even */
    assert_int_equal(scan(&z, DEFLATED, &found), DX_OK);
    assert_int_equal(found.dataset_bytes, z.count);
    assert_string_equal(found.sop_instance, "1.2.34");

    /* A bomb: the limit is on what comes out. */
    dx_limits_default(&limits);
    limits.inflated_bytes = 1000000;
    assert_true(z.count < 20000);
    assert_int_equal(dx_prescan_memory(z.data, z.count, DEFLATED, &limits, &found, &err), DX_LIMIT);
    z.count /= 2;
    assert_int_equal(scan(&z, DEFLATED, &found), DX_MALFORMED);
    memset(z.data, 0xff, z.count);
    assert_int_equal(scan(&z, DEFLATED, &found), DX_MALFORMED);
    free(d.data);
    free(z.data);
}

static void limits_are_kept(void **state)
{
    struct bytes d = {0};
    struct dx_limits limits;
    struct dx_scan found;
    struct dx_error err;
    (void)state;

    identity(&d);
    dx_limits_default(&limits);
    limits.elements = 8;
    assert_int_equal(dx_prescan_memory(d.data, d.count, EXPLICIT, &limits, &found, &err), DX_LIMIT);
    limits.elements = 9;
    assert_int_equal(dx_prescan_memory(d.data, d.count, EXPLICIT, &limits, &found, &err), DX_OK);
    limits.dataset_bytes = d.count - 1;
    assert_int_equal(dx_prescan_memory(d.data, d.count, EXPLICIT, &limits, &found, &err), DX_LIMIT);
    limits.nesting = 1000; /* the stack's own limit stays */
    limits.dataset_bytes = 1u << 30;
    free(d.data);
    memset(&d, 0, sizeof d);
    nest(&d, EXPLICIT, 257, true);
    limits.elements = 1000;
    assert_int_equal(dx_prescan_memory(d.data, d.count, EXPLICIT, &limits, &found, &err), DX_LIMIT);
    free(d.data);
}

static void files_that_cannot_be_read(void **state)
{
    struct dx_limits limits;
    struct dx_scan found;
    struct dx_error err;
    char syntax[DX_UID_MAX];
    (void)state;

    dx_limits_default(&limits);
    assert_int_equal(dx_prescan_file(-1, &limits, syntax, &found, &err), DX_IO);
    int fd = open("/dev/null", O_RDONLY);
    assert_int_equal(dx_prescan_file(fd, &limits, syntax, &found, &err), DX_INVALID);
    close(fd);
}

/* A dataset that goes on with a meta group of its own could name another transfer syntax. */
static void a_second_meta_group_is_refused(void **state)
{
    struct dx_limits limits;
    struct dx_scan found;
    struct dx_error err;
    char syntax[DX_UID_MAX];
    struct bytes file = {0};
    (void)state;

    dx_limits_default(&limits);
    uint8_t preamble[132] = {0};
    memcpy(preamble + 128, "DICM", 4);
    add(&file, preamble, sizeof preamble);
    for (int i = 0; i < 2; i++)
        explicit_short(&file, 0x0002, 0x0010, "UI", DEFLATED);
    int fd = memfd_create("prescan", MFD_CLOEXEC);
    assert_int_equal(write(fd, file.data, file.count), (ssize_t)file.count);
    assert_int_equal(dx_prescan_file(fd, &limits, syntax, &found, &err), DX_MALFORMED);
    assert_non_null(strstr(err.text, "(0002,0010)"));
    close(fd);
    free(file.data);
}

/* As the whole scan, but for the digest that it does not take. */
static void the_structure_alone(void **state)
{
    struct dx_limits limits;
    struct dx_scan whole, found;
    struct dx_error err;
    char syntax[DX_UID_MAX];
    struct bytes file = {0};
    (void)state;
    dx_limits_default(&limits);
    add(&file, (uint8_t[132]){[128] = 'D', 'I', 'C', 'M'}, 132);
    explicit_short(&file, 0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1");
    explicit_short(&file, 0x0008, 0x0018, "UI", "1.2.3");
    int fd = memfd_create("prescan", MFD_CLOEXEC);
    assert_int_equal(write(fd, file.data, file.count), (ssize_t)file.count);
    assert_int_equal(dx_prescan_file(fd, &limits, syntax, &whole, &err), DX_OK);
    assert_int_equal(strlen(whole.digest), 64);
    assert_int_equal(dx_prescan_structure(fd, &limits, syntax, &found, &err), DX_OK);
    assert_string_equal(found.digest, "");
    memcpy(found.digest, whole.digest, sizeof found.digest);
    assert_memory_equal(&found, &whole, sizeof found);
    assert_int_equal(ftruncate(fd, (off_t)file.count - 3), 0);
    assert_int_equal(dx_prescan_structure(fd, &limits, syntax, &found, &err), DX_MALFORMED);
    close(fd);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_meta_group_is_refused),
        cmocka_unit_test(the_structure_alone),
        cmocka_unit_test(attributes_are_collected),
        cmocka_unit_test(a_text_that_is_too_long_is_told),
        cmocka_unit_test(only_the_main_dataset_counts),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(implicit_defined_lengths_nest_too),
        cmocka_unit_test(hostile_bytes_take_linear_time),
        cmocka_unit_test(lengths_that_lie_are_refused),
        cmocka_unit_test(structure_is_checked),
        cmocka_unit_test(encapsulated_fragments),
        cmocka_unit_test(unknown_vr_holds_implicit_items),
        cmocka_unit_test(big_endian),
        cmocka_unit_test(deflated_datasets),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
