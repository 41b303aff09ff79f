/* What all results share: who made them, what they are called, how a file appears. */
#include "report.h"
#include "build_id.h"
#include "dx_init.h"
#include "gate.h"
#include "nn_kernel.h"
#include "report_file.h"
#include "rules.h"
#include "spool.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Our own journal in the attributes' list: group 0099 is in no dataset that we write. */
#define TAG_CLASS(i) DX_TAG(0x0099, 0x1000 + (i))

static bool hashed_uid(const char *const *fields, size_t count, char uid[DX_UID_MAX])
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

bool report_init(struct report *report, const struct conf *conf, const struct nn_model_info *model,
                 char *error, size_t error_size)
{
    struct srt_error err = {0};
    memset(report, 0, sizeof *report);
    report->conf = conf;
    report->model = model;
    if (srt_template_open(NULL, "en", &report->template_, &err) != SRT_OK) {
        snprintf(error, error_size, "report template: %s", err.text);
        return false;
    }
    char node_id[SPOOL_NODE_ID_MAX];
    int failed = spool_node_id(conf, node_id);
    if (failed != 0) {
        snprintf(error, error_size, "%s/node-id: %s", conf->spool, strerror(-failed));
        report_finish(report);
        return false;
    }
    const char *const device[] = {"device", node_id};
    if (!hashed_uid(device, 2, report->device_uid)) {
        snprintf(error, error_size, "out of memory");
        report_finish(report);
        return false;
    }
    /* The tail of the UID's digits: stable for a node, different between nodes. */
    size_t length = strlen(report->device_uid);
    snprintf(report->serial, sizeof report->serial, "%s",
             report->device_uid + (length > 16 ? length - 16 : 0));
    snprintf(report->parameters, sizeof report->parameters,
             "input %dx%d %s; model digest %s; picture matrix %u", model->preprocess.side,
             model->preprocess.side, model->preprocess.fit == NN_FIT_PAD ? "padded" : "stretched",
             model->digest, conf->picture_matrix);
    snprintf(report->software, sizeof report->software, "%s", CERVIGATE_VERSION);
    build_id(report->build, sizeof report->build);
    return true;
}

void report_finish(struct report *report)
{
    srt_template_close(report->template_);
    report->template_ = NULL;
}

/* ---- the journal of what scores were held against ---- */

bool report_journal(struct dx_attrs *attrs, const struct nn_model_info *model)
{
    for (int i = 0; i < model->classes; i++) {
        const struct nn_class *class_ = &model->class_[i];
        char text[128];
        snprintf(text, sizeof text, "%.17g %d %s", class_->operating_point, class_->finding,
                 class_->name);
        if (dx_attrs_set_text(attrs, TAG_CLASS((uint32_t)i), "LO", text) != DX_OK)
            return false;
    }
    return true;
}

static void read_class(const struct dx_attrs *attrs, int i, struct srt_class *class_)
{
    char *end;
    const char *text = dx_attrs_text(attrs, TAG_CLASS((uint32_t)i));
    class_->operating_point = strtod(text, &end);
    class_->finding = strtol(end, &end, 10) != 0;
    class_->name = *end == ' ' ? end + 1 : "unnamed";
}

void report_image(struct srt_image *image, const struct instance *instance,
                  const struct judgement *judgement, const struct dx_attrs *attrs)
{
    memset(image, 0, sizeof *image);
    snprintf(image->reference.sop_class, sizeof image->reference.sop_class, "%s",
             instance->sop_class);
    snprintf(image->reference.sop_instance, sizeof image->reference.sop_instance, "%s",
             instance->sop_instance);
    snprintf(image->reference.series, sizeof image->reference.series, "%s", instance->series);
    const char *rows = dx_attrs_text(attrs, DX_TAG(0x0028, 0x0010));
    const char *cols = dx_attrs_text(attrs, DX_TAG(0x0028, 0x0011));
    image->modality = dx_attrs_text(attrs, DX_TAG(0x0008, 0x0060));
    image->rows = rows[0] ? rows : NULL;
    image->columns = cols[0] ? cols : NULL;
    image->view = gate_view(attrs);
    image->reason = judgement->reason;
    image->detail = judgement->detail;
    image->outcome = SRT_NOT_PROCESSED;
    if (judgement->state != INSTANCE_JUDGED)
        return;

    image->outcome = SRT_NO_FINDING;
    image->opinion[0].classes = (size_t)judgement->classes;
    for (int i = 0; i < judgement->classes; i++) {
        struct srt_class *class_ = &image->opinion[0].class_[i];
        read_class(attrs, i, class_);
        class_->score = judgement->score[i];
        if (class_->finding && class_->score >= class_->operating_point)
            image->outcome = SRT_FINDING;
    }
}

