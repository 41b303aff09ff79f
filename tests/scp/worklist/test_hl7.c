/* Each field of each message, in both versions; what is due; and what no message may say. */
#include "hl7_fixture.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_result_2_5_1(void **state)
{
    (void)state;
    const struct news news = finding();
    assert_string_equal(
        written(&modern, &news, HL7_RESULT),
        "MSH|^~\\&|CERVIGATE|Radiology|RIS|General|20261127130500+0000||ORU^R01^ORU_R01|"
        "0123456789abcdef012R|P|2.5.1||||||UNICODE UTF-8\r"
        "PID|1||P1^^^HOSP||Doe^Jane^Q^Jr^Dr^^L^A||19610430|F\r"
        "ORC|RE||5d33ec8e2b1a63d2c0e8\r"
        "OBR|1||5d33ec8e2b1a63d2c0e8|CG^Second look^99CERVIGATE|||20261127081500||||||||||||"
        "|||20261127130500+0000|||P\r"
        "OBX|1|CE|study-outcome^Outcome of the study^99CERVIGATE|1|"
        "finding^Finding at or above the operating point^99CERVIGATE|||AA|||P|||"
        "20261127130500+0000\r"
        "OBX|2|ST|priority-reason^Reason of the reading priority^99CERVIGATE|1|"
        "suspicion of a cervical spine injury||||||P|||20261127130500+0000\r"
        "OBX|3|CE|priority-rank^Reading priority^99CERVIGATE|1|HIGH^HIGH^99CERVIGATE||||||P|||"
        "20261127130500+0000\r"
        "OBX|4|ST|110180^Study Instance UID^DCM|1|1.2.3||||||P|||20261127130500+0000\r"
        "OBX|5|ST|121022^Accession Number^DCM|1|A17||||||P|||20261127130500+0000\r"
        "OBX|6|ST|report-uid^SOP Instance UID of the report^99CERVIGATE|1|2.25.7||||||P|||"
        "20261127130500+0000\r"
        "OBX|7|ST|111001^Algorithm Name^DCM|1|cervigate-phantom 0.2.0||||||P|||"
        "20261127130500+0000\r");
}

static void test_priority_2_5_1(void **state)
{
    (void)state;
    const struct news news = finding();
    assert_string_equal(
        written(&modern, &news, HL7_PRIORITY),
        "MSH|^~\\&|CERVIGATE|Radiology|RIS|General|20261127130500+0000||OMI^O23^OMI_O23|"
        "0123456789abcdef012P|P|2.5.1||||||UNICODE UTF-8\r"
        "PID|1||P1^^^HOSP||Doe^Jane^Q^Jr^Dr^^L^A||19610430|F\r"
        "ORC|XO|PL1|FI1||||||20261127130500+0000|||||||"
        "finding^suspicion of a cervical spine injury^99CERVIGATE\r"
        "TQ1|1||||||||A^ASAP^HL70485\r"
        "OBR|1|PL1|FI1|^C-spine 2 views\r"
        "IPC|A17^RAD|RP9|1.2.3\r");
}

static void test_priority_2_3_1(void **state)
{
    (void)state;
    struct conf_announcement to = modern;
    const struct news news = finding();
    to.version = 0;
    assert_string_equal(written(&to, &news, HL7_PRIORITY),
                        "MSH|^~\\&|CERVIGATE|Radiology|RIS|General|20261127130500+0000||ORM^O01|"
                        "0123456789abcdef012P|P|2.3.1||||||UNICODE UTF-8\r"
                        "PID|1||P1^^^HOSP||Doe^Jane^Q^Jr^Dr^^L^A||19610430|F\r"
                        "ORC|XO|PL1|FI1||||^^^^^A||20261127130500+0000|||||||"
                        "finding^suspicion of a cervical spine injury^99CERVIGATE\r"
                        "OBR|1|PL1|FI1|^C-spine 2 views||||||||||||||A17|RP9||||||||^^^^^A\r"
                        "ZDS|1.2.3^^Application^DICOM\r");
}

/* Names of applications may have the components of HD; ^ is the only separator that settings mean.
 */
static void test_configured_components(void **state)
{
    (void)state;
    struct conf_announcement to = modern;
    const struct news news = finding();
    to.sending_application = "CG&|^1.2.3^ISO";
    to.receiving_facility = "H^2.5^ISO";
    const char *bytes = written(&to, &news, HL7_RESULT);
    assert_non_null(strstr(bytes, "MSH|^~\\&|CG\\T\\\\F\\^1.2.3^ISO|Radiology|RIS|H^2.5^ISO|"));
}

