/* safetensors: what is written is read; everything that lies is refused, by name. */
#include "weights/weights_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][128];
    static unsigned next;
    char *to = path[next++ % 4];
    snprintf(to, sizeof path[0], "%s/%s", dir, name);
    return to;
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/nn_weights.XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
    (void)state;
    const char *names[] = {"a", "b", "half", "fifo"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_dir(names[i]));
    return rmdir(dir);
}

/* A file in memory: header text plus `data` bytes counting up. */
struct file {
    unsigned char *bytes;
    size_t size;
};

static struct file file_of(const char *header, size_t data)
{
    size_t length = strlen(header);
    struct file file = {malloc(8 + length + data), 8 + length + data};
    assert_non_null(file.bytes);
    for (int i = 0; i < 8; i++)
        file.bytes[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(file.bytes + 8, header, length);
    for (size_t i = 0; i < data; i++)
        file.bytes[8 + length + i] = (unsigned char)(i % 64);
    return file;
}

static void refused(const char *header, size_t data, enum nn_status status, const char *word)
{
    struct nn_error err = {0};
    struct nn_weights *weights;
    struct file file = file_of(header, data);
    assert_int_equal(nn_weights_open_memory(file.bytes, file.size, "the-file", &weights, &err),
                     status);
    assert_null(weights);
    if (strstr(err.text, word) == NULL || strstr(err.text, "the-file") == NULL)
        fail_msg("\"%s\" does not say %s", err.text, word);
    free(file.bytes);
}

#define T(dtype, shape, from, to)                                                                  \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void lying_headers(void **state)
{
    (void)state;
    refused("{\"w\":" T("F32", "[2]", "0", "8") "}", 7, NN_BAD_DATA, "w");
    refused("{\"w\":" T("F32", "[2]", "0", "12") "}", 12, NN_BAD_DATA, "w");
    refused("{\"w\":" T("F32", "[2]", "8", "0") "}", 12, NN_BAD_DATA, "w");
    refused("{\"w\":" T("F32", "[2]", "4", "12") "}", 8, NN_BAD_DATA, "w");
    refused("{\"w\":" T("F32", "[4294967296,4294967296]", "0", "0") "}", 0, NN_BAD_DATA, "w");
    refused("{\"w\":" T("F32", "[4611686018427387905]", "0", "4") "}", 8, NN_BAD_DATA, "w");
    refused("{\"w\":" T("F32", "[2]", "0", "99999999999999999999") "}", 8, NN_BAD_DATA, "large");
    refused("{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "4", "12") "}", 12,
            NN_BAD_DATA, "overlap");
    refused("{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "0", "8") "}", 8,
            NN_BAD_DATA, "overlap");
    refused("{\"a\":" T("F32", "[1]", "0", "4") ",\"a\":" T("F32", "[1]", "4", "8") "}", 8,
            NN_BAD_DATA, "a is there twice");
    refused("{\"w\":" T("BF16", "[2]", "0", "4") "}", 4, NN_UNSUPPORTED, "w: dtype BF16");
    refused("{\"w\":" T("I64", "[1]", "0", "8") "}", 8, NN_UNSUPPORTED, "w");
    refused("{\"w\":" T("NINEBYTES", "[1]", "0", "8") "}", 8, NN_BAD_DATA, "dtype");
    refused("{\"w\":" T("", "[1]", "0", "8") "}", 8, NN_BAD_DATA, "dtype");
    refused("{\"w\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, NN_BAD_DATA, "too many");
}

