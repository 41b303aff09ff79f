/* What may go, what was given up, and the removal of its files. */
#include "store_keep.h"
#include "store_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum store_status kept_add(struct store *store, const char *counter, int64_t bytes)
{
    return sql_run(store, sql_prepare(store,
                                      "INSERT INTO counter(name,value) VALUES(?1,?2)"
                                      " ON CONFLICT(name) DO UPDATE SET value=value+?2",
                                      "ti", counter, bytes));
}

enum store_status removal_add(struct store *store, const char *path)
{
    return sql_run(store,
                   sql_prepare(store, "INSERT OR IGNORE INTO removal(path) VALUES(?)", "t", path));
}

/* ---- what may go ---- */

/* By the indices made for it: left alone, SQLite looks through all that are received. */
#define OPEN_STUDY(study)                                                                          \
    "EXISTS(SELECT 1 FROM open_association WHERE open_association.study=" study ") OR"             \
    " EXISTS(SELECT 1 FROM instance o INDEXED BY instance_study_received"                          \
    "   WHERE o.study=" study " AND o.state='received') OR"                                        \
    " (" study "<>'' AND EXISTS(SELECT 1 FROM instance o INDEXED BY instance_due"                  \
    "   WHERE o.study=" study " AND o.reported=0 AND o.state IN ('judged','not-processed')"        \
    "   AND o.withdrawn=''))"
/* The +: by the result's few deliveries, never by the state, which a million may have. CROSS JOIN
 * keeps the order of the tables for the same reason. */
#define WAITING "+d.state IN ('pending','held','parked')"

/* What was made of an object: its report with all that came with it, and its own pictures. The
 * columns: whether something holds it back, and when the last of it was delivered. */
#define OF_ITSELF                                                                                  \
    "result r CROSS JOIN delivery d ON d.result=r.id WHERE r.instance=i.id AND r.instance<>0"
#define OF_ITS_REPORTS                                                                             \
    "covers c CROSS JOIN result r ON r.report=c.result CROSS JOIN delivery d ON d.result=r.id"     \
    " WHERE c.instance=i.id"
#define OBJECTS                                                                                    \
    "SELECT i.id,i.received_ms,i.bytes,i.path," OPEN_STUDY(                                        \
        "i.study") " OR"                                                                           \
                   " EXISTS(SELECT 1 FROM " OF_ITSELF " AND " WAITING ") OR"                       \
                   " EXISTS(SELECT 1 FROM " OF_ITS_REPORTS " AND " WAITING "),"                    \
                   " MAX(COALESCE((SELECT MAX(d.done_ms) FROM " OF_ITSELF                          \
                   " AND +d.state='sent'),0),"                                                     \
                   "  COALESCE((SELECT MAX(d.done_ms) FROM " OF_ITS_REPORTS                        \
                   " AND +d.state='sent'),0)),i.study"                                             \
                   " FROM instance i WHERE i.gone_ms=0 AND (i.received_ms,i.id)>(?1,?2) AND "      \
                   "i.received_ms<?3"                                                              \
                   " ORDER BY i.received_ms,i.id LIMIT ?4"

/* A report's other kinds may be sent in its place: they wait for one another. */
#define RESULTS                                                                                    \
    "SELECT r.id,r.created_ms,r.bytes,r.path," OPEN_STUDY(                                         \
        "r.study") " OR"                                                                           \
                   " EXISTS(SELECT 1 FROM delivery d WHERE d.result=r.id AND " WAITING ") OR"      \
                   " EXISTS(SELECT 1 FROM result o CROSS JOIN delivery d ON d.result=o.id"         \
                   "   WHERE r.report<>0 AND o.report=r.report AND " WAITING "),"                  \
                   " COALESCE((SELECT MAX(d.done_ms) FROM delivery d WHERE d.result=r.id AND "     \
                   "+d.state='sent'),0),r.study"                                                   \
                   " FROM result r WHERE r.gone_ms=0 AND (r.created_ms,r.id)>(?1,?2) AND "         \
                   "r.created_ms<?3"                                                               \
                   " ORDER BY r.created_ms,r.id LIMIT ?4"

#define STEP_MOST 256
struct candidate {
    int64_t id, bytes;
    char path[256];
};

static void add_study(struct store_step *step, const char *study)
{
    for (size_t i = 0; i < step->studies; i++)
        if (strcmp(step->study[i], study) == 0)
            return;
    if (step->studies < STORE_STEP_STUDIES && study[0] != '\0')
        (void)snprintf(step->study[step->studies++], DX_UID_MAX, "%s", study);
}

