#include "results.h"
#include <stdio.h>
#include <string.h>

#define DX_IMAGE "1.2.840.10008.5.1.4.1.1.1.1"
#define CT_IMAGE "1.2.840.10008.5.1.4.1.1.2"
#define SERIES   "1.2.826.0.1.3680043.10.1.2"

/* A closed polygon, column and row. */
static const float region[] = {500.5F, 700.5F, 640.5F, 690.5F, 655.5F,
                               820.5F, 510.5F, 830.5F, 500.5F, 700.5F};

/* An image with scores in the model's order: dislocation, fracture, normal. */
static void add_image(struct sample_result *sample, double dislocation, double fracture)
{
    static const char *const tracking[] = {"2.25.100000000000000000000000000000000000001",
                                           "2.25.100000000000000000000000000000000000002",
                                           "2.25.100000000000000000000000000000000000003",
                                           "2.25.100000000000000000000000000000000000004"};
    size_t n = sample->result.image_count++;
    struct srt_image *image = &sample->images[n];

    snprintf(image->reference.sop_class, sizeof image->reference.sop_class, DX_IMAGE);
    snprintf(image->reference.sop_instance, sizeof image->reference.sop_instance, SERIES ".%zu",
             n + 1);
    snprintf(image->reference.series, sizeof image->reference.series, SERIES);
    image->modality = "DX";
    image->rows = "2048";
    image->columns = "1536";
    image->view = "lateral";
    image->detail = "";
    image->tracking_uid = tracking[n];
    image->opinion[0].class_[0] = (struct srt_class){"dislocation", true, dislocation, 0.5};
    image->opinion[0].class_[1] = (struct srt_class){"fracture", true, fracture, 0.25};
    image->opinion[0].class_[2] =
        (struct srt_class){"normal", false, 1 - dislocation - fracture, 0};
    image->opinion[0].classes = 3;
    image->coverage = SRT_COVERAGE_FULL;
    image->outcome = dislocation >= 0.5 || fracture >= 0.25 ? SRT_FINDING : SRT_NO_FINDING;
    if (image->outcome == SRT_FINDING || sample->result.outcome == SRT_NOT_PROCESSED)
        sample->result.outcome = image->outcome;
}

static void add_unjudged(struct sample_result *sample, enum srt_reason reason, const char *detail)
{
    enum srt_outcome before = sample->result.outcome;
    struct srt_image *image = &sample->images[sample->result.image_count];

    add_image(sample, 0, 0);
    sample->result.outcome = before;
    image->outcome = SRT_NOT_PROCESSED;
    image->reason = reason;
    image->detail = detail;
    image->opinion[0].classes = 0;
    image->tracking_uid = NULL;
}

/* The second model's scores of the last image; its classes have names and points of their own. */
static void add_opinion(struct sample_result *sample, double fracture, double dislocation)
{
    struct srt_image *image = &sample->images[sample->result.image_count - 1];

    sample->result.model_count = 2;
    sample->result.models[1] = (struct srt_model){
        .name = "cervigate-second",
        .version = "4",
        .weights_digest = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
        .parameters = "",
        .intended_use = "Second opinion beside another model."};
    image->opinion[1].class_[0] = (struct srt_class){"fracture", true, fracture, 0.4};
    image->opinion[1].class_[1] = (struct srt_class){"dislocation", true, dislocation, 0.4};
    image->opinion[1].class_[2] = (struct srt_class){"other", false, 1 - fracture - dislocation, 0};
    image->opinion[1].classes = 3;
    image->outcome = srt_image_outcome(image);
    sample->result.outcome = srt_study_outcome(&sample->result);
}

static void add_region(struct sample_result *sample)
{
    struct srt_image *image = &sample->images[sample->result.image_count - 1];

    image->region = region;
    image->region_points = sizeof region / sizeof *region / 2;
}

/* The last image becomes a series of slices; its own reference is the key slice, the second. */
static void add_slices(struct sample_result *sample)
{
    struct srt_image *image = &sample->images[sample->result.image_count - 1];

    image->modality = "CT";
    image->view = "";
    snprintf(image->reference.sop_class, sizeof image->reference.sop_class, CT_IMAGE);
    for (size_t i = 0; i < SAMPLE_SLICES; i++) {
        sample->slices[i] = image->reference;
        snprintf(sample->slices[i].sop_instance, sizeof sample->slices[i].sop_instance,
                 SERIES ".7.%zu", i + 1);
    }
    image->reference = sample->slices[1];
    image->slices = sample->slices;
    image->slice_count = SAMPLE_SLICES;
}

