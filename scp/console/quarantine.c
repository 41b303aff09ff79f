/* GET /api/v1/node/quarantine: what is set aside for a person, each list at most LIST_MOST long.
 *
 *   objects  not processed for a technical reason; ?before=ID: those with smaller ids
 *   refused  bytes that were refused at the door, of quarantine/
 *   parked   deliveries that a destination refused for good
 *
 * Of an object is told what the association's process wrote down of it: nothing here opens a
 * dataset, and what broke one reader is not given to another. */
#include "console.h"

#include "audit.h"
#include "json_time.h"
#include "printable.h"
#include "spool.h"
#include "store_keep.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_MOST 100
#define TEXT_MOST 1024 /* scp/receive/assoc.c writes no more */

static json_t *object_json(const struct instance *i)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:I, s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
                     "s:s, s:s}",
                     "id", (json_int_t)i->id, "reason", srt_reason_name(i->reason), "words",
                     srt_reason_words(i->reason), "detail", i->detail, "received",
                     json_time(i->received_ms), "bytes", (json_int_t)i->bytes, "deaths", i->deaths,
                     "attempts", i->attempts, "calling", i->calling, "address", i->address, "study",
                     i->study, "series", i->series, "sop_instance", i->sop_instance, "sop_class",
                     i->sop_class, "transfer_syntax", i->transfer_syntax, "digest", i->digest,
                     "rule", i->rule);
}

static json_t *list_objects(struct console *console, int64_t before, bool *more, size_t *total)
{
    size_t count = 0;
    struct instance *list = calloc(LIST_MOST + 1, sizeof *list);
    bool read =
        list != NULL &&
        store_quarantined(console->store, before, list, LIST_MOST + 1, &count) == STORE_OK &&
        store_count_quarantined(console->store, total) == STORE_OK;
    json_t *array = read ? json_array() : NULL;
    for (size_t i = 0; read && i < count && i < LIST_MOST; i++) {
        printable_instance(&list[i]);
        (void)json_array_append_new(array, object_json(&list[i]));
    }
    *more = count > LIST_MOST;
    free(list);
    return array;
}

static json_t *list_parked(struct console *console, bool *more)
{
    size_t count = 0;
    struct delivery *list = calloc(LIST_MOST + 1, sizeof *list);
    bool read =
        list != NULL && store_parked(console->store, list, LIST_MOST + 1, &count) == STORE_OK;
    json_t *array = read ? json_array() : NULL;
    for (size_t i = 0; read && i < count && i < LIST_MOST; i++)
        (void)json_array_append_new(
            array,
            json_pack("{s:o, s:s, s:s, s:s, s:o, s:i, s:s}", "id",
                      json_sprintf("d%lld", (long long)list[i].id), "destination",
                      list[i].destination, "kind", result_kind_name(list[i].result.kind), "study",
                      list[i].result.study, "parked", json_time(list[i].next_ms), "attempts",
                      list[i].attempts, "reason", printable(list[i].last_error)));
    *more = count > LIST_MOST;
    free(list);
    return array;
}

/* ---- refused bytes ---- */

struct refused {
    char name[33];
    int64_t at_ms;
    uint64_t bytes;
};

static int newer(const void *a, const void *b)
{
    const struct refused *x = a, *y = b;
    return x->at_ms < y->at_ms ? 1 : x->at_ms > y->at_ms ? -1 : strcmp(x->name, y->name);
}

static size_t find_refused(const struct conf *conf, struct refused *list, size_t room)
{
    char path[PATH_MAX];
    size_t count = 0;
    node_path(conf, path, sizeof path, "quarantine");
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder != NULL && count < room && (entry = readdir(folder)) != NULL) {
        struct stat at;
        if (strspn(entry->d_name, "0123456789abcdef") != 32 ||
            strcmp(entry->d_name + 32, ".dcm") != 0 ||
            fstatat(dirfd(folder), entry->d_name, &at, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        list[count] = (struct refused){.at_ms = at.st_mtim.tv_sec * INT64_C(1000),
                                       .bytes = (uint64_t)at.st_size};
        memcpy(list[count++].name, entry->d_name, 32);
    }
    if (folder != NULL)
        (void)closedir(folder);
    qsort(list, count, sizeof *list, newer);
    return count;
}

/* What stands beside the bytes: lines of "name: value". Peers' words are in it: what is no UTF-8 is
 * not told. */
static json_t *facts_of(const struct conf *conf, const char *name)
{
    char path[PATH_MAX], text[TEXT_MOST + 1], *rest = NULL;
    json_t *facts = json_object();
    node_path(conf, path, sizeof path, "quarantine/%s.txt", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? read(fd, text, TEXT_MOST) : 0;
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *value = strstr(line, ": ");
        if (value == NULL)
            continue;
        *value = '\0';
        json_t *string = json_string(value + 2);
        (void)json_object_set_new(facts, line, string != NULL ? string : json_string("(no text)"));
    }
    return facts;
}

static json_t *list_refused(const struct conf *conf, size_t *total)
{
    size_t most = conf->limits.quarantine_objects;
    struct refused *list = calloc(most, sizeof *list);
    json_t *array = list != NULL ? json_array() : NULL;
    *total = list != NULL ? find_refused(conf, list, most) : 0;
    for (size_t i = 0; i < *total && i < LIST_MOST; i++)
        (void)json_array_append_new(
            array, json_pack("{s:o, s:o, s:I, s:o}", "id", json_sprintf("q%s", list[i].name), "at",
                             json_time(list[i].at_ms), "bytes", (json_int_t)list[i].bytes, "facts",
                             facts_of(conf, list[i].name)));
    free(list);
    return array;
}

enum MHD_Result quarantine_page(struct console *console, struct visit *visit,
                                struct session *session, const char *tail)
{
    const struct http_request *request = &visit->request;
    const struct conf *conf = console->node->conf;
    const char *word = http_argument(request, "before");
    char *end = NULL;
    bool more = false, more_parked = false;
    size_t total = 0, refusals = 0;
    (void)tail;
    int64_t before = word != NULL ? strtoll(word, &end, 10) : INT64_MAX;
    if (word != NULL && (end == word || *end != '\0' || before < 1))
        return http_error(request, MHD_HTTP_BAD_REQUEST, "before is a job's number", 0);
    bool open = console_store(console);
    json_t *objects = open ? list_objects(console, before, &more, &total) : NULL;
    json_t *parked = open ? list_parked(console, &more_parked) : NULL;
    json_t *refused = list_refused(conf, &refusals);
    if (objects == NULL || parked == NULL || refused == NULL) {
        json_decref(objects);
        json_decref(parked);
        json_decref(refused);
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the job store cannot be read now",
                          1);
    }
    audit_seen(conf, session->account.name, request->address, "quarantine", "");
    return http_json(request, MHD_HTTP_OK,
                     json_pack("{s:o, s:I, s:b, s:o, s:I, s:o, s:b, s:i}", "objects", objects,
                               "object_count", (json_int_t)total, "more", more, "refused", refused,
                               "refused_count", (json_int_t)refusals, "parked", parked,
                               "more_parked", more_parked, "quarantine_days",
                               conf->retention.quarantine_days));
}
