/* A graph of every operator, written as ONNX and read again: the same scores, name by name. */
#include "nn_fixture.h"
#include "nn_onnx.h"

static struct nn_error err;

static struct nn_graph *every_operator(void)
{
    struct nn_graph *g = nn_graph_create();
    int from[3];

    int x = nn_graph_input(g, "data", (struct nn_shape){3, 9, 9});
    x = nn_graph_pad(g, "pad", x, (struct nn_pad){1, 0, 0, 1, 0.5f});
    x = nn_graph_conv2d(g, "a/conv", x,
                        (struct nn_conv2d){.out_channels = 4,
                                           .kernel_h = 3,
                                           .kernel_w = 3,
                                           .stride_h = 1,
                                           .stride_w = 1,
                                           .pad_h = 1,
                                           .pad_w = 1,
                                           .groups = 1,
                                           .no_bias = true});
    x = nn_graph_batch_norm(g, "a/norm", x, (struct nn_batch_norm){1e-3f, 0.1f});
    from[0] = nn_graph_silu(g, "a/silu", x);
    from[1] = nn_graph_clip(g, "a/clip", x, -1, INFINITY);
    from[2] = nn_graph_relu(g, "a/relu", x);
    x = nn_graph_add(g, "sum", from, 3, true);
    int gate = nn_graph_sigmoid(g, "gate", nn_graph_global_avg_pool(g, "squeeze", x));
    x = nn_graph_mul(g, "scale", x, gate);
    x = nn_graph_lrn(g, "lrn", x, (struct nn_lrn){3, 0.1f, 0.75f, 1});
    from[0] = nn_graph_max_pool(g, "max", x,
                                (struct nn_pool2d){.kernel_h = 3,
                                                   .kernel_w = 3,
                                                   .stride_h = 2,
                                                   .stride_w = 2,
                                                   .pad_h = 1,
                                                   .pad_w = 1,
                                                   .ceil_mode = true});
    from[1] = nn_graph_avg_pool(g, "mean", x,
                                (struct nn_pool2d){.kernel_h = 3,
                                                   .kernel_w = 3,
                                                   .stride_h = 2,
                                                   .stride_w = 2,
                                                   .pad_h = 1,
                                                   .pad_w = 1,
                                                   .ceil_mode = true});
    x = nn_graph_concat(g, "both", from, 2);
    x = nn_graph_conv2d(g, "b/conv", x,
                        (struct nn_conv2d){.out_channels = 8,
                                           .kernel_h = 1,
                                           .kernel_w = 1,
                                           .stride_h = 1,
                                           .stride_w = 1,
                                           .groups = 2,
                                           .relu = true});
    x = nn_graph_linear(g, "fc1", x, 6, true);
    x = nn_graph_reshape(g, "again", x, (struct nn_shape){6, 1, 1});
    x = nn_graph_dropout(g, "drop", x, 0.25f);
    x = nn_graph_linear(g, "fc2", x, 3, false);
    nn_graph_softmax(g, "prob", x);
    if (nn_graph_finish(g, &err) != NN_OK)
        fail_msg("%s", err.text);
    return g;
}

static void forward(const struct nn_graph *graph, const struct nn_values *values, float scores[3])
{
    float x[3 * 9 * 9];
    struct nn_run *run;

    for (int i = 0; i < 3 * 9 * 9; i++)
        x[i] = (float)(i % 17) / 8 - 1;
    assert_int_equal(nn_run_create(graph, values, 1, NN_RUN_INFER, NULL, &run, &err), NN_OK);
    assert_int_equal(nn_run_keep_all(run, &err), NN_OK);
    assert_int_equal(nn_run_forward(run, x, 1, scores, &err), NN_OK);
    nn_run_destroy(run);
}

