/* The worklist's order in the job store: of news, of lists that are cut; the accession number that
 * only an order knows. */
#include "keep_fixture.h"
#include "site_fixture.h"
#include "store_place.h"
#include "store_reading.h"
#include "store_sqlite.h"
#include "worklist/news_header.h"

#define MOST   10000
#define MANY   (MOST - 2) /* findings in a full list, beside the two that must not be cut */
#define MINUTE INT64_C(60000)
#define OPEN   ((1u << READING_SCHEDULED) | (1u << READING_IN_PROGRESS))

static void sql(const char *text)
{
    char *error = NULL;
    if (sqlite3_exec(store->db, text, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
}

/* A study of one judged image, on the list; score 0: no finding. */
static void placed(int study, double score, bool agreed, enum instance_state state, int64_t when)
{
    char text[128];
    struct store_case c;
    struct priority p;
    const struct store_receiver ris = {.name = "ris"};
    struct judgement j = {.state = state,
                          .outcome = state != INSTANCE_JUDGED ? SRT_NOT_PROCESSED
                                     : score > 0              ? SRT_FINDING
                                                              : SRT_NO_FINDING,
                          .alone = true,
                          .agreed = agreed,
                          .finding_score = score,
                          .finding_point = 0.5};
    int64_t id = keep_receive(store, study, study, when);
    FIXTURE_OK(store_judge(store, id, &j));
    (void)keep_report(store, study, study, id, when, 0, false);
    snprintf(text, sizeof text, "UPDATE result SET outcome='%s' WHERE uid='2.25.%d'",
             srt_outcome_name(j.outcome), study);
    sql(text);
    FIXTURE_OK(store_next_case(store, INT64_MAX, &c));
    priority_of(&c.known, &p);
    FIXTURE_OK(store_place(store, &c, &p, NEWS_PRIORITY, &ris, 1, when));
}

static struct news next(uint8_t **attrs)
{
    struct news news;
    size_t count;
    FIXTURE_OK(store_next_news(store, &fixture_policy, "ris", 9000, 9999, &news, attrs, &count));
    return news;
}

/* STAT before all, raises by their strength, what a HIGH order asks for, the others, LOW last: not
 * by the rank that is told, which is HIGH for half of them. */
static void news_goes_in_the_lists_order(void **state)
{
    static const struct {
        enum priority_order order;
        double score;
        bool agreed;
        enum instance_state state;
    } studies[] = {{ORDER_LOW, 0, true, INSTANCE_JUDGED},
                   {ORDER_ROUTINE, 0, true, INSTANCE_JUDGED},
                   {ORDER_ROUTINE, 0.51, false, INSTANCE_JUDGED},
                   {ORDER_ROUTINE, 0.99, true, INSTANCE_JUDGED},
                   {ORDER_STAT, 0, true, INSTANCE_JUDGED},
                   {ORDER_HIGH, 0, true, INSTANCE_JUDGED},
                   {ORDER_STAT, 0.51, false, INSTANCE_JUDGED},
                   {ORDER_ROUTINE, 0, false, INSTANCE_NOT_PROCESSED}};
    static const int expected[] = {7, 5, 4, 3, 6, 2, 8, 1};
    struct store_entry list[8];
    size_t count;
    (void)state;
    for (int i = 0; i < 8; i++) {
        (void)say(of("", i + 1, studies[i].order));
        placed(i + 1, studies[i].score, studies[i].agreed, studies[i].state, 1000 + i);
    }
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 8, &count));
    assert_int_equal(count, 8);
    for (int i = 0; i < 8; i++) {
        uint8_t *attrs;
        char uid[DX_UID_MAX];
        struct news news = next(&attrs);
        free(attrs);
        snprintf(uid, sizeof uid, "1.2.4.%d", expected[i]);
        assert_string_equal(news.study, uid);
        FIXTURE_OK(store_news_asked(store, &news));
        FIXTURE_OK(store_news_end(store, news.id, NEWS_TOLD, 0, "", 9000));
    }
}

/* Findings, all of the last minutes; before them one without a finding that has waited for a day;
 * after them a STAT order without a finding, and a LOW one. */
