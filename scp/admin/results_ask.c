/* results_ask.c: `cervigate results retract` and `reissue`. Only the analyze role changes results:
 * the command leaves a request in the job store and looks for its answer. */
#include "clock.h"
#include "results.h"
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 10000 /* the role looks once a second, unless it is judging */
#define LOOK_MS   100

static const struct {
    const char *word, *code;
} reasons[] = {{"quality", "113001"}, {"safety", "113037"}, {"wrong-worklist-entry", "113038"}};

const char *results_reason(const char *word)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].word, word) == 0)
            return reasons[i].code;
    return NULL;
}

/* Who answers for it: behind sudo the person, not root. Only root can claim to be somebody. */
static void caller(char *who, size_t size)
{
    const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *user = getpwuid(getuid());
    if (sudo && sudo[0])
        snprintf(who, size, "%s", sudo);
    else if (user)
        snprintf(who, size, "%s", user->pw_name);
    else
        snprintf(who, size, "uid %lu", (unsigned long)getuid());
    for (char *c = who; *c; c++) /* it goes into the log and the record as one word */
        if ((unsigned char)*c < 0x20)
            *c = '?';
}

/* "" when none came in time. */
static enum store_status wait_for_answer(struct store *store, int64_t id, char *answer, size_t size)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    int64_t until = clock_monotonic_ms() + ANSWER_MS;
    for (;;) {
        enum store_status status = store_request_answer(store, id, answer, size);
        if (status != STORE_BUSY && (status != STORE_OK || answer[0]))
            return status;
        if (clock_monotonic_ms() >= until)
            return STORE_OK;
        (void)nanosleep(&pause, NULL);
    }
}

int results_ask(const struct command *command, struct store *store, const struct result *result,
                enum request_kind kind)
{
    const char *done = kind == REQUEST_RETRACT ? "retracted" : "reissued";
    struct request request = {.kind = kind, .asked_ms = clock_utc_ms()};
    char answer[256] = "";
    snprintf(request.uid, sizeof request.uid, "%s", result->uid);
    if (kind == REQUEST_RETRACT)
        snprintf(request.reason, sizeof request.reason, "%s",
                 results_reason(command->reason ? command->reason : "quality"));
    caller(request.who, sizeof request.who);

    if (store_add_request(store, &request) != STORE_OK ||
        wait_for_answer(store, request.id, answer, sizeof answer) != STORE_OK) {
        fprintf(stderr, "cervigate results: %s\n", store_error(store));
        return EX_IOERR;
    }
    int status = !answer[0] ? EX_UNAVAILABLE : strcmp(answer, done) == 0 ? 0 : 1;
    if (status == EX_UNAVAILABLE)
        fprintf(stderr,
                "cervigate results: no answer in %d seconds; the request stays and is done when "
                "the node runs\n",
                ANSWER_MS / 1000);
    if (command->json) {
        int printed = command_print(json_pack("{s:s, s:I, s:s, s:s, s:o}", "uid", request.uid,
                                              "request", (json_int_t)request.id, "reason",
                                              request.reason, "who", request.who, "answer",
                                              answer[0] ? json_string(answer) : json_null()));
        return printed ? printed : status;
    }
    if (answer[0])
        printf("%s: %s\n", request.uid, answer);
    return status;
}
