/* report_gather.h: what belongs in a study's next report, gathered from the job store. */
#ifndef REPORT_GATHER_H
#define REPORT_GATHER_H

#include "report_file.h"

struct part {
    struct instance instance;
    struct judgement judgement;
    uint8_t *bytes;
    struct dx_attrs *attrs;
    const struct dx_attrs *patient; /* its own, or those of the object that corrects it */
    bool superseded;
    enum srt_outcome outcome; /* of the image by itself */
    char tracking[DX_UID_MAX];
};

struct gathered {
    const struct report *report;
    struct store *store;
    const struct study *study;
    int64_t *ids; /* of the patient's images, replaced ones included: the report answers them all */
    size_t id_count;
    int64_t *replaced; /* of these, those whose correction came */
    size_t replaced_count;
    bool *belongs;                 /* (ids) to the patient of this report */
    struct part *parts;            /* (count) in order of receipt, superseded ones left out */
    struct srt_image *images;      /* (image_count): images, and series that are told as one */
    const struct dx_attrs **attrs; /* (image_count) of the images */
    size_t image_count;
    struct dx_reference *slices; /* of those series */
    size_t slice_count;
    struct dx_reference *references;
    size_t count, reference_count;
    const struct part *source; /* whose Patient and Study modules are copied */
    struct result last;        /* the report that this one amends; its id is 0 when none */
    char *error;
    size_t error_size;
};

/* false with a sentence in error; finish it whatever came of it. */
bool gather(struct gathered *gathered);
void gathered_finish(struct gathered *gathered);
/* UTC: when the last of its images was judged first. */
int64_t gathered_computed_ms(const struct gathered *gathered);
/* report_series.c: from one entry a part to one a series where a series is told as one. */
bool gather_series(struct gathered *gathered);
bool gather_fail(struct gathered *gathered, const char *what, const char *why);

/* report_frames.c: the frames that were drawn of a series' slices as one multi-frame picture;
 * *drawn: there are any, none that was made of the same counts, and result is filled but for whose
 * data it holds. */
bool report_frames(struct gathered *gathered, const struct srt_result *words,
                   const struct srt_image *series, const struct report_source *source,
                   struct result *result, bool *drawn);

#endif
