/* Inquiries after the orders of studies. */
#include "store_inquiry.h"

#include "store_sqlite.h"

/* Studies that are asked about; ?1: since when they came. What a study's orders say is as in
 * store_site_of. */
#define ASKED_ABOUT                                                                                \
    " FROM place LEFT JOIN inquiry AS i ON i.study=place.study AND i.accession=place.accession"    \
    " AND i.patient_id=place.patient_id AND i.issuer=place.issuer"                                 \
    " WHERE read_ms=0 AND waits=0 AND arrived_ms>=?1 AND COALESCE(i.over,0)=0 AND"                 \
    " COALESCE((SELECT MAX(priority) FROM site_order WHERE site_order.study=place.study AND"       \
    " site_order.study<>''),(SELECT MAX(priority) FROM site_order WHERE"                           \
    " site_order.accession=place.accession AND site_order.accession<>''),0)=0"

enum store_status store_next_inquiry(struct store *store, int64_t since_ms, int64_t now_ms,
                                     int64_t far_ms, struct store_inquiry *found)
{
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT place.study,place.accession,place.patient_id,place.issuer,"
                    "COALESCE(i.asked,0),COALESCE(i.said,'')" ASKED_ABOUT
                    " AND (i.study IS NULL OR i.next_ms<=?2 OR i.next_ms>?3)"
                    " ORDER BY COALESCE(i.asked,0),arrived_ms,place.study LIMIT 1",
                    "iii", since_ms, now_ms, far_ms);
    enum store_status status = sql_row(store, row);
    *found = (struct store_inquiry){.asked = 0};
    if (status != STORE_OK)
        return status;
    sql_text(row, 0, found->study, sizeof found->study);
    sql_text(row, 1, found->accession, sizeof found->accession);
    sql_text(row, 2, found->patient_id, sizeof found->patient_id);
    sql_text(row, 3, found->issuer, sizeof found->issuer);
    found->asked = sqlite3_column_int64(row, 4);
    sql_text(row, 5, found->said, sizeof found->said);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status store_inquiry_stands(struct store *store, const struct store_inquiry *of,
                                       bool *stands)
{
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT 1" ASKED_ABOUT " AND place.study=?2 AND"
                    " place.accession=?3 AND place.patient_id=?4 AND"
                    " place.issuer=?5",
                    "itttt", INT64_C(0), of->study, of->accession, of->patient_id, of->issuer);
    return sql_any(store, row, stands);
}

enum store_status store_inquiry_asked(struct store *store, const struct store_inquiry *of,
                                      bool over, int64_t next_ms, const char *said)
{
    /* Not of a study that went meanwhile, or whose numbers did. */
    return sql_run(store,
                   sql_prepare(store,
                               "INSERT INTO inquiry(study,accession,patient_id,issuer,asked,"
                               "next_ms,over,said) SELECT ?1,?2,?3,?4,?5,?6,?7,?8 WHERE EXISTS"
                               " (SELECT 1 FROM place WHERE study=?1 AND accession=?2 AND"
                               " patient_id=?3 AND issuer=?4)"
                               " ON CONFLICT(study) DO UPDATE SET accession=?2,patient_id=?3,"
                               "issuer=?4,asked=?5,next_ms=?6,over=?7,said=?8",
                               "ttttiiit", of->study, of->accession, of->patient_id, of->issuer,
                               of->asked + 1, next_ms, (int64_t)over, said));
}

enum store_status store_inquiry_peer(struct store *store, const char *why, int64_t now_ms)
{
    if (why[0] == '\0')
        return sql_run(store, sql_prepare(store, "DELETE FROM inquiry_trouble", ""));
    return sql_run(store, sql_prepare(store,
                                      "INSERT INTO inquiry_trouble(id,since_ms,why) VALUES(1,?,?)"
                                      " ON CONFLICT(id) DO UPDATE SET why=excluded.why",
                                      "it", now_ms, why));
}

enum store_status store_inquiry_state(struct store *store, int64_t arrived_since_ms,
                                      struct store_inquiry_state *state)
{
    *state = (struct store_inquiry_state){.waiting = 0};
    sqlite3_stmt *row = sql_prepare(store, "SELECT since_ms,why FROM inquiry_trouble", "");
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    state->since_ms = sqlite3_column_int64(row, 0);
    sql_text(row, 1, state->why, sizeof state->why);
    (void)sqlite3_reset(row);
    row = sql_prepare(store, "SELECT COUNT(*)" ASKED_ABOUT, "i", arrived_since_ms);
    status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    state->waiting = (size_t)sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}
