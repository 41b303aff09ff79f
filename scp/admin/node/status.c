/* status.c: `cervigate status`: the node at a glance, from its job store and run file. */
#include "clock.h"
#include "command.h"
#include "health_json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: cervigate status [--config FILE] [--json]\n"
    "       cervigate status relearn [--config FILE]\n"
    "\n"
    "The node at a glance, and whether it is well: its processes run, its spool has room, its "
    "last\n"
    "self-test passed, no job waits longer than oldestJob, no station is silent when it usually\n"
    "sends, and refusals, unprocessed studies, flags and scores are as they were in the reference\n"
    "(<health> in the configuration; docs/health.md). /healthz tells the same.\n"
    "\n"
    "  relearn        after a change that was meant (a new device, another rule): the references "
    "are\n"
    "                 learnt anew from what comes from now on\n"
    "  --json         one JSON object, with all figures and limits\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "Exit status: 0 well; 1 not well, or not running; 64 usage; 66 there is no job store; 74 it\n"
    "cannot be read or written; 78 bad configuration.\n";

static void print_health(const struct health *h)
{
    char when[25];
    puts(h->why_count == 0 ? "well        yes" : "well        no");
    for (size_t i = 0; i < h->why_count; i++)
        printf("            %s%s%s: %s\n", h->why[i].name, h->why[i].subject[0] ? " " : "",
               h->why[i].subject, h->why[i].detail);
    if (h->tested) {
        clock_iso(h->selftest.at_ms, when);
        printf("self-test   %s at %s (%s)%s\n", h->selftest.passed ? "passed" : "FAILED", when,
               h->selftest.cause,
               h->selftest.unlocked > 0 ? "; scores are not locked: cervigate selftest --lock"
                                        : "");
    }
    if (h->oldest_kind)
        printf("oldest job  a %s, %lld s\n", h->oldest_kind, (long long)h->oldest_seconds);
}

static void print_text(const struct conf *conf, const struct health *h,
                       const struct store_counts *c)
{
    char oldest[25];
    if (h->running)
        printf("running     pid %ld, DICOM port %ld, TLS port %ld, console port %ld\n", h->pid,
               h->dicom_port, h->tls_port, h->console_port);
    else
        puts("running     no");
    if (h->running)
        printf("isolation   seccomp, %s\n",
               h->landlock > 0 ? "Landlock" : "no Landlock in this kernel: docs/security.md");
    print_health(h);
    if (conf->audit.host != NULL)
        printf("audit log   %llu records, %llu at %s%s%s\n", (unsigned long long)h->audit.last,
               (unsigned long long)h->audit.sent, conf->audit.host, h->audit.trouble[0] ? "; " : "",
               h->audit.trouble);
    else
        printf("audit log   %llu records\n", (unsigned long long)h->audit.last);
    printf("mode        %s\ninstances  ", conf_mode_name(node_mode(conf)));
    for (int i = 0; i < INSTANCE_STATES; i++)
        printf(" %s %llu", instance_state_name((enum instance_state)i),
               (unsigned long long)c->instances[i]);
    printf("\nreceived    %llu duplicates, %llu refused\n", (unsigned long long)c->duplicates,
           (unsigned long long)c->refused);
    printf("quarantine  %llu refused objects of %u, %llu bytes of %llu\n",
           (unsigned long long)h->quarantine.objects, conf->limits.quarantine_objects,
           (unsigned long long)h->quarantine.bytes,
           (unsigned long long)conf->limits.quarantine_bytes);
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

static int relearn(struct store *store)
{
    if (store_relearn(store, clock_utc_ms()) != STORE_OK) {
        fprintf(stderr, "cervigate status: %s\n", store_error(store));
        return EX_IOERR;
    }
    puts("the references are learnt anew from now on");
    return 0;
}

static int show(const struct command *command, const struct conf *conf, struct store *store)
{
    struct store_counts counts;
    struct health health;
    int status = 0;
    if (!health_read(conf, store, "", clock_utc_ms(), &health)) {
        fprintf(stderr, "cervigate status: out of memory\n");
        status = EX_SOFTWARE;
    } else if (store_counts(store, &counts) != STORE_OK) {
        fprintf(stderr, "cervigate status: %s\n", store_error(store));
        status = EX_IOERR;
    } else if (command->json) {
        status = command_print(health_json_status(conf, &health, &counts));
    } else {
        print_text(conf, &health, &counts);
    }
    bool well = health.why_count == 0;
    health_finish(&health);
    return status != 0 ? status : well ? 0 : 1;
}

int admin_status(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    bool learns = command.count == 1 && strcmp(command.words[0], "relearn") == 0;
    if (command.count > 0 && !learns)
        return command_misused(usage, "relearn is the only word that is known here");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    status = learns ? relearn(store) : show(&command, conf, store);
    store_close(store);
    conf_destroy(conf);
    return status;
}
