/* How a result becomes a file: its identity, its header, the last look at it, its place. */
#include "report_file.h"
#include "dx_init.h"
#include "log.h"
#include "nn_kernel_set.h"
#include "rules.h"
#include "spool.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- identity ---- */

bool report_hashed_uid(const char *const *fields, size_t count, char uid[DX_UID_MAX])
{
    char digest[DX_DIGEST_MAX];
    struct dx_sha256 *sha = dx_sha256_create();
    if (!sha)
        return false;
    for (size_t i = 0; i < count; i++)
        dx_sha256_add_text(sha, fields[i]);
    dx_sha256_take(sha, digest);
    return dx_uid_from_digest(digest, uid) == DX_OK;
}

static void add_models(struct dx_sha256 *sha, const struct srt_result *words)
{
    for (size_t m = 0; m < words->model_count; m++) {
        const struct srt_model *model = &words->models[m];
        const char *const fields[] = {model->name,
                                      model->version,
                                      model->weights_digest,
                                      model->intended_use,
                                      model->synthetic ? "synthetic" : "",
                                      model->calibrated ? "calibrated" : "",
                                      model->parameters};
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            dx_sha256_add_text(sha, fields[i] ? fields[i] : "");
    }
}

bool report_uid(const struct report *report, const struct report_identity *identity,
                char uid[DX_UID_MAX])
{
    char digest[DX_DIGEST_MAX];
    const char *const fields[] = {identity->kind,
                                  report->software,
                                  report->build,
                                  nn_kernel_name(),
                                  dx_library_version(),
                                  srt_template_version(report->template_),
                                  report->conf->language ? report->conf->language : "en",
                                  report->device_uid,
                                  report->conf->manufacturer,
                                  report->conf->station_name,
                                  report->conf->ae_title,
                                  identity->demographics,
                                  identity->more};
    struct dx_sha256 *sha = dx_sha256_create();
    if (!sha)
        return false;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        dx_sha256_add_text(sha, fields[i]);
    add_models(sha, identity->words);
    for (size_t i = 0; i < identity->inputs; i++)
        dx_sha256_add_text(sha, identity->input[i]);
    dx_sha256_take(sha, digest);
    return dx_uid_from_digest(digest, uid) == DX_OK;
}

bool report_series_uid(const struct report *report, enum result_kind kind, const char *study,
                       const struct dx_attrs *patient, char uid[DX_UID_MAX])
{
    const char *const fields[] = {"series", result_kind_name(kind), study, report->device_uid,
                                  dx_attrs_text(patient, DX_TAG(0x0010, 0x0020))};
    return report_hashed_uid(fields, sizeof fields / sizeof fields[0], uid);
}

bool report_tracking_uid(const struct instance *instance, char uid[DX_UID_MAX])
{
    const char *const fields[] = {"tracking", instance->study, instance->sop_instance};
    return report_hashed_uid(fields, 3, uid);
}

/* ---- header ---- */

bool report_source(const struct dx_attrs *attrs, struct report_source *source, char *error,
                   size_t error_size)
{
    struct dx_error err = {0};
    uint8_t *bytes = NULL;
    size_t count = 0;
    *source = (struct report_source){.ascii = false};
    if (dx_attrs_to_utf8(attrs, &source->attrs, &err) == DX_OK)
        return true;
    source->ascii = true;
    log_event(LOG_AT_WARN, "charset-kept", "study=%s reason=%s",
              dx_attrs_text(attrs, DX_TAG(0x0020, 0x000d)), log_quote(err.text));
    if (dx_attrs_pack(attrs, &bytes, &count) == DX_OK)
        (void)!dx_attrs_unpack(bytes, count, &source->attrs, &err);
    free(bytes);
    if (!source->attrs)
        snprintf(error, error_size, "out of memory");
    return source->attrs != NULL;
}

void report_source_finish(struct report_source *source)
{
    dx_attrs_destroy(source->attrs);
    source->attrs = NULL;
}

