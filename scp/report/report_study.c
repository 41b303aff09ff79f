/* The study's report:
 *
 *   gather -> srt_result -> srt_fill -> dx_sr_write, once for each kind of SR that a destination
 * may take -> checked and published -> store_add_report (one transaction: report, pictures,
 *          deliveries, and what becomes of the report before)
 *
 * A crash before the transaction makes the same files again: UID, dates and words depend on nothing
 * but what is journalled.
 *
 * The report before is amended (Predecessor Documents Sequence). Where patient, accession or study
 * ID changed it is taken back besides: it stands in the wrong record. */
#include "log.h"
#include "report_class.h"
#include "report_gather.h"
#include "sender.h"
#include "store_health.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PICTURES_MOST 4 /* objects made of one image, or of a series */
#define SR_KINDS      3

static const struct {
    enum result_kind kind;
    enum dx_sr_class sop_class;
} kinds[SR_KINDS] = {
    {RESULT_SR, DX_COMPREHENSIVE_3D_SR},
    {RESULT_SR_COMPREHENSIVE, DX_COMPREHENSIVE_SR},
    {RESULT_SR_ENHANCED, DX_ENHANCED_SR},
};

/* What is being made. */
struct making {
    struct gathered *g;
    int64_t begun_ms; /* UTC: the study is complete */
    struct srt_result words;
    struct report_standing standing;
    struct report_source source;
    struct srt_tree *tree;
    char patient[DX_DIGEST_MAX];
    uint8_t *packed; /* source.attrs */
    size_t packed_bytes;
    struct result before[SR_KINDS]; /* the last report's kinds */
    size_t before_count;
    struct result *results; /* reports first */
    size_t count;
    struct addressee to[CONF_MAX_PEERS];
    size_t to_count;
    struct store_sample samples[STORE_SAMPLES_MOST];
    size_t sample_count;
};

/* ---- to whom ---- */

static unsigned kinds_for(const struct conf_destination *to, unsigned outputs)
{
    static const enum result_kind report[] = {
        [CONF_SR_AUTO] = RESULT_SR, /* or what the peer takes instead: deliver.c */
        [CONF_SR_3D] = RESULT_SR,
        [CONF_SR_COMPREHENSIVE] = RESULT_SR_COMPREHENSIVE,
        [CONF_SR_ENHANCED] = RESULT_SR_ENHANCED,
    };
    return ((outputs & CONF_SR) != 0 ? 1u << report[to->report_class] : 0u) |
           ((outputs & CONF_SC) != 0 ? 1u << RESULT_SC : 0u) |
           ((outputs & CONF_GSPS) != 0 ? 1u << RESULT_GSPS : 0u) |
           ((outputs & CONF_PMAP) != 0 ? 1u << RESULT_MAP : 0u);
}

/* What the rules of its images give it, and what it has of the study already: that is amended. */
static bool route(struct making *m, const struct conf_destination *to, unsigned *wanted)
{
    static const unsigned reports =
        1u << RESULT_SR | 1u << RESULT_SR_COMPREHENSIVE | 1u << RESULT_SR_ENHANCED;
    unsigned outputs = 0, had = 0;
    if (store_route(m->g->store, m->g->study->uid, to->peer->name, &outputs, &had) != STORE_OK)
        return gather_fail(m->g, "job store", store_error(m->g->store));
    if ((had & reports) != 0)
        had |= reports;
    *wanted = kinds_for(to, to->outputs & outputs) | (kinds_for(to, to->outputs) & had);
    return true;
}

/* A report that is entered without a destination stays on the node for ever: a mode that cannot be
 * read now must not be taken for one that forbids sending. */
static bool address(struct making *m)
{
    const struct conf *conf = m->g->report->conf;
    enum conf_mode mode;
    if (!node_mode_read(conf, &mode))
        return gather_fail(m->g, "mode", strerror(errno));
    for (size_t i = 0; i < conf->destination_count && m->to_count < CONF_MAX_PEERS; i++) {
        const struct conf_destination *to = &conf->destinations[i];
        unsigned wanted = 0;
        if (!sender_allowed(mode, to))
            continue;
        if (!route(m, to, &wanted))
            return false;
        if (wanted != 0)
            m->to[m->to_count++] =
                (struct addressee){.name = to->peer->name,
                                   .kinds = wanted,
                                   .held = to->hold_until_reported && !m->g->study->read};
    }
    return true;
}

/* Whether a destination may take the report in this kind. 3D SR is made always: it is the report.
 */
static bool is_needed(const struct conf *conf, enum result_kind kind)
{
    if (kind == RESULT_SR)
        return true;
    for (size_t i = 0; i < conf->destination_count; i++) {
        const struct conf_destination *to = &conf->destinations[i];
        if ((to->outputs & CONF_SR) != 0 &&
            (to->report_class == CONF_SR_AUTO || (kinds_for(to, to->outputs) & 1u << kind) != 0))
            return true;
    }
    return false;
}

