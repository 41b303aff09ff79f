/* Table CC.1.1-2 of PS3.4, each cell of those that UPS Pull has. */
#include "scp_fixture.h"
#include "worklist/reading_state.h"

#define MINE  "2.25.1"
#define OTHER "2.25.2"

static const enum reading_state states[] = {READING_SCHEDULED, READING_IN_PROGRESS,
                                            READING_COMPLETED, READING_CANCELED};

struct row {
    enum dx_ups_state wanted;
    const char *given;
    bool is_final;
    uint16_t status[4]; /* by the states above */
};

static void the_table(void **state)
{
    static const struct row rows[] = {
        {DX_UPS_IN_PROGRESS, MINE, false, {0, 0xc302, 0xc300, 0xc300}},
        {DX_UPS_IN_PROGRESS, OTHER, false, {0, 0xc301, 0xc301, 0xc301}},
        {DX_UPS_IN_PROGRESS, "", false, {0xc301, 0xc301, 0xc301, 0xc301}},
        {DX_UPS_SCHEDULED, MINE, false, {0xc303, 0xc303, 0xc303, 0xc303}},
        {DX_UPS_SCHEDULED, "", false, {0xc303, 0xc303, 0xc303, 0xc303}},
        {DX_UPS_COMPLETED, MINE, true, {0xc310, 0, 0xb306, 0xc300}},
        {DX_UPS_COMPLETED, MINE, false, {0xc310, 0xc304, 0xb306, 0xc300}},
        {DX_UPS_COMPLETED, OTHER, true, {0xc310, 0xc301, 0xc301, 0xc301}},
        {DX_UPS_COMPLETED, "", true, {0xc301, 0xc301, 0xc301, 0xc301}},
        {DX_UPS_CANCELED, MINE, false, {0xc310, 0, 0xc300, 0xb304}},
        {DX_UPS_CANCELED, OTHER, false, {0xc310, 0xc301, 0xc301, 0xc301}},
        {DX_UPS_CANCELED, "", false, {0xc301, 0xc301, 0xc301, 0xc301}},
        {DX_UPS_STATE_UNKNOWN, MINE, true, {0x0106, 0x0106, 0x0106, 0x0106}}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int s = 0; s < 4; s++)
            assert_int_equal(reading_judge(states[s], states[s] == READING_SCHEDULED ? "" : MINE,
                                           rows[r].wanted, rows[r].given, rows[r].is_final),
                             rows[r].status[s]);
}

/* What the node canceled itself is nobody's transaction. */
static void nobodys(void **state)
{
    (void)state;
    assert_int_equal(reading_judge(READING_CANCELED, "", DX_UPS_CANCELED, MINE, true), 0xc301);
    assert_int_equal(reading_judge(READING_CANCELED, "", DX_UPS_CANCELED, "", true), 0xc301);
}

static void what_may_be_set(void **state)
{
    (void)state;
    assert_int_equal(reading_judge_set(READING_SCHEDULED, "", MINE), 0xc310);
    assert_int_equal(reading_judge_set(READING_IN_PROGRESS, MINE, MINE), 0);
    assert_int_equal(reading_judge_set(READING_IN_PROGRESS, MINE, OTHER), 0xc301);
    assert_int_equal(reading_judge_set(READING_IN_PROGRESS, MINE, ""), 0xc301);
    assert_int_equal(reading_judge_set(READING_COMPLETED, MINE, MINE), 0xc300);
    assert_int_equal(reading_judge_set(READING_CANCELED, "", MINE), 0xc300);
}

static void each_has_words_that_fit(void **state)
{
    static const uint16_t all[] = {0xb304, 0xb306, 0xc300, 0xc301, 0xc302,
                                   0xc303, 0xc307, 0xc310, 0x0106, 0x0122};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_in_range(strlen(reading_words(all[i])), 5, 64);
    assert_string_equal(reading_words(0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_table), cmocka_unit_test(nobodys),
                                       cmocka_unit_test(what_may_be_set),
                                       cmocka_unit_test(each_has_words_that_fit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
