/* Forgetting a patient:
 *
 *   objects not judged yet, by a scan of their files -+
 *   refused bytes under the patient's IDs removed: the store still knows which were merged
 *   rows scrubbed, files given up, deliveries cancelled [store_forget_patient]
 *   files removed, directories synced
 *   the request's own words of the patient go, its answer is drafted      <- a crash before: again
 *   write-ahead log emptied, so that the old bytes are gone, then answered <- a crash before: this
 */
#include "retention.h"

#include "audit.h"
#include "clock.h"
#include "dx_prescan.h"
#include "object.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAITING_MOST 1000 /* objects not judged yet that are scanned; with more, later */

/* Removes what was given up, all of it, now; directories are synced. *left: files that could not be
 * removed. */
static enum store_status remove_now(const struct conf *conf, struct store *store, size_t *removed,
                                    size_t *left)
{
    size_t some = 0;
    int failed = 0;
    enum store_status status;
    *removed = *left = 0;
    do {
        status = store_remove_files(store, RETENTION_FILES, retention_remove, (void *)conf, &some,
                                    &failed);
        *removed += some;
    } while (status == STORE_OK && some > 0);
    *left = failed != 0;
    int fd = open(conf->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || syncfs(fd) != 0)
        *left = 1;
    if (fd >= 0)
        (void)close(fd);
    return status;
}

/* *is: whether the Patient ID of a file, as far as it can be scanned, without blanks at its ends,
 * is one of those of store_find_ids. */
static enum store_status is_of(const struct conf *conf, struct store *store, const char *path,
                               bool *is)
{
    struct dx_limits limits;
    struct dx_scan scan = {.patient_id = ""};
    struct dx_error err = {.status = DX_OK};
    char syntax[DX_UID_MAX] = "";
    *is = false;
    dataset_limits_of(&conf->limits, &limits);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return STORE_OK;
    enum dx_status status = dx_prescan_file(fd, &limits, syntax, &scan, &err);
    (void)status; /* what was refused may still tell whose it is */
    (void)close(fd);
    return store_is_found_id(store, scan.patient_id, is);
}

static enum store_status find_waiting(const struct conf *conf, struct store *store,
                                      int64_t ids[WAITING_MOST], size_t *count)
{
    struct instance instance = {.id = 0};
    enum store_status status;
    size_t looked = 0;
    *count = 0;
    while ((status = store_next_received(store, instance.id, &instance)) == STORE_OK) {
        char path[PATH_MAX];
        bool is;
        if (++looked > WAITING_MOST)
            return STORE_BUSY;
        node_path(conf, path, sizeof path, "%s", instance.path);
        status = is_of(conf, store, path, &is);
        if (status != STORE_OK)
            return status;
        if (is)
            ids[(*count)++] = instance.id;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status empty_quarantine(const struct conf *conf, struct store *store,
                                          size_t *removed)
{
    char path[PATH_MAX];
    enum store_status status = STORE_OK;
    *removed = 0;
    node_path(conf, path, sizeof path, "quarantine");
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (status == STORE_OK && directory != NULL && (entry = readdir(directory)) != NULL) {
        bool is;
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 4, ".dcm") != 0)
            continue;
        node_path(conf, path, sizeof path, "quarantine/%s", entry->d_name);
        status = is_of(conf, store, path, &is);
        if (status != STORE_OK || !is || unlink(path) != 0)
            continue;
        (*removed)++;
        node_path(conf, path, sizeof path, "quarantine/%.*s.txt", (int)length - 4, entry->d_name);
        (void)unlink(path);
    }
    if (directory != NULL)
        (void)closedir(directory);
    return status;
}

/* What came under it is the other's by now; what was said of it is needed to find that. */
static enum store_status leave_merged(struct store *store, const struct request *request,
                                      char answer[STORE_ANSWER_MAX])
{
    (void)snprintf(answer, STORE_ANSWER_MAX,
                   "nothing was removed: the site has merged this ID into another; forget that "
                   "one");
    return store_draft_answer(store, request->id, answer);
}

static enum store_status remove_all(const struct conf *conf, struct store *store,
                                    const struct request *request, char answer[STORE_ANSWER_MAX])
{
    static int64_t ids[WAITING_MOST];
    const struct store_patient patient = {request->subject, request->issuer};
    struct store_forgotten forgotten;
    size_t count = 0, removed = 0, left = 0, refused = 0;
    bool merged = false;
    enum store_status status = store_find_ids(store, &patient, &merged);
    if (status == STORE_OK)
        status = store_count_patient(store, &patient, &forgotten);
    if (status == STORE_OK && merged && forgotten.objects + forgotten.results == 0)
        return leave_merged(store, request, answer);
    if (status == STORE_OK)
        status = find_waiting(conf, store, ids, &count);
    if (status == STORE_OK)
        status = empty_quarantine(conf, store, &refused);
    if (status == STORE_OK)
        status = store_forget_patient(store, &patient, ids, count, clock_utc_ms(), &forgotten);
    if (status != STORE_OK)
        return status;
    crash_point("forget-scrubbed");
    status = remove_now(conf, store, &removed, &left);
    if (status != STORE_OK)
        return status;
    crash_point("forget-removed");
    if (forgotten.objects + forgotten.results + refused == 0)
        (void)snprintf(answer, STORE_ANSWER_MAX, "nothing of this patient is here");
    else
        (void)snprintf(answer, STORE_ANSWER_MAX,
                       "forgotten: %zu objects, %zu results, %zu refused; %zu deliveries "
                       "cancelled%s",
                       forgotten.objects, forgotten.results, refused, forgotten.deliveries,
                       left > 0 ? "; FILES ARE LEFT that cannot be removed (see the log)" : "");
    audit_forgotten(conf, request->who, patient.id, answer);
    return store_draft_answer(store, request->id, answer);
}

enum store_status forget_patient(const struct conf *conf, struct store *store,
                                 const struct request *request, char answer[STORE_ANSWER_MAX])
{
    enum store_status status = STORE_OK;
    (void)snprintf(answer, STORE_ANSWER_MAX, "%.*s", STORE_ANSWER_MAX - 1, request->draft);
    if (request->draft[0] == '\0')
        status = remove_all(conf, store, request, answer);
    crash_point("forget-drafted");
    return status == STORE_OK ? store_checkpoint(store) : status;
}
