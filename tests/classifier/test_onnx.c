/* Networks from ONNX files: what each operator becomes, in numbers. */
#include "onnx_case.h"

static void scores_of_means(void **state)
{
    struct bytes g = begin();
    float scores[2], prob[2];

    (void)state;
    end(&g, "x");
    struct nn_onnx *onnx = take(&g, 13);
    const struct nn_graph *graph = nn_onnx_graph(onnx);
    assert_true(nn_onnx_softmax_added(onnx));
    assert_string_equal(nn_graph_name(graph, nn_graph_count(graph) - 1), "prob");
    assert_string_equal(nn_onnx_head(onnx), "fc");
    assert_int_equal(strlen(nn_onnx_digest(onnx)), 64);
    run(onnx, "fc", scores); /* means 0.75 and 2.35 */
    near(scores[0], 0.75 + 2 * 2.35 + 10, 1e-5);
    near(scores[1], 3 * 0.75 + 4 * 2.35 + 20, 1e-5);
    run(onnx, NULL, prob);
    near(prob[0] + prob[1], 1, 1e-6);
    assert_true(prob[1] > prob[0]);
    nn_onnx_close(onnx);
    nn_onnx_close(NULL);
}

/* A 1 x 1 depthwise convolution by 2 and 3, ReLU taken into it. */
static void convolution_takes_its_relu(void **state)
{
    struct bytes g = begin();
    float y[32];

    (void)state;
    put_floats(&g, "w::0", 4, (const int64_t[]){2, 1, 1, 1}, (const float[]){2, -3}, 2);
    struct bytes n = node_of("Conv", "/a/b c", "x w::0", "c");
    attribute_int(&n, "group", 2);
    put_message(&g, 1, &n);
    put_node(&g, "Relu", "r", "c", "d");
    end(&g, "d");
    struct nn_onnx *onnx = take(&g, 7);
    run(onnx, "a/b_c", y);
    near(y[3], 0.6, 1e-6);
    near(y[20], 0, 0);
    assert_int_equal(nn_graph_find(nn_onnx_graph(onnx), "r"), -1);
    assert_int_equal(nn_graph_count(nn_onnx_graph(onnx)), 5); /* x, conv, mean, fc, prob */
    nn_onnx_close(onnx);
}

static struct bytes pooled(const char *op, const char *auto_pad, const int64_t pads[4],
                           int64_t count)
{
    struct bytes g = begin(), n = node_of(op, "pool", "x", "p");
    attribute_ints(&n, "kernel_shape", 2, (const int64_t[]){3, 3});
    attribute_ints(&n, "strides", 2, (const int64_t[]){2, 2});
    if (auto_pad)
        attribute_text(&n, "auto_pad", auto_pad);
    else
        attribute_ints(&n, "pads", 4, pads);
    if (count >= 0)
        attribute_int(&n, "count_include_pad", count);
    put_message(&g, 1, &n);
    end(&g, "p");
    return g;
}

static void pools_with_unlike_pads(void **state)
{
    float y[8];

    (void)state;
    struct bytes g = pooled("MaxPool", "SAME_UPPER", NULL, -1); /* pads 0 0 1 1 */
    struct nn_onnx *onnx = take(&g, 11);
    run(onnx, "pool", y);
    near(y[0], 1.0, 1e-6); /* row 2, column 2 */
    near(y[3], 1.5, 1e-6);
    nn_onnx_close(onnx);

    g = pooled("MaxPool", "SAME_LOWER", NULL, -1); /* pads 1 1 0 0 */
    onnx = take(&g, 11);
    run(onnx, "pool", y);
    near(y[0], 0.5, 1e-6);
    near(y[3], 1.5, 1e-6);
    nn_onnx_close(onnx);

    g = pooled("AveragePool", NULL, (const int64_t[]){0, 0, 1, 1}, 0);
    onnx = take(&g, 11);
    run(onnx, "pool", y);
    near(y[3], (1.0 + 1.1 + 1.4 + 1.5) / 4, 1e-6);
    nn_onnx_close(onnx);

    g = pooled("AveragePool", NULL, (const int64_t[]){0, 0, 1, 1}, 1);
    onnx = take(&g, 11);
    run(onnx, "pool", y);
    near(y[3], (1.0 + 1.1 + 1.4 + 1.5) / 9, 1e-6);
    nn_onnx_close(onnx);

    g = pooled("AveragePool", NULL, (const int64_t[]){1, 1, 0, 0}, 0);
    refused(&g, 11, NN_UNSUPPORTED, "AveragePool node \"pool\" (output \"p\"): the attribute pads");
}

