/* report_file.h: between report.c (what all results share), report_picture.c and report_study.c. */
#ifndef REPORT_FILE_H
#define REPORT_FILE_H

#include "clock.h"
#include "report.h"

/* All that can change a result (design: identity of a result), beside what struct report holds. */
struct report_identity {
    const char *kind; /* "SR", "SC" */
    const char *demographics;
    const char *more;         /* further parameters of this result */
    const char *const *input; /* digests in ascending order */
    size_t inputs;
};
bool report_uid(const struct report *report, const struct report_identity *identity,
                char uid[DX_UID_MAX]);
/* One a patient, should two have the same study. */
bool report_series_uid(const struct report *report, const char *kind, const char *study,
                       const struct dx_attrs *patient, char uid[DX_UID_MAX]);
/* Of an image's measurement group: the same in every amendment. */
bool report_tracking_uid(const struct instance *instance, char uid[DX_UID_MAX]);

/* Texts that a header points to. */
struct report_heading {
    char date[9], time[15], zone[6];
    char description[65]; /* LO */
};
/* Fills what is the same in all results; UIDs, source, references and numbers are the caller's. */
void report_header(const struct report *report, struct report_heading *heading, int64_t when_ms,
                   int series_number, struct dx_result_header *header);

/* results/UID.dcm below the spool, and the name under which it is written first. */
struct report_paths {
    char name[256]; /* below the spool */
    char whole[4096], aside[4096];
};
void report_paths(const struct conf *conf, const char *uid, struct report_paths *paths);
/* After a failure: makes results/ again, should someone have removed it. The next attempt tells. */
void report_prepare(const struct conf *conf);
/* aside -> whole, durably. 0 or errno. */
int report_publish(const struct report_paths *paths);

#endif
