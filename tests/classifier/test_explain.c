/* Explanations where the answer is known: linear networks, whose gradients are their weights. And
 * the measures of a map. */
#include "model/model_internal.h"
#include "networks.h"
#include "nn_explain.h"
#include "nn_fixture.h"

#define SIDE 24
#define AREA (SIDE * SIDE)

/* A model around a graph, without a folder. */
struct fixture {
    struct nn_model model;
    struct nn_pool *pool;
    struct nn_judge *judge;
    float plane[AREA];
};

static void fixture_open(struct fixture *f, struct nn_graph *graph, const char *head, int threads)
{
    struct nn_judgement judgement;
    struct nn_error err = {0};

    memset(f, 0, sizeof *f);
    f->model.info = fixture_info(SIDE);
    f->model.graph = finished(graph);
    f->model.head = nn_graph_find(graph, head);
    f->model.values = draw_values(graph, 5);
    f->pool = nn_pool_create(threads);
    for (int i = 0; i < 3; i++) {
        f->model.info.preprocess.scale[i] = 1;
        f->model.info.preprocess.mean[i] = 0;
    }
    fill(f->plane, AREA, 21);
    for (int i = 0; i < AREA; i++)
        f->plane[i] = 0.5f + 0.5f * f->plane[i];
    assert_int_equal(nn_judge_create(&f->model, f->pool, &f->judge, &err), NN_OK);
    assert_int_equal(nn_judge_plane(f->judge, f->plane, SIDE, SIDE, &judgement, &err), NN_OK);
}

static void fixture_close(struct fixture *f)
{
    nn_judge_destroy(f->judge);
    nn_pool_destroy(f->pool);
    nn_values_destroy(f->model.values);
    nn_graph_destroy(f->model.graph);
}

/* data -> classes, and nothing between. */
static struct nn_graph *linear_network(void)
{
    struct nn_graph *graph = nn_graph_create();
    int x = nn_graph_input(graph, "data", (struct nn_shape){3, SIDE, SIDE});
    x = nn_graph_linear(graph, "classifier", x, 3, false);
    nn_graph_softmax(graph, "prob", x);
    return graph;
}

/* data -> one convolution as large as the input -> mean -> classes. */
static struct nn_graph *pooled_network(int stride, bool relu)
{
    struct nn_graph *graph = nn_graph_create();
    int x = nn_graph_input(graph, "data", (struct nn_shape){3, SIDE, SIDE});
    x = nn_graph_conv2d(graph, "features", x,
                        (struct nn_conv2d){.out_channels = 7,
                                           .kernel_h = 3,
                                           .kernel_w = 3,
                                           .stride_h = stride,
                                           .stride_w = stride,
                                           .pad_h = 1,
                                           .pad_w = 1,
                                           .groups = 1,
                                           .relu = relu});
    x = nn_graph_global_avg_pool(graph, "pool", x);
    x = nn_graph_dropout(graph, "drop", x, 0.5f);
    x = nn_graph_linear(graph, "classifier", x, 3, false);
    nn_graph_softmax(graph, "prob", x);
    return graph;
}

static void explain(struct fixture *f, struct nn_explain how, float *map)
{
    struct nn_error err = {0};
    if (nn_judge_explain(f->judge, &how, 1, map, &err) != NN_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < AREA; i++)
        assert_true(map[i] >= 0 && map[i] <= 1);
}

static void same_map(const float *a, const float *b, float tolerance)
{
    for (int i = 0; i < AREA; i++)
        if (!(fabsf(a[i] - b[i]) <= tolerance))
            fail_msg("maps differ at %d: %g and %g", i, (double)a[i], (double)b[i]);
}

static const struct nn_explain smooth = {.method = NN_EXPLAIN_SMOOTHGRAD, .samples = 5, .seed = 3};

/* A linear network has one gradient, with noise or without: its weights. */
static void gradients_of_a_linear_network_are_its_weights(void **state)
{
    static float map[2][AREA], want[AREA];
    struct nn_error err;
    struct fixture f;

    (void)state;
    fixture_open(&f, linear_network(), "classifier", 1);
    assert_int_equal(
        nn_saliency_map(nn_values_peek(f.model.values, 0) + 3 * AREA, 3, SIDE, want, &err), NN_OK);
    explain(&f, (struct nn_explain){0}, map[0]);
    assert_memory_equal(map[0], want, sizeof want);
    assert_int_equal(nn_judge_saliency(f.judge, 1, map[1], &err), NN_OK);
    assert_memory_equal(map[0], map[1], sizeof want);
    explain(&f, smooth, map[1]);
    same_map(map[1], want, 1e-5f);
    fixture_close(&f);
}

