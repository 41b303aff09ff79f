/* Retention: by age, by space, and a look at what a crash left.
 *
 *   pass:   parked -> objects by age -> results by age -> objects by space -> results by space ->
 *           quarantine -> rows -> orders [once a day] -> rest [RETENTION_PASS_MS; while the disk is
 *           short of space RETENTION_SHORT_MS]
 *   every turn goes on with the pass, then removes files of rows that were given up; while there
 *   are more than it may remove, nothing more is given up;
 *   after start and daily [sweep_turn] removes temporary names, and compares files and rows.
 *
 * Age needs a clock, and clocks jump. When the wall clock went on by more than RETENTION_JUMP_MS
 * since the last look, nothing goes by age for RETENTION_WAIT_MS: who notices can set it right. The
 * times are kept in the store, since a restart must not end the wait. */
#include "retention.h"

#include "audit.h"
#include "clock.h"
#include "log.h"
#include "retention_sweep.h"
#include "spool.h"
#include "store_reconcile.h"
#include "store_site.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS       86400000LL
#define UNMATCHED_MS (180 * DAY_MS) /* an order waits so long for its images */
#define EXPIRING     32             /* parked deliveries a turn */

enum stage {
    PARKED,
    OBJECTS,
    RESULTS,
    OBJECTS_SPACE,
    RESULTS_SPACE,
    QUARANTINE,
    ROWS,
    ORDERS,
    RESTING
};

struct retention {
    const struct conf *conf;
    struct store *store;
    struct sweep *sweep;
    enum stage stage;
    struct store_walk walk;
    int64_t turn_at;             /* monotonic: not before */
    int64_t rested_at;           /* monotonic: the last pass ended */
    bool removes;                /* more files than a turn removes */
    uint64_t lacking;            /* of free bytes, when the pass began, less what it gave up */
    struct retention_files gone; /* given up in this pass... */
    size_t studies;
    uint64_t bytes;
};