/* ---- identity ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool identify(const struct making *m, enum result_kind kind,
                     const struct report_shown *shown, char uid[DX_UID_MAX])
{
    const struct gathered *g = m->g;
    char more[384];
    const char **digests = calloc(g->count, sizeof *digests);
    if (!digests)
        return false;
    for (size_t i = 0; i < g->count; i++)
        digests[i] = g->parts[i].instance.digest;
    qsort(digests, g->count, sizeof *digests, by_text);
    snprintf(more, sizeof more, "%s %d %s %s", g->study->uid, g->study->version, g->last.uid,
             m->words.mode);
    size_t used = strlen(more);
    if (!shown->is_plain)
        snprintf(more + used, sizeof more - used, " %d %d %s", shown->series_number,
                 shown->instance_number, shown->what);
    const struct report_identity identity = {.kind = result_kind_name(kind),
                                             .words = &m->words,
                                             .demographics = m->patient,
                                             .more = more,
                                             .input = digests,
                                             .inputs = g->count};
    bool done = report_uid(g->report, &identity, uid);
    free(digests);
    return done;
}

/* ---- reports ---- */

static bool is_calibrated(const struct srt_result *words)
{
    for (size_t m = 0; m < words->model_count; m++)
        if (words->models[m].calibrated)
            return true;
    return false;
}

static const struct result *before_of(const struct making *m, enum result_kind kind)
{
    for (size_t i = 0; i < m->before_count; i++)
        if (m->before[i].kind == kind)
            return &m->before[i];
    return NULL;
}

/* The same as text for people, beside the object. A text that is missing is no reason to stop. */
static void write_text(const struct making *m, const char *uid)
{
    char path[4096];
    static char text[32768];
    node_path(m->g->report->conf, path, sizeof path, "results/%s.txt", uid);
    srt_text(m->g->report->template_, &m->words, text, sizeof text);
    FILE *file = fopen(path, "we");
    if (!file)
        return;
    (void)!fputs(text, file);
    (void)fclose(file);
}

/* The report in one of its forms. */
struct form {
    struct making *m;
    size_t which;
    char uid[DX_UID_MAX], series[DX_UID_MAX];
    struct report_shown shown;
    struct report_heading heading;
    struct report_paths paths;
    struct srt_scheme scheme;
    struct dx_reference predecessor;
    struct dx_sr sr;
    struct dx_error why;
    struct report_looked looked;
    struct report_written file;
};

/* UID, series and header. */
static bool begin_form(struct making *m, size_t which, struct form *f)
{
    struct gathered *g = m->g;
    const struct result *before = before_of(m, kinds[which].kind);
    *f = (struct form){.m = m, .which = which};
    report_show(g->report->conf, &m->standing, report_class_series(kinds[which].kind),
                g->study->version + 1, &f->shown);
    if (!identify(m, kinds[which].kind, &f->shown, f->uid) ||
        !report_series_uid(g->report, kinds[which].kind, g->study->uid, m->source.attrs,
                           f->series) ||
        !report_shown_series(&f->shown, f->series))
        return gather_fail(g, "report", "out of memory");
    srt_template_scheme(g->report->template_, &f->scheme);
    f->sr = (struct dx_sr){.sop_class = kinds[which].sop_class,
                           .root = srt_tree_root(m->tree),
                           .predecessor = before ? before->uid : NULL,
                           .predecessor_series = before ? before->series : NULL,
                           .scheme = f->scheme.designator,
                           .scheme_name = f->scheme.name,
                           .scheme_organization = f->scheme.organization};
    report_header(g->report, &f->heading, gathered_computed_ms(g), f->shown.series_number,
                  f->shown.what, &f->sr.header);
    f->sr.header.source = m->source.attrs;
    f->sr.header.sop_instance = f->uid;
    f->sr.header.series = f->series;
    f->sr.header.instance_number = f->shown.instance_number;
    f->sr.header.references = g->references;
    f->sr.header.reference_count = g->reference_count;
    report_paths(g->report->conf, f->uid, &f->paths);
    if (before) {
        memcpy(f->predecessor.sop_class, before->sop_class, sizeof f->predecessor.sop_class);
        memcpy(f->predecessor.sop_instance, before->uid, sizeof f->predecessor.sop_instance);
        memcpy(f->predecessor.series, before->series, sizeof f->predecessor.series);
    }
    f->file = (struct report_written){.header = &f->sr.header,
                                      .sop_class = report_class_uid(kinds[which].kind, false),
                                      .predecessor = before ? &f->predecessor : NULL,
                                      .synthetic = srt_is_synthetic(&m->words),
                                      .calibrated = is_calibrated(&m->words),
                                      .why = &f->why,
                                      .looked = &f->looked};
    return true;
}

