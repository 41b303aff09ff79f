#include "ask.h"
#include "clock.h"
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 10000 /* the role looks once a second, unless it is judging */
#define LOOK_MS   100

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

int ask_node(const char *command, struct store *store, struct request *request, const char *done,
             char answer[ASK_ANSWER_MAX])
{
    answer[0] = '\0';
    request->asked_ms = clock_utc_ms();
    caller(request->who, sizeof request->who);
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
