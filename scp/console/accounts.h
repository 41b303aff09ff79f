/* accounts.h: who may use the console: the file of <console accounts>, one person a line:
 *
 *   name:role:$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
 *
 * Empty lines and lines that begin with # are none. Written by `cervigate user`. The file must be
 * for the node's user alone (secret_file.h). Nobody locks it: of two who change it at once the
 * later one's file stands. */
#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#define ACCOUNT_NAME_MAX     33 /* 1 to 32 of letters, digits, . _ - @ */
#define ACCOUNT_PASSWORD_MIN 8
#define ACCOUNT_PASSWORD_MAX 256
#define ACCOUNT_HASH_MAX     160
#define ACCOUNTS_MOST        1000
#define ACCOUNT_WHY          192

enum account_role { ROLE_VIEWER = 1, ROLE_READER, ROLE_ADMIN }; /* each may what those before may */
const char *account_role_name(enum account_role role);          /* "viewer", ... */
bool account_role_parse(const char *name, enum account_role *role);
bool account_is_name(const char *name);

struct account {
    char name[ACCOUNT_NAME_MAX];
    enum account_role role;
    char hash[ACCOUNT_HASH_MAX];
};
/* Room for ACCOUNTS_MOST, which the caller frees; it holds hashes. Not there: none, and true.
 * False: why names line and fault; accounts is NULL. */
bool accounts_read(const char *path, struct account **accounts, size_t *count,
                   char why[ACCOUNT_WHY]);
/* Durably, in place of what was there; a file that was there keeps owner, group and mode. False:
 * why names file and fault. */
bool accounts_write(const char *path, const struct account *accounts, size_t count,
                    char why[ACCOUNT_WHY]);
/* NULL: nobody is called so; else within accounts. */
struct account *accounts_find(struct account *accounts, size_t count, const char *name);

/* Some 30 ms and 19 MiB each. False: no memory, or nothing random. */
bool account_hash(const char *password, char hash[ACCOUNT_HASH_MAX]);
/* account NULL: takes as long, and is false. False without memory, too: nobody comes in. */
bool account_verify(const struct account *account, const char *password);

#endif
