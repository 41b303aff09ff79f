/* object.h: the object child: the process that parses and decodes one hostile object.
 *
 * It has three descriptors and nothing else: the object's file, a socket to whoever asked, and a
 * memory file for pixels. It opens nothing, sends only packets of the shapes below, and lives
 * within RLIMIT_AS, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NOFILE, an alarm and a seccomp filter that
 * kills (both the filter and RLIMIT_AS are off under sanitizers). It tells what it learnt step by
 * step, so that if a step kills it the earlier ones are known:
 *
 *   child                                parent
 *   SCANNED (pre-scanner: UIDs, modality) -->
 *   ATTRIBUTES (dx_attrs_pack, image)     -->  rules, gate
 *                                        <--   frame number, ASK_REJECTION, or the socket's end
 *   GREY (geometry; pixels in the memory file), or
 *   REJECTION (title; `rows` references in the memory file) -->
 *
 * Frame 0 is decoded before it is asked for where limits->ahead says that it will be: whoever asks
 * digests the file meanwhile. A PNG or JPEG file, where whoever asks allows it (trial.c): GREY at
 * once.
 *
 * REFUSED with a status and a sentence stands for any of them and ends the conversation.
 *
 * Test hook: CERVIGATE_OBJECT_FAULT = open | fork | memory | spin | sleep | deaf | crash, with an
 * optional
 * ":ahead", ":decode" or ":reject" (default ":parse": before parsing) and after it ":N" (from a
 * zygote's N-th child on; the first SELFTEST_CHILDREN are the self-test's) or ":N-M" (to its M-th),
 * makes the child misbehave. */
#ifndef OBJECT_H
#define OBJECT_H

#include "conf.h"
#include "dx_object.h"
#include <stdbool.h>
#include <stdint.h>

enum object_step {
    OBJECT_SCANNED = 1,
    OBJECT_ATTRIBUTES,
    OBJECT_GREY,
    OBJECT_REJECTION,
    OBJECT_REFUSED
};
/* Asked instead of a frame: what a rejection note takes back. */
#define OBJECT_ASK_REJECTION UINT32_MAX

struct object_limits {
    struct dx_limits dx;
    uint64_t memory_bytes;
    int cpu_seconds, wall_seconds;
    bool picture; /* it is a PNG or JPEG file, not an object */
    bool ahead;   /* frame 0 is likely to be asked for */
};
/* What the configuration allows a dataset. */
void dataset_limits_of(const struct conf_limits *conf, struct dx_limits *limits);
void object_limits_of(const struct conf_limits *conf, struct object_limits *limits);

/* Pixels of a decoded frame: the memory file's size, and the ceiling of what the child may write.
 */
uint64_t object_pixel_bytes(const struct object_limits *limits);

/* A packet of the child; ATTRIBUTES carries attr_bytes more bytes after it. */
struct object_packet {
    uint32_t step;
    uint32_t status; /* enum dx_status; REFUSED */
    char text[256];  /* REFUSED; REJECTION: the title's code value */
    struct dx_scan scan;
    uint32_t has_image; /* ATTRIBUTES: `image` is filled */
    struct dx_image_info image;
    uint32_t attr_bytes;
    uint32_t rows, cols, was_lossy; /* GREY */
    double mm_per_pixel;
};
#define OBJECT_PACKET_MAX (sizeof(struct object_packet) + DX_ATTRS_MAX_BYTES)

/* Confines this process for good: limits, descriptors, seccomp. false with errno set. */
bool object_confine(const struct object_limits *limits);

/* object_picture.c: a PNG or JPEG file as a grey frame, to be freed with dx_grey_finish. */
enum dx_status object_picture(int file, struct dx_grey *grey, struct dx_error *err);

/* In the zygote, before each fork: counts for the test hook. */
void object_count_child(void);
/* The child's life; returns its exit status. The descriptors are its own. */
int object_run(int object, int socket, int pixels, const struct object_limits *limits);

#endif
