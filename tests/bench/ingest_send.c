/* One association's sender, as fast as a sender can be: the dataset goes from its mapping into the
 * socket, several PDUs a call, TCP_NODELAY as every modality's toolkit sets it. No delayed
 * acknowledgement is avoided: a server that needs one waits for it here as it does in a hospital.
 */
#include "ingest_send.h"

#include "command.h"
#include "peer.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LONGEST  131072u /* PDU */
#define PER_CALL 16      /* PDUs */
#define CONTEXTS 32
#define SECONDS  60

struct sender {
    int fd;
    size_t room; /* bytes of a fragment */
    size_t contexts;
    const struct ingest_object *context[CONTEXTS]; /* its SOP class and transfer syntax */
};

static void add_number(struct script *to, uint32_t value, int bytes)
{
    while (bytes-- > 0) {
        uint8_t byte = (uint8_t)(value >> (8 * bytes));
        script_add(to, &byte, 1);
    }
}

static void add_item(struct script *to, uint8_t type, const void *bytes, size_t count)
{
    add_number(to, (uint32_t)type << 8, 2);
    add_number(to, (uint32_t)count, 2);
    script_add(to, bytes, count);
}

static size_t context_of(const struct sender *s, const struct ingest_object *object)
{
    size_t i = 0;
    while (i < s->contexts &&
           (strcmp(s->context[i]->sop_class, object->sop_class) != 0 ||
            strcmp(s->context[i]->transfer_syntax, object->transfer_syntax) != 0))
        i++;
    return i;
}

static void gather_contexts(struct sender *s, const struct ingest_object *objects, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (context_of(s, &objects[i]) == s->contexts) {
            if (s->contexts == CONTEXTS)
                ingest_die("too many SOP classes");
            s->context[s->contexts++] = &objects[i];
        }
}

/* PS3.8 9.3.2 */
static void request(const struct sender *s, const char *called, struct script *pdu)
{
    struct script body = {0}, user = {0};
    char titles[33];
    static const uint8_t reserved[32];
    add_number(&body, 0x00010000, 4);
    (void)snprintf(titles, sizeof titles, "%-16.16s%-16s", called, "BENCH");
    script_add(&body, titles, 32);
    script_add(&body, reserved, 32);
    add_item(&body, 0x10, "1.2.840.10008.3.1.1.1", 21);
    for (size_t i = 0; i < s->contexts; i++) {
        struct script context = {0};
        const struct ingest_object *o = s->context[i];
        add_number(&context, (uint32_t)(2 * i + 1) << 24, 4);
        add_item(&context, 0x30, o->sop_class, strlen(o->sop_class));
        add_item(&context, 0x40, o->transfer_syntax, strlen(o->transfer_syntax));
        add_item(&body, 0x20, context.bytes, context.count);
        script_finish(&context);
    }
    add_item(&user, 0x51, "\x00\x02\x00\x00", 4); /* 131072 */
    add_item(&user, 0x52, "1.2.3.4", 7);
    add_item(&body, 0x50, user.bytes, user.count);
    add_number(pdu, 0x0100, 2);
    add_number(pdu, (uint32_t)body.count, 4);
    script_add(pdu, body.bytes, body.count);
    script_finish(&body);
    script_finish(&user);
}

static size_t number(const uint8_t *at, int bytes)
{
    size_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | *at++;
    return value;
}

/* The longest PDU that the peer takes (PS3.8 D.1), and that it took every context. */
static size_t read_acceptance(const uint8_t *body, size_t size)
{
    size_t longest = 0;
    for (size_t at = 68; at + 4 <= size && body[at] != 0;) {
        size_t length = number(body + at + 2, 2);
        if (body[at] == 0x21 && body[at + 6] != 0)
            ingest_die("the peer refuses a presentation context");
        if (body[at] == 0x50 && body[at + 4] == 0x51)
            longest = number(body + at + 8, 4);
        at += 4 + length;
    }
    return longest == 0 || longest > LONGEST ? LONGEST : longest;
}

