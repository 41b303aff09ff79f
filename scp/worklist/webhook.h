/* webhook.h: news as JSON by HTTP POST: UIDs, outcome and priority, nothing that names a patient.
 *
 *   {"id": the same whenever this is sent again,
 *    "study": UID, "revision": n, "event": "priority" or "withdrawn",
 *    "priority": "HIGH", "raised": true, "outcome": "finding" or null when withdrawn, "reason":
 * words, "research": true, "report": UID or null, "created": "2026-11-27T12:00:00.000Z"}
 *
 * With a secret, X-Cervigate-Signature: sha256=HEX is the HMAC-SHA-256 of the body (RFC 2104). */
#ifndef WEBHOOK_H
#define WEBHOOK_H

#include "conf.h"
#include "news.h"

/* Whom a URL calls; port 0 and "" where it is none. */
void webhook_address(const char *url, char host[256], uint16_t *port);
/* 2xx: told; 408, 425 and 5xx: later; no connection, no valid certificate, no answer in time, 429
 * and 502 to 504: unreached; all else: refused. Redirects are not followed; of the answer only the
 * status counts.
 */
enum news_end webhook_tell(const struct conf_announcement *to, const struct news *news,
                           char why[NEWS_WHY]);

#endif
