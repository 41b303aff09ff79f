/* The job store's schema, version by version. A version's text is never edited once released: a
 * change is a new version. */
#include "store_sqlite.h"

#include "node.h"
#include "store_keep.h"

#include <stdio.h>

/* "CVGT": another program's database is not ours to migrate. */
#define APPLICATION_ID 1129727828

static const char *const versions[] = {
    /* 1: the first */
    "CREATE TABLE instance("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " state TEXT NOT NULL,"
    " sop_class TEXT NOT NULL, sop_instance TEXT NOT NULL, study TEXT NOT NULL,"
    " series TEXT NOT NULL, transfer_syntax TEXT NOT NULL, digest TEXT NOT NULL,"
    " path TEXT NOT NULL, bytes INTEGER NOT NULL,"
    " calling TEXT NOT NULL, called TEXT NOT NULL, address TEXT NOT NULL,"
    " association TEXT NOT NULL, received_ms INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,"
    " rival INTEGER NOT NULL,"
    " rule TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
    " detail TEXT NOT NULL DEFAULT '',"
    " reported INTEGER NOT NULL DEFAULT 0," /* id of the report that holds it; 0: none yet */
    " UNIQUE(sop_instance, digest));"
    "CREATE INDEX instance_received ON instance(id) WHERE state='received';"
    "CREATE INDEX instance_study_received ON instance(study) WHERE state='received';"
    "CREATE INDEX instance_due ON instance(study)"
    " WHERE reported=0 AND state IN ('judged','not-processed');"
    "CREATE INDEX instance_study ON instance(study, id);"
    "CREATE INDEX instance_state ON instance(state);"
    "CREATE TABLE judgement("
    " instance INTEGER PRIMARY KEY REFERENCES instance(id) ON DELETE CASCADE,"
    " attrs BLOB, pixel_digest TEXT NOT NULL, patient_digest TEXT NOT NULL,"
    " scores TEXT NOT NULL,"
    " model_digest TEXT NOT NULL, picture TEXT NOT NULL, first_computed_ms INTEGER NOT NULL);"
    "CREATE TABLE study("
    " uid TEXT PRIMARY KEY, last_received_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL DEFAULT 0, last_report TEXT NOT NULL DEFAULT '',"
    " last_report_series TEXT NOT NULL DEFAULT '');"
    "CREATE TABLE open_association("
    " association TEXT NOT NULL, study TEXT NOT NULL, PRIMARY KEY(association, study));"
    "CREATE INDEX open_study ON open_association(study);"
    "CREATE TABLE result("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, uid TEXT NOT NULL UNIQUE,"
    " sop_class TEXT NOT NULL, series TEXT NOT NULL, study TEXT NOT NULL, path TEXT NOT NULL,"
    " digest TEXT NOT NULL, outcome TEXT NOT NULL, created_ms INTEGER NOT NULL);"
    "CREATE TABLE covers("
    " result INTEGER NOT NULL REFERENCES result(id) ON DELETE CASCADE,"
    " instance INTEGER NOT NULL REFERENCES instance(id) ON DELETE CASCADE,"
    " PRIMARY KEY(result, instance));"
    "CREATE TABLE delivery("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " result INTEGER NOT NULL REFERENCES result(id) ON DELETE CASCADE,"
    " destination TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    " next_ms INTEGER NOT NULL DEFAULT 0, done_ms INTEGER NOT NULL DEFAULT 0,"
    " last_error TEXT NOT NULL DEFAULT '', UNIQUE(result, destination));"
    "CREATE INDEX delivery_pending ON delivery(destination, next_ms, id) WHERE state='pending';"
    "CREATE INDEX delivery_state ON delivery(state);"
    "CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL);",
    /* 2: results of more kinds, corrected and taken back; a second model; requests of people */
    "ALTER TABLE instance ADD COLUMN withdrawn TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE instance ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX instance_sop ON instance(sop_instance, id);"
    "ALTER TABLE judgement ADD COLUMN scores2 TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE judgement ADD COLUMN model_digest2 TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE judgement ADD COLUMN coverage INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE judgement ADD COLUMN region TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE judgement ADD COLUMN gsps TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE judgement ADD COLUMN map TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE study ADD COLUMN amendment INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE study ADD COLUMN read INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE result ADD COLUMN fate TEXT NOT NULL DEFAULT 'current';"
    "ALTER TABLE result ADD COLUMN instance INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE result ADD COLUMN report INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE result ADD COLUMN patient TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE result ADD COLUMN why TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE result ADD COLUMN attrs BLOB;"
    "UPDATE result SET report=id WHERE kind='sr';"
    "CREATE INDEX result_report ON result(report);"
    "CREATE INDEX result_instance ON result(instance) WHERE instance<>0;"
    "CREATE INDEX result_retracted ON result(id) WHERE fate='retracted';"
    "CREATE INDEX covers_instance ON covers(instance, result);"
    "ALTER TABLE delivery ADD COLUMN rejection INTEGER NOT NULL DEFAULT 0;" /* id of the note; -1:
                                                                               due */
    "CREATE INDEX delivery_result ON delivery(result);"
    "CREATE INDEX delivery_retracted ON delivery(destination) WHERE rejection=-1;"
    "CREATE TABLE rejected(sop_instance TEXT PRIMARY KEY, code TEXT NOT NULL);"
    "CREATE TABLE request("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, uid TEXT NOT NULL,"
    " reason TEXT NOT NULL, who TEXT NOT NULL, asked_ms INTEGER NOT NULL,"
    " answer TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX request_open ON request(id) WHERE answer='';",
    /* 3: files that go while their rows stay; whose they are; requests about objects and patients.
     * gone_ms: UTC when the file was given up; 0: it is there */
    "ALTER TABLE instance ADD COLUMN gone_ms INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX instance_kept ON instance(received_ms) WHERE gone_ms=0;"
    "CREATE INDEX instance_kept_digest ON instance(digest) WHERE gone_ms=0;"
    "ALTER TABLE judgement ADD COLUMN patient_id TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE judgement ADD COLUMN issuer TEXT NOT NULL DEFAULT '';"
    "UPDATE judgement SET patient_id=attribute(attrs,1048608),issuer=attribute(attrs,1048609)"
    " WHERE attrs IS NOT NULL;"
    "CREATE INDEX judgement_patient ON judgement(patient_id) WHERE patient_id<>'';"
    "ALTER TABLE result ADD COLUMN gone_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE result ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE result ADD COLUMN patient_id TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE result ADD COLUMN issuer TEXT NOT NULL DEFAULT '';"
    "UPDATE result SET patient_id=attribute(attrs,1048608),issuer=attribute(attrs,1048609)"
    " WHERE attrs IS NOT NULL;"
    "CREATE INDEX result_kept ON result(created_ms) WHERE gone_ms=0;"
    "CREATE INDEX result_patient ON result(patient_id) WHERE patient_id<>'';"
    "CREATE INDEX delivery_parked ON delivery(id) WHERE state='parked';"
    "CREATE TABLE removal(path TEXT PRIMARY KEY);" /* files that no row wants any more */
    "CREATE TABLE memo(name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
    "ALTER TABLE request ADD COLUMN subject TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE request ADD COLUMN issuer TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE request ADD COLUMN draft TEXT NOT NULL DEFAULT '';"
    "INSERT OR REPLACE INTO counter(name,value)"
    " SELECT 'object-bytes',COALESCE(SUM(bytes),0) FROM instance;"
    "INSERT OR REPLACE INTO counter(name,value) VALUES('result-bytes',0);",
    /* 4: what the node remembers of itself, and for how long it remembers a study */
    "CREATE INDEX instance_gone ON instance(gone_ms) WHERE gone_ms<>0;"
    "CREATE TABLE sample("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, report INTEGER, series TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, hit INTEGER NOT NULL, score REAL NOT NULL, UNIQUE(report, series));"
    "CREATE INDEX sample_series ON sample(series, id);"
    "CREATE TABLE hour("
    " station TEXT NOT NULL, hour INTEGER NOT NULL, studies INTEGER NOT NULL,"
    " PRIMARY KEY(station, hour)) WITHOUT ROWID;"
    "CREATE TABLE alarm("
    " name TEXT NOT NULL, subject TEXT NOT NULL, since_ms INTEGER NOT NULL,"
    " PRIMARY KEY(name, subject)) WITHOUT ROWID;"
    "CREATE TABLE selftest("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, passed INTEGER NOT NULL,"
    " unlocked INTEGER NOT NULL, cause TEXT NOT NULL, build TEXT NOT NULL, kernels TEXT NOT NULL,"
    " models TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL);"
    "CREATE INDEX result_study ON result(study, id);",
    /* 5: what the receiver saw of a header; what waits for its images, for commitment; order.
     * stored_ms: UTC since when the peer has it, and its commitment is due; 0: it has it not.
     * looked_ms: UTC since when its images were looked for in vain. commitment: transaction. */
    "ALTER TABLE instance ADD COLUMN seen BLOB;"
    "ALTER TABLE delivery ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE delivery ADD COLUMN looked_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE delivery ADD COLUMN stored_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE delivery ADD COLUMN commitment TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE delivery ADD COLUMN uncommitted INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX delivery_order ON delivery(destination, priority DESC, id, next_ms)"
    " WHERE state='pending' AND stored_ms=0;"
    "CREATE INDEX delivery_uncommitted ON delivery(destination, next_ms)"
    " WHERE state='pending' AND stored_ms<>0;"
    "CREATE INDEX delivery_commitment ON delivery(commitment) WHERE commitment<>'';",
    /* 6: the reading worklist. What changes a study's place marks it by triggers: whoever writes
     * cannot forget it. */
    "DROP INDEX delivery_commitment;" /* transactions are looked up by delivery */
    /* 0: the destination cannot have it; 1: a sender has it now; 2: the destination may have it */
    "ALTER TABLE delivery ADD COLUMN offered INTEGER NOT NULL DEFAULT 0;"
    "UPDATE delivery SET offered=2 WHERE attempts>0 OR state='sent';"
    "CREATE INDEX delivery_offered ON delivery(destination) WHERE offered=1;"
    "ALTER TABLE judgement ADD COLUMN outcome TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE judgement ADD COLUMN finding_score REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE judgement ADD COLUMN finding_point REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE judgement ADD COLUMN agreed INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE judgement ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;"
    /* what the rule gives: names, '': all; a set, 0: all; 1: its finding raises nothing */
    "ALTER TABLE judgement ADD COLUMN destinations TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE judgement ADD COLUMN announcements TEXT;" /* NULL: all, '': none */
    "ALTER TABLE judgement ADD COLUMN outputs INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE judgement ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE study ADD COLUMN place_due INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX study_place_due ON study(uid) WHERE place_due<>0;"
    "CREATE TABLE place("
    " study TEXT PRIMARY KEY, revision INTEGER NOT NULL, rank INTEGER NOT NULL,"
    " band INTEGER NOT NULL, raised INTEGER NOT NULL, strength REAL NOT NULL,"
    " reason TEXT NOT NULL, outcome TEXT NOT NULL, answered INTEGER NOT NULL,"
    " report TEXT NOT NULL, arrived_ms INTEGER NOT NULL,"
    " changed_ms INTEGER NOT NULL, finding_ms INTEGER NOT NULL, read_ms INTEGER NOT NULL,"
    " model TEXT NOT NULL,"
    " accession TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL,"
    " site_priority INTEGER NOT NULL DEFAULT 0," /* of the order, when it was placed */
    " waits INTEGER NOT NULL DEFAULT 0,"         /* 1: shown without an answer, untold */
    " passed_ms INTEGER NOT NULL DEFAULT 0,"     /* first: struct priority_place */
    " announcements TEXT) WITHOUT ROWID;"        /* that its images' rules let be told; NULL: all */
    "CREATE INDEX place_accession ON place(accession) WHERE accession<>'';"
    "CREATE TABLE site_order("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, accession TEXT NOT NULL, study TEXT NOT NULL,"
    " issuer TEXT NOT NULL DEFAULT ''," /* of the accession number: NAME&UNIVERSAL */
    " priority INTEGER NOT NULL DEFAULT 0, placer_order TEXT NOT NULL DEFAULT '',"
    " filler_order TEXT NOT NULL DEFAULT '', procedure_id TEXT NOT NULL DEFAULT '',"
    " procedure TEXT NOT NULL DEFAULT '', postoperative INTEGER NOT NULL DEFAULT 0,"
    " read INTEGER NOT NULL DEFAULT 0, told_ms INTEGER NOT NULL,"
    /* of its final report: what it says (enum site_conclusion), UTC when it was told first; they
       hold while read does */
    " conclusion INTEGER NOT NULL DEFAULT 0, final_ms INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(accession, issuer, study, placer_order, filler_order));"
    "CREATE INDEX site_order_study ON site_order(study) WHERE study<>'';"
    "CREATE INDEX site_order_filler ON site_order(filler_order) WHERE filler_order<>'';"
    "CREATE INDEX site_order_placer ON site_order(placer_order) WHERE placer_order<>'';"
    /* of an ID: what was said of it last, when that was recorded (said_ms), when it came (told_ms);
     * due: how often, since images and results have it */
    "CREATE TABLE site_patient("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, patient_id TEXT NOT NULL, issuer TEXT NOT NULL,"
    " universal TEXT NOT NULL, name TEXT NOT NULL DEFAULT '', birth_date TEXT NOT NULL DEFAULT '',"
    " sex TEXT NOT NULL DEFAULT '', said_ms INTEGER NOT NULL DEFAULT 0,"
    " into_id TEXT NOT NULL DEFAULT '', into_issuer TEXT NOT NULL DEFAULT '',"
    " into_universal TEXT NOT NULL DEFAULT '', merged_ms INTEGER NOT NULL DEFAULT 0,"
    " told_ms INTEGER NOT NULL, due INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(patient_id, issuer, universal));"
    "CREATE INDEX site_patient_due ON site_patient(id) WHERE due<>0;"
    "CREATE INDEX site_patient_into ON site_patient(into_id) WHERE into_id<>'';"
    /* an accession number of a patient that the site has changed; due: how often, since images have
       it */
    "CREATE TABLE site_accession("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, was TEXT NOT NULL, issuer TEXT NOT NULL,"
    " patients TEXT NOT NULL, accession TEXT NOT NULL, told_ms INTEGER NOT NULL,"
    " due INTEGER NOT NULL, UNIQUE(was, issuer, patients));"
    "CREATE INDEX site_accession_due ON site_accession(id) WHERE due<>0;"
    "CREATE INDEX site_accession_now ON site_accession(accession);"
    "CREATE TABLE site_message(name TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX site_message_at ON site_message(at_ms);"
    "CREATE TABLE inquiry(" /* after a study's order at the site's worklist */
    " study TEXT PRIMARY KEY, accession TEXT NOT NULL, patient_id TEXT NOT NULL,"
    " issuer TEXT NOT NULL, asked INTEGER NOT NULL, next_ms INTEGER NOT NULL,"
    " over INTEGER NOT NULL, said TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE inquiry_trouble("
    " id INTEGER PRIMARY KEY, since_ms INTEGER NOT NULL, why TEXT NOT NULL);"
    "CREATE TABLE look(" /* whether it has been read at a workflow manager; over: it has */
    " announcement TEXT NOT NULL, study TEXT NOT NULL, looked_ms INTEGER NOT NULL,"
    " over INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(announcement, study)) WITHOUT ROWID;"
    "CREATE INDEX look_study ON look(study);"
    "CREATE INDEX place_list ON place(arrived_ms) WHERE read_ms=0;"
    "CREATE INDEX place_read ON place(read_ms) WHERE read_ms<>0;"
    "CREATE INDEX place_known ON place(patient_id, finding_ms)"
    " WHERE finding_ms<>0 AND patient_id<>'';"
    "CREATE TABLE news("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, announcement TEXT NOT NULL, study TEXT NOT NULL,"
    " revision INTEGER NOT NULL, kind INTEGER NOT NULL, rank INTEGER NOT NULL,"
    " site_priority INTEGER NOT NULL DEFAULT 0,"
    " instance INTEGER NOT NULL DEFAULT 0," /* whose header it tells */
    " header BLOB,"                         /* that one, where the image has another by now */
    " placer_order TEXT NOT NULL DEFAULT '', filler_order TEXT NOT NULL DEFAULT '',"
    " procedure_id TEXT NOT NULL DEFAULT '', accession TEXT NOT NULL DEFAULT ''," /* the order's */
    " item INTEGER NOT NULL DEFAULT 0, identity TEXT NOT NULL DEFAULT ''," /* struct news; once it
                                                                              went out */
    " state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    " next_ms INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL,"
    " done_ms INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',"
    " UNIQUE(announcement, study, revision));"
    "CREATE INDEX news_pending ON news(announcement, next_ms, id) WHERE state='pending';"
    "CREATE INDEX news_parked ON news(announcement, done_ms) WHERE state='parked';"
    "CREATE INDEX news_study ON news(study);"
    "CREATE TRIGGER place_judged AFTER UPDATE OF state ON instance"
    " WHEN NEW.state IN ('judged','not-processed') BEGIN"
    " UPDATE study SET place_due=1 WHERE uid=NEW.study; END;"
    "CREATE TRIGGER place_passed AFTER UPDATE OF state ON instance"
    " WHEN OLD.state='received' AND NEW.state NOT IN ('received','judged','not-processed') AND"
    " EXISTS (SELECT 1 FROM place WHERE study=NEW.study AND waits<>0) BEGIN"
    " UPDATE study SET place_due=1 WHERE uid=NEW.study; END;"
    "CREATE TRIGGER place_withdrawn AFTER UPDATE OF withdrawn ON instance"
    " WHEN NEW.withdrawn<>OLD.withdrawn BEGIN"
    " UPDATE study SET place_due=1 WHERE uid=NEW.study; END;"
    "CREATE TRIGGER place_reported AFTER INSERT ON result WHEN NEW.kind='sr' BEGIN"
    " UPDATE study SET place_due=1 WHERE uid=NEW.study; END;"
    "CREATE TRIGGER place_amended AFTER UPDATE OF fate ON result"
    " WHEN NEW.kind='sr' AND NEW.fate<>OLD.fate BEGIN"
    " UPDATE study SET place_due=1 WHERE uid=NEW.study; END;"
    "CREATE TRIGGER place_read AFTER UPDATE OF read ON study WHEN NEW.read<>OLD.read BEGIN"
    " UPDATE study SET place_due=1 WHERE uid=NEW.uid; END;"
    "CREATE TRIGGER place_gone AFTER DELETE ON study BEGIN"
    " DELETE FROM site_order WHERE study=OLD.uid AND study<>'';"
    " DELETE FROM site_order WHERE study='' AND accession IN"
    " (SELECT accession FROM place AS p WHERE study=OLD.uid AND accession<>'' AND NOT EXISTS"
    " (SELECT 1 FROM place WHERE place.accession=p.accession AND place.accession<>''"
    " AND place.study<>OLD.uid));"
    " DELETE FROM inquiry WHERE study=OLD.uid;"
    " DELETE FROM place WHERE study=OLD.uid; DELETE FROM news WHERE study=OLD.uid;"
    " DELETE FROM reading WHERE study=OLD.uid; DELETE FROM look WHERE study=OLD.uid; "
    " DELETE FROM verdict WHERE study=OLD.uid; END;"
    /* items of the reading worklist for those who ask; state: enum reading_state */
    "CREATE TABLE reading("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE, study TEXT NOT NULL,"
    " number INTEGER NOT NULL, state INTEGER NOT NULL, revision INTEGER NOT NULL DEFAULT 1,"
    " made_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, claimed_ms INTEGER NOT NULL DEFAULT 0,"
    " ended_ms INTEGER NOT NULL DEFAULT 0, trans TEXT NOT NULL DEFAULT '',"
    " performer TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '', said BLOB,"
    " UNIQUE(study, number));"
    "CREATE INDEX reading_open ON reading(study, state) WHERE state<=2;"
    "CREATE INDEX reading_claimed ON reading(claimed_ms) WHERE state=2;"
    "CREATE INDEX reading_ended ON reading(ended_ms) WHERE state>2;"
    /* of a report: when its study was complete, when it was entered, and from when latencies of it
     * are counted; 0: unknown, not counted */
    "ALTER TABLE result ADD COLUMN complete_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE result ADD COLUMN entered_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE result ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE result ADD COLUMN made_of TEXT NOT NULL DEFAULT '';" /* a series' picture */
    "CREATE TABLE latency("
    " stage TEXT NOT NULL, bound_ms INTEGER NOT NULL, count INTEGER NOT NULL,"
    " sum_ms INTEGER NOT NULL, PRIMARY KEY(stage, bound_ms)) WITHOUT ROWID;"
    /* whom the node talks to, and how it went last */
    "CREATE TABLE contact("
    " kind TEXT NOT NULL, name TEXT NOT NULL, good_ms INTEGER NOT NULL DEFAULT 0,"
    " bad_ms INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '',"
    " echo_ms INTEGER NOT NULL DEFAULT 0, echo_who TEXT NOT NULL DEFAULT '',"
    " echo TEXT NOT NULL DEFAULT '', PRIMARY KEY(kind, name)) WITHOUT ROWID;"
    "CREATE INDEX instance_quarantined ON instance(id) WHERE " QUARANTINED ";"

    "CREATE TABLE verdict(" /* what a reader says of the answer, and which answer that was */
    " study TEXT PRIMARY KEY, agrees INTEGER NOT NULL, who TEXT NOT NULL,"
    " said_ms INTEGER NOT NULL, outcome TEXT NOT NULL, report TEXT NOT NULL) WITHOUT ROWID;",
};
#define LATEST ((int)(sizeof versions / sizeof *versions))
_Static_assert(LATEST == STORE_NEWEST, "store_keep.h tells the version");

