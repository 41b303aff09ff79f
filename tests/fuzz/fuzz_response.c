/* What a peer answers to a C-FIND, to a request for commitment, to one of UPS or to a C-STORE,
 * after it took the association. The first byte chooses which. */
#include "../dicom/sample.h"
#include "dx_init.h"
#include "dx_ups.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST         65536u
#define IMPLICIT     "1.2.840.10008.1.2"
#define EXPLICIT     "1.2.840.10008.1.2.1"
#define IMAGE        "1.2.840.10008.5.1.4.1.1.7"
#define LAST_CONTEXT 21
#define IMAGE_AS_IS  9 /* the image's class in the transfer syntax of its file */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
const char *__lsan_default_suppressions(void);
const char *__asan_default_options(void);

/* DCMTK drops what it made of an answer that it cannot finish; a sender ends with its peer. */
const char *__lsan_default_suppressions(void)
{
    return "leak:DUL_RequestAssociation\n";
}

const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

struct peer {
    int listener;
    uint16_t port;
    const uint8_t *bytes;
    size_t count;
};

static size_t put_item(uint8_t *to, uint8_t kind, const void *data, size_t count)
{
    to[0] = kind;
    to[1] = 0;
    to[2] = (uint8_t)(count >> 8);
    to[3] = (uint8_t)count;
    memcpy(to + 4, data, count);
    return count + 4;
}

/* Takes every context that is proposed, Verification's and two of each class, in implicit little
 * endian but for one. */
static size_t acknowledge(uint8_t *to)
{
    uint8_t user[64];
    size_t at = 74, used;
    memset(to, 0, at);
    to[0] = 2;
    to[7] = 1;
    at += put_item(to + at, 0x10, "1.2.840.10008.3.1.1.1", 21);
    for (uint8_t id = 1; id <= LAST_CONTEXT; id = (uint8_t)(id + 2)) {
        uint8_t body[32] = {id, 0, 0, 0};
        const char *syntax = id == IMAGE_AS_IS ? EXPLICIT : IMPLICIT;
        used = 4 + put_item(body + 4, 0x40, syntax, strlen(syntax));
        at += put_item(to + at, 0x21, body, used);
    }
    used = put_item(user, 0x51, "\0\1\0\0", 4);
    used += put_item(user + used, 0x52, "1.2.3.4", 7);
    at += put_item(to + at, 0x50, user, used);
    to[4] = (uint8_t)((at - 6) >> 8);
    to[5] = (uint8_t)(at - 6);
    return at;
}

static void *answer(void *context)
{
    const struct peer *peer = context;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    uint8_t request[4096], accept[512];
    int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || recv(fd, request, sizeof request, 0) <= 0)
        abort();
    size_t count = acknowledge(accept);
    if (send(fd, accept, count, MSG_NOSIGNAL) == (ssize_t)count &&
        send(fd, peer->bytes, peer->count, MSG_NOSIGNAL) >= 0) {
        (void)shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof request, 0) > 0)
            continue;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset); /* no TIME_WAIT */
    close(fd);
    return NULL;
}

static struct peer listen_once(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct peer peer = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct dx_error err = {.status = DX_OK};
    if (bind(peer.listener, (struct sockaddr *)&address, length) != 0 ||
        listen(peer.listener, 8) != 0 ||
        getsockname(peer.listener, (struct sockaddr *)&address, &length) != 0 ||
        dx_init(NULL, NULL, &err) != DX_OK)
        abort();
    peer.port = ntohs(address.sin_port);
    return peer;
}

static bool match(void *context, const struct dx_attrs *found)
{
    size_t *seen = context;
    (void)dx_attrs_text(found, DX_TAG(0x0010, 0x0020));
    return ++*seen < 100;
}

static enum dx_status ask_find(struct dx_scu *scu, struct dx_error *err)
{
    struct dx_writing identifier = {.count = 0};
    uint16_t dimse;
    size_t seen = 0;
    dx_put_text(&identifier, DX_TAG(0x0008, 0x0052), "STUDY");
    dx_put_uid(&identifier, DX_TAG(0x0020, 0x000d), "1.2.3");
    enum dx_status status = dx_scu_find(scu, &identifier, 50, match, &seen, &dimse, err);
    if (seen > 50)
        abort();
    dx_writing_finish(&identifier);
    return status;
}

static enum dx_status ask_commit(struct dx_scu *scu, struct dx_error *err)
{
    static struct dx_commitment request = {.transaction = "2.25.7", .count = 1}, event;
    uint16_t dimse;
    snprintf(request.item[0].sop_class, DX_UID_MAX, "1.2.840.10008.5.1.4.1.1.7");
    snprintf(request.item[0].sop_instance, DX_UID_MAX, "2.25.8");
    enum dx_status status = dx_scu_commit(scu, &request, 0, &event, &dimse, err);
    for (size_t i = 0; status == DX_OK && i < event.count; i++)
        if (!dx_uid_is_usable(event.item[i].sop_instance))
            abort();
    return status;
}

