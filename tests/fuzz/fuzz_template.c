/* A report template's bytes, or its words': refused with a reason, or it fills and prints for a
 * small result. The first byte chooses which file they are; the other one is the shipped one. */
#include "srt_private.h"
#include "tree_print.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static const float region[] = {1, 1, 5, 1, 5, 5, 1, 1};
static const struct srt_image images[] = {
    {.reference = {.sop_class = "1.2.840.10008.5.1.4.1.1.1.1", .sop_instance = "1.2.3"},
     .modality = "DX",
     .rows = "8",
     .columns = "8",
     .view = "lateral",
     .outcome = SRT_FINDING,
     .detail = "",
     .opinion = {{.class_ = {{"fracture", true, 0.9, 0.5},
                             {"dislocation", true, 0.7, 0.5},
                             {"normal", false, 0, 0}},
                  .classes = 3},
                 {.class_ = {{"fracture", true, 0.8, 0.5}, {"dislocation", true, 0.1, 0.5}},
                  .classes = 2}},
     .region = region,
     .region_points = 4,
     .tracking_uid = "1.2.3.1"},
    {.reference = {.sop_class = "1.2.840.10008.5.1.4.1.1.1.1", .sop_instance = "1.2.4"},
     .modality = "DX",
     .view = "frontal",
     .outcome = SRT_NOT_PROCESSED,
     .reason = SRT_WRONG_VIEW,
     .detail = "\xff\xc3\xa9"}};
static const struct srt_result result = {
    .outcome = SRT_FINDING,
    .images = images,
    .image_count = 2,
    .device_uid = "1.2.4",
    .manufacturer = "m",
    .model_name = "n",
    .serial = "1",
    .station_ae = "A",
    .software_version = "1",
    .models = {{.name = "a",
                .version = "1",
                .weights_digest = "0",
                .parameters = "p",
                .intended_use = "tests",
                .synthetic = true},
               {.name = "b", .version = "2", .weights_digest = "1"}},
    .model_count = 2,
    .mode = "demo",
    .amends = "1.2.5"};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct srt_source shape = {"cspine.xml", srt_cspine_text, srt_cspine_text_size};
    struct srt_source words = {"words.xml", srt_words_text, srt_words_text_size};
    struct srt_template *template_;
    struct srt_tree *tree;
    struct srt_error err = {0};
    static char text[16384];

    if (count == 0 || count > SRT_MAX_TEMPLATE)
        return 0;
    struct srt_source *drawn = bytes[0] == 'w' ? &words : &shape;
    drawn->text = (const char *)bytes + (bytes[0] != '<');
    drawn->size = count - (bytes[0] != '<');
    enum srt_status status = srt_template_parse(&shape, &words, "de", &template_, &err);
    if (status != SRT_OK) {
        if (err.status == SRT_OK || err.text[0] == '\0')
            abort(); /* refused without a word */
        return 0;
    }
    if (srt_fill(template_, &result, &tree, &err) == SRT_OK) {
        tree_print(tree, text, sizeof text);
        srt_tree_destroy(tree);
    }
    srt_text(template_, &result, text, sizeof text);
    srt_template_close(template_);
    return 0;
}
