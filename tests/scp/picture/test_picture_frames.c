/* A picture's texts: nothing beyond the edge or on an image, whatever they say; one size for all
 * frames of a series; the orientation's letters. */
#include "picture_fixture.h"

static void edge_is_ground(void)
{
    static const int sizes[][2] = {{64, 64}, {1500, 300}, {300, 1500}, {704, 704}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        float *plane = make_plane(sizes[i][0], sizes[i][1]);
        struct picture p = draw(plane, sizes[i][0], sizes[i][1], 3072);
        for (uint32_t y = 0; y < p.rows; y++)
            for (uint32_t k = 0; k < 8; k++) {
                assert_memory_equal(p.rgb + ((size_t)y * p.cols + k) * 3, p.rgb, 3);
                assert_memory_equal(p.rgb + ((size_t)y * p.cols + p.cols - 1 - k) * 3, p.rgb, 3);
            }
        for (uint32_t x = 0; x < p.cols; x++)
            assert_memory_equal(p.rgb + ((size_t)(p.rows - 1) * p.cols + x) * 3, p.rgb, 3);
        /* and no text lies on an image */
        uint32_t left, top, right, same;
        int times = sizes[i][0] == 64 ? 6 : 1;
        assert_true(find(&p, plane, sizes[i][0], sizes[i][1], times, 0, &left, &top));
        if (!map_is_off)
            assert_true(find(&p, plane, sizes[i][0], sizes[i][1], times, left + 1, &right, &same));
        picture_finish(&p);
        free(plane);
    }
}

/* The margin around everything is background: no text or bar was cut off, whatever it says. */
static void test_nothing_touches_the_edge(void **state)
{
    static const char words[] =
        "Die Schwellenwert\xc3\xbc"
        "berschreitungsmitteilungsverordnungszust\xc3\xa4ndigkeiten "
        "und noch viele weitere W\xc3\xb6rter, die keine Spalte aufnehmen kann, auch wenn sie so "
        "klein gesetzt werden, wie es eben noch lesbar ist; eine Verletzung ist damit nicht "
        "ausgeschlossen.";

    (void)state;
    memset(map, 0, sizeof map);
    for (int i = 0; i < 8; i++) {
        map_is_off = i & 1;
        more = (struct picture_input){.opinions = i & 2 ? 2 : 1};
        if (i & 4) {
            more.sentence = words;
            more.phrase = long_phrase;
            more.phrases = words;
        }
        edge_is_ground();
    }
    map_is_off = false;
    more = (struct picture_input){0};
}

static void test_frames_of_a_series_are_of_one_size(void **state)
{
    static const int sizes[][2] = {{512, 512}, {90, 700}, {2000, 1500}};
    static const float region[] = {10, 10, 30, 10, 30, 30, 10, 10};
    uint32_t rows = 0, cols = 0;

    (void)state;
    bumps();
    for (size_t s = 0; s < 3; s++) {
        float *plane = make_plane(sizes[s][0], sizes[s][1]);
        for (int i = 0; i < 8; i++) {
            map_is_off = i & 1;
            more = (struct picture_input){
                .found = i & 1,
                .relative = i & 2,
                .orientation = i & 2 ? "A\\F" : NULL,
                .region = region,
                .region_points = i & 4 ? 4 : 0,
                .sentence = i & 4 ? "No finding above the operating point; this does not exclude "
                                    "injury. 1 of 3 images judged, and much more is to be said."
                                  : "No.",
                .phrase = i & 2 ? long_phrase : NULL,
                .phrases = "Ein Text, der etwas l\xc3\xa4nger ist als alle anderen"};
            struct picture p = draw(plane, sizes[s][0], sizes[s][1], 1024);
            if (i == 0) {
                rows = p.rows;
                cols = p.cols;
            }
            assert_int_equal(p.rows, rows);
            assert_int_equal(p.cols, cols);
            picture_finish(&p);
        }
        free(plane);
    }
    map_is_off = false;
    more = (struct picture_input){0};
}

/* Letters beside the image, none in it; what is no orientation draws nothing. */
static void test_the_orientation_stands_at_the_edges(void **state)
{
    static const char *const wrong[] = {"", "A", "\\", "A\\", "\\F", "LE\\V", "A\\F\\L", "APLR\\F"};
    enum { N = 400 };
    uint32_t left, top, other_left, other_top;

    (void)state;
    memset(map, 0, sizeof map);
    float *plane = make_plane(N, N);
    struct picture none = draw(plane, N, N, 3072);
    more.orientation = "A\\F";
    struct picture p = draw(plane, N, N, 3072);
    assert_true(find(&none, plane, N, N, 1, 0, &left, &top));
    assert_true(find(&p, plane, N, N, 1, 0, &other_left, &other_top));
    assert_true(left == other_left && top == other_top);
    int changed[4] = {0}; /* left of the image, right, above, below */
    for (uint32_t y = 0; y < p.rows; y++)
        for (uint32_t x = 0; x < p.cols / 2; x++) {
            size_t at = ((size_t)y * p.cols + x) * 3;
            if (memcmp(p.rgb + at, none.rgb + at, 3) != 0)
                changed[x < left ? 0 : x >= left + N ? 1 : y < top ? 2 : 3]++;
        }
    for (int i = 0; i < 4; i++)
        assert_true(changed[i] > 10);
    picture_finish(&p);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        more.orientation = wrong[i];
        p = draw(plane, N, N, 3072);
        assert_memory_equal(p.rgb, none.rgb, (size_t)p.rows * p.cols * 3);
        picture_finish(&p);
    }
    picture_finish(&none);
    free(plane);
    more = (struct picture_input){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_touches_the_edge),
        cmocka_unit_test(test_frames_of_a_series_are_of_one_size),
        cmocka_unit_test(test_the_orientation_stands_at_the_edges),
    };
    return picture_tests(tests, sizeof tests / sizeof tests[0]);
}
