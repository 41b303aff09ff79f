/* The study's report: all its judged images, gathered from the job store.
 *
 *   gather -> drop what a correction replaced, and other patients' images -> srt_result -> srt_fill
 *          -> dx_sr_write -> publish -> store_add_report (one transaction: report, pictures,
 *          deliveries)
 *
 * A Study Instance UID that images of two patients share is a mistake of the sender, and no report
 * may name one patient for the other's image: each patient has a report, one a call; the study
 * stays due until all are made.
 *
 * A crash before the transaction makes the same file again: UID, dates and words depend on nothing
 * but what is journalled. */
#include "log.h"
#include "report_file.h"
#include "sender.h"
#include "spool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAG_PATIENT_NAME DX_TAG(0x0010, 0x0010)
#define TAG_PATIENT_ID   DX_TAG(0x0010, 0x0020)
#define TAG_BIRTH_DATE   DX_TAG(0x0010, 0x0030)

struct part {
    struct instance instance;
    struct judgement judgement;
    uint8_t *bytes;
    struct dx_attrs *attrs;
    const struct dx_attrs *patient; /* its own, or those of the object that corrects it */
    bool superseded;
    char tracking[DX_UID_MAX];
};

struct gathered {
    const struct report *report;
    struct store *store;
    const struct study *study;
    int64_t *ids;
    size_t id_count;
    bool *belongs;      /* (id_count) to the patient of this report */
    struct part *parts; /* (count) in order of receipt, superseded ones left out */
    struct srt_image *images;
    struct dx_reference *references;
    size_t count, reference_count;
    const struct part *source; /* whose Patient and Study modules are copied */
    struct result last;        /* the report that this one amends; its uid is "" when none */
    char *error;
    size_t error_size;
};

static bool fail(struct gathered *g, const char *what, const char *why)
{
    snprintf(g->error, g->error_size, "%s: %s", what, why);
    return false;
}

static void part_finish(struct part *part)
{
    free(part->bytes);
    dx_attrs_destroy(part->attrs);
    part->bytes = NULL;
    part->attrs = NULL;
}

static void gathered_finish(struct gathered *g)
{
    for (size_t i = 0; i < g->count; i++)
        part_finish(&g->parts[i]);
    free(g->parts);
    free(g->images);
    free(g->references);
    free(g->ids);
    free(g->belongs);
}

static bool load_part(struct gathered *g, int64_t id, struct part *part)
{
    struct dx_error err = {0};
    memset(part, 0, sizeof *part);
    if (store_get_instance(g->store, id, &part->instance) != STORE_OK ||
        store_get_judgement(g->store, id, &part->judgement, &part->bytes) != STORE_OK)
        return fail(g, "job store", store_error(g->store));
    if (part->judgement.attrs_bytes > 0 &&
        dx_attrs_unpack(part->bytes, part->judgement.attrs_bytes, &part->attrs, &err) != DX_OK)
        return fail(g, "journalled attributes", err.text);
    if (!part->attrs)
        part->attrs = dx_attrs_create();
    if (!part->attrs || !report_tracking_uid(&part->instance, part->tracking))
        return fail(g, "report", "out of memory");
    return true;
}

/* A later object of the same SOP Instance UID that is no conflict corrects the earlier one. */
static void find_superseded(struct gathered *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct part *part = &g->parts[i];
        part->patient = part->attrs;
        for (size_t j = i + 1; j < g->count; j++) {
            const struct part *later = &g->parts[j];
            if (later->judgement.reason == SRT_CONFLICT ||
                strcmp(part->instance.sop_instance, later->instance.sop_instance) != 0)
                continue;
            part->superseded = true;
            part->patient = later->attrs;
        }
    }
}

static bool differ(const struct dx_attrs *a, const struct dx_attrs *b, uint32_t tag)
{
    const char *one = dx_attrs_text(a, tag), *other = dx_attrs_text(b, tag);
    return one[0] && other[0] && strcmp(one, other) != 0;
}

