/* Memory that a configuration is read into, without gaps. */
#include "conf_private.h"
#include <stdlib.h>
#include <sys/mman.h>

#define ALIGNMENT 16u

struct conf_room {
    _Alignas(ALIGNMENT) size_t size;
    size_t used;
};

struct conf_room *conf_room_create(size_t bytes)
{
    struct conf_room *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (room == MAP_FAILED)
        return NULL;
    *room = (struct conf_room){.size = bytes, .used = sizeof *room};
    return room;
}

void conf_room_destroy(struct conf_room *room)
{
    if (room)
        (void)munmap(room, room->size);
}

size_t conf_room_used(const struct conf_room *room)
{
    return room->used;
}

void *conf_room_take(struct conf_room *room, size_t bytes)
{
    if (!room)
        return calloc(1, bytes);
    size_t size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size < bytes || size > room->size - room->used)
        return NULL;
    void *memory = (char *)room + room->used;
    room->used += size;
    return memory;
}
