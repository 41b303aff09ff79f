/* One study: whose it is, what was answered, what happened, and its pictures. */
#include "study.h"

#include "audit.h"
#include "dx_prescan.h"
#include "dx_result.h"
#include "object.h"
#include "picture.h"
#include "worklist/list.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAG_ROWS        DX_TAG(0x0028, 0x0010)
#define TAG_COLUMNS     DX_TAG(0x0028, 0x0011)
#define COLOURS         3
#define EXPLICIT_LITTLE "1.2.840.10008.1.2.1"

/* Attributes in UTF-8; NULL: there are none. */
static struct dx_attrs *header_of(const struct judgement *judgement)
{
    struct dx_error err = {.status = DX_OK};
    struct dx_attrs *attrs = NULL, *words = NULL;
    if (judgement->attrs == NULL ||
        dx_attrs_unpack(judgement->attrs, judgement->attrs_bytes, &attrs, &err) != DX_OK)
        return NULL;
    if (dx_attrs_to_utf8(attrs, &words, &err) != DX_OK)
        words = NULL;
    if (words == NULL)
        return attrs;
    dx_attrs_destroy(attrs);
    return words;
}

bool seen_open(struct console *console, int64_t id, struct seen_image *image)
{
    *image = (struct seen_image){0};
    if (store_get_instance(console->store, id, &image->instance) != STORE_OK)
        return false;
    if (store_get_judgement(console->store, id, &image->judgement, &image->memory) != STORE_OK)
        return false;
    image->header = header_of(&image->judgement);
    return true;
}

void seen_close(struct seen_image *image)
{
    dx_attrs_destroy(image->header);
    free(image->memory);
}

const char *seen_text(const struct seen_image *image, uint32_t tag)
{
    return image->header != NULL ? dx_attrs_text(image->header, tag) : "";
}

/* Where the halves are in this image's picture. */
static bool halves_of(struct console *console, const struct seen_image *image,
                      struct picture_halves *halves)
{
    const struct conf *conf = console->node->conf;
    int classes[SRT_MAX_MODELS], models = 0;
    long rows = strtol(seen_text(image, TAG_ROWS), NULL, 10);
    long cols = strtol(seen_text(image, TAG_COLUMNS), NULL, 10);
    for (int m = 0; m < SRT_MAX_MODELS; m++)
        if (image->judgement.opinion[m].classes > 0)
            classes[models++] = image->judgement.opinion[m].classes;
    return rows > 0 && rows < 65536 && cols > 0 && cols < 65536 &&
           picture_halves((int)rows, (int)cols, conf->picture_matrix, classes, models, halves);
}

bool seen_picture(struct console *console, const struct seen_image *image,
                  struct seen_picture *picture)
{
    char path[PATH_MAX], syntax[DX_UID_MAX];
    struct dx_scan scan;
    struct dx_error err = {.status = DX_OK};
    struct dx_limits limits;
    *picture = (struct seen_picture){.fd = -1};
    if (image->judgement.picture[0] == '\0' || !halves_of(console, image, &picture->halves))
        return false;
    dataset_limits_of(&console->node->conf->limits, &limits);
    node_path(console->node->conf, path, sizeof path, "results/%s.dcm", image->judgement.picture);
    picture->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (picture->fd < 0)
        return false;
    uint64_t pixels = (uint64_t)picture->halves.width * (uint64_t)picture->halves.height * COLOURS;
    /* Any digest does: the file is ours, and who delivers it looks at its own. */
    bool good = dx_prescan_digested(picture->fd, image->instance.digest, &limits, syntax, &scan,
                                    &err) == DX_OK &&
                strcmp(syntax, EXPLICIT_LITTLE) == 0 && scan.cols == picture->halves.width &&
                scan.rows == picture->halves.height && scan.samples == COLOURS &&
                scan.frames <= 1 && scan.dataset_bytes > pixels;
    /* Pixel Data is the last element of what we write (result.cc), padded to an even length. */
    picture->offset =
        good ? (off_t)(scan.dataset_offset + scan.dataset_bytes - pixels - (pixels & 1)) : 0;
    if (!good) {
        (void)close(picture->fd);
        picture->fd = -1;
    }
    return good;
}

