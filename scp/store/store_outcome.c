/* Outcomes: what readers say, and what became of every study. */
#include "store_outcome.h"

#include "store_reading.h"
#include "store_sqlite.h"
#include <stdio.h>

_Static_assert(READING_COMPLETED == 4, "SELECT_OUTCOMES names it");

enum store_status store_say(struct store *store, const char *study, bool agrees, const char *who,
                            int64_t now_ms)
{
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "INSERT OR REPLACE INTO verdict(study,agrees,who,said_ms,outcome,report)"
                           " SELECT study,?,?,?,outcome,report FROM place WHERE study=? AND"
                           " answered<>0",
                           "itit", (int64_t)agrees, who, now_ms, study));
    return status == STORE_OK && sqlite3_changes(store->db) == 0 ? STORE_NONE : status;
}

enum store_status store_unsay(struct store *store, const char *study)
{
    enum store_status status =
        sql_run(store, sql_prepare(store, "DELETE FROM verdict WHERE study=?", "t", study));
    return status == STORE_OK && sqlite3_changes(store->db) == 0 ? STORE_NONE : status;
}

static enum srt_outcome outcome_at(sqlite3_stmt *row, int column)
{
    char name[32];
    enum srt_outcome outcome;
    sql_text(row, column, name, sizeof name);
    return srt_outcome_parse(name, &outcome) ? outcome : SRT_NOT_PROCESSED;
}

static void take_verdict(sqlite3_stmt *row, int column, struct store_verdict *verdict)
{
    verdict->agrees = sqlite3_column_int(row, column) != 0;
    sql_text(row, column + 1, verdict->who, sizeof verdict->who);
    verdict->said_ms = sqlite3_column_int64(row, column + 2);
    verdict->outcome = outcome_at(row, column + 3);
    sql_text(row, column + 4, verdict->report, sizeof verdict->report);
}

enum store_status store_verdict(struct store *store, const char *study,
                                struct store_verdict *verdict)
{
    sqlite3_stmt *row = sql_prepare(
        store, "SELECT agrees,who,said_ms,outcome,report FROM verdict WHERE study=?", "t", study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    take_verdict(row, 0, verdict);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

#define OF_ORDERS                                                                                  \
    "FROM site_order AS o WHERE read<>0 AND ((o.study=p.study AND o.study<>'')"                    \
    " OR (o.accession=p.accession AND o.accession<>'' AND o.study='' AND (o.issuer='' OR NOT"      \
    " issuers_differ(o.issuer," ISSUER_OF("p.study") "))))"
#define OF_IMAGES "FROM judgement JOIN instance ON id=instance WHERE instance.study=p.study"
#define OF_REPORTS                                                                                 \
    "('1.2.840.10008.5.1.4.1.1.88.11','1.2.840.10008.5.1.4.1.1.88.22',"                            \
    "'1.2.840.10008.5.1.4.1.1.88.33','1.2.840.10008.5.1.4.1.1.88.34')"
#define SELECT_OUTCOMES                                                                            \
    "SELECT p.study,p.accession,p.answered,p.outcome,p.raised,p.model,p.arrived_ms,p.read_ms,"     \
    "(SELECT MAX(first_computed_ms) " OF_IMAGES "),"                                               \
    "(SELECT MIN(created_ms) FROM result WHERE study=p.study AND kind='sr' AND fate<>'parked'),"   \
    "(SELECT MAX(done_ms) FROM result CROSS JOIN delivery ON delivery.result=result.id"            \
    " WHERE result.study=p.study AND delivery.state='sent'),"                                      \
    "(SELECT finding_score " OF_IMAGES " AND withdrawn='' ORDER BY finding_score DESC LIMIT 1),"   \
    "(SELECT finding_point " OF_IMAGES " AND withdrawn='' ORDER BY finding_score DESC LIMIT 1),"   \
    "(SELECT MIN(received_ms) FROM instance WHERE instance.study=p.study AND state IN"             \
    " ('ignored','judged','not-processed') AND sop_class IN " OF_REPORTS "),"                      \
    "EXISTS(SELECT 1 " OF_ORDERS "),"                                                              \
    "EXISTS(SELECT 1 FROM reading AS r WHERE r.study=p.study AND r.state=4)"                       \
    " OR EXISTS(SELECT 1 FROM look AS l WHERE l.study=p.study AND over<>0),"                       \
    "v.study IS NOT NULL,agrees,who,said_ms,v.outcome,v.report,"                                   \
    "(SELECT MIN(NULLIF(final_ms,0)) " OF_ORDERS "),"                                              \
    "(SELECT MIN(NULLIF(conclusion,0)) " OF_ORDERS ")"                                             \
    " FROM (SELECT * FROM place WHERE waits=0 ORDER BY arrived_ms DESC,study LIMIT ?) AS p"        \
    " LEFT JOIN verdict AS v ON v.study=p.study ORDER BY p.arrived_ms,p.study"

static void take_final(sqlite3_stmt *row, struct store_outcome *o)
{
    int64_t sr = sqlite3_column_int64(row, 13), order = sqlite3_column_int64(row, 22);
    int conclusion = sqlite3_column_int(row, 23);
    o->final_ms = sr == 0 || (order != 0 && order < sr) ? order : sr;
    if (conclusion > SITE_UNCONCLUDED && conclusion <= SITE_NO_INJURY)
        o->conclusion = (enum site_conclusion)conclusion;
}

static void take_outcome(sqlite3_stmt *row, struct store_outcome *o)
{
    *o = (struct store_outcome){.answered = sqlite3_column_int(row, 2) != 0,
                                .outcome = outcome_at(row, 3),
                                .raised = sqlite3_column_int(row, 4) != 0,
                                .arrived_ms = sqlite3_column_int64(row, 6),
                                .read_ms = sqlite3_column_int64(row, 7),
                                .analysed_ms = sqlite3_column_int64(row, 8),
                                .reported_ms = sqlite3_column_int64(row, 9),
                                .sent_ms = sqlite3_column_int64(row, 10),
                                .score = sqlite3_column_double(row, 11),
                                .point = sqlite3_column_double(row, 12),
                                .said = sqlite3_column_int(row, 16) != 0};
    sql_text(row, 0, o->study, sizeof o->study);
    sql_text(row, 1, o->accession, sizeof o->accession);
    sql_text(row, 5, o->model, sizeof o->model);
    for (int i = 0; i < 3; i++)
        if (sqlite3_column_int64(row, 13 + i) != 0)
            o->read_by |= 1u << i;
    if (o->said)
        take_verdict(row, 17, &o->verdict);
    take_final(row, o);
}

enum store_status store_outcomes(struct store *store, size_t most,
                                 bool (*each)(void *context, const struct store_outcome *outcome),
                                 void *context)
{
    sqlite3_stmt *rows = sql_prepare(store, SELECT_OUTCOMES, "i", (int64_t)most);
    enum store_status status;
    bool goes_on = true;
    while (goes_on && (status = sql_row(store, rows)) == STORE_OK) {
        struct store_outcome outcome;
        take_outcome(rows, &outcome);
        goes_on = each(context, &outcome);
    }
    if (!goes_on) {
        (void)sqlite3_reset(rows);
        return STORE_OK;
    }
    return status == STORE_NONE ? STORE_OK : status;
}
