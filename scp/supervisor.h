/* supervisor.h: the parent of the four roles. */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

/* Runs the node until SIGTERM; returns the exit status. ready_fd (-1: none) gets one byte once the
 * node listens and its roles run. */
int supervisor_run(const char *config_path, int ready_fd);

#endif