/* A Pad of zeros belongs to the convolution after it, as input (opset 11) or attribute. */
static void padding_is_the_convolutions(void **state)
{
    const int64_t pads[8] = {0, 0, 1, 1, 0, 0, 1, 1};

    (void)state;
    for (int opset = 9; opset <= 11; opset += 2) {
        struct bytes g = begin(), n = node_of("Pad", "pad", opset < 11 ? "x" : "x pads", "p");
        if (opset < 11)
            attribute_ints(&n, "pads", 8, pads);
        else
            put_ints(&g, "pads", 8, pads);
        put_message(&g, 1, &n);
        float ones[36], y[32];
        for (int i = 0; i < 36; i++)
            ones[i] = i < 9 || i >= 27 ? 1 : 0; /* each output sums its own channel */
        put_floats(&g, "c.weight", 4, (const int64_t[]){2, 2, 3, 3}, ones, 36);
        put_node(&g, "Conv", "conv", "p c.weight", "c");
        end(&g, "c");
        struct nn_onnx *onnx = take(&g, opset);
        assert_int_equal(nn_graph_count(nn_onnx_graph(onnx)), 5);
        run(onnx, "c", y);
        near(y[0], 0 + 0.1 + 0.4 + 0.5, 1e-5);
        near(y[5], 9 * 0.5, 1e-5);
        nn_onnx_close(onnx);
    }
}

static void arithmetic_of_channels(void **state)
{
    struct bytes g = begin();
    float y[32];

    (void)state;
    put_floats(&g, "two", 0, NULL, (const float[]){2}, 1);
    put_floats(&g, "by", 3, (const int64_t[]){2, 1, 1}, (const float[]){1, 10}, 2);
    put_node(&g, "Sub", "sub", "x two", "a");
    put_node(&g, "Mul", "mul", "by a", "b");
    put_node(&g, "Div", "div", "b two", "c");
    put_node(&g, "Add", "add", "c by", "d");
    end(&g, "d");
    struct nn_onnx *onnx = take(&g, 13);
    run(onnx, "add", y);
    near(y[1], (0.1 - 2) / 2 + 1, 1e-5);
    near(y[17], (1.7 - 2) * 10 / 2 + 10, 1e-5);
    nn_onnx_close(onnx);

    struct bytes bad = begin();
    put_floats(&bad, "wide", 1, (const int64_t[]){4}, (const float[]){1, 2, 3, 4}, 4);
    put_node(&bad, "Mul", "mul", "x wide", "b");
    end(&bad, "b");
    refused(&bad, 13, NN_UNSUPPORTED, "Mul node \"mul\" (output \"b\")");
}

/* SiLU is one layer; squeeze-excite multiplies by a sigmoid of the means; a residual sum. */
static void blocks_of_efficient_networks(void **state)
{
    struct bytes g = begin();
    float y[32];

    (void)state;
    put_node(&g, "Sigmoid", "s", "x", "s");
    put_node(&g, "Mul", "silu", "x s", "a");
    put_node(&g, "GlobalAveragePool", "squeeze", "x", "q");
    put_node(&g, "Sigmoid", "excite", "q", "e");
    put_node(&g, "Mul", "scale", "e a", "b");
    put_node(&g, "Add", "add", "b x", "c");
    put_node(&g, "Relu", "relu", "c", "d");
    end(&g, "d");
    struct nn_onnx *onnx = take(&g, 13);
    assert_int_equal(nn_graph_find(nn_onnx_graph(onnx), "silu"), -1);
    run(onnx, "add", y);
    double silu = 0.5 / (1 + exp(-0.5)), gate = 1 / (1 + exp(-0.75));
    near(y[5], silu * gate + 0.5, 1e-5);
    nn_onnx_close(onnx);
}

static void clip_by_attribute_and_input(void **state)
{
    float y[32];

    (void)state;
    struct bytes g = begin(), n = node_of("Clip", "clip", "x", "c");
    attribute_float(&n, "min", 1);
    attribute_float(&n, "max", 2);
    put_message(&g, 1, &n);
    end(&g, "c");
    struct nn_onnx *onnx = take(&g, 10);
    run(onnx, "clip", y);
    near(y[0], 1, 0);
    near(y[31], 2, 0);
    nn_onnx_close(onnx);

    g = begin();
    put_floats(&g, "six", 0, NULL, (const float[]){0.6f}, 1);
    put_node(&g, "Clip", "clip", "x - six", "c");
    end(&g, "c");
    onnx = take(&g, 11);
    run(onnx, "clip", y);
    near(y[5], 0.5, 1e-6);
    near(y[31], 0.6, 1e-6);
    nn_onnx_close(onnx);
}

static void batch_norm_and_lrn(void **state)
{
    struct bytes g = begin(), n = node_of("BatchNormalization", "bn", "x bn.weight b mu v", "a");
    const int64_t two[1] = {2};
    float y[32];

    (void)state;
    put_floats(&g, "bn.weight", 1, two, (const float[]){1, 2}, 2);
    put_floats(&g, "b", 1, two, (const float[]){0.5, 0}, 2);
    put_floats(&g, "mu", 1, two, (const float[]){1, 2}, 2);
    put_floats(&g, "v", 1, two, (const float[]){3, 0.75}, 2);
    attribute_float(&n, "epsilon", 1);
    put_message(&g, 1, &n);
    n = node_of("LRN", "lrn", "a", "l");
    attribute_int(&n, "size", 3);
    attribute_float(&n, "alpha", 0.3f);
    attribute_float(&n, "beta", 0.5f);
    attribute_float(&n, "bias", 2);
    put_message(&g, 1, &n);
    end(&g, "l");
    struct nn_onnx *onnx = take(&g, 9);
    run(onnx, "bn", y);
    double a = (0.5 - 1) / 2 + 0.5, b = (2.1 - 2) / sqrt(1.75) * 2;
    near(y[5], a, 1e-6);
    near(y[21], b, 1e-6);
    run(onnx, "lrn", y);
    near(y[21], b / sqrt(2 + 0.1 * (a * a + b * b)), 1e-5);
    nn_onnx_close(onnx);
}

