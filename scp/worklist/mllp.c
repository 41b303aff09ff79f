#include "mllp.h"

#include "clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VT         0x0b
#define FS         0x1c
#define END_MS     1000  /* to say the end in order; nothing depends on it */
#define NOISE_MOST 65536 /* bytes outside of the answer that are borne */

void mllp_reader_init(struct mllp_reader *reader, char *bytes, size_t most)
{
    *reader = (struct mllp_reader){.bytes = bytes, .most = most};
}

static void take(struct mllp_reader *reader, char c)
{
    if (c == VT) {
        reader->is_inside = true;
        reader->is_cut = false;
        reader->count = 0;
    } else if (!reader->is_inside) {
        reader->skipped += c != '\r' && c != '\n';
    } else if (c == FS) {
        reader->is_inside = false;
        reader->is_whole = true;
    } else if (reader->count < reader->most) {
        reader->bytes[reader->count++] = c;
    } else {
        reader->is_cut = true;
    }
}

enum mllp_found mllp_read(struct mllp_reader *reader, const char **in, size_t *count)
{
    reader->is_whole = false;
    while (*count > 0 && !reader->is_whole) {
        take(reader, **in);
        ++*in;
        --*count;
    }
    return !reader->is_whole ? MLLP_MORE : reader->is_cut ? MLLP_CUT : MLLP_MESSAGE;
}

bool mllp_is_inside(const struct mllp_reader *reader)
{
    return reader->is_inside;
}

/* ---- the client ---- */

static bool fail(char *why, size_t size, const char *text)
{
    (void)snprintf(why, size, "%s", text);
    return false;
}

static bool send_framed(struct connection *connection, const char *message, size_t size,
                        int64_t until, char *why, size_t why_size)
{
    char *frame = malloc(size + 3);
    if (frame == NULL)
        return fail(why, why_size, "out of memory");
    frame[0] = VT;
    memcpy(frame + 1, message, size);
    frame[size + 1] = FS;
    frame[size + 2] = '\r';
    bool sent = connection_send(connection, frame, size + 3, until, why, why_size);
    free(frame);
    return sent;
}

static bool fail_broken(char *why, size_t size)
{
    const char *alert = connection_alert();
    if (alert == NULL)
        return fail(why, size, "the connection broke before an answer");
    (void)snprintf(why, size, "TLS: the receiver refuses: %s", alert);
    return false;
}

static bool await(struct connection *connection, struct mllp_reader *reader, int64_t until,
                  char *why, size_t size)
{
    char bytes[4096];
    for (;;) {
        ssize_t n = connection_read(connection, bytes, sizeof bytes);
        const char *in = bytes;
        size_t count = n > 0 ? (size_t)n : 0;
        enum mllp_found found = mllp_read(reader, &in, &count);
        if (found == MLLP_MESSAGE)
            return true;
        if (found == MLLP_CUT)
            return fail(why, size, "the answer is too long");
        if (reader->skipped > NOISE_MOST)
            return fail(why, size, "what it sends is no MLLP");
        if (n == CONNECTION_BROKEN)
            return fail_broken(why, size);
        if (n == CONNECTION_ENDED)
            return fail(why, size,
                        mllp_is_inside(reader) ? "closed within the answer"
                        : reader->skipped > 0  ? "what it sends is no MLLP"
                                               : "closed without an answer");
        if (clock_monotonic_ms() >= until || (n == 0 && !connection_wait(connection, until)))
            return fail(why, size,
                        mllp_is_inside(reader) ? "half an answer in time" : "no answer in time");
    }
}

bool mllp_ask(const struct connection_peer *peer, const char *message, size_t size, int seconds,
              char *answer, size_t most, size_t *count, char *why, size_t why_size)
{
    const int64_t until = clock_monotonic_ms() + (int64_t)seconds * 1000;
    struct mllp_reader reader;
    why[0] = '\0';
    struct connection *connection = connection_create(peer, why, why_size);
    if (connection == NULL)
        return why[0] != '\0' ? false : fail(why, why_size, "out of memory");
    mllp_reader_init(&reader, answer, most);
    bool answered = connection_open(connection, until, why, why_size) &&
                    send_framed(connection, message, size, until, why, why_size) &&
                    await(connection, &reader, until, why, why_size);
    if (answered)
        (void)connection_say_end(connection, clock_monotonic_ms() + END_MS);
    connection_destroy(connection);
    *count = answered ? reader.count : 0;
    return answered;
}
