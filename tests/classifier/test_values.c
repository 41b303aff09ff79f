/* Parameters: borrowed, copied, fresh; what does not fit is refused by the tensor's name. */
#include "networks.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

/* Writes all parameters of `values` but `left_out`; `change` may spoil a copy of the tensors. */
static struct nn_weights *saved(const struct nn_graph *graph, const struct nn_values *values,
                                const char *left_out, enum nn_dtype store,
                                void (*change)(struct nn_tensor *tensor))
{
    struct nn_tensor tensors[64] = {0};
    struct nn_weights *weights;
    struct nn_error err = {0};
    size_t count = 0;

    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *p = nn_graph_parameter(graph, i);
        if (left_out != NULL && strcmp(p->name, left_out) == 0)
            continue;
        struct nn_tensor *t = &tensors[count++];
        *t = (struct nn_tensor){.name = p->name,
                                .dims = p->dims,
                                .elements = p->elements,
                                .data = nn_values_peek(values, i)};
        for (int j = 0; j < p->dims; j++)
            t->dim[j] = p->dim[j];
        if (change != NULL)
            change(t);
    }
    assert_int_equal(nn_weights_write(path, tensors, count, NULL, 0, store, &err), NN_OK);
    assert_int_equal(nn_weights_open(path, &weights, &err), NN_OK);
    unlink(path);
    return weights;
}

static void borrowed_and_copied(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_graph *graph = small_network();
    struct nn_values *drawn = draw_values(graph, 3), *read, *copy;
    struct nn_weights *weights = saved(graph, drawn, NULL, NN_F32, NULL);

    assert_int_equal(nn_values_create(graph, weights, false, NULL, 0, &read, &err), NN_OK);
    assert_int_equal(nn_values_create(graph, weights, true, NULL, 0, &copy, &err), NN_OK);
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *p = nn_graph_parameter(graph, i);
        size_t size = p->elements * sizeof(float);
        assert_ptr_equal(nn_values_peek(read, i), nn_weights_find(weights, p->name)->data);
        assert_memory_equal(nn_values_peek(read, i), nn_values_peek(drawn, i), size);
        assert_null(nn_values_at(read, i));
        assert_ptr_equal(nn_values_at(copy, i), nn_values_peek(copy, i));
        assert_memory_equal(nn_values_at(copy, i), nn_values_peek(drawn, i), size);
    }
    assert_null(nn_values_peek(read, -1));
    assert_null(nn_values_peek(read, 999));
    assert_null(nn_values_at(copy, 999));
    nn_values_destroy(read);
    nn_weights_close(weights);
    nn_values_at(copy, 0)[0] = 5; /* a copy outlives the file */
    nn_values_destroy(copy);
    nn_values_destroy(drawn);
    nn_values_destroy(NULL);
    nn_graph_destroy(graph);
}

static void fresh_head(void **state)
{
    (void)state;
    struct nn_error err = {0};
    const char *fresh[] = {"classifier", NULL};
    struct nn_graph *graph = small_network();
    struct nn_values *drawn = draw_values(graph, 3), *one, *same, *other;
    struct nn_weights *weights = saved(graph, drawn, "classifier.weight", NN_F32, NULL);
    int head = nn_graph_parameter_count(graph) - 2;
    size_t count = nn_graph_parameter(graph, head)->elements;

    assert_int_equal(nn_values_create(graph, weights, false, fresh, 1, &one, &err), NN_OK);
    assert_int_equal(nn_values_create(graph, weights, true, fresh, 1, &same, &err), NN_OK);
    assert_int_equal(nn_values_create(graph, weights, false, fresh, 2, &other, &err), NN_OK);
    assert_memory_equal(nn_values_peek(one, head), nn_values_peek(same, head),
                        count * sizeof(float));
    assert_memory_not_equal(nn_values_peek(one, head), nn_values_peek(other, head),
                            count * sizeof(float));
    float limit = sqrtf(6.0f / (float)(18 + 4)), most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmaxf(most, fabsf(nn_values_peek(one, head)[i]));
    assert_true(most <= limit && most > 0.8f * limit);
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(nn_values_peek(one, head + 1)[i]) == 0);
    nn_values_destroy(one);
    nn_values_destroy(same);
    nn_values_destroy(other);
    nn_weights_close(weights);
    nn_values_destroy(drawn);
    nn_graph_destroy(graph);
}

/* Takes the graph. */
static void refused_by(struct nn_graph *graph, const char *left_out,
                       void (*change)(struct nn_tensor *tensor), enum nn_status status,
                       const char *name)
{
    struct nn_error err = {0};
    struct nn_values *drawn = draw_values(graph, 3), *values;
    struct nn_weights *weights = saved(graph, drawn, left_out, NN_F32, change);
    assert_int_equal(nn_values_create(graph, weights, false, NULL, 0, &values, &err), status);
    assert_null(values);
    if (strstr(err.text, name) == NULL)
        fail_msg("\"%s\" does not name %s", err.text, name);
    nn_weights_close(weights);
    nn_values_destroy(drawn);
    nn_graph_destroy(graph);
}

static void refused(const char *left_out, void (*change)(struct nn_tensor *tensor),
                    enum nn_status status, const char *name)
{
    refused_by(small_network(), left_out, change, status, name);
}

static void flatten_conv2(struct nn_tensor *tensor)
{
    if (strcmp(tensor->name, "conv2.weight") == 0) {
        tensor->dims = 1;
        tensor->dim[0] = (int64_t)tensor->elements;
    }
}

