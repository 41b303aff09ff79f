/* dx_result.h: writes our own objects: Structured Reports and Secondary Captures.
 *
 * Patient and Study modules are copied from `source` (plain attributes of the first image) as they
 * are: the caller gives UTF-8 (dx_attrs_to_utf8) and then texts may be UTF-8, or the source's own
 * character set and ASCII texts. Files are written complete to a
 * path the caller chose, explicit VR little endian, on their way to the disk (who needs them there
 * syncs them); the bytes are a function of the
 * arguments alone (dates are given). */
#ifndef DX_RESULT_H
#define DX_RESULT_H

#include "dx_attrs.h"
#include "dx_uid.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dx_code {
    const char *value, *scheme, *meaning;
};

/* An image of the study that a result refers to. */
struct dx_reference {
    char sop_class[DX_UID_MAX], sop_instance[DX_UID_MAX], series[DX_UID_MAX];
};

/* attrs with every text converted to ISO_IR 192 (Specific Character Set says so then), equal to the
 * source as Unicode: ISO 8859, ISO 2022 with JIS X 0201, 0208 and 0212, KS X 1001, GB 2312, GB18030
 * and GBK, TIS 620. DX_UNSUPPORTED: the character set is unknown, or a value has bytes that are
 * none of it; err names the attribute; the source's own set is then kept for the whole object.
 * Opens the C library's converters, so not within the object child. */
DX_MUST_USE enum dx_status dx_attrs_to_utf8(const struct dx_attrs *attrs,
                                            struct dx_attrs **converted, struct dx_error *err);

/* What all our objects share. */
struct dx_result_header {
    const struct dx_attrs *source;
    const char *sop_instance, *series; /* UIDs */
    int series_number, instance_number;
    const char *series_description;
    const char *modality; /* of pictures; NULL: "OT" */
    const char *manufacturer, *model_name, *software_versions, *device_serial, *station_ae;
    const char *content_date, *content_time; /* DA, TM */
    const char *timezone;                    /* "+0000" */
    const struct dx_reference *references;   /* the images, all of the source's study */
    size_t reference_count;
};

enum dx_sr_value {
    DX_SR_CONTAINER,
    DX_SR_CODE,
    DX_SR_TEXT,
    DX_SR_NUM,
    DX_SR_UIDREF,
    DX_SR_IMAGE,
    DX_SR_SCOORD /* one POLYLINE; its IMAGE is a child by SELECTED FROM */
};
enum dx_sr_relation {
    DX_SR_ROOT,
    DX_SR_CONTAINS,
    DX_SR_HAS_CONCEPT_MOD,
    DX_SR_HAS_OBS_CONTEXT,
    DX_SR_HAS_ACQ_CONTEXT,
    DX_SR_HAS_PROPERTIES,
    DX_SR_INFERRED_FROM,
    DX_SR_SELECTED_FROM
};

/* A content item; trees are built and freed by the caller (sr_templates). */
struct dx_sr_item {
    enum dx_sr_relation relation;
    enum dx_sr_value type;
    struct dx_code concept;    /* all three NULL: none (IMAGE in an Image Library Group) */
    const char *template_id;   /* CONTAINER: "1500" under DCMR, or NULL */
    const char *text;          /* TEXT, UIDREF, NUM's value as DS */
    struct dx_code code;       /* CODE's value, NUM's unit */
    struct dx_reference image; /* IMAGE */
    const float *points;       /* SCOORD: column, row pairs */
    size_t point_count;        /* pairs */
    struct dx_sr_item *child;  /* first child */
    struct dx_sr_item *next;   /* next sibling */
};

enum dx_sr_class { DX_COMPREHENSIVE_3D_SR, DX_COMPREHENSIVE_SR, DX_ENHANCED_SR };

struct dx_sr {
    struct dx_result_header header;
    enum dx_sr_class sop_class;
    const struct dx_sr_item *root;
    const char *predecessor; /* SOP Instance UID of the report that this one amends, or NULL */
    const char *predecessor_series;
    /* A local coding scheme used in the tree (Coding Scheme Identification Sequence), or NULL.
     * dciodvfy warns of every designator that it does not know, so only when the tree needs it. */
    const char *scheme, *scheme_name, *scheme_organization;
};
DX_MUST_USE enum dx_status dx_sr_write(const struct dx_sr *sr, const char *path,
                                       struct dx_error *err);

/* The images of a report of ours (Current Requested Procedure Evidence), by series; malloc, the
 * caller frees. */
DX_MUST_USE enum dx_status dx_result_evidence(const char *path, struct dx_reference **references,
                                              size_t *count, struct dx_error *err);

/* One frame: Secondary Capture. More: Multi-frame True Color Secondary Capture, and frame i shows
 * header.references[i]. */
struct dx_sc {
    struct dx_result_header header;
    uint32_t rows, cols;
    uint32_t frames; /* 0: 1 */
    const uint8_t *(*frame)(void *,
                            uint32_t); /* frame i's pixels, valid until the next call; NULL
                                        * with frames > 1 is DX_INVALID, a NULL answer DX_IO */
    void *context;
    const uint8_t *rgb; /* rows * cols * 3; one frame only */
    const char *derivation_description;
    struct dx_code derivation;
    int was_lossy; /* the source was, ever */
};
DX_MUST_USE enum dx_status dx_sc_write(const struct dx_sc *sc, const char *path,
                                       struct dx_error *err);

/* A region as a graphic on the original (PS3.3 A.33.1): one layer, one closed polyline in PIXEL
 * units of the referenced image, a text beside it. One image. Polarity, first window, rescale and
 * spacing are repeated from source (a VOI LUT Sequence is not: it is no plain attribute).
 * DX_UNSUPPORTED: a colour image. */
