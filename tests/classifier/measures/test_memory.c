/* Each allocation of each measure fails once: NN_NO_MEMORY, and nothing is kept. */
#include "measures_fixture.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void __libc_free(void *memory);

static long held, calls, failing = -1; /* the call of calloc that fails; -1: none */

void *malloc(size_t size)
{
    held++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (calls++ == failing)
        return NULL;
    held++;
    return __libc_calloc(count, size);
}

void free(void *memory)
{
    held -= memory != NULL;
    __libc_free(memory);
}

#define COUNT 60

static struct data {
    float scores[COUNT * 3];
    double a[COUNT], b[COUNT];
    int truth[COUNT];
    bool positive[COUNT], called[COUNT], refused[COUNT];
    uint32_t patient[COUNT], study[COUNT];
    const char *keys[COUNT];
} d;

static const bool finding[3] = {true, true, false};
static const double points[3] = {0.5, 0.5, 0};
static struct nn_bootstrap settings = {.draws = 100, .level = 0.95, .bca = true, .stratify = true};

static void make(void)
{
    uint64_t seed = 1;

    for (size_t i = 0; i < COUNT; i++) {
        for (size_t c = 0; c < 3; c++)
            d.scores[i * 3 + c] = (float)chance(&seed);
        d.a[i] = chance(&seed);
        d.b[i] = chance(&seed);
        d.truth[i] = (int)(i % 3);
        d.positive[i] = i % 2;
        d.called[i] = i % 4 == 1;
        d.refused[i] = i == 7;
        d.patient[i] = (uint32_t)(i / 3);
        d.study[i] = (uint32_t)(i / 3);
        d.keys[i] = i < 30 ? "a" : "b";
    }
}

static struct nn_binary binary(void)
{
    return (struct nn_binary){COUNT, d.a, d.positive, d.called, d.refused, d.patient};
}

static struct nn_cases cases(void)
{
    return (struct nn_cases){COUNT, 3, d.scores, d.truth, d.patient, d.study, finding, points};
}

static enum nn_status run_binary(struct nn_error *err)
{
    struct nn_binary b = binary();
    struct nn_binary_figures f;
    return nn_binary_measure(&b, &settings, &f, err);
}

static enum nn_status run_eligible(struct nn_error *err)
{
    struct nn_binary b = binary();
    struct nn_binary_figures f;
    return nn_binary_eligible(&b, &settings, &f, err);
}

static enum nn_status run_cases(struct nn_error *err)
{
    static struct nn_case_figures f;
    struct nn_cases c = cases();
    return nn_cases_measure(&c, &settings, &f, err);
}

static enum nn_status run_studies(struct nn_error *err)
{
    struct nn_cases c = cases();
    struct nn_studies s;
    enum nn_status status = nn_studies_create(&c, &s, err);
    nn_studies_finish(&s);
    return status;
}

static enum nn_status run_subgroups(struct nn_error *err)
{
    struct nn_binary b = binary();
    struct nn_subgroup *rows;
    size_t count;
    enum nn_status status = nn_subgroups_measure(&b, d.keys, &settings, &rows, &count, err);
    free(rows);
    return status;
}

static enum nn_status run_curve(struct nn_error *err)
{
    struct nn_curve c;
    enum nn_status status = nn_curve_create(d.a, d.positive, COUNT, &c, err);
    nn_curve_finish(&c);
    return status;
}

static enum nn_status run_reliability(struct nn_error *err)
{
    static struct nn_reliability r;
    return nn_reliability_measure(d.a, d.positive, COUNT, 10, NN_BINS_EQUAL_COUNT, &r, err);
}

static enum nn_status run_fill(struct nn_error *err)
{
    static struct nn_model_info info = {.classes = 3, .class_ = {{"a", true, 0.5}, {"b", true, 1}}};
    return nn_measures_fill(&info, d.scores, d.truth, COUNT, err);
}

static enum nn_status run_delong(struct nn_error *err)
{
    struct nn_delong out;
    return nn_delong_compare(d.a, d.b, d.positive, COUNT, 0.95, &out, err);
}

static enum nn_status run_difference(struct nn_error *err)
{
    struct nn_auc_pair out;
    return nn_auc_difference(d.a, d.b, d.positive, d.patient, COUNT, &settings, &out, err);
}

static void every_allocation_may_fail(void **state)
{
    enum nn_status (*const runs[])(struct nn_error *) = {
        run_binary, run_eligible,    run_cases, run_studies, run_subgroups,
        run_curve,  run_reliability, run_fill,  run_delong,  run_difference};
    struct nn_error err;

    (void)state;
    make();
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        calls = 0;
        failing = -1;
        assert_int_equal(runs[k](&err), NN_OK);
        long all = calls;
        assert_true(all > 0);
        for (long at = 0; at < all; at++) {
            long before = held;
            calls = 0;
            failing = at;
            enum nn_status status = runs[k](&err);
            failing = -1;
            long after = held;
            assert_int_equal(status, NN_NO_MEMORY);
            assert_int_equal(err.status, NN_NO_MEMORY);
            assert_int_equal(after, before);
        }
    }
    /* this one has no status: without memory it is the point that calls nothing */
    calls = failing = 0;
    double point = nn_operating_point(d.scores, d.truth, COUNT, 3, 0, 2, 0.9, 0);
    failing = -1;
    assert_true(point == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
