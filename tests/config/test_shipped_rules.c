/* The rules of config/cervigate.xml, asked with what modalities write: accessions of trauma
 * patients that mix chest, pelvis and neck, in four languages, with body parts that are missing or
 * wrong. */
#include "config_fixture.h"
#include "rules.h"
#include <string.h>

#define CT       "1.2.840.10008.5.1.4.1.1.2"
#define ENHANCED "1.2.840.10008.5.1.4.1.1.2.1"
#define DX       "1.2.840.10008.5.1.4.1.1.1.1"
#define SC       "1.2.840.10008.5.1.4.1.1.7"

/* The designators keep what is not told empty. */
#define H(m, s, b, d, p, a, v, r)                                                                  \
    .modality = (m), .study = (s), .body = (b), .series = (d), .protocol = (p), .processing = (a), \
    .view = (v), .rule = (r)

struct object {
    const char *modality, *study, *body, *series, *protocol, *processing, *view;
    const char *rule;
    const char *sop_class, *image_type, *intent, *code, *region, *requested;
};

/* What is to be judged: the gate looks at the pixels afterwards. */
static const struct object selected[] = {
    {H("DX", "", "CSPINE", "", "", "", "", "cervical-by-body-part")},
    {H("DX", "", "CSPINE", "", "", "", "LL", "cervical-by-body-part"),
     .image_type = "DERIVED\\PRIMARY", .intent = "FOR PRESENTATION"},
    {H("CR", "", "NECK", "", "", "", "", "cervical-by-body-part")},
    {H("CR", "", "C-SPINE", "", "", "", "", "cervical-by-body-part")},
    {H("DX", "", "HWS", "", "", "", "", "cervical-by-body-part")},
    {H("DX", "", "CTSPINE", "", "", "", "", "cervical-by-body-part")},
    {H("CR", "C-Spine 2 views", "", "", "", "", "", "cervical-by-study-description")},
    {H("CR", "", "", "HWS seitl.", "", "", "", "cervical-by-series-description")},
    {H("DX", "", "SPINE", "", "", "", "", "cervical-by-region-code"), .region = "122494005"},
    {H("DX", "POLYTRAUMA", "", "", "", "", "", "cervical-by-region-code"), .region = "T-11501"},

    /* a polytrauma accession: lateral, swimmer's, odontoid */
    {H("DX", "POLYTRAUMA", "CSPINE", "C-Spine lateral", "", "", "LL", "cervical-by-body-part")},
    {H("DX", "POLYTRAUMA", "", "C-SPINE LAT X-TABLE", "", "", "",
       "cervical-by-series-description")},
    {H("DX", "POLYTRAUMA", "CHEST", "C-Spine lateral", "", "", "",
       "cervical-by-series-description")},
    {H("DX", "POLYTRAUMA", "PELVIS", "", "Cervical Spine Lat", "", "",
       "cervical-by-protocol-name")},
    {H("CR", "POLYTRAUMA", "CHEST", "", "", "CSPINE LAT", "", "cervical-by-processing")},
    {H("DX", "POLYTRAUMA", "", "Swimmer's view", "", "", "", "cervical-by-series-description")},
    {H("DX", "POLYTRAUMA", "", "Odontoid open mouth", "", "", "",
       "cervical-by-series-description")},
    {H("DX", "Trauma series", "", "C7/T1 lateral", "", "", "", "cervical-by-series-description")},
    {H("DX", "Trauma Series CXR Pelvis", "CHEST", "lateral", "", "", "LL",
       "lateral-of-a-trauma-study")},
    {H("DX", "Poly Trauma", "", "lateral", "", "", "XTABLE", "lateral-of-a-trauma-study")},
    {H("DX", "Poly-Trauma", "SPINE", "", "", "", "", "lateral-of-a-trauma-study-by-code"),
     .code = "399173006"},
    {H("DX", "POLYTRAUMA", "", "", "", "", "", "untold-image-of-a-trauma-study")},
    {H("DX", "POLYTRAUMA", "UNKNOWN", "AP", "", "", "AP", "untold-image-of-a-trauma-study")},

    /* German */
    {H("DX", "Polytrauma", "", "HWS seitlich", "", "", "", "cervical-by-series-description")},
    {H("DX", "Schockraum", "THORAX", "HWS_lat", "", "", "", "cervical-by-series-description")},
    {H("CR", "Schockraum", "", "", "Halswirbelsäule seitlich", "", "",
       "cervical-by-protocol-name")},
    {H("CR", "Schockraum", "", "Dens transoral", "", "", "", "cervical-by-series-description")},
    {H("DX", "Schockraum", "", "seitlich", "", "", "LAT", "lateral-of-a-trauma-study")},
    {H("DX", "HWS in 2 Ebenen", "CHEST", "seitlich", "", "", "", "cervical-by-study-description")},
    {H("DX", "HWS, Thorax, Becken", "", "seitlich", "", "", "", "cervical-by-study-description")},
    {H("CR", "Röntgen", "", "", "", "", "", "cervical-by-requested-procedure"),
     .requested = "HWS seitlich"},

    /* French, Spanish, Italian, Dutch, Swedish, Polish, Russian */
    {H("DX", "Polytraumatisé", "", "Rachis cervical profil", "", "", "",
       "cervical-by-series-description")},
    {H("CR", "DÉCHOCAGE", "THORAX", "RACHIS CERVICAL DE PROFIL", "", "", "",
       "cervical-by-series-description")},
    {H("CR", "Radio déchoc", "", "profil", "", "", "LATERAL", "lateral-of-a-trauma-study")},
    {H("DX", "Politraumatizado", "", "Columna cervical lateral", "", "", "",
       "cervical-by-series-description")},
    {H("CR", "Politraumatismo", "TORAX", "", "COLUMNA CERVICAL LAT", "", "",
       "cervical-by-protocol-name")},
    {H("CR", "Columna cervical AP y lateral", "", "", "", "", "", "cervical-by-study-description")},
    {H("DX", "Rachide cervicale", "", "LL", "", "", "", "cervical-by-study-description")},
    {H("DX", "CWK dwarse opname", "", "", "", "", "", "cervical-by-study-description")},
    {H("DX", "Halsrygg", "", "sida", "", "", "", "cervical-by-study-description")},
    {H("CR", "Kręgosłup szyjny boczne", "", "", "", "", "", "cervical-by-study-description")},
    {H("CR", "ШЕЙНЫЙ ОТДЕЛ", "", "", "", "", "", "cervical-by-study-description")},
};

