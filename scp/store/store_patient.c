/* Whose objects and results are whose, and forgetting a patient. */
#include "store_keep.h"
#include "store_sqlite.h"

#include "dx_attrs.h"
#include "dx_result.h"
#include <stdlib.h>
#include <string.h>

#define TAG_CHARSET DX_TAG(0x0008, 0x0005)

/* ---- attribute(BLOB, TAG) ---- */

/* The one attribute in UTF-8; NULL when its character set does not tell what it is. */
static enum dx_status convert(const struct dx_attrs *attrs, uint32_t tag,
                              struct dx_attrs **converted)
{
    struct dx_error err = {.status = DX_OK};
    struct dx_attrs *one = dx_attrs_create();
    enum dx_status status = one != NULL ? DX_OK : DX_NO_MEMORY;
    if (status == DX_OK)
        status = dx_attrs_set_text(one, TAG_CHARSET, "CS", dx_attrs_text(attrs, TAG_CHARSET));
    if (status == DX_OK)
        status = dx_attrs_set_text(one, tag, "LO", dx_attrs_text(attrs, tag));
    if (status == DX_OK)
        status = dx_attrs_to_utf8(one, converted, &err);
    if (status != DX_OK)
        *converted = NULL;
    dx_attrs_destroy(one);
    return status;
}

