/* Which matches of a worklist are of a study, what they say, and answers of an inquirer that was
 * taken over. */
#include "worklist/inquire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct store_inquiry of;
static struct inquire_found found;

static void begin(const char *study, const char *accession, const char *patient, const char *issuer)
{
    of = (struct store_inquiry){.asked = 0};
    snprintf(of.study, sizeof of.study, "%s", study);
    snprintf(of.accession, sizeof of.accession, "%s", accession);
    snprintf(of.patient_id, sizeof of.patient_id, "%s", patient);
    snprintf(of.issuer, sizeof of.issuer, "%s", issuer);
    found = (struct inquire_found){.of = &of};
}

/* "study accession patient issuer priority filler", with - for nothing. */
static void match(const char *text)
{
    struct dx_mwl_item item = {.accession = ""};
    char f[6][33];
    assert_int_equal(
        sscanf(text, "%32s %32s %32s %32s %32s %32s", f[0], f[1], f[2], f[3], f[4], f[5]), 6);
    for (int i = 0; i < 6; i++)
        if (strcmp(f[i], "-") == 0)
            f[i][0] = '\0';
    snprintf(item.study, sizeof item.study, "%s", f[0]);
    snprintf(item.accession, sizeof item.accession, "%s", f[1]);
    snprintf(item.patient_id, sizeof item.patient_id, "%s", f[2]);
    snprintf(item.issuer, sizeof item.issuer, "%s", f[3]);
    snprintf(item.priority, sizeof item.priority, "%.16s", f[4]);
    snprintf(item.filler_order, sizeof item.filler_order, "%s", f[5]);
    inquire_take(&found, &item, false);
}

static void ends(enum inquire_end end, uint32_t count)
{
    assert_string_equal(inquire_end_word(inquire_end_of(&found)), inquire_end_word(end));
    if (end == INQUIRE_FOUND)
        assert_int_equal(found.count, count);
}

/* ---- tests ---- */

static void which_are_of_the_study(void **state)
{
    (void)state;
    begin("1.2.3", "A1", "P1", "H");
    ends(INQUIRE_NONE, 0);
    match("1.2.9 A2 P1 H STAT F1");
    match("- - P1 H STAT F2"); /* a patient's other orders say nothing of this one */
    ends(INQUIRE_NONE, 0);
    match("- A1 P1 H ROUTINE F3");
    ends(INQUIRE_FOUND, 1);
    assert_int_equal(found.order[0].priority, ORDER_ROUTINE);
    match("1.2.3 A9 P1 - STAT F4"); /* that names the study counts, and it alone */
    ends(INQUIRE_FOUND, 1);
    assert_int_equal(found.order[0].priority, ORDER_STAT);
    assert_string_equal(found.order[0].accession, "A9");
    match("- A1 P1 H LOW F3");
    ends(INQUIRE_FOUND, 1);

    begin("1.2.3", "", "", "");
    match("- - P1 H STAT F1");
    ends(INQUIRE_NONE, 0);
    match("1.2.3 - P1 H STAT F1");
    ends(INQUIRE_FOUND, 1);
    begin("1.2.3", "\xc4", "", ""); /* in which character set? */
    match("- \xc4 P1 H STAT F1");
    ends(INQUIRE_NONE, 0);
}

static void whose_they_are(void **state)
{
    (void)state;
    begin("1.2.3", "A1", "P1", "H");
    match("1.2.3 A1 P2 H STAT F1");
    ends(INQUIRE_OTHER, 0);
    match("1.2.3 A1 P1 X STAT F1");
    ends(INQUIRE_OTHER, 0);
    match("- A1 P1 - HIGH F2"); /* none of the others names the study: they are none */
    ends(INQUIRE_FOUND, 1);
    assert_int_equal(found.order[0].priority, ORDER_HIGH);

    begin("1.2.3", "A1", "", "");
    match("- A1 P1 H STAT F1");
    match("- A1 - - STAT F1");
    ends(INQUIRE_FOUND, 1);
    match("- A1 P2 H STAT F1"); /* whose is it? */
    ends(INQUIRE_AMBIGUOUS, 0);
    match("1.2.3 A1 P2 H STAT F1"); /* this one's */
    ends(INQUIRE_FOUND, 1);
    begin("1.2.3", "A1", "P1", "");
    match("- A1 P1 H STAT F1");
    match("- A1 P1 X STAT F1");
    ends(INQUIRE_AMBIGUOUS, 0);
}

