/* What a peer sends on one connection, from A-ASSOCIATE-RQ to the end of the stream. */
#include "dx_init.h"
#include "dx_scp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Everything must fit into the socket's buffer: one thread writes it, then serves it. */
#define MOST 16384u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
const char *__lsan_default_suppressions(void);
const char *__asan_default_options(void);

/* DCMTK 3.6.7 drops what it has read of an A-ASSOCIATE-RQ that it cannot parse to its end (syntax
 * lists, user information), and what it has made of an answer that it cannot finish. The daemon's
 * process per association ends with the association, and so does the leak. */
const char *__lsan_default_suppressions(void)
{
    return "leak:DUL_ReceiveAssociationRQ\nleak:DUL_AcknowledgeAssociationRQ\n";
}

/* DCMTK is built without frame pointers: the caller is found by unwinding only. */
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

static enum dx_admission on_associate(void *context, const struct dx_peer *peer)
{
    (void)context;
    if (strlen(peer->calling) > 16 || strlen(peer->called) > 16)
        abort();
    return DX_ADMIT;
}

static int on_create(void *context, char *path, size_t size)
{
    (void)context;
    (void)snprintf(path, size, "object");
    return memfd_create("object", MFD_CLOEXEC);
}

static uint16_t on_store(void *context, const struct dx_scp_object *object, char comment[65])
{
    (void)context;
    (void)comment;
    if (strlen(object->scan.digest) != 64 ||
        strspn(object->command_sop_instance, "0123456789.") != strlen(object->command_sop_instance))
        abort();
    return 0;
}

static uint16_t on_event(void *context, const struct dx_commitment *event)
{
    (void)context;
    for (size_t i = 0; i < event->count; i++)
        if (!dx_uid_is_usable(event->item[i].sop_instance))
            abort();
    return 0;
}

static void on_refuse(void *context, const struct dx_scp_object *object, uint16_t status,
                      const struct dx_error *why)
{
    (void)context;
    (void)object;
    (void)status;
    if (why->status == DX_OK)
        abort();
}

/* Two ends of a TCP connection on the loopback: the library sets options that only TCP has. */
static void connect_ends(int *peer, int *served)
{
    static int listener = -1;
    static struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;

    if (listener < 0) {
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 8) != 0 ||
            getsockname(listener, (struct sockaddr *)&address, &length) != 0)
            abort();
    }
    *peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*peer < 0 || connect(*peer, (struct sockaddr *)&address, sizeof address) != 0)
        abort();
    *served = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (*served < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const struct dx_scp_handler handler = {.associate = on_associate,
                                                  .create = on_create,
                                                  .store = on_store,
                                                  .refuse = on_refuse,
                                                  .event = on_event};
    static int is_ready;
    struct dx_scp_params params;
    struct dx_scp_summary summary;
    struct dx_error err = {0};
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int peer, served;

    if (count > MOST)
        return 0;
    if (!is_ready && dx_init(NULL, NULL, &err) != DX_OK)
        abort();
    is_ready = 1;
    dx_scp_params_default(&params);
    params.acse_seconds = params.dimse_seconds = params.pdu_seconds = 5;
    params.limits.dataset_bytes = 1u << 24;
    connect_ends(&peer, &served);
    if (count > 0 && send(peer, bytes, count, MSG_NOSIGNAL) != (ssize_t)count)
        abort();
    (void)shutdown(peer, SHUT_WR);
    if (dx_scp_serve(served, &params, &handler, &summary, &err) == DX_INTERNAL)
        abort();
    /* No TIME_WAIT: the ports would run out. */
    (void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(peer);
    return 0;
}
