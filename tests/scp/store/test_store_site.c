/* Orders of the site in the job store: which studies they are of, before and after their images;
 * corrections, cancellations, what is read; their end. Which orders a message is about:
 * test_store_numbers.c. */
#include "dx_attrs.h"
#include "keep_fixture.h"
#include "site_fixture.h"
#include "store_outcome.h"
#include "store_place.h"
#include "store_reconcile.h"
#include <sqlite3.h>

static const char *facility = ""; /* Local Namespace Entity ID of the next image's accession */

static int64_t an_image(int number, int study, const char *accession)
{
    uint8_t *bytes = NULL;
    struct judgement j = {.state = INSTANCE_JUDGED,
                          .outcome = SRT_FINDING,
                          .alone = true,
                          .agreed = true,
                          .finding_score = 0.9,
                          .finding_point = 0.5};
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0050), "SH", accession), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", "ID"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0040, 0x0031), "UT", facility), DX_OK);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &j.attrs_bytes), DX_OK);
    dx_attrs_destroy(attrs);
    j.attrs = bytes;
    int64_t id = keep_receive(store, number, study, 1000);
    FIXTURE_OK(store_judge(store, id, &j));
    free(bytes);
    return id;
}

static const struct store_receiver announcements[] = {{.name = "ris"}};

static void place(const struct store_case *c)
{
    struct priority p;
    priority_of(&c->known, &p);
    FIXTURE_OK(store_place(store, c, &p, c->known.read ? NEWS_WITHDRAWN : NEWS_PRIORITY,
                           announcements, 1, 2000));
}

/* The one study that is due, placed. */
static struct store_case due(void)
{
    struct store_case c, more;
    FIXTURE_OK(store_next_case(store, INT64_MAX, &c));
    place(&c);
    assert_int_equal(store_next_case(store, INT64_MAX, &more), STORE_NONE);
    return c;
}

static void nothing_due(void)
{
    struct store_case c;
    assert_int_equal(store_next_case(store, INT64_MAX, &c), STORE_NONE);
}

/* ---- tests ---- */

static void before_the_images(void **state)
{
    (void)state;
    assert_int_equal(say(of("A1", 0, ORDER_STAT)), 0);
    assert_int_equal(say(of("", 2, ORDER_LOW)), 0);
    (void)an_image(1, 1, "A1");
    assert_int_equal(due().known.order, ORDER_STAT);
    (void)an_image(2, 2, "A2");
    assert_int_equal(due().known.order, ORDER_LOW);
    (void)an_image(3, 3, "");
    assert_int_equal(due().known.order, ORDER_UNKNOWN);
}

static void after_the_images(void **state)
{
    (void)state;
    struct store_entry list[4];
    struct news news;
    uint8_t *attrs;
    size_t count;
    (void)an_image(1, 1, "A1");
    assert_int_equal(due().known.order, ORDER_UNKNOWN);
    FIXTURE_OK(store_next_news(store, &fixture_policy, "ris", 3000, 4000, &news, &attrs, &count));
    free(attrs);
    FIXTURE_OK(store_news_asked(store, &news));
    FIXTURE_OK(store_news_end(store, news.id, NEWS_TOLD, 0, "", 3000));

    struct site_order order = of("A1", 0, ORDER_ROUTINE);
    snprintf(order.placer_order, sizeof order.placer_order, "PL");
    snprintf(order.filler_order, sizeof order.filler_order, "FI");
    snprintf(order.procedure_id, sizeof order.procedure_id, "RP");
    assert_int_equal(say(order), 1);
    struct store_case c = due();
    assert_true(c.known.order == ORDER_ROUTINE && c.told_order == ORDER_UNKNOWN);
    FIXTURE_OK(store_next_news(store, &fixture_policy, "ris", 3000, 4000, &news, &attrs, &count));
    free(attrs);
    assert_true(news.order == ORDER_ROUTINE && news.was_told && news.told_order == ORDER_UNKNOWN);
    assert_string_equal(news.placer_order, "PL");
    assert_string_equal(news.filler_order, "FI");
    assert_string_equal(news.procedure_id, "RP");
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 4, &count));
    assert_true(count == 1 && list[0].place.order == ORDER_ROUTINE);

    assert_int_equal(say(of("A1", 0, ORDER_UNKNOWN)), 1);
    assert_int_equal(due().known.order, ORDER_ROUTINE); /* nothing said is nothing changed */
    assert_int_equal(say(of("", 1, ORDER_STAT)), 1);
    assert_int_equal(due().known.order, ORDER_STAT); /* the study's own comes first */
    assert_int_equal(say(of("A9", 9, ORDER_STAT)), 0);
    nothing_due();
}

