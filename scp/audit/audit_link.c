/* The collector's connection. */
#include "audit_link.h"

#include "clock.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define STEP_MS    15000 /* connecting and shaking hands; sending */
#define CONFIRM_MS 10000

struct audit_link {
    struct connection *connection;
};

static struct connection_peer collector_of(const struct conf *conf)
{
    const struct conf_audit *audit = &conf->audit;
    return (struct connection_peer){.who = "collector",
                                    .host = audit->host,
                                    .port = audit->port,
                                    .tls = audit->transport != CONF_TCP,
                                    .name = audit->server_name,
                                    .authorities = audit->ca,
                                    .certificate = audit->certificate,
                                    .key = audit->key};
}

void audit_link_judge(const struct conf *conf, char why[CONNECTION_FILES][CONNECTION_WHY])
{
    const struct connection_peer peer = collector_of(conf);
    connection_judge(&peer, why);
}

struct audit_link *audit_link_create(const struct conf *conf, char *error, size_t size)
{
    const struct connection_peer peer = collector_of(conf);
    struct audit_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        (void)snprintf(error, size, "out of memory");
        return NULL;
    }
    link->connection = connection_create(&peer, error, size);
    if (link->connection != NULL)
        return link;
    free(link);
    return NULL;
}

void audit_link_destroy(struct audit_link *link)
{
    if (link == NULL)
        return;
    connection_destroy(link->connection);
    free(link);
}

bool audit_link_open(struct audit_link *link, char *error, size_t size)
{
    return connection_open(link->connection, clock_monotonic_ms() + STEP_MS, error, size);
}

bool audit_link_is_open(const struct audit_link *link)
{
    return connection_is_open(link->connection);
}

int audit_link_fd(const struct audit_link *link)
{
    return connection_fd(link->connection);
}

bool audit_link_send(struct audit_link *link, const char *bytes, size_t count, char *error,
                     size_t size)
{
    return connection_send(link->connection, bytes, count, clock_monotonic_ms() + STEP_MS, error,
                           size);
}

/* Whatever a collector says is read and dropped. */
static ssize_t read_some(struct audit_link *link)
{
    char bytes[1024];
    return connection_read(link->connection, bytes, sizeof bytes);
}

bool audit_link_has_ended(struct audit_link *link)
{
    ssize_t said = 1;
    for (int i = 0; i < 64 && said > 0; i++)
        said = read_some(link);
    return said != 0; /* one that goes on talking, too */
}

/* Whether its kernel has all that was sent. */
static bool has_all(const struct audit_link *link)
{
    struct tcp_info info = {.tcpi_unacked = 1};
    socklen_t size = sizeof info;
    return getsockopt(connection_fd(link->connection), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0;
}

enum audit_confirm audit_link_confirm(struct audit_link *link)
{
    int64_t until = clock_monotonic_ms() + CONFIRM_MS;
    enum audit_confirm answer = AUDIT_LOST;
    ssize_t said = 0;
    if (connection_say_end(link->connection, until)) {
        while ((said = read_some(link)) >= 0)
            if (clock_monotonic_ms() >= until ||
                (said == 0 && !connection_wait(link->connection, until)))
                break;
        if (said == CONNECTION_ENDED)
            answer = AUDIT_CONFIRMED;
        else if (said >= 0 && has_all(link))
            answer = AUDIT_UNCONFIRMED;
    }
    connection_close(link->connection);
    return answer;
}

void audit_link_close(struct audit_link *link)
{
    connection_close(link->connection);
}