static void write_form(void *context, int i, int thread)
{
    struct form *f = (struct form *)context + i;
    (void)thread;
    f->file.status = dx_sr_write(&f->sr, f->paths.aside, &f->why);
    if (f->file.status == DX_OK)
        report_look(f->m->g->report, &f->file, &f->looked);
}

static bool enter_form(struct form *f)
{
    struct making *m = f->m;
    struct result *result = &m->results[m->count];
    *result = (struct result){.kind = kinds[f->which].kind,
                              .outcome = m->words.outcome,
                              .created_ms = gathered_computed_ms(m->g),
                              .attrs = m->packed,
                              .attrs_bytes = m->packed_bytes};
    if (!report_enter(m->g->report, &f->file, result, m->g->error, m->g->error_size))
        return false;
    snprintf(result->study, sizeof result->study, "%s", m->g->study->uid);
    memcpy(result->patient, m->patient, sizeof result->patient);
    if (f->which == 0)
        write_text(m, f->uid);
    m->count++;
    return true;
}

static bool write_reports(struct making *m)
{
    struct gathered *g = m->g;
    struct srt_error why = {0};
    struct form forms[SR_KINDS];
    int count = 0, entered = 0;
    report_result(g->report, g->images, g->attrs, g->image_count, &m->words);
    m->words.amends = g->last.id != 0 ? g->last.uid : NULL;
    m->words.amendment = g->replaced_count > 0 ? SRT_CORRECTED : g->study->amendment;
    m->words.ascii = m->source.ascii;
    if (srt_fill(g->report->template_, &m->words, &m->tree, &why) != SRT_OK)
        return gather_fail(g, "report template", why.text);
    bool done = true;
    if (!report_stand(g->report->conf, g->store, g->study->uid, m->words.outcome, &m->standing))
        return gather_fail(g, "job store", store_error(g->store));
    for (size_t i = 0; i < SR_KINDS && done; i++)
        if (is_needed(g->report->conf, kinds[i].kind))
            done = begin_form(m, i, &forms[count++]);
    if (done)
        nn_pool_run(g->report->pool, count, write_form, forms);
    while (done && entered < count)
        done = enter_form(&forms[entered++]);
    return done;
}

/* ---- what was made of the images ---- */

static bool describe(struct making *m, size_t i, enum result_kind kind, const char *uid)
{
    struct gathered *g = m->g;
    struct report_paths paths;
    struct dx_error err = {0};
    struct part *part = &g->parts[i];
    bool known = false; /* an earlier report entered it */
    if (!uid[0])
        return true;
    if (store_is_result(g->store, uid, &known) != STORE_OK)
        return gather_fail(g, "job store", store_error(g->store));
    if (known)
        return true;
    struct result *result = &m->results[m->count++];
    *result = (struct result){.kind = kind,
                              .outcome = part->outcome,
                              .created_ms = part->judgement.first_computed_ms,
                              .instance = part->instance.id,
                              .attrs = part->bytes,
                              .attrs_bytes = part->judgement.attrs_bytes};
    snprintf(result->uid, sizeof result->uid, "%s", uid);
    snprintf(result->sop_class, sizeof result->sop_class, "%s", report_class_uid(kind, false));
    snprintf(result->study, sizeof result->study, "%s", g->study->uid);
    memcpy(result->patient, part->judgement.patient_digest, sizeof result->patient);
    report_paths(g->report->conf, uid, &paths);
    snprintf(result->path, sizeof result->path, "%s", paths.name);
    report_recall_parking(g->report, uid, result);
    if (!report_series_uid(g->report, kind, g->study->uid, part->attrs, result->series))
        return gather_fail(g, "report", "out of memory");
    result->bytes = report_bytes(paths.whole);
    if (report_digest(g->report, uid, result->digest, &err) != DX_OK)
        return gather_fail(g, "picture", err.text);
    return true;
}

static bool describe_all(struct making *m)
{
    for (size_t i = 0; i < m->g->count; i++) {
        const struct judgement *j = &m->g->parts[i].judgement;
        if (!describe(m, i, RESULT_SC, j->picture) || !describe(m, i, RESULT_GSPS, j->gsps) ||
            !describe(m, i, RESULT_MAP, j->map))
            return false;
    }
    return true;
}

