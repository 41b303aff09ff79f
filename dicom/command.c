/* Command sets: the check that every one passes, the few elements that we read and write. */
#include "command.h"
#include "bytes.h"

#include <string.h>

enum dx_status dx_check_command(const uint8_t *bytes, size_t count, struct dx_error *err)
{
    size_t at = 0;
    bool has_field = false;
    uint32_t before = 0;

    if (count > DX_COMMAND_MAX)
        return dx_fail(err, DX_LIMIT, "limit commandBytes: a command of more than %u bytes",
                       DX_COMMAND_MAX);
    while (at < count) {
        if (count - at < 8)
            return dx_fail(err, DX_MALFORMED, "a command ends inside an element's header");
        uint32_t group = dx_le16(bytes + at), element = dx_le16(bytes + at + 2);
        uint32_t length = dx_le32(bytes + at + 4);
        if (group != 0)
            return dx_fail(err, DX_MALFORMED, "(%04x,%04x) in a command", group, element);
        if (length == 0xffffffffu)
            return dx_fail(err, DX_MALFORMED, "a sequence, (0000,%04x), in a command", element);
        if (length > count - at - 8)
            return dx_fail(err, DX_MALFORMED, "(0000,%04x) is longer than its command", element);
        if (at > 0 && element <= before)
            return dx_fail(err, DX_MALFORMED, "(0000,%04x) is out of order in a command", element);
        /* No command element of any edition is a sequence; one of defined length shows its item. */
        if (length >= 4 && dx_le32(bytes + at + 8) == 0xe000fffeu)
            return dx_fail(err, DX_MALFORMED, "a sequence, (0000,%04x), in a command", element);
        has_field = has_field || (element == 0x0100 && length == 2);
        before = element;
        at += 8 + (size_t)length;
    }
    if (!has_field)
        return dx_fail(err, DX_MALFORMED, "a command without Command Field");
    return DX_OK;
}

/* Cuts to the field; false when something was lost. */
static bool take_text(char *to, size_t size, const uint8_t *value, size_t length)
{
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\0'))
        length--;
    bool fits = length < size && memchr(value, '\0', length) == NULL;
    if (length >= size)
        length = size - 1;
    memcpy(to, value, length);
    to[length] = '\0';
    return fits;
}

static void take_tags(struct dx_command *command, const uint8_t *value, size_t length)
{
    command->is_list_cut = length / 4 > DX_COMMAND_MOST;
    command->asked_count = command->is_list_cut ? DX_COMMAND_MOST : length / 4;
    for (size_t i = 0; i < command->asked_count; i++)
        command->asked[i] = dx_le16(value + 4 * i) << 16 | dx_le16(value + 4 * i + 2);
}

static void take_element(struct dx_command *command, uint32_t element, const uint8_t *value,
                         uint32_t length)
{
    uint16_t number = length >= 2 ? (uint16_t)dx_le16(value) : 0;

    switch (element) {
    case 0x0002:
    case 0x0003:
        command->has_affected_class = true;
        if (!take_text(command->sop_class, sizeof command->sop_class, value, length))
            command->is_instance_cut = true;
        break;
    case 0x0100:
        command->field = number;
        break;
    case 0x0110:
        command->message_id = number;
        break;
    case 0x0120:
        command->responded_id = number;
        break;
    case 0x0800:
        command->dataset_type = number;
        break;
    case 0x0900:
        command->status = number;
        command->has_status = length >= 2;
        break;
    case 0x0902:
        (void)take_text(command->comment, sizeof command->comment, value, length);
        break;
    case 0x1000:
    case 0x1001:
        if (!take_text(command->sop_instance, sizeof command->sop_instance, value, length))
            command->is_instance_cut = true;
        break;
    case 0x1002:
        command->event = number;
        break;
    case 0x1005:
        take_tags(command, value, length);
        break;
    case 0x1008:
        command->action = number;
        break;
    default:
        break;
    }
}

void dx_command_parse(const uint8_t *bytes, size_t count, struct dx_command *command)
{
    size_t at = 0;

    memset(command, 0, sizeof *command);
    command->dataset_type = DX_NO_DATASET;
    while (count - at >= 8) {
        uint32_t length = dx_le32(bytes + at + 4);
        if (length > count - at - 8)
            return;
        if (dx_le16(bytes + at) == 0)
            take_element(command, dx_le16(bytes + at + 2), bytes + at + 8, length);
        at += 8 + (size_t)length;
    }
}

static size_t put_number(uint8_t *p, uint32_t element, uint16_t value)
{
    dx_put_le16(p, 0);
    dx_put_le16(p + 2, element);
    dx_put_le32(p + 4, 2);
    dx_put_le16(p + 8, value);
    return 10;
}

static size_t put_text(uint8_t *p, uint32_t element, const char *text, char padding)
{
    size_t length = strlen(text);
    size_t even = length + (length & 1);

    dx_put_le16(p, 0);
    dx_put_le16(p + 2, element);
    dx_put_le32(p + 4, (uint32_t)even);
    memcpy(p + 8, text, length);
    if (even > length)
        p[8 + length] = (uint8_t)padding;
    return 8 + even;
}