static bool match_item(void *context, const struct dx_ups_item *found)
{
    size_t *seen = context;
    if (found->requests > DX_UPS_REQUESTS || found->inputs > DX_UPS_REQUESTS)
        abort();
    return ++*seen < 100;
}

static enum dx_status ask_items(struct dx_scu *scu, struct dx_error *err)
{
    struct dx_writing query = {.count = 0};
    uint16_t dimse;
    size_t seen = 0;
    dx_ups_write_query(DX_UPS_BY_ACCESSION, "A1", "", &query);
    enum dx_status status = dx_scu_ups_find(scu, &query, 50, match_item, &seen, &dimse, err);
    if (seen > 50)
        abort();
    dx_writing_finish(&query);
    return status;
}

static enum dx_status ask_item(struct dx_scu *scu, uint8_t which, struct dx_error *err)
{
    static struct dx_ups_item item;
    const struct dx_ups_new new = {.priority = DX_UPS_HIGH, .label = "Read", .study = "1.2.3"};
    const struct dx_ups_change change = {.priority = DX_UPS_HIGH};
    struct dx_writing dataset = {.count = 0};
    struct dx_ups_answer answer;
    enum dx_status status;
    switch (which) {
    case 0:
        status = dx_scu_ups_get(scu, "2.25.7", &item, &answer, err);
        break;
    case 1:
        dx_ups_write_new(&new, &dataset);
        status = dx_scu_ups_create(scu, "2.25.7", &dataset, &answer, err);
        break;
    case 2:
        dx_ups_write_change(&change, &dataset);
        status = dx_scu_ups_set(scu, "2.25.7", &dataset, &answer, err);
        break;
    default:
        dx_ups_write_cancel("read", &dataset);
        status = dx_scu_ups_cancel(scu, "2.25.7", &dataset, &answer, err);
        break;
    }
    dx_writing_finish(&dataset);
    return status;
}

/* A path to an image of some hundred bytes, for as long as the process lives. */
static const char *image(void)
{
    static struct sample sample;
    static char path[64];
    if (path[0])
        return path;
    sample_begin(&sample, EXPLICIT);
    sample_text(&sample, DX_TAG(0x0008, 0x0016), "UI", IMAGE);
    sample_text(&sample, DX_TAG(0x0008, 0x0018), "UI", "2.25.8");
    sample_text(&sample, DX_TAG(0x0010, 0x0020), "LO", "P1");
    snprintf(path, sizeof path, "/proc/self/fd/%d", sample_open(&sample));
    return path;
}

static enum dx_status ask_store(struct dx_scu *scu, struct dx_error *err)
{
    uint16_t dimse;
    char comment[65];
    enum dx_status status = dx_scu_store(scu, image(), &dimse, comment, err);
    if (memchr(comment, '\0', sizeof comment) == NULL)
        abort();
    if (status != DX_OK && !dx_scu_is_broken(scu)) /* nothing was sent */
        abort();
    return status;
}

static void ask(struct dx_scu *scu, uint8_t which)
{
    struct dx_error err = {.status = DX_OK};
    enum dx_status status;
    switch (which % 8) {
    case 0:
        status = ask_commit(scu, &err);
        break;
    case 1:
        status = ask_find(scu, &err);
        break;
    case 2:
        status = ask_items(scu, &err);
        break;
    case 7:
        status = ask_store(scu, &err);
        break;
    default:
        status = ask_item(scu, (uint8_t)(which % 8 - 3), &err);
        break;
    }
    if (status == DX_INTERNAL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct peer peer;
    static const struct dx_scu_context contexts[] = {{DX_STUDY_ROOT_FIND, IMPLICIT},
                                                     {DX_STORAGE_COMMITMENT, IMPLICIT},
                                                     {DX_UPS_PUSH, IMPLICIT},
                                                     {DX_UPS_PULL, IMPLICIT},
                                                     {IMAGE, EXPLICIT}};
    struct dx_scu_params params;
    struct dx_scu *scu = NULL;
    struct dx_error err = {.status = DX_OK};
    pthread_t thread;
    if (count < 1 || count > MOST)
        return 0;
    if (peer.port == 0)
        peer = listen_once();
    peer.bytes = bytes + 1;
    peer.count = count - 1;
    if (pthread_create(&thread, NULL, answer, &peer) != 0)
        abort();
    dx_scu_params_default(&params);
    params.dimse_seconds = params.acse_seconds = params.connect_seconds = 5;
    params.host = "127.0.0.1";
    params.port = peer.port;
    snprintf(params.calling, sizeof params.calling, "FUZZ");
    snprintf(params.called, sizeof params.called, "PEER");
    if (dx_scu_open(&params, contexts, 5, &scu, &err) == DX_OK)
        ask(scu, bytes[0]);
    dx_scu_close(scu);
    pthread_join(thread, NULL);
    return 0;
}
