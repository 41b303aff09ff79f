/* The optimisers against naive twins in double precision; decay, clipping, frozen parameters, the
 * same bits on any number of threads, state that can be carried over. */
#include "nn_fixture.h"
#include "nn_optimiser.h"

#define INPUTS  1030 /* the weight matrix spans two pieces of the optimiser */
#define OUTPUTS 1021

struct bench {
    struct nn_graph *graph;
    struct nn_values *values;
    float *gradient[4];
    size_t elements[4];
    double *w[4], *v[4], *s[4]; /* the twin */
};

static void fill(struct bench *b, uint64_t seed, float scale)
{
    for (int p = 0; p < 4; p++) {
        for (size_t k = 0; k < b->elements[p]; k++)
            b->gradient[p][k] = scale * fixture_random(&seed);
    }
}

static void bench_init(struct bench *b)
{
    static const char *const fresh[] = {"a", "b", NULL};
    struct nn_error err;

    b->graph = nn_graph_create();
    int at = nn_graph_input(b->graph, "data", (struct nn_shape){INPUTS, 1, 1});
    at = nn_graph_linear(b->graph, "a", at, OUTPUTS, true);
    at = nn_graph_linear(b->graph, "b", at, 3, false);
    (void)nn_graph_softmax(b->graph, "prob", at);
    assert_int_equal(nn_graph_finish(b->graph, &err), NN_OK);
    assert_int_equal(nn_values_create(b->graph, NULL, true, fresh, 5, &b->values, &err), NN_OK);
    assert_int_equal(nn_graph_parameter_count(b->graph), 4);
    for (int p = 0; p < 4; p++) {
        b->elements[p] = nn_graph_parameter(b->graph, p)->elements;
        b->gradient[p] = calloc(b->elements[p], sizeof(float));
        b->w[p] = calloc(b->elements[p], sizeof(double));
        b->v[p] = calloc(b->elements[p], sizeof(double));
        b->s[p] = calloc(b->elements[p], sizeof(double));
        for (size_t k = 0; k < b->elements[p]; k++)
            b->w[p][k] = (double)nn_values_peek(b->values, p)[k];
    }
    fill(b, 3, 0.01f);
}

static void bench_finish(struct bench *b)
{
    for (int p = 0; p < 4; p++) {
        free(b->gradient[p]);
        free(b->w[p]);
        free(b->v[p]);
        free(b->s[p]);
    }
    nn_values_destroy(b->values);
    nn_graph_destroy(b->graph);
}

static void step(struct bench *b, struct nn_optimiser *o, double rate, const double *factors)
{
    const float *gradients[4] = {b->gradient[0], b->gradient[1], b->gradient[2], b->gradient[3]};
    struct nn_error err = {0};
    if (nn_optimiser_step(o, gradients, b->values, rate, factors, &err) != NN_OK)
        fail_msg("%s", err.text);
}

static double clip_of(const struct bench *b, double longest)
{
    double sum = 0;
    for (int p = 0; p < 4; p++) {
        for (size_t k = 0; k < b->elements[p]; k++)
            sum += (double)b->gradient[p][k] * (double)b->gradient[p][k];
    }
    return longest > 0 && sqrt(sum) > longest ? longest / sqrt(sum) : 1;
}

static bool is_weight(int p)
{
    return p % 2 == 0;
}

static void twin_sgd(struct bench *b, const struct nn_optimiser_settings *s, double rate,
                     const double *factors)
{
    double clip = clip_of(b, s->clip_norm);
    for (int p = 0; p < 4; p++) {
        for (size_t k = 0; k < b->elements[p]; k++) {
            double g = clip * (double)b->gradient[p][k] +
                       (is_weight(p) ? s->weight_decay : 0) * b->w[p][k];
            b->v[p][k] = s->momentum * b->v[p][k] - rate * (factors ? factors[p] : 1) * g;
            b->w[p][k] += b->v[p][k];
        }
    }
}

static void twin_adam(struct bench *b, const struct nn_optimiser_settings *s, double rate, int t)
{
    double clip = clip_of(b, s->clip_norm);
    for (int p = 0; p < 4; p++) {
        for (size_t k = 0; k < b->elements[p]; k++) {
            double g = clip * (double)b->gradient[p][k] +
                       (is_weight(p) ? s->weight_decay : 0) * b->w[p][k];
            b->v[p][k] = s->beta1 * b->v[p][k] + (1 - s->beta1) * g;
            b->s[p][k] = s->beta2 * b->s[p][k] + (1 - s->beta2) * g * g;
            double m = b->v[p][k] / (1 - pow(s->beta1, t));
            double v = b->s[p][k] / (1 - pow(s->beta2, t));
            b->w[p][k] -= rate * m / (sqrt(v) + s->epsilon);
        }
    }
}

