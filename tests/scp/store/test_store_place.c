/* Places in the reading worklist and their news in the job store: what makes a study due, what is
 * known of it, who is to be told what. */
#include "dx_attrs.h"
#include "keep_fixture.h"
#include "open_store.h"
#include "store_place.h"

static int64_t judged(int number, int study, struct judgement j, const char *patient)
{
    uint8_t *bytes = NULL;
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", patient), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0050), "SH", "A1 "), DX_OK);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &j.attrs_bytes), DX_OK);
    dx_attrs_destroy(attrs);
    j.attrs = bytes;
    int64_t id = keep_receive(store, number, study, 1000 * study);
    FIXTURE_OK(store_judge(store, id, &j));
    free(bytes);
    return id;
}

static struct judgement finding(double score, bool alone)
{
    return (struct judgement){.state = INSTANCE_JUDGED,
                              .outcome = SRT_FINDING,
                              .alone = alone,
                              .agreed = true,
                              .finding_score = score,
                              .finding_point = 0.5};
}

static struct judgement plain(void)
{
    return (struct judgement){.state = INSTANCE_JUDGED, .outcome = SRT_NO_FINDING, .alone = true};
}

static const struct store_receiver ways[] = {{.name = "ris"}, {.name = "chat"}};

static struct store_case next(void)
{
    struct store_case c;
    FIXTURE_OK(store_next_case(store, 0, &c));
    return c;
}

static void none_due(void)
{
    struct store_case c;
    assert_int_equal(store_next_case(store, 0, &c), STORE_NONE);
}

static struct priority enter(const struct store_case *c, enum news_kind kind, int64_t now)
{
    struct priority p;
    priority_of(&c->known, &p);
    FIXTURE_OK(store_place(store, c, &p, kind, ways, 2, now));
    return p;
}

/* The news that this way is due; revision 0: none. */
static struct news due(const char *way, int64_t now)
{
    struct news news;
    uint8_t *attrs;
    size_t bytes;
    enum store_status status =
        store_next_news(store, &fixture_policy, way, now, now + 1000000, &news, &attrs, &bytes);
    if (status == STORE_NONE)
        news.revision = 0;
    else
        FIXTURE_OK(status);
    free(attrs);
    return news;
}

/* What is due there goes out, and ends so. */
static void tell(const char *way, int64_t now, enum news_end end, int64_t next)
{
    struct news news = due(way, now);
    FIXTURE_OK(store_news_asked(store, &news));
    FIXTURE_OK(store_news_end(store, news.id, end, next, "why", now + 1));
}

/* ---- tests ---- */

static void a_finding_is_the_studys_at_once(void **state)
{
    (void)state;
    (void)judged(1, 1, plain(), "P");
    struct store_case c = next();
    assert_false(c.known.answered); /* the study is not complete: nothing can be said yet */
    FIXTURE_OK(store_place_stays(store, &c, 6000));
    none_due();
    (void)judged(2, 1, finding(0.8, true), "P");
    (void)judged(3, 1, finding(0.7, true), "P");
    c = next();
    assert_true(c.known.answered && c.known.outcome == SRT_FINDING);
    assert_true(c.known.score == 0.8 && c.known.operating_point == 0.5 && c.known.agreed);
    assert_string_equal(c.accession, "A1");
    assert_string_equal(c.patient_id, "P");
    assert_int_equal(c.arrived_ms, 1000);
    assert_int_equal(enter(&c, NEWS_PRIORITY, 5000).rank, PRIORITY_HIGH);
    none_due();
}

/* What a rule never raises: no study, no strength, and no other study of the patient. */
static void a_muted_finding_raises_nothing(void **state)
{
    struct judgement muted = finding(0.95, true);
    muted.muted = true;
    (void)state;
    (void)judged(1, 1, muted, "P");
    struct store_case c = next();
    assert_true(c.known.answered && c.known.outcome == SRT_FINDING && c.known.muted);
    struct priority p = enter(&c, NEWS_PRIORITY, 5000);
    assert_true(!p.raised && p.rank == PRIORITY_MEDIUM && p.reason == REASON_RULE);

    (void)judged(2, 2, finding(0.6, true), "P");
    c = next();
    assert_string_equal(c.study, "1.2.4.2");
    assert_false(c.known.known || c.known.muted);
    assert_true(enter(&c, NEWS_PRIORITY, 6000).raised);

    for (int third = 3; third <= 4; third++) { /* whichever comes first */
        (void)judged(2 * third, 1, third == 3 ? finding(0.6, true) : muted, "P");
        c = next();
        assert_true(!c.known.muted && c.known.score == 0.6);
        assert_true(enter(&c, NEWS_PRIORITY, 7000).reason == REASON_KNOWN); /* by the second */
    }
}

