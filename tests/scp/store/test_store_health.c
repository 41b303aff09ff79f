/* What the node remembers of itself: samples, hours, alarms, self-tests; and the picture that
 * health_read makes of them, and what health_watch tells of its changes. */
#include "scp_fixture.h"

#include "clock.h"
#include "health_watch.h"
#include "store_health.h"
#include <fcntl.h>
#include <sqlite3.h>

#define HOUR   STORE_HOUR_MS
#define MODEL  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SECOND "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct conf_health limits = {.check_seconds = 1,
                                          .oldest_job_seconds = 900,
                                          .silence_hours = 2,
                                          .silence_expected = 12,
                                          .reference = 100,
                                          .minimum = 30,
                                          .cusum_limit = 14,
                                          .odds_ratio = 2,
                                          .score_shift = 50};

/* The first report of a study that says this. */
static void report(struct store *store, int number, const struct store_sample *samples,
                   size_t count, int64_t last)
{
    struct result r = {.kind = RESULT_SR, .outcome = SRT_NO_FINDING, .created_ms = 1000};
    snprintf(r.uid, sizeof r.uid, "2.25.%d", number);
    snprintf(r.study, sizeof r.study, "1.2.4.%d", number);
    snprintf(r.path, sizeof r.path, "results/%d.dcm", number);
    const struct store_report made = {.study = r.study,
                                      .results = &r,
                                      .count = 1,
                                      .last = last,
                                      .samples = samples,
                                      .sample_count = count};
    FIXTURE_OK(store_add_report(store, &made));
}

static void sql(const struct fixture *f, const char *text)
{
    sqlite3 *db = NULL;
    char *error = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
    sqlite3_close(db);
}

static size_t first_of(struct store *store, const char *series, int64_t since_ms, size_t room)
{
    struct store_sample list[16];
    size_t count;
    int64_t last;
    FIXTURE_OK(store_first_samples(store, series, since_ms, list, room, &count, &last));
    assert_true((count == 0) == (last == 0));
    return count;
}

static void only_a_first_report_is_a_sample(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_sample list[16];
    size_t count;
    int64_t last;
    const struct store_sample samples[] = {
        {.series = STORE_SERIES_STUDY, .at_ms = 5},
        {.series = MODEL, .at_ms = 5, .hit = true, .score = 1.0 / 3}};
    report(store, 1, samples, 2, 0);
    report(store, 1, samples, 2, 0); /* again, as after a crash */
    report(store, 2, samples, 2, 1); /* amends */
    report(store, 3, samples, 1, 0);
    FIXTURE_OK(store_first_samples(store, MODEL, 0, list, 16, &count, &last));
    assert_int_equal(count, 1);
    assert_true(list[0].hit && list[0].at_ms == 5);
    assert_true(list[0].score >= 1.0 / 3 && list[0].score <= 1.0 / 3);
    assert_int_equal(first_of(store, STORE_SERIES_STUDY, 0, 16), 2);
    assert_int_equal(first_of(store, STORE_SERIES_STUDY, 0, 1), 1);
    assert_int_equal(first_of(store, STORE_SERIES_STUDY, 6, 16), 0);
    assert_int_equal(first_of(store, SECOND, 0, 16), 0);
    store_close(store);
}

static void the_last_samples_come_in_order(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_sample list[4];
    size_t count;
    int64_t last;
    for (int i = 0; i < 10; i++)
        FIXTURE_OK(store_count_association(store, i, i % 3 == 0));
    FIXTURE_OK(store_first_samples(store, STORE_SERIES_ASSOCIATION, 2, list, 4, &count, &last));
    assert_true(count == 4 && list[0].at_ms == 2 && list[3].at_ms == 5 && !list[0].hit);
    FIXTURE_OK(store_last_samples(store, STORE_SERIES_ASSOCIATION, last, list, 3, &count));
    assert_true(count == 3 && list[0].at_ms == 7 && list[2].at_ms == 9 && list[2].hit);
    store_close(store);
}

