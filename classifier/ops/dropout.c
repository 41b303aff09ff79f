/* Inverted dropout (Srivastava et al. 2014): what stays is scaled by 1/(1-rate), so that inference
 * is the identity. The mask is computed, not stored: a hash of the key and the element's index. */
#include "ops.h"

/* The finaliser of SplitMix64 (Steele et al. 2014). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

uint64_t nn_dropout_key(uint64_t seed, uint64_t step, uint64_t layer, uint64_t sample)
{
    uint64_t key = mix(seed + golden);
    key = mix(key ^ (step + golden));
    key = mix(key ^ (layer + golden));
    return mix(key ^ (sample + golden));
}

static float factor(float rate, uint64_t key, size_t index)
{
    /* 24 bits: exact as float, uniform in [0, 1) */
    float u = (float)(mix(key + golden * (index + 1)) >> 40) * 0x1p-24f;
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
