#include "log_recent.h"

#include "node.h"
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char magic[8] = "CVLOG01";

struct slot {
    uint64_t number; /* from 1; 0: none */
    char text[LOG_RECENT_MOST];
};
struct ring {
    char magic[8];
    char more[1016];
    struct slot slot[LOG_RECENT_LINES];
};
_Static_assert(sizeof(struct ring) == 2u << 20, "a slot is a KiB");

/* The file is written, not mapped: where the disk has no room for a page (a file system that copies
 * on write has none for any, once it is full) a mapping kills who writes to it. */
static int file = -1;
static uint64_t *next; /* shared by all that are forked */

static bool begin(struct ring *ring)
{
    ssize_t got = pread(file, ring, sizeof *ring, 0);
    if (got == sizeof *ring && memcmp(ring->magic, magic, sizeof magic) == 0) {
        *next = 0;
        for (size_t i = 0; i < LOG_RECENT_LINES; i++)
            *next = ring->slot[i].number > *next ? ring->slot[i].number : *next;
        return true;
    }
    memset(ring, 0, sizeof *ring);
    memcpy(ring->magic, magic, sizeof magic);
    return pwrite(file, ring, sizeof *ring, 0) == sizeof *ring;
}

void log_recent_open(const struct conf *conf)
{
    char path[PATH_MAX];
    if (file >= 0)
        return;
    node_path(conf, path, sizeof path, "run/recent");
    struct ring *ring = malloc(sizeof *ring);
    void *shared =
        mmap(NULL, sizeof *next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    next = shared != MAP_FAILED ? shared : NULL;
    if (ring == NULL || next == NULL || file < 0 || !begin(ring)) {
        if (file >= 0)
            (void)unlink(path);
        log_recent_leave();
    }
    free(ring);
}

void log_recent_put(const char *line)
{
    if (file < 0)
        return;
    struct slot slot = {.number = __atomic_add_fetch(next, 1, __ATOMIC_RELAXED)};
    (void)snprintf(slot.text, sizeof slot.text, "%s", line);
    (void)!pwrite(
        file, &slot, sizeof slot,
        (off_t)(offsetof(struct ring, slot) + (slot.number - 1) % LOG_RECENT_LINES * sizeof slot));
}

void log_recent_leave(void)
{
    if (file >= 0)
        (void)close(file);
    if (next != NULL)
        (void)munmap(next, sizeof *next);
    file = -1;
    next = NULL;
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
    FILE *from = fopen(path, "re");
    struct ring *copy = from != NULL ? malloc(sizeof *copy) : NULL;
    bool good = copy != NULL && fread(copy, sizeof *copy, 1, from) == 1 &&
                memcmp(copy->magic, magic, sizeof magic) == 0;
    if (from != NULL)
        (void)fclose(from);
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
