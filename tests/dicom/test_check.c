/* The self-check: our good objects pass; each way of breaking one is told by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sample_objects.h"
#include "tools.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void good_objects_pass(void **state)
{
    (void)state;
    struct dx_error err = {0};
    struct dx_attrs *source = sample_source(), *converted = NULL;
    assert_int_equal(dx_attrs_to_utf8(source, &converted, &err), DX_OK);
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        struct dx_expectation expected;
        const char *path = tools_place("good.dcm");
        sample_object((enum sample_kind)kind, source, path, &expected);
        if (dx_result_check(path, &expected, &err))
            fail_msg("kind %d: %s", kind, err.text);
        sample_object((enum sample_kind)kind, converted, path, &expected);
        if (dx_result_check(path, &expected, &err))
            fail_msg("kind %d in UTF-8: %s", kind, err.text);
    }
    dx_attrs_destroy(converted);
    dx_attrs_destroy(source);
}

#define CONTENT "(0040,a730)"
#define GROUP   CONTENT "[5]." CONTENT "[0]." CONTENT
#define NUMBER  GROUP "[6].(0040,a300)[0]."

/* The words of dcmodify that break the object, and what must be said then. */
static const struct mutation {
    enum sample_kind kind;
    const char *how, *what, *said;
} mutations[] = {
    /* mandatory attributes */
    {SAMPLE_SR, "-e", "(0040,a491)", "CompletionFlag"},
    {SAMPLE_SR, "-m", "(0040,a493)=", "VerificationFlag"},
    {SAMPLE_SR, "-e", "(0040,a372)", "PerformedProcedureCodeSequence"},
    {SAMPLE_SR, "-e", "(0010,0010)", "PatientName"},
    {SAMPLE_SR, "-e", CONTENT "[0].(0040,a010)", "RelationshipType"},
    {SAMPLE_SR, "-e", NUMBER "(0040,08ea)", "MeasurementUnitsCodeSequence"},
    {SAMPLE_SR, "-e", GROUP "[5].(0040,a160)", "TextValue"},
    {SAMPLE_SR, "-e", GROUP "[5].(0040,a043)", "ConceptNameCodeSequence"},
    {SAMPLE_SR, "-m", GROUP "[5].(0040,a040)=WAVEFORM", "ValueType"},
    {SAMPLE_SC, "-e", "(0008,0064)", "ConversionType"},
    {SAMPLE_SC, "-e", "(0028,0006)", "PlanarConfiguration"},
    {SAMPLE_SC, "-e", "(0008,2112)[0].(0008,1150)", "ReferencedSOPClassUID"},
    {SAMPLE_SC, "-e", "(7fe0,0010)", "PixelData"},
    {SAMPLE_GSPS, "-e", "(0070,0060)", "GraphicLayerSequence"},
    {SAMPLE_GSPS, "-e", "(0070,0001)[0].(0070,0009)[0].(0070,0022)", "GraphicData"},
    {SAMPLE_GSPS, "-e", "(0070,005a)[0].(0070,0100)", "PresentationSizeMode"},
    {SAMPLE_GSPS, "-m", "(0070,0001)[0].(0070,0008)[0].(0070,0006)=normal", "\"normal\""},
    {SAMPLE_GSPS, "-m", "(0070,0001)[0].(0008,1140)[0].(0008,1155)=1.2.3.99", "1.2.3.99"},
    {SAMPLE_PMAP, "-e", "(0018,9004)", "ContentQualification"},
    {SAMPLE_PMAP, "-e", "(5200,9229)[0].(0040,9096)[0].(0040,08ea)",
     "MeasurementUnitsCodeSequence"},
    {SAMPLE_PMAP, "-m", "(5200,9229)[0].(0040,9096)[0].(0040,9225)=nan", "RealWorldValueSlope"},
    {SAMPLE_PMAP, "-e", "(5200,9230)[0].(0020,9111)[0].(0020,9157)", "DimensionIndexValues"},
    {SAMPLE_PMAP, "-m", "(0028,0010)=13", "FloatPixelData"},
    {SAMPLE_PMAP, "-e", "(7fe0,0008)", "FloatPixelData"},
    {SAMPLE_REJECTION, "-e", "(0040,a375)", "CurrentRequestedProcedureEvidenceSequence"},
    {SAMPLE_REJECTION, "-e", "(0040,a730)[1].(0008,1199)", "ReferencedSOPSequence"},
    {SAMPLE_REJECTION, "-m", "(0040,a043)[0].(0008,0104)=Absent", "\"absent\""},
    /* UIDs, identity */
    {SAMPLE_SR, "-m", "(0020,000e)=", "SeriesInstanceUID"},
    {SAMPLE_SR, "-m", "(0020,000e)=2.25.99", "SeriesInstanceUID"},
    {SAMPLE_SR, "-m", "(0008,0018)=2.25.99", "SOPInstanceUID"},
    {SAMPLE_SR, "-m", GROUP "[1].(0040,a124)=", "UID"},
    {SAMPLE_SR, "-m", GROUP "[1].(0040,a124)=nonsense", "UID"},
    {SAMPLE_SR, "-m", "(0008,0016)=1.2.840.10008.5.1.4.1.1.88.33", "SOPClassUID"},
    /* numbers, values, VRs */
    {SAMPLE_SR, "-m", NUMBER "(0040,a30a)=NaN", "NumericValue"},
    {SAMPLE_SR, "-m", NUMBER "(0040,a30a)=inf", "NumericValue"},
    {SAMPLE_SR, "-m", "(0020,0013)=1\\2", "2 values"},
    {SAMPLE_SR, "-m", "(0008,0023)=2026-11-22", "ContentDate"},
    {SAMPLE_SR, "-m", "(0040,a491)=complete", "CompletionFlag"},
    {SAMPLE_SR, "-i", "(0009,0010)=PRIVATE", "0009,0010"},
    {SAMPLE_SR, "-i", "(0018,605a)=nan", "TableOfParameterValues"},
    {SAMPLE_SR, "-m",
     "(0008,103e)=This description of a series is a good deal longer than the standard allows it",
     "SeriesDescription"},
    /* words */
    {SAMPLE_SR, "-m", "(0008,103e)=Everything is Normal", "\"normal\""},
    {SAMPLE_SR, "-m", GROUP "[2].(0040,a168)[0].(0008,0104)=Absent", "\"absent\""},
    {SAMPLE_SR, "-m", GROUP "[5].(0040,a160)=There is no  FRACTURE", "\"no fracture\""},
    {SAMPLE_SC, "-m", "(0008,2111)=RESEARCH, normal", "\"normal\""},
    {SAMPLE_SR, "-m", "(0008,103e)=\xc3\xa4", "not ASCII"},
    /* references */
    {SAMPLE_SR, "-m", GROUP "[7].(0008,1199)[0].(0008,1155)=1.2.3.99", "1.2.3.99"},
    {SAMPLE_SR, "-m", "(0040,a375)[0].(0020,000d)=1.2.3.99", "another study"},
    {SAMPLE_SR, "-m", "(0040,a375)[0].(0008,1115)[0].(0020,000e)=1.2.3.4.6", "not of series"},
    {SAMPLE_SR, "-m", "(0040,a375)[0].(0008,1115)[0].(0008,1199)[0].(0008,1155)=1.2.3.4.3",
     "not listed"},
    {SAMPLE_SC, "-m", "(0008,2112)[1].(0008,1155)=1.2.3.99", "1.2.3.99"},
    {SAMPLE_SC, "-m", "(0008,2112)[1].(0008,1150)=1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.2"},
    /* patient and study */
    {SAMPLE_SR, "-m", "(0010,0020)=4712", "PatientID"},
    {SAMPLE_SR, "-i", "(0010,4000)=A comment", "PatientComments"},
    {SAMPLE_SR, "-m", "(0008,1030)=", "StudyDescription"},
    {SAMPLE_SC, "-m", "(0008,0050)=ACC-2", "AccessionNumber"},
    {SAMPLE_SC, "-m", "(0020,000d)=1.2.3.99", "StudyInstanceUID"},
    /* codes */
    {SAMPLE_SR, "-m", GROUP "[2].(0040,a168)[0].(0008,0102)=99OTHER", "99OTHER"},
    {SAMPLE_SR, "-m", GROUP "[2].(0040,a168)[0].(0008,0104)=", "CodeMeaning"},
    {SAMPLE_SR, "-e", GROUP "[2].(0040,a168)[0].(0008,0102)", "CodingSchemeDesignator"},
    {SAMPLE_SR, "-e", GROUP "[2].(0040,a168)[0].(0008,0100)", "CodeValue"},
    {SAMPLE_SC, "-i", "(0008,9215)[0].(0008,0119)=123456789012345678", "LongCodeValue"},
    /* pixels */
    {SAMPLE_SC, "-m", "(0028,0010)=13", "PixelData"},
    {SAMPLE_SC, "-m", "(0028,0011)=16", "PixelData"},
    {SAMPLE_SC, "-m", "(0028,0002)=1", "PixelData"},
    {SAMPLE_SC, "-m", "(0028,0010)=0", "PixelData"},
};

