/* audit_match.h: what somebody looks for in the audit log. Pure; any thread. */
#ifndef AUDIT_MATCH_H
#define AUDIT_MATCH_H

#include "audit_json.h"
#include <stdbool.h>

/* Conditions, all of which a record must meet; NULL: any. The texts are the caller's. */
struct audit_match {
    const char *since, *until; /* as far as told: 2026, 2026-11-27T05:30Z; until: before it */
    const char *event;         /* in its name, type or code */
    const char *patient, *study, *accession; /* letter by letter */
    const char *user;                        /* in a participant's name, AE title or address */
    const char *outcome;                     /* "success" or "failure" */
};

/* NULL: good; else what is expected (static). */
const char *audit_match_wrong(const struct audit_match *match);
/* The record as audit_json makes it, a new reference; NULL: it does not meet the conditions, its
 * message is none, or there is no memory. */
json_t *audit_match_take(const struct audit_match *match, const struct audit_record *record);
/* The conditions as `cervigate audit search` takes them, behind `lead`. */
void audit_match_describe(const struct audit_match *match, const char *lead, char *text,
                          size_t size);

#endif
