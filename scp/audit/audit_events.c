/* The node's events, each as PS3.15 A.5.3 wants it. */
#include "audit.h"
#include "audit_log.h"
#include "clock.h"

#include "log.h"
#include "node.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)

static struct audit_participant node_of(const struct conf *conf)
{
    return (struct audit_participant){
        .user = "cervigate", .ae_title = conf->ae_title, .name = "cervigate " CERVIGATE_VERSION};
}

static struct audit_participant person(const char *who)
{
    return (struct audit_participant){.user = who, .requestor = true};
}

static struct audit_object study_of(const char *uid)
{
    return (struct audit_object){.kind = AUDIT_STUDY, .id = uid};
}

void audit_application(const struct conf *conf, bool start)
{
    char who[64];
    if (start) /* the count of what is lost has its block before the disk is full */
        (void)audit_log_missed(conf, clock_utc_ms(), 0);
    audit_caller(who, sizeof who);
    struct audit_participant both[] = {node_of(conf), person(who)};
    both[0].role = AUDIT_APPLICATION;
    both[1].role = AUDIT_LAUNCHER;
    const struct audit_event event = {.id = AUDIT_APPLICATION_ACTIVITY,
                                      .type = start ? &audit_application_start
                                                    : &audit_application_stop,
                                      .action = 'E',
                                      .participants = both,
                                      .participant_count = 2};
    (void)audit_tell(conf, &event, 1);
}

/* A security alert of this node about one thing. */
static bool alert(const struct conf *conf, const char *who, const struct audit_code *type,
                  enum audit_outcome outcome, const char *why, const struct audit_object *object)
{
    const struct audit_participant both[] = {node_of(conf), person(who)};
    const struct audit_event event = {.id = AUDIT_SECURITY_ALERT,
                                      .type = type,
                                      .action = 'E',
                                      .outcome = outcome,
                                      .why = why,
                                      .participants = both,
                                      .participant_count = who != NULL ? 2 : 1,
                                      .objects = object,
                                      .object_count = 1};
    return audit_tell(conf, &event, 1);
}

void audit_reload_refused(const struct conf *conf, const char *who, const char *why)
{
    const struct audit_object file = {
        .kind = AUDIT_SETTING, .id = conf->path, .name = "configuration"};
    (void)alert(conf, who, &audit_software_configuration, AUDIT_MINOR_FAILURE, why, &file);
}

bool audit_mode(const struct conf *conf, const char *who, enum conf_mode from, enum conf_mode to,
                const char *refused)
{
    const struct audit_detail both[] = {{"old", conf_mode_name(from)}, {"new", conf_mode_name(to)}};
    const struct audit_object mode = {
        .kind = AUDIT_SETTING, .id = "mode", .details = both, .detail_count = 2};
    return alert(conf, who, &audit_security_configuration,
                 refused != NULL ? AUDIT_MINOR_FAILURE : AUDIT_SUCCESS, refused, &mode);
}

void audit_selftest(const struct conf *conf, const char *what, const char *detail)
{
    const struct audit_detail step[] = {{"step", what}, {"detail", detail}};
    const struct audit_object test = {
        .kind = AUDIT_SETTING, .id = "selftest", .details = step, .detail_count = 2};
    (void)alert(conf, NULL, &audit_selftest_failed, AUDIT_SERIOUS_FAILURE, what, &test);
}

void audit_retention(const struct conf *conf, const char *kind, uint64_t count, const char *detail)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, count);
    const struct audit_participant us = node_of(conf);
    const struct audit_detail what[] = {{"count", number}, {"detail", detail}};
    const struct audit_object files = {.kind = AUDIT_SETTING,
                                       .id = "retention",
                                       .name = kind,
                                       .details = what,
                                       .detail_count = detail != NULL ? 2 : 1,
                                       .erased = true};
    bool of_log = strcmp(kind, "audit") == 0;
    const struct audit_event event = {.id = of_log ? AUDIT_LOG_USED : AUDIT_STUDY_DELETED,
                                      .action = 'D',
                                      .participants = &us,
                                      .participant_count = 1,
                                      .objects = &files,
                                      .object_count = 1};
    (void)audit_tell(conf, &event, 1);
}

#define STUDIES 32 /* of one record: it must fit */

void audit_deleted(const struct conf *conf, const char *kind, size_t files,
                   char (*study)[DX_UID_MAX], size_t studies)
{
    char number[24];
    struct audit_object object[STUDIES];
    const struct audit_participant us = node_of(conf);
    const struct audit_detail what[] = {{"files", kind}, {"count", number}};
    if (studies == 0) /* objects without a study's name */
        audit_retention(conf, kind, files, NULL);
    (void)snprintf(number, sizeof number, "%zu", files);
    for (size_t first = 0; first < studies; first += STUDIES) {
        size_t count = studies - first < STUDIES ? studies - first : STUDIES;
        for (size_t i = 0; i < count; i++) {
            object[i] = study_of(study[first + i]);
            object[i].erased = true;
        }
        object[0].details = what;
        object[0].detail_count = first == 0 ? 2 : 1; /* the count is of all */
        const struct audit_event event = {.id = AUDIT_STUDY_DELETED,
                                          .action = 'D',
                                          .participants = &us,
                                          .participant_count = 1,
                                          .objects = object,
                                          .object_count = count};
        (void)audit_tell(conf, &event, 1);
    }
}