static void every_breach_is_told(void **state)
{
    (void)state;
    static char output[1 << 14];
    struct dx_attrs *source = sample_source();
    for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++) {
        const struct mutation *mutation = &mutations[i];
        struct dx_expectation expected;
        struct dx_error err = {0};
        const char *path = tools_place("broken.dcm");
        sample_object(mutation->kind, source, path, &expected);
        const char *const arguments[] = {"dcmodify",    "-nb",          "-nmu", "-q",
                                         mutation->how, mutation->what, path,   NULL};
        int status = tools_run(arguments, output, sizeof output);
        if (status == 127) {
            print_message("skipped: no dcmodify\n");
            break;
        }
        if (status)
            fail_msg("dcmodify %s %s: %s", mutation->how, mutation->what, output);
        if (dx_result_check(path, &expected, &err) != DX_INVALID)
            fail_msg("%s %s: passed", mutation->how, mutation->what);
        if (!strstr(err.text, mutation->said))
            fail_msg("%s %s: \"%s\"", mutation->how, mutation->what, err.text);
    }
    dx_attrs_destroy(source);
}

/* What dcmodify will not write: a file cut short, and a number changed in its bytes. */
static void broken_bytes_are_told(void **state)
{
    (void)state;
    static char bytes[1 << 16];
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        struct dx_expectation expected;
        const char *path = tools_place("cut.dcm");
        sample_object((enum sample_kind)kind, source, path, &expected);
        size_t count = tools_load(path, bytes, sizeof bytes);
        for (size_t cut = 2; cut < count; cut += count / 9) {
            if (truncate(path, (off_t)(count - cut)))
                fail();
            assert_int_equal(dx_result_check(path, &expected, &err), DX_INVALID);
        }
    }
    dx_attrs_destroy(source);
}

