/* config_fixture.h: what the tests of config/ share. */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf_private.h"

#define SAMPLE CERVIGATE_SOURCE_DIR "/config/cervigate.xml"

/* All texts are the caller's to free. */
/* As "[NAME:]LINE: [warning: ]TEXT" lines, with the name of any file but the first. */
char *tell(const struct conf_complaints *complaints);
char *slurp(const char *path);            /* at most 64 KiB; "" when it is not there */
char *print(const struct conf *conf);     /* conf_print */
struct conf *load_good(const char *path); /* without any complaint */
struct conf *load_texts(const struct conf_text *texts, size_t count); /* likewise */
/* Its complaints, all of them warnings, are these. */
struct conf *load_text(const char *text, const char *warnings);
/* What its print loads to, without any complaint, and prints the same. */
struct conf *load_print_of(const struct conf *conf);

#endif
