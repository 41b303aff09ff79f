/* onnx_case.h: small networks as ONNX, read and run. */
#ifndef ONNX_CASE_H
#define ONNX_CASE_H

#include "nn_fixture.h"
#include "nn_onnx.h"
#include "onnx_bytes.h"

#define IMAGE                                                                                      \
    (const int64_t[])                                                                              \
    {                                                                                              \
        0, 2, 4, 4                                                                                 \
    } /* open batch */

static struct nn_error err;

static inline void near(float got, double wanted, double within)
{
    if (!(fabs((double)got - wanted) <= within))
        fail_msg("%.9g, expected %.9g within %g", (double)got, wanted, within);
}

static inline struct nn_onnx *take(const struct bytes *graph, int opset)
{
    struct bytes model = model_of(graph, opset);
    struct nn_onnx *onnx = NULL;
    err = (struct nn_error){0};
    if (nn_onnx_parse("t.onnx", model.data, model.size, NULL, &onnx, &err) != NN_OK)
        fail_msg("%s", err.text);
    return onnx;
}

static inline void refused(const struct bytes *graph, int opset, enum nn_status status,
                           const char *words)
{
    struct bytes model = model_of(graph, opset);
    struct nn_onnx *onnx = NULL;
    err = (struct nn_error){0};
    assert_int_equal(nn_onnx_parse("t.onnx", model.data, model.size, NULL, &onnx, &err), status);
    assert_null(onnx);
    assert_int_equal(err.status, status);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", err.text, words);
}

/* Runs it on a ramp 0, 0.1, 0.2, ... of one sample; `layer` NULL: the output. */
static inline void run(const struct nn_onnx *onnx, const char *layer, float *to)
{
    char template[32], path[PATH_MAX], *dir = fixture_dir(template);
    const struct nn_graph *graph = nn_onnx_graph(onnx);
    struct nn_shape in = nn_graph_shape(graph, 0);
    int id = layer ? nn_graph_find(graph, layer) : nn_graph_count(graph) - 1;
    size_t count, inputs = (size_t)(in.c * in.h * in.w);
    const struct nn_tensor *tensors = nn_onnx_tensors(onnx, &count);
    float *x = malloc(inputs * sizeof *x);
    struct nn_weights *weights;
    struct nn_values *values;
    struct nn_run *pass;

    assert_non_null(x);
    assert_true(id >= 0);
    for (size_t i = 0; i < inputs; i++)
        x[i] = (float)i / 10;
    fixture_path(path, dir, "weights.safetensors");
    assert_int_equal(nn_weights_write(path, tensors, count, NULL, 0, NN_F32, &err), NN_OK);
    assert_int_equal(nn_weights_open(path, &weights, &err), NN_OK);
    assert_int_equal(nn_values_create(graph, weights, false, NULL, 0, &values, &err), NN_OK);
    assert_int_equal(nn_run_create(graph, values, 1, NN_RUN_INFER, NULL, &pass, &err), NN_OK);
    assert_int_equal(nn_run_keep_all(pass, &err), NN_OK);
    assert_int_equal(nn_run_forward(pass, x, 1, NULL, &err), NN_OK);
    struct nn_shape out = nn_graph_shape(graph, id);
    memcpy(to, nn_run_peek(pass, id), sizeof *to * (size_t)(out.c * out.h * out.w));
    nn_run_destroy(pass);
    nn_values_destroy(values);
    nn_weights_close(weights);
    free(x);
    fixture_remove(dir);
}

/* A graph that reads `x` (2, 4, 4) and whose first output is `y`. */
static inline struct bytes begin(void)
{
    struct bytes g = {0};
    put_value(&g, 11, "x", 4, IMAGE);
    put_value(&g, 12, "y", 2, (const int64_t[]){0, 2});
    return g;
}

/* features -> mean of each channel -> two scores with weights 1 2 / 3 4 and biases 10, 20. */
static inline void end(struct bytes *g, const char *features)
{
    char words[64];
    struct bytes n = {0};

    put_node(g, "GlobalAveragePool", "mean", features, "m");
    put_node(g, "Flatten", "flat", "m", "f");
    put_floats(g, "fc.weight", 2, (const int64_t[]){2, 2}, (const float[]){1, 2, 3, 4}, 4);
    put_floats(g, "fc.bias", 1, (const int64_t[]){2}, (const float[]){10, 20}, 2);
    snprintf(words, sizeof words, "f fc.weight fc.bias");
    n = node_of("Gemm", "gemm", words, "y");
    attribute_int(&n, "transB", 1);
    put_message(g, 1, &n);
}

#endif