static void fill(void)
{
    char text[1024];
    (void)say(of("", 3, ORDER_STAT));
    (void)say(of("", 4, ORDER_LOW));
    placed(1, 0.99, true, INSTANCE_JUDGED, 1440 * MINUTE);
    placed(2, 0, true, INSTANCE_JUDGED, 1000);
    placed(3, 0, true, INSTANCE_JUDGED, 1450 * MINUTE);
    placed(4, 0, true, INSTANCE_JUDGED, 1460 * MINUTE);
    snprintf(
        text, sizeof text,
        "BEGIN;WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i+1 FROM n WHERE i<%d)"
        " INSERT INTO study(uid,last_received_ms) SELECT '9.'||i,1 FROM n;"
        "INSERT INTO place SELECT study.uid,revision,rank,band,raised,strength,reason,outcome,"
        "answered,report,arrived_ms+study.rowid,changed_ms,finding_ms,read_ms,model,accession,"
        "patient_id,issuer,site_priority,waits,passed_ms,announcements FROM place JOIN study ON"
        " study.uid LIKE '9.%%'"
        " WHERE place.study='1.2.4.1';COMMIT",
        MANY);
    sql(text);
}

static void cut_are_those_that_are_read_last(void **state)
{
    struct store_entry *list = calloc(MOST, sizeof *list);
    size_t count, stat = 0, oldest = 0, low = 0;
    (void)state;
    assert_non_null(list);
    fill();
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, MOST, &count));
    assert_int_equal(count, MOST);
    for (size_t i = 0; i < count; i++) {
        stat += strcmp(list[i].study, "1.2.4.3") == 0;
        oldest += strcmp(list[i].study, "1.2.4.2") == 0;
        low += strcmp(list[i].study, "1.2.4.4") == 0;
    }
    free(list);
    assert_true(stat == 1 && oldest == 1 && low == 0);
}

static bool name(void *context, const char *study, int64_t arrived_ms, int64_t number,
                 char uid[DX_UID_MAX])
{
    (void)context;
    (void)arrived_ms;
    snprintf(uid, DX_UID_MAX, "2.25.%s%d", study, (int)number);
    return true;
}

static void items_are_cut_likewise(void **state)
{
    struct store_reading_place *list = calloc(MOST, sizeof *list);
    size_t count;
    (void)state;
    assert_non_null(list);
    fill();
    FIXTURE_OK(store_readings_turn(store, 1, 0, name, NULL));
    FIXTURE_OK(store_readings(store, &fixture_policy, OPEN, 0, list, MOST, &count));
    assert_int_equal(count, MOST);
    assert_int_equal(list[0].place.order, ORDER_STAT);
    assert_int_equal(list[1].place.arrived_ms, 1000);
    for (size_t i = 2; i < count; i++)
        assert_true(list[i].place.priority.raised &&
                    priority_compare(&fixture_policy, &list[i - 1].place, &list[i].place) < 0);
    free(list);
}

/* Of the same millisecond: by the study's UID, though placed in the opposite order. */
static void equals_stand_alike_on_each_way(void **state)
{
    struct store_entry list[3];
    struct store_reading_place items[3];
    struct store_reading reading;
    size_t count;
    (void)state;
    for (int study = 3; study > 0; study--)
        placed(study, 0.9, true, INSTANCE_JUDGED, 1000);
    FIXTURE_OK(store_readings_turn(store, 1, 0, name, NULL));
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 3, &count));
    assert_int_equal(count, 3);
    FIXTURE_OK(store_readings(store, &fixture_policy, OPEN, 0, items, 3, &count));
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++) {
        uint8_t *attrs, *said;
        size_t attrs_count, said_count;
        struct news news = next(&attrs), of_item;
        free(attrs);
        assert_string_equal(news.study, list[i].study);
        FIXTURE_OK(store_news_asked(store, &news));
        FIXTURE_OK(store_news_end(store, news.id, NEWS_TOLD, 0, "", 9000));
        FIXTURE_OK(store_reading_get(store, items[i].id, &reading, &of_item, &attrs, &attrs_count,
                                     &said, &said_count));
        free(attrs);
        free(said);
        assert_string_equal(reading.study, list[i].study);
    }
    assert_string_equal(list[0].study, "1.2.4.1");
}

