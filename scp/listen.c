/* Listening sockets: bound here or passed by systemd. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG 4096

static int open_one(const struct addrinfo *at)
{
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* TCP_NODELAY is inherited by what is accepted: small answers wait for nothing. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int failed = -errno;
        (void)close(fd);
        return failed;
    }
    return fd;
}

int listen_open(const char *address, uint16_t port)
{
    char service[8];
    struct addrinfo *list = NULL;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    (void)snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &list) != 0 || list == NULL)
        return -EADDRNOTAVAIL;
    int fd = open_one(list);
    freeaddrinfo(list);
    return fd;
}

uint16_t listen_port(int fd)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof at;
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        return 0;
    if (at.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&at)->sin_port);
    return at.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&at)->sin6_port) : 0;
}

void listen_activated(int *dicom_fd, int *tls_fd, int *console_fd, int *orders_fd)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
            continue;
        int *place = strcmp(names[i], "console") == 0  ? console_fd
                     : strcmp(names[i], "tls") == 0    ? tls_fd
                     : strcmp(names[i], "orders") == 0 ? orders_fd
                                                       : dicom_fd;
        if (*place < 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
            *place = fd;
    }
    for (int i = 0; names != NULL && names[i] != NULL; i++)
        free(names[i]);
    free(names);
}
