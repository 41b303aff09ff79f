/* dx_result.h: writes our own objects: Structured Reports and Secondary Captures.
 *
 * Patient and Study modules are copied byte-true from `source` (plain attributes of the first
 * image); Specific Character Set is kept, our own texts are ASCII. Files are written complete to a
 * path the caller chose, explicit VR little endian, fsynced; the bytes are a function of the
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

/* What all our objects share. */
struct dx_result_header {
    const struct dx_attrs *source;
    const char *sop_instance, *series; /* UIDs */
    int series_number, instance_number;
    const char *series_description;
    const char *manufacturer, *model_name, *software_versions, *device_serial, *station_ae;
    const char *content_date, *content_time; /* DA, TM */
    const char *timezone;                    /* "+0000" */
    const struct dx_reference *references;   /* the images, all of the source's study */
    size_t reference_count;
};

enum dx_sr_value { DX_SR_CONTAINER, DX_SR_CODE, DX_SR_TEXT, DX_SR_NUM, DX_SR_UIDREF, DX_SR_IMAGE };
enum dx_sr_relation {
    DX_SR_ROOT,
    DX_SR_CONTAINS,
    DX_SR_HAS_CONCEPT_MOD,
    DX_SR_HAS_OBS_CONTEXT,
    DX_SR_HAS_ACQ_CONTEXT,
    DX_SR_HAS_PROPERTIES,
    DX_SR_INFERRED_FROM
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

struct dx_sc {
    struct dx_result_header header;
    uint32_t rows, cols;
    const uint8_t *rgb; /* rows * cols * 3 */
    const char *derivation_description;
    struct dx_code derivation;
    int was_lossy; /* the source was, ever */
};
DX_MUST_USE enum dx_status dx_sc_write(const struct dx_sc *sc, const char *path,
                                       struct dx_error *err);

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
