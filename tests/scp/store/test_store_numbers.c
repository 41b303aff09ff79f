/* Which of the site's orders a message is about: by accession number, study, the placer's and the
 * filler's number; what is completed, and what becomes one. */
#include "site_fixture.h"
#include <sqlite3.h>

static void names_are_completed(void **state)
{
    (void)state;
    struct site_order first = of("A1", 0, ORDER_STAT), later = of("", 0, ORDER_ROUTINE);
    snprintf(first.filler_order, sizeof first.filler_order, "FI");
    snprintf(later.filler_order, sizeof later.filler_order, "FI");
    assert_int_equal(say(later), -1); /* a number that nobody knows */
    assert_int_equal(say(first), 0);
    assert_int_equal(say(of("A1", 1, ORDER_UNKNOWN)), 0);
    assert_int_equal(known(1, "").priority, ORDER_STAT);
    assert_int_equal(say(later), 0);
    assert_int_equal(known(1, "").priority, ORDER_ROUTINE);
    assert_int_equal(say(of("", 2, ORDER_HIGH)), 0);
    assert_int_equal(say(of("A2", 2, ORDER_UNKNOWN)), 0);
    assert_int_equal(known(7, "A2").priority, ORDER_HIGH);
}

/* Two orders of one accession: the neck's and the pelvis'. */
static void numbers_tell_orders_apart(void **state)
{
    (void)state;
    assert_int_equal(say(numbered("A1", 0, "P1", "F1", ORDER_STAT)), 0);
    assert_int_equal(say(numbered("A1", 0, "P2", "F2", ORDER_ROUTINE)), 0);
    struct site_order k = known(1, "A1");
    assert_int_equal(k.priority, ORDER_STAT);
    assert_string_equal(k.placer_order, "P1");
    assert_string_equal(k.filler_order, "F1");

    struct site_order read = numbered("", 0, "", "F2", ORDER_UNKNOWN);
    read.read = SITE_READ;
    assert_int_equal(say(read), 0);
    assert_int_equal(known(1, "A1").read, SITE_UNREAD);
    read = numbered("A1", 0, "P1", "", ORDER_UNKNOWN);
    read.read = SITE_READ;
    assert_int_equal(say(read), 0);
    assert_int_equal(known(1, "A1").read, SITE_READ);

    struct site_order gone = numbered("A1", 0, "P1", "F1", ORDER_UNKNOWN);
    gone.cancelled = true;
    assert_int_equal(say(gone), 0);
    k = known(1, "A1");
    assert_int_equal(k.priority, ORDER_ROUTINE);
    assert_string_equal(k.placer_order, "P2");

    assert_int_equal(say(numbered("A1", 0, "P3", "", ORDER_LOW)), 0);
    assert_int_equal(say(of("A1", 0, ORDER_HIGH)), 0); /* no number: all of them */
    gone = numbered("A1", 0, "P2", "", ORDER_UNKNOWN);
    gone.cancelled = true;
    assert_int_equal(say(gone), 0);
    assert_int_equal(known(1, "A1").priority, ORDER_HIGH);
    gone = of("A1", 0, ORDER_UNKNOWN);
    gone.cancelled = true;
    assert_int_equal(say(gone), 0);
    assert_int_equal(known(1, "A1").priority, ORDER_UNKNOWN);
}

