/* What belongs in a study's next report.
 *
 *   load -> mark what a correction replaced -> keep one patient's images -> find the report that
 * this one amends -> whose patient and study data speak
 *
 * A Study Instance UID that images of two patients share is a mistake of the sender, and no report
 * may name one patient for the other's image: each patient has a report, one a call; the study
 * stays due until all are made. */
#include "report_gather.h"
#include "log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_PATIENT_NAME DX_TAG(0x0010, 0x0010)
#define TAG_PATIENT_ID   DX_TAG(0x0010, 0x0020)
#define TAG_ISSUER       DX_TAG(0x0010, 0x0021)
#define TAG_BIRTH_DATE   DX_TAG(0x0010, 0x0030)

bool gather_fail(struct gathered *g, const char *what, const char *why)
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

void gathered_finish(struct gathered *g)
{
    for (size_t i = 0; i < g->count; i++)
        part_finish(&g->parts[i]);
    free(g->parts);
    free(g->images);
    free(g->references);
    free(g->ids);
    free(g->belongs);
    free(g->replaced);
    free(g->slices);
    free(g->attrs);
}

static bool load_part(struct gathered *g, int64_t id, struct part *part)
{
    struct dx_error err = {0};
    memset(part, 0, sizeof *part);
    if (store_get_instance(g->store, id, &part->instance) != STORE_OK ||
        store_get_judgement(g->store, id, &part->judgement, &part->bytes) != STORE_OK)
        return gather_fail(g, "job store", store_error(g->store));
    if (part->judgement.attrs_bytes > 0 &&
        dx_attrs_unpack(part->bytes, part->judgement.attrs_bytes, &part->attrs, &err) != DX_OK)
        return gather_fail(g, "journalled attributes", err.text);
    if (!part->attrs)
        part->attrs = dx_attrs_create();
    if (!part->attrs || !report_tracking_uid(&part->instance, part->tracking))
        return gather_fail(g, "report", "out of memory");
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

/* By Patient ID and its issuer. A name may be spelled anew, and a date be mended, under the same
 * one; where both differ the ID was not meant for a person ("UNKNOWN"). Without any ID, name and
 * date decide. */
static bool same_patient(const struct dx_attrs *a, const struct dx_attrs *b)
{
    const char *id = dx_attrs_text(a, TAG_PATIENT_ID);
    bool name = differ(a, b, TAG_PATIENT_NAME), born = differ(a, b, TAG_BIRTH_DATE);
    if (strcmp(id, dx_attrs_text(b, TAG_PATIENT_ID)) != 0 || differ(a, b, TAG_ISSUER))
        return false;
    return id[0] ? !(name && born) : !(name || born);
}

/* Keeps what belongs in the next report: the images of the first patient who has one that no report
 * holds, as far as nothing replaced them. The ids of replaced ones stay: they are answered, too. */
static void keep_one_patient(struct gathered *g)
{
    size_t kept = 0, ids = 0, first = 0, all = g->count;
    while (first + 1 < all && g->parts[first].instance.reported != 0)
        first++;
    const struct dx_attrs *patient = g->parts[first].patient;
    bool *belongs = g->belongs;
    for (size_t i = 0; i < all; i++)
        belongs[i] = same_patient(g->parts[i].patient, patient);
    for (size_t i = 0; i < all; i++) {
        struct part *part = &g->parts[i];
        if (belongs[i])
            g->ids[ids++] = part->instance.id;
        if (belongs[i] && part->superseded)
            g->replaced[g->replaced_count++] = part->instance.id;
        if (!belongs[i] || part->superseded)
            part_finish(part);
        else if (kept++ != i)
            g->parts[kept - 1] = *part;
    }
    if (ids < all)
        log_event(LOG_AT_ERROR, "study-of-several-patients", "study=%s images=%zu others=%zu",
                  g->study->uid, ids, all - ids);
    g->count = kept;
    g->id_count = ids;
}

static bool find_last(struct gathered *g)
{
    enum store_status status = store_last_report(g->store, g->ids, g->id_count, &g->last);
    return status == STORE_OK || status == STORE_NONE ||
           gather_fail(g, "job store", store_error(g->store));
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

bool gather(struct gathered *g)
{
    if (store_study_instances(g->store, g->study->uid, &g->ids, &g->id_count) != STORE_OK)
        return gather_fail(g, "job store", store_error(g->store));
    if (g->id_count == 0)
        return gather_fail(g, "report", "the study has no judged image");
    g->parts = calloc(g->id_count, sizeof *g->parts);
    g->images = calloc(g->id_count, sizeof *g->images);
    g->references = calloc(g->id_count, sizeof *g->references);
    g->attrs = calloc(g->id_count, sizeof *g->attrs);
    g->replaced = calloc(g->id_count, sizeof *g->replaced);
    g->belongs = calloc(g->id_count, sizeof *g->belongs);
    if (!g->parts || !g->images || !g->references || !g->attrs || !g->replaced || !g->belongs)
        return gather_fail(g, "report", "out of memory");
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
        g->attrs[i] = part->attrs;
        part->outcome = g->images[i].outcome;
        add_reference(g, &g->images[i].reference);
    }
    return gather_series(g);
}

int64_t gathered_computed_ms(const struct gathered *g)
{
    int64_t last = 0;
    for (size_t i = 0; i < g->count; i++)
        if (g->parts[i].judgement.first_computed_ms > last)
            last = g->parts[i].judgement.first_computed_ms;
    return last;
}
