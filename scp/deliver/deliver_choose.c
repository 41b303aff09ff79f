#include "deliver_choose.h"

#include "clock.h"
#include "deliver_head.h"
#include "dx_attrs.h"
#include "log.h"
#include "spool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOKAHEAD 64 /* pending deliveries looked at a time */

size_t rate_allows(struct rate_bucket *bucket, int rate, int64_t now_ms)
{
    if (rate == 0)
        return SENDER_BATCH;
    double full = rate;
    if (bucket->filled_ms == 0)
        bucket->objects = full;
    else
        bucket->objects += (double)(now_ms - bucket->filled_ms) * rate / 60000.0;
    if (bucket->objects > full)
        bucket->objects = full;
    bucket->filled_ms = now_ms;
    return bucket->objects < SENDER_BATCH ? (size_t)bucket->objects : SENDER_BATCH;
}

void rate_take(struct rate_bucket *bucket, int rate, size_t objects)
{
    if (rate != 0)
        bucket->objects -= (double)objects;
}

void rate_return(struct rate_bucket *bucket, int rate)
{
    if (rate != 0)
        bucket->objects++;
}

bool window_is_open(const char *window, int64_t utc_ms)
{
    int from_hour, from_minute, to_hour, to_minute;
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm local;
    if (window == NULL || localtime_r(&seconds, &local) == NULL ||
        sscanf(window, "%2d:%2d-%2d:%2d", &from_hour, &from_minute, &to_hour, &to_minute) != 4)
        return true;
    int now = local.tm_hour * 60 + local.tm_min;
    int from = from_hour * 60 + from_minute, to = to_hour * 60 + to_minute;
    return from <= to ? now >= from && now < to : now >= from || now < to;
}

static void add_form(struct send_job *job, const struct result *result)
{
    struct send_form *form = &job->form[job->forms++];
    form->result = result->id;
    memcpy(form->sop_class, result->sop_class, sizeof form->sop_class);
    memcpy(form->sop_instance, result->uid, sizeof form->sop_instance);
    memcpy(form->path, result->path, sizeof form->path);
}

/* What the result says of patient and study. One without (a note that takes back) is not looked
 * for: it goes where its results are. */
static enum store_status fill_look(struct store *store, const struct result *result,
                                   const struct result *report, struct send_look *look)
{
    uint8_t *bytes = NULL;
    size_t count = 0;
    struct dx_attrs *attrs = NULL;
    struct dx_error err = {.status = DX_OK};
    if (result->kind == RESULT_REJECTION || report == NULL)
        return STORE_OK;
    enum store_status status = store_result_attrs(store, result->id, &bytes, &count);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    if (bytes != NULL && dx_attrs_unpack(bytes, count, &attrs, &err) == DX_OK) {
        (void)snprintf(look->study, sizeof look->study, "%s", result->study);
        (void)snprintf(look->patient_id, sizeof look->patient_id, "%s",
                       dx_attrs_text(attrs, DX_TAG(0x0010, 0x0020)));
        (void)snprintf(look->issuer, sizeof look->issuer, "%s",
                       dx_attrs_text(attrs, DX_TAG(0x0010, 0x0021)));
        (void)snprintf(look->accession, sizeof look->accession, "%s",
                       dx_attrs_text(attrs, DX_TAG(0x0008, 0x0050)));
        (void)snprintf(look->report, sizeof look->report, "%s", report->path);
    }
    dx_attrs_destroy(attrs);
    free(bytes);
    return STORE_OK;
}

/* A report goes in whatever kind of SR the peer takes, where the destination leaves that open. */
static enum store_status fill_job(struct store *store, const struct conf_destination *to,
                                  const struct delivery *delivery, struct send_job *job)
{
    const struct result *own = &delivery->result;
    struct result kinds[SENDER_FORMS];
    size_t count = 0;
    memset(job, 0, sizeof *job);
    job->delivery = delivery->id;
    job->picture = own->kind == RESULT_SC;
    add_form(job, own);
    enum store_status status =
        own->report == 0 ? STORE_OK : store_report_kinds(store, own->report, kinds, &count);
    if (status == STORE_OK && own->kind == RESULT_SR && to->report_class == CONF_SR_AUTO)
        for (size_t i = 0; i < count && job->forms < SENDER_FORMS; i++)
            if (kinds[i].id != own->id)
                add_form(job, &kinds[i]);
    if (status == STORE_OK && to->look != CONF_LOOK_NEVER)
        status = fill_look(store, own, count > 0 ? &kinds[0] : NULL, &job->look);
    return status;
}

