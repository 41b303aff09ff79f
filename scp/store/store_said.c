/* What the site says of patients: one row an ID, with what was last said of it and, when it was
 * merged, into which. */
#include "store_reconcile.h"

#include "store_sqlite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MOST 16                /* merges of merges that are followed */
#define AHEAD_MS   INT64_C(86400000) /* a sender's clock may be ahead, and be of another zone */
#define DAY_MS     INT64_C(86400000)

/* ---- who is who ---- */

static bool is_one(const char *a, const char *b)
{
    return a[0] != '\0' && strcmp(a, b) == 0;
}

bool site_id_is(const struct site_id *a, const struct site_id *b, const char *standard)
{
    const char *of_a = a->issuer, *of_b = b->issuer;
    if (strcmp(a->id, b->id) != 0 || a->id[0] == '\0')
        return false;
    if (of_a[0] == '\0' && a->universal[0] == '\0')
        of_a = standard;
    if (of_b[0] == '\0' && b->universal[0] == '\0')
        of_b = standard;
    if (a->universal[0] != '\0' && b->universal[0] != '\0')
        return strcmp(a->universal, b->universal) == 0;
    bool has_a = of_a[0] != '\0' || a->universal[0] != '\0';
    bool has_b = of_b[0] != '\0' || b->universal[0] != '\0';
    if (!has_a || !has_b)
        return has_a == has_b;
    return is_one(of_a, of_b) || is_one(of_a, b->universal) || is_one(a->universal, of_b);
}

/* ---- rows ---- */

struct row {
    int64_t id; /* 0: there is none */
    struct site_id who, into;
    int64_t said_ms, merged_ms, told_ms;
    struct site_said said;
};

#define COLUMNS                                                                                    \
    "id,patient_id,issuer,universal,into_id,into_issuer,into_universal,said_ms,merged_ms,told_ms," \
    "name,birth_date,sex"

static void take_id(sqlite3_stmt *at, int column, struct site_id *id)
{
    sql_text(at, column, id->id, sizeof id->id);
    sql_text(at, column + 1, id->issuer, sizeof id->issuer);
    sql_text(at, column + 2, id->universal, sizeof id->universal);
}

static void take_row(sqlite3_stmt *at, struct row *row)
{
    row->id = sqlite3_column_int64(at, 0);
    take_id(at, 1, &row->who);
    take_id(at, 4, &row->into);
    row->said_ms = sqlite3_column_int64(at, 7);
    row->merged_ms = sqlite3_column_int64(at, 8);
    row->told_ms = sqlite3_column_int64(at, 9);
    sql_text(at, 10, row->said.name, sizeof row->said.name);
    sql_text(at, 11, row->said.birth_date, sizeof row->said.birth_date);
    sql_text(at, 12, row->said.sex, sizeof row->said.sex);
}

