/* support_parts.h: what a support bundle says of program, machine and node. */
#ifndef SUPPORT_PARTS_H
#define SUPPORT_PARTS_H

#include "conf.h"
#include <jansson.h>
#include <stdio.h>

void support_versions(FILE *out);
void support_machine(FILE *out);
void support_spool(const struct conf *conf, FILE *out);
/* As `cervigate status --json`, or {"trouble": ...}; NULL: no memory. */
json_t *support_status(const struct conf *conf);

#endif