static void a_slice_is_not(void **state)
{
    (void)state;
    int64_t image = judged(1, 1, finding(0.9, false), "P");
    assert_false(next().known.answered);
    (void)keep_report(store, 7, 1, image, 2000, 0, false);
    struct store_case c = next();
    assert_true(c.known.answered);
    assert_string_equal(c.report, "2.25.7");
}

static void known_patients(void **state)
{
    (void)state;
    (void)judged(1, 1, finding(0.9, true), "SAME");
    struct store_case c = next();
    assert_false(c.known.known);
    (void)enter(&c, NEWS_PRIORITY, 5000);
    (void)judged(2, 2, finding(0.9, true), "SAME");
    (void)judged(3, 3, finding(0.9, true), "OTHER");
    FIXTURE_OK(store_next_case(store, 5000, &c));
    assert_true(c.known.known);
    FIXTURE_OK(store_next_case(store, 5001, &c)); /* too long ago */
    assert_false(c.known.known);
    (void)enter(&c, NEWS_PRIORITY, 6000);
    FIXTURE_OK(store_next_case(store, 0, &c));
    assert_false(c.known.known);
    (void)enter(&c, NEWS_PRIORITY, 6000);

    (void)judged(4, 4, finding(0.9, true), ""); /* nobody's ID is nobody's */
    (void)judged(5, 5, finding(0.9, true), "");
    c = next();
    (void)enter(&c, NEWS_PRIORITY, 7000);
    assert_false(next().known.known);
}

/* Of two findings of a patient the later is known, whatever becomes of either study; and none when
 * the earlier is taken back. */
static void the_earlier_finding_counts(void **state)
{
    (void)state;
    size_t hit;
    struct instance in;
    int64_t image = judged(1, 1, finding(0.9, true), "SAME");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    (void)judged(2, 2, finding(0.9, true), "SAME");
    c = next();
    assert_true(c.known.known);
    (void)enter(&c, NEWS_PRIORITY, 6000);
    (void)keep_report(store, 7, 1, image, 2000, 0, false);
    c = next();
    assert_string_equal(c.report, "2.25.7");
    assert_false(c.known.known);
    assert_true(enter(&c, NEWS_PRIORITY, 7000).raised);
    none_due();

    FIXTURE_OK(store_get_instance(store, image, &in));
    FIXTURE_OK(store_withdraw(store, in.sop_instance, NULL, NULL, "113001", &hit));
    c = next();
    (void)enter(&c, NEWS_WITHDRAWN, 8000);
    c = next();
    assert_string_equal(c.study, "1.2.4.2");
    assert_false(c.known.known);
    assert_true(enter(&c, NEWS_PRIORITY, 9000).raised);
    none_due();
}

static void later_news_overtakes(void **state)
{
    (void)state;
    int64_t image = judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    struct news first = due("ris", 5000);
    assert_true(first.revision == 1 && first.raised && !first.was_told && !first.is_report);
    (void)keep_report(store, 7, 1, image, 2000, 0, false);
    c = next();
    assert_int_equal(c.revision, 1);
    (void)enter(&c, NEWS_PRIORITY, 6000);
    struct news second = due("ris", 6000);
    assert_true(second.revision == 2 && second.is_report && !second.was_told);
    assert_string_equal(second.report, "2.25.7");

    second = due("ris", 6002);
    assert_false(second.may_know); /* the first never went out */
    FIXTURE_OK(store_news_asked(store, &second));
    FIXTURE_OK(store_news_end(store, second.id, NEWS_UNREACHED, 0, "", 6001));
    second = due("ris", 6002);
    assert_true(second.attempts == 1 && !second.may_know); /* its own attempts do not count */
    FIXTURE_OK(store_news_end(store, second.id, NEWS_LATER, 9000, "busy", 6003));
    assert_int_equal(due("ris", 8999).revision, 0);
    assert_int_equal(due("ris", 9000).revision, 2);
    assert_int_equal(due("chat", 6002).revision, 2); /* each way for itself */
    FIXTURE_OK(store_news_end(store, second.id, NEWS_REFUSED, 0, "no", 9001));
    assert_int_equal(due("ris", 1000000).revision, 0);
}

static void what_is_on_its_way_counts(void **state)
{
    (void)state;
    (void)judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    struct news first = due("ris", 5000);
    FIXTURE_OK(store_news_asked(store, &first));
    FIXTURE_OK(store_mark_read(store, c.study, true));
    c = next();
    (void)enter(&c, NEWS_WITHDRAWN, 6000);
    assert_int_equal(store_news_asked(store, &first), STORE_NONE); /* it is overtaken */
    struct news second = due("ris", 6000); /* killed here, or answered: it is told in any case */
    assert_true(second.kind == NEWS_WITHDRAWN && second.may_know && !second.was_told);
    FIXTURE_OK(store_news_end(store, first.id, NEWS_TOLD, 0, "", 6001));
    second = due("ris", 6002);
    assert_true(second.kind == NEWS_WITHDRAWN && second.was_told && second.told == PRIORITY_HIGH);
    assert_int_equal(due("chat", 6002).revision, 0);
}

