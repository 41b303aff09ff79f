/* Presentation states, parametric maps and rejection notes as we write them, judged by others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dx_object.h"
#include "sample_objects.h"
#include "tools.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void every_kind_is_valid(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        struct dx_expectation expected;
        const char *path = tools_place("kind.dcm");
        sample_object((enum sample_kind)kind, source, path, &expected);
        tools_valid(path);
        if (kind == SAMPLE_GSPS)
            tools_prints((const char *const[]){"dcmpschk", path, NULL}, "Test passed");
        if (kind == SAMPLE_REJECTION)
            tools_prints((const char *const[]){"dsrdump", path, NULL}, "Incorrect Modality");
    }
    dx_attrs_destroy(source);
}

static void put(struct dx_attrs *attrs, unsigned group, unsigned element, const char *vr,
                const char *text)
{
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(group, element), vr, text), DX_OK);
}

static void begin_gsps(struct dx_gsps *gsps, const struct dx_attrs *source)
{
    *gsps = (struct dx_gsps){.rows = SAMPLE_ROWS,
                             .cols = SAMPLE_COLS,
                             .label = "AI_REGION",
                             .creator = "cervigate",
                             .layer = "AI",
                             .text = "AI",
                             .points = sample_points,
                             .point_count = 5};
    sample_header(&gsps->header);
    gsps->header.source = source;
}

/* A presentation state replaces window, rescale and polarity: it must repeat the image's. */
static void gsps_keeps_the_image_as_it_looks(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_gsps gsps;
    const char *path = tools_place("pr.dcm");
    put(source, 0x0028, 0x0004, "CS", "MONOCHROME1");
    put(source, 0x0028, 0x1050, "DS", "600\\40");
    put(source, 0x0028, 0x1051, "DS", "1600\\400");
    put(source, 0x0028, 0x1056, "CS", "SIGMOID");
    put(source, 0x0028, 0x1052, "DS", "-1024");
    put(source, 0x0028, 0x1053, "DS", "1");
    put(source, 0x0028, 0x0030, "DS", "0.15\\0.16");
    begin_gsps(&gsps, source);
    if (dx_gsps_write(&gsps, path, &err))
        fail_msg("%s", err.text);
    tools_valid(path);
    tools_prints((const char *const[]){"dcmpschk", path, NULL}, "Test passed");
    static const struct {
        const char *tag, *value;
    } said[] = {{"2050,0020", "INVERSE"},
                {"0028,1050", "[600]"},
                {"0028,1051", "[1600]"},
                {"0028,1056", "SIGMOID"},
                {"0028,1052", "-1024"},
                {"0070,0101", "0.15\\0.16"},
                {"0070,0053", "17\\12"},
                {"0070,0014", "12\\3"},
                {"0070,0022", "2.5\\3\\12\\3\\12\\9.5\\2.5\\9.5\\2.5\\3"}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        tools_prints((const char *const[]){"dcmdump", "+P", said[i].tag, "+L", path, NULL},
                     said[i].value);
    dx_attrs_destroy(source);
}

static void bad_presentation_states_are_refused(void **state)
{
    (void)state;
    static const float open_region[] = {1, 1, 5, 1, 5, 5, 1, 2};
    static const float outside[] = {1, 1, 18, 1, 5, 5, 1, 1};
    const float not_finite[] = {1, 1, strtof("nan", NULL), 1, 5, 5, 1, 1};
    const float *const regions[] = {open_region, outside, not_finite};
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_gsps gsps;
    const char *path = tools_place("no.dcm");
    for (size_t i = 0; i < 3; i++) {
        begin_gsps(&gsps, source);
        gsps.points = regions[i];
        gsps.point_count = 4;
        assert_int_equal(dx_gsps_write(&gsps, path, &err), DX_INVALID);
    }
    begin_gsps(&gsps, source);
    gsps.point_count = 3;
    assert_int_equal(dx_gsps_write(&gsps, path, &err), DX_INVALID);
    begin_gsps(&gsps, source);
    gsps.header.reference_count = 0;
    assert_int_equal(dx_gsps_write(&gsps, path, &err), DX_INVALID);
    begin_gsps(&gsps, source);
    gsps.label = "";
    assert_int_equal(dx_gsps_write(&gsps, path, &err), DX_INVALID);
    begin_gsps(&gsps, source);
    gsps.rows = 0;
    assert_int_equal(dx_gsps_write(&gsps, path, &err), DX_INVALID);
    put(source, 0x0028, 0x0004, "CS", "RGB");
    begin_gsps(&gsps, source);
    assert_int_equal(dx_gsps_write(&gsps, path, &err), DX_UNSUPPORTED);
    dx_attrs_destroy(source);
}

static void begin_map(struct dx_pmap *map, const struct dx_attrs *source, const float *values)
{
    *map = (struct dx_pmap){.rows = 2,
                            .cols = 3,
                            .values = values,
                            .quantity = {"130404", "DCM", "Saliency"},
                            .unit = {"1", "UCUM", "no units"},
                            .explanation = "Saliency",
                            .qualification = "RESEARCH",
                            .label = "AI_SALIENCY",
                            .derivation = {"130404", "DCM", "Saliency"}};
    sample_header(&map->header);
    map->header.source = source;
}

/* A slice's map lies where the slice does; a radiograph's has a frame of reference of its own, the
 * same for each map of that image. */
static void maps_lie_where_their_image_does(void **state)
{
    (void)state;
    static const float values[6] = {0, -1, 2, 3, 4, 5};
    static char first[1 << 16], second[1 << 16];
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_pmap map;
    const char *path = tools_place("map.dcm");
    begin_map(&map, source, values);
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_OK);
    tools_valid(path);
    size_t count = tools_load(path, first, sizeof first);
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_OK);
    assert_int_equal(tools_load(path, second, sizeof second), count);
    assert_memory_equal(first, second, count);

    put(source, 0x0020, 0x0052, "UI", "1.2.3.4.77");
    put(source, 0x0020, 0x0032, "DS", "-10\\20.5\\-300");
    put(source, 0x0020, 0x0037, "DS", "1\\0\\0\\0\\0\\-1");
    put(source, 0x0018, 0x0050, "DS", "2.5");
    map.mm_per_row = map.mm_per_col = 0.4;
    map.header.modality = "CT";
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_OK);
    tools_valid(path);
    static const struct {
        const char *tag, *value;
    } said[] = {{"0020,0052", "1.2.3.4.77"},
                {"0020,0032", "-10\\20.5\\-300"},
                {"0020,0037", "1\\0\\0\\0\\0\\-1"},
                {"0018,0050", "2.5"},
                {"0028,0030", "0.4\\0.4"},
                {"0028,1050", "[2]"},
                {"0028,1051", "[6]"},
                {"0008,0060", "CT"}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        tools_prints((const char *const[]){"dcmdump", "+P", said[i].tag, path, NULL},
                     said[i].value);
    dx_attrs_destroy(source);
}

