/* A configuration's files: the one that is named, and those of the folder beside it. */
#include "conf_private.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void conf_folder_of(const char *path, char *folder, size_t size)
{
    size_t length = strlen(path);

    if (length > 4 && strcmp(path + length - 4, ".xml") == 0)
        length -= 4;
    if (snprintf(folder, size, "%.*s.d", (int)length, path) >= (int)size)
        folder[0] = '\0';
}

/* ".#10-pacs.xml" and "10-pacs.xml~" are an editor's. */
static int is_ours(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".xml") == 0;
}

/* By bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int conf_list_files(const char *folder, char **paths, int most)
{
    struct dirent **entries = NULL;
    int count = folder[0] ? scandir(folder, &entries, is_ours, by_name) : 0;
    bool good = true;

    if (count < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    for (int i = 0; i < count; i++) {
        size_t size = strlen(folder) + strlen(entries[i]->d_name) + 2;
        if (i < most) {
            paths[i] = malloc(size);
            good &= paths[i] != NULL;
            if (paths[i])
                (void)snprintf(paths[i], size, "%s/%s", folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    if (good)
        return count;
    for (int i = 0; i < count && i < most; i++) {
        free(paths[i]);
        paths[i] = NULL;
    }
    errno = ENOMEM;
    return -1;
}

static char *read_all(int fd, size_t room, size_t *size)
{
    char *bytes = malloc(room + 1u);
    size_t have = 0;
    ssize_t n = 1;

    while (bytes && have < room && n != 0) {
        n = read(fd, bytes + have, room - have);
        if (n < 0 && errno != EINTR) {
            free(bytes);
            return NULL;
        }
        have += n > 0 ? (size_t)n : 0;
    }
    if (!bytes)
        return NULL;
    bytes[have] = '\0';
    *size = have;
    return bytes;
}

char *conf_read_file(const char *path, size_t *size)
{
    size_t room = CONF_MAX_BYTES + 1u; /* one more than allowed: over the ceiling shows itself */
    struct stat about;
    char *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC), error;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode)) {
        errno = EISDIR;
    } else {
        if (S_ISREG(about.st_mode) && about.st_size >= 0 && about.st_size < (off_t)CONF_MAX_BYTES)
            room = (size_t)about.st_size + 1u;
        bytes = read_all(fd, room, size);
    }
    if (bytes && *size > CONF_MAX_BYTES) {
        free(bytes);
        bytes = NULL;
        errno = EFBIG;
    }
    error = errno;
    close(fd);
    errno = error;
    return bytes;
}
