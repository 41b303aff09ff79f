/* store_sqlite.h: what the files of the SQLite backend (store_*.c) share. Nobody else includes it.
 *
 * Statements are prepared once a handle and found by the address of their text: pass string
 * literals or static texts only. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store.h"
#include "store_latency.h"
#include <limits.h>
#include <sqlite3.h>

#define STORE_STATEMENTS 192

struct store {
    sqlite3 *db;
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } cache[STORE_STATEMENTS];
    int cached;
    bool begun;             /* a transaction, which SQLite may since have taken back by itself */
    bool in_group;          /* between store_begin and store_commit */
    bool is_light;          /* synchronous is NORMAL */
    int64_t waits_since_ms; /* monotonic: for the write lock */
    int64_t patience_ms;
    char error[256];
};

/* Remembers SQLite's own sentence and returns the status that stands for code. */
enum store_status sql_fail(struct store *store, int code);
/* A reset statement with its parameters bound by types: 't' const char *, 'i' int64_t,
 * 'd' double, 'b' const void * and size_t (NULL: null). NULL when it cannot be prepared (see
 * store_error). */
sqlite3_stmt *sql_prepare(struct store *store, const char *sql, const char *types, ...);
/* Steps a statement that returns no row and resets it. */
enum store_status sql_run(struct store *store, sqlite3_stmt *statement);
/* Steps: STORE_OK a row is there, STORE_NONE none is left (the statement is reset). */
enum store_status sql_row(struct store *store, sqlite3_stmt *statement);
/* Whether there is a row; the statement is reset. */
enum store_status sql_any(struct store *store, sqlite3_stmt *statement, bool *any);
/* What sql_run returned of a change, or STORE_NONE where there was no row to change. */
enum store_status sql_changed(struct store *store, enum store_status status);
void sql_text(sqlite3_stmt *statement, int column, char *text, size_t size);
/* A column's bytes, malloc; NULL: none. False: no memory. */
bool sql_bytes(sqlite3_stmt *statement, int column, uint8_t **bytes, size_t *count);
/* Likewise of the first row's first column; without a row they stay. The statement is reset. */
enum store_status sql_first_bytes(struct store *store, sqlite3_stmt *statement, uint8_t **bytes,
                                  size_t *count);
/* Room for one more element in a list; capacity doubles. */
bool sql_grow(void **list, size_t *capacity, size_t count, size_t element);
/* The path without links in its folders, which SQLite refuses as it would a link in the file's own
 * place. False: errno. */
bool sql_path(const char *path, char real[PATH_MAX]);
/* The first column of all rows, malloc; the caller's. */
enum store_status sql_ids(struct store *store, sqlite3_stmt *rows, int64_t **ids, size_t *count);
enum store_status sql_exec(struct store *store, const char *sql);

/* A transaction of one function: nothing when a group is open. sql_leave commits when status is
 * STORE_OK, else undoes the function's own transaction, and returns what came of it. */
enum store_status sql_enter(struct store *store);
enum store_status sql_leave(struct store *store, enum store_status status);
/* The same for what a process that dies must not forget, but a machine that loses its power may:
 * what is found again by itself. Not synced, unless a later transaction of anyone is. */
enum store_status sql_enter_light(struct store *store);
enum store_status sql_leave_light(struct store *store, enum store_status status);

/* store_instance.c: what could not be processed for a technical reason, and whose bytes are kept.
 */
#define QUARANTINED                                                                                \
    "state='not-processed' AND gone_ms=0 AND withdrawn='' AND reason IN ('software-failure',"      \
    "'undecodable','no-pixel-data','too-large','conflict')"

/* store_result.c: rows of results; the columns in the order in which result_take reads them. */
/* What a delivery becomes that goes out (again) whatever became of it before. */
#define SEND_ANEW "state='pending',next_ms=0,stored_ms=0,looked_ms=0,commitment='',uncommitted=0"
#define RESULT_COLUMNS                                                                             \
    "result.id,kind,uid,sop_class,series,study,path,digest,outcome,created_ms,fate,instance,"      \
    "report,patient,why"
void result_take(sqlite3_stmt *row, struct result *result);
/* id of the result with this uid, added when it is not there; added says which. */
enum store_status result_keep(struct store *store, const struct result *r, int64_t *id,
                              bool *added);
enum store_status result_deliver(struct store *store, int64_t id, const char *destination,
                                 enum delivery_state state, const char *error);

/* store_withdraw.c: within the caller's transaction. */
enum store_status result_retract_report(struct store *store, int64_t sr, const char *code);
enum store_status result_withdraw(struct store *store, const char *sop_instance, const char *in,
                                  const char *but, const char *code, size_t *hit);
/* What was made of an instance: pictures and the like. */
enum store_status result_retract_made_of(struct store *store, int64_t instance, const char *code);

/* store_waiting.c, within the caller's transaction: a study in the list before its answer. An image
 * of it was received; it was looked at, and there was nothing to tell. */
struct store_case;
enum store_status waiting_begin(struct store *store, const struct instance *instance);
enum store_status waiting_settle(struct store *store, const struct store_case *of, int64_t now_ms);

