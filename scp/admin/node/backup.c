/* backup.c: `cervigate backup`: job store, results and what makes this node itself, as one file. */
#include "backup.h"
#include "archive.h"
#include "audit.h"
#include "clock.h"
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
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate backup FILE|FOLDER [--objects] [--keep N] [--json] [--config FILE]\n"
    "\n"
    "Writes a copy of the node's memory to FILE (tar in gzip), while the node runs or not: the "
    "job\n"
    "store, consistent in itself, the results' files, the mode, the node's identity, the\n"
    "configuration, and the received objects that are not judged yet. FILE must not be there; it\n"
    "appears when it is whole, readable for its owner only: it holds patient data. In a FOLDER it\n"
    "is called cervigate-TIME.tar.gz, TIME in UTC.\n"
    "\n"
    "  --objects      all received objects, too; without it, a restored node knows them but "
    "cannot\n"
    "                 judge them again\n"
    "  --keep N       with FOLDER: the N youngest of its files of that name stay, 1 to 10000; "
    "older\n"
    "                 ones are removed once the new one is whole\n"
    "  --json         what was written as one JSON object\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "Models, templates and quarantine are not in it. `cervigate restore` brings it back;\n"
    "`cervigate forget` does not reach it: let backups expire, too.\n"
    "\n"
    "Exit status: 0 done; 64 usage; 66 no job store; 73 FILE cannot be written or is there "
    "already;\n"
    "74 the spool or job store cannot be read; 78 bad configuration.\n";

#define ROWS      256
#define KEEP_MOST 10000

struct backup {
    const struct conf *conf;
    struct store *store, *copy;
    struct archive *archive;
    char part[PATH_MAX], database[PATH_MAX]; /* beside FILE until it is whole */
    int64_t now_ms;
    size_t files, removed;
    bool objects;
    int status;
};

static bool fail(struct backup *b, int status, const char *what, const char *why)
{
    fprintf(stderr, "cervigate backup: %s: %s\n", what, why);
    b->status = status;
    return false;
}

/* name, in the archive, of the file `path`; *missing when there is none (any more). */
static bool add(struct backup *b, const char *name, const char *path, bool *missing)
{
    enum archive_status status = archive_add_file(b->archive, name, path);
    *missing = status == ARCHIVE_NONE;
    if (status != ARCHIVE_OK && !*missing)
        return fail(b, EX_CANTCREAT, name, archive_error(b->archive));
    b->files += !*missing;
    return true;
}

static bool add_of_spool(struct backup *b, const char *name, bool *missing)
{
    char path[PATH_MAX];
    node_path(b->conf, path, sizeof path, "%s", name);
    return add(b, name, path, missing);
}