/* The way back from version STORE_OLDEST + 1 + i to the one before. */
static const char *const back[] = {
    "DROP INDEX result_study;DROP TABLE selftest;DROP TABLE alarm;DROP TABLE hour;"
    "DROP TABLE sample;DROP INDEX instance_gone",
    "DROP INDEX delivery_order;DROP INDEX delivery_uncommitted;DROP INDEX delivery_commitment;"
    "ALTER TABLE delivery DROP COLUMN priority;ALTER TABLE delivery DROP COLUMN looked_ms;"
    "ALTER TABLE delivery DROP COLUMN stored_ms;ALTER TABLE delivery DROP COLUMN commitment;"
    "ALTER TABLE delivery DROP COLUMN uncommitted;ALTER TABLE instance DROP COLUMN seen",
    "CREATE INDEX delivery_commitment ON delivery(commitment) WHERE commitment<>'';"
    "DROP INDEX delivery_offered;ALTER TABLE delivery DROP COLUMN offered;"
    "DROP TRIGGER place_judged;DROP TRIGGER place_passed;DROP TRIGGER place_withdrawn;DROP TRIGGER "
    "place_reported;"
    "DROP TRIGGER place_amended;DROP TRIGGER place_read;DROP TRIGGER place_gone;"
    "DROP TABLE inquiry;DROP TABLE inquiry_trouble;DROP TABLE reading;DROP TABLE look;"
    "DROP TABLE verdict;DROP TABLE contact;DROP INDEX instance_quarantined;"
    "DROP TABLE latency;ALTER TABLE result DROP COLUMN complete_ms;"
    "ALTER TABLE result DROP COLUMN entered_ms;ALTER TABLE result DROP COLUMN since_ms;"
    "ALTER TABLE result DROP COLUMN made_of;"
    "DROP TABLE site_order;DROP TABLE site_patient;DROP TABLE site_message;DROP TABLE "
    "site_accession;DROP TABLE news;DROP "
    "TABLE place;DROP INDEX "
    "study_place_due;ALTER TABLE study DROP COLUMN "
    "place_due;"
    "ALTER TABLE judgement DROP COLUMN destinations;"
    "ALTER TABLE judgement DROP COLUMN announcements;ALTER TABLE judgement DROP COLUMN outputs;"
    "ALTER TABLE judgement DROP COLUMN muted;"
    "ALTER TABLE judgement DROP COLUMN outcome;ALTER TABLE judgement DROP COLUMN finding_score;"
    "ALTER TABLE judgement DROP COLUMN finding_point;ALTER TABLE judgement DROP COLUMN agreed;"
    "ALTER TABLE judgement DROP COLUMN alone",
};
_Static_assert(sizeof back / sizeof *back == STORE_NEWEST - STORE_OLDEST, "a way back for each");

