#include "command.h"
#include "clock.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

int command_misused(const char *usage, const char *what)
{
    fprintf(stderr, "%s\n%s", what, usage);
    return EX_USAGE;
}

static bool take(struct command *command, int option, unsigned allowed)
{
    switch (option) {
    case 'c':
        command->config = optarg;
        return allowed & COMMAND_CONFIG;
    case 'j':
        command->json = true;
        return allowed & COMMAND_JSON;
    case 'p':
        command->print_effective = true;
        return allowed & COMMAND_PRINT_EFFECTIVE;
    case 'm':
        command->model = optarg;
        return allowed & COMMAND_MODEL;
    case 's':
        command->study = optarg;
        return allowed & COMMAND_STUDY;
    case 'r':
        command->reason = optarg;
        return allowed & COMMAND_REASON;
    default:
        return false;
    }
}

bool command_parse(int argc, char **argv, const char *usage, unsigned allowed,
                   struct command *command, int *status)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"print-effective", no_argument, NULL, 'p'},
                                            {"model", required_argument, NULL, 'm'},
                                            {"study", required_argument, NULL, 's'},
                                            {"reason", required_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    memset(command, 0, sizeof *command);
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            *status = 0;
            return false;
        }
        if (!take(command, option, allowed)) {
            *status = command_misused(usage, "an option is not known here");
            return false;
        }
    }
    command->count = argc - optind;
    command->words = argv + optind;
    return true;
}

bool command_open(const struct command *command, struct conf **conf, struct store **store,
                  int *status)
{
    char path[4096], error[256];
    *conf = admin_conf(command->config, status);
    if (!*conf)
        return false;
    node_path(*conf, path, sizeof path, "jobs.sqlite");
    if (access(path, F_OK) != 0) {
        fprintf(stderr, "%s: %s (did the node ever run?)\n", path, strerror(errno));
        *status = EX_NOINPUT;
    } else if (store_open(path, store, error, sizeof error) != STORE_OK) {
        fprintf(stderr, "%s: %s\n", path, error);
        *status = EX_IOERR;
    } else {
        return true;
    }
    conf_destroy(*conf);
    *conf = NULL;
    return false;
}

int command_print(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (!text) {
        fprintf(stderr, "cervigate: out of memory\n");
        return EX_SOFTWARE;
    }
    puts(text);
    free(text);
    return 0;
}

json_t *command_time(int64_t utc_ms)
{
    char text[25];
    if (utc_ms == 0)
        return json_null();
    clock_iso(utc_ms, text);
    return json_string(text);
}
