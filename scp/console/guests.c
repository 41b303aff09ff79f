/* Connections of the console. */
#include "guests.h"

#include "log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTED_AT_ONCE 64

struct guest {
    struct guests *of;
    int fd; /* -1: nobody */
    struct in6_addr address;
    int64_t until_ms; /* 0: no deadline */
    int64_t whole_ms; /* of a large body; 0: none is on its way */
    bool turned_away, ended;
};

struct guests {
    struct guest_limits limits;
    int places;
    struct guest list[];
};

struct guests *guests_create(const struct guest_limits *limits)
{
    int places = limits->most + (limits->encrypted ? GUESTS_TURNED_AWAY : 0);
    struct guests *guests = calloc(1, sizeof *guests + (size_t)places * sizeof guests->list[0]);
    if (guests == NULL)
        return NULL;
    guests->limits = *limits;
    guests->places = places;
    for (int i = 0; i < places; i++)
        guests->list[i].fd = -1;
    return guests;
}

void guests_destroy(struct guests *guests)
{
    free(guests);
}

static struct in6_addr address_of(const struct sockaddr_storage *from)
{
    struct in6_addr address = IN6ADDR_ANY_INIT;
    if (from->ss_family == AF_INET6)
        address = ((const struct sockaddr_in6 *)from)->sin6_addr;
    else
        memcpy(address.s6_addr + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    return address;
}

/* A place for one from this address; NULL: there are too many. */
static struct guest *place_for(struct guests *guests, const struct in6_addr *address)
{
    struct guest *place = NULL;
    int same = 0;
    for (int i = 0; i < guests->limits.most; i++) {
        struct guest *guest = &guests->list[i];
        if (guest->fd < 0)
            place = place != NULL ? place : guest;
        else
            same += memcmp(&guest->address, address, sizeof *address) == 0;
    }
    return same < GUESTS_PER_ADDRESS ? place : NULL;
}

/* For one too many, to be told so; NULL: there is none. */
static struct guest *place_behind(struct guests *guests)
{
    for (int i = guests->limits.most; i < guests->places; i++)
        if (guests->list[i].fd < 0)
            return &guests->list[i];
    return NULL;
}

/* Said without reading: who is one too many costs nothing. What it sent is dropped unread, or the
 * close would be a reset that takes the answer with it. */
static void turn_away(int fd, bool encrypted)
{
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Content-Type: application/json\r\n"
                               "Retry-After: 5\r\n"
                               "Connection: close\r\n"
                               "Content-Length: 49\r\n\r\n"
                               "{\"error\": \"the console has too many connections\"}";
    char unread[4096];
    if (!encrypted)
        (void)send(fd, full, sizeof full - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    for (int i = 0; i < 16 && recv(fd, unread, sizeof unread, MSG_DONTWAIT) > 0; i++)
        continue;
    (void)close(fd);
}

void guests_accept(struct guests *guests, struct MHD_Daemon *daemon, int listening, int64_t now_ms)
{
    for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
        struct sockaddr_storage from;
        socklen_t length = sizeof from;
        const int yes = 1;
        int fd =
            accept4(listening, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        const struct in6_addr address = address_of(&from);
        struct guest *guest = place_for(guests, &address);
        bool turned_away = guest == NULL;
        if (turned_away)
            guest = place_behind(guests);
        if (guest == NULL) {
            turn_away(fd, guests->limits.encrypted);
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        *guest = (struct guest){.of = guests,
                                .fd = fd,
                                .turned_away = turned_away,
                                .address = address,
                                .until_ms = now_ms + guests->limits.request_ms};
        if (MHD_add_connection(daemon, fd, (struct sockaddr *)&from, length) != MHD_YES)
            guest->fd = -1; /* it has closed it */
    }
}

void guests_hurry(struct guests *guests, int64_t now_ms)
{
    for (int i = 0; i < guests->places; i++) {
        struct guest *guest = &guests->list[i];
        if (guest->fd >= 0 && !guest->ended && guest->until_ms != 0 && now_ms >= guest->until_ms) {
            guest->ended = true;
            (void)shutdown(guest->fd, SHUT_RDWR);
        }
    }
}

static struct guest *guest_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

void guests_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                   enum MHD_ConnectionNotificationCode what)
{
    struct guests *guests = context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct guest *gone = *socket_context;
        if (gone != NULL)
            gone->fd = -1;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    for (int i = 0; info != NULL && i < guests->places; i++)
        if (guests->list[i].fd == info->connect_fd)
            *socket_context = &guests->list[i];
}

bool guest_is_turned_away(struct MHD_Connection *connection)
{
    const struct guest *guest = guest_of(connection);
    return guest != NULL && guest->turned_away;
}

void guest_has_asked(struct MHD_Connection *connection, int64_t now_ms)
{
    struct guest *guest = guest_of(connection);
    if (guest != NULL)
        guest->until_ms = now_ms + guest->of->limits.answer_ms;
}

void guest_was_answered(struct MHD_Connection *connection, int64_t now_ms)
{
    struct guest *guest = guest_of(connection);
    if (guest == NULL)
        return;
    guest->until_ms = now_ms + guest->of->limits.request_ms;
    guest->whole_ms = 0;
}

void guest_listens(struct MHD_Connection *connection)
{
    struct guest *guest = guest_of(connection);
    if (guest != NULL)
        guest->until_ms = 0;
}

void guest_uploads(struct MHD_Connection *connection, int64_t now_ms, int64_t most_ms)
{
    struct guest *guest = guest_of(connection);
    if (guest != NULL)
        guest->whole_ms = now_ms + most_ms;
    guest_goes_on(connection, now_ms);
}

void guest_goes_on(struct MHD_Connection *connection, int64_t now_ms)
{
    struct guest *guest = guest_of(connection);
    if (guest == NULL || guest->whole_ms == 0)
        return;
    int64_t next = now_ms + guest->of->limits.request_ms;
    guest->until_ms = next < guest->whole_ms ? next : guest->whole_ms;
}
