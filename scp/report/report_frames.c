/* Pictures of slices: drawn when a slice is judged, made one multi-frame object when its series is
 * told. A frame waits as plain bytes below results/, under the number of its slice. */
#include "report_class.h"
#include "report_gather.h"
#include "spool.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct frame_head {
    uint32_t rows, cols;
};

static void frame_path(const struct conf *conf, int64_t instance, char path[4096])
{
    node_path(conf, path, 4096, "results/frame-%lld.rgb", (long long)instance);
}

bool report_keep_frame(const struct report *report, const struct instance *instance,
                       const struct picture *picture, char *error, size_t error_size)
{
    char path[4096], aside[4112];
    const struct frame_head head = {picture->rows, picture->cols};
    size_t bytes = (size_t)picture->rows * picture->cols * 3;
    frame_path(report->conf, instance->id, path);
    snprintf(aside, sizeof aside, "%s.part", path);
    FILE *file = fopen(aside, "we");
    bool done = file && fwrite(&head, sizeof head, 1, file) == 1 &&
                fwrite(picture->rgb, 1, bytes, file) == bytes && fflush(file) == 0 &&
                fsync(fileno(file)) == 0;
    int why = errno;
    if (file && fclose(file) != 0 && done) {
        done = false;
        why = errno;
    }
    if (done && rename(aside, path) != 0) {
        done = false;
        why = errno;
    }
    if (!done) {
        snprintf(error, error_size, "frame: %s", strerror(why));
        (void)unlink(aside);
        report_prepare(report->conf);
        return false;
    }
    return spool_sync_directory_of(path) == 0;
}

/* The chosen slices, in their order in the patient. */
struct reel {
    struct gathered *g;
    const struct part **slice;
    struct dx_reference *references;
    const char **digest;
    size_t count;
    struct frame_head head;
    uint8_t *pixels;
};

static bool read_head(const struct conf *conf, int64_t instance, struct frame_head *head)
{
    char path[4096];
    frame_path(conf, instance, path);
    FILE *file = fopen(path, "re");
    bool done = file && fread(head, sizeof *head, 1, file) == 1;
    if (file)
        (void)fclose(file);
    return done;
}

static const uint8_t *read_frame(void *context, uint32_t i)
{
    struct reel *reel = context;
    struct frame_head head;
    char path[4096];
    size_t bytes = (size_t)reel->head.rows * reel->head.cols * 3;
    frame_path(reel->g->report->conf, reel->slice[i]->instance.id, path);
    FILE *file = fopen(path, "re");
    bool done = file && fread(&head, sizeof head, 1, file) == 1 && head.rows == reel->head.rows &&
                head.cols == reel->head.cols && fread(reel->pixels, 1, bytes, file) == bytes;
    if (file)
        (void)fclose(file);
    return done ? reel->pixels : NULL;
}

static const struct part *part_of(const struct gathered *g, const char *sop_instance)
{
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->parts[i].instance.sop_instance, sop_instance) == 0)
            return &g->parts[i];
    return NULL;
}

/* Every slice that has a frame of the first one's size; when there are too many, evenly fewer. */
static bool choose(struct reel *reel, const struct srt_image *series, uint32_t most)
{
    size_t all = 0;
    for (size_t i = 0; i < series->slice_count; i++) {
        struct frame_head head;
        const struct part *part = part_of(reel->g, series->slices[i].sop_instance);
        if (!part || !read_head(reel->g->report->conf, part->instance.id, &head))
            continue;
        if (all == 0)
            reel->head = head;
        if (head.rows == reel->head.rows && head.cols == reel->head.cols)
            reel->slice[all++] = part;
    }
    reel->count = all < most ? all : most;
    for (size_t i = 0; i < reel->count; i++) {
        const struct part *part = reel->slice[i * all / reel->count];
        reel->slice[i] = part;
        reel->digest[i] = part->instance.digest;
        struct dx_reference *to = &reel->references[i];
        snprintf(to->sop_class, sizeof to->sop_class, "%s", part->instance.sop_class);
        snprintf(to->sop_instance, sizeof to->sop_instance, "%s", part->instance.sop_instance);
        snprintf(to->series, sizeof to->series, "%s", part->instance.series);
    }
    return reel->count > 0;
}

/* The picture's UID, and of what it is made: the same whoever's data it holds. A series of slices
 * may move to another study; what was taken back comes under another revision. */
