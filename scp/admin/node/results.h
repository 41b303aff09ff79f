/* results.h: what `cervigate results` asks of the running node, from results.c. */
#ifndef RESULTS_H
#define RESULTS_H

#include "command.h"

/* Code of CID 7011 for a word of --reason; NULL: no such word. */
const char *results_reason(const char *word);

/* Leaves the request in the job store, waits for the node's answer, and prints it. An exit status:
 * 1 the answer is no; 69 there was none in time: the request stays. */
int results_ask(const struct command *command, struct store *store, const struct result *result,
                enum request_kind kind);

#endif
