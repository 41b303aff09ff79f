/* keys.h: the files of <tls>: opened under the conditions that hold for keys, looked at for what is
 * wrong with them, and kept while a renewal replaces them.
 *
 * Of those that live long only senders parse a private key, one of their calls at a time; the
 * supervisor judges in a child (keys_judge_apart), and the one that receives does not even read it:
 * what it keeps are copies that the kernel made. */
#ifndef KEYS_H
#define KEYS_H

#include "conf.h"
#include "dx_tls.h"

#include <sys/stat.h>
#include <sys/types.h>

/* What is wrong, and with which attribute of <tls>. text is "" when nothing is. A certificate that
 * has ended, or not begun, is no reason not to run: it is an alarm. */
enum keys_kind {
    KEYS_BAD,
    KEYS_ENDED,
    KEYS_EARLY,   /* time mends it */
    KEYS_UNLOOKED /* the node's own trouble: nothing is known of them */
};
struct keys_wrong {
    enum keys_kind kind;
    const char *attribute; /* static */
    char text[512];        /* `<tls key="/a/b">: what; expected what` */
};

/* Opens what is configured. False: wrong says why (not there, no file, a key that others may read);
 * nothing is open then. */
bool keys_open(const struct conf *conf, struct dx_tls_files *files, struct keys_wrong *wrong);
void keys_close(struct dx_tls_files *files);

/* All that is wrong: wrong[i] with file i, its text "" where nothing is; how many files that are.
 * facts of those that are not wrong. Reads the key: for a process that ends soon. */
size_t keys_find_wrong(const struct conf *conf, int64_t now_ms, struct dx_tls_facts *facts,
                       struct keys_wrong wrong[DX_TLS_FILES]);
/* Whether they are good in themselves and valid at now_ms. False: wrong says why. facts as far as
 * they are known. The key is read in a child of its own: waits for it, KEYS_JUDGE_MS at most. */
bool keys_judge_apart(const struct conf *conf, const struct dx_tls_files *files, int64_t now_ms,
                      struct dx_tls_facts *facts, struct keys_wrong *wrong);
#define KEYS_JUDGE_MS 5000

/* Such a child. */
struct keys_judge {
    pid_t pid;        /* 0: none, or reaped already */
    int fd;           /* readable when it has judged or died; -1: none */
    int64_t until_ms; /* monotonic: no longer */
};
/* False: there is none. The files may be closed at once: the child has its own. */
DX_MUST_USE bool keys_judge_start(const struct conf *conf, const struct dx_tls_files *files,
                                  int64_t now_ms, struct keys_judge *judge);
/* Whether it has judged, died or had its time; `wait`: until then. */
bool keys_judge_is_done(const struct keys_judge *judge, bool wait);
/* As keys_judge_apart, of what it has said by now; there is none any more. */
bool keys_judge_end(struct keys_judge *judge, struct dx_tls_facts *facts, struct keys_wrong *wrong);

/* By which a file that was replaced or changed is known. */
struct keys_mark {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};
/* Of what is there now, over zeros, so that marks can be compared as bytes; nothing: it stays. */
void keys_mark(const char *path, struct keys_mark *mark);

/* The last good ones: copies in memory that has no address. Zero, with fd -1, is empty. */
struct keys_kept {
    struct dx_tls_files files;
    struct dx_tls_files next; /* those that `judge` looks at */
    struct keys_judge judge;
    struct keys_mark mark[DX_TLS_FILES];
    bool looked, good;
    int64_t again_ms; /* monotonic: looked at anew although nothing changed; 0: not */
    char told[512];   /* what is wrong with these, as the log has it; "": nothing */
};
void keys_kept_init(struct keys_kept *kept);
/* Looks whether files have changed since the last turn, and has them judged; the turn after the
 * verdict takes them if they are good, else says so once for these files in the log and keeps what
 * it has. Never waits. False: they are being judged, kept->judge.fd tells when to come again;
 * whether there are some to use then, is kept->good. */
bool keys_kept_turn(const struct conf *conf, struct keys_kept *kept);
/* A child was reaped by the caller; true: it was ours. */
bool keys_kept_reaped(struct keys_kept *kept, pid_t pid);
/* For a child of the caller's that is to know nothing of them: closes all. */
void keys_kept_close(struct keys_kept *kept);

/* Our side of a connection, from them. */
DX_MUST_USE enum dx_status keys_kept_open(const struct conf *conf, const struct keys_kept *kept,
                                          struct dx_tls **tls, struct dx_error *err);

/* The supervisor's: writes SPOOL/run/keys, of which health.h makes alarms, whenever files have
 * changed. */
struct keys_watch {
    struct keys_mark mark[DX_TLS_FILES];
    bool looked;
    int64_t again_ms;
};
void keys_watch_turn(const struct conf *conf, struct keys_watch *watch);

/* What run/keys says, for whoever reads it. */
struct keys_told {
    struct dx_tls_term term[DX_TLS_FILES]; /* end_ms 0: no such file */
    char wrong[512];                       /* "": nothing */
};
const char *keys_attribute(enum dx_tls_file file); /* of <tls> */
bool keys_read_told(const struct conf *conf, struct keys_told *told);

#endif
