/* A report as the node writes it: TID 1500 with a device observer, an image library and one
 * measurement group (anchors). Written from the leaves up, since each item points to its first
 * child and its next sibling. */
#include "sample.h"

#include <stddef.h>

#define CODE(v, s, m)                                                                              \
    {                                                                                              \
        v, s, m                                                                                    \
    }
static struct dx_sr_item source = {
    .relation = DX_SR_CONTAINS,
    .type = DX_SR_IMAGE,
    .concept = CODE("121112", "DCM", "Source of Measurement"),
    .image = {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.1", "1.2.3.4.5"}};
static struct dx_sr_item number = {.relation = DX_SR_CONTAINS,
                                   .type = DX_SR_NUM,
                                   .concept = CODE("122157", "DCM", "Probability"),
                                   .text = "0.93",
                                   .code = CODE("{0:1}", "UCUM", "range: 0:1"),
                                   .next = &source};
static struct dx_sr_item version = {.relation = DX_SR_HAS_CONCEPT_MOD,
                                    .type = DX_SR_TEXT,
                                    .concept = CODE("111003", "DCM", "Algorithm Version"),
                                    .text = "1",
                                    .next = &number};
static struct dx_sr_item name = {.relation = DX_SR_HAS_CONCEPT_MOD,
                                 .type = DX_SR_TEXT,
                                 .concept = CODE("111001", "DCM", "Algorithm Name"),
                                 .text = "GoogLeNet",
                                 .next = &version};
static struct dx_sr_item site = {.relation = DX_SR_HAS_CONCEPT_MOD,
                                 .type = DX_SR_CODE,
                                 .concept = CODE("363698007", "SCT", "Finding Site"),
                                 .code = CODE("122494005", "SCT", "Cervical spine"),
                                 .next = &name};
static struct dx_sr_item finding = {.relation = DX_SR_CONTAINS,
                                    .type = DX_SR_CODE,
                                    .concept = CODE("121071", "DCM", "Finding"),
                                    .code = CODE("72704001", "SCT", "Fracture"),
                                    .next = &site};
static struct dx_sr_item tracking_uid = {.relation = DX_SR_HAS_OBS_CONTEXT,
                                         .type = DX_SR_UIDREF,
                                         .concept =
                                             CODE("112040", "DCM", "Tracking Unique Identifier"),
                                         .text = "2.25.3",
                                         .next = &finding};
static struct dx_sr_item tracking = {.relation = DX_SR_HAS_OBS_CONTEXT,
                                     .type = DX_SR_TEXT,
                                     .concept = CODE("112039", "DCM", "Tracking Identifier"),
                                     .text = "finding 1",
                                     .next = &tracking_uid};
static struct dx_sr_item group = {.relation = DX_SR_CONTAINS,
                                  .type = DX_SR_CONTAINER,
                                  .concept = CODE("125007", "DCM", "Measurement Group"),
                                  .template_id = "1501",
                                  .child = &tracking};
static struct dx_sr_item measurements = {.relation = DX_SR_CONTAINS,
                                         .type = DX_SR_CONTAINER,
                                         .concept = CODE("126010", "DCM", "Imaging Measurements"),
                                         .child = &group};
static struct dx_sr_item modality = {.relation = DX_SR_HAS_ACQ_CONTEXT,
                                     .type = DX_SR_CODE,
                                     .concept = CODE("121139", "DCM", "Modality"),
                                     .code = CODE("DX", "DCM", "Digital Radiography")};
static struct dx_sr_item image = {
    .relation = DX_SR_CONTAINS,
    .type = DX_SR_IMAGE,
    .image = {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.1", "1.2.3.4.5"},
    .child = &modality};
static struct dx_sr_item library_group = {.relation = DX_SR_CONTAINS,
                                          .type = DX_SR_CONTAINER,
                                          .concept = CODE("126200", "DCM", "Image Library Group"),
                                          .child = &image};
static struct dx_sr_item library = {.relation = DX_SR_CONTAINS,
                                    .type = DX_SR_CONTAINER,
                                    .concept = CODE("111028", "DCM", "Image Library"),
                                    .template_id = "1600",
                                    .child = &library_group,
                                    .next = &measurements};
static struct dx_sr_item procedure = {.relation = DX_SR_HAS_CONCEPT_MOD,
                                      .type = DX_SR_CODE,
                                      .concept = CODE("121058", "DCM", "Procedure reported"),
                                      .code = CODE("363679005", "SCT", "Imaging procedure"),
                                      .next = &library};
static struct dx_sr_item observer_uid = {.relation = DX_SR_HAS_OBS_CONTEXT,
                                         .type = DX_SR_UIDREF,
                                         .concept = CODE("121012", "DCM", "Device Observer UID"),
                                         .text = "2.25.4",
                                         .next = &procedure};
static struct dx_sr_item observer = {.relation = DX_SR_HAS_OBS_CONTEXT,
                                     .type = DX_SR_CODE,
                                     .concept = CODE("121005", "DCM", "Observer Type"),
                                     .code = CODE("121007", "DCM", "Device"),
                                     .next = &observer_uid};
static struct dx_sr_item country = {.relation = DX_SR_HAS_CONCEPT_MOD,
                                    .type = DX_SR_CODE,
                                    .concept = CODE("121046", "DCM", "Country of Language"),
                                    .code = CODE("US", "ISO3166_1", "United States")};
static struct dx_sr_item language = {
    .relation = DX_SR_HAS_CONCEPT_MOD,
    .type = DX_SR_CODE,
    .concept = CODE("121049", "DCM", "Language of Content Item and Descendants"),
    .code = CODE("en", "RFC5646", "English"),
    .child = &country,
    .next = &observer};
static struct dx_sr_item root = {.relation = DX_SR_ROOT,
                                 .type = DX_SR_CONTAINER,
                                 .concept = CODE("126000", "DCM", "Imaging Measurement Report"),
                                 .template_id = "1500",
                                 .child = &language};

const struct dx_sr_item *sample_report(void)
{
    return &root;
}