static void smoothgrad_is_a_function_of_its_seed(void **state)
{
    static float map[4][AREA], gradient[2][AREA];
    struct fixture f, threads;

    (void)state;
    fixture_open(&f, pooled_network(1, true), "classifier", 1);
    fixture_open(&threads, pooled_network(1, true), "classifier", 3);
    explain(&f, (struct nn_explain){0}, gradient[0]);
    explain(&f, smooth, map[0]);
    explain(&f, (struct nn_explain){0}, gradient[1]);
    explain(&f, smooth, map[1]);
    explain(&threads, smooth, map[2]);
    explain(&f, (struct nn_explain){.method = NN_EXPLAIN_SMOOTHGRAD, .samples = 5, .seed = 4},
            map[3]);
    assert_memory_equal(map[0], map[1], sizeof map[0]);
    assert_memory_equal(map[0], map[2], sizeof map[0]);
    assert_true(memcmp(map[0], map[3], sizeof map[0]) != 0);
    assert_true(memcmp(map[0], gradient[0], sizeof map[0]) != 0);
    assert_memory_equal(gradient[0], gradient[1], sizeof map[0]); /* the plane is still judged */
    fixture_close(&f);
    fixture_close(&threads);
}

/* With a mean between, alpha is the class's weight over the area. */
static void gradcam_weighs_channels(void **state)
{
    static float map[2][AREA], raw[AREA], want[AREA];
    struct nn_error err;
    struct fixture f;
    struct nn_run *run;

    (void)state;
    fixture_open(&f, pooled_network(1, false), "classifier", 1);
    assert_int_equal(
        nn_run_create(f.model.graph, f.model.values, 1, NN_RUN_EXPLAIN, NULL, &run, &err), NN_OK);
    assert_int_equal(nn_run_forward(run, f.judge->input, 1, NULL, &err), NN_OK);
    const float *features = nn_run_peek(run, nn_graph_find(f.model.graph, "features"));
    const float *weights = nn_values_peek(f.model.values, 2) + 7; /* of class 1 */
    for (int i = 0; i < AREA; i++) {
        double sum = 0;
        for (int c = 0; c < 7; c++)
            sum += (double)weights[c] / AREA * (double)features[c * AREA + i];
        raw[i] = sum < 0 ? 0 : (float)sum;
    }
    assert_int_equal(nn_saliency_map(raw, 1, SIDE, want, &err), NN_OK);
    explain(&f, (struct nn_explain){.method = NN_EXPLAIN_GRADCAM}, map[0]);
    same_map(map[0], want, 1e-5f);
    explain(&f, (struct nn_explain){.method = NN_EXPLAIN_GRADCAM, .layer = "features"}, map[1]);
    assert_memory_equal(map[0], map[1], sizeof map[0]);
    nn_run_destroy(run);
    fixture_close(&f);
}

/* A plane that is bright on its right half, seen at a third of the size, stays right. */
static void gradcam_is_enlarged_in_place(void **state)
{
    static float map[AREA];
    struct nn_judgement judgement;
    struct nn_error err;
    struct fixture f;
    double left = 0, right = 0;

    (void)state;
    fixture_open(&f, pooled_network(3, true), "classifier", 1);
    for (int p = 0; p < nn_graph_parameter_count(f.model.graph); p++)
        for (size_t i = 0; i < nn_graph_parameter(f.model.graph, p)->elements; i++)
            nn_values_at(f.model.values, p)[i] = p == 1 || p == 3 ? 0 : 0.1f;
    for (int i = 0; i < AREA; i++)
        f.plane[i] = i % SIDE >= SIDE / 2 ? 1 : 0;
    assert_int_equal(nn_judge_plane(f.judge, f.plane, SIDE, SIDE, &judgement, &err), NN_OK);
    explain(&f, (struct nn_explain){.method = NN_EXPLAIN_GRADCAM}, map);
    for (int i = 0; i < AREA; i++)
        *(i % SIDE >= SIDE / 2 ? &right : &left) += (double)map[i];
    assert_true(right > 6 * left);
    assert_true(map[12 * SIDE + 20] > 0.9f && map[12 * SIDE + 2] < 0.01f);
    fixture_close(&f);
}

