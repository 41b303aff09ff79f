#include "refused.h"

#include "json_time.h"
#include "node.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MOST 1024 /* scp/receive/assoc.c writes no more */

static int newer(const void *a, const void *b)
{
    const struct refused *x = a, *y = b;
    return x->at_ms < y->at_ms ? 1 : x->at_ms > y->at_ms ? -1 : strcmp(x->name, y->name);
}

size_t refused_list(const struct conf *conf, struct refused *list, size_t room)
{
    char path[PATH_MAX];
    size_t count = 0;
    node_path(conf, path, sizeof path, "quarantine");
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder != NULL && count < room && (entry = readdir(folder)) != NULL) {
        struct stat at;
        if (strspn(entry->d_name, "0123456789abcdef") != 32 ||
            strcmp(entry->d_name + 32, ".dcm") != 0 ||
            fstatat(dirfd(folder), entry->d_name, &at, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        list[count] = (struct refused){.at_ms = at.st_mtim.tv_sec * INT64_C(1000),
                                       .bytes = (uint64_t)at.st_size};
        memcpy(list[count++].name, entry->d_name, 32);
    }
    if (folder != NULL)
        (void)closedir(folder);
    qsort(list, count, sizeof *list, newer);
    return count;
}

/* What stands beside the bytes: lines of "name: value". Peers' words are in it: what is no UTF-8 is
 * not told. */
static json_t *facts_of(const struct conf *conf, const char *name)
{
    char path[PATH_MAX], text[TEXT_MOST + 1], *rest = NULL;
    json_t *facts = json_object();
    node_path(conf, path, sizeof path, "quarantine/%s.txt", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? read(fd, text, TEXT_MOST) : 0;
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *value = strstr(line, ": ");
        if (value == NULL)
            continue;
        *value = '\0';
        json_t *string = json_string(value + 2);
        (void)json_object_set_new(facts, line, string != NULL ? string : json_string("(no text)"));
    }
    return facts;
}

json_t *refused_json(const struct conf *conf, const struct refused *refused)
{
    return json_pack("{s:o, s:o, s:I, s:o}", "id", json_sprintf("q%s", refused->name), "at",
                     json_time(refused->at_ms), "bytes", (json_int_t)refused->bytes, "facts",
                     facts_of(conf, refused->name));
}
