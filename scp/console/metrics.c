/* /metrics: how the node is, in Prometheus' text format 0.0.4. No patient's data.
 *
 * Every image is in exactly one state, so that cervigate_instances adds up to all that was taken:
 * received + judged + not_processed + ignored + ... = cervigate_instances summed; and so with
 * deliveries. What a person asks for anew, cervigate_stage_seconds does not count again. */
#include "console.h"

#include "store_latency.h"
#include "worklist/list.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void head(FILE *to, const char *name, const char *type, const char *help)
{
    (void)fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(FILE *to, const char *name, const char *type, const char *help, double value)
{
    head(to, name, type, help);
    (void)fprintf(to, "%s %.17g\n", name, value);
}

/* A label's value: backslash, quotation mark and line feed are escaped. */
static void label(FILE *to, const char *name, const char *value)
{
    (void)fprintf(to, "%s=\"", name);
    for (; *value != '\0'; value++)
        if (*value == '\n')
            (void)fputs("\\n", to);
        else if (*value == '"' || *value == '\\')
            (void)fprintf(to, "\\%c", *value);
        else
            (void)fputc(*value, to);
    (void)fputc('"', to);
}

static void labelled(FILE *to, const char *metric, const char *name, const char *value,
                     uint64_t number)
{
    (void)fprintf(to, "%s{", metric);
    label(to, name, value);
    (void)fprintf(to, "} %" PRIu64 "\n", number);
}

static void put_counts(FILE *to, const struct store_counts *c)
{
    head(to, "cervigate_instances", "gauge", "Received objects in the job store, by state.");
    for (int i = 0; i < INSTANCE_STATES; i++)
        labelled(to, "cervigate_instances", "state", instance_state_name((enum instance_state)i),
                 c->instances[i]);
    single(to, "cervigate_duplicates_total", "counter", "Objects that were there already.",
           (double)c->duplicates);
    single(to, "cervigate_refused_total", "counter", "Objects that were refused.",
           (double)c->refused);
    head(to, "cervigate_results", "gauge", "Results in the job store, by kind.");
    labelled(to, "cervigate_results", "kind", "report", c->reports);
    labelled(to, "cervigate_results", "kind", "picture", c->pictures);
    head(to, "cervigate_deliveries", "gauge", "Deliveries of results, by state.");
    labelled(to, "cervigate_deliveries", "state", "pending", c->pending);
    labelled(to, "cervigate_deliveries", "state", "sent", c->sent);
    labelled(to, "cervigate_deliveries", "state", "parked", c->parked);
    labelled(to, "cervigate_deliveries", "state", "held", c->held);
    labelled(to, "cervigate_deliveries", "state", "cancelled", c->cancelled);
    labelled(to, "cervigate_deliveries", "state", "expired", c->expired);
}

/* The buckets of the exposition format are cumulative. */
static void put_latency(FILE *to, const char *stage, const struct store_latency *l)
{
    static const char name[] = "cervigate_stage_seconds";
    uint64_t below = 0;
    for (int i = 0; i <= STORE_LATENCY_BOUNDS; i++) {
        char bound[24] = "+Inf";
        if (i < STORE_LATENCY_BOUNDS)
            (void)snprintf(bound, sizeof bound, "%g", (double)store_latency_bound_ms[i] / 1000);
        below += l->bucket[i];
        (void)fprintf(to, "%s_bucket{stage=\"%s\",le=\"%s\"} %" PRIu64 "\n", name, stage, bound,
                      below);
    }
    (void)fprintf(to, "%s_sum{stage=\"%s\"} %.17g\n", name, stage, (double)l->sum_ms / 1000);
    (void)fprintf(to, "%s_count{stage=\"%s\"} %" PRIu64 "\n", name, stage, l->count);
}

static void put_latencies(FILE *to, struct console *console)
{
    struct store_latency list[STORE_STAGES];
    if (!console_store(console) || store_latencies(console->store, list) != STORE_OK)
        return;
    head(to, "cervigate_stage_seconds", "histogram",
         "From the receipt of the latest image to the stage.");
    for (int s = 0; s < STORE_STAGES; s++)
        put_latency(to, store_stage_name((enum store_stage)s), &list[s]);
}

static void put_health(FILE *to, const struct health *h, const struct store_counts *c)
{
    single(to, "cervigate_well", "gauge", "1: the node is well; 0: see cervigate_alarm.",
           h->why_count == 0);
    head(to, "cervigate_alarm", "gauge", "Why the node is not well.");
    for (size_t i = 0; i < h->why_count; i++) {
        (void)fputs("cervigate_alarm{", to);
        label(to, "name", h->why[i].name);
        (void)fputc(',', to);
        label(to, "subject", h->why[i].subject);
        (void)fputs("} 1\n", to);
    }
    single(to, "cervigate_receives", "gauge", "1: objects are taken.", h->receives);
    single(to, "cervigate_analyzes", "gauge", "1: objects are judged.", h->analyzes);
    single(to, "cervigate_delivers", "gauge", "1: results are sent.", h->delivers);
    single(to, "cervigate_selftest_passed", "gauge", "1: the last self-test passed.",
           h->tested && h->selftest.passed);
    single(to, "cervigate_spool_free_bytes", "gauge", "Free space of the spool.",
           (double)h->free_bytes);
    single(to, "cervigate_oldest_job_seconds", "gauge",
           "Age of the oldest job that waits; 0: none.",
           h->oldest_kind != NULL ? (double)h->oldest_seconds : 0);
    if (h->has_store) {
        head(to, "cervigate_oldest_seconds", "gauge",
             "Age of the oldest that waits and may go on, by queue; 0: none.");
        for (enum health_queue q = QUEUE_OBJECT; q < HEALTH_QUEUES; q++)
            labelled(to, "cervigate_oldest_seconds", "queue", health_queue_name(q),
                     h->waits_seconds[q] > 0 ? (uint64_t)h->waits_seconds[q] : 0);
    }
    int64_t pending = c->oldest_pending_ms != 0 ? h->at_ms - c->oldest_pending_ms : 0;
    single(to, "cervigate_oldest_delivery_seconds", "gauge",
           "Age of the oldest result that is not delivered; 0: none.", (double)pending / 1000);
}

static void put_list(FILE *to, struct console *console)
{
    const uint64_t *bands = list_bands(console);
    if (bands == NULL)
        return;
    head(to, "cervigate_worklist_studies", "gauge", "Studies that nobody has read, by band.");
    for (int b = BAND_RAISED; b <= BAND_NOT_JUDGED; b++)
        labelled(to, "cervigate_worklist_studies", "band", worklist_band((enum priority_band)b),
                 bands[b]);
}

static void put_identity(FILE *to, struct console *console)
{
    head(to, "cervigate_info", "gauge", "Version and mode of the node.");
    (void)fputs("cervigate_info{version=\"" CERVIGATE_VERSION "\",", to);
    label(to, "mode", conf_mode_name(node_mode(console->node->conf)));
    (void)fputs("} 1\n", to);
    head(to, "cervigate_model_info", "gauge", "The configured models.");
    for (size_t i = 0; i < console->model_count; i++) {
        (void)fputs("cervigate_model_info{", to);
        label(to, "name", console->model[i].name);
        (void)fputc(',', to);
        label(to, "version", console->model[i].version);
        (void)fputc(',', to);
        label(to, "digest", console->model[i].digest);
        (void)fputs("} 1\n", to);
    }
}

enum MHD_Result metrics_page(struct console *console, struct visit *visit, struct session *session,
                             const char *tail)
{
    struct health health;
    struct store_counts counts;
    char *text = NULL;
    size_t size = 0;
    (void)session;
    (void)tail;
    bool read = console_health(console, &health, &counts);
    FILE *to = read ? open_memstream(&text, &size) : NULL;
    if (to != NULL) {
        put_identity(to, console);
        put_health(to, &health, &counts);
        if (health.has_store) { /* without it there are no numbers, and none is made up */
            put_counts(to, &counts);
            put_list(to, console);
            put_latencies(to, console);
        }
        if (fclose(to) != 0)
            size = 0;
    }
    health_finish(&health);
    enum MHD_Result result =
        size > 0 ? http_text(&visit->request, MHD_HTTP_OK, "text/plain; version=0.0.4", text, size)
                 : http_error(&visit->request, MHD_HTTP_SERVICE_UNAVAILABLE,
                              "the node is out of memory", 5);
    free(text);
    return result;
}
