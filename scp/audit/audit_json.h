/* audit_json.h: what a record of the audit log says, for those who search it. */
#ifndef AUDIT_JSON_H
#define AUDIT_JSON_H

#include "audit_record.h"
#include <jansson.h>

/* {seq, time, host, node, hash, event, code, type, action, outcome, description,
 *  participants: [{user, ae_title, name, address, requestor, role}],
 *  objects: [{kind, id, name, erased, details: {TYPE: VALUE}, accession, classes: {UID: COUNT}}]}
 * NULL: the message is none, or there is no memory. kind: "study", "patient", ... as far as it is
 * one of ours, else the code. */
json_t *audit_json(const struct audit_record *record);

#endif
