/* The map of a gradient, and a judge's map of a plane. */
#include "model/model_internal.h"
#include "nn_fixture.h"

#define SIDE 64

static void a_point_becomes_a_blob(void **state)
{
    static float gradient[3 * SIDE * SIDE], map[SIDE * SIDE];
    struct nn_error err;
    float most = 0;

    (void)state;
    memset(gradient, 0, sizeof gradient);
    gradient[SIDE * SIDE + 20 * SIDE + 40] = -3.0f; /* the sign and the channel do not matter */
    gradient[2 * SIDE * SIDE + 20 * SIDE + 40] = 1.0f;
    assert_int_equal(nn_saliency_map(gradient, 3, SIDE, map, &err), NN_OK);
    for (int i = 0; i < SIDE * SIDE; i++) {
        assert_true(map[i] >= 0 && map[i] <= 1);
        most = fmaxf(most, map[i]);
    }
    assert_float_equal(most, 1.0f, 0);
    assert_float_equal(map[20 * SIDE + 40], 1.0f, 1e-6f);
    assert_true(map[20 * SIDE + 43] < map[20 * SIDE + 42]);
    assert_float_equal(map[20 * SIDE + 37], map[20 * SIDE + 43], 1e-5f);
    assert_float_equal(map[17 * SIDE + 40], map[23 * SIDE + 40], 1e-5f);
    assert_float_equal(map[50 * SIDE + 10], 0.0f, 1e-6f);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* One axis, one place after the other. */
static void blur_plainly(const float *from, bool down, float *to)
{
    double sigma = NN_SALIENCY_SIGMA * SIDE;
    int radius = (int)ceil(3 * sigma);

    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            float sum = 0, weight = 0;
            for (int k = -radius; k <= radius; k++) {
                int v = down ? y + k : y, u = down ? x : x + k;
                float w = (float)exp(-0.5 * k * k / (sigma * sigma));
                if (u < 0 || v < 0 || u >= SIDE || v >= SIDE)
                    continue;
                sum += w * from[v * SIDE + u];
                weight += w;
            }
            to[y * SIDE + x] = sum / weight;
        }
}

static void as_the_plain_sums_and_a_sorted_percentile(void **state)
{
    static float gradient[SIDE * SIDE], across[SIDE * SIDE], expected[SIDE * SIDE],
        map[SIDE * SIDE];
    struct nn_error err;
    uint64_t random = 5;
    float top;

    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        gradient[i] = fabsf(fixture_random(&random)) * (i % 7 == 0 ? 1e-3f : 40.0f);
    blur_plainly(gradient, false, across);
    blur_plainly(across, true, expected);
    assert_int_equal(nn_saliency_raw(gradient, 1, SIDE, map, &top, &err), NN_OK);
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_float_equal(map[i], expected[i], 1e-6f * expected[i]);
    qsort(map, SIDE * SIDE, sizeof *map, by_value);
    assert_float_equal(top, map[(size_t)(0.995 * (SIDE * SIDE - 1))], 0);
}

static void nothing_stays_nothing(void **state)
{
    static float gradient[3 * SIDE * SIDE], map[SIDE * SIDE];
    struct nn_error err;

    (void)state;
    memset(gradient, 0, sizeof gradient);
    assert_int_equal(nn_saliency_map(gradient, 3, SIDE, map, &err), NN_OK);
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_float_equal(map[i], 0.0f, 0);
    gradient[5] = NAN;
    assert_int_equal(nn_saliency_map(gradient, 3, SIDE, map, &err), NN_BAD_DATA);
    gradient[5] = INFINITY;
    assert_int_equal(nn_saliency_map(gradient, 3, SIDE, map, &err), NN_BAD_DATA);
}

struct fixture {
    char template[32];
    struct nn_model *model;
    struct nn_pool *pool;
    struct nn_judge *judge;
};

static struct fixture fixture;

