/* What is made of one judged image: the picture, the region as a presentation state on the
 * original, the map as numbers. */
#include "report_class.h"
#include "report_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct drawing {
    const struct report *report;
    const struct instance *instance;
    const struct report_drawn *drawn;
    const struct judgement *judgement;
    struct report_source source;
    struct srt_result words;
    struct dx_reference reference;
    char *error;
    size_t error_size;
};

/* UID, series and header of one object. */
static bool begin(struct drawing *d, enum result_kind kind, int series_number, const char *what,
                  struct report_heading *heading, struct dx_result_header *header,
                  struct result *result, char uid[DX_UID_MAX], char series[DX_UID_MAX])
{
    char more[DX_DIGEST_MAX + 32];
    const char *const input[] = {d->instance->digest};
    snprintf(more, sizeof more, "%s %d", d->judgement->pixel_digest, d->instance->revision);
    const struct report_identity identity = {.kind = result_kind_name(kind),
                                             .words = &d->words,
                                             .demographics = d->judgement->patient_digest,
                                             .more = more,
                                             .input = input,
                                             .inputs = 1};
    if (!report_uid(d->report, &identity, uid) ||
        !report_series_uid(d->report, kind, d->instance->study, d->source.attrs, series)) {
        snprintf(d->error, d->error_size, "out of memory");
        return false;
    }
    *result = (struct result){.kind = kind};
    report_header(d->report, heading, d->judgement->first_computed_ms, series_number, what, header);
    header->source = d->source.attrs;
    header->sop_instance = uid;
    header->series = series;
    header->instance_number = d->drawn->number;
    header->references = &d->reference;
    header->reference_count = 1;
    return true;
}

static bool end(struct drawing *d, const struct dx_result_header *header, const char *sop_class,
                enum dx_status written, const struct dx_error *why, const char *digest,
                struct result *result, char made[DX_UID_MAX])
{
    const struct report_written file = {.header = header,
                                        .sop_class = sop_class,
                                        .synthetic = result->kind == RESULT_SC &&
                                                     srt_is_synthetic(&d->words),
                                        .calibrated = true,
                                        .status = written,
                                        .why = why,
                                        .digest = digest};
    if (!report_enter(d->report, &file, result, d->error, d->error_size))
        return false;
    snprintf(made, DX_UID_MAX, "%s", result->uid);
    return true;
}

/* The file is read back on another thread while it is written: its digest is ready with it. */
struct writing {
    const struct dx_sc *sc;
    const char *path;
    enum dx_status written, read;
    bool whole;
    char digest[DX_DIGEST_MAX];
    struct dx_error why, why_not_read;
};

static void write_or_read(void *context, int i, int thread)
{
    struct writing *w = context;
    (void)thread;
    if (i == 0) {
        w->written = dx_sc_write(w->sc, w->path, &w->why);
        __atomic_store_n(&w->whole, true, __ATOMIC_RELEASE);
    } else {
        w->read = dx_digest_growing(w->path, &w->whole, w->digest, &w->why_not_read);
    }
}

static bool write_picture(struct drawing *d, char made[DX_UID_MAX])
{
    struct report_heading heading;
    struct report_paths paths;
    struct result result;
    char uid[DX_UID_MAX], series[DX_UID_MAX], description[512];
    snprintf(description, sizeof description,
             "Source image beside its saliency map (gradient of the class score). %s",
             srt_is_synthetic(&d->words) ? srt_research_line : "");
    struct dx_sc sc = {.rows = d->drawn->picture->rows,
                       .cols = d->drawn->picture->cols,
                       .rgb = d->drawn->picture->rgb,
                       .derivation_description = description,
                       .derivation = {"130404", "DCM", "Saliency"},
                       .was_lossy = d->drawn->was_lossy};
    if (!begin(d, RESULT_SC, REPORT_SERIES_SC, "picture", &heading, &sc.header, &result, uid,
               series))
        return false;
    sc.header.modality = d->report->conf->picture_modality;
    report_paths(d->report->conf, uid, &paths);
    struct writing w = {.sc = &sc, .path = paths.aside};
    (void)unlink(paths.aside); /* of an earlier attempt: nobody reads that */
    nn_pool_run(d->drawn->pool, 2, write_or_read, &w);
    return end(d, &sc.header, report_class_uid(RESULT_SC, false), w.written, &w.why,
               w.read == DX_OK ? w.digest : NULL, &result, made);
}