/* Shape, Gather, Unsqueeze, Concat: how exporters write a flatten of an open batch. */
static void shapes_are_folded(void **state)
{
    struct bytes g = begin(), n;
    float y[2];

    (void)state;
    put_node(&g, "GlobalAveragePool", "mean", "x", "m");
    put_node(&g, "Shape", "shape", "m", "s");
    struct bytes zero = {0}, attribute = {0};
    put_int(&zero, 2, 7); /* a scalar 0 */
    put_int(&zero, 7, 0);
    put_text(&attribute, 1, "value");
    put_message(&attribute, 5, &zero);
    n = node_of("Constant", "zero", "", "z");
    put_message(&n, 5, &attribute);
    put_message(&g, 1, &n);
    put_node(&g, "Gather", "gather", "s z", "batch");
    n = node_of("Unsqueeze", "u", "batch", "u");
    attribute_ints(&n, "axes", 1, (const int64_t[]){0});
    put_message(&g, 1, &n);
    put_ints(&g, "rest", 1, (const int64_t[]){-1});
    n = node_of("Concat", "cat", "u rest", "new");
    attribute_int(&n, "axis", 0);
    put_message(&g, 1, &n);
    put_node(&g, "Reshape", "reshape", "m new", "f");
    put_floats(&g, "w", 2, (const int64_t[]){2, 2}, (const float[]){1, 2, 3, 4}, 4);
    put_floats(&g, "b", 1, (const int64_t[]){2}, (const float[]){1, 2}, 2);
    put_node(&g, "MatMul", "product", "f w", "p");
    put_node(&g, "Add", "bias", "p b", "a");
    put_node(&g, "Dropout", "drop", "a", "d");
    n = node_of("Softmax", "soft", "d", "y");
    attribute_int(&n, "axis", 1);
    put_message(&g, 1, &n);
    struct nn_onnx *onnx = take(&g, 11);
    assert_false(nn_onnx_softmax_added(onnx));
    run(onnx, "product", y); /* w is (in, out) here */
    near(y[0], 0.75 + 3 * 2.35 + 1, 1e-5);
    near(y[1], 2 * 0.75 + 4 * 2.35 + 2, 1e-5);
    nn_onnx_close(onnx);
}

static struct bytes dense(const char *attribute, int64_t whole, float real)
{
    struct bytes g = begin(), n = node_of("Gemm", "gemm", "f w c", "y");
    put_node(&g, "GlobalAveragePool", "mean", "x", "m");
    put_node(&g, "Flatten", "flat", "m", "f");
    put_floats(&g, "w", 2, (const int64_t[]){2, 2}, (const float[]){1, 2, 3, 4}, 4);
    put_floats(&g, "c", 1, (const int64_t[]){2}, (const float[]){10, 20}, 2);
    if (whole >= 0)
        attribute_int(&n, attribute, whole);
    else
        attribute_float(&n, attribute, real);
    put_message(&g, 1, &n);
    return g;
}

static void gemm_has_its_factors(void **state)
{
    float y[2];

    (void)state;
    struct bytes g = dense("alpha", -1, 0.5f);
    struct nn_onnx *onnx = take(&g, 13);
    run(onnx, "gemm", y);
    near(y[1], 0.5 * (2 * 0.75 + 4 * 2.35) + 20, 1e-5);
    nn_onnx_close(onnx);
    g = dense("beta", -1, 2);
    onnx = take(&g, 13);
    run(onnx, "gemm", y);
    near(y[0], 0.75 + 3 * 2.35 + 20, 1e-5);
    nn_onnx_close(onnx);
    g = dense("transA", 1, 0);
    refused(&g, 13, NN_UNSUPPORTED, "transA");
    g = dense("strange", 1, 0);
    refused(&g, 13, NN_UNSUPPORTED, "the attribute strange is not supported");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_of_means),
        cmocka_unit_test(convolution_takes_its_relu),
        cmocka_unit_test(pools_with_unlike_pads),
        cmocka_unit_test(padding_is_the_convolutions),
        cmocka_unit_test(arithmetic_of_channels),
        cmocka_unit_test(blocks_of_efficient_networks),
        cmocka_unit_test(clip_by_attribute_and_input),
        cmocka_unit_test(batch_norm_and_lrn),
        cmocka_unit_test(shapes_are_folded),
        cmocka_unit_test(gemm_has_its_factors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
