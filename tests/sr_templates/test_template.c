/* Templates and words that are wrong: each is refused with its file, line and row. */
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

static char dir[] = "/tmp/cervigate-template-XXXXXX";
static char shape_text[SRT_MAX_TEMPLATE], words_text[SRT_MAX_TEMPLATE];

static void write_file(const char *name, const char *text, size_t size)
{
    char path[64];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    out = fopen(path, "w");
    assert_non_null(out);
    fwrite(text, 1, size, out);
    fclose(out);
}

static enum srt_status open_texts(const char *shape, const char *words,
                                  struct srt_template **template_, struct srt_error *err)
{
    *err = (struct srt_error){SRT_OK, ""};
    write_file("cspine.xml", shape, strlen(shape));
    write_file("words.xml", words, strlen(words));
    return srt_template_open(dir, "de", template_, err);
}

static void refuse(const char *shape, const char *words, const char *what)
{
    struct srt_template *template_;
    struct srt_error err;

    assert_int_equal(open_texts(shape, words, &template_, &err), SRT_BAD_TEMPLATE);
    assert_null(template_);
    if (!strstr(err.text, what))
        print_error("%s\nexpected: %s\n", err.text, what);
    assert_non_null(strstr(err.text, what));
}

/* The shipped text with the first `from` after `mark` put as `to`. */
static const char *edited(const char *whole, const char *mark, const char *from, const char *to)
{
    static char text[SRT_MAX_TEMPLATE];
    const char *at = strstr(whole, mark);

    assert_non_null(at);
    at = strstr(at, from);
    if (!at)
        print_error("no %s after %s\n", from, mark);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    return text;
}

static int line_of(const char *whole, const char *mark)
{
    int line = 1;
    const char *end = strstr(whole, mark);

    assert_non_null(end);
    for (const char *c = whole; c < end; c++)
        line += *c == '\n';
    return line;
}

static void refuse_shape(const char *mark, const char *from, const char *to, const char *what)
{
    refuse(edited(shape_text, mark, from, to), words_text, what);
}

static void refuse_words(const char *mark, const char *from, const char *to, const char *what)
{
    refuse(shape_text, edited(words_text, mark, from, to), what);
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

static void the_language_is_the_caller_s(void **state)
{
    static const struct {
        const char *language, *original, *fracture;
    } expected[] = {{"en", "Original", "fracture"},
                    {"de", "Original", "Fraktur"},
                    {"fr", "Original", "fracture"},
                    {"es", "Original", "fractura"}};
    struct srt_template *template_;
    struct srt_error err;
    struct srt_scheme scheme;

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(srt_language_known(expected[i].language));
        assert_int_equal(srt_template_open(NULL, expected[i].language, &template_, &err), SRT_OK);
        assert_string_equal(srt_phrase(template_, "picture.original"), expected[i].original);
        assert_string_equal(srt_phrase(template_, "class.fracture"), expected[i].fracture);
        assert_null(srt_phrase(template_, "picture.nothing"));
        srt_template_scheme(template_, &scheme);
        assert_string_equal(scheme.designator, "99CERVIGATE");
        assert_non_null(scheme.name);
        assert_non_null(scheme.organization);
        srt_template_close(template_);
    }
    assert_false(srt_language_known("it"));
    assert_false(srt_language_known(NULL));
    assert_int_equal(srt_template_open(NULL, "it", &template_, &err), SRT_INVALID);
    assert_non_null(strstr(err.text, "\"it\" is not one of en, de, fr, es"));
}

/* Every code of our own is in docs/codes.md with its meaning. */
static void our_codes_are_documented(void **state)
{
    static char page[65536];
    struct srt_template *template_;
    struct srt_error err;
    char row[128];
    size_t own = 0;
    FILE *in = fopen(CERVIGATE_SOURCE_DIR "/docs/codes.md", "r");

    (void)state;
    assert_non_null(in);
    page[fread(page, 1, sizeof page - 1, in)] = '\0';
    fclose(in);
    assert_int_equal(srt_template_open(NULL, "en", &template_, &err), SRT_OK);
    for (size_t i = 0; i < template_->code_count; i++) {
        const struct dx_code *code = &template_->codes[i].code;
        if (strcmp(code->scheme, "99CERVIGATE") != 0)
            continue;
        own++;
        snprintf(row, sizeof row, "| `%s` | %s |", code->value, code->meaning);
        if (!strstr(page, row))
            print_error("%s\n", row);
        assert_non_null(strstr(page, row));
    }
    assert_true(own > 20);
    srt_template_close(template_);
}

