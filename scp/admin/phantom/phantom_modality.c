#include "phantom_modality.h"
#include "call.h"
#include "clock.h"
#include "phantom_dice.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_PAUSE 2000 /* milliseconds between two objects */

/* Waits for the time, or for SIGTERM: true then. */
static bool stopped_before(int64_t until_ms)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    for (;;) {
        int64_t left = until_ms - clock_monotonic_ms();
        struct timespec wait = {0, 0};
        if (left > 0)
            wait = (struct timespec){left / 1000, left % 1000 * 1000000};
        if (sigtimedwait(&set, NULL, &wait) == SIGTERM) {
            (void)raise(SIGTERM); /* stays pending for the next who asks */
            return true;
        }
        if (left <= 0)
            return false;
    }
}

enum dx_status phantom_modality_open(const struct phantom_peer *peer, int modality,
                                     const struct dx_scu_context *contexts, size_t count,
                                     struct dx_scu **scu, struct dx_error *err)
{
    struct dx_scu_params params;

    dx_scu_params_default(&params);
    phantom_modality_name(modality, params.calling);
    snprintf(params.called, sizeof params.called, "%s", peer->ae_title);
    params.host = peer->host;
    params.port = peer->port;
    if (peer->configured)
        return call_open(peer->conf, peer->configured, &params, contexts, count, scu, err);
    return dx_scu_open(&params, contexts, count, scu, err);
}

/* Returns false when the association is of no more use. */
static bool send_view(struct dx_scu *scu, const struct phantom_view *view,
                      struct phantom_outcome *outcome)
{
    char path[64], comment[65] = "";
    uint16_t answer = 0;
    struct dx_error err = {0};

    snprintf(path, sizeof path, "/proc/self/fd/%d", view->fd);
    enum dx_status status = dx_scu_store(scu, path, &answer, comment, &err);
    if (status == DX_OK && (answer == 0 || (answer & 0xf000) == 0xb000)) {
        outcome->stored++;
        outcome->bytes += view->bytes;
        return true;
    }
    if (status == DX_OK || status == DX_NO_CONTEXT) {
        outcome->refused++;
        outcome->end = PHANTOM_REFUSED;
        if (status == DX_OK)
            snprintf(outcome->error, sizeof outcome->error, "status %04X%s%s", answer,
                     comment[0] ? ": " : "", comment);
        else
            snprintf(outcome->error, sizeof outcome->error, "%.255s", err.text);
        return true;
    }
    outcome->end = PHANTOM_LOST;
    snprintf(outcome->error, sizeof outcome->error, "%.255s", err.text);
    return false;
}

/* Milliseconds. Objects follow each other with short pauses when there is a rate. */
static int64_t pause_of(const struct phantom_options *o, struct phantom_dice *dice)
{
    double most = o->rate > 0 ? 200 / o->rate : 0;

    if (o->pause >= 0)
        return (int64_t)(1000 * o->pause);
    return (int64_t)(phantom_dice_uniform(dice) * (most > LONGEST_PAUSE ? LONGEST_PAUSE : most));
}

static void send_study(const struct phantom_options *o, const struct phantom_peer *peer,
                       const struct phantom_study *study, struct phantom_outcome *outcome)
{
    struct dx_scu_context contexts[PHANTOM_VIEWS];
    struct dx_scu *scu = NULL;
    struct dx_error err = {0};
    struct phantom_dice dice = phantom_dice((uint64_t)o->seed, study->index, PHANTOM_DICE_PAUSE);

    for (int v = 0; v < study->views; v++)
        contexts[v] = study->view[v].context;
    enum dx_status status =
        phantom_modality_open(peer, outcome->modality, contexts, (size_t)study->views, &scu, &err);
    if (status != DX_OK) {
        outcome->end = status == DX_REFUSED ? PHANTOM_REFUSED : PHANTOM_LOST;
        outcome->refused = status == DX_REFUSED ? study->views : 0;
        snprintf(outcome->error, sizeof outcome->error, "%.255s", err.text);
        return;
    }
    for (int v = 0; v < study->views; v++) {
        int64_t pause = v > 0 ? pause_of(o, &dice) : 0;
        if (stopped_before(clock_monotonic_ms() + pause)) {
            outcome->end = PHANTOM_STOPPED;
            break;
        }
        if (!send_view(scu, &study->view[v], outcome))
            break;
    }
    dx_scu_close(scu);
}

static void begin_outcome(const struct phantom_study *study, int modality,
                          struct phantom_outcome *outcome)
{
    *outcome = (struct phantom_outcome){.index = study->index,
                                        .patient = study->patient.patient,
                                        .modality = modality,
                                        .end = PHANTOM_SENT,
                                        .views = study->views};
    memcpy(outcome->uid, study->uid, sizeof outcome->uid);
    for (int v = 0; v < study->views; v++) {
        size_t length = strlen(outcome->subjects);
        snprintf(outcome->subjects + length, sizeof outcome->subjects - length, "%s%s",
                 v > 0 ? " " : "", nn_phantom_subject_name(study->view[v].subject));
    }
}

/* False: stop. */
static bool examine(const struct phantom_options *o, const struct phantom_peer *peer,
                    uint64_t index, int64_t begin_ms, struct phantom_outcome *outcome)
{
    struct phantom_dice dice = phantom_dice((uint64_t)o->seed, index, PHANTOM_DICE_CLOCK);
    struct phantom_study study;
    struct nn_error err = {0};
    int64_t due = begin_ms;
    int modality = outcome->modality;
    bool going = true;

    if (o->rate > 0)
        due += (int64_t)(1000 * ((double)index + phantom_dice_uniform(&dice)) / o->rate);
    phantom_study_plan(o, index, modality, &study);
    begin_outcome(&study, modality, outcome);
    if (!phantom_study_draw(o, &study, &err)) {
        outcome->end = PHANTOM_BROKEN;
        snprintf(outcome->error, sizeof outcome->error, "%.255s", err.text);
    } else if (stopped_before(due)) {
        going = false;
    } else {
        int64_t now = clock_monotonic_ms();
        outcome->late = o->rate > 0 ? now - due : 0;
        send_study(o, peer, &study, outcome);
        outcome->milliseconds = clock_monotonic_ms() - now;
    }
    phantom_study_finish(&study);
    return going;
}

int phantom_modality_run(const struct phantom_options *o, const struct phantom_peer *peer,
                         int modality, int64_t begin_ms, int fd)
{
    for (uint64_t i = (uint64_t)modality; o->count == 0 || i < (uint64_t)o->count;
         i += (uint64_t)o->modalities) {
        struct phantom_outcome outcome = {.modality = modality};
        if (!examine(o, peer, i, begin_ms, &outcome))
            return EX_OK;
        if (write(fd, &outcome, sizeof outcome) != (ssize_t)sizeof outcome)
            return EX_IOERR;
        if (outcome.end == PHANTOM_STOPPED || stopped_before(0))
            return EX_OK;
    }
    return EX_OK;
}