static bool identify(const struct reel *reel, const struct srt_result *words,
                     const char *demographics, char uid[DX_UID_MAX], char made_of[DX_UID_MAX])
{
    char more[DX_UID_MAX + 16];
    int revision = 0;
    for (size_t i = 0; i < reel->count; i++)
        revision += reel->slice[i]->instance.revision;
    int used = snprintf(more, sizeof more, "%s", reel->g->study->uid);
    if (revision > 0)
        snprintf(more + used, sizeof more - (size_t)used, " %d", revision);
    const struct report_identity identity = {.kind = "sc frames",
                                             .words = words,
                                             .demographics = demographics,
                                             .more = more,
                                             .input = reel->digest,
                                             .inputs = reel->count};
    const char **fields = calloc(reel->count + 1, sizeof *fields);
    if (!fields)
        return false;
    fields[0] = more;
    memcpy(fields + 1, reel->digest, reel->count * sizeof *fields);
    bool done = report_uid(reel->g->report, &identity, uid) &&
                report_hashed_uid(fields, reel->count + 1, made_of);
    free(fields);
    return done;
}

/* Without an object (result->uid is empty) where the one that was made of the same counts. */
static bool write_reel(struct reel *reel, const struct srt_result *words,
                       const struct report_source *source, struct result *result)
{
    struct gathered *g = reel->g;
    struct report_heading heading;
    struct report_paths paths;
    struct dx_error err = {0};
    char uid[DX_UID_MAX], series[DX_UID_MAX], patient[DX_DIGEST_MAX], description[512];
    char of[3 * DX_UID_MAX];
    bool made = false;
    const char *sop_class = report_class_uid(RESULT_SC, reel->count > 1);
    /* A series of slices may move to another study, and one slice become several. */
    snprintf(of, sizeof of, "%s %s %s", g->study->uid, reel->references[0].series, sop_class);
    report_patient_digest(g->source->attrs, patient);
    *result = (struct result){.kind = RESULT_SC,
                              .outcome = SRT_FINDING,
                              .created_ms = reel->slice[0]->judgement.first_computed_ms,
                              .instance = reel->slice[0]->instance.id};
    if (!identify(reel, words, patient, uid, result->made_of) ||
        !report_series_uid(g->report, RESULT_SC, of, source->attrs, series))
        return gather_fail(g, "picture", "out of memory");
    if (store_is_made(g->store, result->instance, result->made_of, &made) != STORE_OK)
        return gather_fail(g, "job store", store_error(g->store));
    if (made)
        return true;
    snprintf(description, sizeof description,
             "Slices beside their saliency maps (gradient of the class score). %s",
             srt_is_synthetic(words) ? srt_research_line : "");
    struct dx_sc sc = {.rows = reel->head.rows,
                       .cols = reel->head.cols,
                       .frames = (uint32_t)reel->count,
                       .frame = read_frame,
                       .context = reel,
                       .derivation_description = description,
                       .derivation = {"130404", "DCM", "Saliency"}};
    if (reel->count == 1)
        sc.rgb = read_frame(reel, 0);
    report_header(g->report, &heading, result->created_ms, REPORT_SERIES_SC, "pictures",
                  &sc.header);
    sc.header.source = source->attrs;
    sc.header.sop_instance = uid;
    sc.header.series = series;
    sc.header.instance_number = 1;
    sc.header.modality = g->report->conf->picture_modality;
    sc.header.references = reel->references;
    sc.header.reference_count = reel->count;
    report_paths(g->report->conf, uid, &paths);
    const struct report_written file = {.header = &sc.header,
                                        .sop_class = sop_class,
                                        .synthetic = srt_is_synthetic(words),
                                        .calibrated = true,
                                        .status = dx_sc_write(&sc, paths.aside, &err),
                                        .why = &err};
    snprintf(result->study, sizeof result->study, "%s", g->study->uid);
    return report_enter(g->report, &file, result, g->error, g->error_size);
}

bool report_frames(struct gathered *g, const struct srt_result *words,
                   const struct srt_image *series, const struct report_source *source,
                   struct result *result, bool *drawn)
{
    bool done = true;
    size_t most = series->slice_count;
    struct reel reel = {.g = g,
                        .slice = calloc(most, sizeof *reel.slice),
                        .references = calloc(most, sizeof *reel.references),
                        .digest = calloc(most, sizeof *reel.digest)};
    uint32_t room = g->report->conf->picture_frames;
    *drawn = false;
    if (!reel.slice || !reel.references || !reel.digest) {
        done = gather_fail(g, "picture", "out of memory");
    } else if (choose(&reel, series, room > 0 ? room : 64)) {
        reel.pixels = malloc((size_t)reel.head.rows * reel.head.cols * 3);
        done = reel.pixels ? write_reel(&reel, words, source, result)
                           : gather_fail(g, "picture", "out of memory");
        *drawn = done && result->uid[0] != '\0';
    }
    free(reel.pixels);
    free(reel.slice);
    free(reel.references);
    free(reel.digest);
    return done;
}