/* What is nobody's: the same accessions' other images. */
static const struct object ignored[] = {
    {H("DX", "Thorax", "CHEST", "pa", "", "", "", "other-region-by-body-part"),
     .intent = "FOR PRESENTATION"},
    {H("DX", "Thoracic spine", "LSPINE", "lateral", "", "", "", "other-region-by-body-part")},
    {H("DX", "Knee", "KNEE", "lateral", "", "", "LL", "everything-else")},
    {H("DX", "POLYTRAUMA", "CHEST", "Chest AP", "", "", "AP",
       "other-region-by-series-description")},
    {H("DX", "POLYTRAUMA", "", "Chest AP supine", "", "", "",
       "other-region-by-series-description")},
    {H("DX", "POLYTRAUMA", "PELVIS", "AP", "", "", "AP", "other-region-by-body-part")},
    {H("DX", "POLYTRAUMA", "CHEST", "AP", "", "", "AP", "other-region-by-body-part")},
    {H("DX", "POLYTRAUMA", "", "", "Pelvis ap", "", "", "other-region-by-protocol-name")},
    {H("DX", "POLYTRAUMA", "KNEE", "lateral", "", "", "LL", "other-region-by-body-part")},
    {H("DX", "POLYTRAUMA", "LSPINE", "x-table", "", "", "LL", "other-region-by-body-part")},
    {H("DX", "Schockraum", "", "Thorax a.p.", "", "", "", "other-region-by-series-description")},
    {H("CR", "Schockraum", "", "Beckenübersicht", "", "", "",
       "other-region-by-series-description")},
    {H("CR", "Schockraum", "", "BWS seitlich", "", "", "LAT",
       "other-region-by-series-description")},
    {H("CR", "Schockraum", "", "Schädel seitlich", "", "", "LAT",
       "other-region-by-series-description")},
    {H("DX", "HWS, Thorax, Becken", "PELVIS", "ap", "", "", "", "other-region-by-body-part")},
    {H("DX", "HWS, Thorax, Becken", "", "Thorax ap", "", "", "",
       "other-region-by-series-description")},
    {H("DX", "Polytraumatisé", "", "Thorax face", "", "", "",
       "other-region-by-series-description")},
    {H("DX", "Polytraumatisé", "", "Bassin de face", "", "", "",
       "other-region-by-series-description")},
    {H("DX", "Politraumatizado", "", "Tórax AP", "", "", "", "other-region-by-series-description")},
    {H("DX", "Politraumatizado", "", "Pelvis AP", "", "", "",
       "other-region-by-series-description")},
    {H("DX", "Bone density", "HIP", "", "", "", "", "everything-else")},
    {H("US", "Cervical spine", "CSPINE", "", "", "", "", "everything-else")},
};

