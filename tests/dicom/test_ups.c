/* Unified Procedure Step: what is written, and what is read of a manager's item, right or wrong. */
#include "dx_ups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_writer.h"

#define REQUESTS 0x0040, 0xa370
#define ITEM     0xfffe, 0xe000

static struct dx_ups_item item;

static enum dx_status read_bytes(const uint8_t *bytes, size_t count)
{
    struct dx_error err;
    uint8_t *copy = copy_of(bytes, count);
    enum dx_status status = dx_ups_read(copy, count, &item, &err);
    free(copy);
    return status;
}

static enum dx_status read_all(struct bytes *d)
{
    enum dx_status status = read_bytes(d->data, d->count);
    d->count = 0;
    return status;
}

/* How often an element, or an item, begins so. */
static unsigned count_of(const struct dx_writing *to, uint32_t tag)
{
    const uint8_t head[4] = {(uint8_t)(tag >> 16), (uint8_t)(tag >> 24), (uint8_t)tag,
                             (uint8_t)(tag >> 8)};
    unsigned count = 0;
    for (size_t at = 0; at + 4 <= to->count; at += 2)
        if (memcmp(to->bytes + at, head, 4) == 0)
            count++;
    return count;
}

static const struct dx_ups_new whole = {.priority = DX_UPS_HIGH,
                                        .label = "Read",
                                        .comments = "why",
                                        .start = "20261127130000+0000",
                                        .workitem = {"110005", "DCM", "Interpretation"},
                                        .study = "1.2.3",
                                        .patient_id = "P1",
                                        .accession = "A1",
                                        .issuer_of_accession = "RIS"};

static void what_is_made_is_read(void **state)
{
    struct dx_writing to = {.count = 0};
    (void)state;
    dx_ups_write_new(&whole, &to);
    assert_false(to.failed);
    assert_int_equal(read_bytes(to.bytes, to.count), DX_OK);
    assert_int_equal(item.state, DX_UPS_SCHEDULED);
    assert_int_equal(item.priority, DX_UPS_HIGH);
    assert_string_equal(item.comments, "why");
    assert_string_equal(item.patient_id, "P1");
    assert_string_equal(item.code, "110005");
    assert_string_equal(item.scheme, "DCM");
    assert_int_equal(item.codes, 1);
    assert_int_equal(item.requests, 1);
    assert_string_equal(item.request[0].study, "1.2.3");
    assert_string_equal(item.request[0].accession, "A1");
    assert_string_equal(item.request[0].issuer, "RIS");
    assert_int_equal(item.inputs, 0);
    assert_false(item.cut || item.cut_comments);
    assert_int_equal(count_of(&to, DX_TAG(0x0008, 0x0005)), 0);
    for (size_t cut = 0; cut < to.count; cut++)
        (void)read_bytes(to.bytes, cut);
    dx_writing_finish(&to);
}

/* Every attribute of type 1 and 2 is there when nothing is known (PS3.4 table CC.2.5-3). */
static void nothing_known_is_empty(void **state)
{
    static const uint32_t all[] = {
        0x00081080, 0x00081084, 0x00081195, 0x00100010, 0x00100020, 0x00100021, 0x00100024,
        0x00100030, 0x00100040, 0x00101002, 0x00380010, 0x00380014, 0x00400400, 0x00404005,
        0x00404018, 0x00404021, 0x00404025, 0x00404026, 0x00404027, 0x00404041, 0x0040a370,
        0x00741000, 0x00741002, 0x00741200, 0x00741202, 0x00741204, 0x00741210, 0x00741216};
    const struct dx_ups_new none = {.priority = DX_UPS_LOW};
    struct dx_writing to = {.count = 0};
    (void)state;
    dx_ups_write_new(&none, &to);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(count_of(&to, all[i]), 1);
    assert_int_equal(read_bytes(to.bytes, to.count), DX_OK);
    assert_int_equal(item.priority, DX_UPS_LOW);
    assert_int_equal(item.codes, 0);
    dx_writing_finish(&to);
}

