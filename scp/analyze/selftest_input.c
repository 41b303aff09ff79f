/* The inputs: drawn, written as DICOM, decoded. */
#include "selftest_case.h"

#include "nn_kernel_set.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    enum dx_synthetic_class sop_class;
    int bits, monochrome1;
    uint32_t low, high;
} inputs[SELFTEST_INPUTS] = {
    {DX_SYNTHETIC_DX, 12, 0, 0, 0},
    {DX_SYNTHETIC_CR, 10, 1, 0, 0},
    {DX_SYNTHETIC_DX, 16, 0, 1000, 50000},
    {DX_SYNTHETIC_CR, 12, 0, 0, 0},
};
static const struct {
    const char *name, *uid;
} syntaxes[SELFTEST_SYNTAXES] = {
    {"explicit", DX_SYNTAX_EXPLICIT}, {"rle", DX_SYNTAX_RLE}, {"jpeg-ls", DX_SYNTAX_JPEG_LS}};

/* ---- drawn ---- */

/* Whether the build's pixels are those that a model was locked with here, as far as one was. */
static bool are_locked(struct selftest_case *c)
{
    char digest[SELFTEST_INPUTS][DX_DIGEST_MAX], error[256];
    struct selftest_known known;
    for (int i = 0; i < SELFTEST_INPUTS; i++)
        if (!dx_sha256_pixels(SELFTEST_SIDE, SELFTEST_SIDE, selftest_drawn[i], digest[i]))
            return false;
    for (int m = 0; m < c->with->models; m++) {
        if (selftest_known_load(c->with->site, c->with->folder[m],
                                nn_model_info(c->with->model[m])->digest, &known, error,
                                sizeof error) != SELFTEST_KNOWN ||
            strcmp(known.kernels, nn_kernel_name()) != 0)
            continue;
        for (int i = 0; i < SELFTEST_INPUTS; i++)
            if (strcmp(known.input[i].pixels, digest[i]) != 0)
                return false;
    }
    return true;
}

static uint16_t *draw(struct selftest_case *c, int i)
{
    struct nn_error err = {0};
    uint16_t *pixels = malloc(sizeof selftest_drawn[i]);
    if (pixels && !c->drawing)
        memcpy(pixels, selftest_drawn[i], sizeof selftest_drawn[i]);
    if (!pixels || (c->drawing && selftest_draw(i, pixels, &err) != NN_OK)) {
        (void)selftest_trouble(c, "phantom: %s", err.text[0] ? err.text : "out of memory");
        free(pixels);
        return NULL;
    }
    if (selftest_falsifies(c, "draw"))
        pixels[SELFTEST_SIDE] ^= 0x0800;
    return pixels;
}

/* ---- written ---- */

static bool write_input(struct selftest_case *c, int i, const uint16_t *pixels)
{
    struct dx_error err = {0};
    struct dx_attrs *attrs = dx_attrs_create();
    enum dx_status status = DX_NO_MEMORY;
    selftest_name_file(c, "dcm");
    if (attrs &&
        dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0010), "PN", "SELFTEST^SYNTHETIC") == DX_OK &&
        dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", "SELFTEST") == DX_OK) {
        const struct dx_synthetic image = {.attrs = attrs,
                                           .sop_instance = "2.25.1",
                                           .series = "2.25.2",
                                           .study = "2.25.3",
                                           .rows = SELFTEST_SIDE,
                                           .cols = SELFTEST_SIDE,
                                           .pixels = pixels,
                                           .monochrome1 = inputs[i].monochrome1,
                                           .mm_per_pixel = 0.5,
                                           .sop_class = inputs[i].sop_class,
                                           .bits = inputs[i].bits,
                                           .low = inputs[i].low,
                                           .high = inputs[i].high};
        status = dx_synthetic_write(&image, c->path, &err);
    }
    dx_attrs_destroy(attrs);
    return status == DX_OK ||
           selftest_trouble(c, "%s: %s", c->path, err.text[0] ? err.text : "out of memory");
}

/* ---- decoded ---- */

static enum zygote_end decode_in_child(const struct selftest_case *c, int fd,
                                       struct zygote_object *object, struct dx_grey *grey)
{
    enum zygote_end end = zygote_open(c->with->zygote, fd, c->with->limits, NULL, object);
    return end == ZYGOTE_OK ? zygote_decode(object, 0, grey) : end;
}

