/* words.h: what each option is for, in words: one table, in the order in which people read it.
 *
 * The manual page cervigate.xml(5), the comments of config/cervigate.xml and the documentation in
 * config/cervigate.xsd are written from it by the program of this folder; the latter two are in the
 * repository, and a test compares them. Defaults and ranges are options.c's and the schema's. */
#ifndef WORDS_H
#define WORDS_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdio.h>

/* A row: an option; a paragraph (attribute NULL), the first of an element being what it is; or, as
 * it stands, an example. In words about an option a line "VALUE\tTEXT" is about one of its values.
 */
struct conf_word {
    const char *element;   /* one, or several with blanks between that have the option in common */
    const char *attribute; /* likewise */
    const char *says;
};
#define CONF_EXAMPLE ""
/* Each ends with a row of NULL. A block is a child of <cervigate> and what stands below it. */
extern const struct conf_word conf_words_node[], conf_words_peers[], conf_words_lists[],
    conf_words_care[];

/* facts.c: the schema's, opened once. */
bool facts_open(void);
void facts_close(void);
bool facts_is_block(const char *element);
/* An option's default, NULL: none; its type's words. */
struct facts {
    const char *fallback, *takes;
    bool required;
};
bool facts_of(const char *element, const char *attribute, struct facts *facts);
/* Each option has its row and no row is without one; else says so on standard error. */
bool facts_complete(void);

/* words.c: all rows in order; the one about an option, about an element (its first paragraph).
 * NULL: none. */
const struct conf_word *words_first(void);
const struct conf_word *words_next(const struct conf_word *word);
const struct conf_word *words_about(const char *element, const char *attribute);
bool words_has(const char *list, const char *one); /* whether it is one of the list's */
/* The word up to a blank at *list into one; false: there is none left. Moves *list. */
bool words_take(const char **list, char one[64]);

/* The three readers. Each false: what it reads is not as it must be, which it says. */
bool sample_write(const char *path, FILE *out);
bool schema_write(const char *path, FILE *out);
bool page_write(FILE *out);

#endif
