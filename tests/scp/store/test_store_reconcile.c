/* What becomes of what was judged, told and not yet sent when a patient is corrected. */
#include "patients_fixture.h"
#include "store_place.h"

static enum instance_state state_of(int64_t id)
{
    struct instance in;
    FIXTURE_OK(store_get_instance(store, id, &in));
    return in.state;
}

static const struct addressee places[] = {{"pacs", 1u << RESULT_SR | 1u << RESULT_SC, false},
                                          {"archive", 1u << RESULT_SC, false}};

/* What waits there. */
static size_t waiting(const char *place, struct delivery list[4])
{
    size_t found;
    FIXTURE_OK(store_pending(store, place, INT64_MAX, INT64_MAX, list, 4, &found));
    return found;
}

static void told_to(int64_t id, int number, size_t to_count)
{
    struct judgement j;
    uint8_t *attrs;
    FIXTURE_OK(store_get_judgement(store, id, &j, &attrs));
    struct result r[2] = {
        {.kind = RESULT_SR, .outcome = SRT_FINDING, .attrs = attrs, .attrs_bytes = j.attrs_bytes},
        {.kind = RESULT_SC,
         .outcome = SRT_FINDING,
         .attrs = attrs,
         .attrs_bytes = j.attrs_bytes,
         .instance = id}};
    for (size_t i = 0; i < 2; i++) {
        snprintf(r[i].study, sizeof r[i].study, "1.2.4.%d", number);
        memcpy(r[i].patient, j.patient_digest, sizeof r[i].patient);
    }
    snprintf(r[0].uid, sizeof r[0].uid, "2.25.8%d", number);
    snprintf(r[1].uid, sizeof r[1].uid, "%s", j.picture);
    const struct store_report all = {.study = r[0].study,
                                     .results = r,
                                     .count = 2,
                                     .instances = &id,
                                     .instance_count = 1,
                                     .to = places,
                                     .to_count = to_count};
    FIXTURE_OK(store_add_report(store, &all));
    free(attrs);
}

static void told(int64_t id, int number, bool is_sent)
{
    struct delivery list[4];
    told_to(id, number, 1);
    size_t found = waiting("pacs", list);
    assert_int_equal(found, 2);
    for (size_t i = 0; is_sent && i < found; i++)
        FIXTURE_OK(store_delivered(store, list[i].id, 0, 2000));
}

static void what_was_sent_is_amended(void **state)
{
    (void)state;
    char digest[DX_DIGEST_MAX];
    struct result before;
    struct judgement j;
    uint8_t *attrs;
    int64_t a = image(1, "1", "A");
    told(a, 1, true);
    assert_int_equal(fixture_due(store).count, 0);
    (void)tell(a_patient("1", "A", "doe^jane", 10)); /* nothing changes */
    assert_int_equal(fixture_due(store).count, 0);
    (void)tell(a_merge("1", "2", "New^Jane", 20));
    assert_int_equal(state_of(a), INSTANCE_JUDGED);
    assert_int_equal(fixture_due(store).count, 1);
    assert_int_equal(fixture_due(store).last.amendment, SRT_CORRECTED);
    FIXTURE_OK(store_find_result(store, "2.25.81", &before));
    FIXTURE_OK(store_get_judgement(store, a, &j, &attrs));
    free(attrs);
    memcpy(digest, j.patient_digest, sizeof digest);
    assert_string_equal(before.patient, digest); /* in the same record: not taken back */
    assert_int_equal(count("SELECT COUNT(*) FROM result WHERE patient_id='2' AND issuer='A'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM delivery WHERE state='sent' AND rejection=0"), 2);
}

