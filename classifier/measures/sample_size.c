/* sample_size.c: how many patients a promised lower limit needs. */
#include "nn_measures.h"

#include <math.h>
#include <string.h>

#define TOTAL_MAX 1e9

/* The exact lower limit for k of n exceeds `limit` just when P(X >= k) < tail at that rate. The
 * least such k grows by 0 or 1 with n: one walk finds the power of every n. */
struct walk {
    double rate, limit, tail;
    uint64_t n, least; /* least > n: no result of n patients passes */
};

static double step(struct walk *w)
{
    w->n++;
    while (w->least <= w->n && nn_binomial_upper(w->least, w->n, w->limit) >= w->tail)
        w->least++;
    return w->least > w->n ? 0 : nn_binomial_upper(w->least, w->n, w->rate);
}

enum nn_status nn_plan_rate(double rate, double limit, double level, double power,
                            struct nn_plan *plan, struct nn_error *err)
{
    struct walk walk = {rate, limit, (1 - level) / 2, 0, 0};
    double reached;

    memset(plan, 0, sizeof *plan);
    if (!(limit > 0) || !(rate > limit) || !(rate <= 1) || !(level > 0) || !(level < 1) ||
        !(power > 0) || !(power < 1))
        return nn_fail(err, NN_INVALID,
                       "plan: needs 0 < limit %g < rate %g <= 1, level and power in (0, 1)", limit,
                       rate);
    do {
        if (walk.n == NN_PLAN_MAX)
            return nn_fail(err, NN_LIMIT, "plan: more than %d are needed", NN_PLAN_MAX);
        reached = step(&walk);
    } while (reached < power);
    plan->n = plan->always = walk.n;
    plan->most_errors = walk.n - walk.least;
    plan->power = reached;
    while (walk.n < 2 * plan->n) {
        if (step(&walk) < power)
            plan->always = walk.n + 1;
    }
    return NN_OK;
}

enum nn_status nn_plan_total(uint64_t n, double prevalence, double assurance, uint64_t *expected,
                             uint64_t *assured, struct nn_error *err)
{
    uint64_t low, high;

    *expected = *assured = 0;
    if (!(prevalence > 0) || !(prevalence <= 1) || !(assurance > 0) || !(assurance < 1))
        return nn_fail(err, NN_INVALID, "plan: prevalence %g, assurance %g", prevalence, assurance);
    if ((double)n / prevalence > TOTAL_MAX / 4)
        return nn_fail(err, NN_LIMIT, "plan: more than %g patients in all", TOTAL_MAX / 4);
    if (n == 0)
        return NN_OK;
    *expected = (uint64_t)ceil((double)n / prevalence * (1 - 1e-15));
    low = n - 1; /* too few; high is enough */
    for (high = *expected; nn_binomial_upper(n, high, prevalence) < assurance; high *= 2)
        low = high;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (nn_binomial_upper(n, middle, prevalence) < assurance)
            low = middle;
        else
            high = middle;
    }
    *assured = high;
    return NN_OK;
}
