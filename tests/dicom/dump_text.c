/* dump_text FILE: the plain attributes of a file as dx_attrs_to_utf8 gives them, for comparison
 * with pydicom: a line "GGGGEEEE VR HEX" each, or one line "error STATUS TEXT". */
#include "dx_init.h"
#include "dx_object.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int fail(const struct dx_error *err)
{
    printf("error %d %s\n", (int)err->status, err->text);
    return 1;
}

static int dump(const struct dx_attrs *attrs)
{
    for (size_t i = 0; i < dx_attrs_count(attrs); i++) {
        uint32_t tag;
        char vr[3];
        const char *value;
        size_t length;
        dx_attrs_at(attrs, i, &tag, vr, &value, &length);
        printf("%08x %s ", tag, vr);
        for (size_t j = 0; j < length; j++)
            printf("%02x", (unsigned char)value[j]);
        printf("\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct dx_error err = {0};
    struct dx_limits limits;
    struct dx_object *object = NULL;
    struct dx_attrs *attrs = NULL, *converted = NULL;
    if (argc != 2)
        return 64;
    int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 66;
    dx_limits_default(&limits);
    int result = 1;
    if (dx_init(NULL, NULL, &err) || dx_object_open(fd, &limits, &object, &err) ||
        dx_object_attributes(object, &attrs, &err) || dx_attrs_to_utf8(attrs, &converted, &err))
        result = fail(&err);
    else
        result = dump(converted);
    dx_attrs_destroy(converted);
    dx_attrs_destroy(attrs);
    dx_object_close(object);
    close(fd);
    return result;
}
