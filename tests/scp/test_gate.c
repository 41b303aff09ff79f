/* The gate: what the header says against the model; what it does not say is not held against it. */
#include "gate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MODALITY   DX_TAG(0x0008, 0x0060)
#define BODY_PART  DX_TAG(0x0018, 0x0015)
#define VIEW       DX_TAG(0x0018, 0x5101)
#define VIEW_CODE  DX_TAG(0x0008, 0x0100)
#define AGE        DX_TAG(0x0010, 0x1010)
#define BIRTH_DATE DX_TAG(0x0010, 0x0030)
#define STUDY_DATE DX_TAG(0x0008, 0x0020)

static const struct nn_model_info model = {
    .modalities = "CR DX", .body_parts = "CSPINE", .views = "LL LATERAL", .minimum_age = 16};

static enum srt_reason check(uint32_t tag, const char *text, struct gate_image image)
{
    char detail[GATE_DETAIL_MAX];
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, MODALITY, "CS", "DX"), DX_OK);
    if (text)
        assert_int_equal(dx_attrs_set_text(attrs, tag, "LO", text), DX_OK);
    enum srt_reason reason = gate_check(&model, attrs, &image, detail);
    assert_int_equal(reason != SRT_REASON_NONE, detail[0] != 0);
    dx_attrs_destroy(attrs);
    return reason;
}

static const struct gate_image good = {.has_pixels = true, .frames = 1};

static void expect(uint32_t tag, const char *text, enum srt_reason expected)
{
    enum srt_reason found = check(tag, text, good);
    if (found != expected)
        fail_msg("\"%s\": %s, not %s", text, srt_reason_name(found), srt_reason_name(expected));
}

static void test_silence_passes(void **state)
{
    (void)state;
    expect(MODALITY, NULL, SRT_REASON_NONE);
    expect(MODALITY, "", SRT_REASON_NONE);
    expect(BODY_PART, "", SRT_REASON_NONE);
    expect(VIEW, "", SRT_REASON_NONE);
    expect(VIEW, "SOMETHING", SRT_REASON_NONE);
}

static void test_modality(void **state)
{
    (void)state;
    expect(MODALITY, "CR", SRT_REASON_NONE);
    expect(MODALITY, "CT", SRT_WRONG_MODALITY);
    expect(MODALITY, "D", SRT_WRONG_MODALITY);
}

static void test_body_part(void **state)
{
    (void)state;
    static const char *const fine[] = {"CSPINE", "cspine ", "NECK", "SPINE", "C-SPINE", "C SPINE"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        expect(BODY_PART, fine[i], SRT_REASON_NONE);
    static const char *const wrong[] = {"CHEST", "LSPINE", "TSPINE", "HAND", "SKULL"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(BODY_PART, wrong[i], SRT_WRONG_BODY_PART);
}

static void test_view(void **state)
{
    (void)state;
    static const char *const fine[] = {"LL", "RL", "LATERAL"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        expect(VIEW, fine[i], SRT_REASON_NONE);
    static const char *const wrong[] = {"AP", "PA", "RLO", "ODONTOID"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(VIEW, wrong[i], SRT_WRONG_VIEW);
    expect(VIEW_CODE, "399067008", SRT_REASON_NONE); /* lateral */
    expect(VIEW_CODE, "399348003", SRT_WRONG_VIEW);  /* antero-posterior */
    expect(VIEW_CODE, "R-10206", SRT_WRONG_VIEW);
}

static int age_of(const char *age, const char *born, const char *studied)
{
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, AGE, "AS", age), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, BIRTH_DATE, "DA", born), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, STUDY_DATE, "DA", studied), DX_OK);
    int found = gate_age(attrs);
    dx_attrs_destroy(attrs);
    return found;
}

static void test_age(void **state)
{
    (void)state;
    expect(AGE, "015Y", SRT_OUTSIDE_AGE);
    expect(AGE, "016Y", SRT_REASON_NONE);
    expect(AGE, "030M", SRT_OUTSIDE_AGE);
    assert_int_equal(age_of("", "20100630", "20260629"), 15);
    assert_int_equal(age_of("", "20100630", "20260630"), 16);
    assert_int_equal(age_of("", "20100630", ""), -1);
    assert_int_equal(age_of("", "2010", "20260630"), -1);
    assert_int_equal(age_of("", "20270101", "20260630"), -1);
    assert_int_equal(age_of("080Y", "20100630", "20260630"), 80);
    assert_int_equal(age_of("08Y", "", ""), -1);
}

static void test_pixels_and_frames(void **state)
{
    (void)state;
    assert_int_equal(check(MODALITY, "DX", (struct gate_image){false, 1}), SRT_NO_PIXEL_DATA);
    assert_int_equal(check(MODALITY, "DX", (struct gate_image){true, 2}), SRT_MULTI_FRAME);
}

static void test_a_hostile_header_stays_out_of_the_detail(void **state)
{
    (void)state;
    char detail[GATE_DETAIL_MAX], text[2000];
    memset(text, '\x01', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, BODY_PART, "CS", text), DX_OK);
    assert_int_equal(gate_check(&model, attrs, &good, detail), SRT_WRONG_BODY_PART);
    for (const char *c = detail; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
    dx_attrs_destroy(attrs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_passes),
        cmocka_unit_test(test_modality),
        cmocka_unit_test(test_body_part),
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_pixels_and_frames),
        cmocka_unit_test(test_a_hostile_header_stays_out_of_the_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
