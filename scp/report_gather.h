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
    bool *belongs;      /* (ids) to the patient of this report */
    struct part *parts; /* (count) in order of receipt, superseded ones left out */
    struct srt_image *images;
    const struct dx_attrs **attrs; /* of the images */
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
bool gather_fail(struct gathered *gathered, const char *what, const char *why);

#endif
