/* audit_search.c: `cervigate audit search`. */
#include "audit_search.h"
#include "audit.h"
#include "audit_match.h"
#include "audit_reader.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define LIMIT 1000

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
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
static int take(const struct command *command, const struct audit_match *match,
                const struct audit_record *r)
{
    json_t *record = audit_match_take(match, r);
    if (!record)
        return 0;
    if (command->json)
        return command_print(record) == 0 ? 1 : -1;
    print_text(record);
    json_decref(record);
    return 1;
}

static int walk(const struct command *command, const struct audit_match *match,
                const struct conf *conf, uint64_t limit)
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
        int taken = take(command, match, &record);
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

int audit_search(const struct command *command, const struct conf *conf, const char *usage)
{
    char query[512], *end = NULL;
    uint64_t limit = LIMIT;
    const struct audit_match match = {.since = command->since,
                                      .until = command->until,
                                      .event = command->event,
                                      .patient = command->patient,
                                      .study = command->study,
                                      .accession = command->accession,
                                      .user = command->user,
                                      .outcome = command->outcome};
    if (command->limit) {
        limit = strtoull(command->limit, &end, 10);
        if (limit == 0 || *end != '\0' || command->limit[0] < '1' || command->limit[0] > '9')
            return command_misused(usage, "--limit wants a number from 1 on");
    }
    const char *wrong = audit_match_wrong(&match);
    if (wrong)
        return command_misused(usage, wrong);
    int status = walk(command, &match, conf, limit);
    audit_match_describe(&match, "audit search", query, sizeof query);
    (void)audit_log_used(conf, query);
    return status;
}
