#include "reload.h"

#include "apart.h"
#include "audit.h"
#include "clock.h"
#include "log.h"
#include "reloaded.h"
#include "start.h"
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEE_ABOVE "see the lines above"
/* Addresses for a configuration and its texts, which are a tenth of it at most. */
#define ROOM (64u << 20)

/* ---- what libxml2 may die of, in a process of its own ---- */

struct looking {
    struct node *node;
    const char *path;
    struct conf_room *room;
    struct {
        struct conf *conf; /* in the room; NULL: why says so */
        size_t room, words;
        char why[512];
    } found;
    char *words; /* what was complained of */
};

/* NULL: *why says so, and words the complaints about what is written. */
static struct conf *load(const struct looking *l, FILE *words, char *why, size_t size)
{
    int status = 0;
    const struct conf *old = l->node->conf;
    struct conf *conf = start_conf(l->path, l->room, &status, words);
    bool good = conf != NULL && start_collector(conf, words);
    (void)snprintf(why, size, SEE_ABOVE);
    if (good && strcmp(conf->spool, old->spool) != 0) {
        (void)snprintf(why, size, "the spool cannot change while the node runs");
        good = false;
    }
    if (good)
        good = mode_allowed(conf, node_mode(conf), why, size);
    if (good && !start_keys(conf)) {
        (void)snprintf(why, size, "the files of <tls> or <console> cannot be used");
        good = false;
    }
    return good ? conf : NULL;
}

static bool look(void *context, int to)
{
    struct looking *l = context;
    char *words = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&words, &size);
    l->found.conf = load(l, out, l->found.why, sizeof l->found.why);
    if (out != NULL && fclose(out) == 0)
        l->found.words = size;
    l->found.room = l->found.conf != NULL ? conf_room_used(l->room) : 0;
    crash_point("reload-looked");
    return apart_write(to, &l->found, sizeof l->found) && apart_write(to, l->room, l->found.room) &&
           apart_write(to, words, l->found.words);
}

static bool take(void *context, int from)
{
    struct looking *l = context;
    if (!apart_read(from, &l->found, sizeof l->found) ||
        !apart_read(from, l->room, l->found.room) ||
        (l->words = malloc(l->found.words + 1)) == NULL ||
        !apart_read(from, l->words, l->found.words))
        return false;
    l->words[l->found.words] = '\0';
    return true;
}

struct telling {
    const struct conf *conf;
    const char *who, *refused; /* why; NULL: it was taken */
    size_t changes;
};

static bool tell_audit(void *context, int to)
{
    struct telling *t = context;
    if (t->refused != NULL)
        audit_reload_refused(t->conf, t->who, t->refused);
    else
        t->changes = audit_configuration(t->conf, t->who);
    crash_point("reload-told");
    return apart_write(to, &t->changes, sizeof t->changes);
}

static bool take_changes(void *context, int from)
{
    struct telling *t = context;
    return apart_read(from, &t->changes, sizeof t->changes);
}

/* How many settings are others now. */
static size_t audit(const struct conf *conf, const char *who, const char *refused)
{
    char why[128];
    struct telling t = {.conf = conf, .who = who, .refused = refused};
    if (!apart(tell_audit, take_changes, &t, why, sizeof why))
        audit_missed(conf, 1, ENOMEM);
    return t.changes;
}

/* ---- all of it ---- */

/* NULL: l->found.why says so. */
static struct conf *choose(struct looking *l)
{
    char *why = l->found.why;
    const struct conf *old = l->node->conf;
    bool good = l->room != NULL;
    if (!good)
        (void)snprintf(why, sizeof l->found.why, "no memory for it");
    good = good && apart(look, take, l, why, sizeof l->found.why) && l->found.conf != NULL;
    if (good) {
        (void)snprintf(why, sizeof l->found.why, "a socket cannot be opened");
        l->node->conf = l->found.conf;
        good = start_sockets(l->node, old);
        l->node->conf = old;
    }
    if (good)
        return l->found.conf;
    conf_room_destroy(l->room);
    return NULL;
}

/* What was complained of, and, where it was nothing written, why. */
static void note(const struct conf *conf, struct reloaded *reloaded, const char *complaints,
                 const char *why)
{
    bool above = strcmp(why, SEE_ABOVE) == 0;
    (void)snprintf(reloaded->words, sizeof reloaded->words, "%s%s",
                   complaints != NULL ? complaints : "", above ? "" : why);
    reloaded->at_ms = clock_utc_ms();
    reloaded_write(conf, reloaded);
}

void reload_name_user(const siginfo_t *info, char who[64])
{
    const struct passwd *user = info->si_code == SI_USER ? getpwuid(info->si_uid) : NULL;
    if (user != NULL)
        (void)snprintf(who, 64, "%s", user->pw_name);
    else if (info->si_code == SI_USER)
        (void)snprintf(who, 64, "uid %lu", (unsigned long)info->si_uid);
    else
        (void)snprintf(who, 64, "unknown");
}

bool reload_configuration(struct node *node, const char *path, const char *who)
{
    static struct reloaded reloaded;
    struct looking l = {.node = node, .path = path, .room = conf_room_create(ROOM)};
    struct conf *old = (struct conf *)node->conf;
    struct conf *conf = choose(&l);

    reloaded = (struct reloaded){.taken = conf != NULL};
    (void)snprintf(reloaded.who, sizeof reloaded.who, "%s", who);
    if (conf == NULL) {
        log_event(LOG_AT_ERROR, "reload-refused", "file=%s reason=%s", log_quote(path),
                  log_quote(l.found.why));
        (void)audit(old, who, l.found.why);
    } else {
        crash_point("reload-loaded");
        node->conf = conf;
        conf_destroy(old);
        log_begin("supervisor", conf);
        reloaded.changes = audit(conf, who, NULL);
        log_event(LOG_AT_INFO, "reload", "file=%s changes=%zu who=%s", log_quote(path),
                  reloaded.changes, log_quote(who));
    }
    note(node->conf, &reloaded, l.words, conf == NULL ? l.found.why : "");
    free(l.words);
    return conf != NULL;
}
