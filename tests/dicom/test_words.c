/* Whole words in text, as the self-check looks for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "words.h"

static void words_are_found_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
        int holds;
    } cases[] = {
        {"Normal", "normal", 1},
        {"is NORMAL.", "normal", 1},
        {"abnormal", "normal", 0},
        {"normally", "normal", 0},
        {"normal2", "normal", 0},
        {"abnormal, normal", "normal", 1},
        {"\xe2\x80\x93normal\xc2\xbb", "normal", 1},     /* between a dash and a quotation mark */
        {"normal\xc3\xa9", "normal", 0},                 /* an e with an acute follows */
        {"UNAUFF\xc3\x84LLIG", "unauff\xc3\xa4llig", 1}, /* umlaut */
        {"\xc3\x84normal", "normal", 0},
        {"no  acute\nfracture", "no acute fracture", 1},
        {"noacute fracture", "no acute fracture", 0},
        {"", "normal", 0},
        {"normal", "", 0},
        {"\xff normal", "normal", 1},
        {"\xe2\x80", "normal", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (dx_holds_word(cases[i].text, cases[i].word) != cases[i].holds)
            fail_msg("\"%s\" and \"%s\"", cases[i].text, cases[i].word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_are_found_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
