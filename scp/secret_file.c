#include "stow_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse(const char *path, const char *why, char text[256])
{
    (void)snprintf(text, 256, "%.150s: %.95s", path, why);
    return false;
}

/* The same conditions as for a private key (keys.c). */
static bool is_private(const char *path, const struct stat *at, char text[256])
{
    unsigned mode = at->st_mode & 07777u;
    char why[96];
    if (!S_ISREG(at->st_mode))
        return refuse(path, "is no file", text);
    if ((mode & 077u) != 0) {
        (void)snprintf(why, sizeof why, "its mode is %04o; expected 0600 or 0400", mode);
        return refuse(path, why, text);
    }
    if (at->st_uid != geteuid() && at->st_uid != 0 && geteuid() != 0)
        return refuse(path, "is another user's; expected one of the node's own user", text);
    return true;
}

bool stow_secret_read(const char *path, char secret[STOW_SECRET_MAX], char text[256])
{
    struct stat at;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(path, strerror(errno), text);
    bool good = fstat(fd, &at) == 0 && is_private(path, &at, text);
    ssize_t n = good ? read(fd, secret, STOW_SECRET_MAX - 1) : 0;
    (void)close(fd);
    if (!good)
        return false;
    secret[n > 0 ? n : 0] = '\0';
    size_t length = strcspn(secret, "\r\n");
    if (length == STOW_SECRET_MAX - 1)
        return refuse(path, "its first line is too long", text);
    secret[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (secret[i] < 0x20 || secret[i] > 0x7e)
            return refuse(path, "its first line is not of ASCII", text);
    return length > 0 || refuse(path, "its first line is empty", text);
}
