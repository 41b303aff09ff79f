/* reload.h: a new configuration comes into force, or the old one stays. */
#ifndef RELOAD_H
#define RELOAD_H

#include "node.h"

/* Looks at everything that a start looks at. True: node->conf is the new one, its sockets are open,
 * and log, audit log and run/reloaded say what changed; roles are still to be started anew. False:
 * nothing is changed, and all three say why. `who` asked for it. */
bool reload_configuration(struct node *node, const char *path, const char *who);

/* Whose signal it was. */
void reload_name_user(const siginfo_t *info, char who[64]);

#endif
