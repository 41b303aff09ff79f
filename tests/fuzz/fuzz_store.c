/* Any bytes as a job store. The first byte says what the others are: a whole database, patches on a
 * whole one, or rows of any values in its tables; and which functions are called on it, since every
 * one prepares its statements anew. It is refused with words, or what comes out of each is within
 * its bounds. */
#include "store_health.h"
#include "store_keep.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
const char *__asan_default_options(void);

/* SQLite takes and gives back megabytes an input: a long quarantine would be all page faults. */
const char *__asan_default_options(void)
{
    return "max_malloc_fill_size=256:quarantine_size_mb=8";
}

#define ROOM 8

static char folder[64], database[80];
static uint8_t *whole; /* a store with a study, its report, a delivery and a request */
static size_t whole_size;

static void must(bool well)
{
    if (!well)
        abort();
}

/* What a store says may be anything but a broken promise. */
static void any(enum store_status status)
{
    must(store_status_text(status)[0] != '\0');
}

/* ---- the database ---- */

static void write_file(const uint8_t *bytes, size_t count)
{
    static const char *const beside[] = {"", "-wal", "-shm", "-journal"};
    char path[100];
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        (void)snprintf(path, sizeof path, "%s%s", database, beside[i]);
        (void)unlink(path);
    }
    int fd = open(database, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(fd >= 0 && (count == 0 || write(fd, bytes, count) == (ssize_t)count));
    (void)close(fd);
}

static struct instance object(int number)
{
    struct instance in = {.received_ms = 1000 + number, .bytes = 100};
    (void)snprintf(in.sop_instance, sizeof in.sop_instance, "1.2.%d", number);
    (void)snprintf(in.digest, sizeof in.digest, "%064d", number);
    (void)snprintf(in.path, sizeof in.path, "objects/00/%064d.dcm", number);
    (void)snprintf(in.study, sizeof in.study, "1.2");
    (void)snprintf(in.association, sizeof in.association, "a");
    return in;
}

static void fill(struct store *store)
{
    const struct addressee to = {"pacs", 1u << RESULT_SR, false};
    const struct judgement judged = {.state = INSTANCE_JUDGED,
                                     .opinion = {{.score = {0.25, 0.75}, .classes = 2}},
                                     .region = {1, 2, 3, 4},
                                     .region_points = 2};
    struct result sr = {
        .kind = RESULT_SR, .uid = "2.25.1", .study = "1.2", .path = "results/1.dcm"};
    const struct store_sample sample = {.series = STORE_SERIES_STUDY, .at_ms = 1};
    struct request request = {.kind = REQUEST_RETRY, .subject = "1"};
    enum store_identity identity;
    int64_t first = 0;
    for (int i = 1; i < 4; i++) {
        struct instance in = object(i);
        must(store_add_instance(store, &in, &identity) == STORE_OK);
        first = i == 1 ? in.id : first;
    }
    must(store_judge(store, first, &judged) == STORE_OK);
    const struct store_report report = {.study = "1.2",
                                        .results = &sr,
                                        .count = 1,
                                        .instances = &first,
                                        .instance_count = 1,
                                        .to = &to,
                                        .to_count = 1,
                                        .samples = &sample,
                                        .sample_count = 1};
    must(store_add_report(store, &report) == STORE_OK);
    must(store_add_request(store, &request) == STORE_OK);
    must(store_memorise(store, "relearned", 1) == STORE_OK);
}

static void remove_folder(void)
{
    write_file(NULL, 0);
    (void)unlink(database);
    (void)rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct store *store = NULL;
    struct stat about;
    char error[256];
    (void)argc, (void)argv;
    bool fast = access("/dev/shm", W_OK) == 0;
    (void)snprintf(folder, sizeof folder, "%s/fuzz-store-XXXXXX", fast ? "/dev/shm" : "/tmp");
    must(mkdtemp(folder) != NULL);
    (void)snprintf(database, sizeof database, "%s/jobs.sqlite", folder);
    (void)atexit(remove_folder);

    must(store_open(database, &store, error, sizeof error) == STORE_OK);
    fill(store);
    store_close(store);
    int fd = open(database, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && fstat(fd, &about) == 0);
    whole_size = (size_t)about.st_size;
    whole = malloc(whole_size);
    must(whole != NULL && read(fd, whole, whole_size) == (ssize_t)whole_size);
    (void)close(fd);
    return 0;
}

/* ---- what the bytes say ---- */

struct input {
    const uint8_t *at, *end;
};

