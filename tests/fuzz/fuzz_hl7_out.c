/* Any news for any receiver as an HL7 message: it parses back, has the segments that it should and
 * no others, no control but CR, only characters of its set, and says what the news said. */
#include "worklist/hl7_put.h"
#include "worklist/hl7_read.h"
#include "worklist/hl7_write.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

struct input {
    const uint8_t *at;
    size_t left;
};

static unsigned byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

/* Up to the byte 0xfe, or to what fits. */
static char *text(struct input *in, char *out, size_t size)
{
    size_t used = 0;
    unsigned c;
    while (in->left > 0 && (c = byte(in)) != 0xfe)
        if (c != 0 && used + 1 < size)
            out[used++] = (char)c;
    out[used] = '\0';
    return out;
}

#define TEXT(field) text(&in, news->field, sizeof news->field)

static void make_news(struct input in, struct news *news)
{
    news->kind = byte(&in) % 2;
    news->rank = byte(&in) % 3;
    news->told = byte(&in) % 3;
    news->was_told = byte(&in) % 2;
    news->order = byte(&in) % (ORDER_STAT + 1);
    news->reason = byte(&in) % (REASON_READ + 1);
    news->outcome = byte(&in) % (SRT_INCOMPLETE + 1);
    news->research = byte(&in) % 2;
    news->is_report = byte(&in) % 2;
    news->created_ms = (int64_t)byte(&in) << 34;
    TEXT(patient_name);
    TEXT(patient_id);
    TEXT(issuer);
    TEXT(accession);
    TEXT(message);
    TEXT(study);
    TEXT(birth_date);
    TEXT(sex);
    TEXT(study_date);
    TEXT(study_time);
    TEXT(placer_order);
    TEXT(filler_order);
    TEXT(study_description);
    TEXT(procedure_id);
    TEXT(workitem);
    TEXT(report);
    TEXT(model);
    TEXT(issuer_of_accession);
}

/* What is said of a value comes back where it is plain. */
static void check_value(const struct hl7_message *message, const char *segment, unsigned field,
                        const char *value)
{
    char said[300];
    size_t count = strlen(value);
    for (size_t i = 0; i < count; i++)
        if (value[i] < ' ' || value[i] == 0x7f)
            return;
    if (count == 0 || count >= 257 || value[0] == ' ' || value[count - 1] == ' ' ||
        strcmp(value, "\"\"") == 0)
        return;
    must(hl7_get_whole(message, hl7_find(message, segment, 0), (struct hl7_place){field, 1, 1, 1},
                       said, sizeof said));
    must(strcmp(said, value) == 0);
}

static void check_characters(enum conf_hl7_characters characters, const char *bytes, size_t count)
{
    uint32_t number = 0;
    for (size_t i = 0, length; i < count; i += length) {
        unsigned char c = (unsigned char)bytes[i];
        length = characters == CONF_HL7_UTF_8 ? hl7_character(bytes + i, count - i, &number) : 1;
        must(length > 0 && (c >= ' ' || c == '\r') && c != 0x7f);
        must(c < 0x80 || (characters == CONF_HL7_UTF_8 && number >= 0xa0) ||
             (characters == CONF_HL7_LATIN_1 && c >= 0xa0));
    }
}

static void check_segments(const struct hl7_message *message, const struct conf_announcement *to,
                           enum hl7_kind kind)
{
    const char *names[6] = {"MSH", "PID", "ORC"};
    size_t count = 3;
    bool is_modern = to->version == 1;
    if (kind == HL7_PRIORITY && (to->profile.priority_in == CONF_HL7_TQ1_9 ||
                                 (is_modern && to->profile.priority_in == CONF_HL7_BY_VERSION)))
        names[count++] = "TQ1";
    names[count++] = "OBR";
    if (kind == HL7_PRIORITY)
        names[count++] = is_modern ? "IPC" : "ZDS";
    must(kind == HL7_RESULT ? message->segments > count : message->segments == count);
    for (size_t i = 0; i < message->segments; i++)
        must(hl7_is(message, i, i < count ? names[i] : "OBX"));
}

static void check(const struct conf_announcement *to, const struct news *news, enum hl7_kind kind)
{
    static char bytes[HL7_WRITE_MOST], again[HL7_WRITE_MOST];
    static struct hl7_message message;
    char why[64], status[8];
    size_t count = hl7_write(to, news, kind, bytes, sizeof bytes);
    if (kind == HL7_PRIORITY && !hl7_is_due(to, news, kind)) {
        must(count == 0);
        return;
    }
    must(count > 0 && bytes[count - 1] == '\r' && bytes[count] == '\0');
    must(hl7_write(to, news, kind, again, sizeof again) == count &&
         memcmp(bytes, again, count) == 0);
    must(hl7_parse(&message, bytes, count, why, sizeof why));
    check_characters(to->characters, bytes, count);
    check_segments(&message, to, kind);
    check_value(&message, "PID", 3, news->patient_id);
    if (strchr(to->receiving_application, '^') == NULL)
        check_value(&message, "MSH", 5, to->receiving_application);
    if (kind == HL7_PRIORITY) {
        check_value(&message, "ORC", 2, news->placer_order);
        check_value(&message, "OBR", 3, news->filler_order);
        check_value(&message, to->version ? "IPC" : "ZDS", to->version ? 3 : 1, news->study);
        return;
    }
    (void)hl7_get(&message, 3, (struct hl7_place){25, 1, 1, 1}, status, sizeof status);
    must(strcmp(status, "P") == 0 || strcmp(status, "X") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct news news;
    char names[5][251];
    struct input in = {data, size};
    struct conf_announcement to = {.results = true, .priority = true, .profile = CONF_HL7_PROFILE};
    memset(&news, 0, sizeof news);
    to.version = byte(&in) % 2;
    to.characters = byte(&in) % 3;
    to.profile.priority_in = byte(&in) % 5;
    if (to.version == 0 && to.profile.priority_in == CONF_HL7_TQ1_9) /* check.c refuses that */
        to.profile.priority_in = CONF_HL7_BY_VERSION;
    to.profile.number_in = byte(&in) % 3;
    to.profile.accession_in = byte(&in) % 3;
    for (size_t i = 0; i < 4; i++)
        (void)text(&in, names[i], 181);
    to.sending_application = names[0];
    to.sending_facility = names[1];
    to.receiving_application = names[2];
    to.receiving_facility = names[3];
    to.service = text(&in, names[4], sizeof names[4]);
    make_news(in, &news);
    check(&to, &news, HL7_RESULT);
    check(&to, &news, HL7_PRIORITY);
    return 0;
}
