/* What a destination gets of a study: the union of what its images' rules give it, and what it has
 * got of it before. */
#include "keep_fixture.h"
#include "scp_fixture.h"

#define SR     1u
#define SC     2u
#define ALL    (~0u)
#define STUDY1 "1.2.4.1"

static struct store *store;

static int setup(void **state)
{
    int failed = fixture_setup(state);
    store = failed == 0 ? fixture_open(*state) : NULL;
    return failed;
}

static int teardown(void **state)
{
    store_close(store);
    return fixture_teardown(state);
}

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(without_a_word_all_get_all), TEST(rules_of_several_images_add_up),
        TEST(what_is_no_image_of_the_study_gives_nothing), TEST(what_was_given_is_remembered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
