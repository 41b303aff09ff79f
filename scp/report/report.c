/* What all results share: who made them, what they are called, how a file appears. */
#include "report.h"
#include "build_id.h"
#include "dx_init.h"
#include "gate.h"
#include "nn_kernel_set.h"
#include "report_file.h"
#include "rules.h"
#include "spool.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Our own journal in the attributes' list: group 0099 is in no dataset that we write. Each model
 * has 256 elements: its classes, and from 0xf0 on what it is. */
#define TAG_CLASS(m, i) DX_TAG(0x0099, 0x1000u + (uint32_t)(m)*0x100u + (uint32_t)(i))
#define TAG_MODEL(m, f) TAG_CLASS(m, 0xf0 + (f))
enum {
    FIELD_NAME,
    FIELD_VERSION,
    FIELD_WEIGHTS,
    FIELD_PARAMETERS,
    FIELD_USE,
    FIELD_KIND,
    FIELD_SERIES,
    FIELD_KERNELS,
    FIELD_BUILD,
    FIELDS
};

bool report_init_words(struct report *report, const struct conf *conf,
                       const struct nn_model_info *const *model, int models, char *error,
                       size_t error_size)
{
    struct srt_error err = {0};
    memset(report, 0, sizeof *report);
    report->conf = conf;
    report->models = models;
    for (int m = 0; m < models; m++)
        report->model[m] = model[m];
    if (srt_template_open(conf->templates, conf->language ? conf->language : "en",
                          &report->template_, &err) != SRT_OK) {
        snprintf(error, error_size, "report template: %s", err.text);
        return false;
    }
    return true;
}

bool report_init(struct report *report, const struct conf *conf,
                 const struct nn_model_info *const *model, int models, char *error,
                 size_t error_size)
{
    if (!report_init_words(report, conf, model, models, error, error_size))
        return false;
    report->seen = report_seen_create();
    if (!report->seen) {
        snprintf(error, error_size, "out of memory");
        report_finish(report);
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
    if (!report_hashed_uid(device, 2, report->device_uid)) {
        snprintf(error, error_size, "out of memory");
        report_finish(report);
        return false;
    }
    /* The tail of the UID's digits: stable for a node, different between nodes. */
    size_t length = strlen(report->device_uid);
    snprintf(report->serial, sizeof report->serial, "%s",
             report->device_uid + (length > 16 ? length - 16 : 0));
    snprintf(report->software, sizeof report->software, "%s", CERVIGATE_VERSION);
    build_id(report->build, sizeof report->build);
    for (int m = 0; m < models; m++)
        snprintf(report->parameters[m], sizeof report->parameters[m],
                 "input %dx%d %s; model digest %s; picture matrix %u; build %s; kernels %s",
                 model[m]->preprocess.side, model[m]->preprocess.side,
                 model[m]->preprocess.fit == NN_FIT_PAD ? "padded" : "stretched", model[m]->digest,
                 conf->picture_matrix, report->build, nn_kernel_name());
    return true;
}

void report_finish(struct report *report)
{
    srt_template_close(report->template_);
    report->template_ = NULL;
    free(report->seen);
    report->seen = NULL;
}

/* ---- the journal of what scores were held against ---- */

bool report_journal(struct dx_attrs *attrs, const struct report *report, int m)
{
    const struct nn_model_info *model = report->model[m];
    for (int i = 0; i < model->classes; i++) {
        const struct nn_class *class_ = &model->class_[i];
        char text[128];
        snprintf(text, sizeof text, "%.17g %d %s", class_->operating_point, class_->finding,
                 class_->name);
        if (dx_attrs_set_text(attrs, TAG_CLASS(m, i), "LO", text) != DX_OK)
            return false;
    }
    char series[32] = "";
    if (model->series_positive > 0)
        snprintf(series, sizeof series, "%d %d", model->series_positive, model->series_minimum);
    const char *const fields[FIELDS] = {
        [FIELD_NAME] = model->name,
        [FIELD_VERSION] = model->version,
        [FIELD_WEIGHTS] = model->weights_digest,
        [FIELD_PARAMETERS] = report->parameters[m],
        [FIELD_USE] = model->intended_use,
        [FIELD_KIND] =
            model->provenance == NN_SYNTHETIC ? "synthetic"
            : model->validated && model->temperature > 0.0 && fabs(model->temperature - 1.0) > 1e-9
                ? "calibrated"
                : "clinical",
        [FIELD_SERIES] = series,
        [FIELD_KERNELS] = nn_kernel_name(),
        [FIELD_BUILD] = report->build,
    };
    for (int f = 0; f < FIELDS; f++)
        if (dx_attrs_set_text(attrs, TAG_MODEL(m, f), "LT", fields[f]) != DX_OK)
            return false;
    return true;
}

void report_recall(const struct dx_attrs *attrs, int m, struct report_recalled *recalled)
{
    *recalled = (struct report_recalled){
        .name = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_NAME)),
        .version = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_VERSION)),
        .weights_digest = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_WEIGHTS)),
        .parameters = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_PARAMETERS)),
        .kernels = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_KERNELS)),
        .build = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_BUILD)),
    };
}

