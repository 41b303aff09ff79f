/* audit.h: what must be shown to have been done, told where it is done.
 *
 * Each event is a DICOM audit message (PS3.15 A.5.3), appended to the audit log of the spool
 * (audit_log.h) before these functions return; audit_ship.h sends copies. They are called by the
 * supervisor, the committer (for the listener and the associations, which cannot write there:
 * audit_traffic.h), analyze, deliver, announce, the desk, the console and `cervigate`.
 *
 * What cannot be written never holds up what is being done: it is told in the log ("audit-failed"),
 * counted, and the count is the first record when the log can be written again. Texts may hold
 * anything: what XML cannot carry is replaced. */
#ifndef AUDIT_H
#define AUDIT_H

#include "conf.h"
#include "dx_uid.h"
#include <stdint.h>

/* ---- messages ---- */

struct audit_code {
    const char *code, *system, *meaning;
};
extern const struct audit_code audit_application_start, audit_application_stop, audit_login;
extern const struct audit_code audit_node_authentication, audit_software_configuration,
    audit_security_configuration, audit_recording_stopped;
extern const struct audit_code audit_selftest_failed, audit_log_torn, audit_log_broken_code,
    audit_order;

/* The events of PS3.15 A.5.3 that a node has. */
enum audit_event_id {
    AUDIT_APPLICATION_ACTIVITY,
    AUDIT_LOG_USED,
    AUDIT_BEGIN_TRANSFERRING,
    AUDIT_INSTANCES_ACCESSED,
    AUDIT_INSTANCES_TRANSFERRED,
    AUDIT_STUDY_DELETED,
    AUDIT_EXPORT,
    AUDIT_PATIENT_RECORD,
    AUDIT_QUERY,
    AUDIT_SECURITY_ALERT,
    AUDIT_USER_AUTHENTICATION,
    AUDIT_EVENTS
};

enum audit_outcome {
    AUDIT_SUCCESS = 0,
    AUDIT_MINOR_FAILURE = 4,
    AUDIT_SERIOUS_FAILURE = 8,
    AUDIT_MAJOR_FAILURE = 12
};

enum audit_role {
    AUDIT_NO_ROLE,
    AUDIT_APPLICATION,
    AUDIT_LAUNCHER,
    AUDIT_SOURCE,
    AUDIT_DESTINATION
};
struct audit_participant {
    const char *user;     /* process, person or AE title */
    const char *ae_title; /* of a DICOM application, or NULL */
    const char *name;     /* or NULL */
    const char *address;  /* host or address, or NULL */
    enum audit_role role;
    bool requestor;
};

enum audit_object_kind { AUDIT_STUDY, AUDIT_PATIENT, AUDIT_NODE_OBJECT, AUDIT_SETTING, AUDIT_JOB };
struct audit_detail {
    const char *type, *value;
};
struct audit_sop_class {
    const char *uid;
    unsigned instances;
};
struct audit_object {
    enum audit_object_kind kind;
    const char *id, *name; /* name NULL: the id */
    const struct audit_detail *details;
    size_t detail_count;
    const struct audit_sop_class *classes;
    size_t class_count;
    const char *accession; /* of a study, or NULL */
    bool erased;           /* its data went for good */
};

struct audit_event {
    enum audit_event_id id;
    const struct audit_code *type; /* or NULL */
    char action;                   /* C, R, U, D, E */
    enum audit_outcome outcome;
    const char *why; /* outcome in words, or NULL */
    int64_t at_ms;   /* UTC; 0: now */
    const struct audit_participant *participants;
    size_t participant_count; /* at least one */
    const struct audit_object *objects;
    size_t object_count;
};

/* The message as one line of XML; malloc. NULL: no memory, or it is longer than
 * AUDIT_MESSAGE_MOST. */
char *audit_message(const struct conf *conf, const struct audit_event *event);
/* Appends the events, in order, in one go. False after a line in the log: they were not written,
 * and are counted. */
