/* audit.c: `cervigate audit`: is the audit log whole, and what does it say? */
#include "audit.h"
#include "audit_reader.h"
#include "audit_search.h"
#include "command.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate audit verify [--expect SEQ:HASH] [--acknowledge] [--json] [--config FILE]\n"
    "       cervigate audit search [CONDITION...] [--limit N] [--json] [--config FILE]\n"
    "\n"
    "  verify         whether every record is as it was written: its digest, its number, its link "
    "to\n"
    "                 the one before, the beginning after retention, the end that audit/head and "
    "the\n"
    "                 collector know. What it finds is told: in the log, in the audit log, by\n"
    "                 `cervigate status`\n"
    "  --expect SEQ:HASH\n"
    "                 a record that must be there, as an earlier verify printed it (\"head\"): "
    "keep "
    "it\n"
    "                 elsewhere, and nobody can rewrite what was before it\n"
    "  --acknowledge  what was found is looked into: `status` is well again, the log keeps your "
    "name\n"
    "\n"
    "  search         records that meet all conditions, oldest first\n"
    "  --since TIME, --until TIME  as 2026-11-27 or 2026-11-27T05:30:00Z (UTC); until: before it\n"
    "  --event TEXT        in its name or its code: \"security alert\", 110104\n"
    "  --patient ID        Patient ID, letter by letter\n"
    "  --study UID         Study Instance UID\n"
    "  --accession NUMBER  Accession Number (of what was sent)\n"
    "  --user TEXT         in a participant's name, AE title or address\n"
    "  --outcome WHICH     success or failure\n"
    "  --limit N           at most so many (1000)\n"
    "\n"
    "  --json         one JSON object (of search: a record a line)\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "That the log was read is a record of it, too.\n"
    "\n"
    "Exit status: 0 whole; something was found; 1 it is not; nothing was found; 64 usage; 66 there "
    "is\n"
    "no audit log; 74 it cannot be read; 78 bad configuration.\n";

static json_t *verdict_json(const struct audit_verdict *v)
{
    json_t *faults = json_array();
    for (size_t i = 0; i < v->faults && i < sizeof v->fault / sizeof *v->fault; i++)
        (void)json_array_append_new(
            faults, json_pack("{s:I, s:I, s:s}", "file", (json_int_t)v->fault[i].file, "offset",
                              (json_int_t)v->fault[i].offset, "text", v->fault[i].text));
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:o}", "whole", v->faults == 0,
                     "records", (json_int_t)v->records, "files", (json_int_t)v->files, "first",
                     (json_int_t)v->first, "last", (json_int_t)v->last, "from", v->from, "to",
                     v->to, "hash", v->hash, "fault_count", (json_int_t)v->faults, "faults",
                     faults);
}

static void print_verdict(const struct audit_verdict *v)
{
    printf("records  %" PRIu64 " in %" PRIu64 " files, %" PRIu64 " to %" PRIu64 "\n", v->records,
           v->files, v->first, v->last);
    if (v->records > 0)
        printf("from     %s to %s\nhead     %" PRIu64 ":%s\n", v->from, v->to, v->last, v->hash);
    for (size_t i = 0; i < v->faults && i < sizeof v->fault / sizeof *v->fault; i++)
        if (v->fault[i].file != 0)
            printf("fault    %018" PRIu64 ".log, byte %" PRIu64 ": %s\n", v->fault[i].file,
                   v->fault[i].offset, v->fault[i].text);
        else
            printf("fault    %s\n", v->fault[i].text);
    printf("whole    %s\n", v->faults == 0 ? "yes" : "NO");
}

/* "SEQ:HASH" */
static bool take_expected(const char *text, struct audit_head *head)
{
    *head = (struct audit_head){.seq = 0};
    char *end;
    head->seq = strtoull(text, &end, 10);
    if (head->seq == 0 || *end != ':' || strspn(end + 1, "0123456789abcdef") != 64 ||
        end[65] != '\0')
        return false;
    memcpy(head->hash, end + 1, 65);
    return true;
}

static void acknowledge(const struct conf *conf)
{
    char path[PATH_MAX], text[256];
    if (!audit_log_broken(conf, text, sizeof text))
        return;
    audit_found_broken(conf, text, true);
    node_path(conf, path, sizeof path, "audit/broken");
    (void)unlink(path);
}

static int verify(const struct command *command, const struct conf *conf)
{
    struct audit_verdict verdict;
    struct audit_head expected;
    if (command->expect && !take_expected(command->expect, &expected))
        return command_misused(usage, "--expect wants SEQ:HASH, as verify prints it");
    if (!audit_verify(conf, command->expect ? &expected : NULL, &verdict)) {
        fprintf(stderr, "cervigate audit: %s/audit: %s\n", conf->spool, strerror(errno));
        return EX_IOERR;
    }
    int status = 0;
    if (command->json)
        status = command_print(verdict_json(&verdict));
    else
        print_verdict(&verdict);
    if (verdict.faults > 0 && !command->acknowledge) {
        audit_found_broken(conf, verdict.fault[0].text, false);
        audit_log_mark_broken(conf, verdict.fault[0].text);
    } else {
        (void)audit_log_used(conf, "audit verify");
    }
    if (command->acknowledge)
        acknowledge(conf);
    return status != 0 ? status : verdict.faults > 0 ? 1 : 0;
}

int admin_audit(int argc, char **argv)
{
    struct command command;
    char path[PATH_MAX];
    int status = 0;
    bool verifies = false;
    for (int i = 1; i < argc; i++)
        verifies = verifies || strcmp(argv[i], "verify") == 0;
    if (!command_parse(argc, argv, usage,
                       COMMAND_CONFIG | COMMAND_JSON |
                           (verifies ? COMMAND_VERIFY : COMMAND_SEARCH | COMMAND_STUDY),
                       &command, &status))
        return status;
    if (command.count != 1 || (verifies && strcmp(command.words[0], "verify") != 0) ||
        (!verifies && strcmp(command.words[0], "search") != 0))
        return command_misused(usage, "verify or search is expected");
    struct conf *conf = admin_conf(command.config, &status);
    if (!conf)
        return status;
    node_path(conf, path, sizeof path, "audit");
    if (access(path, R_OK | X_OK) != 0) {
        fprintf(stderr, "%s: %s (did the node ever run?)\n", path, strerror(errno));
        status = errno == ENOENT ? EX_NOINPUT : EX_IOERR;
    } else {
        status = verifies ? verify(&command, conf) : audit_search(&command, conf, usage);
    }
    conf_destroy(conf);
    return status;
}