static void what_was_not_sent_is_made_anew(void **state)
{
    (void)state;
    struct instance in;
    int64_t a = image(1, "1", "A"), b = image(2, "2", "A"), early = image(3, "3", "A");
    told(a, 1, false);
    FIXTURE_OK(store_get_instance(store, b, &in)); /* another patient's stays */
    (void)tell(a_merge("1", "9", "New^Jane", 20));
    assert_int_equal(state_of(a), INSTANCE_RECEIVED);
    assert_int_equal(count("SELECT COUNT(*) FROM delivery WHERE state='cancelled'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM delivery WHERE rejection=-1 AND offered<>0"), 0);
    assert_int_equal(state_of(b), INSTANCE_JUDGED);
    (void)tell(a_patient("3", "A", "New^Jim", 20)); /* its picture is drawn, its report not made */
    assert_int_equal(state_of(early), INSTANCE_RECEIVED);
    FIXTURE_OK(store_get_instance(store, early, &in));
    assert_int_equal(in.revision, 1);
}

static size_t to_reject(const char *place, struct result list[4])
{
    size_t found;
    FIXTURE_OK(store_to_reject(store, place, list, 4, &found));
    return found;
}

/* The picture is drawn anew; the old one needs a note where it came. The report's successor names
 * it. */
static void what_was_on_its_way(void **state)
{
    (void)state;
    struct delivery list[4], more[4];
    struct result old[4];
    int64_t a = image(1, "1", "A");
    told(a, 1, false);
    assert_int_equal(waiting("pacs", list), 2);
    FIXTURE_OK(store_deliveries_offered(store, list, 2));
    (void)tell(a_merge("1", "2", "New^Jane", 20));
    assert_int_equal(state_of(a), INSTANCE_RECEIVED);
    assert_int_equal(waiting("pacs", more), 0);
    assert_int_equal(to_reject("pacs", old), 0); /* nobody knows yet */
    for (size_t i = 0; i < 2; i++)
        FIXTURE_OK(store_delivered(store, list[i].id, 0, 2000));
    assert_int_equal(to_reject("pacs", old), 1);
    assert_true(old[0].kind == RESULT_SC && old[0].state == RESULT_RETRACTED);
    assert_string_equal(old[0].why, STORE_REPLACED);
}

static void nobody_answered_for_it(void **state)
{
    (void)state;
    struct delivery list[4];
    struct result old[4];
    int64_t a = image(1, "1", "A");
    told(a, 1, false);
    assert_int_equal(waiting("pacs", list), 2);
    FIXTURE_OK(store_deliveries_offered(store, list, 2));
    (void)tell(a_merge("1", "2", "New^Jane", 20));
    FIXTURE_OK(store_deliveries_lost(store, "pacs"));
    assert_int_equal(to_reject("pacs", old), 1);
    assert_int_equal(old[0].kind, RESULT_SC);
}

/* One destination has the picture, the other not: both get the new one, and keep no other. */
static void what_one_of_two_has(void **state)
{
    (void)state;
    struct delivery list[4];
    struct result old[4];
    int64_t a = image(1, "1", "A");
    told_to(a, 1, 2);
    assert_int_equal(waiting("archive", list), 1);
    FIXTURE_OK(store_delivered(store, list[0].id, 0, 2000));
    (void)tell(a_patient("1", "A", "New^Jane", 20));
    assert_int_equal(state_of(a), INSTANCE_RECEIVED);
    assert_int_equal(to_reject("archive", old), 1);
    assert_int_equal(to_reject("pacs", old), 0);
    assert_int_equal(waiting("pacs", list), 0);
}

/* A slice has no picture of its own: its series has one, which comes with the report. */
static void a_picture_of_slices(void **state)
{
    (void)state;
    struct delivery list[4];
    struct instance in;
    bool made = false;
    int64_t a = received(1, 1, 1000);
    struct result r[2] = {{.kind = RESULT_SR, .uid = "2.25.81", .study = "1.2.4.1"},
                          {.kind = RESULT_SC,
                           .uid = "2.25.71",
                           .study = "1.2.4.1",
                           .instance = a,
                           .made_of = "2.25.61"}};
    const struct store_report all = {.study = r[0].study,
                                     .results = r,
                                     .count = 2,
                                     .instances = &a,
                                     .instance_count = 1,
                                     .to = places,
                                     .to_count = 2};
    judged_as(a, "1", "A", "Doe^Jane", "ISO_IR 100", "");
    FIXTURE_OK(store_add_report(store, &all));
    FIXTURE_OK(store_is_made(store, a, "2.25.61", &made));
    assert_true(made);
    assert_int_equal(waiting("pacs", list), 2);
    for (size_t i = 0; i < 2; i++)
        FIXTURE_OK(store_delivered(store, list[i].id, 0, 2000));
    (void)tell(a_patient("1", "A", "New^Jane", 20)); /* the archive has none */
    FIXTURE_OK(store_is_made(store, a, "2.25.61", &made));
    assert_false(made);
    FIXTURE_OK(store_get_instance(store, a, &in));
    assert_true(in.state == INSTANCE_JUDGED && in.revision == 1);
    assert_int_equal(fixture_due(store).count, 1);
}

