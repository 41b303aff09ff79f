/* examine_exam.h: one object under examination: between examine.c and examine_judge.c. */
#ifndef EXAMINE_EXAM_H
#define EXAMINE_EXAM_H

#include "examine.h"

struct exam {
    struct examiner *by;
    const struct instance *instance;
    struct examination *out;
    struct judgement *judgement;
    struct object_limits limits; /* of the child */
    struct zygote_object object;
    struct dx_attrs *attrs;       /* of the object, or what receive knows of it */
    const struct conf_rule *rule; /* that takes it, once it was asked for */
    struct dx_grey grey;
    bool hashed, made;                      /* the digest of grey; the plane */
    float *plane;                           /* grey in [0,1] */
    struct nn_levels levels;                /* of the plane */
    enum srt_reason barred[SRT_MAX_MODELS]; /* why its header keeps a model from judging it */
};

enum examine_end exam_not_processed(struct exam *exam, enum srt_reason reason, const char *detail);
enum examine_end exam_later(struct exam *exam, const char *what);

/* Does no model take it by its header? Then why; fills barred. */
enum srt_reason exam_pass_gate(struct exam *exam);
/* The decoded image: each model that takes it judges it; then the picture. */
enum examine_end exam_judge(struct exam *exam);

/* The decoded image: its digest and its plane. False: no memory. */
bool exam_take_in(struct exam *exam);
/* False, and a detail: it shows nothing that could be judged. */
bool exam_shows_something(struct exam *exam);

/* For who only looks at a decoded image (trial.c): judged, explained and drawn as exam_judge does,
 * and nothing is stored. EXAMINE_DONE: judgement->state tells whether it was judged; then the
 * picture is the caller's (picture_finish). */
struct exam_shown {
    struct picture picture;
    char sentence[512]; /* the outcome */
    int model, class_;  /* what the map, if there is one, explains */
};
enum examine_end exam_show(struct exam *exam, const char *warning, const char *watermark,
                           struct exam_shown *shown);

#endif
