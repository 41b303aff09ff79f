/* user.c: `cervigate user`: who may log in to the console. */
#include "audit.h"
#include "command.h"
#include "console/accounts.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate user list [--json] [--config FILE]\n"
    "       cervigate user add NAME --role ROLE [--config FILE]\n"
    "       cervigate user password NAME [--config FILE]\n"
    "       cervigate user role NAME --role ROLE [--config FILE]\n"
    "       cervigate user remove NAME [--config FILE]\n"
    "\n"
    "Who may log in to the console (<console accounts>). A running node follows at once: who was\n"
    "removed or changed is logged out.\n"
    "\n"
    "  --role ROLE    viewer  sees the worklist, the studies and the node\n"
    "                 reader  also says what was read\n"
    "                 admin   also sees the configuration\n"
    "  --json         one JSON object a line\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "The password (8 to 256 bytes) is asked for twice at a terminal; else it is the first line of\n"
    "standard input. Kept is only its argon2id hash.\n"
    "\n"
    "Exit status: 0 done; 1 there is no such person, or there is one already; 64 usage; 65 the\n"
    "password is too short or too long; 74 the file cannot be read or written; 78 bad\n"
    "configuration, or it names no file of accounts.\n";

struct file {
    const struct conf *conf;
    struct account *accounts; /* room for ACCOUNTS_MOST */
    size_t count;
};

/* The first line; false: there is none. */
static bool read_line(char password[ACCOUNT_PASSWORD_MAX + 2])
{
    if (fgets(password, ACCOUNT_PASSWORD_MAX + 2, stdin) == NULL)
        return false;
    password[strcspn(password, "\r\n")] = '\0';
    return true;
}

/* At a terminal, without echo. */
static bool ask(const char *prompt, char password[ACCOUNT_PASSWORD_MAX + 2])
{
    struct termios was, now;
    if (tcgetattr(STDIN_FILENO, &was) != 0)
        return read_line(password);
    now = was;
    now.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, stderr);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
    bool good = read_line(password);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
    fputc('\n', stderr);
    return good;
}

/* 0, or an exit status. */
static int new_hash(char hash[ACCOUNT_HASH_MAX])
{
    char password[ACCOUNT_PASSWORD_MAX + 2] = "", again[ACCOUNT_PASSWORD_MAX + 2] = "";
    bool terminal = isatty(STDIN_FILENO), good = true;
    int status = 0;
    good = terminal ? ask("Password: ", password) : read_line(password);
    if (good && terminal)
        good = ask("Again: ", again) && strcmp(password, again) == 0;
    size_t length = strlen(password);
    if (!good) {
        fputs(terminal ? "cervigate user: that was not the same twice\n"
                       : "cervigate user: no password at standard input\n",
              stderr);
        status = EX_DATAERR;
    } else if (length < ACCOUNT_PASSWORD_MIN || length > ACCOUNT_PASSWORD_MAX) {
        fprintf(stderr, "cervigate user: a password of %d to %d bytes is expected\n",
                ACCOUNT_PASSWORD_MIN, ACCOUNT_PASSWORD_MAX);
        status = EX_DATAERR;
    } else if (!account_hash(password, hash)) {
        fputs("cervigate user: out of memory\n", stderr);
        status = EX_OSERR;
    }
    explicit_bzero(password, sizeof password);
    explicit_bzero(again, sizeof again);
    return status;
}

/* A new file is the node's user's: he owns the spool. */
static int save(const struct file *file, const char *what, const char *name)
{
    char why[ACCOUNT_WHY], who[64];
    struct stat spool;
    const char *path = file->conf->web.accounts;
    bool was = access(path, F_OK) == 0;
    if (!accounts_write(path, file->accounts, file->count, why)) {
        fprintf(stderr, "cervigate user: %s\n", why);
        return EX_IOERR;
    }
    if (!was && geteuid() == 0 && stat(file->conf->spool, &spool) == 0 &&
        chown(path, spool.st_uid, spool.st_gid) != 0) {
        fprintf(stderr, "cervigate user: %s: %s\n", path, strerror(errno));
        return EX_IOERR;
    }
    audit_caller(who, sizeof who);
    audit_ordered(file->conf, who, what, name, "done");
    return 0;
}

static int list(const struct file *file, bool json)
{
    int status = 0;
    for (size_t i = 0; i < file->count && status == 0; i++) {
        const struct account *a = &file->accounts[i];
        if (json)
            status = command_print(
                json_pack("{s:s, s:s}", "name", a->name, "role", account_role_name(a->role)));
        else
            printf("%-32s  %s\n", a->name, account_role_name(a->role));
    }
    return status;
}

