/* jobs.c: `cervigate jobs`: the received objects and what became of each. */
#include "ask.h"
#include "audit.h"
#include "clock.h"
#include "printable.h"
#include "refused.h"
#include "store_keep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define JOBS_LISTED 1000

static const char usage[] =
    "usage: cervigate jobs list [--parked | --quarantine] [--json] [--config FILE]\n"
    "       cervigate jobs show ID [--json] [--config FILE]\n"
    "       cervigate jobs retry ID [--json] [--config FILE]\n"
    "       cervigate jobs cancel ID [--json] [--config FILE]\n"
    "       cervigate jobs release ID [--json] [--config FILE]\n"
    "       cervigate jobs discard ID [--json] [--config FILE]\n"
    "\n"
    "The received objects and what became of each. ID is a job's number, or dN, a delivery of a\n"
    "result to a destination, or, to discard, qNAME, refused bytes in quarantine.\n"
    "\n"
    "  list           the latest 1000 objects, newest first\n"
    "  list --parked  the first 1000 deliveries that a destination refused for good, or whose "
    "result\n"
    "                 did not pass our own check, oldest first, each with its reason\n"
    "  list --quarantine  what is kept for a person: objects that could not be processed for a\n"
    "                 technical reason, among them those that two processes died over; then bytes\n"
    "                 that were refused when they came (state refused); 1000 each, newest first\n"
    "  show           one object, with what the models said\n"
    "  retry          judges an object again that was not processed, one in quarantine after its\n"
    "                 process died among them; a report that was sent is amended\n"
    "  cancel         of a job: if it waits, it is not judged and not answered; deliveries of its\n"
    "                 results that are not made are not made. Of a delivery: that one\n"
    "  release        sends parked (or expired) deliveries again: those of a job, or one\n"
    "  discard        removes the object's bytes now, of a job that was not processed and will not "
    "be\n"
    "                 retried; what was answered of it stands. Or refused bytes\n"
    "\n"
    "  --json         one JSON object a line\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "retry, cancel, release and discard are asked of the running node, in the caller's name, and "
    "wait 10\n"
    "seconds for its answer. A request that the node did not answer by then stays, and is done "
    "once,\n"
    "when the node runs.\n"
    "\n"
    "Exit status: 0 done; 1 the node's answer is no; 64 usage; 66 no such job; 69 no answer yet; "
    "74\n"
    "the job store cannot be read or written; 78 bad configuration.\n";

static json_t *job_json(const struct conf *conf, const struct instance *i)
{
    char file[4096];
    node_path(conf, file, sizeof file, "%s", i->path);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:b, s:s, s:o}", "id",
                     (json_int_t)i->id, "state", instance_state_name(i->state), "sop_class",
                     i->sop_class, "sop_instance", i->sop_instance, "study", i->study, "rule",
                     i->rule, "reason", srt_reason_name(i->reason), "detail", i->detail, "calling",
                     i->calling, "received", json_time(i->received_ms), "attempts", i->attempts,
                     "rival", i->rival, "file", file, "gone", json_time(i->gone_ms));
}

static int print_jobs(const struct command *command, const struct conf *conf, struct instance *jobs,
                      size_t count)
{
    int status = 0;
    if (!command->json)
        printf("%8s  %-24s  %-13s  %-16s  %-16s  %s\n", "ID", "RECEIVED", "STATE", "CALLING",
               "RULE", "REASON");
    for (size_t i = 0; i < count && status == 0; i++) {
        char received[25];
        clock_iso(jobs[i].received_ms, received);
        printable_instance(&jobs[i]);
        if (command->json)
            status = command_print(job_json(conf, &jobs[i]));
        else
            printf("%8lld  %-24s  %-13s  %-16s  %-16s  %s%s%s\n", (long long)jobs[i].id, received,
                   instance_state_name(jobs[i].state), jobs[i].calling, jobs[i].rule,
                   jobs[i].reason == SRT_REASON_NONE ? "" : srt_reason_name(jobs[i].reason),
                   jobs[i].detail[0] ? " " : "", jobs[i].detail);
    }
    return status;
}

static const char *fact(json_t *value, const char *name, char text[512])
{
    const char *found = json_string_value(json_object_get(json_object_get(value, "facts"), name));
    snprintf(text, 512, "%s", found != NULL ? found : "");
    return printable(text);
}

