/* draw -> write -> decode -> gate, scores -> report -> picture, each beside what is known. */
#include "selftest_case.h"

#include "build_id.h"
#include "clock.h"
#include "nn_kernel_set.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *fault_of_this_run(void)
{
    static long runs;
    static char name[32];
    const char *fault = getenv("CERVIGATE_SELFTEST_FAULT");
    runs++;
    name[0] = '\0';
    if (fault == NULL)
        return name;
    size_t length = strcspn(fault, ":");
    if (fault[length] == '\0' || runs <= strtol(fault + length + 1, NULL, 10))
        (void)snprintf(name, sizeof name, "%.*s", (int)length, fault);
    return name;
}

bool selftest_falsifies(const struct selftest_case *c, const char *step)
{
    return strcmp(c->fault, step) == 0;
}

void selftest_note(struct selftest_case *c, const char *name, const char *subject,
                   enum selftest_mark mark, const char *format, ...)
{
    va_list args;
    if (c->out->steps == SELFTEST_STEPS_MOST)
        return;
    struct selftest_step *step = &c->out->step[c->out->steps++];
    *step = (struct selftest_step){.mark = mark};
    (void)snprintf(step->name, sizeof step->name, "%s", name);
    (void)snprintf(step->subject, sizeof step->subject, "%s", subject);
    va_start(args, format);
    (void)vsnprintf(step->detail, sizeof step->detail, format, args);
    va_end(args);
}

bool selftest_trouble(struct selftest_case *c, const char *format, ...)
{
    va_list args;
    c->out->end = SELFTEST_UNDONE;
    va_start(args, format);
    (void)vsnprintf(c->out->trouble, sizeof c->out->trouble, format, args);
    va_end(args);
    return false;
}

void selftest_name_file(struct selftest_case *c, const char *suffix)
{
    (void)snprintf(c->path, sizeof c->path, "%s/selftest.%s", c->with->scratch, suffix);
}

const struct selftest_step *selftest_first_bad(const struct selftest *selftest)
{
    for (int i = 0; i < selftest->steps; i++)
        if (selftest->step[i].mark == SELFTEST_BAD)
            return &selftest->step[i];
    return NULL;
}

/* ---- judged ---- */

static bool judge(struct selftest_case *c, int m, int i)
{
    struct nn_error err = {0};
    struct nn_verdict verdict = {.score = 0};
    struct nn_judgement scores;
    const struct nn_plane *plane = &c->plane[i];
    struct selftest_known *seen = &c->out->seen[m];
    if (!plane->pixels)
        return true; /* not decoded: told already */
    enum nn_status status =
        nn_judge_gate(c->with->judge[m], plane->pixels, plane->rows, plane->cols, &verdict, &err);
    if (status == NN_OK)
        status = nn_judge_plane(c->with->judge[m], plane->pixels, plane->rows, plane->cols, &scores,
                                &err);
    if (status == NN_NO_MEMORY)
        return selftest_trouble(c, "network: %s", err.text);
    if (status != NN_OK) {
        selftest_note(c, "score", selftest_input_name[i], SELFTEST_BAD, "%s", err.text);
        return true;
    }
    for (int k = 0; k < seen->classes; k++)
        seen->input[i].score[k] = scores.score[k];
    seen->input[i].gate = verdict.score;
    if (selftest_falsifies(c, "score"))
        seen->input[i].score[0] = nextafterf(scores.score[0], 2.0f);
    if (selftest_falsifies(c, "gate"))
        seen->input[i].gate = nextafterf(verdict.score, 2.0f);
    return true;
}

/* ---- compared ---- */

struct comparison {
    struct selftest_case *c;
    const struct selftest_known *known, *seen;
    const char *model; /* name */
    bool same_kernels;
};

static bool agree(const struct comparison *with, float known, float seen)
{
    if (with->same_kernels)
        return memcmp(&known, &seen, sizeof seen) == 0;
    return fabs((double)known - (double)seen) <= SELFTEST_TOLERANCE;
}

/* Of `count` numbers the first that does not agree is told. */
static void compare_numbers(const struct comparison *with, const char *name, int i,
                            const float *known, const float *seen, int count)
{
    char subject[80];
    (void)snprintf(subject, sizeof subject, "%.48s %s", with->model, selftest_input_name[i]);
    for (int k = 0; k < count; k++)
        if (!agree(with, known[k], seen[k])) {
            selftest_note(with->c, name, subject, SELFTEST_BAD,
                          "number %d is %.9g; %.9g was locked at %s on %s by build %.16s", k,
                          (double)seen[k], (double)known[k], with->known->locked,
                          with->known->kernels, with->known->build);
            return;
        }
    selftest_note(with->c, name, subject, SELFTEST_GOOD,
                  with->same_kernels ? "equal to the bit" : "within 1e-4 of other kernels");
}