/* A window of VOI LUT Function LINEAR is never narrower than 1. */
static void small_numbers_are_a_valid_map(void **state)
{
    (void)state;
    static const float values[6] = {0.01F, 0.02F, 0.03F, 0.11F, 0.02F, 0.3F};
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_pmap map;
    const char *path = tools_place("small.dcm");
    begin_map(&map, source, values);
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_OK);
    tools_valid(path);
    tools_prints((const char *const[]){"dcmdump", "+P", "0028,1056", path, NULL}, "LINEAR_EXACT");
    dx_attrs_destroy(source);
}

static void bad_maps_are_refused(void **state)
{
    (void)state;
    float values[6] = {0, 1, 2, 3, 4, 5};
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_pmap map;
    const char *path = tools_place("no.dcm");
    begin_map(&map, source, values);
    values[5] = strtof("inf", NULL);
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_INVALID);
    values[5] = strtof("nan", NULL);
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_INVALID);
    values[5] = 5;
    map.quantity.meaning = NULL;
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_INVALID);
    begin_map(&map, source, values);
    map.qualification = NULL;
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_INVALID);
    begin_map(&map, source, values);
    map.cols = 70000;
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_INVALID);
    begin_map(&map, source, values);
    map.header.reference_count = 0;
    assert_int_equal(dx_pmap_write(&map, path, &err), DX_INVALID);
    dx_attrs_destroy(source);
}

/* All kinds beside their source image and each other: one patient, one study. */
static void kinds_agree_with_their_source(void **state)
{
    (void)state;
    static uint16_t plane[SAMPLE_ROWS * SAMPLE_COLS];
    static char paths[SAMPLE_KINDS + 1][128];
    const char *arguments[SAMPLE_KINDS + 3] = {"dcentvfy"};
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_expectation expected;
    const struct dx_synthetic image = {.attrs = source,
                                       .sop_instance = "1.2.3.4.1",
                                       .series = "1.2.3.4.5",
                                       .study = "1.2.3.4",
                                       .rows = SAMPLE_ROWS,
                                       .cols = SAMPLE_COLS,
                                       .pixels = plane};
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        char name[32];
        snprintf(name, sizeof name, "agree_%d.dcm", kind);
        snprintf(paths[kind], sizeof paths[kind], "%s", tools_place(name));
        sample_object((enum sample_kind)kind, source, paths[kind], &expected);
        arguments[kind + 1] = paths[kind];
    }
    snprintf(paths[SAMPLE_KINDS], sizeof paths[0], "%s", tools_place("image.dcm"));
    assert_int_equal(dx_synthetic_write(&image, paths[SAMPLE_KINDS], &err), DX_OK);
    arguments[SAMPLE_KINDS + 1] = paths[SAMPLE_KINDS];
    tools_agree(arguments);
    dx_attrs_destroy(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_valid),
        cmocka_unit_test(gsps_keeps_the_image_as_it_looks),
        cmocka_unit_test(bad_presentation_states_are_refused),
        cmocka_unit_test(maps_lie_where_their_image_does),
        cmocka_unit_test(small_numbers_are_a_valid_map),
        cmocka_unit_test(bad_maps_are_refused),
        cmocka_unit_test(kinds_agree_with_their_source),
    };
    return cmocka_run_group_tests(tests, tools_prepare, tools_clear);
}