/* ---- what it says of each outcome ---- */

static void test_outcomes(void **state)
{
    (void)state;
    static const struct {
        enum srt_outcome outcome;
        enum priority_reason reason;
        const char *value, *flag, *obx, *obr;
    } rows[] = {{SRT_FINDING, REASON_FINDING, "finding", "AA", "P", "P"},
                {SRT_FINDING, REASON_KNOWN, "finding", "AA", "P", "P"},
                {SRT_NO_FINDING, REASON_NO_FINDING, "no-finding", "", "P", "P"},
                {SRT_INCOMPLETE, REASON_INCOMPLETE, "incomplete", "", "P", "P"},
                {SRT_UNDETERMINED, REASON_UNDETERMINED, "373068000", "", "P", "P"},
                {SRT_NOT_PROCESSED, REASON_NOT_PROCESSED, "not-processed", "", "X", "X"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct news news = finding();
        news.outcome = rows[i].outcome;
        news.reason = rows[i].reason;
        struct conf_announcement to = modern;
        to.version = i % 2;
        const char *bytes = written(&to, &news, HL7_RESULT);
        assert_string_equal(FIELD("MSH", 9), i % 2 ? "ORU^R01^ORU_R01" : "ORU^R01");
        assert_string_equal(FIELD("MSH", 12), i % 2 ? "2.5.1" : "2.3.1");
        assert_string_equal(ROW("study-outcome", 5), rows[i].value);
        assert_string_equal(ROW("study-outcome", 8), rows[i].flag);
        assert_string_equal(ROW("study-outcome", 11), rows[i].obx);
        assert_string_equal(ROW("priority-reason", 8), "");
        assert_string_equal(FIELD("OBR", 25), rows[i].obr);
        assert_string_equal(ROW("priority-reason", 5), priority_reason_text(rows[i].reason));
    }
}

static void test_withdrawn_and_corrected(void **state)
{
    (void)state;
    struct news news = finding();
    news.was_told = true;
    news.told = PRIORITY_HIGH;
    news.kind = NEWS_WITHDRAWN;
    const char *bytes = written(&modern, &news, HL7_RESULT);
    assert_string_equal(ROW("study-outcome", 5), "withdrawn");
    assert_string_equal(ROW("study-outcome", 11), "W");
    assert_string_equal(ROW("110180", 11), "W");
    assert_string_equal(ROW("priority-reason", 5), "withdrawn");
    assert_null(ROW("priority-rank", 5));
    assert_string_equal(FIELD("OBR", 25), "X");
    assert_string_equal(ROW("study-outcome", 8), "");
    news.reason = REASON_READ;
    bytes = written(&modern, &news, HL7_RESULT);
    assert_string_equal(ROW("priority-reason", 5), "withdrawn: has been read");
    news.kind = NEWS_PRIORITY;
    news.outcome = SRT_NO_FINDING;
    news.reason = REASON_NO_FINDING;
    bytes = written(&modern, &news, HL7_RESULT);
    assert_string_equal(FIELD("OBR", 25), "P"); /* C would follow a final result */
    assert_string_equal(ROW("study-outcome", 11), "P");
}

static void test_revisions_have_one_number_and_messages_their_own(void **state)
{
    (void)state;
    struct news news = finding();
    char first[64] = "", id[64] = "";
    const char *bytes = written(&modern, &news, HL7_RESULT);
    (void)snprintf(first, sizeof first, "%.63s", FIELD("OBR", 3));
    (void)snprintf(id, sizeof id, "%.63s", FIELD("MSH", 10));
    assert_true(strlen(id) <= 20);
    memcpy(news.message, "ff", 2);
    bytes = written(&modern, &news, HL7_RESULT);
    assert_string_equal(FIELD("OBR", 3), first);
    assert_string_not_equal(FIELD("MSH", 10), id);
    news = finding();
    news.workitem[5] = '2';
    bytes = written(&modern, &news, HL7_RESULT);
    assert_string_not_equal(FIELD("OBR", 3), first);
    assert_string_equal(FIELD("OBR", 2), ""); /* never the site's order */
}

static void test_research_is_marked(void **state)
{
    (void)state;
    struct news news = finding();
    news.research = true;
    for (int kind = HL7_RESULT; kind <= HL7_PRIORITY; kind++) {
        const char *bytes = written(&modern, &news, kind);
        assert_string_equal(FIELD("MSH", 11), "T");
        if (kind == HL7_PRIORITY)
            assert_ptr_equal(strstr(PART("ORC", 16, 2), "RESEARCH - "), PART("ORC", 16, 2));
        else {
            assert_string_equal(PART("OBR", 4, 2), "RESEARCH - Second look");
            assert_string_equal(FIELD("OBX", 5), "RESEARCH - a demonstration, not for diagnosis");
            assert_ptr_equal(strstr(ROW("priority-reason", 5), "RESEARCH - "),
                             ROW("priority-reason", 5));
            assert_string_equal(said(bytes, "OBX", "study-outcome", (struct hl7_place){5, 1, 2, 0}),
                                "RESEARCH - Finding at or above the operating point");
        }
    }
}

/* No report, no accession, no model: no rows; nothing known of the patient: no components. */
static void test_what_is_not_known(void **state)
{
    (void)state;
    const struct news news = {.message = "ab", .workitem = "1", .created_ms = 1795784700123};
    const char *bytes = written(&modern, &news, HL7_RESULT);
    assert_non_null(strstr(bytes, "\rPID|1|||||||\r"));
    assert_null(ROW("121022", 5));
    assert_null(ROW("report-uid", 5));
    assert_null(ROW("111001", 5));
    assert_string_equal(FIELD("OBR", 7), "19700101000000+0000");
}

/* ---- what is due ---- */

static void check_due(struct news *news, bool result, const char *code)
{
    struct conf_announcement off = modern;
    off.results = off.priority = false;
    assert_int_equal(hl7_is_due(&modern, news, HL7_RESULT), result);
    assert_int_equal(hl7_is_due(&modern, news, HL7_PRIORITY), code != NULL);
    assert_false(hl7_is_due(&off, news, HL7_RESULT) || hl7_is_due(&off, news, HL7_PRIORITY));
    if (code == NULL) {
        char bytes[8192];
        assert_int_equal(hl7_write(&modern, news, HL7_PRIORITY, bytes, sizeof bytes), 0);
        return;
    }
    const char *bytes = written(&modern, news, HL7_PRIORITY);
    assert_string_equal(PART("TQ1", 9, 1), code);
    news->accession[0] = news->placer_order[0] = news->filler_order[0] = '\0';
    assert_false(hl7_is_due(&modern, news, HL7_PRIORITY)); /* of no order that anybody could find */
}

static void test_due(void **state)
{
    (void)state;
    static const struct {
        enum news_kind kind;
        bool was_told;
        enum priority_rank told, rank;
        enum priority_order order;
        enum priority_reason reason;
        bool result;
        const char *code; /* of the priority's change, NULL: none */
    } rows[] = {
        {NEWS_PRIORITY, false, 0, PRIORITY_HIGH, ORDER_ROUTINE, REASON_FINDING, true, "A"},
        {NEWS_PRIORITY, false, 0, PRIORITY_HIGH, ORDER_LOW, REASON_FINDING, true, "A"},
        {NEWS_PRIORITY, false, 0, PRIORITY_MEDIUM, ORDER_LOW, REASON_FINDING, true, "R"},
        /* nobody knows whether it would raise it */
        {NEWS_PRIORITY, false, 0, PRIORITY_HIGH, ORDER_UNKNOWN, REASON_FINDING, true, NULL},
        {NEWS_PRIORITY, false, 0, PRIORITY_HIGH, ORDER_STAT, REASON_FINDING, true, NULL},
        {NEWS_PRIORITY, false, 0, PRIORITY_HIGH, ORDER_HIGH, REASON_FINDING, true, NULL},
        {NEWS_PRIORITY, false, 0, PRIORITY_MEDIUM, ORDER_ROUTINE, REASON_NO_FINDING, true, NULL},
        {NEWS_PRIORITY, false, 0, PRIORITY_MEDIUM, ORDER_ROUTINE, REASON_NOT_PROCESSED, true, NULL},
        {NEWS_PRIORITY, false, 0, PRIORITY_MEDIUM, ORDER_ROUTINE, REASON_WAITING, false, NULL},
        {NEWS_PRIORITY, true, PRIORITY_MEDIUM, PRIORITY_HIGH, ORDER_ROUTINE, REASON_FINDING, true,
         "A"},
        {NEWS_PRIORITY, true, PRIORITY_HIGH, PRIORITY_HIGH, ORDER_ROUTINE, REASON_FINDING, true,
         NULL},
        /* an earlier raise of ours is corrected */
        {NEWS_PRIORITY, true, PRIORITY_HIGH, PRIORITY_MEDIUM, ORDER_ROUTINE, REASON_NO_FINDING,
         true, "R"},
        {NEWS_PRIORITY, true, PRIORITY_HIGH, PRIORITY_HIGH, ORDER_STAT, REASON_NO_FINDING, true,
         NULL},
        {NEWS_WITHDRAWN, true, PRIORITY_HIGH, PRIORITY_MEDIUM, ORDER_ROUTINE, REASON_WAITING, true,
         "R"},
        {NEWS_WITHDRAWN, true, PRIORITY_HIGH, PRIORITY_HIGH, ORDER_ROUTINE, REASON_FINDING, true,
         "R"},
        {NEWS_WITHDRAWN, true, PRIORITY_HIGH, PRIORITY_MEDIUM, ORDER_ROUTINE, REASON_READ, true,
         NULL},
        {NEWS_WITHDRAWN, true, PRIORITY_MEDIUM, PRIORITY_MEDIUM, ORDER_ROUTINE, REASON_WAITING,
         true, NULL},
        {NEWS_WITHDRAWN, false, 0, PRIORITY_MEDIUM, ORDER_ROUTINE, REASON_READ, false, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct news news = finding();
        news.kind = rows[i].kind;
        news.was_told = rows[i].was_told;
        news.told = rows[i].told;
        news.rank = rows[i].rank;
        news.order = rows[i].order;
        news.reason = rows[i].reason;
        check_due(&news, rows[i].result, rows[i].code);
    }
    struct news news = finding(); /* of a patient who was forgotten */
    news.kind = NEWS_WITHDRAWN;
    news.was_told = true;
    assert_true(hl7_is_due(&modern, &news, HL7_RESULT));
    news.patient_id[0] = news.patient_name[0] = '\0';
    assert_false(hl7_is_due(&modern, &news, HL7_RESULT));
}

/* ---- values ---- */

static void test_nothing_in_a_name_breaks_a_segment(void **state)
{
    (void)state;
    struct news news = finding();
    (void)snprintf(news.patient_name, sizeof news.patient_name, "%s",
                   "A|B~C&D\\E\rOBX|9\n\x1c\r\x0b\x7f^G");
    (void)snprintf(news.patient_id, sizeof news.patient_id, "%s", "1^2\rZZZ|1");
    const char *bytes = written(&modern, &news, HL7_RESULT);
    assert_non_null(strstr(bytes, "|A\\F\\B\\R\\C\\T\\D\\E\\E\\X0D\\OBX\\F\\9\\X0A\\\\X1C\\\\X0D\\"
                                  "\\X0B\\\\X7F\\^G^"));
    assert_non_null(strstr(bytes, "|1\\S\\2\\X0D\\ZZZ\\F\\1^^^HOSP|"));
    assert_string_equal(PART("PID", 5, 1), "A|B~C&D\\E OBX|9     ");
    assert_string_equal(PART("PID", 3, 1), "1^2 ZZZ|1");
    assert_null(FIELD("ZZZ", 1));
}

static void test_character_sets(void **state)
{
    (void)state;
    static const struct {
        enum conf_hl7_characters characters;
        const char *name, *bytes;
    } rows[] = {
        {CONF_HL7_UTF_8, "UNICODE UTF-8", "M\xc3\xbcller\xe2\x82\xac\xc7\xbc??x?"},
        {CONF_HL7_LATIN_1, "8859/1", "M\xfcller????x?"},
        {CONF_HL7_ASCII, "ASCII", "M?ller????x?"},
    };
    struct news news = finding();
    struct conf_announcement to = modern;
    /* not UTF-8: a lone byte, a control of the upper half, the end within a character */
    (void)snprintf(news.patient_id, sizeof news.patient_id, "%s",
                   "M\xc3\xbcller\xe2\x82\xac\xc7\xbc\xff\xc2\x85x\xc3");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[64];
        to.characters = rows[i].characters;
        const char *bytes = written(&to, &news, HL7_RESULT);
        (void)snprintf(expected, sizeof expected, "|%s^^^HOSP|", rows[i].bytes);
        assert_non_null(strstr(bytes, expected));
        assert_string_equal(FIELD("MSH", 18), rows[i].name);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        enum conf_hl7_characters characters;
        const char *name, *field;
    } rows[] = {
        {CONF_HL7_UTF_8, "Doe", "|Doe^^^^^^L^A|"},
        {CONF_HL7_UTF_8, "Yamada^Tarou=\xe5\xb1\xb1=\xe3\x82\x84^\xe3\x81\x9f",
         "|Yamada^Tarou^^^^^L^A~\xe5\xb1\xb1^^^^^^L^I~\xe3\x82\x84^\xe3\x81\x9f^^^^^L^P|"},
        {CONF_HL7_UTF_8, "=\xe5\xb1\xb1", "|\xe5\xb1\xb1^^^^^^L^I|"},
        {CONF_HL7_ASCII, "Yamada^Tarou=\xe5\xb1\xb1", "|Yamada^Tarou^^^^^L^A|"},
        {CONF_HL7_UTF_8, "A^B^C^D^E^F^G", "|A^B^C^E^D^^L^A|"},
    };
    struct conf_announcement to = modern;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct news news = finding();
        to.characters = rows[i].characters;
        (void)snprintf(news.patient_name, sizeof news.patient_name, "%s", rows[i].name);
        assert_non_null(strstr(written(&to, &news, HL7_RESULT), rows[i].field));
    }
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *birth, *written, *date, *time, *observed;
    } rows[] = {{"1961.04.30", "19610430", "20261127", "0815", "202611270815"},
                {"1961", "", "20261127", "", "20261127"},
                {"19611330", "", "20261127", "256000", "20261127"},
                {"19610432", "", "20261327", "0815", "20261127130450+0000"},
                {"1961043\r", "", "", "081500", "20261127130450+0000"},
                {"19610430", "19610430", "20261127", "08:15", "20261127"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct news news = finding();
        (void)snprintf(news.birth_date, sizeof news.birth_date, "%s", rows[i].birth);
        (void)snprintf(news.study_date, sizeof news.study_date, "%s", rows[i].date);
        (void)snprintf(news.study_time, sizeof news.study_time, "%s", rows[i].time);
        const char *bytes = written(&modern, &news, HL7_RESULT);
        assert_string_equal(FIELD("PID", 7), rows[i].written);
        assert_string_equal(FIELD("OBR", 7), rows[i].observed);
    }
}