static void close_to_twin(const struct bench *b, double limit)
{
    for (int p = 0; p < 4; p++) {
        for (size_t k = 0; k < b->elements[p]; k++) {
            if (fabs((double)nn_values_peek(b->values, p)[k] - b->w[p][k]) > limit)
                fail_msg("parameter %d, element %zu: %g, the twin has %g", p, k,
                         (double)nn_values_peek(b->values, p)[k], b->w[p][k]);
        }
    }
}

static void sgd_is_its_twin(void **state)
{
    const struct nn_optimiser_settings s = {
        .kind = NN_SGD, .momentum = 0.95, .weight_decay = 0.01, .clip_norm = 2};
    const double factors[4] = {1, 1, 10, 10};
    struct nn_optimiser *o;
    struct nn_error err;
    struct bench b;

    (void)state;
    bench_init(&b);
    assert_int_equal(nn_optimiser_create(b.graph, &s, NULL, NULL, &o, &err), NN_OK);
    assert_true(clip_of(&b, s.clip_norm) < 1);
    for (int t = 1; t <= 10; t++) {
        double rate = t > 5 ? 0.005 : 0.01;
        fill(&b, (uint64_t)t, t == 7 ? 1e-5f : 0.01f); /* once under the clip's length */
        twin_sgd(&b, &s, rate, factors);
        step(&b, o, rate, factors);
    }
    close_to_twin(&b, 2e-6);
    nn_optimiser_destroy(o);
    bench_finish(&b);
}

static void adam_is_its_twin(void **state)
{
    const struct nn_optimiser_settings s = {.kind = NN_ADAM,
                                            .beta1 = 0.9,
                                            .beta2 = 0.999,
                                            .epsilon = 1e-8,
                                            .weight_decay = 0.01,
                                            .clip_norm = 2};
    struct nn_optimiser *o;
    struct nn_error err;
    struct bench b;

    (void)state;
    bench_init(&b);
    assert_int_equal(nn_optimiser_create(b.graph, &s, NULL, NULL, &o, &err), NN_OK);
    for (int t = 1; t <= 10; t++) {
        fill(&b, (uint64_t)t, 0.01f);
        /* away from zero, where Adam's quotient turns rounding into a whole step */
        for (int p = 0; p < 4; p++) {
            for (size_t k = 0; k < b.elements[p]; k++)
                b.gradient[p][k] += k % 2 ? 0.02f : -0.02f;
        }
        twin_adam(&b, &s, 0.001, t);
        step(&b, o, 0.001, NULL);
    }
    assert_int_equal(nn_optimiser_steps(o), 10);
    close_to_twin(&b, 2e-6);
    nn_optimiser_destroy(o);
    bench_finish(&b);
}

static void biases_do_not_decay(void **state)
{
    const struct nn_optimiser_settings s = {.kind = NN_SGD, .weight_decay = 0.5};
    struct nn_optimiser *o;
    struct nn_error err;
    struct bench b;

    (void)state;
    bench_init(&b);
    for (int p = 0; p < 4; p++) {
        memset(b.gradient[p], 0, b.elements[p] * sizeof(float));
        for (size_t k = 0; k < b.elements[p]; k++)
            nn_values_at(b.values, p)[k] = 1;
    }
    assert_int_equal(nn_optimiser_create(b.graph, &s, NULL, NULL, &o, &err), NN_OK);
    step(&b, o, 0.1, NULL);
    for (int p = 0; p < 4; p++)
        assert_float_equal(nn_values_peek(b.values, p)[0], is_weight(p) ? 0.95f : 1.0f, 1e-6f);
    nn_optimiser_destroy(o);
    bench_finish(&b);
}

/* Frozen, or without a gradient: not a bit of it moves, and it adds nothing to the norm. */
static void frozen_parameters_stay(void **state)
{
    const bool frozen[4] = {true, false, false, false};
    struct nn_optimiser_settings s = {.kind = NN_ADAM,
                                      .beta1 = 0.9,
                                      .beta2 = 0.999,
                                      .epsilon = 1e-8,
                                      .weight_decay = 0.1,
                                      .clip_norm = 1};
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct nn_optimiser *o;
        struct nn_error err;
        struct bench b;

        bench_init(&b);
        s.kind = kind ? NN_ADAM : NN_SGD;
        assert_int_equal(nn_optimiser_create(b.graph, &s, frozen, NULL, &o, &err), NN_OK);
        assert_null(nn_optimiser_slot(o, 0, 0));
        assert_non_null(nn_optimiser_slot(o, 0, 1));
        b.gradient[0][7] = NAN; /* not looked at */
        const float *gradients[4] = {b.gradient[0], NULL, b.gradient[2], b.gradient[3]};
        assert_int_equal(nn_optimiser_step(o, gradients, b.values, 0.01, NULL, &err), NN_OK);
        for (int p = 0; p < 4; p++) {
            bool moved = false;
            for (size_t k = 0; k < b.elements[p]; k++)
                moved |= nn_values_peek(b.values, p)[k] != (float)b.w[p][k];
            assert_int_equal(moved, p >= 2);
        }
        nn_optimiser_destroy(o);
        bench_finish(&b);
    }
}