/* By Patient ID. A name may be spelled anew, and a date be mended, under the same one; where both
 * differ the ID was not meant for a person ("UNKNOWN"). Without any ID, name and date decide. */
static bool same_patient(const struct dx_attrs *a, const struct dx_attrs *b)
{
    const char *id = dx_attrs_text(a, TAG_PATIENT_ID);
    bool name = differ(a, b, TAG_PATIENT_NAME), born = differ(a, b, TAG_BIRTH_DATE);
    if (strcmp(id, dx_attrs_text(b, TAG_PATIENT_ID)) != 0)
        return false;
    return id[0] ? !(name && born) : !(name || born);
}

/* Keeps what belongs in the next report: the images of the first patient who has one that no report
 * holds, as far as nothing replaced them. The ids of replaced ones stay: they are answered, too. */
static void keep_one_patient(struct gathered *g)
{
    size_t kept = 0, ids = 0, first = 0;
    while (first + 1 < g->count && g->parts[first].instance.reported != 0)
        first++;
    const struct dx_attrs *patient = g->parts[first].patient;

    bool *belongs = g->belongs;
    for (size_t i = 0; i < g->count; i++)
        belongs[i] = same_patient(g->parts[i].patient, patient);
    for (size_t i = 0; i < g->count; i++) {
        if (belongs[i])
            g->ids[ids++] = g->ids[i];
        if (belongs[i] && g->parts[i].instance.reported > g->last.id)
            g->last.id = g->parts[i].instance.reported;
        if (!belongs[i] || g->parts[i].superseded)
            part_finish(&g->parts[i]);
        else if (kept++ != i)
            g->parts[kept - 1] = g->parts[i];
    }
    if (ids < g->id_count)
        log_event(LOG_AT_ERROR, "study-of-several-patients", "study=%s images=%zu others=%zu",
                  g->study->uid, ids, g->id_count - ids);
    g->count = kept;
    g->id_count = ids;
}

static bool find_last(struct gathered *g)
{
    if (g->last.id == 0 || store_get_result(g->store, g->last.id, &g->last) == STORE_OK)
        return true;
    return fail(g, "job store", store_error(g->store));
}

/* The first image speaks for patient and study, unless a later one corrected it. */
static void choose_source(struct gathered *g)
{
    g->source = &g->parts[0];
    for (size_t i = 1; i < g->count; i++) {
        const struct part *part = &g->parts[i];
        bool corrects = part->instance.rival && part->judgement.reason != SRT_CONFLICT;
        bool nameless = !dx_attrs_text(g->source->attrs, TAG_PATIENT_NAME)[0]; /* not parsed */
        if (corrects || (nameless && dx_attrs_text(part->attrs, TAG_PATIENT_NAME)[0]))
            g->source = part;
    }
}

static void add_reference(struct gathered *g, const struct dx_reference *reference)
{
    for (size_t i = 0; i < g->reference_count; i++)
        if (strcmp(g->references[i].sop_instance, reference->sop_instance) == 0)
            return;
    g->references[g->reference_count++] = *reference;
}

static bool gather(struct gathered *g)
{
    if (store_study_instances(g->store, g->study->uid, &g->ids, &g->id_count) != STORE_OK)
        return fail(g, "job store", store_error(g->store));
    if (g->id_count == 0)
        return fail(g, "report", "the study has no judged image");
    g->parts = calloc(g->id_count, sizeof *g->parts);
    g->images = calloc(g->id_count, sizeof *g->images);
    g->references = calloc(g->id_count, sizeof *g->references);
    g->belongs = calloc(g->id_count, sizeof *g->belongs);
    if (!g->parts || !g->images || !g->references || !g->belongs)
        return fail(g, "report", "out of memory");
    for (size_t i = 0; i < g->id_count; i++) {
        g->count = i + 1;
        if (!load_part(g, g->ids[i], &g->parts[i]))
            return false;
    }

    find_superseded(g);
    keep_one_patient(g);
    if (!find_last(g))
        return false;
    choose_source(g);
    for (size_t i = 0; i < g->count; i++) {
        struct part *part = &g->parts[i];
        report_image(&g->images[i], &part->instance, &part->judgement, part->attrs);
        g->images[i].tracking_uid = part->tracking;
        add_reference(g, &g->images[i].reference);
    }
    return true;
}

