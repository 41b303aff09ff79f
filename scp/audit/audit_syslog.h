/* audit_syslog.h: a record as a syslog message: RFC 5424, framed by octet count (RFC 5425 4.3).
 *
 * It is made of nothing but the record and the facility, so that a record that is sent again is the
 * same message, byte by byte; its number is the sequenceId. */
#ifndef AUDIT_SYSLOG_H
#define AUDIT_SYSLOG_H

#include "audit_record.h"

#define AUDIT_FRAME_MOST (AUDIT_RECORD_MOST + 256)

/* Bytes written; 0: there is no room. */
size_t audit_syslog_frame(int facility, const struct audit_record *record, char *frame,
                          size_t room);

#endif