/* The image has no accession number; its order, found by the study, has one. */
static void the_orders_accession_number_stands_in(void **state)
{
    struct store_entry list[2];
    struct store_reading reading;
    struct news news;
    uint8_t *attrs, *said;
    size_t count, said_count;
    (void)state;
    (void)say(of("ORDERS", 1, ORDER_ROUTINE));
    placed(1, 0.9, true, INSTANCE_JUDGED, 1000);
    news = next(&attrs);
    free(attrs);
    assert_string_equal(news.accession, "ORDERS");
    (void)say(of("LATER", 1, ORDER_ROUTINE)); /* news is of its revision */
    news = next(&attrs);
    free(attrs);
    assert_string_equal(news.accession, "ORDERS");

    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 2, &count));
    assert_string_equal(list[0].accession, "ORDERS");
    FIXTURE_OK(store_readings_turn(store, 1, 0, name, NULL));
    FIXTURE_OK(store_reading_find(store, "2.25.1.2.4.11", &reading));
    FIXTURE_OK(
        store_reading_get(store, reading.id, &reading, &news, &attrs, &count, &said, &said_count));
    free(attrs);
    free(said);
    assert_string_equal(news.accession, "ORDERS");
    FIXTURE_OK(store_next_look(store, "ris", 900000, 1000, &news, &attrs, &count));
    free(attrs);
    assert_string_equal(news.accession, "ORDERS");
}

static void read_at(const char *study, int64_t now_ms)
{
    struct store_case c;
    struct priority p;
    const struct store_receiver ris = {.name = "ris"};
    FIXTURE_OK(store_mark_read(store, study, true));
    FIXTURE_OK(store_next_case(store, INT64_MAX, &c));
    assert_string_equal(c.study, study);
    priority_of(&c.known, &p);
    FIXTURE_OK(store_place(store, &c, &p, NEWS_WITHDRAWN, &ris, 1, now_ms));
}

static void read_it(const char *study)
{
    read_at(study, 9000);
}

static int64_t passed_ms(const char *study)
{
    struct store_entry entry;
    FIXTURE_OK(store_place_entry(store, study, &entry));
    return entry.place.passed_ms;
}

static const char *first_of(int64_t now_ms)
{
    static struct store_entry list[1];
    struct store_reading_place item[1];
    struct store_reading reading;
    struct news news;
    uint8_t *attrs, *said;
    size_t count, said_count;
    const struct priority_policy policy = {
        .ageing_seconds = 7200, .delay_seconds = 60, .now_ms = now_ms};
    FIXTURE_OK(store_worklist(store, &policy, list, 1, &count));
    FIXTURE_OK(store_readings(store, &policy, OPEN, 0, item, 1, &count));
    FIXTURE_OK(
        store_reading_get(store, item[0].id, &reading, &news, &attrs, &count, &said, &said_count));
    free(attrs);
    free(said);
    assert_string_equal(news.study, list[0].study);
    return list[0].study;
}

/* Two early ones, a finding, a STAT without one, another finding. */
static void who_was_passed_is_spared(void **state)
{
    (void)state;
    (void)say(of("", 4, ORDER_STAT));
    placed(1, 0, true, INSTANCE_JUDGED, 1000);
    placed(2, 0, true, INSTANCE_JUDGED, 2000);
    placed(3, 0.9, true, INSTANCE_JUDGED, 3000);
    placed(4, 0, true, INSTANCE_JUDGED, 4000);
    read_it("1.2.4.3");
    assert_int_equal(passed_ms("1.2.4.1"), 9000);
    assert_int_equal(passed_ms("1.2.4.4"), 0); /* came later */
    read_it("1.2.4.4");                        /* STAT */
    read_it("1.2.4.1");                        /* came earlier */
    assert_int_equal(passed_ms("1.2.4.2"), 9000);
    placed(5, 0.9, true, INSTANCE_JUDGED, 5000);
    FIXTURE_OK(store_readings_turn(store, 1, 0, name, NULL));
    assert_string_equal(first_of(9000 + 59999), "1.2.4.5");
    assert_string_equal(first_of(9000 + 60000), "1.2.4.2");
    read_at("1.2.4.5", 10000); /* the first time counts */
    assert_int_equal(passed_ms("1.2.4.2"), 9000);
    placed(6, 0, true, INSTANCE_JUDGED, 4500);
    FIXTURE_OK(store_mark_read(store, "1.2.4.5", true)); /* once more: it has left the list */
    read_at("1.2.4.5", 11000);
    assert_int_equal(passed_ms("1.2.4.6"), 0);
}

