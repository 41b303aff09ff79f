/* audit_reader.h: the audit log's records from first to last, while others append.
 *
 * Reads alone, takes no lock: any process that may open the files. A reader is one thread's. */
#ifndef AUDIT_READER_H
#define AUDIT_READER_H

#include "audit_log.h"

struct audit_reader;

enum audit_read {
    AUDIT_READ_RECORD,  /* whole, its hash is that of its bytes */
    AUDIT_READ_ALTERED, /* whole, its hash is not */
    AUDIT_READ_WRONG,   /* bytes that are no record; record->bytes of them are passed over */
    AUDIT_READ_CUT,     /* the last file ends in the middle of a line */
    AUDIT_READ_END,     /* of the last file: more may come */
    AUDIT_READ_FAILED   /* errno; the next call tries the same again */
};

/* From `from` on (FILE and END of a mark), or from the oldest record (NULL). conf must outlive it.
 * NULL with errno; ENOENT: the mark's file is gone. */
struct audit_reader *audit_reader_open(const struct conf *conf, const struct audit_head *from);
void audit_reader_close(struct audit_reader *reader); /* takes NULL */
/* record->message lives until the next call. */
enum audit_read audit_reader_next(struct audit_reader *reader, struct audit_record *record);
/* Where the record that came last lies, and where it ends. */
uint64_t audit_reader_file(const struct audit_reader *reader);
uint64_t audit_reader_begin(const struct audit_reader *reader);
uint64_t audit_reader_end(const struct audit_reader *reader);

/* What is wrong with a log. */
struct audit_fault {
    uint64_t file, offset; /* file 0: with the log as a whole */
    char text[160];
};
struct audit_verdict {
    uint64_t records, files, first, last;
    char hash[DX_DIGEST_MAX]; /* of the last record */
    char from[25], to[25];    /* times of the first and the last */
    uint64_t faults;
    struct audit_fault fault[32]; /* the first of them */
    bool cut;                     /* ends within a record, as a crash leaves it: no fault */
};
/* Every record's hash, number and PREV; the oldest against base, the end against head and cursor,
 * and against `expected` (NULL: nothing else is known): its record must be in the log. False with
 * errno: it cannot be read. */
bool audit_verify(const struct conf *conf, const struct audit_head *expected,
                  struct audit_verdict *verdict);

#endif
