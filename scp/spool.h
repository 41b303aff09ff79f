/* spool.h: the node's directories, and files that appear whole or not at all.
 *
 * Functions return 0 or a negated errno. None logs. Every path that a peer could influence is made
 * of digests and random names only. */
#ifndef SPOOL_H
#define SPOOL_H

#include "conf.h"
#include "dx_uid.h"

/* Below the spool while a restore replaces what is there: no node may start on that. */
#define SPOOL_RESTORING "restoring"

/* Creates what is missing of the spool's directories (0700) and the 256 object directories, and
 * syncs them. bad gets the path that failed. */
int spool_prepare(const struct conf *conf, char *bad, size_t bad_size);
/* Removes everything in incoming/: objects that nobody was told are stored. Called when no
 * association is open. removed may be NULL. */
int spool_empty_incoming(const struct conf *conf, size_t *removed);
/* Removes what processes that are gone left in incoming/. */
int spool_forget_dead(const struct conf *conf);
/* A new file incoming/PID-RANDOM, open O_RDWR; fills path. -errno when it fails. */
int spool_create_incoming(const struct conf *conf, char *path, size_t size);
/* This node's name for itself: 32 random hexadecimal digits, made at the first call and kept in
 * SPOOL/node-id, so that two nodes with one configuration never give one UID to two objects. */
#define SPOOL_NODE_ID_MAX 33
int spool_node_id(const struct conf *conf, char id[SPOOL_NODE_ID_MAX]);
/* The spool as its only user: the lock's descriptor, which lasts until it is closed;
 * -EWOULDBLOCK: a node or another program has it. */
int spool_lock(const struct conf *conf);
/* Free bytes for us on the spool's file system; 0 when it cannot be told. */
uint64_t spool_free_bytes(const struct conf *conf);

/* "objects/ab/DIGEST.dcm" below the spool. False when digest is not 64 lower-case hex digits. */
bool spool_object_name(const char *digest, char *name, size_t size);
/* Makes the complete file `from` (open as fd) durable as the object `digest`: fsync, rename without
 * replacing, fsync of the directory. Where an object of that digest is there already, it stays as
 * it is, damaged or not, `from` stays, too, synced, and *is_there is set. name gets the path below
 * the spool. */
int spool_keep_object(const struct conf *conf, int fd, const char *from, const char *digest,
                      char *name, size_t name_size, bool *is_there);
/* What quarantine/ holds, texts and what a death left there among its bytes. */
struct spool_quarantine_use {
    uint64_t objects, bytes;
};
int spool_quarantine_use(const struct conf *conf, struct spool_quarantine_use *use);
/* Moves refused bytes (`from`, open as fd, synced here) to quarantine/ with a text beside that says
 * why. Over quarantineObjects or quarantineBytes, and when space is short, they are removed
 * instead: -ENOSPC, and *limit names the setting (else NULL). Associations look each by itself:
 * each may pass a limit by one object. name gets the base name in quarantine/. */
int spool_quarantine(const struct conf *conf, int fd, const char *from, const char *why, char *name,
                     size_t name_size, const char **limit);

/* Removes what lies there under this base name (32 hexadecimal digits); 0 or a negated errno. */
int spool_discard_quarantined(const struct conf *conf, const char *name);

/* open with O_CREAT, O_NOFOLLOW and O_CLOEXEC, mode 0600, of a file in the spool. What root makes
 * there, as the admin program, belongs to the owner of its folder: else the node, as its own user,
 * could not read it. No link is followed, since that user may put one there that leads to what is
 * root's. -1 with errno. */
int spool_open(const char *path, int flags);
/* Writes text to `path` by a temporary file beside it (PATH.PID-RANDOM), fsync, rename and fsync of
 * the directory. */
int spool_write_whole(const char *path, const char *text);
/* Whether the process whose number the name begins with is still there. */
bool spool_has_owner(const char *name);
/* Removes what deaths left under temporary names in the spool and its small folders: of
 * spool_write_whole, of a picture packed for sending (SPOOL_PACKED, with its process's number), of
 * `cervigate restore` (SPOOL_ASIDE). What a living process writes stays. For a running node. */
#define SPOOL_PACKED_PREFIX "send-"
#define SPOOL_PACKED        "run/" SPOOL_PACKED_PREFIX "%ld.dcm"
#define SPOOL_ASIDE         ".restoring"
int spool_sweep_temporaries(const struct conf *conf, size_t *removed);
int spool_sync_directory_of(const char *path);
/* count random bytes as 2 * count hexadecimal digits and a terminator. */
int spool_random_name(char *text, size_t count);

#endif