static void swap_dims(struct nn_tensor *tensor)
{
    if (strcmp(tensor->name, "classifier.weight") == 0) {
        int64_t first = tensor->dim[0];
        tensor->dim[0] = tensor->dim[1];
        tensor->dim[1] = first;
    }
}

static float spoiled[10];

static void spoil_nan(struct nn_tensor *tensor)
{
    if (strcmp(tensor->name, "conv2.bias") == 0) {
        spoiled[4] = NAN;
        tensor->data = spoiled;
    }
}

static void spoil_infinite(struct nn_tensor *tensor)
{
    if (strcmp(tensor->name, "conv2.bias") == 0) {
        spoiled[4] = -INFINITY;
        tensor->data = spoiled;
    }
}

/* A mean may be below zero, a variance not. */
static void spoil_variance(struct nn_tensor *tensor)
{
    static const float below[8] = {1, 1, 1, -1e-6f, 1, 1, 1, 1};
    if (strcmp(tensor->name, "b/bn.running_var") == 0 ||
        strcmp(tensor->name, "a/bn.running_mean") == 0)
        tensor->data = below;
}

static void fresh_batch_norm(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_values *values;
    struct nn_graph *graph = nn_graph_create();
    nn_graph_input(graph, "data", (struct nn_shape){3, 2, 2});
    nn_graph_batch_norm(graph, "bn", 0, (struct nn_batch_norm){1e-5f, 0.1f});
    const char *fresh[] = {"bn", NULL};
    const float want[4] = {1, 0, 0, 1}; /* weight, bias, mean, variance */
    assert_int_equal(nn_values_create(finished(graph), NULL, true, fresh, 1, &values, &err), NN_OK);
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 3; c++)
            assert_true(fabsf(nn_values_peek(values, i)[c] - want[i]) < 1e-9f);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
}

static void fresh_with_a_start(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_values *values;
    struct nn_graph *graph = nn_graph_create();
    nn_graph_input(graph, "data", (struct nn_shape){64, 1, 1});
    int layer = nn_graph_linear(graph, "fc", 0, 256, false);
    assert_int_equal(nn_graph_initial(graph, layer, 0.005f, 0.1f), layer);
    const char *fresh[] = {"fc", NULL};
    assert_int_equal(nn_values_create(finished(graph), NULL, true, fresh, 1, &values, &err), NN_OK);

    double sum = 0, squares = 0, count = 64 * 256;
    for (int i = 0; i < 64 * 256; i++) {
        double w = (double)nn_values_peek(values, 0)[i];
        assert_true(fabs(w) <= 0.005 * sqrt(3.0) * (1 + 1e-6));
        sum += w;
        squares += w * w;
    }
    assert_true(fabs(sum / count) < 2e-4);
    assert_true(fabs(sqrt(squares / count) - 0.005) < 1e-4); /* Glorot's: 0.079 */
    for (int i = 0; i < 256; i++)
        assert_float_equal(nn_values_peek(values, 1)[i], 0.1f, 0);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
}

static void refusals_name_the_tensor(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_values *values;
    refused("conv2.bias", NULL, NN_MISSING, "conv2.bias");
    refused(NULL, flatten_conv2, NN_SHAPE, "conv2.weight");
    refused(NULL, swap_dims, NN_SHAPE, "classifier.weight");
    refused(NULL, spoil_nan, NN_BAD_DATA, "conv2.bias");
    refused(NULL, spoil_infinite, NN_BAD_DATA, "conv2.bias");
    refused_by(modern_network(), NULL, spoil_variance, NN_BAD_DATA, "b/bn.running_var");
    refused_by(modern_network(), "c/bn.running_mean", NULL, NN_MISSING, "c/bn.running_mean");

    struct nn_graph *graph = small_network();
    const char *unknown[] = {"nobody", NULL};
    assert_int_equal(nn_values_create(graph, NULL, false, unknown, 0, &values, &err), NN_MISSING);
    assert_non_null(strstr(err.text, "nobody"));
    assert_int_equal(nn_values_create(graph, NULL, true, NULL, 0, &values, &err), NN_MISSING);
    nn_graph_destroy(graph);
}

static void halves_are_widened(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct nn_graph *graph = small_network();
    struct nn_values *drawn = draw_values(graph, 3), *values;
    struct nn_weights *weights = saved(graph, drawn, NULL, NN_F16, NULL);
    assert_int_equal(nn_values_create(graph, weights, false, NULL, 0, &values, &err), NN_OK);
    for (int i = 0; i < nn_graph_parameter_count(graph); i++)
        for (size_t j = 0; j < nn_graph_parameter(graph, i)->elements; j++) {
            float want = nn_values_peek(drawn, i)[j], got = nn_values_peek(values, i)[j];
            assert_true(fabsf(want - got) <= fabsf(want) * 0x1p-11f + 0x1p-25f);
        }
    nn_values_destroy(values);
    nn_weights_close(weights);
    nn_values_destroy(drawn);
    nn_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borrowed_and_copied),      cmocka_unit_test(fresh_head),
        cmocka_unit_test(fresh_with_a_start),       cmocka_unit_test(fresh_batch_norm),
        cmocka_unit_test(refusals_name_the_tensor), cmocka_unit_test(halves_are_widened),
    };
    snprintf(path, sizeof path, "/tmp/nn_values.%ld", (long)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
