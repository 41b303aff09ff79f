/* The page's pieces on their own: what comes from a file is shown, whatever its bytes. */
#include "evaluate_page.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sink {
    char *text;
    size_t size;
    struct page page;
};

static struct page *begin(struct sink *sink, const char *mark)
{
    *sink = (struct sink){0};
    sink->page.mark = mark;
    sink->page.out = open_memstream(&sink->text, &sink->size);
    assert_non_null(sink->page.out);
    return &sink->page;
}

static const char *end(struct sink *sink)
{
    assert_int_equal(fclose(sink->page.out), 0);
    return sink->text;
}

static void shows(const char *text, const char *expected)
{
    struct sink sink;
    page_text(begin(&sink, ""), text);
    assert_string_equal(end(&sink), expected);
    free(sink.text);
}

static void test_markup_is_escaped(void **state)
{
    (void)state;
    shows("<script>a & 'b' \"c\"</script>",
          "&lt;script&gt;a &amp; &#39;b&#39; &quot;c&quot;&lt;/script&gt;");
    shows("", "");
}

static void test_utf8_stays_and_what_is_none_is_replaced(void **state)
{
    (void)state;
    shows("caf\xc3\xa9 \xe2\x88\x92 \xf0\x9f\xa6\xb4", "caf\xc3\xa9 \xe2\x88\x92 \xf0\x9f\xa6\xb4");
    shows("a\xe9z", "a\xef\xbf\xbdz");
    shows("a\xc3", "a\xef\xbf\xbd");
    shows("\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd");
    shows("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    shows("\xf5\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    shows("\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    shows("a\x01\x1b[31mb\tc\n", "a\xef\xbf\xbd\xef\xbf\xbd[31mb\tc\n");
}

static void test_what_is_formatted_is_escaped_too(void **state)
{
    struct sink sink;
    (void)state;
    page_cell(begin(&sink, ""), "%s", "<b>");
    assert_string_equal(end(&sink), "<td>&lt;b&gt;</td>");
    free(sink.text);
    page_row(begin(&sink, ""), "%s", "<i>");
    assert_string_equal(end(&sink), "<tr><th scope=\"row\">&lt;i&gt;</th>");
    free(sink.text);
    page_section(begin(&sink, ""), "here", "a < b");
    assert_string_equal(end(&sink), "<section id=\"here\">\n<h2>a &lt; b</h2>\n");
    free(sink.text);
}

static void test_a_caption_carries_the_mark(void **state)
{
    static const char *const columns[] = {"", "n"};
    struct sink sink;
    (void)state;
    page_table(begin(&sink, "Synthetic images"), "Words & figures", columns, 2);
    assert_non_null(strstr(end(&sink),
                           "<caption><b class=\"mark\">Synthetic images.</b> Words &amp; "
                           "figures</caption>"));
    free(sink.text);
    page_table(begin(&sink, ""), "Words", columns, 2);
    assert_non_null(strstr(end(&sink), "<caption>Words</caption>"));
    free(sink.text);
}

static void test_a_curve_leaves_out_what_adds_nothing_and_what_is_no_number(void **state)
{
    const double x[] = {0, 0, 0, 0.5, 1, NAN}, y[] = {0, 0.25, 0.5, 0.5, 0.5, 1};
    const struct plot_curve curve = {.name = "<a>", .x = x, .y = y, .count = 6};
    struct sink sink;
    (void)state;
    plot_curves(begin(&sink, "Synthetic images"), "T", "D", "x", "y", &curve, 1, PLOT_DIAGONAL);
    const char *text = end(&sink);
    assert_non_null(strstr(text, "d=\"M52.0 350.0L52.0 180.0L392.0 180.0\""));
    assert_non_null(
        strstr(text, "<title id=\"t1\">T</title><desc id=\"d1\">Synthetic images. D</desc>"));
    assert_non_null(strstr(text, "&lt;a&gt;"));
    assert_null(strstr(text, "nan"));
    free(sink.text);
}

static void test_ranges_and_bins_without_a_value_draw_no_point(void **state)
{
    const struct plot_bin bins[2] = {{.count = 0}, {0.75, 0.5, 0.2, 0.8, 4}};
    struct sink sink;
    (void)state;
    plot_range(begin(&sink, ""), NAN, NAN, NAN);
    assert_null(strstr(end(&sink), "circle"));
    free(sink.text);
    plot_range(begin(&sink, ""), 0.5, 0.25, 2);
    assert_non_null(strstr(end(&sink), "d=\"M32.0 7H116.0\"/><circle cx=\"60.0\""));
    free(sink.text);
    plot_reliability(begin(&sink, ""), "T", "D", bins, 2);
    const char *first = strstr(end(&sink), "<circle");
    assert_non_null(first);
    assert_null(strstr(first + 1, "<circle"));
    free(sink.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markup_is_escaped),
        cmocka_unit_test(test_utf8_stays_and_what_is_none_is_replaced),
        cmocka_unit_test(test_what_is_formatted_is_escaped_too),
        cmocka_unit_test(test_a_caption_carries_the_mark),
        cmocka_unit_test(test_a_curve_leaves_out_what_adds_nothing_and_what_is_no_number),
        cmocka_unit_test(test_ranges_and_bins_without_a_value_draw_no_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
