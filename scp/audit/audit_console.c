/* The console's events: who came in, and what they looked at. */
#include "audit.h"

#include <stddef.h>

static void tell(const struct conf *conf, const char *who, const char *address,
                 struct audit_event event)
{
    const struct audit_participant both[] = {
        {.user = who, .address = address, .requestor = true},
        {.user = "cervigate", .ae_title = conf->ae_title, .name = "cervigate " CERVIGATE_VERSION}};
    event.participants = both;
    event.participant_count = 2;
    (void)audit_tell(conf, &event, 1);
}

void audit_logged_in(const struct conf *conf, const char *who, const char *address, bool good)
{
    tell(conf, who, address,
         (struct audit_event){.id = AUDIT_USER_AUTHENTICATION,
                              .type = &audit_login,
                              .action = 'E',
                              .outcome = good ? AUDIT_SUCCESS : AUDIT_MINOR_FAILURE,
                              .why = good ? NULL : "name or password is wrong"});
}

void audit_seen(const struct conf *conf, const char *who, const char *address, const char *query,
                const char *study)
{
    const struct audit_detail words[] = {{"Query", query}};
    const struct audit_object objects[] = {
        {.kind = AUDIT_JOB, .id = "console", .details = words, .detail_count = 1},
        {.kind = AUDIT_STUDY, .id = study}};
    bool one = study[0] != '\0';
    tell(conf, who, address,
         (struct audit_event){.id = one ? AUDIT_INSTANCES_ACCESSED : AUDIT_QUERY,
                              .action = one ? 'R' : 'E',
                              .objects = objects,
                              .object_count = one ? 2 : 1});
}

void audit_searched(const struct conf *conf, const char *who, const char *address,
                    const char *query)
{
    const struct audit_detail words[] = {{"Query", query}};
    const struct audit_object object = {.kind = AUDIT_SETTING,
                                        .id = "audit",
                                        .name = "Security Audit Log",
                                        .details = words,
                                        .detail_count = 1};
    tell(conf, who, address,
         (struct audit_event){
             .id = AUDIT_LOG_USED, .action = 'R', .objects = &object, .object_count = 1});
}
