/* Events into the log, with what must be told of the log itself before them. */
#include "audit.h"
#include "audit_log.h"

#include "clock.h"
#include "log.h"
#include "node.h"
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TELL_MS 60000 /* between two lines of the log that say it cannot be written */

void audit_caller(char *who, size_t size)
{
    const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *user = getpwuid(getuid());
    if (sudo != NULL && sudo[0] != '\0')
        (void)snprintf(who, size, "%s", sudo);
    else if (user != NULL)
        (void)snprintf(who, size, "%s", user->pw_name);
    else
        (void)snprintf(who, size, "uid %lu", (unsigned long)getuid());
    for (char *c = who; *c != '\0'; c++) /* it goes into records as one word */
        if ((unsigned char)*c < 0x20)
            *c = '?';
}

/* ---- what is told of the log itself ---- */

static char *note(const struct conf *conf, const struct audit_code *type,
                  enum audit_outcome outcome, const char *why, const struct audit_detail *details,
                  size_t count)
{
    const struct audit_participant us = {.user = "cervigate", .ae_title = conf->ae_title};
    const struct audit_object log = {.kind = AUDIT_SETTING,
                                     .id = "audit",
                                     .name = "audit log",
                                     .details = details,
                                     .detail_count = count};
    const struct audit_event event = {.id = AUDIT_SECURITY_ALERT,
                                      .type = type,
                                      .action = 'E',
                                      .outcome = outcome,
                                      .why = why,
                                      .participants = &us,
                                      .participant_count = 1,
                                      .objects = &log,
                                      .object_count = 1};
    return audit_message(conf, &event);
}

#define NOTES 4

/* At most NOTES messages; NULL where there is no memory. */
static size_t notes_of(const struct audit_log *log, char *notes[NOTES])
{
    size_t count = 0;
    char number[24];
    const struct audit_detail missed[] = {{"missed", number}, {"since", log->since}};
    const struct audit_detail bytes[] = {{"bytes", number}};
    const struct audit_detail broken[] = {{"where", log->broken}};
    if (log->broken[0] != '\0')
        notes[count++] =
            note(log->conf, &audit_log_broken_code, AUDIT_SERIOUS_FAILURE, log->broken, broken, 1);
    if (log->alone)
        notes[count++] =
            note(log->conf, &audit_log_broken_code, AUDIT_MINOR_FAILURE,
                 "audit/head was not there: records behind the last may be missing", NULL, 0);
    if (log->torn != 0) {
        (void)snprintf(number, sizeof number, "%" PRIu64, log->torn);
        notes[count++] = note(log->conf, &audit_log_torn, AUDIT_MINOR_FAILURE,
                              "a crash cut a record off; its bytes were removed", bytes, 1);
    }
    if (log->missed != 0) {
        (void)snprintf(number, sizeof number, "%" PRIu64, log->missed);
        notes[count++] = note(log->conf, &audit_recording_stopped, AUDIT_SERIOUS_FAILURE,
                              "events could not be written and are lost", missed, 2);
    }
    return count;
}

/* Alarms for those who read the log of the node. */
static void say_notes(const struct audit_log *log, const char *broken)
{
    if (broken[0] != '\0')
        log_event(LOG_AT_ERROR, "audit-broken", "detail=%s look=%s", log_quote(broken),
                  log_quote("cervigate audit verify"));
    if (log->missed != 0)
        log_event(LOG_AT_WARN, "audit-gap", "missed=%" PRIu64 " since=%s", log->missed, log->since);
}

/* ---- appending ---- */

/* While nothing can be written: long enough for another writer's sync, too short to hold anybody
 * up. */
#define TROUBLE_WAIT_MS 100

/* Since when nothing can be written; the log says so once a minute. */
static int64_t told_at, trouble;

void audit_missed(const struct conf *conf, size_t count, int why)
{
    int64_t now = clock_monotonic_ms();
    bool counted = audit_log_missed(conf, clock_utc_ms(), count);
    if (!trouble || now - told_at > TELL_MS) {
        log_event(LOG_AT_ERROR, "audit-failed", "events=%zu counted=%s error=%s", count,
                  counted ? "true" : "false", log_quote(strerror(why)));
        told_at = now;
    }
    trouble = trouble || (why != EMSGSIZE && why != ENOMEM); /* those are of these events alone */
}

static bool append(struct audit_log *log, const char *const *messages, size_t count)
{
    char *list[AUDIT_BATCH] = {NULL};
    size_t own = notes_of(log, list), all = own;
    bool good = true, gap = log->missed != 0;
    for (size_t i = 0; i < own; i++)
        good = good && list[i] != NULL;
    char broken[sizeof log->broken];
    memcpy(broken, log->broken, sizeof broken);
    if (log->torn != 0)
        log_event(LOG_AT_WARN, "audit-torn", "bytes=%" PRIu64, log->torn);
    for (size_t i = 0; i < count; i++)
        list[all++] = (char *)messages[i];
    errno = good ? 0 : ENOMEM;
    good = good && audit_log_append(log, clock_utc_ms(), (const char *const *)list, all);
    int why = errno;
    crash_point("audit-told");
    if (good)
        say_notes(log, broken);
    if (good && gap)
        audit_log_told(log);
    for (size_t i = 0; i < own; i++)
        free(list[i]);
    errno = why;
    return good;
}

_Static_assert(AUDIT_TOGETHER + NOTES == AUDIT_BATCH, "a batch, short of the notes");

bool audit_tell_messages(const struct conf *conf, char **messages, size_t count)
{
    struct audit_log log;
    bool good = true;
    errno = 0;
    for (size_t i = 0; i < count; i++)
        good = good && messages[i] != NULL;
    int why = good ? 0 : EMSGSIZE;
    if (good) {
        good = audit_log_open(conf, trouble ? TROUBLE_WAIT_MS : AUDIT_WAIT_MS, &log);
        if (good)
            good = append(&log, (const char *const *)messages, count);
        why = errno;
        audit_log_close(&log);
    }
    if (!good)
        audit_missed(conf, count, why);
    else
        trouble = 0;
    for (size_t i = 0; i < count; i++)
        free(messages[i]);
    return good;
}

bool audit_tell(const struct conf *conf, const struct audit_event *event, size_t count)
{
    char *messages[AUDIT_TOGETHER];
    bool good = true;
    while (count > 0) {
        size_t some = count < AUDIT_TOGETHER ? count : AUDIT_TOGETHER;
        for (size_t i = 0; i < some; i++)
            messages[i] = audit_message(conf, &event[i]);
        good = audit_tell_messages(conf, messages, some) && good;
        event += some;
        count -= some;
    }
    return good;
}