static void a_study_counts_for_its_station_once(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_hour *hours;
    size_t count;
    for (int i = 0; i < 6; i++) { /* two studies of three images */
        struct instance in = fixture_instance(i, i, i / 3, "a");
        enum store_identity identity;
        snprintf(in.calling, sizeof in.calling, i < 3 ? "CR" : "DX");
        in.received_ms = (100 + i) * HOUR + 7;
        FIXTURE_OK(store_add_instance(store, &in, &identity));
    }
    FIXTURE_OK(store_hours(store, 0, 8, &hours, &count));
    assert_int_equal(count, 2);
    assert_true(strcmp(hours[0].station, "CR") == 0 && hours[0].hour == 100);
    assert_true(strcmp(hours[1].station, "DX") == 0 && hours[1].hour == 103);
    assert_int_equal(hours[1].studies, 1);
    free(hours);
    FIXTURE_OK(store_hours(store, 101, 8, &hours, &count));
    assert_int_equal(count, 1);
    free(hours);
    sql(*state, "INSERT INTO hour VALUES('DX',104,9)");
    FIXTURE_OK(store_hours(store, 0, 1, &hours, &count)); /* that sends most */
    assert_true(count == 2 && strcmp(hours[0].station, "DX") == 0);
    free(hours);
    store_close(store);
}

static void trimming_keeps_references_and_the_last(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_sample list[16];
    size_t count;
    int64_t last, at_ms;
    char text[512];
    snprintf(text, sizeof text,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d)"
             " INSERT INTO sample(series,at_ms,hit,score) SELECT '" MODEL "',i,0,0 FROM n;"
             "INSERT INTO hour VALUES('A',10,1),('A',5000,1)",
             STORE_SAMPLES + 500);
    sql(*state, text);
    FIXTURE_OK(store_relearned(store, &at_ms));
    assert_int_equal(at_ms, 0);
    FIXTURE_OK(store_trim_health(store, 5001 * HOUR, 10));
    FIXTURE_OK(store_first_samples(store, MODEL, 0, list, 12, &count, &last));
    assert_true(list[9].at_ms == 10 && list[10].at_ms == 501);
    FIXTURE_OK(store_relearn(store, 505));
    FIXTURE_OK(store_relearned(store, &at_ms));
    assert_int_equal(at_ms, 505);
    FIXTURE_OK(store_trim_health(store, 5001 * HOUR, 10));
    FIXTURE_OK(store_first_samples(store, MODEL, 0, list, 12, &count, &last));
    assert_int_equal(list[0].at_ms, 501); /* the old reference went */
    struct store_hour *hours;
    FIXTURE_OK(store_hours(store, 0, 8, &hours, &count));
    assert_true(count == 1 && hours[0].hour == 5000);
    free(hours);
    store_close(store);
}

static void a_self_test_comes_back(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_selftest in = {.at_ms = 7,
                                .unlocked = 1,
                                .cause = "upgrade",
                                .build = "bb",
                                .kernels = "k",
                                .models = MODEL " " SECOND,
                                .what = "score",
                                .detail = "other"},
                          out;
    assert_int_equal(store_last_selftest(store, &out), STORE_NONE);
    FIXTURE_OK(store_add_selftest(store, &in));
    FIXTURE_OK(store_last_selftest(store, &out));
    assert_memory_equal(&in, &out, sizeof in);
    in.passed = true;
    FIXTURE_OK(store_add_selftest(store, &in));
    FIXTURE_OK(store_last_selftest(store, &out));
    assert_true(out.passed);
    store_close(store);
}

static void images_of_a_result(void **state)
{
    struct store *store = fixture_open(*state);
    struct result result = {.report = 1};
    int64_t *ids;
    size_t count;
    sql(*state, "PRAGMA foreign_keys=OFF;INSERT INTO covers VALUES(1,3),(1,2),(2,9)");
    FIXTURE_OK(store_result_images(store, &result, &ids, &count));
    assert_true(count == 2 && ids[0] == 2 && ids[1] == 3);
    free(ids);
    result.instance = 3; /* a picture */
    FIXTURE_OK(store_result_images(store, &result, &ids, &count));
    assert_true(count == 1 && ids[0] == 3);
    free(ids);
    result = (struct result){.report = 7};
    FIXTURE_OK(store_result_images(store, &result, &ids, &count));
    assert_int_equal(count, 0);
    free(ids);
    store_close(store);
}

/* ---- the picture ---- */

/* A node of this process, well: it runs, it was tested. */
static struct store *well_node(struct fixture *f)
{
    const struct store_selftest passed = {.at_ms = 1, .passed = true, .models = MODEL};
    f->conf.health = limits;
    fixture_roles(f, -1, -1);
    struct store *store = fixture_open(f);
    FIXTURE_OK(store_add_selftest(store, &passed));
    return store;
}

