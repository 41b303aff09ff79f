#include "audit_syslog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SEQUENCE_MOST UINT64_C(2147483647) /* RFC 5424 7.3.1; then from 1 again */
#define MSGID         "DICOM+RFC3881"
#define BOM           "\xef\xbb\xbf" /* RFC 5424 6.4: what follows is UTF-8 */

/* By the message's outcome: notice, warning, error, critical. */
static int severity(const struct audit_record *record)
{
    static const char name[] = " EventOutcomeIndicator=\"";
    static const struct {
        const char *outcome;
        int severity;
    } known[] = {{"0\"", 5}, {"4\"", 4}, {"8\"", 3}, {"12\"", 2}};
    const char *at = memmem(record->message, record->message_bytes, name, sizeof name - 1);
    size_t left = at != NULL ? record->message_bytes - (size_t)(at - record->message) : 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i].outcome);
        if (left >= sizeof name - 1 + length &&
            memcmp(at + sizeof name - 1, known[i].outcome, length) == 0)
            return known[i].severity;
    }
    return 5;
}

size_t audit_syslog_frame(int facility, const struct audit_record *record, char *frame, size_t room)
{
    char head[256];
    int length =
        snprintf(head, sizeof head,
                 "<%d>1 %s %s cervigate - " MSGID " [meta sequenceId=\"%" PRIu64 "\"] " BOM,
                 facility * 8 + severity(record), record->time, record->host,
                 (record->seq - 1) % SEQUENCE_MOST + 1);
    if (length < 0 || (size_t)length >= sizeof head)
        return 0;
    size_t bytes = (size_t)length + record->message_bytes;
    int written = snprintf(frame, room, "%zu %s%.*s", bytes, head, (int)record->message_bytes,
                           record->message);
    return written > 0 && (size_t)written < room ? (size_t)written : 0;
}
