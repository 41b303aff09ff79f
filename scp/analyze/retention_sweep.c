/* The sweep after a start, and, without the rows, each day:
 *
 *   temporary names whose process is gone --> removed
 *   files of objects/00 .. ff, then of results/ --unknown--> strays
 *   rows of objects, rows of results --no file--> told
 *   strays --RETENTION_GRACE later, still unknown--> removed */
#include "retention_sweep.h"

#include "clock.h"
#include "log.h"
#include "spool.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDERS 257 /* of objects/, and results/ */
#define STRAYS_A_TURN                                                                              \
    16 /* looked at again: the look at pictures that no report holds is not cheap */

enum stage { TEMPORARIES, FILES, OBJECT_ROWS, RESULT_ROWS, STRAYS, DONE };

struct stray {
    char path[256];
    int64_t seen_ms; /* monotonic */
};

struct sweep {
    const struct conf *conf;
    struct store *store;
    enum stage stage;
    int folder;
    DIR *directory;
    int64_t after; /* id of the row looked at last */
    struct stray *stray;
    size_t strays, next, temporaries, removed, missing;
    bool overflow;
    bool again;      /* not the first: what is missing was told */
    int64_t done_ms; /* monotonic */
};

struct sweep *sweep_create(const struct conf *conf, struct store *store)
{
    struct sweep *sweep = calloc(1, sizeof *sweep);
    if (sweep == NULL)
        return NULL;
    sweep->conf = conf;
    sweep->store = store;
    sweep->stray = calloc(RETENTION_STRAYS, sizeof *sweep->stray);
    if (sweep->stray != NULL)
        return sweep;
    free(sweep);
    return NULL;
}

void sweep_destroy(struct sweep *sweep)
{
    if (sweep == NULL)
        return;
    if (sweep->directory != NULL)
        (void)closedir(sweep->directory);
    free(sweep->stray);
    free(sweep);
}

static enum store_status look_at_temporaries(struct sweep *sweep)
{
    int failed = spool_sweep_temporaries(sweep->conf, &sweep->temporaries);
    if (failed != 0)
        log_event(LOG_AT_ERROR, "retention-cannot-remove", "error=%s",
                  log_quote(strerror(-failed)));
    sweep->stage = FILES;
    return STORE_OK;
}

/* ---- files ---- */

static void folder_name(int folder, char name[16])
{
    if (folder < FOLDERS - 1)
        (void)snprintf(name, 16, "objects/%02x", (unsigned)folder & 0xffu);
    else
        (void)snprintf(name, 16, "results");
}

/* Whether there is a directory to read; the last one ends the stage. */
static bool open_folder(struct sweep *sweep)
{
    while (sweep->directory == NULL && sweep->folder < FOLDERS) {
        char name[16], path[PATH_MAX];
        folder_name(sweep->folder, name);
        node_path(sweep->conf, path, sizeof path, "%s", name);
        sweep->directory = opendir(path);
        if (sweep->directory == NULL)
            sweep->folder++;
    }
    return sweep->directory != NULL;
}

static enum store_status look_at_file(struct sweep *sweep, const char *name)
{
    bool wanted = true;
    char path[256], folder[16];
    folder_name(sweep->folder, folder);
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return STORE_OK;
    enum store_status status = store_wants_file(sweep->store, path, &wanted);
    if (status != STORE_OK || wanted)
        return status;
    if (sweep->strays == RETENTION_STRAYS) {
        sweep->overflow = true;
        return STORE_OK;
    }
    struct stray *stray = &sweep->stray[sweep->strays++];
    stray->seen_ms = clock_monotonic_ms();
    (void)snprintf(stray->path, sizeof stray->path, "%s", path);
    return STORE_OK;
}

static enum store_status look_at_files(struct sweep *sweep)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < RETENTION_NAMES; i++) {
        if (!open_folder(sweep)) {
            sweep->stage = sweep->again ? STRAYS : OBJECT_ROWS;
            break;
        }
        const struct dirent *entry = readdir(sweep->directory);
        if (entry == NULL) {
            (void)closedir(sweep->directory);
            sweep->directory = NULL;
            sweep->folder++;
        } else if (entry->d_name[0] != '.') {
            status = look_at_file(sweep, entry->d_name);
        }
    }
    return status;
}

