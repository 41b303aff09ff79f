/* Who may use the console. */
#include "accounts.h"

#include "secret_file.h"
#include "spool.h"
#include <argon2.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* OWASP's least for argon2id: a login must not stop the event streams for long. */
#define MEMORY_KIB 19456
#define PASSES     2
#define LANES      1
#define SALT_BYTES 16
#define HASH_BYTES 32
#define LINE_MOST  (ACCOUNT_NAME_MAX + ACCOUNT_HASH_MAX + 16)
#define FILE_MOST  (ACCOUNTS_MOST * LINE_MOST)

static const char *const roles[] = {
    [ROLE_VIEWER] = "viewer", [ROLE_READER] = "reader", [ROLE_ADMIN] = "admin"};

const char *account_role_name(enum account_role role)
{
    return roles[role];
}

bool account_role_parse(const char *name, enum account_role *role)
{
    for (int i = ROLE_VIEWER; i <= ROLE_ADMIN; i++)
        if (strcmp(name, roles[i]) == 0) {
            *role = (enum account_role)i;
            return true;
        }
    return false;
}

bool account_is_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-@";
    size_t length = strlen(name);
    return length > 0 && length < ACCOUNT_NAME_MAX && strspn(name, allowed) == length;
}

struct account *accounts_find(struct account *accounts, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(accounts[i].name, name) == 0)
            return &accounts[i];
    return NULL;
}

/* The fault of a line; NULL: it is an account. The line is changed. */
static const char *take_line(char *line, struct account *account)
{
    char *role = strchr(line, ':');
    char *hash = role != NULL ? strchr(role + 1, ':') : NULL;
    if (hash == NULL)
        return "expected name:role:hash";
    *role++ = *hash++ = '\0';
    if (!account_is_name(line))
        return "the name may have 1 to 32 letters, digits and . _ - @";
    if (!account_role_parse(role, &account->role))
        return "the role is none of viewer, reader, admin";
    if (strncmp(hash, "$argon2id$", 10) != 0 || strlen(hash) >= ACCOUNT_HASH_MAX)
        return "the hash is none of argon2id; set it by `cervigate user password`";
    (void)snprintf(account->name, sizeof account->name, "%s", line);
    (void)snprintf(account->hash, sizeof account->hash, "%s", hash);
    return NULL;
}

static bool take_all(const char *path, char *text, struct account *list, size_t *count,
                     char why[ACCOUNT_WHY])
{
    int number = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        number++;
        line[strcspn(line, "\r")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        const char *fault = *count < ACCOUNTS_MOST ? take_line(line, &list[*count])
                                                   : "there are more than 1000 accounts";
        if (fault == NULL && accounts_find(list, *count, list[*count].name) != NULL)
            fault = "the name is there twice";
        if (fault != NULL) {
            (void)snprintf(why, ACCOUNT_WHY, "%.90s:%d: %s", path, number, fault);
            return false;
        }
        ++*count;
    }
    return true;
}

/* malloc; NULL: why tells. */
static char *text_of(const char *path, int fd, char why[ACCOUNT_WHY])
{
    char fault[SECRET_WHY] = "";
    struct stat at;
    char *text = NULL;
    ssize_t n = -1;
    if (!secret_is_private(fd, fault) || fstat(fd, &at) != 0)
        ;
    else if (at.st_size > FILE_MOST)
        (void)snprintf(fault, sizeof fault, "it is longer than a thousand accounts");
    else if ((text = malloc((size_t)at.st_size + 1)) != NULL)
        n = read(fd, text, (size_t)at.st_size);
    if (n < 0) {
        (void)snprintf(why, ACCOUNT_WHY, "%.90s: %.90s", path,
                       fault[0] != '\0' ? fault : strerror(errno));
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

bool accounts_read(const char *path, struct account **accounts, size_t *count,
                   char why[ACCOUNT_WHY])
{
    *accounts = NULL;
    *count = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        *accounts = calloc(ACCOUNTS_MOST, sizeof **accounts);
        if (*accounts == NULL)
            (void)snprintf(why, ACCOUNT_WHY, "out of memory");
        return *accounts != NULL;
    }
    if (fd < 0) {
        (void)snprintf(why, ACCOUNT_WHY, "%.90s: %.90s", path, strerror(errno));
        return false;
    }
    char *text = text_of(path, fd, why);
    (void)close(fd);
    if (text == NULL)
        return false;
    struct account *list = calloc(ACCOUNTS_MOST, sizeof *list);
    if (list == NULL)
        (void)snprintf(why, ACCOUNT_WHY, "out of memory");
    bool good = list != NULL && take_all(path, text, list, count, why);
    free(text);
    if (good) {
        *accounts = list;
        return true;
    }
    free(list);
    *count = 0;
    return false;
}

bool accounts_write(const char *path, const struct account *accounts, size_t count,
                    char why[ACCOUNT_WHY])
{
    struct stat old;
    bool was = stat(path, &old) == 0;
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    int failed = to == NULL ? -ENOMEM : 0;
    if (to != NULL) {
        (void)fputs("# Who may use the console: name:role:hash. Changed by `cervigate user`.\n",
                    to);
        for (size_t i = 0; i < count; i++)
            (void)fprintf(to, "%s:%s:%s\n", accounts[i].name, roles[accounts[i].role],
                          accounts[i].hash);
        failed = fclose(to) != 0 ? -ENOMEM : spool_write_whole(path, text);
    }
    free(text);
    if (failed == 0 && was && chown(path, old.st_uid, old.st_gid) != 0 && geteuid() == 0)
        failed = -errno;
    if (failed != 0)
        (void)snprintf(why, ACCOUNT_WHY, "%.90s: %.90s", path, strerror(-failed));
    return failed == 0;
}

bool account_hash(const char *password, char hash[ACCOUNT_HASH_MAX])
{
    unsigned char salt[SALT_BYTES];
    return getrandom(salt, sizeof salt, 0) == (ssize_t)sizeof salt &&
           argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, strlen(password), salt,
                                 sizeof salt, HASH_BYTES, hash, ACCOUNT_HASH_MAX) == ARGON2_OK;
}

bool account_verify(const struct account *account, const char *password)
{
    unsigned char salt[SALT_BYTES] = {0}, hash[HASH_BYTES];
    if (account != NULL)
        return argon2id_verify(account->hash, password, strlen(password)) == ARGON2_OK;
    (void)argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password, strlen(password), salt,
                            sizeof salt, hash, sizeof hash);
    return false;
}
