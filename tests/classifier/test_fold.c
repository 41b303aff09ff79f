/* What a run leaves out: batch norms folded into convolutions, heads that only training needs; and
 * the gradient that it keeps. */
#include "networks.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define BATCH   2
#define CLASSES 4

struct fixture {
    struct nn_graph *graph;
    struct nn_values *values;
    float *input;
};

/* Takes the graph. */
static struct fixture make(struct nn_graph *graph)
{
    struct fixture f = {graph, draw_values(graph, 3), NULL};
    f.input = calloc(BATCH * elements_of(graph, 0), sizeof(float));
    assert_non_null(f.input);
    fill(f.input, BATCH * elements_of(graph, 0), 4);
    return f;
}

static void unmake(struct fixture *f)
{
    free(f->input);
    nn_values_destroy(f->values);
    nn_graph_destroy(f->graph);
}

static struct nn_run *run_of(const struct fixture *f, enum nn_run_mode mode, bool keep_all)
{
    struct nn_error err = {0};
    struct nn_run *run;
    assert_int_equal(nn_run_create(f->graph, f->values, BATCH, mode, NULL, &run, &err), NN_OK);
    if (keep_all)
        assert_int_equal(nn_run_keep_all(run, &err), NN_OK);
    return run;
}

static void folded_is_unfolded(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct fixture f = make(modern_network());
    struct nn_run *infer = run_of(&f, NN_RUN_INFER, false);
    struct nn_run *folded = run_of(&f, NN_RUN_EXPLAIN, false);
    struct nn_run *plain = run_of(&f, NN_RUN_EXPLAIN, true);
    float output[3][BATCH * CLASSES], direction[BATCH * CLASSES];
    fill(direction, BATCH * CLASSES, 5);
    assert_int_equal(nn_run_forward(infer, f.input, BATCH, output[0], &err), NN_OK);
    assert_int_equal(nn_run_forward(folded, f.input, BATCH, output[1], &err), NN_OK);
    assert_int_equal(nn_run_forward(plain, f.input, BATCH, output[2], &err), NN_OK);
    assert_memory_equal(output[0], output[1], sizeof output[0]);
    for (int i = 0; i < BATCH * CLASSES; i++)
        assert_true(fabsf(output[1][i] - output[2][i]) < 1e-5f);

    int scores = nn_graph_scores(f.graph), block = nn_graph_find(f.graph, "d/bn");
    size_t count = BATCH * elements_of(f.graph, block);
    double largest = 0, apart = 0;
    for (size_t i = 0; i < count; i++) {
        double want = (double)nn_run_peek(plain, block)[i];
        largest = fmax(largest, fabs(want));
        apart = fmax(apart, fabs((double)nn_run_peek(folded, block)[i] - want));
    }
    assert_true(apart <= 1e-5 * largest);
    assert_true(apart > 0); /* another order of roundings: it did fold */

    assert_int_equal(nn_run_backward(folded, scores, direction, &err), NN_OK);
    assert_int_equal(nn_run_backward(plain, scores, direction, &err), NN_OK);
    for (size_t i = 0; i < BATCH * elements_of(f.graph, 0); i++)
        assert_true(fabsf(nn_run_input_gradient(folded)[i] - nn_run_input_gradient(plain)[i]) <
                    1e-5f);
    nn_run_destroy(infer);
    nn_run_destroy(folded);
    nn_run_destroy(plain);
    unmake(&f);
}

static void what_is_left_out(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct fixture f = make(modern_network());
    struct nn_run *run = run_of(&f, NN_RUN_EXPLAIN, false);
    int conv = nn_graph_find(f.graph, "stem"), head = nn_graph_find(f.graph, "aux/fc");
    float direction[BATCH * CLASSES] = {1};
    assert_int_equal(nn_run_forward(run, f.input, BATCH, NULL, &err), NN_OK);
    assert_null(nn_run_peek(run, conv));
    assert_null(nn_run_peek(run, head));
    assert_null(nn_run_peek(run, nn_graph_find(f.graph, "aux/prob")));
    assert_non_null(nn_run_peek(run, nn_graph_find(f.graph, "stem/bn")));
    assert_int_equal(nn_run_backward(run, head, direction, &err), NN_INVALID);
    assert_int_equal(nn_run_backward(run, conv, f.input, &err), NN_INVALID);
    nn_run_destroy(run);

    run = run_of(&f, NN_RUN_INFER, true);
    assert_int_equal(nn_run_forward(run, f.input, BATCH, NULL, &err), NN_OK);
    assert_non_null(nn_run_peek(run, conv));
    assert_null(nn_run_peek(run, head));
    nn_run_destroy(run);
    unmake(&f);
}

