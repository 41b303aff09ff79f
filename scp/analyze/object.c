#include "object.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

struct life {
    int object, socket, pixels;
    const struct object_limits *limits;
    struct dx_object *opened;
    struct object_packet packet;
    bool ahead; /* frame 0 is decoded: */
    enum dx_status decoded;
    struct dx_grey grey;
    struct dx_error why;
};

void dataset_limits_of(const struct conf_limits *conf, struct dx_limits *limits)
{
    *limits = (struct dx_limits){.nesting = conf->nesting,
                                 .elements = conf->elements,
                                 .dataset_bytes = conf->dataset_bytes,
                                 .inflated_bytes = conf->inflated_bytes,
                                 .frame_pixels = conf->frame_pixels,
                                 .frame_bytes = conf->frame_bytes,
                                 .frames = conf->frames};
}

void object_limits_of(const struct conf_limits *conf, struct object_limits *limits)
{
    *limits = (struct object_limits){
        .memory_bytes = conf->object_memory_bytes,
        .cpu_seconds = conf->object_cpu_seconds,
        .wall_seconds = conf->object_wall_seconds,
    };
    dataset_limits_of(conf, &limits->dx);
}

uint64_t object_pixel_bytes(const struct object_limits *limits)
{
    return limits->dx.frame_pixels * sizeof(uint16_t);
}

/* ---- misbehaving on purpose ---- */

static void eat_memory(void)
{
    for (;;) {
        char *block = malloc(64u << 20);
        if (!block)
            abort();
        for (size_t i = 0; i < (64u << 20); i += 4096)
            ((volatile char *)block)[i] = 1;
    }
}

static long children; /* of this zygote, the process itself among them */

void object_count_child(void)
{
    children++;
}

/* To its alarm, and to the end of the conversation: only its owner can end it. */
static void be_deaf(int socket)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    for (;;)
        (void)recv(socket, &(char){0}, 1, MSG_PEEK);
}

/* "N": from the N-th child on; "N-M": to the M-th; "": each. */
static bool is_its_turn(const char *range)
{
    char *end;
    long first = strtol(range, &end, 10);
    return children >= first && (*end != '-' || children <= strtol(end + 1, NULL, 10));
}

static void misbehave(int socket, const char *when)
{
    const char *fault = getenv("CERVIGATE_OBJECT_FAULT");
    if (!fault)
        return;
    size_t length = strcspn(fault, ":");
    const char *asked = fault[length] ? fault + length + 1 : "parse";
    size_t asked_length = strcspn(asked, ":");
    if (strlen(when) != asked_length || memcmp(asked, when, asked_length) != 0 ||
        (asked[asked_length] && !is_its_turn(asked + asked_length + 1)))
        return;
    if (strncmp(fault, "open", length) == 0)
        (void)open("/etc/hostname", O_RDONLY);
    else if (strncmp(fault, "fork", length) == 0)
        (void)fork();
    else if (strncmp(fault, "memory", length) == 0)
        eat_memory();
    else if (strncmp(fault, "crash", length) == 0)
        abort();
    else if (strncmp(fault, "spin", length) == 0)
        for (volatile unsigned long i = 0;; i++)
            ;
    else if (strncmp(fault, "deaf", length) == 0)
        be_deaf(socket);
    else if (strncmp(fault, "sleep", length) == 0)
        (void)recv(socket, &(char){0}, 1, MSG_PEEK);
}

/* ---- the conversation ---- */

/* The packet, and after it `more` bytes of `tail`, as one. */
static bool tell(struct life *life, const uint8_t *tail, size_t more)
{
    size_t count = sizeof life->packet + more;
    uint8_t *bytes = malloc(count);
    if (!bytes)
        return false;
    memcpy(bytes, &life->packet, sizeof life->packet);
    if (more > 0)
        memcpy(bytes + sizeof life->packet, tail, more);
    ssize_t sent = send(life->socket, bytes, count, MSG_NOSIGNAL);
    free(bytes);
    return sent == (ssize_t)count;
}

static bool refuse(struct life *life, enum dx_status status, const struct dx_error *err)
{
    life->packet.step = OBJECT_REFUSED;
    life->packet.status = status;
    snprintf(life->packet.text, sizeof life->packet.text, "%s",
             err->text[0] ? err->text : dx_status_text(status));
    (void)tell(life, NULL, 0);
    return false;
}

static bool scan(struct life *life)
{
    struct dx_error err = {0};
    char transfer_syntax[DX_UID_MAX];
    enum dx_status status = dx_prescan_structure(life->object, &life->limits->dx, transfer_syntax,
                                                 &life->packet.scan, &err);
    if (status != DX_OK)
        return refuse(life, status, &err);
    life->packet.step = OBJECT_SCANNED;
    return tell(life, NULL, 0);
}

