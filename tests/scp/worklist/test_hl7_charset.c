/* Messages in the character sets of table 0211, and in those that nobody here can read. */
#include "worklist/hl7_charset.h"
#include "worklist/hl7_order.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct hl7_message message;

static void parse(const char *bytes)
{
    static char room[HL7_CHARSET_GROWTH * 512];
    char why[64] = "";
    assert_true(strlen(bytes) <= 512);
    if (!hl7_charset_parse(&message, bytes, strlen(bytes), room, sizeof room, why, sizeof why))
        fail_msg("%s", why);
}

static const char *name_in(const char *bytes)
{
    static char value[512];
    parse(bytes);
    (void)hl7_get(&message, hl7_find(&message, "PID", 0), (struct hl7_place){5, 1, 1, 1}, value,
                  sizeof value);
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

/* First: nothing is loaded yet. */
static void test_without_converters(void **state)
{
    (void)state;
    assert_string_equal(name_in("MSH|^~\\&|||||||ADT^A08|1|P|2.5||||||8859/2\rPID|||||Dvo\xf8k\r"),
                        "Dvo" HL7_UNREADABLE "k");
}

static void test_character_sets(void **state)
{
    (void)state;
    static const struct {
        const char *set, *bytes, *text;
    } rows[] = {
        {"UNICODE UTF-8", "M\xc3\xbcller\xff", "M\xc3\xbcller\xef\xbf\xbd"},
        {"8859/1", "M\xfcller\xa4", "M\xc3\xbcller\xc2\xa4"},
        {"8859/1", "\x8akoda", "\xef\xbf\xbdkoda"}, /* CP1252 */
        {"8859/15", "\xa4\xbc", "\xe2\x82\xac\xc5\x92"},
        {"8859/2~UNICODE UTF-8", "Dvo\xf8\xe1k", "Dvo\xc5\x99\xc3\xa1k"},
        {"8859/3", "\xa6", "\xc4\xa4"},
        {"8859/4", "\xa6", "\xc4\xbb"},
        {"8859/5", "\xb8\xd2\xd0\xdd", "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd"},
        {"8859/6", "\xc7", "\xd8\xa7"},
        {"8859/7", "\xc1", "\xce\x91"},
        {"8859/7", "a\xff", "a\xef\xbf\xbd"}, /* no character has this number */
        {"8859/8", "\xe0", "\xd7\x90"},
        {"8859/9", "\xdd", "\xc4\xb0"},
        {"8859/10", "\xa1", "\xc4\x84"},
        {"8859/11", "\xa1", "\xe0\xb8\x81"},
        {"8859/13", "\xd0", "\xc5\xa0"},
        {"8859/14", "\xa1", "\xe1\xb8\x82"},
        {"8859/16", "\xaa", "\xc8\x98"},
        {"8859/2", "Dvo\\XF8\\\\XE1\\k", "Dvo\xef\xbf\xbd\xef\xbf\xbdk"},
        {"GB 18030-2000", "\x81\x5e\x81\x7c", "\xe4\xb9\x9b\xe4\xba\x85"} /* separators in it */,
        {"BIG-5", "\xb3\x5c", "\xe8\xa8\xb1"}, /* its second byte is the escape character */
        {"KS X 1001", "\xb1\xe8", "\xea\xb9\x80"},
        {"~ISO IR87", "\x1b$B;3ED\x1b(B", "\xe5\xb1\xb1\xe7\x94\xb0"},
        {"~ISO IR87", "\x1b$B0^\x1b(B", "\xe7\xb7\xaf"},
        {"~ISO IR999", "\x1b$B;3ED\x1b(B", "\xef\xbf\xbd$B;3ED\xef\xbf\xbd(B"},
        {"ISO IR100", "M\xfcller", "M\xef\xbf\xbdller"},
        {"8859/1", "\\M2442\\;3ED\\C2842\\", "\xef\xbf\xbd;3ED\xef\xbf\xbd"},
        {"", "M\xc3\xbcller", "M\xc3\xbcller"},
        {"", "M\xfcller", "M\xc3\xbcller"},
        {"ASCII", "M\xfcller", "M\xc3\xbcller"},
        {"8859/1", "M\\XFC\\ller", "M\xc3\xbcller"},
        {"UNICODE UTF-8", "a\xc2\x85z\xed\xa0\x80",
         "a\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[256];
        (void)snprintf(bytes, sizeof bytes,
                       "MSH|^~\\&|||||||ADT^A08|1|P|2.5|||||| %s\rPID|||||%s\r", rows[i].set,
                       rows[i].bytes);
        assert_string_equal(name_in(bytes), rows[i].text);
    }
}

/* Whole or not at all: a name with a hole in it would replace one that had none. */
static void test_what_cannot_be_read_is_not_taken(void **state)
{
    (void)state;
    static const struct {
        const char *set, *name, *read;
    } rows[] = {{"8859/2", "Dvo\xf8\xe1k^Jan", "Dvo\xc5\x99\xc3\xa1k^Jan"},
                {"ISO IR100", "M\xfcller^Jan", ""},
                {"UNICODE UTF-8", "Doe^J\xffn", ""},
                {"UNICODE UTF-8", "M\\C2842\\ller^Jan", ""},
                {"UNICODE UTF-8", "M?ller^Jan", "M?ller^Jan"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[256];
        (void)snprintf(bytes, sizeof bytes,
                       "MSH|^~\\&|||||||ADT^A08|1|P|2.5||||||%s\r"
                       "PID|||P1^^^H~P\xff^^^H~P2^^^H\xff||%s||19700102\r",
                       rows[i].set, rows[i].name);
        struct hl7_order order = order_of(bytes);
        assert_string_equal(order.patient_name, rows[i].read);
        assert_int_equal(order.unread_name, rows[i].read[0] == '\0');
        assert_string_equal(order.birth_date, "19700102");
        assert_string_equal(order.patient[0].id, "P1");
        if (strcmp(rows[i].set, "8859/2") == 0)
            continue;                        /* which has a character of that number */
        assert_int_equal(order.patients, 1); /* an ID or issuer with a hole could be another's */
        assert_true(order.cut);
    }
}

static void test_ceilings(void **state)
{
    (void)state;
    static const char bytes[] = "MSH|^~\\&|||||||ADT^A08|1|P|2.5||||||8859/11\rPID|||||\xa1\xa1";
    char room[HL7_CHARSET_GROWTH * sizeof bytes], why[64];
    const size_t whole = sizeof bytes - 1 + 4; /* two characters of three bytes */
    assert_true(hl7_charset_parse(&message, bytes, sizeof bytes - 1, room, whole, why, sizeof why));
    assert_false(
        hl7_charset_parse(&message, bytes, sizeof bytes - 1, room, whole - 1, why, sizeof why));
    assert_string_equal(why, "too long");
}

static int preload(void **state)
{
    (void)state;
    hl7_charset_preload();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_converters),
        cmocka_unit_test_setup(test_character_sets, preload),
        cmocka_unit_test(test_what_cannot_be_read_is_not_taken),
        cmocka_unit_test(test_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