/* The words and figures that no message may have, whatever the outcome; F and C as a status. */
static void test_words_that_are_never_said(void **state)
{
    (void)state;
    static const char *const never[] = {"absent",       "normal", "probab", "confidence",
                                        "unremarkable", "clear",  "rule"};
    for (int outcome = SRT_FINDING; outcome <= SRT_INCOMPLETE; outcome++)
        for (int reason = REASON_FINDING; reason <= REASON_READ; reason++)
            for (int told = 0; told < 2; told++) {
                struct news news = finding();
                char low[HL7_WRITE_MOST] = "";
                news.outcome = outcome;
                news.reason = reason;
                news.was_told = told;
                news.model[0] = '\0'; /* its version is the site's to choose */
                const char *bytes = written(&modern, &news, HL7_RESULT);
                for (size_t i = 0; bytes[i] != '\0'; i++)
                    low[i] = (char)tolower((unsigned char)bytes[i]);
                for (size_t i = 0; i < sizeof never / sizeof *never; i++)
                    assert_null(strstr(low, never[i]));
                assert_null(strstr(bytes, "0."));
                assert_null(strstr(bytes, "|N|"));
                assert_null(strstr(bytes, "|F|"));
                assert_null(strstr(bytes, "|C|"));
            }
}

static void test_a_message_that_does_not_fit_is_none(void **state)
{
    (void)state;
    struct news news = finding();
    char bytes[HL7_WRITE_MOST];
    size_t count = hl7_write(&modern, &news, HL7_RESULT, bytes, sizeof bytes);
    assert_int_equal(hl7_write(&modern, &news, HL7_RESULT, bytes, count + 1), count);
    for (size_t size = 0; size <= count; size += size < count - 3 ? 7 : 1)
        assert_int_equal(hl7_write(&modern, &news, HL7_RESULT, bytes, size), 0);
    memset(news.patient_id, '|', sizeof news.patient_id - 1); /* the longest of everything */
    memset(news.patient_name, '\\', sizeof news.patient_name - 1);
    memset(news.issuer, '\n', sizeof news.issuer - 1);
    assert_int_not_equal(hl7_write(&modern, &news, HL7_RESULT, bytes, sizeof bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_2_5_1),
        cmocka_unit_test(test_priority_2_5_1),
        cmocka_unit_test(test_priority_2_3_1),
        cmocka_unit_test(test_configured_components),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_withdrawn_and_corrected),
        cmocka_unit_test(test_revisions_have_one_number_and_messages_their_own),
        cmocka_unit_test(test_research_is_marked),
        cmocka_unit_test(test_what_is_not_known),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_nothing_in_a_name_breaks_a_segment),
        cmocka_unit_test(test_character_sets),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_words_that_are_never_said),
        cmocka_unit_test(test_a_message_that_does_not_fit_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