struct retention *retention_create(const struct conf *conf, struct store *store)
{
    struct retention *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->conf = conf;
    r->store = store;
    r->stage = RESTING;
    r->sweep = sweep_create(conf, store);
    if (r->sweep == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

void retention_destroy(struct retention *retention)
{
    if (retention == NULL)
        return;
    sweep_destroy(retention->sweep);
    free(retention);
}

/* ---- files ---- */

static int remove_one(const struct conf *conf, const char *path)
{
    char whole[PATH_MAX];
    node_path(conf, whole, sizeof whole, "%s", path);
    return unlink(whole) == 0 || errno == ENOENT ? 0 : -errno;
}

int retention_remove(void *context, const char *path)
{
    static const char *const beside[] = {"txt", "why"};
    const struct conf *conf = context;
    size_t length = strlen(path);
    char other[256];
    int failed = remove_one(conf, path);
    crash_point("retention-removed");
    if (strncmp(path, "results/", strlen("results/")) != 0 || length < 4 ||
        strcmp(path + length - 4, ".dcm") != 0)
        return failed;
    for (size_t i = 0; failed == 0 && i < sizeof beside / sizeof *beside; i++) {
        (void)snprintf(other, sizeof other, "%.*s%s", (int)length - 3, path, beside[i]);
        failed = remove_one(conf, other);
    }
    return failed;
}

static enum store_status remove_some(struct retention *r)
{
    int failed = 0;
    size_t removed = 0;
    enum store_status status = store_remove_files(r->store, RETENTION_FILES, retention_remove,
                                                  (void *)r->conf, &removed, &failed);
    r->removes = removed == RETENTION_FILES;
    if (failed != 0)
        log_event(LOG_AT_ERROR, "retention-cannot-remove", "error=%s",
                  log_quote(strerror(-failed)));
    return status;
}

/* ---- time ---- */

/* Whether ages can be believed now. */
static enum store_status look_at_clock(struct retention *r, int64_t now_ms, bool *believed)
{
    int64_t last = 0, wait = 0;
    enum store_status status = store_recall(r->store, "retention-look", &last);
    if (status == STORE_OK)
        status = store_recall(r->store, "retention-wait", &wait);
    if (status != STORE_OK)
        return status;
    int64_t until = wait;
    if (last != 0 && now_ms - last > RETENTION_JUMP_MS)
        until = now_ms + RETENTION_WAIT_MS;
    if (until > now_ms + RETENTION_WAIT_MS) /* the clock was set back */
        until = now_ms + RETENTION_WAIT_MS;
    if (until > now_ms && until != wait)
        log_event(LOG_AT_WARN, "retention-clock",
                  "jump_s=%lld wait_s=%lld reason=\"nothing goes by age meanwhile\"",
                  (long long)(now_ms - last) / 1000, (long long)(until - now_ms) / 1000);
    *believed = until <= now_ms;
    if (until != wait)
        status = store_memorise(r->store, "retention-wait", until);
    return status == STORE_OK ? store_memorise(r->store, "retention-look", now_ms) : status;
}

/* ---- stages ---- */

/* Which copies no destination will get. */
static void audit_expired(const struct conf *conf, const struct delivery *list, size_t count)
{
    char text[EXPIRING * (sizeof list->destination + 32)] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%sd%lld to %s",
                                 i == 0 ? "" : ", ", (long long)list[i].id, list[i].destination);
    if (count > 0)
        audit_retention(conf, "parked", count, text);
}

static enum store_status expire(struct retention *r, int64_t now_ms, bool *end)
{
    struct delivery list[EXPIRING];
    size_t count = 0;
    enum store_status status = store_expire_parked(
        r->store, now_ms - r->conf->retention.parked_days * DAY_MS, now_ms, list, EXPIRING, &count);
    for (size_t i = 0; i < count; i++) {
        char since[25];
        clock_iso(list[i].next_ms, since);
        log_event(LOG_AT_WARN, "delivery-expired",
                  "delivery=d%lld destination=%s kind=%s uid=%s parked=%s reason=%s",
                  (long long)list[i].id, list[i].destination, result_kind_name(list[i].result.kind),
                  list[i].result.uid, since, log_quote_own(list[i].last_error));
    }
    audit_expired(r->conf, list, count);
    *end = count < EXPIRING;
    return status;
}

static enum store_status retire(struct retention *r, bool objects, int64_t before_ms,
                                int64_t now_ms, uint64_t enough, bool *end)
{
    struct store_step step = {.before_ms = before_ms,
                              .now_ms = now_ms,
                              .look = RETENTION_LOOK,
                              .most = RETENTION_MOST,
                              .enough = enough};
    enum store_status status = objects ? store_retire_objects(r->store, &r->walk, &step)
                                       : store_retire_results(r->store, &r->walk, &step);
    *(objects ? &r->gone.objects : &r->gone.results) += step.gone;
    r->bytes += step.bytes;
    r->lacking -= step.bytes < r->lacking ? step.bytes : r->lacking;
    if (step.gone > 0) {
        audit_deleted(r->conf, objects ? "objects" : "results", step.gone, step.study,
                      step.studies);
        crash_point("retention-given-up");
    }
    *end = step.looked < step.look && step.gone < step.most;
    return status;
}

/* Below spoolReserve nothing is received: what may go goes while there is still room. */
static uint64_t lacking_bytes(const struct conf *conf)
{
    uint64_t wanted = 2 * conf->limits.spool_reserve_bytes, free_bytes = spool_free_bytes(conf);
    return free_bytes < wanted ? wanted - free_bytes : 0;
}

/* Bytes above the limit, or that the disk lacks; 0: none. */
static enum store_status over(struct retention *r, uint64_t *bytes)
{
    uint64_t objects = 0, results = 0, limit = r->conf->retention.space_bytes;
    *bytes = r->lacking;
    if (limit == 0)
        return STORE_OK;
    enum store_status status = store_kept_bytes(r->store, &objects, &results);
    if (objects + results > limit && objects + results - limit > *bytes)
        *bytes = objects + results - limit;
    return status;
}

static enum store_status retire_for_space(struct retention *r, bool objects, int64_t now_ms,
                                          bool *end)
{
    uint64_t bytes = 0;
    enum store_status status = over(r, &bytes);
    *end = true;
    if (status != STORE_OK || bytes == 0)
        return status;
    status = retire(r, objects, INT64_MAX, now_ms, bytes, end);
    if (status == STORE_OK)
        status = over(r, &bytes);
    *end = *end || bytes == 0;
    if (!objects && *end && bytes > 0)
        log_event(LOG_AT_WARN, "retention-space",
                  "over=%llu limit=%llu lacking=%llu reserve=%llu "
                  "reason=\"the rest is not delivered, or of open studies\"",
                  (unsigned long long)bytes, (unsigned long long)r->conf->retention.space_bytes,
                  (unsigned long long)r->lacking,
                  (unsigned long long)r->conf->limits.spool_reserve_bytes);
    return status;
}

/* Refused bytes have no row: their file's time speaks. */
static size_t old_in_quarantine(const struct conf *conf, int64_t before_ms, bool remove)
{
    char path[PATH_MAX];
    size_t found = 0;
    node_path(conf, path, sizeof path, "quarantine");
    DIR *directory = opendir(path);
    if (directory == NULL)
        return 0;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        struct stat at;
        if (fstatat(dirfd(directory), entry->d_name, &at, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(at.st_mode) || at.st_mtim.tv_sec * 1000LL >= before_ms)
            continue;
        found += !remove || unlinkat(dirfd(directory), entry->d_name, 0) == 0;
    }
    (void)closedir(directory);
    return found;
}

static void empty_quarantine(struct retention *r, int64_t now_ms)
{
    size_t removed =
        old_in_quarantine(r->conf, now_ms - r->conf->retention.quarantine_days * DAY_MS, true);
    r->gone.refused += removed;
    if (removed > 0)
        log_event(LOG_AT_INFO, "quarantine-expired", "files=%zu", removed);
    if (removed > 0)
        audit_retention(r->conf, "quarantine", removed, NULL);
}

static enum store_status delete_rows(struct retention *r, int64_t now_ms, bool *end)
{
    struct store_step step = {.before_ms = now_ms - r->conf->retention.row_days * DAY_MS,
                              .now_ms = now_ms,
                              .look = RETENTION_LOOK,
                              .most = RETENTION_MOST};
    enum store_status status = store_delete_rows(r->store, &r->walk, &step);
    r->studies += step.gone;
    *end = step.looked < step.look && step.gone < step.most;
    return status;
}

/* Orders are kept for months, and their number may be large: a day more does not matter. */
static enum store_status end_orders(struct retention *r, int64_t now_ms, bool *end)
{
    int64_t last = 0;
    struct store_step step = {.before_ms = now_ms - r->conf->retention.row_days * DAY_MS,
                              .look = RETENTION_ORDERS};
    enum store_status status = store_recall(r->store, "retention-orders", &last);
    bool done = last <= now_ms && now_ms - last < DAY_MS; /* later: the clock was set back */
    if (status != STORE_OK || done)
        return status;
    status = store_site_expire(r->store, &r->walk, &step, now_ms - UNMATCHED_MS);
    if (status == STORE_OK)
        status = store_patients_expire(r->store, now_ms, now_ms - UNMATCHED_MS);
    if (status == STORE_OK)
        status = store_renamed_expire(r->store, now_ms - UNMATCHED_MS);
    *end = step.looked < step.look;
    return status == STORE_OK && *end ? store_memorise(r->store, "retention-orders", now_ms)
                                      : status;
}

static enum store_status run_stage(struct retention *r, int64_t now_ms, bool believed, bool *end)
{
    const struct conf_retention *keep = &r->conf->retention;
    *end = true;
    switch (r->stage) {
    case PARKED:
        return believed ? expire(r, now_ms, end) : STORE_OK;
    case OBJECTS:
        return believed ? retire(r, true, now_ms - keep->object_days * DAY_MS, now_ms, 0, end)
                        : STORE_OK;
    case RESULTS:
        return believed ? retire(r, false, now_ms - keep->result_days * DAY_MS, now_ms, 0, end)
                        : STORE_OK;
    case OBJECTS_SPACE:
        return retire_for_space(r, true, now_ms, end);
    case RESULTS_SPACE:
        return retire_for_space(r, false, now_ms, end);
    case QUARANTINE:
        if (believed) {
            empty_quarantine(r, now_ms);
            audit_expire(r->conf, now_ms);
        }
        return STORE_OK;
    case ROWS:
        return believed ? delete_rows(r, now_ms, end) : STORE_OK;
    case ORDERS:
        return believed ? end_orders(r, now_ms, end) : STORE_OK;
    case RESTING:
        break;
    }
    return STORE_OK;
}

static void end_pass(struct retention *r)
{
    if (r->gone.objects + r->gone.results > 0)
        log_event(LOG_AT_INFO, "retention", "objects=%zu results=%zu bytes=%llu", r->gone.objects,
                  r->gone.results, (unsigned long long)r->bytes);
    if (r->studies > 0)
        log_event(LOG_AT_INFO, "rows-expired", "studies=%zu", r->studies);
    if (r->studies > 0)
        audit_retention(r->conf, "rows", r->studies, NULL);
    r->studies = 0;
    r->bytes = 0;
}

/* Stages that have nothing to do end within the turn. */
static enum store_status run_stages(struct retention *r)
{
    int64_t now_ms = clock_utc_ms();
    bool believed = false, end = true;
    enum store_status status = look_at_clock(r, now_ms, &believed);
    if (r->stage == RESTING) {
        r->stage = PARKED;
        r->lacking = lacking_bytes(r->conf);
        r->gone = (struct retention_files){.objects = 0};
    }
    while (status == STORE_OK && end && r->stage != RESTING) {
        status = run_stage(r, now_ms, believed, &end);
        if (status == STORE_OK && end) {
            r->stage++;
            r->walk = (struct store_walk){.id = 0};
        }
    }
    if (r->stage == RESTING)
        end_pass(r);
    return status;
}

/* A file system may free what was removed a little later: so a pass that asks for space anew has
 * waited. */
static bool is_due(const struct retention *r, int64_t now)
{
    return r->stage != RESTING || r->rested_at == 0 || now - r->rested_at >= RETENTION_PASS_MS ||
           (now - r->rested_at >= RETENTION_SHORT_MS && lacking_bytes(r->conf) > 0);
}

enum store_status retention_turn(struct retention *r)
{
    int64_t now = clock_monotonic_ms();
    enum store_status status = STORE_OK;
    if (now < r->turn_at)
        return STORE_OK;
    r->turn_at = now + RETENTION_TURN_MS;
    if (!r->removes && is_due(r, now)) {
        status = run_stages(r);
        r->rested_at = now;
    }
    if (status == STORE_OK)
        status = remove_some(r);
    if (status == STORE_OK)
        status = sweep_turn(r->sweep);
    return status;
}

enum store_status retention_pass(struct retention *r, struct retention_files *gone)
{
    int64_t until = clock_monotonic_ms() + RETENTION_ALONE_MS;
    enum store_status status;
    do
        status = run_stages(r);
    while (status == STORE_OK && r->stage != RESTING && clock_monotonic_ms() < until);
    do
        status = status == STORE_OK ? remove_some(r) : status;
    while (status == STORE_OK && r->removes && clock_monotonic_ms() < until);
    *gone = r->gone;
    return status;
}

/* What a step gives up is taken back: nothing is changed, and the next step goes on behind it. */
static enum store_status count_overdue(struct store *store, bool objects, int64_t days,
                                       int64_t now_ms, size_t *count)
{
    struct store_walk walk = {.id = 0};
    struct store_step step;
    enum store_status status;
    do {
        step = (struct store_step){.before_ms = now_ms - days * DAY_MS - RETENTION_OVERDUE_MS,
                                   .now_ms = now_ms,
                                   .look = RETENTION_LOOK,
                                   .most = RETENTION_MOST};
        status = store_begin(store);
        if (status == STORE_OK)
            status = objects ? store_retire_objects(store, &walk, &step)
                             : store_retire_results(store, &walk, &step);
        store_rollback(store);
        *count += step.gone;
    } while (status == STORE_OK && (step.looked == step.look || step.gone == step.most));
    return status;
}

enum store_status retention_overdue(const struct conf *conf, struct store *store,
                                    struct retention_files *overdue, int64_t *wait_ms)
{
    int64_t now_ms = clock_utc_ms();
    *overdue = (struct retention_files){.objects = 0};
    enum store_status status = store_recall(store, "retention-wait", wait_ms);
    if (status != STORE_OK || *wait_ms > now_ms)
        return status;
    *wait_ms = 0;
    overdue->refused = old_in_quarantine(
        conf, now_ms - conf->retention.quarantine_days * DAY_MS - RETENTION_OVERDUE_MS, false);
    status = count_overdue(store, true, conf->retention.object_days, now_ms, &overdue->objects);
    return status == STORE_OK
               ? count_overdue(store, false, conf->retention.result_days, now_ms, &overdue->results)
               : status;
}