static uint64_t take(struct input *in, size_t bytes)
{
    uint64_t value = 0;
    for (; bytes > 0; bytes--)
        value = value << 8 | (in->at < in->end ? *in->at++ : 0);
    return value;
}

/* Patches: three bytes of place, one of length, and that many. */
static void make_patched(struct input *in)
{
    uint8_t *changed = malloc(whole_size);
    must(changed != NULL);
    memcpy(changed, whole, whole_size);
    while (in->at < in->end) {
        size_t at = (size_t)take(in, 3) % whole_size;
        for (size_t count = (size_t)take(in, 1); count > 0 && at < whole_size; count--)
            changed[at++] = (uint8_t)take(in, 1);
    }
    write_file(changed, whole_size);
    free(changed);
}

static void bind(sqlite3_stmt *row, int column, struct input *in)
{
    static const char *const words[] = {
        "received", "judged",  "not-processed", "pending", "parked", "sent", "held", "sr",
        "sc",       "current", "1.2.1",         "1.2",     "study",  "pacs", ""};
    static const size_t most = 1u << 17;
    size_t count;
    double real;
    uint64_t bits;
    switch (take(in, 1) % 8) {
    case 0:
        (void)sqlite3_bind_null(row, column);
        break;
    case 1:
        (void)sqlite3_bind_int64(row, column, (int64_t)take(in, 8));
        break;
    case 2:
        bits = take(in, 8);
        memcpy(&real, &bits, sizeof real);
        (void)sqlite3_bind_double(row, column, real);
        break;
    case 3:
    case 4:
        count = (size_t)take(in, 1);
        if (count > (size_t)(in->end - in->at))
            count = (size_t)(in->end - in->at);
        if (count % 2 == 0)
            (void)sqlite3_bind_text(row, column, (const char *)in->at, (int)count, SQLITE_STATIC);
        else
            (void)sqlite3_bind_blob(row, column, in->at, (int)count, SQLITE_STATIC);
        in->at += count;
        break;
    case 5: /* long, and no end in it */
        (void)sqlite3_bind_zeroblob(row, column, (int)(take(in, 3) % most));
        break;
    case 6:
        (void)sqlite3_bind_text(row, column, words[take(in, 1) % (sizeof words / sizeof *words)],
                                -1, SQLITE_STATIC);
        break;
    default:
        (void)sqlite3_bind_int(row, column, (int)take(in, 1) - 2);
    }
}

