/* The same image again, a correction, a conflict: told apart by digests. */
#include "examine_identity.h"
#include "scp_fixture.h"

enum { FIRST = 1, SECOND = 2, THIRD = 3 };

/* Enters object `digest` of SOP instance 1 in study 1. */
static struct instance enter(struct store *store, int digest)
{
    enum store_identity identity;
    struct instance in = fixture_instance(1, digest, 1, "a");
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    in.rival = identity == STORE_RIVAL;
    return in;
}

static struct judgement judged(int pixels, int patient)
{
    struct judgement j = {.state = INSTANCE_JUDGED};
    if (pixels)
        snprintf(j.pixel_digest, sizeof j.pixel_digest, "%064x", (unsigned)pixels);
    snprintf(j.patient_digest, sizeof j.patient_digest, "%064x", (unsigned)patient);
    return j;
}

static struct judgement second(void **state, struct judgement first, struct judgement now,
                               bool *known)
{
    struct store *store = fixture_open(*state);
    struct instance a = enter(store, FIRST);
    FIXTURE_OK(examine_identity(store, &a, &first, known));
    assert_false(*known);
    FIXTURE_OK(store_judge(store, a.id, &first));
    struct instance b = enter(store, SECOND);
    assert_true(b.rival);
    FIXTURE_OK(examine_identity(store, &b, &now, known));
    store_close(store);
    return now;
}

static void test_same_pixels_are_the_same_image(void **state)
{
    bool known;
    struct judgement j = second(state, judged(7, 3), judged(7, 3), &known);
    assert_true(known);
    assert_int_equal(j.state, INSTANCE_SAME);
}

static void test_other_pixels_are_a_conflict(void **state)
{
    bool known;
    struct judgement j = second(state, judged(7, 3), judged(8, 3), &known);
    assert_true(known);
    assert_int_equal(j.state, INSTANCE_NOT_PROCESSED);
    assert_int_equal(j.reason, SRT_CONFLICT);
    assert_non_null(strstr(j.detail, "SOP Instance UID"));
}

static void test_other_demographics_are_a_correction(void **state)
{
    bool known;
    struct judgement j = second(state, judged(7, 3), judged(7, 4), &known);
    assert_false(known);
    assert_int_equal(j.state, INSTANCE_JUDGED);
}

static void test_the_same_refusal_is_told_once(void **state)
{
    bool known;
    struct judgement refused = judged(0, 3);
    refused.state = INSTANCE_NOT_PROCESSED;
    refused.reason = SRT_WRONG_VIEW;
    struct judgement j = second(state, refused, refused, &known);
    assert_true(known);
    assert_int_equal(j.state, INSTANCE_SAME);
}

static void test_after_an_undecodable_one_the_good_one_is_judged(void **state)
{
    bool known;
    struct judgement refused = judged(0, 3);
    refused.state = INSTANCE_NOT_PROCESSED;
    refused.reason = SRT_UNDECODABLE;
    struct judgement j = second(state, refused, judged(7, 3), &known);
    assert_false(known);
    assert_int_equal(j.state, INSTANCE_JUDGED);
}

/* One that could not be decoded in between hides nothing. */
static void test_a_conflict_with_one_before_the_last(void **state)
{
    bool known;
    struct store *store = fixture_open(*state);
    struct judgement first = judged(7, 3), unread = judged(0, 3);
    unread.state = INSTANCE_NOT_PROCESSED;
    unread.reason = SRT_UNDECODABLE;
    struct instance a = enter(store, FIRST);
    FIXTURE_OK(store_judge(store, a.id, &first));
    struct instance b = enter(store, SECOND);
    FIXTURE_OK(store_judge(store, b.id, &unread));
    struct instance c = enter(store, THIRD);
    struct judgement other = judged(8, 3), same = judged(7, 3);
    FIXTURE_OK(examine_identity(store, &c, &other, &known));
    assert_true(known);
    assert_int_equal(other.reason, SRT_CONFLICT);
    FIXTURE_OK(examine_identity(store, &c, &same, &known));
    assert_int_equal(same.state, INSTANCE_JUDGED);
    store_close(store);
}

static void test_another_study_is_a_move(void **state)
{
    bool known;
    enum store_identity identity;
    struct store *store = fixture_open(*state);
    struct judgement first = judged(7, 3), now = judged(7, 3);
    struct instance a = enter(store, FIRST), b = fixture_instance(1, SECOND, 2, "a");
    FIXTURE_OK(store_judge(store, a.id, &first));
    FIXTURE_OK(store_add_instance(store, &b, &identity));
    b.rival = true;
    FIXTURE_OK(examine_identity(store, &b, &now, &known));
    assert_false(known);
    assert_true(now.moved);
    assert_int_equal(now.state, INSTANCE_JUDGED);
    store_close(store);
}

static void test_an_ignored_one_does_not_count(void **state)
{
    bool known;
    struct judgement ignored = {.state = INSTANCE_IGNORED};
    struct judgement j = second(state, ignored, judged(7, 3), &known);
    assert_false(known);
    assert_int_equal(j.state, INSTANCE_JUDGED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_same_pixels_are_the_same_image),
        TEST(test_other_pixels_are_a_conflict),
        TEST(test_other_demographics_are_a_correction),
        TEST(test_the_same_refusal_is_told_once),
        TEST(test_after_an_undecodable_one_the_good_one_is_judged),
        TEST(test_a_conflict_with_one_before_the_last),
        TEST(test_another_study_is_a_move),
        TEST(test_an_ignored_one_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
