/* phantom_send.h: `cervigate phantom --send`: plays the modalities of a department.
 *
 * A process a modality; this one prints what they tell, and ends them on SIGINT or SIGTERM. */
#ifndef PHANTOM_SEND_H
#define PHANTOM_SEND_H

#include "phantom_options.h"

/* Exit status: 0 all stored, or stopped; 1 something was refused; 69 the peer was not reached, or
 * an association broke; 70. */
int phantom_send(const struct phantom_options *options);

#endif