/* The map's last value becomes a NaN. */
static void map_values_are_finite(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_expectation expected;
    const char *path = tools_place("nan.dcm");
    const uint8_t nan_bytes[4] = {0, 0, 0xc0, 0x7f};
    sample_object(SAMPLE_PMAP, source, path, &expected);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(lseek(fd, -4, SEEK_END) > 0);
    assert_int_equal(write(fd, nan_bytes, 4), 4);
    close(fd);
    assert_int_equal(dx_result_check(path, &expected, &err), DX_INVALID);
    assert_non_null(strstr(err.text, "FloatPixelData"));
    dx_attrs_destroy(source);
}

static void other_expectations_fail(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_expectation expected, changed;
    const char *path = tools_place("sr.dcm");
    sample_object(SAMPLE_SR, source, path, &expected);
    changed = expected;
    changed.reference_count = 1; /* the evidence lists three */
    assert_int_equal(dx_result_check(path, &changed, &err), DX_INVALID);
    changed = expected;
    changed.required = "another sentence";
    assert_int_equal(dx_result_check(path, &changed, &err), DX_INVALID);
    changed = expected;
    changed.source = NULL;
    assert_int_equal(dx_result_check(path, &changed, &err), DX_INVALID);
    assert_int_equal(dx_result_check("/nonexistent/sr.dcm", &expected, &err), DX_MISSING);
    /* A word of the source's own patient is none of ours. */
    assert_int_equal(dx_attrs_set_text(source, DX_TAG(0x0010, 0x0010), "PN", "Normal^Nora"), DX_OK);
    sample_object(SAMPLE_SR, source, path, &expected);
    if (dx_result_check(path, &expected, &err))
        fail_msg("%s", err.text);
    dx_attrs_destroy(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_objects_pass),       cmocka_unit_test(every_breach_is_told),
        cmocka_unit_test(broken_bytes_are_told),   cmocka_unit_test(map_values_are_finite),
        cmocka_unit_test(other_expectations_fail),
    };
    return cmocka_run_group_tests(tests, tools_prepare, tools_clear);
}
