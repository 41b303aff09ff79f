/* owner                    zygote                     object child
 *   | ASK + 3 descriptors    |                             |
 *   |----------------------->| fork                        |
 *   |        MADE + pidfd    |---------------------------->|
 *   |<-----------------------| waitpid                     |
 *   |<======= the conversation of object.h, directly =====>|
 *   |        ENDED + status  |<------------- death --------|
 *   |<-----------------------|
 *
 * The owner holds a pidfd, so that it can kill a child that outstays its time without a race over
 * process numbers. Pixels are read only when the child is dead: nothing changes under the reader.
 */
#include "clock.h"
#include "confine.h"
#include "pass.h"
#include "zygote_pixels.h"
#include "zygote_side.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define LATE     "limit objectWallTime: the object child took too long"
#define GRACE_MS 5000 /* between the child's own alarm and the owner's SIGKILL */

struct zygote {
    int socket, held; /* held: a pidfd: its owner may signal nobody by number */
    pid_t pid;
    struct zygote_pixels pixels;
};

struct zygote *zygote_start(void)
{
    int ends[2];
    struct zygote *zygote = calloc(1, sizeof *zygote);
    if (!zygote)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        free(zygote);
        return NULL;
    }
    pid_t owner = getpid();
    zygote->pixels.fd = -1;
    zygote->socket = ends[0];
    zygote->pid = fork();
    if (zygote->pid == 0)
        zygote_live(ends[1], owner);
    close(ends[1]);
    zygote->held = zygote->pid > 0 ? pidfd_open(zygote->pid, 0) : -1;
    if (zygote->held < 0) { /* a zygote without an owner ends by itself */
        close(ends[0]);
        free(zygote);
        return NULL;
    }
    return zygote;
}