/* What a STAT costs others is not counted, but what it costs another STAT is. */
static void a_stat_passes_stat_alone(void **state)
{
    (void)state;
    for (int stat = 2; stat <= 3; stat++)
        (void)say(of("", stat, ORDER_STAT));
    (void)say(of("", 4, ORDER_HIGH));
    placed(1, 0.9, true, INSTANCE_JUDGED, 1000); /* raised as high as a STAT */
    placed(2, 0, true, INSTANCE_JUDGED, 2000);
    placed(3, 0, true, INSTANCE_JUDGED, 3000);
    placed(4, 0, true, INSTANCE_JUDGED, 4000);
    read_it("1.2.4.3");
    assert_int_equal(passed_ms("1.2.4.1"), 0);
    assert_int_equal(passed_ms("1.2.4.2"), 9000);
    read_at("1.2.4.4", 10000); /* no STAT: it passes all */
    assert_int_equal(passed_ms("1.2.4.1"), 10000);
    assert_int_equal(passed_ms("1.2.4.2"), 9000);
}

/* ---- whose item at a workflow manager ---- */

static struct news of_doe(void)
{
    struct news news = {.kind = NEWS_PRIORITY,
                        .patient_name = "Doe^Jane=x",
                        .patient_id = "P1",
                        .birth_date = "19700102",
                        .accession = "A1"};
    news_identify(&news);
    assert_int_equal(news.item, 0);
    memcpy(news.told_identity, news.identity, sizeof news.identity);
    return news;
}

static void who_is_another(void **state)
{
    struct news news = of_doe();
    (void)state;
    snprintf(news.patient_name, sizeof news.patient_name, "DOE^JANE^^=y");
    snprintf(news.sex, sizeof news.sex, "F"); /* said for the first time */
    snprintf(news.filler_order, sizeof news.filler_order, "F1");
    news.birth_date[0] = '\0'; /* said no more */
    news_identify(&news);
    assert_int_equal(news.item, 0);
    memcpy(news.told_identity, news.identity, sizeof news.identity);
    const struct news ordered = news;
    news.accession[0] = news.filler_order[0] = '\0'; /* its order is cancelled */
    news_identify(&news);
    assert_int_equal(news.item, 1);
    news = ordered;
    news.filler_order[0] = '\0';
    news_identify(&news);
    assert_int_equal(news.item, 1);
    news = (struct news){.kind = NEWS_PRIORITY}; /* the image's header is gone */
    memcpy(news.told_identity, ordered.identity, sizeof news.told_identity);
    news_identify(&news);
    assert_int_equal(news.item, 0);

    const size_t texts[] = {offsetof(struct news, patient_name), offsetof(struct news, patient_id),
                            offsetof(struct news, birth_date), offsetof(struct news, accession)};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        news = of_doe();
        snprintf((char *)&news + texts[i], 9, "19990101");
        news.kind = NEWS_WITHDRAWN; /* what is taken back is what was told */
        news_identify(&news);
        assert_int_equal(news.item, 0);
        assert_string_equal(news.identity, news.told_identity);
        news.kind = NEWS_PRIORITY;
        news_identify(&news);
        assert_int_equal(news.item, 1);
    }
}

static void an_item_is_remembered_once_it_went_out(void **state)
{
    uint8_t *attrs;
    size_t count;
    (void)state;
    placed(1, 0.9, true, INSTANCE_JUDGED, 1000);
    struct news news = next(&attrs);
    free(attrs);
    assert_true(news.item == 0 && news.told_identity[0] == '\0');
    news.item = 3;
    snprintf(news.identity, sizeof news.identity, "whose");
    FIXTURE_OK(store_news_asked(store, &news));
    FIXTURE_OK(store_news_end(store, news.id, NEWS_LATER, 0, "busy", 2000));
    news = next(&attrs);
    free(attrs);
    assert_true(news.item == 0 && news.told_identity[0] == '\0'); /* by earlier ones alone */
    FIXTURE_OK(store_next_look(store, "ris", 900000, 1000, &news, &attrs, &count));
    free(attrs);
    assert_int_equal(news.item, 3);
    read_it("1.2.4.1");
    news = next(&attrs);
    free(attrs);
    assert_int_equal(news.item, 3);
    assert_string_equal(news.told_identity, "whose");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(news_goes_in_the_lists_order, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_are_those_that_are_read_last, setup, teardown),
        cmocka_unit_test_setup_teardown(items_are_cut_likewise, setup, teardown),
        cmocka_unit_test_setup_teardown(equals_stand_alike_on_each_way, setup, teardown),
        cmocka_unit_test_setup_teardown(who_was_passed_is_spared, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stat_passes_stat_alone, setup, teardown),
        cmocka_unit_test(who_is_another),
        cmocka_unit_test_setup_teardown(an_item_is_remembered_once_it_went_out, setup, teardown),
        cmocka_unit_test_setup_teardown(the_orders_accession_number_stands_in, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
