/* Each ceiling of the pre-scanner at its edge, and what no ceiling of numbers bounds: elements that
 * are out of order, and zeros behind the dataset. */
#include "codestream.h"
#include "dx_prescan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#define IMPLICIT "1.2.840.10008.1.2"
#define DEFLATED "1.2.840.10008.1.2.1.99"

/* `count` elements of 12 bytes each, rising or falling, then zeros. */
static uint8_t *make(size_t count, bool falling, size_t zeros, size_t *bytes)
{
    *bytes = 12 * count + zeros;
    uint8_t *data = calloc(*bytes, 1);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) {
        size_t tag = 0x00090000u + (falling ? count - i : i);
        uint8_t *p = data + 12 * i;
        p[0] = (uint8_t)(tag >> 16);
        p[1] = (uint8_t)(tag >> 24);
        p[2] = (uint8_t)tag;
        p[3] = (uint8_t)(tag >> 8);
        p[4] = 4;
    }
    return data;
}

static enum dx_status scan_made(size_t count, bool falling, size_t zeros,
                                const struct dx_limits *limits, struct dx_error *err)
{
    size_t bytes;
    struct dx_scan scan;
    uint8_t *data = make(count, falling, zeros, &bytes);
    enum dx_status status = dx_prescan_memory(data, bytes, IMPLICIT, limits, &scan, err);
    free(data);
    return status;
}

static void assert_named(enum dx_status status, bool passes, const char *name,
                         const struct dx_error *err)
{
    char begin[40];
    assert_int_equal(status, passes ? DX_OK : DX_LIMIT);
    (void)snprintf(begin, sizeof begin, "limit %s: ", name);
    if (!passes)
        assert_memory_equal(err->text, begin, strlen(begin));
}

static void counts_at_their_edges(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct dx_limits limits;
        struct dx_error err = {0};
        dx_limits_default(&limits);
        limits.elements = 1000;
        assert_named(scan_made(1000 + more, false, 0, &limits, &err), more == 0, "elements", &err);
        /* Eight zeros are an element to DCMTK. */
        assert_named(scan_made(900, false, 800 + 8 * more, &limits, &err), more == 0, "elements",
                     &err);
        dx_limits_default(&limits);
        limits.dataset_bytes = 12000 - more;
        assert_named(scan_made(1000, false, 0, &limits, &err), more == 0, "datasetBytes", &err);
    }
}

static void inflated_bytes_at_their_edge(void **state)
{
    size_t bytes;
    struct dx_scan scan;
    struct dx_error err = {0};
    struct dx_limits limits;
    uint8_t *data = make(1000, false, 0, &bytes), *packed = malloc(bytes);
    z_stream z = {.next_in = data, .avail_in = (uInt)bytes};
    (void)state;

    /* Explicit VR: each value's length and the VR share the four bytes. */
    for (size_t i = 0; i < 1000; i++)
        memcpy(data + 12 * i + 4, "UL\4\0", 4);
    assert_non_null(packed);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = packed;
    z.avail_out = (uInt)bytes;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    for (size_t more = 0; more < 2; more++) {
        dx_limits_default(&limits);
        limits.inflated_bytes = bytes - more;
        assert_named(dx_prescan_memory(packed, z.total_out, DEFLATED, &limits, &scan, &err),
                     more == 0, "inflatedBytes", &err);
    }
    (void)deflateEnd(&z);
    free(data);
    free(packed);
}

static void nesting_at_its_edge(void **state)
{
    static const uint8_t open[16] = {0x40, 0,    0x30, 0xa7, 0xff, 0xff, 0xff, 0xff,
                                     0xfe, 0xff, 0,    0xe0, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t shut[16] = {0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0,
                                     0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0};
    static const uint32_t settings[] = {1, 2, 64, 255, 256, 1000};
    static uint8_t data[2 * 16 * 300];
    (void)state;

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        for (uint32_t more = 0; more < 2; more++) {
            uint32_t most = settings[i] < 256 ? settings[i] : 256, depth = most + more;
            struct dx_limits limits;
            struct dx_scan scan;
            struct dx_error err = {0};
            dx_limits_default(&limits);
            limits.nesting = settings[i];
            for (uint32_t d = 0; d < depth; d++) {
                memcpy(data + 16 * (size_t)d, open, 16);
                memcpy(data + 16 * (size_t)(depth + d), shut, 16);
            }
            assert_named(
                dx_prescan_memory(data, 32 * (size_t)depth, IMPLICIT, &limits, &scan, &err),
                more == 0, "nesting", &err);
        }
}

/* DCMTK walks back for each of them: the square of their number, were it not bounded. */
static void disorder_is_bounded(void **state)
{
    struct dx_limits limits;
    struct dx_error err = {0};
    (void)state;
    dx_limits_default(&limits);
    assert_named(scan_made(10000, true, 0, &limits, &err), true, "elements", &err);
    assert_named(scan_made(20000, true, 0, &limits, &err), false, "elements", &err);
    assert_named(scan_made(500000, false, 0, &limits, &err), true, "elements", &err);
    assert_named(scan_made(200, false, 65536, &limits, &err), true, "elements", &err);
    assert_named(scan_made(2000, false, 1u << 20, &limits, &err), false, "elements", &err);
}

/* A decoder's arithmetic, in bits. */
static void pixels_at_their_edges(void **state)
{
    static const struct {
        uint16_t rows, cols, samples, bits;
        const char *over; /* NULL: passes */
    } cases[] = {
        {100, 100, 1, 16, NULL},         {100, 101, 1, 16, "framePixels"},
        {100, 100, 3, 16, "frameBytes"}, {100, 100, 2, 16, NULL},
        {100, 100, 2, 17, "frameBytes"}, {1, 10000, 4, 8, NULL},
        {1, 10001, 1, 1, "framePixels"}, {65535, 65535, 1, 8, "framePixels"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dx_limits limits;
        struct dx_error err = {0};
        size_t bytes;
        dx_limits_default(&limits);
        limits.frame_pixels = 10000;
        limits.frame_bytes = 40000;
        assert_named(dx_check_area(cases[i].rows, cases[i].cols, cases[i].samples, cases[i].bits,
                                   &limits, &bytes, &err),
                     cases[i].over == NULL, cases[i].over, &err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_at_their_edges), cmocka_unit_test(inflated_bytes_at_their_edge),
        cmocka_unit_test(nesting_at_its_edge),   cmocka_unit_test(disorder_is_bounded),
        cmocka_unit_test(pixels_at_their_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
