/* support_redact.h: what may leave the house: lines of the log, JSON and the configuration without
 * patients' data, people's names and secrets.
 *
 * By lists of what may stay, not of what must go: keys whose values are this program's own. UIDs
 * become names that are the same within one bundle and mean nothing outside it. */
#ifndef SUPPORT_REDACT_H
#define SUPPORT_REDACT_H

#include "conf.h"
#include <jansson.h>
#include <stdio.h>

struct redaction {
    const struct conf *conf; /* titles and names in it may stay; or NULL */
    uint8_t key[16];         /* of the UIDs' names: random, never written down */
};
/* False: no random numbers. */
bool redact_begin(struct redaction *redaction, const struct conf *conf);
/* Writes what may stay of a line of the log (as text, of journalctl, or a message alone). False: it
 * is no line of this node, and nothing was written. */
bool redact_line(const struct redaction *redaction, const char *line, FILE *out);
/* Strings under other keys than those that may stay are replaced, in place. */
void redact_json(json_t *value);
/* conf_print's text: no user, no rest of an address behind the host, no values of rules that look
 * at what names a study. */
void redact_configuration(const char *xml, FILE *out);

#endif
