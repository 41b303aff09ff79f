/* special.c: the functions of distributions that libm lacks. */
#include "nn_measures.h"

#include <float.h>
#include <math.h>

#define LN_SQRT_2PI 0.91893853320467274178
#define CF_STEPS    200000
#define CF_TINY     1e-300

/* lgamma(n + 1) - (n + 1/2) ln n + n - ln sqrt(2 pi): Stirling's remainder (DLMF 5.11.1). */
static double stirling_rest(double n)
{
    double m = 1 / (n * n);
    int sign;

    if (n <= 15)
        return lgamma_r(n + 1, &sign) - (n + 0.5) * log(n) + n - LN_SQRT_2PI;
    return (1.0 / 12 -
            (1.0 / 360 -
             (1.0 / 1260 - (1.0 / 1680 - (1.0 / 1188 - 691.0 / 360360 * m) * m) * m) * m) *
                m) /
           n;
}

/* x ln(x / m) + m - x without cancellation near m (Loader 2000). */
static double deviance(double x, double m)
{
    double d = x - m;

    if (fabs(d) >= 0.1 * (x + m))
        return x * log(x / m) + m - x;
    double v = d / (x + m), sum = d * v, term = 2 * x * v;
    for (int j = 1; j < 1000; j++) {
        double next;
        term *= v * v;
        next = sum + term / (2 * j + 1);
        if (next == sum)
            break;
        sum = next;
    }
    return sum;
}

/* x^a (1-x)^b / B(a, b), as a binomial density at its saddle point (Loader 2000): logarithms of
 * large gammas would cancel. */
static double front(double a, double b, double x)
{
    double n = a + b;
    double lc = stirling_rest(n) - stirling_rest(a) - stirling_rest(b) - deviance(a, n * x) -
                deviance(b, n * (1 - x));

    return exp(lc) * sqrt(a * b / (2 * M_PI * n));
}

static double away_from_zero(double v)
{
    return fabs(v) < CF_TINY ? CF_TINY : v;
}

/* 1 / (1 + d1 / (1 + d2 / (1 + ...))) of DLMF 8.17.22 by Lentz's method. */
static double fraction(double a, double b, double x)
{
    double f = CF_TINY, c = CF_TINY, d = 0;

    for (int k = 0; k < CF_STEPS; k++) {
        double m = k / 2;
        double term = 1;
        if (k % 2)
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        else if (k > 0)
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + term * d);
        c = away_from_zero(1 + term / c);
        f *= c * d;
        if (k > 0 && fabs(c * d - 1) < DBL_EPSILON)
            break;
    }
    return f;
}

double nn_beta(double a, double b, double x)
{
    if (!(a > 0) || !(b > 0) || !(x >= 0) || !(x <= 1) || !isfinite(a + b))
        return NAN;
    if (x == 0 || x == 1)
        return x;
    if (x > (a + 1) / (a + b + 2))
        return 1 - front(b, a, 1 - x) / b * fraction(b, a, 1 - x);
    return front(a, b, x) / a * fraction(a, b, x);
}

double nn_beta_quantile(double a, double b, double p)
{
    double low = 0, high = 1;

    if (!(a > 0) || !(b > 0) || !(p >= 0) || !(p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p;
    while (high - low > 1e-16 * high) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (nn_beta(a, b, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

double nn_binomial_upper(uint64_t k, uint64_t n, double p)
{
    if (!(p >= 0) || !(p <= 1))
        return NAN;
    if (k == 0)
        return 1;
    return k > n ? 0 : nn_beta((double)k, (double)(n - k) + 1, p);
}

double nn_normal_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

double nn_normal_quantile(double p)
{
    double low = -40, high = 0;

    if (!(p > 0) || !(p < 1))
        return NAN;
    if (p > 0.5)
        return -nn_normal_quantile(1 - p); /* exact: 1 - p is, for p over a half */
    for (;;) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return middle;
        if (nn_normal_cdf(middle) < p)
            low = middle;
        else
            high = middle;
    }
}

double nn_chi_square_upper(double x)
{
    return x >= 0 ? erfc(sqrt(x / 2)) : NAN;
}
