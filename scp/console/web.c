/* The page's own files, compiled in (web_files.c is made of scp/console/web/ by the build). */
#include "console.h"
#include "web_files.h"

#include <string.h>

bool web_page(const struct http_request *request, enum MHD_Result *result)
{
    const char *path = strcmp(request->path, "/") == 0 ? "/index.html" : request->path;
    for (size_t i = 0; i < web_file_count; i++)
        if (strcmp(path, web_files[i].path) == 0) {
            *result = http_static(request, web_files[i].type, web_files[i].bytes, web_files[i].size,
                                  web_files[i].tag);
            return true;
        }
    return false;
}