/* The class that the region stands for: the finding with the highest score of any model. */
static const char *found_class(const struct srt_image *image)
{
    const struct srt_class *best = NULL;
    for (int m = 0; m < SRT_MAX_MODELS; m++)
        for (size_t i = 0; i < image->opinion[m].classes; i++) {
            const struct srt_class *class_ = &image->opinion[m].class_[i];
            if (class_->finding && class_->score >= class_->operating_point &&
                (!best || class_->score > best->score))
                best = class_;
        }
    return best ? best->name : "";
}

static bool write_graphic(struct drawing *d, const struct srt_image *image, char made[DX_UID_MAX])
{
    struct report_heading heading;
    struct report_paths paths;
    struct result result;
    struct dx_error err = {0};
    char uid[DX_UID_MAX], series[DX_UID_MAX], text[128];
    snprintf(text, sizeof text, "%sAI, not for diagnosis: %s",
             srt_is_synthetic(&d->words) ? "RESEARCH - " : "", found_class(image));
    struct dx_gsps gsps = {.rows = d->drawn->rows,
                           .cols = d->drawn->cols,
                           .label = "AI_REGION",
                           .description = "AI - not for diagnosis: most salient region",
                           .creator = "cervigate",
                           .layer = "AI",
                           .text = text,
                           .points = d->judgement->region,
                           .point_count = d->judgement->region_points};
    if (!begin(d, RESULT_GSPS, REPORT_SERIES_GSPS, "region", &heading, &gsps.header, &result, uid,
               series))
        return false;
    report_paths(d->report->conf, uid, &paths);
    enum dx_status written = dx_gsps_write(&gsps, paths.aside, &err);
    return end(d, &gsps.header, report_class_uid(RESULT_GSPS, false), written, &err, NULL, &result,
               made);
}

static bool write_map(struct drawing *d, char made[DX_UID_MAX])
{
    struct report_heading heading;
    struct report_paths paths;
    struct result result;
    struct dx_error err = {0};
    const struct report_drawn *drawn = d->drawn;
    char uid[DX_UID_MAX], series[DX_UID_MAX];
    int across = drawn->box.x1 - drawn->box.x0, down = drawn->box.y1 - drawn->box.y0;
    bool whole = across <= 0 || down <= 0;
    struct dx_pmap map = {
        .rows = (uint32_t)drawn->side,
        .cols = (uint32_t)drawn->side,
        .values = drawn->map,
        .quantity = {"130404", "DCM", "Saliency"},
        .unit = {"1", "UCUM", "no units"},
        .explanation = "1: as strong as the model's findings usually are",
        .qualification = srt_is_synthetic(&d->words) ? "RESEARCH" : "PRODUCT",
        .label = "AI_SALIENCY",
        .description = "AI - not for diagnosis: saliency map",
        .creator = "cervigate",
        .mm_per_row = drawn->mm_per_pixel * (whole ? (double)drawn->rows : down) / drawn->side,
        .mm_per_col = drawn->mm_per_pixel * (whole ? (double)drawn->cols : across) / drawn->side,
        .derivation = {"130404", "DCM", "Saliency"}};
    if (!begin(d, RESULT_MAP, REPORT_SERIES_MAP, "saliency map", &heading, &map.header, &result,
               uid, series))
        return false;
    report_paths(d->report->conf, uid, &paths);
    enum dx_status written = dx_pmap_write(&map, paths.aside, &err);
    return end(d, &map.header, report_class_uid(RESULT_MAP, false), written, &err, NULL, &result,
               made);
}

static unsigned wanted(const struct conf *conf)
{
    unsigned outputs = 0;
    for (size_t i = 0; i < conf->destination_count; i++)
        outputs |= conf->destinations[i].outputs;
    return outputs;
}

bool report_drawn(const struct report *report, const struct instance *instance,
                  const struct dx_attrs *attrs, const struct report_drawn *drawn,
                  struct judgement *judgement, char *error, size_t error_size)
{
    struct srt_image image;
    struct drawing d = {.report = report,
                        .instance = instance,
                        .drawn = drawn,
                        .judgement = judgement,
                        .error = error,
                        .error_size = error_size};
    unsigned outputs = wanted(report->conf);
    if (!report_source(attrs, &d.source, error, error_size))
        return false;
    report_image(&image, instance, judgement, attrs);
    report_result(report, &image, &attrs, 1, &d.words);
    d.reference = image.reference;

    bool told = judgement->region_points > 0 && image.region != NULL;
    bool done = write_picture(&d, judgement->picture);
    if (done && told && (outputs & CONF_GSPS) != 0)
        done = write_graphic(&d, &image, judgement->gsps);
    if (done && drawn->map && (outputs & CONF_PMAP) != 0)
        done = write_map(&d, judgement->map);
    report_source_finish(&d.source);
    return done;
}