static bool copy_store(struct backup *b)
{
    char error[256] = "";
    int fd = open(b->database, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(b, EX_CANTCREAT, b->database, strerror(errno));
    (void)close(fd);
    if (store_copy(b->store, b->database) != STORE_OK)
        return fail(b, EX_IOERR, "job store", store_error(b->store));
    if (store_open(b->database, &b->copy, error, sizeof error) != STORE_OK)
        return fail(b, EX_IOERR, "job store", error);
    if (store_trim_copy(b->copy, b->objects, b->now_ms) != STORE_OK)
        return fail(b, EX_CANTCREAT, "copy of the job store", store_error(b->copy));
    return true;
}

static bool add_head(struct backup *b)
{
    char text[256], made[25];
    bool missing;
    clock_iso(b->now_ms, made);
    snprintf(text, sizeof text, BACKUP_FORMAT "version %s\nmade %s\nobjects %s\n",
             CERVIGATE_VERSION, made, b->objects ? "yes" : "no");
    if (archive_add_text(b->archive, BACKUP_MANIFEST, text) != ARCHIVE_OK)
        return fail(b, EX_CANTCREAT, BACKUP_MANIFEST, archive_error(b->archive));
    return add_of_spool(b, "node-id", &missing) && add_of_spool(b, "mode", &missing) &&
           add(b, BACKUP_CONFIGURATION, b->conf->path, &missing);
}

/* The directory, not the rows: pictures are there before a report enters them. */
static bool add_results(struct backup *b)
{
    char path[PATH_MAX], name[100];
    bool done = true, missing;
    node_path(b->conf, path, sizeof path, "results");
    DIR *directory = opendir(path);
    if (!directory)
        return errno == ENOENT || fail(b, EX_IOERR, path, strerror(errno));
    const struct dirent *entry;
    while (done && (entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || length > 90 ||
            (length > 5 && strcmp(entry->d_name + length - 5, ".part") == 0))
            continue;
        snprintf(name, sizeof name, "results/%.90s", entry->d_name);
        done = add_of_spool(b, name, &missing);
    }
    closedir(directory);
    return done;
}

static bool give_up(struct backup *b, const char *path)
{
    return store_give_up_path(b->copy, path, b->now_ms) == STORE_OK ||
           fail(b, EX_CANTCREAT, "copy of the job store", store_error(b->copy));
}

/* Retention went on meanwhile: the copy says so of what is not in the archive. */
static bool check_results(struct backup *b)
{
    static struct kept_file list[ROWS];
    int64_t after = 0;
    size_t count = ROWS;
    char path[PATH_MAX];
    while (count == ROWS) {
        if (store_kept_results(b->copy, after, list, ROWS, &count) != STORE_OK)
            return fail(b, EX_IOERR, "copy of the job store", store_error(b->copy));
        for (size_t i = 0; i < count; i++) {
            after = list[i].id;
            node_path(b->conf, path, sizeof path, "%s", list[i].path);
            if (access(path, F_OK) != 0 && !give_up(b, list[i].path))
                return false;
        }
    }
    return true;
}

static bool add_objects(struct backup *b)
{
    static struct kept_file list[ROWS];
    int64_t after = 0;
    size_t count = ROWS;
    while (count == ROWS) {
        if (store_kept_objects(b->copy, after, list, ROWS, &count) != STORE_OK)
            return fail(b, EX_IOERR, "copy of the job store", store_error(b->copy));
        for (size_t i = 0; i < count; i++) {
            bool missing;
            after = list[i].id;
            if (!add_of_spool(b, list[i].path, &missing) || (missing && !give_up(b, list[i].path)))
                return false;
        }
    }
    return true;
}

static bool add_store(struct backup *b)
{
    bool missing;
    store_close(b->copy); /* its write-ahead log is in it then */
    b->copy = NULL;
    if (!add(b, BACKUP_STORE, b->database, &missing))
        return false;
    return !missing || fail(b, EX_CANTCREAT, b->database, "it is gone");
}

static bool put_in_place(struct backup *b, const char *file)
{
    if (archive_finish(b->archive) != ARCHIVE_OK)
        return fail(b, EX_CANTCREAT, file, archive_error(b->archive));
    crash_point("backup-written");
    if (renameat2(AT_FDCWD, b->part, AT_FDCWD, file, RENAME_NOREPLACE) != 0)
        return fail(b, EX_CANTCREAT, file, strerror(errno));
    int failed = spool_sync_directory_of(file);
    return failed == 0 || fail(b, EX_CANTCREAT, file, strerror(-failed));
}

static bool write_all(struct backup *b, const char *file)
{
    b->archive = archive_create(b->part);
    if (!b->archive)
        return fail(b, EX_CANTCREAT, b->part, strerror(errno));
    return copy_store(b) && add_head(b) && add_results(b) && check_results(b) && add_objects(b) &&
           add_store(b) && put_in_place(b, file);
}

static void tidy(struct backup *b)
{
    char path[PATH_MAX + 8];
    store_close(b->copy);
    archive_close(b->archive);
    unlink(b->part);
    unlink(b->database);
    snprintf(path, sizeof path, "%s-wal", b->database);
    unlink(path);
    snprintf(path, sizeof path, "%s-shm", b->database);
    unlink(path);
}

static int report(const struct command *command, const struct backup *b, const char *file)
{
    struct stat at = {.st_size = 0};
    (void)!stat(file, &at);
    audit_exported(b->conf, b->objects ? "backup with objects" : "backup", file);
    if (command->json)
        return command_print(json_pack("{s:s, s:I, s:I, s:b, s:I}", "file", file, "files",
                                       (json_int_t)b->files, "bytes", (json_int_t)at.st_size,
                                       "objects", b->objects, "removed", (json_int_t)b->removed));
    printf("%s: %zu files, %lld bytes%s\n", file, b->files, (long long)at.st_size,
           b->objects ? ", with all received objects" : "");
    if (b->removed > 0)
        printf("%zu older backups removed\n", b->removed);
    return 0;
}

/* ---- a folder of backups ---- */

/* cervigate-20261127T021500Z.tar.gz: their order by name is that by time. */
static int is_dated(const struct dirent *entry) /* for scandir */
{
    static const char form[] = "cervigate-########T######Z.tar.gz";
    const char *name = entry->d_name;
    size_t i = 0;
    for (; form[i] && name[i]; i++)
        if (form[i] == '#' ? name[i] < '0' || name[i] > '9' : form[i] != name[i])
            return false;
    return !form[i] && !name[i];
}

static void name_dated(int64_t now_ms, const char *folder, char file[PATH_MAX])
{
    char iso[25], digits[17];
    size_t n = 0;
    clock_iso(now_ms, iso);
    for (const char *c = iso; *c && *c != '.' && n < sizeof digits - 1; c++)
        if (*c != '-' && *c != ':')
            digits[n++] = *c;
    digits[n] = '\0';
    snprintf(file, PATH_MAX, "%.*s/cervigate-%sZ.tar.gz", PATH_MAX - 64, folder, digits);
}

/* All but the youngest `keep`. */
static bool remove_older(struct backup *b, const char *folder, size_t keep)
{
    struct dirent **list = NULL;
    int count = scandir(folder, &list, is_dated, alphasort);
    bool done = count >= 0 || fail(b, EX_IOERR, folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%.*s/%.200s", PATH_MAX - 256, folder, list[i]->d_name);
        if ((size_t)(count - i) > keep && unlink(path) != 0)
            done = fail(b, EX_IOERR, path, strerror(errno));
        else
            b->removed += (size_t)(count - i) > keep;
        free(list[i]);
    }
    free(list);
    return done;
}

static int backup(const struct command *command, bool is_folder, size_t keep, struct conf *conf,
                  struct store *store)
{
    const char *file = command->words[0];
    char random[17], in_folder[PATH_MAX];
    struct backup b = {
        .conf = conf, .store = store, .now_ms = clock_utc_ms(), .objects = command->objects};
    if (is_folder) {
        name_dated(b.now_ms, file, in_folder);
        file = in_folder;
    }
    if (access(file, F_OK) == 0) {
        fprintf(stderr, "cervigate backup: %s: it is there already\n", file);
        return EX_CANTCREAT;
    }
    if (spool_random_name(random, 8) != 0 || strlen(file) > PATH_MAX - 32) {
        fprintf(stderr, "cervigate backup: %s: no name for a temporary file\n", file);
        return EX_CANTCREAT;
    }
    snprintf(b.part, sizeof b.part, "%.*s.%s.part", PATH_MAX - 32, file, random);
    snprintf(b.database, sizeof b.database, "%.*s.%s.jobs", PATH_MAX - 32, file, random);
    bool done = write_all(&b, file);
    tidy(&b);
    done = done && (keep == 0 || remove_older(&b, command->words[0], keep));
    return done ? report(command, &b, file) : b.status;
}

static bool take_keep(const char *text, size_t *keep)
{
    char *end;
    long number = strtol(text, &end, 10);
    *keep = (size_t)number;
    return end != text && *end == '\0' && number >= 1 && number <= KEEP_MOST;
}

int admin_backup(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    struct stat at;
    size_t keep = 0;
    int status = 0;
    if (!command_parse(argc, argv, usage,
                       COMMAND_CONFIG | COMMAND_JSON | COMMAND_OBJECTS | COMMAND_KEEP, &command,
                       &status))
        return status;
    if (command.count != 1)
        return command_misused(usage, "one FILE or FOLDER is expected");
    bool is_folder = stat(command.words[0], &at) == 0 && S_ISDIR(at.st_mode);
    if (command.keep && (!is_folder || !take_keep(command.keep, &keep)))
        return command_misused(usage, "--keep wants a FOLDER, and a number from 1 to 10000");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    status = backup(&command, is_folder, keep, conf, store);
    store_close(store);
    conf_destroy(conf);
    return status;
}
