#include "hl7.h"

#include "hl7_order.h"
#include "hl7_write.h"
#include "log.h"
#include "mllp.h"
#include <stdio.h>
#include <string.h>

#define ANSWER_MOST 65536
#define WORDS_MOST  160 /* of the receiver, in why */

static const char *const names[] = {[HL7_RESULT] = "result", [HL7_PRIORITY] = "priority"};

static enum news_end answered(const struct news *news, enum hl7_kind kind, const char *answer,
                              size_t count, char why[NEWS_WHY])
{
    static const enum news_end ends[] = {NEWS_TOLD, NEWS_LATER, NEWS_REFUSED};
    static const char *const words[] = {"", "an error", "refused"};
    char id[HL7_CONTROL_MOST], text[WORDS_MOST];
    struct hl7_message message;
    enum hl7_code code = HL7_ERROR;
    hl7_control(news, kind, id);
    if (!hl7_parse(&message, answer, count, text, sizeof text)) {
        (void)snprintf(why, NEWS_WHY, "%s: the answer is no HL7: %s", names[kind], text);
        return NEWS_LATER;
    }
    if (!hl7_read_ack(&message, id, &code, text, sizeof text)) {
        (void)snprintf(why, NEWS_WHY, "%s: %s", names[kind], text);
        return NEWS_LATER;
    }
    if (code != HL7_ACCEPT)
        (void)snprintf(why, NEWS_WHY, "%s: %s%s%s", names[kind], words[code],
                       text[0] != '\0' ? LOG_PEER_SAYS : "", text);
    return ends[code];
}

static enum news_end tell(const struct conf_announcement *to, const struct news *news,
                          enum hl7_kind kind, char why[NEWS_WHY])
{
    static _Thread_local char message[HL7_WRITE_MOST], answer[ANSWER_MOST];
    const struct connection_peer peer = {.who = "receiver",
                                         .host = to->host,
                                         .port = to->port,
                                         .tls = to->tls,
                                         .name = to->tls_name,
                                         .authorities = to->authorities,
                                         .certificate = to->certificate,
                                         .key = to->key};
    char error[NEWS_WHY - 16];
    size_t size = hl7_write(to, news, kind, message, sizeof message), count = 0;
    if (size == 0) {
        (void)snprintf(why, NEWS_WHY, "%s: it does not fit into a message", names[kind]);
        return NEWS_REFUSED;
    }
    if (!mllp_ask(&peer, message, size, to->answer_seconds, answer, sizeof answer, &count, error,
                  sizeof error)) {
        (void)snprintf(why, NEWS_WHY, "%s: %s", names[kind], error);
        return NEWS_UNREACHED;
    }
    return answered(news, kind, answer, count, why);
}

/* Unreached and later are tried again, so they come before what is settled. */
static bool is_worse(enum news_end a, enum news_end b)
{
    static const int weight[] = {
        [NEWS_TOLD] = 0, [NEWS_REFUSED] = 1, [NEWS_LATER] = 2, [NEWS_UNREACHED] = 3};
    return weight[a] > weight[b];
}

enum news_end hl7_tell(const struct conf *conf, const struct conf_announcement *to,
                       const struct news *news, char why[NEWS_WHY])
{
    static const enum hl7_kind kinds[] = {HL7_PRIORITY, HL7_RESULT};
    enum news_end end = NEWS_TOLD;
    (void)conf;
    why[0] = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && end != NEWS_UNREACHED; i++) {
        char said[NEWS_WHY] = "";
        if (!hl7_is_due(to, news, kinds[i]))
            continue;
        enum news_end now = tell(to, news, kinds[i], said);
        if (is_worse(now, end)) {
            end = now;
            memcpy(why, said, NEWS_WHY);
        }
    }
    return end;
}
