/* log.h: one line an event, key=value, to standard error (journald's level prefix when under
 * systemd). Patient data only when the configuration says so. The only place that logs. */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

enum log_level { LOG_AT_DEBUG, LOG_AT_INFO, LOG_AT_WARN, LOG_AT_ERROR };

void log_init(const char *role, int level, bool patient_data);
/* event: a stable message id ("association-ended"). format gives key=value pairs; values with
 * blanks are quoted by the caller with log_quote. */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Quotes text into one of eight rotating buffers: control characters escaped, 200 bytes at most. */
const char *log_quote(const char *text);
bool log_patient_data(void);

#endif
