/* data_folder.c: one folder a class; what is no image is named, not guessed at. */
#include "data_list.h"
#include "image_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 16 /* of folders: links that run in a circle end somewhere */

/* What file managers leave behind. */
static bool passed_over(const char *name)
{
    static const char *const litter[] = {"Thumbs.db", "desktop.ini", "Desktop.ini", "__MACOSX"};

    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof litter / sizeof *litter; i++) {
        if (strcmp(name, litter[i]) == 0)
            return true;
    }
    return false;
}

static enum nn_status list(struct data_list *into, const char *inside, const char *class_,
                           int depth, struct nn_error *err);

static enum nn_status take_file(struct data_list *into, const char *path, const char *name,
                                const char *class_, struct nn_error *err)
{
    struct data_item item = {.path = (char *)(uintptr_t)path, .name = name, .age = -1};

    if (class_[0] != '\0')
        return data_list_add(into, &item, class_, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool picture = fd >= 0 && image_file_is_picture(fd);
    if (fd >= 0)
        close(fd);
    if (picture)
        return nn_fail(err, NN_BAD_DATA,
                       "%.160s: an image outside the folders of the classes: move it into one",
                       path);
    return NN_OK; /* manifest.csv and the like */
}

static enum nn_status take_entry(struct data_list *into, const char *inside, const char *entry,
                                 const char *class_, int depth, struct nn_error *err)
{
    char path[PATH_MAX];
    struct stat st;
    int start = (int)strlen(into->data) + 1;
    int length =
        snprintf(path, sizeof path, "%s/%s%s%s", into->data, inside, inside[0] ? "/" : "", entry);

    if (length >= (int)sizeof path)
        return nn_fail(err, NN_BAD_DATA, "%.160s...: path too long", path);
    if (stat(path, &st) != 0)
        return nn_fail(err, errno == ENOENT || errno == ELOOP ? NN_MISSING : NN_IO,
                       "%.160s: %s: a link that leads nowhere? take it out of the data", path,
                       strerror(errno));
    if (S_ISREG(st.st_mode))
        return take_file(into, path, path + start, class_, err);
    if (!S_ISDIR(st.st_mode))
        return nn_fail(err, NN_BAD_DATA, "%.160s: neither a file nor a folder", path);
    if (class_[0] == '\0' && strcmp(entry, "masks") == 0)
        return NN_OK; /* of `cervigate phantom --masks`, beside the manifest */
    size_t before = into->set->count;
    enum nn_status status = list(into, path + start, class_[0] ? class_ : entry, depth + 1, err);
    if (status == NN_OK && class_[0] == '\0' && into->set->count == before)
        return nn_fail(err, NN_BAD_DATA,
                       "%.160s: no images: every folder of the data is a class; fill it or take it "
                       "away",
                       path);
    return status;
}

static enum nn_status list(struct data_list *into, const char *inside, const char *class_,
                           int depth, struct nn_error *err)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    enum nn_status status = NN_OK;

    snprintf(path, sizeof path, "%s%s%s", into->data, inside[0] ? "/" : "", inside);
    if (depth > MAX_DEPTH)
        return nn_fail(
            err, NN_LIMIT,
            "%.120s: folders nested more than %d deep: does a link lead back to one above it?",
            path, MAX_DEPTH);
    int count = scandir(path, &entries, NULL, NULL);
    if (count < 0)
        return nn_fail(err, NN_IO, "%.160s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (status == NN_OK && !passed_over(entries[i]->d_name))
            status = take_entry(into, inside, entries[i]->d_name, class_, depth, err);
        free(entries[i]);
    }
    free(entries);
    return status;
}

enum nn_status data_list_folder(struct data_list *into, struct nn_error *err)
{
    return list(into, "", "", 0, err);
}
