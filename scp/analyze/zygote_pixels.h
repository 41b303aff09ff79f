/* zygote_pixels.h: the memory file in which object children leave pixels: one for all children of a
 * zygote, which come one after the other. Finding 2,500 pages anew for each radiograph took 4 ms.
 * No child finds anything of the one before. Owner's side; one thread at a time. */
#ifndef ZYGOTE_PIXELS_H
#define ZYGOTE_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zygote_pixels {
    int fd; /* -1: none yet */
    uint64_t size;
    size_t taken;  /* bytes that the last child was asked for */
    bool is_clean; /* no child had it since it was cleared */
    void *map;     /* its start, ZYGOTE_PIXELS_KEPT bytes; NULL: not yet */
};
#define ZYGOTE_PIXELS_KEPT ((size_t)32 << 20) /* bytes whose pages are kept */

/* For the next child: `size` bytes, all zero, that it can neither grow nor shrink. The descriptor
 * stays the file's; -1 with errno set. */
int zygote_pixels_lend(struct zygote_pixels *pixels, uint64_t size);
/* What a dead child left at its start, in memory of malloc; NULL with errno set. */
void *zygote_pixels_take(struct zygote_pixels *pixels, size_t bytes);
/* The same where it lies, for at most ZYGOTE_PIXELS_KEPT bytes: until it is wiped, lent again or
 * closed. */
void *zygote_pixels_see(struct zygote_pixels *pixels, size_t bytes);
/* Clears it, once the child is dead. A radiograph's pages are kept. */
void zygote_pixels_wipe(struct zygote_pixels *pixels);
/* Gives its pages back to the system. */
void zygote_pixels_rest(struct zygote_pixels *pixels);
void zygote_pixels_close(struct zygote_pixels *pixels);

#endif
