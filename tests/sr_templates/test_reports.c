/* Every report as a file, before dciodvfy (no error, no warning), dsrdump and PixelMed's
 * DicomSRValidator (no error). A validator that is not installed is named and passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dx_init.h"
#include "results.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/cervigate-reports-XXXXXX";
static struct sample_result list[MOST_RESULTS];
static size_t count;

static struct dx_attrs *make_source(void)
{
    static const struct {
        uint32_t tag;
        const char *vr, *text;
    } texts[] = {
        {DX_TAG(0x0008, 0x0005), "CS", "ISO_IR 100"},
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

static void write_report(const struct srt_template *template_, const struct dx_attrs *source,
                         const struct sample_result *sample, size_t number)
{
    struct dx_reference references[4];
    struct srt_error srt_err = {SRT_OK, ""};
    struct dx_error dx_err = {DX_OK, ""};
    char uid[65], path[128];
    struct srt_tree *tree;

    size_t images = sample->result.image_count, referenced = 0;

    for (size_t i = 0; i < images; i++) /* a conflict's two images have one UID */
        if (i == 0 || strcmp(references[referenced - 1].sop_instance,
                             sample->images[i].reference.sop_instance) != 0)
            references[referenced++] = sample->images[i].reference;
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
                       .predecessor_series = "2.25.400000000000000000000000000000000099998"};
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
    if (!mkdtemp(dir) || dx_init(NULL, NULL, &dx_err) != DX_OK ||
        srt_template_open(NULL, "en", &template_, &err) != SRT_OK)
        return -1;
    struct dx_attrs *source = make_source();
    count = make_results(list);
    for (size_t i = 0; i < count; i++)
        write_report(template_, source, &list[i], i + 1);
    dx_attrs_destroy(source);
    srt_template_close(template_);
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
    char command[512];
    FILE *pipe;

    snprintf(command, sizeof command, format, path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    output[fread(output, 1, size - 1, pipe)] = '\0';
    return pclose(pipe);
}

static void dciodvfy_has_nothing_to_say(void **state)
{
    static char output[65536];
    char path[128];

    (void)state;
    if (!has("dciodvfy")) {
        print_message("skipped: no dciodvfy\n");
        skip();
    }
    for (size_t i = 0; i < count; i++) {
        path_of(&list[i], path, sizeof path);
        int status = run("dciodvfy -new %s 2>&1", path, output, sizeof output);
        if (status != 0 || strstr(output, "Error") || strstr(output, "Warning"))
            print_error("%s:\n%s", list[i].name, output);
        assert_int_equal(status, 0);
        assert_null(strstr(output, "Error"));
        assert_null(strstr(output, "Warning"));
    }
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
        if (status != 0 || strstr(output, "E: ") || strstr(output, "W: "))
            print_error("%s:\n%s", list[i].name, output);
        assert_int_equal(status, 0);
        assert_null(strstr(output, "E: "));
        assert_null(strstr(output, "W: "));
        assert_non_null(strstr(output, "CAD Processing and Findings Summary"));
    }
}

static void pixelmed_finds_no_error(void **state)
{
    static char output[65536];
    int status;

    (void)state;
    status = run(CERVIGATE_SOURCE_DIR "/tests/sr_templates/pixelmed_validate.sh %s/*.dcm 2>&1", dir,
                 output, sizeof output);
    print_message("%s", output);
    if (status == 77 << 8)
        skip();
    assert_int_equal(status, 0);
    assert_non_null(strstr(output, " 0 errors"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dciodvfy_has_nothing_to_say),
        cmocka_unit_test(dsrdump_reads_the_tree),
        cmocka_unit_test(pixelmed_finds_no_error),
    };

    return cmocka_run_group_tests(tests, write_reports, remove_reports);
}
