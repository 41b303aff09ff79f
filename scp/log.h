/* log.h: one line an event, key=value: to journald by its own protocol with a field for each key,
 * or to standard error as text or JSON (docs/messages.md). Patient data only when the configuration
 * says so. The only place that logs. For one thread of a process at a time, but a whole line is one
 * write. */
#ifndef LOG_H
#define LOG_H

#include "conf.h"
#include <stdbool.h>

enum log_level { LOG_AT_DEBUG, LOG_AT_INFO, LOG_AT_WARN, LOG_AT_ERROR };

/* As text on standard error, of every area, without a limit: until log_begin, and for tests. */
void log_init(const char *role, int level, bool patient_data);
/* As <log> says; every process calls it after its fork. In the first one it opens the journal's
 * socket (CERVIGATE_JOURNAL names another: tests) and makes the counters of the rate limit, which
 * all that are forked from it share. Where the journal cannot be reached it is text on standard
 * error. */
void log_begin(const char *role, const struct conf *conf);
/* event: a message id of log_messages.h ("association-ended"). format gives key=value pairs; texts
 * are quoted by the caller with log_quote. */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Quotes text into one of eight rotating buffers: control characters escaped, 200 bytes at most. */
const char *log_quote(const char *text);
/* In a reason, before words of a peer: they may hold a patient's data, so they are shown where jobs
 * and news are listed, and are in no log. */
#define LOG_PEER_SAYS "; it says: "
/* As log_quote, without them. */
const char *log_quote_own(const char *reason);
bool log_patient_data(void);
/* Gives up what processes share for the log: for one that says nothing and reads hostile bytes. */
void log_leave(void);

#endif
