/* Every report as a file, before dciodvfy, dsrdump and PixelMed's DicomSRValidator: no error and no
 * warning but one. dciodvfy knows no private coding scheme but 99SDM, so it warns of each code of
 * 99CERVIGATE; that line alone is passed. Languages go by turns, and every third text is ASCII
 * beside a source of ISO_IR 100. A validator that is not installed is named and passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dx_init.h"
#include "results.h"
#include "srt_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/cervigate-reports-XXXXXX";
static struct sample_result list[MOST_RESULTS];
static size_t count;

static const char *const languages[] = {"en", "de", "fr", "es"};

static struct dx_attrs *make_source(const char *character_set)
{
    const struct {
        uint32_t tag;
        const char *vr, *text;
    } texts[] = {
        {DX_TAG(0x0008, 0x0005), "CS", character_set},
        {DX_TAG(0x0008, 0x0020), "DA", "20260101"},
        {DX_TAG(0x0008, 0x0030), "TM", "120000"},
        {DX_TAG(0x0008, 0x0050), "SH", "A1"},
        {DX_TAG(0x0008, 0x0090), "PN", ""},
        {DX_TAG(0x0010, 0x0010), "PN", "Test^Patient"},
        {DX_TAG(0x0010, 0x0020), "LO", "P1"},
        {DX_TAG(0x0010, 0x0030), "DA", "19600101"},
        {DX_TAG(0x0010, 0x0040), "CS", "O"},
        {DX_TAG(0x0020, 0x0010), "SH", "1"},
        {DX_TAG(0x0020, 0x000d), "UI", "1.2.826.0.1.3680043.10.1.1"},
    };
    struct dx_attrs *attrs = dx_attrs_create();

    assert_non_null(attrs);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(dx_attrs_set_text(attrs, texts[i].tag, texts[i].vr, texts[i].text), DX_OK);
    return attrs;
}

static void path_of(const struct sample_result *sample, char *path, size_t size)
{
    snprintf(path, size, "%s/%.47s.dcm", dir, sample->name);
}

/* Each object once: a conflict's two images have one UID, a series has its slices. */
static size_t list_references(const struct srt_result *result, struct dx_reference *references)
{
    size_t used = 0;

    for (size_t i = 0; i < result->image_count; i++) {
        const struct srt_image *image = &result->images[i];
        for (size_t j = 0; j < image->slice_count; j++)
            references[used++] = image->slices[j];
        if (image->slice_count == 0 && (used == 0 || strcmp(references[used - 1].sop_instance,
                                                            image->reference.sop_instance) != 0))
            references[used++] = image->reference;
    }
    return used;
}

static void write_report(const struct srt_template *template_, const struct dx_attrs *source,
                         const struct sample_result *sample, size_t number)
{
    struct dx_reference references[4 + SAMPLE_SLICES];
    struct srt_error srt_err = {SRT_OK, ""};
    struct dx_error dx_err = {.status = DX_OK};
    char uid[65], path[128];
    struct srt_tree *tree;
    struct srt_scheme scheme;
    size_t referenced = list_references(&sample->result, references);

    srt_template_scheme(template_, &scheme);
    snprintf(uid, sizeof uid, "2.25.4000000000000000000000000000000000%05zu", number);
    assert_int_equal(srt_fill(template_, &sample->result, &tree, &srt_err), SRT_OK);
    struct dx_sr sr = {.header = {.source = source,
                                  .sop_instance = uid,
                                  .series = "2.25.400000000000000000000000000000000099999",
                                  .series_number = 9001,
                                  .instance_number = (int)number,
                                  .series_description = "RESEARCH cervigate",
                                  .manufacturer = sample->result.manufacturer,
                                  .model_name = sample->result.model_name,
                                  .software_versions = "0.1.0",
                                  .device_serial = "0001",
                                  .station_ae = sample->result.station_ae,
                                  .content_date = "20260102",
                                  .content_time = "120000",
                                  .timezone = "+0000",
                                  .references = references,
                                  .reference_count = referenced},
                       .sop_class = DX_COMPREHENSIVE_3D_SR,
                       .root = srt_tree_root(tree),
                       .predecessor = sample->result.amends,
                       .predecessor_series = "2.25.400000000000000000000000000000000099998",
                       .scheme = scheme.designator,
                       .scheme_name = scheme.name,
                       .scheme_organization = scheme.organization};
    path_of(sample, path, sizeof path);
    enum dx_status status = dx_sr_write(&sr, path, &dx_err);
    assert_string_equal(dx_err.text, "");
    assert_int_equal(status, DX_OK);
    srt_tree_destroy(tree);
}

static int write_reports(void **state)
{
    struct srt_template *template_;
    struct srt_error err;
    struct dx_error dx_err;

    (void)state;
    if (!mkdtemp(dir) || dx_init(NULL, NULL, &dx_err) != DX_OK)
        return -1;
    count = make_results(list);
    for (size_t i = 0; i < count; i++) {
        list[i].result.ascii = i % 3 == 2;
        struct dx_attrs *source = make_source(list[i].result.ascii ? "ISO_IR 100" : "ISO_IR 192");
        if (srt_template_open(NULL, languages[i % 4], &template_, &err) != SRT_OK)
            return -1;
        write_report(template_, source, &list[i], i + 1);
        dx_attrs_destroy(source);
        srt_template_close(template_);
    }
    return 0;
}

static int remove_reports(void **state)
{
    char path[128];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        path_of(&list[i], path, sizeof path);
        unlink(path);
    }
    return rmdir(dir);
}

static bool has(const char *program)
{
    char command[128];

    snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    return system(command) == 0;
}