void report_header(const struct report *report, struct report_heading *heading, int64_t when_ms,
                   int series_number, const char *what, struct dx_result_header *header)
{
    bool synthetic = false;
    for (int m = 0; m < report->models; m++)
        synthetic |= report->model[m]->provenance == NN_SYNTHETIC;
    clock_dicom(when_ms, heading->date, heading->time, heading->zone);
    snprintf(heading->description, sizeof heading->description, RULES_MARK "%s: %s",
             synthetic ? ", RESEARCH" : "", what);
    header->series_number = series_number;
    header->series_description = heading->description;
    header->manufacturer = report->conf->manufacturer;
    header->model_name = RULES_MODEL_NAME;
    header->software_versions = report->software;
    header->device_serial = report->serial;
    header->station_ae = report->conf->ae_title;
    header->content_date = heading->date;
    header->content_time = heading->time;
    header->timezone = heading->zone;
}

/* ---- the file ---- */

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

/* What a report may not say of a patient: below an operating point there is no statement. A score
 * is no probability before a site has calibrated it. */
static const char *const never[] = {"Absent",   "Absence",     "Normal",     "Normality",
                                    "Abwesend", "Unauffällig", "Normale",    "Absente",
                                    "Ausente",  "Ausencia",    "Normalidad", NULL};
static const char *const never_uncalibrated[] = {
    "Absent",      "Absence",      "Normal",     "Normality", "Abwesend",
    "Unauffällig", "Normale",      "Absente",    "Ausente",   "Ausencia",
    "Normalidad",  "Probability",  "Confidence", "Certainty", "Wahrscheinlichkeit",
    "Probabilité", "Probabilidad", NULL};

const char *const *report_never(bool calibrated)
{
    return calibrated ? never : never_uncalibrated;
}

static enum dx_status look(const struct report *report, const struct report_written *written,
                           const char *path, struct dx_error *err)
{
    struct srt_scheme scheme;
    const struct dx_result_header *header = written->header;
    size_t count = header->reference_count;
    struct dx_reference *references = calloc(count + 1, sizeof *references);
    if (!references)
        return DX_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        references[i] = header->references[i];
    if (written->predecessor)
        references[count++] = *written->predecessor;
    srt_template_scheme(report->template_, &scheme);
    const struct dx_expectation expected = {
        .sop_class = written->sop_class,
        .sop_instance = header->sop_instance,
        .series = header->series,
        .source = header->source,
        .references = references,
        .reference_count = count,
        .forbidden = report_never(written->calibrated),
        .required = written->synthetic ? srt_research_line : NULL,
        .scheme = scheme.designator,
    };
    enum dx_status status = dx_result_check(path, &expected, err);
    free(references);
    return status;
}

static bool fail(const struct report *report, const char *aside, const char *why, char *error,
                 size_t error_size)
{
    snprintf(error, error_size, "result: %s", why);
    unlink(aside);
    report_prepare(report->conf);
    return false;
}

/* The reason stays beside the file: a picture is entered into the job store later. */
static bool park(const struct report *report, const char *uid, struct result *result)
{
    char path[4096];
    node_path(report->conf, path, sizeof path, "results/%s.why", uid);
    FILE *file = fopen(path, "we");
    bool done =
        file && fputs(result->why, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file && fclose(file) != 0)
        done = false;
    return done;
}

void report_recall_parking(const struct report *report, const char *uid, struct result *result)
{
    char path[4096];
    node_path(report->conf, path, sizeof path, "results/%s.why", uid);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    size_t count = fread(result->why, 1, sizeof result->why - 1, file);
    result->why[count] = '\0';
    result->state = RESULT_PARKED;
    (void)fclose(file);
}

uint64_t report_bytes(const char *path)
{
    struct stat at;
    return stat(path, &at) == 0 && at.st_size > 0 ? (uint64_t)at.st_size : 0;
}

/* ---- its digest ---- */

#define SEEN 8 /* results of one study, mostly */

struct report_seen {
    struct {
        char uid[DX_UID_MAX], digest[DX_DIGEST_MAX];
    } one[SEEN];
    int next; /* to be forgotten */
};

struct report_seen *report_seen_create(void)
{
    return calloc(1, sizeof(struct report_seen));
}

