/* patients_fixture.h: judged images of patients, and what the site says of these. */
#ifndef PATIENTS_FIXTURE_H
#define PATIENTS_FIXTURE_H

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

static inline int setup(void **state)
{
    int failed = fixture_setup(state);
    fixture = *state;
    store = failed == 0 ? fixture_open(fixture) : NULL;
    conf = fixture->conf;
    return failed;
}

static inline int teardown(void **state)
{
    store_close(store);
    return fixture_teardown(state);
}

/* ---- images ---- */

static inline int64_t received(int number, int study, int64_t when)
{
    return keep_receive(store, number, study, when);
}

static inline void judged_as(int64_t id, const char *patient, const char *issuer, const char *name,
                             const char *charset, const char *picture)
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
    snprintf(j.picture, sizeof j.picture, "%s", picture);
    FIXTURE_OK(store_judge(store, id, &j));
    free(bytes);
}

static inline void judged(int64_t id, const char *patient, const char *issuer, const char *name,
                          const char *charset)
{
    char picture[DX_UID_MAX];
    snprintf(picture, sizeof picture, "2.25.9%lld", (long long)id);
    judged_as(id, patient, issuer, name, charset, picture);
}

static inline int64_t image(int number, const char *patient, const char *issuer)
{
    int64_t id = received(number, number, 1000);
    judged(id, patient, issuer, "Doe^Jane", "ISO_IR 100");
    return id;
}

/* "NAME|ID|ISSUER|BIRTH" of a judged image. */
static inline const char *of(int64_t id)
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

static inline struct site_id an_id(const char *id, const char *issuer, const char *universal)
{
    struct site_id to = {.id = ""};
    snprintf(to.id, sizeof to.id, "%s", id);
    snprintf(to.issuer, sizeof to.issuer, "%s", issuer);
    snprintf(to.universal, sizeof to.universal, "%s", universal);
    return to;
}

static inline struct site_patient a_patient(const char *id, const char *issuer, const char *name,
                                            int64_t at)
{
    struct site_patient p = {.nows = 1, .at_ms = at};
    p.now[0] = an_id(id, issuer, "");
    snprintf(p.name, sizeof p.name, "%s", name);
    return p;
}

static inline struct site_patient a_merge(const char *prior, const char *id, const char *name,
                                          int64_t at)
{
    struct site_patient p = a_patient(id, "A", name, at);
    p.priors = 1;
    p.prior[0] = an_id(prior, "A", "");
    return p;
}

static inline void turn(void)
{
    bool changed;
    struct site_due due;
    FIXTURE_OK(reconcile_turn(&conf, store, &changed));
    assert_int_equal(store_next_patient(store, &due), STORE_NONE);
}

static inline struct site_told tell_named(const char *name, const struct site_patient *p,
                                          int64_t now)
{
    struct site_told told;
    FIXTURE_OK(store_site_patients(store, name, p, 1, conf.orders.issuer ? conf.orders.issuer : "",
                                   now, &told));
    return told;
}

static inline struct site_told tell(struct site_patient p)
{
    char name[32];
    snprintf(name, sizeof name, "message %d", ++messages);
    struct site_told told = tell_named(name, &p, 5000);
    turn();
    return told;
}

static inline int64_t count(const char *sql)
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

#endif
