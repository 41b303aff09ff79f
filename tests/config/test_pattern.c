/* Patterns of rules: the GNU C library's language, in bounded time.
 *
 * test_pattern differ SEED COUNT holds random patterns and texts against the C library's. */
#include "conf_pattern.h"
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static bool finds(const char *pattern, const char *text)
{
    char why[200];
    struct conf_pattern *p = conf_pattern_create(pattern, why, sizeof why);
    if (!p)
        fail_msg("%s: %s", pattern, why);
    bool found = conf_pattern_found(p, text);
    assert_int_equal(conf_pattern_found(p, text), found);
    conf_pattern_destroy(p);
    return found;
}

struct pair {
    const char *pattern, *text;
};

static void what_is_found(void **state)
{
    static const struct pair pairs[] = {
        {"hws", "HWS seitlich"},
        {"(^|[^a-z])(c[ ._-]?spine|hws)", "Rx C-SPINE lat"},
        {"^FOR PROCESSING$", "for processing"},
        {"^1\\.2\\.840\\.10008\\.5\\.1\\.4\\.1\\.1\\.2(\\.[12])?$", "1.2.840.10008.5.1.4.1.1.2.1"},
        {"", "x"},
        {"^$", ""},
        {"a|", "b"},
        {"()", ""},
        {"(a|b)*c", "ababc"},
        {"^(ab){2,3}$", "ababab"},
        {"^a{,2}$", "aa"},
        {"^a{3,}$", "aaaa"},
        {"^(a|bc|d)+$", "abcdabc"},
        {"^(a*)*$", "aaa"},
        {"^(a?){3}$", "aa"},
        {"^(a{2}){2}$", "aaaa"},
        {"[]x]", "]"},
        {"[^]x]", "a"},
        {"[a-]$", "-"},
        {"[[:digit:][:space:]]x", " x"},
        {"^[[:lower:]]+$", "ABC"},
        {"[[=a=]]", "A"},
        {"[[.-.]]", "-"},
        {"[\\]", "\\"},
        {"\\bspine\\b", "c spine lat"},
        {"\\<spine\\>", "c-spine"},
        {"a\\Bb", "ab"},
        {"^\\w+\\s\\W\\S$", "a_1 -x"},
        {"\\`a\\'", "a"},
        {"a)", "a)"},
        {"x}]", "x}]"},
        {"\\*\\.", "*."},
        {"a.c", "a\nc"},
        {"^h.lle$", "HÖLLE"},
        {"^[äöü]+$", "ÄÖÜ"},
        {"ШЕЙН", "шейный"},
        {"[α-ω]", "Σ"},
        {"^.$", "\xff"},
        {"[^a]", "\xc3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!finds(pairs[i].pattern, pairs[i].text))
            fail_msg("%s is not found in %s", pairs[i].pattern, pairs[i].text);
}

static void what_is_not(void **state)
{
    static const struct pair pairs[] = {
        {"(^|[^a-z])hws", "ahws"},
        {"^1\\.2$", "102"},
        {"^(ab){2,3}$", "ab"},
        {"^a{,2}$", "aaa"},
        {"[^a]", "A"},
        {"\\bspine\\b", "cspine"},
        {"\\bx", "üx"},
        {"^[[:upper:]]$", "7"},
        {"^.$", ""},
        {"^..$", "ä"},
        {"\xc3\xa4", "\xe4"},
        {"a$b", "ab"},
        {"x^", "x"},
        {"a{0}b", "a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (finds(pairs[i].pattern, pairs[i].text))
            fail_msg("%s is found in %s", pairs[i].pattern, pairs[i].text);
}

static void what_is_no_pattern(void **state)
{
    static const char *const wrong[] = {
        "(",
        "((a)",
        "[",
        "[a",
        "[[:alpha:]",
        "[[:none:]]",
        "[z-a]",
        "[a-b-c]",
        "*",
        "a|*",
        "(+)",
        "^*",
        "a{",
        "a{x}",
        "a{3,1}",
        "a{,}",
        "{1}",
        "\\",
        "\\d",
        "(a)\\1",
        "a{5000}",
        "[[.ab.]]",
        "((a{100}){100}){100}",
        "(a{500}){500}",
        "[[:alpha:]-z]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char why[200] = "";
        struct conf_pattern *p = conf_pattern_create(wrong[i], why, sizeof why);
        if (p)
            fail_msg("%s is taken", wrong[i]);
        assert_non_null(strstr(why, "expected"));
    }
    char deep[300], why[200], length[CONF_PATTERN_MAX + 2];
    memset(deep, '(', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    assert_null(conf_pattern_create(deep, why, sizeof why));
    memset(length, 'a', sizeof length);
    length[sizeof length - 1] = '\0';
    assert_null(conf_pattern_create(length, why, sizeof why));
    length[CONF_PATTERN_MAX] = '\0';
    assert_true(finds(length, length));
}

/* What takes others exponential time, or memory for ever. */
static void whatever_is_asked_it_answers_soon(void **state)
{
    static const char *const hostile[] = {
        "(a*)*b",           "(a|a)*b",           "(a|aa)+$b",
        "^(a+)+$",          "(.*)*x(.*)*y",      "(x+x+)+y",
        "(a?){500}a{500}b", "(.{0,30}x){0,30}y", "((a{0,30}){0,30}b)",
        "([^b]*a){60}b",    "(a|b|ab)*bc",       ".*.*.*.*.*.*.*.*x",
    };
    char text[8192];
    struct timespec begin, end;
    (void)state;
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        (void)finds(hostile[i], text);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    double seconds =
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    if (seconds > 5) /* a tenth of it here; sanitizers take ten times that */
        fail_msg("%.2f s for %zu patterns", seconds, sizeof hostile / sizeof *hostile);
}

static void a_long_text_is_looked_at_as_far_as_promised(void **state)
{
    static char text[CONF_PATTERN_TEXT + 3];
    (void)state;
    memset(text, 'a', CONF_PATTERN_TEXT + 1);
    text[CONF_PATTERN_TEXT - 1] = 'b';
    assert_true(finds("ab$", text));
    text[CONF_PATTERN_TEXT - 1] = 'a';
    text[CONF_PATTERN_TEXT] = 'b';
    assert_false(finds("b", text));
}

/* ---- against the C library ---- */

static uint64_t dice;

static unsigned roll(unsigned sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (unsigned)((dice >> 33) % sides);
}

static void random_pattern(char *text, size_t size)
{
    static const char *const parts[] = {
        "a",    "b",     "c",    "A",     ".",    "^",     "$",
        "|",    "(",     ")",    "*",     "+",    "?",     "{2}",
        "{1,}", "{0,2}", "{,1}", "[ab]",  "[^a]", "[a-c]", "[[:alpha:]_]",
        "\\b",  "\\<",   "\\>",  "\\w",   "\\W",  "\\s",   "\\.",
        " ",    "-",     "[]-]", "(a|b)", "(a)*", "{0}",   "[[:upper:]1]",
        "\\B"};
    unsigned count = 1 + roll(8);
    text[0] = '\0';
    while (count-- > 0)
        strncat(text, parts[roll(sizeof parts / sizeof *parts)], size - strlen(text) - 1);
}

static void random_text(char *text)
{
    static const char letters[] = "abcABC .-_]1";
    unsigned count = roll(9), i = 0;
    for (; i < count; i++)
        text[i] = letters[roll(sizeof letters - 1)];
    text[i] = '\0';
}

/* The C library (2.36) loses edges and ends in groups that an interval copies: it finds
 * "([[:alpha:]_]\\b){2}" in " b_. B1", and "([a-c]|\\>){2}A" in "-aA ",
 * and "(-?^.[[:upper:]1]){2}" in "ACCb". */
static bool library_errs(const char *pattern)
{
    return strchr(pattern, '{') != NULL &&
           (strpbrk(pattern, "^$") != NULL || strstr(pattern, "\\b") != NULL ||
            strstr(pattern, "\\B") != NULL || strstr(pattern, "\\<") != NULL ||
            strstr(pattern, "\\>") != NULL);
}

/* How many pairs were compared. */
static long compare(uint64_t seed, long count)
{
    long compared = 0;
    dice = seed * 2654435761u + 1;
    for (long i = 0; i < count; i++) {
        char pattern[128], text[16], why[200];
        regex_t regex;
        random_pattern(pattern, sizeof pattern);
        struct conf_pattern *p = conf_pattern_create(pattern, why, sizeof why);
        if (!p)
            continue;
        if (library_errs(pattern)) {
            conf_pattern_destroy(p);
            continue;
        }
        int refused = regcomp(&regex, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB);
        for (int t = 0; t < 8 && refused == 0; t++, compared++) {
            random_text(text);
            bool theirs = regexec(&regex, text, 0, NULL, 0) == 0;
            if (conf_pattern_found(p, text) != theirs)
                fail_msg("seed %llu, %ld: \"%s\" in \"%s\": the C library %s",
                         (unsigned long long)seed, i, pattern, text,
                         theirs ? "finds it" : "does not find it");
        }
        if (refused == 0)
            regfree(&regex);
        conf_pattern_destroy(p);
    }
    return compared;
}

static void it_is_the_c_librarys_language(void **state)
{
    (void)state;
    assert_true(compare(20261127, 20000) > 20000);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found),
        cmocka_unit_test(what_is_not),
        cmocka_unit_test(what_is_no_pattern),
        cmocka_unit_test(whatever_is_asked_it_answers_soon),
        cmocka_unit_test(a_long_text_is_looked_at_as_far_as_promised),
        cmocka_unit_test(it_is_the_c_librarys_language),
    };
    if (argc == 4 && strcmp(argv[1], "differ") == 0) {
        printf("seed %s: %ld pairs compared\n", argv[2],
               compare(strtoull(argv[2], NULL, 10), strtol(argv[3], NULL, 10)));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