static enum store_status pragma(struct store *store, const char *sql, int *value)
{
    sqlite3_stmt *statement = sql_prepare(store, sql, "");
    if (statement == NULL)
        return STORE_BROKEN;
    enum store_status status = sql_row(store, statement);
    *value = status == STORE_OK ? sqlite3_column_int(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return status;
}

static enum store_status upgrade(struct store *store, int version)
{
    enum store_status status = STORE_OK;
    while (status == STORE_OK && version < LATEST) {
        status = sql_exec(store, versions[version]);
        version++;
    }
    char text[96];
    (void)snprintf(text, sizeof text, "PRAGMA user_version=%d;PRAGMA application_id=%d", LATEST,
                   APPLICATION_ID);
    if (status == STORE_OK)
        status = sql_exec(store, text);
    return status;
}

enum store_status store_downgrade(struct store *store, int version)
{
    char text[48];
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    for (int v = STORE_NEWEST; status == STORE_OK && v > version; v--)
        status = sql_exec(store, back[v - STORE_OLDEST - 1]);
    (void)snprintf(text, sizeof text, "PRAGMA user_version=%d", version);
    if (status == STORE_OK)
        status = sql_exec(store, text);
    return sql_leave(store, status);
}

/* STORE_OK: version says what is there; STORE_VERSION: it is not for us. */
static enum store_status look(struct store *store, int *version)
{
    int application = 0;
    enum store_status status = pragma(store, "PRAGMA user_version", version);
    if (status == STORE_OK)
        status = pragma(store, "PRAGMA application_id", &application);
    if (status != STORE_OK)
        return status;

