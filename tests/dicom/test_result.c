/* SR, SC and DX as we write them, judged by dicom3tools and DCMTK's own tools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dx_init.h"
#include "dx_object.h"
#include "sample.h"
#include "tools.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE(v, s, m)                                                                              \
    {                                                                                              \
        v, s, m                                                                                    \
    }

static void begin_sr(struct dx_sr *sr, const struct dx_attrs *source)
{
    *sr = (struct dx_sr){.root = sample_report()};
    sample_header(&sr->header);
    sr->header.source = source;
}

static void sr_is_valid(void **state)
{
    (void)state;
    static const enum dx_sr_class classes[] = {DX_COMPREHENSIVE_3D_SR, DX_COMPREHENSIVE_SR,
                                               DX_ENHANCED_SR};
    struct dx_attrs *source = sample_source();
    struct dx_sr sr;
    struct dx_error err = {0};
    begin_sr(&sr, source);
    for (size_t i = 0; i < 3; i++) {
        sr.sop_class = classes[i];
        sr.predecessor = i == 0 ? "2.25.77" : NULL;
        sr.predecessor_series = i == 0 ? "2.25.78" : NULL;
        const char *path = tools_place("sr.dcm");
        if (dx_sr_write(&sr, path, &err))
            fail_msg("%s", err.text);
        tools_valid(path);
        tools_prints((const char *const[]){"dsrdump", path, NULL}, "Fracture");
    }
    dx_attrs_destroy(source);
}

static void sr_keeps_patient_bytes_and_evidence(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source(), *got = NULL;
    struct dx_sr sr;
    struct dx_error err = {0};
    struct dx_limits limits;
    struct dx_object *object = NULL;
    dx_limits_default(&limits);
    begin_sr(&sr, source);
    sr.scheme = "99CERVIGATE";
    sr.scheme_name = "cervigate local codes";
    sr.scheme_organization = "cervigate";
    const char *path = tools_place("sr.dcm");
    assert_int_equal(dx_sr_write(&sr, path, &err), DX_OK);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(dx_object_open(fd, &limits, &object, &err), DX_OK);
    assert_int_equal(dx_object_attributes(object, &got, &err), DX_OK);
    static const uint32_t same[] = {DX_TAG(0x0008, 0x0005), DX_TAG(0x0010, 0x0010),
                                    DX_TAG(0x0010, 0x0020), DX_TAG(0x0020, 0x000d),
                                    DX_TAG(0x0008, 0x1030), DX_TAG(0x0010, 0x1010)};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_string_equal(dx_attrs_text(got, same[i]), dx_attrs_text(source, same[i]));
    assert_string_equal(dx_attrs_text(got, DX_TAG(0x0008, 0x0060)), "SR");
    assert_string_equal(dx_attrs_text(got, DX_TAG(0x0028, 0x0010)), "");
    assert_string_equal(dx_attrs_text(got, DX_TAG(0x0040, 0xa043)), "126000");
    assert_string_equal(dx_attrs_text(got, DX_TAG(0x0040, 0xa084)), "DEV");
    assert_string_equal(dx_attrs_text(got, DX_TAG(0x0040, 0xa491)), "COMPLETE");
    assert_string_equal(dx_attrs_text(got, DX_TAG(0x0040, 0xa493)), "UNVERIFIED");
    assert_string_equal(dx_attrs_text(got, DX_TAG(0x0040, 0xa496)), "PRELIMINARY");
    dx_attrs_destroy(got);
    dx_attrs_destroy(source);
    dx_object_close(object);
    close(fd);
    tools_prints((const char *const[]){"dcmdump", "+P", "0040,a375", path, NULL}, "1.2.3.4.6");
    tools_prints((const char *const[]){"dcmdump", "+P", "0008,0110", path, NULL}, "99CERVIGATE");
    tools_prints((const char *const[]){"dcmdump", "+P", "0040,a493", path, NULL}, "UNVERIFIED");
}

static void bytes_are_a_function_of_the_arguments(void **state)
{
    (void)state;
    static char first[1 << 16], second[1 << 16];
    struct dx_attrs *source = sample_source();
    struct dx_sr sr;
    struct dx_error err = {0};
    begin_sr(&sr, source);
    assert_int_equal(dx_sr_write(&sr, tools_place("a.dcm"), &err), DX_OK);
    size_t count = tools_load(tools_place("a.dcm"), first, sizeof first);
    sleep(1);
    assert_int_equal(dx_sr_write(&sr, tools_place("b.dcm"), &err), DX_OK);
    assert_int_equal(tools_load(tools_place("b.dcm"), second, sizeof second), count);
    assert_memory_equal(first, second, count);
    dx_attrs_destroy(source);
}

static void bad_reports_are_refused(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_sr sr;
    struct dx_error err = {0};
    struct dx_sr_item child = {.relation = DX_SR_CONTAINS,
                               .type = DX_SR_TEXT,
                               .concept = CODE("121106", "DCM", "Comment"),
                               .text = ""};
    struct dx_sr_item root = {.relation = DX_SR_ROOT,
                              .type = DX_SR_CONTAINER,
                              .concept = CODE("126000", "DCM", "Imaging Measurement Report"),
                              .child = &child};
    begin_sr(&sr, source);
    sr.root = &root;
    assert_int_equal(dx_sr_write(&sr, tools_place("bad.dcm"), &err), DX_INVALID);
    child.text = "text";
    child.concept.value = NULL;
    assert_int_equal(dx_sr_write(&sr, tools_place("bad.dcm"), &err), DX_INVALID);
    child = (struct dx_sr_item){.relation = DX_SR_CONTAINS,
                                .type = DX_SR_UIDREF,
                                .concept = CODE("112040", "DCM", "Tracking Unique Identifier"),
                                .text = "no uid"};
    assert_int_equal(dx_sr_write(&sr, tools_place("bad.dcm"), &err), DX_INVALID);
    child.text = "2.25.9";
    child.relation = DX_SR_ROOT;
    assert_int_equal(dx_sr_write(&sr, tools_place("bad.dcm"), &err), DX_INVALID);
    child.relation = DX_SR_HAS_OBS_CONTEXT;
    assert_int_equal(dx_sr_write(&sr, tools_place("bad.dcm"), &err), DX_OK);

    sr.header.sop_instance = "not a uid";
    assert_int_equal(dx_sr_write(&sr, tools_place("bad.dcm"), &err), DX_INVALID);
    sr.header.sop_instance = "2.25.1";
    sr.predecessor = "2.25.8";
    assert_int_equal(dx_sr_write(&sr, tools_place("bad.dcm"), &err), DX_INVALID);
    sr.predecessor = NULL;
    sr.root = NULL;
    assert_int_equal(dx_sr_write(&sr, tools_place("bad.dcm"), &err), DX_INVALID);
    dx_attrs_destroy(source);
}

static void too_deep_is_refused(void **state)
{
    (void)state;
    static struct dx_sr_item chain[40];
    struct dx_attrs *source = sample_source();
    struct dx_sr sr;
    struct dx_error err = {0};
    for (size_t i = 0; i < 40; i++)
        chain[i] = (struct dx_sr_item){.relation = i ? DX_SR_CONTAINS : DX_SR_ROOT,
                                       .type = DX_SR_CONTAINER,
                                       .concept = CODE("111028", "DCM", "Image Library"),
                                       .child = i < 39 ? &chain[i + 1] : NULL};
    begin_sr(&sr, source);
    sr.root = chain;
    assert_int_equal(dx_sr_write(&sr, tools_place("deep.dcm"), &err), DX_LIMIT);
    dx_attrs_destroy(source);
}

static void sc_is_valid(void **state)
{
    (void)state;
    static uint8_t rgb[5 * 7 * 3];
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_limits limits;
    struct dx_object *object = NULL;
    struct dx_frame frame;
    struct dx_sc sc = {.rows = 5,
                       .cols = 7,
                       .rgb = rgb,
                       .derivation_description = "Saliency of the score for fracture",
                       .derivation = CODE("130404", "DCM", "Saliency"),
                       .was_lossy = 1};
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * 7);
    sample_header(&sc.header);
    sc.header.source = source;
    const char *path = tools_place("sc.dcm");
    if (dx_sc_write(&sc, path, &err))
        fail_msg("%s", err.text);
    tools_valid(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    dx_limits_default(&limits);
    assert_int_equal(dx_object_open(fd, &limits, &object, &err), DX_OK);
    assert_int_equal(dx_object_frame(object, 0, &frame, &err), DX_OK);
    assert_int_equal(frame.count, sizeof rgb);
    assert_memory_equal(frame.bytes, rgb, sizeof rgb);
    dx_frame_finish(&frame);
    dx_object_close(object);
    close(fd);
    tools_prints((const char *const[]){"dcmdump", "+P", "0028,2110", path, NULL}, "01");

    sc.rows = 0;
    assert_int_equal(dx_sc_write(&sc, path, &err), DX_INVALID);
    dx_attrs_destroy(source);
}

static void dx_is_valid(void **state)
{
    (void)state;
    static uint16_t plane[9 * 11];
    struct dx_attrs *attrs = sample_source();
    struct dx_error err = {0};
    struct dx_limits limits;
    dx_limits_default(&limits);
    for (size_t i = 0; i < 99; i++)
        plane[i] = (uint16_t)(i * 661);
    struct dx_synthetic image = {.attrs = attrs,
                                 .sop_instance = "2.25.10",
                                 .series = "2.25.11",
                                 .study = "2.25.12",
                                 .rows = 9,
                                 .cols = 11,
                                 .pixels = plane,
                                 .mm_per_pixel = 0.15};
    for (image.monochrome1 = 0; image.monochrome1 < 2; image.monochrome1++) {
        struct dx_object *object = NULL;
        struct dx_grey grey;
        const char *path = tools_place("dx.dcm");
        if (dx_synthetic_write(&image, path, &err))
            fail_msg("%s", err.text);
        tools_valid(path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(dx_object_open(fd, &limits, &object, &err), DX_OK);
        assert_int_equal(dx_object_grey(object, 0, &grey, &err), DX_OK);
        for (size_t i = 0; i < 99; i++) /* 12 bits: within one of 4096 levels */
            assert_true(abs((int)grey.pixels[i] - (int)plane[i]) <= 32);
        assert_true(grey.mm_per_pixel > 0.149 && grey.mm_per_pixel < 0.151);
        dx_grey_finish(&grey);
        dx_object_close(object);
        close(fd);
    }
    image.study = "x";
    assert_int_equal(dx_synthetic_write(&image, tools_place("dx.dcm"), &err), DX_INVALID);
    dx_attrs_destroy(attrs);
}

