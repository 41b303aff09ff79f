/* What a peer does not take now keeps its place, until it is seen that it takes others. */
#include "deliver_head.h"
#include "scp_fixture.h"

static struct delivery job_of(int64_t id, const char *study)
{
    struct delivery job = {.id = id};
    (void)snprintf(job.result.study, sizeof job.result.study, "%s", study);
    return job;
}

/* So many tries in a row, each with a pause after it but for the last. */
static void not_taken(struct head *head, const struct delivery *first, unsigned times, bool broke)
{
    for (unsigned i = 1; i <= times; i++) {
        assert_false(head_chosen(head, first, 1));
        assert_false(head_failed(head, first, broke));
        assert_int_equal(head_batch_over(head), i < HEAD_TRIES);
    }
}

static void a_peer_in_trouble_gets_all_in_order(void **state)
{
    struct delivery first = job_of(1, "1"), other = job_of(3, "2");
    struct head head = {.delivery = 0};
    (void)state;
    for (int round = 0; round < 5; round++) {
        if (round == 0)
            not_taken(&head, &first, HEAD_TRIES, false);
        assert_true(head.passing);
        assert_string_equal(head.study, "1");
        assert_false(head_chosen(&head, &other, 1));
        assert_false(head_failed(&head, &other, true)); /* it keeps its place, too */
        assert_true(head_batch_over(&head));
        assert_false(head.passing); /* the first again */
        assert_false(head_chosen(&head, &first, 1));
        assert_false(head_failed(&head, &first, false));
        assert_false(head_batch_over(&head));
    }
    head_unreached(&head); /* it is away now: the first goes first when it is back */
    assert_false(head.passing);
    head_decided(&head, &first, true);
    assert_int_equal(head.delivery, 0);
}

static void what_alone_is_not_taken_is_put_off(void **state)
{
    struct delivery first = job_of(1, "1"), other = job_of(3, "2");
    struct head head = {.delivery = 0};
    (void)state;
    not_taken(&head, &first, HEAD_TRIES, true);
    assert_false(head_chosen(&head, &other, 1));
    head_unreached(&head); /* the first may have taken the peer down: the other's turn stays */
    assert_true(head.passing);
    head_decided(&head, &other, true);
    assert_false(head.passing);
    assert_false(head_batch_over(&head));
    assert_false(head_chosen(&head, &first, 1));
    assert_true(head_failed(&head, &first, true));
    assert_false(head_batch_over(&head));
    assert_int_equal(head.delivery, 0);

    first.next_ms = 5; /* from then on it is its own affair */
    assert_true(head_failed(&head, &first, true));
    assert_false(head_batch_over(&head));
    first.looked_ms = 5; /* it waited for its images: it is as all others */
    assert_false(head_failed(&head, &first, true));
    assert_true(head_batch_over(&head));
}

/* One that is parked or waits for its images says nothing of the peer; the next may. */
static void what_is_parked_shows_nothing(void **state)
{
    struct delivery first = job_of(1, "1"), other = job_of(3, "2");
    struct head head = {.delivery = 0};
    (void)state;
    not_taken(&head, &first, HEAD_TRIES, false);
    head_decided(&head, &other, false);
    assert_true(head.passing);
    assert_false(head_batch_over(&head));
    head_decided(&head, &first, false);
    assert_int_equal(head.delivery, 0);
}

static void without_another_it_pauses(void **state)
{
    struct delivery first = job_of(1, "1");
    struct head head = {.delivery = 0};
    (void)state;
    not_taken(&head, &first, HEAD_TRIES, false);
    assert_true(head_chosen(&head, NULL, 0));
    assert_true(head.alone);
    assert_false(head_chosen(&head, &first, 1));
    assert_false(head.alone);
    assert_int_equal(head.times, HEAD_TRIES);
    assert_false(head_chosen(&head, NULL, 0)); /* a person cancelled it */
    assert_int_equal(head.delivery, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_in_trouble_gets_all_in_order),
        cmocka_unit_test(what_alone_is_not_taken_is_put_off),
        cmocka_unit_test(what_is_parked_shows_nothing),
        cmocka_unit_test(without_another_it_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