struct dx_gsps {
    struct dx_result_header header;            /* references[0] is the image */
    uint32_t rows, cols;                       /* of it: the displayed area is all of it */
    const char *label, *description, *creator; /* CS, LO, PN: Content Label, Description, Creator */
    const char *layer, *text;                  /* Graphic Layer (CS), the text beside the region */
    const float *points;                       /* column, row pairs, the last is the first */
    size_t point_count;
};
DX_MUST_USE enum dx_status dx_gsps_write(const struct dx_gsps *gsps, const char *path,
                                         struct dx_error *err);

/* The saliency as numbers (PS3.3 A.75): float32, one frame of the source's geometry: its frame of
 * reference, position and orientation where source has all three, else a frame of reference of the
 * image's own. */
struct dx_pmap {
    struct dx_result_header header; /* references[0] is the image */
    uint32_t rows, cols;
    const float *values;           /* (rows, cols), finite */
    struct dx_code quantity, unit; /* (130404, DCM, "Saliency"), (1, UCUM, "no units") */
    const char *explanation;       /* LUT Explanation */
    const char *qualification;     /* Content Qualification: RESEARCH or PRODUCT */
    const char *label, *description, *creator;
    double mm_per_row, mm_per_col; /* of a pixel; 0: unknown */
    struct dx_code derivation;
};
DX_MUST_USE enum dx_status dx_pmap_write(const struct dx_pmap *map, const char *path,
                                         struct dx_error *err);

/* A rejection note: Key Object Selection (PS3.3 A.35.4, TID 2010) that takes objects back. */
struct dx_rejection {
    struct dx_code title; /* 113001, 113037, 113038, 113039 (CID 7010); of static storage */
    struct dx_reference *references;
    size_t reference_count; /* at most DX_REJECTION_MAX */
};
#define DX_REJECTION_MAX 4096
/* header.references are those that are taken back; text may be NULL. 113001 gets the reason "Other
 * failure" (CID 7011). DX_INVALID: another title, or no or too many references. */
DX_MUST_USE enum dx_status dx_rejection_write(const struct dx_result_header *header,
                                              const struct dx_code *title, const char *text,
                                              const char *path, struct dx_error *err);

/* The last look at an object of ours before it is entered for sending: reads the file back and
 * checks what no receiver may find wrong: its IOD's mandatory attributes, VRs and UIDs, that it has
 * the source's patient and study attributes, refers to nothing but `references` (of an amended
 * report the predecessor is one of them), codes whole and their schemes known (DCM, SCT, UCUM,
 * UMLS, RFC5646, ISO3166_1 and `scheme`), numbers finite, pixels of the right length, and no text
 * of ours that holds one of `forbidden` (whole words, letter case aside). DX_INVALID and a sentence
 * that names the attribute, item or word, of what was found twice. */
struct dx_expectation {
    const char *sop_class, *sop_instance, *series;
    const struct dx_attrs *source; /* patient and study as they were written */
    const struct dx_reference *references;
    size_t reference_count;
    const char *const *forbidden; /* ends with NULL */
    const char *required;         /* a text that must be there (the RESEARCH line), or NULL */
    const char *scheme;           /* local coding scheme, or NULL */
};
DX_MUST_USE enum dx_status dx_result_check(const char *path, const struct dx_expectation *expected,
                                           struct dx_error *err);

/* The attributes that an object of ours of this SOP class always has: 1 with a value, 2 with or
 * without; by the table that dx_result_check holds it against. Returns how many; 0: no class of
 * ours. */
#define DX_RESULT_ATTRIBUTES 128
struct dx_result_attribute {
    uint32_t tag;
    int type;
    char name[65]; /* keyword */
};
size_t dx_result_attributes(const char *sop_class, struct dx_result_attribute *list, size_t most);

/* Writes `from` (one of our pictures) anew in another transfer syntax: RLE or JPEG-LS lossless;
 * pixels and UIDs stay. The bytes are a function of `from`'s. */
#define DX_SYNTAX_EXPLICIT "1.2.840.10008.1.2.1"
#define DX_SYNTAX_RLE      "1.2.840.10008.1.2.5"
#define DX_SYNTAX_JPEG_LS  "1.2.840.10008.1.2.4.80"
DX_MUST_USE enum dx_status dx_result_compress(const char *from, const char *transfer_syntax,
                                              const char *path, struct dx_error *err);

/* A synthetic image from a 16-bit plane (phantoms as DICOM). attrs gives patient, study, series and
 * image attributes (CT: Frame of Reference UID, too) over this file's defaults. All that stands
 * behind mm_per_pixel may be left zero. */
enum dx_synthetic_class { DX_SYNTHETIC_DX, DX_SYNTHETIC_CR, DX_SYNTHETIC_CT, DX_SYNTHETIC_SC };
struct dx_synthetic {
    const struct dx_attrs *attrs;
    const char *sop_instance, *series, *study;
    uint32_t rows, cols;
    const uint16_t *pixels; /* 0..65535, 0 black */
    int monochrome1;        /* DX and CR */
    double mm_per_pixel;
    enum dx_synthetic_class sop_class;
    int bits; /* stored, 8 to 16, of 16 allocated; 0: 12 */
    /* Stored values of black and white, low < high < 2^bits; the window shows just these. Both 0:
     * the whole range. CT: Hounsfield units + 1024. */
    uint32_t low, high;
    int spaced; /* CR and DX: Pixel Spacing beside Imager Pixel Spacing, the same */
    struct dx_code region, view; /* DX; NULL: cervical spine; attrs' (0008,0100), or lateral */
};
DX_MUST_USE enum dx_status dx_synthetic_write(const struct dx_synthetic *image, const char *path,
                                              struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
