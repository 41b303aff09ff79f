/* GET /api/v1/node/audit?since=&until=&event=&user=&patient=&study=&accession=&outcome=&from=
 *
 * Records of the audit log that meet all conditions, oldest first, as `cervigate audit search`
 * finds them: at most RECORDS_MOST, and as far as LOOK_MS go; "next" is the `from` to go on with,
 * null at the log's end. It begins with the file in which `since` lies. Each request is a record of
 * the log itself. Digests of the records that are read are compared; "verify" says what is known of
 * the whole. */
#include "console.h"

#include "audit.h"
#include "audit_match.h"
#include "audit_reader.h"
#include "clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MOST  50
#define LOOK_MS       100
#define ARGUMENT_MOST 64

struct search {
    struct audit_match match;
    struct audit_head from; /* file 0: from the first */
    json_t *records;
    uint64_t looked, bad;
    bool ended, failed;
};

/* An argument, NULL where it is empty; false: it is too long. */
static bool take_argument(const struct http_request *request, const char *name, const char **value)
{
    const char *text = http_argument(request, name);
    *value = text != NULL && text[0] != '\0' ? text : NULL;
    return *value == NULL || strlen(*value) <= ARGUMENT_MOST;
}

/* "FILE:END" */
static bool parse_from(const char *text, struct audit_head *from)
{
    char *end;
    if (text == NULL)
        return true;
    from->file = strtoull(text, &end, 10);
    if (end == text || *end != ':' || from->file == 0)
        return false;
    const char *rest = end + 1;
    from->end = strtoull(rest, &end, 10);
    return end != rest && *end == '\0' && rest[0] != '-' && text[0] != '-';
}

/* NULL: good; else what is wrong. */
static const char *parse(const struct http_request *request, struct search *s)
{
    const char *from;
    struct audit_match *m = &s->match;
    const struct {
        const char *name, **value;
    } arguments[] = {{"since", &m->since},         {"until", &m->until},     {"event", &m->event},
                     {"patient", &m->patient},     {"study", &m->study},     {"user", &m->user},
                     {"accession", &m->accession}, {"outcome", &m->outcome}, {"from", &from}};
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        if (!take_argument(request, arguments[i].name, arguments[i].value))
            return "a condition is longer than 64 characters";
    return parse_from(from, &s->from) ? audit_match_wrong(m) : "from is what \"next\" was";
}

/* Time of a file's first record; false: it has none. */
static bool begins_at(const struct conf *conf, uint64_t file, char time[25])
{
    struct audit_record record;
    const struct audit_head at = {.file = file};
    struct audit_reader *reader = audit_reader_open(conf, &at);
    bool read = reader != NULL && audit_reader_next(reader, &record) == AUDIT_READ_RECORD;
    if (read)
        memcpy(time, record.time, sizeof record.time);
    audit_reader_close(reader);
    return read;
}

/* The last file that begins before `since`: files are in the order of time. */
static void skip_files(const struct conf *conf, struct search *s)
{
    uint64_t *files = NULL;
    size_t count = 0, low = 0;
    char time[25];
    if (s->from.file != 0 || s->match.since == NULL || audit_log_files(conf, &files, &count) != 0 ||
        count == 0) {
        free(files);
        return;
    }
    for (size_t high = count; low + 1 < high;) {
        size_t middle = low + (high - low) / 2;
        if (begins_at(conf, files[middle], time) && strcmp(time, s->match.since) < 0)
            low = middle;
        else
            high = middle;
    }
    s->from = (struct audit_head){.file = files[low]};
    free(files);
}

static void look(const struct conf *conf, struct search *s)
{
    int64_t until = clock_monotonic_ms() + LOOK_MS;
    enum audit_read got = AUDIT_READ_RECORD;
    struct audit_reader *reader = audit_reader_open(conf, s->from.file != 0 ? &s->from : NULL);
    while (reader != NULL && json_array_size(s->records) < RECORDS_MOST &&
           clock_monotonic_ms() < until) {
        struct audit_record record;
        got = audit_reader_next(reader, &record);
        if (got >= AUDIT_READ_CUT)
            break;
        s->looked++;
        json_t *json = got == AUDIT_READ_RECORD ? audit_match_take(&s->match, &record) : NULL;
        s->bad += got != AUDIT_READ_RECORD;
        if (json != NULL)
            (void)json_array_append_new(s->records, json);
    }
    s->failed = reader == NULL || got == AUDIT_READ_FAILED;
    s->ended = got == AUDIT_READ_END || got == AUDIT_READ_CUT;
    if (reader != NULL)
        s->from =
            (struct audit_head){.file = audit_reader_file(reader), .end = audit_reader_end(reader)};
    audit_reader_close(reader);
}

static json_t *verify_of(const struct conf *conf)
{
    char text[256];
    bool broken = audit_log_broken(conf, text, sizeof text);
    return json_pack("{s:b, s:s}", "broken", broken, "text", broken ? text : "");
}

static enum MHD_Result answer(const struct conf *conf, const struct http_request *request,
                              struct search *s)
{
    if (s->failed) {
        json_decref(s->records);
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "the audit log cannot be read from there: search anew", 2);
    }
    json_t *next =
        s->ended ? json_null() : json_sprintf("%" PRIu64 ":%" PRIu64, s->from.file, s->from.end);
    return http_json(request, MHD_HTTP_OK,
                     json_pack("{s:o, s:o, s:I, s:I, s:o}", "records", s->records, "next", next,
                               "looked", (json_int_t)s->looked, "altered", (json_int_t)s->bad,
                               "verify", verify_of(conf)));
}

enum MHD_Result audit_page(struct console *console, struct visit *visit, struct session *session,
                           const char *tail)
{
    char query[512];
    struct search s = {.ended = false};
    const struct http_request *request = &visit->request;
    const struct conf *conf = console->node->conf;
    (void)tail;
    const char *wrong = parse(request, &s);
    if (wrong != NULL)
        return http_error(request, MHD_HTTP_BAD_REQUEST, wrong, 0);
    int seconds = ration_take(&console->searches, clock_monotonic_ms());
    if (seconds > 0)
        return http_error(request, MHD_HTTP_TOO_MANY_REQUESTS,
                          "too many searches; try again in a moment", seconds);
    s.records = json_array();
    skip_files(conf, &s);
    look(conf, &s);
    audit_match_describe(&s.match, "console: audit search", query, sizeof query);
    audit_searched(conf, session->account.name, request->address, query);
    return answer(conf, request, &s);
}
