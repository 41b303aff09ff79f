/* jobs.c: `cervigate jobs`: the received objects and what became of each. */
#include "clock.h"
#include "command.h"
#include "dx_attrs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define JOBS_LISTED 1000

static const char usage[] = "usage: cervigate jobs list [--config FILE] [--json]\n"
                            "       cervigate jobs show ID [--config FILE] [--json]\n"
                            "\n"
                            "The received objects, newest first, and what became of each.\n";

static json_t *job_json(const struct conf *conf, const struct instance *i)
{
    char file[4096];
    node_path(conf, file, sizeof file, "%s", i->path);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:b, s:s}", "id",
                     (json_int_t)i->id, "state", instance_state_name(i->state), "sop_class",
                     i->sop_class, "sop_instance", i->sop_instance, "study", i->study, "rule",
                     i->rule, "reason", srt_reason_name(i->reason), "detail", i->detail, "calling",
                     i->calling, "received", command_time(i->received_ms), "attempts", i->attempts,
                     "rival", i->rival, "file", file);
}

static int list(const struct command *command, const struct conf *conf, struct store *store)
{
    size_t count = 0;
    int status = 0;
    struct instance *jobs = calloc(JOBS_LISTED, sizeof *jobs);
    if (!jobs || store_list(store, jobs, JOBS_LISTED, &count) != STORE_OK) {
        fprintf(stderr, "cervigate jobs: %s\n", jobs ? store_error(store) : "out of memory");
        free(jobs);
        return EX_IOERR;
    }
    if (!command->json)
        printf("%8s  %-24s  %-13s  %-16s  %-16s  %s\n", "ID", "RECEIVED", "STATE", "CALLING",
               "RULE", "REASON");
    for (size_t i = 0; i < count && status == 0; i++) {
        char received[25];
        clock_iso(jobs[i].received_ms, received);
        if (command->json)
            status = command_print(job_json(conf, &jobs[i]));
        else
            printf("%8lld  %-24s  %-13s  %-16s  %-16s  %s%s%s\n", (long long)jobs[i].id, received,
                   instance_state_name(jobs[i].state), jobs[i].calling, jobs[i].rule,
                   jobs[i].reason == SRT_REASON_NONE ? "" : srt_reason_name(jobs[i].reason),
                   jobs[i].detail[0] ? " " : "", jobs[i].detail);
    }
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

int admin_jobs(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    bool lists = command.count == 1 && strcmp(command.words[0], "list") == 0;
    bool shows = command.count == 2 && strcmp(command.words[0], "show") == 0;
    if (!lists && !shows)
        return command_misused(usage, "list, or show with an ID, is expected");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    status = lists ? list(&command, conf, store) : show(&command, conf, store, command.words[1]);
    store_close(store);
    conf_destroy(conf);
    return status;
}
