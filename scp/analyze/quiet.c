#include "quiet.h"
#include "dx_uid.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char study[DX_UID_MAX];
    int64_t last_received_ms; /* wall clock: only to notice that it changed */
    int64_t since_ms;         /* monotonic */
    bool named;
};

struct quiet {
    int64_t start_ms, quiet_ms;
    struct entry *list;
    size_t count, room;
};

struct quiet *quiet_create(int64_t start_ms, int quiet_seconds)
{
    struct quiet *quiet = calloc(1, sizeof *quiet);
    if (quiet) {
        quiet->start_ms = start_ms;
        quiet->quiet_ms = 1000 * (int64_t)quiet_seconds;
    }
    return quiet;
}

void quiet_destroy(struct quiet *quiet)
{
    if (quiet)
        free(quiet->list);
    free(quiet);
}

void quiet_begin(struct quiet *quiet)
{
    for (size_t i = 0; i < quiet->count; i++)
        quiet->list[i].named = false;
}

void quiet_end(struct quiet *quiet)
{
    size_t kept = 0;
    for (size_t i = 0; i < quiet->count; i++)
        if (quiet->list[i].named)
            quiet->list[kept++] = quiet->list[i];
    quiet->count = kept;
}

/* When the last instance came: its age by the wall clock, as far as that can be. */
static int64_t since(const struct quiet *quiet, int64_t last_received_ms, int64_t now_ms,
                     int64_t utc_ms)
{
    int64_t age = utc_ms - last_received_ms, most = now_ms - quiet->start_ms;
    age = age < 0 ? 0 : age > most ? most : age;
    return now_ms - age;
}

static struct entry *find(struct quiet *quiet, const char *study)
{
    for (size_t i = 0; i < quiet->count; i++)
        if (strcmp(quiet->list[i].study, study) == 0)
            return &quiet->list[i];
    return NULL;
}

static struct entry *add(struct quiet *quiet, const char *study)
{
    if (quiet->count == quiet->room) {
        size_t room = quiet->room ? 2 * quiet->room : 16;
        struct entry *list = reallocarray(quiet->list, room, sizeof *list);
        if (!list)
            return NULL;
        quiet->list = list;
        quiet->room = room;
    }
    struct entry *entry = &quiet->list[quiet->count++];
    memset(entry, 0, sizeof *entry);
    snprintf(entry->study, sizeof entry->study, "%s", study);
    entry->last_received_ms = INT64_MIN;
    return entry;
}

int64_t quiet_left(struct quiet *quiet, const char *study, int64_t last_received_ms, int64_t now_ms,
                   int64_t utc_ms)
{
    struct entry *entry = find(quiet, study);
    if (!entry)
        entry = add(quiet, study);
    if (!entry)
        return quiet->quiet_ms; /* no memory now: later */
    entry->named = true;
    if (entry->last_received_ms != last_received_ms) {
        entry->last_received_ms = last_received_ms;
        entry->since_ms = since(quiet, last_received_ms, now_ms, utc_ms);
    }
    return entry->since_ms + quiet->quiet_ms - now_ms;
}
