#include "command.h"

#include "json_time.h"
#include "spool.h"
#include "store_keep.h"
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
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

/* Every option of these commands: a text or a switch of struct command. */
static const struct {
    const char *name;
    unsigned bit;
    bool is_text;
    size_t offset;
} known[] = {
    {"config", COMMAND_CONFIG, true, offsetof(struct command, config)},
    {"json", COMMAND_JSON, false, offsetof(struct command, json)},
    {"print-effective", COMMAND_PRINT_EFFECTIVE, false, offsetof(struct command, print_effective)},
    {"model", COMMAND_MODEL, true, offsetof(struct command, model)},
    {"study", COMMAND_STUDY, true, offsetof(struct command, study)},
    {"reason", COMMAND_REASON, true, offsetof(struct command, reason)},
    {"issuer", COMMAND_ISSUER, true, offsetof(struct command, issuer)},
    {"keep", COMMAND_KEEP, true, offsetof(struct command, keep)},
    {"downgrade", COMMAND_DOWNGRADE, true, offsetof(struct command, downgrade)},
    {"role", COMMAND_ROLE, true, offsetof(struct command, role)},
    {"log", COMMAND_LOG, true, offsetof(struct command, log)},
    {"expect", COMMAND_VERIFY, true, offsetof(struct command, expect)},
    {"acknowledge", COMMAND_VERIFY, false, offsetof(struct command, acknowledge)},
    {"since", COMMAND_SEARCH, true, offsetof(struct command, since)},
    {"until", COMMAND_SEARCH, true, offsetof(struct command, until)},
    {"event", COMMAND_SEARCH, true, offsetof(struct command, event)},
    {"patient", COMMAND_SEARCH, true, offsetof(struct command, patient)},
    {"accession", COMMAND_SEARCH, true, offsetof(struct command, accession)},
    {"user", COMMAND_SEARCH, true, offsetof(struct command, user)},
    {"outcome", COMMAND_SEARCH, true, offsetof(struct command, outcome)},
    {"limit", COMMAND_SEARCH, true, offsetof(struct command, limit)},
    {"calling", COMMAND_TITLES, true, offsetof(struct command, calling)},
    {"called", COMMAND_TITLES, true, offsetof(struct command, called)},
    {"yes", COMMAND_YES, false, offsetof(struct command, yes)},
    {"parked", COMMAND_SET_ASIDE, false, offsetof(struct command, parked)},
    {"quarantine", COMMAND_SET_ASIDE, false, offsetof(struct command, quarantine)},
    {"objects", COMMAND_OBJECTS, false, offsetof(struct command, objects)},
    {"force", COMMAND_FORCE, false, offsetof(struct command, force)},
};
enum { KNOWN = sizeof known / sizeof *known, FIRST = 256 };

static bool take(struct command *command, int option, unsigned allowed)
{
    int i = option - FIRST;
    if (i < 0 || i >= KNOWN || !(allowed & known[i].bit))
        return false;
    void *field = (char *)command + known[i].offset;
    if (known[i].is_text)
        *(const char **)field = optarg;
    else
        *(bool *)field = true;
    return true;
}

bool command_parse(int argc, char **argv, const char *usage, unsigned allowed,
                   struct command *command, int *status)
{
    struct option options[KNOWN + 2] = {[KNOWN] = {"help", no_argument, NULL, 'h'}};
    int option;
    for (int i = 0; i < KNOWN; i++)
        options[i] = (struct option){
            known[i].name, known[i].is_text ? required_argument : no_argument, NULL, FIRST + i};
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

bool command_open_store(const struct conf *conf, const char *path, struct store **store,
                        int *status, char *error, size_t error_size)
{
    int version = 0, lock = -1;
    *store = NULL;
    bool is_older = store_look_version(path, &version, error, error_size) == STORE_OK &&
                    version > 0 && version < STORE_NEWEST;
    if (is_older && (lock = spool_lock(conf)) == -EWOULDBLOCK) {
        snprintf(error, error_size,
                 "%s: the node that runs is of an older program, which this one's job store would "
                 "stop: restart it first (cervigate check, then systemctl restart cervigate)",
                 path);
        *status = EX_UNAVAILABLE;
        return false;
    }
    *status = store_open(path, store, error, error_size) == STORE_OK ? 0 : EX_IOERR;
    if (lock >= 0)
        close(lock);
    return *status == 0;
}

bool command_open(const struct command *command, struct conf **conf, struct store **store,
                  int *status)
{
    char path[4096], error[512];
    *conf = admin_conf(command->config, status);
    if (!*conf)
        return false;
    node_path(*conf, path, sizeof path, "jobs.sqlite");
    if (access(path, F_OK) != 0) {
        fprintf(stderr, "%s: %s (did the node ever run?)\n", path, strerror(errno));
        *status = EX_NOINPUT;
    } else if (!command_open_store(*conf, path, store, status, error, sizeof error)) {
        fprintf(stderr, "%s\n", error);
    } else {
        return true;
    }
    conf_destroy(*conf);
    *conf = NULL;
    return false;
}

int command_print(json_t *value)
{
    char *text = value ? json_text(value, JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (!text) {
        fprintf(stderr, "cervigate: out of memory\n");
        return EX_SOFTWARE;
    }
    puts(text);
    free(text);
    return 0;
}
