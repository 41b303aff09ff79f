/* Judgements: what analysis learnt of each instance. */
#include "store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 26 /* letters of a double, with its blank */
#define NUMBERS_MAX                                                                                \
    (2 * STORE_REGION_POINTS > SRT_MAX_CLASSES ? 2 * STORE_REGION_POINTS : SRT_MAX_CLASSES)
#define TEXT_MAX (NUMBERS_MAX * NUMBER_MAX + 1)

/* Doubles as text that reads back to the same bits. */
static void print_numbers(const double *number, size_t count, char text[TEXT_MAX])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && i < NUMBERS_MAX; i++) {
        int n = snprintf(text + used, TEXT_MAX - used, i > 0 ? " %.17g" : "%.17g", number[i]);
        if (n < 0 || (size_t)n >= TEXT_MAX - used)
            return;
        used += (size_t)n;
    }
}

static size_t parse_numbers(const char *text, double *number, size_t room)
{
    size_t count = 0;
    while (count < room) {
        char *end;
        double value = strtod(text, &end);
        if (end == text)
            break;
        number[count++] = value;
        text = end;
    }
    return count;
}

static enum store_status set_state(struct store *store, int64_t id, const struct judgement *j)
{
    enum store_status status = sql_run(
        store,
        sql_prepare(store,
                    "UPDATE instance SET state=?,rule=?,reason=?,detail=?,reported=?,seen=NULL,"
                    "withdrawn=COALESCE((SELECT code FROM rejected WHERE"
                    " rejected.sop_instance=instance.sop_instance),'')"
                    " WHERE id=?",
                    "ttttii", instance_state_name(j->state), j->rule, srt_reason_name(j->reason),
                    j->detail, (int64_t)(j->nameless ? -1 : 0), id));
    return sql_changed(store, status);
}

static enum store_status keep(struct store *store, int64_t id, const struct judgement *j)
{
    char scores[SRT_MAX_MODELS][TEXT_MAX], region[TEXT_MAX];
    double points[2 * STORE_REGION_POINTS];
    size_t count = j->region_points < STORE_REGION_POINTS ? j->region_points : STORE_REGION_POINTS;
    for (int m = 0; m < SRT_MAX_MODELS; m++)
        print_numbers(j->opinion[m].score, (size_t)j->opinion[m].classes, scores[m]);
    for (size_t i = 0; i < 2 * count; i++)
        points[i] = (double)j->region[i];
    print_numbers(points, 2 * count, region);
    return sql_run(
        store, sql_prepare(
                   store,
                   "INSERT OR REPLACE INTO judgement(instance,attrs,pixel_digest,patient_digest,"
                   "scores,model_digest,picture,first_computed_ms,scores2,model_digest2,coverage,"
                   "region,gsps,map,outcome,finding_score,finding_point,agreed,alone,"
                   "destinations,announcements,outputs,muted,patient_id,issuer)"
                   " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,"
                   "?20,?21,?22,?23,attribute(?2," SQL_PATIENT_ID "),attribute(?2," SQL_ISSUER "))",
                   "ibtttttittittttddiittii", id, j->attrs, j->attrs_bytes, j->pixel_digest,
                   j->patient_digest, scores[0], j->opinion[0].model_digest, j->picture,
                   j->first_computed_ms, scores[1], j->opinion[1].model_digest,
                   (int64_t)j->coverage, region, j->gsps, j->map, srt_outcome_name(j->outcome),
                   j->finding_score, j->finding_point, (int64_t)j->agreed, (int64_t)j->alone,
                   j->destinations != NULL ? j->destinations : "", j->announcements,
                   (int64_t)j->outputs, (int64_t)j->muted));
}

/* What it does to other objects. */
static enum store_status spread(struct store *store, int64_t id, const struct judgement *j)
{
    struct instance instance;
    size_t hit;
    if (!j->moved && !j->others_report)
        return STORE_OK;
    enum store_status status = store_get_instance(store, id, &instance);
    if (status == STORE_OK && j->moved)
        status = result_withdraw(store, instance.sop_instance, NULL, instance.study, STORE_REPLACED,
                                 &hit);
    if (status == STORE_OK && j->others_report)
        status = sql_run(
            store, sql_prepare(store, "UPDATE study SET read=1 WHERE uid=?", "t", instance.study));
    if (status == STORE_OK && j->others_report)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE delivery SET state='pending' WHERE state='held'"
                                            " AND result IN (SELECT id FROM result WHERE study=?)",
                                            "t", instance.study));
    return status;
}

