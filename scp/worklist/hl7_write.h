/* hl7_write.h: a study's place in the reading worklist as HL7 version 2 messages; docs/hl7.md has
 * the profile as tables.
 *
 * HL7_RESULT: ORU^R01, what was found, under a service (OBR-4) and an order number (OBR-3) of the
 * node's own, so that it can never become the result of the site's order. Preliminary for ever:
 * OBR-25 P, or X when nothing is there (not processed, withdrawn); never F, and never C, which
 * corrects what was final. Sent again as a whole for each revision, under the same number.
 * HL7_PRIORITY: the priority of the site's own order, ORM^O01 (2.3.1) or OMI^O23 (2.5.1), with XO.
 *
 * The same news and settings are the same bytes, whenever they are written. Pure; any thread. */
#ifndef HL7_WRITE_H
#define HL7_WRITE_H

#include "conf.h"
#include "news.h"
#include <stddef.h>

enum hl7_kind { HL7_RESULT, HL7_PRIORITY };

#define HL7_WRITE_MOST   65536 /* bytes of any message that is written */
#define HL7_CONTROL_MOST 21    /* MSH-10: 20 characters in both versions */

/* Whether this receiver is to get such a message of this news.
 *
 * A result: of every study that was judged or could not be; and what was told is withdrawn. A
 * priority: only where the order is known, with its priority (without it nobody could say that a
 * change raises it) and a number of it; when our rank is above the order's and this receiver has
 * not been told so, or when an earlier raise of ours no longer holds: then the order's own priority
 * comes back. A study that has been read keeps the priority that it was read with. */
bool hl7_is_due(const struct conf_announcement *to, const struct news *news, enum hl7_kind kind);

/* The message, ended by CR and a zero; 0: it does not fit. */
size_t hl7_write(const struct conf_announcement *to, const struct news *news, enum hl7_kind kind,
                 char *bytes, size_t size);

/* MSH-10: the first 19 letters and digits of news->message, then R or P. */
void hl7_control(const struct news *news, enum hl7_kind kind, char id[HL7_CONTROL_MOST]);

#endif
