/* write_samples FOLDER: one good object of each kind as FOLDER/KIND.dcm, for readers of other
 * languages. --utf8: the source's texts in ISO_IR 192. */
#include "dx_init.h"
#include "sample_objects.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static const char *const names[SAMPLE_KINDS] = SAMPLE_NAMES;
    struct dx_error err = {0};
    struct dx_attrs *source = sample_source(), *converted = NULL;
    if (argc < 2 || dx_init(NULL, NULL, &err) || dx_attrs_to_utf8(source, &converted, &err)) {
        fprintf(stderr, "write_samples: %s\n", err.text);
        return 1;
    }
    int is_utf8 = strcmp(argv[1], "--utf8") == 0;
    for (int kind = 0; kind < SAMPLE_KINDS; kind++) {
        char path[4096];
        struct dx_expectation expected;
        snprintf(path, sizeof path, "%s/%s.dcm", argv[argc - 1], names[kind]);
        sample_object((enum sample_kind)kind, is_utf8 ? converted : source, path, &expected);
    }
    dx_attrs_destroy(converted);
    dx_attrs_destroy(source);
    return 0;
}
