/* What the site says of patients: whose it is, in which order, and what becomes of what was judged,
 * told and not yet sent. */
#include "dx_attrs.h"
#include "keep_fixture.h"
#include "reconcile.h"
#include "report_file.h"
#include "scp_fixture.h"
#include "store_place.h"
#include "store_reconcile.h"
#include <sqlite3.h>

#define TAG_NAME   DX_TAG(0x0010, 0x0010)
#define TAG_ID     DX_TAG(0x0010, 0x0020)
#define TAG_ISSUER DX_TAG(0x0010, 0x0021)
#define TAG_BIRTH  DX_TAG(0x0010, 0x0030)

static struct fixture *fixture;
static struct store *store;
static struct conf conf;
static int messages;

static int setup(void **state)
{
    int failed = fixture_setup(state);
    fixture = *state;
    store = failed == 0 ? fixture_open(fixture) : NULL;
    conf = fixture->conf;
    return failed;
}

static int teardown(void **state)
{
    store_close(store);
    return fixture_teardown(state);
}

/* ---- images ---- */

static int64_t received(int number, int study, int64_t when)
{
    return keep_receive(store, number, study, when);
}

static void judged(int64_t id, const char *patient, const char *issuer, const char *name,
                   const char *charset)
{
    struct judgement j = {.state = INSTANCE_JUDGED,
                          .outcome = SRT_FINDING,
                          .alone = true,
                          .agreed = true,
                          .finding_score = 0.9,
                          .finding_point = 0.5};
    struct dx_attrs *attrs = dx_attrs_create();
    uint8_t *bytes = NULL;
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0005), "CS", charset), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, TAG_NAME, "PN", name), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, TAG_ID, "LO", patient), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, TAG_ISSUER, "LO", issuer), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, TAG_BIRTH, "DA", "19700101"), DX_OK);
    report_patient_digest(attrs, j.patient_digest);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &j.attrs_bytes), DX_OK);
    dx_attrs_destroy(attrs);
    j.attrs = bytes;
    snprintf(j.picture, sizeof j.picture, "2.25.9%lld", (long long)id);
    FIXTURE_OK(store_judge(store, id, &j));
    free(bytes);
}

static int64_t image(int number, const char *patient, const char *issuer)
{
    int64_t id = received(number, number, 1000);
    judged(id, patient, issuer, "Doe^Jane", "ISO_IR 100");
    return id;
}

/* "NAME|ID|ISSUER|BIRTH" of a judged image. */
static const char *of(int64_t id)
{
    static char text[512];
    struct judgement j;
    uint8_t *bytes;
    struct dx_attrs *attrs;
    struct dx_error err;
    FIXTURE_OK(store_get_judgement(store, id, &j, &bytes));
    assert_int_equal(dx_attrs_unpack(bytes, j.attrs_bytes, &attrs, &err), DX_OK);
    snprintf(text, sizeof text, "%s|%s|%s|%s", dx_attrs_text(attrs, TAG_NAME),
             dx_attrs_text(attrs, TAG_ID), dx_attrs_text(attrs, TAG_ISSUER),
             dx_attrs_text(attrs, TAG_BIRTH));
    dx_attrs_destroy(attrs);
    free(bytes);
    return text;
}
#define IS(id, text) assert_string_equal(of(id), text)

/* ---- messages ---- */

static struct site_id an_id(const char *id, const char *issuer, const char *universal)
{
    struct site_id to = {.id = ""};
    snprintf(to.id, sizeof to.id, "%s", id);
    snprintf(to.issuer, sizeof to.issuer, "%s", issuer);
    snprintf(to.universal, sizeof to.universal, "%s", universal);
    return to;
}

static struct site_patient a_patient(const char *id, const char *issuer, const char *name,
                                     int64_t at)
{
    struct site_patient p = {.nows = 1, .at_ms = at};
    p.now[0] = an_id(id, issuer, "");
    snprintf(p.name, sizeof p.name, "%s", name);
    return p;
}

static struct site_patient a_merge(const char *prior, const char *id, const char *name, int64_t at)
{
    struct site_patient p = a_patient(id, "A", name, at);
    p.priors = 1;
    p.prior[0] = an_id(prior, "A", "");
    return p;
}

static void turn(void)
{
    bool changed;
    struct site_due due;
    FIXTURE_OK(reconcile_turn(&conf, store, &changed));
    assert_int_equal(store_next_patient(store, &due), STORE_NONE);
}

static struct site_told tell_named(const char *name, const struct site_patient *p, int64_t now)
{
    struct site_told told;
    FIXTURE_OK(store_site_patients(store, name, p, 1, conf.orders.issuer ? conf.orders.issuer : "",
                                   now, &told));
    return told;
}

