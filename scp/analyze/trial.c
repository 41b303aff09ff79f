/* The trial role.
 *
 * The zygote is forked first, while nothing is open. Then the role gives up all but reading its
 * program, the models and the templates. */
#include "trial.h"

#include "clock.h"
#include "confine.h"
#include "dx_init.h"
#include "log.h"
#include "pass.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define YIELDING    15 /* what was received is judged first */
#define LOOK_MS     1000
#define PICTURE_MAX (64u << 20) /* of a PNG: a canvas is smaller without compression */

struct trial {
    const struct node *node;
    struct examiner examiner;
    bool open;
    int64_t rest_ms; /* monotonic: when the models are closed */
};

/* ---- the console's side ---- */

bool trial_send(const struct node *node, const struct trial_ask *ask, int fd)
{
    return pass_send(node->trials_console, ask, sizeof *ask, &fd, 1, MSG_DONTWAIT);
}

static bool is_possible(const struct trial_answer *answer)
{
    if (answer->end > TRIAL_LIVES || answer->picture_bytes > PICTURE_MAX ||
        answer->model >= SRT_MAX_MODELS || answer->class_ >= SRT_MAX_CLASSES)
        return false;
    for (int m = 0; m < SRT_MAX_MODELS; m++)
        if (answer->opinion[m].classes < 0 || answer->opinion[m].classes > SRT_MAX_CLASSES)
            return false;
    return true;
}

bool trial_receive(const struct node *node, struct trial_answer *answer, int *picture)
{
    while (pass_receive(node->trials_console, answer, sizeof *answer, picture, 1, MSG_DONTWAIT)) {
        answer->words[sizeof answer->words - 1] = '\0';
        answer->sentence[sizeof answer->sentence - 1] = '\0';
        for (int m = 0; m < SRT_MAX_MODELS; m++)
            answer->opinion[m].model_digest[DX_DIGEST_MAX - 1] = '\0';
        if (is_possible(answer))
            return true;
        (void)close(*picture);
        log_event(LOG_AT_ERROR, "trial-answer-refused", "error=%s",
                  log_quote("the trial role told what cannot be"));
    }
    return false;
}

/* ---- the role's ---- */

static void close_all(struct trial *t)
{
    struct examiner *x = &t->examiner;
    report_finish(&x->report);
    picture_face_close(x->face);
    x->face = NULL;
    examiner_close_network(x);
    t->open = false;
}

static bool open_all(struct trial *t)
{
    char error[256] = "";
    struct examiner *x = &t->examiner;
    const struct nn_model_info *info[SRT_MAX_MODELS];
    t->open = true;
    if (examiner_open_network(x) != 0)
        return false;
    for (int m = 0; m < x->models; m++)
        info[m] = nn_model_info(x->model[m]);
    if (picture_face_open(NULL, &x->face) == PICTURE_OK &&
        report_init_words(&x->report, t->node->conf, info, x->models, error, sizeof error))
        return true;
    log_event(LOG_AT_ERROR, "trial-cannot-open", "error=%s",
              log_quote(error[0] != '\0' ? error : "the font of the pictures is missing"));
    return false;
}

/* A memory file that nobody changes any more, empty where there is no picture; -1: there is no
 * memory. */
static int keep_picture(const uint8_t *bytes, size_t size)
{
    int fd = memfd_create("picture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t at = 0;
    ssize_t n = 1;
    while (fd >= 0 && n > 0 && at < size) {
        n = write(fd, bytes + at, size - at);
        at += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0 && at == size &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static void log_trial(const struct trial_answer *answer)
{
    static const char *const ends[TRIAL_ENDS] = {[TRIAL_JUDGED] = "judged",
                                                 [TRIAL_NOT_PROCESSED] = "not-processed",
                                                 [TRIAL_EMPTY] = "empty",
                                                 [TRIAL_FOREIGN] = "foreign",
                                                 [TRIAL_UNSUPPORTED] = "unsupported",
                                                 [TRIAL_DAMAGED] = "damaged",
                                                 [TRIAL_TOO_LARGE] = "too-large",
                                                 [TRIAL_NO_PIXELS] = "no-pixels",
                                                 [TRIAL_TROUBLE] = "trouble"};
    log_event(LOG_AT_INFO, "image-tried",
              "end=%s dicom=%u rows=%u cols=%u decode_ms=%lld "
              "judge_ms=%lld words=%s",
              ends[answer->end], answer->dicom, answer->rows, answer->cols,
              (long long)answer->decode_ms, (long long)answer->judge_ms, log_quote(answer->words));
}

/* picture: answer->picture_bytes, or NULL. */
static void tell(const struct trial *t, const struct trial_answer *answer, const uint8_t *picture)
{
    int kept = keep_picture(picture, answer->picture_bytes);
    if (kept < 0 ||
        !pass_send(t->node->trials_trial, answer, sizeof *answer, &kept, 1, MSG_DONTWAIT))
        log_event(LOG_AT_WARN, "trial-unanswered", "error=%s", log_quote(strerror(errno)));
    if (kept >= 0)
        (void)close(kept);
}

static void take(struct trial *t, uint64_t ticket, int fd)
{
    struct trial_answer answer = {.ticket = ticket, .end = TRIAL_TAKEN};
    uint8_t *picture = NULL;
    tell(t, &answer, NULL);
    answer.end = TRIAL_TROUBLE;
    if (t->open || open_all(t)) {
        trial_judge(&t->examiner, fd, &answer, &picture);
    } else {
        (void)snprintf(answer.words, sizeof answer.words, "the node cannot open its model now");
        close_all(t);
    }
    log_trial(&answer);
    tell(t, &answer, picture);
    free(picture);
    t->rest_ms = clock_monotonic_ms() + TRIAL_REST_MS;
}

static void live(struct trial *t)
{
    const struct trial_answer lives = {.end = TRIAL_LIVES};
    tell(t, &lives, NULL);
    while (!node_stopping) {
        struct pollfd wait = {.fd = t->node->trials_trial, .events = POLLIN};
        struct trial_ask ask;
        int fd = -1;
        (void)poll(&wait, 1, LOOK_MS);
        if (!(wait.revents & POLLIN)) {
            if (t->open && clock_monotonic_ms() >= t->rest_ms)
                close_all(t);
            continue;
        }
        if (!pass_receive(t->node->trials_trial, &ask, sizeof ask, &fd, 1, MSG_DONTWAIT)) {
            log_event(LOG_AT_ERROR, "trial-refused", "error=%s",
                      log_quote("the console sent what is no request"));
            continue;
        }
        take(t, ask.ticket, fd);
        (void)close(fd);
    }
}

int trial_run(const struct node *node)
{
    struct trial t = {.node = node, .examiner = {.node = node}};
    struct dx_error err = {0};
    if (dx_init(NULL, NULL, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "dicom-cannot-start", "error=%s", log_quote(err.text));
        return EX_SOFTWARE;
    }
    object_limits_of(&node->conf->limits, &t.examiner.limits);
    int level = nice(YIELDING); /* also of the zygote, its children and the pool */
    (void)level;
    t.examiner.zygote = zygote_start();
    if (!t.examiner.zygote) {
        log_event(LOG_AT_ERROR, "zygote-cannot-start", "error=%s", log_quote(strerror(errno)));
        return EX_OSERR;
    }
    if (!confine(CONFINE_TRIAL, node->conf, NULL)) {
        zygote_stop(t.examiner.zygote);
        return EX_OSERR;
    }
    live(&t);
    close_all(&t);
    zygote_stop(t.examiner.zygote);
    return 0;
}
