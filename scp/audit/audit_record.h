/* audit_record.h: one record of the audit log: a line of text, chained to the one before.
 *
 *   SEQ TIME HOST NODE PREV HASH MESSAGE \n
 *
 *   SEQ      1, 2, ...: never a gap, across files
 *   TIME     UTC, 2026-11-22T05:30:00.123Z
 *   HOST     of the machine: letters, digits, '.', '-', '_'
 *   NODE     the node's name for itself: 32 hexadecimal digits (spool.h)
 *   PREV     HASH of the record before; 64 zeros in the first
 *   HASH     SHA-256 of "SEQ TIME HOST NODE PREV MESSAGE", hexadecimal
 *   MESSAGE  the DICOM audit message (PS3.15 A.5) as XML without line breaks or control characters
 *
 * Whoever alters a byte must compute every later record anew, and the heads that are kept elsewhere
 * (audit_log.h) tell that. Pure functions; nothing is believed of the bytes. */
#ifndef AUDIT_RECORD_H
#define AUDIT_RECORD_H

#include "dx_uid.h"

#define AUDIT_MESSAGE_MOST 32000 /* PS3.15 A.6: receivers take at least 32768 with the header */
#define AUDIT_HOST_MAX     64
#define AUDIT_RECORD_MOST  (AUDIT_MESSAGE_MOST + 320)

struct audit_record {
    uint64_t seq;
    char time[25], host[AUDIT_HOST_MAX], node[33];
    char prev[DX_DIGEST_MAX], hash[DX_DIGEST_MAX];
    const char *message; /* (message_bytes) borrowed, not terminated */
    size_t message_bytes;
    size_t bytes; /* of the whole line */
};

enum audit_parse {
    AUDIT_PARSE_OK,
    AUDIT_PARSE_CUT,      /* no line break in these bytes, fewer than a record may have */
    AUDIT_PARSE_ALTERED,  /* a record whose hash is not that of its bytes; record is filled */
    AUDIT_PARSE_WRONG,    /* no record; record->bytes: up to the next line break, or all */
    AUDIT_PARSE_NO_MEMORY /* it cannot be told now */
};
/* The record that begins at bytes. */
enum audit_parse audit_record_parse(const char *bytes, size_t count, struct audit_record *record);

/* Writes the record as a line into `line`, and its hash and bytes into the record. Everything but
 * hash and bytes is the caller's. False: something in it is not as said above, or there is no
 * room. */
bool audit_record_write(struct audit_record *record, char *line, size_t room);

/* PREV of the first record. */
extern const char audit_record_none[DX_DIGEST_MAX];

#endif
