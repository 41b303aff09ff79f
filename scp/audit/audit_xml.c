/* An event as a DICOM audit message: PS3.15 A.5.1 (the schema), A.5.2 and A.5.3 (what stands
 * where). Values are told to no one as XML that they may be: whatever they hold, they are text, and
 * the details base64. */
#include "audit.h"
#include "audit_record.h"

#include "clock.h"
#include <libxml/xmlwriter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MOST   256 /* bytes of one value */
#define DETAIL_MOST 700
#define DCM         "DCM"

#define CODE(name, number, words)                                                                  \
    const struct audit_code name = {.code = number, .system = DCM, .meaning = words}
CODE(audit_application_start, "110120", "Application Start");
CODE(audit_application_stop, "110121", "Application Stop");
CODE(audit_login, "110122", "Login");
CODE(audit_node_authentication, "110126", "Node Authentication");
CODE(audit_security_configuration, "110129", "Security Configuration");
CODE(audit_software_configuration, "110131", "Software Configuration");
CODE(audit_recording_stopped, "110133", "Audit Recording Stopped");

#define OWN "99CERVIGATE"
const struct audit_code audit_selftest_failed = {"SELFTEST", OWN, "Self-test failed"};
const struct audit_code audit_log_torn = {"AUDIT-TORN", OWN, "Audit record cut off by a crash"};
const struct audit_code audit_log_broken_code = {"AUDIT-BROKEN", OWN, "Audit log was changed"};
const struct audit_code audit_order = {"ORDER", OWN, "Order of a person"};

static const struct audit_code events[AUDIT_EVENTS] = {
    [AUDIT_APPLICATION_ACTIVITY] = {"110100", DCM, "Application Activity"},
    [AUDIT_LOG_USED] = {"110101", DCM, "Audit Log Used"},
    [AUDIT_BEGIN_TRANSFERRING] = {"110102", DCM, "Begin Transferring DICOM Instances"},
    [AUDIT_INSTANCES_ACCESSED] = {"110103", DCM, "DICOM Instances Accessed"},
    [AUDIT_INSTANCES_TRANSFERRED] = {"110104", DCM, "DICOM Instances Transferred"},
    [AUDIT_STUDY_DELETED] = {"110105", DCM, "DICOM Study Deleted"},
    [AUDIT_EXPORT] = {"110106", DCM, "Export"},
    [AUDIT_PATIENT_RECORD] = {"110110", DCM, "Patient Record"},
    [AUDIT_QUERY] = {"110112", DCM, "Query"},
    [AUDIT_SECURITY_ALERT] = {"110113", DCM, "Security Alert"},
    [AUDIT_USER_AUTHENTICATION] = {"110114", DCM, "User Authentication"},
};

static const struct audit_code roles[] = {
    [AUDIT_APPLICATION] = {"110150", DCM, "Application"},
    [AUDIT_LAUNCHER] = {"110151", DCM, "Application Launcher"},
    [AUDIT_SOURCE] = {"110153", DCM, "Source Role ID"},
    [AUDIT_DESTINATION] = {"110152", DCM, "Destination Role ID"},
};

/* A.5.1.2.2, A.5.1.2.4 and code system RFC-3881. */
static const struct {
    struct audit_code id;
    const char *type, *role;
} kinds[] = {
    [AUDIT_STUDY] = {{"110180", DCM, "Study Instance UID"}, "2", "3"},
    [AUDIT_PATIENT] = {{"2", "RFC-3881", "Patient Number"}, "1", "1"},
    [AUDIT_NODE_OBJECT] = {{"110182", DCM, "Node ID"}, "2", "13"},
    [AUDIT_SETTING] = {{"12", "RFC-3881", "URI"}, "2", "13"},
    [AUDIT_JOB] = {{"JOB", OWN, "Job"}, "2", "20"},
};

/* ---- text ---- */