static struct nn_graph *graph_of(int network, int side)
{
    struct nn_error err = {0};
    struct nn_graph *(*const build[])(int, int, struct nn_error *) = {nn_googlenet, nn_alexnet,
                                                                      nn_stacked};
    struct nn_graph *graph = build[network](3, side, &err);
    if (graph == NULL)
        fail_msg("%s", err.text);
    return graph;
}

/* A judge of a whole network with drawn weights; the default layer has the map of `layer`. */
static void check_default(int network, int side, const char *head, const char *layer)
{
    static float map[2][128 * 128];
    const char *names[256] = {NULL};
    struct nn_model model = {.info = fixture_info(side), .graph = graph_of(network, side)};
    struct nn_explain how = {.method = NN_EXPLAIN_GRADCAM};
    struct nn_judgement judgement;
    struct nn_judge *judge;
    struct nn_error err = {0};
    float plane[400];

    model.head = nn_graph_find(model.graph, head);
    assert_true(model.head > 0 && nn_graph_count(model.graph) < 256);
    for (int i = 0; i < nn_graph_count(model.graph); i++)
        names[i] = nn_graph_name(model.graph, i);
    assert_int_equal(nn_values_create(model.graph, NULL, false, names, 3, &model.values, &err),
                     NN_OK);
    fill(plane, 400, 1);
    assert_int_equal(nn_judge_create(&model, NULL, &judge, &err), NN_OK);
    assert_int_equal(nn_judge_plane(judge, plane, 20, 20, &judgement, &err), NN_OK);
    assert_int_equal(nn_judge_explain(judge, &how, 1, map[0], &err), NN_OK);
    how.layer = layer;
    assert_int_equal(nn_judge_explain(judge, &how, 1, map[1], &err), NN_OK);
    assert_memory_equal(map[0], map[1], sizeof(float) * (size_t)(side * side));
    how.layer = network == 1 ? "conv3" : "conv2/3x3"; /* and not that of any other */
    assert_int_equal(nn_judge_explain(judge, &how, 1, map[1], &err), NN_OK);
    assert_true(memcmp(map[0], map[1], sizeof(float) * (size_t)(side * side)) != 0);
    nn_judge_destroy(judge);
    nn_values_destroy(model.values);
    nn_graph_destroy(model.graph);
}

static void the_default_layer(void **state)
{
    (void)state;
    check_default(0, 128, "loss3/classifier", "inception_5b/output");
    check_default(0, 64, "loss3/classifier", "inception_4e/output"); /* 5b is 2 x 2 here */
    check_default(1, 128, "fc8", "conv5");
    check_default(2, 128, "stacked/classifier", "inception_5b/output");
}

/* The same by hand: one input at a time, in its own order. */
static void occlude(struct fixture *f, int window, int step, float *map)
{
    static float covered[3 * AREA], sum[AREA];
    float count[AREA] = {0}, whole[3], part[3], mean[3] = {0};
    struct nn_error err;
    struct nn_run *run;
    int last = SIDE - window;

    memset(sum, 0, sizeof sum);
    for (int i = 0; i < 3 * AREA; i++)
        mean[i / AREA] += f->judge->input[i] / AREA;
    assert_int_equal(
        nn_run_create(f->model.graph, f->model.values, 1, NN_RUN_INFER, NULL, &run, &err), NN_OK);
    assert_int_equal(nn_run_forward(run, f->judge->input, 1, whole, &err), NN_OK);
    for (int top = 0; top < last + step; top += step)
        for (int left = 0; left < last + step; left += step) {
            int y0 = top < last ? top : last, x0 = left < last ? left : last;
            memcpy(covered, f->judge->input, sizeof covered);
            for (int i = 0; i < 3 * AREA; i++) {
                int y = i % AREA / SIDE, x = i % SIDE;
                if (y >= y0 && y < y0 + window && x >= x0 && x < x0 + window)
                    covered[i] = mean[i / AREA];
            }
            assert_int_equal(nn_run_forward(run, covered, 1, part, &err), NN_OK);
            for (int i = 0; i < AREA; i++) {
                int y = i / SIDE, x = i % SIDE;
                if (y >= y0 && y < y0 + window && x >= x0 && x < x0 + window) {
                    sum[i] += fmaxf(0, whole[1] - part[1]);
                    count[i] += 1;
                }
            }
        }
    for (int i = 0; i < AREA; i++)
        sum[i] /= count[i];
    assert_int_equal(nn_saliency_map(sum, 1, SIDE, map, &err), NN_OK);
    nn_run_destroy(run);
}

