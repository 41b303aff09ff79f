/* Which studies are asked about, when, and until when. */
#include "dx_attrs.h"
#include "keep_fixture.h"
#include "site_fixture.h"
#include "store_inquiry.h"
#include "store_place.h"
#include "store_sqlite.h"

#define CAME 1000 /* when images come */

static const char *issuer = "H";

/* An image of a study, which is placed. */
static void an_image(int number, int study, const char *accession, const char *patient)
{
    uint8_t *bytes = NULL;
    struct store_case c;
    struct priority p;
    struct judgement j = {.state = INSTANCE_JUDGED,
                          .outcome = SRT_FINDING,
                          .alone = true,
                          .agreed = true,
                          .finding_score = 0.9,
                          .finding_point = 0.5};
    struct dx_attrs *attrs = dx_attrs_create();
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0050), "SH", accession), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", patient), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0021), "LO", issuer), DX_OK);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &j.attrs_bytes), DX_OK);
    dx_attrs_destroy(attrs);
    j.attrs = bytes;
    int64_t id = keep_receive(store, number, study, CAME + number);
    FIXTURE_OK(store_judge(store, id, &j));
    free(bytes);
    FIXTURE_OK(store_next_case(store, INT64_MAX, &c));
    priority_of(&c.known, &p);
    FIXTURE_OK(store_place(store, &c, &p, NEWS_PRIORITY, NULL, 0, 2000));
}

static void a_study(int number, const char *accession, const char *patient)
{
    an_image(number, number, accession, patient);
}

static struct store_inquiry asked;

/* The number of the study that is asked about at that time; 0: none. */
static int next(int64_t now)
{
    enum store_status status = store_next_inquiry(store, CAME, now, now + 1000000, &asked);
    if (status == STORE_NONE)
        return 0;
    FIXTURE_OK(status);
    return atoi(asked.study + strlen("1.2.4."));
}

static const char all_rows[] = "SELECT COUNT(*) FROM inquiry";
static const char later_rows[] = "SELECT COUNT(*) FROM inquiry WHERE asked=6";

static int count_of(const char *sql)
{
    sqlite3_stmt *row = sql_prepare(store, sql, "");
    FIXTURE_OK(sql_row(store, row));
    int count = sqlite3_column_int(row, 0);
    (void)sqlite3_reset(row);
    return count;
}

static bool stands(void)
{
    bool is = false;
    FIXTURE_OK(store_inquiry_stands(store, &asked, &is));
    return is;
}

/* ---- tests ---- */

static void one_after_the_other(void **state)
{
    (void)state;
    assert_int_equal(next(5000), 0);
    a_study(2, "A2", "P2");
    a_study(1, "A1", "P1");
    assert_int_equal(next(5000), 1); /* who came first */
    assert_string_equal(asked.accession, "A1");
    assert_string_equal(asked.patient_id, "P1");
    assert_string_equal(asked.issuer, "H");
    assert_true(asked.asked == 0 && asked.said[0] == '\0' && stands());
    FIXTURE_OK(store_inquiry_asked(store, &asked, false, 6000, "none"));
    assert_int_equal(next(5000), 2);
    FIXTURE_OK(store_inquiry_asked(store, &asked, false, 6500, "ambiguous"));
    assert_int_equal(next(5999), 0);
    assert_int_equal(next(6000), 1);
    assert_true(asked.asked == 1 && strcmp(asked.said, "none") == 0);
    FIXTURE_OK(store_inquiry_asked(store, &asked, false, 7000, "none"));
    assert_int_equal(next(9000), 2); /* less often */
    FIXTURE_OK(store_inquiry_asked(store, &asked, true, 0, "found"));
    assert_int_equal(next(9000), 1);
    assert_int_equal(asked.asked, 2);
    FIXTURE_OK(store_inquiry_asked(store, &asked, false, INT64_MAX, "none"));
    assert_int_equal(next(9000), 1); /* the wall clock was set back */
    FIXTURE_OK(store_inquiry_asked(store, &asked, true, 0, "found"));
    assert_int_equal(next(9000), 0);
}

static void what_is_known_is_not_asked(void **state)
{
    (void)state;
    a_study(1, "A1", "P1");
    a_study(2, "A2", "P2");
    a_study(3, "", "P3");
    assert_int_equal(say(of("A1", 0, ORDER_STAT)), 1);
    assert_int_equal(say(of("", 2, ORDER_UNKNOWN)), 1); /* an order without priority */
    assert_int_equal(next(5000), 2);
    assert_int_equal(say(of("A2", 0, ORDER_STAT)), 1); /* the study's own order comes first */
    assert_true(next(5000) == 2 && stands());
    assert_int_equal(say(of("", 2, ORDER_LOW)), 1);
    assert_false(stands());
    assert_int_equal(next(5000), 3);
    FIXTURE_OK(store_mark_read(store, "1.2.4.3", true));
    struct store_case c;
    struct priority p;
    for (int i = 0; i < 3; i++) {
        FIXTURE_OK(store_next_case(store, INT64_MAX, &c));
        priority_of(&c.known, &p);
        FIXTURE_OK(store_place(store, &c, &p, NEWS_WITHDRAWN, NULL, 0, 2000));
    }
    assert_int_equal(next(5000), 0);
}