/* A row: one byte of table, then a value for each column. Long texts are made of blobs, below. */
static void put_row(sqlite3 *db, const char *table, int columns, struct input *in)
{
    char sql[512] = "";
    sqlite3_stmt *row = NULL;
    int used = snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO %s VALUES(?", table);
    for (int i = 1; i < columns; i++)
        used += snprintf(sql + used, sizeof sql - (size_t)used, ",?");
    (void)snprintf(sql + used, sizeof sql - (size_t)used, ")");
    must(sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK);
    for (int i = 1; i <= columns; i++)
        bind(row, i, in);
    (void)sqlite3_step(row); /* a constraint may refuse it */
    (void)sqlite3_finalize(row);
}

static void make_rows(struct input *in)
{
    static const char *const tables[] = {"instance", "judgement", "study",    "open_association",
                                         "result",   "covers",    "delivery", "counter",
                                         "request",  "rejected",  "removal",  "memo",
                                         "sample",   "hour",      "alarm",    "selftest"};
    sqlite3 *db = NULL;
    write_file(whole, whole_size);
    must(sqlite3_open(database, &db) == SQLITE_OK);
    must(sqlite3_exec(db, "PRAGMA synchronous=OFF;BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    while (in->at < in->end) {
        const char *table = tables[take(in, 1) % (sizeof tables / sizeof *tables)];
        char sql[64];
        sqlite3_stmt *columns = NULL;
        (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
        must(sqlite3_prepare_v2(db, sql, -1, &columns, NULL) == SQLITE_OK);
        int count = sqlite3_column_count(columns);
        (void)sqlite3_finalize(columns);
        put_row(db, table, count, in);
    }
    /* Text that has no end where its column has room: blobs of zeros say how long. */
    must(sqlite3_exec(db,
                      "UPDATE instance SET detail=CAST(replace(hex(detail),'00','x') AS TEXT)"
                      " WHERE typeof(detail)='blob';"
                      "UPDATE judgement SET scores=replace(hex(scores),'00','1 ')"
                      " WHERE typeof(scores)='blob';"
                      "UPDATE judgement SET region=replace(hex(region),'00','-1e308 ')"
                      " WHERE typeof(region)='blob';COMMIT",
                      NULL, NULL, NULL) == SQLITE_OK);
    must(sqlite3_close(db) == SQLITE_OK);
}

/* ---- every reader ---- */

static void ends(const char *text, size_t size)
{
    must(memchr(text, '\0', size) != NULL);
}

static void look_instance(const struct instance *in)
{
    must((unsigned)in->state < INSTANCE_STATES && srt_reason_name(in->reason)[0] != '\0');
    ends(in->sop_instance, sizeof in->sop_instance);
    ends(in->path, sizeof in->path);
    ends(in->detail, sizeof in->detail);
    ends(in->withdrawn, sizeof in->withdrawn);
}

static void look_result(const struct result *result)
{
    must((unsigned)result->kind < RESULT_KINDS && (unsigned)result->state <= RESULT_PARKED);
    must(srt_outcome_name(result->outcome)[0] != '\0');
    ends(result->uid, sizeof result->uid);
    ends(result->path, sizeof result->path);
    ends(result->why, sizeof result->why);
}

static void read_judgement(struct store *store, int64_t id)
{
    struct judgement j;
    uint8_t *attrs = NULL;
    if (store_get_judgement(store, id, &j, &attrs) == STORE_OK) {
        for (int m = 0; m < SRT_MAX_MODELS; m++)
            must(j.opinion[m].classes >= 0 && j.opinion[m].classes <= SRT_MAX_CLASSES);
        must(j.region_points <= STORE_REGION_POINTS && (attrs != NULL) == (j.attrs_bytes > 0));
        must((unsigned)j.coverage <= SRT_COVERAGE_FULL);
        ends(j.picture, sizeof j.picture);
    }
    free(attrs);
}

static void read_instances(struct store *store)
{
    struct instance list[ROOM], one;
    size_t count = 0;
    any(store_list(store, list, ROOM, &count));
    must(count <= ROOM);
    for (size_t i = 0; i < count; i++) {
        look_instance(&list[i]);
        read_judgement(store, list[i].id);
        if (store_last_answer(store, list[i].sop_instance, INT64_MAX, &one) == STORE_OK)
            look_instance(&one);
        any(store_last_decoded(store, list[i].sop_instance, INT64_MAX, &one));
    }
    if (store_next_received(store, 0, &one) == STORE_OK)
        look_instance(&one);
}

static void read_results(struct store *store)
{
    struct result list[ROOM], kinds[3];
    size_t count = 0, bytes = 0, some = 0;
    any(store_results(store, list, ROOM, &count));
    must(count <= ROOM);
    for (size_t i = 0; i < count; i++) {
        uint8_t *attrs = NULL;
        int64_t *ids = NULL;
        bool ours = false;
        look_result(&list[i]);
        any(store_result_attrs(store, list[i].id, &attrs, &bytes));
        free(attrs);
        any(store_result_images(store, &list[i], &ids, &some));
        free(ids);
        any(store_report_kinds(store, list[i].report, kinds, &some));
        must(some <= 3);
        any(store_is_result(store, list[i].uid, &ours));
    }
    any(store_study_results(store, "1.2", list, ROOM, &count));
    any(store_to_reject(store, "pacs", list, ROOM, &count));
    must(count <= ROOM);
}

static bool look_study(void *context, const struct study *study)
{
    struct store *store = context;
    struct result last;
    int64_t *ids = NULL;
    size_t count = 0;
    must((unsigned)study->amendment <= SRT_BY_PERSON);
    ends(study->uid, sizeof study->uid);
    if (store_study_instances(store, study->uid, &ids, &count) == STORE_OK &&
        store_last_report(store, ids, count, &last) == STORE_OK)
        look_result(&last);
    free(ids);
    return true;
}

static void read_deliveries(struct store *store)
{
    struct delivery list[ROOM];
    struct store_oldest_pending waiting[ROOM];
    size_t count = 0;
    any(store_pending(store, "pacs", INT64_MAX, INT64_MAX, list, ROOM, &count));
    must(count <= ROOM);
    for (size_t i = 0; i < count; i++)
        look_result(&list[i].result);
    any(store_parked(store, list, ROOM, &count));
    must(count <= ROOM);
    for (size_t i = 0; i < count; i++)
        ends(list[i].last_error, sizeof list[i].last_error);
    any(store_oldest_pending(store, waiting, ROOM, &count));
    must(count <= ROOM);
}

static void read_health(struct store *store)
{
    struct store_sample samples[ROOM];
    struct store_alarm alarms[ROOM];
    struct store_selftest selftest;
    struct store_oldest oldest;
    struct store_hour *hours = NULL;
    struct store_counts counts;
    size_t count = 0;
    int64_t last;
    uint64_t objects, results;
    any(store_first_samples(store, STORE_SERIES_STUDY, 0, samples, ROOM, &count, &last));
    any(store_last_samples(store, STORE_SERIES_STUDY, 0, samples, ROOM, &count));
    must(count <= ROOM);
    any(store_hours(store, 0, ROOM, &hours, &count));
    free(hours);
    any(store_alarms(store, alarms, ROOM, &count));
    must(count <= ROOM);
    if (store_last_selftest(store, &selftest) == STORE_OK)
        ends(selftest.detail, sizeof selftest.detail);
    any(store_oldest(store, &oldest));
    any(store_counts(store, &counts));
    any(store_kept_bytes(store, &objects, &results));
    any(store_relearned(store, &last));
}

static void read_requests(struct store *store)
{
    struct request request;
    char answer[STORE_ANSWER_MAX];
    int64_t after = 0;
    for (int i = 0; i < ROOM && store_next_request(store, after, &request) == STORE_OK; i++) {
        must((unsigned)request.kind <= REQUEST_KINDS);
        ends(request.subject, sizeof request.subject);
        any(store_request_answer(store, request.id, answer, sizeof answer));
        after = request.id;
    }
}

/* ---- what acts upon what it reads ---- */

static int remover(void *context, const char *path)
{
    (void)context;
    must(memchr(path, '\0', 256) != NULL);
    return 0;
}

static void keep(struct store *store)
{
    struct kept_file files[ROOM];
    struct store_walk walk = {.id = 0};
    struct store_step step = {.before_ms = INT64_MAX, .now_ms = 9, .look = 64, .most = 4};
    const struct store_patient patient = {"P", ""};
    struct store_forgotten forgotten;
    size_t count = 0;
    int failed;
    any(store_kept_objects(store, 0, files, ROOM, &count));
    for (size_t i = 0; i < count; i++)
        any(store_give_up_path(store, files[i].path, 9));
    any(store_kept_results(store, 0, files, ROOM, &count));
    must(count <= ROOM);
    for (size_t i = 0; i < count; i++)
        any(store_give_up_path(store, files[i].path, 9));
    any(store_retire_objects(store, &walk, &step));
    walk = (struct store_walk){.id = 0};
    any(store_retire_results(store, &walk, &step));
    walk = (struct store_walk){.id = 0};
    any(store_delete_rows(store, &walk, &step));
    any(store_remove_files(store, ROOM, remover, NULL, &count, &failed));
    any(store_count_patient(store, &patient, &forgotten));
    any(store_forget_patient(store, &patient, NULL, 0, 9, &forgotten));
    any(store_trim_health(store, INT64_C(1) << 50, 3));
}

static void order(struct store *store)
{
    char answer[STORE_ANSWER_MAX];
    struct delivery list[ROOM];
    struct instance again = object(1);
    enum store_identity identity;
    size_t count = 0;
    for (int64_t id = 0; id < 4; id++) {
        any(store_retry(store, id, answer));
        any(store_release_job(store, id, answer));
        any(store_release_delivery(store, id, answer));
        any(store_cancel_delivery(store, id, answer));
    }
    any(store_expire_parked(store, INT64_MAX, 9, list, ROOM, &count));
    any(store_withdraw(store, "1.2.1", NULL, NULL, "113001", &count));
    any(store_reissue(store, "2.25.1"));
    any(store_retract(store, "2.25.1", "113001"));
    any(store_add_instance(store, &again, &identity));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct store *store = NULL;
    char error[256] = "";
    struct input in = {bytes, bytes + count};
    unsigned first = (unsigned)take(&in, 1), kind = first % 3, what = first / 3 % 4;
    if (kind == 0)
        write_file(in.at, (size_t)(in.end - in.at));
    else if (kind == 1)
        make_patched(&in);
    else
        make_rows(&in);

    if (store_open(database, &store, error, sizeof error) != STORE_OK) {
        must(store == NULL && error[0] != '\0');
        return 0;
    }
    if (what == 0) {
        any(store_verify(store));
        read_instances(store);
        any(store_studies_due(store, look_study, store));
    } else if (what == 1) {
        read_results(store);
        read_deliveries(store);
        read_health(store);
        read_requests(store);
    } else if (what == 2) {
        order(store);
    } else {
        keep(store);
    }
    store_close(store);
    return 0;
}
