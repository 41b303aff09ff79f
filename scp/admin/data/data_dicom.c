/* data_dicom.c: which files are DICOM, what they tell of the patient, and their first frame. */
#include "data_list.h"
#include "gate.h"
#include "image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAG_STATION DX_TAG(0x0008, 0x1010)
#define TAG_PATIENT DX_TAG(0x0010, 0x0020)
#define TAG_SEX     DX_TAG(0x0010, 0x0040)
#define TAG_VIEW    DX_TAG(0x0018, 0x5101)
#define TAG_STUDY   DX_TAG(0x0020, 0x000d)

struct data_reader {
    struct image_reader images; /* one object at a time: under the lock */
    pthread_mutex_t lock;
};

static enum nn_status reader_open(struct data_reader **reader, struct nn_error *err)
{
    char error[200] = "";
    struct data_reader *made = calloc(1, sizeof *made);

    *reader = NULL;
    if (!made)
        return nn_fail(err, NN_NO_MEMORY, "no memory for a reader");
    if (pthread_mutex_init(&made->lock, NULL) != 0) {
        free(made);
        return nn_fail(err, NN_NO_MEMORY, "no lock for a reader");
    }
    *reader = made;
    if (image_reader_open(&made->images, error, sizeof error) != 0)
        return nn_fail(err, NN_IO, "%s", error);
    return NN_OK;
}

void data_reader_close(struct data_reader *reader)
{
    if (!reader)
        return;
    image_reader_close(&reader->images);
    pthread_mutex_destroy(&reader->lock);
    free(reader);
}

enum nn_status data_reader_read(struct data_reader *reader, const char *path,
                                struct nn_plane *plane, struct nn_error *err)
{
    struct zygote_object object;
    struct dx_grey grey = {0};
    enum nn_status status = NN_OK;

    *plane = (struct nn_plane){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%s: %s", path, strerror(errno));
    pthread_mutex_lock(&reader->lock);
    enum zygote_end end =
        zygote_open(reader->images.zygote, fd, &reader->images.limits, NULL, &object);
    if (end == ZYGOTE_OK)
        end = zygote_decode(&object, 0, &grey);
    if (end != ZYGOTE_OK)
        status = nn_fail(err, end == ZYGOTE_BROKEN ? NN_IO : NN_BAD_DATA, "%.120s: %.120s", path,
                         object.text);
    else if (!image_plane_of(&grey, plane))
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
    dx_grey_finish(&grey);
    zygote_close(&object);
    pthread_mutex_unlock(&reader->lock);
    close(fd);
    return status;
}

/* A field that the CSV did not fill. */
static bool fill(char **field, const char *value)
{
    if ((*field)[0] != '\0' || value[0] == '\0')
        return true;
    char *copy = strdup(value);
    if (!copy)
        return false;
    free(*field);
    *field = copy;
    return true;
}

static enum nn_status take_attributes(struct data_item *item, const struct dx_attrs *attrs,
                                      struct nn_error *err)
{
    const char *sex = dx_attrs_text(attrs, TAG_SEX);

    if (item->age < 0)
        item->age = gate_age(attrs);
    if (fill(&item->patient, dx_attrs_text(attrs, TAG_PATIENT)) &&
        fill(&item->study, dx_attrs_text(attrs, TAG_STUDY)) &&
        fill(&item->station, dx_attrs_text(attrs, TAG_STATION)) &&
        fill(&item->view, dx_attrs_text(attrs, TAG_VIEW)) &&
        fill(&item->sex, strlen(sex) == 1 && strchr("MFO", sex[0]) ? sex : ""))
        return NN_OK;
    return nn_fail(err, NN_NO_MEMORY, "%s: no memory", item->path);
}

static enum nn_status look_at_dicom(struct data_set *set, struct data_item *item, int fd,
                                    const char *where, struct nn_error *err)
{
    struct zygote_object object;
    enum nn_status status = NN_OK;

    if (!set->reader && (status = reader_open(&set->reader, err)) != NN_OK)
        return status;
    struct image_reader *images = &set->reader->images;
    enum zygote_end end = zygote_open(images->zygote, fd, &images->limits, NULL, &object);
    if (end == ZYGOTE_BROKEN)
        status = nn_fail(err, NN_IO, "%.120s: %.120s", item->path, object.text);
    else if (end != ZYGOTE_OK || !object.has_image)
        status = nn_fail(err, NN_BAD_DATA,
                         "%s%.100s: no PNG, JPEG or DICOM image (%.40s): take it out of the data",
                         where, item->path, end == ZYGOTE_OK ? "without pixels" : object.text);
    else
        status = take_attributes(item, object.attrs, err);
    zygote_close(&object);
    item->dicom = status == NN_OK;
    return status;
}

enum nn_status data_look(struct data_set *set, const char *data, struct nn_error *err)
{
    enum nn_status status = NN_OK;

    for (size_t i = 0; i < set->count && status == NN_OK; i++) {
        struct data_item *item = &set->items[i];
        struct data_where where = data_where(data, item);
        int fd = open(item->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%s%.120s: %s", where.text,
                           item->path, strerror(errno));
        if (!image_file_is_picture(fd))
            status = look_at_dicom(set, item, fd, where.text, err);
        close(fd);
    }
    return status;
}