/* A finding anywhere is a finding. A conflict of pixels, or nothing judged, is no answer. */
static enum srt_outcome outcome_of(const struct srt_image *images, size_t count)
{
    bool judged = false, conflict = false;
    for (size_t i = 0; i < count; i++) {
        if (images[i].outcome == SRT_FINDING)
            return SRT_FINDING;
        judged |= images[i].outcome == SRT_NO_FINDING;
        conflict |= images[i].reason == SRT_CONFLICT;
    }
    return judged && !conflict ? SRT_NO_FINDING : SRT_NOT_PROCESSED;
}

void report_result(const struct report *report, const struct srt_image *images, size_t count,
                   struct srt_result *result)
{
    *result = (struct srt_result){
        .outcome = outcome_of(images, count),
        .images = images,
        .image_count = count,
        .device_uid = report->device_uid,
        .manufacturer = report->conf->manufacturer,
        .model_name = RULES_MODEL_NAME,
        .serial = report->serial,
        .station_ae = report->conf->ae_title,
        .software_version = report->software,
        .models = {{.name = report->model->name,
                    .version = report->model->version,
                    .weights_digest = report->model->weights_digest,
                    .parameters = report->parameters,
                    .intended_use = report->model->intended_use,
                    .synthetic = report->model->provenance == NN_SYNTHETIC}},
        .model_count = 1,
        .mode = conf_mode_name(node_mode(report->conf)),
    };
}

void report_sentence(const struct srt_template *template_, const struct srt_result *result,
                     char *text, size_t size)
{
    char whole[1024];
    srt_sentence(template_, result, whole, sizeof whole);
    const char *from = whole;
    size_t length = strlen(srt_research_line);
    if (strncmp(whole, srt_research_line, length) == 0)
        from += length + strspn(whole + length, " .;:-");
    snprintf(text, size, "%s", from);
}

void report_patient_digest(const struct dx_attrs *attrs, char digest[DX_DIGEST_MAX])
{
    struct dx_sha256 *sha = dx_sha256_create();
    digest[0] = 0;
    if (!sha)
        return;
    for (size_t i = 0; i < dx_attrs_count(attrs); i++) {
        uint32_t tag;
        char vr[3];
        const char *value;
        size_t length;
        dx_attrs_at(attrs, i, &tag, vr, &value, &length);
        if (tag >> 16 != 0x0010 || length == 0)
            continue;
        dx_sha256_add(sha, &tag, sizeof tag);
        dx_sha256_add(sha, &length, sizeof length);
        dx_sha256_add(sha, value, length);
    }
    dx_sha256_take(sha, digest);
}

/* ---- identity and header ---- */

bool report_uid(const struct report *report, const struct report_identity *identity,
                char uid[DX_UID_MAX])
{
    char digest[DX_DIGEST_MAX];
    const char *const fields[] = {identity->kind,
                                  report->model->digest,
                                  report->model->name, /* its words are printed, too */
                                  report->model->version,
                                  report->model->intended_use,
                                  report->model->provenance == NN_SYNTHETIC ? "synthetic" : "",
                                  report->parameters,
                                  report->software,
                                  report->build,
                                  nn_kernel_set(),
                                  dx_library_version(),
                                  srt_template_version(report->template_),
                                  "en",
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
    for (size_t i = 0; i < identity->inputs; i++)
        dx_sha256_add_text(sha, identity->input[i]);
    dx_sha256_take(sha, digest);
    return dx_uid_from_digest(digest, uid) == DX_OK;
}

bool report_series_uid(const struct report *report, const char *kind, const char *study,
                       const struct dx_attrs *patient, char uid[DX_UID_MAX])
{
    const char *const fields[] = {"series",
                                  kind,
                                  study,
                                  report->model->digest,
                                  report->device_uid,
                                  dx_attrs_text(patient, DX_TAG(0x0010, 0x0020))};
    return hashed_uid(fields, sizeof fields / sizeof fields[0], uid);
}

bool report_tracking_uid(const struct instance *instance, char uid[DX_UID_MAX])
{
    const char *const fields[] = {"tracking", instance->study, instance->sop_instance};
    return hashed_uid(fields, 3, uid);
}

void report_header(const struct report *report, struct report_heading *heading, int64_t when_ms,
                   int series_number, struct dx_result_header *header)
{
    clock_dicom(when_ms, heading->date, heading->time, heading->zone);
    snprintf(heading->description, sizeof heading->description, "%.24s %.8s %s",
             report->model->name, report->model->version,
             report->model->provenance == NN_SYNTHETIC ? "RESEARCH, not for diagnosis"
                                                       : "NOT FOR DIAGNOSIS");
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