void zygote_stop(struct zygote *zygote)
{
    if (!zygote)
        return;
    close(zygote->socket);
    pidfd_send_signal(zygote->held, SIGKILL, NULL, 0);
    close(zygote->held);
    while (waitpid(zygote->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    zygote_pixels_close(&zygote->pixels);
    free(zygote);
}

void zygote_rest(struct zygote *zygote)
{
    zygote_pixels_rest(&zygote->pixels);
}

/* ---- the owner's side ---- */

static void close_once(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static enum zygote_end broken(struct zygote_object *object, const char *what)
{
    snprintf(object->text, sizeof object->text, "%s: %s", what, strerror(errno));
    return ZYGOTE_BROKEN;
}

/* Waits until the child is gone, by force when its time is up, and says how it ended in words. */
static enum zygote_end bury(struct zygote_object *object)
{
    struct ended ended = {0};
    bool late = false;
    close_once(&object->socket);
    if (object->child < 0)
        return ZYGOTE_OK;

    for (;;) {
        struct pollfd wait = {.fd = object->zygote->socket, .events = POLLIN};
        int64_t left = object->deadline_ms - clock_monotonic_ms();
        int ready = poll(&wait, 1, left > 0 && !late ? (int)left : late ? -1 : 0);
        if (ready > 0)
            break;
        if (ready == 0) {
            late = true;
            if (pidfd_send_signal(object->child, SIGKILL, NULL, 0) != 0 && errno != ESRCH)
                return broken(object, "kill");
        }
    }
    close_once(&object->child);
    if (!pass_receive(object->zygote->socket, &ended, sizeof ended, NULL, 0, 0)) {
        snprintf(object->text, sizeof object->text, "the zygote is gone");
        return ZYGOTE_BROKEN;
    }
    int status = ended.status;
    object->peak_kib = ended.peak_kib;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EX_OSERR) {
        struct rlimit space;
        bool little = getrlimit(RLIMIT_AS, &space) == 0 &&
                      space.rlim_max < object->limits->memory_bytes; /* RLIM_INFINITY: the most */
        snprintf(object->text, sizeof object->text, "the object child could not be confined%s",
                 little ? ": <limits objectMemory> is more than the address space that this "
                          "process may have (ulimit -v, LimitAS=)"
                        : "");
        return ZYGOTE_BROKEN;
    }
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        const char *why = late || number == SIGALRM ? LATE
                          : number == SIGXCPU ? "limit objectCpuTime: the object child used too "
                                                "much processor time"
                          : number == SIGSYS  ? "the object child made a forbidden system call"
                          : number == SIGXFSZ ? "the object child wrote too much"
                          : number == SIGABRT ? "the object child gave up, or ran out of memory: "
                                                "limit objectMemory"
                                              : "the object child crashed";
        snprintf(object->text, sizeof object->text, "%s (signal %d)", why, number);
        return ZYGOTE_DIED;
    }
    return ZYGOTE_OK;
}

/* The child broke off or talked nonsense. */
static enum zygote_end fall(struct zygote_object *object)
{
    bool late = clock_monotonic_ms() >= object->deadline_ms; /* it may leave when its socket ends */
    enum zygote_end end = bury(object);
    if (end == ZYGOTE_OK) {
        snprintf(object->text, sizeof object->text, "%s",
                 late ? LATE : "the object child ended without an answer");
        end = ZYGOTE_DIED;
    }
    return end;
}

static void terminate_texts(struct object_packet *packet)
{
    dx_scan_terminate(&packet->scan);
    packet->text[sizeof packet->text - 1] = 0;
    packet->image.transfer_syntax[sizeof packet->image.transfer_syntax - 1] = 0;
    packet->image.photometric[sizeof packet->image.photometric - 1] = 0;
}

/* The next packet, which must be of this step; `bytes` holds OBJECT_PACKET_MAX. */
static enum zygote_end hear(struct zygote_object *object, enum object_step step, uint8_t *bytes,
                            struct object_packet *packet)
{
    struct pollfd wait = {.fd = object->socket, .events = POLLIN};
    int64_t left = object->deadline_ms - clock_monotonic_ms();
    int ready;
    while ((ready = poll(&wait, 1, left > 0 ? (int)left : 0)) < 0 && errno == EINTR)
        left = object->deadline_ms - clock_monotonic_ms();
    ssize_t got =
        ready > 0 ? recv(object->socket, bytes, OBJECT_PACKET_MAX, MSG_TRUNC | MSG_DONTWAIT) : -1;
    if (got < (ssize_t)sizeof *packet || got > (ssize_t)OBJECT_PACKET_MAX)
        return fall(object);

    memcpy(packet, bytes, sizeof *packet);
    terminate_texts(packet);
    if (packet->step == OBJECT_REFUSED && packet->status != DX_OK &&
        packet->status <= DX_INTERNAL) {
        enum zygote_end end = bury(object);
        object->refusal = (enum dx_status)packet->status;
        snprintf(object->text, sizeof object->text, "%s", packet->text);
        return end == ZYGOTE_BROKEN ? end : ZYGOTE_REFUSED;
    }
    size_t tail = (size_t)got - sizeof *packet;
    if (packet->step != step || tail != (step == OBJECT_ATTRIBUTES ? packet->attr_bytes : 0))
        return fall(object);
    return ZYGOTE_OK;
}

static enum zygote_end ask(struct zygote_object *object, int fd)
{
    int ends[2];
    struct made made;
    int pixels = zygote_pixels_lend(&object->zygote->pixels, object_pixel_bytes(object->limits));
    if (pixels < 0)
        return broken(object, "memory for pixels");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return broken(object, "socketpair");
    object->socket = ends[0];

    const int fds[DESCRIPTORS] = {fd, ends[1], pixels};
    bool sent = pass_send(object->zygote->socket, object->limits, sizeof *object->limits, fds,
                          DESCRIPTORS, 0);
    close(ends[1]);
    if (!sent)
        return broken(object, "zygote");
    if (!pass_receive(object->zygote->socket, &made, sizeof made, &object->child, 1, 0))
        return broken(object, "zygote cannot fork");
    return ZYGOTE_OK;
}

/* What goes on at once: the child scans, parses and tells; the dataset is digested here. */
struct hearing {
    struct zygote_object *object;
    int fd;
    uint8_t *bytes;
    struct object_packet *packet;
    uint64_t offset; /* where the dataset begins, if the meta group says so at once */
    enum zygote_end heard;
    enum dx_status digested;
    char digest[DX_DIGEST_MAX];
    struct dx_error err;
};

static enum zygote_end hear_both(struct hearing *h)
{
    enum zygote_end end = ask(h->object, h->fd);
    if (end == ZYGOTE_OK)
        end = hear(h->object, OBJECT_SCANNED, h->bytes, h->packet);
    if (end != ZYGOTE_OK)
        return end;
    h->object->scan = h->packet->scan;
    h->object->scanned = true;
    return hear(h->object, OBJECT_ATTRIBUTES, h->bytes, h->packet);
}

static void hear_or_digest(void *context, int i, int thread)
{
    struct hearing *h = context;
    (void)thread;
    if (i == 0)
        h->heard = hear_both(h);
    else if (h->offset > 0)
        h->digested = dx_digest_descriptor(h->fd, "the file", h->offset, h->digest, &h->err);
}

/* The end of a meta group that tells its length (PS3.10 7.1); 0: it does not. */
static uint64_t offset_of(int fd)
{
    uint8_t head[144];
    static const uint8_t begin[] = "DICM\x02\x00\x00\x00UL\x04";
    if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
        memcmp(head + 128, begin, sizeof begin) != 0)
        return 0;
    return 144 + ((uint64_t)head[140] | (uint64_t)head[141] << 8 | (uint64_t)head[142] << 16 |
                  (uint64_t)head[143] << 24);
}