static void numbers_are_completed(void **state)
{
    (void)state;
    assert_int_equal(say(of("A1", 0, ORDER_STAT)), 0);
    assert_int_equal(say(numbered("A1", 0, "P1", "", ORDER_UNKNOWN)), 0);
    assert_int_equal(say(numbered("A1", 0, "", "F1", ORDER_LOW)), 0); /* it can be no other's */
    struct site_order k = known(1, "A1");
    assert_true(k.priority == ORDER_LOW && strcmp(k.placer_order, "P1") == 0 &&
                strcmp(k.filler_order, "F1") == 0);
    assert_int_equal(say(numbered("", 0, "P1", "F9", ORDER_STAT)), -1);
    assert_int_equal(say(numbered("", 0, "P1", "", ORDER_ROUTINE)), 0);
    assert_int_equal(known(1, "A1").priority, ORDER_ROUTINE);

    /* Whose is F2? Nobody can say, until a message has both. */
    assert_int_equal(say(numbered("A2", 0, "P1", "", ORDER_ROUTINE)), 0);
    assert_int_equal(say(numbered("A2", 0, "P2", "", ORDER_ROUTINE)), 0);
    struct site_order read = numbered("A2", 0, "", "F2", ORDER_STAT);
    read.read = SITE_READ;
    assert_int_equal(say(read), 0);
    assert_int_equal(known(1, "A2").read, SITE_UNREAD);
    assert_int_equal(known(1, "A2").priority, ORDER_STAT);
    assert_int_equal(say(numbered("A2", 0, "P2", "F2", ORDER_LOW)), 0);
    assert_int_equal(known(1, "A2").priority, ORDER_ROUTINE); /* one with P2 */
    read = numbered("A2", 0, "P1", "", ORDER_UNKNOWN);
    read.read = SITE_READ;
    assert_int_equal(say(read), 0);
    assert_int_equal(known(1, "A2").read, SITE_READ);
}

/* A row by study and one by accession turn out to be one order. */
static void what_turns_out_to_be_one_is_one(void **state)
{
    (void)state;
    struct site_order by_study = of("", 1, ORDER_STAT), both = of("A1", 1, ORDER_ROUTINE);
    snprintf(by_study.procedure, sizeof by_study.procedure, "post-op");
    by_study.postoperative = true;
    both.read = SITE_READ;
    assert_int_equal(say(by_study), 0);
    assert_int_equal(say(of("A1", 0, ORDER_LOW)), 0);
    assert_int_equal(say(both), 0);
    struct site_order k = known(1, "A1");
    assert_true(k.priority == ORDER_ROUTINE && k.read == SITE_READ && k.postoperative);
    assert_int_equal(known(2, "A1").priority, ORDER_ROUTINE);

    /* What was said last counts, whichever of the two it was of. */
    for (int first = 0; first <= 1; first++) {
        const struct site_order named[] = {of("", 5 + first, ORDER_STAT),
                                           of(first ? "A6" : "A5", 0, ORDER_LOW)};
        both = of(named[1].accession, 5 + first, ORDER_UNKNOWN);
        assert_int_equal(say_at(&named[first], 1, 1000), 0);
        assert_int_equal(say_at(&named[1 - first], 1, 2000), 0);
        assert_int_equal(say_at(&both, 1, 3000), 0);
        k = known(5 + first, named[1].accession);
        assert_int_equal(k.priority, first ? ORDER_STAT : ORDER_LOW);
    }
}

/* Whichever of the two has all names already: what only the older one says stays. */
static void what_only_the_older_one_says_stays(void **state)
{
    const struct fixture *f = *state;
    static const char *const rows[] = {
        "('A1','1.2.4.1',1,%d,'o','RP',1),('A1','',0,%d,'','',0)",
        "('','1.2.4.1',1,%d,'o','RP',1),('A1','1.2.4.1',0,%d,'','',0)"};
    for (int i = 0; i < 4; i++) {
        char values[128], text[384];
        sqlite3 *db = NULL;
        const bool newer_says = i >= 2;
        snprintf(values, sizeof values, rows[i % 2], ORDER_STAT, newer_says ? ORDER_LOW : 0);
        snprintf(text, sizeof text,
                 "DELETE FROM site_order;INSERT INTO site_order(accession,study,read,priority,"
                 "procedure,procedure_id,postoperative,told_ms) SELECT *,500+ROW_NUMBER() OVER ()"
                 " FROM (VALUES%s)",
                 values);
        assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, text, 0, 0, 0), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(say(of("A1", 1, ORDER_UNKNOWN)), 0);
        const struct site_order k = known(1, ""), same = known(9, "A1");
        assert_int_equal(k.priority, newer_says ? ORDER_LOW : ORDER_STAT);
        assert_int_equal(same.priority, k.priority);
        assert_string_equal(k.accession, "A1");
        assert_string_equal(same.study, "1.2.4.1");
        assert_string_equal(k.procedure, "o");
        assert_string_equal(k.procedure_id, "RP");
        assert_true(k.postoperative && k.read == SITE_UNREAD);
    }
}

