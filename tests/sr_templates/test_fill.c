/* Filling: golden trees of every outcome, the words that must and must not be in them, and results
 * that contradict themselves. CERVIGATE_GOLDEN=write writes the golden texts instead of comparing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results.h"
#include "srt_private.h"
#include "tree_print.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GOLDEN    CERVIGATE_SOURCE_DIR "/tests/sr_templates/golden"
#define MOST_TEXT 65536

static struct srt_template *template_;

static struct srt_tree *fill(const struct srt_result *result)
{
    struct srt_error err = {SRT_OK, ""};
    struct srt_tree *tree;
    enum srt_status status = srt_fill(template_, result, &tree, &err);

    assert_string_equal(err.text, "");
    assert_int_equal(status, SRT_OK);
    return tree;
}

static void put_code(FILE *out, const struct dx_code *code)
{
    if (code->value)
        fprintf(out, "(%s,%s,\"%s\")", code->value, code->scheme, code->meaning);
}

/* Everything that is in the tree, for people and diff. */
static void dump(FILE *out, const struct dx_sr_item *item, int depth)
{
    static const char *const types[] = {"CONTAINER", "CODE",  "TEXT",  "NUM",
                                        "UIDREF",    "IMAGE", "SCOORD"};
    static const char *const relations[] = {"",
                                            "CONTAINS ",
                                            "HAS CONCEPT MOD ",
                                            "HAS OBS CONTEXT ",
                                            "HAS ACQ CONTEXT ",
                                            "HAS PROPERTIES ",
                                            "INFERRED FROM ",
                                            "SELECTED FROM "};

    for (; item; item = item->next) {
        fprintf(out, "%*s%s%s ", 2 * depth, "", relations[item->relation], types[item->type]);
        put_code(out, &item->concept);
        if (item->template_id)
            fprintf(out, " DCMR/%s", item->template_id);
        if (item->text)
            fprintf(out, " = \"%s\"", item->text);
        if (item->code.value) {
            fprintf(out, " = ");
            put_code(out, &item->code);
        }
        if (item->type == DX_SR_IMAGE)
            fprintf(out, " = %s", item->image.sop_instance);
        for (size_t i = 0; i < item->point_count; i++)
            fprintf(out, " %g,%g", (double)item->points[2 * i], (double)item->points[2 * i + 1]);
        fputc('\n', out);
        dump(out, item->child, depth + 1);
    }
}

static void check_golden(const char *name, const char *text)
{
    const char *write_them = getenv("CERVIGATE_GOLDEN");
    static char expected[MOST_TEXT];
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, GOLDEN "/%s.txt", name);
    if (write_them && strcmp(write_them, "write") == 0) {
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    file = fopen(path, "r");
    if (!file)
        print_error("%s\n", path);
    assert_non_null(file);
    expected[fread(expected, 1, sizeof expected - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void trees_are_golden(void **state)
{
    struct sample_result list[MOST_RESULTS];
    size_t count = make_results(list);
    static char text[MOST_TEXT];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct srt_tree *tree = fill(&list[i].result);
        FILE *out = fmemopen(text, sizeof text, "w");
        assert_non_null(out);
        dump(out, srt_tree_root(tree), 0);
        fclose(out);
        check_golden(list[i].name, text);
        srt_tree_destroy(tree);
    }
}

static void print_is_golden(void **state)
{
    struct sample_result list[MOST_RESULTS];
    static char text[MOST_TEXT];

    (void)state;
    (void)make_results(list);
    struct srt_tree *tree = fill(&list[0].result);
    tree_print(tree, text, sizeof text);
    assert_memory_equal(text, "Imaging Measurement Report\n", 27);
    check_golden("print-finding", text);
    char small[20];
    tree_print(tree, small, sizeof small);
    assert_string_equal(small, "Imaging Measurement");
    tree_print(tree, small, 0);
    srt_tree_destroy(tree);
}

static void forbidden_words_are_nowhere(void **state)
{
    enum { PROBABILITY = 0 };
    static const char *const words[] = {"probability", "absent",    "confidence", "normality",
                                        "no fracture", "is normal", "negative"};
    struct sample_result list[MOST_RESULTS];
    size_t count = make_results(list);
    static char text[MOST_TEXT];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct srt_tree *tree = fill(&list[i].result);
        tree_print(tree, text, sizeof text);
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            assert_true(!strcasestr(text, words[w]) ||
                        (list[i].result.models[0].calibrated && w == PROBABILITY));
        assert_int_equal(strstr(text, srt_research_line) != NULL,
                         srt_is_synthetic(&list[i].result));
        srt_tree_destroy(tree);
    }
}

static const struct srt_result *named(struct sample_result *list, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcmp(list[i].name, name) != 0)
        i++;
    assert_true(i < count);
    return &list[i].result;
}

