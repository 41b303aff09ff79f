/* audit_search.c: `cervigate audit search`. */
#include "audit_search.h"
#include "audit.h"
#include "audit_json.h"
#include "audit_reader.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define LIMIT 1000

/* A time as far as it was told: 2026, 2026-11-27, 2026-11-27T05:30:00.000Z. */
static bool is_time(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    size_t length = strlen(text);
    if (length < 4 || length > sizeof form - 1)
        return false;
    for (size_t i = 0; i < length; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9'
                           : text[i] != form[i] && !(text[i] == 'Z' && i + 1 == length))
            return false;
    return true;
}

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static bool holds(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

static bool has_user(const json_t *record, const char *part)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(record, "participants"), i, one)
    {
        if (holds(member(one, "user"), part) || holds(member(one, "name"), part) ||
            holds(member(one, "ae_title"), part) || holds(member(one, "address"), part))
            return true;
    }
    return false;
}

static bool has_object(const json_t *record, const char *kind, const char *field, const char *value)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(record, "objects"), i, one)
    {
        if (strcmp(member(one, "kind"), kind) == 0 && strcmp(member(one, field), value) == 0)
            return true;
    }
    return false;
}

static bool is_wanted(const struct command *c, const json_t *record)
{
    bool success = strcmp(member(record, "outcome"), "0") == 0;
    return (!c->event || holds(member(record, "event"), c->event) ||
            holds(member(record, "type"), c->event) ||
            strcmp(member(record, "code"), c->event) == 0) &&
           (!c->patient || has_object(record, "patient", "id", c->patient)) &&
           (!c->study || has_object(record, "study", "id", c->study)) &&
           (!c->accession || has_object(record, "study", "accession", c->accession)) &&
           (!c->user || has_user(record, c->user)) &&
           (!c->outcome || success == (strcmp(c->outcome, "success") == 0));
}

static void print_text(const json_t *record)
{
    size_t i;
    const json_t *one;
    const char *type = member(record, "type"), *why = member(record, "description");
    printf("%lld  %s  %s%s%s%s  outcome %s",
           (long long)json_integer_value(json_object_get(record, "seq")), member(record, "time"),
           member(record, "event"), type[0] ? " (" : "", type, type[0] ? ")" : "",
           member(record, "outcome"));
    json_array_foreach(json_object_get(record, "participants"), i, one)
    {
        printf("  %s%s%s", member(one, "user"), member(one, "address")[0] ? "@" : "",
               member(one, "address"));
    }
    json_array_foreach(json_object_get(record, "objects"), i, one)
    {
        const char *name;
        json_t *value;
        printf("  %s=%s", member(one, "kind"), member(one, "id"));
        json_object_foreach(json_object_get(one, "details"), name, value)
        {
            printf(" [%s: %s]", name, json_string_value(value));
        }
    }
    printf("%s%s\n", why[0] ? "  " : "", why);
}

/* 1: printed, 0: not wanted, -1: it could not be. */
static int take(const struct command *command, const struct audit_record *r)
{
    if ((command->since && strcmp(r->time, command->since) < 0) ||
        (command->until && strcmp(r->time, command->until) >= 0))
        return 0;
    json_t *record = audit_json(r);
    int taken = record && is_wanted(command, record);
    if (taken && command->json)
        return command_print(record) == 0 ? 1 : -1;
    if (taken)
        print_text(record);
    json_decref(record);
    return taken;
}

static int walk(const struct command *command, const struct conf *conf, uint64_t limit)
{
    uint64_t found = 0, bad = 0;
    struct audit_record record;
    enum audit_read got = AUDIT_READ_END;
    struct audit_reader *reader = audit_reader_open(conf, NULL);
    while (reader && found < limit && (got = audit_reader_next(reader, &record)) < AUDIT_READ_CUT) {
        if (got != AUDIT_READ_RECORD) {
            bad++;
            continue;
        }
        int taken = take(command, &record);
        if (taken < 0)
            break;
        found += (uint64_t)taken;
    }
    bool failed = !reader || got == AUDIT_READ_FAILED;
    if (failed)
        fprintf(stderr, "cervigate audit: %s/audit: %s\n", conf->spool, strerror(errno));
    audit_reader_close(reader);
    if (bad > 0)
        fprintf(stderr,
                "cervigate audit: %" PRIu64 " records are not as they were written and were passed "
                "over: cervigate audit verify\n",
                bad);
    if (found == limit)
        fprintf(stderr,
                "cervigate audit: there may be more than %" PRIu64 "; narrow the search, or "
                "--limit\n",
                limit);
    return failed ? EX_IOERR : found > 0 ? 0 : 1;
}

/* What was asked, for the record that it was. */
static void describe(const struct command *c, char *query, size_t size)
{
    const struct {
        const char *name, *value;
    } conditions[] = {{"since", c->since},     {"until", c->until},    {"event", c->event},
                      {"patient", c->patient}, {"study", c->study},    {"accession", c->accession},
                      {"user", c->user},       {"outcome", c->outcome}};
    size_t used = (size_t)snprintf(query, size, "audit search");
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions && used < size; i++)
        if (conditions[i].value)
            used += (size_t)snprintf(query + used, size - used, " --%s %s", conditions[i].name,
                                     conditions[i].value);
}

int audit_search(const struct command *command, const struct conf *conf, const char *usage)
{
    char query[512], *end = NULL;
    uint64_t limit = LIMIT;
    if (command->limit) {
        limit = strtoull(command->limit, &end, 10);
        if (limit == 0 || *end != '\0' || command->limit[0] < '1' || command->limit[0] > '9')
            return command_misused(usage, "--limit wants a number from 1 on");
    }
    if ((command->since && !is_time(command->since)) ||
        (command->until && !is_time(command->until)))
        return command_misused(usage, "a time is as 2026-11-27 or 2026-11-27T05:30:00Z");
    if (command->outcome && strcmp(command->outcome, "success") != 0 &&
        strcmp(command->outcome, "failure") != 0)
        return command_misused(usage, "the outcome is success or failure");
    int status = walk(command, conf, limit);
    describe(command, query, sizeof query);
    (void)audit_log_used(conf, query);
    return status;
}
