/* model.xml: what is written can be read, what is wrong is refused with its line; model folders. */
#include "nn_fixture.h"

static const char head[] = "<?xml version=\"1.0\"?>\n"
                           "<model name=\"m\" version=\"1\" network=\"googlenet\">\n"
                           "<intended-use>tests</intended-use>\n"
                           "<scope modalities=\"CR DX\" body-parts=\"CSPINE\" views=\"LL\" "
                           "minimum-age=\"16\"/>\n";
static const char input[] =
    "<input side=\"64\" fit=\"stretch\" scale=\"255\" mean=\"104 117 123\"/>\n";
static const char classes[] =
    "<classes>\n"
    "<class number=\"0\" name=\"dislocation\" finding=\"true\" operating-point=\"0.25\"/>\n"
    "<class number=\"1\" name=\"normal\" finding=\"false\"/>\n"
    "</classes>\n";
static const char middle[] = "<calibration method=\"none\"/>\n"
                             "<provenance kind=\"synthetic\">a test</provenance>\n";
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char tail[] = "<weights sha256=\"" DIGEST "\"/>\n</model>\n";

static enum nn_status parse(const char *a, const char *b, const char *c, const char *d,
                            const char *e, struct nn_model_info *info, struct nn_error *err)
{
    char xml[8192];
    int size = snprintf(xml, sizeof xml, "%s%s%s%s%s", a, b, c, d, e);

    assert_true(size > 0 && (size_t)size < sizeof xml);
    *err = (struct nn_error){0};
    return nn_model_info_parse("m.xml", xml, (size_t)size, info, err);
}

static void refused(const char *a, const char *b, const char *c, const char *d, const char *e,
                    const char *where)
{
    static struct nn_model_info info;
    struct nn_error err;

    assert_int_equal(parse(a, b, c, d, e, &info, &err), NN_BAD_DATA);
    if (!strstr(err.text, where))
        fail_msg("\"%s\" lacks \"%s\"", err.text, where);
}

