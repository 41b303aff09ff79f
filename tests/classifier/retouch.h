/* retouch.h: what happens to images on their way into published data sets: turned, retouched,
 * resaved. Each makes a new plane of an old one; nothing is shared with what is tested. */
#ifndef RETOUCH_H
#define RETOUCH_H

#include "nn_image.h"

struct retouch {
    const char *name;
    void (*make)(const struct nn_plane *from, struct nn_plane *to);
};
extern const struct retouch retouches[];
extern const size_t retouch_count;

/* A plane as an 8-bit PNG. */
void retouch_write(const char *path, const struct nn_plane *plane);

#endif