/* ---- identity ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool identify(const struct gathered *g, const struct srt_result *result,
                     char uid[DX_UID_MAX])
{
    char more[256], patient[DX_DIGEST_MAX];
    const char **digests = calloc(g->count, sizeof *digests);
    if (!digests)
        return false;
    for (size_t i = 0; i < g->count; i++)
        digests[i] = g->parts[i].instance.digest;
    qsort(digests, g->count, sizeof *digests, by_text);
    report_patient_digest(g->source->attrs, patient);
    snprintf(more, sizeof more, "%s %s %s", g->study->uid, g->last.uid, result->mode);
    const struct report_identity identity = {
        .kind = "SR", .demographics = patient, .more = more, .input = digests, .inputs = g->count};
    bool done = report_uid(g->report, &identity, uid);
    free(digests);
    return done;
}

/* ---- the file ---- */

static int64_t computed_ms(const struct gathered *g)
{
    int64_t last = 0;
    for (size_t i = 0; i < g->count; i++)
        if (g->parts[i].judgement.first_computed_ms > last)
            last = g->parts[i].judgement.first_computed_ms;
    return last;
}

static bool write_report(struct gathered *g, const struct srt_result *content,
                         struct result *result)
{
    struct srt_tree *tree = NULL;
    struct srt_error why = {0};
    struct dx_error err = {0};
    struct report_heading heading;
    struct report_paths paths;
    bool amends = g->last.uid[0] != 0;
    struct srt_scheme scheme;
    srt_template_scheme(g->report->template_, &scheme);
    if (srt_fill(g->report->template_, content, &tree, &why) != SRT_OK)
        return fail(g, "report template", why.text);

    struct dx_sr sr = {.sop_class = DX_COMPREHENSIVE_3D_SR,
                       .root = srt_tree_root(tree),
                       .predecessor = amends ? g->last.uid : NULL,
                       .predecessor_series = amends ? g->last.series : NULL,
                       .scheme = scheme.designator,
                       .scheme_name = scheme.name,
                       .scheme_organization = scheme.organization};
    report_header(g->report, &heading, result->created_ms, REPORT_SERIES_SR, &sr.header);
    sr.header.source = g->source->attrs;
    sr.header.sop_instance = result->uid;
    sr.header.series = result->series;
    sr.header.instance_number = g->study->version + 1;
    sr.header.references = g->references;
    sr.header.reference_count = g->reference_count;

    report_paths(g->report->conf, result->uid, &paths);
    enum dx_status status = dx_sr_write(&sr, paths.aside, &err);
    srt_tree_destroy(tree);
    if (status != DX_OK) {
        unlink(paths.aside);
        report_prepare(g->report->conf);
        return fail(g, "report", err.text);
    }
    int failed = report_publish(&paths);
    if (failed != 0)
        return fail(g, "report", strerror(failed));
    snprintf(result->path, sizeof result->path, "%s", paths.name);
    if (dx_digest_file(paths.whole, 0, result->digest, &err) != DX_OK)
        return fail(g, "report", err.text);
    return true;
}