/* The next rows of the walk; those that may go are candidates. */
static enum store_status look(struct store *store, const char *sql, struct store_walk *walk,
                              struct store_step *step, struct candidate *list)
{
    enum store_status status = STORE_OK;
    size_t most = step->most < STEP_MOST ? step->most : STEP_MOST;
    sqlite3_stmt *row = sql_prepare(store, sql, "iiii", walk->time_ms, walk->id, step->before_ms,
                                    (int64_t)step->look);
    step->looked = step->gone = 0;
    step->bytes = 0;
    step->studies = 0;
    while (step->gone < most && (step->enough == 0 || step->bytes < step->enough) &&
           (status = sql_row(store, row)) == STORE_OK) {
        walk->id = sqlite3_column_int64(row, 0);
        walk->time_ms = sqlite3_column_int64(row, 1);
        step->looked++;
        if (sqlite3_column_int(row, 4) != 0 || sqlite3_column_int64(row, 5) >= step->before_ms)
            continue;
        struct candidate *one = &list[step->gone++];
        one->id = walk->id;
        one->bytes = sqlite3_column_int64(row, 2);
        sql_text(row, 3, one->path, sizeof one->path);
        step->bytes += (uint64_t)one->bytes;
        char study[DX_UID_MAX];
        sql_text(row, 6, study, sizeof study);
        add_study(step, study);
    }
    if (row != NULL)
        (void)sqlite3_reset(row);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status object_give_up(struct store *store, int64_t id, const char *path, int64_t bytes,
                                 int64_t now_ms)
{
    char frame[64];
    (void)snprintf(frame, sizeof frame, "results/frame-%lld.rgb", (long long)id);
    enum store_status status = sql_run(
        store, sql_prepare(store, "UPDATE instance SET gone_ms=? WHERE id=?", "ii", now_ms, id));
    if (status == STORE_OK)
        status = removal_add(store, path);
    if (status == STORE_OK)
        status = removal_add(store, frame);
    return status == STORE_OK ? kept_add(store, "object-bytes", -bytes) : status;
}

static enum store_status give_up_object(struct store *store, const struct candidate *one,
                                        int64_t now_ms)
{
    return object_give_up(store, one->id, one->path, one->bytes, now_ms);
}

static enum store_status give_up_result(struct store *store, const struct candidate *one,
                                        int64_t now_ms)
{
    enum store_status status = sql_run(
        store, sql_prepare(store, "UPDATE result SET gone_ms=? WHERE id=?", "ii", now_ms, one->id));
    if (status == STORE_OK)
        status = removal_add(store, one->path);
    return status == STORE_OK ? kept_add(store, "result-bytes", -one->bytes) : status;
}

static enum store_status retire(struct store *store, const char *sql,
                                enum store_status (*give_up)(struct store *,
                                                             const struct candidate *, int64_t),
                                struct store_walk *walk, struct store_step *step)
{
    static struct candidate list[STEP_MOST];
    struct store_walk from = *walk;
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = look(store, sql, walk, step, list);
    for (size_t i = 0; status == STORE_OK && i < step->gone; i++)
        status = give_up(store, &list[i], step->now_ms);
    status = sql_leave(store, status);
    if (status != STORE_OK) {
        *walk = from;
        step->looked = step->gone = 0;
    }
    return status;
}

enum store_status store_retire_objects(struct store *store, struct store_walk *walk,
                                       struct store_step *step)
{
    return retire(store, OBJECTS, give_up_object, walk, step);
}

enum store_status store_retire_results(struct store *store, struct store_walk *walk,
                                       struct store_step *step)
{
    return retire(store, RESULTS, give_up_result, walk, step);
}

/* ---- rows ---- */

/* The oldest rows without a file. An object of no study stands for itself. */
#define FORGOTTEN                                                                                  \
    "SELECT i.id,i.gone_ms,i.study,"                                                               \
    " EXISTS(SELECT 1 FROM instance o WHERE o.study=i.study AND i.study<>''"                       \
    "   AND (o.gone_ms=0 OR o.gone_ms>=?3)) OR"                                                    \
    " EXISTS(SELECT 1 FROM result r WHERE r.study=i.study AND i.study<>''"                         \
    "   AND (r.gone_ms=0 OR r.gone_ms>=?3)) OR"                                                    \
    " EXISTS(SELECT 1 FROM result r CROSS JOIN delivery d ON d.result=r.id"                        \
    "   WHERE r.study=i.study AND i.study<>'' AND " WAITING ")"                                    \
    " FROM instance i INDEXED BY instance_gone WHERE i.gone_ms<>0"                                 \
    " AND (i.gone_ms,i.id)>(?1,?2) AND i.gone_ms<?3 ORDER BY i.gone_ms,i.id LIMIT ?4"

struct forgotten {
    int64_t id;
    char study[65];
};

/* Whether the study of the one behind the list is in it. */
static bool is_listed(const struct forgotten *list, size_t count)
{
    for (size_t i = 0; list[count].study[0] != '\0' && i < count; i++)
        if (strcmp(list[i].study, list[count].study) == 0)
            return true;
    return false;
}

static enum store_status delete_one(struct store *store, const struct forgotten *one)
{
    if (one->study[0] == '\0')
        return sql_run(store, sql_prepare(store, "DELETE FROM instance WHERE id=?", "i", one->id));
    enum store_status status =
        sql_run(store, sql_prepare(store, "DELETE FROM result WHERE study=?", "t", one->study));
    if (status == STORE_OK)
        status = sql_run(store,
                         sql_prepare(store, "DELETE FROM instance WHERE study=?", "t", one->study));
    return status == STORE_OK ? sql_run(store, sql_prepare(store, "DELETE FROM study WHERE uid=?",
                                                           "t", one->study))
                              : status;
}

static enum store_status delete_rows(struct store *store, struct store_walk *walk,
                                     struct store_step *step)
{
    static struct forgotten list[STEP_MOST + 1];
    enum store_status status = STORE_OK;
    size_t most = step->most < STEP_MOST ? step->most : STEP_MOST;
    sqlite3_stmt *row = sql_prepare(store, FORGOTTEN, "iiii", walk->time_ms, walk->id,
                                    step->before_ms, (int64_t)step->look);
    while (step->gone < most && (status = sql_row(store, row)) == STORE_OK) {
        walk->id = sqlite3_column_int64(row, 0);
        walk->time_ms = sqlite3_column_int64(row, 1);
        step->looked++;
        struct forgotten *one = &list[step->gone];
        one->id = walk->id;
        sql_text(row, 2, one->study, sizeof one->study);
        if (sqlite3_column_int(row, 3) == 0 && !is_listed(list, step->gone))
            step->gone++;
    }
    if (row != NULL)
        (void)sqlite3_reset(row);
    if (status == STORE_NONE)
        status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < step->gone; i++)
        status = delete_one(store, &list[i]);
    return status == STORE_OK
               ? sql_run(store,
                         sql_prepare(store, "DELETE FROM request WHERE answer<>'' AND asked_ms<?",
                                     "i", step->before_ms))
               : status;
}

