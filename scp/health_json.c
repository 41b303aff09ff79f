#include "health_json.h"

#include "json_time.h"
#include "node.h"
#include <string.h>

json_t *health_json_why(const struct health *h)
{
    json_t *list = json_array();
    for (size_t i = 0; i < h->why_count; i++)
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s, s:s}", "name", h->why[i].name, "subject",
                                              h->why[i].subject, "detail", h->why[i].detail));
    return list;
}

json_t *health_json_selftest(const struct health *h)
{
    const struct store_selftest *s = &h->selftest;
    if (!h->tested)
        return json_null();
    return json_pack("{s:b, s:o, s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "passed", s->passed, "at",
                     json_time(s->at_ms), "cause", s->cause, "unlocked_models", s->unlocked,
                     "build", s->build, "kernels", s->kernels, "models", s->models, "what", s->what,
                     "detail", s->detail);
}

static json_t *chart_json(const struct health_chart *chart)
{
    return json_pack("{s:f, s:b}", "evidence", chart->evidence, "alarm", chart->on);
}

static json_t *rate_json(const struct health_rate *r)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:b, s:o, s:o}", "reference", (json_int_t)r->reference,
                     "reference_hits", (json_int_t)r->reference_hits, "samples",
                     (json_int_t)r->samples, "hits", (json_int_t)r->hits, "ready", r->ready, "more",
                     chart_json(&r->more), "fewer", chart_json(&r->fewer));
}

static json_t *score_json(const struct health_score *s)
{
    return json_pack("{s:I, s:I, s:b, s:f, s:o, s:o, s:o, s:o}", "reference",
                     (json_int_t)s->reference, "samples", (json_int_t)s->samples, "ready", s->ready,
                     "mean_deviate", s->mean, "higher", chart_json(&s->higher), "lower",
                     chart_json(&s->lower), "wider", chart_json(&s->wider), "narrower",
                     chart_json(&s->narrower));
}

static json_t *stations_json(const struct health *h)
{
    json_t *list = json_array();
    for (size_t i = 0; i < h->stations; i++) {
        const struct health_silence *s = &h->station[i];
        (void)json_array_append_new(
            list,
            json_pack("{s:s%, s:I, s:o, s:b, s:i, s:f, s:b}", "station", s->station,
                      strnlen(s->station, sizeof s->station), "studies", (json_int_t)s->studies,
                      "last_hour", json_time(s->last_hour * STORE_HOUR_MS), "ready", s->ready,
                      "silent_hours", s->hours, "missed", s->expected, "alarm", s->on));
    }
    return list;
}

static json_t *limits_json(const struct conf_health *l)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "checkEvery",
                     l->check_seconds, "selfTestEvery", l->selftest_seconds, "selfTestRetry",
                     l->selftest_retry_seconds, "oldestJob", l->oldest_job_seconds, "silence",
                     l->silence_hours, "silenceExpected", l->silence_expected, "reference",
                     l->reference, "minimum", l->minimum, "cusumLimit", l->cusum_limit, "oddsRatio",
                     l->odds_ratio, "scoreShift", l->score_shift, "certificateDays",
                     l->certificate_days);
}

static json_t *audit_json(const struct conf_audit *conf, const struct health *h)
{
    const struct audit_waiting *a = &h->audit;
    if (conf->host == NULL)
        return json_pack("{s:I, s:n}", "records", (json_int_t)a->last, "collector");
    return json_pack("{s:I, s:s, s:I, s:o, s:s}", "records", (json_int_t)a->last, "collector",
                     conf->host, "sent", (json_int_t)a->sent, "waiting_since",
                     json_time(a->since_ms), "trouble", a->trouble);
}

/* Of each queue the age of the oldest; null: nothing waits. */
static json_t *waits_json(const struct health *h)
{
    json_t *waits = json_object();
    for (enum health_queue q = QUEUE_OBJECT; q < HEALTH_QUEUES; q++)
        (void)json_object_set_new(
            waits, health_queue_name(q),
            h->waits_seconds[q] >= 0 ? json_integer((json_int_t)h->waits_seconds[q]) : json_null());
    return waits;
}

/* {"limits", "oldest_job", "waits_seconds", "refusals", "unprocessed", "models", "stations"}. */
static json_t *figures_json(const struct conf_health *limits, const struct health *h)
{
    json_t *models = json_array();
    for (int i = 0; i < h->models; i++)
        (void)json_array_append_new(models,
                                    json_pack("{s:s, s:o, s:o}", "model", h->model[i].digest,
                                              "flags", rate_json(&h->model[i].flags), "scores",
                                              score_json(&h->model[i].scores)));
    json_t *oldest = h->oldest_kind ? json_pack("{s:s, s:I}", "kind", h->oldest_kind, "seconds",
                                                (json_int_t)h->oldest_seconds)
                                    : json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "limits", limits_json(limits),
                     "oldest_job", oldest, "waits_seconds", waits_json(h), "refusals",
                     rate_json(&h->refusals), "unprocessed", rate_json(&h->unprocessed), "models",
                     models, "stations", stations_json(h));
}

static json_t *counts_json(const struct store_counts *c)
{
    json_t *instances = json_object();
    for (int i = 0; i < INSTANCE_STATES; i++)
        (void)json_object_set_new(instances, instance_state_name((enum instance_state)i),
                                  json_integer((json_int_t)c->instances[i]));
    return json_pack("{s:o, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I, s:I, s:o}}", "instances",
                     instances, "duplicates", (json_int_t)c->duplicates, "refused",
                     (json_int_t)c->refused, "results", "reports", (json_int_t)c->reports,
                     "pictures", (json_int_t)c->pictures, "deliveries", "pending",
                     (json_int_t)c->pending, "sent", (json_int_t)c->sent, "parked",
                     (json_int_t)c->parked, "oldest_pending", json_time(c->oldest_pending_ms));
}

static json_t *roles_json(const struct health *h)
{
    json_t *list = json_array();
    for (size_t i = 0; i < h->roles; i++)
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:o, s:i}", "name", h->role[i].name, "since",
                                              json_time(h->running ? h->role[i].since_ms : 0),
                                              "died", h->role[i].died));
    return list;
}

json_t *health_json_status(const struct conf *conf, const struct health *h,
                           const struct store_counts *counts)
{
    json_t *all = json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:{s:b, s:I}, s:b, s:o, s:o, s:o, s:o, s:o, "
        "s:{s:I, s:I, s:I, s:I}}",
        "version", CERVIGATE_VERSION, "mode", conf_mode_name(node_mode(conf)), "running",
        h->running, "pid", (json_int_t)h->pid, "dicom_port", (json_int_t)h->dicom_port, "tls_port",
        (json_int_t)h->tls_port, "console_port", (json_int_t)h->console_port, "isolation",
        "seccomp", h->running, "landlock", (json_int_t)h->landlock, "well", h->why_count == 0,
        "why", health_json_why(h), "selftest", health_json_selftest(h), "audit",
        audit_json(&conf->audit, h), "health", figures_json(&conf->health, h), "roles",
        roles_json(h), "quarantine", "objects", (json_int_t)h->quarantine.objects, "objects_most",
        (json_int_t)conf->limits.quarantine_objects, "bytes", (json_int_t)h->quarantine.bytes,
        "bytes_most", (json_int_t)conf->limits.quarantine_bytes);
    json_t *more = counts != NULL ? counts_json(counts) : NULL;
    if (all != NULL && more != NULL)
        (void)json_object_update(all, more);
    json_decref(more);
    return all;
}
