/* Command sets: what is refused before DCMTK, what is read, what is written. */
#include "command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Appends (group,element) with a length field of its own and `count` value bytes. */
static size_t put(uint8_t *at, unsigned group, unsigned element, uint32_t length, const void *value,
                  size_t count)
{
    const uint8_t head[8] = {
        (uint8_t)group,  (uint8_t)(group >> 8),  (uint8_t)element,        (uint8_t)(element >> 8),
        (uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), (uint8_t)(length >> 24)};
    memcpy(at, head, 8);
    if (count > 0)
        memcpy(at + 8, value, count);
    return 8 + count;
}

static enum dx_status check(const uint8_t *bytes, size_t count)
{
    struct dx_error err = {0};
    /* An exact copy, so that the sanitizer sees a read past the end. */
    uint8_t *copy = malloc(count > 0 ? count : 1);
    memcpy(copy, bytes, count);
    enum dx_status status = dx_check_command(copy, count, &err);
    free(copy);
    return status;
}

static struct dx_command store_request(void)
{
    struct dx_command command = {.field = DX_C_STORE_RQ,
                                 .message_id = 7,
                                 .dataset_type = 1,
                                 .sop_class = "1.2.840.10008.5.1.4.1.1.7",
                                 .sop_instance = "1.2.3"};
    return command;
}

static void requests_and_responses_come_back(void **state)
{
    uint8_t bytes[DX_COMMAND_TEXT];
    struct dx_command command = store_request(), back;
    (void)state;

    size_t count = dx_command_write(&command, bytes);
    assert_int_equal(count % 2, 0);
    assert_int_equal(check(bytes, count), DX_OK);
    dx_command_parse(bytes, count, &back);
    assert_int_equal(back.field, DX_C_STORE_RQ);
    assert_int_equal(back.message_id, 7);
    assert_int_equal(back.dataset_type, 1);
    assert_string_equal(back.sop_class, command.sop_class);
    assert_string_equal(back.sop_instance, "1.2.3");
    assert_false(back.is_instance_cut || back.has_status);

    command.field = DX_C_STORE_RSP;
    command.responded_id = 7;
    command.status = 0xc000;
    command.dataset_type = DX_NO_DATASET;
    memset(command.comment, 'x', 64);
    memset(command.sop_class, '1', 64);
    memset(command.sop_instance, '2', 64);
    count = dx_command_write(&command, bytes);
    assert_true(count <= DX_COMMAND_TEXT);
    assert_int_equal(check(bytes, count), DX_OK);
    dx_command_parse(bytes, count, &back);
    assert_int_equal(back.status, 0xc000);
    assert_int_equal(back.responded_id, 7);
    assert_string_equal(back.comment, command.comment);
    assert_string_equal(back.sop_instance, command.sop_instance);
}

static bool has(const uint8_t *bytes, size_t count, const void *what, size_t length)
{
    for (size_t at = 0; at + length <= count; at += 2)
        if (memcmp(bytes + at, what, length) == 0)
            return true;
    return false;
}

/* N-GET, N-SET and N-ACTION name the instance as requested, N-CREATE as affected (PS3.7 10.3). */
static void normalized_services(void **state)
{
    static const uint32_t tags[] = {0x00741000, 0x00741200};
    static const uint8_t list[] = {0, 0, 5, 0x10, 8, 0, 0, 0, 0x74, 0, 0, 0x10, 0x74, 0, 0, 0x12};
    static const uint8_t requested[] = {0, 0, 1, 0x10}, affected[] = {0, 0, 0, 0x10};
    static const uint16_t fields[] = {DX_N_GET_RQ, DX_N_SET_RQ, DX_N_ACTION_RQ, DX_N_CREATE_RQ};
    uint8_t bytes[DX_COMMAND_TEXT];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct dx_command command = store_request();
        command.field = fields[i];
        command.tags = tags;
        command.tag_count = fields[i] == DX_N_GET_RQ ? 2 : 0;
        size_t count = dx_command_write(&command, bytes);
        assert_int_equal(check(bytes, count), DX_OK);
        bool is_affected = fields[i] == DX_N_CREATE_RQ;
        assert_int_equal(has(bytes, count, requested, 4), !is_affected);
        assert_int_equal(has(bytes, count, affected, 4), is_affected);
        assert_int_equal(has(bytes, count, list, sizeof list), i == 0);
    }
}

static void every_truncation_is_refused_or_sound(void **state)
{
    uint8_t bytes[DX_COMMAND_TEXT];
    struct dx_command command = store_request(), back;
    (void)state;

    size_t count = dx_command_write(&command, bytes);
    for (size_t n = 0; n < count; n++)
        if (check(bytes, n) == DX_OK)
            dx_command_parse(bytes, n, &back);
    assert_int_equal(check(bytes, 0), DX_MALFORMED);
}

