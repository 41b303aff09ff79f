/* One destination's process. */
#include "clock.h"
#include "log.h"
#include "sender_way.h"
#include "stow.h"
#include <stdio.h>
#include <sys/socket.h>

#define LOOK_FAILURES 3
#define LOOK_PAUSE_MS 600000 /* then results go without, and it is tried again */

bool sender_allowed(enum conf_mode mode, const struct conf_destination *destination)
{
    return mode == CONF_CLINICAL || (mode == CONF_DEMO && destination->demo);
}

bool sender_answer(int fd, const struct send_answer *answer)
{
    return send(fd, answer, sizeof *answer, MSG_NOSIGNAL) == (ssize_t)sizeof *answer;
}

/* ---- the look ---- */

/* The look at this peer, as far as this process knows: one that takes the service and then fails or
 * hangs up does not answer it (an archive that does not know us as somebody who may ask). */
static struct {
    int failures;
    int64_t not_before_ms; /* monotonic */
} asking;

static bool is_asked(const struct conf_destination *to)
{
    return to->look == CONF_LOOK_ALWAYS || clock_monotonic_ms() >= asking.not_before_ms;
}

/* LOOK_NOT_TAKEN once it failed LOOK_FAILURES times in a row. */
static enum look_end learn(const struct sender_way *way, enum look_end end, const char *text)
{
    const struct conf_destination *to = way->to;
    if (end == LOOK_AWAY)
        return end;
    if (end != LOOK_FAILED && end != LOOK_UNREACHED) {
        asking.failures = 0;
        return end;
    }
    if (to->look == CONF_LOOK_ALWAYS || ++asking.failures < LOOK_FAILURES)
        return end;
    asking.failures = 0;
    asking.not_before_ms = clock_monotonic_ms() + LOOK_PAUSE_MS;
    log_event(LOG_AT_WARN, "look-unavailable", "destination=%s reason=%s configure=%s",
              to->peer->name, log_quote(text), log_quote(way->look->configure));
    return end == LOOK_FAILED ? LOOK_NOT_TAKEN : end;
}

/* Whether the result may go there now; else answer says why not. */
static bool may_go(struct sender_way *way, const struct send_job *job, struct look_memory *memory,
                   struct send_answer *answer)
{
    const struct conf_destination *to = way->to;
    if (job->look.study[0] == '\0' || !is_asked(to))
        return true;
    enum look_end end = look_for(way->look, way->conf, &job->look, memory, answer->text);
    if (memory->is_fresh)
        end = learn(way, end, answer->text);
    if (end == LOOK_THERE || (end == LOOK_NOT_TAKEN && to->look == CONF_LOOK_AUTO))
        return true;
    answer->verdict = end == LOOK_AWAY        ? VERDICT_UNREACHED
                      : end == LOOK_UNREACHED ? VERDICT_LATER
                                              : VERDICT_WAITS;
    if (end == LOOK_UNREACHED || end == LOOK_AWAY) {
        way->alive = false;
        answer->broke = true;
        (void)snprintf(way->text, sizeof way->text, "%s",
                       end == LOOK_AWAY ? answer->text : "the association has ended");
    }
    return false;
}

/* ---- batches ---- */

/* What became of the jobs of a batch so far. */
struct progress {
    enum verdict verdict[SENDER_BATCH];
    bool stopped; /* one was not taken now: nothing passes it */
};

static bool is_behind(const struct progress *progress, const struct send_job *job, size_t number)
{
    if (progress->stopped || job->follows == 0 || job->follows > number)
        return progress->stopped;
    enum verdict before = progress->verdict[job->follows - 1];
    return before == VERDICT_LATER || before == VERDICT_BEHIND;
}

static bool send_one(struct sender_way *way, const struct send_job *job, struct look_memory *memory,
                     struct progress *progress, size_t number, int fd)
{
    struct send_answer answer = {.delivery = job->delivery, .result = job->form[0].result};
    if (!sender_allowed(node_mode(way->conf), way->to)) {
        /* as late as can be: `mode shadow` is a stop */
        answer.verdict = VERDICT_NOT_ALLOWED;
        (void)snprintf(answer.text, sizeof answer.text, "the mode forbids sending");
    } else if (is_behind(progress, job, number)) {
        answer.verdict = VERDICT_BEHIND;
    } else if (!way->alive) {
        answer.verdict = VERDICT_UNREACHED;
        (void)snprintf(answer.text, sizeof answer.text, "%s", way->text);
    } else if (may_go(way, job, memory, &answer)) {
        answer.text[0] = '\0';
        way->store(way, job, &answer);
    }
    if (answer.verdict == VERDICT_UNREACHED)
        answer.retry_after_seconds = way->retry_after_seconds;
    progress->verdict[number] = answer.verdict;
    progress->stopped = progress->stopped || (answer.verdict == VERDICT_LATER && !job->aside);
    return sender_answer(fd, &answer);
}

/* False when the parent has gone. */
static bool send_batch(const struct conf *conf, const struct conf_destination *to,
                       const struct send_batch *batch, int fd)
{
    struct look_memory memory = {.end = LOOK_THERE};
    struct progress progress = {.stopped = false};
    bool told = true;
    crash_point("sender-unassociated");
    if (batch->transaction[0] != '\0')
        return sender_dimse_commit(conf, to, batch, fd);
    struct sender_way *way =
        to->peer->url != NULL ? stow_open(conf, to) : sender_dimse_open(conf, to, batch);
    for (size_t i = 0; told && i < batch->count; i++) {
        told = send_one(way, &batch->job[i], &memory, &progress, i, fd);
        crash_point("sender-between");
    }
    way->close(way);
    return told;
}

int sender_run(const struct conf *conf, const struct conf_destination *destination, int fd)
{
    struct send_batch batch;
    for (;;) {
        ssize_t n = recv(fd, &batch, sizeof batch, 0);
        if (n != (ssize_t)sizeof batch || batch.count > SENDER_BATCH)
            return 0;
        if (!send_batch(conf, destination, &batch, fd))
            return 0;
    }
}