/* A convolution that something else reads too, or with a ReLU of its own, stays. */
static void what_does_not_fold(void **state)
{
    (void)state;
    struct nn_error err = {0};
    const struct nn_batch_norm norm = {1e-3f, 0.1f};
    struct nn_graph *g = nn_graph_create();
    int data = nn_graph_input(g, "data", (struct nn_shape){3, 5, 5});
    int a = nn_graph_conv2d(g, "read twice", data,
                            (struct nn_conv2d){3, 3, 3, 1, 1, 1, 1, 1, false, true});
    int b = nn_graph_batch_norm(g, "a/bn", a, norm);
    int c = nn_graph_conv2d(g, "own relu", nn_graph_add(g, "sum", (int[]){a, b}, 2, false),
                            (struct nn_conv2d){3, 3, 3, 1, 1, 1, 1, 1, true, false});
    nn_graph_batch_norm(g, "c/bn", c, norm);
    struct fixture f = make(finished(g));
    struct nn_run *run = run_of(&f, NN_RUN_EXPLAIN, false);
    assert_int_equal(nn_run_forward(run, f.input, BATCH, NULL, &err), NN_OK);
    assert_non_null(nn_run_peek(run, a));
    assert_non_null(nn_run_peek(run, c));
    nn_run_destroy(run);
    unmake(&f);
}

/* A convolution that is read by one that folds and by a batch norm: two readers before and after
 * the other has gone. */
static void a_fold_leaves_no_reader_out(void **state)
{
    (void)state;
    struct nn_error err = {0};
    const struct nn_batch_norm norm = {1e-3f, 0.1f};
    const struct nn_conv2d conv = {3, 3, 3, 1, 1, 1, 1, 1, false, true};
    struct nn_graph *g = nn_graph_create();
    int a = nn_graph_conv2d(g, "a", nn_graph_input(g, "data", (struct nn_shape){3, 5, 5}), conv);
    int b = nn_graph_batch_norm(g, "b/bn", nn_graph_conv2d(g, "b", a, conv), norm);
    nn_graph_add(g, "sum", (int[]){b, nn_graph_batch_norm(g, "a/bn", a, norm)}, 2, false);
    struct fixture f = make(finished(g));
    struct nn_run *run = run_of(&f, NN_RUN_INFER, false), *plain = run_of(&f, NN_RUN_INFER, true);
    float output[2][BATCH * 3 * 25];
    assert_int_equal(nn_run_forward(run, f.input, BATCH, output[0], &err), NN_OK);
    assert_int_equal(nn_run_forward(plain, f.input, BATCH, output[1], &err), NN_OK);
    for (int i = 0; i < BATCH * 3 * 25; i++)
        assert_true(fabsf(output[0][i] - output[1][i]) < 1e-4f);
    nn_run_destroy(run);
    nn_run_destroy(plain);
    unmake(&f);
}

/* Two ReLU convolutions in a concat, then a mean and a fully connected layer: the concat's gradient
 * is weight / area everywhere, where its parts are zero as well. */
static struct nn_graph *known_gradient(void)
{
    struct nn_graph *g = nn_graph_create();
    const struct nn_conv2d conv = {3, 3, 3, 1, 1, 1, 1, 1, true, false};
    int data = nn_graph_input(g, "data", (struct nn_shape){3, 6, 5}), part[2];
    part[0] = nn_graph_conv2d(g, "a", data, conv);
    part[1] = nn_graph_conv2d(g, "b", data, conv);
    int x = nn_graph_concat(g, "cat", part, 2);
    nn_graph_linear(g, "fc", nn_graph_global_avg_pool(g, "pool", x), CLASSES, false);
    return finished(g);
}