/* The one reason why not; "" well. */
static const char *why(struct fixture *f, struct store *store, int64_t now_ms)
{
    static char name[128];
    struct health health;
    assert_true(health_read(&f->conf, store, "gone", now_ms, &health));
    name[0] = '\0';
    if (health.why_count > 1)
        fail_msg("%zu reasons: %s, %s", health.why_count, health.why[0].name, health.why[1].name);
    if (health.why_count == 1)
        snprintf(name, sizeof name, "%s %s", health.why[0].name, health.why[0].subject);
    health_finish(&health);
    return name;
}

static void each_reason_by_itself(void **state)
{
    struct fixture *f = *state;
    struct store *store = well_node(f);
    char path[160], text[256];
    int64_t now = 2000 * HOUR;
    assert_string_equal(why(f, store, now), "");
    assert_string_equal(why(f, NULL, now), "job-store ");
    f->conf.limits.spool_reserve_bytes = UINT64_MAX;
    assert_string_equal(why(f, store, now), "spool-full ");
    (void)snprintf(path, sizeof path, "%s/quarantine/1.dcm", f->spool);
    fixture_write(path, "123456789");
    f->conf.limits = (struct conf_limits){.quarantine_objects = 2, .quarantine_bytes = 10};
    assert_string_equal(why(f, store, now), "quarantine-full ");
    f->conf.limits.quarantine_bytes = 11;
    assert_string_equal(why(f, store, now), "");
    f->conf.limits.quarantine_objects = 1;
    assert_string_equal(why(f, store, now), "quarantine-full ");
    f->conf.limits.quarantine_bytes = 0; /* none is kept, and that was meant */
    assert_string_equal(why(f, store, now), "");
    const struct store_selftest failed = {.at_ms = 2, .what = "score", .models = MODEL},
                                passed = {.at_ms = 2, .passed = true, .models = MODEL};
    FIXTURE_OK(store_add_selftest(store, &failed));
    assert_string_equal(why(f, store, now), "selftest ");
    FIXTURE_OK(store_add_selftest(store, &passed));
    sql(f, "DELETE FROM selftest");
    assert_string_equal(why(f, store, now), "selftest ");
    FIXTURE_OK(store_add_selftest(store, &passed));

    snprintf(path, sizeof path, "%s/run/node", f->spool);
    for (int i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "%s ", fixture_role[i]);
        fixture_roles(f, i, -1);
        assert_string_equal(why(f, store, now), text);
        fixture_roles(f, -1, i); /* the last one may not be wanted */
        assert_string_equal(why(f, store, now), i < 3 ? text : "");
    }
    fixture_write(path, "pid=0\n");
    assert_string_equal(why(f, store, now), "node ");
    unlink(path);
    assert_string_equal(why(f, store, now), "node ");
    store_close(store);
}

static void the_oldest_job_of_each_kind(void **state)
{
    struct fixture *f = *state;
    struct store *store = well_node(f);
    struct health health;
    int64_t now = 5000 * HOUR, late = now - 901 * 1000, early = now - 899 * 1000;
    char text[512];
    static const struct {
        const char *sql, *why;
    } jobs[] = {
        {"DELETE FROM instance;DELETE FROM study;DELETE FROM delivery;DELETE FROM result;"
         "INSERT INTO instance(state,sop_class,sop_instance,study,series,transfer_syntax,digest,"
         "path,bytes,calling,called,address,association,received_ms,rival)"
         " VALUES('received','','1','s','','','','',0,'','','','',%lld,0)",
         "oldest-job object"},
        {"UPDATE instance SET state='judged';INSERT INTO study(uid,last_received_ms)"
         " VALUES('s',%lld)",
         "oldest-job report"},
        {"DELETE FROM instance;DELETE FROM study;"
         "INSERT INTO result(id,kind,uid,sop_class,series,study,path,digest,outcome,created_ms)"
         " VALUES(1,'sr','1','','','s','','','finding',%lld);"
         "INSERT INTO delivery(result,destination,state) VALUES(1,'p','pending')",
         "oldest-job delivery"},
    };
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, jobs[i].sql, (long long)late);
        sql(f, text);
        assert_string_equal(why(f, store, now), jobs[i].why);
        assert_string_equal(why(f, store, early), "");
        assert_string_equal(why(f, store, late - 1000000), ""); /* the clock was set back */
    }
    sql(f, "UPDATE delivery SET state='held'"); /* until a radiologist's report: no job waits */
    assert_string_equal(why(f, store, now), "");
    assert_true(health_read(&f->conf, store, "", now, &health));
    assert_null(health.oldest_kind);
    health_finish(&health);
    store_close(store);
}