/* They are no jobs: what their senders were answered stands for the state. */
static int print_refused(const struct command *command, const struct conf *conf)
{
    int status = 0;
    struct refused *list = calloc(JOBS_LISTED, sizeof *list);
    size_t count = list != NULL ? refused_list(conf, list, JOBS_LISTED) : 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        char at[25], calling[512], code[512], reason[512];
        json_t *value = refused_json(conf, &list[i]);
        (void)fact(value, "calling", calling);
        (void)fact(value, "status", code);
        (void)fact(value, "reason", reason);
        clock_iso(list[i].at_ms, at);
        if (command->json)
            status = command_print(json_pack(
                "{s:o, s:s, s:s, s:s, s:s, s:o, s:I}", "id", json_sprintf("q%s", list[i].name),
                "state", "refused", "status", code, "reason", reason, "calling", calling,
                "received", json_time(list[i].at_ms), "bytes", (json_int_t)list[i].bytes));
        else
            printf("q%s  %s  %-13s  %-16s  %s %s\n", list[i].name, at, "refused", calling, code,
                   reason);
        json_decref(value);
    }
    free(list);
    return status;
}

static int list(const struct command *command, const struct conf *conf, struct store *store)
{
    size_t count = 0;
    struct instance *jobs = calloc(JOBS_LISTED, sizeof *jobs);
    bool aside = command->quarantine;
    if (!jobs || (aside ? store_quarantined(store, INT64_MAX, jobs, JOBS_LISTED, &count)
                        : store_list(store, jobs, JOBS_LISTED, &count)) != STORE_OK) {
        fprintf(stderr, "cervigate jobs: %s\n", jobs ? store_error(store) : "out of memory");
        free(jobs);
        return EX_IOERR;
    }
    audit_looked(conf, aside ? "jobs list --quarantine" : "jobs list", "");
    int status = print_jobs(command, conf, jobs, count);
    if (status == 0 && aside)
        status = print_refused(command, conf);
    free(jobs);
    return status;
}

static void print_job(const struct instance *i, const struct judgement *j)
{
    char received[25];
    clock_iso(i->received_ms, received);
    printf("id            %lld\nstate         %s\nreceived      %s\nfrom          %s %s\n",
           (long long)i->id, instance_state_name(i->state), received, i->calling, i->address);
    printf("study         %s\nseries        %s\nSOP instance  %s\nSOP class     %s\n", i->study,
           i->series, i->sop_instance, i->sop_class);
    printf("syntax        %s\nbytes         %llu\ndigest        %s\nfile          %s\n",
           i->transfer_syntax, (unsigned long long)i->bytes, i->digest, i->path);
    printf("rule          %s\nreason        %s\ndetail        %s\nattempts      %d\n", i->rule,
           srt_reason_name(i->reason), i->detail, i->attempts);
    if (i->gone_ms != 0) {
        clock_iso(i->gone_ms, received);
        printf("file gone     %s%s\n", received,
               strcmp(i->withdrawn, STORE_FORGOTTEN) == 0 ? " (its patient was forgotten)" : "");
    }
    for (int m = 0; m < SRT_MAX_MODELS && j->opinion[m].classes > 0; m++) {
        printf("model digest  %s\n", j->opinion[m].model_digest);
        for (int c = 0; c < j->opinion[m].classes; c++)
            printf("score %-8d%.6f\n", c, j->opinion[m].score[c]);
    }
    if (j->picture[0])
        printf("picture       %s\n", j->picture);
}

static int show(const struct command *command, const struct conf *conf, struct store *store,
                const char *word)
{
    struct instance instance;
    struct judgement judgement = {0};
    uint8_t *attrs = NULL;
    char *end;
    long long id = strtoll(word, &end, 10);
    if (end == word || *end || id < 1)
        return command_misused(usage, "a job's ID is a number");
    enum store_status found = store_get_instance(store, id, &instance);
    if (found == STORE_NONE) {
        fprintf(stderr, "cervigate jobs: there is no job %lld\n", id);
        return EX_NOINPUT;
    }
    if (found == STORE_OK)
        found = store_get_judgement(store, id, &judgement, &attrs);
    free(attrs);
    if (found != STORE_OK && found != STORE_NONE) {
        fprintf(stderr, "cervigate jobs: %s\n", store_error(store));
        return EX_IOERR;
    }
    audit_looked(conf, "jobs show", instance.study);
    printable_instance(&instance);
    if (!command->json) {
        print_job(&instance, &judgement);
        return 0;
    }
    json_t *value = job_json(conf, &instance), *scores = json_array(), *models = json_array();
    for (int m = 0; m < SRT_MAX_MODELS; m++) {
        const struct opinion *opinion = &judgement.opinion[m];
        json_t *own = opinion->classes > 0 ? json_array() : NULL;
        for (int i = 0; i < opinion->classes; i++)
            json_array_append_new(own, json_real(opinion->score[i]));
        if (own)
            json_array_append_new(
                models, json_pack("{s:s, s:O}", "digest", opinion->model_digest, "scores", own));
        if (own && m == 0)
            json_array_extend(scores, own);
        json_decref(own);
    }
    json_object_set_new(value, "scores", scores);
    json_object_set_new(value, "models", models);
    json_object_set_new(value, "picture", json_string(judgement.picture));
    json_object_set_new(value, "model_digest", json_string(judgement.opinion[0].model_digest));
    return command_print(value);
}