static struct sample_result *add(struct sample_result *list, size_t *count, const char *name)
{
    struct sample_result *sample = &list[(*count)++];

    memset(sample, 0, sizeof *sample);
    snprintf(sample->name, sizeof sample->name, "%s", name);
    sample->result = (struct srt_result){
        .outcome = SRT_NOT_PROCESSED,
        .images = sample->images,
        .device_uid = "2.25.200000000000000000000000000000000000001",
        .manufacturer = "cervigate",
        .model_name = "cervigate",
        .serial = "0001",
        .station_ae = "CERVIGATE",
        .software_version = "0.1.0",
        .models = {{.name = "cervigate-phantom",
                    .version = "1",
                    .weights_digest =
                        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                    .parameters = "input 224 x 224",
                    .intended_use =
                        "Priority of lateral cervical spine radiographs of adults in a worklist.",
                    .synthetic = true}},
        .model_count = 1,
        .mode = "demo"};
    return sample;
}

static size_t add_reasons(struct sample_result *list, size_t count)
{
    for (int i = SRT_REASON_NONE + 1; i < SRT_C7_T1_NOT_SHOWN; i++) {
        char name[64];
        snprintf(name, sizeof name, "not-processed-%s", srt_reason_name((enum srt_reason)i));
        add_unjudged(add(list, &count, name), (enum srt_reason)i, "");
    }
    return count;
}

static size_t add_coverage(struct sample_result *list, size_t count)
{
    struct sample_result *sample = add(list, &count, "incomplete-short");

    add_image(sample, 0.01, 0.05);
    sample->images[0].coverage = SRT_COVERAGE_SHORT;
    sample->result.outcome = SRT_INCOMPLETE;
    sample = add(list, &count, "incomplete-unknown");
    add_image(sample, 0.01, 0.05);
    sample->images[0].coverage = SRT_COVERAGE_UNKNOWN;
    add_image(sample, 0.01, 0.05);
    sample->images[1].coverage = SRT_COVERAGE_SHORT;
    sample->result.outcome = SRT_INCOMPLETE;
    sample = add(list, &count, "no-finding-uncovered");
    add_image(sample, 0.01, 0.05);
    sample->images[0].coverage = SRT_COVERAGE_UNKNOWN;
    sample = add(list, &count, "finding-short");
    add_image(sample, 0.01, 0.95);
    sample->images[0].coverage = SRT_COVERAGE_SHORT;
    return count;
}

static size_t add_two_models(struct sample_result *list, size_t count)
{
    struct sample_result *sample = add(list, &count, "two-models-finding");

    add_image(sample, 0.03, 0.91);
    add_opinion(sample, 0.8, 0.1);
    sample = add(list, &count, "two-models-no-finding");
    add_image(sample, 0.03, 0.1);
    add_opinion(sample, 0.1, 0.1);
    sample = add(list, &count, "two-models-undetermined");
    add_image(sample, 0.03, 0.91);
    add_opinion(sample, 0.1, 0.1);
    add_image(sample, 0.03, 0.1);
    add_opinion(sample, 0.1, 0.1);
    sample = add(list, &count, "two-models-partly");
    add_image(sample, 0.6, 0.35);
    add_opinion(sample, 0.5, 0.1);
    add_region(sample);
    sample = add(list, &count, "two-models-split");
    add_image(sample, 0.6, 0.1);
    add_opinion(sample, 0.5, 0.1);
    sample = add(list, &count, "two-models-one-judged");
    add_image(sample, 0.03, 0.91);
    add_opinion(sample, 0.1, 0.1);
    sample->images[0].opinion[1].classes = 0;
    sample->images[0].outcome = sample->result.outcome = SRT_FINDING;
    sample = add(list, &count, "two-models-calibrated");
    add_image(sample, 0.6, 0.35);
    add_opinion(sample, 0.5, 0.45);
    add_region(sample);
    sample->result.models[0].calibrated = sample->result.models[1].calibrated = true;
    sample->result.models[0].synthetic = false;
    return count;
}