static bool decode(struct selftest_case *c, const char *path, const char *subject,
                   struct dx_grey *grey, bool *decoded)
{
    struct zygote_object object;
    *decoded = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return selftest_trouble(c, "%s: %s", path, strerror(errno));
    enum zygote_end end = decode_in_child(c, fd, &object, grey);
    if (end == ZYGOTE_DIED) { /* once may be the kernel's doing, for want of memory */
        zygote_close(&object);
        end = decode_in_child(c, fd, &object, grey);
    }
    bool trouble =
        end == ZYGOTE_BROKEN || (end == ZYGOTE_REFUSED && object.refusal == DX_NO_MEMORY);
    c->out->zygote_gone = end == ZYGOTE_BROKEN;
    if (trouble)
        (void)selftest_trouble(c, "object child: %s", object.text);
    else if (end != ZYGOTE_OK)
        selftest_note(c, "decode", subject, SELFTEST_BAD, "%s", object.text);
    *decoded = end == ZYGOTE_OK;
    zygote_close(&object);
    close(fd);
    return !trouble;
}

static bool keep_plane(struct selftest_case *c, int i, const struct dx_grey *grey)
{
    struct nn_plane *plane = &c->plane[i];
    size_t count = (size_t)grey->rows * grey->cols;
    plane->pixels = malloc(count * sizeof *plane->pixels);
    if (!plane->pixels)
        return selftest_trouble(c, "out of memory");
    plane->rows = (int)grey->rows;
    plane->cols = (int)grey->cols;
    return nn_plane_of_grey(grey->pixels, count, plane->pixels, NULL, NULL) == NN_OK;
}

/* In one transfer syntax; the first is the measure of the others. */
static bool decode_in(struct selftest_case *c, int i, int syntax, char first[DX_DIGEST_MAX])
{
    char subject[80], path[4096 + 8], seen[DX_DIGEST_MAX];
    struct dx_error err = {0};
    struct dx_grey grey = {0};
    bool decoded = false, done = true;
    (void)snprintf(subject, sizeof subject, "%s %s", selftest_input_name[i], syntaxes[syntax].name);
    (void)snprintf(path, sizeof path, "%s%s", c->path, syntax > 0 ? ".packed" : "");
    if (syntax > 0 && dx_result_compress(c->path, syntaxes[syntax].uid, path, &err) != DX_OK)
        return selftest_trouble(c, "%s: %s", subject, err.text);
    done = decode(c, path, subject, &grey, &decoded);
    if (syntax > 0)
        (void)unlink(path);
    if (!decoded)
        return done;
    if (selftest_falsifies(c, "decode") && syntax + 1 == SELFTEST_SYNTAXES)
        grey.pixels[0] ^= 1;
    done = dx_sha256_pixels(grey.rows, grey.cols, grey.pixels, seen) ||
           selftest_trouble(c, "out of memory");
    if (done && syntax == 0) {
        memcpy(first, seen, sizeof seen);
        done = keep_plane(c, i, &grey);
    } else if (done) {
        bool same = strcmp(first, seen) == 0;
        selftest_note(c, "decode", subject, same ? SELFTEST_GOOD : SELFTEST_BAD,
                      same ? "the same grey plane" : "not the grey plane of explicit");
    }
    dx_grey_finish(&grey);
    return done;
}

static bool one_input(struct selftest_case *c, int i)
{
    char pixels_digest[DX_DIGEST_MAX] = "", grey[DX_DIGEST_MAX] = "";
    uint16_t *pixels = draw(c, i);
    if (!pixels)
        return false;
    bool done = dx_sha256_pixels(SELFTEST_SIDE, SELFTEST_SIDE, pixels, pixels_digest) ||
                selftest_trouble(c, "out of memory");
    done = done && write_input(c, i, pixels);
    for (int s = 0; done && s < (i == 0 ? SELFTEST_SYNTAXES : 1); s++)
        done = decode_in(c, i, s, grey);
    (void)unlink(c->path);
    free(pixels);
    for (int m = 0; m < c->with->models; m++) {
        memcpy(c->out->seen[m].input[i].pixels, pixels_digest, sizeof pixels_digest);
        memcpy(c->out->seen[m].input[i].grey, grey, sizeof grey);
    }
    return done;
}

bool selftest_inputs(struct selftest_case *c)
{
    if (selftest_falsifies(c, "space"))
        return selftest_trouble(c, "%s: %s", c->with->scratch, strerror(ENOSPC));
    c->drawing = !c->with->prepared || !are_locked(c);
    for (int i = 0; i < SELFTEST_INPUTS; i++)
        if (!one_input(c, i))
            return false;
    return true;
}
