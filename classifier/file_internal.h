/* file_internal.h: a file that appears whole or not at all. It is written beside its place,
 * synced, and takes it by rename. */
#ifndef NN_FILE_INTERNAL_H
#define NN_FILE_INTERNAL_H

#include "nn_status.h"
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

/* What is at `path` stays until the commit. `temporary` is "PATH.PID.tmp": what a process that died
 * left there is overwritten by the next one of its number, or swept. */
struct nn_file {
    FILE *out;
    char path[PATH_MAX], temporary[PATH_MAX];
};

/* NN_INVALID: the path is too long; NN_IO. NN_OK: nn_file_place or nn_file_commit must follow, and
 * closes `out`. One thread of a process at a time may write the same path. */
NN_MUST_USE enum nn_status nn_file_begin(struct nn_file *file, const char *path,
                                         struct nn_error *err);
/* wrote: whether all was written, else errno tells why not. Unless all goes well (NN_IO) what was
 * written is removed again. */
NN_MUST_USE enum nn_status nn_file_place(struct nn_file *file, bool wrote, struct nn_error *err);
/* The same, and the directory is synced: what a power cut may not take back. Where only that fails
 * (NN_IO, its sentence says so) the file is in its place. */
NN_MUST_USE enum nn_status nn_file_commit(struct nn_file *file, bool wrote, struct nn_error *err);

/* Removes what processes that are no more have left half written of `path`. */
void nn_file_sweep(const char *path);

#endif
