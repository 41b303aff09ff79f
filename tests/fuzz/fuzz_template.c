/* A report template's bytes: refused with a reason, or it fills and prints for a small result. */
#include "srt_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static const struct srt_image images[] = {
    {.reference = {.sop_class = "1.2.840.10008.5.1.4.1.1.1.1", .sop_instance = "1.2.3"},
     .modality = "DX",
     .rows = "8",
     .columns = "8",
     .view = "lateral",
     .outcome = SRT_FINDING,
     .detail = "",
     .opinion = {{.class_ = {{"fracture", true, 0.9, 0.5},
                             {"dislocation", true, 0.1, 0.5},
                             {"normal", false, 0, 0}},
                  .classes = 3}},
     .tracking_uid = "1.2.3.1"}};
static const struct srt_result result = {.outcome = SRT_FINDING,
                                         .images = images,
                                         .image_count = 1,
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
                                                     .synthetic = true}},
                                         .model_count = 1,
                                         .model_name = "n",
                                         .serial = "1",
                                         .station_ae = "A",
                                         .software_version = "1",
                                         .algorithm_name = "a",
                                         .algorithm_version = "1",
                                         .weights_digest = "0",
                                         .parameters = "p",
                                         .intended_use = "tests",
                                         .synthetic = true,
                                         .mode = "demo"};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct srt_template *template_;
    struct srt_tree *tree;
    struct srt_error err = {0};
    char text[4096];

    if (count > SRT_MAX_TEMPLATE)
        return 0;
    enum srt_status status = srt_template_parse((const char *)bytes, count, &template_, &err);
    if (status != SRT_OK) {
        if (err.status == SRT_OK || err.text[0] == '\0')
            abort(); /* refused without a word */
        return 0;
    }
    if (srt_fill(template_, &result, &tree, &err) == SRT_OK) {
        srt_tree_print(tree, text, sizeof text);
        srt_tree_destroy(tree);
    }
    srt_template_close(template_);
    return 0;
}