/* It took one of two messages and refused the other. */
static void what_refused_a_part_hears_that_it_is_withdrawn(void **state)
{
    (void)state;
    (void)judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    tell("ris", 5000, NEWS_REFUSED, 0);
    FIXTURE_OK(store_mark_read(store, c.study, true));
    c = next();
    (void)enter(&c, NEWS_WITHDRAWN, 6000);
    struct news news = due("ris", 6000);
    assert_true(news.kind == NEWS_WITHDRAWN && news.may_know && !news.was_told);
}

static void only_who_may_know_hears_that_it_is_withdrawn(void **state)
{
    (void)state;
    (void)judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    tell("ris", 5000, NEWS_TOLD, 0);
    FIXTURE_OK(store_mark_read(store, c.study, true));
    assert_int_equal(store_mark_read(store, "1.2.3.4.5", true), STORE_NONE);
    c = next();
    assert_true(c.known.read);
    (void)enter(&c, NEWS_WITHDRAWN, 6000);
    assert_int_equal(due("ris", 6000).kind, NEWS_WITHDRAWN);
    assert_int_equal(due("chat", 6000).revision, 0);

    struct store_entry list[2];
    size_t count;
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 2, &count));
    assert_int_equal(count, 0);
    FIXTURE_OK(store_mark_read(store, c.study, false));
    c = next();
    (void)enter(&c, NEWS_PRIORITY, 7000);
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 2, &count));
    assert_int_equal(count, 1);
    assert_int_equal(list[0].place.arrived_ms, 1000);
}