/* The same accession number of two facilities is two orders, where both say whose it is. */
static void two_facilities(void **state)
{
    (void)state;
    static const char *const facilities[] = {"NORTH", "SOUTH", ""};
    static const enum priority_order expected[] = {ORDER_STAT, ORDER_ROUTINE, ORDER_STAT};
    struct site_order north = of("A1", 0, ORDER_STAT), south = of("A1", 0, ORDER_ROUTINE);
    snprintf(north.accession_issuer, sizeof north.accession_issuer, "NORTH&2.16.1");
    snprintf(south.accession_issuer, sizeof south.accession_issuer, "SOUTH&");
    for (int i = 0; i < 3; i++) {
        facility = facilities[i];
        (void)an_image(i + 1, i + 1, "A1");
        (void)due();
    }
    facility = "";
    assert_int_equal(say(north), 2); /* its own, and who does not say */
    assert_int_equal(say(south), 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(known(i + 1, "A1").priority, expected[i]);
    snprintf(north.accession_issuer, sizeof north.accession_issuer, "&2.16.1");
    north.cancelled = true;
    (void)say(north);
    assert_int_equal(known(1, "A1").priority, ORDER_UNKNOWN);
    assert_int_equal(known(2, "A1").priority, ORDER_ROUTINE);
    assert_int_equal(known(3, "A1").priority, ORDER_ROUTINE);
    assert_int_equal(say(of("A1", 0, ORDER_HIGH)), 2); /* of anybody's: the one that there is */
}

/* What is told of a revision stays the same, whatever the order says by then. */
static void news_is_of_its_revision(void **state)
{
    (void)state;
    struct news news;
    uint8_t *attrs;
    size_t count;
    assert_int_equal(say(of("A1", 0, ORDER_ROUTINE)), 0);
    (void)an_image(1, 1, "A1");
    (void)due();
    assert_int_equal(say(of("A1", 0, ORDER_STAT)), 1);
    FIXTURE_OK(store_next_news(store, &fixture_policy, "ris", 3000, 4000, &news, &attrs, &count));
    free(attrs);
    assert_int_equal(news.order, ORDER_ROUTINE);
}

/* Between the look at a study and the entry of its place. */
static void while_it_is_placed(void **state)
{
    (void)state;
    struct store_case c;
    (void)an_image(1, 1, "A1");
    FIXTURE_OK(store_next_case(store, INT64_MAX, &c));
    assert_int_equal(say(of("A1", 0, ORDER_STAT)), 0); /* no place has this accession yet */
    place(&c);
    assert_int_equal(due().known.order, ORDER_STAT);

    assert_int_equal(say(of("A1", 0, ORDER_LOW)), 1);
    FIXTURE_OK(store_next_case(store, INT64_MAX, &c));
    assert_int_equal(say(of("A1", 0, ORDER_HIGH)), 1);
    FIXTURE_OK(store_place_stays(store, &c, 6000));
    assert_int_equal(due().known.order, ORDER_HIGH);
}

static void one_accession_several_studies(void **state)
{
    (void)state;
    const struct site_order both[] = {of("A1", 1, ORDER_ROUTINE), of("A1", 2, ORDER_STAT)};
    assert_int_equal(say_at(both, 2, 1000), 0);
    assert_int_equal(known(1, "A1").priority, ORDER_ROUTINE);
    assert_int_equal(known(2, "A1").priority, ORDER_STAT);
    assert_int_equal(known(3, "A1").priority, ORDER_STAT); /* another UID: the highest */
    struct site_order read = of("A1", 1, ORDER_UNKNOWN);
    read.read = SITE_READ;
    assert_int_equal(say(read), 0);
    assert_int_equal(known(1, "A1").read, SITE_READ);
    assert_int_equal(known(2, "A1").read, SITE_UNREAD);
    assert_int_equal(known(3, "A1").read, SITE_UNREAD); /* not all of them */
    assert_int_equal(say(of("A1", 0, ORDER_LOW)), 0);
    assert_int_equal(known(1, "A1").priority, ORDER_LOW); /* the accession's is that of all */
    assert_int_equal(known(2, "A1").priority, ORDER_LOW);
}

static void cancelled(void **state)
{
    (void)state;
    struct site_order gone = of("A1", 0, ORDER_STAT);
    assert_int_equal(say(of("A1", 1, ORDER_STAT)), 0);
    (void)an_image(1, 1, "A1");
    assert_int_equal(due().known.order, ORDER_STAT);
    gone.cancelled = true;
    assert_int_equal(say(gone), 1);
    assert_int_equal(due().known.order, ORDER_UNKNOWN);
    assert_int_equal(say(gone), 0); /* what is not there can be cancelled */

    assert_int_equal(say(of("A1", 0, ORDER_STAT)), 1);
    assert_int_equal(due().known.order, ORDER_STAT);
    gone = numbered("A1", 1, "P1", "F1", ORDER_UNKNOWN); /* names more than the order did */
    gone.cancelled = true;
    assert_int_equal(say(gone), 1);
    assert_int_equal(due().known.order, ORDER_UNKNOWN);
}

/* An order by accession stays as long as a study of it does. */
static void gone_with_the_last_study(void **state)
{
    const struct fixture *f = *state;
    sqlite3 *db = NULL;
    assert_int_equal(say(of("A1", 0, ORDER_STAT)), 0);
    (void)an_image(1, 1, "A1");
    (void)due();
    (void)an_image(2, 2, "A1");
    (void)due();
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM study WHERE uid='1.2.4.1'", 0, 0, 0), SQLITE_OK);
    assert_int_equal(known(2, "A1").priority, ORDER_STAT);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM study WHERE uid='1.2.4.2'", 0, 0, 0), SQLITE_OK);
    assert_int_equal(known(2, "A1").priority, ORDER_UNKNOWN);
    sqlite3_close(db);
}

static void what_is_read_leaves_the_list(void **state)
{
    (void)state;
    struct store_entry list[4];
    struct site_order read = of("A1", 0, ORDER_UNKNOWN);
    size_t count;
    read.read = SITE_READ;
    (void)an_image(1, 1, "A1");
    assert_false(due().known.read);
    assert_int_equal(say(read), 1);
    assert_true(due().known.read);
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 4, &count));
    assert_int_equal(count, 0);
    FIXTURE_OK(store_mark_read(store, "1.2.4.1", false)); /* a person knows better */
    assert_false(due().known.read);
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 4, &count));
    assert_int_equal(count, 1);
    read.read = SITE_READ;
    assert_int_equal(say(read), 1);
    assert_true(due().known.read);
    read.read = SITE_UNREAD;
    assert_int_equal(say(read), 1);
    assert_false(due().known.read);
}

