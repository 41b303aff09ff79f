/* Small datasets of DIMSE services, and Storage Commitment's: written, read, and read when wrong.
 */
#include "dx_attrs.h"
#include "dx_availability.h"
#include "dx_commitment.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_writer.h"

#define FAILED     0x0008, 0x1198
#define REFERENCED 0x0008, 0x1199
#define ITEM       0xfffe, 0xe000

static struct dx_commitment asked(size_t count)
{
    struct dx_commitment c = {.transaction = "2.25.77", .count = count};
    for (size_t i = 0; i < count; i++) {
        snprintf(c.item[i].sop_class, DX_UID_MAX, "1.2.840.10008.5.1.4.1.1.7");
        snprintf(c.item[i].sop_instance, DX_UID_MAX, "2.25.%zu", i + 100);
    }
    return c;
}

static enum dx_status read_bytes(const struct bytes *d, struct dx_commitment *event,
                                 struct dx_error *err)
{
    uint8_t *copy = copy_of(d->data, d->count);
    enum dx_status status = dx_commitment_read(copy, d->count, event, err);
    free(copy);
    return status;
}

static void what_is_written_is_read(void **state)
{
    struct dx_commitment request = asked(DX_COMMITMENT_MOST), event;
    struct dx_writing to = {.count = 0};
    struct dx_error err;
    (void)state;
    dx_commitment_write(&request, &to);
    assert_false(to.failed);
    assert_int_equal(to.count % 2, 0);
    assert_int_equal(dx_commitment_read(to.bytes, to.count, &event, &err), DX_OK);
    assert_memory_equal(&event, &request, sizeof event);
    for (size_t cut = 1; cut < to.count; cut++)
        if (dx_commitment_read(to.bytes, cut, &event, &err) == DX_OK) /* between elements */
            assert_true(cut == 16 && event.count == 0);
    dx_writing_finish(&to);
    assert_null(to.bytes);
}

static void unpadded(struct bytes *d, unsigned group, unsigned element, const char *value)
{
    implicit(d, group, element, (uint32_t)strlen(value));
    add(d, value, strlen(value));
}

/* Defined lengths, failures with and without a reason. */
static void failures_are_told(void **state)
{
    struct bytes d = {0}, item = {0}, bare = {0};
    struct dx_commitment event;
    struct dx_error err;
    (void)state;
    unpadded(&item, 0x0008, 0x1155, "2.25.1");
    implicit(&item, 0x0008, 0x1197, 2);
    add16(&item, 0x0112);
    unpadded(&bare, 0x0008, 0x1155, "2.25.2");
    unpadded(&d, 0x0008, 0x1195, "2.25.77 ");
    implicit(&d, FAILED, (uint32_t)(item.count + bare.count + 16));
    implicit(&d, ITEM, (uint32_t)item.count);
    add(&d, item.data, item.count);
    implicit(&d, ITEM, (uint32_t)bare.count);
    add(&d, bare.data, bare.count);
    implicit(&d, REFERENCED, ALL);
    implicit(&d, ITEM, ALL);
    unpadded(&d, 0x0008, 0x1155, "2.25.3");
    implicit(&d, 0xfffe, 0xe00d, 0);
    implicit(&d, 0xfffe, 0xe0dd, 0);
    assert_int_equal(read_bytes(&d, &event, &err), DX_OK);
    assert_int_equal(event.count, 3);
    assert_string_equal(event.transaction, "2.25.77");
    assert_int_equal(event.item[0].failure, 0x0112);
    assert_int_equal(event.item[1].failure, 0x0110);
    assert_int_equal(event.item[2].failure, 0);
    assert_string_equal(event.item[2].sop_instance, "2.25.3");
    assert_string_equal(dx_commitment_reason(0x0112), "no such object instance");
    free(d.data);
    free(item.data);
    free(bare.data);
}

