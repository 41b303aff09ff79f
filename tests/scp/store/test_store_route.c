/* What a destination gets of a study, and who is told of it: the union of what its images' rules
 * give, and who has had it before. */
#include "keep_fixture.h"
#include "open_store.h"
#include "store_place.h"

#define SR     1u
#define SC     2u
#define ALL    (~0u)
#define STUDY1 "1.2.4.1"

static int64_t judged(int number, int study, enum instance_state state, const char *destinations,
                      unsigned outputs)
{
    const struct judgement j = {.state = state,
                                .outcome = SRT_NO_FINDING,
                                .destinations = destinations,
                                .outputs = outputs};
    int64_t id = keep_receive(store, number, study, 1000);
    FIXTURE_OK(store_judge(store, id, &j));
    return id;
}

static void gets(const char *destination, unsigned outputs, unsigned kinds)
{
    unsigned to = 99, had = 99;
    FIXTURE_OK(store_route(store, STUDY1, destination, &to, &had));
    assert_int_equal(to, outputs);
    assert_int_equal(had, kinds);
}

static void without_a_word_all_get_all(void **state)
{
    (void)state;
    gets("pacs", 0, 0); /* no study, nothing */
    (void)judged(1, 1, INSTANCE_JUDGED, NULL, 0);
    gets("pacs", ALL, 0);
    gets("nobody", ALL, 0);
}

static void rules_of_several_images_add_up(void **state)
{
    (void)state;
    (void)judged(1, 1, INSTANCE_JUDGED, "ai  pacs", SC);
    gets("pacs", SC, 0);
    gets("ai", SC, 0);
    gets("pac", 0, 0);
    gets("archive", 0, 0);
    (void)judged(2, 1, INSTANCE_NOT_PROCESSED, "pacs", SR);
    gets("pacs", SR | SC, 0);
    gets("ai", SC, 0);
    (void)judged(3, 1, INSTANCE_JUDGED, "archive", 0);
    gets("archive", ALL, 0);
    gets("pacs", SR | SC, 0);
}

static void what_is_no_image_of_the_study_gives_nothing(void **state)
{
    (void)state;
    (void)judged(1, 1, INSTANCE_JUDGED, "pacs", SR);
    (void)judged(2, 2, INSTANCE_JUDGED, NULL, 0);
    (void)judged(3, 1, INSTANCE_IGNORED, NULL, 0);
    (void)judged(4, 1, INSTANCE_OWN, NULL, 0);
    (void)judged(5, 1, INSTANCE_SAME, NULL, 0);
    (void)keep_receive(store, 6, 1, 1000);
    gets("pacs", SR, 0);
    gets("archive", 0, 0);
}

/* A retracted or judged again image leaves its answer where it was told. */
static void what_was_given_is_remembered(void **state)
{
    size_t hit;
    (void)state;
    int64_t image = judged(1, 1, INSTANCE_JUDGED, "pacs", SR);
    (void)keep_report(store, 7, 1, image, 2000, 1, false);
    gets("pacs", SR, 1u << RESULT_SR);
    const struct judgement anew = {.state = INSTANCE_JUDGED, .destinations = "archive"};
    FIXTURE_OK(store_judge(store, image, &anew));
    gets("pacs", 0, 1u << RESULT_SR);
    gets("archive", ALL, 0);
    FIXTURE_OK(store_withdraw(store, "1.2.3.1", NULL, NULL, "113001", &hit));
    gets("archive", ALL, 0);
}

/* ---- who is told ---- */

static int64_t found(int number, int study, const char *announcements)
{
    const struct judgement j = {.state = INSTANCE_JUDGED,
                                .outcome = SRT_FINDING,
                                .alone = true,
                                .agreed = true,
                                .finding_score = 0.9,
                                .finding_point = 0.5,
                                .announcements = announcements};
    int64_t id = keep_receive(store, number, study, 1000 * study);
    FIXTURE_OK(store_judge(store, id, &j));
    return id;
}

