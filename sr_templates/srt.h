/* srt.h: fills a report template (XML) from a neutral result and returns the SR content tree.
 *
 * The report's shape is sr_templates/cspine.xml, checked against sr_templates/template.xsd; this
 * code knows how to repeat, leave out and fill, not what the report says. Sources: PS3.16 TID 1500,
 * 1501, 1410, 1204, 1001, 1004, 1600, 1601, 4019; docs/safety.md for the words. Codes are of
 * DCM, SCT, UMLS, UCUM, RFC5646 and of our own scheme, 99CERVIGATE (docs/codes.md).
 *
 * A template is immutable after opening and may be shared by threads; nothing here logs or exits.
 * Texts are UTF-8, or ASCII where the result asks for it. */
#ifndef SRT_H
#define SRT_H

#include "dx_result.h"
#include <stdbool.h>

#define SRT_STATUS_MAP(X)                                                                          \
    X(SRT_OK, "ok")                                                                                \
    X(SRT_NO_MEMORY, "out of memory")                                                              \
    X(SRT_MISSING, "template not found")                                                           \
    X(SRT_BAD_TEMPLATE, "template is wrong")                                                       \
    X(SRT_INVALID, "result is incomplete")
enum srt_status {
#define X(code, text) code,
    SRT_STATUS_MAP(X)
#undef X
};
struct srt_error {
    enum srt_status status;
    char text[256];
};
const char *srt_status_text(enum srt_status status);

#define SRT_MAX_CLASSES 16
#define SRT_MAX_MODELS  2

enum srt_outcome {
    SRT_FINDING,
    SRT_NO_FINDING,
    SRT_NOT_PROCESSED,
    SRT_UNDETERMINED, /* the models disagree: no average, no choice */
    SRT_INCOMPLETE    /* of a study: no suspicion, but not all of the cervical spine was judged */
};
/* Name for records ("no-finding") and back. */
const char *srt_outcome_name(enum srt_outcome outcome);
bool srt_outcome_parse(const char *name, enum srt_outcome *outcome);

/* Why an image or study was not processed. The report holds the exact name as a code of 99CERVIGATE
 * and the nearest code of CID 6135. */
enum srt_reason {
    SRT_REASON_NONE,
    SRT_WRONG_MODALITY,
    SRT_WRONG_BODY_PART,
    SRT_WRONG_VIEW,
    SRT_OUTSIDE_AGE,
    SRT_UNDECODABLE,
    SRT_NO_PIXEL_DATA,
    SRT_TOO_LARGE,
    SRT_CONFLICT, /* same SOP Instance UID, different pixels */
    SRT_MULTI_FRAME,
    SRT_NO_CONTENT, /* one grey value, or a few pixels */
    SRT_AGE_UNKNOWN,
    SRT_NOT_SPINE, /* the pixels are no radiograph of a cervical spine */
    SRT_HARDWARE,
    SRT_INVERTED,
    SRT_CROPPED,
    SRT_SOFTWARE_FAILURE,
    SRT_TOO_FEW_SLICES,  /* of a series that is judged as one */
    SRT_C7_T1_NOT_SHOWN, /* never of an image that was not processed: why a study is incomplete */
};
/* Whether the image shows the spine down to C7-T1. */
enum srt_coverage { SRT_COVERAGE_UNKNOWN, SRT_COVERAGE_SHORT, SRT_COVERAGE_FULL };
/* Why a report amends an earlier one. */
enum srt_amendment {
    SRT_LATE_IMAGE, /* more images came */
    SRT_CORRECTED,  /* patient, order or study data came corrected */
    SRT_REJECTED,   /* an image was rejected by its sender, or moved to another study */
    SRT_BY_PERSON   /* `cervigate results reissue` */
};
/* Name for records ("wrong-body-part") and back; words for people ("body part is not the cervical
 * spine"). */
const char *srt_reason_name(enum srt_reason reason);
bool srt_reason_parse(const char *name, enum srt_reason *reason);
const char *srt_reason_words(enum srt_reason reason);

struct srt_class {
    const char *name; /* "fracture" */
    bool finding;
    double score, operating_point;
};

/* What one model says about one image (or series of slices). */
struct srt_opinion {
    struct srt_class class_[SRT_MAX_CLASSES];
    size_t classes; /* 0: this model did not judge it */
};
struct srt_model {
    const char *name, *version, *weights_digest, *parameters, *intended_use;
    bool synthetic;  /* every text begins with the RESEARCH line when one model is */
    bool calibrated; /* on a site's data: its scores may be called probability */
};

