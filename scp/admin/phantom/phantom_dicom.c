#include "phantom_dicom.h"
#include "dx_init.h"
#include "dx_result.h"
#include "phantom_dice.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STUDY_YEAR 2026

/* Body part terms and codes of PS3.16 CID 4; view codes of CID 4010. */
#define SPINE                                                                                      \
    "CSPINE",                                                                                      \
    {                                                                                              \
        "122494005", "SCT", "Cervical spine"                                                       \
    }
#define BOTH   (1 << DX_SYNTHETIC_DX | 1 << DX_SYNTHETIC_CR)
#define CR     (1 << DX_SYNTHETIC_CR)
#define AP     "AP", {"399348003", "SCT", "antero-posterior projection"}, "L\\F"
#define PA     "PA", {"272479007", "SCT", "postero-anterior projection"}, "L\\F"
#define SIDE   NULL, {"399067008", "SCT", "lateral projection"}, NULL /* the side decides */
#define PAIRED true

struct kind {
    const char *body;
    struct dx_code region;
    const char *view;
    struct dx_code view_code;
    const char *orientation, *description;
    int classes; /* of objects */
    bool paired; /* body part: left or right */
};

static const struct kind kinds[NN_PHANTOM_SUBJECTS] = {
    [NN_PHANTOM_LATERAL] = {SPINE, SIDE, "Cervical spine, lateral", BOTH, false},
    [NN_PHANTOM_AP] = {SPINE, AP, "Cervical spine, AP", BOTH, false},
    [NN_PHANTOM_ODONTOID] = {SPINE,
                             "AP",
                             {"118438002", "SCT", "transoral projection"},
                             "L\\F",
                             "Cervical spine, odontoid",
                             BOTH,
                             false},
    [NN_PHANTOM_OBLIQUE] = {SPINE,
                            "LLO",
                            {"399182000", "SCT", "oblique projection"},
                            "L\\F",
                            "Cervical spine, oblique",
                            BOTH,
                            false},
    [NN_PHANTOM_SWIMMERS] = {SPINE, SIDE, "Cervical spine, swimmer's", BOTH, false},
    [NN_PHANTOM_SKULL_LATERAL] =
        {"SKULL", {"89546000", "SCT", "Skull"}, SIDE, "Skull, lateral", BOTH, false},
    [NN_PHANTOM_THORACIC_LATERAL] = {"TSPINE",
                                     {"122495006", "SCT", "Thoracic spine"},
                                     SIDE,
                                     "Thoracic spine, lateral",
                                     BOTH,
                                     false},
    [NN_PHANTOM_CHILD] = {SPINE, SIDE, "Cervical spine, lateral", BOTH, false},
    [NN_PHANTOM_HARDWARE] = {SPINE, SIDE, "Cervical spine, lateral", BOTH, false},
    [NN_PHANTOM_INVERTED] = {SPINE, SIDE, "Cervical spine, lateral", BOTH, false},
    [NN_PHANTOM_CROPPED] = {SPINE, SIDE, "Cervical spine, lateral", BOTH, false},
    [NN_PHANTOM_LATERAL_SHORT] = {SPINE, SIDE, "Cervical spine, lateral", BOTH, false},
    [NN_PHANTOM_CHEST] = {"CHEST", {"51185008", "SCT", "Chest"}, PA, "Chest, PA", BOTH, false},
    [NN_PHANTOM_HAND] = {"HAND", {"85562004", "SCT", "Hand"}, PA, "Hand, PA", BOTH, PAIRED},
    [NN_PHANTOM_HIP] = {"HIP", {"24136001", "SCT", "Hip joint"}, AP, "Hip, AP", BOTH, PAIRED},
    [NN_PHANTOM_DENTAL] = {"JAW", {"661005", "SCT", "Jaw region"}, SIDE, "Teeth", CR, false},
    [NN_PHANTOM_PHOTOGRAPH] =
        {"", {NULL, NULL, NULL}, SIDE, "Photograph", 1 << DX_SYNTHETIC_SC, false},
    [NN_PHANTOM_BLANK] = {SPINE, SIDE, "Cervical spine, lateral", BOTH, false},
    [NN_PHANTOM_NOISE] = {SPINE, SIDE, "Cervical spine, lateral", BOTH, false},
    [NN_PHANTOM_CT_SLICE] = {SPINE, SIDE, "Cervical spine, CT", 1 << DX_SYNTHETIC_CT, false},
};

