/* Rejection notes: written by us and read back; what is none, or is hostile, is refused. */
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

static enum dx_status read_note(const char *path, struct dx_rejection *rejection,
                                struct dx_error *err)
{
    struct dx_limits limits;
    struct dx_object *object = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    dx_limits_default(&limits);
    assert_int_equal(dx_object_open(fd, &limits, &object, err), DX_OK);
    close(fd);
    enum dx_status status = dx_object_rejection(object, rejection, err);
    dx_object_close(object);
    return status;
}

static const struct dx_code titles[] = {
    {"113001", "DCM", "Rejected for Quality Reasons"},
    {"113037", "DCM", "Rejected for Patient Safety Reasons"},
    {"113038", "DCM", "Incorrect Modality Worklist Entry"},
    {"113039", "DCM", "Data Retention Policy Expired"},
};

/* Our own results: a report, a picture, a presentation state. */
static const struct dx_reference results[] = {
    {"1.2.840.10008.5.1.4.1.1.88.34", "2.25.501", "2.25.601"},
    {"1.2.840.10008.5.1.4.1.1.7", "2.25.502", "2.25.602"},
    {"1.2.840.10008.5.1.4.1.1.11.1", "2.25.503", "2.25.603"},
    {"1.2.840.10008.5.1.4.1.1.7", "2.25.504", "2.25.602"},
};

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_result_header header;
    sample_header(&header);
    header.source = source;
    header.references = results;
    header.reference_count = 4;
    for (size_t i = 0; i < 4; i++) {
        struct dx_rejection rejection;
        const char *path = tools_place("note.dcm");
        if (dx_rejection_write(&header, &titles[i], i % 2 ? NULL : "The accession number was wrong",
                               path, &err))
            fail_msg("%s", err.text);
        tools_valid(path);
        tools_prints((const char *const[]){"dsrdump", path, NULL}, titles[i].meaning);
        assert_int_equal(read_note(path, &rejection, &err), DX_OK);
        assert_string_equal(rejection.title.value, titles[i].value);
        assert_string_equal(rejection.title.meaning, titles[i].meaning);
        assert_int_equal(rejection.reference_count, 4);
        assert_memory_equal(rejection.references, results, sizeof results);
        dx_rejection_finish(&rejection);
        assert_null(rejection.references);
        if (i == 0)
            tools_prints((const char *const[]){"dcmdump", path, NULL}, "Other failure");
    }
    dx_rejection_finish(NULL);
    dx_attrs_destroy(source);
}

static void no_other_note_is_written(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_result_header header;
    const struct dx_code of_interest = {"113000", "DCM", "Of Interest"};
    const struct dx_code other_scheme = {"113001", "99X", "Rejected for Quality Reasons"};
    const char *path = tools_place("no.dcm");
    sample_header(&header);
    header.source = source;
    assert_int_equal(dx_rejection_write(&header, &of_interest, NULL, path, &err), DX_INVALID);
    assert_int_equal(dx_rejection_write(&header, &other_scheme, NULL, path, &err), DX_INVALID);
    assert_int_equal(dx_rejection_write(&header, NULL, NULL, path, &err), DX_INVALID);
    header.reference_count = 0;
    assert_int_equal(dx_rejection_write(&header, &titles[0], NULL, path, &err), DX_INVALID);
    dx_attrs_destroy(source);
}

/* 16 levels of content below the document's, and one more. */
#define LEVEL   "(0040,a730)[0]."
#define LEVELS4 LEVEL LEVEL LEVEL LEVEL