/* The digest is of what the scan calls the dataset, by whoever it was found: a child that lies gets
 * another digest than the receiver's. */
static enum zygote_end take_digest(struct zygote_object *object, struct hearing *h)
{
    if (h->offset == 0 || h->offset != object->scan.dataset_offset)
        h->digested = dx_digest_descriptor(h->fd, "the file", object->scan.dataset_offset,
                                           h->digest, &h->err);
    if (h->digested == DX_OK) {
        memcpy(object->scan.digest, h->digest, sizeof object->scan.digest);
        return ZYGOTE_OK;
    }
    enum zygote_end end = bury(object);
    object->scanned = false;
    object->refusal = h->digested;
    snprintf(object->text, sizeof object->text, "%s", h->err.text);
    return end == ZYGOTE_BROKEN ? end : ZYGOTE_REFUSED;
}

static enum zygote_end converse(struct zygote_object *object, int fd, struct nn_pool *pool,
                                uint8_t *bytes)
{
    struct object_packet packet;
    struct hearing both = {
        .object = object, .fd = fd, .bytes = bytes, .packet = &packet, .offset = offset_of(fd)};
    struct dx_error err;
    nn_pool_run(pool, 2, hear_or_digest, &both);
    enum zygote_end taken = object->scanned ? take_digest(object, &both) : ZYGOTE_OK;
    if (both.heard != ZYGOTE_OK || taken != ZYGOTE_OK)
        return both.heard != ZYGOTE_OK ? both.heard : taken;
    if (dx_attrs_unpack(bytes + sizeof packet, packet.attr_bytes, &object->attrs, &err) != DX_OK)
        return fall(object);
    object->has_image = packet.has_image != 0;
    object->image = packet.image;
    return ZYGOTE_OK;
}

/* Nothing is known of it yet; the file stands at its start. */
static enum zygote_end begin(struct zygote *zygote, int fd, const struct object_limits *limits,
                             struct zygote_object *object)
{
    *object = (struct zygote_object){.zygote = zygote, .limits = limits, .socket = -1, .child = -1};
    object->deadline_ms = clock_monotonic_ms() + 1000 * (int64_t)limits->wall_seconds + GRACE_MS;
    return lseek(fd, 0, SEEK_SET) == 0 ? ZYGOTE_OK : broken(object, "seek");
}

enum zygote_end zygote_open(struct zygote *zygote, int fd, const struct object_limits *limits,
                            struct nn_pool *pool, struct zygote_object *object)
{
    enum zygote_end end = begin(zygote, fd, limits, object);
    uint8_t *bytes = end == ZYGOTE_OK ? malloc(OBJECT_PACKET_MAX) : NULL;
    if (end == ZYGOTE_OK)
        end = bytes ? converse(object, fd, pool, bytes) : broken(object, "packet");
    free(bytes);
    return end;
}

/* Asks the child for one thing and hears its answer, its last. */
static enum zygote_end ask_once(struct zygote_object *object, uint32_t question,
                                enum object_step step, struct object_packet *packet)
{
    uint8_t *bytes = malloc(OBJECT_PACKET_MAX);
    if (!bytes)
        return broken(object, "packet");
    enum zygote_end end = ZYGOTE_OK;
    if (send(object->socket, &question, sizeof question, MSG_NOSIGNAL) != (ssize_t)sizeof question)
        end = fall(object);
    if (end == ZYGOTE_OK)
        end = hear(object, step, bytes, packet);
    if (end == ZYGOTE_OK)
        end = bury(object);
    free(bytes);
    return end;
}

