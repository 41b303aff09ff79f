#include "reload.h"

#include "audit.h"
#include "clock.h"
#include "log.h"
#include "reloaded.h"
#include "start.h"
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEE_ABOVE "see the lines above"

/* NULL: *why says so, and words the complaints about what is written. */
static struct conf *load(struct node *node, const char *path, FILE *words, char *why, size_t size)
{
    int status = 0;
    const struct conf *old = node->conf;
    struct conf *conf = start_conf(path, &status, words);
    bool good = conf != NULL;
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
    if (good) {
        (void)snprintf(why, size, "a socket cannot be opened");
        node->conf = conf;
        good = start_sockets(node, old);
        node->conf = old;
    }
    if (good)
        return conf;
    conf_destroy(conf);
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
    char why[512], *complaints = NULL;
    size_t size = 0;
    FILE *words = open_memstream(&complaints, &size);
    struct conf *old = (struct conf *)node->conf;
    struct conf *conf = load(node, path, words, why, sizeof why);
    if (words != NULL && fclose(words) != 0)
        complaints = NULL;

    reloaded = (struct reloaded){.taken = conf != NULL};
    (void)snprintf(reloaded.who, sizeof reloaded.who, "%s", who);
    if (conf == NULL) {
        log_event(LOG_AT_ERROR, "reload-refused", "file=%s reason=%s", log_quote(path),
                  log_quote(why));
        audit_reload_refused(old, who, why);
    } else {
        crash_point("reload-loaded");
        node->conf = conf;
        conf_destroy(old);
        log_begin("supervisor", conf);
        reloaded.changes = audit_configuration(conf, who);
        log_event(LOG_AT_INFO, "reload", "file=%s changes=%zu who=%s", log_quote(path),
                  reloaded.changes, log_quote(who));
    }
    note(node->conf, &reloaded, complaints, conf == NULL ? why : "");
    free(complaints);
    return conf != NULL;
}
