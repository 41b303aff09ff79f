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
    uint8_t rgb[12 * 17 * 3];
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * 7);
    const struct dx_sc sc = {.header = *header,
                             .rows = 12,
                             .cols = 17,
                             .rgb = rgb,
                             .derivation_description = "RESEARCH - saliency of the score",
                             .derivation = {"130404", "DCM", "Saliency"}};
    if (dx_sc_write(&sc, path, err))
        exit(70);
    expected->sop_class = "1.2.840.10008.5.1.4.1.1.7";
}

void sample_object(enum sample_kind kind, const struct dx_attrs *source, const char *path,
                   struct dx_expectation *expected)
{
    static const char *const forbidden[] = {"normal", "absent", "no fracture", NULL};
    static void (*const writers[])(const struct dx_result_header *, const char *,
                                   struct dx_expectation *,
                                   struct dx_error *) = {write_sr, write_sc};
    struct dx_result_header header;
    struct dx_error err = {0};
    sample_header(&header);
    header.source = source;
    *expected = (struct dx_expectation){.sop_instance = header.sop_instance,
                                        .series = header.series,
                                        .source = source,
                                        .references = header.references,
                                        .reference_count = header.reference_count,
                                        .forbidden = forbidden,
                                        .required = "RESEARCH"};
    writers[kind](&header, path, expected, &err);
}