static bool describe_picture(struct gathered *g, size_t i, struct result *result)
{
    struct report_paths paths;
    struct dx_error err = {0};
    const struct part *part = &g->parts[i];
    *result = (struct result){.kind = RESULT_SC,
                              .outcome = g->images[i].outcome,
                              .created_ms = part->judgement.first_computed_ms};
    snprintf(result->uid, sizeof result->uid, "%s", part->judgement.picture);
    snprintf(result->sop_class, sizeof result->sop_class, "1.2.840.10008.5.1.4.1.1.7");
    snprintf(result->study, sizeof result->study, "%s", g->study->uid);
    report_paths(g->report->conf, result->uid, &paths);
    snprintf(result->path, sizeof result->path, "%s", paths.name);
    if (!report_series_uid(g->report, "SC", g->study->uid, part->attrs, result->series))
        return fail(g, "report", "out of memory");
    if (dx_digest_file(paths.whole, 0, result->digest, &err) != DX_OK)
        return fail(g, "picture", err.text);
    return true;
}

static bool enter(struct gathered *g, const struct result *results, size_t count,
                  enum conf_mode mode)
{
    const char *names[CONF_MAX_PEERS];
    bool sr[CONF_MAX_PEERS], sc[CONF_MAX_PEERS];
    size_t destinations = 0;
    const struct conf *conf = g->report->conf;
    for (size_t i = 0; i < conf->destination_count && destinations < CONF_MAX_PEERS; i++) {
        if (!sender_allowed(mode, &conf->destinations[i]))
            continue;
        names[destinations] = conf->destinations[i].peer->name;
        sr[destinations] = (conf->destinations[i].outputs & CONF_SR) != 0;
        sc[destinations++] = (conf->destinations[i].outputs & CONF_SC) != 0;
    }
    if (store_add_report(g->store, g->study->uid, results, count, g->ids, g->id_count, names, sr,
                         sc, destinations) != STORE_OK)
        return fail(g, "job store", store_error(g->store));
    return true;
}

static bool make_results(struct gathered *g, struct result *results, size_t *count)
{
    struct srt_result content;
    report_result(g->report, g->images, g->count, &content);
    content.amends = g->last.uid[0] ? g->last.uid : NULL;

    struct result *report = &results[0];
    *report = (struct result){
        .kind = RESULT_SR, .outcome = content.outcome, .created_ms = computed_ms(g)};
    snprintf(report->sop_class, sizeof report->sop_class, "1.2.840.10008.5.1.4.1.1.88.34");
    snprintf(report->study, sizeof report->study, "%s", g->study->uid);
    if (!identify(g, &content, report->uid) ||
        !report_series_uid(g->report, "SR", g->study->uid, g->source->attrs, report->series))
        return fail(g, "report", "out of memory");
    if (!write_report(g, &content, report))
        return false;
    *count = 1;
    for (size_t i = 0; i < g->count; i++) {
        bool known = false; /* an earlier report entered it */
        const char *picture = g->parts[i].judgement.picture;
        if (!picture[0])
            continue;
        if (store_is_result(g->store, picture, &known) != STORE_OK)
            return fail(g, "job store", store_error(g->store));
        if (!known && !describe_picture(g, i, &results[(*count)++]))
            return false;
    }
    return true;
}

enum report_end report_study(const struct report *report, struct store *store,
                             const struct study *study, enum srt_outcome *outcome,
                             char uid[DX_UID_MAX], char *error, size_t error_size)
{
    enum report_end end = REPORT_LATER;
    struct result *results = NULL;
    size_t count = 0;
    enum conf_mode mode = node_mode(report->conf);
    struct gathered g = {
        .report = report, .store = store, .study = study, .error = error, .error_size = error_size};
    if (!gather(&g))
        goto out;
    results = calloc(g.count + 1, sizeof *results);
    if (!results) {
        fail(&g, "report", "out of memory");
        goto out;
    }
    if (!make_results(&g, results, &count))
        goto out;
    crash_point("report-after-files");
    if (!enter(&g, results, count, mode))
        goto out;
    crash_point("report-after-commit");
    *outcome = results[0].outcome;
    snprintf(uid, DX_UID_MAX, "%s", results[0].uid);
    end = REPORT_DONE;

out:
    gathered_finish(&g);
    free(results);
    return end;
}