static enum zygote_end take_pixels(struct zygote_object *object, const struct object_packet *packet,
                                   bool lent, struct dx_grey *grey)
{
    uint64_t count = (uint64_t)packet->rows * packet->cols;
    if (count == 0 || count > object->limits->dx.frame_pixels || !isfinite(packet->mm_per_pixel)) {
        snprintf(object->text, sizeof object->text, "the object child told impossible sizes");
        return ZYGOTE_DIED;
    }
    struct zygote_pixels *from = &object->zygote->pixels;
    size_t bytes = count * sizeof *grey->pixels;
    uint16_t *pixels = lent ? zygote_pixels_see(from, bytes) : NULL;
    *grey = (struct dx_grey){.rows = packet->rows,
                             .cols = packet->cols,
                             .pixels = pixels ? pixels : zygote_pixels_take(from, bytes),
                             .is_lent = pixels != NULL,
                             .mm_per_pixel = packet->mm_per_pixel,
                             .was_lossy = packet->was_lossy != 0};
    return grey->pixels ? ZYGOTE_OK : broken(object, "pixels");
}

static enum zygote_end decode(struct zygote_object *object, uint32_t frame, bool lent,
                              struct dx_grey *grey)
{
    struct object_packet packet;
    memset(grey, 0, sizeof *grey);
    enum zygote_end end = ask_once(object, frame, OBJECT_GREY, &packet);
    return end == ZYGOTE_OK ? take_pixels(object, &packet, lent, grey) : end;
}

enum zygote_end zygote_decode(struct zygote_object *object, uint32_t frame, struct dx_grey *grey)
{
    return decode(object, frame, false, grey);
}

enum zygote_end zygote_decode_lent(struct zygote_object *object, uint32_t frame,
                                   struct dx_grey *grey)
{
    return decode(object, frame, true, grey);
}

enum zygote_end zygote_picture(struct zygote *zygote, int fd, const struct object_limits *limits,
                               struct zygote_object *object, struct dx_grey *grey)
{
    struct object_packet packet;
    memset(grey, 0, sizeof *grey);
    enum zygote_end end = begin(zygote, fd, limits, object);
    if (end == ZYGOTE_OK)
        end = ask(object, fd);
    uint8_t *bytes = end == ZYGOTE_OK ? malloc(OBJECT_PACKET_MAX) : NULL;
    if (end == ZYGOTE_OK)
        end = bytes ? hear(object, OBJECT_GREY, bytes, &packet) : broken(object, "packet");
    free(bytes);
    if (end == ZYGOTE_OK)
        end = bury(object);
    return end == ZYGOTE_OK ? take_pixels(object, &packet, false, grey) : end;
}

enum zygote_end zygote_rejection(struct zygote_object *object, struct zygote_rejection *rejection)
{
    struct object_packet packet;
    memset(rejection, 0, sizeof *rejection);
    enum zygote_end end = ask_once(object, OBJECT_ASK_REJECTION, OBJECT_REJECTION, &packet);
    if (end != ZYGOTE_OK)
        return end;
    if (packet.rows > DX_REJECTION_MAX || strlen(packet.text) >= sizeof rejection->code) {
        snprintf(object->text, sizeof object->text, "the object child told too many references");
        return ZYGOTE_DIED;
    }
    rejection->references =
        zygote_pixels_take(&object->zygote->pixels, packet.rows * sizeof *rejection->references);
    if (!rejection->references)
        return broken(object, "references");
    rejection->count = packet.rows;
    snprintf(rejection->code, sizeof rejection->code, "%.16s", packet.text);
    for (size_t i = 0; i < rejection->count; i++) {
        struct dx_reference *one = &rejection->references[i];
        one->sop_class[DX_UID_MAX - 1] = one->sop_instance[DX_UID_MAX - 1] = 0;
        one->series[DX_UID_MAX - 1] = 0;
    }
    return ZYGOTE_OK;
}

void zygote_close(struct zygote_object *object)
{
    char text[sizeof object->text];
    memcpy(text, object->text, sizeof text);
    if (object->child >= 0) /* it may be at a frame that nobody will ask for */
        (void)pidfd_send_signal(object->child, SIGKILL, NULL, 0);
    (void)bury(object);
    memcpy(object->text, text, sizeof text);
    if (object->zygote)
        zygote_pixels_wipe(&object->zygote->pixels);
    dx_attrs_destroy(object->attrs);
    object->attrs = NULL;
}
