/* Figures out of what readers said: each answer in its place, intervals by the book; and records
 * with descriptors, of which no other gets through. */
#include "console/tally.h"
#include "pass.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void say(struct tally *tally, enum srt_outcome outcome, bool agrees, int times)
{
    const struct store_outcome one = {
        .said = true, .verdict = {.agrees = agrees, .outcome = outcome}, .arrived_ms = 1};
    for (int i = 0; i < times; i++)
        assert_true(tally_add(tally, &one));
}

static void each_answer_has_its_place(void **state)
{
    (void)state;
    struct tally tally = {0};
    say(&tally, SRT_FINDING, true, 7);
    say(&tally, SRT_FINDING, false, 3);
    say(&tally, SRT_NO_FINDING, true, 17);
    say(&tally, SRT_NO_FINDING, false, 1);
    say(&tally, SRT_INCOMPLETE, true, 1);
    say(&tally, SRT_INCOMPLETE, false, 1);
    say(&tally, SRT_NOT_PROCESSED, false, 5);
    say(&tally, SRT_UNDETERMINED, true, 5);
    const struct store_outcome silent = {.outcome = SRT_FINDING, .arrived_ms = 1};
    assert_true(tally_add(&tally, &silent));
    assert_true(tally.studies == 41 && tally.said == 40 && tally.read == 0);
    assert_true(tally.answers.tp == 7 && tally.answers.fp == 3);
    assert_true(tally.answers.tn == 18 && tally.answers.fn == 2);
    assert_true(tally.of[SRT_NOT_PROCESSED] == 5 && tally.agreed[SRT_NOT_PROCESSED] == 0);
    const struct nn_figure positive = tally_positive(&tally.answers),
                           negative = tally_negative(&tally.answers);
    /* Clopper-Pearson of 7 of 10: 0.3475 to 0.9333; of 18 of 20: 0.6830 to 0.9877 */
    assert_true(positive.defined && positive.hits == 7 && positive.of == 10);
    assert_float_equal(positive.interval.low, 0.3475471, 1e-6);
    assert_float_equal(positive.interval.high, 0.9332605, 1e-6);
    assert_float_equal(negative.interval.low, 0.6830173, 1e-6);
    assert_float_equal(negative.interval.high, 0.9876515, 1e-6);
    assert_false(tally_rate(0, 0).defined);
    tally_finish(&tally);
}

/* What final reports say beside the answers: readers' words are another reference. */
static void final_reports_are_compared(void **state)
{
    (void)state;
    static const struct {
        bool answered;
        enum srt_outcome outcome;
        enum site_conclusion says;
        int agrees; /* -1: nothing is compared */
    } cases[] = {{true, SRT_FINDING, SITE_INJURY, 1},
                 {true, SRT_FINDING, SITE_NO_INJURY, 0},
                 {true, SRT_NO_FINDING, SITE_NO_INJURY, 1},
                 {true, SRT_NO_FINDING, SITE_INJURY, 0},
                 {true, SRT_INCOMPLETE, SITE_INJURY, 0},
                 {true, SRT_UNDETERMINED, SITE_INJURY, -1},
                 {true, SRT_NOT_PROCESSED, SITE_NO_INJURY, -1},
                 {false, SRT_FINDING, SITE_INJURY, -1},
                 {true, SRT_FINDING, SITE_UNCLEAR, -1},
                 {true, SRT_NO_FINDING, SITE_UNCONCLUDED, -1}};
    struct tally tally = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct store_outcome one = {.answered = cases[i].answered,
                                          .outcome = cases[i].outcome,
                                          .conclusion = cases[i].says,
                                          .arrived_ms = 1000,
                                          .final_ms = i < 9 ? 61000 : 0};
        bool agrees = false;
        assert_true(tally_add(&tally, &one));
        assert_int_equal(tally_compare(&one, &agrees), cases[i].agrees >= 0);
        if (cases[i].agrees >= 0)
            assert_int_equal(agrees, cases[i].agrees);
    }
    int64_t median, low, high;
    assert_true(tally.reported == 9 && tally.understood == 8 && tally.undecided == 3);
    assert_true(tally.finals.tp == 1 && tally.finals.fp == 1);
    assert_true(tally.finals.tn == 1 && tally.finals.fn == 2 && tally.answers.fn == 0);
    assert_true(spans_median(&tally.final, &median, &low, &high) && median == 60000);
    tally_finish(&tally);
}

/* Of 11 in order the 2nd and the 10th hold the median in 98.8 % of samples, the 3rd and the 9th in
 * 93.5 %. */
static void medians_and_their_intervals(void **state)
{
    (void)state;
    struct tally tally = {0};
    int64_t median, low, high;
    assert_false(spans_median(&tally.answered, &median, &low, &high));
    for (int i = 11; i > 0; i--) {
        const struct store_outcome one = {.arrived_ms = 1000,
                                          .reported_ms = 1000 + 100 * i,
                                          .read_ms = i % 2 == 0 ? 1000 + i : 0,
                                          .raised = i > 5};
        assert_true(tally_add(&tally, &one));
        if (i == 7) {
            assert_true(spans_median(&tally.answered, &median, &low, &high));
            assert_true(median == 900 && low == -1 && high == -1);
        }
    }
    const struct store_outcome backwards = {.arrived_ms = 1000, .reported_ms = 500};
    assert_true(tally_add(&tally, &backwards)); /* the clock was set: no waiting is below none */
    assert_true(spans_median(&tally.answered, &median, &low, &high));
    assert_true(median == 600 && low == 200 && high == 1000);
    assert_true(tally.read_raised.count == 3 && tally.read_others.count == 2 && tally.read == 5);
    tally_finish(&tally);
}

static void only_the_record_gets_through(void **state)
{
    (void)state;
    int ends[2], got = -1, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char record[8] = "", text[8] = "record";
    const int three[3] = {null, null, null};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    assert_true(pass_send(ends[0], text, sizeof text, &null, 1, MSG_DONTWAIT));
    assert_true(pass_receive(ends[1], record, sizeof record, &got, 1, MSG_DONTWAIT));
    assert_string_equal(record, text);
    assert_true(fcntl(got, F_GETFD) == FD_CLOEXEC);
    int next = got;
    assert_int_equal(close(got), 0);
    assert_true(pass_send(ends[0], text, sizeof text, three, 3, MSG_DONTWAIT)); /* too many */
    assert_true(pass_send(ends[0], text, sizeof text, NULL, 0, MSG_DONTWAIT));  /* none */
    assert_true(pass_send(ends[0], text, 4, &null, 1, MSG_DONTWAIT));           /* too short */
    assert_true(pass_send(ends[0], "longer than it is", 17, &null, 1, MSG_DONTWAIT));
    for (int i = 0; i < 4; i++)
        assert_false(pass_receive(ends[1], record, sizeof record, &got, 1, MSG_DONTWAIT));
    assert_int_equal(fcntl(next, F_GETFD), -1); /* and of none of them a descriptor stays */
    (void)close(null);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_has_its_place),
        cmocka_unit_test(final_reports_are_compared),
        cmocka_unit_test(medians_and_their_intervals),
        cmocka_unit_test(only_the_record_gets_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
