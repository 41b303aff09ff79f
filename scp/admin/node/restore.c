/* restore.c: `cervigate restore`: a backup becomes a spool again.
 *
 *   lock the spool, refuse what is not empty -> every member beside its place, as NAME.restoring ->
 *   the archive was whole, the job store is -> mark the spool [SPOOL_RESTORING] -> what was there
 *   goes -> every NAME.restoring gets its name, the job store last -> unmark
 *
 * Until the mark nothing that was there is touched. A node refuses to start on a marked spool. */
#include "archive.h"
#include "audit.h"
#include "backup.h"
#include "command.h"
#include "spool.h"
#include "store_keep.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate restore FILE [--force] [--json] [--config FILE]\n"
    "\n"
    "Puts a file of `cervigate backup` into the spool that the configuration names, which must be\n"
    "empty, and no node may run on it. The node that is started then has the job store, results, "
    "mode\n"
    "and identity of that moment: an object that comes again starts nothing, the same input gives\n"
    "results of the same UIDs, and what was not delivered then is delivered (the PACS knows what "
    "it\n"
    "has). The backup's configuration is put beside as " BACKUP_RESTORED_CONFIGURATION
    ", not into force.\n"
    "\n"
    "  --force        replaces what is in the spool, once FILE has been found whole\n"
    "  --json         what was done as one JSON object\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "Exit status: 0 done; 64 usage; 65 FILE is damaged, no backup, or of a newer program; 66 there "
    "is\n"
    "no FILE; 73 a node runs on the spool, or it is not empty; 74 the spool cannot be written; 78 "
    "bad\n"
    "configuration.\n";

#define HEXADECIMAL "0123456789abcdef"

struct restore {
    const struct conf *conf;
    struct archive *archive;
    int lock;
    size_t files;
    bool has_store;
    char manifest[256];
    int status;
};

static bool fail(struct restore *r, int status, const char *what, const char *why)
{
    fprintf(stderr, "cervigate restore: %s: %s\n", what, why);
    r->status = status;
    return false;
}

/* ---- what the spool holds ---- */

/* Directories whose files are restored: objects/00 .. ff, results, the spool itself. */
#define FOLDERS 258
static void folder(const struct restore *r, int i, char path[PATH_MAX])
{
    if (i < 256)
        node_path(r->conf, path, PATH_MAX, "objects/%02x", (unsigned)i & 0xffu);
    else if (i == 256)
        node_path(r->conf, path, PATH_MAX, "results");
    else
        snprintf(path, PATH_MAX, "%s", r->conf->spool);
}

static const char *const top[] = {
    "node-id",           "mode",      BACKUP_RESTORED_CONFIGURATION, BACKUP_STORE "-wal",
    BACKUP_STORE "-shm", BACKUP_STORE}; /* the last one */

static bool ends_aside(const char *name)
{
    size_t length = strlen(name), end = strlen(SPOOL_ASIDE);
    return length > end && strcmp(name + length - end, SPOOL_ASIDE) == 0;
}

static bool is_ours(int i, const char *name)
{
    if (i < FOLDERS - 1)
        return name[0] != '.';
    for (size_t j = 0; j < sizeof top / sizeof *top; j++)
        if (strncmp(name, top[j], strlen(top[j])) == 0 &&
            (name[strlen(top[j])] == '\0' || strncmp(name + strlen(top[j]), SPOOL_ASIDE, 10) == 0))
            return true;
    return false;
}

enum what { COUNT, DROP_ASIDE, DROP_OLD, PLACE };

static int handle(int directory, const char *name, enum what what, size_t *count)
{
    char to[NAME_MAX + 1];
    bool aside = ends_aside(name);
    switch (what) {
    case COUNT:
        *count += !aside;
        return 0;
    case DROP_ASIDE:
        return aside ? unlinkat(directory, name, 0) : 0;
    case DROP_OLD:
        return aside ? 0 : unlinkat(directory, name, 0);
    case PLACE:
        snprintf(to, sizeof to, "%.*s", (int)(strlen(name) - (aside ? strlen(SPOOL_ASIDE) : 0)),
                 name);
        return aside ? renameat(directory, name, directory, to) : 0;
    }
    return 0;
}