static void result_trimmed(sqlite3_context *context, const char *text)
{
    text += strspn(text, " ");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    sqlite3_result_text64(context, text, length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void attribute(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct dx_error err = {.status = DX_OK};
    struct dx_attrs *attrs = NULL, *converted = NULL;
    const uint8_t *bytes = sqlite3_value_blob(values[0]);
    size_t size = (size_t)sqlite3_value_bytes(values[0]);
    uint32_t tag = (uint32_t)sqlite3_value_int64(values[1]);
    (void)count;
    enum dx_status status = bytes != NULL ? dx_attrs_unpack(bytes, size, &attrs, &err) : DX_OK;
    if (status == DX_OK && bytes != NULL && !dx_text_is_ascii(dx_attrs_text(attrs, tag)))
        status = convert(attrs, tag, &converted);
    if (status == DX_NO_MEMORY) /* an empty name would be somebody else's */
        sqlite3_result_error_nomem(context);
    else if (attrs == NULL)
        sqlite3_result_text(context, "", 0, SQLITE_STATIC);
    else
        result_trimmed(context, dx_attrs_text(converted != NULL ? converted : attrs, tag));
    dx_attrs_destroy(converted);
    dx_attrs_destroy(attrs);
}

/* ---- issuers_differ(A, B), each NAME&UNIVERSAL ---- */

static bool is_part(const char *part, size_t length, const char *of)
{
    size_t first = strcspn(of, "&");
    const char *second = of[first] != '\0' ? of + first + 1 : "";
    return length > 0 && ((length == first && memcmp(part, of, length) == 0) ||
                          (length == strlen(second) && memcmp(part, second, length) == 0));
}

/* Both are known, and neither's name or number is one of the other's. */
static void issuers_differ(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *a = (const char *)sqlite3_value_text(values[0]);
    const char *b = (const char *)sqlite3_value_text(values[1]);
    (void)count;
    bool known = a != NULL && b != NULL && a[strspn(a, "&")] != '\0' && b[strspn(b, "&")] != '\0';
    size_t first = known ? strcspn(a, "&") : 0;
    bool same = known && (is_part(a, first, b) ||
                          (a[first] != '\0' && is_part(a + first + 1, strlen(a + first + 1), b)));
    sqlite3_result_int(context, known && !same);
}

enum store_status patient_functions(struct store *store)
{
    int code = sqlite3_create_function_v2(store->db, "attribute", 2,
                                          SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                          NULL, attribute, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(store->db, "issuers_differ", 2,
                                          SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                          NULL, issuers_differ, NULL, NULL, NULL);
    return code == SQLITE_OK ? STORE_OK : sql_fail(store, code);
}

/* ---- by which IDs ---- */

#define IDS "CREATE TEMP TABLE IF NOT EXISTS ids(id TEXT, issuer TEXT);"

enum store_status store_find_ids(struct store *store, const struct store_patient *patient,
                                 bool *merged)
{
    enum store_status status = sql_exec(store, "PRAGMA temp_store=MEMORY;" IDS);
    if (status == STORE_OK)
        status = sql_exec(store, "DELETE FROM temp.ids");
    if (status == STORE_OK)
        status = sql_run(
            store,
            sql_prepare(store,
                        "WITH RECURSIVE whom(id,issuer) AS (SELECT ?1,?2 UNION SELECT "
                        "patient_id,site_patient.issuer||'&'||universal FROM site_patient JOIN whom"
                        " ON into_id=whom.id AND into_id<>''"
                        " AND NOT issuers_differ(whom.issuer,into_issuer||'&'||into_universal))"
                        " INSERT INTO temp.ids SELECT id,issuer FROM whom",
                        "tt", patient->id, patient->issuer));
    if (status != STORE_OK)
        return status;
    return sql_any(store,
                   sql_prepare(store,
                               "SELECT 1 FROM site_patient WHERE patient_id=?1 AND into_id<>''"
                               " AND NOT issuers_differ(?2,issuer||'&'||universal) LIMIT 1",
                               "tt", patient->id, patient->issuer),
                   merged);
}

enum store_status store_is_found_id(struct store *store, const char *id, bool *found)
{
    return sql_any(
        store, sql_prepare(store, "SELECT 1 FROM temp.ids WHERE id=? AND id<>'' LIMIT 1", "t", id),
        found);
}

/* ---- what is a patient's ---- */

/* The patient's rows by id, in tables of this connection's own memory: whose.kind 'i' instances,
 * 'r' results. A report is of one patient; so is what was made of an image. */
#define WHOSE      "CREATE TEMP TABLE IF NOT EXISTS whose(kind TEXT, id INTEGER, PRIMARY KEY(kind,id));"
#define OF_PATIENT "patient_id=?1 AND (?2='' OR issuer=?2)"

static enum store_status select_whose(struct store *store, const struct store_patient *patient,
                                      const int64_t *more, size_t more_count)
{
    enum store_status status = sql_exec(store, "PRAGMA temp_store=MEMORY;" WHOSE);
    if (status == STORE_OK)
        status = sql_exec(store, "DELETE FROM temp.whose");
    if (status == STORE_OK)
        status =
            sql_run(store, sql_prepare(store,
                                       "INSERT INTO temp.whose SELECT 'i',instance FROM judgement"
                                       " WHERE patient_id<>'' AND " OF_PATIENT,
                                       "tt", patient->id, patient->issuer));
    for (size_t i = 0; status == STORE_OK && i < more_count; i++)
        status = sql_run(store, sql_prepare(store, "INSERT OR IGNORE INTO temp.whose VALUES('i',?)",
                                            "i", more[i]));
    if (status == STORE_OK)
        status = sql_run(
            store, sql_prepare(store,
                               "INSERT INTO temp.whose SELECT 'r',id FROM result"
                               " WHERE patient_id<>'' AND " OF_PATIENT " UNION"
                               " SELECT 'r',result.id FROM result WHERE instance<>0 AND instance IN"
                               " (SELECT id FROM temp.whose WHERE kind='i') UNION"
                               " SELECT 'r',result.id FROM temp.whose JOIN covers ON"
                               " covers.instance=whose.id JOIN result ON"
                               " result.report=covers.result WHERE whose.kind='i'",
                               "tt", patient->id, patient->issuer));
    return status;
}

static enum store_status number(struct store *store, sqlite3_stmt *row, size_t *value)
{
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_BROKEN : status;
    *value = (size_t)sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

#define UNDELIVERED                                                                                \
    "state IN ('pending','held','parked') AND result IN"                                           \
    " (SELECT id FROM temp.whose WHERE kind='r')"

static enum store_status count_whose(struct store *store, struct store_forgotten *count)
{
    enum store_status status =
        number(store, sql_prepare(store, "SELECT COUNT(*) FROM temp.whose WHERE kind='i'", ""),
               &count->objects);
    if (status == STORE_OK)
        status =
            number(store, sql_prepare(store, "SELECT COUNT(*) FROM temp.whose WHERE kind='r'", ""),
                   &count->results);
    if (status == STORE_OK)
        status = number(store,
                        sql_prepare(store, "SELECT COUNT(*) FROM delivery WHERE " UNDELIVERED, ""),
                        &count->deliveries);
    return status;
}

enum store_status store_count_patient(struct store *store, const struct store_patient *patient,
                                      struct store_forgotten *count)
{
    *count = (struct store_forgotten){.objects = 0};
    enum store_status status = select_whose(store, patient, NULL, 0);
    return status == STORE_OK ? count_whose(store, count) : status;
}

/* ---- forgetting ---- */

static enum store_status give_up_files(struct store *store, int64_t now_ms)
{
    static const char *const lists[] = {
        "INSERT OR IGNORE INTO removal SELECT path FROM instance WHERE id IN"
        " (SELECT id FROM temp.whose WHERE kind='i')",
        "INSERT OR IGNORE INTO removal SELECT 'results/frame-'||id||'.rgb' FROM temp.whose"
        " WHERE kind='i'",
        "INSERT OR IGNORE INTO removal SELECT path FROM result WHERE id IN"
        " (SELECT id FROM temp.whose WHERE kind='r')",
        "INSERT OR IGNORE INTO removal SELECT 'results/'||picture||'.dcm' FROM judgement WHERE"
        " picture<>'' AND instance IN (SELECT id FROM temp.whose WHERE kind='i')",
        "INSERT OR IGNORE INTO removal SELECT 'results/'||gsps||'.dcm' FROM judgement WHERE"
        " gsps<>'' AND instance IN (SELECT id FROM temp.whose WHERE kind='i')",
        "INSERT OR IGNORE INTO removal SELECT 'results/'||map||'.dcm' FROM judgement WHERE"
        " map<>'' AND instance IN (SELECT id FROM temp.whose WHERE kind='i')",
        "UPDATE counter SET value=value-(SELECT COALESCE(SUM(bytes),0) FROM instance WHERE"
        " gone_ms=0 AND id IN (SELECT id FROM temp.whose WHERE kind='i')) WHERE "
        "name='object-bytes'",
        "UPDATE counter SET value=value-(SELECT COALESCE(SUM(bytes),0) FROM result WHERE"
        " gone_ms=0 AND id IN (SELECT id FROM temp.whose WHERE kind='r')) WHERE "
        "name='result-bytes'",
    };
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < sizeof lists / sizeof *lists; i++)
        status = sql_run(store, sql_prepare(store, lists[i], ""));
    if (status == STORE_OK)
        status =
            sql_run(store, sql_prepare(store,
                                       "UPDATE instance SET gone_ms=? WHERE gone_ms=0 AND id IN"
                                       " (SELECT id FROM temp.whose WHERE kind='i')",
                                       "i", now_ms));
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE result SET gone_ms=? WHERE gone_ms=0 AND id IN"
                                            " (SELECT id FROM temp.whose WHERE kind='r')",
                                            "i", now_ms));
    return status;
}

/* UIDs and digests stay, and what became of it. Free texts may quote the header. */
static enum store_status scrub(struct store *store)
{
    static const char *const steps[] = {
        "UPDATE instance SET withdrawn='" STORE_FORGOTTEN "',detail='',seen=NULL,"
        "state=CASE WHEN state='received' THEN 'ignored' ELSE state END"
        " WHERE id IN (SELECT id FROM temp.whose WHERE kind='i')",
        "UPDATE judgement SET attrs=NULL,scores='',scores2='',region='',patient_id='',issuer=''"
        " WHERE instance IN (SELECT id FROM temp.whose WHERE kind='i')",
        "DELETE FROM site_order WHERE study<>'' AND study IN"
        " (SELECT study FROM instance WHERE id IN (SELECT id FROM temp.whose WHERE kind='i'))",
        "DELETE FROM site_order WHERE accession IN (SELECT accession FROM place WHERE "
        "accession<>'' AND study IN"
        " (SELECT study FROM instance WHERE id IN (SELECT id FROM temp.whose WHERE kind='i')))",
        "DELETE FROM inquiry WHERE study IN (SELECT study FROM instance WHERE id IN"
        " (SELECT id FROM temp.whose WHERE kind='i'))",
        "UPDATE news SET error='',header=NULL,placer_order='',filler_order='',procedure_id='',"
        "accession='',identity='' WHERE study IN (SELECT study FROM instance WHERE id IN"
        " (SELECT id FROM temp.whose WHERE kind='i'))",
        "UPDATE place SET accession='',patient_id='',issuer='',finding_ms=0,strength=0 WHERE study"
        " IN (SELECT study FROM instance WHERE id IN (SELECT id FROM temp.whose WHERE kind='i'))",
        "UPDATE reading SET said=NULL WHERE study IN (SELECT study FROM instance WHERE id IN"
        " (SELECT id FROM temp.whose WHERE kind='i'))",
        "UPDATE delivery SET state='cancelled' WHERE " UNDELIVERED,
        "UPDATE delivery SET last_error='',rejection=CASE WHEN rejection=-1 THEN 0 ELSE rejection"
        " END WHERE result IN (SELECT id FROM temp.whose WHERE kind='r')",
        "UPDATE result SET attrs=NULL,patient_id='',issuer='',"
        "why=CASE WHEN fate='parked' THEN '' ELSE why END"
        " WHERE id IN (SELECT id FROM temp.whose WHERE kind='r')",
    };
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < sizeof steps / sizeof *steps; i++)
        status = sql_run(store, sql_prepare(store, steps[i], ""));
    return status;
}