static void malformed_json(void **state)
{
    (void)state;
    const char *const cases[] = {
        "",
        "[]",
        "{",
        "{\"w\"}",
        "{\"w\":}",
        "{\"w\":{}}",
        "{} x",
        "{\"w\":1}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}",
        "{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"extra\":\"x\"}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,],\"data_offsets\":[0,4]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,2,4]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",
        "{\"w\n\":1}",
        "{\"w",
        "{\"w\\",
        "{\"\\q\":1}",
        "{\"\\u12\":1}",
        "{\"\\u000g\":1}",
        "{\"\\u0000\":1}",
        "{\"\\ud800\":1}",
        "{\"\\udc00\":1}",
        "{\"\\ud800\\u0041\":1}",
        "{\"__metadata__\":[]}",
        "{\"__metadata__\":{\"a\":1}}",
        "{\"__metadata__\":{\"a\":\"1\"},\"__metadata__\":{\"a\":\"1\"}}",
        "{\"w\":" T("F32", "[1]", "0", "4") ",}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(cases[i], 4, NN_BAD_DATA, "the-file");
}

static void truncated_anywhere(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_weights *weights;
    struct file file = file_of("{\"a\":" T("F32", "[2]", "0", "8") "}", 8);
    for (size_t size = 0; size < file.size; size++) {
        unsigned char *copy = malloc(size + 1); /* an exact copy, so that a sanitizer sees */
        assert_non_null(copy);
        memcpy(copy, file.bytes, size);
        assert_int_equal(nn_weights_open_memory(copy, size, "cut", &weights, &err), NN_BAD_DATA);
        free(copy);
    }
    assert_int_equal(nn_weights_open_memory(file.bytes, file.size, "whole", &weights, &err), NN_OK);
    nn_weights_close(weights);

    memset(file.bytes, 0xff, 8);
    assert_int_equal(nn_weights_open_memory(file.bytes, file.size, "huge", &weights, &err),
                     NN_LIMIT);
    free(file.bytes);
}

static void too_many_tensors(void **state)
{
    (void)state;
    char *header = malloc(5000 * 80), *at = header;
    assert_non_null(header);
    at += sprintf(at, "{");
    for (int i = 0; i <= NN_WEIGHTS_MAX_TENSORS; i++)
        at += sprintf(at, "%s\"t%d\":" T("F32", "[0]", "0", "0"), i == 0 ? "" : ",", i);
    sprintf(at, "}");
    refused(header, 0, NN_LIMIT, "4096");
    free(header);
}

static void odd_but_good(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_weights *weights;
    /* escapes, spaces, a gap, an empty tensor, a scalar, F32 that is not aligned */
    struct file file = file_of(
        " { \"__metadata__\" : {\"k\\n\\u00e9\\ud83d\\ude00\":\"v\\\"\\/\"},\t\"\\u0077\":" T(
            "F32", "[ 1 , 2 ]", "3", "11") ",\"empty\":" T("F32", "[0,5]", "0",
                                                           "0") ",\"one\":" T("F16", "[]", "12",
                                                                              "14") "}  ",
        16);
    if (nn_weights_open_memory(file.bytes, file.size, "odd", &weights, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(nn_weights_count(weights), 3);
    const struct nn_tensor *w = nn_weights_find(weights, "w");
    assert_non_null(w);
    assert_int_equal(w->dims, 2);
    assert_int_equal(w->elements, 2);
    float want;
    memcpy(&want, (unsigned char[]){3, 4, 5, 6}, 4);
    assert_memory_equal(&w->data[0], &want, 4);
    assert_int_equal(nn_weights_find(weights, "one")->elements, 1);
    assert_int_equal(nn_weights_find(weights, "empty")->elements, 0);
    assert_null(nn_weights_find(weights, "nobody"));
    assert_null(nn_weights_at(weights, 3));
    assert_string_equal(nn_weights_at(weights, 0)->name, "empty");
    assert_string_equal(nn_weights_metadata(weights, "k\n\xc3\xa9\xf0\x9f\x98\x80"), "v\"/");
    assert_null(nn_weights_metadata(weights, "k"));
    nn_weights_close(weights);
    nn_weights_close(NULL);
    free(file.bytes);
}

/* Nothing has room, and nothing is added to no pointer (the undefined behaviour sanitizer sees it).
 */
static void only_empty_tensors(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_weights *weights;
    struct file file =
        file_of("{\"a\":" T("F16", "[0]", "0", "0") ",\"b\":" T("F16", "[2,0]", "0", "0") "}", 0);
    if (nn_weights_open_memory(file.bytes, file.size, "empty", &weights, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(nn_weights_count(weights), 2);
    assert_int_equal(nn_weights_find(weights, "b")->elements, 0);
    nn_weights_close(weights);
    free(file.bytes);
}

static void written_is_read(void **state)
{
    (void)state;
    const float a[6] = {0, -1.5f, 3.25f, 1e-30f, 1e30f, 7}, b[3] = {1, 2, 65504};
    const struct nn_tensor tensors[] = {
        {.name = "layer/a.weight", .dims = 2, .dim = {2, 3}, .elements = 6, .data = a},
        {.name = "b\"\\\x01", .dims = 1, .dim = {3}, .elements = 3, .data = b},
    };
    const struct nn_metadata metadata[] = {{"network", "small \"one\""}};
    struct nn_error err = {0};
    struct nn_weights *weights, *again;

    for (int i = 0; i < 2; i++)
        assert_int_equal(
            nn_weights_write(in_dir(i == 0 ? "a" : "b"), tensors, 2, metadata, 1, NN_F32, &err),
            NN_OK);
    assert_int_equal(nn_weights_open(in_dir("a"), &weights, &err), NN_OK);
    assert_int_equal(nn_weights_open(in_dir("b"), &again, &err), NN_OK);
    assert_string_equal(nn_weights_digest(weights), nn_weights_digest(again));
    assert_int_equal(strlen(nn_weights_digest(weights)), 64);
    const struct nn_tensor *got = nn_weights_find(weights, "layer/a.weight");
    assert_non_null(got);
    assert_int_equal(got->stored, NN_F32);
    assert_true(got->dims == 2 && got->dim[0] == 2 && got->dim[1] == 3);
    assert_memory_equal(got->data, a, sizeof a);
    assert_memory_equal(nn_weights_find(weights, "b\"\\\x01")->data, b, sizeof b);
    assert_string_equal(nn_weights_metadata(weights, "network"), "small \"one\"");
    nn_weights_close(again);
    nn_weights_close(weights);

    /* over an existing file, as F16 */
    assert_int_equal(nn_weights_write(in_dir("a"), &tensors[1], 1, NULL, 0, NN_F16, &err), NN_OK);
    assert_int_equal(nn_weights_open(in_dir("a"), &weights, &err), NN_OK);
    assert_int_equal(nn_weights_at(weights, 0)->stored, NN_F16);
    assert_memory_equal(nn_weights_at(weights, 0)->data, b, sizeof b);
    nn_weights_close(weights);
}

static void digest_is_sha256(void **state)
{
    (void)state;
    /* sha256sum of 02 00 00 00 00 00 00 00 7b 7d, by coreutils */
    struct nn_error err = {0};
    struct nn_weights *weights;
    struct file file = file_of("{}", 0);
    assert_int_equal(nn_weights_open_memory(file.bytes, file.size, "empty", &weights, &err), NN_OK);
    assert_int_equal(nn_weights_count(weights), 0);
    assert_string_equal(nn_weights_digest(weights),
                        "411a485216e432ece6b9af94fa32154cf79a2a56d4f81266baa50063f45092bd");
    nn_weights_close(weights);
    free(file.bytes);
}

static void refuses_to_write(void **state)
{
    (void)state;
    const float a[4] = {1, 2, 3, 70000};
    struct nn_error err = {0};
    struct nn_tensor tensors[2] = {
        {.name = "a", .dims = 1, .dim = {3}, .elements = 4, .data = a},
        {.name = "a", .dims = 1, .dim = {3}, .elements = 3, .data = a},
    };
    assert_int_equal(nn_weights_write(in_dir("a"), tensors, 1, NULL, 0, NN_F32, &err), NN_SHAPE);
    tensors[0].dims = 9;
    assert_int_equal(nn_weights_write(in_dir("a"), tensors, 1, NULL, 0, NN_F32, &err), NN_SHAPE);
    tensors[0].dims = 1;
    tensors[0].dim[0] = 4;
    assert_int_equal(nn_weights_write(in_dir("a"), tensors, 2, NULL, 0, NN_F32, &err), NN_INVALID);
    assert_int_equal(nn_weights_write(in_dir("a"), tensors, 1, NULL, 0, NN_F16, &err), NN_LIMIT);
    assert_non_null(strstr(err.text, "tensor a"));
    assert_int_equal(nn_weights_write(in_dir("none/a"), tensors, 1, NULL, 0, NN_F32, &err), NN_IO);
    assert_int_equal(
        nn_weights_write(in_dir("a"), tensors, NN_WEIGHTS_MAX_TENSORS + 1, NULL, 0, NN_F32, &err),
        NN_LIMIT);
}

static void refuses_to_open(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_weights *weights;
    assert_int_equal(nn_weights_open(in_dir("nobody"), &weights, &err), NN_MISSING);
    assert_non_null(strstr(err.text, "nobody"));
    assert_int_equal(nn_weights_open(dir, &weights, &err), NN_INVALID);
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    assert_int_equal(nn_weights_open(in_dir("fifo"), &weights, &err), NN_INVALID);
    int fd = open(in_dir("b"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(nn_weights_open(in_dir("b"), &weights, &err), NN_BAD_DATA);
    assert_int_equal(write(fd, "\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10), 10);
    close(fd);
    assert_int_equal(nn_weights_open(in_dir("b"), &weights, &err), NN_LIMIT);
    assert_null(weights);
}

static void halves_round_to_nearest_even(void **state)
{
    (void)state;
    for (unsigned half = 0; half <= 0xffff; half++) {
        float value = nn_half_to_float((uint16_t)half);
        bool nan = (half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0;
        assert_int_equal(isnan(value) != 0, nan);
        if (!nan)
            assert_int_equal(nn_float_to_half(value), half);
    }
    const struct {
        float value;
        unsigned half;
    } cases[] = {
        {1.0f, 0x3c00},
        {-2.0f, 0xc000},
        {65504.0f, 0x7bff},
        {65519.996f, 0x7bff},
        {65520.0f, 0x7c00},
        {INFINITY, 0x7c00},
        {0x1p-24f, 0x0001},
        {0x1p-25f, 0x0000},
        {0x1.000002p-25f, 0x0001},
        {0x1.8p-24f, 0x0002},
        {0x1p-26f, 0x0000},
        {-0.0f, 0x8000},
        {1.0f + 0x1p-11f, 0x3c00},
        {1.0f + 0x3p-11f, 0x3c02},
        {1.0f + 0x1.002p-11f, 0x3c01},
        {0x1.ffep-15f, 0x0400},
        {NAN, 0x7e00},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(nn_float_to_half(cases[i].value), cases[i].half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lying_headers),
        cmocka_unit_test(malformed_json),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(too_many_tensors),
        cmocka_unit_test(odd_but_good),
        cmocka_unit_test(only_empty_tensors),
        cmocka_unit_test(written_is_read),
        cmocka_unit_test(digest_is_sha256),
        cmocka_unit_test(refuses_to_write),
        cmocka_unit_test(refuses_to_open),
        cmocka_unit_test(halves_round_to_nearest_even),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
