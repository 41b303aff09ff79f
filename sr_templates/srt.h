/* srt.h: fills a report template (XML) from a neutral result and returns the SR content tree.
 *
 * The report's shape is sr_templates/cspine.xml, checked against sr_templates/template.xsd; this
 * code knows how to repeat, leave out and fill, not what the report says. Sources: PS3.16 TID 1500,
 * 1501, 1204, 1001, 1004, 1600, 1601, 4019; design.md section 3 for the words. All codes are of
 * DCM, SCT, UMLS, UCUM and RFC5646: dx_sr.scheme stays NULL.
 *
 * A template is immutable after opening and may be shared by threads; nothing here logs or exits.
 * Our texts come out as ASCII: other bytes of the result's strings become '?'. */
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

enum srt_outcome { SRT_FINDING, SRT_NO_FINDING, SRT_NOT_PROCESSED };

/* Why an image or study was not processed. The report holds the nearest code of CID 6135 and, in
 * its comment, the exact name. */
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
    SRT_SOFTWARE_FAILURE
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

struct srt_image {
    struct dx_reference reference;
    const char *modality;       /* code value: "DX" */
    const char *rows, *columns; /* as decimal text; NULL unknown */
    const char *view;           /* words; "" unknown */
    enum srt_outcome outcome;
    enum srt_reason reason;
    /* More words for the reason; of a judged image, what its reader should know; or "". */
    const char *detail;
    struct srt_class class_[SRT_MAX_CLASSES];
    size_t classes;
    const char *tracking_uid; /* of this image's measurement group */
};

struct srt_result {
    /* Of the study: finding when an image has one. Not processed may stand beside judged images (a
     * conflict makes them doubtful), never beside a finding. */
    enum srt_outcome outcome;
    const struct srt_image *images;
    size_t image_count;
    const char *device_uid, *manufacturer, *model_name, *serial, *station_ae;
    const char *software_version;
    const char *algorithm_name, *algorithm_version, *weights_digest, *parameters;
    const char *intended_use;
    bool synthetic;     /* every text begins with the RESEARCH line */
    const char *mode;   /* "demo" */
    const char *amends; /* SOP Instance UID of the earlier report, or NULL */
};

/* "RESEARCH - trained on synthetic images; sensitivity in injured patients: NOT MEASURED (n = 0)"
 */
extern const char srt_research_line[];
/* The study's outcome in one sentence, as report, picture and list say it. */
void srt_sentence(const struct srt_result *result, char *text, size_t size);

struct srt_template;
/* Reads DIR/cspine.xml, or the built-in copy when dir is NULL. */
__attribute__((warn_unused_result)) enum srt_status
srt_template_open(const char *dir, struct srt_template **template_, struct srt_error *err);
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
/* The tree as indented text (log, console, demo). */
void srt_tree_print(const struct srt_tree *tree, char *text, size_t size);

#endif
