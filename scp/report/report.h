/* report.h: makes the node's results as DICOM files in results/: reports, pictures, graphics, maps,
 * and the notes that take them back.
 *
 * A result's UID is a hash of all that can change it, its dates are those of the first computation
 * (design: identity of a result), so making it again gives the same file. Files appear whole:
 * written aside, synced, checked as a receiver would read them, renamed, directory synced. What
 * does not pass that check is entered as parked and never sent. */
#ifndef REPORT_H
#define REPORT_H

#include "dx_attrs.h"
#include "nn_model.h"
#include "node.h"
#include "picture.h"
#include "report_class.h"
#include "store.h"

/* What all results of a role share; immutable after report_init. */
struct report {
    const struct conf *conf;
    const struct nn_model_info *model[SRT_MAX_MODELS];
    int models;
    struct srt_template *template_;
    char device_uid[DX_UID_MAX], serial[17];
    char parameters[SRT_MAX_MODELS][384]; /* of each model, for people and for the identity */
    char software[128];                   /* this program's version */
    char build[64];                       /* its build-id */
    struct nn_pool *pool;                 /* the caller's, for reports; NULL: its thread alone */
    struct report_seen *seen;             /* private: digests of what was written last */
};
/* conf and the 1 or 2 models must outlive it. false with a sentence in error. */
bool report_init(struct report *report, const struct conf *conf,
                 const struct nn_model_info *const *model, int models, char *error,
                 size_t error_size);
/* The same for who writes no results: words only, nothing of the spool. */
bool report_init_words(struct report *report, const struct conf *conf,
                       const struct nn_model_info *const *model, int models, char *error,
                       size_t error_size);
void report_finish(struct report *report);

/* Journals in attrs what model number `m` is and what its scores were held against: the node may
 * have another model when the report is made. False without memory. */
bool report_journal(struct dx_attrs *attrs, const struct report *report, int m);

/* What was journalled of model number `m`, borrowed from attrs; "" what was not (older programs did
 * not tell kernels and build). */
struct report_recalled {
    const char *name, *version, *weights_digest, *parameters;
    const char *kernels, *build; /* that computed the scores */
};
void report_recall(const struct dx_attrs *attrs, int m, struct report_recalled *recalled);

/* One image's result in the report's words; texts point into attrs, instance and judgement, which
 * must outlive it. rows and columns come from attrs. */
void report_image(struct srt_image *image, const struct instance *instance,
                  const struct judgement *judgement, const struct dx_attrs *attrs);
/* A result of these images with all that this role knows, mode included. attrs: of each image, in
 * their order; the last one that a model judged says what the model was. */
void report_result(const struct report *report, const struct srt_image *images,
                   const struct dx_attrs *const *attrs, size_t count, struct srt_result *result);
/* The outcome in one sentence without the RESEARCH line (for the picture); template_ NULL: in
 * English. */
void report_sentence(const struct srt_template *template_, const struct srt_result *result,
                     char *text, size_t size);

/* SHA-256 over the demographics, accession number and study ID of attrs: another digest is a
 * correction. */
void report_patient_digest(const struct dx_attrs *attrs, char digest[DX_DIGEST_MAX]);

/* What is made of one judged image. */
struct report_drawn {
    const struct picture *picture;
    const float *map; /* (side, side) on the picture's scale; NULL: none */
    int side;
    struct nn_box box; /* the part of the image that it shows */
    uint32_t rows, cols;
    double mm_per_pixel; /* of the image; 0 unknown */
    bool was_lossy;
    int number;           /* Instance Number */
    struct nn_pool *pool; /* NULL: the caller's thread alone */
};
/* Writes the picture and, where a destination wants them, the region as a presentation state and
 * the map as a Parametric Map; fills judgement->picture, gsps, map. judgement needs pixel_digest,
 * patient_digest, opinions, region and first_computed_ms. false with a sentence in error: nothing
 * of those names is in results/ then. */
bool report_drawn(const struct report *report, const struct instance *instance,
                  const struct dx_attrs *attrs, const struct report_drawn *drawn,
                  struct judgement *judgement, char *error, size_t error_size);

/* Keeps the picture of one slice until its series is told: report_study makes them one object. */
bool report_keep_frame(const struct report *report, const struct instance *instance,
                       const struct picture *picture, char *error, size_t error_size);

enum report_end { REPORT_DONE, REPORT_LATER /* temporary: try again */ };
/* Writes the study's report over all its judged images and enters it with its pictures and
 * deliveries into the job store. *outcome is what it says. */
enum report_end report_study(const struct report *report, struct store *store,
                             const struct study *study, enum srt_outcome *outcome,
                             char uid[DX_UID_MAX], char *error, size_t error_size);

/* Takes results of ours back at one destination: writes a rejection note over what it has, or may
 * have, and was retracted; enters it with its delivery. *count: results that it names, 0: nothing
 * to do. One study a call. */
enum report_end report_reject(const struct report *report, struct store *store,
                              const char *destination, size_t *count, char uid[DX_UID_MAX],
                              char *error, size_t error_size);

#endif
