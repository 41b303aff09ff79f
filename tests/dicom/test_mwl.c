/* Modality Worklist: what is asked, and what is read of a peer's match, right or wrong. */
#include "dx_mwl.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_writer.h"

static struct dx_mwl_item item;

static enum dx_status read_bytes(const uint8_t *bytes, size_t count)
{
    struct dx_error err;
    uint8_t *copy = copy_of(bytes, count);
    enum dx_status status = dx_mwl_read(copy, count, &item, &err);
    free(copy);
    return status;
}

static enum dx_status read_all(struct bytes *d)
{
    enum dx_status status = read_bytes(d->data, d->count);
    d->count = 0;
    return status;
}

static void a_match_is_read(void **state)
{
    struct bytes d = {0};
    (void)state;
    text(&d, 0x0008, 0x0050, "A1");
    implicit(&d, 0x0008, 0x0051, ALL);
    implicit(&d, 0xfffe, 0xe000, ALL);
    text(&d, 0x0040, 0x0031, "RIS");
    text(&d, 0x0040, 0x0032, "1.2.9");
    text(&d, 0x0040, 0x0033, "ISO");
    implicit(&d, 0xfffe, 0xe00d, 0);
    implicit(&d, 0xfffe, 0xe0dd, 0);
    text(&d, 0x0010, 0x0010, "Doe^Jane");
    text(&d, 0x0010, 0x0020, "P1");
    text(&d, 0x0010, 0x0021, "HOSP");
    text(&d, 0x0020, 0x000d, "1.2.3");
    text(&d, 0x0032, 0x1060, "Cervical spine");
    text(&d, 0x0040, 0x1001, "RP1");
    text(&d, 0x0040, 0x1003, "STAT");
    text(&d, 0x0040, 0x2016, "PL1");
    text(&d, 0x0040, 0x2017, "FI1");
    for (size_t cut = 0; cut < d.count; cut++)
        (void)read_bytes(d.data, cut);
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.accession, "A1");
    assert_string_equal(item.accession_local, "RIS");
    assert_string_equal(item.accession_universal, "1.2.9");
    assert_string_equal(item.patient_id, "P1");
    assert_string_equal(item.issuer, "HOSP");
    assert_string_equal(item.study, "1.2.3");
    assert_string_equal(item.procedure, "Cervical spine");
    assert_string_equal(item.procedure_id, "RP1");
    assert_string_equal(item.priority, "STAT");
    assert_string_equal(item.placer_order, "PL1");
    assert_string_equal(item.filler_order, "FI1");
    assert_int_equal(read_all(&d), DX_OK);
    assert_true(item.accession[0] == '\0' && item.priority[0] == '\0');
    free(d.data);
}

/* A code in a sequence of defined length, or not; the first item's. Codes of others are none. */
static void the_procedures_code(void **state)
{
    struct bytes d = {0}, inner = {0};
    (void)state;
    text(&inner, 0x0008, 0x0100, "XRCS");
    text(&inner, 0x0008, 0x0104, "X-ray of neck");
    implicit(&d, 0x0008, 0x1110, ALL);
    implicit(&d, 0xfffe, 0xe000, ALL);
    text(&d, 0x0008, 0x0104, "another's");
    implicit(&d, 0xfffe, 0xe00d, 0);
    implicit(&d, 0xfffe, 0xe0dd, 0);
    implicit(&d, 0x0032, 0x1064, (uint32_t)inner.count + 8);
    implicit(&d, 0xfffe, 0xe000, (uint32_t)inner.count);
    add(&d, inner.data, inner.count);
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.procedure, "X-ray of neck");

    implicit(&d, 0x0032, 0x1064, ALL);
    implicit(&d, 0xfffe, 0xe000, ALL);
    text(&d, 0x0008, 0x0100, "XRCS");
    implicit(&d, 0xfffe, 0xe00d, 0);
    implicit(&d, 0xfffe, 0xe000, ALL);
    text(&d, 0x0008, 0x0100, "SECOND");
    implicit(&d, 0xfffe, 0xe00d, 0);
    implicit(&d, 0xfffe, 0xe0dd, 0);
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.procedure, "XRCS");
    free(d.data);
    free(inner.data);
}

/* An identifier is whole or not there; bytes of no declared set, and controls, are no text. */
static void what_is_no_value(void **state)
{
    struct bytes d = {0};
    char longer[70];
    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    text(&d, 0x0008, 0x0050, longer);
    text(&d, 0x0010, 0x0020, "P\n1");
    text(&d, 0x0010, 0x0021, "H\xc3\xb6");
    text(&d, 0x0020, 0x000d, longer);
    text(&d, 0x0040, 0x1003, "A PRIORITY OF SITES");
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.accession, "");
    assert_string_equal(item.patient_id, "");
    assert_string_equal(item.issuer, "");
    assert_string_equal(item.study, "");
    assert_string_equal(item.priority, "");

    text(&d, 0x0008, 0x0005, "ISO_IR 100");
    text(&d, 0x0010, 0x0021, "H\xf6");
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.issuer, "H\xc3\xb6");
    text(&d, 0x0008, 0x0005, "NO SUCH SET");
    text(&d, 0x0010, 0x0021, "H\xf6");
    text(&d, 0x0040, 0x1003, "STAT");
    assert_int_equal(read_all(&d), DX_OK);
    assert_string_equal(item.issuer, "");
    assert_string_equal(item.priority, "STAT");
    free(d.data);
}

static void what_is_no_dataset(void **state)
{
    struct bytes d = {0};
    (void)state;
    implicit(&d, 0x0010, 0x0020, 9000);
    assert_int_equal(read_all(&d), DX_MALFORMED);
    for (unsigned i = 0; i < 20; i++) {
        implicit(&d, 0x0040, 0x0100, ALL);
        implicit(&d, 0xfffe, 0xe000, ALL);
    }
    assert_int_equal(read_all(&d), DX_LIMIT);
    assert_string_equal(item.patient_id, "");
    free(d.data);
}

/* Every key that is read is asked for, in order; only what is given is matched. */
static void the_query(void **state)
{
    const struct dx_mwl_query query = {.accession = "A1", .patient_id = "P1", .study = ""};
    struct dx_writing to = {.count = 0};
    (void)state;
    dx_mwl_write_query(&query, &to);
    assert_false(to.failed);
    assert_int_equal(read_bytes(to.bytes, to.count), DX_OK);
    assert_string_equal(item.accession, "A1");
    assert_string_equal(item.patient_id, "P1");
    assert_true(item.study[0] == '\0' && item.priority[0] == '\0' && item.procedure[0] == '\0');
    static const uint8_t issuer[] = {0x08, 0x00, 0x51, 0x00, 0xff, 0xff,
                                     0xff, 0xff, 0xfe, 0xff, 0xdd, 0xe0}; /* without item */
    assert_non_null(memmem(to.bytes, to.count, issuer, sizeof issuer));
    static const uint8_t name[] = {0x10, 0x00, 0x10, 0x00};
    assert_null(memmem(to.bytes, to.count, name, sizeof name));
    dx_writing_finish(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_match_is_read),  cmocka_unit_test(the_procedures_code),
        cmocka_unit_test(what_is_no_value), cmocka_unit_test(what_is_no_dataset),
        cmocka_unit_test(the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
