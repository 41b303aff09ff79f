/* conf_pattern.h: the regular expressions of rules: POSIX extended ones whose matching is bounded.
 *
 * The language is POSIX 2017, XBD 9.4, as the GNU C library reads it, without back-references:
 * . [...] [^...] [:class:] * + ? {n} {n,} {n,m} {,m} ( ) | ^ $ and \w \W \s \S \b \B \< \> \` \'.
 * Letter case is set aside. Text is UTF-8; a byte that is none is one character like no other.
 * Whatever pattern and text are: at most CONF_PATTERN_STEPS steps for each character of the text,
 * of which the first CONF_PATTERN_TEXT count, and no memory but the pattern's own.
 *
 * A pattern belongs to one thread at a time (it holds the scratch of its matching). */
#ifndef CONF_PATTERN_H
#define CONF_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#define CONF_PATTERN_MAX   1024 /* bytes of a pattern */
#define CONF_PATTERN_STEPS 4096 /* of its program: repetitions are written out */
#define CONF_PATTERN_TEXT  1024 /* characters of a text; the rest is not looked at */

struct conf_pattern;
/* NULL with a sentence in error: what is wrong and what to write instead. */
struct conf_pattern *conf_pattern_create(const char *text, char *error, size_t error_size);
void conf_pattern_destroy(struct conf_pattern *pattern); /* takes NULL */
/* Whether it is found anywhere in the text. */
bool conf_pattern_found(struct conf_pattern *pattern, const char *text);

#endif
