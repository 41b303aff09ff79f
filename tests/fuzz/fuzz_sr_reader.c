/* Our own objects read back by the self-check: what the file says of itself is expected of it, so
 * that every check is reached. The source's texts go through the character sets first. */
#include "object_input.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static const struct dx_reference images[] = {
    {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.1", "1.2.3.4.5"},
    {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.2", "1.2.3.4.6"},
    {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.3", "1.2.3.4.5"},
};
static const char *const forbidden[] = {"normal", "no fracture", NULL};

static void check(int fd, const struct dx_scan *scan, const struct dx_attrs *source)
{
    char path[32];
    struct dx_error err = {0};
    const struct dx_expectation expected = {.sop_class = scan->sop_class,
                                            .sop_instance = scan->sop_instance,
                                            .series = scan->series,
                                            .source = source,
                                            .references = images,
                                            .reference_count = 3,
                                            .forbidden = forbidden};
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (dx_result_check(path, &expected, &err) == DX_OK && !dx_uid_is_usable(scan->sop_instance))
        abort();
}

static void convert(const struct dx_attrs *source)
{
    struct dx_attrs *converted = NULL, *again = NULL;
    struct dx_error err;
    if (dx_attrs_to_utf8(source, &converted, &err) != DX_OK)
        return;
    if (dx_attrs_to_utf8(converted, &again, &err) != DX_OK ||
        dx_attrs_count(again) != dx_attrs_count(converted))
        abort(); /* UTF-8 stays what it is */
    dx_attrs_destroy(again);
    dx_attrs_destroy(converted);
}

static void read_back(int fd, const struct dx_limits *limits, const struct dx_scan *scan)
{
    struct dx_object *object = NULL;
    struct dx_attrs *source = NULL;
    struct dx_error err;
    if (dx_object_open(fd, limits, &object, &err))
        return;
    if (dx_object_attributes(object, &source, &err) == DX_OK) {
        convert(source);
        check(fd, scan, source);
    }
    dx_attrs_destroy(source);
    dx_object_close(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    object_input(bytes, count, read_back);
    return 0;
}
