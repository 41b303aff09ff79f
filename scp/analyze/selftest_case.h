/* selftest_case.h: one self-test under way: between the files selftest*.c. */
#ifndef SELFTEST_CASE_H
#define SELFTEST_CASE_H

#include "nn_image.h"
#include "selftest.h"

struct selftest_case {
    const struct selftest_with *with;
    struct selftest *out;
    const char *fault;                      /* the step to falsify, "" none */
    bool drawing;                           /* the pixels are drawn, not the build's */
    struct nn_plane plane[SELFTEST_INPUTS]; /* as decoded */
    char path[4096];                        /* of the file at hand */
};

extern const char *const selftest_input_name[SELFTEST_INPUTS];

bool selftest_falsifies(const struct selftest_case *c, const char *step);
void selftest_note(struct selftest_case *c, const char *name, const char *subject,
                   enum selftest_mark mark, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Ends the self-test without a verdict; always false. */
bool selftest_trouble(struct selftest_case *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A file in the scratch folder, in c->path. */
void selftest_name_file(struct selftest_case *c, const char *suffix);

/* Each returns false when there is no verdict. */
bool selftest_inputs(struct selftest_case *c);  /* selftest_input.c: plane, seen[].input digests */
bool selftest_report(struct selftest_case *c);  /* selftest_output.c */
bool selftest_picture(struct selftest_case *c); /* seen[].picture, letters */

#endif
