/* Messages of patients: which of their IDs, names and times count. The rows of a report. */
#include "worklist/hl7_order.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD(type) "MSH|^~\\&|RIS|HOSP|CERVIGATE||20261127||" type "|M1|P|2.3.1\r"

static struct hl7_message message;

static void begin(const char *text)
{
    char why[80];
    if (!hl7_parse(&message, text, strlen(text), why, sizeof why))
        fail_msg("%s", why);
}

static struct hl7_order order_of(const char *text)
{
    struct hl7_order order;
    size_t at = 0;
    begin(text);
    assert_true(hl7_next_order(&message, &at, &order));
    return order;
}

static void test_merges(void **state)
{
    (void)state;
    struct hl7_order order;
    static const char *const merges[] = {"ADT^A18", "ADT^A34", "ADT^A36", "ADT^A47"};
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "MSH|^~\\&|||||||%s|1|P|2.3.1\rPID|1||N1\rMRG|O1\r",
                       merges[i]);
        order = order_of(text);
        assert_int_equal(order.event, HL7_MERGE);
        assert_string_equal(order.prior[0].id, "O1");
    }
}

/* What is no number of a patient is none of his images', whatever its digits. */
static void test_patient_ids(void **state)
{
    (void)state;
    struct hl7_order order = order_of(HEAD(
        "ADT^A08") "PID|1||1^^^A^AN~2^^^B&2.16.2&ISO^MR~3~4^^^C^VN~5^^^D^PI~6^^^SSA^SS~7^^^E^PT\r");
    static const char *const ids[] = {"2", "3", "5", "7"};
    assert_int_equal(order.patients, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(order.patient[i].id, ids[i]);
    assert_string_equal(order.patient[0].issuer, "B");
    assert_string_equal(order.patient[0].universal, "2.16.2");
    assert_string_equal(order.patient[1].issuer, "");
    char text[400] = HEAD("ADT^A08") "PID|1||1^^^"; /* an issuer that does not fit */
    memset(text + strlen(text), 'x', 65);
    order = order_of(strcat(text, "\r"));
    assert_int_equal(order.patients, 0);
    assert_true(order.cut);
}

static void test_patient_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"Doe^Jane", "Doe^Jane"},
        {"Maiden^Jane^^^^^M~Doe^Jane^^^^^L", "Doe^Jane"},
        {"Alias^J^^^^^A~Doe^Jane", "Doe^Jane"},
        {"\xe5\xb1\xb1\xe7\x94\xb0^\xe5\xa4\xaa\xe9\x83\x8e^^^^^L^I~Yamada^Tarou^^^^^L^A",
         "Yamada^Tarou"},
        {"\"\"", ""}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, HEAD("ADT^A08") "PID|1||1||%s\r", names[i][0]);
        struct hl7_order order = order_of(text);
        assert_string_equal(order.patient_name, names[i][1]);
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"19700101000001", 1000},
                {"20261127120000", 1795780800000},
                {"20261127120000+0100", 1795777200000},
                {"20261127120000.1234-0030", 1795782600000},
                {"202611271200", 1795780800000},
                {"20261127", 1795737600000},
                {"20240229", 1709164800000},
                {"2024", 1704067200000},
                {"", 0},
                {"20261327", 0},
                {"20260431", 0},
                {"20261127240000", 0},
                {"20261127120000+1", 0},
                {"20261127x", 0},
                {"2026112712000", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (hl7_time(rows[i].text) != rows[i].ms)
            fail_msg("%s: %lld", rows[i].text, (long long)hl7_time(rows[i].text));
    struct hl7_order order =
        order_of("MSH|^~\\&|||||19700101000009||ADT^A08|1\rEVN|A08|19700101000005\rPID|1||1\r");
    assert_int_equal(order.at_ms, 5000);
    order = order_of("MSH|^~\\&|||||19700101000009||ADT^A08|1\rEVN|A08\rPID|1||1\r");
    assert_int_equal(order.at_ms, 9000);
}

static void test_rows_of_a_report(void **state)
{
    (void)state;
    static const char *const rows[] = {"CS^Conclusion^L: FX^Fracture^L", "IMP: no ^T1\nline two",
                                       "EMPTY: "};
    struct hl7_order first, second;
    char text[64], small[8];
    size_t at = 0, row;
    begin(HEAD("ORU^R01") "OBR|1||F1\rOBX|1|CE|CS^Conclusion^L||FX^Fracture^L\r"
                          "NTE|1||x\rOBX|2|TX|IMP||no \\S\\T1~line two\rOBX|3|TX|EMPTY\r"
                          "OBR|2||F2\rOBX|1|CE|CS||NEG\r");
    assert_true(hl7_next_order(&message, &at, &first));
    assert_true(hl7_next_order(&message, &at, &second));
    row = first.begin;
    assert_true(hl7_next_row(&message, &first, &row, small, sizeof small) >= sizeof small);
    assert_string_equal(small, "CS^Conc");
    row = first.begin;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(hl7_next_row(&message, &first, &row, text, sizeof text) > 0);
        assert_string_equal(text, rows[i]);
    }
    assert_int_equal(hl7_next_row(&message, &first, &row, text, sizeof text), 0);
    row = second.begin;
    assert_true(hl7_next_row(&message, &second, &row, text, sizeof text) > 0);
    assert_string_equal(text, "CS: NEG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_a_report), cmocka_unit_test(test_merges),
        cmocka_unit_test(test_patient_ids), cmocka_unit_test(test_patient_names),
        cmocka_unit_test(test_times)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