static bool walk(struct restore *r, enum what what, size_t *count)
{
    for (int i = 0; i < FOLDERS; i++) {
        char path[PATH_MAX];
        folder(r, i, path);
        DIR *directory = opendir(path);
        if (!directory)
            return fail(r, EX_IOERR, path, strerror(errno));
        const struct dirent *entry;
        int failed = 0;
        while (failed == 0 && (entry = readdir(directory)) != NULL)
            if (is_ours(i, entry->d_name))
                failed = handle(dirfd(directory), entry->d_name, what, count);
        int why = errno;
        if (failed == 0 && what != COUNT && fsync(dirfd(directory)) != 0)
            failed = why = errno;
        closedir(directory);
        if (failed != 0)
            return fail(r, EX_IOERR, path, strerror(why));
    }
    return true;
}

static bool take_spool(struct restore *r, bool force)
{
    char path[PATH_MAX] = "";
    size_t count = 0;
    int failed = spool_prepare(r->conf, path, sizeof path);
    if (failed != 0)
        return fail(r, EX_IOERR, path, strerror(-failed));
    r->lock = spool_lock(r->conf);
    if (r->lock == -EWOULDBLOCK)
        return fail(r, EX_CANTCREAT, r->conf->spool, "a node runs on this spool: stop it first");
    if (r->lock < 0)
        return fail(r, EX_IOERR, r->conf->spool, strerror(-r->lock));
    if (!walk(r, COUNT, &count))
        return false;
    if (count > 0 && !force)
        return fail(r, EX_CANTCREAT, r->conf->spool,
                    "it is not empty: --force replaces what is there");
    return walk(r, DROP_ASIDE, NULL);
}

/* ---- members ---- */

static bool is_object(const char *name)
{
    return strspn(name, HEXADECIMAL) == 2 && name[2] == '/' && strncmp(name, name + 3, 2) == 0 &&
           strspn(name + 3, HEXADECIMAL) == 64 && strcmp(name + 3 + 64, ".dcm") == 0;
}

static bool is_result(const char *name)
{
    static const char *const endings[] = {".dcm", ".txt", ".why", ".rgb"};
    size_t length = strlen(name);
    if (name[0] == '.' || strspn(name, HEXADECIMAL "rmwhytxgb.-") != length)
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (length > 4 && strcmp(name + length - 4, endings[i]) == 0)
            return true;
    return false;
}

/* Where a member goes below the spool; NULL: nowhere, it is no backup of ours. */
static const char *place_of(const char *name)
{
    if (strcmp(name, BACKUP_CONFIGURATION) == 0)
        return BACKUP_RESTORED_CONFIGURATION;
    if (strcmp(name, BACKUP_STORE) == 0 || strcmp(name, "node-id") == 0 ||
        strcmp(name, "mode") == 0)
        return name;
    if ((strncmp(name, "objects/", 8) == 0 && is_object(name + 8)) ||
        (strncmp(name, "results/", 8) == 0 && is_result(name + 8)))
        return name;
    return NULL;
}

static bool take_manifest(struct restore *r, const char *file)
{
    struct archive_member member;
    size_t count = 0;
    enum archive_status status = archive_next(r->archive, &member);
    if (status != ARCHIVE_OK)
        return fail(r, EX_DATAERR, file,
                    status == ARCHIVE_END ? "it is empty" : archive_error(r->archive));
    if (strcmp(member.name, BACKUP_MANIFEST) != 0)
        return fail(r, EX_DATAERR, file, "no backup of cervigate");
    if (archive_read(r->archive, r->manifest, sizeof r->manifest - 1, &count) != ARCHIVE_OK)
        return fail(r, EX_DATAERR, file, archive_error(r->archive));
    if (strncmp(r->manifest, BACKUP_FORMAT, strlen(BACKUP_FORMAT)) != 0)
        return fail(r, EX_DATAERR, file, "a backup of another format than this program's");
    return true;
}

static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

static bool extract(struct restore *r, const char *place)
{
    static char chunk[65536];
    char path[PATH_MAX];
    size_t count = 1;
    enum archive_status status = ARCHIVE_OK;
    node_path(r->conf, path, sizeof path, "%s" SPOOL_ASIDE, place);
    int fd = spool_open(path, O_WRONLY | O_EXCL);
    if (fd < 0 && errno == EEXIST)
        return fail(r, EX_DATAERR, place, "the backup has it twice");
    if (fd < 0)
        return fail(r, EX_IOERR, path, strerror(errno));
    bool written = true;
    while (written && count > 0 &&
           (status = archive_read(r->archive, chunk, sizeof chunk, &count)) == ARCHIVE_OK)
        written = write_all(fd, chunk, count);
    int why = errno;
    written = written && fsync(fd) == 0;
    if (close(fd) != 0 || !written)
        return fail(r, EX_IOERR, path, strerror(why));
    return status == ARCHIVE_OK || fail(r, EX_DATAERR, place, archive_error(r->archive));
}