static void what_was_taken_back_stays_so(void **state)
{
    (void)state;
    size_t hit;
    int64_t a = image(1, "1", "A");
    told(a, 1, true);
    FIXTURE_OK(store_withdraw(store, "1.2.3.1", NULL, NULL, "113037", &hit));
    assert_int_equal(hit, 1);
    (void)tell(a_patient("1", "A", "New^Jane", 20));
    assert_int_equal(fixture_due(store).count, 0);
    IS(a, "New^Jane|1|A|19700101");
}

static struct news news_of(char *name, size_t size)
{
    struct news news;
    uint8_t *bytes;
    size_t found;
    struct dx_attrs *attrs;
    struct dx_error err;
    FIXTURE_OK(store_next_news(store, &fixture_policy, "ris", 9000, 9000, &news, &bytes, &found));
    assert_int_equal(dx_attrs_unpack(bytes, found, &attrs, &err), DX_OK);
    snprintf(name, size, "%s", dx_attrs_text(attrs, TAG_NAME));
    dx_attrs_destroy(attrs);
    free(bytes);
    return news;
}

static void place_all(void)
{
    static const struct store_receiver ris = {.name = "ris"};
    struct store_case c;
    enum store_status status;
    while ((status = store_next_case(store, 0, &c)) == STORE_OK) {
        struct priority p;
        priority_of(&c.known, &p);
        FIXTURE_OK(store_place(store, &c, &p, c.withdrawn ? NEWS_WITHDRAWN : NEWS_PRIORITY, &ris, 1,
                               2000));
    }
    assert_int_equal(status, STORE_NONE);
}

/* A message that may have gone out is sent again as it was; one that has not gone out is not old.
 */
static void news_that_may_have_gone_out(void **state)
{
    (void)state;
    char name[80];
    (void)image(1, "1", "A");
    place_all();
    (void)tell(a_patient("1", "A", "First^Jane", 10));
    struct news news = news_of(name, sizeof name);
    assert_string_equal(name, "First^Jane");
    FIXTURE_OK(store_news_asked(store, &news));
    (void)tell(a_patient("1", "A", "Second^Jane", 20));
    (void)tell(a_patient("1", "A", "Third^Jane", 30));
    (void)news_of(name, sizeof name);
    assert_string_equal(name, "First^Jane");
}

/* While its picture is drawn anew an image counts as it was judged. */
static void a_raise_stays(void **state)
{
    (void)state;
    struct store_case c;
    int64_t a = image(1, "1", "A");
    place_all();
    (void)tell(a_merge("1", "2", "Two", 10));
    assert_int_equal(state_of(a), INSTANCE_RECEIVED);
    FIXTURE_OK(store_next_case(store, 0, &c));
    assert_true(c.known.answered && c.known.outcome == SRT_FINDING && !c.withdrawn);
    place_all();
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE raised=1 AND patient_id='2'"), 1);
}

/* The finding that a patient is known by follows the patient. */
static void what_is_known_of_a_patient(void **state)
{
    (void)state;
    struct store_entry list[4];
    size_t found;
    (void)image(1, "1", "A");
    (void)image(2, "2", "A");
    place_all();
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE raised=1"), 2);
    (void)tell(a_merge("1", "2", "Two", 10));
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE patient_id='2'"), 2);
    place_all();
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE raised=1"), 1);
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 4, &found));
    assert_int_equal(found, 2); /* nobody leaves the list by it */
}

