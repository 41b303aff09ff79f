/* What others send: orders, patients, reports, acknowledgements, MLLP; any separators;
 * bytes that are none of it. */
#include "worklist/hl7_order.h"
#include "worklist/mllp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct hl7_message message;

static void parse(const char *bytes)
{
    char why[64] = "";
    if (!hl7_parse(&message, bytes, strlen(bytes), why, sizeof why))
        fail_msg("%s", why);
}

static const char *get(const char *segment, unsigned field, unsigned component, unsigned part)
{
    static char value[512];
    (void)hl7_get(&message, hl7_find(&message, segment, 0),
                  (struct hl7_place){field, 1, component, part}, value, sizeof value);
    return value;
}

static struct hl7_order order_of(const char *bytes)
{
    struct hl7_order order;
    size_t at = 0;
    parse(bytes);
    assert_true(hl7_next_order(&message, &at, &order));
    return order;
}

#define HEAD(type) "MSH|^~\\&|RIS|HOSP|CERVIGATE||20261127||" type "|M1|P|2.3.1\r"

/* ---- the message ---- */

static void test_values(void **state)
{
    (void)state;
    parse(HEAD("ADT^A08") "PID|1||P1&x^^^H&1.2&ISO~P2^^^K|| Doe ^Jane||\"\"|\r");
    assert_string_equal(get("MSH", 1, 0, 0), "|");
    assert_string_equal(get("MSH", 2, 0, 0), "^~\\&");
    assert_string_equal(get("MSH", 3, 1, 0), "RIS");
    assert_string_equal(get("PID", 3, 1, 1), "P1");
    assert_string_equal(get("PID", 3, 4, 2), "1.2");
    assert_string_equal(get("PID", 3, 0, 0), "P1&x^^^H&1.2&ISO");
    assert_string_equal(get("PID", 5, 1, 1), "Doe");
    assert_string_equal(get("PID", 7, 1, 1), "");
    assert_string_equal(get("PID", 99, 1, 1), "");
    assert_string_equal(get("ZZZ", 1, 1, 1), "");
    assert_int_equal(hl7_repetitions(&message, 1, 3), 2);
    assert_int_equal(hl7_repetitions(&message, 1, 7), 1);
    assert_int_equal(hl7_repetitions(&message, 1, 99), 0);
}

static void test_separators_and_ends(void **state)
{
    (void)state;
    static const char *const same[] = {
        "MSH|^~\\&|A||||||ADT^A08\rPID|1||P1^^^H\r",
        "MSH|^~\\&|A||||||ADT^A08\r\nPID|1||P1^^^H\r\n",
        "MSH|^~\\&|A||||||ADT^A08\nPID|1||P1^^^H",
        "MSH#*+!%#A######ADT*A08\rPID#1##P1***H\r",
        "MSH|^~|A||||||ADT^A08\rPID|1||P1^^^H\r",
        "MSH|^~\\&#|A||||||ADT^A08\r\r\rPID|1||P1^^^H",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct hl7_order order = order_of(same[i]);
        assert_int_equal(order.event, HL7_PATIENT);
        assert_string_equal(order.patient[0].id, "P1");
        assert_string_equal(order.patient[0].issuer, "H");
    }
}

static void test_escapes(void **state)
{
    (void)state;
    parse("MSH|^~\\&|\\F\\\\S\\\\T\\\\R\\\\E\\|a\\X0D41\\b|\\H\\bold\\N\\|C:\\dir|x\\|\\.br\\|"
          "\\C2842\\|"
          "\\X4\\\\XZZ\\|\\\\|\\Zx\\y\r");
    assert_string_equal(get("MSH", 3, 0, 0), "|^&~\\");
    assert_string_equal(get("MSH", 4, 0, 0), "a Ab");
    assert_string_equal(get("MSH", 5, 0, 0), "bold");
    assert_string_equal(get("MSH", 6, 0, 0), "C:\\dir");
    assert_string_equal(get("MSH", 7, 0, 0), "x\\");
    assert_string_equal(get("MSH", 8, 0, 0), " ");
    assert_string_equal(get("MSH", 9, 0, 0), HL7_UNREADABLE);
    assert_string_equal(get("MSH", 10, 0, 0), "\\X4\\\\XZZ\\");
    assert_string_equal(get("MSH", 11, 0, 0), "\\\\");
    assert_string_equal(get("MSH", 12, 0, 0), "y");
}