/* What is asked for; hash: the new password's, where there is one. */
struct order {
    const char *verb, *name;
    enum account_role role;
    char hash[ACCOUNT_HASH_MAX];
};

/* Whether the order fits who is there. */
static bool fits(const struct file *file, const struct order *order)
{
    bool adds = strcmp(order->verb, "add") == 0;
    bool there = accounts_find(file->accounts, file->count, order->name) != NULL;
    if (adds && !there && file->count == ACCOUNTS_MOST) {
        fprintf(stderr, "cervigate user: there are %d accounts already\n", ACCOUNTS_MOST);
        return false;
    }
    if (adds == there)
        fprintf(stderr, "cervigate user: there is %s %s\n", adds ? "already a" : "no", order->name);
    return adds != there;
}

static int change(struct file *file, const struct order *order)
{
    struct account *account = accounts_find(file->accounts, file->count, order->name);
    char what[32];
    (void)snprintf(what, sizeof what, "user-%s", order->verb);
    if (account == NULL) {
        account = &file->accounts[file->count++];
        (void)snprintf(account->name, sizeof account->name, "%s", order->name);
    }
    if (strcmp(order->verb, "remove") == 0)
        *account = file->accounts[--file->count];
    else if (strcmp(order->verb, "password") != 0)
        account->role = order->role;
    if (order->hash[0] != '\0')
        memcpy(account->hash, order->hash, sizeof account->hash);
    return save(file, what, order->name);
}

static bool read_accounts(struct file *file)
{
    char why[ACCOUNT_WHY];
    free(file->accounts);
    file->accounts = NULL;
    if (accounts_read(file->conf->web.accounts, &file->accounts, &file->count, why))
        return true;
    fprintf(stderr, "cervigate user: %s\n", why);
    return false;
}

/* The folder's lock, for who reads the file and replaces it: two at once would lose one's change.
 * -1: told. */
static int lock_folder(const char *path)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    const char *name = dirname(folder);
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed = 0;
    while (fd >= 0 && (failed = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
        ;
    if (failed != 0) {
        int why = errno;
        (void)close(fd);
        errno = why;
        fd = -1;
    }
    if (fd < 0)
        fprintf(stderr, "cervigate user: %s: %s\n", name, strerror(errno));
    return fd;
}

/* NULL: the words are right. */
static const char *wrong(const struct command *command, enum account_role *role)
{
    const char *verb = command->count > 0 ? command->words[0] : "";
    bool roles = strcmp(verb, "add") == 0 || strcmp(verb, "role") == 0;
    if (strcmp(verb, "list") == 0)
        return command->count == 1 && !command->role ? NULL : "list has no arguments";
    if (!roles && strcmp(verb, "password") != 0 && strcmp(verb, "remove") != 0)
        return "list, add, password, role or remove is expected";
    if (command->count != 2)
        return "one name is expected";
    if (!account_is_name(command->words[1]))
        return "a name has 1 to 32 letters, digits and . _ - @";
    if (roles != (command->role != NULL))
        return roles ? "--role is expected" : "--role belongs to add and role";
    return !roles || account_role_parse(command->role, role)
               ? NULL
               : "the role is viewer, reader or admin";
}

/* Looks before it asks for a password, and again when nobody else can change the file. */
static int run(const struct command *command, struct file *file, enum account_role role)
{
    struct order order = {.verb = command->words[0], .role = role};
    if (!read_accounts(file))
        return EX_IOERR;
    if (strcmp(order.verb, "list") == 0)
        return list(file, command->json);
    order.name = command->words[1];
    if (!fits(file, &order))
        return 1;
    bool password = strcmp(order.verb, "add") == 0 || strcmp(order.verb, "password") == 0;
    int status = password ? new_hash(order.hash) : 0;
    if (status != 0)
        return status;
    int lock = lock_folder(file->conf->web.accounts);
    if (lock < 0)
        return EX_IOERR;
    status = !read_accounts(file) ? EX_IOERR : !fits(file, &order) ? 1 : change(file, &order);
    (void)close(lock);
    return status;
}

int admin_user(int argc, char **argv)
{
    struct command command;
    int status = 0;
    enum account_role role = ROLE_VIEWER;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON | COMMAND_ROLE, &command,
                       &status))
        return status;
    const char *fault = wrong(&command, &role);
    if (fault)
        return command_misused(usage, fault);
    struct conf *conf = admin_conf(command.config, &status);
    if (!conf)
        return status;
    struct file file = {.conf = conf};
    if (!conf->web.accounts) {
        fprintf(stderr, "%s: <console> has no accounts=\"FILE\"\n", conf->path);
        status = EX_CONFIG;
    } else {
        status = run(&command, &file, role);
    }
    free(file.accounts);
    conf_destroy(conf);
    return status;
}
