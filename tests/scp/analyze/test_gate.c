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
    assert_int_equal(check(MODALITY, "DX", (struct gate_image){.has_pixels = false, .frames = 1}),
                     SRT_NO_PIXEL_DATA);
    assert_int_equal(check(MODALITY, "DX", (struct gate_image){.has_pixels = true, .frames = 2}),
                     SRT_MULTI_FRAME);
}

static void test_an_unknown_age_is_the_sites_choice(void **state)
{
    (void)state;
    struct gate_image image = {.has_pixels = true, .frames = 1, .age_needed = true};
    assert_int_equal(check(AGE, NULL, image), SRT_AGE_UNKNOWN);
    assert_int_equal(check(AGE, "040Y", image), SRT_REASON_NONE);
    image.age_needed = false;
    assert_int_equal(check(AGE, NULL, image), SRT_REASON_NONE);
}

/* What the pixels said, and the header's view. */
static enum srt_reason look(const char *kind, bool accepted, const char *view, const char *age,
                            char detail[GATE_DETAIL_MAX])
{
    struct nn_model_info gated = model;
    snprintf(gated.gate_digest, sizeof gated.gate_digest, "%064d", 1);
    const struct nn_verdict verdict = {.accepted = accepted, .kind = kind};
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, MODALITY, "CS", "DX"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, VIEW, "CS", view), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, AGE, "AS", age), DX_OK);
    /* with a gate of pixels the header's view refuses nothing */
    assert_int_equal(gate_check(&gated, attrs, &good, detail), SRT_REASON_NONE);
    enum srt_reason reason = gate_look(&gated, attrs, &verdict, detail);
    dx_attrs_destroy(attrs);
    return reason;
}

static void test_the_view_is_told_from_pixels(void **state)
{
    (void)state;
    char detail[GATE_DETAIL_MAX];
    assert_int_equal(look("lateral", true, "LL", "040Y", detail), SRT_REASON_NONE);
    assert_string_equal(detail, "");
    assert_int_equal(look("lateral", true, "AP", "040Y", detail), SRT_REASON_NONE);
    assert_non_null(strstr(detail, "the header says AP"));
    assert_int_equal(look("ap", false, "LL", "040Y", detail), SRT_WRONG_VIEW);
    assert_non_null(strstr(detail, "AP view"));
    assert_non_null(strstr(detail, "the header says left lateral"));
    assert_int_equal(look("ap", false, "AP", "040Y", detail), SRT_WRONG_VIEW);
    assert_null(strstr(detail, "the header"));
    assert_int_equal(look("lateral", true, "LL", "", detail), SRT_REASON_NONE);
    assert_non_null(strstr(detail, "age unknown"));
}

static void test_each_kind_has_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum srt_reason reason;
    } kinds[] = {{"swimmers", SRT_WRONG_VIEW},
                 {"oblique", SRT_WRONG_VIEW},
                 {"odontoid", SRT_WRONG_VIEW},
                 {"skull-lateral", SRT_WRONG_BODY_PART},
                 {"chest", SRT_WRONG_BODY_PART},
                 {"extremity", SRT_WRONG_BODY_PART},
                 {"dental", SRT_WRONG_BODY_PART},
                 {"thoracic-lateral", SRT_WRONG_BODY_PART},
                 {"hardware", SRT_HARDWARE},
                 {"inverted", SRT_INVERTED},
                 {"cropped", SRT_CROPPED},
                 {"picture", SRT_NOT_SPINE},
                 {"section", SRT_NOT_SPINE},
                 {"lateral", SRT_NOT_SPINE},
                 {"a site's own class", SRT_NOT_SPINE}};
    char detail[GATE_DETAIL_MAX];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_int_equal(look(kinds[i].kind, false, "", "040Y", detail), kinds[i].reason);
        assert_true(detail[0] != 0);
    }
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

/* A rule that leaves the body part to the pixels: only where somebody looks at them. */
static void test_body_part_by_pixels(void **state)
{
    char detail[GATE_DETAIL_MAX];
    const struct gate_image image = {.has_pixels = true, .frames = 1, .body_part_by_pixels = true};
    struct nn_model_info seeing = model;
    struct nn_verdict verdict = {.accepted = true, .kind = "lateral"};
    struct dx_attrs *attrs = dx_attrs_create();
    (void)state;
    assert_non_null(attrs);
    assert_int_equal(dx_attrs_set_text(attrs, BODY_PART, "CS", "CHEST"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x1010), "AS", "040Y"), DX_OK);
    assert_int_equal(gate_check(&model, attrs, &image, detail), SRT_WRONG_BODY_PART);
    memset(seeing.gate_digest, 'a', sizeof seeing.gate_digest - 1);
    assert_int_equal(gate_check(&seeing, attrs, &good, detail), SRT_WRONG_BODY_PART);
    assert_int_equal(gate_check(&seeing, attrs, &image, detail), SRT_REASON_NONE);
    assert_int_equal(gate_look(&seeing, attrs, &verdict, detail), SRT_REASON_NONE);
    assert_string_equal(detail, "Body Part Examined is CHEST");
    dx_attrs_destroy(attrs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_passes),
        cmocka_unit_test(test_modality),
        cmocka_unit_test(test_body_part),
        cmocka_unit_test(test_body_part_by_pixels),
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_pixels_and_frames),
        cmocka_unit_test(test_an_unknown_age_is_the_sites_choice),
        cmocka_unit_test(test_the_view_is_told_from_pixels),
        cmocka_unit_test(test_each_kind_has_a_reason),
        cmocka_unit_test(test_a_hostile_header_stays_out_of_the_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
