/* What the site says of patients: whose it is, in which order, and of whom. */
#include "patients_fixture.h"

/* What an image becomes that is judged after the message. */
static const char *later(int number, int64_t when, const char *id, const char *name,
                         const char *birth_date)
{
    static char text[256];
    char study[32];
    struct dx_attrs *attrs = dx_attrs_create();
    (void)received(number, number, when);
    snprintf(study, sizeof study, "1.2.4.%d", number);
    assert_int_equal(dx_attrs_set_text(attrs, TAG_ID, "LO", id), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, TAG_ISSUER, "LO", "A"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, TAG_NAME, "PN", name), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, TAG_BIRTH, "DA", birth_date), DX_OK);
    FIXTURE_OK(reconcile_image(&conf, store, study, attrs));
    snprintf(text, sizeof text, "%s|%s", dx_attrs_text(attrs, TAG_NAME),
             dx_attrs_text(attrs, TAG_ID));
    dx_attrs_destroy(attrs);
    return text;
}

static void whose_it_is(void **state)
{
    (void)state;
    int64_t a = image(1, "101", "A"), b = image(2, "101", "B"), none = image(3, "101", ""),
            other = image(4, "102", "A");
    (void)tell(a_patient("101", "A", "Roe^Jane", 1));
    IS(a, "Roe^Jane|101|A|19700101");
    IS(b, "Doe^Jane|101|B|19700101");
    IS(none, "Doe^Jane|101||19700101");
    IS(other, "Doe^Jane|102|A|19700101");
    (void)tell(a_patient("101", "", "Poe^Jane", 2));
    IS(a, "Roe^Jane|101|A|19700101");
    IS(none, "Poe^Jane|101||19700101");
    conf.orders.issuer = "B";
    (void)tell(a_patient("101", "", "Boe^Jane", 3));
    IS(a, "Roe^Jane|101|A|19700101");
    IS(b, "Boe^Jane|101|B|19700101");
    IS(none, "Boe^Jane|101||19700101");
    struct site_patient universal = a_patient("101", "X", "Uoe^Jane", 4);
    universal.now[0] = an_id("101", "X", "A"); /* an image may name its issuer by either */
    (void)tell(universal);
    IS(a, "Uoe^Jane|101|A|19700101");
    IS(b, "Boe^Jane|101|B|19700101");
    IS(other, "Doe^Jane|102|A|19700101");
}

