/* Server-sent events: each stream is told that the list or the node's health changed, and fetches
 * what it wants. A stream without news is suspended. */
#include "console.h"

#include "clock.h"
#include "guests.h"
#include "json_time.h"
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMENT_MS  15000
#define HEALTH_MS   2000
#define EVENT_MAX   8192
#define PER_SESSION 8

struct stream {
    struct console *console;
    struct MHD_Connection *connection;
    unsigned char session[32];
    struct stream *next;
    int64_t list; /* that it was told of; -1: nothing yet */
    int64_t health;
    int64_t comment_at;
    bool suspended, over;
    size_t length, sent;
    char text[EVENT_MAX];
};

struct events {
    struct stream *first;
    int count;
    int64_t list, health;
    int64_t health_at;
    char node[EVENT_MAX / 2]; /* {"well": ..., "why": ...} */
};

struct events *events_create(void)
{
    return calloc(1, sizeof(struct events));
}

void events_destroy(struct events *events)
{
    free(events);
}

/* What the stream has not been told yet, as text; a comment when nothing was said for long. */
static void say(struct stream *stream, int64_t now_ms)
{
    const struct events *events = stream->console->events;
    int length = 0;
    stream->sent = stream->length = 0;
    if (stream->list != events->list && events->list != 0)
        length =
            snprintf(stream->text, sizeof stream->text,
                     "event: worklist\ndata: {\"revision\": %lld}\n\n", (long long)events->list);
    if (stream->health != events->health && events->health != 0)
        length += snprintf(stream->text + length, sizeof stream->text - (size_t)length,
                           "event: node\ndata: %s\n\n", events->node);
    if (length == 0 && now_ms >= stream->comment_at)
        length = snprintf(stream->text, sizeof stream->text, ":\n\n");
    if (length == 0)
        return;
    stream->list = events->list != 0 ? events->list : stream->list;
    stream->health = events->health;
    stream->length = (size_t)length;
    stream->comment_at = now_ms + COMMENT_MS;
}

/* MHD_ContentReaderCallback. */
static ssize_t read_stream(void *context, uint64_t position, char *buffer, size_t room)
{
    struct stream *stream = context;
    (void)position;
    if (stream->over)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (stream->sent == stream->length)
        say(stream, clock_monotonic_ms());
    size_t left = stream->length - stream->sent;
    if (left == 0) {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
        return 0;
    }
    size_t n = left < room ? left : room;
    memcpy(buffer, stream->text + stream->sent, n);
    stream->sent += n;
    return (ssize_t)n;
}

static void leave(void *context)
{
    struct stream *stream = context;
    struct events *events = stream->console->events;
    for (struct stream **at = &events->first; *at != NULL; at = &(*at)->next)
        if (*at == stream) {
            *at = stream->next;
            events->count--;
            break;
        }
    free(stream);
}

static int streams_of(const struct events *events, const struct session *session)
{
    int count = 0;
    for (const struct stream *s = events->first; s != NULL; s = s->next)
        count += memcmp(s->session, session->digest, sizeof s->session) == 0;
    return count;
}

enum MHD_Result events_page(struct console *console, struct visit *visit, struct session *session,
                            const char *tail)
{
    const struct http_request *request = &visit->request;
    struct events *events = console->events;
    (void)tail;
    if (events->count >= console->node->conf->web.streams ||
        streams_of(events, session) >= PER_SESSION)
        return http_turn_away(request, "the console has too many open pages; close one", 15);
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return MHD_NO;
    stream->console = console;
    stream->connection = request->connection;
    stream->list = stream->health = -1;
    memcpy(stream->session, session->digest, sizeof stream->session);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, EVENT_MAX, read_stream, stream, leave);
    if (response == NULL) {
        free(stream);
        return MHD_NO;
    }
    stream->next = events->first;
    events->first = stream;
    events->count++;
    guest_listens(request->connection);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    (void)MHD_add_response_header(response, "X-Accel-Buffering", "no");
    return http_respond(request, MHD_HTTP_OK, response);
}

static void look_at_health(struct console *console, int64_t now_ms)
{
    struct events *events = console->events;
    bool well;
    if (now_ms < events->health_at)
        return;
    events->health_at = now_ms + HEALTH_MS;
    json_t *why = health_page_why(console, &well);
    json_t *all = json_pack("{s:b, s:o}", "well", well, "why", why != NULL ? why : json_array());
    char *text = json_text(all, JSON_COMPACT);
    json_decref(all);
    if (text != NULL && strlen(text) >= sizeof events->node) { /* too much for one event */
        free(text);
        text = strdup("{\"well\": false, \"why\": null}");
    }
    if (text != NULL && strcmp(text, events->node) != 0) {
        (void)snprintf(events->node, sizeof events->node, "%s", text);
        events->health++;
    }
    free(text);
}

static bool has_news(const struct stream *stream, int64_t now_ms)
{
    const struct events *events = stream->console->events;
    return stream->over || (events->list != 0 && stream->list != events->list) ||
           stream->health != events->health || now_ms >= stream->comment_at;
}

void events_turn(struct console *console, int64_t now_ms)
{
    struct events *events = console->events;
    if (events->first == NULL)
        return;
    events->list = list_revision(console);
    look_at_health(console, now_ms);
    for (struct stream *s = events->first; s != NULL; s = s->next) {
        s->over = s->over || !session_is_alive(console->sessions, s->session, now_ms);
        if (s->suspended && has_news(s, now_ms)) {
            s->suspended = false;
            MHD_resume_connection(s->connection);
        }
    }
}

void events_end(struct console *console)
{
    struct events *events = console->events;
    for (struct stream *s = events != NULL ? events->first : NULL; s != NULL; s = s->next) {
        s->over = true;
        if (s->suspended)
            MHD_resume_connection(s->connection);
        s->suspended = false;
    }
}