/* An identifier that is cut could be another's; words may be cut, between characters. */
static void test_lengths(void **state)
{
    (void)state;
    char bytes[8192], value[8];
    (void)snprintf(bytes, sizeof bytes, "MSH|^~\\&|1234567|12345678|aaaaaa\xc3\xbc|%05000d\r", 7);
    parse(bytes);
    assert_true(hl7_get_whole(&message, 0, (struct hl7_place){3, 1, 1, 1}, value, sizeof value));
    assert_string_equal(value, "1234567");
    assert_false(hl7_get_whole(&message, 0, (struct hl7_place){4, 1, 1, 1}, value, sizeof value));
    assert_string_equal(value, "");
    assert_int_equal(hl7_get(&message, 0, (struct hl7_place){5, 1, 1, 1}, value, sizeof value), 8);
    assert_string_equal(value, "aaaaaa");
    assert_true(hl7_get(&message, 0, (struct hl7_place){6, 1, 1, 1}, value, sizeof value) >= 5000);
    (void)snprintf(bytes, sizeof bytes, HEAD("ORM^O01") "ORC|NW|%066d|F1\rOBR|1\r", 1);
    struct hl7_order order = order_of(bytes);
    assert_true(order.cut);
    assert_string_equal(order.placer_order, "");
    assert_string_equal(order.filler_order, "F1");
}

static void test_no_message(void **state)
{
    (void)state;
    static const char *const none[] = {"",
                                       "MSH",
                                       "MSH|^~\\",
                                       "PID|1||P1|||",
                                       "MSH|^^\\&|A|",
                                       "MSH|A~\\&|A|",
                                       "MSH\r^~\\&\rA",
                                       "MSH|^|~\\&|A|B",
                                       "FHS|^~\\&|A|B",
                                       "MSH|^~\\&|A\rno segment\r",
                                       "MSH|^~\\&|A\rP\r",
                                       "MSH|\xc3\xbc\\&|A"};
    char why[64];
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        why[0] = '\0';
        assert_false(hl7_parse(&message, none[i], strlen(none[i]), why, sizeof why));
        assert_true(strlen(why) > 4);
    }
}

static void test_ceilings(void **state)
{
    (void)state;
    static char bytes[HL7_READ_MOST + 2];
    char why[64];
    size_t used = 0;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "MSH|^~\\&|", 9);
    assert_true(hl7_parse(&message, bytes, HL7_READ_MOST, why, sizeof why));
    assert_false(hl7_parse(&message, bytes, HL7_READ_MOST + 1, why, sizeof why));
    assert_string_equal(why, "too long");
    memset(bytes + 9, '|', HL7_FIELDS_MOST + 1);
    assert_false(hl7_parse(&message, bytes, 9 + HL7_FIELDS_MOST, why, sizeof why));
    assert_string_equal(why, "too many fields in a segment");
    assert_true(hl7_parse(&message, bytes, 9 + HL7_FIELDS_MOST - 2, why, sizeof why));
    memcpy(bytes, "MSH|^~\\&\r", 9);
    for (used = 9; used < 9 + 4 * HL7_SEGMENTS_MOST; used += 4)
        memcpy(bytes + used, "ZZZ\r", 4);
    assert_true(hl7_parse(&message, bytes, used - 4, why, sizeof why));
    assert_int_equal(message.segments, HL7_SEGMENTS_MOST);
    assert_false(hl7_parse(&message, bytes, used, why, sizeof why));
    assert_string_equal(why, "too many segments");
}

