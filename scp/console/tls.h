/* tls.h: the console over TLS: the files of <console certificate key>, held to the rules of those
 * of <tls> (keys.h, docs/security.md). */
#ifndef CONSOLE_TLS_H
#define CONSOLE_TLS_H

#include "conf.h"
#include "keys.h"
#include <stdbool.h>

/* Whether they can be used, judged in a child of its own; true where there are none. False: wrong
 * says what is wrong, and with which attribute of <console>. One that has ended is told by the
 * browser. */
bool console_tls_judge(const struct conf *conf, struct keys_wrong *wrong);

/* All that is wrong with them, as keys_find_wrong; reads the key, in this process. */
size_t console_tls_find_wrong(const struct conf *conf, struct keys_wrong wrong[DX_TLS_FILES]);

/* Their texts; both NULL: there are none. False: they cannot be read. */
struct console_tls {
    char *certificate, *key;
    const char *rules; /* GnuTLS's priority string */
};
bool console_tls_read(const struct conf *conf, struct console_tls *tls);
void console_tls_finish(struct console_tls *tls); /* overwrites */

#endif