/* The study that is due gets its place, and its news. */
static void place(const char *study, int64_t now)
{
    static const struct store_receiver ways[] = {{.name = "ris"}, {.name = "chat"}};
    struct store_case c;
    struct priority p;
    FIXTURE_OK(store_next_case(store, 0, &c));
    assert_string_equal(c.study, study);
    priority_of(&c.known, &p);
    FIXTURE_OK(store_place(store, &c, &p, NEWS_PRIORITY, ways, 2, now));
}

/* The news that this way is due, with `tell` told; revision 0: none. */
static struct news due(const char *way, bool tell)
{
    struct news news;
    uint8_t *attrs;
    size_t bytes;
    if (store_next_news(store, &fixture_policy, way, 50000, 1000000, &news, &attrs, &bytes) !=
        STORE_OK)
        news.revision = 0;
    free(attrs);
    if (tell) {
        FIXTURE_OK(store_news_asked(store, &news));
        FIXTURE_OK(store_news_end(store, news.id, NEWS_TOLD, 0, "", 50001));
    }
    return news;
}

static enum store_status look_at(const char *way)
{
    struct news news;
    uint8_t *attrs;
    size_t bytes;
    enum store_status status = store_next_look(store, way, 100000000, 1, &news, &attrs, &bytes);
    free(attrs);
    return status;
}

static void who_is_told_adds_up(void **state)
{
    (void)state;
    (void)found(1, 1, "\tchat  mail ");
    place(STUDY1, 5000);
    assert_int_equal(due("ris", false).revision, 0);
    assert_int_equal(due("chat", false).revision, 1);
    assert_int_equal(look_at("ris"), STORE_NONE);
    assert_int_equal(look_at("mail"), STORE_OK);
    (void)found(2, 1, "");
    place(STUDY1, 6000);
    assert_int_equal(due("ris", false).revision, 0);
    assert_int_equal(due("chat", false).revision, 2);
    (void)found(3, 1, "ris");
    place(STUDY1, 7000);
    assert_int_equal(due("ris", false).revision, 3);
    assert_int_equal(due("chat", false).revision, 3);
    assert_int_equal(look_at("ris"), STORE_OK);
    (void)found(4, 2, NULL);
    place("1.2.4.2", 8000);
    (void)due("ris", true);
    assert_string_equal(due("ris", false).study, "1.2.4.2");
}

static void who_was_told_goes_on_being_told(void **state)
{
    const struct judgement silent = {.state = INSTANCE_JUDGED, .announcements = ""};
    (void)state;
    int64_t image = found(1, 1, "chat");
    place(STUDY1, 5000);
    (void)due("chat", true);
    FIXTURE_OK(store_judge(store, image, &silent));
    place(STUDY1, 6000);
    assert_int_equal(due("chat", false).revision, 2);
    assert_int_equal(due("ris", false).revision, 0);
    assert_int_equal(look_at("chat"), STORE_OK);
    assert_int_equal(look_at("ris"), STORE_NONE);
}

static void more_names_than_are_kept_are_all(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        char many[1024];
        size_t used = 0;
        for (int n = 0; n < 25; n++)
            used += (size_t)snprintf(many + used, sizeof many - used, "a-name-of-some-length-%d ",
                                     100000 + 100 * i + n);
        (void)found(1 + i, 1, many);
        place(STUDY1, 5000);
        assert_int_equal(due("ris", false).revision, i >= 2 ? i + 1 : 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(without_a_word_all_get_all),
                                       TEST(rules_of_several_images_add_up),
                                       TEST(what_is_no_image_of_the_study_gives_nothing),
                                       TEST(what_was_given_is_remembered),
                                       TEST(who_is_told_adds_up),
                                       TEST(who_was_told_goes_on_being_told),
                                       TEST(more_names_than_are_kept_are_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
