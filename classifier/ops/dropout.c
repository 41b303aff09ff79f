/* Inverted dropout (Srivastava et al. 2014): what stays is scaled by 1/(1-rate), so that inference
 * is the identity. The mask is computed, not stored: a hash of the key and the element's index. */
#include "mix_internal.h"
#include "ops.h"

uint64_t nn_dropout_key(uint64_t seed, uint64_t step, uint64_t layer, uint64_t sample)
{
    uint64_t key = nn_mix64(seed + NN_MIX_STEP);
    key = nn_mix64(key ^ (step + NN_MIX_STEP));
    key = nn_mix64(key ^ (layer + NN_MIX_STEP));
    return nn_mix64(key ^ (sample + NN_MIX_STEP));
}

static float factor(float rate, uint64_t key, size_t index)
{
    /* 24 bits: exact as float, uniform in [0, 1) */
    float u = (float)(nn_mix64(key + NN_MIX_STEP * (index + 1)) >> 40) * 0x1p-24f;
    return u < rate ? 0.0f : 1.0f / (1.0f - rate);
}

void nn_dropout_forward(float rate, uint64_t key, const float *x, float *y, size_t i0, size_t i1)
{
    for (size_t i = i0; i < i1; i++)
        y[i] = x[i] * factor(rate, key, i);
}

void nn_dropout_backward(float rate, uint64_t key, const float *dy, float *dx, size_t i0, size_t i1)
{
    for (size_t i = i0; i < i1; i++)
        dx[i] += dy[i] * factor(rate, key, i);
}
