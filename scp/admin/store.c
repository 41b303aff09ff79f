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

static int downgrade(const struct conf *conf, struct store *store, int version)
{
    int lock = spool_lock(conf);
    if (lock < 0) {
        fprintf(stderr, "cervigate store: %s: %s\n", conf->spool,
                lock == -EWOULDBLOCK ? "a node runs on this spool: stop it first"
                                     : strerror(-lock));
        return lock == -EWOULDBLOCK ? EX_CANTCREAT : EX_IOERR;
    }
    enum store_status status = store_downgrade(store, version);
    if (status == STORE_OK)
        status = store_checkpoint(store);
    if (status != STORE_OK)
        fprintf(stderr, "cervigate store: %s\n", store_error(store));
    close(lock);
    return status == STORE_OK ? 0 : EX_IOERR;
}

int admin_store(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store;
    int status = 0, version = STORE_NEWEST;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON | COMMAND_DOWNGRADE,
                       &command, &status))
        return status;
    if (command.count != 0)
        return command_misused(usage, "no word is expected");
    if (command.downgrade) {
        char *end;
        long n = strtol(command.downgrade, &end, 10);
        if (*end || n < STORE_OLDEST || n > STORE_NEWEST)
            return command_misused(usage, "--downgrade: this program can go back to none but "
                                          "the versions that `cervigate store` shows");
        version = (int)n;
    }
    if (!command_open(&command, &conf, &store, &status))
        return status;
    if (command.downgrade)
        status = downgrade(conf, store, version);
    if (status == 0)
        status = tell(&command, conf, version);
    store_close(store);
    conf_destroy(conf);
    return status;
}
