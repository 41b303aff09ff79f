#include "report_file.h"
#include "spool.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void report_paths(const struct conf *conf, const char *uid, struct report_paths *paths)
{
    snprintf(paths->name, sizeof paths->name, "results/%s.dcm", uid);
    node_path(conf, paths->whole, sizeof paths->whole, "results/%s.dcm", uid);
    node_path(conf, paths->aside, sizeof paths->aside, "results/%s.part", uid);
}

void report_prepare(const struct conf *conf)
{
    char bad[PATH_MAX];
    (void)spool_prepare(conf, bad, sizeof bad);
}

int report_publish(const struct report_paths *paths)
{
    if (rename(paths->aside, paths->whole) != 0) {
        int why = errno;
        unlink(paths->aside);
        return why;
    }
    return -spool_sync_directory_of(paths->whole);
}

bool report_picture(const struct report *report, const struct instance *instance,
                    const struct dx_attrs *attrs, const struct picture *picture, bool was_lossy,
                    int number, struct judgement *judgement, char *error, size_t error_size)
{
    char uid[DX_UID_MAX], series[DX_UID_MAX];
    const char *const input[] = {instance->digest};
    const struct report_identity identity = {.kind = "SC",
                                             .demographics = judgement->patient_digest,
                                             .more = judgement->pixel_digest,
                                             .input = input,
                                             .inputs = 1};
    if (!report_uid(report, &identity, uid) ||
        !report_series_uid(report, "SC", instance->study, attrs, series)) {
        snprintf(error, error_size, "out of memory");
        return false;
    }

    struct report_heading heading;
    struct report_paths paths;
    struct dx_reference reference = {0};
    snprintf(reference.sop_class, sizeof reference.sop_class, "%s", instance->sop_class);
    snprintf(reference.sop_instance, sizeof reference.sop_instance, "%s", instance->sop_instance);
    snprintf(reference.series, sizeof reference.series, "%s", instance->series);
    struct dx_sc sc = {.rows = picture->rows,
                       .cols = picture->cols,
                       .rgb = picture->rgb,
                       .derivation_description =
                           "Source image beside its saliency map (gradient of the class score)",
                       .derivation = {"130404", "DCM", "Saliency"},
                       .was_lossy = was_lossy};
    report_header(report, &heading, judgement->first_computed_ms, REPORT_SERIES_SC, &sc.header);
    sc.header.source = attrs;
    sc.header.sop_instance = uid;
    sc.header.series = series;
    sc.header.instance_number = number;
    sc.header.references = &reference;
    sc.header.reference_count = 1;

    struct dx_error err = {0};
    report_paths(report->conf, uid, &paths);
    if (dx_sc_write(&sc, paths.aside, &err) != DX_OK) {
        snprintf(error, error_size, "picture: %s", err.text);
        unlink(paths.aside);
        report_prepare(report->conf);
        return false;
    }
    int why = report_publish(&paths);
    if (why != 0) {
        snprintf(error, error_size, "picture: %s", strerror(why));
        return false;
    }
    snprintf(judgement->picture, sizeof judgement->picture, "%s", uid);
    return true;
}
