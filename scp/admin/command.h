/* command.h: what the commands that talk about a node have in common: their options, their JSON. */
#ifndef COMMAND_H
#define COMMAND_H

#include "admin.h"
#include "json_time.h"
#include "node.h"
#include "store.h"
#include <jansson.h>
#include <stdbool.h>

struct command {
    const char *config;           /* --config, or NULL */
    const char *model;            /* --model, or NULL */
    const char *study;            /* --study, or NULL */
    const char *reason;           /* --reason, or NULL */
    const char *issuer;           /* --issuer, or NULL */
    const char *keep;             /* --keep, or NULL */
    const char *downgrade;        /* --downgrade, or NULL */
    const char *calling, *called; /* AE titles, or NULL */
    const char *role;             /* --role, or NULL */
    const char *log;              /* --log, or NULL */
    /* of `cervigate audit`, or NULL */
    const char *expect, *since, *until, *event, *patient, *accession, *user, *outcome, *limit;
    bool acknowledge;
    bool json, print_effective, yes, parked, quarantine, objects, force;
    int count;    /* of what is left */
    char **words; /* arguments that are no options */
};

enum command_options {
    COMMAND_CONFIG = 1,
    COMMAND_JSON = 2,
    COMMAND_PRINT_EFFECTIVE = 4,
    COMMAND_MODEL = 8,
    COMMAND_STUDY = 16,
    COMMAND_REASON = 32,
    COMMAND_ISSUER = 64,
    COMMAND_YES = 128,
    COMMAND_SET_ASIDE = 256, /* --parked, --quarantine */
    COMMAND_OBJECTS = 512,
    COMMAND_FORCE = 1024,
    COMMAND_KEEP = 2048,
    COMMAND_DOWNGRADE = 4096,
    COMMAND_VERIFY = 8192,  /* --expect, --acknowledge */
    COMMAND_SEARCH = 16384, /* --since ... --limit */
    COMMAND_TITLES = 32768, /* --calling, --called */
    COMMAND_ROLE = 65536,
    COMMAND_LOG = 131072
};

/* Parses the options named in `allowed`, and --help. true: go on; false: *status is the exit status
 * (--help printed, or wrong usage told). */
bool command_parse(int argc, char **argv, const char *usage, unsigned allowed,
                   struct command *command, int *status);
/* "cervigate NAME: ..." with the usage; returns EX_USAGE. */
int command_misused(const char *usage, const char *what);

/* Opens the job store in path. Opening makes an older one new, under which a node of an older
 * program, that goes on after an upgrade, could not start a role again: refused while one runs.
 * False: *status is the exit status, and error a sentence that begins with the path. */
bool command_open_store(const struct conf *conf, const char *path, struct store **store,
                        int *status, char *error, size_t error_size);
/* The configuration and the job store of its node; false with the exit status. The caller closes.
 */
bool command_open(const struct command *command, struct conf **conf, struct store **store,
                  int *status);
/* Prints one value as one line and frees it; returns 0, or EX_SOFTWARE. */
int command_print(json_t *value);

#endif
