/* report_file.h: between the files that make results: identity, header, check and file. */
#ifndef REPORT_FILE_H
#define REPORT_FILE_H

#include "clock.h"
#include "dx_result.h"
#include "report.h"
#include "store_place.h"

/* All that can change a result (design: identity of a result), beside what struct report holds. */
struct report_identity {
    const char *kind;               /* result_kind_name */
    const struct srt_result *words; /* its models */
    const char *demographics;
    const char *more;         /* further parameters of this result */
    const char *const *input; /* digests in ascending order */
    size_t inputs;
};
bool report_hashed_uid(const char *const *fields, size_t count, char uid[DX_UID_MAX]);
bool report_uid(const struct report *report, const struct report_identity *identity,
                char uid[DX_UID_MAX]);
/* One a patient, should two have the same study. */
bool report_series_uid(const struct report *report, enum result_kind kind, const char *study,
                       const struct dx_attrs *patient, char uid[DX_UID_MAX]);
/* Of an image's measurement group: the same in every amendment. */
bool report_tracking_uid(const struct instance *instance, char uid[DX_UID_MAX]);

/* How the model that judged an image concludes for a series; false: it judges image by image. */
struct report_rule {
    size_t positive, minimum;
};
bool report_series_rule(const struct dx_attrs *attrs, int m, struct report_rule *rule);

/* The patient and study attributes that go into our objects: in UTF-8 where all of them can be
 * converted; else as they are, and our own texts are ASCII then. */
struct report_source {
    struct dx_attrs *attrs;
    bool ascii;
};
bool report_source(const struct dx_attrs *attrs, struct report_source *source, char *error,
                   size_t error_size);
void report_source_finish(struct report_source *source);

/* Texts that a header points to. */
struct report_heading {
    char date[9], time[15], zone[6];
    char description[65]; /* LO */
};
/* Fills what is the same in all results; UIDs, source, references and numbers are the caller's. */
void report_header(const struct report *report, struct report_heading *heading, int64_t when_ms,
                   int series_number, const char *what, struct dx_result_header *header);

/* Where a study with this outcome is to stand in the reading worklist, as others are told. A
 * finding that raises nothing there is not flagged. False: the job store cannot be asked. */
struct report_standing {
    enum srt_outcome outcome;
    enum priority_rank rank; /* never below the order's */
    bool flagged;
};
bool report_stand(const struct conf *conf, struct store *store, const char *study,
                  enum srt_outcome outcome, struct report_standing *standing);

/* What a list of series shows of a report, as the site wants it (<report> of the configuration). */
struct report_shown {
    char what[65];
    int series_number, instance_number;
    bool is_plain; /* the same whatever the outcome is, and as by default */
};
/* series_number: of this kind of report by default; number: how many of the study it is. */
void report_show(const struct conf *conf, const struct report_standing *standing, int series_number,
                 int number, struct report_shown *shown);
/* A series has one description and number: its UID, in place, becomes theirs. False: no memory. */
bool report_shown_series(const struct report_shown *shown, char uid[DX_UID_MAX]);

/* Words that no report may hold; of scores that a site calibrated, or not. Ends with NULL. */
const char *const *report_never(bool calibrated);

/* results/UID.dcm below the spool, and the name under which it is written first. */
struct report_paths {
    char name[256]; /* below the spool */
    char whole[4096], aside[4096];
};
void report_paths(const struct conf *conf, const char *uid, struct report_paths *paths);
/* Of a result's file; 0 when it cannot be told. */
uint64_t report_bytes(const char *path);
/* After a failure: makes results/ again, should someone have removed it. The next attempt tells. */
void report_prepare(const struct conf *conf);

/* A file that was written aside: looked at as a receiver would, put in its place, its digest taken.
 * What does not pass is RESULT_PARKED with the reason in result->why, and an alarm in the log.
 * false with a sentence in error: no such file then. */
struct report_written {
    const struct dx_result_header *header;
    const char *sop_class;
    const struct dx_reference *predecessor; /* beside the header's references, or NULL */
    bool synthetic;                         /* the RESEARCH line must be in it */
    bool calibrated;                        /* its scores may be called probability */
    enum dx_status status;                  /* what its writer said, and why */
    const struct dx_error *why;
    const char *digest; /* of its file, if that was read while it was written; NULL: it was not */
    const struct report_looked *looked; /* NULL: report_enter does */
};
/* What a look at a file that was written aside found, for who looks at several at once; any thread.
 */
struct report_looked {
    enum dx_status status;
    struct dx_error why;
    char digest[DX_DIGEST_MAX];
};
void report_look(const struct report *report, const struct report_written *written,
                 struct report_looked *looked);
bool report_enter(const struct report *report, const struct report_written *written,
                  struct result *result, char *error, size_t error_size);
/* The digest of a result's file: known where this process wrote it lately, else read. */
enum dx_status report_digest(const struct report *report, const char *uid,
                             char digest[DX_DIGEST_MAX], struct dx_error *err);
struct report_seen *report_seen_create(void); /* NULL: no memory */

/* Whether the file of this UID was parked when it was entered; then why and state are filled. */
void report_recall_parking(const struct report *report, const char *uid, struct result *result);

#endif
