/* What peers ask of the reading worklist, and change in it (PS3.15 A.5.3: Query, DICOM Instances
 * Accessed). */
#include "audit.h"

#include <stdio.h>

#define CANCELED 0xfe00u /* by whoever asked */

static void tell(const struct conf *conf, const struct audit_asker *asker,
                 struct audit_event *event)
{
    const struct audit_participant both[] = {
        {.user = asker->calling,
         .ae_title = asker->calling,
         .address = asker->address,
         .role = AUDIT_SOURCE,
         .requestor = true},
        {.user = "cervigate", .ae_title = asker->called, .role = AUDIT_DESTINATION}};
    event->participants = both;
    event->participant_count = 2;
    (void)audit_tell(conf, event, 1);
}

void audit_worklist_asked(const struct conf *conf, const struct audit_asker *asker,
                          const char *keys, unsigned matches, unsigned times, unsigned status)
{
    char count[16], often[16], said[16];
    (void)snprintf(count, sizeof count, "%u", matches);
    (void)snprintf(often, sizeof often, "%u", times);
    (void)snprintf(said, sizeof said, "%04X", status);
    const struct audit_detail details[] = {
        {"Query", keys}, {"matches", count}, {"times", often}, {"status", said}};
    const struct audit_object list = {
        .kind = AUDIT_JOB, .id = "reading worklist", .details = details, .detail_count = 4};
    bool is_good = status == 0 || status == CANCELED;
    struct audit_event event = {.id = AUDIT_QUERY,
                                .action = 'E',
                                .outcome = is_good ? AUDIT_SUCCESS : AUDIT_MINOR_FAILURE,
                                .why = is_good ? NULL : said,
                                .objects = &list,
                                .object_count = 1};
    tell(conf, asker, &event);
}

void audit_worklist_item(const struct conf *conf, const struct audit_asker *asker,
                         const char *study, const char *patient, const char *accession,
                         const char *what)
{
    const struct audit_detail state[] = {{"state", what}};
    const struct audit_object objects[] = {{.kind = AUDIT_STUDY,
                                            .id = study,
                                            .details = state,
                                            .detail_count = what[0] != '\0',
                                            .accession = accession},
                                           {.kind = AUDIT_PATIENT, .id = patient}};
    struct audit_event event = {.id = AUDIT_INSTANCES_ACCESSED,
                                .action = what[0] != '\0' ? 'U' : 'R',
                                .objects = objects,
                                .object_count = patient[0] != '\0' ? 2 : 1};
    tell(conf, asker, &event);
}
