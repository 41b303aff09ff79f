/* store.c: `cervigate store`: the job store's schema version, and the way back to an older one. */
#include "command.h"
#include "spool.h"
#include "store_keep.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate store [--downgrade N] [--json] [--config FILE]\n"
    "\n"
    "Shows the job store's schema version and how far back this program can take it.\n"
    "\n"
    "  --downgrade N  makes it a store of version N, for an older program: run this one while it "
    "is\n"
    "                 still installed and the node is stopped. What the older version cannot say\n"
    "                 is lost; objects, results and deliveries stay. The older program then "
    "starts;\n"
    "                 a newer one makes it new again\n"
    "  --json         as one JSON object\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "Exit status: 0 done; 64 usage, a version that it cannot go back to; 66 no job store; 73 a "
    "node\n"
    "runs on this spool; 74 the job store cannot be read or written; 78 bad configuration.\n";

static int tell(const struct command *command, const struct conf *conf, int version)
{
    if (command->json)
        return command_print(json_pack("{s:s, s:i, s:i, s:i}", "spool", conf->spool, "version",
                                       version, "newest", STORE_NEWEST, "oldest", STORE_OLDEST));
    printf("%s/jobs.sqlite: schema version %d (this program's is %d; it can go back to %d)\n",
           conf->spool, version, STORE_NEWEST, STORE_OLDEST);
    return 0;
}

static int fail(int status, const char *what, const char *why)
{
    fprintf(stderr, "cervigate store: %s: %s\n", what, why);
    return status;
}

/* As the node's only user, before the store is opened: opening makes an older one new. */
static int downgrade(const struct conf *conf, const char *path, int version)
{
    char error[384] = "";
    struct store *store = NULL;
    int lock = spool_lock(conf);
    if (lock == -EWOULDBLOCK)
        return fail(EX_CANTCREAT, conf->spool, "a node runs on this spool: stop it first");
    if (lock < 0)
        return fail(EX_IOERR, conf->spool, strerror(-lock));
    enum store_status status = store_open(path, &store, error, sizeof error);
    if (status == STORE_OK) {
        status = store_downgrade(store, version);
        if (status == STORE_OK)
            status = store_checkpoint(store);
        if (status != STORE_OK)
            snprintf(error, sizeof error, "%s", store_error(store));
        store_close(store);
    }
    close(lock);
    return status == STORE_OK ? 0 : fail(EX_IOERR, path, error);
}

/* The wanted version, or -1. */
static int wanted(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return *end || n < STORE_OLDEST || n > STORE_NEWEST ? -1 : (int)n;
}

int admin_store(int argc, char **argv)
{
    struct command command;
    char path[PATH_MAX], error[384] = "";
    int status = 0, version = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON | COMMAND_DOWNGRADE,
                       &command, &status))
        return status;
    if (command.count != 0)
        return command_misused(usage, "no word is expected");
    if (command.downgrade && wanted(command.downgrade) < 0)
        return command_misused(usage, "--downgrade: this program can go back to none but the "
                                      "versions that `cervigate store` shows");
    struct conf *conf = admin_conf(command.config, &status);
    if (!conf)
        return status;
    node_path(conf, path, sizeof path, "jobs.sqlite");
    if (access(path, F_OK) != 0)
        status = fail(EX_NOINPUT, path, strerror(errno));
    if (status == 0 && command.downgrade)
        status = downgrade(conf, path, wanted(command.downgrade));
    if (status == 0 && store_look_version(path, &version, error, sizeof error) != STORE_OK)
        status = fail(EX_IOERR, "job store", error);
    if (status == 0)
        status = tell(&command, conf, version);
    conf_destroy(conf);
    return status;
}
