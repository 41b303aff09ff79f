/* Networks from ONNX files: what is refused, by name; what is made anew. */
#include "onnx_case.h"

static void unsupported_is_named(void **state)
{
    struct bytes g = begin();

    (void)state;
    put_node(&g, "Einsum", "layer/einsum", "x", "e");
    end(&g, "e");
    refused(&g, 13, NN_UNSUPPORTED,
            "t.onnx: Einsum node \"layer/einsum\" (output \"e\"): the operator is not supported");

    struct bytes unused = begin(); /* what the output does not need is not looked at */
    put_node(&unused, "Einsum", "layer/einsum", "x", "e");
    end(&unused, "x");
    nn_onnx_close(take(&unused, 13));
    refused(&unused, 6, NN_UNSUPPORTED, "opset 6; 7 to 17");
    refused(&unused, 18, NN_UNSUPPORTED, "opset 18; 7 to 17");

    g = begin();
    put_node(&g, "Relu", "r", "nothing", "e");
    end(&g, "e");
    refused(&g, 13, NN_BAD_DATA, "nothing makes its input \"nothing\"");

    g = begin();
    struct bytes n = node_of("Conv", "c", "x w", "e");
    attribute_ints(&n, "dilations", 2, (const int64_t[]){2, 2});
    put_floats(&g, "w", 4, (const int64_t[]){2, 2, 1, 1}, (const float[]){1, 2, 3, 4}, 4);
    put_message(&g, 1, &n);
    end(&g, "e");
    refused(&g, 13, NN_UNSUPPORTED, "the attribute dilations");
}

static void tensors_are_checked(void **state)
{
    const float four[4] = {1, 2, 3, 4}, nan[4] = {1, NAN, 3, 4};
    struct bytes g, t = {0};

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        g = begin();
        put_node(&g, "Conv", "c", "x w", "e");
        if (kind == 0) /* one number is missing */
            put_floats(&g, "w", 4, (const int64_t[]){2, 2, 1, 1}, four, 3);
        else if (kind == 1)
            put_floats(&g, "w", 4, (const int64_t[]){2, 2, 1, 1}, nan, 4);
        else if (kind == 2) /* sizes whose product is 2^64 */
            put_floats(&g, "w", 4, (const int64_t[]){65536, 65536, 65536, 65536}, four, 4);
        else {
            put_int(&t, 1, 4);
            put_int(&t, 2, 1);
            put_text(&t, 8, "w");
            put_int(&t, 14, 1);
            put_message(&g, 5, &t);
        }
        end(&g, "e");
        refused(&g, 13,
                kind == 3   ? NN_UNSUPPORTED
                : kind == 2 ? NN_LIMIT
                            : NN_BAD_DATA,
                kind == 3   ? "\"w\" lies in another file"
                : kind == 2 ? "\"w\" is too large"
                : kind == 1 ? "\"c.weight\" is not finite"
                            : "\"w\" does not hold the 4 numbers");
    }
}

static void inputs_are_checked(void **state)
{
    struct nn_onnx_options options = {.side = 4};
    struct nn_onnx *onnx = NULL;
    struct bytes g = {0};

    (void)state;
    put_value(&g, 11, "x", 4, (const int64_t[]){0, 2, 0, 0});
    put_value(&g, 12, "y", 2, (const int64_t[]){0, 2});
    end(&g, "x");
    refused(&g, 13, NN_UNSUPPORTED, "--side");
    struct bytes model = model_of(&g, 13);
    assert_int_equal(nn_onnx_parse("t", model.data, model.size, &options, &onnx, &err), NN_OK);
    assert_int_equal(nn_graph_shape(nn_onnx_graph(onnx), 0).h, 4);
    nn_onnx_close(onnx);

    g = begin();
    put_value(&g, 11, "other", 4, IMAGE);
    put_node(&g, "Add", "add", "x other", "e");
    end(&g, "e");
    refused(&g, 13, NN_UNSUPPORTED, "is a second one");

    struct bytes twice = begin();
    put_node(&twice, "Relu", "r", "x", "e");
    put_node(&twice, "Relu", "s", "x", "e");
    end(&twice, "e");
    refused(&twice, 13, NN_BAD_DATA, "\"e\" is made twice");
}

static void head_is_made_anew(void **state)
{
    struct nn_onnx_options options = {.fresh_classes = 5, .seed = 1};
    struct nn_onnx *a, *b;
    struct bytes g = begin();
    size_t count;

    (void)state;
    end(&g, "x");
    struct bytes model = model_of(&g, 13);
    assert_int_equal(nn_onnx_parse("t", model.data, model.size, &options, &a, &err), NN_OK);
    options.seed = 2;
    assert_int_equal(nn_onnx_parse("t", model.data, model.size, &options, &b, &err), NN_OK);
    const struct nn_tensor *t = nn_onnx_tensors(a, &count), *u = nn_onnx_tensors(b, &count);
    assert_int_equal(count, 2);
    assert_int_equal(t[0].dim[0], 5);
    assert_int_equal(t[0].dim[1], 2);
    assert_memory_not_equal(t[0].data, u[0].data, 10 * sizeof(float));
    for (size_t i = 0; i < t[0].elements; i++)
        assert_true(fabsf(t[0].data[i]) <= sqrtf(6.0f / 7));
    for (size_t i = 0; i < t[1].elements; i++)
        near(t[1].data[i], 0, 0);
    nn_onnx_close(a);
    nn_onnx_close(b);
}

/* A file that is cut off anywhere, or has one bit changed, is refused or read: never more. */
static void damaged_files(void **state)
{
    struct bytes g = begin();
    struct nn_onnx *onnx;
    int refusals = 0;

    (void)state;
    end(&g, "x");
    struct bytes model = model_of(&g, 13);
    for (size_t size = 0; size < model.size; size++) {
        uint8_t *exact = malloc(size > 0 ? size : 1);
        assert_non_null(exact);
        memcpy(exact, model.data, size);
        err = (struct nn_error){0};
        if (nn_onnx_parse("t", exact, size, NULL, &onnx, &err) != NN_OK) {
            assert_true(err.text[0] != '\0');
            refusals++;
        }
        nn_onnx_close(onnx);
        free(exact);
    }
    assert_int_equal(refusals, model.size);
    for (size_t bit = 0; bit < 8 * model.size; bit++) {
        struct bytes changed = model;
        changed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (nn_onnx_parse("t", changed.data, changed.size, NULL, &onnx, &err) == NN_OK)
            nn_onnx_close(onnx);
    }
}

static void files_are_opened(void **state)
{
    char template[32], path[PATH_MAX], *dir = fixture_dir(template);
    struct nn_onnx *onnx;

    (void)state;
    fixture_path(path, dir, "none.onnx");
    assert_int_equal(nn_onnx_open(path, NULL, &onnx, &err), NN_MISSING);
    assert_null(onnx);
    assert_int_equal(nn_onnx_open(dir, NULL, &onnx, &err), NN_BAD_DATA);
    fixture_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsupported_is_named), cmocka_unit_test(tensors_are_checked),
        cmocka_unit_test(inputs_are_checked),   cmocka_unit_test(head_is_made_anew),
        cmocka_unit_test(damaged_files),        cmocka_unit_test(files_are_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