static void threads_change_no_bit(void **state)
{
    const struct nn_optimiser_settings s = {.kind = NN_ADAM,
                                            .beta1 = 0.9,
                                            .beta2 = 0.999,
                                            .epsilon = 1e-8,
                                            .weight_decay = 0.01,
                                            .clip_norm = 1};
    struct bench b[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct nn_pool *pool = nn_pool_create(i + 1);
        struct nn_optimiser *o;
        struct nn_error err;
        bench_init(&b[i]);
        assert_int_equal(nn_optimiser_create(b[i].graph, &s, NULL, pool, &o, &err), NN_OK);
        for (int t = 0; t < 3; t++)
            step(&b[i], o, 0.001, NULL);
        nn_optimiser_destroy(o);
        nn_pool_destroy(pool);
        for (int p = 0; p < 4; p++)
            assert_memory_equal(nn_values_peek(b[0].values, p), nn_values_peek(b[i].values, p),
                                b[i].elements[p] * sizeof(float));
    }
    for (int i = 0; i < 3; i++)
        bench_finish(&b[i]);
}

/* Half the steps in one optimiser, the rest in another that was given its state. */
static void state_can_be_carried_over(void **state)
{
    const struct nn_optimiser_settings s = {
        .kind = NN_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    struct nn_optimiser *o, *second;
    struct nn_error err;
    struct bench a, b;

    (void)state;
    bench_init(&a);
    bench_init(&b);
    assert_int_equal(nn_optimiser_create(a.graph, &s, NULL, NULL, &o, &err), NN_OK);
    for (int t = 0; t < 4; t++)
        step(&a, o, 0.001, NULL);
    nn_optimiser_destroy(o);

    assert_int_equal(nn_optimiser_create(b.graph, &s, NULL, NULL, &o, &err), NN_OK);
    assert_int_equal(nn_optimiser_create(b.graph, &s, NULL, NULL, &second, &err), NN_OK);
    step(&b, o, 0.001, NULL);
    step(&b, o, 0.001, NULL);
    assert_int_equal(nn_optimiser_slots(o), 2);
    for (int slot = 0; slot < 2; slot++) {
        for (int p = 0; p < 4; p++)
            memcpy(nn_optimiser_slot(second, slot, p), nn_optimiser_slot(o, slot, p),
                   b.elements[p] * sizeof(float));
    }
    nn_optimiser_set_steps(second, nn_optimiser_steps(o));
    step(&b, second, 0.001, NULL);
    step(&b, second, 0.001, NULL);
    for (int p = 0; p < 4; p++)
        assert_memory_equal(nn_values_peek(a.values, p), nn_values_peek(b.values, p),
                            a.elements[p] * sizeof(float));
    nn_optimiser_destroy(o);
    nn_optimiser_destroy(second);
    bench_finish(&a);
    bench_finish(&b);
}

static void a_planted_nan_moves_nothing(void **state)
{
    const struct nn_optimiser_settings s = {.kind = NN_SGD, .momentum = 0.9};
    const float *gradients[4];
    struct nn_optimiser *o;
    struct nn_error err;
    struct bench b;

    (void)state;
    bench_init(&b);
    assert_int_equal(nn_optimiser_create(b.graph, &s, NULL, NULL, &o, &err), NN_OK);
    b.gradient[2][11] = NAN;
    for (int p = 0; p < 4; p++)
        gradients[p] = b.gradient[p];
    assert_int_equal(nn_optimiser_step(o, gradients, b.values, 0.01, NULL, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "b.weight"));
    for (int p = 0; p < 4; p++) {
        for (size_t k = 0; k < b.elements[p]; k++)
            assert_true(nn_values_peek(b.values, p)[k] == (float)b.w[p][k]);
    }
    nn_optimiser_destroy(o);
    bench_finish(&b);
}

static void settings_are_checked(void **state)
{
    const struct nn_optimiser_settings bad[] = {
        {.kind = NN_SGD, .momentum = 1},
        {.kind = NN_SGD, .momentum = NAN},
        {.kind = NN_SGD, .weight_decay = -1},
        {.kind = NN_SGD, .clip_norm = -1},
        {.kind = NN_ADAM, .beta1 = 1, .beta2 = 0.9, .epsilon = 1e-8},
        {.kind = NN_ADAM, .beta1 = 0.9, .beta2 = 1, .epsilon = 1e-8},
        {.kind = NN_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 0},
    };
    struct nn_optimiser *o;
    struct nn_error err;
    struct bench b;

    (void)state;
    bench_init(&b);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(nn_optimiser_create(b.graph, &bad[i], NULL, NULL, &o, &err), NN_INVALID);
        assert_null(o);
    }
    bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_is_its_twin),
        cmocka_unit_test(adam_is_its_twin),
        cmocka_unit_test(biases_do_not_decay),
        cmocka_unit_test(frozen_parameters_stay),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(state_can_be_carried_over),
        cmocka_unit_test(a_planted_nan_moves_nothing),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
