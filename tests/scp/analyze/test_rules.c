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

static void selects_in(const struct conf *from, const struct pair *pairs, size_t count,
                       const char *calling, const char *expected)
{
    char error[256];
    struct rules *rules = rules_create(from, error, sizeof error);
    struct dx_attrs *attrs = attrs_of(pairs, count);
    struct rules_object object;
    assert_non_null(rules);
    rules_object_init(&object, attrs, calling, "CERVIGATE");
    const struct conf_rule *rule = rules_select(rules, &object);
    if (expected) {
        assert_non_null(rule);
        assert_string_equal(rule->name, expected);
    } else {
        assert_null(rule);
    }
    rules_object_finish(&object);
    dx_attrs_destroy(attrs);
    rules_destroy(rules);
}

static void selects(const struct pair *pairs, size_t count, const char *expected)
{
    selects_in(&conf, pairs, count, "", expected);
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
    const struct rules_object object = {.attrs = attrs, .calling = "", .called = ""};
    assert_false(rules_hold(rules, 1, &object, &failed));
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
    assert_int_equal(strncmp(error, "line 7: ", 8), 0);
}

static void test_a_rule_without_matches_takes_everything(void **state)
{
    (void)state;
    char error[256];
    const struct conf_rule all = {.name = "all"};
    const struct conf any = {.manufacturer = "", .rules = &all, .rule_count = 1};
    struct rules *rules = rules_create(&any, error, sizeof error);
    struct dx_attrs *attrs = attrs_of(NULL, 0);
    const struct rules_object object = {.attrs = attrs, .calling = "", .called = ""};
    assert_ptr_equal(rules_select(rules, &object), &all);
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
        {.name = "test station",
         .action = CONF_IGNORE,
         .match = {{.keyword = "CallingAETitle", .tag = CONF_CALLING_AE_TITLE, .values = "DX1"},
                   {.keyword = "Modality", .tag = MODALITY, .values = "US"}},
         .matches = 2},
    };
    static const struct conf some = {.rules = list, .rule_count = 4};
    static const struct {
        const char *sop_class, *modality, *settled; /* NULL: no rule; "": not settled */
    } cases[] = {
        {"1.2.840.10008.5.1.4.1.1.2", "CT", ""},
        {"1.2.840.10008.5.1.4.1.1.1.1", "DX", ""},
        {"1.2.840.10008.5.1.4.1.1.1.2", "MG", ""},
        {"1.2.840.10008.5.1.4.1.1.12", "MG", "mammography"},
        {"1.2.840.10008.5.1.4.1.1.4", "MR", NULL},
        {"1.2.840.10008.5.1.4.1.1.6.1", "US", "test station"},
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
        const struct rules_object object = {.attrs = attrs, .calling = "DX1", .called = ""};
        assert_int_equal(rules_settle(rules, &object, &rule), !open);
        if (!open && cases[i].settled)
            assert_string_equal(rule->name, cases[i].settled);
        else if (!open)
            assert_null(rule);
        dx_attrs_destroy(attrs);
    }
    rules_destroy(rules);
}

/* ---- numbers ---- */

#define AGE     DX_TAG(0x0010, 0x1010)
#define BORN    DX_TAG(0x0010, 0x0030)
#define DATE    DX_TAG(0x0008, 0x0020)
#define COLUMNS DX_TAG(0x0028, 0x0011)

static bool is_within(uint32_t tag, const char *least, const char *most, struct conf_bound from,
                      struct conf_bound to, const struct pair *pairs, size_t count)
{
    const struct conf_match match = {.tag = tag, .least = least, .most = most, .bound = {from, to}};
    struct dx_attrs *attrs = attrs_of(pairs, count);
    bool within = rules_is_within(attrs, &match);
    dx_attrs_destroy(attrs);
    return within;
}