/* What is written again, since the job store took it not, has other bytes. */
static void remember(struct report_seen *seen, const struct result *result)
{
    int at = 0;
    while (at < SEEN && strcmp(seen->one[at].uid, result->uid) != 0)
        at++;
    if (at == SEEN) {
        at = seen->next;
        seen->next = (seen->next + 1) % SEEN;
    }
    memcpy(seen->one[at].uid, result->uid, sizeof seen->one->uid);
    memcpy(seen->one[at].digest, result->digest, sizeof seen->one->digest);
}

enum dx_status report_digest(const struct report *report, const char *uid,
                             char digest[DX_DIGEST_MAX], struct dx_error *err)
{
    struct report_paths paths;
    for (int i = 0; i < SEEN; i++)
        if (strcmp(report->seen->one[i].uid, uid) == 0) {
            memcpy(digest, report->seen->one[i].digest, DX_DIGEST_MAX);
            return DX_OK;
        }
    report_paths(report->conf, uid, &paths);
    return dx_digest_file(paths.whole, 0, digest, err);
}

void report_look(const struct report *report, const struct report_written *written,
                 struct report_looked *looked)
{
    struct report_paths paths;
    *looked = (struct report_looked){.status = DX_OK};
    report_paths(report->conf, written->header->sop_instance, &paths);
    if (written->digest)
        snprintf(looked->digest, sizeof looked->digest, "%s", written->digest);
    else
        looked->status = dx_digest_file(paths.aside, 0, looked->digest, &looked->why);
    if (looked->status == DX_OK)
        looked->status = look(report, written, paths.aside, &looked->why);
}

/* Digested, looked at and synced: in this order, since what was written is on its way to the disk
 * meanwhile. */
static enum dx_status inspect(const struct report *report, const struct report_written *written,
                              const char *path, struct result *result, struct dx_error *err)
{
    struct report_looked looked;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dx_fail(err, DX_IO, "%s: %s", path, strerror(errno));
    if (!written->looked)
        report_look(report, written, &looked);
    else
        looked = *written->looked;
    *err = looked.why;
    memcpy(result->digest, looked.digest, sizeof result->digest);
    if (looked.digest[0] && fsync(fd) != 0)
        looked.status = dx_fail(err, errno == ENOSPC || errno == EDQUOT ? DX_NO_SPACE : DX_IO,
                                "%s: %s", path, strerror(errno));
    close(fd);
    return looked.status;
}

bool report_enter(const struct report *report, const struct report_written *written,
                  struct result *result, char *error, size_t error_size)
{
    struct report_paths paths;
    struct dx_error err = {0};
    const struct dx_result_header *header = written->header;
    report_paths(report->conf, header->sop_instance, &paths);
    if (written->status != DX_OK)
        return fail(report, paths.aside, written->why->text, error, error_size);
    enum dx_status status = inspect(report, written, paths.aside, result, &err);
    if (status == DX_NO_MEMORY || status == DX_IO || status == DX_NO_SPACE)
        return fail(report, paths.aside, err.text, error, error_size);
    if (status != DX_OK) {
        result->state = RESULT_PARKED;
        snprintf(result->why, sizeof result->why, "self-check: %.200s", err.text);
        log_event(LOG_AT_ERROR, "result-parked", "uid=%s kind=%s error=%s", header->sop_instance,
                  result_kind_name(result->kind), log_quote(err.text));
        if (!park(report, header->sop_instance, result))
            return fail(report, paths.aside, strerror(errno), error, error_size);
    }
    crash_point("result-written");
    if (rename(paths.aside, paths.whole) != 0)
        return fail(report, paths.aside, strerror(errno), error, error_size);
    crash_point("result-renamed");
    int failed = spool_sync_directory_of(paths.whole);
    if (failed != 0)
        return fail(report, paths.aside, strerror(-failed), error, error_size);
    snprintf(result->path, sizeof result->path, "%s", paths.name);
    snprintf(result->uid, sizeof result->uid, "%s", header->sop_instance);
    snprintf(result->series, sizeof result->series, "%s", header->series);
    snprintf(result->sop_class, sizeof result->sop_class, "%s", written->sop_class);
    result->bytes = report_bytes(paths.whole);
    remember(report->seen, result);
    return true;
}
