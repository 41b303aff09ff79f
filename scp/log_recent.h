/* log_recent.h: the last lines of the log, in SPOOL/run/recent, for `cervigate support`: they are
 * there whatever <log format> is, without journald, and after a process was killed.
 *
 * A file of fixed size that all processes of the node write: a line takes a slot of its own,
 * the oldest goes. Debug lines are not kept where they may hold patient data. */
#ifndef LOG_RECENT_H
#define LOG_RECENT_H

#include "conf.h"

#define LOG_RECENT_LINES 2047
#define LOG_RECENT_MOST  1016 /* of a line, with its terminator; longer ones are cut */

/* In the supervisor, once it has the spool: what is forked from it has it, too. Where it cannot be
 * made the lines are not kept. */
void log_recent_open(const struct conf *conf);
void log_recent_put(const char *line);
void log_recent_leave(void); /* the process has it no more */

/* Each kept line, oldest first. False: there is no such file, or memory. */
bool log_recent_read(const struct conf *conf, void (*take)(void *context, const char *line),
                     void *context);

#endif
