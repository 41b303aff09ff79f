/* What peers said, as terminals and JSON get it: nothing that commands the one or breaks the other.
 */
#include "scp_fixture.h"

#include "printable.h"

static void expect(const char *said, const char *shown)
{
    char text[64];
    snprintf(text, sizeof text, "%s", said);
    assert_ptr_equal(printable(text), text);
    assert_string_equal(text, shown);
}

static void texts(void **state)
{
    (void)state;
    expect("", "");
    expect("1.2.840 M\xc3\xbcller \xe5\xb1\xb1 \xf0\x9f\xa6\xb4",
           "1.2.840 M\xc3\xbcller \xe5\xb1\xb1 \xf0\x9f\xa6\xb4");
    expect("\x1b[2J\r\n\t\x7f.", "?[2J????.");
    expect("a\xc2\x9b"
           "2J",
           "a?2J"); /* CSI of the upper half */
    expect("\xed\xa0\x80|\xff\xfe|\xc0\x80|\xe5\xb1", "???|??|??|??");
}

static void all_of_an_instance(void **state)
{
    struct instance instance = {.calling = "\xff",
                                .study = "1\xff",
                                .series = "2\xff",
                                .sop_instance = "3\xff",
                                .sop_class = "4\xff",
                                .transfer_syntax = "5\xff",
                                .detail = "6\xff"};
    (void)state;
    printable_instance(&instance);
    assert_string_equal(instance.calling, "?");
    assert_string_equal(instance.study, "1?");
    assert_string_equal(instance.series, "2?");
    assert_string_equal(instance.sop_instance, "3?");
    assert_string_equal(instance.sop_class, "4?");
    assert_string_equal(instance.transfer_syntax, "5?");
    assert_string_equal(instance.detail, "6?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(all_of_an_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