/* Drawing is arithmetic, too: on other kernels another bit may come out, and then no digest of what
 * follows can be held against the lock. */
static bool compare_input(const struct comparison *with, int i)
{
    bool drawn = strcmp(with->known->input[i].pixels, with->seen->input[i].pixels) == 0;
    bool decoded = strcmp(with->known->input[i].grey, with->seen->input[i].grey) == 0;
    const char *name = selftest_input_name[i];
    if (!drawn)
        selftest_note(with->c, "draw", name,
                      with->same_kernels ? SELFTEST_BAD : SELFTEST_NOT_COMPARED,
                      "not the pixels that were locked at %s by build %.16s", with->known->locked,
                      with->known->build);
    else
        selftest_note(with->c, "decode", name, decoded ? SELFTEST_GOOD : SELFTEST_BAD,
                      decoded ? "the locked grey plane" : "not the grey plane that was locked");
    return drawn || !with->same_kernels;
}

static void compare_picture(const struct comparison *with)
{
    const struct selftest_known *known = with->known, *seen = with->seen;
    if (!with->same_kernels || strcmp(known->letters, seen->letters) != 0) {
        selftest_note(with->c, "picture", with->model, SELFTEST_NOT_COMPARED,
                      "locked with %s on %.40s; here %s", known->letters, known->kernels,
                      seen->letters);
        return;
    }
    bool same = strcmp(known->picture, seen->picture) == 0;
    selftest_note(with->c, "picture", with->model, same ? SELFTEST_GOOD : SELFTEST_BAD,
                  same ? "the locked picture" : "not the picture that was locked");
}

static void compare(struct selftest_case *c, int m)
{
    struct selftest_known known;
    char error[256];
    const struct nn_model_info *info = nn_model_info(c->with->model[m]);
    struct comparison with = {
        .c = c, .known = &known, .seen = &c->out->seen[m], .model = info->name};
    enum selftest_known_end end = selftest_known_load(c->with->site, c->with->folder[m],
                                                      info->digest, &known, error, sizeof error);
    if (end == SELFTEST_WRONG) {
        selftest_note(c, "lock", info->name, SELFTEST_BAD, "%s", error);
        return;
    }
    if (end == SELFTEST_UNKNOWN || known.classes != info->classes) {
        c->out->unlocked++;
        selftest_note(c, "lock", info->name, SELFTEST_NOT_COMPARED,
                      "nothing is known of model %.16s: cervigate selftest --lock", info->digest);
        return;
    }
    with.same_kernels = strcmp(known.kernels, with.seen->kernels) == 0;
    for (int i = 0; i < SELFTEST_INPUTS; i++) {
        if (!compare_input(&with, i))
            continue;
        compare_numbers(&with, "score", i, known.input[i].score, with.seen->input[i].score,
                        info->classes);
        if (info->gate_digest[0])
            compare_numbers(&with, "gate", i, &known.input[i].gate, &with.seen->input[i].gate, 1);
    }
    compare_picture(&with);
}

/* ---- all of it ---- */

static void identify(struct selftest_case *c)
{
    for (int m = 0; m < c->with->models; m++) {
        struct selftest_known *seen = &c->out->seen[m];
        const struct nn_model_info *info = nn_model_info(c->with->model[m]);
        memcpy(seen->model, info->digest, sizeof seen->model);
        (void)snprintf(seen->kernels, sizeof seen->kernels, "%s", nn_kernel_name());
        build_id(seen->build, sizeof seen->build);
        clock_iso(clock_utc_ms(), seen->locked);
        seen->classes = info->classes;
    }
}

static bool run(struct selftest_case *c)
{
    if (!selftest_inputs(c))
        return false;
    for (int m = 0; m < c->with->models; m++)
        for (int i = 0; i < SELFTEST_INPUTS; i++)
            if (!judge(c, m, i))
                return false;
    if (c->plane[0].pixels && (!selftest_report(c) || !selftest_picture(c)))
        return false;
    for (int m = 0; m < c->with->models && !c->with->locking; m++)
        compare(c, m);
    return true;
}

void selftest_run(const struct selftest_with *with, struct selftest *selftest)
{
    int64_t begin = clock_monotonic_ms();
    struct selftest_case c = {.with = with, .out = selftest, .fault = fault_of_this_run()};
    memset(selftest, 0, sizeof *selftest);
    identify(&c);
    if (run(&c))
        selftest->end = selftest_first_bad(selftest) ? SELFTEST_FAILED : SELFTEST_PASSED;
    for (int i = 0; i < SELFTEST_INPUTS; i++)
        nn_plane_finish(&c.plane[i]);
    selftest->milliseconds = clock_monotonic_ms() - begin;
}
