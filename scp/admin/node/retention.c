/* retention.c: `cervigate retention`: what should have gone has gone; where no node runs, now. */
#include "retention.h"
#include "clock.h"
#include "command.h"
#include "log.h"
#include "spool.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate retention [--json] [--config FILE]\n"
    "\n"
    "Tells whether everything has gone from the spool that <retention> says: objects, results and\n"
    "refused bytes a day after they should have are overdue. The running node removes what is due\n"
    "by itself; where none runs, this command does, for 20 seconds at most. What waits for a\n"
    "delivery or a report is not due.\n"
    "\n"
    "  --json         one JSON object\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "Exit status: 0 nothing is overdue; 1 something is; 64 usage; 66 no job store; 69 the running\n"
    "node is of an older program; 74 the job store or the spool cannot be read or written; 78 bad\n"
    "configuration.\n";

struct found {
    bool alone; /* no node runs */
    struct retention_files gone, overdue;
    int64_t wait_ms;
};

static enum store_status look(const struct conf *conf, struct store *store, struct found *found)
{
    enum store_status status = STORE_OK;
    if (found->alone) {
        struct retention *retention = retention_create(conf, store);
        status = retention ? retention_pass(retention, &found->gone) : STORE_BROKEN;
        retention_destroy(retention);
    }
    return status == STORE_OK ? retention_overdue(conf, store, &found->overdue, &found->wait_ms)
                              : status;
}

static json_t *files(const struct retention_files *of)
{
    return json_pack("{s:I, s:I, s:I}", "objects", (json_int_t)of->objects, "results",
                     (json_int_t)of->results, "refused", (json_int_t)of->refused);
}

static int tell(const struct command *command, const struct found *found)
{
    const struct retention_files *gone = &found->gone, *overdue = &found->overdue;
    char until[25] = "";
    if (found->wait_ms != 0)
        clock_iso(found->wait_ms, until);
    if (command->json)
        return command_print(json_pack("{s:b, s:o, s:o, s:s}", "node_runs", !found->alone, "gone",
                                       files(gone), "overdue", files(overdue), "clock_wait",
                                       until));
    if (found->alone)
        printf("gone     %zu objects, %zu results, %zu refused (no node runs)\n", gone->objects,
               gone->results, gone->refused);
    if (until[0])
        printf("waits    the clock jumped: nothing goes by age before %s\n", until);
    else
        printf("overdue  %zu objects, %zu results, %zu refused\n", overdue->objects,
               overdue->results, overdue->refused);
    return 0;
}

static int retain(const struct command *command, const struct conf *conf, struct store *store)
{
    struct found found = {.alone = false};
    int lock = spool_lock(conf);
    if (lock < 0 && lock != -EWOULDBLOCK) {
        fprintf(stderr, "cervigate retention: %s: %s\n", conf->spool, strerror(-lock));
        return EX_IOERR;
    }
    found.alone = lock >= 0;
    enum store_status looked = look(conf, store, &found);
    if (lock >= 0)
        close(lock);
    if (looked != STORE_OK) {
        fprintf(stderr, "cervigate retention: %s\n", store_error(store));
        return EX_IOERR;
    }
    int status = tell(command, &found);
    if (status != 0 || found.overdue.objects + found.overdue.results + found.overdue.refused == 0)
        return status;
    fprintf(stderr,
            "cervigate retention: what is overdue is kept longer than <retention> says: is "
            "the node well (cervigate status), can it write to %s?\n",
            conf->spool);
    return 1;
}

int admin_retention(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    if (command.count != 0)
        return command_misused(usage, "no word is expected");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    log_init("retention", conf->log_level, false);
    status = retain(&command, conf, store);
    store_close(store);
    conf_destroy(conf);
    return status;
}
