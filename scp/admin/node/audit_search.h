/* audit_search.h: `cervigate audit search`. */
#ifndef AUDIT_SEARCH_H
#define AUDIT_SEARCH_H

#include "command.h"

/* Exit status. */
int audit_search(const struct command *command, const struct conf *conf, const char *usage);

#endif
