/* worklist.c: `cervigate worklist`: which patient is to be read first, and what was read. */
#include "ask.h"
#include "audit.h"
#include "clock.h"
#include "command.h"
#include "dx_uid.h"
#include "printable.h"
#include "worklist/list.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: cervigate worklist [list] [--json] [--config FILE]\n"
    "       cervigate worklist read UID [--json] [--config FILE]\n"
    "       cervigate worklist unread UID [--json] [--config FILE]\n"
    "\n"
    "The studies that nobody has read yet, in the order in which they are to be read "
    "(docs/priority.md).\n"
    "In demo mode the list says RESEARCH, in shadow mode that it is told to nobody; JSON has\n"
    "\"mode\" and \"research\".\n"
    "\n"
    "  list    each with its band (raised, routine or not judged), how long it waits, Accession\n"
    "          Number, the last digits of the Patient ID, station, the reason in words, and who\n"
    "          reads it, where somebody has claimed it by UPS Pull\n"
    "  read    the study leaves the list; whoever was told of its priority is told that, too\n"
    "  unread  it comes back, where it was\n"
    "\n"
    "  --json         one JSON object a line\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "UID is the Study Instance UID; `list --json` shows it. read and unread are asked of the "
    "running\n"
    "node, in the caller's name, and wait 10 seconds for its answer. A request that the node did "
    "not\n"
    "answer by then stays, and is done once, when the node runs.\n"
    "\n"
    "Exit status: 0 done; 1 the node's answer is no; 64 usage; 69 no answer yet; 74 the job store\n"
    "cannot be read or written; 78 bad configuration.\n";

static void print_entry(struct store_entry *e, size_t position, int64_t now_ms)
{
    const struct priority *p = &e->place.priority;
    long minutes = (long)((now_ms - e->place.arrived_ms) / 60000);
    printf("%4zu  %-10s  %3ld h %02ld  %-16s  %-6s  %-16s  %s%s%s\n", position,
           worklist_band(p->band), minutes / 60, minutes % 60, printable(e->accession),
           worklist_last_of(printable(e->patient_id)), printable(e->station),
           priority_reason_text(p->reason), e->claimed_by[0] ? "; being read by " : "",
           printable(e->claimed_by));
}

/* What the mode makes of the list; clinical: nothing to say. */
static void print_mode(enum conf_mode mode)
{
    if (mode == CONF_DEMO)
        printf("RESEARCH - demo mode, not for diagnosis\n");
    if (mode == CONF_SHADOW)
        printf("shadow mode: nothing of this list is told to others\n");
}

static json_t *entry_of(const struct store_entry *e, size_t position, enum conf_mode mode)
{
    json_t *entry = worklist_entry(e, position);
    if (entry != NULL &&
        (json_object_set_new(entry, "mode", json_string(conf_mode_name(mode))) != 0 ||
         json_object_set_new(entry, "research", json_boolean(mode != CONF_CLINICAL)) != 0)) {
        json_decref(entry);
        return NULL;
    }
    return entry;
}

static int list(const struct command *command, const struct conf *conf, struct store *store)
{
    size_t count = 0;
    enum conf_mode mode = node_mode(conf);
    int status = 0;
    int64_t now = clock_utc_ms();
    struct store_entry *entries;
    if (worklist_read(conf, store, &entries, &count) != STORE_OK) {
        fprintf(stderr, "cervigate worklist: %s\n", store_error(store));
        return EX_IOERR;
    }
    if (count == (size_t)conf->list_most)
        fprintf(
            stderr,
            "cervigate worklist: shown are the %d that are to be read first; there may be more\n",
            conf->list_most);
    audit_looked(conf, "worklist", "");
    if (!command->json) {
        print_mode(mode);
        printf("%4s  %-10s  %-8s  %-16s  %-6s  %-16s  %s\n", "", "BAND", "WAITS", "ACCESSION", "ID",
               "STATION", "REASON");
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        if (command->json)
            status = command_print(entry_of(&entries[i], i + 1, mode));
        else
            print_entry(&entries[i], i + 1, now);
    }
    free(entries);
    return status;
}

static int ask(const struct command *command, struct store *store, bool read)
{
    struct request request = {.kind = read ? REQUEST_READ : REQUEST_UNREAD};
    snprintf(request.uid, sizeof request.uid, "%s", command->words[1]);
    return ask_and_tell(command, "worklist", store, &request, read ? "read" : "unread", "study",
                        request.uid);
}

int admin_worklist(int argc, char **argv)
{
    struct command command;
    struct conf *conf;
    struct store *store = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    bool lists = command.count == 0 || (command.count == 1 && !strcmp(command.words[0], "list"));
    bool read = command.count == 2 && strcmp(command.words[0], "read") == 0;
    bool unread = command.count == 2 && strcmp(command.words[0], "unread") == 0;
    if (!lists && !read && !unread)
        return command_misused(usage, "list, or read or unread with a UID, is expected");
    if (!lists && !dx_uid_is_valid(command.words[1]))
        return command_misused(usage, "a UID has digits and dots, at most 64");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    status = lists ? list(&command, conf, store) : ask(&command, store, read);
    store_close(store);
    conf_destroy(conf);
    return status;
}