static void keeps_a_gradient(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct fixture f = make(known_gradient());
    struct nn_run *run = run_of(&f, NN_RUN_EXPLAIN, false);
    int cat = nn_graph_find(f.graph, "cat"), last = nn_graph_count(f.graph) - 1;
    float direction[BATCH * CLASSES] = {[2] = 1, [CLASSES + 1] = 2}; /* one class a sample */
    assert_null(nn_run_kept_gradient(run));
    assert_int_equal(nn_run_keep_gradient(run, cat, &err), NN_OK);
    assert_null(nn_run_kept_gradient(run));
    assert_int_equal(nn_run_forward(run, f.input, BATCH, NULL, &err), NN_OK);
    assert_null(nn_run_kept_gradient(run));
    assert_int_equal(nn_run_backward(run, last, direction, &err), NN_OK);
    const float *got = nn_run_kept_gradient(run), *w = nn_values_peek(f.values, 4);
    assert_non_null(got);
    int zeros = 0;
    for (int s = 0; s < BATCH; s++)
        for (int i = 0; i < 6 * 30; i++) {
            float want = s == 0 ? w[2 * 6 + i / 30] / 30 : 2 * w[1 * 6 + i / 30] / 30;
            assert_true(fabsf(got[s * 6 * 30 + i] - want) < 1e-7f);
            zeros += nn_run_peek(run, cat)[s * 6 * 30 + i] <= 0;
        }
    assert_true(zeros > 0);
    assert_int_equal(nn_run_backward(run, nn_graph_find(f.graph, "a"), f.input, &err), NN_OK);
    assert_null(nn_run_kept_gradient(run)); /* it took no part */
    assert_int_equal(nn_run_keep_gradient(run, cat, &err), NN_INVALID);
    nn_run_destroy(run);
    unmake(&f);
}

/* Keeping changes no bit of the rest, and a kept convolution is not folded. */
static void keeping_changes_nothing(void **state)
{
    (void)state;
    struct nn_error err = {0};
    struct fixture f = make(small_network());
    struct nn_run *plain = run_of(&f, NN_RUN_EXPLAIN, false);
    struct nn_run *keeps = run_of(&f, NN_RUN_EXPLAIN, false);
    float direction[BATCH * CLASSES];
    fill(direction, BATCH * CLASSES, 6);
    assert_int_equal(nn_run_keep_gradient(keeps, nn_graph_find(f.graph, "a/output"), &err), NN_OK);
    for (int i = 0; i < 2; i++) {
        struct nn_run *run = i == 0 ? plain : keeps;
        assert_int_equal(nn_run_forward(run, f.input, BATCH, NULL, &err), NN_OK);
        assert_int_equal(nn_run_backward(run, nn_graph_scores(f.graph), direction, &err), NN_OK);
    }
    assert_memory_equal(nn_run_input_gradient(plain), nn_run_input_gradient(keeps),
                        BATCH * elements_of(f.graph, 0) * sizeof(float));
    nn_run_destroy(plain);
    nn_run_destroy(keeps);
    unmake(&f);

    f = make(modern_network());
    keeps = run_of(&f, NN_RUN_EXPLAIN, false);
    int conv = nn_graph_find(f.graph, "b");
    assert_int_equal(nn_run_keep_gradient(keeps, conv, &err), NN_OK);
    assert_int_equal(nn_run_forward(keeps, f.input, BATCH, NULL, &err), NN_OK);
    assert_int_equal(nn_run_backward(keeps, nn_graph_scores(f.graph), direction, &err), NN_OK);
    assert_non_null(nn_run_peek(keeps, conv));
    assert_non_null(nn_run_kept_gradient(keeps));
    nn_run_destroy(keeps);
    keeps = run_of(&f, NN_RUN_INFER, false);
    assert_int_equal(nn_run_keep_gradient(keeps, conv, &err), NN_INVALID);
    nn_run_destroy(keeps);
    keeps = run_of(&f, NN_RUN_EXPLAIN, false);
    assert_int_equal(nn_run_keep_gradient(keeps, -1, &err), NN_INVALID);
    assert_int_equal(nn_run_keep_gradient(keeps, 999, &err), NN_INVALID);
    nn_run_destroy(keeps);
    unmake(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded_is_unfolded),      cmocka_unit_test(what_is_left_out),
        cmocka_unit_test(what_does_not_fold),      cmocka_unit_test(keeps_a_gradient),
        cmocka_unit_test(keeping_changes_nothing), cmocka_unit_test(a_fold_leaves_no_reader_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