static bool take_one(void *context, const struct store_outcome *outcome)
{
    *(struct store_outcome *)context = *outcome;
    return true;
}

static struct store_outcome outcome(void)
{
    struct store_outcome o = {.study = ""};
    FIXTURE_OK(store_outcomes(store, 1, take_one, &o));
    return o;
}

static void says(const char *number, enum site_read read, enum site_conclusion conclusion,
                 int64_t when)
{
    struct site_order o = numbered("A1", 0, "", number, ORDER_UNKNOWN);
    o.read = read;
    o.conclusion = conclusion;
    (void)say_at(&o, 1, when);
}

/* What a final report concludes holds while the order is read; an injury where one order says so,
 * none where all do. */
static void conclusions(void **state)
{
    (void)state;
    (void)an_image(1, 1, "A1");
    (void)due();
    assert_true(outcome().final_ms == 0 && outcome().conclusion == SITE_UNCONCLUDED);
    says("F1", SITE_READ, SITE_NO_INJURY, 1000);
    assert_true(outcome().final_ms == 1000 && outcome().conclusion == SITE_NO_INJURY);
    says("F1", SITE_READ, SITE_INJURY, 2000); /* corrected */
    assert_true(outcome().final_ms == 1000 && outcome().conclusion == SITE_INJURY);
    says("F1", SITE_READ, SITE_UNCONCLUDED, 3000); /* an order's message, without a report */
    assert_true(outcome().final_ms == 1000 && outcome().conclusion == SITE_INJURY);
    says("F1", SITE_UNREAD, SITE_UNCONCLUDED, 4000);
    assert_true(outcome().final_ms == 0 && outcome().conclusion == SITE_UNCONCLUDED);
    says("F1", SITE_READ, SITE_UNCONCLUDED, 4500); /* what was said before is not said again */
    assert_true(outcome().final_ms == 4500 && outcome().conclusion == SITE_UNCONCLUDED);
    says("F1", SITE_UNREAD, SITE_UNCONCLUDED, 4800);
    says("F1", SITE_READ, SITE_NO_INJURY, 5000);
    assert_true(outcome().final_ms == 5000 && outcome().conclusion == SITE_NO_INJURY);
    says("F2", SITE_READ, SITE_UNCLEAR, 6000);
    assert_true(outcome().final_ms == 5000 && outcome().conclusion == SITE_UNCLEAR);
    says("F2", SITE_READ, SITE_INJURY, 7000);
    assert_int_equal(outcome().conclusion, SITE_INJURY);
    assert_int_equal(outcome().read_by, READ_BY_ORDER);
}

