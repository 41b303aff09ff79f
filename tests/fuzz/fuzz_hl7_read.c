/* Any bytes as what a peer sends over MLLP: the same messages in whatever pieces they come; a
 * message that is taken has values that are UTF-8 without controls and in their bounds, orders that
 * end, and an answer that its sender would know. */
#include "worklist/hl7_charset.h"
#include "worklist/hl7_order.h"
#include "worklist/hl7_put.h"
#include "worklist/mllp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VALUE 70

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static bool is_clean(const char *text, size_t size)
{
    size_t count = strnlen(text, size);
    uint32_t number;
    if (count == size)
        return false;
    for (size_t at = 0, length; at < count; at += length) {
        length = hl7_character(text + at, count - at, &number);
        if (length == 0 || number < ' ' || (number >= 0x7f && number < 0xa0))
            return false;
    }
    return true;
}

#define CLEAN(text) must(is_clean(text, sizeof(text)))

static void check_values(const struct hl7_message *message)
{
    for (size_t at = 0; at <= message->segments; at++)
        for (unsigned field = 0; field < 40; field++)
            for (unsigned component = 0; component < 3; component++) {
                char whole[VALUE], cut[7];
                struct hl7_place place = {field, 1 + component % 2, component, component % 2};
                size_t count = hl7_get(message, at, place, whole, sizeof whole);
                CLEAN(whole);
                must(count >= strlen(whole) && (count >= sizeof whole || count == strlen(whole)));
                must(hl7_get(message, at, place, cut, sizeof cut) == count);
                CLEAN(cut);
                must(strncmp(cut, whole, strlen(cut)) == 0);
                must(hl7_get_whole(message, at, place, cut, sizeof cut) || cut[0] == '\0');
            }
}

static void check_orders(const struct hl7_message *message)
{
    struct hl7_order order;
    size_t at = 0, before = 0, orders = 0;
    while (hl7_next_order(message, &at, &order)) {
        must(at > before && ++orders <= message->segments);
        before = at;
        CLEAN(order.control);
        CLEAN(order.status);
        CLEAN(order.accession);
        CLEAN(order.issuer_of_accession);
        CLEAN(order.universal_of_accession);
        CLEAN(order.placer_order);
        CLEAN(order.filler_order);
        CLEAN(order.procedure_id);
        CLEAN(order.procedure);
        CLEAN(order.service);
        CLEAN(order.reason);
        CLEAN(order.patient_name);
        CLEAN(order.birth_date);
        CLEAN(order.sex);
        must(order.study[0] == '\0' || dx_uid_is_usable(order.study));
        must(order.patients <= HL7_IDS_MOST && order.priors <= HL7_IDS_MOST);
        for (size_t i = 0; i < order.patients; i++) {
            CLEAN(order.patient[i].id);
            CLEAN(order.patient[i].issuer);
            CLEAN(order.patient[i].universal);
            must(order.patient[i].id[0] != '\0');
        }
        for (size_t i = 0; i < order.priors; i++) {
            CLEAN(order.prior[i].universal);
            must(order.prior[i].id[0] != '\0');
        }
        must(order.birth_date[0] == '\0' || strspn(order.birth_date, "0123456789") == 8);
        must(order.at_ms >= 0 && order.at_ms < INT64_C(253402300800000) + 86400000);
    }
}

static void check_answer(const struct hl7_message *message)
{
    static char bytes[16384];
    struct hl7_message answer;
    char id[64], text[80], why[64];
    enum hl7_code code;
    bool is_plain = hl7_get_whole(message, 0, (struct hl7_place){10, 1, 1, 1}, id, sizeof id);
    size_t count = hl7_ack(message, HL7_REJECT, "|\r\x0b", "7", 0, bytes, sizeof bytes);
    for (const char *c = id; *c != '\0'; c++)
        is_plain &= *c > ' ' && *c < 0x7f;
    if (count == 0)
        return;
    must(hl7_parse(&answer, bytes, count, why, sizeof why) && answer.segments >= 2 &&
         answer.segments <= 3);
    if (is_plain && strcmp(id, "\"\"") != 0)
        must(hl7_read_ack(&answer, id, &code, text, sizeof text) && code == HL7_REJECT &&
             strncmp(text, "|  ", 3) == 0); /* ERR follows in 2.5 */
}

static void check_message(const char *bytes, size_t count)
{
    static struct hl7_message message;
    static char room[HL7_CHARSET_GROWTH * HL7_READ_MOST];
    char why[64] = "", text[40];
    enum hl7_code code;
    hl7_charset_preload();
    if (count > HL7_READ_MOST || !hl7_charset_parse(&message, bytes, count, room,
                                                    HL7_CHARSET_GROWTH * count, why, sizeof why)) {
        must(count > HL7_READ_MOST || why[0] != '\0');
        return;
    }
    must(message.segments > 0 && message.segments <= HL7_SEGMENTS_MOST &&
         hl7_is(&message, 0, "MSH"));
    check_values(&message);
    check_orders(&message);
    check_answer(&message);
    if (hl7_read_ack(&message, "M1", &code, text, sizeof text))
        must(code <= HL7_REJECT);
    CLEAN(text);
}

/* A digest of all messages that the bytes hold, `step` at a time. */
static uint64_t read_all(const char *bytes, size_t size, size_t step, bool check)
{
    static char memory[4096];
    struct mllp_reader reader;
    uint64_t digest = 14695981039346656037u;
    mllp_reader_init(&reader, memory, sizeof memory);
    for (size_t at = 0; at < size; at += step) {
        const char *in = bytes + at;
        size_t left = size - at < step ? size - at : step;
        enum mllp_found found;
        while ((found = mllp_read(&reader, &in, &left)) != MLLP_MORE) {
            must(reader.count <= sizeof memory);
            digest = (digest ^ (found == MLLP_CUT)) * 1099511628211u;
            for (size_t i = 0; i < reader.count; i++)
                digest = (digest ^ (unsigned char)memory[i]) * 1099511628211u;
            if (check)
                check_message(memory, reader.count);
        }
        must(left == 0 && in <= bytes + size);
    }
    return digest ^ reader.skipped ^ (uint64_t)mllp_is_inside(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    uint64_t digest = read_all(bytes, size, size + 1, true);
    must(read_all(bytes, size, 1, false) == digest);
    must(read_all(bytes, size, 1 + size / 3, false) == digest);
    if (size >= 3 && memcmp(data, "MSH", 3) == 0)
        check_message(bytes, size);
    return 0;
}