static void wrong_files_are_refused(void **state)
{
    char line[32];

    (void)state;
    refuse("", words_text, "not well-formed");
    refuse("<template>", words_text, "cspine.xml line");
    refuse("<!DOCTYPE template><template/>", words_text, "DTD");
    refuse(shape_text, "", "words.xml line");
    refuse(shape_text, "<words xmlns=\"urn:cervigate:words:1\"/>", "words.xml line 1: Element");
    refuse_shape("<container row=\"TID 1500 row 1\"", "name=\"report\"", "name=\"repord\"",
                 "there is no code \"repord\"");
    refuse_shape("row=\"TID 1600 row 1\"", "template=\"1600\"", "template=\"1600\" when=\"moon\"",
                 "no value \"moon\"");
    refuse_shape("TID 1004 row 1", "{device-uid}", "{moon}", "no value {moon}");
    refuse_shape("TID 1004 row 1", "{device-uid}", "{device-uid", "no value {device-uid");
    refuse_shape("row=\"TID 1602 row 11\"", "unit=\"pixels\"", "", "a row needs name");
    refuse_shape("comment.priors", "comment.priors", "comment.moon", "no phrase \"comment.moon\"");
    refuse_shape("id=\"device\"", "id=\"device\"", "id=\"report\"", "Duplicate");
    refuse_shape("id=\"report\"", "126000", "12345678901234567", "not accepted");
    refuse_shape("<scheme", "99CERVIGATE", "99OTHER",
                 "scheme \"99CERVIGATE\" is private and not declared");
    snprintf(line, sizeof line,
             "line %d:", line_of(shape_text, "<container row=\"TID 1600 row 2\""));
    refuse_shape("row=\"TID 1600 row 2\"", "row=\"TID 1600 row 2\"", "row=\"1600 2\"", line);
}

static void wrong_words_are_refused(void **state)
{
    char line[128];

    (void)state;
    snprintf(line, sizeof line,
             "words.xml line %d: phrase \"class.fracture\" has no text in \"de\"",
             line_of(words_text, "<phrase id=\"class.fracture\""));
    refuse_words("id=\"class.fracture\"", "<de>Fraktur</de>", "", line);
    refuse_words("id=\"class.fracture\"", "<fr>fracture</fr>", "<fr> </fr>",
                 "phrase \"class.fracture\" has no text in \"fr\"");
    refuse_words("id=\"outcome.finding\"", "Schwellenwert: {findings}", "Schwellenwert",
                 "phrase \"outcome.finding\" has other {values} than in \"en\"");
    refuse_words("id=\"outcome.finding\"", "Schwellenwert: {findings}", "Schwellenwert: {moon}",
                 "there is no value {moon}");
    refuse_words("id=\"picture.low\"", "picture.low", "picture.deep",
                 "there is no phrase \"picture.low\"");
    refuse_words("id=\"reason.cropped\"", "reason.cropped", "reason.else",
                 "there is no phrase \"reason.cropped\"");
}

/* A class that a site adds to both files needs no C. */
static void a_class_can_be_added(void **state)
{
    struct srt_template *template_;
    struct srt_error err;
    static char shape[SRT_MAX_TEMPLATE], words[SRT_MAX_TEMPLATE];

    (void)state;
    snprintf(shape, sizeof shape, "%s",
             edited(shape_text, "<code id=\"finding-fracture\"", "<code",
                    "<code id=\"finding-collapse\" value=\"1\" scheme=\"SCT\" "
                    "meaning=\"Collapse\"/><code id=\"score-collapse\" value=\"ms-collapse\" "
                    "scheme=\"99CERVIGATE\" meaning=\"Model score, collapse\"/><code"));
    refuse(shape, words_text, "there is no phrase \"class.collapse\"");
    snprintf(words, sizeof words, "%s",
             edited(words_text, "<phrase id=\"class.fracture\"", "<phrase",
                    "<phrase id=\"class.collapse\"><en>collapse</en><de>Sinterung</de>"
                    "<fr>tassement</fr><es>aplastamiento</es></phrase><phrase"));
    assert_int_equal(open_texts(shape, words, &template_, &err), SRT_OK);
    assert_true(srt_template_codes(template_, "collapse"));
    assert_string_equal(srt_phrase(template_, "class.collapse"), "Sinterung");
    srt_template_close(template_);
}

