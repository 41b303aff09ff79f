#include "guarded.h"
#include "networks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define POISON 0x7fc0deadu
#define PLACES 24

/* ---- numbers ---- */

uint64_t state_of_draws;

uint64_t draw(void)
{
    uint64_t z = state_of_draws += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int between(int low, int high)
{
    return low + (int)(draw() % (uint64_t)(high - low + 1));
}

/* ---- memory ---- */

struct place {
    char *map;
    size_t room, bytes; /* of whole pages; in use */
};

static struct place places[PLACES];
static int place_count;
bool at_front;

float *guarded(size_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = count * sizeof(float);
    struct place *place = &places[place_count++];
    assert_in_range(place_count, 1, PLACES);
    place->room = (bytes + page - 1) / page * page;
    place->bytes = bytes;
    place->map = mmap(NULL, place->room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(place->map != MAP_FAILED);
    place->map += page;
    if (bytes > 0)
        assert_int_equal(mprotect(place->map, place->room, PROT_READ | PROT_WRITE), 0);
    memset(place->map, 0x5a, place->room);
    return (float *)(void *)(at_front ? place->map : place->map + place->room - bytes);
}

void poison(float *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memcpy(to + i, &(uint32_t){POISON}, sizeof *to);
}

float *scratch_of(size_t floats)
{
    return guarded((floats + 15) / 16 * 16);
}

/* From here on nobody writes. */
const float *sealed(const float *at)
{
    for (int i = 0; i < place_count; i++)
        if ((const char *)at >= places[i].map && (const char *)at < places[i].map + places[i].room)
            assert_int_equal(mprotect(places[i].map, places[i].room, PROT_READ), 0);
    return at;
}

float *drawn(size_t count)
{
    float *to = guarded(count);
    fill(to, count, draw());
    return to;
}

/* What is left of the pages must be as it was. */
void release(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (; place_count > 0; place_count--) {
        const struct place *place = &places[place_count - 1];
        const char *rest = place->map + (at_front ? place->bytes : 0);
        for (size_t i = 0; i < place->room - place->bytes; i++)
            assert_int_equal(rest[i], 0x5a);
        assert_int_equal(munmap(place->map - page, place->room + 2 * page), 0);
    }
}

double *doubles(const float *from, size_t count)
{
    double *to = calloc(count + 1, sizeof *to);
    assert_non_null(to);
    for (size_t i = 0; from != NULL && i < count; i++)
        to[i] = (double)from[i];
    return to;
}