static void occlusion_agrees_with_its_twin(void **state)
{
    static float map[2][AREA], want[AREA];
    struct fixture f, threads;

    (void)state;
    fixture_open(&f, linear_network(), "classifier", 1);
    fixture_open(&threads, linear_network(), "classifier", 2);
    const struct nn_explain how = {.method = NN_EXPLAIN_OCCLUSION, .window = 0.25f, .step = 0.15f};
    explain(&f, how, map[0]);
    occlude(&f, 6, 4, want);
    same_map(map[0], want, 2e-4f);
    explain(&threads, how, map[1]);
    assert_memory_equal(map[0], map[1], sizeof want);
    fixture_close(&f);
    fixture_close(&threads);
}

/* Only one corner of the input has weights: all four methods that can see it must find it. */
static void what_decides_is_found(void **state)
{
    static float map[AREA];
    struct nn_judgement judgement;
    struct nn_error err;
    struct fixture f;
    const double box[4] = {12, 4, 20, 12}, far[4] = {0, 14, 10, 24};

    (void)state;
    fixture_open(&f, linear_network(), "classifier", 1);
    float *weights = nn_values_at(f.model.values, 0);
    memset(weights, 0, sizeof(float) * 9 * AREA);
    for (int y = 4; y < 12; y++)
        for (int x = 12; x < 20; x++)
            weights[3 * AREA + y * SIDE + x] = 0.1f;
    for (int i = 0; i < AREA; i++)
        f.plane[i] = i % SIDE >= 12 && i / SIDE < 12 ? 0.9f : 0.3f;
    assert_int_equal(nn_judge_plane(f.judge, f.plane, SIDE, SIDE, &judgement, &err), NN_OK);
    for (int m = 0; m < NN_EXPLAIN_METHODS; m++) {
        if (m == NN_EXPLAIN_GRADCAM) /* has no layer here */
            continue;
        explain(&f, (struct nn_explain){.method = (enum nn_explain_method)m}, map);
        assert_true(nn_map_pointing(map, SIDE, box) && !nn_map_pointing(map, SIDE, far));
        assert_true(nn_map_energy(map, SIDE, box) > 0.5 && nn_map_energy(map, SIDE, far) < 0.05);
    }
    fixture_close(&f);
}

static void refuses(struct fixture *f, struct nn_explain how, int class_, const char *text)
{
    static float map[AREA];
    struct nn_error err = {0};
    assert_int_equal(nn_judge_explain(f->judge, &how, class_, map, &err), NN_INVALID);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not name %s", err.text, text);
}

static void misuse_is_refused(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, pooled_network(1, true), "classifier", 1);
    refuses(&f, (struct nn_explain){0}, 3, "class 3");
    refuses(&f, (struct nn_explain){0}, -1, "class -1");
    refuses(&f, (struct nn_explain){.method = (enum nn_explain_method)4}, 0, "method 4");
    refuses(&f, (struct nn_explain){.samples = -1}, 0, "samples");
    refuses(&f, (struct nn_explain){.samples = 1001}, 0, "samples");
    refuses(&f, (struct nn_explain){.noise = 1.5f}, 0, "noise");
    refuses(&f, (struct nn_explain){.noise = NAN}, 0, "noise");
    refuses(&f, (struct nn_explain){.window = -0.1f}, 0, "window");
    refuses(&f, (struct nn_explain){.step = -0.1f}, 0, "step");
    refuses(&f, (struct nn_explain){.step = 0.3f}, 0, "step"); /* longer than the window */
    const enum nn_explain_method cam = NN_EXPLAIN_GRADCAM;
    refuses(&f, (struct nn_explain){.method = cam, .layer = "nowhere"}, 0, "nowhere");
    refuses(&f, (struct nn_explain){.method = cam, .layer = "data"}, 0, "lead");
    refuses(&f, (struct nn_explain){.method = cam, .layer = "prob"}, 0, "lead");
    refuses(&f, (struct nn_explain){.method = cam, .layer = "classifier"}, 0, "lead");
    refuses(&f, (struct nn_explain){.method = cam, .layer = "pool"}, 0, "extent");
    f.judge->judged = false;
    refuses(&f, (struct nn_explain){0}, 0, "judged");
    fixture_close(&f);
    fixture_open(&f, linear_network(), "classifier", 1);
    refuses(&f, (struct nn_explain){.method = cam}, 0, "4 x 4");
    fixture_close(&f);
}

