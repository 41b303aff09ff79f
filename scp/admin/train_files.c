/* train_files.c: lists labelled files, divides them, reads them when the trainer asks. */
#include "train_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CLASSES     3
#define MAX_COLUMNS 64

struct sample {
    char *path;
    int label;
};

struct part {
    struct sample *samples;
    size_t count, room;
};

struct train_files {
    struct part parts[3];
};

static const char *const class_names[CLASSES] = {"dislocation", "fracture", "normal"};

/* "c-spine_fracture" or "fracture" -> 1; -1: neither. */
static int class_of(const char *name)
{
    static const char prefix[] = "c-spine_";

    if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    for (int i = 0; i < CLASSES; i++) {
        if (strcmp(name, class_names[i]) == 0)
            return i;
    }
    return -1;
}

/* FNV-1a: spreads names evenly and is the same everywhere. */
static enum train_part part_of(const char *key)
{
    uint64_t hash = 14695981039346656037ull;

    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 1099511628211ull;
    hash = (hash ^ (hash >> 32)) % 100;
    return hash < 70 ? TRAIN_PART_TRAINING : hash < 85 ? TRAIN_PART_VALIDATION : TRAIN_PART_TEST;
}

static enum nn_status add(struct train_files *files, const char *key, const char *path, int label,
                          struct nn_error *err)
{
    struct part *part = &files->parts[part_of(key)];

    if (part->count == part->room) {
        size_t room = part->room ? 2 * part->room : 256;
        struct sample *more = reallocarray(part->samples, room, sizeof *more);
        if (!more)
            return nn_fail(err, NN_NO_MEMORY, "no memory for the list of files");
        part->samples = more;
        part->room = room;
    }
    char *copy = strdup(path);
    if (!copy)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the list of files");
    part->samples[part->count++] = (struct sample){copy, label};
    return NN_OK;
}

static enum nn_status list_class(struct train_files *files, const char *dir, const char *name,
                                 int label, struct nn_error *err)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    enum nn_status status = NN_OK;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return nn_fail(err, NN_INVALID, "%.60s...: path too long", dir);
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        struct stat st;
        int length = snprintf(path, sizeof path, "%s/%s/%s", dir, name, entries[i]->d_name);
        if (status == NN_OK && length < (int)sizeof path && stat(path, &st) == 0 &&
            S_ISREG(st.st_mode))
            status = add(files, entries[i]->d_name, path, label, err);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static enum nn_status list_folder(struct train_files *files, const char *dir, struct nn_error *err)
{
    struct dirent **entries = NULL;
    enum nn_status status = NN_OK;
    int count = scandir(dir, &entries, NULL, alphasort);

    if (count < 0)
        return nn_fail(err, NN_IO, "%s: %s", dir, strerror(errno));
    for (int i = 0; i < count; i++) {
        int label = class_of(entries[i]->d_name);
        if (status == NN_OK && label >= 0)
            status = list_class(files, dir, entries[i]->d_name, label, err);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* Cuts a line at its commas; "quoted" cells lose their quotes. */
static int split(char *line, char *cells[MAX_COLUMNS])
{
    int count = 0;
    char *at = line;

    line[strcspn(line, "\r\n")] = '\0';
    while (count < MAX_COLUMNS) {
        char *end;
        if (*at == '"') {
            cells[count++] = ++at;
            end = strchr(at, '"');
            if (end)
                *end++ = '\0';
            at = end ? end : at + strlen(at);
        } else {
            cells[count++] = at;
        }
        end = strchr(at, ',');
        if (!end)
            return count;
        *end = '\0';
        at = end + 1;
    }
    return count;
}

static int column(char *const *cells, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(cells[i], name) == 0)
            return i;
    }
    return -1;
}

static enum nn_status list_row(struct train_files *files, const char *csv, int line,
                               char *const *cells, int count, const int columns[3],
                               struct nn_error *err)
{
    char path[PATH_MAX];

    if (columns[0] >= count || columns[1] >= count || columns[2] >= count)
        return nn_fail(err, NN_BAD_DATA, "%s:%d: %d columns, more are expected", csv, line, count);
    int label = class_of(cells[columns[1]]);
    if (label < 0)
        return nn_fail(err, NN_BAD_DATA,
                       "%s:%d: class \"%.40s\"; dislocation, fracture or normal is expected", csv,
                       line, cells[columns[1]]);
    const char *file = cells[columns[0]], *slash = strrchr(csv, '/');
    int folder = file[0] == '/' || !slash ? 0 : (int)(slash - csv) + 1;
    if (snprintf(path, sizeof path, "%.*s%s", folder, csv, file) >= (int)sizeof path)
        return nn_fail(err, NN_BAD_DATA, "%s:%d: path too long", csv, line);
    return add(files, columns[2] >= 0 ? cells[columns[2]] : file, path, label, err);
}

static enum nn_status list_csv(struct train_files *files, const char *csv, struct nn_error *err)
{
    char *line = NULL, *cells[MAX_COLUMNS];
    size_t room = 0;
    int columns[3] = {-1, -1, -1}, number = 0;
    enum nn_status status = NN_OK;
    FILE *file = fopen(csv, "re");

    if (!file)
        return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%s: %s", csv, strerror(errno));
    while (status == NN_OK && getline(&line, &room, file) >= 0) {
        int count = split(line, cells);
        if (number++ > 0) {
            if (count > 1 || cells[0][0] != '\0')
                status = list_row(files, csv, number, cells, count, columns, err);
            continue;
        }
        columns[0] = column(cells, count, "file");
        columns[1] = column(cells, count, "class");
        columns[2] = column(cells, count, "patient");
        if (columns[0] < 0 || columns[1] < 0)
            status =
                nn_fail(err, NN_BAD_DATA, "%s:1: the columns file and class are expected", csv);
    }
    if (status == NN_OK && ferror(file))
        status = nn_fail(err, NN_IO, "%s: %s", csv, strerror(errno));
    free(line);
    fclose(file);
    return status;
}

enum nn_status train_files_open(const char *data, struct train_files **files, struct nn_error *err)
{
    struct stat st;
    enum nn_status status;

    *files = NULL;
    if (stat(data, &st) != 0)
        return nn_fail(err, NN_MISSING, "%s: %s", data, strerror(errno));
    struct train_files *made = calloc(1, sizeof *made);
    if (!made)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the list of files");
    status = S_ISDIR(st.st_mode) ? list_folder(made, data, err) : list_csv(made, data, err);
    for (int i = 0; status == NN_OK && i < 3; i++) {
        if (made->parts[i].count == 0)
            status =
                nn_fail(err, NN_BAD_DATA,
                        "%s: too few images to divide (training %zu, validation %zu, test "
                        "%zu)",
                        data, made->parts[0].count, made->parts[1].count, made->parts[2].count);
    }
    if (status != NN_OK)
        train_files_close(made);
    else
        *files = made;
    return status;
}

void train_files_close(struct train_files *files)
{
    if (!files)
        return;
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < files->parts[i].count; k++)
            free(files->parts[i].samples[k].path);
        free(files->parts[i].samples);
    }
    free(files);
}

static int label(void *context, size_t index, uint64_t epoch)
{
    const struct part *part = context;

    (void)epoch;
    return part->samples[index].label;
}

static enum nn_status load(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                           struct nn_error *err)
{
    const struct part *part = context;

    (void)epoch;
    return nn_image_read(part->samples[index].path, plane, err);
}

struct nn_source train_files_source(struct train_files *files, enum train_part part)
{
    return (struct nn_source){.context = &files->parts[part],
                              .count = files->parts[part].count,
                              .label = label,
                              .load = load};
}