    if (*version < 0 || (*version > 0 && application != APPLICATION_ID)) {
        (void)snprintf(store->error, sizeof store->error, "not a job store of cervigate");
        return STORE_VERSION;
    }
    if (*version > LATEST) {
        (void)snprintf(store->error, sizeof store->error,
                       "schema version %d is newer than this program's %d", *version, LATEST);
        return STORE_VERSION;
    }
    return STORE_OK;
}

enum store_status schema_migrate(struct store *store)
{
    int version = 0;
    enum store_status status = look(store, &version);
    if (status != STORE_OK || version == LATEST)
        return status;

    status = sql_enter(store); /* two programs may open a new store at once: look again */
    if (status != STORE_OK)
        return status;
    status = look(store, &version);
    if (status == STORE_OK && version < LATEST)
        status = upgrade(store, version);
    crash_point("migrate-uncommitted");
    return sql_leave(store, status);
}

enum store_status store_look_version(const char *path, int *version, char *error, size_t error_size)
{
    struct store store = {.db = NULL};
    int code = sqlite3_open_v2(path, &store.db, SQLITE_OPEN_READONLY, NULL);
    enum store_status status = code == SQLITE_OK ? look(&store, version) : sql_fail(&store, code);
    if (status == STORE_VERSION && *version > LATEST)
        status = STORE_OK; /* a newer one has its number, too */
    (void)snprintf(error, error_size, "%s: %s", path, store.error);
    for (int i = 0; i < store.cached; i++)
        (void)sqlite3_finalize(store.cache[i].statement);
    (void)sqlite3_close(store.db);
    return status;
}
