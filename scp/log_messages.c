#include "log_messages.h"

#include <stdlib.h>
#include <string.h>

const struct log_message log_messages[] = {
    {"accept-failed", LOG_RECEIVE, LOG_OURS},
    {"accession-corrected", LOG_RESULTS, LOG_OURS},
    {"accounts-unreadable", LOG_CONSOLE, LOG_OURS},
    {"alarm", LOG_ANALYZE, LOG_OTHERS},
    {"analyze-cannot-start", LOG_ANALYZE, LOG_OURS},
    {"announced", LOG_WORKLIST, LOG_OTHERS},
    {"announcement-parked", LOG_WORKLIST, LOG_OTHERS},
    {"announcement-put-off", LOG_WORKLIST, LOG_OTHERS},
    {"announcement-unreached", LOG_WORKLIST, LOG_OURS},
    {"ask-refused", LOG_CONSOLE, LOG_OURS},
    {"association-begun", LOG_RECEIVE, LOG_OTHERS},
    {"association-died", LOG_RECEIVE, LOG_OURS},
    {"association-ended", LOG_RECEIVE, LOG_OTHERS},
    {"association-refused", LOG_RECEIVE, LOG_OURS},
    {"audit-broken", LOG_AUDIT, LOG_OURS},
    {"audit-collector", LOG_AUDIT, LOG_OURS},
    {"audit-cursor", LOG_AUDIT, LOG_OURS},
    {"audit-expire", LOG_AUDIT, LOG_OURS},
    {"audit-expired", LOG_AUDIT, LOG_OURS},
    {"audit-failed", LOG_AUDIT, LOG_OURS},
    {"audit-gap", LOG_AUDIT, LOG_OURS},
    {"audit-sent-again", LOG_AUDIT, LOG_OURS},
    {"audit-torn", LOG_AUDIT, LOG_OURS},
    {"audit-unconfirmed", LOG_AUDIT, LOG_OURS},
    {"audit-unsent", LOG_AUDIT, LOG_OURS},
    {"caller-refused", LOG_RECEIVE, LOG_OTHERS},
    {"charset-kept", LOG_RESULTS, LOG_OTHERS},
    {"commit-failed", LOG_STORE, LOG_OURS},
    {"commit-put-off", LOG_STORE, LOG_OURS},
    {"commitment-asked", LOG_DELIVER, LOG_OTHERS},
    {"commitment-event", LOG_DELIVER, LOG_OTHERS},
    {"commitment-put-off", LOG_DELIVER, LOG_OTHERS},
    {"commitment-waived", LOG_DELIVER, LOG_OURS},
    {"committed", LOG_DELIVER, LOG_OTHERS},
    {"committer-ended", LOG_STORE, LOG_OURS},
    {"committer-started", LOG_STORE, LOG_OURS},
    {"confine-failed", LOG_NODE, LOG_OURS},
    {"console-unavailable", LOG_CONSOLE, LOG_OURS},
    {"crier-ended", LOG_WORKLIST, LOG_OURS},
    {"dcmtk", LOG_DICOM, LOG_OTHERS},
    {"delivered", LOG_DELIVER, LOG_OTHERS},
    {"delivery-begun", LOG_DELIVER, LOG_OURS},
    {"delivery-expired", LOG_DELIVER, LOG_OTHERS},
    {"delivery-parked", LOG_DELIVER, LOG_OTHERS},
    {"delivery-put-off", LOG_DELIVER, LOG_OTHERS},
    {"delivery-waits", LOG_DELIVER, LOG_OTHERS},
    {"desk-ended", LOG_WORKLIST, LOG_OURS},
    {"desk-started", LOG_WORKLIST, LOG_OURS},
    {"destination-unreached", LOG_DELIVER, LOG_OURS},
    {"dicom-cannot-start", LOG_ANALYZE, LOG_OURS},
    {"dicom-unavailable", LOG_DELIVER, LOG_OURS},
    {"echo", LOG_DELIVER, LOG_OTHERS},
    {"echo-unanswered", LOG_DELIVER, LOG_OTHERS},
    {"file-missing", LOG_RESULTS, LOG_OURS},
    {"file-replaced", LOG_STORE, LOG_OURS},
    {"group-committed", LOG_STORE, LOG_OURS},
    {"hearer-ended", LOG_ORDERS, LOG_OURS},
    {"image-conflict", LOG_ANALYZE, LOG_OTHERS},
    {"image-judged", LOG_ANALYZE, LOG_OTHERS},
    {"image-later", LOG_ANALYZE, LOG_OTHERS},
    {"image-tried", LOG_CONSOLE, LOG_OTHERS},
    {"inquirer-ended", LOG_ORDERS, LOG_OURS},
    {"inquiry", LOG_ORDERS, LOG_OTHERS},
    {"inquiry-failed", LOG_ORDERS, LOG_OTHERS},
    {"inquiry-untold", LOG_ORDERS, LOG_OURS},
    {"instance-failed", LOG_RECEIVE, LOG_OURS},
    {"instance-refused", LOG_RECEIVE, LOG_OTHERS},
    {"instance-stored", LOG_RECEIVE, LOG_OURS},
    {"instances-available", LOG_RECEIVE, LOG_OURS},
    {"isolation", LOG_NODE, LOG_OURS},
    {"isolation-partial", LOG_NODE, LOG_OURS},
    {"listen-failed", LOG_NODE, LOG_OURS},
    {"log-dropped", LOG_NODE, LOG_OURS},
    {"log-limited", LOG_NODE, LOG_OURS},
    {"login-refused", LOG_CONSOLE, LOG_OURS},
    {"look-failed", LOG_WORKLIST, LOG_OURS},
    {"look-unavailable", LOG_DELIVER, LOG_OURS},
    {"mode", LOG_NODE, LOG_OTHERS},
    {"model", LOG_ANALYZE, LOG_OURS},
    {"model-refused", LOG_ANALYZE, LOG_OURS},
    {"network", LOG_ANALYZE, LOG_OURS},
    {"network-failed", LOG_ANALYZE, LOG_OURS},
    {"news-stale", LOG_WORKLIST, LOG_OURS},
    {"news-unnamed", LOG_WORKLIST, LOG_OURS},
    {"not-committed", LOG_DELIVER, LOG_OTHERS},
    {"object-child-died", LOG_ANALYZE, LOG_OTHERS},
    {"orders-caller", LOG_ORDERS, LOG_OURS},
    {"orders-caller-ended", LOG_ORDERS, LOG_OTHERS},
    {"orders-caller-refused", LOG_ORDERS, LOG_OTHERS},
    {"orders-caller-tls", LOG_ORDERS, LOG_OTHERS},
    {"orders-entered", LOG_ORDERS, LOG_OURS},
    {"orders-nonsense", LOG_ORDERS, LOG_OTHERS},
    {"orders-refused", LOG_ORDERS, LOG_OTHERS},
    {"patient-corrected", LOG_RESULTS, LOG_OURS},
    {"patient-name-unread", LOG_ORDERS, LOG_OTHERS},
    {"patients-entered", LOG_ORDERS, LOG_OURS},
    {"picture-late", LOG_DELIVER, LOG_OURS},
    {"placed", LOG_WORKLIST, LOG_OURS},
    {"quarantine-expired", LOG_RESULTS, LOG_OURS},
    {"quarantine-failed", LOG_RECEIVE, LOG_OURS},
    {"query-not-offered", LOG_RECEIVE, LOG_OURS},
    {"read-elsewhere", LOG_WORKLIST, LOG_OURS},
    {"reading-changed", LOG_WORKLIST, LOG_OTHERS},
    {"refusal-uncounted", LOG_RECEIVE, LOG_OURS},
    {"rejection", LOG_RESULTS, LOG_OURS},
    {"rejection-later", LOG_RESULTS, LOG_OTHERS},
    {"rejection-unaudited", LOG_RECEIVE, LOG_OURS},
    {"reload", LOG_NODE, LOG_OURS},
    {"reload-ordered", LOG_NODE, LOG_OTHERS},
    {"reload-refused", LOG_NODE, LOG_OURS},
    {"reload-waits", LOG_NODE, LOG_OURS},
    {"report", LOG_RESULTS, LOG_OURS},
    {"report-later", LOG_RESULTS, LOG_OTHERS},
    {"request", LOG_RESULTS, LOG_OTHERS},
    {"result-parked", LOG_RESULTS, LOG_OTHERS},
    {"result-unreadable", LOG_CONSOLE, LOG_OURS},
    {"retention", LOG_RESULTS, LOG_OURS},
    {"retention-cannot-remove", LOG_RESULTS, LOG_OURS},
    {"retention-clock", LOG_RESULTS, LOG_OURS},
    {"retention-space", LOG_RESULTS, LOG_OURS},
    {"role-died", LOG_NODE, LOG_OURS},
    {"role-ended", LOG_NODE, LOG_OURS},
    {"role-fork-failed", LOG_NODE, LOG_OURS},
    {"role-left", LOG_NODE, LOG_OURS},
    {"role-started", LOG_NODE, LOG_OURS},
    {"rows-expired", LOG_RESULTS, LOG_OURS},
    {"run-file-failed", LOG_NODE, LOG_OURS},
    {"selftest", LOG_ANALYZE, LOG_OURS},
    {"selftest-failed", LOG_ANALYZE, LOG_OURS},
    {"selftest-ordered", LOG_ANALYZE, LOG_OTHERS},
    {"selftest-undone", LOG_ANALYZE, LOG_OURS},
    {"sender-ended", LOG_DELIVER, LOG_OURS},
    {"setting-changed", LOG_NODE, LOG_OTHERS},
    {"spool-failed", LOG_RECEIVE, LOG_OURS},
    {"spool-full", LOG_RECEIVE, LOG_OURS},
    {"spool-swept", LOG_RESULTS, LOG_OURS},
    {"start", LOG_NODE, LOG_OURS},
    {"stopped", LOG_NODE, LOG_OURS},
    {"stopping", LOG_NODE, LOG_OURS},
    {"store-failed", LOG_STORE, LOG_OURS},
    {"store-trouble", LOG_STORE, LOG_OURS},
    {"store-unavailable", LOG_STORE, LOG_OURS},
    {"study-of-several-patients", LOG_RESULTS, LOG_OURS},
    {"tls-files", LOG_NODE, LOG_OURS},
    {"tls-files-bad", LOG_NODE, LOG_OURS},
    {"tls-unavailable", LOG_RECEIVE, LOG_OURS},
    {"trial-answer-refused", LOG_CONSOLE, LOG_OURS},
    {"trial-broken", LOG_CONSOLE, LOG_OURS},
    {"trial-cannot-open", LOG_CONSOLE, LOG_OURS},
    {"trial-refused", LOG_CONSOLE, LOG_OURS},
    {"trial-unanswered", LOG_CONSOLE, LOG_OURS},
    {"worklist-asked", LOG_WORKLIST, LOG_OTHERS},
    {"worklist-not-offered", LOG_WORKLIST, LOG_OTHERS},
    {"worklist-store-failed", LOG_WORKLIST, LOG_OURS},
    {"zygote-broken", LOG_ANALYZE, LOG_OTHERS},
    {"zygote-cannot-start", LOG_ANALYZE, LOG_OURS},
};
_Static_assert(sizeof log_messages / sizeof *log_messages <= LOG_MESSAGES_MOST,
               "room in the limit");

static const char *const area_names[] = {
#define X(area, name) name,
    LOG_AREA_MAP(X)
#undef X
};

const char *log_area_name(enum log_area area)
{
    return area_names[area];
}

unsigned log_areas(const char *names)
{
    unsigned set = 0;
    while (names != NULL && *names != '\0') {
        names += strspn(names, " \t\n\r");
        size_t length = strcspn(names, " \t\n\r");
        for (unsigned i = 0; i < sizeof area_names / sizeof *area_names; i++)
            if (strlen(area_names[i]) == length && memcmp(area_names[i], names, length) == 0)
                set |= 1u << i;
        names += length;
    }
    return set;
}

static int by_id(const void *id, const void *message)
{
    return strcmp(id, ((const struct log_message *)message)->id);
}

const struct log_message *log_message_of(const char *id)
{
    return bsearch(id, log_messages, sizeof log_messages / sizeof *log_messages,
                   sizeof *log_messages, by_id);
}