/* The rows of the Standard: each way of breaking one is named with its line and row. */
static void broken_rows_are_named(void **state)
{
    char line[128];

    (void)state;
    snprintf(line, sizeof line, "cspine.xml line %d: TID 1501 row 3b is named \"comment\"",
             line_of(shape_text, "<code row=\"TID 1501 row 3b\""));
    refuse_shape("<code row=\"TID 1501 row 3b\"", "name=\"finding\"", "name=\"comment\"", line);
    refuse_shape("TID 1004 row 4", "TID 1004 row 4", "TID 1004 row 44",
                 "there is no TID 1004 row 44");
    refuse_shape("row=\"TID 1602 row 11\"", "TID 1602 row 11", "TID 1501 row 2",
                 "TID 1501 row 2 cannot stand below TID 1601 row 1");
    refuse_shape("row=\"TID 4019 row 1\"", "has-concept-mod", "contains",
                 "TID 4019 row 1 has the relation contains; it must be has-concept-mod");
    refuse_shape("row=\"TID 1501 row 10b\"", "TID 1501 row 10b", "TID 1501 row 10c",
                 "TID 1501 row 10c is a image; its value type is scoord");
    refuse_shape("row=\"TID 1600 row 1\"", "template=\"1600\"", "template=\"1601\"",
                 "TID 1600 row 1 has template \"1601\"; it must be \"1600\"");
    refuse_shape("name=\"observer-type\"", "value=\"device\"", "value=\"report\"",
                 "TID 1002 row 1 has the value \"report\"; it must be 121007");
    refuse_shape("row=\"TID 1500 row 4\"", "has-concept-mod\"", "has-concept-mod\" when=\"serial\"",
                 "TID 1500 row 4 is mandatory below TID 1500 row 1: it is missing or conditional");
    refuse_shape("<code row=\"TID 1204 row 1\"", "relation", "optional=\"true\" relation",
                 "TID 1204 row 1 is mandatory");
    refuse_shape("row=\"TID 4019 row 2\"", "name=\"algorithm-version\"",
                 "name=\"algorithm-version\" when=\"serial\"", "TID 4019 row 2 is mandatory");
    refuse_shape("row=\"TID 1602 row 12\"", "when=\"modality-listed columns\"", "when=\"columns\"",
                 "TID 1602 row 1 is mandatory below TID 1601 row 1");
    refuse_shape("<container row=\"TID 1500 row 12\"", "name", "when=\"serial\" name",
                 "TID 1500 row 1: TID 1500 row 6 or an alternative must be there always");
    refuse_shape("<uidref row=\"TID 1501 row 3\"", "name", "each=\"class\" name",
                 "TID 1501 row 3 is there once; it cannot be repeated");
    refuse_shape("<text row=\"TID 1004 row 2\"", "when=\"research\"", "",
                 "TID 1004 row 2 is there twice");
    refuse_shape("<image row=\"TID 1410 row 6\"",
                 "<image row=\"TID 1410 row 6\" "
                 "relation=\"selected-from\"/>",
                 "", "TID 1410 row 6 is mandatory below TID 1410 row 5");
    refuse_shape("<image row=\"TID 1601 row 1\"", "each", "name=\"source\" each",
                 "TID 1601 row 1 has no concept name");
}

static void wrong_order_is_named(void **state)
{
    static char text[SRT_MAX_TEMPLATE];
    const char *row = "<text row=\"TID 1004 row 5\"";
    const char *start = strstr(shape_text, row), *end = strstr(start, "/>") + 2;
    const char *before = strstr(shape_text, "<uidref row=\"TID 1004 row 1\"");

    (void)state;
    snprintf(text, sizeof text, "%.*s%.*s%.*s%s", (int)(before - shape_text), shape_text,
             (int)(end - start), start, (int)(start - before), before, end);
    refuse(text, words_text, "TID 1004 row 1 comes after TID 1004 row 5; the order is wrong");
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
    write_file("cspine.xml", text, SRT_MAX_TEMPLATE + 2u);
    assert_int_equal(srt_template_open(dir, "en", &template_, &err), SRT_BAD_TEMPLATE);
    assert_non_null(strstr(err.text, "1048576"));
    write_file("cspine.xml", shape_text, strlen(shape_text));
    char path[64];
    snprintf(path, sizeof path, "%s/words.xml", dir);
    unlink(path);
    assert_int_equal(srt_template_open(dir, "en", &template_, &err), SRT_MISSING);
    assert_non_null(strstr(err.text, "words.xml: No such file"));
    free(text);
    assert_string_equal(srt_status_text(SRT_BAD_TEMPLATE), "template is wrong");
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(shape_text, sizeof shape_text, "%.*s", (int)srt_cspine_text_size, srt_cspine_text);
    snprintf(words_text, sizeof words_text, "%.*s", (int)srt_words_text_size, srt_words_text);
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "%s/cspine.xml", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/words.xml", dir);
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_one_is_built_in),
        cmocka_unit_test(the_language_is_the_caller_s),
        cmocka_unit_test(our_codes_are_documented),
        cmocka_unit_test(wrong_files_are_refused),
        cmocka_unit_test(wrong_words_are_refused),
        cmocka_unit_test(a_class_can_be_added),
        cmocka_unit_test(broken_rows_are_named),
        cmocka_unit_test(wrong_order_is_named),
        cmocka_unit_test(missing_and_large_ones_are_refused),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
