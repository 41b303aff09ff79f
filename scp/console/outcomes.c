/* Figures of what readers said, for the page, and every study's outcome as CSV. */
#include "console.h"

#include "audit.h"
#include "clock.h"
#include "tally.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTCOMES_MOST 20000 /* studies, the latest */

static const char reference[] =
    "what readers said on this console, of the studies of which they said something; no follow-up";
static const char final_reference[] =
    "what final reports say by HL7, of the studies of which <orders finding, noFinding> understand "
    "it; beside the node's answer as it stands";

static json_t *rate_json(const struct nn_figure *figure)
{
    if (!figure->defined)
        return json_null();
    return json_pack("{s:f, s:f, s:f}", "share", figure->value, "low", figure->interval.low, "high",
                     figure->interval.high);
}

static json_t *counted_json(uint64_t hits, uint64_t of)
{
    const struct nn_figure figure = tally_rate(hits, of);
    return json_pack("{s:I, s:I, s:o}", "agreed", (json_int_t)hits, "of", (json_int_t)of, "rate",
                     rate_json(&figure));
}

static json_t *span_json(struct spans *spans)
{
    int64_t median, low, high;
    if (!spans_median(spans, &median, &low, &high))
        return json_pack("{s:i, s:n, s:n, s:n}", "of", 0, "median", "low", "high");
    return json_pack("{s:I, s:f, s:o, s:o}", "of", (json_int_t)spans->count, "median",
                     (double)median / 1000, "low",
                     low < 0 ? json_null() : json_real((double)low / 1000), "high",
                     high < 0 ? json_null() : json_real((double)high / 1000));
}

static json_t *finals_json(const struct tally *tally)
{
    const struct nn_tally *f = &tally->finals;
    return json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I}", "reference",
                     final_reference, "reports", (json_int_t)tally->reported, "understood",
                     (json_int_t)tally->understood, "undecided", (json_int_t)tally->undecided,
                     "positivePredictiveValue", counted_json(f->tp, f->tp + f->fp),
                     "negativePredictiveValue", counted_json(f->tn, f->tn + f->fn), "sensitivity",
                     counted_json(f->tp, f->tp + f->fn), "specificity",
                     counted_json(f->tn, f->tn + f->fp), "misses", (json_int_t)f->fn, "falseAlarms",
                     (json_int_t)f->fp);
}

static json_t *figures_json(struct tally *tally)
{
    json_t *agreement = json_array();
    for (unsigned i = 0; i < TALLY_OUTCOMES; i++) {
        json_t *one = counted_json(tally->agreed[i], tally->of[i]);
        (void)json_object_set_new(one, "outcome",
                                  json_string(srt_outcome_name((enum srt_outcome)i)));
        (void)json_array_append_new(agreement, one);
    }
    const struct nn_tally *a = &tally->answers;
    return json_pack(
        "{s:s, s:f, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "reference",
        reference, "level", TALLY_LEVEL, "studies", (json_int_t)tally->studies, "read",
        (json_int_t)tally->read, "said", (json_int_t)tally->said, "agreement", agreement,
        "positivePredictiveValue", counted_json(a->tp, a->tp + a->fp), "negativePredictiveValue",
        counted_json(a->tn, a->tn + a->fn), "misses", (json_int_t)a->fn, "falseAlarms",
        (json_int_t)a->fp, "secondsToAnswer", span_json(&tally->answered), "secondsToReadRaised",
        span_json(&tally->read_raised), "secondsToReadOthers", span_json(&tally->read_others),
        "secondsToFinal", span_json(&tally->final), "finalReports", finals_json(tally));
}

static bool count_one(void *context, const struct store_outcome *outcome)
{
    return tally_add(context, outcome);
}

enum MHD_Result figures_page(struct console *console, struct visit *visit, struct session *session,
                             const char *tail)
{
    struct tally tally = {0};
    const struct http_request *request = &visit->request;
    (void)session;
    (void)tail;
    bool good = console_store(console) &&
                store_outcomes(console->store, OUTCOMES_MOST, count_one, &tally) == STORE_OK;
    enum MHD_Result result = good ? http_json(request, MHD_HTTP_OK, figures_json(&tally))
                                  : http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                                               "the job store cannot be read now", 1);
    tally_finish(&tally);
    return result;
}

/* ---- CSV (RFC 4180) ---- */

/* Quoted; what a spreadsheet would take for a formula begins with an apostrophe. */
static void put_text(FILE *to, const char *text)
{
    (void)fputs(strchr("=+-@\t\r\n", text[0]) != NULL && text[0] != '\0' ? "\"'" : "\"", to);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)fputc('"', to);
        (void)fputc((unsigned char)*text < 0x20 ? ' ' : *text, to);
    }
    (void)fputs("\",", to);
}

static void put_time(FILE *to, int64_t ms)
{
    char text[25] = "";
    if (ms != 0)
        clock_iso(ms, text);
    (void)fprintf(to, "%s,", text);
}