/* An input that cannot be named whole is not named; a label has 64 characters. */
static void what_is_half_known_is_left_out(void **state)
{
    struct dx_ups_new half = whole;
    struct dx_ups_change change = {.label = NULL};
    struct dx_writing to = {.count = 0};
    char label[300] = "";
    (void)state;
    for (int i = 0; i < 70; i++)
        strcat(label, "\xc3\xa4");
    half.label = label;
    half.input = (struct dx_ups_input){"1.2.3", "1.2.4", "1.2.5", "1.2.6", NULL};
    dx_ups_write_new(&half, &to);
    assert_int_equal(read_bytes(to.bytes, to.count), DX_OK);
    assert_int_equal(item.inputs, 0);
    assert_int_equal(count_of(&to, DX_TAG(0x0008, 0x0005)), 1);
    assert_null(memmem(to.bytes, to.count, label, 2 * 65));
    assert_non_null(memmem(to.bytes, to.count, label, 2 * 64));
    dx_writing_finish(&to);

    dx_ups_write_change(&change, &to);
    assert_int_equal(to.count, 0);
    change.priority = DX_UPS_MEDIUM;
    dx_ups_write_change(&change, &to);
    assert_int_equal(to.count, 8 + 6);
    dx_writing_finish(&to);
}

static void a_managers_words(void **state)
{
    struct bytes d = {0};
    (void)state;
    assert_int_equal(read_all(&d), DX_OK);
    assert_int_equal(item.state, DX_UPS_STATE_UNKNOWN);
    assert_int_equal(item.priority, DX_UPS_PRIORITY_UNKNOWN);
    text(&d, 0x0074, 0x1000, "IN PROGRESS");
    text(&d, 0x0074, 0x1200, "STAT");
    assert_int_equal(read_all(&d), DX_OK);
    assert_int_equal(item.state, DX_UPS_IN_PROGRESS);
    assert_int_equal(item.priority, DX_UPS_PRIORITY_UNKNOWN);
    text(&d, 0x0074, 0x1000, "SCHEDULED BUT OTHERWISE"); /* longer than a CS */
    text(&d, 0x0074, 0x1200, "MEDIUM");
    assert_int_equal(read_all(&d), DX_OK);
    assert_int_equal(item.state, DX_UPS_STATE_UNKNOWN);
    assert_int_equal(item.priority, DX_UPS_MEDIUM);
    assert_int_equal(dx_ups_priority_parse("HIGHER", 6), DX_UPS_PRIORITY_UNKNOWN);
    assert_int_equal(dx_ups_priority_parse("HIGHER", 4), DX_UPS_HIGH);
    assert_int_equal(dx_ups_priority_parse("", 0), DX_UPS_PRIORITY_UNKNOWN);
    free(d.data);
}

static void character_sets(void **state)
{
    struct bytes d = {0};
    (void)state;
    text(&d, 0x0008, 0x0005, "ISO_IR 100");
    text(&d, 0x0010, 0x0020, "P\xe4");
    text(&d, 0x0010, 0x0021, "H\xe4");
    text(&d, 0x0040, 0x0400,
         "R\xfc"
         "ckruf");
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.comments, "R\xc3\xbc"
                                       "ckruf");
    assert_string_equal(item.patient_id, "P\xc3\xa4");
    assert_string_equal(item.issuer, "H\xc3\xa4");
    assert_false(item.cut || item.cut_comments);
    text(&d, 0x0010, 0x0020, "P\xe4"); /* of no set */
    text(&d, 0x0040, 0x0400,
         "R\xfc"
         "ckruf");
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.comments, "");
    assert_string_equal(item.patient_id, "");
    assert_true(item.cut && item.cut_comments);
    text(&d, 0x0008, 0x0005, "KLINGON");
    text(&d, 0x0040, 0x0400,
         "R\xfc"
         "ckruf");
    assert_int_equal(read_all(&d), DX_OK);
    assert_true(item.cut_comments);
    free(d.data);
}

