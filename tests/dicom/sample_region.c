/* The sample report with its finding in a region of the image: TID 1410 instead of TID 1501. */
#include "sample.h"

#include <stddef.h>

static const float outline[] = {12.5f, 20, 40, 20, 40, 60.25f, 12.5f, 60.25f, 12.5f, 20};
static struct dx_sr_item image = {
    .relation = DX_SR_SELECTED_FROM,
    .type = DX_SR_IMAGE,
    .image = {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.1", "1.2.3.4.5"}};
static struct dx_sr_item number = {.relation = DX_SR_CONTAINS,
                                   .type = DX_SR_NUM,
                                   .concept = {"SCORE-FRACTURE", "99CERVIGATE", "Model score"},
                                   .text = "0.93",
                                   .code = {"{0:1}", "UCUM", "range: 0:1"}};
static struct dx_sr_item region = {.relation = DX_SR_CONTAINS,
                                   .type = DX_SR_SCOORD,
                                   .concept = {"111030", "DCM", "Image Region"},
                                   .points = outline,
                                   .point_count = 5,
                                   .child = &image,
                                   .next = &number};
static struct dx_sr_item site = {.relation = DX_SR_HAS_CONCEPT_MOD,
                                 .type = DX_SR_CODE,
                                 .concept = {"363698007", "SCT", "Finding Site"},
                                 .code = {"122494005", "SCT", "Cervical spine"},
                                 .next = &region};
static struct dx_sr_item finding = {.relation = DX_SR_CONTAINS,
                                    .type = DX_SR_CODE,
                                    .concept = {"121071", "DCM", "Finding"},
                                    .code = {"72704001", "SCT", "Fracture"},
                                    .next = &site};
static struct dx_sr_item tracking_uid = {.relation = DX_SR_HAS_OBS_CONTEXT,
                                         .type = DX_SR_UIDREF,
                                         .concept = {"112040", "DCM", "Tracking Unique Identifier"},
                                         .text = "2.25.3",
                                         .next = &finding};
static struct dx_sr_item tracking = {.relation = DX_SR_HAS_OBS_CONTEXT,
                                     .type = DX_SR_TEXT,
                                     .concept = {"112039", "DCM", "Tracking Identifier"},
                                     .text = "finding 1",
                                     .next = &tracking_uid};
static struct dx_sr_item group = {.relation = DX_SR_CONTAINS,
                                  .type = DX_SR_CONTAINER,
                                  .concept = {"125007", "DCM", "Measurement Group"},
                                  .template_id = "1410",
                                  .child = &tracking};

/* Copies of the items on the way from the root to the group, since the sample's are its own. */
const struct dx_sr_item *sample_region_report(void)
{
    static struct dx_sr_item root, items[8], measurements;
    const struct dx_sr_item *plain = sample_report();
    size_t count = 0;
    root = *plain;
    for (const struct dx_sr_item *child = plain->child; child; child = child->next)
        items[count++] = *child;
    for (size_t i = 0; i + 1 < count; i++)
        items[i].next = &items[i + 1];
    measurements = items[count - 1];
    measurements.child = &group;
    items[count - 2].next = &measurements;
    root.child = &items[0];
    return &root;
}