static struct site_told tell(struct site_patient p)
{
    char name[32];
    snprintf(name, sizeof name, "message %d", ++messages);
    struct site_told told = tell_named(name, &p, 5000);
    turn();
    return told;
}

static int64_t count(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(fixture->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return value;
}

/* ---- tests ---- */

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

/* ---- what was told ---- */

static enum instance_state state_of(int64_t id)
{
    struct instance in;
    FIXTURE_OK(store_get_instance(store, id, &in));
    return in.state;
}

static void told(int64_t id, int number, bool is_sent)
{
    const struct addressee to = {"pacs", 1u << RESULT_SR | 1u << RESULT_SC, false};
    struct judgement j;
    uint8_t *attrs;
    struct delivery list[4];
    size_t found;
    FIXTURE_OK(store_get_judgement(store, id, &j, &attrs));
    struct result r[2] = {
        {.kind = RESULT_SR, .outcome = SRT_FINDING, .attrs = attrs, .attrs_bytes = j.attrs_bytes},
        {.kind = RESULT_SC,
         .outcome = SRT_FINDING,
         .attrs = attrs,
         .attrs_bytes = j.attrs_bytes,
         .instance = id}};
    for (size_t i = 0; i < 2; i++) {
        snprintf(r[i].study, sizeof r[i].study, "1.2.4.%d", number);
        memcpy(r[i].patient, j.patient_digest, sizeof r[i].patient);
    }
    snprintf(r[0].uid, sizeof r[0].uid, "2.25.8%d", number);
    snprintf(r[1].uid, sizeof r[1].uid, "%s", j.picture);
    const struct store_report all = {.study = r[0].study,
                                     .results = r,
                                     .count = 2,
                                     .instances = &id,
                                     .instance_count = 1,
                                     .to = &to,
                                     .to_count = 1};
    FIXTURE_OK(store_add_report(store, &all));
    free(attrs);
    FIXTURE_OK(store_pending(store, "pacs", INT64_MAX, INT64_MAX, list, 4, &found));
    assert_int_equal(found, 2);
    for (size_t i = 0; is_sent && i < found; i++)
        FIXTURE_OK(store_delivered(store, list[i].id, 0, 2000));
}

static void what_was_sent_is_amended(void **state)
{
    (void)state;
    char digest[DX_DIGEST_MAX];
    struct result before;
    struct judgement j;
    uint8_t *attrs;
    int64_t a = image(1, "1", "A");
    told(a, 1, true);
    assert_int_equal(fixture_due(store).count, 0);
    (void)tell(a_patient("1", "A", "doe^jane", 10)); /* nothing changes */
    assert_int_equal(fixture_due(store).count, 0);
    (void)tell(a_merge("1", "2", "New^Jane", 20));
    assert_int_equal(state_of(a), INSTANCE_JUDGED);
    assert_int_equal(fixture_due(store).count, 1);
    assert_int_equal(fixture_due(store).last.amendment, SRT_CORRECTED);
    FIXTURE_OK(store_find_result(store, "2.25.81", &before));
    FIXTURE_OK(store_get_judgement(store, a, &j, &attrs));
    free(attrs);
    memcpy(digest, j.patient_digest, sizeof digest);
    assert_string_equal(before.patient, digest); /* in the same record: not taken back */
    assert_int_equal(count("SELECT COUNT(*) FROM result WHERE patient_id='2' AND issuer='A'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM delivery WHERE state='sent' AND rejection=0"), 2);
}

static void what_was_not_sent_is_made_anew(void **state)
{
    (void)state;
    struct instance in;
    int64_t a = image(1, "1", "A"), b = image(2, "2", "A"), early = image(3, "3", "A");
    told(a, 1, false);
    FIXTURE_OK(store_get_instance(store, b, &in)); /* another patient's stays */
    (void)tell(a_merge("1", "9", "New^Jane", 20));
    assert_int_equal(state_of(a), INSTANCE_RECEIVED);
    assert_int_equal(count("SELECT COUNT(*) FROM delivery WHERE state='cancelled'"), 2);
    assert_int_equal(state_of(b), INSTANCE_JUDGED);
    (void)tell(a_patient("3", "A", "New^Jim", 20)); /* its picture is drawn, its report not made */
    assert_int_equal(state_of(early), INSTANCE_RECEIVED);
    FIXTURE_OK(store_get_instance(store, early, &in));
    assert_int_equal(in.revision, 1);
}

static void what_was_taken_back_stays_so(void **state)
{
    (void)state;
    size_t hit;
    int64_t a = image(1, "1", "A");
    told(a, 1, true);
    FIXTURE_OK(store_withdraw(store, "1.2.3.1", NULL, NULL, "113037", &hit));
    assert_int_equal(hit, 1);
    (void)tell(a_patient("1", "A", "New^Jane", 20));
    assert_int_equal(fixture_due(store).count, 0);
    IS(a, "New^Jane|1|A|19700101");
}

static struct news news_of(char *name, size_t size)
{
    struct news news;
    uint8_t *bytes;
    size_t found;
    struct dx_attrs *attrs;
    struct dx_error err;
    FIXTURE_OK(store_next_news(store, "ris", 9000, 9000, &news, &bytes, &found));
    assert_int_equal(dx_attrs_unpack(bytes, found, &attrs, &err), DX_OK);
    snprintf(name, size, "%s", dx_attrs_text(attrs, TAG_NAME));
    dx_attrs_destroy(attrs);
    free(bytes);
    return news;
}

static void place_all(void)
{
    static const struct store_receiver ris = {.name = "ris"};
    struct store_case c;
    enum store_status status;
    while ((status = store_next_case(store, 0, &c)) == STORE_OK) {
        struct priority p;
        priority_of(&c.known, &p);
        FIXTURE_OK(store_place(store, &c, &p, NEWS_PRIORITY, &ris, 1, 2000));
    }
    assert_int_equal(status, STORE_NONE);
}

/* A message that may have gone out is sent again as it was; one that has not gone out is not old.
 */
static void news_that_may_have_gone_out(void **state)
{
    (void)state;
    char name[80];
    (void)image(1, "1", "A");
    place_all();
    (void)tell(a_patient("1", "A", "First^Jane", 10));
    struct news news = news_of(name, sizeof name);
    assert_string_equal(name, "First^Jane");
    FIXTURE_OK(store_news_asked(store, news.id));
    (void)tell(a_patient("1", "A", "Second^Jane", 20));
    (void)tell(a_patient("1", "A", "Third^Jane", 30));
    (void)news_of(name, sizeof name);
    assert_string_equal(name, "First^Jane");
}

/* While its picture is drawn anew an image counts as it was judged. */
static void a_raise_stays(void **state)
{
    (void)state;
    struct store_case c;
    int64_t a = image(1, "1", "A");
    place_all();
    (void)tell(a_merge("1", "2", "Two", 10));
    assert_int_equal(state_of(a), INSTANCE_RECEIVED);
    FIXTURE_OK(store_next_case(store, 0, &c));
    assert_true(c.known.answered && c.known.outcome == SRT_FINDING && !c.withdrawn);
    place_all();
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE raised=1 AND patient_id='2'"), 1);
}

/* The finding that a patient is known by follows the patient. */
static void what_is_known_of_a_patient(void **state)
{
    (void)state;
    struct store_entry list[4];
    size_t found;
    (void)image(1, "1", "A");
    (void)image(2, "2", "A");
    place_all();
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE raised=1"), 2);
    (void)tell(a_merge("1", "2", "Two", 10));
    place_all();
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE patient_id='2'"), 2);
    assert_int_equal(count("SELECT COUNT(*) FROM place WHERE raised=1"), 1);
    FIXTURE_OK(store_worklist(store, list, 4, &found));
    assert_int_equal(found, 2); /* nobody leaves the list by it */
}

static void who_is_forgotten(void **state)
{
    (void)state;
    struct store_forgotten gone;
    const struct store_patient two = {"2", "A"};
    int64_t a = image(1, "1", "A");
    (void)tell(a_merge("1", "2", "Two", 10));
    FIXTURE_OK(store_forget_patient(store, &two, NULL, 0, 7000, &gone));
    assert_int_equal(gone.objects, 1);
    assert_int_equal(count("SELECT COUNT(*) FROM site_patient"), 0);
    assert_int_equal(state_of(a), INSTANCE_IGNORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ONE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        ONE(whose_it_is),
        ONE(authorities),
        ONE(in_which_order),
        ONE(merges),
        ONE(a_merge_needs_its_survivor),
        ONE(of_whom_nothing_is_known),
        ONE(images_that_come_later),
        ONE(names_as_they_are_written),
        ONE(what_was_sent_is_amended),
        ONE(what_was_not_sent_is_made_anew),
        ONE(what_was_taken_back_stays_so),
        ONE(news_that_may_have_gone_out),
        ONE(a_raise_stays),
        ONE(what_is_known_of_a_patient),
        ONE(who_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
