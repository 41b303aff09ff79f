/* audit_log.h: the audit log's files: who may append, what a crash leaves, what is known of its
 * end.
 *
 *   audit/lock               flock: who has it appends
 *   audit/SEQ.log            records, oldest first; SEQ: number of the first, 18 digits
 *   audit/head               the last record that is on stable storage: number, hash, file, offset;
 *                            two slots in turn, so that a torn one leaves the other
 *   audit/base               the last record of the files that retention removed
 *   audit/missed             how many events could not be written since the last gap was told
 *   audit/broken             the log is not as it was left: since when and what
 *   audit/sent/cursor        the last record that the collector has (audit_ship.h)
 *
 * An append takes the lock, finds the end, writes all its records with one write(2), syncs the file
 * (and the folder, when the file is new), then notes the head. It returns when the records are on
 * stable storage. So: what lies before the head never changes; behind it lie whole records whose
 * head was not noted any more, and at most one piece of a write that was cut off by a crash, which
 * is cut away (struct audit_log.torn). Anything else is damage: it stays as it is, and a new file
 * goes on from the head, so that `cervigate audit verify` finds the place for ever.
 *
 * Two processes never write at once. A process that holds the lock and does not go on must not hold
 * up the others: they wait AUDIT_WAIT_MS once, and until they have had it again they only try; what
 * they cannot write is counted in audit/missed. */
#ifndef AUDIT_LOG_H
#define AUDIT_LOG_H

#include "audit_record.h"
#include "conf.h"

#define AUDIT_WAIT_MS 2000
#define AUDIT_BATCH   32 /* records of one append at most */

struct audit_head {
    uint64_t seq; /* 0: there is no record */
    char hash[DX_DIGEST_MAX];
    uint64_t file, end; /* number of the file's first record, offset behind the record */
};

struct audit_log {
    const struct conf *conf;
    int lock_fd;
    struct audit_head head;
    uint64_t torn;    /* bytes that a crash left of a record, now gone */
    uint64_t missed;  /* events that could not be written */
    char since[25];   /* the first of them */
    char broken[160]; /* the log is not as it was left; "": it is */
    bool alone;       /* audit/head was not there, though records were */
    bool no_memory;   /* some of it could not be looked at */
};

/* Takes the lock within wait_ms and finds the log's end. False, with errno: nothing can be written
 * now; the log is closed. */
bool audit_log_open(const struct conf *conf, int wait_ms, struct audit_log *log);
/* Appends messages, at most AUDIT_BATCH, durably: all of them or, with errno, none. */
bool audit_log_append(struct audit_log *log, int64_t utc_ms, const char *const *messages,
                      size_t count);
/* The gap was told: nothing is missed any more. */
void audit_log_told(struct audit_log *log);
void audit_log_close(struct audit_log *log);

/* Counts an event that could not be written. False: not even that. */
bool audit_log_missed(const struct conf *conf, int64_t utc_ms, uint64_t count);
/* What audit/missed says now; since may be NULL. */
uint64_t audit_log_missing(const struct conf *conf, char since[25]);

/* The noted head; false: none. */
bool audit_log_head(const struct conf *conf, struct audit_head *head);
/* Writes audit/broken, unless it is there. */
void audit_log_mark_broken(const struct conf *conf, const char *what);
/* What audit/broken says; false: nothing is broken. */
bool audit_log_broken(const struct conf *conf, char *text, size_t size);
/* The files, oldest first: numbers of their first records; malloc, the caller's. 0 or -errno. */
int audit_log_files(const struct conf *conf, uint64_t **list, size_t *count);
/* audit/SEQ.log */
void audit_log_path(const struct conf *conf, uint64_t file, char *path, size_t size);

/* Notes the head; durably: synced. 0 or -errno. */
int audit_log_note_head(const struct conf *conf, const struct audit_head *head, bool durably);
/* A position in a small file of the log: base, cursor: "SEQ HASH FILE END". */
bool audit_log_read_mark(const struct conf *conf, const char *name, struct audit_head *mark);
int audit_log_write_mark(const struct conf *conf, const char *name, const struct audit_head *mark);

/* Removes files up to the last one that was followed before before_ms, but never what the
 * collector has not got where there is one. *removed: how many; *last: the last record that went,
 * for the one who tells. 0 or -errno. */
int audit_log_expire(const struct conf *conf, int64_t before_ms, size_t *removed, uint64_t *last);

#endif