static void no_finding_is_told_with_its_report_only(void **state)
{
    (void)state;
    int64_t image = judged(1, 1, plain(), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    assert_int_equal(due("ris", 5000).revision, 0);
    (void)keep_report(store, 7, 1, image, 2000, 0, false);
    c = next();
    (void)enter(&c, NEWS_PRIORITY, 6000);
    assert_int_equal(due("ris", 6000).revision, 2);
}

static void stale_news(void **state)
{
    (void)state;
    size_t count;
    (void)judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    FIXTURE_OK(store_expire_news(store, "ris", 5000, 9000, &count));
    assert_int_equal(count, 0);
    FIXTURE_OK(store_expire_news(store, "ris", 5001, 9000, &count));
    assert_int_equal(count, 1);
    assert_int_equal(due("ris", 9000).revision, 0);
    assert_int_equal(due("chat", 9000).revision, 1);
}

static void only_raises_grow_stale(void **state)
{
    (void)state;
    size_t count;
    int64_t image = judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    tell("ris", 5000, NEWS_TOLD, 0);
    tell("chat", 5000, NEWS_UNREACHED, 0);
    (void)keep_report(store, 7, 1, image, 2000, 0, false);
    c = next();
    (void)enter(&c, NEWS_PRIORITY, 6000);
    FIXTURE_OK(store_expire_news(store, "ris", 900000, 1000000, &count));
    assert_int_equal(count, 0); /* it raises nothing that is not raised there */
    FIXTURE_OK(store_expire_news(store, "chat", 900000, 1000000, &count));
    assert_int_equal(count, 1); /* nobody knows that it is */
    FIXTURE_OK(store_mark_read(store, c.study, true));
    c = next();
    (void)enter(&c, NEWS_WITHDRAWN, 7000);
    FIXTURE_OK(store_expire_news(store, "ris", 900000, 1000000, &count));
    assert_int_equal(count, 0);
    FIXTURE_OK(store_expire_news(store, "chat", 900000, 1000000, &count));
    assert_int_equal(count, 0); /* it may have taken the first */
    assert_int_equal(due("chat", 1000000).kind, NEWS_WITHDRAWN);
}

static void a_receiver_of_raises_hears_of_raises(void **state)
{
    (void)state;
    static const struct store_receiver manager = {.name = "manager", .raises_only = true};
    struct priority p;
    struct instance in;
    size_t hit;
    int64_t first = judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    int64_t image = judged(2, 2, finding(0.9, true), "P");
    (void)keep_report(store, 7, 2, image, 2000, 0, false);
    c = next();
    priority_of(&c.known, &p);
    assert_false(p.raised);
    FIXTURE_OK(store_place(store, &c, &p, NEWS_PRIORITY, &manager, 1, 6000));
    assert_int_equal(due("manager", 6000).revision, 0);

    FIXTURE_OK(store_get_instance(store, first, &in));
    FIXTURE_OK(store_withdraw(store, in.sop_instance, NULL, NULL, "113001", &hit));
    c = next();
    (void)enter(&c, NEWS_WITHDRAWN, 7000);
    c = next();
    priority_of(&c.known, &p);
    FIXTURE_OK(store_place(store, &c, &p, NEWS_PRIORITY, &manager, 1, 8000));
    assert_int_equal(due("manager", 8000).revision, 2);
}

static void the_header_is_that_of_then(void **state)
{
    (void)state;
    struct news news;
    uint8_t *before, *after;
    size_t bytes, more;
    (void)judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    snprintf(c.model, sizeof c.model, "network 1.0");
    (void)enter(&c, NEWS_PRIORITY, 5000);
    FIXTURE_OK(store_next_news(store, &fixture_policy, "ris", 5000, 6000, &news, &before, &bytes));
    assert_string_equal(news.model, "network 1.0");
    (void)judged(2, 1, plain(), "PATIENT WITH ANOTHER NAME");
    FIXTURE_OK(store_next_news(store, &fixture_policy, "ris", 5000, 6000, &news, &after, &more));
    assert_int_equal(bytes, more);
    assert_memory_equal(before, after, bytes);
    free(before);
    free(after);
}

static void what_is_taken_back_makes_it_due(void **state)
{
    (void)state;
    size_t hit;
    (void)judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    struct instance in;
    FIXTURE_OK(store_get_instance(store, 1, &in));
    FIXTURE_OK(store_withdraw(store, in.sop_instance, NULL, NULL, "113001", &hit));
    c = next();
    assert_true(c.withdrawn && !c.known.answered && c.revision == 1);
    assert_int_equal(c.image, 1); /* whose patient who heard of it is told about */
}

static void how_it_stands(void **state)
{
    (void)state;
    struct store_news_state s;
    FIXTURE_OK(store_news_state(store, "ris", 0, &s));
    assert_true(s.pending == 0 && s.parked == 0 && s.oldest_ms == 0);
    (void)judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    FIXTURE_OK(store_news_state(store, "ris", 0, &s));
    assert_true(s.pending == 1 && s.parked == 0 && s.oldest_ms == 5000);
    FIXTURE_OK(store_news_end(store, due("ris", 5000).id, NEWS_REFUSED, 0, "no", 6000));
    FIXTURE_OK(store_news_state(store, "ris", 6000, &s));
    assert_true(s.pending == 0 && s.parked == 1);
    assert_string_equal(s.why, "no");
    FIXTURE_OK(store_news_state(store, "ris", 6001, &s));
    assert_int_equal(s.parked, 0);
    FIXTURE_OK(store_news_state(store, "chat", 0, &s));
    assert_true(s.pending == 1 && s.parked == 0);
}

/* The machine's own memory of a patient ends with the patient. */
static void a_forgotten_patient_is_not_known(void **state)
{
    (void)state;
    struct store_forgotten gone;
    const struct store_patient whom = {.id = "P", .issuer = ""};
    (void)judged(1, 1, finding(0.9, true), "P");
    struct store_case c = next();
    (void)enter(&c, NEWS_PRIORITY, 5000);
    tell("ris", 5000, NEWS_REFUSED, 0);
    FIXTURE_OK(store_forget_patient(store, &whom, NULL, 0, 6000, &gone));
    assert_int_equal(gone.objects, 1);
    struct store_news_state s;
    FIXTURE_OK(store_news_state(store, "ris", 0, &s));
    assert_string_equal(s.why, ""); /* its receiver may have named the patient */
    c = next();
    assert_true(c.withdrawn);
    (void)enter(&c, NEWS_WITHDRAWN, 7000);
    (void)judged(2, 2, finding(0.9, true), "P");
    assert_false(next().known.known);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_finding_is_the_studys_at_once),
        T(a_muted_finding_raises_nothing),
        T(a_slice_is_not),
        T(known_patients),
        T(the_earlier_finding_counts),
        T(later_news_overtakes),
        T(only_who_may_know_hears_that_it_is_withdrawn),
        T(what_is_on_its_way_counts),
        T(what_refused_a_part_hears_that_it_is_withdrawn),
        T(no_finding_is_told_with_its_report_only),
        T(stale_news),
        T(only_raises_grow_stale),
        T(a_receiver_of_raises_hears_of_raises),
        T(the_header_is_that_of_then),
        T(what_is_taken_back_makes_it_due),
        T(how_it_stands),
        T(a_forgotten_patient_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