/* A picture that comes after the radiologist's report would reopen a study that is done. */
static enum store_status is_late(struct store *store, const struct conf_destination *to,
                                 const struct delivery *delivery, bool *late)
{
    const struct result *result = &delivery->result;
    *late = false;
    if (to->late_pictures || to->hold_until_reported || result_is_report(result->kind) ||
        result->kind == RESULT_REJECTION)
        return STORE_OK;
    enum store_status status = store_study_read(store, result->study, late);
    if (status != STORE_OK || !*late)
        return status;
    log_event(LOG_AT_INFO, "picture-late", "destination=%s kind=%s uid=%s", to->peer->name,
              result_kind_name(result->kind), result->uid);
    return store_delivery_dropped(store, delivery->id,
                                  "the study was reported before it could be sent");
}

static int64_t far_of(const struct conf_destination *to, int64_t now_ms)
{
    return now_ms + 2 * (int64_t)to->retry_most_seconds * 1000;
}

/* Of the last of this study. */
static size_t number_before(const struct delivery *job, size_t count, const char *study)
{
    while (count > 0 && strcmp(job[count - 1].result.study, study) != 0)
        count--;
    return count;
}

enum store_status choose_jobs(struct store *store, const struct conf_destination *to, size_t most,
                              const char *but, struct send_batch *batch,
                              struct delivery job[SENDER_BATCH])
{
    static struct delivery list[LOOKAHEAD];
    size_t count = 0;
    int64_t now = clock_utc_ms();
    bool is_open = window_is_open(to->window, now);
    memset(batch, 0, sizeof *batch);
    enum store_status status =
        store_pending(store, to->peer->name, now, far_of(to, now), list, LOOKAHEAD, &count);
    for (size_t i = 0; status == STORE_OK && i < count && batch->count < most; i++) {
        bool late = false;
        if ((!is_open && !list[i].urgent) ||
            (but != NULL && strcmp(list[i].result.study, but) == 0))
            continue;
        status = is_late(store, to, &list[i], &late);
        if (status == STORE_OK && !late) {
            struct send_job *next = &batch->job[batch->count];
            status = fill_job(store, to, &list[i], next);
            next->aside = head_is_aside(&list[i]);
            next->follows = number_before(job, batch->count, list[i].result.study);
            job[batch->count++] = list[i];
        }
    }
    if (status != STORE_OK)
        batch->count = 0;
    return status;
}

/* A UUID as a UID (PS3.5 B.2) is enough of a name that never was: here from 128 random bits. */
static bool new_transaction(char uid[DX_UID_MAX])
{
    char digest[DX_DIGEST_MAX];
    return spool_random_name(digest, 32) == 0 && dx_uid_from_digest(digest, uid) == DX_OK;
}

enum store_status choose_commitment(struct store *store, const struct conf_destination *to,
                                    struct send_batch *batch, struct delivery job[SENDER_BATCH])
{
    int64_t ids[SENDER_BATCH], now = clock_utc_ms();
    int64_t overdue = now + (int64_t)to->commitment_seconds * 1000;
    int64_t far = overdue > far_of(to, now) ? overdue + (overdue - now) : far_of(to, now);
    size_t count = 0;
    memset(batch, 0, sizeof *batch);
    enum store_status status =
        store_uncommitted(store, to->peer->name, now, far, job, SENDER_BATCH, &count);
    if (status != STORE_OK || count == 0 || !new_transaction(batch->transaction))
        return status;
    for (size_t i = 0; i < count; i++) {
        ids[i] = job[i].id;
        batch->job[i].delivery = job[i].id;
        add_form(&batch->job[i], &job[i].result);
    }
    status = store_ask_commitment(store, ids, count, batch->transaction, overdue);
    batch->count = status == STORE_OK ? count : 0;
    return status;
}
