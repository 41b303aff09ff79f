/* The saliency on the model's own scale: measured on a source, written into model.xml, used by the
 * judge. */
#include "model/model_internal.h"
#include "nn_fixture.h"
#include "nn_train.h"

#define SIDE 64
#define AREA (SIDE * SIDE)

static struct nn_model_info info;
static char template[32], weights[PATH_MAX];
static struct nn_pool *pool;

static struct nn_model *assemble(double scale)
{
    struct nn_model *model = NULL;
    struct nn_error err;
    struct nn_model_info own = info;
    own.saliency_scale = scale;
    if (nn_model_assemble(&own, NULL, weights, &model, &err) != NN_OK)
        fail_msg("%s", err.text);
    return model;
}

static int open_all(void **state)
{
    (void)state;
    info = fixture_info(SIDE);
    info.weights_digest[0] = '\0';
    fixture_path(weights, fixture_dir(template), "weights.safetensors");
    fixture_weights(weights, 3, SIDE);
    pool = nn_pool_create(2);
    return pool ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    nn_pool_destroy(pool);
    fixture_remove(template);
    return 0;
}

/* Stripes whose width is the image's number. */
static enum nn_status stripes(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                              struct nn_error *err)
{
    size_t *loads = context;
    (void)epoch;
    if (loads && ++*loads == 1000)
        return nn_fail(err, NN_IO, "image %zu cannot be read", index);
    *plane = (struct nn_plane){70, 80, malloc(70 * 80 * sizeof(float))};
    if (!plane->pixels)
        return nn_fail(err, NN_NO_MEMORY, "no memory");
    for (size_t i = 0; i < 70 * 80; i++)
        plane->pixels[i] = (float)((i * (index + 3)) % 97) / 97.0f;
    return NN_OK;
}

static int no_label(void *context, size_t index, uint64_t epoch)
{
    (void)context;
    (void)index;
    (void)epoch;
    return 0;
}

/* The map of image `index`, and its percentile. */
static double map_of(const struct nn_model *model, size_t index, int class_, float *map)
{
    struct nn_judge *judge = NULL;
    struct nn_judgement judgement;
    struct nn_plane plane;
    struct nn_error err;
    double raw = -1;

    assert_int_equal(nn_judge_create(model, pool, &judge, &err), NN_OK);
    assert_int_equal(nn_judge_saliency_absolute(judge, class_, map, &raw, &err), NN_INVALID);
    assert_int_equal(stripes(NULL, index, 0, &plane, &err), NN_OK);
    assert_int_equal(nn_judge_plane(judge, plane.pixels, 70, 80, &judgement, &err), NN_OK);
    assert_int_equal(nn_judge_saliency_absolute(judge, 3, map, &raw, &err), NN_INVALID);
    assert_int_equal(nn_judge_saliency_absolute(judge, class_, map, NULL, &err), NN_OK);
    assert_int_equal(nn_judge_saliency_absolute(judge, class_, map, &raw, &err), NN_OK);
    nn_plane_finish(&plane);
    nn_judge_destroy(judge);
    return raw;
}

/* Without a scale it is nn_judge_saliency's map, only that its peak is not clipped. */
static void without_a_scale_it_is_relative(void **state)
{
    static float absolute[AREA], relative[AREA];
    struct nn_model *model = assemble(0);
    struct nn_judge *judge = NULL;
    struct nn_judgement judgement;
    struct nn_plane plane;
    struct nn_error err;
    int above = 0;

    (void)state;
    assert_true(map_of(model, 4, 1, absolute) > 0);
    assert_int_equal(nn_judge_create(model, pool, &judge, &err), NN_OK);
    assert_int_equal(stripes(NULL, 4, 0, &plane, &err), NN_OK);
    assert_int_equal(nn_judge_plane(judge, plane.pixels, 70, 80, &judgement, &err), NN_OK);
    assert_int_equal(nn_judge_saliency(judge, 1, relative, &err), NN_OK);
    for (int i = 0; i < AREA; i++) {
        assert_true(fminf(absolute[i], 1.0f) == relative[i]);
        above += absolute[i] > 1.0f;
    }
    assert_true(above > 0 && above < AREA / 100);
    nn_plane_finish(&plane);
    nn_judge_destroy(judge);
    nn_model_close(model);
}

