/* A configuration goes through four steps, each of which adds its complaints and lets the next one
 * look at what is left: parse -> schema -> read -> check. */
#include "conf_private.h"
#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum conf_status conf_load_text(const char *text, size_t size, const char *path, struct conf **conf,
                                struct conf_complaints *complaints)
{
    struct reading reading = {.text = text, .size = size, .complaints = complaints};
    enum conf_status status = CONF_BAD;

    *conf = NULL;
    *complaints = (struct conf_complaints){0};
    conf_parse_text(&reading);
    if (reading.doc)
        conf_place_elements(&reading);
    if (reading.doc && !reading.no_memory && conf_check_schema(&reading)) {
        *conf = conf_read_conf(&reading, path);
        if (*conf)
            conf_check_conf(&reading, *conf);
    }
    conf_complaints_sort(complaints);
    if (reading.no_memory)
        status = CONF_NO_MEMORY;
    else if (*conf && !conf_complaints_refuse(complaints))
        status = CONF_OK;
    if (status != CONF_OK) {
        conf_destroy(*conf);
        *conf = NULL;
    }
    xmlFreeDoc(reading.doc);
    free(reading.places);
    return status;
}

/* The whole of an open file, terminated. False with errno, EFBIG when it is over the ceiling. */
static bool read_file(int fd, char **text, size_t *size)
{
    struct stat about;
    size_t room, have = 0;
    char *bytes;

    if (fstat(fd, &about) != 0)
        return false;
    if (S_ISDIR(about.st_mode)) {
        errno = EISDIR;
        return false;
    }
    room = CONF_MAX_BYTES + 1u; /* one more than allowed: over the ceiling shows itself */
    if (S_ISREG(about.st_mode) && about.st_size >= 0 && about.st_size < (off_t)CONF_MAX_BYTES)
        room = (size_t)about.st_size + 1u;
    bytes = malloc(room + 1u);
    if (!bytes)
        return false;
    while (have < room) {
        ssize_t n = read(fd, bytes + have, room - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(bytes);
            return false;
        }
        if (n == 0)
            break;
        have += (size_t)n;
    }
    if (have > CONF_MAX_BYTES) {
        free(bytes);
        errno = EFBIG;
        return false;
    }
    bytes[have] = '\0';
    *text = bytes;
    *size = have;
    return true;
}

enum conf_status conf_load(const char *path, struct conf **conf, struct conf_complaints *complaints)
{
    struct reading reading = {.complaints = complaints};
    enum conf_status status = CONF_MISSING;
    char *text = NULL;
    size_t size = 0;
    int fd;

    *conf = NULL;
    *complaints = (struct conf_complaints){0};
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read_file(fd, &text, &size)) {
        status = conf_load_text(text, size, path, conf, complaints);
    } else if (errno == EFBIG) {
        status = CONF_BAD;
        conf_complain(&reading, 0, false, "found more than %u bytes; expected at most that",
                      CONF_MAX_BYTES);
    } else if (errno == ENOMEM) {
        status = CONF_NO_MEMORY;
    } else {
        conf_complain(&reading, 0, false, "cannot be read: %s; expected a readable file",
                      strerror(errno));
    }
    free(text);
    if (fd >= 0)
        close(fd);
    return status;
}