/* A picture of many frames for each series with a finding. */
static bool draw_series(struct making *m)
{
    struct gathered *g = m->g;
    for (size_t i = 0; i < g->image_count; i++) {
        struct result result;
        bool known = false, drawn = false;
        if (!g->images[i].slices || g->images[i].outcome != SRT_FINDING)
            continue;
        if (!report_frames(g, &m->words, &g->images[i], &m->source, &result, &drawn))
            return false;
        if (drawn && store_is_result(g->store, result.uid, &known) != STORE_OK)
            return gather_fail(g, "job store", store_error(g->store));
        if (!drawn || known)
            continue;
        result.attrs = m->packed;
        result.attrs_bytes = m->packed_bytes;
        memcpy(result.patient, m->patient, sizeof result.patient);
        m->results[m->count++] = result;
    }
    return true;
}

/* ---- for the watch over drift ---- */

/* A model's digest, of an image that it judged; NULL: none. */
static const char *digest_of(const struct gathered *g, int m)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->parts[i].judgement.opinion[m].classes > 0)
            return g->parts[i].judgement.opinion[m].model_digest;
    return NULL;
}

/* The study as model m sees it: its highest score of a finding, and whether it finds one. */
static void sample_model(struct making *m, int model, const char *digest)
{
    struct store_sample *sample = &m->samples[m->sample_count++];
    *sample = (struct store_sample){.at_ms = clock_utc_ms()};
    snprintf(sample->series, sizeof sample->series, "%s", digest);
    for (size_t i = 0; i < m->g->image_count; i++) {
        const struct srt_opinion *opinion = &m->g->images[i].opinion[model];
        for (size_t c = 0; c < opinion->classes; c++) {
            const struct srt_class *class_ = &opinion->class_[c];
            if (class_->finding && class_->score > sample->score)
                sample->score = class_->score;
            sample->hit |= class_->finding && class_->score >= class_->operating_point;
        }
    }
}

static void take_samples(struct making *m)
{
    m->samples[m->sample_count++] =
        (struct store_sample){.series = STORE_SERIES_STUDY,
                              .at_ms = clock_utc_ms(),
                              .hit = m->words.outcome == SRT_NOT_PROCESSED};
    for (int model = 0; model < SRT_MAX_MODELS; model++) {
        const char *digest = digest_of(m->g, model);
        if (digest)
            sample_model(m, model, digest);
    }
}

/* ---- all of it ---- */

static bool prepare(struct making *m)
{
    struct gathered *g = m->g;
    report_patient_digest(g->source->attrs, m->patient);
    m->results = calloc(SR_KINDS + PICTURES_MOST * g->count, sizeof *m->results);
    if (!m->results || !report_source(g->source->attrs, &m->source, g->error, g->error_size) ||
        dx_attrs_pack(m->source.attrs, &m->packed, &m->packed_bytes) != DX_OK)
        return gather_fail(g, "report", "out of memory");
    if (g->last.id != 0 &&
        store_report_kinds(g->store, g->last.report, m->before, &m->before_count) != STORE_OK)
        return gather_fail(g, "job store", store_error(g->store));
    return true;
}

static bool enter(struct making *m)
{
    struct gathered *g = m->g;
    bool elsewhere =
        g->last.id != 0 && g->last.patient[0] && strcmp(g->last.patient, m->patient) != 0;
    const struct store_report report = {.study = g->study->uid,
                                        .results = m->results,
                                        .count = m->count,
                                        .instances = g->ids,
                                        .instance_count = g->id_count,
                                        .replaced = g->replaced,
                                        .replaced_count = g->replaced_count,
                                        .last = g->last.report,
                                        .take_back = elsewhere ? STORE_REPLACED : NULL,
                                        .to = m->to,
                                        .to_count = m->to_count,
                                        .samples = m->samples,
                                        .sample_count = m->sample_count,
                                        .complete_ms = m->begun_ms,
                                        .now_ms = clock_utc_ms()};
    return store_add_report(g->store, &report) == STORE_OK ||
           gather_fail(g, "job store", store_error(g->store));
}

enum report_end report_study(const struct report *report, struct store *store,
                             const struct study *study, enum srt_outcome *outcome,
                             char uid[DX_UID_MAX], char *error, size_t error_size)
{
    enum report_end end = REPORT_LATER;
    struct gathered g = {
        .report = report, .store = store, .study = study, .error = error, .error_size = error_size};
    struct making m = {.g = &g, .begun_ms = clock_utc_ms()};
    if (!gather(&g))
        goto out;
    if (!address(&m))
        goto out;
    crash_point("report-due");
    if (!prepare(&m) || !write_reports(&m) || !describe_all(&m) || !draw_series(&m))
        goto out;
    take_samples(&m);
    crash_point("report-after-files");
    if (!enter(&m))
        goto out;
    crash_point("report-after-commit");
    *outcome = m.results[0].outcome;
    snprintf(uid, DX_UID_MAX, "%s", m.results[0].uid);
    end = REPORT_DONE;

out:
    srt_tree_destroy(m.tree);
    report_source_finish(&m.source);
    free(m.packed);
    free(m.results);
    gathered_finish(&g);
    return end;
}
