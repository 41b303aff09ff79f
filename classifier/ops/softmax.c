/* Softmax and its loss, from the largest logit down so that exp cannot overflow; sums in double. */
#include "ops.h"
#include <math.h>

/* The largest, or NaN when there is one. */
static float largest(int count, const float *x)
{
    float best = x[0];
    for (int i = 1; i < count; i++)
        if (x[i] > best || isnan(x[i]))
            best = x[i];
    return best;
}

void nn_softmax_forward(int count, const float *x, float *y)
{
    float top = largest(count, x);
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += exp((double)x[i] - (double)top);
    for (int i = 0; i < count; i++)
        y[i] = (float)(exp((double)x[i] - (double)top) / sum);
}

/* dx_i = y_i (dy_i - sum_j dy_j y_j) */
void nn_softmax_backward(int count, const float *y, const float *dy, float *dx, int i0, int i1)
{
    double sum = 0;
    for (int j = 0; j < count; j++)
        sum += (double)dy[j] * (double)y[j];
    for (int i = i0; i < i1; i++)
        dx[i] += (float)((double)y[i] * ((double)dy[i] - sum));
}

double nn_cross_entropy(int count, const float *x, int label)
{
    float top = largest(count, x);
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += exp((double)x[i] - (double)top);
    return log(sum) - ((double)x[label] - (double)top);
}
