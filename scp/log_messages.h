/* log_messages.h: every message id, its area, and whether its words are this program's own.
 *
 * An id keeps its meaning for ever; one that is no longer used goes to the end of docs/messages.md
 * and is not given to something else. The page has what each means, its cause and its remedy. */
#ifndef LOG_MESSAGES_H
#define LOG_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_AREA_MAP(X)                                                                            \
    X(LOG_NODE, "node")         /* processes, configuration, files, the log itself */              \
    X(LOG_RECEIVE, "receive")   /* associations and what they bring */                             \
    X(LOG_ANALYZE, "analyze")   /* images judged, self-test, health */                             \
    X(LOG_RESULTS, "results")   /* reports, corrections, retention */                              \
    X(LOG_DELIVER, "deliver")   /* results to destinations */                                      \
    X(LOG_WORKLIST, "worklist") /* places, announcements, who asks for the list */                 \
    X(LOG_ORDERS, "orders")     /* what the site says of orders and patients */                    \
    X(LOG_CONSOLE, "console")   /* people, web services */                                         \
    X(LOG_AUDIT, "audit")                                                                          \
    X(LOG_STORE, "store") /* the job store */                                                      \
    X(LOG_DICOM, "dicom") /* what DCMTK says */
enum log_area {
#define X(area, name) area,
    LOG_AREA_MAP(X)
#undef X
};
const char *log_area_name(enum log_area area);
/* A set of 1u << enum log_area of blank-separated names; others are passed over. */
unsigned log_areas(const char *names);

/* Whose words its texts (error, reason, detail, ...) are. */
enum log_words {
    LOG_OURS,  /* this program's, the system's: free of what a peer or an object says */
    LOG_OTHERS /* they may repeat what a peer said: in no support bundle */
};
struct log_message {
    const char *id;
    enum log_area area;
    enum log_words words;
};
extern const struct log_message log_messages[]; /* in the order of strcmp */
#define LOG_MESSAGES_MOST 256
/* NULL: there is none. */
const struct log_message *log_message_of(const char *id);

#endif
