/* Records of a hearer that was taken over: nothing but a whole record with sane values is one. And
 * what an order that changes after a raise is told. */
#include "worklist/hl7_write.h"
#include "worklist/orders.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct orders_heard record;

static void fill(uint32_t count)
{
    memset(&record, 0, sizeof record);
    memset(record.message, 'a', DX_DIGEST_MAX - 1);
    record.count = count;
    for (size_t i = 0; i < ORDERS_MOST; i++)
        memcpy(record.order[i].study, "1.2.3", 6);
}

static void whole_ones(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= ORDERS_MOST; count++) {
        fill(count);
        assert_true(orders_is_record(&record, ORDERS_BYTES(count)));
        assert_false(orders_is_record(&record, ORDERS_BYTES(count) - 1));
        assert_false(orders_is_record(&record, ORDERS_BYTES(count) + 1));
    }
    static const uint32_t counts[] = {0, ORDERS_MOST + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        fill(counts[i]);
        assert_false(orders_is_record(&record, ORDERS_BYTES(counts[i])));
        assert_false(orders_is_record(&record, sizeof record));
    }
    fill(1);
    for (size_t bytes = 0; bytes < ORDERS_BYTES(0); bytes++)
        assert_false(orders_is_record(&record, bytes));
}

/* The bytes of a field that is none are set as no compiler would. */
static void set(void *at, int byte, size_t count)
{
    memset(at, byte, count);
}

static void refuses(const char *what)
{
    if (orders_is_record(&record, ORDERS_BYTES(2)))
        fail_msg("%s", what);
}

static void values(void **state)
{
    (void)state;
    struct site_order *o = &record.order[1];
#define TRY(field, byte)                                                                           \
    fill(2);                                                                                       \
    set(&(field), byte, sizeof(field));                                                            \
    refuses(#field)
    TRY(record.message, 'a'); /* without an end */
    TRY(record.message, 'g');
    TRY(o->accession, 'x');
    TRY(o->study, '1');
    TRY(o->placer_order, 'x');
    TRY(o->filler_order, 'x');
    TRY(o->procedure_id, 'x');
    TRY(o->procedure, 'x');
    TRY(o->priority, 0xff);
    TRY(o->priority, 1);
    TRY(o->read, 0x7f);
    TRY(o->conclusion, 0x7f);
    TRY(o->conclusion, 4);
    TRY(o->postoperative, 2);
    TRY(o->cancelled, 0xff);
    TRY(o->reports, 2);
    fill(2);
    memcpy(o->study, "1.2.x", 6);
    refuses("a study that is no UID");
    fill(2);
    record.message[10] = '\0';
    refuses("a name that is too short");
}

/* What was told before the order was known, or while it was STAT, did not raise the order. */
static void an_order_that_is_known_later(void **state)
{
    (void)state;
    const struct conf_announcement to = {
        .way = CONF_HL7, .results = true, .priority = true, .profile = CONF_HL7_PROFILE};
    static const enum priority_order before[] = {ORDER_UNKNOWN, ORDER_STAT, ORDER_ROUTINE};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        bool raised = before[i] == ORDER_ROUTINE;
        struct news news = {.kind = NEWS_PRIORITY,
                            .rank = PRIORITY_HIGH,
                            .was_told = true,
                            .told = PRIORITY_HIGH,
                            .told_order = before[i],
                            .order = ORDER_ROUTINE,
                            .reason = REASON_FINDING,
                            .accession = "A"};
        assert_int_equal(hl7_is_due(&to, &news, HL7_PRIORITY), !raised);
        news.rank = PRIORITY_MEDIUM;
        news.reason = REASON_NO_FINDING;
        assert_int_equal(hl7_is_due(&to, &news, HL7_PRIORITY), raised);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_ones), cmocka_unit_test(values),
                                       cmocka_unit_test(an_order_that_is_known_later)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
