#include "phantom_dicom.h"
#include "dx_init.h"
#include "dx_result.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STUDY_YEAR 2026

struct identity {
    char instance[DX_UID_MAX], series[DX_UID_MAX], study[DX_UID_MAX];
};

static bool uid_of(const char *kind, const char *digest, char uid[DX_UID_MAX])
{
    char hashed[DX_DIGEST_MAX];
    struct dx_sha256 *sha = dx_sha256_create();
    if (!sha)
        return false;
    dx_sha256_add_text(sha, kind);
    dx_sha256_add_text(sha, digest);
    dx_sha256_take(sha, hashed);
    return dx_uid_from_digest(hashed, uid) == DX_OK;
}

static bool identify(const uint16_t *pixels, size_t count, struct identity *identity)
{
    char digest[DX_DIGEST_MAX];
    struct dx_sha256 *sha = dx_sha256_create();
    if (!sha)
        return false;
    dx_sha256_add(sha, pixels, count * sizeof *pixels);
    dx_sha256_take(sha, digest);
    return uid_of("phantom instance", digest, identity->instance) &&
           uid_of("phantom series", digest, identity->series) &&
           uid_of("phantom study", digest, identity->study);
}

static bool set(struct dx_attrs *attrs, uint32_t tag, const char *vr, const char *text)
{
    return dx_attrs_set_text(attrs, tag, vr, text) == DX_OK;
}

/* A patient who says in every list that nobody was ill. */
static struct dx_attrs *describe(const struct nn_phantom_truth *truth)
{
    char name[65], id[65], age[8], born[16], sex[2] = {truth->sex, 0};
    unsigned long long patient = (unsigned long long)truth->patient;
    snprintf(name, sizeof name, "PHANTOM^P%llu", patient);
    snprintf(id, sizeof id, "PHANTOM-%llu", patient);
    snprintf(age, sizeof age, "%03dY", truth->age);
    snprintf(born, sizeof born, "%04d0101", STUDY_YEAR - truth->age);

    struct dx_attrs *attrs = dx_attrs_create();
    bool done = attrs && set(attrs, DX_TAG(0x0008, 0x0005), "CS", "ISO_IR 100") &&
                set(attrs, DX_TAG(0x0008, 0x0020), "DA", "20260102") &&
                set(attrs, DX_TAG(0x0008, 0x0030), "TM", "120000") &&
                set(attrs, DX_TAG(0x0008, 0x0050), "SH", "") &&
                set(attrs, DX_TAG(0x0008, 0x0090), "PN", "") &&
                set(attrs, DX_TAG(0x0008, 0x1030), "LO", "Synthetic cervical spine, lateral") &&
                set(attrs, DX_TAG(0x0010, 0x0010), "PN", name) &&
                set(attrs, DX_TAG(0x0010, 0x0020), "LO", id) &&
                set(attrs, DX_TAG(0x0010, 0x0030), "DA", born) &&
                set(attrs, DX_TAG(0x0010, 0x0040), "CS", sex) &&
                set(attrs, DX_TAG(0x0010, 0x1010), "AS", age) &&
                set(attrs, DX_TAG(0x0018, 0x0015), "CS", "CSPINE") &&
                set(attrs, DX_TAG(0x0018, 0x5101), "CS", truth->facing_left ? "LL" : "RL") &&
                set(attrs, DX_TAG(0x0020, 0x0010), "SH", "1") &&
                set(attrs, DX_TAG(0x0020, 0x0020), "CS", truth->facing_left ? "A\\F" : "P\\F");
    if (done)
        return attrs;
    dx_attrs_destroy(attrs);
    return NULL;
}

static uint16_t *quantize(const struct nn_plane *plane, size_t count)
{
    uint16_t *pixels = malloc(count * sizeof *pixels);
    for (size_t i = 0; pixels && i < count; i++)
        pixels[i] = (uint16_t)lrintf(65535.0f * fminf(fmaxf(plane->pixels[i], 0.0f), 1.0f));
    return pixels;
}

bool phantom_dicom_write(const char *path, const struct nn_plane *plane,
                         const struct nn_phantom_truth *truth, struct nn_error *err)
{
    static bool prepared;
    struct dx_error why = {0};
    struct identity identity;
    size_t count = (size_t)plane->rows * (size_t)plane->cols;
    if (!prepared && dx_init(NULL, NULL, &why) != DX_OK)
        return nn_fail(err, NN_IO, "%s: %s", path, why.text) == NN_OK;
    prepared = true;

    uint16_t *pixels = quantize(plane, count);
    struct dx_attrs *attrs = describe(truth);
    bool done = pixels && attrs && identify(pixels, count, &identity);
    if (!done) {
        (void)nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        goto out;
    }
    const struct dx_synthetic image = {.attrs = attrs,
                                       .sop_instance = identity.instance,
                                       .series = identity.series,
                                       .study = identity.study,
                                       .rows = (uint32_t)plane->rows,
                                       .cols = (uint32_t)plane->cols,
                                       .pixels = pixels,
                                       .mm_per_pixel = truth->mm_per_pixel};
    done = dx_dx_write(&image, path, &why) == DX_OK;
    if (!done)
        (void)nn_fail(err, NN_IO, "%s: %s", path, why.text);

out:
    dx_attrs_destroy(attrs);
    free(pixels);
    return done;
}