/* The largest message, of what takes longest to look through, for each of many orders: half a
 * second of the processor when this was written. */
static void test_the_worst_message_takes_no_time(void **state)
{
    (void)state;
    static const char *const fillings[] = {"~", "^", "\\X0\\"};
    static char bytes[HL7_READ_MOST];
    const size_t orders = HL7_SEGMENTS_MOST - 2, room = sizeof bytes - orders * 7 - 16;
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        struct hl7_order order;
        char why[64];
        size_t used = (size_t)snprintf(bytes, sizeof bytes, HEAD("ORM^O01") "PID|1||"), at = 0;
        while (used < room)
            for (const char *c = fillings[i]; *c != '\0'; c++)
                bytes[used++] = *c;
        for (size_t j = 0; j < orders; j++, used += 7)
            memcpy(bytes + used, "\rORC|NW", 7);
        clock_t begun = clock();
        assert_true(hl7_parse(&message, bytes, used, why, sizeof why));
        for (size_t j = 0; j < orders; j++)
            assert_true(hl7_next_order(&message, &at, &order));
        assert_false(hl7_next_order(&message, &at, &order));
        assert_true((double)(clock() - begun) / CLOCKS_PER_SEC < 20);
    }
}

/* ---- orders ---- */

static void test_orm(void **state)
{
    (void)state;
    struct hl7_order order = order_of(HEAD(
        "ORM^O01") "PID|1||P1^^^HOSP^MR~77^^^&2.16.1&ISO||Doe&van^Jane^Q^Jr^Dr||19610430101500|F\r"
                   "PV1|1|E\rORC|NW|PL1^RIS|FI1^RIS||SC||1^^^^^S||20261127\r"
                   "OBR|1|PL1|FI1|CSP^Cervical spine 2 views^LOCAL|||||||||||||| A17 |RP9|||||||"
                   "|^^^^^R||||fall\rZDS|1.2.3.4^^Application^DICOM\r");
    assert_int_equal(order.event, HL7_ORDER);
    assert_string_equal(order.control, "NW");
    assert_false(order.cancelled || order.cut || order.own);
    assert_int_equal(order.priority, ORDER_STAT); /* the highest that is said anywhere */
    assert_string_equal(order.accession, "A17");
    assert_string_equal(order.placer_order, "PL1");
    assert_string_equal(order.filler_order, "FI1");
    assert_string_equal(order.study, "1.2.3.4");
    assert_string_equal(order.procedure_id, "RP9");
    assert_string_equal(order.procedure, "Cervical spine 2 views");
    assert_string_equal(order.service, "CSP");
    assert_string_equal(order.reason, "fall");
    assert_int_equal(order.patients, 2);
    assert_string_equal(order.patient[0].issuer, "HOSP");
    assert_string_equal(order.patient[1].id, "77");
    assert_string_equal(order.patient[1].issuer, "");
    assert_string_equal(order.patient[1].universal, "2.16.1");
    assert_string_equal(order.patient_name, "Doe^Jane^Q^Dr^Jr");
    assert_string_equal(order.birth_date, "19610430");
    assert_string_equal(order.sex, "F");
}

