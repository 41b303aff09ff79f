/* session.h: who is logged in. In memory that the supervisor makes: a reload's new console finds
 * its sessions, a restart of the node or a console that died logs everybody out. Never two
 * processes use it at a time.
 *
 * A session is known by a random token of 256 bits in a cookie; kept is only its digest. What a
 * page changes needs a second one, which other origins' pages cannot read. It ends after
 * idle_seconds without anything that a person did, after most_seconds, and when the account
 * changes. */
#ifndef SESSION_H
#define SESSION_H

#include "accounts.h"
#include <stdint.h>

#define SESSION_TOKEN_MAX 65 /* 64 hexadecimal digits */

struct session {
    unsigned char digest[32]; /* of the token */
    char csrf[SESSION_TOKEN_MAX];
    struct account account;    /* as it was */
    int64_t begun_ms, used_ms; /* monotonic; begun_ms 0: none */
    int64_t tries_ms;          /* monotonic: begin of the minute in which it tried */
    int tries;                 /* so many images */
    bool listed;               /* that it looked at the worklist is in the audit log */
};
struct session_table;
#define SESSIONS_MOST 1024
/* Memory that children share; NULL: none, with errno. */
struct session_table *session_table_create(void);
void session_table_destroy(struct session_table *table); /* in this process */
void session_table_clear(struct session_table *table);

/* The sessions of this table, which stays its owner's; NULL: of one of their own. NULL: no memory.
 */
struct sessions;
struct sessions *sessions_create(struct session_table *table, int idle_seconds, int most_seconds);
void sessions_destroy(struct sessions *sessions);

/* NULL: no randomness. When there are too many, the one longest unused ends. token: for the
 * cookie. */
struct session *session_begin(struct sessions *sessions, const struct account *account,
                              int64_t now_ms, char token[SESSION_TOKEN_MAX]);
/* NULL: unknown or over. used: it counts as in use from now on. */
struct session *session_find(struct sessions *sessions, const char *token, int64_t now_ms,
                             bool used);
/* Whether the session of this digest is there and not over. */
bool session_is_alive(const struct sessions *sessions, const unsigned char digest[32],
                      int64_t now_ms);
bool session_may_change(const struct session *session, const char *csrf);
void session_end(struct session *session);
/* Ends those whose account is not there, or not as it was. */
void sessions_hold(struct sessions *sessions, struct account *accounts, size_t count);

#endif