/* Tags as AT (PS3.5 6.2): group, then element. */
static size_t put_tags(uint8_t *p, uint32_t element, const uint32_t *tags, size_t count)
{
    dx_put_le16(p, 0);
    dx_put_le16(p + 2, element);
    dx_put_le32(p + 4, (uint32_t)(4 * count));
    for (size_t i = 0; i < count; i++) {
        dx_put_le16(p + 8 + 4 * i, tags[i] >> 16);
        dx_put_le16(p + 10 + 4 * i, tags[i]);
    }
    return 8 + 4 * count;
}

/* Names the instance as requested, not as affected (PS3.7 10.3). */
static bool names_requested(uint16_t field)
{
    return field == DX_N_ACTION_RQ || field == DX_N_GET_RQ || field == DX_N_SET_RQ;
}

size_t dx_command_write(const struct dx_command *command, uint8_t bytes[DX_COMMAND_TEXT])
{
    bool is_response = (command->field & 0x8000u) != 0;
    bool is_requested = names_requested(command->field);
    size_t tags = command->tag_count < DX_COMMAND_TAGS ? command->tag_count : DX_COMMAND_TAGS;
    size_t at = 12; /* (0000,0000), filled last */

    if (command->sop_class[0] != '\0')
        at += put_text(bytes + at, is_requested ? 0x0003 : 0x0002, command->sop_class, '\0');
    at += put_number(bytes + at, 0x0100, command->field);
    if (is_response || command->field == DX_C_CANCEL_RQ)
        at += put_number(bytes + at, 0x0120, command->responded_id);
    else
        at += put_number(bytes + at, 0x0110, command->message_id);
    if (command->field == DX_C_STORE_RQ || command->field == DX_C_FIND_RQ)
        at += put_number(bytes + at, 0x0700, 0); /* priority: medium */
    at += put_number(bytes + at, 0x0800, command->dataset_type);
    if (is_response)
        at += put_number(bytes + at, 0x0900, command->status);
    if (is_response && command->comment[0] != '\0')
        at += put_text(bytes + at, 0x0902, command->comment, ' ');
    if (command->sop_instance[0] != '\0')
        at += put_text(bytes + at, is_requested ? 0x1001 : 0x1000, command->sop_instance, '\0');
    if (command->event != 0)
        at += put_number(bytes + at, 0x1002, command->event);
    if (tags > 0)
        at += put_tags(bytes + at, 0x1005, command->tags, tags);
    if (command->action != 0)
        at += put_number(bytes + at, 0x1008, command->action);

    dx_put_le32(bytes, 0);
    dx_put_le32(bytes + 4, 4);
    dx_put_le32(bytes + 8, (uint32_t)(at - 12));
    return at;
}

static size_t put_meta(uint8_t *p, uint32_t element, const char *vr, const char *text)
{
    size_t length = strlen(text);
    size_t even = length + (length & 1);

    dx_put_le16(p, 0x0002);
    dx_put_le16(p + 2, element);
    memcpy(p + 4, vr, 2);
    dx_put_le16(p + 6, (uint32_t)even);
    memcpy(p + 8, text, length);
    if (even > length)
        p[8 + length] = vr[0] == 'U' ? '\0' : ' ';
    return 8 + even;
}

size_t dx_part10_header(const struct dx_command *command, const char *transfer_syntax,
                        const char *source_ae, uint8_t bytes[DX_PART10_MAX])
{
    /* (0002,0001) File Meta Information Version, OB, 2 bytes: 00 01 */
    static const uint8_t version[14] = {2, 0, 1, 0, 'O', 'B', 0, 0, 2, 0, 0, 0, 0, 1};
    size_t at = 132 + 12;

    memset(bytes, 0, 128);
    memcpy(bytes + 128, "DICM", 4);
    memcpy(bytes + at, version, sizeof version);
    at += sizeof version;
    at += put_meta(bytes + at, 0x0002, "UI", command->sop_class);
    at += put_meta(bytes + at, 0x0003, "UI", command->sop_instance);
    at += put_meta(bytes + at, 0x0010, "UI", transfer_syntax);
    at += put_meta(bytes + at, 0x0012, "UI", DX_IMPLEMENTATION_UID);
    at += put_meta(bytes + at, 0x0013, "SH", DX_IMPLEMENTATION_VERSION);
    if (source_ae[0] != '\0')
        at += put_meta(bytes + at, 0x0016, "AE", source_ae);

    /* (0002,0000) File Meta Information Group Length */
    dx_put_le16(bytes + 132, 0x0002);
    dx_put_le16(bytes + 134, 0x0000);
    memcpy(bytes + 136, "UL", 2);
    dx_put_le16(bytes + 138, 4);
    dx_put_le32(bytes + 140, (uint32_t)(at - 144));
    return at;
}