static void test_omi_with_several_orders(void **state)
{
    (void)state;
    static const struct {
        const char *accession, *study, *placer;
        enum priority_order priority;
    } rows[] = {{"A1", "1.2.1", "PL1", ORDER_HIGH},
                {"A2", "1.2.2", "PL2", ORDER_ROUTINE},
                {"A3", "", "PL3", ORDER_UNKNOWN}};
    struct hl7_order order;
    size_t at = 0;
    parse("MSH|^~\\&|||||||OMI^O23^OMI_O23|1|P|2.5.1\rPID|1||P1\r"
          "ORC|XO|PL1\rTQ1|1||||||||A~R\rOBR|1|PL1||C^Neck\rIPC|A1^RIS|RP1|1.2.1|S1\r"
          "ORC|NW|PL2\rTQ1|1||||||||R^Routine^HL70485\rOBR|2|PL2||T^Chest\rIPC|A2|RP1|1.2.2\r"
          "IPC|A2|RP1|1.2.9\rORC|CA|PL3\rOBR|3|PL3||P^Pelvis\rIPC|A3|RP1|not a uid\r");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(hl7_next_order(&message, &at, &order));
        assert_string_equal(order.accession, rows[i].accession);
        assert_string_equal(order.study, rows[i].study);
        assert_string_equal(order.placer_order, rows[i].placer);
        assert_int_equal(order.priority, rows[i].priority);
        assert_int_equal(order.cancelled, i == 2);
        assert_string_equal(order.patient[0].id, "P1");
        assert_string_equal(order.issuer_of_accession, i == 0 ? "RIS" : "");
    }
    assert_false(hl7_next_order(&message, &at, &order));
}

/* One ZDS is for all orders of a message; several are each of its own. */
static void test_study_of_several_orders(void **state)
{
    (void)state;
    struct hl7_order order;
    size_t at = 0;
    parse(HEAD("ORM^O01") "ORC|NW|1\rOBR|1\rORC|NW|2\rOBR|2\rZDS|1.2.3\r");
    while (hl7_next_order(&message, &at, &order))
        assert_string_equal(order.study, "1.2.3");
    at = 0;
    parse(HEAD(
        "ORM^O01") "ORC|NW|1\rOBR|1\rZDS|1.2.1\rORC|NW|2\rOBR|2\rZDS|1.2.2\rORC|NW|3\rOBR|3\r");
    for (int i = 1; i <= 3; i++) {
        char expected[24] = "";
        if (i < 3)
            (void)snprintf(expected, sizeof expected, "1.2.%d", i);
        assert_true(hl7_next_order(&message, &at, &order));
        assert_string_equal(order.study, expected);
    }
}

static void test_adt(void **state)
{
    (void)state;
    struct hl7_order order = order_of(HEAD("ADT^A08") "EVN|A08\rPID|1||P1^^^H||Doe^Jane||2026\r");
    assert_int_equal(order.event, HL7_PATIENT);
    assert_int_equal(order.priors, 0);
    assert_string_equal(order.birth_date, "");
    size_t at = 0;
    parse(HEAD("ADT^A40") "EVN|A40\rPID|1||N1^^^H\rMRG|O1^^^H~O2^^^K\rPID|1||N2\rMRG|O3\r");
    assert_true(hl7_next_order(&message, &at, &order));
    assert_int_equal(order.event, HL7_MERGE);
    assert_string_equal(order.patient[0].id, "N1");
    assert_int_equal(order.priors, 2);
    assert_string_equal(order.prior[0].id, "O1");
    assert_string_equal(order.prior[1].issuer, "K");
    assert_true(hl7_next_order(&message, &at, &order));
    assert_string_equal(order.patient[0].id, "N2");
    assert_string_equal(order.prior[0].id, "O3");
    assert_false(hl7_next_order(&message, &at, &order));
    at = 0;
    parse(HEAD("ADT^A01") "PID|1||N1\r");
    assert_false(hl7_next_order(&message, &at, &order));
    assert_int_equal(order.event, HL7_OTHER);
}

