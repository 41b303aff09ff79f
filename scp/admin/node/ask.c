#include "ask.h"
#include "audit.h"
#include "clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ANSWER_MS 10000 /* the role looks once a second, unless it is judging */
#define LOOK_MS   100

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

int ask_node(const char *command, struct store *store, struct request *request, const char *done,
             char answer[ASK_ANSWER_MAX])
{
    answer[0] = '\0';
    request->asked_ms = clock_utc_ms();
    audit_caller(request->who, sizeof request->who);
    if (store_add_request(store, request) != STORE_OK ||
        wait_for_answer(store, request->id, answer, ASK_ANSWER_MAX) != STORE_OK) {
        fprintf(stderr, "cervigate %s: %s\n", command, store_error(store));
        return ASK_FAILED;
    }
    if (!answer[0]) {
        fprintf(stderr,
                "cervigate %s: no answer in %d seconds; the request stays and is done when the "
                "node runs\n",
                command, ANSWER_MS / 1000);
        return EX_UNAVAILABLE;
    }
    return strncmp(answer, done, strlen(done)) == 0 ? 0 : 1;
}

int ask_and_tell(const struct command *command, const char *name, struct store *store,
                 struct request *request, const char *done, const char *key, const char *subject)
{
    char answer[ASK_ANSWER_MAX];
    int status = ask_node(name, store, request, done, answer);
    if (status == ASK_FAILED)
        return status;
    if (command->json) {
        int printed = command_print(json_pack(
            "{s:s, s:I, s:s, s:o}", key, subject, "request", (json_int_t)request->id, "who",
            request->who, "answer", answer[0] ? json_string(answer) : json_null()));
        return printed ? printed : status;
    }
    if (answer[0])
        printf("%s: %s\n", subject, answer);
    return status;
}