static void associate(struct sender *s, uint16_t port, const char *called)
{
    static uint8_t body[16384];
    struct script pdu = {0};
    int on = 1;
    s->fd = peer_connect(port);
    if (s->fd < 0 || setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        ingest_die("cannot connect to port %u", port);
    request(s, called, &pdu);
    if (peer_send(s->fd, pdu.bytes, pdu.count) != pdu.count ||
        peer_receive(s->fd, SECONDS, body, sizeof body) != 0x02)
        ingest_die("the association was not accepted");
    script_finish(&pdu);
    s->room = (read_acceptance(body, sizeof body) - 6) & ~(size_t)1;
}

static void write_all(int fd, struct iovec *part, int parts)
{
    while (parts > 0) {
        ssize_t put = writev(fd, part, parts);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            ingest_die("the peer is gone: %s", strerror(errno));
        size_t left = (size_t)put;
        while (parts > 0 && left >= part->iov_len) {
            left -= part->iov_len;
            part++;
            parts--;
        }
        if (parts > 0) {
            part->iov_base = (uint8_t *)part->iov_base + left;
            part->iov_len -= left;
        }
    }
}

static void pdv_header(uint8_t header[12], size_t count, size_t context, uint8_t control)
{
    uint32_t inner = (uint32_t)count + 2, outer = inner + 4;
    const uint8_t bytes[12] = {4,
                               0,
                               (uint8_t)(outer >> 24),
                               (uint8_t)(outer >> 16),
                               (uint8_t)(outer >> 8),
                               (uint8_t)outer,
                               (uint8_t)(inner >> 24),
                               (uint8_t)(inner >> 16),
                               (uint8_t)(inner >> 8),
                               (uint8_t)inner,
                               (uint8_t)(2 * context + 1),
                               control};
    memcpy(header, bytes, sizeof bytes);
}

static void send_dataset(const struct sender *s, const struct ingest_object *object, size_t context)
{
    uint8_t header[PER_CALL][12];
    struct iovec part[2 * PER_CALL];
    size_t at = object->offset;
    while (at < object->count) {
        int parts = 0;
        for (int i = 0; i < PER_CALL && at < object->count; i++) {
            size_t count = object->count - at < s->room ? object->count - at : s->room;
            pdv_header(header[i], count, context, at + count == object->count ? 2 : 0);
            part[parts++] = (struct iovec){header[i], sizeof header[i]};
            part[parts++] = (struct iovec){object->bytes + at, count};
            at += count;
        }
        write_all(s->fd, part, parts);
    }
}

static void store(const struct sender *s, struct ingest_object *object, uint16_t id)
{
    uint8_t bytes[12 + DX_COMMAND_TEXT], answer[1024];
    struct dx_command command = {.field = DX_C_STORE_RQ, .message_id = id};
    double begin = peer_now();
    size_t context = context_of(s, object);
    (void)snprintf(command.sop_class, sizeof command.sop_class, "%s", object->sop_class);
    (void)snprintf(command.sop_instance, sizeof command.sop_instance, "%s", object->sop_instance);
    size_t count = dx_command_write(&command, bytes + 12);
    pdv_header(bytes, count, context, 3);
    write_all(s->fd, &(struct iovec){bytes, 12 + count}, 1);
    send_dataset(s, object, context);
    if (peer_receive(s->fd, SECONDS, answer, sizeof answer) != 0x04)
        ingest_die("no answer to an object");
    int status = peer_status(answer, sizeof answer);
    if (status != 0)
        ingest_die("answered %04X", (unsigned)status);
    object->seconds = peer_now() - begin;
}

void ingest_send(uint16_t port, const char *called, struct ingest_object *objects, size_t count,
                 size_t first, size_t step)
{
    struct sender s = {.fd = -1};
    gather_contexts(&s, objects, count);
    associate(&s, port, called);
    for (size_t i = first; i < count; i += step)
        store(&s, &objects[i], (uint16_t)(i + 1));

    struct script release = {0};
    uint8_t body[16];
    script_release(&release);
    if (peer_send(s.fd, release.bytes, release.count) != release.count ||
        peer_receive(s.fd, SECONDS, body, sizeof body) != 0x06)
        ingest_die("the association was not released");
    script_finish(&release);
    (void)close(s.fd);
}
