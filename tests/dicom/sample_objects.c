#include "sample_objects.h"

#include <stdio.h>
#include <stdlib.h>

static void write_sr(const struct dx_result_header *header, const char *path,
                     struct dx_expectation *expected, struct dx_error *err)
{
    const struct dx_sr sr = {.header = *header, .root = sample_report()};
    if (dx_sr_write(&sr, path, err))
        exit(70);
    expected->sop_class = "1.2.840.10008.5.1.4.1.1.88.34";
    expected->required = "GoogLeNet";
}

static void write_sc(const struct dx_result_header *header, const char *path,
                     struct dx_expectation *expected, struct dx_error *err)
{
    uint8_t rgb[SAMPLE_ROWS * SAMPLE_COLS * 3];
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * 7);
    const struct dx_sc sc = {.header = *header,
                             .rows = SAMPLE_ROWS,
                             .cols = SAMPLE_COLS,
                             .rgb = rgb,
                             .derivation_description = "RESEARCH - saliency of the score",
                             .derivation = {"130404", "DCM", "Saliency"}};
    if (dx_sc_write(&sc, path, err))
        exit(70);
    expected->sop_class = "1.2.840.10008.5.1.4.1.1.7";
}

const float sample_points[10] = {2.5f, 3, 12, 3, 12, 9.5f, 2.5f, 9.5f, 2.5f, 3};

static void write_gsps(const struct dx_result_header *header, const char *path,
                       struct dx_expectation *expected, struct dx_error *err)
{
    const struct dx_gsps gsps = {.header = *header,
                                 .rows = SAMPLE_ROWS,
                                 .cols = SAMPLE_COLS,
                                 .label = "AI_REGION",
                                 .description = "RESEARCH - region of the saliency",
                                 .creator = "cervigate",
                                 .layer = "AI",
                                 .text = "AI: fracture, score 0.93",
                                 .points = sample_points,
                                 .point_count = 5};
    if (dx_gsps_write(&gsps, path, err))
        exit(70);
    expected->sop_class = "1.2.840.10008.5.1.4.1.1.11.1";
}

static void write_pmap(const struct dx_result_header *header, const char *path,
                       struct dx_expectation *expected, struct dx_error *err)
{
    float values[SAMPLE_ROWS * SAMPLE_COLS];
    for (size_t i = 0; i < SAMPLE_ROWS * SAMPLE_COLS; i++)
        values[i] = (float)i / 100;
    const struct dx_pmap map = {.header = *header,
                                .rows = SAMPLE_ROWS,
                                .cols = SAMPLE_COLS,
                                .values = values,
                                .quantity = {"130404", "DCM", "Saliency"},
                                .unit = {"1", "UCUM", "no units"},
                                .explanation = "Saliency of the score",
                                .qualification = "RESEARCH",
                                .label = "AI_SALIENCY",
                                .description = "RESEARCH - saliency of the score",
                                .creator = "cervigate",
                                .mm_per_row = 0.15,
                                .mm_per_col = 0.15,
                                .derivation = {"130404", "DCM", "Saliency"}};
    if (dx_pmap_write(&map, path, err))
        exit(70);
    expected->sop_class = "1.2.840.10008.5.1.4.1.1.30";
}

static void write_rejection(const struct dx_result_header *header, const char *path,
                            struct dx_expectation *expected, struct dx_error *err)
{
    const struct dx_code title = {"113038", "DCM", "Incorrect Modality Worklist Entry"};
    if (dx_rejection_write(header, &title, "RESEARCH - taken back", path, err))
        exit(70);
    expected->sop_class = "1.2.840.10008.5.1.4.1.1.88.59";
}

static const uint8_t *frame_at(void *context, uint32_t index)
{
    uint8_t *rgb = (uint8_t *)context;
    for (size_t i = 0; i < SAMPLE_ROWS * SAMPLE_COLS * 3; i++)
        rgb[i] = (uint8_t)(i * 7 + index * 50);
    return rgb;
}

static void write_frames(const struct dx_result_header *header, const char *path,
                         struct dx_expectation *expected, struct dx_error *err)
{
    uint8_t rgb[SAMPLE_ROWS * SAMPLE_COLS * 3];
    const struct dx_sc sc = {.header = *header,
                             .rows = SAMPLE_ROWS,
                             .cols = SAMPLE_COLS,
                             .frames = 3,
                             .frame = frame_at,
                             .context = rgb,
                             .derivation_description = "RESEARCH - saliency of the score",
                             .derivation = {"130404", "DCM", "Saliency"}};
    if (dx_sc_write(&sc, path, err))
        exit(70);
    expected->sop_class = "1.2.840.10008.5.1.4.1.1.7.4";
}

void sample_object(enum sample_kind kind, const struct dx_attrs *source, const char *path,
                   struct dx_expectation *expected)
{
    static const char *const forbidden[] = {"normal", "absent", "no fracture", NULL};
    static void (*const writers[])(const struct dx_result_header *, const char *,
                                   struct dx_expectation *, struct dx_error *) = {
        write_sr, write_sc, write_gsps, write_pmap, write_rejection, write_frames};
    struct dx_result_header header;
    struct dx_error err = {0};
    static const char *const instances[SAMPLE_KINDS] = {"2.25.1",   "2.25.101", "2.25.102",
                                                        "2.25.103", "2.25.104", "2.25.105"};
    static const char *const series[SAMPLE_KINDS] = {"2.25.2",   "2.25.201", "2.25.202",
                                                     "2.25.203", "2.25.204", "2.25.205"};
    sample_header(&header);
    header.source = source;
    header.sop_instance = instances[kind];
    header.series = series[kind];
    header.series_number += (int)kind;
    *expected = (struct dx_expectation){.sop_instance = header.sop_instance,
                                        .series = header.series,
                                        .source = source,
                                        .references = header.references,
                                        .reference_count = header.reference_count,
                                        .forbidden = forbidden,
                                        .required = "RESEARCH"};
    writers[kind](&header, path, expected, &err);
}
