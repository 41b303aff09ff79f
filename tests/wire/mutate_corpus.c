/* The corpus that is mutated, and where its elements stand. */
#include "mutate.h"

#include "dx_prescan.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 64

void bytes_splice(struct bytes *to, size_t position, size_t gone, const void *from, size_t count)
{
    if (gone == 0 && count == 0) /* of nothing, perhaps: memmove wants a place all the same */
        return;
    if (to->count - gone + count > to->room) {
        to->room = 2 * (to->count + count) + 256;
        to->at = realloc(to->at, to->room);
        if (to->at == NULL)
            abort();
    }
    memmove(to->at + position + count, to->at + position + gone, to->count - position - gone);
    if (count > 0)
        memcpy(to->at + position, from, count);
    to->count += count - gone;
}

void bytes_add(struct bytes *to, const void *from, size_t count)
{
    bytes_splice(to, to->count, 0, from, count);
}

void bytes_finish(struct bytes *bytes)
{
    free(bytes->at);
    memset(bytes, 0, sizeof *bytes);
}

static uint32_t number(const uint8_t *p, unsigned size, bool is_big)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | p[is_big ? i : size - 1 - i];
    return value;
}

/* Reads a header at `at`; false at the end. *enters: elements follow instead of a value. */
static bool read_header(const struct bytes *dataset, enum encoding encoding, size_t at,
                        struct element *element, bool *enters)
{
    static const char long_forms[] = "OB OW OF OD OL OV SQ UN UC UR UT SV UV";
    const uint8_t *p = dataset->at + at;
    bool is_big = encoding == EXPLICIT_BIG;
    char vr[3] = "";
    if (dataset->count < 12 || at > dataset->count - 8)
        return false;

    *element = (struct element){.at = at, .length_at = 4, .length_size = 4};
    element->tag = number(p, 2, is_big) << 16 | number(p + 2, 2, is_big);
    bool is_item = element->tag >> 16 == 0xfffe;
    if (!is_item && encoding != IMPLICIT_LITTLE) {
        memcpy(vr, p + 4, 2);
        bool is_long = strstr(long_forms, vr) != NULL;
        element->vr_at = 4;
        element->length_at = is_long ? 8 : 6;
        element->length_size = is_long ? 4 : 2;
    }
    element->value = at + element->length_at + element->length_size;
    if (element->value > dataset->count)
        return false;
    uint32_t length = number(p + element->length_at, element->length_size, is_big);
    *enters = strcmp(vr, "SQ") == 0 || length == 0xffffffffu ||
              (is_item && dataset->count - element->value >= 8 &&
               number(dataset->at + element->value + 2, 1, false) == 0x10 && length > 8);
    element->length = length == 0xffffffffu ? 0 : length;
    return element->length <= dataset->count - element->value;
}

size_t elements_find(const struct bytes *dataset, enum encoding encoding,
                     struct element element[ELEMENTS_MAX])
{
    size_t at = 0, count = 0;
    bool enters;
    while (count < ELEMENTS_MAX && read_header(dataset, encoding, at, &element[count], &enters)) {
        at = element[count].value + (enters ? 0 : element[count].length);
        count++;
    }
    return count;
}

static struct corpus *reading;
static size_t reading_most;

static void take_file(const char *path, size_t size)
{
    struct dx_limits limits;
    struct dx_scan scan;
    struct dx_error err;
    struct object object = {.name = ""};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    dx_limits_default(&limits);
    if (fd < 0)
        return;
    enum dx_status status = dx_prescan_file(fd, &limits, object.transfer_syntax, &scan, &err);
    uint8_t *whole = malloc(size);
    if (status == DX_OK && whole != NULL && pread(fd, whole, size, 0) == (ssize_t)size) {
        bytes_add(&object.dataset, whole + scan.dataset_offset, size - scan.dataset_offset);
        (void)snprintf(object.name, sizeof object.name, "%.255s", path);
        memcpy(object.sop_class, scan.sop_class, sizeof object.sop_class);
        memcpy(object.sop_instance, scan.sop_instance, sizeof object.sop_instance);
        reading->object = realloc(reading->object, (reading->count + 1) * sizeof *reading->object);
        if (reading->object == NULL)
            abort();
        reading->object[reading->count++] = object;
    }
    free(whole);
    close(fd);
}

static int visit(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)at;
    if (type == FTW_F && info->st_size > 132 && (size_t)info->st_size <= reading_most)
        take_file(path, (size_t)info->st_size);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct object *)a)->name, ((const struct object *)b)->name);
}

bool corpus_read(struct corpus *corpus, const char *folder, size_t most)
{
    memset(corpus, 0, sizeof *corpus);
    reading = corpus;
    reading_most = most;
    if (nftw(folder, visit, DEPTH_MAX, FTW_PHYS) != 0 || corpus->count == 0)
        return false;
    qsort(corpus->object, corpus->count, sizeof *corpus->object, by_name);
    return true;
}

void corpus_finish(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        bytes_finish(&corpus->object[i].dataset);
    free(corpus->object);
    memset(corpus, 0, sizeof *corpus);
}