static void names(void **state)
{
    enum nn_explain_method method;

    (void)state;
    for (int i = 0; i < NN_EXPLAIN_METHODS; i++) {
        assert_true(nn_explain_find(nn_explain_name((enum nn_explain_method)i), &method));
        assert_int_equal(method, i);
    }
    assert_false(nn_explain_find("Gradient", &method));
    assert_string_equal(nn_explain_name((enum nn_explain_method)9), "?");
}

/* ---- the measures of a map ---- */

static void pointing_and_energy(void **state)
{
    float map[64] = {0};
    const double box[4] = {2, 1, 5, 4}, half[4] = {2.6, 1, 5, 4}, all[4] = {0, 0, 8, 8};
    double peak[2];

    (void)state;
    assert_false(nn_map_pointing(map, 8, all));
    assert_false(nn_map_peak(map, 8, peak));
    assert_float_equal(nn_map_energy(map, 8, all), 0, 0);
    map[1 * 8 + 2] = 1; /* the box's first pixel */
    assert_true(nn_map_pointing(map, 8, box));
    assert_false(nn_map_pointing(map, 8, half)); /* its centre is at 2.5 */
    map[1 * 8 + 5] = 0.5f;                       /* the first one beyond it */
    map[4 * 8 + 2] = 0.5f;
    assert_true(nn_map_pointing(map, 8, box));
    assert_float_equal(nn_map_energy(map, 8, box), 0.5, 1e-12);
    assert_float_equal(nn_map_energy(map, 8, all), 1, 1e-12);
    map[1 * 8 + 5] = 1; /* a draw is no hit, two to one is */
    assert_false(nn_map_pointing(map, 8, box));
    assert_true(nn_map_peak(map, 8, peak) && peak[0] == 4 && peak[1] == 1.5); /* between both */
    map[3 * 8 + 4] = 1;
    assert_true(nn_map_pointing(map, 8, box));
}

static void spots_are_counted(void **state)
{
    static const char drawn[] = "##...#.."
                                ".#...#.."
                                "..#....#"
                                "#......."
                                "###.####"
                                "#.#.#..#"
                                "###.####"
                                "........";
    float map[64];
    int spots;
    struct nn_error err;

    (void)state;
    for (int i = 0; i < 64; i++)
        map[i] = drawn[i] == '#' ? 0.7f : 0.1f;
    assert_int_equal(nn_map_spots(map, 8, 0.7f, &spots, &err), NN_OK);
    assert_int_equal(spots, 6); /* corners do not touch, nor does the right edge the left */
    assert_int_equal(nn_map_spots(map, 8, 0.1f, &spots, &err), NN_OK);
    assert_int_equal(spots, 1);
    assert_int_equal(nn_map_spots(map, 8, 0.8f, &spots, &err), NN_OK);
    assert_int_equal(spots, 0);
    assert_int_equal(nn_map_spots(map, 8, 0, &spots, &err), NN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_a_linear_network_are_its_weights),
        cmocka_unit_test(smoothgrad_is_a_function_of_its_seed),
        cmocka_unit_test(gradcam_weighs_channels),
        cmocka_unit_test(gradcam_is_enlarged_in_place),
        cmocka_unit_test(the_default_layer),
        cmocka_unit_test(occlusion_agrees_with_its_twin),
        cmocka_unit_test(what_decides_is_found),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(names),
        cmocka_unit_test(pointing_and_energy),
        cmocka_unit_test(spots_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