/* ---- rows ---- */

static enum store_status look_at_row(struct sweep *sweep, const struct kept_file *row)
{
    struct stat at;
    char path[PATH_MAX];
    bool wanted = false;
    node_path(sweep->conf, path, sizeof path, "%s", row->path);
    if (stat(path, &at) == 0)
        return row->bytes == 0 && sweep->stage == RESULT_ROWS
                   ? store_result_bytes(sweep->store, row->id, (uint64_t)at.st_size)
                   : STORE_OK;
    if (errno != ENOENT)
        return STORE_OK;
    enum store_status status = store_wants_file(sweep->store, row->path, &wanted);
    if (status == STORE_OK && wanted) { /* it was not given up meanwhile */
        sweep->missing++;
        log_event(LOG_AT_ERROR, "file-missing", "%s=%lld path=%s",
                  sweep->stage == OBJECT_ROWS ? "instance" : "result", (long long)row->id,
                  row->path);
    }
    return status;
}

static enum store_status look_at_rows(struct sweep *sweep)
{
    static struct kept_file list[RETENTION_NAMES];
    size_t count = 0;
    enum store_status status =
        sweep->stage == OBJECT_ROWS
            ? store_kept_objects(sweep->store, sweep->after, list, RETENTION_NAMES, &count)
            : store_kept_results(sweep->store, sweep->after, list, RETENTION_NAMES, &count);
    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        status = look_at_row(sweep, &list[i]);
        if (status == STORE_OK)
            sweep->after = list[i].id;
    }
    if (status == STORE_OK && count < RETENTION_NAMES) {
        sweep->stage++;
        sweep->after = 0;
    }
    return status;
}

/* ---- strays ---- */

/* Tests have it shorter. */
static int64_t time_of(const char *variable, int64_t otherwise)
{
    const char *seconds = getenv(variable);
    return seconds != NULL ? strtol(seconds, NULL, 10) * 1000 : otherwise;
}

static void end(struct sweep *sweep)
{
    log_event(sweep->removed + sweep->missing + sweep->temporaries > 0 ? LOG_AT_WARN : LOG_AT_INFO,
              "spool-swept", "unknown_removed=%zu missing=%zu more=%s temporary_removed=%zu",
              sweep->removed, sweep->missing, sweep->overflow ? "yes" : "no", sweep->temporaries);
    sweep->stage = DONE;
    sweep->done_ms = clock_monotonic_ms();
}

static void begin_again(struct sweep *sweep)
{
    if (clock_monotonic_ms() - sweep->done_ms <
        time_of("CERVIGATE_SWEEP_EVERY", RETENTION_SWEEP_MS))
        return;
    sweep->stage = TEMPORARIES;
    sweep->again = true;
    sweep->folder = 0;
    sweep->strays = sweep->next = sweep->temporaries = sweep->removed = sweep->missing = 0;
    sweep->overflow = false;
}

static enum store_status look_at_strays(struct sweep *sweep)
{
    enum store_status status = STORE_OK;
    int64_t ripe = clock_monotonic_ms() - time_of("CERVIGATE_SWEEP_GRACE", RETENTION_GRACE);
    for (size_t i = 0; status == STORE_OK && i < STRAYS_A_TURN; i++) {
        bool removed = false;
        if (sweep->next == sweep->strays) {
            end(sweep);
            break;
        }
        const struct stray *stray = &sweep->stray[sweep->next];
        if (stray->seen_ms > ripe)
            break;
        status = store_remove_unwanted(sweep->store, stray->path, retention_remove,
                                       (void *)sweep->conf, &removed);
        if (status == STORE_OK) {
            sweep->removed += removed;
            sweep->next++;
        }
    }
    return status;
}

enum store_status sweep_turn(struct sweep *sweep)
{
    switch (sweep->stage) {
    case TEMPORARIES:
        return look_at_temporaries(sweep);
    case FILES:
        return look_at_files(sweep);
    case OBJECT_ROWS:
    case RESULT_ROWS:
        return look_at_rows(sweep);
    case STRAYS:
        return look_at_strays(sweep);
    case DONE:
        begin_again(sweep);
        break;
    }
    return STORE_OK;
}