/* Each class, depth and range: valid, and shown as the plane is. */
static void synthetic_images_are_valid(void **state)
{
    (void)state;
    static const struct dx_synthetic kinds[] = {
        {.sop_class = DX_SYNTHETIC_DX, .bits = 10, .low = 100, .high = 900, .spaced = 1},
        {.sop_class = DX_SYNTHETIC_DX, .bits = 16, .monochrome1 = 1},
        {.sop_class = DX_SYNTHETIC_CR, .bits = 16, .low = 3, .high = 65535},
        {.sop_class = DX_SYNTHETIC_CR, .bits = 11, .low = 1, .high = 2000, .monochrome1 = 1},
        {.sop_class = DX_SYNTHETIC_CT, .low = 624, .high = 2624},
        {.sop_class = DX_SYNTHETIC_SC, .bits = 12},
    };
    static uint16_t plane[9 * 11];
    struct dx_error err = {0};
    struct dx_limits limits;
    dx_limits_default(&limits);
    for (size_t i = 0; i < 99; i++)
        plane[i] = (uint16_t)(i * 661);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct dx_synthetic image = kinds[k];
        struct dx_object *object = NULL;
        struct dx_grey grey;
        const char *path = tools_place("synthetic.dcm");
        struct dx_attrs *attrs = sample_source();
        if (image.sop_class == DX_SYNTHETIC_CT)
            assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0020, 0x0052), "UI", "2.25.13"),
                             DX_OK);
        image.attrs = attrs;
        image.sop_instance = "2.25.10";
        image.series = "2.25.11";
        image.study = "2.25.12";
        image.rows = 9;
        image.cols = 11;
        image.pixels = plane;
        image.mm_per_pixel = 0.15;
        if (dx_synthetic_write(&image, path, &err))
            fail_msg("%s", err.text);
        tools_valid(path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(dx_object_open(fd, &limits, &object, &err), DX_OK);
        assert_int_equal(dx_object_grey(object, 0, &grey, &err), DX_OK);
        for (size_t i = 0; i < 99; i++) /* within one of 800 levels */
            assert_true(abs((int)grey.pixels[i] - (int)plane[i]) <= 100);
        dx_grey_finish(&grey);
        dx_object_close(object);
        close(fd);
        dx_attrs_destroy(attrs);
    }
}