void audit_expire(const struct conf *conf, int64_t now_ms)
{
    char detail[64];
    size_t removed = 0;
    uint64_t last = 0;
    int failed = audit_log_expire(conf, now_ms - conf->audit.keep_days * DAY_MS, &removed, &last);
    if (failed != 0)
        log_event(LOG_AT_ERROR, "audit-expire", "error=%s", log_quote(strerror(-failed)));
    if (removed == 0)
        return;
    (void)snprintf(detail, sizeof detail, "up to record %" PRIu64, last);
    log_event(LOG_AT_INFO, "audit-expired", "files=%zu last=%" PRIu64, removed, last);
    audit_retention(conf, "audit", removed, detail);
}

static void tell_patient(const struct conf *conf, const char *who, const char *patient, char action,
                         const char *why)
{
    const struct audit_participant both[] = {person(who), node_of(conf)};
    const struct audit_object object = {
        .kind = AUDIT_PATIENT, .id = patient, .erased = action == 'D'};
    const struct audit_event event = {.id = AUDIT_PATIENT_RECORD,
                                      .type = &audit_order,
                                      .action = action,
                                      .why = why,
                                      .participants = both,
                                      .participant_count = 2,
                                      .objects = &object,
                                      .object_count = 1};
    (void)audit_tell(conf, &event, 1);
}

void audit_forgotten(const struct conf *conf, const char *who, const char *patient,
                     const char *answer)
{
    tell_patient(conf, who, patient, 'D', answer);
}

void audit_corrected(const struct conf *conf, const char *patient, const char *what)
{
    tell_patient(conf, "orders", patient, 'U', what);
}

void audit_ordered(const struct conf *conf, const char *who, const char *what, const char *subject,
                   const char *answer)
{
    const struct audit_participant both[] = {person(who), node_of(conf)};
    const struct audit_detail details[] = {{"order", what}, {"answer", answer}};
    const struct audit_object object = {
        .kind = AUDIT_JOB, .id = subject, .name = what, .details = details, .detail_count = 2};
    const struct audit_event event = {.id = AUDIT_INSTANCES_ACCESSED,
                                      .type = &audit_order,
                                      .action = 'U',
                                      .why = answer,
                                      .participants = both,
                                      .participant_count = 2,
                                      .objects = &object,
                                      .object_count = 1};
    (void)audit_tell(conf, &event, 1);
}

/* What a person did with `cervigate`. */
static bool used(const struct conf *conf, enum audit_event_id id, char action,
                 const struct audit_object *objects, size_t count)
{
    char who[64];
    audit_caller(who, sizeof who);
    const struct audit_participant both[] = {person(who), node_of(conf)};
    const struct audit_event event = {.id = id,
                                      .action = action,
                                      .participants = both,
                                      .participant_count = 2,
                                      .objects = objects,
                                      .object_count = count};
    return audit_tell(conf, &event, 1);
}

void audit_looked(const struct conf *conf, const char *query, const char *study)
{
    const struct audit_detail words[] = {{"Query", query}};
    const struct audit_object objects[] = {
        {.kind = AUDIT_JOB, .id = "cervigate", .details = words, .detail_count = 1},
        study_of(study)};
    bool one = study[0] != '\0';
    (void)used(conf, one ? AUDIT_INSTANCES_ACCESSED : AUDIT_QUERY, one ? 'R' : 'E', objects,
               one ? 2 : 1);
}

void audit_exported(const struct conf *conf, const char *what, const char *where)
{
    const struct audit_detail to[] = {{"file", where}};
    const struct audit_object object = {
        .kind = AUDIT_SETTING, .id = what, .details = to, .detail_count = 1};
    (void)used(conf, AUDIT_EXPORT, 'R', &object, 1);
}

void audit_found_broken(const struct conf *conf, const char *what, bool acknowledged)
{
    char who[64];
    audit_caller(who, sizeof who);
    const struct audit_detail detail[] = {{"what", what}};
    const struct audit_object log = {
        .kind = AUDIT_SETTING, .id = "audit", .details = detail, .detail_count = 1};
    (void)alert(conf, who, &audit_log_broken_code,
                acknowledged ? AUDIT_SUCCESS : AUDIT_SERIOUS_FAILURE,
                acknowledged ? "acknowledged" : what, &log);
}

bool audit_log_used(const struct conf *conf, const char *query)
{
    const struct audit_detail words[] = {{"Query", query}};
    const struct audit_object object = {.kind = AUDIT_SETTING,
                                        .id = "audit",
                                        .name = "Security Audit Log",
                                        .details = words,
                                        .detail_count = 1};
    return used(conf, AUDIT_LOG_USED, 'R', &object, 1);
}