static void there_and_back(void **state)
{
    static const char *const same[] = {"a/conv", "a/norm", "a/silu", "sum", "scale", "lrn", "max",
                                       "mean",   "both",   "b/conv", "fc1", "drop",  "fc2", "prob"};
    const struct nn_metadata metadata[] = {{"cervigate.classes", "a,b,c"}};
    char template[32], path[PATH_MAX], weights_path[PATH_MAX], *dir = fixture_dir(template);
    struct nn_graph *graph = every_operator();
    const char *fresh[64];
    struct nn_values *values, *again;
    struct nn_weights *weights;
    struct nn_onnx *onnx;
    float scores[3], same_scores[3];
    size_t count;

    (void)state;
    for (int i = 0; i <= nn_graph_count(graph); i++)
        fresh[i] = i < nn_graph_count(graph) ? nn_graph_name(graph, i) : NULL;
    assert_int_equal(nn_values_create(graph, NULL, true, fresh, 3, &values, &err), NN_OK);
    fixture_path(path, dir, "one.safetensors"); /* names that the fixture removes */
    fixture_path(weights_path, dir, "two.safetensors");
    assert_int_equal(nn_onnx_write(path, graph, values, 1, metadata, 1, &err), NN_OK);
    if (nn_onnx_open(path, NULL, &onnx, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_string_equal(nn_onnx_metadata(onnx, "cervigate.classes"), "a,b,c");
    assert_null(nn_onnx_metadata(onnx, "cervigate.none"));
    assert_false(nn_onnx_softmax_added(onnx));
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (nn_graph_find(nn_onnx_graph(onnx), same[i]) < 0 && strcmp(same[i], "a/silu") != 0)
            fail_msg("no layer %s", same[i]);

    const struct nn_tensor *tensors = nn_onnx_tensors(onnx, &count);
    assert_int_equal(nn_weights_write(weights_path, tensors, count, NULL, 0, NN_F32, &err), NN_OK);
    assert_int_equal(nn_weights_open(weights_path, &weights, &err), NN_OK);
    assert_int_equal(nn_values_create(nn_onnx_graph(onnx), weights, false, NULL, 0, &again, &err),
                     NN_OK);
    forward(graph, values, scores);
    forward(nn_onnx_graph(onnx), again, same_scores);
    assert_memory_equal(scores, same_scores, sizeof scores);

    nn_values_destroy(again);
    nn_weights_close(weights);
    nn_onnx_close(onnx);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
    fixture_remove(dir);
}

/* softmax(x / 2): p ** 0.5, made to sum to 1. */
static void temperature_is_in_the_file(void **state)
{
    char template[32], path[PATH_MAX], weights_path[PATH_MAX], *dir = fixture_dir(template);
    struct nn_graph *graph = every_operator();
    const char *fresh[64];
    struct nn_values *values, *again;
    struct nn_weights *weights;
    struct nn_onnx *onnx;
    float cold[3], warm[3];
    double sum = 0;
    size_t count;

    (void)state;
    for (int i = 0; i <= nn_graph_count(graph); i++)
        fresh[i] = i < nn_graph_count(graph) ? nn_graph_name(graph, i) : NULL;
    assert_int_equal(nn_values_create(graph, NULL, true, fresh, 3, &values, &err), NN_OK);
    fixture_path(path, dir, "one.safetensors");
    fixture_path(weights_path, dir, "two.safetensors");
    assert_int_equal(nn_onnx_write(path, graph, values, 0, NULL, 0, &err), NN_INVALID);
    assert_int_equal(nn_onnx_write(path, graph, values, 2, NULL, 0, &err), NN_OK);
    assert_int_equal(nn_onnx_open(path, NULL, &onnx, &err), NN_OK);
    const struct nn_tensor *tensors = nn_onnx_tensors(onnx, &count);
    assert_int_equal(nn_weights_write(weights_path, tensors, count, NULL, 0, NN_F32, &err), NN_OK);
    assert_int_equal(nn_weights_open(weights_path, &weights, &err), NN_OK);
    assert_int_equal(nn_values_create(nn_onnx_graph(onnx), weights, false, NULL, 0, &again, &err),
                     NN_OK);
    forward(graph, values, cold);
    forward(nn_onnx_graph(onnx), again, warm);
    for (int i = 0; i < 3; i++)
        sum += sqrt((double)cold[i]);
    for (int i = 0; i < 3; i++)
        assert_true(fabs((double)warm[i] - sqrt((double)cold[i]) / sum) < 1e-6);
    assert_true(fabsf(cold[0] - warm[0]) > 1e-4f);

    nn_values_destroy(again);
    nn_weights_close(weights);
    nn_onnx_close(onnx);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
    fixture_remove(dir);
}

static void folder_must_be_there(void **state)
{
    struct nn_graph *graph = every_operator();
    const char *fresh[64];
    struct nn_values *values;

    (void)state;
    for (int i = 0; i <= nn_graph_count(graph); i++)
        fresh[i] = i < nn_graph_count(graph) ? nn_graph_name(graph, i) : NULL;
    assert_int_equal(nn_values_create(graph, NULL, true, fresh, 3, &values, &err), NN_OK);
    assert_int_equal(nn_onnx_write("/nowhere/at/all.onnx", graph, values, 1, NULL, 0, &err), NN_IO);
    assert_non_null(strstr(err.text, "/nowhere/at/all.onnx"));
    nn_values_destroy(values);
    nn_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(temperature_is_in_the_file),
        cmocka_unit_test(folder_must_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
