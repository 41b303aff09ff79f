/* selftest.h: does this program, here and now, still do what it did when it was locked?
 *
 * A locked set of inputs, phantoms drawn by seed (selftest_draw.h), goes the node's own way:
 * written as DICOM in several transfer syntaxes, decoded in an object child, judged by the gate and
 * the network of each model. A sample report is filled, written and checked, a sample picture
 * drawn. What came out when a model was locked (`cervigate selftest --lock`) is known by the
 * model's digest: scores must be equal to the bit on the same kernel set, within SELFTEST_TOLERANCE
 * on another.
 *
 * One thread, the one that owns zygote and judges; it takes about half a second, and a quarter when
 * the inputs are prepared.
 *
 * Test hook: CERVIGATE_SELFTEST_FAULT = draw | decode | score | gate | report | picture | space,
 * with an optional ":N" (only the first N self-tests of the process), falsifies that step; space:
 * there is no room for the files. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include "picture.h"
#include "selftest_draw.h"
#include "srt.h"
#include "zygote.h"

#define SELFTEST_SYNTAXES  3
#define SELFTEST_CHILDREN  (SELFTEST_INPUTS + SELFTEST_SYNTAXES - 1) /* object children of one */
#define SELFTEST_TOLERANCE 1e-4
#define SELFTEST_FILE      "selftest.json" /* in a model's folder */

/* What is known of one model. */
struct selftest_known {
    char model[DX_DIGEST_MAX], kernels[96], build[64], locked[25]; /* when, by what */
    int classes;
    struct {
        char pixels[DX_DIGEST_MAX], grey[DX_DIGEST_MAX]; /* as drawn, as decoded */
        float score[NN_MAX_CLASSES], gate;               /* gate: what it accepts */
    } input[SELFTEST_INPUTS];
    char picture[DX_DIGEST_MAX];
    char letters[128]; /* the picture's FreeType and font */
};

enum selftest_known_end {
    SELFTEST_KNOWN,
    SELFTEST_UNKNOWN, /* there is no lock, or one of another model */
    SELFTEST_WRONG    /* there is one that cannot be read: error says why */
};
/* The site's lock, SITE/DIGEST.json (site may be NULL), else FOLDER/selftest.json. */
enum selftest_known_end selftest_known_load(const char *site, const char *folder,
                                            const char *digest, struct selftest_known *known,
                                            char *error, size_t error_size);
enum selftest_known_end selftest_known_parse(const char *text, size_t size, const char *digest,
                                             struct selftest_known *known, char *error,
                                             size_t error_size);
/* As text, malloc; NULL: no memory. */
char *selftest_known_print(const struct selftest_known *known);

struct selftest_with {
    struct zygote *zygote;
    const struct object_limits *limits;
    struct nn_model *model[SRT_MAX_MODELS];
    struct nn_judge *judge[SRT_MAX_MODELS];
    int models;
    const char *folder[SRT_MAX_MODELS]; /* of the models */
    const char *site;                   /* folder of the site's locks, or NULL */
    bool locking;                       /* what is known is not asked */
    bool prepared;                      /* the inputs as the build drew them, if they are locked */
    const struct srt_template *template_;
    struct picture_face *face;
    const char *scratch; /* folder for files selftest.*, removed again; one self-test at a time */
};

enum selftest_end {
    SELFTEST_PASSED,
    SELFTEST_FAILED,
    SELFTEST_UNDONE /* trouble of the machine (space, memory, processes): no verdict */
};
enum selftest_mark { SELFTEST_GOOD, SELFTEST_BAD, SELFTEST_NOT_COMPARED };
struct selftest_step {
    char name[16];    /* "draw", "decode", "score", "gate", "report", "picture", "lock" */
    char subject[80]; /* input, syntax, model */
    enum selftest_mark mark;
    char detail[256];
};
#define SELFTEST_STEPS_MOST 64

struct selftest {
    enum selftest_end end;
    char trouble[256]; /* UNDONE */
    bool zygote_gone;  /* UNDONE, and another try will be, too */
    struct selftest_step step[SELFTEST_STEPS_MOST];
    int steps;
    int unlocked; /* models of which nothing is known */
    struct selftest_known seen[SRT_MAX_MODELS];
    int64_t milliseconds;
};
void selftest_run(const struct selftest_with *with, struct selftest *selftest);
/* The first step that failed, or NULL. */
const struct selftest_step *selftest_first_bad(const struct selftest *selftest);

#endif