bool audit_tell(const struct conf *conf, const struct audit_event *event, size_t count);
/* The same of messages of audit_message, at most AUDIT_TOGETHER: takes and frees them. NULL: one
 * that could not be made; then none is written. */
#define AUDIT_TOGETHER 28
bool audit_tell_messages(const struct conf *conf, char **messages, size_t count);

/* For who knows that so many events were not written, and why (errno): counts them, as the above.
 */
void audit_missed(const struct conf *conf, size_t count, int why);

/* ---- what the node tells ---- */

void audit_application(const struct conf *conf, bool start);
/* At start and after a reload: what the effective configuration, the models, their operating points
 * and gates are now, against what they were when this was called last; the log is told, too.
 * Returns how many differ. who: "" unknown. */
size_t audit_configuration(const struct conf *conf, const char *who);
void audit_reload_refused(const struct conf *conf, const char *who, const char *why);
/* False: it could not be written. done: it was changed; else refused, and why. */
bool audit_mode(const struct conf *conf, const char *who, enum conf_mode from, enum conf_mode to,
                const char *refused);
void audit_selftest(const struct conf *conf, const char *what, const char *detail);
/* Files of these studies that went with time: `kind` "objects" or "results". */
void audit_deleted(const struct conf *conf, const char *kind, size_t files,
                   char (*study)[DX_UID_MAX], size_t studies);
/* What went with time and has no study's name: `kind` "quarantine", "rows", "audit", "parked"
 * (copies that a destination refused for good: their deliveries were given up). */
void audit_retention(const struct conf *conf, const char *kind, uint64_t count, const char *detail);
/* Removes the log's files that are older than <audit keep>, and tells it. */
void audit_expire(const struct conf *conf, int64_t now_ms);
/* All of a patient's; who ordered it, and what came of it. */
void audit_forgotten(const struct conf *conf, const char *who, const char *patient,
                     const char *answer);
/* The site said by HL7 (<orders>) what a patient's data are; what became of images and results. */
void audit_corrected(const struct conf *conf, const char *patient, const char *what);
/* An order of a person that changes what the node does with a study's results. */
void audit_ordered(const struct conf *conf, const char *who, const char *what, const char *subject,
                   const char *answer);
/* `cervigate`: somebody looked at what names patients or studies; query: the words of the command.
 * study "": of many. */
void audit_looked(const struct conf *conf, const char *query, const char *study);
/* A peer asked for the reading worklist: its keys, how many items it was told, how often it asked
 * the same; status 0: all went well. */
struct audit_asker {
    const char *calling, *called, *address;
};
void audit_worklist_asked(const struct conf *conf, const struct audit_asker *asker,
                          const char *keys, unsigned matches, unsigned times, unsigned status);
/* It read an item (what "") or changed its state to `what`. */
void audit_worklist_item(const struct conf *conf, const struct audit_asker *asker,
                         const char *study, const char *patient, const char *accession,
                         const char *what);
/* The console: somebody tried to log in, from this address. */
void audit_logged_in(const struct conf *conf, const char *who, const char *address, bool good);
/* The console: a person looked at what names patients or studies, as audit_looked. */
void audit_seen(const struct conf *conf, const char *who, const char *address, const char *query,
                const char *study);
/* The console: a person searched the log itself. */
void audit_searched(const struct conf *conf, const char *who, const char *address,
                    const char *query);
/* `cervigate`: what left the node as files (backup), or came back (restore). */
void audit_exported(const struct conf *conf, const char *what, const char *where);
/* `cervigate audit verify` found the log changed, or somebody took note of it. */
void audit_found_broken(const struct conf *conf, const char *what, bool acknowledged);
/* `cervigate audit`: the log itself was read. */
bool audit_log_used(const struct conf *conf, const char *query);
/* Who runs this process: behind sudo the person. */
void audit_caller(char *who, size_t size);

#endif
