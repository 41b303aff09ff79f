/* mllp.h: HL7's Minimal Lower Layer Protocol: <VT> message <FS><CR>, read, and asked as a client.
 *
 * Reading is a small machine over bytes, in memory of the caller's that never grows. Between
 * messages everything is skipped and counted: how much of it is borne is the caller's. FS ends a
 * message; the CR behind it is not waited for, since some never send it. A VT within a message
 * begins a new one: its sender had broken off. */
#ifndef MLLP_H
#define MLLP_H

#include "connection.h"

struct mllp_reader {
    char *bytes;
    size_t most, count, skipped; /* skipped: bytes outside of messages, CR and LF aside */
    bool is_inside, is_cut, is_whole;
};
void mllp_reader_init(struct mllp_reader *reader, char *bytes, size_t most);

enum mllp_found {
    MLLP_MORE,    /* all bytes are taken; more are wanted */
    MLLP_MESSAGE, /* reader->bytes, reader->count: until the next call */
    MLLP_CUT      /* the same, but it was longer: its end is missing */
};
/* Takes bytes from *in until a message is whole; call again with what is left. */
enum mllp_found mllp_read(struct mllp_reader *reader, const char **in, size_t *count);
/* Whether a message has begun and not ended. */
bool mllp_is_inside(const struct mllp_reader *reader);

/* Connects, sends one message and waits for one answer, all within so many seconds. answer: at most
 * `most` bytes, of which *count came. False: why says what went wrong with the connection. */
bool mllp_ask(const struct connection_peer *peer, const char *message, size_t size, int seconds,
              char *answer, size_t most, size_t *count, char *why, size_t why_size);

#endif
