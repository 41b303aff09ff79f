/* Selection rules: the first whose matches all hold; missing is empty; our own are recognised. */
#include "rules.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MODALITY  DX_TAG(0x0008, 0x0060)
#define BODY_PART DX_TAG(0x0018, 0x0015)
#define STUDY     DX_TAG(0x0008, 0x1030)
#define INTENT    DX_TAG(0x0008, 0x0068)

static const struct conf_rule rule_list[] = {
    {.name = "processing",
     .action = CONF_IGNORE,
     .match = {{.keyword = "PresentationIntentType", .tag = INTENT, .pattern = "^FOR PROCESSING$"}},
     .matches = 1},
    {.name = "spine",
     .action = CONF_ANALYZE,
     .match = {{.keyword = "Modality", .tag = MODALITY, .values = "DX CR"},
               {.keyword = "BodyPartExamined", .tag = BODY_PART, .values = "CSPINE NECK"}},
     .matches = 2},
    {.name = "described",
     .action = CONF_ANALYZE,
     .match = {{.keyword = "Modality", .tag = MODALITY, .values = "DX CR"},
               {.keyword = "BodyPartExamined", .tag = BODY_PART, .pattern = "^$"},
               {.keyword = "StudyDescription", .tag = STUDY, .pattern = "(HWS|c-?spine)"}},
     .matches = 3},
};
static const struct conf conf = {.manufacturer = "maker", .rules = rule_list, .rule_count = 3};

struct pair {
    uint32_t tag;
    const char *text;
};

static struct dx_attrs *attrs_of(const struct pair *pairs, size_t count)
{
    struct dx_attrs *attrs = dx_attrs_create();
    assert_non_null(attrs);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(dx_attrs_set_text(attrs, pairs[i].tag, "LO", pairs[i].text), DX_OK);
    return attrs;
}

static void selects(const struct pair *pairs, size_t count, const char *expected)
{
    char error[256];
    struct rules *rules = rules_create(&conf, error, sizeof error);
    struct dx_attrs *attrs = attrs_of(pairs, count);
    assert_non_null(rules);
    const struct conf_rule *rule = rules_select(rules, attrs);
    if (expected) {
        assert_non_null(rule);
        assert_string_equal(rule->name, expected);
    } else {
        assert_null(rule);
    }
    dx_attrs_destroy(attrs);
    rules_destroy(rules);
}

static void test_first_rule_wins(void **state)
{
    (void)state;
    const struct pair pairs[] = {
        {MODALITY, "DX"}, {BODY_PART, "CSPINE"}, {INTENT, "FOR PROCESSING"}};
    selects(pairs, 2, "spine");
    selects(pairs, 3, "processing");
}

static void test_case_and_padding_do_not_matter(void **state)
{
    (void)state;
    const struct pair pairs[] = {{MODALITY, "dx "}, {BODY_PART, " cspine "}};
    selects(pairs, 2, "spine");
}

static void test_values_are_whole_words(void **state)
{
    (void)state;
    const struct pair longer[] = {{MODALITY, "DX"}, {BODY_PART, "CSPINE2"}};
    const struct pair shorter[] = {{MODALITY, "DX"}, {BODY_PART, "CSPIN"}};
    selects(longer, 2, NULL);
    selects(shorter, 2, NULL);
}

static void test_any_of_the_multi_values_matches(void **state)
{
    (void)state;
    const struct pair pairs[] = {{MODALITY, "DX"}, {BODY_PART, "HEAD\\NECK"}};
    selects(pairs, 2, "spine");
}

static void test_missing_is_empty_text(void **state)
{
    (void)state;
    const struct pair pairs[] = {{MODALITY, "CR"}, {STUDY, "Rx C-Spine lat"}};
    selects(pairs, 2, "described");
    selects(pairs, 1, NULL);
    selects(pairs, 0, NULL);
}

static void test_the_failing_match_is_named(void **state)
{
    (void)state;
    char error[256];
    const struct conf_match *failed;
    const struct pair pairs[] = {{MODALITY, "DX"}, {BODY_PART, "CHEST"}};
    struct rules *rules = rules_create(&conf, error, sizeof error);
    struct dx_attrs *attrs = attrs_of(pairs, 2);
    assert_false(rules_hold(rules, 1, attrs, &failed));
    assert_ptr_equal(failed, &rule_list[1].match[1]);
    dx_attrs_destroy(attrs);
    rules_destroy(rules);
}

static void test_a_bad_pattern_is_refused_with_its_line(void **state)
{
    (void)state;
    char error[256];
    const struct conf_rule bad = {
        .name = "bad", .match = {{.keyword = "Modality", .pattern = "(", .line = 7}}, .matches = 1};
    const struct conf wrong = {.manufacturer = "", .rules = &bad, .rule_count = 1};
    assert_null(rules_create(&wrong, error, sizeof error));
    assert_non_null(strstr(error, "line 7"));
}