/* store_route.c: names of the announcements that the rules of a study's images let be told of it,
 * one blank between two; *all: every one. */
#define ROUTE_NAMES_MOST 2048
enum store_status route_announcements(struct store *store, const char *study,
                                      char names[ROUTE_NAMES_MOST], bool *all);

/* store_place.c: rank, band, raised, strength, reason of a place, in this order from `column` on.
 */
struct priority;
void place_take(sqlite3_stmt *row, int column, struct priority *place);
/* store_patient.c: the SQL function attribute(BLOB, TAG): text of an attribute of dx_attrs_pack, in
 * UTF-8 where it can be converted, without blanks at its ends; '' when there is none. */
#define SQL_ACCESSION  "524368"  /* (0008,0050) */
#define SQL_PATIENT_ID "1048608" /* (0010,0020) */
#define SQL_ISSUER     "1048609" /* (0010,0021) */
/* (0040,0031), (0040,0032): of the accession number (dicom/dcmtk/attributes.cc) */
#define SQL_LOCAL_ISSUER     "4194353"
#define SQL_UNIVERSAL_ISSUER "4194354"
enum store_status patient_functions(struct store *store);

/* Who gave the accession number of a study: as its last image says. */
#define ISSUER_OF(study)                                                                           \
    "(SELECT attribute(attrs," SQL_LOCAL_ISSUER ")||'&'||attribute(attrs," SQL_UNIVERSAL_ISSUER    \
    ") FROM judgement WHERE instance=(SELECT MAX(i.id) FROM instance AS i JOIN judgement AS j ON"  \
    " j.instance=i.id WHERE i.study=" study " AND j.attrs NOTNULL))"
/* What the orders of a row of `place` say; 0: unknown. Few orders name an issuer: headers take
 * their time. */
#define SITE_PRIORITY                                                                              \
    "COALESCE((SELECT MAX(priority) FROM site_order WHERE site_order.study<>''"                    \
    " AND site_order.study=place.study),(SELECT MAX(priority) FROM site_order"                     \
    " WHERE accession<>'' AND site_order.accession=place.accession AND"                            \
    " (site_order.issuer='' OR NOT issuers_differ(site_order.issuer," ISSUER_OF(                   \
        "place.study") "))),0)"

/* The accession number of a row of `place`: its image's, else that of the order of the study. */
#define SITE_ACCESSION                                                                             \
    "COALESCE(NULLIF(place.accession,''),(SELECT accession FROM site_order WHERE"                  \
    " site_order.study<>'' AND site_order.study=place.study ORDER BY priority DESC,told_ms DESC,"  \
    "id LIMIT 1),'')"

/* store_worklist.c: stands(reason, raised, strength, order, arrived_ms, passed_ms, ageing_seconds,
 * delay_seconds, now_ms) is priority_stands; policy: the last three. */
#define STANDS(reason, policy)                                                                     \
    "stands(" reason ",raised,strength," SITE_PRIORITY ",arrived_ms,passed_ms," policy ")"
enum store_status place_functions(struct store *store);

/* store_reconcile.c: rows of is_result, id, issuer, began_ms, attrs. */
struct site_thing;
enum store_status sql_things(struct store *store, sqlite3_stmt *rows, struct site_thing **list,
                             size_t *count);
/* store_accession.c: within the caller's transaction: the message says that one order has another
 * accession number from now on. */
struct site_order;
enum store_status store_rename_order(struct store *store, const struct site_order *order,
                                     int64_t now_ms);

/* store_retention.c: within the caller's transaction. Bytes that came to "object-bytes" or
 * "result-bytes" (below 0: went). */
enum store_status kept_add(struct store *store, const char *counter, int64_t bytes);
/* The file is to be removed once this transaction is committed (store_remove_files). */
enum store_status removal_add(struct store *store, const char *path);
/* An object's file, with what lies beside it. */
enum store_status object_give_up(struct store *store, int64_t id, const char *path, int64_t bytes,
                                 int64_t now_ms);

/* store_latency.c: within the caller's transaction. since_ms or now_ms 0: not counted. */
enum store_status latency_add(struct store *store, enum store_stage stage, int64_t since_ms,
                              int64_t now_ms);
enum store_status latency_analysed(struct store *store, int64_t instance, int64_t now_ms);
/* When the latest of these that no report holds yet was received; 0: all are known. */
enum store_status latency_new_since(struct store *store, const int64_t *instances, size_t count,
                                    int64_t *since_ms);
/* Before the delivery's row is changed. */
enum store_status latency_delivery(struct store *store, enum store_stage stage, int64_t delivery,
                                   int64_t now_ms);
enum store_status latency_told(struct store *store, int64_t news, int64_t now_ms);

/* store_health.c: within the caller's transaction. */
enum store_status sample_add(struct store *store, int64_t report,
                             const struct store_sample *sample);
/* The station sent the first object of a study. */
enum store_status hour_add(struct store *store, const char *station, int64_t at_ms);

/* Brings a database of any older version to this program's (store_schema.c). */
enum store_status schema_migrate(struct store *store);

#endif