enum store_status store_forget_patient(struct store *store, const struct store_patient *patient,
                                       const int64_t *more, size_t more_count, int64_t now_ms,
                                       struct store_forgotten *forgotten)
{
    bool merged;
    *forgotten = (struct store_forgotten){.objects = 0};
    /* Outside the transaction, where temp_store may still be chosen; nobody else writes judgements.
     */
    enum store_status status = store_find_ids(store, patient, &merged);
    if (status == STORE_OK)
        status = select_whose(store, patient, more, more_count);
    if (status == STORE_OK)
        status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = count_whose(store, forgotten);
    if (status == STORE_OK)
        status = give_up_files(store, now_ms);
    if (status == STORE_OK)
        status = scrub(store);
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "DELETE FROM site_patient WHERE patient_id IN (SELECT"
                                            " id FROM temp.ids) OR into_id IN (SELECT id FROM"
                                            " temp.ids WHERE id<>'')",
                                            ""));
    if (status == STORE_OK) /* each of its IDs stands behind a backslash */
        status = sql_run(store, sql_prepare(store,
                                            "DELETE FROM site_accession WHERE EXISTS(SELECT 1 FROM"
                                            " temp.ids WHERE id<>'' AND"
                                            " instr(patients||'\\','\\'||id||'\\')>0)",
                                            ""));
    return sql_leave(store, status);
}

enum store_status store_checkpoint(struct store *store)
{
    int code = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return code == SQLITE_OK ? STORE_OK : sql_fail(store, code);
}
