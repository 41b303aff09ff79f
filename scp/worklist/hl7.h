/* hl7.h: tells one receiver one piece of news by HL7: the messages that it is due, each over a
 * connection of its own, and what its answers mean. In a process that may connect, read the
 * authorities' file and ask the resolver, with SIGPIPE ignored; at most two times answer_seconds.
 *
 *   AA, CA                                  NEWS_TOLD
 *   AE, CE, or an answer to something else  NEWS_LATER
 *   AR, CR                                  NEWS_REFUSED
 *   no connection, no or half an answer     NEWS_UNREACHED
 *
 * A change of priority goes first: it is what somebody waits for. Its refusal does not keep the
 * result back. News that is worth no message to this receiver is told. Told again, after a crash
 * or because only one of two was taken, a message is byte for byte the same: its receiver knows it
 * by MSH-10. */
#ifndef HL7_H
#define HL7_H

#include "conf.h"
#include "news.h"

/* why: "" when told; may hold words of the receiver, without controls. */
enum news_end hl7_tell(const struct conf *conf, const struct conf_announcement *to,
                       const struct news *news, char why[NEWS_WHY]);

#endif
