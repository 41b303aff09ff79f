/* trial.h: the trial role: judges files that a person tries on the console's page. Nothing that it
 * judges is stored or sent.
 *
 *   console --struct trial_ask + the file's descriptor--> trial
 *   trial --struct trial_answer: TRIAL_TAKEN--> console
 *   trial --struct trial_answer + a memory file with the picture (PNG)--> console
 *
 * The file has no name any more when it is handed over: who dies, however, leaves nothing. The role
 * has no network, no job store and no spool; a file is decoded in an object child (object.h), as
 * received objects are, and its pixels are judged, explained and drawn by the node's own functions
 * (examine_exam.h). Models are opened at the first file and closed after TRIAL_REST_MS without one:
 * a node on which nobody tries anything pays nothing. One file at a time, in the order in which
 * they came. The socket pair lives in the supervisor, as that of asks.h does. */
#ifndef TRIAL_H
#define TRIAL_H

#include "examine.h"
#include "nn_model.h"
#include "node.h"

#define TRIAL_REST_MS 60000
/* Stands in every picture, whatever the model's provenance. */
#define TRIAL_WARNING   "RESEARCH - an image that was tried: not for diagnosis"
#define TRIAL_WATERMARK "RESEARCH"

struct trial_ask {
    uint64_t ticket; /* random */
};

enum trial_end {
    TRIAL_JUDGED,
    TRIAL_NOT_PROCESSED, /* an answer, too: the gate's */
    TRIAL_EMPTY,
    TRIAL_FOREIGN,     /* neither DICOM nor PNG nor JPEG */
    TRIAL_UNSUPPORTED, /* one of them, in a form that is not decoded */
    TRIAL_DAMAGED,     /* or a child died over it */
    TRIAL_TOO_LARGE,
    TRIAL_NO_PIXELS,
    TRIAL_TROUBLE, /* the node's: later */
    TRIAL_ENDS,
    /* No end: */
    TRIAL_TAKEN = TRIAL_ENDS, /* it is being judged now */
    TRIAL_LIVES               /* the role has begun: what one before it had taken is lost */
};

struct trial_answer {
    uint64_t ticket;
    uint32_t end;    /* enum trial_end */
    uint32_t reason; /* NOT_PROCESSED: enum srt_reason */
    char words[256]; /* why; JUDGED: "" */
    uint32_t dicom;  /* it was a DICOM file */
    uint32_t rows, cols;
    uint32_t outcome;   /* JUDGED: enum srt_outcome */
    char sentence[512]; /* JUDGED: in the report's words */
    uint32_t model;     /* JUDGED: which one, and which of its classes */
    uint32_t class_;    /* the picture explains */
    struct opinion opinion[SRT_MAX_MODELS];
    uint64_t picture_bytes; /* of the memory file that comes with it; 0: there is no picture */
    int64_t decode_ms, judge_ms;
};

/* The role's life; its exit status. */
int trial_run(const struct node *node);

/* trial_judge.c: one file. The picture is PNG, malloc, the caller's, or NULL. */
void trial_judge(struct examiner *examiner, int fd, struct trial_answer *answer, uint8_t **picture);

/* The console's side. False: the socket is full, nobody takes it. The descriptor stays the
 * caller's. Never blocks. */
bool trial_send(const struct node *node, const struct trial_ask *ask, int fd);
/* False: none waits. *picture: descriptor of the memory file, the caller's. What the answer says is
 * checked: its texts end, its numbers are possible. */
bool trial_receive(const struct node *node, struct trial_answer *answer, int *picture);

#endif
