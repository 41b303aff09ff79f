/* reloaded.h: a reload that was ordered on the console, and what became of the last one, in files
 * of the spool: run/reload and run/reloaded. Each is put in its place whole: nobody reads half.
 *
 *   console --ask--> analyze: run/reload --> supervisor (looks once a turn): reload, run/reloaded
 *                                            --> console (/api/v1/node/configuration) */
#ifndef RELOADED_H
#define RELOADED_H

#include "conf.h"
#include <stdint.h>

#define RELOADED_WORDS 8192

/* Analyze's. False: the order could not be written. who: printable ASCII without blanks. */
bool reload_order(const struct conf *conf, const char *who);
/* The supervisor's: whether there is an order, which is gone then; who gave it. One that cannot be
 * removed is logged and is none: else it would be carried out again and again. */
bool reload_take_order(const struct conf *conf, char who[64]);

struct reloaded {
    int64_t at_ms; /* UTC */
    char who[64];
    bool taken;                 /* else the old configuration stays */
    size_t changes;             /* of settings, where it was taken */
    char words[RELOADED_WORDS]; /* complaints, a line each; may be cut */
};
/* Where it cannot be written that is logged, and the one before stays. */
void reloaded_write(const struct conf *conf, const struct reloaded *reloaded);
bool reloaded_read(const struct conf *conf, struct reloaded *reloaded); /* false: none is known */

#endif
