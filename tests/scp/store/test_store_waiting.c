/* A study in the list before its answer: from its first image on, and told to nobody. */
#include "dx_attrs.h"
#include "keep_fixture.h"
#include "site_fixture.h"
#include "store_inquiry.h"
#include "store_outcome.h"
#include "store_place.h"
#include "store_reading.h"
#include <sys/resource.h>

static const struct store_receiver ris = {.name = "ris"};

static int64_t received(int number, int study, const char *accession)
{
    uint8_t *bytes = NULL;
    struct instance in = fixture_instance(number, number, study, "a");
    enum store_identity identity;
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0050), "SH", accession), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", "P-77 "), DX_OK);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &in.seen_bytes), DX_OK);
    memcpy(in.seen, bytes, in.seen_bytes);
    free(bytes);
    dx_attrs_destroy(attrs);
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    FIXTURE_OK(store_association_end(store, "a"));
    return in.id;
}

static void judged(int64_t id, enum instance_state state, enum srt_outcome outcome)
{
    const struct judgement j = {.state = state,
                                .outcome = outcome,
                                .alone = true,
                                .agreed = true,
                                .finding_score = 0.9,
                                .finding_point = 0.5};
    FIXTURE_OK(store_judge(store, id, &j));
}

/* What the role that judges makes of all that is due, as place_one does. */
static void turn(int64_t now)
{
    struct store_case c;
    struct priority p;
    enum store_status status;
    while ((status = store_next_case(store, 0, &c)) == STORE_OK) {
        priority_of(&c.known, &p);
        bool same = c.revision > 0 && c.now.reason == p.reason;
        if (same || (c.revision == 0 && !c.known.answered))
            FIXTURE_OK(store_place_stays(store, &c, now));
        else
            FIXTURE_OK(store_place(store, &c, &p,
                                   c.withdrawn || c.known.read ? NEWS_WITHDRAWN : NEWS_PRIORITY,
                                   &ris, 1, now));
    }
    assert_int_equal(status, STORE_NONE);
}

/* How many are in the list; *first: the first of them. */
static size_t listed(struct store_entry *first)
{
    struct store_entry list[4];
    size_t count;
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 4, &count));
    *first = list[0];
    return count;
}

static bool name(void *context, const char *study, int64_t arrived_ms, int64_t number,
                 char uid[DX_UID_MAX])
{
    (void)context;
    (void)arrived_ms;
    (void)snprintf(uid, DX_UID_MAX, "2.25.%s%lld", study + strlen("1.2.4."), (long long)number);
    return true;
}

static bool count_outcome(void *context, const struct store_outcome *outcome)
{
    (void)outcome;
    ++*(int *)context;
    return true;
}

/* Items that who asks would be shown; whether the site's worklist or a workflow manager would be
 * asked, or news told; how many studies the figures are made of. */
struct ways {
    size_t items;
    bool inquired, looked, news;
    int outcomes;
};
static struct ways ways_out(void)
{
    struct store_reading_place items[4];
    struct store_inquiry inquiry;
    struct news news;
    uint8_t *attrs;
    size_t bytes;
    struct ways w = {.items = 0};
    FIXTURE_OK(store_readings_turn(store, 9000, 0, name, NULL));
    FIXTURE_OK(
        store_readings(store, &fixture_policy, 1u << READING_SCHEDULED, 0, items, 4, &w.items));
    w.inquired = store_next_inquiry(store, 0, 9000, 1000000, &inquiry) == STORE_OK;
    w.looked = store_next_look(store, "ris", 1000000, 1, &news, &attrs, &bytes) == STORE_OK;
    free(attrs);
    w.news = store_next_news(store, &fixture_policy, "ris", 9000, 1000000, &news, &attrs, &bytes) ==
             STORE_OK;
    free(attrs);
    FIXTURE_OK(store_outcomes(store, 10, count_outcome, &w.outcomes));
    return w;
}

static void told_to_nobody(void)
{
    struct ways w = ways_out();
    assert_true(w.items == 0 && !w.inquired && !w.looked && !w.news && w.outcomes == 0);
}

static void it_waits_from_its_first_image_on(void **state)
{
    (void)state;
    struct store_entry e;
    int64_t image = received(1, 1, "A1 ");
    assert_int_equal(listed(&e), 1);
    assert_true(e.place.priority.reason == REASON_WAITING && !e.answered &&
                !e.place.priority.raised);
    assert_true(e.place.priority.band == BAND_NOT_JUDGED && e.place.arrived_ms == 1001);
    assert_string_equal(e.accession, "A1");
    assert_string_equal(e.patient_id, "P-77");
    told_to_nobody();
    (void)received(2, 1, "A1");
    assert_int_equal(listed(&e), 1);

    judged(image, INSTANCE_JUDGED, SRT_NO_FINDING); /* no answer before it is complete */
    turn(5000);
    assert_int_equal(listed(&e), 1);
    assert_true(e.place.priority.reason == REASON_WAITING && !e.answered);
    told_to_nobody();

    (void)keep_report(store, 7, 1, image, 6000, 0, false);
    turn(6000);
    assert_int_equal(listed(&e), 1);
    assert_true(e.answered && e.outcome == SRT_FINDING && e.place.arrived_ms == 1001);
    struct ways w = ways_out();
    assert_true(w.items == 1 && w.inquired && w.looked && w.news && w.outcomes == 1);
}

