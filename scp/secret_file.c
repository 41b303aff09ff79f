#include "secret_file.h"

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

/* Who names a certificate where its key should be is not to be told to hide it. */
static bool is_certificate(int fd)
{
    char begin[8192];
    ssize_t n = pread(fd, begin, sizeof begin, 0);
    return n > 0 && memmem(begin, (size_t)n, "-----BEGIN CERTIFICATE-----", 27) != NULL &&
           memmem(begin, (size_t)n, "PRIVATE KEY-----", 16) == NULL;
}

bool secret_is_private(int fd, char why[SECRET_WHY])
{
    struct stat at;
    if (fstat(fd, &at) != 0) {
        (void)snprintf(why, SECRET_WHY, "%.80s", strerror(errno));
        return false;
    }
    unsigned mode = at.st_mode & 07777u;
    if (!S_ISREG(at.st_mode))
        (void)snprintf(why, SECRET_WHY, "is no file");
    else if ((mode & 077u) != 0 && is_certificate(fd))
        (void)snprintf(why, SECRET_WHY,
                       "holds a certificate; expected a private key: are the two swapped?");
    else if ((mode & 077u) != 0)
        (void)snprintf(why, SECRET_WHY,
                       "its mode is %04o: others may read or write it; expected 0600 or 0400",
                       mode);
    else if (at.st_uid != geteuid() && at.st_uid != 0 && geteuid() != 0)
        (void)snprintf(why, SECRET_WHY, "it is user %u's; expected one of the node's own user",
                       (unsigned)at.st_uid);
    else
        return true;
    return false;
}

bool secret_read(const char *path, char secret[SECRET_MAX], char text[256])
{
    char why[SECRET_WHY];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(path, strerror(errno), text);
    bool good = secret_is_private(fd, why);
    ssize_t n = good ? read(fd, secret, SECRET_MAX - 1) : 0;
    (void)close(fd);
    if (!good)
        return refuse(path, why, text);
    secret[n > 0 ? n : 0] = '\0';
    size_t length = strcspn(secret, "\r\n");
    if (length == SECRET_MAX - 1)
        return refuse(path, "its first line is too long", text);
    secret[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (secret[i] < 0x20 || secret[i] > 0x7e)
            return refuse(path, "its first line is not of ASCII", text);
    return length > 0 || refuse(path, "its first line is empty", text);
}