static void a_good_file_is_read(void **state)
{
    static struct nn_model_info info;
    struct nn_error err;

    (void)state;
    if (parse(head, input, classes, middle, tail, &info, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(info.classes, 2);
    assert_string_equal(info.class_[0].name, "dislocation");
    assert_true(info.class_[0].finding);
    assert_false(info.class_[1].finding);
    assert_int_equal(info.preprocess.side, 64);
    assert_float_equal(info.preprocess.mean[2], 123.0f, 0);
    assert_int_equal(info.provenance, NN_SYNTHETIC);
    assert_false(info.validated);
    assert_string_equal(info.weights_digest, DIGEST);
    assert_int_equal(strlen(info.digest), 64);
}

static void errors_name_file_and_line(void **state)
{
    (void)state;
    refused("", input, classes, middle, tail, "m.xml:");
    refused(head, "", classes, middle, tail, "m.xml:5:");
    refused(head, input, "<classes>\n</classes>\n", middle, tail, "m.xml:6:");
    refused(head, input, "<unknown/>\n", middle, tail, "m.xml:6:");
    refused(head, input, classes, "<calibration method=\"platt\"/>\n", tail, "m.xml:10:");
    refused(head, "<input side=\"64x\" fit=\"stretch\" scale=\"255\" mean=\"1 2 3\"/>\n", classes,
            middle, tail, "m.xml:5:");
    refused(head, "<input side=\"64\" fit=\"crop\" scale=\"255\" mean=\"1 2 3\"/>\n", classes,
            middle, tail, "m.xml:5:");
    refused(head, "<input side=\"64\" fit=\"pad\" scale=\"NaN\" mean=\"1 2 3\"/>\n", classes,
            middle, tail, "m.xml:5:");
    refused(head, "<input side=\"64\" fit=\"pad\" scale=\"1\" mean=\"1 2\"/>\n", classes, middle,
            tail, "m.xml:5:");
    refused(head, "<input side=\"64\" fit=\"pad\" scale=\"1\" mean=\"1 2 INF\"/>\n", classes,
            middle, tail, "m.xml:5:");
    refused(head, input, classes, middle, "<weights sha256=\"12\"/>\n</model>\n", "m.xml:12:");
    refused(head, input, classes, middle, "</mode>\n", "m.xml:12:");
}

static void what_a_schema_cannot_say(void **state)
{
    (void)state;
    refused(head, input,
            "<classes>\n<class number=\"0\" name=\"a\" finding=\"false\"/>\n"
            "<class number=\"1\" name=\"b\" finding=\"false\"/>\n</classes>\n",
            middle, tail, "exactly one class");
    refused(head, input,
            "<classes>\n<class number=\"0\" name=\"a\" finding=\"true\"/>\n"
            "<class number=\"1\" name=\"b\" finding=\"false\"/>\n</classes>\n",
            middle, tail, "m.xml:7: a finding needs an operating-point");
    refused(head, input,
            "<classes>\n<class number=\"0\" name=\"a\" finding=\"true\" operating-point=\"0.5\"/>\n"
            "<class number=\"2\" name=\"b\" finding=\"false\"/>\n</classes>\n",
            middle, tail, "without a gap");
    refused(head, input,
            "<classes>\n<class number=\"0\" name=\"a\" finding=\"true\" operating-point=\"0.5\"/>\n"
            "<class number=\"0\" name=\"b\" finding=\"false\"/>\n</classes>\n",
            middle, tail, "m.xml:");
    refused("<?xml version=\"1.0\"?>\n<model name=\"m\" version=\"1\" network=\"vgg\">\n"
            "<intended-use>t</intended-use>\n<scope modalities=\"CR\" body-parts=\"CSPINE\" "
            "views=\"LL\" minimum-age=\"16\"/>\n",
            input, classes, middle, tail, "m.xml:2: network");
    refused(head, input, classes, middle,
            "<measures data=\"d\"><confusion truth=\"dislocation\" answers=\"1 2\"/>"
            "<confusion truth=\"dislocation\" answers=\"1 2\"/>"
            "<finding class=\"dislocation\" sensitivity=\"1\" specificity=\"1\" auc=\"1\"/>"
            "</measures>\n<weights sha256=\"" DIGEST "\"/>\n</model>\n",
            "stands twice");
    refused(head, input, classes, middle,
            "<measures data=\"d\"><confusion truth=\"dislocation\" answers=\"1 2\"/>"
            "<confusion truth=\"normal\" answers=\"1 2\"/>"
            "<finding class=\"normal\" sensitivity=\"1\" specificity=\"1\" auc=\"1\"/>"
            "</measures>\n<weights sha256=\"" DIGEST "\"/>\n</model>\n",
            "not a finding");
}

static void hostile_xml(void **state)
{
    static struct nn_model_info info;
    struct nn_error err;

    (void)state;
    refused("<?xml version=\"1.0\"?>\n<!DOCTYPE model [<!ENTITY a \"aaaa\">]>\n", head + 22, input,
            classes, "", "m.xml");
    refused("<!DOCTYPE model SYSTEM \"file:///etc/passwd\">\n", head + 22, input, classes, tail,
            "m.xml");
    char *large = malloc(NN_MODEL_XML_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', NN_MODEL_XML_MAX + 1);
    assert_int_equal(nn_model_info_parse("m.xml", large, NN_MODEL_XML_MAX + 1, &info, &err),
                     NN_LIMIT);
    assert_int_equal(nn_model_info_parse("m.xml", large, 10, &info, &err), NN_BAD_DATA);
    assert_int_equal(nn_model_info_parse("m.xml", large, 0, &info, &err), NN_BAD_DATA);
    free(large);
}

/* A validation counts for exactly one digest; any other is refused. */
static void validation_is_bound_to_the_digest(void **state)
{
    static struct nn_model_info info;
    struct nn_error err;
    char validation[600], digest[65];
    static const char form[] = "%s<validation site=\"S\" person=\"P\" date=\"2026-01-31\" "
                               "data=\"D\" measures=\"M\" digest=\"%s\"/>\n";

    (void)state;
    assert_int_equal(parse(head, input, classes, middle, tail, &info, &err), NN_OK);
    snprintf(digest, sizeof digest, "%s", info.digest);
    snprintf(validation, sizeof validation, form, middle, digest);
    assert_int_equal(parse(head, input, classes, validation, tail, &info, &err), NN_OK);
    assert_true(info.validated);
    assert_string_equal(info.digest, digest);
    snprintf(validation, sizeof validation, form, middle, DIGEST);
    refused(head, input, classes, validation, tail, "m.xml:12: validation is of another model");
}

static void what_is_written_can_be_read(void **state)
{
    char template[32], path[PATH_MAX], xml[16384];
    const char *dir = fixture_dir(template);
    struct nn_model_info from = fixture_info(64), to;
    struct nn_error err;

    (void)state;
    from.measured = true;
    snprintf(from.measures.data, sizeof from.measures.data, "nine drawings");
    for (int i = 0; i < 9; i++)
        from.measures.confusion[i] = 10 * i;
    from.measures.finding[0].sensitivity = 1.0 / 3;
    from.measures.finding[1].auc = 0.875;
    from.class_[0].operating_point = 0.1 + 0.2;
    assert_int_equal(nn_model_write(dir, &from, NULL, &err), NN_OK);
    fixture_path(path, dir, "model.xml");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(xml, 1, sizeof xml, file);
    fclose(file);
    if (nn_model_info_parse(path, xml, size, &to, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_memory_equal(&to.measures.confusion, &from.measures.confusion,
                        sizeof to.measures.confusion);
    assert_true(to.measures.finding[0].sensitivity == from.measures.finding[0].sensitivity);
    assert_true(to.class_[0].operating_point == from.class_[0].operating_point);
    assert_string_equal(to.digest, from.digest);
    assert_string_equal(to.provenance_text, from.provenance_text);
    assert_string_equal(to.views, from.views);
    fixture_remove(dir);
    assert_int_equal(nn_model_write("/nonexistent", &from, NULL, &err), NN_IO);
}

static void what_would_be_refused_is_not_written(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    struct nn_model_info info = fixture_info(64);
    struct nn_error err;

    (void)state;
    memset(info.provenance_text, 'x', sizeof info.provenance_text - 1);
    assert_int_equal(nn_model_write(dir, &info, NULL, &err), NN_INVALID);
    info = fixture_info(64);
    info.class_[0].operating_point = 1.5;
    assert_int_equal(nn_model_write(dir, &info, NULL, &err), NN_INVALID);
    info = fixture_info(64);
    info.preprocess.scale[0] = NAN;
    assert_int_equal(nn_model_write(dir, &info, NULL, &err), NN_INVALID);
    fixture_path(path, dir, "model.xml");
    assert_int_equal(access(path, F_OK), -1);
    fixture_remove(dir);
}

/* The digest changes with all that changes an answer or its use, and with nothing else. */
static void digest_follows_what_matters(void **state)
{
    char template[32];
    const char *dir = fixture_dir(template);
    struct nn_model_info a = fixture_info(64), b = fixture_info(64);
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_model_write(dir, &a, NULL, &err), NN_OK);
    snprintf(b.intended_use, sizeof b.intended_use, "other words");
    assert_int_equal(nn_model_write(dir, &b, NULL, &err), NN_OK);
    assert_string_equal(a.digest, b.digest);
    b.class_[0].operating_point = nextafter(0.25, 1);
    assert_int_equal(nn_model_write(dir, &b, NULL, &err), NN_OK);
    assert_string_not_equal(a.digest, b.digest);
    b = fixture_info(64);
    b.preprocess.mean[1] = 116;
    assert_int_equal(nn_model_write(dir, &b, NULL, &err), NN_OK);
    assert_string_not_equal(a.digest, b.digest);
    b = fixture_info(64);
    b.provenance = NN_CLINICAL; /* what lifts the bar of clinical mode is no word among words */
    assert_int_equal(nn_model_write(dir, &b, NULL, &err), NN_OK);
    assert_string_not_equal(a.digest, b.digest);
    fixture_remove(dir);
}

static void written_and_read(struct nn_model_info *from, struct nn_model_info *to)
{
    char template[32], path[PATH_MAX], xml[16384];
    const char *dir = fixture_dir(template);
    struct nn_error err;

    if (nn_model_write(dir, from, NULL, &err) != NN_OK)
        fail_msg("%s", err.text);
    fixture_path(path, dir, "model.xml");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(xml, 1, sizeof xml, file);
    fclose(file);
    if (nn_model_info_parse(path, xml, size, to, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_string_equal(to->digest, from->digest);
    fixture_remove(dir);
}

/* Preprocessing, calibration and the division come back, each in the digest when it matters. */
static void optional_parts_come_back(void **state)
{
    static struct nn_model_info plain, all, one, back;

    (void)state;
    plain = fixture_info(64);
    written_and_read(&plain, &back);
    assert_true(back.temperature == 1 && back.preprocess.denoise == 0);
    assert_int_equal(back.preprocess.normalise, NN_NORMALISE_NONE);
    assert_int_equal(back.preprocess.region, NN_REGION_WHOLE);
    assert_string_equal(back.split, "");

    all = fixture_info(64);
    all.preprocess.scale[0] = 1.0f / 0.229f;
    all.preprocess.scale[1] = 1.0f / 0.224f;
    all.preprocess.normalise = NN_NORMALISE_PERCENTILE;
    all.preprocess.denoise = 0.8f;
    all.preprocess.region = NN_REGION_SPINE;
    all.temperature = 1.7;
    snprintf(all.split, sizeof all.split, "random");
    all.leaking_pairs = 312;
    written_and_read(&all, &back);
    assert_memory_equal(&back.preprocess, &all.preprocess, sizeof back.preprocess);
    assert_true(back.temperature == 1.7);
    assert_string_equal(back.split, "random");
    assert_int_equal(back.leaking_pairs, 312);

    for (int i = 0; i < 6; i++) {
        one = fixture_info(64);
        one.preprocess.scale[2] = i == 0 ? 254 : 255;
        one.preprocess.normalise = i == 1 ? NN_NORMALISE_PERCENTILE : NN_NORMALISE_NONE;
        one.preprocess.denoise = i == 2 ? 0.5f : 0;
        one.preprocess.region = i == 3 ? NN_REGION_SPINE : NN_REGION_WHOLE;
        one.temperature = i == 4 ? nextafter(1, 2) : 1;
        snprintf(one.split, sizeof one.split, "%s", i == 5 ? "grouped" : "");
        written_and_read(&one, &back);
        assert_int_equal(strcmp(one.digest, plain.digest) == 0, i == 5);
    }
}

static void optional_parts_are_checked(void **state)
{
    static const char *const inputs[] = {"scale=\"1 2\"",
                                         "scale=\"1 2 3 4\"",
                                         "scale=\"\"",
                                         "scale=\"1 0 1\"",
                                         "scale=\"1 -1 1\"",
                                         "scale=\"1 NaN 1\"",
                                         "scale=\"70000\"",
                                         "scale=\"1e-60\"",
                                         "scale=\"1\" normalise=\"yes\"",
                                         "scale=\"1\" denoise=\"-1\"",
                                         "scale=\"1\" denoise=\"17\"",
                                         "scale=\"1\" denoise=\"NaN\"",
                                         "scale=\"1\" region=\"neck\""};
    static const char *const origins[] = {
        "<calibration method=\"temperature\"/>\n",
        "<calibration method=\"none\" temperature=\"2\"/>\n",
        "<calibration method=\"temperature\" temperature=\"0\"/>\n",
        "<calibration method=\"temperature\" temperature=\"INF\"/>\n",
        "<calibration method=\"temperature\" temperature=\"101\"/>\n"};
    static const char *const trainings[] = {"<training/>\n", "<training split=\"lucky\"/>\n",
                                            "<training split=\"random\" leaking-pairs=\"-1\"/>\n"};
    char xml[400];

    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        snprintf(xml, sizeof xml, "<input side=\"64\" fit=\"pad\" mean=\"1 2 3\" %s/>\n",
                 inputs[i]);
        refused(head, xml, classes, middle, tail, "m.xml:5:");
    }
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        snprintf(xml, sizeof xml, "%s<provenance kind=\"synthetic\">a test</provenance>\n",
                 origins[i]);
        refused(head, input, classes, xml, tail, "m.xml:10:");
    }
    for (size_t i = 0; i < sizeof trainings / sizeof *trainings; i++) {
        snprintf(xml, sizeof xml, "%s%s", middle, trainings[i]);
        refused(head, input, classes, xml, tail, "m.xml:12:");
    }
}

/* What a <validation> may be bound to: a digest of the first version counts for ever. */
static void the_first_digest_stays(void **state)
{
    static struct nn_model_info info;
    struct nn_error err;

    (void)state;
    assert_int_equal(parse(head, input, classes, middle, tail, &info, &err), NN_OK);
    assert_string_equal(info.digest,
                        "5fed368f35eb028d655e861020c3d9503accde34af80e7d771da2a09061810c4");
}

static void a_folder_opens_and_judges(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    static struct nn_model_info info;
    struct nn_model *model = NULL;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_model_open(dir, &model, &err), NN_MISSING);
    fixture_path(path, dir, "weights.safetensors");
    fixture_weights(path, 3, 64);
    info = fixture_info(64);
    assert_int_equal(nn_model_write(dir, &info, NULL, &err), NN_OK);
    assert_int_equal(nn_model_open(dir, &model, &err), NN_BAD_DATA); /* digest of "aaaa..." */
    assert_non_null(strstr(err.text, "SHA-256"));
    assert_null(model);
    info.weights_digest[0] = '\0';
    assert_int_equal(nn_model_assemble(&info, NULL, path, &model, &err), NN_OK);
    info = *nn_model_info(model);
    nn_model_close(model);
    assert_int_equal(nn_model_write(dir, &info, NULL, &err), NN_OK);
    if (nn_model_open(dir, &model, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_string_equal(nn_model_info(model)->digest, info.digest);
    nn_model_close(model);
    nn_model_close(NULL);
    fixture_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_read),
        cmocka_unit_test(errors_name_file_and_line),
        cmocka_unit_test(what_a_schema_cannot_say),
        cmocka_unit_test(hostile_xml),
        cmocka_unit_test(validation_is_bound_to_the_digest),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(what_would_be_refused_is_not_written),
        cmocka_unit_test(digest_follows_what_matters),
        cmocka_unit_test(optional_parts_come_back),
        cmocka_unit_test(optional_parts_are_checked),
        cmocka_unit_test(the_first_digest_stays),
        cmocka_unit_test(a_folder_opens_and_judges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
