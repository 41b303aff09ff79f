/* Temporary names that a death left. */
#include "spool.h"

#include "node.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEX "0123456789abcdef"

bool spool_has_owner(const char *name)
{
    long pid = strtol(name, NULL, 10);
    return pid > 0 && pid <= INT_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* "PID-0123456789abcdef": where spool_write_whole's temporary name ends. */
static bool is_mark(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && text[digits] == '-' && strspn(text + digits + 1, HEX) == 16 &&
           text[digits + 17] == '\0';
}

/* "send-PID.dcm" */
static bool is_packed(const char *name)
{
    size_t prefix = sizeof SPOOL_PACKED_PREFIX - 1;
    if (strncmp(name, SPOOL_PACKED_PREFIX, prefix) != 0)
        return false;
    size_t digits = strspn(name + prefix, "0123456789");
    return digits > 0 && strcmp(name + prefix + digits, ".dcm") == 0;
}

/* What restore left is nobody's: it holds the spool's lock, and so no node runs beside it. */
static bool is_left(const char *name)
{
    size_t length = strlen(name), end = sizeof SPOOL_ASIDE - 1;
    const char *dot = strrchr(name, '.');
    if (dot != NULL && is_mark(dot + 1))
        return !spool_has_owner(dot + 1);
    if (is_packed(name))
        return !spool_has_owner(name + sizeof SPOOL_PACKED_PREFIX - 1);
    return length > end && strcmp(name + length - end, SPOOL_ASIDE) == 0;
}

static int sweep_folder(const struct conf *conf, const char *folder, size_t *removed)
{
    char path[PATH_MAX];
    int failed = 0;
    node_path(conf, path, sizeof path, "%s", folder);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return errno == ENOENT ? 0 : -errno;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (!is_left(entry->d_name))
            continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) == 0)
            ++*removed;
        else if (errno != ENOENT)
            failed = -errno;
    }
    (void)closedir(directory);
    return failed;
}

int spool_sweep_temporaries(const struct conf *conf, size_t *removed)
{
    static const char *const folders[] = {".",          "run",        "audit",
                                          "audit/sent", "quarantine", "selftest"};
    int failed = 0;
    *removed = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int now = sweep_folder(conf, folders[i], removed);
        failed = now != 0 ? now : failed;
    }
    return failed;
}
