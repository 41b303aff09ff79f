/* Templates that are wrong: each is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "srt_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD  "<template xmlns=\"urn:cervigate:template:1\" name=\"t\" version=\"7\">\n"
#define CODES "<codes><code id=\"a\" value=\"1\" scheme=\"DCM\" meaning=\"A\"/></codes>\n"
#define TAIL  "</template>\n"

static char dir[] = "/tmp/cervigate-template-XXXXXX";

static enum srt_status open_text(const char *text, size_t size, struct srt_template **template_,
                                 struct srt_error *err)
{
    char path[64];
    FILE *out;

    snprintf(path, sizeof path, "%s/cspine.xml", dir);
    out = fopen(path, "w");
    assert_non_null(out);
    fwrite(text, 1, size, out);
    fclose(out);
    return srt_template_open(dir, "en", template_, err);
}

static void refuse(const char *text, const char *word)
{
    struct srt_template *template_;
    struct srt_error err = {SRT_OK, ""};

    assert_int_equal(open_text(text, strlen(text), &template_, &err), SRT_BAD_TEMPLATE);
    assert_null(template_);
    if (!strstr(err.text, word))
        print_error("%s\n", err.text);
    assert_non_null(strstr(err.text, word));
}

static void shipped_one_is_built_in(void **state)
{
    struct srt_template *built_in, *file;
    struct srt_error err;

    (void)state;
    assert_int_equal(srt_template_open(NULL, "en", &built_in, &err), SRT_OK);
    assert_int_equal(srt_template_open(CERVIGATE_SOURCE_DIR "/sr_templates", "en", &file, &err),
                     SRT_OK);
    assert_string_equal(srt_template_version(built_in), srt_template_version(file));
    assert_true(srt_template_codes(built_in, "fracture"));
    assert_true(srt_template_codes(built_in, "dislocation"));
    assert_false(srt_template_codes(built_in, "Fracture"));
    assert_false(srt_template_codes(built_in, "site"));
    assert_false(srt_template_codes(built_in, ""));
    srt_template_close(built_in);
    srt_template_close(file);
    srt_template_close(NULL);
}

static void a_small_one_works(void **state)
{
    static const char text[] = HEAD CODES "<container row=\"1\" name=\"a\"/>\n" TAIL;
    struct srt_template *template_;
    struct srt_error err;

    (void)state;
    assert_int_equal(open_text(text, sizeof text - 1, &template_, &err), SRT_OK);
    assert_string_equal(srt_template_version(template_), "7");
    srt_template_close(template_);
}

static void wrong_ones_are_refused(void **state)
{
    (void)state;
    refuse("", "not well-formed");
    refuse("<template>", "not well-formed");
    refuse("<!DOCTYPE template><template/>", "DTD");
    refuse("<template/>", "line 1");
    refuse(HEAD CODES TAIL, "line 1");
    refuse(HEAD CODES "<text row=\"1\" name=\"a\" value=\"x\"/>\n" TAIL, "line 3");
    refuse(HEAD CODES "<container row=\"1\"/>\n" TAIL, "line 3: a row needs name");
    refuse(HEAD CODES "<container row=\"1\" name=\"b\"/>\n" TAIL, "line 3: no code \"b\"");
    refuse(HEAD CODES "<container row=\"1\" name=\"a\" when=\"moon\"/>\n" TAIL, "\"moon\"");
    refuse(HEAD CODES "<container row=\"1\" name=\"a\" each=\"leaf\"/>\n" TAIL, "line 3");
    refuse(HEAD CODES "<container row=\"1\" name=\"a\">\n<text row=\"2\" name=\"a\" "
                      "value=\"{moon}\"/></container>\n" TAIL,
           "line 4: no value {moon}");
    refuse(HEAD CODES "<container row=\"1\" name=\"a\">\n<text row=\"2\" name=\"a\" "
                      "value=\"{rows\"/></container>\n" TAIL,
           "line 4: no value {rows");
    refuse(HEAD CODES "<container row=\"1\" name=\"a\">\n<num row=\"2\" name=\"a\" "
                      "value=\"1\"/></container>\n" TAIL,
           "line 4: a row needs");
    refuse(HEAD "<codes><code id=\"a\" value=\"1\" scheme=\"DCM\" meaning=\"A\"/>"
                "<code id=\"a\" value=\"2\" scheme=\"DCM\" meaning=\"B\"/></codes>\n"
                "<container row=\"1\" name=\"a\"/>" TAIL,
           "line 2");
    refuse(HEAD "<codes><code id=\"a\" value=\"12345678901234567\" scheme=\"DCM\" "
                "meaning=\"A\"/></codes>\n<container row=\"1\" name=\"a\"/>" TAIL,
           "line 2");
}

static void missing_and_large_ones_are_refused(void **state)
{
    struct srt_template *template_;
    struct srt_error err;
    char *text = malloc(SRT_MAX_TEMPLATE + 2u);

    (void)state;
    assert_int_equal(srt_template_open("/nonexistent", "en", &template_, &err), SRT_MISSING);
    assert_non_null(strstr(err.text, "No such file"));
    assert_non_null(text);
    memset(text, ' ', SRT_MAX_TEMPLATE + 2u);
    assert_int_equal(open_text(text, SRT_MAX_TEMPLATE + 2u, &template_, &err), SRT_BAD_TEMPLATE);
    assert_non_null(strstr(err.text, "1048576"));
    free(text);
    assert_string_equal(srt_status_text(SRT_BAD_TEMPLATE), "template is wrong");
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "%s/cspine.xml", dir);
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_one_is_built_in),
        cmocka_unit_test(a_small_one_works),
        cmocka_unit_test(wrong_ones_are_refused),
        cmocka_unit_test(missing_and_large_ones_are_refused),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
