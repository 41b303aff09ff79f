/* What the build drew is what is drawn here: a self-test may take either. */
#include "selftest_draw.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_the_builds_pixels_are_those_that_are_drawn(void **state)
{
    (void)state;
    static uint16_t pixels[SELFTEST_PIXELS];
    struct nn_error err = {0};
    for (int i = 0; i < SELFTEST_INPUTS; i++) {
        assert_int_equal(selftest_draw(i, pixels, &err), NN_OK);
        assert_memory_equal(pixels, selftest_drawn[i], sizeof pixels);
        for (int other = 0; other < i; other++)
            assert_memory_not_equal(pixels, selftest_drawn[other], sizeof pixels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_builds_pixels_are_those_that_are_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