static bool extract_all(struct restore *r, const char *file)
{
    struct archive_member member;
    enum archive_status status;
    while ((status = archive_next(r->archive, &member)) == ARCHIVE_OK) {
        const char *place = place_of(member.name);
        if (!place)
            return fail(r, EX_DATAERR, file, "it holds what no backup of ours holds");
        if (!extract(r, place))
            return false;
        r->files++;
        r->has_store = r->has_store || strcmp(place, BACKUP_STORE) == 0;
    }
    if (status != ARCHIVE_END)
        return fail(r, EX_DATAERR, file, archive_error(r->archive));
    return r->has_store || fail(r, EX_DATAERR, file, "it has no job store");
}

static bool verify(struct restore *r, const char *file)
{
    char path[PATH_MAX], error[384] = "";
    struct store *store = NULL;
    node_path(r->conf, path, sizeof path, BACKUP_STORE SPOOL_ASIDE);
    if (store_open(path, &store, error, sizeof error) != STORE_OK)
        return fail(r, EX_DATAERR, file, error);
    enum store_status status = store_verify(store);
    if (status != STORE_OK)
        snprintf(error, sizeof error, "%s", store_error(store));
    store_close(store);
    return status == STORE_OK || fail(r, EX_DATAERR, file, error);
}

static bool replace(struct restore *r)
{
    char path[PATH_MAX];
    node_path(r->conf, path, sizeof path, SPOOL_RESTORING);
    int failed = spool_write_whole(path, r->manifest);
    if (failed != 0)
        return fail(r, EX_IOERR, path, strerror(-failed));
    crash_point("restore-marked");
    if (!walk(r, DROP_OLD, NULL))
        return false;
    crash_point("restore-emptied");
    if (!walk(r, PLACE, NULL))
        return false;
    if (unlink(path) != 0)
        return fail(r, EX_IOERR, path, strerror(errno));
    failed = spool_sync_directory_of(path);
    return failed == 0 || fail(r, EX_IOERR, path, strerror(-failed));
}

static bool restore(struct restore *r, const struct command *command)
{
    const char *file = command->words[0];
    r->archive = archive_open(file);
    if (!r->archive)
        return fail(r, errno == ENOENT ? EX_NOINPUT : EX_IOERR, file, strerror(errno));
    if (!take_manifest(r, file) || !take_spool(r, command->force))
        return false;
    if (extract_all(r, file) && verify(r, file))
        return replace(r);
    int status = r->status;
    (void)walk(r, DROP_ASIDE, NULL);
    r->status = status;
    return false;
}

static int report(const struct command *command, const struct restore *r)
{
    char text[256];
    snprintf(text, sizeof text, "%s", r->manifest + strlen(BACKUP_FORMAT));
    for (char *c = text; *c; c++)
        if (*c == '\n')
            *c = c[1] ? ' ' : '\0';
    if (command->json)
        return command_print(json_pack("{s:s, s:I, s:s}", "spool", r->conf->spool, "files",
                                       (json_int_t)r->files, "backup", text));
    printf("%s: %zu files restored (%s)\nThe backup's configuration is "
           "%s/" BACKUP_RESTORED_CONFIGURATION "; in force is %s\n",
           r->conf->spool, r->files, text, r->conf->spool, r->conf->path);
    return 0;
}

int admin_restore(int argc, char **argv)
{
    struct command command;
    struct restore r = {.lock = -1};
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON | COMMAND_FORCE, &command,
                       &status))
        return status;
    if (command.count != 1)
        return command_misused(usage, "one FILE is expected");
    struct conf *conf = admin_conf(command.config, &status);
    if (!conf)
        return status;
    r.conf = conf;
    bool done = restore(&r, &command);
    archive_close(r.archive);
    if (done) {
        char who[64];
        audit_caller(who, sizeof who);
        audit_ordered(conf, who, "restore", command.words[0], "restored");
    }
    status = done ? report(&command, &r) : r.status;
    if (r.lock >= 0)
        close(r.lock);
    conf_destroy(conf);
    return status;
}
