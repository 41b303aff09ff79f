/* What one process at its best needs to make objects durable, and the sink that needs nothing. */
#include "ingest_send.h"

#include "command.h"
#include "peer.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void need_sql(sqlite3 *db, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE)
        ingest_die("SQLite: %s", sqlite3_errmsg(db));
}

static void keep(const char *folder, const struct ingest_object *object, int directory)
{
    char from[PATH_MAX], to[PATH_MAX];
    (void)snprintf(from, sizeof from, "%s/incoming", folder);
    (void)snprintf(to, sizeof to, "%s/objects/%s", folder, object->sop_instance);
    int fd = open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    for (size_t done = 0; fd >= 0 && done < object->count;) {
        ssize_t put = write(fd, object->bytes + done, object->count - done);
        if (put < 0)
            ingest_die("cannot write: %s", strerror(errno));
        done += (size_t)put;
    }
    if (fd < 0 || fsync(fd) != 0 || rename(from, to) != 0 || fsync(directory) != 0 ||
        close(fd) != 0)
        ingest_die("cannot keep %s: %s", to, strerror(errno));
}

void ingest_floor(const char *folder, struct ingest_object *objects, size_t count)
{
    char path[PATH_MAX];
    sqlite3 *db;
    sqlite3_stmt *insert;
    (void)snprintf(path, sizeof path, "%s/floor.sqlite", folder);
    need_sql(NULL, sqlite3_open(path, &db));
    need_sql(db, sqlite3_exec(db,
                              "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
                              "CREATE TABLE object(uid TEXT PRIMARY KEY, path TEXT)",
                              NULL, NULL, NULL));
    need_sql(db, sqlite3_prepare_v2(db, "INSERT INTO object VALUES(?,?)", -1, &insert, NULL));
    (void)snprintf(path, sizeof path, "%s/objects", folder);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        ingest_die("no folder %s", path);

    for (size_t i = 0; i < count; i++) {
        double begin = peer_now();
        keep(folder, &objects[i], directory);
        need_sql(db, sqlite3_bind_text(insert, 1, objects[i].sop_instance, -1, SQLITE_STATIC));
        need_sql(db, sqlite3_bind_text(insert, 2, objects[i].path, -1, SQLITE_STATIC));
        need_sql(db, sqlite3_step(insert));
        need_sql(db, sqlite3_reset(insert));
        objects[i].seconds = peer_now() - begin;
    }
    need_sql(db, sqlite3_finalize(insert));
    need_sql(db, sqlite3_close(db));
    (void)close(directory);
}

/* Reads at least least bytes; the count in the buffer, or 0 at the end. */
static size_t read_more(int fd, uint8_t *buffer, size_t have, size_t room, size_t least)
{
    while (have < least) {
        ssize_t got = recv(fd, buffer + have, room - have, 0);
        if (got <= 0)
            return 0;
        have += (size_t)got;
    }
    return have;
}

/* One presentation context's answer for each that was proposed, the first transfer syntax. */
static void accept_all(const uint8_t *body, size_t size, struct script *to)
{
    struct script inner = {0};
    static const uint8_t reserved[64];
    script_add(&inner, "\x00\x01\x00\x00", 4);
    script_add(&inner, reserved, 64);
    script_add(&inner,
               "\x10\x00\x00\x15"
               "1.2.840.10008.3.1.1.1",
               25);
    for (size_t at = 68; at + 4 <= size;) {
        size_t length = (size_t)body[at + 2] << 8 | body[at + 3];
        if (body[at] == 0x20) {
            const uint8_t *abstract = body + at + 8;
            const uint8_t *transfer = abstract + 4 + ((size_t)abstract[2] << 8 | abstract[3]);
            size_t count = 4 + ((size_t)transfer[2] << 8 | transfer[3]);
            const uint8_t head[8] = {
                0x21, 0, (uint8_t)((count + 4) >> 8), (uint8_t)(count + 4), body[at + 4], 0, 0, 0};
            script_add(&inner, head, sizeof head);
            script_add(&inner, transfer, count);
        }
        at += 4 + length;
    }
    script_add(&inner,
               "\x50\x00\x00\x13\x51\x00\x00\x04\x00\x02\x00\x00\x52\x00\x00\x07"
               "1.2.3.4",
               23);
    const uint8_t head[6] = {2, 0, 0, 0, (uint8_t)(inner.count >> 8), (uint8_t)inner.count};
    script_add(to, head, sizeof head);
    script_add(to, inner.bytes, inner.count);
    script_finish(&inner);
}

static void answer(int fd, uint8_t context)
{
    uint8_t bytes[12 + DX_COMMAND_TEXT];
    const struct dx_command command = {.field = DX_C_STORE_RSP, .dataset_type = DX_NO_DATASET};
    size_t count = dx_command_write(&command, bytes + 12);
    const uint8_t head[12] = {4,
                              0,
                              0,
                              0,
                              (uint8_t)((count + 6) >> 8),
                              (uint8_t)(count + 6),
                              0,
                              0,
                              (uint8_t)((count + 2) >> 8),
                              (uint8_t)(count + 2),
                              context,
                              3};
    memcpy(bytes, head, sizeof head);
    (void)peer_send(fd, bytes, 12 + count);
}

static void serve(int fd)
{
    static uint8_t buffer[1 << 20];
    size_t have = 0;
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while ((have = read_more(fd, buffer, have, sizeof buffer, 6)) > 0) {
        size_t whole = 6 + ((size_t)buffer[2] << 24 | (size_t)buffer[3] << 16 |
                            (size_t)buffer[4] << 8 | buffer[5]);
        if (whole > sizeof buffer ||
            (have = read_more(fd, buffer, have, sizeof buffer, whole)) == 0)
            return;
        struct script reply = {0};
        if (buffer[0] == 1)
            accept_all(buffer + 6, whole - 6, &reply);
        else if (buffer[0] == 4 && (buffer[11] & 3) == 2)
            answer(fd, buffer[10]);
        else if (buffer[0] == 5)
            script_add(&reply, "\x06\x00\x00\x00\x00\x04\x00\x00\x00\x00", 10);
        (void)peer_send(fd, reply.bytes, reply.count);
        script_finish(&reply);
        memmove(buffer, buffer + whole, have - whole);
        have -= whole;
    }
}

void ingest_sink(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, size) != 0 ||
        listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&at, &size) != 0)
        ingest_die("cannot listen");
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        serve(fd);
        (void)close(fd);
    }
}