/* Runs a command over a file; its output, both streams. */
static int run(const char *format, const char *path, char *output, size_t size)
{
    char command[16384];
    FILE *pipe;

    snprintf(command, sizeof command, format, path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    output[fread(output, 1, size - 1, pipe)] = '\0';
    return pclose(pipe);
}

/* Whether a line says nothing, or only that 99CERVIGATE is private. */
static bool is_passed(const char *line)
{
    static const char warning[] = "Warning - <";
    static const char what[] = "/CodingSchemeDesignator(0008,0102)[1]> - Unrecognized defined term "
                               "= <99CERVIGATE>";
    size_t length = strlen(line);

    if (!strstr(line, "Error") && !strstr(line, "Warning"))
        return true;
    return strncmp(line, warning, sizeof warning - 1) == 0 && length >= sizeof what &&
           strcmp(line + length - (sizeof what - 1), what) == 0;
}

static void dciodvfy_says_only_that_our_codes_are_private(void **state)
{
    static char output[65536];
    char path[128];

    (void)state;
    if (!has("dciodvfy")) {
        print_message("skipped: no dciodvfy\n");
        skip();
    }
    assert_false(is_passed("Error - <x/CodingSchemeDesignator(0008,0102)[1]> - Unrecognized "
                           "defined term = <99CERVIGATE>"));
    assert_false(is_passed("Warning - <x/CodingSchemeDesignator(0008,0102)[1]> - Unrecognized "
                           "defined term = <99OTHER>"));
    for (size_t i = 0; i < count; i++) {
        path_of(&list[i], path, sizeof path);
        int status = run("dciodvfy -new %s 2>&1", path, output, sizeof output);
        assert_int_equal(status, 0);
        assert_non_null(strstr(output, "Comprehensive3DSR"));
        for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n")) {
            if (!is_passed(line))
                print_error("%s: %s\n", list[i].name, line);
            assert_true(is_passed(line));
        }
    }
}

/* DCMTK's checker of value representations knows single-byte sets only, and says so first. */
static const char *after_passed(const char *output)
{
    static const char known[] =
        "W: The VR checker does not support this Specific Character Set: ISO_IR 192\n";

    return strncmp(output, known, sizeof known - 1) == 0 ? output + sizeof known - 1 : output;
}

static void dsrdump_reads_the_tree(void **state)
{
    static char output[65536];
    char path[128];

    (void)state;
    if (!has("dsrdump")) {
        print_message("skipped: no dsrdump\n");
        skip();
    }
    for (size_t i = 0; i < count; i++) {
        path_of(&list[i], path, sizeof path);
        int status = run("dsrdump +Pc %s 2>&1", path, output, sizeof output);
        const char *said = after_passed(output);
        if (status != 0 || strstr(said, "E: ") || strstr(said, "W: "))
            print_error("%s:\n%s", list[i].name, output);
        assert_int_equal(status, 0);
        assert_null(strstr(said, "E: "));
        assert_null(strstr(said, "W: "));
        assert_non_null(strstr(output, "CAD Processing and Findings Summary"));
        assert_int_equal(strstr(output, "SCOORD") != NULL, list[i].images[0].region != NULL);
    }
}

/* PixelMed takes the groups of a report for TID 1410 when exactly one of them has a region, all of
 * them, and then misses the others' regions. The Standard decides for each group. */
static bool is_mixed(const struct srt_result *result)
{
    size_t regions = 0, groups = 0;

    for (size_t i = 0; i < result->image_count; i++) {
        const struct srt_image *image = &result->images[i];
        for (size_t m = 0; m < result->model_count; m++) {
            size_t findings = 0;
            for (size_t c = 0; c < image->opinion[m].classes; c++)
                findings += srt_is_named(image, &image->opinion[m].class_[c]);
            size_t here = image->opinion[m].classes == 0 ? 0 : findings > 1 ? findings : 1;
            groups += here;
            regions += image->region && m == 0 ? here : 0;
        }
    }
    return regions == 1 && groups > 1;
}

/* PixelMed takes a second or two for each file, so of reports of one shape it sees one, unless
 * CERVIGATE_ALL_REPORTS is set. */
static bool is_another_of_its_shape(const char *name)
{
    static const char *const others[] = {
        "no-finding-real-model", "part-no-finding",       "no-finding-noted",
        "no-finding-uncovered",  "incomplete-short",      "finding-short",
        "two-models-no-finding", "two-models-one-judged", "amended-corrected",
        "amended-rejected",      "amended-by-person"};
    bool is_other =
        strncmp(name, "not-processed-", 14) == 0 && strcmp(name, "not-processed-wrong-view") != 0;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        is_other |= strcmp(name, others[i]) == 0;
    return is_other && !getenv("CERVIGATE_ALL_REPORTS");
}

static void pixelmed_finds_nothing(void **state)
{
    static char output[65536], command[16384];
    size_t files = 0;
    char last[64];
    int status;

    (void)state;
    snprintf(command, sizeof command,
             CERVIGATE_SOURCE_DIR "/tests/sr_templates/pixelmed_validate.sh");
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(command);
        if (is_another_of_its_shape(list[i].name) || is_mixed(&list[i].result))
            continue;
        files++;
        snprintf(command + used, sizeof command - used, " %s/%.47s.dcm", dir, list[i].name);
    }
    status = run("%s 2>&1", command, output, sizeof output);
    print_message("%s", output);
    if (status == 77 << 8)
        skip();
    assert_int_equal(status, 0);
    snprintf(last, sizeof last, "%zu files, 0 errors, 0 warnings", files);
    assert_non_null(strstr(output, last));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dciodvfy_says_only_that_our_codes_are_private),
        cmocka_unit_test(dsrdump_reads_the_tree),
        cmocka_unit_test(pixelmed_finds_nothing),
    };

    return cmocka_run_group_tests(tests, write_reports, remove_reports);
}
