/* results.c: `cervigate results`: what the node made, and what it is asked to do with it. */
#include "results.h"
#include "audit.h"
#include "clock.h"
#include "dx_uid.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define RESULTS_LISTED 1000
#define RESULTS_TEXT   32768 /* of a report as text; srt_text makes no more */

static const char usage[] =
    "usage: cervigate results list [--study UID] [--json] [--config FILE]\n"
    "       cervigate results show UID [--json] [--config FILE]\n"
    "       cervigate results retract UID [--reason REASON] [--json] [--config FILE]\n"
    "       cervigate results reissue UID [--json] [--config FILE]\n"
    "\n"
    "What the node made: reports (sr), pictures (sc), graphics (gsps), maps (map), and the "
    "rejection\n"
    "notes that took some of them back, which stand themselves.\n"
    "\n"
    "  list     the latest 1000, newest first, each with its state: current, superseded (a later\n"
    "           report amends it), retracted, or parked (it did not pass our own check and was\n"
    "           never sent)\n"
    "  show     one of them; of a report, and of what belongs to one, the report as text\n"
    "  retract  takes it back: a report with all that came with it, or one picture. What was not\n"
    "           sent yet will not be; destinations with rejectionNotes=\"true\" that have it get "
    "a\n"
    "           rejection note\n"
    "  reissue  makes it anew: a current report is made and sent again, amending itself; of a\n"
    "           retracted one the images are judged again\n"
    "\n"
    "  --study UID      only results of this study\n"
    "  --reason REASON  quality (the default), safety or wrong-worklist-entry: what the rejection\n"
    "                   note says (DICOM CID 7010: 113001, 113037, 113038)\n"
    "  --json           one JSON object a line\n"
    "  --config FILE    the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "UID is the result's SOP Instance UID. retract and reissue are asked of the running node, in "
    "the\n"
    "caller's name, and wait 10 seconds for its answer. A request that the node did not answer by\n"
    "then stays, and is done once, when the node runs.\n"
    "\n"
    "Exit status: 0 done; 1 the node's answer is no; 64 usage; 66 no such result; 69 no answer "
    "yet;\n"
    "74 the job store cannot be read or written; 78 bad configuration.\n";

static json_t *result_json(const struct conf *conf, const struct result *result)
{
    char path[4096];
    node_path(conf, path, sizeof path, "%s", result->path);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s}", "uid", result->uid,
                     "kind", result_kind_name(result->kind), "state",
                     result_state_name(result->state), "outcome", srt_outcome_name(result->outcome),
                     "study", result->study, "series", result->series, "created",
                     json_time(result->created_ms), "digest", result->digest, "file", path, "why",
                     result->why);
}

static void print_line(const struct conf *conf, const struct result *result)
{
    char created[25], path[4096];
    node_path(conf, path, sizeof path, "%s", result->path);
    clock_iso(result->created_ms, created);
    printf("%-16s  %-10s  %-13s  %-24s  %-64s  %s%s%s\n", result_kind_name(result->kind),
           result_state_name(result->state), srt_outcome_name(result->outcome), created,
           result->uid, path, result->why[0] ? "  " : "", result->why);
}

static int list(const struct command *command, const struct conf *conf, struct store *store)
{
    size_t count = 0;
    int status = 0;
    struct result *results = calloc(RESULTS_LISTED, sizeof *results);
    enum store_status listed = STORE_BROKEN;
    if (results)
        listed = command->study
                     ? store_study_results(store, command->study, results, RESULTS_LISTED, &count)
                     : store_results(store, results, RESULTS_LISTED, &count);
    if (listed != STORE_OK) {
        fprintf(stderr, "cervigate results: %s\n", results ? store_error(store) : "out of memory");
        free(results);
        return EX_IOERR;
    }
    if (!command->json)
        printf("%-16s  %-10s  %-13s  %-24s  %-64s  %s\n", "KIND", "STATE", "OUTCOME", "CREATED",
               "UID", "FILE  WHY");
    for (size_t i = 0; i < count && status == 0; i++) {
        if (command->json)
            status = command_print(result_json(conf, &results[i]));
        else
            print_line(conf, &results[i]);
    }
    free(results);
    return status;
}

