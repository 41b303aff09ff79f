#include "keys_shown.h"

#include "clock.h"
#include "log.h"
#include "node.h"
#include "spool.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGAIN_MS 10000

static void add(const struct conf *conf, struct keys_shown *list, size_t *count, const char *path,
                int line, const char *element, const char *name)
{
    const char *tls = conf->tls.certificate;
    if (path == NULL || (tls != NULL && strcmp(path, tls) == 0))
        return;
    struct keys_shown *shown = &list[(*count)++];
    *shown = (struct keys_shown){.path = path, .line = line};
    (void)snprintf(shown->by, sizeof shown->by, "%s%s%s", element, name[0] != '\0' ? " " : "",
                   name);
}

size_t keys_shown_list(const struct conf *conf, struct keys_shown list[KEYS_SHOWN_MOST])
{
    size_t count = 0;
    for (size_t i = 0; i < conf->announcement_count; i++) {
        const struct conf_announcement *to = &conf->announcements[i];
        if (to->way == CONF_HL7 && to->tls)
            add(conf, list, &count, to->certificate, to->line, "hl7", to->name);
    }
    if (conf->audit.host != NULL)
        add(conf, list, &count, conf->audit.certificate,
            conf_attribute_line(conf, "audit", "certificate"), "audit", "");
    if (conf->console)
        add(conf, list, &count, conf->web.certificate,
            conf_attribute_line(conf, "console", "certificate"), "console", "");
    return count;
}

struct conf keys_shown_alone(const struct conf *conf, const struct keys_shown *shown)
{
    struct conf alone = *conf;
    alone.tls.certificate = shown->path;
    alone.tls.key = alone.tls.authorities = alone.tls.revoked = NULL;
    return alone;
}

/* True when time, or the node itself, may mend what is wrong. */
static bool judge(const struct conf *conf, struct keys_shown *shown)
{
    struct dx_tls_files files;
    struct dx_tls_facts facts = {.wrong = DX_TLS_CERTIFICATE};
    struct keys_wrong wrong;
    const struct conf alone = keys_shown_alone(conf, shown);
    if (keys_open(&alone, &files, &wrong)) {
        (void)keys_judge_apart(&alone, &files, clock_utc_ms(), &facts, &wrong);
        keys_close(&files);
    }
    shown->term = facts.term[DX_TLS_CERTIFICATE];
    const char *text = strstr(wrong.text, ">: "); /* behind what says that it is of <tls> */
    if (wrong.kind != KEYS_ENDED)
        (void)snprintf(shown->wrong, sizeof shown->wrong, "%.255s",
                       text != NULL ? text + 3 : wrong.text);
    return wrong.kind == KEYS_EARLY || wrong.kind == KEYS_UNLOOKED;
}

static void write_shown(const struct conf *conf, const struct keys_shown *list, size_t count)
{
    char path[PATH_MAX], text[KEYS_SHOWN_MOST * sizeof *list];
    int used = 0, failed;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s\t%" PRId64 "\t%s\t%s\n",
                         list[i].by, list[i].term.end_ms, list[i].term.subject, list[i].wrong);
    node_path(conf, path, sizeof path, "run/shown");
    if (count > 0)
        failed = -spool_write_whole(path, text);
    else
        failed = unlink(path) == 0 || errno == ENOENT ? 0 : errno;
    if (failed != 0)
        log_event(LOG_AT_WARN, "run-file-failed", "path=%s error=%s", log_quote(path),
                  log_quote(strerror(failed)));
}

void keys_shown_turn(const struct conf *conf, struct keys_shown_watch *watch)
{
    struct keys_shown list[KEYS_SHOWN_MOST];
    struct keys_mark mark[KEYS_SHOWN_MOST];
    size_t count = keys_shown_list(conf, list);
    bool due = watch->again_ms != 0 && clock_monotonic_ms() >= watch->again_ms;
    memset(mark, 0, sizeof mark); /* compared as bytes */
    for (size_t i = 0; i < count; i++)
        keys_mark(list[i].path, &mark[i]);
    if (watch->looked && !due && memcmp(mark, watch->mark, sizeof mark) == 0)
        return;

    memcpy(watch->mark, mark, sizeof mark);
    watch->looked = true;
    watch->again_ms = 0;
    for (size_t i = 0; i < count; i++)
        if (judge(conf, &list[i]))
            watch->again_ms = clock_monotonic_ms() + AGAIN_MS;
    write_shown(conf, list, count);
}

/* False: it is no line of ours. */
static bool take(char *line, struct keys_shown *shown)
{
    char *at = line;
    const char *by = strsep(&at, "\t"), *end = strsep(&at, "\t"), *subject = strsep(&at, "\t");
    if (at == NULL)
        return false;
    *shown = (struct keys_shown){.term = {.end_ms = strtoll(end, NULL, 10)}};
    (void)snprintf(shown->by, sizeof shown->by, "%s", by);
    (void)snprintf(shown->term.subject, sizeof shown->term.subject, "%s", subject);
    (void)snprintf(shown->wrong, sizeof shown->wrong, "%s", at);
    return true;
}

size_t keys_shown_read(const struct conf *conf, struct keys_shown list[KEYS_SHOWN_MOST])
{
    char path[PATH_MAX], line[sizeof *list];
    size_t count = 0;
    node_path(conf, path, sizeof path, "run/shown");
    FILE *file = fopen(path, "re");
    while (file != NULL && count < KEYS_SHOWN_MOST && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        count += take(line, &list[count]);
    }
    if (file != NULL)
        (void)fclose(file);
    return count;
}