enum store_status store_delete_rows(struct store *store, struct store_walk *walk,
                                    struct store_step *step)
{
    struct store_walk from = *walk;
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    step->looked = step->gone = 0;
    step->bytes = 0;
    status = sql_leave(store, delete_rows(store, walk, step));
    if (status != STORE_OK) {
        *walk = from;
        step->looked = step->gone = 0;
    }
    return status;
}

enum store_status store_kept_bytes(struct store *store, uint64_t *objects, uint64_t *results)
{
    enum store_status status;
    *objects = *results = 0;
    sqlite3_stmt *rows = sql_prepare(
        store, "SELECT name,value FROM counter WHERE name IN ('object-bytes','result-bytes')", "");
    while ((status = sql_row(store, rows)) == STORE_OK) {
        char name[32];
        int64_t value = sqlite3_column_int64(rows, 1);
        sql_text(rows, 0, name, sizeof name);
        *(strcmp(name, "object-bytes") == 0 ? objects : results) = value > 0 ? (uint64_t)value : 0;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

/* ---- files ---- */

/* A name below results/ without its ending; false for what no row can want (a file half written).
 */
static bool stem(const char *path, char *text, size_t size)
{
    static const char *const endings[] = {".dcm", ".txt", ".why", ".rgb"};
    const char *name = path + strlen("results/");
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen(name), end = strlen(endings[i]);
        if (length <= end || length - end >= size || strcmp(name + length - end, endings[i]) != 0)
            continue;
        memcpy(text, name, length - end);
        text[length - end] = '\0';
        return true;
    }
    return false;
}

static enum store_status wants_result(struct store *store, const char *name, bool *wanted)
{
    long long frame = 0;
    if (sscanf(name, "frame-%lld", &frame) == 1)
        return sql_any(store,
                       sql_prepare(store, "SELECT 1 FROM instance WHERE id=? AND gone_ms=0", "i",
                                   (int64_t)frame),
                       wanted);
    enum store_status status = sql_any(
        store, sql_prepare(store, "SELECT 1 FROM result WHERE uid=? AND gone_ms=0", "t", name),
        wanted);
    if (status != STORE_OK || *wanted)
        return status;
    /* A picture is made before a report enters it. */
    return sql_any(store,
                   sql_prepare(store,
                               "SELECT 1 FROM instance JOIN judgement ON instance=id"
                               " WHERE reported=0 AND state IN ('judged','not-processed') AND"
                               " withdrawn='' AND (picture=?1 OR gsps=?1 OR map=?1) AND"
                               " NOT EXISTS(SELECT 1 FROM result WHERE uid=?1)",
                               "t", name),
                   wanted);
}

enum store_status store_wants_file(struct store *store, const char *path, bool *wanted)
{
    char name[128];
    *wanted = false;
    if (strncmp(path, "objects/", strlen("objects/")) == 0) {
        const char *slash = strrchr(path, '/');
        (void)snprintf(name, sizeof name, "%.64s", slash + 1);
        if (strcmp(slash + 1 + strlen(name), ".dcm") != 0)
            return STORE_OK;
        return sql_any(
            store,
            sql_prepare(store, "SELECT 1 FROM instance WHERE digest=? AND gone_ms=0", "t", name),
            wanted);
    }
    if (strncmp(path, "results/", strlen("results/")) != 0 || !stem(path, name, sizeof name))
        return STORE_OK;
    return wants_result(store, name, wanted);
}

static enum store_status next_removal(struct store *store, const char *after, char path[256])
{
    sqlite3_stmt *row = sql_prepare(
        store, "SELECT path FROM removal WHERE path>? ORDER BY path LIMIT 1", "t", after);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    sql_text(row, 0, path, 256);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status remove_listed(struct store *store, size_t most, store_remover remover,
                                       void *context, size_t *removed, int *failed)
{
    char path[256] = "", after[256] = "";
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < most; i++) {
        bool wanted = false;
        status = next_removal(store, after, path);
        if (status == STORE_OK)
            status = store_wants_file(store, path, &wanted);
        if (status != STORE_OK)
            break;
        memcpy(after, path, sizeof after);
        int code = wanted ? 0 : remover(context, path);
        if (code != 0 && failed != NULL)
            *failed = code;
        if (code != 0)
            continue;
        status = sql_run(store, sql_prepare(store, "DELETE FROM removal WHERE path=?", "t", path));
        *removed += status == STORE_OK && !wanted;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_remove_files(struct store *store, size_t most, store_remover remover,
                                     void *context, size_t *removed, int *failed)
{
    char path[256];
    *removed = 0;
    if (failed != NULL)
        *failed = 0;
    enum store_status status = next_removal(store, "", path); /* no write lock for nothing */
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    return sql_leave(store, remove_listed(store, most, remover, context, removed, failed));
}

enum store_status store_remove_unwanted(struct store *store, const char *path,
                                        store_remover remover, void *context, bool *removed)
{
    bool wanted = true;
    *removed = false;
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = store_wants_file(store, path, &wanted);
    if (status == STORE_OK && !wanted)
        *removed = remover(context, path) == 0;
    return sql_leave(store, status);
}

/* ---- rows whose files should be there ---- */

static enum store_status list_kept(struct store *store, sqlite3_stmt *rows, struct kept_file *list,
                                   size_t room, size_t *count)
{
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < room) {
            struct kept_file *file = &list[(*count)++];
            file->id = sqlite3_column_int64(rows, 0);
            sql_text(rows, 1, file->path, sizeof file->path);
            file->bytes = (uint64_t)sqlite3_column_int64(rows, 2);
        }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_kept_objects(struct store *store, int64_t after, struct kept_file *list,
                                     size_t room, size_t *count)
{
    return list_kept(store,
                     sql_prepare(store,
                                 "SELECT id,path,bytes FROM instance WHERE gone_ms=0 AND id>?"
                                 " ORDER BY id LIMIT ?",
                                 "ii", after, (int64_t)room),
                     list, room, count);
}

enum store_status store_kept_results(struct store *store, int64_t after, struct kept_file *list,
                                     size_t room, size_t *count)
{
    return list_kept(store,
                     sql_prepare(store,
                                 "SELECT id,path,bytes FROM result WHERE gone_ms=0 AND id>?"
                                 " ORDER BY id LIMIT ?",
                                 "ii", after, (int64_t)room),
                     list, room, count);
}

enum store_status store_result_bytes(struct store *store, int64_t id, uint64_t bytes)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = sql_run(store, sql_prepare(store,
                                        "UPDATE result SET bytes=? WHERE id=? AND bytes=0"
                                        " AND gone_ms=0",
                                        "ii", (int64_t)bytes, id));
    if (status == STORE_OK && sqlite3_changes(store->db) > 0)
        status = kept_add(store, "result-bytes", (int64_t)bytes);
    return sql_leave(store, status);
}

enum store_status store_recall(struct store *store, const char *name, int64_t *value)
{
    *value = 0;
    sqlite3_stmt *row = sql_prepare(store, "SELECT value FROM memo WHERE name=?", "t", name);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    *value = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status store_memorise(struct store *store, const char *name, int64_t value)
{
    return sql_run(store, sql_prepare(store, "INSERT OR REPLACE INTO memo(name,value) VALUES(?,?)",
                                      "ti", name, value));
}
