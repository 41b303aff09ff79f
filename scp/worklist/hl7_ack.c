/* Acknowledgements, given and got: MSH, MSA; HL7 chapter 2, original and enhanced mode. */
#include "hl7_order.h"
#include "hl7_put.h"

#include <stdio.h>
#include <string.h>

#define VALUE_MOST 256

static struct hl7_place place(unsigned field, unsigned component)
{
    return (struct hl7_place){field, 1, component, component > 0};
}

/* ---- given ---- */

/* Whether a condition of table 0155 asks for an answer of this code. */
static bool asks(const char *condition, enum hl7_code code)
{
    return strcmp(condition, "AL") == 0 || strcmp(condition, code == HL7_ACCEPT ? "SU" : "ER") == 0;
}

/* 'A' or 'C', the first letter of MSA-1; 0: no answer is wanted. */
static char mode_of(const struct hl7_message *received, enum hl7_code code)
{
    char accept[3], application[3];
    (void)hl7_get_whole(received, 0, place(15, 1), accept, sizeof accept);
    (void)hl7_get_whole(received, 0, place(16, 1), application, sizeof application);
    if (accept[0] == '\0' && application[0] == '\0')
        return 'A';
    return asks(accept, code) ? 'C' : asks(application, code) ? 'A' : 0;
}

/* Field `to` says what the received message said in field `from`. */
static void put_echo(struct hl7_put *put, unsigned to, const struct hl7_message *received,
                     unsigned from)
{
    char value[VALUE_MOST];
    (void)hl7_get(received, 0, place(from, 1), value, sizeof value);
    hl7_put_value(put, to, value);
}

static void put_version(struct hl7_put *put, const struct hl7_message *received)
{
    char version[8];
    bool is_one = hl7_get_whole(received, 0, place(12, 1), version, sizeof version) &&
                  version[0] != '\0' && version[strspn(version, "0123456789.")] == '\0';
    hl7_put_value(put, 12, is_one ? version : "2.5.1");
}

/* 2.5 and later (tables 0357, 0516); before, MSA-3 says it. Of what is accepted: a warning. */
static void put_error(struct hl7_put *put, const struct hl7_message *received, enum hl7_code code,
                      const char *text)
{
    char version[8];
    if ((code == HL7_ACCEPT && text[0] == '\0') ||
        !hl7_get_whole(received, 0, place(12, 1), version, sizeof version) ||
        strncmp(version, "2.5", 3) < 0)
        return;
    hl7_put_segment(put, "ERR");
    hl7_put_field(put, 3);
    if (code == HL7_ACCEPT)
        hl7_put_code(put, "102", "", "Data type error", "HL70357");
    else if (code == HL7_ERROR)
        hl7_put_code(put, "207", "", "Application internal error", "HL70357");
    else
        hl7_put_code(put, "200", "", "Unsupported message type", "HL70357");
    hl7_put_value(put, 4, code == HL7_ACCEPT ? "W" : "E");
    hl7_put_value(put, 8, text);
}

size_t hl7_ack(const struct hl7_message *received, enum hl7_code code, const char *text,
               const char *id, int64_t now_ms, char *bytes, size_t size)
{
    static const char letters[] = "AER";
    const char mode = mode_of(received, code), answer[3] = {mode, letters[code], '\0'};
    char trigger[4], processing[2];
    struct hl7_put put;
    if (mode == 0)
        return 0;
    hl7_put_init(&put, bytes, size,
                 received->reading == HL7_UTF_8_READ ? CONF_HL7_UTF_8 : CONF_HL7_ASCII);
    hl7_put_segment(&put, "MSH");
    hl7_put_field(&put, 2);
    hl7_put_raw(&put, "^~\\&");
    for (unsigned i = 0; i < 4; i++) /* who received is who answers */
        put_echo(&put, 3 + i, received, i < 2 ? 5 + i : 1 + i);
    hl7_put_field(&put, 7);
    hl7_put_time(&put, now_ms);
    hl7_put_field(&put, 9);
    hl7_put_raw(&put, "ACK");
    if (hl7_get_whole(received, 0, place(9, 2), trigger, sizeof trigger) && trigger[0] != '\0') {
        hl7_put_raw(&put, "^");
        hl7_put_text(&put, trigger);
    }
    hl7_put_value(&put, 10, id);
    if (!hl7_get_whole(received, 0, place(11, 1), processing, sizeof processing) ||
        processing[0] == '\0')
        memcpy(processing, "P", 2);
    hl7_put_value(&put, 11, processing);
    put_version(&put, received);
    if (put.characters == CONF_HL7_UTF_8)
        hl7_put_value(&put, 18, hl7_put_character_set(put.characters));
    hl7_put_segment(&put, "MSA");
    hl7_put_value(&put, 1, answer);
    put_echo(&put, 2, received, 10);
    if (text[0] != '\0') {
        hl7_put_field(&put, 3);
        hl7_put_part(&put, text, strlen(text), 80); /* as long as 2.3.1 lets it be */
    }
    put_error(&put, received, code, text);
    return hl7_put_end(&put);
}

/* ---- got ---- */

static void add_words(char *text, size_t size, const char *words)
{
    size_t used = strlen(text);
    if (words[0] != '\0' && strstr(text, words) == NULL)
        (void)snprintf(text + used, size - used, "%s%s", used > 0 ? "; " : "", words);
}

/* ERR-8 for people, ERR-7, ERR-3 and, before 2.5, ERR-1. */
static void read_words(const struct hl7_message *answer, size_t msa, char *text, size_t size)
{
    static const unsigned fields[] = {8, 7, 3, 1};
    char words[VALUE_MOST];
    size_t err = hl7_find(answer, "ERR", msa);
    text[0] = '\0';
    (void)hl7_get(answer, msa, place(3, 0), words, sizeof words);
    add_words(text, size, words);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        (void)hl7_get(answer, err, place(fields[i], 0), words, sizeof words);
        add_words(text, size, words);
    }
}

static void trim_character(char *text)
{
    size_t count = strlen(text), at = 0, length = 1;
    uint32_t number;
    while (at < count && (length = hl7_character(text + at, count - at, &number)) != 0)
        at += length;
    text[at] = '\0';
}

bool hl7_read_ack(const struct hl7_message *answer, const char *id, enum hl7_code *code, char *text,
                  size_t size)
{
    char said[3], to[VALUE_MOST];
    size_t msa = hl7_find(answer, "MSA", 1);
    const char *letter = NULL;
    if (msa == answer->segments) {
        (void)snprintf(text, size, "an answer without MSA");
        return false;
    }
    if (hl7_get_whole(answer, msa, place(1, 1), said, sizeof said) && strlen(said) == 2 &&
        (said[0] == 'A' || said[0] == 'C'))
        letter = strchr("AER", said[1]);
    if (letter == NULL) {
        (void)snprintf(text, size, "an answer whose MSA-1 is no code of acknowledgement");
        return false;
    }
    if (!hl7_get_whole(answer, msa, place(2, 1), to, sizeof to) || strcmp(to, id) != 0) {
        (void)snprintf(text, size, "an answer to another message");
        return false;
    }
    *code = *letter == 'A' ? HL7_ACCEPT : *letter == 'E' ? HL7_ERROR : HL7_REJECT;
    read_words(answer, msa, text, size);
    trim_character(text);
    return true;
}