static void several_orders(void **state)
{
    (void)state;
    begin("1.2.3", "A1", "P1", "H");
    match("1.2.3 A1 P1 H STAT F1");
    match("1.2.3 A1 P1 H STAT F1"); /* another step */
    ends(INQUIRE_FOUND, 1);
    match("1.2.3 A1 P1 H ROUTINE F2");
    ends(INQUIRE_FOUND, 2);
    match("1.2.3 A1 P1 H LOW F2"); /* one order in two ways */
    ends(INQUIRE_AMBIGUOUS, 0);

    begin("1.2.3", "A1", "P1", "H");
    for (unsigned i = 0; i <= ORDERS_MOST; i++) {
        char text[64];
        snprintf(text, sizeof text, "- A1 P1 H STAT F%u", i);
        ends(i == 0 ? INQUIRE_NONE : INQUIRE_FOUND, i);
        match(text);
    }
    ends(INQUIRE_AMBIGUOUS, 0);

    begin("1.2.3", "A1", "P1", "H");
    struct dx_mwl_item item = {.accession = "A1", .procedure = "post-op", .study = "1.2.x"};
    inquire_take(&found, &item, true);
    ends(INQUIRE_FOUND, 1);
    assert_true(found.order[0].postoperative && found.order[0].priority == ORDER_UNKNOWN);
    assert_string_equal(found.order[0].study, ""); /* no UID */
    assert_string_equal(found.order[0].procedure, "post-op");
    inquire_take(&found, &item, false);
    ends(INQUIRE_AMBIGUOUS, 0);
}

static struct inquire_answer answer;

static void fill(uint32_t count)
{
    memset(&answer, 0, sizeof answer);
    begin("1.2.3", "A1", "", "");
    memcpy(answer.study, "1.2.3", 6);
    answer.end = count > 0 ? INQUIRE_FOUND : INQUIRE_NONE;
    answer.count = count;
    for (uint32_t i = 0; i < count && i < ORDERS_MOST; i++)
        memcpy(i % 2 ? answer.order[i].study : answer.order[i].accession, i % 2 ? "1.2.3" : "A1",
               i % 2 ? 6 : 3);
}

static void whole_answers(void **state)
{
    (void)state;
    for (uint32_t count = 0; count <= ORDERS_MOST; count++) {
        fill(count);
        assert_true(inquire_is_answer(&answer, INQUIRE_BYTES(count), &of));
        assert_false(inquire_is_answer(&answer, INQUIRE_BYTES(count) - 1, &of));
        assert_false(inquire_is_answer(&answer, INQUIRE_BYTES(count) + 1, &of));
    }
    for (size_t bytes = 0; bytes < INQUIRE_BYTES(0); bytes++)
        assert_false(inquire_is_answer(&answer, bytes, &of));
    fill(ORDERS_MOST + 1);
    assert_false(inquire_is_answer(&answer, INQUIRE_BYTES(ORDERS_MOST + 1), &of));
    fill(UINT32_MAX);
    assert_false(inquire_is_answer(&answer, sizeof answer, &of));
}

static void refuses(const char *what)
{
    if (inquire_is_answer(&answer, INQUIRE_BYTES(answer.count), &of))
        fail_msg("%s", what);
}

static void lies(void **state)
{
    (void)state;
    struct site_order *o = &answer.order[1];
#define TRY(field, byte)                                                                           \
    fill(2);                                                                                       \
    memset(&(field), byte, sizeof(field));                                                         \
    refuses(#field)
    TRY(answer.study, '1');
    TRY(answer.why, 'x');
    TRY(answer.end, 0x7f);
    TRY(o->accession, 'x');
    TRY(o->priority, 0xff);
    TRY(o->postoperative, 2);
    TRY(o->cancelled, 1); /* HL7's to say */
    TRY(o->reports, 1);
#undef TRY
    fill(2);
    o->read = SITE_READ;
    refuses("read");
    fill(2);
    memcpy(answer.study, "1.2.4", 6);
    refuses("another question's");
    fill(2);
    answer.end = INQUIRE_NONE;
    refuses("orders where there are none");
    fill(0);
    answer.end = INQUIRE_FOUND;
    refuses("none where there are some");
    fill(2);
    o->study[0] = '\0';
    refuses("an order of nothing");
    memcpy(o->accession, "A2", 3);
    refuses("another study's order");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_are_of_the_study),
        cmocka_unit_test(whose_they_are),
        cmocka_unit_test(several_orders),
        cmocka_unit_test(whole_answers),
        cmocka_unit_test(lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