/* The same when the order has numbers, and one of the two has not. */
static void what_had_no_number_is_one_with_what_has(void **state)
{
    (void)state;
    for (int by_study = 0; by_study <= 1; by_study++) {
        const int study = 1 + by_study;
        const char *accession = by_study ? "A2" : "A1";
        assert_int_equal(say(of(by_study ? "" : accession, by_study ? study : 0, ORDER_STAT)), 0);
        assert_int_equal(
            say(numbered(by_study ? accession : "", by_study ? 0 : study, "P", "", ORDER_LOW)), 0);
        assert_int_equal(say(numbered(accession, study, "P", "F", ORDER_ROUTINE)), 0);
        assert_int_equal(known(study, "").priority, ORDER_ROUTINE);
        assert_int_equal(known(9, accession).priority, ORDER_ROUTINE);
        struct site_order gone = numbered(accession, study, "P", "", ORDER_UNKNOWN);
        gone.cancelled = true;
        assert_int_equal(say(gone), 0);
        assert_int_equal(known(study, accession).priority, ORDER_UNKNOWN);
    }
}

static void whole_or_not_at_all_and_once(void **state)
{
    (void)state;
    size_t studies, missing;
    struct site_order orders[] = {of("A1", 0, ORDER_STAT), of("", 0, ORDER_STAT)};
    snprintf(orders[1].placer_order, sizeof orders[1].placer_order, "NOBODY");
    assert_int_equal(store_site_orders(store, "m", orders, 2, 1000, &studies, &missing),
                     STORE_NONE);
    assert_int_equal(missing, 1);
    assert_int_equal(known(1, "A1").priority, ORDER_UNKNOWN);
    FIXTURE_OK(store_site_orders(store, "m", orders, 1, 1000, &studies, &missing));
    orders[0].priority = ORDER_LOW;
    FIXTURE_OK(store_site_orders(store, "m", orders, 1, 1000, &studies, &missing));
    assert_int_equal(known(1, "A1").priority, ORDER_STAT);
}

/* A result of an order that the node never knew holds up nobody, and undoes nothing. */
static void a_report_of_no_known_order(void **state)
{
    (void)state;
    size_t studies, missing;
    struct site_order both[] = {of("A1", 0, ORDER_STAT), numbered("", 0, "", "F1", ORDER_UNKNOWN)};
    both[1].read = SITE_READ;
    assert_int_equal(say_at(both, 2, 1000), -1);
    both[1].reports = true;
    assert_int_equal(say_at(both, 2, 1000), 0);
    assert_int_equal(known(1, "A1").priority, ORDER_STAT);
    assert_int_equal(known(1, "A1").read, SITE_UNREAD);

    FIXTURE_OK(store_site_orders(store, "r", &both[1], 1, 1000, &studies, &missing));
    assert_int_equal(say(numbered("A1", 0, "", "F1", ORDER_UNKNOWN)), 0); /* now it is known */
    FIXTURE_OK(store_site_orders(store, "r", &both[1], 1, 1000, &studies, &missing));
    assert_int_equal(known(1, "A1").read, SITE_READ);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {TEST(names_are_completed),
                                       TEST(numbers_tell_orders_apart),
                                       TEST(numbers_are_completed),
                                       TEST(what_turns_out_to_be_one_is_one),
                                       TEST(what_only_the_older_one_says_stays),
                                       TEST(what_had_no_number_is_one_with_what_has),
                                       TEST(whole_or_not_at_all_and_once),
                                       TEST(a_report_of_no_known_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