/* Both halves side by side; malloc. */
static uint8_t *read_halves(const struct seen_picture *picture, bool overlay, size_t *size)
{
    const struct picture_halves *h = &picture->halves;
    size_t half = (size_t)h->cols * COLOURS, row = half * (overlay ? 2 : 1);
    uint8_t *pixels = malloc(row * (size_t)h->rows);
    *size = row * (size_t)h->rows;
    for (int y = 0; pixels != NULL && y < h->rows; y++) {
        off_t line = picture->offset + (off_t)(h->top + y) * h->width * COLOURS;
        bool good = pread(picture->fd, pixels + (size_t)y * row, half,
                          line + (off_t)h->left * COLOURS) == (ssize_t)half;
        if (good && overlay)
            good = pread(picture->fd, pixels + (size_t)y * row + half, half,
                         line + (off_t)h->right * COLOURS) == (ssize_t)half;
        if (!good) {
            free(pixels);
            return NULL;
        }
    }
    return pixels;
}

static void add_number(struct MHD_Response *response, const char *name, int number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", number);
    (void)MHD_add_response_header(response, name, text);
}

bool seen_has_map(const struct seen_image *image)
{
    return image->judgement.outcome == SRT_FINDING || image->judgement.outcome == SRT_UNDETERMINED;
}

static enum MHD_Result picture_answer(struct console *console, const struct http_request *request,
                                      const struct seen_image *image)
{
    struct seen_picture picture;
    size_t size = 0;
    if (!seen_picture(console, image, &picture))
        return http_error(request, MHD_HTTP_NOT_FOUND,
                          "there is no picture of this image here, or it was made with other "
                          "settings",
                          0);
    bool overlay = seen_has_map(image);
    uint8_t *pixels = read_halves(&picture, overlay, &size);
    (void)close(picture.fd);
    struct MHD_Response *response =
        pixels != NULL ? MHD_create_response_from_buffer(size, pixels, MHD_RESPMEM_MUST_FREE)
                       : NULL;
    if (response == NULL) {
        free(pixels);
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the picture cannot be read now",
                          5);
    }
    add_number(response, "X-Rows", picture.halves.rows);
    add_number(response, "X-Columns", picture.halves.cols * (overlay ? 2 : 1));
    add_number(response, "X-Source-Columns", picture.halves.cols);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                  "application/octet-stream");
    return http_respond(request, MHD_HTTP_OK, response);
}

/* "UID/images/7/picture" */
static enum MHD_Result image_page(struct console *console, const struct http_request *request,
                                  const char *study, const char *tail)
{
    char *end = NULL;
    struct seen_image image;
    long long id = strtoll(tail, &end, 10);
    if (end == tail || strcmp(end, "/picture") != 0)
        return http_error(request, MHD_HTTP_NOT_FOUND, "there is nothing at this address", 0);
    bool good = seen_open(console, id, &image) && strcmp(image.instance.study, study) == 0;
    enum MHD_Result result =
        good ? picture_answer(console, request, &image)
             : http_error(request, MHD_HTTP_NOT_FOUND, "there is no such image", 0);
    seen_close(&image);
    return result;
}

enum MHD_Result study_page(struct console *console, struct visit *visit, struct session *session,
                           const char *tail)
{
    static const char images[] = "/images/";
    const struct http_request *request = &visit->request;
    char uid[DX_UID_MAX];
    size_t length = strcspn(tail, "/");
    const char *rest = tail + length;
    if (request->method != HTTP_GET)
        return verdict_page(console, visit, session, tail);
    (void)snprintf(uid, sizeof uid, "%.*s", (int)(length < sizeof uid ? length : 0), tail);
    if (!dx_uid_is_valid(uid))
        return http_error(request, MHD_HTTP_NOT_FOUND, "there is no such study", 0);
    if (!console_store(console))
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the job store cannot be read now",
                          1);
    if (strncmp(rest, images, sizeof images - 1) == 0)
        return image_page(console, request, uid, rest + sizeof images - 1);
    if (rest[0] != '\0')
        return http_error(request, MHD_HTTP_NOT_FOUND, "there is nothing at this address", 0);
    bool there;
    json_t *study = study_json(console, uid, &there);
    if (!there) {
        json_decref(study);
        return http_error(request, MHD_HTTP_NOT_FOUND, "there is no such study", 0);
    }
    audit_seen(console->node->conf, session->account.name, request->address, "study", uid);
    return http_json(request, MHD_HTTP_OK, study);
}
