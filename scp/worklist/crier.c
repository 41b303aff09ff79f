/* One announcement's process. */
#include "announce.h"

#include "hl7.h"
#include "ups.h"
#include "webhook.h"
#include <sys/socket.h>

bool announce_allowed(enum conf_mode mode, const struct conf_announcement *to)
{
    return mode == CONF_CLINICAL || (mode == CONF_DEMO && to->demo);
}

static enum news_end tell(const struct conf *conf, const struct conf_announcement *to,
                          const struct news *news, struct crier_answer *answer)
{
    const struct ups_manner manner = {.own_item = to->own_item,
                                      .codes = to->workitem_codes,
                                      .worklist_label = to->worklist_label,
                                      .answer_seconds = to->answer_seconds};
    switch (to->way) {
    case CONF_UPS:
        return news->kind == NEWS_LOOK
                   ? ups_look(conf, to->peer, &manner, news, &answer->read, answer->why)
                   : ups_tell(conf, to->peer, &manner, news, answer->why);
    case CONF_HL7:
        return hl7_tell(conf, to, news, answer->why);
    case CONF_WEBHOOK:
        break;
    }
    return webhook_tell(to, news, answer->why);
}

int crier_run(const struct conf *conf, const struct conf_announcement *to, int fd)
{
    struct news news;
    for (;;) {
        if (recv(fd, &news, sizeof news, 0) != (ssize_t)sizeof news)
            return 0;
        struct crier_answer answer = {.news = news.id};
        enum conf_mode mode = node_mode(conf); /* as late as can be: `mode shadow` is a stop */
        crash_point("crier-asked");
        if (announce_allowed(mode, to) && news.research == (mode != CONF_CLINICAL))
            answer.end = tell(conf, to, &news, &answer);
        else
            answer.forbidden = true;
        crash_point("crier-told");
        if (send(fd, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer)
            return 0;
    }
}
