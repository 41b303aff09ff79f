#include "reloaded.h"

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

bool reload_order(const struct conf *conf, const char *who)
{
    char path[PATH_MAX], line[72];
    node_path(conf, path, sizeof path, "run/reload");
    (void)snprintf(line, sizeof line, "%s\n", who);
    return spool_write_whole(path, line) == 0;
}

bool reload_take_order(const struct conf *conf, char who[64])
{
    char path[PATH_MAX], line[72] = "";
    node_path(conf, path, sizeof path, "run/reload");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(who, 64, "%.63s", read && line[0] != '\0' ? line : "unknown");
    if (unlink(path) == 0)
        return true;
    log_event(LOG_AT_ERROR, "run-file-failed", "path=%s error=%s", log_quote(path),
              log_quote(strerror(errno)));
    return false; /* else it would be done again and again */
}

void reloaded_write(const struct conf *conf, const struct reloaded *reloaded)
{
    char path[PATH_MAX], text[RELOADED_WORDS + 256];
    node_path(conf, path, sizeof path, "run/reloaded");
    (void)snprintf(text, sizeof text, "%" PRId64 " %d %zu %s\n%s", reloaded->at_ms, reloaded->taken,
                   reloaded->changes, reloaded->who, reloaded->words);
    int failed = spool_write_whole(path, text);
    if (failed != 0)
        log_event(LOG_AT_WARN, "run-file-failed", "path=%s error=%s", log_quote(path),
                  log_quote(strerror(-failed)));
}

bool reloaded_read(const struct conf *conf, struct reloaded *reloaded)
{
    char path[PATH_MAX], line[256];
    int taken = 0;
    node_path(conf, path, sizeof path, "run/reloaded");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool good = fgets(line, sizeof line, file) != NULL &&
                sscanf(line, "%" SCNd64 " %d %zu %63[^\n]", &reloaded->at_ms, &taken,
                       &reloaded->changes, reloaded->who) == 4;
    size_t size = fread(reloaded->words, 1, sizeof reloaded->words - 1, file);
    reloaded->words[size] = '\0';
    reloaded->taken = taken != 0;
    (void)fclose(file);
    return good;
}