static void only_in_its_window(void **state)
{
    (void)state;
    a_study(1, "A1", "P1");
    enum store_status status = store_next_inquiry(store, CAME + 1, 5000, 6000, &asked);
    assert_int_equal(status, STORE_OK);
    assert_int_equal(store_next_inquiry(store, CAME + 2, 5000, 6000, &asked), STORE_NONE);
}

/* Its numbers were corrected: what was answered was of another. */
static void corrected(void **state)
{
    (void)state;
    a_study(1, "A1", "P1");
    assert_int_equal(next(5000), 1);
    FIXTURE_OK(store_inquiry_asked(store, &asked, true, 0, "found"));
    struct store_inquiry before = asked;
    assert_int_equal(next(5000), 0);
    an_image(11, 1, "A9", "P1");
    assert_true(next(5000) == 1 && asked.asked == 0);
    assert_string_equal(asked.accession, "A9");
    before.asked = 5;
    FIXTURE_OK(store_inquiry_asked(store, &before, true, 0, "found")); /* an answer of before */
    assert_true(next(5000) == 1 && asked.asked == 0);
    assert_int_equal(count_of(later_rows), 0);
    snprintf(before.study, sizeof before.study, "1.2.4.7");
    FIXTURE_OK(store_inquiry_asked(store, &before, true, 0, "found")); /* nobody's */
    FIXTURE_OK(store_inquiry_asked(store, &asked, true, 0, "found"));
    assert_int_equal(next(5000), 0);
    issuer = "X";
    an_image(12, 1, "A9", "P1");
    issuer = "H";
    assert_int_equal(next(5000), 1);
    FIXTURE_OK(store_inquiry_asked(store, &asked, true, 0, "found"));
    an_image(13, 1, "A9", "P9");
    assert_int_equal(next(5000), 1);
    assert_int_equal(count_of(all_rows), 1);
}

static void the_peers_trouble(void **state)
{
    (void)state;
    struct store_inquiry_state said;
    FIXTURE_OK(store_inquiry_state(store, CAME, &said));
    assert_true(said.since_ms == 0 && said.why[0] == '\0');
    FIXTURE_OK(store_inquiry_peer(store, "nobody there", 3000));
    FIXTURE_OK(store_inquiry_peer(store, "still nobody", 4000));
    FIXTURE_OK(store_inquiry_state(store, CAME, &said));
    assert_true(said.since_ms == 3000 && said.waiting == 0);
    assert_string_equal(said.why, "still nobody");
    a_study(1, "A1", "P1");
    a_study(2, "A2", "P2");
    FIXTURE_OK(store_inquiry_state(store, CAME, &said));
    assert_int_equal(said.waiting, 2);
    assert_int_equal(next(5000), 1);
    FIXTURE_OK(store_inquiry_asked(store, &asked, false, 90000, "broken")); /* put off: it waits */
    assert_int_equal(next(5000), 2);
    FIXTURE_OK(store_inquiry_asked(store, &asked, true, 0, "found"));
    FIXTURE_OK(store_inquiry_state(store, CAME, &said));
    assert_int_equal(said.waiting, 1);
    FIXTURE_OK(store_inquiry_peer(store, "", 5000));
    FIXTURE_OK(store_inquiry_state(store, CAME, &said));
    assert_int_equal(said.since_ms, 0);
}

/* Nothing of a patient stays who is forgotten. */
static void forgotten(void **state)
{
    (void)state;
    struct store_patient patient = {.id = "P1", .issuer = "H"};
    struct store_forgotten count;
    a_study(1, "A1", "P1");
    a_study(2, "A2", "P2");
    assert_int_equal(next(5000), 1);
    FIXTURE_OK(store_inquiry_asked(store, &asked, false, 9000, "none"));
    struct store_inquiry before = asked;
    FIXTURE_OK(store_forget_patient(store, &patient, NULL, 0, 5000, &count));
    assert_int_equal(count.objects, 1);
    assert_int_equal(count_of(all_rows), 0);
    FIXTURE_OK(store_inquiry_asked(store, &before, false, 9000, "none"));
    assert_int_equal(count_of(all_rows), 0);
    a_study(3, "A3", "P3"); /* places the one that was forgotten, too */
    assert_int_equal(next(5000), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {TEST(one_after_the_other), TEST(what_is_known_is_not_asked),
                                       TEST(only_in_its_window),  TEST(corrected),
                                       TEST(the_peers_trouble),   TEST(forgotten)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