static void another_issuers_report_is_not_ours(void **state)
{
    (void)state;
    struct site_order o = of("A1", 0, ORDER_UNKNOWN);
    snprintf(o.accession_issuer, sizeof o.accession_issuer, "OTHER&");
    o.read = SITE_READ;
    o.conclusion = SITE_INJURY;
    facility = "HOSP";
    (void)an_image(1, 1, "A1");
    facility = "";
    (void)due();
    assert_int_equal(say(o), 0);
    assert_true(outcome().final_ms == 0 && outcome().read_by == 0);
    assert_int_equal(outcome().conclusion, SITE_UNCONCLUDED);
}

static void postoperative(void **state)
{
    (void)state;
    struct site_order order = of("A1", 0, ORDER_ROUTINE);
    struct priority p;
    order.postoperative = true;
    snprintf(order.procedure, sizeof order.procedure, "post-op");
    assert_int_equal(say(order), 0);
    (void)an_image(1, 1, "A1");
    const struct store_case c = due();
    priority_of(&c.known, &p);
    assert_true(!p.raised && p.reason == REASON_POSTOPERATIVE);
    order.procedure[0] = '\0';
    order.postoperative = false;
    assert_int_equal(say(order), 1);
    assert_true(due().known.postoperative); /* no procedure was named */
    snprintf(order.procedure, sizeof order.procedure, "trauma");
    assert_int_equal(say(order), 1);
    assert_false(due().known.postoperative);
}

/* Walks over all, two at a time; how many steps. */
static int expire(int64_t before, int64_t unmatched)
{
    struct store_walk walk = {0};
    for (int steps = 1;; steps++) {
        struct store_step step = {.before_ms = before, .look = 2};
        FIXTURE_OK(store_site_expire(store, &walk, &step, unmatched));
        assert_in_range(step.looked, 0, step.look);
        if (step.looked < step.look)
            return steps;
    }
}