static void hostile_notes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *how, *what;
        enum dx_status status;
    } changes[] = {
        {"-m", "(0040,a043)[0].(0008,0100)=113000", DX_UNSUPPORTED},
        {"-m", "(0040,a043)[0].(0008,0102)=99X", DX_UNSUPPORTED},
        {"-e", "(0040,a043)", DX_UNSUPPORTED},
        {"-m", "(0008,0016)=1.2.840.10008.5.1.4.1.1.88.33", DX_UNSUPPORTED},
        {"-e", "(0040,a730)", DX_MALFORMED},
        {"-e", "(0040,a730)[1].(0008,1199)[0].(0008,1155)", DX_MALFORMED},
        {"-m", "(0040,a730)[1].(0008,1199)[0].(0008,1155)=../../etc", DX_MALFORMED},
        {"-m", "(0040,a730)[1].(0008,1199)[0].(0008,1150)=", DX_MALFORMED},
        {"-i", LEVELS4 LEVELS4 LEVELS4 LEVELS4 "(0040,a040)=TEXT", DX_OK},
        {"-i", LEVELS4 LEVELS4 LEVELS4 LEVELS4 LEVEL "(0040,a040)=TEXT", DX_LIMIT},
        {"-e", "(0040,a375)", DX_OK}, /* the series is not known then */
    };
    static char output[1 << 14];
    struct dx_attrs *source = sample_source();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct dx_expectation expected;
        struct dx_rejection rejection;
        struct dx_error err = {0};
        const char *path = tools_place("hostile.dcm");
        sample_object(SAMPLE_REJECTION, source, path, &expected);
        const char *const arguments[] = {"dcmodify",     "-nb",           "-nmu", "-q", "-imt",
                                         changes[i].how, changes[i].what, path,   NULL};
        int status = tools_run(arguments, output, sizeof output);
        if (status == 127) {
            print_message("skipped: no dcmodify\n");
            break;
        }
        if (status)
            fail_msg("dcmodify %s: %s", changes[i].what, output);
        enum dx_status got = read_note(path, &rejection, &err);
        if (got != changes[i].status)
            fail_msg("%s: %d %s", changes[i].what, (int)got, err.text);
        if (got == DX_OK) {
            assert_int_equal(rejection.reference_count, 3);
            if (strcmp(changes[i].how, "-e") == 0)
                assert_string_equal(rejection.references[0].series, "");
        } else {
            assert_null(rejection.references);
        }
        dx_rejection_finish(&rejection);
    }
    dx_attrs_destroy(source);
}

static void references_are_bounded(void **state)
{
    (void)state;
    static struct dx_reference many[DX_REJECTION_MAX + 1];
    static char output[1 << 14];
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_result_header header;
    struct dx_rejection rejection;
    const char *path = tools_place("many.dcm");
    sample_header(&header);
    header.source = source;
    header.references = many;
    for (size_t i = 0; i <= DX_REJECTION_MAX; i++) {
        many[i] = results[1];
        snprintf(many[i].sop_instance, DX_UID_MAX, "2.25.%zu", 1000 + i);
    }
    header.reference_count = DX_REJECTION_MAX + 1;
    assert_int_equal(dx_rejection_write(&header, &titles[1], NULL, path, &err), DX_INVALID);
    header.reference_count = DX_REJECTION_MAX;
    assert_int_equal(dx_rejection_write(&header, &titles[1], NULL, path, &err), DX_OK);
    assert_int_equal(read_note(path, &rejection, &err), DX_OK);
    assert_int_equal(rejection.reference_count, DX_REJECTION_MAX);
    assert_memory_equal(rejection.references, many, DX_REJECTION_MAX * sizeof *many);
    dx_rejection_finish(&rejection);

    const char *const arguments[] = {
        "dcmodify", "-nb",
        "-nmu",     "-q",
        "-i",       "(0040,a730)[4096].(0008,1199)[0].(0008,1150)=1.2.840.10008.5.1.4.1.1.7",
        "-i",       "(0040,a730)[4096].(0008,1199)[0].(0008,1155)=2.25.1",
        path,       NULL};
    if (tools_run(arguments, output, sizeof output) == 0)
        assert_int_equal(read_note(path, &rejection, &err), DX_LIMIT);
    dx_attrs_destroy(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_other_note_is_written),
        cmocka_unit_test(hostile_notes_are_refused),
        cmocka_unit_test(references_are_bounded),
    };
    return cmocka_run_group_tests(tests, tools_prepare, tools_clear);
}
