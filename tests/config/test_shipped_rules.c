/* The rules of config/cervigate.xml, asked with what modalities write. */
#include "config_fixture.h"
#include "rules.h"
#include <string.h>

#define CT       "1.2.840.10008.5.1.4.1.1.2"
#define ENHANCED "1.2.840.10008.5.1.4.1.1.2.1"
#define DX       "1.2.840.10008.5.1.4.1.1.1.1"
#define SC       "1.2.840.10008.5.1.4.1.1.7"

struct object {
    const char *sop_class, *modality, *body_part, *study, *series, *image_type, *intent;
    const char *rule;
    enum conf_action action;
};

static const struct object objects[] = {
    {DX, "DX", "CSPINE", "", "", "DERIVED\\PRIMARY", "FOR PRESENTATION", "cervical-by-body-part",
     CONF_ANALYZE},
    {DX, "DX", "CSPINE", "", "", "ORIGINAL\\PRIMARY", "FOR PROCESSING", "for-processing",
     CONF_STORE_ONLY},
    {DX, "CR", "", "C-Spine 2 views", "", "", "", "cervical-by-study-description", CONF_ANALYZE},
    {DX, "CR", "", "", "HWS seitl.", "", "", "cervical-by-series-description", CONF_ANALYZE},
    {DX, "DX", "CHEST", "Thorax", "pa", "", "FOR PRESENTATION", "everything-else", CONF_IGNORE},
    {DX, "DX", "LSPINE", "Thoracic spine", "lateral", "", "", "everything-else", CONF_IGNORE},
    {CT, "CT", "CSPINE", "", "", "ORIGINAL\\PRIMARY\\AXIAL", "", "cervical-ct-by-body-part",
     CONF_ANALYZE},
    {ENHANCED, "CT", "CSPINE", "", "", "ORIGINAL\\PRIMARY\\VOLUME\\NONE", "",
     "cervical-ct-by-body-part", CONF_ANALYZE},
    {CT, "CT", "", "CT HWS nativ", "", "ORIGINAL\\PRIMARY\\AXIAL", "",
     "cervical-ct-by-study-description", CONF_ANALYZE},
    {CT, "CT", "HEAD", "Polytrauma", "C-Spine 1.0 B60s", "DERIVED\\SECONDARY\\MPR", "",
     "cervical-ct-by-series-description", CONF_ANALYZE},
    {CT, "CT", "CSPINE", "", "", "ORIGINAL\\PRIMARY\\LOCALIZER", "", "ct-localizer",
     CONF_STORE_ONLY},
    {CT, "CT", "NECK", "Soft tissue neck", "", "ORIGINAL\\PRIMARY\\AXIAL", "", "everything-else",
     CONF_IGNORE},
    {CT, "CT", "CHEST", "CT Thorax", "Lung", "ORIGINAL\\PRIMARY\\AXIAL", "", "everything-else",
     CONF_IGNORE},
    {SC, "CT", "CSPINE", "CT cervical spine", "Dose report", "DERIVED\\SECONDARY", "",
     "everything-else", CONF_IGNORE},
};

static void set(struct dx_attrs *attrs, const char *keyword, const char *text)
{
    uint32_t tag = conf_keyword_tag(keyword);

    assert_int_not_equal(tag, 0);
    if (text[0])
        assert_int_equal(dx_attrs_set_text(attrs, tag, "LO", text), DX_OK);
}

static void shipped_rules_take_what_they_say(void **state)
{
    struct conf *conf = load_good(SAMPLE);
    char error[256] = "";
    struct rules *rules = rules_create(conf, error, sizeof error);

    (void)state;
    assert_non_null(rules);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const struct object *object = &objects[i];
        struct dx_attrs *attrs = dx_attrs_create();
        assert_non_null(attrs);
        set(attrs, "SOPClassUID", object->sop_class);
        set(attrs, "Modality", object->modality);
        set(attrs, "BodyPartExamined", object->body_part);
        set(attrs, "StudyDescription", object->study);
        set(attrs, "SeriesDescription", object->series);
        set(attrs, "ImageType", object->image_type);
        set(attrs, "PresentationIntentType", object->intent);
        const struct conf_rule *rule = rules_select(rules, attrs);
        assert_non_null(rule);
        assert_string_equal(rule->name, object->rule);
        assert_int_equal(rule->action, object->action);
        dx_attrs_destroy(attrs);
    }
    rules_destroy(rules);
    conf_destroy(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_rules_take_what_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
