#include "log_recent.h"

#include "node.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char magic[8] = "CVLOG01";

struct slot {
    uint64_t number; /* from 1; 0: none, or being written */
    char text[LOG_RECENT_MOST];
};
struct ring {
    char magic[8];
    uint64_t next; /* lines that there were */
    char more[1008];
    struct slot slot[LOG_RECENT_LINES];
};
_Static_assert(sizeof(struct ring) == 2u << 20, "a slot is a KiB");

static struct ring *ring;

void log_recent_open(const struct conf *conf)
{
    char path[PATH_MAX];
    if (ring != NULL)
        return;
    node_path(conf, path, sizeof path, "run/recent");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* all of it: a page that the disk has no room for would kill who writes to it */
    if (fd < 0 || ftruncate(fd, sizeof *ring) != 0 || posix_fallocate(fd, 0, sizeof *ring) != 0) {
        if (fd >= 0) {
            (void)unlink(path);
            (void)close(fd);
        }
        return;
    }
    ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (ring == MAP_FAILED) {
        ring = NULL;
        return;
    }
    if (memcmp(ring->magic, magic, sizeof magic) != 0) {
        memset(ring, 0, sizeof *ring);
        memcpy(ring->magic, magic, sizeof magic);
    }
}

void log_recent_put(const char *line)
{
    if (ring == NULL)
        return;
    uint64_t number = __atomic_fetch_add(&ring->next, 1, __ATOMIC_RELAXED);
    struct slot *slot = &ring->slot[number % LOG_RECENT_LINES];
    __atomic_store_n(&slot->number, 0, __ATOMIC_RELEASE);
    (void)snprintf(slot->text, sizeof slot->text, "%s", line);
    __atomic_store_n(&slot->number, number + 1, __ATOMIC_RELEASE);
}

void log_recent_leave(void)
{
    if (ring != NULL)
        (void)munmap(ring, sizeof *ring);
    ring = NULL;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct slot *)a)->number, y = ((const struct slot *)b)->number;
    return x < y ? -1 : x > y;
}

bool log_recent_read(const struct conf *conf, void (*take)(void *context, const char *line),
                     void *context)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "run/recent");
    FILE *file = fopen(path, "re");
    struct ring *copy = file != NULL ? malloc(sizeof *copy) : NULL;
    bool good = copy != NULL && fread(copy, sizeof *copy, 1, file) == 1 &&
                memcmp(copy->magic, magic, sizeof magic) == 0;
    if (file != NULL)
        (void)fclose(file);
    if (good)
        qsort(copy->slot, LOG_RECENT_LINES, sizeof *copy->slot, by_number);
    for (size_t i = 0; good && i < LOG_RECENT_LINES; i++) {
        copy->slot[i].text[LOG_RECENT_MOST - 1] = '\0';
        if (copy->slot[i].number != 0)
            take(context, copy->slot[i].text);
    }
    free(copy);
    return good;
}
