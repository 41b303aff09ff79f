/* ask.h: what a command asks of the running node. Only the analyze role changes the job store: the
 * command leaves a request there, in its caller's name, and looks for the answer. */
#ifndef ASK_H
#define ASK_H

#include "command.h"
#include <sysexits.h>

#define ASK_ANSWER_MAX 256
#define ASK_FAILED     EX_IOERR

/* Fills request->who, asked_ms and id. 0: an answer that begins with `done`; 1: another, which is
 * no; 69: none in 10 seconds, told on standard error: the request stays, answer is ""; ASK_FAILED:
 * the store failed, told. */
int ask_node(const char *command, struct store *store, struct request *request, const char *done,
             char answer[ASK_ANSWER_MAX]);
/* The same, with the answer told on standard output, as JSON if the command wants that: key names
 * the subject there. The exit status. */
int ask_and_tell(const struct command *command, const char *name, struct store *store,
                 struct request *request, const char *done, const char *key, const char *subject);

#endif