static void their_end(void **state)
{
    (void)state;
    const struct site_order old = of("OLD", 0, ORDER_STAT), unmatched = of("NONE", 0, ORDER_STAT),
                            matched = of("A1", 0, ORDER_STAT);
    (void)an_image(1, 1, "A1");
    (void)due();
    assert_int_equal(say_at(&old, 1, 1000), 0);
    assert_int_equal(say_at(&unmatched, 1, 2000), 0);
    assert_int_equal(say_at(&matched, 1, 2000), 1);
    assert_int_equal(expire(1500, 1500), 2);
    assert_int_equal(known(9, "OLD").priority, ORDER_UNKNOWN);
    assert_int_equal(known(9, "NONE").priority, ORDER_STAT);
    assert_int_equal(expire(1500, 2500), 2);
    assert_int_equal(known(9, "NONE").priority, ORDER_UNKNOWN);
    assert_int_equal(known(1, "A1").priority, ORDER_STAT);
    assert_int_equal(expire(2500, 2500), 1);
    assert_int_equal(known(1, "A1").priority, ORDER_UNKNOWN);
}

/* While another writes, the look for what ends waits for nobody; and names of messages end. */
static void the_look_takes_no_lock(void **state)
{
    const struct fixture *f = *state;
    sqlite3 *db = NULL;
    for (int i = 1; i <= 5; i++)
        assert_int_equal(say_at(&(struct site_order){.study = "1.2.3"}, 1, 2000), 0);
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", 0, 0, 0), SQLITE_OK);
    assert_int_equal(expire(1500, 1500), 1);
    struct store_walk walk = {0};
    struct store_step step = {.before_ms = 2500, .look = 2};
    store_patience(store, 1);
    assert_int_equal(store_site_expire(store, &walk, &step, 2500), STORE_BUSY);
    assert_int_equal(walk.id, 0);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", 0, 0, 0), SQLITE_OK);
    assert_int_equal(expire(2500, 2500), 3);
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT (SELECT COUNT(*) FROM site_order),"
                                        "(SELECT COUNT(*) FROM site_message)",
                                        -1, &row, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(row, 0) + sqlite3_column_int(row, 1), 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
}

static void forgotten_with_its_patient(void **state)
{
    const struct fixture *f = *state;
    const struct store_patient patient = {"ID", ""};
    struct store_forgotten count;
    struct site_renamed renamed;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO site_accession(was,issuer,patients,accession,told_ms,due) VALUES"
                     "('A0','','\\X\\ID','A1',1,0),('A0','','\\IDA','A9',1,0)",
                     0, 0, 0),
        SQLITE_OK);
    sqlite3_close(db);
    (void)an_image(1, 1, "A1");
    (void)due();
    assert_int_equal(say(of("A1", 0, ORDER_STAT)), 1);
    (void)due();
    assert_int_equal(say(of("A2", 1, ORDER_STAT)), 1);
    assert_int_equal(say(of("A3", 0, ORDER_STAT)), 0);
    FIXTURE_OK(store_forget_patient(store, &patient, NULL, 0, 5000, &count));
    assert_int_equal(known(1, "A1").priority, ORDER_UNKNOWN);
    assert_int_equal(known(9, "A2").priority, ORDER_UNKNOWN);
    assert_int_equal(known(9, "A3").priority, ORDER_STAT);
    assert_int_equal(store_renamed_of(store, "A0", "", "X", &renamed), STORE_NONE);
    FIXTURE_OK(store_renamed_of(store, "A0", "", "IDA", &renamed));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {TEST(before_the_images),
                                       TEST(after_the_images),
                                       TEST(two_facilities),
                                       TEST(news_is_of_its_revision),
                                       TEST(while_it_is_placed),
                                       TEST(one_accession_several_studies),
                                       TEST(cancelled),
                                       TEST(gone_with_the_last_study),
                                       TEST(what_is_read_leaves_the_list),
                                       TEST(conclusions),
                                       TEST(another_issuers_report_is_not_ours),
                                       TEST(postoperative),
                                       TEST(their_end),
                                       TEST(the_look_takes_no_lock),
                                       TEST(forgotten_with_its_patient)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