static const char *const sop_classes[] = {
    [DX_SYNTHETIC_DX] = "1.2.840.10008.5.1.4.1.1.1.1",
    [DX_SYNTHETIC_CR] = "1.2.840.10008.5.1.4.1.1.1",
    [DX_SYNTHETIC_CT] = "1.2.840.10008.5.1.4.1.1.2",
    [DX_SYNTHETIC_SC] = "1.2.840.10008.5.1.4.1.1.7",
};

/* What the dice say of one image. */
struct make {
    enum dx_synthetic_class sop_class;
    int bits, monochrome1, spaced;
    uint32_t low, high;
    const char *body, *view; /* NULL: the side's */
    struct dx_code region, view_code;
};

/* Terms that are found in the wrong place: a protocol that nobody changed. */
static void forget(struct phantom_dice *dice, struct make *make)
{
    static const enum nn_phantom_subject others[] = {NN_PHANTOM_LATERAL, NN_PHANTOM_LATERAL,
                                                     NN_PHANTOM_CHEST, NN_PHANTOM_SKULL_LATERAL,
                                                     NN_PHANTOM_THORACIC_LATERAL};
    int part = phantom_dice_below(dice, 100), view = phantom_dice_below(dice, 100);
    const struct kind *other = &kinds[others[phantom_dice_below(dice, 5)]];

    if (part < 30) {
        make->body = "";
    } else if (part < 50) {
        make->body = other->body;
        make->region = other->region;
    }
    if (view < 40) {
        make->view = "";
    } else if (view < 55) {
        make->view = other->view ? other->view : "LL";
        make->view_code = other->view_code;
    }
}

static struct make make_of(enum nn_phantom_subject subject, const struct phantom_header *header)
{
    static const int depths[] = {10, 11, 12, 12, 13, 14, 15, 16};
    const struct kind *kind = &kinds[subject];
    struct phantom_dice dice = phantom_dice(header->seed, header->device, PHANTOM_DICE_DEVICE);
    struct phantom_dice words = phantom_dice(
        header->seed, header->index * NN_PHANTOM_SUBJECTS + subject, PHANTOM_DICE_HEADER);
    struct make make = {.body = kind->body,
                        .view = kind->view,
                        .region = kind->region,
                        .view_code = kind->view_code};

    make.sop_class = DX_SYNTHETIC_DX;
    if (kind->classes & CR && (kind->classes != BOTH || phantom_dice_below(&dice, 5) < 2))
        make.sop_class = DX_SYNTHETIC_CR;
    else if (!(kind->classes & BOTH))
        make.sop_class = subject == NN_PHANTOM_CT_SLICE ? DX_SYNTHETIC_CT : DX_SYNTHETIC_SC;
    make.bits = depths[phantom_dice_below(&dice, 8)];
    make.monochrome1 = phantom_dice_below(&dice, 2);
    make.spaced = phantom_dice_below(&dice, 3) == 0;
    double low = 0.25 * phantom_dice_uniform(&dice), high = 1 - 0.25 * phantom_dice_uniform(&dice);
    double top = (double)((1u << make.bits) - 1);
    make.low = (uint32_t)(low * top);
    make.high = (uint32_t)(high * top);
    if (phantom_dice_below(&dice, 2) == 0) { /* the whole range */
        make.low = 0;
        make.high = (1u << make.bits) - 1;
    }
    if (!(kind->classes & BOTH)) {
        make.bits = 12;
        make.low = make.sop_class == DX_SYNTHETIC_CT ? 1024 - 400 : 0; /* Hounsfield units */
        make.high = make.sop_class == DX_SYNTHETIC_CT ? 1024 + 1600 : 4095;
        make.monochrome1 = make.spaced = 0;
    } else if (header->careless) {
        forget(&words, &make);
    }
    return make;
}

const char *phantom_dicom_sop_class(enum nn_phantom_subject subject,
                                    const struct phantom_header *header)
{
    return sop_classes[make_of(subject, header).sop_class];
}