static void read_class(const struct dx_attrs *attrs, int m, int i, struct srt_class *class_)
{
    char *end;
    const char *text = dx_attrs_text(attrs, TAG_CLASS(m, i));
    class_->operating_point = strtod(text, &end);
    class_->finding = strtol(end, &end, 10) != 0;
    class_->name = *end == ' ' ? end + 1 : "unnamed";
}

static struct srt_model read_model(const struct dx_attrs *attrs, int m)
{
    const char *kind = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_KIND));
    return (struct srt_model){.name = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_NAME)),
                              .version = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_VERSION)),
                              .weights_digest = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_WEIGHTS)),
                              .parameters = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_PARAMETERS)),
                              .intended_use = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_USE)),
                              .synthetic = strcmp(kind, "synthetic") == 0,
                              .calibrated = strcmp(kind, "calibrated") == 0};
}

bool report_series_rule(const struct dx_attrs *attrs, int m, struct report_rule *rule)
{
    const char *text = dx_attrs_text(attrs, TAG_MODEL(m, FIELD_SERIES));
    char *end;
    rule->positive = (size_t)strtoul(text, &end, 10);
    rule->minimum = (size_t)strtoul(end, &end, 10);
    return rule->positive > 0;
}

/* What a model says of one image; true when it finds something. */
static bool read_opinion(struct srt_opinion *to, const struct opinion *from,
                         const struct dx_attrs *attrs, int m)
{
    bool finds = false;
    to->classes = (size_t)from->classes;
    for (int i = 0; i < from->classes; i++) {
        struct srt_class *class_ = &to->class_[i];
        read_class(attrs, m, i, class_);
        class_->score = from->score[i];
        finds |= class_->finding && class_->score >= class_->operating_point;
    }
    return finds;
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

    int judged = 0, finds = 0;
    for (int m = 0; m < SRT_MAX_MODELS; m++) {
        finds += read_opinion(&image->opinion[m], &judgement->opinion[m], attrs, m);
        judged += judgement->opinion[m].classes > 0;
    }
    image->outcome = finds == 0 ? SRT_NO_FINDING : finds == judged ? SRT_FINDING : SRT_UNDETERMINED;
    image->coverage = judgement->coverage;
    if (finds > 0 && judgement->region_points > 0) {
        image->region = judgement->region;
        image->region_points = judgement->region_points;
    }
}

/* The study's conclusion, the first of these that holds (docs/architecture.md):
 *
 *   an image has a finding                          FINDING
 *   the models disagree about an image              UNDETERMINED
 *   two images with one UID differ, nothing judged  NOT_PROCESSED
 *   no adequate lateral shows C7-T1, where asked    INCOMPLETE
 *   otherwise                                       NO_FINDING */
static enum srt_outcome outcome_of(const struct srt_image *images, size_t count, bool whole_spine)
{
    bool judged = false, conflict = false, open = false, whole = false;
    for (size_t i = 0; i < count; i++) {
        if (images[i].outcome == SRT_FINDING)
            return SRT_FINDING;
        open |= images[i].outcome == SRT_UNDETERMINED;
        judged |= images[i].outcome == SRT_NO_FINDING;
        conflict |= images[i].reason == SRT_CONFLICT;
        whole |= images[i].outcome == SRT_NO_FINDING && images[i].coverage == SRT_COVERAGE_FULL;
    }
    if (open)
        return SRT_UNDETERMINED;
    if (!judged || conflict)
        return SRT_NOT_PROCESSED;
    return whole || !whole_spine ? SRT_NO_FINDING : SRT_INCOMPLETE;
}

void report_result(const struct report *report, const struct srt_image *images,
                   const struct dx_attrs *const *attrs, size_t count, struct srt_result *result)
{
    *result = (struct srt_result){
        .outcome = outcome_of(images, count, report->conf->require_c7_t1),
        .images = images,
        .image_count = count,
        .device_uid = report->device_uid,
        .manufacturer = report->conf->manufacturer,
        .model_name = RULES_MODEL_NAME,
        .serial = report->serial,
        .station_ae = report->conf->ae_title,
        .software_version = report->software,
        .model_count = (size_t)report->models,
        .mode = conf_mode_name(node_mode(report->conf)),
    };
    for (int m = 0; m < report->models; m++) {
        const struct nn_model_info *model = report->model[m];
        result->models[m] = (struct srt_model){.name = model->name,
                                               .version = model->version,
                                               .weights_digest = model->weights_digest,
                                               .parameters = report->parameters[m],
                                               .intended_use = model->intended_use,
                                               .synthetic = model->provenance == NN_SYNTHETIC};
        for (size_t i = 0; i < count; i++)
            if (images[i].opinion[m].classes > 0)
                result->models[m] = read_model(attrs[i], m);
    }
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

static bool identifies(uint32_t tag)
{
    return tag >> 16 == 0x0010 || tag == DX_TAG(0x0008, 0x0050) || tag == DX_TAG(0x0020, 0x0010);
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
        if (!identifies(tag) || length == 0)
            continue;
        dx_sha256_add(sha, &tag, sizeof tag);
        dx_sha256_add(sha, &length, sizeof length);
        dx_sha256_add(sha, value, length);
    }
    dx_sha256_take(sha, digest);
}
