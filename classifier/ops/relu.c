#include "clones.h"
#include "ops.h"

NN_CLONED
void nn_relu_forward(const float *x, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}

NN_CLONED
void nn_relu_mask(const float *y, float *dy, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}