static void authorities(void **state)
{
    (void)state;
    static const struct {
        struct site_id a, b;
        const char *standard;
        bool same;
    } rows[] = {
        {{"1", "A", ""}, {"1", "A", ""}, "", true},
        {{"1", "A", ""}, {"2", "A", ""}, "", false},
        {{"1", "A", ""}, {"1", "B", ""}, "A", false},
        {{"1", "", ""}, {"1", "", ""}, "", true},
        {{"1", "", ""}, {"1", "A", ""}, "", false},
        {{"1", "", ""}, {"1", "A", ""}, "A", true},
        {{"1", "", ""}, {"1", "A", ""}, "B", false},
        {{"1", "", ""}, {"1", "", "2.1"}, "2.1", true},
        {{"1", "A", "2.1"}, {"1", "A", "2.2"}, "", false}, /* one name of two authorities */
        {{"1", "A", "2.1"}, {"1", "B", "2.1"}, "", true},
        {{"1", "A", "2.1"}, {"1", "A", ""}, "", true},
        {{"1", "2.1", ""}, {"1", "A", "2.1"}, "", true},
        {{"1", "A", ""}, {"1", "", "2.1"}, "", false},
        {{"", "", ""}, {"", "", ""}, "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (site_id_is(&rows[i].a, &rows[i].b, rows[i].standard) != rows[i].same ||
            site_id_is(&rows[i].b, &rows[i].a, rows[i].standard) != rows[i].same)
            fail_msg("row %zu", i);
}

static void in_which_order(void **state)
{
    (void)state;
    int64_t a = image(1, "101", "A");
    (void)tell(a_patient("101", "A", "New^Jane", 20));
    assert_int_equal(tell(a_patient("101", "A", "Old^Jane", 10)).older, 1);
    IS(a, "New^Jane|101|A|19700101");
    (void)tell(a_patient("101", "A", "Later^Jane", 20));
    IS(a, "Later^Jane|101|A|19700101");
    struct site_patient same = a_patient("101", "A", "Once^Jane", 30);
    (void)tell_named("once", &same, 5000);
    turn();
    (void)tell(a_patient("101", "A", "Twice^Jane", 40));
    assert_int_equal(tell_named("once", &same, 6000).kept, 0);
    turn();
    IS(a, "Twice^Jane|101|A|19700101");
    (void)tell(a_patient("101", "A", "Future^Jane", INT64_MAX)); /* a clock that is years ahead */
    struct site_patient next = a_patient("101", "A", "Next^Jane", 5000 + 3 * 86400000LL);
    (void)tell_named("days after", &next, 5000 + 3 * 86400000LL);
    turn();
    IS(a, "Next^Jane|101|A|19700101");
    (void)tell(a_patient("101", "A", "", 0));
    IS(a, "Next^Jane|101|A|19700101"); /* what is not said stays */
}

static void merges(void **state)
{
    (void)state;
    int64_t a = image(1, "1", "A"), b = image(2, "2", "A"), c = image(3, "3", "A"),
            other = image(4, "1", "B");
    (void)tell(a_merge("2", "3", "Three", 20)); /* 2 is 3 */
    IS(b, "Three|3|A|19700101");
    IS(c, "Three|3|A|19700101");
    (void)tell(a_merge("1", "2", "Two", 10)); /* 1 was 2 before that: it is 3 */
    IS(a, "Three|3|A|19700101");
    IS(other, "Doe^Jane|1|B|19700101");
    assert_int_equal(tell(a_merge("3", "1", "One", 5)).older, 1); /* was never so: 1 is 3 */
    IS(a, "Three|3|A|19700101");
    (void)tell(a_merge("3", "1", "One", 30)); /* 1 is one again */
    IS(a, "One|1|A|19700101");
    IS(b, "One|1|A|19700101");
    IS(c, "One|1|A|19700101");
    IS(other, "Doe^Jane|1|B|19700101");
    (void)tell(a_merge("1", "1", "Same", 40));
    IS(a, "Same|1|A|19700101");
}

static void of_two_merges_the_later_one(void **state)
{
    (void)state;
    int64_t a = image(1, "1", "A");
    struct site_patient late = a_merge("1", "3", "Three", 10);
    (void)tell(a_merge("1", "2", "Two", 20));
    assert_int_equal(tell(late).older, 1);
    IS(a, "Two|2|A|19700101");
    assert_string_equal(later(2, 4000, "1", "Doe^Jane", "19700101"), "Two|2");
}

static void a_merge_needs_its_survivor(void **state)
{
    (void)state;
    struct site_told told;
    struct site_patient p = a_merge("1", "2", "Two", 10);
    int64_t a = image(1, "1", "A");
    p.nows = 2;
    p.now[0] = an_id("8", "B", "");
    p.now[1] = an_id("9", "A", "");
    (void)tell(p);
    IS(a, "Two|9|A|19700101"); /* the one of the prior's authority */
    p.prior[0] = an_id("9", "C", "");
    assert_int_equal(store_site_patients(store, "x", &p, 1, "", 5000, &told), STORE_NONE);
    p.nows = 1;
    p.prior[0] = an_id("9", "A", "");
    (void)tell(p);
    IS(a, "Two|8|B|19700101"); /* the only one there is, and its authority */
}

static void of_whom_nothing_is_known(void **state)
{
    (void)state;
    (void)image(1, "1", "A");
    assert_int_equal(tell(a_patient("77", "A", "Nobody", 10)).unknown, 1);
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM site_message"), 0);
    int64_t waits = received(2, 2, 1000); /* it may be of anybody */
    assert_int_equal(tell(a_patient("77", "A", "Somebody", 10)).kept, 1);
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient"), 1);
    judged(waits, "88", "A", "Doe^Jane", "ISO_IR 100");
    FIXTURE_OK(store_patients_expire(store, 6000, 0));
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient"), 1);
    FIXTURE_OK(store_patients_expire(store, 5000 + 86400001LL, 0));
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient"), 0);
    (void)tell(a_patient("1", "A", "Known", 10));
    FIXTURE_OK(store_patients_expire(store, 5000 + 86400001LL, 0));
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient"), 1);
    FIXTURE_OK(store_patients_expire(store, 6000, 5001));
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient"), 0);
}

static void images_that_come_later(void **state)
{
    (void)state;
    (void)image(1, "1", "A");
    (void)image(2, "2", "A");
    (void)tell(a_patient("1", "A", "New^Jane", 10));
    assert_string_equal(later(11, 4999, "1", "Doe^Jane", "19700101"), "New^Jane|1");
    assert_string_equal(later(12, 5001, "1", "Doe^Jane", "19700101"), "Doe^Jane|1");
    (void)tell(a_merge("1", "2", "Two^Jane", 20));
    assert_string_equal(later(13, 5001, "1", "Doe^Jane", ""), "Two^Jane|2");
    assert_string_equal(later(14, 5001, "1", "TWO^JANE", "19800101"), "TWO^JANE|2");
    struct site_patient born = a_merge("1", "2", "Two^Jane", 30);
    memcpy(born.birth_date, "19700101", 9);
    (void)tell(born);
    assert_string_equal(later(15, 5001, "1", "Doe^Jane", "19700101"), "Two^Jane|2");
    /* another name and another birth date: the ID has become another's */
    assert_string_equal(later(16, 5001, "1", "Roe^Jim", "20010101"), "Roe^Jim|1");
    assert_string_equal(later(17, 4000, "1", "Roe^Jim", "20010101"), "Two^Jane|2");
    (void)tell(a_patient("1", "A", "Roe^Jim", 40)); /* so it has */
    assert_string_equal(later(18, 5001, "1", "Doe^Jane", "19700101"), "Doe^Jane|1");
}

/* "ID ID ..." of an image of patient `id`, whose issuer is A, in a study that began at 1000 or
 * 6000.
 */
static const char *known_by(const char *id, const char *name, const char *birth_date, int64_t began)
{
    static char text[1024];
    const struct site_id who = an_id(id, "A", "");
    const char *standard = conf.orders.issuer != NULL ? conf.orders.issuer : "";
    struct site_id list[SITE_IDS_MOST];
    unsigned found;
    size_t used = 0;
    text[0] = '\0';
    FIXTURE_OK(store_aliases_of(store, &who, name, birth_date, began, standard, list, &found));
    for (unsigned i = 0; i < found; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s^%s^%s", i > 0 ? " " : "",
                                 list[i].id, list[i].issuer, list[i].universal);
    return text;
}
#define KNOWN_BY(id, text) assert_string_equal(known_by(id, "Doe^Jane", "19700101", 1000), text)

static void ids_from_before_a_merge(void **state)
{
    (void)state;
    (void)image(1, "1", "A");
    KNOWN_BY("1", "");
    (void)tell(a_merge("1", "2", "Two", 10));
    (void)tell(a_merge("2", "3", "Three", 20));
    KNOWN_BY("3", "3^A^ 2^A^ 1^A^");
    KNOWN_BY("1", "3^A^ 2^A^ 1^A^"); /* whose image is not corrected yet */
    KNOWN_BY("4", "");
    (void)tell(a_merge("5", "3", "Three", 30));
    struct site_patient other = a_merge("6", "3", "Other", 30);
    other.now[0] = an_id("3", "B", ""); /* another's 3 */
    other.prior[0] = an_id("6", "B", "");
    (void)tell(other);
    KNOWN_BY("3", "3^A^ 5^A^ 2^A^ 1^A^");
    (void)tell(a_patient("2", "A", "Two", 40)); /* 2 is one again, and 1 is 2 */
    KNOWN_BY("3", "3^A^ 5^A^");
    KNOWN_BY("2", "2^A^ 1^A^");
    struct site_patient born = a_merge("7", "8", "Eight", 50);
    memcpy(born.birth_date, "19700101", 9);
    (void)tell(born);
    assert_string_equal(known_by("7", "Doe^Jane", "19700101", 6000), "8^A^ 7^A^");
    assert_string_equal(known_by("7", "Roe^Jim", "20010101", 6000), ""); /* another's by now */
    struct site_patient bare = a_merge("9", "8", "Eight", 60);
    bare.now[0] = an_id("8", "", "");
    bare.prior[0] = an_id("9", "", "");
    (void)tell(bare);
    KNOWN_BY("8", "8^A^ 7^A^"); /* who assigned that 8 and 9 nobody says */
    conf.orders.issuer = "A";
    KNOWN_BY("8", "8^A^ 9^A^ 7^A^");
    char prior[3] = "a";
    for (; prior[0] < 'z'; prior[0]++)
        (void)tell(a_merge(prior, "8", "Eight", 70));
    unsigned words = 1;
    for (const char *at = known_by("8", "", "", 1000); *at != '\0'; at++)
        words += *at == ' ';
    assert_int_equal(words, SITE_IDS_MOST);
}

static void names_as_they_are_written(void **state)
{
    (void)state;
    int64_t a = image(1, "1", "A"), b = received(2, 2, 1000), c = received(3, 3, 1000);
    judged(b, "2", "A", "M\xfcller^J\xf6rg", "ISO_IR 100");
    judged(c, "3", "A", "Yamada^Tarou=\xe5\xb1\xb1", "ISO_IR 192");
    (void)tell(a_patient("1", "A", "DOE^JANE^", 10));
    IS(a, "Doe^Jane|1|A|19700101");
    (void)tell(a_patient("2", "A", "M\xc3\xbcller^J\xc3\xb6rg", 10));
    IS(b, "M\xfcller^J\xf6rg|2|A|19700101");
    (void)tell(a_patient("2", "A", "Sch\xc3\xb6n^J\xc3\xb6rg", 11));
    IS(b, "Sch\xc3\xb6n^J\xc3\xb6rg|2|A|19700101");
    (void)tell(a_patient("3", "A", "YAMADA^TAROU", 10));
    IS(c, "Yamada^Tarou=\xe5\xb1\xb1|3|A|19700101");
    char name[1025];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    (void)tell(a_patient("1", "A", name, 11));
    assert_int_equal(strcspn(of(a), "|"), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ONE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        ONE(whose_it_is),
        ONE(authorities),
        ONE(in_which_order),
        ONE(merges),
        ONE(of_two_merges_the_later_one),
        ONE(a_merge_needs_its_survivor),
        ONE(of_whom_nothing_is_known),
        ONE(images_that_come_later),
        ONE(ids_from_before_a_merge),
        ONE(names_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
