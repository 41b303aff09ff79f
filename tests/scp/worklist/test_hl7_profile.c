/* What receivers have their own way with. */
#include "hl7_fixture.h"

/* Each of its settings. */
static void a_profile_of_its_own(void **state)
{
    (void)state;
    struct conf_announcement to = modern;
    struct news news = finding();
    to.profile = (struct conf_hl7_profile){.control = "SC",
                                           .raised = "U^Urgent^L",
                                           .routine = "N^Normal^L",
                                           .number_in = CONF_HL7_BOTH_NUMBERS,
                                           .accession_in = CONF_HL7_OBR_18,
                                           .preliminary = "R",
                                           .none = "I",
                                           .withdrawn = "D",
                                           .outcome = "1^o^L",
                                           .reason = "",
                                           .rank = "",
                                           .study = "3^s^L",
                                           .accession = "4^a^L",
                                           .report = "5^r^L",
                                           .model = "",
                                           .research = "7^x^L"};
    const char *bytes = written(&to, &news, HL7_RESULT);
    assert_non_null(strstr(bytes,
                           "ORC|RE|5d33ec8e2b1a63d2c0e8|5d33ec8e2b1a63d2c0e8\r"
                           "OBR|1|5d33ec8e2b1a63d2c0e8|5d33ec8e2b1a63d2c0e8|"
                           "CG^Second look^99CERVIGATE|||20261127081500|||||||||||A17||||"
                           "20261127130500+0000|||R\r"
                           "OBX|1|CE|1^o^L|1|finding^Finding at or above the operating point^"
                           "99CERVIGATE|||AA|||R|||20261127130500+0000\r"
                           "OBX|2|ST|3^s^L|1|1.2.3||||||R|||20261127130500+0000\r"
                           "OBX|3|ST|5^r^L|1|2.25.7||||||R|||20261127130500+0000\r"));
    news.research = true;
    assert_non_null(strstr(written(&to, &news, HL7_RESULT), "OBX|1|ST|7^x^L|1|RESEARCH - "));
    news.outcome = SRT_NOT_PROCESSED;
    bytes = written(&to, &news, HL7_RESULT);
    assert_string_equal(FIELD("OBR", 25), "I");
    assert_string_equal(ROW("1", 11), "I");
    news.kind = NEWS_WITHDRAWN;
    bytes = written(&to, &news, HL7_RESULT);
    assert_string_equal(ROW("1", 11), "D");
    to.profile.accession_in = CONF_HL7_BOTH_ACCESSIONS;
    to.profile.number_in = CONF_HL7_PLACER;
    bytes = written(&to, &news, HL7_RESULT);
    assert_string_equal(FIELD("OBR", 18), "A17");
    assert_string_equal(ROW("4", 5), "A17");
    assert_string_equal(FIELD("OBR", 2), "5d33ec8e2b1a63d2c0e8");
    assert_string_equal(FIELD("OBR", 3), "");
}

static void a_priority_where_the_profile_has_it(void **state)
{
    static const struct {
        enum conf_hl7_priority_in in;
        unsigned version;
        const char *orc7, *obr5, *obr27, *tq1;
    } cases[] = {{CONF_HL7_BY_VERSION, 1, "", "", "", "U^Urgent^L"},
                 {CONF_HL7_BY_VERSION, 0, "^^^^^U", "", "^^^^^U", NULL},
                 {CONF_HL7_TQ1_9, 1, "", "", "", "U^Urgent^L"},
                 {CONF_HL7_ORC_7, 1, "^^^^^U", "", "", NULL},
                 {CONF_HL7_OBR_27, 1, "", "", "^^^^^U", NULL},
                 {CONF_HL7_OBR_5, 0, "", "U", "", NULL}};
    (void)state;
    struct conf_announcement to = modern;
    struct news news = finding();
    to.profile.raised = "U^Urgent^L";
    to.profile.control = "SC";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        to.profile.priority_in = cases[i].in;
        to.version = cases[i].version;
        const char *bytes = written(&to, &news, HL7_PRIORITY);
        assert_string_equal(FIELD("ORC", 1), "SC");
        assert_string_equal(FIELD("ORC", 7), cases[i].orc7);
        assert_string_equal(FIELD("OBR", 5), cases[i].obr5);
        assert_string_equal(FIELD("OBR", 27), cases[i].obr27);
        const char *tq1 = FIELD("TQ1", 9);
        assert_int_equal(tq1 == NULL, cases[i].tq1 == NULL);
        if (tq1 != NULL)
            assert_string_equal(tq1, cases[i].tq1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_of_its_own),
        cmocka_unit_test(a_priority_where_the_profile_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