static void test_a_rule_without_matches_takes_everything(void **state)
{
    (void)state;
    char error[256];
    const struct conf_rule all = {.name = "all"};
    const struct conf any = {.manufacturer = "", .rules = &all, .rule_count = 1};
    struct rules *rules = rules_create(&any, error, sizeof error);
    struct dx_attrs *attrs = attrs_of(NULL, 0);
    assert_ptr_equal(rules_select(rules, attrs), &all);
    dx_attrs_destroy(attrs);
    rules_destroy(rules);
}

/* What SOP class and modality settle needs no parsing; what they leave open is not guessed. */
static void test_settled_before_it_is_parsed(void **state)
{
    static const struct conf_rule list[] = {
        {.name = "ct",
         .action = CONF_ANALYZE,
         .match = {{.keyword = "SOPClassUID", .tag = DX_TAG(0x0008, 0x0016), .pattern = "\\.2$"},
                   {.keyword = "BodyPartExamined", .tag = BODY_PART, .values = "CSPINE"}},
         .matches = 2},
        {.name = "mammography",
         .action = CONF_IGNORE,
         .match = {{.keyword = "Modality", .tag = MODALITY, .values = "MG"}},
         .matches = 1},
        {.name = "plain",
         .action = CONF_ANALYZE,
         .match = {{.keyword = "Modality", .tag = MODALITY, .values = "DX CR"},
                   {.keyword = "BodyPartExamined", .tag = BODY_PART, .values = "CSPINE"}},
         .matches = 2},
    };
    static const struct conf some = {.rules = list, .rule_count = 3};
    static const struct {
        const char *sop_class, *modality, *settled; /* NULL: no rule; "": not settled */
    } cases[] = {
        {"1.2.840.10008.5.1.4.1.1.2", "CT", ""},
        {"1.2.840.10008.5.1.4.1.1.1.1", "DX", ""},
        {"1.2.840.10008.5.1.4.1.1.1.2", "MG", ""},
        {"1.2.840.10008.5.1.4.1.1.12", "MG", "mammography"},
        {"1.2.840.10008.5.1.4.1.1.4", "MR", NULL},
        {"1.2.840.10008.5.1.4.1.1.4", "", NULL},
    };
    char error[256];
    (void)state;
    struct rules *rules = rules_create(&some, error, sizeof error);
    assert_non_null(rules);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pair pairs[] = {{DX_TAG(0x0008, 0x0016), cases[i].sop_class},
                                     {MODALITY, cases[i].modality}};
        struct dx_attrs *attrs = attrs_of(pairs, 2);
        const struct conf_rule *rule = NULL;
        bool open = cases[i].settled && !cases[i].settled[0];
        assert_int_equal(rules_settle(rules, attrs, &rule), !open);
        if (!open && cases[i].settled)
            assert_string_equal(rule->name, cases[i].settled);
        else if (!open)
            assert_null(rule);
        dx_attrs_destroy(attrs);
    }
    rules_destroy(rules);
}

static void test_own_results_are_recognised(void **state)
{
    (void)state;
    struct pair pairs[] = {{DX_TAG(0x0008, 0x0070), "maker"},
                           {DX_TAG(0x0008, 0x1090), RULES_MODEL_NAME},
                           {DX_TAG(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.7"}};
    struct dx_attrs *attrs = attrs_of(pairs, 3);
    assert_true(rules_own(&conf, attrs));
    dx_attrs_destroy(attrs);

    pairs[2].text = "1.2.840.10008.5.1.4.1.1.1.1"; /* our phantoms are images, not results */
    attrs = attrs_of(pairs, 3);
    assert_false(rules_own(&conf, attrs));
    dx_attrs_destroy(attrs);

    pairs[2].text = "1.2.840.10008.5.1.4.1.1.88.34";
    pairs[0].text = "other";
    attrs = attrs_of(pairs, 3);
    assert_false(rules_own(&conf, attrs));
    dx_attrs_destroy(attrs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_rule_wins),
        cmocka_unit_test(test_case_and_padding_do_not_matter),
        cmocka_unit_test(test_values_are_whole_words),
        cmocka_unit_test(test_any_of_the_multi_values_matches),
        cmocka_unit_test(test_missing_is_empty_text),
        cmocka_unit_test(test_the_failing_match_is_named),
        cmocka_unit_test(test_a_bad_pattern_is_refused_with_its_line),
        cmocka_unit_test(test_a_rule_without_matches_takes_everything),
        cmocka_unit_test(test_settled_before_it_is_parsed),
        cmocka_unit_test(test_own_results_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