static void sequences_are_refused(void **state)
{
    static uint8_t bytes[400000];
    size_t count = 0;
    (void)state;

    /* 20,000 nested: the first undefined length is enough. */
    for (int i = 0; i < 20000 && count + 16 <= DX_COMMAND_MAX; i++) {
        count += put(bytes + count, 0, 0x0100, 0xffffffffu, NULL, 0);
        count += put(bytes + count, 0xfffe, 0xe000, 0xffffffffu, NULL, 0);
    }
    assert_int_equal(check(bytes, count), DX_MALFORMED);

    /* Of defined length: an item tag shows it. */
    uint8_t item[8];
    (void)put(item, 0xfffe, 0xe000, 0, NULL, 0);
    count = put(bytes, 0, 0x0100, 2, "\x30\x00", 2);
    count += put(bytes + count, 0, 0x1001, 8, item, 8);
    assert_int_equal(check(bytes, count), DX_MALFORMED);
}

static void lies_and_strangers_are_refused(void **state)
{
    static uint8_t bytes[DX_COMMAND_MAX + 64];
    size_t count;
    (void)state;

    count = put(bytes, 0, 0x0100, 0xfffffff0u, "\x30\x00", 2);
    assert_int_equal(check(bytes, count), DX_MALFORMED);
    count = put(bytes, 0, 0x0100, 3, "\x30\x00", 2);
    assert_int_equal(check(bytes, count), DX_MALFORMED);
    count = put(bytes, 8, 0x0100, 2, "\x30\x00", 2);
    assert_int_equal(check(bytes, count), DX_MALFORMED);
    count = put(bytes, 0, 0x0110, 2, "\x30\x00", 2); /* no Command Field */
    assert_int_equal(check(bytes, count), DX_MALFORMED);
    count = put(bytes, 0, 0x0100, 2, "\x30\x00", 2);
    assert_int_equal(check(bytes, count), DX_OK);
    count += put(bytes + count, 0, 0x0100, 2, "\x01\x00", 2); /* twice */
    assert_int_equal(check(bytes, count), DX_MALFORMED);

    memset(bytes, 0, sizeof bytes);
    count = put(bytes, 0, 0x0100, 2, "\x30\x00", 2);
    count += put(bytes + count, 0, 0x0902, (uint32_t)(DX_COMMAND_MAX - count - 8), NULL, 0);
    assert_int_equal(check(bytes, DX_COMMAND_MAX), DX_OK);
    assert_int_equal(check(bytes, DX_COMMAND_MAX + 1), DX_LIMIT);
}

static void long_uids_are_noticed(void **state)
{
    uint8_t bytes[400];
    char uid[100];
    struct dx_command command;
    (void)state;

    memset(uid, '1', sizeof uid);
    size_t count = put(bytes, 0, 0x0100, 2, "\x01\x00", 2);
    count += put(bytes + count, 0, 0x1000, sizeof uid, uid, sizeof uid);
    dx_command_parse(bytes, count, &command);
    assert_true(command.is_instance_cut);
    assert_int_equal(strlen(command.sop_instance), 64);

    count = put(bytes, 0, 0x1000, 4,
                "1\0"
                "23",
                4);
    dx_command_parse(bytes, count, &command);
    assert_true(command.is_instance_cut);
}

static void part10_header_is_scanned_back(void **state)
{
    uint8_t bytes[DX_PART10_MAX];
    struct dx_command command = store_request();
    (void)state;

    size_t count = dx_part10_header(&command, "1.2.840.10008.1.2.4.70", "PEER", bytes);
    assert_memory_equal(bytes + 128, "DICM", 4);
    assert_memory_equal(bytes + 132, "\x02\x00\x00\x00UL\x04\x00", 8);
    uint32_t rest = (uint32_t)bytes[140] | (uint32_t)bytes[141] << 8;
    assert_int_equal(144 + rest, count);
    memset(command.sop_class, '1', 64);
    memset(command.sop_instance, '1', 64);
    char syntax[DX_UID_MAX];
    memset(syntax, '1', 64);
    syntax[64] = '\0';
    assert_true(dx_part10_header(&command, syntax, "SIXTEEN_LETTERS_", bytes) <= DX_PART10_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_responses_come_back),
        cmocka_unit_test(normalized_services),
        cmocka_unit_test(every_truncation_is_refused_or_sound),
        cmocka_unit_test(sequences_are_refused),
        cmocka_unit_test(lies_and_strangers_are_refused),
        cmocka_unit_test(long_uids_are_noticed),
        cmocka_unit_test(part10_header_is_scanned_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