static bool parse(struct life *life)
{
    struct dx_error err = {0};
    struct dx_attrs *attrs = NULL;
    uint8_t *bytes = NULL;
    size_t count = 0;
    bool told = false;
    enum dx_status status = lseek(life->object, 0, SEEK_SET) == 0 ? DX_OK : DX_IO;
    misbehave(life->socket, "parse");
    if (status == DX_OK)
        status = dx_object_open(life->object, &life->limits->dx, &life->opened, &err);
    if (status == DX_OK)
        status = dx_object_attributes(life->opened, &attrs, &err);
    if (status == DX_OK)
        status = dx_attrs_pack(attrs, &bytes, &count);
    /* An object without an image, or with a broken one, still has attributes to judge by. */
    if (status == DX_OK) {
        enum dx_status image = dx_object_image(life->opened, &life->packet.image, &err);
        life->packet.has_image = image == DX_OK;
        status = image == DX_NO_MEMORY ? image : DX_OK;
    }
    if (status != DX_OK) {
        refuse(life, status, &err);
        goto out;
    }
    life->packet.step = OBJECT_ATTRIBUTES;
    life->packet.attr_bytes = (uint32_t)count;
    told = tell(life, bytes, count);

out:
    free(bytes);
    dx_attrs_destroy(attrs);
    return told;
}

/* Into the memory file, from its start. */
static bool write_back(const struct life *life, const void *bytes, size_t left)
{
    const char *from = bytes;
    off_t at = 0;
    while (left > 0) {
        ssize_t done = pwrite(life->pixels, from, left, at);
        if (done <= 0)
            return false;
        from += done;
        at += done;
        left -= (size_t)done;
    }
    return true;
}

/* A rejection note instead of an image. */
static bool list_rejected(struct life *life)
{
    struct dx_error err = {0};
    struct dx_rejection note = {.reference_count = 0};
    misbehave(life->socket, "reject");
    enum dx_status status = dx_object_rejection(life->opened, &note, &err);
    if (status == DX_OK &&
        !write_back(life, note.references, note.reference_count * sizeof *note.references))
        status = dx_fail(&err, DX_IO, "references do not fit");
    if (status != DX_OK) {
        dx_rejection_finish(&note);
        return refuse(life, status, &err);
    }
    life->packet.step = OBJECT_REJECTION;
    life->packet.rows = (uint32_t)note.reference_count;
    snprintf(life->packet.text, sizeof life->packet.text, "%s", note.title.value);
    dx_rejection_finish(&note);
    return tell(life, NULL, 0);
}

/* The frame, or why there is none; grey is freed. */
static bool tell_grey(struct life *life, enum dx_status status, struct dx_grey *grey,
                      struct dx_error *err)
{
    if (status == DX_OK && (uint64_t)grey->rows * grey->cols > life->limits->dx.frame_pixels)
        status = dx_fail(err, DX_LIMIT, "limit framePixels: a frame of %u x %u pixels", grey->rows,
                         grey->cols);
    if (status == DX_OK &&
        !write_back(life, grey->pixels, (size_t)grey->rows * grey->cols * sizeof *grey->pixels))
        status = dx_fail(err, DX_IO, "pixels do not fit");
    if (status != DX_OK) {
        dx_grey_finish(grey);
        return refuse(life, status, err);
    }
    life->packet.step = OBJECT_GREY;
    life->packet.rows = grey->rows;
    life->packet.cols = grey->cols;
    life->packet.was_lossy = grey->was_lossy != 0;
    life->packet.mm_per_pixel = grey->mm_per_pixel;
    dx_grey_finish(grey);
    return tell(life, NULL, 0);
}

static void decode_ahead(struct life *life)
{
    if (!life->limits->ahead || !life->packet.has_image)
        return;
    misbehave(life->socket, "ahead");
    life->decoded = dx_object_grey(life->opened, 0, &life->grey, &life->why);
    life->ahead = true;
}

static bool decode(struct life *life, uint32_t frame)
{
    misbehave(life->socket, "decode");
    if (life->ahead && frame != 0)
        dx_grey_finish(&life->grey);
    if (!life->ahead || frame != 0)
        life->decoded = dx_object_grey(life->opened, frame, &life->grey, &life->why);
    life->ahead = false;
    return tell_grey(life, life->decoded, &life->grey, &life->why);
}

static bool decode_picture(struct life *life)
{
    struct dx_error err = {0};
    struct dx_grey grey = {0};
    misbehave(life->socket, "parse");
    return tell_grey(life, object_picture(life->object, &grey, &err), &grey, &err);
}

int object_run(int object, int socket, int pixels, const struct object_limits *limits)
{
    struct life life = {.object = object, .socket = socket, .pixels = pixels, .limits = limits};
    if (!object_confine(limits))
        return EX_OSERR;
    if (limits->picture) {
        (void)decode_picture(&life);
        return 0;
    }
    if (!scan(&life) || !parse(&life))
        goto out;
    decode_ahead(&life);

    uint32_t frame;
    while (recv(socket, &frame, sizeof frame, 0) == (ssize_t)sizeof frame)
        if (!(frame == OBJECT_ASK_REJECTION ? list_rejected(&life) : decode(&life, frame)))
            break;

out:
    dx_grey_finish(&life.grey);
    dx_object_close(life.opened);
    return 0;
}