static bool uid_of(const char *kind, const char *name, char uid[DX_UID_MAX])
{
    char hashed[DX_DIGEST_MAX];
    struct dx_sha256 *sha = dx_sha256_create();

    if (!sha)
        return false;
    dx_sha256_add_text(sha, kind);
    dx_sha256_add_text(sha, name);
    dx_sha256_take(sha, hashed);
    return dx_uid_from_digest(hashed, uid) == DX_OK;
}

bool phantom_dicom_study(uint64_t seed, uint64_t index, char uid[65])
{
    char name[64];

    snprintf(name, sizeof name, "%llu %llu", (unsigned long long)seed, (unsigned long long)index);
    return uid_of("phantom department's study", name, uid);
}

struct identity {
    char instance[DX_UID_MAX], series[DX_UID_MAX], study[DX_UID_MAX], frame[DX_UID_MAX];
};

static bool identify(const uint16_t *pixels, size_t count, const struct phantom_header *header,
                     struct identity *identity)
{
    char digest[DX_DIGEST_MAX];
    struct dx_sha256 *sha = dx_sha256_create();

    if (!sha)
        return false;
    dx_sha256_add(sha, pixels, count * sizeof *pixels);
    if (header->study)
        dx_sha256_add_text(sha, header->study);
    dx_sha256_take(sha, digest);
    bool done = uid_of("phantom instance", digest, identity->instance) &&
                uid_of("phantom series", digest, identity->series) &&
                uid_of("phantom study", digest, identity->study) &&
                uid_of("phantom frame", digest, identity->frame);
    if (done && header->study)
        snprintf(identity->study, sizeof identity->study, "%.64s", header->study);
    return done;
}

/* A list of attributes that remembers whether all went in. */
struct list {
    struct dx_attrs *attrs;
    bool done;
};

static void set(struct list *list, uint32_t tag, const char *vr, const char *text)
{
    list->done = list->done && dx_attrs_set_text(list->attrs, tag, vr, text) == DX_OK;
}

/* A patient who says in every list that nobody was ill. */
static void describe_patient(struct list *list, const struct nn_phantom_truth *patient)
{
    char name[65], id[65], age[8], born[16], sex[2] = {patient->sex, 0};
    unsigned long long number = (unsigned long long)patient->patient;

    snprintf(name, sizeof name, "PHANTOM^%05llu", number);
    snprintf(id, sizeof id, "PHANTOM-%05llu", number);
    snprintf(age, sizeof age, "%03dY", patient->age);
    snprintf(born, sizeof born, "%04d0101", STUDY_YEAR - patient->age);
    set(list, DX_TAG(0x0010, 0x0010), "PN", name);
    set(list, DX_TAG(0x0010, 0x0020), "LO", id);
    set(list, DX_TAG(0x0010, 0x0030), "DA", born);
    set(list, DX_TAG(0x0010, 0x0040), "CS", sex);
    set(list, DX_TAG(0x0010, 0x1010), "AS", age);
}

static void describe_study(struct list *list, const struct phantom_header *header,
                           const struct kind *kind)
{
    char date[16], time[16], accession[17], number[16];
    unsigned index = (unsigned)(header->index % 100000000);

    snprintf(date, sizeof date, "%04d%02u%02u", STUDY_YEAR, 1 + index / 28 % 12, 1 + index % 28);
    snprintf(time, sizeof time, "%02u%02u%02u", 7 + index % 12, index * 7 % 60, index * 13 % 60);
    snprintf(accession, sizeof accession, "PH%08u", index);
    snprintf(number, sizeof number, "%d", header->image > 0 ? header->image : 1);
    set(list, DX_TAG(0x0008, 0x0020), "DA", date);
    set(list, DX_TAG(0x0008, 0x0030), "TM", time);
    set(list, DX_TAG(0x0008, 0x0050), "SH", accession);
    set(list, DX_TAG(0x0008, 0x0090), "PN", "");
    set(list, DX_TAG(0x0020, 0x0010), "SH", accession + 2);
    set(list, DX_TAG(0x0020, 0x0011), "IS", number);
    set(list, DX_TAG(0x0008, 0x1010), "SH", header->station ? header->station : "PHANTOM");
    set(list, DX_TAG(0x0008, 0x1090), "LO", "Phantom");
    set(list, DX_TAG(0x0018, 0x1020), "LO", CERVIGATE_VERSION);
    set(list, DX_TAG(0x0008, 0x1030), "LO", "Synthetic radiographs: no patient");
    set(list, DX_TAG(0x0008, 0x103e), "LO", kind->description);
}