static void who_is_forgotten(void **state)
{
    (void)state;
    struct store_forgotten gone;
    const struct store_patient two = {"2", "A"};
    int64_t a = image(1, "1", "A");
    (void)tell(a_merge("1", "2", "Two", 10));
    FIXTURE_OK(store_forget_patient(store, &two, NULL, 0, 7000, &gone));
    assert_int_equal(gone.objects, 1);
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient"), 0);
    assert_int_equal(state_of(a), INSTANCE_IGNORED);
}

/* Over a chain of merges, and no further than the issuer says. */
static void whose_ids_are_forgotten(void **state)
{
    (void)state;
    static const char *const his[] = {"1", "2", "3"}, *const others[] = {"4", "5", ""};
    const struct store_patient three = {"3", "A"}, elsewhere = {"3", "B"}, one = {"1", ""};
    struct store_forgotten gone;
    bool merged, found;
    for (int number = 1; number <= 5; number++) {
        char id[12];
        snprintf(id, sizeof id, "%d", number);
        (void)image(number, id, "A");
    }
    (void)tell(a_merge("1", "2", "Two", 10));
    (void)tell(a_merge("2", "3", "Three", 20));
    (void)tell(a_merge("4", "5", "Five", 30));
    FIXTURE_OK(store_find_ids(store, &elsewhere, &merged));
    FIXTURE_OK(store_is_found_id(store, "2", &found));
    assert_false(found);
    FIXTURE_OK(store_find_ids(store, &one, &merged));
    assert_true(merged);
    FIXTURE_OK(store_find_ids(store, &three, &merged));
    assert_false(merged);
    for (size_t i = 0; i < 3; i++) {
        FIXTURE_OK(store_is_found_id(store, his[i], &found));
        assert_true(found);
        FIXTURE_OK(store_is_found_id(store, others[i], &found));
        assert_false(found);
    }
    FIXTURE_OK(store_forget_patient(store, &three, NULL, 0, 7000, &gone));
    assert_int_equal(gone.objects, 3);
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient WHERE patient_id IN ('1','2','3')"),
                     0);
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient WHERE patient_id IN ('4','5')"), 2);
}

/* The study leaves the list, its report notwithstanding, and who heard of it is told without a word
 * of the patient. */
static void who_is_forgotten_leaves_the_list(void **state)
{
    (void)state;
    struct store_forgotten gone;
    struct store_entry list[2];
    struct news news;
    char name[80];
    uint8_t *attrs;
    size_t found;
    const struct store_patient one = {"1", "A"};
    for (int number = 1; number <= 2; number++) {
        int64_t id = image(number, number == 1 ? "1" : "2", "A");
        told(id, number, true);
        place_all();
        news = news_of(name, sizeof name);
        FIXTURE_OK(store_news_asked(store, &news));
        FIXTURE_OK(store_news_end(store, news.id, NEWS_TOLD, 0, "", 2000));
    }
    FIXTURE_OK(store_forget_patient(store, &one, NULL, 0, 7000, &gone));
    place_all();
    FIXTURE_OK(store_worklist(store, &fixture_policy, list, 2, &found));
    assert_int_equal(found, 1);
    assert_string_equal(list[0].study, "1.2.4.2");
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE raised=0 AND answered=0 AND report=''"
                           " AND outcome='' AND patient_id=''"),
                     1);
    FIXTURE_OK(store_next_news(store, &fixture_policy, "ris", 9000, 9000, &news, &attrs, &found));
    assert_string_equal(news.study, "1.2.4.1");
    assert_true(news.revision == 2 && attrs == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ONE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        ONE(what_was_sent_is_amended),
        ONE(what_was_not_sent_is_made_anew),
        ONE(what_was_on_its_way),
        ONE(nobody_answered_for_it),
        ONE(what_one_of_two_has),
        ONE(a_picture_of_slices),
        ONE(what_was_taken_back_stays_so),
        ONE(news_that_may_have_gone_out),
        ONE(a_raise_stays),
        ONE(what_is_known_of_a_patient),
        ONE(who_is_forgotten),
        ONE(whose_ids_are_forgotten),
        ONE(who_is_forgotten_leaves_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