static void sentences(void **state)
{
    static const struct {
        const char *name, *sentence;
    } expected[] = {
        {"finding", "Finding at or above the operating point: fracture."},
        {"two-findings", "Finding at or above the operating point: dislocation, fracture."},
        {"no-finding", "No finding above the operating point; this does not exclude injury."},
        {"mixed",
         "Finding at or above the operating point: dislocation, fracture. 2 of 4 images judged."},
        {"part-no-finding", "No finding above the operating point; this does not exclude injury. "
                            "1 of 2 images judged."},
        {"none-two-reasons", "Not processed: same SOP Instance UID, different pixels."},
        {"conflict-beside-judged",
         "Not processed: same SOP Instance UID, different pixels. 1 of 2 images judged."},
        {"incomplete-short", "No suspicion, incomplete: no judged image is known to show C7-T1; "
                             "this does not exclude injury."},
        {"two-models-undetermined", "Undetermined: the models disagree (fracture)."},
        {"two-models-split", "Finding at or above the operating point: dislocation, fracture."},
        {"two-models-partly", "Finding at or above the operating point: fracture."},
    };
    struct sample_result list[MOST_RESULTS];
    size_t count = make_results(list);
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        srt_sentence(template_, named(list, count, expected[i].name), text, sizeof text);
        assert_string_equal(text, expected[i].sentence);
    }
    srt_sentence(template_, &list[0].result, text, 8);
    assert_string_equal(text, "Finding");
    srt_sentence(template_, &list[0].result, text, 0);
}

static void a_score_at_the_point_is_a_finding(void **state)
{
    struct sample_result list[MOST_RESULTS];

    (void)state;
    (void)make_results(list);
    list[0].images[0].opinion[0].class_[1].score =
        list[0].images[0].opinion[0].class_[1].operating_point;
    srt_tree_destroy(fill(&list[0].result));
}

static void reject(struct srt_result *result, const char *word)
{
    struct srt_error err = {SRT_OK, ""};
    struct srt_tree *tree;

    assert_int_equal(srt_fill(template_, result, &tree, &err), SRT_INVALID);
    assert_null(tree);
    if (!strstr(err.text, word))
        print_error("%s\n", err.text);
    assert_non_null(strstr(err.text, word));
}

static void contradictions_are_refused(void **state)
{
    struct sample_result list[MOST_RESULTS];
    struct sample_result *finding = &list[0], *none = &list[2], *mixed = &list[4];

    (void)state;
    (void)make_results(list);
    finding->result.outcome = SRT_NO_FINDING;
    reject(&finding->result, "study's outcome");
    finding->images[0].outcome = SRT_NO_FINDING;
    reject(&finding->result, "contradict");
    (void)make_results(list);
    none->images[0].outcome = none->result.outcome = SRT_FINDING;
    reject(&none->result, "contradict");
    (void)make_results(list);
    none->images[0].opinion[0].class_[0].score = (double)NAN;
    reject(&none->result, "no score");
    none->images[0].opinion[0].class_[0].score = 1.5;
    reject(&none->result, "no score");
    none->images[0].opinion[0].classes = 0;
    reject(&none->result, "no model has classes");
    none->images[0].opinion[0].classes = 99;
    reject(&none->result, "99 classes");
    none->images[0].tracking_uid = "";
    reject(&none->result, "tracking UID");
    none->images[0].reference.sop_instance[0] = '\0';
    reject(&none->result, "Instance UID");
    none->result.image_count = 0;
    reject(&none->result, "no images");
    mixed->images[3].reason = SRT_REASON_NONE;
    reject(&mixed->result, "reason");
    mixed->result.model_count = 0;
    reject(&mixed->result, "0 models");
}

static void texts_are_golden(void **state)
{
    static const struct {
        const char *name, *language;
        bool ascii;
    } texts[] = {{"mixed", "en", false},
                 {"two-models-partly", "de", false},
                 {"two-models-undetermined", "de", true},
                 {"incomplete-unknown", "fr", false},
                 {"slices-region-amended", "es", false},
                 {"none-two-reasons", "fr", true}};
    struct sample_result list[MOST_RESULTS];
    size_t count = make_results(list);
    static char text[MOST_TEXT];
    char file[96];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct srt_template *opened;
        struct srt_error err;
        struct srt_result result = *named(list, count, texts[i].name);
        result.ascii = texts[i].ascii;
        assert_int_equal(srt_template_open(NULL, texts[i].language, &opened, &err), SRT_OK);
        srt_text(opened, &result, text, sizeof text);
        srt_template_close(opened);
        snprintf(file, sizeof file, "text-%s-%s%s", texts[i].name, texts[i].language,
                 texts[i].ascii ? "-ascii" : "");
        check_golden(file, text);
    }
}