static const struct object sections[] = {
    {H("DX", "", "CSPINE", "", "", "", "", "for-processing"), .intent = "FOR PROCESSING"},
    {H("CT", "", "CSPINE", "", "", "", "", "cervical-ct-by-body-part"), .sop_class = CT,
     .image_type = "ORIGINAL\\PRIMARY\\AXIAL"},
    {H("CT", "", "CSPINE", "", "", "", "", "cervical-ct-by-body-part"), .sop_class = ENHANCED},
    {H("CT", "CT HWS nativ", "", "", "", "", "", "cervical-ct-by-study-description"),
     .sop_class = CT},
    {H("CT", "Polytrauma", "HEAD", "C-Spine 1.0 B60s", "", "", "",
       "cervical-ct-by-series-description"),
     .sop_class = CT, .image_type = "DERIVED\\SECONDARY\\MPR"},
    {H("CT", "", "CSPINE", "", "", "", "", "ct-localizer"), .sop_class = CT,
     .image_type = "ORIGINAL\\PRIMARY\\LOCALIZER"},
    {H("CT", "Soft tissue neck", "NECK", "", "", "", "", "everything-else"), .sop_class = CT},
    {H("CT", "CT Thorax", "CHEST", "Lung", "", "", "", "everything-else"), .sop_class = CT},
    {H("CT", "CT cervical spine", "CSPINE", "Dose report", "", "", "", "everything-else"),
     .sop_class = SC},
};

static void set(struct dx_attrs *attrs, const char *keyword, const char *text)
{
    uint32_t tag = conf_keyword_tag(keyword);

    assert_int_not_equal(tag, 0);
    if (text && text[0])
        assert_int_equal(dx_attrs_set_text(attrs, tag, "LO", text), DX_OK);
}

static const struct conf_rule *rule_of(const struct rules *rules, const struct object *object)
{
    struct dx_attrs *attrs = dx_attrs_create();
    struct rules_object asked;

    assert_non_null(attrs);
    set(attrs, "SpecificCharacterSet", "ISO_IR 192");
    set(attrs, "SOPClassUID", object->sop_class ? object->sop_class : DX);
    set(attrs, "Modality", object->modality);
    set(attrs, "BodyPartExamined", object->body);
    set(attrs, "StudyDescription", object->study);
    set(attrs, "SeriesDescription", object->series);
    set(attrs, "ProtocolName", object->protocol);
    set(attrs, "AcquisitionDeviceProcessingDescription", object->processing);
    set(attrs, "ViewPosition", object->view);
    set(attrs, "ImageType", object->image_type);
    set(attrs, "PresentationIntentType", object->intent);
    set(attrs, "ViewCodeSequence", object->code);
    set(attrs, "AnatomicRegionSequence", object->region);
    set(attrs, "RequestedProcedureDescription", object->requested);
    rules_object_init(&asked, attrs, "DX1", "CERVIGATE");
    const struct conf_rule *rule = rules_select(rules, &asked);
    rules_object_finish(&asked);
    dx_attrs_destroy(attrs);
    return rule;
}

static size_t wrong(const struct object *list, size_t count, int action)
{
    struct conf *conf = load_good(SAMPLE);
    char error[256] = "";
    struct rules *rules = rules_create(conf, error, sizeof error);
    size_t wrong = 0;

    assert_non_null(rules);
    for (size_t i = 0; i < count; i++) {
        const struct conf_rule *rule = rule_of(rules, &list[i]);
        assert_non_null(rule);
        if (strcmp(rule->name, list[i].rule) != 0 || (action >= 0 && (int)rule->action != action)) {
            print_error("%zu: %s, %s, %s: %s, expected %s\n", i, list[i].study, list[i].body,
                        list[i].series, rule->name, list[i].rule);
            wrong++;
        }
    }
    rules_destroy(rules);
    conf_destroy(conf);
    return wrong;
}

#define NONE_WRONG(list, action)                                                                   \
    assert_int_equal(wrong(list, sizeof(list) / sizeof *(list), action), 0)

static void cervical_spines_of_mixed_accessions_are_selected(void **state)
{
    (void)state;
    NONE_WRONG(selected, CONF_ANALYZE);
}

static void other_regions_are_not(void **state)
{
    (void)state;
    NONE_WRONG(ignored, CONF_IGNORE);
}

static void sections_and_twins(void **state)
{
    (void)state;
    NONE_WRONG(sections, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cervical_spines_of_mixed_accessions_are_selected),
        cmocka_unit_test(other_regions_are_not),
        cmocka_unit_test(sections_and_twins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