static void describe_image(struct list *list, const struct make *make, const struct kind *kind,
                           const struct nn_phantom_truth *truth, const struct identity *identity)
{
    const char *side = truth->facing_left ? "L" : "R";
    bool projection = kind->classes & BOTH;

    if (make->body[0] != '\0' || projection)
        set(list, DX_TAG(0x0018, 0x0015), "CS", make->body);
    if (projection) {
        set(list, DX_TAG(0x0018, 0x5101), "CS",
            make->view           ? make->view
            : truth->facing_left ? "LL"
                                 : "RL");
        /* Rows run to the image's right: to the back of who faces left. */
        set(list, DX_TAG(0x0020, 0x0020), "CS",
            kind->orientation    ? kind->orientation
            : truth->facing_left ? "P\\F"
                                 : "A\\F");
        set(list, DX_TAG(0x0020, 0x0062), "CS", kind->paired ? side : "U");
    }
    if (make->sop_class == DX_SYNTHETIC_CT)
        set(list, DX_TAG(0x0020, 0x0052), "UI", identity->frame);
}

static struct dx_attrs *describe(const struct make *make, const struct nn_phantom_truth *truth,
                                 const struct phantom_header *header,
                                 const struct identity *identity)
{
    const struct kind *kind = &kinds[truth->subject];
    struct list list = {.attrs = dx_attrs_create(), .done = true};

    if (!list.attrs)
        return NULL;
    set(&list, DX_TAG(0x0008, 0x0005), "CS", "ISO_IR 100");
    describe_patient(&list, header->patient ? header->patient : truth);
    describe_study(&list, header, kind);
    describe_image(&list, make, kind, truth, identity);
    if (list.done)
        return list.attrs;
    dx_attrs_destroy(list.attrs);
    return NULL;
}

static uint16_t *quantize(const struct nn_plane *plane, size_t count)
{
    uint16_t *pixels = malloc(count * sizeof *pixels);

    for (size_t i = 0; pixels && i < count; i++)
        pixels[i] = (uint16_t)lrintf(65535.0f * fminf(fmaxf(plane->pixels[i], 0.0f), 1.0f));
    return pixels;
}

bool phantom_dicom_begin(struct nn_error *err)
{
    struct dx_error why = {0};

    if (dx_init(NULL, NULL, &why) == DX_OK)
        return true;
    (void)nn_fail(err, NN_IO, "%s", why.text);
    return false;
}

bool phantom_dicom_write(const char *path, const struct nn_plane *plane,
                         const struct nn_phantom_truth *truth, const struct phantom_header *header,
                         struct nn_error *err)
{
    struct dx_error why = {0};
    struct identity identity;
    struct make make = make_of(truth->subject, header);
    size_t count = (size_t)plane->rows * (size_t)plane->cols;
    uint16_t *pixels = quantize(plane, count);
    bool done = pixels && identify(pixels, count, header, &identity);
    struct dx_attrs *attrs = done ? describe(&make, truth, header, &identity) : NULL;

    if (!attrs) {
        (void)nn_fail(err, NN_NO_MEMORY, "%s: no memory", path);
        free(pixels);
        return false;
    }
    const struct dx_synthetic image = {.attrs = attrs,
                                       .sop_instance = identity.instance,
                                       .series = identity.series,
                                       .study = identity.study,
                                       .rows = (uint32_t)plane->rows,
                                       .cols = (uint32_t)plane->cols,
                                       .pixels = pixels,
                                       .monochrome1 = make.monochrome1,
                                       .mm_per_pixel = truth->mm_per_pixel,
                                       .sop_class = make.sop_class,
                                       .bits = make.bits,
                                       .low = make.low,
                                       .high = make.high,
                                       .spaced = make.spaced,
                                       .region = make.region,
                                       .view = make.view_code};
    done = dx_synthetic_write(&image, path, &why) == DX_OK;
    if (!done)
        (void)nn_fail(err, NN_IO, "%s: %s", path, why.text);
    dx_attrs_destroy(attrs);
    free(pixels);
    return done;
}