static void texts_are_cleaned(void **state)
{
    static const struct {
        const char *text, *utf8, *ascii_de, *ascii_es;
    } expected[] = {
        {"Wirbels\xc3\xa4ule", "Wirbels\xc3\xa4ule", "Wirbelsaeule", "Wirbelsaule"},
        {"Gr\xc3\xb6\xc3\x9f"
         "e",
         "Gr\xc3\xb6\xc3\x9f"
         "e",
         "Groesse", "Grosse"},
        {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9", "ete", "ete"},
        {"a\xe2\x80\xa6", "a\xe2\x80\xa6", "a...", "a..."},
        {"\xe6\xbc\xa2", "\xe6\xbc\xa2", "?", "?"},
        {"a\nb\x7f\x1b", "a?b??", "a?b??", "a?b??"},
        {"\xc3", "?", "?", "?"},                             /* cut */
        {"\xc0\xaf\xe0\x80\xaf", "?????", "?????", "?????"}, /* overlong */
        {"\xed\xa0\x80", "???", "???", "???"},               /* surrogate */
        {"\xf4\x90\x80\x80", "????", "????", "????"},
        {"\xe2\x80\xae", "?", "?", "?"}, /* turns the reading direction */
        {"\xc2\x85", "?", "?", "?"},     /* a control */
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        snprintf(text, sizeof text, "%s", expected[i].text);
        srt_clean(text, false, "de");
        assert_string_equal(text, expected[i].utf8);
        snprintf(text, sizeof text, "%s", expected[i].text);
        srt_clean(text, true, "de");
        assert_string_equal(text, expected[i].ascii_de);
        snprintf(text, sizeof text, "%s", expected[i].text);
        srt_clean(text, true, "es");
        assert_string_equal(text, expected[i].ascii_es);
    }
    srt_copy(text, 3, "a\xc3\xa4z");
    assert_string_equal(text, "a");
    srt_copy(text, 4, "a\xc3\xa4z");
    assert_string_equal(text, "a\xc3\xa4");
}

static void more_contradictions_are_refused(void **state)
{
    static const float open_region[] = {1, 1, 2, 1, 2, 2, 1, 2};
    struct sample_result list[MOST_RESULTS];
    size_t count = make_results(list);
    struct srt_image *image;

    (void)state;
    struct srt_result result = *named(list, count, "two-models-undetermined");
    result.outcome = SRT_FINDING;
    reject(&result, "study's outcome");
    result.outcome = SRT_NO_FINDING;
    reject(&result, "study's outcome");
    image = (struct srt_image *)result.images;
    image->outcome = SRT_FINDING; /* one model's finding is not enough */
    reject(&result, "contradict");
    result.model_count = 1;
    reject(&result, "an opinion of no model");
    result = *named(list, count, "no-finding");
    result.outcome = SRT_INCOMPLETE;
    reject(&result, "study's outcome");
    result = *named(list, count, "region");
    image = (struct srt_image *)result.images;
    image->region = open_region;
    image->region_points = 4;
    reject(&result, "no closed polygon");
    result = *named(list, count, "slices");
    image = (struct srt_image *)result.images;
    snprintf(image->reference.sop_instance, DX_UID_MAX, "1.2.3");
    reject(&result, "key slice");
    result = *named(list, count, "not-processed-hardware");
    image = (struct srt_image *)result.images;
    image->reason = SRT_C7_T1_NOT_SHOWN;
    reject(&result, "without a reason");
}

static void missing_texts_are_refused(void **state)
{
    struct sample_result list[MOST_RESULTS];

    (void)state;
    (void)make_results(list);
    list[0].result.device_uid = NULL;
    reject(&list[0].result, "device-uid");
    (void)make_results(list);
    list[0].result.models[0].name = "";
    reject(&list[0].result, "algorithm-name");
    (void)make_results(list);
    list[0].images[0].opinion[0].class_[1].name = "spondylosis";
    reject(&list[0].result, "finding-spondylosis");
}

static void reasons_have_names(void **state)
{
    enum srt_reason reason;

    (void)state;
    for (int i = SRT_REASON_NONE; i <= SRT_C7_T1_NOT_SHOWN; i++) {
        const char *name = srt_reason_name((enum srt_reason)i);
        assert_true(strlen(name) <= 16); /* SH: it is a code value */
        assert_true(srt_reason_parse(name, &reason));
        assert_int_equal(reason, i);
        assert_true(srt_reason_words(reason)[0] != '\0');
    }
    assert_false(srt_reason_parse("bad-luck", &reason));
    assert_string_equal(srt_reason_name((enum srt_reason)99), "none");
}

static int open_template(void **state)
{
    struct srt_error err;

    (void)state;
    return srt_template_open(NULL, "en", &template_, &err) == SRT_OK ? 0 : -1;
}

static int close_template(void **state)
{
    (void)state;
    srt_template_close(template_);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_golden),
        cmocka_unit_test(print_is_golden),
        cmocka_unit_test(forbidden_words_are_nowhere),
        cmocka_unit_test(sentences),
        cmocka_unit_test(a_score_at_the_point_is_a_finding),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(more_contradictions_are_refused),
        cmocka_unit_test(texts_are_golden),
        cmocka_unit_test(texts_are_cleaned),
        cmocka_unit_test(missing_texts_are_refused),
        cmocka_unit_test(reasons_have_names),
    };

    return cmocka_run_group_tests(tests, open_template, close_template);
}
