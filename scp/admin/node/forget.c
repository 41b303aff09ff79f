/* forget.c: `cervigate forget`: everything of one patient goes, now. */
#include "ask.h"
#include "store_keep.h"
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: cervigate forget PATIENT [--issuer ISSUER] [--yes] [--json] [--config FILE]\n"
    "\n"
    "Removes everything of one patient from the node: received objects, reports, pictures, what "
    "was\n"
    "noted of them in the job store, refused bytes in quarantine. What is not delivered yet will "
    "not\n"
    "be. UIDs and digests stay, so that an object that comes again starts nothing. The freed "
    "places\n"
    "of the job store are overwritten and its write-ahead log is emptied. What other systems "
    "have,\n"
    "the PACS among them, stays there, and so do backups made before and the audit log, which "
    "says\n"
    "that it was here and who had it removed.\n"
    "\n"
    "PATIENT is the Patient ID (0010,0020), letter by letter. IDs that the site has merged into "
    "it\n"
    "(HL7) are the same patient's; one that was merged into another is not forgotten by itself.\n"
    "\n"
    "  --issuer ISSUER  only where the Issuer of Patient ID (0010,0021) is this; without it, of "
    "any\n"
    "                   issuer. Objects not judged yet and refused bytes go by the Patient ID "
    "alone\n"
    "  --yes            does not ask\n"
    "  --json           the answer as one JSON object\n"
    "  --config FILE    the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "The running node does it, in the caller's name, and is waited for 10 seconds. A request that "
    "it\n"
    "did not answer by then stays, and is done once, when the node runs.\n"
    "\n"
    "Exit status: 0 done; 1 nothing of this patient is here, or the question was not answered "
    "with\n"
    "yes; 64 usage; 66 no job store; 69 no answer yet; 74 the job store cannot be read or "
    "written;\n"
    "78 bad configuration.\n";

static bool confirmed(const char *patient, const struct store_forgotten *count)
{
    char line[16] = "";
    fprintf(stderr,
            "Patient %s: %zu objects and %zu results will be removed for ever, %zu deliveries "
            "cancelled.\nGo on? [yes/no] ",
            patient, count->objects, count->results, count->deliveries);
    if (!fgets(line, sizeof line, stdin))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return strcmp(line, "yes") == 0 || strcmp(line, "y") == 0;
}

static int forget(const struct command *command, struct store *store, struct request *request)
{
    char answer[ASK_ANSWER_MAX];
    struct store_forgotten count;
    const struct store_patient patient = {request->subject, request->issuer};
    if (store_count_patient(store, &patient, &count) != STORE_OK) {
        fprintf(stderr, "cervigate forget: %s\n", store_error(store));
        return EX_IOERR;
    }
    if (!command->yes && !confirmed(patient.id, &count)) {
        fprintf(stderr, "cervigate forget: nothing was removed\n");
        return 1;
    }
    int status = ask_node("forget", store, request, "forgotten", answer);
    if (status == ASK_FAILED || !answer[0])
        return status;
    if (command->json) {
        int printed = command_print(json_pack("{s:I, s:s, s:s}", "request", (json_int_t)request->id,
                                              "who", request->who, "answer", answer));
        return printed ? printed : status;
    }
    puts(answer);
    return status;
}

/* As the store has them: without blanks at their ends. False when it does not fit. */
static bool take(const char *text, char subject[STORE_SUBJECT_MAX])
{
    text += strspn(text, " ");
    int n = snprintf(subject, STORE_SUBJECT_MAX, "%s", text);
    while (n > 0 && n < STORE_SUBJECT_MAX && subject[n - 1] == ' ')
        subject[--n] = '\0';
    return n >= 0 && n < STORE_SUBJECT_MAX;
}

int admin_forget(int argc, char **argv)
{
    struct command command;
    struct request request = {.kind = REQUEST_FORGET};
    struct conf *conf;
    struct store *store = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage,
                       COMMAND_CONFIG | COMMAND_JSON | COMMAND_ISSUER | COMMAND_YES, &command,
                       &status))
        return status;
    if (command.count != 1)
        return command_misused(usage, "one Patient ID is expected");
    if (!take(command.words[0], request.subject) || !request.subject[0] ||
        !take(command.issuer ? command.issuer : "", request.issuer) ||
        (command.issuer && !request.issuer[0]))
        return command_misused(usage, "a Patient ID or issuer has 1 to 64 characters");
    if (!command_open(&command, &conf, &store, &status))
        return status;
    status = forget(&command, store, &request);
    store_close(store);
    conf_destroy(conf);
    return status;
}