static void test_reports(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        enum hl7_read read;
    } rows[] = {
        {"F", HL7_READ_FINAL},       {"C", HL7_READ_FINAL},       {"P", HL7_READ_PRELIMINARY},
        {"R", HL7_READ_PRELIMINARY}, {"A", HL7_READ_PRELIMINARY}, {"O", HL7_NOT_READ},
        {"I", HL7_NOT_READ},         {"S", HL7_NOT_READ},         {"X", HL7_NOT_READ},
        {"", HL7_NOT_READ},          {"FF", HL7_NOT_READ},        {"?", HL7_NOT_READ}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[256];
        (void)snprintf(bytes, sizeof bytes,
                       HEAD("ORU^R01") "PID|1||P1\rOBR|1|PL1|FI1|C^Neck||||||||||||||A1|||||||%s\r"
                                       "OBX|1|TX|1^Report^L||No fracture.||||||F\r",
                       rows[i].status);
        struct hl7_order order = order_of(bytes);
        assert_int_equal(order.event, HL7_REPORT);
        assert_int_equal(order.read, rows[i].read);
        assert_int_equal(order.cancelled, rows[i].status[0] == 'X');
        assert_string_equal(order.accession, "A1");
        assert_false(order.own);
    }
}

/* An engine that sends our result to us must not make the study read. */
static void test_our_own_result(void **state)
{
    (void)state;
    assert_true(order_of(HEAD("ORU^R01") "OBR|1||FI1|C||||||||||||||||||||P\r"
                                         "OBX|1|CE|study-outcome^x^99CERVIGATE||finding\r")
                    .own);
    assert_true(order_of(HEAD("OMI^O23") "ORC|XO|P|F|||||||||||||finding^w^99CERVIGATE\r").own);
    assert_false(order_of(HEAD("OMI^O23") "ORC|XO|P|F|||||||||||||moved^w^L\r").own);
    /* with rows that a profile has named */
    assert_true(order_of(HEAD("ORU^R01") "OBR|1||F\rOBX|1|CE|1^o^L|1|finding^w^99CERVIGATE\r").own);
    assert_false(order_of(HEAD("ORU^R01") "OBR|1||F\rOBX|1|CE|1^o^L|1|finding^w^L\r").own);
}

/* ---- acknowledgements ---- */

static void test_ack(void **state)
{
    (void)state;
    char bytes[1024];
    parse("MSH|^~\\&|RI\\T\\S|HOSP|CG|X|2026||ORM^O01|M\\S\\1|T|2.3.1\r");
    assert_true(hl7_ack(&message, HL7_ACCEPT, "", "7", 1795784700123, bytes, sizeof bytes) > 0);
    assert_string_equal(bytes,
                        "MSH|^~\\&|CG|X|RI\\T\\S|HOSP|20261127130500+0000||ACK^O01|7|T|2.3.1\r"
                        "MSA|AA|M\\S\\1\r");
    assert_true(hl7_ack(&message, HL7_REJECT, "no\rroom", "7", 0, bytes, sizeof bytes) > 0);
    assert_non_null(strstr(bytes, "\rMSA|AR|M\\S\\1|no\\X0D\\room\r"));
    assert_null(strstr(bytes, "ERR|")); /* before 2.5 it is another segment */
    assert_int_equal(hl7_ack(&message, HL7_ACCEPT, "", "7", 0, bytes, 20), 0);
    parse("MSH|^~\\&|A|B|C|D|||ORM^O01|M|P|2.5.1\r");
    assert_true(hl7_ack(&message, HL7_ERROR, "no|order", "7", 0, bytes, sizeof bytes) > 0);
    assert_non_null(strstr(bytes,
                           "\rMSA|AE|M|no\\F\\order\r"
                           "ERR|||207^Application internal error^HL70357|E||||no\\F\\order\r"));
    assert_true(hl7_ack(&message, HL7_ACCEPT, "", "7", 0, bytes, sizeof bytes) > 0);
    assert_null(strstr(bytes, "ERR|"));
}

