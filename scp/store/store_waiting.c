/* A study in the reading worklist before its answer: it stands where its order puts it, is shown as
 * waiting, and nobody is told.
 *
 *   received --[waiting_begin]--> waits --answered, place_turn--> placed, with news   [store_place]
 *                                   `--no image of it waits any more--> gone      [waiting_settle]
 *
 * The row is made in the transaction that makes the image durable: it does not need who judges. Its
 * revision is 0, or, where all that had been told was taken back, the one that told so. */
#include "store_place.h"

#include "store_sqlite.h"

static enum store_status show(struct store *store, const struct store_case *c, int64_t now_ms)
{
    struct priority p;
    priority_of(&c->known, &p);
    return sql_run(
        store,
        sql_prepare(
            store,
            "INSERT INTO place(study,revision,rank,band,raised,strength,reason,outcome,answered,"
            "report,arrived_ms,changed_ms,finding_ms,read_ms,accession,patient_id,issuer,"
            "site_priority,model,waits)"
            " VALUES(?1,0,?2,?3,0,0,?4,'',0,'',?5,?6,0,CASE WHEN ?7<>0 THEN ?6 ELSE 0 END,?8,?9,"
            "?10,?11,'',1) ON CONFLICT(study) DO UPDATE SET rank=?2,band=?3,reason=?4,changed_ms="
            "?6,read_ms=excluded.read_ms,accession=?8,patient_id=?9,issuer=?10,site_priority=?11"
            " WHERE reason<>?4 OR accession<>?8 OR patient_id<>?9 OR issuer<>?10 OR"
            " site_priority<>?11",
            "tiitiiittti", c->study, (int64_t)p.rank, (int64_t)p.band,
            priority_reason_code(p.reason), c->arrived_ms, now_ms, (int64_t)c->known.read,
            c->accession, c->patient_id, c->issuer, (int64_t)c->known.order));
}

enum store_status waiting_settle(struct store *store, const struct store_case *of, int64_t now_ms)
{
    if (of->known.answered || (of->revision > 0 && (!of->withdrawn || of->known.read)))
        return STORE_OK;
    if (of->revision > 0)
        return sql_run(store, sql_prepare(store,
                                          "UPDATE place SET waits=?2,changed_ms=?3,read_ms=CASE"
                                          " WHEN ?2<>0 THEN 0 ELSE ?3 END WHERE study=?1 AND"
                                          " waits<>?2",
                                          "tii", of->study, (int64_t)of->waits, now_ms));
    if (of->waits)
        return show(store, of, now_ms);
    return sql_run(store,
                   sql_prepare(store, "DELETE FROM place WHERE study=? AND waits<>0 AND revision=0",
                               "t", of->study));
}

enum store_status waiting_begin(struct store *store, const struct instance *instance)
{
    bool known;
    struct store_case c;
    enum store_status status = sql_any(
        store,
        sql_prepare(store, "SELECT 1 FROM place WHERE study=? AND (answered<>0 OR waits<>0)", "t",
                    instance->study),
        &known);
    if (status != STORE_OK || known || instance->study[0] == '\0')
        return status;
    status = store_case_of(store, instance->study, INT64_MAX, &c);
    return status == STORE_OK ? waiting_settle(store, &c, instance->received_ms) : status;
}