/* The report's words as they lie beside it; "" when there are none (any more). */
static void read_text(const struct conf *conf, struct store *store, const struct result *result,
                      char text[RESULTS_TEXT])
{
    struct result report;
    char path[4096];
    size_t length = 0;
    FILE *file = NULL;
    if (result->report > 0 && store_get_result(store, result->report, &report) == STORE_OK) {
        node_path(conf, path, sizeof path, "results/%s.txt", report.uid);
        file = fopen(path, "re");
    }
    if (file) {
        length = fread(text, 1, RESULTS_TEXT - 1, file);
        (void)fclose(file);
    }
    text[length] = 0;
}

static void print_result(const struct conf *conf, const struct result *result, const char *text)
{
    char created[25], path[4096];
    node_path(conf, path, sizeof path, "%s", result->path);
    clock_iso(result->created_ms, created);
    printf("uid       %s\nkind      %s\nstate     %s\n", result->uid,
           result_kind_name(result->kind), result_state_name(result->state));
    if (result->why[0])
        printf("why       %s\n", result->why);
    printf("outcome   %s\nstudy     %s\nseries    %s\ncreated   %s\ndigest    %s\nfile      %s\n",
           srt_outcome_name(result->outcome), result->study, result->series, created,
           result->digest, path);
    if (text[0])
        printf("\n%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static int show(const struct command *command, const struct conf *conf, struct store *store,
                const struct result *result)
{
    static char text[RESULTS_TEXT];
    read_text(conf, store, result, text);
    audit_looked(conf, "results show", result->study);
    if (!command->json) {
        print_result(conf, result, text);
        return 0;
    }
    json_t *value = result_json(conf, result);
    json_object_set_new(value, "text", text[0] ? json_string(text) : json_null());
    return command_print(value);
}

/* NULL: the words are none that this command knows. */
static const char *which(const struct command *command)
{
    static const char *const verbs[] = {"show", "retract", "reissue"};
    if (command->count == 1 && strcmp(command->words[0], "list") == 0)
        return command->reason ? NULL : "list";
    for (size_t i = 0; command->count == 2 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(command->words[0], verbs[i]) == 0)
            return command->study || (command->reason && strcmp(verbs[i], "retract") != 0)
                       ? NULL
                       : verbs[i];
    return NULL;
}

static int about_one(const struct command *command, const struct conf *conf, struct store *store,
                     const char *verb)
{
    struct result result;
    enum store_status found = store_find_result(store, command->words[1], &result);
    if (found == STORE_NONE) {
        fprintf(stderr, "cervigate results: there is no result %s\n", command->words[1]);
        return EX_NOINPUT;
    }
    if (found != STORE_OK) {
        fprintf(stderr, "cervigate results: %s\n", store_error(store));
        return EX_IOERR;
    }
    if (strcmp(verb, "show") == 0)
        return show(command, conf, store, &result);
    if (result.kind == RESULT_REJECTION) {
        fprintf(stderr, "cervigate results: %s is a rejection note: it stands\n", result.uid);
        return 1;
    }
    return results_ask(command, store, &result,
                       strcmp(verb, "retract") == 0 ? REQUEST_RETRACT : REQUEST_REISSUE);
}

int admin_results(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage,
                       COMMAND_CONFIG | COMMAND_JSON | COMMAND_STUDY | COMMAND_REASON, &command,
                       &status))
        return status;
    const char *verb = which(&command);
    if (!verb)
        return command_misused(usage, "list, or show, retract or reissue with a UID, is expected, "
                                      "with options of its own");
    const char *uid = command.count > 1 ? command.words[1] : command.study;
    if (uid && !dx_uid_is_valid(uid))
        return command_misused(usage, "a UID has digits and dots, at most 64");
    if (command.reason && !results_reason(command.reason))
        return command_misused(usage, "the reason is quality, safety or wrong-worklist-entry");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    if (strcmp(verb, "list") == 0)
        audit_looked(conf, "results list", command.study ? command.study : "");
    status = strcmp(verb, "list") == 0 ? list(&command, conf, store)
                                       : about_one(&command, conf, store, verb);
    store_close(store);
    conf_destroy(conf);
    return status;
}
