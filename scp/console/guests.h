/* guests.h: the console's connections: accepted here, so that one too many gets an answer, and a
 * slow one an end.
 *
 * A guest has <console requestTime> to bring a whole request, counted from its connection or its
 * last answer, and answerTime to take an answer, streams aside; a large body has more, as long as
 * it keeps coming. libmicrohttpd owns the socket; it
 * is ended by shutting it down. */
#ifndef GUESTS_H
#define GUESTS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#define GUESTS_PER_ADDRESS 64
#define GUESTS_TURNED_AWAY 8 /* at a time */

struct guests;
struct guest;
struct guest_limits {
    int most; /* at a time */
    /* over TLS one too many must be let in to be told so: GUESTS_TURNED_AWAY more have a place, and
     * 503 is all that they hear; who comes then is just closed */
    bool encrypted;
    int64_t request_ms, answer_ms;
};
/* NULL: no memory. */
struct guests *guests_create(const struct guest_limits *limits);
void guests_destroy(struct guests *guests);

/* Takes whoever waits at the listening socket. */
void guests_accept(struct guests *guests, struct MHD_Daemon *daemon, int listening, int64_t now_ms);
/* Ends those that are too slow. */
void guests_hurry(struct guests *guests, int64_t now_ms);

/* MHD_NotifyConnectionCallback; context: the guests. */
void guests_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                   enum MHD_ConnectionNotificationCode what);
/* One too many: it gets 503, whatever it asks. */
bool guest_is_turned_away(struct MHD_Connection *connection);
/* The request is whole / has been answered / waits, or is answered, without end. */
void guest_has_asked(struct MHD_Connection *connection, int64_t now_ms);
void guest_was_answered(struct MHD_Connection *connection, int64_t now_ms);
void guest_listens(struct MHD_Connection *connection);
/* A large body has begun, which must be whole within most_ms / has gone on. */
void guest_uploads(struct MHD_Connection *connection, int64_t now_ms, int64_t most_ms);
void guest_goes_on(struct MHD_Connection *connection, int64_t now_ms);

#endif
