/* status.c: `cervigate status`: the node at a glance, from its job store and run file. */
#include "clock.h"
#include "command.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] = "usage: cervigate status [--config FILE] [--json]\n"
                            "\n"
                            "The node at a glance. Exit status 1: the node does not run.\n";

struct running {
    long pid, dicom_port, console_port;
    bool alive;
};

static void read_running(const struct conf *conf, struct running *running)
{
    char path[4096], line[256];
    memset(running, 0, sizeof *running);
    node_path(conf, path, sizeof path, "run/node");
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        const char *value = strchr(line, '=');
        long number = value ? strtol(value + 1, NULL, 10) : 0;
        if (strncmp(line, "pid=", 4) == 0)
            running->pid = number;
        else if (strncmp(line, "dicom_port=", 11) == 0)
            running->dicom_port = number;
        else if (strncmp(line, "console_port=", 13) == 0)
            running->console_port = number;
    }
    fclose(file);
    running->alive = running->pid > 0 && (kill((pid_t)running->pid, 0) == 0 || errno == EPERM);
}

static int print_json(const char *mode, const struct running *running, const struct store_counts *c)
{
    json_t *instances = json_object();
    for (int i = 0; i < INSTANCE_STATES; i++)
        json_object_set_new(instances, instance_state_name((enum instance_state)i),
                            json_integer((json_int_t)c->instances[i]));
    return command_print(json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:o, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I, s:I, s:o}}",
        "version", CERVIGATE_VERSION, "mode", mode, "running", running->alive, "pid",
        (json_int_t)running->pid, "dicom_port", (json_int_t)running->dicom_port, "console_port",
        (json_int_t)running->console_port, "instances", instances, "duplicates",
        (json_int_t)c->duplicates, "refused", (json_int_t)c->refused, "results", "reports",
        (json_int_t)c->reports, "pictures", (json_int_t)c->pictures, "deliveries", "pending",
        (json_int_t)c->pending, "sent", (json_int_t)c->sent, "parked", (json_int_t)c->parked,
        "oldest_pending", command_time(c->oldest_pending_ms)));
}

static void print_text(const char *mode, const struct running *running,
                       const struct store_counts *c)
{
    char oldest[25];
    if (running->alive)
        printf("running     pid %ld, DICOM port %ld, console port %ld\n", running->pid,
               running->dicom_port, running->console_port);
    else
        puts("running     no");
    printf("mode        %s\ninstances  ", mode);
    for (int i = 0; i < INSTANCE_STATES; i++)
        printf(" %s %llu", instance_state_name((enum instance_state)i),
               (unsigned long long)c->instances[i]);
    printf("\nreceived    %llu duplicates, %llu refused\n", (unsigned long long)c->duplicates,
           (unsigned long long)c->refused);
    printf("results     %llu reports, %llu pictures\n", (unsigned long long)c->reports,
           (unsigned long long)c->pictures);
    printf("deliveries  %llu pending, %llu sent, %llu parked", (unsigned long long)c->pending,
           (unsigned long long)c->sent, (unsigned long long)c->parked);
    if (c->oldest_pending_ms != 0) {
        clock_iso(c->oldest_pending_ms, oldest);
        printf(", oldest pending since %s", oldest);
    }
    putchar('\n');
}

int admin_status(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    struct store_counts counts;
    struct running running;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    if (command.count > 0)
        return command_misused(usage, "an argument too many");
    if (!command_open(&command, &conf, &store, &status))
        return status;

    read_running(conf, &running);
    const char *mode = conf_mode_name(node_mode(conf));
    if (store_counts(store, &counts) != STORE_OK) {
        fprintf(stderr, "cervigate status: %s\n", store_error(store));
        status = EX_IOERR;
    } else if (command.json) {
        status = print_json(mode, &running, &counts);
    } else {
        print_text(mode, &running, &counts);
    }
    store_close(store);
    conf_destroy(conf);
    return status != 0 ? status : running.alive ? 0 : 1;
}