static void what_waits_by_design_is_no_old_job(void **state)
{
    struct fixture *f = *state;
    struct store *store = well_node(f);
    int64_t now = 5000 * HOUR, late = now - 901 * 1000;
    char text[512];
    sql(f, "DELETE FROM instance;DELETE FROM study;DELETE FROM delivery;DELETE FROM result;"
           "INSERT INTO result(id,kind,uid,sop_class,series,study,path,digest,outcome,created_ms)"
           " VALUES(1,'sr','1','','','s','','','finding',1)"); /* a study that an association still
                                                                * carries, or that is quiet for less
                                                                * than its time, does not wait */
    snprintf(text, sizeof text,
             "INSERT INTO instance(state,sop_class,sop_instance,study,series,transfer_syntax,"
             "digest,path,bytes,calling,called,address,association,received_ms,rival)"
             " VALUES('judged','','1','s','','','','',0,'','','','',%lld,0);"
             "INSERT INTO study(uid,last_received_ms) VALUES('s',%lld)",
             (long long)late, (long long)late);
    sql(f, text);
    assert_string_equal(why(f, store, now), "oldest-job report");
    f->conf.quiet_seconds = 10;
    assert_string_equal(why(f, store, now), "");
    f->conf.quiet_seconds = 0;
    sql(f, "INSERT INTO open_association VALUES('a','s')");
    assert_string_equal(why(f, store, now), "");
    sql(f, "DELETE FROM instance;INSERT INTO delivery(result,destination,state)"
           " VALUES(1,'p','pending')");
    struct conf_destination *to = calloc(1, sizeof *to);
    struct conf_peer peer = {.name = "p"};
    assert_non_null(to);
    to->peer = &peer;
    f->conf.destinations = to;
    f->conf.destination_count = 1; /* known, and the mode is shadow */
    assert_string_equal(why(f, store, now), "");
    f->conf.mode = CONF_DEMO;
    assert_string_equal(why(f, store, now), "");
    to->demo = true;
    assert_string_equal(why(f, store, now), "oldest-job delivery");
    f->conf.destination_count = 0;
    free(to);
    store_close(store);
}

/* Samples of a series, from at_ms on, in one statement: hits every `every` (0: none). */
static void fill(const struct fixture *f, const char *series, int count, int every, int64_t at_ms,
                 const char *score)
{
    char text[512];
    snprintf(text, sizeof text,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d)"
             " INSERT INTO sample(series,at_ms,hit,score) SELECT '%s',%lld,%d>0 AND i%%%d=0,%s"
             " FROM n",
             count, series, (long long)at_ms, every, every > 0 ? every : 1, score);
    sql(f, text);
}

static void rates_and_scores_that_shift(void **state)
{
    struct fixture *f = *state;
    struct store *store = well_node(f);
    struct health health;
    static const struct {
        const char *series, *why;
    } rates[] = {{STORE_SERIES_ASSOCIATION, "refusal-rate "},
                 {STORE_SERIES_STUDY, "unprocessed-rate "},
                 {MODEL, "flag-rate aaaaaaaaaaaaaaaa"}};
    for (size_t i = 0; i < 3; i++) {
        sql(f, "DELETE FROM sample");
        fill(f, rates[i].series, 100, 10, 1000, "(i*37%101)/101.0");
        fill(f, rates[i].series, 100, 10, 2000, "(i*37%101)/101.0");
        assert_string_equal(why(f, store, HOUR), "");
        fill(f, rates[i].series, 60, 1, 3000, "(i*37%101)/101.0");
        assert_string_equal(why(f, store, HOUR), rates[i].why);
        FIXTURE_OK(store_relearn(store, 3000)); /* it was meant: learnt anew */
        assert_string_equal(why(f, store, HOUR), "");
        FIXTURE_OK(store_relearn(store, 0));
    }
    sql(f, "DELETE FROM sample");
    fill(f, SECOND, 100, 10, 1000, "0.5"); /* a model of yesterday is nobody's business */
    fill(f, SECOND, 100, 1, 1000, "0.9");
    fill(f, MODEL, 100, 0, 1000, "(i*37%101)/101.0");
    fill(f, MODEL, 60, 0, 2000, "0.5");
    assert_string_equal(why(f, store, HOUR), "score-shift aaaaaaaaaaaaaaaa");
    assert_true(health_read(&f->conf, store, "", HOUR, &health));
    assert_int_equal(health.models, 1);
    assert_true(health.model[0].scores.narrower.on && !health.model[0].scores.higher.on);
    assert_non_null(strstr(health.why[0].detail, "closer together"));
    assert_int_equal(health.model[0].flags.samples, 60);
    health_finish(&health);
    store_close(store);
}