static void what_is_wrong_is_refused(void **state)
{
    struct bytes d = {0};
    struct dx_commitment event, many = asked(DX_COMMITMENT_MOST);
    struct dx_writing to = {.count = 0};
    struct dx_error err;
    (void)state;
    assert_int_equal(read_bytes(&d, &event, &err), DX_MALFORMED); /* no transaction */
    unpadded(&d, 0x0008, 0x1195, "2.25.x7 ");
    assert_int_equal(read_bytes(&d, &event, &err), DX_MALFORMED);
    d.count = 0;
    unpadded(&d, 0x0008, 0x1195, "2.25.77 ");
    implicit(&d, REFERENCED, 8);
    implicit(&d, ITEM, 9000); /* longer than its sequence */
    assert_int_equal(read_bytes(&d, &event, &err), DX_MALFORMED);
    d.count = 16;
    implicit(&d, REFERENCED, ALL);
    unpadded(&d, 0x0008, 0x1155, "2.25.3"); /* no item around it */
    assert_int_equal(read_bytes(&d, &event, &err), DX_MALFORMED);
    d.count = 16;
    for (int i = 0; i < 5000; i++) {
        implicit(&d, 0x0040, 0xa730, ALL);
        implicit(&d, ITEM, ALL);
    }
    assert_int_equal(read_bytes(&d, &event, &err), DX_LIMIT);
    d.count = 16;
    implicit(&d, REFERENCED, ALL);
    implicit(&d, ITEM, ALL);
    unpadded(&d, 0x0008, 0x1150, "1.2.3.45");
    implicit(&d, 0xfffe, 0xe00d, 0);
    implicit(&d, 0xfffe, 0xe0dd, 0);
    assert_int_equal(read_bytes(&d, &event, &err), DX_MALFORMED); /* an instance without UID */
    free(d.data);

    dx_commitment_write(&many, &to);
    to.count -= 8; /* the sequence's end */
    dx_put_item(&to);
    dx_put_uid(&to, DX_TAG(0x0008, 0x1155), "2.25.9");
    dx_put_item_end(&to);
    dx_put_end(&to);
    assert_int_equal(dx_commitment_read(to.bytes, to.count, &event, &err), DX_LIMIT);
    dx_writing_finish(&to);
}

/* A sequence of one item, both of undefined length. */
static void begin(struct bytes *d, unsigned group, unsigned element)
{
    implicit(d, group, element, UINT32_MAX);
    implicit(d, ITEM, UINT32_MAX);
}

static void end(struct bytes *d)
{
    implicit(d, 0xfffe, 0xe00d, 0);
    implicit(d, 0xfffe, 0xe0dd, 0);
}

static struct bytes a_notification(const char *availability, const char *study)
{
    struct bytes d = {0};
    begin(&d, 0x0008, 0x1115);
    begin(&d, 0x0008, 0x1199);
    unpadded(&d, 0x0008, 0x0056, availability);
    unpadded(&d, 0x0008, 0x1155, "2.25.100");
    end(&d);
    unpadded(&d, 0x0020, 0x000e, "2.25.11 ");
    end(&d);
    unpadded(&d, 0x0020, 0x000d, study);
    return d;
}

static void notifications_of_availability(void **state)
{
    static const struct {
        const char *availability, *study;
        enum dx_status status;
        size_t there, away;
    } cases[] = {
        {"ONLINE", "2.25.77 ", DX_OK, 1, 0},
        {"NEARLINE", "2.25.77 ", DX_OK, 1, 0},
        {"OFFLINE ", "2.25.77 ", DX_OK, 0, 1},
        {"UNAVAILABLE ", "2.25.77 ", DX_OK, 0, 1},
        {"ONLINE AND MORE AND MORE", "2.25.77 ", DX_OK, 0, 1},
        {"ONLINE", "", DX_MALFORMED, 1, 0},
        {"ONLINE", "2.25.x  ", DX_MALFORMED, 1, 0},
    };
    struct dx_availability news;
    struct dx_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes d = a_notification(cases[i].availability, cases[i].study);
        assert_int_equal(dx_availability_read(d.data, d.count, &news, &err), cases[i].status);
        assert_int_equal(news.there, cases[i].there);
        assert_int_equal(news.away, cases[i].away);
        for (size_t cut = 0; cut < d.count; cut++)
            assert_int_not_equal(dx_availability_read(d.data, cut, &news, &err), DX_OK);
        free(d.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(notifications_of_availability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
