#include "whole_file.h"

#include <errno.h>
#include <unistd.h>

bool whole_file_open(struct whole_file *file, const char *folder, const char *name)
{
    int length = snprintf(file->partial, sizeof file->partial, "%s%s%s.partial",
                          folder ? folder : "", folder ? "/" : "", name);

    file->out = NULL;
    snprintf(file->path, sizeof file->path, "%s%s%s", folder ? folder : "", folder ? "/" : "",
             name);
    errno = ENAMETOOLONG;
    if (length > 0 && (size_t)length < sizeof file->partial)
        file->out = fopen(file->partial, "we");
    return file->out != NULL;
}

bool whole_file_close(struct whole_file *file, bool wrote)
{
    bool good = fflush(file->out) == 0 && !ferror(file->out) && fsync(fileno(file->out)) == 0;
    int why = errno;

    if (fclose(file->out) != 0 && good) {
        good = false;
        why = errno;
    }
    if (good && wrote) {
        if (rename(file->partial, file->path) == 0)
            return true;
        why = errno;
    }
    unlink(file->partial);
    errno = why;
    return false;
}
