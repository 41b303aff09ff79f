/* change.h: asking the node for a change by the request socket, for the console's handlers. */
#ifndef CHANGE_H
#define CHANGE_H

#include "asks.h"
#include "console.h"

/* Asks in the session's name and suspends the connection; the handler is called once more, with
 * visit->change set, when there is an answer or has been none for some seconds. */
enum MHD_Result change_begin(struct console *console, struct visit *visit,
                             const struct session *session, struct ask *ask);
/* Then: 200 when the answer begins with `done`, else `status` with it as the error; 202 while there
 * is none, 503 when the node could not take it. */
enum MHD_Result change_end(struct visit *visit, const char *done, unsigned status);

#endif
