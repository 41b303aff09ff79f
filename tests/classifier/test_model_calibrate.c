/* Temperature: scores at T from scores at 1, and who applies it. */
#include "nn_fixture.h"
#include "nn_train.h"

/* softmax(logits / T) from the scores at 1, against the definition in double. */
static void temperature_softens_scores(void **state)
{
    static struct nn_model_info info;
    const double logits[3] = {4, -2.5, 1.25}, temperatures[3] = {0.5, 1, 2.5};

    (void)state;
    info = fixture_info(64);
    for (int t = 0; t < 3; t++) {
        double sum = 0, softened = 0;
        float score[3];
        for (int i = 0; i < 3; i++) {
            sum += exp(logits[i]);
            softened += exp(logits[i] / temperatures[t]);
        }
        for (int i = 0; i < 3; i++)
            score[i] = (float)(exp(logits[i]) / sum);
        info.temperature = temperatures[t];
        nn_model_calibrate(&info, score);
        for (int i = 0; i < 3; i++)
            assert_float_equal(score[i], (float)(exp(logits[i] / temperatures[t]) / softened),
                               1e-6f);
    }
    float sure[3] = {1, 0, 0}, broken[3] = {NAN, 0.5f, 0.5f};
    info.temperature = 2;
    nn_model_calibrate(&info, sure);
    assert_true(isfinite(sure[0]) && isfinite(sure[1]) && sure[0] > sure[1]);
    nn_model_calibrate(&info, broken);
    assert_true(isnan(broken[0]));
}

static enum nn_status grey(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                           struct nn_error *err)
{
    (void)context;
    (void)epoch;
    *plane = (struct nn_plane){64, 64, malloc(64 * 64 * sizeof(float))};
    if (plane->pixels == NULL)
        return nn_fail(err, NN_NO_MEMORY, "no memory");
    for (size_t i = 0; i < 64 * 64; i++)
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

/* The judge and the measures both answer at the model's temperature, and alike. */
static void a_calibrated_model_answers_so(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    static struct nn_model_info info;
    struct nn_source source = {.count = 2, .label = no_label, .load = grey};
    struct nn_judgement judged[2][2];
    float measured[2][6];
    long confusion[9];
    struct nn_error err;

    (void)state;
    fixture_path(path, dir, "weights.safetensors");
    fixture_weights(path, 3, 64);
    for (int warm = 0; warm < 2; warm++) {
        struct nn_model *model;
        struct nn_judge *judge;
        info = fixture_info(64);
        info.weights_digest[0] = '\0';
        info.temperature = warm ? 3 : 0;
        assert_int_equal(nn_model_assemble(&info, NULL, path, &model, &err), NN_OK);
        assert_true(nn_model_info(model)->temperature == (warm ? 3 : 1));
        assert_int_equal(nn_judge_create(model, NULL, &judge, &err), NN_OK);
        for (size_t i = 0; i < 2; i++) {
            struct nn_plane plane;
            assert_int_equal(grey(NULL, i, 0, &plane, &err), NN_OK);
            assert_int_equal(nn_judge_plane(judge, plane.pixels, 64, 64, &judged[warm][i], &err),
                             NN_OK);
            free(plane.pixels);
        }
        if (nn_measure(model, &source, NULL, confusion, measured[warm], &err) != NN_OK)
            fail_msg("%s", err.text);
        nn_judge_destroy(judge);
        nn_model_close(model);
    }
    for (size_t i = 0; i < 2; i++) {
        float expected[3];
        memcpy(expected, judged[0][i].score, sizeof expected);
        nn_model_calibrate(&info, expected);
        assert_memory_equal(judged[1][i].score, expected, sizeof expected);
        assert_memory_not_equal(judged[1][i].score, judged[0][i].score, sizeof expected);
        assert_int_equal(judged[1][i].top, judged[0][i].top);
        assert_memory_equal(&measured[1][3 * i], expected, sizeof expected);
    }
    fixture_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temperature_softens_scores),
        cmocka_unit_test(a_calibrated_model_answers_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