/* Of rows that are the same patient the one told last. */
static enum store_status find_row(struct store *store, const struct site_id *who,
                                  const char *standard, struct row *row)
{
    enum store_status status;
    *row = (struct row){.id = 0};
    sqlite3_stmt *rows = sql_prepare(store,
                                     "SELECT " COLUMNS " FROM site_patient WHERE patient_id=?"
                                     " ORDER BY told_ms DESC,id DESC",
                                     "t", who->id);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        struct row one = {.id = 0};
        if (row->id != 0)
            continue;
        take_row(rows, &one);
        if (site_id_is(&one.who, who, standard))
            *row = one;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

/* Who it is by now: *last is the row of whom it was merged into, or its own; id 0: there is none.
 * Along a chain merges are ever later ones [note_said], so that it has an end. */
static enum store_status follow(struct store *store, const struct site_id *who,
                                const char *standard, struct row *last, struct site_id *now)
{
    *now = *who;
    for (int i = 0; i < CHAIN_MOST; i++) {
        enum store_status status = find_row(store, now, standard, last);
        if (status != STORE_OK || last->id == 0 || last->into.id[0] == '\0')
            return status;
        *now = last->into;
    }
    return STORE_NONE;
}

/* ---- a message ---- */

struct hearing {
    struct store *store;
    const char *standard;
    int64_t at_ms, now_ms;
    struct site_told *told;
    bool older;
};

/* Whether the node has anything of this patient. An image that was not looked at yet may be
 * anybody's. */
static enum store_status look_for(struct store *store, const struct site_id *who,
                                  const char *standard, bool *known)
{
    struct row row;
    enum store_status status = find_row(store, who, standard, &row);
    *known = row.id != 0;
    sqlite3_stmt *rows = sql_prepare(
        store, "SELECT DISTINCT issuer FROM judgement WHERE patient_id=?1 AND patient_id<>''", "t",
        who->id);
    while (status == STORE_OK && (status = sql_row(store, rows)) == STORE_OK) {
        struct site_id image = {.id = ""};
        memcpy(image.id, who->id, sizeof image.id);
        sql_text(rows, 0, image.issuer, sizeof image.issuer);
        *known = *known || site_id_is(&image, who, standard);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status is_known(struct store *store, const struct site_patient *patient,
                                  const char *standard, bool *known)
{
    enum store_status status = sql_any(
        store, sql_prepare(store, "SELECT 1 FROM instance WHERE state='received' LIMIT 1", ""),
        known);
    for (size_t i = 0; status == STORE_OK && !*known && i < patient->nows; i++)
        status = look_for(store, &patient->now[i], standard, known);
    for (size_t i = 0; status == STORE_OK && !*known && i < patient->priors; i++)
        status = look_for(store, &patient->prior[i], standard, known);
    return status;
}

static enum store_status have_row(const struct hearing *h, const struct site_id *who,
                                  struct row *row)
{
    enum store_status status = find_row(h->store, who, h->standard, row);
    if (status != STORE_OK || row->id != 0)
        return status;
    *row = (struct row){.who = *who};
    status = sql_run(h->store,
                     sql_prepare(h->store,
                                 "INSERT INTO site_patient(patient_id,issuer,universal,told_ms)"
                                 " VALUES(?,?,?,?)",
                                 "ttti", who->id, who->issuer, who->universal, h->now_ms));
    row->id = sqlite3_last_insert_rowid(h->store->db);
    return status;
}

static enum store_status keep_merge(const struct hearing *h, const struct row *row,
                                    const struct site_id *into)
{
    return sql_run(
        h->store, sql_prepare(h->store,
                              "UPDATE site_patient SET into_id=?2,into_issuer=?3,into_universal=?4,"
                              "merged_ms=?5,told_ms=?6,due=due+1 WHERE id=?1",
                              "itttii", row->id, into->id, into->issuer, into->universal, h->at_ms,
                              h->now_ms));
}

/* What is said of an ID shows that it is one again. */
static enum store_status note_said(struct hearing *h, const struct site_id *who,
                                   const struct site_patient *patient)
{
    static const struct site_id nobody = {.id = ""};
    struct row row;
    enum store_status status = have_row(h, who, &row);
    if (status == STORE_OK && row.into.id[0] != '\0' && row.merged_ms <= h->at_ms)
        status = keep_merge(h, &row, &nobody);
    if (status != STORE_OK)
        return status;
    if (row.said_ms > h->at_ms) {
        h->older = true;
        return STORE_OK;
    }
    return sql_run(
        h->store,
        sql_prepare(h->store,
                    "UPDATE site_patient SET name=COALESCE(NULLIF(?2,''),name),"
                    "birth_date=COALESCE(NULLIF(?3,''),birth_date),sex=COALESCE(NULLIF(?4,''),sex),"
                    "said_ms=?5,told_ms=?6,due=due+1 WHERE id=?1",
                    "itttii", row.id, patient->name, patient->birth_date, patient->sex, h->at_ms,
                    h->now_ms));
}

static enum store_status note_merge(struct hearing *h, const struct site_id *prior,
                                    const struct site_id *into)
{
    struct row row;
    if (site_id_is(prior, into, h->standard))
        return STORE_OK;
    enum store_status status = have_row(h, prior, &row);
    if (status != STORE_OK)
        return status;
    if (row.merged_ms > h->at_ms || row.said_ms > h->at_ms) {
        h->older = true;
        return STORE_OK;
    }
    return keep_merge(h, &row, into);
}

/* NULL: none of several has its issuer. */
static const struct site_id *survivor_of(const struct site_patient *patient, size_t prior,
                                         const char *standard)
{
    struct site_id same = patient->prior[prior];
    for (size_t i = 0; i < patient->nows; i++) {
        memcpy(same.id, patient->now[i].id, sizeof same.id);
        if (site_id_is(&patient->now[i], &same, standard))
            return &patient->now[i];
    }
    return patient->nows == 1 ? &patient->now[0] : NULL;
}

/* Survivors first: they live, so that no merge of before leads on from them. */
static enum store_status hear(struct hearing *h, const struct site_patient *patient)
{
    bool known = false;
    enum store_status status = is_known(h->store, patient, h->standard, &known);
    int64_t latest = h->now_ms + AHEAD_MS;
    h->at_ms = patient->at_ms == 0 ? h->now_ms : patient->at_ms < latest ? patient->at_ms : latest;
    h->older = false;
    for (size_t i = 0; i < patient->priors; i++)
        if (survivor_of(patient, i, h->standard) == NULL)
            return STORE_NONE;
    for (size_t i = 0; status == STORE_OK && known && i < patient->nows; i++)
        status = note_said(h, &patient->now[i], patient);
    for (size_t i = 0; status == STORE_OK && known && i < patient->priors; i++)
        status = note_merge(h, &patient->prior[i], survivor_of(patient, i, h->standard));
    h->told->kept += known;
    h->told->unknown += !known;
    h->told->older += h->older;
    return status;
}

enum store_status store_site_patients(struct store *store, const char *message,
                                      const struct site_patient *patients, size_t count,
                                      const char *standard, int64_t now_ms, struct site_told *told)
{
    bool heard = false;
    struct hearing h = {.store = store, .standard = standard, .now_ms = now_ms, .told = told};
    *told = (struct site_told){.kept = 0};
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = sql_any(
        store, sql_prepare(store, "SELECT 1 FROM site_message WHERE name=?", "t", message), &heard);
    for (; status == STORE_OK && !heard && told->missing < count; told->missing++) {
        status = hear(&h, &patients[told->missing]);
        if (status != STORE_OK)
            break;
    }
    if (status == STORE_OK && told->kept > 0)
        status =
            sql_run(store, sql_prepare(store, "INSERT INTO site_message(name,at_ms) VALUES(?,?)",
                                       "ti", message, now_ms));
    return sql_leave(store, status);
}

/* ---- what holds of an image ---- */

static bool differ(const char *a, const char *b)
{
    return a[0] != '\0' && b[0] != '\0' && strcmp(a, b) != 0;
}

enum store_status store_is_said(struct store *store, const char *patient_id, bool *said)
{
    return sql_any(store,
                   sql_prepare(store, "SELECT 1 FROM site_patient WHERE patient_id=? LIMIT 1", "t",
                               patient_id),
                   said);
}

enum store_status store_said_of(struct store *store, const struct site_id *image, const char *name,
                                const char *birth_date, int64_t began_ms, const char *standard,
                                struct site_said *said)
{
    struct row own, last;
    struct site_id now;
    enum store_status status = find_row(store, image, standard, &own);
    if (status == STORE_OK && own.id != 0)
        status = follow(store, image, standard, &last, &now);
    if (status != STORE_OK || own.id == 0)
        return status == STORE_OK ? STORE_NONE : status;
    bool is_later = began_ms > own.told_ms, is_merged = own.into.id[0] != '\0';
    if (is_later &&
        (!is_merged || (differ(last.said.name, name) && differ(last.said.birth_date, birth_date))))
        return STORE_NONE;
    *said = last.said;
    said->now = now;
    return STORE_OK;
}

static bool is_listed(const struct site_id *list, unsigned count, const struct site_id *who,
                      const char *standard)
{
    for (unsigned i = 0; i < count; i++)
        if (site_id_is(&list[i], who, standard))
            return true;
    return false;
}

/* What is not the row told last of its ID holds no more. */
static enum store_status add_alias(struct store *store, const struct row *row, const char *standard,
                                   struct site_id *list, unsigned *count)
{
    struct row holds;
    if (*count == SITE_IDS_MOST || is_listed(list, *count, &row->who, standard))
        return STORE_OK;
    enum store_status status = find_row(store, &row->who, standard, &holds);
    if (status == STORE_OK && holds.id == row->id)
        list[(*count)++] = row->who;
    return status;
}

static enum store_status add_merged(struct store *store, const struct site_id *into,
                                    const char *standard, struct site_id *list, unsigned *count)
{
    enum store_status status;
    sqlite3_stmt *rows = sql_prepare(store,
                                     "SELECT " COLUMNS " FROM site_patient WHERE into_id=? AND"
                                     " into_id<>'' ORDER BY merged_ms DESC,id DESC",
                                     "t", into->id);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        struct row row = {.id = 0};
        take_row(rows, &row);
        if (!site_id_is(&row.into, into, standard))
            continue;
        status = add_alias(store, &row, standard, list, count);
        if (status != STORE_OK)
            break;
    }
    (void)sqlite3_reset(rows);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_aliases_of(struct store *store, const struct site_id *image,
                                   const char *name, const char *birth_date, int64_t began_ms,
                                   const char *standard, struct site_id list[SITE_IDS_MOST],
                                   unsigned *count)
{
    struct row own;
    struct site_said said = {.now = *image};
    *count = 0;
    enum store_status status = find_row(store, image, standard, &own);
    if (status == STORE_OK && own.id != 0)
        status = store_said_of(store, image, name, birth_date, began_ms, standard, &said);
    bool has_own_word = own.id == 0 || (status == STORE_NONE && own.into.id[0] != '\0');
    if (status == STORE_NONE)
        status = STORE_OK;
    if (status != STORE_OK || has_own_word)
        return status;
    list[(*count)++] = said.now;
    for (unsigned i = 0; status == STORE_OK && i < *count; i++)
        status = add_merged(store, &list[i], standard, list, count);
    for (unsigned i = 0; i < *count; i++)
        if (list[i].issuer[0] == '\0' && list[i].universal[0] == '\0')
            (void)snprintf(list[i].issuer, sizeof list[i].issuer, "%s", standard);
    return status;
}

enum store_status store_study_began(struct store *store, const char *study, int64_t *began_ms)
{
    sqlite3_stmt *row = sql_prepare(
        store, "SELECT MIN(received_ms),COUNT(*) FROM instance WHERE study=?", "t", study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    *began_ms = sqlite3_column_int64(row, 0);
    bool any = sqlite3_column_int64(row, 1) > 0;
    (void)sqlite3_reset(row);
    return any ? STORE_OK : STORE_NONE;
}

/* ---- what is due ---- */

enum store_status store_next_patient(struct store *store, struct site_due *due)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT id,due,patient_id,issuer,universal FROM site_patient"
                                    " WHERE due<>0 ORDER BY id LIMIT 1",
                                    "");
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    due->row = sqlite3_column_int64(row, 0);
    due->turn = sqlite3_column_int64(row, 1);
    take_id(row, 2, &due->id);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status store_patient_done(struct store *store, const struct site_due *due)
{
    return sql_run(store, sql_prepare(store, "UPDATE site_patient SET due=0 WHERE id=? AND due=?",
                                      "ii", due->row, due->turn));
}

/* ---- its end ---- */

#define ENDED                                                                                      \
    " FROM site_patient AS s WHERE due=0 AND (told_ms<?1 OR (told_ms<?2 AND NOT EXISTS"            \
    " (SELECT 1 FROM judgement WHERE patient_id=s.patient_id AND patient_id<>'') AND NOT EXISTS"   \
    " (SELECT 1 FROM judgement WHERE patient_id=s.into_id AND patient_id<>'')))"
enum store_status store_patients_expire(struct store *store, int64_t now_ms, int64_t before_ms)
{
    sqlite3_stmt *row =
        sql_prepare(store, "SELECT 1" ENDED " LIMIT 1", "ii", before_ms, now_ms - DAY_MS);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    (void)sqlite3_reset(row);
    return sql_run(store,
                   sql_prepare(store, "DELETE FROM site_patient WHERE id IN (SELECT s.id" ENDED ")",
                               "ii", before_ms, now_ms - DAY_MS));
}
