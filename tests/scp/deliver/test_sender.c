/* What each C-STORE status means for a delivery. */
#include "scp_fixture.h"
#include "sender.h"

static void statuses(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        enum verdict verdict;
    } cases[] = {
        {0x0000, VERDICT_DELIVERED}, {0xb000, VERDICT_DELIVERED}, {0xb006, VERDICT_DELIVERED},
        {0xb007, VERDICT_DELIVERED}, {0x0111, VERDICT_DELIVERED}, {0xa700, VERDICT_LATER},
        {0xa701, VERDICT_LATER},     {0x0110, VERDICT_LATER},     {0x0213, VERDICT_LATER},
        {0xa900, VERDICT_REFUSED},   {0xc000, VERDICT_REFUSED},   {0x0122, VERDICT_REFUSED},
        {0x0124, VERDICT_REFUSED},   {0xffff, VERDICT_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(sender_verdict(cases[i].status), cases[i].verdict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(statuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