static void test_ages_are_completed_years_months_weeks_days(void **state)
{
    static const struct {
        const char *age, *born, *taken;
        int years, months, weeks, days; /* -1: not told */
    } cases[] = {
        {"017Y", "", "", 17, 204, 887, 6209},
        {"018M", "", "", 1, 18, 78, 547},
        {"006W", "", "", 0, 1, 6, 42},
        {"010D", "", "", 0, 0, 1, 10},
        {"017Y", "20000101", "20260101", 17, 204, 887, 6209},
        {"", "20101127", "20261126", 15, 191, 834, 5843},
        {"", "20101127", "20261127", 16, 192, 834, 5844},
        {"", "20240229", "20250228", 0, 11, 52, 365},
        {"", "20261127", "20261127", 0, 0, 0, 0},
        {"", "20261128", "20261127", -1, -1, -1, -1},
        {"", "", "20261127", -1, -1, -1, -1},
        {"", "19700101", "", -1, -1, -1, -1},
        {"17", "", "", -1, -1, -1, -1},
        {"17 Y", "", "", -1, -1, -1, -1},
        {"", "1970", "20261127", -1, -1, -1, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pair pairs[] = {
            {AGE, cases[i].age}, {BORN, cases[i].born}, {DATE, cases[i].taken}};
        const int expected[] = {cases[i].years, cases[i].months, cases[i].weeks, cases[i].days};
        struct dx_attrs *attrs = attrs_of(pairs, 3);
        for (int unit = CONF_YEARS; unit <= CONF_DAYS; unit++) {
            double age = -1;
            assert_int_equal(rules_age(attrs, (enum conf_unit)unit, &age),
                             expected[unit - CONF_YEARS] >= 0);
            assert_int_equal((int)age, expected[unit - CONF_YEARS]);
        }
        dx_attrs_destroy(attrs);
    }
}

static void test_bounds_include_their_ends(void **state)
{
    const struct conf_bound none = {0}, sixteen = {16, CONF_YEARS}, months = {18, CONF_MONTHS};
    const struct pair young = {AGE, "015Y"}, just = {AGE, "016Y"}, baby = {AGE, "018M"};
    (void)state;
    assert_false(is_within(AGE, "16", NULL, sixteen, none, &young, 1));
    assert_true(is_within(AGE, "16", NULL, sixteen, none, &just, 1));
    assert_true(is_within(AGE, NULL, "16", none, sixteen, &just, 1));
    assert_true(is_within(AGE, NULL, "18M", none, months, &baby, 1));
    assert_false(is_within(AGE, NULL, "18M", none, months, &just, 1));
    assert_true(is_within(AGE, "18M", "16", months, sixteen, &young, 1));
    assert_false(is_within(AGE, NULL, "16", none, sixteen, NULL, 0)); /* missing is no number */

    const struct conf_bound low = {1024, CONF_PLAIN}, high = {2048.5, CONF_PLAIN};
    const struct pair widths[] = {{COLUMNS, "1024"},  {COLUMNS, "2048.6"}, {COLUMNS, " 9\\1500 "},
                                  {COLUMNS, "1500x"}, {COLUMNS, "nan"},    {COLUMNS, ""}};
    const bool expected[] = {true, false, true, false, false, false};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(is_within(COLUMNS, "1024", "2048.5", low, high, &widths[i], 1),
                         expected[i]);
}

/* ---- what is no attribute, or in another character set ---- */

static void test_who_sent_it_counts(void **state)
{
    static const struct conf_rule list[] = {
        {.name = "emergency",
         .match = {{.keyword = "CallingAETitle", .tag = CONF_CALLING_AE_TITLE, .pattern = "^ER"},
                   {.keyword = "CalledAETitle",
                    .tag = CONF_CALLED_AE_TITLE,
                    .values = "CERVIGATE"}},
         .matches = 2}};
    static const struct conf some = {.rules = list, .rule_count = 1};
    (void)state;
    selects_in(&some, NULL, 0, "ER_DX2", "emergency");
    selects_in(&some, NULL, 0, "WARD", NULL);
    selects_in(&some, NULL, 0, "", NULL);

    static const struct conf_rule other[] = {
        {.name = "another title",
         .match = {{.keyword = "CalledAETitle", .tag = CONF_CALLED_AE_TITLE, .values = "TRAUMA"}},
         .matches = 1}};
    static const struct conf by_called = {.rules = other, .rule_count = 1};
    selects_in(&by_called, NULL, 0, "ER_DX2", NULL); /* CERVIGATE was called */
}

static void test_text_is_compared_as_unicode(void **state)
{
    static const struct conf_rule list[] = {
        {.name = "halswirbel",
         .match = {{.keyword = "StudyDescription", .tag = STUDY, .pattern = "^halswirbels.ULE$"},
                   {.keyword = "StudyDescription", .tag = STUDY, .pattern = "WIRBELSÄULE"}},
         .matches = 2}};
    static const struct conf some = {.rules = list, .rule_count = 1};
    const uint32_t set = DX_TAG(0x0008, 0x0005);
    const struct pair latin[] = {{set, "ISO_IR 100"}, {STUDY, "Halswirbels\xe4ule"}};
    const struct pair utf8[] = {{set, "ISO_IR 192"}, {STUDY, "Halswirbels\xc3\xa4ule"}};
    const struct pair unknown[] = {{set, "NO SUCH SET"}, {STUDY, "Halswirbels\xe4ule"}};
    (void)state;
    selects_in(&some, latin, 2, "", "halswirbel");
    selects_in(&some, utf8, 2, "", "halswirbel");
    selects_in(&some, unknown, 2, "", NULL); /* whose letters nobody knows */
}

static void test_a_rule_narrows_what_a_destination_gets(void **state)
{
    const struct conf_peer peer = {.name = "pacs"};
    const struct conf_destination pacs = {.peer = &peer, .outputs = CONF_SR | CONF_SC};
    const struct conf_rule all = {.name = "all"};
    const struct conf_rule here = {.destinations = " ai pacs ", .outputs = CONF_SC | CONF_GSPS};
    const struct conf_rule there = {.destinations = "pacs2 PACS"};
    (void)state;
    assert_int_equal(rules_outputs(&all, &pacs), CONF_SR | CONF_SC);
    assert_int_equal(rules_outputs(&here, &pacs), CONF_SC);
    assert_int_equal(rules_outputs(&there, &pacs), 0);
}

static void test_a_rule_says_who_is_told(void **state)
{
    const struct conf_announcement ris = {.name = "ris"};
    const struct conf_rule all = {.name = "all"}, none = {.announcements = ""};
    const struct conf_rule here = {.announcements = "chat ris"};
    const struct conf_rule there = {.announcements = "ris2 RIS"};
    (void)state;
    assert_true(rules_tell(&all, &ris) && rules_tell(&here, &ris));
    assert_false(rules_tell(&none, &ris) || rules_tell(&there, &ris));
}

static void test_own_results_are_recognised(void **state)
{
    (void)state;
    struct pair pairs[] = {{DX_TAG(0x0008, 0x0070), "maker"},
                           {DX_TAG(0x0008, 0x1090), RULES_MODEL_NAME},
                           {DX_TAG(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.7"}};
    struct dx_attrs *attrs = attrs_of(pairs, 3);
    assert_true(rules_own(attrs));
    dx_attrs_destroy(attrs);

    pairs[2].text = "1.2.840.10008.5.1.4.1.1.1.1"; /* our phantoms are images, not results */
    attrs = attrs_of(pairs, 3);
    assert_false(rules_own(attrs));
    dx_attrs_destroy(attrs);

    pairs[2].text = "1.2.840.10008.5.1.4.1.1.88.34";
    pairs[0].text = "as the site was called once";
    attrs = attrs_of(pairs, 3);
    assert_true(rules_own(attrs));
    dx_attrs_destroy(attrs);

    pairs[1].text = "other"; /* somebody else's report, then ours from behind a router */
    attrs = attrs_of(pairs, 3);
    assert_false(rules_own(attrs));
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x103e), "LO",
                                       "AI - not for diagnosis, RESEARCH: report"),
                     DX_OK);
    assert_true(rules_own(attrs));
    dx_attrs_destroy(attrs);
}

static void test_own_reports_are_recognised_by_their_codes(void **state)
{
    (void)state;
    struct pair pairs[] = {{DX_TAG(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.88.33"},
                           {DX_TAG(0x0040, 0xa043), "126000"},
                           {DX_TAG(0x0040, 0xa084), "DEV"},
                           {DX_TAG(0x0008, 0x0102), "99CERVIGATE"}};
    static const struct pair others[] = {
        {DX_TAG(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.1.1"},
        {DX_TAG(0x0040, 0xa043), "18748-4"},      /* a radiologist's report that took ours over */
        {DX_TAG(0x0040, 0xa084), "PSN"},          /* measurements that a person looked at */
        {DX_TAG(0x0008, 0x0102), "99ANOTHERONE"}, /* another maker's */
        {DX_TAG(0x0008, 0x0102), ""}};
    struct dx_attrs *attrs = attrs_of(pairs, 4);
    assert_true(rules_own(attrs));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct dx_attrs *other = attrs_of(pairs, 4);
        assert_int_equal(dx_attrs_set_text(other, others[i].tag, "SH", others[i].text), DX_OK);
        assert_false(rules_own(other));
        dx_attrs_destroy(other);
    }
    dx_attrs_destroy(attrs);
}

/* What does not say that a person has read it takes nothing off the list. */
static void test_who_has_read_it(void **state)
{
    (void)state;
    const uint32_t complete = DX_TAG(0x0040, 0xa491), verified = DX_TAG(0x0040, 0xa493),
                   preliminary = DX_TAG(0x0040, 0xa496), title = DX_TAG(0x0040, 0xa043),
                   observer = DX_TAG(0x0040, 0xa084);
    const struct {
        struct pair more[3]; /* over COMPLETE, UNVERIFIED, by a person */
        const char *why;     /* "": read */
    } rows[] = {
        {{{0, NULL}}, ""},
        {{{preliminary, "FINAL"}, {verified, "VERIFIED"}, {title, "126000"}}, ""},
        {{{verified, ""}}, ""},
        {{{observer, ""}, {verified, "VERIFIED"}}, ""},
        {{{complete, "COMPLETE "}, {observer, "PSN "}}, ""},
        {{{observer, ""}}, "names no observer"},
        {{{observer, ""}, {verified, ""}}, "names no observer"},
        {{{observer, "DEV"}}, "devices alone"},
        {{{observer, "DEV"}, {verified, "VERIFIED"}}, "devices alone"},
        {{{complete, "PARTIAL"}, {verified, "VERIFIED"}}, "not COMPLETE"},
        {{{complete, ""}}, "not COMPLETE"},
        {{{preliminary, "PRELIMINARY"}}, "PRELIMINARY"},
        {{{preliminary, "DRAFT"}, {verified, "VERIFIED"}}, "PRELIMINARY"},
        {{{title, "111036"}}, "CAD"},
        {{{title, "112000"}}, "CAD"},
        {{{title, "112220"}}, "CAD"},
        {{{title, "113701"}}, "dose"},
        {{{title, "113000"}}, "key objects"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pair pairs[] = {
            {complete, "COMPLETE"}, {verified, "UNVERIFIED"}, {observer, "PSN"}};
        struct dx_attrs *attrs = attrs_of(pairs, 3);
        for (size_t j = 0; j < 3 && rows[i].more[j].text != NULL; j++)
            assert_int_equal(
                dx_attrs_set_text(attrs, rows[i].more[j].tag, "CS", rows[i].more[j].text), DX_OK);
        const char *why = rules_not_read(attrs);
        assert_int_equal(why == NULL, rows[i].why[0] == '\0');
        assert_true(why == NULL || strstr(why, rows[i].why) != NULL);
        dx_attrs_destroy(attrs);
    }
    assert_true(rules_report_class("1.2.840.10008.5.1.4.1.1.88.11"));
    assert_false(rules_report_class("1.2.840.10008.5.1.4.1.1.88.59"));
}

static void test_documents_are_no_images(void **state)
{
    (void)state;
    assert_true(rules_is_no_image("1.2.840.10008.5.1.4.1.1.88.11"));
    assert_true(rules_is_no_image("1.2.840.10008.5.1.4.1.1.11.1"));
    assert_false(rules_is_no_image("1.2.840.10008.5.1.4.1.1.1.1"));
    assert_false(rules_is_no_image("1.2.840.10008.5.1.4.1.1.7"));
    assert_false(rules_is_no_image("1.2.840.10008.5.1.4.1.1.88"));
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
        cmocka_unit_test(test_ages_are_completed_years_months_weeks_days),
        cmocka_unit_test(test_bounds_include_their_ends),
        cmocka_unit_test(test_who_sent_it_counts),
        cmocka_unit_test(test_text_is_compared_as_unicode),
        cmocka_unit_test(test_a_rule_narrows_what_a_destination_gets),
        cmocka_unit_test(test_a_rule_says_who_is_told),
        cmocka_unit_test(test_own_results_are_recognised),
        cmocka_unit_test(test_own_reports_are_recognised_by_their_codes),
        cmocka_unit_test(test_who_has_read_it),
        cmocka_unit_test(test_documents_are_no_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
