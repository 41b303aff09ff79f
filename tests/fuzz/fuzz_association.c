/* What a peer sends on one connection, from A-ASSOCIATE-RQ to the end of the stream. */
#include "dx_attrs.h"
#include "dx_init.h"
#include "dx_scp.h"
#include "dx_ups_scp.h"

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

/* ---- a worklist of three items ---- */

static unsigned on_offers(void *context)
{
    (void)context;
    return DX_OFFER_UPS_QUERY | DX_OFFER_UPS_PULL;
}

static void check_comment(char comment[65])
{
    if (comment[0] != '\0')
        abort();
    memset(comment, 'x', 64);
    comment[64] = '\0';
}

static uint16_t on_find(void *context, const uint8_t *identifier, size_t count,
                        struct dx_scp_found *found, char comment[65])
{
    struct dx_ups_query *query;
    struct dx_error err;
    struct dx_writing match = {.count = 0};
    bool goes_on = true;
    (void)context;
    check_comment(comment);
    if (dx_ups_query_read(identifier, count, &query, &err) != DX_OK)
        return DX_UPS_NOT_UNDERSTOOD;
    dx_ups_query_destroy(query);
    dx_put_text(&match, DX_TAG(0x0010, 0x0020), "P1");
    for (int i = 0; goes_on && i < 3; i++)
        goes_on = dx_scp_found_put(found, &match, i == 1);
    if (!goes_on && dx_scp_found_goes_on(found))
        abort();
    dx_writing_finish(&match);
    return goes_on ? DX_UPS_SUCCESS : DX_UPS_CANCEL;
}

static void check_instance(const char *instance)
{
    if (!dx_uid_is_usable(instance))
        abort();
}

static uint16_t on_get(void *context, const char *instance, const uint32_t *tags, size_t count,
                       struct dx_writing *answer, char comment[65])
{
    (void)context;
    check_instance(instance);
    check_comment(comment);
    for (size_t i = 0; i < count; i++)
        if (tags[i] == DX_TAG(0x0074, 0x1000))
            dx_put_text(answer, tags[i], "SCHEDULED");
    return DX_UPS_SUCCESS;
}

static uint16_t on_bytes(void *context, const char *instance, const uint8_t *bytes, size_t count,
                         char comment[65])
{
    struct dx_ups_action action;
    struct dx_error err;
    (void)context;
    check_instance(instance);
    check_comment(comment);
    return dx_ups_action_read(bytes, count, &action, &err) == DX_OK ? DX_UPS_SUCCESS
                                                                    : DX_UPS_WRONG_VALUE;
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
    static const struct dx_scp_steps steps = {.offers = on_offers,
                                              .find = on_find,
                                              .get = on_get,
                                              .set = on_bytes,
                                              .change_state = on_bytes};
    static const struct dx_scp_handler handler = {.associate = on_associate,
                                                  .create = on_create,
                                                  .store = on_store,
                                                  .refuse = on_refuse,
                                                  .event = on_event,
                                                  .steps = &steps};
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
