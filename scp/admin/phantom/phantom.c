/* phantom.c: `cervigate phantom`: synthetic radiographs as files, or sent. */
#include "admin.h"
#include "phantom_files.h"
#include "phantom_send.h"

#include <stdio.h>
#include <sysexits.h>

static void tell_usage(FILE *out)
{
    fputs(phantom_usage, out);
    for (int s = 0; s < NN_PHANTOM_SUBJECTS; s++)
        fprintf(out, "%s%s", s % 9 == 0 ? "\n  " : " ",
                nn_phantom_subject_name((enum nn_phantom_subject)s));
    fputc('\n', out);
}

int admin_phantom(int argc, char **argv)
{
    struct phantom_options o;

    if (!phantom_options_parse(argc, argv, &o)) {
        tell_usage(stderr);
        return EX_USAGE;
    }
    if (o.help) {
        tell_usage(stdout);
        return EX_OK;
    }
    return o.send ? phantom_send(&o) : phantom_files(&o);
}
