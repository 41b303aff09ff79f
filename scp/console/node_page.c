/* The node, in figures:
 *
 *   GET /api/v1/node                what `cervigate status --json` prints, the disk, what is set
 *                                   aside
 *   GET /api/v1/node/configuration  what `cervigate check --print-effective` prints, webhooks'
 *                                   addresses cut, and what became of the last reload */
#include "console.h"

#include "clock.h"
#include "health_json.h"
#include "reloaded.h"
#include "store_keep.h"
#include <stdlib.h>
#include <sys/statvfs.h>

/* The configuration names hosts and files, but no secret: those stand in files of their own, or
 * behind the host in a webhook's address. */
static json_t *configuration_of(const struct conf *conf)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (to == NULL)
        return NULL;
    conf_print_shown(conf, to);
    json_t *json = fclose(to) == 0 ? json_string(text) : NULL;
    free(text);
    return json;
}

/* What became of the last reload; null: there was none. */
static json_t *reload_of(const struct conf *conf)
{
    static struct reloaded reloaded;
    char at[25];
    if (!reloaded_read(conf, &reloaded))
        return json_null();
    clock_iso(reloaded.at_ms, at);
    json_t *words = json_string(reloaded.words);
    return json_pack("{s:s, s:s, s:b, s:I, s:o}", "at", at, "who", reloaded.who, "taken",
                     reloaded.taken, "changes", (json_int_t)reloaded.changes, "words",
                     words != NULL ? words : json_string("(not in UTF-8)"));
}

enum MHD_Result configuration_page(struct console *console, struct visit *visit,
                                   struct session *session, const char *tail)
{
    const struct conf *conf = console->node->conf;
    (void)session;
    (void)tail;
    return http_json(&visit->request, MHD_HTTP_OK,
                     json_pack("{s:s, s:o, s:o}", "file", conf->path, "effective",
                               configuration_of(conf), "reload", reload_of(conf)));
}

/* Bytes; objects and results as the job store counts them. */
static json_t *disk_of(struct console *console, const struct health *health)
{
    struct statvfs at;
    uint64_t objects = 0, results = 0, size = 0;
    const struct conf *conf = console->node->conf;
    const struct conf_retention *keep = &conf->retention;
    if (statvfs(conf->spool, &at) == 0 &&
        __builtin_mul_overflow((uint64_t)at.f_blocks, (uint64_t)at.f_frsize, &size))
        size = 0;
    if (console->store != NULL && store_kept_bytes(console->store, &objects, &results) != STORE_OK)
        objects = results = 0;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:{s:i, s:i, s:i, s:i, s:i, s:I}}", "free",
                     (json_int_t)health->free_bytes, "size", (json_int_t)size, "reserve",
                     (json_int_t)conf->limits.spool_reserve_bytes, "objects", (json_int_t)objects,
                     "results", (json_int_t)results, "retention", "objects", keep->object_days,
                     "results", keep->result_days, "parked", keep->parked_days, "quarantine",
                     keep->quarantine_days, "rows", keep->row_days, "space",
                     (json_int_t)keep->space_bytes);
}

static json_t *quarantined(struct console *console)
{
    size_t count = 0;
    bool read =
        console->store != NULL && store_count_quarantined(console->store, &count) == STORE_OK;
    return read ? json_integer((json_int_t)count) : json_null();
}

enum MHD_Result node_page(struct console *console, struct visit *visit, struct session *session,
                          const char *tail)
{
    struct health health;
    struct store_counts counts;
    (void)session;
    (void)tail;
    bool read = console_health(console, &health, &counts);
    json_t *all = read ? health_json_status(console->node->conf, &health, &counts) : NULL;
    if (all != NULL) {
        (void)json_object_set_new(all, "disk", disk_of(console, &health));
        (void)json_object_set_new(all, "quarantined", quarantined(console));
    }
    health_finish(&health);
    return http_json(&visit->request, MHD_HTTP_OK, all);
}
