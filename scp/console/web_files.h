/* web_files.h: files of scp/console/web/ as the build found them. */
#ifndef WEB_FILES_H
#define WEB_FILES_H

#include <stddef.h>

struct web_file {
    const char *path, *type, *tag; /* "/console.css", media type, entity tag with its quotes */
    const unsigned char *bytes;
    size_t size;
};
extern const struct web_file web_files[];
extern const size_t web_file_count;

#endif
