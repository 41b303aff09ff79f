/* Multi-frame True Color Secondary Capture: one picture for each of several images. */
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
#include <sys/resource.h>
#include <unistd.h>

/* Frames that are made when they are asked for; `denied` is the one that is not to be had. */
struct source {
    uint32_t rows, cols, next, denied, calls;
    uint8_t *rgb;
};

static uint8_t value_at(uint32_t frame, size_t i)
{
    return (uint8_t)(i * 31 + frame * 57);
}

static const uint8_t *give(void *context, uint32_t index)
{
    struct source *source = (struct source *)context;
    source->calls++;
    if (index != source->next++ || index == source->denied)
        return NULL;
    for (size_t i = 0; i < (size_t)source->rows * source->cols * 3; i++)
        source->rgb[i] = value_at(index, i);
    return source->rgb;
}

static void begin(struct dx_sc *sc, struct source *source, const struct dx_attrs *attrs,
                  uint32_t rows, uint32_t cols)
{
    *source = (struct source){
        .rows = rows, .cols = cols, .denied = UINT32_MAX, .rgb = malloc((size_t)rows * cols * 3)};
    assert_non_null(source->rgb);
    *sc = (struct dx_sc){.rows = rows,
                         .cols = cols,
                         .frames = 3,
                         .frame = give,
                         .context = source,
                         .derivation_description = "Saliency of the score",
                         .derivation = {"130404", "DCM", "Saliency"}};
    sample_header(&sc->header);
    sc->header.source = attrs;
}

static void compare(const char *path, uint32_t frames)
{
    struct dx_limits limits;
    struct dx_error err = {0};
    struct dx_object *object = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    dx_limits_default(&limits);
    assert_int_equal(dx_object_open(fd, &limits, &object, &err), DX_OK);
    for (uint32_t i = 0; i < frames; i++) {
        struct dx_frame frame;
        assert_int_equal(dx_object_frame(object, i, &frame, &err), DX_OK);
        for (size_t j = 0; j < frame.count; j++)
            if (frame.bytes[j] != value_at(i, j))
                fail_msg("frame %u, byte %zu", i, j);
        dx_frame_finish(&frame);
    }
    dx_object_close(object);
    close(fd);
}

/* Also when all pixels together are an odd number of bytes, and when a frame is larger than what is
 * written at once. */
static void frames_arrive_in_order(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{5, 7}, {12, 17}, {301, 401}};
    struct dx_attrs *attrs = sample_source();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct dx_error err = {0};
        struct source source;
        struct dx_sc sc;
        const char *path = tools_place("frames.dcm");
        begin(&sc, &source, attrs, sizes[i][0], sizes[i][1]);
        if (dx_sc_write(&sc, path, &err))
            fail_msg("%s", err.text);
        assert_int_equal(source.calls, 3);
        tools_valid(path);
        tools_prints((const char *const[]){"dcmdump", "+P", "0018,2001", path, NULL}, "1\\2\\3");
        compare(path, 3);
        free(source.rgb);
    }
    dx_attrs_destroy(attrs);
}

static void one_frame_is_a_secondary_capture(void **state)
{
    (void)state;
    struct dx_attrs *attrs = sample_source();
    struct dx_error err = {0};
    struct source source;
    struct dx_sc sc;
    const char *path = tools_place("one.dcm");
    begin(&sc, &source, attrs, 8, 9);
    sc.frames = 1;
    sc.header.modality = "DX";
    assert_int_equal(dx_sc_write(&sc, path, &err), DX_OK);
    tools_valid(path);
    compare(path, 1);
    tools_prints((const char *const[]){"dcmdump", "+P", "0008,0016", path, NULL},
                 "=SecondaryCaptureImageStorage");
    tools_prints((const char *const[]){"dcmdump", "+P", "0008,0060", path, NULL}, "[DX]");
    free(source.rgb);
    dx_attrs_destroy(attrs);
}

static void missing_frames_are_told(void **state)
{
    (void)state;
    struct dx_attrs *attrs = sample_source();
    struct dx_error err = {0};
    struct source source;
    struct dx_sc sc;
    const char *path = tools_place("missing.dcm");
    for (uint32_t denied = 0; denied < 3; denied++) {
        begin(&sc, &source, attrs, 12, 17);
        source.denied = denied;
        assert_int_equal(dx_sc_write(&sc, path, &err), DX_IO);
        assert_int_equal(access(path, F_OK), -1); /* no half file stays */
        free(source.rgb);
    }
    begin(&sc, &source, attrs, 12, 17);
    sc.frame = NULL;
    assert_int_equal(dx_sc_write(&sc, path, &err), DX_INVALID);
    sc.frame = give;
    sc.frames = 4; /* of three images */
    assert_int_equal(dx_sc_write(&sc, path, &err), DX_INVALID);
    sc.frames = 1;
    source.denied = 0;
    assert_int_equal(dx_sc_write(&sc, path, &err), DX_IO);
    sc.frame = NULL;
    assert_int_equal(dx_sc_write(&sc, path, &err), DX_INVALID);
    free(source.rgb);
    dx_attrs_destroy(attrs);
}

/* 200 MB of frames, while no more than a few of them are in memory. */
static void frames_are_streamed(void **state)
{
    (void)state;
    enum { IMAGES = 90 };
    static struct dx_reference images[IMAGES];
    struct dx_attrs *attrs = sample_source();
    struct dx_error err = {0};
    struct source source;
    struct rusage before, after;
    struct dx_sc sc;
    const char *path = tools_place("large.dcm");
    for (int i = 0; i < IMAGES; i++) {
        images[i] = (struct dx_reference){"1.2.840.10008.5.1.4.1.1.2", "", "1.2.3.4.5"};
        snprintf(images[i].sop_instance, DX_UID_MAX, "1.2.3.4.%d", i);
    }
    begin(&sc, &source, attrs, 700, 1100);
    sc.frames = IMAGES;
    sc.header.references = images;
    sc.header.reference_count = IMAGES;
    getrusage(RUSAGE_SELF, &before);
    if (dx_sc_write(&sc, path, &err))
        fail_msg("%s", err.text);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
    assert_int_equal(source.calls, IMAGES);
    unlink(path);
    free(source.rgb);
    dx_attrs_destroy(attrs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_streamed), /* first: the peak of memory counts */
        cmocka_unit_test(frames_arrive_in_order),
        cmocka_unit_test(one_frame_is_a_secondary_capture),
        cmocka_unit_test(missing_frames_are_told),
    };
    return cmocka_run_group_tests(tests, tools_prepare, tools_clear);
}