static int open_model(void **state)
{
    struct nn_model_info info = fixture_info(SIDE);
    struct nn_error err;
    char path[PATH_MAX];

    (void)state;
    fixture_path(path, fixture_dir(fixture.template), "weights.safetensors");
    fixture_weights(path, 3, SIDE);
    info.weights_digest[0] = '\0';
    fixture.pool = nn_pool_create(2);
    if (nn_model_assemble(&info, NULL, path, &fixture.model, &err) != NN_OK)
        return -1;
    return nn_judge_create(fixture.model, fixture.pool, &fixture.judge, &err) == NN_OK ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    nn_judge_destroy(fixture.judge);
    nn_judge_destroy(NULL);
    nn_model_close(fixture.model);
    nn_pool_destroy(fixture.pool);
    fixture_remove(fixture.template);
    return 0;
}

static void draw(float *plane, int rows, int cols, uint64_t seed)
{
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++)
            plane[y * cols + x] = 0.5f + 0.4f * sinf((float)(x * (int)(seed + 1)) * 0.1f) *
                                             cosf((float)(y + (int)seed * 13) * 0.07f);
    }
}

static void misuse_is_refused(void **state)
{
    static float map[SIDE * SIDE], plane[80 * 70];
    struct nn_judgement judgement;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_judge_saliency(fixture.judge, 0, map, &err), NN_INVALID);
    draw(plane, 80, 70, 1);
    assert_int_equal(nn_judge_plane(fixture.judge, plane, 80, 70, &judgement, &err), NN_OK);
    assert_int_equal(nn_judge_saliency(fixture.judge, 3, map, &err), NN_INVALID);
    assert_int_equal(nn_judge_saliency(fixture.judge, -1, map, &err), NN_INVALID);
    plane[7] = NAN;
    assert_int_equal(nn_judge_plane(fixture.judge, plane, 80, 70, &judgement, &err), NN_BAD_DATA);
    assert_int_equal(nn_judge_saliency(fixture.judge, 0, map, &err), NN_INVALID);
}

static void scores_sum_to_one_and_planes_differ(void **state)
{
    static float plane[80 * 70], map[2][SIDE * SIDE];
    struct nn_judgement judgement[2];
    struct nn_error err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        draw(plane, 80, 70, (uint64_t)i);
        assert_int_equal(nn_judge_plane(fixture.judge, plane, 80, 70, &judgement[i], &err), NN_OK);
        const float *s = judgement[i].score;
        assert_float_equal(s[0] + s[1] + s[2], 1.0f, 1e-5f);
        for (int c = 0; c < 3; c++)
            assert_true(s[judgement[i].top] >= s[c]);
        assert_int_equal(nn_judge_saliency(fixture.judge, 1, map[i], &err), NN_OK);
    }
    assert_true(memcmp(judgement[0].score, judgement[1].score, 12) != 0);
    assert_true(memcmp(map[0], map[1], sizeof map[0]) != 0);
}

/* Maps can be asked in any order and again, and are the same bits. */
static void asking_again_changes_nothing(void **state)
{
    static float plane[80 * 70], map[3][SIDE * SIDE];
    struct nn_judgement judgement;
    struct nn_error err;

    (void)state;
    draw(plane, 80, 70, 5);
    assert_int_equal(nn_judge_plane(fixture.judge, plane, 80, 70, &judgement, &err), NN_OK);
    assert_int_equal(nn_judge_saliency(fixture.judge, 0, map[0], &err), NN_OK);
    assert_int_equal(nn_judge_saliency(fixture.judge, 1, map[1], &err), NN_OK);
    assert_int_equal(nn_judge_saliency(fixture.judge, 0, map[2], &err), NN_OK);
    assert_memory_equal(map[0], map[2], sizeof map[0]);
    assert_true(memcmp(map[0], map[1], sizeof map[0]) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_becomes_a_blob),
        cmocka_unit_test(as_the_plain_sums_and_a_sorted_percentile),
        cmocka_unit_test(nothing_stays_nothing),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(scores_sum_to_one_and_planes_differ),
        cmocka_unit_test(asking_again_changes_nothing),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