static void one_request(struct bytes *d, const char *accession, const char *study)
{
    struct bytes inside = {0};
    text(&inside, 0x0008, 0x0050, accession);
    text(&inside, 0x0020, 0x000d, study);
    implicit(d, ITEM, (uint32_t)inside.count);
    add(d, inside.data, inside.count);
    free(inside.data);
}

/* More than is looked at, longer than fits: left out, and the rest is read. */
static void too_much_is_left_out(void **state)
{
    struct bytes d = {0}, many = {0};
    char name[16], *comments = malloc(DX_UPS_COMMENTS + 2);
    (void)state;
    for (unsigned i = 0; i < DX_UPS_REQUESTS + 3; i++) {
        snprintf(name, sizeof name, "A%02u", i);
        one_request(&many, name, "1.2.3");
    }
    implicit(&d, REQUESTS, (uint32_t)many.count);
    add(&d, many.data, many.count);
    assert_int_equal(read_all(&d), DX_OK);
    assert_int_equal(item.requests, DX_UPS_REQUESTS);
    assert_string_equal(item.request[DX_UPS_REQUESTS - 1].accession, "A07");

    memset(comments, 'x', DX_UPS_COMMENTS + 1);
    comments[DX_UPS_COMMENTS] = '\0';
    text(&d, 0x0010, 0x0020,
         "a patient ID that is far longer than an LO may ever be, and is not cut");
    text(&d, 0x0040, 0x0400, comments);
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.patient_id, "");
    assert_string_equal(item.comments, "");
    assert_true(item.cut && item.cut_comments);
    free(comments);
    free(many.data);
    free(d.data);
}

static void what_is_wrong_is_refused(void **state)
{
    struct bytes d = {0};
    (void)state;
    for (int i = 0; i < 5000; i++) {
        implicit(&d, REQUESTS, ALL);
        implicit(&d, ITEM, ALL);
    }
    assert_int_equal(read_all(&d), DX_LIMIT);
    text(&d, 0x0010, 0x0020, "P1");
    implicit(&d, 0x0074, 0x1000, 9000);
    assert_int_equal(read_all(&d), DX_MALFORMED);
    assert_string_equal(item.patient_id, ""); /* half an item is none */
    implicit(&d, REQUESTS, 8);
    text(&d, 0x0008, 0x0050, ""); /* where an item was due */
    assert_int_equal(read_all(&d), DX_MALFORMED);
    free(d.data);
}

static void a_query_has_one_key(void **state)
{
    struct dx_writing to = {.count = 0};
    (void)state;
    dx_ups_write_query(DX_UPS_BY_ACCESSION, "A1", "", &to);
    assert_non_null(memmem(to.bytes, to.count, "A1", 2));
    assert_int_equal(count_of(&to, DX_TAG(0xfffe, 0xe000)), 1);
    dx_writing_finish(&to);
    dx_ups_write_query(DX_UPS_BY_INPUT_STUDY, "1.2.3", "P1", &to);
    assert_int_equal(read_bytes(to.bytes, to.count), DX_OK);
    assert_int_equal(item.requests, 0);
    assert_string_equal(item.input_study[0], "1.2.3");
    dx_writing_finish(&to);
    dx_ups_write_query(DX_UPS_BY_REQUEST_STUDY, "1.2.3", "P1", &to);
    assert_int_equal(read_bytes(to.bytes, to.count), DX_OK);
    assert_string_equal(item.request[0].study, "1.2.3");
    assert_int_equal(item.inputs, 0);
    dx_writing_finish(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_read),
        cmocka_unit_test(nothing_known_is_empty),
        cmocka_unit_test(what_is_half_known_is_left_out),
        cmocka_unit_test(a_managers_words),
        cmocka_unit_test(character_sets),
        cmocka_unit_test(too_much_is_left_out),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(a_query_has_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
