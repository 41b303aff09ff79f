#include "file_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum nn_status nn_file_begin(struct nn_file *file, const char *path, struct nn_error *err)
{
    int length =
        snprintf(file->temporary, sizeof file->temporary, "%s.%ld.tmp", path, (long)getpid());

    if (length < 0 || (size_t)length >= sizeof file->temporary)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", path);
    snprintf(file->path, sizeof file->path, "%s", path);
    file->out = fopen(file->temporary, "wbxe");
    if (file->out == NULL && errno == EEXIST && unlink(file->temporary) == 0)
        file->out = fopen(file->temporary, "wbxe");
    if (file->out == NULL)
        return nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
    return NN_OK;
}

enum nn_status nn_file_place(struct nn_file *file, bool wrote, struct nn_error *err)
{
    bool good = wrote && fflush(file->out) == 0 && fchmod(fileno(file->out), 0644) == 0 &&
                fsync(fileno(file->out)) == 0;
    int why = errno;

    if (fclose(file->out) != 0 && good) {
        good = false;
        why = errno;
    }
    if (good && rename(file->temporary, file->path) != 0) {
        good = false;
        why = errno;
    }
    if (!good) {
        unlink(file->temporary);
        return nn_fail(err, NN_IO, "%s: %s", file->path, strerror(why));
    }
    return NN_OK;
}

static bool sync_directory(const char *path)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", path); /* dirname changes it */
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return good;
}

enum nn_status nn_file_commit(struct nn_file *file, bool wrote, struct nn_error *err)
{
    enum nn_status status = nn_file_place(file, wrote, err);

    if (status == NN_OK && !sync_directory(file->path))
        status = nn_fail(err, NN_IO, "%s: its directory cannot be synced: %s", file->path,
                         strerror(errno));
    return status;
}

/* Of "NAME.PID.tmp" of a process that is no more: whether `name` is such. */
static bool is_left(const char *name, const char *whole)
{
    size_t length = strlen(whole);
    long writer = 0;
    int end = 0;

    return strncmp(name, whole, length) == 0 &&
           sscanf(name + length, ".%ld.tmp%n", &writer, &end) == 1 && end > 0 &&
           name[length + (size_t)end] == '\0' && writer > 0 && kill((pid_t)writer, 0) != 0 &&
           errno == ESRCH;
}

void nn_file_sweep(const char *path)
{
    char folder[PATH_MAX], file[PATH_MAX];

    snprintf(folder, sizeof folder, "%s", path); /* dirname and basename change them */
    snprintf(file, sizeof file, "%s", path);
    DIR *open_folder = opendir(dirname(folder));
    const char *whole = basename(file);
    for (struct dirent *entry; open_folder && (entry = readdir(open_folder));) {
        if (is_left(entry->d_name, whole))
            unlinkat(dirfd(open_folder), entry->d_name, 0);
    }
    if (open_folder)
        closedir(open_folder);
}