/* Bytes of the UTF-8 character at text that XML may hold; 0: none. */
static size_t character(const unsigned char *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = text[0];
    size_t count = lead < 0x80       ? 1
                   : lead >> 5 == 6  ? 2
                   : lead >> 4 == 14 ? 3
                   : lead >> 3 == 30 ? 4
                                     : 0;
    if (count <= 1)
        return count == 1 && lead >= ' ' && lead != 0x7f;
    uint32_t value = lead & (0xffu >> (count + 1));
    for (size_t i = 1; i < count; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3fu);
    }
    bool surrogate = value >= 0xd800 && value < 0xe000,
         none = (value & 0xfffe) == 0xfffe || (value >= 0x80 && value < 0xa0);
    return value < least[count] || value > 0x10ffff || surrogate || none ? 0 : count;
}

/* What is no character that XML may hold becomes a question mark. */
static void clean(const char *text, char *out, size_t size)
{
    size_t used = 0;
    while (text != NULL && *text != '\0') {
        size_t count = character((const unsigned char *)text);
        if (used + (count > 0 ? count : 1) >= size)
            break;
        if (count == 0)
            out[used++] = '?';
        for (size_t i = 0; i < count; i++)
            out[used++] = text[i];
        text += count > 0 ? count : 1;
    }
    out[used] = '\0';
}

/* The writer; any failure stays. */
struct writing {
    xmlTextWriter *out;
    bool failed;
};

static void begin(struct writing *w, const char *element)
{
    w->failed |= xmlTextWriterStartElement(w->out, BAD_CAST element) < 0;
}

static void end(struct writing *w)
{
    w->failed |= xmlTextWriterEndElement(w->out) < 0;
}

static void attribute(struct writing *w, const char *name, const char *value)
{
    char text[TEXT_MOST];
    if (value == NULL)
        return;
    clean(value, text, sizeof text);
    w->failed |= xmlTextWriterWriteAttribute(w->out, BAD_CAST name, BAD_CAST text) < 0;
}

static void text_element(struct writing *w, const char *name, const char *value)
{
    char text[TEXT_MOST];
    clean(value, text, sizeof text);
    w->failed |= xmlTextWriterWriteElement(w->out, BAD_CAST name, BAD_CAST text) < 0;
}

/* xsd:base64Binary */
static void base64(const char *value, size_t count, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t used = 0;
    for (size_t i = 0; i < count; i += 3) {
        uint32_t three = (uint32_t)(unsigned char)value[i] << 16;
        three |= i + 1 < count ? (uint32_t)(unsigned char)value[i + 1] << 8 : 0;
        three |= i + 2 < count ? (uint32_t)(unsigned char)value[i + 2] : 0;
        out[used++] = digits[three >> 18];
        out[used++] = digits[three >> 12 & 63];
        out[used++] = i + 1 < count ? digits[three >> 6 & 63] : '=';
        out[used++] = i + 2 < count ? digits[three & 63] : '=';
    }
    out[used] = '\0';
}

static void code(struct writing *w, const char *element, const struct audit_code *value)
{
    begin(w, element);
    attribute(w, "csd-code", value->code);
    attribute(w, "codeSystemName", value->system);
    attribute(w, "displayName", value->meaning);
    attribute(w, "originalText", value->meaning);
    end(w);
}

/* ---- parts ---- */

static void put_event(struct writing *w, const struct audit_event *event)
{
    char action[2] = {event->action, '\0'}, outcome[12], when[25];
    clock_iso(event->at_ms != 0 ? event->at_ms : clock_utc_ms(), when);
    (void)snprintf(outcome, sizeof outcome, "%d", (int)event->outcome);
    begin(w, "EventIdentification");
    attribute(w, "EventActionCode", action);
    attribute(w, "EventDateTime", when);
    attribute(w, "EventOutcomeIndicator", outcome);
    code(w, "EventID", &events[event->id]);
    if (event->type != NULL)
        code(w, "EventTypeCode", event->type);
    if (event->why != NULL)
        text_element(w, "EventOutcomeDescription", event->why);
    end(w);
}

static bool is_numeric(const char *address)
{
    return address[strspn(address, "0123456789.")] == '\0' || strchr(address, ':') != NULL;
}

