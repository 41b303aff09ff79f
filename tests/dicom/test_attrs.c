/* Plain attributes: the list, its limits and its serialised form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dx_attrs.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t NAME = DX_TAG(0x0010, 0x0010);

static void values_are_kept_in_tag_order(void **state)
{
    (void)state;
    struct dx_attrs *attrs = dx_attrs_create();
    assert_string_equal(dx_attrs_text(attrs, NAME), "");
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0020, 0x000d), "UI", "1.2.3"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, NAME, "PN", "A^B"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0018, 0x0015), "CS", "CSPINE"), DX_OK);
    assert_int_equal(dx_attrs_count(attrs), 3);
    assert_string_equal(dx_attrs_text(attrs, NAME), "A^B");

    static const uint32_t order[3] = {DX_TAG(0x0010, 0x0010), DX_TAG(0x0018, 0x0015),
                                      DX_TAG(0x0020, 0x000d)};
    for (size_t i = 0; i < 3; i++) {
        uint32_t tag;
        char vr[3];
        const char *value;
        size_t length;
        dx_attrs_at(attrs, i, &tag, vr, &value, &length);
        assert_int_equal(tag, order[i]);
        assert_int_equal(strlen(vr), 2);
        assert_int_equal(strlen(value), length);
    }
    dx_attrs_destroy(attrs);
}

static void padding_goes_and_the_last_value_stays(void **state)
{
    (void)state;
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set(attrs, NAME, "PN", " A \0", 4), DX_OK);
    assert_string_equal(dx_attrs_text(attrs, NAME), " A");
    assert_int_equal(dx_attrs_set(attrs, NAME, "PN", "  ", 2), DX_OK);
    assert_string_equal(dx_attrs_text(attrs, NAME), "");
    assert_int_equal(dx_attrs_set(attrs, NAME, "PN", NULL, 0), DX_OK);
    assert_int_equal(dx_attrs_count(attrs), 1);
    dx_attrs_destroy(attrs);
    dx_attrs_destroy(NULL);
}

static void limits_and_bad_arguments(void **state)
{
    (void)state;
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, NAME, "P", "x"), DX_INVALID);
    assert_int_equal(dx_attrs_set_text(attrs, NAME, "pn", "x"), DX_INVALID);
    assert_int_equal(dx_attrs_set_text(attrs, NAME, "PNX", "x"), DX_INVALID);
    assert_int_equal(dx_attrs_set_text(attrs, NAME, "PN", NULL), DX_INVALID);
    assert_int_equal(dx_attrs_set(attrs, NAME, "PN", NULL, 1), DX_INVALID);
    for (uint32_t i = 0; i < DX_ATTRS_MAX; i++)
        assert_int_equal(dx_attrs_set_text(attrs, i, "LO", "x"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_ATTRS_MAX, "LO", "x"), DX_LIMIT);
    assert_int_equal(dx_attrs_set_text(attrs, 3, "LO", "y"), DX_OK);
    dx_attrs_destroy(attrs);

    attrs = dx_attrs_create();
    char *large = malloc(DX_ATTRS_MAX_BYTES);
    assert_non_null(large);
    memset(large, 'x', DX_ATTRS_MAX_BYTES);
    assert_int_equal(dx_attrs_set(attrs, 1, "UT", large, DX_ATTRS_MAX_BYTES), DX_LIMIT);
    assert_int_equal(dx_attrs_set(attrs, 1, "UT", large, DX_ATTRS_MAX_BYTES - 18), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, 2, "LO", ""), DX_LIMIT);
    assert_int_equal(dx_attrs_set(attrs, 1, "UT", large, 10), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, 2, "LO", "x"), DX_OK);
    free(large);
    dx_attrs_destroy(attrs);
}

static void what_was_packed_comes_back(void **state)
{
    (void)state;
    struct dx_attrs *attrs = dx_attrs_create(), *back = NULL;
    struct dx_error err = {0};
    uint8_t *bytes = NULL;
    size_t count = 0;
    assert_int_equal(dx_attrs_set_text(attrs, NAME, "PN", "M\xfcller^J\xf6rg"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0050), "SH", ""), DX_OK);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &count), DX_OK);
    assert_int_equal(dx_attrs_unpack(bytes, count, &back, &err), DX_OK);
    assert_int_equal(dx_attrs_count(back), 2);
    assert_string_equal(dx_attrs_text(back, NAME), "M\xfcller^J\xf6rg");
    dx_attrs_destroy(back);

    for (size_t cut = 0; cut < count; cut++)
        assert_int_equal(dx_attrs_unpack(bytes, cut, &back, &err), DX_MALFORMED);
    free(bytes);
    dx_attrs_destroy(attrs);
}

static void forged_bytes_are_refused(void **state)
{
    (void)state;
    struct dx_attrs *back = NULL;
    struct dx_error err = {0};
    uint8_t two[] = {'D', 'X', 'A', '1', 2, 0, 0, 0,   2,   0, 0, 0, 'L', 'O', 0,
                     0,   0,   0,   3,   0, 0, 0, 'L', 'O', 1, 0, 0, 0,   'x'};
    assert_int_equal(dx_attrs_unpack(two, sizeof two, &back, &err), DX_OK);
    dx_attrs_destroy(back);
    two[18] = 2; /* the same tag twice */
    assert_int_equal(dx_attrs_unpack(two, sizeof two, &back, &err), DX_MALFORMED);
    two[18] = 3;
    two[22] = 'l';
    assert_int_equal(dx_attrs_unpack(two, sizeof two, &back, &err), DX_MALFORMED);
    two[22] = 'L';
    two[27] = 0xff; /* length of 4 GB */
    assert_int_equal(dx_attrs_unpack(two, sizeof two, &back, &err), DX_MALFORMED);
    two[27] = 0;
    two[4] = 1; /* bytes after the last one */
    assert_int_equal(dx_attrs_unpack(two, sizeof two, &back, &err), DX_MALFORMED);
    two[5] = 0xff;
    assert_int_equal(dx_attrs_unpack(two, sizeof two, &back, &err), DX_LIMIT);
    two[0] = 'd';
    assert_int_equal(dx_attrs_unpack(two, sizeof two, &back, &err), DX_MALFORMED);
    assert_int_equal(dx_attrs_unpack(NULL, 0, &back, &err), DX_INVALID);
}