static void it_stands_where_its_order_puts_it(void **state)
{
    (void)state;
    struct store_entry e;
    (void)say(of("A2", 0, ORDER_STAT));
    (void)received(1, 1, "A1");
    (void)received(2, 2, "A2"); /* later, and first */
    assert_int_equal(listed(&e), 2);
    FIXTURE_OK(store_place_entry(store, "1.2.4.2", &e));
    assert_true(e.place.order == ORDER_STAT && e.place.priority.rank == PRIORITY_HIGH);
    assert_int_equal(say(of("A1", 0, ORDER_LOW)), 1); /* the order that comes later, too */
    turn(5000);
    FIXTURE_OK(store_place_entry(store, "1.2.4.1", &e));
    assert_true(e.place.order == ORDER_LOW && e.place.priority.rank == PRIORITY_LOW);
    told_to_nobody();
}

static void what_no_rule_selects_leaves_it(void **state)
{
    (void)state;
    struct store_entry e;
    int64_t first = received(1, 1, "A1"), second = received(2, 1, "A1");
    judged(first, INSTANCE_IGNORED, SRT_NO_FINDING);
    turn(5000);
    assert_int_equal(listed(&e), 1); /* the other may be answered */
    judged(second, INSTANCE_IGNORED, SRT_NO_FINDING);
    turn(6000);
    assert_int_equal(listed(&e), 0);
    assert_int_equal(store_place_entry(store, "1.2.4.1", &e), STORE_NONE);
    (void)received(3, 1, "A1");
    assert_int_equal(listed(&e), 1);
    assert_int_equal(e.place.arrived_ms, 1001); /* since its first image */
}

static void what_was_read_leaves_it(void **state)
{
    (void)state;
    struct store_entry e;
    (void)received(1, 1, "A1");
    FIXTURE_OK(store_mark_read(store, "1.2.4.1", true));
    turn(5000);
    assert_int_equal(listed(&e), 0);
    told_to_nobody();
    FIXTURE_OK(store_mark_read(store, "1.2.4.1", false));
    turn(6000);
    assert_int_equal(listed(&e), 1);
    struct site_order read = of("A1", 0, ORDER_STAT);
    read.read = SITE_READ;
    assert_int_equal(say(read), 1);
    turn(7000);
    assert_int_equal(listed(&e), 0);
    told_to_nobody();
}

/* All that was told has been taken back; an image in its place comes. */
static void it_waits_again_after_all_was_taken_back(void **state)
{
    (void)state;
    size_t hit;
    struct store_entry e;
    struct store_case c;
    struct instance in;
    int64_t image = received(1, 1, "A1");
    judged(image, INSTANCE_JUDGED, SRT_FINDING);
    turn(5000);
    assert_int_equal(ways_out().items, 1);
    FIXTURE_OK(store_get_instance(store, image, &in));
    FIXTURE_OK(store_withdraw(store, in.sop_instance, NULL, NULL, "113001", &hit));
    for (int again = 0; again < 2; again++) { /* it comes after that was told, or before */
        int64_t other;
        if (again == 0) {
            turn(6000);
            assert_int_equal(listed(&e), 0);
        }
        other = received(2 + again, 1, "A1");
        if (again == 1)
            turn(6500);
        assert_int_equal(listed(&e), 1);
        assert_true(e.place.priority.reason == REASON_WAITING && !e.answered);
        assert_int_equal(ways_out().items, 0);
        FIXTURE_OK(store_case_of(store, "1.2.4.1", 0, &c));
        assert_int_equal(c.revision, again == 0 ? 2 : 4);
        judged(other, INSTANCE_IGNORED, SRT_NO_FINDING);
        turn(7000);
        assert_int_equal(listed(&e), 0);
        assert_int_equal(ways_out().items, 0);
        if (again == 0) {
            int64_t third = received(9, 1, "A1");
            judged(third, INSTANCE_JUDGED, SRT_FINDING);
            turn(8000);
            assert_int_equal(ways_out().items, 1);
            FIXTURE_OK(store_get_instance(store, third, &in));
            FIXTURE_OK(store_withdraw(store, in.sop_instance, NULL, NULL, "113001", &hit));
        }
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(it_waits_from_its_first_image_on),        T(it_stands_where_its_order_puts_it),
        T(what_no_rule_selects_leaves_it),          T(what_was_read_leaves_it),
        T(it_waits_again_after_all_was_taken_back),
    };
    const char *slow = getenv("CERVIGATE_SLOW"); /* scripts/sanitize: how many times */
    rlim_t seconds = 20 * (rlim_t)(slow != NULL ? atoi(slow) : 1);
    /* items that are made and ended by turns have no end */
    if (setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds}) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
