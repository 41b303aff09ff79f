/* zygote.h: makes object children, and is the safe side of the conversation with one.
 *
 * The zygote is forked when a process is still small and has one thread: DCMTK is prepared, no
 * model, pool or job store is open. For every object it forks a child (object.h), hands over three
 * descriptors, and tells how the child ended. One object at a time. If the owner dies, so do the
 * zygote and its child. */
#ifndef ZYGOTE_H
#define ZYGOTE_H

#include "nn_run.h"
#include "object.h"
#include <stdbool.h>

struct zygote;
/* After dx_init, before any thread. NULL with errno set. */
struct zygote *zygote_start(void);
void zygote_stop(struct zygote *zygote);
/* Gives memory back to the system, between two objects. */
void zygote_rest(struct zygote *zygote);

enum zygote_end {
    ZYGOTE_OK,
    ZYGOTE_REFUSED, /* the child says why: refusal, text */
    ZYGOTE_DIED,    /* signal, limit or time: text says which */
    ZYGOTE_BROKEN   /* no child could be made or heard: the owner's trouble, not the object's */
};

/* What is known of an object; everything is checked on the way in. */
struct zygote_object {
    bool scanned;
    struct dx_scan scan;
    struct dx_attrs *attrs; /* NULL before ATTRIBUTES; freed by zygote_close */
    bool has_image;
    struct dx_image_info image;
    enum dx_status refusal;
    char text[256];
    int peak_kib; /* resident memory that the child had at most, as the kernel says at its end */
    struct zygote *zygote; /* private from here */
    const struct object_limits *limits;
    int socket, child;
    int64_t deadline_ms;
};

/* One object at a time: the one before is closed.
 * Parses the object behind fd (not closed) in a child of its own, as far as its attributes, and
 * digests its dataset meanwhile (pool NULL: afterwards). limits must outlive the object. Call
 * zygote_close whatever it returns. */
enum zygote_end zygote_open(struct zygote *zygote, int fd, const struct object_limits *limits,
                            struct nn_pool *pool, struct zygote_object *object);
/* Decodes a frame; the child is over afterwards. grey is the caller's (dx_grey_finish). */
enum zygote_end zygote_decode(struct zygote_object *object, uint32_t frame, struct dx_grey *grey);
/* The same, but its pixels may lie in the zygote's memory (is_lent) until zygote_close. */
enum zygote_end zygote_decode_lent(struct zygote_object *object, uint32_t frame,
                                   struct dx_grey *grey);
/* Decodes a PNG or JPEG file, where limits->picture says that it is one: no attributes, no scan. */
enum zygote_end zygote_picture(struct zygote *zygote, int fd, const struct object_limits *limits,
                               struct zygote_object *object, struct dx_grey *grey);
/* What a rejection note takes back: the code of its title and at most DX_REJECTION_MAX references
 * (malloc, the caller's); the child is over afterwards. ZYGOTE_REFUSED with DX_UNSUPPORTED: it is
 * another kind of document. */
struct zygote_rejection {
    char code[17];
    struct dx_reference *references;
    size_t count;
};
enum zygote_end zygote_rejection(struct zygote_object *object, struct zygote_rejection *rejection);
void zygote_close(struct zygote_object *object);

#endif