static size_t add_regions(struct sample_result *list, size_t count)
{
    struct sample_result *sample = add(list, &count, "region");

    add_image(sample, 0.55, 0.4);
    add_region(sample);
    add_image(sample, 0.01, 0.05);
    sample = add(list, &count, "region-undetermined");
    add_image(sample, 0.03, 0.91);
    add_opinion(sample, 0.1, 0.1);
    add_region(sample);
    sample = add(list, &count, "calibrated");
    add_image(sample, 0.03, 0.91);
    sample->result.models[0].calibrated = true;
    sample->result.models[0].synthetic = false;
    sample = add(list, &count, "slices");
    add_image(sample, 0.03, 0.91);
    add_slices(sample);
    sample = add(list, &count, "slices-region-amended");
    add_image(sample, 0.03, 0.91);
    add_slices(sample);
    add_region(sample);
    sample->result.amends = "2.25.300000000000000000000000000000000000001";
    sample->result.amendment = SRT_REJECTED;
    sample = add(list, &count, "slices-not-processed");
    add_unjudged(sample, SRT_WRONG_MODALITY, "CT");
    add_slices(sample);
    sample->result.outcome = SRT_NOT_PROCESSED;
    return count;
}

static size_t add_amended(struct sample_result *list, size_t count)
{
    static const char *const names[] = {"amended-late-image", "amended-corrected",
                                        "amended-rejected", "amended-by-person"};

    for (int i = SRT_LATE_IMAGE; i <= SRT_BY_PERSON; i++) {
        struct sample_result *sample = add(list, &count, names[i]);
        add_image(sample, 0.01, 0.05);
        sample->result.amends = "2.25.300000000000000000000000000000000000001";
        sample->result.amendment = (enum srt_amendment)i;
    }
    return count;
}

size_t make_results(struct sample_result list[MOST_RESULTS])
{
    struct sample_result *sample;
    size_t count = 0;

    add_image(add(list, &count, "finding"), 0.03, 0.91);
    add_image(add(list, &count, "two-findings"), 0.55, 0.4);
    add_image(add(list, &count, "no-finding"), 0.01, 0.0625);
    sample = add(list, &count, "no-finding-real-model");
    add_image(sample, 0.01, 0.0625);
    sample->result.models[0].synthetic = false;

    sample = add(list, &count, "mixed");
    add_image(sample, 0.01, 0.05);
    add_image(sample, 0.7, 0.27);
    add_unjudged(sample, SRT_WRONG_VIEW, "frontal");
    add_unjudged(sample, SRT_UNDECODABLE, "JPEG 2000: truncated codestream \xc3\xa9");
    sample = add(list, &count, "part-no-finding");
    add_image(sample, 0.01, 0.05);
    add_unjudged(sample, SRT_WRONG_BODY_PART, "CHEST");
    sample = add(list, &count, "none-two-reasons");
    add_unjudged(sample, SRT_WRONG_MODALITY, "CT");
    sample->images[0].modality = "CT";
    add_unjudged(sample, SRT_CONFLICT, "");
    sample->images[1].modality = "ZZ";
    sample->images[1].rows = sample->images[1].columns = NULL;

    sample = add(list, &count, "conflict-beside-judged");
    add_image(sample, 0.01, 0.05);
    add_unjudged(sample, SRT_CONFLICT, "");
    sample->images[1].reference = sample->images[0].reference;
    sample->result.outcome = SRT_NOT_PROCESSED;
    sample = add(list, &count, "bare");
    add_image(sample, 0.03, 0.2);
    sample->result.serial = sample->result.models[0].parameters = NULL;
    sample->result.software_version = sample->result.models[0].intended_use = "";
    sample = add(list, &count, "no-finding-noted");
    add_image(sample, 0.01, 0.0625);
    sample->images[0].detail =
        "age unknown, judged as an adult's; the header says AP, the pixels do "
        "not";
    count = add_coverage(list, count);
    count = add_two_models(list, count);
    count = add_regions(list, count);
    count = add_amended(list, count);
    return add_reasons(list, count);
}