static void impossible_synthetic_images_are_refused(void **state)
{
    (void)state;
    static const struct {
        int sop_class, bits;
        uint32_t low, high;
    } wrong[] = {{0, 7, 0, 0},     {0, 17, 0, 0}, {0, 12, 5, 5}, {0, 12, 6, 5},
                 {0, 12, 0, 4096}, {4, 12, 0, 0}, {-1, 12, 0, 0}};
    static uint16_t plane[4];
    struct dx_attrs *attrs = sample_source();
    struct dx_error err = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct dx_synthetic image = {.attrs = attrs,
                                     .sop_instance = "2.25.10",
                                     .series = "2.25.11",
                                     .study = "2.25.12",
                                     .rows = 2,
                                     .cols = 2,
                                     .pixels = plane,
                                     .sop_class = (enum dx_synthetic_class)wrong[i].sop_class,
                                     .bits = wrong[i].bits,
                                     .low = wrong[i].low,
                                     .high = wrong[i].high};
        assert_int_equal(dx_synthetic_write(&image, tools_place("no.dcm"), &err), DX_INVALID);
    }
    dx_attrs_destroy(attrs);
}

static void unwritable_places_are_told(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_sr sr;
    struct dx_error err = {0};
    begin_sr(&sr, source);
    assert_int_equal(dx_sr_write(&sr, "/nonexistent/sr.dcm", &err), DX_IO);
    assert_non_null(strstr(err.text, "/nonexistent/sr.dcm"));
    assert_int_equal(dx_sr_write(&sr, "/dev/full", &err), DX_NO_SPACE);
    dx_attrs_destroy(source);
}