static void put_participant(struct writing *w, const struct audit_participant *who)
{
    char titles[64];
    (void)snprintf(titles, sizeof titles, "AETITLES=%s",
                   who->ae_title != NULL ? who->ae_title : "");
    begin(w, "ActiveParticipant");
    attribute(w, "UserID", who->user != NULL && who->user[0] != '\0' ? who->user : "unknown");
    attribute(w, "AlternativeUserID", who->ae_title != NULL ? titles : NULL);
    attribute(w, "UserName", who->name);
    attribute(w, "UserIsRequestor", who->requestor ? "true" : "false");
    if (who->address != NULL && who->address[0] != '\0') {
        attribute(w, "NetworkAccessPointID", who->address);
        attribute(w, "NetworkAccessPointTypeCode", is_numeric(who->address) ? "2" : "1");
    }
    if (who->role != AUDIT_NO_ROLE)
        code(w, "RoleIDCode", &roles[who->role]);
    end(w);
}

static void put_source(struct writing *w, const struct conf *conf)
{
    const char *id = conf->audit.source_id != NULL ? conf->audit.source_id : conf->ae_title;
    begin(w, "AuditSourceIdentification");
    attribute(w, "AuditEnterpriseSiteID", conf->audit.site_id);
    attribute(w, "AuditSourceID", id != NULL ? id : "cervigate");
    begin(w, "AuditSourceTypeCode"); /* an application server */
    attribute(w, "csd-code", "4");
    end(w);
    end(w);
}

static void put_detail(struct writing *w, const struct audit_detail *detail)
{
    char coded[(DETAIL_MOST + 2) / 3 * 4 + 1];
    char value[DETAIL_MOST + 1];
    clean(detail->value, value, sizeof value);
    base64(value, strlen(value), coded);
    begin(w, "ParticipantObjectDetail");
    attribute(w, "type", detail->type);
    w->failed |= xmlTextWriterWriteAttribute(w->out, BAD_CAST "value", BAD_CAST coded) < 0;
    end(w);
}

static void put_classes(struct writing *w, const struct audit_object *object)
{
    bool numbered = object->accession != NULL && object->accession[0] != '\0';
    if (object->class_count == 0 && !numbered)
        return;
    begin(w, "ParticipantObjectDescription");
    if (numbered) {
        begin(w, "Accession");
        attribute(w, "Number", object->accession);
        end(w);
    }
    for (size_t i = 0; i < object->class_count; i++) {
        char count[12];
        (void)snprintf(count, sizeof count, "%u", object->classes[i].instances);
        begin(w, "SOPClass");
        attribute(w, "UID", object->classes[i].uid);
        attribute(w, "NumberOfInstances", count);
        end(w);
    }
    end(w);
}

static void put_object(struct writing *w, const struct audit_object *object)
{
    begin(w, "ParticipantObjectIdentification");
    attribute(w, "ParticipantObjectID", object->id[0] != '\0' ? object->id : "unknown");
    attribute(w, "ParticipantObjectTypeCode", kinds[object->kind].type);
    attribute(w, "ParticipantObjectTypeCodeRole", kinds[object->kind].role);
    if (object->erased)
        attribute(w, "ParticipantObjectDataLifeCycle", "15");
    code(w, "ParticipantObjectIDTypeCode", &kinds[object->kind].id);
    text_element(w, "ParticipantObjectName", object->name != NULL ? object->name : object->id);
    for (size_t i = 0; i < object->detail_count; i++)
        put_detail(w, &object->details[i]);
    put_classes(w, object);
    end(w);
}

char *audit_message(const struct conf *conf, const struct audit_event *event)
{
    xmlBuffer *buffer = xmlBufferCreate();
    struct writing w = {.out = buffer != NULL ? xmlNewTextWriterMemory(buffer, 0) : NULL};
    char *message = NULL;
    if (w.out == NULL) {
        xmlBufferFree(buffer);
        return NULL;
    }
    w.failed |=
        xmlTextWriterWriteRaw(w.out, BAD_CAST "<?xml version=\"1.0\" encoding=\"UTF-8\"?>") < 0;
    begin(&w, "AuditMessage");
    put_event(&w, event);
    for (size_t i = 0; i < event->participant_count; i++)
        put_participant(&w, &event->participants[i]);
    put_source(&w, conf);
    for (size_t i = 0; i < event->object_count; i++)
        put_object(&w, &event->objects[i]);
    end(&w);
    w.failed |= xmlTextWriterFlush(w.out) < 0;
    xmlFreeTextWriter(w.out);
    if (!w.failed && xmlBufferLength(buffer) <= AUDIT_MESSAGE_MOST)
        message = strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return message;
}
