/* Sigmoid and SiLU (x * sigmoid(x): Elfwing et al. 2017, "swish"). exp is taken of -|x| only, so
 * that nothing overflows. */
#include "clones.h"
#include "exp.h"
#include "ops.h"

static inline float sigmoid(float x)
{
    float e = nn_exp(x > 0.0f ? -x : x);
    return (x > 0.0f ? 1.0f : e) / (1.0f + e);
}

NN_CLONED
void nn_sigmoid_forward(const float *x, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = sigmoid(x[i]);
}

NN_CLONED
void nn_sigmoid_backward(const float *y, const float *dy, float *dx, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dx[i] += dy[i] * (y[i] * (1.0f - y[i]));
}

NN_CLONED
void nn_silu_forward(const float *x, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] * sigmoid(x[i]);
}

/* d(x s)/dx = s (1 + x (1 - s)) */
NN_CLONED
void nn_silu_backward(const float *x, const float *dy, float *dx, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float s = sigmoid(x[i]);
        dx[i] += dy[i] * (s * (1.0f + x[i] * (1.0f - s)));
    }
}