static void one_value_of_packed_bytes(void **state)
{
    (void)state;
    uint8_t *bytes;
    size_t count, length;
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0060), "CS", "DX"), DX_OK);
    assert_int_equal(dx_attrs_set(attrs, NAME, "PN", "A\0B", 3), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0020, 0x000d), "UI", ""), DX_OK);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &count), DX_OK);
    dx_attrs_destroy(attrs);
    static const struct {
        uint32_t tag;
        const char *value;
    } all[] = {{DX_TAG(0x0008, 0x0060), "DX"}, {DX_TAG(0x0010, 0x0010), "A"},
               {DX_TAG(0x0020, 0x000d), ""},   {DX_TAG(0x0008, 0x0000), ""},
               {DX_TAG(0x0010, 0x0020), ""},   {DX_TAG(0x0040, 0x0001), ""}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const char *value = dx_attrs_packed(bytes, count, all[i].tag, &length);
        assert_int_equal(length, strlen(all[i].value));
        assert_memory_equal(value, all[i].value, length);
    }
    for (size_t cut = 0; cut <= count; cut++) { /* never behind its end */
        uint8_t *part = malloc(cut > 0 ? cut : 1);
        memcpy(part, bytes, cut);
        (void)dx_attrs_packed(part, cut, NAME, &length);
        assert_int_equal(length, cut >= 8 + 10 + 2 + 10 + 3 ? 1 : 0);
        free(part);
    }
    assert_string_equal(dx_attrs_packed(NULL, 0, NAME, &length), "");
    bytes[8 + 9] = 0xff; /* a length beyond the end */
    assert_string_equal(dx_attrs_packed(bytes, count, NAME, &length), "");
    bytes[0] = 'x';
    assert_string_equal(dx_attrs_packed(bytes, count, DX_TAG(0x0008, 0x0060), &length), "");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_kept_in_tag_order),
        cmocka_unit_test(padding_goes_and_the_last_value_stays),
        cmocka_unit_test(limits_and_bad_arguments),
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(forged_bytes_are_refused),
        cmocka_unit_test(one_value_of_packed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