static void with_a_scale_it_is_absolute(void **state)
{
    static float plain[AREA], scaled[AREA], other[AREA];
    struct nn_model *model = assemble(0);

    (void)state;
    double raw = map_of(model, 4, 1, plain);
    nn_model_close(model);
    model = assemble(4 * raw);
    assert_true(map_of(model, 4, 1, scaled) == raw);
    for (int i = 0; i < AREA; i++)
        assert_float_equal(scaled[i], plain[i] / 4, 1e-6f);
    /* two images on one scale: their percentiles tell them apart */
    double second = map_of(model, 9, 1, other);
    assert_true(fabs(second - raw) > 1e-3 * raw);
    nn_model_close(model);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Five images, all findings since the points are 0: the middle percentile of the map of each
 * image's highest finding. */
static void the_scale_is_the_median_of_findings(void **state)
{
    static float map[AREA];
    struct nn_model *model = assemble(0);
    struct nn_model_info points = info;
    struct nn_source source = {.count = 5, .label = no_label, .load = stripes};
    float scores[15];
    long confusion[9];
    double raw[5], scale;
    size_t images;
    struct nn_error err;

    (void)state;
    points.class_[0].operating_point = points.class_[1].operating_point = 0;
    assert_int_equal(nn_measure(model, &source, pool, confusion, scores, &err), NN_OK);
    for (size_t i = 0; i < 5; i++)
        raw[i] = map_of(model, i, scores[3 * i + 1] > scores[3 * i], map);
    assert_int_equal(
        nn_measure_saliency_scale(model, &points, &source, pool, &scale, &images, &err), NN_OK);
    qsort(raw, 5, sizeof raw[0], by_value);
    assert_int_equal(images, 5);
    assert_true(scale == raw[2]);
    source.count = 4; /* an even number: between the two in the middle */
    assert_int_equal(nn_measure_saliency_scale(model, &points, &source, pool, &scale, NULL, &err),
                     NN_OK);
    assert_true(scale > raw[0] && scale < raw[4]);
    /* a model that has a scale already is measured as if it had none */
    nn_model_close(model);
    model = assemble(17);
    source.count = 5;
    assert_int_equal(nn_measure_saliency_scale(model, &points, &source, pool, &scale, NULL, &err),
                     NN_OK);
    assert_true(scale == raw[2]);
    nn_model_close(model);
}

static void only_findings_count_and_not_too_many(void **state)
{
    struct nn_model *model = assemble(0);
    struct nn_model_info points = info;
    size_t loads = 0, images = 7;
    struct nn_source source = {.context = &loads, .count = 100, .label = no_label, .load = stripes};
    double scale = 7;
    struct nn_error err;

    (void)state;
    points.class_[0].operating_point = points.class_[1].operating_point = 2;
    source.count = 3;
    assert_int_equal(
        nn_measure_saliency_scale(model, &points, &source, pool, &scale, &images, &err), NN_OK);
    assert_true(scale == 0 && images == 0 && loads == 3);
    loads = 0;
    source.count = 100;
    points.class_[0].operating_point = points.class_[1].operating_point = 0;
    assert_int_equal(
        nn_measure_saliency_scale(model, &points, &source, pool, &scale, &images, &err), NN_OK);
    assert_true(scale > 0 && images == NN_SALIENCY_IMAGES && loads == NN_SALIENCY_IMAGES);
    loads = 998;
    assert_int_equal(
        nn_measure_saliency_scale(model, &points, &source, pool, &scale, &images, &err), NN_IO);
    nn_model_close(model);
}

/* ---- model.xml ---- */

static void read_xml(const char *dir, char *text, size_t size)
{
    char path[PATH_MAX];
    fixture_path(path, dir, "model.xml");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void write_xml(const char *dir, const char *text)
{
    char path[PATH_MAX];
    fixture_path(path, dir, "model.xml");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* `what` goes before the element that is named. */
static void insert(char *text, size_t size, const char *before, const char *what)
{
    char *at = strstr(text, before);
    assert_non_null(at);
    assert_true(strlen(text) + strlen(what) < size);
    memmove(at + strlen(what), at, strlen(at) + 1);
    memcpy(at, what, strlen(what));
}

static void it_is_written_and_read(void **state)
{
    char own[32], xml[8192];
    const char *dir = fixture_dir(own);
    struct nn_model_info from = fixture_info(SIDE), plain = fixture_info(SIDE), to;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_model_write(dir, &plain, NULL, &err), NN_OK);
    read_xml(dir, xml, sizeof xml);
    assert_null(strstr(xml, "<saliency"));
    from.saliency_scale = 0.1 + 0.2;
    assert_int_equal(nn_model_write(dir, &from, NULL, &err), NN_OK);
    read_xml(dir, xml, sizeof xml);
    assert_int_equal(nn_model_info_parse("m.xml", xml, strlen(xml), &to, &err), NN_OK);
    assert_true(to.saliency_scale == from.saliency_scale);
    assert_string_equal(to.digest, plain.digest); /* it changes no answer */
    fixture_remove(dir);
}

static void a_site_s_file_keeps_all_else(void **state)
{
    char own[32], xml[8192], validation[300];
    const char *dir = fixture_dir(own);
    struct nn_model_info plain = fixture_info(SIDE), to;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_model_write(dir, &plain, NULL, &err), NN_OK);
    read_xml(dir, xml, sizeof xml);
    snprintf(validation, sizeof validation,
             "<!-- by hand --><validation site=\"S\" person=\"P\" date=\"2026-11-26\" data=\"d\" "
             "measures=\"m\" digest=\"%s\"/>\n",
             plain.digest);
    insert(xml, sizeof xml, "<weights", validation);
    write_xml(dir, xml);
    for (int i = 1; i <= 2; i++) { /* put in, then replaced */
        assert_int_equal(nn_model_set_saliency_scale(dir, 0.25 * i, &err), NN_OK);
        read_xml(dir, xml, sizeof xml);
        assert_non_null(strstr(xml, "<!-- by hand -->"));
        char *first = strstr(xml, "<saliency ");
        assert_non_null(first);
        assert_null(strstr(first + 1, "<saliency "));
        if (nn_model_info_parse("m.xml", xml, strlen(xml), &to, &err) != NN_OK)
            fail_msg("%s", err.text);
        assert_true(to.validated && to.saliency_scale == 0.25 * i);
        assert_string_equal(to.digest, plain.digest);
    }
    fixture_remove(dir);
}

static void what_is_no_scale_is_refused(void **state)
{
    static const double wrong[] = {0, -1, 1e-60, 1e31, NAN, INFINITY};
    static const char *const elements[] = {"<saliency/>",
                                           "<saliency scale=\"0\"/>",
                                           "<saliency scale=\"-1\"/>",
                                           "<saliency scale=\"\"/>",
                                           "<saliency scale=\"1e-60\"/>",
                                           "<saliency scale=\"1e31\"/>",
                                           "<saliency scale=\"NaN\"/>",
                                           "<saliency scale=\"INF\"/>",
                                           "<saliency scale=\"1 2\"/>",
                                           "<saliency scale=\"1\" more=\"2\"/>",
                                           "<saliency scale=\"1\"/><saliency scale=\"1\"/>"};
    char own[32], xml[8192], again[8192];
    const char *dir = fixture_dir(own);
    struct nn_model_info plain = fixture_info(SIDE), to;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_model_write(dir, &plain, NULL, &err), NN_OK);
    read_xml(dir, xml, sizeof xml);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(nn_model_set_saliency_scale(dir, wrong[i], &err), NN_INVALID);
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        memcpy(again, xml, sizeof again);
        insert(again, sizeof again, "<weights", elements[i]);
        assert_int_equal(nn_model_info_parse("m.xml", again, strlen(again), &to, &err),
                         NN_BAD_DATA);
    }
    read_xml(dir, again, sizeof again);
    assert_string_equal(xml, again);
    write_xml(dir, "<model");
    assert_int_equal(nn_model_set_saliency_scale(dir, 1, &err), NN_BAD_DATA);
    assert_int_equal(nn_model_set_saliency_scale("/nonexistent", 1, &err), NN_MISSING);
    fixture_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_scale_it_is_relative),
        cmocka_unit_test(with_a_scale_it_is_absolute),
        cmocka_unit_test(the_scale_is_the_median_of_findings),
        cmocka_unit_test(only_findings_count_and_not_too_many),
        cmocka_unit_test(it_is_written_and_read),
        cmocka_unit_test(a_site_s_file_keeps_all_else),
        cmocka_unit_test(what_is_no_scale_is_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