static json_t *parked_json(const struct delivery *d)
{
    char id[24];
    snprintf(id, sizeof id, "d%lld", (long long)d->id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:s}", "id", id, "destination",
                     d->destination, "kind", result_kind_name(d->result.kind), "uid", d->result.uid,
                     "study", d->result.study, "parked", json_time(d->next_ms), "attempts",
                     d->attempts, "reason", d->last_error);
}

static int list_parked(const struct command *command, const struct conf *conf, struct store *store)
{
    size_t count = 0;
    int status = 0;
    struct delivery *list = calloc(JOBS_LISTED, sizeof *list);
    if (!list || store_parked(store, list, JOBS_LISTED, &count) != STORE_OK) {
        fprintf(stderr, "cervigate jobs: %s\n", list ? store_error(store) : "out of memory");
        free(list);
        return EX_IOERR;
    }
    audit_looked(conf, "jobs list --parked", "");
    if (!command->json)
        printf("%8s  %-24s  %-16s  %-16s  %-64s  %s\n", "ID", "PARKED", "DESTINATION", "KIND",
               "UID", "REASON");
    for (size_t i = 0; i < count && status == 0; i++) {
        char since[25], id[24];
        clock_iso(list[i].next_ms, since);
        (void)printable(list[i].last_error);
        snprintf(id, sizeof id, "d%lld", (long long)list[i].id);
        if (command->json)
            status = command_print(parked_json(&list[i]));
        else
            printf("%8s  %-24s  %-16s  %-16s  %-64s  %s\n", id, since, list[i].destination,
                   result_kind_name(list[i].result.kind), list[i].result.uid, list[i].last_error);
    }
    free(list);
    return status;
}

/* "7", or "d7" where a delivery can be meant. */
static bool is_id(const char *word, bool delivery)
{
    if (delivery && word[0] == 'd')
        word++;
    size_t digits = strspn(word, "0123456789");
    return digits > 0 && digits < 19 && word[digits] == '\0' && word[0] != '0';
}

/* "q" and a name in quarantine/. */
static bool is_refused(const char *word)
{
    return word[0] == 'q' && strspn(word + 1, "0123456789abcdef") == 32 && word[33] == '\0';
}

static const struct verb {
    const char *word, *done;
    enum request_kind kind;
    bool delivery;
} verbs[] = {{"retry", "retried", REQUEST_RETRY, false},
             {"cancel", "cancelled", REQUEST_CANCEL, true},
             {"release", "released", REQUEST_RELEASE, true},
             {"discard", "discarded", REQUEST_DISCARD, false}};

static const struct verb *find_verb(const struct command *command)
{
    for (size_t i = 0; command->count == 2 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(command->words[0], verbs[i].word) == 0)
            return &verbs[i];
    return NULL;
}

static int ask(const struct command *command, struct store *store, const struct verb *verb)
{
    struct request request = {.kind = verb->kind};
    struct instance instance;
    const char *id = command->words[1];
    bool refused = verb->kind == REQUEST_DISCARD && is_refused(id);
    if (!refused && !is_id(id, verb->delivery))
        return command_misused(usage, verb->delivery ? "an ID is a job's number, or dN"
                                                     : "a job's ID is a number");
    if (!refused && id[0] != 'd' &&
        store_get_instance(store, strtoll(id, NULL, 10), &instance) == STORE_NONE) {
        fprintf(stderr, "cervigate jobs: there is no job %s\n", id);
        return EX_NOINPUT;
    }
    snprintf(request.subject, sizeof request.subject, "%s", id);
    return ask_and_tell(command, "jobs", store, &request, verb->done, "id", id);
}

int admin_jobs(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON | COMMAND_SET_ASIDE,
                       &command, &status))
        return status;
    bool lists = command.count == 1 && strcmp(command.words[0], "list") == 0;
    bool shows = command.count == 2 && strcmp(command.words[0], "show") == 0;
    const struct verb *verb = find_verb(&command);
    if ((!lists && !shows && !verb) || ((command.parked || command.quarantine) && !lists) ||
        (command.parked && command.quarantine))
        return command_misused(usage, "list, or show, retry, cancel, release or discard with "
                                      "an ID, is expected");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    status = verb             ? ask(&command, store, verb)
             : shows          ? show(&command, conf, store, command.words[1])
             : command.parked ? list_parked(&command, conf, store)
                              : list(&command, conf, store);
    store_close(store);
    conf_destroy(conf);
    return status;
}