static void test_ack_in_enhanced_mode(void **state)
{
    (void)state;
    static const struct {
        const char *accept, *application;
        const char *answers[3]; /* to accept, error, reject; NULL: none */
    } rows[] = {{"", "", {"AA", "AE", "AR"}},     {"AL", "NE", {"CA", "CE", "CR"}},
                {"NE", "AL", {"AA", "AE", "AR"}}, {"NE", "NE", {NULL, NULL, NULL}},
                {"ER", "NE", {NULL, "CE", "CR"}}, {"SU", "NE", {"CA", NULL, NULL}},
                {"AL", "AL", {"CA", "CE", "CR"}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int code = HL7_ACCEPT; code <= HL7_REJECT; code++) {
            char bytes[1024] = "", expected[16];
            (void)snprintf(bytes, sizeof bytes, "MSH|^~\\&|A|B|C|D|||ORU^R01|M1|P|2.5.1|||%s|%s\r",
                           rows[i].accept, rows[i].application);
            char said[1024] = "";
            parse(bytes);
            size_t count = hl7_ack(&message, code, "", "7", 0, said, sizeof said);
            assert_int_equal(count > 0, rows[i].answers[code] != NULL);
            if (count > 0) {
                (void)snprintf(expected, sizeof expected, "\rMSA|%s|M1\r", rows[i].answers[code]);
                assert_non_null(strstr(said, expected));
            }
        }
}

static void test_answers(void **state)
{
    (void)state;
    enum hl7_code code;
    char text[32];
    parse(HEAD("ACK") "MSA|AE|M7|bad\rERR|||101|E||||is missing\r");
    assert_true(hl7_read_ack(&message, "M7", &code, text, sizeof text));
    assert_int_equal(code, HL7_ERROR);
    assert_string_equal(text, "bad; is missing; 101");
    assert_false(hl7_read_ack(&message, "M8", &code, text, sizeof text));
    parse(HEAD("ACK") "MSA|AA|M7|0123456789012345678901234567\xc3\xbc\xc3\xbc\r");
    assert_true(hl7_read_ack(&message, "M7", &code, text, sizeof text));
    assert_string_equal(text, "0123456789012345678901234567\xc3\xbc"); /* a whole character */
    parse(HEAD("ACK") "MSA|XA|M7\r");
    assert_false(hl7_read_ack(&message, "M7", &code, text, sizeof text));
}

/* ---- MLLP ---- */

static void test_mllp(void **state)
{
    (void)state;
    static const char in[] = "noise\x0bone\x1c\r\r\n\x0btwo\x1c\x0b\x1c\r\x0bhalf\x0bthree\x1c"
                             "\x0bmuch too long\x1c\r\x0brest";
    static const struct {
        enum mllp_found found;
        const char *message;
    } rows[] = {{MLLP_MESSAGE, "one"},
                {MLLP_MESSAGE, "two"},
                {MLLP_MESSAGE, ""},
                {MLLP_MESSAGE, "three"},
                {MLLP_CUT, "much to"}};
    for (size_t step = 1; step < sizeof in; step++) {
        char memory[7];
        struct mllp_reader reader;
        size_t row = 0;
        mllp_reader_init(&reader, memory, sizeof memory);
        for (size_t at = 0; at < sizeof in - 1; at += step) {
            const char *next = in + at;
            size_t left = sizeof in - 1 - at < step ? sizeof in - 1 - at : step;
            enum mllp_found found;
            while ((found = mllp_read(&reader, &next, &left)) != MLLP_MORE) {
                assert_in_range(row, 0, sizeof rows / sizeof *rows - 1);
                assert_int_equal(found, rows[row].found);
                assert_int_equal(reader.count, strlen(rows[row].message));
                assert_memory_equal(reader.bytes, rows[row].message, reader.count);
                row++;
            }
            assert_int_equal(left, 0);
        }
        assert_int_equal(row, sizeof rows / sizeof *rows);
        assert_int_equal(reader.skipped, 5);
        assert_true(mllp_is_inside(&reader));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_separators_and_ends),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_no_message),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_the_worst_message_takes_no_time),
        cmocka_unit_test(test_orm),
        cmocka_unit_test(test_omi_with_several_orders),
        cmocka_unit_test(test_study_of_several_orders),
        cmocka_unit_test(test_adt),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_our_own_result),
        cmocka_unit_test(test_ack),
        cmocka_unit_test(test_ack_in_enhanced_mode),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_mllp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
