/* confine.h: what each process of the node may do, and the mechanisms that hold it to that.
 *
 * A role confines itself once, after it has what it needs and before it does anything for a peer.
 * Confinement is for good, is inherited by what it forks, and adds up: a child may only be given
 * less than its parent. The table of roles is in confine.c; docs/security.md explains it.
 *
 *   seccomp     which system calls. What no role ever does (another program, a debugger, kernel
 *               interfaces, writable code) kills the process; what this role does not do is EPERM.
 *               Roles that read what peers sent have a list of what they may; the others a list of
 *               what they may not.
 *   Landlock    which files and TCP ports, and whom a signal reaches; Linux 5.19 or later.
 *   limits      descriptors, address space, processor time; no core dump.
 *   the rest    no new privileges, no capabilities, closed to debuggers of the same user.
 *
 * Under sanitizers the lists of what may be called, the limit of address space and the refusal of
 * ptrace are off: their run-time needs what these forbid.
 *
 * A kernel without Landlock: the rest holds, and it is told (log, run/node, status). Test hook:
 * CERVIGATE_LANDLOCK_MOST=N takes the kernel's Landlock for version N at most (0: none). */
#ifndef CONFINE_H
#define CONFINE_H

#include "conf.h"
#include <stdbool.h>

enum confine_role {
    CONFINE_SUPERVISOR,
    CONFINE_RECEIVE,
    CONFINE_ASSOCIATION,
    CONFINE_REFUSER,
    CONFINE_COMMITTER,
    CONFINE_ANALYZE,
    CONFINE_ZYGOTE, /* the object child: object_confine.c, on top of this */
    CONFINE_DELIVER,
    CONFINE_SENDER,
    CONFINE_CONSOLE,
    CONFINE_ANNOUNCE,
    CONFINE_CRIER,
    CONFINE_ORDERS,
    CONFINE_HEARER,     /* hears one caller of orders */
    CONFINE_INQUIRE,    /* asks for orders */
    CONFINE_INQUIRER,   /* talks to whom it asks */
    CONFINE_AUDIT,      /* sends the audit log to its collector */
    CONFINE_TRIAL,      /* judges files that are tried on the console */
    CONFINE_ADMIN,      /* cervigate: commands that read files */
    CONFINE_ADMIN_PEER, /* cervigate: commands that talk to a peer or play one */
    CONFINE_ROLES
};

/* Confines this process for good. Paths and ports are those of conf (NULL for roles that open
 * nothing); `to`: a sender's destination, else NULL. False after a line in the log: the process
 * must not go on. */
bool confine(enum confine_role role, const struct conf *conf, const struct conf_destination *to);

/* Compiles the role's filter once, so that children of this process confine themselves in a tenth
 * of the time. */
bool confine_prepare(enum confine_role role);

/* The version of Landlock's interface that is used; 0: none. */
int confine_landlock(void);

#endif