enum store_status store_judge(struct store *store, int64_t id, const struct judgement *judgement)
{
    /* That no rule wants an object is found again; what was computed of one is not. */
    bool light = judgement->state == INSTANCE_IGNORED;
    enum store_status status = light ? sql_enter_light(store) : sql_enter(store);
    if (status == STORE_OK)
        status = set_state(store, id, judgement);
    if (status == STORE_OK)
        status = keep(store, id, judgement);
    if (status == STORE_OK)
        status = spread(store, id, judgement);
    if (status == STORE_OK)
        status = latency_analysed(store, id, judgement->now_ms);
    return light ? sql_leave_light(store, status) : sql_leave(store, status);
}

static void take_scores(sqlite3_stmt *row, int column, struct opinion *opinion)
{
    char text[TEXT_MAX];
    sql_text(row, column, text, sizeof text);
    opinion->classes = (int)parse_numbers(text, opinion->score, SRT_MAX_CLASSES);
}

static void take_region(sqlite3_stmt *row, int column, struct judgement *judgement)
{
    char text[TEXT_MAX];
    double points[2 * STORE_REGION_POINTS];
    sql_text(row, column, text, sizeof text);
    judgement->region_points = parse_numbers(text, points, 2 * STORE_REGION_POINTS) / 2;
    for (size_t i = 0; i < 2 * judgement->region_points; i++)
        judgement->region[i] = (float)points[i];
}

static void take_outcome(sqlite3_stmt *row, int column, struct judgement *judgement)
{
    char name[32];
    sql_text(row, column, name, sizeof name);
    if (!srt_outcome_parse(name, &judgement->outcome)) /* of an earlier version */
        judgement->outcome = SRT_NOT_PROCESSED;
    judgement->finding_score = sqlite3_column_double(row, column + 1);
    judgement->finding_point = sqlite3_column_double(row, column + 2);
    judgement->agreed = sqlite3_column_int(row, column + 3) != 0;
    judgement->alone = sqlite3_column_int(row, column + 4) != 0;
}

enum store_status store_get_judgement(struct store *store, int64_t id, struct judgement *judgement,
                                      uint8_t **attrs)
{
    struct instance instance;
    *attrs = NULL;
    *judgement = (struct judgement){.attrs = NULL};
    enum store_status status = store_get_instance(store, id, &instance);
    if (status != STORE_OK)
        return status;
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT attrs,pixel_digest,patient_digest,scores,model_digest,picture,"
                    "first_computed_ms,scores2,model_digest2,coverage,region,gsps,map,"
                    "outcome,finding_score,finding_point,agreed,alone"
                    " FROM judgement WHERE instance=?",
                    "i", id);
    status = sql_row(store, row);
    if (status != STORE_OK)
        return status;

    judgement->state = instance.state;
    judgement->reason = instance.reason;
    memcpy(judgement->rule, instance.rule, sizeof judgement->rule);
    memcpy(judgement->detail, instance.detail, sizeof judgement->detail);
    status = sql_bytes(row, 0, attrs, &judgement->attrs_bytes) ? STORE_OK : STORE_BROKEN;
    judgement->attrs = *attrs;
    sql_text(row, 1, judgement->pixel_digest, sizeof judgement->pixel_digest);
    sql_text(row, 2, judgement->patient_digest, sizeof judgement->patient_digest);
    take_scores(row, 3, &judgement->opinion[0]);
    sql_text(row, 4, judgement->opinion[0].model_digest, DX_DIGEST_MAX);
    sql_text(row, 5, judgement->picture, sizeof judgement->picture);
    judgement->first_computed_ms = sqlite3_column_int64(row, 6);
    take_scores(row, 7, &judgement->opinion[1]);
    sql_text(row, 8, judgement->opinion[1].model_digest, DX_DIGEST_MAX);
    int coverage = sqlite3_column_int(row, 9);
    judgement->coverage = coverage >= 0 && coverage <= SRT_COVERAGE_FULL
                              ? (enum srt_coverage)coverage
                              : SRT_COVERAGE_UNKNOWN;
    take_region(row, 10, judgement);
    sql_text(row, 11, judgement->gsps, sizeof judgement->gsps);
    sql_text(row, 12, judgement->map, sizeof judgement->map);
    take_outcome(row, 13, judgement);
    (void)sqlite3_reset(row);
    return status;
}
