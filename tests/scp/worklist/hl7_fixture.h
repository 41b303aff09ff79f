/* What tests of written HL7 messages share: a receiver, a finding, and a field of what was written.
 */
#ifndef HL7_FIXTURE_H
#define HL7_FIXTURE_H

#include "worklist/hl7_read.h"
#include "worklist/hl7_write.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct conf_announcement modern = {.way = CONF_HL7,
                                                .results = true,
                                                .priority = true,
                                                .version = 1,
                                                .characters = CONF_HL7_UTF_8,
                                                .sending_application = "CERVIGATE",
                                                .sending_facility = "Radiology",
                                                .receiving_application = "RIS",
                                                .receiving_facility = "General",
                                                .service = "CG^Second look^99CERVIGATE",
                                                .profile = CONF_HL7_PROFILE};

static inline struct news finding(void)
{
    struct news news = {.kind = NEWS_PRIORITY,
                        .rank = PRIORITY_HIGH,
                        .order = ORDER_ROUTINE,
                        .told_order = ORDER_ROUTINE,
                        .reason = REASON_FINDING,
                        .outcome = SRT_FINDING,
                        .is_report = true,
                        .workitem = "2.25.1",
                        .message = "0123456789abcdef0123456789abcdef",
                        .study = "1.2.3",
                        .report = "2.25.7",
                        .accession = "A17",
                        .issuer_of_accession = "RAD",
                        .patient_id = "P1",
                        .issuer = "HOSP",
                        .patient_name = "Doe^Jane^Q^Dr^Jr",
                        .birth_date = "19610430",
                        .sex = "F",
                        .study_date = "20261127",
                        .study_time = "081500.250",
                        .study_description = "C-spine 2 views",
                        .procedure_id = "RP9",
                        .placer_order = "PL1",
                        .filler_order = "FI1",
                        .created_ms = 1795784700123, /* 2026-11-27 13:05:00.123 */
                        .received_ms = 1795784690000,
                        .model = "cervigate-phantom 0.2.0"};
    return news;
}

static inline const char *written(const struct conf_announcement *to, const struct news *news,
                                  enum hl7_kind kind)
{
    static char bytes[HL7_WRITE_MOST];
    size_t count = hl7_write(to, news, kind, bytes, sizeof bytes);
    assert_int_not_equal(count, 0);
    assert_int_equal(bytes[count], '\0');
    return bytes;
}

/* A field of the first segment of that name, or of the row whose OBX-3.1 is `code`. */
static inline const char *said(const char *bytes, const char *segment, const char *code,
                               struct hl7_place place)
{
    static struct hl7_message message;
    static char value[1024];
    char why[64], found[64];
    assert_true(hl7_parse(&message, bytes, strlen(bytes), why, sizeof why));
    size_t at = hl7_find(&message, segment, 0);
    while (code != NULL && at < message.segments &&
           (hl7_get(&message, at, (struct hl7_place){3, 1, 1, 0}, found, sizeof found) == 0 ||
            strcmp(found, code) != 0))
        at = hl7_find(&message, segment, at + 1);
    if (at == message.segments)
        return NULL;
    (void)hl7_get(&message, at, place, value, sizeof value);
    return value;
}

#define ROW(code, number)      said(bytes, "OBX", code, (struct hl7_place){number, 1, 1, 0})
#define FIELD(segment, number) said(bytes, segment, NULL, (struct hl7_place){number, 1, 0, 0})
#define PART(segment, f, c)    said(bytes, segment, NULL, (struct hl7_place){f, 1, c, 0})

#endif
