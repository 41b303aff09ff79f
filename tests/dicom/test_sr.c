/* One tree in each of the three SR classes: region, local codes, predecessor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sample.h"
#include "tools.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    enum dx_sr_class sop_class;
    const char *uid, *name;
} classes[] = {{DX_COMPREHENSIVE_3D_SR, "1.2.840.10008.5.1.4.1.1.88.34", "Comprehensive 3D SR"},
               {DX_COMPREHENSIVE_SR, "1.2.840.10008.5.1.4.1.1.88.33", "Comprehensive SR"},
               {DX_ENHANCED_SR, "1.2.840.10008.5.1.4.1.1.88.22", "Enhanced SR"}};

static void begin(struct dx_sr *sr, const struct dx_attrs *source)
{
    *sr = (struct dx_sr){.root = sample_region_report(),
                         .predecessor = "2.25.77",
                         .predecessor_series = "2.25.78",
                         .scheme = "99CERVIGATE",
                         .scheme_name = "cervigate local codes",
                         .scheme_organization = "cervigate"};
    sample_header(&sr->header);
    sr->header.source = source;
}

static void one_tree_fits_three_classes(void **state)
{
    (void)state;
    static char output[1 << 18];
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_sr sr;
    begin(&sr, source);
    for (size_t i = 0; i < 3; i++) {
        struct dx_reference known[4];
        const char *path = tools_place("sr.dcm");
        sr.sop_class = classes[i].sop_class;
        if (dx_sr_write(&sr, path, &err))
            fail_msg("%s", err.text);
        tools_valid(path);
        tools_prints((const char *const[]){"dsrdump", path, NULL}, classes[i].name);
        tools_prints((const char *const[]){"dcmdump", "+P", "0070,0022", path, NULL},
                     "12.5\\20\\40\\20\\40\\60.25\\12.5\\60.25\\12.5\\20");
        tools_prints((const char *const[]){"dcmdump", "+P", "0040,a360", path, NULL}, "2.25.78");
        tools_prints((const char *const[]){"dcmdump", "+P", "0008,0110", path, NULL},
                     "cervigate local codes");

        /* The predecessor is one of the references that the self-check is told of. */
        memcpy(known, sr.header.references, 3 * sizeof *known);
        known[3] = (struct dx_reference){"", "2.25.77", "2.25.78"};
        strcpy(known[3].sop_class, classes[i].uid);
        struct dx_expectation expected = {.sop_class = classes[i].uid,
                                          .sop_instance = sr.header.sop_instance,
                                          .series = sr.header.series,
                                          .source = source,
                                          .references = known,
                                          .reference_count = 4,
                                          .scheme = "99CERVIGATE"};
        if (dx_result_check(path, &expected, &err))
            fail_msg("%s", err.text);
        expected.reference_count = 3;
        assert_int_equal(dx_result_check(path, &expected, &err), DX_INVALID);
        expected.reference_count = 4;
        expected.scheme = NULL;
        assert_int_equal(dx_result_check(path, &expected, &err), DX_INVALID);
        assert_non_null(strstr(err.text, "99CERVIGATE"));
    }
    /* PixelMed knows the templates row by row; half a minute of Java. */
    const char *const pixelmed[] = {"bash",
                                    CERVIGATE_SOURCE_DIR "/tests/sr_templates/pixelmed_validate.sh",
                                    tools_place("sr.dcm"), NULL};
    sr.sop_class = DX_COMPREHENSIVE_3D_SR;
    assert_int_equal(dx_sr_write(&sr, tools_place("sr.dcm"), &err), DX_OK);
    int status = tools_run(pixelmed, output, sizeof output);
    if (status != 0 && status != 77)
        fail_msg("%s", output);
    dx_attrs_destroy(source);
}

static void regions_are_checked(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_sr sr;
    float points[6] = {1, 1, 2, 2, 1, 1};
    struct dx_sr_item region = {.relation = DX_SR_CONTAINS,
                                .type = DX_SR_SCOORD,
                                .concept = {"111030", "DCM", "Image Region"},
                                .points = points,
                                .point_count = 3};
    const struct dx_sr_item root = {.relation = DX_SR_ROOT,
                                    .type = DX_SR_CONTAINER,
                                    .concept = {"126000", "DCM", "Imaging Measurement Report"},
                                    .child = &region};
    const char *path = tools_place("region.dcm");
    begin(&sr, source);
    sr.root = &root;
    assert_int_equal(dx_sr_write(&sr, path, &err), DX_OK);
    points[4] = strtof("nan", NULL);
    assert_int_equal(dx_sr_write(&sr, path, &err), DX_INVALID);
    points[4] = -1;
    assert_int_equal(dx_sr_write(&sr, path, &err), DX_INVALID);
    points[4] = 1;
    region.point_count = 1;
    assert_int_equal(dx_sr_write(&sr, path, &err), DX_INVALID);
    region.point_count = 3;
    region.points = NULL;
    assert_int_equal(dx_sr_write(&sr, path, &err), DX_INVALID);
    region.points = points;
    region.concept.value = NULL;
    assert_int_equal(dx_sr_write(&sr, path, &err), DX_INVALID);
    dx_attrs_destroy(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_tree_fits_three_classes),
        cmocka_unit_test(regions_are_checked),
    };
    return cmocka_run_group_tests(tests, tools_prepare, tools_clear);
}
