/* report.h: makes the node's results as DICOM files in results/: pictures and reports.
 *
 * A result's UID is a hash of all that can change it, its dates are those of the first computation
 * (design: identity of a result), so making it again gives the same file. Files appear whole:
 * written aside, synced, renamed, directory synced. */
#ifndef REPORT_H
#define REPORT_H

#include "dx_attrs.h"
#include "nn_model.h"
#include "node.h"
#include "picture.h"
#include "store.h"

#define REPORT_SERIES_SR 9901
#define REPORT_SERIES_SC 9902

/* What all results of a role share; immutable after report_init. */
struct report {
    const struct conf *conf;
    const struct nn_model_info *model;
    struct srt_template *template_;
    char device_uid[DX_UID_MAX], serial[17];
    char parameters[256]; /* of the algorithm, for people and for the identity */
    char software[128];   /* this program's version */
    char build[64];       /* its build-id */
};
/* conf and model must outlive it. false with a sentence in error. */
bool report_init(struct report *report, const struct conf *conf, const struct nn_model_info *model,
                 char *error, size_t error_size);
void report_finish(struct report *report);

/* Journals in attrs what the scores were held against (names, finding or not, operating points):
 * the model may be another one when the report is made. False without memory. */
bool report_journal(struct dx_attrs *attrs, const struct nn_model_info *model);

/* One image's result in the report's words; texts point into attrs, instance and judgement, which
 * must outlive it. rows and columns come from attrs. */
void report_image(struct srt_image *image, const struct instance *instance,
                  const struct judgement *judgement, const struct dx_attrs *attrs);
/* A result of these images with all that this role knows, mode included. */
void report_result(const struct report *report, const struct srt_image *images, size_t count,
                   struct srt_result *result);
/* The outcome in one sentence without the RESEARCH line (for the picture). */
void report_sentence(const struct srt_template *template_, const struct srt_result *result,
                     char *text, size_t size);

/* SHA-256 over the demographics of attrs. */
void report_patient_digest(const struct dx_attrs *attrs, char digest[DX_DIGEST_MAX]);

/* Writes the picture of one judged image as Secondary Capture and fills judgement->picture.
 * judgement needs pixel_digest, patient_digest, model_digest and first_computed_ms; `number` is its
 * Instance Number. false with a sentence in error: nothing of that name is in results/ then. */
bool report_picture(const struct report *report, const struct instance *instance,
                    const struct dx_attrs *attrs, const struct picture *picture, bool was_lossy,
                    int number, struct judgement *judgement, char *error, size_t error_size);

enum report_end { REPORT_DONE, REPORT_LATER /* temporary: try again */ };
/* Writes the study's report over all its judged images and enters it with its pictures and
 * deliveries into the job store. *outcome is what it says. */
enum report_end report_study(const struct report *report, struct store *store,
                             const struct study *study, enum srt_outcome *outcome,
                             char uid[DX_UID_MAX], char *error, size_t error_size);

#endif
