/* study.h: one study, between study.c (the page, the pictures) and study_json.c. */
#ifndef STUDY_H
#define STUDY_H

#include "console.h"
#include "dx_attrs.h"
#include "picture.h"
#include <sys/types.h>

/* An image that was judged, or was not. */
struct seen_image {
    struct instance instance;
    struct judgement judgement;
    uint8_t *memory;
    struct dx_attrs *header; /* UTF-8; NULL: none */
};
/* False: there is none; to be closed whatever it returns. */
bool seen_open(struct console *console, int64_t id, struct seen_image *image);
void seen_close(struct seen_image *image);
const char *seen_text(const struct seen_image *image, uint32_t tag); /* "" absent */
bool seen_has_map(const struct seen_image *image);

/* Its picture's file, and where in it the first pixel of the canvas is. */
struct seen_picture {
    struct picture_halves halves;
    int fd; /* the caller closes it */
    off_t offset;
};
/* False: there is none, or none of the present settings. */
bool seen_picture(struct console *console, const struct seen_image *image,
                  struct seen_picture *picture);

/* Everything that is known of the study; *there: anything is. */
json_t *study_json(struct console *console, const char *uid, bool *there);

/* Each model's scores beside their operating points, of the models that are configured. */
json_t *opinions_json(const struct console *console, const struct opinion opinions[SRT_MAX_MODELS]);

#endif