static void results_agree_with_their_source(void **state)
{
    (void)state;
    static uint16_t plane[16];
    static uint8_t rgb[48];
    char dx[128], sr_path[128], sc_path[128];
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_sr sr;
    snprintf(dx, sizeof dx, "%s", tools_place("source.dcm"));
    snprintf(sr_path, sizeof sr_path, "%s", tools_place("result_sr.dcm"));
    snprintf(sc_path, sizeof sc_path, "%s", tools_place("result_sc.dcm"));
    struct dx_synthetic image = {.attrs = source,
                                 .sop_instance = "1.2.3.4.1",
                                 .series = "1.2.3.4.5",
                                 .study = "1.2.3.4",
                                 .rows = 4,
                                 .cols = 4,
                                 .pixels = plane};
    struct dx_sc sc = {.rows = 4,
                       .cols = 4,
                       .rgb = rgb,
                       .derivation_description = "Saliency",
                       .derivation = CODE("130404", "DCM", "Saliency")};
    begin_sr(&sr, source);
    sample_header(&sc.header);
    sc.header.source = source;
    sc.header.sop_instance = "2.25.21";
    sc.header.series = "2.25.22";
    assert_int_equal(dx_synthetic_write(&image, dx, &err), DX_OK);
    assert_int_equal(dx_sr_write(&sr, sr_path, &err), DX_OK);
    assert_int_equal(dx_sc_write(&sc, sc_path, &err), DX_OK);
    tools_agree((const char *const[]){"dcentvfy", dx, sr_path, sc_path, NULL});
    dx_attrs_destroy(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sr_is_valid),
        cmocka_unit_test(sr_keeps_patient_bytes_and_evidence),
        cmocka_unit_test(bytes_are_a_function_of_the_arguments),
        cmocka_unit_test(bad_reports_are_refused),
        cmocka_unit_test(too_deep_is_refused),
        cmocka_unit_test(sc_is_valid),
        cmocka_unit_test(dx_is_valid),
        cmocka_unit_test(synthetic_images_are_valid),
        cmocka_unit_test(impossible_synthetic_images_are_refused),
        cmocka_unit_test(unwritable_places_are_told),
        cmocka_unit_test(results_agree_with_their_source),
    };
    return cmocka_run_group_tests(tests, tools_prepare, tools_clear);
}