/* Seconds, or nothing. */
static void put_span(FILE *to, int64_t from, int64_t till)
{
    if (from != 0 && till >= from)
        (void)fprintf(to, "%.3f", (double)(till - from) / 1000);
    (void)fputc(',', to);
}

static void put_rate(FILE *to, const struct nn_figure *figure)
{
    (void)fprintf(to, "%llu,%llu,", (unsigned long long)figure->hits,
                  (unsigned long long)figure->of);
    if (figure->defined)
        (void)fprintf(to, "%.4f,%.4f,%.4f,", figure->value, figure->interval.low,
                      figure->interval.high);
    else
        (void)fputs(",,,", to);
}

static void put_read_by(FILE *to, const struct store_outcome *o)
{
    static const char *const ways[] = {"report", "order", "ups"};
    char text[32] = "";
    for (int i = 0; o->read_ms != 0 && i < 3; i++)
        if (o->read_by & 1u << i) {
            size_t used = strlen(text);
            (void)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? " " : "", ways[i]);
        }
    put_text(to, o->read_ms != 0 && text[0] == '\0' ? "person" : text);
}

static const char columns[] =
    "study,accession,answer,score,operating_point,band,model,verdict,verdict_by,verdict_at,"
    "verdict_answer,final_at,final_says,final_agrees,read_at,read_by,arrived_at,analysed_at,"
    "reported_at,sent_at,seconds_to_answer,seconds_to_read,seconds_to_final,"
    "positives_agreed,positives,ppv,ppv_low,ppv_high,negatives_agreed,negatives,npv,npv_low,"
    "npv_high,misses,final_positives_agreed,final_positives,final_ppv,final_ppv_low,final_ppv_high,"
    "final_negatives_agreed,final_negatives,final_npv,final_npv_low,final_npv_high,final_"
    "misses\r\n";

struct table {
    FILE *to;
    struct tally tally; /* so far */
};

static void put_final(FILE *to, const struct store_outcome *o)
{
    static const char *const says[] = {[SITE_UNCONCLUDED] = "",
                                       [SITE_INJURY] = "injury",
                                       [SITE_UNCLEAR] = "unclear",
                                       [SITE_NO_INJURY] = "no injury"};
    bool agrees;
    put_time(to, o->final_ms);
    put_text(to, says[o->conclusion]);
    put_text(to, !tally_compare(o, &agrees) ? "" : agrees ? "yes" : "no");
}

/* Running, to this row. */
static bool put_rates(FILE *to, const struct nn_tally *tally, const char *end)
{
    const struct nn_figure positive = tally_positive(tally), negative = tally_negative(tally);
    put_rate(to, &positive);
    put_rate(to, &negative);
    return fprintf(to, "%llu%s", (unsigned long long)tally->fn, end) > 0;
}

static bool put_row(void *context, const struct store_outcome *o)
{
    struct table *table = context;
    FILE *to = table->to;
    if (!tally_add(&table->tally, o))
        return false;
    put_text(to, o->study);
    put_text(to, o->accession);
    put_text(to, o->answered ? srt_outcome_name(o->outcome) : "");
    if (o->score > 0)
        (void)fprintf(to, "%.6f,%.6f,", o->score, o->point);
    else
        (void)fputs(",,", to);
    put_text(to, o->raised ? "raised" : "");
    put_text(to, o->model);
    put_text(to, !o->said ? "" : o->verdict.agrees ? "agree" : "disagree");
    put_text(to, o->said ? o->verdict.who : "");
    put_time(to, o->said ? o->verdict.said_ms : 0);
    put_text(to, o->said ? srt_outcome_name(o->verdict.outcome) : "");
    put_final(to, o);
    put_time(to, o->read_ms);
    put_read_by(to, o);
    put_time(to, o->arrived_ms);
    put_time(to, o->analysed_ms);
    put_time(to, o->reported_ms);
    put_time(to, o->sent_ms);
    put_span(to, o->arrived_ms, o->reported_ms);
    put_span(to, o->arrived_ms, o->read_ms);
    put_span(to, o->arrived_ms, o->final_ms);
    return put_rates(to, &table->tally.answers, ",") && put_rates(to, &table->tally.finals, "\r\n");
}

enum MHD_Result outcomes_page(struct console *console, struct visit *visit, struct session *session,
                              const char *tail)
{
    char *text = NULL;
    size_t size = 0;
    const struct http_request *request = &visit->request;
    struct table table = {.to = open_memstream(&text, &size)};
    (void)tail;
    bool good = table.to != NULL && console_store(console) && fputs(columns, table.to) >= 0 &&
                store_outcomes(console->store, OUTCOMES_MOST, put_row, &table) == STORE_OK;
    if (table.to != NULL && fclose(table.to) != 0)
        good = false;
    tally_finish(&table.tally);
    struct MHD_Response *response =
        good ? MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response == NULL) {
        free(text);
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the job store cannot be read now",
                          1);
    }
    audit_seen(console->node->conf, session->account.name, request->address, "outcomes", "");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                  "text/csv; charset=utf-8; header=present");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
                                  "attachment; filename=\"outcomes.csv\"");
    return http_respond(request, MHD_HTTP_OK, response);
}
