#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void script_add(struct script *script, const void *bytes, size_t count)
{
    if (script->count + count > script->room) {
        script->room = 2 * (script->count + count) + 256;
        script->bytes = realloc(script->bytes, script->room);
        if (script->bytes == NULL)
            abort();
    }
    if (count > 0)
        memcpy(script->bytes + script->count, bytes, count);
    script->count += count;
}

void script_finish(struct script *script)
{
    free(script->bytes);
    memset(script, 0, sizeof *script);
}

static void add_big(struct script *script, uint32_t value, int bytes)
{
    for (int i = bytes; i-- > 0;) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        script_add(script, &byte, 1);
    }
}

static void add_item(struct script *script, uint8_t type, const void *bytes, size_t count)
{
    add_big(script, (uint32_t)type << 8, 2);
    add_big(script, (uint32_t)count, 2);
    script_add(script, bytes, count);
}

static void add_pdu(struct script *script, uint8_t type, const struct script *body)
{
    add_big(script, (uint32_t)type << 8, 2);
    add_big(script, (uint32_t)body->count, 4);
    script_add(script, body->bytes, body->count);
}

void script_associate(struct script *script, const char *calling, const char *called,
                      const char *abstract_syntax, const char *transfer_syntax)
{
    struct script body = {0}, context = {0}, user = {0};
    uint8_t reserved[32] = {0};
    char titles[33];

    add_big(&body, 1, 2); /* protocol version */
    add_big(&body, 0, 2);
    (void)snprintf(titles, sizeof titles, "%-16s%-16s", called, calling);
    script_add(&body, titles, 32);
    script_add(&body, reserved, 32);
    add_item(&body, 0x10, "1.2.840.10008.3.1.1.1", 21);

    add_big(&context, 0x01000000, 4); /* presentation context 1 */
    add_item(&context, 0x30, abstract_syntax, strlen(abstract_syntax));
    add_item(&context, 0x40, transfer_syntax, strlen(transfer_syntax));
    add_item(&body, 0x20, context.bytes, context.count);

    add_item(&user, 0x51, "\x00\x00\x40\x00", 4); /* maximum length 16384 */
    add_item(&user, 0x52, "1.2.3.4", 7);
    add_item(&body, 0x50, user.bytes, user.count);
    add_pdu(script, 0x01, &body);
    script_finish(&body);
    script_finish(&context);
    script_finish(&user);
}

void script_accept(struct script *script, uint8_t context, const char *transfer_syntax)
{
    struct script body = {0}, item = {0}, user = {0};
    uint8_t reserved[64] = {0};

    add_big(&body, 1, 2);
    add_big(&body, 0, 2);
    script_add(&body, reserved, 64);
    add_item(&body, 0x10, "1.2.840.10008.3.1.1.1", 21);
    add_big(&item, (uint32_t)context << 24, 4);
    add_item(&item, 0x40, transfer_syntax, strlen(transfer_syntax));
    add_item(&body, 0x21, item.bytes, item.count);
    add_item(&user, 0x51, "\x00\x00\x40\x00", 4);
    add_item(&user, 0x52, "1.2.3.4", 7);
    add_item(&body, 0x50, user.bytes, user.count);
    add_pdu(script, 0x02, &body);
    script_finish(&body);
    script_finish(&item);
    script_finish(&user);
}

void script_pdata(struct script *script, uint8_t control, const void *bytes, size_t count)
{
    struct script body = {0};

    add_big(&body, (uint32_t)count + 2, 4);
    add_big(&body, 0x0100u | control, 2); /* context 1 */
    script_add(&body, bytes, count);
    add_pdu(script, 0x04, &body);
    script_finish(&body);
}

