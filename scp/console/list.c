/* The reading worklist, as the page gets it: made once whenever the job store changed, and sent to
 * everybody. */
#include "console.h"

#include "audit.h"
#include "clock.h"
#include "json_time.h"
#include "worklist/list.h"
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS   500    /* at most so often: a busy node changes the store all the time */
#define WARM_MS   600000 /* kept ready after a start and a look: who looks again need not wait */
#define READ_MOST 200

struct list {
    int64_t change; /* of the store, when it was read */
    int64_t look_at;
    int64_t warm_until;
    int64_t revision; /* 0: not read yet */
    enum conf_mode mode;
    unsigned char digest[SHA256_DIGEST_LENGTH]; /* of entries */
    char *entries;                              /* JSON array */
    uint64_t band[3];                           /* studies in each */
};

struct list *list_create(void)
{
    struct list *list = calloc(1, sizeof *list);
    if (list != NULL)
        list->warm_until = clock_monotonic_ms() + WARM_MS;
    return list;
}

void list_destroy(struct list *list)
{
    if (list != NULL)
        free(list->entries);
    free(list);
}

/* malloc; NULL: no memory. */
static char *entries_text(const struct store_entry *entries, size_t count)
{
    char *text = NULL, entry[WORKLIST_ENTRY_MAX];
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (to == NULL)
        return NULL;
    (void)fputc('[', to);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            (void)fputs(",\n", to);
        (void)fwrite(entry, 1, worklist_entry_text(&entries[i], i + 1, entry), to);
    }
    (void)fputc(']', to);
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}

/* The entries anew; false: they cannot be read. */
static bool read_entries(struct console *console)
{
    struct list *list = console->list;
    struct store_entry *entries;
    size_t count;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (worklist_read(console->node->conf, console->store, &entries, &count) != STORE_OK)
        return false;
    char *text = entries_text(entries, count);
    memset(list->band, 0, sizeof list->band);
    for (size_t i = 0; i < count; i++)
        list->band[entries[i].place.priority.band]++;
    free(entries);
    if (text == NULL)
        return false;
    (void)SHA256((const unsigned char *)text, strlen(text), digest);
    enum conf_mode mode = node_mode(console->node->conf);
    if (list->revision == 0 || mode != list->mode ||
        memcmp(digest, list->digest, sizeof digest) != 0)
        list->revision = list->revision == 0 ? clock_utc_ms() : list->revision + 1;
    memcpy(list->digest, digest, sizeof digest);
    list->mode = mode;
    free(list->entries);
    list->entries = text;
    return true;
}

int64_t list_revision(struct console *console)
{
    struct list *list = console->list;
    int64_t change = 0, now = clock_monotonic_ms();
    if (list->revision != 0 && now < list->look_at)
        return list->revision;
    list->look_at = now + LOOK_MS;
    if (!console_store(console))
        return 0;
    if (store_change(console->store, &change) != STORE_OK) {
        console_close_store(console);
        return 0;
    }
    bool same = list->revision != 0 && change == list->change &&
                node_mode(console->node->conf) == list->mode;
    if (!same && !read_entries(console)) {
        console_close_store(console);
        list->revision = 0;
        return 0;
    }
    list->change = change;
    return list->revision;
}

void list_turn(struct console *console, int64_t now_ms)
{
    if (now_ms < console->list->warm_until)
        (void)list_revision(console);
}

const uint64_t *list_bands(struct console *console)
{
    return list_revision(console) != 0 ? console->list->band : NULL;
}

bool list_is_shown(const struct console *console, const struct session *session)
{
    return session->account.role == ROLE_ADMIN || node_mode(console->node->conf) != CONF_SHADOW;
}

static enum MHD_Result read_ones(struct console *console, const struct session *session,
                                 const struct http_request *request)
{
    size_t count = 0;
    struct store_entry *entries = calloc(READ_MOST, sizeof *entries);
    bool good = entries != NULL && console_store(console) &&
                (!list_is_shown(console, session) ||
                 store_read_list(console->store, entries, READ_MOST, &count) == STORE_OK);
    json_t *array = good ? json_array() : NULL;
    for (size_t i = 0; good && i < count; i++) {
        char when[25];
        json_t *entry = worklist_entry(&entries[i], i + 1);
        clock_iso(entries[i].read_ms, when);
        good = json_object_set_new(entry, "read", json_string(when)) == 0 &&
               json_array_append_new(array, entry) == 0;
    }
    free(entries);
    if (good)
        return http_json(request, MHD_HTTP_OK, json_pack("{s:o}", "entries", array));
    json_decref(array);
    return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the job store cannot be read now", 1);
}

/* {study} for its UID; quoted, or null. malloc; NULL: no memory. */
static char *viewer_text(const struct conf *conf)
{
    json_t *json = conf->web.viewer != NULL ? json_string(conf->web.viewer) : json_null();
    char *text = json_text(json, JSON_ENCODE_ANY);
    json_decref(json);
    return text;
}

/* The entries are text already: they are not made into JSON and back. */
enum MHD_Result list_page(struct console *console, struct visit *visit, struct session *session,
                          const char *tail)
{
    const struct http_request *request = &visit->request;
    struct list *list = console->list;
    if (strcmp(tail, "read") == 0)
        return read_ones(console, session, request);
    int64_t revision = list_revision(console);
    list->warm_until = clock_monotonic_ms() + WARM_MS;
    char now[25], *text = NULL;
    size_t size = 0;
    if (revision == 0)
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the job store cannot be read now",
                          1);
    if (!session->listed) /* the page asks again at each change: once a session is enough */
        audit_seen(console->node->conf, session->account.name, request->address, "worklist", "");
    session->listed = true;
    clock_iso(clock_utc_ms(), now);
    char *viewer = viewer_text(console->node->conf);
    FILE *to = viewer != NULL ? open_memstream(&text, &size) : NULL;
    if (to == NULL) {
        free(viewer);
        return MHD_NO;
    }
    (void)fprintf(to,
                  "{\"mode\": \"%s\", \"research\": %s, \"now\": \"%s\", \"revision\": %lld, "
                  "\"most\": %d, \"viewer\": %s, \"entries\": %s}",
                  conf_mode_name(list->mode), list->mode == CONF_CLINICAL ? "false" : "true", now,
                  (long long)revision, console->node->conf->list_most, viewer,
                  list_is_shown(console, session) ? list->entries : "[]");
    free(viewer);
    struct MHD_Response *response =
        fclose(to) == 0 ? MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response == NULL)
        free(text);
    else
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    return http_respond(request, MHD_HTTP_OK, response);
}
