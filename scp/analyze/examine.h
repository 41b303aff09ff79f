/* examine.h: what happens to one received object: parsed and decoded in an object child, selected
 * by the rules, passed by the gate, identified, judged, explained, drawn.
 *
 * Every object ends as one judgement; what the node itself lacks for now (memory, disk, a process)
 * is no property of the object and ends in EXAMINE_LATER. One thread. */
#ifndef EXAMINE_H
#define EXAMINE_H

#include "report.h"
#include "rules.h"
#include "zygote.h"

/* What the role opened once. */
struct examiner {
    const struct node *node;
    struct store *store;
    struct zygote *zygote;
    struct rules *rules;
    struct nn_model *model[SRT_MAX_MODELS];
    struct nn_judge *judge[SRT_MAX_MODELS];
    int models;
    struct nn_pool *pool; /* the judges', and of what is done with whole planes */
    struct picture_face *face;
    struct report report;
    struct object_limits limits;
    float *map;      /* (side, side) of the largest: scratch */
    char unfit[128]; /* why nothing may be judged: the self-test failed; "": all is well */
};

/* Models, judges, pool and map of node->conf, told in the log. 0, or an exit status after a line in
 * the log; to be closed whatever it returns. */
int examiner_open_network(struct examiner *examiner);
void examiner_close_network(struct examiner *examiner);

enum examine_end {
    EXAMINE_DONE,
    EXAMINE_LATER, /* temporary trouble of the node: detail says what */
    EXAMINE_AGAIN, /* the object child died: detail says how */
    EXAMINE_BROKEN /* the zygote is gone: start the role anew */
};

struct examination {
    struct judgement judgement;
    uint8_t *attrs;                          /* packed; judgement.attrs points here */
    int64_t decode_ms, judge_ms, picture_ms; /* durations */
    int child_kib; /* what its object child had of memory at most; 0: it had none */
};

enum examine_effort {
    EXAMINE_TRY,
    EXAMINE_LAST_TRY,  /* a death of the child is final: the answer is "not processed" */
    EXAMINE_PARSE_ONLY /* the role died over it too often: find out whom to answer, no more */
};
enum examine_end examine(struct examiner *examiner, const struct instance *instance,
                         enum examine_effort effort, struct examination *examination);
void examination_finish(struct examination *examination);

#endif
