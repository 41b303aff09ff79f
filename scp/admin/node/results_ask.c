/* results_ask.c: `cervigate results retract` and `reissue`, asked of the running node. */
#include "ask.h"
#include "results.h"
#include <stdio.h>
#include <string.h>

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

int results_ask(const struct command *command, struct store *store, const struct result *result,
                enum request_kind kind)
{
    struct request request = {.kind = kind};
    char answer[ASK_ANSWER_MAX];
    snprintf(request.uid, sizeof request.uid, "%s", result->uid);
    if (kind == REQUEST_RETRACT)
        snprintf(request.reason, sizeof request.reason, "%s",
                 results_reason(command->reason ? command->reason : "quality"));
    int status = ask_node("results", store, &request,
                          kind == REQUEST_RETRACT ? "retracted" : "reissued", answer);
    if (status == ASK_FAILED)
        return status;
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