struct srt_image {
    struct dx_reference reference; /* slices: of the key slice, the highest score */
    const char *modality;          /* code value: "DX" */
    const char *rows, *columns;    /* as decimal text; NULL unknown */
    const char *view;              /* words; "" unknown */
    enum srt_outcome outcome;
    enum srt_reason reason;
    /* More words for the reason; of a judged image, what its reader should know; or "". */
    const char *detail;
    struct srt_opinion opinion[SRT_MAX_MODELS]; /* [m] is of the result's models[m] */
    enum srt_coverage coverage;
    const char *tracking_uid; /* of this image's measurement group */
    /* The most salient region, a closed polygon (the last point is the first): column, row pairs in
     * pixels of the source, the centre of the top left pixel is 0.5, 0.5 (PS3.3 C.18.6). NULL:
     * none; then the whole image is the source of the measurement (TID 1501, else 1410). */
    const float *region;
    size_t region_points;
    /* A series judged as one (CT): its slices, the reference's among them. NULL: one image. */
    const struct dx_reference *slices;
    size_t slice_count;
};

struct srt_result {
    /* Of the study: finding when an image has one. Not processed may stand beside judged images (a
     * conflict makes them doubtful), never beside a finding. */
    enum srt_outcome outcome;
    const struct srt_image *images;
    size_t image_count;
    const char *device_uid, *manufacturer, *model_name, *serial, *station_ae;
    const char *software_version;
    struct srt_model models[SRT_MAX_MODELS];
    size_t model_count; /* 1 or 2 */
    const char *mode;   /* "demo" */
    const char *amends; /* SOP Instance UID of the earlier report, or NULL */
    enum srt_amendment amendment;
    bool ascii; /* the object's character set is not UTF-8: texts come out transliterated */
};
bool srt_is_synthetic(const struct srt_result *result); /* one of its models is */
/* The rules. Of an image, by its opinions' scores: finding when every model that judged it has a
 * class at or above its operating point; undetermined when one has and the other has not; not
 * processed without opinions. Of a study, by its images'
 * outcomes: finding, then undetermined, then not processed (a conflict of pixels, or nothing
 * judged); no finding when a judged image shows C7-T1, else incomplete. srt_fill refuses an image
 * outcome that differs; a study may be without finding where nobody asked for C7-T1, and its
 * report says so. */
enum srt_outcome srt_image_outcome(const struct srt_image *image);
enum srt_outcome srt_study_outcome(const struct srt_result *result);

/* "RESEARCH - trained on synthetic images; sensitivity in injured patients: NOT MEASURED (n = 0)"
 */
extern const char srt_research_line[];
struct srt_template;
/* The study's outcome in one sentence in the template's language, as report, picture and list say
 * it. */
void srt_sentence(const struct srt_template *template_, const struct srt_result *result, char *text,
                  size_t size);
/* The same report as plain text for people, in the template's language: outcome, images, scores
 * beside operating points, models, intended use, limits; no patient data. */
void srt_text(const struct srt_template *template_, const struct srt_result *result, char *text,
              size_t size);

/* Languages: "en", "de", "fr", "es". Reads DIR/cspine.xml and DIR/words.xml, or the built-in copies
 * when dir is NULL. Everything is checked: the schema, codes, values, and each row against the
 * Standard's templates (name, value type, relationship, requirement, order); err names the file,
 * the line and the row. */
__attribute__((warn_unused_result)) enum srt_status
srt_template_open(const char *dir, const char *language, struct srt_template **template_,
                  struct srt_error *err);
/* A phrase of words.xml in the template's language ("picture.original"); NULL: there is none. */
const char *srt_phrase(const struct srt_template *template_, const char *id);
bool srt_language_known(const char *language);
/* The local coding scheme used by the tree; all NULL when the template uses none. */
struct srt_scheme {
    const char *designator, *name, *organization; /* "99CERVIGATE" */
};
void srt_template_scheme(const struct srt_template *template_, struct srt_scheme *scheme);
/* For documentation: its codes in order, false: no more; and its rows, depth first. */
bool srt_outline_code(const struct srt_template *template_, size_t index, struct dx_code *code);
struct srt_outline_row {
    const char *row;         /* of the Standard: "TID 1500 row 1" */
    const char *template_id; /* of a container that begins a template, or NULL */
    const char *concept_;    /* a code's id with {placeholders}, or NULL */
    enum dx_sr_value type;
    enum dx_sr_relation relation;
    unsigned depth;
};
void srt_outline(const struct srt_template *template_,
                 void (*take)(void *context, const struct srt_outline_row *row), void *context);
void srt_template_close(struct srt_template *template_);
/* Whether the report has a code for a finding of this name. */
bool srt_template_codes(const struct srt_template *template_, const char *finding);
const char *srt_template_version(const struct srt_template *template_);

struct srt_tree; /* owns the items */
/* SRT_INVALID when the result lacks what a row needs or contradicts itself (a finding's score below
 * its operating point, an outcome that its images do not have, no reason). The result may be freed
 * after the call; err may be NULL. */
__attribute__((warn_unused_result)) enum srt_status srt_fill(const struct srt_template *template_,
                                                             const struct srt_result *result,
                                                             struct srt_tree **tree,
                                                             struct srt_error *err);
const struct dx_sr_item *srt_tree_root(const struct srt_tree *tree);
void srt_tree_destroy(struct srt_tree *tree);

#endif
