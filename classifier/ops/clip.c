#include "clones.h"
#include "ops.h"

/* Comparisons that NaN fails: it stays. */
NN_CLONED
void nn_clip_forward(float low, float high, const float *x, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float v = x[i] < low ? low : x[i];
        y[i] = v > high ? high : v;
    }
}

NN_CLONED
void nn_clip_backward(float low, float high, const float *x, const float *dy, float *dx,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        dx[i] += x[i] > low && x[i] < high ? dy[i] : 0.0f;
}