void script_nested(struct script *to, int depth, bool is_explicit)
{
    static const uint8_t explicit_sq[] = {0x40, 0,    0x30, 0xa7, 'S',  'Q',  0,
                                          0,    0xff, 0xff, 0xff, 0xff, 0xfe, 0xff,
                                          0,    0xe0, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t command_sq[] = {0,    0,    0x00, 0x01, 0xff, 0xff, 0xff, 0xff,
                                         0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff};
    for (int i = 0; i < depth; i++)
        script_add(to, is_explicit ? explicit_sq : command_sq,
                   is_explicit ? sizeof explicit_sq : sizeof command_sq);
}

void script_fragments(struct script *script, bool is_command, const struct script *bytes)
{
    for (size_t at = 0; at < bytes->count;) {
        size_t part = bytes->count - at < 16384 ? bytes->count - at : 16384;
        uint8_t control = (uint8_t)((is_command ? 1 : 0) | (at + part == bytes->count ? 2 : 0));
        script_pdata(script, control, bytes->bytes + at, part);
        at += part;
    }
}

static void add_command_element(struct script *script, unsigned element, const void *value,
                                size_t count)
{
    uint8_t head[8] = {
        0, 0, (uint8_t)element, (uint8_t)(element >> 8), (uint8_t)count, (uint8_t)(count >> 8),
        0, 0};
    script_add(script, head, 8);
    script_add(script, value, count);
}

void script_store_command(struct script *script, const char *instance)
{
    struct script command = {0};

    add_command_element(&command, 0x0002, "1.2.840.10008.5.1.4.1.1.7\0", 26);
    add_command_element(&command, 0x0100, "\x01\x00", 2);
    add_command_element(&command, 0x0110, "\x01\x00", 2);
    add_command_element(&command, 0x0700, "\x00\x00", 2);
    add_command_element(&command, 0x0800, "\x01\x00", 2);
    add_command_element(&command, 0x1000, instance, strlen(instance));
    script_pdata(script, 3, command.bytes, command.count);
    script_finish(&command);
}

void script_release(struct script *script)
{
    script_add(script, "\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00", 10);
}

void script_abort(struct script *script)
{
    script_add(script, "\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00", 10);
}

int peer_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

size_t peer_send(int fd, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;
    size_t sent = 0;

    while (sent < count) {
        ssize_t put = send(fd, from + sent, count - sent, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            break;
        sent += (size_t)put;
    }
    return sent;
}

double peer_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* 1: all came; 0: closed; -1: too late. */
static int receive_all(int fd, double until, uint8_t *bytes, size_t count)
{
    while (count > 0) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        double left = until - peer_now();
        if (left <= 0 || poll(&wait, 1, (int)(left * 1000) + 1) <= 0)
            return -1;
        ssize_t got = recv(fd, bytes, count, 0);
        if (got <= 0)
            return 0;
        bytes += got;
        count -= (size_t)got;
    }
    return 1;
}

int peer_receive(int fd, double seconds, uint8_t *body, size_t size)
{
    const char *slow = getenv("CERVIGATE_SLOW"); /* scripts/sanitize: how many times */
    double until = peer_now() + seconds * (slow != NULL ? atoi(slow) : 1);
    uint8_t head[6], spare[512];

    memset(body, 0, size);
    int result = receive_all(fd, until, head, sizeof head);
    if (result <= 0)
        return result;
    size_t length = (size_t)head[2] << 24 | (size_t)head[3] << 16 | (size_t)head[4] << 8 | head[5];
    size_t kept = length < size ? length : size;
    result = receive_all(fd, until, body, kept);
    for (length -= kept; result > 0 && length > 0;) {
        size_t part = length < sizeof spare ? length : sizeof spare;
        result = receive_all(fd, until, spare, part);
        length -= part;
    }
    return result <= 0 ? result : head[0];
}

int peer_status(const uint8_t *body, size_t count)
{
    static const uint8_t tag[8] = {0, 0, 0x00, 0x09, 2, 0, 0, 0};
    for (size_t i = 0; i + 10 <= count; i++)
        if (memcmp(body + i, tag, 8) == 0)
            return body[i + 8] | body[i + 9] << 8;
    return -1;
}