static void a_station_that_is_silent(void **state)
{
    struct fixture *f = *state;
    struct store *store = well_node(f);
    struct health health;
    int64_t now = 800;
    char text[256];
    for (int64_t hour = now - 500; hour < now - 4; hour++) {
        snprintf(text, sizeof text, "INSERT INTO hour VALUES('CR',%lld,8),('DX',%lld,8)",
                 (long long)hour, (long long)hour);
        sql(f, text);
    }
    snprintf(text, sizeof text, "INSERT INTO hour VALUES('DX',%lld,8)", (long long)now);
    sql(f, text);
    assert_string_equal(why(f, store, now * HOUR), "station-silent CR");
    assert_true(health_read(&f->conf, store, "", now * HOUR, &health));
    assert_int_equal(health.stations, 2);
    assert_true(health.station[0].hours == 4 && !health.station[1].on);
    health_finish(&health);
    store_close(store);
}

/* ---- what is told ---- */

/* Log lines "alarm" of one look. */
static int told(struct fixture *f, struct store *store, int64_t now_ms, char *line, size_t size)
{
    struct health health;
    char path[160];
    int lines = 0, saved = dup(STDERR_FILENO);
    snprintf(path, sizeof path, "%s/log", f->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    assert_true(health_read(&f->conf, store, "", now_ms, &health));
    FIXTURE_OK(health_watch_tell(&health, store));
    health_finish(&health);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = pread(fd, line, size - 1, 0);
    line[n > 0 ? n : 0] = '\0';
    for (const char *at = line; (at = strstr(at, " alarm ")) != NULL; at++)
        lines++;
    close(fd);
    return lines;
}

static void a_change_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct store *store = well_node(f);
    char line[2048];
    struct store_alarm list[4];
    size_t count;
    assert_int_equal(told(f, store, HOUR, line, sizeof line), 0);
    f->conf.limits.spool_reserve_bytes = UINT64_MAX;
    assert_int_equal(told(f, store, HOUR, line, sizeof line), 1);
    assert_non_null(strstr(line, "name=spool-full subject=\"\" state=on detail="));
    assert_int_equal(told(f, store, 2 * HOUR, line, sizeof line), 0);
    store_close(store);
    store = fixture_open(f); /* a restart tells nothing anew */
    assert_int_equal(told(f, store, 3 * HOUR, line, sizeof line), 0);
    FIXTURE_OK(store_alarms(store, list, 4, &count));
    assert_true(count == 1 && list[0].since_ms == HOUR);
    f->conf.limits.spool_reserve_bytes = 0;
    assert_int_equal(told(f, store, 4 * HOUR, line, sizeof line), 1);
    assert_non_null(strstr(line, "name=spool-full subject=\"\" state=off"));
    assert_non_null(strstr(line, "on since 1970-01-01T01:00:00"));
    assert_int_equal(told(f, store, 5 * HOUR, line, sizeof line), 0);
    FIXTURE_OK(store_alarms(store, list, 4, &count));
    assert_int_equal(count, 0);
    sql(f, "DELETE FROM selftest"); /* no alarm: before the first one */
    assert_int_equal(told(f, store, HOUR, line, sizeof line), 0);
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_a_first_report_is_a_sample),
        T(the_last_samples_come_in_order),
        T(a_study_counts_for_its_station_once),
        T(trimming_keeps_references_and_the_last),
        T(a_self_test_comes_back),
        T(images_of_a_result),
        T(each_reason_by_itself),
        T(the_oldest_job_of_each_kind),
        T(what_waits_by_design_is_no_old_job),
        T(rates_and_scores_that_shift),
        T(a_station_that_is_silent),
        T(a_change_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
