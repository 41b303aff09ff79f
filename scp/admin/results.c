/* results.c: `cervigate results`: the reports and pictures that the node made. */
#include "clock.h"
#include "command.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define RESULTS_LISTED 1000

static const char usage[] =
    "usage: cervigate results list [--config FILE] [--json]\n"
    "\n"
    "The reports (SR) and pictures (SC) that the node made, newest first.\n";

static int print_result(const struct command *command, const struct conf *conf,
                        const struct result *result)
{
    char created[25], path[4096];
    const char *kind = result_kind_name(result->kind);
    node_path(conf, path, sizeof path, "%s", result->path);
    if (command->json)
        return command_print(json_pack(
            "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "uid", result->uid, "kind", kind,
            "state", result_state_name(result->state), "outcome", srt_outcome_name(result->outcome),
            "study", result->study, "series", result->series, "created",
            command_time(result->created_ms), "digest", result->digest, "file", path));
    clock_iso(result->created_ms, created);
    printf("%-16s  %-13s  %-24s  %-64s  %s\n", kind, srt_outcome_name(result->outcome), created,
           result->uid, path);
    return 0;
}

int admin_results(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    size_t count = 0;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    if (command.count != 1 || strcmp(command.words[0], "list") != 0)
        return command_misused(usage, "list is expected");
    if (!command_open(&command, &conf, &store, &status))
        return status;

    struct result *results = calloc(RESULTS_LISTED, sizeof *results);
    if (!results || store_results(store, results, RESULTS_LISTED, &count) != STORE_OK) {
        fprintf(stderr, "cervigate results: %s\n", results ? store_error(store) : "out of memory");
        status = EX_IOERR;
    }
    for (size_t i = 0; i < count && status == 0; i++)
        status = print_result(&command, conf, &results[i]);
    free(results);
    store_close(store);
    conf_destroy(conf);
    return status;
}
